"""Signals as the rows that a run reads: one of the class form, or all of the array form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.kernel.layout import LONG, RATE, SHORT, dtype_of
from lotwise.kernel.portfolio_rows import CLOSE_HELD, SignalRow
from lotwise.records.signal import Leg, Signal
from lotwise.strategy.api import Signals

if TYPE_CHECKING:
    import numpy as np

MOST_ENTRIES: Final = 3
MOST_TARGETS: Final = 4
PLAIN: Final = ("entry_valid_ns", "breakeven_after", "trail_after", "callback8", "hold_ns", "risk8")
"""Fields that a row takes over as they are."""


def row_of(signal: Signal) -> SignalRow:
    """One signal as a row.

    Raises
    ------
    InputError
        SIGNAL-101 more entries or targets than a bracket holds, SIGNAL-102 a share or a side that cannot be.
    """
    if len(signal.entries) > MOST_ENTRIES or len(signal.targets) > MOST_TARGETS:
        raise InputError(
            "SIGNAL-101",
            f"{len(signal.entries)} entries and {len(signal.targets)} targets",
            f"at most {MOST_ENTRIES} entries and {MOST_TARGETS} targets",
        )
    _good(signal.side, signal.stop_ticks)
    row = SignalRow(side=signal.side, stop_ticks=signal.stop_ticks)
    for name in PLAIN:
        setattr(row, name, getattr(signal, name))
    ladders: tuple[tuple[str, tuple[Leg, ...]], ...] = (("entry", signal.entries), ("target", signal.targets))
    for kind, legs in ladders:
        share = 0
        for k, leg in enumerate(legs, 1):
            share += _share(leg.share8)
            setattr(row, f"{kind}_ticks_{k}", leg.price_ticks)
            setattr(row, f"{kind}_share8_{k}", share)
        _whole(share, kind, bool(legs))
    return row


def _good(side: int, stop_ticks: int) -> None:
    if side not in (LONG, SHORT) or stop_ticks <= 0:
        raise InputError(
            "SIGNAL-102",
            f"a signal of side {side} with its stop at tick {stop_ticks}",
            "the side is 1 (long) or -1 (short), the stop a price above zero",
        )


def _share(share8: int) -> int:
    if not 0 < share8 <= RATE:
        raise InputError(
            "SIGNAL-102", f"a share of {share8} in 1e-8", "shares are above 0 and at most 100000000"
        )
    return share8


def _whole(share8: int, kind: str, used: bool) -> None:
    if used and share8 != RATE:
        raise InputError(
            "SIGNAL-102",
            f"the shares of the {kind} legs come to {share8} in 1e-8",
            "they are parts of the whole: 100000000 together",
        )


def rows_of(signals: Signals, bars: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The array form as a run reads it: the rows of all signals, and the answer at each of ``bars`` bars.

    Raises
    ------
    InputError
        SIGNAL-101, SIGNAL-102, SIGNAL-103 rows that do not rise, or are none of the bars.
    """
    import numpy as np

    at = np.asarray(signals.rows, np.int64)
    exits = np.asarray(signals.exits, np.int64)
    for rows in (at, exits):
        if len(rows) and (rows[0] < 0 or rows[-1] >= bars or bool((np.diff(rows) <= 0).any())):
            raise InputError(
                "SIGNAL-103",
                f"{len(rows)} rows from {rows[0]} to {rows[-1]} of {bars} bars",
                "rows are numbers of bars that rise, each once",
            )
    if len(signals.entries) > MOST_ENTRIES or len(signals.targets) > MOST_TARGETS:
        raise InputError(
            "SIGNAL-101",
            f"{len(signals.entries)} entries and {len(signals.targets)} targets",
            f"at most {MOST_ENTRIES} entries and {MOST_TARGETS} targets",
        )
    made = np.zeros(len(at), dtype_of(SignalRow))
    for name in ("side", "stop_ticks", *PLAIN):
        made[name] = getattr(signals, name)
    if len(at):
        odd = (np.abs(made["side"]) != 1) | (made["stop_ticks"] <= 0)
        if bool(odd.any()):
            first = int(np.argmax(odd))
            _good(int(made["side"][first]), int(made["stop_ticks"][first]))
    for kind, legs in (("entry", signals.entries), ("target", signals.targets)):
        share = 0
        for k, (ticks, share8) in enumerate(legs, 1):
            share += _share(share8)
            made[f"{kind}_ticks_{k}"] = ticks
            made[f"{kind}_share8_{k}"] = share
        _whole(share, kind, bool(legs))
    answers = np.zeros(bars, np.int32)
    answers[exits] = CLOSE_HELD
    answers[at] = np.arange(1, len(at) + 1)
    return made, answers
