"""A venue's public streams through ccxt.pro: one socket, dialled again where it breaks.

ccxt.pro dials, keeps the line alive and counts requests. Who listens gets each message as the venue wrote it,
for what ccxt makes of it is floats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from lotwise.app.refresh import connect, exact_json

PAUSES_S: Final = (1, 2, 4, 8, 16, 32, 60)
"""Seconds before the venue is dialled again; the last one is repeated."""
KEEP_ALIVE_MS: Final = 15_000
"""ccxt.pro asks so often whether the other side is there; its own default, three minutes, loses too much."""

Pause = Callable[[float], Awaitable[object]]
Heard = Callable[[Any, str | bytes], None]
"""Told ccxt's client and the message; it may not raise, for ccxt would stop listening."""


def connected(environment: Mapping[str, str]) -> Any:
    """ccxt.pro's Binance USD-M; ``LOTWISE_VENUE_URL`` sends it to a server of this machine.

    Raises
    ------
    VenueError
        VENUE-501 ccxt is missing.
    """
    plain = connect("binance", "", "", environment)
    import ccxt.pro

    exchange = ccxt.pro.binanceusdm({"enableRateLimit": True, "timeout": plain.timeout})
    streams = dict(exchange.urls["api"]["ws"])
    if local := environment.get("LOTWISE_VENUE_URL", ""):
        streams["linear"] = local.replace("http", "ws", 1) + "/ws"
    exchange.urls["api"] = {**plain.urls["api"], "ws": streams}
    exchange.streaming["keepAlive"] = KEEP_ALIVE_MS
    exchange.on_json_response = exact_json
    return exchange


async def listen(
    exchange: Any,
    road: tuple[str, int],
    streams: Sequence[str],
    heard: Heard,
    *,
    cut: Callable[[], None],
    pause: Pause,
) -> None:
    """Keep one socket open until cancelled; where it breaks, dial again after a growing pause.

    Parameters
    ----------
    exchange
        Of :func:`connected`.
    road
        Which of the venue's sockets, and a number of one's own for it.
    streams
        What is subscribed to.
    heard
        Takes the messages; resolves ``"ready"`` of the client at the subscription's answer.
    cut
        Called when the line broke.
    pause
        Waits so many seconds.
    """
    url = f"{exchange.get_ws_url('linear', road[0])}/{road[1]}"
    failures = 0
    while True:
        if await _heard_until_cut(exchange, url, streams, heard):
            failures = 0
        cut()
        await pause(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
        failures += 1


async def _heard_until_cut(exchange: Any, url: str, streams: Sequence[str], heard: Heard) -> bool:
    """Subscribe and listen until the line breaks: whether it ever stood."""
    client = exchange.client(url)
    client.handle_text_or_binary_message = partial(heard, client)
    lost = client.future("lost")
    asked = {"method": "SUBSCRIBE", "params": list(streams), "id": 1}
    ready = exchange.watch(url, "ready", asked, "ready")
    try:
        await asyncio.wait({lost, ready}, return_when=asyncio.FIRST_COMPLETED)
        stood = ready.done() and not ready.cancelled() and ready.exception() is None
        await asyncio.wait({lost})
    finally:
        for future in (lost, ready):
            if future.done() and not future.cancelled():
                future.exception()  # looked at, so that nothing complains of it
        exchange.clients.pop(url, None)
        await client.close()
    return stood
