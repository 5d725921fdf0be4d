"""The allow-list: every request that may leave, with its exact parameters.

A row says which path is asked, which parameters are always the same, which are given with each request and
what they may be. Anything else is refused before it is sent: an unknown field is what turns a stop into a
market order (hazards H1 to H11 of ``docs/venues.md``, which is checked against this table).

Sources: the venues' documents of their order endpoints as ccxt 4.5.90 cites and sends them; what ccxt sends
was measured offline and is compared in ``tests/unit/test_ccxt_wire.py``.
"""

from __future__ import annotations

from typing import Any, Final

from lotwise.broker.ccxt_venue.reads import READS
from lotwise.broker.ccxt_venue.request import IDS, ROWS, Params, Request, bingx, plain, same
from lotwise.errors import InputError
from lotwise.units import shown


def _binance_order(kind: str, *given: str, **fixed: Any) -> Request:
    return Request(
        "POST",
        "/fapi/v1/order",
        "fapiPrivatePostOrder",
        {"type": kind, "positionSide": "BOTH", "newOrderRespType": "RESULT", **fixed},
        ("symbol", "side", "quantity", "newClientOrderId", *given),
        {"side": ("BUY", "SELL")},
    )


def _binance_algo(kind: str, **fixed: Any) -> Request:
    return Request(
        "POST",
        "/fapi/v1/algoOrder",
        "fapiPrivatePostAlgoOrder",
        {"algoType": "CONDITIONAL", "type": kind, "positionSide": "BOTH", **fixed},
        ("symbol", "side", "quantity", "clientAlgoId", "triggerPrice", "workingType"),
        {"side": ("BUY", "SELL"), "workingType": ("CONTRACT_PRICE", "MARK_PRICE")},
    )


_BINANCE: Final = {
    "market": _binance_order("MARKET"),
    "market reduce": _binance_order("MARKET", reduceOnly="true"),
    "limit": _binance_order("LIMIT", "price", timeInForce="GTC"),
    "limit reduce": _binance_order("LIMIT", "price", timeInForce="GTC", reduceOnly="true"),
    "post-only": _binance_order("LIMIT", "price", timeInForce="GTX"),
    "post-only reduce": _binance_order("LIMIT", "price", timeInForce="GTX", reduceOnly="true"),
    "stop": _binance_algo("STOP_MARKET", reduceOnly="true"),
    "target": _binance_algo("TAKE_PROFIT_MARKET", reduceOnly="true"),
    "stop entry": _binance_algo("STOP_MARKET"),
    "target entry": _binance_algo("TAKE_PROFIT_MARKET"),
    "cancel": Request("DELETE", "/fapi/v1/order", "fapiPrivateDeleteOrder", given=("symbol", "orderId")),
    "cancel trigger": Request(
        "DELETE", "/fapi/v1/algoOrder", "fapiPrivateDeleteAlgoOrder", given=("symbol", "algoId")
    ),
    "position mode": Request(
        "POST", "/fapi/v1/positionSide/dual", "fapiPrivatePostPositionSideDual", {"dualSidePosition": "false"}
    ),
    "margin mode": Request(
        "POST",
        "/fapi/v1/marginType",
        "fapiPrivatePostMarginType",
        given=("symbol", "marginType"),
        choices={"marginType": ("ISOLATED", "CROSSED")},
    ),
    "leverage": Request("POST", "/fapi/v1/leverage", "fapiPrivatePostLeverage", given=("symbol", "leverage")),
}


_CATEGORY: Final = ("linear", "inverse")


def _bybit_order(kind: str, *given: str, **fixed: Any) -> Request:
    choices: dict[str, tuple[Any, ...]] = {"side": ("Buy", "Sell"), "category": _CATEGORY}
    if "triggerPrice" in given:
        choices |= {"triggerBy": ("LastPrice", "MarkPrice"), "triggerDirection": (1, 2)}
    return Request(
        "POST",
        "/v5/order/create",
        "privatePostV5OrderCreate",
        {"orderType": kind, "positionIdx": 0, **fixed},
        ("category", "symbol", "side", "qty", "orderLinkId", *given),
        choices,
    )


_TRIGGER: Final = ("triggerPrice", "triggerBy", "triggerDirection")


_BYBIT: Final = {
    "market": _bybit_order("Market"),
    "market reduce": _bybit_order("Market", reduceOnly=True),
    "limit": _bybit_order("Limit", "price", timeInForce="GTC"),
    "limit reduce": _bybit_order("Limit", "price", timeInForce="GTC", reduceOnly=True),
    "post-only": _bybit_order("Limit", "price", timeInForce="PostOnly"),
    "post-only reduce": _bybit_order("Limit", "price", timeInForce="PostOnly", reduceOnly=True),
    "stop": _bybit_order("Market", *_TRIGGER, reduceOnly=True),
    "target": _bybit_order("Market", *_TRIGGER, reduceOnly=True),
    "stop entry": _bybit_order("Market", *_TRIGGER),
    "target entry": _bybit_order("Market", *_TRIGGER),
    "cancel": Request(
        "POST",
        "/v5/order/cancel",
        "privatePostV5OrderCancel",
        given=("category", "symbol", "orderId"),
        choices={"category": _CATEGORY},
    ),
    "position mode": Request(
        "POST",
        "/v5/position/switch-mode",
        "privatePostV5PositionSwitchMode",
        {"mode": 0},
        ("category", "symbol"),
        {"category": _CATEGORY},
    ),
    "margin mode": Request(
        "POST",
        "/v5/account/set-margin-mode",
        "privatePostV5AccountSetMarginMode",
        given=("setMarginMode",),
        choices={"setMarginMode": ("ISOLATED_MARGIN", "REGULAR_MARGIN")},
    ),
    "leverage": Request(
        "POST",
        "/v5/position/set-leverage",
        "privatePostV5PositionSetLeverage",
        given=("category", "symbol", "buyLeverage", "sellLeverage"),
        choices={"category": _CATEGORY},
    ),
}


def _bingx_order(kind: str, *given: str, **fixed: Any) -> Request:
    choices: dict[str, tuple[Any, ...]] = {"side": ("BUY", "SELL")}
    if "stopPrice" in given:
        choices["workingType"] = ("CONTRACT_PRICE", "MARK_PRICE")
    return Request(
        "POST",
        "/openApi/swap/v2/trade/order",
        "swapV2PrivatePostTradeOrder",
        {"type": kind, "positionSide": "BOTH", **fixed},
        ("symbol", "side", "quantity", "clientOrderID", *given),
        choices,
    )


_STOP: Final = ("stopPrice", "workingType")
_BINGX: Final = {
    "market": _bingx_order("MARKET"),
    "market reduce": _bingx_order("MARKET", reduceOnly="true"),
    "limit": _bingx_order("LIMIT", "price", timeInForce="GTC"),
    "limit reduce": _bingx_order("LIMIT", "price", timeInForce="GTC", reduceOnly="true"),
    "post-only": _bingx_order("LIMIT", "price", timeInForce="PostOnly"),
    "post-only reduce": _bingx_order("LIMIT", "price", timeInForce="PostOnly", reduceOnly="true"),
    "stop": _bingx_order("STOP_MARKET", *_STOP, reduceOnly="true"),
    "target": _bingx_order("TAKE_PROFIT_MARKET", *_STOP, reduceOnly="true"),
    "cancel": bingx("DELETE", "v2", "trade/order", "symbol", "orderId"),
    "position mode": bingx("POST", "v1", "positionSide/dual", fixed={"dualSidePosition": "false"}),
    "margin mode": bingx(
        "POST",
        "v2",
        "trade/marginType",
        "symbol",
        "marginType",
        choices={"marginType": ("ISOLATED", "CROSSED")},
    ),
    "leverage": bingx("POST", "v2", "trade/leverage", "symbol", "leverage", fixed={"side": "BOTH"}),
}


def _mexc_order(kind: int, *given: str, **fixed: Any) -> Request:
    closes = "reduceOnly" in fixed
    return Request(
        "POST",
        "/api/v1/private/order/create",
        "contractPrivatePostOrderCreate",
        {"type": kind, "positionMode": 2, **fixed},
        ("symbol", "vol", "side", "openType", "leverage", "externalOid", *given),
        {"side": (2, 4) if closes else (1, 3), "openType": (1, 2)},
    )


def _mexc_plan(**fixed: Any) -> Request:
    closes = "reduceOnly" in fixed
    return Request(
        "POST",
        "/api/v1/private/planorder/place",
        "contractPrivatePostPlanorderPlace",
        {"orderType": 5, "executeCycle": 2, "positionMode": 2, **fixed},
        (
            "symbol",
            "vol",
            "side",
            "openType",
            "leverage",
            "externalOid",
            "triggerPrice",
            "triggerType",
            "trend",
        ),
        {"side": (2, 4) if closes else (1, 3), "openType": (1, 2), "triggerType": (1, 2), "trend": (1, 2)},
    )


_MEXC: Final = {
    "market": _mexc_order(5),
    "market reduce": _mexc_order(5, reduceOnly=True),
    "limit": _mexc_order(1, "price"),
    "limit reduce": _mexc_order(1, "price", reduceOnly=True),
    "post-only": _mexc_order(2, "price"),
    "post-only reduce": _mexc_order(2, "price", reduceOnly=True),
    "stop": _mexc_plan(reduceOnly=True),
    "target": _mexc_plan(reduceOnly=True),
    "stop entry": _mexc_plan(),
    "target entry": _mexc_plan(),
    "cancel": Request(
        "POST",
        "/api/v1/private/order/cancel",
        "contractPrivatePostOrderCancel",
        given=("orderId",),
        shape=IDS,
    ),
    "cancel trigger": Request(
        "POST",
        "/api/v1/private/planorder/cancel",
        "contractPrivatePostPlanorderCancel",
        given=("symbol", "orderId"),
        shape=ROWS,
    ),
    "position mode": Request(
        "POST",
        "/api/v1/private/position/change_position_mode",
        "contractPrivatePostPositionChangePositionMode",
        {"positionMode": 2},
    ),
    "leverage": Request(
        "POST",
        "/api/v1/private/position/change_leverage",
        "contractPrivatePostPositionChangeLeverage",
        given=("symbol", "leverage", "openType", "positionType"),
        choices={"openType": (1, 2), "positionType": (1, 2)},
    ),
}


def _weex_order(kind: str, *given: str, **fixed: Any) -> Request:
    return Request(
        "POST",
        "/capi/v3/order",
        "contractPrivatePostCapiV3Order",
        {"type": kind, **fixed},
        ("symbol", "side", "positionSide", "quantity", "newClientOrderId", *given),
        {"side": ("BUY", "SELL"), "positionSide": ("LONG", "SHORT")},
    )


def _weex_algo(kind: str, working: str) -> Request:
    return Request(
        "POST",
        "/capi/v3/algoOrder",
        "contractPrivatePostCapiV3AlgoOrder",
        {"type": kind, "reduceOnly": True},
        ("symbol", "side", "positionSide", "quantity", "clientAlgoId", "triggerPrice", working),
        {
            "side": ("BUY", "SELL"),
            "positionSide": ("LONG", "SHORT"),
            working: ("CONTRACT_PRICE", "MARK_PRICE"),
        },
    )


_WEEX: Final = {
    "market": _weex_order("MARKET"),
    "market reduce": _weex_order("MARKET", reduceOnly=True),
    "limit": _weex_order("LIMIT", "price", timeInForce="GTC"),
    "limit reduce": _weex_order("LIMIT", "price", timeInForce="GTC", reduceOnly=True),
    "post-only": _weex_order("LIMIT", "price", timeInForce="GTC", postOnly=True),
    "post-only reduce": _weex_order("LIMIT", "price", timeInForce="GTC", postOnly=True, reduceOnly=True),
    "stop": _weex_algo("STOP_MARKET", "SlWorkingType"),
    "target": _weex_algo("TAKE_PROFIT_MARKET", "TpWorkingType"),
    "cancel": Request("DELETE", "/capi/v3/order", "contractPrivateDeleteCapiV3Order", given=("orderId",)),
    "cancel trigger": Request(
        "DELETE", "/capi/v3/algoOrder", "contractPrivateDeleteCapiV3AlgoOrder", given=("orderId",)
    ),
    "margin mode": Request(
        "POST",
        "/capi/v3/account/marginType",
        "contractPrivatePostCapiV3AccountMarginType",
        {"separatedType": "COMBINED"},
        ("symbol", "marginType"),
        {"marginType": ("ISOLATED", "CROSSED")},
    ),
    "leverage": Request(
        "POST",
        "/capi/v3/account/leverage",
        "contractPrivatePostCapiV3AccountLeverage",
        {"marginType": "ISOLATED"},
        ("symbol", "isolatedLongLeverage", "isolatedShortLeverage"),
    ),
    "leverage cross": Request(
        "POST",
        "/capi/v3/account/leverage",
        "contractPrivatePostCapiV3AccountLeverage",
        {"marginType": "CROSSED"},
        ("symbol", "crossLeverage"),
    ),
}

ALLOWED: Final[dict[str, dict[str, Request]]] = {
    "binance": _BINANCE | READS["binance"],
    "bybit": _BYBIT | READS["bybit"],
    "bingx": _BINGX | READS["bingx"],
    "mexc": _MEXC | READS["mexc"],
    "weex": _WEEX | READS["weex"],
}
"""Venue and kind of request to what is sent."""
KINDS: Final = (
    "market",
    "market reduce",
    "limit",
    "limit reduce",
    "post-only",
    "post-only reduce",
    "stop",
    "target",
    "stop entry",
    "target entry",
)
"""Kinds of orders. ``stop`` and ``target`` only reduce; the entries may open."""


def allowed(venue: str, action: str, params: Params) -> Request:
    """The row of a request, if it is exactly as its row says.

    Raises
    ------
    InputError
        BROKER-120 the venue has no such request here; BROKER-121 a parameter that the row does not name, that
        is missing, or that is not what it may be.
    """
    rows = ALLOWED.get(venue, {})
    if action not in rows:
        known = ", ".join(name for name in rows if name in KINDS)
        raise InputError(
            "BROKER-120",
            f"{venue} has no request {shown(action)} on the allow-list",
            f"orders that may be sent: {known}" if known else f"venues: {', '.join(ALLOWED)}",
        )
    row = rows[action]
    strange = [name for name in params if name not in row.fixed and name not in row.given + row.optional]
    missing = [name for name in (*row.fixed, *row.given) if name not in params]
    wrong = [name for name, value in row.fixed.items() if not same(params.get(name), value)]
    wrong += [
        name
        for name, values in row.choices.items()
        if not any(same(params.get(name), value) for value in values)
    ]
    wrong += [name for name, value in params.items() if not plain(value)]
    if strange or missing or wrong:
        why = (("is not on the list", strange), ("is missing", missing), ("may not be that", wrong))
        told = "; ".join(f"{', '.join(dict.fromkeys(names))} {what}" for what, names in why if names)
        raise InputError(
            "BROKER-121",
            f"{venue} {action}: {told}",
            "the allow-list sends exactly what docs/venues.md names, and nothing else",
        )
    return row
