"""One virtual environment per peer, and the probe that runs in it.

Kept in a folder that git ignores and made anew when its requirements or its Python change. It may not
run anything of a peer in the project's own environment.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PIP_INSTALL = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes", "-r"]
LOCATION = re.compile(r"(?:\w+://|/)[^\s'\")]+")


class Peer(NamedTuple):
    """A peer: its name on the page, its requirements, and the Pythons to try, best first."""

    key: str
    package: str
    pythons: tuple[str, ...] = ()
    use: str = "parity"
    """What it is asked for: the beginning of its requirements' name."""

    @property
    def requirements(self) -> Path:
        """Pinned with hashes."""
        return ROOT / "requirements" / f"{self.use}-{self.key}.txt"

    @property
    def probe(self) -> Path:
        """The script that runs inside."""
        return Path(__file__).with_name(f"probe_{self.key}.py")


PEERS = (
    Peer("nautilus", "nautilus_trader", ("3.13", "3.12")),
    Peer("jesse", "jesse"),
    Peer("freqtrade", "freqtrade"),
    Peer("lrvx", "lrvx"),
)


class Refused(Exception):
    """A peer that could not be installed or asked; the text says what was tried."""


def interpreter(peer: Peer) -> str:
    """The first Python of the peer's list that runs here, or the one that runs this."""
    for version in peer.pythons:
        for candidate in (f"python{version}", *from_pyenv(version)):
            path = shutil.which(candidate)
            if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
                return path
    return sys.executable


def from_pyenv(version: str) -> list[str]:
    """Where pyenv keeps a version that is installed but not chosen."""
    if not shutil.which("pyenv"):
        return []

    def said(*words: str) -> str:
        done = subprocess.run(["pyenv", *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    installed = [name for name in said("versions", "--bare").split() if name.startswith(f"{version}.")]
    return [f"{said('prefix', name)}/bin/python" for name in installed]


def prepare(peer: Peer, folder: Path) -> Path:
    """The environment's Python, made first where it is missing or stale."""
    python = interpreter(peer)
    home = folder.resolve() / peer.key
    stamp = hashlib.sha256(peer.requirements.read_bytes() + python.encode() + str(home).encode()).hexdigest()
    kept = home / "stamp"
    inside = home / "bin" / "python"
    if kept.exists() and kept.read_text(encoding="utf-8") == stamp:
        return inside
    print(f"{peer.package}: making its environment; this can take minutes", flush=True)
    run([python, "-m", "venv", "--clear", str(home)], f"a virtual environment for {peer.package}")
    run(
        [str(inside), *PIP_INSTALL, str(peer.requirements)],
        f"pip install --require-hashes -r requirements/{peer.requirements.name}",
    )
    kept.write_text(stamp, encoding="utf-8")
    return inside


def run(command: list[str], tried: str) -> None:
    """Run one step; what it says stays out of the page but for its last line, without locations."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{tried} failed: {last_line(done.stderr)}")


def last_line(output: str) -> str:
    """The last line that says something, without paths and addresses."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    return LOCATION.sub("…", errors[-1])[:200] if errors else "it said nothing"


def ask(peer: Peer, question: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Install the peer where needed and put the question to its probe.

    Raises
    ------
    Refused
        It could not be installed, or its probe failed.
    """
    python = prepare(peer, folder)
    print(f"{peer.package}: asking", flush=True)
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(
            [str(python), "-I", str(peer.probe)],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=False,
            cwd=elsewhere,
        )
    if done.returncode:
        raise Refused(f"tools/parity/{peer.probe.name} failed: {last_line(done.stderr)}")
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered
