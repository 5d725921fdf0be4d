"""An order book about the quotes: snapshots and changes that agree with every quote and never cross.

The book is the best price of each side and, behind it, levels on a grid of some ticks. What rests at a price
of the grid is kept for as long as the price is in the book.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from lotwise.rule import rule

if TYPE_CHECKING:
    import numpy as np

PLACES: Final = 4096
"""Prices of the grid that are remembered at once; more than any book has levels."""
BOOK_COLUMNS: Final = ("time_ms", "id", "previous_id", "snapshot", "is_bid", "price", "quantity")

Numbers = Sequence[int]
Rows = Sequence[list[int]]


@rule
def put(rows: Rows, at: int, values: Numbers, is_bid: int, price: int, quantity: int) -> int:
    """Write a row; the next place. Nothing is written beyond the end, so rows can be counted first."""
    if at < len(rows):
        row = rows[at]
        row[0], row[1], row[2], row[3] = values[0], values[1], values[2], values[3]
        row[4], row[5], row[6] = is_bid, price, quantity
    return at + 1


@rule
def resting(price: int, now: int, lots: int) -> int:
    """What rests at a price of the grid, by the price and the time it came into the book."""
    mixed = (price * 2_654_435_761 + now * 40_503) % 1_000_003
    return 1 + lots * (200 + mixed % 3000) // 1024


@rule
def change_side(
    rows: Rows,
    at: int,
    values: Numbers,
    is_bid: int,
    old: int,
    new: int,
    lots: int,
    grid: int,
    levels: int,
    kept: list[int],
    mean: int,
) -> int:
    """Rows that turn a side with the best price ``old`` (0: none) into that of ``new``; the next place.

    Asks are counted downwards from 0, so that the best of both sides is the highest: ``kept`` has two halves.
    """
    way = 1 if is_bid else -1
    best, was = way * new, way * old
    top, top_was = (best - 1) // grid, (was - 1) // grid
    low, low_was = top - levels + 2, top_was - levels + 2
    half = 0 if is_bid else 4096
    if old:
        if old != new and not (was % grid == 0 and low <= was // grid <= top):
            at = put(rows, at, values, is_bid=is_bid, price=old, quantity=0)
        for place in range(low_was, top_was + 1):
            if (place < low or place > top) and place * grid != best and way * place > 0:
                at = put(rows, at, values, is_bid=is_bid, price=way * place * grid, quantity=0)
    at = put(rows, at, values, is_bid=is_bid, price=new, quantity=lots)
    for place in range(low, top + 1):
        there = old != 0 and low_was <= place <= top_was
        if way * place * grid <= 0 or (there and values[3] == 0):
            continue
        if not there:
            kept[half + place % 4096] = resting(way * place * grid, values[0], mean)
        price = way * place * grid
        at = put(rows, at, values, is_bid=is_bid, price=price, quantity=kept[half + place % 4096])
    return at


@rule
def write_book(
    quotes: Rows,
    grid: int,
    levels: int,
    mean: int,
    kept: list[int],
    values: list[int],
    rows: Rows,
) -> int:
    """Changes of the book quote by quote, with a snapshot at the first and at each new hour; rows needed."""
    at, hour, last = 0, -1, 0
    for i in range(len(quotes)):
        now = quotes[i]
        old_bid, old_ask = (quotes[i - 1][1], quotes[i - 1][3]) if i else (0, 0)
        values[0], values[1], values[2], values[3] = now[0], i + 1, last, 0
        first, begun = i == 0, at
        if not first:
            same = old_bid == now[1] and quotes[i - 1][2] == now[2]
            if not same:
                at = change_side(
                    rows,
                    at,
                    values,
                    is_bid=1,
                    old=old_bid,
                    new=now[1],
                    lots=now[2],
                    grid=grid,
                    levels=levels,
                    kept=kept,
                    mean=mean,
                )
            same = old_ask == now[3] and quotes[i - 1][4] == now[4]
            if not same:
                at = change_side(
                    rows,
                    at,
                    values,
                    is_bid=0,
                    old=old_ask,
                    new=now[3],
                    lots=now[4],
                    grid=grid,
                    levels=levels,
                    kept=kept,
                    mean=mean,
                )
        if at > begun or first:
            last = i + 1
        if now[0] // 3_600_000 != hour:
            hour = now[0] // 3_600_000
            values[1], values[2], values[3] = last, last, 1
            at = change_side(
                rows,
                at,
                values,
                is_bid=1,
                old=0 if first else now[1],
                new=now[1],
                lots=now[2],
                grid=grid,
                levels=levels,
                kept=kept,
                mean=mean,
            )
            at = change_side(
                rows,
                at,
                values,
                is_bid=0,
                old=0 if first else now[3],
                new=now[3],
                lots=now[4],
                grid=grid,
                levels=levels,
                kept=kept,
                mean=mean,
            )
    return at


def book_of(quotes: Any, levels: int, mean_lots: int) -> np.ndarray[Any, Any]:
    """Rows of a book about quotes: columns of BOOK_COLUMNS, in ticks and lots.

    Parameters
    ----------
    quotes
        int64, as played: time in ms, bid, its lots, ask, its lots.
    levels
        Of each side, the best one among them.
    """
    import numpy as np

    moved = np.abs(np.diff(quotes[:, 1])) if len(quotes) > 1 else np.zeros(1, np.int64)
    grid = max(1, int(moved.sum()) // len(moved))
    made: Any = np.zeros((0, len(BOOK_COLUMNS)), np.int64)
    for _ in range(2):  # counted first, then written
        values, kept = np.zeros(4, np.int64), np.zeros(2 * PLACES, np.int64)
        needed = int(
            write_book.compiled(quotes, grid, levels, mean=mean_lots, kept=kept, values=values, rows=made)
        )
        if len(made) < needed:
            made = np.zeros((needed, len(BOOK_COLUMNS)), np.int64)
    found: np.ndarray[Any, Any] = made
    return found
