"""How the end-to-end tests ask a command: in this process, or in a terminal of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from typing import Any

import pytest

from lotwise.cli.main import main

ENTRY = "import sys; from lotwise.cli.main import main; sys.exit(main())"
"""The console script, for an interpreter's ``-c``."""

Capture = pytest.CaptureFixture[str]


def said(capsys: Capture, command: str, code: int = 0) -> str:
    """What a command prints, in this process; nothing may be on standard error."""
    assert main(shlex.split(command)) == code
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def answered(capsys: Capture, command: str, code: int = 0) -> dict[str, Any]:
    """What a command answers to ``--json``."""
    answer: dict[str, Any] = json.loads(said(capsys, f"{command} --json", code))
    return answer


def in_a_terminal(command: str, columns: int) -> list[str]:
    """The lines a terminal of that width gets, without colours."""
    theirs, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-c", ENTRY, *shlex.split(command)],
        stdout=ours,
        stderr=ours,
        env=environment | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
    ) as process:
        os.close(ours)
        received = b""
        while True:
            try:
                part = os.read(theirs, 65_536)
            except OSError:  # the other end is closed: Linux says EIO
                break
            if not part:
                break
            received += part
        process.wait(timeout=60)
    os.close(theirs)
    return re.sub(r"\x1b\[[0-9;]*m", "", received.decode("utf-8")).splitlines()
