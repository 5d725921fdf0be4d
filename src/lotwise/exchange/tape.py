"""What a contract's market was: prints, bars of a minute, marks, fundings, the quote; of the events alone."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from lotwise.exchange.book import NO_LADDER, Ladder, LadderModel, Own, with_own
from lotwise.kernel.state import BAR, FUNDING, INDEX, MARK, QUOTE, TRADE, ContractRow, EventRow

MINUTE_NS: Final = 60 * 10**9
MOST_PRINTS: Final = 20_000
MOST_BARS: Final = 20_160
"""Two weeks of minutes."""
DAY_BARS: Final = 1_440
FUNDING_HOURS: Final = 8


class Print(NamedTuple):
    """A trade of the market."""

    id: int
    time_ns: int
    price_ticks: int
    lots: int
    is_sell: bool
    """Whether the taker sold."""


class Bar:
    """A bar of a minute; prices in ticks, or of marks in 1e-8."""

    __slots__ = (
        "close",
        "count",
        "first_id",
        "high",
        "lots",
        "low",
        "open",
        "taken_lots",
        "taken_ticks",
        "ticks",
        "time_ns",
    )  # fmt: skip

    def __init__(self, time_ns: int, price: int) -> None:
        self.time_ns = time_ns
        self.open = self.high = self.low = self.close = price
        self.lots = self.ticks = self.taken_lots = self.taken_ticks = self.count = self.first_id = 0

    def reach(self, price: int) -> None:
        """The price went there."""
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price

    def trade(self, price: int, lots: int, is_sell: bool) -> None:
        """So many lots changed hands; ``ticks`` are price times lots."""
        self.lots += lots
        self.ticks += price * lots
        self.count += 1
        if not is_sell:
            self.taken_lots += lots
            self.taken_ticks += price * lots

    def join(self, later: Bar) -> None:
        """Add the bar that follows."""
        self.high, self.low, self.close = max(self.high, later.high), min(self.low, later.low), later.close
        for name in ("lots", "ticks", "taken_lots", "taken_ticks", "count"):
            setattr(self, name, getattr(self, name) + getattr(later, name))

    def copied(self, time_ns: int) -> Bar:
        """The same with another time."""
        found = Bar(time_ns, self.open)
        for name in self.__slots__:
            if name != "time_ns":
                setattr(found, name, getattr(self, name))
        return found


class Stamp(NamedTuple):
    """A funding."""

    time_ns: int
    rate8: int
    mark8: int


class Tape:
    """One contract's market as the venue remembers it."""

    def __init__(self, contract: int, row: ContractRow, seed: int) -> None:
        self.contract = contract
        self.row = row
        self._seed = seed
        self._model: LadderModel | None = None
        self.prints: deque[Print] = deque(maxlen=MOST_PRINTS)
        self.bars: deque[Bar] = deque(maxlen=MOST_BARS)
        self.marks: deque[Bar] = deque(maxlen=MOST_BARS)
        self.fundings: deque[Stamp] = deque(maxlen=MOST_BARS)
        self.printed = 0
        self.updates = 0
        """Changes of the book so far."""
        self.last_ticks = 0
        self.last_lots = 0
        self.mark8 = 0
        self.has_mark = False
        self.index8 = 0
        self.own = Own({}, {})
        self.quote = (0, 0, 0, 0)
        self.time_ns = 0
        self.quote_ns = 0
        self.interval_ns = FUNDING_HOURS * 60 * MINUTE_NS

    def take(self, event: EventRow) -> None:
        """One event of this contract."""
        self.time_ns = event.time_ns
        if event.kind == QUOTE:
            self._quote(event.time_ns, (event.bid_ticks, event.bid_lots, event.ask_ticks, event.ask_lots))
        elif event.kind == TRADE:
            self._trade(event)
        elif event.kind == MARK:
            self._mark(event.time_ns, event.price8)
        elif event.kind == INDEX:
            self.index8 = event.price8
        elif event.kind == FUNDING:
            self.interval_ns = event.interval_ns or self.interval_ns
            self.fundings.append(Stamp(event.time_ns, event.rate8, event.price8 or self.mark8))
        elif event.kind == BAR:
            self._bar(event)

    def _quote(self, time_ns: int, quote: tuple[int, int, int, int]) -> None:
        if quote != self.quote:
            self.updates += 1
            self.quote, self.quote_ns = quote, time_ns
            if self._model is None:
                self._model = LadderModel(self._seed, self.contract, quote[2], self.row.cash_per_tick_lot)

    def _trade(self, event: EventRow) -> None:
        """A print; the taker sold where it is nearer to the bid, or at equal distance below the last."""
        bid, _, ask, _ = self.quote
        price = event.price_ticks
        is_sell = price - bid < ask - price if bid and ask else price < self.last_ticks
        self._reach(self.bars, event.time_ns, price)
        self.last_ticks = price
        self._follow(event.time_ns)
        if event.lots:
            self.printed += 1
            self.last_lots = event.lots
            self.prints.append(Print(self.printed, event.time_ns, price, event.lots, is_sell))
            bar = self.bars[-1]
            bar.first_id = bar.first_id or self.printed
            bar.trade(price, event.lots, is_sell)

    def _bar(self, event: EventRow) -> None:
        """A bar is known as a whole; the quote after it is the kernel's: half a spread about the close."""
        bar = Bar(event.time_ns, event.open_ticks)
        for price in (event.high_ticks, event.low_ticks, event.close_ticks):
            bar.reach(price)
        bar.trade(event.close_ticks, event.volume_lots, is_sell=False)
        self.bars.append(bar)
        self.last_ticks, self.last_lots = event.close_ticks, event.volume_lots
        spread = self.row.spread_ticks
        bid, ask = event.close_ticks - spread // 2, event.close_ticks + (spread + 1) // 2
        lots = max(1, event.volume_lots // 10)
        if 0 < bid < ask:
            self._quote(event.time_ns, (bid, lots, ask, lots))
        if event.mark_open8:
            for price8 in (event.mark_open8, event.mark_high8, event.mark_low8, event.mark_close8):
                self._mark(event.time_ns, price8)
        self._follow(event.time_ns)

    def _mark(self, time_ns: int, price8: int) -> None:
        self.mark8, self.has_mark = price8, True
        self._reach(self.marks, time_ns, price8)

    def _follow(self, time_ns: int) -> None:
        """Without marks the mark is the last price."""
        if not self.has_mark:
            self.mark8 = self.last_ticks * self.row.tick_size8
            self._reach(self.marks, time_ns, self.mark8)

    def _reach(self, bars: deque[Bar], time_ns: int, price: int) -> None:
        minute = time_ns - time_ns % MINUTE_NS
        if bars and bars[-1].time_ns == minute:
            bars[-1].reach(price)
        else:
            bars.append(Bar(minute, price))

    @property
    def ladder(self) -> Ladder:
        """The book now, the accounts' own orders in it; never crossed."""
        book = self._model.ladder(self.quote) if self._model else NO_LADDER
        return with_own(book, self.own) if self.own.bids or self.own.asks else book

    @property
    def touch(self) -> tuple[int, int, int, int]:
        """Best bid and ask with lots; without a quote half a spread about the last price."""
        if self.quote[2] or not self.last_ticks:
            return self.quote
        spread = self.row.spread_ticks
        return self.last_ticks - spread // 2, 1, self.last_ticks + (spread + 1) // 2, 1

    @property
    def next_funding_ns(self) -> int:
        """The next full interval."""
        return (self.time_ns // self.interval_ns + 1) * self.interval_ns

    def day(self) -> Bar | None:
        """The last 24 hours as one bar, to the minute."""
        first = self.time_ns - DAY_BARS * MINUTE_NS
        found: Bar | None = None
        for bar in reversed(self.bars):
            if bar.time_ns <= first:
                break
            joined = bar.copied(bar.time_ns)
            if found is not None:
                joined.join(found)
            found = joined
        return found


def grouped(bars: deque[Bar], step_ns: int, offset_ns: int = 0) -> list[Bar]:
    """Bars of a longer step, oldest first; ``offset_ns`` shifts where they begin (weeks: Monday)."""
    found: list[Bar] = []
    for bar in bars:
        start = (bar.time_ns - offset_ns) // step_ns * step_ns + offset_ns
        if found and found[-1].time_ns == start:
            found[-1].join(bar)
        else:
            found.append(bar.copied(start))
    return found
