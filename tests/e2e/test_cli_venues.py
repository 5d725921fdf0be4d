"""``lotwise venues`` from end to end: tables of 80 and 120 columns, JSON, exit codes."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from lotwise.cli.main import main
from lotwise.cli.venues import CLOCK, UNKNOWN
from lotwise.clock import SystemClock
from lotwise.contracts.venues import FACTS, NAMES
from tests.e2e.faces import Capture, in_a_terminal, said

TWO = "venues --equity 500 --price 60000 --venue binance,bybit"
ALL = "venues --equity 500 --price 60000"
NOTHING = "venues --equity 100 --price 60000 --venue binance"


def refused(capsys: Capture, command: str) -> str:
    """What a command that cannot be answered prints on standard error."""
    assert main(shlex.split(command)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.match(r"error\[[A-Z]+-\d{3}\]: .+\nhint: .+\n\Z", shown.err)
    return shown.err


def row(lines: list[str], label: str) -> list[str]:
    """The cells of the row with that label."""
    line = next(line for line in lines if line.startswith(f"  {label}  "))
    return re.split(r"\s{2,}", line.strip())[1:]


# -- tables ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 120])
def test_two_venues_stand_in_columns(columns: int) -> None:
    lines = in_a_terminal(TWO, columns)
    assert max(map(len, lines)) <= min(columns, 100)
    assert row(lines, "contract") == ["binance:BTCUSDT", "bybit:BTCUSDT"]
    assert row(lines, "smallest order") == ["0.002 BTC", "0.001 BTC"]
    assert row(lines, "worth") == ["120.00 USDT", "60.00 USDT"]
    assert row(lines, "may trade") == ["0.003 BTC", "0.003 BTC"]
    assert row(lines, "loses at the stop") == ["3.7782", "3.7961"]
    assert row(lines, "of the budget") == ["75.57 %", "75.93 %"]
    assert row(lines, "maker/taker %") == ["0.02/0.05", "0.02/0.055"]
    assert row(lines, "minimum withdrawal") == [UNKNOWN, UNKNOWN]
    assert all(any(fact.replace("_", " ") in line for line in lines) for fact in FACTS if "fee" not in fact)


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_all_venues_stand_below_each_other(columns: int) -> None:
    lines = in_a_terminal(f"{ALL} --sources", columns)
    assert max(map(len, lines)) <= min(columns, 100)
    text = "\n".join(lines)
    assert all(text.count(f"{name} ") >= 3 for name in NAMES.values())
    assert re.search(r"Binance USD-M +0\.002 +120\.00 +0\.003 +3\.7782 +75\.57 %", text)
    assert re.search(r"Bybit linear +0\.001 +60\.00 +0\.003 +3\.7961 +75\.93 %", text)
    assert re.search(r"\n  minimum withdrawal\n(.+\n)+    unknown +.*Binance USD-M", text)
    assert text.count("sources of") == len(NAMES)
    assert "2020-07-16" in text


def test_the_sources_are_left_out_unless_asked_for(capsys: Capture) -> None:
    assert "cmegroup.com" not in said(capsys, ALL)
    assert "cmegroup.com" in said(capsys, f"{ALL} --sources")


def test_what_does_not_fit_says_why_and_the_way_out(capsys: Capture) -> None:
    shown = said(capsys, NOTHING, code=3)
    assert "■ NO TRADE in BTC" in shown
    assert "the budget is" in " ".join(shown.split())
    assert "place the stop at" in " ".join(shown.split())


def test_no_slippage_is_said_and_slippage_counts(capsys: Capture) -> None:
    assert "no slippage is counted" in said(capsys, TWO)
    assert "no slippage is counted" not in said(capsys, f"{TWO} --slippage 5t")


# -- for programs ----------------------------------------------------------------------------------


def test_json_is_one_object(capsys: Capture) -> None:
    answer: dict[str, Any] = json.loads(said(capsys, f"{ALL} --json"))
    assert [one["venue"] for one in answer["venues"]] == list(NAMES)
    binance = answer["venues"][0]
    assert (binance["quantity"], binance["loss"], binance["lot_waste"]) == ("0.003", "3.7782", "0.2443")
    assert binance["facts"]["minimum_deposit"] is None
    assert binance["facts"]["trailing_stop"]["as_of"] == "2026-10-23"
    assert answer["least_waste"] in NAMES
    assert json.loads(said(capsys, f"{NOTHING} --json", code=3))["least_waste"] is None


def test_quiet_is_one_line_for_each_venue_that_takes_the_trade(capsys: Capture) -> None:
    assert said(capsys, f"{TWO} --quiet") == "binance:BTCUSDT 0.003\nbybit:BTCUSDT 0.003\n"
    assert said(capsys, f"{NOTHING} --quiet", code=3) == "none\n"


def test_a_short_is_the_other_side(capsys: Capture) -> None:
    short = json.loads(said(capsys, f"{TWO} --short --json"))
    assert (short["side"], short["venues"][0]["stop"]) == ("short", "61200.0")


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("venues", "USAGE-001"),
        ("venues --equity 500 --price 60000 --venue kraken", "CONTRACT-201"),
        ("venues --equity 500 --price 60000 --venue ''", "CONTRACT-201"),
        ("venues --equity 500 --price 60000 --coin NOSUCHCOIN", "CONTRACT-202"),
        ("venues --equity 500 --price 60000 --coin ../../etc", "CONTRACT-204"),
        ("venues --equity 0 --price 60000", "SIZE-010"),
        ("venues --equity 500 --price 0", "SIZE-001"),
        ("venues --equity 500 --price 60000 --stop 2atr", "COMPARE-002"),
        ("venues --equity 500 --price 60000 --stop 61000 --venue binance", "SIZE-005"),
        ("venues --equity 500 --price 60000 --risk 101%", "SIZE-009"),
        ("venues --equity 500 --price 60000 --short --side long", "USAGE-008"),
        ("venues --equity 500 --price 60000 --side up", "USAGE-001"),
        ("venues --equity 500 --price nan", "UNIT-102"),
        ("venues --equity 500 --price 60000 --colour", "USAGE-001"),
    ],
)
def test_a_mistake_is_coded_and_ends_with_2(capsys: Capture, command: str, code: str) -> None:
    assert refused(capsys, command).startswith(f"error[{code}]: ")


def test_a_mistake_is_json_where_json_was_asked_for(capsys: Capture) -> None:
    assert main(shlex.split("venues --equity 500 --price 60000 --venue kraken --json")) == 2
    shown = capsys.readouterr()
    assert shown.err == ""
    assert json.loads(shown.out)["error"]["code"] == "CONTRACT-201"


def test_help_names_every_option(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = said(capsys, "venues --help")
    names = (
        "equity",
        "risk",
        "coin",
        "stop",
        "price",
        "side",
        "short",
        "spread",
        "slippage",
        "venue",
        "sources",
    )
    assert all(f"--{name}" in shown for name in (*names, "json", "plain", "quiet"))
    assert isinstance(CLOCK, SystemClock)
