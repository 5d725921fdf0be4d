"""The desk's JSON: requests are read, handed to the session's thread, and answered in the library's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lotwise.app.desk import ANSWER_S, Desk
from lotwise.app.desk_history import packed
from lotwise.errors import InputError, LotwiseError, RefusedError, VenueError
from lotwise.units import shown
from lotwise.web.scans import scanned
from lotwise.web.security import LONGEST_BODY
from lotwise.web.settings import Asked, changed_guard
from lotwise.web.site import Site
from lotwise.web.ticket import Placing, decoded, ranged, sized

STATUS: Final[dict[type[LotwiseError], int]] = {InputError: 400, RefusedError: 409, VenueError: 424}
HOLD_MS: Final = 1_000
FLATTEN_WAIT_S: Final = 5.0
JSON: Final = "application/json"


class StopAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/stop``."""

    contract: str
    ticks: int


class CancelAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/cancel``."""

    contract: str
    client_id: str


class CloseAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/close``."""

    contract: str


class FlattenAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/flatten``."""

    held_ms: int


def told(answer: dict[str, Any], status: int = 200) -> Response:
    """An answer as JSON."""
    return Response(msgspec.json.encode(answer), status, media_type=JSON)


def refused(error: LotwiseError) -> Response:
    """An error as JSON."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    return told(dict(error.as_dict()), status)


Handler = Callable[[Request], Awaitable[Response]]


def checked(handler: Handler) -> Handler:
    """A handler whose errors are told."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except LotwiseError as error:
            return refused(error)

    return answered


async def body_of(request: Request) -> bytes:
    """The body within its bound, whatever its head says of its length.

    Raises
    ------
    InputError
        WEB-110 it is larger.
    """
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > LONGEST_BODY:
            raise InputError("WEB-110", f"more than {LONGEST_BODY} bytes", "a ticket is smaller")
    return bytes(found)


class Api:
    """The answers of one site."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        posts = {
            "size": self.size,
            "orders": self.orders,
            "stop": self.stop,
            "cancel": self.cancel,
            "close": self.close,
            "flatten": self.flatten,
            "settings": self.settings,
            "scan": self.scan,
        }
        return [
            Route("/api/boot", checked(self.boot), methods=["GET"]),
            Route("/api/history", checked(self.history), methods=["GET"]),
            *(
                Route(f"/api/{name}", checked(self._own(does)), methods=["POST"])
                for name, does in posts.items()
            ),
        ]

    def _own(self, handler: Handler) -> Handler:
        """A handler that answers pages of this account alone.

        A page of another account may still stand in a tab, and its badge would lie about the money.

        Raises
        ------
        RefusedError
            WEB-134 the page is of another desk.
        """

        async def asked(request: Request) -> Response:
            shows, own = request.headers.get("x-desk"), self.site.identity
            if shows is not None and shows != own:
                raise RefusedError(
                    "WEB-134",
                    f"this page is of the desk {shown(shows or 'without an account')}, here answers"
                    f" {shown(own or 'one without an account')}",
                    "load the page anew",
                )
            return await handler(request)

        return asked

    def _desk(self) -> Desk:
        """The desk.

        Raises
        ------
        InputError
            WEB-117 there is none here.
        """
        if self.site.desk is None:
            raise InputError(
                "WEB-117",
                "this desk has no account: it computes sizes alone",
                "lotwise web CONFIG, or --demo",
            )
        return self.site.desk

    async def _asked(self, function: Callable[[], Any]) -> Any:
        """Let the session's thread do something.

        Raises
        ------
        VenueError
            WEB-122 it does not answer: what came of it shows in the account.
        """
        answer = asyncio.wrap_future(self._desk().ask(function))
        try:
            return await asyncio.wait_for(answer, ANSWER_S)
        except TimeoutError:
            raise VenueError(
                "WEB-122",
                f"the session did not answer within {ANSWER_S:g} s",
                "look at positions and orders before anything is sent again; FLATTEN works without it",
            ) from None

    async def boot(self, request: Request) -> Response:
        """What a page begins with."""
        return told(self.site.boot(request.query_params.get("contract", "")))

    async def history(self, request: Request) -> Response:
        """Closed bars, packed."""
        asked = request.query_params
        self._desk()
        assert self.site.opened is not None
        bars = await run_in_threadpool(
            self.site.opened.history.bars,
            asked.get("contract", ""),
            asked.get("interval", "1m"),
            _whole(asked.get("before_ms", "0"), "before_ms"),
            _whole(asked.get("count", "1000"), "count"),
        )
        return Response(packed(bars), media_type="application/octet-stream")

    async def size(self, request: Request) -> Response:
        """What the ticket shows."""
        body = await body_of(request)
        return told({"ok": True, **await run_in_threadpool(sized, self.site, body)})

    async def orders(self, request: Request) -> Response:
        """Place a ticket, once."""
        self._desk()
        asked: Placing = decoded(await body_of(request), Placing)
        orders, site = self.site.orders, self.site
        assert orders is not None

        def place() -> Any:
            average = lambda *names: ranged(site, *names)  # noqa: E731  # bound to this site
            return orders.place(asked.client_id, asked.ticket, asked.confirm, average)

        return told({"ok": True, **await self._asked(place)})

    async def stop(self, request: Request) -> Response:
        """Move the stop closer."""
        desk = self._desk()
        asked: StopAsked = decoded(await body_of(request), StopAsked)
        text = await self._asked(lambda: desk.hands.move_stop(asked.contract, asked.ticks))
        return told({"ok": True, "text": text})

    async def cancel(self, request: Request) -> Response:
        """Take back an entry."""
        desk = self._desk()
        asked: CancelAsked = decoded(await body_of(request), CancelAsked)
        return told(
            {
                "ok": True,
                "text": await self._asked(lambda: desk.hands.cancel(asked.contract, asked.client_id)),
            }
        )

    async def close(self, request: Request) -> Response:
        """Close a trade."""
        desk = self._desk()
        asked: CloseAsked = decoded(await body_of(request), CloseAsked)
        return told({"ok": True, "text": await self._asked(lambda: desk.hands.close(asked.contract))})

    async def flatten(self, request: Request) -> Response:
        """The kill switch: by the session, and past it where it does not answer."""
        desk = self._desk()
        asked: FlattenAsked = decoded(await body_of(request), FlattenAsked)
        if asked.held_ms < HOLD_MS:
            raise InputError(
                "WEB-118",
                f"held for {asked.held_ms} ms, {HOLD_MS} ms are asked for",
                "hold the button longer",
            )
        done = None
        if desk.is_alive:
            answer = desk.ask(desk.hands.flatten)
            try:
                done = await asyncio.wait_for(asyncio.wrap_future(answer), FLATTEN_WAIT_S)
            except TimeoutError:
                answer.cancel()
        if done is None:
            done = await run_in_threadpool(desk.hands.flatten_past)
        said = "all is flat" if done.is_flat else f"NOT flat: {', '.join(done.left)}"
        text = f"{done.closed} positions closed, {done.cancelled} orders cancelled; {said}"
        return told(
            {"ok": True, "flat": done.is_flat, "left": done.left, "errors": done.errors, "text": text}
        )

    async def settings(self, request: Request) -> Response:
        """Looks and bounds."""
        asked: Asked = decoded(await body_of(request), Asked)
        changed = []
        if asked.guard:
            rails = self._desk().guardrails
            changed = await run_in_threadpool(changed_guard, rails, dict(asked.guard))
        await run_in_threadpool(self.site.looks.change, asked)
        return told({"ok": True, "changed": changed, "settings": self.site.settings()})

    async def scan(self, request: Request) -> Response:
        """What fits this equity."""
        body = await body_of(request)
        given = decoded(body, dict[str, str])
        return told({"ok": True, **await run_in_threadpool(scanned, self.site, given)})


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 17):
        raise InputError("WEB-115", f"{name} is {shown(text)}", f"give {name} as a whole number")
    return int(text)
