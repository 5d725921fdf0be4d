"""A session dies before and after every call to the venue and every write of its log, and begins again.

What is on the disk and at the venue is all that the next one has.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from lotwise.broker.policy import Policy
from lotwise.records.signal import Exit
from lotwise.store.database import Database
from lotwise.units import Rate8
from tests.session.auditor import Auditor
from tests.session.scene import AAA, BBB, Scene, entries, signal, targets
from tests.session.venue_in_memory import E8, SECOND, Crash

Act = Callable[[Scene], object]
WHOLE = os.environ.get("LOTWISE_PROFILE") == "proof"
LEAST = 200
"""Points at which a session died in each run of the tests."""


def story_of_targets() -> list[Act]:
    """A market entry, two targets with break-even after the first, both reached."""
    wanted = signal(1, targets=targets(1, 300_000, 50, 50), breakeven_after=1)
    return [
        lambda s: s.bar(AAA, wanted),
        lambda s: s.go(2),
        lambda s: s.venue.move(AAA, 301_005),
        lambda s: s.trader.on_fill(AAA),
        lambda s: s.go(6),
        lambda s: s.venue.move(AAA, 302_005),
        lambda s: s.go(6),
    ]


def story_of_a_ladder() -> list[Act]:
    """Two limit entries, the second filled in parts, a trailing stop that is hit; a trade beside it."""
    wanted = signal(
        -1,
        stop=303_500,
        entries=entries(-1, (300_200, 60), (300_600, 40)),
        targets=targets(-1, 300_000, 40, 60),
        trail_after=1,
        callback8=Rate8(E8 // 500),
    )
    return [
        lambda s: s.bar(AAA, wanted),
        lambda s: s.bar(BBB, signal(1, stop=299_000)),
        lambda s: s.venue.move(AAA, 300_205),
        lambda s: s.trader.on_fill(AAA),
        lambda s: setattr(s.venue, "most_at_once", lambda lots: max(1, lots // 3)),
        lambda s: s.go(7, AAA, 300_605),
        lambda s: setattr(s.venue, "most_at_once", lambda lots: lots),
        lambda s: s.go(6, AAA, 298_990),
        lambda s: s.trader.on_market(s.venue.market(AAA)),
        lambda s: s.go(2, AAA, 298_400),
        lambda s: s.trader.on_market(s.venue.market(AAA)),
        lambda s: s.go(7, AAA, 299_300),
        lambda s: s.bar(BBB, signal(-1)),
        lambda s: s.bar(BBB, Exit("enough")),
        lambda s: s.go(6),
    ]


def story_of_a_stop() -> list[Act]:
    """A market entry that fills in part, its stop cancelled by hand, then hit in a gap."""

    def cancel(scene: Scene) -> None:
        for one in scene.venue.book.values():
            if one.order.kind == "stop" and one.order.state == "open":
                one.now(state="cancelled")

    return [
        lambda s: setattr(s.venue, "most_at_once", lambda lots: lots - lots // 4),
        lambda s: s.bar(AAA, signal(1, targets=targets(1, 300_000, 100))),
        lambda s: setattr(s.venue, "most_at_once", lambda lots: lots),
        cancel,
        lambda s: s.go(7),
        lambda s: s.go(7, AAA, 290_000),
    ]


STORIES = {"targets": story_of_targets, "ladder": story_of_a_ladder, "stop": story_of_a_stop}


class Dying:
    """Makes the process die at the k-th call, before or after what it does."""

    def __init__(self, at: int, how: str) -> None:
        self.at, self.how, self.calls, self.died = at, how, 0, False
        self.story_calls = 0
        """Calls until the story was told; then it is quiet, and calls repeat."""

    def __call__(self, call: str) -> str:
        self.calls += 1
        if self.calls == self.at and not (self.how == "crash_after" and call == "orders"):
            self.died = True
            return self.how
        return ""


def play(scene: Scene, acts: list[Act], dying: Dying, label: str) -> None:
    """Play a story; a death is followed by a new session, and the story goes on."""
    auditor = Auditor(scene, label)
    scene.venue.fault = dying
    scene.venue.fills_lag_ns = SECOND

    def lives(act: Act) -> None:
        try:
            act(scene)
        except Crash:
            scene.session()
            scene.trader.begin()

    for act in [lambda s: s.trader.begin(), *acts]:
        lives(act)
        auditor.look()
    dying.story_calls = dying.calls
    for _ in range(45):
        lives(lambda s: s.go(1))
        auditor.look()
    auditor.agrees()
    lives(lambda s: s.trader.stop("flatten"))
    for _ in range(45):
        lives(lambda s: s.go(1))
    auditor.all_counted()


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("how", ["crash_before", "crash_after"])
def test_dying_at_every_point(database: Database, name: str, how: str) -> None:
    clean = Dying(0, "")
    scene = Scene(database, f"{name} {how} clean", policy=Policy())
    play(scene, STORIES[name](), clean, f"{name}, never dying")
    fills = len(scene.venue.executions)
    assert fills >= 2
    died = 0
    for at in range(1, clean.story_calls + 1, 1 if WHOLE or name != "ladder" else 3):
        dying = Dying(at, how)
        play(Scene(database, f"{name} {how} {at}"), STORIES[name](), dying, f"{name} {how} {at}")
        died += dying.died
    assert died >= LEAST // len(STORIES) // 2, f"{died} deaths of {clean.story_calls} points"
