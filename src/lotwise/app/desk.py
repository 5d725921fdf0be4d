"""The desk's account: one thread owns the broker, and commands of the browser go through its queue.

The same path as a strategy's: a ticket becomes a signal, the pipeline sizes and judges it, the broker sends
it with its exits, and every event is tended. What the browser reads is made anew after each look and never
changed, so any thread may read it.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec

from lotwise.app.desk_ahead import Ahead, Facts
from lotwise.app.desk_feed import Feed
from lotwise.app.desk_guard import Guardrails
from lotwise.app.desk_hands import Hands
from lotwise.app.desk_plan import DeskPlan
from lotwise.app.desk_said import KEPT_EVENTS, Said
from lotwise.app.desk_words import (
    Held,
    day_shown,
    limits_shown,
    money,
    order_shown,
    position_shown,
)
from lotwise.app.trade import Many
from lotwise.app.trade_config import TradeConfig
from lotwise.app.trade_folder import Folder
from lotwise.app.trade_journal import Keeper
from lotwise.app.trade_safety import facts_at_start
from lotwise.broker.chronicle import Chronicle, Told
from lotwise.broker.intents import IntentLog, owner_of, quick
from lotwise.broker.live import LiveBroker
from lotwise.broker.venue import VenuePort
from lotwise.clock import Clock
from lotwise.errors import LotwiseError
from lotwise.session.trader import Trader
from lotwise.store.database import Database

MS: Final = 10**6
SECOND_NS: Final = 10**9
TICK_S: Final = 0.25
ACCOUNT_NS: Final = {"paper": SECOND_NS, "demo": 3 * SECOND_NS, "live": 3 * SECOND_NS}
"""The account is read so often; a venue counts what it is asked (Binance: 2,400 of weight a minute)."""
IDLE_NS: Final = 3 * SECOND_NS
"""So often where nothing is held and no order waits."""
TEND_NS: Final = {"paper": SECOND_NS // 2, "demo": 2 * SECOND_NS, "live": 2 * SECOND_NS}
"""And an open trade so often: fills are seen by asking."""
FUNDING_NS: Final = 30 * SECOND_NS
ANSWER_S: Final = 30.0
LAST_TURNS: Final = 16
"""Looks at entries that are being taken back when the desk ends."""
ALIVE_S: Final = 10.0
"""A session's thread that did not turn for so long counts as dead: the kill switch goes past it."""
STUCK_S: Final = 60.0
"""So long without one answer of the venue a desk that ends is given up; each answer begins it anew. A request
is given up after 10 s, so no venue that is merely slow comes near it."""
SLOW_S: Final = 10.0
"""An end that takes so long says that it goes on."""
UNREAD_NS: Final = 5 * SECOND_NS
"""A market that the feed has not told and that could not be read is asked for so often."""
LIVE_WORD: Final = "LIVE"
Answer = TypeVar("Answer")


class Listener(Protocol):
    """Who shows it; called from the session's thread, and may not wait."""

    def account(self, state: Mapping[str, Any]) -> None:
        """The account has changed."""

    def event(self, event: Mapping[str, Any]) -> None:
        """Something happened."""


class Moving:
    """A venue's port that tells of every answer, a failed one too: who asks it is not stuck."""

    def __init__(self, port: VenuePort, moved: Callable[[], None]) -> None:
        self._port, self._moved = port, moved

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def asked(*given: Any, **named: Any) -> Any:
            try:
                return found(*given, **named)
            finally:
                self._moved()

        return asked


def to_terminal(words: str) -> None:
    """Say it where the desk was started; standard output may be read by a program."""
    print(words, file=sys.stderr, flush=True)


class Desk:
    """One account that is traded by hand.

    Parameters
    ----------
    database
        Where intents, tickets and outcomes are kept.
    again
        Reaches the venue anew, for a kill switch that goes past a dead session.
    before
        What is to be said of earlier sessions.
    """

    def __init__(
        self,
        config: TradeConfig,
        port: VenuePort,
        feed: Feed,
        *,
        clock: Clock,
        database: Database,
        folder: Folder,
        keeper: Keeper | None = None,
        chronicles: Sequence[Chronicle] = (),
        again: Callable[[], VenuePort] | None = None,
        before: Sequence[str] = (),
    ) -> None:
        self.moves = 0
        """Answers of the venue so far: as long as they come the session is not stuck."""
        port = cast(VenuePort, Moving(port, self.moved))
        self.config, self.port, self.feed, self.clock = config, port, feed, clock
        self.folder, self.database, self.keeper, self.again = folder, database, keeper, again
        self.contracts = {contract.id: contract for contract in config.contracts}
        self.guardrails = Guardrails(config.guard, folder.path, clock)
        self.listeners: list[Listener] = []
        self.said = Said(self.contracts)
        for one in folder.said(KEPT_EVENTS):
            self.said.remember(one)
        own: list[Chronicle] = [self, *([keeper] if keeper else []), *chronicles]
        self.broker = LiveBroker(
            port,
            IntentLog(database, f"{config.venue}:{config.where}:{config.account}"),
            config.contracts,
            terms={contract.id: config.terms for contract in config.contracts},
            rulebook=self.guardrails.rulebook_at,
            clock=clock,
            chronicle=Many(own),
            policy=config.policy,
        )
        if keeper is not None:
            keeper.broker = self.broker
        self.ahead = Ahead(self)
        self.trader = Trader(
            self.broker,
            {},
            self.guardrails.rulebook_at,
            risk8=config.risk8,
            facts=self.ahead.market_facts,
            max_leverage100=config.guard.book.max_leverage100 or 10_000,
        )
        self.hands = Hands(self)
        self.plan = DeskPlan(config, clock)
        self.trader.pipeline = self.plan.pipeline(self.trader.pipeline)
        quick(database)
        self.before = tuple(before)
        self.facts: Facts | None = None
        self.state: dict[str, Any] = {}
        self.problem = "the account is being read"
        self.confirmed = config.where != "live"
        self.turned_ns = int(clock.now_ns())
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._every_ns = 0
        self._read_ns, self._tended_ns, self._funding_ns, self._heard_ns = 0, 0, 0, dict[str, int]()
        self._funding: dict[str, int] = {}
        self._asked_ns: dict[str, int] = {}
        self._unread: dict[str, str] = {}
        """Contracts whose market could not be read, with the code that was told."""
        self._killed = False
        self._stop, self._ended = threading.Event(), ""
        self.thread = threading.Thread(target=self._run, name="lotwise-desk", daemon=True)

    # -- life

    def begin(self) -> None:
        """Start the session's thread: it takes up what an earlier one left."""
        self.thread.start()

    def end(self, say: Callable[[str], object] = to_terminal) -> None:
        """End the session; positions stay behind their stops, or are closed, as the policy says.

        It takes as long as the venue answers: an entry that is left may fill without a stop. Where it stops
        answering, or a second Ctrl-C cuts it short, what is left is said all the same.

        Parameters
        ----------
        say
            Takes words for whoever ended it.
        """
        self._stop.set()
        self._jobs.put(None)
        if self.thread.ident is None:
            return
        try:
            self._wait_for_end(say)
        finally:  # a second Ctrl-C raises in there
            if self._ended:
                if self.waiting():
                    say(self._ended)
            else:
                said = self._last_words()
                say(said)
                self.broker.hand.tell("closing", said, left=len(self.broker.trades))

    def _wait_for_end(self, say: Callable[[str], object]) -> None:
        moves, waited_s, still_s = self.moves, 0.0, 0.0
        while self.thread.is_alive():
            self.thread.join(TICK_S)
            waited_s += TICK_S
            moves, still_s = (self.moves, 0.0) if self.moves != moves else (moves, still_s + TICK_S)
            if still_s >= STUCK_S:
                say(f"the session has not moved for {STUCK_S:g} s: the desk ends without it")
                return
            if waited_s - TICK_S < SLOW_S <= waited_s:
                say("the desk is still ending what waits at the venue; Ctrl-C again ends it at once")

    def waiting(self) -> tuple[str, ...]:
        """Contracts in which an entry of ours stands, or may stand; any thread may ask."""
        found = []
        for name, trade in list(self.broker.trades.items()):
            if any(one.role == "entry" and one.is_live for one in list(trade.placed.values())):
                found.append(name)
        return tuple(found)

    def _last_words(self) -> str:
        """What is left as the desk ends."""
        open_still, waits = ", ".join(list(self.broker.trades)) or "nothing", ", ".join(self.waiting())
        said = f"; an entry still waits in {waits}: if it fills it has no stop" if waits else ""
        return f"the desk ends; {open_still} is still open{said}"

    def moved(self) -> None:
        """The session has got on: an answer came, or a wait goes on that will end."""
        self.moves += 1

    @property
    def is_alive(self) -> bool:
        """Whether the session's thread turns."""
        return self.thread.is_alive() and self.clock.now_ns() - self.turned_ns < int(ALIVE_S) * SECOND_NS

    def ask(self, function: Callable[[], Answer]) -> Future[Answer]:
        """Let the session's thread do something; what it answers."""
        answer: Future[Answer] = Future()

        def job() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(function())
            except BaseException as error:  # handed on to who asked, whatever it is
                answer.set_exception(error)

        self._jobs.put(job)
        return answer

    def _run(self) -> None:
        begun = False
        while not self._stop.is_set():
            try:
                job = self._jobs.get(timeout=TICK_S)
            except queue.Empty:
                job = None
            try:
                if not begun:
                    self._take_up()
                    begun = True
                if job is not None:
                    job()
                self.turn(at_once=job is not None)
            except Exception as error:  # stops are tended by this thread: it goes on whatever happened
                self._trouble(_told_of(error))
            self.turned_ns = int(self.clock.now_ns())
        try:
            self._leave()
        except Exception as error:  # whatever it was: who ends the desk says what is left
            self._trouble(_told_of(error))
        self.plan.close()

    def _take_up(self) -> None:
        """What `lotwise trade` does before its first trade: recover, compare the facts, read the plan.

        Nothing is opened where a tick or a lot is another one; what is open there is looked after.
        """
        self.trader.begin()
        if self.keeper is not None:
            self.keeper.take_up()
        wrong, others = facts_at_start(self.config, self.port)
        self.broker.silent |= wrong
        plan = self.plan.trouble(int(self.clock.now_ns()))
        for said in (*self.before, *wrong.values(), *others, *([plan] if plan else [])):
            self.broker.hand.tell("trouble", said)

    def _leave(self) -> None:
        """Stop, and look until no entry is left that could fill without a stop; say what still stands."""
        flattens, pause = self.config.policy.at_end == "flatten", threading.Event()
        left = self.trader.stop()
        for _ in range(LAST_TURNS):
            if not (left if flattens else self.trader.entries_left()):
                break
            pause.wait(TICK_S)
            for contract_id in list(self.broker.trades):
                self.trader.on_fill(contract_id)
            self.trader.on_time()
            left = tuple(self.broker.trades)
        self._keep()
        said = self._last_words()
        self.broker.hand.tell("closing", said, left=len(left))
        self._ended = said

    def _trouble(self, said: str) -> None:
        if said == self.problem:
            return
        self.problem = said
        self.broker.hand.tell("trouble", said)
        self._publish({**self.state, "problem": said})

    # -- one turn

    def turn(self, at_once: bool = False) -> None:
        """The kill file, trades, prices, the time, the account: what is due of them.

        What the venue may refuse to tell comes last: it keeps no trade and no kill switch waiting.
        """
        now = int(self.clock.now_ns())
        if not self._killed and (why := self.folder.killed()):
            self._killed = True
            self.trader.kill(why)
        if at_once or now - self._tended_ns >= TEND_NS[self.config.where]:
            self._tended_ns = now
            for contract_id in list(self.broker.trades):
                self.trader.on_fill(contract_id)
        self._hear()
        self.trader.on_time()
        self.plan.trouble(now)
        self._ask_markets(now)
        if at_once or now - self._read_ns >= self._every_ns:
            self._read_ns = now
            self._look()
        self._keep()

    def _hear(self) -> None:
        """Hand on what the feed has heard since the last turn."""
        for contract_id in self.contracts:
            heard, top = self.feed.seen[contract_id].heard_ns, self.feed.top(contract_id)
            if top is not None and heard > self._heard_ns.get(contract_id, 0):
                self._heard_ns[contract_id] = heard
                self.trader.on_market(top)

    def _ask_markets(self, now: int) -> None:
        """Ask for the markets that the feed has not told yet.

        One that cannot be read, as of a contract that is delisted, is told once and keeps the others from
        nothing.
        """
        for contract_id in self.contracts:
            if self.feed.top(contract_id) is not None:
                self._unread.pop(contract_id, None)
                continue
            if 0 <= now - self._asked_ns.get(contract_id, -UNREAD_NS) < UNREAD_NS:
                continue
            self._asked_ns[contract_id] = now
            try:
                self.feed.prime(self.port.market(contract_id))
            except LotwiseError as error:
                if self._unread.get(contract_id) != error.code:
                    self._unread[contract_id] = error.code
                    said = f"the market of {contract_id} cannot be read: {error.message}"
                    self.broker.hand.tell("trouble", f"{said}: nothing is opened there")

    def _keep(self) -> None:
        if self.keeper is not None:
            self.keeper.work()

    def _look(self) -> None:
        """Read the account and show it."""
        first, now = self.config.contracts[0], int(self.clock.now_ns())
        facts = self.broker.account(first.id)
        positions, orders = self.port.positions(), self.port.orders()
        balance = self.port.balance(first.settle)
        if now - self._funding_ns >= FUNDING_NS:
            self._funding_ns, self._funding = now, self._paid()
        busy = {
            *self.broker.trades,
            *self.broker.foreign,
            *(one.contract_id for one in positions if one.lots),
        }
        self.facts = Facts(facts, frozenset(busy), dict(self.broker.silent), tuple(positions))
        often = ACCOUNT_NS[self.config.where]
        self._every_ns = often if busy or orders else max(often, IDLE_NS)
        self.problem = ""
        self._show(Held(balance, positions, orders, dict(self._funding)), now)

    def _paid(self) -> dict[str, int]:
        """Funding of open trades since they began."""
        if not self.broker.trades:
            return {}
        since = min(trade.plan.venue_ns for trade in self.broker.trades.values())
        found = dict.fromkeys(self.broker.trades, 0)
        symbols = {self.contracts[name].symbol: name for name in found}
        for row in self.port.income(since):
            name = symbols.get(row.contract, "")
            if name and row.kind == "FUNDING_FEE" and row.time_ns > self.broker.trades[name].plan.venue_ns:
                found[name] += row.cash
        return found

    def _show(self, held: Held, now: int) -> None:
        book, usage = self.guardrails.rulebook_at(now), self.broker.usage.row
        positions = []
        for one in held.positions:
            contract = self.contracts.get(one.contract_id)
            if contract is None or not one.lots:
                continue
            trade = self.broker.trades.get(one.contract_id)
            trade = trade if trade is not None and trade.held_lots else None
            last = self.feed.seen[one.contract_id].last_ticks
            funding = held.funding.get(one.contract_id, 0)
            positions.append(
                position_shown(one, trade, contract, last_ticks=last, funding=funding, now_ns=now)
            )
        orders = []
        for order in held.orders:
            contract = self.contracts.get(order.contract_id)
            if contract is not None:
                owner = owner_of(order.client_id)
                orders.append(order_shown(order, contract, owner[1] if owner else ""))
        state = {
            "mode": self.mode,
            "equity_text": f"{money(held.balance.equity_cash)} {held.balance.coin}",
            "free_text": f"{money(held.balance.free_cash)} {held.balance.coin}",
            **day_shown(book, usage, held.balance.equity_cash),
            "locks": limits_shown(book, usage, held.balance.equity_cash, now, held.balance.coin),
            "positions": positions,
            "orders": orders,
            "fills": list(self.said.fills)[-50:][::-1],
            "problem": self.problem,
        }
        self._publish(state)

    def _publish(self, state: dict[str, Any]) -> None:
        if state != self.state:
            self.state = state
            for listener in self.listeners:
                listener.account(state)

    @property
    def mode(self) -> str:
        """As the page shows it: play money is paper."""
        return "live" if self.config.where == "live" else "paper"

    # -- the chronicle

    def told(self, event: Told) -> None:
        """Something happened: remember it and let the page know."""
        shown_event = self.said.remember(msgspec.to_builtins(event))
        for one in self.listeners:
            one.event(shown_event)

    @property
    def events(self) -> Sequence[dict[str, Any]]:
        """What happened, the last of it."""
        return self.said.events


def _told_of(error: Exception) -> str:
    return error.message if isinstance(error, LotwiseError) else f"{type(error).__name__}: {error}"
