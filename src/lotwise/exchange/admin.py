"""The admin port: accounts, steps of the market, faults, state hashes. For the owner of the machine alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from lotwise.errors import InputError, LotwiseError
from lotwise.exchange.binance.hub import Hub
from lotwise.exchange.binance.openapi import description
from lotwise.exchange.binance.server import LOCAL_NAMES, Application, Receive, Scope, Send, read_body
from lotwise.exchange.faults import Fault, Faults
from lotwise.exchange.venue import Venue
from lotwise.units import parse_cash

CHUNK = 2_000
"""Events played between two looks at who listens."""
MOST_ASKED: Final = 2**43
"""Of a step: events, or ms; in the year 2248."""


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """What ``POST /account`` takes."""

    name: str
    deposit: str
    key: str = ""
    secret: str = ""


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """What ``POST /step`` takes: so many events, or up to a time in ms."""

    events: int = 0
    until_ms: int = 0


class Admin:
    """What the admin port answers."""

    def __init__(self, venue: Venue, faults: Faults, hub: Hub) -> None:
        self.venue = venue
        self.faults = faults
        self.hub = hub

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Status and body."""
        does: dict[str, Callable[[bytes], Any]] = {
            "GET /status": self._status,
            "GET /openapi.json": self._openapi,
            "POST /account": self._account,
            "POST /step": self._step,
            "POST /faults": self._fault,
            "DELETE /faults": self._clear,
            "POST /snapshot": self._snapshot,
            "POST /expire": self._expire,
        }
        function = does.get(f"{method} {path}")
        if function is None:
            return 404, InputError("EXCHANGE-121", f"no {method} {path[:80]}", ", ".join(does)).as_dict()
        return self.checked(path, lambda: function(body))

    def checked(self, path: str, does: Callable[[], Any]) -> tuple[int, Any]:
        """Status and body of something that may be refused."""
        try:
            return 200, does()
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            told = InputError(
                "EXCHANGE-121",
                f"{path}: {error}",
                "JSON with the fields of lotwise.exchange.admin and faults",
            )
            return 400, told.as_dict()
        except LotwiseError as error:
            return 400, error.as_dict()

    def _status(self, body: bytes) -> Any:
        market = self.venue.market
        return {
            "position": market.position,
            "events": len(market),
            "now_ms": market.now_ns // 10**6,
            "accounts": [account.name for account in self.venue.accounts.values()],
            "sessions": len(self.hub.sessions),
            "acts": self.venue.journal.last,
            "tasks": _tasks(),
            "hashes": self.venue.hashes(),
            "faults": self.faults.plan,
            "changes": market.changes,
            "gaps": market.log.gaps(),
        }

    def _openapi(self, body: bytes) -> Any:
        return description(self.venue.market)

    def _account(self, body: bytes) -> Any:
        asked = msgspec.json.decode(body, type=NewAccount)
        deposit = parse_cash(asked.deposit, "deposit")
        account = self.venue.open_account(asked.name, deposit, asked.key, asked.secret)
        return {"name": account.name, "key": account.key, "secret": account.secret}

    def _step(self, body: bytes) -> Any:
        return _last(self.steps(body))

    def steps(self, body: bytes) -> Iterator[Any]:
        """The parts of a step, each with what to answer so far: who listens may read between them."""
        asked = msgspec.json.decode(body, type=Step)
        if max(asked.events, asked.until_ms) > MOST_ASKED:
            raise InputError("EXCHANGE-122", "no market is that long", f"give {MOST_ASKED:,} at most")
        market = self.venue.market
        end = market.position_at(asked.until_ms * 10**6) if asked.until_ms else market.position + asked.events
        if asked.events < 0 or asked.until_ms < 0:
            raise InputError("EXCHANGE-122", "the market does not go back", "give events or until_ms above 0")
        played = 0
        while True:
            yield {"played": played, "position": market.position, "now_ms": market.now_ns // 10**6}
            if market.position >= min(end, len(market)):
                return
            played += self.venue.advance(min(end, market.position + CHUNK))

    def _fault(self, body: bytes) -> Any:
        self.faults.add(msgspec.json.decode(body, type=Fault))
        return {"faults": self.faults.plan}

    def _clear(self, body: bytes) -> Any:
        self.faults.clear()
        return {"faults": []}

    def _snapshot(self, body: bytes) -> Any:
        self.venue.keep()
        return {"position": self.venue.market.position}

    def _expire(self, body: bytes) -> Any:
        """End all listen keys, as after an hour without renewal."""
        accounts = {number: self.venue.accounts[number] for number in set(self.venue.listen.values())}
        keys = list(self.venue.listen)
        for account in accounts.values():
            self.venue.close_listen(account)
        for key in keys:
            self.hub.expire(key)
        return {"expired": len(keys)}


def _tasks() -> int:
    """Tasks of the event loop; 0 outside of one."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


def _last(parts: Iterator[Any]) -> Any:
    found = None
    for found in parts:  # noqa: B007
        pass
    return found


class AdminApplication:
    """The admin port as an ASGI application."""

    def __init__(self, admin: Admin, application: Application) -> None:
        self.admin = admin
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        if self.application.is_foreign(scope, LOCAL_NAMES):
            status, told = (
                403,
                InputError("EXCHANGE-123", "the admin port is for this machine alone").as_dict(),
            )
        else:
            status, told = await self._answered(scope, body or b"")
            try:
                await self.application.commits.kept()
            except LotwiseError as error:
                status, told = 400, error.as_dict()
        await _replied(send, status, told)

    async def _answered(self, scope: Scope, body: bytes) -> tuple[int, Any]:
        """As :meth:`Admin.answer`; a long step lets others go on between its parts."""
        if (scope["method"], scope["path"]) != ("POST", "/step"):
            return self.admin.answer(scope["method"], scope["path"], body)
        parts = self.admin.steps(body)
        status, told = 200, None
        while True:
            status, part = self.admin.checked("/step", lambda: next(parts, None))
            if part is None or status != 200:
                return status, told if part is None else part
            told = part
            await self.admin.hub.room()


async def _replied(send: Send, status: int, told: Any) -> None:
    answer = msgspec.json.encode(told)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
