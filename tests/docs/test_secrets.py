"""No text file of the project holds what looks like a key, a token or a password."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"),
    "a cloud key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|xox[abpr]-[A-Za-z0-9-]{10,}|glpat-[\w-]{20})"),
    "a venue's key": re.compile(r"(?i)(?:key|secret)\w*[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9]{48,}\b"),
}
MADE_UP = {
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": "tests/unit/test_notify.py cleans it"
}
"""What a test needs in the shape of a key: the SHA-256 of the word "test"."""


def found_in(text: str) -> list[str]:
    """Which shapes a text has, without what was made up for a test."""
    for known in MADE_UP:
        text = text.replace(known, "")
    return [name for name, shape in SHAPES.items() if shape.search(text)]


def test_no_file_holds_what_looks_like_a_key() -> None:
    words = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=60, check=False)
    if listed.returncode != 0:
        pytest.skip("the list of files comes from git, and this folder is not a repository")
    paths = [ROOT / name for name in listed.stdout.decode("utf-8").split("\0") if name]
    assert len(paths) > 500
    lost = {}
    for path in paths:
        if path.is_file() and (found := found_in(path.read_text(encoding="utf-8", errors="replace"))):
            lost[path.relative_to(ROOT).as_posix()] = found
    assert not lost


def test_the_shapes_see_what_they_are_for() -> None:
    assert found_in("-----BEGIN RSA " + "PRIVATE KEY-----\n" + "A" * 20) == ["a private key"]
    assert found_in("AKIA" + "Q" * 16) == ["a cloud key"]
    assert found_in("ghp_" + "a1" * 18) == ["a token"]
    assert found_in('LOTWISE_BINANCE_KEY="' + "a1B2" * 16 + '"') == ["a venue's key"]
    assert found_in("key = os.environ['LOTWISE_BINANCE_KEY']") == []
