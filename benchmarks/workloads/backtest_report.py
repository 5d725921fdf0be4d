"""The report of a run of ten thousand trades: measured, put together, drawn as one page."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise import Contract, FeeSchedule
from lotwise.backtest.feed import merged
from lotwise.backtest.measure import Measured, measured
from lotwise.backtest.page import page_of
from lotwise.backtest.recorded import recorded
from lotwise.backtest.report import About, report_of
from lotwise.backtest.run import Plan, Played
from lotwise.kernel.layout import RATE, dtype_of
from lotwise.kernel.tape import BarRow
from lotwise.strategy.library.null import Null
from lotwise.units import Cash, Rate8

SMALL = 4_000
TRADES = 10_000
START = 20_212 * 86_400 * 10**9
MINUTE = 60 * 10**9
FREE = FeeSchedule("0", "0")
"""An account that pays no fees lives long enough for ten thousand trades."""


def contract() -> Contract:
    """One contract without margin tiers."""
    return Contract(symbol="BTCUSDT", base="BTC", tick_size="0.1", lot_size="0.001", fees=FREE)


def feed(count: int) -> Any:
    """A seeded walk of minutes, each about 0.2 % wide."""
    rng = np.random.default_rng(11)
    rows = np.zeros(count, dtype_of(BarRow))
    close = 600_000 + np.cumsum(rng.integers(-600, 601, count))
    rows["close_ticks"] = np.maximum(close, 100_000)
    rows["open_ticks"] = np.concatenate((rows["close_ticks"][:1], rows["close_ticks"][:-1]))
    rows["high_ticks"] = np.maximum(rows["open_ticks"], rows["close_ticks"]) + rng.integers(0, 600, count)
    rows["low_ticks"] = np.minimum(rows["open_ticks"], rows["close_ticks"]) - rng.integers(0, 600, count)
    rows["volume_lots"] = 1_000
    rows["time_ns"] = START + np.arange(count) * MINUTE
    return merged([rows])


def played(rows: Any) -> Played:
    """Random entries with a stop of 0.3 %, as often as one is over."""
    plan = Plan(Cash(100_000 * RATE), Rate8(RATE // 1_000))
    strategies = [Null(one_in=2, stop8=300_000)]
    return recorded(strategies, [contract()], rows, plan).play([contract()], rows, plan)


def page(found: Measured, rows: Any) -> str:
    """The page of a run."""
    facts = {"id": "own:BTCUSDT", "bars": len(rows), "bar": "1 min", "first": "", "last": ""}
    facts |= {"change_percent": 0.0, "maker": "0", "taker": "0", "facts_as_of": None, "fundings": 0}
    report = report_of(found, About("null", "columns", [facts], {"equity": "100000.00 USDT"}))
    return page_of(report, found, rows)


def results(count: int) -> list[int]:
    """Money and excursions of all trades, of the small run first, which plain walks confirm."""
    found: list[int] = []
    for size in sorted({SMALL, count}):
        rows = feed(size)
        trades = measured(played(rows), rows).trades
        for column in (trades.result_cash, trades.mae_cash, trades.mfe_cash):
            found += column.tolist()
    return found


def walked(count: int) -> list[int]:
    """The same by walking over the bars of every trade."""
    rows = feed(count)
    trips = played(rows).trips
    low, high, opened = (rows[name].tolist() for name in ("low_ticks", "high_ticks", "open_ticks"))
    unit = contract().scales.cash_per_tick_lot
    against, good = [], []
    for trip in trips:
        lots, entry = int(trip["lots"]), int(trip["entry_cash"])
        side = 1 if lots > 0 else -1
        move = sum(int(trip[name]) for name in ("result_cash", "fees_cash", "funding_cash", "insurance_cash"))
        first, last = int(trip["opened_row"]) + 1, int(trip["closed_row"])
        prices = [ticks * abs(lots) * unit for row in range(first, last) for ticks in (low[row], high[row])]
        prices += [entry, entry + side * move]
        prices += [opened[last] * abs(lots) * unit] if last >= first else []
        against.append(max(side * (entry - price) for price in prices))
        good.append(max(side * (price - entry) for price in prices))
    return [*trips["result_cash"].tolist(), *against, *good]


def measure(count: int) -> Outcome:
    """Seconds from a run that is played to its page; a run of fewer trades counts as if it had them all."""
    rows = feed(count)
    compiling = seconds(lambda: played(rows))
    run = played(rows)
    spent = least_seconds(lambda: page(measured(run, rows), rows), 3)
    whole = spent * max(1.0, TRADES / max(1, len(run.trips)))
    return Outcome(figures={"report": whole}, results=results(count), compile_seconds=compiling)


WORKLOAD = Workload(
    name="backtest_report_compiled",
    about="measures and page of a run of ten thousand trades",
    figures=(Figure("report", "s", 2),),
    measure=measure,
    bodies={"walked": walked, "compiled": results},
    small=SMALL,
    full=40_000,
    processes=3,
)
