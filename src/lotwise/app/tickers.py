"""Live prices for a scan: asks the venues through ccxt and reads their raw answers exactly.

What ccxt makes of an answer is not used, only the answer itself, which it hands on as ``info``.
No list of markets is loaded: a ticker is matched to its contract by the venue's own symbol.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from os import environ
from typing import Any, Final, NamedTuple

from lotwise.app.refresh import Progress, asked, connect, exact_json, quiet
from lotwise.clock import Clock, SystemClock
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.contracts.refresh.reading import Contradiction, Raw, decimal, plain
from lotwise.errors import InputError, LotwiseError, VenueError
from lotwise.records.scan import Quote
from lotwise.sizing.quotes import checked_quote
from lotwise.units import shown

_SMALLEST: Final = Decimal("0.00000001")
"""Figures are cut to the decimals that money has."""
_MOST_DIGITS: Final = 11
"""Exponent of the largest figure: numbers are read up to 12 whole digits."""


class _Venue(NamedTuple):
    """What is asked of a venue beside its tickers, and where the figures stand in the answers."""

    params: dict[str, str]
    """Which of its markets are meant."""
    also: tuple[str, ...] = ()
    """Further calls of ccxt, for what its tickers lack."""
    last: str = "lastPrice"
    mark: str = "markPrice"
    bid: str = "bidPrice"
    ask: str = "askPrice"
    turnover: str = "quoteVolume"
    """Linear: in the quote."""
    traded: str = "volume"
    """Inverse: in contracts, each worth a fixed amount of the quote."""
    funding: tuple[str, ...] = ("lastFundingRate",)
    held: str = ""
    """Open interest: inverse in contracts."""
    held_worth: str = ""
    """Open interest of a linear contract in the quote."""


_BOOK, _FUNDING = "fetch_bids_asks", "fetch_funding_rates"
_SWAPS: Final = {"type": "swap", "subType": "linear"}
_BYBIT: Final = _Venue(
    {"type": "swap", "subType": "linear"},
    bid="bid1Price",
    ask="ask1Price",
    turnover="turnover24h",
    traded="volume24h",
    funding=("fundingRate",),
    held="openInterest",
    held_worth="openInterestValue",
)
_VENUES: Final[dict[str, _Venue]] = {
    "binance": _Venue({"subType": "linear"}, (_BOOK, _FUNDING)),
    "binance-coinm": _Venue({"subType": "inverse"}, (_BOOK, _FUNDING)),
    "bybit": _BYBIT,
    "bybit-inverse": _BYBIT._replace(params={"type": "swap", "subType": "inverse"}),
    "bingx": _Venue(_SWAPS, (_FUNDING,)),
    # volume24 and holdVol count contracts, amount24 is money
    "mexc": _Venue(
        {"type": "swap"},
        mark="fairPrice",
        bid="bid1",
        ask="ask1",
        turnover="amount24",
        traded="volume24",
        funding=("fundingRate",),
        held="holdVol",
    ),
    # the last rate is paid already, the next one is the forecast
    "weex": _Venue({"type": "swap"}, (_BOOK, _FUNDING), funding=("forecastFundingRate", "lastFundingRate")),
}
LIVE: Final = tuple(_VENUES)
"""Venues whose prices can be asked for."""
_HAS: Final = {_BOOK: "fetchBidsAsks", _FUNDING: "fetchFundingRates"}


class Live(NamedTuple):
    """Quotes by contract id, and the venues that did not answer."""

    quotes: dict[str, Quote]
    failed: dict[str, LotwiseError]


def live_quotes(
    venues: Sequence[str] = (),
    *,
    clock: Clock | None = None,
    environment: Mapping[str, str] = environ,
    progress: Progress = quiet,
) -> Live:
    """The prices of now on some venues, of all that can be asked where none is named.

    Where several are asked and one fails, the others still count.

    Raises
    ------
    InputError
        SCAN-020 a venue that has no live prices.
    VenueError
        VENUE-501 ccxt is missing; VENUE-502 network or VENUE-503 venue where no venue answered.
    """
    wanted = tuple(dict.fromkeys(venue.lower() for venue in venues)) or LIVE
    for venue in wanted:
        if venue not in _VENUES:
            raise InputError(
                "SCAN-020", f"{shown(venue)} has no live prices here", f"use one of {', '.join(LIVE)}"
            )
    found = Live({}, {})
    for number, venue in enumerate(wanted):
        progress(f"prices of {venue}", number, len(wanted))
        try:
            exchange = connect(venue, "", "", environment)
            found.quotes.update(venue_quotes(venue, exchange, clock or SystemClock()))
        except VenueError as error:
            if len(wanted) == 1 or error.code == "VENUE-501":
                raise
            found.failed[venue] = error
    if len(found.failed) == len(wanted):
        raise next(iter(found.failed.values()))
    return found


def venue_quotes(venue: str, exchange: Any, clock: Clock) -> dict[str, Quote]:
    """The quotes of a venue's contracts in the catalogue, by contract id.

    Raises
    ------
    VenueError
        VENUE-502 network, VENUE-503 an error, or an answer without one usable price.
    """
    form = _VENUES[venue]
    exchange.on_json_response = exact_json
    exchange.set_markets([])
    raws = _infos(venue, partial(exchange.fetch_tickers, None, dict(form.params)))
    for call in form.also:
        if exchange.has[_HAS[call]] is True:
            _join(raws, _infos(venue, partial(getattr(exchange, call), None, dict(form.params))))
    at = datetime.datetime.fromtimestamp(clock.now_ns() // 10**9, tz=datetime.UTC)
    quotes = {}
    for symbol in catalogue.symbols(venue):
        raw = raws.get(symbol)
        if raw is not None:
            contract = catalogue.load(f"{venue}:{symbol}")
            quote = _quote(form, contract, raw, at.strftime("%Y-%m-%d %H:%M UTC"))
            if quote is not None:
                quotes[contract.id] = quote
    if not quotes:
        raise VenueError(
            "VENUE-503", f"{venue} answers without a price of any contract known here", "try again later"
        )
    return quotes


def _infos(venue: str, call: Callable[[], Any]) -> dict[str, Raw]:
    """The raw answers of one call by the venue's symbol."""
    answers: Iterable[Mapping[str, Any]] = asked(venue, call).values()
    infos = (answer["info"] for answer in answers)
    return {str(info["symbol"]): info for info in infos if isinstance(info, Mapping) and info.get("symbol")}


def _join(raws: dict[str, Raw], more: Mapping[str, Raw]) -> None:
    """Lay further fields beside those of the tickers."""
    for symbol, fields in more.items():
        if symbol in raws:
            raws[symbol] = {**fields, **raws[symbol]}


# -- one quote -------------------------------------------------------------------------------------


def _quote(form: _Venue, contract: Contract, raw: Raw, at: str) -> Quote | None:
    """What a venue tells of a contract; ``None`` without a price, or where it cannot be counted."""
    price = _above_zero(raw, form.last) or _above_zero(raw, form.mark)
    if price is None:
        return None
    bid, ask = _above_zero(raw, form.bid), _above_zero(raw, form.ask)
    rates = [] if contract.is_dated else [_number(raw, name) for name in form.funding]
    quote = Quote(
        price=plain(price),
        at=at,
        source=f"{contract.venue}, live",
        spread=plain(ask - bid) if bid and ask and ask >= bid else None,
        volume=_amount(_volume(form, contract, raw)),
        open_interest=_amount(_open_interest(form, contract, raw, price)),
        funding_rate=_text(next((rate for rate in rates if rate is not None), None)),
    )
    try:
        return checked_quote(quote)
    except InputError:
        return None


def _volume(form: _Venue, contract: Contract, raw: Raw) -> Decimal | None:
    """Turnover of 24 hours in the quote."""
    if not contract.is_inverse:
        return _number(raw, form.turnover)
    traded = _number(raw, form.traded)
    return None if traded is None else traded * _size(contract)


def _open_interest(form: _Venue, contract: Contract, raw: Raw, price: Decimal) -> Decimal | None:
    """Open interest in the quote, where the answer holds it."""
    if form.held_worth and not contract.is_inverse:
        return _number(raw, form.held_worth)
    held = _number(raw, form.held) if form.held else None
    if held is None:
        return None
    return held * _size(contract) * (Decimal(1) if contract.is_inverse else price)


def _size(contract: Contract) -> Decimal:
    return Decimal(str(contract.contract_size))


def _above_zero(raw: Raw, name: str) -> Decimal | None:
    number = _number(raw, name)
    return number if number is not None and number > 0 else None


def _number(raw: Raw, name: str) -> Decimal | None:
    """A figure cut to 1e-8; ``None`` where it is missing, or no number."""
    try:
        number = decimal(raw, name)
    except Contradiction:
        return None
    return None if number is None else _cut(number)


def _cut(number: Decimal) -> Decimal | None:
    """Cut to 1e-8; ``None`` beyond what any market has, before a context runs out of digits."""
    return None if number.adjusted() > _MOST_DIGITS else number.quantize(_SMALLEST, ROUND_FLOOR)


def _amount(number: Decimal | None) -> str | None:
    return None if number is None or number < 0 else _text(number)


def _text(number: Decimal | None) -> str | None:
    cut = None if number is None else _cut(number)
    return None if cut is None else plain(cut)
