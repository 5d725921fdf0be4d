"""``lotwise backtest`` as a person uses it: the library, a file of one's own, silly input, a real month."""

from __future__ import annotations

import csv
import json
import re
import shlex
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lotwise import Contract, FeeSchedule
from lotwise.app.backtest import one_coin
from lotwise.app.backtest_data import Wanted, contract_of, wanted_of
from lotwise.cli.main import main
from lotwise.errors import InputError
from tests.e2e.faces import Capture, answered, said

pl = pytest.importorskip("polars")
pytest.importorskip("numpy")

MADE = "data synthetic --scenario storm --days 2 --seed 3 --kinds bars,funding"
OWN = '''
from lotwise.records.signal import Signal
from lotwise.strategy.api import Strategy


class Dip(Strategy):
    """Buys a falling bar."""

    def __init__(self, every=20, away=40):
        self.every, self.away, self._seen = every, away, 0

    def on_bar(self, bar, view):
        self._seen += 1
        if self._seen % self.every or view.lots:
            return None
        stop = bar.close_ticks - bar.close_ticks * self.away // 10_000
        return Signal(side=1, stop_ticks=stop, hold_ns=1_800 * 10**9, reason="a dip")


class Broken(Strategy):
    """Fails."""

    def on_bar(self, bar, view):
        self._seen = getattr(self, "_seen", 0) + 1
        return 1 / 0 if self._seen == 7 else None
'''


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up market of two contracts."""
    folder = tmp_path_factory.mktemp("backtest") / "market"
    assert main([*MADE.split(), "--contracts", "BTCUSDT,ETHUSDT", "--store", str(folder)]) == 0
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file with strategies of one's own."""
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    return file


BASE = "backtest breakout --data synthetic:BTCUSDT,synthetic:ETHUSDT --equity 1000 --set bars=30,ranges=2"


def test_one_answer_as_text_json_page_and_files(capsys: Capture, store: Path, tmp_path: Path) -> None:
    page, trades, returns = tmp_path / "a.html", tmp_path / "t.csv", tmp_path / "r.csv"
    command = f"{BASE} --store {store} --html {page} --trades {trades} --returns {returns}"
    found = answered(capsys, command)
    assert found["written"] == {"trades": str(trades), "returns": str(returns), "html": str(page)}
    with trades.open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert len(listed) == found["trades"]["count"] > 20
    results = [Decimal(row["result"]) for row in listed]
    assert sum(results) == Decimal(found["result"]["closed_trades"])
    for row in listed:
        spent = sum(Decimal(row[name]) for name in ("fees", "funding", "insurance"))
        assert Decimal(row["result"]) == Decimal(row["move"]) - spent
        assert Fraction(row["result"]) / Fraction(row["risk"]) - Fraction(row["r"]) < Fraction(1, 10**8)
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"<script|\son\w+=|https?://(?!www\.w3\.org)|@import|url\(", text)
    shown = said(capsys, f"{BASE} --store {store}")
    assert f"{found['trades']['count']:,} trades of Breakout(bars=30, ranges=2)" in shown
    for words in ("What came of it", "Between which results", "Where the money went", "What was assumed"):
        assert words in shown
    assert "made up, without fees" in " ".join(shown.split())
    assert said(capsys, f"{BASE} --store {store} --quiet").strip() == found["result"]["equity_end"]
    ruin = f"ruin BTCUSDT --entry 60000 --stop 2% --equity 1000 --trades {trades} --paths 100 --json"
    assert main(shlex.split(ruin)) == 0, "its trades are what ruin reads"
    capsys.readouterr()


def test_a_file_of_ones_own_is_asked_at_every_bar(capsys: Capture, store: Path, own: Path) -> None:
    base = f"backtest {own}:Dip --data synthetic:BTCUSDT --equity 1000 --store {store}"
    found = answered(capsys, f"{base} --set every=30")
    assert found["form"] == "class"
    assert found["strategy"] == "Dip(away=40, every=30)"
    assert found["trades"]["count"] > 10
    assert found["look_ahead"]["clean"] is True
    quick = answered(capsys, f"{base} --set every=30 --no-check")
    assert quick["look_ahead"] is None
    assert quick["fingerprint"] == found["fingerprint"]


def test_both_forms_are_one(capsys: Capture, store: Path) -> None:
    one, other = (answered(capsys, f"{BASE} --store {store}{more}") for more in ("", " --form class"))
    assert (one["form"], other["form"]) == ("columns", "class")
    assert one["fingerprint"] == other["fingerprint"]
    assert one["trades"] == other["trades"]
    assert one["bounds"] == other["bounds"]


def test_limits_and_fills_are_taken_and_told(capsys: Capture, store: Path) -> None:
    free = answered(capsys, f"{BASE} --store {store}")
    more = "--limits day_loss=2%,trades=6,cool_down=15min,streak=3:2h --slippage 3t --spread 2t --leverage 5x"
    bound = answered(
        capsys, f"{BASE} --store {store} {more} --risk 0.5% --path favourable --maker 0 --taker 0.1%"
    )
    assert bound["trades"]["count"] < free["trades"]["count"]
    rules = {one["rule"] for one in bound["refusals"]}
    assert "trades_a_day" in rules
    assert bound["account"]["limits"] == "day_loss=2%, trades_a_day=6, cool_down=15min, streak=3:2h"
    assert bound["account"]["leverage"] == "5x"
    assert (bound["assumed"]["slippage_ticks"], bound["assumed"]["spread_ticks"]) == (3, 2)
    assert bound["contracts"][0]["taker"] == "0.1%"
    assert not any("without fees" in text for text in bound["warnings"])
    assert [one["path"] for one in bound["bounds"]["paths"]] == ["adverse", "favourable"]


def test_longer_bars_are_settled_by_the_datas_own(capsys: Capture, store: Path) -> None:
    found = answered(capsys, f"{BASE} --bar 15m --store {store} --set bars=8,ranges=1")
    assert found["contracts"][0]["bar"] == "15 min"
    closed = found["bounds"]["closed"]
    assert closed["bars_apart"] > 0
    assert [one["path"] for one in closed["paths"]] == ["adverse", "favourable"]


def test_spans_are_from_and_before(capsys: Capture, store: Path) -> None:
    first = answered(capsys, f"{BASE} --store {store}")["contracts"][0]["first"]
    day = first[:10]
    found = answered(capsys, f"{BASE} --store {store} --since {day}T06:00 --until {day}T12:00")
    assert (found["first"], found["last"]) == (f"{day} 06:00:00", f"{day} 12:00:00")


def refused(capsys: Capture, command: str) -> dict[str, Any]:
    """An error of a command."""
    assert main([*shlex.split(command), "--json"]) == 2
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["error"]
    assert found["hint"]
    return found


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("backtest breakuot --data synthetic:BTCUSDT --equity 1000", "BACKTEST-201", "breakuot"),
        ("backtest no.py:Dip --data synthetic:BTCUSDT --equity 1000", "BACKTEST-201", "no.py"),
        ("backtest {own}:Dap --data synthetic:BTCUSDT --equity 1000", "BACKTEST-201", "no strategy Dap"),
        ("backtest {own} --data synthetic:BTCUSDT --equity 1000", "BACKTEST-201", "2 strategies"),
        ("backtest {bad} --data synthetic:BTCUSDT --equity 1000", "BACKTEST-201", "SyntaxError"),
        (f"{BASE} --set sides=2", "BACKTEST-202", "sides"),
        (f"{BASE} --set bars", "BACKTEST-202", "bars"),
        ("backtest {own}:Broken --data synthetic:BTCUSDT --equity 9", "BACKTEST-105", "ZeroDivisionError"),
        ("backtest breakout --data synthetic: --equity 1000", "BACKTEST-207", "synthetic:"),
        ("backtest breakout --data synthetic:BTCUSDT,synthetic:BTCUSDT --equity 9", "BACKTEST-207", "twice"),
        ("backtest breakout --data synthetic:XRPUSDT --equity 1000", "BACKTEST-208", "synthetic:XRPUSDT"),
        ("backtest breakout --data synthetic:BTCUSDT=no.zip --equity 9", "BACKTEST-208", "no.zip"),
        (f"{BASE} --since 2030-01-01", "BACKTEST-208", "in that span"),
        (f"{BASE} --limits day_los=3%", "BACKTEST-209", "day_los"),
        (f"{BASE} --limits day_loss=3", "GUARD-203", "day_loss"),
        (f"{BASE} --slippage 2%", "BACKTEST-210", "slippage"),
        (f"{BASE} --bar quarter", "BACKTEST-210", "quarter"),
        (f"{BASE} --risk 0%", "BACKTEST-210", "risk"),
        (f"{BASE} --leverage 0.5", "BACKTEST-210", "leverage"),
        (f"{BASE} --maker 0.02%", "BACKTEST-210", "one fee"),
        (f"{BASE} --html no/such/folder/a.html", "BACKTEST-212", "no/such/folder"),
        ("backtest breakout --data BTCUSDT --equity 1000", "BACKTEST-208", "binance:BTCUSDT"),
        ("backtest breakout --data synthetic:BTCUSDT --equity -5", "BACKTEST-210", "-5"),
        (f"{BASE} --until yesterday", "ANALYZE-102", "yesterday"),
    ],
)
def test_silly_input_is_refused(
    capsys: Capture, store: Path, own: Path, tmp_path: Path, command: str, code: str, words: str
) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("class Half(")
    found = refused(capsys, command.format(own=own, bad=bad) + f" --store {store}")
    assert found["code"] == code
    assert words in found["message"]


def test_rules_are_those_nearest_to_the_data() -> None:
    names = [one.name for one in wanted_of(["bybit:BTCUSDT, ETHUSDT"])]
    assert names == ["bybit:BTCUSDT", "binance:ETHUSDT"]
    akro = Wanted("binance", "AKROUSDT")
    with pytest.raises(InputError, match=r"BACKTEST-211.*AKROUSDT"):
        contract_of(akro, date(2021, 8, 1), None, None)
    fees = FeeSchedule("0.02%", "0.04%")
    contract, warnings = contract_of(akro, date(2021, 8, 1), fees, None)
    assert (contract.fees, contract.as_of) == (fees, "2021-07-21")
    assert "rules of 2021-07-21 on data from 2021-08-01 on, 11 days earlier" in warnings[0]
    for day, nearest in ((date(2025, 5, 4), "2025-08-07"), (date(2021, 8, 1), "2021-07-21")):
        assert contract_of(Wanted("binance", "BTCUSDT"), day, None, None)[0].as_of == nearest
    chosen, _ = contract_of(Wanted("binance", "BTCUSDT"), date(2025, 5, 4), None, "2021-12-01")
    assert (chosen.as_of, chosen.tick_size) == ("2021-07-21", "0.01")


def test_coins_of_one_account_are_one() -> None:
    both = [
        Contract(symbol="A", base="A", quote=coin, tick_size="1", lot_size="1") for coin in ("USDT", "USDC")
    ]
    with pytest.raises(InputError, match=r"BACKTEST-207.*USDC and USDT"):
        one_coin(both)
    assert one_coin(both[:1]) == "USDT"


def test_a_file_of_data_needs_no_store(capsys: Capture, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    said(capsys, f"data export synthetic:BTCUSDT bars {file} --store {store}")
    found = answered(
        capsys, f"backtest breakout --data synthetic:BTCUSDT={file} --equity 1000 --store {tmp_path / 'none'}"
    )
    there = answered(capsys, f"backtest breakout --data synthetic:BTCUSDT --equity 1000 --store {store}")
    assert found["bars"] == there["bars"] > 2_800
    assert any("bars are missing" in text for text in found["warnings"])
    assert any("no funding" in text for text in found["warnings"])


def test_a_real_month_with_funding(capsys: Capture, shared_data: Path, tmp_path: Path) -> None:
    folder, month = tmp_path / "market", shared_data / "binance_um_2025-05"
    said(capsys, f"data import {month / 'bars_1m_16sym_ints.parquet'} --contract binance:* --store {folder}")
    for coin in ("BTC", "SOL", "ENA"):
        feather = month / "funding" / f"{coin}USDT.feather"
        name = f"binance:{coin}USDT"
        said(capsys, f"data import {feather} --contract {name} --form funding_rate --store {folder}")
    base = f"backtest null --data BTCUSDT,SOLUSDT,ENAUSDT --equity 1000 --store {folder} --set one_in=300"
    found = answered(capsys, f"{base} --html {tmp_path / 'null.html'}")
    assert found["bars"] == 3 * 43_195
    assert [one["fundings"] for one in found["contracts"]] == [89, 89, 89] or min(
        one["fundings"] for one in found["contracts"]
    ) > 80
    assert found["costs"]["funding"] != "0.00"
    assert found["trades"]["count"] > 100
    told = " ".join(found["warnings"])
    for words in (
        "rules of",
        "fees and margin tiers are those of",
        "174.733 is no multiple of the tick 0.01",
    ):
        assert words in told
    ticks = {one["id"]: one["tick_size"] for one in found["contracts"]}
    assert ticks == {"binance:BTCUSDT": "0.1", "binance:SOLUSDT": "0.01", "binance:ENAUSDT": "0.0001"}
    assert (tmp_path / "null.html").stat().st_size < 600_000
    assert answered(capsys, base)["fingerprint"] == found["fingerprint"]
