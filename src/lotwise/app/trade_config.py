"""A session as a person writes it: one TOML file read into numbers, mistakes named with line and key.

::

    account = "main"               # your name of the account: journal and ledger use it
    venue = "binance"              # binance, bybit, bingx, mexc, weex
    where = "paper"                # paper, demo or live: must be what `lotwise trade` is told
    contracts = ["BTCUSDT"]
    bar = "5m"                     # the strategy is asked at the close of each
    risk = "1%"                    # of equity, lost at the stop of one trade
    leverage = "10"
    margin = "isolated"            # or cross
    slippage = "2t"                # what a market order is counted to slip, beside the spread

    [strategy]
    name = "breakout"              # of the library, or file.py:Class
    settings = {bars = 60, ranges = 3}

    [guard]                        # or guard_file = "guard.toml" above; see lotwise.guard.config
    day_loss = "3%"

``[policy]``, ``[feed]``, ``[notify]`` and ``[paper]`` may be left out; :func:`example` has every key with
what it does, and ``lotwise init`` writes it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from os import environ
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from lotwise.app.trade_file import (
    FeedTable,
    FileTable,
    LiveTable,
    NotifyTable,
    PaperTable,
    Place,
    Where,
    checked,
)
from lotwise.broker.policy import Policy, Terms
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError
from lotwise.guard import values
from lotwise.guard.config import GuardConfig, read_guard
from lotwise.kernel.layout import LEVERAGE
from lotwise.units import Rate8, Ticks, shown

VENUES: Final = ("binance", "bybit", "bingx", "mexc", "weex")
BARS: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
"""Lengths that the venues serve. Source: Binance USD-M, "Kline/Candlestick Data"."""
SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400}
SECOND_NS: Final = 10**9
MOST_TICKS: Final = 100_000


class TradeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A session's settings as numbers."""

    account: str
    venue: str
    where: Where
    contracts: tuple[Contract, ...]
    strategy: str
    settings: Mapping[str, int | float | str | bool]
    risk8: Rate8
    terms: Terms
    bar_ns: int
    bar: str
    guard: GuardConfig
    policy: Policy
    feed: FeedTable
    every_ns: int
    notify: NotifyTable
    paper: PaperTable
    live: LiveTable
    folder: Path
    """Where the session keeps its state."""
    plan: Path | None = None
    """The scaling plan that is asked before every trade."""

    def made(self) -> Any:
        """The strategy, made anew.

        Raises
        ------
        InputError
            TRADE-105.
        """
        from lotwise.app.backtest_words import strategy_of

        try:
            return strategy_of(self.strategy, self.settings)
        except LotwiseError as error:
            raise InputError("TRADE-105", f"strategy: {error.message}", error.hint) from error


def load(path: Path) -> TradeConfig:
    """Read a file.

    Raises
    ------
    InputError
        TRADE-101 it cannot be read; and all of :func:`read`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = (error.strerror or str(error)) if isinstance(error, OSError) else "it is no text in UTF-8"
        raise InputError(
            "TRADE-101", f"{path} cannot be read: {told}", "`lotwise init` writes one to begin with"
        ) from error
    return read(text, path.name, path.absolute().parent)


def read(text: str, name: str = "trade.toml", folder: Path = Path()) -> TradeConfig:
    """Read the text of a file; paths in it are from ``folder``.

    Raises
    ------
    InputError
        TRADE-102 no TOML; 103 an unknown key; 104 a missing key, or one of another type; 105 a value that
        cannot be used; 106 two that contradict each other; 107 the guard's table or file.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = "text stands in quotes, a table in [brackets], a list in [a, b]"
        raise InputError("TRADE-102", f"{name} is no TOML: {error}", hint) from error
    place = Place(name, text)
    file = checked(found, place)
    contracts = _contracts(file, place)
    terms = Terms(
        leverage100=_leverage(file.leverage, place, contracts),
        is_isolated=file.margin == "isolated",
        slippage_ticks=place.read("slippage", _ticks, file.slippage),
    )
    made = TradeConfig(
        account=place.read("account", _name, file.account),
        venue=file.venue,
        where=file.where,
        contracts=contracts,
        strategy=file.strategy.name,
        settings=file.strategy.settings,
        risk8=Rate8(place.read("risk", values.share, file.risk)),
        terms=terms,
        bar_ns=place.read("bar", _bar, file.bar),
        bar=file.bar,
        guard=_guard(file, place, folder),
        policy=_policy(file, place),
        feed=file.feed,
        every_ns=place.read("feed.every", values.span, file.feed.every),
        notify=file.notify,
        paper=file.paper,
        live=file.live,
        folder=_folder(file, folder),
        plan=folder / Path(file.plan).expanduser() if file.plan else None,
    )
    _check_together(made, place)
    return made


def _contracts(file: FileTable, place: Place) -> tuple[Contract, ...]:
    from lotwise.contracts.catalogue import load as catalogued

    if not file.contracts:
        raise place.error("TRADE-105", "contracts", "none is named", 'write contracts = ["BTCUSDT"]')
    found = []
    for word in file.contracts:
        name = word if ":" in word else f"{file.venue}:{word}"
        if not name.startswith(f"{file.venue}:"):
            hint = "one session trades one venue: write a file for each"
            raise place.error("TRADE-106", "contracts", f"{word} is not of {file.venue}", hint)
        found.append(place.read("contracts", lambda value, _: catalogued(str(value)), name))
    if len({contract.id for contract in found}) < len(found):
        raise place.error("TRADE-105", "contracts", "one is named twice", "name each once")
    coins = sorted({contract.settle for contract in found})
    if len(coins) > 1:
        hint = "one session counts in one coin: write a file for each"
        raise place.error("TRADE-106", "contracts", f"they settle in {' and '.join(coins)}", hint)
    return tuple(found)


def _leverage(value: object, place: Place, contracts: tuple[Contract, ...]) -> int:
    leverage100 = place.read("leverage", values.leverage, str(value))
    for contract in contracts:
        most, step = contract.scales.max_leverage100, contract.scales.leverage_step100
        if (most is not None and leverage100 > most) or leverage100 % step:
            told = f"{contract.id} takes up to {(most or LEVERAGE) / LEVERAGE:g}x in steps of {step / 100:g}"
            raise place.error("TRADE-106", "leverage", f"it is {value}; {told}", "a smaller one: 10")
    return leverage100


def _name(value: object, key: str) -> str:
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", text):
        raise InputError("TRADE-105", f"{key} is {shown(value)}", "up to 40 letters, digits, - and _")
    return text


def _bar(value: object, key: str) -> int:
    if value not in BARS:
        raise InputError("TRADE-105", f"{key} is {shown(value)}", f"one of {', '.join(BARS)}")
    text = str(value)
    return int(text[:-1]) * SECONDS[text[-1]] * SECOND_NS


def _ticks(value: object, key: str) -> Ticks:
    digits = str(value).strip().removesuffix("t")
    if not (digits.isascii() and digits.isdecimal()) or int(digits) > MOST_TICKS:
        raise InputError("TRADE-105", f"{key} is {shown(value)}", f'whole ticks: {key} = "2t"')
    return Ticks(int(digits))


def _guard(file: FileTable, place: Place, folder: Path) -> GuardConfig:
    """The guard's table here or in a file of its own; one of the two must be there."""
    if (file.guard is not None) == bool(file.guard_file):
        what = "it is given twice" if file.guard_file else "it is missing"
        hint = "give [guard] or guard_file, one of the two: nothing is traded without limits"
        raise place.error("TRADE-107", "guard", what, hint)
    table, at = file.guard, place
    if file.guard_file:
        path = folder / Path(file.guard_file).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
            table = tomllib.loads(text).get("guard")
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            hint = "a TOML file with a table [guard]"
            raise place.error("TRADE-107", "guard_file", f"{path} cannot be read: {error}", hint) from error
        at = Place(path.name, text)
    try:
        return read_guard(table)
    except InputError as error:
        key = next((f"guard.{name}" for name in table or {} if name in error.message), "guard")
        raise at.error("TRADE-107", key, error.message, error.hint) from error


def _policy(file: FileTable, place: Place) -> Policy:
    table = file.policy

    def span(name: str, value: str) -> int:
        return place.read(name, values.span, value)

    try:
        return Policy(
            naked_ns=span("policy.naked", table.naked),
            stop_gone=table.stop_gone,
            by_mark=table.trigger == "mark",
            rest=table.unfilled,
            rest_ns=span("policy.unfilled_after", table.unfilled_after) if table.unfilled == "cancel" else 0,
            check_ns=span("policy.check", table.check),
            stale_ns=span("feed.stale", file.feed.stale),
            skew_ns=span("policy.skew", table.skew),
            at_end=table.at_end,
        )
    except InputError as error:
        if error.code.startswith("TRADE"):
            raise
        raise place.error("TRADE-105", "policy", error.message, error.hint) from error


def state_place() -> Path:
    """Where sessions keep their state: the user's data folder, wherever the journal is and whoever asks."""
    data = environ.get("XDG_DATA_HOME")
    base = Path(data) if data else Path.home() / ".local" / "share"
    return base / "lotwise" / "trade"


def _folder(file: FileTable, folder: Path) -> Path:
    if file.folder:
        return folder / Path(file.folder).expanduser()
    return state_place() / f"{file.venue}-{file.where}-{file.account}"


def _check_together(made: TradeConfig, place: Place) -> None:
    if made.policy.stale_ns < made.every_ns:
        told = f"it is {made.feed.stale}, and the market is asked every {made.feed.every}"
        raise place.error("TRADE-106", "feed.stale", told, "give stale above every")
    if made.where == "paper" and made.venue != "binance":
        told = f"it is paper on {made.venue}; the exchange on this machine speaks binance"
        raise place.error("TRADE-106", "where", told, "take venue binance, or the demo of the venue")
    if made.paper.lockstep and made.where != "paper":
        raise place.error("TRADE-106", "paper.lockstep", f"it is {made.where}", "lockstep is for paper alone")
    for name in ("exchange", "admin"):
        if not re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/?$", getattr(made.paper, name)):
            told = f"it is {shown(getattr(made.paper, name))}: not on this machine"
            hint = "the address that `lotwise exchange` prints: http://127.0.0.1:8610"
            raise place.error("TRADE-106", f"paper.{name}", told, hint)
    if not 0 <= made.live.paper_trades <= 10_000:
        raise place.error("TRADE-105", "live.paper_trades", f"it is {made.live.paper_trades}", "0 to 10000")
    if not 0 <= made.feed.warm_up <= 1_000:
        raise place.error("TRADE-105", "feed.warm_up", f"it is {made.feed.warm_up}", "0 to 1000 bars")
    allowed = made.guard.book.allowed
    if allowed.risk_share8 and made.risk8 > allowed.risk_share8:
        told = f"it is {made.risk8 / 10**6:g} %, and the guard allows {allowed.risk_share8 / 10**6:g} %"
        raise place.error("TRADE-106", "risk", told, "every trade would be refused: lower it")
    made.made()


def place_of(venue: str, where: Where | None = None) -> Where:
    """Where a venue is traded to begin with.

    Parameters
    ----------
    where
        None: the first of paper, demo and live that there is for the venue.

    Raises
    ------
    InputError
        TRADE-105 a venue that is none, or a place that it does not have.
    """
    from lotwise.broker.ccxt_venue.connect import check_place

    if venue not in VENUES:
        raise InputError("TRADE-105", f"venue is {shown(venue)}", f"one of {', '.join(VENUES)}")
    refused: dict[str, str] = {}
    for place in get_args(Where):
        try:
            check_place(venue, place, PaperTable().exchange if place == "paper" else "")
        except InputError as error:
            refused[place] = error.message
    there: list[Where] = [place for place in get_args(Where) if place not in refused]
    if where in refused:
        told = f"where is {where}, which {venue} does not have: {refused[where]}"
        hint = f"{' or '.join(there)}; or have the paper phase as binance: --venue binance"
        raise InputError("TRADE-105", told, hint)
    return where or there[0]


def example(venue: str = "binance", where: Where | None = None) -> str:
    """A file with every key and what it does; it loads as it is.

    Raises
    ------
    InputError
        TRADE-105 as :func:`place_of`.
    """
    where = place_of(venue, where)
    symbol = {"bingx": "BTC-USDT", "mexc": "BTC_USDT"}.get(venue, "BTCUSDT")
    account = f'"{ACCOUNTS[where]}"'
    return EXAMPLE.format(venue=venue, where=where, symbol=symbol, account=f"{account:<20}")


ACCOUNTS: Final[dict[Where, str]] = {"paper": "paper", "demo": "demo", "live": "main"}
"""Names that a journal keeps apart; `lotwise plan check` looks for paper and main."""


EXAMPLE: Final = """\
# A trading session of lotwise. `lotwise trade --{where} THIS-FILE` runs it.

account = {account}# your name of the account: journal, ledger and plan go by it
venue = "{venue}"             # binance, bybit, bingx, mexc, weex
where = "{where}"               # paper: the exchange on this machine; demo: play money; live: yours
contracts = ["{symbol}"]       # all of one venue and one settle coin
bar = "5m"                    # the strategy is asked at the close of each: 1m 3m 5m 15m 30m 1h ... 1d
risk = "1%"                   # of equity: what a trade loses at its stop, costs included
leverage = "10"               # set at the venue and verified
margin = "isolated"           # or cross
slippage = "2t"               # what a market order is counted to slip beside the spread, in ticks
# folder = "state"            # where the session keeps its state; else in your data folder
# plan = "plan.toml"          # your scaling plan (`lotwise plan init`): asked before every trade

[strategy]
name = "breakout"             # or reversion, burst, value-area, sector-rotation, null; or file.py:Class
settings = {{bars = 60, ranges = 3}}

[guard]                       # what is never done; or guard_file = "guard.toml" above, to share it
time_zone = "UTC"             # whose midnight ends your day
risk = "1%"                   # at most, at the stop of one trade
open_risk = "3%"              # all stops together
day_loss = "3%"               # then locked until tomorrow
week_loss = "6%"
trades_a_day = 6
positions = 3
cool_down = "15min"           # after a loss
account_leverage = "3"        # all that is open, in equities
order_leverage = "10"
margin = "50%"                # of equity
liquidation = "1.5"           # farther than the stop, in stop distances
market_age = "10s"

[policy]                      # what is done when something goes wrong
naked = "5s"                  # a position whose stop was not seen for so long is closed
stop_gone = "replace"         # a stop that was cancelled or moved away by hand: put it back, or "flatten"
trigger = "last"              # stops by the last price, or by the "mark"
unfilled = "keep"             # what has not filled of an entry: keep it, or "cancel" it ...
unfilled_after = "60s"        # ... so long after its first fill
at_end = "keep"               # Ctrl-C: positions stay behind their stops, or "flatten"
check = "10s"                 # what stands is compared with what should so often
skew = "2s"                   # with the venue's clock so far from ours nothing is opened

[feed]
source = "poll"               # ask the venue, or "stream"
every = "2s"                  # with poll
stale = "30s"                 # without news for so long nothing is opened; exits stay
warm_up = 200                 # bars of the past that the strategy sees first

[notify]
addresses = []                # as apprise takes them: "ntfy://mytopic", "json://127.0.0.1:9000"
from_environment = ""         # or the name of a variable that holds them: they may carry secrets
about = ["fill", "stop", "lock", "error", "session"]

[paper]                       # the exchange on this machine, as `lotwise exchange` prints it
exchange = "http://127.0.0.1:8610"
admin = "http://127.0.0.1:8611"
lockstep = false              # play the market on by the admin port: for tests

[live]
paper_trades = 20             # so many trades of this strategy must have ended on paper or demo first
"""
"""What ``lotwise init`` writes."""
