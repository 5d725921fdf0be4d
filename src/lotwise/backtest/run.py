"""Plays strategies over a feed: in columns, or asked at every bar; the same trades where both can say it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lotwise.backtest.adviser import Adviser
from lotwise.backtest.feed import columns_of
from lotwise.broker.kernel_account import Assumptions, account_of, book_of
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel import portfolio
from lotwise.kernel import portfolio_rows as rows
from lotwise.kernel.layout import AskRow, LegRow, LimitsRow, SpecRow, array_of, dtype_of
from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.kernel.snapshot import compiled_body, state_hash
from lotwise.kernel.state import EventRow, State
from lotwise.strategy.api import InColumns, Strategy
from lotwise.strategy.rows import rows_of
from lotwise.units import Cash, Rate8

if TYPE_CHECKING:
    Rows = Any
    """A structured array; rules take it for a sequence of rows."""

KINDS: Final = (
    rows.PortfolioRow,
    EventRow,
    SpecRow,
    AskRow,
    LimitsRow,
    LegRow,
    rows.SeatRow,
    AllowedRow,
    UsageRow,
    rows.SignalRow,
    rows.TripRow,
    rows.RefusalRow,
    rows.CurveRow,
)
"""The row of each part of a book."""
BEYOND: Final = 4
CURVE_ROOM: Final = 200_000
ASKED_ROOM: Final = 100_000
"""Signals, trips and refusals of a run that is asked, at the most."""
ENDS: Final = {
    rows.BAD_ROW: (
        "BACKTEST-102",
        "bar {at} of the feed cannot be: a price, a volume or a rate is out of range, or time goes back",
        "check the data before it is played: lotwise data check",
    ),
    rows.BAD_ANSWER: (
        "BACKTEST-103",
        "at bar {at} of the feed: an answer that is no signal, or more signals than there is room for",
        "answer a Signal, an Exit or None",
    ),
    rows.LOG_FULL: (
        "BACKTEST-104",
        "bar {at} of the feed did more than the log holds",
        "this is a fault of lotwise: report it with the data",
    ),
}


@dataclass(frozen=True)
class Plan:
    """What a run is played with."""

    equity_cash: Cash
    risk8: Rate8
    """Share of the equity at risk in one trade."""
    leverage100: int = 1_000
    isolated: bool = True
    allowed: AllowedRow = field(default_factory=AllowedRow)
    """The trader's own limits; 0 is no bound."""
    assumed: Assumptions = field(default_factory=Assumptions)
    curve_every_ns: int = 3_600 * 10**9
    """A point of the equity curve so often; 0: none."""


@dataclass(frozen=True)
class Played:
    """What came of a run, as structured arrays."""

    contracts: tuple[Contract, ...]
    plan: Plan
    bars: int
    trips: Rows
    """:class:`lotwise.kernel.portfolio_rows.TripRow`, in the order they ended."""
    refusals: Rows
    curve: Rows
    signals: Rows
    """What the ``signal`` of a trip or a refusal is a number of."""
    ambiguous: int
    """Bars that reach both a stop and a target of what is held."""
    unfilled: int
    """Entries of which nothing filled."""
    apart_cash: int
    state: State
    reasons: tuple[str, ...] = ()
    """Why each signal was given, where a strategy was asked."""

    @property
    def named(self) -> str:
        """Name of the account at the end: the same for the same run, anywhere."""
        return state_hash(self.state)


def play_columns(
    strategies: Sequence[InColumns], contracts: Sequence[Contract], feed: Rows, plan: Plan
) -> Played:
    """Play the array form of one strategy a contract.

    Raises
    ------
    InputError
        BACKTEST-102 to BACKTEST-104, SIGNAL-101 to SIGNAL-103.
    """
    import numpy as np

    parts: list[Rows] = []
    answers = np.zeros(len(feed), np.int32)
    for strategy, (columns, at) in zip(strategies, columns_of(contracts, feed), strict=True):
        made, said = rows_of(strategy.signals(columns), len(columns))
        answers[at] = np.where(said > 0, said + sum(len(part) for part in parts), said)
        parts.append(made)
    return play_signals(np.concatenate(parts), answers, contracts, feed=feed, plan=plan)


def play_signals(
    signals: Rows, answers: Rows, contracts: Sequence[Contract], *, feed: Rows, plan: Plan
) -> Played:
    """Play signals that are there already.

    Raises
    ------
    InputError
        BACKTEST-102 to BACKTEST-104.
    """
    state, book = laid_out(contracts, plan, feed, room=len(signals))
    book = book._replace(signals=signals)
    trips = portfolio.run_portfolio.compiled(state, feed, answers, book, 1)
    return played_of(state, book, contracts, plan, feed=feed, ended=trips < 0)


def play_asked(
    strategies: Sequence[Strategy], contracts: Sequence[Contract], feed: Rows, plan: Plan
) -> Played:
    """Ask the class form of one strategy a contract at every bar; each is copied, and stays as it was.

    Raises
    ------
    InputError
        BACKTEST-102 to BACKTEST-105 (what a strategy raised or answered, with the bar's time).
    """
    return play_adviser(Adviser, strategies, contracts, feed=feed, plan=plan)


def play_adviser(
    advised: Callable[..., Adviser],
    strategies: Sequence[Strategy],
    contracts: Sequence[Contract],
    *,
    feed: Rows,
    plan: Plan,
) -> Played:
    """Play what an adviser makes of strategies; it is made of (strategies, contracts, feed, book, state)."""
    import numpy as np
    from numba import typeof

    from lotwise.rule_pointer import CallPointer

    state, book = laid_out(contracts, plan, feed, room=ASKED_ROOM)
    signals: Rows = np.zeros(ASKED_ROOM, dtype_of(rows.SignalRow))
    book = book._replace(signals=signals)
    memory: Any = np.zeros(1, np.int64)
    asked = rows.Asked(state.account, state.markets, feed, book.signals, memory)
    adviser = advised([copy.deepcopy(one) for one in strategies], contracts, feed, book, state)
    pointer = CallPointer(adviser.on_row, typeof(asked), failed=rows.STOP_RUN)
    trips = portfolio.run_adviser.compiled(state, feed, pointer, asked, book, 1)
    if pointer.error is not None:
        raise pointer.error
    played = played_of(state, book, contracts, plan, feed=feed, ended=trips < 0)
    return replaced(played, signals=book.signals[: len(adviser.reasons)], reasons=tuple(adviser.reasons))


def replaced(played: Played, **changes: Any) -> Played:
    """The same run with other fields."""
    from dataclasses import replace

    return replace(played, **changes)


def highest_of(contracts: Sequence[Contract], feed: Rows) -> list[int]:
    """Prices that each contract is proved for: stops and targets lie beyond those of the feed."""
    import numpy as np

    numbers = feed["contract"]
    known = (numbers >= 0) & (numbers < len(contracts))
    highs = np.zeros(len(contracts), np.int64)
    np.maximum.at(highs, numbers[known], feed["high_ticks"][known])
    return [max(1, BEYOND * int(high)) for high in highs]


def laid_out(contracts: Sequence[Contract], plan: Plan, feed: Rows, *, room: int) -> tuple[State, rows.Book]:
    """The account and the book as structured arrays."""
    import numpy as np

    from lotwise.rule_handle import by_address

    by_address(rows.Book)
    by_address(rows.Asked)
    highest = highest_of(contracts, feed)
    plain = account_of(
        contracts,
        plan.equity_cash,
        plan.assumed,
        plan.leverage100,
        plan.isolated,
        highest_ticks=highest,
    )
    book = book_of(
        contracts,
        plan.allowed,
        plan.risk8,
        room=(1, 1, 1),
        curve_every_ns=plan.curve_every_ns,
        highest_ticks=highest,
    )
    arrays = rows.Book(*(array_of(kind, part) for kind, part in zip(KINDS, book, strict=True)))
    trips: Rows = np.zeros(room, dtype_of(rows.TripRow))
    refusals: Rows = np.zeros(room, dtype_of(rows.RefusalRow))
    curve: Rows = np.zeros(CURVE_ROOM if plan.curve_every_ns else 0, dtype_of(rows.CurveRow))
    return compiled_body(plain), arrays._replace(trips=trips, refusals=refusals, curve=curve)


def played_of(
    state: State, book: rows.Book, contracts: Sequence[Contract], plan: Plan, *, feed: Rows, ended: bool
) -> Played:
    """What a compiled run left, or the error of why it ended.

    Raises
    ------
    InputError
        BACKTEST-102, BACKTEST-103, BACKTEST-104.
    """
    run: Any = book.run[0]
    if ended:
        code, words, hint = ENDS[int(run["why"])]
        raise InputError(code, words.format(at=int(run["at"])), hint)
    trips: Any = book.trips
    refusals: Any = book.refusals
    curve: Any = book.curve
    signals: Any = book.signals
    return Played(
        contracts=tuple(contracts),
        plan=plan,
        bars=len(feed),
        trips=trips[: int(run["trips"])],
        refusals=refusals[: int(run["refusals"])],
        curve=curve[: int(run["curve_rows"])],
        signals=signals,
        ambiguous=int(run["ambiguous"]),
        unfilled=int(run["unfilled"]),
        apart_cash=int(run["apart_cash"]),
        state=state,
    )
