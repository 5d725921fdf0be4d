"""BingX swaps margined in their quote: the contract list, and the signed table of one market at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lotwise.contracts.facts_file import FactRow
from lotwise.contracts.refresh import reading
from lotwise.contracts.refresh.reader import Tier, VenueReader, check_tiers
from lotwise.contracts.refresh.reading import Raw

TRADING: Final = "1"


def row(raw: Raw) -> FactRow | None:
    """A contract open to orders by API; quantities are base coins.

    ``maxLongLeverage`` is not read: without an account the list shows a default, 5 for some.
    """
    if str(raw.get("status")) != TRADING or "minTickSize" in raw or not raw.get("currency"):
        return None  # not open, inverse, or spot
    if str(raw.get("apiStateOpen")).lower() != "true":
        return None
    symbol = reading.text(raw, "symbol")
    base, dash, quote = symbol.partition("-")
    settle = reading.text(raw, "currency")
    reading.require(bool(base and dash) and quote == settle, f"settled in {settle}, not in its quote")
    return {
        "symbol": symbol,
        "base": base,
        "quote": quote,
        "settle": settle,
        "kind": "linear_perpetual",
        "tick_size": _step(raw, "tickSize", "pricePrecision"),
        "lot_size": _step(raw, "stepSize", "quantityPrecision"),
        "contract_size": "1",
        "min_quantity": reading.optional(raw, "tradeMinQuantity"),
        "min_notional": reading.optional(raw, "tradeMinUSDT"),
        "maker": reading.fee(raw, "makerFeeRate"),
        "taker": reading.fee(raw, "takerFeeRate"),
    }


def _step(raw: Raw, size: str, decimals: str) -> str:
    """A step by its size where it is told, else by its count of decimals."""
    return reading.positive(raw, size) if reading.decimal(raw, size) else reading.step(raw, decimals)


def tiers(raw: Raw, table: Sequence[Raw]) -> list[Tier]:
    """The table of one contract, in the settle coin; no leverage is told for a tier."""
    found = [
        Tier(
            floor=reading.stated(tier, "minPositionVal"),
            cap=reading.stated(tier, "maxPositionVal"),
            leverage=None,
            rate=reading.stated(tier, "maintMarginRatio"),
            cumulative=reading.stated(tier, "maintAmount"),
        )
        for tier in table
    ]
    return check_tiers(sorted(found, key=lambda tier: tier.floor), reading.decimal(raw, "maxLongLeverage"))


READER: Final = VenueReader(
    title="BingX perpetual futures: linear contracts",
    markets_from="quote/contracts of the swaps",
    tiers_from="maintMarginRatio of each market",
    row=row,
    tiers=tiers,
    tiers_by="market",
    tiers_signed=True,
    rules={
        "maintenance_rule": "mark",
        "margin_holds_closing_fee": "no",
        "liquidation_holds_closing_fee": "yes",
        "clearing": "no",
    },
)
