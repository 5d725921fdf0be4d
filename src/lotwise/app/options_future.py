"""The future of a comparison: sized once, then asked what it makes at any price and over any hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.layout import RATE
from lotwise.kernel.sizing import entry_notional, loss_cash
from lotwise.records.answers import SizePlan
from lotwise.records.order import SizedOrder
from lotwise.sizing.friction import profit_and_costs
from lotwise.sizing.plan import assemble, figures_of
from lotwise.sizing.question import Words
from lotwise.sizing.solve import Question, Rows, countable_rows_of, solve
from lotwise.sizing.targets import read_targets
from lotwise.units import Cash, Number, Rate8, Ticks, scaled_text, shown

HOURS_OF_YEAR100: Final = 876_000
DAYS_OF_YEAR100: Final = 36_500


def hours_of(days100: int) -> str:
    """Days in hundredths as hours.

    >>> hours_of(1250)
    '300'
    """
    return scaled_text(days100 * 24, 2)


@dataclass(frozen=True)
class Future:
    """The sized future."""

    plan: SizePlan
    question: Question
    order: SizedOrder
    near: Rows
    """With funding until the nearer day: what it was sized with."""
    late: Rows
    """With funding until the option expires."""
    target_ticks: Ticks
    gap_ticks: Ticks
    loss: Cash
    """At the stop, all costs in."""
    gap_loss: Cash
    funding_near: Cash | None
    funding_expiry: Cash | None

    @property
    def side(self) -> int:
        """LONG or SHORT."""
        return self.question.intent.side

    @property
    def entry_ticks(self) -> Ticks:
        """The one entry."""
        return self.question.intent.entries[0].price_ticks

    @property
    def stop_ticks(self) -> Ticks:
        """The stop."""
        return self.question.intent.stop_ticks

    @property
    def target_text(self) -> str:
        """Exact text."""
        return self.price(self.target_ticks)

    def price(self, ticks: int) -> str:
        """Exact text of a price."""
        return self.question.contract.price_text(ticks)

    def amount(self, ticks: float) -> float:
        """A price as a float, for the model and for pictures."""
        return float(ticks) * self.question.contract.scales.tick_size8 / RATE

    def is_out_at(self, ticks: int) -> bool:
        """Whether a price is at the stop or beyond it."""
        return self.side * (ticks - self.stop_ticks) <= 0

    def result(self, ticks: int, *, late: bool = False) -> Cash:
        """Closed at a price with all costs; at the stop or beyond it, stopped there."""
        rows = self.late if late else self.near
        if self.is_out_at(ticks):
            return Cash(-loss_cash(rows.spec, rows.ask, rows.legs, lots=self.order.lots))
        lots = self.order.lots
        made, _ = profit_and_costs(self.question, rows, lots, Ticks(ticks), lots)
        return made


def future_of(words: Words, contract: Contract, target: Number, days100: int, gap8: Rate8) -> Future:
    """Size it, and ask the rules about the gap and the longer hold.

    Raises
    ------
    InputError
        OPTION-107 a ladder, or a stop at liquidation; OPTION-102 a hold with funding of over a year.
    """
    if not isinstance(words.entry, (str, int)) and not hasattr(words.entry, "as_tuple"):
        raise InputError("OPTION-107", "the entry is a ladder", "give one entry price")
    if words.at_liquidation:
        raise InputError("OPTION-107", "the stop is the liquidation", "give a stop, e.g. 2%")
    question = words.on(contract)
    intent = question.intent
    goals = read_targets(contract, intent.side, intent.entries, intent.stop_ticks, targets=[target])
    plan = assemble(question, goals, words.on)
    rows = countable_rows_of(question)
    order = solve(question, rows)
    late = _late(words, contract, rows, days100)
    gap_ticks = _gap_ticks(question, gap8)
    lots = order.lots
    worth = entry_notional(rows.spec, rows.legs, lots=lots, up=1)
    funded = words.funding_rate is not None and not contract.is_dated
    paid = [mul_div_ceil(worth, one.ask[0].funding8, RATE) if funded else None for one in (rows, late)]
    return Future(
        plan=plan,
        question=question,
        order=order,
        near=rows,
        late=late,
        target_ticks=Ticks(goals[0].price_ticks),
        gap_ticks=gap_ticks,
        loss=loss_cash(rows.spec, rows.ask, rows.legs, lots=lots),
        gap_loss=_gap_loss(question, rows, order, gap_ticks),
        funding_near=None if paid[0] is None else Cash(paid[0]),
        funding_expiry=None if paid[1] is None else Cash(paid[1]),
    )


def _late(words: Words, contract: Contract, rows: Rows, days100: int) -> Rows:
    if words.funding_rate is None:
        return rows
    if days100 * 24 > HOURS_OF_YEAR100:
        raise InputError(
            "OPTION-102",
            f"funding over {scaled_text(days100, 2)} days is beyond a year",
            "leave the funding rate out, or take an earlier expiry",
        )
    return countable_rows_of(replace(words, hold_hours=hours_of(days100)).on(contract))


def _gap_ticks(question: Question, gap8: Rate8) -> Ticks:
    """The stop moved by the gap against the position, to the tick beyond."""
    side, stop = question.intent.side, question.intent.stop_ticks
    moved = -(-stop * gap8 // RATE)
    ticks = stop - side * moved
    slipped = question.intent.slippage_ticks + question.intent.spread_ticks
    if ticks <= slipped:
        raise InputError(
            "OPTION-105", f"a gap to {shown(ticks)} ticks leaves no price", "use a smaller gap, e.g. 5%"
        )
    return Ticks(ticks)


def _gap_loss(question: Question, rows: Rows, order: SizedOrder, gap_ticks: Ticks) -> Cash:
    """Filled at the gap price; isolated, no more than the margin and the costs."""
    if not order.lots:
        return Cash(0)
    intent = msgspec.structs.replace(question.intent, stop_ticks=gap_ticks)
    far = countable_rows_of(question._replace(intent=intent))
    lost = loss_cash(far.spec, far.ask, far.legs, lots=order.lots)
    worst = figures_of(question, rows, order).worst
    return Cash(min(lost, worst))
