"""The catalogue: dated contract facts, read from the files in ``facts/`` and from the user's own.

A lookup reads one file, finds the lines of one symbol and parses only those; this is on the way
of every command, so nothing heavy is imported here. The format is described in ``facts/README.md``.

Facts that the user refreshed lie in a folder of theirs (``facts_file.overlay_folder``) under the
same names. Their rows are laid over the packaged ones: of one day theirs hold, the newest day is
today, and older days still answer from both.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, cast

from lotwise.contracts import facts_file
from lotwise.contracts.contract import MAX_LEVERAGE100, Contract, ContractKind, FeeSchedule, FundingTerms
from lotwise.contracts.facts_file import FILES, NO_TIER, Row, broken, rows, sources
from lotwise.contracts.tiers import MarginTier
from lotwise.contracts.venue_rules import BYBIT, maintenance_rule_on
from lotwise.errors import FactsError, InputError
from lotwise.kernel.layout import LEVERAGE
from lotwise.units import shown

if TYPE_CHECKING:
    import datetime

VENUES: tuple[str, ...] = tuple(FILES)
"""Known venues; the order is the preference when a symbol is given without one."""

_FORMS = 'write "venue:SYMBOL" or "SYMBOL", for example "binance:BTCUSDT", "BTCUSDT" or "BTC/USDT"'


def load(contract_id: str, as_of: str | datetime.date | None = None) -> Contract:
    """Give the contract with the rules of a day.

    Parameters
    ----------
    contract_id
        ``"venue:SYMBOL"``, or ``"SYMBOL"`` for the first venue in `VENUES` that lists it. Case does
        not matter; ``BTC/USDT``, ``BTC-USDT`` and ``BTC_USDT`` name the perpetual of that pair, and
        ``BTC/USD`` the inverse one.
    as_of
        Newest snapshot on or before this UTC day (``YYYY-MM-DD``); None: the newest there is.

    Raises
    ------
    InputError
        ``CONTRACT-201`` unknown venue, ``-202`` unknown symbol, ``-203`` day before the first
        snapshot, ``-204`` malformed id, ``-205`` malformed day, ``-210`` a file that the user
        refreshed is broken.

    Examples
    --------
    >>> load("binance:BTCUSDT", as_of="2021-12-01").tick_size
    '0.01'
    >>> load("binance-coinm:BTC/USD").contract_size
    '100'
    """
    day = _day(as_of)
    venue, name = _parse(contract_id)
    venues = (venue,) if venue else VENUES
    for candidate in venues:
        symbol = _find(candidate, name)
        if symbol and _usable(candidate, symbol, day):
            return _contract(candidate, symbol, day)
    raise _missing(name, venues, day)


def all_contracts(as_of: str | datetime.date | None = None) -> Iterator[Contract]:
    """Every contract with the rules of a day, venue by venue, by symbol; None: those listed now.

    Of a day, contracts that had expired before are left out; of now, the snapshot may hold some
    that expired since it was taken.
    """
    day = _day(as_of)
    for venue in VENUES:
        for symbol in _listed(venue) if day is None else _every_symbol(venue):
            if found := _trading(venue, symbol, day):
                yield found


def symbols(venue: str) -> tuple[str, ...]:
    """Symbols in the newest snapshot of a venue, sorted."""
    return tuple(_listed(_known(venue)))


def search(text: str, venue: str | None = None, as_of: str | datetime.date | None = None) -> list[str]:
    """Ids of the contracts with `text` in their symbol or base, in venue order: listed now, or on a day."""
    wanted, day = text.upper(), _day(as_of)
    return [
        f"{where}:{symbol}"
        for where in ((_known(venue),) if venue else VENUES)
        for symbol, base in (_bases(where) if day is None else _every_symbol(where)).items()
        if (wanted in symbol or wanted in base) and (day is None or _trading(where, symbol, day))
    ]


def same_coin(base: str, settle: str | None = None) -> list[Contract]:
    """Newest contracts of all venues on one coin, paid in `settle` (None: in any); by expiry.

    Perpetuals come first, and listed futures whose expiry is not told.
    """
    coin, paid_in = base.upper(), settle.upper() if settle else None
    found = [
        _contract(venue, symbol, None)
        for venue in VENUES
        for symbol, (its_base, its_settle) in _listed(venue).items()
        if its_base == coin and paid_in in (None, its_settle)
    ]
    # The sort is stable: within equal keys the venue order stays.
    return sorted(found, key=lambda contract: contract.expiry or "")


def venues_of(symbol: str) -> list[str]:
    """Venues whose newest snapshot lists a symbol, in the order of `VENUES`."""
    _, name = _parse(symbol)
    return [venue for venue in VENUES if _find(venue, name) in _listed(venue)]


def forget() -> None:
    """Read the files anew at the next lookup: they, or the folder of the user's own, changed."""
    facts_file.forget()
    for kept in (_find, _current, _listed, _every_symbol, _contract):
        kept.cache_clear()
    _forgotten.append(None)


def generation() -> int:
    """Grows with every :func:`forget`; what is made of the facts is out of date once it has."""
    return len(_forgotten)


_forgotten: list[None] = []


# -- what was asked --------------------------------------------------------------------------------


def _known(venue: str) -> str:
    name = venue.lower()
    if name not in FILES:
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
    if not symbol.isascii() and any(rows(file, symbol) for file in FILES.values()):
        name = symbol  # as the venue writes it: in other scripts capitals make look-alikes
    elif not symbol.isascii():
        strange = next(letter for letter in symbol if not letter.isascii())
        message = (
            f"{shown(contract_id)} holds {shown(strange)} (U+{ord(strange):04X}): no contract's name does"
        )
        raise InputError("CONTRACT-204", message, _FORMS)
    plain = name.replace("-", "").replace("_", "").replace("/", "", 1)
    if not plain.isalnum() or (colon and not venue.replace("-", "").isalnum()):
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
        days = [row.day for row in rows(FILES[venue], symbol)]
        first, last = days[0], days[-1]
        if day is not None and day < first:
            message = f"the first facts of {venue}:{symbol} are of {first}; asked for {day}"
            return FactsError("CONTRACT-203", message, f"ask for {first} or later")
        message = f"{venue} does not list {symbol} on {_current(venue)}; its last facts are of {last}"
        return FactsError("CONTRACT-202", message, f'as_of="{last}" gives the rules of that day')
    where = venues[0] if len(venues) == 1 else "any venue"
    near = _nearest(name, venues)
    hint = f"nearest: {', '.join(near)}" if near else "lotwise.contracts.catalogue.search(text) finds symbols"
    return FactsError("CONTRACT-202", f"no contract {name[:40]} on {where}", hint)


def _nearest(name: str, venues: tuple[str, ...]) -> list[str]:
    """Up to three ids: the same name elsewhere, then the coin's own contracts, then look-alikes."""
    import difflib  # only a wrong name pays for it

    plain = name.replace("/", "").replace("-", "").replace("_", "")
    near = [f"{venue}:{symbol}" for venue in VENUES if (symbol := _find(venue, name)) in _listed(venue)]
    for venue in venues:
        near += [f"{venue}:{symbol}" for symbol, (base, _) in _listed(venue).items() if base == plain]
        near += [f"{venue}:{symbol}" for symbol in _listed(venue) if symbol.endswith(plain)]
    everything = {symbol: venue for venue in reversed(venues) for symbol in _listed(venue)}
    alike = [f"{everything[symbol]}:{symbol}" for symbol in difflib.get_close_matches(plain, everything, n=3)]
    near += sorted(alike, key=lambda name: venues.index(name.partition(":")[0]))
    return list(dict.fromkeys(near))[:3]


# -- the files -------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _find(venue: str, name: str) -> str | None:
    """The venue's symbol for a symbol or a pair."""
    file = FILES[venue]
    if "/" not in name and rows(file, name):
        return name
    base, mark, quote = name.partition(next((mark for mark in "/-_" if mark in name), "/"))
    if not mark:
        return None
    # A perpetual settles in its quote or, an inverse one, in its base: one pattern each.
    linear = f"\t{base}\t{quote}\t{quote}\tlinear_perpetual\t".encode()
    inverse = f"\t{base}\t{quote}\t{base}\tinverse_perpetual\t".encode()
    for source in reversed(sources(file)):
        for pattern in (linear, inverse):
            found = source.data.find(pattern)
            if found >= 0:
                return source.data[source.data.rfind(b"\n", 0, found) + 1 : found].decode()
    return None


@cache
def _current(venue: str) -> str:
    """The day of the newest snapshot: what the venue lists."""
    return max((source.note("current") for source in sources(FILES[venue])), default="")


@cache
def _listed(venue: str) -> dict[str, tuple[str, str]]:
    """Base and settlement coin of every symbol in the newest snapshot."""
    current = _current(venue)
    listed = {}
    for source in sources(FILES[venue]):
        for line in source.body():
            if line.rpartition("\t")[2] >= current:
                fields = line.split("\t", 4)
                if len(fields) != 5:
                    raise broken(source.path, f"the row of {fields[0]} has not one text for each column")
                listed[fields[0]] = (fields[1], fields[3])
    return listed if len(sources(FILES[venue])) == 1 else dict(sorted(listed.items()))


def _bases(venue: str) -> dict[str, str]:
    """Base of every symbol in the newest snapshot."""
    return {symbol: base for symbol, (base, _) in _listed(venue).items()}


@cache
def _every_symbol(venue: str) -> dict[str, str]:
    """Base of every symbol of all snapshots, sorted."""
    found = {}
    for source in sources(FILES[venue]):
        for line in source.body():
            symbol, _, rest = line.partition("\t")
            found[symbol] = rest.partition("\t")[0]
    return dict(sorted(found.items()))


# -- contracts -------------------------------------------------------------------------------------


def _usable(venue: str, symbol: str, day: str | None) -> bool:
    """Whether the rules of a day are known; a snapshot without the symbol ends its older rows."""
    days, current = [row.day for row in rows(FILES[venue], symbol)], _current(venue)
    return days[-1] >= current if day is None or day >= current else days[0] <= day


def _trading(venue: str, symbol: str, day: str | None) -> Contract | None:
    """The contract by the rules of a day, unless they are unknown or it had expired before."""
    if not _usable(venue, symbol, day):
        return None
    found = _contract(venue, symbol, day)
    return None if day and found.expiry and found.expiry[:10] < day else found


@lru_cache(maxsize=4096)
def _contract(venue: str, symbol: str, day: str | None) -> Contract:
    """The newest row on or before a day that `_usable` granted, as a Contract."""
    row = [row for row in rows(FILES[venue], symbol) if day is None or row.day <= day][-1]
    try:
        return _built(venue, symbol, day, row)
    except KeyError as error:
        raise broken(row.source.path, f"the row of {symbol} lacks {error.args[0]}") from None
    except (InputError, ValueError) as error:
        what = error.message if isinstance(error, InputError) else str(error)
        raise broken(row.source.path, what) from None


def _built(venue: str, symbol: str, day: str | None, row: Row) -> Contract:
    facts = row.facts
    get = facts.get
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
        maintenance_rule=_maintenance_rule(venue, day, facts),
        margin_holds_closing_fee=get("margin_holds_closing_fee") == "yes",
        liquidation_holds_closing_fee=get("liquidation_holds_closing_fee") == "yes",
        clearing=get("clearing") == "yes",
        tiers=_tiers(venue, symbol, day, get("max_leverage")),
        fees=FeeSchedule(maker=facts["maker"], taker=facts["taker"]) if "maker" in facts else None,
        funding=_funding(facts),
        liquidation_fee=get("liquidation_fee"),
        listed=get("listed"),
        expiry=get("expiry"),
        sector=get("sector"),
        as_of=facts["as_of"],
        limits_as_of=get("limits_as_of"),
        source=row.source.note(f"rows {row.day}"),
    )


def _maintenance_rule(venue: str, day: str | None, facts: dict[str, str]) -> Literal["mark", "entry"]:
    """The rule of the day asked for, which may be younger than the row."""
    if venue in BYBIT:
        return maintenance_rule_on(venue, day)
    return "entry" if facts.get("maintenance_rule") == "entry" else "mark"


def _funding(facts: dict[str, str]) -> FundingTerms | None:
    if "funding_hours" not in facts:
        return None
    return FundingTerms(
        interval_hours=int(facts["funding_hours"]),
        cap=facts.get("funding_cap"),
        floor=facts.get("funding_floor"),
        as_of=facts.get("funding_as_of"),
    )


def _tiers(venue: str, symbol: str, day: str | None, leverage: str | None) -> tuple[MarginTier, ...]:
    """The newest tier table on or before a day; empty when none is known.

    Where a venue does not tell the highest leverage of a tier, that of the contract stands in.
    """
    known = [row for row in rows(f"{FILES[venue]}-tiers", symbol) if day is None or row.day <= day]
    if known and known[-1].facts["tier"] == NO_TIER:
        return ()
    highest = leverage or str(MAX_LEVERAGE100 // LEVERAGE)
    return tuple(
        MarginTier(
            notional_floor=row.facts["notional_floor"],
            notional_cap=row.facts.get("notional_cap"),
            max_leverage=row.facts.get("max_leverage", highest),
            maintenance_rate=row.facts["maintenance_rate"],
            cumulative=row.facts["cumulative"],
        )
        for row in known
        if row.day == known[-1].day
    )
