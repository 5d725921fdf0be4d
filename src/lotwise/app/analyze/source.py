"""What the store holds of a contract, in ticks and lots: the ticks are the data's own, not today's facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from lotwise.charts.thin import Bars
from lotwise.errors import InputError
from lotwise.market.check import lasting, tick_of
from lotwise.market.kinds import BARS, DEPTH, FUNDING, QUOTES, TRADES, Kind, Table
from lotwise.market.resample import of_trades
from lotwise.market.store import Series, Store
from lotwise.units import scaled_text

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

LENGTHS: Final = tuple(n * 10**9 for n in (1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400))
"""Bars that are made of trades are of one of these."""
MOST_BARS: Final = 240


@dataclass(frozen=True)
class Grid:
    """What prices and quantities of the data are counted in."""

    tick: int
    """Units of 10 ** -price_decimals that a tick has."""
    price_decimals: int
    quantity_decimals: int

    @property
    def tick_size(self) -> str:
        """Exact text."""
        return scaled_text(self.tick, self.price_decimals)

    @property
    def lot_size(self) -> str:
        """Exact text."""
        return scaled_text(1, self.quantity_decimals)

    def price(self, ticks: int) -> str:
        """Exact text of a price in ticks, with the tick's decimals."""
        return scaled_text(int(ticks) * self.tick, self.price_decimals, least=self.price_decimals)

    def quantity(self, lots: int) -> str:
        """Exact text of lots."""
        return scaled_text(int(lots), self.quantity_decimals)

    def ticks(self, prices: Any) -> Numbers:
        """Prices in whole ticks, those between two to the nearer."""
        import numpy as np

        given = np.asarray(prices, np.int64)
        found: Numbers = (2 * given + self.tick) // (2 * self.tick)
        return found


class Source:
    """The rows of one contract in a span of time, read when they are asked for.

    Raises
    ------
    InputError
        ANALYZE-101 the store has neither bars nor trades of it in the span.
    """

    def __init__(
        self, store: Store, venue: str, symbol: str, since: datetime | None, until: datetime | None
    ) -> None:
        self.store, self.venue, self.symbol = store, venue, symbol
        self.since, self.until = since, until
        if self.bars_table is None:
            raise InputError(
                "ANALYZE-101",
                f"the store {store.root} holds neither bars nor trades of {venue}:{symbol}"
                + (" in that span" if since or until else ""),
                f"bring some: lotwise data import FILE --contract {venue}:{symbol}; or try it on a made-up"
                " market: lotwise data synthetic",
            )

    @property
    def name(self) -> str:
        """``venue:SYMBOL``."""
        return f"{self.venue}:{self.symbol}"

    def table(self, kind: Kind, symbol: str = "") -> Table | None:
        """The rows of a kind, or nothing."""
        series = Series(self.venue, symbol or self.symbol, kind)
        if not any(self.store.days(series)):
            return None
        try:
            rows, scale = self.store.scan(series, self.since, self.until)
        except InputError as error:
            if error.code == "DATA-205":  # days are there, but none in the span
                return None
            raise
        frame = rows.collect()
        return Table(kind, scale, frame) if len(frame) else None

    @cached_property
    def trades(self) -> Table | None:
        """Trades of the market."""
        return self.table(TRADES)

    @cached_property
    def bars_table(self) -> Table | None:
        """Bars; made of trades where there are none."""
        found = self.table(BARS)
        if found is None and self.trades is not None:
            return of_trades(self.trades, self.trades_bar_ns).table
        return found

    @cached_property
    def trades_bar_ns(self) -> int:
        """Length of bars made of the trades: some two hundred of them."""
        assert self.trades is not None
        times = self.trades.frame["time_ns"]
        span = int(times[-1]) - int(times[0])
        return next((length for length in LENGTHS if span // length <= MOST_BARS), LENGTHS[-1])

    @cached_property
    def funding(self) -> Table | None:
        """Funding as charged."""
        return self.table(FUNDING)

    @cached_property
    def quotes(self) -> Table | None:
        """Best bid and ask."""
        return self.table(QUOTES)

    @cached_property
    def depth(self) -> Table | None:
        """Changes of the book."""
        return self.table(DEPTH)

    @cached_property
    def grid(self) -> Grid:
        """Ticks and lots of the bars."""
        table = self._bars
        tick = tick_of(table, ["open", "high", "low", "close"])
        return Grid(tick, table.scale.price, table.scale.quantity)

    @property
    def _bars(self) -> Table:
        assert self.bars_table is not None  # looked at when this was made
        return self.bars_table

    def grid_of(self, table: Table) -> Grid:
        """The grid of a table of another scale: the same tick."""
        places = table.scale.price - self.grid.price_decimals
        tick = self.grid.tick * 10**places if places >= 0 else max(1, self.grid.tick // 10**-places)
        return Grid(tick, table.scale.price, table.scale.quantity)

    @cached_property
    def bar_ns(self) -> int:
        """Length of a bar: the usual time between two."""
        steps = self._bars.frame["time_ns"].diff().drop_nulls()
        return int(steps.mode().min()) if len(steps) else LENGTHS[3]  # type: ignore[arg-type]

    @cached_property
    def bars(self) -> Bars:
        """The bars in ticks and lots, as pictures and measures take them."""
        frame = self._bars.frame
        ticks = {name: self.grid.ticks(frame[name].to_numpy()) for name in ("open", "high", "low", "close")}
        return Bars(
            time_ns=frame["time_ns"].to_numpy(),
            open_ticks=ticks["open"],
            high_ticks=ticks["high"],
            low_ticks=ticks["low"],
            close_ticks=ticks["close"],
            lots=frame["volume"].to_numpy(),
            bar_ns=self.bar_ns,
        )

    @property
    def span(self) -> str:
        """How much there is, for a title."""
        return f"{len(self._bars.frame):,} bars of {lasting(self.bar_ns)}"

    def others(self) -> Iterator[str]:
        """Symbols of the venue that have bars too."""
        seen = {day.series.contract for day in self.store.days() if self._is_one(day.series)}
        yield from sorted(seen)

    def _is_one(self, series: Series) -> bool:
        return series.venue == self.venue and series.kind == BARS

    def closes_of(self, symbol: str) -> tuple[Numbers, Numbers] | None:
        """Times and closes (floats, for statistics) of a symbol's bars."""
        table = self._bars if symbol == self.symbol else self.table(BARS, symbol)
        if table is None:
            return None
        return table.frame["time_ns"].to_numpy(), table.frame["close"].to_numpy() / 10**table.scale.price
