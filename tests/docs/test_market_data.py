"""docs/market_data.md is true: its commands are run one after the other and their transcripts compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("polars")

from lotwise.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "market_data.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n\$ (lotwise [^\n]+)\n(.*?)```", PAGE, flags=re.DOTALL)


def test_transcripts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTWISE_STORE", str(tmp_path / "market"))
    assert len(CONSOLE) >= 4
    for command, shown in CONSOLE:
        assert main(shlex.split(command)[1:]) == 0
        found = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
        assert found.strip("\n") == "\n".join(line.rstrip() for line in shown.splitlines()).strip("\n"), (
            command
        )


def test_named_commands_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    named = set(re.findall(r"lotwise (data \w+)", PAGE))
    assert len(named) >= 5
    for command in named:
        assert main([*command.split(), "--help"]) == 0
        assert "Usage" in capsys.readouterr().out


def test_pictures_and_pages_are_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", PAGE):
        assert (Path(__file__).parents[2] / "docs" / target).exists(), target
