"""Twins: runs side by side on threads are the runs one after the other."""

from __future__ import annotations

import random

import numpy as np
import pytest

from lotwise.errors import InputError
from lotwise.kernel import sweep as runs
from lotwise.kernel import tape
from lotwise.kernel.layout import array_of
from lotwise.kernel.snapshot import plain_body, state_hash
from lotwise.strategy.sweep import Case, sweep
from tests.twins.test_sweep import account, bars, contract, desk, setup, some_signals

CASES = 40


def scene(seed: int = 5) -> tuple[random.Random, list[tape.BarRow], list[Case]]:
    """Bars, and cases of signals and setups."""
    rng = random.Random(seed)
    contract(rng)
    rows = bars(rng)
    made = [Case(np.array(some_signals(rng, len(rows), 25), np.int8), setup(rng)) for _ in range(CASES)]
    return rng, rows, made


def test_side_by_side_is_one_after_the_other() -> None:
    rng, rows, cases = scene()
    facts = contract(rng)
    state = account(rng, facts)
    before = state_hash(state)
    found = sweep(cases, state, array_of(tape.BarRow, rows), desk(facts), workers=4)
    assert state_hash(state) == before
    assert len(found) == CASES
    for case, one in zip(cases, found, strict=True):
        alone = plain_body(state)
        trades = [tape.TradeRow() for _ in rows]
        trips = runs.run_bars(alone, rows, case.signals.tolist(), [case.setup], desk(facts), trades, 0)
        assert (one.trips, state_hash(one.state)) == (trips, state_hash(alone))
        assert one.trades.tolist() == [trade.values() for trade in trades[:trips]]
    assert sum(one.trips for one in found) > 300


def test_nothing_to_play_is_no_error() -> None:
    rng, rows, _ = scene()
    facts = contract(rng)
    assert sweep([], account(rng, facts), array_of(tape.BarRow, rows), desk(facts)) == []


def test_a_case_that_cannot_be_is_refused_with_a_code() -> None:
    rng, rows, cases = scene()
    facts = contract(rng)
    given = (account(rng, facts), array_of(tape.BarRow, rows), desk(facts))
    odd = Case(cases[0].signals, setup(rng))
    odd.setup.risk8 = -1
    with pytest.raises(InputError, match="RUN-103"):
        sweep([cases[0], odd], *given)
    with pytest.raises(InputError, match="RUN-101"):
        sweep([cases[0], Case(cases[0].signals[:-1], cases[0].setup)], *given)
