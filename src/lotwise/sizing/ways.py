"""Ways out of a trade that does not fit: the nearest change of one thing that makes it fit.

Each is searched on the kernel's own refusal of the smallest legal order and then confirmed by
sizing again in full; a step less (a tick, a cent, 0.0001 % or a cent of risk, one of leverage)
does not fit. What only a second change would mend is not offered.
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
from lotwise.sizing.solve import Question, Rows, countable_rows_of, refusal_of, rows_of, solve
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
RISK_STEP8: Final = 100
"""Step of a risk share: 0.0001 %."""


QuestionOn = Callable[[Contract], Question]
"""The same words about another contract; raises InputError where they do not fit its rules."""


def ways_out(question: Question, rows: Rows, order: SizedOrder, question_on: QuestionOn) -> list[WayOut]:
    """Every single change that makes the trade fit, nearest first within its kind."""
    found: list[WayOut] = []
    for search in (_stop, _equity, _risk, _leverage):
        found += search(question, rows, order.smallest_lots)
    return found + list(_contracts(question.contract, question_on))


def first_true(fits: Callable[[int], bool], least: int, most: int) -> int | None:
    """Smallest whole number in [least, most] that fits, where fitting never stops once begun."""
    if least > most or not fits(most):
        return None
    refused = least - 1
    while most - refused > 1:
        middle = (refused + most) // 2
        if fits(middle):
            most = middle
        else:
            refused = middle
    return most


def _fits(question: Question) -> bool:
    return solve(question).lots > 0


def _stop(question: Question, rows: Rows, smallest: Lots) -> Iterator[WayOut]:
    """The widest stop that fits, searched from the stop asked for toward the nearest entry."""
    contract, intent = question.contract, question.intent
    if intent.stop_is_liquidation:
        return
    asked, side = intent.stop_ticks, intent.side
    ask = rows.ask[0]

    def fits(moved: int) -> bool:
        ask.stop_ticks = asked + side * moved
        refused = refusal_of(rows, smallest)
        ask.stop_ticks = asked
        return refused == codes.OK

    room = side * (intent.entries[-1].price_ticks - asked) - 1
    moved = first_true(fits, 1, room)
    if moved is None:
        return
    stop = Ticks(asked + side * moved)
    if not _fits(question._replace(intent=msgspec.structs.replace(intent, stop_ticks=stop))):
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


def _equity(question: Question, rows: Rows, smallest: Lots) -> Iterator[WayOut]:
    """The least equity, to the cent; money in use elsewhere stays in use."""
    account, limits = question.account, question.limits

    def with_equity(cents: int) -> Question:
        more = cents * CENT - account.equity_cash
        return question._replace(account=_grown(account, more))

    def fits(cents: int) -> bool:
        changed = with_equity(cents)
        return refusal_of(rows_of(changed), smallest) == codes.OK

    least = account.equity_cash // CENT + 1
    if limits.risk8:  # most refusals are the budget's: then the answer is one division away
        loss = loss_cash(rows.spec, rows.ask, rows.legs, lots=smallest)
        guess = mul_div_ceil(mul_div_ceil(loss, RATE, limits.risk8), 1, CENT)
        if (
            guess >= least
            and guess * CENT <= MAX_CASH
            and fits(guess)
            and not (guess > least and fits(guess - 1))
        ):
            least = guess
    cents = first_true(fits, least, MAX_CASH // CENT) if not fits(least) else least
    if cents is None or not _fits(with_equity(cents)):
        return
    value = cash_text(cents * CENT)
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
        cash = mul_div_ceil(loss, 1, CENT) * CENT
        if cash <= limits.risk_cash:
            return
        changed = msgspec.structs.replace(limits, risk_cash=Cash(cash))
        value, text = cash_text(cash), money(cash, settle)
    if _fits(question._replace(limits=changed)):
        yield WayOut(kind="risk", value=value, text=f"it would take a risk of {text} on this trade")


def _leverage(question: Question, rows: Rows, smallest: Lots) -> Iterator[WayOut]:
    """The nearest whole leverage that fits: lower where liquidation blocks, higher where margin does.

    Lower leverage ties up more margin and higher nears liquidation: each is tried in turn.
    """
    asked = question.limits.leverage100
    if not asked:
        return
    ask = rows.ask[0]

    def fits(whole: int) -> bool:
        ask.leverage100 = whole * LEVERAGE
        refused = refusal_of(rows, smallest)
        ask.leverage100 = asked
        return refused == codes.OK

    most = question.limits.max_leverage100 // LEVERAGE
    lower = next(filter(fits, range(-(-asked // LEVERAGE) - 1, 0, -1)), None)
    whole = lower or next(filter(fits, range(asked // LEVERAGE + 1, most + 1)), None)
    if whole is None:
        return
    changed = msgspec.structs.replace(question.limits, leverage100=whole * LEVERAGE)
    if _fits(question._replace(limits=changed)):
        word = "at most" if lower is not None else "at least"
        yield WayOut(
            kind="leverage", value=str(whole), text=f"use {word} {whole}x instead of {leverage_text(asked)}x"
        )


def _contracts(own: Contract, question_on: QuestionOn) -> Iterator[WayOut]:
    """The same coin on another contract or venue, sized with the same words."""
    if not _is_of_today(own):
        return
    for other in catalogue.same_coin(own.base, own.settle):
        if other.id == own.id or other.kind != own.kind:
            continue
        try:
            moved = question_on(other)
            rows = countable_rows_of(moved)
        except InputError:
            continue
        order = solve(moved, rows)
        if order.lots:
            loss = loss_cash(rows.spec, rows.ask, rows.legs, lots=order.lots)
            yield WayOut(
                kind="contract",
                value=other.id,
                text=f"{other.id} fits: {order_text(other, order.lots)} loses {money(loss, own.settle)}",
            )


def _is_of_today(contract: Contract) -> bool:
    """Whether the contract's facts are the catalogue's newest; rules of two days do not mix."""
    if contract.venue not in catalogue.VENUES:
        return True
    try:
        return catalogue.load(contract.id).as_of == contract.as_of
    except InputError:
        return False
