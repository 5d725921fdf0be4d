"""lotwise: exact sizes, margins and liquidation prices for small futures accounts.

>>> import lotwise
>>> plan = lotwise.size("bybit:BTCUSDT", side="long", entry="60000", stop="2%", equity="200", risk="1%")
>>> plan.quantity, plan.loss_at_stop
('0.001', '1.26534')

This module names the public functions and loads them on first use. It may not hold logic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Contract": "lotwise.contracts.contract",
    "FeeSchedule": "lotwise.contracts.contract",
    "FundingTerms": "lotwise.contracts.contract",
    "LiquidationAnswer": "lotwise.records.answers",
    "LotwiseError": "lotwise.errors",
    "MarginTier": "lotwise.contracts.tiers",
    "MixPlan": "lotwise.records.preview",
    "OrderPreview": "lotwise.records.preview",
    "Position": "lotwise.sizing.position",
    "Quote": "lotwise.records.scan",
    "ScanAnswer": "lotwise.records.scan",
    "ScanRow": "lotwise.records.scan",
    "SizePlan": "lotwise.records.answers",
    "VenueComparison": "lotwise.records.venues",
    "contract": "lotwise.contracts.catalogue",
    "liquidation": "lotwise.sizing.oracle",
    "mix": "lotwise.sizing.mix",
    "preview": "lotwise.sizing.preview",
    "scan": "lotwise.sizing.scan",
    "size": "lotwise.sizing.size",
    "venues": "lotwise.sizing.compare",
}

__all__ = [
    "Contract",
    "FeeSchedule",
    "FundingTerms",
    "LiquidationAnswer",
    "LotwiseError",
    "MarginTier",
    "MixPlan",
    "OrderPreview",
    "Position",
    "Quote",
    "ScanAnswer",
    "ScanRow",
    "SizePlan",
    "VenueComparison",
    "__version__",
    "contract",
    "liquidation",
    "mix",
    "preview",
    "scan",
    "size",
    "venues",
]

if TYPE_CHECKING:
    from lotwise.contracts.catalogue import load as contract
    from lotwise.contracts.contract import Contract, FeeSchedule, FundingTerms
    from lotwise.contracts.tiers import MarginTier
    from lotwise.errors import LotwiseError
    from lotwise.records.answers import LiquidationAnswer, SizePlan
    from lotwise.records.preview import MixPlan, OrderPreview
    from lotwise.records.scan import Quote, ScanAnswer, ScanRow
    from lotwise.records.venues import VenueComparison
    from lotwise.sizing.compare import venues
    from lotwise.sizing.mix import mix
    from lotwise.sizing.oracle import liquidation
    from lotwise.sizing.position import Position
    from lotwise.sizing.preview import preview
    from lotwise.sizing.scan import scan
    from lotwise.sizing.size import size


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lotwise' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), "load" if name == "contract" else name)
    globals()[name] = value
    return value
