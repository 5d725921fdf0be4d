"""Margin and liquidation on worths: one set of rules for every venue and contract kind.

Notation in comments: s side of the *worth* (+1 it gains when its worth rises: a linear long, an
inverse short; see :func:`lotwise.kernel.worth.worth_side`), N notional in the settle coin, Ne
notional at entry, W money standing behind the position, m and c rate and cumulative amount of a
tier.

The liquidation rules return a fraction of integers. The notional at the liquidation price is
``numerator * RATE / denominator`` in Cash, exactly; :func:`price8_floor` and :func:`price8_ceil`
make a price of it. They are homogeneous in money: called from Python with every amount
multiplied by one whole number, they return the numerator multiplied by it, which keeps an entry
worth that is a fraction (inverse) exact.

What differs between venues is data: BingX and MEXC liquidate when the balance no longer pays
maintenance *and* the taker fee of closing, which is a table with every rate raised by that fee;
WEEX's margin rate is a tier of one rate without a cumulative amount.

Sources: Binance USD-M, "Liquidation Price of USDS-M Futures Contracts" and "Leverage and
Margin"; COIN-M, "How to Calculate Liquidation Price of Coin-M Futures Contracts"; Bybit help,
"Liquidation Price (USDT Contract)", "(Inverse Contract)" and "The New Margin Calculation"
(2025-09-02); BingX help, "Isolated and cross margin risk"; MEXC, "Liquidation"; WEEX, "Margin rate".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotwise.kernel.arith import (
    mul_div_ceil,
    mul_div_div_ceil,
    mul_div_div_floor,
    mul_div_floor,
)
from lotwise.kernel.codes import ALWAYS, NEVER, OK
from lotwise.kernel.layout import LEVERAGE, LONG, RATE
from lotwise.kernel.worth import move_loss_ceil
from lotwise.rule import rule
from lotwise.units import Cash, Lots, Price8, Rate8, Ticks

if TYPE_CHECKING:
    from lotwise.kernel.layout import Spec, Tiers


@rule
def initial_margin_trunc(notional: Cash, leverage100: int) -> Cash:
    """N / L, cut to 1e-8 as Binance does; ``notional`` by mark for a position, by order price
    for an order.

    >>> initial_margin_trunc(1_231_427_700, leverage100=2000)
    61571385
    """
    return Cash(mul_div_floor(notional, LEVERAGE, leverage100))


@rule
def fee_to_close_ceil(side: int, notional: Cash, leverage100: int, taker8: Rate8) -> Cash:
    """Bybit: fee of closing at the bankruptcy price, N * (1 - s/L) * t, held with the margin."""
    if side == LONG:
        closing = notional - mul_div_floor(notional, LEVERAGE, leverage100)
    else:
        closing = notional + mul_div_ceil(notional, LEVERAGE, leverage100)
    return Cash(mul_div_ceil(closing, taker8, RATE))


@rule
def open_loss_ceil(spec: Spec, side: int, order_ticks: Ticks, mark_ticks2: int, lots: Lots) -> Cash:
    """What an order loses at the mark the moment it fills; Binance reserves it per order.

    Linear Q * |min(0, s * (mark - price))|, with the mark in half ticks and s the order's side.
    """
    lost = move_loss_ceil(spec, side, from_ticks2=2 * order_ticks, to_ticks2=mark_ticks2, lots=lots)
    return Cash(max(0, lost))


@rule
def tier_index(tiers: Tiers, notional: Cash) -> int:
    """The tier with floor < N <= cap; the last has no end."""
    last = len(tiers) - 1
    index = 0
    while index < last and notional > tiers[index].cap_cash:
        index += 1
    return index


@rule
def maintenance_trunc(tiers: Tiers, notional: Cash) -> Cash:
    """N * m - c in the tier of N, cut to 1e-8."""
    tier = tiers[tier_index(tiers, notional)]
    return Cash(mul_div_floor(notional, tier.rate8, RATE) - tier.cumulative_cash)


@rule
def liquidation_fraction(
    side: int, tiers: Tiers, entry_notional_cash: Cash, wallet_cash: Cash
) -> tuple[int, int, int, int]:
    """Notional at which W + s * (N - Ne) meets the maintenance margin: (code, tier, num, den).

    The tier is the one the *answer* lies in, not the one the position opened in. The balance
    minus the maintenance margin moves one way with the price, and its sign at a tier's cap is
    an exact integer, so the first cap on the far side of the root names the tier.

    ``wallet_cash`` is the isolated wallet, or cross: wallet balance - maintenance margin +
    unrealised PnL of all other positions (signed, shorts too).
    """
    last = len(tiers) - 1
    index = 0
    if side == LONG:
        debt = entry_notional_cash - wallet_cash
        while index < last and tiers[index].cap_cash - tiers[index].maintenance_at_cap_cash < debt:
            index += 1
        numerator = debt - tiers[index].cumulative_cash
        return (OK if numerator > 0 else NEVER), index, numerator, RATE - tiers[index].rate8
    cover = entry_notional_cash + wallet_cash
    while index < last and tiers[index].cap_cash + tiers[index].maintenance_at_cap_cash < cover:
        index += 1
    numerator = cover + tiers[index].cumulative_cash
    return (OK if numerator > 0 else ALWAYS), index, numerator, RATE + tiers[index].rate8


@rule
def entry_based_liquidation_fraction(
    side: int, tiers: Tiers, entry_notional_cash: Cash, wallet_cash: Cash
) -> tuple[int, int, int, int]:
    """Bybit before 2025-09-02: maintenance margin fixed at entry; N = Ne - s * (W - MM)."""
    index = tier_index(tiers, entry_notional_cash)
    room = wallet_cash - maintenance_trunc(tiers, entry_notional_cash)
    numerator = entry_notional_cash - side * room
    if numerator > 0:
        return OK, index, numerator, RATE
    return (NEVER if side == LONG else ALWAYS), index, numerator, RATE


@rule
def bankruptcy_fraction(side: int, entry_notional_cash: Cash, wallet_cash: Cash) -> tuple[int, int, int, int]:
    """Notional at which the money behind the position is gone: Ne - s * W, same form."""
    numerator = entry_notional_cash - side * wallet_cash
    if numerator > 0:
        return OK, 0, numerator, RATE
    return (NEVER if side == LONG else ALWAYS), 0, numerator, RATE


@rule
def margin_call_fraction(
    side: int, tiers: Tiers, entry_notional_cash: Cash, wallet_cash: Cash, ratio8: Rate8
) -> tuple[int, int, int, int]:
    """Notional at which maintenance margin reaches ``ratio8`` of the balance; same form.

    r * (W + s * (N - Ne)) = N * m - c. At a ratio of one this is :func:`liquidation_fraction`.
    """
    last = len(tiers) - 1
    index = 0
    debt = mul_div_ceil(side * entry_notional_cash - wallet_cash, ratio8, RATE)
    while index < last:
        cap = tiers[index].cap_cash
        if mul_div_floor(cap, ratio8, RATE) - side * tiers[index].maintenance_at_cap_cash >= side * debt:
            break
        index += 1
    numerator = side * debt - side * tiers[index].cumulative_cash
    denominator = ratio8 - side * tiers[index].rate8
    if numerator > 0 and denominator > 0:
        return OK, index, numerator, denominator
    return (NEVER if side == LONG else ALWAYS), index, min(0, numerator), RATE


@rule
def liquidation_by(
    entry_based: int, side: int, tiers: Tiers, entry_notional_cash: Cash, wallet_cash: Cash
) -> tuple[int, int, int, int]:
    """The venue's liquidation rule of the day; without tiers (unknown) the bankruptcy fraction.

    True liquidation lies before bankruptcy, so without tiers "inside the stop" is certain and
    "beyond the stop" is only necessary; the faces warn.
    """
    if len(tiers) == 0:
        return bankruptcy_fraction(side, entry_notional_cash=entry_notional_cash, wallet_cash=wallet_cash)
    if entry_based:
        return entry_based_liquidation_fraction(
            side, tiers, entry_notional_cash=entry_notional_cash, wallet_cash=wallet_cash
        )
    return liquidation_fraction(side, tiers, entry_notional_cash=entry_notional_cash, wallet_cash=wallet_cash)


@rule
def price8_floor(spec: Spec, numerator: int, denominator: int, lots: Lots, tick_size8: Price8) -> Price8:
    """Price of a notional fraction, rounded down to 1e-8."""
    if spec[0].cash_ticks_per_lot:
        value = lots * spec[0].cash_ticks_per_lot
        return Price8(mul_div_div_floor(value, tick_size8 * denominator, numerator, RATE))
    unit = lots * spec[0].cash_per_tick_lot
    return Price8(mul_div_div_floor(numerator, RATE * tick_size8, denominator, unit))


@rule
def price8_ceil(spec: Spec, numerator: int, denominator: int, lots: Lots, tick_size8: Price8) -> Price8:
    """Price of a notional fraction, rounded up to 1e-8."""
    if spec[0].cash_ticks_per_lot:
        value = lots * spec[0].cash_ticks_per_lot
        return Price8(mul_div_div_ceil(value, tick_size8 * denominator, numerator, RATE))
    unit = lots * spec[0].cash_per_tick_lot
    return Price8(mul_div_div_ceil(numerator, RATE * tick_size8, denominator, unit))


@rule
def entry_break_even8_ceil(side: int, entry8: Price8, fee8: Rate8) -> Price8:
    """Binance's ``breakEvenPrice`` of a fresh position: E * (1 + s * opening fee), away from E.

    ``side`` is the trade's, of linear and inverse contracts alike.
    """
    fee = mul_div_ceil(entry8, fee8, RATE)
    return Price8(entry8 + side * fee)
