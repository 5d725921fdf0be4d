"""A session from its file to its end: venue, log, guard, strategies, feed, put together and kept going.

It decides nothing about trades: :mod:`lotwise.session` does. It decides when the market is looked at, and
what must be true before real money is at risk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lotwise.app.trade_config import TradeConfig
from lotwise.app.trade_feed import BarReader, Feed, Heard, Lockstep, Streams
from lotwise.app.trade_folder import Folder
from lotwise.app.trade_journal import Keeper
from lotwise.app.trade_safety import facts_at_start
from lotwise.broker.chronicle import Chronicle, Kind, Told
from lotwise.broker.intents import IntentLog, quick
from lotwise.broker.live import LiveBroker
from lotwise.broker.venue import VenuePort
from lotwise.clock import Clock, SystemClock, TimeNs
from lotwise.contracts.contract import Contract
from lotwise.errors import LotwiseError, VenueError
from lotwise.session.recovery import Recovered
from lotwise.session.trader import Trader
from lotwise.store.database import Database
from lotwise.strategy.api import Bar, Strategy
from lotwise.strategy.portfolio import PortfolioStrategy, seats
from lotwise.units import Cash

if TYPE_CHECKING:
    from lotwise.scaling.watch import PlanWatch

SECOND_NS: Final = 10**9
LONGEST_WAIT_S: Final = 1.0
"""Bounds and expiries are looked at once a second at least."""
LAST_TURNS: Final = 20
"""Looks at what is left when a session ends by closing all."""


class MarketClock:
    """The market's time, for a session that is stepped."""

    def __init__(self, time_ns: int = 0) -> None:
        self.time_ns = time_ns

    def now_ns(self) -> TimeNs:
        """The time of the last event that was played."""
        return TimeNs(self.time_ns)


class Many:
    """A chronicle of several; one that fails is told no more, and trading goes on."""

    def __init__(self, chronicles: Sequence[Chronicle]) -> None:
        self._chronicles = list(chronicles)

    def told(self, event: Told) -> None:
        """Tell all."""
        for one in list(self._chronicles):
            try:
                one.told(event)
            except Exception:  # whoever listens may fail in any way: orders stand behind it
                self._chronicles.remove(one)


class Past:
    """What a strategy sees of its account while it is shown the past: nothing is held."""

    lots, waits, equity_cash = 0, False, Cash(0)

    def __init__(self, contract: Contract, bars: Mapping[str, Bar]) -> None:
        self.contract, self._bars = contract, bars

    def last(self, contract_id: str) -> Bar | None:
        """The last closed bar of another contract."""
        return self._bars.get(contract_id)


class Session:
    """One session that runs.

    Parameters
    ----------
    reader
        Who has the venue's bars.
    lockstep
        Of a paper session that plays its market on itself.
    keeper
        Who writes what is traded into the journal.
    """

    def __init__(
        self,
        config: TradeConfig,
        port: VenuePort,
        reader: BarReader,
        *,
        clock: Clock,
        database: Database,
        chronicles: Sequence[Chronicle],
        folder: Folder | None = None,
        streams: Streams | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.keeper = keeper
        self.config, self.clock, self.folder, self.streams = config, clock, folder, streams
        self.chronicle = Many([*([keeper] if keeper else []), *chronicles])
        self.broker = LiveBroker(
            port,
            IntentLog(database, f"{config.venue}:{config.where}:{config.account}"),
            config.contracts,
            terms={contract.id: config.terms for contract in config.contracts},
            rulebook=config.guard.rulebook_at,
            clock=clock,
            chronicle=self.chronicle,
            policy=config.policy,
        )
        if keeper is not None:
            keeper.broker = self.broker
        btc = btc_of(config)
        self.trader = Trader(
            self.broker,
            strategies_of(config),
            config.guard.rulebook_at,
            risk8=config.risk8,
            max_leverage100=config.guard.book.max_leverage100 or 10_000,
            bar_ns=config.bar_ns,
            btc_id=btc.id if btc else "",
            calendar=SystemClock() if config.where == "paper" else clock,
        )
        self.plan = self._planned() if config.plan is not None else None
        quick(database)
        by_clock = config.where != "paper"
        beside = btc if btc not in config.contracts else None
        self.feed = Feed(config.contracts, port, reader, config.bar_ns, by_clock, beside)
        self.turns = 0
        self._said: set[str] = set()
        self._killed = False

    def _planned(self) -> PlanWatch:
        """Let the scaling plan be asked before every trade: what it says bounds the trade.

        Raises
        ------
        InputError
            PLAN-164 it counts in another coin than the contracts settle in; else as
            :class:`lotwise.scaling.watch.PlanWatch`. No session begins.
        """
        from lotwise.scaling.obey import PlannedPipeline
        from lotwise.scaling.watch import PlanWatch

        config = self.config
        assert config.plan is not None  # who calls has looked
        plan = PlanWatch(config.plan, self.clock, config.contracts)
        self.trader.pipeline = PlannedPipeline(
            self.broker,
            config.guard.rulebook_at,
            config.risk8,
            self.trader.pipeline.facts,
            max_leverage100=config.guard.book.max_leverage100 or 10_000,
            limits=plan.limits_at,
            where="live" if config.where == "live" else "paper",
        )
        return plan

    def _say_plan(self) -> None:
        """Say at once what would else be said at the first trade: the plan opens nothing here."""
        if self.plan is None:
            return
        mine = "live" if self.config.where == "live" else "paper"
        try:
            limits = self.plan.limits_at(int(self.clock.now_ns()))
        except LotwiseError as error:
            self.tell("trouble", f"the plan opens nothing: {error.message} ({error.hint})")
            return
        if limits.where != mine:
            said = f"the plan is in its phase {limits.phase}, on {limits.where}: it opens nothing here"
            self.tell("trouble", said)

    def tell(self, kind: Kind, message: str, **numbers: int) -> None:
        """Let whoever listens know."""
        self.broker.hand.tell(kind, message, None, **numbers)

    def begin(self) -> Recovered:
        """Recover what an earlier session left, compare the facts, then show the strategies the past.

        Raises
        ------
        VenueError
            The venue does not answer: nothing was opened. TRADE-151 the facts of no contract are the venue's.
        """
        found = self.trader.begin()
        if self.keeper is not None:
            self.keeper.take_up()
        self._compare_facts()
        self._say_plan()
        bars: dict[str, Bar] = {}
        for contract_id, bar in self.feed.warm_up(self.config.feed.warm_up):
            bars[contract_id] = bar
            self.trader.saw_bar(contract_id, bar)
            if contract_id not in self.trader.strategies:
                continue
            contract = self.broker.contracts[contract_id]
            self.trader.strategies[contract_id].on_bar(bar, Past(contract, bars))
        return found

    def _compare_facts(self) -> None:
        """Nothing is opened where a tick or a lot is another one; what is open there is looked after."""
        wrong, others = facts_at_start(self.config, self.broker.port)
        for said in (*wrong.values(), *others):
            self.tell("trouble", said)
        self.broker.silent |= wrong
        if wrong and len(wrong) == len(self.config.contracts) and not self.broker.trades:
            raise VenueError(
                "TRADE-151",
                f"the facts of {len(wrong)} of {len(wrong)} contracts are not the venue's:"
                f" {next(iter(wrong.values()))}",
                "prices and quantities would be others: refresh the facts, then begin",
            )

    def turn(self) -> Heard:
        """Look once: at the market, at trades, at the time, at the kill switch."""
        self.turns += 1
        if (
            self.streams is not None
            and self.streams.breaks
            and f"breaks {self.streams.breaks}" not in self._said
        ):
            self._said.add(f"breaks {self.streams.breaks}")
            self.tell("trouble", f"the stream broke for the {self.streams.breaks}. time: asking meanwhile")
        heard = Heard() if self.broker.hand.is_quiet else self.feed.look(self.trader)
        if heard.missing:
            self.tell("trouble", f"{heard.missing} bars are missing at the venue", missing=heard.missing)
        for said in heard.troubles:
            if said not in self._said:
                self.tell("trouble", said)
        self._said = {one for one in self._said if one.startswith("breaks")} | set(heard.troubles)
        self.look_after()
        return heard

    def look_after(self) -> None:
        """Fills and the time, without the market."""
        for contract_id in list(self.broker.trades):
            self.trader.on_fill(contract_id)
        self.trader.on_time()
        if self.keeper is not None:
            self.keeper.work()
        if self.folder is not None and not self._killed and (why := self.folder.killed()):
            self._killed = True
            self.trader.kill(why)

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; the end is :meth:`end`."""
        waits_s = min(self.config.every_ns / SECOND_NS, LONGEST_WAIT_S)
        looked_ns, machine = 0, SystemClock()  # a market that stands still is looked at on
        while not stop.is_set():
            news = self.streams is not None and bool(self.streams.taken())
            try:
                if news or not 0 <= machine.now_ns() - looked_ns < self.config.every_ns:
                    looked_ns = machine.now_ns()
                    self.turn()
                else:
                    self.look_after()
            except LotwiseError as error:  # one look fails; the next second looks again
                self.tell("trouble", f"a look failed: {error.message}")
            if self.streams is None:
                stop.wait(waits_s)
            elif self.streams.news.wait(waits_s):
                self.streams.news.clear()

    def end(self, wait: Callable[[float], object], how: str = "") -> tuple[str, ...]:
        """Stop as the policy says; contracts in which something of ours still stands."""
        left = self.trader.stop(how)
        for _ in range(LAST_TURNS):
            flattens = (how or self.config.policy.at_end) == "flatten"
            if not (left if flattens else self.trader.entries_left()):
                break
            wait(0.2)
            self.look_after()
            left = tuple(self.broker.trades)
        if self.keeper is not None:
            self.keeper.work()
        waits = self.trader.entries_left()
        said = f"; an entry still waits in {', '.join(waits)}: if it fills it has no stop" if waits else ""
        self.tell(
            "closing", f"the session ends; {', '.join(left) or 'nothing'} is still open{said}", left=len(left)
        )
        if self.plan is not None:
            self.plan.close()
        return left


def btc_of(config: TradeConfig) -> Contract | None:
    """The perpetual of BTC in the session's coin, where the guard asks for its health; None: none known."""
    book = config.guard.book
    if not book.btc_refuse8 and not book.btc_reduce8:
        return None
    from lotwise.contracts.catalogue import all_contracts

    coin = config.contracts[0].settle
    known = (one for one in (*config.contracts, *all_contracts()) if one.venue == config.venue)
    return next((one for one in known if (one.base, one.settle, one.is_dated) == ("BTC", coin, False)), None)


def strategies_of(config: TradeConfig) -> dict[str, Strategy]:
    """A copy of the strategy for each contract.

    Raises
    ------
    InputError
        TRADE-105.
    """
    import copy

    made = config.made()
    if isinstance(made, PortfolioStrategy):
        return dict(zip((one.id for one in config.contracts), seats(made, config.contracts), strict=True))
    return {contract.id: copy.deepcopy(made) for contract in config.contracts}


def in_step(session: Session, lockstep: Lockstep, clock: MarketClock, stop: threading.Event) -> int:
    """Play the exchange's market to its end, bar by bar: the session is asked when each has closed.

    All events before the end of a bar are played, then the bar is told at the market's time. How many bars.

    Raises
    ------
    VenueError
        TRADE-121.
    """
    bar_ns, told = session.config.bar_ns, 0
    clock.time_ns = lockstep.now_ns()
    boundary = clock.time_ns // bar_ns * bar_ns + bar_ns
    while not stop.is_set():
        played, clock.time_ns = lockstep.step(until_ns=boundary - 10**6)
        told += bars_before(session, boundary)
        if not played and lockstep.is_over():
            break
        boundary += bar_ns
    return told


def bars_before(session: Session, boundary_ns: int) -> int:
    """Look after what stands, then tell the session every bar that ended by then; how many."""
    feed, found, heard = session.feed, list[tuple[int, int, Bar]](), Heard()
    try:
        for contract in feed.contracts:
            feed.told(feed.port.market(contract.id), session.trader, heard)
        session.look_after()
        for number, contract in enumerate(feed.contracts):
            bars = feed.closed_before(contract, boundary_ns)
            found += [(bar.time_ns, number, bar) for bar in bars]
        feed.look_beside(boundary_ns, session.trader, heard)
    except VenueError as error:
        session.tell("trouble", error.message)
    for _, number, bar in sorted(found, key=lambda one: one[:2]):
        session.trader.on_bar(feed.contracts[number].id, bar)
    return len(found)
