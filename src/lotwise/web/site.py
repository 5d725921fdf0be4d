"""What all pages and answers share: the desk where there is one, its assets, the looks that were chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.app.desk_feed import INTERVALS
from lotwise.clock import Clock
from lotwise.contracts.contract import Contract
from lotwise.web.assets import Assets
from lotwise.web.settings import Looks

if TYPE_CHECKING:
    from lotwise.app.desk import Desk
    from lotwise.app.desk_open import Opened
    from lotwise.app.desk_orders import Orders

EVENTS: Final = 50
"""Of the past, that a page begins with."""
FIRST: Final = "binance:BTCUSDT"
"""Of the calculator, where no desk names a contract."""


@dataclass
class Site:
    """One running desk, or only the calculator."""

    assets: Assets
    looks: Looks
    clock: Clock
    opened: Opened | None = None
    orders: Orders | None = None
    journal: str | Path | None = None
    """The journal's database; None: the trader's own."""
    plan: Path | None = None
    is_demo: bool = False
    ask_password: bool = False
    contracts: Sequence[str] = field(default_factory=list)
    """Ids that the calculator offers where there is no desk."""

    @property
    def desk(self) -> Desk | None:
        """The account that is traded."""
        return self.opened.desk if self.opened else None

    @property
    def mode(self) -> str:
        """paper, live or none."""
        return self.desk.mode if self.desk else "none"

    @property
    def identity(self) -> str:
        """Whose desk this is: the same after a restart, another one with another account."""
        config = self.desk.config if self.desk else None
        return f"{config.venue}:{config.where}:{config.account}" if config else ""

    def boot(self, contract_id: str = "") -> dict[str, Any]:
        """What a page begins with."""
        from lotwise.web.ticket import contract_of

        desk = self.desk
        ids = list(desk.contracts) if desk else list(self.contracts)
        chosen = contract_id if contract_id in ids or not desk else ids[0]
        config = desk.config if desk else None
        return {
            "ok": True,
            "mode": self.mode,
            "account": config.account if config else "",
            "venue": config.venue if config else "",
            "where": config.where if config else "",
            "demo": self.is_demo,
            "desk": self.identity,
            "contract": contract_shown(contract_of(self, chosen or FIRST)),
            "contracts": ids,
            "intervals": list(INTERVALS),
            "equity_text": desk.state.get("equity_text", "") if desk else "",
            "account_frame": {"t": "account", "seq": 0, **desk.state} if desk and desk.state else None,
            "events": list(desk.events)[-EVENTS:] if desk else [],
            "confirm": bool(desk and not desk.confirmed),
            "pages": self.pages(),
            "settings": self.settings(),
        }

    def pages(self) -> list[str]:
        """Pages that are of use here: without an account there is no desk, and the journal that was named."""
        return [
            *(["desk"] if self.desk else []),
            *("size", "scan"),
            *(["journal", "review"] if self.desk or self.journal else []),
            *(["plan"] if self.desk or self.plan else []),
            "settings",
        ]

    def settings(self) -> dict[str, Any]:
        """Looks and bounds."""
        from lotwise.web.settings import bounds_shown

        return {**self.looks.shown(), "guard": bounds_shown(self.desk.guardrails) if self.desk else []}


def contract_shown(contract: Contract) -> dict[str, Any]:
    """What the page's formatter needs of a contract."""
    scales = contract.scales
    return {
        "id": contract.id,
        "symbol": contract.symbol,
        "base": contract.base,
        "quote": contract.quote,
        "settle": contract.settle,
        "tick_text": contract.price_text(1),
        "price_decimals": scales.price_decimals,
        "lot_text": contract.quantity_text(1),
        "quantity_unit": contract.quantity_unit,
        "min_lots": int(scales.min_lots),
    }
