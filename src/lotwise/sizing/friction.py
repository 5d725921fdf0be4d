"""What trading costs: of the loss at the stop, of a target, and under other fees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.layout import AskRow
from lotwise.kernel.sizing import break_even_ticks, gain_floor, loss_parts
from lotwise.records.answers import Friction, WhatIf
from lotwise.sizing.ask import read_fees
from lotwise.sizing.question import Words
from lotwise.sizing.solve import Question, Rows, countable_rows_of, solve
from lotwise.units import Cash, Lots, Ticks, cash_text, percent_text, scaled_text, shown


def friction_of(parts: Sequence[int], loss: Cash, budget: Cash, notional: Cash) -> Friction | None:
    """Everything in a loss but the price move; ``None`` where nothing is lost."""
    costs = sum(parts[1:])
    if not loss:
        return None
    return Friction(
        costs=cash_text(costs),
        of_loss=scaled_text(mul_div_ceil(costs, 10_000, loss), 4, 2),
        of_budget=scaled_text(mul_div_ceil(costs, 10_000, budget), 4, 2),
        of_notional=scaled_text(mul_div_ceil(costs, 1_000_000, notional), 6, 2),
    )


def profit_and_costs(
    question: Question, rows: Rows, lots: Lots, exit_ticks: Ticks, part: Lots
) -> tuple[Cash, Cash]:
    """Profit of closing ``part`` after all costs, and the costs: what it would be without any, less it."""
    if not part:
        return Cash(0), Cash(0)
    free = AskRow(**dict(zip(AskRow.__slots__, rows.ask[0].values(), strict=True)))
    free.entry_fee8 = free.exit_fee8 = free.funding8 = 0
    free.entry_spread_ticks = free.exit_spread_ticks = 0
    intent = question.intent
    net, gross = (
        gain_floor(
            rows.spec,
            ask,
            rows.legs,
            lots=lots,
            exit_lots=part,
            exit_ticks=exit_ticks,
            exit_fee8=fee8,
            exit_spread=spread,
        )
        for ask, fee8, spread in (
            (rows.ask, intent.exit_fee8, intent.spread_ticks),
            ([free], 0, 0),
        )
    )
    return net, Cash(gross - net)


def outcomes_of(changes: Sequence[str], words: Words, contract: Contract) -> list[WhatIf]:
    """The trade sized again for each change: ``"maker"``, ``"taker"`` or fees ``"0.01%/0.03%"``.

    Raises
    ------
    InputError
        SIZE-045 a change that is none of these; CONTRACT-120 a fee out of range.
    """
    found = []
    if not isinstance(changes, (list, tuple)):
        raise InputError("SIZE-045", f"what_if is {shown(changes)}", 'give a list like ["maker"]')
    for change in changes:
        fees, enter = read_fees(contract, words.fees), words.entry_as
        text = str(change).strip().lower()
        if text in ("maker", "taker"):
            enter = text
        elif text.count("/") == 1:
            maker, taker = text.split("/")
            fees = FeeSchedule(maker, taker)
        else:
            raise InputError(
                "SIZE-045", f"what_if is {shown(change)}", 'use "maker", "taker" or fees "0.01%/0.03%"'
            )
        question = replace(words, entry_as=enter, fees=fees).on(contract)
        found.append(_outcome(change, question, countable_rows_of(question), fees))
    return found


def _outcome(change: str, question: Question, rows: Rows, fees: FeeSchedule) -> WhatIf:
    contract, order = question.contract, solve(question, rows)
    parts: tuple[int, ...] = ()
    even = Ticks(0)
    if order.lots:
        parts = loss_parts(rows.spec, rows.ask, rows.legs, lots=order.lots)
        even = break_even_ticks(rows.spec, rows.ask, rows.legs, lots=order.lots)
    return WhatIf(
        change=change,
        maker=percent_text(fees.maker8),
        taker=percent_text(fees.taker8),
        feasible=bool(order.lots),
        quantity=contract.quantity_text(order.lots),
        loss_at_stop=cash_text(sum(parts)) if parts else None,
        costs=cash_text(sum(parts[1:])) if parts else None,
        break_even_price=contract.price_text(even) if even else None,
    )
