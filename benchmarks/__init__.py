"""Seeded, named workloads: how long each takes, and a fingerprint of what it computed.

``python -m benchmarks`` (or ``make bench``) times them all. A faster version is accepted only with
the same fingerprint, so a benchmark may not skip, sample or approximate what it times, and no test
may depend on a time measured here.
"""
