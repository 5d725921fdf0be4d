"""The catalogue: dated contract facts, read from the files in ``facts/``.

A lookup reads one file, finds the lines of one symbol and parses only those; this is on the way
of every command, so nothing heavy is imported here. The format is described in ``facts/README.md``.
"""

from __future__ import annotations

import os.path
from functools import cache, lru_cache
from typing import TYPE_CHECKING, cast

from lotwise.contracts.contract import Contract, ContractKind, FeeSchedule, FundingTerms
from lotwise.contracts.tiers import MarginTier
from lotwise.errors import FactsError, InputError
from lotwise.units import shown

if TYPE_CHECKING:
    import datetime

VENUES: tuple[str, ...] = ("binance", "bybit")
"""Known venues; the order is the preference when a symbol is given without one."""

_FOLDER = os.path.join(os.path.dirname(__file__), "facts")
_ROWS = {"binance": "binance-linear.tsv", "bybit": "bybit-linear.tsv"}
_TIERS = {"binance": "binance-linear-tiers.tsv"}
_FORMS = 'write "venue:SYMBOL" or "SYMBOL", for example "binance:BTCUSDT", "BTCUSDT" or "BTC/USDT"'


def load(contract_id: str, as_of: str | datetime.date | None = None) -> Contract:
    """Give the contract with the rules of a day.

    Parameters
    ----------
    contract_id
        ``"venue:SYMBOL"``, or ``"SYMBOL"`` for the first venue in `VENUES` that lists it. Case does
        not matter; ``BTC/USDT`` and ``BTC-USDT`` name the perpetual of that pair.
    as_of
        Newest snapshot on or before this UTC day (``YYYY-MM-DD``); None: the newest there is.

    Raises
    ------
    InputError
        ``CONTRACT-201`` unknown venue, ``-202`` unknown symbol, ``-203`` day before the first
        snapshot, ``-204`` malformed id, ``-205`` malformed day.

    Examples
    --------
    >>> load("binance:BTCUSDT", as_of="2021-12-01").tick_size
    '0.01'
    """
    day = _day(as_of)
    venue, name = _parse(contract_id)
    venues = (venue,) if venue else VENUES
    for candidate in venues:
        symbol = _find(candidate, name)
        if symbol and _usable(candidate, symbol, day):
            return _contract(candidate, symbol, day)
    raise _missing(name, venues, day)


def symbols(venue: str) -> tuple[str, ...]:
    """Symbols in the newest snapshot of a venue, sorted; ASCII names only."""
    return tuple(_listed(_known(venue)))


def search(text: str, venue: str | None = None) -> list[str]:
    """Ids of the listed contracts with `text` in their symbol or base, in venue order."""
    wanted = text.upper()
    return [
        f"{where}:{symbol}"
        for where in ((_known(venue),) if venue else VENUES)
        for symbol, (base, _) in _listed(where).items()
        if wanted in symbol or wanted in base
    ]


def same_coin(base: str, settle: str) -> list[Contract]:
    """Newest contracts of all venues on one coin, paid in one coin; perpetuals first, then by expiry."""
    wanted = (base.upper(), settle.upper())
    found = [
        _contract(venue, symbol, None)
        for venue in VENUES
        for symbol, facts in _listed(venue).items()
        if facts == wanted
    ]
    # The sort is stable: within equal keys the venue order stays.
    return sorted(found, key=lambda contract: contract.expiry or "")


def venues_of(symbol: str) -> list[str]:
    """Venues whose newest snapshot lists a symbol, in the order of `VENUES`."""
    _, name = _parse(symbol)
    return [venue for venue in VENUES if _find(venue, name) in _listed(venue)]


# -- what was asked --------------------------------------------------------------------------------


def _known(venue: str) -> str:
    name = venue.lower()
    if name not in _ROWS:
        raise FactsError(
            "CONTRACT-201", f"no facts of a venue {shown(venue)}", f"known venues: {', '.join(VENUES)}"
        )
    return name


def _parse(contract_id: object) -> tuple[str | None, str]:
    """Venue (None: any) and name in capitals."""
    if not isinstance(contract_id, str):
        raise InputError("CONTRACT-204", f"a contract id is text, not {type(contract_id).__name__}", _FORMS)
    if not contract_id.isprintable():  # also lone surrogates, which no file holds
        raise InputError("CONTRACT-204", f"{contract_id!a} is not a contract id", _FORMS)
    venue, colon, symbol = contract_id.strip().rpartition(":")
    name = symbol.upper()
    if not symbol.isascii() and any(_lines(file, symbol) for file in _ROWS.values()):
        name = symbol  # as the venue writes it: in other scripts capitals make look-alikes
    elif not symbol.isascii():
        strange = next(letter for letter in symbol if not letter.isascii())
        message = (
            f"{shown(contract_id)} holds {shown(strange)} (U+{ord(strange):04X}): no contract's name does"
        )
        raise InputError("CONTRACT-204", message, _FORMS)
    if not name.replace("-", "").replace("/", "", 1).isalnum() or (colon and not venue.isalnum()):
        raise InputError("CONTRACT-204", f"{shown(contract_id)} is not a contract id", _FORMS)
    return (_known(venue) if colon else None), name


def _day(as_of: object) -> str | None:
    """The day as ISO text, which compares like the day."""
    if as_of is None:
        return None
    import datetime  # only those who ask for a day pay for it

    if isinstance(as_of, datetime.datetime):
        if as_of.tzinfo is not None:
            return as_of.astimezone(datetime.UTC).date().isoformat()
    elif isinstance(as_of, datetime.date):
        return as_of.isoformat()
    elif isinstance(as_of, str):
        try:
            if datetime.date.fromisoformat(as_of).isoformat() == as_of:
                return as_of
        except ValueError:
            pass
    hint = 'write the UTC day as "YYYY-MM-DD", or give a date or an aware datetime'
    raise InputError("CONTRACT-205", f"as_of {shown(as_of)} is not a day", hint)


def _missing(name: str, venues: tuple[str, ...], day: str | None) -> InputError:
    """The error for a name that no venue of `venues` has on that day."""
    for venue in venues:
        symbol = _find(venue, name)
        if not symbol:
            continue
        days = _days(venue, symbol)
        first, last = days[0], days[-1]
        if day is not None and day < first:
            message = f"the first facts of {venue}:{symbol} are of {first}; asked for {day}"
            return FactsError("CONTRACT-203", message, f"ask for {first} or later")
        current = _note(_ROWS[venue], "current")
        message = f"{venue} does not list {symbol} on {current}; its last facts are of {last}"
        return FactsError("CONTRACT-202", message, f'as_of="{last}" gives the rules of that day')
    where = " or ".join(venues)
    near = _nearest(name, venues)
    hint = f"nearest: {', '.join(near)}" if near else "lotwise.contracts.catalogue.search(text) finds symbols"
    return FactsError("CONTRACT-202", f"no contract {name[:40]} on {where}", hint)


def _nearest(name: str, venues: tuple[str, ...]) -> list[str]:
    """Up to three ids: the same name elsewhere, then the coin's own contracts, then look-alikes."""
    import difflib  # only a wrong name pays for it

    plain = name.replace("/", "").replace("-", "")
    near = [f"{venue}:{symbol}" for venue in VENUES if (symbol := _find(venue, name)) in _listed(venue)]
    for venue in venues:
        near += [f"{venue}:{symbol}" for symbol, (base, _) in _listed(venue).items() if base == plain]
        near += [f"{venue}:{symbol}" for symbol in _listed(venue) if symbol.endswith(plain)]
    everything = {symbol: venue for venue in reversed(venues) for symbol in _listed(venue)}
    for symbol in difflib.get_close_matches(plain, everything, n=3):
        near.append(f"{everything[symbol]}:{symbol}")
    return list(dict.fromkeys(near))[:3]


# -- the files -------------------------------------------------------------------------------------


@cache
def _read(file: str) -> bytes:
    """A fact file as it is; bytes, because a search in them is quick whatever the letters."""
    with open(os.path.join(_FOLDER, file), "rb") as stream:
        return stream.read()


@cache
def _note(file: str, name: str) -> str:
    """The comment line ``# name: ...``."""
    _, _, rest = _read(file).partition(f"\n# {name}: ".encode())
    return rest.partition(b"\n")[0].decode()


@cache
def _columns(file: str, first: str) -> list[str]:
    _, _, rest = _read(file).partition(f"\n{first}\t".encode())
    return [first, *rest.partition(b"\n")[0].decode().split("\t")]


@lru_cache(maxsize=8192)
def _lines(file: str, symbol: str) -> tuple[str, ...]:
    """The lines of a symbol, oldest first; they stand together because the file is sorted."""
    data, key = _read(file), f"{symbol}\t".encode()
    start = data.find(b"\n" + key) + 1
    if start == 0:
        return ()
    end = start
    while data.startswith(key, end):
        end = data.index(b"\n", end) + 1
    return tuple(data[start : end - 1].decode().split("\n"))


@lru_cache(maxsize=4096)
def _days(venue: str, symbol: str) -> tuple[str, ...]:
    """The days of a symbol's rows, oldest first."""
    return tuple(line.rpartition("\t")[2] for line in _lines(_ROWS[venue], symbol))


@lru_cache(maxsize=4096)
def _find(venue: str, name: str) -> str | None:
    """The venue's symbol for a symbol or a pair."""
    file = _ROWS[venue]
    if "/" not in name and _lines(file, name):
        return name
    base, mark, quote = name.partition("/" if "/" in name else "-")
    if not mark:
        return None
    # A linear contract settles in its quote coin; that makes the pair's perpetual one pattern.
    data = _read(file)
    found = data.find(f"\t{base}\t{quote}\t{quote}\tlinear_perpetual\t".encode())
    return None if found < 0 else data[data.rfind(b"\n", 0, found) + 1 : found].decode()


@cache
def _listed(venue: str) -> dict[str, tuple[str, str]]:
    """Base and settlement coin of every symbol in the newest snapshot."""
    file = _ROWS[venue]
    newest = "\t" + _note(file, "current")
    listed = {}
    for line in _read(file).decode().split("\n"):
        if line.endswith(newest):
            symbol, base, _, settle, _ = line.split("\t", 4)
            listed[symbol] = (base, settle)
    return listed


# -- contracts -------------------------------------------------------------------------------------


def _usable(venue: str, symbol: str, day: str | None) -> bool:
    """Whether the rules of a day are known; a snapshot without the symbol ends its older rows."""
    days, current = _days(venue, symbol), _note(_ROWS[venue], "current")
    return days[-1] >= current if day is None or day >= current else days[0] <= day


@lru_cache(maxsize=4096)
def _contract(venue: str, symbol: str, day: str | None) -> Contract:
    """The newest row on or before a day that `_usable` granted, as a Contract."""
    file = _ROWS[venue]
    rows = [line.split("\t") for line in _lines(file, symbol)]
    row = [fields for fields in rows if day is None or fields[-1] <= day][-1]
    facts = {
        column: value for column, value in zip(_columns(file, "symbol"), row, strict=True) if value != "-"
    }
    get = facts.get
    fees = FeeSchedule(maker=facts["maker"], taker=facts["taker"]) if "maker" in facts else None
    funding = None
    if "funding_hours" in facts:
        funding = FundingTerms(
            interval_hours=int(facts["funding_hours"]),
            cap=get("funding_cap"),
            floor=get("funding_floor"),
            as_of=get("funding_as_of"),
        )
    return Contract(
        venue=venue,
        symbol=symbol,
        base=facts["base"],
        quote=facts["quote"],
        settle=facts["settle"],
        kind=cast(ContractKind, facts["kind"]),
        tick_size=facts["tick_size"],
        lot_size=facts["lot_size"],
        contract_size=facts["contract_size"],
        min_quantity=get("min_quantity"),
        max_quantity=get("max_quantity"),
        max_market_quantity=get("max_market_quantity"),
        min_notional=get("min_notional"),
        max_leverage=get("max_leverage"),
        leverage_step=get("leverage_step", "1"),
        maintenance_rule="entry" if get("maintenance_rule") == "entry" else "mark",
        margin_holds_closing_fee=get("margin_holds_closing_fee") == "yes",
        tiers=_tiers(venue, symbol, day),
        fees=fees,
        funding=funding,
        liquidation_fee=get("liquidation_fee"),
        listed=get("listed"),
        expiry=get("expiry"),
        as_of=facts["as_of"],
        limits_as_of=get("limits_as_of"),
        source=_note(file, f"rows {facts['as_of']}"),
    )


def _tiers(venue: str, symbol: str, day: str | None) -> tuple[MarginTier, ...]:
    """The newest tier table on or before a day; empty when none is known."""
    file = _TIERS.get(venue)
    if file is None:
        return ()
    rows = [line.split("\t") for line in _lines(file, symbol)]
    known = [fields for fields in rows if day is None or fields[1] <= day]
    return tuple(MarginTier(*fields[3:]) for fields in known if fields[1] == known[-1][1])
