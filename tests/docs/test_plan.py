"""docs/plan.md is true: its transcripts are run, its files compared, its table and pictures made again."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("polars")

from lotwise.app.plan import BY_HAND_DAYS
from lotwise.app.plan_year import EQUITY_CASH, STRETCHES, YEAR_PLAN, Year, walk_year
from lotwise.cli.main import main
from lotwise.clock import FixedClock
from lotwise.records.plan import TradeClosed, Transferred, Transition
from lotwise.scaling import gates
from lotwise.scaling.config import Gate
from lotwise.scaling.example import EXAMPLE
from lotwise.scaling.history import history_of
from lotwise.scaling.machine import Plan
from lotwise.scaling.pictures import course, gate_bars
from lotwise.units import cash_text

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "plan.md").read_text(encoding="utf-8")
FLAT = " ".join(PAGE.split())
CONSOLE = re.findall(r"```console\n\$ (lotwise [^\n]+)\n(.*?)```", PAGE, flags=re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
TRADES_SHOWN = 44
"""Trades after which the picture of the gates is drawn."""
NOW = datetime(2025, 1, 6, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LOTWISE_JOURNAL", str(tmp_path / "journal.sqlite"))
    clock = FixedClock(int(NOW.timestamp()) * 10**9)
    monkeypatch.setattr("lotwise.cli.plan.SystemClock", lambda: clock)
    return tmp_path


def test_the_transcripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(CONSOLE) == 5
    for command, shown in CONSOLE:
        assert main(shlex.split(command)[1:]) == 0
        found = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
        assert found.strip("\n") == shown.strip("\n"), command


def test_the_files() -> None:
    files = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    assert files == [EXAMPLE, YEAR_PLAN]


def test_the_python_of_the_page_runs(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(PYTHON[0], names)
    rows = [
        f"| {cash_text(step.equity_cash)} | {cash_text(step.risk_cash)} | {cash_text(step.notional_cash)} |"
        f" {step.plan.quantity} BTC |"
        for step in names["steps"]
    ]
    assert rows[1] == "| 1150.00 | 11.50 | 575.00 | 0.0088 BTC |"
    for row in rows:
        assert row in PAGE
    assert names["ladder"] == [int(Fraction(6, 5) ** step * 1_000 * 10**8) for step in range(5)]
    assert main(["plan", "init"]) == 0
    assert main(["plan", "check", "--equity", "1000"]) == 0
    capsys.readouterr()
    exec(PYTHON[1], {})
    assert capsys.readouterr().out == "paper 1000000000 ()\n"


def test_the_pictures_and_the_story() -> None:
    year = walk_year()
    drawn = pictures(year)
    for name, picture in drawn.items():
        assert (DOCS / "pictures" / name).read_text(encoding="utf-8") == picture, name
    assert f"after {TRADES_SHOWN} trades" in PAGE
    told: dict[str, Transition] = {one.kind: one for one in year.transitions}
    ups = [one for one in year.transitions if one.kind == "phase up"]
    days = {
        name: f"{datetime.fromtimestamp(one.time_ns // 10**9, tz=UTC):%-d %B}"
        for name, one in {"live": ups[0], "gradual": ups[1], **told}.items()
    }
    deposit = next(event for event in year.events if isinstance(event, Transferred))
    for text in (
        f"until {days['live']}",
        f"from {days['gradual']}: half of the account. On {days['step up']} a step: 5.40 becomes 6.48",
        f"500 on {datetime.fromtimestamp(deposit.time_ns // 10**9, tz=UTC):%-d %B}",
        f"On {days['step down']} a step down, 6.48 to 5.40; on {days['lock']} the phase has fallen 15 %",
        "back to live small, 3.30 at risk",
        "first look, after 50 trades, opens the gate",
    ):
        assert text in FLAT, text
    assert [one.risk_cash // 10**6 for one in year.transitions] == [1000, 200, 540, 648, 540, 540, 330]
    assert "; ".join(f"{days} days of {name}" for name, days in STRETCHES).count("range") == 2
    for name, days_long in STRETCHES:
        assert f"{days_long} days of {'range' if name == 'range' else 'everything'}" in FLAT
    early = [
        one for one in year.trips["paper"] if one["closed_ns"] < year.events[0].time_ns + 45 * 864 * 10**11
    ]
    assert sum(one["result_cash"] < 0 for one in early) > len(early) / 2, "most fail at first"
    closes = [one.equity_cash for one in year.events if isinstance(one, TradeClosed) and one.where == "live"]
    assert 0.04 < 1 - closes[-1] / max(closes) < 0.075
    assert EQUITY_CASH + deposit.amount_cash == 1_500 * 10**8


def test_what_is_said_of_looks_and_transfers() -> None:
    gate = Gate(trades=50, look_every=25, expectancy8=0)
    said = [f"{gates.level_of(gate, look):.1%}".replace("%", " %").replace(".0 ", " ") for look in (1, 2, 3)]
    assert said == ["95 %", "98.3 %", "99.2 %"]
    for text in said:
        assert f"one of {text}" in FLAT or f"interval of {text}" in FLAT
    before, after = BY_HAND_DAYS
    assert f"up to {after} days before it or {before} day after it" in FLAT
    for command in set(re.findall(r"lotwise plan (\w+)", PAGE)):
        assert main(["plan", command, "--help"]) == 0


def pictures(year: Year) -> dict[str, str]:
    """The pictures of the page, by the name of their file."""
    history = history_of(year.config, year.events, int(year.feed["time_ns"][-1]))
    plan = Plan(year.config)
    for event in year.events[: TRADES_SHOWN + 1]:
        plan.tell(event)
    assert len(plan.marks) == TRADES_SHOWN
    return {
        "plan_year.svg": course(history, title="A year with a plan"),
        "plan_gates.svg": gate_bars(plan.gates(), title="Gates of paper"),
    }
