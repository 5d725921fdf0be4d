"""Twins: the venue in a box compiled, interpreted and by the reference, after every event.

The reference (``tests/reference/venue``) was written from ``docs/venue_in_a_box.md`` alone and shares no
line with the kernel. Histories come from :mod:`tests.twins.histories`.
"""

from __future__ import annotations

from collections import Counter

from lotwise.kernel import machine
from lotwise.kernel.layout import array_of
from lotwise.kernel.snapshot import compiled_body, state_hash
from lotwise.kernel.state import EventRow, State
from tests.laws import bulk
from tests.twins.histories import History
from tests.twins.sightings import WANTED, sightings
from tests.twins.venue_twin import assert_balanced, differences, picture, twin_of

EVENTS = 300
"""Events of a history."""
HISTORIES = 20_000 if bulk.PROOF else 500
REACHED = 50
"""So often, at least, each rare path is met by the first 500 histories."""
AUDIT_EVERY = 20


def stepped(compiled: State, event: EventRow) -> int:
    """The compiled step of one event."""
    code: int = machine.step.compiled(compiled, array_of(EventRow, [event]))
    return code


def check_history(seed: int) -> None:
    """One history through the three of them."""
    history = History(seed)
    plain = history.begin()
    compiled, twin = compiled_body(plain), twin_of(history)
    after = state_hash(plain)
    for number in range(EVENTS):
        event = history.next(plain)
        before = after
        code = machine.step(plain, [event])
        where = f"seed {seed}, event {number}"
        assert stepped(compiled, event) == code, where
        after = state_hash(plain)
        assert state_hash(compiled) == after, f"{where}: compiled is not interpreted"
        if code:
            assert after == before, f"{where}: refused with {code}, and the state has changed"
        assert twin.apply(event) == code, where
        told = differences(picture(plain), twin.picture())
        assert not told, f"{where}: kernel / reference: {told}"
        if number % AUDIT_EVERY == 0 or number == EVENTS - 1:
            assert_balanced(plain)
            twin.audit()


@bulk.every_shard
def test_compiled_interpreted_and_reference_agree(shard: int, law_cases: int) -> None:
    asked = max(bulk.SHARDS, min(HISTORIES, law_cases // 20))
    seeds = bulk.numbers_of(shard, asked)
    for seed in seeds:
        check_history(seed)
    bulk.record("a venue in a box: compiled, interpreted and reference agree after every event", len(seeds))
    bulk.record("events of these", len(seeds) * EVENTS)


def test_the_histories_reach_every_rare_path() -> None:
    seen: Counter[str] = Counter()
    for seed in range(500):
        history = History(seed)
        state = history.begin()
        for _ in range(EVENTS):
            event = history.next(state)
            look = sightings(state, event)
            seen.update(look.of(state, machine.step(state, [event])))
    seldom = {name: seen[name] for name in WANTED if seen[name] < REACHED}
    assert not seldom, f"reached less than {REACHED} times: {seldom}"
