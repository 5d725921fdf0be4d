"""The desk as an ASGI application: login, pages, assets, the JSON of the desk, its live socket."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from lotwise.errors import InputError
from lotwise.web.assets import FOR_EVER, Assets
from lotwise.web.security import Door, Guarded, policy

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from lotwise.web.live import Hub
    from lotwise.web.site import Site

LEAST_ZIPPED: Final = 1_000
SEND_BYTES: Final = 64 * 1024
"""Of the kernel's buffer for a connection: a client that reads nothing is noticed soon."""
LONGEST_FORM: Final = 4 * 1024
GRACE_S: Final = 2
TOLD: Final = "open the desk by the address that `lotwise web` printed\n"
Lifespan = Callable[[Starlette], Any]


def application(
    door: Door,
    assets: Assets,
    routes: Sequence[BaseRoute],
    lifespan: Lifespan | None = None,
    login_page: Callable[[str], str] | None = None,
) -> ASGIApp:
    """All of the desk behind its door.

    Parameters
    ----------
    routes
        Pages, JSON and the socket; login and assets are added here.
    login_page
        Makes the page that asks for a password, with what is wrong; None: words alone.
    """

    def stranger(problem: str = "") -> Response:
        if login_page is None:
            return PlainTextResponse(TOLD, 401)
        return Response(login_page(problem), 401, media_type="text/html; charset=utf-8")

    def entered() -> Response:
        answer = RedirectResponse("/", status_code=303)
        door.set_cookie(answer)
        return answer

    async def login(request: Request) -> Response:
        if request.method == "POST":
            return entered() if door.unlocks(await password_of(request)) else stranger("That is not it.")
        token = request.query_params.get("token", "")
        return entered() if token and door.opens(token) else stranger()

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if request.path_params["folder"] != assets.folder.rpartition("/")[2] or name not in assets.bodies:
            return PlainTextResponse("not found\n", 404)
        return Response(
            assets.bodies[name], media_type=assets.kind(name), headers={"cache-control": FOR_EVER}
        )

    own: list[Any] = [
        Route("/login", login, methods=["GET", "POST"]),
        Route("/static/{folder}/{name}", asset, methods=["GET"]),
    ]
    app = Starlette(routes=[*own, *routes], lifespan=lifespan)
    zipped = GZipMiddleware(app, minimum_size=LEAST_ZIPPED)
    return Guarded(zipped, door, policy(assets.style_hashes), assets.folder, stranger)


async def password_of(request: Request) -> str:
    """What the form of the login page sends; empty where it is none, or longer than any password."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return ""
    fields = parse_qs(body.decode("ascii", "replace"))
    return fields.get("password", [""])[0]


def desk_application(door: Door, site: Site) -> tuple[ASGIApp, list[BaseRoute]]:
    """The application of a site, and its routes."""
    from lotwise.web.desk_api import Api
    from lotwise.web.live import Hub
    from lotwise.web.pages import Pages

    pages = Pages(site)
    hub = Hub(site.desk, site.clock) if site.desk is not None else None
    routes: list[BaseRoute] = [*pages.routes(), *Api(site).routes()]
    if hub is not None:
        routes.append(WebSocketRoute("/ws", hub.serve))

    def login_page(problem: str) -> str:
        values = {"assets": site.assets, "problem": problem, "ask_password": site.ask_password}
        try:
            return pages.templates.get_template("login.html").render(**values)
        except KeyError:  # a file of the page is not there
            return TOLD

    return application(door, site.assets, routes, lifespan_of(site, hub), login_page), routes


def lifespan_of(site: Site, hub: Hub | None) -> Lifespan:
    """The session's thread and the hub live as long as the server."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.ensure_future(hub.run()) if hub is not None else None
        if site.desk is not None:
            site.desk.begin()
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return lifespan


def bound(address: str, port: int) -> socket.socket:
    """A listening socket.

    Raises
    ------
    InputError
        WEB-140 the address or the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    try:
        place.bind((address, port))
    except (OSError, OverflowError) as error:
        place.close()
        raise InputError(
            "WEB-140", f"port {port} of {address} cannot be had: {error}", "choose another with --port"
        ) from error
    return place


def serve(app: ASGIApp, place: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises
    ------
    InputError
        WEB-141 the packages of the extra are not installed.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise InputError("WEB-141", f"the server needs {error.name}", 'pip install "lotwise[web]"') from error

    class Served(uvicorn.Server):
        """Says when it answers; the signal that ended it is not raised again, so that all is let go of."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            names = (signal.SIGINT, signal.SIGTERM)
            before = {name: signal.signal(name, self.handle_exit) for name in names}
            try:
                yield
            finally:
                for name, handler in before.items():
                    signal.signal(name, handler)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                ready()

    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="on",
        ws_max_size=2**14,
        ws_per_message_deflate=False,  # loopback: squeezing costs more than it saves
        ws_max_queue=16,
        timeout_graceful_shutdown=GRACE_S,
    )
    Served(config).run(sockets=[place])
