"""Why this size: the steps from the budget to the lots, and what to beware of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lotwise.contracts.contract import Contract
from lotwise.kernel.layout import RATE
from lotwise.kernel.sizing import loss_cash
from lotwise.records.answers import TargetAnswer
from lotwise.records.order import SizedOrder
from lotwise.sizing.ask import average_ticks8, side_text
from lotwise.sizing.solve import Question, Rows
from lotwise.sizing.words import RULE_NAMES, leverage_text, money, order_text, smallest_loss
from lotwise.units import Lots, grouped, percent_text, scaled_text

if TYPE_CHECKING:
    from lotwise.sizing.plan import Figures


def steps_of(question: Question, rows: Rows, order: SizedOrder, figures: Figures | None) -> list[str]:
    """The derivation, one sentence a step; every figure in it is the kernel's."""
    contract, intent, account, limits = question
    settle = contract.settle
    lots = order.lots or order.smallest_lots
    share = f" = {percent_text(limits.risk8)} of {money(account.equity_cash, settle)}" if limits.risk8 else ""
    one = loss_cash(rows.spec, rows.ask, rows.legs, lots=Lots(1))
    where = (
        "at liquidation"
        if intent.stop_is_liquidation
        else f"at {grouped(contract.price_text(intent.stop_ticks))}"
    )
    steps = [
        f"budget {money(order.budget_cash, settle)}{share}",
        f"one lot, {order_text(contract, 1)}, {side_text(intent.side)} loses {money(one, settle)}"
        f" {where}, all costs in",
        f"the venue takes {order_text(contract, order.smallest_lots)} at least",
    ]
    if figures is None:
        loss = money(smallest_loss(rows, order), settle)
        return [*steps, f"that loses {loss}: {RULE_NAMES[order.refusal].replace('_', ' ')} refuses it"]
    more = loss_cash(rows.spec, rows.ask, rows.legs, lots=Lots(lots + 1))
    steps.append(
        f"{order_text(contract, lots)} loses {money(figures.loss, settle)};"
        f" one lot more would lose {money(more, settle)},"
        f" stopped by {RULE_NAMES[order.binding].replace('_', ' ')}"
    )
    chosen = "asked for" if limits.leverage100 else "the lowest that funds it"
    by = f"at {leverage_text(order.leverage100)}x ({chosen})"
    if contract.clearing:
        by = "as the exchange and the broker set it" if contract.scales.margin_per_lot_cash else "in full"
    left = f"{money(figures.free_after, settle)} stays free"
    steps.append(f"margin {money(figures.margin, settle)} {by}; {left}")
    if figures.liquidation8 is not None:
        steps.append(
            f"liquidated at {grouped(scaled_text(figures.liquidation8))},"
            f" {_stop_distances(question, figures)} (asked: {scaled_text(limits.liquidation_multiple8)})"
        )
    elif contract.tier_rows:
        steps.append("no price above zero liquidates it")
    return steps


def _stop_distances(question: Question, figures: Figures) -> str:
    """Entry-to-liquidation in stop distances, rounded down to 2 decimals."""
    intent, scales = question.intent, question.contract.scales
    if intent.stop_is_liquidation or figures.liquidation8 is None:
        return "which is the stop"
    average8 = average_ticks8(intent.entries)
    stopped = abs(average8 - intent.stop_ticks * RATE)
    liquidated = abs(average8 - figures.liquidation8 * RATE // scales.tick_size8)
    return f"{scaled_text(liquidated * 100 // stopped, 2, 2)} stop distances away"


def clearing_note(contract: Contract) -> str:
    """What a listed future's margin rests on."""
    known = contract.scales.margin_per_lot_cash
    counted = (
        f"{money(known, contract.settle)} a lot is counted"
        if known
        else "it is unknown here, so the full notional is counted"
    )
    return (
        f"{contract.id} is a listed future: exchange and broker set the margin ({counted}) and call for more;"
        " there is no liquidation price"
    )


def warnings_of(question: Question, figures: Figures | None, targets: Sequence[TargetAnswer]) -> list[str]:
    """What the numbers rest on, and what they do not hold."""
    contract, intent, account, _ = question
    found = []
    if contract.clearing:
        found.append(clearing_note(contract))
    elif not contract.tier_rows:
        found.append(
            f"margin tiers of {contract.id} are unknown: no liquidation price; bankruptcy stands in for the"
            " check, and live trading will refuse until they are refreshed"
        )
    if not intent.stop_is_liquidation and not intent.slippage_ticks:
        found.append(
            "no slippage is counted: a stop-market order can fill worse; add slippage, e.g. 5t or 2bp"
        )
    if contract.scales.max_leverage100 is None and not contract.clearing:
        found.append(f"the largest leverage of {contract.id} is unknown")
    if figures is None:
        return found
    if figures.worst * 2 > account.equity_cash and not account.is_cross and figures.worst > 3 * figures.loss:
        found.append(
            f"a gap through the stop can lose up to {money(figures.worst, contract.settle)},"
            f" {percent_text(figures.worst * 1000 // account.equity_cash * (RATE // 1000))} of equity:"
            " a higher leverage ties up less isolated margin"
        )
    for target in targets:
        if target.lots == 0:
            found.append(f"target {grouped(target.price)}: its share of the position is less than one lot")
        elif target.profit.startswith("-"):
            found.append(f"target {grouped(target.price)} does not pay its costs: {target.profit}")
    return found
