"""Many runs over the same bars, side by side on all cores: signals and setups in, round trips out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lotwise.kernel import sweep as runs
from lotwise.kernel import tape
from lotwise.kernel.layout import array_of, dtype_of
from lotwise.kernel.snapshot import compiled_body, plain_body
from lotwise.kernel.state import State
from lotwise.strategy.play import Played, played


@dataclass(frozen=True)
class Case:
    """One run of a sweep."""

    signals: Any
    """``int8`` array: a signal at the close of each bar: 1 long, -1 short, 2 close, 0 nothing."""
    setup: tape.SetupRow
    """What a signal opens."""


def sweep(
    cases: Iterable[Case],
    state: State,
    bars: Any,
    desk: tape.Desk,
    workers: int | None = None,
) -> list[Played]:
    """Play every case from the same account over the same bars, in the order given.

    Parameters
    ----------
    bars
        Structured array of :class:`lotwise.kernel.tape.BarRow`; all cases read it, none copies it.
    workers
        Threads; compiled runs hold no lock of Python. Default: one a core.

    Raises
    ------
    InputError
        RUN-101, RUN-103: a bar, a signal or a setup that cannot be.
    """
    import numpy as np

    start, table = compiled_body(plain_body(state)), tape.compiled_desk(desk)

    def play(case: Case) -> Played:
        account, own = _copied(start), _copied(table)
        signals = np.ascontiguousarray(case.signals, np.int8)
        trades = np.zeros(np.count_nonzero(signals), dtype_of(tape.TradeRow))  # a trip begins with a signal
        setup = array_of(tape.SetupRow, [case.setup])
        trips = runs.run_bars.compiled(account, bars, signals, setup, own, trades, 1)
        return played(account, own, trades, ended_early=trips < 0)

    chosen = list(cases)
    if not chosen:
        return []
    first = play(chosen[0])  # compiles, or loads, once
    with ThreadPoolExecutor(workers or os.cpu_count()) as threads:
        return [first, *threads.map(play, chosen[1:])]


def _copied(arrays: Any) -> Any:
    """A named tuple of arrays with arrays of its own."""
    return type(arrays)(*(part.copy() for part in arrays))
