"""The loss of ``lots`` at the stop with every cost, and the most lots whose loss fits a budget.

Executed prices, in half ticks so that half a spread is whole::

    entry  = order price + s * spread / 2      (0 spread where the entry rests as a maker)
    exit   = stop price - s * (spread / 2 + slippage)

Fees are charged on executed prices; every part is rounded up to 1e-8, against the trader.
Funding is charged at the larger of the entry and the stop notional, and never credited.

Linear and inverse contracts differ only in :mod:`lotwise.kernel.worth`. An inverse ladder's worth
is rounded once per leg, as each leg is a fill of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import LONG, RATE
from lotwise.kernel.margin import initial_margin_trunc
from lotwise.kernel.worth import (
    move_loss_ceil,
    ticks_of_worth2,
    worth2_ceil,
    worth2_floor,
    worth_ceil,
    worth_floor,
    worth_side,
)
from lotwise.rule import rule
from lotwise.units import Cash, Lots, Ticks

if TYPE_CHECKING:
    from lotwise.kernel.layout import Ask, Legs, Spec

_FARTHEST_STEP: Final = 2**30
"""Ticks after which a break-even price is no price: an inverse long's gain has an end."""


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
def entry_notional(spec: Spec, legs: Legs, lots: Lots, up: int) -> Cash:
    """Worth of the entry orders; inverse: each leg rounded up (``up`` 1) or down (0)."""
    if spec[0].cash_ticks_per_lot == 0:
        return Cash(entry_tick_lots(legs, lots) * spec[0].cash_per_tick_lot)
    total = 0
    before = 0
    for leg in range(len(legs)):
        through = lots_through_leg(legs, leg, lots)
        part = Lots(through - before)
        before = through
        price = Ticks(legs[leg].price_ticks)
        total += worth_ceil(spec, price, part) if up else worth_floor(spec, price, part)
    return Cash(total)


@rule
def entry_worth2(spec: Spec, ask: Ask, legs: Legs, lots: Lots, up: int) -> int:
    """Twice the executed entry notional: the orders' worth plus half a spread where they take.

    Inverse: each leg rounded up (``up`` 1) or down (0).
    """
    spread = ask[0].side * ask[0].entry_spread_ticks
    if spec[0].cash_ticks_per_lot == 0:
        return (2 * entry_tick_lots(legs, lots) + spread * lots) * spec[0].cash_per_tick_lot
    total = 0
    before = 0
    for leg in range(len(legs)):
        through = lots_through_leg(legs, leg, lots)
        part = Lots(through - before)
        before = through
        price2 = 2 * legs[leg].price_ticks + spread
        total += worth2_ceil(spec, price2, part) if up else worth2_floor(spec, price2, part)
    return total


@rule
def entry_fee_ceil(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> Cash:
    """Fee of the whole entry on its executed notional."""
    worth2 = entry_worth2(spec, ask, legs, lots=lots, up=1)
    return Cash(mul_div_ceil(worth2, ask[0].entry_fee8, 2 * RATE))


@rule
def executed_margin(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> Cash:
    """Isolated margin at the executed entry and the leverage asked for: all a takeover can take."""
    worth = (entry_worth2(spec, ask, legs, lots=lots, up=1) + 1) // 2
    return initial_margin_trunc(Cash(worth), leverage100=ask[0].leverage100)


@rule
def exit_ticks2(ask: Ask) -> int:
    """Executed price of the stop in half ticks: half a spread and the slippage beyond it."""
    trade = ask[0]
    return 2 * trade.stop_ticks - trade.side * (2 * trade.slippage_ticks + trade.exit_spread_ticks)


@rule
def exit_worth2(spec: Spec, ask: Ask, lots: Lots, up: int) -> int:
    """Twice the executed notional of the stop; inverse: rounded up (``up`` 1) or down (0)."""
    price2 = exit_ticks2(ask)
    return worth2_ceil(spec, price2, lots) if up else worth2_floor(spec, price2, lots)


@rule
def loss_parts(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> tuple[int, int, int, int, int, int]:
    """(price, entry fee, exit fee, spread, slippage, funding) in Cash, each rounded up.

    Where the stop is the liquidation, "price" is the whole isolated margin, and closing costs
    nothing more: the venue takes the position over within the margin.
    """
    unit = spec[0].cash_per_tick_lot
    trade = ask[0]
    side = trade.side
    entry_fee = entry_fee_ceil(spec, ask, legs, lots=lots)
    if trade.stop_is_liquidation:
        entered = entry_notional(spec, legs, lots=lots, up=1)
        funding = mul_div_ceil(entered, trade.funding8, RATE)
        return executed_margin(spec, ask, legs, lots=lots), entry_fee, 0, 0, 0, funding
    exit_fee = mul_div_ceil(exit_worth2(spec, ask, lots=lots, up=1), trade.exit_fee8, 2 * RATE)
    if unit == 0:
        price, spread, slippage = inverse_moves(spec, ask, legs, lots=lots)
        entered = entry_notional(spec, legs, lots=lots, up=1)
        funded = max(entered, worth_ceil(spec, Ticks(trade.stop_ticks), lots))
        return price, entry_fee, exit_fee, spread, slippage, mul_div_ceil(funded, trade.funding8, RATE)
    entered_ticks = entry_tick_lots(legs, lots)
    stopped_ticks = trade.stop_ticks * lots
    spread = ((trade.entry_spread_ticks + trade.exit_spread_ticks) * lots * unit + 1) // 2
    funding = mul_div_ceil(max(entered_ticks, stopped_ticks) * unit, trade.funding8, RATE)
    price = side * (entered_ticks - stopped_ticks) * unit
    return price, entry_fee, exit_fee, spread, trade.slippage_ticks * lots * unit, funding


@rule
def inverse_moves(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> tuple[int, int, int]:
    """(price, spread, slippage) of an inverse loss: entry to stop leg by leg, then out at the stop."""
    trade = ask[0]
    side = trade.side
    stop2 = 2 * trade.stop_ticks
    slipped2 = stop2 - 2 * side * trade.slippage_ticks
    out2 = exit_ticks2(ask)
    price = 0
    spread = move_loss_ceil(spec, side, from_ticks2=slipped2, to_ticks2=out2, lots=lots)
    before = 0
    for leg in range(len(legs)):
        through = lots_through_leg(legs, leg, lots)
        part = Lots(through - before)
        before = through
        order2 = 2 * legs[leg].price_ticks
        taken2 = order2 + side * trade.entry_spread_ticks
        price += move_loss_ceil(spec, side, from_ticks2=order2, to_ticks2=stop2, lots=part)
        spread = Cash(spread + move_loss_ceil(spec, side, from_ticks2=taken2, to_ticks2=order2, lots=part))
    slippage = move_loss_ceil(spec, side, from_ticks2=stop2, to_ticks2=slipped2, lots=lots)
    return price, spread, slippage


@rule
def loss_cash(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> Cash:
    """Everything lost if the stop is hit: the sum of :func:`loss_parts`."""
    price, entry_fee, exit_fee, spread, slippage, funding = loss_parts(spec, ask, legs, lots=lots)
    return Cash(price + entry_fee + exit_fee + spread + slippage + funding)


@rule
def largest_within_budget(spec: Spec, ask: Ask, legs: Legs, budget_cash: Cash) -> Lots:
    """The most lots, up to ``max_lots``, whose loss at the stop is at most the budget.

    The loss grows with every lot, so a guess from the loss at ``max_lots`` is stepped from, in
    doubling steps, and the last step is halved down to the exact edge. Only an inverse ladder's
    loss may fall by the 1e-8 that each leg is rounded by: there the answer fits, one lot more
    does not, and of several such edges it is one.
    """
    most = spec[0].max_lots
    if most <= 0 or budget_cash < 0:
        return Lots(0)
    all_lost = loss_cash(spec, ask, legs, lots=Lots(most))
    if all_lost <= budget_cash:
        return Lots(most)
    fits = mul_div_floor(most, budget_cash, all_lost)
    over = fits
    step = 1
    while fits > 0 and loss_cash(spec, ask, legs, lots=Lots(fits)) > budget_cash:
        over = fits
        fits = max(0, fits - step)
        step *= 2
    if over == fits:
        over = min(most, fits + 1)
        while loss_cash(spec, ask, legs, lots=Lots(over)) <= budget_cash:
            step *= 2
            fits = over
            over = min(most, over + step)
    while over - fits > 1:
        middle = (fits + over) // 2
        if loss_cash(spec, ask, legs, lots=Lots(middle)) <= budget_cash:
            fits = middle
        else:
            over = middle
    return Lots(fits)


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
    trade = ask[0]
    exit_ticks2 = 2 * exit_ticks - trade.side * exit_spread
    gains_rising = worth_side(spec, trade.side) == LONG
    out2 = worth2_floor(spec, exit_ticks2, exit_lots)
    in2 = entry_worth2(spec, ask, legs, lots=lots, up=int(gains_rising))
    if gains_rising:
        moved2 = out2 - mul_div_ceil(in2, exit_lots, lots)
    else:
        out2 = worth2_ceil(spec, exit_ticks2, exit_lots)
        moved2 = mul_div_floor(in2, exit_lots, lots) - out2
    entered = mul_div_ceil(entry_notional(spec, legs, lots=lots, up=1), exit_lots, lots)
    costs = mul_div_ceil(entry_fee_ceil(spec, ask, legs, lots=lots), exit_lots, lots)
    costs += mul_div_ceil(worth2_ceil(spec, exit_ticks2, exit_lots), exit_fee8, 2 * RATE)
    costs += mul_div_ceil(max(entered, worth_ceil(spec, exit_ticks, exit_lots)), trade.funding8, RATE)
    return Cash(moved2 // 2 - costs)


@rule
def break_even_ticks(spec: Spec, ask: Ask, legs: Legs, lots: Lots) -> Ticks:
    """First tick at which closing everything as a taker leaves no loss after all costs; 0: none.

    Solved for the price, then moved to the exact edge with :func:`gain_floor`.
    """
    trade = ask[0]
    side = trade.side
    rising = worth_side(spec, side)
    paid2 = 2 * entry_fee_ceil(spec, ask, legs, lots=lots)
    due2 = entry_worth2(spec, ask, legs, lots=lots, up=1) + rising * paid2
    kept8 = RATE + trade.exit_fee8
    if rising == LONG:
        kept8 = RATE - trade.exit_fee8 - trade.funding8
    else:
        due2 -= 2 * mul_div_ceil(entry_notional(spec, legs, lots=lots, up=1), trade.funding8, RATE)
    if kept8 <= 0 or due2 <= 0:
        return Ticks(0)
    worth2 = mul_div_floor(due2, RATE, kept8)
    ticks = max(1, (ticks_of_worth2(spec, worth2, lots) + side * trade.exit_spread_ticks) // 2)
    return _first_even(spec, ask, legs, lots=lots, guess=Ticks(ticks))


@rule
def _first_even(spec: Spec, ask: Ask, legs: Legs, lots: Lots, guess: Ticks) -> Ticks:
    """The edge between loss and no loss, stepped to from ``guess`` and halved down; 0: none."""
    side = ask[0].side
    even, losing = int(guess), 0
    step = 1
    while not _closes_even(spec, ask, legs, lots=lots, ticks=Ticks(even)):
        if (even == 1 and side != LONG) or step > _FARTHEST_STEP:
            return Ticks(0)
        losing = even
        even = max(1, even + side * step)
        step *= 2
    if losing == 0:
        losing = max(0, even - side)
        while losing > 0 and _closes_even(spec, ask, legs, lots=lots, ticks=Ticks(losing)):
            step *= 2
            even = losing
            losing = max(0, even - side * step)
    while abs(even - losing) > 1:
        middle = (even + losing) // 2
        if _closes_even(spec, ask, legs, lots=lots, ticks=Ticks(middle)):
            even = middle
        else:
            losing = middle
    return Ticks(even)


@rule
def _closes_even(spec: Spec, ask: Ask, legs: Legs, lots: Lots, ticks: Ticks) -> bool:
    fee8, spread = ask[0].exit_fee8, ask[0].exit_spread_ticks
    gain = gain_floor(
        spec, ask, legs, lots=lots, exit_lots=lots, exit_ticks=ticks, exit_fee8=fee8, exit_spread=spread
    )
    return gain >= 0
