"""Stands between a run and strategies that are asked: bars in, signals into the run's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError
from lotwise.kernel.portfolio_open import equity_of
from lotwise.kernel.portfolio_rows import CLOSE_HELD, NOTHING, Book
from lotwise.kernel.state import BracketRow, MarketRow, State
from lotwise.records.signal import Exit, Signal
from lotwise.strategy.api import Bar, Strategy
from lotwise.strategy.rows import row_of
from lotwise.units import Cash

if TYPE_CHECKING:
    import numpy as np

CHUNK: Final = 16_384
_LOTS: Final = MarketRow.__slots__.index("lots")
_SIDE: Final = BracketRow.__slots__.index("side")


class Desk:
    """What one contract's strategy sees: :class:`lotwise.strategy.api.View`."""

    def __init__(self, adviser: Adviser, number: int) -> None:
        self._adviser, self._number = adviser, number
        self.contract: Contract = adviser.contracts[number]

    @property
    def lots(self) -> int:
        """The position, signed."""
        return self._adviser.held(self._number)

    @property
    def waits(self) -> bool:
        """Whether a bracket stands."""
        return self._adviser.guarded(self._number)

    @property
    def equity_cash(self) -> Cash:
        """All money of the account."""
        return Cash(int(equity_of.compiled(self._adviser.state)))

    def last(self, contract_id: str) -> Bar | None:
        """The last closed bar of another contract."""
        return self._adviser.last_bar(contract_id)


class Adviser:
    """Asks the strategy of each bar's contract, and writes its signal where the run reads it."""

    def __init__(
        self,
        strategies: Sequence[Strategy],
        contracts: Sequence[Contract],
        feed: Any,
        book: Book,
        state: State,
    ) -> None:
        self.contracts, self.state, self.reasons = tuple(contracts), state, list[str]()
        self._signals: Any = book.signals
        self._bars = bars_of(feed)
        self._strategies = list(strategies)
        self._last: list[Bar | None] = [None] * len(self.contracts)
        self._markets = memoryview(state.markets).cast("B").cast("q")  # type: ignore[arg-type]
        self._brackets = memoryview(state.brackets).cast("B").cast("q")  # type: ignore[arg-type]
        self._desks = [Desk(self, number) for number in range(len(self.contracts))]
        self._numbers = {contract.id: number for number, contract in enumerate(self.contracts)}
        for strategy, contract in zip(self._strategies, self.contracts, strict=True):
            strategy.begin(contract)

    def held(self, number: int) -> int:
        """Lots held of a contract."""
        return self._markets[number * len(MarketRow.__slots__) + _LOTS]

    def guarded(self, number: int) -> bool:
        """Whether a contract has a bracket."""
        return self._brackets[number * len(BracketRow.__slots__) + _SIDE] != 0

    def last_bar(self, contract_id: str) -> Bar | None:
        """The last closed bar of a contract.

        Raises
        ------
        InputError
            BACKTEST-106 it is none of the account's.
        """
        if contract_id not in self._numbers:
            known = ", ".join(self._numbers)
            raise InputError("BACKTEST-106", f"{contract_id} is not played", f"the account has {known}")
        return self._last[self._numbers[contract_id]]

    def on_row(self, row: int) -> int:
        """Answer to a row of the feed."""
        number, bar = next(self._bars)
        self._last[number] = bar
        try:
            answer = self._strategies[number].on_bar(bar, self._desks[number])
            if answer is None:
                return NOTHING
            return self.carried(answer, number, row=row, bar=bar)
        except Exception as error:  # a strategy is its author's: whatever it raises, the bar is named
            raise failed(error, self.contracts[number].id, bar.time_ns) from error

    def carried(self, answer: object, number: int, *, row: int, bar: Bar) -> int:
        """What the run is to do about an answer: it sizes and judges by the kernel's limits."""
        if isinstance(answer, Exit):
            return CLOSE_HELD
        return self.written(answer) + 1

    def written(self, answer: object) -> int:
        """Write a signal where the run reads it; its place."""
        if not isinstance(answer, Signal):
            raise TypeError(f"it answered {answer!r}, which is no Signal, Exit or None")
        at = len(self.reasons)
        if at < len(self._signals):
            self._signals[at] = tuple(row_of(answer).values())
        self.reasons.append(answer.reason)
        return at


def failed(error: Exception, contract_id: str, time_ns: int) -> LotwiseError:
    """What a strategy raised, with the bar at which it did."""
    when = datetime.fromtimestamp(time_ns // 10**9, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    told = error.message if isinstance(error, LotwiseError) else f"{type(error).__name__}: {error}"
    return InputError(
        "BACKTEST-105",
        f"the strategy failed at the bar of {when} UTC of {contract_id}: {told}",
        "mend it, or guard against what it met there",
    )


def bars_of(feed: np.ndarray[Any, Any]) -> Iterator[tuple[int, Bar]]:
    """The feed's rows as (contract, bar), made a chunk at a time."""
    names = ("contract", *Bar._fields)
    for first in range(0, len(feed), CHUNK):
        part = feed[first : first + CHUNK]
        columns = [part[name].tolist() for name in names]
        yield from zip(columns[0], map(Bar, *columns[1:]), strict=True)
