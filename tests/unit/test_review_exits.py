"""Other exits: by hand, by brute force, and a good one of the past that is not believed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from lotwise.review.exits import STOPS, TARGETS, Exits, exits, slippage
from lotwise.review.table import UNKNOWN, Reviewed, of_columns

E8 = 10**8


def table(rows: list[tuple[float, float, float, float]]) -> Reviewed:
    """(result, worst, best, costs) of each trade in R, one unit of money at risk."""
    count = len(rows)
    result, worst, best, costs = (np.rint(np.asarray(column) * E8) for column in zip(*rows, strict=True))
    numbers: dict[str, Any] = {
        "opened_ns": np.arange(count),
        "closed_ns": np.arange(count) + 1,
        "net_cash": result,
        "risk_cash": np.full(count, E8),
        "mae_cash": worst,
        "mfe_cash": best,
        "fee_cash": costs,
    }
    return of_columns(count, {}, numbers)


def change(found: Exits, kind: str, at_r: float) -> float:
    (one,) = [one for one in found.alternatives if (one.kind, one.at_r) == (kind, at_r)]
    return one.change


def test_four_trades_by_hand() -> None:
    rows = [
        (1.9, -0.3, 2.0, 0.1),  # a stop at 0.25 ends it at -0.35
        (-1.1, -1.0, 0.6, 0.1),  # a target at 0.5 ends it at +0.4
        (0.05, -0.1, 1.2, 0.1),  # a scratch that had stood at 1 R
        (-0.6, -0.7, 1.0, 0.1),  # gave 1 R back: a break-even stop makes it -0.1
    ]
    found = exits(table(rows))
    stopped = [-0.35, -0.35, 0.05, -0.35]
    assert change(found, "stop", 0.25) == pytest.approx((sum(stopped) - sum(row[0] for row in rows)) / 4)
    taken = [0.4] * 4
    assert change(found, "target", 0.5) == pytest.approx((sum(taken) - sum(row[0] for row in rows)) / 4)
    assert change(found, "target", 3.0) == 0
    back = found.scratches
    assert back is not None
    assert (back.count, back.after_gain, back.gave_back, back.winners) == (1, 1, 1, 2)
    assert back.saved_r == pytest.approx(0.5)
    assert back.bearable == pytest.approx(0.5 / 1.95)
    assert found.trial is None, "too few to choose in some and judge in others"


def test_every_alternative_again_trade_by_trade() -> None:
    rng = np.random.Generator(np.random.PCG64(9))
    rows = [
        (float(r), -float(w), float(b), float(c))
        for r, w, b, c in zip(
            rng.integers(-120, 300, 200) / 100,
            rng.integers(0, 120, 200) / 100,
            rng.integers(0, 400, 200) / 100,
            rng.integers(0, 20, 200) / 100,
            strict=True,
        )
    ]
    found = exits(table(rows))
    assert len(found.alternatives) == len(STOPS) + len(TARGETS)
    for one in found.alternatives:
        made = []
        for result, worst, best, costs in rows:
            if one.kind == "stop" and round(worst * E8) <= -round(one.at_r * E8):
                made.append(-one.at_r - costs)
            elif one.kind == "target" and round(best * E8) >= round(one.at_r * E8):
                made.append(one.at_r - costs)
            else:
                made.append(result)
        assert one.mean == pytest.approx(sum(made) / 200)
        assert one.change == pytest.approx(one.mean - sum(row[0] for row in rows) / 200)


def test_a_stop_that_only_fitted_the_past_does_not_hold() -> None:
    fitted = [(-1.0, -1.0, 0.1, 0.0), (1.0, -0.1, 1.0, 0.0)] * 50
    turned = [(1.0, -0.9, 1.0, 0.0), (-0.2, -0.2, 0.1, 0.0)] * 25
    trial = exits(table(fitted + turned)).trial
    assert trial is not None
    assert trial.chosen.kind == "stop"
    assert trial.earlier_change > 0.2
    assert trial.later_change is not None
    assert trial.later_change.value < 0
    assert trial.verdict == "did not hold"


def test_one_that_holds_and_one_that_nothing_betters() -> None:
    trial = exits(table([(-1.0, -1.0, 0.1, 0.0), (1.0, -0.1, 1.0, 0.0)] * 60)).trial
    assert trial is not None
    assert trial.verdict == "held"
    assert (trial.chosen.at_r, trial.earlier, trial.later) == (0.25, 80, 40)
    nothing = exits(table([(0.2, 0.0, 0.3, 0.0), (-0.2, -0.2, 0.0, 0.0)] * 60)).trial
    assert nothing is not None
    assert nothing.verdict == "did not hold"


def test_noise_is_seldom_believed() -> None:
    rng = np.random.Generator(np.random.PCG64(10))
    held = 0
    for _ in range(500):
        rows = []
        for _ in range(120):  # a walk without drift: no exit is better than another
            path = np.cumsum(rng.choice((-0.05, 0.05), 400))
            out = np.flatnonzero((path < -0.99) | (path > 1.99))
            path = path[: int(out[0]) + 1] if len(out) else path
            rows.append((float(path[-1]), min(0.0, float(path.min())), max(0.0, float(path.max())), 0.0))
        trial = exits(table(rows)).trial
        held += trial is not None and trial.verdict == "held"
    assert 1 <= held <= 25, "5 %: the interval of the later third leaves 0 out on one side for 2.5 %"


def test_unknown_extremes_are_left_out() -> None:
    known = table([(1.0, -0.5, 1.0, 0.0)] * 3)
    numbers = {
        "opened_ns": [0, 1],
        "closed_ns": [1, 2],
        "net_cash": [E8, E8],
        "risk_cash": [E8, E8],
        "mae_cash": [UNKNOWN, -E8],
        "mfe_cash": [UNKNOWN, E8],
    }
    assert exits(known).measured == 3
    assert exits(of_columns(2, {}, numbers)).measured == 1
    assert exits(of_columns(2, {}, {name: numbers[name] for name in list(numbers)[:4]})) == Exits(
        0, (), None, None
    )


def test_another_stop_slips_as_the_real_ones_did() -> None:
    rows = [(-1.2, -1.0, 0.1, 0.0), (1.0, -0.1, 1.0, 0.0)]
    sharp = exits(table(rows))
    slipped = dataclasses.replace(table(rows), slip_cash=np.asarray([E8 // 5, UNKNOWN]))
    assert slippage(slipped) == 0.2
    assert change(sharp, "stop", 0.5) - change(exits(slipped), "stop", 0.5) == pytest.approx(0.1)
    assert change(sharp, "target", 0.5) == change(exits(slipped), "target", 0.5)
