"""Order flow over ten million trades: delta, CVD, footprint cells, diagonal imbalances and their stacks."""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from benchmarks.draws import Draws
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.analysis import flow

SEED = 20_261_123
START = 600_000
SMALL = 20_000
MINUTE = 60_000_000_000
ROW_TICKS = 5
LEAST_LOTS = 20


class Trades(NamedTuple):
    """Columns of trades."""

    time_ns: Any
    prices: Any
    lots: Any
    maker: Any


@cache
def trades(count: int) -> Trades:
    """Seeded trades, 57 a second."""
    draws = Draws(SEED, count)
    return Trades(
        time_ns=np.cumsum(draws.whole(0, 35_000_000)),
        prices=START + np.cumsum(draws.whole(-2, 2)),
        lots=draws.magnitude(1, 10_000),
        maker=draws.percent(50),
    )


def told(*columns: Any) -> list[int]:
    """Two sums of each column: of its numbers, and of them by their place."""
    found: list[int] = []
    for column in columns:
        values = [int(value) for value in column]
        found += [sum(values), sum(i % 997 * value for i, value in enumerate(values))]
    return found


def flow_of(held: Trades) -> tuple[flow.Footprint, flow.Imbalances, Any]:
    """As a user asks."""
    _, starts = flow.bars_of_time(held.time_ns, MINUTE)
    cells = flow.footprint(held.prices, held.lots, held.maker, starts, ROW_TICKS)
    return cells, flow.imbalances(cells, least_lots=LEAST_LOTS), cells.cvd_lots


def by_arrays(count: int) -> list[int]:
    """What comes of it, as few numbers."""
    cells, marks, cvd = flow_of(trades(count))
    lows = [stack.low_row for stack in marks.stacks]
    return told(cells.delta_lots, cvd, cells.bid_lots, cells.ask_lots, marks.buys, marks.sells, sorted(lows))


def by_lists(count: int) -> list[int]:
    """The same rules on lists."""
    held = trades(count)
    prices, lots, maker = (column.tolist() for column in held[1:])
    starts = flow.bars_of_time(held.time_ns, MINUTE)[1].tolist()
    bars, rows = len(starts) - 1, [0] * len(prices)
    bought, sold, low, high = ([0] * bars for _ in range(4))
    flow.bar_sums(rows, prices, lots, maker, ROW_TICKS, starts, bought, sold, low, high)
    offsets = [0, *accumulate(top - bottom + 1 for top, bottom in zip(high, low, strict=True))]
    bid, ask, buys, sells = ([0] * offsets[-1] for _ in range(4))
    flow.fill_cells(rows, lots, maker, starts, low, offsets, bid, ask)
    flow.mark_imbalances(bid, ask, offsets, flow.RATIO8, LEAST_LOTS, buys, sells)
    delta = [up - down for up, down in zip(bought, sold, strict=True)]
    lows = []
    for marks in (buys, sells):
        firsts, ends = [0] * len(bid), [0] * len(bid)
        for i in range(flow.find_stacks(marks, offsets, flow.STACK_ROWS, firsts, ends)):
            bar = next(bar for bar in range(bars) if offsets[bar] <= firsts[i] < offsets[bar + 1])
            lows.append(low[bar] + firsts[i] - offsets[bar])
    return told(delta, accumulate(delta), bid, ask, buys, sells, sorted(lows))


def compiled(count: int) -> list[int]:
    """What the small size comes to, and then this one."""
    return [*by_arrays(SMALL), *(by_arrays(count) if count > SMALL else [])]


def interpreted(count: int) -> list[int]:
    """What the small size comes to, and then this one."""
    return [*by_lists(SMALL), *(by_lists(count) if count > SMALL else [])]


def measure(count: int) -> Outcome:
    """Seconds for all of it."""
    compiling = seconds(lambda: by_arrays(100))
    held = trades(count)
    return Outcome(
        figures={"order flow": least_seconds(lambda: flow_of(held), 5)},
        results=compiled(count),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="flow_trades_compiled",
    about="delta, CVD, footprint of one-minute bars, imbalances and stacks; one core",
    figures=(Figure("order flow", "s", 1),),
    measure=measure,
    bodies={"interpreted": interpreted, "compiled": compiled},
    small=SMALL,
    full=10_000_000,
    processes=3,
)
