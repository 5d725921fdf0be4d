"""``lotwise ruin`` as a person uses it: odds, files of trades, plans; what does not fit; silly input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lotwise.cli.main import main
from tests.e2e.faces import Capture, answered, said

BARE = "ruin bybit:BTCUSDT --equity 200 --win-rate 40% --payoff 2"
SETUP = "ruin bybit:BTCUSDT --entry 60000 --stop 2% --paths 2000"
ODDS = f"{SETUP} --equity 200 --win-rate 40% --payoff 2"
RESULTS = ["2.1", "-1", "-1.02", "0.4", "-1", "3.2", "-1", "-0.6", "1.8", "-1.1"]


@pytest.fixture
def trades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of trades in the folder where the command runs."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{number},{r}" for number, r in enumerate(RESULTS * 6)]
    (tmp_path / "trades.csv").write_text("\n".join(["id,r", *rows]) + "\n", encoding="utf-8")
    return tmp_path / "trades.csv"


def refused(capsys: Capture, command: str) -> tuple[str, str]:
    """Code and message of an error; nothing else is said."""
    assert main([*command.split(), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["hint"]
    return error["code"], error["message"]


def test_an_answer_says_the_odds_the_risk_and_the_way_the_equity_goes(capsys: Capture) -> None:
    shown = said(capsys, f"{ODDS} --target 400")
    words = " ".join(shown.split())
    assert "RUINED bybit:BTCUSDT long, 2,000 paths of 500 trades" in words
    assert "From 200.00 USDT, 500 trades ahead:" in words
    for part in (
        "cannot trade",
        "at the target",
        "ideal lots",
        "Kelly",
        "deepest fall",
        "trades to the target",
    ):
        assert part in shown
    assert "the price stays at the entry in every path" in words
    assert "0.001 BTC −1.2654 0.63 % 0.6327 0.6327" in words
    assert max(map(len, shown.splitlines())) <= 100


def test_json_has_every_figure(capsys: Capture) -> None:
    found = answered(capsys, f"{ODDS} --target 400 --trades-ahead 300")
    shares = [float(found[name]["share"]) for name in ("ruin", "stuck", "reached", "going")]
    assert sum(shares) == pytest.approx(1)
    assert sum(found[name]["paths"] for name in ("ruin", "stuck", "reached", "going")) == 2000
    for name in ("ruin", "stuck", "reached", "going", "ideal_ruin"):
        chance = found[name]
        assert float(chance["low"]) <= float(chance["share"]) <= float(chance["high"])
        assert chance["share"] == f"{chance['paths'] / 2000:.6f}"
    assert found["now"] == {
        "equity": "200.00",
        "budget": "2.00",
        "lots": 1,
        "quantity": "0.001",
        "loss_at_stop": "1.26534",
        "real_risk": "0.006327",
        "r": "0.6327",
        "smallest_r": "0.6327",
    }
    assert found["fits_from"] == "126.534"
    assert found["ruin_at"] == "100.00"
    assert [rung["equity"] for rung in found["ladder"]] == sorted(
        (rung["equity"] for rung in found["ladder"]), key=float
    )
    ends = [float(found["final_equity"][name]) for name in ("p5", "p25", "p50", "p75", "p95")]
    assert ends == sorted(ends)
    assert answered(capsys, f"{ODDS} --target 400 --trades-ahead 300") == found, "the seed decides"
    assert answered(capsys, f"{ODDS} --target 400 --trades-ahead 300 --seed 8") != found


def test_one_lot_of_binance_is_more_than_the_budget_of_200(capsys: Capture) -> None:
    command = "ruin BTCUSDT --equity 200 --risk 1% --stop 2% --entry 60000 --win-rate 45% --payoff 2"
    shown = " ".join(said(capsys, command, 3).split())
    assert "NO TRADE" in shown
    assert "the smallest order would risk 1.2594 R; it fits from 251.88 USDT on" in shown
    assert "251.88 2.5188 0.002 BTC −2.5188 1.0 % 1.00 1.00" in shown
    found = answered(capsys, command, 3)
    assert (found["tradable"], found["stuck"]["share"]) == (False, "1.000000")
    anyway = answered(capsys, f"{command} --stretch 1.5R --paths 500")
    assert anyway["tradable"]
    assert anyway["now"]["r"] == "1.2594"
    assert any("up to 1.5 R" in warning for warning in anyway["warnings"])


def test_what_ruins_is_said_to(capsys: Capture) -> None:
    found = answered(capsys, f"{SETUP} --equity 200 --risk 20% --win-rate 36% --payoff 2")
    assert float(found["ruin"]["share"]) > 0.5
    assert found["trades_to_ruin"]["p50"].isdigit()
    assert "more than Kelly's" in found["warnings"][0]
    lost = answered(capsys, f"{SETUP} --equity 200 --win-rate 30% --payoff 2")
    assert "there is no edge" in lost["warnings"][0]
    assert (lost["kelly"], lost["expectancy_r"][0]) == ("0.0000", "-")
    assert said(capsys, f"{SETUP} --equity 200 --win-rate 0% --payoff 2 --quiet --risk 20%") == "1.000000\n"
    sure = answered(capsys, f"{SETUP} --equity 200 --win-rate 100% --payoff 2")
    assert (sure["ruin"]["paths"], sure["stuck"]["paths"]) == (0, 0)
    absurd = answered(capsys, f"{SETUP} --equity 200 --win-rate 45% --payoff 60")
    assert "paths met 10,000,000,000.00, the most that is counted" in absurd["warnings"][-1]


def test_a_file_of_trades_in_blocks_before_and_after_costs(capsys: Capture, trades: Path) -> None:
    command = f"{SETUP} --equity 500 --trades trades.csv"
    net, gross = answered(capsys, command), answered(capsys, f"{command} --gross")
    assert net["results"] == "60 trades of trades.csv"
    assert float(net["expectancy_r"]) == pytest.approx(sum(map(float, RESULTS)) / 10, abs=1e-4)
    assert float(gross["expectancy_r"]) < float(net["expectancy_r"]) - 0.03
    blocks = answered(capsys, f"{command} --block 5")
    assert blocks["results"] == "60 trades of trades.csv, drawn 5 in a row"
    assert blocks["final_equity"] != net["final_equity"]
    assert "R a trade, costs in: 60 trades of trades.csv" in " ".join(said(capsys, command).split())


def test_a_plan_steps_the_money_at_risk(capsys: Capture) -> None:
    flat = answered(capsys, f"{ODDS} --risk 2%")
    stepped = answered(capsys, f"{ODDS} --risk 2% --plan-step 25% --plan-down 10%")
    lots = answered(capsys, f"{ODDS} --risk 5% --lot-after 10 --plan-down 10%")
    money = answered(capsys, f"{ODDS} --risk 2")
    ends = [found["final_equity"]["p95"] for found in (flat, stepped, lots, money)]
    assert len(set(ends)) == 4
    assert float(stepped["final_equity"]["p95"]) < float(flat["final_equity"]["p95"])


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (f"{SETUP} --equity 200", "RUIN-104", "a file or from a win rate"),
        (f"{SETUP} --equity 200 --win-rate 40%", "RUIN-104", "with a payoff"),
        (f"{ODDS} --trades trades.csv", "RUIN-104", "a file or"),
        (f"{ODDS} --gross", "RUIN-104", "--block belong to --trades"),
        (f"{SETUP} --equity 200 --win-rate 140% --payoff 2", "RUIN-102", "140%"),
        (f"{SETUP} --equity 200 --win-rate 40% --payoff 0", "RUIN-103", "0"),
        (f"{SETUP} --equity 200 --win-rate 40% --payoff two", "UNIT-102", "TWO"),
        (f"{BARE} --entry 60000 --stop 2% --paths 0", "RUIN-105", "0 paths"),
        (f"{ODDS} --trades-ahead 10000000", "RUIN-105", "10,000,000 trades"),
        (f"{ODDS} --seed -1", "RUIN-106", "-1"),
        (f"{ODDS} --target 150", "RUIN-107", "150"),
        (f"{ODDS} --ruin-at 200", "RUIN-108", "200.00"),
        (f"{ODDS} --ruin-at 120%", "RUIN-108", "240.00"),
        (f"{ODDS} --stretch 0.5R", "RUIN-109", "0.5 R"),
        (f"{ODDS} --plan-step 0%", "RUIN-110", "0%"),
        (f"{ODDS} --plan-down 10%", "RUIN-110", "winning trades"),
        (f"{ODDS} --lot-after 0", "RUIN-110", "0 trades"),
        (f"{ODDS} --plan-step 20% --risk 2", "RUIN-110", "money at risk"),
        (f"{ODDS} --plan-step 20% --plan-down 100%", "RUIN-110", "100 %"),
        (f"{SETUP} --equity 200 --trades trades.csv --block 61", "RUIN-111", "blocks of 61"),
        (f"{SETUP} --equity 200 --trades gone.csv", "STATS-106", "gone.csv"),
        (f"{SETUP} --equity 200 --trades trades.csv --column result", "STATS-107", "result"),
        (f"{BARE} --entry 60000:50%,59000:50% --stop 2%", "RUIN-101", "2 entries"),
        (f"{BARE} --short --entry 60000 --stop liquidation --leverage 5", "RUIN-101", "liquidation"),
        ("ruin NOPE --equity 200 --entry 1 --stop 2% --win-rate 40% --payoff 2", "CONTRACT-202", "NOPE"),
        (f"{SETUP} --equity 0 --win-rate 40% --payoff 2", "SIZE-010", "0"),
        (f"{SETUP} --equity nan --win-rate 40% --payoff 2", "UNIT-102", "nan"),
        (f"{SETUP} --equity 99999999999 --win-rate 40% --payoff 2", "UNIT-105", "99999999999"),
    ],
)
def test_silly_input_is_refused(capsys: Capture, trades: Path, command: str, code: str, words: str) -> None:
    found = refused(capsys, command)
    assert found[0] == code
    assert words in found[1]
    assert trades.is_file()


def test_a_row_of_text_is_named(capsys: Capture, trades: Path) -> None:
    with trades.open("a", encoding="utf-8") as lines:
        lines.write("61,breakeven\n")
    code, message = refused(capsys, f"{SETUP} --equity 200 --trades trades.csv")
    assert (code, message) == ("STATS-108", "trades.csv, row 62: r is 'breakeven': not a number")
