"""WEEX futures: exchangeInfo. Its tiers are on web pages only."""

from __future__ import annotations

from typing import Final

from lotwise.contracts.facts_file import FactRow
from lotwise.contracts.refresh import reading
from lotwise.contracts.refresh.reader import VenueReader, no_tiers
from lotwise.contracts.refresh.reading import Raw


def row(raw: Raw) -> FactRow | None:
    """A contract margined in its quote.

    Sizes count base coins, so a contract is one coin, whatever ``contractVal`` says: it is the
    coin of another interface. Fees come as fractions; those that ccxt keeps for the whole venue are
    percentages and are not read.
    """
    if not raw.get("marginAsset") or raw.get("marginAsset") != raw.get("quoteAsset"):
        return None  # spot, or inverse
    return {
        "symbol": reading.text(raw, "symbol"),
        "base": reading.text(raw, "baseAsset"),
        "quote": reading.text(raw, "quoteAsset"),
        "settle": reading.text(raw, "marginAsset"),
        "kind": "linear_perpetual",
        "tick_size": reading.step(raw, "pricePrecision"),
        "lot_size": reading.step(raw, "quantityPrecision"),
        "contract_size": "1",
        "min_quantity": reading.optional(raw, "minOrderSize"),
        "max_quantity": reading.optional(raw, "maxOrderSize"),
        "max_market_quantity": reading.optional(raw, "marketOpenLimitSize"),
        "max_leverage": reading.optional(raw, "maxLeverage"),
        "maker": reading.fee(raw, "makerFeeRate"),
        "taker": reading.fee(raw, "takerFeeRate"),
    }


READER: Final = VenueReader(
    title="WEEX futures: linear contracts",
    markets_from="market/exchangeInfo of the contracts",
    tiers_from="",
    row=row,
    tiers=no_tiers,
    tiers_by="never",
    rules={
        "maintenance_rule": "mark",
        "margin_holds_closing_fee": "no",
        "liquidation_holds_closing_fee": "no",
        "clearing": "no",
    },
)
