"""A local exchange under load: a server of its own, accounts, signed orders over kept connections.

Every connection trades its own account on a market that stands still, so what the accounts come to does not
depend on which connection was quicker: the same orders, put to a door in this process, give the same
integers.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, time_ns
from typing import Any, NamedTuple
from urllib.parse import urlencode

from lotwise.clock import SystemClock

CONNECTIONS = 8
DEPOSIT = "1000000"
SMALL = 320
COMMAND = (
    "import sys; from lotwise.cli.exchange import family;"
    " sys.exit(family(sys.argv[1:], result_action='return_value') or 0)"
)
MARKET = ("--start", "2025-01-06T01:00", "--history-hours", "1", "--days", "1", "--seed", "7", "--speed", "0")
PORTS = ("--port", "0", "--admin-port", "0")


class Served(NamedTuple):
    """A server: its ports and its process."""

    port: int
    admin: int
    process: int

    def asked(self, method: str, path: str, body: Any = None) -> Any:
        """What the admin port answers."""
        line = HTTPConnection("127.0.0.1", self.admin, timeout=600)
        line.request(method, path, json.dumps(body) if body is not None else None)
        answer = line.getresponse()
        told = json.loads(answer.read())
        line.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {told}")
        return told

    def memory_kb(self) -> int:
        """Resident memory of the server."""
        for line in Path(f"/proc/{self.process}/status").read_text("utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("the system does not tell of a process' memory")


@contextmanager
def serving(*options: str) -> Iterator[Served]:
    """A server over a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *MARKET, *PORTS, "--state", folder, "--json", *options],
            stdout=subprocess.PIPE,
            env={**os.environ, "NO_PROXY": "*"},
        )
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())["exchange"]
            yield Served(told["port"], told["admin"], process.pid)
        finally:
            process.terminate()
            process.wait(60)


def key_of(name: str) -> str:
    """The key, and the secret, of an account."""
    return hashlib.sha256(name.encode()).hexdigest()


def names(load: str) -> list[str]:
    """The accounts of a load: one for each connection."""
    return [f"{load}{number}" for number in range(CONNECTIONS)]


def order(number: int) -> dict[str, str]:
    """One of the orders: every other takes two lots, by turns bought and sold; the rest find nobody."""
    side = "BUY" if number % 4 < 2 else "SELL"
    told = {"symbol": "BTCUSDT", "side": side, "quantity": "0.002", "newClientOrderId": f"n{number}"}
    if number % 2:
        return {**told, "type": "MARKET"}
    price = "92500" if side == "BUY" else "97500"
    return {**told, "type": "LIMIT", "price": price, "timeInForce": "IOC"}


def signed(params: dict[str, str], secret: str) -> str:
    """A form with time and signature."""
    text = urlencode({**params, "timestamp": time_ns() // 10**6, "recvWindow": 60_000})
    return f"{text}&signature=" + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def rest_request(name: str, number: int) -> bytes:
    """An order as it goes over the wire."""
    form = signed(order(number), key_of(name))
    head = (
        "POST /fapi/v1/order HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-MBX-APIKEY: {key_of(name)}\r\nContent-Length: {len(form)}\r\n\r\n"
    )
    return (head + form).encode()


def call_request(name: str, number: int) -> bytes:
    """An order as a masked frame of the WebSocket API; the mask is all zeros."""
    key = key_of(name)
    params = {**order(number), "apiKey": key, "timestamp": str(time_ns() // 10**6), "recvWindow": "60000"}
    text = "&".join(f"{field}={params[field]}" for field in sorted(params))
    params["signature"] = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return frame(json.dumps({"id": number, "method": "order.place", "params": params}))


def frame(text: str) -> bytes:
    """A masked text frame of up to 65,535 bytes."""
    body = text.encode()
    short = len(body) < 126
    size = bytes([0x80 | len(body)]) if short else b"\xfe" + len(body).to_bytes(2, "big")
    return b"\x81" + size + b"\0\0\0\0" + body


def split_frames(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole frames' bodies of what a server sent, and what is left of it."""
    found, at = [], 0
    while len(data) >= at + 2:
        size, start = data[at + 1], at + 2
        if size == 126:
            size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if len(data) < start + size:
            break
        if data[at] & 0x0F in (1, 2):
            found.append(data[start : start + size])
        at = start + size
    return found, data[at:]


def upgrade(path: str) -> bytes:
    """The request that opens a WebSocket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: bG90d2lzZWxvdHdpc2UhIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class Trader(asyncio.Protocol):
    """Sends the next request when the last one is answered."""

    def __init__(self, requests: Sequence[bytes], seconds: list[float], *, is_call: bool) -> None:
        self.requests = iter(requests)
        self.seconds = seconds
        self.is_call = is_call
        self.is_open = not is_call
        self.data = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if self.is_call:
            transport.write(upgrade("/ws-fapi/v1"))
        else:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self.data += data
        if not self.is_open:
            _, end, self.data = self.data.partition(b"\r\n\r\n")
            self.is_open = bool(end)
            if end:
                self._next()
            return
        is_whole, is_good = self._frame() if self.is_call else self._answer()
        if is_whole:
            self.seconds.append(perf_counter() - self.sent)
            if not is_good:
                self.done.set_exception(RuntimeError("an order was refused"))
                self.transport.close()
            else:
                self._next()

    def _frame(self) -> tuple[bool, bool]:
        found, self.data = split_frames(self.data)
        return bool(found), all(b'"status":200' in body for body in found)

    def _answer(self) -> tuple[bool, bool]:
        head, end, body = self.data.partition(b"\r\n\r\n")
        size = int(head.partition(b"content-length: ")[2].partition(b"\r")[0]) if end else 1
        if not end or len(body) < size:
            return False, True
        self.data = b""
        return True, head.startswith(b"HTTP/1.1 200")

    def _next(self) -> None:
        request = next(self.requests, None)
        if request is None:
            self.done.set_result(None)
            self.transport.close()
            return
        self.sent = perf_counter()
        self.transport.write(request)


class Load(NamedTuple):
    """What a load took."""

    seconds: float
    answers: list[float]
    """Seconds from a request to its answer, shortest first."""

    @property
    def p99_ms(self) -> float:
        """Of a hundred answers one takes longer."""
        return self.answers[len(self.answers) * 99 // 100] * 1_000


def loaded(server: Served, load: str, count: int, *, is_call: bool) -> Load:
    """Open the accounts of a load and send so many orders, over all connections at once."""
    for name in names(load):
        key = key_of(name)
        server.asked("POST", "/account", {"name": name, "deposit": DEPOSIT, "key": key, "secret": key})
    made = call_request if is_call else rest_request
    requests = [[made(name, number) for number in range(count // CONNECTIONS)] for name in names(load)]

    async def run() -> Load:
        loop, answers = asyncio.get_running_loop(), list[float]()
        begin = perf_counter()
        traders = [
            (
                await loop.create_connection(
                    lambda r=rows: Trader(r, answers, is_call=is_call), "127.0.0.1", server.port
                )
            )[1]
            for rows in requests
        ]
        await asyncio.gather(*(trader.done for trader in traders))
        return Load(perf_counter() - begin, sorted(answers))

    return asyncio.run(run())


def numbers_over_the_wire(server: Served, load: str) -> list[int]:
    """What each account came to."""
    line = HTTPConnection("127.0.0.1", server.port, timeout=60)
    found: list[int] = []
    for name in names(load):
        told = []
        for path in ("/fapi/v3/account", "/fapi/v3/positionRisk", "/fapi/v1/income"):
            target = f"{path}?{signed({'limit': '1000'} if path.endswith('income') else {}, key_of(name))}"
            line.request("GET", target, headers={"X-MBX-APIKEY": key_of(name)})
            told.append(json.loads(line.getresponse().read()))
        found += numbers_of(*told)
    line.close()
    return found


def numbers_of(
    account: dict[str, Any], positions: list[dict[str, Any]], incomes: list[dict[str, Any]]
) -> list[int]:
    """Integers of one account: its wallet, what is free, its position, its last incomes."""
    texts = [account["totalWalletBalance"], account["availableBalance"]]
    texts += [row["positionAmt"] + "00000" for row in positions] + [row["income"] for row in incomes[-100:]]
    return [int(text.replace(".", "")) for text in texts] + [len(incomes)]


def numbers_in_process(load: str, count: int) -> list[int]:
    """The same orders put to a door without a wire."""
    from lotwise.exchange.binance.door import Door, Request
    from lotwise.exchange.faults import Faults
    from lotwise.exchange.market import MarketChoice
    from lotwise.exchange.venue import Venue
    from lotwise.units import parse_cash

    start_ns = 1_736_121_600 * 10**9
    venue = Venue(MarketChoice(days=1, history_ns=3_600 * 10**9, start_ns=start_ns))
    door = Door(venue, SystemClock(), Faults())
    found: list[int] = []

    def asked(name: str, method: str, path: str, params: dict[str, str]) -> Any:
        answer = door.answer(Request(method, path, signed(params, key_of(name)), "", key_of(name)))
        if answer.status != 200:
            raise RuntimeError(answer.body)
        return json.loads(answer.body)

    for name in names(load):
        venue.open_account(name, parse_cash(DEPOSIT, "deposit"), key_of(name), key_of(name))
        for number in range(count // CONNECTIONS):
            asked(name, "POST", "/fapi/v1/order", order(number))
        found += numbers_of(
            asked(name, "GET", "/fapi/v3/account", {}),
            asked(name, "GET", "/fapi/v3/positionRisk", {}),
            asked(name, "GET", "/fapi/v1/income", {"limit": "1000"}),
        )
    return found


def sizes_of(count: int) -> list[tuple[str, int]]:
    """The loads of a size: the small one first, so that its integers stand at the head of all."""
    return [("small", SMALL)] + [("full", count)] * (count > SMALL)
