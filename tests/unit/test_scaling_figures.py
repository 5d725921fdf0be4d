"""The plan's figures: the progression by hand, what looks let through by chance, paths walked again."""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.kernel.layout import RATE
from lotwise.records.plan import Begun, TradeClosed
from lotwise.scaling import gates
from lotwise.scaling.config import DAY_NS, Gate, read_plan
from lotwise.scaling.example import EXAMPLE
from lotwise.scaling.machine import Plan
from lotwise.scaling.progression import equities, progression
from lotwise.scaling.simulate import Course, simulate
from lotwise.sizing.question import Words
from lotwise.sizing.solve import countable_rows_of
from lotwise.stats.rungs import Desk, Odds, Sample
from lotwise.units import Cash, Rate8, Ticks

U = 10**8
PROOF = os.environ.get("LOTWISE_PROFILE") == "proof"


def contract(lot: str = "0.0001") -> Contract:
    return Contract(
        symbol="BTCUSDT", base="BTC", quote="USDT", tick_size="0.1", lot_size=lot, min_notional="0"
    )


def test_the_progression_of_the_product_page() -> None:
    """Case D: 1,000, 1,150 and 1,400 at 1 %, a stop of 2 % at 65,000, steps of 0.0001 BTC, costs left out."""
    at = [Cash(amount * U) for amount in (1_000, 1_150, 1_400)]
    steps = progression(contract(), at, risk8=Rate8(RATE // 100), entry="65000", stop="2%", free=True)
    assert [Fraction(step.risk_cash, U) for step in steps] == [10, Fraction(23, 2), 14]
    assert [step.notional_cash // U for step in steps] == [500, 575, 700]
    assert [Decimal(step.plan.quantity) for step in steps] == [
        Decimal("0.0076"),
        Decimal("0.0088"),
        Decimal("0.0107"),
    ]


def test_steps_of_a_fifth() -> None:
    assert [cash // U for cash in equities(Cash(1_000 * U), Rate8(20_000_000), 5)] == [
        1_000,
        1_200,
        1_440,
        1_728,
        2_073,
    ]
    with pytest.raises(InputError, match="PLAN-131"):
        equities(Cash(1_000 * U), Rate8(RATE), 100)
    with pytest.raises(InputError, match="PLAN-131"):
        equities(Cash(1_000 * U), Rate8(RATE), 0)


def test_an_inverse_contract_has_no_such_table() -> None:
    from lotwise.contracts import catalogue

    inverse = catalogue.load("binance-coinm:BTCUSD_PERP")
    with pytest.raises(InputError, match="PLAN-132"):
        progression(inverse, [Cash(U)], risk8=Rate8(U // 100), entry="65000", stop="2%")


def test_looks_leave_to_chance_what_the_level_says() -> None:
    gate = Gate(trades=50, look_every=25, expectancy8=0)
    assert [gates.looks_due(gate, count) for count in (49, 50, 74, 75, 200)] == [0, 1, 1, 2, 7]
    left = sum(1 - gates.level_of(gate, look) for look in range(1, 10_000))
    assert 0.0999 < left < 0.1


def test_a_trader_without_an_edge_seldom_passes() -> None:
    """At most 5 of 100, over eight looks; an edge of a third of R passes nearly always."""
    gate = Gate(trades=40, look_every=40, expectancy8=0)
    chance = np.random.Generator(np.random.PCG64(11))
    paths = 2_000 if PROOF else 100

    def share(mean: float) -> float:
        passed = 0
        for _ in range(paths):
            results = chance.normal(mean, 1.2, 320)
            marks = [gates.TradeMark("", round(value * RATE), False, False) for value in results]
            looks = (gates.look_at(gate, marks[: 40 * number], number) for number in range(1, 9))
            passed += any(look.passed for look in looks)
        return passed / paths

    assert share(0) <= 0.05 + 3 * (0.05 * 0.95 / paths) ** 0.5
    assert share(0.33) > 0.9


def test_the_gate_of_drawdown_forgets_old_falls() -> None:
    seen = [(0, 100), (1, 80), (2, 100), (3, 95), (4, 110)]
    assert gates.worst_fall8(seen, 0) == RATE // 5
    assert gates.worst_fall8(seen, 2) == RATE // 20


def desk(equity: str = "1000") -> Desk:
    words = Words(side="long", entry="65000", stop="2%", equity=equity, risk="1%", fees=FeeSchedule("0", "0"))
    return Desk(*countable_rows_of(words.on(contract())))


CONFIG = read_plan(
    tomllib.loads(
        """
[plan]
name = "quick"
[[phase]]
name = "paper"
where = "paper"
risk = "1%"
[phase.gate]
trades = 10
expectancy = "0R"
[[phase]]
name = "small"
where = "live"
capital = "50%"
risk = "2%"
steps = {up = "20%", down = "10%"}
fall = {drawdown = "10%", pause = "30d", back = true}
"""
    )
)


def test_paths_are_the_machine_s_own() -> None:
    """One path walked again by hand: results in order, lots of whole steps, money to the last 1e-8."""
    results = (2 * RATE, -RATE, 2 * RATE, RATE, -RATE)
    course = Course(months=4, trades_a_month=15, paths=1, seed=3)
    told = simulate(CONFIG, desk(), Sample(results), Cash(1_000 * U), course)

    drawn = np.random.Generator(np.random.PCG64([3, 0])).integers(0, 5, 60)
    plan = Plan(CONFIG)
    plan.tell(Begun(time_ns=0, equity_cash=Cash(1_000 * U)))
    equity = {"paper": 1_000 * U, "live": 1_000 * U}
    loss_of_lot = Fraction(13 * U, 100)  # 0.0001 BTC at 2 % of 65,000
    for number, which in enumerate(drawn):
        now = (number + 1) * 2 * DAY_NS
        if now < plan.locked_until_ns:
            continue
        where = plan.phase.where
        lots = plan.limits(now).risk_cash // loss_of_lot
        if lots == 0:
            continue
        loss = int(lots * loss_of_lot)
        change = loss * results[which] // RATE
        equity[where] += change
        plan.tell(
            TradeClosed(
                time_ns=now,
                trade_id=str(number),
                where=where,
                equity_cash=Cash(equity[where]),
                result_cash=Cash(change),
                risk_cash=Cash(loss),
                is_noted=True,
            )
        )
    assert told.equity_cash[2] == equity["live"]
    assert told.phases[plan.number].is_end == 1
    assert equity["live"] != 1_000 * U, "the path never went live"


def test_an_edge_climbs_and_none_does_not() -> None:
    course = Course(months=12, trades_a_month=15, paths=40)
    good = simulate(CONFIG, desk(), Odds(55_000_000, Ticks(676_000)), Cash(1_000 * U), course)
    bad = simulate(CONFIG, desk(), Odds(25_000_000, Ticks(676_000)), Cash(1_000 * U), course)
    assert good.phases[1].reached > 30
    assert bad.phases[1].reached <= 4
    assert good.step_ups > 0
    assert good.equity_cash[2] > 1_000 * U > bad.equity_cash[0] - 1
    assert good.phases[1].months is not None
    low, middle, high = good.phases[1].months
    assert 0 < low <= middle <= high <= 12
    assert good == simulate(CONFIG, desk(), Odds(55_000_000, Ticks(676_000)), Cash(1_000 * U), course)


def test_a_small_account_is_stuck_and_says_so() -> None:
    course = Course(months=1, trades_a_month=5, paths=3)
    told = simulate(CONFIG, desk("5"), Odds(50_000_000, Ticks(676_000)), Cash(5 * U), course)
    assert told.stuck == 3
    assert told.phases[0].is_end == 3


@pytest.mark.parametrize(
    ("course", "source", "code"),
    [
        (Course(months=0), Odds(RATE, Ticks(676_000)), "PLAN-141"),
        (Course(paths=10**9), Odds(RATE, Ticks(676_000)), "PLAN-141"),
        (Course(), Sample(()), "PLAN-142"),
    ],
)
def test_what_cannot_be_walked(course: Course, source: Odds | Sample, code: str) -> None:
    with pytest.raises(InputError, match=code):
        simulate(CONFIG, desk(), source, Cash(1_000 * U), course)


def test_the_example_is_walked_within_its_rules() -> None:
    calls: list[tuple[int, int]] = []
    told = simulate(
        read_plan(tomllib.loads(EXAMPLE)),
        desk(),
        Odds(60_000_000, Ticks(676_000)),
        Cash(1_000 * U),
        Course(months=12, trades_a_month=30, paths=10),
        lambda done, of: calls.append((done, of)),
    )
    assert calls[-1] == (10, 10)
    assert told.phases[0].reached == 10
    assert told.phases[1].reached >= 8
    assert told.ruined == 0
