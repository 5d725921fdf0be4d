"""Connecting to a venue: where it is (paper, demo or live), with which keys, and whether it may be traded.

Paper is the local exchange of lotwise, which speaks Binance's protocol: the same adapter with every address
turned to this machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from os import environ
from typing import Any, Final, get_args

from lotwise.broker.ccxt_venue.adapter import PAUSES_S, CcxtVenue, Pause, wait
from lotwise.broker.ccxt_venue.allowed import ALLOWED
from lotwise.broker.ccxt_venue.binance import Binance
from lotwise.broker.ccxt_venue.bingx import Bingx
from lotwise.broker.ccxt_venue.bybit import Bybit
from lotwise.broker.ccxt_venue.dialect import Desk, Dialect
from lotwise.broker.ccxt_venue.keys import Keys, Where, find_keys, guard_logs
from lotwise.broker.ccxt_venue.mexc import Mexc
from lotwise.broker.ccxt_venue.rights import check_withdraw
from lotwise.broker.ccxt_venue.weex import Weex
from lotwise.broker.ccxt_venue.wire import Tell, Wire
from lotwise.clock import Clock, SystemClock
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, VenueError
from lotwise.units import shown

DIALECTS: Final[dict[str, type[Dialect]]] = {
    "binance": Binance,
    "bybit": Bybit,
    "bingx": Bingx,
    "mexc": Mexc,
    "weex": Weex,
}
_CLASSES: Final = {"binance": "binanceusdm"}
FAMILIES: Final = {"bybit": ("bybit", "bybit-inverse")}
"""Prefixes of contract ids that a venue trades, where there is more than its own name."""
DEMO: Final[dict[str, str]] = {
    "binance": "demo trading (demo-fapi)",
    "bybit": "demo trading (api-demo)",
    "bingx": "VST (open-api-vst), coins called VST",
}
"""Venues with a demo that can be protected by stops."""
NO_DEMO: Final = {
    "mexc": "it has none",
    "weex": "its demo takes no stops, so a position there could not be protected",
}
_LOOPBACK: Final = re.compile(r"(?:http|ws)://(?:127\.0\.0\.1|localhost|\[::1\]):\d{1,5}")
TIMEOUT_MS: Final = 10_000


def connect(
    venue: str,
    where: Where,
    *,
    url: str = "",
    account: str = "main",
    keys: Keys | None = None,
    clock: Clock | None = None,
    load: Callable[[str], Contract] | None = None,
    environment: Mapping[str, str] = environ,
    tell: Tell = lambda words: None,
    pause: Pause = wait,
) -> CcxtVenue:
    """A venue behind the port, its clock measured; live only with a key that cannot withdraw.

    Parameters
    ----------
    where
        ``paper``: the local exchange at ``url``; ``demo``: the venue's own; ``live``.
    load
        The contract of an id; the catalogue's by default.
    tell
        Hears what the trader should know.

    Raises
    ------
    InputError
        BROKER-130 no keys, BROKER-133 no such place at that venue, BROKER-135 the keyring fails.
    VenueError
        BROKER-131 the key may withdraw; BROKER-134 ccxt is missing; BROKER-142 not reached, BROKER-143.
    """
    check_place(venue, where, url)
    used = keys if keys is not None else find_keys(venue, where, environment)
    client = _client(venue, where, url, used)
    wire = Wire(venue, client, clock or SystemClock(), used, tell)
    desk = Desk(
        venue,
        wire,
        load or _catalogue,
        account=account,
        families=FAMILIES.get(venue, (venue,)),
        coins={"USDT": "VST"} if (venue, where) == ("bingx", "demo") else {},
        where=where,
    )
    dialect = DIALECTS[venue](desk)
    wire.set_clock()
    if where == "live":
        check_withdraw(dialect)
    return CcxtVenue(dialect, pause, PAUSES_S)


def check_place(venue: str, where: str, url: str = "") -> None:
    """Refuse a place that does not exist.

    Raises
    ------
    InputError
        BROKER-133.
    """
    if venue not in DIALECTS or where not in get_args(Where):
        raise InputError(
            "BROKER-133",
            f"no {shown(where)} at {shown(venue)}",
            f"venues: {', '.join(ALLOWED)}; places: {', '.join(get_args(Where))}",
        )
    if where == "paper" and venue != "binance":
        raise InputError(
            "BROKER-133",
            f"the local exchange speaks Binance's protocol, not that of {venue}",
            "trade the paper phase as binance; the pipeline above is the same",
        )
    if where == "paper" and not _LOOPBACK.fullmatch(url):
        raise InputError(
            "BROKER-133", f"paper at {shown(url)}", "name the local exchange: http://127.0.0.1:PORT"
        )
    if where != "paper" and url:
        raise InputError("BROKER-133", f"{where} takes no address, got {shown(url)}", "leave it out")
    if where == "demo" and venue not in DEMO:
        raise InputError("BROKER-133", f"no demo at {venue}: {NO_DEMO[venue]}", "use paper")


def _client(venue: str, where: Where, url: str, keys: Keys) -> Any:
    try:
        import ccxt
    except ImportError:
        raise VenueError(
            "BROKER-134", "ccxt, which talks to the venues, is not installed", "pip install 'lotwise[live]'"
        ) from None
    options: dict[str, Any] = {"fetchCurrencies": False, "adjustForTimeDifference": False}
    config = {"enableRateLimit": where != "paper", "timeout": TIMEOUT_MS, "options": options}
    client = getattr(ccxt, _CLASSES.get(venue, venue))(config | keys.config())
    guard_logs(client, keys)
    if where == "paper":
        client.urls["api"] = loopback_urls(client.urls["api"], url)
        client.session.trust_env = False  # a proxy of the environment has no business on this machine
    elif where == "demo":
        if venue == "bingx":
            client.set_sandbox_mode(True)
        else:
            client.enable_demo_trading(True)
    return client


def loopback_urls(urls: Any, address: str) -> Any:
    """Every address of ccxt's table on this machine: with one left, keys would go to the venue.

    >>> loopback_urls({"api": "https://fapi.binance.com/fapi/v1", "ws": {"x": "wss://a.b/ws"}}, "http://127.0.0.1:9")
    {'api': 'http://127.0.0.1:9/fapi/v1', 'ws': {'x': 'ws://127.0.0.1:9/ws'}}

    Raises
    ------
    InputError
        BROKER-133 the address is not on loopback.
    """
    if not _LOOPBACK.fullmatch(address):
        raise InputError(
            "BROKER-133", f"paper at {shown(address)}", "name the local exchange: http://127.0.0.1:PORT"
        )
    if isinstance(urls, dict):
        return {name: loopback_urls(url, address) for name, url in urls.items()}
    if isinstance(urls, list):
        return [loopback_urls(url, address) for url in urls]
    if not isinstance(urls, str):
        return urls
    host = address.partition("://")[2]
    scheme = "ws" if urls.startswith("ws") else "http"
    return re.sub(r"^\w+://[^/]+", f"{scheme}://{host}", urls)


def _catalogue(contract_id: str) -> Contract:
    from lotwise.contracts import catalogue

    return catalogue.load(contract_id)
