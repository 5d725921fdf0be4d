"""Each gate at its bound, and the machine where a single word would let more through."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from lotwise.kernel.layout import RATE
from lotwise.records.plan import (
    Begun,
    BreachFound,
    EquitySeen,
    GateSeen,
    Priced,
    SteppedBack,
    TradeClosed,
    Transferred,
)
from lotwise.scaling import gates
from lotwise.scaling.config import DAY_NS, Gate, read_plan
from lotwise.scaling.gates import Look, TradeMark, seen
from lotwise.scaling.machine import Plan
from lotwise.units import Cash, Rate8

U = 10**8


def marks(count: int, broken: tuple[int, ...] = (), noted: int = 0, unknown: int = 0) -> list[TradeMark]:
    """So many trades; those with these numbers broke a rule, the first few are noted or of unknown risk."""
    return [
        TradeMark(str(number), None if number < unknown else RATE, number in broken, number < noted)
        for number in range(count)
    ]


def one(gate: Gate, *given: Any) -> GateSeen:
    (found,) = seen(gate, *given)
    return found


@pytest.mark.parametrize(
    ("count", "is_open", "share8"), [(4, False, 80_000_000), (5, True, RATE), (9, True, RATE)]
)
def test_count(count: int, is_open: bool, share8: int) -> None:
    found = one(Gate(trades=5), marks(count), None, 0, 0)
    assert (found.name, found.is_open, found.share8, found.found) == ("count", is_open, share8, str(count))
    without_stop = one(Gate(trades=5), marks(count, unknown=2), None, 0, 0)
    assert without_stop.found == str(count - 2), "a trade of unknown risk is not counted"


def test_days_are_whole_days() -> None:
    assert not one(Gate(days=3), [], None, 0, 3 * DAY_NS - 1).is_open
    assert one(Gate(days=3), [], None, 0, 3 * DAY_NS).is_open


def test_breaches_are_of_the_last_trades() -> None:
    gate = Gate(breaches=(1, 3))
    assert one(gate, marks(6, broken=(0, 1, 2, 5)), None, 0, 0).is_open
    assert one(gate, marks(6, broken=(0, 1, 2, 5)), None, 0, 0).found == "1 in the last 3"
    assert not one(gate, marks(6, broken=(4, 5)), None, 0, 0).is_open
    assert not one(Gate(breaches=(0, 3)), marks(6, broken=(3,)), None, 0, 0).is_open
    assert one(gate, [], None, 0, 0).found == "0 in the last 0"


def test_drawdown_up_to_its_bound() -> None:
    gate = Gate(drawdown8=Rate8(10_000_000))
    assert one(gate, [], None, 10_000_000, 0).is_open
    assert not one(gate, [], None, 10_000_001, 0).is_open
    assert one(gate, [], None, 10_000_000, 0).found == "10 %"
    assert one(gate, [], None, 10_000_001, 0).found == "10.01 %", "what is beyond is shown beyond"
    assert one(gate, [], None, 5_356_264, 0).found == "5.36 %"
    odd = Gate(drawdown8=Rate8(1_955_500))
    assert one(odd, [], None, 1_955_400, 0).found == "1.9554 %", "below the bound it is shown below it"


def test_notes_of_all_trades() -> None:
    gate = Gate(notes8=Rate8(50_000_000))
    assert one(gate, marks(4, noted=2), None, 0, 0).is_open
    half = one(gate, marks(4, noted=1), None, 0, 0)
    assert (half.is_open, half.share8, half.found) == (False, RATE // 2, "1 of 4")
    assert not one(gate, [], None, 0, 0).is_open


def test_the_expectancy_stays_as_the_last_look_left_it() -> None:
    gate = Gate(trades=50, look_every=25, expectancy8=0)

    def told(look: Look | None) -> GateSeen:
        return seen(gate, marks(60), look, 0, 0)[1]

    assert (told(None).found, told(None).is_open) == ("first look after 50 trades", False)
    shut = told(Look(2, 75, 10_000_000, -1, 0.98, passed=False))
    assert not shut.is_open
    assert (
        shut.found == "+0.10 R over 75 trades, at least -0.00 R (98.0%, look 2); next look after 100 trades"
    )
    there = told(Look(1, 50, 30_000_000, 5_000_000, 0.95, passed=True))
    assert there.is_open
    assert "next look" not in there.found


def test_a_look_is_passed_by_the_interval_s_end_and_not_by_the_mean() -> None:
    gate = Gate(trades=10, look_every=5, expectancy8=0)
    mixed = [TradeMark("", value * RATE, False, False) for value in (3, -1, -1, 2, -1, -1, 3, -1, -1, 0)]
    found = gates.look_at(gate, mixed, 1)
    assert found.mean8 > 0 > found.low8
    assert not found.passed
    sure = gates.look_at(gate, marks(10), 1)
    assert (sure.low8, sure.passed) == (RATE, True)
    at_bound = Gate(trades=10, look_every=5, expectancy8=RATE)
    assert not gates.look_at(at_bound, marks(10), 1).passed, "above it, not at it"
    assert not gates.look_at(gate, marks(1), 1).passed
    assert gates.looks_due(gate, 9) == 0
    assert [gates.level_of(gate, look) for look in (1, 2)] == pytest.approx([0.95, 1 - 0.1 / 6])


# -- the machine


def plan_of(text: str, equity: int = 1_000) -> Plan:
    plan = Plan(read_plan(tomllib.loads('[plan]\nname = "t"\nusual_stop = "2%"\n' + text)))
    plan.tell(Begun(time_ns=0, equity_cash=Cash(equity * U)))
    return plan


def trade(plan: Plan, number: int, result: int, **other: Any) -> list[str]:
    given: dict[str, Any] = {"where": "live", "risk_cash": Cash(10 * U)} | other
    where = given["where"]
    equity = Cash(plan.equity[where] + result * U)
    told = TradeClosed(
        time_ns=max(plan.last_ns, number * DAY_NS),
        trade_id=str(number),
        equity_cash=equity,
        result_cash=Cash(result * U),
        **given,
    )
    return [moved.kind for moved in plan.tell(told)]


LOTS = '[[phase]]\nname = "lots"\nwhere = "live"\nrisk = "5%"\nlots = 2\nsteps = {lot_after = 2}\n'
FALL = """[[phase]]
name = "small"
where = "live"
capital = "20%"
risk = "1%"
[phase.gate]
trades = 2
[[phase]]
name = "large"
where = "live"
capital = "50%"
risk = "2%"
lots = 7
fall = {drawdown = "10%", pause = "2d", back = true}
"""


def test_only_good_trades_add_a_lot() -> None:
    plan = plan_of(LOTS)
    assert trade(plan, 1, 5) == []
    assert trade(plan, 2, 5, is_breach=True) == []
    assert trade(plan, 3, 5, risk_cash=Cash(0)) == [], "a trade without a known stop is not good"
    assert trade(plan, 4, -5) == []
    assert plan.lots() == 2
    assert trade(plan, 5, 5) == ["step up"]
    assert plan.lots() == 3


def fallen() -> Plan:
    """In the smaller phase again, after a fall of the larger, in a pause."""
    plan = plan_of(FALL)
    trade(plan, 1, 1)
    assert trade(plan, 2, 1) == ["phase up"]
    assert (plan.limits(plan.last_ns).lots, plan.row.lots) == (7, 0)
    assert trade(plan, 3, -60) == ["lock", "phase down"]
    return plan


def test_a_pause_ends_by_itself_and_its_time_is_said() -> None:
    plan = fallen()
    end_ns = 5 * DAY_NS
    during = plan.limits(end_ns - 1)
    assert (during.risk_cash, during.locked_until_ns) == (0, end_ns)
    after = plan.limits(end_ns)
    assert (after.risk_cash > 0, after.locked_until_ns) == (True, 0)


def test_the_way_up_begins_anew_after_a_fall() -> None:
    plan = fallen()
    assert (plan.gates()[0].found, plan.since_ns) == ("0", plan.last_ns)
    vars(plan)["look"] = Look(1, 50, RATE, RATE, 0.95, passed=True)
    plan.tell(SteppedBack(time_ns=plan.last_ns))
    assert plan.look is None, "what one phase showed opens no gate of another"
    assert trade(plan, 4, 1) == []
    assert trade(plan, 6, 1) == ["phase up"]


def test_a_fall_is_counted_from_where_the_last_one_ended() -> None:
    text = FALL.replace(", back = true", "").replace('"large"', '"only"')
    plan = plan_of(text[text.index('[[phase]]\nname = "only"') :])
    assert trade(plan, 1, -50) == ["lock"]
    assert trade(plan, 2, -1) == [], "it is no second fall"
    assert trade(plan, 3, -44) == ["lock"]
    assert plan.locked_until_ns == 5 * DAY_NS


def test_a_shorter_pause_does_not_shorten_a_longer() -> None:
    plan = fallen()
    plan.locked_until_ns = 90 * DAY_NS
    plan.number = 1
    plan._enter(1)
    trade(plan, 6, -400)
    assert plan.locked_until_ns == 90 * DAY_NS


def test_a_phase_takes_no_more_than_there_is() -> None:
    phase = '[[phase]]\nname = "a"\nwhere = "live"\ncapital = "{}"\nrisk = "1%"\n'
    for equity, capital, wanted in ((1_000, "400", 400), (300, "400", 300), (1_000, "25%", 250)):
        plan = plan_of(phase.format(capital), equity)
        assert plan.limits(0).capital_cash == wanted * U
        assert plan.row.reserve_cash == (equity - wanted) * U
    broke = plan_of(phase.format("50%"), -10)
    assert broke.limits(0).risk_cash == 0


def test_money_after_none_is_no_growth() -> None:
    plan = plan_of(
        '[[phase]]\nname = "a"\nwhere = "live"\nrisk = "1%"\nfall = {drawdown = "10%", pause = "1d"}\n'
    )
    plan.tell(EquitySeen(time_ns=1, where="live", equity_cash=Cash(0)))
    assert plan.locked_until_ns == DAY_NS + 1
    plan.tell(EquitySeen(time_ns=2, where="live", equity_cash=Cash(500 * U)))
    assert plan.fall8() == 0
    plan.tell(EquitySeen(time_ns=3, where="live", equity_cash=Cash(400 * U)))
    assert plan.locked_until_ns == DAY_NS + 3, "a fall from there counts"


def test_the_smallest_contract_is_always_allowed_and_no_other_without_a_price() -> None:
    plan = plan_of(FALL.replace('risk = "1%"', 'risk = "1%"\ncontracts = ["a:B", "c:D", "e:F"]', 1))
    assert plan.contracts() == ("a:B",)
    plan.tell(Priced(time_ns=1, losses_cash={"a:B": Cash(9 * U), "c:D": Cash(9 * U), "e:F": Cash(2 * U)}))
    assert plan.contracts() == ("a:B", "e:F")


def test_a_transfer_moves_the_bound_of_a_way_back_with_the_capital() -> None:
    plan = fallen()
    bound = plan.most_risk_cash
    assert bound is not None
    capital = plan.capital("live")
    plan.tell(
        Transferred(
            time_ns=plan.last_ns, equity_before_cash=Cash(plan.equity["live"]), amount_cash=Cash(capital)
        )
    )
    assert plan.most_risk_cash == 2 * bound


def test_a_breach_that_is_found_later_shuts_the_gate() -> None:
    plan = plan_of(FALL.replace("trades = 2", 'trades = 2\nbreaches = "0 in 2"'))
    trade(plan, 1, 1)
    plan.tell(BreachFound(time_ns=plan.last_ns, trade_id="1"))
    assert trade(plan, 2, 1) == []
    assert trade(plan, 3, 1) == ["phase up"]


def test_a_gate_looks_only_at_its_last_trades_for_falls() -> None:
    plan = plan_of(FALL.replace("trades = 2", 'trades = 2\ndrawdown = "5%"'))
    assert trade(plan, 1, -20) == []  # a tenth of 200
    assert trade(plan, 2, 1) == []
    assert plan.gates()[1].found == "10 %"
    assert trade(plan, 3, 1) == ["phase up"], "the fall is no more among the last two"


def test_between_two_looks_nothing_is_looked_at() -> None:
    """What would pass now does not, until its look is due: who looks after every trade sees luck."""
    plan = plan_of(FALL.replace("trades = 2", 'trades = 4\nexpectancy = "0R"\nlook_every = 4'))
    looks: list[tuple[int, int] | None] = []
    for number in range(1, 9):
        moved = trade(plan, number, -1 if number < 5 else 2 + number % 2)
        looks.append((plan.look.number, plan.look.trades) if plan.look else None)
        assert moved == []
    assert looks == [None] * 3 + [(1, 4)] * 4 + [(2, 8)]
    assert sum(mark.result8 or 0 for mark in plan.marks) > 0


def test_a_way_back_is_one_phase_and_stays() -> None:
    text = FALL.replace("trades = 2", 'drawdown = "5%"')
    third = '[phase.gate]\ndrawdown = "5%"\n[[phase]]\nname = "last"\nwhere = "live"\nrisk = "3%"\n'
    plan = plan_of(text + third)
    plan._enter(2)
    assert [moved.kind for moved in plan.tell(SteppedBack(time_ns=1))] == ["phase down"]
    assert plan.phase.name == "large", "one phase, and not up again at once, though its gate is open"
    assert plan.gates()[0].is_open
    assert plan.tell(SteppedBack(time_ns=2))[0].after == "small"
    assert plan.tell(SteppedBack(time_ns=3))[0].after == "small"
