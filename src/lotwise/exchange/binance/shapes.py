"""Orders, fills and incomes as the venue writes them."""

from __future__ import annotations

from typing import Any, Final

from lotwise.contracts.contract import Contract
from lotwise.exchange.account import Account
from lotwise.exchange.binance import figures
from lotwise.exchange.records import CANCELLED, EXPIRED, FILLED, WAITING, Fill, Income, Order
from lotwise.kernel.slots import slot_of
from lotwise.kernel.state import (
    FOK,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    STOP_LIMIT,
    STOP_MARKET,
    TAKE_LIMIT,
    TAKE_MARKET,
    TRAILING,
)

TYPES: Final = {
    LIMIT: "LIMIT",
    MARKET: "MARKET",
    STOP_LIMIT: "STOP",
    STOP_MARKET: "STOP_MARKET",
    TAKE_LIMIT: "TAKE_PROFIT",
    TAKE_MARKET: "TAKE_PROFIT_MARKET",
    TRAILING: "TRAILING_STOP_MARKET",
}
KINDS: Final = {name: kind for kind, name in TYPES.items()}
TIMES: Final = {GTC: "GTC", IOC: "IOC", FOK: "FOK", GTD: "GTD"}
ACCOUNT_IDS: Final = 10**9
"""Order ids of an account begin at its number times this: no two orders of the venue share one."""
ALGO_IDS: Final = 4 * 10**15
"""Ids of conditional orders lie above; all stay below 2 ** 53."""
INCOMES: Final = {
    "fee": "COMMISSION",
    "realised": "REALIZED_PNL",
    "funding": "FUNDING_FEE",
    "transfer": "TRANSFER",
    "insurance": "INSURANCE_CLEAR",
}


def order_id(account: Account, order: Order | int) -> int:
    """The venue's id of an order; of liquidations above all others of the account."""
    number = order if isinstance(order, int) else order.id
    return account.number * ACCOUNT_IDS + (number if number > 0 else 900_000_000 - number)


def kernel_id(account: Account, number: int) -> int:
    """The kernel's id of a venue's id, 0 where it is another account's."""
    found = number - account.number * ACCOUNT_IDS
    if not 0 < found < ACCOUNT_IDS:
        return 0
    return found if found <= 900_000_000 else 900_000_000 - found


def is_conditional(order: Order) -> bool:
    """Whether it was placed at the algo service."""
    return order.kind not in (LIMIT, MARKET)


def placed_type(order: Order) -> str:
    """What the order in the book is: a triggered conditional order is a limit or a market order."""
    if is_conditional(order):
        return "LIMIT" if order.kind in (STOP_LIMIT, TAKE_LIMIT) else "MARKET"
    return TYPES[order.kind]


def status(order: Order) -> str:
    """Of the order in the book."""
    if order.status == FILLED:
        return "FILLED"
    if order.status == CANCELLED:
        return "CANCELED"
    if order.status == EXPIRED:
        return "EXPIRED"
    return "PARTIALLY_FILLED" if order.filled_lots else "NEW"


def side(number: int) -> str:
    """BUY or SELL."""
    return "BUY" if number > 0 else "SELL"


def time_in_force(order: Order) -> str:
    """GTX is the venue's word for post-only; a market order is told as GTC."""
    return "GTX" if order.post_only else "GTC" if order.kind == MARKET else TIMES[order.tif]


def client_id(account: Account, order: Order) -> str:
    """As it was given, else one made of the id."""
    return order.client_id or f"lotwise-{order_id(account, order)}"


def order_shape(account: Account, contract: Contract, order: Order) -> dict[str, Any]:
    """An order of ``/fapi/v1/order``."""
    triggered = is_conditional(order)
    lots = order.lots or order.filled_lots
    trigger = order.trigger_ticks if triggered else 0
    return {
        "orderId": order_id(account, order),
        "symbol": contract.symbol,
        "status": status(order),
        "clientOrderId": client_id(account, order),
        "price": figures.price(contract, order.price_ticks),
        "avgPrice": figures.average(contract, order.filled_cash, order.filled_lots),
        "origQty": figures.quantity(contract, lots),
        "executedQty": figures.quantity(contract, order.filled_lots),
        "cumQty": figures.quantity(contract, order.filled_lots),
        "cumQuote": figures.money(order.filled_cash),
        "timeInForce": time_in_force(order),
        "type": placed_type(order),
        "reduceOnly": bool(order.reduce_only),
        "closePosition": bool(order.close_position),
        "side": side(order.side),
        "positionSide": "BOTH",
        "stopPrice": figures.price(contract, trigger),
        "workingType": "MARK_PRICE" if order.by_mark else "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": TYPES[order.kind],
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": figures.ms(order.expires_ns),
        "time": figures.ms(order.triggered_ns or order.placed_ns),
        "updateTime": figures.ms(order.changed_ns),
    }


def algo_status(order: Order) -> str:
    """Of the conditional order: NEW until triggered, then until its order in the book is done TRIGGERED."""
    if order.triggered_ns:
        return "TRIGGERED" if order.is_live else "FINISHED"
    if order.status == WAITING:
        return "NEW"
    return "CANCELED" if order.status == CANCELLED else "EXPIRED"


def algo_shape(account: Account, contract: Contract, order: Order) -> dict[str, Any]:
    """An order of the algo service; a trailing one with the trigger it has now."""
    slot = slot_of(account.state, order.id)
    trigger = account.state.orders[slot].trigger_ticks if slot >= 0 else order.trigger_ticks
    made = order.triggered_ns > 0
    trailing = order.kind == TRAILING
    return {
        "algoId": ALGO_IDS + order_id(account, order),
        "clientAlgoId": client_id(account, order),
        "algoType": "CONDITIONAL",
        "orderType": TYPES[order.kind],
        "symbol": contract.symbol,
        "side": side(order.side),
        "positionSide": "BOTH",
        "timeInForce": time_in_force(order),
        "quantity": figures.quantity(contract, order.lots),
        "algoStatus": algo_status(order),
        "triggerPrice": figures.price(contract, trigger),
        "price": figures.price(contract, order.price_ticks),
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": "MARK_PRICE" if order.by_mark else "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": bool(order.close_position),
        "priceProtect": False,
        "reduceOnly": bool(order.reduce_only),
        "activatePrice": figures.price(contract, order.activation_ticks) if trailing else "",
        "callbackRate": figures.plain(order.callback8 // 10**4, 2) if trailing else "",
        "createTime": figures.ms(order.placed_ns),
        "updateTime": figures.ms(order.changed_ns),
        "triggerTime": figures.ms(order.triggered_ns),
        "goodTillDate": figures.ms(order.expires_ns),
        "actualOrderId": str(order_id(account, order)) if made else "",
        "actualPrice": figures.average(contract, order.filled_cash, order.filled_lots),
        "actualQty": figures.quantity(contract, order.filled_lots),
        "actualType": placed_type(order) if made else "",
    }


def fill_shape(account: Account, contract: Contract, fill: Fill) -> dict[str, Any]:
    """A row of ``userTrades``."""
    scales = contract.scales
    return {
        "symbol": contract.symbol,
        "id": fill.id,
        "orderId": order_id(account, fill.order_id),
        "side": side(fill.side),
        "price": figures.price(contract, fill.price_ticks),
        "qty": figures.quantity(contract, fill.lots),
        "realizedPnl": figures.money(fill.realised_cash),
        "quoteQty": figures.money(fill.price_ticks * fill.lots * scales.cash_per_tick_lot),
        "commission": figures.money(fill.fee_cash),
        "commissionAsset": contract.settle,
        "time": figures.ms(fill.time_ns),
        "positionSide": "BOTH",
        "buyer": fill.side > 0,
        "maker": bool(fill.maker),
    }


def income_shape(symbol: str, income: Income) -> dict[str, Any]:
    """A row of ``income``."""
    return {
        "symbol": symbol,
        "incomeType": INCOMES[income.kind],
        "income": figures.money(income.cash),
        "asset": "USDT",
        "info": INCOMES[income.kind],
        "time": figures.ms(income.time_ns),
        "tranId": income.id,
        "tradeId": str(income.fill_id) if income.fill_id else "",
    }
