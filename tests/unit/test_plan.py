"""The plan's steps, by hand: the table of a progression, steps down and back, lots, transfers."""

from __future__ import annotations

import pytest

from lotwise.kernel.limit_rows import EQUITY_STEPS, FRACTION, TRADE_STEPS, PlanStepRow
from lotwise.kernel.limits import NO_BOUND
from lotwise.kernel.plan import (
    MAX_STEPS,
    allocate,
    begin_plan,
    count_trade,
    next_fall_cash,
    next_step_cash,
    plan_lots,
    plan_risk_cash,
    step_plan,
    transfer_capital,
)
from lotwise.units import cash_text, parse_cash, parse_rate


def cash(text: str) -> int:
    return parse_cash(text, "amount")


def made(equity: str = "1000", allocated: str = "0", **fields: int) -> list[PlanStepRow]:
    """1 % at risk; steps of 20 % up, a step down after a fall of 10 %."""
    usual = {
        "kind": EQUITY_STEPS,
        "risk_share8": parse_rate("1%", "risk"),
        "step_share8": parse_rate("20%", "step"),
        "down_share8": parse_rate("10%", "fall"),
    }
    plan = [PlanStepRow(**(usual | fields))]
    begin_plan(plan, cash(equity), cash(allocated))
    return plan


def walk(plan: list[PlanStepRow], *equities: str) -> list[tuple[int, str]]:
    """Steps made and money at risk at each equity."""
    found = []
    for equity in equities:
        steps = step_plan(plan, cash(equity))
        found.append((steps, cash_text(plan_risk_cash(plan, cash(equity)))))
    return found


@pytest.mark.parametrize(
    ("step", "table"),
    [
        ("20%", ["1200", "1440", "1728", "2073.6"]),
        ("25%", ["1250", "1562.5", "1953.125", "2441.40625"]),
        ("50%", ["1500", "2250", "3375", "5062.5"]),
    ],
)
def test_the_table_of_the_progression(step: str, table: list[str]) -> None:
    plan = made(step_share8=parse_rate(step, "step"))
    for equity in table:
        assert next_step_cash(plan) == cash(equity)
        assert step_plan(plan, cash(equity) - 1) == 0
        assert step_plan(plan, cash(equity)) == 1
        assert plan_risk_cash(plan, cash(equity)) == cash(equity) // 100
    assert plan[0].level == len(table)


def test_the_risk_stays_between_steps() -> None:
    assert walk(made(), "1000", "1150", "1199.99", "1200", "1300", "1500") == [
        (0, "10.00"),
        (0, "10.00"),
        (0, "10.00"),
        (1, "12.00"),
        (0, "12.00"),
        (1, "14.40"),
    ]


def test_a_jump_makes_every_step_it_passes() -> None:
    assert walk(made(), "2000") == [(3, "17.28")]


def test_below_the_base_the_share_is_of_what_is_there() -> None:
    assert walk(made(), "950") == [(0, "9.50")]


def test_a_fall_steps_down_and_its_peak_gives_the_step_back() -> None:
    plan = made()
    assert walk(plan, "1200", "1430") == [(1, "12.00"), (0, "12.00")]
    assert next_fall_cash(plan) == cash("1287")
    assert walk(plan, "1287.00000001", "1287") == [(0, "12.00"), (-1, "10.00")]
    assert (
        walk(plan, "1287", "1350", "1429.99") == [(0, "10.00")] * 3
    )  # 1,200 is passed, the fall is not over
    assert next_step_cash(plan) == cash("1430")
    assert walk(plan, "1430", "1440") == [(1, "12.00"), (1, "14.40")]
    assert (plan[0].level, plan[0].down_steps, plan[0].recover_cash) == (2, 0, 0)


def test_several_falls_are_given_back_one_by_one() -> None:
    plan = made(equity="1000")
    # peaks 1,000, 900, 810; bases 833.33, 694.44
    assert walk(plan, "810") == [(-2, "6.94444444")]
    assert (plan[0].level, plan[0].down_steps) == (-2, 2)
    assert next_step_cash(plan) == cash("900")
    assert step_plan(plan, cash("899.99")) == 0
    assert walk(plan, "900") == [(1, "8.33333333")]
    assert next_step_cash(plan) == cash("1000")
    assert walk(plan, "1000") == [(1, "10.00")]
    assert (plan[0].level, plan[0].down_steps, plan[0].recover_cash) == (0, 0, 0)


def test_a_deep_fall_leaves_no_base_above_the_capital() -> None:
    """A fall of 40 % of 1,000 in one step of 20 % would leave a base of 833."""
    plan = made(down_share8=parse_rate("40%", "fall"))
    assert walk(plan, "600") == [(-1, "6.00")]
    assert plan[0].base_cash == cash("600")


def test_without_a_share_there_are_no_steps() -> None:
    plan = made(step_share8=0, down_share8=0)
    assert walk(plan, "5000", "100") == [(0, "10.00"), (0, "1.00")]
    assert (next_step_cash(plan), next_fall_cash(plan)) == (NO_BOUND, 0)


def test_a_fraction_has_no_steps() -> None:
    """PRODUCT case D: 1,000, 1,150, 1,400 at 1 % risk 10, 11.50, 14."""
    plan = made(kind=FRACTION)
    assert walk(plan, "1000", "1150", "1400", "700") == [
        (0, "10.00"),
        (0, "11.50"),
        (0, "14.00"),
        (0, "7.00"),
    ]
    assert (next_step_cash(plan), plan_lots(plan)) == (NO_BOUND, NO_BOUND)


def test_so_many_steps_a_look() -> None:
    plan = made(step_share8=1)
    assert step_plan(plan, cash("1100")) == MAX_STEPS
    assert step_plan(plan, cash("1100")) == MAX_STEPS


def test_nothing_left() -> None:
    plan = made()
    assert walk(plan, "0", "-5") == [(0, "0.00"), (0, "0.00")]
    assert plan[0].base_cash == cash("1000")
    transfer_capital(plan, cash("-5"), cash("305"), 0)
    assert (plan[0].base_cash, plan[0].peak_cash) == (cash("300"), cash("300"))
    assert walk(plan, "300", "360") == [(0, "3.00"), (1, "3.60")]


def test_a_plan_without_capital_begins_at_the_first_it_sees() -> None:
    plan = made(equity="0")
    assert walk(plan, "500", "600") == [(0, "5.00"), (1, "6.00")]


# -- allocated capital


def test_allocated_capital_is_apart_from_equity() -> None:
    """200 of 1,000: what the 200 earn is 20 % of them, not 4 % of the account."""
    plan = made(allocated="200")
    assert plan[0].reserve_cash == cash("800")
    assert walk(plan, "1000", "1039.99", "1040") == [(0, "2.00"), (0, "2.00"), (1, "2.40")]
    assert (next_step_cash(plan), next_fall_cash(plan)) == (cash("1088"), cash("1016"))


def test_more_is_allocated_from_the_reserve() -> None:
    plan = made(allocated="200")
    assert allocate(plan, cash("1020"), cash("220")) == cash("400")  # 220 on 200 become 440 on 400
    assert (plan[0].reserve_cash, plan_risk_cash(plan, cash("1020"))) == (cash("580"), cash("4"))
    assert allocate(plan, cash("1020"), cash("5000")) == cash("927.27272728")
    assert plan[0].reserve_cash == 0


def test_some_goes_back_to_the_reserve() -> None:
    plan = made(allocated="200")
    assert allocate(plan, cash("1000"), cash("-50")) == cash("150")
    assert plan[0].reserve_cash == cash("850")


def test_more_than_there_is_is_all() -> None:
    plan = made(allocated="5000")
    assert (plan[0].reserve_cash, plan[0].base_cash) == (0, cash("1000"))


# -- transfers


def test_a_deposit_is_no_progress() -> None:
    plan = made()
    transfer_capital(plan, cash("1100"), cash("1100"), 0)
    assert walk(plan, "2200") == [(0, "20.00")]
    assert next_step_cash(plan) == cash("2400")


def test_a_withdrawal_is_neither_drawdown_nor_progress() -> None:
    plan = made()
    step_plan(plan, cash("1100"))
    transfer_capital(plan, cash("1100"), cash("-550"), 0)
    assert walk(plan, "550") == [(0, "5.00")]
    assert (next_step_cash(plan), next_fall_cash(plan)) == (cash("600"), cash("495"))


def test_a_step_to_give_back_moves_with_the_capital() -> None:
    plan = made()
    assert step_plan(plan, cash("900")) == -1
    transfer_capital(plan, cash("900"), cash("900"), 0)
    assert next_step_cash(plan) == cash("2000")


def test_what_must_be_reached_is_rounded_up_and_the_peak_down() -> None:
    plan = made(equity="1", down_share8=parse_rate("2%", "fall"))
    assert step_plan(plan, cash("0.98")) == -1
    step_plan(plan, cash("0.99"))
    transfer_capital(plan, cash("0.99"), cash("-0.66"), 0)
    # a third of 0.83333333, of 0.99 and of 1
    row = plan[0]
    assert (row.base_cash, row.peak_cash, row.recover_cash) == (27777778, 33000000, 33333334)


def test_transfers_of_the_reserve_touch_no_plan() -> None:
    plan = made(allocated="200")
    transfer_capital(plan, cash("1000"), cash("500"), 1)
    assert (plan[0].reserve_cash, plan[0].base_cash) == (cash("1300"), cash("200"))
    transfer_capital(plan, cash("1500"), cash("-1400"), 1)  # 1,300 of the reserve, 100 of the capital
    assert (plan[0].reserve_cash, plan[0].base_cash) == (0, cash("100"))


def test_a_base_too_large_to_move_starts_afresh() -> None:
    plan = made()
    assert transfer_capital(plan, 1, cash("1000"), 0) == cash("1000") + 1


# -- lots


def test_a_lot_more_after_good_trades() -> None:
    plan = made(kind=TRADE_STEPS, first_lots=1, step_trades=3)
    added = [count_trade(plan, cash("1000"), good) for good in (1, 0, 1, 1, 1, 1, 1)]
    assert added == [0, 0, 0, 1, 0, 0, 1]
    assert (plan_lots(plan), plan[0].level) == (3, 2)
    assert plan_risk_cash(plan, cash("1000")) == cash("10")


def test_a_fall_takes_a_lot_and_starts_the_count_again() -> None:
    plan = made(kind=TRADE_STEPS, first_lots=2, step_trades=2)
    for _ in range(3):
        count_trade(plan, cash("1000"), 1)
    assert (plan[0].lots, plan[0].good_trades) == (3, 1)
    assert [step_plan(plan, cash(equity)) for equity in ("901", "900", "810", "700")] == [0, -1, 0, 0]
    assert (plan[0].lots, plan[0].good_trades, plan[0].level) == (2, 0, 0)


def test_the_peak_begins_again_with_a_lot() -> None:
    plan = made(kind=TRADE_STEPS, first_lots=1, step_trades=1)
    step_plan(plan, cash("1200"))
    assert count_trade(plan, cash("1100"), 1) == 1
    assert next_fall_cash(plan) == cash("990")


def test_trades_make_no_steps_of_equity() -> None:
    plan = made()
    assert count_trade(plan, cash("1000"), 1) == 0
    assert plan_lots(plan) == NO_BOUND
