"""Numbers as the venue writes them: text with a fixed number of decimals, cut toward zero."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lotwise.contracts.contract import Contract
from lotwise.exchange.binance.parameters import lot_decimals

ZERO: Final = "0"


def money(cash: int) -> str:
    """1e-8 with all eight decimals.

    >>> money(-1415100), money(5)
    ('-0.01415100', '0.00000005')
    """
    sign, digits = "-" * (cash < 0), str(abs(cash)).rjust(9, "0")
    return f"{sign}{digits[:-8]}.{digits[-8:]}"


def rate(rate8: int) -> str:
    """A rate or a price in 1e-8, all eight decimals."""
    return money(rate8)


def plain(number: int, decimals: int) -> str:
    """A whole number as text with so many decimals."""
    if decimals == 0:
        return str(number)
    sign, digits = "-" * (number < 0), str(abs(number)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


@lru_cache(maxsize=1024)
def steps(contract: Contract) -> tuple[int, int, int, int]:
    """Decimals and size of a tick, then of a lot, in that many decimals."""
    price, lot = contract.scales.price_decimals, lot_decimals(contract)
    scales = contract.scales
    return price, scales.tick_size8 // 10 ** (8 - price), lot, scales.lot_size8 // 10 ** (8 - lot)


def price(contract: Contract, ticks: int) -> str:
    """A price on a tick."""
    decimals, size, _, _ = steps(contract)
    return plain(ticks * size, decimals)


def quantity(contract: Contract, lots: int) -> str:
    """A quantity."""
    _, _, decimals, size = steps(contract)
    return plain(lots * size, decimals)


def average(contract: Contract, cash: int, lots: int) -> str:
    """Average price of so many lots worth so much, cut to 1e-8."""
    if lots == 0:
        return money(0)
    scales = contract.scales
    return money(cash * scales.tick_size8 // (lots * scales.cash_per_tick_lot))


def worth(contract: Contract, tick_lots: int) -> str:
    """Money of a sum of price times lots."""
    return money(tick_lots * contract.scales.cash_per_tick_lot)


def ms(time_ns: int) -> int:
    """Milliseconds."""
    return time_ns // 1_000_000
