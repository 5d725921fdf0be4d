"""What a strategy of one's own looks like: a class that is asked at every bar, and its form in columns.

>>> from lotwise.strategy.api import Bar, Strategy, View
>>> from lotwise.records.signal import Signal
>>> class Dip(Strategy):
...     def on_bar(self, bar, view):
...         if view.lots == 0 and bar.close_ticks < bar.open_ticks:
...             return Signal(side=1, stop_ticks=bar.low_ticks - 10, reason="a falling bar")

Prices are whole ticks: ``view.contract`` turns them into text and back. A strategy answers with a
:class:`~lotwise.records.signal.Signal`, an :class:`~lotwise.records.signal.Exit` or nothing. It never sizes
and never sends: the size is found by the rules, the guard may refuse it, a broker sends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lotwise.contracts.contract import Contract
from lotwise.records.signal import Exit, Signal
from lotwise.units import Cash

if TYPE_CHECKING:
    import numpy as np

Answer = Signal | Exit | None


class Bar(NamedTuple):
    """A bar that is closed. Ticks and lots of its contract; the time is that of its opening, ns UTC."""

    time_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int


class MarketTrade(NamedTuple):
    """A trade of the market."""

    time_ns: int
    price_ticks: int
    lots: int
    buyer_is_maker: bool


class Filled(NamedTuple):
    """A fill of one's own."""

    time_ns: int
    price_ticks: int
    lots: int
    """Signed."""


class View(Protocol):
    """What a strategy may look at while it is asked: its contract, its position, the account."""

    @property
    def contract(self) -> Contract:
        """What it trades."""

    @property
    def lots(self) -> int:
        """The position, signed."""

    @property
    def waits(self) -> bool:
        """Whether an entry or an exit of a bracket stands."""

    @property
    def equity_cash(self) -> Cash:
        """All money of the account, open positions included."""

    def last(self, contract_id: str) -> Bar | None:
        """The last closed bar of another contract of the account; ``None`` before the first."""


class Strategy:
    """One contract's strategy: every contract gets a copy of its own, with its own memory."""

    @property
    def name(self) -> str:
        """For reports: the class and what it was made with."""
        told = ", ".join(f"{key}={value}" for key, value in sorted(vars(self).items()) if key[0] != "_")
        return f"{type(self).__name__}({told})"

    def begin(self, contract: Contract) -> None:
        """Called once, before the first bar."""

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """Called after every bar's close."""
        return None

    def on_trade(self, trade: MarketTrade, view: View) -> Answer:
        """Called after every trade of the market, where trades are played."""
        return None

    def on_fill(self, fill: Filled, view: View) -> None:
        """Called after every fill of one's own."""


@dataclass(frozen=True)
class Columns:
    """The bars of one contract as whole-number arrays of one length."""

    contract: Contract
    time_ns: np.ndarray[Any, Any]
    open_ticks: np.ndarray[Any, Any]
    high_ticks: np.ndarray[Any, Any]
    low_ticks: np.ndarray[Any, Any]
    close_ticks: np.ndarray[Any, Any]
    volume_lots: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return len(self.time_ns)

    def first(self, count: int) -> Columns:
        """The first so many bars: what was known then."""
        names = ("time_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
        return Columns(self.contract, *(getattr(self, name)[:count] for name in names))


@dataclass(frozen=True)
class Signals:
    """The array form's answer: signals in columns of one length, each at the close of bar ``rows[i]``.

    A column that is a plain number is the same for all. Rows rise. A signal is passed over while its contract
    has a position or a bracket on its side; one against what is held closes that first.
    """

    rows: np.ndarray[Any, Any]
    side: Any
    stop_ticks: Any
    entries: Sequence[tuple[Any, int]] = ()
    """Ticks and share8 of each limit entry, from the farthest from the stop; none: at the market."""
    entry_valid_ns: Any = 0
    targets: Sequence[tuple[Any, int]] = ()
    """Ticks and share8 of each target, from the nearest."""
    breakeven_after: Any = 0
    trail_after: Any = 0
    callback8: Any = 0
    hold_ns: Any = 0
    risk8: Any = 0
    exits: Any = ()
    """Rows at whose close what is held is closed."""


class InColumns(Protocol):
    """A strategy that also has the array form; it must mean the same trades."""

    def signals(self, bars: Columns) -> Signals:
        """All signals at once. A signal at row ``i`` may look at rows up to ``i`` only."""
