"""What strategies said over a feed, bar by bar: the same signals can then be played in several ways.

Columns are taken where a strategy has them; a class is asked, and what it answered is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lotwise.backtest.feed import columns_of
from lotwise.backtest.run import Plan, Played, play_asked, play_signals
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError
from lotwise.kernel.portfolio_rows import CLOSE_HELD
from lotwise.market.check import at_time
from lotwise.records.signal import Exit
from lotwise.strategy.api import Answer, Bar, Columns, Filled, MarketTrade, Signals, Strategy, View
from lotwise.strategy.rows import PLAIN, rows_of

if TYPE_CHECKING:
    Rows = Any


@dataclass(frozen=True)
class Recorded:
    """Signals, and the answer to every bar of the feed."""

    signals: Rows
    """:class:`lotwise.kernel.portfolio_rows.SignalRow`."""
    answers: Rows
    """int32: 0 nothing, -1 close, k opens signal k - 1."""
    in_columns: bool
    reasons: tuple[str, ...] = ()
    """Why each signal was given, where a strategy was asked."""

    def play(self, contracts: Sequence[Contract], feed: Rows, plan: Plan) -> Played:
        """Play them.

        Raises
        ------
        InputError
            BACKTEST-102 to BACKTEST-104.
        """
        played = play_signals(self.signals, self.answers, contracts, feed=feed, plan=plan)
        return with_reasons(played, self.reasons)


def with_reasons(played: Played, reasons: tuple[str, ...]) -> Played:
    """The same run, which knows why each signal was given."""
    from dataclasses import replace

    return replace(played, reasons=reasons)


def has_columns(strategy: object) -> bool:
    """Whether it has the array form."""
    return callable(getattr(strategy, "signals", None))


def recorded(strategies: Sequence[Any], contracts: Sequence[Contract], feed: Rows, plan: Plan) -> Recorded:
    """What one strategy a contract says: in columns where all have them, else asked along a run by ``plan``.

    Raises
    ------
    InputError
        BACKTEST-203, BACKTEST-204 columns that cannot be; BACKTEST-102 to BACKTEST-105, SIGNAL-101 to
        SIGNAL-103.
    """
    if all(has_columns(strategy) for strategy in strategies):
        return _in_columns(strategies, contracts, feed)
    return _asked(strategies, contracts, feed, plan)


def _in_columns(strategies: Sequence[Any], contracts: Sequence[Contract], feed: Rows) -> Recorded:
    import numpy as np

    parts: list[Rows] = []
    answers: Rows = np.zeros(len(feed), np.int32)
    for strategy, (columns, at) in zip(strategies, columns_of(contracts, feed), strict=True):
        if not len(columns):
            continue
        made, said = _rows(strategy, columns)
        answers[at] = np.where(said > 0, said + sum(len(part) for part in parts), said)
        parts.append(made)
    return Recorded(np.concatenate(parts), answers, in_columns=True)


def _rows(strategy: Any, columns: Columns) -> tuple[Rows, Rows]:
    """The rows of the array form, or whose fault it is that there are none."""
    try:
        signals = strategy.signals(columns)
        check_whole(signals, columns)
        return rows_of(signals, len(columns))
    except LotwiseError:
        raise
    except Exception as error:  # a strategy is its author's: whatever it raises is named
        first, last = at_time(int(columns.time_ns[0])), at_time(int(columns.time_ns[-1]))
        raise InputError(
            "BACKTEST-204",
            f"the strategy's columns failed on {columns.contract.id}, {len(columns)} bars from {first} to"
            f" {last} UTC: {type(error).__name__}: {error}",
            "mend it, or guard against what it met there",
        ) from error


def check_whole(signals: Signals, columns: Columns) -> None:
    """Refuse a column with what is no whole number: an indicator that is not known yet is NaN.

    Raises
    ------
    InputError
        BACKTEST-203 with the bar's time.
    """
    import numpy as np

    if not isinstance(signals, Signals):
        raise TypeError(f"it answered {signals!r}, which is no Signals")
    named = {name: getattr(signals, name) for name in ("rows", "side", "stop_ticks", *PLAIN, "exits")}
    for kind, legs in (("entries", signals.entries), ("targets", signals.targets)):
        named |= {f"{kind}[{k}]": leg[0] for k, leg in enumerate(legs)}
    rows = np.asarray(signals.rows)
    for name, given in named.items():
        values = np.asarray(given)
        if values.dtype.kind in "iub" or values.size == 0:
            continue
        odd = ~np.isfinite(values) | (values != np.floor(values)) if values.dtype.kind == "f" else None
        if odd is not None and not bool(odd.any()):
            continue
        at = 0 if odd is None or values.ndim == 0 else int(np.argmax(odd))
        bar = int(rows[at]) if at < len(rows) and rows.dtype.kind in "iu" else 0
        value = values if values.ndim == 0 else values[at]
        when = at_time(int(columns.time_ns[min(max(bar, 0), len(columns) - 1)]))
        raise InputError(
            "BACKTEST-203",
            f"{name} of the signal at the bar of {when} UTC of {columns.contract.id} is {value}",
            "whole ticks only: leave out bars where an indicator is not known, and round prices",
        )


class _Recorder(Strategy):
    """Asks another strategy and keeps what it answered; copies keep it in the same list."""

    def __init__(self, inner: Any, number: int, kept: list[tuple[int, int, Answer]]) -> None:
        self._inner, self._number, self._kept, self._bar = inner, number, kept, -1

    def __deepcopy__(self, memo: dict[int, Any]) -> _Recorder:
        return _Recorder(copy.deepcopy(self._inner, memo), self._number, self._kept)

    def begin(self, contract: Contract) -> None:
        """Handed on."""
        self._inner.begin(contract)

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """Asked, and kept."""
        self._bar += 1
        answer: Answer = self._inner.on_bar(bar, view)
        if answer is not None:
            self._kept.append((self._number, self._bar, answer))
        return answer

    def on_trade(self, trade: MarketTrade, view: View) -> Answer:
        """Handed on."""
        answer: Answer = self._inner.on_trade(trade, view)
        return answer

    def on_fill(self, fill: Filled, view: View) -> None:
        """Handed on."""
        self._inner.on_fill(fill, view)


def _asked(strategies: Sequence[Any], contracts: Sequence[Contract], feed: Rows, plan: Plan) -> Recorded:
    import numpy as np

    kept: list[tuple[int, int, Answer]] = []
    asked = [_Recorder(strategy, number, kept) for number, strategy in enumerate(strategies)]
    played = play_asked(asked, contracts, feed, plan)
    places = [np.flatnonzero(feed["contract"] == number) for number in range(len(contracts))]
    answers: Rows = np.zeros(len(feed), np.int32)
    given = 0
    for number, bar, answer in kept:
        if isinstance(answer, Exit):
            answers[places[number][bar]] = CLOSE_HELD
        else:
            given += 1
            answers[places[number][bar]] = given
    return Recorded(played.signals, answers, in_columns=False, reasons=played.reasons)
