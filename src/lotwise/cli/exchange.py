"""``lotwise exchange``: a venue on this machine that bots and clients trade on as on Binance USD-M."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError, VenueError

if TYPE_CHECKING:
    from lotwise.exchange.faults import Fault
    from lotwise.exchange.market import MarketChoice
    from lotwise.exchange.serve import Feeder

family = App(
    name="exchange", help="A venue on this machine for unmodified clients: Binance USD-M over loopback."
)
accounts = App(name="account", help="Accounts of the venue.")
family.command(accounts)

Folder = Annotated[Path | None, Parameter(name=["--state"])]
HOUR_NS = 3_600 * 10**9


def own_folder() -> Path:
    """Where the state lies: ``LOTWISE_EXCHANGE``, else in the user's data folder."""
    if chosen := os.environ.get("LOTWISE_EXCHANGE"):
        return Path(chosen)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "lotwise" / "exchange"


@family.default
def serve(
    *,
    port: int = 8610,
    admin_port: int = 8611,
    market: str = "synthetic",
    contracts: str = "BTCUSDT,ETHUSDT",
    scenario: str = "demo",
    seed: int = 7,
    days: int = 3,
    start: str = "now",
    history_hours: int = 24,
    speed: int = 1,
    venue: str = "binance",
    store: Path | None = None,
    state: Folder = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    limits: Annotated[bool, Parameter(negative="")] = False,
    faults: Path | None = None,
    expose: str = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Serve until Ctrl-C. What was answered is on the disk: started again, it goes on where it was.

    Needs the extra lotwise[exchange]. No key of a real venue is needed, none should be given: see
    lotwise exchange account add.

    Parameters
    ----------
    port, admin_port
        Where it listens; 0: any free port.
    market
        synthetic, store or live (a venue's public streams, as they come).
    contracts, scenario, seed, days
        Of a synthetic market, as in lotwise data synthetic; of a store the contracts.
    start
        When a synthetic market begins to be traded: now, or a time as 2025-01-06T00:00.
    history_hours
        How much of the market is there when the first account may trade.
    speed
        How many times the time of the clock; 0: stepped by the admin port.
    venue, store
        Of the series in the store, and its folder; else LOTWISE_STORE, else your data folder. Of a live
        market binanceusdm.
    state
        The folder of the state; else LOTWISE_EXCHANGE, else lotwise/exchange in your data folder.
    strict
        Refuse parameters that nobody reads (-1104), so that a call that does not mean what it says is seen.
    limits
        Refuse what is beyond the venue's request weights and order counts (429, 418).
    faults
        A file of faults to plan, see docs/exchange.md.
    expose
        Listen at this address instead of loopback: whoever reaches it may send orders with a key.
    output
        How to answer.
    """
    from lotwise.clock import SystemClock
    from lotwise.exchange.serve import LOOPBACK, Ports, ready_line, run

    clock = SystemClock()
    choice = _choice(market, contracts, (scenario, seed, days), (start, history_hours), clock.now_ns())
    if market == "store":
        choice = _of_store(choice, venue, store)
    folder = state or own_folder()
    script = _scripted(faults)
    feeder = None
    if market == "live":
        choice, feeder = _live(choice, venue, folder)
    screen = Screen(output)

    def ready(told: dict[str, Any]) -> None:
        if output.json:
            print(ready_line(told), flush=True)
            return
        if expose:
            screen.line(
                f"  open to whoever reaches {expose}: orders with a key, market data without", "yellow"
            )
        screen.line(
            f"  http://{told['host']}:{told['port']}  admin http://{LOOPBACK}:{told['admin']}  {folder}"
        )

    run(
        choice,
        folder,
        clock,
        speed,
        Ports(port, admin_port, expose or LOOPBACK, strict, limits),
        ready=ready,
        script=script,
        feeder=feeder,
    )
    return 0


def _choice(
    market: str, contracts: str, made: tuple[str, int, int], begin: tuple[str, int], now_ns: int
) -> MarketChoice:
    from lotwise.app.fetch import moment
    from lotwise.exchange.market import MarketChoice
    from lotwise.market.store import nanoseconds

    scenario, seed, days = made
    start, history = begin
    if history < 0 or history > 24 * 14:
        raise InputError("EXCHANGE-133", f"{history} hours of history", "0 to 336")
    at = now_ns if start == "now" else nanoseconds(moment(start, "--start"))
    first = (at // HOUR_NS - history) * HOUR_NS if market == "synthetic" else now_ns * (market == "live")
    names = tuple(name.strip().upper() for name in contracts.split(",") if name.strip())
    return MarketChoice(
        source=market,
        contracts=names,
        scenario=scenario,
        seed=seed,
        days=days,
        start_ns=first,
        history_ns=at - first if market == "synthetic" else history * HOUR_NS,
    )


def _of_store(choice: MarketChoice, venue: str, store: Path | None) -> MarketChoice:
    import msgspec

    root = str(store.resolve()) if store else ""
    return msgspec.structs.replace(choice, venue=venue, root=root)


def _live(choice: MarketChoice, venue: str, folder: Path) -> tuple[MarketChoice, Feeder]:
    """A live market, begun in the folder where it is not."""
    import msgspec

    from lotwise.app.exchange_live import VENUES, follow, prepared

    name = VENUES[0] if venue == "binance" else venue
    choice = msgspec.structs.replace(choice, venue=name, history_ns=0, seed=7, scenario="", days=0)
    prepared(choice, folder)
    return choice, follow


def _scripted(path: Path | None) -> list[tuple[Fault, str]]:
    if path is None:
        return []
    from lotwise.exchange.faults import scripted

    return scripted(path)


@family.command(name="config")
def configured(client: str, /, *, port: int = 8610, key: str = "", secret: str = "") -> int:
    """Print how a client is pointed at the exchange: no key can reach the real venue.

    Parameters
    ----------
    client
        ccxt, freqtrade, python-binance or nautilus.
    port
        Where the exchange listens.
    key, secret
        Of an account of the exchange (lotwise exchange account add), never of the real venue.
    """
    from lotwise.app.exchange_clients import KEY, SECRET, client_text

    print(client_text(client, port, key or KEY, secret or SECRET), end="")
    return 0


@accounts.command(name="add")
def added(
    name: str,
    /,
    *,
    deposit: str = "1000",
    admin: str = "",
    state: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Open an account and print its key and secret.

    Parameters
    ----------
    name
        For you; up to 40 characters.
    deposit
        In USDT.
    admin
        Of a server that runs, as http://127.0.0.1:8611; else the account is put into the folder.
    state
        The folder of the state, as of lotwise exchange.
    output
        How to answer.
    """
    from lotwise.units import parse_cash

    if admin:
        told = _asked(f"{admin.rstrip('/')}/account", {"name": name, "deposit": deposit})
    else:
        from lotwise.exchange.venue import add_account

        act = add_account(state or own_folder(), name, parse_cash(deposit, "deposit"))
        told = {"name": act.name, "key": act.key, "secret": act.secret}
    if output.json:
        print(json.dumps(told, indent=2))
    else:
        screen = Screen(output)
        for label in ("name", "key", "secret"):
            screen.line(f"  {label:<7}{told[label]}")
    return 0


def _asked(address: str, body: dict[str, str]) -> dict[str, Any]:
    """What the admin port answers."""
    from contextlib import closing
    from http.client import HTTPConnection, HTTPException
    from urllib.parse import urlsplit

    parts = urlsplit(address)
    if parts.scheme != "http" or not parts.hostname:
        raise InputError("EXCHANGE-134", f"{address} is no address", "--admin http://127.0.0.1:8611")
    try:
        with closing(HTTPConnection(parts.hostname, parts.port or 80, timeout=10)) as line:
            line.request("POST", parts.path, json.dumps(body))
            answer = line.getresponse()
            told: dict[str, Any] = json.loads(answer.read())
    except (OSError, HTTPException, ValueError) as error:
        raise VenueError(
            "EXCHANGE-135", f"{address} does not answer: {error}", "is the server running?"
        ) from error
    if answer.status != 200:
        found = told.get("error", {})
        raise InputError(found.get("code", "EXCHANGE-135"), found.get("message", ""), found.get("hint", ""))
    return told
