"""docs/coverage.md and docs/security.md name pages, commands, functions and tests that exist."""

from __future__ import annotations

import importlib
import os
import re
import stat
from pathlib import Path

import pytest

import lotwise
from lotwise.cli.main import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COVERAGE = (DOCS / "coverage.md").read_text(encoding="utf-8")
SECURITY = (DOCS / "security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in COVERAGE.splitlines()
    if re.match(r"\| \d+ \|", line)
]
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
NOT_THERE: set[str] = set()
"""Rows of which nothing is there: they name nothing, and say so."""


def missing_tests(text: str) -> list[str]:
    """Tests that a page names and that are not there."""
    lost = []
    for file, name in TEST.findall(text):
        path = ROOT / file
        source = path.read_text(encoding="utf-8") if path.exists() else ""
        if not source or (name and not re.search(rf"^(?:async )?def {name}\(", source, flags=re.MULTILINE)):
            lost.append(f"{file}::{name}")
    return lost


def test_every_row_is_there_once() -> None:
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 26)]
    assert all(len(row) == 6 for row in ROWS)


def test_every_row_names_a_page_a_use_and_a_proof_or_says_that_nothing_is_there() -> None:
    for number, told, page, use, proof, missing in ROWS:
        if number in NOT_THERE:
            assert (told, page, use, proof) == ("", "", "", "")
            assert missing
        else:
            assert told
            assert re.search(r"\]\([\w/]+\.md\)", page), number
            assert re.search(r"`lotwise", use), number
            assert TEST.search(proof), number


def test_the_tests_that_are_named_exist() -> None:
    assert len(TEST.findall(COVERAGE)) >= 40
    assert missing_tests(COVERAGE) == []
    assert len(TEST.findall(SECURITY)) >= 20
    assert missing_tests(SECURITY) == []


def test_a_test_that_is_not_there_is_found() -> None:
    assert missing_tests("`tests/docs/test_coverage.py::test_nothing`") == [
        "tests/docs/test_coverage.py::test_nothing"
    ]
    assert missing_tests("`tests/docs/test_none.py`") == ["tests/docs/test_none.py::"]


@pytest.mark.parametrize("text", [COVERAGE, SECURITY], ids=["coverage", "security"])
def test_the_pages_that_are_named_exist(text: str) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (DOCS / target).exists(), target


def test_the_commands_and_functions_that_are_named_exist(capsys: pytest.CaptureFixture[str]) -> None:
    used = " ".join(row[3] for row in ROWS)
    commands = set(re.findall(r"`lotwise ([a-z ]+)`", used))
    assert len(commands) >= 20
    for command in sorted(commands):
        assert main([*command.split(), "--help"]) == 0
        assert f"lotwise {command}" in capsys.readouterr().out
    for name in sorted(set(re.findall(r"`lotwise\.([\w.]+)`", used))):
        if name not in lotwise.__all__:
            importlib.import_module(f"lotwise.{name}")


@pytest.mark.skipif(os.name != "posix", reason="modes say nothing here")
def test_what_the_security_page_says_of_files(tmp_path: Path) -> None:
    from lotwise.app.trade_folder import Folder
    from lotwise.exchange.venue import add_account
    from lotwise.units import parse_cash

    with Folder(tmp_path / "session").taken():
        assert stat.S_IMODE((tmp_path / "session").stat().st_mode) == 0o700
    account = add_account(tmp_path / "exchange", "me", parse_cash("500", "deposit"))
    assert account.key
    held = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "exchange").glob("*.sqlite")}
    assert held
    assert set(held.values()) == {0o600}
