"""Sends and cancels orders of a trade and reads how they stand; what leaves is in the log first.

It does not ask why an order is sent (:mod:`lotwise.broker.tending` does). A disk that fails stops entries,
never exits: those are found at the venue again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from lotwise.broker.chronicle import Chronicle, Kind, Told
from lotwise.broker.intents import LETTERS, OWN, IntentLog, Note, client_id_of
from lotwise.broker.mirror import fee_of, lots_of, ticks_of
from lotwise.broker.policy import SECOND_NS, Policy
from lotwise.broker.trade import Placed, Trade, booking_name
from lotwise.broker.venue import OrderRefused, OutcomeUnknown, RateLimited, VenueDown, VenuePort
from lotwise.clock import Clock
from lotwise.errors import LotwiseError, VenueError
from lotwise.records.journal import Fill
from lotwise.records.live import LIVE, VenueOrder

Step = Callable[[str], None]
LEAST_QUIET_NS: Final = 2 * SECOND_NS
"""After "asked too often", where the venue names no time."""
UNKEPT: Final = 10_000
"""Attempts that are not in the log are numbered from here on, by the clock: client ids have five digits."""
LAST_ATTEMPT: Final = 99_000
UNKEPT_NS: Final = SECOND_NS // 10
TRY_DISK_NS: Final = 5 * SECOND_NS
"""A log that could not be written is tried again so often: each attempt may wait for the disk."""


class Hand:
    """The one that touches the venue, for one session."""

    def __init__(
        self, port: VenuePort, log: IntentLog, policy: Policy, *, clock: Clock, chronicle: Chronicle
    ) -> None:
        self.port, self.log, self.policy = port, log, policy
        self.clock, self.chronicle = clock, chronicle
        self.booked: dict[str, None] = {}
        """Executions of this and earlier trades: see :class:`lotwise.broker.trade.Known`."""
        self.quiet_until_ns = 0
        """The venue said that it was asked too often: nothing is opened before; by the venue's clock."""
        self.is_unkept, self._tried_ns = False, 0
        """Whether the log could not be written."""

    @property
    def is_quiet(self) -> bool:
        """Whether the venue does not want to be asked now."""
        return self.port.now_ns() < self.quiet_until_ns

    def apart_ns(self) -> int:
        """How far the venue's clock is from ours."""
        return int(self.port.now_ns()) - int(self.clock.now_ns())

    def limits_ns(self) -> int:
        """The time by which days, locks and pauses are counted: ours, unless the venue's is another.

        A clock that jumps to tomorrow would end today's lock for good.
        """
        apart = self.apart_ns()
        now = int(self.clock.now_ns())
        return now if abs(apart) <= self.policy.skew_ns else now + apart

    # -- the log

    def keep(self, *notes: Note) -> bool:
        """Keep notes before what follows; where the disk fails they are kept as soon as it does not.

        Whether they are on the disk.

        An entry is never sent so: its plan is written or it does not leave. What closes or protects does not
        wait for a disk.
        """
        now = self.clock.now_ns()
        if self.is_unkept and 0 <= now - self._tried_ns < TRY_DISK_NS:
            self.log.later(now, *notes)
            return False
        try:
            self.log.write(now, *notes)
        except LotwiseError as error:
            self.log.later(now, *notes)
            self._tried_ns = now
            if not self.is_unkept:
                said = "nothing is opened, exits are looked after"
                self.tell("trouble", f"the log cannot be kept: {error.message}: {said}")
            self.is_unkept = True
            return False
        if self.is_unkept:
            self.is_unkept = False
            self.tell("trouble", "the log is kept again")
        return True

    def flush(self) -> None:
        """Keep what is pending."""
        if self.log.pending:
            self.keep()

    def tell(self, kind: Kind, message: str, trade: Trade | None = None, **numbers: int) -> None:
        """Let whoever listens know."""
        self.chronicle.told(
            Told(
                kind=kind,
                time_ns=self.clock.now_ns(),
                message=message,
                contract_id=trade.contract.id if trade else "",
                trade_id=trade.id if trade else "",
                numbers=numbers,
            )
        )

    # -- sending

    def send(self, trade: Trade, one: Placed) -> None:
        """Keep that an order leaves, then let it leave.

        Raises
        ------
        VenueError
            As :meth:`request`.
        """
        if not self.keep(Note("send", trade.id, _body(one), f"send:{one.client_id}")):
            # a session that starts without this note would take the same number: take one of the clock's
            self.log.pending.pop()
            number = UNKEPT + int(self.clock.now_ns()) // UNKEPT_NS % (LAST_ATTEMPT - UNKEPT)
            one.client_id = client_id_of(trade.id, one.role, one.number, number)
            while one.client_id in trade.placed:
                number += 1
                one.client_id = client_id_of(trade.id, one.role, one.number, number)
            note = Note("send", trade.id, _body(one), f"send:{one.client_id}")
            self.log.later(self.clock.now_ns(), note)
        trade.placed[one.client_id] = one
        if one.role == "stop":
            trade.mirror.tighten(one.ticks)
        self.request(trade, one)

    def request(self, trade: Trade, one: Placed) -> None:
        """Let an order leave that is in the log, and take down the answer.

        An answer that is lost is looked for at once; where it cannot be found the order stays ``sent``.

        Raises
        ------
        OrderRefused, VenueDown, RateLimited
            The order is ended, and was never there.
        """
        try:
            order = self.port.place(trade.wanted(one, self.policy.by_mark))
        except OutcomeUnknown as error:
            said = f"{words(trade, one)}: no answer; it is looked for ({error.message})"
            self.tell("unknown", said, trade)
            self._look_for(trade, one)
            return
        except OrderRefused as error:
            self._ended(trade, one, "refused")
            said = f"{words(trade, one)} was refused: {error.message}{_hint(error)}"
            self.tell("refused", said, trade, lots=one.lots, ticks=one.ticks)
            raise
        except RateLimited as error:
            self.note_limit(error)
            self._ended(trade, one, "refused")
            self.tell("trouble", f"{words(trade, one)} was not sent: {error.message}", trade)
            raise
        except VenueDown as error:
            self._ended(trade, one, "refused")
            self.tell("trouble", f"{words(trade, one)} was not sent: {error.message}", trade)
            raise
        except VenueError:
            raise  # of another kind: it may stand, and is looked for
        except LotwiseError as error:  # no answer of the venue: it could not even be asked
            self._ended(trade, one, "refused")
            said = f"{words(trade, one)} was refused: {error.message}{_hint(error)}"
            self.tell("refused", said, trade, lots=one.lots, ticks=one.ticks)
            raise OrderRefused(error.code, error.message, error.hint) from error
        self.saw(trade, one, order)

    def note_limit(self, error: RateLimited) -> None:
        """Remember until when the venue does not want to be asked."""
        least = self.port.now_ns() + LEAST_QUIET_NS
        self.quiet_until_ns = max(self.quiet_until_ns, error.until_ns or least)

    def cancel(self, trade: Trade, one: Placed, order: VenueOrder | None = None) -> None:
        """Cancel an order; that it was us is in the log first.

        Raises
        ------
        VenueError
            It may stand or not: the next look tells.
        """
        if not one.cancel_asked:
            self.keep(Note("cancel", trade.id, {"client_id": one.client_id}))
            one.cancel_asked = True
        found = order or self.port.order(trade.contract.id, one.client_id)
        if found is None:
            return
        self.saw(trade, one, self.port.cancel(found) if found.state == LIVE else found)

    # -- reading

    def read(self, trade: Trade) -> None:
        """See how every order of a trade stands, and book what was executed.

        Raises
        ------
        VenueError
            What was seen before it is kept.
        """
        live = [one for one in trade.placed.values() if one.is_live]
        if live or trade.is_restored:
            standing = {order.client_id: order for order in self.port.orders(trade.contract.id)}
            if trade.is_restored:
                self._adopt(trade, standing.values())
                trade.is_restored = False
            looked = []
            for one in live:
                order = standing.get(one.client_id)
                if order is None:
                    looked.append(self._look_for(trade, one))
                else:
                    self.saw(trade, one, order)
            if not all(looked):
                raise VenueDown(
                    "BROKER-175",
                    f"{looked.count(False)} of {len(live)} orders of {trade.contract.id} could not be read",
                    "nothing is decided on half a picture: it is read again at the next event",
                )
        self._book(trade)
        gone, trade.gone = trade.gone, []
        for one, reason in gone:
            self._gone(trade, one, reason)

    def _adopt(self, trade: Trade, standing: Iterable[VenueOrder]) -> None:
        """Exits of the trade that its log does not know: they left while the disk was full."""
        for order in standing:
            named = OWN.fullmatch(order.client_id)
            if named is None or named[1] != trade.id or order.client_id in trade.placed:
                continue
            one = Placed(
                order.client_id,
                LETTERS[named[2]],
                int(named[3]),
                lots=int(order.lots),
                ticks=int(order.trigger_ticks or order.price_ticks),
                time_ns=int(self.clock.now_ns()),
            )
            self.keep(Note("send", trade.id, _body(one), f"send:{one.client_id}"))
            trade.placed[one.client_id] = one
            if one.role == "stop":
                trade.mirror.tighten(one.ticks)
            self.saw(trade, one, order)

    def _is_absent(self, one: Placed) -> bool:
        """Whether an order that the venue does not know counts as gone.

        An exit that stood may be placed again at once: both reduce only. An entry is given up slowly: one
        that a read has missed would fill with nobody to place its stop.
        """
        now = int(self.clock.now_ns())
        if one.stage == "open" and one.role != "entry":
            return True
        one.missing_ns = one.missing_ns or (one.time_ns if one.stage == "sent" else now)
        return now - one.missing_ns > self.policy.absent_ns

    def _look_for(self, trade: Trade, one: Placed) -> bool:
        """Read an order by its client id; whether the venue answered."""
        try:
            order = self.port.order(trade.contract.id, one.client_id)
        except LotwiseError as error:
            trade.troubled = True
            if isinstance(error, RateLimited):
                self.note_limit(error)
            self.tell("trouble", f"{words(trade, one)} cannot be looked for: {error.message}", trade)
            return False
        if order is not None:
            self.saw(trade, one, order)
        elif self._is_absent(one):
            never = "never arrived" if one.stage == "sent" else "is gone"
            self.tell("unknown", f"{words(trade, one)} {never}: the venue does not know it", trade)
            self._ended(trade, one, "absent")
        return True

    def saw(self, trade: Trade, one: Placed, order: VenueOrder) -> None:
        """Take down how an order stands."""
        before = (one.stage, one.venue_id, one.filled_lots)
        was_sent = one.stage == "sent"
        one.venue_id, one.missing_ns = order.venue_id, 0
        one.filled_lots = max(one.filled_lots, order.filled_lots)
        if order.state == LIVE:
            one.stage = "open"
            if one.role == "stop" and order.trigger_ticks != one.ticks:
                self._moved(trade, one, order)
            one.lots = order.lots
        else:
            one.stage, one.how = "ended", order.state
        if (one.stage, one.venue_id, one.filled_lots) != before:
            self._answer(trade, one)
        if one.role == "stop" and was_sent and one.stage == "open":
            self.tell(
                "stop_seen",
                f"stop of {one.lots} lots at {trade.contract.price_text(one.ticks)} seen on the venue",
                trade,
                lots=one.lots,
                ticks=one.ticks,
                naked_ns=self._naked_ns(trade),
            )
        elif was_sent:
            self.tell("order", f"{words(trade, one)}: {one.how or one.stage}", trade, lots=one.lots)
        if one.stage == "ended" and one.role == "stop" and one.how in ("cancelled", "expired", "rejected"):
            trade.gone.append((one, order.reason))

    def _naked_ns(self, trade: Trade) -> int:
        return self.clock.now_ns() - trade.naked_since_ns if trade.naked_since_ns else 0

    def _moved(self, trade: Trade, one: Placed, order: VenueOrder) -> None:
        """Someone moved a stop on the venue: closer, it is kept; farther, it will be put back."""
        text = trade.contract.price_text
        closer = trade.side * (order.trigger_ticks - one.ticks) > 0
        body = {"client_id": one.client_id, "ticks": int(order.trigger_ticks)}
        self.log.later(self.clock.now_ns(), Note("moved", trade.id, body))
        if closer:
            trade.mirror.tighten(order.trigger_ticks)
        elif self.policy.stop_gone == "flatten":
            self.close(trade, "its stop was moved away by someone else")
        said = "closer, it stays there" if closer else "farther away"
        self.tell(
            "stop_moved",
            f"someone moved the stop from {text(one.ticks)} to {text(order.trigger_ticks)}: {said}",
            trade,
            ticks=int(order.trigger_ticks),
        )
        one.ticks = order.trigger_ticks

    def _gone(self, trade: Trade, one: Placed, reason: str) -> None:
        """A stop that ended unfilled, judged when all orders and executions are read.

        A venue ends exits by itself where targets have closed all.
        """
        if one.cancel_asked or one.filled_lots or trade.held_lots == 0:
            return
        put = "closed" if self.policy.stop_gone == "flatten" else "put back"
        because = f" ({reason})" if reason else ""
        self.tell(
            "stop_gone", f"{words(trade, one)} was {one.how} by someone else{because}: it is {put}", trade
        )
        if self.policy.stop_gone == "flatten":
            self.close(trade, "its stop was cancelled by someone else")

    def close(self, trade: Trade, why: str) -> None:
        """From now on a trade is being closed."""
        if trade.closing:
            return
        self.log.later(self.clock.now_ns(), Note("closing", trade.id, {"why": why}))
        trade.closing = why
        self.tell("closing", f"{trade.contract.id} is closed: {why}", trade, lots=int(trade.held_lots))

    def never(self, trade: Trade, one: Placed) -> None:
        """An order of the plan that was not sent, and will not be."""
        self._ended(trade, one, "refused")

    def _ended(self, trade: Trade, one: Placed, how: str) -> None:
        one.stage, one.how = "ended", how
        self._answer(trade, one)

    def _answer(self, trade: Trade, one: Placed) -> None:
        body = {
            "client_id": one.client_id,
            "stage": one.stage,
            "how": one.how,
            "venue_id": one.venue_id,
            "filled_lots": int(one.filled_lots),
        }
        self.log.later(self.clock.now_ns(), Note("answer", trade.id, body))

    # -- executions

    def _book(self, trade: Trade) -> None:
        since = max(0, trade.plan.venue_ns - self.policy.overlap_ns)
        name = trade.contract.id
        fresh = [
            fill
            for fill in self.port.fills(name, since)
            if fill.trade_id not in trade.seen and booking_name(name, fill.trade_id) not in self.booked
        ]
        sure = self._looked_again(trade, fresh) and not trade.is_unsure
        for fill in fresh:
            one = trade.owner(fill)
            if one is None and fill.time_ns < trade.plan.venue_ns:
                trade.seen.add(fill.trade_id)  # before this trade: not of it
            elif one is None and not sure:
                continue  # whose it is will be known when all of our own orders are
            elif fill.side != trade.side and trade.closes_unshown(lots_of(trade.contract, fill)):
                continue  # the execution that it closes has not shown yet
            else:
                self._take(trade, fill, one)

    def _looked_again(self, trade: Trade, fresh: Sequence[Fill]) -> bool:
        """An execution that seems to be someone else's may be of a stop triggered since, under a new id.

        Whether all of our exits could be looked at.
        """
        if not any(fill.side != trade.side and trade.owner(fill) is None for fill in fresh):
            return True
        looked = [self._look_for(trade, one) for one in (*trade.of("stop"), *trade.of("close"))]
        return all(looked)

    def _take(self, trade: Trade, fill: Fill, one: Placed | None) -> None:
        """Book one execution: kept first, then counted."""
        contract = trade.contract
        lots = lots_of(contract, fill)
        body = {
            "fill_id": fill.trade_id,
            "client_id": one.client_id if one else "",
            "order_id": fill.order_id,
            "side": fill.side,
            "lots": int(lots),
            "own_lots": trade.part_of(one, fill.side, lots),
            "price_ticks": int(ticks_of(contract, fill)),
            "fee_cash": int(fee_of(contract, fill)) if trade.part_of(one, fill.side, lots) else 0,
            "last_ticks": int(ticks_of(contract, fill)),  # the last price when it happened
            "time_ns": fill.time_ns,
            "seen_ns": int(self.clock.now_ns()),
        }
        self.log.later(self.clock.now_ns(), Note("fill", trade.id, body, f"fill:{trade.id}:{fill.trade_id}"))
        self.booked[booking_name(contract.id, fill.trade_id)] = None
        trade.take(body)
        whose = one.role if one else "someone else's order"
        self.tell(
            "fill" if one else "foreign",
            f"{'bought' if fill.side > 0 else 'sold'} {contract.quantity_text(lots)} at"
            f" {contract.price_text(ticks_of(contract, fill))} ({whose})",
            trade,
            lots=int(lots),
            side=fill.side,
            ticks=int(ticks_of(contract, fill)),
            fee_cash=fill.fee_cash,
            fill_ns=fill.time_ns,
        )

    def believe(self, trade: Trade, beside_lots: int) -> None:
        """The venue's position differs by so many lots for too long, and no execution tells why: it is right.

        What it holds less of ours counts as closed by someone else at the last price; what it holds more is
        someone else's.
        """
        now = self.clock.now_ns()
        side = 1 if beside_lots > 0 else -1
        last = int(trade.mirror.state.markets[0].last_ticks)
        body = {
            "fill_id": f"believed:{now}",
            "client_id": "",
            "order_id": "",
            "side": side,
            "lots": abs(beside_lots),
            "own_lots": trade.part_of(None, side, abs(beside_lots)),
            "price_ticks": last,
            "fee_cash": 0,
            "last_ticks": last,
            "time_ns": now,
            "seen_ns": int(now),
        }
        self.log.later(now, Note("fill", trade.id, body))
        trade.take(body)
        self.tell(
            "divergence",
            f"{trade.contract.id}: the venue's position is taken for true, {beside_lots:+d} lots without an"
            " execution of ours",
            trade,
            lots=beside_lots,
        )


def _body(one: Placed) -> dict[str, int | str]:
    names = ("client_id", "role", "number", "lots", "ticks", "time_ns")
    plain: dict[str, int | str] = msgspec.to_builtins({name: getattr(one, name) for name in names})
    return plain


def words(trade: Trade, one: Placed) -> str:
    """An order in words.

    "stop of 5 lots at 64350.0 of binance:BTCUSDT"
    """
    at = f"at {trade.contract.price_text(one.ticks)}" if one.ticks else "at the market"
    return f"{one.role} of {one.lots} lots {at} of {trade.contract.id}"


def _hint(error: LotwiseError) -> str:
    return f" ({error.hint})" if error.hint else ""
