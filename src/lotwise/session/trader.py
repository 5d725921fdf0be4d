"""The trader: bars, prices, notices, the time come in; strategies are asked, trades are looked after.

It has no thread and waits for nothing but the venue's answers: whoever pumps events calls it. Events in
lockstep (a test, a paper session stepped by its client) and in real time are the same calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lotwise.broker.chronicle import Kind
from lotwise.broker.live import LiveBroker
from lotwise.clock import Clock
from lotwise.contracts.contract import Contract
from lotwise.errors import LotwiseError, VenueError
from lotwise.guard.facts import Rulebook
from lotwise.records.guard import Refused
from lotwise.records.live import VenueMarket
from lotwise.records.signal import Exit, Signal
from lotwise.session.pipeline import Facts, NotSized, NotTaken, Outcome, Pipeline
from lotwise.session.recovery import UNREAD, Recovered, finish, read_income, recover
from lotwise.session.sight import Sight
from lotwise.session.watch import Watch
from lotwise.strategy.api import Bar, Strategy
from lotwise.units import Cash, Rate8

ENDING: Final = "ending"
"""Why nothing is opened, of all contracts: the session is being stopped."""
LOOK_NS: Final = 1_000_000_000
"""The equity is asked for at most so often."""
INCOME_NS: Final = 60 * LOOK_NS
"""Changes of the wallet are read so often: it weighs 30. Source: Binance USD-M, "Get Income History"."""


class Desk:
    """What one contract's strategy sees: :class:`lotwise.strategy.api.View`."""

    def __init__(self, trader: Trader, contract: Contract) -> None:
        self._trader, self.contract = trader, contract

    @property
    def lots(self) -> int:
        """The position of our own trade, signed."""
        return self._trader.broker.held(self.contract.id)

    @property
    def waits(self) -> bool:
        """Whether an entry or an exit stands."""
        return self._trader.broker.waits(self.contract.id)

    @property
    def equity_cash(self) -> Cash:
        """All money of the account, as last read."""
        return self._trader.equity_cash

    def last(self, contract_id: str) -> Bar | None:
        """The last closed bar of another contract."""
        return self._trader.bars.get(contract_id)


class Trader:
    """One session of one account.

    Parameters
    ----------
    strategies
        By contract id; each contract has a copy of its own.
    rulebook, facts, risk8, max_leverage100
        As :class:`lotwise.session.pipeline.Pipeline`; facts of the market are by default those of
        :class:`lotwise.session.sight.Sight`.
    bar_ns, btc_id, calendar
        As there.
    """

    def __init__(
        self,
        broker: LiveBroker,
        strategies: Mapping[str, Strategy],
        rulebook: Callable[[int], Rulebook],
        *,
        risk8: Rate8,
        facts: Facts | None = None,
        max_leverage100: int = 10_000,
        bar_ns: int = 0,
        btc_id: str = "",
        calendar: Clock | None = None,
    ) -> None:
        self.broker, self.strategies = broker, dict(strategies)
        self.clock: Clock = broker.clock
        self._heard_ns: dict[str, int] = {}
        self.sight = Sight(broker, rulebook, self._heard_ns, bar_ns=bar_ns, btc_id=btc_id, calendar=calendar)
        self.pipeline = Pipeline(broker, rulebook, risk8, facts or self.sight.facts, max_leverage100)
        self.watch = Watch(broker)
        self.bars: dict[str, Bar] = {}
        self.equity_cash = Cash(0)
        self._looked_ns, self._income_ns = -LOOK_NS, 0
        self._desks = {name: Desk(self, broker.contracts[name]) for name in self.strategies}

    def begin(self) -> Recovered:
        """Recover, then let the strategies begin."""
        found = recover(self.broker, self.watch)
        self._income_ns = int(self.clock.now_ns())
        for name, strategy in self.strategies.items():
            strategy.begin(self.broker.contracts[name])
        self._look()
        self.broker.hand.flush()
        return found

    # -- events

    def on_bar(self, contract_id: str, bar: Bar, is_late: bool = False) -> Outcome | None:
        """A bar is closed: look after what stands, then ask its strategy; what came of its signal.

        One that is late is not the last: it was missed while a line was down. Its strategy sees it, and may
        leave; it opens nothing, for its price is gone.
        """
        try:
            return self._asked(contract_id, bar, is_late)
        finally:
            self.broker.hand.flush()

    def _asked(self, contract_id: str, bar: Bar, is_late: bool) -> Outcome | None:
        self._heard(contract_id)
        self.saw_bar(contract_id, bar)
        for name in list(self.broker.trades):
            self.broker.tend(name)
        self._look()
        strategy = self.strategies.get(contract_id)
        if strategy is None:
            return None
        try:
            answer = strategy.on_bar(bar, self._desks[contract_id])
        except Exception as error:  # a strategy is its author's: whatever it raises, exits are looked after
            self._failed(contract_id, error)
            return None
        if is_late and isinstance(answer, Signal) and self.broker.held(contract_id) * answer.side >= 0:
            said = "was not opened: its bar is not the last one, the line was down"
            self.broker.hand.tell("refused", f"{contract_id} {said}")
            return None
        if is_late and isinstance(answer, Signal):
            answer = Exit("turned by a signal against it")
        return self._carried(contract_id, answer)

    def saw_bar(self, contract_id: str, bar: Bar) -> None:
        """A bar of the past, or of a contract that is not traded: it is remembered, no strategy is asked."""
        self.bars[contract_id] = bar
        self.sight.saw(contract_id, bar)

    def on_market(self, top: VenueMarket) -> None:
        """A price: trailing stops follow it."""
        self._heard(top.contract_id)
        self.broker.saw_market(top)
        trade = self.broker.trades.get(top.contract_id)
        if trade is not None and trade.troubled:
            self.broker.tend(top.contract_id)

    def on_fill(self, contract_id: str) -> None:
        """The venue said that something happened to an order of the contract: look."""
        self.broker.tend(contract_id)

    def on_time(self) -> None:
        """The time has moved on: bounds, expiries, the watch. Call it at least once a second."""
        now = self.clock.now_ns()
        for contract_id, trade in list(self.broker.trades.items()):
            if trade.needs_care or trade.mirror.is_due(now) or self._expires(contract_id, now):
                self.broker.tend(contract_id)
        self._stale(now)
        if self.watch.due(now):
            if UNREAD in self.broker.silent:
                finish(self.broker, self.watch)
            elif self.watch.check() and not 0 <= now - self._income_ns < INCOME_NS:
                self._income_ns = int(now)
                read_income(self.broker)
        self.broker.hand.flush()

    def _expires(self, contract_id: str, now: int) -> bool:
        trade = self.broker.trades[contract_id]
        valid_ns, policy = trade.plan.signal.entry_valid_ns, self.broker.policy
        waits = bool(trade.of("entry"))
        late = 0 < valid_ns <= now - trade.plan.time_ns
        rest = policy.rest == "cancel" and 0 < trade.first_fill_ns <= now - policy.rest_ns
        return waits and (late or rest)

    # -- strategies

    def _carried(self, contract_id: str, answer: object) -> Outcome | None:
        """Do what a strategy answered, as :mod:`lotwise.backtest.guarded` does in a run."""
        broker = self.broker
        if answer is None:
            return None
        if isinstance(answer, Exit):
            broker.close(contract_id, answer.reason or "the strategy left")
            return None
        if not isinstance(answer, Signal):
            what = f"it answered {type(answer).__name__}, no Signal, Exit or None"
            self._failed(contract_id, TypeError(what))
            return None
        if broker.held(contract_id) * answer.side < 0:
            broker.close(contract_id, "turned by a signal against it")
        if broker.waits(contract_id):
            return None
        now = self.clock.now_ns()
        heard = self._heard_ns.get(contract_id, now)
        self.sight.aim(contract_id, answer.side)
        try:
            outcome = self.pipeline.open(broker.contracts[contract_id], answer, now, seen_ns=heard)
        except LotwiseError as error:  # the account could not be read, or has moved on while it was judged
            kind: Kind = "trouble" if isinstance(error, VenueError) else "refused"
            broker.hand.tell(kind, f"{contract_id} was not opened: {error.message} ({error.hint})")
            return None
        self._say(contract_id, outcome)
        return outcome

    def _say(self, contract_id: str, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            said = f"{contract_id} was not opened by the rule {outcome.rule}: {outcome.message}"
            hint = (self.sight.why(contract_id) if " is unknown" in outcome.message else "") or outcome.hint
            self.broker.hand.tell("refused", f"{said} ({hint})")
        elif isinstance(outcome, NotSized):
            numbers = {"code": outcome.code, "budget_cash": int(outcome.budget_cash)}
            said = f"{contract_id} was not opened: no size fits (code {outcome.code})"
            self.broker.hand.tell("refused", said, None, **numbers, loss_cash=int(outcome.loss_cash))
        elif isinstance(outcome, NotTaken):
            said = f"{contract_id} was not opened (code {outcome.code})"
            self.broker.hand.tell("refused", said, None, code=outcome.code)

    def _failed(self, contract_id: str, error: Exception) -> None:
        """A strategy that raised opens nothing any more in its contract; its exits stay."""
        told = error.message if isinstance(error, LotwiseError) else f"{type(error).__name__}: {error}"
        self.broker.silent[contract_id] = f"its strategy failed: {told}"
        self.broker.hand.tell("trouble", f"the strategy of {contract_id} failed: {told}; its exits stay")

    # -- the market heard, the account read

    def _heard(self, contract_id: str) -> None:
        self._heard_ns[contract_id] = self.clock.now_ns()
        if self.broker.silent.get(contract_id, "").startswith("no news"):
            del self.broker.silent[contract_id]
            self.broker.hand.tell("stale", f"{contract_id} is heard of again")

    def _stale(self, now: int) -> None:
        bound = self.broker.policy.stale_ns
        for contract_id, heard in list(self._heard_ns.items()):
            if heard > now:  # the clock was set back
                self._heard_ns[contract_id] = int(now)
            if now - heard > bound and contract_id not in self.broker.silent:
                said = f"no news of its market for {(now - heard) // 10**9} s, {bound // 10**9} s are allowed"
                self.broker.silent[contract_id] = said
                self.broker.hand.tell("stale", f"{contract_id}: {said}: nothing is opened there, exits stay")

    def _look(self) -> None:
        """Let the limits take note of the equity."""
        now = self.clock.now_ns()
        if 0 <= now - self._looked_ns < LOOK_NS or not self.broker.contracts or self.broker.hand.is_quiet:
            return
        coin = next(iter(self.broker.contracts.values())).settle
        try:
            self.equity_cash = self.broker.port.balance(coin).equity_cash
        except LotwiseError as error:
            self.broker.hand.tell("trouble", f"the account cannot be read: {error.message}")
            return
        self._looked_ns = now
        self.broker.watch_equity(self.equity_cash)

    # -- the end

    def stop(self, how: str = "") -> tuple[str, ...]:
        """End the session: ``keep`` leaves positions behind their stops and takes waiting entries back,
        ``flatten`` closes all trades. By default as the policy says. Contracts whose trade is not over.
        """
        broker = self.broker
        broker.silent[ENDING] = "the session is ending"
        for contract_id, trade in list(broker.trades.items()):
            if (how or broker.policy.at_end) == "flatten" or not trade.held_lots:
                broker.close(contract_id, "the session ends")
            else:
                broker.take_back(contract_id)
        for contract_id in self.entries_left():
            said = "could not be taken back yet: it may fill while no session runs, without a stop"
            broker.hand.tell("trouble", f"an entry in {contract_id} {said}")
        broker.rest()
        broker.hand.flush()
        return tuple(broker.trades)

    def entries_left(self) -> tuple[str, ...]:
        """Contracts in which an entry of ours stands, or may stand."""
        return tuple(name for name, trade in self.broker.trades.items() if trade.of("entry"))

    def kill(self, why: str) -> tuple[str, ...]:
        """The kill switch: lock, then close all trades; contracts where something of ours is left.

        Call :meth:`on_time` until nothing is.
        """
        self.broker.lock(f"kill switch: {why}")
        for contract_id in list(self.broker.trades):
            self.broker.close(contract_id, f"kill switch: {why}")
        return tuple(self.broker.trades)
