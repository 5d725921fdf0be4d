"""Requests drawn from the OpenAPI description, bytes that are no requests, a client that never waits long."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from numpy.random import PCG64, Generator

from tests.exchange.served import KEY, SECRET

SECONDS = 20
"""No answer takes longer; what does, hangs."""
STRANGE = (
    "", " ", "0", "-0", "-1", "1e5", "NaN", "Infinity", "0x10", "null", "true", "[]", "{}", "0.1.2", "+5",
    "٣", "9" * 19, "9" * 40, "-" * 9, "0." + "1" * 30, "BTCUSDT'--", "<b>", "\x00", "é", "𝟘", "%", "%zz",
    "a" * 300, "a=b&c=d", "[[[[[[", '[{"a":1}]', '{"symbol":"BTCUSDT"}', "../../etc", "1\r\nX: y",
)  # fmt: skip
BATCHES = (
    [], {}, 1, "x", [1], [None], [[]], [{}], [{"symbol": "BTCUSDT"}] * 5, [{}] * 6,
    [{"symbol": None, "side": []}],
    [{"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": {}, "timeInForce": True}],
)  # fmt: skip
REAL = {
    "price": ("93000", "94000.1", "120000", "1"),
    "triggerPrice": ("90000", "99000", "94500"),
    "activatePrice": ("99000", "90000"),
    "quantity": ("0.002", "0.003", "5", "0.001", "100000"),
    "callbackRate": ("0.1", "1", "50"),
    "amount": ("1", "0.00000001", "100000"),
    "leverage": ("1", "20", "125", "126"),
    "dualSidePosition": ("true", "false"),
}
"""Texts that mean something where the description only says what sort they are."""


class Drawer:
    """Draws by a seed."""

    def __init__(self, seed: int, description: dict[str, Any]) -> None:
        self.draws = Generator(PCG64(seed))
        self.operations = [
            (method.upper(), path, operation)
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
        ]

    def one(self, of: Any) -> Any:
        """One of several."""
        return of[int(self.draws.integers(len(of)))]

    def often(self, share: float) -> bool:
        """True so often."""
        return bool(self.draws.random() < share)

    def bytes(self, most: int) -> bytes:
        """Some bytes."""
        return self.draws.bytes(int(self.draws.integers(1, most)))

    def mutated(self, data: bytes) -> bytes:
        """A few bytes changed, taken out, doubled, or the end missing."""
        found = bytearray(data)
        for _ in range(int(self.draws.integers(1, 8))):
            at = int(self.draws.integers(len(found))) if found else 0
            match int(self.draws.integers(5)):
                case 0:
                    found[at : at + 1] = self.bytes(3)
                case 1:
                    del found[at : at + int(self.draws.integers(1, 20))]
                case 2:
                    found[at:at] = found[at : at + 30]
                case 3:
                    del found[at:]
                case _:
                    found[at:at] = self.one(STRANGE).encode("utf-8", "surrogatepass")
        return bytes(found)

    def text(self, name: str, schema: dict[str, Any]) -> str:
        """A value: mostly what the description allows, else what it does not."""
        if name in ("batchOrders", "orderidlist", "orderIdList") and self.often(0.8):
            return json.dumps(self.one(BATCHES))
        if self.often(0.25):
            return str(self.one(STRANGE))
        if name in REAL:
            return str(self.one(REAL[name]))
        if "enum" in schema:
            return str(self.one(schema["enum"]))
        if schema.get("type") == "integer":
            return str(
                self.one((0, 1, 5, 20, 500, 1_000, 2_000, 1_736_125_200_000, -5, 2**53, 2**63, 10**25))
            )
        if "pattern" in schema:
            return f"{int(self.draws.integers(0, 10**6))}.{int(self.draws.integers(0, 100))}"
        return f"t{int(self.draws.integers(50))}"

    def request(self) -> bytes:
        """A request of the description, now and then with a wrong key, time or signature."""
        method, path, operation = self.one(self.operations)
        form = operation.get("requestBody", {}).get("content", {})
        schema = form.get("application/x-www-form-urlencoded", {}).get("schema", {"properties": {}})
        fields = [(one["name"], one["schema"], one["required"]) for one in operation.get("parameters", [])]
        fields += [(n, one, n in schema.get("required", ())) for n, one in schema["properties"].items()]
        sent = [
            (name, self.text(name, one))
            for name, one, required in fields
            if name not in ("timestamp", "signature", "recvWindow") and self.often(0.95 if required else 0.4)
        ]
        if self.often(0.05) and sent:
            sent.append(self.one(sent))
        if self.often(0.05):
            sent.append(("nobodyReadsThis", "1"))
        text = "&".join(f"{name}={quote_plus(value, errors='replace')}" for name, value in sent)
        if any(name == "timestamp" for name, _, _ in fields):
            text = self.signed(text)
        return self.over_the_wire(method, path, text)

    def signed(self, text: str) -> str:
        """The text with a time and a signature, mostly right ones."""
        stamp = str(time.time_ns() // 10**6) if self.often(0.95) else str(self.one(STRANGE)).strip()
        text = f"{text}&" * bool(text) + f"timestamp={quote_plus(stamp)}&recvWindow=60000"
        mark = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        mark = mark if self.often(0.95) else str(self.one(("", "0" * 64, mark[:-1], mark.upper())))
        return f"{text}&signature={mark}"

    def over_the_wire(self, method: str, path: str, text: str) -> bytes:
        """The bytes of a request; the form goes into the body where the venue wants it there."""
        key = KEY if self.often(0.97) else str(self.one(("", "short", "z" * 64)))
        is_form = method in ("POST", "PUT") and self.often(0.7)
        target, body = (path, text) if is_form else (f"{path}?{text}" if text else path, "")
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-MBX-APIKEY: {key}\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def call(self) -> bytes:
        """A message of the WebSocket API, or of a stream, or no message at all."""
        methods = (
            "order.place",
            "order.cancel",
            "order.modify",
            "order.status",
            "account.status",
            "ping",
            "time",
        )
        methods += (
            "SUBSCRIBE",
            "UNSUBSCRIBE",
            "LIST_SUBSCRIPTIONS",
            "SET_PROPERTY",
            "algoOrder.place",
            "",
            "x" * 500,
        )
        params: Any = {
            name: self.text(name, {}) for name in ("symbol", "side", "type", "quantity") if self.often(0.7)
        }
        if self.often(0.6):
            params |= {"apiKey": KEY, "timestamp": time.time_ns() // 10**6}
            text = "&".join(f"{name}={params[name]}" for name in sorted(params))
            params["signature"] = hmac.new(
                SECRET.encode(), text.encode("utf-8", "replace"), hashlib.sha256
            ).hexdigest()
        if self.often(0.4):
            names = (
                "btcusdt@trade",
                "btcusdt@depth@100ms",
                "!ticker@arr",
                "x@kline_9z",
                "combined",
                "@",
                "",
                "é",
            )
            params = self.one(
                ([self.one(names), self.one(names)], ["combined", True], [1], [None], 5, None, "x")
            )
        number = self.one((1, "a", None, [1], {"b": 2}, 2**70, -1))
        message = json.dumps({"id": number, "method": self.one(methods), "params": params}).encode()
        if self.often(0.3):
            message = self.mutated(message)
        return message if self.often(0.9) else self.bytes(200)

    def frame(self, body: bytes) -> bytes:
        """A masked frame; now and then one that breaks the rules."""
        first = 0x81 if self.often(0.8) else int(self.draws.integers(256))
        size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
        return bytes([first]) + size + b"\0\0\0\0" + body


class Line:
    """A connection that is opened again when it was closed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.line: socket.socket | None = None

    def asked(self, data: bytes) -> tuple[int, bytes]:
        """Status and body; (0, b"") where the connection was closed without an answer."""
        for attempt in range(2):
            if self.line is None:
                self.line = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
            try:
                self.line.sendall(data)
                status, body = answer_of(self.line.recv)
            except (ConnectionError, BrokenPipeError):
                status, body = 0, b""
            if status or attempt:
                return status, body
            self.close()  # the server ended a connection that was idle: once more on a new one
        raise AssertionError

    def close(self) -> None:
        """Let go."""
        if self.line is not None:
            self.line.close()
            self.line = None


def answer_of(receive: Callable[[int], bytes]) -> tuple[int, bytes]:
    """Read one answer; a time-out is an error of its own and is not caught."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = receive(65_536)
        if not part:
            return 0, b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    if b"content-length:" in lower:
        size = int(lower.partition(b"content-length:")[2].partition(b"\r")[0])
        while len(body) < size:
            part = receive(65_536)
            if not part:
                break
            body += part
    return int(head.split(b" ", 2)[1]), body
