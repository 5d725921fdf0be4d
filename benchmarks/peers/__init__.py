"""Other engines on the kernel's workloads, each in an environment of its own.

A probe runs inside its peer's environment and imports nothing of this project. It may not be tuned against
the peer: it uses the quickest documented way we found, and says so.
"""
