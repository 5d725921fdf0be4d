"""Twins: value area, rotation and filters, asked or in columns, make the same trades; none looks ahead."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lotwise import Contract, FeeSchedule, MarginTier
from lotwise.backtest.feed import columns_of, merged
from lotwise.backtest.run import Played, play_asked, play_columns
from lotwise.errors import InputError
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.tape import BarRow
from lotwise.strategy.api import Columns, Signals, Strategy
from lotwise.strategy.filters import Filtered, Hours, Trend
from lotwise.strategy.filters_facts import Known
from lotwise.strategy.filters_market import BtcHealth, Correlation, Funding, Spread
from lotwise.strategy.library import LIBRARY
from lotwise.strategy.library.null import Null
from lotwise.strategy.library.rotation import Sample, SectorRotation, Standing, chosen
from lotwise.strategy.library.value_area import ValueArea, edge_side, spread_over, walk_sessions
from lotwise.strategy.portfolio import PortfolioStrategy, in_columns, seats
from tests.twins.test_class_and_columns import CONTRACTS, TIGHT, bars, contract, feed, left, plan
from tests.unit.test_filters import asked as asked_bar_by_bar
from tests.unit.test_profile import slow_area, slow_bars

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
DAY = 24 * HOUR
E8 = 10**8
QUICK = {"session_hours": 12, "closes": 5, "row8": 20_000, "every": 7, "least_bars": 90, "hold_minutes": 300}
AREAS = tuple(ValueArea(area, **QUICK) for area in ("yesterday", "today"))
NAMES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
SECTORS = {f"own:{name}": sector for name, sector in zip(NAMES, "xxyyzz", strict=True)}
SWING = {"days": 2, "average_days": 3, "every_hours": 8, "at_hour": 3, "most": 2, "sector_of": SECTORS}


def told(signals: Signals, end: int) -> list[tuple[Any, ...]]:
    """Signals and exits before a row, all that they say."""
    count = len(signals.rows)
    columns = [signals.rows, signals.side, signals.stop_ticks, signals.hold_ns, signals.breakeven_after]
    columns += [ticks for ticks, _ in (*signals.entries, *signals.targets)]
    rows = zip(*(np.broadcast_to(column, count).tolist() for column in columns), strict=True)
    return [*(row for row in rows if row[0] < end), *(("exit", row) for row in signals.exits if row < end)]


def looked_ahead(
    made: Callable[[Sequence[Columns]], list[Signals]], columns: Sequence[Columns], ends: Sequence[int]
) -> list[int]:
    """Times at which cutting all data changes a signal before them: none, or it looks ahead.

    ``made`` is given the columns as they are known, and must make all it looks at of them.
    """
    whole, found = made(columns), []
    assert sum(len(one.rows) for one in whole) >= 10, "too few signals prove nothing"
    for time in ends:
        counts = [int(np.searchsorted(one.time_ns, time)) for one in columns]
        part = made([one.first(count) for one, count in zip(columns, counts, strict=True)])
        same = (told(a, n) == told(b, n) for a, b, n in zip(part, whole, counts, strict=True))
        if not all(same):
            found.append(time)
    return found


def alone(strategy: Any) -> Callable[[Sequence[Columns]], list[Signals]]:
    """One strategy for every contract."""
    return lambda columns: [strategy.signals(one) for one in columns]


def ends_of(columns: Sequence[Columns], count: int, seed: int = 1) -> list[int]:
    """Times to cut at: some at random, and around the turns of hours."""
    times = columns[0].time_ns
    some = np.random.default_rng(seed).integers(1, len(times), count)
    return [int(times[at]) + late for at in some for late in (0, 1)]


# --- value area -------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", AREAS, ids=lambda one: one.area)
@pytest.mark.parametrize("allowed", [None, TIGHT], ids=["free", "limits"])
def test_value_area_is_the_same_in_both_forms(strategy: ValueArea, allowed: Any) -> None:
    rows = feed(2, 9_000)
    asked = play_asked([strategy, strategy], CONTRACTS, rows, plan(allowed))
    listed = play_columns([strategy, strategy], CONTRACTS, rows, plan(allowed))
    assert left(asked) == left(listed)
    assert asked.signals.tolist() != []
    assert sorted(asked.signals.tolist()) == sorted(listed.signals.tolist())
    assert len(asked.trips) > 10
    assert {int(side) for side in asked.signals["side"]} == {-1, 1}


def slow_value_area(strategy: ValueArea, all_bars: Columns) -> list[tuple[int, ...]]:
    """Row, side, stop and targets, from dictionaries and fractions; an area is made of its bars alone."""
    session, names = strategy.session_hours * HOUR, ("low_ticks", "high_ticks", "close_ticks", "volume_lots")
    lows, highs, closes, lots = (getattr(all_bars, name).tolist() for name in names)
    days = [time // session for time in all_bars.time_ns.tolist()]

    def edges(first: int, end: int) -> tuple[int, int, int] | None:
        row = max(1, math.floor(Fraction(int(all_bars.open_ticks[first]) * strategy.row8, E8)))
        rows = slow_bars(lows[first:end], highs[first:end], lots[first:end], row)
        low, high = min(lows[first:end]) // row, max(highs[first:end]) // row
        whole = {at: rows.get(at, 0) for at in range(low, high + 1)}
        if end - first < strategy.least_bars or not any(whole.values()):
            return None
        control, below, above = slow_area(whole, Fraction(7, 10))
        return below * row, above * row + row - 1, control * row + row // 2

    found: list[tuple[int, ...]] = []
    begins: dict[int, int] = {}
    area: tuple[int, int, int] | None = None
    places: list[int] = []
    accepted = 0
    for i, day in enumerate(days):
        if day not in begins:
            begins[day] = i
            before = begins.get(day - 1)
            area = edges(before, i) if strategy.area == "yesterday" and before is not None else None
            places, accepted = [], 0
        if area is not None:
            low, high, control = area
            room = max(1, math.floor(Fraction((high - low + 1) * strategy.stop8, E8)))
            close = closes[i]
            pays = abs(control - close) >= 4 * Fraction(5, 10_000) * close
            long = lows[i] <= low <= close < control < high and lows[i] > low - room
            short = highs[i] >= high >= close > control > low and highs[i] < high + room
            if accepted == 0 and pays and long:
                found.append((i, 1, low - room, control, high))
            if accepted == 0 and pays and short:
                found.append((i, -1, high + room, control, low))
            places.append((close > high) - (close < low))
            last = places[-strategy.closes :]
            if len(last) == strategy.closes and len(set(last)) == 1:
                accepted = last[0]
        seen = i + 1 - begins[day]
        if strategy.area == "today" and seen >= strategy.least_bars and seen % strategy.every == 0:
            area = edges(begins[day], i + 1)
    return found


@pytest.mark.parametrize("strategy", AREAS, ids=lambda one: one.area)
def test_value_area_is_the_slow_one(strategy: ValueArea) -> None:
    count = 0
    for seed in range(3):
        [(columns, _)] = columns_of(CONTRACTS[:1], merged([bars(seed, 4_000)]))
        gone = np.r_[0:300, 1_100:1_300, 2_000:3_000]  # a late start, a hole, and a session that is missing
        columns = kept(columns, ~np.isin(np.arange(4_000), gone))
        found = strategy.signals(columns)
        signals = [
            tuple(int(value) for value in row)
            for row in zip(
                found.rows,
                found.side,
                found.stop_ticks,
                found.targets[0][0],
                found.targets[1][0],
                strict=True,
            )
        ]
        assert signals == slow_value_area(strategy, columns)
        assert [row[:3] for row in signals] == asked_bar_by_bar(strategy, columns)
        count += len(signals)
    assert count > 20


def kept(columns: Columns, keep: Any) -> Columns:
    """Some of the bars."""
    names = ("time_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    return Columns(columns.contract, *(getattr(columns, name)[keep] for name in names))


@pytest.mark.parametrize(
    ("low", "high", "close", "side"),
    [
        (1_000, 1_040, 1_030, 1),
        (1_001, 1_040, 1_030, 0),  # not at the edge
        (981, 1_040, 1_000, 1),
        (980, 1_040, 1_000, 0),  # as far as the stop would stand
        (990, 1_040, 999, 0),  # closed outside
        (1_000, 1_060, 1_050, 0),  # closed at the point of control
        (1_000, 1_060, 1_049, 1),
        (1_040, 1_099, 1_060, -1),
        (1_040, 1_098, 1_060, 0),
        (1_040, 1_118, 1_099, -1),
        (1_040, 1_119, 1_099, 0),
        (1_040, 1_110, 1_100, 0),
        (1_040, 1_099, 1_050, 0),
        (1_000, 1_099, 1_060, -1),  # both edges in a bar: the side of the close
    ],
)
def test_a_touch_is_at_the_edge_and_closes_in_the_area(low: int, high: int, close: int, side: int) -> None:
    bar = {"low_ticks": low, "high_ticks": high, "close_ticks": close}
    assert edge_side(**bar, low=1_000, high=1_099, control=1_050, stop8=20_000_000) == side
    assert edge_side(**bar, low=1_000, high=1_099, control=1_099, stop8=20_000_000) == 0
    assert edge_side(**bar, low=1_000, high=1_099, control=1_000, stop8=20_000_000) == 0


def test_no_trade_where_the_price_is_accepted_outside() -> None:
    [(columns, _)] = columns_of(CONTRACTS[:1], feed(1, 9_000))
    patient = ValueArea("yesterday", **{**QUICK, "closes": 100_000})
    with_filter, without = (set(one.signals(columns).rows.tolist()) for one in (AREAS[0], patient))
    assert with_filter < without
    assert len(without - with_filter) >= 20


def test_a_session_without_volume_and_prices_of_one_tick_have_no_area() -> None:
    [(columns, _)] = columns_of(CONTRACTS[:1], feed(1, 2_000))
    still = replace(columns, volume_lots=np.zeros(2_000, np.int64))
    flat = np.full(2_000, 7)
    level = replace(columns, open_ticks=flat, high_ticks=flat, low_ticks=flat, close_ticks=flat)
    for strategy in AREAS:
        assert len(strategy.signals(still).rows) == len(strategy.signals(level).rows) == 0
        assert len(strategy.signals(columns.first(0)).rows) == 0


def test_the_walk_is_the_same_as_plain_python() -> None:
    [(columns, _)] = columns_of(CONTRACTS[:1], feed(1, 500))
    names = ("low_ticks", "high_ticks", "close_ticks", "volume_lots")
    held = np.stack([getattr(columns, name) for name in names])
    base, row, count = int(held[0].min()) // 40, 40, int(held[1].max()) // 40 - int(held[0].min()) // 40 + 1
    answers = []
    for rule, made in ((walk_sessions.compiled, np.array), (walk_sessions, lambda given: given)):
        found = [[0] * 500 for _ in range(4)]
        told = made(found)
        rule(
            made([0, 250, 500]), made([4, 5]), made(held.tolist()), made([base * row] * 2), made([row] * 2),
            made([0] * count), 1, 90, 7, 5, 15_000_000, 70_000_000, told,
        )  # fmt: skip
        answers.append(np.asarray(told).tolist())
    assert answers[0] == answers[1]
    assert any(answers[0][0])
    rows = [0] * 5
    spread_over(rows, 1, 3, 8)
    assert rows == [0, 3, 3, 2, 0]


def test_a_session_of_too_many_rows_is_refused_in_both_forms() -> None:
    rows = feed(1, 300)
    rows["high_ticks"][200] = 10**9
    wide = ValueArea(row8=1)
    with pytest.raises(InputError, match=r"STRATEGY-106.*rows of 1 ticks, at most 1,000,000"):
        wide.signals(columns_of(CONTRACTS[:1], rows)[0][0])
    with pytest.raises(InputError, match=r"BACKTEST-105.*at most 1,000,000") as caught:
        play_asked([wide], CONTRACTS[:1], rows, plan())
    assert "STRATEGY-106" in repr(caught.value.__cause__)


class Peeks(ValueArea):
    """Trades this session's area as it will be when the session is over."""

    def signals(self, bars: Columns) -> Signals:
        moved = replace(bars, time_ns=bars.time_ns - self.session_hours * HOUR)
        both = [np.concatenate((one, two)) for one, two in zip(listed(moved), listed(bars), strict=True)]
        order = np.argsort(both[0], kind="stable")
        every = Columns(bars.contract, *(column[order] for column in both))
        found = super().signals(every)
        keep = order[found.rows] >= len(bars)
        good = np.unique(order[found.rows][keep] - len(bars), return_index=True)
        return Signals(rows=good[0], side=1, stop_ticks=found.stop_ticks[keep][good[1]])


def listed(columns: Columns) -> list[Any]:
    names = ("time_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    return [getattr(columns, name) for name in names]


@pytest.mark.parametrize("strategy", AREAS, ids=lambda one: one.area)
def test_value_area_does_not_look_ahead_and_one_that_does_is_caught(strategy: ValueArea) -> None:
    [(columns, _)] = columns_of(CONTRACTS[:1], feed(1, 12_000))
    ends = ends_of([columns], 12)
    assert looked_ahead(alone(strategy), [columns], ends) == []
    if strategy.area == "yesterday":
        assert looked_ahead(alone(Peeks("yesterday", **QUICK)), [columns], ends)


# --- sector rotation --------------------------------------------------------------------------


def swings(
    count: int = 2_400, step: int = 15 * MINUTE, holes: bool = False
) -> tuple[tuple[Contract, ...], Any]:
    """Six contracts that drift for days; with holes some lack hours or days, or begin late."""
    parts, facts = [], tuple(contract(name) for name in NAMES)
    for seed in range(len(NAMES)):
        rng = np.random.default_rng(100 + seed)
        drift = np.repeat(rng.integers(-60, 90, count // 200 + 1), 200)[:count]
        part = bars(seed, count)
        moved = np.cumsum(drift + rng.integers(-250, 251, count))
        middle = 400_000 + moved - min(0, int(moved.min()) + 200_000)
        for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
            part[name] = middle
        part["high_ticks"] += rng.integers(0, 400, count)
        part["low_ticks"] -= rng.integers(0, 400, count)
        part["time_ns"] = part["time_ns"][0] + np.arange(count) * step
        keep = np.ones(count, bool)
        if holes:
            for at in rng.integers(0, count, 4):
                keep[at : at + int(rng.integers(1, 90))] = False
            keep[: seed * 40] = False
        parts.append(part[keep])
    return facts, merged(parts)


def all_columns(facts: Sequence[Contract], rows: Any) -> list[Columns]:
    return [columns for columns, _ in columns_of(facts, rows)]


def rates(facts: Sequence[Contract], seed: int = 3) -> dict[str, Known]:
    """Funding every eight hours."""
    rng, first = np.random.default_rng(seed), 20_210 * DAY
    times = first + np.arange(100) * 8 * HOUR
    return {one.id: Known(times, rng.integers(-20_000, 60_000, 100)) for one in facts}


def rotations(facts: Sequence[Contract]) -> list[SectorRotation]:
    """With funding and without."""
    return [
        SectorRotation(**SWING, funding=funding, funding_most8=60_000, ranges=3, hold_days=4)
        for funding in (None, rates(facts))
    ]


@pytest.mark.parametrize("holes", [False, True], ids=["whole", "holes"])
@pytest.mark.parametrize("funded", [0, 1], ids=["free", "funding"])
def test_rotation_is_the_same_in_both_forms(holes: bool, funded: int) -> None:
    facts, rows = swings(holes=holes)
    strategy = rotations(facts)[funded]
    asked = play_asked(seats(strategy, facts), facts, rows, plan())
    made = in_columns(strategy, all_columns(facts, rows))
    found = play_columns(made, facts, rows, plan())
    assert left(asked) == left(found)
    assert sorted(asked.signals.tolist()) == sorted(found.signals.tolist())
    assert len(asked.trips) >= 12
    assert len({int(trip) for trip in asked.trips["contract"]}) >= 4
    assert (
        sum(len(one.signals(bars).exits) for one, bars in zip(made, all_columns(facts, rows), strict=True))
        > 5
    )
    if not holes:
        assert most_open(asked) == 2


def most_open(played: Played) -> int:
    """Most trips open at once; one that closes at a time is out before one that opens then."""
    changes = [(int(time), +1) for time in played.trips["opened_ns"]]
    changes += [(int(time), -1) for time in played.trips["closed_ns"]]
    held = most = 0
    for _, change in sorted(changes):
        held += change
        most = max(most, held)
    return most


def slow_rotation(strategy: SectorRotation, columns: Sequence[Columns]) -> list[tuple[int, int, int]]:
    """Contract, time and stop of every entry, each decision made from the bars before it alone."""
    step, offset = strategy.every_hours * HOUR, strategy.at_hour * HOUR
    per_day, entries = 24 // strategy.every_hours, []
    span, long = strategy.days * per_day, strategy.average_days * per_day
    every = [list(zip(*(column.tolist() for column in listed(one)), strict=True)) for one in columns]
    first = min(one[0][0] for one in every)
    last = max(one[-1][0] for one in every)
    wanted: set[int] = set()
    time = (first - offset) // step * step + offset + step
    begin = time
    while time <= last:
        growth, ranges, good = {}, {}, {}
        for place, one in enumerate(every):
            marks = range(begin, time + 1, step)
            past = [[bar for bar in one if bar[0] < mark] for mark in marks]
            closes = [bars[-1][4] for bars in past if bars]
            parts = [
                [bar for bar in bars if bar[0] >= mark - step] for bars, mark in zip(past, marks, strict=True)
            ]
            shown = [part for part, bars in zip(parts, past, strict=True) if bars]
            if len(closes) < max(span + 1, long):
                continue
            true = []
            for i in range(len(closes) - span, len(closes)):
                near = [closes[i - 1]] if i else []
                highs = [bar[2] for bar in shown[i]] or [closes[i]]
                lows = [bar[3] for bar in shown[i]] or [closes[i]]
                true.append(max(highs + near) - min(lows + near))
            growth[place] = Fraction(closes[-1], closes[-1 - span])
            ranges[place] = math.ceil(Fraction(sum(true), span))
            known = strategy._funding
            paid = 0
            if known is not None:
                held = known[columns[place].contract.id]
                paid = sum(
                    rate
                    for at, rate in zip(held.times_ns.tolist(), held.values.tolist(), strict=True)
                    if time - DAY < at <= time
                )
            rises = closes[-1] > Fraction(sum(closes[-long:]), long)
            good[place] = (rises and bool(shown[-1]), paid <= strategy.funding_most8)
        if growth:
            mean = Fraction(sum(growth.values()), len(growth))
            sector = {place: SECTORS[columns[place].contract.id] for place in growth}
            means = {
                name: Fraction(
                    sum(growth[place] for place in growth if sector[place] == name),
                    sum(sector[place] == name for place in growth),
                )
                for name in sector.values()
            }
            order = sorted(means, key=lambda name: (-means[name], name))
            lead = [name for name in order[:2] if means[name] > mean]
            stay = [
                place for place in growth if place in wanted and good[place][0] and sector[place] in order[:4]
            ]
            more = [
                place
                for place in sorted(growth, key=lambda place: (-growth[place], place))
                if place not in stay and sector[place] in lead and growth[place] > mean and all(good[place])
            ]
            wanted = set((stay + more)[: strategy.most])
        else:
            wanted = set()
        for place in wanted:
            after = [bar for bar in every[place] if time <= bar[0] < time + step]
            if len(after) > 1 and after[1][0] < time + HOUR:
                entries.append((place, after[1][0], after[1][4] - strategy.ranges * ranges[place]))
        time += step
    return sorted(entries)


@pytest.mark.parametrize("holes", [False, True], ids=["whole", "holes"])
def test_rotation_is_the_slow_one(holes: bool) -> None:
    facts, rows = swings(1_000, holes=holes)
    columns = all_columns(facts, rows)
    for strategy in rotations(facts):
        found = [
            (place, int(columns[place].time_ns[row]), int(stop))
            for place, one in enumerate(strategy.signals(columns))
            for row, stop in zip(one.rows, one.stop_ticks, strict=True)
        ]
        assert sorted(found) == slow_rotation(strategy, columns)
        assert len(found) > 12


class Tomorrow(SectorRotation):
    """Ranks by the growth that is yet to come."""

    def _standings(self, bars: Columns, number: Any, rates: Known | None, *, span: tuple[int, int]) -> Any:
        found = list(super()._standings(bars, number, rates, span=span))
        return iter([*found[1:], *found[-1:]])


def test_rotation_does_not_look_ahead_and_one_that_does_is_caught() -> None:
    facts, rows = swings(1_500, holes=True)
    columns = all_columns(facts, rows)
    turns = [
        20_212 * DAY + day * DAY + hour * HOUR + late for day in (6, 9) for hour in (3, 11) for late in (0, 1)
    ]
    ends = [*ends_of(columns, 6), *turns, turns[1] + 15 * MINUTE]
    for strategy in rotations(facts):
        assert looked_ahead(strategy.signals, columns, ends) == []
    assert looked_ahead(Tomorrow(**SWING, ranges=3).signals, columns, ends)


def test_what_is_chosen_stays_while_its_sector_is_near() -> None:
    def one(growth: int, rising: bool = True, fresh: bool = True, cheap: bool = True) -> Standing:
        return Standing(Fraction(growth, 100), rising, fresh, cheap, 5)

    named = ("x", "x", "y", "y", "z")
    now = [one(130), one(120), one(110), one(100), one(90)]

    def pick(standings: Sequence[Standing | None], before: Sequence[int] = (), **bounds: int) -> list[int]:
        given = {"sectors": 1, "most": 2, **bounds}
        return sorted(chosen(standings, named, frozenset(before), **given))

    assert pick(now) == [0, 1]
    assert pick(now, most=1) == [0]
    assert pick([one(130, cheap=False), *now[1:]]) == [1]
    assert pick([one(130, cheap=False), *now[1:]], [0]) == [0, 1], "funding keeps out, it does not throw out"
    assert pick([one(130, rising=False), one(120, fresh=False), *now[2:]], [0, 1]) == []
    assert pick(now, [3]) == [0, 3]
    assert pick(now, [4]) == [0, 1]
    assert pick(now, sectors=3, most=9) == [0, 1]
    assert pick([None, None, *now[2:]]) == [2]
    assert pick([None] * 5, [1]) == []
    assert pick([one(100)] * 5, sectors=5) == [], "none is stronger than the mean of all"


def test_seats_are_for_one_run_and_signals_for_their_bars() -> None:
    facts, rows = swings(300)
    strategy = rotations(facts)[0]
    mine = seats(strategy, facts)
    play_asked(mine, facts, rows, plan())
    with pytest.raises(InputError, match=r"STRATEGY-107.*own:AAA of SectorRotation.*was played before"):
        play_asked(mine, facts, rows, plan())
    with pytest.raises(InputError, match=r"STRATEGY-107.*is asked about own:BBB"):
        play_asked(seats(strategy, facts), facts[1:] + facts[:1], rows, plan())
    columns = all_columns(facts, rows)
    with pytest.raises(InputError, match=r"STRATEGY-107.*299 of own:AAA"):
        in_columns(strategy, columns)[0].signals(columns[0].first(299))
    assert [len(one.rows) for one in strategy.signals([one.first(0) for one in columns])] == [0] * 6
    assert mine[0].name == strategy.name
    assert strategy._tracks == [], "the strategy given stays as it is"
    assert PortfolioStrategy().on_bar(None, 0, None) is None  # type: ignore[arg-type]
    assert Sample(3, 1, 2, True).close_ticks == 2


def test_a_rotation_without_a_day_of_funding_enters_nothing() -> None:
    facts, rows = swings(1_000)
    columns = all_columns(facts, rows)
    old = Known([0], [0])
    unknown = SectorRotation(**SWING, funding={one.id: old for one in facts})
    assert sum(len(one.rows) for one in SectorRotation(**SWING).signals(columns)) > 10
    assert [len(one.rows) for one in unknown.signals(columns)] == [0] * 6
    assert len(play_asked(seats(unknown, facts), facts, rows, plan()).signals) == 0


def test_what_a_rotation_needs_is_asked_for() -> None:
    facts = (contract("AAA"), contract("SOLUSDT"))
    SectorRotation().begin(facts)
    with pytest.raises(InputError, match=r"STRATEGY-105.*no sector of own:SOLUSDT"):
        SectorRotation(sector_of=SECTORS).begin(facts)
    with pytest.raises(InputError, match=r"STRATEGY-105.*no funding of own:AAA"):
        SectorRotation(funding={}).begin(facts)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (SectorRotation, {"every_hours": 5}),
        (SectorRotation, {"every_hours": None}),
        (SectorRotation, {"days": 0}),
        (SectorRotation, {"most": 0}),
        (SectorRotation, {"at_hour": 24}),
        (SectorRotation, {"hold_days": -1}),
        (SectorRotation, {"days": 1.5}),
        (ValueArea, {"area": "tomorrow"}),
        (ValueArea, {"row8": 0}),
        (ValueArea, {"session_hours": 0}),
        (ValueArea, {"stop8": 0}),
        (ValueArea, {"closes": 0}),
    ],
)
def test_parameters_that_cannot_be_are_refused(kind: Any, given: Mapping[str, Any]) -> None:
    with pytest.raises(InputError, match="STRATEGY-101"):
        kind(**given)


# --- filters ----------------------------------------------------------------------------------


def filtered(columns: Sequence[Columns], inner: Any = None) -> list[Filtered]:
    """Every filter at once, and each alone, around entries at random."""
    leader, facts = columns[0], [one.contract for one in columns]
    rng = np.random.default_rng(8)
    times = 20_212 * DAY + np.sort(rng.integers(0, 10_000, 9_000)) * MINUTE
    spreads = {one.id: Known(times, rng.integers(0, 120, 9_000)) for one in facts}
    parts = [
        Trend(90),
        Hours(6, 22),
        BtcHealth(leader, 60, 1_500_000, 40, wild100=220, wild_bars=5, usual_bars=120),
        Correlation(leader, window=60, most8=20_000_000),
        Funding(rates(facts), most8=60_000),
        Spread(spreads, most8=25_000),
    ]
    return [Filtered(inner or Null(one_in=12), chosen) for chosen in (*([part] for part in parts), parts)]


def test_filters_are_the_same_in_both_forms() -> None:
    rows = feed(2, 6_000)
    columns = all_columns(CONTRACTS, rows)
    passed = []
    for asked, found in zip(filtered(columns), filtered(columns), strict=True):
        one = play_asked([asked, asked], CONTRACTS, rows, plan())
        two = play_columns([found, found], CONTRACTS, rows, plan())
        assert left(one) == left(two)
        assert asked.refused.total == found.refused.total
        assert all(asked.refused.of(part.id) == found.refused.of(part.id) for part in CONTRACTS)
        passed.append(len(one.signals))
        if len(asked.filters) == 1:
            assert min(asked.refused.total.values()) >= 20
        assert passed[-1] > 0
    assert passed[-1] < min(passed[:-1])


def test_a_portfolio_is_filtered_contract_by_contract() -> None:
    facts, rows = swings()
    strategy, step = rotations(facts)[0], 15 * MINUTE
    plain = play_asked(seats(strategy, facts), facts, rows, plan())
    asked = [Filtered(one, [Hours(4, 24)], bar_ns=step) for one in seats(strategy, facts)]
    made = in_columns(strategy, all_columns(facts, rows))
    found = [Filtered(one, [Hours(4, 24)], bar_ns=step) for one in made]
    one, two = play_asked(asked, facts, rows, plan()), play_columns(found, facts, rows, plan())
    assert left(one) == left(two)
    assert 0 < len(one.signals) < len(plain.signals)


@pytest.mark.parametrize("number", range(7))
def test_filters_do_not_look_ahead(number: int) -> None:
    columns = all_columns(CONTRACTS, feed(2, 5_000))

    def made(known: Sequence[Columns]) -> list[Signals]:
        return [filtered(known, inner=Null(one_in=9))[number].signals(one) for one in known]

    assert looked_ahead(made, columns, ends_of(columns, 6)) == []


def test_a_filter_that_knows_its_leader_too_early_is_caught() -> None:
    columns = all_columns(CONTRACTS, feed(2, 5_000))

    def made(known: Sequence[Columns]) -> list[Signals]:
        early = replace(known[0], time_ns=known[0].time_ns - MINUTE)
        health = BtcHealth(early, 3, 10**8, 5, wild100=10**6, wild_bars=2, usual_bars=30)
        return [Filtered(Null(one_in=1), [health]).signals(known[1])]

    def law(known: Sequence[Columns]) -> list[Signals]:
        return [Signals(rows=np.zeros(0, np.int64), side=1, stop_ticks=1), *made(known)]

    assert looked_ahead(law, columns, ends_of(columns, 60))


# --- real bars --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def week(shared_data: Path) -> tuple[tuple[Contract, ...], Any, dict[str, Known]]:
    """A week of BTC, ETH and LAYER minutes, LAYER's fall in it, with the ticks and the funding of then."""
    folder = shared_data / "binance_um_2025-05"
    scale = json.loads((folder / "scale.json").read_text())["scale"]
    frame = pl.read_parquet(folder / "bars_1m_16sym_ints.parquet")
    facts, parts, funding = [], [], {}
    for symbol in ("BTCUSDT", "ETHUSDT", "LAYERUSDT"):
        mine = frame.filter(pl.col("symbol") == symbol).sort("t_min").head(7 * 1440)
        rows = np.zeros(len(mine), dtype_of(BarRow))
        rows["time_ns"] = mine["t_min"].cast(pl.Int64).to_numpy() * MINUTE
        for name in ("open", "high", "low", "close"):
            rows[f"{name}_ticks"] = mine[name].to_numpy()
        rows["volume_lots"] = mine["volume"].to_numpy()
        paid = pl.read_ipc(folder / "funding" / f"{symbol}.feather")
        times = paid["date"].dt.epoch("ns").to_numpy()
        funding[f"own:{symbol}"] = Known(times, np.rint(paid["open"].to_numpy() * E8).astype(np.int64))
        facts.append(
            Contract(
                symbol=symbol,
                base=symbol.removesuffix("USDT"),
                tick_size=f"{10.0 ** -scale[symbol]['price_decimals']:.{scale[symbol]['price_decimals']}f}",
                lot_size=f"{10.0 ** -scale[symbol]['qty_decimals']:.{scale[symbol]['qty_decimals']}f}",
                min_notional="5",
                fees=FeeSchedule(maker="0.02%", taker="0.05%"),
                tiers=[MarginTier("0", "5000000", "20", "0.02", "0")],
            )
        )
        parts.append(rows)
    return tuple(facts), merged(parts), funding


Week = tuple[tuple[Contract, ...], Any, dict[str, Known]]


@pytest.mark.parametrize("area", ["yesterday", "today"])
def test_real_value_areas_are_the_same_in_both_forms(week: Week, area: str) -> None:
    facts, rows, _ = week
    strategy = ValueArea(area, session_hours=8, stop8=30_000_000)
    asked = play_asked([strategy] * 3, facts, rows, plan())
    assert left(asked) == left(play_columns([strategy] * 3, facts, rows, plan()))
    assert len(asked.trips) >= 10
    columns = all_columns(facts, rows)
    assert looked_ahead(alone(strategy), columns, ends_of(columns, 4)) == []
    for one in columns:
        assert [row[:3] for row in slow_value_area(strategy, one.first(3_000))] == [
            row[:3] for row in told(strategy.signals(one.first(3_000)), 3_000)
        ]


def test_a_real_rotation_is_the_same_in_both_forms_and_leaves_out_what_funding_forbids(week: Week) -> None:
    facts, rows, funding = week
    own = {"days": 1, "average_days": 1, "every_hours": 4, "sectors": 1, "most": 2}
    sectors = {one.id: one.base for one in facts}
    signals = []
    for rate in (None, funding):
        strategy = SectorRotation(**own, sector_of=sectors, funding=rate, funding_most8=10_000)
        asked = play_asked(seats(strategy, facts), facts, rows, plan())
        columns = all_columns(facts, rows)
        assert left(asked) == left(play_columns(in_columns(strategy, columns), facts, rows, plan()))
        assert len(asked.trips) >= 3
        assert looked_ahead(strategy.signals, columns, ends_of(columns, 4)) == []
        signals.append(len(asked.signals))
    assert signals[1] < signals[0]


def test_real_filters_are_the_same_in_both_forms(week: Week) -> None:
    facts, rows, funding = week
    btc = all_columns(facts, rows)[0]
    parts = [Trend(240), Hours(6, 22), BtcHealth(btc), Correlation(btc, 120), Funding(funding, most8=15_000)]
    for part in parts:
        asked, found = Filtered(Null(one_in=40), [part]), Filtered(Null(one_in=40), [part])
        one = play_asked([asked] * 3, facts, rows, plan())
        assert left(one) == left(play_columns([found] * 3, facts, rows, plan()))
        assert asked.refused.total == found.refused.total
        assert min(asked.refused.total.values()) >= 20, part.name
        assert len(one.signals) > 0


# --- the page and the list --------------------------------------------------------------------


def test_the_page_is_true() -> None:
    page = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {"__name__": "strategies_page"}
    for block in blocks:
        exec(compile(block, "docs/strategies.md", "exec"), names)
    assert len(names["fewer"].trips) < len(names["asked"].trips)
    for name in LIBRARY:
        assert f"| `{name}` |" in page
    for kind in (Trend, Hours, BtcHealth, Correlation, Funding, Spread):
        assert f"| `{kind.__name__}` |" in page


def test_the_library_tells_what_each_is() -> None:
    assert sorted(LIBRARY) == list(LIBRARY)
    for name, kind in LIBRARY.items():
        assert name.replace("-", "") in f"{kind.__module__}{kind.__name__}".lower().replace("_", "")
        assert kind.__doc__ is not None
        assert "Parameters" in kind.__doc__
        made = kind()
        assert made.name.startswith(kind.__name__)
        assert isinstance(made, Strategy | PortfolioStrategy)
