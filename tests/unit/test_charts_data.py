"""What is drawn is what was given: thinning, sums, bins, cells, recomputed slowly; bad input is refused."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.charts.bars import bar_table, bins, histogram
from lotwise.charts.book import depth
from lotwise.charts.calendar import calendar_days, calendar_months
from lotwise.charts.candles import candles
from lotwise.charts.footprint import Footprint, footprint, imbalances
from lotwise.charts.heat import correlation, heat, heat_step
from lotwise.charts.lines import Series, curve, drawdown, equity, lines, small_multiples
from lotwise.charts.marks import Level, Session, Trade, profile_levels
from lotwise.charts.panels import Lower, ribbon, slot_sums
from lotwise.charts.rotation import corner, rotation
from lotwise.charts.thin import (
    Bars,
    area_path,
    line_path,
    pieces,
    read_bars,
    step_points,
    thin_bars,
    thin_line,
)
from lotwise.errors import InputError

SVG = "{http://www.w3.org/2000/svg}"
MINUTE = 60_000_000_000
HOUR = 60 * MINUTE


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def told(svg: str) -> str:
    return ElementTree.fromstring(svg).findtext(f"{SVG}desc") or ""


def random_bars(seed: int, count: int, bar_ns: int = MINUTE) -> Bars:
    made = rng(seed)
    times = 1_746_316_800_000_000_000 + made.integers(0, 99) * MINUTE
    kept = np.sort(made.permutation(count * 2)[:count])  # with gaps
    rows = made.integers(1, 10_000, (count, 4))
    highs, lows = rows.max(axis=1), rows.min(axis=1)
    return Bars(
        times + kept * bar_ns, rows[:, 0], highs, lows, rows[:, 1], made.integers(0, 500, count), bar_ns
    )


# --- thinning ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_thinned_bars_are_those_of_the_slow_way(seed: int) -> None:
    made = rng(seed)
    count, columns = int(made.integers(1, 600)), int(made.integers(1, 80))
    bars = read_bars(random_bars(seed, count))
    thinned = thin_bars(bars, columns)
    slow: dict[int, list[int]] = {}
    for i, time in enumerate(bars.time_ns):
        start = time - time % thinned.length_ns if thinned.slots > 1 else time
        row = (bars.open_ticks[i], bars.high_ticks[i], bars.low_ticks[i], bars.close_ticks[i], bars.lots[i])
        if start not in slow:
            slow[start] = list(row)
        else:
            was = slow[start]
            slow[start] = [was[0], max(was[1], row[1]), min(was[2], row[2]), row[3], was[4] + row[4]]
    found = zip(
        thinned.time_ns,
        thinned.open_ticks,
        thinned.high_ticks,
        thinned.low_ticks,
        thinned.close_ticks,
        thinned.lots,
        strict=True,
    )
    assert {time: list(row) for time, *row in found} == slow
    assert len(thinned.time_ns) <= columns + 1
    assert sum(thinned.lots) == sum(bars.lots), "volume was lost"
    assert (thinned.slots > 1) == ((bars.time_ns[-1] - bars.time_ns[0]) // MINUTE + 1 > columns)


def test_thinned_bars_have_lengths_that_traders_know() -> None:
    bars = read_bars(random_bars(1, 5_000))
    lengths = {many: thin_bars(bars, many).length_ns // MINUTE for many in (20_000, 5_000, 900, 300, 3)}
    assert lengths == {20_000: 1, 5_000: 2, 900: 15, 300: 60, 3: 3 * 1_440}
    odd = read_bars(Bars([0, 7 * MINUTE, 6_300 * MINUTE], [1] * 3, [1] * 3, [1] * 3, [1] * 3))
    assert thin_bars(odd, 100).length_ns == 70 * MINUTE, "no round length is a multiple of seven minutes"


def test_real_bars_are_thinned_as_polars_does(shared_data: Path) -> None:
    file = shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet"
    frame = pl.scan_parquet(file).filter(pl.col("symbol") == "SOLUSDT").sort("t_min").collect()
    frame = frame.select(
        t=pl.col("t_min").cast(pl.Int64) * MINUTE,
        o=pl.col("open").cast(pl.Int64),
        h=pl.col("high").cast(pl.Int64),
        l=pl.col("low").cast(pl.Int64),
        c=pl.col("close").cast(pl.Int64),
        v=pl.col("volume"),
    )
    given_bars = Bars(*(frame[name] for name in "tohlcv"))
    bars = read_bars(given_bars)
    assert len(bars.time_ns) > 40_000
    thinned = thin_bars(bars, 200)
    want = frame.group_by(pl.col("t") // thinned.length_ns, maintain_order=True).agg(
        pl.col("o").first(), pl.col("h").max(), pl.col("l").min(), pl.col("c").last(), pl.col("v").sum()
    )
    got = (thinned.open_ticks, thinned.high_ticks, thinned.low_ticks, thinned.close_ticks, thinned.lots)
    assert [want[name].to_list() for name in "ohlcv"] == [list(column) for column in got]
    svg = candles(given_bars, "0.001", title="SOL")
    assert f"{len(bars.time_ns):,} bars of 1 min, 240 to a candle (4 h)" in svg
    assert len(svg) < 80_000


@given(st.lists(st.tuples(st.floats(0, 40), st.floats(-99, 99)), max_size=300))
def test_a_thinned_line_keeps_each_columns_ends_and_extremes(points: list[tuple[float, float]]) -> None:
    points.sort(key=lambda point: point[0])
    thinned = thin_line(points)
    columns: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        columns.setdefault(math.floor(point[0]), []).append(point)
    for column, inside in columns.items():
        kept = [point for point in thinned if math.floor(point[0]) == column]
        assert kept[0] == inside[0]
        assert kept[-1] == inside[-1]
        assert min(y for _, y in kept) == min(y for _, y in inside)
        assert max(y for _, y in kept) == max(y for _, y in inside)
        assert len(kept) <= 4
    places = iter(points)
    assert all(any(point == other for other in places) for point in thinned), "order, and nothing made up"


def test_lines_break_at_gaps_and_a_lone_point_is_seen() -> None:
    found = pieces([0, 1, 2, 3, 4], [1.0, 2.0, math.nan, 3.0, math.nan], lambda x: x, lambda y: y)
    assert found == [[(0, 1.0), (1, 2.0)], [(3, 3.0)]]
    assert line_path(found) == "M0 1 1 2M2 3h2"
    assert area_path(found[:1], 9.0) == "M0 9L0 1 1 2V9z"
    assert step_points([(0, 1), (2, 3)]) == [(0, 1), (2, 1), (2, 3)]
    assert step_points([]) == []


# --- sums, bins, cells -------------------------------------------------------------------------


@given(
    st.lists(st.floats(-20, 20, allow_subnormal=False), min_size=1, max_size=80),
    st.sampled_from(["0.1", "0.25", "0.5", "1", "3"]),
)
def test_bins_hold_each_value_once_exactly(values: list[float], width: str) -> None:
    step = Fraction(width)
    first, counts = bins(values, step)
    slow = Counter(Fraction(value) // step for value in values)
    assert {first + i: count for i, count in enumerate(counts) if count} == dict(slow)
    assert counts[0] > 0
    assert counts[-1] > 0


def test_a_histogram_says_its_figures() -> None:
    svg = histogram([-1, -1, 0.5, 2.0, 2.0, 2.0], title="t", bin_width=0.5)
    assert "n 6 · mean +0.75 R · median +1.25 R" in texts(svg)
    assert "4 above 0, 2 below, least −1, most 2. Fullest bin 2 to 2.5 R with 3." in told(svg)


def test_values_are_summed_by_candle_and_nan_counts_nothing() -> None:
    panel = Lower("d", [10, 14, 15, 30], [1.0, 2.0, math.nan, 5.0], "bars")
    assert slot_sums(panel, 10, 5) == {0: 3.0, 4: 5.0}


def test_drawdown_against_plain_python() -> None:
    values = list(1_000 + rng(3).normal(0, 20, 300).cumsum())
    found = drawdown(values)
    for i, value in enumerate(values):
        top = max(values[: i + 1])
        assert found[i] == pytest.approx((value / top - 1) * 100)
    assert math.isnan(drawdown([1.0, math.nan, 2.0])[1])
    svg = equity([HOUR * i for i in range(4)], [100, 120, 90, 96], title="t", unit="USDT")
    assert "Deepest drawdown −25 %, at the end −20 %." in told(svg)
    assert "first 100, last 96, low 90, high 120" in told(svg)


def test_depth_sums_from_the_best_price() -> None:
    svg = depth([99, 98], [1, 2], [101, 103], [5, 10], tick_size="0.5", title="t", lot_size="0.1", unit="BTC")
    assert "Bids: 0.3 BTC to 49.0, 2 prices. Asks: 1.5 BTC to 51.5, 2 prices." in told(svg)
    assert "best bid 49.5 · best ask 50.5 · spread 1.0" in texts(svg)
    one_side = depth([], [], [101], [5], tick_size="1", title="t")
    assert "best ask 101" in texts(one_side)


def test_imbalances_are_diagonal() -> None:
    rows = {100: (9, 1), 101: (2, 30), 102: (7, 2)}
    slow = {}
    for price, (bid, ask) in rows.items():
        above_ask = rows.get(price + 1, (0, 0))[1]
        below_bid = rows.get(price - 1, (0, 0))[0]
        slow[price] = (bid > 0 and bid >= 3 * above_ask, ask > 0 and ask >= 3 * below_bid)
    assert imbalances(rows, 1, 3) == slow == {100: (False, True), 101: (False, True), 102: (True, False)}
    svg = footprint([Footprint(HOUR, [100, 101, 102], [9, 2, 7], [1, 30, 2])], "0.5", title="t", width=400)
    assert {"9", "30 ►", "◄ 7", "Δ +15", "51.0", "50.0"} <= set(texts(svg))
    assert "bid 18, ask 33, most at 50.5" in told(svg)


def test_a_narrow_footprint_shows_the_latest_bars_and_says_so() -> None:
    bars = [Footprint(i * HOUR, [5], [1_000 + i], [1]) for i in range(40)]
    svg = footprint(bars, "1", title="t", width=320)
    shown = [words for words in texts(svg) if re.fullmatch(r"(◄ )?1,0\d\d", words)]
    assert len(shown) < 10
    assert any("1,039" in words for words in shown)
    assert f"last {len(shown)} of 40 bars" in " ".join(texts(svg))


@given(st.floats(-3, 3), st.floats(0.01, 3))
def test_a_step_of_the_ramp_is_the_nearest(value: float, far: float) -> None:
    step = heat_step(value, -far, far)
    inside = min(max(Fraction(value), -Fraction(far)), Fraction(far))
    exact = (inside + Fraction(far)) / (2 * Fraction(far)) * 12
    assert abs(step - exact) <= Fraction(1, 2) + Fraction(1, 10**9)


def test_correlations_are_in_their_cells() -> None:
    svg = correlation(["A", "B", "C"], [[1, 0.5, None], [0.5, 1, -0.834], [None, -0.834, 1]], title="t")
    assert texts(svg).count("−0.83") == 2
    assert texts(svg).count("0.50") == 2
    assert texts(svg).count("1.00") == 3
    assert "Highest B and A 0.5, lowest C and B −0.834." in told(svg)
    hints = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert "B, C: −0.83" in hints


def test_cells_too_narrow_for_words_say_so() -> None:
    names = [f"N{i}" for i in range(30)]
    svg = correlation(names, np.eye(30), title="t", width=340)
    assert "1.00" not in texts(svg)
    assert any("too narrow" in words for words in texts(svg))
    one = heat(["r"], ["c"], [[3]], title="t", around_zero=False)
    assert "3" in texts(one)


def test_calendars_sum_what_they_were_given() -> None:
    days: dict[Any, float] = {
        date(2024, 12, 31): 1.5,
        "2025-01-01": -2.25,
        date(2025, 1, 31): 0.5,
        date(2025, 3, 1): 0.0,
    }
    by_day = calendar_days(days, title="t")
    assert "4 days · total −0.25 R" in texts(by_day)
    assert "Best 2024-12-31 +1.5, worst 2025-01-01 −2.25." in told(by_day)
    hints = [element.text for element in ElementTree.fromstring(by_day).iter(f"{SVG}title")]
    assert "2025-01-01: −2.25 R" in hints
    by_month = calendar_months(days, title="t")
    assert {"+1.5", "−1.75", "0", "2024 +1.5", "2025 −1.75"} <= set(texts(by_month))


def test_a_day_stands_in_its_week() -> None:
    svg = calendar_days({date(2025, 6, 2): 1, date(2025, 6, 8): 2, date(2025, 6, 9): 3}, title="t")
    found = {}
    for rect in ElementTree.fromstring(svg).iter(f"{SVG}rect"):
        hint = rect.findtext(f"{SVG}title")
        if hint:
            found[hint[:10]] = (float(rect.attrib["x"]), float(rect.attrib["y"]))
    monday, sunday, next_monday = (found[day] for day in ("2025-06-02", "2025-06-08", "2025-06-09"))
    assert monday[0] == sunday[0] < next_monday[0]
    assert monday[1] == next_monday[1] < sunday[1]


def test_corners_of_a_rotation() -> None:
    assert [corner(x, y) for x, y in ((101, 101), (99, 101), (99, 99), (101, 99))] == [
        "leading", "improving", "lagging", "weakening"
    ]  # fmt: skip
    assert corner(100, 100) == "leading"
    assert corner(99, 100) == "improving"
    svg = rotation({"A": ([99, 101], [99, 101]), "B": ([100], [99.5])}, title="t")
    assert "A leading (101, 101); B weakening (100, 99.5)" in told(svg)
    assert {"A", "B", "leading", "lagging"} <= set(texts(svg))


def test_a_profile_marks_its_levels_and_loses_no_volume() -> None:
    profile = SimpleNamespace(
        base_ticks=100, row_ticks=5, lots=np.array([1, 4, 9, 3, 1]), control=2, value_low=1, value_high=3
    )
    found = {level.label: level.price_ticks for level in profile_levels(profile)}
    assert found == {"POC": 110, "VAH": 119, "VAL": 105}
    bars = Bars([0, MINUTE], [100, 110], [124, 120], [100, 105], [110, 120])
    svg = candles(bars, "1", title="t", profile=profile)
    assert {"POC 110", "VAH 119", "VAL 105"} <= set(texts(svg))
    drawn = [
        p
        for p in ElementTree.fromstring(svg).iter(f"{SVG}path")
        if p.attrib["class"] in {"lw-prof", "lw-prov", "lw-proc"}
    ]
    widths = sorted(
        float(width)
        for p in drawn
        for width in re.findall(r"h(\d+\.?\d*)v", p.attrib["d"])
        if float(width) != 11
    )
    assert [round(width / widths[-1] * 9) for width in widths] == [1, 1, 3, 4, 9]
    none = SimpleNamespace(base_ticks=100, row_ticks=5, lots=[0], control=-1, value_low=-1, value_high=-1)
    assert "POC" not in " ".join(texts(candles(bars, "1", title="t", profile=none)))


def test_a_ribbon_says_the_share_of_each() -> None:
    svg = ribbon([Session(0, HOUR, "calm"), Session(HOUR, 4 * HOUR, "storm")], title="t")
    assert "calm 25 %; storm 75 %" in told(svg)


# --- what cannot be drawn ----------------------------------------------------------------------

GOOD = {
    "time_ns": [0, MINUTE],
    "open_ticks": [5, 6],
    "high_ticks": [9, 9],
    "low_ticks": [1, 1],
    "close_ticks": [6, 5],
}


def bars_with(**changed: Any) -> Bars:
    return Bars(**{**GOOD, **changed})


def drawn(**changed: Any) -> str:
    return candles(bars_with(**changed), "0.1", title="t")


def with_profile(**changed: Any) -> str:
    whole = {"base_ticks": 1, "row_ticks": 1, "lots": [1, 2], "control": 1, "value_low": 0, "value_high": 1}
    return candles(bars_with(), "1", title="t", profile=SimpleNamespace(**{**whole, **changed}))


def one_foot(**changed: Any) -> str:
    whole = {"time_ns": 0, "price_ticks": [1, 2], "bid_lots": [1, 1], "ask_lots": [1, 1]}
    return footprint([Footprint(**{**whole, **changed})], "1", title="t")


REFUSED: list[tuple[str, str, Callable[[], object]]] = [
    ("CHART-101", "4 open_ticks", lambda: drawn(open_ticks=[1, 2, 3, 4])),
    ("CHART-101", "lots", lambda: drawn(lots=[1])),
    ("CHART-101", "time_ns is 5", lambda: drawn(time_ns=5)),
    ("CHART-101", "str", lambda: lines([Series("a", "abc", [1])], title="t")),
    ("CHART-101", "1 columns", lambda: rotation({"A": [[1]]}, title="t")),
    ("CHART-102", "low_ticks[0] is nan", lambda: drawn(low_ticks=np.array([math.nan, 1.0]))),
    ("CHART-102", "open_ticks[0] is 5.0", lambda: drawn(open_ticks=[5.0, 6])),
    ("CHART-102", "64 bits", lambda: drawn(high_ticks=[2**63, 9])),
    ("CHART-102", "time_ns[0] is True", lambda: drawn(time_ns=[True, 2])),
    ("CHART-102", "inf", lambda: lines([Series("a", [1, 2], [1, math.inf])], title="t")),
    ("CHART-102", "1e+300", lambda: histogram([1e300], title="t")),
    ("CHART-102", "nan", lambda: histogram([1.0, math.nan], title="t")),
    ("CHART-102", "'7'", lambda: bar_table(["a"], ["7"], title="t")),
    ("CHART-102", "too long to print", lambda: histogram([10**5000], title="t")),
    ("CHART-102", "bin_width is 0", lambda: histogram([1, 2], title="t", bin_width=0)),
    ("CHART-102", "NaN", lambda: calendar_days({date(2025, 1, 1): Decimal("NaN")}, title="t")),
    ("CHART-103", "width is 100 px", lambda: lines([], title="t", width=100)),
    ("CHART-103", "height is 5000 px", lambda: lines([], title="t", height=5000)),
    ("CHART-103", "width is 320.5 px", lambda: candles(bars_with(), "1", title="t", width=320.5)),  # type: ignore[arg-type]
    ("CHART-104", "0.1, a float", lambda: candles(bars_with(), 0.1, title="t")),
    ("CHART-104", "'0'", lambda: candles(bars_with(), "0", title="t")),
    ("CHART-104", "'-1'", lambda: depth([1], [1], [2], [1], tick_size="-1", title="t")),
    ("CHART-104", "NaN", lambda: candles(bars_with(), Decimal("NaN"), title="t")),
    ("CHART-104", "True", lambda: candles(bars_with(), True, title="t")),
    ("CHART-105", "bar 1: open 6, high 5, low 1", lambda: drawn(high_ticks=[9, 5])),
    ("CHART-105", "bar 0: a volume of -1", lambda: drawn(lots=[-1, 2])),
    ("CHART-105", "a bar of 0 ns", lambda: drawn(bar_ns=0)),
    ("CHART-105", "-1 x 1 at 1", lambda: one_foot(bid_lots=[-1, 1])),
    ("CHART-105", "a price comes twice", lambda: one_foot(price_ticks=[1, 1])),
    ("CHART-106", "time_ns[1] is 0, after 0", lambda: drawn(time_ns=[0, 0])),
    (
        "CHART-106",
        "where[1] is 1.0, after 2.0",
        lambda: curve([Series("a", [2, 1], [1, 1])], title="t", where_unit="", unit=""),
    ),
    (
        "CHART-106",
        "a bar at 0 after one at 0",
        lambda: footprint([Footprint(0, [1], [1], [1])] * 2, "1", title="t"),
    ),
    ("CHART-107", "13 lines", lambda: lines([Series("a", [1], [1])] * 13, title="t")),
    ("CHART-107", "bins", lambda: histogram([0, 1e6], title="t", bin_width=1)),
    ("CHART-107", "small pictures", lambda: small_multiples([Series("a", [1], [1])] * 61, title="t")),
    ("CHART-107", "rows", lambda: bar_table(["a"] * 201, [1] * 201, title="t")),
    ("CHART-107", "rows", lambda: one_foot(price_ticks=[1, 900])),
    ("CHART-107", "columns at this width", lambda: heat(["r"], ["c"] * 90, [[1] * 90], title="t", width=320)),
    ("CHART-107", "years", lambda: calendar_days({date(1900, 1, 1): 1, date(2025, 1, 1): 1}, title="t")),
    ("CHART-107", "regimes", lambda: ribbon([Session(i, i + 1, str(i)) for i in range(13)], title="t")),
    ("CHART-107", "markets", lambda: rotation({str(i): ([1], [1]) for i in range(41)}, title="t")),
    ("CHART-108", "'buy'", lambda: candles(bars_with(), "1", title="t", trades=[Trade(0, 5, "buy")])),
    ("CHART-108", "'tp'", lambda: candles(bars_with(), "1", title="t", levels=[Level(5, "x", "tp")])),
    ("CHART-108", "'pie'", lambda: candles(bars_with(), "1", title="t", lower=[Lower("x", [0], [1], "pie")])),
    ("CHART-109", "row 0, column 1 is 2", lambda: correlation(["A", "B"], [[1, 2], [2, 1]], title="t")),
    ("CHART-109", "its mirror 0.2", lambda: correlation(["A", "B"], [[1, 0.1], [0.2, 1]], title="t")),
    ("CHART-109", "1 rows of 2 values", lambda: correlation(["A", "B"], [[1, 0.1]], title="t")),
    ("CHART-109", "texts are not 1 x 1", lambda: heat(["A"], ["B"], [[1]], texts=[["a", "b"]], title="t")),
    ("CHART-110", "met 0.0", lambda: lines([Series("a", [1, 2], [0, 1])], title="t", log=True)),
    ("CHART-110", "equity[0] is 0", lambda: equity([1], [0], title="t", unit="USDT")),
    ("CHART-111", "rows 0 to 5", lambda: with_profile(value_high=5)),
    ("CHART-111", "0 ticks", lambda: with_profile(row_ticks=0)),
    (
        "CHART-112",
        "bid prices[1] is 9, after 8",
        lambda: depth([8, 9], [1, 1], [11], [1], tick_size="1", title="t"),
    ),
    ("CHART-112", "ask prices[1] is 11", lambda: depth([8], [1], [11, 11], [1, 1], tick_size="1", title="t")),
    (
        "CHART-112",
        "the bid 8 is not below the ask 8",
        lambda: depth([8], [1], [8], [1], tick_size="1", title="t"),
    ),
    ("CHART-112", "bid lots[0] is -1", lambda: depth([8], [-1], [9], [1], tick_size="1", title="t")),
    ("CHART-113", "title is 7", lambda: lines([], title=7)),  # type: ignore[arg-type]
    ("CHART-113", "label is None", lambda: lines([Series(None, [1], [1])], title="t")),  # type: ignore[arg-type]
    ("CHART-114", "span 0 ends at 5", lambda: ribbon([Session(5, 5, "x")], title="t")),
    (
        "CHART-101",
        "stop_path[0] has 1 members",
        lambda: candles(bars_with(), "1", title="t", stop_path=[(1,)]),
    ),  # type: ignore[list-item]
    ("CHART-105", "rows of 0 ticks", lambda: footprint([], "1", title="t", row_ticks=0)),
    ("CHART-105", "a ratio of 0", lambda: footprint([], "1", title="t", ratio=0)),
    ("CHART-111", "profile.lots holds -1", lambda: with_profile(lots=[-1, 2])),
    ("CHART-115", "is no day", lambda: calendar_days({date(9999, 12, 31): 1}, title="t")),
    ("CHART-118", "levels[0] is (1, 'x')", lambda: candles(bars_with(), "1", title="t", levels=[(1, "x")])),  # type: ignore[list-item]
    ("CHART-118", "bars is 'x'", lambda: candles("x", "1", title="t")),  # type: ignore[arg-type]
    ("CHART-118", "series[0] is 7", lambda: lines([7], title="t")),  # type: ignore[list-item]
    ("CHART-118", "days is [1]", lambda: calendar_days([1], title="t")),  # type: ignore[arg-type]
    ("CHART-118", "tails is [1]", lambda: rotation([1], title="t")),  # type: ignore[arg-type]
    ("CHART-115", "'2025-13-01'", lambda: calendar_days({"2025-13-01": 1}, title="t")),
    ("CHART-115", "is no day", lambda: calendar_months({7: 1}, title="t")),
    ("CHART-115", "is there twice", lambda: calendar_days({"2025-01-01": 1, date(2025, 1, 1): 2}, title="t")),
]


@pytest.mark.parametrize(("code", "words", "draw"), REFUSED)
def test_what_cannot_be_drawn_is_refused_with_its_place(
    code: str, words: str, draw: Callable[[], object]
) -> None:
    with pytest.raises(InputError) as caught:
        draw()
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.hint


@given(
    st.lists(
        st.floats(-1e18, 1e18) | st.just(math.nan),
        min_size=1,
        max_size=30,
    )
)
def test_any_numbers_are_drawn(values: list[float]) -> None:
    times = [i * HOUR for i in range(len(values))]
    svg = lines([Series("any", times, values)], title="t", width=400)
    root = ElementTree.fromstring(svg)
    for path in root.iter(f"{SVG}path"):
        for x, y in re.findall(r"(-?\d+\.?\d*) (-?\d+\.?\d*)", path.attrib["d"]):
            assert -1 <= float(x) <= 401
            assert -1 <= float(y) <= float(root.attrib["height"]) + 1


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=4),
    st.sampled_from(["0.1", "0.25", "1000"]),
)
def test_any_bar_is_drawn(prices: list[int], size: str) -> None:
    first, last = prices[0], prices[1]
    bar = Bars([0], [first], [max(prices)], [min(prices)], [last], [2**63 - 1])
    svg = candles(bar, size, title="t", width=600)
    assert ElementTree.fromstring(svg).attrib["role"] == "img"
    assert "nan" not in svg.partition("</desc>")[2]
