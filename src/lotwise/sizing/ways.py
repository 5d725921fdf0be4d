"""Ways out of a trade that does not fit: the nearest change of one thing that makes it fit.

Each is searched with the kernel's own sizing and then confirmed by asking again in full; a step
less (a tick, a cent or a millionth of a coin, 0.0001 % of risk, one of leverage) does not fit. What only a
second change would mend is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel import codes
from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.layout import LEVERAGE, LONG, RATE
from lotwise.kernel.sizing import loss_cash
from lotwise.records.answers import WayOut
from lotwise.records.order import AccountView, Intent, SizedOrder
from lotwise.sizing.ask import average_ticks8
from lotwise.sizing.solve import Question, Rows, countable_rows_of, fits, limits_row, solve
from lotwise.sizing.words import leverage_text, money, order_text
from lotwise.units import (
    MAX_CASH,
    SCALE,
    Cash,
    Lots,
    Rate8,
    Ticks,
    cash_text,
    grouped,
    percent_text,
    scaled_text,
)

CENT: Final = SCALE // 100
COIN_STEP: Final = SCALE // 1_000_000
"""Step of money in a coin, of an inverse contract's account."""
RISK_STEP8: Final = 100
"""Step of a risk share: 0.0001 %."""


DOLLARS: Final = ("USD", "USDT", "USDC")
"""Settle coins that count as dollars where a listed future does not fit; the way out names its coin."""

QuestionOn = Callable[[Contract], Question]
"""The same words about another contract; raises InputError where they do not fit its rules."""


def ways_out(question: Question, rows: Rows, order: SizedOrder, question_on: QuestionOn) -> list[WayOut]:
    """Every single change that makes the trade fit, nearest first within its kind."""
    found: list[WayOut] = []
    found += _stop(question, rows)
    found += _equity(question, rows, order)
    found += _risk(question, rows, order.smallest_lots)
    found += _leverage(question, rows, order)
    return found + list(_contracts(question.contract, question_on))


def first_true(true: Callable[[int], bool], least: int, most: int) -> int | None:
    """Smallest whole number in [least, most] where ``true`` holds, once begun for good."""
    if least > most or not true(most):
        return None
    before = least - 1
    while most - before > 1:
        middle = (before + most) // 2
        if true(middle):
            most = middle
        else:
            before = middle
    return most


def _fits_in_full(question: Question) -> bool:
    return solve(question).lots > 0


def _stop(question: Question, rows: Rows) -> Iterator[WayOut]:
    """The widest stop that fits, searched from the stop asked for toward the nearest entry."""
    contract, intent = question.contract, question.intent
    if intent.stop_is_liquidation:
        return
    asked, side = intent.stop_ticks, intent.side
    ask = rows.ask[0]

    def fits_at(moved: int) -> bool:
        ask.stop_ticks = asked + side * moved
        found = fits(rows)
        ask.stop_ticks = asked
        return found

    room = side * (intent.entries[-1].price_ticks - asked) - 1
    moved = first_true(fits_at, 1, room)
    if moved is None:
        return
    stop = Ticks(asked + side * moved)
    if not _fits_in_full(question._replace(intent=msgspec.structs.replace(intent, stop_ticks=stop))):
        return
    price = contract.price_text(stop)
    closer = "or higher" if side == LONG else "or lower"
    distance = distance_text(intent, stop)
    yield WayOut(
        kind="stop",
        value=price,
        text=f"place the stop at {grouped(price)} {closer} ({distance} from the entry)",
    )


def distance_text(intent: Intent, ticks: int) -> str:
    """Distance of a price from the average entry in percent, rounded down to 5 decimals."""
    average8 = average_ticks8(intent.entries)
    away8 = abs(average8 - ticks * RATE) * 10_000_000 // average8
    return f"{scaled_text(away8, 5, 2)} %"


def money_step(contract: Contract) -> int:
    """Step of equity and of money at risk in ways out: a cent, or a millionth of a coin."""
    return COIN_STEP if contract.is_inverse else CENT


def _equity(question: Question, rows: Rows, order: SizedOrder) -> Iterator[WayOut]:
    """The least equity, to the step of money; money in use elsewhere stays in use."""
    step = money_step(question.contract)
    account, limits = question.account, question.limits

    def grown_to(steps: int) -> AccountView:
        return _grown(account, steps * step - account.equity_cash)

    def fits_with(steps: int) -> bool:
        return fits(rows._replace(limits=[limits_row(grown_to(steps), limits)]))

    least = account.equity_cash // step + 1
    if order.refusal == codes.BUDGET:
        if not limits.risk8:
            return  # a fixed amount at risk does not grow with the account
        loss = loss_cash(rows.spec, rows.ask, rows.legs, lots=order.smallest_lots)
        least = max(least, mul_div_ceil(mul_div_ceil(loss, RATE, limits.risk8), 1, step))
    if least * step > MAX_CASH:
        return
    enough = least
    while enough < MAX_CASH // step and not fits_with(enough):
        least, enough = enough + 1, min(MAX_CASH // step, 2 * enough)
    steps = first_true(fits_with, least, enough)
    if steps is None or not _fits_in_full(question._replace(account=grown_to(steps))):
        return
    value = cash_text(steps * step)
    at = f" at {percent_text(limits.risk8)} risk" if limits.risk8 else ""
    yield WayOut(
        kind="equity", value=value, text=f"raise equity to {grouped(value)} {question.contract.settle}{at}"
    )


def _grown(account: AccountView, more: int) -> AccountView:
    return msgspec.structs.replace(
        account,
        equity_cash=Cash(account.equity_cash + more),
        free_cash=Cash(account.free_cash + more),
        cross_cash=Cash(account.cross_cash + more if account.is_cross else 0),
    )


def _risk(question: Question, rows: Rows, smallest: Lots) -> Iterator[WayOut]:
    """The risk it would take: stated as a fact, not advised."""
    limits, account = question.limits, question.account
    loss = loss_cash(rows.spec, rows.ask, rows.legs, lots=smallest)
    settle = question.contract.settle
    if limits.risk8:
        risk8 = mul_div_ceil(mul_div_ceil(loss, RATE, account.equity_cash), 1, RISK_STEP8) * RISK_STEP8
        if not limits.risk8 < risk8 <= RATE:
            return
        changed = msgspec.structs.replace(limits, risk8=Rate8(risk8))
        value, text = percent_text(risk8).replace(" ", ""), f"{percent_text(risk8)} ({money(loss, settle)})"
    else:
        step = money_step(question.contract)
        cash = mul_div_ceil(loss, 1, step) * step
        if not limits.risk_cash < cash <= account.equity_cash:
            return
        changed = msgspec.structs.replace(limits, risk_cash=Cash(cash))
        value, text = cash_text(cash), money(cash, settle)
    if _fits_in_full(question._replace(limits=changed)):
        yield WayOut(kind="risk", value=value, text=f"it would take a risk of {text} on this trade")


def _leverage(question: Question, rows: Rows, order: SizedOrder) -> Iterator[WayOut]:
    """The nearest whole leverage that fits: lower where liquidation blocks, higher where margin does.

    Lower leverage ties up more margin and higher nears liquidation: each is tried in turn.
    """
    asked = question.limits.leverage100
    ask = rows.ask[0]
    if (
        not asked
        or question.contract.clearing
        or (order.refusal == codes.BUDGET and not ask.stop_is_liquidation)
    ):
        return  # the loss at a stop order is the same at any leverage; a listed future has none

    def fits_at(whole: int) -> bool:
        ask.leverage100 = whole * LEVERAGE
        found = fits(rows)
        ask.leverage100 = asked
        return found

    most = question.limits.max_leverage100 // LEVERAGE
    lower = next(filter(fits_at, range(-(-asked // LEVERAGE) - 1, 0, -1)), None)
    whole = lower or next(filter(fits_at, range(asked // LEVERAGE + 1, most + 1)), None)
    if whole is None:
        return
    changed = msgspec.structs.replace(question.limits, leverage100=whole * LEVERAGE)
    if _fits_in_full(question._replace(limits=changed)):
        word = "at most" if lower is not None else "at least"
        yield WayOut(
            kind="leverage", value=str(whole), text=f"use {word} {whole}x instead of {leverage_text(asked)}x"
        )


def _contracts(own: Contract, question_on: QuestionOn) -> Iterator[WayOut]:
    """The same coin on another contract or venue, sized with the same words."""
    if not _is_of_today(own):
        return
    for other in _on_the_same_coin(own):
        try:
            moved = question_on(other)
            rows = countable_rows_of(moved)
        except InputError:
            continue
        if not solve(moved, rows).lots:
            continue
        moved = _at_its_fees(moved)
        rows = countable_rows_of(moved)
        order = solve(moved, rows)
        if order.lots:
            loss = loss_cash(rows.spec, rows.ask, rows.legs, lots=order.lots)
            yield WayOut(
                kind="contract",
                value=other.id,
                text=f"{other.id} fits: {order_text(other, order.lots)} loses {money(loss, other.settle)}",
            )


def _at_its_fees(question: Question) -> Question:
    """The question at the contract's own fees where they are higher than the ones given."""
    intent, fees = question.intent, question.contract.fees
    if fees is None:
        return question
    entry8 = Rate8(max(intent.entry_fee8, fees.taker8 if intent.entry_takes else fees.maker8))
    exit8 = Rate8(max(intent.exit_fee8, fees.taker8))
    return question._replace(intent=msgspec.structs.replace(intent, entry_fee8=entry8, exit_fee8=exit8))


def _on_the_same_coin(own: Contract) -> Iterator[Contract]:
    """Contracts of the same kind and settle coin; of a listed future, dollar perpetuals and its like."""
    if not own.clearing:
        for other in catalogue.same_coin(own.base, own.settle):
            if other.id != own.id and other.kind == own.kind:
                yield other
        return
    for settle in DOLLARS:
        for other in catalogue.same_coin(own.base, settle):
            listed_or_lasting = other.clearing or not other.is_dated
            if other.id != own.id and not other.is_inverse and listed_or_lasting:
                yield other


def _is_of_today(contract: Contract) -> bool:
    """Whether the contract's facts are the catalogue's newest; rules of two days do not mix."""
    if contract.venue not in catalogue.VENUES:
        return True
    try:
        return catalogue.load(contract.id).as_of == contract.as_of
    except InputError:
        return False
