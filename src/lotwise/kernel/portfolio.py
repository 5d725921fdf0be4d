"""A portfolio's run: bars of several contracts, signals after their closes, under the trader's own limits.

After each bar its funding is charged, the limits take note of the equity, ended trips are written down, and
the answer to the bar is carried out: a signal is sized, judged and opened, or what is held is closed.
With ``skip`` a run passes over what can change nothing but the last price; what comes out is the same.

A run returns the number of round trips, of which ``book.trips`` holds as many as it has room for, or -1 where
it ended early: ``book.run[0]`` says why, and at which row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lotwise.kernel.arith import INT64_MAX
from lotwise.kernel.layout import RATE
from lotwise.kernel.limits import close_trade, day_of, watch
from lotwise.kernel.machine import room_of, step
from lotwise.kernel.portfolio_open import equity_of, fresh_event, open_signal
from lotwise.kernel.portfolio_quiet import set_portfolio_bounds
from lotwise.kernel.portfolio_rows import (
    ACTED,
    BAD_ANSWER,
    BAD_ROW,
    CLOSE_HELD,
    LOG_FULL,
    STOP_RUN,
    STOPPED,
    Asked,
    Book,
    FeedRow,
)
from lotwise.kernel.state import (
    BAR,
    CANCEL_ALL,
    FUNDING,
    LOG_FILL,
    LOG_REDUCTION,
    LOG_TAKEOVER,
    PLACE,
    STOP,
    TARGET,
    State,
)
from lotwise.rule import rule
from lotwise.units import Cash

Adviser = Callable[[Asked, int], int]
"""A rule that is asked after the close of every bar: (what it sees, which row) -> answer."""


@rule
def first_bad_row(state: State, feed: Sequence[FeedRow]) -> int:
    """The first bar that cannot be, or whose time goes back; -1: none."""
    before = state.account[0].time_ns
    for i in range(len(feed)):
        bar = feed[i]
        if not 0 <= bar.contract < len(state.contracts) or bar.time_ns < before:
            return i
        highest = INT64_MAX // (4 * state.contracts[bar.contract].tick_size8)
        low, high = min(bar.open_ticks, bar.close_ticks), max(bar.open_ticks, bar.close_ticks)
        good = 0 < bar.low_ticks <= low and high <= bar.high_ticks <= highest
        if not good or bar.volume_lots < 0 or abs(bar.funding8) > RATE:
            return i
        before = bar.time_ns
    return -1


@rule
def pass_over_row(state: State, feed: Sequence[FeedRow], i: int) -> None:
    """Leave the state as an uneventful bar leaves it."""
    bar = feed[i]
    market = state.markets[bar.contract]
    market.bid_ticks = 0
    market.bid_lots = 0
    market.ask_ticks = 0
    market.ask_lots = 0
    market.last_ticks = bar.close_ticks
    market.range_ticks = bar.high_ticks - bar.low_ticks
    market.room_lots = room_of(state, bar.contract, bar.volume_lots)
    if market.has_mark == 0:
        market.mark8 = bar.close_ticks * state.contracts[bar.contract].tick_size8
    state.account[0].time_ns = bar.time_ns
    state.account[0].sequence += 1


@rule
def note_ambiguous(state: State, book: Book, feed: Sequence[FeedRow], i: int) -> None:
    """Count a bar that reaches both the stop and a target: it does not say which came first."""
    bar = feed[i]
    if state.markets[bar.contract].lots == 0:
        return
    stops, targets = 0, 0
    for k in range(state.account[0].end_slot):
        order = state.orders[k]
        if order.status == 0 or order.contract != bar.contract:
            continue
        if order.role == STOP and bar.low_ticks <= order.trigger_ticks <= bar.high_ticks:
            stops += 1
        if order.role >= TARGET and bar.low_ticks <= order.price_ticks <= bar.high_ticks:
            targets += 1
    if stops and targets:
        book.run[0].ambiguous += 1
        book.seats[bar.contract].ambiguous += 1


@rule
def play_row(state: State, book: Book, feed: Sequence[FeedRow], i: int) -> None:
    """Play bar ``i``."""
    note_ambiguous(state, book, feed, i=i)
    bar = feed[i]
    fresh_event(book, BAR, bar.contract, time_ns=bar.time_ns)
    event = book.event[0]
    event.open_ticks = bar.open_ticks
    event.high_ticks = bar.high_ticks
    event.low_ticks = bar.low_ticks
    event.close_ticks = bar.close_ticks
    event.volume_lots = bar.volume_lots
    step(state, book.event)


@rule
def charge_row(state: State, book: Book, feed: Sequence[FeedRow], i: int) -> None:
    """Charge the funding at the close of bar ``i``."""
    fresh_event(book, FUNDING, feed[i].contract, time_ns=feed[i].time_ns)
    book.event[0].rate8 = feed[i].funding8
    book.event[0].interval_ns = 0
    step(state, book.event)


@rule
def read_log(state: State, book: Book) -> bool:
    """Hand what happened to the trips it belongs to, and empty the log; whether it had room for all of it."""
    account = state.account[0]
    for k in range(min(account.logged, len(state.log))):
        row = state.log[k]
        if row.contract < 0:
            book.run[0].apart_cash += row.cross_cash
            continue
        seat = book.seats[row.contract]
        seat.result_cash += row.cross_cash + row.isolated_cash
        seat.fees_cash += row.fees_cash
        seat.funding_cash += row.funding_cash
        seat.insurance_cash += row.insurance_cash
        if row.kind == LOG_FILL and (seat.lots == 0 or row.lots * seat.lots > 0):
            seat.lots += row.lots
            unit = state.contracts[row.contract].cash_per_tick_lot
            seat.entry_cash += abs(row.lots) * row.price_ticks * unit
        if row.kind in (LOG_REDUCTION, LOG_TAKEOVER):
            seat.liquidated = 1
    room = account.logged <= len(state.log)
    account.logged = 0
    return room


@rule
def forget_entry(book: Book, c: int) -> None:
    """An entry that never filled was no trade: neither a trip nor one of the day's trades."""
    book.run[0].unfilled += 1
    opened = day_of(book.seats[c].opened_ns, book.allowed[0].day_offset_ns)
    if opened == book.usage[0].day:
        book.usage[0].day_trades -= 1


@rule
def end_trips(state: State, book: Book, row: int, now: int) -> None:
    """Write down the trips that have just ended, where there is room, and tell the limits."""
    for c in range(len(book.seats)):
        seat = book.seats[c]
        if seat.is_open == 0 or state.markets[c].lots or state.brackets[c].side:
            continue
        close_trade(
            book.allowed,
            book.usage,
            time_ns=now,
            result_cash=Cash(seat.result_cash),
            risk_cash=Cash(seat.risk_cash),
            notional_cash=Cash(seat.notional_cash),
        )
        seat.is_open = 0
        if seat.lots == 0:
            forget_entry(book, c)
            continue
        if book.run[0].trips < len(book.trips):
            trip = book.trips[book.run[0].trips]
            trip.contract = c
            trip.closed_ns = now
            trip.closed_row = row
            trip.ambiguous = seat.ambiguous
            trip.budget_cash = seat.budget_cash
            trip.entry_cash = seat.entry_cash
            trip.fees_cash = seat.fees_cash
            trip.funding_cash = seat.funding_cash
            trip.insurance_cash = seat.insurance_cash
            trip.liquidated = seat.liquidated
            trip.lots = seat.lots
            trip.opened_ns = seat.opened_ns
            trip.opened_row = seat.opened_row
            trip.result_cash = seat.result_cash
            trip.risk_cash = seat.risk_cash
            trip.stop_ticks = seat.stop_ticks
            trip.signal = seat.signal
        book.run[0].trips += 1


@rule
def close_held(state: State, book: Book, c: int, now: int) -> None:
    """Close what is held at the market."""
    held = state.markets[c].lots
    fresh_event(book, PLACE, c, time_ns=now)
    book.event[0].side = -1 if held > 0 else 1
    book.event[0].lots = abs(held)
    book.event[0].reduce_only = 1
    step(state, book.event)


@rule
def leave(state: State, book: Book, c: int, row: int, now: int) -> bool:
    """Close what is held, or take back entries that wait; whether the log had room for it."""
    if state.markets[c].lots:
        close_held(state, book, c, now=now)
    elif state.brackets[c].side:
        fresh_event(book, CANCEL_ALL, c, time_ns=now)  # without entries the bracket ends
        step(state, book.event)
    whole = read_log(state, book)
    end_trips(state, book, row=row, now=now)
    return whole


@rule
def sample_curve(state: State, book: Book, now: int) -> None:
    """Write down the equity and the exposure where the time for it has come."""
    run = book.run[0]
    if run.curve_every_ns == 0 or now < run.curve_next_ns:
        return
    if run.curve_rows < len(book.curve):
        exposure = 0
        for c in range(len(state.markets)):
            market = state.markets[c]
            worth = market.last_ticks * state.contracts[c].cash_per_tick_lot
            exposure += abs(market.lots) * worth
        point = book.curve[run.curve_rows]
        point.time_ns = now
        point.equity_cash = equity_of(state)
        point.exposure_cash = exposure
    run.curve_rows += 1
    run.curve_next_ns = (now // run.curve_every_ns + 1) * run.curve_every_ns


@rule
def settle_row(state: State, book: Book, row: int, now: int) -> int:
    """Take note of what a bar did; 0, or why the run ends."""
    watch(book.allowed, book.usage, now, equity_cash=equity_of(state))
    whole = read_log(state, book)
    end_trips(state, book, row=row, now=now)
    sample_curve(state, book, now=now)
    return 0 if whole else LOG_FULL


@rule
def carry_out(state: State, book: Book, c: int, answer: int, row: int, now: int) -> int:
    """Do what was answered after a bar of contract ``c``; 0, or why the run ends."""
    turns = answer > 0 and state.markets[c].lots * book.signals[answer - 1].side < 0
    whole = (
        leave(state, book, c, row=row, now=now) if answer == CLOSE_HELD or turns else read_log(state, book)
    )
    end_trips(state, book, row=row, now=now)
    if answer > 0 and state.markets[c].lots == 0 and state.brackets[c].side == 0:
        open_signal(state, book, c, signal=answer - 1, row=row, now=now)
        whole = read_log(state, book) and whole
        end_trips(state, book, row=row, now=now)
    return 0 if whole else LOG_FULL


@rule
def run_ended(book: Book, why: int, at: int) -> int:
    """Say why a run ended early."""
    book.run[0].why = why
    book.run[0].at = at
    return -1


@rule
def clear_run(state: State, book: Book) -> None:
    """Nothing is done yet."""
    run = book.run[0]
    run.why = 0
    run.trips = 0
    run.refusals = 0
    run.curve_rows = 0
    run.curve_next_ns = 0
    run.ambiguous = 0
    run.apart_cash = 0
    run.unfilled = 0
    run.until_ns = 0
    state.account[0].logged = 0


@rule
def first_bad_answer(answers: Sequence[int], count: int, signals: int) -> int:
    """The first of ``count`` answers that is none, or is not there; -1: all are good."""
    for i in range(min(len(answers), count)):
        if answers[i] < CLOSE_HELD or answers[i] > signals:
            return i
    return -1 if len(answers) == count else min(len(answers), count)


@rule
def run_portfolio(
    state: State, feed: Sequence[FeedRow], answers: Sequence[int], book: Book, skip: int
) -> int:
    """Play all bars with an answer to each: 0 nothing, -1 close, k opens signal k - 1."""
    clear_run(state, book)
    bad = first_bad_row(state, feed)
    if bad >= 0:
        return run_ended(book, BAD_ROW, bad)
    bad = first_bad_answer(answers, len(feed), signals=len(book.signals))
    if bad >= 0:
        return run_ended(book, BAD_ANSWER, bad)
    for i in range(len(feed)):
        bar = feed[i]
        seat, answer = book.seats[bar.contract], int(answers[i])
        quiet = skip != 0 and bar.low_ticks > seat.falls_ticks and bar.high_ticks < seat.rises_ticks
        if quiet and bar.time_ns < book.run[0].until_ns:
            pass_over_row(state, feed, i)
            if answer == 0 and bar.has_funding == 0:
                continue
        else:
            play_row(state, book, feed, i=i)
        if bar.has_funding:
            charge_row(state, book, feed, i=i)
        why = settle_row(state, book, row=i, now=bar.time_ns)
        if why == 0 and answer != 0:
            why = carry_out(state, book, bar.contract, answer=answer, row=i, now=bar.time_ns)
        if why:
            return run_ended(book, why, i)
        if skip:
            set_portfolio_bounds(state, book)
    return book.run[0].trips


@rule
def run_adviser(
    state: State, feed: Sequence[FeedRow], adviser: Adviser, asked: Asked, book: Book, skip: int
) -> int:
    """Play all bars and ask a strategy after the close of each; ``asked`` holds the same rows."""
    clear_run(state, book)
    bad = first_bad_row(state, feed)
    if bad >= 0:
        return run_ended(book, BAD_ROW, bad)
    for i in range(len(feed)):
        bar = feed[i]
        seat = book.seats[bar.contract]
        quiet = skip != 0 and bar.low_ticks > seat.falls_ticks and bar.high_ticks < seat.rises_ticks
        quiet = quiet and bar.time_ns < book.run[0].until_ns
        if quiet:
            pass_over_row(state, feed, i)
        else:
            play_row(state, book, feed, i=i)
        if bar.has_funding:
            charge_row(state, book, feed, i=i)
        played, why = not quiet or bar.has_funding != 0, 0
        if played:
            why = settle_row(state, book, row=i, now=bar.time_ns)
        answer = adviser(asked, i)
        if answer == STOP_RUN:
            return run_ended(book, STOPPED, i)
        if answer < ACTED or answer > len(book.signals):
            return run_ended(book, BAD_ANSWER, i)
        if why == 0 and answer != 0:
            why = carry_out(state, book, bar.contract, answer=answer, row=i, now=bar.time_ns)
        if why:
            return run_ended(book, why, i)
        if skip and (played or answer != 0):
            set_portfolio_bounds(state, book)
    return book.run[0].trips
