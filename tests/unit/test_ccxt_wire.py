"""What leaves for each venue: by the allow-list, as stored, and as ccxt's own call where it is right."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("ccxt")

from lotwise.broker.ccxt_venue.allowed import ALLOWED, KINDS, allowed
from lotwise.contracts import catalogue
from lotwise.errors import InputError
from lotwise.units import Lots
from tests.wire.capture import stored
from tests.wire.offline import CONTRACTS, client_of, venue_of
from tests.wire.orders import FORMS, all_requests, order_of, request_of
from tests.wire.unified import order as by_ccxt

VENUES = tuple(CONTRACTS)
PAIRS = [(venue, kind) for venue in VENUES for kind in KINDS if kind in ALLOWED[venue]]
OURS_ALONE = {
    "binance": {"positionSide": "BOTH", "newOrderRespType": "RESULT", "workingType": "CONTRACT_PRICE"},
    "bybit": {"positionIdx": 0, "timeInForce": "GTC", "triggerBy": "LastPrice"},
    "bingx": {"timeInForce": "GTC", "workingType": "CONTRACT_PRICE"},
    "weex": {"SlWorkingType": "CONTRACT_PRICE", "TpWorkingType": "CONTRACT_PRICE"},
}
"""What we say and ccxt leaves to the venue's default, which is the same."""
ROOM = {"newOrderRespType", "triggerDirection"}
"""What ccxt says and the venue does not ask for, or what both say in their own way."""


@pytest.mark.parametrize("venue", VENUES)
def test_every_change_leaves_as_it_is_stored(venue: str) -> None:
    wanted = json.loads(stored(venue).read_text())
    found = json.loads(json.dumps(all_requests(venue)))
    assert found == wanted
    assert set(wanted) >= {kind for kind in KINDS if kind in ALLOWED[venue]} | {"cancel", "cancel of a stop"}


@pytest.mark.parametrize("venue", VENUES)
def test_every_row_names_an_endpoint_of_ccxt_and_its_path(venue: str) -> None:
    client, transport = client_of(venue, lambda sent: (200, {"code": 0, "retCode": 0, "success": True}))
    for action, row in ALLOWED[venue].items():
        given = {name: "X" for name in (*row.given, *row.optional) if "{" + name + "}" in row.path}
        getattr(client, row.call)(given)
        sent, path = transport.sent[-1], row.path
        for name, value in given.items():
            path = path.replace("{" + name + "}", value)
        assert (sent.method, sent.path) == (row.method, path), action
    assert len(transport.sent) == len(ALLOWED[venue]) >= 25


@pytest.mark.parametrize("venue", ["binance", "bybit", "bingx", "weex"])
@pytest.mark.parametrize("kind", ["market", "market reduce", "limit", "post-only", "stop", "target"])
def test_where_ccxt_is_right_it_sends_the_same(venue: str, kind: str) -> None:
    form, price = FORMS[kind], None
    params: dict[str, Any] = {"clientOrderId": "lw-0001"}
    if form["kind"] == "limit":
        price = 50000.1
    if form["kind"] in ("stop", "target"):
        params["stopLossPrice" if form["kind"] == "stop" else "takeProfitPrice"] = float(form["trigger"])
    if form.get("is_reduce_only"):
        params["reduceOnly"] = True
    if form.get("is_post_only"):
        params["postOnly"] = True
    side = "sell" if form.get("side") == -1 else "buy"
    theirs = by_ccxt(venue, "limit" if price else "market", side, price, **params)
    ours = request_of(venue, kind, **({"by_mark": False} if kind == "target" else {}))
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    amount = "qty" if venue == "bybit" else "quantity"
    mine = dict(ours.params) | {amount: "0.003"}  # other lots, the same unit: coins
    more = {name: value for name, value in mine.items() if name not in theirs.params}
    assert more.items() <= OURS_ALONE[venue].items()
    for name, value in theirs.params.items():
        assert name in ROOM or mine[name] == value, name
    assert any(name in mine for name in ("newClientOrderId", "clientAlgoId", "orderLinkId", "clientOrderID"))


UNITS = [
    ("binance", "quantity", "0.003", "0.003"),
    ("bybit", "qty", "0.003", "0.003"),
    ("bingx", "quantity", "0.0003", "0.0003"),
    ("mexc", "vol", 3, "0.0003"),
    ("weex", "quantity", "0.0003", "0.0003"),
]


@pytest.mark.parametrize(("venue", "name", "wire", "coins"), UNITS)
def test_three_lots_in_the_unit_of_each_wire(venue: str, name: str, wire: Any, coins: str) -> None:
    """MEXC counts contracts of 0.0001 BTC, WEEX and the others coins."""
    contract = catalogue.load(CONTRACTS[venue])
    for kind in [kind for kind in KINDS if kind in ALLOWED[venue]]:
        assert request_of(venue, kind).params[name] == wire
    assert contract.quantity_text(3) == coins
    assert Decimal(str(wire)) * Decimal(str(contract.contract_size)) == Decimal(coins)


def test_inverse_quantities_are_dollars_and_contracts_of_dollars() -> None:
    """Bybit's BTCUSD counts dollars; a COIN-M contract is 100 of them, and has no dialect here."""
    bybit = catalogue.load("bybit-inverse:BTCUSD")
    found, transport = venue_of("bybit", lambda sent: (200, {"retCode": 0, "result": {}}))
    order = order_of("bybit", "market")
    import msgspec

    order = msgspec.structs.replace(order, contract_id=bybit.id, lots=Lots(250))
    found.wire.ask("market", **found.dialect.placing(order, bybit))
    assert (transport.sent[-1].params["category"], transport.sent[-1].params["qty"]) == ("inverse", "250")
    coin_m = catalogue.load("binance-coinm:BTCUSD_PERP")
    assert (coin_m.contracts_text(3), coin_m.quantity_text(3)) == ("3", "300")
    with pytest.raises(InputError) as caught:
        venue_of("binance", lambda sent: (200, {}))[0].market(coin_m.id)
    assert caught.value.code == "BROKER-123"


def test_a_small_price_is_written_digit_by_digit() -> None:
    """0.00001 as a float would leave as 1e-05."""
    from lotwise.broker.ccxt_venue.wire import exact_body

    text = exact_body({"price": Decimal("0.00001"), "vol": Decimal(1000), "id": 2**60, "reduceOnly": True})
    assert text == '{"price":0.00001,"vol":1000,"id":1152921504606846976,"reduceOnly":true}'


def changed(params: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    found = dict(params)
    if value is None:
        found.pop(name)
    else:
        found[name] = value
    return found


@pytest.mark.parametrize(("venue", "kind"), PAIRS)
def test_nothing_that_differs_from_its_row_may_leave(venue: str, kind: str) -> None:
    found, transport = venue_of(venue, lambda sent: (200, {}))
    params = dict(found.dialect.placing(order_of(venue, kind), catalogue.load(CONTRACTS[venue])))
    assert allowed(venue, kind, params).method == "POST"
    row = ALLOWED[venue][kind]
    bad = [changed(params, name, None) for name in params]
    bad += [changed(params, name, "other") for name in (*row.fixed, *row.choices)]
    bad += [changed(params, name, 1 if value is True else str(value)) for name, value in row.fixed.items()
            if not isinstance(value, str)]  # fmt: skip
    bad += [
        params | {strange: "5"} for strange in ("leverage5", "stopLossPrice", "trailingAmount", "marginMode")
    ]
    bad += [changed(params, name, 0.5) for name in params if name not in row.fixed]
    bad += [changed(params, name, "") for name in params]
    for one in bad:
        with pytest.raises(InputError) as caught:
            found.wire.ask(kind, **one)
        assert caught.value.code == "BROKER-121", one
    assert transport.sent == []
    assert len(bad) > 15


def test_a_kind_that_is_not_listed_is_refused() -> None:
    for venue, kind in (
        ("binance", "trailing"),
        ("bingx", "stop entry"),
        ("weex", "target entry"),
        ("ftx", "market"),
    ):
        with pytest.raises(InputError) as caught:
            allowed(venue, kind, {})
        assert caught.value.code == "BROKER-120"
        assert "market" in caught.value.hint or "binance" in caught.value.hint
    found, transport = venue_of("bingx", lambda sent: (200, {}))
    with pytest.raises(InputError) as caught:
        found.place(order_of("bingx", "stop entry"))
    assert (caught.value.code, transport.sent) == ("BROKER-120", [])
