"""A year of a small account that obeys its plan: paper, live, up and down, as kept, and each move by hand.

The market is made of a seed; the plan's text and the market were written down, and the machine decided. When
the way of a year changes for a good reason: ``python -m tests.golden.test_plan_year`` keeps the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("polars")

from lotwise.app.plan_year import (
    ALLOWED,
    ASSUMED,
    CONTRACT,
    DEPOSIT_CASH,
    EQUITY_CASH,
    SEED,
    YEAR_PLAN,
    Year,
    walk_year,
)
from lotwise.backtest.guarded import play_guarded
from lotwise.backtest.run import Plan as RunPlan
from lotwise.guard.facts import Rulebook
from lotwise.records.plan import EquitySeen, PlanLimits, TradeClosed, Transferred
from lotwise.scaling.config import DAY_NS
from lotwise.scaling.keep import KeptPlan
from lotwise.scaling.machine import Plan
from lotwise.strategy.library.breakout import Breakout
from lotwise.units import Rate8

KEPT = Path(__file__).parent / "plan_year.json"
PAGE = Path(__file__).parents[2] / "docs" / "plan.md"
PROOF = os.environ.get("LOTWISE_PROFILE") == "proof"
PER_CENT = Fraction(1, 100)
LOTS = 250
"""Most lots of a trade of the second phase, in the plan's text."""


def kept_of(year: Year) -> dict[str, Any]:
    """The year in whole numbers."""
    limits = [
        (time_ns, one.phase, one.where, one.risk_cash, one.capital_cash, one.lots, one.locked_until_ns)
        for time_ns, one in year.limits
    ]
    return {
        "transitions": [
            [one.time_ns, one.sequence, one.kind, one.equity_cash, one.risk_cash] for one in year.transitions
        ],
        "equity_cash": year.equity_cash,
        "accounts": year.named,
        "intents": len(limits),
        "limits": hashlib.sha256(repr(limits).encode()).hexdigest(),
        "signals_not_opened": year.judged,
        "trades": {
            where: {
                "count": len(trips),
                **{
                    name: sum(trip[name] for trip in trips)
                    for name in ("result_cash", "risk_cash", "fees_cash", "funding_cash", "closed_ns")
                },
                "lots": sum(abs(trip["lots"]) for trip in trips),
            }
            for where, trips in year.trips.items()
        },
    }


@pytest.fixture(scope="module")
def year() -> Year:
    return walk_year()


def test_the_year_is_walked_again(year: Year) -> None:
    assert json.loads(json.dumps(kept_of(year))) == json.loads(KEPT.read_text(encoding="utf-8"))
    first, last = int(year.feed["time_ns"][0]), int(year.feed["time_ns"][-1])
    assert (last - first) // DAY_NS == 364


def test_it_walks_from_paper_to_live_up_and_down(year: Year) -> None:
    kinds = [(one.kind, one.after if "phase" in one.kind else "") for one in year.transitions]
    assert kinds == [
        ("begin", ""),
        ("phase up", "live small"),
        ("phase up", "gradual"),
        ("step up", ""),
        ("step down", ""),
        ("lock", ""),
        ("phase down", "live small"),
    ]
    risks = [one.risk_cash for one in year.transitions]
    assert risks[3] * 5 == pytest.approx(risks[2] * 6, abs=10), "a fifth more at risk"
    assert risks[4] < risks[3]
    assert risks[6] < risks[4]


def test_every_gate_by_another_way(year: Year) -> None:
    """At each way up: trades and days counted from the run's own trips, the mean far above 0."""
    ups = [one for one in year.transitions if one.kind == "phase up"]
    since_ns = int(year.feed["time_ns"][0])
    for moved, where in zip(ups, ("paper", "live"), strict=True):
        trips = [
            trip
            for trip in year.trips[where]  # type: ignore[index]
            if since_ns <= trip["opened_ns"] and trip["closed_ns"] <= moved.time_ns
        ]
        assert len(trips) >= 50
        assert (len(trips) - 50) % 25 == 0, "the last that was missing was a look"
        assert moved.time_ns - since_ns >= 30 * DAY_NS
        results = [Fraction(trip["result_cash"], trip["risk_cash"]) for trip in trips]
        mean = sum(results) / len(results)
        spread = sum((one - mean) ** 2 for one in results) / (len(results) - 1)
        assert float(mean) > 1.96 * float(spread / len(results)) ** 0.5
        since_ns = moved.time_ns


def test_every_trade_obeys_the_plan(year: Year) -> None:
    """What each trade could lose was bounded by what the plan allowed at its intent."""
    allowed: dict[int, PlanLimits] = dict(year.limits)
    bound_by_lots = 0
    for where, trips in year.trips.items():
        assert len(trips) >= 50
        for trip in trips:
            limits = allowed[trip["opened_ns"]]
            assert limits.where == where
            assert limits.locked_until_ns == 0
            assert trip["risk_cash"] <= trip["budget_cash"] <= limits.risk_cash
            assert limits.contracts in ((), (CONTRACT,))
            if limits.lots and abs(trip["lots"]) == limits.lots:
                bound_by_lots += trip["budget_cash"] < limits.risk_cash
            else:
                assert trip["budget_cash"] == limits.risk_cash, "the plan's money was the size's only bound"
                assert abs(trip["lots"]) < (limits.lots or 10**9)
    assert bound_by_lots >= 3
    assert sum(one.locked_until_ns > 0 for _, one in year.limits) > 10, "no signal came in the pause"
    assert {one.where for _, one in year.limits} == {"paper", "live"}


def test_paper_and_live_money_are_apart(year: Year) -> None:
    results = {where: sum(trip["result_cash"] for trip in trips) for where, trips in year.trips.items()}
    last = {one.where: one.equity_cash for one in year.events if isinstance(one, TradeClosed)}
    assert last["paper"] == EQUITY_CASH + results["paper"]
    assert last["live"] == EQUITY_CASH + DEPOSIT_CASH + results["live"]
    assert abs(results["paper"]) > 10 * 10**8
    went_live = next(one for one in year.transitions if one.kind == "phase up")
    assert went_live.equity_cash == EQUITY_CASH, "the live account has no cent of the paper's"


def test_a_deposit_changes_nothing(year: Year) -> None:
    (place,) = [number for number, event in enumerate(year.events) if isinstance(event, Transferred)]
    plan = Plan(year.config)
    for event in year.events[:place]:
        plan.tell(event)
    at_ns, came = year.events[place].time_ns, year.events[place]
    assert isinstance(came, Transferred)
    plan.tell(EquitySeen(time_ns=at_ns, where="live", equity_cash=came.equity_before_cash))  # a trade is open
    before, row = plan.limits(at_ns), (plan.row.base_cash, plan.row.peak_cash, plan.row.level)
    assert plan.tell(came) == ()
    after = plan.limits(at_ns)
    for name in ("phase", "where", "capital_cash", "risk_cash", "lots", "contracts", "locked_until_ns"):
        assert getattr(after, name) == getattr(before, name), name
    assert (plan.row.base_cash, plan.row.peak_cash, plan.row.level) == row
    assert before.next_step_cash is not None
    assert after.next_step_cash == before.next_step_cash + DEPOSIT_CASH
    without = walk_year(deposit_day=0)
    moved = [one.kind for one in without.transitions]
    assert moved == [one.kind for one in year.transitions], "the same way without the deposit"
    until = next(one.time_ns for one in year.transitions if one.kind == "phase down")
    same = [
        [trip["lots"] for trip in one.trips["live"] if trip["closed_ns"] <= until] for one in (year, without)
    ]
    assert same[0] == same[1], "the same sizes until the next phase counts its capital anew"


class ByHand:
    """The money at risk of the year's plan, from its words alone: fractions, no rule of the kernel."""

    def __init__(self) -> None:
        self.phase, self.reserve = "paper", Fraction(0)
        self.most: Fraction | None = None
        self.base = self.peak = self.recover = Fraction(0)
        self.lowered = 0

    def enter(self, phase: str, equity: int, most: Fraction | None) -> None:
        share = {"paper": Fraction(1), "live small": Fraction(1, 5), "gradual": Fraction(1, 2)}[phase]
        capital = Fraction(equity * share // 1)
        self.phase, self.reserve, self.most = phase, equity - capital, most
        self.base = self.peak = capital
        self.recover, self.lowered = Fraction(0), 0

    def step(self, equity: int) -> None:
        if self.phase != "gradual":
            return
        capital = equity - self.reserve
        self.peak = max(self.peak, capital)
        if capital >= self.base * Fraction(6, 5) and capital >= self.recover:
            self.base *= Fraction(6, 5)
            self.peak, self.recover = capital, Fraction(0)
            self.lowered = 0
        elif capital <= self.peak * Fraction(92, 100):
            self.recover, self.peak = self.peak, self.peak * Fraction(92, 100)
            self.base = min(self.base / Fraction(6, 5), capital)
            self.lowered += 1

    def risk(self, equity: int) -> Fraction:
        capital = equity - self.reserve
        if self.phase == "gradual":
            capital = min(capital, self.base)
        found = capital * PER_CENT
        return found if self.most is None else min(found, self.most)


def test_the_money_at_risk_by_hand(year: Year) -> None:
    """Every intent of the year: what the plan allowed, from the words of its text."""
    moves = {one.sequence: one for one in year.transitions if "phase" in one.kind}
    paused_ns = next(one.time_ns for one in year.transitions if one.kind == "lock") + 14 * DAY_NS
    hand, equity = ByHand(), {"paper": 0, "live": 0}
    asked, at = list(year.limits), 0
    seen = set()
    for number, event in enumerate(year.events, 1):
        while at < len(asked) and asked[at][1].sequence < number:
            time_ns, limits = asked[at]
            at += 1
            where = "paper" if hand.phase == "paper" else "live"
            locked = hand.most is not None and time_ns < paused_ns
            wanted = Fraction(0) if locked else hand.risk(equity[where])
            assert abs(limits.risk_cash - wanted) <= 2, (number, limits)
            seen.add((limits.phase, locked, hand.lowered))
        if isinstance(event, TradeClosed):
            equity[event.where] = event.equity_cash
            hand.step(equity["live"])
        elif isinstance(event, Transferred):
            equity[event.where] = event.equity_before_cash + event.amount_cash
            hand.reserve += event.amount_cash
        else:
            equity = {"paper": int(EQUITY_CASH), "live": int(EQUITY_CASH)}
            hand.enter("paper", equity["paper"], None)
        if number in moves:
            phase = moves[number].after
            most = hand.risk(equity["live"]) if moves[number].kind == "phase down" else None
            hand.enter(phase, equity["live"], most)
    assert at > 400
    assert seen >= {
        ("paper", False, 0),
        ("live small", False, 0),
        ("gradual", False, 0),
        ("gradual", False, 1),
        ("live small", True, 0),
    }


def test_a_restart_anywhere_and_a_session_that_watches(year: Year, tmp_path: Path) -> None:
    """The year's events through the log on disk: opened anew now and then, and watched all the time."""
    from lotwise.app.plan import PlanWatch
    from lotwise.clock import FixedClock

    path = tmp_path / "plan.toml"
    path.write_text(YEAR_PLAN, encoding="utf-8")
    plan, kept = Plan(year.config), KeptPlan(path)
    watch = PlanWatch(path, FixedClock(0))
    for number, event in enumerate(year.events):
        plan.tell(event)
        kept.tell([event])
        assert watch.limits_at(event.time_ns) == plan.limits(event.time_ns)
        if number % 40 == 0:
            kept.close()
            kept = KeptPlan(path)
            assert kept.limits(event.time_ns) == plan.limits(event.time_ns)
    assert watch.transitions() == list(year.transitions)


FREE = """
[plan]
name = "no bound but the share"
[[phase]]
name = "all"
where = "live"
risk = "1%"
"""


def test_two_accounts_bar_by_bar_are_one_run(year: Year) -> None:
    """With a plan that asks nothing, the live account's trades are those of a guarded backtest."""
    free = walk_year(FREE, deposit_day=0)
    assert free.trips["paper"] == []
    plan = RunPlan(EQUITY_CASH, Rate8(10**6), allowed=ALLOWED, assumed=ASSUMED, curve_every_ns=0)
    run, _ = play_guarded(
        [Breakout(24, 3)], [free.contract], free.feed, plan, rulebook=lambda now: Rulebook(allowed=ALLOWED)
    )
    names = [name for name in run.trips.dtype.names if name not in ("opened_row", "closed_row")]
    wanted = [{name: int(trip[name]) for name in names} for trip in run.trips]
    assert len(wanted) > 200
    assert [{name: trip[name] for name in names} for trip in free.trips["live"]] == wanted


def test_the_years_of_other_seeds() -> None:
    """The table of docs/plan.md: the same plan and the same regimes, drawn with other seeds; all in proof."""
    rows = re.findall(
        r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) >= 4
    for seed, *told in rows if PROOF else rows[3:4]:
        assert told_of(walk_year(seed=int(seed))) == [cell.strip() for cell in told], seed
    assert str(SEED) in [seed for seed, *_ in rows]


def told_of(year: Year) -> list[str]:
    """A row of that table: how it went, live trades, live equity at the end."""
    words = {"phase up": "{}", "phase down": "back to {}", "step up": "up", "step down": "down"}
    way = [words[one.kind].format(one.after) for one in year.transitions if one.kind in words]
    equity = Fraction(year.equity_cash["live"], 10**8)
    return [", ".join(["paper", *way]), str(len(year.trips["live"])), f"{float(equity):,.2f}"]


if __name__ == "__main__":
    KEPT.write_text(json.dumps(kept_of(walk_year()), indent=1) + "\n", encoding="utf-8")
