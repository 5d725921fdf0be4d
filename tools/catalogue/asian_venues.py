"""BingX, MEXC and WEEX: a few perpetuals each, as the test fixtures of ccxt hold them."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

from catalogue.funding import csv_seen, funding_columns
from catalogue.raw import FactFile, answer, day_of, linear, require, text
from lotwise.contracts.facts_file import COLUMNS, TIER_COLUMNS, UNKNOWN, FactRow

CCXT_DAY = "2026-10-23"
CCXT = "in the test fixtures of ccxt (MIT), which carry no date; carried as the day of ccxt 4.5.90"
CLOSING_FEE = {"liquidation_holds_closing_fee": "yes"}

BINGX_HEAD = (
    "BingX perpetuals margined in USDT",
    f"current: {CCXT_DAY}",
    f"rows {CCXT_DAY}: BingX contracts as stored with ccxt 4.5.90 (undated)",
    "source: tick_size lot_size min_quantity min_notional maker taker: /openApi/swap/v2/quote/contracts, "
    f"{CCXT}",
    "source: contract_size: quantities of orders are in the coin (ccxt 4.5.90)",
    "source: max_leverage: tier 1 of the table that the venue shows, in the package bingx-leverages 0.1.4 "
    "(MIT, undated); the contracts answer, asked without a key, told 125 for BTC and ETH, 100 for LTC and 5 "
    "for the others",
    "source: liquidation_holds_closing_fee: the venue's help pages on liquidation",
    "unknown: maintenance rates (the table has none), largest orders, funding, listing days, leverage_step",
)
MEXC_HEAD = (
    "MEXC perpetuals margined in USDT; quantities count contracts of contract_size coins",
    f"current: {CCXT_DAY}",
    f"rows {CCXT_DAY}: MEXC contract detail as stored with ccxt 4.5.90 (undated)",
    f"source: all but funding and the margin rules: /api/v1/contract/detail, {CCXT}",
    "source: funding_hours: spacing of the last two funding stamps in the funding history of supervik (MIT, "
    "BTC to 2023)",
    "source: liquidation_holds_closing_fee: the venue's help pages on liquidation",
    "unknown: min_notional, largest market order, caps of the funding rate, leverage_step",
)
MEXC_TIERS_HEAD = (
    "MEXC perpetuals: maintenance margin",
    f"source: maintenanceMarginRate and maxLeverage of /api/v1/contract/detail, {CCXT}",
    "one tier each (riskLevelLimit 1); it ends at a number of contracts, max_quantity, not at a notional",
)
WEEX_HEAD = (
    "WEEX perpetuals margined in USDT; quantities count coins, whatever contractVal says",
    f"current: {CCXT_DAY}",
    f"rows {CCXT_DAY}: WEEX contracts as stored with ccxt 4.5.90 (undated)",
    f"source: all but contract_size: /capi/v3 market exchangeInfo, {CCXT}",
    "source: contract_size: orders and positions count the coin (a position of 300 DOGE worth 27.969 USDT in "
    "ccxt 4.5.90); contractVal (0.0001 BTC) is the step of a quantity",
    "unknown: margin tiers, min_notional, funding, listing days, leverage_step",
)


def digits(count: str) -> str:
    """The step of so many decimals; negative: of so many zeros."""
    return text(Decimal(1).scaleb(-int(count)))


def bingx(data: Path) -> FactFile:
    path = data / "meta" / "bingx_leverage_tiers_bingx-leverages-0.1.4.csv"
    with path.open(encoding="utf-8", newline="") as file:
        first = {row["Pair"]: row["Max. Leverage"] for row in csv.DictReader(file) if row["Tier"] == "Tier 1"}
    rows = []
    for symbol, told in answer(data, "bingx_contracts_ccxt_static.json").items():
        if symbol.startswith("_"):
            continue
        base, _, quote = symbol.partition("-")
        row = linear(symbol, base, quote, CCXT_DAY) | CLOSING_FEE
        row |= {"tick_size": digits(told["pricePrecision"]), "lot_size": digits(told["quantityPrecision"])}
        row |= {"min_quantity": text(told["tradeMinQuantity"]), "min_notional": text(told["tradeMinUSDT"])}
        row |= {"maker": text(told["makerFeeRate"]), "taker": text(told["takerFeeRate"])}
        row |= {"max_leverage": text(first[f"{base}{quote}"].removesuffix("X"))}
        rows.append(row)
    return FactFile("bingx", BINGX_HEAD, COLUMNS, rows)


def mexc(data: Path) -> list[FactFile]:
    """The contracts and their one tier. A later record of BTC_USDT has no date and tiers by volume."""
    rows: list[FactRow] = []
    tiers: list[FactRow] = []
    seen = csv_seen(data, "mexc")
    for symbol, told in answer(data, "mexc_contract_detail_ccxt_static.json").items():
        if symbol.startswith("_") or symbol.count("_") > 1:
            continue
        require(told["riskLevelLimit"] == "1", f"{symbol}: more than one risk level")
        require(told["limitMaxVol"] == told["maxVol"] == told["riskBaseVol"], f"{symbol}: two largest orders")
        base, _, quote = symbol.partition("_")
        row = linear(symbol, base, quote, CCXT_DAY) | CLOSING_FEE
        row |= {"tick_size": text(told["priceUnit"]), "lot_size": text(told["volUnit"])}
        row |= {"contract_size": text(told["contractSize"]), "min_quantity": text(told["minVol"])}
        row |= {"max_quantity": text(told["maxVol"]), "limits_as_of": CCXT_DAY}
        row |= {"max_leverage": text(told["maxLeverage"]), "listed": day_of(told["createTime"])}
        row |= {"maker": text(told["makerFeeRate"]), "taker": text(told["takerFeeRate"])}
        rows.append(row | funding_columns(seen.get(f"{base}-{quote}", ()), CCXT_DAY))
        tier = {"symbol": symbol, "as_of": CCXT_DAY, "tier": "1", "notional_floor": "0", "cumulative": "0"}
        tier |= {"notional_cap": UNKNOWN, "max_leverage": row["max_leverage"]}
        tiers.append(tier | {"maintenance_rate": text(told["maintenanceMarginRate"])})
    return [
        FactFile("mexc", MEXC_HEAD, COLUMNS, rows),
        FactFile("mexc-tiers", MEXC_TIERS_HEAD, TIER_COLUMNS, tiers),
    ]


def weex(data: Path) -> FactFile:
    rows = []
    for symbol, told in answer(data, "weex_contracts_ccxt_static.json").items():
        if symbol.startswith("_"):
            continue
        require(told["marginAsset"] == told["quoteAsset"], f"{symbol}: not linear")
        step = digits(told["quantityPrecision"])
        require(step == text(told["contractVal"]), f"{symbol}: contractVal is not the step")
        row = linear(symbol, told["baseAsset"], told["quoteAsset"], CCXT_DAY)
        row |= {"tick_size": digits(told["pricePrecision"]), "lot_size": step}
        row |= {"min_quantity": text(told["minOrderSize"]), "max_quantity": text(told["maxOrderSize"])}
        row |= {"max_market_quantity": text(told["marketOpenLimitSize"]), "limits_as_of": CCXT_DAY}
        row |= {"maker": text(told["makerFeeRate"]), "taker": text(told["takerFeeRate"])}
        rows.append(row | {"max_leverage": text(told["maxLeverage"])})
    return FactFile("weex", WEEX_HEAD, COLUMNS, rows)


def files(data: Path) -> list[FactFile]:
    """All three."""
    return [bingx(data), *mexc(data), weex(data)]
