"""A plan's TOML: what it may say, and what is refused with its place and a way out."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lotwise.errors import InputError
from lotwise.kernel.limit_rows import EQUITY_STEPS, FRACTION, TRADE_STEPS
from lotwise.scaling.config import load_plan, read_plan
from lotwise.scaling.example import EXAMPLE

HEAD = '[plan]\nname = "p"\n'
PAPER = '[[phase]]\nname = "a"\nwhere = "paper"\nrisk = "1%"\n'
GATE = "[phase.gate]\ntrades = 50\n"
LIVE = '[[phase]]\nname = "b"\nwhere = "live"\nrisk = "1%"\n'


def test_the_example_is_a_plan_from_paper_to_full_size() -> None:
    plan = read_plan(tomllib.loads(EXAMPLE))
    assert [phase.where for phase in plan.phases] == ["paper", "live", "live", "live"]
    assert [phase.kind for phase in plan.phases] == [FRACTION, FRACTION, EQUITY_STEPS, EQUITY_STEPS]
    assert plan.phases[0].capital_cash == 1_000 * 10**8
    assert plan.phases[1].capital_share8 == 20_000_000
    assert plan.phases[0].gate.breaches == (1, 25)
    assert plan.phases[2].step_share8 == 20_000_000


def test_a_lot_more_after_trades() -> None:
    text = HEAD + PAPER + "lots = 2\nsteps = {lot_after = 20, down = '10%'}\n"
    (phase,) = read_plan(tomllib.loads(text)).phases
    assert (phase.kind, phase.lots, phase.step_trades, phase.down_share8) == (TRADE_STEPS, 2, 20, 10_000_000)


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("", "PLAN-102", "[plan]"),
        (HEAD, "PLAN-102", "no [[phase]]"),
        ("plan = 3\n" + PAPER, "PLAN-102", "not a table"),
        (HEAD + "nmae = 'x'\n" + PAPER, "PLAN-103", "unknown key"),
        (HEAD + PAPER + "riks = '1%'\n", "PLAN-103", "riks"),
        (HEAD + PAPER + "[phase.gate]\ntrade = 3\n", "PLAN-103", "trade"),
        ("[plan]\n" + PAPER, "PLAN-104", "no name"),
        (HEAD + PAPER.replace("paper", "demo"), "PLAN-104", "where is 'demo'"),
        (HEAD + PAPER.replace('risk = "1%"', ""), "PLAN-104", "no risk"),
        (HEAD + PAPER + "[phase.gate]\nbreaches = 'few'\n", "PLAN-104", "breaches"),
        (HEAD + PAPER + "[phase.gate]\ntrades = 9\nexpectancy = 'good'\n", "PLAN-104", "expectancy"),
        (HEAD + PAPER + "[phase.gate]\nlevel = '100%'\n", "PLAN-104", "level"),
        (HEAD + PAPER + "fall = {drawdown = '5%', back = 'yes'}\n", "PLAN-104", "back"),
        (HEAD + PAPER + "[phase.gate]\nexpectancy = '0R'\n", "PLAN-105", "after 0 trades"),
        (HEAD + PAPER + "steps = {up = '20%', lot_after = 5}\n", "PLAN-105", "up"),
        (HEAD + PAPER + "steps = {down = '20%'}\n", "PLAN-105", "no way up"),
        (HEAD + PAPER + "steps = {lot_after = 5}\n", "PLAN-105", "lots to begin with"),
        (HEAD + PAPER + "fall = {pause = '7d'}\n", "PLAN-105", "not when"),
        (HEAD + PAPER + "fall = {drawdown = '5%', back = true}\n", "PLAN-105", "none to go back to"),
        (HEAD + PAPER + GATE + PAPER, "PLAN-105", "two phases are called"),
        (HEAD + LIVE + GATE + PAPER, "PLAN-105", "live before paper"),
        (HEAD + PAPER + LIVE, "PLAN-105", "no gate"),
        (HEAD + PAPER + "contracts = ['bybit:BTCUSDT', 'binance:BTCUSDT']\n", "PLAN-105", "usual_stop"),
        (HEAD + PAPER.replace("1%", "1"), "GUARD-203", "risk"),
        (HEAD + PAPER + "capital = 'all'\n", "GUARD-204", "capital"),
    ],
)
def test_what_is_no_plan(text: str, code: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read_plan(tomllib.loads(text))
    assert caught.value.code == code
    assert told in caught.value.message


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PLAN-101") as caught:
        load_plan(tmp_path / "none.toml")
    assert "plan init" in caught.value.hint
    broken = tmp_path / "plan.toml"
    broken.write_text("[plan\n")
    with pytest.raises(InputError, match="PLAN-101"):
        load_plan(broken)
