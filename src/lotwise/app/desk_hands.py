"""What is done by hand at the desk: open, move a stop, take back, close, flatten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from lotwise.app.desk_ahead import check_stop
from lotwise.app.trade_safety import flatten
from lotwise.broker.venue import VenuePort
from lotwise.errors import InputError, LotwiseError, RefusedError
from lotwise.guard.judge import judge_stop
from lotwise.records.guard import MoveStop, Refused
from lotwise.records.signal import Signal
from lotwise.session.flatten import Flattened
from lotwise.session.pipeline import Outcome, Sent
from lotwise.units import Ticks, grouped, shown

if TYPE_CHECKING:
    from lotwise.app.desk import Desk

LONGEST_S: Final = 5.0
"""The longest pause of a flatten in the session's thread: an entry that fills meanwhile has no stop before
the next look. Who goes past the session waits as long as the venue asks for."""
STEP_S: Final = 0.25


class Hands:
    """Commands of whoever sits at the desk. Each runs in the session's thread, but :meth:`flatten_past`."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.broker = desk, desk.broker
        self.wait: Callable[[float], object] = threading.Event().wait

    def open(self, contract_id: str, signal: Signal, leverage100: int) -> tuple[Outcome, str]:
        """Size, judge and send; what came of it, and the trade's name."""
        contract = self.desk.contracts[contract_id]
        if self.broker.waits(contract_id):
            raise InputError(
                "WEB-121", f"a trade of {contract_id} stands already", "close it first: one trade a contract"
            )
        terms = self.broker.terms[contract_id]
        if leverage100 and leverage100 != terms.leverage100:
            self.broker.terms[contract_id] = msgspec.structs.replace(terms, leverage100=leverage100)
            self.broker.unprepare(contract_id)
        check_stop(contract, signal.side, signal.stop_ticks, self.desk.ahead.market(contract_id).last_ticks)
        now = int(self.desk.clock.now_ns())
        seen = self.desk.feed.seen[contract_id].heard_ns or now
        outcome = self.desk.trader.pipeline.open(contract, signal, now, seen_ns=seen)
        trade = self.broker.trades.get(contract_id)
        return outcome, trade.id if trade is not None and isinstance(outcome, Sent) else ""

    def move_stop(self, contract_id: str, ticks: int) -> str:
        """Place the stop closer; how it stands now.

        Raises
        ------
        InputError
            WEB-123 nothing of ours is held there; WEB-124 the price is beyond it already.
        RefusedError
            GUARD codes: it would loosen.
        """
        trade = self.broker.trades.get(contract_id)
        if trade is None or not trade.held_lots:
            raise InputError(
                "WEB-123", f"nothing of ours is held in {shown(contract_id)}", "a stop protects a position"
            )
        contract, held = trade.contract, trade.mirror.stop_ticks
        judged = judge_stop(
            MoveStop(contract_id=contract_id, side=trade.side, stop_ticks=Ticks(ticks), held_ticks=held),
            self.broker.account(contract_id),
            contract,
        )
        if isinstance(judged, Refused):
            raise RefusedError(judged.code, judged.message, judged.hint)
        last = self.desk.port.market(contract_id).last_ticks
        if trade.side * (last - ticks) <= 0:
            raise InputError(
                "WEB-124",
                f"the last price {contract.price_text(last)} is beyond {contract.price_text(ticks)}",
                "close the position instead",
            )
        trade.mirror.tighten(ticks)
        self.broker.tend(contract_id)
        stands = any(one.ticks == ticks and one.stage == "open" for one in trade.of("stop"))
        price = grouped(contract.price_text(ticks))
        return f"the stop stands at {price}" if stands else f"the stop is being moved to {price}"

    def cancel(self, contract_id: str, client_id: str) -> str:
        """Take back an entry that waits.

        Raises
        ------
        InputError
            WEB-125 it is no entry of ours that waits.
        """
        trade = self.broker.trades.get(contract_id)
        one = trade.placed.get(client_id) if trade else None
        if trade is None or one is None or one.role != "entry" or not one.is_live:
            role = one.role if one else "order of ours"
            hint = (
                "exits protect the position: close it instead"
                if one and one.role != "entry"
                else "look again"
            )
            raise InputError("WEB-125", f"{shown(client_id)} is no entry that waits but {role}", hint)
        self.broker.hand.cancel(trade, one)
        self.broker.tend(contract_id)
        return f"the entry at {grouped(trade.contract.price_text(one.ticks))} was taken back"

    def close(self, contract_id: str) -> str:
        """Close a trade at the market, entries taken back.

        Raises
        ------
        InputError
            WEB-123 nothing of ours stands there.
        """
        if contract_id not in self.broker.trades:
            raise InputError("WEB-123", f"nothing of ours stands in {shown(contract_id)}", "look again")
        self.broker.close(contract_id, "by hand")
        left = self.broker.trades.get(contract_id)
        return f"{contract_id} is {'being closed' if left else 'closed'}"

    def flatten(self) -> Flattened:
        """Close every trade, then whatever the venue still holds, and open nothing before the day ends."""
        ends = self.desk.guardrails.rulebook_at(self.desk.clock.now_ns()).day_ends_ns
        self.broker.lock("flattened by hand", ends)
        before = len(self.broker.trades)
        for contract_id in list(self.broker.trades):
            self.broker.close(contract_id, "flattened by hand")
        done = self._flattened(self.desk.port, self._pause)
        done.closed += before - len(self.broker.trades)
        return done

    def _flattened(self, port: VenuePort, wait: Callable[[float], object]) -> Flattened:
        """As `lotwise flatten` does it: with time for a venue that fails, past contracts nobody knows."""
        return flatten(self.desk.config, port, self.desk.clock, self.desk, wait=wait)

    def _pause(self, seconds: float) -> None:
        """Wait in the session's thread, which is no dead one meanwhile."""
        left = min(seconds, LONGEST_S)
        while left > 0:
            self.desk.moved()
            self.desk.turned_ns = int(self.desk.clock.now_ns())
            self.wait(min(left, STEP_S))
            left -= STEP_S

    def flatten_past(self) -> Flattened:
        """Flatten without the session: from the venue's state alone, over a line of its own.

        The session, should it live again, is told by its folder to close and lock; a folder that cannot be
        written keeps nothing from being closed.
        """
        untold = ""
        try:
            self.desk.folder.kill("flattened by hand while the session did not answer")
        except OSError as error:
            untold = f"the session could not be told to lock: {error.strerror}"
        done = self._flattened(self._line(), self.wait)
        if untold:
            done.errors.append(untold)
        return done

    def _line(self) -> VenuePort:
        """A line of its own; the session's where none can be had: a venue asked too often gives none."""
        if self.desk.again is None:
            return self.desk.port
        try:
            return self.desk.again()
        except LotwiseError:  # the session's line asks for no set-up: flattening waits and tries on it
            return self.desk.port
