"""Run the venue: two ports of one process, and the market's pump."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from lotwise.clock import Clock
from lotwise.errors import InputError, LotwiseError
from lotwise.exchange.admin import CHUNK, Admin, AdminApplication
from lotwise.exchange.binance.door import Door
from lotwise.exchange.binance.hub import Hub
from lotwise.exchange.binance.server import LOCAL_NAMES, Application
from lotwise.exchange.faults import Fault, Faults
from lotwise.exchange.market import MarketChoice
from lotwise.exchange.resting import Resting
from lotwise.exchange.venue import Venue

PUMP_MS: Final = 50
"""How often the market is looked at while it runs."""
LOOPBACK: Final = "127.0.0.1"
MOST_SPEED: Final = 1_000_000
GRACE_SECONDS: Final = 3
"""How long connections may take to end when the server does."""


@dataclass(frozen=True)
class Ports:
    """Where the venue listens; 0: any free port."""

    port: int = 0
    admin: int = 0
    host: str = LOOPBACK
    is_strict: bool = False
    is_limited: bool = False
    """Whether request weights and order counts are enforced (429, 418)."""


Feeder = Callable[[Venue], Awaitable[None]]
"""Feeds a live market."""


def bound(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises
    ------
    InputError
        EXCHANGE-130 the port is taken or cannot be.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, so that asyncio turns Nagle's delay off: without it an answer takes 40 ms.
    place = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        place.bind((host, port))
    except (OSError, OverflowError) as error:
        place.close()
        raise InputError(
            "EXCHANGE-130", f"port {port} of {host}: {error}", "choose another with --port"
        ) from error
    return place


async def pump(venue: Venue, clock: Clock, speed: int, room: Callable[[], Awaitable[None]]) -> None:
    """Play the market at ``speed`` times the time of the clock, until it ends; ``room`` lets readers read."""
    wall, market = clock.now_ns(), venue.market.now_ns
    while venue.market.position < len(venue.market):
        end = venue.market.position_at(market + (clock.now_ns() - wall) * speed)
        while venue.market.position < end:
            venue.advance(min(end, venue.market.position + CHUNK))
            await room()
        await asyncio.sleep(PUMP_MS / 1000)


def run(
    choice: MarketChoice,
    folder: Path | None,
    clock: Clock,
    speed: int,
    ports: Ports,
    *,
    ready: Callable[[dict[str, Any]], None],
    script: Sequence[tuple[Fault, str]] = (),
    feeder: Feeder | None = None,
) -> None:
    """Serve until a signal ends it; ``ready`` is told the addresses once they answer.

    Parameters
    ----------
    script
        Faults that are planned from the start, each with the text that it is known by.
    feeder
        Feeds a live market until it is cancelled; the market is then not pumped.

    Raises
    ------
    InputError
        EXCHANGE-130 a port; EXCHANGE-131 a speed that is none; as :class:`lotwise.exchange.venue.Venue`.
    LotwiseError
        EXCHANGE-132 the packages of the extra are not installed.
    """
    try:
        import uvicorn
        import websockets  # noqa: F401  # uvicorn takes it by name
    except ImportError as error:
        raise LotwiseError(
            "EXCHANGE-132", f"the server needs {error.name}", "pip install 'lotwise[exchange]'"
        ) from error
    if not 0 <= speed <= MOST_SPEED:
        raise InputError("EXCHANGE-131", f"a speed of {speed}", f"0 (stepped) to {MOST_SPEED:,}")
    venue = Venue(choice, folder)
    try:
        faults = Faults(venue.market)
        for fault, text in script:
            faults.add(fault, text)
        Resting(venue)
        door, hub = Door(venue, clock, faults, strict=ports.is_strict), Hub(venue, faults)
        names = LOCAL_NAMES if ports.host in (LOOPBACK, "::1") else ()
        application = Application(door, hub, names=names, is_limited=ports.is_limited)
        admin = AdminApplication(Admin(venue, faults, hub), application)
        places = (bound(ports.host, ports.port), bound(LOOPBACK, ports.admin))

        class Served(uvicorn.Server):
            """Leaves signals to us: uvicorn raises them again when it is done, before the state is closed."""

            @contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        def served(app: Any) -> uvicorn.Server:
            return Served(
                uvicorn.Config(
                    app,
                    log_level="error",
                    lifespan="off",
                    access_log=False,
                    ws_max_size=2**17,
                    ws_per_message_deflate=False,  # loopback: squeezing costs more than it saves
                    timeout_graceful_shutdown=GRACE_SECONDS,
                )
            )

        runs: Callable[[], Awaitable[None]] | None = None
        if feeder is not None:
            runs = partial(feeder, venue)
        elif speed:
            runs = partial(pump, venue, clock, speed, hub.room)
        asyncio.run(_serve(venue, (served(application), served(admin)), places, ready, runs))
        venue.still_whole()
    finally:
        venue.close()


async def _serve(
    venue: Venue,
    servers: tuple[Any, Any],
    places: tuple[socket.socket, socket.socket],
    ready: Callable[[dict[str, Any]], None],
    runs: Callable[[], Awaitable[None]] | None,
) -> None:
    """Both servers and what runs the market; when one ends the others do."""
    venue.on_broken.append(lambda: _end(servers))
    tasks = [
        asyncio.ensure_future(server.serve(sockets=[place]))
        for server, place in zip(servers, places, strict=True)
    ]
    while not all(server.started or task.done() for server, task in zip(servers, tasks, strict=True)):
        await asyncio.sleep(0.005)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, _end, servers)
    ports = [place.getsockname() for place in places]
    ready(
        {
            "port": ports[0][1],
            "admin": ports[1][1],
            "host": ports[0][0],
            "now_ms": venue.market.now_ns // 10**6,
        }
    )
    if runs is not None:
        tasks.append(asyncio.ensure_future(_running(runs, tasks)))
    await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
    _end(servers)
    for task in tasks[2:]:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    for one in found:
        if isinstance(one, LotwiseError):
            raise one


def _end(servers: tuple[Any, Any]) -> None:
    for server in servers:
        server.should_exit = True


async def _running(runs: Callable[[], Awaitable[None]], tasks: list[Any]) -> None:
    """What runs the market; where it fails the servers end: a market that stands still would look alive."""
    try:
        await runs()
    except LotwiseError:
        tasks[0].cancel()
        raise


def ready_line(told: dict[str, Any]) -> str:
    """One line of JSON for programs that started the server."""
    return json.dumps({"exchange": told})
