"""An order book that is told one message after the other, as they come from a stream.

What joins and what leaves a gap is judged by the rules of :mod:`lotwise.market.book`, which says them. Told
the messages of a table in their order, it ends as :func:`lotwise.market.book.walk` does. Told them as they
arrived, a snapshot late, it ends with the same levels and the same counts of gaps; only how often it was
crossed on the way may differ, since what is crossed before a snapshot comes is no more when it is taken
first.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lotwise.errors import InputError
from lotwise.market.book import (
    ANEW,
    FOLLOWING,
    FRESH,
    GAP,
    PASSED,
    TAKEN,
    WAITING,
    Counts,
    in_order,
    state_after,
    verdict,
)
from lotwise.market.kinds import Table

MOST_WAITING: Final = 100_000
"""Messages a book keeps while it waits for a snapshot; the oldest go."""


@dataclass(frozen=True)
class Message:
    """What a venue says at once of a book; a level's quantity is what rests there now, 0 for nothing."""

    time_ns: int
    first_id: int
    last_id: int
    previous_id: int
    snapshot: bool
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class _Side:
    """Levels of one side, their prices in order."""

    def __init__(self) -> None:
        self.quantity: dict[int, int] = {}
        self.prices: list[int] = []

    def put(self, price: int, rests: int) -> None:
        """What rests at a price now."""
        known = price in self.quantity
        if rests and not known:
            insort(self.prices, price)
        elif known and not rests:
            del self.prices[bisect_left(self.prices, price)]
            del self.quantity[price]
        if rests:
            self.quantity[price] = rests


class Book:
    """A book that is told one message after the other.

    While it waits for a snapshot, or after a gap, it keeps the changes that come: a snapshot asked for
    another way may be older than they are, and they are then taken after it.
    """

    def __init__(self) -> None:
        self.state = WAITING
        self.last_id = 0
        self.messages = self.snapshots = self.passed = self.gaps = self.crossed = 0
        self._bids, self._asks = _Side(), _Side()
        self._kept: deque[tuple[Message, int]] = deque(maxlen=MOST_WAITING)

    @property
    def sound(self) -> bool:
        """A snapshot was seen, and no gap since."""
        return self.state in (FRESH, FOLLOWING)

    @property
    def counts(self) -> Counts:
        """What happened so far."""
        return Counts(self.messages, self.snapshots, self.passed, self.gaps, self.crossed)

    def tell(self, message: Message) -> int:
        """Take a message in; what was made of it: PASSED, TAKEN or GAP.

        Raises
        ------
        InputError
            DATA-302 a level that cannot be; the book is as it was.
        """
        for price, rests in (*message.bids, *message.asks):
            if rests < 0 or price <= 0:
                raise InputError(
                    "DATA-302",
                    f"a level of {rests} at {price} in the change {message.last_id}",
                    hint="the message is damaged: ask for a snapshot",
                )
        self.messages += 1
        waiting = not self.sound
        found = self._take(message)
        if not message.snapshot and (waiting or found == GAP):
            self._kept.append((message, found))
        elif message.snapshot and found == TAKEN:
            kept_before, self._kept = self._kept, deque(maxlen=MOST_WAITING)
            for later, was in kept_before if message.last_id != ANEW else ():
                self._take(later, was)
                if not self.sound:
                    self._kept.append((later, was))
        return found

    def _take(self, message: Message, was: int = -1) -> int:
        """Take a message, ``was`` what was made of it when it came, where this is the second time."""
        found = verdict(
            self.state,
            self.last_id,
            message.snapshot,
            first=message.first_id,
            last=message.last_id,
            previous=message.previous_id,
        )
        if found == PASSED:
            self.passed += was < 0
            return found
        self.passed -= was == PASSED
        if message.snapshot:
            self._bids, self._asks = _Side(), _Side()
            self.snapshots += 1
        for side, levels in ((self._bids, message.bids), (self._asks, message.asks)):
            for price, rests in levels:
                side.put(price, rests)
        self.last_id = message.last_id
        self.gaps += found == GAP and was != GAP
        bid, ask = self.best()
        self.crossed += bid is not None and ask is not None and bid[0] >= ask[0]
        self.state = state_after(self.state, found, message.snapshot)
        return found

    def best(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Price and quantity of the best bid and of the best ask; nothing where a side is empty."""
        bid = self._bids.prices[-1] if self._bids.prices else None
        ask = self._asks.prices[0] if self._asks.prices else None
        return (
            None if bid is None else (bid, self._bids.quantity[bid]),
            None if ask is None else (ask, self._asks.quantity[ask]),
        )

    def levels(self, count: int = 0) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids and asks, price and quantity, the best first; so many of each, or all."""
        most = count or None
        bids = [(price, self._bids.quantity[price]) for price in reversed(self._bids.prices)]
        asks = [(price, self._asks.quantity[price]) for price in self._asks.prices]
        return bids[:most], asks[:most]


def messages(table: Table, *, ordered: bool = True) -> Iterator[Message]:
    """The messages of a table, in order or as its rows stand.

    Raises
    ------
    InputError
        DATA-301 where the table is of another kind.
    """
    rows: Iterable[tuple[Any, ...]] = (in_order(table) if ordered else table.frame).iter_rows()
    head: list[Any] = []
    sides: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for time, *ids, snapshot, is_bid, price, rests in rows:
        now = [time, *ids, snapshot]
        if head and now[1:] != head[1:]:
            yield _message(head, sides)
            sides = {True: [], False: []}
        if not sides[True] and not sides[False]:
            head = now
        sides[bool(is_bid)].append((price, rests))
    if head:
        yield _message(head, sides)


def _message(head: list[Any], sides: dict[bool, list[tuple[int, int]]]) -> Message:
    time, first, last, previous, snapshot = head
    bids, asks = tuple(sides[True]), tuple(sides[False])
    return Message(time, first, last, previous, bool(snapshot), bids=bids, asks=asks)
