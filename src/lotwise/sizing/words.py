"""What each refusal is called and what it says, with both numbers."""

from __future__ import annotations

from typing import Final

from lotwise.contracts.contract import Contract
from lotwise.kernel import codes
from lotwise.kernel.feasibility import margin_needed, margin_room
from lotwise.kernel.sizing import loss_cash
from lotwise.records.answers import Block
from lotwise.records.order import SizedOrder
from lotwise.sizing.solve import Question, Rows
from lotwise.units import Cash, Lots, cash_text, grouped, scaled_text

RULE_NAMES: Final = {
    codes.BUDGET: "budget",
    codes.MAX_QUANTITY: "max_quantity",
    codes.MARGIN: "margin",
    codes.HEADROOM: "headroom",
    codes.PLAN_LEVERAGE: "max_leverage",
    codes.TIER: "tier",
    codes.LIQUIDATION: "liquidation",
    codes.LOT: "lot",
    codes.MIN_NOTIONAL: "min_notional",
}
"""Kernel code to the name users see in ``binding`` and ``blocked_by.rule``."""

_CODES: Final = {
    "lot": "SIZE-110",
    "min_notional": "SIZE-111",
    "max_quantity": "SIZE-120",
    "margin": "SIZE-130",
    "headroom": "SIZE-131",
    "max_leverage": "SIZE-140",
    "tier": "SIZE-141",
    "liquidation": "SIZE-150",
}


def money(cash: int, settle: str) -> str:
    """Money for a sentence: ``1,234.56 USDT``."""
    return f"{grouped(cash_text(cash))} {settle}"


def leverage_text(leverage100: int) -> str:
    """A leverage without its x: ``3`` or ``2.5``."""
    return scaled_text(leverage100, 2)


def order_text(contract: Contract, lots: int) -> str:
    """A quantity with its unit: ``0.002 BTC``, of an inverse contract ``300 USD``."""
    return f"{grouped(contract.quantity_text(lots))} {contract.quantity_unit}"


def three_units(contract: Contract, lots: int, notional: int) -> str:
    """Coins, contracts and worth side by side, so that a wrong unit is seen before the order.

    ``notional`` in the settle coin: of an inverse contract that is the coins.
    """
    contracts = contract.contracts_text(lots)
    word = "contract" if contracts == "1" else "contracts"
    worth = f"{grouped(cash_text(notional))} {contract.settle}"
    coins = worth if contract.is_inverse else order_text(contract, lots)
    other = order_text(contract, lots) if contract.is_inverse else worth
    return f"{coins} = {grouped(contracts)} {word} = {other}"


def block_of(question: Question, rows: Rows, order: SizedOrder) -> Block:
    """The rule that refuses the smallest legal order, as code, name and sentence."""
    rule = RULE_NAMES[order.refusal]
    if order.refusal == codes.BUDGET:
        by_lot = order.smallest_lots <= rows.spec[0].min_lots or not rows.spec[0].min_notional_cash
        rule = "lot" if by_lot else "min_notional"
    return Block(code=_CODES[rule], rule=rule, text=_sentence(rule, question, rows, order))


def _sentence(rule: str, question: Question, rows: Rows, order: SizedOrder) -> str:
    contract, lots = question.contract, order.smallest_lots
    settle = contract.settle
    stop = contract.price_text(question.intent.stop_ticks)
    smallest = f"the smallest order, {order_text(contract, lots)},"
    if rule in ("lot", "min_notional"):
        loss = loss_cash(rows.spec, rows.ask, rows.legs, lots=lots)
        why = "" if rule == "lot" else f" (minimum worth {money(rows.spec[0].min_notional_cash, settle)})"
        where = "at liquidation" if question.intent.stop_is_liquidation else f"at the stop {grouped(stop)}"
        return (
            f"{smallest.removesuffix(',')}{why} loses {money(loss, settle)} {where} with costs;"
            f" the budget is {money(order.budget_cash, settle)}"
        )
    if rule == "max_quantity":
        return f"{smallest} is more than the largest the venue takes"
    if rule in ("margin", "headroom"):
        leverage = order.leverage100 or question.limits.max_leverage100
        needed = margin_needed(rows.spec, rows.ask, rows.legs, lots=lots, leverage100=leverage)
        room = margin_room(rows.spec, rows.ask, rows.limits, legs=rows.legs, lots=lots)
        free = max(0, room if rule == "margin" else min(room, rows.limits[0].margin_cash))
        whose = "are free" if rule == "margin" else "may be margin by the plan"
        return (
            f"{smallest} needs {money(needed, settle)} of margin at {leverage_text(leverage)}x;"
            f" {money(free, settle)} {whose} after the entry fee"
        )
    return f"{smallest} {_leverage_or_liquidation(rule, question, order)}"


def _leverage_or_liquidation(rule: str, question: Question, order: SizedOrder) -> str:
    leverage = leverage_text(order.leverage100)
    if rule == "max_leverage":
        allowed = leverage_text(question.limits.max_leverage100)
        return f"needs more than {allowed}x, the most allowed"
    if rule == "tier":
        return f"needs {leverage}x, more than its margin tier allows"
    multiple = scaled_text(question.limits.liquidation_multiple8)
    return f"at {leverage}x would be liquidated within {multiple} times the stop distance"


def smallest_loss(rows: Rows, order: SizedOrder) -> Cash:
    """What one more lot than the answer would lose, or the smallest order where nothing fits."""
    lots = order.lots + 1 if order.lots else order.smallest_lots
    return loss_cash(rows.spec, rows.ask, rows.legs, lots=Lots(lots))
