"""Public market data over REST: each function takes the venue and the parameters, and gives the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from lotwise.contracts.contract import Contract
from lotwise.exchange.binance import figures
from lotwise.exchange.binance.parameters import Parameters
from lotwise.exchange.binance.refusals import Refusal
from lotwise.exchange.tape import Bar, Print, Tape, grouped
from lotwise.exchange.venue import Venue

MINUTE_NS: Final = 60 * 10**9
STEPS: Final = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "8h": 480,
    "12h": 720,
    "1d": 1_440,
    "3d": 4_320,
    "1w": 10_080,
}
"""Minutes of an interval; months are not kept that long."""
MONDAY_NS: Final = 4 * 86_400 * 10**9
"""1970 began on a Thursday."""
DEPTH_LIMITS: Final = (5, 10, 20, 50, 100, 500, 1_000)
MOST_BARS: Final = 1_500


def contract_of(venue: Venue, sent: Parameters, name: str = "symbol") -> tuple[int, Contract]:
    """The contract that is asked for; -1121 where there is none."""
    symbol = sent.needed(name)
    number = venue.market.names.get(symbol.upper())
    if number is None:
        raise Refusal(-1121)
    return number, venue.market.contracts[number]


def one_or_all(
    venue: Venue, sent: Parameters, shape: Callable[[Contract, Tape], dict[str, Any]]
) -> dict[str, Any] | list[dict[str, Any]]:
    """The shape of one contract, or without a symbol of all."""
    market = venue.market
    if "symbol" in sent:
        number, contract = contract_of(venue, sent)
        return shape(contract, market.tapes[number])
    sent.ignore("symbol")
    return [shape(contract, tape) for contract, tape in zip(market.contracts, market.tapes, strict=True)]


def ticker_price(venue: Venue, sent: Parameters) -> Any:
    """Last prices."""
    return one_or_all(
        venue,
        sent,
        lambda contract, tape: {
            "symbol": contract.symbol,
            "price": figures.price(contract, tape.last_ticks),
            "time": figures.ms(tape.time_ns),
        },
    )


def book_shape(contract: Contract, tape: Tape) -> dict[str, Any]:
    """Best bid and ask."""
    bid, bid_lots, ask, ask_lots = tape.touch
    return {
        "symbol": contract.symbol,
        "bidPrice": figures.price(contract, bid),
        "bidQty": figures.quantity(contract, bid_lots),
        "askPrice": figures.price(contract, ask),
        "askQty": figures.quantity(contract, ask_lots),
        "time": figures.ms(tape.time_ns),
        "lastUpdateId": tape.updates,
    }


def book_ticker(venue: Venue, sent: Parameters) -> Any:
    """Best bids and asks."""
    return one_or_all(venue, sent, book_shape)


def day_shape(contract: Contract, tape: Tape) -> dict[str, Any]:
    """The last 24 hours."""
    bar = tape.day() or Bar(tape.time_ns, tape.last_ticks)
    change = bar.close - bar.open
    percent = abs(change) * 10**5 // bar.open * (1 if change > 0 else -1) if bar.open else 0
    unit = contract.scales.cash_per_tick_lot
    return {
        "symbol": contract.symbol,
        "priceChange": figures.price(contract, change),
        "priceChangePercent": figures.plain(percent, 3),
        "weightedAvgPrice": figures.average(contract, bar.ticks * unit, bar.lots),
        "lastPrice": figures.price(contract, bar.close),
        "lastQty": figures.quantity(contract, tape.last_lots),
        "openPrice": figures.price(contract, bar.open),
        "highPrice": figures.price(contract, bar.high),
        "lowPrice": figures.price(contract, bar.low),
        "volume": figures.quantity(contract, bar.lots),
        "quoteVolume": figures.worth(contract, bar.ticks),
        "openTime": figures.ms(bar.time_ns),
        "closeTime": figures.ms(tape.time_ns),
        "firstId": bar.first_id,
        "lastId": tape.printed,
        "count": bar.count,
    }


def ticker_day(venue: Venue, sent: Parameters) -> Any:
    """Last 24 hours."""
    return one_or_all(venue, sent, day_shape)


def premium_shape(contract: Contract, tape: Tape) -> dict[str, Any]:
    """Mark, index and funding; without an index the mark stands for it."""
    last = tape.fundings[-1].rate8 if tape.fundings else 0
    return {
        "symbol": contract.symbol,
        "markPrice": figures.rate(tape.mark8),
        "indexPrice": figures.rate(tape.index8 or tape.mark8),
        "estimatedSettlePrice": figures.rate(tape.index8 or tape.mark8),
        "lastFundingRate": figures.rate(last),
        "interestRate": "0.00010000",
        "nextFundingTime": figures.ms(tape.next_funding_ns),
        "time": figures.ms(tape.time_ns),
    }


def premium_index(venue: Venue, sent: Parameters) -> Any:
    """Marks and fundings."""
    return one_or_all(venue, sent, premium_shape)


def funding_info(venue: Venue, sent: Parameters) -> Any:
    """Intervals of funding."""
    return [
        {
            "symbol": contract.symbol,
            "adjustedFundingRateCap": "0.02000000",
            "adjustedFundingRateFloor": "-0.02000000",
            "fundingIntervalHours": tape.interval_ns // (60 * MINUTE_NS),
        }
        for contract, tape in zip(venue.market.contracts, venue.market.tapes, strict=True)
    ]


def span(sent: Parameters) -> tuple[int, int]:
    """From and to in ns; without them everything."""
    first = sent.whole("startTime", 0) * 10**6
    last = sent.whole("endTime", 2**62 // 10**6) * 10**6 + 10**6 - 1
    return first, last


def funding_rate(venue: Venue, sent: Parameters) -> Any:
    """Fundings, oldest first; without a span the newest."""
    numbers = range(len(venue.market.contracts))
    if "symbol" in sent:
        numbers = range(contract_of(venue, sent)[0], contract_of(venue, sent)[0] + 1)
    sent.ignore("symbol")
    (first, last), limit = span(sent), sent.limit(100)
    found = [
        {
            "symbol": venue.market.contracts[number].symbol,
            "fundingTime": figures.ms(stamp.time_ns),
            "fundingRate": figures.rate(stamp.rate8),
            "markPrice": figures.rate(stamp.mark8),
        }
        for number in numbers
        for stamp in venue.market.tapes[number].fundings
        if first <= stamp.time_ns <= last
    ]
    return found[:limit] if "startTime" in sent else found[-limit:]


def chosen(rows: Iterable[Any], sent: Parameters, limit: int) -> list[Any]:
    """Rows of the span: with a start the oldest, else the newest."""
    first, last = span(sent)
    found = [row for row in rows if first <= row.time_ns <= last]
    return found[:limit] if "startTime" in sent else found[-limit:]


def bars_of(sent: Parameters, bars: Any) -> list[Bar]:
    """Bars of the interval asked for."""
    interval = sent.needed("interval")
    if interval not in STEPS:
        raise Refusal(-1120)
    joined = grouped(bars, STEPS[interval] * MINUTE_NS, MONDAY_NS if interval == "1w" else 0)
    return chosen(joined, sent, sent.limit(500, MOST_BARS))


def kline_row(contract: Contract, bar: Bar, step_ns: int) -> list[Any]:
    """A bar as the venue's list."""
    return [
        figures.ms(bar.time_ns),
        figures.price(contract, bar.open),
        figures.price(contract, bar.high),
        figures.price(contract, bar.low),
        figures.price(contract, bar.close),
        figures.quantity(contract, bar.lots),
        figures.ms(bar.time_ns + step_ns) - 1,
        figures.worth(contract, bar.ticks),
        bar.count,
        figures.quantity(contract, bar.taken_lots),
        figures.worth(contract, bar.taken_ticks),
        "0",
    ]


def klines(venue: Venue, sent: Parameters) -> Any:
    """Bars of trades."""
    number, contract = contract_of(venue, sent)
    step_ns = STEPS.get(sent.text("interval"), 1) * MINUTE_NS
    return [kline_row(contract, bar, step_ns) for bar in bars_of(sent, venue.market.tapes[number].bars)]


def plain_bars(sent: Parameters, bars: Any, written: Callable[[int], str]) -> list[list[Any]]:
    """Bars of a price that nobody trades, as the venue's lists."""
    step_ns = STEPS.get(sent.text("interval"), 1) * MINUTE_NS
    return [
        [
            figures.ms(bar.time_ns),
            *(written(price) for price in (bar.open, bar.high, bar.low, bar.close)),
            "0",
            figures.ms(bar.time_ns + step_ns) - 1,
            "0",
            step_ns // 10**9,
            "0",
            "0",
            "0",
        ]
        for bar in bars_of(sent, bars)
    ]


def mark_klines(venue: Venue, sent: Parameters) -> Any:
    """Bars of the mark."""
    number, _ = contract_of(venue, sent)
    return plain_bars(sent, venue.market.tapes[number].marks, figures.rate)


def index_klines(venue: Venue, sent: Parameters) -> Any:
    """Bars of the index, by pair; the mark stands for it."""
    number, _ = contract_of(venue, sent, "pair")
    return plain_bars(sent, venue.market.tapes[number].marks, figures.rate)


def premium_klines(venue: Venue, sent: Parameters) -> Any:
    """Bars of the premium over the index: nothing, for the index's bars are those of the mark."""
    number, _ = contract_of(venue, sent)
    return plain_bars(sent, venue.market.tapes[number].marks, lambda price8: figures.rate(0))


def prints_of(tape: Tape, sent: Parameters, limit: int) -> list[Print]:
    """Trades from an id on, of a span, or the newest."""
    if "fromId" in sent:
        first = sent.whole("fromId")
        sent.ignore("startTime", "endTime")
        return [one for one in tape.prints if one.id >= first][:limit]
    return chosen(tape.prints, sent, limit)


def aggregate_trades(venue: Venue, sent: Parameters) -> Any:
    """Trades; each is an aggregate of its own."""
    number, contract = contract_of(venue, sent)
    return [
        {
            "a": one.id,
            "p": figures.price(contract, one.price_ticks),
            "q": figures.quantity(contract, one.lots),
            "nq": figures.quantity(contract, one.lots),
            "f": one.id,
            "l": one.id,
            "T": figures.ms(one.time_ns),
            "m": one.is_sell,
        }
        for one in prints_of(venue.market.tapes[number], sent, sent.limit(500))
    ]


def trades(venue: Venue, sent: Parameters) -> Any:
    """Trades."""
    number, contract = contract_of(venue, sent)
    return [
        {
            "id": one.id,
            "price": figures.price(contract, one.price_ticks),
            "qty": figures.quantity(contract, one.lots),
            "quoteQty": figures.worth(contract, one.price_ticks * one.lots),
            "time": figures.ms(one.time_ns),
            "isBuyerMaker": one.is_sell,
            "isRPITrade": False,
        }
        for one in prints_of(venue.market.tapes[number], sent, sent.limit(500))
    ]


def levels(contract: Contract, side: dict[int, int], limit: int) -> list[list[str]]:
    """Price and quantity of each level."""
    rows = list(side.items())[:limit]
    return [[figures.price(contract, ticks), figures.quantity(contract, lots)] for ticks, lots in rows]


def depth(venue: Venue, sent: Parameters) -> Any:
    """The ladder's book; its id is the one that the stream of changes goes on from."""
    number, contract = contract_of(venue, sent)
    limit = sent.whole("limit", 500)
    if limit not in DEPTH_LIMITS:
        raise Refusal(-1130, "limit")
    tape = venue.market.tapes[number]
    book = tape.ladder
    return {
        "lastUpdateId": tape.updates,
        "E": figures.ms(tape.time_ns),
        "T": figures.ms(tape.quote_ns),
        "bids": levels(contract, book.bids, limit),
        "asks": levels(contract, book.asks, limit),
    }


def open_interest(venue: Venue, sent: Parameters) -> Any:
    """What the accounts of this venue hold long; the synthetic crowd has no positions."""
    number, contract = contract_of(venue, sent)
    lots = sum(max(0, account.state.markets[number].lots) for account in venue.accounts.values())
    told = figures.quantity(contract, lots)
    return {"openInterest": told, "symbol": contract.symbol, "time": figures.ms(venue.market.now_ns)}
