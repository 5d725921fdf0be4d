"""Plays history for a strategy: a rule, or a Python object, through the same compiled run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lotwise.errors import InputError
from lotwise.kernel import sweep, tape
from lotwise.kernel.layout import array_of, dtype_of
from lotwise.kernel.snapshot import compiled_body, plain_body
from lotwise.kernel.state import AccountRow, MarketRow, State
from lotwise.rule import Rule

REASONS: Final = {
    tape.BAD_ROW: (
        "RUN-101",
        "bar {at} cannot be: a price, a volume or a rate is out of range, or time goes back",
        "check the data before it is played: high >= open, close >= low > 0, rising times",
    ),
    tape.BAD_SIGNAL: (
        "RUN-102",
        "at bar {at} the strategy answered what is no signal",
        "answer 1 (long), -1 (short), 2 (close), 0 (nothing) or -9 (end the run)",
    ),
    tape.BAD_SETUP: (
        "RUN-103",
        "the setup cannot be: a share is not within 0 and 1, or a distance is negative",
        "risk8 and stop_share8 are shares above 0 in 1e-8: 1 % is 1000000",
    ),
}
"""Code, what happened, hint of what ends a run early."""


class Decides(Protocol):
    """A Python strategy."""

    def on_bar(self, row: int) -> int:
        """Answer a signal at the close of bar ``row``."""


class View:
    """What a Python strategy may look at while it is asked: the position and the money, as integers.

    Reading goes straight to the account's memory, some 50 ns a field.
    """

    def __init__(self, state: State) -> None:
        self._account = memoryview(state.account).cast("B").cast("q")  # type: ignore[arg-type]
        self._market = memoryview(state.markets).cast("B").cast("q")  # type: ignore[arg-type]

    def market(self, field: str) -> int:
        """A field of :class:`lotwise.kernel.state.MarketRow`."""
        return self._market[MarketRow.__slots__.index(field)]

    def account(self, field: str) -> int:
        """A field of :class:`lotwise.kernel.state.AccountRow`."""
        return self._account[AccountRow.__slots__.index(field)]

    @property
    def lots(self) -> int:
        """The position, signed."""
        return self._market[_LOTS]


_LOTS: Final = MarketRow.__slots__.index("lots")


@dataclass(frozen=True)
class Played:
    """What came of a run."""

    state: State
    """The account at the end, as structured arrays."""
    trips: int
    """Round trips done."""
    trades: Any
    """Structured array of the round trips, :class:`lotwise.kernel.tape.TradeRow`."""
    stopped_at: int | None
    """The bar at which the strategy ended the run; None: it went to the end."""


def play(
    strategy: Rule[[tape.Seen, int], int] | Decides,
    state: State,
    bars: Any,
    desk: tape.Desk,
    setup: tape.SetupRow,
    memory: Sequence[int] = (),
    skip: bool = True,
) -> Played:
    """Play bars for a strategy from the state of an account; the state given stays as it is.

    Parameters
    ----------
    strategy
        A rule of (what it sees, bar number), compiled once and kept in the cache; or a Python object with
        ``on_bar(bar number)``, and ``begin(view)`` where it wants to look at the account.
    state
        Of :func:`lotwise.kernel.snapshot.new_state`, or where another run ended.
    bars
        Structured array of :class:`lotwise.kernel.tape.BarRow`.
    memory
        Integers that a rule keeps for itself, at the start.
    skip
        Pass over bars that can change nothing; the result is the same.

    Raises
    ------
    InputError
        RUN-101 to RUN-103; what a Python strategy raised is raised as it was.
    """
    import numpy as np
    from numba import typeof

    from lotwise.rule_handle import by_address
    from lotwise.rule_pointer import CallPointer, RulePointer

    by_address(tape.Seen)
    account, rows = compiled_body(plain_body(state)), tape.compiled_desk(desk)
    own: Any = np.array(memory, np.int64)
    seen = tape.Seen(account.account, account.markets, bars, array_of(tape.SetupRow, [setup]), own)
    trades = np.zeros(len(bars), dtype_of(tape.TradeRow))
    pointer: CallPointer | RulePointer
    if isinstance(strategy, Rule):
        pointer = RulePointer(strategy, typeof(seen))
    else:
        begin = getattr(strategy, "begin", None)
        if begin is not None:
            begin(View(account))
        pointer = CallPointer(strategy.on_bar, typeof(seen), failed=tape.STOP_RUN)
    trips = sweep.run_strategy.compiled(account, bars, pointer, seen, rows, trades, int(skip))
    if isinstance(pointer, CallPointer) and pointer.error is not None:
        raise pointer.error
    return played(account, rows, trades, ended_early=trips < 0)


def played(account: State, desk: tape.Desk, trades: Any, ended_early: bool) -> Played:
    """What a compiled run left, or the error of why it ended."""
    run: Any = desk.run[0]
    why, at, trips = int(run["why"]), int(run["at"]), int(run["trips"])
    if ended_early and why != tape.STOPPED:
        code, words, hint = REASONS[why]
        raise InputError(code, words.format(at=at), hint=hint)
    return Played(account, trips, trades[:trips], at if ended_early else None)
