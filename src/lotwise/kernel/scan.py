"""One setup asked of many contracts: price and plan become an ask, and the sizing rules answer.

The loop is a rule too, so a scan of the whole catalogue runs compiled; every size in it is that
of :func:`lotwise.kernel.feasibility.largest_feasible`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotwise.kernel.arith import mul_div_ceil, mul_div_div_floor, mul_div_floor
from lotwise.kernel.codes import COSTS_REACH_PRICE, NO_PRICE, NO_STOP, OK, UNCOUNTABLE
from lotwise.kernel.feasibility import (
    largest_feasible,
    leverage_for,
    margin_needed,
    smallest_legal,
    wallet_behind,
)
from lotwise.kernel.layout import LEVERAGE, LONG, RATE
from lotwise.kernel.margin import liquidation_by
from lotwise.kernel.sizing import entry_notional, loss_cash, loss_parts
from lotwise.kernel.worth import worth_side
from lotwise.rule import rule
from lotwise.units import Cash, Lots, Ticks

if TYPE_CHECKING:
    from lotwise.kernel.layout import Ask, Found, Legs, Limits, Listed, Plans, Quotes, Spec, Tiers

MAX_INVERSE_TICKS = 900_000_000
"""Highest price of an inverse contract in ticks; see :mod:`lotwise.contracts.bounds`."""


@rule
def setup_ask(listed: Listed, quote: Quotes, plan: Plans, ask: Ask, legs: Legs) -> int:
    """Fill the ask and its one leg from a price and a plan: OK, or why there is none."""
    side, tick8, price8 = plan[0].side, listed[0].tick_size8, quote[0].price8
    if price8 <= 0:
        return NO_PRICE
    entry = -(-price8 // tick8) if side == LONG else price8 // tick8
    if entry <= 0:
        return NO_PRICE
    away = mul_div_floor(entry, plan[0].stop_share8, RATE)  # rounded toward the entry, as words are
    if plan[0].atr_multiple8:
        away = mul_div_div_floor(plan[0].atr_multiple8, quote[0].atr8, tick8, RATE)
    stop = entry - side * away
    if away <= 0 or stop <= 0:
        return NO_STOP
    spread = mul_div_ceil(plan[0].spread_share8, entry, RATE)
    if quote[0].spread8 >= 0:
        spread = -(-quote[0].spread8 // tick8)
    slippage = mul_div_ceil(plan[0].slippage_share8, entry, RATE)
    if max(spread, slippage) >= entry or spread + slippage >= stop:
        return COSTS_REACH_PRICE
    legs[0].cumulative_share8 = RATE
    legs[0].price_ticks = entry
    ask[0].entry_fee8 = listed[0].taker_fee8 if plan[0].entry_takes else listed[0].maker_fee8
    ask[0].entry_spread_ticks = spread if plan[0].entry_takes else 0
    ask[0].exit_fee8 = listed[0].taker_fee8
    ask[0].exit_spread_ticks = spread
    ask[0].funding8 = quote[0].funding8
    ask[0].leverage100 = 0
    ask[0].mark_ticks2 = 0
    ask[0].side = side
    ask[0].slippage_ticks = slippage
    ask[0].stop_is_liquidation = 0
    ask[0].stop_ticks = stop
    return OK


@rule
def setup_limits(spec: Spec, listed: Listed, plan: Plans, limits: Limits, entry_ticks: Ticks) -> None:
    """Fill the limits: a dollar account's money, in coins at the entry price for inverse contracts."""
    equity, risk = plan[0].equity_cash, plan[0].risk_cash
    if spec[0].cash_ticks_per_lot:
        price8 = entry_ticks * listed[0].tick_size8
        equity = mul_div_floor(equity, RATE, price8)
        risk = mul_div_floor(risk, RATE, price8)
    budget = mul_div_floor(equity, plan[0].risk8, RATE) if plan[0].risk8 else risk
    most = listed[0].max_leverage100
    limits[0].budget_cash = budget
    limits[0].cross_cash = equity if listed[0].clearing else 0
    limits[0].free_cash = equity
    limits[0].is_cross = listed[0].clearing
    limits[0].liquidation_multiple8 = plan[0].liquidation_multiple8
    limits[0].margin_cash = mul_div_floor(equity, plan[0].margin_share8, RATE)
    limits[0].max_leverage100 = min(most, plan[0].max_leverage100) if plan[0].max_leverage100 else most


@rule
def set_largest(spec: Spec, listed: Listed, plan: Plans, ask: Ask, legs: Legs) -> int:
    """Fill the spec's largest order: OK, or UNCOUNTABLE where even the smallest passes 64 bits."""
    highest = max(legs[0].price_ticks, ask[0].stop_ticks)
    highest += ask[0].slippage_ticks + max(ask[0].entry_spread_ticks, ask[0].exit_spread_ticks)
    per_lot = spec[0].cash_ticks_per_lot
    if per_lot == 0:
        if highest > plan[0].largest_notional_cash // spec[0].cash_per_tick_lot:
            return UNCOUNTABLE  # their product would not fit
        per_lot = max(spec[0].cash_per_tick_lot * highest, spec[0].margin_per_lot_cash)
    elif 2 * highest > MAX_INVERSE_TICKS:
        return UNCOUNTABLE
    exact = plan[0].largest_notional_cash // per_lot
    spec[0].max_lots = exact if listed[0].max_lots < 0 else min(exact, listed[0].max_lots)
    if spec[0].min_lots >= exact or smallest_legal(spec, legs) > 4 * exact:
        return UNCOUNTABLE
    return OK


@rule
def scan_one(
    spec: Spec,
    listed: Listed,
    quote: Quotes,
    plan: Plans,
    tiers: Tiers,
    ask: Ask,
    limits: Limits,
    legs: Legs,
    found: Found,
) -> None:
    """Size the setup on one contract; ``ask``, ``limits`` and ``legs`` are written over."""
    found[0].lots = 0
    found[0].code = setup_ask(listed, quote, plan, ask=ask, legs=legs)
    if found[0].code != OK:
        return
    if listed[0].clearing and spec[0].margin_per_lot_cash == 0:
        ask[0].leverage100 = LEVERAGE  # the margin is unknown: the full notional is counted
    entry = Ticks(legs[0].price_ticks)
    setup_limits(spec, listed, plan, limits=limits, entry_ticks=entry)
    found[0].entry_ticks = entry
    found[0].stop_ticks = ask[0].stop_ticks
    found[0].equity_cash = limits[0].free_cash
    found[0].budget_cash = limits[0].budget_cash
    found[0].code = set_largest(spec, listed, plan, ask=ask, legs=legs)
    if found[0].code != OK:
        return
    lots, code, smallest = largest_feasible(spec, ask, limits, legs=legs, tiers=tiers)
    found[0].lots = lots
    found[0].code = code
    found[0].smallest_lots = smallest
    fill_figures(spec, ask, limits, legs=legs, tiers=tiers, lots=Lots(max(lots, smallest)), found=found)


@rule
def fill_figures(
    spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, lots: Lots, found: Found
) -> None:
    """The numbers of an order of ``lots``, each from its rule."""
    side = worth_side(spec, ask[0].side)
    leverage = leverage_for(spec, ask, limits, legs=legs, lots=lots)
    found[0].leverage100 = leverage
    found[0].loss_cash = loss_cash(spec, ask, legs, lots=lots)
    found[0].costs_cash = found[0].loss_cash - loss_parts(spec, ask, legs, lots=lots)[0]
    found[0].notional_cash = entry_notional(spec, legs, lots=lots, up=0)
    found[0].numerator, found[0].denominator, found[0].margin_cash = 0, RATE, 0
    if leverage == 0:
        return
    found[0].margin_cash = margin_needed(spec, ask, legs, lots=lots, leverage100=leverage)
    if len(tiers) == 0:
        return
    wallet = wallet_behind(spec, ask, limits, legs=legs, lots=lots, leverage100=leverage)
    _, _, numerator, denominator = liquidation_by(
        spec[0].entry_based,
        side,
        tiers,
        entry_notional_cash=Cash(found[0].notional_cash),
        wallet_cash=wallet,
    )
    found[0].numerator, found[0].denominator = max(0, numerator), denominator


@rule
def scan_all(
    spec: Spec,
    listed: Listed,
    quotes: Quotes,
    plan: Plans,
    tiers: Tiers,
    ask: Ask,
    limits: Limits,
    legs: Legs,
    found: Found,
) -> None:
    """:func:`scan_one` for every contract."""
    for i in range(len(listed)):
        scan_one(
            spec[i : i + 1],
            listed[i : i + 1],
            quotes[i : i + 1],
            plan=plan,
            tiers=tiers[listed[i].first_tier : listed[i].end_tier],
            ask=ask,
            limits=limits,
            legs=legs,
            found=found[i : i + 1],
        )
