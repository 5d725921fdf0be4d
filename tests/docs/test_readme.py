"""The README is true: its commands are run and its transcripts compared, its Python is doctested."""

from __future__ import annotations

import doctest
import os
import re
import shlex
from pathlib import Path

import pytest

from lotwise.cli.main import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n\$ (lotwise [^\n]+)\n(.*?)```", README, flags=re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def settled(text: str) -> str:
    """Text without what changes by itself: the age of the facts, trailing blanks."""
    aged = re.sub(r"\d+ days old", "N days old", text)
    return "\n".join(line.rstrip() for line in aged.splitlines()).strip("\n")


def test_the_readme_has_transcripts_and_python() -> None:
    assert len(CONSOLE) >= 4
    assert len(PYTHON) >= 2


@pytest.mark.parametrize(("command", "shown"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_transcript(command: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(shlex.split(command)[1:])
    assert settled(capsys.readouterr().out) == settled(shown)


def test_python_blocks() -> None:
    parser = doctest.DocTestParser()
    names: dict[str, object] = {}
    test = parser.get_doctest("\n".join(PYTHON), names, "README", "README.md", 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted >= 7
    assert result.failed == 0


def test_named_files_exist() -> None:
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (ROOT / target).exists(), f"{page} links {target}"
        for module in re.findall(r"`((?:kernel|sizing|contracts|cli|app|records)/\w+\.py)`", text):
            assert os.path.exists(ROOT / "src" / "lotwise" / module), f"{page} names {module}"
