"""The venue as an ASGI application: HTTP to the door, WebSockets to the hub.

Plain ASGI, without a framework: there is one table of paths, and requests are read within a bound.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from lotwise.errors import LotwiseError
from lotwise.exchange.binance import facts
from lotwise.exchange.binance.calls import answered
from lotwise.exchange.binance.door import Answer, Door, Request
from lotwise.exchange.binance.hub import Hub, Session
from lotwise.exchange.binance.limits import Asked, Limits, call_asked, orders_of, weight_of
from lotwise.exchange.binance.parameters import LONGEST
from lotwise.exchange.binance.refusals import WORDS, Refusal
from lotwise.exchange.commits import GroupCommits

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

Counted = tuple[Refusal | None, tuple[tuple[str, str], ...]]
"""The refusal of a request that is one too many, and what its answer tells of the limits."""

TOO_LARGE: Final = 413
PLAIN_PATHS: Final = ("/ws", "/public/ws", "/market/ws", "/private/ws")
COMBINED_PATHS: Final = ("/stream", "/public/stream", "/market/stream", "/private/stream")
CALLS_PATH: Final = "/ws-fapi/v1"
SENT_AHEAD: Final = 2**17
"""Bytes that the system may hold for a WebSocket's reader."""
GRACE_SECONDS: Final = 1.0
"""How long a closed connection may take to read the rest; then it is cut."""
LOCAL_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


class Application:
    """Serves one venue."""

    def __init__(
        self, door: Door, hub: Hub, *, names: tuple[str, ...] = LOCAL_NAMES, is_limited: bool = False
    ) -> None:
        self.door = door
        self.hub = hub
        self.names = names
        """Host names that are answered: a web page that resolves its own name to this machine is not."""
        self.commits = GroupCommits(door.venue)
        door.venue.server_ns = lambda: door.now_ms * 10**6
        rows = facts.exchange_info(door.venue.market, 0)["rateLimits"]
        self.limits = Limits(rows, lambda: door.now_ms, is_enforced=is_limited)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)

    def is_foreign(self, scope: Scope, names: tuple[str, ...]) -> bool:
        """Whether a browser sent it for a page, or under another name than ours.

        Some clients name the server itself as their origin; no page has that one, for none is served.
        """
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        origin = headers.get(b"origin", b"").decode("latin-1")
        return origin not in ("", f"http://{host}") or (bool(names) and name not in names)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if self.is_foreign(scope, self.names):
            answer = _plain(403, "this server answers no web pages, and to its own names only")
        elif body is None or len(scope["query_string"]) > LONGEST:
            answer = _plain(TOO_LARGE, "too large")
        else:
            answer = await self._answered(scope, body)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer.body)).encode()),
        ]
        headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, scope: Scope, body: bytes) -> Answer:
        key = dict(scope["headers"]).get(b"x-mbx-apikey", b"").decode("latin-1")
        try:
            query, form = scope["query_string"].decode("ascii"), body.decode("utf-8")
        except UnicodeDecodeError:
            return _plain(400, "Illegal characters found in the request.", -1100)
        request = Request(scope["method"], scope["path"], query, form, key)
        self.door.venue.end_listen()
        refusal, headers = self._counted(scope, request)
        if refusal is not None:
            return Answer(refusal.status, msgspec.json.encode(refusal.body), headers)
        if (late := self.door.faults.take("latency", request.path)) is not None:
            await asyncio.sleep(late / 1000)
        closed = self.door.venue.by_key.get(key) if request.method == "DELETE" else None
        keys = [] if closed is None else [k for k, n in self.door.venue.listen.items() if n == closed.number]
        try:
            answer = self.door.answer(request)
            for gone in keys:
                if gone not in self.door.venue.listen:
                    self.hub.expire(gone)
            await self.commits.kept()
        except LotwiseError:  # the venue is broken: what was done is not known, and is not told
            return _plain(503, WORDS[-1016], -1016)
        told = tuple(pair for pair in answer.headers if not pair[0].startswith("X-MBX-"))
        return Answer(answer.status, answer.body, headers + told)

    def _counted(self, scope: Scope, request: Request) -> Counted:
        """Count a request where the venue counts it."""
        account = self.door.venue.by_key.get(request.key)
        return self.limits.take(
            Asked(
                scope["client"][0] if scope.get("client") else "",
                account.number if account else 0,
                weight_of(request.method, request.path, request.query),
                orders_of(request.method, request.path),
            )
        )

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        wake = asyncio.Event()
        session = self._session(scope, wake.set)
        if session is None or self.is_foreign(scope, self.names) or not self.hub.admit(session):
            await send({"type": "websocket.close", "code": 1008})
            return
        _bound(receive)
        await send({"type": "websocket.accept"})
        ended = asyncio.Event()
        session.on_close = ended.set
        tasks = [
            asyncio.ensure_future(ended.wait()),
            asyncio.ensure_future(_write(session, wake, send)),
            asyncio.ensure_future(self._read(scope, session, receive)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            session.close()
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        finally:
            self.hub.leave(session)
            session.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            _cut_off(receive)

    def _session(self, scope: Scope, wake: Callable[[], None]) -> Session | None:
        """The session of a path; None where nothing is served there."""
        path, query = scope["path"], parse_qs(scope["query_string"].decode("latin-1"))
        if path == CALLS_PATH:
            return Session(wake)
        for combined, paths in ((True, COMBINED_PATHS), (False, PLAIN_PATHS)):
            for place in paths:
                if path != place and not path.startswith(f"{place}/"):
                    continue
                rest = [name for name in path.removeprefix(place).strip("/").split("/") if name]
                keys = query.get("listenKey", []) + [name for name in rest if name in self.hub.venue.listen]
                session = Session(wake, combined=combined)
                for key in keys[:1]:
                    session.account, session.key = self.hub.venue.listen.get(key, 0), key
                    if session.account == 0:
                        return None
                names = [name for text in query.get("streams", []) for name in text.split("/")]
                if not self.hub.subscribe(session, [*names, *(n for n in rest if "@" in n or n[0] == "!")]):
                    return None
                return session
        return None

    async def _read(self, scope: Scope, session: Session, receive: Receive) -> None:
        path, address = scope["path"], scope["client"][0] if scope.get("client") else ""
        while not session.is_closed:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or message.get("bytes") or ""
            if path == CALLS_PATH:
                self._call(session, text, address)
            else:
                session.send(self._asked(session, text))

    def _call(self, session: Session, text: str | bytes, address: str) -> None:
        """Answer a call once what it did is on the disk; the next one need not wait for that."""
        self.door.venue.end_listen()
        if self.limits.is_enforced:
            number, asked = call_asked(text, address, self.door.venue.by_key)
            refusal, _ = self.limits.take(asked)
            if refusal is not None:
                refused = {"status": refusal.status, "error": refusal.body, "rateLimits": []}
                session.send({"id": number, **refused})
                return
        try:
            body = msgspec.json.encode(answered(self.door, text))
        except LotwiseError:  # the venue is broken: what was done is not known, and is not told
            session.close()
            return
        self.door.venue.when_kept(
            lambda is_kept: session.send_body(body) if is_kept else session.close(), is_answer=True
        )

    def _asked(self, session: Session, text: str | bytes) -> dict[str, Any]:
        """The answer to SUBSCRIBE and the like."""
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            message = None
        if not isinstance(message, dict):
            return {"error": {"code": 3, "msg": "Invalid JSON"}}
        number, names = message.get("id"), message.get("params", [])
        method = message.get("method")
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(session.streams), "id": number}
        if (
            method == "SET_PROPERTY"
            and isinstance(names, list)
            and len(names) == 2
            and names[0] == "combined"
        ):
            session.is_combined = names[1] is True
            return {"result": None, "id": number}
        if not isinstance(names, list) or not all(
            isinstance(name, str) and len(name) < 200 for name in names
        ):
            return {"error": {"code": 2, "msg": "Invalid request: params are stream names"}, "id": number}
        if method == "SUBSCRIBE":
            if not self.hub.subscribe(session, names):
                return {"error": {"code": 2, "msg": "Invalid request: too many streams"}, "id": number}
        elif method == "UNSUBSCRIBE":
            for name in names:
                session.streams.pop(name, None)
        else:
            return {"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": number}
        return {"result": None, "id": number}


async def read_body(receive: Receive) -> bytes | None:
    """The body within the bound; None beyond it."""
    found: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return found
        found += message.get("body", b"")
        if len(found) > LONGEST:
            return None
        if not message.get("more_body"):
            return found


async def _write(session: Session, wake: asyncio.Event, send: Send) -> None:
    """Send what waits; a session that was closed is closed for its reader too."""
    with suppress(RuntimeError, OSError):  # the reader went away while it was sent to
        while True:
            while session.waiting:
                await send({"type": "websocket.send", "text": session.waiting.popleft().decode()})
            if session.is_closed:
                await send({"type": "websocket.close", "code": 1008})
                return
            wake.clear()
            if not session.waiting and not session.is_closed:
                await wake.wait()


def _transport(receive: Receive) -> asyncio.WriteTransport | None:
    """The connection behind a WebSocket: the interface to the server has no word for cutting it off."""
    found = getattr(getattr(receive, "__self__", None), "transport", None)
    return found if isinstance(found, asyncio.WriteTransport) else None


def _bound(receive: Receive) -> None:
    """Let the system hold no more for a reader than a part of what waits here; its own bound is megabytes."""
    if (transport := _transport(receive)) is not None:
        place = transport.get_extra_info("socket")
        place.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_AHEAD)


def _cut_off(receive: Receive) -> None:
    """End a connection whose reader does not read: it would be closed when its buffer is empty, so never."""
    transport = _transport(receive)
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()


def _plain(status: int, words: str, code: int = -1000) -> Answer:
    return Answer(status, msgspec.json.encode({"code": code, "msg": words}))
