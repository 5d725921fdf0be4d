"""The plan's steps: how much money a trade may risk, and when that becomes more or less.

Capital is what the plan counts on: the equity without the reserve (200 of an account of 1,000).

With EQUITY_STEPS the money at risk is a share of a base. Up: capital a step share above the base
raises the base by that share, again and again while capital allows. Down: capital a down share
below the peak of the step lowers the base by one step, and to the capital where that is less. A
step down is given back at the peak it fell from, each further one a down share higher, and never
before capital reaches the base it gives. So a step up needs the money to be there, one fall is not
counted twice, and a step down is not undone by the next look.

With TRADE_STEPS a lot is added after so many good trades, and taken away by the same fall.

Transfers are neither progress nor drawdown: base and peak are scaled with the capital. Adding the
amount instead would make progress of a withdrawal: 1,100 on a base of 1,000 is +10 %, and 600 on
500 is +20 %. Rounded so that a transfer never makes a step: up what must be reached, down the peak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lotwise.kernel.arith import OVERFLOW, mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import EQUITY_STEPS, TRADE_STEPS
from lotwise.kernel.limits import NO_BOUND
from lotwise.rule import rule
from lotwise.units import MAX_CASH, Cash, Lots

if TYPE_CHECKING:
    from lotwise.kernel.limit_rows import PlanSteps

MAX_STEPS: Final = 64
"""Most steps one look makes; the next look goes on. Twice the money is 4 steps of 20 %."""


# -- the beginning, and transfers


@rule
def restart_plan(plan: PlanSteps, capital_cash: Cash) -> Cash:
    """Count progress and drawdown from this capital on; lots and level stay. Returns the base."""
    plan[0].base_cash = max(0, capital_cash)
    plan[0].peak_cash = plan[0].base_cash
    plan[0].recover_cash = 0
    plan[0].down_steps = 0
    return Cash(plan[0].base_cash)


@rule
def begin_plan(plan: PlanSteps, equity_cash: Cash, allocated_cash: Cash) -> Cash:
    """Begin with ``allocated_cash`` of the equity, 0 or more than there is: all. Returns the base."""
    plan[0].reserve_cash = max(0, equity_cash - allocated_cash) if allocated_cash > 0 else 0
    plan[0].lots = plan[0].first_lots
    plan[0].good_trades = 0
    plan[0].level = 0
    return restart_plan(plan, Cash(equity_cash - plan[0].reserve_cash))


@rule
def move_capital(plan: PlanSteps, before_cash: Cash, after_cash: Cash) -> Cash:
    """Capital became another without trading. Returns the base.

    Where nothing was there before or is left after, or an amount is beyond the money counted
    here (1e18), counting starts afresh at what is there after.
    """
    if before_cash <= 0 or after_cash <= 0:
        return restart_plan(plan, after_cash)
    base = mul_div_ceil(plan[0].base_cash, after_cash, before_cash)
    peak = mul_div_floor(plan[0].peak_cash, after_cash, before_cash)
    recover = mul_div_ceil(plan[0].recover_cash, after_cash, before_cash)
    if OVERFLOW in (base, peak, recover) or max(base, peak, recover) > MAX_CASH:
        return restart_plan(plan, after_cash)
    plan[0].base_cash = base
    plan[0].peak_cash = peak
    plan[0].recover_cash = recover
    return Cash(base)


@rule
def transfer_capital(plan: PlanSteps, equity_cash: Cash, amount_cash: Cash, to_reserve: int) -> Cash:
    """A deposit (> 0) or withdrawal (< 0), of the plan's capital or of the reserve (1).

    ``equity_cash`` is the account's equity just before. What a reserve cannot pay, the capital
    pays. Returns the base.
    """
    capital = Cash(equity_cash - plan[0].reserve_cash)
    kept = max(amount_cash, -plan[0].reserve_cash) if to_reserve else 0
    plan[0].reserve_cash += kept
    if amount_cash == kept:
        return Cash(plan[0].base_cash)
    return move_capital(plan, capital, Cash(capital + amount_cash - kept))


@rule
def allocate(plan: PlanSteps, equity_cash: Cash, amount_cash: Cash) -> Cash:
    """Take money from the reserve into the plan (> 0), at most all of it, or back (< 0).

    ``equity_cash`` is the account's equity, which stays. Returns the base.
    """
    capital = Cash(equity_cash - plan[0].reserve_cash)
    amount = min(amount_cash, plan[0].reserve_cash)
    plan[0].reserve_cash -= amount
    return move_capital(plan, capital, Cash(capital + amount))


# -- thresholds


@rule
def next_base(plan: PlanSteps) -> Cash:
    """The base after a step up: base * (1 + step share), or NO_BOUND."""
    if plan[0].step_share8 == 0:
        return Cash(NO_BOUND)
    raised = mul_div_ceil(plan[0].base_cash, RATE + plan[0].step_share8, RATE)
    return Cash(NO_BOUND if raised == OVERFLOW else raised)


@rule
def step_up_capital(plan: PlanSteps) -> Cash:
    """Capital that makes the next step up with EQUITY_STEPS, or NO_BOUND."""
    return Cash(max(next_base(plan), plan[0].recover_cash))


@rule
def step_down_capital(plan: PlanSteps) -> Cash:
    """Capital that makes the next step down, 0 where none does."""
    share = plan[0].down_share8
    return Cash(mul_div_floor(plan[0].peak_cash, max(0, RATE - share), RATE) if share else 0)


@rule
def higher_peak(plan: PlanSteps) -> Cash:
    """The peak that a further step down is given back at: recover / (1 - down share), or NO_BOUND."""
    higher = mul_div_ceil(plan[0].recover_cash, RATE, max(0, RATE - plan[0].down_share8))
    return Cash(NO_BOUND if higher == OVERFLOW else higher)


# -- steps


@rule
def steps_up(plan: PlanSteps, capital_cash: Cash) -> int:
    """Make the steps up that this capital allows, with EQUITY_STEPS; how many."""
    made = 0
    while made < MAX_STEPS and capital_cash >= step_up_capital(plan):
        plan[0].base_cash = next_base(plan)
        plan[0].level += 1
        made += 1
        if plan[0].down_steps:
            plan[0].down_steps -= 1
            plan[0].recover_cash = higher_peak(plan) if plan[0].down_steps else 0
    if made:
        plan[0].peak_cash = capital_cash
    return made


@rule
def steps_down(plan: PlanSteps, capital_cash: Cash) -> int:
    """Make the steps down that this capital asks for; how many."""
    made = 0
    looks = 0
    while looks < MAX_STEPS and capital_cash <= step_down_capital(plan):
        looks += 1
        left = plan[0].peak_cash
        plan[0].peak_cash = step_down_capital(plan)
        plan[0].good_trades = 0
        if plan[0].kind == EQUITY_STEPS:
            lower = mul_div_floor(plan[0].base_cash, RATE, RATE + plan[0].step_share8)
            plan[0].base_cash = max(1, lower)
            plan[0].recover_cash = left
            plan[0].down_steps += 1
        elif plan[0].lots > plan[0].first_lots:
            plan[0].lots -= 1
        else:
            continue
        plan[0].level -= 1
        made += 1
    if made and plan[0].kind == EQUITY_STEPS:
        plan[0].base_cash = min(plan[0].base_cash, capital_cash)
    return made


@rule
def step_plan(plan: PlanSteps, equity_cash: Cash) -> int:
    """Look at the equity, after a trade or a day, and make the steps it asks for: > 0 up, < 0 down.

    Nothing is done while there is no capital; a plan that had none begins at the first it sees.
    """
    capital = Cash(equity_cash - plan[0].reserve_cash)
    if capital <= 0:
        return 0
    if plan[0].base_cash <= 0:
        restart_plan(plan, capital)
        return 0
    plan[0].peak_cash = max(plan[0].peak_cash, capital)
    if plan[0].kind == EQUITY_STEPS:
        made = steps_up(plan, capital)
        return made if made else -steps_down(plan, capital)
    if plan[0].kind == TRADE_STEPS:
        return -steps_down(plan, capital)
    return 0


@rule
def count_trade(plan: PlanSteps, equity_cash: Cash, is_good: int) -> int:
    """A closed trade, good (1: a gain, no rule broken) or not (0); 1 where it adds a lot.

    A trade that is not good neither counts nor starts the count again; a fall from the peak does.
    Call it before :func:`step_plan`.
    """
    if plan[0].kind != TRADE_STEPS or is_good == 0:
        return 0
    plan[0].good_trades += 1
    if plan[0].step_trades == 0 or plan[0].good_trades < plan[0].step_trades:
        return 0
    plan[0].good_trades = 0
    plan[0].lots += 1
    plan[0].level += 1
    plan[0].peak_cash = max(0, equity_cash - plan[0].reserve_cash)
    return 1


# -- what a trade may risk


@rule
def plan_risk_cash(plan: PlanSteps, equity_cash: Cash) -> Cash:
    """Money that the next trade may lose at its stop: the share of the base, or of less capital."""
    capital = equity_cash - plan[0].reserve_cash
    if plan[0].kind == EQUITY_STEPS:
        capital = min(capital, plan[0].base_cash)
    return Cash(mul_div_floor(max(0, capital), plan[0].risk_share8, RATE))


@rule
def plan_lots(plan: PlanSteps) -> Lots:
    """Most lots of the next trade: those of TRADE_STEPS, else NO_BOUND."""
    return Lots(plan[0].lots if plan[0].kind == TRADE_STEPS else NO_BOUND)


@rule
def next_step_cash(plan: PlanSteps) -> Cash:
    """Equity at which the money at risk goes up, or NO_BOUND where equity alone does not raise it."""
    if plan[0].kind != EQUITY_STEPS:
        return Cash(NO_BOUND)
    capital = step_up_capital(plan)
    return Cash(capital if capital > NO_BOUND - plan[0].reserve_cash else capital + plan[0].reserve_cash)


@rule
def next_fall_cash(plan: PlanSteps) -> Cash:
    """Equity at which a step down comes, 0 where none does."""
    capital = step_down_capital(plan)
    return Cash(capital + plan[0].reserve_cash if capital else 0)
