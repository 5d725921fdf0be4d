"""What a venue is to a live or paper session: it takes orders and says what stands there.

One face for the venue in a box played in process and for a real venue through ccxt; a session cannot tell
them apart. Calls block until the venue has answered; each either did what it says or raised.

==========================  =============================================================================
raised                      what it means, and what the caller does
==========================  =============================================================================
:class:`OrderRefused`       the venue said no and nothing changed; ``venue_code`` is its own
:class:`OutcomeUnknown`     sent, no answer (time-out, 5xx, -1006/-1007): read back by client id, never send
                            again before that
:class:`VenueDown`          nothing was sent or reads fail (network cut, maintenance): try later
:class:`RateLimited`        asked too often: wait ``until_ns``
==========================  =============================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from lotwise.errors import VenueError
from lotwise.records.journal import Fill, Income
from lotwise.records.live import OrderWanted, VenueBalance, VenueMarket, VenueOrder, VenuePosition
from lotwise.units import Lots, Ticks


class OrderRefused(VenueError):
    """The venue refused an order; nothing changed."""

    def __init__(self, code: str, message: str, hint: str = "", venue_code: str = "") -> None:
        super().__init__(code, message, hint)
        self.venue_code = venue_code
        """The venue's own, as text: ``-2019``."""


class OutcomeUnknown(VenueError):
    """A request left and no answer came: it may have been carried out."""


class VenueDown(VenueError):
    """The venue cannot be reached or is closed; nothing was sent."""


class RateLimited(VenueError):
    """Asked too often."""

    def __init__(self, code: str, message: str, hint: str = "", until_ns: int = 0) -> None:
        super().__init__(code, message, hint)
        self.until_ns = until_ns
        """When the venue answers again; 0: it did not say."""


class Resting(msgspec.Struct, frozen=True, kw_only=True):
    """What rests in a contract's book, best price first; as far as the venue tells it."""

    contract_id: str
    bids: tuple[tuple[Ticks, Lots], ...]
    asks: tuple[tuple[Ticks, Lots], ...]
    time_ns: int = 0
    """0: the venue does not say."""


class VenuePort(Protocol):
    """The port. Times are ns UTC, amounts of the contract's ticks and lots."""

    name: str
    """As in contract ids: ``binance``."""
    account: str
    """The trader's name of the account, for ledger and journal."""

    def now_ns(self) -> int:
        """The venue's clock."""

    def prepare(self, contract_id: str, leverage100: int, is_isolated: bool) -> None:
        """Set one-way mode, margin mode and leverage, and verify each by reading it back."""

    def place(self, order: OrderWanted) -> VenueOrder:
        """Send an order and read it back; what the venue has is returned, filled or not."""

    def cancel(self, order: VenueOrder) -> VenueOrder:
        """Cancel an order; one that has already ended is returned as it ended."""

    def order(self, contract_id: str, client_id: str) -> VenueOrder | None:
        """The order of a client id, ended or not, plain or conditional; None where there is none."""

    def orders(self, contract_id: str = "") -> Sequence[VenueOrder]:
        """Every open order, plain and conditional, of one contract or of all."""

    def positions(self) -> Sequence[VenuePosition]:
        """Every open position."""

    def balance(self, coin: str) -> VenueBalance:
        """The money of a settle coin."""

    def market(self, contract_id: str) -> VenueMarket:
        """The top of the market now."""

    def book(self, contract_id: str) -> Resting:
        """What rests in the book now: asked for only where a bound needs it."""

    def fills(self, contract_id: str, since_ns: int) -> Sequence[Fill]:
        """Own executions from that time on, oldest first, all pages."""

    def income(self, since_ns: int) -> Sequence[Income]:
        """Changes of the wallet from that time on, oldest first, all pages."""
