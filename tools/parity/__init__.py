"""Measures other open-source tools beside lotwise and writes ``docs/parity.md``.

    python -m tools.parity

Each peer runs in an environment of its own under ``.venv-parity``; a probe script calls the peer's own
functions there and prints what they answer. Nothing of a peer is copied: no code, no data files.
This package may not decide anything about money; it compares.
"""
