"""The report: its text is its figures, its page loads and runs nothing, its files say the same."""

from __future__ import annotations

import csv
import html as entities
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lotwise.backtest.bounds import bounds_of
from lotwise.backtest.chapters import MINUS, lasting_minutes, money, number
from lotwise.backtest.lookahead import look_ahead
from lotwise.backtest.measure import Measured, measured
from lotwise.backtest.page import page_of, steps
from lotwise.backtest.recorded import recorded
from lotwise.backtest.report import About, Report, report_of
from lotwise.backtest.returns import daily, decimal_of, write_returns, write_rows
from lotwise.errors import InputError
from lotwise.strategy.library.breakout import Breakout
from lotwise.strategy.library.null import Null
from tests.unit.played_market import CONTRACTS, E8, TIGHT, Dip, Plain, feed, plan

DAY_NS = 86_400 * 10**9
FACTS = {"bar": "1 min", "first": "2025-05-04 00:00:00", "last": "2025-05-06 18:40:00", "tick_size": "0.1"}
FACTS |= {"change_percent": -1.5, "maker": "0.02%", "taker": "0.05%", "facts_as_of": None, "fundings": 8}


def reported(strategy: Any, allowed: Any = None, checked: bool = True) -> tuple[Report, Measured, Any]:
    """A whole report of a run."""
    rows, asked = feed(), plan(allowed, slippage_ticks=2)
    said = recorded([strategy] * 2, CONTRACTS, rows, asked)
    found = measured(said.play(CONTRACTS, rows, asked), rows)
    about = About(
        strategy=getattr(strategy, "name", "plain"),
        form="columns",
        contracts=[FACTS | {"id": one.id, "bars": 4_000} for one in CONTRACTS],
        account={"equity": "1000.00 USDT", "risk": "1 %", "limits": "none"},
        warnings=["own:AAA: a <warning> & more"],
    )
    look = look_ahead([strategy] * 2, CONTRACTS, rows, asked, cuts=2, said=said) if checked else None
    bounds = bounds_of(said, CONTRACTS, rows, asked) if checked else None
    return report_of(found, about, bounds, look), found, rows


def cells(report: Report) -> dict[str, list[list[str]]]:
    """Rows of all tables by their caption."""
    return {
        table.caption: [list(row) for row in table.rows] for one in report.chapters for table in one.tables
    }


def figure(text: str) -> Decimal:
    """A number of a table."""
    return Decimal(text.replace(MINUS, "-").replace("+", "").replace(",", "").split(" ")[0])


def near(text: str, exact: Any, places: str = "0.01") -> bool:
    """Whether a table's number is a figure, rounded."""
    return abs(figure(text) - Decimal(str(exact))) <= Decimal(places) / 2


@pytest.mark.parametrize("strategy", [Breakout(bars=30, ranges=2), Null(one_in=20), Dip()])
def test_the_text_says_what_the_figures_say(strategy: Any) -> None:
    report, found, _ = reported(strategy, TIGHT)
    facts, tables = report.facts, cells(report)
    assert json.loads(json.dumps(facts)) == facts
    account = {row[0]: row for row in tables["The account"]}
    assert near(account["equity"][1], facts["result"]["equity_end"])
    assert money(facts["result"]["change"], signed=True) in account["equity"][2]
    assert near(account["deepest fall"][1], facts["drawdown"]["percent"].rstrip(" %"))
    assert near(account["held something"][1], facts["exposure"]["held_percent"])
    assert Decimal(facts["result"]["equity_end"]) == Decimal(found.end_cash) / E8
    results = {
        row[0]: row for row in next(rows for name, rows in tables.items() if name.startswith("Results in R"))
    }
    trades = facts["trades"]
    assert figure(results["closed"][1]) == trades["count"] == len(found.trades)
    assert near(results["won"][1], 100 * trades["win_rate"]["value"])
    assert near(results["expectancy"][1], trades["mean_r"], "0.001")
    assert near(results["sum"][1], trades["total_r"])
    assert near(results["profit factor"][1], trades["profit_factor"])
    assert results["longest runs"][1] == f"{trades['longest_wins']} / {trades['longest_losses']}"
    money_went = {row[0]: row[1] for row in tables["Closed trades, USDT"]}
    assert near(money_went["price moves"], facts["costs"]["move"])
    assert near(money_went["fees"], -Decimal(facts["costs"]["fees"]))
    assert near(money_went["funding"], -Decimal(facts["costs"]["funding"]))
    assert near(money_went["closed trades"], facts["costs"]["result"])
    told = {row[0]: figure(row[1]) for row in tables["What became of the signals"]}
    assert told["signals"] == facts["signals"]["given"] == sum(told.values()) - told["signals"]
    refused = next((rows for name, rows in tables.items() if name.startswith("Refusals")), [])
    assert [(row[0], int(figure(row[1]))) for row in refused] == [
        (one["words"], one["count"]) for one in facts["refusals"]
    ]
    for kind, caption in (
        ("contract", "By contract"),
        ("side", "By side"),
        ("hour", "By hour of the entry, UTC"),
    ):
        for row, one in zip(tables[caption], facts["by"][kind], strict=True):
            assert row[0] == one["name"]
            assert figure(row[1]) == one["count"]
            assert near(row[3], one["mean_r"], "0.001")
            assert near(row[5], one["result"])
    paths = tables["The same signals, each order of a bar's extremes"]
    for row, one in zip(paths, facts["bounds"]["paths"], strict=True):
        assert near(row[1], one["change"])
        assert figure(row[4]) == one["ambiguous_bars"]
    assert facts["look_ahead"]["clean"] is True
    assert facts["fingerprint"] == found.played.named


def test_a_report_says_what_was_not_asked() -> None:
    report, _, _ = reported(Plain(), checked=False)
    assert report.facts["bounds"] is None
    assert report.facts["look_ahead"] is None
    notes = [note.text for one in report.chapters for note in one.notes]
    assert any("Only one order" in text for text in notes)
    assert not any("look-ahead" in text for text in notes)
    assert any("undecided" in text or "negative" in text or "positive" in text for text in notes)


def test_no_signal_proves_nothing_about_the_future() -> None:
    report, _, _ = reported(Plain(every=10_000))
    (note,) = [note for note in report.chapters[0].notes if "ahead" in note.text]
    assert (note.kind, "not known" in note.text) == ("note", True)
    assert report.facts["look_ahead"]["signals_compared"] == 0


class Cheat(Plain):
    """Knows the end."""

    def signals(self, bars: Any) -> Any:
        """Only with all data."""
        found = super().signals(bars)
        rows = found.rows + (int(bars.close_ticks[-1]) % 7)
        from lotwise.strategy.api import Signals

        kept = rows < len(bars)
        return Signals(rows=rows[kept], side=1, stop_ticks=bars.close_ticks[rows[kept]] - 2_500)


def test_a_cheat_is_told_before_its_results() -> None:
    report, found, rows = reported(Cheat())
    (note,) = [note for note in report.chapters[0].notes if "knows the future" in note.text]
    assert note.kind == "warning"
    assert report.facts["look_ahead"]["difference"] in note.text
    assert "mean nothing" in page_of(report, found, rows)


@pytest.mark.parametrize("strategy", [Breakout(bars=30, ranges=2), Dip()])
def test_the_page_loads_and_runs_nothing_and_shows_the_figures(strategy: Any) -> None:
    report, found, rows = reported(strategy, TIGHT)
    text = page_of(report, found, rows)
    assert text == page_of(report, found, rows), "the same bytes"
    assert not re.search(r"<script|\son\w+=|https?://(?!www\.w3\.org)|@import|url\(|<img|<link", text)
    assert "Content-Security-Policy" in text
    assert "a &lt;warning&gt; &amp; more" in text
    plain = entities.unescape(text)
    for table in (table for one in report.chapters for table in one.tables):
        for row in table.rows:
            assert all(cell in plain for cell in row if cell)
    for words in ("Equity", "Results of the trades", "Some trades", "under water", "What is not modelled"):
        assert words in plain
    assert text.count("<svg") >= 14, "each for screens and for telephones"
    if isinstance(strategy, Dip):
        assert "Why: a dip." in plain


def test_a_run_without_a_trade_has_a_page() -> None:
    rows = feed(1, 1)
    said = recorded([Plain()], CONTRACTS[:1], rows, plan())
    found = measured(said.play(CONTRACTS[:1], rows, plan()), rows)
    about = About("plain", "columns", [FACTS | {"id": "own:AAA", "bars": 1}], {"equity": "1000.00 USDT"})
    report = report_of(found, about)
    assert report.facts["trades"] == {
        "count": 0,
        "ambiguous": 0,
        "liquidated": 0,
        "verdict": "no verdict",
        "verdict_text": "no trade was made",
    }
    text = page_of(report, found, rows)
    assert "No trade was closed." in text
    assert "Some trades" not in text


def test_daily_returns_come_to_the_whole(tmp_path: Path) -> None:
    _, found, _ = reported(Breakout(bars=30, ranges=2))
    days = daily(found.times_ns, found.equity_cash)
    whole = Fraction(1)
    for day in days:
        whole *= 1 + day.change
    assert whole == Fraction(found.end_cash, found.start_cash)
    ends: dict[Any, int] = {}
    for time, equity in zip(found.times_ns.tolist(), found.equity_cash.tolist(), strict=True):
        ends[datetime.fromtimestamp(time // 10**9, tz=UTC).date()] = equity
    assert {day.day: day.equity_cash for day in days} == ends
    path = tmp_path / "returns.csv"
    write_returns(path, days)
    with path.open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert [row["date"] for row in listed] == [day.day.isoformat() for day in days]
    product = Decimal(1)
    for row in listed:
        product *= 1 + Decimal(row["return"])
    assert abs(product - Decimal(found.end_cash) / found.start_cash) < Decimal("1e-9")
    pl = pytest.importorskip("polars")
    assert pl.read_csv(path, try_parse_dates=True)["return"].dtype.is_float()


def test_days_without_a_point_and_a_ruined_account() -> None:
    times = np.array([0, DAY_NS // 2, 3 * DAY_NS, 4 * DAY_NS], np.int64)
    days = daily(times, np.array([1_000, 900, -5, 40], np.int64))
    assert [day.equity_cash for day in days] == [900, 900, 900, -5, 40]
    assert [day.change for day in days] == [Fraction(-1, 10), 0, 0, Fraction(-905, 900), 0]
    assert days[-1].day - days[0].day == timedelta(days=4)
    assert str(decimal_of(Fraction(-1, 3))) == "-0.333333333333"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"BACKTEST-212.*nowhere"):
        write_rows(tmp_path / "nowhere" / "out.csv", ("a",), [("1",)])


def test_numbers_for_people() -> None:
    assert [money(text) for text in ("-1234.5", "0.004", "-0.004")] == [f"{MINUS}1,234.50", "0.00", "0.00"]
    assert money("12.345", signed=True) == "+12.34"
    assert [number(value, signed=True) for value in (None, -0.001, 0.0, 2.5)] == [
        "–",
        "0.00",
        "0.00",
        "+2.50",
    ]
    assert [lasting_minutes(value) for value in (1.26, 600.0, 4_320.0)] == ["1.3 min", "10.0 h", "3.0 d"]


def test_steps_hold_every_value_once() -> None:
    values = np.array([0.0, 0.24, 0.25, 1.0, 1.49, 7.0])
    labels, counts, notes = steps(values)
    assert sum(counts) == len(values)
    assert labels[0] == "0 – 0.25 R"
    assert (counts[0], counts[1], counts[-1], labels[-1]) == (2, 1, 1, "3 R and more")
    assert notes[0] == "33 %"
    assert steps(np.array([0.1]))[0] == ["0 – 0.25 R"]
