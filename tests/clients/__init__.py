"""Clients that are not ours, in an environment of their own: ``make test-clients``."""
