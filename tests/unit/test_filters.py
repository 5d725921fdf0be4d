"""Filters: against a slow way for every bar, in both forms, with what each refuses counted."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.market.kinds import FUNDING, QUOTES, Scale, Table
from lotwise.records.signal import Exit, Signal
from lotwise.strategy import filters_facts as facts
from lotwise.strategy.api import Answer, Bar, Columns, Filled, MarketTrade, Signals, Strategy, View
from lotwise.strategy.filters import Filter, Filtered, Hours, Tally, Trend, picked
from lotwise.strategy.filters_facts import Known
from lotwise.strategy.filters_market import BtcHealth, Correlation, Funding, Spread
from lotwise.strategy.library.null import Null
from lotwise.strategy.parts import UNKNOWN

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
START = 20_212 * 24 * HOUR
"""2025-05-04, a Sunday."""


def contract(name: str) -> Contract:
    return Contract(
        symbol=name, base=name, tick_size="0.1", lot_size="0.001", fees=FeeSchedule("0.02%", "0.05%")
    )


A, B = contract("AAA"), contract("BBB")


def walk(seed: int, count: int, of: Contract = A, like: Any = None) -> Columns:
    """Minutes of a walk; partly that of other columns."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-300, 301, count) * np.where(rng.integers(0, 300, count) == 0, 20, 1)
    if like is not None:
        share = np.where(np.arange(count) // 700 % 2 == 1, 4, 0)
        steps = steps + share * np.diff(like.close_ticks, prepend=like.close_ticks[:1])
    close = 900_000 + np.cumsum(steps)
    opened = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(opened, close) + rng.integers(0, 200, count)
    low = np.minimum(opened, close) - rng.integers(0, 200, count)
    times = START + np.arange(count) * MINUTE
    return Columns(of, times, opened, high, low, close, rng.integers(1, 900, count))


def without(bars: Columns, rows: Any) -> Columns:
    """Bars with some left out."""
    names = ("time_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    keep = ~np.isin(np.arange(len(bars)), rows)
    return Columns(bars.contract, *(getattr(bars, name)[keep] for name in names))


@dataclass
class Desk:
    """A view that holds nothing."""

    contract: Contract
    lots: int = 0
    waits: bool = False
    equity_cash: Any = 0

    def last(self, contract_id: str) -> Bar | None:
        return None


def rows_of(bars: Columns) -> list[Bar]:
    names = ("time_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    return [Bar(*row) for row in zip(*(getattr(bars, name).tolist() for name in names), strict=True)]


def asked(strategy: Any, bars: Columns) -> list[tuple[int, int, int]]:
    """Row, side and stop of each signal of the class form."""
    mine = copy.deepcopy(strategy)
    mine.begin(bars.contract)
    found = []
    for row, bar in enumerate(rows_of(bars)):
        answer = mine.on_bar(bar, Desk(bars.contract))
        if isinstance(answer, Signal):
            found.append((row, answer.side, int(answer.stop_ticks)))
    return found


def listed(strategy: Any, bars: Columns) -> list[tuple[int, int, int]]:
    """The same of the array form."""
    found = strategy.signals(bars)
    stops = np.broadcast_to(found.stop_ticks, found.rows.shape)
    return list(zip(found.rows.tolist(), found.side.tolist(), stops.tolist(), strict=True))


def verdicts(one: Filter, bars: Columns) -> list[tuple[bool, bool]]:
    """Whether a long and a short are allowed at every bar, of both forms, which agree."""
    rows, mine, by_array = np.arange(len(bars)), copy.copy(one), copy.copy(one)
    mine.begin(bars.contract, MINUTE)
    by_array.begin(bars.contract, MINUTE)
    masks = [by_array.mask(bars, np.full(len(bars), side), rows) for side in (1, -1)]
    told, desk = [], Desk(bars.contract)
    for bar in rows_of(bars):
        mine.observe(bar)
        told.append((mine.allows(1, bar, desk) is None, mine.allows(-1, bar, desk) is None))
    assert told == list(zip(*(mask.tolist() for mask in masks), strict=True))
    return told


def refusals(one: Filter, bars: Columns, least: int = 20) -> Tally:
    """Both forms refuse as often, at least so often, and pass some."""
    strategy = Filtered(Null(one_in=5), [one])
    passed = asked(strategy, bars)
    counted = strategy.refused.total
    assert listed(strategy, bars) == passed
    assert strategy.refused.total == counted
    assert counted[one.name] + len(passed) == len(Null(one_in=5).signals(bars).rows)
    assert counted[one.name] >= least
    assert passed
    return strategy.refused


def test_trend() -> None:
    bars = walk(1, 2_000)
    refused = refusals(Trend(60), bars)
    assert "against an average" in refused.reasons[A.id, "Trend(span=60)"]
    average, told = Fraction(int(bars.close_ticks[0])), []
    for seen, close in enumerate(bars.close_ticks.tolist(), 1):
        average += Fraction(2, 61) * (close - average) if seen > 1 else 0
        average = Fraction(average).limit_denominator(10**12)
        told.append((seen >= 60 and close > average, seen >= 60 and close < average))
    assert verdicts(Trend(60), bars) == told  # no close is so near its average that rounding decides


@pytest.mark.parametrize(
    ("first", "end", "days"),
    [(7, 20, (0, 1, 2, 3, 4)), (22, 3, (6,)), (5, 5, (0, 6)), (0, 24, (1,))],
)
def test_hours(first: int, end: int, days: tuple[int, ...]) -> None:
    bars = walk(2, 4_500)
    told = []
    for time in bars.time_ns.tolist():
        closed = datetime.fromtimestamp((time + MINUTE) // 10**9, UTC)
        hour = closed.hour
        inside = first <= hour < end if first < end else hour >= first or hour < end
        told.append((inside and closed.weekday() in days,) * 2)
    assert verdicts(Hours(first, end, days), bars) == told
    refused = refusals(Hours(first, end, days), bars)
    assert "is outside" in next(iter(refused.reasons.values()))


def slow_state(leader: list[Bar], at: int, health: BtcHealth) -> str:
    """The leader after its bar ``at``, from lists and fractions."""
    seen = leader[: at + 1]
    if len(seen) < max(health.span, health.fall_bars, health.usual_bars):
        return "unseen"
    ranges = [
        max(bar.high_ticks, before.close_ticks) - min(bar.low_ticks, before.close_ticks)
        for before, bar in zip([seen[0], *seen], seen, strict=False)
    ]
    mean = {size: -(-sum(ranges[-size:]) // size) for size in (health.wild_bars, health.usual_bars)}
    if Fraction(mean[health.wild_bars], mean[health.usual_bars]) > Fraction(health.wild100, 100):
        return "wild"
    top = max(bar.high_ticks for bar in seen[-health.fall_bars :])
    if 1 - Fraction(seen[-1].close_ticks, top) > Fraction(health.fall8, 10**8):
        return "fell"
    average = float(seen[0].close_ticks)
    for bar in seen[1:]:
        average += 2 / (health.span + 1) * (bar.close_ticks - average)
    return "below" if seen[-1].close_ticks < average else "good"


def test_btc_health() -> None:
    leader = without(walk(3, 1_200, B), range(700, 720))
    bars = walk(4, 1_200)
    health = BtcHealth(leader, 40, 400_000, 30, wild100=115, wild_bars=5, usual_bars=90)
    refused = refusals(health, bars)
    assert refused.reasons[A.id, health.name].startswith("own:BBB: ")
    theirs, told, states = rows_of(leader), [], []
    for bar in rows_of(bars):
        past = [i for i, one in enumerate(theirs) if one.time_ns <= bar.time_ns]
        stale = not past or bar.time_ns - theirs[past[-1]].time_ns > 5 * MINUTE
        state = "stale" if stale else slow_state(theirs, past[-1], health)
        states.append(state)
        told.append((state == "good", state in ("good", "fell", "below")))
    assert verdicts(health, bars) == told
    for state, least in (
        ("good", 50),
        ("below", 50),
        ("fell", 20),
        ("wild", 20),
        ("unseen", 80),
        ("stale", 15),
    ):
        assert states.count(state) >= least, state


def test_a_leader_is_known_when_its_bar_closes() -> None:
    leader = walk(3, 400, B)
    health = BtcHealth(leader, 5, 100_000, 5, wild_bars=2, usual_bars=20)
    health.begin(A, MINUTE)
    last = rows_of(leader)[-1]
    before = last._replace(time_ns=last.time_ns - MINUTE)
    cut = copy.copy(BtcHealth(leader.first(399), 5, 100_000, 5, wild_bars=2, usual_bars=20))
    cut.begin(A, MINUTE)
    for side in (1, -1):
        assert health.allows(side, before, Desk(A)) == cut.allows(side, before, Desk(A))
    early = BtcHealth(without(leader, range(100)), 5)
    early.begin(A, MINUTE)
    assert early.allows(1, rows_of(leader)[0], Desk(A)) == "own:BBB: no bar of it is known"


def test_correlation() -> None:
    leader = without(walk(5, 3_000, B), [*range(40), *range(2_000, 2_015), 2_300])
    bars = walk(6, 3_000, like=walk(5, 3_000, B))
    one = Correlation(leader, window=120, most8=70_000_000)
    refused = refusals(one, bars)
    assert refused.reasons[A.id, one.name].endswith("own:BBB")
    theirs = dict(zip(leader.time_ns.tolist(), leader.close_ticks.tolist(), strict=True))
    pairs: list[tuple[int, int]] = []
    told: list[tuple[bool, bool]] = []
    close, last, at = 0, 0, -(10**18)
    own = 0
    highs = 0
    for bar in rows_of(bars):
        if bar.time_ns in theirs:
            close, at = theirs[bar.time_ns], bar.time_ns
        if last and close:
            moves = ((bar.close_ticks, own), (close, last))
            pairs.append(
                tuple(max(-(10**5), min(10**5, (now - old) * 10**6 // old)) for now, old in moves)  # type: ignore[arg-type]
            )
        own, last = bar.close_ticks, close
        good = len(pairs) >= 120 and bar.time_ns - at <= 5 * MINUTE
        if good:
            x, y = np.array(pairs[-120:], float).T
            good = bool(np.corrcoef(x, y)[0, 1] <= 0.7)
            highs += not good
        told.append((good, good))
    assert verdicts(one, bars) == told
    assert highs > 300
    assert set(verdicts(one, replace(leader))) == {(True, True)}, "the leader itself passes"


def test_correlation_that_is_not_known() -> None:
    bars, leader = walk(6, 300), walk(5, 300, B)
    still = replace(leader, close_ticks=np.full(300, 5_000))
    assert set(verdicts(Correlation(still, window=20), bars)) == {(False, False)}
    later = replace(leader, time_ns=leader.time_ns + 10**6 * MINUTE)
    assert set(verdicts(Correlation(later, window=20), bars)) == {(False, False)}
    wild = replace(leader, close_ticks=np.where(np.arange(300) % 2, 1, 10**9))
    both = replace(wild, contract=A)
    told = verdicts(Correlation(wild, window=20), both)  # moves of 100,000,000 % count as 10 %
    assert told[20:] == [(False, False)] * 280
    assert (True, True) in verdicts(Correlation(wild, window=20), bars), "falls count as falls"


def test_funding() -> None:
    rng = np.random.default_rng(7)
    times = START + np.arange(-2, 9) * 8 * HOUR
    times[6:] += 40 * HOUR  # none for two days
    rates = rng.integers(-3, 4, len(times)) * 10_000
    bars = walk(8, 7_000)
    one = Funding({A.id: Known(times, rates)}, most8=20_000, hours=24)
    refused = refusals(one, bars)
    assert refused.reasons[A.id, one.name]
    told, unknown = [], 0
    for bar in rows_of(bars):
        now = bar.time_ns + MINUTE
        paid = [int(rate) for time, rate in zip(times, rates, strict=True) if now - 24 * HOUR < time <= now]
        unknown += not paid
        told.append((bool(paid) and sum(paid) <= 20_000, bool(paid) and -sum(paid) <= 20_000))
    assert verdicts(one, bars) == told
    assert unknown > 20
    assert {(True, False), (False, True), (False, False), (True, True)} == set(told)
    assert any(one._rates[A.id].sum(bar.time_ns + MINUTE, 24 * HOUR) == 20_000 for bar in rows_of(bars))


def test_spread() -> None:
    rng = np.random.default_rng(9)
    times = np.sort(START + rng.integers(0, 1_500 * MINUTE, 1_800))
    spreads = rng.integers(0, 400, len(times))
    bars = walk(10, 1_500)
    one = Spread({A.id: Known(times, spreads)}, most8=20_000, most_age_ns=2 * MINUTE)
    refusals(one, bars)
    told, stale = [], 0
    for bar in rows_of(bars):
        now = bar.time_ns + MINUTE
        past = int(np.searchsorted(times, now, side="right")) - 1
        fresh = past >= 0 and now - int(times[past]) <= 2 * MINUTE
        stale += not fresh
        good = fresh and Fraction(int(spreads[past]), bar.close_ticks) <= Fraction(20_000, 10**8)
        told.append((good, good))
    assert verdicts(one, bars) == told
    assert stale > 20


def test_a_bound_that_is_just_met_allows_and_a_close_on_its_average_does_not() -> None:
    level = replace(walk(1, 30), close_ticks=np.full(30, 500_000))
    assert verdicts(Trend(10), level) == [(False, False)] * 30
    for ticks, allowed in ((100, True), (101, False)):
        one = Spread({A.id: Known([START], [ticks])}, most8=20_000, most_age_ns=HOUR)
        assert set(verdicts(one, level)) == {(allowed, allowed)}


class Odd(Strategy):
    """Signals, exits, and answers to trades and fills."""

    def __init__(self) -> None:
        self.fills = 0

    def on_bar(self, bar: Bar, view: View) -> Answer:
        return Exit("out") if bar.time_ns // MINUTE % 3 == 0 else Signal(side=1, stop_ticks=5)  # type: ignore[arg-type]

    def on_trade(self, trade: MarketTrade, view: View) -> Answer:
        return Signal(side=trade.lots, stop_ticks=5)  # type: ignore[arg-type]

    def on_fill(self, fill: Filled, view: View) -> None:
        self.fills += 1


class Never(Filter):
    """Refuses longs."""

    def allows(self, side: int, bar: Bar, view: View) -> str | None:
        return "never" if side > 0 else None


def test_exits_pass_and_trades_are_judged_by_the_last_bar() -> None:
    found, desk = Filtered(Odd(), [Never()]), Desk(A)
    found.begin(A)
    trade = MarketTrade(START, 9, -1, True)
    assert found.on_trade(trade, desk) is None
    answers = [found.on_bar(bar, desk) for bar in rows_of(walk(1, 9))]
    assert [type(answer) for answer in answers] == [Exit, type(None), type(None)] * 3
    assert isinstance(found.on_trade(trade, desk), Signal)
    assert found.on_trade(trade._replace(lots=1), desk) is None
    found.on_fill(Filled(START, 9, 1), desk)
    assert found.strategy.fills == 1
    assert found.refused.of(A.id) == {"Never()": 8}
    assert found.refused.of("other") == {}
    assert found.name == "Filtered(Odd(fills=1), Never())"


def test_a_signal_counts_for_the_first_that_refuses_it_and_runs_start_at_none() -> None:
    bars = walk(11, 3_000)
    hours, trend = Hours(0, 12), Trend(30)
    strategy = Filtered(Null(one_in=5), [hours, trend])
    for _ in range(2):
        asked(strategy, bars)
        both = strategy.refused.total
        assert listed(strategy, bars) == asked(strategy, bars)
        assert strategy.refused.total == both
    alone = Filtered(Null(one_in=5), [trend])
    alone.signals(bars)
    assert 20 <= both[trend.name] < alone.refused.total[trend.name]
    turned = Filtered(Null(one_in=5), [trend, hours])
    assert listed(turned, bars) == listed(strategy, bars)
    assert sum(turned.refused.total.values()) == sum(both.values())


def test_all_columns_of_a_signal_are_picked() -> None:
    rows = np.array([2, 5, 9])
    whole = Signals(
        rows=rows,
        side=1,
        stop_ticks=rows + 1,
        entries=[(rows + 2, 40), (7, 60)],
        targets=[(rows + 3, 100)],
        hold_ns=rows + 4,
        risk8=5,
        exits=np.array([1, 2]),
    )
    part = picked(whole, np.array([True, False, True]))
    assert part.rows.tolist() == [2, 9]
    assert part.stop_ticks.tolist() == [3, 10]
    assert [(np.asarray(ticks).tolist(), share) for ticks, share in part.entries] == [([4, 11], 40), (7, 60)]
    assert part.targets[0][0].tolist() == [5, 12]
    assert part.hold_ns.tolist() == [6, 13]
    assert (part.side, part.risk8, part.exits.tolist()) == (1, 5, [1, 2])


def test_filters_of_one_list_do_not_share_their_memory() -> None:
    trend = Trend(3)
    first, second = Filtered(Null(one_in=1), [trend]), Filtered(Null(one_in=1), [trend])
    first.begin(A)
    second.begin(B)
    first.on_bar(rows_of(walk(1, 1))[0], Desk(A))
    assert first.filters[0] is not second.filters[0]
    first.signals(walk(1, 50))
    assert first.filters[0].contract == A
    second.signals(walk(1, 50, A))
    assert second.filters[0].contract == B, "the array form leaves the class form's memory alone"
    assert not hasattr(trend, "_average")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-5, 5)), max_size=20), st.integers(1, 12))
def test_what_is_known_is_never_later_than_now(rows: list[tuple[int, int]], back: int) -> None:
    rows.sort(key=lambda row: row[0])
    known = Known([time for time, _ in rows], [value for _, value in rows])
    now = np.arange(-2, 40)
    values, ages = known.of(now)
    sums = known.sums(now, back)
    for i, moment in enumerate(now.tolist()):
        past = [row for row in rows if row[0] <= moment]
        last = [value for time, value in past if time > moment - back]
        assert known.at(moment) == ((past[-1][1], moment - past[-1][0]) if past else None)
        assert (values[i], ages[i]) == (known.at(moment) or (UNKNOWN, -1))
        assert known.sum(moment, back) == (sum(last) if last else None)
        assert sums[i] == (sum(last) if last else UNKNOWN)
    assert (len(known), copy.deepcopy(known) is known) == (len(rows), True)


@pytest.mark.parametrize(
    ("times", "values"),
    [([1, 2], [1]), ([2, 1], [5, 5]), ([1.0], [1]), ([1], [0.5]), ([[1]], [[1]])],
)
def test_facts_that_cannot_be_are_refused(times: Any, values: Any) -> None:
    with pytest.raises(InputError, match="STRATEGY-102"):
        Known(times, values)


def test_tables_of_the_market_become_what_is_known() -> None:
    rates = pl.DataFrame({"time_ns": [START, START + 8 * HOUR], "rate": [12, -5], "interval_ns": [0, 0]})
    found = facts.known_funding(A, Table(FUNDING, Scale(rate=6), rates))
    assert found.sum(START + 8 * HOUR, 24 * HOUR) == 700
    quotes = pl.DataFrame(
        {
            "time_ns": [START],
            "id": [1],
            "bid": [9000],
            "bid_quantity": [1],
            "ask": [9030],
            "ask_quantity": [1],
        }
    )
    assert facts.known_spread(A, Table(QUOTES, Scale(price=2, quantity=3), quotes)).at(START) == (3, 0)
    closes = facts.known_closes(walk(1, 5))
    assert closes.at(START + MINUTE - 1) is None
    assert closes.at(START + MINUTE) == (int(walk(1, 5).close_ticks[0]), 0)
    with pytest.raises(InputError, match="DATA-621"):
        facts.known_funding(A, Table(QUOTES, Scale(), quotes))


def test_bars_nearer_than_they_last_are_refused_in_both_forms() -> None:
    bars, five = walk(1, 50), 5 * MINUTE
    strategy = Filtered(Null(one_in=2), [Trend(3)], bar_ns=five)
    told = r"STRATEGY-103.*own:AAA has bars 60 s apart, and a bar is said to last 300 s"
    with pytest.raises(InputError, match=told):
        asked(strategy, bars)
    with pytest.raises(InputError, match=told):
        strategy.signals(bars)
    for kind in (BtcHealth, Correlation):
        with pytest.raises(InputError, match="STRATEGY-103"):
            kind(bars, leader_bar_ns=five)
    assert len(Filtered(Null(one_in=2), [Trend(3)]).signals(bars.first(0)).rows) == 0
    assert len(Filtered(Null(one_in=2), [Trend(3)]).signals(bars.first(1)).rows) == 0


def test_what_a_filter_needs_is_asked_for() -> None:
    bars, rates = walk(1, 50), {B.id: Known([START], [1])}
    for one in (Funding(rates), Spread(rates)):
        for played in (
            Filtered(Null(), [one]).signals,
            lambda bars, one=one: asked(Filtered(Null(), [one]), bars),
        ):
            with pytest.raises(InputError, match=r"STRATEGY-105.*of own:AAA; there is that of own:BBB"):
                played(bars)
    with pytest.raises(InputError, match=r"STRATEGY-104.*Odd has no array form"):
        Filtered(Odd(), []).signals(bars)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Trend(0),
        lambda: Hours(24),
        lambda: Hours(0, 25),
        lambda: Hours(weekdays=[7]),
        lambda: BtcHealth(walk(1, 9), wild_bars=720),
        lambda: BtcHealth(walk(1, 9), fall8=0),
        lambda: Correlation(walk(1, 9), window=1),
        lambda: Correlation(walk(1, 9), window=20_001),
        lambda: Correlation(walk(1, 9), most8=10**9),
        lambda: Funding({}, most8=-1),
        lambda: Funding({}, hours=0),
        lambda: Spread({}, most8=0.0001),  # type: ignore[arg-type]
        lambda: Filtered(Null(), [], bar_ns=0),
    ],
)
def test_parameters_that_cannot_be_are_refused(made: Any) -> None:
    with pytest.raises(InputError, match="STRATEGY-101"):
        made()
