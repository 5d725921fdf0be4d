"""What stands at a venue, and what is asked of it: orders, positions, the account's money.

Integers with their unit last in the name, of the contract that ``contract_id`` names. A venue's own words
and shapes end in the adapter that made these (:mod:`lotwise.broker`).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from lotwise.units import Cash, Lots, Price8, Ticks

OrderKind = Literal["market", "limit", "stop", "target"]
"""``stop`` and ``target`` wait for their trigger and then go at the market."""
OrderState = Literal["open", "filled", "cancelled", "expired", "rejected"]

LIVE: Final = "open"


class OrderWanted(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the session wants it at the venue.

    Raises
    ------
    InputError
        BROKER-111 less than one lot; BROKER-112 a price that the kind needs and does not have; BROKER-113 a
        side that is neither 1 nor -1.
    """

    contract_id: str
    client_id: str
    """Ours, unique for ever; the venue refuses a second order of it."""
    kind: OrderKind
    side: int
    """1 buys, -1 sells."""
    lots: Lots
    price_ticks: Ticks = Ticks(0)
    """Of a limit order."""
    trigger_ticks: Ticks = Ticks(0)
    """Of a stop or target."""
    by_mark: bool = False
    """The trigger is measured at the mark price, else at the last."""
    is_reduce_only: bool = False
    is_post_only: bool = False

    def __post_init__(self) -> None:
        from lotwise.errors import InputError

        if self.lots < 1:
            raise InputError("BROKER-111", f"an order of {self.lots} lots", "order at least 1 lot")
        if self.side not in (1, -1):
            raise InputError("BROKER-113", f"the side of an order is {self.side}", "use 1 (buy) or -1 (sell)")
        asked = {"limit": self.price_ticks, "stop": self.trigger_ticks, "target": self.trigger_ticks}
        if asked.get(self.kind, 1) < 1:
            raise InputError(
                "BROKER-112",
                f"a {self.kind} order at tick {asked[self.kind]}",
                "give a price of at least one tick",
            )


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the venue has it, read back and not assumed."""

    contract_id: str
    client_id: str
    """Empty where the order was not made by a client that names its orders."""
    venue_id: str
    kind: OrderKind | Literal["other"]
    """``other``: made by hand in a way that lotwise does not use (trailing, limit after a trigger)."""
    side: int
    lots: Lots
    filled_lots: Lots = Lots(0)
    price_ticks: Ticks = Ticks(0)
    trigger_ticks: Ticks = Ticks(0)
    by_mark: bool = False
    is_reduce_only: bool = False
    closes_position: bool = False
    """Whatever is held when it triggers."""
    position_side: str = ""
    """Hedge mode: ``long`` or ``short``."""
    state: OrderState = "open"
    time_ns: int = 0
    average_price8: Price8 = Price8(0)
    reason: str = ""
    """Of a rejection or expiry, in the venue's words."""

    @property
    def left_lots(self) -> Lots:
        """What may still fill."""
        return Lots(self.lots - self.filled_lots)


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position as the venue has it."""

    contract_id: str
    lots: Lots
    """Signed: below 0 is short."""
    entry_price8: Price8
    mark_price8: Price8 = Price8(0)
    liquidation_price8: Price8 | None = None
    unrealised_cash: Cash = Cash(0)
    margin_cash: Cash = Cash(0)
    leverage100: int | None = None
    is_isolated: bool | None = None
    position_side: str = ""


class VenueBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Money in one settle coin, as the venue counts it."""

    coin: str
    wallet_cash: Cash
    equity_cash: Cash
    """Wallet and unrealised PnL."""
    free_cash: Cash
    """May still be used as margin."""
    margin_cash: Cash
    """Initial margin of positions and orders."""
    maintenance_cash: Cash = Cash(0)


class VenueMarket(msgspec.Struct, frozen=True, kw_only=True):
    """The top of a contract's market."""

    contract_id: str
    bid_ticks: Ticks
    ask_ticks: Ticks
    last_ticks: Ticks
    mark_price8: Price8
    time_ns: int
    funding8: int | None = None
    funding_ns: int | None = None
