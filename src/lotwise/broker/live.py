"""The broker of a real account: the same port as the kernel's, over a venue that is asked and told.

It opens what was approved and nothing else, one trade a contract. Between events :meth:`LiveBroker.tend`
keeps the exits right (:mod:`lotwise.broker.tending`). What the pipeline asks of the account comes from the
venue; what it asks of the limits from the usage that this session keeps (:mod:`lotwise.broker.usage`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lotwise.broker.chronicle import Chronicle
from lotwise.broker.hand import Hand
from lotwise.broker.intents import IntentLog, Leg, Note, TradePlan, trade_id_of
from lotwise.broker.mirror import Mirror
from lotwise.broker.policy import SECOND_NS, Policy, Terms
from lotwise.broker.port import Market
from lotwise.broker.tending import Tender
from lotwise.broker.tops import Tops, market_of, sound
from lotwise.broker.trade import Trade, begun, known_of
from lotwise.broker.usage import FOREVER_NS, Usage
from lotwise.broker.venue import OrderRefused, RateLimited, VenueDown, VenuePort
from lotwise.clock import Clock
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, VenueError
from lotwise.guard.facts import AccountFacts, OpenPosition, Rulebook
from lotwise.kernel.layout import LegRow
from lotwise.kernel.limit_rows import UsageRow
from lotwise.kernel.sizing import lots_through_leg
from lotwise.records.guard import Approved, Open
from lotwise.records.live import VenueMarket, VenuePosition
from lotwise.units import Cash, Lots, Ticks

REFUSED: Final = -1
"""The venue refused without a number of its own."""
NOT_SENT: Final = -2
"""The venue could not be reached, or did not want to be asked: nothing was sent."""
NOT_OURS: Final = -3
"""The contract has a position or a trade already."""
REMEMBERED: Final = 500
"""Executions that are remembered over a rest: those of the last seconds are read again by the next trade."""
SILENT: Final = -4
"""Nothing is opened now: stale market, clock apart, or the session is ending."""


class LiveBroker:
    """A broker over a venue: paper, demo and live alike.

    Parameters
    ----------
    log
        Intents and outcomes; what it holds of an earlier session is taken up by :meth:`restore`.
    terms
        How each contract is traded.

    Raises
    ------
    InputError
        BROKER-172 a contract without terms.
    """

    def __init__(
        self,
        port: VenuePort,
        log: IntentLog,
        contracts: Sequence[Contract],
        *,
        terms: Mapping[str, Terms],
        rulebook: Callable[[int], Rulebook],
        clock: Clock,
        chronicle: Chronicle,
        policy: Policy | None = None,
    ) -> None:
        self.port, self.log, self.clock, self.terms = port, log, clock, dict(terms)
        self.policy = policy or Policy()
        self.contracts = {contract.id: contract for contract in contracts}
        missing = [name for name in self.contracts if name not in self.terms]
        if missing:
            raise InputError(
                "BROKER-172",
                f"{len(missing)} of {len(self.contracts)} contracts have no terms: {', '.join(missing[:3])}",
                "give leverage and margin mode of each",
            )
        self.trades: dict[str, Trade] = {}
        """Trades that are not over, by contract."""
        self.foreign: dict[str, dict[str, int]] = {}
        """Positions of others that the limits count, by contract."""
        self.silent: dict[str, str] = {}
        """Why nothing is opened: by contract, or of all contracts by the name of the reason."""
        self.income_ns = 0
        self.hand = Hand(port, log, self.policy, clock=clock, chronicle=chronicle)
        self._rulebook, self._prepared, self._number = rulebook, set[str](), 0
        self.usage = Usage(rulebook)
        self.tender = Tender(self.hand, self.usage)
        self.tops = Tops(clock)
        self.is_restored = False
        """Whether the log's trades, usage and locks were taken up: before that the log is not closed off."""
        self.sequence = 0
        """Grows with all that changes the account: an approval holds for one number of it."""

    # -- the log

    def restore(self) -> None:
        """Take up what the log says of an earlier session; nothing is asked of the venue yet.

        Raises
        ------
        InputError
            BROKER-171 an open trade is of a contract that this session does not have.
        """
        known = known_of(self.log.read(), self.contracts, self.policy.by_mark)
        self.trades, self.foreign, self._number = known.trades, known.foreign, known.number
        knows = getattr(self.port, "knows", None)  # of a venue that tells no client id of a stop
        for trade in self.trades.values():
            trade.is_restored = True
            for one in trade.placed.values():
                if knows is not None and one.venue_id:
                    knows(one.client_id, one.venue_id)
        self.income_ns, self.hand.booked = known.income_ns, known.booked
        if known.usage:
            self.usage.row = UsageRow(**known.usage)
        self.is_restored = True

    def rest(self) -> None:
        """With no trade open, say so in the log: a later start reads from here.

        A broker that could not take up the log knows of no trade and of no loss: it says nothing.
        """
        if self.is_restored and not self.trades:
            body: dict[str, Any] = {
                "usage": self.usage.saved(),
                "foreign": self.foreign,
                "income_ns": self.income_ns,
                "number": self._number,
                "booked": list(self.hand.booked)[-REMEMBERED:],
            }
            self.hand.keep(Note("rest", "", body))

    def keep(self, kind: str = "usage", subject: str = "", **body: Any) -> None:
        """Keep the usage as it is now, with the next commit: :meth:`Hand.flush` at the end of an event."""
        self.sequence += 1
        self.log.later(self.clock.now_ns(), Note(kind, subject, {**body, "usage": self.usage.saved()}))

    # -- what the pipeline asks

    def account(self, contract_id: str) -> AccountFacts:
        """The account at this moment, as the venue counts it.

        Raises
        ------
        VenueError
            The venue does not answer.
        """
        contract = self.contracts[contract_id]
        balance = self.port.balance(contract.settle)
        self.watch_equity(balance.equity_cash)
        behind = Cash(balance.equity_cash - balance.maintenance_cash)
        return AccountFacts(
            equity_cash=balance.equity_cash,
            free_cash=Cash(max(0, balance.free_cash)),
            margin_cash=balance.margin_cash,
            sequence=self.sequence,
            usage=UsageRow(**self.usage.saved()),
            positions=self._positions(),
            cross_cash=None if self.terms[contract_id].is_isolated else behind,
        )

    def _positions(self) -> tuple[OpenPosition, ...]:
        own = [
            OpenPosition(
                contract_id=trade.contract.id,
                side=trade.side,
                risk_cash=Cash(max(0, trade.plan.risk_cash)),
                notional_cash=trade.plan.notional_cash,
            )
            for trade in self.trades.values()
        ]
        others = [
            OpenPosition(
                contract_id=contract_id,
                side=1 if position["lots"] > 0 else -1,
                risk_cash=Cash(position["risk_cash"]),
                notional_cash=Cash(position["notional_cash"]),
            )
            for contract_id, position in self.foreign.items()
        ]
        return (*own, *others)

    def watch_equity(self, equity_cash: Cash) -> None:
        """Let the limits take note of the equity: days begin, loss locks fall."""
        locks = (self.usage.row.day_locked, self.usage.row.week_locked)
        if self.usage.watch(self.hand.limits_ns(), equity_cash):
            self.keep()
        if (self.usage.row.day_locked, self.usage.row.week_locked) > locks:
            self.hand.flush()  # a lock stays, also where the process dies and the equity recovers
            which = "week's" if self.usage.row.week_locked > locks[1] else "day's"
            self.hand.tell(
                "lock", f"the {which} largest loss is reached: nothing is opened", equity_cash=equity_cash
            )

    def market(self, contract_id: str) -> Market:
        """The contract's market and how the account trades it.

        Raises
        ------
        VenueError
            The venue does not answer; BROKER-195 it has no price.
        InputError
            BROKER-173 the fees of the contract are unknown.
        """
        contract, terms = self.contracts[contract_id], self.terms[contract_id]
        if contract.fees is None:
            raise InputError("BROKER-173", f"the fees of {contract_id} are unknown", "refresh its facts")
        top = sound(self.port.market(contract_id))
        self.saw_market(top)
        return market_of(terms, contract.fees, top)

    def saw_market(self, top: VenueMarket) -> None:
        """A price: a trailing stop follows it. None is no price, and moves nothing."""
        if top.last_ticks < 1:
            return
        self.tops.take(top)
        trade = self.trades.get(top.contract_id)
        if trade is not None:
            before = trade.mirror.stop_ticks
            trade.mirror.price(top.last_ticks, self.clock.now_ns())
            trade.troubled = trade.troubled or trade.mirror.stop_ticks != before

    def held(self, contract_id: str) -> int:
        """Lots of our own trade, signed."""
        trade = self.trades.get(contract_id)
        return trade.side * trade.held_lots if trade else 0

    def waits(self, contract_id: str) -> bool:
        """Whether a trade of the contract is not over."""
        return contract_id in self.trades

    # -- opening

    def open(self, approved: Approved[Open], risk_cash: Cash, notional_cash: Cash) -> int:
        """Send an opening trade with its exits; 0, or why it was not sent: the venue's code, or one of ours.

        An entry whose answer is lost counts as sent (0): it is looked for, and never sent again.

        Raises
        ------
        InputError
            BROKER-174 the approval is stale, or has no signal.
        """
        order, signal = approved.command.order, approved.command.signal
        contract = self.contracts[order.intent.contract_id]
        if self._silenced(contract.id):
            return SILENT
        if contract.id in self.trades or contract.id in self.foreign:
            return NOT_OURS
        try:
            top = self._top(contract.id)
            self._fresh(approved, top.last_ticks)
            if any(one.lots for one in self.port.positions() if one.contract_id == contract.id):
                self.hand.tell("foreign", f"{contract.id} was not opened: a position stands there already")
                return NOT_OURS
            self._prepare(contract.id)
        except VenueError as error:
            if isinstance(error, RateLimited):
                self.hand.note_limit(error)
            self.hand.tell("refused", f"{contract.id} was not opened: {error.message}")
            return code_of(error)
        assert signal is not None  # _fresh refuses an approval without one
        self._number += 1
        now = self.clock.now_ns()
        plan = TradePlan(
            trade_id=trade_id_of(self.port.account, contract.id, now, self._number),
            contract_id=contract.id,
            signal=signal,
            lots=order.lots,
            legs=legs_of(approved),
            risk_cash=risk_cash,
            notional_cash=notional_cash,
            budget_cash=order.budget_cash,
            time_ns=now,
            venue_ns=self.port.now_ns(),
            last_ticks=top.last_ticks,
        )
        answer = Mirror(contract, plan, self.policy.by_mark).answer
        return answer if answer else self._enter(contract, plan)

    def _top(self, contract_id: str) -> VenueMarket:
        """The market as the pipeline has just seen it, or asked for anew."""
        top = self.tops.recent(contract_id)
        if top is None:
            top = sound(self.port.market(contract_id))
            self.saw_market(top)
        return top

    def _silenced(self, contract_id: str) -> bool:
        why = next((said for name, said in self.silent.items() if name == contract_id or ":" not in name), "")
        if not why and self.hand.is_quiet:
            why = "the venue was asked too often"
        if not why and abs(apart := self.hand.apart_ns()) > self.policy.skew_ns:
            why = f"the venue's clock is {apart / SECOND_NS:+.1f} s from ours"
        if why:
            self.hand.tell("refused", f"{contract_id} was not opened: {why}")
        return bool(why)

    def _fresh(self, approved: Approved[Open], last_ticks: int) -> None:
        now, signal = self.clock.now_ns(), approved.command.signal
        moved, late = approved.sequence != self.sequence, now > approved.expires_ns
        resting = bool(signal and signal.entries)
        away = not (resting or approved.lowest_ticks <= last_ticks <= approved.highest_ticks)
        if moved or late or away or signal is None:
            over_ms = max(0, now - approved.expires_ns) // 10**6
            raise InputError(
                "BROKER-174",
                f"the approval is of event {approved.sequence} and prices {approved.lowest_ticks} to"
                f" {approved.highest_ticks}; now it is event {self.sequence}, price {last_ticks},"
                f" {over_ms} ms past its end",
                "judge the trade again"
                if signal
                else "approve a trade with its signal: the exits go with it",
            )

    def _prepare(self, contract_id: str) -> None:
        if contract_id not in self._prepared:
            terms = self.terms[contract_id]
            self.port.prepare(contract_id, terms.leverage100, terms.is_isolated)
            self._prepared.add(contract_id)

    def unprepare(self, contract_id: str) -> None:
        """Its leverage or mode is not what was set: set and verify it again before the next trade."""
        self._prepared.discard(contract_id)

    def _enter(self, contract: Contract, plan: TradePlan) -> int:
        """Keep the plan, then send its entries one by one; the stop comes before the next entry."""
        import msgspec

        self.sequence += 1
        trade = begun(plan, contract, self.policy.by_mark)
        self.log.write(plan.time_ns, Note("plan", plan.trade_id, msgspec.to_builtins(plan), plan.trade_id))
        self.trades[contract.id] = trade
        side = "long" if plan.signal.side > 0 else "short"
        self.hand.tell(
            "plan",
            f"{side} {contract.quantity_text(plan.lots)} {contract.id}, stop"
            f" {contract.price_text(plan.signal.stop_ticks)}: {plan.signal.reason or 'no reason given'}",
            trade,
            lots=int(plan.lots),
            stop_ticks=int(plan.signal.stop_ticks),
            risk_cash=int(plan.risk_cash),
        )
        answer = self._entered(trade)
        self.tend(contract.id)
        return answer

    def _entered(self, trade: Trade) -> int:
        """Ask for the entries one by one; 0, or why not even the first was taken."""
        entries = trade.of("entry")
        for number, one in enumerate(entries):
            if trade.closing:  # its stop could not be placed: nothing is added
                self.hand.never(trade, one)
                continue
            try:
                self.hand.request(trade, one)
            except VenueError as error:
                refused = isinstance(error, OrderRefused)
                if number == 0 or not refused:
                    for rest in entries[number + 1 :]:
                        self.hand.never(trade, rest)
                if number == 0:
                    return code_of(error)
                if not refused:
                    return 0
                continue  # a later entry that the venue does not take leaves a smaller trade
            self._took(trade)
            if one.filled_lots and number + 1 < len(entries):
                self.tender.tend(trade)
        return 0

    def _took(self, trade: Trade) -> None:
        if not trade.is_taken:
            trade.is_taken = True
            self.usage.opened(trade.plan.risk_cash, trade.plan.notional_cash)
            self.keep("took", trade.id)

    # -- afterwards

    def tend(self, contract_id: str) -> None:
        """Look at the contract's trade and do what is missing."""
        trade = self.trades.get(contract_id)
        if trade is None:
            return
        self.sequence += 1
        if self.tender.tend(trade):
            del self.trades[contract_id]
        elif not trade.is_taken and any(
            one.stage == "open" or one.filled_lots for one in trade.placed.values()
        ):
            self._took(trade)  # a crash came between the entry and its count
        self.hand.flush()

    def take_back(self, contract_id: str) -> None:
        """Take back the entries of a trade that still wait; what is held stays behind its stop."""
        trade = self.trades.get(contract_id)
        if trade is not None:
            trade.is_ending = True
            self.tend(contract_id)

    def leave(self, contract_id: str) -> None:
        """Close what is held of a contract, and take back entries that wait."""
        self.close(contract_id, "left")

    def close(self, contract_id: str, why: str) -> None:
        """Close a trade at the market; what is not done at once is done at the next events."""
        trade = self.trades.get(contract_id)
        if trade is not None:
            self.hand.close(trade, why)
            self.tend(contract_id)

    def lock(self, why: str, until_ns: int = FOREVER_NS) -> None:
        """Open nothing until then; what stands is looked after as before."""
        self.usage.lock(until_ns)
        self.keep("lock", why=why, until_ns=until_ns)
        self.hand.flush()
        self.hand.tell("lock", f"locked: {why}")

    def unlock(self, why: str) -> None:
        """End a lock by hand."""
        self.usage.unlock()
        self.keep("unlock", why=why)
        self.hand.flush()
        self.hand.tell("lock", f"unlocked: {why}")

    def others(self, contract_id: str, position: VenuePosition | None, risk_cash: Cash, cash: Cash) -> None:
        """A position that is not ours began, changed or ended (``cash``: its result): the limits count it."""
        before = self.foreign.pop(contract_id, None)
        now = self.hand.limits_ns()
        if position is None:
            if before:
                self.usage.closed(
                    now,
                    cash,
                    risk_cash=Cash(before["risk_cash"]),
                    notional_cash=Cash(before["notional_cash"]),
                    opened_ns=before["seen_ns"],
                    filled=True,
                )
            self.keep("foreign", contract_id, position={})
            return
        found = {
            "lots": int(position.lots),
            "risk_cash": int(risk_cash),
            "notional_cash": int(cash),
            "seen_ns": before["seen_ns"] if before else int(self.port.now_ns()),
        }
        if before:
            self.usage.changed(before, found)
        else:
            self.usage.opened(risk_cash, cash)
        self.foreign[contract_id] = found
        self.keep("foreign", contract_id, position=found)


def legs_of(approved: Approved[Open]) -> tuple[Leg, ...]:
    """The entry orders of an approved trade, by the kernel's rule of shares."""
    order, signal = approved.command.order, approved.command.signal
    entries = order.intent.entries
    rows = [LegRow(cumulative_share8=leg.cumulative_share8, price_ticks=leg.price_ticks) for leg in entries]
    found, through = [], 0
    for k, leg in enumerate(entries):
        now = lots_through_leg(rows, k, order.lots)
        price = leg.price_ticks if signal and signal.entries else Ticks(0)
        if now > through:
            found.append(Leg(Lots(now - through), price))
        through = now
    return tuple(found)


def code_of(error: VenueError) -> int:
    """The number of why an order was not sent: the venue's own, or one of this module."""
    if isinstance(error, (VenueDown, RateLimited)):
        return NOT_SENT
    code = error.venue_code if isinstance(error, OrderRefused) else ""
    return int(code) if code.lstrip("-").isdigit() and int(code) else REFUSED
