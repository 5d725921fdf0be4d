"""Series on one clock: never a value from later on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
pl = pytest.importorskip("polars")

from lotwise.errors import InputError  # noqa: E402
from lotwise.market.align import align  # noqa: E402
from lotwise.market.kinds import BARS, DEPTH, FUNDING, TRADES, Scale, Table  # noqa: E402

STEP = 60


def bars(rows: dict[int, int]) -> Table:
    """Bars by their opening time; the close is told, the high is one above."""
    times = sorted(rows)
    closes = [rows[time] for time in times]
    columns = {"time_ns": times, "close": closes, "high": [close + 1 for close in closes]}
    return Table(BARS, Scale(price=2), pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64)))


def funding(rows: dict[int, int]) -> Table:
    """Rates by their stamp."""
    times = sorted(rows)
    columns = {"time_ns": times, "rate": [rows[time] for time in times]}
    return Table(FUNDING, Scale(rate=8), pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64)))


def slow(rows: dict[int, int], time: int, later: int) -> tuple[int, int] | None:
    """The last value known at a time, and since when."""
    known = [(opening + later, value) for opening, value in rows.items() if opening + later <= time]
    return (max(known)[1], max(known)[0]) if known else None


SERIES = st.dictionaries(st.integers(1, 40).map(lambda i: i * STEP), st.integers(1, 99), max_size=20)


@given(one=SERIES, two=SERIES, clock=st.sampled_from(["inner", "outer", "own"]), age=st.sampled_from([0, 90]))
def test_every_value_is_the_last_that_was_known(
    one: dict[int, int], two: dict[int, int], clock: str, age: int
) -> None:
    own = np.arange(30, 2700, 45)
    found = align(
        {"a": bars(one), "b": bars(two)},
        ("close", "high"),
        own if clock == "own" else clock,
        bar_ns=STEP,
        most_age_ns=age,
    )
    ends = [{time + STEP for time in rows} for rows in (one, two)]
    wanted = {"inner": ends[0] & ends[1], "outer": ends[0] | ends[1], "own": set(own.tolist())}[clock]
    assert found.times_ns.tolist() == sorted(wanted)
    for place, rows in enumerate((one, two)):
        for row, time in enumerate(found.times_ns.tolist()):
            last = slow(rows, time, later=STEP)
            if last is None or (age and time - last[1] > age):
                assert not found.known[row, place]
                assert (found.values["close"][row, place], found.age_ns[row, place]) == (0, -1)
            else:
                assert found.values["close"][row, place] == last[0]
                assert found.values["high"][row, place] == last[0] + 1
                assert found.age_ns[row, place] == time - last[1]
    if clock == "inner":
        assert found.known.all()
        assert (found.age_ns == 0).all()


@given(
    rows=SERIES,
    others=SERIES,
    since=st.integers(0, 2600),
    changes=SERIES,
    clock=st.sampled_from(["inner", "outer", "own"]),
)
def test_what_comes_later_changes_nothing_before(
    rows: dict[int, int], others: dict[int, int], since: int, changes: dict[int, int], clock: str
) -> None:
    """The law: rows known after a time are replaced at will, and all values up to it stay."""
    own = np.arange(30, 2700, 45)
    before = {time: value for time, value in rows.items() if time + STEP <= since}
    changed = before | {time: value for time, value in changes.items() if time + STEP > since}
    found = [
        align({"a": bars(one), "b": bars(others)}, ("close",), own if clock == "own" else clock, bar_ns=STEP)
        for one in (rows, changed)
    ]
    until = [one.times_ns <= since for one in found]
    assert found[0].times_ns[until[0]].tolist() == found[1].times_ns[until[1]].tolist()
    assert (found[0].values["close"][until[0]] == found[1].values["close"][until[1]]).all()
    assert (found[0].rows[until[0]] == found[1].rows[until[1]]).all()


def test_a_close_is_not_known_while_its_bar_lasts() -> None:
    found = align({"a": bars({60: 7})}, ("close",), np.array([60, 119, 120, 500]), bar_ns=STEP)
    assert found.values["close"][:, 0].tolist() == [0, 0, 7, 7]
    assert found.age_ns[:, 0].tolist() == [-1, -1, 0, 380]
    assert found.rows.dtype == np.int64
    assert found.whole().times_ns.tolist() == [120, 500]


def test_funding_is_known_at_its_stamp_and_of_one_time_the_last_row_counts() -> None:
    found = align({"f": funding({60: 3, 90: 4})}, ("rate",), np.array([59, 60, 90]))
    assert found.values["rate"][:, 0].tolist() == [0, 3, 4]
    frame = pl.DataFrame({"time_ns": [5, 5, 9], "price": [1, 2, 3]})
    trades = align({"t": Table(TRADES, Scale(), frame)}, ("price",))
    assert trades.values["price"][:, 0].tolist() == [2, 3]
    assert trades.scales == (Scale(),)


@pytest.mark.parametrize(
    ("tables", "columns", "clock", "bar_ns", "code"),
    [
        ({}, ("close",), "outer", STEP, "DATA-611"),
        ({"a": bars({60: 1})}, (), "outer", STEP, "DATA-611"),
        ({"a": bars({60: 1})}, ("open",), "outer", STEP, "DATA-611"),
        ({"a": bars({60: 1})}, ("colour",), "outer", STEP, "DATA-611"),
        (
            {"a": Table(DEPTH, Scale(), pl.DataFrame({"time_ns": [1], "price": [1]}))},
            ("price",),
            "outer",
            0,
            "DATA-611",
        ),
        (
            {"a": Table(FUNDING, Scale(), pl.DataFrame({"time_ns": [2, 1], "rate": [1, 1]}))},
            ("rate",),
            "outer",
            0,
            "DATA-612",
        ),
        ({"a": bars({60: 1})}, ("close",), "outer", 0, "DATA-613"),
        ({"a": bars({60: 1, 120: 2})}, ("close",), "outer", 61, "DATA-613"),
        ({"a": bars({60: 1})}, ("close",), "left", STEP, "DATA-614"),
        ({"a": bars({60: 1})}, ("close",), [5, 5], STEP, "DATA-614"),
        ({"a": bars({60: 1})}, ("close",), [1.5], STEP, "DATA-614"),
        ({"a": bars({60: 1})}, ("close",), [-1, 5], STEP, "DATA-614"),
    ],
)
def test_what_cannot_be_put_on_a_clock_is_refused(
    tables: Any, columns: Any, clock: Any, bar_ns: int, code: str
) -> None:
    with pytest.raises(InputError) as caught:
        align(tables, columns, clock, bar_ns=bar_ns)
    assert caught.value.code == code
    assert caught.value.hint
