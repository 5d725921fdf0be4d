"""Rebuilding a venue's facts: asks the venue through ccxt, compares, and writes when told to.

ccxt is an extra and is loaded only here. What it parses is not used, only the raw answer that it
hands on as ``info``; the JSON of an answer is read so that no number becomes a float.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from lotwise.clock import Clock, SystemClock, utc_date
from lotwise.contracts import catalogue
from lotwise.contracts.facts_file import (
    FILES,
    PACKAGED,
    FactRow,
    overlay_folder,
    read_facts,
    write_facts,
)
from lotwise.contracts.refresh.checks import check_day, check_whole
from lotwise.contracts.refresh.diff import Diff, compare
from lotwise.contracts.refresh.files import FactFile, kept_notes, market_file, tier_file
from lotwise.contracts.refresh.reader import VenueReader
from lotwise.contracts.refresh.reading import Contradiction, Raw
from lotwise.contracts.refresh.rebuild import Answer, InForce, Rebuilt, merged, rebuild
from lotwise.contracts.refresh.venues import READERS
from lotwise.errors import FactsError, InputError, LotwiseError, VenueError
from lotwise.units import shown

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how much of it is done, and of how much where that is known."""

_EXCHANGES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "binance": ("binanceusdm", {}),
    "binance-coinm": ("binancecoinm", {}),
    "bybit": ("bybit", {"fetchMarkets": {"types": ["linear"]}}),
    "bybit-inverse": ("bybit", {"fetchMarkets": {"types": ["inverse"]}}),
    "bingx": ("bingx", {}),
    "mexc": ("mexc", {}),
    "weex": ("weex", {}),
}
"""Venue to the class of ccxt and its options."""
_SUBTYPES: Final = {
    "binance": "linear",
    "binance-coinm": "inverse",
    "bybit": "linear",
    "bybit-inverse": "inverse",
}
_LOOPBACK: Final = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\]):\d{1,5}")
_TIMEOUT_MS: Final = 20_000


class Refresh(NamedTuple):
    """A refresh that is ready to be kept; nothing is written yet."""

    venue: str
    day: str
    before_day: str
    made: Rebuilt
    diff: Diff
    tiers_note: str
    """Why the tiers stay as they are; empty where they were read."""
    files: dict[str, FactFile]
    """File name to what it would hold."""

    def notes(self) -> list[str]:
        """What is not as new as the rest."""
        kept = ", ".join(f"{column} {note}" for column, note in kept_notes(self.made).items())
        said = [f"kept, because the answer does not tell: {kept}"] if kept else []
        return [*said, *([self.tiers_note] if self.tiers_note else [])]


def quiet(what: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def prepare(
    venue: str,
    *,
    exchange: Any = None,
    clock: Clock | None = None,
    environment: Mapping[str, str] = os.environ,
    progress: Progress = quiet,
) -> Refresh:
    """Ask a venue for its contracts and tiers and compare them with the facts in force.

    Parameters
    ----------
    exchange
        A ccxt exchange to ask; None makes the venue's own.
    environment
        Where ``LOTWISE_<VENUE>_KEY`` and ``_SECRET`` are looked up: tiers of some venues need them.

    Raises
    ------
    InputError
        CONTRACT-201 no such venue, CONTRACT-403 the day is before that of the facts, VENUE-505
        half a pair of keys.
    VenueError
        VENUE-501 ccxt is missing, VENUE-502 network, VENUE-503 the venue's error, VENUE-504 the
        keys are refused; CONTRACT-401, CONTRACT-402 an answer that cannot be trusted.
    """
    if venue not in READERS:
        hint = f"use one of {', '.join(READERS)}"
        raise FactsError("CONTRACT-201", f"the facts of {shown(venue)} cannot be refreshed", hint)
    reader = READERS[venue]
    key, secret = credentials(venue, environment)
    day = utc_date((clock or SystemClock()).now_ns()).isoformat()
    own = _files(venue, overlay_folder())
    before = merged(_files(venue, PACKAGED), own)
    check_day(venue, before, day)
    asked = exchange if exchange is not None else connect(venue, key, secret, environment)
    answer = fetch(venue, reader, asked, signed=bool(key), progress=progress)
    made = rebuild(venue, reader, answer, before, day)
    check_whole(venue, before, made, reader.tiers_by)
    through = f"ccxt {_version()}"
    files = {f"{FILES[venue]}.tsv": market_file(reader, own, made, day, through)}
    table = tier_file(reader, own, made, day, through)
    if table is not None:
        files[f"{FILES[venue]}-tiers.tsv"] = table
    note = _tiers_note(venue, reader, answer, before)
    return Refresh(venue, day, before.day, made, compare(before, made), note, files)


def keep(refresh: Refresh) -> list[Path]:
    """Write the files into the user's facts folder, each one whole or not at all.

    Raises
    ------
    LotwiseError
        IO-002: the folder cannot be written.
    """
    folder = Path(overlay_folder())
    written = []
    for name, file in sorted(refresh.files.items()):
        path = folder / name
        try:
            write_facts(path, *file)
        except OSError as error:
            raise LotwiseError(
                "IO-002",
                f"the fact file {name} could not be written: {error.strerror}",
                "make the facts folder writable, or name another one in LOTWISE_FACTS",
            ) from error
        written.append(path)
    catalogue.forget()
    return written


def _files(venue: str, folder: str) -> InForce:
    """The files of a venue in a folder; a damaged one counts as if it were not there."""
    found: list[tuple[list[str], list[FactRow]]] = []
    for name in (f"{FILES[venue]}.tsv", f"{FILES[venue]}-tiers.tsv"):
        try:
            found.append(read_facts(Path(folder) / name))
        except FactsError:
            found.append(([], []))
    return InForce(*found[0], *found[1])


# -- asking ----------------------------------------------------------------------------------------


def credentials(venue: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Key and secret of a venue from the environment; both empty where there are none."""
    whole = venue.upper().replace("-", "_")
    for name in dict.fromkeys((whole, whole.partition("_")[0])):
        names = f"LOTWISE_{name}_KEY", f"LOTWISE_{name}_SECRET"
        key, secret = (environment.get(one, "") for one in names)
        if bool(key) != bool(secret):
            there, missing = names if key else reversed(names)
            raise InputError("VENUE-505", f"{there} is set, {missing} is not", "set both, or neither")
        if key:
            return key, secret
    return "", ""


def connect(venue: str, key: str, secret: str, environment: Mapping[str, str]) -> Any:
    """The venue's exchange of ccxt; ``LOTWISE_VENUE_URL`` sends it to a server of this machine.

    Raises
    ------
    VenueError
        VENUE-501: ccxt is not installed.
    """
    try:
        import ccxt
    except ImportError:
        raise VenueError(
            "VENUE-501", "ccxt, which talks to the venues, is not installed", "pip install 'lotwise[live]'"
        ) from None
    name, options = _EXCHANGES[venue]
    config = {"enableRateLimit": True, "timeout": _TIMEOUT_MS, "options": options}
    if key:
        config |= {"apiKey": key, "secret": secret}
    exchange = getattr(ccxt, name)(config)
    local = environment.get("LOTWISE_VENUE_URL", "")
    if local:
        if not _LOOPBACK.fullmatch(local):
            raise InputError("VENUE-506", f"LOTWISE_VENUE_URL is {shown(local)}", "name a server on loopback")
        exchange.urls["api"] = _redirected(exchange.urls["api"], local)
    return exchange


def _redirected(urls: Any, local: str) -> Any:
    if isinstance(urls, dict):
        return {name: _redirected(url, local) for name, url in urls.items()}
    return re.sub(r"^https?://[^/]+", local, urls) if isinstance(urls, str) else urls


def exact_json(text: str) -> Any:
    """JSON whose fractions stay text: 0.00055 is "0.00055".

    >>> exact_json('{"rate": 0.00055, "tier": 1}')
    {'rate': '0.00055', 'tier': 1}
    """
    return json.loads(text, parse_float=str)


def fetch(venue: str, reader: VenueReader, exchange: Any, *, signed: bool, progress: Progress) -> Answer:
    """Markets and tiers as the venue sent them.

    Raises
    ------
    VenueError
        VENUE-502 network, VENUE-503 an error or an answer without sense, VENUE-504 keys.
    """
    answers = 0

    def heard(text: str) -> Any:
        nonlocal answers
        answers += 1
        progress(f"answers of {venue}", answers, None)
        return exact_json(text)

    exchange.on_json_response = heard
    markets = asked(venue, exchange.fetch_markets)
    infos: list[Raw] = [market["info"] for market in markets]
    if reader.tiers_by == "never" or (reader.tiers_signed and not signed):
        return Answer(infos, None)
    if reader.tiers_by == "contract":
        return Answer(infos, {})
    asked(venue, lambda: exchange.set_markets(markets))
    if reader.tiers_by == "market":
        wanted = [info for info in infos if _has_row(reader, info)]
        return Answer(infos, _one_by_one(venue, exchange, wanted, progress))
    tables = asked(venue, lambda: exchange.fetch_leverage_tiers(None, {"subType": _SUBTYPES[venue]}))
    ids = {market["symbol"]: market["id"] for market in markets}
    return Answer(
        infos, {ids.get(name, name): [tier["info"] for tier in table] for name, table in tables.items()}
    )


def asked(venue: str, call: Callable[[], Any]) -> Any:
    """What ccxt answers, or its error as one of ours."""
    import ccxt

    try:
        return call()
    except (ccxt.AuthenticationError, ccxt.PermissionDenied) as error:
        hint = f"check LOTWISE_{venue.upper().replace('-', '_')}_KEY; reading is all it must allow"
        raise VenueError("VENUE-504", f"{venue} refuses the key: {_short(error)}", hint) from error
    except ccxt.NetworkError as error:
        raise VenueError(
            "VENUE-502",
            f"{venue} cannot be reached: {_short(error)}",
            "check the network, or try again later",
        ) from error
    except Exception as error:  # ccxt's parsers raise anything at all on an answer they do not expect
        raise VenueError(
            "VENUE-503", f"{venue} answers with an error or without sense: {_short(error)}", "try again later"
        ) from error


def _short(error: Exception) -> str:
    """The first 200 characters of an error, on one line, without the queries of signed addresses."""
    text = " ".join(re.sub(r"\?\S*", "", str(error)).split())
    return f"{type(error).__name__} {text}"[:200].strip()


def _has_row(reader: VenueReader, info: Raw) -> bool:
    """Whether a market belongs in the file; one that contradicts itself is told apart later."""
    try:
        return reader.row(info) is not None
    except Contradiction:
        return False


def _one_by_one(venue: str, exchange: Any, infos: list[Raw], progress: Progress) -> dict[str, list[Raw]]:
    """The tiers of every market, asked for one at a time; a market that the venue disowns has none."""
    import ccxt

    symbols = {market["id"]: name for name, market in exchange.markets.items()}
    found: dict[str, list[Raw]] = {}
    for number, info in enumerate(infos):
        progress(f"tiers of {venue}", number, len(infos))
        name = str(info["symbol"])

        def ask(symbol: str = symbols[name]) -> Any:
            try:
                return exchange.fetch_market_leverage_tiers(symbol)
            except (ccxt.BadSymbol, ccxt.BadRequest):
                return []

        found[name] = [tier["info"] for tier in asked(venue, ask)]
    progress(f"tiers of {venue}", len(infos), len(infos))
    return found


def _tiers_note(venue: str, reader: VenueReader, answer: Answer, before: InForce) -> str:
    if answer.tiers is not None:
        return ""
    days = sorted({table[0]["as_of"] for table in before.tables().values()})
    stay = f"stay as of {days[-1]}" if days else "stay unknown"
    if reader.tiers_by == "never":
        return f"tiers {stay}: ccxt reads none from {venue}"
    name = venue.upper().replace("-", "_")
    return f"tiers {stay}: {venue} tells them to a key only; set LOTWISE_{name}_KEY and LOTWISE_{name}_SECRET"


def _version() -> str:
    import ccxt

    return str(ccxt.__version__)
