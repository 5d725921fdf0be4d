"""From a closed bar to the order that is sent, through the whole pipeline; 200 contracts looked after.

The venue in a box in process, the log of intents on the disk (each write is waited for): what is timed is the
session's own work, from the call that a bar has closed to the call that places the entry. The looks are over
a venue that answers at once: what they cost of one core, one look at every contract each two seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from benchmarks.draws import Draws
from benchmarks.workload import Figure, Outcome, Workload

SEED = 20_261_124
E8, SECOND = 10**8, 10**9
MINUTE = 60 * SECOND
BEGIN = 1_736_121_600 * SECOND
CONTRACTS, LOOK = 200, 2 * SECOND
SMALL, FULL = 40, 1_000
PRICE = 900_000


class Timed:
    """A port that notes when an order was placed; its clock is the venue's."""

    def __init__(self, venue: Any) -> None:
        self.venue = venue
        self.placed: list[float] = []

    def place(self, order: Any) -> Any:
        """Note the moment, then place."""
        self.placed.append(perf_counter())
        return self.venue.place(order)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.venue, name)


class Silent:
    """A chronicle that nobody reads."""

    def told(self, event: Any) -> None:
        """Nothing."""


@cache
def guard() -> Any:
    """The usual limits, wide enough that every trade passes through all of their rules."""
    from lotwise.guard.config import read_guard

    return read_guard(
        {
            "time_zone": "UTC",
            "risk": "1%",
            "open_risk": "50%",
            "day_loss": "90%",
            "week_loss": "95%",
            "positions": 50,
            "order_leverage": "20",
            "margin": "90%",
            "market_age": "10min",
        }
    )


def rulebook(now_ns: int) -> Any:
    """Its bounds at a time."""
    return guard().rulebook_at(now_ns)


def session_over(port: Any, contracts: Any, strategies: Any, folder: Path) -> Any:
    """A trader over a port, its log in a file that waits for the disk."""
    from lotwise.broker.intents import IntentLog
    from lotwise.broker.live import LiveBroker
    from lotwise.broker.policy import Terms
    from lotwise.session.trader import Trader
    from lotwise.store.database import opened
    from lotwise.units import Rate8

    database = opened(folder / "session.sqlite")
    broker = LiveBroker(
        port,
        IntentLog(database, "bench"),
        contracts,
        terms={contract.id: Terms(leverage100=1_000) for contract in contracts},
        rulebook=rulebook,
        clock=port,
        chronicle=Silent(),
    )
    trader = Trader(broker, strategies, rulebook, risk8=Rate8(E8 // 200))
    trader.begin()
    return trader, database


def strategy(prices: list[int]) -> Any:
    """Opens with two targets at one bar and leaves at the next."""
    from lotwise.records.signal import Exit, Signal, Target
    from lotwise.strategy.api import Strategy
    from lotwise.units import Rate8, Ticks

    class Turns(Strategy):
        """In and out."""

        def on_bar(self, bar: Any, view: Any) -> Any:
            """By turns."""
            if view.lots or view.waits:
                return Exit("the next bar")
            side = 1 if bar.close_ticks % 2 else -1
            targets = tuple(
                Target(Ticks(bar.close_ticks + side * away), Rate8(E8 // 2)) for away in (9_000, 18_000)
            )
            stop = Ticks(bar.close_ticks - side * 9_000)
            return Signal(side=side, stop_ticks=stop, targets=targets, breakeven_after=1, reason="bench")

    return Turns()


def played(count: int, folder: Path) -> tuple[list[float], list[int]]:
    """Seconds from each bar to its entry; the integers of what was traded."""
    from lotwise.broker.kernel_venue import KernelVenue
    from lotwise.contracts.catalogue import load
    from lotwise.kernel import state as k
    from lotwise.strategy.api import Bar
    from lotwise.units import Cash

    contract = load("binance:BTCUSDT")
    moves = Draws(SEED, 2 * count).whole(-900, 900).tolist()
    venue = KernelVenue.opened([contract], Cash(10_000 * E8), highest_ticks=[4 * PRICE])
    port, spans, price = Timed(venue), list[float](), PRICE
    venue.feed(bar_event(k, BEGIN, price))
    trader, database = session_over(port, [contract], {contract.id: strategy([])}, folder)
    for number, move in enumerate(moves, 1):
        price = PRICE + move
        venue.feed(bar_event(k, BEGIN + number * MINUTE, price))
        bar = Bar(BEGIN + number * MINUTE, price, price, price, price, 1_000)
        was_open, before, began = trader.broker.waits(contract.id), len(port.placed), perf_counter()
        trader.on_bar(contract.id, bar)
        if not was_open:
            assert len(port.placed) > before
            spans.append(port.placed[before] - began)
    database.close()
    fills = venue.fills(contract.id, 0)
    wallet = int(venue.balance(contract.settle).wallet_cash)
    integers = [len(spans), len(fills), wallet, sum(one.price8 for one in fills)]
    return spans, integers + [one.quantity8 * one.side for one in fills]


def bar_event(k: Any, time_ns: int, price: int) -> Any:
    """A minute that stands at one price."""
    event = k.EventRow(kind=k.BAR, time_ns=time_ns, volume_lots=1_000_000)
    for point in ("open", "high", "low", "close"):
        setattr(event, f"{point}_ticks", price)
        setattr(event, f"mark_{point}8", price * 10**7)
    return event


class Quiet:
    """A venue with 200 contracts that answers at once; nothing is held there."""

    name, account = "binance", "main"

    def __init__(self, contracts: Any) -> None:
        self.time_ns, self.contracts = BEGIN, {one.id: one for one in contracts}

    def now_ns(self) -> int:
        """Its clock."""
        return self.time_ns

    def market(self, contract_id: str) -> Any:
        """A top that is new."""
        from lotwise.records.live import VenueMarket
        from lotwise.units import Price8, Ticks

        last = PRICE + self.time_ns // SECOND % 97
        return VenueMarket(
            contract_id=contract_id,
            bid_ticks=Ticks(last - 1),
            ask_ticks=Ticks(last),
            last_ticks=Ticks(last),
            mark_price8=Price8(last * 10**7),
            time_ns=self.time_ns,
        )

    def balance(self, coin: str) -> Any:
        """Its money."""
        from lotwise.records.live import VenueBalance
        from lotwise.units import Cash

        cash = Cash(10_000 * E8)
        return VenueBalance(
            coin=coin, wallet_cash=cash, equity_cash=cash, free_cash=cash, margin_cash=Cash(0)
        )

    def nothing(self, *asked: Any) -> list[Any]:
        """Neither orders nor positions, fills nor income."""
        return []

    orders = positions = fills = income = nothing

    def bars(self, contract: Any, since_ns: int) -> list[Any]:
        """Closed bars since then."""
        from lotwise.strategy.api import Bar

        first = -(-since_ns // MINUTE) * MINUTE
        return [
            Bar(at, PRICE, PRICE + 5, PRICE - 5, PRICE + at // MINUTE % 9, 10)
            for at in range(first, self.time_ns, MINUTE)
        ]


def watched(seconds: int, folder: Path) -> tuple[float, list[int]]:
    """Share of one core that looking at 200 contracts takes; the integers of what was heard."""
    from lotwise.app.trade_feed import Feed
    from lotwise.contracts.catalogue import load, symbols
    from lotwise.strategy.library import LIBRARY

    names = [name for name in sorted(symbols("binance")) if name.endswith("USDT")]
    contracts = [one for one in map(load, (f"binance:{name}" for name in names)) if one.fees]
    contracts = contracts[:CONTRACTS]
    venue = Quiet(contracts)
    strategies = {one.id: LIBRARY["breakout"](bars=20, ranges=300) for one in contracts}
    trader, database = session_over(venue, contracts, strategies, folder)
    feed = Feed(contracts, venue, venue, MINUTE, by_clock=True)  # type: ignore[arg-type]
    feed.warm_up(30)
    bars = tops = looks = 0
    began = process_time()
    while venue.time_ns < BEGIN + seconds * SECOND:
        venue.time_ns += LOOK
        heard = feed.look(trader)
        trader.on_time()
        bars, tops, looks = bars + heard.bars, tops + heard.tops, looks + 1
    used = process_time() - began
    database.close()
    return used / seconds, [len(contracts), looks, tops, bars]


def measure(count: int) -> Outcome:
    """Latency of every entry, and the looks."""
    with TemporaryDirectory() as folder:
        played(SMALL, _made(folder, "warm"))
        spans, integers = played(count, _made(folder, "timed"))
        share, heard = watched(_seconds(count), _made(folder, "watched"))
    spans.sort()
    figures = {
        "bar to order, 99 of 100": spans[-1 - len(spans) // 100] * 1_000,
        "bar to order, half": spans[len(spans) // 2] * 1_000,
        "200 contracts, of one core": share * 100,
    }
    return Outcome(figures=figures, results=integers + heard)


def answer(count: int) -> Iterator[int]:
    """The same integers, untimed."""
    with TemporaryDirectory() as folder:
        yield from played(count, _made(folder, "one"))[1]
        yield from watched(_seconds(count), _made(folder, "two"))[1]


def _made(folder: str, name: str) -> Path:
    made = Path(folder) / name
    made.mkdir()
    return made


def _seconds(count: int) -> int:
    return 60 if count <= SMALL else 300


WORKLOAD = Workload(
    name="session_latency",
    about="a closed bar to its order through the whole pipeline with the log on disk; 200 contracts watched",
    figures=(
        Figure("bar to order, 99 of 100", "ms", 5),
        Figure("bar to order, half", "ms"),
        Figure("200 contracts, of one core", "%", 100),
    ),
    measure=measure,
    bodies={"in process": answer},
    small=SMALL,
    full=FULL,
    processes=3,
)
