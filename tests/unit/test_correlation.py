"""Correlation and beta: against numpy window by window, least squares, fractions, and their twins."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from lotwise.analysis import beta as betas  # noqa: E402
from lotwise.analysis import correlation as together  # noqa: E402
from lotwise.errors import InputError  # noqa: E402

TOLERANCE = 1e-11
"""Of a correlation of log returns of a month of minutes, against a direct computation."""
NAMES = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")


def made_returns(seed: int, rows: int, flat: float = 0.1) -> Any:
    """Returns of four symbols with a common part; now and then one does not move."""
    rng = np.random.Generator(np.random.PCG64(seed))
    shared = rng.standard_t(3, (rows, 1)) * 1e-3
    found = shared * np.array([1.0, 1.3, 0.4, -0.2]) + rng.standard_t(3, (rows, 4)) * 5e-4
    found[rng.random((rows, 4)) < flat] = 0.0
    return found


def slow_correlation(x: list[float], y: list[float]) -> float:
    """Pearson's, in fractions up to the root; NaN where one does not move."""
    a, b = [Fraction(v) for v in x], [Fraction(v) for v in y]
    a, b = [v - sum(a) / len(a) for v in a], [v - sum(b) / len(b) for v in b]
    sizes = sum(v * v for v in a), sum(v * v for v in b)
    if not all(sizes):
        return math.nan
    product = sum(v * w for v, w in zip(a, b, strict=True))
    square = Fraction(product * product) / (sizes[0] * sizes[1])
    return math.copysign(math.sqrt(square), float(product))


@pytest.mark.parametrize(("seed", "window"), [(1, 2), (2, 3), (3, 16), (4, 50)])
def test_every_row_is_the_exact_correlation_of_its_window(seed: int, window: int) -> None:
    rows = made_returns(seed, 64)
    rows[20:40, 2] = 0.0
    found = together.rolling_correlation(rows, NAMES, window)
    silent = 0
    for at in range(len(rows)):
        matrix = found.matrix(at)
        if at < window - 1:
            assert np.isnan(matrix[0, 1])
            continue
        part = rows[at - window + 1 : at + 1].T.tolist()
        for i in range(4):
            assert matrix[i, i] == 1.0
            for j in range(i):
                wanted = slow_correlation(part[i], part[j])
                silent += math.isnan(wanted)
                assert matrix[i, j] == matrix[j, i] or math.isnan(wanted)
                assert matrix[i, j] == pytest.approx(wanted, abs=TOLERANCE, nan_ok=True)
    assert silent or window > 20, "no window without a move was seen"


@pytest.fixture(scope="module")
def month(shared_data: Path) -> together.Aligned:
    """Closes of all symbols but ADA, whose data is of other days."""
    pl = pytest.importorskip("polars")
    bars = pl.read_parquet(shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet")
    parts = bars.filter(pl.col("symbol") != "ADAUSDT").partition_by("symbol", as_dict=True)
    return together.aligned(
        {name: (part["t_min"].cast(pl.Int64) * 60 * 10**9, part["close"]) for (name,), part in parts.items()}
    )


def test_a_month_of_minutes_is_that_of_numpy(month: together.Aligned) -> None:
    assert month.closes.shape == (43_195, 15)
    returns = together.log_returns(month.closes)
    found = together.rolling_correlation(returns, month.names, 1_440)
    model = betas.rolling_beta(returns, month.names, 1_440, "BTCUSDT")
    falling = betas.rolling_beta(returns, month.names, 1_440, "BTCUSDT", below=0.0)
    at_btc = month.names.index("BTCUSDT")
    others = [i for i in range(15) if i != at_btc]
    for at in (1_439, 1_440, 2_000, 4_319, 4_320, 4_321, 20_000, 43_193):
        part = returns[at - 1_439 : at + 1]
        assert np.abs(found.matrix(at) - np.corrcoef(part.T)).max() < TOLERANCE
        market = part[:, at_btc]
        design = np.column_stack((np.ones(1_440), market))
        solved, squares, _, _ = np.linalg.lstsq(design, part[:, others], rcond=None)
        assert np.allclose(model.beta[:, at], solved[1], rtol=1e-9)
        error = np.sqrt(squares / 1_438 / ((market - market.mean()) ** 2).sum())
        assert np.allclose(model.error[:, at], error, rtol=1e-9)
        down = market < 0
        solved = np.linalg.lstsq(design[down], part[down][:, others], rcond=None)[0]
        assert np.allclose(falling.beta[:, at], solved[1], rtol=1e-9)
    assert found.crowding[-1] == pytest.approx(found.matrix(-1)[np.triu_indices(15, 1)].mean())
    assert np.nanmin(found.crowding) > 0.3, "crypto moves as one"
    layer = found.between("LAYERUSDT", "BTCUSDT")
    crash = 2 * 1_440 + 1_200
    assert layer[crash] < 0.5 < found.between("ETHUSDT", "BTCUSDT")[crash], "LAYER fell alone"


def test_a_shock_leaves_no_trace_in_later_windows() -> None:
    rows = made_returns(9, 600, flat=0)
    calm = together.rolling_correlation(rows, NAMES, 30)
    rows[100] = [5.0, -3.0, 7.0, 2.0]
    shocked = together.rolling_correlation(rows, NAMES, 30)
    assert np.abs(shocked.pairs[:, 100:130] - calm.pairs[:, 100:130]).max() > 0.1
    assert np.array_equal(shocked.pairs[:, 130:], calm.pairs[:, 130:])


def test_what_rounds_is_no_movement() -> None:
    rows = made_returns(2, 60, flat=0)
    rows[:, 1] = 0.1 + np.arange(60) % 2 * 2.0**-54
    assert np.ptp(rows[:, 1]) > 0
    for found in (
        together.rolling_correlation(rows, NAMES, 20),
        together.rolling_correlation(rows, NAMES, 7),
    ):
        assert np.isnan(found.between("BTCUSDT", "ETHUSDT")).all()
        assert not np.isnan(found.between("BTCUSDT", "SOLUSDT")[20:]).any()
    assert np.isnan(betas.rolling_beta(rows, NAMES, 20, "ETHUSDT").beta).all()


def table_of(drawn: list[int]) -> list[list[float]]:
    """Rows of three returns of what Hypothesis draws: 10 bits each, half of them small, one in four 0."""
    parts = [[number // 1_024**i % 1_024 for i in range(3)] for number in drawn]
    return [[(one - 512) / (1_000 if one % 2 else 1e6) if one % 4 else 0.0 for one in row] for row in parts]


tables = st.builds(table_of, st.lists(st.integers(0, 2**30), min_size=10, max_size=40))


@given(rows=tables, window=st.integers(3, 20))
def test_twins_find_the_same_bits(rows: list[list[float]], window: int) -> None:
    names, window = NAMES[:3], min(window, len(rows))
    live = together.RollingCorrelation(names, window)
    slope, falling = (betas.RollingBeta(names, window, "ETHUSDT", below) for below in (None, 0.0))
    found = together.rolling_correlation(rows, names, window)
    model = betas.rolling_beta(rows, names, window, "ETHUSDT")
    down = betas.rolling_beta(rows, names, window, "ETHUSDT", 0.0)
    for at, row in enumerate(rows):
        matrix, one, two = live.push(row), slope.push(row), falling.push(row)
        assert (matrix is None) == (one is None) == (two is None) == (at < window - 1)
        if matrix is None or one is None or two is None:
            continue
        assert np.array_equal(matrix, found.matrix(at), equal_nan=True)
        for told, columns in ((one, model), (two, down)):
            assert told.names == columns.names == ("BTCUSDT", "SOLUSDT")
            assert np.array_equal(told.beta[:, 0], columns.beta[:, at], equal_nan=True)
            assert np.array_equal(told.error[:, 0], columns.error[:, at], equal_nan=True)


@given(rows=tables, cut=st.integers(3, 60))
def test_rows_to_come_change_nothing(rows: list[list[float]], cut: int) -> None:
    cut = min(cut, len(rows))
    whole = together.rolling_correlation(rows, NAMES[:3], 3).pairs
    assert np.array_equal(
        whole[:, :cut], together.rolling_correlation(rows[:cut], NAMES[:3], 3).pairs, equal_nan=True
    )


def test_shrunk_betas_are_vasiceks() -> None:
    beta, error = [Fraction(1, 2), Fraction(3, 2), Fraction(2)], [Fraction(0), Fraction(1, 4), Fraction(1)]
    mean = sum(beta) / 3
    variance = sum((one - mean) ** 2 for one in beta) / 2
    wanted = [
        (b / (e * e) + mean / variance) / (1 / (e * e) + 1 / variance) if e else b
        for b, e in zip(beta, error, strict=True)
    ]
    found = betas.vasicek([float(one) for one in beta], [float(one) for one in error])
    assert found.tolist() == pytest.approx([float(one) for one in wanted], rel=1e-14)
    assert found[0] == 0.5, "a beta without error stays"
    assert mean < found[2] < beta[2], "a doubtful one is drawn to the mean"
    assert np.isnan(betas.vasicek([1.0, 2.0], [0.1, 0.1])).all()
    returns = made_returns(3, 200)
    model = betas.rolling_beta(returns, NAMES, 100, "BTCUSDT")
    assert np.array_equal(model.shrunk()[:, -1], betas.vasicek(model.beta[:, -1], model.error[:, -1]))
    assert model.of("ETHUSDT")[-1] == model.beta[0, -1]


@pytest.mark.parametrize("lag", [-7, -1, 0, 3, 10])
def test_the_leader_is_found(lag: int) -> None:
    rng = np.random.Generator(np.random.PCG64(lag + 20))
    market = rng.normal(0, 1e-3, 800)
    own = 0.8 * np.roll(market, lag) + rng.normal(0, 4e-4, 800)
    found = betas.lead_lag(own, market, 10)
    assert found.best == lag, "above 0 the market leads"
    assert found.beta == pytest.approx(0.8, abs=0.1)
    for at, one in zip(found.lags, found.correlations, strict=True):
        x, m = (own[at:], market[: len(market) - at]) if at >= 0 else (own[:at], market[-at:])
        assert one == pytest.approx(np.corrcoef(x, m)[0, 1], abs=1e-12)


def test_aligned_keeps_the_times_that_all_have() -> None:
    rng = random.Random(4)
    made = {}
    for name in NAMES:
        times = sorted(rng.sample(range(100), 80))
        made[name] = (times, [1_000 * t + len(made) for t in times])
    found = together.aligned(made)
    shared = sorted(set.intersection(*(set(times) for times, _ in made.values())))
    assert found.times_ns.tolist() == shared
    assert 20 < len(shared) < 80
    assert found.closes.tolist() == [[1_000.0 * t + i for i in range(4)] for t in shared]


ROWS = [[0.01, 0.02], [0.02, -0.01], [-0.01, 0.01], [0.0, 0.02]]
TWO = NAMES[:2]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: together.rolling_correlation([["a", "b"]] * 4, TWO, 2), "ANALYSIS-501"),
        (lambda: together.rolling_correlation([0.1, 0.2], TWO, 2), "ANALYSIS-501"),
        (lambda: together.rolling_correlation(ROWS, TWO, 1), "ANALYSIS-502"),
        (lambda: together.rolling_correlation(ROWS, TWO, 5), "ANALYSIS-503"),
        (lambda: together.rolling_correlation([*ROWS, [math.nan, 0.1]], TWO, 2), "ANALYSIS-504"),
        (lambda: together.log_returns([[1.0, 2.0], [0.0, 1.0]]), "ANALYSIS-507"),
        (lambda: together.log_returns([[1.0, 2.0]]), "ANALYSIS-503"),
        (lambda: together.aligned({}), "ANALYSIS-511"),
        (lambda: together.aligned({"A": ([1, 2], [1])}), "ANALYSIS-511"),
        (lambda: together.aligned({"A": ([2, 1], [1, 1])}), "ANALYSIS-511"),
        (lambda: together.aligned({"A": ([1, 2], [1, 1]), "B": ([3], [1])}), "ANALYSIS-511"),
        (lambda: together.rolling_correlation(ROWS, ("A", "A"), 2), "ANALYSIS-512"),
        (lambda: together.rolling_correlation(ROWS, ("A",), 2), "ANALYSIS-512"),
        (lambda: together.rolling_correlation([[0.1], [0.2]], ("A",), 2), "ANALYSIS-512"),
        (lambda: together.RollingCorrelation(("A",), 2), "ANALYSIS-512"),
        (lambda: together.RollingCorrelation(TWO, 2).push([0.1]), "ANALYSIS-512"),
        (lambda: together.RollingCorrelation(TWO, 2).push([0.1, math.inf]), "ANALYSIS-504"),
        (lambda: together.rolling_correlation(ROWS, TWO, 2).between("BTCUSDT", "DOGE"), "ANALYSIS-513"),
        (lambda: together.rolling_correlation(ROWS, TWO, 2).between("BTCUSDT", "BTCUSDT"), "ANALYSIS-513"),
        (lambda: betas.rolling_beta(ROWS, TWO, 3, "DOGE"), "ANALYSIS-513"),
        (lambda: betas.rolling_beta(ROWS, TWO, 2, "BTCUSDT"), "ANALYSIS-502"),
        (lambda: betas.rolling_beta([[0.1]] * 4, ("A",), 3, "A"), "ANALYSIS-512"),
        (lambda: betas.RollingBeta(("A",), 3, "A"), "ANALYSIS-512"),
        (lambda: betas.vasicek([1.0], [1.0, 2.0]), "ANALYSIS-512"),
        (lambda: betas.lead_lag([0.1] * 30, [0.1] * 29), "ANALYSIS-512"),
        (lambda: betas.lead_lag([0.5] * 30, [0.5] * 30, 2), "ANALYSIS-512"),
        (lambda: betas.lead_lag([0.1, 0.2], [0.1, 0.2], 2), "ANALYSIS-503"),
    ],
)
def test_what_cannot_be_measured_is_refused(call: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.hint


def test_a_row_refused_changes_nothing() -> None:
    rows = made_returns(6, 40).tolist()
    clean, tried = (together.RollingCorrelation(NAMES, 5) for _ in range(2))
    for row in rows:
        for odd in ([math.nan, *row[1:]], row[:3], ["x", *row[1:]]):
            with pytest.raises(InputError, match=r"ANALYSIS-5(01|04|12)"):
                tried.push(odd)
        first, second = clean.push(row), tried.push(row)
        assert (first is None and second is None) or np.array_equal(first, second, equal_nan=True)
