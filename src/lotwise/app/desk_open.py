"""Putting a desk together from a trade file: venue, feed, history, journal, folder; and letting go of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from lotwise.app.desk import Desk
from lotwise.app.desk_feed import Feed
from lotwise.app.desk_history import History
from lotwise.app.trade_config import TradeConfig
from lotwise.app.trade_folder import Folder, Written
from lotwise.app.trade_journal import Keeper
from lotwise.broker.chronicle import Chronicle
from lotwise.broker.venue import VenuePort
from lotwise.clock import Clock
from lotwise.errors import InputError

MS: Final = 10**6
STREAMS: Final = {
    "demo": "wss://fstream.binancefuture.com",
    "live": "wss://fstream.binance.com",
}
"""Public streams. Source: Binance USD-M, "Websocket Market Streams", "Testnet"."""


LOST: Final = (
    "the last session of this account kept its state in {folder}: what it lost today, its locks and its open"
    " trades are not known here"
)


@dataclass
class Opened:
    """A desk with all it needs."""

    desk: Desk
    history: History
    feed: Feed
    journal: str | Path | None
    left: ExitStack

    def close(self) -> None:
        """End the session and let go of everything.

        The session comes first, for as long as its venue answers: entries are taken back with log and lock
        in hand. A second Ctrl-C raises in there and leaves the rest to the end of the process.
        """
        self.desk.end()
        self.left.close()


def open_desk(
    config: TradeConfig, environment: Mapping[str, str], clock: Clock, journal: str | Path | None = None
) -> Opened:
    """Reach the venue and put the desk together; nothing runs yet.

    Parameters
    ----------
    journal
        The journal's database; None: the trader's own.

    Raises
    ------
    InputError
        WEB-130 a venue whose market the desk cannot hear yet; TRADE-114 another session runs in the folder;
        BROKER-130 no keys; TRADE-130 to 132 what is to tell people of it cannot.
    VenueError
        BROKER codes: the venue cannot be reached or the key may withdraw.
    """
    from lotwise.app.notify import notifier_of
    from lotwise.app.trade_lock import account_taken
    from lotwise.app.trade_port import opened as port_of
    from lotwise.broker.intents import quick
    from lotwise.journal.shelf import Journal
    from lotwise.store.database import opened

    if config.venue != "binance":
        raise InputError(
            "WEB-130",
            f"the desk hears the market of binance so far, the file says {config.venue}",
            "`lotwise trade` trades there; for the desk take venue binance",
        )
    left = ExitStack()
    try:
        folder = Folder(config.folder)
        left.enter_context(folder.taken())
        elsewhere = left.enter_context(account_taken(config, environment))
        reached = port_of(config, environment)
        left.callback(reached.close)
        database = opened(folder.database)
        left.callback(database.close)
        shelf = Journal.at(journal)
        left.callback(shelf.close)
        quick(shelf.database)
        written = Written(folder)
        left.callback(written.close)
        chronicles: list[Chronicle] = [written]
        if (notifier := notifier_of(config, environment)) is not None:
            left.callback(notifier.close)
            chronicles.append(notifier)
        feed = Feed(config.contracts, stream_address(config), clock)

        def again() -> VenuePort:
            return port_of(config, environment).port

        desk = Desk(
            config,
            reached.port,
            feed,
            clock=clock,
            database=database,
            folder=folder,
            keeper=Keeper(shelf, config.venue, config.account),
            chronicles=chronicles,
            again=again,
            before=[LOST.format(folder=elsewhere)] if elsewhere else [],
        )
        reached.words.to(partial(desk.broker.hand.tell, "venue"))
        history = History(
            desk.contracts, public_client(config), lambda contract: feed.seen[contract].market_ms
        )
    except BaseException:  # whatever it was, Ctrl-C too: what was opened is let go of
        left.close()
        raise
    return Opened(desk, history, feed, journal, left)


def stream_address(config: TradeConfig) -> str:
    """Where the public streams of a venue are."""
    if config.where == "paper":
        return "ws" + config.paper.exchange.rstrip("/").removeprefix("http")
    return STREAMS[config.where]


def public_client(config: TradeConfig) -> Callable[[], Any]:
    """Makes a ccxt client without keys, for bars alone."""

    def made() -> Any:
        import ccxt

        from lotwise.app.trade_feed import exact_client
        from lotwise.broker.ccxt_venue.connect import loopback_urls

        options = {
            "enableRateLimit": config.where != "paper",
            "timeout": 10_000,
            "options": {
                "fetchCurrencies": False,
                "fetchMarkets": {"types": ["linear"]},
                "defaultType": "swap",
            },
        }
        client = ccxt.binanceusdm(options)
        if config.where == "paper":
            client.urls["api"] = loopback_urls(client.urls["api"], config.paper.exchange.rstrip("/"))
            client.session.trust_env = False  # a proxy has no business on this machine
        elif config.where == "demo":
            client.enable_demo_trading(True)
        return exact_client(client)

    return made
