"""Downloading what a store lacks: exact, never asked twice, and where it ends by an error it goes on."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")
ccxt = pytest.importorskip("ccxt")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from lotwise.app.fetch import PAUSES_S, Fetched, Wanted, fetch, moment  # noqa: E402
from lotwise.app.pages import SOURCES, texts  # noqa: E402
from lotwise.app.refresh import exact_json  # noqa: E402
from lotwise.errors import InputError, VenueError  # noqa: E402
from lotwise.market import repair  # noqa: E402
from lotwise.market.kinds import BARS, KINDS, Table, Unit  # noqa: E402
from lotwise.market.repair import Span  # noqa: E402
from lotwise.market.store import Series, Store  # noqa: E402
from tests.e2e.loopback_venue import FIRST_TRADE, MINUTE_MS, START_MS, Market  # noqa: E402

MAY_4 = datetime(2025, 5, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
MS = 10**6
CALLS = {
    "fapiPublicGetTime": "/fapi/v1/time",
    "fapiPublicGetKlines": "/fapi/v1/klines",
    "fapiPublicGetMarkPriceKlines": "/fapi/v1/markPriceKlines",
    "fapiPublicGetAggTrades": "/fapi/v1/aggTrades",
    "fapiPublicGetFundingRate": "/fapi/v1/fundingRate",
    "fapiDataGetOpenInterestHist": "/futures/data/openInterestHist",
    "fapiDataGetGlobalLongShortAccountRatio": "/futures/data/globalLongShortAccountRatio",
    "fapiDataGetTopLongShortPositionRatio": "/futures/data/topLongShortPositionRatio",
    "fapiDataGetTakerlongshortRatio": "/futures/data/takerlongshortRatio",
    "publicGetV5MarketTime": "/v5/market/time",
    "publicGetV5MarketKline": "/v5/market/kline",
    "publicGetV5MarketMarkPriceKline": "/v5/market/mark-price-kline",
    "publicGetV5MarketFundingHistory": "/v5/market/funding/history",
    "publicGetV5MarketOpenInterest": "/v5/market/open-interest",
}


class Venue:
    """ccxt's implicit calls, answered from a market without a network."""

    def __init__(self, market: Market | None = None) -> None:
        self.market = market or Market(now_ms=START_MS + 3_000 * MINUTE_MS + 30_500)
        self.pages: list[tuple[str, tuple[tuple[str, Any], ...]]] = []
        self.before: Callable[[int], None] = lambda number: None
        self.after: Callable[[Any], Any] = lambda answer: answer

    def __getattr__(self, name: str) -> Callable[..., Any]:
        path = CALLS[name]

        def call(asked: dict[str, Any] | None = None) -> Any:
            answer = self.market.answer(path, {key: str(value) for key, value in (asked or {}).items()})
            if asked is None:
                return answer
            self.pages.append((path, tuple(sorted(asked.items()))))
            self.before(len(self.pages))
            return self.after(answer)

        return call


def paid(count: int = 12, every_h: int = 8) -> dict[int, str]:
    """Funding, some of it a few ms late."""
    return {START_MS + i * every_h * 60 * MINUTE_MS + i % 4: f"-0.000{i:03d}91" for i in range(count)}


def asked(store: Store, at: Venue, kind: str = "bars", /, **more: Any) -> Fetched:
    given = {"venue": "binance", "contract": "BTCUSDT", "kind": kind, "since": MAY_4} | more
    return fetch(store, Wanted(**given), exchange=at, pause=lambda seconds: None)


def rows(store: Store, kind: str = "bars", venue: str = "binance") -> list[dict[str, Any]]:
    """Every row of the store as decimals."""
    frame, scale = store.scan(Series(venue, "BTCUSDT", KINDS[kind]))
    units = KINDS[kind].columns
    plain = (Unit.TIME, Unit.COUNT, Unit.FLAG)
    return [
        {
            name: cell if units[name] in plain else Decimal(cell).scaleb(-scale.decimals(units[name]))
            for name, cell in row.items()
        }
        for row in frame.collect().iter_rows(named=True)
    ]


# -- what comes is what the venue holds ------------------------------------------------------------


def bar_of(row: list[Any]) -> dict[str, Any]:
    names = ("open", "high", "low", "close")
    found = {"time_ns": row[0] * MS} | {name: Decimal(row[i]) for i, name in enumerate(names, 1)}
    more = {"volume": Decimal(row[5]), "turnover": Decimal(row[7]), "trades": row[8]}
    return {**found, **more, "taker_buy_volume": Decimal(row[9])}


def test_bars_are_those_of_the_venue_digit_by_digit_and_the_unfinished_one_is_not(tmp_path: Path) -> None:
    store, venue = Store(tmp_path), Venue()
    venue.market.holes = {START_MS + n * MINUTE_MS for n in (7, 8, 1500)}
    told = asked(store, venue)
    expected = [
        bar_of(row) for row in venue.market.bars(START_MS, venue.market.now_ms - MINUTE_MS, MINUTE_MS)
    ]
    assert rows(store) == expected
    assert any(row["turnover"] != Decimal(float(row["turnover"])) for row in expected), "floats would do"
    assert (told.rows, told.first, told.last) == (2997, "2025-05-04 00:00:00", "2025-05-06 01:59:00")
    assert (told.pages, told.lacking) == (2, 2)


def test_marks_funding_trades_and_interest_are_those_of_the_venue(tmp_path: Path) -> None:
    store, venue = Store(tmp_path), Venue(Market(now_ms=START_MS + 600 * MINUTE_MS + 1, payments=paid(2)))
    for kind in ("marks", "funding", "trades", "interest"):
        asked(store, venue, kind)
    bars = [bar_of(row) for row in venue.market.bars(START_MS, START_MS + 599 * MINUTE_MS, MINUTE_MS)]
    wanted = ("time_ns", "open", "high", "low", "close")
    assert rows(store, "marks") == [{name: bar[name] for name in wanted} for bar in bars]
    assert rows(store, "funding") == [
        {"time_ns": at * MS, "rate": Decimal(rate), "interval_ns": 0} for at, rate in paid(2).items()
    ]
    trades = [venue.market.trade(n) for n in range(FIRST_TRADE, venue.market.last_trade + 1)]
    assert rows(store, "trades") == [
        {
            "time_ns": row["T"] * MS,
            "id": row["a"],
            "price": Decimal(row["p"]),
            "quantity": Decimal(row["q"]),
            "buyer_is_maker": row["m"],
        }
        for row in trades
        if row["T"] < venue.market.now_ms
    ]
    found = rows(store, "interest")
    assert len(found) == 120
    lists = {
        name: {
            row["timestamp"]: row for row in venue.market.answer(f"/futures/data/{name}", {"limit": "500"})
        }
        for name in ("openInterestHist", "globalLongShortAccountRatio", "takerlongshortRatio")
    }
    for row in found:
        at = row["time_ns"] // MS
        held = lists["openInterestHist"][at]
        assert row["open_interest"] == Decimal(held["sumOpenInterest"])
        assert row["worth"] == Decimal(held["sumOpenInterestValue"])
        assert row["taker_long_short"] == Decimal(lists["takerlongshortRatio"][at]["buySellRatio"])
        ratio = lists["globalLongShortAccountRatio"].get(at)
        assert row["long_short"] == (Decimal(ratio["longShortRatio"]) if ratio else 0)
    assert any(row["long_short"] == 0 for row in found), "a missing ratio was not met"


@pytest.mark.parametrize("kind", SOURCES["bybit"])
def test_bybit_comes_newest_first_and_is_stored_whole(tmp_path: Path, kind: str) -> None:
    store, venue = Store(tmp_path), Venue(Market(payments=paid(9)))
    told = asked(store, venue, kind, venue="bybit")
    found = rows(store, kind, "bybit")
    assert len(found) == told.rows == {"bars": 4320, "marks": 4320, "funding": 9, "interest": 864}[kind]
    assert told.notes or kind == "marks"
    first = venue.market.bar(START_MS, MINUTE_MS)
    if kind == "bars":
        assert found[0] == bar_of(first) | {"trades": 0, "taker_buy_volume": Decimal(0)}
    elif kind == "marks":
        assert found[0]["close"] == Decimal(first[4])
    elif kind == "funding":
        assert [row["rate"] for row in found] == [Decimal(rate) for rate in paid(9).values()]
    else:
        assert found[0]["worth"] == 0
        held = venue.market.answer("/futures/data/openInterestHist", {"endTime": str(START_MS)})
        assert found[0]["open_interest"] == Decimal(held[0]["sumOpenInterest"])
    assert asked(store, venue, kind, venue="bybit").rows == 0


def test_a_number_that_is_no_text_stays_exact_too() -> None:
    answer = exact_json("[[1, 0.10000000000000000555, 900719925474099301]]")
    frame = texts("bars", answer, replace(SOURCES["bybit"]["funding"].form, header=("a", "b", "c")))
    assert frame.row(0) == ("1", "0.10000000000000000555", "900719925474099301")


# -- it goes on where it was -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bars", "marks", "trades", "interest", "funding"])
def test_stopped_at_any_page_it_goes_on_there_and_no_page_is_asked_twice(tmp_path: Path, kind: str) -> None:
    market = Market(now_ms=START_MS + 4 * 1440 * MINUTE_MS + 9, payments=paid(13, 1))
    whole, wanted = Store(tmp_path / "whole"), {"until": MAY_4 + 2 * HOUR} if kind == "trades" else {}
    quiet = Venue(market)
    source = SOURCES["binance"][kind]
    if kind == "funding":  # a small page, so that there are several
        SOURCES["binance"][kind] = replace(source, limit=4)
    try:
        asked(whole, quiet, kind, **wanted)
        assert len(quiet.pages) > 3
        for stop in range(1, len(quiet.pages) + 1):
            store, venue = Store(tmp_path / str(stop)), Venue(market)

            def killed(number: int, stop: int = stop) -> None:
                if number == stop:
                    raise KeyboardInterrupt

            venue.before = killed
            with pytest.raises(KeyboardInterrupt):
                asked(store, venue, kind, **wanted)
            asked(store, venue, kind, **wanted)
            assert rows(store, kind) == rows(whole, kind)
            in_flight, probe = (
                venue.pages[stop - 1][1],
                venue.pages[0][1],
            )  # interest asks four lists for a page
            twice = {page[1] for page, count in Counter(venue.pages).items() if count > 1}
            assert twice <= ({in_flight, probe} if kind == "trades" else {in_flight})
    finally:
        SOURCES["binance"][kind] = source


def test_what_is_held_is_not_asked_again_and_the_rest_is(tmp_path: Path) -> None:
    store, venue = Store(tmp_path), Venue()
    asked(store, venue, until=MAY_4 + HOUR)
    asked(store, venue, since=MAY_4 + 5 * HOUR, until=MAY_4 + 6 * HOUR)
    venue.pages.clear()
    told = asked(store, venue, until=MAY_4 + 7 * HOUR)
    spans = [dict(page)["startTime"] for _, page in venue.pages]
    assert spans == [START_MS + 60 * MINUTE_MS, START_MS + 360 * MINUTE_MS]
    assert (told.rows, told.pages, told.lacking) == (300, 2, 0)
    assert asked(store, venue, until=MAY_4 + 7 * HOUR).pages == 0
    venue.market.now_ms += 2 * MINUTE_MS
    assert asked(store, venue, since=None).rows == 3002 - 420


def test_funding_is_asked_for_before_and_after_what_is_held(tmp_path: Path) -> None:
    store, venue = Store(tmp_path), Venue(Market(now_ms=START_MS + 4320 * MINUTE_MS, payments=paid(9)))
    asked(store, venue, "funding", since=MAY_4 + 20 * HOUR, until=MAY_4 + 50 * HOUR)
    venue.pages.clear()
    assert asked(store, venue, "funding", until=MAY_4 + 60 * HOUR).rows == 4
    assert [row["rate"] for row in rows(store, "funding")] == [
        Decimal(rate) for rate in list(paid(9).values())[:8]
    ]
    assert len(venue.pages) == 2
    assert asked(store, venue, "funding", until=MAY_4 + 60 * HOUR).pages == 0


def test_a_row_that_comes_twice_in_a_page_is_stored_once(tmp_path: Path) -> None:
    store, venue = Store(tmp_path), Venue()
    venue.after = lambda answer: [*answer[:2], *answer[1:]]
    assert asked(store, venue, until=MAY_4 + HOUR).rows == 60
    assert len(rows(store)) == 60


def test_a_removed_day_is_asked_for_anew(tmp_path: Path) -> None:
    store, venue = Store(tmp_path), Venue()
    asked(store, venue)
    before = rows(store)
    store.place(Series("binance", "BTCUSDT", BARS), MAY_4.date()).unlink()
    assert asked(store, venue).rows == 1440
    assert rows(store) == before


@pytest.mark.parametrize("kind", ["bars", "trades", "funding"])
def test_repair_asks_for_the_gaps_inside_and_for_nothing_else(tmp_path: Path, kind: str) -> None:
    store, venue = Store(tmp_path), Venue(Market(now_ms=START_MS + 4320 * MINUTE_MS, payments=paid(9)))
    first, last = MAY_4 + 8 * HOUR, MAY_4 + 56 * HOUR
    if kind == "trades":
        first, last = MAY_4 + HOUR, MAY_4 + 4 * HOUR
    asked(store, venue, kind, since=first, until=last)
    before = rows(store, kind)
    series = Series("binance", "BTCUSDT", KINDS[kind])
    frame, scale = store.scan(series)
    every = frame.collect()
    gone = range(2, 4) if kind == "funding" else (*range(20, 60), *range(70, 75))
    kept = every.with_row_index().filter(~pl.col("index").is_in(list(gone))).drop("index")
    for day in list(store.days(series)):
        day.path.unlink()
    store.put(series, Table(series.kind, scale, kept))
    venue.pages.clear()
    told = asked(store, venue, kind, since=None, repair=True)
    assert rows(store, kind) == before
    assert (told.rows, told.pages) == (len(gone), 1 if kind == "funding" else 2)
    if kind == "trades":
        assert [dict(page)["fromId"] for _, page in venue.pages] == [before[20]["id"], before[70]["id"]]
    assert asked(store, venue, kind, since=None, repair=True).pages == 0


def test_a_gap_that_the_venue_has_too_is_told(tmp_path: Path) -> None:
    store, venue = Store(tmp_path), Venue()
    venue.market.holes = {START_MS + 30 * MINUTE_MS}
    assert asked(store, venue, until=MAY_4 + HOUR).lacking == 1
    assert asked(store, venue, repair=True, until=MAY_4 + HOUR).lacking == 1
    venue.market.holes = set()
    assert asked(store, venue, repair=True, until=MAY_4 + HOUR).rows == 1


# -- faults ----------------------------------------------------------------------------------------


def test_a_network_that_comes_back_is_tried_again_after_growing_pauses(tmp_path: Path) -> None:
    store, venue, waited = Store(tmp_path), Venue(), []
    errors = [ccxt.RequestTimeout("slow"), ccxt.RateLimitExceeded("429"), ccxt.ExchangeNotAvailable("502")]

    def broken(number: int) -> None:
        if number > 1 and errors:
            raise errors.pop()

    venue.before = broken
    wanted = Wanted("binance", "BTCUSDT", "bars", since=MAY_4)
    fetch(store, wanted, exchange=venue, pause=waited.append)
    assert (errors, waited) == ([], [1, 2, 4])
    assert len(rows(store)) == 3000


def test_a_network_that_stays_away_says_how_far_it_came_and_goes_on_there(tmp_path: Path) -> None:
    store, venue, waited = Store(tmp_path), Venue(), []

    def broken(number: int) -> None:
        if number > 1:
            raise ccxt.ExchangeNotAvailable("gone https://example.test/x?secret=1")

    venue.before = broken
    wanted = Wanted("binance", "BTCUSDT", "bars", since=MAY_4)
    with pytest.raises(VenueError, match=r"VENUE-401.*1,500 new bars up to 2025-05-05 00:59:00") as caught:
        fetch(store, wanted, exchange=venue, pause=waited.append)
    assert tuple(waited) == PAUSES_S
    assert "goes on" in caught.value.hint
    assert "secret" not in caught.value.message
    venue.before = lambda number: None
    assert asked(store, venue).rows == 1500
    assert len(rows(store)) == 3000


def test_the_venues_own_error_is_not_tried_again(tmp_path: Path) -> None:
    venue = Venue()

    def refused(number: int) -> None:
        raise ccxt.BadSymbol("Invalid symbol.")

    venue.before = refused
    with pytest.raises(VenueError, match=r"VENUE-403.*Invalid symbol.*no new bars"):
        asked(Store(tmp_path), venue)
    assert len(venue.pages) == 1


def changed(at: tuple[int, int], cell: Any) -> Callable[[Any], Any]:
    def change(answer: Any) -> Any:
        answer[at[0]][at[1]] = cell
        return answer

    return change


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (changed((3, 1), 1.5), "open is 1.5"),
        (changed((3, 1), None), "open is None"),
        (changed((3, 4), "many"), "close is 'many'"),
        (changed((3, 0), "yesterday"), "yesterday"),
        (changed((3, 0), START_MS + 4 * MINUTE_MS), "two rows of one key differ"),
        (lambda answer: {"code": 0}, "a list is expected"),
        (lambda answer: [row[:11] for row in answer], "row 1 has 11 columns where 12"),
        (lambda answer: [[row[0] - 10**10, *row[1:]] for row in answer], "asked from 2025-05-04"),
    ],
)
def test_an_answer_without_sense_is_refused_and_nothing_of_it_kept(
    tmp_path: Path, after: Callable[[Any], Any], words: str
) -> None:
    venue = Venue()
    venue.after = after
    with pytest.raises(VenueError, match="VENUE-402") as caught:
        asked(Store(tmp_path), venue)
    assert words in caught.value.message
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    "after", [lambda answer: [{"a": 1}], lambda answer: [row | {"a": row["a"] - 1} for row in answer]]
)
def test_trades_that_lack_a_field_or_come_before_those_asked_for_are_refused(
    tmp_path: Path, after: Callable[[Any], Any]
) -> None:
    store, venue = Store(tmp_path), Venue()
    asked(store, venue, "trades", until=MAY_4 + HOUR / 60)
    venue.after = after
    with pytest.raises(VenueError, match="VENUE-402"):
        asked(store, venue, "trades", until=MAY_4 + HOUR)
    assert len(rows(store, "trades")) == 36


def test_a_venue_without_a_clock_is_refused(tmp_path: Path) -> None:
    venue = Venue()
    venue.market.now_ms = 0
    with pytest.raises(VenueError, match=r"VENUE-402.*time"):
        asked(Store(tmp_path), venue)


# -- silly input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"venue": "mexc"}, "DATA-401"),
        ({"kind": "depth"}, "DATA-402"),
        ({"venue": "bybit", "kind": "trades"}, "DATA-402"),
        ({"since": None}, "DATA-403"),
        ({"until": MAY_4}, "DATA-404"),
        ({"since": datetime(2031, 1, 1, tzinfo=UTC)}, "DATA-404"),
        ({"interval": "7m"}, "DATA-405"),
        ({"kind": "interest", "since": MAY_4 - 30 * 24 * HOUR}, "DATA-407"),
        ({"contract": "../up"}, "DATA-201"),
    ],
)
def test_silly_wishes_are_refused_before_a_row_is_asked_for(
    tmp_path: Path, wanted: dict[str, Any], code: str
) -> None:
    venue = Venue()
    with pytest.raises(InputError) as caught:
        asked(Store(tmp_path), venue, **wanted)
    assert caught.value.code == code
    assert caught.value.hint
    assert not venue.pages
    assert not list(tmp_path.rglob("*"))


def test_bars_of_two_intervals_do_not_mix(tmp_path: Path) -> None:
    store, venue = Store(tmp_path), Venue()
    asked(store, venue, interval="1h")
    assert [row["time_ns"] for row in rows(store)] == [
        (START_MS + n * 60 * MINUTE_MS) * MS for n in range(50)
    ]
    with pytest.raises(InputError, match=r"DATA-406.*bars of 1 h.*of 1 min"):
        asked(store, venue)


def test_a_time_without_a_zone_is_utc_and_what_is_no_time_is_refused() -> None:
    assert moment("2025-05-04T06:30", "--since") == MAY_4 + 6.5 * HOUR
    assert moment("2025-05-04T08:30+02:00", "--since") == MAY_4 + 6.5 * HOUR
    with pytest.raises(InputError, match=r"DATA-403.*--until is .yesterday"):
        moment("yesterday", "--until")


# -- what a series lacks, against sets of numbers --------------------------------------------------

spans = st.lists(
    st.builds(lambda start, size: Span(start, start + size), st.integers(0, 60), st.integers(1, 15)),
    max_size=6,
)


@given(spans, st.integers(0, 70), st.integers(0, 70))
def test_lacking_is_the_difference_of_sets(held: list[Span], start: int, end: int) -> None:
    inside = {n for span in held for n in range(*span)}
    found = repair.lacking(Span(start, end), held)
    assert [n for span in found for n in range(*span)] == sorted(set(range(start, end)) - inside)
    assert all(left.end < right.start for left, right in itertools.pairwise(found))
    merged = repair.merged(held)
    assert {n for span in merged for n in range(*span)} == inside
    holes = [n for span in repair.between(held) for n in range(*span)]
    assert holes == sorted(set(range(min(inside), max(inside))) - inside if inside else set())


@given(st.lists(st.integers(0, 40), max_size=25), st.integers(1, 4))
def test_runs_hold_every_value_and_break_where_a_step_is_too_wide(values: list[int], step: int) -> None:
    found = repair.runs(pl.Series(values, dtype=pl.Int64), step)
    ordered = sorted(set(values))
    breaks = [right for left, right in itertools.pairwise(ordered) if right - left > step]
    assert [span.start for span in found] == [*ordered[:1], *breaks]
    assert all(any(span.start <= value < span.end for span in found) for value in ordered)
    assert all(span.end - step in ordered for span in found)


@given(st.lists(st.sampled_from([1, 4, 8]), min_size=2, max_size=5), st.integers(2, 6), st.data())
def test_a_change_of_the_interval_is_no_gap_and_a_missing_payment_is(
    intervals: list[int], length: int, data: st.DataObject
) -> None:
    steps = [hours for hours in intervals for _ in range(length)]
    times = [0]
    for step in steps:
        times.append(times[-1] + step * 60)
    assert repair.uneven(times, 1) == []
    gone = data.draw(st.integers(1, len(times) - 2))
    left = [*times[:gone], *times[gone + 1 :]]
    wide = left[gone] - left[gone - 1]
    beside = [right - before for before, right in itertools.pairwise(left)]
    around = [beside[i] for i in (gone - 2, gone) if 0 <= i < len(beside)]
    expected = [Span(left[gone - 1] + 1, left[gone])] if around and all(wide > one for one in around) else []
    found = repair.uneven(left, 1)
    assert all(span in found for span in expected)
    if len(set(intervals)) == 1 and len(left) > 2:
        assert found == expected != []
    assert repair.uneven(times[:2], 1) == [], "one step says nothing of its length"
