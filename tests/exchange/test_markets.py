"""A live market: one exchange follows another's public streams through ccxt.pro, over loopback.

The venue that is followed is our own server, whose market is known; what follows must play what it told, keep
what it missed as gaps, and find the same past after a kill.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
ccxt = pytest.importorskip("ccxt")

from lotwise.app.exchange_live import Feed, prepared  # noqa: E402
from lotwise.errors import InputError, VenueError  # noqa: E402
from lotwise.exchange.market import LIVE_ROOM, MarketChoice, begun, is_begun, opened  # noqa: E402
from lotwise.exchange.market_log import FeedGap, MarketLog  # noqa: E402
from lotwise.kernel import state as k  # noqa: E402
from tests.exchange.served import SYMBOL, Server, client  # noqa: E402

MADE = ("--start", "2025-01-06T07:50", "--history-hours", "1", "--days", "1", "--seed", "7", "--json")
FUNDED_MS = 1_736_150_400_000
"""2025-01-06T08:00."""
LIVE = MarketChoice(source="live", venue="binanceusdm", contracts=("BTCUSDT", "ETHUSDT"), start_ns=10**18)


def until(good: Callable[[], Any], what: str) -> Any:
    """Look until it is so; the looking itself takes time at the servers."""
    waiting, deadline = threading.Event(), time.monotonic() + 30
    while not (found := good()):
        assert time.monotonic() < deadline, what
        waiting.wait(0.02)
    return found


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with patch("tests.exchange.served.OPTIONS", MADE):
        found = Server(tmp_path / "upstream")
    monkeypatch.setenv("LOTWISE_VENUE_URL", f"http://127.0.0.1:{found.port}")
    yield found
    assert found.stop() == 0


def following(state: Path) -> Server:
    """A server with a live market."""
    with patch("tests.exchange.served.OPTIONS", ("--json",)):
        return Server(state, "--market", "live", "--venue", "binanceusdm")


def heard(upstream: Server) -> None:
    """Both sockets of who follows stand, and are subscribed."""
    until(lambda: upstream.asked("GET", "/status")["sessions"] == 2, "two sockets")
    threading.Event().wait(0.2)  # from the connection to its streams: one message


def trades(server: Server, limit: int = 1_000) -> list[tuple[str, str]]:
    """Prices and quantities of the last trades."""
    found = server.raw("GET", f"/fapi/v1/aggTrades?symbol=BTCUSDT&limit={limit}")[1]
    return [(one["p"], one["q"]) for one in found]


def newest(server: Server) -> int:
    """The id of the last trade."""
    return int(server.raw("GET", "/fapi/v1/aggTrades?symbol=BTCUSDT&limit=1")[1][0]["a"])


def quote(server: Server) -> list[str]:
    """Best bid and ask."""
    told = server.raw("GET", "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")[1]
    return [told[name] for name in ("bidPrice", "bidQty", "askPrice", "askQty")]


def mark(server: Server) -> str:
    """The mark."""
    return str(server.raw("GET", "/fapi/v1/premiumIndex?symbol=BTCUSDT")[1]["markPrice"])


def caught_up(upstream: Server, live: Server) -> None:
    """Who follows shows the quote, the mark and the last trade of the one that is followed."""
    until(
        lambda: (
            quote(live) == quote(upstream)
            and mark(live) == mark(upstream)
            and trades(live, 1) == trades(upstream, 1)
        ),
        "caught up",
    )


def test_a_live_market_is_followed_through_drops_a_funding_and_a_kill(
    upstream: Server, tmp_path: Path
) -> None:
    state = tmp_path / "live"
    live = following(state)
    try:
        heard(upstream)
        before = newest(upstream)
        for _ in range(5):
            upstream.step(100)
        caught_up(upstream, live)
        told = trades(live)
        assert len(told) > 20
        assert told == trades(upstream)[-len(told) :]
        live.account(deposit="100000")
        ex = client(live.port)
        bought = ex.create_order(SYMBOL, "market", "buy", 0.01)
        assert Decimal(str(bought["average"])) == Decimal(quote(upstream)[2])
        stop = float(Decimal(quote(upstream)[0]) * Decimal("0.5").quantize(Decimal("0.1")))
        ex.create_order(
            SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": round(stop, 1), "reduceOnly": True}
        )

        # both lines break; what happens before they stand again is missed, and known to be
        upstream.asked("POST", "/faults", {"kind": "drop", "value": 0})
        upstream.step(1)
        until(lambda: upstream.asked("GET", "/status")["sessions"] == 0, "dropped")
        seen = trades(live)
        upstream.step(300)
        heard(upstream)
        upstream.step(100)
        caught_up(upstream, live)
        assert len(trades(live)) > len(seen)

        # a funding, charged at what the venue charged
        upstream.asked("POST", "/step", {"until_ms": FUNDED_MS + 30_000})
        caught_up(upstream, live)
        paid = until(lambda: ex.fetch_funding_history(SYMBOL), "funding")
        [rate] = [
            one
            for one in upstream.raw("GET", "/fapi/v1/fundingRate?symbol=BTCUSDT&limit=9")[1]
            if one["fundingTime"] >= FUNDED_MS
        ]
        exact = -Decimal(rate["fundingRate"]) * Decimal(rate["markPrice"]) / 100
        assert len(paid) == 1
        assert abs(Decimal(paid[0]["info"]["income"]) - exact) <= Decimal("0.00000001")

        # a kill: the same past, and the time that was missed is a gap
        known, last = at_rest(live), trades(live)
        live.kill()
        live = following(state)
        again = live.asked("GET", "/status")
        assert again["hashes"] == known["hashes"]
        assert again["position"] >= known["position"]
        assert trades(live) == last
        heard(upstream)
        upstream.step(60)
        caught_up(upstream, live)
        assert len(client(live.port).fetch_my_trades(SYMBOL)) == 1
    finally:
        code = live.stop()
    assert code == 0
    check_gaps(state, newest(upstream) - before)


def at_rest(live: Server) -> Any:
    """The server's status once nothing more comes."""
    before, quiet = live.asked("GET", "/status"), 0
    while quiet < 10:
        threading.Event().wait(0.05)
        now = live.asked("GET", "/status")
        quiet = quiet + 1 if now["position"] == before["position"] else 0
        before = now
    return before


def check_gaps(state: Path, told: int) -> None:
    """What was played and what was missed make what was told."""
    log = MarketLog(state)
    events = [event for event in log.events(0, len(log)) if event.contract == 0]
    gaps = [gap for gap in log.gaps() if gap.contract == 0]
    log.close()
    played = sum(event.kind == k.TRADE for event in events)
    missing = sum(gap.missing for gap in gaps if gap.kind == "aggTrade")
    assert missing > 0
    assert played + missing == told
    assert [event.kind for event in events].count(k.FUNDING) == 1
    assert [event.time_ns for event in events] == sorted(event.time_ns for event in events)
    for kind in ("bookTicker", "markPriceUpdate"):  # once for the drop, once for the kill
        assert [gap.reason for gap in gaps if gap.kind == kind] == ["connection"] * 2
    assert all(gap.until_ns >= gap.from_ns > 0 for gap in gaps)


def test_a_venue_that_is_not_there_or_not_known_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTWISE_VENUE_URL", "http://127.0.0.1:9")
    with pytest.raises(VenueError, match="EXCHANGE-160"):
        prepared(LIVE, tmp_path / "none")
    assert not is_begun(tmp_path / "none", LIVE.contracts)
    with pytest.raises(InputError, match="EXCHANGE-161"):
        opened(LIVE, tmp_path / "none")
    with pytest.raises(InputError, match="EXCHANGE-102"):
        prepared(MarketChoice(source="live", venue="bybit"), tmp_path / "none")


def feed(folder: Path) -> Feed:
    """A feed of a market that was begun at 100,000 and 4,000."""
    from lotwise.contracts.catalogue import load

    contracts = [load(f"binance:{symbol}") for symbol in LIVE.contracts]
    if not is_begun(folder, LIVE.contracts):
        begun(folder, contracts, [1_000_000, 400_000])
    return Feed(opened(LIVE, folder))


def aggregate(number: int, at: int, price: str = "100000.1", **more: Any) -> Mapping[str, Any]:
    """A trade as the venue tells it."""
    return {"e": "aggTrade", "s": "BTCUSDT", "a": number, "p": price, "q": "0.0129", "T": at, **more}


def top(number: int, at: int, bid: str = "100.05", ask: str = "100.11") -> Mapping[str, Any]:
    """A quote as the venue tells it."""
    sizes = {"B": "1.0019", "A": "0.001"}
    return {"e": "bookTicker", "s": "BTCUSDT", "u": number, "b": bid, "a": ask, "T": at, **sizes}


def marked(at: int, following: int, price: str = "100000.12345678") -> Mapping[str, Any]:
    """A mark as the venue tells it."""
    return {"e": "markPriceUpdate", "s": "BTCUSDT", "p": price, "i": "99999.5", "E": at, "T": following}


def test_messages_become_events_exactly_and_in_the_order_of_time(tmp_path: Path) -> None:
    found = feed(tmp_path)
    for message in (
        aggregate(5, 2_000_000_000_500),
        top(9, 2_000_000_000_400),
        aggregate(6, 2_000_000_000_700),
    ):
        assert found.take(message) is None
    trade, best, second = found.events
    assert (trade.kind, trade.price_ticks, trade.lots) == (k.TRADE, 1_000_001, 12)  # 0.0129: down to a lot
    assert (best.kind, best.bid_ticks, best.ask_ticks, best.bid_lots) == (k.QUOTE, 1_000, 1_002, 1_001)
    assert [one.time_ns // 10**6 - 2_000_000_000_000 for one in (trade, best, second)] == [500, 500, 700]
    assert found.gaps == []
    found.take(marked(2_000_000_000_800, 2_000_000_009_000))
    assert [(one.kind, one.price8) for one in found.events[3:]] == [
        (k.MARK, 10_000_012_345_678),
        (k.INDEX, 9_999_950_000_000),
    ]
    assert found.take(marked(2_000_000_009_001, 2_000_000_018_000)) == (0, 2_000_000_009_000)
    found.funded(0, [{"fundingRate": "-0.00012345", "fundingTime": "2000000009000", "markPrice": "100.5"}])
    event = found.events[-1]
    assert (event.kind, event.rate8, event.price8) == (k.FUNDING, -12_345, 10_050_000_000)
    assert event.time_ns == 2_000_000_009_001 * 10**6  # booked when it is known


def test_a_funding_that_nobody_knew_of_before_a_stop_is_asked_for_after_it(tmp_path: Path) -> None:
    """Its time has passed, its rate was asked for, and the exchange ended before the answer."""
    due, following = 2_000_000_009_000, 2_000_000_018_000
    found = feed(tmp_path)
    found.take(marked(due - 8_200, due))
    assert found.take(marked(due + 1, following)) == (0, due)
    found.write()
    found.market.close()
    again = feed(tmp_path)
    assert again.take(marked(due + 60_000, following)) == (0, due)
    again.funded(0, [{"fundingRate": "0.0001", "fundingTime": str(due), "markPrice": "100.5"}])
    again.write()
    again.market.close()
    assert feed(tmp_path).take(marked(due + 120_000, following)) is None, "it is booked, once"


def test_what_comes_twice_or_makes_no_sense_is_not_played_and_what_is_missing_is_kept(tmp_path: Path) -> None:
    found = feed(tmp_path)
    now = 2_000_000_000_000
    for number in (5, 5, 4, 9):
        found.take(aggregate(number, now + number))
    assert [event.time_ns // 10**6 - now for event in found.events] == [5, 9]
    assert found.gaps == [FeedGap(0, "aggTrade", "sequence", (now + 5) * 10**6, (now + 9) * 10**6, 3)]
    noise: list[Mapping[str, Any]] = [
        aggregate(10, now, "-1"),
        aggregate(10, now, "nan"),
        aggregate(10, now, "0"),
        aggregate(10, now, s="DOGEUSDT"),
        aggregate(10, now, q=None),
        top(3, now, "100", "99"),
        {"e": "aggTrade"},
        {},
        marked(now, now, "0"),
    ]
    for message in noise:
        assert found.take(message) is None
    assert (len(found.events), found.odd, found.beyond) == (2, len(noise), None)
    found.take(top(3, now + 10))
    found.cut(("bookTicker",))
    found.take(top(8, now + 20))
    assert found.gaps[1] == FeedGap(0, "bookTicker", "connection", (now + 10) * 10**6, (now + 20) * 10**6)
    found.take(top(9, now + 30))
    assert len(found.gaps) == 2
    found.missed(0, now + 40)
    assert (found.gaps[-1].kind, found.gaps[-1].missing) == ("funding", 1)
    found.write()
    assert (len(found.market), found.events, found.gaps) == (5, [], [])
    found.market.close()
    again = feed(tmp_path)  # a restart: the ids go on where they were
    assert again.market.log.gaps()[0].missing == 3
    again.take(aggregate(9, now + 50))
    again.take(aggregate(12, now + 60))
    again.take(top(11, now + 61))
    assert [(gap.kind, gap.reason, gap.missing) for gap in again.gaps] == [
        ("aggTrade", "connection", 2),
        ("bookTicker", "connection", 0),
    ]
    assert [event.time_ns // 10**6 - now for event in again.events] == [60, 61]


def test_a_price_beyond_the_proof_ends_the_feed(tmp_path: Path) -> None:
    found = feed(tmp_path)
    found.take(aggregate(5, 2_000_000_000_000, str(100_000 * LIVE_ROOM)))
    assert found.beyond is None
    found.take(aggregate(6, 2_000_000_000_000, str(100_000 * LIVE_ROOM + 1)))
    assert len(found.events) == 1
    assert found.beyond is not None
    assert found.beyond.code == "EXCHANGE-163"


def test_a_venue_that_refuses_to_be_listened_to_ends_the_server(tmp_path: Path) -> None:
    """The message as it is; a follower hands it on as its end."""
    import asyncio

    from lotwise.app.exchange_live import Follower
    from lotwise.exchange.venue import Venue

    feed(tmp_path).market.close()
    venue = Venue(LIVE, tmp_path)

    async def story() -> str:
        follower = Follower(venue, {"LOTWISE_VENUE_URL": "http://127.0.0.1:9"}, asyncio.sleep)
        follower._heard(None, '{"error": {"code": 2, "msg": "Invalid request"}}')
        follower._heard(None, "no json")
        follower._heard(None, "3")
        assert follower.feed.odd == 2
        with pytest.raises(VenueError) as caught:
            await asyncio.wait_for(follower.run(), 20)
        return caught.value.code

    assert asyncio.run(story()) == "EXCHANGE-162"
    venue.close()
