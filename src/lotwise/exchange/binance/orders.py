"""Orders over REST and WebSocket: what a client sends becomes a kernel command, its answer the venue's."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from lotwise.exchange.account import Account
from lotwise.exchange.binance.parameters import Parameters
from lotwise.exchange.binance.quotes import contract_of, span
from lotwise.exchange.binance.refusals import Refusal, refusal_of
from lotwise.exchange.binance.shapes import (
    ALGO_IDS,
    KINDS,
    algo_shape,
    is_conditional,
    kernel_id,
    order_shape,
)
from lotwise.exchange.records import WAITING, Order
from lotwise.exchange.venue import Venue
from lotwise.kernel import machine
from lotwise.kernel.state import (
    AMEND,
    CANCEL,
    FOK,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    PLACE,
    STOP_LIMIT,
    TAKE_LIMIT,
    TRAILING,
    EventRow,
)
from lotwise.units import scaled_text

TIMES: Final = {"GTC": GTC, "IOC": IOC, "FOK": FOK, "GTX": GTC, "GTD": GTD}
CLIENT_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
PREVENTIONS: Final = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
MOST_BATCH: Final = 5
PERCENT8: Final = 10**6
"""1 % in 1e-8."""
LEAST_CALLBACK8: Final = PERCENT8 // 10
MOST_CALLBACK8: Final = 20 * PERCENT8
LEAST_GTD_NS: Final = 600 * 10**9
"""A good-till-date is at least so far ahead. Source: Binance USD-M, new order, goodTillDate."""


def client_id_of(account: Account, sent: Parameters, name: str) -> str:
    """The client's id: -4015 malformed, -4116 of a live order already."""
    given = sent.text(name)
    if given and not CLIENT_ID.fullmatch(given):
        raise Refusal(-4015)
    if given in account.clients:
        raise Refusal(-4116)
    return given


def _side(sent: Parameters) -> int:
    side = sent.needed("side").upper()
    if side not in ("BUY", "SELL"):
        raise Refusal(-1117)
    return 1 if side == "BUY" else -1


def _time(venue: Venue, event: EventRow, sent: Parameters, default: str = "") -> None:
    """Time in force, and the end of a GTD order at whole seconds of the market's time."""
    told = (sent.text("timeInForce", default=default) or "").upper()
    if not told:
        raise Refusal(-1102, "timeInForce")
    if told not in TIMES:
        raise Refusal(-1115)
    event.tif, event.post_only = TIMES[told], int(told == "GTX")
    if event.tif == GTD:
        event.expires_ns = sent.whole("goodTillDate", most=2**62 // 10**6) // 1_000 * 10**9
        if event.expires_ns < venue.market.now_ns + LEAST_GTD_NS:
            raise Refusal(-1102, "goodTillDate")
    else:
        sent.ignore("goodTillDate")


def _common(sent: Parameters, event: EventRow) -> None:
    sent.one_way()
    event.reduce_only = int(sent.flag("reduceOnly"))
    if sent.text("selfTradePreventionMode", default="NONE") not in PREVENTIONS:
        raise Refusal(-1130, "selfTradePreventionMode")
    if sent.text("priceMatch", default="NONE") != "NONE":
        raise Refusal(-1130, "priceMatch")
    sent.ignore("newOrderRespType")


def read_order(venue: Venue, account: Account, sent: Parameters) -> tuple[EventRow, str]:
    """A LIMIT or MARKET order as the kernel's command, and its client id."""
    number, contract = contract_of(venue, sent)
    event = EventRow(kind=PLACE, contract=number, side=_side(sent))
    kind = sent.needed("type").upper()
    if kind not in KINDS:
        raise Refusal(-1116)
    event.order_kind = KINDS[kind]
    if event.order_kind not in (LIMIT, MARKET):
        raise Refusal(-4120)
    _common(sent, event)
    if event.order_kind == LIMIT:
        _time(venue, event, sent)
        event.price_ticks = sent.ticks("price", contract)
    else:
        for name in ("price", "timeInForce"):
            if name in sent:
                raise Refusal(-1106, name)
        sent.ignore("timeInForce", "price")
        event.tif = IOC
    event.lots = sent.lots("quantity", contract)
    return event, client_id_of(account, sent, "newClientOrderId")


def read_algo(venue: Venue, account: Account, sent: Parameters) -> tuple[EventRow, str]:
    """A conditional order as the kernel's command, and its client id."""
    if sent.needed("algoType").upper() != "CONDITIONAL":
        raise Refusal(-1130, "algoType")
    number, contract = contract_of(venue, sent)
    event = EventRow(kind=PLACE, contract=number, side=_side(sent))
    kind = sent.needed("type").upper()
    if kind not in KINDS or KINDS[kind] in (LIMIT, MARKET):
        raise Refusal(-1116)
    event.order_kind = KINDS[kind]
    _common(sent, event)
    working = sent.text("workingType", default="CONTRACT_PRICE")
    if working not in ("CONTRACT_PRICE", "MARK_PRICE"):
        raise Refusal(-1130, "workingType")
    event.by_mark = int(working == "MARK_PRICE")
    sent.flag("priceProtect")
    event.close_position = int(sent.flag("closePosition"))
    _time(venue, event, sent, default="GTC")
    if event.close_position:
        if event.reduce_only:
            raise Refusal(-4138)
        event.lots = sent.lots("quantity", contract) if "quantity" in sent else 0
    else:
        event.lots = sent.lots("quantity", contract)
    if event.order_kind == TRAILING:
        event.callback8 = sent.scaled("callbackRate", 2) * (PERCENT8 // 100)
        if not LEAST_CALLBACK8 <= event.callback8 <= MOST_CALLBACK8:
            raise Refusal(-2007)
        name = "activatePrice" if "activatePrice" in sent else "activationPrice"
        event.activation_ticks = sent.ticks(name, contract) if name in sent else 0
        sent.ignore("activatePrice", "activationPrice")
    else:
        event.trigger_ticks = sent.ticks("triggerPrice", contract)
    if event.order_kind in (STOP_LIMIT, TAKE_LIMIT):
        event.price_ticks = sent.ticks("price", contract)
    elif "price" in sent:
        raise Refusal(-1106, "price")
    return event, client_id_of(account, sent, "clientAlgoId")


Strict = Callable[[Parameters], None]
"""Refuses what nobody read, in strict mode; called before anything is done."""


def about(venue: Venue, event: EventRow) -> str:
    """What a refusal is about: the least notional, the leverage."""
    if event.kind in (PLACE, AMEND):
        return scaled_text(venue.market.rows[event.contract].min_notional_cash)
    return str(event.leverage100 // 100)


def placed(venue: Venue, account: Account, event: EventRow, client_id: str) -> Order:
    """Do the command; the order as it stands after it."""
    code, happenings = venue.act(account, event, client_id)
    if code:
        raise refusal_of(code, about(venue, event))
    made = happenings[0].order
    assert made is not None
    return account.diary.orders[made.id]


def place(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """POST /fapi/v1/order."""
    event, client_id = read_order(venue, account, sent)
    strict(sent)
    order = placed(venue, account, event, client_id)
    return order_shape(account, venue.market.contracts[order.contract], order)


def place_test(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """POST /fapi/v1/order/test: all checks, and nothing is done."""
    event, _ = read_order(venue, account, sent)
    strict(sent)
    event.time_ns = venue.market.now_ns
    if code := machine.answer_to(account.state, [event]):
        raise refusal_of(code, about(venue, event))
    return {}


def place_algo(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """POST /fapi/v1/algoOrder."""
    event, client_id = read_algo(venue, account, sent)
    strict(sent)
    order = placed(venue, account, event, client_id)
    return algo_shape(account, venue.market.contracts[order.contract], order)


def each_of(texts: Sequence[Any], one: Callable[[Any], Any]) -> list[Any]:
    """Each order of a batch alone: a refusal of one is its row, the others go on."""
    found = []
    for given in texts:
        try:
            found.append(one(given))
        except Refusal as refusal:
            found.append(refusal.body)
    return found


def place_batch(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """POST /fapi/v1/batchOrders: up to five, one after the other."""
    rows = _json_list(sent, "batchOrders")
    strict(sent)

    def one(row: Any) -> Any:
        if not isinstance(row, dict):
            raise Refusal(-1130, "batchOrders")
        texts = {str(name): as_text(value) for name, value in row.items()}
        return place(venue, account, Parameters(texts), strict)

    return each_of(rows, one)


def as_text(value: Any) -> str:
    """A value of JSON as a client would write it into a form."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json_list(sent: Parameters, *names: str) -> list[Any]:
    try:
        rows = msgspec.json.decode(sent.needed(*names).encode())
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Refusal(-1130, names[0]) from error
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_BATCH * 2:
        raise Refusal(-4082)
    if names[0] == "batchOrders" and len(rows) > MOST_BATCH:
        raise Refusal(-4082)
    return rows


def found_order(venue: Venue, account: Account, sent: Parameters, missing: int) -> Order:
    """An order of the book by its id or the client's; ``missing`` is the code where there is none."""
    number, _ = contract_of(venue, sent)
    client = sent.text("origClientOrderId")
    if "orderId" not in sent and not client:
        raise Refusal(-1102, "orderId")
    wanted = sent.whole("orderId", 0)
    order = account.diary.orders.get(kernel_id(account, wanted)) if wanted else _by_client(account, client)
    if order is None or order.contract != number or (is_conditional(order) and not order.triggered_ns):
        raise Refusal(missing)
    return order


def _by_client(account: Account, client: str) -> Order | None:
    """The live order of a client's id, else the newest that had it."""
    if client in account.clients:
        return account.diary.orders[account.clients[client]]
    for order in reversed(account.diary.orders.values()):
        if order.client_id == client:
            return order
    if client.startswith("lotwise-") and client[8:].isascii() and client[8:].isdigit():
        return account.diary.orders.get(kernel_id(account, int(client[8:30])))
    return None


def found_algo(account: Account, sent: Parameters, missing: int) -> Order:
    """A conditional order by its id or the client's."""
    client = sent.text("clientAlgoId")
    if "algoId" not in sent and not client:
        raise Refusal(-1102, "algoId")
    wanted = sent.whole("algoId", 0) - ALGO_IDS
    order = (
        account.diary.orders.get(kernel_id(account, wanted))
        if not client or wanted > 0
        else _by_client(account, client)
    )
    sent.ignore("symbol")
    if order is None or not is_conditional(order):
        raise Refusal(missing)
    return order


def query(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/order."""
    order = found_order(venue, account, sent, missing=-2013)
    return order_shape(account, venue.market.contracts[order.contract], order)


def query_open(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/openOrder."""
    order = found_order(venue, account, sent, missing=-2013)
    if not order.is_live:
        raise Refusal(-2013)
    return order_shape(account, venue.market.contracts[order.contract], order)


def query_algo(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/algoOrder."""
    order = found_algo(account, sent, missing=-2013)
    return algo_shape(account, venue.market.contracts[order.contract], order)


def _cancelled(venue: Venue, account: Account, order: Order) -> None:
    if not order.is_live:
        raise Refusal(-2011)
    code, _ = venue.act(account, EventRow(kind=CANCEL, order_id=order.id))
    if code:
        raise refusal_of(code)


def cancel(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """DELETE /fapi/v1/order."""
    order = found_order(venue, account, sent, missing=-2011)
    strict(sent)
    _cancelled(venue, account, order)
    return order_shape(account, venue.market.contracts[order.contract], order)


def cancel_batch(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """DELETE /fapi/v1/batchOrders."""
    symbol = sent.needed("symbol")
    contract_of(venue, sent)
    by_id = bool(sent.text("orderIdList", "orderidlist"))
    names = ("orderIdList", "orderidlist") if by_id else ("origClientOrderIdList", "origclientorderidlist")
    rows = _json_list(sent, *names)
    strict(sent)
    key = "orderId" if by_id else "origClientOrderId"
    return each_of(
        rows, lambda row: cancel(venue, account, Parameters({"symbol": symbol, key: str(row)}), strict)
    )


def cancel_algo(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """DELETE /fapi/v1/algoOrder."""
    order = found_algo(account, sent, missing=-2011)
    strict(sent)
    if order.status != WAITING:
        raise Refusal(-2011)
    _cancelled(venue, account, order)
    shape = algo_shape(account, venue.market.contracts[order.contract], order)
    told = {"algoId": shape["algoId"], "clientAlgoId": shape["clientAlgoId"]}
    return {**told, "code": "200", "msg": "success"}


def _cancel_each(venue: Venue, account: Account, number: int, *, waiting: bool) -> None:
    for order in list(account.diary.orders.values()):
        if order.is_live and order.contract == number and (order.status == WAITING) == waiting:
            _cancelled(venue, account, order)


def cancel_all(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """DELETE /fapi/v1/allOpenOrders: those in the book; conditional orders stay."""
    number, _ = contract_of(venue, sent)
    strict(sent)
    _cancel_each(venue, account, number, waiting=False)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def cancel_all_algos(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """DELETE /fapi/v1/algoOpenOrders: conditional orders that wait."""
    number, _ = contract_of(venue, sent)
    strict(sent)
    _cancel_each(venue, account, number, waiting=True)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def amend(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """PUT /fapi/v1/order: a limit order's price and quantity; it goes to the back of the queue."""
    order = found_order(venue, account, sent, missing=-2013)
    contract = venue.market.contracts[order.contract]
    if _side(sent) != order.side:
        raise Refusal(-1117)
    sent.ignore("priceMatch", "origClientOrderId", "timeInForce", "type", "positionSide")
    event = EventRow(kind=AMEND, contract=order.contract, order_id=order.id)
    event.price_ticks, event.lots = sent.ticks("price", contract), sent.lots("quantity", contract)
    strict(sent)
    code, _ = venue.act(account, event)
    if code:
        raise refusal_of(code, about(venue, event))
    return order_shape(account, contract, order)


def _listed(venue: Venue, account: Account, sent: Parameters) -> list[Order]:
    """Orders of a contract, or of all."""
    wanted = contract_of(venue, sent)[0] if "symbol" in sent else -1
    sent.ignore("symbol", "pair")
    orders = account.diary.orders.values()
    return [order for order in orders if wanted < 0 or order.contract == wanted]


def open_orders(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/openOrders."""
    contracts = venue.market.contracts
    return [
        order_shape(account, contracts[order.contract], order)
        for order in _listed(venue, account, sent)
        if order.is_live and order.status != WAITING
    ]


def open_algos(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/openAlgoOrders."""
    sent.ignore("algoType", "algoId")
    contracts = venue.market.contracts
    return [
        algo_shape(account, contracts[order.contract], order)
        for order in _listed(venue, account, sent)
        if order.status == WAITING
    ]


def _history(sent: Parameters, orders: Sequence[Order], first_id: int) -> list[Order]:
    (first, last), limit = span(sent), sent.limit(500)
    found = [one for one in orders if first <= one.placed_ns <= last and one.id >= first_id]
    return found[:limit] if first_id > 0 else found[-limit:]


def all_orders(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/allOrders: those that are, or were, in the book."""
    _, contract = contract_of(venue, sent)
    orders = [one for one in _listed(venue, account, sent) if one.triggered_ns or not is_conditional(one)]
    first_id = kernel_id(account, sent.whole("orderId", 0)) if "orderId" in sent else -(2**62)
    return [order_shape(account, contract, order) for order in _history(sent, orders, first_id)]


def all_algos(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/allAlgoOrders."""
    _, contract = contract_of(venue, sent)
    orders = [one for one in _listed(venue, account, sent) if is_conditional(one)]
    first_id = kernel_id(account, sent.whole("algoId", 0) - ALGO_IDS) if "algoId" in sent else -(2**62)
    return [algo_shape(account, contract, order) for order in _history(sent, orders, first_id)]


def force_orders(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/forceOrders: liquidations of the account."""
    sent.ignore("autoCloseType")
    orders = [one for one in _listed(venue, account, sent) if one.liquidation]
    contracts = venue.market.contracts
    (first, last), limit = span(sent), sent.limit(50)
    chosen = [one for one in orders if first <= one.placed_ns <= last][-limit:]
    return [order_shape(account, contracts[order.contract], order) for order in chosen]
