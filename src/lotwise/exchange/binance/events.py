"""Events of an account's private stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lotwise.exchange.account import Account
from lotwise.exchange.binance import figures, shapes, wallet
from lotwise.exchange.market import Market
from lotwise.exchange.records import Happening
from lotwise.kernel import exposure

WORDS: Final = {
    "placed": "NEW",
    "triggered": "NEW",
    "filled": "TRADE",
    "cancelled": "CANCELED",
    "expired": "EXPIRED",
    "amended": "AMENDMENT",
    "liquidated": "CALCULATED",
}
"""What happened, and the execution type."""
REASONS: Final = {
    "filled": "ORDER",
    "liquidated": "ORDER",
    "funding": "FUNDING_FEE",
    "transfer": "DEPOSIT",
    "margin": "MARGIN_TRANSFER",
    "mode": "MARGIN_TYPE_CHANGE",
    "deficit": "INSURANCE_CLEAR",
}
"""What happened, and why balances and positions are told."""


def events_of(account: Account, market: Market, found: list[Happening]) -> list[dict[str, Any]]:
    """All events of one step, in the order in which the venue sends them."""
    told: list[dict[str, Any]] = []
    reasons: dict[str, list[Happening]] = {}
    finished: list[dict[str, Any]] = []
    for one in found:
        if one.kind in REASONS:
            reasons.setdefault(REASONS[one.kind], []).append(one)
        if one.kind == "leverage":
            told.append(_config(account, market, one))
        elif one.kind == "called":
            told.append(_call(account, market, one))
        if one.order is None:
            continue
        conditional = shapes.is_conditional(one.order)
        if conditional and (one.kind in ("placed", "triggered") or not one.order.triggered_ns):
            told.append(_algo(account, market, one))
        if not conditional or one.order.triggered_ns:
            if one.fill is not None:
                told.append(_lite(account, market, one))
            told.append(_order(account, market, one))
        if conditional and one.order.triggered_ns and not one.order.is_live:
            finished.append(_algo(account, market, one))
    told += [_account(account, market, reason, those) for reason, those in reasons.items()]
    return told + finished


def _lite(account: Account, market: Market, one: Happening) -> dict[str, Any]:
    """TRADE_LITE: a fill in few words, before all that changed with it."""
    order, fill = one.order, one.fill
    assert order is not None
    assert fill is not None
    contract = market.contracts[order.contract]
    shape = shapes.order_shape(account, contract, order)
    stamp = figures.ms(one.time_ns)
    return {
        "e": "TRADE_LITE",
        "E": stamp,
        "T": stamp,
        "s": contract.symbol,
        "q": shape["origQty"],
        "p": shape["price"],
        "m": bool(fill.maker),
        "c": shape["clientOrderId"],
        "S": shape["side"],
        "L": figures.price(contract, fill.price_ticks),
        "l": figures.quantity(contract, fill.lots),
        "t": fill.id,
        "i": shape["orderId"],
    }


def _order(account: Account, market: Market, one: Happening) -> dict[str, Any]:
    """ORDER_TRADE_UPDATE."""
    order, fill = one.order, one.fill
    assert order is not None
    contract = market.contracts[order.contract]
    shape = shapes.order_shape(account, contract, order)
    stamp = figures.ms(one.time_ns)
    return {
        "e": "ORDER_TRADE_UPDATE",
        "T": stamp,
        "E": stamp,
        "o": {
            "s": contract.symbol,
            "c": shape["clientOrderId"],
            "S": shape["side"],
            "o": "LIQUIDATION" if order.liquidation else shape["type"],
            "f": shape["timeInForce"],
            "q": shape["origQty"],
            "p": shape["price"],
            "ap": shape["avgPrice"],
            "sp": shape["stopPrice"],
            "x": WORDS[one.kind],
            "X": _status(one, shape["status"]),
            "i": shape["orderId"],
            "l": figures.quantity(contract, fill.lots if fill else 0),
            "z": shape["executedQty"],
            "L": figures.price(contract, fill.price_ticks if fill else 0),
            "N": contract.settle,
            "n": figures.money(fill.fee_cash if fill else 0),
            "T": stamp,
            "t": fill.id if fill else 0,
            "b": "0",
            "a": "0",
            "m": bool(fill and fill.maker),
            "R": shape["reduceOnly"],
            "wt": shape["workingType"],
            "ot": shape["origType"],
            "ps": "BOTH",
            "cp": shape["closePosition"],
            "AP": figures.price(contract, order.activation_ticks),
            "cr": figures.plain(order.callback8 // 10**4, 2),
            "pP": False,
            "si": 0,
            "ss": 0,
            "rp": figures.money(fill.realised_cash if fill else 0),
            "V": "EXPIRE_MAKER",
            "pm": "NONE",
            "gtd": shape["goodTillDate"],
            "er": "0",
        },
    }


def _status(one: Happening, status: str) -> str:
    """A market order is placed and filled in one step: its first event tells of it as new."""
    return "NEW" if one.kind in ("placed", "triggered") else str(status)


def _algo(account: Account, market: Market, one: Happening) -> dict[str, Any]:
    """ALGO_UPDATE."""
    order = one.order
    assert order is not None
    shape = shapes.algo_shape(account, market.contracts[order.contract], order)
    stamp = figures.ms(one.time_ns)
    return {
        "e": "ALGO_UPDATE",
        "T": stamp,
        "E": stamp,
        "o": {
            "caid": shape["clientAlgoId"],
            "aid": shape["algoId"],
            "at": "CONDITIONAL",
            "o": shape["orderType"],
            "s": shape["symbol"],
            "S": shape["side"],
            "ps": "BOTH",
            "f": shape["timeInForce"],
            "q": shape["quantity"],
            "X": "TRIGGERED" if one.kind == "triggered" else shape["algoStatus"],
            "ai": shape["actualOrderId"],
            "ap": shape["actualPrice"],
            "aq": shape["actualQty"],
            "act": shape["actualType"] or "0",
            "tp": shape["triggerPrice"],
            "p": shape["price"],
            "V": "EXPIRE_MAKER",
            "wt": shape["workingType"],
            "pm": "NONE",
            "cp": shape["closePosition"],
            "pP": False,
            "R": shape["reduceOnly"],
            "tt": shape["triggerTime"],
            "gtd": shape["goodTillDate"],
            "rm": str(order.reason) if order.reason else "",
        },
    }


def _account(account: Account, market: Market, reason: str, those: Iterable[Happening]) -> dict[str, Any]:
    """ACCOUNT_UPDATE: the balance, and the positions that were touched."""
    those = list(those)
    stamp = figures.ms(those[0].time_ns)
    told = wallet.totals(account.state)
    moved = sum(one.cash for one in those if one.kind not in ("margin", "mode"))
    touched = sorted({one.contract for one in those if one.contract >= 0})
    return {
        "e": "ACCOUNT_UPDATE",
        "T": stamp,
        "E": stamp,
        "a": {
            "m": reason,
            "B": [
                {
                    "a": "USDT",
                    "wb": figures.money(told["wallet"]),
                    "cw": figures.money(told["cross"]),
                    "bc": figures.money(moved),
                }
            ],
            "P": [_position(account, market, number) for number in touched],
        },
    }


def _position(account: Account, market: Market, number: int) -> dict[str, Any]:
    risk = wallet.position_risk(account, market, number, 2)
    return {
        "s": risk["symbol"],
        "pa": risk["positionAmt"],
        "ep": risk["entryPrice"],
        "bep": risk["breakEvenPrice"],
        "cr": figures.money(account.diary.realised_cash[number]),
        "up": risk["unRealizedProfit"],
        "mt": risk["marginType"],
        "iw": risk["isolatedWallet"],
        "ps": "BOTH",
    }


def _config(account: Account, market: Market, one: Happening) -> dict[str, Any]:
    """ACCOUNT_CONFIG_UPDATE."""
    stamp = figures.ms(one.time_ns)
    leverage = account.state.markets[one.contract].leverage100 // 100
    symbol = market.contracts[one.contract].symbol
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": stamp, "T": stamp, "ac": {"s": symbol, "l": leverage}}


def _call(account: Account, market: Market, one: Happening) -> dict[str, Any]:
    """MARGIN_CALL: of one isolated position, or of all cross positions."""
    state = account.state
    every = range(len(state.markets))
    crossed = [c for c in every if state.markets[c].lots and not state.markets[c].is_isolated]
    rows = []
    for c in [one.contract] if one.contract >= 0 else crossed:
        risk = wallet.position_risk(account, market, c, 2)
        rows.append(
            {
                "s": risk["symbol"],
                "ps": "BOTH",
                "pa": risk["positionAmt"],
                "mt": "ISOLATED" if state.markets[c].is_isolated else "CROSSED",
                "iw": risk["isolatedWallet"],
                "mp": risk["markPrice"],
                "up": risk["unRealizedProfit"],
                "mm": figures.money(exposure.maintenance(state, c)),
            }
        )
    cash = figures.money(state.account[0].cross_cash)
    return {"e": "MARGIN_CALL", "E": figures.ms(one.time_ns), "cw": cash, "p": rows}


def liquidation_event(account: Account, market: Market, one: Happening) -> dict[str, Any]:
    """``forceOrder`` of the public stream."""
    order = one.order
    assert order is not None
    shape = shapes.order_shape(account, market.contracts[order.contract], order)
    stamp = figures.ms(one.time_ns)
    return {
        "e": "forceOrder",
        "E": stamp,
        "o": {
            "s": shape["symbol"],
            "S": shape["side"],
            "o": "LIMIT",
            "f": "IOC",
            "q": shape["origQty"],
            "p": shape["price"],
            "ap": shape["avgPrice"],
            "X": "FILLED",
            "l": shape["executedQty"],
            "z": shape["executedQty"],
            "T": stamp,
        },
    }
