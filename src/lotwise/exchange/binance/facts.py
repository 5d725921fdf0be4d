"""What the venue says of its contracts: exchangeInfo, brackets, rates."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lotwise.contracts.contract import Contract
from lotwise.exchange.binance import figures
from lotwise.exchange.market import BAND8, Market
from lotwise.kernel.layout import RATE
from lotwise.units import parse_scaled, scaled_text

ORDER_TYPES: Final = (
    "LIMIT",
    "MARKET",
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TRAILING_STOP_MARKET",
)
TIMES_IN_FORCE: Final = ("GTC", "IOC", "FOK", "GTX", "GTD")
WEIGHT_LIMIT: Final = 2_400
BURST_LIMIT: Final = 300
"""Orders in ten seconds."""
ORDER_LIMIT: Final = 1_200
"""A minute. Source: Binance USD-M, exchangeInfo, rateLimits."""
FAR_FUTURE_MS: Final = 4_133_404_800_000
"""Delivery of a perpetual. Source: the same."""


def exchange_info(market: Market, now_ms: int) -> dict[str, Any]:
    """All contracts with their filters."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": WEIGHT_LIMIT,
            },
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": ORDER_LIMIT},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": BURST_LIMIT},
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "0"}],
        "symbols": [_symbol(market, number) for number in range(len(market.contracts))],
    }


def _symbol(market: Market, number: int) -> dict[str, Any]:
    contract, row = market.contracts[number], market.rows[number]
    price_decimals, _, lot_digits, _ = figures.steps(contract)
    band = scaled_text(BAND8)
    lots = {"minQty": figures.quantity(contract, row.min_lots), "stepSize": figures.quantity(contract, 1)}
    up, down = scaled_text(RATE + BAND8), scaled_text(RATE - BAND8)
    most, most_market = (
        figures.quantity(contract, row.max_lots),
        figures.quantity(contract, row.max_market_lots),
    )
    return {
        "symbol": contract.symbol,
        "pair": contract.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": FAR_FUTURE_MS,
        "onboardDate": figures.ms(market.first_ns),
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": contract.base,
        "quoteAsset": contract.quote,
        "marginAsset": contract.settle,
        "pricePrecision": price_decimals,
        "quantityPrecision": lot_digits,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [contract.sector] if contract.sector else [],
        "triggerProtect": band,
        "liquidationFee": figures.rate(row.liquidation_fee8),
        "marketTakeBound": band,
        "maxMoveOrderLimit": 10_000,
        "orderTypes": list(ORDER_TYPES),
        "timeInForce": list(TIMES_IN_FORCE),
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": figures.price(contract, 1),
                "maxPrice": figures.price(contract, row.max_notional_cash // row.cash_per_tick_lot),
                "tickSize": figures.price(contract, 1),
            },
            {"filterType": "LOT_SIZE", "maxQty": most, **lots},
            {"filterType": "MARKET_LOT_SIZE", "maxQty": most_market, **lots},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": scaled_text(row.min_notional_cash)},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": up,
                "multiplierDown": down,
                "multiplierDecimal": "4",
            },
        ],
    }


def brackets(contract: Contract) -> dict[str, Any]:
    """Margin tiers; numbers without quotes, as the venue writes them, yet exact."""
    return {
        "symbol": contract.symbol,
        "notionalCoef": msgspec.Raw(b"1.0"),
        "brackets": [
            {
                "bracket": number,
                "initialLeverage": parse_scaled(tier.max_leverage, "leverage", 2) // 100,
                "notionalCap": _number(tier.notional_cap if tier.notional_cap is not None else "9223372036"),
                "notionalFloor": _number(tier.notional_floor),
                "maintMarginRatio": _number(tier.maintenance_rate),
                "cum": _number(tier.cumulative),
            }
            for number, tier in enumerate(contract.tiers, 1)
        ],
    }


def _number(value: object) -> msgspec.Raw:
    return msgspec.Raw(scaled_text(parse_scaled(value, "tier")).encode())


def commission(contract: Contract) -> dict[str, str]:
    """Fee rates."""
    assert contract.fees is not None
    return {
        "symbol": contract.symbol,
        "makerCommissionRate": figures.rate(contract.fees.maker8),
        "takerCommissionRate": figures.rate(contract.fees.taker8),
        "rpiCommissionRate": figures.rate(contract.fees.maker8),
    }


def most_notional(contract: Contract, leverage100: int) -> str:
    """The largest notional that a leverage allows: the cap of the last tier that has it."""
    found = "0"
    for tier in contract.tiers:
        if parse_scaled(tier.max_leverage, "leverage", 2) >= leverage100 and tier.notional_cap is not None:
            found = str(tier.notional_cap)
    return found
