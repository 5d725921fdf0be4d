"""Law: closing everything at the break-even tick leaves no loss, one tick before it leaves one.

Against the twin's ``net_at_close`` in exact fractions. The kernel rounds every cost up, so one
tick before may be even by less than the five roundings of ``gain_floor``; never by more.
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
from tests.reference.sizing import break_even, net_at_close

ROUNDINGS = Fraction(5, judge.E8)


def at_the_first_ticks(number: int, question: Question) -> Question:
    """A short at a price of a few ticks: where no price above zero may pay the costs."""
    entries = (EntryLeg(price_ticks=Ticks(1 + number // 41 % 3), cumulative_share8=Rate8(RATE)),)
    intent = structs.replace(question.intent, side=-1, entries=entries, spread_ticks=Ticks(number // 123 % 3))
    return question._replace(intent=intent)


def check_break_even(drawn: Case) -> str:
    """The tick found, against the exact net of closing there and one tick before."""
    number, question = drawn
    if number % 41 == 0:
        question = at_the_first_ticks(number, question)
    rows, trade = rows_of(question), judge.trade_of(question)
    lots = Lots(spread_over(seeded(number + 13), 1, max(1, rows.spec[0].max_lots)))
    ticks = break_even_ticks(rows.spec, rows.ask, rows.legs, lots=lots)
    side = trade.direction
    if ticks == 0:
        assert side < 0 or trade.exit_fee + trade.funding_rate_total >= 1
        assert net_at_close(trade, lots, trade.tick_size) < ROUNDINGS, "a close at one tick pays"
        return "none"
    assert net_at_close(trade, lots, ticks * trade.tick_size) >= 0
    assert _gain(rows, lots, ticks) >= 0
    before = ticks - side
    if before == 0:
        return "at the first tick"
    assert _gain(rows, lots, before) < 0
    net_before = net_at_close(trade, lots, before * trade.tick_size)
    assert net_before < ROUNDINGS, f"{before} ticks pay {net_before} already"
    if number % 10 == 0 and net_before < 0:
        found = break_even(
            side,
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
        assert found == ticks * trade.tick_size
    return ("long" if side > 0 else "short") if net_before < 0 else "even by a rounding"


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
