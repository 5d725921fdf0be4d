"""A portfolio's run that leaps over quiet bars; it is :mod:`lotwise.kernel.portfolio`'s in all it finds.

A quiet bar leaves behind its last price and nothing else, so of all quiet bars in a row only the last of
each contract is looked at. A signal that nothing can come of is passed over with them. What comes out is
the same, to the last digit; the bars must have been checked before
(:func:`lotwise.kernel.portfolio.first_bad_row`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lotwise.kernel.portfolio import (
    carry_out,
    charge_row,
    clear_run,
    pass_over_row,
    play_row,
    run_ended,
    settle_row,
)
from lotwise.kernel.portfolio_open import open_signal
from lotwise.kernel.portfolio_quiet import set_portfolio_bounds
from lotwise.kernel.portfolio_rows import Book, FeedRow
from lotwise.kernel.state import State
from lotwise.rule import rule


class Track(NamedTuple):
    """Bars of a feed in columns of one length: what a leap looks at."""

    contracts: Sequence[int]
    lows_ticks: Sequence[int]
    highs_ticks: Sequence[int]
    times_ns: Sequence[int]
    fundings: Sequence[int]
    """1: funding is charged at the close."""


@rule
def is_idle(state: State, book: Book, c: int, answer: int) -> bool:
    """Whether nothing comes of an answer to a quiet bar: none, or a signal for what is held already."""
    if answer <= 0:
        return answer == 0 or (state.markets[c].lots == 0 and state.brackets[c].side == 0)
    if state.markets[c].lots == 0:
        return state.brackets[c].side != 0
    return state.markets[c].lots * book.signals[answer - 1].side > 0


@rule
def next_stir(
    state: State, book: Book, track: Track, answers: Sequence[int], i: int, last: Sequence[int]
) -> int:
    """The first row from ``i`` on that may do something; of each contract the last quiet row before it."""
    until = book.run[0].until_ns
    for k in range(i, len(answers)):
        c = track.contracts[k]
        if track.fundings[k] or track.times_ns[k] >= until:
            return k
        if (
            track.lows_ticks[k] <= book.seats[c].falls_ticks
            or track.highs_ticks[k] >= book.seats[c].rises_ticks
        ):
            return k
        if answers[k] != 0 and not is_idle(state, book, c, answer=answers[k]):
            return k
        last[c] = k  # type: ignore[index]
    return len(answers)


@rule
def land(state: State, feed: Sequence[FeedRow], last: Sequence[int], passed: int) -> None:
    """Leave the state as so many quiet rows leave it."""
    account, latest = state.account[0], -1
    sequence = account.sequence
    for c in range(len(last)):
        if last[c] >= 0:
            pass_over_row(state, feed, last[c])
            latest = max(latest, last[c])
            last[c] = -1  # type: ignore[index]
    account.sequence = sequence + passed
    if latest >= 0:
        account.time_ns = feed[latest].time_ns


@rule
def run_leaping(
    state: State,
    feed: Sequence[FeedRow],
    answers: Sequence[int],
    book: Book,
    track: Track,
    last: Sequence[int],
) -> int:
    """Play all bars of a checked feed with an answer to each, as ``run_portfolio`` with ``skip``.

    ``last`` has a place for each contract. Returns the round trips, or -1: ``book.run[0]`` says why.
    """
    clear_run(state, book)
    for c in range(len(last)):
        last[c] = -1  # type: ignore[index]
    i = 0
    while i < len(feed):
        stir = int(next_stir(state, book, track, answers=answers, i=i, last=last))
        land(state, feed, last, passed=stir - i)
        if stir >= len(feed):
            break
        bar, answer = feed[stir], int(answers[stir])
        c = bar.contract
        seat = book.seats[c]
        quiet = bar.low_ticks > seat.falls_ticks and bar.high_ticks < seat.rises_ticks
        i = stir + 1
        if quiet and bar.time_ns < book.run[0].until_ns:
            pass_over_row(state, feed, stir)
            if bar.has_funding == 0 and answer > 0 and state.markets[c].lots == 0:
                before = state.account[0].sequence
                open_signal(state, book, c, signal=answer - 1, row=stir, now=bar.time_ns)
                if state.account[0].sequence == before:  # refused before it reached the venue: all stands
                    continue
                answer = 0
        else:
            play_row(state, book, feed, i=stir)
        if bar.has_funding:
            charge_row(state, book, feed, i=stir)
        why = settle_row(state, book, row=stir, now=bar.time_ns)
        if why == 0 and answer != 0:
            why = carry_out(state, book, c, answer=answer, row=stir, now=bar.time_ns)
        if why:
            return run_ended(book, why, stir)
        set_portfolio_bounds(state, book)
    return book.run[0].trips
