"""Volume profiles: every day of a million one-minute bars, and the exact profile of ten million trades."""

from __future__ import annotations

from functools import cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from benchmarks.draws import Draws
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.analysis import profile, profile_days

SEED = 20_261_122
MINUTE = 60_000_000_000
START = 600_000
SMALL = 3_000
ROWS = 400
TRADES_A_BAR = 10


class Market(NamedTuple):
    """Bars and trades, each a walk of its own."""

    time_ns: Any
    lows: Any
    highs: Any
    lots: Any
    prices: Any
    traded: Any


@cache
def market(count: int) -> Market:
    """Seeded bars of a minute with ranges of up to 300 ticks, and ten trades for each."""
    draws, trades = Draws(SEED, count), Draws(SEED + 1, count * TRADES_A_BAR)
    middle = START + np.cumsum(draws.whole(-40, 40))
    return Market(
        time_ns=np.arange(count, dtype=np.int64) * MINUTE,
        lows=middle - draws.whole(0, 150),
        highs=middle + draws.whole(0, 150),
        lots=draws.magnitude(1, 1_000_000),
        prices=START + np.cumsum(trades.whole(-2, 2)),
        traded=trades.magnitude(1, 10_000),
    )


def row_ticks(lows: list[int], highs: list[int], starts: list[int]) -> list[int]:
    """Ticks of a row by day, so that a day has at most so many rows."""
    days = [slice(*pair) for pair in pairwise(starts)]
    return [(max(highs[day]) - min(lows[day])) // (ROWS - 1) + 1 for day in days]


def told(*columns: Any) -> list[int]:
    """Whole numbers of columns, the sums of what is long."""
    found: list[int] = []
    for column in columns:
        values = [int(value) for value in column]
        found += [sum(values), sum(i % 997 * value for i, value in enumerate(values))]
    return found


def by_arrays(count: int) -> list[int]:
    """As a user asks."""
    held = market(count)
    opens, starts = profile_days.session_starts(held.time_ns)
    rows = np.array(row_ticks(held.lows.tolist(), held.highs.tolist(), starts.tolist()))
    days = profile_days.of_days(opens, starts, held.lows, held.highs, held.lots, row_ticks=rows)
    one = profile.of_trades(held.prices, held.traded)
    area = (one.control, one.value_low, one.value_high)
    return [*told(days.lots, days.controls, days.value_lows, days.value_highs, one.lots), *area]


def by_lists(count: int) -> list[int]:
    """The same rules on lists."""
    held = market(count)
    lows, highs, lots = (column.tolist() for column in (held.lows, held.highs, held.lots))
    starts = profile_days.session_starts(held.time_ns)[1].tolist()
    days = len(starts) - 1
    lowest, highest = [0] * days, [0] * days
    assert profile_days.day_ranges(starts, lows, highs, lowest, highest) == -1
    row = row_ticks(lows, highs, starts)
    base = [low // ticks * ticks for low, ticks in zip(lowest, row, strict=True)]
    sizes = [(high - low) // ticks + 2 for high, low, ticks in zip(highest, base, row, strict=True)]
    offsets = [0, *accumulate(sizes)]
    rows, found = [0] * offsets[-1], [[0] * days for _ in range(3)]
    profile_days.add_days(starts, lows, highs, lots, base, row, offsets, rows)
    profile_days.close_days(rows, offsets, profile.VALUE_AREA8, *found)
    prices, traded = held.prices.tolist(), held.traded.tolist()
    one = [0] * (max(prices) - min(prices) + 1)
    profile.add_trades(one, prices, traded, min(prices), row_ticks=1)
    control = profile.point_of_control(one)
    return [*told(rows, *found, one), control, *profile.value_area(one, control, profile.VALUE_AREA8)]


def compiled(count: int) -> list[int]:
    """What the small size comes to, and then this one."""
    return [*by_arrays(SMALL), *(by_arrays(count) if count > SMALL else [])]


def interpreted(count: int) -> list[int]:
    """What the small size comes to, and then this one."""
    return [*by_lists(SMALL), *(by_lists(count) if count > SMALL else [])]


def measure(count: int) -> Outcome:
    """Millions of bars a second; seconds for ten times as many trades."""
    compiling = seconds(lambda: by_arrays(100))
    held = market(count)

    def days() -> None:
        opens, starts = profile_days.session_starts(held.time_ns)
        profile_days.of_days(opens, starts, held.lows, held.highs, held.lots, rows=ROWS)

    every_day = least_seconds(days, 7)
    trades = least_seconds(lambda: profile.of_trades(held.prices, held.traded), 5)
    return Outcome(
        figures={"every day": count / every_day / 1e6, "ten trades a bar, exact": trades},
        results=compiled(count),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="profile_days_compiled",
    about="volume profile, control and value area of every day of one-minute bars; one exact of trades",
    figures=(
        Figure("every day", "M bars/s", 60),
        Figure("ten trades a bar, exact", "s", 0.5),
    ),
    measure=measure,
    bodies={"interpreted": interpreted, "compiled": compiled},
    small=SMALL,
    full=1_000_000,
)
