"""An order book out of its changes: followed by the numbers of the venue, never guessed.

:func:`walk` goes through a whole table in compiled code; :class:`lotwise.market.book_stream.Book` takes one
message after the other, as they come, and ends with the same levels and the same counts.

A change is *next* where it joins what the book has got to:

* after a snapshot of id L: it begins at L + 1 or before, and ends after L; or its previous id is L;
* after a change: its previous id is that change's last. Where a venue has one number (first, last and
  previous id are the same), it is one more than the last.

A change that ends before, or at, what the book has got to is passed by, and so is every change before the
first snapshot. Any other leaves a *gap*: it is counted, its levels are taken, and until the next snapshot the
book is not sound. A snapshot older than a sound book is passed by, unless its id is 1: Bybit begins anew with
that.

Source: Binance USD-M futures, "How to manage a local order book correctly"; Bybit v5, "Orderbook".
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.market.kinds import DEPTH, QUOTES, Scale, Table
from lotwise.rule import rule

if TYPE_CHECKING:
    import polars as pl

Ints = Sequence[int]
Places = MutableSequence[int]

WAITING, FRESH, FOLLOWING, BROKEN = 0, 1, 2, 3
"""What a book has got to: no snapshot yet, a snapshot, a change that joins it, a change after a gap."""
PASSED, TAKEN, GAP = 0, 1, 2
"""What was made of a message."""
ANEW: Final = 1
"""The id of a snapshot with which Bybit numbers anew."""


@rule
def verdict(state: int, at: int, snapshot: int, first: int, last: int, previous: int) -> int:
    """What a message is to a book that has got to the id ``at``: PASSED, TAKEN or GAP."""
    if snapshot:
        older = FRESH <= state <= FOLLOWING and last < at and last != ANEW
        return PASSED if older else TAKEN
    if state == WAITING or last <= at:
        return PASSED
    if state == FRESH:
        joins = first <= at + 1 or previous == at
    elif first == last and previous == last:
        joins = last == at + 1
    else:
        joins = previous == at
    return TAKEN if joins else GAP


@rule
def state_after(state: int, found: int, snapshot: int) -> int:
    """The state of a book after a message that was found PASSED, TAKEN or GAP."""
    if found == PASSED:
        return state
    if snapshot:
        return FRESH
    if found == GAP or state == BROKEN:
        return BROKEN
    return FOLLOWING


@rule
def replay(
    begins: Ints,
    firsts: Ints,
    lasts: Ints,
    previouses: Ints,
    snapshots: Ints,
    bid_sides: Ints,
    ranks: Ints,
    quantities: Ints,
    bids: Places,
    asks: Places,
    verdicts: Places,
    states: Places,
    best_bids: Places,
    best_asks: Places,
    bid_quantities: Places,
    ask_quantities: Places,
) -> None:
    """Go through the messages of a book.

    Parameters
    ----------
    begins
        The row each message begins in, and after them the number of rows. The ids and the flag are by
        message; side, rank of the price and quantity by row.
    bids, asks
        What rests at each rank; they hold the book at the end.
    verdicts, states, best_bids, best_asks, bid_quantities, ask_quantities
        By message: what was made of it, the state, ranks of the best prices (-1 and the number of ranks
        where a side is empty) and what rests there, all after it.
    """
    top = len(bids)
    bid, ask, state, at = -1, top, WAITING, 0
    for m in range(len(begins) - 1):
        found = verdict(state, at, snapshots[m], first=firsts[m], last=lasts[m], previous=previouses[m])
        if found != PASSED:
            if snapshots[m]:
                for i in range(top):
                    bids[i] = 0
                    asks[i] = 0
                bid, ask = -1, top
            for i in range(begins[m], begins[m + 1]):
                rank, rests = ranks[i], quantities[i]
                if bid_sides[i]:
                    bids[rank] = rests
                    if rests > 0 and rank > bid:
                        bid = rank
                else:
                    asks[rank] = rests
                    if rests > 0 and rank < ask:
                        ask = rank
            while bid >= 0 and bids[bid] == 0:
                bid -= 1
            while ask < top and asks[ask] == 0:
                ask += 1
            at = lasts[m]
        state = state_after(state, found, snapshots[m])
        verdicts[m], states[m] = found, state
        best_bids[m], best_asks[m] = bid, ask
        bid_quantities[m] = bids[bid] if bid >= 0 else 0
        ask_quantities[m] = asks[ask] if ask < top else 0


@dataclass(frozen=True)
class Counts:
    """What happened on the way."""

    messages: int = 0
    snapshots: int = 0
    """Those that were taken."""
    passed: int = 0
    """Messages that say nothing new, or come before the first snapshot."""
    gaps: int = 0
    crossed: int = 0
    """Messages after which the best bid was not below the best ask."""


@dataclass(frozen=True)
class Walk:
    """A book that was followed to its end."""

    counts: Counts
    quotes: Table
    """Best bid and ask after each change of a sound book with both sides; the id is the change's last."""
    bids: list[tuple[int, int]]
    """Price and quantity at the end, the best first."""
    asks: list[tuple[int, int]]
    sound: bool
    """No gap since the last snapshot."""
    gap_times_ns: list[int]
    """When each gap was seen."""
    crossed_times_ns: list[int]
    """When the book was crossed."""


def in_order(table: Table) -> pl.DataFrame:
    """The rows of a book by message: by time, then id, a snapshot after a change of the same id.

    Raises
    ------
    InputError
        DATA-301 where the table is of another kind.
    """
    if table.kind != DEPTH:
        raise InputError(
            "DATA-301",
            f"a book is made of {DEPTH.name}, and these are {table.kind.name}",
            hint="import a capture of the book's changes",
        )
    return table.frame.sort("time_ns", "last_id", "snapshot", maintain_order=True)


def walk(table: Table) -> Walk:
    """Follow a book from its first row to its last.

    Parameters
    ----------
    table
        Of :data:`lotwise.market.kinds.DEPTH`, in any order; days may be put one after the other.

    Raises
    ------
    InputError
        DATA-301 another kind, DATA-302 rows with a negative quantity or a price of zero or less.
    """
    import numpy as np

    frame = in_order(table)
    _possible(frame)
    if frame.is_empty():
        return Walk(
            Counts(),
            Table(QUOTES, table.scale, _quotes_frame()),
            [],
            [],
            sound=False,
            gap_times_ns=[],
            crossed_times_ns=[],
        )
    row = {name: frame[name].cast(int).to_numpy() for name in DEPTH.columns}
    prices, ranks = np.unique(row["price"], return_inverse=True)
    new = np.ones(len(frame), bool)
    for i, name in enumerate(("last_id", "first_id", "previous_id", "snapshot")):
        differs = row[name][1:] != row[name][:-1]
        new[1:] = differs if i == 0 else new[1:] | differs
    starts = np.flatnonzero(new)
    begins = np.append(starts, len(frame)).astype(np.int64)
    out = {
        name: np.zeros(len(starts), np.int64)
        for name in ("verdicts", "states", "bid", "ask", "bid_q", "ask_q")
    }
    bids, asks = np.zeros(len(prices), np.int64), np.zeros(len(prices), np.int64)
    replay.compiled(
        begins,
        row["first_id"][starts],
        row["last_id"][starts],
        row["previous_id"][starts],
        row["snapshot"][starts],
        row["is_bid"],
        ranks.astype(np.int64),
        row["quantity"],
        bids,
        asks,
        out["verdicts"],
        out["states"],
        out["bid"],
        out["ask"],
        out["bid_q"],
        out["ask_q"],
    )
    return _walked(
        table.scale,
        {name: row[name][starts] for name in ("time_ns", "last_id", "snapshot")},
        prices,
        out=out,
        bids=bids,
        asks=asks,
    )


def _possible(frame: pl.DataFrame) -> None:
    """Refuse levels that cannot rest in a book."""
    bad = (frame["quantity"] < 0) | (frame["price"] <= 0)
    if bool(bad.any()):
        at = int(bad.arg_max() or 0)
        raise InputError(
            "DATA-302",
            f"a level of {frame['quantity'][at]} at {frame['price'][at]} in the change"
            f" {frame['last_id'][at]}",
            hint="the source is damaged: import it again",
        )


def _walked(
    scale: Scale, message: dict[str, Any], prices: Any, *, out: dict[str, Any], bids: Any, asks: Any
) -> Walk:
    import numpy as np

    taken = out["verdicts"] != PASSED
    both = (out["bid"] >= 0) & (out["ask"] < len(prices))
    crossed = taken & both & (out["bid"] >= out["ask"])
    gaps = out["verdicts"] == GAP
    told = taken & both & (out["states"] != BROKEN)
    quotes = _quotes_frame(
        message["time_ns"][told],
        message["last_id"][told],
        prices[out["bid"][told]],
        out["bid_q"][told],
        prices[out["ask"][told]],
        out["ask_q"][told],
    )
    counts = Counts(
        messages=len(taken),
        snapshots=int((taken & (message["snapshot"] != 0)).sum()),
        passed=int((~taken).sum()),
        gaps=int(gaps.sum()),
        crossed=int(crossed.sum()),
    )
    return Walk(
        counts,
        Table(QUOTES, scale, quotes),
        bids=[(int(prices[i]), int(bids[i])) for i in np.flatnonzero(bids)[::-1]],
        asks=[(int(prices[i]), int(asks[i])) for i in np.flatnonzero(asks)],
        sound=int(out["states"][-1]) in (FRESH, FOLLOWING),
        gap_times_ns=message["time_ns"][gaps].tolist(),
        crossed_times_ns=message["time_ns"][crossed].tolist(),
    )


def _quotes_frame(*given: Any) -> pl.DataFrame:
    """A frame of quotes; of two with one id the later."""
    import polars as pl

    columns: tuple[Any, ...] = given or ((),) * len(QUOTES.columns)
    frame = pl.DataFrame(
        [pl.Series(name, values, pl.Int64) for name, values in zip(QUOTES.columns, columns, strict=True)]
    )
    return frame.unique("id", keep="last", maintain_order=True)
