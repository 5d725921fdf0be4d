"""How many lots fit *every* rule at once: budget, margin, headroom, tiers, liquidation, lots.

Each limit can only get tighter with more lots, so the largest size is found by bisection and
the rule that stops the next lot is its reason. The lower bounds (smallest lot, smallest order)
are the legs' business and come last: :func:`smallest_legal` and :func:`largest_legal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.codes import (
    BUDGET,
    HEADROOM,
    LIQUIDATION,
    LOT,
    MARGIN,
    MAX_QUANTITY,
    MIN_NOTIONAL,
    OK,
    PLAN_LEVERAGE,
    TIER,
)
from lotwise.kernel.layout import LEVERAGE, LONG, RATE
from lotwise.kernel.margin import (
    fee_to_close_ceil,
    initial_margin_trunc,
    liquidation_by,
    open_loss_ceil,
    tier_index,
)
from lotwise.kernel.sizing import (
    entry_fee_ceil,
    entry_tick_lots,
    largest_within_budget,
    loss_cash,
    lots_through_leg,
)
from lotwise.rule import rule
from lotwise.units import Cash, Lots, Rate8

if TYPE_CHECKING:
    from lotwise.kernel.layout import Ask, Legs, Limits, Spec, Tiers


@rule
def margin_needed(spec: Spec, ask: Ask, legs: Legs, lots: Lots, leverage100: int) -> Cash:
    """Initial margin of the whole ladder at a leverage, with Bybit's fee to close."""
    notional = Cash(entry_tick_lots(legs, lots) * spec[0].cash_per_tick_lot)
    margin = initial_margin_trunc(notional, leverage100=leverage100)
    if spec[0].fee_to_close:
        margin = Cash(
            margin
            + fee_to_close_ceil(
                ask[0].side, notional, leverage100=leverage100, taker8=Rate8(ask[0].exit_fee8)
            )
        )
    return margin


@rule
def margin_room(spec: Spec, ask: Ask, limits: Limits, legs: Legs, lots: Lots) -> Cash:
    """Free money left for initial margin once the entry fee and the open loss are set aside."""
    trade = ask[0]
    aside = entry_fee_ceil(spec, ask, legs, lots=lots)
    if trade.mark_ticks2:
        entered = entry_tick_lots(legs, lots)
        unit = Cash(spec[0].cash_per_tick_lot)
        aside = Cash(
            aside
            + open_loss_ceil(
                trade.side, entered, lots=lots, mark_ticks2=trade.mark_ticks2, cash_per_tick_lot=unit
            )
        )
    return Cash(limits[0].free_cash - aside)


@rule
def wallet_behind(spec: Spec, ask: Ask, limits: Limits, legs: Legs, lots: Lots, leverage100: int) -> Cash:
    """Money standing behind the position once it is open.

    Isolated: the initial margin. Cross: the account's balance after the others' needs, less
    the entry fee, which is paid from it.
    """
    if limits[0].is_cross:
        return Cash(limits[0].cross_cash - entry_fee_ceil(spec, ask, legs, lots=lots))
    notional = Cash(entry_tick_lots(legs, lots) * spec[0].cash_per_tick_lot)
    return initial_margin_trunc(notional, leverage100=leverage100)


@rule
def leverage_for(spec: Spec, ask: Ask, limits: Limits, legs: Legs, lots: Lots) -> int:
    """The leverage asked for, or the lowest whole one whose margin fits; 0 where none does."""
    asked = ask[0].leverage100
    if asked:
        return asked
    room = min(margin_room(spec, ask, limits, legs=legs, lots=lots), limits[0].margin_cash)
    if room <= 0:
        return 0
    notional = entry_tick_lots(legs, lots) * spec[0].cash_per_tick_lot
    whole = max(1, notional // room)
    while margin_needed(spec, ask, legs, lots=lots, leverage100=whole * LEVERAGE) > room:
        if whole * LEVERAGE > limits[0].max_leverage100:
            return whole * LEVERAGE  # over the plan already: the caller refuses it
        whole += 1
    return whole * LEVERAGE


@rule
def liquidation_is_beyond(
    spec: Spec,
    ask: Ask,
    limits: Limits,
    tiers: Tiers,
    entry_notional: Cash,
    stop_notional: Cash,
    wallet: Cash,
) -> bool:
    """Whether entry-to-liquidation exceeds the chosen multiple of entry-to-stop, strictly."""
    side = ask[0].side
    _, _, numerator, denominator = liquidation_by(
        spec[0].entry_based, side, tiers, entry_notional_cash=entry_notional, wallet_cash=wallet
    )
    least = mul_div_ceil(side * (entry_notional - stop_notional), limits[0].liquidation_multiple8, RATE)
    if side == LONG:
        if numerator <= 0:
            return True
        return entry_notional - mul_div_ceil(numerator, RATE, denominator) > least
    if numerator <= 0:
        return False
    return mul_div_floor(numerator, RATE, denominator) - entry_notional > least


@rule
def refusal_beyond_budget(spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, lots: Lots) -> int:
    """OK, or the first rule after the budget that ``lots`` breaks."""
    leverage = leverage_for(spec, ask, limits, legs=legs, lots=lots)
    room = margin_room(spec, ask, limits, legs=legs, lots=lots)
    if leverage == 0:
        return MARGIN if room <= 0 else HEADROOM
    needed = margin_needed(spec, ask, legs, lots=lots, leverage100=leverage)
    if leverage > limits[0].max_leverage100:
        return PLAN_LEVERAGE
    if needed > room:
        return MARGIN
    if needed > limits[0].margin_cash:
        return HEADROOM
    unit = spec[0].cash_per_tick_lot
    notional = Cash(entry_tick_lots(legs, lots) * unit)
    if len(tiers) > 0:
        tier = tier_index(tiers, notional)
        if leverage > tiers[tier].max_leverage100:
            return TIER
        if notional > tiers[len(tiers) - 1].cap_cash:
            return TIER
    if ask[0].stop_is_liquidation:
        return OK
    stop_notional = Cash(ask[0].stop_ticks * lots * unit)
    wallet = wallet_behind(spec, ask, limits, legs=legs, lots=lots, leverage100=leverage)
    beyond = liquidation_is_beyond(
        spec, ask, limits, tiers=tiers, entry_notional=notional, stop_notional=stop_notional, wallet=wallet
    )
    return OK if beyond else LIQUIDATION


@rule
def refusal(spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, lots: Lots) -> int:
    """OK, or the first rule that ``lots`` breaks; see :mod:`lotwise.kernel.codes` for the order."""
    if loss_cash(spec, ask, legs, lots=lots) > limits[0].budget_cash:
        return BUDGET
    if lots > spec[0].max_lots:
        return MAX_QUANTITY
    return refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=lots)


@rule
def largest_feasible(spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers) -> tuple[int, int]:
    """(lots, code): the most lots no rule refuses, and the rule that refuses one more."""
    lots = largest_within_budget(spec, ask, legs, budget_cash=Cash(limits[0].budget_cash))
    code = MAX_QUANTITY if lots == spec[0].max_lots else BUDGET
    if lots == 0 or refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=lots) == OK:
        return lots, code
    fits = 0
    refused = lots
    while refused - fits > 1:
        middle = Lots((fits + refused) // 2)
        if refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=middle) == OK:
            fits = middle
        else:
            refused = middle
    return fits, refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=Lots(refused))


@rule
def leg_refusal(spec: Spec, legs: Legs, lots: Lots) -> int:
    """OK, or LOT / MIN_NOTIONAL where a leg of the ladder is too small for the venue."""
    smallest = spec[0].min_lots
    least = spec[0].min_notional_cash
    unit = spec[0].cash_per_tick_lot
    before = 0
    code = OK
    for leg in range(len(legs)):
        through = lots_through_leg(legs, leg, lots)
        part = through - before
        before = through
        if part < smallest:
            return LOT
        if part * legs[leg].price_ticks * unit < least:
            code = MIN_NOTIONAL
    return code


@rule
def smallest_legal(spec: Spec, legs: Legs) -> Lots:
    """The fewest lots that make every leg legal.

    A leg holds at least floor(lots x share), so some count is always enough; the first legal
    one lies at or above what the neediest leg asks for without rounding.
    """
    unit = spec[0].cash_per_tick_lot
    lots = 1
    before8 = 0
    for leg in range(len(legs)):
        share8 = legs[leg].cumulative_share8 - before8
        before8 = legs[leg].cumulative_share8
        worth = legs[leg].price_ticks * unit
        need = max(spec[0].min_lots, (spec[0].min_notional_cash + worth - 1) // worth, 1)
        lots = max(lots, mul_div_floor(need - 1, RATE, share8) + 1)
    while leg_refusal(spec, legs, Lots(lots)) != OK:
        lots += 1
    return Lots(lots)


@rule
def largest_legal(spec: Spec, legs: Legs, lots: Lots, smallest: Lots) -> Lots:
    """The most lots up to ``lots`` that make every leg legal; 0 where there are none."""
    if lots < smallest:
        return Lots(0)
    while leg_refusal(spec, legs, lots) != OK:
        lots = Lots(lots - 1)
    return lots
