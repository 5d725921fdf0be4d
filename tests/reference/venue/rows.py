"""What the venue remembers: contracts, markets with positions, the account, orders, brackets, the log."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

from tests.reference.venue.names import TARGETS

Event = Any
"""Anything with the attributes of an event row, all whole numbers."""


@dataclass
class Contract:
    """Facts and choices of a contract."""

    cash_per_tick_lot: int = 0
    liquidation_fee8: int = 0
    limit_fill: int = 0
    maker_fee8: int = 0
    max_lots: int = 0
    max_market_lots: int = 0
    max_notional_cash: int = 0
    min_lots: int = 0
    min_notional_cash: int = 0
    path: int = 0
    price_down8: int = 0
    price_up8: int = 0
    queue_share8: int = 0
    slippage_range8: int = 0
    slippage_ticks: int = 0
    spread_ticks: int = 0
    take_bound8: int = 0
    taker_fee8: int = 0
    tick_size8: int = 0
    volume_share8: int = 0

    @classmethod
    def read(cls, row: Mapping[str, int]) -> Contract:
        """Return the contract of a mapping; what is not said is 0, what is not known is passed by."""
        known = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in row.items() if name in known})


@dataclass(frozen=True)
class Tier:
    """A margin tier: it ends at its cap, the last one never."""

    cap_cash: int
    cumulative_cash: int
    rate8: int
    max_leverage100: int


@dataclass
class Market:
    """A contract's market as last seen, and the position in it."""

    ask_lots: int = 0
    ask_ticks: int = 0
    bid_lots: int = 0
    bid_ticks: int = 0
    called: int = 0
    entry_cash: int = 0
    has_mark: int = 0
    index8: int = 0
    interval_ns: int = 0
    is_isolated: int = 0
    isolated_cash: int = 0
    last_ticks: int = 0
    leverage100: int = 0
    lots: int = 0
    mark8: int = 0
    range_ticks: int = 0
    room_lots: int = -1


@dataclass
class Account:
    """The books, the time and the counters."""

    call_ratio8: int = 0
    called: int = 0
    cross_cash: int = 0
    fees_cash: int = 0
    funding_cash: int = 0
    insurance_cash: int = 0
    next_order_id: int = 1
    outside_cash: int = 0
    positions_cash: int = 0
    sequence: int = 0
    time_ns: int = 0
    trades_cash: int = 0


@dataclass
class Order:
    """An order that is waiting or in the book."""

    activation_ticks: int = 0
    active: int = 0
    by_mark: int = 0
    callback8: int = 0
    close_position: int = 0
    contract: int = 0
    expires_ns: int = 0
    extreme_ticks: int = 0
    filled_lots: int = 0
    id: int = 0
    kind: int = 0
    lots: int = 0
    post_only: int = 0
    price_ticks: int = 0
    queue_lots: int = 0
    reduce_only: int = 0
    role: int = 0
    side: int = 0
    status: int = 0
    tif: int = 0
    trigger_ticks: int = 0

    @property
    def is_opening(self) -> bool:
        """Tell whether it may add to a position."""
        return not self.reduce_only and not self.close_position


@dataclass
class Bracket:
    """The exits of a contract's position; side 0: none.  Targets are tuples, target k at place k - 1."""

    breakeven_after: int = 0
    by_mark: int = 0
    callback8: int = 0
    entered_lots: int = 0
    entries: int = 0
    fees_cash: int = 0
    moved: int = 0
    side: int = 0
    stop_id: int = 0
    stop_ticks: int = 0
    time_stop_ns: int = 0
    trail_after: int = 0
    trailing: int = 0
    target_ticks: tuple[int, ...] = (0,) * TARGETS
    target_share8: tuple[int, ...] = (0,) * TARGETS
    filled_lots: tuple[int, ...] = (0,) * TARGETS
    """Targets that have filled wholly once."""

    @property
    def used(self) -> int:
        """Return how many targets it has."""
        return sum(share > 0 for share in self.target_share8)

    def picture(self) -> dict[str, int]:
        """Return the fields as a bracket row has them."""
        shown = {
            part.name: getattr(self, part.name)
            for part in fields(self)
            if part.name not in {"target_ticks", "target_share8", "filled_lots"}
        }
        for name in ("target_ticks", "target_share8", "filled_lots"):
            shown |= {f"{name}_{k}": value for k, value in enumerate(getattr(self, name), 1)}
        return shown


@dataclass
class Entry:
    """A line of the log: a happening with its facts, and the parts it booked (they sum to zero)."""

    kind: str
    contract: int
    sequence: int
    time_ns: int
    facts: dict[str, int]
    parts: dict[str, int] = field(default_factory=dict)


@dataclass
class State:
    """Everything the venue knows."""

    contracts: list[Contract]
    tiers: list[list[Tier]]
    slots: int
    markets: list[Market]
    account: Account
    orders: dict[int, Order]
    brackets: list[Bracket]
    log: list[Entry]
    """Contracts whose stop was hit and could fill nothing: its successor waits for the next move."""

    def snapshot(self) -> tuple[Any, ...]:
        """Return copies of all that an event may change."""
        return (
            [copy(market) for market in self.markets],
            copy(self.account),
            {order.id: copy(order) for order in self.orders.values()},
            [copy(bracket) for bracket in self.brackets],
            len(self.log),
        )

    def restore(self, taken: tuple[Any, ...]) -> None:
        """Go back to a snapshot."""
        self.markets, self.account, self.orders, self.brackets, written = taken
        del self.log[written:]

    def note(self, kind: str, contract: int, /, **facts: int) -> Entry:
        """Write a line into the log."""
        line = Entry(kind, contract, self.account.sequence, self.account.time_ns, facts)
        self.log.append(line)
        return line

    def orders_of(self, contract: int) -> list[Order]:
        """Return the orders of a contract by id."""
        return sorted((o for o in self.orders.values() if o.contract == contract), key=lambda o: o.id)
