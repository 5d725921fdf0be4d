"""What a trader sees when a venue does not answer as hoped, told by the code in the raw body."""

from __future__ import annotations

import socket
from typing import Any

import pytest

pytest.importorskip("ccxt")
requests = pytest.importorskip("requests")

from lotwise.broker.ccxt_venue.dialect import Settings, halved, timed_pages  # noqa: E402
from lotwise.broker.ccxt_venue.refusals import CODES, judged  # noqa: E402
from lotwise.broker.venue import OrderRefused, OutcomeUnknown, RateLimited, VenueDown  # noqa: E402
from lotwise.errors import InputError, LotwiseError, VenueError  # noqa: E402
from tests.wire.offline import CONTRACTS, NOW_NS, SECRET, Answer, Sent, venue_of  # noqa: E402
from tests.wire.orders import order_of, request_of, standing  # noqa: E402

ID = CONTRACTS["binance"]


def body(venue: str, code: str, words: str = "so it is") -> dict[str, Any]:
    """A refusal as the venue writes it."""
    if venue == "bybit":
        return {"retCode": int(code), "retMsg": words, "result": {}}
    if venue == "mexc":
        return {"success": False, "code": int(code), "message": words}
    return {"code": int(code) if code.lstrip("-").isdigit() else code, "msg": words}


RAISED = {
    "unknown": (OutcomeUnknown, "BROKER-141"),
    "limit": (RateLimited, "BROKER-140"),
    "down": (VenueDown, "BROKER-142"),
    "key": (OrderRefused, "BROKER-143"),
    "missing": (OrderRefused, "BROKER-144"),
    "already": (OrderRefused, "BROKER-144"),
}
ROWS = [
    (venue, meaning, code)
    for venue, table in CODES.items()
    for meaning, codes in table.items()
    if meaning != "skew"
    for code in codes
]


@pytest.mark.parametrize(("venue", "meaning", "code"), ROWS)
def test_every_code_of_the_table_means_the_same_at_any_address(venue: str, meaning: str, code: str) -> None:
    told = body(venue, code)
    if not code.lstrip("-").isdigit():
        told = {"errorCode": code, "errorMsg": code}
    found, transport = venue_of(venue, lambda sent: (200 if venue != "binance" else 400, told))
    found.wire.client.hostname = "elsewhere.example"
    with pytest.raises(VenueError) as caught:
        found.wire.ask("cancel", **found.dialect.cancelling(standing(venue, "limit"), contract(venue))[1])
    kind, wanted = RAISED[meaning]
    assert (type(caught.value).__mro__[1] is kind or type(caught.value) is kind, caught.value.code) == (
        True,
        wanted,
    )
    assert len(transport.sent) == 1
    if isinstance(caught.value, OrderRefused):
        assert caught.value.venue_code == code


def contract(venue: str) -> Any:
    from lotwise.contracts import catalogue

    return catalogue.load(CONTRACTS[venue])


def test_insufficient_margin_is_refused_with_the_venue_s_own_code() -> None:
    codes = {"binance": "-2019", "bybit": "110007", "bingx": "101204", "mexc": "2005", "weex": "-3007"}
    for venue, code in codes.items():

        def answer(sent: Sent, name: str = venue, number: str = code) -> Answer:
            if sent.method == "GET":  # what is held
                return 200, [] if name == "weex" else {"success": True, "data": []}
            return 400 if name == "binance" else 200, body(name, number, "Margin is insufficient.")

        found, transport = venue_of(venue, answer)
        with pytest.raises(OrderRefused) as caught:
            found.place(order_of(venue, "market"))
        assert (caught.value.code, caught.value.venue_code) == ("BROKER-144", code)
        assert "Margin is insufficient." in caught.value.message
        assert len([one for one in transport.sent if one.method == "POST"]) == 1


def test_an_order_type_at_the_wrong_service_is_refused_as_such() -> None:
    found, _ = venue_of("binance", lambda sent: (400, {"code": -4120, "msg": "Use the Algo Order API."}))
    with pytest.raises(OrderRefused) as caught:
        found.place(order_of("binance", "market"))
    assert caught.value.venue_code == "-4120"


@pytest.mark.parametrize(
    ("status", "text", "meaning"),
    [
        (200, "{}", None),
        (200, '{"orderId": 1, "code": 200}', None),
        (400, '{"code": -4164, "msg": "small"}', "refused"),
        (503, '{"code": -1000, "msg": "Unknown error, please check your request"}', "unknown"),
        (502, "<html>", "unknown"),
        (504, "", "unknown"),
        (408, '{"code": -1007, "msg": "Timeout"}', "unknown"),
        (503, '{"code": -1008, "msg": "overloaded"}', "limit"),
        (429, "", "limit"),
        (418, "", "limit"),
        (404, "not here", "refused"),
        (403, "", "key"),
    ],
)
def test_status_and_code_decide(status: int, text: str, meaning: str | None) -> None:
    import json

    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    found = judged("binance", status, answer, {}, 0)
    assert (found.meaning if found else None) == meaning


def test_a_limit_says_until_when() -> None:
    banned = {"code": -1003, "msg": "Way too many requests; IP banned until 1792000099000."}
    for answer, until in (((418, banned), 1_792_000_099_000), ((429, {"code": -1003, "msg": "many"}), 0)):
        found, _ = venue_of("binance", lambda sent, told=answer: told)
        with pytest.raises(RateLimited) as caught:
            found.balance("USDT")
        assert (caught.value.code, caught.value.until_ns) == ("BROKER-140", until * 10**6)
    assert judged("binance", 429, None, {"Retry-After": "7"}, 1_000).until_ms == 8_000  # type: ignore[union-attr]
    reset = {"X-Bapi-Limit-Reset-Timestamp": "1792000000500"}
    told = judged("bybit", 200, {"retCode": 10006, "retMsg": "many"}, reset, 0)
    assert told is not None
    assert told.until_ms == 1_792_000_000_500


def cut(kind: str) -> Exception:
    """How the transport says that a connection failed."""
    from urllib3.exceptions import NewConnectionError, ProtocolError

    if kind == "refused":
        error = requests.exceptions.ConnectionError(NewConnectionError(None, "refused"))
        error.__cause__ = ConnectionRefusedError()
        return error  # type: ignore[no-any-return]
    if kind == "name":
        error = requests.exceptions.ConnectionError("no name")
        error.__cause__ = socket.gaierror()
        return error  # type: ignore[no-any-return]
    if kind == "connect":
        return requests.exceptions.ConnectTimeout("slow")  # type: ignore[no-any-return]
    if kind == "read":
        return requests.exceptions.ReadTimeout("slow")  # type: ignore[no-any-return]
    return requests.exceptions.ConnectionError(ProtocolError("aborted", ConnectionResetError()))  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", ["refused", "name", "connect"])
def test_a_connection_that_was_never_made_changed_nothing(kind: str) -> None:
    found, transport = venue_of("binance", lambda sent: cut(kind))
    with pytest.raises(VenueDown) as caught:
        found.place(order_of("binance", "market"))
    assert caught.value.code == "BROKER-142"
    assert len(transport.sent) == 1  # not sent again


@pytest.mark.parametrize("kind", ["read", "reset"])
def test_an_answer_that_never_came_is_read_back_and_not_sent_again(kind: str) -> None:
    tries = {"GET": 0, "POST": 0}
    shown = binance_order()

    def answer(sent: Sent) -> Answer | Exception:
        tries[sent.method] += 1
        if sent.method == "POST":
            return cut(kind)
        return cut(kind) if tries["GET"] == 1 else (200, shown)

    found, _ = venue_of("binance", answer)
    seen = found.place(order_of("binance", "market"))
    assert (seen.state, seen.filled_lots, seen.client_id) == ("filled", 3, "lw-0001")
    assert tries == {"GET": 2, "POST": 1}


def binance_order(**changes: Any) -> dict[str, Any]:
    """A filled market order, in the venue's documented fields."""
    return {
        "orderId": 77,
        "symbol": "BTCUSDT",
        "status": "FILLED",
        "clientOrderId": "lw-0001",
        "price": "0",
        "avgPrice": "94340.1",
        "origQty": "0.003",
        "executedQty": "0.003",
        "type": "MARKET",
        "side": "BUY",
        "reduceOnly": False,
        "closePosition": False,
        "positionSide": "BOTH",
        "time": 1_791_999_999_000,
    } | changes


def test_a_market_order_is_looked_at_until_it_has_ended() -> None:
    states = iter(["NEW", "PARTIALLY_FILLED", "FILLED"])

    def answer(sent: Sent) -> Answer:
        return 200, binance_order(status="NEW" if sent.method == "POST" else next(states))

    found, transport = venue_of("binance", answer)
    assert found.place(order_of("binance", "market")).state == "filled"
    assert [one.method for one in transport.sent] == ["POST", "GET", "GET", "GET"]


def missing(sent: Sent) -> Answer:
    return 400, {"code": -2013, "msg": "Order does not exist."}


def test_an_answer_that_never_came_and_no_order_stays_unknown() -> None:
    found, transport = venue_of(
        "binance", lambda sent: cut("read") if sent.method == "POST" else missing(sent)
    )
    with pytest.raises(OutcomeUnknown) as caught:
        found.place(order_of("binance", "market"))
    assert caught.value.code == "BROKER-141"
    assert "3 looks" in caught.value.message
    assert [one.method for one in transport.sent].count("POST") == 1


def test_the_clock_is_set_right_once_and_said() -> None:
    heard: list[str] = []
    asked: list[str] = []

    def answer(sent: Sent) -> Answer:
        asked.append(sent.path)
        if sent.path.endswith("/time"):
            return 200, {"serverTime": NOW_NS // 10**6 + 5_000}
        if asked.count(sent.path) == 1:
            return 400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        return 200, {"assets": []}

    found, transport = venue_of("binance", answer, tell=heard.append)
    found.balance("USDT")
    assert asked == ["/fapi/v3/account", "/fapi/v1/time", "/fapi/v3/account"]
    assert "5000 ms behind" in heard[0]
    assert f"timestamp={NOW_NS // 10**6 + 5_000}" in transport.sent[-1].body
    assert found.now_ns() == NOW_NS + 5_000 * 10**6


def test_a_clock_that_stays_off_is_refused() -> None:
    def answer(sent: Sent) -> Answer:
        if sent.path.endswith("/time"):
            return 200, {"serverTime": NOW_NS // 10**6}
        return 400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}

    found, transport = venue_of("binance", answer)
    with pytest.raises(VenueDown) as caught:
        found.place(order_of("binance", "market"))
    assert caught.value.code == "BROKER-145"
    assert [one.method for one in transport.sent] == ["POST", "GET", "POST"]  # both refused: nothing was done


def test_a_stop_that_is_answered_and_not_listed_does_not_count() -> None:
    row = {
        "algoId": 9,
        "clientAlgoId": "lw-0001",
        "orderType": "STOP_MARKET",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "0.003",
        "algoStatus": "NEW",
        "triggerPrice": "45000.1",
        "workingType": "CONTRACT_PRICE",
        "reduceOnly": True,
    }
    listed: list[Any] = []

    def answer(sent: Sent) -> Answer:
        return 200, (listed if sent.path.endswith("Orders") and "Algo" in sent.path else
                     [] if sent.path.endswith("Orders") else row)  # fmt: skip

    found, _ = venue_of("binance", answer)
    with pytest.raises(OutcomeUnknown) as caught:
        found.place(order_of("binance", "stop"))
    assert caught.value.code == "BROKER-146"
    listed.append(row)
    assert found.place(order_of("binance", "stop")).trigger_ticks == 450_001


@pytest.mark.parametrize(
    "changes",
    [
        {"side": "SELL"},
        {"origQty": "0.004"},
        {"reduceOnly": True},
        {"type": "LIMIT"},
        {"status": "NEW", "type": "STOP"},
    ],
)
def test_an_order_that_stands_there_as_another_is_taken_back(changes: dict[str, Any]) -> None:
    found, transport = venue_of("binance", lambda sent: (200, binance_order(**changes)))
    with pytest.raises(OutcomeUnknown) as caught:
        found.place(order_of("binance", "market"))
    assert caught.value.code == "BROKER-147"
    cancels = [one for one in transport.sent if one.method == "DELETE"]
    assert len(cancels) == (1 if changes.get("status") == "NEW" else 0)


def test_a_cancel_of_what_has_ended_tells_how_it_ended() -> None:
    def answer(sent: Sent) -> Answer:
        if sent.method == "DELETE":
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        return 200, binance_order(type="LIMIT", price="50000.1", executedQty="0.001", status="CANCELED")

    found, _ = venue_of("binance", answer)
    ended = found.cancel(standing("binance", "limit"))
    assert (ended.state, ended.filled_lots) == ("cancelled", 1)


def test_a_cancel_that_is_refused_while_the_order_stands_is_refused() -> None:
    def answer(sent: Sent) -> Answer:
        if sent.method == "DELETE":
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        return 200, binance_order(type="LIMIT", price="50000.1", status="NEW", executedQty="0")

    found, _ = venue_of("binance", answer)
    with pytest.raises(OrderRefused) as caught:
        found.cancel(standing("binance", "limit"))
    assert caught.value.venue_code == "-2011"
    found, _ = venue_of("binance", lambda sent: answer(sent) if sent.method == "GET" else (200, {}))
    with pytest.raises(OutcomeUnknown) as lost:
        found.cancel(standing("binance", "limit"))
    assert lost.value.code == "BROKER-146"


def test_orders_that_cannot_be_are_refused_before_anything_is_sent() -> None:
    import msgspec

    found, transport = venue_of("binance", lambda sent: (200, {}))
    good = order_of("binance", "market")
    for changes, code in (
        ({"is_post_only": True}, "BROKER-122"),
        ({"client_id": "ä" * 3}, "BROKER-122"),
        ({"client_id": "x" * 37}, "BROKER-122"),
        ({"client_id": ""}, "BROKER-122"),
        ({"contract_id": "bybit:BTCUSDT"}, "BROKER-123"),
    ):
        with pytest.raises(InputError) as caught:
            found.place(msgspec.structs.replace(good, **changes))
        assert caught.value.code == code
    mexc, more = venue_of("mexc", lambda sent: (200, {"success": True, "data": []}))
    mexc.desk.prepared.clear()
    for kind in ("market", "market reduce", "stop"):  # exits too: no position stands that they would reduce
        with pytest.raises(InputError) as caught:
            mexc.place(order_of("mexc", kind))
        assert caught.value.code == "BROKER-124"
    assert transport.sent == []
    assert [one for one in more.sent if one.method == "POST"] == []


def held_at_mexc(symbol: str = "BTC_USDT", **more: Any) -> dict[str, Any]:
    """A row of a position: 3 contracts long at 7 times, cross."""
    row = {"symbol": symbol, "positionType": 1, "openType": 2, "leverage": 7, "holdVol": 3}
    return row | {"holdAvgPrice": 50000, "im": 2} | more


def unprepared(answer: Any) -> Any:
    """MEXC as a process has it that has prepared nothing: after a restart, in a kill switch."""
    found, transport = venue_of("mexc", answer)
    found.desk.prepared.clear()
    return found, transport


def sent_to_mexc(found: Any, transport: Any, kind: str, **more: Any) -> Any:
    """The last request after an order was placed that is not looked for."""
    found._look = lambda order, contract, venue_id: None
    with pytest.raises(OutcomeUnknown) as caught:
        found.place(order_of("mexc", kind, **more))
    assert caught.value.code == "BROKER-146"
    return transport.sent[-1]


@pytest.mark.parametrize("kind", ["market reduce", "limit reduce", "post-only reduce", "stop", "target"])
def test_an_exit_at_mexc_leaves_though_nothing_was_prepared(kind: str) -> None:
    rows = [
        held_at_mexc("UNKNOWN_USDT", holdVol="nothing that can be read"),
        held_at_mexc(positionType=2, holdVol=0, leverage=9, openType=1),
        held_at_mexc(positionType=1),
    ]

    def answer(sent: Sent) -> Answer:
        return 200, {"success": True, "data": "77" if sent.method == "POST" else rows}

    found, transport = unprepared(answer)
    exact = request_of("mexc", kind)
    sent = sent_to_mexc(found, transport, kind)
    assert (sent.method, sent.path) == ("POST", exact.path)
    assert sent.params == {**exact.params, "openType": 2, "leverage": 7}  # of the position, the rest as ever
    assert sent.params["reduceOnly"] is True
    rows[2] = held_at_mexc(positionType=2, openType=1, leverage=20)
    sent = sent_to_mexc(found, transport, kind, side=1)
    assert (sent.params["openType"], sent.params["leverage"], sent.params["side"]) == (1, 20, 2)
    assert found.desk.prepared == {}


def test_what_opens_at_mexc_waits_for_its_preparation_whatever_stands() -> None:
    found, transport = unprepared(lambda sent: (200, {"success": True, "data": [held_at_mexc()]}))
    assert len(found.positions()) == 1
    for kind in ("market", "limit", "post-only", "stop entry", "target entry"):
        with pytest.raises(InputError) as caught:
            found.place(order_of("mexc", kind))
        assert caught.value.code == "BROKER-124"
    with pytest.raises(InputError) as caught:  # an exit that would reduce a short, and a long is held
        found.place(order_of("mexc", "market reduce", side=1))
    assert caught.value.code == "BROKER-124"
    assert {one.method for one in transport.sent} == {"GET"}


@pytest.mark.parametrize(
    "told", [(503, {"success": False, "code": 503}), (200, {"success": True, "data": 5})]
)
def test_an_exit_at_mexc_leaves_by_what_was_seen_last_where_positions_cannot_be_read(told: Answer) -> None:
    is_read = True

    def answer(sent: Sent) -> Answer:
        if sent.method == "POST":
            return 200, {"success": True, "data": "77"}
        return (200, {"success": True, "data": [held_at_mexc()]}) if is_read else told

    found, transport = unprepared(answer)
    assert [one.leverage100 for one in found.positions()] == [700]
    is_read = False
    sent = sent_to_mexc(found, transport, "stop")
    assert (sent.method, sent.params["openType"], sent.params["leverage"]) == ("POST", 2, 7)
    found, transport = unprepared(answer)  # nothing was ever seen: it is not sent blindly
    with pytest.raises(VenueError) as caught:
        found.place(order_of("mexc", "stop"))
    assert caught.value.code == ("BROKER-142" if told[0] == 503 else "BROKER-150")
    assert {one.method for one in transport.sent} == {"GET"}


def test_what_cannot_be_read_before_an_order_leaves_is_an_error_of_the_venue() -> None:
    def placing(order: Any, contract: Any) -> Any:
        raise ArithmeticError("of an answer in another form")

    found, transport = unprepared(lambda sent: (200, {"success": True, "data": []}))
    found.dialect.placing = placing
    with pytest.raises(VenueError) as caught:
        found.place(order_of("mexc", "stop"))
    assert caught.value.code == "BROKER-196"
    assert [one for one in transport.sent if one.method == "POST"] == []


@pytest.mark.parametrize("venue", ["mexc", "weex"])
def test_no_second_position_is_opened_beside_one(venue: str) -> None:
    row = (
        {"symbol": "BTC_USDT", "positionType": 2, "holdVol": 3, "holdAvgPrice": 9, "openType": 1}
        if venue == "mexc"
        else {
            "symbol": "BTCUSDT",
            "side": "SHORT",
            "size": "0.0003",
            "openValue": "9",
            "marginType": "CROSSED",
        }
    )
    told: Any = {"success": True, "data": [row]} if venue == "mexc" else [row]
    found, transport = venue_of(venue, lambda sent: (200, told))
    with pytest.raises(InputError) as caught:
        found.place(order_of(venue, "limit"))
    assert caught.value.code == "BROKER-122"
    assert "3 lots short" in caught.value.message
    assert {one.method for one in transport.sent} == {"GET"}


def prepared(settings: list[Settings], leverage100: int = 500) -> Any:
    """Prepare with these settings told one after the other."""
    found, _ = venue_of("binance", lambda sent: (200, {}))
    row = {"tick_size": "0.1", "lot_size": "0.001", "contract_size": "1"}
    found._check_units = lambda contract: row  # type: ignore[method-assign, assignment, return-value]
    told = iter(settings)
    found.dialect.settings = lambda contract, is_isolated: next(told)  # type: ignore[method-assign]
    found.prepare(ID, leverage100, True)
    return found


def test_settings_that_do_not_become_what_was_asked_are_refused() -> None:
    good = Settings((500,), True, True)
    assert prepared([good, good]).desk.prepared[ID] == (500, True)
    for wrong, code in (
        (Settings((400,), True, True), "BROKER-124"),
        (Settings((500, 400), True, True), "BROKER-124"),
        (Settings((None,), True, True), "BROKER-124"),
        (Settings((500,), False, True), "BROKER-124"),
        (Settings((500,), None, True), "BROKER-124"),
        (Settings((500,), True, False), "BROKER-125"),
    ):
        with pytest.raises(VenueError) as caught:
            prepared([good, wrong])
        assert caught.value.code == code
    for leverage in (50, 250):
        with pytest.raises(InputError) as bad:
            prepared([good, good], leverage)
        assert bad.value.code == "BROKER-124"


def test_a_venue_whose_lot_is_another_than_the_facts_is_not_traded() -> None:
    from tests.unit.test_ccxt_hazards import binance_symbol

    symbol = binance_symbol()
    symbol["filters"][1]["stepSize"] = "0.01"
    symbol["filters"][1]["minQty"] = "0.01"
    for told in ({"symbols": [symbol]}, {"symbols": []}):
        found, transport = venue_of("binance", lambda sent, answer=told: (200, answer))
        with pytest.raises(VenueError) as caught:
            found.prepare(ID, 500, True)
        assert caught.value.code == "BROKER-126"
        assert {one.method for one in transport.sent} == {"GET"}


def test_pages_are_read_to_their_end_and_each_row_once() -> None:
    rows = [{"id": number, "time": 1_000 + number // 3} for number in range(100)]

    def forward(first: int) -> list[dict[str, Any]]:
        return [row for row in rows if row["time"] >= first][:10]

    found = {row["id"] for row in timed_pages(forward, 0, 10, "time")}
    assert found == set(range(100))

    def newest(first: int, last: int) -> list[dict[str, Any]]:
        return [row for row in reversed(rows) if first <= row["time"] <= last][:10]

    halves = halved(newest, 900, 1_200, 10)
    assert sorted(row["id"] for row in halves) == list(range(100))
    for stuck in (
        lambda: timed_pages(lambda first: [{"time": 5}] * 3, 5, 3, "time"),
        lambda: halved(lambda first, last: [{"time": 5}] * 3, 0, 50, 3),
    ):
        with pytest.raises(VenueError) as caught:
            stuck()
        assert caught.value.code == "BROKER-151"


def test_fills_of_binance_are_found_in_their_week_and_then_by_id() -> None:
    trades = [
        {
            "symbol": "BTCUSDT",
            "id": 100 + number,
            "orderId": 1,
            "side": "BUY",
            "price": "94340.1",
            "qty": "0.001",
            "realizedPnl": "0",
            "commission": "0.01",
            "commissionAsset": "USDT",
            "time": NOW_NS // 10**6 - 86_400_000 * 9 + number,
            "positionSide": "BOTH",
            "maker": False,
        }
        for number in range(2_345)
    ]

    def answer(sent: Sent) -> Answer:
        asked = {name: int(value) for name, value in sent.params.items() if value.isdigit()}
        assert asked.get("endTime", 0) - asked.get("startTime", 0) < 7 * 86_400_000
        assert not ("fromId" in asked and "startTime" in asked)
        found = [row for row in trades if row["id"] >= asked.get("fromId", 0)]
        if "startTime" in asked:
            found = [row for row in found if asked["startTime"] <= row["time"] <= asked["endTime"]]
        return 200, found[: asked["limit"]]

    found, transport = venue_of("binance", answer, where="live")
    since = NOW_NS - 20 * 86_400 * 10**9
    fills = found.fills(ID, since)
    assert [fill.trade_id for fill in fills] == [str(100 + number) for number in range(2_345)]
    assert len(transport.sent) == 2 + 3  # an empty week, the week with the first, three pages by id
    assert found.fills(ID, since) == fills


def test_no_error_shows_a_key_or_a_signature() -> None:
    def answer(sent: Sent) -> Answer:
        return 400, {"code": -1102, "msg": f"bad {SECRET} in symbol=X&signature=00ff11&apiKey=abc"}

    found, _ = venue_of("binance", answer)
    with pytest.raises(LotwiseError) as caught:
        found.place(order_of("binance", "market"))
    text = f"{caught.value} {caught.value!r} {caught.value.as_dict()}"
    assert SECRET not in text
    assert "00ff11" not in text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
