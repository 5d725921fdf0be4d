"""What the guard is told in a session over the venue in a box: rules let a good trade by and stop a bad one.

Figures are counted again here with Fraction, by other roads than the session's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from lotwise.broker.chronicle import Kept
from lotwise.broker.intents import IntentLog
from lotwise.broker.kernel_venue import KernelVenue
from lotwise.broker.live import LiveBroker
from lotwise.broker.policy import Terms
from lotwise.broker.venue import RateLimited, Resting, VenueDown
from lotwise.contracts.catalogue import load
from lotwise.guard.config import read_guard
from lotwise.kernel.state import FUNDING, QUOTE, TRADE, EventRow
from lotwise.records.guard import Refused
from lotwise.records.signal import Signal
from lotwise.session.pipeline import NotSized, Sent
from lotwise.session.sight import CHASE_BARS, STRENGTH_BARS, resting_cash
from lotwise.session.trader import Trader
from lotwise.store.database import Database
from lotwise.strategy.api import Bar
from lotwise.units import Cash, Lots, Rate8, Ticks
from tests.session.scene import Told
from tests.session.venue_in_memory import E8, SECOND, HandClock

MINUTE = 60 * SECOND
BTC, ETH = load("binance:BTCUSDT"), load("binance:ETHUSDT")
LAST, STOP_AWAY = 950_000, 10_000
DAY_OF_FACTS = BTC.as_of or ""
START = 1_790_000_040 * SECOND
"""2026-09-21, on a whole minute."""


class Counted:
    """A port that counts its questions for the book, and fails them when told to."""

    def __init__(self, port: KernelVenue) -> None:
        self.port, self.books, self.error = port, 0, None
        self.book_of: Resting | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)

    def book(self, contract_id: str) -> Resting:
        """One more question."""
        self.books += 1
        if self.error is not None:
            raise self.error
        return self.book_of or self.port.book(contract_id)


class Room:
    """A session with a guard of a test's own over the venue in a box."""

    def __init__(self, database: Database, name: str, table: Mapping[str, Any], btc_id: str = BTC.id) -> None:
        self.clock, self.kept = HandClock(START), Kept()
        venue = KernelVenue.opened([BTC, ETH], Cash(10_000 * E8), highest_ticks=[4 * LAST, 4 * LAST])
        self.port = Counted(venue)
        self.guard = read_guard({"market_age": "10min", **table})
        self.strategies = {one.id: Told() for one in (BTC, ETH)}
        broker = LiveBroker(
            self.port,
            IntentLog(database, name),
            [BTC, ETH],
            terms={one.id: Terms(leverage100=1_000) for one in (BTC, ETH)},
            rulebook=self.guard.rulebook_at,
            clock=self.clock,
            chronicle=self.kept,
        )
        self.trader = Trader(
            broker,
            self.strategies,
            self.guard.rulebook_at,
            risk8=Rate8(E8 // 1_000),
            bar_ns=MINUTE,
            btc_id=btc_id,
        )
        self.quote()
        self.trader.begin()

    def quote(self, spread: int = 2, bid_lots: int = 9_000, ask_lots: int = 9_000) -> None:
        """Both markets at their price, with what rests at the best."""
        for number in (0, 1):
            at: Any = {"contract": number, "time_ns": self.clock.time_ns}
            sizes: Any = {"bid_lots": bid_lots, "ask_lots": ask_lots}
            self.port.feed(EventRow(kind=TRADE, price_ticks=LAST, lots=1, **at))
            low = LAST - spread // 2
            self.port.feed(EventRow(kind=QUOTE, bid_ticks=low, ask_ticks=low + spread, **sizes, **at))

    def closes(self, contract_id: str, closes: Sequence[int], width: int = 100) -> None:
        """Bars of the past, a minute each, up to the one that comes."""
        for k, close in enumerate(closes):
            opens = START - (len(closes) - k + 1) * MINUTE
            bar = Bar(opens, close, close + width // 2, close - width // 2, close, 10)
            self.trader.saw_bar(contract_id, bar)

    def asked(self, side: int = 1, contract: Any = BTC, **more: Any) -> Any:
        """What becomes of a trade whose stop is 1,000.0 away."""
        stop: Any = LAST - side * STOP_AWAY
        self.strategies[contract.id].answers = [Signal(side=side, stop_ticks=stop, reason="a test", **more)]
        bar = Bar(self.clock.time_ns - MINUTE, LAST, LAST, LAST, LAST, 10)
        return self.trader.on_bar(contract.id, bar)

    def said(self) -> str:
        """The last refusal's words."""
        return self.kept.of("refused")[-1].message


@pytest.fixture
def room(database: Database, request: pytest.FixtureRequest) -> Any:
    made: list[Room] = []

    def make(table: Mapping[str, Any], **more: Any) -> Room:
        made.append(Room(database, f"{request.node.nodeid}#{len(made)}", table, **more))
        return made[-1]

    return make


def test_spread(room: Any) -> None:
    """10 % of 1,000.0 are 100.0."""
    good = room({"spread": "10%"})
    good.quote(spread=980)
    assert isinstance(good.asked(), Sent)
    bad = room({"spread": "10%"})
    bad.quote(spread=1_200)
    found = bad.asked()
    assert (type(found), found.code) == (Refused, "GUARD-133")
    assert "the spread is 120.0" in bad.said()


def test_depth_on_the_side_of_the_stop(room: Any) -> None:
    """A stop of a long sells: it takes what is bid."""
    table = {"depth": "20"}
    thin = room(table)
    thin.quote(bid_lots=50, ask_lots=9_000)
    first = thin.asked(side=1)
    assert (type(first), first.code) == (Refused, "GUARD-134")
    worth = Fraction(949_999, 10) * Fraction(50, 1_000)
    assert f"{float(worth):,.3f} USDT rest" in thin.said()
    assert first.most_lots == int(worth / 20 / 95_000 * 1_000)
    assert isinstance(thin.asked(side=-1), Sent)  # that one is bought back, and enough is asked
    assert thin.port.books == 1  # the same second: the same book
    deep = room(table)
    deep.quote(bid_lots=9_000, ask_lots=50)
    assert isinstance(deep.asked(side=1), Sent)


def test_the_book_is_asked_for_only_where_it_is_bounded_and_seldom(room: Any) -> None:
    free = room({"spread": "10%"})
    assert isinstance(free.asked(), Sent)
    assert free.port.books == 0
    bound = room({"depth": "20"})
    bound.quote(bid_lots=1, ask_lots=1)
    for _ in range(5):
        assert isinstance(bound.asked(), Refused)
    assert bound.port.books == 1
    bound.clock.time_ns += SECOND
    bound.quote(bid_lots=1, ask_lots=1)
    assert isinstance(bound.asked(), Refused)
    assert bound.port.books == 2


@pytest.mark.parametrize("error", ["down", "limited", "empty", "old"])
def test_a_book_that_is_not_known_refuses_and_says_why(room: Any, error: str) -> None:
    told = room({"depth": "20"})
    if error == "down":
        told.port.error = VenueDown("BROKER-142", "no answer from the book", "")
    elif error == "limited":
        told.port.error = RateLimited("BROKER-140", "429 for the book", "", until_ns=START + 9 * SECOND)
    elif error == "empty":
        told.port.book_of = Resting(contract_id=BTC.id, bids=(), asks=())
    else:
        told.port.book_of = msgspec.structs.replace(told.port.port.book(BTC.id), time_ns=START - MINUTE)
    found = told.asked()
    assert (type(found), found.code) == (Refused, "GUARD-134")
    words = {"down": "no answer from the book", "limited": "429", "empty": "is empty", "old": "60 s old"}
    assert words[error] in told.said()
    if error == "limited":
        assert told.trader.broker.hand.is_quiet
        told.asked()
        assert told.port.books == 1  # a venue that was asked too often is left alone


def test_funding(room: Any) -> None:
    """A long is charged where the rate is above 0; the short is paid."""
    for rate8, side, code in (
        (40_000, 1, ""),
        (60_000, 1, "GUARD-132"),
        (60_000, -1, ""),
        (-60_000, -1, "GUARD-132"),
    ):
        at = room({"funding": "0.05%"})
        at.port.feed(EventRow(kind=FUNDING, time_ns=START, rate8=rate8, price8=LAST * 10**7))
        found = at.asked(side=side)
        assert getattr(found, "code", "") == code, (rate8, side)
        assert isinstance(found, Refused if code else Sent)
    unknown = room({"funding": "0.05%"})
    assert unknown.asked().code == "GUARD-132"  # nothing was told of it yet


def test_funding_that_is_far_away_is_not_asked(room: Any) -> None:
    """The venue in a box does not tell when; a real one does."""
    for hours, code in ((3, ""), (0, "GUARD-132")):
        at = room({"funding": "0.05%", "funding_within": "1h"})
        plain = at.port.port.market
        at.port.market = lambda name, plain=plain, hours=hours: msgspec.structs.replace(
            plain(name), funding8=90_000, funding_ns=START + (hours * 60 + 30) * MINUTE
        )
        assert getattr(at.asked(), "code", "") == code
    silent = room({"funding": "0.05%", "funding_within": "1h"})
    silent.port.feed(EventRow(kind=FUNDING, time_ns=START, rate8=1, price8=LAST * 10**7))
    assert "when funding is charged is unknown" in silent.asked().message


def mean_of(closes: Sequence[int]) -> Fraction:
    """The exponential mean, without roundings."""
    mean = Fraction(closes[0])
    for close in closes[1:]:
        mean += Fraction(2, CHASE_BARS + 1) * (close - mean)
    return mean


@pytest.mark.parametrize("side", [1, -1])
def test_chase(room: Any, side: int) -> None:
    """A bar at the price is told with the signal; the range is 100 in all but the last of 20 bars."""
    before = [LAST - side * 3_000] * 40
    mean = mean_of([*before, LAST])
    ranges = [Fraction(100)] * 19 + [Fraction(3_000)]
    span = sum(ranges) / 20
    away = abs(LAST + side - mean) / span  # of the entry at the market
    for bound, code in ((away * Fraction(102, 100), ""), (away * Fraction(98, 100), "GUARD-131")):
        at = room({"chase": f"{float(bound):.4f}"})
        at.closes(BTC.id, before)
        found = at.asked(side=side)
        assert getattr(found, "code", "") == code
        assert isinstance(found, Refused if code else Sent)


def test_chase_with_too_few_bars_or_old_ones_refuses_and_says_so(room: Any) -> None:
    few = room({"chase": "2"})
    few.closes(BTC.id, [LAST] * 5)
    assert few.asked().code == "GUARD-131"
    assert "6 bars were heard, 20 are needed" in few.said()
    exact = room({"chase": "2"})
    exact.closes(BTC.id, [LAST] * (CHASE_BARS - 1))
    assert isinstance(exact.asked(), Sent)
    other = room({"btc_refuse": "25%"})
    other.closes(BTC.id, [LAST] * 40)
    other.clock.time_ns += 3 * MINUTE
    other.quote()
    assert other.asked(contract=ETH).code == "GUARD-130"
    assert "the last bar of binance:BTCUSDT was over 240 s ago" in other.said()


def strength_of(closes: Sequence[int]) -> Fraction:
    """Wilder's index from averages that begin at nothing, without roundings."""
    ups = downs = Fraction(0)
    for before, close in pairwise(closes):
        ups = (ups * (STRENGTH_BARS - 1) + max(0, close - before)) / STRENGTH_BARS
        downs = (downs * (STRENGTH_BARS - 1) + max(0, before - close)) / STRENGTH_BARS
    return ups / (ups + downs)


RISES = [LAST - 50 * (60 - k) for k in range(60)]
FALLS = [LAST + 200 * (60 - k) for k in range(60)]
WEAK = [LAST + 100 * (60 - k) - 150 * (k % 3 == 0) for k in range(60)]


def test_health_of_btc_bounds_the_other_coins(room: Any) -> None:
    """Health is twice the relative strength, at most all."""
    assert strength_of(RISES) == 1
    assert 0 < 2 * strength_of(WEAK) < Fraction(60, 100)
    good, bad = room({"btc_refuse": "25%"}), room({"btc_refuse": "25%"})
    good.closes(BTC.id, RISES)
    bad.closes(BTC.id, FALLS)
    assert isinstance(good.asked(contract=ETH), Sent)
    assert bad.asked(contract=ETH).code == "GUARD-130"
    assert "the health of BTC is 0.00 %" in bad.said()
    usual, less = (room({"risk": "0.1%", "btc_reduce": "60%"}) for _ in range(2))
    usual.closes(BTC.id, RISES)
    less.closes(BTC.id, WEAK)
    full, reduced = usual.asked(contract=ETH), less.asked(contract=ETH)
    assert (type(full), full.budget_cash) == (Sent, 10 * E8)
    part = 2 * strength_of(WEAK) / Fraction(60, 100)
    assert abs(reduced.budget_cash - part * 10 * E8) < E8 // 100
    if isinstance(reduced, Sent):
        assert 0 < reduced.lots < full.lots
    else:
        assert isinstance(reduced, NotSized)


def test_health_of_a_btc_that_is_unknown_refuses(room: Any) -> None:
    nowhere = room({"btc_refuse": "25%"}, btc_id="")
    assert nowhere.asked().code == "GUARD-130"
    assert "know no BTC contract" in nowhere.said()
    young = room({"btc_refuse": "25%"})
    young.closes(BTC.id, RISES[:STRENGTH_BARS])
    assert young.asked(contract=ETH).code == "GUARD-130"
    assert f"{STRENGTH_BARS} bars of BTC were heard, {STRENGTH_BARS + 1} are needed" in young.said()


def test_age_of_facts(room: Any) -> None:
    """By the calendar of the session: that of its clock, unless another is given."""
    from datetime import UTC, datetime

    day = int(datetime.fromisoformat(DAY_OF_FACTS).replace(tzinfo=UTC).timestamp()) * SECOND
    for days, code in ((29, ""), (31, "GUARD-105"), (-31, "GUARD-105")):
        at = room({"facts_age": "30d"})
        at.trader.sight._calendar = HandClock(day + days * 1_440 * MINUTE)
        found = at.asked()
        assert getattr(found, "code", "") == code
        assert isinstance(found, Refused if code else Sent)
    assert "from 31 d" in found.message
    own = room({"facts_age": "30d"})
    away_days = abs(START - day) // (1_440 * MINUTE)
    assert isinstance(own.asked(), Sent if away_days < 30 else Refused)


def test_prices_that_stand_still_are_no_news(room: Any) -> None:
    """A venue that serves an old top again and again: its spread is unknown after the bound of the policy."""
    at = room({"spread": "10%"})
    assert isinstance(at.asked(), Sent)
    old = room({"spread": "10%"})
    old.trader.on_market(old.port.market(BTC.id))
    old.clock.time_ns += 31 * SECOND  # and nothing is fed: the market's own time stands
    assert old.asked().code == "GUARD-133"
    assert "its prices are the same since 31 s" in old.said()


def test_worth_of_what_rests_is_counted_level_by_level() -> None:
    levels = tuple((Ticks(950_000 - 137 * k), Lots(3 + 7 * k % 11)) for k in range(60))
    within = [(p, q) for p, q in levels if 950_000 - p <= 950_000 * Fraction(2, 1_000)]
    assert 5 < len(within) < 60
    worth = sum(Fraction(p, 10) * Fraction(q, 1_000) for p, q in within)
    assert resting_cash(BTC, levels) == worth * E8
    inverse = load("bybit-inverse:BTCUSD")
    own = ((Ticks(190_001), Lots(7_000)), (Ticks(189_999), Lots(13)))
    price = [Fraction(p) * Fraction(str(inverse.tick_size)) for p, _ in own]
    coins = [int(q * Fraction(str(inverse.lot_size)) / p * E8) for p, (_, q) in zip(price, own, strict=True)]
    assert resting_cash(inverse, own) == sum(coins)
