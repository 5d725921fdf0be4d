"""Stored answers of each venue read into ticks, lots and cash; figures counted again with Decimal by hand.

The answers are made of the venues' documented fields (``tests/wire/*_answers.json``); no venue was asked.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ccxt")

from lotwise.errors import VenueError
from lotwise.records.live import VenueOrder
from tests.wire.offline import CONTRACTS, NOW_NS, Answer, Sent, venue_of
from tests.wire.orders import order_of

FOLDER = Path(__file__).parents[1] / "wire"
PATHS: dict[str, dict[str, str]] = {
    "bybit": {
        "order/realtime?orderLinkId": "order",
        "order/realtime": "orders",
        "position/list": "positions",
        "account/info": "info",
        "wallet-balance": "balance",
        "tickers": "market",
        "execution/list": "fills",
        "transaction-log": "income",
    },
    "bingx": {
        "trade/order": "order",
        "openOrders": "orders",
        "user/positions": "positions",
        "user/balance": "balance",
        "quote/ticker": "market",
        "premiumIndex": "mark",
        "fillHistory": "fills",
        "user/income": "income",
    },
    "mexc": {
        "order/external": "order",
        "list/open_orders": "orders",
        "planorder/list": "triggers",
        "open_positions": "positions",
        "account/assets": "balance",
        "contract/ticker": "market",
        "funding_rate": "mark",
        "order_deals": "fills",
        "funding_records": "income",
        "transfer_record": "transfers",
    },
    "weex": {
        "openOrders": "orders",
        "openAlgoOrders": "triggers",
        "allPosition": "positions",
        "account/balance": "balance",
        "bookTicker": "book",
        "ticker/24hr": "last",
        "premiumIndex": "mark",
        "userTrades": "fills",
        "income": "income",
    },
}
VENUES = tuple(PATHS)
EMPTY: dict[str, Any] = {
    "bybit": {"retCode": 0, "result": {"list": []}},
    "bingx": {"code": 0, "data": {"fill_history_orders": []}},
    "weex": [],
}
DAY = 86_400_000_000_000
E8 = Decimal(10**8)


def stored(venue: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{venue}_answers.json").read_text())
    return found


def told(venue: str, changed: dict[str, Any] | None = None) -> Any:
    """The adapter where the venue answers as stored; pages of other weeks are empty."""
    answers = stored(venue) | (changed or {})

    def answer(sent: Sent) -> Answer:
        asked = f"{sent.path}?{'&'.join(sent.params)}" if isinstance(sent.params, dict) else sent.path
        for path, name in PATHS[venue].items():
            if all(part in asked for part in path.split("?")):
                last = sent.params.get("endTime") or sent.params.get("endTs") or sent.params.get("end_time")
                other = isinstance(sent.params, dict) and (
                    sent.params.get("settleCoin") == "USDC" or sent.params.get("category") == "inverse"
                )
                if other or (last and int(last) * 10**6 < NOW_NS and venue in EMPTY):
                    return 200, {"code": 0, "data": []} if path == "user/income" else EMPTY[venue]
                return 200, answers[name]
        raise AssertionError(asked)

    return venue_of(venue, answer)[0]


def price8(text: str) -> int:
    """Half to even at 1e-8, by another road than the reader's."""
    return round(Decimal(text) * E8)


@pytest.mark.parametrize("venue", VENUES)
def test_a_stop_that_waits_is_read_as_one(venue: str) -> None:
    found = told(venue)
    orders: list[VenueOrder] = list(found.orders())
    stop = found.order(CONTRACTS[venue], "lw-0001") if venue in ("bybit", "bingx") else None
    stop = stop or next(one for one in orders if one.kind == "stop")
    assert (stop.kind, stop.side, stop.lots, stop.trigger_ticks) == ("stop", -1, 3, 450_001)
    assert (stop.is_reduce_only, stop.state, stop.by_mark, stop.price_ticks) == (True, "open", False, 0)
    assert stop.client_id == ("" if venue == "mexc" else "lw-0001")  # MEXC does not tell it
    assert stop.time_ns == 1_791_999_999_000_000_000
    assert stop.contract_id == CONTRACTS[venue]


@pytest.mark.parametrize("venue", VENUES)
def test_a_limit_order_that_is_partly_filled_is_open(venue: str) -> None:
    limit = next(one for one in told(venue).orders() if one.client_id == "m-1")
    assert (limit.kind, limit.side, limit.lots, limit.filled_lots, limit.left_lots) == ("limit", 1, 10, 4, 6)
    assert (limit.price_ticks, limit.average_price8, limit.state) == (500_001, price8("50000.1"), "open")
    assert (limit.trigger_ticks, limit.is_reduce_only) == (0, False)


@pytest.mark.parametrize("venue", ["bybit", "bingx"])
def test_an_order_made_by_hand_in_another_way_is_told_as_other(venue: str) -> None:
    other = next(one for one in told(venue).orders() if one.client_id == "")
    assert other.kind == "other"
    assert other.is_reduce_only


POSITIONS = {
    "bybit": ("bybit:BTCUSDT", -3, "94340.123456789", "94336.3036", None, "0.0115", "56.61", 500, True),
    "bingx": ("bingx:BTC-USDT", -3, "94340.123456789", "94336.30", "113017.2", "0.0011", "5.65", 500, True),
    "mexc": ("mexc:BTC_USDT", -3, "94340.12", "0", "113017.2", "0", "5.66", 500, True),
    "weex": ("weex:DOGEUSDT", 3, "0.09323", "0", None, "0.006", "100", 2_000, False),
}


@pytest.mark.parametrize("venue", VENUES)
def test_a_position_is_read_with_its_sign_and_unit(venue: str) -> None:
    """WEEX's is ccxt's own sample: 300 DOGE for 27.969 are 3 lots of 100 at 0.09323."""
    (one,) = told(venue).positions()
    contract, lots, entry, mark, liquidation, pnl, margin, leverage, isolated = POSITIONS[venue]
    assert (one.contract_id, one.lots, one.leverage100, one.is_isolated) == (
        contract,
        lots,
        leverage,
        isolated,
    )
    assert (one.entry_price8, one.mark_price8) == (price8(entry), price8(mark))
    assert one.liquidation_price8 == (price8(liquidation) if liquidation else None)
    assert (one.unrealised_cash, one.margin_cash) == (price8(pnl), price8(margin))
    assert one.position_side == ""


BALANCES = {
    "bybit": ("1000.12345679", "990.5", "923.89", "66.61", "3"),
    "bingx": ("1000.1234", "1001", "940.5", "59.5", "0"),
    "mexc": ("1000.1234", "1000.5", "990.1234", "10", "0"),
    "weex": ("1000.1234", "999.6234", "940", "59.6234", "0"),
}


@pytest.mark.parametrize("venue", VENUES)
def test_the_balance_is_exact(venue: str) -> None:
    found = told(venue)
    one = found.balance("USDT")
    read = (one.wallet_cash, one.equity_cash, one.free_cash, one.margin_cash, one.maintenance_cash)
    assert read == tuple(price8(text) for text in BALANCES[venue])
    assert one.coin == "USDT"
    assert found.balance("XYZ").wallet_cash == 0


@pytest.mark.parametrize("venue", VENUES)
def test_the_top_of_the_market_is_read(venue: str) -> None:
    one = told(venue).market(CONTRACTS[venue])
    assert (one.bid_ticks, one.ask_ticks, one.last_ticks) == (943_400, 943_401, 943_401)
    assert one.mark_price8 == price8("94336.3036" if venue == "bybit" else "94336.3")
    assert one.funding8 == (1_200 if venue == "mexc" else 10_000)
    assert one.funding_ns == 1_792_022_400_000_000_000
    assert one.time_ns // 10**9 == 1_792_000_000


FILLS = {
    "bybit": ("e1", "0.003", 10**8, "0.15566117", 0),
    "bingx": ("97244554", "0.0003", 10**8, "0.014151", 0),
    "mexc": ("299444585", "3", 10_000, "0.00566041", 0),
    "weex": ("737074389731770728", "0.0003", 10**8, "0.02264162", 0),
}


@pytest.mark.parametrize("venue", VENUES)
def test_fills_come_once_in_the_journal_s_form(venue: str) -> None:
    found = told(venue)
    since = NOW_NS - 20 * DAY
    fills = found.fills(CONTRACTS[venue], since)
    assert found.fills(CONTRACTS[venue], since) == fills
    (one,) = fills
    trade, quantity, multiplier, fee, maker = FILLS[venue]
    assert (one.trade_id, one.quantity8, one.multiplier8) == (trade, price8(quantity), multiplier)
    assert (one.price8, one.side, one.fee_cash, one.maker) == (price8("94340.1"), 1, price8(fee), maker)
    assert (one.venue, one.account, one.time_ns) == (venue, "main", 1_791_959_190_000_000_000
            if venue == "bingx" else 1_791_999_990_000_000_000)  # fmt: skip
    assert found.fills(CONTRACTS[venue], NOW_NS) == []


def test_income_of_bybit_is_its_change_in_parts() -> None:
    found = told("bybit").income(NOW_NS - 20 * DAY)
    read = [(one.kind, one.cash, one.trade_id) for one in found]
    assert read == [
        ("TRANSFER", 1000 * 10**8, ""),
        ("REALIZED_PNL", 250_000_000, "e1"),
        ("COMMISSION", -15_566_117, "e1"),
        ("FUNDING_FEE", -1_000_000, ""),
    ]
    changes = [Decimal(row["change"]) for row in stored("bybit")["income"]["result"]["list"]]
    assert sum(one.cash for one in found) == sum(changes) * E8
    assert len({one.income_id for one in found}) == 4


@pytest.mark.parametrize(
    ("venue", "wanted"),
    [
        ("bingx", [("FUNDING_FEE", -2_920_000, "170")]),
        ("mexc", [("TRANSFER", 10**11, "tx2"), ("FUNDING_FEE", -283_000, "13")]),
        ("weex", [("FUNDING_FEE", -283_000, "736791763716407518")]),
    ],
)
def test_income_of_the_others(venue: str, wanted: list[Any]) -> None:
    found = told(venue).income(NOW_NS - 20 * DAY)
    assert [(one.kind, one.cash, one.income_id) for one in found] == wanted
    assert told(venue).income(NOW_NS) == []


def test_a_plan_of_mexc_is_found_by_the_id_its_placing_answered() -> None:
    found = told("mexc")
    assert found.dialect.find(found.desk.contract(CONTRACTS["mexc"]), "lw-0009", "", True) is None
    plan = found.dialect.find(found.desk.contract(CONTRACTS["mexc"]), "lw-0009", "265557643326564352", True)
    assert plan is not None
    assert (plan.client_id, plan.kind) == ("lw-0009", "stop")


def test_a_plan_that_this_process_sent_keeps_its_name_in_the_list() -> None:
    def answer(sent: Sent) -> Answer:
        if sent.method == "POST":
            return 200, {"success": True, "code": 0, "data": 265557643326564352}
        if "external" in sent.path:
            return 200, {"success": True, "code": 0, "data": None}
        name = "triggers" if "planorder" in sent.path else "orders"
        return 200, stored("mexc")[name]

    found, transport = venue_of("mexc", answer)
    placed = found.place(order_of("mexc", "stop"))
    assert (placed.client_id, placed.venue_id) == ("lw-0001", "265557643326564352")
    names = {order.venue_id: order.client_id for order in found.orders()}
    assert names == {"265557643326564352": "lw-0001", "264995729269765121": "m-1"}
    again = found.order(CONTRACTS["mexc"], "lw-0001")
    assert len([one for one in transport.sent if one.method == "POST"]) == 1
    assert again == placed
    after = venue_of("mexc", answer)[0]  # a restart: the stop is listed, its name is lost
    assert {order.client_id for order in after.orders()} == {"", "m-1"}


def broken_answers() -> list[tuple[str, str, Any, str]]:
    bybit, mexc = stored("bybit"), stored("mexc")
    off_tick = json.loads(json.dumps(bybit["orders"]).replace("50000.10", "50000.15"))
    off_lot = json.loads(json.dumps(mexc["orders"]).replace('"vol": 10', '"vol": 10.5'))
    state = json.loads(json.dumps(bybit["orders"]).replace("Untriggered", "Dreaming"))
    strange = json.loads(json.dumps(bybit["orders"]).replace("BTCUSDT", "NOSUCHUSDT"))
    words = json.loads(json.dumps(mexc["orders"]).replace("50000.1", '"dear"'))
    return [
        ("bybit", "orders", off_tick, "BROKER-150"),
        ("mexc", "orders", off_lot, "BROKER-150"),
        ("bybit", "orders", state, "BROKER-150"),
        ("mexc", "orders", words, "BROKER-150"),
        ("bybit", "orders", {"retCode": 0, "result": {"list": {"not": "a list"}}}, "BROKER-150"),
        ("bybit", "orders", {"retCode": 0, "result": [1]}, "BROKER-150"),
        ("bybit", "orders", strange, "BROKER-152"),
    ]


@pytest.mark.parametrize(("venue", "name", "answer", "code"), broken_answers())
def test_an_answer_that_cannot_be_counted_is_refused(venue: str, name: str, answer: Any, code: str) -> None:
    with pytest.raises(VenueError) as caught:
        told(venue, {name: answer}).orders()
    assert caught.value.code == code
    assert caught.value.hint


BOOKS: dict[str, Any] = {
    "binance": {
        "E": 1_792_000_000_000,
        "bids": [["94340.0", "1.2345"], ["94339.9", "0"]],
        "asks": [["94340.1", "7"]],
    },
    "bybit": {
        "retCode": 0,
        "result": {"ts": 1_792_000_000_000, "b": [["94340.0", "1.2345"]], "a": [["94340.1", "7"]]},
    },
    "bingx": {
        "code": 0,
        "data": {
            "T": 1_792_000_000_000,
            "bids": [["94340.0", "12345"]],
            "asks": [["94340.1", "70000"]],
            "bidsCoin": [["94340.0", "1.2345"]],
            "asksCoin": [["94340.1", "7"]],
        },
    },
    "mexc": {
        "success": True,
        "code": 0,
        "data": {
            "timestamp": 1_792_000_000_000,
            "bids": [[94340.0, 12345, 3]],
            "asks": [[94340.1, 70000, 1]],
        },
    },
    "weex": {"bids": [["94340.0", "1.2345"]], "asks": [["94340.1", "7"]], "lastUpdateId": 5},
}
"""The same book as each venue tells it: 1.2345 BTC are bid, 7 asked."""
DEPTHS = {"binance": "fapi/v1/depth", "bybit": "orderbook", "bingx": "quote/depth", "mexc": "contract/depth",
          "weex": "market/depth"}  # fmt: skip


def book_told(venue: str, answer: Any) -> Any:
    def answered(sent: Sent) -> Answer:
        assert DEPTHS[venue] in sent.path
        assert sent.method == "GET"
        return 200, answer

    return venue_of(venue, answered)[0]


@pytest.mark.parametrize("venue", list(BOOKS))
def test_the_book_is_read_in_whole_lots(venue: str) -> None:
    """What is less than a lot is cut: Binance's and Bybit's lot is 0.001 BTC, the others' 0.0001."""
    one = book_told(venue, BOOKS[venue]).book(CONTRACTS[venue])
    lot = Decimal("0.001") if venue in ("binance", "bybit") else Decimal("0.0001")
    assert one.bids[0] == (943_400, int(Decimal("1.2345") / lot))
    assert one.asks == ((943_401, int(Decimal(7) / lot)),)
    assert one.time_ns == (0 if venue == "weex" else 1_792_000_000 * 10**9)


@pytest.mark.parametrize("venue", list(BOOKS))
@pytest.mark.parametrize("pair", ["no list", ["94340.0"], ["94340.0", ""], ["0", "1"], ["94340.0", "-1"], 5])
def test_a_book_that_cannot_be_read_is_no_empty_book(venue: str, pair: Any) -> None:
    broken = json.loads(json.dumps(BOOKS[venue]))
    book = broken.get("result") or broken.get("data") or broken
    name = {"bybit": "b", "bingx": "bidsCoin"}.get(venue, "bids")
    book[name] = None if pair == "no list" else [pair]
    with pytest.raises(VenueError) as caught:
        book_told(venue, broken).book(CONTRACTS[venue])
    assert caught.value.code == "BROKER-150"


@pytest.mark.parametrize(
    ("venue", "said", "kind"),
    [
        ("weex", "deposit", "TRANSFER"),
        ("weex", "withdraw", "TRANSFER"),
        ("weex", "transfer_in", "TRANSFER"),
        ("weex", "transfer_out", "TRANSFER"),
        ("weex", "position_funding", "FUNDING_FEE"),
        ("weex", "else", "else"),
        ("bingx", "TRADING_FEE", "COMMISSION"),
        ("bingx", "TRANSFER", "TRANSFER"),
    ],
)
def test_what_changes_the_wallet_has_one_name_on_every_venue(venue: str, said: str, kind: str) -> None:
    """Limits, funding of trades and the journal look for it: a deposit unseen would loosen a day's loss."""
    income = json.loads(json.dumps(stored(venue)["income"]))
    rows = income["items"] if "items" in income else income["data"]
    rows[0]["incomeType"] = said
    (found, *_) = told(venue, {"income": income}).income(NOW_NS - 20 * DAY)
    assert found.kind == kind
