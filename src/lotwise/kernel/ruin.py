"""Paths of an account that trades whole lots at one price, until it is ruined, stuck or at its target.

A *rung* is a count of lots: what it loses at the stop, what it wins, and the least equity at which every
rule but the budget allows it. Rungs are asked of the sizing rules once; a path then looks them up, so it
trades what ``lotwise size`` answers at that equity. Counts beyond the last rung are asked of the rules.

Chance is handed in: ``draws`` are whole numbers from 0 up to, not including,
:data:`~lotwise.kernel.ruin_rows.CHANCES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotwise.kernel.arith import OVERFLOW, mul_div_floor
from lotwise.kernel.codes import OK
from lotwise.kernel.feasibility import largest_feasible, refusal_beyond_budget
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import FRACTION
from lotwise.kernel.limits import NO_BOUND
from lotwise.kernel.plan import begin_plan, count_trade, plan_lots, plan_risk_cash, step_plan
from lotwise.kernel.ruin_rows import CHANCES, GOING, GROSS, NET, REACHED, RUINED, STUCK, TARGET
from lotwise.kernel.sizing import gain_floor, loss_cash, loss_parts
from lotwise.rule import rule
from lotwise.units import MAX_CASH, Cash, Lots, Ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lotwise.kernel.layout import Ask, Legs, Limits, Spec, Tiers
    from lotwise.kernel.limit_rows import PlanSteps
    from lotwise.kernel.ruin_rows import Ends, Rungs, Walk


# -- rungs


@rule
def set_account(limits: Limits, budget_cash: Cash, equity_cash: Cash, margin_share8: int) -> None:
    """Let the limits be those of an account of this equity with nothing else open."""
    limits[0].budget_cash = budget_cash
    limits[0].free_cash = equity_cash
    limits[0].cross_cash = equity_cash if limits[0].is_cross else 0
    limits[0].margin_cash = mul_div_floor(equity_cash, margin_share8, RATE)


@rule
def allowed_at(
    spec: Spec,
    ask: Ask,
    limits: Limits,
    legs: Legs,
    tiers: Tiers,
    lots: Lots,
    equity_cash: Cash,
    margin_share8: int,
) -> bool:
    """Whether every rule but the budget allows so many lots at an equity."""
    set_account(limits, Cash(limits[0].budget_cash), equity_cash, margin_share8=margin_share8)
    return refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=lots) == OK


@rule
def equity_needed(
    spec: Spec,
    ask: Ask,
    limits: Limits,
    legs: Legs,
    tiers: Tiers,
    lots: Lots,
    margin_share8: int,
    fewer_need: Cash,
    step_cash: Cash,
) -> Cash:
    """The least equity at which every rule but the budget allows so many lots, or NO_BOUND.

    The need grows with the lots: ``fewer_need``, that of one lot less, is where the search starts, with steps
    that double from ``step_cash`` on.
    """
    refused, enough = max(0, fewer_need - 1), max(1, fewer_need)
    step = max(1, step_cash)
    while not allowed_at(
        spec,
        ask,
        limits,
        legs=legs,
        tiers=tiers,
        lots=lots,
        equity_cash=Cash(enough),
        margin_share8=margin_share8,
    ):
        if enough >= MAX_CASH:
            return Cash(NO_BOUND)
        refused = enough
        enough = min(MAX_CASH, enough + step)
        step *= 2
    while enough - refused > 1:
        middle = (enough + refused) // 2
        if allowed_at(
            spec,
            ask,
            limits,
            legs=legs,
            tiers=tiers,
            lots=lots,
            equity_cash=Cash(middle),
            margin_share8=margin_share8,
        ):
            enough = middle
        else:
            refused = middle
    return Cash(enough)


@rule
def gain_at_target(spec: Spec, ask: Ask, legs: Legs, lots: Lots, target_ticks: int) -> Cash:
    """Profit of closing all lots at the target as a taker, after all costs."""
    return gain_floor(
        spec,
        ask,
        legs,
        lots=lots,
        exit_lots=lots,
        exit_ticks=Ticks(target_ticks),
        exit_fee8=ask[0].exit_fee8,
        exit_spread=ask[0].exit_spread_ticks,
    )


@rule
def fill_rungs(
    walk: Walk, spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, rungs: Rungs
) -> None:
    """Ask the rules what each count of lots, from the smallest on, loses, wins and needs."""
    needed, step = 1, 1
    for at in range(len(rungs)):
        lots = Lots(walk[0].smallest_lots + at)
        price, entry_fee, exit_fee, spread, slippage, funding = loss_parts(spec, ask, legs, lots=lots)
        rungs[at].price_cash = price
        rungs[at].loss_cash = price + entry_fee + exit_fee + spread + slippage + funding
        rungs[at].gain_cash = 0
        if walk[0].kind == TARGET:
            rungs[at].gain_cash = gain_at_target(
                spec, ask, legs, lots=lots, target_ticks=walk[0].target_ticks
            )
        if needed < NO_BOUND:
            before = needed
            needed = equity_needed(
                spec,
                ask,
                limits,
                legs=legs,
                tiers=tiers,
                lots=lots,
                margin_share8=walk[0].margin_share8,
                fewer_need=Cash(before),
                step_cash=Cash(step),
            )
            step = max(1, (needed - before) // 2)
        rungs[at].equity_cash = needed


@rule
def rung_within(walk: Walk, rungs: Rungs, budget_cash: Cash, equity_cash: Cash) -> int:
    """The last rung that fits the budget and the equity; -1 where none does."""
    last = len(rungs) - 1
    if last < 0 or rungs[0].loss_cash > budget_cash or rungs[0].equity_cash > equity_cash:
        return -1
    at = min(last, max(0, budget_cash // walk[0].lot_loss_cash - walk[0].smallest_lots))
    while rungs[at].loss_cash > budget_cash:
        at -= 1
    while at < last and rungs[at + 1].loss_cash <= budget_cash:
        at += 1
    if rungs[at].equity_cash <= equity_cash:
        return at
    fits, over = 0, at
    while over - fits > 1:
        middle = (fits + over) // 2
        if rungs[middle].equity_cash <= equity_cash:
            fits = middle
        else:
            over = middle
    return fits


# -- a trade


@rule
def _lots_from(spec: Spec, ask: Ask, limits: Limits, legs: Legs, tiers: Tiers, guess: Lots) -> Lots:
    """As :func:`largest_feasible`; quick where the guess is the budget's last lot, or next to it.

    Of one entry the most lots within the budget are the answer wherever every other rule allows them.
    """
    budget = limits[0].budget_cash
    if 0 < guess < spec[0].max_lots - 1:
        fits = guess
        if loss_cash(spec, ask, legs, lots=Lots(fits)) > budget:
            fits = Lots(fits - 1)
        elif loss_cash(spec, ask, legs, lots=Lots(fits + 1)) <= budget:
            fits = Lots(fits + 1)
        last = loss_cash(spec, ask, legs, lots=Lots(fits + 1)) > budget
        if last and fits > 0 and loss_cash(spec, ask, legs, lots=Lots(fits)) <= budget:
            code = refusal_beyond_budget(spec, ask, limits, legs=legs, tiers=tiers, lots=Lots(fits))
            if code == OK:
                return Lots(fits)
    lots, _, _ = largest_feasible(spec, ask, limits, legs=legs, tiers=tiers)
    return Lots(lots)


@rule
def times_result(cash: Cash, result8: int) -> Cash:
    """``cash`` times a result in 1e-8, rounded down; what does not fit is the most that is counted."""
    made = mul_div_floor(result8, cash, RATE)
    if made == OVERFLOW:
        return Cash(MAX_CASH if result8 > 0 else -MAX_CASH)
    return Cash(made)


@rule
def budget_at(walk: Walk, plan: PlanSteps, equity_cash: Cash) -> Cash:
    """What the next trade may lose: the money at risk, or the plan's share."""
    if walk[0].risk_cash:
        return Cash(min(walk[0].risk_cash, equity_cash))
    return plan_risk_cash(plan, equity_cash)


@rule
def lots_at(
    walk: Walk,
    spec: Spec,
    ask: Ask,
    limits: Limits,
    legs: Legs,
    tiers: Tiers,
    rungs: Rungs,
    budget_cash: Cash,
    equity_cash: Cash,
) -> Lots:
    """The most lots that every rule allows, as ``lotwise size`` finds them; 0 where nothing fits.

    With a stretch the smallest order is taken although it loses more than the budget.
    """
    smallest = walk[0].smallest_lots
    at = rung_within(walk, rungs, budget_cash, equity_cash=equity_cash)
    last = len(rungs) - 1
    if at >= 0 and (at < last or smallest + at >= spec[0].max_lots):
        return Lots(smallest + at)
    if at >= 0:
        set_account(limits, budget_cash, equity_cash, margin_share8=walk[0].margin_share8)
        guess = mul_div_floor(budget_cash, smallest + last, rungs[last].loss_cash)
        return _lots_from(spec, ask, limits, legs=legs, tiers=tiers, guess=Lots(guess))
    if walk[0].stretch8 <= RATE or last < 0 or rungs[0].equity_cash > equity_cash:
        return Lots(0)
    stretched = times_result(budget_cash, walk[0].stretch8)
    return Lots(smallest if rungs[0].loss_cash <= stretched else 0)


@rule
def change_cash(walk: Walk, spec: Spec, ask: Ask, legs: Legs, rungs: Rungs, lots: Lots, result8: int) -> Cash:
    """What a trade of so many lots makes or loses."""
    at = lots - walk[0].smallest_lots
    if at < len(rungs):
        loss, price, gain = rungs[at].loss_cash, rungs[at].price_cash, rungs[at].gain_cash
    else:
        price, entry_fee, exit_fee, spread, slippage, funding = loss_parts(spec, ask, legs, lots=lots)
        loss = price + entry_fee + exit_fee + spread + slippage + funding
        gain = 0
        if walk[0].kind == TARGET and result8 > 0:
            gain = gain_at_target(spec, ask, legs, lots=lots, target_ticks=walk[0].target_ticks)
    if walk[0].kind == NET:
        return times_result(Cash(loss), result8)
    if walk[0].kind == GROSS:
        return Cash(times_result(Cash(price), result8) - (loss - price))
    return Cash(gain if result8 > 0 else -loss)


# -- paths


@rule
def walk_paths(
    walk: Walk,
    spec: Spec,
    ask: Ask,
    limits: Limits,
    legs: Legs,
    tiers: Tiers,
    rungs: Rungs,
    results8: Sequence[int],
    plan: PlanSteps,
    draws: Sequence[int],
    ends: Ends,
) -> None:
    """Walk a path for each row of ``ends``.

    ``results8`` are the sample, in 1e-8 of R; TARGET: the loss and the win, told by their signs. With
    ``ideal`` they are net results and the whole budget is at risk. A path has ``draws`` of its own, as many
    as the others: one a trade, of a sample one a block. A block that reaches the sample's end goes on at its
    beginning.

    Source: Politis & Romano (1992), A circular block-resampling procedure for stationary data.
    """
    own = len(draws) // max(1, len(ends))
    for number in range(len(ends)):
        _walk_path(
            walk,
            spec,
            ask,
            limits=limits,
            legs=legs,
            tiers=tiers,
            rungs=rungs,
            results8=results8,
            plan=plan,
            draws=draws,
            first_draw=number * own,
            ends=ends,
            number=number,
        )


@rule
def _walk_path(
    walk: Walk,
    spec: Spec,
    ask: Ask,
    limits: Limits,
    legs: Legs,
    tiers: Tiers,
    rungs: Rungs,
    results8: Sequence[int],
    plan: PlanSteps,
    draws: Sequence[int],
    first_draw: int,
    ends: Ends,
    number: int,
) -> None:
    setup = walk[0]
    count = len(results8)
    equity = int(setup.equity_cash)
    begin_plan(plan, Cash(equity), Cash(0))
    peak, lowest, deepest = equity, equity, 0
    draw, at, left = first_draw, 0, 0
    made, code = 0, GOING
    while made < setup.trades:
        budget = budget_at(walk, plan, equity_cash=Cash(equity))
        lots = 0
        if setup.ideal == 0:
            lots = lots_at(
                walk,
                spec,
                ask,
                limits=limits,
                legs=legs,
                tiers=tiers,
                rungs=rungs,
                budget_cash=budget,
                equity_cash=Cash(equity),
            )
            if plan[0].kind != FRACTION:
                lots = min(lots, plan_lots(plan))
            if lots == 0:
                code = STUCK
                break
        if setup.kind == TARGET:
            at = 1 if draws[draw] < setup.win_below else 0
            draw += 1
        elif left == 0:
            at = draws[draw] * count // CHANCES
            draw += 1
            left = setup.block - 1
        else:
            at = at + 1 if at + 1 < count else 0
            left -= 1
        if setup.ideal:
            change = times_result(budget, results8[at])
        else:
            change = change_cash(
                walk, spec, ask, legs=legs, rungs=rungs, lots=Lots(lots), result8=results8[at]
            )
        equity = min(MAX_CASH, max(0, equity + change))
        made += 1
        if plan[0].kind != FRACTION:
            count_trade(plan, Cash(equity), int(change > 0))
            step_plan(plan, Cash(equity))
        if equity > peak:
            if lowest < peak:
                deepest = max(deepest, mul_div_floor(peak - lowest, RATE, peak))
            peak, lowest = equity, equity
        elif equity < lowest:
            lowest = equity
        if equity <= setup.ruin_cash:
            code = RUINED
            break
        if 0 < setup.target_cash <= equity:
            code = REACHED
            break
    ends[number].code = code
    ends[number].deepest8 = max(deepest, mul_div_floor(peak - lowest, RATE, peak))
    ends[number].equity_cash = equity
    ends[number].trades = made
