"""Backtest == paper in process == paper over TCP, in trades and cents, for three strategies of the library.

Stored bars, played one by one; over TCP trades the session of `lotwise trade --paper`, through ccxt, against
a real exchange process. What `diverge` says of a difference is proved on trips made by hand.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.app import diverge_runs as runs
from lotwise.app.diverge import Trip, diverge
from lotwise.app.trade import MarketClock, Session
from lotwise.app.trade_config import TradeConfig, example, read
from lotwise.app.trade_port import opened as port_of
from lotwise.broker.chronicle import Kept
from lotwise.store.database import opened
from lotwise.units import Cash, Lots
from tests.exchange.served import KEY, SECRET, Server

MINUTE_NS = 60 * 10**9
BARS = 1_000 if os.environ.get("LOTWISE_PROFILE") == "proof" else 60
EQUITY = 10_000
STRATEGIES = {
    "breakout": ("{bars = 5, ranges = 8}", 3),
    "reversion": ("{span = 10, ranges = 10, low = 40, hold_minutes = 2000}", 1),
    "null": ("{}", 0),
}
"""Settings, and the round trips that there must be at least."""
HELD = "{span = 10, ranges = 10, low = 40, hold_minutes = 20}"
"""Reversion that is mostly closed by its time."""


def config(name: str, settings: str, exchange: str = "", admin: str = "") -> TradeConfig:
    """A session of one strategy that is never short of trades."""
    text = example().replace('bar = "5m"', 'bar = "1m"').replace('"breakout" ', f'"{name}" ')
    text = text.replace("{bars = 60, ranges = 3}", settings).replace('slippage = "2t"', 'slippage = "0t"')
    text = text.replace("lockstep = false", "lockstep = true").replace("warm_up = 200", "warm_up = 0")
    text = text.replace("http://127.0.0.1:8610", exchange or "http://127.0.0.1:1")
    text = text.replace("http://127.0.0.1:8611", admin or "http://127.0.0.1:1")
    kept = ("time_zone", "risk", "order_leverage", "[")
    before, rest = text.split("[guard]")
    guard, after = rest.split("[policy]")
    bounds = "\n".join(line for line in guard.splitlines() if line.startswith(kept))
    return read(before + "[guard]\n" + bounds + "\n[policy]" + after)


def kept(folder: Path, count: int) -> Path:
    """A store with so many stormy minutes."""
    from lotwise.market import synthetic
    from lotwise.market.kinds import KINDS, Table
    from lotwise.market.store import Series, Store

    made = synthetic.make("storm", 1, 7, ("BTCUSDT",), kinds=("bars",)).made["BTCUSDT"].tables["bars"]
    table = Table(made.kind, made.scale, made.frame.head(count))
    Store(folder).put(Series("binance", "BTCUSDT", KINDS["bars"]), table)
    return folder


def rows(folder: Path) -> Any:
    """The bars of a store as rows."""
    from lotwise.backtest.feed import merged
    from lotwise.contracts.catalogue import load
    from lotwise.market.kinds import KINDS, Table
    from lotwise.market.replay import Feed, bar_rows
    from lotwise.market.store import Series, Store

    found, scale = Store(folder).scan(Series("binance", "BTCUSDT", KINDS["bars"]))
    bars = Table(KINDS["bars"], scale, found.sort("time_ns").collect())
    part = bar_rows(Feed(load("binance:BTCUSDT"), bars=bars), MINUTE_NS, off_tick="nearest", off_lot="down")
    return merged([part])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the three runs."""
    return kept(tmp_path_factory.mktemp("store"), BARS)


@pytest.fixture(scope="module")
def feed(root: Path) -> Any:
    """The same bars as rows."""
    return rows(root)


@pytest.fixture
def server(root: Path, tmp_path: Path) -> Iterator[Server]:
    options = ("--market", "store", "--store", str(root), "--contracts", "BTCUSDT", "--history-hours", "0")
    found = Server(tmp_path / "state", *options)
    found.account(deposit=str(EQUITY))
    yield found
    found.stop()


def tcp(made: TradeConfig, feed: Any, server: Server, folder: Path) -> list[Trip]:
    """Trade it over TCP, from the first bar on."""
    from lotwise.app.trade_feed import Lockstep

    keys = {"LOTWISE_PAPER_KEY": KEY, "LOTWISE_PAPER_SECRET": SECRET}
    reached = port_of(made, keys)
    assert isinstance(reached.lockstep, Lockstep)
    assert isinstance(reached.clock, MarketClock)
    database, kept = opened(folder / "session.sqlite"), Kept()
    try:
        session = Session(
            made, reached.port, reached.reader, clock=reached.clock, database=database, chronicles=[kept]
        )
        session.trader.begin()
        first = int(feed["time_ns"][0])
        session.feed.warm_up(0)
        already = int(server.asked("GET", "/status")["position"])
        assert already <= 1  # at most the first bar stood there when the account was opened
        session.feed._next_ns = {made.contracts[0].id: first}
        if already:
            runs.bars_before(session, first + MINUTE_NS)
        runs.over_tcp(session, reached.lockstep.step, reached.clock, len(feed))
        assert not kept.of("trouble")
    finally:
        database.close()
        reached.close()
    return runs.trips_at(reached.port, made.contracts)


@pytest.mark.parametrize("name", STRATEGIES)
def test_three_runs_are_one_to_the_cent(name: str, feed: Any, server: Server, tmp_path: Path) -> None:
    settings, least = STRATEGIES[name]
    addresses = (f"http://127.0.0.1:{server.port}", f"http://127.0.0.1:{server.admin}")
    made = config(name, settings, *addresses)
    money = Cash(EQUITY * 10**8)
    backtest = runs.as_backtest(made, feed, money)
    paper = runs.in_process(made, feed, money)
    assert len(backtest) >= least
    assert paper == backtest
    wire = tcp(made, feed, server, tmp_path)
    assert wire == backtest
    found = diverge(backtest, wire, MINUTE_NS)
    assert found.parts.total == 0
    assert found.first_cash == found.second_cash == sum(trip.net_cash for trip in backtest)


def test_a_session_that_looks_once_a_bar_is_a_bar_late_with_a_time_stop(tmp_path: Path) -> None:
    """The backtest closes at the price of the moment; the session is asked when the next bar is over."""
    feed = rows(kept(tmp_path, 200))
    made, money = config("reversion", HELD), Cash(EQUITY * 10**8)
    backtest, paper = runs.as_backtest(made, feed, money), runs.in_process(made, feed, money)
    closes = {int(row["time_ns"]): int(row["close_ticks"]) for row in feed}
    tick_cash = made.contracts[0].scales.cash_per_tick_lot
    late = 0
    for first, second in zip(backtest, paper, strict=True):
        held_ns = first.closed_ns - first.opened_ns
        if held_ns < 20 * MINUTE_NS:
            continue
        late += 1
        assert (first.opened_ns, first.closed_ns) == (second.opened_ns, second.closed_ns)
        for trip, bar_ns in ((first, first.closed_ns - MINUTE_NS), (second, first.closed_ns)):
            off = trip.exit_cash - trip.lots * closes[bar_ns] * tick_cash
            assert 0 <= -trip.side * off <= trip.lots * tick_cash  # at most the spread's tick from the close
    assert late >= 3
    found = diverge(backtest, paper, MINUTE_NS)
    gained = sum(trip.net_cash for trip in paper) - sum(trip.net_cash for trip in backtest)
    assert found.parts.total == gained != 0
    assert found.parts.timing == found.parts.funding == 0


TRIP = Trip(
    contract="binance:BTCUSDT",
    side=1,
    opened_ns=10 * MINUTE_NS,
    closed_ns=20 * MINUTE_NS,
    lots=Lots(7),
    entry_cash=700_000,
    exit_cash=707_000,
    fee_cash=700,
    funding_cash=-50,
)


def changed(**fields: Any) -> Trip:
    return msgspec.structs.replace(TRIP, **fields)


CASES = [
    ("fee", changed(fee_cash=900), -200),
    ("funding", changed(funding_cash=-80), -30),
    ("slippage", changed(entry_cash=700_070), -70),
    ("slippage", changed(exit_cash=706_860), -140),
    ("timing", changed(exit_cash=706_000, closed_ns=21 * MINUTE_NS), -1_000),
    ("timing", changed(entry_cash=699_000, opened_ns=11 * MINUTE_NS), 1_000),
    ("missed", None, -6_250),
]


@pytest.mark.parametrize(("name", "other", "cash"), CASES)
def test_a_difference_has_its_name(name: str, other: Trip | None, cash: int) -> None:
    found = diverge([TRIP], [other] if other else [], MINUTE_NS)
    assert found.parts.total == found.second_cash - found.first_cash == cash
    assert getattr(found.parts, name) == cash
    backwards = diverge([other] if other else [], [TRIP], MINUTE_NS)
    assert getattr(backwards.parts, name) == -cash


def test_every_cent_has_a_name_whatever_differs() -> None:
    other = changed(
        lots=Lots(5), entry_cash=500_333, exit_cash=504_999, fee_cash=501, closed_ns=19 * MINUTE_NS
    )
    alone = changed(opened_ns=90 * MINUTE_NS, closed_ns=95 * MINUTE_NS, side=-1)
    found = diverge([TRIP], [alone, other], MINUTE_NS)
    assert [(pair.first is None, pair.second is None) for pair in found.pairs] == [
        (False, False),
        (True, False),
    ]
    assert found.parts.total == found.second_cash - found.first_cash
    pair = found.pairs[0].parts
    assert (pair.fee, pair.slippage) == (-1, -333)  # 500 of 700 against 501; entry 500,000 against 500,333
    assert pair.timing == 504_999 - 505_000
    assert pair.missed == (other.net_cash - TRIP.net_cash) - (
        pair.fee + pair.slippage + pair.timing + pair.funding
    )
    assert found.pairs[1].parts.missed == alone.net_cash
    assert diverge([], [], MINUTE_NS).parts.total == 0
