"""A session that obeys a plan: its bounds are the plan's before each intent, whoever asked for more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lotwise.app import plan as plans
from lotwise.broker.port import Market
from lotwise.clock import FixedClock
from lotwise.errors import InputError
from lotwise.guard.facts import AccountFacts, Rulebook
from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.records.guard import Approved, Open, Refused
from lotwise.records.plan import Begun, EquitySeen, PlanLimits, SteppedBack
from lotwise.records.signal import Signal
from lotwise.scaling.keep import KeptPlan, log_of, restart
from lotwise.scaling.obey import (
    NO_CONTRACT,
    Planned,
    PlannedPipeline,
    lots_risk_cash,
    planned_book,
    planned_facts,
)
from lotwise.scaling.watch import PlanWatch
from lotwise.session.pipeline import NotSized, Sent
from lotwise.units import Cash, Rate8, Ticks
from tests.unit.played_market import contract

U = 10**8
ALL = Rate8(U)
AAA = contract("AAA")
SIGNAL = Signal(side=1, stop_ticks=Ticks(588_000))
"""Two per cent below 60,000.0."""
BOOK = Rulebook(allowed=AllowedRow())


def account(equity: int = 1_000) -> AccountFacts:
    return AccountFacts(
        equity_cash=Cash(equity * U),
        free_cash=Cash(equity * U),
        margin_cash=Cash(0),
        sequence=1,
        usage=UsageRow(started=1, day_start_cash=equity * U, week_start_cash=equity * U),
    )


def limits(**other: Any) -> PlanLimits:
    given: dict[str, Any] = {
        "sequence": 1,
        "phase": "small",
        "where": "live",
        "capital_cash": Cash(200 * U),
        "risk_cash": Cash(2 * U),
    }
    return PlanLimits(**(given | other))


class FakeBroker:
    """An account of 1,000 and a market at 60,000.0; orders are written down."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int]] = []
        self.left: list[str] = []

    def account(self, contract_id: str) -> AccountFacts:
        return account()

    def market(self, contract_id: str) -> Market:
        return Market(
            last_ticks=Ticks(600_000),
            spread_ticks=Ticks(1),
            slippage_ticks=Ticks(5),
            leverage100=1_000,
            is_cross=False,
            maker_fee8=Rate8(20_000),
            taker_fee8=Rate8(50_000),
        )

    def open(self, approved: Approved[Open], risk_cash: Cash, notional_cash: Cash) -> int:
        self.sent.append((int(approved.command.order.lots), int(risk_cash)))
        return 0

    def leave(self, contract_id: str) -> None:
        self.left.append(contract_id)


def opened(given: PlanLimits, where: Any = "live", book: Rulebook = BOOK) -> tuple[Any, FakeBroker]:
    broker = FakeBroker()
    line = PlannedPipeline(broker, lambda now: book, ALL, limits=lambda now: given, where=where)
    return line.open(AAA, SIGNAL, 5, seen_ns=5), broker


def test_the_plan_s_money_bounds_the_size() -> None:
    found, broker = opened(limits(risk_cash=Cash(5 * U)))
    assert isinstance(found, Sent)
    ((lots, risk),) = broker.sent
    assert found.budget_cash == 5 * U
    assert risk <= 5 * U < lots_risk_cash(AAA, SIGNAL, broker.market(""), account=account(), lots=lots + 1)
    nothing, broker = opened(limits(risk_cash=Cash(U)))  # 0.001 of 60,000 loses 1.27 at its stop, costs in
    assert isinstance(nothing, NotSized)
    assert nothing.loss_cash > U
    assert broker.sent == []


def test_lots_bound_the_size_to_the_lot() -> None:
    for most in (1, 2, 3, 7):
        found, broker = opened(limits(risk_cash=Cash(20 * U), lots=most))
        assert isinstance(found, Sent)
        assert [lots for lots, _ in broker.sent] == [most]
        assert found.budget_cash == found.risk_cash, "what so many lots lose is the budget"
    found, broker = opened(limits(risk_cash=Cash(5 * U), lots=100))
    assert 1 < broker.sent[0][0] < 100
    assert found.budget_cash == 5 * U


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (limits(where="paper"), "live"),
        (limits(where="live"), "paper"),
        (limits(risk_cash=Cash(0), locked_until_ns=10), "live"),
        (limits(risk_cash=Cash(-1)), "live"),
    ],
    ids=["paper phase", "live phase", "pause", "nothing left"],
)
def test_nothing_is_opened_elsewhere_or_in_a_pause(given: PlanLimits, where: Any) -> None:
    found, broker = opened(given, where)
    assert isinstance(found, Refused)
    assert (found.code, broker.sent) == ("GUARD-111", [])


def test_only_the_plan_s_contracts() -> None:
    found, broker = opened(limits(contracts=("bybit:BBB",)))
    assert isinstance(found, Refused)
    assert (found.code, broker.sent) == ("GUARD-103", [])
    found, _ = opened(limits(contracts=(AAA.id,), risk_cash=Cash(9 * U)))
    assert isinstance(found, Sent)
    only = msgspec.structs.replace(BOOK, contracts=("bybit:CCC",))
    found, broker = opened(limits(contracts=(AAA.id,)), book=only)
    assert isinstance(found, Refused), "none of both may be opened"
    assert broker.sent == []
    assert planned_book(only, limits(contracts=(AAA.id,))).contracts == (NO_CONTRACT,)
    both = msgspec.structs.replace(BOOK, contracts=("bybit:CCC", AAA.id))
    assert planned_book(both, limits(contracts=(AAA.id, "x:Y"))).contracts == (AAA.id,)
    assert planned_book(both, limits()).contracts == ("bybit:CCC", AAA.id)


def test_the_lower_of_two_plans_holds() -> None:
    stricter = msgspec.structs.replace(account(), plan_risk_cash=Cash(U))
    assert planned_facts(stricter, limits()).plan_risk_cash == U
    looser = msgspec.structs.replace(account(), plan_risk_cash=Cash(9 * U))
    assert planned_facts(looser, limits()).plan_risk_cash == 2 * U


def test_an_unsound_signal_is_said_to_be_unsound() -> None:
    broker = FakeBroker()
    line = PlannedPipeline(broker, lambda now: BOOK, ALL, limits=lambda now: limits(lots=3), where="live")
    wrong = Signal(side=1, stop_ticks=Ticks(600_001))
    assert isinstance(line.open(AAA, wrong, 5, seen_ns=5), NotSized)
    planned = Planned(broker, "live")
    planned.limits, planned.signal = limits(lots=3), (AAA, wrong)
    assert planned.account(AAA.id).plan_risk_cash == 2 * U


def test_a_plan_that_cannot_be_read_opens_nothing() -> None:
    broker = FakeBroker()
    answers: Iterator[PlanLimits] = iter([limits(risk_cash=Cash(9 * U))])

    def ask(now_ns: int) -> PlanLimits:
        for one in answers:
            return one
        raise InputError("PLAN-122", "the log cannot be read", "")

    line = PlannedPipeline(broker, lambda now: BOOK, ALL, limits=ask, where="live")
    assert isinstance(line.open(AAA, SIGNAL, 5, seen_ns=5), Sent)
    with pytest.raises(InputError, match="PLAN-122"):
        line.open(AAA, SIGNAL, 6, seen_ns=6)
    assert len(broker.sent) == 1
    assert line.planned.account(AAA.id).plan_risk_cash == 0, "between intents nothing is allowed"
    line.planned.leave(AAA.id)
    assert broker.left == [AAA.id], "closing asks no plan"


def approved(lots: int) -> Approved[Open]:
    caught: list[Approved[Open]] = []

    class Catch(FakeBroker):
        def open(self, one: Approved[Open], risk_cash: Cash, notional_cash: Cash) -> int:
            caught.append(one)
            return 0

    given = limits(risk_cash=Cash(90 * U), lots=lots)
    line = PlannedPipeline(Catch(), lambda now: BOOK, ALL, limits=lambda now: given, where="live")
    line.open(AAA, SIGNAL, 5, seen_ns=5)
    return caught[0]


@pytest.mark.parametrize(
    "now",
    [None, limits(where="paper"), limits(risk_cash=Cash(U)), limits(risk_cash=Cash(9 * U), lots=2)],
    ids=["not asked", "paper", "less money", "fewer lots"],
)
def test_a_trade_that_the_plan_has_overtaken_is_not_sent(now: PlanLimits | None) -> None:
    order, broker = approved(3), FakeBroker()
    planned = Planned(broker, "live")
    planned.limits = now
    with pytest.raises(InputError, match="PLAN-162"):
        planned.open(order, Cash(4 * U), Cash(180 * U))
    assert broker.sent == []
    planned.limits = limits(risk_cash=Cash(9 * U), lots=3)
    assert planned.open(order, Cash(4 * U), Cash(180 * U)) == 0
    assert len(broker.sent) == 1


# -- the watch

TEXT = """
[plan]
name = "watched"
[[phase]]
name = "live"
where = "live"
risk = "1%"
fall = {drawdown = "10%", pause = "2d"}
"""


def at(tmp_path: Path, text: str = TEXT) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return path


def test_a_watch_sees_what_others_tell(tmp_path: Path) -> None:
    path, clock = at(tmp_path), FixedClock(10)
    watch = plans.PlanWatch(path, clock)
    with pytest.raises(InputError, match="PLAN-113"):
        watch.limits()
    other = KeptPlan(path)
    other.tell([Begun(time_ns=10, equity_cash=Cash(1_000 * U))])
    assert watch.limits().risk_cash == 10 * U
    told = watch._kept.plan
    other.tell([EquitySeen(time_ns=11, where="live", equity_cash=Cash(950 * U))])
    assert watch.limits().risk_cash == 950 * U // 100
    assert watch._kept.plan is told, "only what is new is told"
    other.tell([EquitySeen(time_ns=12, where="live", equity_cash=Cash(890 * U))])
    assert watch.limits().risk_cash == 0, "a pause"
    assert watch.limits_at(12 + 2 * 86_400 * 10**9).risk_cash == 890 * U // 100
    assert [one.kind for one in watch.transitions()] == ["begin", "lock"]
    restart(path)
    with pytest.raises(InputError, match="PLAN-113"):
        watch.limits()
    again = KeptPlan(path)
    again.tell([Begun(time_ns=20, equity_cash=Cash(500 * U)), SteppedBack(time_ns=20)])
    assert watch.limits().risk_cash == 5 * U
    watch.close()


def test_a_watch_asks_the_log_one_number(tmp_path: Path) -> None:
    path = at(tmp_path)
    KeptPlan(path).tell([Begun(time_ns=0, equity_cash=Cash(1_000 * U))])
    watch = PlanWatch(path, FixedClock(1))
    watch.limits()
    asked: list[str] = []
    watch._kept._base.set_trace_callback(asked.append)
    for _ in range(3):
        watch.limits()
    assert len(asked) == 6
    assert all("max(" in one for one in asked), asked


def test_a_watch_whose_log_is_gone_says_so(tmp_path: Path) -> None:
    path = at(tmp_path)
    KeptPlan(path).tell([Begun(time_ns=0, equity_cash=Cash(1_000 * U))])
    watch = PlanWatch(path, FixedClock(1))
    watch._kept._base.execute("ALTER TABLE events RENAME TO elsewhere")
    with pytest.raises(InputError, match="PLAN-122"):
        watch.limits()
    watch._kept._base.execute("ALTER TABLE plans RENAME TO gone")
    with pytest.raises(InputError, match="PLAN-122"):
        watch.limits()
    watch.close()
    with pytest.raises(InputError, match="PLAN-122"):
        watch.limits()
    assert log_of(path).exists()


def test_a_watch_keeps_to_the_text_that_is_at_work(tmp_path: Path) -> None:
    path = at(tmp_path)
    KeptPlan(path).tell([Begun(time_ns=0, equity_cash=Cash(1_000 * U))])
    watch = PlanWatch(path, FixedClock(1))
    at(tmp_path, TEXT.replace('"1%"', '"9%"'))
    assert watch.limits().risk_cash == 10 * U, "an edited file allows no more"
    restart(path)
    KeptPlan(path).tell([Begun(time_ns=1, equity_cash=Cash(1_000 * U))])
    at(tmp_path)
    with pytest.raises(InputError, match="PLAN-121"):
        watch.limits()
    at(tmp_path, TEXT.replace('"1%"', '"9%"'))
    assert watch.limits().risk_cash == 90 * U
