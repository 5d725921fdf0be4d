"""From a solved question to the answer a person reads: every number as exact text."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from lotwise.contracts.contract import Contract
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.feasibility import margin_needed, margin_room, wallet_behind
from lotwise.kernel.layout import LEVERAGE, RATE
from lotwise.kernel.margin import maintenance_trunc
from lotwise.kernel.sizing import (
    break_even_ticks,
    entry_fee_ceil,
    entry_notional,
    loss_parts,
    lots_through_leg,
)
from lotwise.records.answers import EntryAnswer, LossBreakdown, SizePlan, TargetAnswer
from lotwise.records.order import SizedOrder
from lotwise.sizing.ask import average_ticks8, side_text
from lotwise.sizing.explain import steps_of, warnings_of
from lotwise.sizing.friction import friction_of, profit_and_costs
from lotwise.sizing.solve import Question, Rows, countable_rows_of, solve
from lotwise.sizing.standing import Standing, inverse_entered, scaled_tiers
from lotwise.sizing.targets import Target, lots_per_target
from lotwise.sizing.ways import QuestionOn, distance_text, ways_out
from lotwise.sizing.words import RULE_NAMES, block_of, leverage_text, smallest_loss, three_units
from lotwise.units import Cash, Lots, Price8, Ticks, cash_text, scaled_text


class Figures(NamedTuple):
    """The numbers of an order of ``lots``, before they become text. Money in Cash."""

    lots: Lots
    notional: Cash
    parts: tuple[int, int, int, int, int, int]
    loss: Cash
    worst: Cash
    margin: Cash
    free_after: int
    maintenance: Cash | None
    liquidation8: int | None
    """Toward the entry, the cautious side."""
    bankruptcy8: int | None
    break_even: Ticks


def figures_of(question: Question, rows: Rows, order: SizedOrder) -> Figures:
    """Every number of the order, each from its rule in the kernel."""
    contract, lots = question.contract, order.lots
    spec, ask, limits, legs, tiers = rows
    notional = entry_notional(spec, legs, lots=lots, up=0)
    parts = loss_parts(spec, ask, legs, lots=lots)
    margin = margin_needed(spec, ask, legs, lots=lots, leverage100=order.leverage100)
    wallet = wallet_behind(spec, ask, limits, legs=legs, lots=lots, leverage100=order.leverage100)
    fee = entry_fee_ceil(spec, ask, legs, lots=lots)
    standing = _standing(question, rows, order, notional, wallet)
    return Figures(
        lots=lots,
        notional=notional,
        parts=parts,
        loss=Cash(sum(parts)),
        worst=_worst(question, Cash(margin + fee + parts[5]), Cash(sum(parts))),
        margin=margin,
        free_after=margin_room(spec, ask, limits, legs=legs, lots=lots) - margin,
        maintenance=maintenance_trunc(contract.tier_rows, notional) if tiers else None,
        liquidation8=standing.price8(standing.liquidation(bool(spec[0].entry_based))) if tiers else None,
        bankruptcy8=standing.price8(standing.bankruptcy()),
        break_even=break_even_ticks(spec, ask, legs, lots=lots),
    )


def _worst(question: Question, margin_and_costs: Cash, loss: Cash) -> Cash:
    """What a gap can take: isolated the margin and the costs paid, cross all equity."""
    return question.account.equity_cash if question.account.is_cross else max(margin_and_costs, loss)


def _standing(question: Question, rows: Rows, order: SizedOrder, notional: Cash, wallet: Cash) -> Standing:
    """The order once it is filled; an inverse entry's worth and isolated margin are exact fractions."""
    contract, side, lots = question.contract, question.intent.side, order.lots
    if not contract.is_inverse:
        return Standing(contract, side, lots, 1, notional, wallet, rows.tiers)
    tick8 = contract.scales.tick_size8
    fills = [
        (part, Price8(leg.price_ticks * tick8))
        for leg, part in zip(rows.legs, lots_per_leg(rows, lots), strict=True)
    ]
    scale, entered = inverse_entered(contract, fills)
    standing = wallet * scale
    if not question.account.is_cross:
        scale, standing = scale * order.leverage100, entered * LEVERAGE
        entered = Cash(entered * order.leverage100)
    tiers = scaled_tiers(rows.tiers, scale)
    return Standing(contract, side, lots, scale, entered, Cash(standing), tiers)


def lots_per_leg(rows: Rows, lots: Lots) -> list[Lots]:
    """Lots of each leg of the ladder."""
    parts, before = [], 0
    for number in range(len(rows.legs)):
        through = lots_through_leg(rows.legs, number, lots)
        parts.append(Lots(through - before))
        before = through
    return parts


def assemble(question: Question, goals: Sequence[Target], question_on: QuestionOn) -> SizePlan:
    """Solve the question and write the answer down; ``question_on`` asks it of another contract."""
    rows = countable_rows_of(question)
    order = solve(question, rows)
    return (
        _fitting(question, rows, order, goals) if order.lots else _refused(question, rows, order, question_on)
    )


def _fitting(question: Question, rows: Rows, order: SizedOrder, goals: Sequence[Target]) -> SizePlan:
    contract = question.contract
    figures = figures_of(question, rows, order)
    lots = order.lots
    targets = [
        _target(question, rows, order, figures, goal, part)
        for goal, part in zip(goals, lots_per_target(lots, goals), strict=True)
    ]
    price, entry_fee, exit_fee, spread, slippage, funding = (cash_text(part) for part in figures.parts)
    return SizePlan(
        **_asked(question, figures),
        feasible=True,
        lots=lots,
        quantity=contract.quantity_text(lots),
        contracts=contract.contracts_text(lots),
        notional=cash_text(figures.notional),
        preview=three_units(contract, lots, figures.notional),
        loss_at_stop=cash_text(figures.loss),
        loss_breakdown=LossBreakdown(
            price=price,
            entry_fee=entry_fee,
            exit_fee=exit_fee,
            spread=spread,
            slippage=slippage,
            funding=funding,
        ),
        worst_loss=cash_text(figures.worst),
        budget=cash_text(order.budget_cash),
        budget_used=scaled_text(mul_div_ceil(figures.loss, 10_000, order.budget_cash), 4, 2),
        leverage=None if contract.clearing else leverage_text(order.leverage100),
        effective_leverage=scaled_text(
            mul_div_ceil(figures.notional, 10_000, question.account.equity_cash), 4, 2
        ),
        entries=_entries(contract, rows, lots),
        initial_margin=cash_text(figures.margin),
        free_margin_after=cash_text(figures.free_after),
        maintenance_margin=None if figures.maintenance is None else cash_text(figures.maintenance),
        liquidation_price=_price8_text(figures.liquidation8),
        bankruptcy_price=_price8_text(figures.bankruptcy8),
        break_even_price=contract.price_text(figures.break_even) if figures.break_even else None,
        cash_per_tick=None if contract.is_inverse else cash_text(lots * contract.scales.cash_per_tick_lot),
        next_lot_loss=cash_text(smallest_loss(rows, order)),
        friction=friction_of(figures.parts, figures.loss, order.budget_cash, figures.notional),
        targets=targets,
        what_if=[],
        binding=RULE_NAMES[order.binding],
        blocked_by=None,
        ways_out=[],
        warnings=warnings_of(question, figures, targets),
        steps=steps_of(question, rows, order, figures),
    )


def _refused(question: Question, rows: Rows, order: SizedOrder, question_on: QuestionOn) -> SizePlan:
    block = block_of(question, rows, order)
    return SizePlan(
        **_asked(question, None),
        feasible=False,
        lots=0,
        quantity="0",
        contracts="0",
        notional="0.00",
        preview="no order",
        loss_at_stop=None,
        loss_breakdown=None,
        worst_loss=None,
        budget=cash_text(order.budget_cash),
        budget_used="0.00",
        leverage=None,
        effective_leverage=None,
        entries=[],
        initial_margin=None,
        free_margin_after=None,
        maintenance_margin=None,
        liquidation_price=None,
        bankruptcy_price=None,
        break_even_price=None,
        cash_per_tick=None,
        next_lot_loss=cash_text(smallest_loss(rows, order)),
        friction=None,
        targets=[],
        what_if=[],
        binding=None,
        blocked_by=block,
        ways_out=ways_out(question, rows, order, question_on),
        warnings=warnings_of(question, None, []),
        steps=steps_of(question, rows, order, None),
    )


def _asked(question: Question, figures: Figures | None) -> dict[str, Any]:
    """What both answers repeat of the question."""
    contract, intent = question.contract, question.intent
    entry = (
        contract.price_text(intent.entries[0].price_ticks)
        if len(intent.entries) == 1
        else scaled_text(_average8(question) * contract.scales.tick_size8 // RATE)
    )
    stop, distance = contract.price_text(intent.stop_ticks), distance_text(intent, intent.stop_ticks)
    if intent.stop_is_liquidation:
        price8 = (figures.liquidation8 or figures.bankruptcy8) if figures else None
        stop = scaled_text(price8) if price8 else "liquidation"
        distance = "liquidation"
    return {
        "contract": contract.id,
        "side": side_text(intent.side),
        "entry": entry,
        "stop": stop,
        "stop_distance": distance,
        "margin": _margin_mode(question),
        "settle": contract.settle,
        "base": contract.base,
        "quantity_unit": contract.quantity_unit,
        "as_of": contract.as_of,
    }


def _average8(question: Question) -> int:
    """Average entry in 1e-8 ticks, rounded down; of an inverse contract the harmonic mean."""
    entries = question.intent.entries
    if not question.contract.is_inverse:
        return average_ticks8(entries)
    product = prod(leg.price_ticks for leg in entries)
    worth, before = 0, 0
    for leg in entries:
        worth += (leg.cumulative_share8 - before) * (product // leg.price_ticks)
        before = leg.cumulative_share8
    return RATE * RATE * product // worth


def _margin_mode(question: Question) -> str:
    if question.contract.clearing:
        return "account"
    return "cross" if question.account.is_cross else "isolated"


def _entries(contract: Contract, rows: Rows, lots: Lots) -> list[EntryAnswer]:
    return [
        EntryAnswer(
            price=contract.price_text(leg.price_ticks), lots=part, quantity=contract.quantity_text(part)
        )
        for leg, part in zip(rows.legs, lots_per_leg(rows, lots), strict=True)
    ]


def _price8_text(price8: int | None) -> str | None:
    return None if price8 is None else scaled_text(price8)


def _target(
    question: Question, rows: Rows, order: SizedOrder, figures: Figures, goal: Target, part: Lots
) -> TargetAnswer:
    contract = question.contract
    profit, costs = profit_and_costs(question, rows, order.lots, goal.price_ticks, part)
    moved = profit + costs
    return TargetAnswer(
        price=contract.price_text(goal.price_ticks),
        profit=cash_text(profit),
        r=scaled_text(mul_div_floor(profit, 10_000, figures.loss), 4, 2) if figures.loss else "0.00",
        costs=cash_text(costs),
        cost_share=scaled_text(mul_div_ceil(costs, 10_000, moved), 4, 2) if moved > 0 else None,
        lots=part,
        quantity=contract.quantity_text(part),
    )
