"""Reaching the venue of a session: its port, its bars, its streams, its clock; paper, demo and live alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lotwise.app.trade import MarketClock
from lotwise.app.trade_clock import MarketTimed, PaperClock, PaperTimed
from lotwise.app.trade_config import TradeConfig
from lotwise.app.trade_feed import BarReader, CcxtBars, Lockstep, Streams, exact_client
from lotwise.broker.venue import VenuePort
from lotwise.clock import Clock, SystemClock
from lotwise.errors import VenueError

CLASSES: Final = {"binance": "binanceusdm"}
"""ccxt's name of a venue, where it is another."""
TIMEOUT_MS: Final = 10_000
LINEAR: Final = {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}, "defaultType": "swap"}


class Words:
    """What a connection has to say: kept until somebody listens."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._listener: Callable[[str], object] = self._kept.append

    def __call__(self, words: str) -> None:
        """Something is said."""
        self._listener(words)

    def to(self, listener: Callable[[str], object]) -> None:
        """Tell it what was said, and from now on all that is."""
        self._listener = listener
        for words in self._kept:
            listener(words)


@dataclass(frozen=True)
class Reached:
    """A venue that answered."""

    port: VenuePort
    reader: BarReader
    clock: Clock
    words: Words
    """A key whose rights are not told, a clock that was set right, an order that could not be cancelled."""
    streams: Streams | None = None
    lockstep: Lockstep | None = None

    def close(self) -> None:
        """Listen no more."""
        if self.streams is not None and self.streams.is_begun:
            self.streams.end()


def opened(config: TradeConfig, environment: Mapping[str, str]) -> Reached:
    """Connect as a file says.

    Raises
    ------
    InputError
        BROKER-130 no keys, BROKER-133 no such place at the venue.
    VenueError
        BROKER-131 the key may withdraw, BROKER-134 ccxt is missing, BROKER-142 the venue does not answer;
        TRADE-121 the admin port of a stepped exchange does not answer.
    """
    from lotwise.broker.ccxt_venue.connect import connect

    words = Words()
    url = config.paper.exchange.rstrip("/") if config.where == "paper" else ""
    port: VenuePort = connect(
        config.venue, config.where, url=url, account=config.account, environment=environment, tell=words
    )
    reader = CcxtBars(exact_client(_client(config)), config.bar)
    if config.where == "paper" and config.paper.lockstep:
        lockstep = Lockstep(config.paper.admin)
        stepped = MarketClock(lockstep.now_ns())
        return Reached(MarketTimed(port, stepped, SystemClock()), reader, stepped, words, lockstep=lockstep)
    streams = None
    if config.feed.source == "stream":
        streams = Streams(lambda: exact_client(_client(config, streams=True)), config.contracts)
    if config.where == "paper":
        clock = PaperClock(SystemClock())
        timed = PaperTimed(port, clock)
        timed.market(config.contracts[0].id)
        return Reached(timed, reader, clock, words, streams=streams)
    return Reached(port, reader, SystemClock(), words, streams=streams)


def _client(config: TradeConfig, streams: bool = False) -> Any:
    """A ccxt client without keys, for the market alone."""
    try:
        import ccxt

        if streams:
            import ccxt.pro  # half a second that polling need not wait for
    except ImportError:
        raise VenueError(
            "BROKER-134", "ccxt, which talks to the venues, is not installed", "pip install 'lotwise[live]'"
        ) from None
    from lotwise.broker.ccxt_venue.connect import loopback_urls

    name = CLASSES.get(config.venue, config.venue)
    options = {"enableRateLimit": config.where != "paper", "timeout": TIMEOUT_MS, "options": dict(LINEAR)}
    client = getattr(ccxt.pro if streams else ccxt, name)(options)
    if config.where == "paper":
        address = config.paper.exchange.rstrip("/")
        client.urls["api"] = loopback_urls(client.urls["api"], address)
        if streams:  # the exchange of this machine has one road for all streams
            sockets = "ws" + address.removeprefix("http")
            client.urls["api"]["ws"] = {
                "linear": f"{sockets}/ws",
                "ws-api": {"linear": f"{sockets}/ws-fapi/v1"},
            }
        else:
            client.session.trust_env = False  # a proxy has no business on this machine
    elif config.where == "demo":
        client.set_sandbox_mode(True) if config.venue == "bingx" else client.enable_demo_trading(True)
    return client
