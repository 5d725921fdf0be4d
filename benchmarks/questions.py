"""Sizing questions on real contracts: varied, seeded, and the same for both bodies of a rule.

A longer list begins with the shorter one, so a compiled run over all questions is checked against
an interpreted run over the first few.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.draws import Draws
from lotwise.contracts import catalogue
from lotwise.contracts.bounds import MAX_NOTIONAL_CASH
from lotwise.contracts.contract import Contract
from lotwise.kernel.layout import (
    LEVERAGE,
    LONG,
    RATE,
    SHORT,
    AskRow,
    LegRow,
    LimitsRow,
    Row,
    SpecRow,
    TierRow,
    array_of,
    dtype_of,
)
from lotwise.units import SCALE

SEED = 20_260_901
DAY = "2026-09-01"
"""Contracts have the facts of this day: a renewed catalogue leaves the questions alone."""
BP = 10_000

SYMBOLS = (
    *("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "BNBUSDT", "ADAUSDT", "LTCUSDT"),
    *("LINKUSDT", "AVAXUSDT", "TRXUSDT", "BCHUSDT", "DOTUSDT", "NEARUSDT", "UNIUSDT", "ETCUSDT"),
    *("ATOMUSDT", "FILUSDT", "APTUSDT", "ARBUSDT", "OPUSDT", "SUIUSDT", "AAVEUSDT", "1000PEPEUSDT"),
    *("1000SHIBUSDT", "WIFUSDT", "INJUSDT", "SEIUSDT", "TIAUSDT", "HBARUSDT", "XLMUSDT", "ALGOUSDT"),
)


class Question(NamedTuple):
    """The kernel's arguments for one trade, as plain Python runs them."""

    spec: list[SpecRow]
    ask: list[AskRow]
    limits: list[LimitsRow]
    legs: list[LegRow]
    tiers: tuple[TierRow, ...]


class Packed(NamedTuple):
    """Many questions as arrays for compiled rules.

    Question i has the legs ``first_leg[i]`` up to ``first_leg[i + 1]`` and the tiers
    ``first_tier[i]`` up to ``end_tier[i]``.
    """

    spec: Any
    ask: Any
    limits: Any
    legs: Any
    first_leg: Any
    tiers: Any
    first_tier: Any
    end_tier: Any


class Tables(NamedTuple):
    """Contracts with the tier tables of all of them end to end; table k begins at ``start[k]``."""

    contracts: list[Contract]
    tiers: Any
    start: Any


def tables(least_tiers: int, most_tiers: int) -> Tables:
    """The contracts of ``SYMBOLS`` that have so many margin tiers."""
    loaded = [catalogue.load(f"binance:{symbol}", DAY) for symbol in SYMBOLS]
    kept = [contract for contract in loaded if least_tiers <= len(contract.tier_rows) <= most_tiers]
    tiers = array_of(TierRow, (row for contract in kept for row in contract.tier_rows))
    start = np.cumsum([0, *(len(contract.tier_rows) for contract in kept)])
    return Tables(kept, tiers, start.astype(np.int64))


def column_of(values: list[int], chosen: Any) -> Any:
    """A contract's number for each question."""
    return np.array(values, dtype=np.int64)[chosen]


def questions(count: int) -> Packed:
    """``count`` trades on contracts with 8 to 12 tiers: every kind of order the calculator takes."""
    table = tables(8, 12)
    draws = Draws(SEED, count)
    chosen = draws.whole(0, len(table.contracts) - 1)
    side = np.where(draws.percent(50), LONG, SHORT)
    price = draws.magnitude(2_000, 1_000_000)
    away = np.maximum(4, price * draws.whole(20, 800) // BP)
    spread, slippage = draws.whole(0, 5), draws.whole(0, 20)
    at_liquidation = draws.percent(4)
    highest = price + away + spread + slippage
    legs, first_leg = _ladders(draws, side=side, price=price, away=away)
    limits = _limits(draws, table, chosen, at_liquidation)
    ask = np.zeros(count, dtype_of(AskRow))
    ask["entry_fee8"] = draws.whole(10_000, 60_000)
    ask["entry_spread_ticks"] = spread * draws.percent(70)
    ask["exit_fee8"] = draws.whole(30_000, 60_000)
    ask["exit_spread_ticks"] = spread
    ask["funding8"] = draws.whole(0, 100_000) * draws.percent(30)
    asked = draws.whole(1, limits["max_leverage100"] // LEVERAGE) * LEVERAGE
    ask["leverage100"] = np.where(at_liquidation | draws.percent(40), asked, 0)
    ask["mark_ticks2"] = (2 * price + draws.whole(-9, 9)) * draws.percent(15)
    ask["side"] = side
    ask["slippage_ticks"] = slippage
    ask["stop_is_liquidation"] = at_liquidation
    ask["stop_ticks"] = np.where(at_liquidation, 0, price - side * away)
    spec = _spec(draws, table, chosen, highest)
    tiers = (table.tiers, table.start[chosen], table.start[chosen + 1])
    return Packed(spec, ask, limits, legs, first_leg, *tiers)


def _spec(draws: Draws, table: Tables, chosen: Any, highest: Any) -> Any:
    scales = [contract.scales for contract in table.contracts]
    unit = column_of([each.cash_per_tick_lot for each in scales], chosen)
    venue_most = column_of([each.max_lots or MAX_NOTIONAL_CASH for each in scales], chosen)
    spec = np.zeros(len(chosen), dtype_of(SpecRow))
    spec["cash_per_tick_lot"] = unit
    spec["entry_based"] = draws.percent(5)
    spec["fee_to_close"] = draws.percent(20)
    spec["max_lots"] = np.minimum(venue_most, MAX_NOTIONAL_CASH // (unit * highest))
    spec["min_lots"] = column_of([each.min_lots for each in scales], chosen)
    spec["min_notional_cash"] = column_of([each.min_notional_cash for each in scales], chosen)
    return spec


def _limits(draws: Draws, table: Tables, chosen: Any, at_liquidation: Any) -> Any:
    equity = draws.magnitude(50, 100_000) * SCALE + draws.whole(0, SCALE)
    cross = draws.percent(20) & ~at_liquidation
    largest = column_of([each.scales.max_leverage100 or LEVERAGE for each in table.contracts], chosen)
    limits = np.zeros(len(chosen), dtype_of(LimitsRow))
    limits["budget_cash"] = equity * draws.whole(25, 300) // BP
    limits["cross_cash"] = equity * cross
    limits["free_cash"] = equity // 100 * draws.whole(50, 100)
    limits["is_cross"] = cross
    limits["liquidation_multiple8"] = draws.whole(10, 25) * (RATE // 10)
    limits["margin_cash"] = equity // 100 * draws.whole(20, 100)
    limits["max_leverage100"] = np.minimum(largest, draws.whole(5, 50) * LEVERAGE)
    return limits


def _ladders(draws: Draws, side: Any, price: Any, away: Any) -> tuple[Any, Any]:
    """One entry, or in three of ten questions two or three, from the farthest from the stop inwards."""
    counts = np.where(draws.percent(30), draws.whole(2, 3), 1)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    legs = np.zeros(first[-1], dtype_of(LegRow))
    shares = np.cumsum([draws.whole(10, 45) * (RATE // 100) for _ in range(2)], axis=0)
    for leg in range(3):
        has = counts > leg
        place = first[:-1][has] + leg
        legs["price_ticks"][place] = (price - side * (away * leg // (counts + 1)))[has]
        through = shares[min(leg, 1)]
        legs["cumulative_share8"][place] = np.where(counts == leg + 1, RATE, through)[has]
    return legs, first


def interpreted(packed: Packed) -> list[Question]:
    """The same questions as slotted objects."""
    tiers = rows_of_tiers(packed.tiers)
    legs = _rows(LegRow, packed.legs)
    columns = zip(
        _rows(SpecRow, packed.spec),
        _rows(AskRow, packed.ask),
        _rows(LimitsRow, packed.limits),
        packed.first_leg[:-1].tolist(),
        packed.first_leg[1:].tolist(),
        packed.first_tier.tolist(),
        packed.end_tier.tolist(),
        strict=True,
    )
    return [
        Question([spec], [ask], [limits], legs[first:end], tiers[low:high])
        for spec, ask, limits, first, end, low, high in columns
    ]


def rows_of_tiers(tiers: Any) -> tuple[TierRow, ...]:
    """All tables end to end as slotted objects."""
    return tuple(_rows(TierRow, tiers))


def _rows(kind: type[Row], array: Any) -> list[Any]:
    return [kind(**dict(zip(kind.__slots__, values, strict=True))) for values in array.tolist()]
