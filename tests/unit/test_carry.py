"""Carry: sums by hand, intervals that change or are missing, sides, and LAYERUSDT's real funding."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from lotwise.analysis.carry import DAY_NS, HOUR_NS, YEAR_NS, carry_table, funding_of  # noqa: E402
from lotwise.errors import InputError  # noqa: E402

START = 20_210 * DAY_NS


def stamps(hours: list[int]) -> list[int]:
    """Times so many hours apart, each a few ms late."""
    found, at = [], START
    for number, step in enumerate(hours):
        at += step * HOUR_NS
        found.append(at + number % 7 * 10**6)
    return found


@given(
    payments=st.lists(
        st.tuples(st.sampled_from([1, 4, 8]), st.integers(-2_000_000, 2_000_000)), min_size=2, max_size=40
    )
)
def test_sums_and_yearly_rates_are_those_by_hand(payments: list[tuple[int, int]]) -> None:
    times, rates = stamps([hours for hours, _ in payments]), [rate for _, rate in payments]
    found = funding_of(times, rates)
    whole = found.over()
    assert whole.long8 == -sum(rates) == -whole.short8
    assert (whole.payments, whole.unknown) == (len(rates), 1), "nothing says what the first paid for"
    hours = sum(step for step, _ in payments[1:])
    assert whole.held_ns == hours * HOUR_NS
    yearly = Fraction(sum(rates[1:]) * 365 * 24, hours)
    assert whole.short_year8 is not None
    assert whole.long_year8 is not None
    assert 0 <= yearly - whole.short_year8 < 1, "rounded down"
    assert 0 <= -yearly - whole.long_year8 < 1, "for both sides"
    said = funding_of(times, rates, [step * HOUR_NS for step, _ in payments]).over()
    assert said.unknown == 0
    assert said.held_ns == sum(step for step, _ in payments) * HOUR_NS
    cut = times[len(times) // 2]
    parts = [found.over(until_ns=cut), found.over(since_ns=cut)]
    assert sum(part.long8 for part in parts) == whole.long8
    assert sum(part.held_ns for part in parts) == whole.held_ns


def test_the_same_rate_of_a_shorter_interval_costs_more_a_year() -> None:
    rate = 10_000  # 0.01 %
    eight, one = (funding_of(stamps([hours] * 30), [rate] * 30).over() for hours in (8, 1))
    assert eight.long_year8 == -rate * 3 * 365
    assert one.long_year8 == -rate * 24 * 365
    assert eight.short_year8 == rate * 3 * 365, "10.95 % a year"


def test_runs_part_where_the_interval_changes() -> None:
    times, rates = stamps([8, 8, 8, 4, 4, 1, 1, 1, 8]), [1, 2, 3, 4, 5, 6, 7, 8, 9]
    runs = funding_of(times, rates).runs()
    assert [(run.interval_h, run.carry.payments, run.carry.short8) for run in runs] == [
        (0, 1, 1),
        (8, 2, 5),
        (4, 2, 9),
        (1, 3, 21),
        (8, 1, 9),
    ]
    assert runs[0].carry.short_year8 is None


def test_payments_that_are_missing_or_off_their_hour_are_not_guessed() -> None:
    times = stamps([8, 8, 40, 8, 8])
    whole = funding_of(times, [100] * 5).over()
    assert (whole.unknown, whole.held_ns, whole.short8) == (2, 24 * HOUR_NS, 500)
    assert whole.short_year8 == 300 * YEAR_NS // (24 * HOUR_NS), "the two do not count there"
    times[3] += 20 * 60 * 10**9
    assert funding_of(times, [100] * 5).over().unknown == 4, "neither that stamp nor the next tells a time"


def test_spans_end_with_the_newest_payment() -> None:
    rng = random.Random(4)
    times = stamps([1] * 240)
    rates = [rng.randint(-500, 500) for _ in times]
    found = funding_of(times, rates)
    spans = found.by_span()
    assert {name: one.payments for name, one in spans.items()} == {
        "1d": 24,
        "7d": 168,
        "30d": 240,
        "all": 240,
    }
    assert spans["1d"].short8 == sum(rates[-24:])
    table = carry_table(found, ("1d", "all"))
    assert list(table) == ["1d", "all"]
    assert table["1d"]["long8"] == -sum(rates[-24:]) == -int(table["1d"]["short8"] or 0)


def test_real_funding_of_layer_at_its_fall(shared_data: Path) -> None:
    pl = pytest.importorskip("polars")
    frame = pl.read_ipc(shared_data / "binance_um_2025-05" / "funding" / "LAYERUSDT.feather")
    times = frame["date"].dt.epoch("ns").to_numpy()
    rates = (frame["open"] * 10**8).round().cast(pl.Int64).to_numpy()
    found = funding_of(times, rates)
    runs = found.runs()
    assert [run.interval_h for run in runs][:3] == [0, 4, 1], "the venue went from 4 h to 1 h"
    change = runs[2].carry
    assert change.first_ns // HOUR_NS * HOUR_NS == 20_214 * DAY_NS + 9 * HOUR_NS, "2025-05-06 09:00"
    day = found.over(20_214 * DAY_NS + 5 * HOUR_NS, 20_215 * DAY_NS)
    may_6 = (pl.datetime(2025, 5, 6, hour, time_zone="UTC") for hour in (5, 23))
    own = frame.filter(pl.col("date").is_between(*may_6))
    assert day.payments == len(own) == 16
    assert day.long8 == -round(sum(own["open"]) * 10**8) > 14_900_000, "longs got 15 % that day"
    assert int(rates.min()) == -2_000_000, "the venue's floor, -2 %"
    assert day.held_ns == 19 * HOUR_NS
    assert day.long_year8 == day.long8 * YEAR_NS // day.held_ns
    wrong = day.long8 * 365 * 6 // day.payments
    assert day.long_year8 > 3 * wrong, "by payments of 4 h it would be a third of that"


GOOD = stamps([8, 8, 8])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (([], []), "ANALYSIS-536"),
        ((GOOD, [1, 2]), "ANALYSIS-536"),
        ((GOOD, [1, 2, 3], [8 * HOUR_NS]), "ANALYSIS-536"),
        ((GOOD, [0.1, 0.2, 0.3]), "ANALYSIS-536"),
        ((GOOD[::-1], [1, 2, 3]), "ANALYSIS-536"),
        (([GOOD[0]] * 3, [1, 2, 3]), "ANALYSIS-536"),
        ((GOOD, [1, 10**11, 3]), "ANALYSIS-536"),
        ((GOOD, [1, 2, 3], [8, 8, 8]), "ANALYSIS-536"),
        (([GOOD], [[1, 2, 3]]), "ANALYSIS-536"),
    ],
)
def test_what_is_no_funding_is_refused(arguments: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        funding_of(*arguments)
    assert caught.value.code == code
    assert caught.value.hint


def test_spans_without_payments_and_unknown_ones_are_refused() -> None:
    found = funding_of(GOOD, [1, 2, 3])
    with pytest.raises(InputError, match="ANALYSIS-537"):
        found.over(since_ns=GOOD[-1] + 1)
    with pytest.raises(InputError, match=r"ANALYSIS-538.*2d"):
        carry_table(found, ("2d",))
    assert found.over(GOOD[1], GOOD[1] + 1).payments == 1
