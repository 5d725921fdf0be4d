"""The committed fingerprints: what every workload computes, at its small and at its full size."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.workload import Workload, fingerprint

FILE = Path(__file__).with_name("fingerprints.json")

Fingerprints = dict[str, dict[str, str]]
"""Workload name to size to fingerprint."""


def committed() -> Fingerprints:
    """What the file says; empty where there is none yet."""
    if not FILE.is_file():
        return {}
    read: Fingerprints = json.loads(FILE.read_text("utf-8"))
    return read


def expected(workload: Workload, size: int) -> str | None:
    """The fingerprint a workload must have at a size."""
    return committed().get(workload.name, {}).get(str(size))


def accept(found: Fingerprints) -> None:
    """Write fingerprints over the committed ones; those of other workloads and sizes stay."""
    merged = committed()
    for name, sizes in found.items():
        merged[name] = merged.get(name, {}) | sizes
    FILE.write_text(json.dumps(merged, indent=2, sort_keys=True) + "\n", "utf-8")


def computed(workload: Workload) -> dict[str, str]:
    """What a workload computes now, at both sizes, by its quickest body."""
    body = list(workload.bodies.values())[-1]
    return {str(size): fingerprint(body(size)) for size in sorted({workload.small, workload.full})}
