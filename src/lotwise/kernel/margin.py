"""Margin and liquidation of linear contracts.

Notation in comments: s side (+1 long, -1 short), N notional, Ne notional at entry, W money
standing behind the position, m and c rate and cumulative amount of a tier.

The liquidation rules return a fraction of integers. The notional at the liquidation price is
``numerator * RATE / denominator`` in Cash, exactly; the price is that over the quantity, and
:func:`price8_floor` / :func:`price8_ceil` round it.

Sources: Binance USD-M, "Liquidation Price of USDS-M Futures Contracts" (one-way mode) and
"Leverage and Margin"; Bybit help, "Liquidation Price (USDT Contract)" and "The New Margin
Calculation" (2025-09-02).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotwise.kernel.arith import (
    mul_div_ceil,
    mul_div_div_ceil,
    mul_div_div_floor,
    mul_div_floor,
    mul_div_trunc,
)
from lotwise.kernel.codes import ALWAYS, NEVER, OK
from lotwise.kernel.layout import LEVERAGE, LONG, RATE
from lotwise.rule import rule
from lotwise.units import Cash, Lots, Price8, Rate8, Ticks

if TYPE_CHECKING:
    from lotwise.kernel.layout import Tiers


@rule
def notional_cash(price_ticks: Ticks, lots: Lots, cash_per_tick_lot: Cash) -> Cash:
    """Worth of ``lots`` at an on-tick price; exact.

    >>> notional_cash(650_000, 7, cash_per_tick_lot=10_000)
    45500000000
    """
    return Cash(price_ticks * lots * cash_per_tick_lot)


@rule
def notional_at_price8_trunc(price8: Price8, lots: Lots, cash_per_tick_lot: Cash, tick_size8: Price8) -> Cash:
    """Worth of ``lots`` at an off-tick price (a mark), cut to 1e-8 as Binance shows it."""
    return Cash(mul_div_trunc(price8, lots * cash_per_tick_lot, tick_size8))


@rule
def unrealised_pnl_trunc(
    side: int, entry8: Price8, price8: Price8, lots: Lots, cash_per_tick_lot: Cash, tick_size8: Price8
) -> Cash:
    """s * Q * (P - E), cut toward zero to 1e-8 as Binance shows it."""
    return Cash(mul_div_trunc(side * (price8 - entry8), lots * cash_per_tick_lot, tick_size8))


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
def open_loss_ceil(
    side: int, order_tick_lots: int, lots: Lots, mark_ticks2: int, cash_per_tick_lot: Cash
) -> Cash:
    """What an order loses at the mark the moment it fills; Binance reserves it per order.

    Q * |min(0, s * (mark - price))|, with the mark in half ticks.
    """
    worse2 = side * (2 * order_tick_lots - mark_ticks2 * lots)
    return Cash((max(0, worse2) * cash_per_tick_lot + 1) // 2)


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
def price8_floor(
    numerator: int, denominator: int, lots: Lots, cash_per_tick_lot: Cash, tick_size8: Price8
) -> Price8:
    """Price of a notional fraction, rounded down to 1e-8."""
    return Price8(mul_div_div_floor(numerator, RATE * tick_size8, denominator, lots * cash_per_tick_lot))


@rule
def price8_ceil(
    numerator: int, denominator: int, lots: Lots, cash_per_tick_lot: Cash, tick_size8: Price8
) -> Price8:
    """Price of a notional fraction, rounded up to 1e-8."""
    return Price8(mul_div_div_ceil(numerator, RATE * tick_size8, denominator, lots * cash_per_tick_lot))


@rule
def entry_break_even8_ceil(side: int, entry8: Price8, fee8: Rate8) -> Price8:
    """Binance's ``breakEvenPrice`` of a fresh position: E * (1 + s * opening fee), away from E."""
    fee = mul_div_ceil(entry8, fee8, RATE)
    return Price8(entry8 + side * fee)
