"""The order is one.

What it checks
    The order is the size of the trade that was asked about, of the contract whose facts are used: at least
    the venue's smallest and at most its largest quantity, with a leverage, and with the stop on the side
    where it loses.

Why
    A guard is the last one to look. A stop above the entry of a long makes the loss a gain, and every
    limit on risk would let it through.

Refused
    A long at 65,000.0 with its stop at 65,100.0.

What to do instead
    Let `lotwise size` make the order from the trade; an order that does not fit has no lots, and says why.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import Case, GuardRule, No, unbounded
from lotwise.guard.example import Example
from lotwise.kernel.codes import LOT, OK
from lotwise.kernel.feasibility import leg_refusal
from lotwise.kernel.layout import LEVERAGE, LONG, SHORT
from lotwise.units import Lots

NAME: Final = "order sound"
_AGAIN: Final = "size the trade again, and judge what comes of it"


def check(case: Case) -> No | None:
    """Whether the order can be counted at all."""
    scene, order, intent = case.scene, case.order, case.order.intent
    if scene.contract.id != intent.contract_id or intent != scene.intent:
        wanted = f"{scene.intent.contract_id} with the facts of {scene.contract.id}"
        return No(f"the order is of another trade of {intent.contract_id} than was asked: {wanted}", _AGAIN)
    if intent.side not in (LONG, SHORT) or not intent.entries:
        return No(f"the order has side {intent.side} and {len(intent.entries)} entries", _AGAIN)
    if order.lots < 1 or order.refusal != OK:
        return No(f"the order is of {order.lots} lots: it did not fit", "change the trade so that it fits")
    if order.leverage100 < LEVERAGE:
        return No(f"the order has leverage {order.leverage100} / 100, less than 1x", _AGAIN)
    prices = [leg.price_ticks for leg in intent.entries]
    if not intent.stop_is_liquidation and any(
        intent.side * (price - intent.stop_ticks) <= 0 for price in prices
    ):
        where = "below" if intent.side == LONG else "above"
        return No(
            f"the stop {scene.price(intent.stop_ticks)} is not {where} the entry"
            f" {scene.price(min(prices) if intent.side == LONG else max(prices))}",
            f"give a stop {where} every entry",
        )
    most = Lots(case.rows.spec[0].max_lots)
    if order.lots > most:
        return No(
            f"the order is {case.lots_text(order.lots)}, the venue's largest {case.lots_text(most)}",
            f"take {case.lots_text(most)} or less",
            most_lots=most,
        )
    code = leg_refusal(case.rows.spec, case.rows.legs, order.lots)
    if code != OK:
        what = "less than the venue's smallest quantity" if code == LOT else "worth less than its least"
        return No(f"an entry of the order, {case.lots_text(order.lots)} in all, is {what}", _AGAIN)
    return None


RULE: Final = GuardRule("GUARD-100", NAME, check, unbounded)
EXAMPLE: Final = Example(order={"stop_ticks": "65100"})
