"""Fills, income and round trips as a venue tells them, entries of the ledger: integers with their units.

Prices, quantities and multipliers are in 1e-8 (``price8`` of the quote, ``quantity8`` of the venue's own
quantity, ``multiplier8`` units in one of it); ``_cash`` is 1e-8 of a coin; times are ns UTC.
"""

from __future__ import annotations

import msgspec

from lotwise.units import SCALE


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of an order on a venue."""

    venue: str
    account: str = "main"
    contract: str
    """The venue's symbol."""
    trade_id: str
    order_id: str = ""
    time_ns: int
    sequence: int = 0
    """Tells fills of one moment apart: the lower came first."""
    side: int
    """1 bought, -1 sold."""
    position_side: str = ""
    """Hedge mode: ``long`` or ``short``; empty where there is one position."""
    price8: int
    quantity8: int
    multiplier8: int = SCALE
    """Coins in one of the quantity; of an inverse contract units of the quote."""
    is_inverse: bool = False
    coin: str
    """What it settles in."""
    fee_cash: int = 0
    """Paid; a rebate is negative."""
    fee_coin: str = ""
    """Empty: the settle coin."""
    realised_cash: int | None = None
    """Result as the venue's own column has it, before the fee."""
    maker: int = -1
    """1 resting, 0 taking, -1 not told."""
    exit_kind: str = ""
    """``stop``, ``target`` or ``liquidation`` where the venue tells."""
    source: str = ""
    """File and row."""

    @property
    def paid_in(self) -> str:
        """The coin of the fee."""
        return self.fee_coin or self.coin


class Income(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the wallet as the venue records it."""

    venue: str
    account: str = "main"
    income_id: str
    kind: str
    """REALIZED_PNL, COMMISSION, FUNDING_FEE, INSURANCE_CLEAR, TRANSFER, or the venue's own word."""
    contract: str = ""
    coin: str
    cash: int
    time_ns: int
    trade_id: str = ""
    source: str = ""


class Posting(msgspec.Struct, frozen=True):
    """An amount added to a book."""

    book: str
    cash: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Postings in one coin that belong together and sum to zero."""

    account: str
    reference: str
    """What it was made from; an account has each only once a coin."""
    kind: str
    contract: str = ""
    coin: str
    time_ns: int
    trade_id: str = ""
    postings: tuple[Posting, ...]


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """A position from its first fill until it is flat, or as far as it has come."""

    trip_id: str
    venue: str
    account: str
    contract: str
    position_side: str
    side: int
    """1 long, -1 short."""
    coin: str
    opened_ns: int
    closed_ns: int | None
    """None while it is open."""
    entry_quantity8: int
    exit_quantity8: int
    most_quantity8: int
    multiplier8: int
    is_inverse: bool
    entry_cash: int
    """Worth of all that was entered."""
    exit_cash: int
    realised_cash: int
    """Result of what is closed, before costs."""
    fee_cash: int
    """Fees paid in the settle coin."""
    other_fees: tuple[tuple[str, int], ...] = ()
    """Fees paid in other coins: (coin, 1e-8 of it)."""
    funding_cash: int = 0
    """Received; paid is negative."""
    venue_realised_cash: int | None = None
    """The venue's column over these fills; None where one lacks it."""
    exit_kind: str = ""
    fills: int

    @property
    def net_cash(self) -> int:
        """Result with fees in the settle coin and funding."""
        return self.realised_cash - self.fee_cash + self.funding_cash

    @property
    def left8(self) -> int:
        """Quantity still held."""
        return self.entry_quantity8 - self.exit_quantity8
