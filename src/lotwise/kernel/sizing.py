"""The loss of ``lots`` at the stop with every cost, and the most lots whose loss fits a budget.

Executed prices, in half ticks so that half a spread is whole::

    entry  = order price + s * spread / 2      (0 spread where the entry rests as a maker)
    exit   = stop price - s * (spread / 2 + slippage)

Fees are charged on executed prices; every part is rounded up to 1e-8, against the trader.
Funding is charged at the larger of the entry and the stop notional, and never credited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import LONG, RATE
from lotwise.kernel.margin import initial_margin_trunc
from lotwise.rule import rule
from lotwise.units import Cash, Lots, Ticks

if TYPE_CHECKING:
    from lotwise.kernel.layout import Ask, Legs, Spec


@rule
def lots_through_leg(legs: Legs, leg: int, lots: Lots) -> Lots:
    """Lots in legs 0..leg: cumulative shares rounded down, the last leg takes the rest."""
    if leg == len(legs) - 1:
        return lots
    return Lots(mul_div_floor(lots, legs[leg].cumulative_share8, RATE))


@rule
def entry_tick_lots(legs: Legs, lots: Lots) -> int:
    """Sum over the legs of price x lots, in tick-lots: the entry notional before money."""
    if len(legs) == 1:
        return legs[0].price_ticks * lots
    total = 0
    before = 0
    for leg in range(len(legs)):
        through = lots_through_leg(legs, leg, lots)
        total += legs[leg].price_ticks * (through - before)
        before = through
    return total


@rule
def entry_worth2(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> int:
    """Twice the executed entry notional: the orders' worth plus half a spread where they take."""
    trade = ask[0]
    ticks2 = 2 * entry_tick_lots(legs, lots) + trade.side * trade.entry_spread_ticks * lots
    return ticks2 * spec[0].cash_per_tick_lot


@rule
def entry_fee_ceil(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> Cash:
    """Fee of the whole entry on its executed notional."""
    return Cash(mul_div_ceil(entry_worth2(spec, ask, legs, lots=lots), ask[0].entry_fee8, 2 * RATE))


@rule
def executed_margin(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> Cash:
    """Isolated margin at the executed entry and the leverage asked for: all a takeover can take."""
    worth = (entry_worth2(spec, ask, legs, lots=lots) + 1) // 2
    return initial_margin_trunc(Cash(worth), leverage100=ask[0].leverage100)


@rule
def exit_worth2(spec: Spec, ask: Ask, lots: Lots) -> int:
    """Twice the executed notional of the stop: half a spread and the slippage beyond it."""
    trade = ask[0]
    ticks2 = 2 * trade.stop_ticks - trade.side * (2 * trade.slippage_ticks + trade.exit_spread_ticks)
    return ticks2 * lots * spec[0].cash_per_tick_lot


@rule
def loss_parts(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> tuple[int, int, int, int, int, int]:
    """(price, entry fee, exit fee, spread, slippage, funding) in Cash, each rounded up.

    Where the stop is the liquidation, "price" is the whole isolated margin, and closing costs
    nothing more: the venue takes the position over within the margin.
    """
    unit = spec[0].cash_per_tick_lot
    trade = ask[0]
    side = trade.side
    entered = entry_tick_lots(legs, lots)
    entry_fee = entry_fee_ceil(spec, ask, legs, lots=lots)
    if trade.stop_is_liquidation:
        funding = mul_div_ceil(entered * unit, trade.funding8, RATE)
        return executed_margin(spec, ask, legs, lots=lots), entry_fee, 0, 0, 0, funding
    stopped = trade.stop_ticks * lots
    exit_fee = mul_div_ceil(exit_worth2(spec, ask, lots), trade.exit_fee8, 2 * RATE)
    spread = ((trade.entry_spread_ticks + trade.exit_spread_ticks) * lots * unit + 1) // 2
    funding = mul_div_ceil(max(entered, stopped) * unit, trade.funding8, RATE)
    price = side * (entered - stopped) * unit
    return price, entry_fee, exit_fee, spread, trade.slippage_ticks * lots * unit, funding


@rule
def loss_cash(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> Cash:
    """Everything lost if the stop is hit: the sum of :func:`loss_parts`."""
    price, entry_fee, exit_fee, spread, slippage, funding = loss_parts(spec, ask, legs, lots=lots)
    return Cash(price + entry_fee + exit_fee + spread + slippage + funding)


@rule
def largest_within_budget(spec: Spec, ask: Ask, legs: Legs, budget_cash: Cash) -> Lots:
    """The most lots, up to ``max_lots``, whose loss at the stop is at most the budget.

    The loss grows with every lot (by whole lots along the ladder, and rounding is far below a
    lot's loss), so a guess from the loss at ``max_lots`` is walked to the exact edge.
    """
    most = spec[0].max_lots
    if most <= 0 or budget_cash < 0:
        return Lots(0)
    all_lost = loss_cash(spec, ask, legs, lots=Lots(most))
    if all_lost <= budget_cash:
        return Lots(most)
    lots = mul_div_floor(most, budget_cash, all_lost)
    while lots > 0 and loss_cash(spec, ask, legs, lots=Lots(lots)) > budget_cash:
        lots -= 1
    while loss_cash(spec, ask, legs, lots=Lots(lots + 1)) <= budget_cash:
        lots += 1
    return Lots(lots)


@rule
def gain_floor(
    spec: Spec,
    ask: Ask,
    legs: Legs,
    lots: Lots,
    exit_lots: Lots,
    exit_ticks: Ticks,
    exit_fee8: int,
    exit_spread: int,
) -> Cash:
    """Profit of closing ``exit_lots`` of ``lots`` at ``exit_ticks`` after all costs, rounded down.

    The part closed bears its share of entry fee and entry spread, and funding on the larger of
    its entry and exit notional. ``exit_spread`` is the full spread in ticks where the exit
    takes, 0 where it rests.
    """
    unit = spec[0].cash_per_tick_lot
    trade = ask[0]
    exit2 = (2 * exit_ticks - trade.side * exit_spread) * exit_lots * unit
    entered = mul_div_ceil(entry_tick_lots(legs, lots) * unit, exit_lots, lots)
    costs = mul_div_ceil(entry_fee_ceil(spec, ask, legs, lots=lots), exit_lots, lots)
    costs += mul_div_ceil(exit2, exit_fee8, 2 * RATE)
    costs += mul_div_ceil(max(entered, exit_ticks * exit_lots * unit), trade.funding8, RATE)
    worth2 = entry_worth2(spec, ask, legs, lots=lots)
    if trade.side == LONG:
        moved2 = exit2 - mul_div_ceil(worth2, exit_lots, lots)
    else:
        moved2 = mul_div_floor(worth2, exit_lots, lots) - exit2
    return Cash(moved2 // 2 - costs)


@rule
def break_even_ticks(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> Ticks:
    """First tick at which closing everything as a taker leaves no loss after all costs; 0: none.

    Solved for the price, then walked to the exact edge with :func:`gain_floor`.
    """
    trade = ask[0]
    side = trade.side
    fee8, spread = trade.exit_fee8, trade.exit_spread_ticks
    due2 = entry_worth2(spec, ask, legs, lots=lots) + side * 2 * entry_fee_ceil(spec, ask, legs, lots=lots)
    kept8 = RATE + fee8
    if side == LONG:
        kept8 = RATE - fee8 - trade.funding8
    else:
        entered = entry_tick_lots(legs, lots) * spec[0].cash_per_tick_lot
        due2 -= 2 * mul_div_ceil(entered, trade.funding8, RATE)
    if kept8 <= 0 or due2 <= 0:
        return Ticks(0)
    worth2 = mul_div_floor(due2, RATE, kept8)
    ticks = (worth2 // (lots * spec[0].cash_per_tick_lot) + side * spread) // 2
    while ticks > 0 and _closes_even(spec, ask, legs, lots=lots, ticks=Ticks(ticks)):
        ticks -= side
    while ticks > 0 and not _closes_even(spec, ask, legs, lots=lots, ticks=Ticks(ticks)):
        ticks += side
    return Ticks(max(0, ticks))


@rule
def _closes_even(spec: Spec, ask: Ask, legs: Legs, lots: Lots, ticks: Ticks) -> bool:
    fee8, spread = ask[0].exit_fee8, ask[0].exit_spread_ticks
    gain = gain_floor(
        spec, ask, legs, lots=lots, exit_lots=lots, exit_ticks=ticks, exit_fee8=fee8, exit_spread=spread
    )
    return gain >= 0
