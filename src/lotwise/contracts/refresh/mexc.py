"""MEXC futures margined in their quote: contract/detail tells the contracts and their risk limits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from lotwise.contracts.facts_file import UNKNOWN, FactRow
from lotwise.contracts.refresh import reading
from lotwise.contracts.refresh.reader import Tier, VenueReader, check_tiers
from lotwise.contracts.refresh.reading import Raw

ENABLED: Final = "0"
ENDLESS: Final = Decimal(10) ** 18
"""Cap of a table of one tier: its end is a number of contracts, no notional."""


def row(raw: Raw) -> FactRow | None:
    """An enabled contract; quantities are contracts of ``contractSize`` base coins."""
    if str(raw.get("state")) != ENABLED or raw.get("settleCoin") != raw.get("quoteCoin"):
        return None
    return {
        "symbol": reading.text(raw, "symbol"),
        "base": reading.text(raw, "baseCoin"),
        "quote": reading.text(raw, "quoteCoin"),
        "settle": reading.text(raw, "settleCoin"),
        "kind": "linear_perpetual",
        "tick_size": reading.positive(raw, "priceUnit"),
        "lot_size": reading.positive(raw, "volUnit"),
        "contract_size": reading.positive(raw, "contractSize"),
        "min_quantity": reading.optional(raw, "minVol"),
        **_largest(raw),
        "max_leverage": reading.optional(raw, "maxLeverage"),
        "maker": reading.fee(raw, "makerFeeRate"),
        "taker": reading.fee(raw, "takerFeeRate"),
        "listed": reading.day(raw, "createTime"),
    }


def _largest(raw: Raw) -> FactRow:
    """``maxVol`` bounds every order; where limit orders have a bound of their own, market orders."""
    every, limit = reading.optional(raw, "maxVol"), reading.optional(raw, "limitMaxVol")
    if limit in (UNKNOWN, every):
        return {"max_quantity": every}
    return {"max_quantity": limit, "max_market_quantity": every}


def tiers(raw: Raw, table: Sequence[Raw]) -> list[Tier]:
    """The one tier of a contract with one risk level; several levels give no table.

    Their ends (``riskBaseVol``, ``riskIncrVol``) are numbers of contracts, whose worth moves with
    the price, and no amount is told that would make the margin continuous: they stay unknown.
    """
    levels = reading.stated(raw, "riskLevelLimit") if "riskLevelLimit" in raw else None
    if levels != 1:
        return []
    leverage = reading.stated(raw, "maxLeverage")
    initial = reading.stated(raw, "initialMarginRate")
    product = initial * leverage
    reading.require(
        Decimal("0.9") <= product <= Decimal("1.1"),
        f"initialMarginRate x maxLeverage is {reading.plain(product)}, not about 1",
    )
    rate = reading.stated(raw, "maintenanceMarginRate")
    only = Tier(floor=Decimal(0), cap=ENDLESS, leverage=leverage, rate=rate, cumulative=Decimal(0))
    return check_tiers([only])


READER: Final = VenueReader(
    title="MEXC futures: linear contracts",
    markets_from="contract/detail",
    tiers_from="contract/detail (contracts of one risk level)",
    row=row,
    tiers=tiers,
    tiers_by="contract",
    rules={
        "maintenance_rule": "mark",
        "margin_holds_closing_fee": "no",
        "liquidation_holds_closing_fee": "yes",
        "clearing": "no",
    },
)
