"""The gate: each check against plain arithmetic, points and grades, a real day on which one symbol fell."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("talib")

from lotwise.analysis.correlation import Aligned, aligned  # noqa: E402
from lotwise.analysis.health import Grade, Health, HealthBounds, market_health  # noqa: E402
from lotwise.errors import InputError  # noqa: E402

SMALL = HealthBounds(average=20, shock=10, usual=60, crowd=30, fall=40)
NAMES = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT")


def market(rows: int = 80, drift: float = 1e-3, common: float = 0.0, noise: float = 1e-3) -> Any:
    """Closes of five symbols that drift, with a common part and one of their own."""
    rng = np.random.Generator(np.random.PCG64(5))
    shared = rng.normal(0, 1, (rows, 1)) * common
    return 1_000 * np.exp(np.cumsum(drift + shared + rng.normal(0, 1, (rows, 5)) * noise, axis=0))


def test_a_market_that_rises_apart_is_good() -> None:
    found = market_health(market(), NAMES, bounds=SMALL)
    assert (found.grade, found.points, found.reasons, found.fallen) == (Grade.GOOD, 0, (), ())
    assert [check.name for check in found.checks] == ["trend", "shock", "breadth", "crowding", "falls"]


def test_every_number_is_that_of_plain_arithmetic() -> None:
    closes = market(drift=-5e-4, common=1e-3)
    found = market_health(closes, NAMES, bounds=SMALL)
    averages = []
    for column in closes.T.tolist():
        average = math.fsum(column[:20]) / 20
        for close in column[20:]:
            average += (close - average) * 2 / 21
        averages.append(average)
    assert found.of("trend").value == pytest.approx(closes[-1, 0] / averages[0] - 1)
    above = sum(close > average for close, average in zip(closes[-1], averages, strict=True))
    assert found.of("breadth").value == above / 5
    moves = np.diff(np.log(closes), axis=0)
    ratio = math.sqrt((moves[-10:, 0] ** 2).mean() / (moves[-60:, 0] ** 2).mean())
    assert found.of("shock").value == pytest.approx(ratio)
    mean = np.corrcoef(moves[-30:].T)[np.triu_indices(5, 1)].mean()
    assert found.of("crowding").value == pytest.approx(mean)
    assert found.points == sum(check.points for check in found.checks)
    assert len(found.reasons) == sum(check.points > 0 for check in found.checks)


def test_each_check_gives_its_points() -> None:
    sinking = market_health(market(drift=-6e-3), NAMES, bounds=SMALL)
    assert (sinking.of("trend").points, sinking.of("breadth").points) == (2, 2)
    assert sinking.grade is Grade.POOR
    slipping = market_health(market(drift=-1.5e-3, noise=1e-4), NAMES, bounds=SMALL)
    assert slipping.of("trend").points == 1
    crowd = market_health(market(common=5e-3), NAMES, bounds=SMALL)
    assert crowd.of("crowding").points == 2
    half = market_health(market(common=1.7e-3), NAMES, bounds=SMALL)
    assert half.of("crowding").points == 1
    shaken = market()
    shaken[-5:, 0] *= 1.03
    assert market_health(shaken, NAMES, bounds=SMALL).of("shock").points == 1
    shaken = market()
    shaken[-1, 0] *= 1.2
    wide = HealthBounds(average=20, shock=3, usual=60, crowd=30, fall=40)
    assert market_health(shaken, NAMES, bounds=wide).of("shock").points == 2


def test_symbols_that_fell_are_named_the_worst_first() -> None:
    closes = market()
    closes[-20:, 2] *= 0.6
    closes[-3:, 4] *= 0.5
    found = market_health(closes, NAMES, bounds=SMALL)
    assert [name for name, _ in found.fallen] == ["ADAUSDT", "SOLUSDT"]
    lost = 1 - closes[-1, 4] / closes[-40:, 4].max()
    assert found.fallen[0][1] == pytest.approx(lost)
    assert f"ADAUSDT {lost:.1%}" in found.of("falls").words
    closes[-2:] *= 0.1
    many = market_health(np.column_stack((closes, closes)), [*NAMES, *map(str.lower, NAMES)], bounds=SMALL)
    assert "and 5 more" in many.of("falls").words


def test_a_leader_that_never_moves_is_no_shock() -> None:
    closes = market()
    closes[:, 0] = 500.0
    found = market_health(closes, NAMES, bounds=SMALL)
    assert found.of("shock").value == 0.0
    assert "6 pairs" in found.of("crowding").words, "pairs with what does not move are left out"


def test_rows_to_come_are_not_looked_at_and_old_ones_are_enough() -> None:
    closes = market(rows=120, common=1e-3)
    assert SMALL.rows == 61
    now = market_health(closes[:90], NAMES, bounds=SMALL)
    changed = closes.copy()
    changed[90:] *= 0.2
    assert market_health(changed[:90], NAMES, bounds=SMALL) == now
    assert market_health(closes[:61], NAMES, bounds=SMALL).checks[0].name == "trend"


@pytest.fixture(scope="module")
def month(shared_data: Path) -> Aligned:
    pl = pytest.importorskip("polars")
    bars = pl.read_parquet(shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet")
    parts = bars.filter(pl.col("symbol") != "ADAUSDT").partition_by("symbol", as_dict=True)
    return aligned({name: (part["t_min"], part["close"]) for (name,), part in parts.items()})


def at(month: Aligned, minute: int) -> Health:
    """The health at the close of a minute since 1970."""
    rows = int(np.searchsorted(month.times_ns, minute, side="right"))
    bounds = HealthBounds(average=720, usual=1_440, crowd=720, fall=2_880)
    return market_health(month.closes[:rows], month.names, bounds=bounds)


def test_the_fall_of_layer_is_noticed_and_it_alone(month: Aligned) -> None:
    column = month.closes[:, month.names.index("LAYERUSDT")]
    deepest = int(np.argmin(column[: int(np.searchsorted(month.times_ns, 20_215 * 1_440))]))
    assert deepest == 2_930, "2025-05-06 16:27"
    found = at(month, int(month.times_ns[deepest]))
    ((name, lost),) = found.fallen
    assert name == "LAYERUSDT"
    assert lost == 1 - column[deepest] / column[deepest - 2_879 : deepest + 1].max() > 0.53
    assert "LAYERUSDT 53.1%" in " ".join(found.reasons)
    assert found.of("falls").points == 1
    assert not at(month, 20_222 * 1_440).fallen, "a week later it is over"


def test_grades_of_a_month_are_of_all_kinds(month: Aligned) -> None:
    first = int(month.times_ns[0])
    grades = [at(month, first + hours * 60).grade for hours in range(49, 719, 12)]
    assert set(grades) == set(Grade)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: market_health(market(50), NAMES, bounds=SMALL), "ANALYSIS-503"),
        (lambda: market_health([[1.0, math.nan]] * 80, ("A", "B"), "A", SMALL), "ANALYSIS-504"),
        (lambda: market_health([[1.0, 0.0]] * 80, ("A", "B"), "A", SMALL), "ANALYSIS-507"),
        (lambda: market_health(market(), NAMES[:4], bounds=SMALL), "ANALYSIS-512"),
        (lambda: market_health([[1.0]] * 80, ("A",), "A", SMALL), "ANALYSIS-512"),
        (lambda: market_health(market(), NAMES, "DOGEUSDT", SMALL), "ANALYSIS-513"),
        (lambda: market_health(market().tolist()[0], NAMES, bounds=SMALL), "ANALYSIS-501"),
        (lambda: HealthBounds(average=1), "ANALYSIS-502"),
        (lambda: HealthBounds(shock_warns=4.0), "ANALYSIS-521"),
        (lambda: HealthBounds(breadth_stops=0.5), "ANALYSIS-521"),
        (lambda: HealthBounds(fall_warns=0.0), "ANALYSIS-521"),
        (lambda: HealthBounds(caution=4), "ANALYSIS-521"),
        (lambda: HealthBounds(shock=8_000), "ANALYSIS-521"),
    ],
)
def test_what_cannot_be_judged_is_refused(call: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.hint
