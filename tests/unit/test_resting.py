"""Detectors of resting orders: right often enough on a book with known truth, and the same by every way."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.analysis import resting
from lotwise.analysis import resting_rules as rules
from lotwise.errors import InputError
from tests.twins import detector_figures as figures
from tests.twins.planted_book import ABSORBED, DEFENDED, ICEBERG, PULLED
from tests.twins.slow_resting import SlowWatch

SMALL = resting.Terms(
    soon_ns=4,
    quiet_ns=60,
    refills=2,
    unusual=1,
    doubt=0,
    renewed_share=5,
    amiss_share=100,
    least_clip_lots=1,
    siege_ns=40,
    siege_lots=6,
    shown_share=100,
    other_share=100,
    band_rows=1,
    hold_ns=6,
    large_lots=7,
    hit_share=20,
    near_rows=3,
)
"""So that a few events find something."""


def drawn(seed: int, count: int = 400) -> resting.Events:
    """Events of a few prices and sizes, a bid below an ask."""
    rng, time, rows = random.Random(seed), 1, []
    for _ in range(count):
        time += rng.choice((0, 1, 1, 2, 9))
        is_bid, trade = rng.random() < 0.6, rng.random() < 0.4
        price = rng.choice((99, 100)) if is_bid else rng.choice((101, 102))
        rows.append(
            (time, trade, is_bid, price, rng.choice((1, 2, 2, 3, 9)) if trade else rng.choice((0, 2, 4, 9)))
        )
    rows.sort(key=lambda row: (row[0], not row[1]))
    return resting.Events(*(np.array(column) for column in zip(*rows, strict=True)))


def told(found: list[resting.Finding]) -> list[tuple[Any, ...]]:
    return [(one.what.name, *one[1:]) for one in found]


def by_the_slow_way(events: resting.Events, terms: resting.Terms) -> list[tuple[Any, ...]]:
    slow = SlowWatch(terms)
    for row in zip(*(column.tolist() for column in events), strict=True):
        slow.see(*row)
    return list(slow.found)


def watched(events: resting.Events, watch: resting.Watch) -> list[resting.Finding]:
    found = []
    for time, is_trade, is_bid, price, lots in zip(*(column.tolist() for column in events), strict=True):
        found += (
            watch.trade(time, price, lots, is_bid) if is_trade else watch.level(time, is_bid, price, lots)
        )
    return found


# --- right often enough ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ICEBERG, ABSORBED, DEFENDED, PULLED])
def test_a_detector_is_right_often_enough(kind: str) -> None:
    found = figures.of_the_detectors(kind)
    assert found.wanted >= 60
    assert found.precision >= 0.9, found
    assert found.recall >= 0.7, found


@pytest.mark.parametrize("kind", [ICEBERG, ABSORBED])
def test_neither_a_rule_of_one_line_nor_shuffled_truths_pass(kind: str) -> None:
    assert figures.of_the_detectors(kind).good
    assert not figures.of_a_simple_rule(kind).good
    assert not figures.with_shuffled_truth(kind).good
    assert figures.with_shuffled_truth(kind).precision < 0.5


def test_the_page_says_what_was_judged() -> None:
    page = figures.PAGE.read_text("utf-8")
    assert figures.block(page, "planted") == figures.planted_tables()


def test_the_page_says_what_the_capture_holds(shared_data: Path) -> None:
    page = figures.PAGE.read_text("utf-8")
    assert figures.block(page, "real") == figures.real_table(shared_data)


# --- the same by every way ------------------------------------------------------------------------


def test_planted_and_real_findings_are_those_of_the_slow_way(shared_data: Path) -> None:
    one = figures.played(figures.SEEDS[0])
    assert told(resting.detect(one.events, figures.TERMS)) == by_the_slow_way(one.events, figures.TERMS)
    real = figures.real_events(shared_data)
    base, rows = 615_500, 3_000
    near = (real.prices_ticks >= base) & (real.prices_ticks < base + rows)
    inside = resting.Events(*(column[near] for column in real))
    terms = figures.REAL_TERMS
    found = resting.detect(real, terms, base, rows)
    assert told(found) == by_the_slow_way(inside, terms)
    assert watched(inside, resting.Watch(base, rows, terms)) == found
    assert len(found) > 50


@given(st.integers(0, 10**9))
def test_arrays_a_stream_and_the_slow_way_agree(seed: int) -> None:
    events = drawn(seed)
    found = resting.detect(events, SMALL, 90, 30)
    assert watched(events, resting.Watch(90, 30, SMALL)) == found
    assert told(found) == by_the_slow_way(events, SMALL)


def test_the_drawn_events_find_everything_there_is() -> None:
    found = {one.what for seed in range(40) for one in resting.detect(drawn(seed), SMALL, 90, 30)}
    assert found == set(resting.Found)


@given(st.integers(0, 10**9), st.integers(0, 400))
def test_what_is_found_by_a_time_does_not_depend_on_what_comes_later(seed: int, cut: int) -> None:
    events = drawn(seed)
    early = resting.detect(resting.Events(*(column[:cut] for column in events)), SMALL, 90, 30)
    whole = resting.detect(events, SMALL, 90, 30)
    assert early == whole[: len(early)]
    assert all(one.time_ns >= events.time_ns[cut - 1] for one in whole[len(early) :] if cut)


def test_more_findings_than_there_is_room_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    events = drawn(5, count=4_000)
    whole = resting.detect(events, SMALL, 90, 30)
    monkeypatch.setattr(resting, "ROOM", rules.MOST_AT_ONCE + 1)
    assert resting.detect(events, SMALL, 90, 30) == whole
    assert len(whole) > 4 * resting.ROOM


def test_trades_come_before_the_changes_of_their_time() -> None:
    trades = ([5, 7], [100, 100], [1, 2], [True, False])
    changes = ([5, 6], [True, False], [100, 101], [3, 0])
    found = resting.merged(trades, changes)
    assert found.time_ns.tolist() == [5, 5, 6, 7]
    assert found.is_trade.tolist() == [True, False, False, True]
    assert found.is_bid.tolist() == [True, True, False, False]
    assert found.lots.tolist() == [1, 3, 0, 2]


# --- silly input ----------------------------------------------------------------------------------

TRADES, CHANGES = ([5], [100], [1], [True]), ([5], [True], [100], [3])
EVENTS = resting.merged(TRADES, CHANGES)
NO_TRADE = resting.merged(([], [], [], []), CHANGES)


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("ANALYSIS-256", lambda: resting.merged(([5, 6], *TRADES[1:]), CHANGES)),
        ("ANALYSIS-256", lambda: resting.merged(([6, 5], [1, 1], [1, 1], [True, True]), CHANGES)),
        ("ANALYSIS-256", lambda: resting.merged(([0], *TRADES[1:]), CHANGES)),
        ("ANALYSIS-256", lambda: resting.merged(([5], [100], [0], [True]), CHANGES)),
        ("ANALYSIS-256", lambda: resting.merged(TRADES, ([5], [True], [100], [-1]))),
        ("ANALYSIS-256", lambda: resting.merged(TRADES[:3], CHANGES)),  # type: ignore[arg-type]
        ("ANALYSIS-257", lambda: resting.detect(NO_TRADE)),
        ("ANALYSIS-257", lambda: resting.detect(EVENTS, rows=0)),
        ("ANALYSIS-257", lambda: resting.Watch(1, 10**9)),
        ("ANALYSIS-258", lambda: resting.detect(EVENTS, resting.Terms(hold_ns=-1))),
        ("ANALYSIS-258", lambda: resting.Watch(1, 10, resting.Terms(refills=0))),
    ],
)
def test_what_cannot_be_watched_is_refused(code: str, act: Any) -> None:
    with pytest.raises(InputError) as caught:
        act()
    assert caught.value.code == code


def test_nothing_is_found_in_nothing() -> None:
    assert resting.detect(NO_TRADE, base_ticks=90, rows=20) == []
    assert resting.detect(EVENTS) == []


def test_a_bad_event_leaves_a_watch_as_it_was() -> None:
    events = drawn(3)
    watch, bad = resting.Watch(90, 30, SMALL), 0
    found = []
    for row in zip(*(column.tolist() for column in events), strict=True):
        time, is_trade, is_bid, price, lots = row
        for act in (lambda: watch.trade(0, 100, 5, True), lambda t=time: watch.level(t, True, 100, -1)):
            with pytest.raises(InputError, match="ANALYSIS-256"):
                act()
            bad += 1
        found += (
            watch.trade(time, price, lots, is_bid) if is_trade else watch.level(time, is_bid, price, lots)
        )
    assert bad == 800
    assert watch.trade(10**6, 10**6, 5, True) == []
    assert watch.outside == 1
    assert found == resting.detect(events, SMALL, 90, 30)
