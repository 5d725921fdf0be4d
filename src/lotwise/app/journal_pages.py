"""How each venue tells an account's fills and income through ccxt: its windows, its pages.

Where a venue has cursors or page numbers they are followed. Where it has neither, a window whose answer is a
full page is cut in half and asked again, so that nothing depends on the order in which a venue answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from lotwise.errors import InputError, VenueError

MS: Final = 10**6
"""Nanoseconds."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MOST_PAGES: Final = 10_000


@dataclass(frozen=True)
class Asking:
    """One window of one contract; both ends are in it."""

    exchange: Any
    contract: str
    """The venue's symbol; empty: all of the account."""
    since_ms: int
    until_ms: int
    answered: Callable[[Callable[[], Any]], Any]

    def symbol(self) -> str:
        """The name by which ccxt knows the contract.

        Raises
        ------
        InputError
            JOURNAL-150 a contract that the venue does not list.
        """
        for market in self.exchange.markets_by_id.get(self.contract, []):
            if market["contract"]:
                return str(market["symbol"])
        raise InputError(
            "JOURNAL-150",
            f"{self.exchange.id} lists no contract {self.contract!r}",
            "write it as the venue does: BTCUSDT, on BingX BTC-USDT, on MEXC BTC_USDT",
        )


Pages = Callable[[Asking], Iterator[list[Any]]]


@dataclass(frozen=True)
class Feed:
    """What is asked of a venue."""

    fills: Pages
    window_ms: int
    incomes: Pages | None
    income_ms: int
    income_by_contract: bool
    has_passphrase: bool = False


def halved(ask: Callable[[Asking, int, int], list[Any]], full: int) -> Pages:
    """Pages of a venue without cursors: a full one is asked again in two halves.

    Parameters
    ----------
    ask
        The rows of a window; the numbers are its first and last ms.
    full
        Rows of a page that may not be all.
    """

    def pages(asking: Asking) -> Iterator[list[Any]]:
        waiting = [(asking.since_ms, asking.until_ms)]
        while waiting:
            first, last = waiting.pop()
            rows = asking.answered(partial(ask, asking, first, last))
            if len(rows) < full:
                yield rows
            elif first >= last:
                raise VenueError(
                    "JOURNAL-153",
                    f"{asking.exchange.id} tells {len(rows)} rows of one millisecond, {first}, and no more",
                    "download the file of that day from the venue and import it",
                )
            else:
                middle = (first + last) // 2
                waiting += [(middle + 1, last), (first, middle)]  # the earlier half first

    return pages


def numbered(ask: Callable[[Asking, int], list[Any]], full: int) -> Pages:
    """Pages of a venue that numbers them; they come newest first, so they are handed on together."""

    def pages(asking: Asking) -> Iterator[list[Any]]:
        found: list[Any] = []
        for number in range(1, MOST_PAGES + 1):
            rows = asking.answered(partial(ask, asking, number))
            found += rows
            if len(rows) < full:
                yield found
                return
        raise VenueError(
            "JOURNAL-153",
            f"{asking.exchange.id} tells {MOST_PAGES:,} pages and no end",
            "begin later: --since 2025-05-04",
        )

    return pages


# -- Binance: user trades of at most 7 days, 1,000 rows; income of at most 1,000 rows


def _binance_fills(asking: Asking, first: int, last: int) -> list[Any]:
    rows = asking.exchange.fetch_my_trades(asking.symbol(), first, 1_000, {"until": last})
    return [row["info"] for row in rows]


def _binance_income(asking: Asking, first: int, last: int) -> list[Any]:
    asked = {"startTime": first, "endTime": last, "limit": 1_000}
    return list(asking.exchange.fapiPrivateGetIncome(asked))


# -- Bybit: executions of one kind, of at most 7 days, 100 rows, a cursor


BYBIT_KINDS: Final = ("Trade", "BustTrade", "AdlTrade", "Funding")
"""Of executions: one's own, forced, and funding. Source: Bybit v5, "execType"."""


def _bybit(asking: Asking) -> Iterator[list[Any]]:
    found: list[Any] = []
    for kind in BYBIT_KINDS:
        cursor = ""
        for _ in range(MOST_PAGES):
            more = {"execType": kind, "until": asking.until_ms} | ({"cursor": cursor} if cursor else {})
            ask = partial(asking.exchange.fetch_my_trades, asking.symbol(), asking.since_ms, 100, more)
            infos = [row["info"] for row in asking.answered(ask)]
            cursors = [info["nextPageCursor"] for info in infos if info.get("nextPageCursor")]
            found += [
                {name: value for name, value in info.items() if name != "nextPageCursor"} for info in infos
            ]
            if not cursors or cursors[-1] == cursor:
                break
            cursor = cursors[-1]
        else:
            raise VenueError(
                "JOURNAL-153", "bybit tells pages without end", "begin later: --since 2025-05-04"
            )
    yield found


# -- BingX: details of fills of at most 7 days, 1,000 rows; ccxt's own call names neither side nor id


def _bingx_fills(asking: Asking, number: int) -> list[Any]:
    asked = {
        "symbol": asking.contract,
        "startTs": asking.since_ms,
        "endTs": asking.until_ms,
        "pageIndex": number,
        "pageSize": 1_000,
    }
    told = asking.exchange.swapV2PrivateGetTradeFillHistory(asked)["data"] or {}
    rows = told.get("fill_history_orders") or told.get("fill_orders") or []
    return list(rows)


def _funding(asking: Asking, first: int, last: int) -> list[Any]:
    """ccxt's funding of a contract, as BingX and WEEX tell it."""
    size = 1_000 if asking.exchange.id == "bingx" else 100
    rows = asking.exchange.fetch_funding_history(asking.symbol(), first, size, {"until": last})
    return [row["info"] for row in rows]


# -- MEXC: deals of at most 90 days, pages of 100; funding of all times, the newest first


def _mexc_fills(asking: Asking, number: int) -> list[Any]:
    more = {"end_time": asking.until_ms, "page_num": number}
    rows = asking.exchange.fetch_my_trades(asking.symbol(), asking.since_ms, 100, more)
    return [row["info"] for row in rows]


def _mexc_funding(asking: Asking) -> Iterator[list[Any]]:
    found: list[Any] = []
    for number in range(1, MOST_PAGES + 1):
        more = {"page_num": number}
        ask = partial(asking.exchange.fetch_funding_history, asking.symbol(), None, 100, more)
        infos = [row["info"] for row in asking.answered(ask)]
        found += [one for one in infos if asking.since_ms <= int(one["settleTime"]) <= asking.until_ms]
        if len(infos) < 100 or int(infos[-1]["settleTime"]) < asking.since_ms:
            break
    yield found


# -- WEEX: as Binance, 100 rows


def _weex_fills(asking: Asking, first: int, last: int) -> list[Any]:
    rows = asking.exchange.fetch_my_trades(asking.symbol(), first, 100, {"until": last})
    return [row["info"] for row in rows]


WEEK: Final = 7 * DAY_MS - HOUR_MS
MONTHS: Final = 80 * DAY_MS
FEEDS: Final = {
    "binance": Feed(halved(_binance_fills, 1_000), WEEK, halved(_binance_income, 1_000), MONTHS, False),
    "bybit": Feed(_bybit, WEEK, None, 0, True),
    "bingx": Feed(numbered(_bingx_fills, 1_000), WEEK, halved(_funding, 1_000), WEEK, True),
    "mexc": Feed(numbered(_mexc_fills, 100), MONTHS, _mexc_funding, MONTHS, True),
    "weex": Feed(halved(_weex_fills, 100), WEEK, halved(_funding, 100), WEEK, True, True),
}
"""By venue. Sources: the venues' pages that :mod:`lotwise.journal.columns` names, and ccxt's own calls."""
