"""The desk over TCP: a real exchange process, a real desk process, the library asked beside them."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[web] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

import lotwise
from lotwise.contracts import catalogue
from lotwise.journal.export import rows_of
from lotwise.journal.shelf import Journal, Wanted
from tests.exchange.served import CODE as EXCHANGE
from tests.exchange.served import SYMBOL, Server, client, usual
from tests.web.desk_rig import CONTRACT, DeskProcess, until

MARKET = ("--contracts", "BTCUSDT,ETHUSDT", "--start", "now", "--history-hours", "1", "--scenario", "storm")
DEPOSIT = "20000"
"""So that half of a position is an order that the venue takes."""
SETUPS = 200 if os.environ.get("LOTWISE_PROFILE") == "proof" else 50
TICKET: dict[str, Any] = {
    "contract": CONTRACT,
    "side": "long",
    "stop": {"text": "1%"},
    "targets": [{"text": "1R", "share": "50%"}, {"text": "6R", "share": 50}],
    "breakeven_after": 1,
}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "exchange", *MARKET)
    server.account(deposit=DEPOSIT)
    yield server
    server.stop()


@pytest.fixture
def desk(tmp_path: Path, exchange: Server) -> Iterator[DeskProcess]:
    found = DeskProcess(tmp_path, exchange)
    yield found.enter().ready()
    found.stop()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DeskProcess, Server]]:
    """A desk that is only asked, and its exchange, whose market nobody steps."""
    server = Server(tmp_path_factory.mktemp("exchange"), *MARKET)
    try:
        server.account(deposit=DEPOSIT)
        found = DeskProcess(tmp_path_factory.mktemp("desk"), server)
        try:
            yield found.enter().ready(), server
        finally:
            found.stop()
    finally:
        server.stop()


def placed(desk: DeskProcess, name: str = "click-one", **changes: Any) -> Any:
    status, told = desk.asked("POST", "/api/orders", {"client_id": name, "ticket": TICKET | changes})
    assert status == 200, told
    return told


class SamePorts(Server):
    """A server that comes back where it was."""

    def __init__(self, state: Path, *options: str, ports: tuple[int, int]) -> None:
        words = [*options, "--port", str(ports[0]), "--admin-port", str(ports[1]), "--speed", "0", "--json"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", EXCHANGE, "--state", str(state), *usual(options)[:-1], *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())["exchange"]
        self.port, self.admin = told["port"], told["admin"]


@lru_cache
def trader(port: int) -> Any:
    """One client of the exchange; the desk's account has its key."""
    return client(port)


def open_orders(server: Server) -> dict[str, dict[str, Any]]:
    """What the exchange itself has, plain and conditional, by client id."""
    found = trader(server.port)
    rows = found.fapiPrivateGetOpenOrders({"symbol": "BTCUSDT"})
    rows += found.fapiPrivateGetOpenAlgoOrders({"symbol": "BTCUSDT"})
    return {row.get("clientOrderId") or row.get("clientAlgoId"): row for row in rows}


def stops_of(server: Server) -> list[Fraction]:
    """Where stops stand: two for a moment, for the new one is seen before the old one is taken back."""
    return [
        Fraction(row.get("triggerPrice") or row.get("stopPrice"))
        for name, row in open_orders(server).items()
        if "-s0-" in name
    ]


def stop_of(server: Server) -> Fraction | None:
    """Where the one stop stands."""
    prices = stops_of(server)
    assert len(prices) <= 1
    return prices[0] if prices else None


def held(server: Server) -> Fraction:
    rows = trader(server.port).fapiPrivateV2GetPositionRisk({"symbol": "BTCUSDT"})
    return sum((Fraction(row["positionAmt"]) for row in rows), Fraction(0))


def play(server: Server, reached: Any, most: int = 400) -> bool:
    """Step the market until something is so."""
    for _ in range(most):
        if reached():
            return True
        if not server.step(200)["played"]:
            return False
    return bool(reached())


# -- what a page begins with


def test_boot_and_history_are_the_exchanges(still: tuple[DeskProcess, Server]) -> None:
    desk, exchange = still
    status, boot = desk.asked("GET", "/api/boot")
    assert status == 200
    assert (boot["mode"], boot["account"], boot["contract"]["id"]) == ("paper", "main", CONTRACT)
    assert boot["contracts"] == [CONTRACT, "binance:ETHUSDT"]
    exact = catalogue.load(CONTRACT)
    assert boot["contract"]["tick_text"] == exact.tick_size.rstrip("0")
    status, headers, body = desk.raw("GET", f"/api/history?contract={CONTRACT}&interval=1m&count=500")
    assert (status, headers["content-type"]) == (200, "application/octet-stream")
    magic, count, base_ms = struct.unpack_from("<4sIq", body)
    columns = struct.unpack_from(f"<{6 * count}i", body, 16)
    assert (magic, len(body)) == (b"LWH1", 16 + 24 * count)
    told = [columns[at * count : (at + 1) * count] for at in range(6)]
    _, rows = exchange.raw("GET", "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=500")
    _, now = exchange.raw("GET", "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")
    closed = [row for row in rows if row[0] + 60_000 <= max(now["time"], rows[-1][0])]
    assert count == len(closed) > 40
    for at, row in enumerate(closed):
        assert base_ms + told[0][at] * 1_000 == row[0]
        prices = [Fraction(one) / Fraction(exact.tick_size) for one in row[1:5]]
        assert [told[k][at] for k in range(1, 5)] == prices
        assert told[5][at] == Fraction(row[5]) / Fraction(exact.lot_size)
    earlier = base_ms + 10 * 60_000
    _, _, body = desk.raw("GET", f"/api/history?contract={CONTRACT}&interval=1m&count=5&before_ms={earlier}")
    _, count, begin = struct.unpack_from("<4sIq", body)
    assert (count, begin) == (5, earlier - 5 * 60_000)


def test_what_is_asked_wrongly_is_said(still: tuple[DeskProcess, Server]) -> None:
    desk, _ = still

    def code(method: str, path: str, body: Any = None) -> tuple[int, str]:
        status, told = desk.asked(method, path, body)
        return status, told["error"]["code"]

    history = "/api/history?contract="
    assert code("GET", f"{history}nonsense") == (400, "WEB-111")
    assert code("GET", f"{history}{CONTRACT}&interval=7m") == (400, "WEB-111")
    assert code("GET", f"{history}{CONTRACT}&count=-1") == (400, "WEB-115")
    assert code("GET", f"{history}{CONTRACT}&count=999999") == (400, "WEB-115")
    assert code("POST", "/api/size", b"{") == (400, "WEB-110")
    assert code("POST", "/api/size", b"\xff\xfe") == (400, "WEB-110")
    assert code("POST", "/api/size", TICKET | {"lots": 5}) == (400, "WEB-110"), "a ticket carries no size"
    assert code("POST", "/api/size", TICKET | {"stop": {}}) == (400, "WEB-112")
    assert code("POST", "/api/size", TICKET | {"stop": {"ticks": 5, "text": "5"}}) == (400, "WEB-112")
    assert code("POST", "/api/size", TICKET | {"targets": [{"text": "1R"}] * 5}) == (400, "WEB-112")
    assert code("POST", "/api/size", TICKET | {"equity": "50000"}) == (400, "WEB-114")
    assert code("POST", "/api/orders", {"client_id": "x", "ticket": TICKET}) == (400, "WEB-128")
    elsewhere = {"client_id": "elsewhere-1", "ticket": TICKET | {"contract": "binance:SOLUSDT"}}
    assert code("POST", "/api/orders", elsewhere) == (400, "WEB-111")
    assert code("POST", "/api/stop", {"contract": CONTRACT, "ticks": 5}) == (400, "WEB-123")
    assert code("POST", "/api/close", {"contract": CONTRACT}) == (400, "WEB-123")
    assert code("POST", "/api/cancel", {"contract": CONTRACT, "client_id": "none"}) == (400, "WEB-125")
    assert code("POST", "/api/flatten", {"held_ms": 999}) == (400, "WEB-118")
    assert code("POST", "/api/settings", {"guard": {"blackouts": "x"}}) == (400, "WEB-161")
    assert code("POST", "/api/settings", {"theme": "pink"}) == (400, "WEB-110")
    assert code("POST", "/api/scan", {"colour": "pink"}) == (400, "WEB-132")
    assert code("POST", "/api/scan", {"top": "0"}) == (400, "WEB-132")


def test_a_stop_on_the_wrong_side_never_turns_the_trade(still: tuple[DeskProcess, Server]) -> None:
    desk, _ = still
    for side, text in (("long", "999999"), ("short", "1")):
        status, told = desk.asked("POST", "/api/size", TICKET | {"side": side, "stop": {"text": text}})
        assert (status, told["error"]["code"]) == (400, "SIZE-005")
        assert "give a stop" in told["error"]["hint"]


# -- the size on the ticket


def test_the_answer_is_the_librarys_string_for_string(still: tuple[DeskProcess, Server]) -> None:
    """Setups all over the place: what the page is told is what the library says to the same words."""
    desk, _ = still
    feasible, refused = 0, 0
    for number in range(SETUPS):
        side = "long" if number % 2 else "short"
        ticket = TICKET | {
            "side": side,
            "stop": {"text": f"{(5 + number * 37 % 395) / 100:.2f}%"},
            "risk": f"{(1 + number * 13 % 100) / 100:.2f}%",
            "leverage": ("auto", "3x", "10", "20x")[number % 4],
            "targets": [{"text": f"{1 + number % 3}R"}] if number % 5 else [],
            "seq": number,
        }
        status, told = desk.asked("POST", "/api/size", ticket)
        assert status == 200, told
        asked = dict(told["asked"])
        plan = lotwise.size(asked.pop("contract"), **asked)
        assert told["plan"] == json.loads(plan.to_json())
        assert (told["seq"], told["side"]) == (number, side)
        if told["feasible"]:
            feasible += 1
            assert told["lots"] == plan.lots
            assert told["texts"]["size"] == f"{plan.quantity} {plan.quantity_unit}"
            budget = Fraction(plan.budget)
            assert (
                Fraction(plan.loss_at_stop or 0)
                <= budget
                <= Fraction(DEPOSIT) * Fraction(ticket["risk"][:-1]) / 100
            )
            lines = {one["name"]: one for one in told["lines"]}
            near, stop = lines["entry"]["ticks"], lines["stop"]
            last = near - 2 if side == "long" else near + 2  # the slippage of the terms
            assert stop["max_ticks"] == last - 1 if side == "long" else stop["min_ticks"] == last + 1
        else:
            refused += 1
            assert told["refusal"]["code"]
            assert told["refusal"]["ways"]
            assert told["lots"] == 0
            assert not {"size", "quantity", "loss", "notional", "margin", "liquidation"} & set(told["texts"])
            assert not any(line["sub"] for line in told["lines"]), "no money beside a trade that is refused"
    assert feasible > SETUPS // 4
    assert refused


def test_the_size_shown_is_the_size_sent(desk: DeskProcess, exchange: Server) -> None:
    status, told = desk.asked("POST", "/api/size", TICKET)
    assert (status, told["feasible"]) == (200, True)
    answer = placed(desk)
    assert answer["lots"] == told["lots"]
    assert held(exchange) == Fraction(told["plan"]["quantity"])


# -- a trade from its ticket to the journal


NEAR: dict[str, Any] = {
    "stop": {"text": "3%"},
    "targets": [{"text": "0.06R", "share": "50%"}, {"text": "6R", "share": 50}],
}
"""A first target that is far nearer than the stop: which of them comes first is the market's."""


def reached_its_target(desk: DeskProcess, exchange: Server) -> tuple[Any, Fraction]:
    """A trade whose first target filled and whose stop moved, and where that stood before.

    One that was stopped is tried anew, and one whose price was back beyond break-even at once: it was closed.
    """
    for number, side in enumerate(("long", "short", "long")):
        told = placed(desk, f"click-{number}-{side}", side=side, **NEAR)
        quantity, stop = held(exchange), stop_of(exchange)
        assert abs(quantity) == Fraction(told["lots"], 1000)
        assert stop is not None

        def moved(sign: int = 1 if quantity > 0 else -1, first: Fraction = stop) -> bool:
            found = stops_of(exchange)
            return len(found) == 1 and sign * (found[0] - first) > 0

        assert play(exchange, lambda before=quantity: held(exchange) != before)
        assert until(lambda: moved() or not held(exchange)), "neither moved nor closed"
        if moved():
            return told, stop
        assert until(lambda: not desk.state()["positions"])
    pytest.fail("three trades were stopped before a target that was 17 times nearer")


def test_a_whole_trade_and_its_place_in_the_journal(
    desk: DeskProcess, exchange: Server, tmp_path: Path
) -> None:
    told, first = reached_its_target(desk, exchange)
    side = 1 if held(exchange) > 0 else -1
    assert abs(held(exchange)) < Fraction(told["lots"], 1000)
    position = trader(exchange.port).fapiPrivateV2GetPositionRisk({"symbol": "BTCUSDT"})[0]
    stop, entry = stop_of(exchange), Fraction(position["entryPrice"])
    assert stop is not None
    assert side * (stop - entry) > 0, "break-even has the fees in it"
    shown = until(lambda: desk.state()["positions"])[0]
    assert until(
        lambda: (
            [one["texts"]["stop"].replace(",", "") for one in desk.state()["positions"]]
            == [f"{float(stop):.1f}"]
        )
    )
    assert (shown["side"], shown["own"]) == ("long" if side > 0 else "short", True)
    names = open_orders(exchange)
    assert sorted(name.rpartition("-")[0][-2:] for name in names) == ["s0", "t2"]
    assert all(str(row["reduceOnly"]).lower() == "true" for row in names.values())
    status, said = desk.asked("POST", "/api/close", {"contract": CONTRACT})
    assert status == 200, said
    assert held(exchange) == 0
    assert until(lambda: not open_orders(exchange))
    assert until(lambda: not desk.state()["positions"])

    def kept() -> list[dict[str, Any]]:
        journal = Journal.at(tmp_path / "journal.sqlite")
        try:
            return [row for row in rows_of(journal, journal.page(Wanted())) if row["closed_ns"]]
        finally:
            journal.close()

    trades = len([one for one in until(kept) if one])
    assert until(lambda: len(kept()) == trades)
    fills = trader(exchange.port).fapiPrivateGetUserTrades({"symbol": "BTCUSDT"})
    fees = sum(Fraction(one["commission"]) for one in fills)
    assert sum(Fraction(row["fee_cash"], 10**8) for row in kept()) == fees
    won = sum(Fraction(one["realizedPnl"]) for one in fills)
    assert sum(Fraction(row["realised_cash"], 10**8) for row in kept()) == won
    row = max(kept(), key=lambda one: one["opened_ns"])
    assert row["reason"].startswith("by hand")
    assert row["stop8"] == first * 10**8, "the journal has the stop as it was planned"
    assert row["risk_cash"] > 0
    assert row["r8"] == row["net_cash"] * 10**8 // row["risk_cash"]
    status, _, page = desk.raw("GET", "/journal")
    assert status == 200
    assert b"by hand" in page


def test_the_same_click_places_once(desk: DeskProcess, exchange: Server) -> None:
    first = placed(desk, "double-click")
    again = placed(desk, "double-click")
    assert first == again
    assert held(exchange) == Fraction(first["lots"], 1000)
    assert len(trader(exchange.port).fetch_my_trades(SYMBOL)) >= 1
    body = {"client_id": "double-click", "ticket": TICKET | {"side": "short"}}
    assert desk.asked("POST", "/api/orders", body)[1]["error"]["code"] == "WEB-128"
    status, told = desk.asked("POST", "/api/orders", {"client_id": "second-click", "ticket": TICKET})
    assert (status, told["error"]["code"]) == (400, "WEB-121"), "one trade a contract"


def test_a_stop_is_never_looser(desk: DeskProcess, exchange: Server) -> None:
    placed(desk)
    before = stop_of(exchange)
    assert before is not None
    ticks = int(before * 10)
    for looser in (ticks - 1, ticks - 500):
        status, told = desk.asked("POST", "/api/stop", {"contract": CONTRACT, "ticks": looser})
        assert (status, told["error"]["code"]) == (409, "GUARD-120"), told
    assert stop_of(exchange) == before
    status, told = desk.asked("POST", "/api/stop", {"contract": CONTRACT, "ticks": ticks + 100})
    assert status == 200, told
    assert stop_of(exchange) == before + 10
    status, told = desk.asked("POST", "/api/stop", {"contract": CONTRACT, "ticks": ticks * 2})
    assert (status, told["error"]["code"]) == (400, "WEB-124")
    assert stop_of(exchange) == before + 10


def test_a_waiting_entry_is_taken_back_and_exits_are_not(desk: DeskProcess, exchange: Server) -> None:
    shown = desk.asked("POST", "/api/size", TICKET)[1]
    price = Fraction(shown["asked"]["entry"]) - 400
    placed(desk, entry={"kind": "limit", "text": f"{float(price):.1f}"}, targets=[])
    name = next(iter(open_orders(exchange)))
    assert "-e1-" in name
    status, told = desk.asked("POST", "/api/cancel", {"contract": CONTRACT, "client_id": name})
    assert status == 200, told
    assert not open_orders(exchange)
    placed(desk, "click-two")
    stop = next(one for one in open_orders(exchange) if "-s0-" in one)
    status, told = desk.asked("POST", "/api/cancel", {"contract": CONTRACT, "client_id": stop})
    assert (status, told["error"]["code"]) == (400, "WEB-125")
    assert stop in open_orders(exchange)


def test_the_guard_refuses_what_it_refuses_everywhere(desk: DeskProcess, exchange: Server) -> None:
    status, told = desk.asked("POST", "/api/settings", {"guard": {"trades_a_day": "1"}})
    assert (status, told["changed"][0]["when"]) == (200, "now")
    placed(desk)
    assert desk.asked("POST", "/api/close", {"contract": CONTRACT})[0] == 200
    assert until(lambda: not desk.state()["positions"])

    def refused() -> Any:
        found = desk.asked("POST", "/api/size", TICKET)[1].get("refusal")
        return found if found and found["code"] != "WEB-121" else None  # the trade is not over yet

    shown = until(refused)
    assert shown["code"].startswith("GUARD-")
    assert shown["until_ms"] > 0
    status, refused = desk.asked("POST", "/api/orders", {"client_id": "one-too-many", "ticket": TICKET})
    assert (status, refused["error"]["code"]) == (409, shown["code"])
    assert held(exchange) == 0
    status, told = desk.asked("POST", "/api/settings", {"guard": {"trades_a_day": "5"}})
    assert told["changed"][0]["when"] == "tomorrow"
    assert desk.asked("POST", "/api/size", TICKET)[1]["refusal"]["code"] == shown["code"]
    ends = datetime.fromtimestamp(told["changed"][0]["from_ms"] / 1000, tz=UTC)
    assert (ends.hour, ends.minute) == (0, 0)


def test_flatten_closes_all_and_nothing_more_is_opened(desk: DeskProcess, exchange: Server) -> None:
    placed(desk)
    placed(desk, "click-two", contract="binance:ETHUSDT")
    status, told = desk.asked("POST", "/api/flatten", {"held_ms": 1_200})
    assert (status, told["flat"]) == (200, True), told
    assert held(exchange) == 0
    assert not open_orders(exchange)
    status, told = desk.asked("POST", "/api/orders", {"client_id": "after-that", "ticket": TICKET})
    assert status in (400, 409)
    assert held(exchange) == 0


# -- what breaks


def test_the_desk_dies_and_takes_up_what_it_left(desk: DeskProcess, exchange: Server, tmp_path: Path) -> None:
    first = placed(desk, "before-death")
    stop = stop_of(exchange)
    desk.kill()
    assert stop_of(exchange) == stop, "the stop stands at the exchange, not in the desk"
    again = DeskProcess(tmp_path, exchange).enter()
    try:
        assert until(lambda: len(again.state()["positions"]) == 1)
        assert again.state()["positions"][0]["own"] is True
        told = until(
            lambda: again.asked("POST", "/api/orders", {"client_id": "before-death", "ticket": TICKET})[1]
        )
        assert told == first, "the same click after a restart is the same trade"
        assert held(exchange) == Fraction(first["lots"], 1000)
        assert again.asked("POST", "/api/close", {"contract": CONTRACT})[0] == 200
        assert held(exchange) == 0
    finally:
        again.stop()


def test_the_exchange_dies_and_comes_back(desk: DeskProcess, exchange: Server, tmp_path: Path) -> None:
    placed(desk)
    port, admin = exchange.port, exchange.admin
    exchange.kill()
    assert until(lambda: desk.state()["problem"]), "the page is told"
    back = SamePorts(tmp_path / "exchange", *MARKET, ports=(port, admin))
    try:
        assert until(lambda: not desk.state()["problem"], 40)
        assert len(desk.state()["positions"]) == 1
        status, told = desk.asked("POST", "/api/close", {"contract": CONTRACT})
        assert status == 200, told
        assert until(lambda: held(back) == 0)
    finally:
        back.stop()
