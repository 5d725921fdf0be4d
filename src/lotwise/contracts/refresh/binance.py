"""Binance USD-M and COIN-M: exchangeInfo and the signed leverage brackets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lotwise.contracts.facts_file import UNKNOWN, FactRow
from lotwise.contracts.refresh import reading
from lotwise.contracts.refresh.reader import Tier, VenueReader, check_tiers
from lotwise.contracts.refresh.reading import Raw

PERPETUAL_DELIVERY_MS: Final = 4133404800000
"""deliveryDate of a contract that never expires."""
FILLER_ONBOARD_MS: Final = 1569398400000
"""onboardDate of every contract older than about August 2020: no listing day."""
SECTORS: Final = {"DEFI": "DeFi"}
"""The venue's spellings of one label."""
_RULES: Final[FactRow] = {
    "leverage_step": "1",
    "maintenance_rule": "mark",
    "margin_holds_closing_fee": "no",
    "liquidation_holds_closing_fee": "no",
    "clearing": "no",
}


def linear_row(raw: Raw) -> FactRow | None:
    """A trading contract margined in its quote."""
    if raw.get("status") != "TRADING" or raw.get("marginAsset") != raw.get("quoteAsset"):
        return None
    row = _row(raw, "linear")
    notional = _filters(raw).get("MIN_NOTIONAL", {})
    return row | {"contract_size": "1", "min_notional": reading.optional(notional, "notional")}


def inverse_row(raw: Raw) -> FactRow | None:
    """A trading contract margined in its base; ``contractSize`` is in US dollars."""
    if raw.get("contractStatus") != "TRADING" or raw.get("marginAsset") != raw.get("baseAsset"):
        return None
    return _row(raw, "inverse") | {"contract_size": reading.positive(raw, "contractSize")}


def tiers(raw: Raw, brackets: Sequence[Raw]) -> list[Tier]:
    """Brackets of one contract: in the quote, of COIN-M (``qtyFloor``, ``qtyCap``) in the base coin."""
    by_coin = "contractSize" in raw
    low, high = ("qtyFloor", "qtyCap") if by_coin else ("notionalFloor", "notionalCap")
    found = [
        Tier(
            floor=reading.stated(bracket, low),
            cap=reading.stated(bracket, high),
            leverage=reading.stated(bracket, "initialLeverage"),
            rate=reading.stated(bracket, "maintMarginRatio"),
            cumulative=reading.stated(bracket, "cum"),
        )
        for bracket in brackets
    ]
    return check_tiers(sorted(found))


def _filters(raw: Raw) -> dict[str, Raw]:
    return {str(item.get("filterType")): item for item in reading.parts(raw, "filters")}


def _sector(raw: Raw) -> str:
    """What the coin is for: the first label; ``HOT`` says that it is traded much, not what it is for."""
    labels = raw.get("underlyingSubType")
    named = [label for label in labels if label != "HOT"] if isinstance(labels, list) else []
    return SECTORS.get(str(named[0]), str(named[0])) if named else UNKNOWN


def _row(raw: Raw, family: str) -> FactRow:
    """What both families tell alike."""
    filters = _filters(raw)
    lot, market = filters.get("LOT_SIZE", {}), filters.get("MARKET_LOT_SIZE", {})
    lot_size = reading.positive(lot, "stepSize")
    if market:
        same = reading.positive(market, "stepSize") == lot_size
        reading.require(same, "market orders have another lot; the format has one")
    perpetual = reading.decimal(raw, "deliveryDate") == PERPETUAL_DELIVERY_MS
    named = str(raw.get("contractType")).endswith("PERPETUAL")
    reading.require(perpetual == named, "contractType and deliveryDate do not agree")
    filler = reading.decimal(raw, "onboardDate") == FILLER_ONBOARD_MS
    return {
        "symbol": reading.text(raw, "symbol"),
        "base": reading.text(raw, "baseAsset"),
        "quote": reading.text(raw, "quoteAsset"),
        "settle": reading.text(raw, "marginAsset"),
        "kind": f"{family}_{'perpetual' if perpetual else 'dated'}",
        "tick_size": reading.positive(filters.get("PRICE_FILTER", {}), "tickSize"),
        "lot_size": lot_size,
        "min_quantity": reading.optional(lot, "minQty"),
        "max_quantity": reading.optional(lot, "maxQty"),
        "max_market_quantity": reading.optional(market, "maxQty"),
        "sector": _sector(raw),
        "liquidation_fee": reading.optional(raw, "liquidationFee"),
        "listed": UNKNOWN if filler else reading.day(raw, "onboardDate"),
        "expiry": UNKNOWN if perpetual else reading.expiry(raw, "deliveryDate"),
    }


LINEAR: Final = VenueReader(
    title="Binance USD-M futures: linear contracts",
    markets_from="exchangeInfo of USD-M",
    tiers_from="leverageBracket of USD-M (amounts in the quote)",
    row=linear_row,
    tiers=tiers,
    tiers_signed=True,
    rules=_RULES,
)
INVERSE: Final = VenueReader(
    title="Binance COIN-M futures: inverse contracts",
    markets_from="exchangeInfo of COIN-M",
    tiers_from="leverageBracket of COIN-M (amounts in the base coin)",
    row=inverse_row,
    tiers=tiers,
    tiers_signed=True,
    rules=_RULES,
)
