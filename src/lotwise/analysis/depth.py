"""What a book holds and what it costs to take: spread, depth, imbalance, slippage, to the tick and the lot.

Prices are ticks, quantities lots; price times quantity is counted in tick-lots, which a contract's
``cash_per_tick_lot`` turns into money. A cost is measured from the mid price and therefore in half tick-lots.

One book is asked here; :mod:`lotwise.analysis.tick_book` follows a book through its changes.

Source: an order that takes walks the levels from the best outward, as every venue's matching does; basis
points are those of the mid price.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.errors import InputError
from lotwise.kernel.arith import INT64_MAX, mul_div_ceil, mul_div_trunc
from lotwise.kernel.layout import RATE
from lotwise.rule import rule

if TYPE_CHECKING:
    import numpy as np

BP: Final = 10_000
"""Basis points in the whole."""


@rule
def walk(
    prices_ticks: Sequence[int], lots: Sequence[int], wanted_lots: int, budget_tick_lots: int
) -> tuple[int, int, int]:
    """Take levels from the best outward: lots taken, their tick-lots, the last price touched (0: none).

    Stops at ``wanted_lots``, and where one lot more costs more than is left of ``budget_tick_lots``; a
    negative number is no limit.
    """
    taken, spent, last = 0, 0, 0
    for i in range(len(prices_ticks)):
        here = lots[i]
        if wanted_lots >= 0:
            here = min(here, wanted_lots - taken)
        if budget_tick_lots >= 0:
            here = min(here, (budget_tick_lots - spent) // prices_ticks[i])
        if here > 0:
            taken += here
            spent += here * prices_ticks[i]
            last = prices_ticks[i]
        if here < lots[i]:
            break
    return taken, spent, last


@rule
def imbalance8(bid_lots: int, ask_lots: int) -> int:
    """(bid - ask) / (bid + ask) at 1e-8, toward zero; 0 for an empty book."""
    if bid_lots + ask_lots == 0:
        return 0
    return mul_div_trunc(bid_lots - ask_lots, RATE, bid_lots + ask_lots)


class Cost(NamedTuple):
    """What taking from a book costs."""

    lots: int
    """Lots that the order gets."""
    tick_lots: int
    """Sum of price times quantity over the levels it takes."""
    last_ticks: int
    """Worst price it touches; 0 where it gets nothing."""
    half_tick_lots: int
    """Cost against the mid price, in half tick-lots: above mid for a buy, below for a sale."""
    slippage8: int
    """The same as a share of what the lots are worth at mid, at 1e-8, rounded up."""
    missing_lots: int
    """Lots of the order for which the visible book has nothing."""
    left_tick_lots: int
    """Notional of the order that is not spent: less than a lot, or all that the visible book lacks."""
    beyond: bool
    """The order is larger than what is visible; the rest would trade at prices nobody shows."""


@dataclass(frozen=True)
class Book:
    """Both sides of a book, the best price first; prices in ticks, quantities in lots, int64."""

    bids_ticks: np.ndarray[Any, Any]
    bid_lots: np.ndarray[Any, Any]
    asks_ticks: np.ndarray[Any, Any]
    ask_lots: np.ndarray[Any, Any]

    @property
    def spread_ticks(self) -> int:
        """Best ask less best bid."""
        return int(self.asks_ticks[0] - self.bids_ticks[0])

    @property
    def mid2_ticks(self) -> int:
        """Twice the mid price: the sum of the best bid and the best ask."""
        return int(self.asks_ticks[0] + self.bids_ticks[0])


def book(bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> Book:
    """A book of (price in ticks, lots) in any order; levels of 0 lots are left out.

    Raises
    ------
    InputError
        ANALYSIS-251 a side without lots, a price below 1, negative lots, a price twice, a bid at or above an
        ask; ANALYSIS-252 so much that price times quantity does not fit 63 bits.
    """
    import numpy as np

    sides = []
    for name, levels, sign in (("bids", bids, -1), ("asks", asks, 1)):
        given = [(int(price), int(lots)) for price, lots in levels if lots]
        prices = sorted((price for price, _ in given), key=lambda price: sign * price)
        if (
            not given
            or min(prices) < 1
            or min(lots for _, lots in given) < 0
            or len(set(prices)) < len(prices)
        ):
            what = f"{name}: {len(given)} levels with lots, {len(set(prices))} prices, from {prices[:1]}"
            raise InputError("ANALYSIS-251", what, "give each price once, at least 1 tick, with lots")
        if sum(price * lots for price, lots in given) > INT64_MAX // (2 * BP):
            what = f"{name}: more than {INT64_MAX // (2 * BP)} tick-lots"
            raise InputError("ANALYSIS-252", what, "check the prices, or take fewer levels")
        held = dict(given)
        sides += [np.array(prices, np.int64), np.array([held[price] for price in prices], np.int64)]
    made = Book(*sides)
    if made.spread_ticks <= 0:
        what = f"the best bid {made.bids_ticks[0]} is not below the best ask {made.asks_ticks[0]}"
        raise InputError("ANALYSIS-251", what, "the book is crossed: rebuild it from a snapshot")
    return made


def cost(of: Book, *, is_buy: bool, lots: int | None = None, notional_tick_lots: int | None = None) -> Cost:
    """What an order for a quantity or for a notional costs now, walked level by level.

    Parameters
    ----------
    is_buy
        A buy takes asks, a sale bids.
    lots, notional_tick_lots
        One of the two. A notional gets the most whole lots whose tick-lots do not exceed it; for 500 USDT
        it is ``500 * 10**8 // cash_per_tick_lot``.

    Raises
    ------
    InputError
        ANALYSIS-253 neither or both are given, less than 1, or no whole number.

    Examples
    --------
    >>> here = book(bids=[(99, 5)], asks=[(101, 2), (102, 10)])
    >>> cost(here, is_buy=True, lots=4)
    Cost(lots=4, tick_lots=406, last_ticks=102, half_tick_lots=12, slippage8=1500000, missing_lots=0, \
left_tick_lots=0, beyond=False)
    """
    asked = [size for size in (lots, notional_tick_lots) if size is not None]
    whole = all(type(size) is int for size in asked)  # nobody gets 1.5 lots
    if len(asked) != 1 or not whole or not 1 <= asked[0] <= INT64_MAX:
        what = f"an order of {lots} lots and {notional_tick_lots} tick-lots"
        raise InputError("ANALYSIS-253", what, "give one of the two, a whole number of at least 1")
    prices, levels = (of.asks_ticks, of.ask_lots) if is_buy else (of.bids_ticks, of.bid_lots)
    walked = walk.compiled(prices, levels, -1 if lots is None else lots, asked[0] if lots is None else -1)
    got, spent, last = (int(number) for number in walked)
    mid2 = of.mid2_ticks
    half = 2 * spent - mid2 * got if is_buy else mid2 * got - 2 * spent
    missing = 0 if lots is None else lots - got
    left = 0 if lots is not None else asked[0] - spent
    next_ticks = int(prices[-1]) + 1 if is_buy else 1  # the least that a level nobody shows could cost
    beyond = missing > 0 or (got == int(levels.sum()) and left >= next_ticks)
    slippage = mul_div_ceil(half, RATE, mid2 * got) if got else 0
    return Cost(
        got, spent, last, half, slippage8=slippage, missing_lots=missing, left_tick_lots=left, beyond=beyond
    )


def slippage_curve(of: Book, notionals_tick_lots: Iterable[int], *, is_buy: bool) -> list[Cost]:
    """:func:`cost` of one notional after the other: how much more a larger order pays."""
    return [cost(of, is_buy=is_buy, notional_tick_lots=notional) for notional in notionals_tick_lots]


def depth_within(of: Book, bp: int) -> tuple[int, int]:
    """Bid and ask lots at most so many basis points from the mid price."""
    check_bp(bp)
    mid2, sides = of.mid2_ticks, []
    for prices, lots in ((of.bids_ticks, of.bid_lots), (of.asks_ticks, of.ask_lots)):
        sides.append(int(lots[abs(2 * prices - mid2) * BP <= mid2 * bp].sum()))
    return sides[0], sides[1]


def check_bp(bp: int) -> None:
    """Refuse basis points below 0 or above the whole: ANALYSIS-255."""
    if not 0 <= bp <= BP:
        raise InputError("ANALYSIS-255", f"{bp} basis points", f"give 0 to {BP}")
