"""What an account did, beyond what the kernel keeps: orders that ended, fills, incomes.

The kernel forgets an order when it leaves its slot; clients ask for it for days. Everything here is made of
the kernel's log rows, so it can be made again from the journal. Times are of the market, in ns.
"""

from __future__ import annotations

from typing import Final

import msgspec

WAITING: Final = "waiting"
"""Conditional, not triggered."""
WORKING: Final = "working"
FILLED: Final = "filled"
CANCELLED: Final = "cancelled"
EXPIRED: Final = "expired"
LIVE: Final = (WAITING, WORKING)

MOST_ENDED: Final = 5_000
"""Ended orders, and as many times two of fills and incomes, that an account remembers."""


class Order(msgspec.Struct):
    """One order, from its placing to its end and a while after."""

    id: int
    contract: int
    client_id: str
    kind: int
    side: int
    tif: int
    lots: int
    price_ticks: int
    trigger_ticks: int
    activation_ticks: int
    callback8: int
    by_mark: int
    reduce_only: int
    close_position: int
    post_only: int
    expires_ns: int
    placed_ns: int
    changed_ns: int
    status: str
    filled_lots: int = 0
    filled_cash: int = 0
    triggered_ns: int = 0
    reason: int = 0
    """Why it expired: a code of the kernel's answers."""
    liquidation: bool = False

    @property
    def is_live(self) -> bool:
        """Whether it may still fill."""
        return self.status in LIVE


class Fill(msgspec.Struct, frozen=True):
    """One fill; money in 1e-8."""

    id: int
    order_id: int
    contract: int
    side: int
    lots: int
    price_ticks: int
    fee_cash: int
    realised_cash: int
    maker: int
    time_ns: int


class Income(msgspec.Struct, frozen=True):
    """Money that came to the account or left it."""

    id: int
    kind: str
    """fee, realised, funding, transfer, insurance or liquidation_fee."""
    contract: int
    """-1: the account."""
    cash: int
    fill_id: int
    time_ns: int


class MarginMove(msgspec.Struct, frozen=True):
    """Money moved to an isolated position, or back."""

    contract: int
    cash: int
    time_ns: int


class Happening(msgspec.Struct, frozen=True):
    """One thing that a step did, for those who watch the account."""

    kind: str
    """placed, amended, filled, triggered, cancelled, expired, funding, transfer, margin, liquidated, deficit,
    called, leverage or mode."""
    contract: int
    time_ns: int
    order: Order | None = None
    """As it stood then."""
    fill: Fill | None = None
    cash: int = 0


class Diary(msgspec.Struct):
    """All records of an account."""

    orders: dict[int, Order] = {}
    fills: list[Fill] = []
    incomes: list[Income] = []
    moves: list[MarginMove] = []
    next_fill: int = 1
    next_income: int = 1
    position_changed_ns: list[int] = []
    """By contract."""
    realised_cash: list[int] = []
    """By contract: of all fills, those that were dropped too."""
    changed_ns: int = 0

    def forget(self) -> None:
        """Drop the oldest records beyond the bound; live orders stay."""
        if len(self.orders) > 2 * MOST_ENDED:
            ended = [number for number, order in self.orders.items() if not order.is_live]
            for number in ended[: len(ended) - MOST_ENDED]:
                del self.orders[number]
        for kept in (self.fills, self.incomes, self.moves):
            if len(kept) > 4 * MOST_ENDED:
                del kept[: len(kept) - 2 * MOST_ENDED]
