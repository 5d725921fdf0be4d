"""Unmodified ccxt clients side by side, each with an account of its own; the sheet of what they were told.

Every act is done by every client and once by the reference; the raw answer of each (ccxt's ``info``, or the
answer of an implicit method) is compared with the reference, field by field, as text.
"""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self
from urllib.parse import urlsplit

from tests.exchange.conformance_twin import CHOICE, Twin
from tests.exchange.conformance_wire import SYMBOLS, Wire
from tests.exchange.served import Server, config

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
DEPOSIT_CASH: Final = 2_000 * 10**8
OPTIONS: Final = ("--start", "2025-01-06T07:30")
"""With the hour of history of the other options the market begins at 06:00, as the twin's."""
CLIENTS: Final = ("ccxt", "ccxt async", "ccxt.pro")


class Anything:
    """Equal to whatever is there: the server's own time, a drawn key."""


WHATEVER: Final = Anything()


class Line(NamedTuple):
    """One compared value."""

    endpoint: str
    field: str
    expected: str
    got: str
    client: str


def text(value: Any) -> str:
    """A raw value as text: a number of JSON as it is written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


@dataclass
class Sheet:
    """All that was compared."""

    lines: list[Line] = field(default_factory=list)
    reached: dict[str, set[str]] = field(default_factory=dict)
    """Client to endpoints."""

    def compare(self, client: str, endpoint: str, expected: Any, got: Any, place: str = "") -> None:
        """Compare a whole answer: the same names, the same rows, the same texts."""
        self.reached.setdefault(client, set()).add(endpoint)
        if isinstance(expected, Anything):
            assert got not in (None, "", []), f"{client}: {endpoint}: {place} is missing"
        elif isinstance(expected, dict):
            assert isinstance(got, dict), f"{client}: {endpoint}: {place}: {got!r}"
            assert set(expected) == set(got), (
                f"{client}: {endpoint}: {place}: not expected {sorted(set(got) - set(expected))},"
                f" missing {sorted(set(expected) - set(got))}"
            )
            for name, value in expected.items():
                self.compare(client, endpoint, value, got[name], f"{place}.{name}".lstrip("."))
        elif isinstance(expected, list):
            assert isinstance(got, list), f"{client}: {endpoint}: {place}: {got!r}"
            assert len(expected) == len(got), f"{client}: {endpoint}: {place}: {expected!r} / {got!r}"
            for number, value in enumerate(expected):
                self.compare(client, endpoint, value, got[number], f"{place}[{number}]")
        else:
            self.lines.append(Line(endpoint, place, text(expected), text(got), client))

    def wrong(self) -> list[Line]:
        """Values that are not the expected ones."""
        return [line for line in self.lines if line.expected != line.got]

    def table(self) -> list[tuple[str, str, str, str, str]]:
        """One row for each endpoint, field and value: expected, got, and which clients were told it."""
        found: dict[tuple[str, str, str, str], list[str]] = {}
        for line in self.lines:
            who = found.setdefault(line[:4], [])
            if line.client not in who:
                who.append(line.client)
        return [(*key, ", ".join(who)) for key, who in sorted(found.items())]

    def distinct(self) -> set[tuple[str, str, str]]:
        """Different values: the same of two clients, or asked for twice, counts once."""
        return {(line.endpoint, line.field, line.expected) for line in self.lines}


@dataclass
class Client:
    """One ccxt client and the number of its account."""

    name: str
    ex: Any
    number: int
    wire: Wire

    async def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method, awaited where it is to be."""
        found = getattr(self.ex, method)(*arguments)
        return await found if inspect.isawaitable(found) else found

    @property
    def path(self) -> str:
        """Where the last request went."""
        return urlsplit(self.ex.last_request_url).path


class Stage:
    """The server, the twin, the three clients, the sheet."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.sheet = Sheet()
        self.twin = Twin(DEPOSIT_CASH)
        self.clients: list[Client] = []

    async def __aenter__(self) -> Self:
        """Open the accounts and load the markets."""
        import ccxt
        import ccxt.async_support
        import ccxt.pro

        kinds = (ccxt.binanceusdm, ccxt.async_support.binanceusdm, ccxt.pro.binanceusdm)
        for number, (name, kind) in enumerate(zip(CLIENTS, kinds, strict=True), 1):
            key, secret = f"{number}" * 64, f"{number + 4}" * 64
            money = {"name": f"n{number}", "deposit": "2000", "key": key, "secret": secret}
            self.server.asked("POST", "/account", money)
            ex = kind(config(self.server.port, apiKey=key, secret=secret))
            if name == "ccxt":
                ex.session.trust_env = False
            else:
                ex.aiohttp_trust_env = False
            client = Client(name, ex, number, Wire(self.twin, number))
            self.clients.append(client)
            await client.ask("load_markets")
        assert self.server.asked("GET", "/status")["now_ms"] == self.twin.now_ns // 10**6
        assert CHOICE.seed == 7
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the sockets."""
        for client in self.clients:
            if client.name != "ccxt":
                await client.ex.close()

    async def each(self, endpoint: str, method: str, *arguments: Any, raw: str = "info") -> list[Any]:
        """What every client is told by a call; ``raw`` names where the raw answer is; "": it is that."""
        found = []
        for client in self.clients:
            told = await client.ask(method, *arguments)
            path = endpoint.partition(" ")[2]
            assert client.path == path, f"{method} asked {client.path}, not {path}"
            found.append(inside(told, raw) if raw else told)
        return found

    async def check(
        self, endpoint: str, method: str, *arguments: Any, expected: Any, raw: str = "info"
    ) -> None:
        """Compare what every client is told; ``expected`` is a value, or a function of the client's wire."""
        told = await self.each(endpoint, method, *arguments, raw=raw)
        for client, got in zip(self.clients, told, strict=True):
            wanted = expected(client.wire) if callable(expected) else expected
            self.sheet.compare(client.name, endpoint, wanted, got)

    async def refused(self, endpoint: str, code: int, kind: str, method: str, *arguments: Any) -> None:
        """Every client is refused with a code, as the exception that ccxt has for it."""
        for client in self.clients:
            try:
                await client.ask(method, *arguments)
            except Exception as error:  # which one it is, is what is compared
                seen = code if f'"code":{code},' in str(error) else error
                told = f"{type(error).__name__} {seen}"
                self.sheet.compare(client.name, endpoint, f"{kind} {code}", told, f"refusal {code}")
            else:
                raise AssertionError(f"{client.name}: {method} was not refused")

    async def step(self, events: int) -> None:
        """The market goes on, for the server and for the twin."""
        told = await asyncio.to_thread(self.server.step, events)
        self.twin.play(events)
        assert told["now_ms"] == self.twin.now_ns // 10**6

    def done(self, code: int) -> None:
        """The twin took the command."""
        assert code == 0, f"the reference refuses with {code}"


def inside(told: Any, raw: str) -> Any:
    """The raw part of an answer, of each row of a list, of each value of a mapping by symbol."""
    if isinstance(told, list):
        return [inside(one, raw) for one in told]
    if raw in told:
        return told[raw]
    return [inside(told[symbol], raw) for symbol in (BTC, ETH) if symbol in told]


class Twinned(Protocol):
    """What has a twin."""

    twin: Twin


def price(stage: Twinned, ticks: int, contract: int = 0) -> float:
    """Ticks as the float that ccxt takes."""
    return float(Wire(stage.twin, 0).price(contract, ticks))


__all__ = ["BTC", "CLIENTS", "ETH", "OPTIONS", "SYMBOLS", "WHATEVER", "Line", "Sheet", "Stage", "price"]
