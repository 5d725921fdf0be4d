"""What a sceptic tries at the edge of a venue: answers that lie, lack or come at the wrong moment."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ccxt")

from lotwise.broker.ccxt_venue.adapter import CcxtVenue
from lotwise.broker.venue import OutcomeUnknown, RateLimited
from lotwise.errors import InputError, VenueError
from tests.wire.offline import CONTRACTS, NOW_NS, Answer, Sent, venue_of
from tests.wire.orders import order_of

ID = CONTRACTS["binance"]
LIMITED: Answer = (429, {"code": -1003, "msg": "Too many requests."})


def plain(**changes: Any) -> dict[str, Any]:
    """An order as "Query Order" documents it."""
    return {
        "orderId": 22542179,
        "clientOrderId": "lw-0001",
        "symbol": "BTCUSDT",
        "status": "FILLED",
        "type": "MARKET",
        "origType": "MARKET",
        "side": "BUY",
        "positionSide": "BOTH",
        "origQty": "0.003",
        "executedQty": "0.003",
        "avgPrice": "50000.1",
        "price": "0",
        "stopPrice": "0",
        "reduceOnly": False,
        "closePosition": False,
        "workingType": "CONTRACT_PRICE",
        "time": 1792000000000,
    } | changes


def algo(**changes: Any) -> dict[str, Any]:
    """A conditional order as "Query Algo Order" documents it: no executed quantity."""
    return {
        "algoId": 2146760,
        "clientAlgoId": "lw-0001",
        "algoType": "CONDITIONAL",
        "orderType": "STOP_MARKET",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "BOTH",
        "quantity": "0.003",
        "algoStatus": "NEW",
        "actualOrderId": "",
        "actualPrice": "0.00000",
        "triggerPrice": "45000.1",
        "price": "0.00000",
        "workingType": "CONTRACT_PRICE",
        "reduceOnly": True,
        "closePosition": False,
        "createTime": 1792000000000,
    } | changes


def asked(*answers: tuple[str, str, Answer]) -> tuple[CcxtVenue, Any]:
    """A venue that answers by method and the end of the path; the first that fits."""

    def answer(sent: Sent) -> Answer:
        fits = (one for method, path, one in answers if sent.method == method and sent.path.endswith(path))
        return next(fits, (400, {"code": -2013, "msg": "Order does not exist."}))

    return venue_of("binance", answer)


# -- after an order has left


def test_a_limit_after_an_order_was_taken_does_not_make_it_never_sent() -> None:
    """The order stands; only the look at it is refused. To count it as refused would leave it naked."""
    venue, transport = asked(("POST", "/order", (200, plain())), ("GET", "/order", LIMITED))
    with pytest.raises(OutcomeUnknown, match="BROKER-146"):
        venue.place(order_of("binance", "market"))
    looks = [one for one in transport.sent if one.method == "GET"]
    assert len(looks) == 1  # to look on would make it worse
    with pytest.raises(RateLimited):
        venue.order(ID, "lw-0001")


@pytest.mark.parametrize(
    "nonsense",
    [
        plain(status="AS_NEVER_SEEN"),
        plain(origQty=""),
        plain(executedQty=None),
        plain(origQty="NaN"),
        plain(executedQty="Infinity"),
        plain(symbol="NOSUCHUSDT"),
        [],
        "words",
    ],
)
def test_nonsense_after_an_order_was_taken_leaves_it_unknown(nonsense: Any) -> None:
    venue, _ = asked(("POST", "/order", (200, plain())), ("GET", "/order", (200, nonsense)))
    with pytest.raises(OutcomeUnknown, match="BROKER-146"):
        venue.place(order_of("binance", "market"))


# -- numbers that are left out


@pytest.mark.parametrize("amount", ["", None, "NaN", "-Infinity", "0,5"])
def test_a_position_without_its_amount_is_no_flat_one(amount: Any) -> None:
    row = {"symbol": "BTCUSDT", "positionAmt": amount, "positionSide": "BOTH", "entryPrice": "1"}
    venue, _ = asked(("GET", "/positionRisk", (200, [row])), ("GET", "/symbolConfig", (200, [])))
    with pytest.raises(VenueError, match="BROKER-150"):
        venue.positions()


@pytest.mark.parametrize("name", ["walletBalance", "marginBalance", "availableBalance"])
@pytest.mark.parametrize("lacking", ["", None, "NaN"])
def test_a_balance_that_lacks_a_number_is_no_loss_of_all(name: str, lacking: Any) -> None:
    row = {"asset": "USDT", "walletBalance": "500", "marginBalance": "500", "availableBalance": "500"}
    venue, _ = asked(("GET", "/account", (200, {"assets": [row | {name: lacking}]})))
    with pytest.raises(VenueError, match="BROKER-150"):
        venue.balance("USDT")
    venue, _ = asked(("GET", "/account", (200, {"assets": [row]})))
    assert venue.balance("USDT").equity_cash == 500 * 10**8


def test_an_answer_of_another_form_is_the_venue_s_error_and_no_crash() -> None:
    """BROKER-196: a session lives through it, and looks again."""
    venue, _ = asked(("GET", "/userTrades", (200, [{"id": "seven", "symbol": "BTCUSDT"}])))
    with pytest.raises(VenueError, match="BROKER-196"):
        venue.fills(ID, NOW_NS - 10**9)


# -- triggered stops, and those of an older time


def test_a_stop_that_fired_is_filled_though_the_answer_tells_no_quantity() -> None:
    child = plain(orderId=555, type="MARKET", origType="STOP_MARKET", side="SELL", stopPrice="45000.1")
    venue, transport = asked(
        ("GET", "/algoOrder", (200, algo(algoStatus="FINISHED", actualOrderId="555"))),
        ("GET", "/order", (200, child | {"clientOrderId": "x-child"})),
    )
    contract = venue.desk.contract(ID)
    found = venue.dialect.find(contract, "lw-0001", "", is_trigger=True)
    assert found is not None
    assert (found.state, found.filled_lots, found.kind) == ("filled", 3, "stop")
    assert [one.params.get("orderId") for one in transport.sent] == [None, "555"]
    venue, _ = asked(
        ("GET", "/algoOrder", (200, algo(algoStatus="FINISHED", actualOrderId="555"))),
        ("GET", "/order", (200, child | {"status": "EXPIRED", "executedQty": "0.001"})),
    )
    found = venue.dialect.find(venue.desk.contract(ID), "lw-0001", "", is_trigger=True)
    assert found is not None
    assert (found.state, found.filled_lots) == ("cancelled", 1)


def test_a_triggered_stop_told_as_the_plain_order_that_it_became_stays_a_stop() -> None:
    child = plain(
        type="MARKET", origType="STOP_MARKET", side="SELL", stopPrice="45000.1", workingType="MARK_PRICE"
    )
    venue, _ = asked(("GET", "/order", (200, child | {"reduceOnly": True})))
    found = venue.order(ID, "lw-0001")
    assert found is not None
    assert (found.kind, found.trigger_ticks, found.by_mark, found.state) == ("stop", 450_001, True, "filled")


def test_a_stop_among_the_plain_orders_is_cancelled_there() -> None:
    """One that was placed before conditional orders had a service of their own."""
    old = plain(
        orderId=77,
        clientOrderId="app-1",
        status="NEW",
        type="STOP_MARKET",
        origType="STOP_MARKET",
        side="SELL",
        executedQty="0",
        stopPrice="45000.1",
        reduceOnly=True,
    )
    cancelled: list[Sent] = []

    def answer(sent: Sent) -> Answer:
        if sent.method == "DELETE":
            cancelled.append(sent)
            return 200, old | {"status": "CANCELED"}
        if sent.path.endswith("/openOrders"):
            return 200, [] if cancelled else [old]
        if sent.path.endswith("/openAlgoOrders"):
            return 200, []
        if sent.path.endswith("/order") and cancelled:
            return 200, old | {"status": "CANCELED"}
        return 400, {"code": -2013, "msg": "Order does not exist."}

    venue, _ = venue_of("binance", answer)
    (found,) = venue.orders()
    assert (found.kind, found.trigger_ticks) == ("stop", 450_001)
    assert venue.cancel(found).state == "cancelled"
    assert [(one.path, one.params) for one in cancelled] == [
        ("/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "77"})
    ]


# -- facts


def info(tick: str = "0.10", notional: str = "100") -> dict[str, Any]:
    """A row of exchangeInfo."""
    return {
        "symbols": [
            {
                "symbol": "BTCUSDT",
                "pair": "BTCUSDT",
                "contractType": "PERPETUAL",
                "status": "TRADING",
                "baseAsset": "BTC",
                "quoteAsset": "USDT",
                "marginAsset": "USDT",
                "onboardDate": 1569398400000,
                "deliveryDate": 4133404800000,
                "liquidationFee": "0.012500",
                "filters": [
                    {"filterType": "PRICE_FILTER", "tickSize": tick},
                    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
                    {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "maxQty": "120"},
                    {"filterType": "MIN_NOTIONAL", "notional": notional},
                ],
            }
        ]
    }


def test_facts_that_differ_are_told_with_both_numbers() -> None:
    venue, transport = asked(("GET", "/exchangeInfo", (200, info(tick="0.01"))))
    with pytest.raises(VenueError, match=r"BROKER-126.*tick_size of binance:BTCUSDT is 0.01 .* and 0.1 in"):
        venue.check_facts(ID)
    assert all(one.method == "GET" for one in transport.sent)
    ours = str(venue.desk.contract(ID).min_notional)
    venue, _ = asked(("GET", "/exchangeInfo", (200, info(notional=ours))))
    assert venue.check_facts(ID) == []
    venue, _ = asked(("GET", "/exchangeInfo", (200, info(notional="777"))))
    assert venue.check_facts(ID) == [
        f"min_notional of binance:BTCUSDT is 777 at the venue and {ours} in the facts"
    ]


def test_another_venue_s_contract_has_no_facts_here() -> None:
    venue, _ = asked()
    with pytest.raises(InputError, match="BROKER-123"):
        venue.check_facts("bybit:BTCUSDT")


# -- a kill switch beside something that the facts do not know


class Account:
    """Holds a position that is known and one that is not, with an order in each."""

    def __init__(self) -> None:
        self.held = {"BTCUSDT": "0.003", "NOSUCHUSDT": "7"}
        self.sent: list[Sent] = []

    def __call__(self, sent: Sent) -> Answer:
        """Answer as the venue."""
        path = sent.path.rpartition("/")[2]
        if sent.method == "POST":
            self.sent.append(sent)
            self.held.pop(sent.params["symbol"])
        elif path == "positionRisk":
            shape = {"positionSide": "BOTH", "entryPrice": "50000"}
            return 200, [{"symbol": name, "positionAmt": one} | shape for name, one in self.held.items()]
        elif path == "openOrders":
            return 200, [plain(symbol="NOSUCHUSDT", status="NEW", executedQty="0", clientOrderId="app")]
        elif path in ("openAlgoOrders", "symbolConfig"):
            return 200, []
        return 200, plain(side="SELL", reduceOnly=True, clientOrderId=sent.params.get("newClientOrderId", ""))


def flattened(account: Account, everything: bool) -> Any:
    from lotwise.app import trade_safety
    from lotwise.app.trade_config import example, read
    from lotwise.clock import FixedClock

    venue, _ = venue_of("binance", account)
    with pytest.raises(VenueError, match="BROKER-152"):
        venue.positions()  # a session that cannot count all of an account opens nothing
    config, clock = read(example("binance", "live")), FixedClock(NOW_NS)
    done = trade_safety.flatten(config, venue, clock, trade_safety.Silent(), everything=everything)
    with pytest.raises(VenueError, match="BROKER-152"):
        venue.orders()  # only the kill switch passes it over
    return done


def test_a_coin_that_the_facts_do_not_know_does_not_stop_the_kill_switch() -> None:
    account = Account()
    done = flattened(account, everything=False)
    assert done.is_flat
    assert account.held == {"NOSUCHUSDT": "7"}
    assert [one.params["symbol"] for one in account.sent] == ["BTCUSDT"]


def test_with_everything_meant_what_was_passed_over_is_named() -> None:
    account = Account()
    done = flattened(account, everything=True)
    assert account.held == {"NOSUCHUSDT": "7"}
    assert done.left == ["binance:NOSUCHUSDT (not in the facts)"]
    assert not done.is_flat
