"""The allow-list of reads: what the adapter may ask without changing anything."""

from __future__ import annotations

from typing import Final

from lotwise.broker.ccxt_venue.request import Request, bingx


def _bybit_read(path: str, call: str, *given: str, optional: tuple[str, ...] = ()) -> Request:
    return Request("GET", path, call, given=given, optional=optional)


def _mexc_read(path: str, call: str, *given: str, optional: tuple[str, ...] = ()) -> Request:
    return Request("GET", f"/api/v1/{path}", call, given=given, optional=optional)


def _weex_read(path: str, call: str, *given: str, optional: tuple[str, ...] = ()) -> Request:
    return Request("GET", f"/capi/v3/{path}", call, given=given, optional=optional)


_PAGED: Final = ("page_num", "page_size")
_BINANCE: Final = {
    "read time": Request("GET", "/fapi/v1/time", "fapiPublicGetTime"),
    "read facts": Request("GET", "/fapi/v1/exchangeInfo", "fapiPublicGetExchangeInfo"),
    "read book": Request(
        "GET", "/fapi/v1/ticker/bookTicker", "fapiPublicGetTickerBookTicker", given=("symbol",)
    ),
    "read depth": Request("GET", "/fapi/v1/depth", "fapiPublicGetDepth", given=("symbol", "limit")),
    "read last": Request("GET", "/fapi/v1/ticker/price", "fapiPublicGetTickerPrice", given=("symbol",)),
    "read mark": Request("GET", "/fapi/v1/premiumIndex", "fapiPublicGetPremiumIndex", given=("symbol",)),
    "read order": Request(
        "GET",
        "/fapi/v1/order",
        "fapiPrivateGetOrder",
        given=("symbol",),
        optional=("origClientOrderId", "orderId"),
    ),
    "read trigger": Request(
        "GET", "/fapi/v1/algoOrder", "fapiPrivateGetAlgoOrder", given=("symbol", "clientAlgoId")
    ),
    "read orders": Request("GET", "/fapi/v1/openOrders", "fapiPrivateGetOpenOrders", optional=("symbol",)),
    "read triggers": Request(
        "GET", "/fapi/v1/openAlgoOrders", "fapiPrivateGetOpenAlgoOrders", optional=("symbol",)
    ),
    "read positions": Request("GET", "/fapi/v3/positionRisk", "fapiPrivateV3GetPositionRisk"),
    "read balance": Request("GET", "/fapi/v3/account", "fapiPrivateV3GetAccount"),
    "read settings": Request(
        "GET", "/fapi/v1/symbolConfig", "fapiPrivateGetSymbolConfig", optional=("symbol",)
    ),
    "read mode": Request("GET", "/fapi/v1/positionSide/dual", "fapiPrivateGetPositionSideDual"),
    "read fills": Request(
        "GET",
        "/fapi/v1/userTrades",
        "fapiPrivateGetUserTrades",
        given=("symbol", "limit"),
        optional=("startTime", "endTime", "fromId"),
    ),
    "read income": Request(
        "GET", "/fapi/v1/income", "fapiPrivateGetIncome", given=("startTime", "limit"), optional=("endTime",)
    ),
    "read key": Request("GET", "/sapi/v1/account/apiRestrictions", "sapiGetAccountApiRestrictions"),
}

_BYBIT: Final = {
    "read time": _bybit_read("/v5/market/time", "publicGetV5MarketTime"),
    "read facts": _bybit_read(
        "/v5/market/instruments-info", "publicGetV5MarketInstrumentsInfo", "category", "symbol"
    ),
    "read book": _bybit_read("/v5/market/tickers", "publicGetV5MarketTickers", "category", "symbol"),
    "read depth": _bybit_read(
        "/v5/market/orderbook", "publicGetV5MarketOrderbook", "category", "symbol", "limit"
    ),
    "read order": _bybit_read(
        "/v5/order/realtime", "privateGetV5OrderRealtime", "category", "symbol", "orderLinkId"
    ),
    "read old order": _bybit_read(
        "/v5/order/history", "privateGetV5OrderHistory", "category", "symbol", "orderLinkId"
    ),
    "read orders": _bybit_read(
        "/v5/order/realtime",
        "privateGetV5OrderRealtime",
        "category",
        "openOnly",
        "limit",
        optional=("symbol", "settleCoin", "cursor"),
    ),
    "read positions": _bybit_read(
        "/v5/position/list",
        "privateGetV5PositionList",
        "category",
        "limit",
        optional=("symbol", "settleCoin", "cursor"),
    ),
    "read balance": _bybit_read(
        "/v5/account/wallet-balance", "privateGetV5AccountWalletBalance", "accountType", "coin"
    ),
    "read settings": _bybit_read("/v5/account/info", "privateGetV5AccountInfo"),
    "read fills": _bybit_read(
        "/v5/execution/list",
        "privateGetV5ExecutionList",
        "category",
        "symbol",
        "startTime",
        "endTime",
        "limit",
        optional=("cursor",),
    ),
    "read income": _bybit_read(
        "/v5/account/transaction-log",
        "privateGetV5AccountTransactionLog",
        "accountType",
        "startTime",
        "endTime",
        "limit",
        optional=("cursor",),
    ),
    "read key": _bybit_read("/v5/user/query-api", "privateGetV5UserQueryApi"),
}

_BINGX: Final = {
    "read time": bingx("GET", "v2", "server/time", access="Public"),
    "read facts": bingx("GET", "v2", "quote/contracts", access="Public"),
    "read book": bingx("GET", "v2", "quote/ticker", "symbol", access="Public"),
    "read depth": bingx("GET", "v2", "quote/depth", "symbol", "limit", access="Public"),
    "read mark": bingx("GET", "v2", "quote/premiumIndex", "symbol", access="Public"),
    "read order": bingx("GET", "v2", "trade/order", "symbol", "clientOrderID"),
    "read orders": bingx("GET", "v2", "trade/openOrders", optional=("symbol",)),
    "read positions": bingx("GET", "v2", "user/positions", optional=("symbol",)),
    "read balance": bingx("GET", "v3", "user/balance"),
    "read leverage": bingx("GET", "v2", "trade/leverage", "symbol"),
    "read settings": bingx("GET", "v2", "trade/marginType", "symbol"),
    "read mode": bingx("GET", "v1", "positionSide/dual"),
    "read fills": bingx(
        "GET", "v2", "trade/fillHistory", "symbol", "startTs", "endTs", "pageIndex", "pageSize"
    ),
    "read income": bingx("GET", "v2", "user/income", "startTime", "endTime", "limit"),
}

_MEXC: Final = {
    "read time": _mexc_read("contract/ping", "contractPublicGetPing"),
    "read facts": _mexc_read("contract/detail", "contractPublicGetDetail", "symbol"),
    "read book": _mexc_read("contract/ticker", "contractPublicGetTicker", "symbol"),
    "read depth": _mexc_read("contract/depth/{symbol}", "contractPublicGetDepthSymbol", "symbol"),
    "read mark": _mexc_read("contract/funding_rate/{symbol}", "contractPublicGetFundingRateSymbol", "symbol"),
    "read order": _mexc_read(
        "private/order/external/{symbol}/{external_oid}",
        "contractPrivateGetOrderExternalSymbolExternalOid",
        "symbol",
        "external_oid",
    ),
    "read orders": _mexc_read(
        "private/order/list/open_orders",
        "contractPrivateGetOrderListOpenOrders",
        *_PAGED,
        optional=("symbol",),
    ),
    "read triggers": _mexc_read(
        "private/planorder/list/orders",
        "contractPrivateGetPlanorderListOrders",
        *_PAGED,
        optional=("symbol", "states"),
    ),
    "read positions": _mexc_read(
        "private/position/open_positions", "contractPrivateGetPositionOpenPositions", optional=("symbol",)
    ),
    "read balance": _mexc_read("private/account/assets", "contractPrivateGetAccountAssets"),
    "read settings": _mexc_read("private/position/leverage", "contractPrivateGetPositionLeverage", "symbol"),
    "read mode": _mexc_read("private/position/position_mode", "contractPrivateGetPositionPositionMode"),
    "read fills": _mexc_read(
        "private/order/list/order_deals",
        "contractPrivateGetOrderListOrderDeals",
        "symbol",
        "start_time",
        "end_time",
        *_PAGED,
    ),
    "read income": _mexc_read(
        "private/position/funding_records", "contractPrivateGetPositionFundingRecords", *_PAGED
    ),
    "read transfers": _mexc_read(
        "private/account/transfer_record", "contractPrivateGetAccountTransferRecord", *_PAGED
    ),
}

_WEEX: Final = {
    "read time": _weex_read("market/time", "contractGetCapiV3MarketTime"),
    "read facts": _weex_read("market/exchangeInfo", "contractGetCapiV3MarketExchangeInfo"),
    "read book": _weex_read("market/ticker/bookTicker", "contractGetCapiV3MarketTickerBookTicker", "symbol"),
    "read depth": _weex_read("market/depth", "contractGetCapiV3MarketDepth", "symbol", "limit"),
    "read last": _weex_read("market/ticker/24hr", "contractGetCapiV3MarketTicker24hr", "symbol"),
    "read mark": _weex_read("market/premiumIndex", "contractGetCapiV3MarketPremiumIndex", "symbol"),
    "read order": _weex_read("order", "contractPrivateGetCapiV3Order", "orderId"),
    "read orders": _weex_read(
        "openOrders", "contractPrivateGetCapiV3OpenOrders", "limit", optional=("symbol",)
    ),
    "read triggers": _weex_read(
        "openAlgoOrders", "contractPrivateGetCapiV3OpenAlgoOrders", "limit", optional=("symbol",)
    ),
    "read old orders": _weex_read(
        "order/history", "contractPrivateGetCapiV3OrderHistory", "symbol", "startTime", "limit"
    ),
    "read positions": _weex_read(
        "account/position/allPosition", "contractPrivateGetCapiV3AccountPositionAllPosition"
    ),
    "read balance": _weex_read("account/balance", "contractPrivateGetCapiV3AccountBalance"),
    "read settings": _weex_read(
        "account/symbolConfig", "contractPrivateGetCapiV3AccountSymbolConfig", "symbol"
    ),
    "read fills": _weex_read(
        "userTrades", "contractPrivateGetCapiV3UserTrades", "symbol", "startTime", "endTime", "limit"
    ),
    "read income": Request(
        "POST",
        "/capi/v3/account/income",
        "contractPrivatePostCapiV3AccountIncome",
        given=("startTime", "endTime", "limit"),
    ),
}

READS: Final = {"binance": _BINANCE, "bybit": _BYBIT, "bingx": _BINGX, "mexc": _MEXC, "weex": _WEEX}
"""Venue and kind of read to what is sent; named ``read ...``."""
