"""Backtest == exchange: orders through real ccxt and a real server, and the kernel alone over the same store.

The kernel's side is played from the events of :mod:`lotwise.market.replay` and ``machine.step``; nothing of
the server stands between. After every part of the market both must have the same state to the last byte, and
at the end the same fills, fees, fundings and wallet as the venue's texts say them.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
ccxt = pytest.importorskip("ccxt")
pl = pytest.importorskip("polars")

from lotwise.contracts.catalogue import load  # noqa: E402
from lotwise.exchange import account as accounts  # noqa: E402
from lotwise.exchange.journal import FILE  # noqa: E402
from lotwise.exchange.market import MarketChoice, opened  # noqa: E402
from lotwise.exchange.venue import standing_events  # noqa: E402
from lotwise.kernel import machine  # noqa: E402
from lotwise.kernel import state as k  # noqa: E402
from lotwise.kernel.snapshot import state_hash  # noqa: E402
from lotwise.market import captures, synthetic  # noqa: E402
from lotwise.market.kinds import BARS, FUNDING, KINDS, Scale, Table  # noqa: E402
from lotwise.market.replay import Feed, replay  # noqa: E402
from lotwise.market.store import Series, Store  # noqa: E402
from tests.exchange.served import Server, client  # noqa: E402

DEPOSIT = "5000"
BEGIN = 50
MINUTE_NS = 60 * 10**9
NAMES = {k.MARKET: "market", k.LIMIT: "limit", k.STOP_MARKET: "stop", k.TAKE_MARKET: "target"}
NAMES |= {k.TRAILING: "trailing", k.STOP_LIMIT: "stop limit", k.TAKE_LIMIT: "target limit"}
EVERY_KIND = frozenset({"market", "limit", "stop", "target", "trailing"})


@dataclass(frozen=True)
class Recorded:
    """A store, its contracts, and what must have happened when it is over."""

    root: Path
    contracts: tuple[str, ...]
    reached: frozenset[str]
    leverage: int = 20
    rounds: int = 60
    seed: int = 5
    part: int = 10_000
    """Orders stand 2 to 30 of so many parts of the price away."""
    kinds: tuple[str, ...] = ("trades", "quotes", "marks", "funding")


class Kernel:
    """The kernel in process: the store's events, one after the other, and commands between them."""

    def __init__(self, recorded: Recorded) -> None:
        store = Store(recorded.root)
        feeds = []
        for symbol in recorded.contracts:
            tables = {}
            for kind in recorded.kinds:
                series = Series("binance", symbol, KINDS[kind])
                if any(True for _ in store.days(series)):
                    rows, scale = store.scan(series)
                    tables[kind] = Table(KINDS[kind], scale, rows.sort("time_ns").collect())
            feeds.append(Feed(load(f"binance:{symbol}"), **tables))
        self.events = list(replay(feeds, off_tick="nearest", off_lot="down"))
        choice = MarketChoice(source="store", contracts=recorded.contracts, root=str(recorded.root))
        market = opened(choice)
        self.contracts = market.contracts
        assert len(market) == len(self.events)
        first = self.events[0].time_ns
        self.at = sum(event.time_ns == first for event in self.events)
        for _ in market.play(self.at):
            pass
        self.now_ns = market.now_ns
        rows = (market.rows, market.tiers)
        self.state = accounts.opened(1, "me", "", "", rows).state
        self.log: list[Any] = []
        self.kinds: dict[int, int] = {}
        self.reached: Counter[str] = Counter()
        for tape in market.tapes:
            for event in standing_events(tape, self.now_ns):
                assert self.do(event) == 0
        assert self.do(k.EventRow(kind=k.TRANSFER, cash=int(Decimal(DEPOSIT) * 10**8))) == 0

    def do(self, event: k.EventRow) -> int:
        """One step; its log rows are kept."""
        event.time_ns = event.time_ns or self.now_ns
        account = self.state.account[0]
        before, account.logged = account.logged, 0
        code = machine.step(self.state, [event])
        if code:
            account.logged = before
            return code
        for row in self.state.log[: account.logged]:
            self._note(row, event)
        return 0

    def _note(self, row: k.LogRow, event: k.EventRow) -> None:
        self.log.append({name: getattr(row, name) for name in row.__slots__})
        if row.kind == k.LOG_PLACED and event.kind == k.PLACE:
            self.kinds[row.order_id] = event.order_kind
        if row.kind == k.LOG_FILL:
            name = NAMES[self.kinds[row.order_id]]
            self.reached[name] += 1
            self.reached["maker"] += row.maker
        if row.kind == k.LOG_FUNDING:
            self.reached["funding"] += 1
        if row.kind in (k.LOG_REDUCTION, k.LOG_TAKEOVER):
            self.reached["liquidation"] += 1

    def play(self, count: int) -> None:
        """The market goes on."""
        for event in self.events[self.at : self.at + count]:
            self.now_ns = event.time_ns
            assert self.do(event) == 0
        self.at = min(len(self.events), self.at + count)

    @property
    def wallet(self) -> int:
        """Money of the cross wallet and of isolated positions."""
        return self.state.account[0].cross_cash + sum(one.isolated_cash for one in self.state.markets)


class Both:
    """One command at a time, sent through ccxt and done to the kernel; the answers must be the same."""

    def __init__(self, ex: Any, kernel: Kernel) -> None:
        self.ex, self.kernel = ex, kernel
        self.codes: Counter[int] = Counter()

    def symbol(self, c: int) -> str:
        """The name in ccxt."""
        return f"{self.kernel.contracts[c].base}/USDT:USDT"

    def price(self, c: int, ticks: int) -> float:
        """Ticks as ccxt takes them."""
        return float(Decimal(ticks) * self.kernel.contracts[c].scales.tick_size8 / 10**8)

    def lots(self, c: int, lots: int) -> float:
        """Lots as ccxt takes them."""
        return float(Decimal(lots) * self.kernel.contracts[c].scales.lot_size8 / 10**8)

    def say(self, event: k.EventRow, call: Any) -> int:
        """Do it on both sides; the code."""
        words = '"code":0'
        try:
            call()
        except ccxt.ExchangeError as error:
            words = str(error)
        told = int(re.findall(r'"code":(-?\d+)', words)[0])
        assert self.kernel.do(event) == told
        self.codes[told] += 1
        return told

    def leverage(self, c: int, times: int) -> int:
        """Choose a leverage."""
        event = k.EventRow(kind=k.LEVERAGE, contract=c, leverage100=times * 100)
        return self.say(event, lambda: self.ex.set_leverage(times, self.symbol(c)))

    def mode(self, c: int, mode: str) -> int:
        """Choose a margin mode."""
        event = k.EventRow(kind=k.MARGIN_MODE, contract=c, is_isolated=int(mode == "isolated"))
        return self.say(event, lambda: self.ex.set_margin_mode(mode, self.symbol(c)))

    def place(self, c: int, kind: int, side: int, lots: int, **fields: int) -> int:
        """An order of any kind."""
        given: dict[str, Any] = {"reduceOnly": True} if fields.get("reduce_only") else {}
        trigger = fields.get("trigger_ticks", 0)
        if kind in (k.STOP_MARKET, k.STOP_LIMIT, k.TAKE_MARKET, k.TAKE_LIMIT):
            name = "stopLossPrice" if kind in (k.STOP_MARKET, k.STOP_LIMIT) else "takeProfitPrice"
            given[name] = self.price(c, trigger)
            if fields.get("by_mark"):
                given["workingType"] = "MARK_PRICE"
        if kind == k.TRAILING:
            given["trailingPercent"] = float(Decimal(fields["callback8"]) / 10**6)
        if fields.get("post_only"):
            given["postOnly"] = True
        in_book = kind in (k.LIMIT, k.STOP_LIMIT, k.TAKE_LIMIT)
        price = self.price(c, fields["price_ticks"]) if in_book else None
        event = k.EventRow(kind=k.PLACE, contract=c, order_kind=kind, side=side, lots=lots, **fields)
        event.tif = k.IOC if kind == k.MARKET else k.GTC
        word, way = ("limit" if in_book else "market"), ("buy" if side > 0 else "sell")
        return self.say(
            event,
            lambda: self.ex.create_order(self.symbol(c), word, way, self.lots(c, lots), price, given),
        )

    def cancel_all(self, c: int) -> None:
        """All orders of a contract, in the book and waiting."""
        for status in (k.WORKING, k.WAITING):  # the venue keeps them in two services
            self.ex.cancel_all_orders(self.symbol(c), {"trigger": True} if status == k.WAITING else {})
            live = [one for one in self.kernel.state.orders if one.status == status and one.contract == c]
            for number in sorted(one.id for one in live):
                assert self.kernel.do(k.EventRow(kind=k.CANCEL, order_id=number)) == 0
                self.kernel.reached["cancelled"] += 1


def traded(both: Both, server: Server, recorded: Recorded) -> None:
    """Seeded orders of every kind over the whole market, a greedy isolated position at its end."""
    from numpy.random import PCG64, Generator

    draws, kernel = Generator(PCG64(recorded.seed)), both.kernel
    count = range(len(kernel.contracts))
    server.step(BEGIN)  # until every contract has a price
    kernel.play(BEGIN)
    for c in count:
        both.leverage(c, recorded.leverage)
        both.mode(c, "isolated" if c == 0 else "cross")
    part = (len(kernel.events) - kernel.at) // recorded.rounds
    for number in range(recorded.rounds):
        for c in count:
            order(both, c, draws, recorded.part)
        if number % 20 == 19:
            for c in count:
                both.cancel_all(c)
        server.step(part)
        kernel.play(part)
        assert server.asked("GET", "/status")["hashes"]["me"] == state_hash(kernel.state), number


def order(both: Both, c: int, draws: Any, part: int) -> None:
    """One order: of which kind, which side and how far away is drawn."""
    place = both.kernel.state.markets[c]
    last, row = place.last_ticks, both.kernel.state.contracts[c]
    worth = int(draws.integers(105, 900)) * 10**8
    lots = max(row.min_lots, worth // (last * row.cash_per_tick_lot))
    far = max(1, last * int(draws.integers(2, 30)) // part)
    held = 1 if place.lots > 0 else -1
    if place.lots == 0:  # bought, so that falls are met
        both.place(c, k.MARKET, 1 if draws.integers(4) else -1, lots)
        return
    kind = int(draws.integers(7))
    if kind <= 1:
        both.place(c, k.LIMIT, held, lots, price_ticks=last - held * far, post_only=kind)
    elif kind == 2:
        both.place(c, k.STOP_MARKET, -held, lots, trigger_ticks=last - held * far, reduce_only=1)
    elif kind == 3:
        take = last + held * far
        both.place(c, k.TAKE_MARKET, -held, lots, trigger_ticks=take, reduce_only=1, by_mark=c % 2)
    elif kind == 4:
        rate = int(draws.integers(1, 8 if part < 10**5 else 2)) * 10**5
        both.place(c, k.TRAILING, -held, lots, callback8=rate, reduce_only=1)
    elif kind == 5:
        stop = last + far
        both.place(c, k.STOP_LIMIT, 1, lots, trigger_ticks=stop, price_ticks=stop + far)
    else:
        both.place(c, k.MARKET, held, lots)


def cash(text: str) -> int:
    """Text of the venue in 1e-8, exact."""
    scaled = Decimal(text) * 10**8
    assert scaled == int(scaled), text
    return int(scaled)


def assert_the_same_money(ex: Any, both: Both) -> None:
    """Every fill, fee, funding and the wallet as the venue's texts say them."""
    kernel, state = both.kernel, both.kernel.state
    rows = [row for row in kernel.log if row["kind"] == k.LOG_FILL]
    count = range(len(kernel.contracts))
    for c in count:
        contract, expected = kernel.contracts[c], [row for row in rows if row["contract"] == c]
        told: list[Any] = []
        while len(page := asked_trades(ex, contract.symbol, told)) > 0:
            told += page
        plain = [one for one in told if one["orderId"] < 2**40 and not _is_forced(one)]
        found = [
            (
                Decimal(one["price"]) * 10**8 / contract.scales.tick_size8,
                Decimal(one["qty"]) * 10**8 / contract.scales.lot_size8 * (1 if one["buyer"] else -1),
                cash(one["commission"]),
                cash(one["realizedPnl"]),
                int(one["maker"]),
                one["time"],
            )
            for one in plain
        ]
        assert found == [
            (
                row["price_ticks"],
                row["lots"],
                row["fees_cash"],
                -(row["trades_cash"] + row["positions_cash"]),
                row["maker"],
                row["time_ns"] // 10**6,
            )
            for row in expected
        ]
    incomes = every_income(ex)
    by_kind: Counter[str] = Counter()
    for one in incomes:
        by_kind[one["incomeType"]] += cash(one["income"])
    fundings = [-row["funding_cash"] for row in kernel.log if row["kind"] == k.LOG_FUNDING]
    assert [cash(one["income"]) for one in incomes if one["incomeType"] == "FUNDING_FEE"] == fundings
    assert -by_kind["COMMISSION"] == sum(row["fees_cash"] for row in rows) == state.account[0].fees_cash
    assert sum(by_kind.values()) == kernel.wallet
    assert cash(ex.fetch_balance()["info"]["totalWalletBalance"]) == kernel.wallet


def _is_forced(one: dict[str, Any]) -> bool:
    """A liquidation is told as a trade without a commission of an order that nobody placed."""
    return cash(one["commission"]) == 0


def asked_trades(ex: Any, symbol: str, have: Sequence[Any]) -> list[Any]:
    """The next page of the account's trades, as the venue's rows."""
    first = have[-1]["id"] + 1 if have else 1
    rows: list[Any] = ex.fapiPrivateGetUserTrades({"symbol": symbol, "fromId": first, "limit": 1000})
    for row in rows:
        row["id"], row["orderId"], row["time"] = int(row["id"]), int(row["orderId"]), int(row["time"])
        row["buyer"], row["maker"] = str(row["buyer"]) == "True", str(row["maker"]) == "True"
    return rows


def every_income(ex: Any) -> list[Any]:
    """All incomes, oldest first; a test's are fewer than the page's most."""
    rows: list[Any] = ex.fapiPrivateGetIncome({"limit": 1000, "startTime": 1})
    assert len(rows) < 1000
    return rows


def synthetic_store(root: Path, scenario: str, kinds: tuple[str, ...], detail: int = 4) -> None:
    """A synthetic market, put into a store as a recorded one would be."""
    store = Store(root)
    made = synthetic.make(scenario, 2, 7, ("ETHUSDT", "BTCUSDT"), kinds=kinds, detail=detail)
    for symbol, one in made.made.items():
        for kind in kinds:
            store.put(Series("binance", symbol, KINDS[kind]), one.tables[kind])


@contextlib.contextmanager
def served(tmp_path: Path, recorded: Recorded, speed: int = 0) -> Iterator[Server]:
    """A server over the store."""
    names = ",".join(recorded.contracts)
    options = ("--market", "store", "--store", str(recorded.root), "--contracts", names)
    options += ("--history-hours", "0")
    with patch("tests.exchange.served.OPTIONS", ("--json",)):
        server = Server(tmp_path / "state", *options, speed=speed)
    try:
        server.account(deposit=DEPOSIT)
        yield server
    finally:
        assert server.stop() == 0


def assert_same(tmp_path: Path, recorded: Recorded) -> Counter[str]:
    """Trade it on both sides; what was reached."""
    kernel = Kernel(recorded)
    with served(tmp_path, recorded) as server:
        ex = client(server.port)
        both = Both(ex, kernel)
        traded(both, server, recorded)
        assert_the_same_money(ex, both)
        assert kernel.at >= len(kernel.events) - recorded.rounds
        assert set(kernel.reached) >= recorded.reached, kernel.reached
        assert both.codes[0] > recorded.rounds
    return kernel.reached


ALL = EVERY_KIND | {"maker", "cancelled", "funding", "liquidation"}


def test_trades_and_quotes_of_a_store_are_the_same_as_the_kernel(tmp_path: Path) -> None:
    root = tmp_path / "store"
    synthetic_store(root, "crash", ("trades", "quotes", "marks", "funding"))
    recorded = Recorded(root, ("BTCUSDT", "ETHUSDT"), reached=ALL, leverage=50)
    reached = assert_same(tmp_path, recorded)
    assert reached["funding"] >= 4


def test_bars_of_a_store_are_the_same_as_the_kernel(tmp_path: Path) -> None:
    root = tmp_path / "store"
    synthetic_store(root, "crash", ("bars", "marks", "funding"))
    kinds = ("bars", "marks", "funding")
    recorded = Recorded(root, ("BTCUSDT", "ETHUSDT"), reached=ALL, leverage=50, kinds=kinds)
    assert_same(tmp_path, recorded)


def test_the_real_fall_of_layer_is_the_same_as_the_kernel(tmp_path: Path, shared_data: Path) -> None:
    """Bars and fundings of Binance, 5 and 6 May 2025: LAYER lost three fifths."""
    root, month = tmp_path / "store", shared_data / "binance_um_2025-05"
    since, until = 1_746_403_200, 1_746_576_000
    bars = pl.read_parquet(month / "bars_1m_16sym_ints.parquet")
    scales = json.loads((month / "scale.json").read_text(encoding="utf-8"))["scale"]
    store = Store(root)
    for symbol in ("LAYERUSDT", "BTCUSDT"):
        own = scales[symbol]
        scale = Scale(price=own["price_decimals"], quantity=own["qty_decimals"], rate=8)
        one = bars.filter(pl.col("symbol") == symbol, (pl.col("t_min") * 60).is_between(since, until - 1))
        columns = {name: pl.col(name).cast(pl.Int64) for name in ("open", "high", "low", "close", "volume")}
        frame = one.sort("t_min").select(time_ns=pl.col("t_min").cast(pl.Int64) * MINUTE_NS, **columns)
        store.put(Series("binance", symbol, BARS), Table(BARS, scale, frame))
        stamps = pl.read_ipc(month / "funding" / f"{symbol}.feather")
        stamps = stamps.with_columns(time_ns=pl.col("date").dt.epoch("ns").cast(pl.Int64))
        stamps = stamps.filter(pl.col("time_ns").is_between(since * 10**9, until * 10**9 - 1))
        made = stamps.select("time_ns", rate=(pl.col("open") * 10**8).round().cast(pl.Int64)).with_columns(
            interval_ns=pl.lit(0, pl.Int64)
        )
        store.put(Series("binance", symbol, FUNDING), Table(FUNDING, scale, made))
    recorded = Recorded(
        root,
        ("LAYERUSDT", "BTCUSDT"),
        reached=ALL,
        leverage=20,
        kinds=("bars", "funding"),
        rounds=80,
    )
    assert_same(tmp_path, recorded)


def test_real_trades_and_quotes_are_the_same_as_the_kernel(tmp_path: Path, shared_data: Path) -> None:
    """A capture of BTCUSDT, 8 August 2024, under six minutes: no funding falls into it."""
    root = tmp_path / "store"
    store = Store(root)
    for _, table in captures.parts(shared_data / "l2_trades" / "btcusdt_20240808.gz"):
        if table.kind.name in ("trades", "quotes"):
            store.put(Series("binance", "BTCUSDT", table.kind), table)
    reached = EVERY_KIND | {"maker"}
    assert_same(
        tmp_path, Recorded(root, ("BTCUSDT",), reached=reached, leverage=20, rounds=100, part=100_000)
    )


def test_a_store_at_speed_is_what_its_journal_says_the_kernel_does(tmp_path: Path) -> None:
    """The market runs by itself; where each order fell into it is in the journal, and the kernel agrees."""
    root = tmp_path / "store"
    synthetic_store(root, "demo", ("trades", "quotes", "marks", "funding"), detail=2)
    recorded = Recorded(root, ("BTCUSDT", "ETHUSDT"), reached=frozenset())
    with served(tmp_path, recorded, speed=20_000) as server:
        ex = client(server.port)
        while server.asked("GET", "/status")["position"] < BEGIN:
            pass
        seen = server.asked("GET", "/status")["position"]
        for number in range(12):
            side = "sell" if number % 3 == 2 else "buy"
            ex.create_order("BTC/USDT:USDT", "market", side, 0.002)
            ex.create_order("ETH/USDT:USDT", "limit", "buy", 0.1, ex.fetch_ticker("ETH/USDT:USDT")["last"])
            while (now := server.asked("GET", "/status")["position"]) < seen + 400:
                assert now < server.asked("GET", "/status")["events"]
            seen = now
        trades = asked_trades(ex, "BTCUSDT", [])
    base = sqlite3.connect(tmp_path / "state" / FILE)
    acts = base.execute("SELECT position, act FROM acts ORDER BY number").fetchall()
    base.close()
    kernel = Kernel(recorded)
    assert len(trades) >= 12
    positions = set()
    for position, body in acts:
        act = json.loads(body)
        if act["do"] == "step":
            kernel.play(position - kernel.at)
            assert kernel.do(k.EventRow(**{**act["event"], "time_ns": kernel.now_ns})) == 0
            positions.add(position)
    assert len(positions) > 10  # the market went on between the orders
    rows = [row for row in kernel.log if row["kind"] == k.LOG_FILL and row["contract"] == 0]
    fills = [(cash(one["commission"]), int(Decimal(one["price"]) * 10), one["time"]) for one in trades]
    assert fills == [(row["fees_cash"], row["price_ticks"], row["time_ns"] // 10**6) for row in rows]
