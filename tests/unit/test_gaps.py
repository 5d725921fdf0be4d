"""Fills beyond stops: a slow walk over bars and trades, quantiles, holes, and what real minutes bound."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from lotwise.analysis import gaps  # noqa: E402
from lotwise.analysis.gaps import DAY_NS, HOUR_NS  # noqa: E402
from lotwise.errors import InputError  # noqa: E402

MINUTE = 60 * 10**9


class Bar(NamedTuple):
    time: int
    open: int
    high: int
    low: int
    close: int


def slow(
    bars: Sequence[Bar], distance: int, side: int, *, held: int = DAY_NS, hole: int = 0, every: int = HOUR_NS
) -> list[tuple[int, int, int]]:
    """Position by position: (met at, beyond at least, beyond at most)."""
    found = []
    for opened, first in enumerate(bars):
        if opened and bars[opened - 1].time // every == first.time // every:
            continue
        stop, last = first.close - side * distance, first
        for bar in bars[opened + 1 :]:
            if bar.time - first.time > held or (hole and bar.time - last.time > hole):
                break
            last, reached = bar, bar.low if side > 0 else bar.high
            if (reached <= stop) if side > 0 else (reached >= stop):
                gapped = (bar.open < stop) if side > 0 else (bar.open > stop)
                found.append((bar.time, abs(bar.open - stop) if gapped else 0, abs(reached - stop)))
                break
    return found


def made_bars(seed: int, count: int, step: int = 12, jump: int = 40) -> list[Bar]:
    """Bars that open away from the close before them, now and then far; a hole or two."""
    rng, price, at, bars = random.Random(seed), 10_000, 0, []
    for _ in range(count):
        at += MINUTE * (rng.randint(30, 200) if rng.random() < 0.02 else 1)
        opened = max(50, price + (rng.randint(-jump, jump) if rng.random() < 0.2 else 0))
        price = max(50, opened + rng.randint(-step, step))
        high, low = (max, min)
        bars.append(
            Bar(
                at, opened,
                high(opened, price) + rng.randint(0, step),
                low(opened, price) - rng.randint(0, step),
                price,
            )
        )  # fmt: skip
    return bars


def told(found: gaps.Gaps) -> list[tuple[int, ...]]:
    return list(
        zip(found.met_ns.tolist(), found.beyond_ticks.tolist(), found.most_ticks.tolist(), strict=True)
    )


def test_bars_fill_as_in_the_slow_walk() -> None:
    seen = {"met": 0, "gapped": 0, "touched": 0, "dropped": 0, "late": 0}
    for seed in range(24):
        rng = random.Random(seed)
        bars, side = made_bars(seed, 300), rng.choice((1, -1))
        distance, held = rng.choice((1, 15, 60)), rng.choice((5, 40, 10_000)) * MINUTE
        columns, every = list(zip(*bars, strict=True)), rng.choice((1, 7, 60)) * MINUTE
        for hole in (0, 60 * MINUTE):
            spans = {"held_ns": held, "hole_ns": hole, "every_ns": every}
            found = gaps.of_bars(*columns, distance_ticks=distance, side=side, **spans)
            wanted = slow(bars, distance, side, held=held, hole=hole, every=every)
            assert told(found) == wanted, f"seed {seed}"
            assert found.openings == len({bar.time // every for bar in bars})
            assert found.moments == len({time for time, _, _ in wanted})
            seen["met"] += len(found)
            seen["gapped"] += int((found.beyond_ticks > 0).sum())
            seen["touched"] += int((found.most_ticks == 0).sum())
            seen["dropped"] += bool(hole) and wanted != slow(bars, distance, side, held=held, every=every)
            seen["late"] += wanted != slow(bars, distance, side, hole=hole, every=every)
    assert min(seen.values()) > 5, seen


def test_the_first_trade_at_or_beyond_the_stop_is_the_fill() -> None:
    exact = beyond = 0
    for seed in range(16):
        rng = random.Random(seed)
        at, price, trades = 0, 5_000, []
        for _ in range(300):
            at += rng.choice((0, 1, 10**9))
            price = max(20, price + rng.choice((-9, -2, -1, 0, 1, 2, 9)))
            trades.append(Bar(at, price, price, price, price))
        side, distance, every = rng.choice((1, -1)), rng.choice((1, 5, 12)), 10**10
        times, prices = [one.time for one in trades], [one.close for one in trades]
        found = gaps.of_trades(times, prices, distance_ticks=distance, side=side, every_ns=every)
        assert told(found) == slow(trades, distance, side, every=every)
        assert found.source == "trades"
        assert (found.beyond_ticks == found.most_ticks).all(), "trades say it, they do not bound it"
        exact += int((found.beyond_ticks == 0).sum())
        beyond += int((found.beyond_ticks > 0).sum())
    assert min(exact, beyond) > 20


def test_a_stop_touched_exactly_is_met_and_one_short_of_it_is_not() -> None:
    times = [1, 2, 3]
    assert told(gaps.of_trades(times, [100, 96, 95], distance_ticks=5)) == [(3, 0, 0)]
    assert told(gaps.of_trades(times, [100, 96, 96], distance_ticks=5)) == []
    assert told(gaps.of_trades(times, [100, 104, 107], distance_ticks=5, side=-1)) == [(3, 2, 2)]


def test_a_hole_in_the_data_is_no_gap_of_the_market() -> None:
    day = DAY_NS // 2
    times, prices = [1, 2, day, day + 1], [100, 99, 50, 40]
    assert told(gaps.of_trades(times, prices, distance_ticks=5)) == [(day, 45, 45), (day + 1, 5, 5)]
    assert told(gaps.of_trades(times, prices, distance_ticks=5, hole_ns=10**9)) == [(day + 1, 5, 5)]
    assert told(gaps.of_trades(times, prices, distance_ticks=5, held_ns=day - 2)) == [(day + 1, 5, 5)]
    assert len(gaps.of_trades(times, prices, distance_ticks=5, held_ns=day - 1)) == 2, (
        "the last moment counts"
    )


def test_the_rule_is_the_same_plain_and_compiled() -> None:
    for seed in range(6):
        bars = made_bars(seed, 120)
        times, opens, _, lows, closes = (np.array(column) for column in zip(*bars, strict=True))
        rows, openings = [[0] * 120 for _ in range(4)], list(range(0, 120, 3))
        numbers = {"side": 1, "distance": 20, "held_ns": 30 * MINUTE, "hole_ns": 60 * MINUTE}
        columns = {"fars": lows, "closes": closes, "openings": np.array(openings)}
        listed = {name: column.tolist() for name, column in columns.items()}
        plain = gaps.stops_met(times.tolist(), opens.tolist(), **listed, **numbers, found=rows)
        table = np.zeros((4, 120), np.int64)
        found = gaps.stops_met.compiled(times, opens, **columns, **numbers, found=table)
        assert found == plain > 0
        assert table.tolist() == rows


@given(
    samples=st.lists(st.integers(0, 50), min_size=1, max_size=60),
    share8=st.integers(1, 10**8) | st.sampled_from([50_000_000, 95_000_000, 10**8]),
)
def test_quantiles_are_samples_and_the_smallest_that_will_do(samples: list[int], share8: int) -> None:
    found, share = gaps.quantile_of(samples, share8), Fraction(share8, 10**8)
    assert found in samples
    assert Fraction(sum(one <= found for one in samples), len(samples)) >= share
    assert Fraction(sum(one < found for one in samples), len(samples)) < share


def test_hours_and_liveliness_part_the_stops() -> None:
    bars = made_bars(3, 3_000)
    found = gaps.of_bars(*zip(*bars, strict=True), distance_ticks=15)
    hours = found.by_hour()
    assert sum(len(part) for part in hours.values()) == len(found)
    for hour, part in hours.items():
        assert {at // HOUR_NS % 24 for at in part.met_ns.tolist()} == {hour}
        assert part.quantile(10**8) == max(part.beyond_ticks.tolist())
    parts = found.by_liveliness()
    assert list(parts) == ["quiet", "usual", "lively"]
    early = int((found.moved_ticks < 0).sum())
    assert sum(len(part) for part in parts.values()) == len(found) - early > 0 < early
    assert parts["quiet"].moved_ticks.max() < parts["lively"].moved_ticks.min()
    closes = [bar.close for bar in bars]
    path = [sum(abs(closes[j] - closes[j - 1]) for j in range(i - 59, i + 1)) for i in range(60, 3_000)]
    assert set(found.moved_ticks[early:].tolist()) <= set(path)
    short = gaps.of_trades([1, 2], [9, 8], distance_ticks=1)
    assert short.by_liveliness() == {}


def test_a_table_by_distance_and_words() -> None:
    bars = made_bars(5, 800)
    laid = [gaps.of_bars(*zip(*bars, strict=True), distance_ticks=d) for d in (5, 50, 10**9 // 10**5)]
    rows = gaps.gap_table([*laid[:2], gaps.of_trades([1, 2], [9, 9], distance_ticks=3)])
    assert [(row.distance_ticks, row.stops) for row in rows] == [
        (5, len(laid[0])), (50, len(laid[1])), (3, 0)
    ]  # fmt: skip
    assert rows[0].beyond_ticks == (laid[0].quantile(50_000_000), laid[0].quantile(95_000_000))
    assert rows[0].most_ticks[1] >= rows[0].beyond_ticks[1]
    assert rows[2].beyond_ticks == ()
    assert "lower bound" in laid[0].words()
    assert "first trade" in gaps.of_trades([1, 2], [9, 8], distance_ticks=1).words()


def test_real_minutes_of_layer_bound_its_fall(shared_data: Path) -> None:
    pl = pytest.importorskip("polars")
    bars = pl.read_parquet(shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet")

    def laid(symbol: str, first: int, last: int, part: int) -> gaps.Gaps:
        rows = bars.filter((pl.col("symbol") == symbol) & pl.col("t_min").is_between(first, last))
        columns = [rows[name].to_numpy() for name in ("open", "high", "low", "close")]
        distance = int(np.median(columns[3])) // part
        return gaps.of_bars(rows["t_min"].cast(pl.Int64) * MINUTE, *columns, distance_ticks=distance)

    day = 1_440
    fall = laid("LAYERUSDT", 20_213 * day, 20_214 * day, 100)
    later = laid("LAYERUSDT", 20_225 * day, 20_226 * day, 100)
    assert min(len(fall), len(later)) > 20, "1 % stops, opened each hour of a day"
    share = 95_000_000
    assert fall.quantile(share, most=True) > 10 * later.quantile(share, most=True) > 0
    calm = laid("BTCUSDT", 20_212 * day, 20_222 * day, 200)
    rows = bars.filter(
        (pl.col("symbol") == "BTCUSDT") & pl.col("t_min").is_between(20_212 * day, 20_222 * day)
    )
    own = [Bar(t * MINUTE, o, h, low, c) for _, t, o, h, low, c, _ in rows.iter_rows()]
    assert told(calm) == slow(own, calm.distance_ticks, 1)
    assert calm.quantile(10**8) < calm.quantile(10**8, most=True)


COLUMNS: list[list[int]] = [[1, 2], [5, 5], [6, 6], [4, 4], [5, 5]]


@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({0: [2, 1]}, {}),
        ({0: [1.5, 2.5]}, {}),
        ({1: [5]}, {}),
        ({1: [5, 0]}, {}),
        ({2: [3, 3]}, {}),
        ({4: [2**63 - 1, 5]}, {}),
        ({}, {"side": 0}),
        ({}, {"distance_ticks": 0}),
        ({}, {"held_ns": 0}),
        ({}, {"hole_ns": -1}),
        ({}, {"every_ns": 0}),
        ({0: [-5, 2]}, {}),
        ({i: [1] for i in range(5)}, {}),
    ],
)
def test_what_stops_cannot_be_laid_through_is_refused(
    change: dict[int, Any], options: dict[str, int]
) -> None:
    columns = [change.get(i, column) for i, column in enumerate(COLUMNS)]
    with pytest.raises(InputError, match="ANALYSIS-541") as caught:
        gaps.of_bars(*columns, **({"distance_ticks": 1} | options))
    assert caught.value.hint


def test_no_quantile_of_nothing_or_of_no_share() -> None:
    none = gaps.of_bars(*COLUMNS, distance_ticks=3)
    assert len(none) == 0
    with pytest.raises(InputError, match="ANALYSIS-542"):
        none.quantile(95_000_000)
    for share8 in (0, -1, 10**8 + 1):
        with pytest.raises(InputError, match="ANALYSIS-542"):
            gaps.quantile_of([1], share8)
