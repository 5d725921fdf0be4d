"""``lotwise exchange`` as a user meets it: accounts, silly input, what is answered and what is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")

from lotwise.clock import FixedClock
from lotwise.errors import InputError, LotwiseError
from lotwise.exchange.market import MarketChoice
from lotwise.exchange.serve import Ports, bound, run
from tests.exchange.served import Server, client

CODE = """
import sys
from lotwise.cli.exchange import family
from lotwise.errors import LotwiseError
try:
    sys.exit(family(sys.argv[1:], result_action="return_value") or 0)
except LotwiseError as error:
    print(error.code, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def asked(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "LOTWISE_EXCHANGE": str(state)},
    )


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("--market", "dream", "--port", "0", "--admin-port", "0"), "EXCHANGE-102", 2),
        (("--port", "99999", "--admin-port", "0", "--days", "1", "--history-hours", "1"), "EXCHANGE-130", 2),
        (("--speed", "-1"), "EXCHANGE-131", 2),
        (("--history-hours", "1000"), "EXCHANGE-133", 2),
        (("--start", "yesterday"), "DATA-403", 2),
        (("--scenario", "sunny"), "DATA-641", 2),
        (("account", "add", "me", "--admin", "ftp://x"), "EXCHANGE-134", 2),
        (("account", "add", "me", "--admin", "http://127.0.0.1:9"), "EXCHANGE-135", 4),
        (("account", "add", "me", "--deposit", "-5"), "EXCHANGE-107", 2),
        (("account", "add", ""), "EXCHANGE-106", 2),
    ],
)
def test_silly_input_is_refused_by_its_code(
    tmp_path: Path, arguments: tuple[str, ...], code: str, status: int
) -> None:
    done = asked(*arguments, state=tmp_path)
    assert (done.returncode, done.stderr.strip().splitlines()[-1:]) == (status, [code])


def test_an_account_that_was_added_before_the_start_trades_after_it(tmp_path: Path) -> None:
    told = json.loads(asked("account", "add", "me", "--deposit", "500", "--json", state=tmp_path).stdout)
    server = Server(tmp_path)
    try:
        assert asked("account", "add", "you", state=tmp_path).stderr.strip() == "EXCHANGE-110"
        address = f"http://127.0.0.1:{server.admin}"
        done = asked("account", "add", "you", "--admin", address, "--json", state=tmp_path)
        assert json.loads(done.stdout)["name"] == "you"
        again = asked("account", "add", "you", "--admin", address, state=tmp_path)
        assert (again.returncode, again.stderr.strip()) == (2, "EXCHANGE-106")
        ex = client(server.port, apiKey=told["key"], secret=told["secret"])
        assert ex.fetch_balance()["USDT"]["total"] == 500
    finally:
        assert server.stop() == 0


def test_pages_of_a_browser_and_foreign_names_are_not_answered(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        assert server.raw("GET", "/fapi/v1/ping") == (200, {})
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            assert server.raw("GET", "/fapi/v1/ping", headers=headers)[0] == 403
        assert server.raw("POST", "/fapi/v1/order", "x" * 70_000)[0] == 413
        assert server.raw("GET", "/fapi/v1/nothing")[0] == 404
        assert server.raw("POST", "/fapi/v1/order", "a=%ff")[0] in (400, 401)
        server.port, port = server.admin, server.port
        told = server.raw("GET", "/status", headers={"Host": "evil.example"})
        assert (told[0], told[1]["error"]["code"]) == (403, "EXCHANGE-123")
        server.port = port
        for noise in (b"\x00" * 500, b"GET / HTTP/9.9\r\n\r\n", b"POST /fapi/v1/order HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
                raw.sendall(noise)
                raw.shutdown(socket.SHUT_WR)
                assert b" 500 " not in raw.recv(2_000)
        assert server.raw("GET", "/fapi/v1/ping") == (200, {})
    finally:
        assert server.stop() == 0


def test_sockets_subscribe_list_and_are_told_of_an_expired_key(tmp_path: Path) -> None:
    import aiohttp

    server = Server(tmp_path)
    server.account()
    key = client(server.port).fapiPrivatePostListenKey()["listenKey"]
    found: list[Any] = []
    many = [f"x{number}@trade" for number in range(201)]

    async def story() -> None:
        async with aiohttp.ClientSession() as session:
            address = f"http://127.0.0.1:{server.port}"
            wanted = "btcusdt@aggTrade/ethusdt@bookTicker"
            async with session.ws_connect(f"{address}/stream?streams={wanted}") as line:
                for asked_for in (
                    {"id": 3, "method": "LIST_SUBSCRIPTIONS"},
                    {"id": 4, "method": "UNSUBSCRIBE", "params": ["btcusdt@aggTrade"]},
                    "no json",
                    {"id": 5, "method": "SUBSCRIBE", "params": many},
                    {"id": 6, "method": "SUBSCRIBE", "params": "btcusdt@trade"},
                    {"id": 7, "method": "DANCE"},
                ):
                    await line.send_str(json.dumps(asked_for))
                    found.append(await line.receive_json(timeout=10))
                await asyncio.to_thread(server.step, 300)
                found.append(await line.receive_json(timeout=10))
            async with session.ws_connect(f"{address}/ws/{key}") as line:
                await asyncio.to_thread(server.asked, "POST", "/expire")
                found.append(await line.receive_json(timeout=10))
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{address}/private/ws?listenKey={key}")

    try:
        asyncio.run(story())
    finally:
        assert server.stop() == 0
    assert found[0] == {"result": ["btcusdt@aggTrade", "ethusdt@bookTicker"], "id": 3}
    assert found[1] == {"result": None, "id": 4}
    assert [one["error"]["code"] for one in found[2:6]] == [3, 2, 2, 2]
    assert (found[6]["stream"], found[6]["data"]["e"]) == ("ethusdt@bookTicker", "bookTicker")
    assert (found[7]["e"], found[7]["listenKey"]) == ("listenKeyExpired", key)


def test_a_market_at_speed_runs_by_itself(tmp_path: Path) -> None:
    server = Server(tmp_path, speed=600)
    try:
        first = server.asked("GET", "/status")["position"]
        while server.asked("GET", "/status")["position"] < first + 100:
            pass
        assert server.asked("GET", "/status")["now_ms"] > 1_736_125_200_000
    finally:
        assert server.stop() == 0


def test_a_port_that_is_taken_and_a_package_that_is_missing_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    place = bound("127.0.0.1", 0)
    place.listen()
    with pytest.raises(InputError, match="EXCHANGE-130"):
        bound("127.0.0.1", place.getsockname()[1])
    place.close()
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(LotwiseError, match="EXCHANGE-132"):
        run(MarketChoice(days=1), None, FixedClock(0), 0, Ports(), ready=lambda told: None)


@pytest.mark.parametrize(
    "answer", [(200, b'{"name": "me"}'), (400, b'{"error": {"code": "EXCHANGE-110"}}'), (200, b"?")]
)
def test_the_line_to_the_admin_port_is_closed_whatever_it_answers(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, bytes]
) -> None:
    import http.client

    from lotwise.cli.exchange import _asked as admin_asked

    closed: list[bool] = []

    class Line:
        """A connection that answers so."""

        status = answer[0]

        def __init__(self, host: str, port: int, timeout: float) -> None:
            assert (host, port) == ("127.0.0.1", 9)

        def request(self, method: str, path: str, body: str) -> None:
            assert (method, path) == ("POST", "/account")

        def getresponse(self) -> Line:
            return self

        def read(self) -> bytes:
            return answer[1]

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr(http.client, "HTTPConnection", Line)
    told = ""
    with contextlib.suppress(LotwiseError):
        told = admin_asked("http://127.0.0.1:9/account", {"name": "me"})["name"]
    assert told == ("me" if answer == (200, b'{"name": "me"}') else "")
    assert closed == [True]
