"""What lots are worth, and what a move of the price takes: where linear and inverse contracts differ.

Linear: worth = ticks * lots * cash_per_tick_lot, in the quote coin, exact. Inverse: worth =
lots * cash_ticks_per_lot / ticks, in the base coin, a fraction: the rules say how they round it.

An inverse long earns s * Q * (1/E - 1/P): it gains where its worth *falls*. An inverse long is
a linear short of its own worth, so every rule on worths (margin, tiers, liquidation) holds for
both kinds once the side is turned by :func:`worth_side`.

Source: Binance COIN-M, "Coin-Margined Futures Profit & Loss"; Bybit help, "P&L calculations
(Inverse Contract)".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotwise.kernel.arith import (
    mul_div_ceil,
    mul_div_div_ceil,
    mul_div_floor,
)
from lotwise.rule import rule
from lotwise.units import Cash, Lots, Price8, Ticks

if TYPE_CHECKING:
    from lotwise.kernel.layout import Spec


@rule
def worth_side(spec: Spec, side: int) -> int:
    """The side on which the position stands in its worth: a long's, inverse, is a short's."""
    return -side if spec[0].cash_ticks_per_lot else side


@rule
def worth_floor(spec: Spec, price_ticks: Ticks, lots: Lots) -> Cash:
    """Worth at an on-tick price; inverse: rounded down, as Binance shows it."""
    if spec[0].cash_ticks_per_lot:
        return Cash(mul_div_floor(lots, spec[0].cash_ticks_per_lot, price_ticks))
    return Cash(price_ticks * lots * spec[0].cash_per_tick_lot)


@rule
def worth_ceil(spec: Spec, price_ticks: Ticks, lots: Lots) -> Cash:
    """Worth at an on-tick price; inverse: rounded up."""
    if spec[0].cash_ticks_per_lot:
        return Cash(mul_div_ceil(lots, spec[0].cash_ticks_per_lot, price_ticks))
    return Cash(price_ticks * lots * spec[0].cash_per_tick_lot)


@rule
def worth2_floor(spec: Spec, price_ticks2: int, lots: Lots) -> int:
    """Twice the worth at a price in half ticks; inverse: rounded down."""
    if spec[0].cash_ticks_per_lot:
        return mul_div_floor(4 * lots, spec[0].cash_ticks_per_lot, price_ticks2)
    return price_ticks2 * lots * spec[0].cash_per_tick_lot


@rule
def worth2_ceil(spec: Spec, price_ticks2: int, lots: Lots) -> int:
    """Twice the worth at a price in half ticks; inverse: rounded up."""
    if spec[0].cash_ticks_per_lot:
        return mul_div_ceil(4 * lots, spec[0].cash_ticks_per_lot, price_ticks2)
    return price_ticks2 * lots * spec[0].cash_per_tick_lot


@rule
def move_loss_ceil(spec: Spec, side: int, from_ticks2: int, to_ticks2: int, lots: Lots) -> Cash:
    """What ``lots`` lose while the price goes from one half tick to another; a gain is negative.

    Inverse: s * Q * (1/to - 1/from), one division, rounded up.
    """
    fallen2 = side * (from_ticks2 - to_ticks2)
    if spec[0].cash_ticks_per_lot:
        worth2 = 2 * lots * spec[0].cash_ticks_per_lot
        return Cash(mul_div_div_ceil(worth2, fallen2, from_ticks2, to_ticks2))
    return Cash((fallen2 * lots * spec[0].cash_per_tick_lot + 1) // 2)


@rule
def ticks_of_worth2(spec: Spec, worth2: int, lots: Lots) -> int:
    """Half ticks at which ``lots`` are worth half of ``worth2``, rounded down; a guess to walk from."""
    if spec[0].cash_ticks_per_lot:
        return mul_div_floor(4 * lots, spec[0].cash_ticks_per_lot, worth2)
    return worth2 // (lots * spec[0].cash_per_tick_lot)


@rule
def worth_at_price8_trunc(spec: Spec, price8: Price8, lots: Lots, tick_size8: Price8) -> Cash:
    """Worth at an off-tick price (a mark), cut to 1e-8 as Binance shows it."""
    if spec[0].cash_ticks_per_lot:
        return Cash(mul_div_floor(lots * spec[0].cash_ticks_per_lot, tick_size8, price8))
    return Cash(mul_div_floor(price8, lots * spec[0].cash_per_tick_lot, tick_size8))


@rule
def pnl_trunc(spec: Spec, side: int, entry8: Price8, price8: Price8, lots: Lots, tick_size8: Price8) -> Cash:
    """Unrealised PnL, cut toward zero to 1e-8 as Binance shows it.

    Linear s * Q * (P - E), inverse s * Q * (1/E - 1/P). The difference of two fractions is
    floored as the difference of their floors, less one where the rests ask for it.
    """
    rising = price8 >= entry8
    low, high = (entry8, price8) if rising else (price8, entry8)
    if spec[0].cash_ticks_per_lot:
        value = lots * spec[0].cash_ticks_per_lot
        at_low = mul_div_floor(value, tick_size8, low)
        at_high = mul_div_floor(value, tick_size8, high)
        rest_low = value * tick_size8 - at_low * low  # exact: below `low`, whatever wrapped on the way
        rest_high = value * tick_size8 - at_high * high
        magnitude = at_low - at_high
        if mul_div_floor(rest_low, high, low) < rest_high:
            magnitude -= 1
    else:
        magnitude = mul_div_floor(high - low, lots * spec[0].cash_per_tick_lot, tick_size8)
    return Cash(magnitude if (side > 0) == rising else -magnitude)
