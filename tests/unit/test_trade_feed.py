"""The feed: every closed bar once and in order, holes repaired, old news no news; streams begin again."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from lotwise.app.trade_feed import PAGE, CcxtBars, Feed, Lockstep, Streams, bar_of
from lotwise.contracts.catalogue import load
from lotwise.contracts.contract import Contract
from lotwise.errors import LotwiseError, VenueError
from lotwise.records.live import VenueMarket
from lotwise.strategy.api import Bar
from lotwise.units import Price8, Ticks

BTC, ETH = load("binance:BTCUSDT"), load("binance:ETHUSDT")
MINUTE = 60 * 10**9
START = 1_736_121_600 * 10**9


class Market:
    """A venue with a bar a minute, and the time that a test gives it."""

    name = account = "x"

    def __init__(self) -> None:
        self.time_ns = START
        self.down = False
        self.missing: set[int] = set()

    def now_ns(self) -> int:
        return self.time_ns

    def market(self, contract_id: str) -> VenueMarket:
        if self.down:
            raise VenueError("BROKER-142", "the venue cannot be reached", "")
        last = Ticks(900_000)
        return VenueMarket(
            contract_id=contract_id,
            bid_ticks=last,
            ask_ticks=last,
            last_ticks=last,
            mark_price8=Price8(1),
            time_ns=self.time_ns,
        )

    def bars(self, contract: Contract, since_ns: int) -> Sequence[Bar]:
        first = -(-since_ns // MINUTE)
        numbers = range(first, self.time_ns // MINUTE + 1)
        return [
            Bar(one * MINUTE, one % 97 + 2, one % 97 + 3, 1, 2, 5)
            for one in numbers
            if one not in self.missing
        ][:PAGE]


class Ear:
    """Hears, and keeps it."""

    def __init__(self) -> None:
        self.bars: list[tuple[str, int]] = []
        self.late: list[tuple[str, int]] = []
        self.tops = 0

    def on_bar(self, contract_id: str, bar: Bar, is_late: bool = False) -> None:
        self.bars.append((contract_id, bar.time_ns))
        self.late += [(contract_id, bar.time_ns)] if is_late else []

    def on_market(self, top: VenueMarket) -> None:
        self.tops += 1

    def saw_bar(self, contract_id: str, bar: Bar) -> None:
        self.bars.append((contract_id, bar.time_ns))


def feed(market: Any, *, by_clock: bool = False) -> Feed:
    return Feed([BTC, ETH], market, market, MINUTE, by_clock)


def test_every_closed_bar_is_told_once_and_in_the_order_of_time() -> None:
    market, ear = Market(), Ear()
    heard = feed(market)
    heard.look(ear)
    for _ in range(200):
        market.time_ns += 17 * 10**9
        heard.look(ear)
    closed = [START + k * MINUTE for k in range((market.time_ns - START) // MINUTE)]
    assert ear.bars == [(name, at) for at in closed for name in (BTC.id, ETH.id)]
    assert ear.tops == 2 * 201


@pytest.mark.parametrize("by_clock", [True, False])
def test_what_was_missed_while_the_line_was_down_is_told_after(by_clock: bool) -> None:
    market, ear = Market(), Ear()
    heard = feed(market, by_clock=by_clock)
    heard.look(ear)
    market.down = True
    market.time_ns += 30 * MINUTE
    found = heard.look(ear)
    assert found.troubles == ["the venue cannot be reached"] * 2
    assert ear.bars == []
    market.down = False
    assert heard.look(ear).bars == 60
    assert [at for name, at in ear.bars if name == BTC.id] == [START + k * MINUTE for k in range(30)]
    late = [at for name, at in ear.late if name == BTC.id]  # all but the last are memory, not orders
    assert late == [START + k * MINUTE for k in range(29 if by_clock else 28)]


@pytest.mark.parametrize("by_clock", [True, False])
def test_a_night_that_is_told_in_pages_opens_nothing_but_by_its_end(by_clock: bool) -> None:
    """The newest bar of the first page is hours old."""
    market, ear = Market(), Ear()
    heard = feed(market, by_clock=by_clock)
    heard.look(ear)
    night = 2 * PAGE + 300
    market.time_ns += night * MINUTE
    for _ in range(4):
        heard.look(ear)
    told = [at for name, at in ear.bars if name == BTC.id]
    assert told == [START + k * MINUTE for k in range(night)]
    late = {at for name, at in ear.late if name == BTC.id}
    assert [at for at in told if at not in late] == told[-1 if by_clock else -2 :]


def test_bars_that_the_venue_does_not_have_are_counted() -> None:
    market, ear = Market(), Ear()
    heard = feed(market)
    heard.look(ear)
    market.missing = {START // MINUTE + 2, START // MINUTE + 3}
    market.time_ns += 5 * MINUTE
    assert heard.look(ear).missing == 4  # two of each contract
    assert len(ear.bars) == 6


def test_a_top_that_is_not_newer_is_no_news() -> None:
    market, ear = Market(), Ear()
    heard = feed(market)
    for _ in range(5):
        heard.look(ear)
    assert ear.tops == 2


def test_on_paper_the_markets_time_closes_a_bar_and_live_the_venues_clock_too() -> None:
    class Quiet(Market):
        """Nothing is traded; the venue's clock goes on."""

        def now_ns(self) -> int:
            return self.time_ns + 3 * MINUTE

        def bars(self, contract: Contract, since_ns: int) -> Sequence[Bar]:
            self.time_ns += 3 * MINUTE
            found = super().bars(contract, since_ns)
            self.time_ns -= 3 * MINUTE
            return found

    for by_clock, expected in ((False, 0), (True, 2)):
        market, ear = Quiet(), Ear()
        heard = feed(market, by_clock=by_clock)
        heard._next_ns = {BTC.id: START, ETH.id: START}
        heard.look(ear)
        assert len(ear.bars) // 2 == expected


def test_the_past_is_read_in_pages_up_to_the_bar_that_forms() -> None:
    market = Market()
    found = feed(market).warm_up(PAGE + 20)
    assert len(found) == 2 * (PAGE + 20)
    assert found[0][1].time_ns == START - (PAGE + 20) * MINUTE
    assert found[-1] == (ETH.id, found[-2][1])
    assert found[-1][1].time_ns == START - MINUTE
    assert feed(market).warm_up(0) == []


class Client:
    """A ccxt client that answers rows, or raises."""

    markets: ClassVar[dict[str, int]] = {"x": 1}

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def safe_symbol(self, *given: Any) -> str:
        return "BTC/USDT:USDT"

    def fetch_ohlcv(self, *asked: Any) -> Any:
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows


def test_an_answer_without_sense_is_the_venues_fault() -> None:
    good = [START // 10**6, "95000.1", "95000.3", "94999.9", "95000.0", "1.2345"]
    (bar,) = CcxtBars(Client([good]), "1m").bars(BTC, 0)
    assert bar == Bar(START, 950_001, 950_003, 949_999, 950_000, 1_234)
    for odd in (
        RuntimeError("down"),
        [[START // 10**6, "95000.15", "95000.3", "94999.9", "95000.0", "1"]],  # between two ticks
        [[START // 10**6, "95000.1", "95000.0", "94999.9", "95000.0", "1"]],  # open above its high
        [[START // 10**6, None, "95000.0", "94999.9", "95000.0", "1"]],
        None,
    ):
        with pytest.raises(VenueError, match=r"TRADE-120"):
            CcxtBars(Client(odd), "1m").bars(BTC, 0)
    with pytest.raises(LotwiseError, match=r"TRADE-120"):
        bar_of(BTC, [0, "2.0", "2.0", "3.0", "2.0", "1"])


class Pro:
    """A streaming client that tells twice and breaks."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.told = 0

    async def load_markets(self) -> None:
        pass

    def safe_symbol(self, name: str, *given: Any) -> str:
        return name

    async def watch_bids_asks(self, names: list[str]) -> Mapping[str, Any]:
        self.told += 1
        if self.told > 2:
            raise ConnectionError("gone")
        return {names[0]: {"bid": str(self.told)}}

    async def close(self) -> None:
        pass


def test_a_stream_that_breaks_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotwise.app.trade_feed.PAUSES_S", (0.01,))
    streams = Streams(Pro, [BTC])
    streams.begin()
    seen, waited = 0, threading.Event()
    while Pro.made < 3 and not waited.wait(0.01):
        seen += len(streams.taken())
    streams.end()
    assert Pro.made >= 3
    assert streams.breaks >= 2
    assert streams.news.is_set()


def test_an_admin_port_that_is_not_there_is_told() -> None:
    with pytest.raises(VenueError, match=r"TRADE-121"):
        Lockstep("http://127.0.0.1:1").now_ns()


class Reads(Market):
    """Counts the questions for bars, by contract."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, int] = {}
        self.fails: set[str] = set()

    def bars(self, contract: Contract, since_ns: int) -> Sequence[Bar]:
        self.asked[contract.id] = self.asked.get(contract.id, 0) + 1
        if contract.id in self.fails:
            raise VenueError("TRADE-120", f"no bars of {contract.id}", "")
        return super().bars(contract, since_ns)


def test_the_contract_beside_is_read_once_a_bar_and_told_before_the_others() -> None:
    market, ear = Reads(), Ear()
    heard = Feed([ETH], market, market, MINUTE, False, BTC)
    past = heard.warm_up(5)
    assert [name for name, _ in past].count(ETH.id) == 5
    assert [name for name, _ in past].count(BTC.id) == 100  # what its measure needs, however few are wanted
    assert [bar.time_ns for _, bar in past] == sorted(bar.time_ns for _, bar in past)
    market.asked.clear()
    for _ in range(60):
        market.time_ns += 10 * 10**9
        heard.look(ear)
    assert market.asked == {ETH.id: 10, BTC.id: 10}
    assert ear.bars == [(name, START + k * MINUTE) for k in range(10) for name in (BTC.id, ETH.id)]
    assert ear.tops == 60  # of the one contract that is traded


def test_a_contract_beside_that_cannot_be_read_stops_nothing_and_is_told() -> None:
    market, ear = Reads(), Ear()
    market.fails = {BTC.id}
    heard = Feed([ETH], market, market, MINUTE, False, BTC)
    assert {name for name, _ in heard.warm_up(5)} == {ETH.id}
    market.time_ns += MINUTE
    found = heard.look(ear)
    assert found.troubles == [f"no bars of {BTC.id}"]
    assert ear.bars == [(ETH.id, START)]
    market.fails, market.time_ns = set(), market.time_ns + MINUTE
    assert heard.look(ear).troubles == []
    assert ear.bars[1:] == [(BTC.id, START), (BTC.id, START + MINUTE), (ETH.id, START + MINUTE)]
