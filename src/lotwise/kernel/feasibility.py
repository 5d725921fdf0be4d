"""How many lots fit *every* rule at once: budget, margin, headroom, tiers, liquidation, lots.

Limits get tighter with more lots, so the largest size is found by bisection between the
smallest order and the budget's size, and the rule that stops the next lot is its reason. (A
ladder's split into whole lots can blur this by a lot; the answer is then still one that every
rule allows.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotwise.kernel.arith import INT64_MAX, OVERFLOW, mul_div_ceil, mul_div_floor
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
    entry_notional,
    exit_worth2,
    largest_within_budget,
    loss_cash,
    lots_through_leg,
)
from lotwise.kernel.worth import worth_ceil, worth_floor, worth_side
from lotwise.rule import rule
from lotwise.units import Cash, Lots, Rate8, Ticks

if TYPE_CHECKING:
    from lotwise.kernel.layout import Ask, Legs, Limits, Spec, Tiers


@rule
def margin_needed(spec: Spec, ask: Ask, legs: Legs, lots: Lots, leverage100: int) -> Cash:
    """Initial margin of the whole ladder at a leverage, with Bybit's fee to close.

    Listed futures: what the exchange and the broker ask per contract, whatever the leverage.
    """
    if spec[0].margin_per_lot_cash:
        return Cash(lots * spec[0].margin_per_lot_cash)
    notional = entry_notional(spec, legs, lots=lots, up=0)
    margin = initial_margin_trunc(notional, leverage100=leverage100)
    if spec[0].fee_to_close:
        margin = Cash(
            margin
            + fee_to_close_ceil(
                worth_side(spec, ask[0].side),
                notional,
                leverage100=leverage100,
                taker8=Rate8(ask[0].exit_fee8),
            )
        )
    return margin


@rule
def margin_room(spec: Spec, ask: Ask, limits: Limits, legs: Legs, lots: Lots) -> Cash:
    """Free money left for initial margin once the entry fee and the open loss are set aside."""
    trade = ask[0]
    aside = entry_fee_ceil(spec, ask, legs, lots=lots)
    if trade.mark_ticks2:
        before = 0
        for leg in range(len(legs)):
            part = Lots(lots_through_leg(legs, leg, lots) - before)
            before += part
            lost = open_loss_ceil(
                spec,
                trade.side,
                order_ticks=Ticks(legs[leg].price_ticks),
                mark_ticks2=trade.mark_ticks2,
                lots=part,
            )
            aside = Cash(aside + lost)
    return Cash(limits[0].free_cash - aside)


@rule
def wallet_behind(spec: Spec, ask: Ask, limits: Limits, legs: Legs, lots: Lots, leverage100: int) -> Cash:
    """Money standing behind the position once it is open.

    Isolated: the initial margin. Cross: the account's balance after the others' needs, less
    the entry fee, which is paid from it.
    """
    if limits[0].is_cross:
        return Cash(limits[0].cross_cash - entry_fee_ceil(spec, ask, legs, lots=lots))
    return initial_margin_trunc(entry_notional(spec, legs, lots=lots, up=0), leverage100=leverage100)


@rule
def leverage_for(spec: Spec, ask: Ask, limits: Limits, legs: Legs, lots: Lots) -> int:
    """The leverage asked for, or the lowest whole one whose margin fits; 0 where none does.

    Where the plan's cap does not do, one more than the cap: the caller refuses it.
    """
    asked = ask[0].leverage100
    if asked or spec[0].margin_per_lot_cash:
        return asked or LEVERAGE
    room = min(margin_room(spec, ask, limits, legs=legs, lots=lots), limits[0].margin_cash)
    if room <= 0:
        return 0
    notional = entry_notional(spec, legs, lots=lots, up=0)
    over = limits[0].max_leverage100 // LEVERAGE + 1
    whole = min(over, max(1, notional // room))
    while whole < over and margin_needed(spec, ask, legs, lots=lots, leverage100=whole * LEVERAGE) > room:
        whole += 1
    return whole * LEVERAGE


@rule
def liquidation_bound(spec: Spec, ask: Ask, limits: Limits, entered: Cash, lots: Lots) -> Cash:
    """The notional that liquidation must lie strictly beyond.

    The chosen multiple of the distance from the average entry to the stop, measured in price,
    and the executed exit: a slipping stop may not meet the liquidation.
    """
    side = ask[0].side
    multiple8 = limits[0].liquidation_multiple8
    unit = spec[0].cash_per_tick_lot
    if unit:
        stopped = entered - ask[0].stop_ticks * lots * unit
        least = mul_div_ceil(side * stopped, multiple8, RATE)
        out = exit_worth2(spec, ask, lots=lots, up=0) // 2
        return Cash(entered - side * max(least, side * (entered - out)))
    value = lots * spec[0].cash_ticks_per_lot
    reached8 = ask[0].stop_ticks * multiple8
    if side == LONG:  # its worth rises toward the stop
        reached8 -= mul_div_ceil(mul_div_ceil(value, RATE, entered), multiple8 - RATE, RATE)
        if reached8 <= 0:
            return Cash(INT64_MAX)  # no price above zero is that far away
        out = (exit_worth2(spec, ask, lots=lots, up=1) + 1) // 2
        reached = mul_div_ceil(value, RATE, reached8)
        return Cash(INT64_MAX if reached == OVERFLOW else max(out, reached))
    reached8 -= mul_div_floor(mul_div_floor(value, RATE, entered), multiple8 - RATE, RATE)
    out = exit_worth2(spec, ask, lots=lots, up=0) // 2
    return Cash(min(out, mul_div_floor(value, RATE, reached8)))


@rule
def liquidation_is_beyond(
    spec: Spec, side: int, tiers: Tiers, entered: Cash, wallet: Cash, bound: Cash
) -> bool:
    """Whether the liquidation lies strictly beyond ``bound``; ``side`` is that of the worth."""
    _, _, numerator, denominator = liquidation_by(
        spec[0].entry_based, side, tiers, entry_notional_cash=entered, wallet_cash=wallet
    )
    if side == LONG:
        if numerator <= 0:
            return True
        return mul_div_ceil(numerator, RATE, denominator) < bound
    if numerator <= 0:
        return False
    return mul_div_floor(numerator, RATE, denominator) > bound


@rule
def ladder_stays_beyond(
    spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, lots: Lots, leverage100: int
) -> bool:
    """:func:`liquidation_is_beyond` however far the ladder fills: the farthest leg fills first.

    A part of the ladder is not safer than the whole: its entry is farther from the stop. An
    inverse entry's worth is rounded to the side where liquidation is nearer.
    """
    side = worth_side(spec, ask[0].side)
    wallet = Cash(limits[0].cross_cash - entry_fee_ceil(spec, ask, legs, lots=lots))
    notional, held = 0, 0
    before = 0
    for leg in range(len(legs)):
        through = lots_through_leg(legs, leg, lots)
        part, price = Lots(through - before), Ticks(legs[leg].price_ticks)
        held += worth_floor(spec, price, part)
        notional += worth_ceil(spec, price, part) if side == LONG else worth_floor(spec, price, part)
        if not limits[0].is_cross:
            wallet = initial_margin_trunc(Cash(held), leverage100=leverage100)
        if through > before and not liquidation_is_beyond(
            spec,
            side,
            tiers,
            entered=Cash(notional),
            wallet=wallet,
            bound=liquidation_bound(spec, ask, limits, entered=Cash(notional), lots=Lots(through)),
        ):
            return False
        before = through
    return True


@rule
def refusal_beyond_budget(spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, lots: Lots) -> int:
    """OK, or the first rule after budget and largest quantity that ``lots`` breaks."""
    leverage = leverage_for(spec, ask, limits, legs=legs, lots=lots)
    room = margin_room(spec, ask, limits, legs=legs, lots=lots)
    if leverage == 0:
        return MARGIN if room <= 0 else HEADROOM
    if leverage > limits[0].max_leverage100:
        return PLAN_LEVERAGE
    needed = margin_needed(spec, ask, legs, lots=lots, leverage100=leverage)
    if needed > room:
        return MARGIN
    if needed > limits[0].margin_cash:
        return HEADROOM
    if len(tiers) > 0:
        notional = entry_notional(spec, legs, lots=lots, up=0)
        if leverage > tiers[tier_index(tiers, notional)].max_leverage100:
            return TIER
        if notional > tiers[len(tiers) - 1].cap_cash:
            return TIER
    if ask[0].stop_is_liquidation:
        return OK
    beyond = ladder_stays_beyond(spec, ask, limits, legs=legs, tiers=tiers, lots=lots, leverage100=leverage)
    return OK if beyond else LIQUIDATION


@rule
def refusal(spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, lots: Lots) -> int:
    """OK, or the first rule that ``lots`` breaks; see :mod:`lotwise.kernel.codes` for the order."""
    if lots > spec[0].max_lots:  # first: beyond it the loss may not even fit 64 bits
        return MAX_QUANTITY
    if loss_cash(spec, ask, legs, lots=lots) > limits[0].budget_cash:
        return BUDGET
    return refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=lots)


@rule
def leg_refusal(spec: Spec, legs: Legs, lots: Lots) -> int:
    """OK, or LOT / MIN_NOTIONAL where a leg of the ladder is too small for the venue."""
    smallest = spec[0].min_lots
    least = spec[0].min_notional_cash
    before = 0
    code = OK
    for leg in range(len(legs)):
        through = lots_through_leg(legs, leg, lots)
        part = Lots(through - before)
        before = through
        if part < smallest:
            return LOT
        if least and worth_floor(spec, Ticks(legs[leg].price_ticks), part) < least:
            code = MIN_NOTIONAL
    return code


@rule
def smallest_legal(spec: Spec, legs: Legs) -> Lots:
    """The fewest lots that make every leg legal.

    A leg holds at least floor(lots x share), so some count is always enough; the first legal
    one lies at or above what the neediest leg asks for without rounding.
    """
    least = spec[0].min_notional_cash
    lots = 1
    before8 = 0
    for leg in range(len(legs)):
        share8 = legs[leg].cumulative_share8 - before8
        before8 = legs[leg].cumulative_share8
        need = max(spec[0].min_lots, 1)
        if least:
            worth = worth_floor(spec, Ticks(legs[leg].price_ticks), Lots(1))
            need = max(need, (least + worth - 1) // max(1, worth))
        lots = max(lots, mul_div_floor(need - 1, RATE, share8) + 1)
    while leg_refusal(spec, legs, Lots(lots)) != OK:
        lots += 1
    return Lots(lots)


@rule
def largest_feasible(spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers) -> tuple[int, int, int]:
    """(lots, code, smallest): the most lots that every rule allows.

    Where ``lots`` is positive, ``code`` is the rule that refuses more. Where it is 0, ``code``
    is the rule that refuses ``smallest``, the smallest order the venue takes.
    """
    smallest = smallest_legal(spec, legs)
    refused_smallest = refusal(spec, ask, limits, legs=legs, tiers=tiers, lots=smallest)
    if refused_smallest != OK:
        return 0, refused_smallest, smallest
    most = largest_within_budget(spec, ask, legs, budget_cash=Cash(limits[0].budget_cash))
    if most < smallest:  # a ladder's split: fewer lots in costlier legs may lose more than the smallest order
        most = smallest
        while most < spec[0].max_lots and _within(spec, ask, limits, legs=legs, lots=Lots(most + 1)):
            most = Lots(most + 1)
    code = MAX_QUANTITY if most == spec[0].max_lots else BUDGET
    if _allowed(spec, ask, limits, legs=legs, tiers=tiers, lots=most):
        return most, code, smallest
    fits, refused = smallest, most
    after = refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=most)
    if after == OK:  # only a leg of the ladder is too small
        fits = most
    while after != OK and refused - fits > 1:
        middle = Lots((fits + refused) // 2)
        if refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=middle) == OK:
            fits = middle
        else:
            refused = middle
    if after != OK:
        code = refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=refused)
    while fits > smallest and not _allowed(spec, ask, limits, legs=legs, tiers=tiers, lots=fits):
        fits = Lots(fits - 1)
        code = LOT
    return fits, code, smallest


@rule
def _within(spec: Spec, ask: Ask, limits: Limits, legs: Legs, lots: Lots) -> bool:
    """The loss of ``lots`` fits the budget."""
    return loss_cash(spec, ask, legs, lots=lots) <= limits[0].budget_cash


@rule
def _allowed(spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, lots: Lots) -> bool:
    """Every leg legal and every rule beyond the budget content."""
    if leg_refusal(spec, legs, lots) != OK:
        return False
    return refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=lots) == OK
