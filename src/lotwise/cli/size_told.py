"""What ``lotwise size`` tells: the order and its figures, or why there is none and what fits."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

from lotwise.cli.screen import Output, Row, Screen, cost, gain, loss, price, profit, signed
from lotwise.contracts.contract import Contract
from lotwise.records.answers import SizePlan, TargetAnswer
from lotwise.units import grouped, parse_rate, percent_text

if TYPE_CHECKING:
    from lotwise.app.slippage import MeasuredSlippage


def tell(
    plan: SizePlan,
    contract: Contract,
    output: Output,
    *,
    explain: bool,
    measured: MeasuredSlippage | None,
    today: date,
) -> None:
    """The plan as JSON, as a quantity alone, or as a person reads it."""
    if output.json:
        print(plan.to_json() if measured is None else _with_slippage(plan, measured))
        return
    if output.quiet:
        print(plan.quantity)
        return
    screen = Screen(output)
    screen.line()
    if plan.feasible:
        _print_fitting(plan, contract, screen, today)
    else:
        _print_refused(plan, contract, screen)
    if explain:
        screen.line("\n  why")
        for number, step in enumerate(plan.steps, 1):
            screen.paragraph(f"{number}. {step}", indent="    ", hanging="       ")
    if measured is not None:
        screen.line()
        screen.paragraph(measured.words, hanging="    ")
    for warning in [*plan.warnings, *(measured.warnings if measured else ())]:
        screen.line()
        screen.paragraph(f"! {warning}", hanging="    ", style="yellow")
    screen.line()


def _with_slippage(plan: SizePlan, measured: MeasuredSlippage) -> str:
    """The plan as JSON, with what its slippage rests on."""
    answer = plan.as_dict() | {"measured_slippage": measured.as_dict()}
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _print_fitting(plan: SizePlan, contract: Contract, screen: Screen, today: date) -> None:
    verb, glyph = ("BUY", "▲") if plan.side == "long" else ("SELL", "▼")
    screen.headline(
        glyph,
        f"{verb} {grouped(plan.quantity)} {plan.quantity_unit}",
        f"{plan.contract} {plan.margin}" + (f" {plan.leverage}×" if plan.leverage else ""),
        good=True,
    )
    screen.line()
    screen.rows(_fitting_rows(plan, contract, today))
    screen.line(
        f"\n  one lot more would lose {cost(plan.next_lot_loss, plan.settle)}:"
        f" stopped by {(plan.binding or '').replace('_', ' ')}"
    )
    if plan.what_if:
        _print_what_if(plan, screen)


def _print_what_if(plan: SizePlan, screen: Screen) -> None:
    screen.line()
    screen.table(
        ("what if", "maker", "taker", "quantity", "loss", "costs", "break-even"),
        [
            (
                one.change,
                one.maker,
                one.taker,
                grouped(one.quantity) if one.feasible else "does not fit",
                cost(one.loss_at_stop, plan.settle),
                cost(one.costs, plan.settle),
                grouped(one.break_even_price or "none"),
            )
            for one in plan.what_if
        ],
        drop=("maker", "taker"),
    )


def _fitting_rows(plan: SizePlan, contract: Contract, today: date) -> list[Row]:
    parts = plan.loss_breakdown
    assert parts is not None  # a plan that fits has its loss split up
    long = plan.side == "long"
    if plan.liquidation_price is None:
        liquidation = (
            "liquidation",
            "none" if contract.tier_rows or contract.clearing else "unknown",
            _no_liquidation(contract),
        )
    else:
        at = price(contract, plan.liquidation_price, up=long)
        liquidation = ("liquidation", at, f"maintenance margin {cost(plan.maintenance_margin, plan.settle)}")
    legs = plan.entries if len(plan.entries) > 1 else []
    return [
        ("order", grouped(plan.quantity), _order_note(plan, contract)),
        ("entry", grouped(plan.entry), "average of the ladder" if legs else ""),
        *(
            (f"  leg {number}", grouped(leg.price), f"{leg.quantity} {plan.quantity_unit}")
            for number, leg in enumerate(legs, 1)
        ),
        (
            "stop",
            price(contract, plan.stop, up=long),
            _stop_note(plan),
        ),
        (
            "loss at stop",
            loss(plan.loss_at_stop, plan.settle),
            f"{plan.settle}, of a budget of {grouped(plan.budget)}",
        ),
        *(
            (f"  {name.replace('_', ' ')}", cost(getattr(parts, name), plan.settle), "")
            for name in parts.__struct_fields__
        ),
        ("costs", cost(plan.friction.costs, plan.settle) if plan.friction else "", _friction_note(plan)),
        ("worst loss", loss(plan.worst_loss, plan.settle), _worst_note(plan)),
        ("notional", grouped(plan.notional), f"{plan.effective_leverage}× of equity"),
        (
            "margin",
            cost(plan.initial_margin, plan.settle),
            f"stays free: {gain(plan.free_margin_after, plan.settle)}",
        ),
        liquidation,
        ("break-even", grouped(plan.break_even_price or "none"), "all costs in"),
        *(
            (
                f"target {number}",
                grouped(one.price),
                _target_note(plan, one),
            )
            for number, one in enumerate(plan.targets, 1)
        ),
        ("facts", plan.as_of or "own", _age(plan.as_of, today)),
    ]


def _order_note(plan: SizePlan, contract: Contract) -> str:
    """The other units of the order."""
    if not contract.is_inverse:
        return plan.preview.partition(" ")[2]
    word = "contract" if plan.contracts == "1" else "contracts"
    return f"{plan.quantity_unit} = {grouped(plan.contracts)} {word} = {grouped(plan.notional)} {plan.settle}"


def _friction_note(plan: SizePlan) -> str:
    friction = plan.friction
    if friction is None:
        return ""
    return f"of the loss: {_percent(friction.of_loss)} of it, {_percent(friction.of_budget)} of the budget"


def _target_note(plan: SizePlan, one: TargetAnswer) -> str:
    made = f"{profit(one.profit, plan.settle)} = {signed(one.r)} R on {one.quantity} {plan.quantity_unit}"
    share = f"; costs take {_percent(one.cost_share)} of the move" if one.cost_share else ""
    return made + share


def _percent(share: str) -> str:
    return percent_text(parse_rate(share, "share"))


def _stop_note(plan: SizePlan) -> str:
    if plan.stop_distance == "liquidation":
        return "the liquidation price: the margin is the loss"
    if plan.cash_per_tick is None:
        return f"{plan.stop_distance} away"
    return f"{plan.stop_distance} away, {plan.cash_per_tick} {plan.settle} a tick"


def _worst_note(plan: SizePlan) -> str:
    if plan.margin in ("cross", "account"):
        return f"{plan.margin} margin: a gap can take the whole account"
    return "a gap past the stop can take the margin; a higher --leverage puts less in"


def _no_liquidation(contract: Contract) -> str:
    if contract.clearing:
        return "none by formula: the broker calls for margin"
    return "margin tiers unknown" if not contract.tier_rows else "no price above zero liquidates it"


def _age(as_of: str | None, today: date) -> str:
    if as_of is None:
        return ""
    days = (today - date.fromisoformat(as_of)).days
    return f"{days} days old" if days > 0 else ""


def _print_refused(plan: SizePlan, contract: Contract, screen: Screen) -> None:
    block = plan.blocked_by
    assert block is not None
    screen.headline(
        "■",
        "NO TRADE",
        f"{plan.contract} {plan.side}   {block.code} {block.rule.replace('_', ' ')}",
        good=False,
    )
    screen.line()
    screen.paragraph(block.text)
    screen.line()
    if not plan.ways_out:
        screen.line("  no single change of stop, equity, risk or contract makes it fit")
    for number, way in enumerate(plan.ways_out):
        screen.paragraph(f"{'ways out' if number == 0 else '':<10}{way.text}", hanging=" " * 12)
