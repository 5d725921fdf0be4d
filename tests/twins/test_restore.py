"""Twin: a state saved and restored goes on as the state itself, at every event of a history."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lotwise.kernel import machine
from lotwise.kernel.layout import array_of
from lotwise.kernel.snapshot import compiled_body, plain_body, restore, save, state_hash
from lotwise.kernel.state import EventRow, State
from tests.laws import bulk
from tests.twins.histories import History

EVENTS = 300
RESTORED = 200 if bulk.PROOF else 8
ALL_THE_WAY = 37
"""One restored copy in so many goes on to the end, in the other body."""


def without_log(state: State) -> State:
    """The state with room for no log: what is kept of the past does not steer what comes."""
    return state._replace(log=[])


@pytest.mark.parametrize("seed", range(RESTORED))
def test_restore_and_go_on_is_going_on(seed: int) -> None:
    history = History(10**6 + seed)
    whole = history.begin()
    events = []
    for _ in range(EVENTS):
        events.append(history.next(whole))
        machine.step(whole, [events[-1]])
    end = state_hash(whole)
    assert save(restore(json.loads(json.dumps(save(whole))))) == save(whole), "the log, too, comes back"
    walker = without_log(History(10**6 + seed).begin())
    for number, event in enumerate(events):
        again = restore(save(walker))
        assert state_hash(again) == state_hash(walker)
        if number % ALL_THE_WAY == seed % ALL_THE_WAY:
            other = compiled_body(again)
            codes = np.zeros(len(events) - number, np.int64)
            machine.run.compiled(other, array_of(EventRow, events[number:]), codes)
            assert state_hash(other) == end
            assert state_hash(plain_body(other)) == end
        code = machine.step(walker, [event])
        assert machine.step(again, [event]) == code
        assert state_hash(again) == state_hash(walker), f"seed {seed}, event {number}"
    assert state_hash(walker) == end
    bulk.record("a state saved and restored goes on as the state itself, at every event", EVENTS)
