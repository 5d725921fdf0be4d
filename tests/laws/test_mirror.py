"""Law: a long from a to b loses what a short from b to a loses.

Executed prices are the same two, so with the fee rates of entry and exit exchanged (or equal)
the losses are the same integers, spread and funding included, as long as both sides take.
Slippage is at the stop alone: it lowers a long's exit and raises a short's, so the short pays
the fee on twice the slippage more: ``2 x exit fee x slippage x quantity``, to one 1e-8 per fee.

Of an inverse contract the same holds in coin, to the integer: both ways move between the same two
worths. Slippage moves a low price by more coins than a high one, so there the long loses more:
the difference is the twin's, to the roundings of both losses.
"""

from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lotwise.kernel.layout import RATE, LegRow
from lotwise.kernel.sizing import loss_cash, loss_parts
from lotwise.sizing.solve import Question, Rows, rows_of
from lotwise.units import Lots
from tests.laws import judge
from tests.laws.cases import Case, random_question, seeded, spread_over
from tests.laws.inverse_judge import slack_of
from tests.reference import inverse

ROUNDINGS = slack_of(1) * judge.E8
"""Most that rounding up adds to one of the losses, in 1e-8."""


def pair(rng: random.Random, question: Question) -> tuple[Rows, Rows, Lots]:
    """The question's costs on one entry and one stop, both ways, with the fee rates exchanged."""
    there, back = rows_of(question), rows_of(question)
    high = max(leg.price_ticks for leg in question.intent.entries)
    low = max(1, high - spread_over(rng, 1, high))
    most = low - 1 if question.contract.is_inverse else low  # an inverse exit stays above zero
    for rows, side, entry, stop in ((there, 1, high, low), (back, -1, low, high)):
        ask = rows.ask[0]
        ask.side, ask.stop_ticks, ask.stop_is_liquidation = side, stop, 0
        ask.entry_spread_ticks = ask.exit_spread_ticks = min(question.intent.spread_ticks, most)
        ask.slippage_ticks = min(question.intent.slippage_ticks, most // 2)
        rows.legs[:] = [LegRow(cumulative_share8=RATE, price_ticks=entry)]
    back.ask[0].entry_fee8, back.ask[0].exit_fee8 = there.ask[0].exit_fee8, there.ask[0].entry_fee8
    return there, back, Lots(spread_over(rng, 1, max(1, there.spec[0].max_lots)))


def check_mirror(drawn: Case) -> str:
    """Both ways lose the same; with slippage the short's fee is on twice the slippage more."""
    rng = seeded(drawn.number + 11)
    there, back, lots = pair(rng, drawn.question)
    slippage = there.ask[0].slippage_ticks
    for rows in (there, back):
        rows.ask[0].slippage_ticks = 0
    long, short = _loss(there, lots), _loss(back, lots)
    assert long == short, f"{lots} lots: long {long}, short {short}"
    if not slippage:
        return "no slippage" if there.spec[0].cash_per_tick_lot else "no slippage, inverse"
    for rows in (there, back):
        rows.ask[0].slippage_ticks = slippage
        rows.ask[0].entry_fee8 = rows.ask[0].exit_fee8
    back.ask[0].exit_fee8 = back.ask[0].entry_fee8 = there.ask[0].exit_fee8
    unit = there.spec[0].cash_per_tick_lot
    found = _loss(back, lots) - _loss(there, lots)
    if unit == 0:
        exact = _exact8(drawn.question, back, lots) - _exact8(drawn.question, there, lots)
        assert abs(found - exact) < 2 * ROUNDINGS, f"{lots} lots: the short loses {found} more, not {exact}"
        return "slippage, inverse"
    more = Fraction(2 * slippage * lots * unit * there.ask[0].exit_fee8, RATE)
    assert abs(found - more) < 2, f"{lots} lots: the short loses {found} more, not {more}"
    return "slippage"


def _exact8(question: Question, rows: Rows, lots: Lots) -> Fraction:
    """The twin's loss of one entry and one stop, unrounded, in 1e-8 of the coin."""
    ask, trade = rows.ask[0], judge.trade_of(question)
    moved = inverse.stop_plan(
        ask.side,
        [(rows.legs[0].price_ticks * trade.tick_size, 1)],
        tick_size=trade.tick_size,
        lot_size=trade.lot_coins,
        contract_size=1,
        stop=ask.stop_ticks * trade.tick_size,
        spread=ask.exit_spread_ticks * trade.tick_size,
        slippage=ask.slippage_ticks * trade.tick_size,
        entry_fee=judge.part(ask.entry_fee8),
        exit_fee=judge.part(ask.exit_fee8),
        funding_rate_total=judge.part(ask.funding8),
    )
    return moved.exact_loss(lots)["total"] * judge.E8


def _loss(rows: Rows, lots: Lots) -> int:
    parts = loss_parts(rows.spec, rows.ask, rows.legs, lots=lots)
    found = loss_cash(rows.spec, rows.ask, rows.legs, lots=lots)
    assert found == sum(parts)
    return found


@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_a_long_there_is_a_short_back_drawn(rng: random.Random, number: int) -> None:
    assert check_mirror(Case(number, random_question(rng)))
