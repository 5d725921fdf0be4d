"""A ticket as a browser sends it, read into the words of the calculator and the signal of the pipeline.

Prices may come as ticks or as text; a stop on the wrong side of the entry is refused, never turned round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.records.order import EntryLeg
from lotwise.records.signal import Entry, Signal, Target
from lotwise.sizing import ask
from lotwise.sizing.targets import read_targets
from lotwise.units import Cash, Rate8, Ticks, cash_text

if TYPE_CHECKING:
    from lotwise.broker.port import Market

MOST_ENTRIES: Final = 3
MOST_TARGETS: Final = 4
"""Source: :class:`lotwise.records.signal.Signal`."""
ALL8: Final = Rate8(RATE)


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price: ticks, or text such as ``63700``, of a stop also ``2%`` and ``1.5atr``, of a target ``2R``."""

    ticks: int | None = None
    text: str | None = None
    share: str | int | None = None
    """Of the whole, ``50%``; a bare whole number counts percent."""


class EntryAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to enter."""

    kind: Literal["market", "limit", "ladder"] = "market"
    ticks: int | None = None
    text: str | None = None
    ladder: list[Price] | None = None


class Ticket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person asks for; it never carries a size."""

    contract: str
    side: Literal["long", "short"]
    stop: Price
    risk: str = "1%"
    entry: EntryAsked = EntryAsked()
    targets: list[Price] = []
    equity: str | None = None
    leverage: str = "auto"
    breakeven_after: int = 0
    atr: str | None = None
    interval: str = "1h"
    """Of the bars whose average range ``1.5atr`` means."""
    setup: str = ""
    reason: str = ""
    seq: int = 0


@dataclass(frozen=True)
class Read:
    """A ticket in numbers."""

    contract: Contract
    side: int
    entries: tuple[EntryLeg, ...]
    is_market: bool
    stop_ticks: Ticks
    stop_text: str
    targets: tuple[Target, ...]

    @property
    def nearest_ticks(self) -> Ticks:
        """The entry nearest to the stop."""
        return self.entries[-1].price_ticks

    def entry_words(self) -> Any:
        """The entries as the calculator takes them."""
        text = self.contract.price_text
        if len(self.entries) == 1:
            return text(self.entries[0].price_ticks)
        found, before = [], 0
        for leg in self.entries:
            found.append((text(leg.price_ticks), share_text(leg.cumulative_share8 - before)))
            before = leg.cumulative_share8
        return found

    def target_words(self) -> list[str]:
        """The targets as the calculator takes them."""
        text = self.contract.price_text
        return [f"{text(one.price_ticks)}:{share_text(one.share8)}" for one in self.targets]


def share_text(share8: int) -> str:
    """A share as the calculator reads it.

    >>> share_text(30_000_000)
    '30%'
    """
    from lotwise.units import scaled_text

    return f"{scaled_text(share8, 6)}%"


def read(ticket: Ticket, contract: Contract, market_ticks: int | None, atr: str | None = None) -> Read:
    """The ticket in numbers.

    Parameters
    ----------
    market_ticks
        Where a market order would count as filled; None: no market is known.

    Raises
    ------
    InputError
        WEB-112 a price that is missing or given twice, more entries or targets than a trade has; WEB-113 no
        price to enter the market at; SIZE codes of what cannot be used.
    """
    side = ask.read_side(ticket.side)
    entries = ask.read_entries(contract, side, _entry(ticket.entry, contract, market_ticks))
    stop_text = _text(ticket.stop, contract, "stop")
    stop = ask.read_stop(contract, side, entries, stop_text, ticket.atr or atr)
    targets = _targets(ticket, contract, side=side, entries=entries, stop_ticks=stop)
    is_market = ticket.entry.kind == "market"
    return Read(contract, side, entries, is_market, stop, stop_text, targets)


def _text(price: Price | EntryAsked, contract: Contract, name: str) -> str:
    if (price.ticks is None) == (price.text is None or not price.text.strip()):
        raise InputError(
            "WEB-112",
            f"{name} has {'neither' if price.ticks is None else 'both'} ticks and text",
            f"give {name} one price: 63700, or a distance such as 2%",
        )
    if price.ticks is None:
        return str(price.text)
    if not 0 < price.ticks < 2**53:
        raise InputError("WEB-112", f"{name} is tick {price.ticks}", f"give {name} a price above 0")
    return contract.price_text(price.ticks)


def _share(share: str | int | None) -> str:
    if share is None or share == "":
        return ""
    return f"{share}%" if isinstance(share, int) or share.strip().isdecimal() else share


def _entry(asked: EntryAsked, contract: Contract, market_ticks: int | None) -> Any:
    if asked.kind == "market" and asked.ladder is None:
        if market_ticks is None:
            raise InputError(
                "WEB-113", f"no price of {contract.id} is known to enter the market at", "give a limit price"
            )
        return contract.price_text(market_ticks)
    if asked.ladder is None:
        return _text(asked, contract, "entry")
    if not 1 <= len(asked.ladder) <= MOST_ENTRIES:
        raise InputError(
            "WEB-112", f"a ladder of {len(asked.ladder)} entries", f"give 1 to {MOST_ENTRIES} entries"
        )
    return [(_text(one, contract, "entry"), _share(one.share)) for one in asked.ladder]


def _targets(
    ticket: Ticket, contract: Contract, *, side: int, entries: tuple[EntryLeg, ...], stop_ticks: Ticks
) -> tuple[Target, ...]:
    """Targets from the nearest to the farthest, each with its part."""
    if len(ticket.targets) > MOST_TARGETS:
        raise InputError(
            "WEB-112", f"{len(ticket.targets)} targets", f"a trade has {MOST_TARGETS} targets at most"
        )
    words = [
        _text(one, contract, "target") + (f":{_share(one.share)}" if _share(one.share) else "")
        for one in ticket.targets
    ]
    goals = read_targets(contract, side, entries, stop_ticks, words)
    if len(goals) > 1 and not any(goal.share8 for goal in goals):
        raise InputError(
            "WEB-112", f"{len(goals)} targets without shares", "give each its part of the position, e.g. 50%"
        )
    found = [Target(goal.price_ticks, goal.share8 or ALL8) for goal in goals]
    return tuple(sorted(found, key=lambda one: side * one.price_ticks))


def signal_of(found: Read, ticket: Ticket, risk8: Rate8, reason: str) -> Signal:
    """What the pipeline is asked for."""
    entries, before = [], 0
    for leg in () if found.is_market else found.entries:
        entries.append(Entry(leg.price_ticks, Rate8(leg.cumulative_share8 - before)))
        before = leg.cumulative_share8
    return Signal(
        side=found.side,
        stop_ticks=found.stop_ticks,
        entries=tuple(entries),
        targets=found.targets,
        breakeven_after=ticket.breakeven_after if found.targets else 0,
        risk8=risk8,
        reason=reason,
    )


def share_of_equity8(ticket: Ticket, equity_cash: Cash) -> Rate8:
    """What is risked as a share of the account's equity, rounded down.

    A share in the ticket is of the ticket's equity where it has one: an allocated part of the account.

    Raises
    ------
    InputError
        SIZE-009, SIZE-010; WEB-114 more than the account has, or so little that it is nothing.
    """
    base = ask.read_equity(ticket.equity) if ticket.equity and ticket.equity.strip() else equity_cash
    if base > equity_cash:
        raise InputError(
            "WEB-114",
            f"the ticket counts with {cash_text(base)}, the account has {cash_text(equity_cash)}",
            f"leave the equity empty, or give {cash_text(equity_cash)} or less",
        )
    rate8, cash = ask.read_risk(ticket.risk, base)
    if rate8 and base == equity_cash:
        return rate8
    share8 = mul_div_floor(cash or mul_div_floor(base, rate8, RATE), RATE, equity_cash)
    if share8 < 1:
        raise InputError("WEB-114", f"a risk of {ticket.risk} is nothing of the account", "give 1% or more")
    return Rate8(share8)


def market_entry_ticks(market: Market, side: int) -> int:
    """Where a market order counts as filled: as :func:`lotwise.session.pipeline.intent_of` has it."""
    return max(1, market.last_ticks + side * market.slippage_ticks)


def average_range(bars: Sequence[Any], contract: Contract) -> str | None:
    """The average true range of 14 closed bars as a price; None: there are too few.

    It is a statistic that a stop's distance is measured with: the stop itself is a price on the tick.
    """
    import numpy as np

    from lotwise.analysis.indicators import atr

    if len(bars) < 15:
        return None
    columns = [
        np.asarray([getattr(bar, name) for bar in bars], dtype=np.float64)
        for name in ("high_ticks", "low_ticks", "close_ticks")
    ]
    last = float(atr(columns[0], columns[1], columns[2])[-1])
    return contract.price_text(max(1, round(last))) if not math.isnan(last) else None
