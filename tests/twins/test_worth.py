"""Twin: what lots are worth and what they move by, each rounded to the side its rule names, exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from msgspec import structs

from lotwise.kernel.feasibility import ladder_stays_beyond, leverage_for
from lotwise.kernel.hedge import MAX_HEDGE_LOTS, lies_in_tier, notional_ceil
from lotwise.kernel.layout import RATE, SpecRow, TierRow
from lotwise.kernel.margin import price8_ceil, price8_floor
from lotwise.kernel.sizing import gain_floor
from lotwise.kernel.worth import (
    move_loss_ceil,
    pnl_trunc,
    ticks_of_worth2,
    worth2_ceil,
    worth2_floor,
    worth_at_price8_trunc,
    worth_ceil,
    worth_floor,
    worth_side,
)
from lotwise.sizing.solve import rows_of
from lotwise.units import Lots, Rate8, Ticks
from tests.laws import bulk, inverse_judge
from tests.laws.cases import Case, chance, is_inverse_own, own_contract, question_on, seeded, spread_over
from tests.reference import margin

OWN = [number for number in range(500) if is_inverse_own(number)]
TINY = 2
"""Least worth of a lot in 1e-8 of the coin: a rounding is then a large part of it."""


class Drawn(NamedTuple):
    """Lots of an inverse contract of so much worth times price, and two prices in ticks and half ticks."""

    number: int
    spec: SpecRow
    tick8: int
    lots: int
    ticks: int
    ticks2: int
    to_ticks2: int
    side: int


def drawn(number: int) -> Drawn:
    """Case number so-and-so; one in five is linear."""
    rng = seeded(number)
    per_lot = spread_over(rng, 10**3, 10**12)
    linear = chance(rng, 20)
    spec = SpecRow(
        cash_per_tick_lot=spread_over(rng, 1, 10**6) if linear else 0,
        cash_ticks_per_lot=0 if linear else per_lot,
        entry_based=0,
        fee_to_close=0,
        margin_per_lot_cash=0,
        max_lots=2**59 // per_lot,
        min_lots=1,
        min_notional_cash=0,
    )
    ticks = spread_over(rng, 1, 10**6 if linear else 10**8)
    to_ticks2 = max(1, 2 * ticks * rng.randint(50, 150) // 100 + rng.randint(0, 1))
    lots = spread_over(rng, 1, 10**4 if linear else 2**59 // per_lot)
    tick8 = rng.choice([1, 5, 10**6, 5 * 10**7])
    return Drawn(
        number, spec, tick8, lots, ticks, 2 * ticks + rng.randint(0, 1), to_ticks2, rng.choice([1, -1])
    )


def worth8(case: Drawn, ticks: Fraction | int) -> Fraction:
    """The exact worth at a price in ticks, in 1e-8."""
    if case.spec.cash_per_tick_lot:
        return case.lots * case.spec.cash_per_tick_lot * Fraction(ticks)
    return case.lots * case.spec.cash_ticks_per_lot / Fraction(ticks)


def check_worth(case: Drawn) -> str:
    """Every rule of :mod:`lotwise.kernel.worth` and both roundings of a price."""
    spec, lots, side = [case.spec], Lots(case.lots), case.side
    linear = bool(case.spec.cash_per_tick_lot)
    at, half = worth8(case, case.ticks), 2 * worth8(case, Fraction(case.ticks2, 2))
    assert worth_side(spec, side) == (side if linear else -side)
    assert worth_floor(spec, Ticks(case.ticks), lots) == math.floor(at)
    assert worth_ceil(spec, Ticks(case.ticks), lots) == math.ceil(at)
    assert worth2_floor(spec, case.ticks2, lots) == math.floor(half)
    assert worth2_ceil(spec, case.ticks2, lots) == math.ceil(half)
    rises = worth8(case, Fraction(case.to_ticks2, 2)) - half / 2
    lost = -side * rises if linear else side * rises
    moved = move_loss_ceil(spec, side, from_ticks2=case.ticks2, to_ticks2=case.to_ticks2, lots=lots)
    assert moved == math.ceil(lost), f"loses {lost}, not {moved}"
    from8, to8 = case.ticks2 * case.tick8, case.to_ticks2 * case.tick8
    at_mark = worth8(case, Fraction(from8, case.tick8))
    assert worth_at_price8_trunc(spec, from8, lots, tick_size8=case.tick8) == math.floor(at_mark)
    gained = (worth8(case, Fraction(to8, case.tick8)) - at_mark) * (side if linear else -side)
    pnl = pnl_trunc(spec, side, entry8=from8, price8=to8, lots=lots, tick_size8=case.tick8)
    assert pnl == math.trunc(gained), f"gains {gained}, shown {pnl}"
    whole = max(1, math.floor(half))
    assert ticks_of_worth2(spec, whole, lots) == _half_ticks(case, whole)
    notional, tick8 = max(1, math.floor(at)), case.tick8
    price8 = _half_ticks_exact(case, 2 * notional) / 2 * tick8
    for rule, rounded in ((price8_floor, math.floor), (price8_ceil, math.ceil)):
        found = rule(spec, notional, RATE, lots=lots, tick_size8=tick8)
        assert found == rounded(price8) or price8 > 2**62
    return "linear" if linear else "inverse"


def _half_ticks_exact(case: Drawn, worth2: int) -> Fraction:
    """Half ticks at which the lots are worth half of ``worth2``."""
    if case.spec.cash_per_tick_lot:
        return Fraction(worth2, case.lots * case.spec.cash_per_tick_lot)
    return Fraction(4 * case.lots * case.spec.cash_ticks_per_lot, worth2)


def _half_ticks(case: Drawn, worth2: int) -> int:
    return math.floor(_half_ticks_exact(case, worth2))


@bulk.every_shard
def test_worth_is_rounded_as_its_rules_say(shard: int, law_cases: int) -> None:
    numbers = bulk.numbers_of(shard, bulk.tenth(law_cases))
    seen = bulk.run("worth, moves and prices: rounded exactly as said", numbers, drawn, check_worth)
    assert min(seen["linear"], seen["inverse"]) > 0, seen


# -- gains and liquidation checks: against the trader by less than their roundings -----------------------


def tiny(number: int) -> Case:
    """A trade on an inverse contract whose lot may be worth next to nothing."""
    rng = seeded(number)
    contract = own_contract(OWN[rng.randrange(len(OWN))])
    return Case(number, question_on(rng, contract, least_worth=TINY))


def check_gain(case: Case) -> str:
    """Without fees and funding a part closed gains no more than its share exactly does."""
    question = case.question
    rng, rows, plan = seeded(case.number + 29), rows_of(question), inverse_judge.plan_of(question)
    rows.ask[0].entry_fee8 = rows.ask[0].funding8 = 0
    lots = spread_over(rng, 1, max(1, min(rows.spec[0].max_lots, 10**6)))
    part = lots if chance(rng, 30) else spread_over(rng, 1, lots)
    trade, side = plan.trade, plan.trade.direction
    ticks = max(1, rows.legs[0].price_ticks * (100 + side * rng.randint(1, 90)) // 100)
    spread = min(question.intent.spread_ticks, 2 * ticks - 1)
    gained = gain_floor(
        rows.spec,
        rows.ask,
        rows.legs,
        lots=Lots(lots),
        exit_lots=Lots(part),
        exit_ticks=Ticks(ticks),
        exit_fee8=0,
        exit_spread=spread,
    )
    entered = sum(plan.fills(lots, executed=True), Fraction(0)) * part / lots
    out = (ticks - side * Fraction(spread, 2)) * trade.tick_size
    exact = side * (entered - part * trade.lot_coins / out) * inverse_judge.E8
    assert gained <= exact, f"{part} of {lots} lots gain {float(exact)}, shown {gained}"
    assert exact - gained < 2 + len(rows.legs)
    return "long" if side > 0 else "short"


@bulk.every_shard
def test_a_gain_is_rounded_down(shard: int, law_cases: int) -> None:
    numbers = bulk.numbers_of(shard, bulk.tenth(law_cases))
    seen = bulk.run("an inverse gain is the exact one rounded down", numbers, tiny, check_gain)
    assert min(seen["long"], seen["short"]) > 0, seen


def check_stays_beyond(case: Case) -> Iterator[str]:
    """What the kernel lets pass stays beyond the stop exactly, however coarse its roundings."""
    question = case.question
    if question.intent.stop_is_liquidation:
        yield "no stop"
        return
    rng, rows, judged = seeded(case.number + 31), rows_of(question), inverse_judge.InverseJudge(question)
    asked = rows.limits[0].liquidation_multiple8
    for _ in range(4):
        lots = Lots(spread_over(rng, 1, max(1, min(rows.spec[0].max_lots, 10**4))))
        leverage = leverage_for(rows.spec, rows.ask, rows.limits, legs=rows.legs, lots=lots)
        if not leverage or chance(rng, 50):
            leverage = spread_over(rng, 1, 60) * 100
        for multiple8 in (asked, at_the_edge(judged, lots, leverage)):
            rows.limits[0].liquidation_multiple8 = multiple8
            limits = structs.replace(question.limits, liquidation_multiple8=Rate8(multiple8))
            judged.question = question._replace(limits=limits)
            passed = ladder_stays_beyond(
                rows.spec,
                rows.ask,
                rows.limits,
                legs=rows.legs,
                tiers=rows.tiers,
                lots=lots,
                leverage100=leverage,
            )
            near = judged.liquidated_first(lots, Fraction(leverage, 100), Fraction(0))
            assert not (passed and near), f"{lots} lots at {leverage} are liquidated too near the stop"
            yield "passed" if passed else "refused" if near else "refused by a rounding"


def at_the_edge(judged: inverse_judge.InverseJudge, lots: int, leverage100: int) -> int:
    """The first multiple of the stop distance that liquidation is not beyond; one where there is none."""
    worth = sum(judged.plan.fills(lots, executed=False), Fraction(0))
    usd = lots * judged.trade.lot_coins
    wallet = judged.wallet(lots, worth, Fraction(leverage100, 100))
    if not judged.question.account.is_cross:
        wallet = worth * 100 / leverage100
    found = judged.price_behind(usd, worth, wallet)
    assert judged.plan.exact is not None
    average = usd / worth
    if found is None:
        return RATE
    multiple = (average - found) / (average - judged.plan.exact.stop)
    return min(100 * RATE, max(RATE, math.ceil(multiple * RATE)))


@bulk.every_shard
def test_the_liquidation_check_errs_toward_the_entry(shard: int, law_cases: int) -> None:
    numbers = bulk.numbers_of(shard, bulk.tenth(law_cases))
    seen = bulk.run(
        "an inverse liquidation that passes is beyond the stop", numbers, tiny, check_stays_beyond
    )
    assert min(seen[name] for name in ("passed", "refused", "refused by a rounding")) > 0, seen


# -- hedge mode --------------------------------------------------------------------------------------------


def test_a_hedged_notional_is_rounded_up_and_its_tier_ends_at_its_cap() -> None:
    rng = seeded(1)
    for _ in range(2_000):
        lots, numerator = spread_over(rng, 1, MAX_HEDGE_LOTS), spread_over(rng, 1, 2**40)
        denominator = spread_over(rng, max(1, lots * numerator // 2**30), 2**62)
        exact = Fraction(lots * numerator * RATE, denominator)
        assert notional_ceil(Lots(lots), numerator, denominator) == math.ceil(exact)
    caps = [(100, 0), (300, 1), (700, 2)]
    tiers = [
        TierRow(cap_cash=cap, cumulative_cash=0, maintenance_at_cap_cash=0, max_leverage100=100, rate8=rate)
        for cap, rate in caps
    ]
    table = margin.tier_table([(cap, Fraction(rate, 10)) for cap, rate in caps])
    for notional in (1, 99, 100, 101, 299, 300, 301, 699, 700, 701, 9_999):
        within = [index for index in range(len(tiers)) if lies_in_tier(tiers, index, notional)]
        assert within == [table.index(margin.tier_of(table, notional))]
