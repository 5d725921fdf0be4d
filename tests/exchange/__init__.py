"""Proofs of the local exchange with real clients; a test here may not reach beyond loopback."""
