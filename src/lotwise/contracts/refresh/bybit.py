"""Bybit v5, linear and inverse: instruments-info and the public risk limits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from lotwise.contracts.facts_file import UNKNOWN, FactRow
from lotwise.contracts.refresh import reading
from lotwise.contracts.refresh.reader import Tier, VenueReader, check_tiers
from lotwise.contracts.refresh.reading import Contradiction, Raw

KINDS: Final = {
    "LinearPerpetual": "linear_perpetual",
    "LinearFutures": "linear_dated",
    "InversePerpetual": "inverse_perpetual",
    "InverseFutures": "inverse_dated",
}
SECTORS: Final = {"stock": "Stock", "commodity": "Commodity"}
"""What a symbolType says of the thing traded; the others are about the listing."""
_RULES: Final[FactRow] = {
    "maintenance_rule": "mark",
    "margin_holds_closing_fee": "yes",
    "liquidation_holds_closing_fee": "no",
    "clearing": "no",
}


def row(raw: Raw) -> FactRow | None:
    """A trading contract; the quantity of an inverse one counts US dollars, one in a contract."""
    kind = KINDS.get(str(raw.get("contractType")))
    if kind is None or raw.get("status") != "Trading":
        return None
    lot = reading.part(raw, "lotSizeFilter")
    leverage = reading.part(raw, "leverageFilter")
    found = {
        "symbol": reading.text(raw, "symbol"),
        "base": reading.text(raw, "baseCoin"),
        "quote": reading.text(raw, "quoteCoin"),
        "settle": reading.text(raw, "settleCoin"),
        "kind": kind,
        "tick_size": reading.positive(reading.part(raw, "priceFilter"), "tickSize"),
        "lot_size": reading.positive(lot, "qtyStep"),
        "contract_size": "1",
        "min_quantity": reading.optional(lot, "minOrderQty"),
        "max_quantity": reading.optional(lot, "maxOrderQty"),
        "max_market_quantity": reading.optional(lot, "maxMktOrderQty"),
        "min_notional": reading.optional(lot, "minNotionalValue"),
        "max_leverage": reading.optional(leverage, "maxLeverage"),
        "leverage_step": reading.optional(leverage, "leverageStep"),
        "listed": reading.day(raw, "launchTime"),
        "sector": SECTORS.get(str(raw.get("symbolType")), UNKNOWN),
    }
    if kind.endswith("dated"):
        return found | {"expiry": reading.expiry(raw, "deliveryTime")}
    return found | _funding(raw)


def _funding(raw: Raw) -> FactRow:
    minutes = reading.decimal(raw, "fundingInterval")
    if not minutes:
        return {}
    reading.require(minutes > 0 and minutes % 60 == 0, "fundingInterval is not whole hours")
    cap, floor = reading.rate(raw, "upperFundingRate"), reading.rate(raw, "lowerFundingRate")
    return {
        "funding_hours": reading.plain(minutes // 60),
        "funding_cap": cap,
        "funding_floor": floor,
    }


def tiers(raw: Raw, limits: Sequence[Raw]) -> list[Tier]:
    """Risk limits of one contract: each names its cap, the floor is the cap before it.

    The rates come as fractions or as percentages; ``initialMargin`` times ``maxLeverage`` tells
    which: about 1, or about 100. The amounts are in the settle coin.
    """
    ordered = sorted(limits, key=lambda limit: reading.stated(limit, "riskLimitValue"))
    units = {_percent(limit) for limit in ordered}
    reading.require(len(units) <= 1, "some risk limits are in percent, others are fractions")
    floor, found = Decimal(0), []
    for number, limit in enumerate(ordered, 1):
        deduction = reading.decimal(limit, "mmDeduction")
        if deduction is None:
            reading.require(number == 1, f"tier {number}: mmDeduction is missing")
            deduction = Decimal(0)
        rate = reading.stated(limit, "maintenanceMargin") / (100 if True in units else 1)
        cap, leverage = reading.stated(limit, "riskLimitValue"), reading.stated(limit, "maxLeverage")
        found.append(Tier(floor=floor, cap=cap, leverage=leverage, rate=rate, cumulative=deduction))
        floor = cap
    return check_tiers(found)


def _percent(limit: Raw) -> bool:
    """Whether the rates of a risk limit are percentages."""
    product = reading.stated(limit, "initialMargin") * reading.stated(limit, "maxLeverage")
    if Decimal("0.9") <= product <= Decimal("1.1"):
        return False
    if 90 <= product <= 110:
        return True
    raise Contradiction(
        f"initialMargin x maxLeverage is {reading.plain(product)}: neither about 1 nor about 100, "
        "so its rates are neither fractions nor percentages"
    )


def _reader(name: str, category: str) -> VenueReader:
    return VenueReader(
        title=f"Bybit v5 {category}: {name}",
        markets_from=f"instruments-info, category {category}",
        tiers_from=f"risk-limit, category {category} (amounts in the settle coin)",
        row=row,
        tiers=tiers,
        rules=_RULES,
    )


LINEAR: Final = _reader("perpetuals and dated futures settled in the quote", "linear")
INVERSE: Final = _reader("perpetuals and dated futures settled in the base", "inverse")
