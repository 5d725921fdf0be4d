"""The guard's bounds on the market in a session over TCP: real ccxt, a real exchange, good trades and bad.

What the bounds are set to is counted here from the exchange's own answers, read by a plain client.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.app.trade import MarketClock, Session
from lotwise.app.trade_config import TradeConfig, example, read
from lotwise.app.trade_feed import Lockstep
from lotwise.app.trade_port import opened as port_of
from lotwise.broker.chronicle import Kept
from lotwise.contracts.catalogue import load
from lotwise.records.guard import Refused
from lotwise.records.signal import Signal
from lotwise.session.pipeline import Sent
from lotwise.store.database import opened
from lotwise.strategy.api import Bar
from lotwise.units import Lots, Rate8
from tests.conformance.bench import AFTER_FUNDING_NS, BTC, ETH, OverTheWire, buy, thin_store, wanted
from tests.exchange.served import KEY, SECRET, Server, client
from tests.session.scene import Told

E8 = 10**8
MS = 10**6
CONTRACTS = {BTC: load(BTC), ETH: load(ETH)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("market")
    thin_store(root)
    options = ("--market", "store", "--store", str(root), "--contracts", "BTCUSDT,ETHUSDT")
    found = Server(tmp_path_factory.mktemp("state"), *options)
    found.account(deposit="10000")
    found.asked("POST", "/step", {"until_ms": AFTER_FUNDING_NS // MS})
    yield found
    assert found.stop() == 0


def config(server: Server, guard: str, symbol: str) -> TradeConfig:
    """A session of one contract whose guard is a test's own."""
    text = example().replace('bar = "5m"', 'bar = "1m"').replace('"breakout" ', '"null" ')
    text = text.replace("{bars = 60, ranges = 3}", "{}").replace("lockstep = false", "lockstep = true")
    text = text.replace('["BTCUSDT"]', f'["{symbol}"]').replace('slippage = "2t"', 'slippage = "0t"')
    text = text.replace("127.0.0.1:8610", f"127.0.0.1:{server.port}")
    text = text.replace("127.0.0.1:8611", f"127.0.0.1:{server.admin}")
    before, rest = text.split("[guard]")
    return read(f"{before}[guard]\n{guard}\n[policy]{rest.split('[policy]')[1]}")


def asked(server: Server, folder: Path, guard: str, contract_id: str = BTC, side: int = 1) -> tuple[Any, str]:
    """What becomes of a trade, and what was said of it; it is closed again."""
    keys = {"LOTWISE_PAPER_KEY": KEY, "LOTWISE_PAPER_SECRET": SECRET}
    made, kept = config(server, guard, contract_id.partition(":")[2]), Kept()
    reached = port_of(made, keys)
    assert isinstance(reached.clock, MarketClock)
    assert isinstance(reached.lockstep, Lockstep)
    folder.mkdir(exist_ok=True)
    database = opened(folder / f"{len(list(folder.iterdir()))}.sqlite")
    try:
        session = Session(
            made, reached.port, reached.reader, clock=reached.clock, database=database, chronicles=[kept]
        )
        strategy = session.trader.strategies[contract_id] = Told()
        session.begin()
        last = session.broker.market(contract_id).last_ticks
        stop: Any = last - side * (last // 100)
        strategy.answers = [Signal(side=side, stop_ticks=stop, risk8=Rate8(E8 // 1_000), reason="a test")]
        bar = Bar(reached.clock.time_ns // (60 * 10**9) * 60 * 10**9, last, last, last, last, 1)
        outcome = session.trader.on_bar(contract_id, bar)
        session.end(lambda seconds: None, "flatten")
        assert [one for one in reached.port.positions() if one.lots] == []
        told = kept.of("refused")
        return outcome, told[-1].message if told else ""
    finally:
        database.close()
        reached.close()


def percent(share: Fraction) -> str:
    """A share as the rulebook writes it, to 1e-8."""
    return f"{float(share * 100):.6f}%"


def test_spread(server: Server, tmp_path: Path) -> None:
    top = client(server.port).fapiPublicGetTickerBookTicker({"symbol": "BTCUSDT"})
    price = Fraction(top["askPrice"])
    share = (price - Fraction(top["bidPrice"])) / (price / 100)
    assert share > 0
    found, _ = asked(server, tmp_path, f'spread = "{percent(share * 2)}"')
    assert isinstance(found, Sent)
    found, said = asked(server, tmp_path, f'spread = "{percent(share / 2)}"')
    assert (type(found), found.code) == (Refused, "GUARD-133"), said


def test_depth(server: Server, tmp_path: Path) -> None:
    """Of a long what is bid counts, of a short what is asked."""
    found, _ = asked(server, tmp_path, "positions = 1")
    assert isinstance(found, Sent)
    book = client(server.port).fapiPublicGetDepth({"symbol": "BTCUSDT", "limit": 100})
    for side, name in ((1, "bids"), (-1, "asks")):
        best = Fraction(book[name][0][0])
        near = [(Fraction(p), Fraction(q)) for p, q in book[name] if abs(Fraction(p) - best) <= best / 500]
        worth = sum(p * q for p, q in near)
        times = worth / (found.lots * best * Fraction(str(CONTRACTS[BTC].lot_size)))
        assert times > 0
        good, said = asked(server, tmp_path, f'depth = "{float(times) * 0.9:.6f}"', side=side)
        assert isinstance(good, Sent), said
        bad, said = asked(server, tmp_path, f'depth = "{float(times) * 1.1:.6f}"', side=side)
        assert (type(bad), bad.code) == (Refused, "GUARD-134"), said
        assert "USDT rest where the stop would take" in said


def test_funding(server: Server, tmp_path: Path) -> None:
    """The side that is charged is bounded; a charge that is hours away only where no bound says how near."""
    told = client(server.port).fapiPublicGetPremiumIndex({"symbol": "BTCUSDT"})
    rate, at_ms = Fraction(told["lastFundingRate"]), int(told["nextFundingTime"])
    assert rate != 0
    hours = Fraction(at_ms - int(told["time"]), 3_600_000)
    assert hours > 2
    side = 1 if rate > 0 else -1
    low, high = percent(abs(rate) / 2), percent(abs(rate) * 2)
    for guard, way, code in (
        (f'funding = "{high}"', side, ""),
        (f'funding = "{low}"', side, "GUARD-132"),
        (f'funding = "{low}"', -side, ""),
        (f'funding = "{low}"\nfunding_within = "1h"', side, ""),
        (f'funding = "{low}"\nfunding_within = "{int(hours) + 1}h"', side, "GUARD-132"),
    ):
        found, said = asked(server, tmp_path, guard, side=way)
        assert getattr(found, "code", "") == code, (guard, said)
        assert isinstance(found, Refused if code else Sent)


def closes_of(server: Server, symbol: str, count: int) -> list[Fraction]:
    """The last closed minutes of the exchange."""
    ex = client(server.port)
    now = int(ex.fapiPublicGetPremiumIndex({"symbol": symbol})["time"])
    rows = ex.fapiPublicGetKlines({"symbol": symbol, "interval": "1m", "limit": count})
    return [Fraction(row[4]) for row in rows if int(row[6]) < now]


def test_chase(server: Server, tmp_path: Path) -> None:
    """Any entry is within 1,000 ranges; on the side away from the mean none is within a thousandth."""
    closes = closes_of(server, "BTCUSDT", 200)
    assert len(closes) > 100
    found, said = asked(server, tmp_path, 'chase = "1000"')
    assert isinstance(found, Sent), said
    codes = [getattr(asked(server, tmp_path, 'chase = "0.001"', side=way)[0], "code", "") for way in (1, -1)]
    assert codes.count("GUARD-131") == 1


def test_age_of_facts_is_by_the_calendar_not_by_the_market(server: Server, tmp_path: Path) -> None:
    """The market is of January 2025: by it the facts were of the future."""
    from datetime import date

    from lotwise.clock import SystemClock

    days = int(SystemClock().now_ns()) // (86_400 * 10**9) - (
        date.fromisoformat(CONTRACTS[BTC].as_of or "").toordinal() - date(1970, 1, 1).toordinal()
    )
    assert 0 < days < 360, "the facts are refreshed more often"
    good, said = asked(server, tmp_path, f'facts_age = "{days + 2}d"')
    assert isinstance(good, Sent), said
    if days > 1:
        bad, said = asked(server, tmp_path, f'facts_age = "{days - 1}d"')
        assert (type(bad), bad.code) == (Refused, "GUARD-105")


def test_margin_of_a_cross_position_is_without_that_of_its_orders(server: Server) -> None:
    bench = OverTheWire(server, "cross")
    bench.port.prepare(BTC, 1_000, False)
    buy(bench, 10)
    (before,) = bench.port.positions()
    last = bench.port.market(BTC).last_ticks
    bench.port.place(wanted("limit", 1, 10, "rests", price_ticks=last * 9 // 10))
    (after,) = bench.port.positions()
    raw = bench.port.dialect.wire.ask("read positions")  # type: ignore[attr-defined]
    row = next(one for one in raw if one["symbol"] == "BTCUSDT")
    assert Fraction(row["openOrderInitialMargin"]) > 0
    assert after.margin_cash == before.margin_cash == Fraction(row["positionInitialMargin"]) * E8
    assert after.margin_cash < Fraction(row["initialMargin"]) * E8
    bench.port.place(wanted("market", -1, Lots(10), "out", is_reduce_only=True))


def health_of(closes: list[Fraction]) -> Fraction:
    """Twice Wilder's relative strength over 14 bars, at most 1."""
    ups = downs = Fraction(0)
    for before, close in pairwise(closes):
        ups = (ups * 13 + max(0, close - before)) / 14
        downs = (downs * 13 + max(0, before - close)) / 14
    return min(Fraction(1), 2 * ups / (ups + downs))


def test_health_of_btc_is_read_beside_another_contract(server: Server, tmp_path: Path) -> None:
    """BTC is no contract of the session: its bars are read all the same, and say how it stands.

    The last test: it plays the market on until BTC is weak.
    """
    health, time_ms = Fraction(1), AFTER_FUNDING_NS // MS
    while health > Fraction(9, 10):
        time_ms += 60_000
        server.asked("POST", "/step", {"until_ms": time_ms + 1_000})
        health = health_of(closes_of(server, "BTCUSDT", 200)[-100:])
        assert time_ms < AFTER_FUNDING_NS // MS + 3 * 3_600_000, "BTC does not get weak in 3 h"
    assert health > 0
    found, said = asked(server, tmp_path, f'btc_refuse = "{percent(health * 95 / 100)}"', ETH)
    assert isinstance(found, Sent), said
    found, said = asked(server, tmp_path, f'btc_refuse = "{percent(health * 105 / 100)}"', ETH)
    assert (type(found), found.code) == (Refused, "GUARD-130")
    shown = float(said.partition("the health of BTC is ")[2].partition(" %")[0])
    assert abs(Fraction(shown) - health * 100) < Fraction(5, 100)
