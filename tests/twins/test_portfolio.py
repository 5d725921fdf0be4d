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
from lotwise.kernel.snapshot import compiled_body, new_state, plain_body, state_hash
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


def told_alike(state: Any, rows: list[p.FeedRow], answers: list[int], fresh: Any) -> p.Book:
    """Play every bar, and pass over quiet ones: both must leave the same. The book of the first."""
    books = []
    for skip in (0, 1):
        plain, book = plain_body(state), fresh()
        count = runs.run_portfolio(plain, rows, answers, book=book, skip=skip)
        books.append((left(plain, book, count), book))
    assert books[0][0] == books[1][0]
    found: p.Book = books[0][1]
    return found


def quiet_bars(prices: list[int], contracts: int = 1) -> list[p.FeedRow]:
    """Narrow bars at prices given in tenths of a percent of 600,000 ticks; contracts move together."""
    return [
        p.FeedRow(
            contract=c,
            time_ns=made.START + i * made.MINUTE,
            open_ticks=price * 600,
            high_ticks=price * 600 + 5,
            low_ticks=price * 600 - 5,
            close_ticks=price * 600,
            volume_lots=10**6,
        )
        for i, price in enumerate(prices)
        for c in range(contracts)
    ]


def still(rng: random.Random, count: int) -> Any:
    """Contracts without slippage, spread and bounds of volume."""
    contracts = made.facts(rng, count)
    for row in contracts:
        row.volume_share8, row.slippage_ticks, row.slippage_range8, row.spread_ticks = 0, 0, 0, 0
    return contracts


def test_a_lock_that_is_reached_between_two_signals_holds() -> None:
    """Funding eats what the stop did not count in: the lock is reached above the stop, and stays."""
    rng = random.Random(1)
    contracts = still(rng, 1)
    state = new_state(contracts, made.tiers(), slots=3, log_rows=400, leverage100=1_000)
    made.machine.step(state, [made.s.EventRow(kind=made.s.TRANSFER, cash=1_000 * made.E8, time_ns=1)])
    rows = quiet_bars([1000] * 5 + [963] * 3 + [1000] * 5)
    rows[2].has_funding, rows[2].funding8 = 1, 900_000
    signal = p.SignalRow(side=1, stop_ticks=960 * 600, risk8=50_000_000)
    again = p.SignalRow(side=1, stop_ticks=990 * 600)
    answers = [1, *([0] * 9), p.CLOSE_HELD, 2, 0]
    allowed = made.AllowedRow(day_loss_share8=5_000_000)
    book = told_alike(state, rows, answers, lambda: made.book(contracts, [signal, again], allowed, 0))
    assert book.run[0].trips == 1
    assert [row.code for row in book.refusals[: book.run[0].refusals]] == [codes.DAY_LOSS]


def test_two_cross_positions_are_liquidated_before_either_stop() -> None:
    """Each is sized for its own stop; together they use up the wallet on the way there."""
    rng = random.Random(2)
    contracts = still(rng, 2)
    rows_of_tiers = [tier for _ in contracts for tier in made.tiers()]
    state = new_state(contracts, rows_of_tiers, slots=3, log_rows=400, leverage100=2_000)
    made.machine.step(state, [made.s.EventRow(kind=made.s.TRANSFER, cash=1_000 * made.E8, time_ns=1)])
    rows = quiet_bars([1000] * 4 + list(range(1000, 905, -1)) + [1000] * 3, contracts=2)
    signals = [p.SignalRow(side=1, stop_ticks=900 * 600, risk8=80_000_000) for _ in range(2)]
    answers = [0] * len(rows)
    answers[2], answers[3] = 1, 2
    book = told_alike(state, rows, answers, lambda: made.book(contracts, signals, made.AllowedRow(), 0))
    assert book.run[0].trips >= 1
    assert any(trip.liquidated for trip in book.trips[: book.run[0].trips])
