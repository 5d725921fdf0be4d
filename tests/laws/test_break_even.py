"""Law: closing everything at the break-even tick leaves no loss, one tick before it leaves one.

Against the twin's ``net_at_close`` in exact fractions. The kernel rounds every cost up, so one
tick before may be even by less than the five roundings of ``gain_floor``, and of an inverse ladder
one more for every leg; never by more.

An inverse long gains its worth at entry at most, so costs above that leave it no break-even; an
inverse short gains ever more, but for the first ticks.
"""

from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from lotwise.kernel.layout import RATE
from lotwise.kernel.sizing import break_even_ticks, gain_floor
from lotwise.records.order import EntryLeg
from lotwise.sizing.solve import Question, Rows, rows_of
from lotwise.units import Lots, Rate8, Ticks
from tests.laws import judge
from tests.laws.cases import Case, random_question, seeded, spread_over
from tests.laws.inverse_judge import net_of, stopless
from tests.reference.inverse import break_even as inverse_break_even
from tests.reference.sizing import break_even

ROUNDINGS = Fraction(5, judge.E8)
FARTHEST = 2**40
"""Ticks at which an inverse long has gained all but nothing of what it can."""


def at_the_first_ticks(number: int, question: Question) -> Question:
    """A short at a price of a few ticks: where no price above zero may pay the costs.

    Half a spread stays below an inverse price: an entry at zero would be worth without end.
    """
    price = 1 + number // 41 % 3
    entries = (EntryLeg(price_ticks=Ticks(price), cumulative_share8=Rate8(RATE)),)
    spread = number // 123 % 3
    if question.contract.is_inverse:
        spread = min(spread, 2 * price - 1)
    intent = structs.replace(question.intent, side=-1, entries=entries, spread_ticks=Ticks(spread))
    return question._replace(intent=intent)


def without_a_price(question: Question) -> Fraction:
    """Where a side without a break-even price has gained most: one tick for a short, far up for a long."""
    trade = judge.trade_of(question)
    if trade.direction < 0:
        return trade.tick_size
    assert question.contract.is_inverse or trade.exit_fee + trade.funding_rate_total >= 1
    return FARTHEST * trade.tick_size


def check_break_even(drawn: Case) -> str:
    """The tick found, against the exact net of closing there and one tick before."""
    number, question = drawn
    if number % 41 == 0:
        question = at_the_first_ticks(number, question)
    rows, trade, net = rows_of(question), judge.trade_of(question), net_of(question)
    inverse = question.contract.is_inverse
    roundings = ROUNDINGS + Fraction(len(trade.legs) if inverse else 0, judge.E8)
    lots = Lots(spread_over(seeded(number + 13), 1, max(1, rows.spec[0].max_lots)))
    ticks = break_even_ticks(rows.spec, rows.ask, rows.legs, lots=lots)
    side = trade.direction
    if ticks == 0:
        assert net(lots, without_a_price(question)) < roundings, "a close there pays"
        return "none, inverse" if inverse else "none"
    closed = net(lots, ticks * trade.tick_size)
    assert closed >= 0
    gained = Fraction(_gain(rows, lots, ticks), judge.E8)
    assert 0 <= gained <= closed, f"closing pays {closed}, shown as {gained}"
    assert closed - gained < roundings
    before = ticks - side
    if before == 0:
        return "at the first tick"
    assert _gain(rows, lots, before) < 0
    net_before = net(lots, before * trade.tick_size)
    assert net_before < roundings, f"{before} ticks pay {net_before} already"
    if number % 10 == 0 and net_before < 0:
        assert twin_of(question, lots) == ticks * trade.tick_size
    kind = ", inverse" if inverse else ""
    return (f"long{kind}" if side > 0 else f"short{kind}") if net_before < 0 else "even by a rounding"


def twin_of(question: Question, lots: Lots) -> Fraction | None:
    """The break-even price that the twin finds on its own."""
    trade = judge.trade_of(question)
    if question.contract.is_inverse:
        return inverse_break_even(stopless(trade), lots)
    return break_even(
        trade.direction,
        trade.legs,
        lots,
        tick_size=trade.tick_size,
        lot_size=trade.lot_coins,
        contract_size=1,
        spread=trade.spread,
        entry_fee=trade.entry_fee,
        exit_fee=trade.exit_fee,
        entry_is_taker=trade.entry_is_taker,
        funding_rate_total=trade.funding_rate_total,
    )


def _gain(rows: Rows, lots: Lots, ticks: int) -> int:
    """Net of closing everything as a taker, rounded down."""
    ask = rows.ask[0]
    return gain_floor(
        rows.spec,
        rows.ask,
        rows.legs,
        lots=lots,
        exit_lots=lots,
        exit_ticks=Ticks(ticks),
        exit_fee8=ask.exit_fee8,
        exit_spread=ask.exit_spread_ticks,
    )


@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_break_even_drawn(rng: random.Random, number: int) -> None:
    assert check_break_even(Case(number, random_question(rng)))
