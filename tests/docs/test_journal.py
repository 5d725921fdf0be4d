"""docs/journal.md is true: its files are written, its commands run, their transcripts compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")

from lotwise.cli.main import main
from lotwise.journal.columns import FILLS, INCOMES
from lotwise.journal.export import rows_of
from lotwise.journal.notes import Notes

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "journal.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n\$ (lotwise [^\n]+)\n(.*?)```", PAGE, flags=re.DOTALL)


def plain(text: str) -> str:
    lines = [re.sub(r"^  20(?!25)\d\d-\d\d-\d\d \d\d:\d\d:\d\d", "  NOW", line) for line in text.splitlines()]
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def test_transcripts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOTWISE_JOURNAL", str(tmp_path / "journal.sqlite"))
    monkeypatch.setenv("LOTWISE_STORE", str(tmp_path / "market"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("LOTWISE_ZONE", raising=False)
    for name, text in re.findall(r"```csv (\S+)\n(.*?)```", PAGE, flags=re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert len(CONSOLE) >= 4
    for command, shown in CONSOLE:
        assert main(shlex.split(command)[1:]) == 0
        assert plain(capsys.readouterr().out) == plain(shown), command


def test_the_program_runs_and_may_run_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    for _ in range(2):
        names: dict[str, object] = {}
        exec(code, names)
        journal, trade = names["journal"], names["trade"]
        (row,) = rows_of(journal, [trade])
        assert (row["setup"], row["leverage100"], row["risk_cash"]) == ("range", 300, 40 * 10**8)
        assert len(Notes(journal).story(trade).stops) == 1
        assert len(journal.database.events("journal")) == 4
        journal.close()


def test_the_columns_that_are_named_are_those_that_are_read() -> None:
    known = {name for form in (*FILLS, *INCOMES) for names in form.columns.values() for name in names}
    rows = re.findall(r"^\| (?:Binance|Bybit|BingX|MEXC|WEEX) \|(.*)\|$", PAGE, flags=re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"\b[a-z]+[A-Z]\w*\b", row)}
    assert len(rows) == 5
    assert len(named) >= 20
    assert named <= known


def test_named_commands_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    named = set(re.findall(r"lotwise (journal \w+)", PAGE))
    assert len(named) >= 7
    for command in named:
        assert main([*command.split(), "--help"]) == 0
        assert "Usage" in capsys.readouterr().out
