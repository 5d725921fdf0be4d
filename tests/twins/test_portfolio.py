"""Twins: a portfolio interpreted and compiled, passing over quiet bars and playing each, listed and asked."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from lotwise.kernel import limit_codes as codes
from lotwise.kernel import portfolio as runs
from lotwise.kernel import portfolio_rows as p
from lotwise.kernel.layout import array_of
from lotwise.kernel.portfolio_open import equity_of
from lotwise.kernel.snapshot import compiled_body, plain_body, state_hash
from lotwise.rule import rule
from tests.twins import portfolios as made
from tests.twins.venue_twin import assert_balanced

RUNS = 400 if os.environ.get("LOTWISE_PROFILE") == "proof" else 60


def scene(seed: int) -> tuple[Any, ...]:
    """An account, its bars, signals and answers, and a maker of fresh books."""
    rng = random.Random(seed)
    contracts = made.facts(rng, rng.choice((1, 2, 3)))
    state = made.account(rng, contracts)
    rows = made.feed(rng, len(contracts), made.BARS // len(contracts))
    wanted, answers = made.signals(rng, rows, one_in=rng.choice((6, 25, 150)))
    allowed, every = (
        made.limits(rng),
        rng.choice((0, 0, 60 * made.MINUTE)),
    )  # a point of the curve is no quiet bar
    return state, rows, wanted, answers, lambda: made.book(contracts, wanted, allowed, every)


def left(state: Any, book: p.Book, trips: int) -> tuple[Any, ...]:
    """Everything that a run leaves."""
    return trips, state_hash(plain_body(state)), made.numbers(book)


@rule
def told(asked: p.Asked, i: int) -> int:
    """Answer what the memory says."""
    return int(asked.memory[i])


def test_interpreted_is_compiled_is_quiet_is_asked() -> None:
    seen: Counter[int] = Counter()
    trips, ambiguous, liquidated, unfilled, ladders = 0, 0, 0, 0, 0
    for seed in range(RUNS):
        state, rows, _, answers, fresh = scene(seed)
        plain, book = plain_body(state), fresh()
        one = left(plain, book, runs.run_portfolio(plain, rows, answers, book=book, skip=0))
        assert_balanced(plain)
        feed, listed = array_of(p.FeedRow, rows), np.array(answers, np.int32)
        for skip in (0, 1):
            body, own = compiled_body(plain_body(state)), made.compiled_book(fresh())
            count = runs.run_portfolio.compiled(body, feed, listed, own, skip)
            assert left(body, own, count) == one, f"seed {seed}, skip {skip}"
        plain, book = plain_body(state), fresh()
        asked = p.Asked(plain.account, plain.markets, rows, book.signals, answers)
        count = runs.run_adviser(plain, rows, told, asked=asked, book=book, skip=1)
        assert left(plain, book, count) == one, f"seed {seed}, asked"
        trips += one[0]
        ambiguous += book.run[0].ambiguous
        liquidated += sum(trip.liquidated for trip in book.trips)
        unfilled += book.run[0].unfilled
        ladders += sum(book.signals[trip.signal].entry_share8_2 > 0 for trip in book.trips[: one[0]])
        seen.update(row.code for row in book.refusals[: book.run[0].refusals])
    assert trips > 10 * RUNS
    assert ambiguous > 5
    assert liquidated > 2
    assert min(unfilled, ladders) > 20
    for code in (
        codes.DAY_LOSS,
        codes.WEEK_LOSS,
        codes.COOL_DOWN,
        codes.DAY_TRADES,
        codes.POSITIONS,
        p.BAD_ENTRIES,
    ):
        assert seen[code] >= 20, f"{code}: {seen}"


def test_a_trip_is_what_the_wallet_gained() -> None:
    """One contract, flat to flat: the results of all trips are the change of the equity, to the last unit."""
    ended = 0
    for seed in range(40):
        rng = random.Random(1_000 + seed)
        contracts = made.facts(rng, 2)
        state = made.account(rng, contracts)
        before = equity_of(state)
        rows = made.feed(rng, 2, 300)
        wanted, answers = made.signals(rng, rows, one_in=10)
        answers[-40:] = [p.CLOSE_HELD] * 40
        for bar in rows[-40:]:
            bar.volume_lots = 10**6
        book = made.book(contracts, wanted, made.AllowedRow())
        count = runs.run_portfolio(state, rows, answers, book=book, skip=0)
        assert count > 0
        if any(market.lots for market in state.markets):
            continue
        trips = book.trips[:count]
        gained = sum(trip.result_cash for trip in trips) + book.run[0].apart_cash
        assert gained == equity_of(state) - before
        ended += 1
        fees = sum(trip.fees_cash for trip in trips)
        assert fees == state.account[0].fees_cash
        assert sum(trip.funding_cash for trip in trips) == state.account[0].funding_cash
        assert all(trip.risk_cash <= trip.budget_cash for trip in trips)
    assert ended > 20


@pytest.mark.parametrize(
    ("change", "why", "at"),
    [
        ({"row": (5, "high_ticks", 1)}, p.BAD_ROW, 5),
        ({"row": (7, "time_ns", 0)}, p.BAD_ROW, 7),
        ({"row": (3, "contract", 9)}, p.BAD_ROW, 3),
        ({"answer": (4, -2)}, p.BAD_ANSWER, 4),
        ({"answer": (6, 10**6)}, p.BAD_ANSWER, 6),
    ],
)
def test_what_cannot_be_ends_a_run_before_it_begins(change: dict[str, Any], why: int, at: int) -> None:
    state, rows, _, answers, fresh = scene(3)
    state.account[0].logged = 0
    before = state_hash(state)
    if "row" in change:
        place, field, value = change["row"]
        setattr(rows[place], field, value)
    else:
        place, value = change["answer"]
        answers[place] = value
    book = fresh()
    assert runs.run_portfolio(state, rows, answers, book=book, skip=0) == -1
    assert (book.run[0].why, book.run[0].at) == (why, at)
    assert state_hash(state) == before


def test_a_strategy_may_end_the_run() -> None:
    state, rows, _, answers, fresh = scene(4)
    answers[100] = p.STOP_RUN
    book = fresh()
    asked = p.Asked(state.account, state.markets, rows, book.signals, answers)
    assert runs.run_adviser(state, rows, told, asked=asked, book=book, skip=1) == -1
    assert (book.run[0].why, book.run[0].at) == (p.STOPPED, 100)
