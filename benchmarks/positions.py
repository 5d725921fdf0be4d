"""Open positions on real tier tables of 8 to 10 tiers, longs and shorts, isolated and cross."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.draws import Draws
from benchmarks.questions import SEED, column_of, tables
from lotwise.kernel.layout import LONG, SHORT, SpecRow, dtype_of


class Positions(NamedTuple):
    """One column per argument; position i has the tiers ``first_tier[i]`` up to ``end_tier[i]``."""

    side: Any
    entry: Any
    wallet: Any
    lots: Any
    spec: Any
    tick8: Any
    tiers: Any
    first_tier: Any
    end_tier: Any


def positions(count: int) -> Positions:
    """``count`` positions from small to the last tier's cap, behind them 0.7 % of it to all of it.

    One in five is cross: the money behind it may exceed its worth, or be below zero.
    """
    table = tables(8, 10)
    draws = Draws(SEED, count)
    chosen = draws.whole(0, len(table.contracts) - 1)
    unit = column_of([contract.scales.cash_per_tick_lot for contract in table.contracts], chosen)
    last_cap = column_of([contract.tier_rows[-1].cap_cash for contract in table.contracts], chosen)
    spec = np.zeros(count, dtype_of(SpecRow))
    spec["cash_per_tick_lot"] = unit
    price_ticks = draws.magnitude(2_000, 1_000_000)
    worth = np.minimum(draws.magnitude(1 << 30, 1 << 57), last_cap)
    lots = np.maximum(1, worth // (price_ticks * unit))
    entry = lots * price_ticks * unit + draws.whole(0, unit)  # an average: off the tick
    isolated = entry // draws.magnitude(1, 150)
    cross = entry // 1000 * draws.whole(-20, 1_200)
    return Positions(
        side=np.where(draws.percent(50), LONG, SHORT),
        entry=entry,
        wallet=np.where(draws.percent(20), cross, isolated),
        lots=lots,
        spec=spec,
        tick8=column_of([contract.scales.tick_size8 for contract in table.contracts], chosen),
        tiers=table.tiers,
        first_tier=table.start[chosen],
        end_tier=table.start[chosen + 1],
    )
