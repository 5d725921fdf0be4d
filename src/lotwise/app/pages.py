"""How venues are asked for market data, page by page, through ccxt's implicit calls.

ccxt's unified calls turn numbers into floats, so they are not used: the venue's own answer is, and its JSON
is read so that a fraction stays text. What is no text, whole number or truth value is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.errors import InputError, VenueError
from lotwise.market import binance_archive
from lotwise.market.columns import Place
from lotwise.market.forms import Form, table_of
from lotwise.market.kinds import BARS, FUNDING, INTEREST, MARKS, TRADES, Table, Unit
from lotwise.units import shown

if TYPE_CHECKING:
    import polars as pl

MS: Final = 10**6
MINUTE: Final = 60 * 10**9
HOUR: Final = 60 * MINUTE
INTERVALS: Final = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "6h": 6 * HOUR,
    "12h": 12 * HOUR,
    "1d": 24 * HOUR,
}
"""Intervals that every venue here has, all of them parts of a day."""
_BYBIT_INTERVALS: Final = {
    name: "D" if name == "1d" else str(span // MINUTE) for name, span in INTERVALS.items()
}
_EVERY_5M: Final = 5 * MINUTE


class Question(NamedTuple):
    """What one page is to hold; stamps in ms, both of them within."""

    symbol: str
    interval: str
    start_ms: int
    end_ms: int
    limit: int
    from_id: int = -1


Row = Sequence[Any]
Ask = Callable[[Any, Question], list[Row]]


@dataclass(frozen=True)
class Source:
    """A venue's pages of one kind of data."""

    form: Form
    """The columns of a row as :attr:`ask` gives it, and which of ours each becomes."""
    limit: int
    """Rows of a page, at the most."""
    ask: Ask
    step_ns: int = 0
    """Time between rows: 0 for trades; funding has no step, this is then the shortest."""
    windowed: bool = False
    """Whether a page is asked for by a span that holds no more than its limit, for the venue answers with the
    newest rows of a span; else with the oldest."""
    days_back: int = 0
    """How far back the venue tells it; 0 where it does not say."""
    note: str = ""
    """What a row does not say."""


def texts(kind: str, rows: Sequence[Row], form: Form) -> pl.DataFrame:
    """The cells of a page as text.

    Raises
    ------
    VenueError
        VENUE-402 where a row has another length, or a cell is neither text, a whole number nor a truth value.
    """
    import polars as pl

    for number, row in enumerate(rows, 1):
        if len(row) != len(form.header):
            raise senseless(
                kind, f"row {number} has {len(row)} columns where {len(form.header)} are expected"
            )
        for name, cell in zip(form.header, row, strict=True):
            if not isinstance(cell, str | int):
                raise senseless(kind, f"row {number}: {name} is {cell!r}")
    columns = zip(*rows, strict=True) if rows else [()] * len(form.header)
    cells = {
        name: [_text(cell) for cell in column] for name, column in zip(form.header, columns, strict=True)
    }
    return pl.DataFrame(cells, schema=dict.fromkeys(form.header, pl.String))


def _text(cell: str | int) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def table(kind: str, rows: Sequence[Row], form: Form) -> Table:
    """A page as whole numbers, each row once and in order of time.

    Raises
    ------
    VenueError
        VENUE-402 where a cell is no exact number, or two rows of one key differ.
    """
    import polars as pl

    cells = texts(kind, rows, form)
    try:
        found = table_of(form, cells, Place("the page", 1))
    except InputError as error:
        raise senseless(kind, error.message) from error
    frame = found.frame.unique(maintain_order=True).sort(*dict.fromkeys(("time_ns", *found.kind.key)))
    if bool(frame.select(pl.struct(found.kind.key).is_duplicated().any()).item()):
        raise senseless(kind, "two rows of one key differ")
    return replace(found, frame=frame)


def senseless(kind: str, what: str) -> VenueError:
    """The error of an answer that cannot be trusted; nothing of it is kept."""
    return VenueError(
        "VENUE-402",
        f"the venue's page of {kind} makes no sense: {what}",
        "nothing of that page was kept; run it again, and report it if it stays so",
    )


def _listed(kind: str, answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise senseless(kind, f"a list is expected, found {str(answer)[:80]}")
    return answer


def _picked(kind: str, answer: Any, *names: str) -> list[Row]:
    """Fields of each object of a list."""
    found: list[Row] = []
    for number, row in enumerate(_listed(kind, answer), 1):
        if not isinstance(row, Mapping) or any(name not in row for name in names):
            raise senseless(kind, f"row {number} lacks one of {', '.join(names)}")
        found.append([row[name] for name in names])
    return found


# -- Binance USD-M ---------------------------------------------------------------------------------
# Source of calls and limits: developers.binance.com, derivatives, USDⓈ-M futures, market data.


def _spanned(question: Question) -> dict[str, Any]:
    return {
        "symbol": question.symbol,
        "startTime": question.start_ms,
        "endTime": question.end_ms,
        "limit": question.limit,
    }


def _binance_bars(exchange: Any, question: Question) -> list[Row]:
    return _listed("bars", exchange.fapiPublicGetKlines(_spanned(question) | {"interval": question.interval}))


def _binance_marks(exchange: Any, question: Question) -> list[Row]:
    asked = _spanned(question) | {"interval": question.interval}
    return _listed("marks", exchange.fapiPublicGetMarkPriceKlines(asked))


def _binance_funding(exchange: Any, question: Question) -> list[Row]:
    answer = exchange.fapiPublicGetFundingRate(_spanned(question))
    return _picked("funding", answer, "fundingTime", "fundingRate")


def _binance_trades(exchange: Any, question: Question) -> list[Row]:
    asked: dict[str, Any] = {"symbol": question.symbol, "limit": question.limit}
    asked |= {"fromId": question.from_id} if question.from_id >= 0 else {"startTime": question.start_ms}
    return _picked("trades", exchange.fapiPublicGetAggTrades(asked), "T", "a", "p", "q", "m")


def _binance_interest(exchange: Any, question: Question) -> list[Row]:
    asked = _spanned(question) | {"period": "5m"}
    held = _picked(
        "interest",
        exchange.fapiDataGetOpenInterestHist(asked),
        "timestamp",
        "sumOpenInterest",
        "sumOpenInterestValue",
    )
    ratios = []
    for call, name in (
        (exchange.fapiDataGetGlobalLongShortAccountRatio, "longShortRatio"),
        (exchange.fapiDataGetTopLongShortPositionRatio, "longShortRatio"),
        (exchange.fapiDataGetTakerlongshortRatio, "buySellRatio"),
    ):
        ratios.append({int(at): ratio for at, ratio in _picked("interest", call(asked), "timestamp", name)})
    return [[*row, *(ratio.get(int(row[0]), 0) for ratio in ratios)] for row in held]


# -- Bybit linear ----------------------------------------------------------------------------------
# Source of calls and limits: bybit-exchange.github.io, docs v5, market. Pages come newest first.


def _bybit_asked(question: Question) -> dict[str, Any]:
    return {
        "category": "linear",
        "symbol": question.symbol,
        "interval": _BYBIT_INTERVALS[question.interval],
        "start": question.start_ms,
        "end": question.end_ms,
        "limit": question.limit,
    }


def _bybit_list(kind: str, answer: Any) -> list[Any]:
    result = answer.get("result") if isinstance(answer, Mapping) else None
    return _listed(kind, result.get("list") if isinstance(result, Mapping) else answer)[::-1]


def _bybit_bars(exchange: Any, question: Question) -> list[Row]:
    return _bybit_list("bars", exchange.publicGetV5MarketKline(_bybit_asked(question)))


def _bybit_marks(exchange: Any, question: Question) -> list[Row]:
    return _bybit_list("marks", exchange.publicGetV5MarketMarkPriceKline(_bybit_asked(question)))


def _bybit_funding(exchange: Any, question: Question) -> list[Row]:
    asked = {
        "category": "linear",
        "symbol": question.symbol,
        "startTime": question.start_ms,
        "endTime": question.end_ms,
        "limit": question.limit,
    }
    answer = exchange.publicGetV5MarketFundingHistory(asked)
    return _picked("funding", _bybit_list("funding", answer), "fundingRateTimestamp", "fundingRate")


def _bybit_interest(exchange: Any, question: Question) -> list[Row]:
    asked = {
        "category": "linear",
        "symbol": question.symbol,
        "intervalTime": "5min",
        "startTime": question.start_ms,
        "endTime": question.end_ms,
        "limit": question.limit,
    }
    answer = exchange.publicGetV5MarketOpenInterest(asked)
    return _picked("interest", _bybit_list("interest", answer), "timestamp", "openInterest")


def now_ns(venue: str, exchange: Any) -> int:
    """The venue's own time: a bar is finished by its clock, not by ours."""
    if venue == "bybit":
        answer = exchange.publicGetV5MarketTime()
        stamp = answer.get("time") if isinstance(answer, Mapping) else None
    else:
        answer = exchange.fapiPublicGetTime()
        stamp = answer.get("serverTime") if isinstance(answer, Mapping) else None
    if not isinstance(stamp, int) or stamp <= 0:
        raise senseless("time", f"it is {str(answer)[:80]}")
    return stamp * MS


_FUNDING: Final = Form(FUNDING, ("time", "rate"), {"time_ns": "time", "rate": "rate"})
_INTEREST: Final = Form(
    INTEREST,
    tuple(INTEREST.columns),
    {name: name for name in INTEREST.columns},
    rounded=dict.fromkeys((Unit.MONEY, Unit.RATE), binance_archive.ESTIMATED_DECIMALS),
)
_TRADES: Final = Form(TRADES, tuple(TRADES.columns), {name: name for name in TRADES.columns})
_PRICES: Final = tuple(MARKS.columns)
_BYBIT_BARS: Final = Form(
    BARS,
    (*_PRICES, "volume", "turnover"),
    {name: name for name in (*_PRICES, "volume", "turnover")},
)
_BYBIT_MARKS: Final = Form(MARKS, _PRICES, {name: name for name in _PRICES})
_BYBIT_INTEREST: Final = Form(
    INTEREST, ("time_ns", "open_interest"), {name: name for name in ("time_ns", "open_interest")}
)
_NO_INTERVAL: Final = "the funding interval is not in the answer and stands as 0"

SOURCES: Final[dict[str, dict[str, Source]]] = {
    "binance": {
        "bars": Source(binance_archive.FORMS["klines"], 1500, _binance_bars),
        "marks": Source(binance_archive.FORMS["markPriceKlines"], 1500, _binance_marks),
        "trades": Source(_TRADES, 1000, _binance_trades),
        "funding": Source(_FUNDING, 1000, _binance_funding, HOUR, note=_NO_INTERVAL),
        "interest": Source(_INTEREST, 500, _binance_interest, _EVERY_5M, windowed=True, days_back=30),
    },
    "bybit": {
        "bars": Source(
            _BYBIT_BARS,
            1000,
            _bybit_bars,
            windowed=True,
            note="Bybit's bars do not tell the number of trades and the takers' volume: both stand as 0",
        ),
        "marks": Source(_BYBIT_MARKS, 1000, _bybit_marks, windowed=True),
        "funding": Source(_FUNDING, 200, _bybit_funding, HOUR, windowed=True, note=_NO_INTERVAL),
        "interest": Source(
            _BYBIT_INTEREST,
            200,
            _bybit_interest,
            _EVERY_5M,
            windowed=True,
            note="Bybit tells open interest without its worth and ratios: they stand as 0",
        ),
    },
}
"""Venue and kind to how it is asked."""
WHY_NOT: Final = {("bybit", "trades"): "Bybit tells the last 1,000 trades only, and its files tell the rest"}


def source_of(venue: str, kind: str, interval: str) -> Source:
    """How the venue is asked for it.

    Raises
    ------
    InputError
        DATA-401 no such venue here, DATA-402 not this kind there, DATA-405 no such interval.
    """
    if venue not in SOURCES:
        hint = f"one of {', '.join(SOURCES)}; or import files: lotwise data import"
        raise InputError("DATA-401", f"nothing can be downloaded from {shown(venue)}", hint)
    of_venue = SOURCES[venue]
    if kind not in of_venue:
        why = WHY_NOT.get((venue, kind), f"{venue} has no such list")
        raise InputError(
            "DATA-402",
            f"{shown(kind)} cannot be downloaded from {venue}: {why}",
            f"it has {', '.join(of_venue)}",
        )
    if interval not in INTERVALS:
        raise InputError("DATA-405", f"{shown(interval)} is no interval", f"one of {', '.join(INTERVALS)}")
    return of_venue[kind]
