"""The WebSocket API: orders and questions in JSON, answered on the same connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from lotwise.exchange.binance import accounts, orders
from lotwise.exchange.binance.door import Door
from lotwise.exchange.binance.orders import as_text
from lotwise.exchange.binance.parameters import Parameters
from lotwise.exchange.binance.refusals import Refusal

READS: Final[dict[str, Callable[..., Any]]] = {
    "order.status": orders.query,
    "account.status": accounts.account_v2,
    "v2/account.status": accounts.account_v3,
    "account.balance": accounts.balance,
    "v2/account.balance": accounts.balance,
    "account.position": accounts.positions_v2,
    "v2/account.position": accounts.positions_v3,
}
WRITES: Final[dict[str, Callable[..., Any]]] = {
    "order.place": orders.place,
    "order.cancel": orders.cancel,
    "order.modify": orders.amend,
    "algoOrder.place": orders.place_algo,
    "algoOrder.cancel": orders.cancel_algo,
}


def answered(door: Door, text: str | bytes) -> dict[str, Any]:
    """The answer to one message of ``/ws-fapi/v1``."""
    number: Any = None
    try:
        message = msgspec.json.decode(text)
        if not isinstance(message, dict) or not isinstance(message.get("params", {}), dict):
            raise Refusal(-1100, "request")
        number, method = message.get("id"), str(message.get("method", ""))
        result = _called(door, method, message.get("params", {}))
        if door.faults.take("timeout", method) is not None:
            raise Refusal(-1007)
        return {"id": number, "status": 200, "result": result, "rateLimits": []}
    except (msgspec.DecodeError, UnicodeDecodeError):
        refusal = Refusal(-1100, "request")
    except Refusal as found:
        refusal = found
    return {"id": number, "status": refusal.status, "error": refusal.body, "rateLimits": []}


def _called(door: Door, method: str, params: dict[str, Any]) -> Any:
    if method == "ping":
        return {}
    if method == "time":
        return {"serverTime": door.now_ms}
    if method not in READS and method not in WRITES:
        raise Refusal(-1130, "method")
    if (refused := door.planned(method)) is not None:
        raise refused
    texts = {str(name): as_text(value) for name, value in params.items()}
    account = door.account(texts.pop("apiKey", ""))
    given = texts.pop("signature", "")
    if not given:
        raise Refusal(-1102, "signature")
    signed = {**texts, "apiKey": account.key}
    sent = Parameters(texts)
    stamp = sent.whole("timestamp", most=2**53)
    door.check(account, "&".join(f"{name}={signed[name]}" for name in sorted(signed)), given)
    door.check_time(stamp, sent.whole("recvWindow", 5_000, most=60_000))
    if method in READS:
        found = READS[method](door.venue, account, sent)
        door.strict(sent)
        return found
    return WRITES[method](door.venue, account, sent, door.strict)
