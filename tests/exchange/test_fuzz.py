"""No input is an error of the server's own, hangs it, leaves something behind, or does what is refused."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections import Counter
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")

from lotwise.exchange.binance import openapi
from lotwise.exchange.binance.door import KEY as KEY_KIND
from lotwise.exchange.binance.door import PUBLIC, ROUTES
from lotwise.exchange.binance.parameters import SIGNED, Parameters
from lotwise.exchange.binance.refusals import Refusal
from tests.exchange.fuzzing import BATCHES, SECONDS, STRANGE, Drawer, Line, answer_of
from tests.exchange.in_process import InProcess, eventually, sockets_of
from tests.exchange.served import Server

REQUESTS = {"test": 2_000, "proof": 50_000}.get(os.environ.get("LOTWISE_PROFILE") or "test", 2_000)
MOST_GROWTH_KB = 40_000
"""Of the server's memory over all requests: orders, fills and incomes it remembers are bounded."""
SEED = 17


def memory_kb(process: int) -> int:
    """Resident memory; 0 where the system does not tell."""
    place = Path(f"/proc/{process}/status")
    found = re.search(r"VmRSS:\s+(\d+)", place.read_text("utf-8")) if place.is_file() else None
    return int(found[1]) if found else 0


def test_the_description_is_openapi_of_all_that_is_served() -> None:
    served = InProcess()
    told = openapi.description(served.venue.market)
    assert re.fullmatch(r"3\.1\.\d+", told["openapi"])
    assert set(told["info"]) == {"title", "version"}
    found = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert found == set(ROUTES)
    count = 0
    for path, methods in told["paths"].items():
        assert path.startswith("/")
        for method, operation in methods.items():
            assert operation["summary"]
            assert all(re.fullmatch(r"[1-5](\d\d|XX)", code) for code in operation["responses"])
            assert all("description" in one for one in operation["responses"].values())
            assert ("security" in operation) == (ROUTES[method.upper(), path][0] != PUBLIC)
            rows = operation.get("parameters", [])
            assert all(set(one) == {"name", "in", "required", "schema"} for one in rows)
            assert len({one["name"] for one in rows}) == len(rows)
            count += len(rows)
            for media in operation.get("requestBody", {}).get("content", {}).values():
                assert set(media["schema"].get("required", ())) <= set(media["schema"]["properties"])
                count += len(media["schema"]["properties"])
    assert count > 150
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(told))
    assert set(references) == {"components/schemas/Error"}


def test_every_schema_of_the_description_is_json_schema() -> None:
    schemas = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    told = openapi.description(InProcess().venue.market)
    rows = [
        one
        for methods in told["paths"].values()
        for op in methods.values()
        for one in op.get("parameters", [])
    ]
    for one in rows:
        schemas.Draft202012Validator.check_schema(one["schema"])
    good = schemas.Draft202012Validator({"type": "string", "pattern": openapi.DECIMAL["pattern"]})
    assert good.is_valid("0.002")
    assert not good.is_valid("1e-3")
    assert len(rows) > 80


def test_what_is_read_is_what_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    served = InProcess()
    read: set[str] = set()
    asked: list[Parameters] = []

    def texts(sent: Parameters, *names: str, default: str = "") -> str:
        if sent is asked[-1]:  # not one order of a batch
            read.update(names)
        sent.ignore(*names)
        return next((sent._texts[name] for name in names if sent._texts.get(name)), default)

    monkeypatch.setattr(Parameters, "text", texts)
    usual = {"symbol": "BTCUSDT", "pair": "BTCUSDT", "interval": "1m", "side": "BUY", "type": "LIMIT"}
    usual |= {"quantity": "0.002", "price": "93000", "timeInForce": "GTC", "leverage": "5", "amount": "1"}
    checked = 0
    for kind, function in ROUTES.values():
        described = {name for name, _, _ in openapi.reads_of(function)}
        for kinds in (
            {},
            {"orderIdList": "[1]"},
            {"type": "STOP"},
            {"type": "TRAILING_STOP_MARKET"},
            {"timeInForce": "GTD"},
        ):
            read.clear()
            sent = Parameters({**usual, "algoType": "CONDITIONAL", "triggerPrice": "99000", **kinds})
            asked.append(sent)
            account = served.venue.accounts[1]
            try:
                if kind == PUBLIC:
                    function(served.venue, sent)
                elif function.__code__.co_argcount == 3:
                    function(served.venue, account, sent)
                else:
                    function(served.venue, account, sent, lambda sent: None)
            except Refusal:
                pass  # what was read until then counts
            assert read - set(SIGNED) <= described, function
            checked += len(read)
    assert checked > 300
    assert KEY_KIND != PUBLIC


class Watch:
    """The server's state between two requests."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.line = Line(server.admin)

    def status(self) -> dict[str, Any]:
        """What the admin port says."""
        code, body = self.line.asked(b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert code == 200
        found: dict[str, Any] = json.loads(body)
        return found

    def state(self) -> tuple[Any, ...]:
        """All that a refused request may not change."""
        told = self.status()
        return told["hashes"], told["acts"], told["position"], told["accounts"], told["faults"]


def asked_by_description(watch: Watch, drawer: Drawer, count: int) -> Counter[int]:
    """Requests of the description; a refused one changes nothing."""
    line, found = Line(watch.server.port), Counter[int]()
    before = watch.state()
    for _ in range(count):
        request = drawer.request()
        status, body = line.asked(request)
        assert 200 <= status < 500, (status, body, request)
        assert json.loads(body) is not None
        after = watch.state()
        if status != 200:
            assert after == before, (status, body, request)
        before = after
        found[status] += 1
    line.close()
    return found


def asked_with_bytes(
    watch: Watch, port: int, drawer: Drawer, count: int, paths: tuple[str, ...]
) -> Counter[int]:
    """Bytes that are hardly a request; the writing side ends, so that nobody waits for the rest."""
    found = Counter[int]()
    before = watch.state()
    for _ in range(count):
        request = (
            drawer.request() if drawer.often(0.5) else drawer.over_the_wire("POST", drawer.one(paths), "{}")
        )
        data = drawer.mutated(request) if drawer.often(0.8) else drawer.bytes(400)
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as line:
            try:
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
                status, body = answer_of(line.recv)
            except ConnectionError:
                status, body = 0, b""
        assert status < 500, (status, body, data)
        after = watch.state()
        if status != 200:
            assert after == before or status == 0, (status, body, data)
        before = after
        found[status] += 1
    return found


def talked(watch: Watch, drawer: Drawer, count: int, path: str) -> int:
    """Messages over WebSockets, a few on each; how many of their answers there were."""
    answers = 0
    for _ in range(0, count, 5):
        with socket.create_connection(("127.0.0.1", watch.server.port), timeout=SECONDS) as line:
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            head += "Sec-WebSocket-Key: bG90d2lzZWxvdHdpc2UhIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            line.sendall(head.encode())
            assert line.recv(12) == b"HTTP/1.1 101"
            try:
                for _ in range(5):
                    line.sendall(drawer.frame(drawer.call()))
                line.sendall(b"\x88\x82\0\0\0\0\x03\xe8")  # the end, so that the server closes
                data = b""
                while part := line.recv(65_536):
                    data += part
            except ConnectionError:
                continue
            assert not re.search(rb'"status":5\d\d', data), data
            answers += data.count(b'"id"') + data.count(b'"error"')
    return answers


def admin_bodies(drawer: Drawer) -> bytes:
    """Something for the admin port that it must refuse, or that does no harm."""
    path = drawer.one(
        ("/account", "/step", "/faults", "/snapshot", "/nowhere", "/status", "/openapi.json", "/expire")
    )
    bodies: list[Any] = [{"name": value, "deposit": value} for value in STRANGE]
    bodies += [{"events": value} for value in (-1, 3, 10**30, "x", None, 0.5)]
    bodies += [{"until_ms": value} for value in (-1, 0, 10**30, 2**62, "x")]
    bodies += [{"kind": value, "value": 10**12} for value in ("latency", "gap", "drop", "x", "")]
    bodies += [*BATCHES, {"unknown": 1}, None]
    body = json.dumps(drawer.one(bodies)).encode() if drawer.often(0.8) else drawer.bytes(100)
    method = drawer.one(("POST", "POST", "POST", "GET", "DELETE", "PUT"))
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )


def asked_of_admin(watch: Watch, drawer: Drawer, count: int) -> Counter[int]:
    """Requests to the admin port."""
    line, found = Line(watch.server.admin), Counter[int]()
    before = watch.state()
    for _ in range(count):
        request = admin_bodies(drawer)
        status, body = line.asked(request)
        assert 200 <= status < 500, (status, body, request)
        after = watch.state()
        if status != 200:
            assert after == before, (status, body, request)
            assert json.loads(body)["error"]["code"].startswith(("EXCHANGE-", "UNIT-"))
        before = after
        found[status] += 1
    line.close()
    return found


def test_nothing_that_is_sent_breaks_the_server_or_is_half_done(tmp_path: Path) -> None:
    server = Server(tmp_path)
    told: list[str] = []
    log = Thread(target=lambda: told.extend(server.process.stderr or ()), daemon=True)
    log.start()  # a pipe that nobody reads would stop the server
    try:
        server.account(deposit="100000")
        watch = Watch(server)
        description = json.loads(
            watch.line.asked(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")[1]
        )
        drawer = Drawer(SEED, description)
        asked_by_description(watch, drawer, 100)  # what is loaded at first use is no leak
        tasks, sockets, memory = (
            watch.status()["tasks"],
            sockets_of(server.process.pid),
            memory_kb(server.process.pid),
        )
        part = REQUESTS // 20
        described = asked_by_description(watch, drawer, 12 * part)
        raw = asked_with_bytes(watch, server.port, drawer, 2 * part, ("/fapi/v1/order", "/ws", "/x"))
        raw += asked_with_bytes(watch, server.admin, drawer, part, ("/account", "/step", "/snapshot"))
        admin = asked_of_admin(watch, drawer, part)
        calls = talked(watch, drawer, 2 * part, "/ws-fapi/v1")
        streams = talked(watch, drawer, 2 * part, "/ws") + talked(watch, drawer, 20, "/stream")
        assert described[200] > part
        assert described[400] > part
        assert described[401] > 0
        assert raw[400] > 0
        assert raw[200] > 0
        assert admin[400] > 0
        assert calls > part // 4
        assert streams > part // 8
        assert eventually(lambda: watch.status()["sessions"] == 0)
        assert eventually(lambda: watch.status()["tasks"] <= tasks + 2)
        assert eventually(lambda: sockets_of(server.process.pid) <= sockets + 1)
        assert memory_kb(server.process.pid) - memory < MOST_GROWTH_KB
        print(f"fuzz: {described}, bytes {raw}, admin {admin}, {calls} calls, {streams} stream answers")
        watch.line.close()
    finally:
        server.process.send_signal(signal.SIGTERM)
        log.join(60)
        assert server.stop() == 0
    # The library tells of bytes that are no UTF-8 with a traceback of its own; nothing of ours may fail.
    assert not [line for line in told if "lotwise" in line or "ASGI application" in line or "Task" in line]
