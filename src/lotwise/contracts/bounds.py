"""The proof that a contract's arithmetic fits 64 bits, made when the contract is built.

Every intermediate of the kernel is a small multiple of one order's notional, or a division of
a 128-bit product. With the notional of an order at most ``MAX_NOTIONAL_CASH`` = 2**59 (5.7
billion USDT; the largest tier cap of any contract in the catalogue is 1.8 billion):

===================================================== =========================
intermediate                                          at most
===================================================== =========================
executed notional in half ticks, with spread/slippage 2**62
sum of the six parts of a loss                        2**62
entry notional + wallet + cumulative amount           2**59 + 10**18 + 2**59
RATE x tick size in 1e-8                              2**63 if tick <= 900
lots x cash per tick                                  2**59
===================================================== =========================

An inverse lot is worth ``cash_ticks_per_lot`` / price: their product with the price is bounded
instead, lots x cash_ticks_per_lot <= 2**59, which holds at every price from one tick on. Its
tick is at most 400, so that tick in 1e-8 times a denominator of 2 RATE fits, and its price at
most 9e8 ticks, so that price times a liquidation multiple of 100 does.

Money typed in is at most 10**10 units (10**18 in 1e-8).
"""

from __future__ import annotations

from typing import Final

from lotwise.errors import InputError
from lotwise.kernel.arith import INT64_MAX, OVERFLOW, mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.units import Cash, scaled_text

MAX_NOTIONAL_CASH: Final = Cash(576_460_752_303_423_488)
"""Largest notional of one order, 2**59 in 1e-8."""

MAX_TICK8: Final = 90_000_000_000
MAX_INVERSE_TICK8: Final = 40_000_000_000
MAX_INVERSE_TICKS: Final = 900_000_000


def check_unit(name: str, tick8: int, coin_per_lot16: int) -> Cash:
    """Money one lot moves by per tick, or why it cannot be counted exactly.

    Raises
    ------
    InputError
        CONTRACT-110 not a whole number of 1e-8; CONTRACT-111 tick or lot too large.
    """
    if tick8 > MAX_TICK8 or tick8 * RATE > INT64_MAX:
        raise InputError(
            "CONTRACT-111", f"{name}: tick size above 900", "quote the contract in smaller units"
        )
    unit, rest = divmod(tick8 * coin_per_lot16, RATE * RATE)
    if rest:
        raise InputError(
            "CONTRACT-110",
            f"{name}: one lot moves by {scaled_text(tick8 * coin_per_lot16, 24)} per tick, finer than 1e-8",
            "check tick_size, lot_size and contract_size",
        )
    if unit > MAX_NOTIONAL_CASH // 1000 or mul_div_floor(unit, RATE, RATE) == OVERFLOW:
        raise InputError("CONTRACT-111", f"{name}: one lot is too large to count", "check contract_size")
    return Cash(unit)


def check_inverse_unit(name: str, tick8: int, quote_per_lot16: int) -> int:
    """Worth of one lot times its price in ticks, or why it cannot be counted exactly.

    Raises
    ------
    InputError
        CONTRACT-110 not a whole number; CONTRACT-111 tick or lot too large.
    """
    if tick8 > MAX_INVERSE_TICK8:
        raise InputError("CONTRACT-111", f"{name}: tick size above 400", "check tick_size")
    unit, rest = divmod(quote_per_lot16, tick8)
    if rest:
        raise InputError(
            "CONTRACT-110",
            f"{name}: a lot of {scaled_text(quote_per_lot16, 16)} is no whole number of ticks in 1e-8",
            "check tick_size, lot_size and contract_size",
        )
    if unit > MAX_NOTIONAL_CASH // 1000:
        raise InputError("CONTRACT-111", f"{name}: one lot is too large to count", "check contract_size")
    return unit


def check_cap(name: str, cap_cash: int) -> None:
    """Refuse a tier cap beyond the proof.

    Raises
    ------
    InputError
        CONTRACT-112.
    """
    if cap_cash > MAX_NOTIONAL_CASH:
        raise InputError(
            "CONTRACT-112",
            f"{name}: tier cap {scaled_text(cap_cash)} above {scaled_text(MAX_NOTIONAL_CASH)}",
            "cut the last tier's cap: the last tier has no end anyway",
        )
