"""What a broker is: it tells how the account stands, and carries out what was approved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lotwise.guard.facts import AccountFacts
from lotwise.records.guard import Approved, Open
from lotwise.units import Cash, Rate8, Ticks


@dataclass(frozen=True)
class Market:
    """A contract's market as the account sees it."""

    last_ticks: Ticks
    spread_ticks: Ticks
    slippage_ticks: Ticks
    """What a market order would slip now."""
    leverage100: int
    is_cross: bool
    maker_fee8: Rate8
    taker_fee8: Rate8


class Broker(Protocol):
    """The port."""

    def account(self, contract_id: str) -> AccountFacts:
        """The account at this moment, as a trade of that contract sees it."""

    def market(self, contract_id: str) -> Market:
        """The contract's market and how the account trades it."""

    def open(self, approved: Approved[Open], risk_cash: Cash, notional_cash: Cash) -> int:
        """Send an opening trade with its exits; 0, or the venue's code of why not."""

    def leave(self, contract_id: str) -> None:
        """Close what is held of a contract, and take back entries that wait."""
