"""The plan as a machine, under states that Hypothesis finds: what it may never do, counted another way."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lotwise.errors import InputError
from lotwise.kernel.layout import RATE
from lotwise.records.plan import (
    Begun,
    BreachFound,
    EquitySeen,
    Priced,
    SteppedBack,
    TradeClosed,
    TradeNoted,
    Transferred,
    Transition,
)
from lotwise.scaling.config import DAY_NS, read_plan
from lotwise.scaling.machine import Plan
from lotwise.units import Cash

U = 10**8
TEXT = """
[plan]
name = "quick"
usual_stop = "2%"
[[phase]]
name = "paper"
where = "paper"
capital = "1000"
risk = "1%"
[phase.gate]
trades = 4
expectancy = "0R"
look_every = 2
breaches = "1 in 4"
drawdown = "20%"
notes = "50%"
days = 1
[[phase]]
name = "small"
where = "live"
capital = "20%"
risk = "1%"
fall = {drawdown = "8%", pause = "2d", back = true}
contracts = ["bybit:BTCUSDT", "binance:BTCUSDT"]
[phase.gate]
trades = 3
drawdown = "8%"
[[phase]]
name = "grow"
where = "live"
capital = "50%"
risk = "2%"
steps = {up = "20%", down = "10%"}
fall = {drawdown = "15%", pause = "1d"}
[phase.gate]
trades = 3
[[phase]]
name = "lots"
where = "live"
risk = "3%"
lots = 1
steps = {lot_after = 3, down = "10%"}
"""
CONFIG = read_plan(tomllib.loads(TEXT))
PROOF = os.environ.get("LOTWISE_PROFILE") == "proof"
SEEN: set[str] = set()


@dataclass
class Shadow:
    """What a phase has seen, counted by hand from the events."""

    trades: list[dict[str, Any]] = field(default_factory=list)
    since_ns: int = 0

    def count_gates_open(self, number: int, now_ns: int) -> bool:
        """The gates that can be counted without statistics."""
        gate = CONFIG.phases[number].gate
        known = [trade for trade in self.trades if trade["risk"] > 0]
        if len(known) < gate.trades or now_ns - self.since_ns < gate.days * DAY_NS:
            return False
        if gate.breaches is not None:
            last = self.trades[-gate.breaches[1] :]
            if sum(trade["breach"] or trade["risk"] <= 0 for trade in last) > gate.breaches[0]:
                return False
        if gate.notes8 and Fraction(sum(t["noted"] for t in self.trades), len(self.trades)) < Fraction(1, 2):
            return False
        mean = sum(Fraction(trade["result"], trade["risk"]) for trade in known)
        return gate.expectancy8 is None or mean > 0  # an interval above 0 has its mean above 0


class PlanStates(RuleBasedStateMachine):
    """Any events, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.plan = Plan(CONFIG)
        self.told: list[Any] = []
        self.shadow = Shadow()
        self.now_ns = 0
        self.trades = 0
        self.equity = {"paper": 0, "live": 0}

    @initialize(equity=st.integers(50, 20_000))
    def begin(self, equity: int) -> None:
        self.equity = {"paper": equity * U, "live": equity * U}
        self.tell(Begun(time_ns=0, equity_cash=Cash(equity * U)))

    def tell(self, event: Any) -> tuple[Transition, ...]:
        number, before = self.plan.number, self.plan.limits(event.time_ns) if self.told else None
        now_ns = event.time_ns
        found = self.plan.tell(event)
        self.told.append(event)
        kinds = [moved.kind for moved in found]
        SEEN.update(kinds)
        if isinstance(event, TradeClosed) and event.where == CONFIG.phases[max(0, number)].where:
            self.shadow.trades.append(
                {
                    "id": event.trade_id,
                    "result": event.result_cash,
                    "risk": event.risk_cash,
                    "breach": event.is_breach,
                    "noted": event.is_noted,
                }
            )
        for trade in self.shadow.trades:
            if isinstance(event, TradeNoted | BreachFound) and trade["id"] == event.trade_id:
                trade["noted" if isinstance(event, TradeNoted) else "breach"] = True
        if "phase up" in kinds:
            assert self.plan.number == number + 1
            assert self.shadow.count_gates_open(number, now_ns), "a phase up without its gate"
            (moved,) = (one for one in found if one.kind == "phase up")
            assert moved.gates
            assert all(gate.is_open for gate in moved.gates)
        elif self.told[1:]:
            assert self.plan.number <= number, "a larger phase without a transition"
        if (
            before is not None
            and before.where == self.plan.phase.where
            and not isinstance(event, Transferred)
        ):
            self.no_larger_without_cause(before, kinds, event)
        if self.plan.number != number or {"phase up", "phase down"} & set(kinds):
            self.shadow = Shadow(since_ns=now_ns)
        return found

    def no_larger_without_cause(self, before: Any, kinds: Sequence[str], event: Any) -> None:
        """More money at risk, in one place: by a gate, a step, or capital that came back within the base."""
        after = self.plan.limits(event.time_ns)
        if after.lots > before.lots > 0:
            assert {"phase up", "step up"} & set(kinds)
        if after.risk_cash <= before.risk_cash or {"phase up", "step up"} & set(kinds):
            return
        assert not isinstance(event, SteppedBack), "a step back made the size larger"
        assert after.capital_cash > before.capital_cash, "more at risk and no more capital"
        if self.plan.row.kind == 1:
            base_risk = self.plan.row.base_cash * self.plan.phase.risk8 // RATE
            assert after.risk_cash <= base_risk

    @rule(
        share=st.integers(-150, 250),
        hours=st.integers(0, 40),
        breach=st.booleans(),
        noted=st.booleans(),
        known=st.integers(0, 9),
    )
    def trade(self, share: int, hours: int, breach: bool, noted: bool, known: int) -> None:
        self.now_ns += hours * DAY_NS // 24
        where = self.plan.phase.where
        risk = max(1, self.plan.limits(self.now_ns).risk_cash)
        result = risk * share // 100
        self.equity[where] += result
        self.trades += 1
        self.tell(
            TradeClosed(
                time_ns=self.now_ns,
                trade_id=str(self.trades),
                where=where,
                equity_cash=Cash(self.equity[where]),
                result_cash=Cash(result),
                risk_cash=Cash(risk if known else 0),
                is_breach=breach and known > 6,
                is_noted=noted or known > 3,
            )
        )

    @rule(count=st.integers(3, 8), share=st.integers(20, 250))
    def wins(self, count: int, share: int) -> None:
        for number in range(count):
            self.trade(share=share - 3 * number, hours=12, breach=False, noted=True, known=1)

    @rule(count=st.integers(3, 12))
    def losses(self, count: int) -> None:
        for _ in range(count):
            self.trade(share=-100, hours=3, breach=False, noted=True, known=1)

    @rule(second=st.integers(1, 12))
    def climb_and_price(self, second: int) -> None:
        for _ in range(12):
            if self.plan.phase.where == "live":
                break
            self.wins(count=3, share=200)
        self.price(first=1, second=second)

    @rule(share=st.integers(-30, 30))
    def look(self, share: int) -> None:
        where = self.plan.phase.where
        self.equity[where] += self.equity[where] * share // 100
        self.tell(EquitySeen(time_ns=self.now_ns, where=where, equity_cash=Cash(self.equity[where])))

    @rule(amount=st.integers(-500, 2_000), reserve=st.booleans())
    def transfer(self, amount: int, reserve: bool) -> None:
        where = self.plan.phase.where
        before, fall = self.plan.limits(self.now_ns), self.plan.fall8()
        number, level = self.plan.number, self.plan.row.level
        found = self.tell(
            Transferred(
                time_ns=self.now_ns,
                where=where,
                equity_before_cash=Cash(self.equity[where]),
                amount_cash=Cash(amount * U),
                of_reserve=reserve,
            )
        )
        self.equity[where] += amount * U
        assert self.plan.number >= number or "phase down" in [moved.kind for moved in found]
        if self.plan.number == number and before.capital_cash > 0 < self.plan.capital(where):
            assert self.plan.row.level == level, "a transfer made a step"
            assert self.plan.fall8() == fall or "lock" in [moved.kind for moved in found]

    @rule(first=st.integers(1, 40), second=st.integers(1, 40))
    def price(self, first: int, second: int) -> None:
        losses = {"bybit:BTCUSDT": Cash(first * U), "binance:BTCUSDT": Cash(second * U)}
        self.tell(Priced(time_ns=self.now_ns, losses_cash=losses))
        allowed = self.plan.limits(self.now_ns).contracts
        if self.plan.number == 1:
            fits = self.plan._risk() >= second * U
            assert ("binance:BTCUSDT" in allowed) == fits
            assert "bybit:BTCUSDT" in allowed

    @rule()
    def back(self) -> None:
        number = self.plan.number
        before = self.plan.limits(self.now_ns).risk_cash
        was = self.plan.phase.where
        self.tell(SteppedBack(time_ns=self.now_ns))
        assert self.plan.number == max(0, number - 1), "a way back is always open"
        if self.plan.phase.where == was:
            assert self.plan.limits(self.now_ns).risk_cash <= max(before, self.plan._risk())

    @precondition(lambda self: self.trades > 0)
    @rule(which=st.integers(1, 10_000), note=st.booleans())
    def mark(self, which: int, note: bool) -> None:
        name = str(1 + which % self.trades)
        kind = TradeNoted if note else BreachFound
        self.tell(kind(time_ns=self.now_ns, trade_id=name))

    @rule()
    def refused(self) -> None:
        before = self.plan.limits(self.now_ns)
        late = EquitySeen(time_ns=self.now_ns - 1, where="live", equity_cash=Cash(1))
        unknown = TradeNoted(time_ns=self.now_ns, trade_id="none")
        for event, code in ((late, "PLAN-112"), (unknown, "PLAN-114"), (self.told[0], "PLAN-113")):
            with pytest.raises(InputError, match=code):
                self.plan.tell(event)
        for event in self.told[1:]:
            if isinstance(event, TradeClosed):
                with pytest.raises(InputError, match=r"PLAN-11[12]"):
                    self.plan.tell(event)
                break
        assert self.plan.limits(self.now_ns) == before

    @invariant()
    def within_the_phase(self) -> None:
        if not self.told:
            return
        limits, phase = self.plan.limits(self.now_ns), self.plan.phase
        assert limits.risk_cash <= max(0, limits.capital_cash) * phase.risk8 // RATE
        assert limits.where == phase.where
        assert limits.sequence == len(self.told)
        if self.now_ns < self.plan.locked_until_ns:
            assert limits.risk_cash == 0

    def teardown(self) -> None:
        again = Plan(CONFIG)
        for event in self.told:
            again.tell(event)
        if self.told:
            assert again.limits(self.now_ns) == self.plan.limits(self.now_ns)
            assert again.gates() == self.plan.gates()


def test_the_plan_under_any_events() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    SEEN.clear()
    run_state_machine_as_test(
        PlanStates,
        settings=settings(
            max_examples=3_000 if PROOF else 40,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert {"begin", "phase up", "phase down", "step up", "step down", "lock", "contract"} <= SEEN, SEEN


def test_a_deposit_is_no_progress_and_a_withdrawal_no_fall() -> None:
    plan = Plan(CONFIG)
    plan.tell(Begun(time_ns=0, equity_cash=Cash(1_000 * U)))
    plan._enter(2)  # equity steps on half of the account
    assert plan.limits(0).risk_cash == 10 * U
    moved = plan.tell(Transferred(time_ns=1, equity_before_cash=Cash(1_000 * U), amount_cash=Cash(500 * U)))
    assert moved == ()
    assert (plan.row.level, plan.fall8()) == (0, 0)
    assert plan.limits(1).risk_cash == 20 * U  # two per cent of 1,000: the plan's 500 and the 500 that came
    plan.tell(Transferred(time_ns=2, equity_before_cash=Cash(1_500 * U), amount_cash=Cash(-500 * U)))
    assert (plan.row.level, plan.fall8(), plan.limits(2).risk_cash) == (0, 0, 10 * U)


def test_a_rise_of_a_fifth_raises_the_money_at_risk_by_a_fifth() -> None:
    plan = Plan(CONFIG)
    plan.tell(Begun(time_ns=0, equity_cash=Cash(1_000 * U)))
    plan._enter(2)
    told = plan.tell(EquitySeen(time_ns=1, where="live", equity_cash=Cash(1_099 * U)))
    assert told == ()
    (moved,) = plan.tell(EquitySeen(time_ns=2, where="live", equity_cash=Cash(1_100 * U)))
    assert (moved.kind, moved.before, moved.after) == ("step up", "10.00", "12.00")


def test_a_standard_contract_fits_when_its_loss_is_the_limit() -> None:
    plan = Plan(CONFIG)
    plan.tell(Begun(time_ns=0, equity_cash=Cash(25_000 * U)))
    plan._enter(1)
    losses = {"binance:BTCUSDT": Cash(50 * U + 1)}
    assert plan.tell(Priced(time_ns=1, losses_cash=losses)) == ()
    (moved,) = plan.tell(Priced(time_ns=2, losses_cash={"binance:BTCUSDT": Cash(50 * U)}))
    assert moved.kind == "contract"
    assert moved.why == "binance:BTCUSDT now fits: 50.00 <= 50.00"
    assert plan.limits(2).contracts == ("bybit:BTCUSDT", "binance:BTCUSDT")


def test_what_was_lost_before_a_transfer_is_a_fall() -> None:
    plan = Plan(CONFIG)
    plan.tell(Begun(time_ns=0, equity_cash=Cash(1_000 * U)))
    plan._enter(2)
    found = plan.tell(Transferred(time_ns=1, equity_before_cash=Cash(950 * U), amount_cash=Cash(1_000 * U)))
    assert plan.fall8() == RATE // 10  # 50 of the plan's 500, told only with the deposit
    assert [moved.kind for moved in found] == ["step down"]


def test_nothing_rises_while_it_is_locked_and_a_trade_without_a_stop_is_a_breach() -> None:
    plan = Plan(CONFIG)
    plan.tell(Begun(time_ns=0, equity_cash=Cash(1_000 * U)))
    plan.locked_until_ns = 10 * DAY_NS
    for number in range(9):
        told = TradeClosed(
            time_ns=number * 2 * DAY_NS,
            trade_id=str(number),
            where="paper",
            equity_cash=Cash((1_000 + number) * U),
            result_cash=Cash((10 + number) * U),
            risk_cash=Cash(10 * U),
            is_noted=True,
        )
        plan.tell(told)
        if told.time_ns < 10 * DAY_NS:
            assert plan.number == 0
            assert plan.limits(told.time_ns).risk_cash == 0
    assert plan.number == 1
    unknown = TradeClosed(
        time_ns=20 * DAY_NS,
        trade_id="no stop",
        where="live",
        equity_cash=Cash(1_000 * U),
        result_cash=Cash(U),
        risk_cash=Cash(0),
    )
    plan.tell(unknown)
    assert plan.marks[-1].is_breach
    assert plan.gates()[0].found == "0", "it counts for no gate of trades"
