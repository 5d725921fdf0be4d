"""Makes a trade's orders at the venue those that should stand: the stop first, always.

:meth:`Tender.tend` looks at how things are and does the next thing that is missing, whatever happened before:
a fill, a lost answer, a crash, a hand on the venue's app. So normal work and recovery are the same code.

In each pass, the first that applies:

1. a trade that is over, due or being closed: its entries are cancelled
2. entries that have expired, or whose rest is not wanted: cancelled
3. a position: a stop of all its lots is placed and seen, then the stop before it is cancelled
4. a position that is being closed, or was too long without a seen stop: closed at the market, reduce-only
5. targets: wrong ones cancelled, missing ones placed
6. nothing held and nothing waiting: exits are cancelled, and the trade ends
"""

from __future__ import annotations

from typing import Final

from lotwise.broker.hand import Hand
from lotwise.broker.intents import Note
from lotwise.broker.mirror import Standing
from lotwise.broker.policy import SECOND_NS
from lotwise.broker.trade import Placed, Trade
from lotwise.broker.usage import Usage
from lotwise.broker.venue import OrderRefused, RateLimited
from lotwise.errors import LotwiseError
from lotwise.units import Cash

PASSES: Final = 12
"""Looks at one trade in one go; what is left then is done at the next event."""
TELL_NS: Final = 60 * SECOND_NS
"""The same trouble of a trade is told again so often."""
RETRY_NS: Final = 5 * SECOND_NS
"""A closer stop that was refused, while the one before it stands, is asked for again so often."""
TRIGGERED_AT_ONCE: Final = "-2021"
"""The trigger is reached already. Source: Binance USD-M, "Error codes"."""


class Tender:
    """Looks after the trades of one session."""

    def __init__(self, hand: Hand, usage: Usage) -> None:
        self.hand, self.usage, self.policy = hand, usage, hand.policy

    def tend(self, trade: Trade) -> bool:
        """Look at a trade and do what is missing; whether it is over.

        A venue that does not answer, or not so that it can be read, leaves it ``troubled``: the next event
        tries again. One that was asked too often is left alone where all is behind stops that were seen.
        """
        if self.hand.is_quiet and not self._is_urgent(trade):
            trade.troubled = True
            return False
        trade.troubled = False
        try:
            for _ in range(PASSES):
                self.hand.read(trade)
                if self._ends(trade):
                    return True
                if not self._acted(trade):
                    break
            else:
                trade.troubled = True
        except RateLimited as error:
            self.hand.note_limit(error)
            self._trouble(trade, error)
        except LotwiseError as error:
            self._trouble(trade, error)
        self._bound(trade)
        return False

    def _is_urgent(self, trade: Trade) -> bool:
        """Whether something is held without a seen stop, or may be, or is being closed; or all is over."""
        held = int(trade.held_lots)
        if trade.covered_lots < held or trade.is_unsure or (trade.closing and held):
            return True
        return not any(one.is_live for one in trade.placed.values())

    def _trouble(self, trade: Trade, error: LotwiseError) -> None:
        trade.troubled = True
        now = int(self.hand.clock.now_ns())
        if error.message != trade.trouble or not 0 <= now - trade.told_ns < TELL_NS:
            trade.trouble, trade.told_ns = error.message, now
            self.hand.tell("trouble", f"{trade.contract.id}: {error.message}", trade)
        self._note_naked(trade)
        if not trade.naked_since_ns:
            return
        if self._too_long(trade):
            self._close_blindly(trade)
        else:
            self._protect_blindly(trade)

    def _protect_blindly(self, trade: Trade) -> None:
        """Reads fail: what the orders have told is enough for a stop. Reduce-only: never too much."""
        try:
            self._protected(trade)
        except LotwiseError:
            return  # told by the hand; tried again at the next event

    # -- naked

    def _note_naked(self, trade: Trade) -> None:
        """Since when what is held is not behind stops that were seen."""
        now = int(self.hand.clock.now_ns())
        if trade.held_lots == 0 or trade.covered_lots >= trade.held_lots:
            trade.naked_since_ns = 0
        elif not trade.naked_since_ns or trade.naked_since_ns > now:  # or the clock was set back
            trade.naked_since_ns = now

    def _too_long(self, trade: Trade) -> bool:
        return self.hand.clock.now_ns() - trade.naked_since_ns >= self.policy.naked_ns

    def _bound(self, trade: Trade) -> None:
        """A position without a seen stop for too long is closed."""
        self._note_naked(trade)
        if not trade.naked_since_ns:
            return
        trade.troubled = True
        if self._too_long(trade) and not trade.closing:
            self._say_naked(trade)

    def _say_naked(self, trade: Trade) -> None:
        span = self.hand.clock.now_ns() - trade.naked_since_ns
        bound = self.policy.naked_ns
        self.hand.tell(
            "naked",
            f"{trade.held_lots} lots of {trade.contract.id} are without a seen stop for {_s(span)},"
            f" {_s(bound)} are allowed",
            trade,
            lots=int(trade.held_lots),
            naked_ns=span,
        )
        self.hand.close(trade, f"no stop was seen for {_s(span)}")

    def _close_blindly(self, trade: Trade) -> None:
        """Reads fail and the stop is not seen: try to close what we know of. Reduce-only: never too much."""
        if not trade.closing:
            self._say_naked(trade)
        try:
            self._close(trade)
        except LotwiseError:
            return  # told by the hand; tried again at the next event

    # -- the next thing to do

    def _acted(self, trade: Trade) -> bool:
        """Do the first thing that is missing; whether anything was done."""
        now = self.hand.clock.now_ns()
        if not trade.closing:
            if trade.mirror.is_over:
                self.hand.close(trade, "all that was entered is closed")
            elif trade.mirror.is_due(now):
                self.hand.close(trade, "its time is up")
        if self._entries_cancelled(trade, now):
            return True
        held = trade.held_lots
        self._note_naked(trade)
        if held and trade.naked_since_ns and self._too_long(trade) and not trade.closing:
            self._say_naked(trade)
        if held and self._protected(trade):
            return True
        if trade.closing and held:
            return self._close(trade)
        return self._targets(trade) if held else self._exits_cancelled(trade)

    def _entries_cancelled(self, trade: Trade, now: int) -> bool:
        waiting = [one for one in trade.of("entry") if one.stage == "open"]
        valid_ns = trade.plan.signal.entry_valid_ns
        late = 0 < valid_ns <= now - trade.plan.time_ns
        begun = trade.first_fill_ns or (now if trade.unseen_lots > 0 else 0)
        rest = self.policy.rest == "cancel" and begun and now - begun >= self.policy.rest_ns
        if not waiting or not (trade.closing or trade.is_ending or late or rest):
            return False
        for one in waiting:
            self.hand.cancel(trade, one)
        return any(one.stage != "open" for one in waiting)  # one that is not found holds up no stop

    def _protected(self, trade: Trade) -> bool:
        """Place the stop that is missing; whether anything was done."""
        lots, ticks = int(trade.held_lots), int(trade.mirror.stop_ticks)
        stops = trade.of("stop")
        if trade.unknown("stop", self.hand.clock.now_ns()):
            return False  # it is being looked for; the bound watches
        good = [
            one
            for one in stops
            if one.stage == "open" and one.left_lots == lots and self._stands_well(trade, one, ticks)
        ]
        if good:
            others = [one for one in stops if one is not good[-1] and one.stage == "open"]
            for one in others:
                self.hand.cancel(trade, one)
            self._note_naked(trade)
            return bool(others)
        if trade.closing and trade.covered_lots >= lots:
            return False
        return self._stop_placed(trade, lots, ticks)

    def _stands_well(self, trade: Trade, one: Placed, ticks: int) -> bool:
        """At its price, or so little behind it that moving a trailing stop is not worth an order."""
        behind = trade.side * (ticks - one.ticks)
        step = self.policy.trail_step_ticks if trade.mirror.is_trailing else 1
        return 0 <= behind < max(1, step)

    def _stop_placed(self, trade: Trade, lots: int, ticks: int) -> bool:
        refused = [one for one in trade.placed.values() if one.role == "stop" and one.how == "refused"]
        if trade.closing and refused:
            return False  # the venue takes no stop here: what is held is closed now
        now = self.hand.clock.now_ns()
        last_ns = max((one.time_ns for one in refused), default=now - RETRY_NS)
        if trade.covered_lots >= lots and 0 <= now - last_ns < RETRY_NS:
            trade.troubled = True  # a stop farther off protects it: not every look asks for the closer one
            return False
        one = trade.next_order("stop", 0, lots=lots, ticks=ticks, now_ns=now)
        try:
            self.hand.send(trade, one)
        except OrderRefused as error:
            trade.troubled = True
            if error.venue_code == TRIGGERED_AT_ONCE:
                self.hand.close(trade, "the price is beyond its stop")
                return True
            return self._gone(trade)
        return True

    def _gone(self, trade: Trade) -> bool:
        """An exit was refused: where the venue holds nothing that it could close, the venue is believed."""
        if trade.is_behind or trade.is_unsure:
            return False
        name = trade.contract.id
        lots = sum(one.lots for one in self.hand.port.positions() if one.contract_id == name)
        if lots * trade.side > 0 or not trade.mirror.held_lots:
            return False
        now = self.hand.clock.now_ns()
        trade.divergent_since_ns = trade.divergent_since_ns or now
        if now - trade.divergent_since_ns < self.policy.busy_ns:
            return False  # an execution of ours may be on its way
        self.hand.believe(trade, lots - trade.side * trade.held_lots - trade.hand_lots)
        return True

    def _close(self, trade: Trade) -> bool:
        """Close what is held at the market; whether anything was done."""
        lots = int(trade.held_lots)
        now = self.hand.clock.now_ns()
        if lots == 0 or trade.unknown("close", now) or any(one.stage == "open" for one in trade.of("close")):
            return False
        one = trade.next_order("close", 0, lots=lots, ticks=0, now_ns=now)
        try:
            self.hand.send(trade, one)
        except OrderRefused:
            trade.troubled = True
            return self._gone(trade)
        if one.stage == "ended" and not one.filled_lots:  # no book: the next event tries again, not this look
            trade.troubled = True
            return False
        return True

    def _targets(self, trade: Trade) -> bool:
        """Cancel targets that are wrong, or place those that are missing; whether anything was done."""
        if trade.is_behind or trade.covered_lots < trade.held_lots:
            return False  # the plan follows from executions, and the stop comes first
        wanted = {one.number: one for one in trade.mirror.targets(trade.held_lots)}
        standing = trade.of("target")
        wrong = [one for one in standing if not _fits(one, wanted.get(one.number))]
        for one in wrong:
            if one.stage == "open":
                self.hand.cancel(trade, one)
        if wrong:
            return any(one.stage == "ended" for one in wrong)
        there = {one.number for one in standing}
        refused = {
            (one.number, one.lots)
            for one in trade.placed.values()
            if one.role == "target" and one.how == "refused"
        }
        missing = [
            one
            for one in wanted.values()
            if one.number not in there and (one.number, one.lots) not in refused
        ]
        for want in missing:
            now = self.hand.clock.now_ns()
            one = trade.next_order("target", want.number, lots=want.lots, ticks=want.ticks, now_ns=now)
            try:
                self.hand.send(trade, one)
            except OrderRefused:
                continue  # told; the stop stands, and the trade goes on without this target
        return bool(missing)

    def _exits_cancelled(self, trade: Trade) -> bool:
        """Nothing is held: exits that stand are cancelled once no entry can fill any more."""
        if trade.of("entry") or trade.is_behind:
            return False
        exits = [one for one in trade.placed.values() if one.role != "entry" and one.stage == "open"]
        for one in exits:
            self.hand.cancel(trade, one)
        return bool(exits)

    # -- the end

    def _ends(self, trade: Trade) -> bool:
        """Whether nothing is held and nothing waits; then its result is kept and the limits are told."""
        if any(one.is_live for one in trade.placed.values()) or trade.is_behind or trade.held_lots:
            return False
        hand = self.hand
        funding = self._funding(trade) if trade.mirror.was_entered else 0
        result = Cash(trade.mirror.result_cash + funding)
        if trade.mirror.was_entered and not trade.is_taken:  # a crash came before it was counted
            trade.is_taken = True
            self.usage.opened(trade.plan.risk_cash, trade.plan.notional_cash)
        if trade.is_taken:
            self.usage.closed(
                hand.limits_ns(),
                result,
                risk_cash=trade.plan.risk_cash,
                notional_cash=trade.plan.notional_cash,
                opened_ns=trade.plan.time_ns,
                filled=trade.mirror.was_entered,
            )
        body = {"result_cash": int(result), "funding_cash": funding, "usage": self.usage.saved()}
        hand.keep(Note("end", trade.id, body, f"end:{trade.id}"))
        how = "its exits closed all of it" if trade.mirror.was_entered else "no entry filled"
        hand.tell(
            "ended",
            f"{trade.contract.id}: {trade.closing or how}",
            trade,
            result_cash=int(result),
            funding_cash=funding,
            fees_cash=int(trade.mirror.fees_cash),
            lots=int(trade.mirror.entered_lots),
        )
        return True

    def _funding(self, trade: Trade) -> int:
        """Funding received while the trade was open; paid is negative."""
        symbol = trade.contract.symbol
        rows = self.hand.port.income(trade.plan.venue_ns)
        return sum(
            row.cash
            for row in rows
            # a funding of the very moment was charged to what was held before
            if row.kind == "FUNDING_FEE" and row.contract == symbol and row.time_ns > trade.plan.venue_ns
        )


def _fits(one: Placed, want: Standing | None) -> bool:
    return want is not None and one.left_lots == want.lots and one.ticks == want.ticks


def _s(span_ns: int) -> str:
    whole, rest = divmod(span_ns // 1_000_000, 1_000)
    return f"{whole}.{rest:03d} s"
