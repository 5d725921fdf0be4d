"""The door: signatures, time, refusals and their order, faults; what came in is what the kernel was told."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lotwise.clock import FixedClock
from lotwise.exchange.admin import Admin
from lotwise.exchange.binance.calls import answered
from lotwise.exchange.binance.door import ROUTES, Door, Request
from lotwise.exchange.binance.figures import average, money, plain, quantity
from lotwise.exchange.binance.hub import Hub, Session
from lotwise.exchange.binance.refusals import STATUSES, WORDS, refusal_of
from lotwise.exchange.faults import Fault, Faults
from lotwise.exchange.market import MarketChoice
from lotwise.exchange.venue import Venue
from lotwise.kernel import answers
from lotwise.kernel import state as k
from lotwise.units import Cash

NOW_MS = 1_795_000_000_000
KEY, SECRET = "k" * 64, "s" * 64
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}


def made(*, strict: bool = False) -> Door:
    """A door with one funded account."""
    venue = Venue(MarketChoice(days=1, history_ns=3_600 * 10**9, detail=2))
    venue.open_account("me", Cash(1_000 * 10**8), KEY, SECRET)
    return Door(venue, FixedClock(NOW_MS * 10**6), Faults(), strict=strict)


@pytest.fixture(scope="module")
def door() -> Door:
    return made()


def signed(params: dict[str, Any], secret: str = SECRET) -> str:
    """A query with its signature."""
    text = urlencode({"timestamp": NOW_MS, **params})
    return f"{text}&signature=" + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def sent(
    door: Door, method: str, path: str, query: str = "", body: str = "", key: str = KEY
) -> tuple[int, Any]:
    """Status and body."""
    answer = door.answer(Request(method, path, query, body, key))
    return answer.status, json.loads(answer.body)


def hash_of(door: Door) -> str:
    return door.venue.hashes()["me"]


@pytest.mark.parametrize(
    ("query", "key", "expected"),
    [
        ("", "", (401, -2014)),
        ("", "short", (401, -2014)),
        ("", "z" * 64, (401, -2015)),
        (urlencode({**ORDER, "timestamp": NOW_MS}), KEY, (400, -1102)),
        (signed(ORDER, "t" * 64), KEY, (400, -1022)),
        (signed({**ORDER, "timestamp": NOW_MS - 5_001}), KEY, (400, -1021)),
        (signed({**ORDER, "timestamp": NOW_MS + 1_000}), KEY, (400, -1021)),
        (signed({**ORDER, "recvWindow": 60_001}), KEY, (400, -1130)),
        (signed({**ORDER, "timestamp": "soon"}), KEY, (400, -1100)),
        (signed({**ORDER, "timestamp": NOW_MS - 9_000}, "t" * 64), KEY, (400, -1022)),  # before the time
        (signed(ORDER) + "&side=BUY", KEY, (400, -1101)),
        (signed(ORDER).replace("0.002", "0.003"), KEY, (400, -1022)),
    ],
)
def test_who_may_not_come_in_changes_nothing(door: Door, query: str, key: str, expected: Any) -> None:
    before = hash_of(door)
    status, told = sent(door, "POST", "/fapi/v1/order", query, key=key)
    assert (status, told["code"]) == expected
    assert hash_of(door) == before


def test_a_signature_is_over_query_and_body_as_they_were_sent() -> None:
    door = made()
    query, body = "symbol=BTCUSDT&side=BUY", f"type=MARKET&quantity=0.002&timestamp={NOW_MS}"
    mark = hmac.new(SECRET.encode(), (query + body).encode(), hashlib.sha256).hexdigest()
    assert sent(door, "POST", "/fapi/v1/order", query, f"{body}&signature={mark}")[0] == 200
    escaped = "symbol=BTCUSDT&orderidlist=%5B1%2C2%5D&timestamp=" + str(NOW_MS)
    mark = hmac.new(SECRET.encode(), escaped.encode(), hashlib.sha256).hexdigest()
    status, told = sent(door, "DELETE", "/fapi/v1/batchOrders", f"{escaped}&signature={mark}")
    assert (status, [row["code"] for row in told]) == (200, [-2011, -2011])


LIMIT = {**ORDER, "type": "LIMIT", "price": "94000", "timeInForce": "GTC"}
ALGO = {**ORDER, "algoType": "CONDITIONAL", "type": "STOP_MARKET", "side": "SELL", "triggerPrice": "90000"}
TABLE: list[tuple[str, dict[str, Any], dict[str, Any], int]] = [
    ("order", ORDER, {"symbol": "NOPE"}, -1121),
    ("order", ORDER, {"symbol": ""}, -1102),
    ("order", ORDER, {"side": "HOLD"}, -1117),
    ("order", ORDER, {"type": "ICEBERG"}, -1116),
    ("order", ORDER, {"type": "STOP_MARKET"}, -4120),
    ("order", ORDER, {"quantity": "0.0021"}, -1111),
    ("order", ORDER, {"quantity": ""}, -1102),
    ("order", ORDER, {"quantity": "lots"}, -1102),
    ("order", ORDER, {"quantity": "1e-3"}, -1102),
    ("order", ORDER, {"quantity": "0"}, -4003),
    ("order", ORDER, {"quantity": "-1"}, -4003),
    ("order", ORDER, {"quantity": "999999"}, -4005),
    ("order", ORDER, {"quantity": "0.001"}, -4164),
    ("order", ORDER, {"quantity": "50"}, -2019),
    ("order", ORDER, {"price": "94000"}, -1106),
    ("order", ORDER, {"reduceOnly": "true"}, -2022),
    ("order", ORDER, {"reduceOnly": "perhaps"}, -1130),
    ("order", ORDER, {"positionSide": "SHORT"}, -4061),
    ("order", ORDER, {"newClientOrderId": "a b"}, -4015),
    ("order", ORDER, {"newClientOrderId": "x" * 37}, -4015),
    ("order", ORDER, {"priceMatch": "QUEUE"}, -1130),
    ("order", ORDER, {"selfTradePreventionMode": "NEVER"}, -1130),
    ("order", LIMIT, {"timeInForce": ""}, -1102),
    ("order", LIMIT, {"timeInForce": "DAY"}, -1115),
    ("order", LIMIT, {"timeInForce": "GTD", "goodTillDate": "1"}, -1102),
    ("order", LIMIT, {"price": "94000.05"}, -1111),
    ("order", LIMIT, {"price": "0"}, -4001),
    ("order", LIMIT, {"price": "120000"}, -4016),
    ("order", LIMIT, {"side": "SELL", "price": "80000"}, -4024),
    ("order", LIMIT, {"price": "96000", "timeInForce": "GTX"}, -5022),
    ("order", LIMIT, {"price": "93000", "timeInForce": "FOK"}, -5021),
    ("algoOrder", ALGO, {"algoType": "VP"}, -1130),
    ("algoOrder", ALGO, {"type": "LIMIT"}, -1116),
    ("algoOrder", ALGO, {"triggerPrice": "99000"}, -2021),
    ("algoOrder", ALGO, {"triggerPrice": "0"}, -4006),
    ("algoOrder", ALGO, {"workingType": "INDEX"}, -1130),
    ("algoOrder", ALGO, {"price": "90000"}, -1106),
    ("algoOrder", ALGO, {"closePosition": "true"}, -4137),
    ("algoOrder", ALGO, {"closePosition": "true", "quantity": "", "reduceOnly": "true"}, -4138),
    ("algoOrder", ALGO, {"type": "TRAILING_STOP_MARKET", "callbackRate": "21"}, -2007),
    (
        "algoOrder",
        ALGO,
        {"type": "TRAILING_STOP_MARKET", "callbackRate": "1", "activatePrice": "90000"},
        -2021,
    ),
    ("leverage", {"symbol": "BTCUSDT"}, {"leverage": "151"}, -4028),
    ("leverage", {"symbol": "BTCUSDT"}, {"leverage": "0"}, -4028),
    ("marginType", {"symbol": "BTCUSDT"}, {"marginType": "CROSSED"}, -4046),
    ("marginType", {"symbol": "BTCUSDT"}, {"marginType": "BOTH"}, -1130),
    ("positionMargin", {"symbol": "BTCUSDT", "type": "1"}, {"amount": "1"}, -4049),
    ("positionMargin", {"symbol": "BTCUSDT", "type": "1"}, {"amount": "0"}, -4055),
    ("positionSide/dual", {}, {"dualSidePosition": "true"}, -1130),
    ("positionSide/dual", {}, {"dualSidePosition": "false"}, -4059),
    ("batchOrders", {}, {"batchOrders": "no json"}, -1130),
    ("batchOrders", {}, {"batchOrders": json.dumps([ORDER] * 6)}, -4082),
]


@pytest.mark.parametrize(("path", "base", "change", "code"), TABLE)
def test_each_refusal_has_its_code_and_changes_nothing(
    door: Door, path: str, base: dict[str, Any], change: dict[str, Any], code: int
) -> None:
    before = hash_of(door)
    status, told = sent(door, "POST", f"/fapi/v1/{path}", signed({**base, **change}))
    assert (status, told["code"]) == (STATUSES.get(code, 400), code)
    assert "{}" not in told["msg"]
    assert hash_of(door) == before


def test_every_answer_of_the_kernel_has_words() -> None:
    codes = [value for name, value in vars(answers).items() if name.isupper() and isinstance(value, int)]
    assert len(codes) > 30
    for code in codes:
        if code == answers.DONE:
            continue
        refusal = refusal_of(code)
        assert refusal.words
        assert refusal.code == (code if code < 0 else refusal.code)
        assert code > 0 or code in WORDS


def test_a_client_id_may_stand_in_one_live_order_only() -> None:
    door = made()
    order = signed({**LIMIT, "price": "93000", "quantity": "0.002", "newClientOrderId": "mine"})
    assert sent(door, "POST", "/fapi/v1/order", order)[0] == 200
    assert sent(door, "POST", "/fapi/v1/order", order)[1]["code"] == -4116
    named = signed({"symbol": "BTCUSDT", "origClientOrderId": "mine"})
    assert sent(door, "DELETE", "/fapi/v1/order", named)[1]["status"] == "CANCELED"
    assert sent(door, "GET", "/fapi/v1/order", named)[1]["status"] == "CANCELED"
    assert sent(door, "GET", "/fapi/v1/openOrder", named)[1]["code"] == -2013
    assert sent(door, "POST", "/fapi/v1/order", order)[0] == 200
    bad = signed({**LIMIT, "symbol": "BTCUSDT", "orderId": "1", "quantity": "0.002"})
    assert sent(door, "PUT", "/fapi/v1/order", bad)[1]["code"] == -2013


def test_an_order_can_be_tried_without_being_placed() -> None:
    door = made()
    before = hash_of(door)
    assert sent(door, "POST", "/fapi/v1/order/test", signed(ORDER)) == (200, {})
    assert sent(door, "POST", "/fapi/v1/order/test", signed({**ORDER, "quantity": "50"}))[1]["code"] == -2019
    assert hash_of(door) == before


def test_accounts_do_not_see_each_other() -> None:
    door = made()
    door.venue.open_account("other", Cash(10**11), "o" * 64, "p" * 64)
    _, mine = sent(door, "POST", "/fapi/v1/order", signed({**LIMIT, "price": "93000"}))
    asked = {"symbol": "BTCUSDT", "orderId": mine["orderId"]}
    for method, code in (("GET", -2013), ("DELETE", -2011)):
        told = sent(door, method, "/fapi/v1/order", signed(asked, "p" * 64), key="o" * 64)[1]
        assert told["code"] == code
    assert sent(door, "GET", "/fapi/v1/order", signed(asked))[1]["status"] == "NEW"


def test_strict_mode_names_what_nobody_reads() -> None:
    door = made(strict=True)
    before = hash_of(door)
    told = sent(door, "POST", "/fapi/v1/order", signed({**ORDER, "trailingAmount": "500"}))[1]
    assert (told["code"], "trailingAmount" in told["msg"]) == (-1104, True)
    assert hash_of(door) == before
    assert sent(door, "GET", "/fapi/v1/time", "really=1")[0] == 200
    assert sent(door, "GET", "/fapi/v1/depth", "symbol=BTCUSDT&deep=1")[1]["code"] == -1104
    assert sent(made(), "POST", "/fapi/v1/order", signed({**ORDER, "trailingAmount": "500"}))[0] == 200


def test_planned_faults_happen_once_and_as_they_say() -> None:
    door = made()
    ping = ("GET", "/fapi/v1/ping")
    for kind, value, status, code in (
        ("maintenance", 0, 503, -1016),
        ("limit", 0, 429, -1003),
        ("ban", 60, 418, -1003),
        ("reject", -1008, 503, -1008),
        ("reject", -2010, 400, -2010),
    ):
        door.faults.add(Fault(kind=kind, value=value))
        found, told = sent(door, *ping)
        assert (found, told["code"]) == (STATUSES.get(code, status) if kind == "reject" else status, code)
        assert sent(door, *ping) == (200, {})
    before = hash_of(door)
    door.faults.add(Fault(kind="timeout", path="/order"))
    status, told = sent(door, "POST", "/fapi/v1/order", signed({**ORDER, "newClientOrderId": "lost"}))
    assert (status, told["code"]) == (408, -1007)
    assert hash_of(door) != before  # it was done all the same
    named = signed({"symbol": "BTCUSDT", "origClientOrderId": "lost"})
    assert sent(door, "GET", "/fapi/v1/order", named)[1]["status"] == "FILLED"
    door.faults.add(Fault(kind="skew", value=10_000))
    sent(door, *ping)
    assert sent(door, "GET", "/fapi/v1/time")[1]["serverTime"] == NOW_MS + 10_000
    assert sent(door, "GET", "/fapi/v3/account", signed({}))[1]["code"] == -1021


def test_private_events_are_doubled_turned_round_and_sockets_dropped_on_demand() -> None:
    door = made()
    hub = Hub(door.venue, door.faults)
    session = Session(lambda: None, account=1, key="x")
    assert hub.admit(session)

    def names() -> list[str]:
        found = [msgspec.json.decode(row) for row in session.waiting]
        session.waiting.clear()
        return [row["e"] for row in found]

    sent(door, "POST", "/fapi/v1/order", signed(ORDER))
    plain_order = names()
    assert plain_order == ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
    door.faults.add(Fault(kind="duplicate"))
    sent(door, "POST", "/fapi/v1/order", signed(ORDER))
    assert names() == [name for name in plain_order for _ in range(2)]
    door.faults.add(Fault(kind="reorder"))
    sent(door, "POST", "/fapi/v1/order", signed(ORDER))
    assert names() == plain_order[::-1]
    door.faults.add(Fault(kind="drop"))
    sent(door, "POST", "/fapi/v1/leverage", signed({"symbol": "BTCUSDT", "leverage": "7"}))
    assert names() == ["ACCOUNT_CONFIG_UPDATE"]
    assert session.is_closed


def test_the_admin_port_answers_and_refuses(door: Door) -> None:
    hub = Hub(door.venue, door.faults)
    admin = Admin(door.venue, door.faults, hub)

    def code(method: str, path: str, body: bytes = b"") -> Any:
        status, told = admin.answer(method, path, body)
        return status, told.get("error", {}).get("code")

    before = hash_of(door)
    assert code("GET", "/nowhere") == (404, "EXCHANGE-121")
    assert code("POST", "/step", b"{") == (400, "EXCHANGE-121")
    assert code("POST", "/step", b'{"evens": 1}') == (400, "EXCHANGE-121")
    assert code("POST", "/step", b'{"events": -1}') == (400, "EXCHANGE-122")
    assert code("POST", "/faults", b'{"kind": "flood"}') == (400, "EXCHANGE-120")
    assert code("POST", "/account", b'{"name": "me", "deposit": "5"}') == (400, "EXCHANGE-106")
    assert code("POST", "/account", b'{"name": "you", "deposit": "1e3"}') == (400, "UNIT-102")
    assert hash_of(door) == before
    assert admin.answer("POST", "/step", b'{"events": 3}')[1]["played"] == 3
    assert hash_of(door) != before


def test_the_websocket_api_signs_sorted_parameters(door: Door) -> None:
    def call(method: str, params: dict[str, Any], secret: str = SECRET) -> dict[str, Any]:
        whole = {**params, "apiKey": KEY, "timestamp": NOW_MS}
        shown = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in whole.items()
        }
        text = "&".join(f"{name}={shown[name]}" for name in sorted(shown))
        whole["signature"] = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return answered(door, json.dumps({"id": "7", "method": method, "params": whole}))

    found = call("order.place", {**LIMIT, "price": "93000", "reduceOnly": False})
    assert (found["id"], found["status"], found["result"]["status"]) == ("7", 200, "NEW")
    gone = call("order.cancel", {"symbol": "BTCUSDT", "orderId": found["result"]["orderId"]})
    assert gone["result"]["status"] == "CANCELED"
    assert call("order.place", ORDER, "t" * 64)["error"]["code"] == -1022
    assert call("order.shred", ORDER)["error"]["code"] == -1130
    assert answered(door, b"\xff")["error"]["code"] == -1100
    assert answered(door, "[]")["error"]["code"] == -1100


NAMES = [
    "symbol",
    "side",
    "type",
    "quantity",
    "price",
    "timeInForce",
    "limit",
    "orderId",
    "algoId",
    "startTime",
    "interval",
    "leverage",
    "marginType",
    "amount",
    "batchOrders",
    "orderidlist",
    "fromId",
    "incomeType",
    "origClientOrderId",
    "clientAlgoId",
    "triggerPrice",
    "callbackRate",
    "algoType",
    "dualSidePosition",
]


@settings(max_examples=300)
@given(
    route=st.sampled_from(sorted(ROUTES)),
    params=st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(
            st.sampled_from(
                ["BTCUSDT", "BUY", "LIMIT", "MARKET", "GTC", "1m", "5", "0.002", "94000", "[]", "[{}]"]
            ),
            st.text(max_size=30).filter(lambda text: text.isprintable()),
            st.integers(-(2**70), 2**70).map(str),
        ),
    ),
)
def test_whatever_is_sent_is_answered_and_never_a_fault_of_ours(door: Door, route: Any, params: Any) -> None:
    status, told = sent(door, *route, signed(params))
    assert status < 500
    assert status == 200 or told["code"] < 0
    state = door.venue.accounts[1].state
    account = state.account[0]
    books = account.cross_cash + sum(market.isolated_cash for market in state.markets)
    books += account.fees_cash + account.funding_cash + account.insurance_cash + account.outside_cash
    assert books + account.trades_cash + account.positions_cash == 0


def test_numbers_are_written_as_the_venue_writes_them(door: Door) -> None:
    contract = door.venue.market.contracts[0]
    assert (money(-5), money(123_456_789), plain(-12, 3), plain(7, 0)) == (
        "-0.00000005",
        "1.23456789",
        "-0.012",
        "7",
    )
    assert quantity(contract, -3) == "-0.003"
    assert average(contract, 0, 0) == "0.00000000"
    assert average(contract, 3 * 943_401 * 10_000 + 1 * 943_402 * 10_000, 4) == "94340.12500000"
    assert k.LIMIT == 1
