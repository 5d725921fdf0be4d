"""History as the kernel reads it: contracts and kinds merged in the order of time, in ticks, lots and 1e-8.

The order is total. Earlier first; at one time funding, index, mark, bar, trade, quote; of one kind the
contract that was named first; of one contract the row that stands first. Funding comes before the bar that
begins at its stamp, since it is charged to who held before; a quote comes after the trade that changed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.state import BAR, FUNDING, INDEX, MARK, QUOTE, TRADE, EventRow
from lotwise.kernel.tape import BarRow, MarketTradeRow
from lotwise.market.replay_units import Choices, Units

if TYPE_CHECKING:
    import numpy as np

    from lotwise.contracts.contract import Contract
    from lotwise.market.kinds import Table

KIND_ORDER: Final = (FUNDING, INDEX, MARK, BAR, TRADE, QUOTE)
"""At one time."""
MINUTE_NS: Final = 60 * 10**9
CHUNK: Final = 65_536
"""Events made at once while they are gone through."""

Fields = dict[str, "np.ndarray[Any, Any]"]
"""Arrays of one length by the name of the event's field."""


@dataclass(frozen=True)
class Feed:
    """What is played of one contract; marks and index are bars of them."""

    contract: Contract
    bars: Table | None = None
    marks: Table | None = None
    index: Table | None = None
    funding: Table | None = None
    trades: Table | None = None
    quotes: Table | None = None


@dataclass(frozen=True)
class Block:
    """Events of one kind of one contract, in their order."""

    kind: int
    contract: int
    time_ns: np.ndarray[Any, Any]
    fields: Fields


class Replay:
    """Events in their order: gone through one by one, or taken as structured arrays."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        import numpy as np

        self._blocks = sorted(blocks, key=lambda block: (KIND_ORDER.index(block.kind), block.contract))
        lengths = [len(block.time_ns) for block in self._blocks]
        times = [block.time_ns for block in self._blocks]
        joined = np.concatenate(times) if times else np.zeros(0, np.int64)
        order = np.argsort(joined, kind="stable")
        self._block = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[order]
        starts = np.cumsum([0, *lengths])[self._block]
        self._row = order - starts
        self.times_ns: np.ndarray[Any, Any] = joined[order]
        """int64: the time of every event."""

    def __len__(self) -> int:
        return len(self.times_ns)

    def rows(self, first: int = 0, end: int | None = None) -> Any:
        """Events as a structured array of :class:`lotwise.kernel.state.EventRow`, for ``machine.run``.

        An event has 47 fields of 8 bytes: take a long history in parts.
        """
        import numpy as np

        first, end, _ = slice(first, end).indices(len(self))
        made = np.zeros(max(0, end - first), dtype_of(EventRow))
        chosen, rows = self._block[first:end], self._row[first:end]
        for number, block in enumerate(self._blocks):
            places = np.flatnonzero(chosen == number)
            if not len(places):
                continue
            taken = rows[places]
            made["kind"][places] = block.kind
            made["contract"][places] = block.contract
            made["time_ns"][places] = block.time_ns[taken]
            for name, numbers in block.fields.items():
                made[name][places] = numbers[taken]
        return made

    def __iter__(self) -> Iterator[EventRow]:
        names = EventRow.__slots__
        for first in range(0, len(self), CHUNK):
            for row in self.rows(first, first + CHUNK).tolist():
                yield EventRow(**dict(zip(names, row, strict=True)))


def replay(
    feeds: Sequence[Feed],
    *,
    off_tick: str = "refuse",
    off_lot: str = "refuse",
    quantity_in: str = "contracts",
    funding_to_ns: int = MINUTE_NS,
) -> Replay:
    """Merge what happened in several markets into one row of events.

    A bar has the mark's path in it where there is a bar of the mark at its time; all other bars of the mark
    or the index become four events: the open at their time, then low and high (a falling one: high and low)
    and close in the last nanosecond before the next, for nobody knew them before.

    Parameters
    ----------
    feeds
        One of each contract; its place is the kernel's contract number.
    off_tick
        A price between two ticks: ``"refuse"``, or ``"nearest"`` tick, up from the middle; of quotes the bid
        goes down and the ask up.
    off_lot
        A quantity between two lots: ``"refuse"``, or ``"down"``.
    quantity_in
        What the tables' quantities count: ``"contracts"`` or the ``"base"`` coin; the same for most.
    funding_to_ns
        Funding stamps go down to a multiple of this: venues stamp the moment of charging, some ms after the
        minute. 0: they stay.

    Raises
    ------
    InputError
        DATA-621 a table of another kind, or without a column; DATA-622 off the tick; DATA-623 off the lot;
        DATA-624 time goes back; DATA-625 bars and trades of one contract; DATA-626 a choice that is none;
        DATA-627 a number beyond 64 bits; DATA-628 a contract twice or none.
    """
    choices = Choices(off_tick, off_lot, quantity_in)
    names = [feed.contract.id for feed in feeds]
    if not names or len(set(names)) < len(names):
        raise InputError(
            "DATA-628", f"feeds of {', '.join(names) or 'no contract'}", hint="one feed of each contract"
        )
    blocks: list[Block] = []
    for number, feed in enumerate(feeds):
        if feed.bars is not None and not (feed.trades is None and feed.quotes is None):
            raise InputError(
                "DATA-625",
                f"{feed.contract.id}: bars and trades or quotes; the same market would be played twice",
                hint="give bars alone, or trades and quotes",
            )
        blocks += _blocks(feed, number, choices, funding_to_ns)
    return Replay(blocks)


def _blocks(feed: Feed, number: int, choices: Choices, funding_to_ns: int) -> Iterator[Block]:
    """The events of one contract, by kind."""
    units = Units(feed.contract, choices)
    marks = units.prices8(feed.marks, "marks") if feed.marks is not None else None
    if feed.index is not None:
        yield from _as_points(units.prices8(feed.index, "index"), INDEX, number)
    if feed.bars is not None:
        bars = units.bars(feed.bars)
        times = bars.pop("time_ns")
        if marks is not None:
            marks = _laid_in(bars, times, marks)
        yield Block(BAR, number, times, bars)
    if feed.funding is not None:
        yield _funding(units, feed, number, funding_to_ns)
    if marks is not None:
        yield from _as_points(marks, MARK, number)
    if feed.trades is not None:
        trades = units.trades(feed.trades)
        yield Block(TRADE, number, trades.pop("time_ns"), trades)
    if feed.quotes is not None:
        quotes = units.quotes(feed.quotes)
        yield Block(QUOTE, number, quotes.pop("time_ns"), quotes)


def _laid_in(bars: Fields, times: Any, marks: Fields) -> Fields:
    """Put marks into the bars of their time; the marks that are left."""
    import numpy as np

    _, of_bars, of_marks = np.intersect1d(times, marks["time_ns"], assume_unique=True, return_indices=True)
    for name in ("open", "high", "low", "close"):
        column = np.zeros(len(times), np.int64)
        column[of_bars] = marks[f"{name}8"][of_marks]
        bars[f"mark_{name}8"] = column
    left = np.ones(len(marks["time_ns"]), bool)
    left[of_marks] = False
    return {name: numbers[left] for name, numbers in marks.items()}


def _as_points(bars: Fields, kind: int, number: int) -> Iterator[Block]:
    """Bars of a mark or an index as single prices: the open at once, the rest when it is known."""
    import numpy as np

    times = bars["time_ns"]
    if not len(times):
        return
    steps = np.diff(times)
    step = int(steps.min()) if len(steps) else MINUTE_NS
    falls = bars["close8"] < bars["open8"]
    second = np.where(falls, bars["high8"], bars["low8"])
    third = np.where(falls, bars["low8"], bars["high8"])
    prices = np.stack([bars["open8"], second, third, bars["close8"]], axis=1).ravel()
    late = times + (step - 1)
    stamps = np.stack([times, late, late, late], axis=1).ravel()
    yield Block(kind, number, stamps, {"price8": prices})


def _funding(units: Units, feed: Feed, number: int, funding_to_ns: int) -> Block:
    """Fundings at the mark's open of their stamp, or at the present mark where that is not told."""
    import numpy as np

    assert feed.funding is not None
    found = units.funding(feed.funding, funding_to_ns)
    times = found.pop("time_ns")
    found["price8"] = np.zeros(len(times), np.int64)
    if feed.marks is not None:
        marks = units.prices8(feed.marks, "marks")
        at = np.searchsorted(marks["time_ns"], times)
        there = at < len(marks["time_ns"])
        there[there] = marks["time_ns"][at[there]] == times[there]
        found["price8"][there] = marks["open8"][at[there]]
    return Block(FUNDING, number, times, found)


def bar_rows(
    feed: Feed,
    step_ns: int = MINUTE_NS,
    *,
    off_tick: str = "refuse",
    off_lot: str = "refuse",
    quantity_in: str = "contracts",
    funding_to_ns: int = MINUTE_NS,
) -> Any:
    """Bars and funding of one contract as the rows of a run (:class:`lotwise.kernel.tape.BarRow`).

    A run charges funding at the close of a bar: a stamp goes to the last bar that ends at it or before.
    Where bars are missing several may fall on one bar; their rates are added. Stamps before the end of the
    first bar are left out.

    Parameters
    ----------
    step_ns
        Length of a bar.

    Raises
    ------
    InputError
        As :func:`replay`.
    """
    import numpy as np

    units = Units(feed.contract, Choices(off_tick, off_lot, quantity_in))
    if feed.bars is None:
        raise InputError("DATA-621", f"{feed.contract.id}: no bars are given", hint="give Feed(bars=...)")
    bars = units.bars(feed.bars)
    rows = np.zeros(len(bars["time_ns"]), dtype_of(BarRow))
    for name, numbers in bars.items():
        rows[name] = numbers
    if feed.funding is not None and len(rows):
        stamps = units.funding(feed.funding, funding_to_ns)
        at = np.searchsorted(bars["time_ns"] + step_ns, stamps["time_ns"], side="right") - 1
        held = at >= 0
        np.add.at(rows["funding8"], at[held], stamps["rate8"][held])
        rows["has_funding"][at[held]] = 1
    return rows


def trade_rows(
    feed: Feed, *, off_tick: str = "refuse", off_lot: str = "refuse", quantity_in: str = "contracts"
) -> Any:
    """Trades of one contract as the rows of a run (:class:`lotwise.kernel.tape.MarketTradeRow`).

    Raises
    ------
    InputError
        As :func:`replay`.
    """
    import numpy as np

    units = Units(feed.contract, Choices(off_tick, off_lot, quantity_in))
    if feed.trades is None:
        raise InputError("DATA-621", f"{feed.contract.id}: no trades are given", hint="give Feed(trades=...)")
    trades = units.trades(feed.trades)
    rows = np.zeros(len(trades["time_ns"]), dtype_of(MarketTradeRow))
    for name, numbers in trades.items():
        rows[name] = numbers
    return rows


def feeds_of(
    contracts: Mapping[str, Contract], tables: Mapping[str, Mapping[str, Table]]
) -> tuple[Feed, ...]:
    """Feeds of tables by contract and by the name of their kind; kinds that are not played are left out."""
    played = ("bars", "marks", "index", "funding", "trades", "quotes")
    return tuple(
        Feed(contract, **{kind: table for kind, table in tables[name].items() if kind in played})
        for name, contract in contracts.items()
    )
