"""What every rule judges, before the size is known and after it, and what a rule answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from lotwise.contracts.contract import Contract
from lotwise.guard.facts import AccountFacts, MarketFacts, Rulebook
from lotwise.kernel import limit_codes
from lotwise.kernel.arith import OVERFLOW, mul_div_ceil
from lotwise.kernel.codes import OK
from lotwise.kernel.feasibility import leg_refusal, smallest_legal
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.kernel.limits import NO_BOUND, day_of, refused_until_ns, standing_refusal
from lotwise.kernel.sizing import entry_notional, loss_cash
from lotwise.records.guard import Open
from lotwise.records.order import AccountView, Intent, Limits, SizedOrder
from lotwise.sizing import words
from lotwise.sizing.solve import Question, Rows, rows_of
from lotwise.units import Cash, Lots, Rate8, grouped

UNBOUND: Final = Cash(NO_BOUND)
NO_LOTS: Final = Lots(0)
_DAY: Final = (limit_codes.DAY_LOSS, limit_codes.DAY_ROOM, limit_codes.DAY_TRADES)
_WEEK: Final = (limit_codes.WEEK_LOSS, limit_codes.WEEK_ROOM)


@dataclass(frozen=True)
class No:
    """A rule's refusal; ``most_lots`` is the largest size it would let through, 0 where none helps."""

    message: str
    hint: str
    until_ns: int = 0
    most_lots: Lots = NO_LOTS


@dataclass(frozen=True)
class Scene:
    """All that is known of a trade before its size: what is wanted, the account, the market, the bounds."""

    contract: Contract
    intent: Intent
    account: AccountFacts
    market: MarketFacts
    book: Rulebook
    now_ns: int

    @cached_property
    def rows(self) -> tuple[tuple[AllowedRow], tuple[UsageRow]]:
        """What is allowed and what has happened, as the kernel's limits read them."""
        return (self.book.allowed,), (self.account.usage,)

    @cached_property
    def standing(self) -> int:
        """The first of the kernel's limits by which no trade of any size may be opened, or ALLOWED."""
        allowed, usage = self.rows
        return standing_refusal(allowed, usage, self.account.equity_cash, time_ns=self.now_ns)

    def until_ns(self, code: int) -> int:
        """When the kernel's limit ends by itself; the end of a day or week as the rulebook knows it."""
        allowed, usage = self.rows
        if usage[0].day == day_of(self.now_ns, allowed[0].day_offset_ns):
            if code in _DAY and self.book.day_ends_ns:
                return self.book.day_ends_ns
            if code in _WEEK and self.book.week_ends_ns:
                return self.book.week_ends_ns
        return refused_until_ns(allowed, usage, code)

    def money(self, cash: int) -> str:
        """Money with its coin."""
        return words.money(cash, self.contract.settle)

    def price(self, ticks: int) -> str:
        """A price, or a distance of prices."""
        return grouped(self.contract.price_text(ticks))


@dataclass(frozen=True)
class Case:
    """A scene and the opening command that is judged in it."""

    scene: Scene
    command: Open

    @property
    def order(self) -> SizedOrder:
        """What is to be opened."""
        return self.command.order

    @cached_property
    def rows(self) -> Rows:
        """The order as the kernel's rules read it."""
        scene, order = self.scene, self.command.order
        known = scene.account
        account = AccountView(
            equity_cash=known.equity_cash,
            free_cash=known.free_cash,
            is_cross=known.cross_cash is not None,
            cross_cash=known.cross_cash or Cash(0),
        )
        limits = Limits(
            risk_cash=order.budget_cash,
            leverage100=order.leverage100,
            max_leverage100=order.leverage100,
            margin_share8=scene.book.margin_share8,
            liquidation_multiple8=scene.book.liquidation_multiple8,
        )
        return rows_of(Question(scene.contract, order.intent, account, limits))

    def loss(self, lots: Lots) -> Cash:
        """What so many lots lose at the stop with all costs: counted again, not taken from the order."""
        return loss_cash(self.rows.spec, self.rows.ask, self.rows.legs, lots=lots)

    def notional(self, lots: Lots) -> Cash:
        """The worth of so many lots at their entries, rounded up."""
        return entry_notional(self.rows.spec, self.rows.legs, lots=lots, up=1)

    @cached_property
    def risk_cash(self) -> Cash:
        """What the order loses at its stop."""
        return self.loss(self.order.lots)

    @cached_property
    def notional_cash(self) -> Cash:
        """The order's worth."""
        return self.notional(self.order.lots)

    def lots_text(self, lots: int) -> str:
        """A quantity with its unit."""
        return words.order_text(self.scene.contract, lots)

    def most_lots(self, fits: Callable[[Lots], bool]) -> Lots:
        """The most lots below the order's that fit and that the venue takes; 0 where none do.

        Halved down to: what a rule bounds grows with every lot. (A ladder's split into whole lots can
        blur that by a lot; the answer then still fits.)
        """
        spec, legs = self.rows.spec, self.rows.legs
        smallest = smallest_legal(spec, legs)
        if smallest >= self.order.lots or not fits(smallest):
            return Lots(0)
        low, high = int(smallest), int(self.order.lots)
        while high - low > 1:
            middle = (low + high) // 2
            if fits(Lots(middle)):
                low = middle
            else:
                high = middle
        while low > smallest and (leg_refusal(spec, legs, Lots(low)) != OK or not fits(Lots(low))):
            low -= 1
        return Lots(low)

    def too_large(self, message: str, fits: Callable[[Lots], bool], otherwise: str, until_ns: int = 0) -> No:
        """A refusal that a smaller trade helps, with the largest size that does; else the other way out."""
        lots = self.most_lots(fits)
        if lots:
            return No(message, f"take {self.lots_text(lots)} or less", until_ns, lots)
        smallest = smallest_legal(self.rows.spec, self.rows.legs)
        return No(
            message,
            f"the smallest order, {self.lots_text(smallest)}, is too large as well: {otherwise}",
            until_ns,
        )

    def too_risky(self, message: str, bound: Cash, otherwise: str, until_ns: int = 0) -> No:
        """:meth:`too_large` where the bound is on the loss at the stop."""
        return self.too_large(message, lambda lots: self.loss(lots) <= bound, otherwise, until_ns)


def unknown(what: str, rule: str, how: str) -> No:
    """The refusal for a fact that a set bound needs and nobody gave: unknown is not fine."""
    return No(f"{what} is unknown, and the rulebook asks for it: {rule}", how)


def unbounded(scene: Scene) -> Cash:
    """The room of a rule that no smaller loss at the stop helps."""
    return UNBOUND


@dataclass(frozen=True)
class GuardRule:
    """A rule: its code and name, the judgement, and the most it would let the trade risk.

    ``room`` is asked before the size is found, so that a trade is made smaller rather than refused where a
    smaller one helps; ``check`` after it, with the size. ``keys`` are the names in the rulebook's file.
    """

    code: str
    name: str
    check: Callable[[Case], No | None]
    room: Callable[[Scene], Cash]
    keys: tuple[str, ...] = ()


def gate(code: str, name: str, check: Callable[[Scene], No | None], keys: tuple[str, ...] = ()) -> GuardRule:
    """A rule that needs no size: the room is nothing where it is closed, without end where it is open."""
    return GuardRule(
        code=code,
        name=name,
        check=lambda case: check(case.scene),
        room=lambda scene: Cash(0) if check(scene) else UNBOUND,
        keys=keys,
    )


def shown_leverage(leverage100: int) -> str:
    """``2.5x``."""
    return f"{words.leverage_text(leverage100)}x"


def share_of_up(part: int, whole: int) -> Rate8:
    """A share for a message, in 1e-8, rounded up; of nothing it is everything."""
    share8 = mul_div_ceil(part, RATE, whole)
    return Rate8(RATE if share8 == OVERFLOW else share8)
