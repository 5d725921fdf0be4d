"""A trade while it lives: its plan, its orders as last seen, its mirror; made anew from the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from lotwise.broker.intents import Role, TradePlan, client_id_of
from lotwise.broker.mirror import Mirror
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.records.journal import Fill
from lotwise.records.live import OrderWanted
from lotwise.units import Lots, Ticks

if TYPE_CHECKING:
    from lotwise.store.database import Event

AGAIN_NS: Final = 1_000_000_000
"""So long after an exit whose answer was lost, and that is not found, the next attempt is made."""
Stage = Literal["sent", "open", "ended"]


@dataclass(slots=True)
class Placed:
    """An order of ours, as last seen."""

    client_id: str
    role: Role
    number: int
    """Of the entry or target."""
    lots: int
    ticks: int
    """Limit or trigger; 0 at the market."""
    time_ns: int
    stage: Stage = "sent"
    """``sent``: no answer is known yet."""
    how: str = ""
    """How it ended: a state of the venue, ``refused``, or ``absent``: it never arrived."""
    venue_id: str = ""
    filled_lots: int = 0
    """As the venue's order says."""
    booked_lots: int = 0
    """As its executions say."""
    cancel_asked: bool = False
    missing_ns: int = 0
    """Since when the venue does not know it; 0: it does."""

    @property
    def left_lots(self) -> int:
        """What may still fill."""
        return self.lots - max(self.filled_lots, self.booked_lots)

    @property
    def is_live(self) -> bool:
        """It stands, or may stand."""
        return self.stage != "ended"


@dataclass
class Trade:
    """One trade of one contract."""

    plan: TradePlan
    contract: Contract
    mirror: Mirror
    placed: dict[str, Placed] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    """Executions that were looked at."""
    closing: str = ""
    """Why it is being closed."""
    is_taken: bool = False
    """The limits count it."""
    hand_lots: int = 0
    """Held in the contract beside this trade by someone else's orders, signed."""
    hand_exit_lots: int = 0
    """What others' executions closed of this trade."""
    naked_since_ns: int = 0
    """Since when a position without a seen stop is known; 0: none is."""
    first_fill_ns: int = 0
    divergent_since_ns: int = 0
    troubled: bool = False
    """The last look at it failed, or left something undone."""
    trouble: str = ""
    """What was told of it last, and when."""
    told_ns: int = 0
    gone: list[tuple[Placed, str]] = field(default_factory=list)
    """Stops seen to have ended unfilled, with the venue's reason: judged when the whole picture is read."""
    is_restored: bool = False
    """Taken up from a log whose last notes may be lost: exits that stand at the venue are adopted."""
    is_ending: bool = False
    """The session ends: entries that wait are taken back."""

    @property
    def id(self) -> str:
        """Its name."""
        return self.plan.trade_id

    @property
    def side(self) -> int:
        """1 long, -1 short."""
        return self.plan.signal.side

    def of(self, role: Role) -> list[Placed]:
        """Orders of a role that stand or may stand, the newest last."""
        return [one for one in self.placed.values() if one.role == role and one.is_live]

    @property
    def unseen_lots(self) -> int:
        """What the venue's orders have filled and no execution has shown yet: entries less exits."""
        entered, left = self._unshown()
        return entered - left

    @property
    def is_behind(self) -> bool:
        """Some execution has not shown yet."""
        return any(self._unshown())

    def _unshown(self) -> tuple[int, int]:
        entered = sum(max(0, one.filled_lots - one.booked_lots) for one in self._all("entry"))
        left = sum(max(0, one.filled_lots - one.booked_lots) for one in self._exits())
        return entered, max(0, left - self.hand_exit_lots)

    @property
    def held_lots(self) -> Lots:
        """Held on the trade's side, by all that is known."""
        return Lots(max(0, self.mirror.held_lots + self.unseen_lots))

    @property
    def covered_lots(self) -> int:
        """Lots behind stops that were seen."""
        return sum(one.left_lots for one in self.of("stop") if one.stage == "open")

    @property
    def is_unsure(self) -> bool:
        """An order was sent of which no answer is known."""
        return any(one.stage == "sent" for one in self.placed.values())

    @property
    def needs_care(self) -> bool:
        """Something is not as it should be, or not known: look at every moment until it is."""
        unfinished = self.troubled or self.is_unsure or self.is_behind
        return unfinished or bool(self.closing) or self.naked_since_ns > 0

    def unknown(self, role: Role, now_ns: int) -> bool:
        """An exit was sent a moment ago and its answer is not known; after that another may be sent.

        Both reduce only: a first one that arrives late can do no harm.
        """
        # a clock that was set back may not make a moment an hour
        return any(one.stage == "sent" and 0 <= now_ns - one.time_ns < AGAIN_NS for one in self.of(role))

    def _all(self, role: Role) -> Iterable[Placed]:
        return (one for one in self.placed.values() if one.role == role)

    def _exits(self) -> Iterable[Placed]:
        return (one for one in self.placed.values() if one.role != "entry")

    def next_order(self, role: Role, number: int, *, lots: int, ticks: int, now_ns: int) -> Placed:
        """The next attempt at an order."""
        attempt = 1 + sum(1 for one in self._all(role) if one.number == number)
        client_id = client_id_of(self.id, role, number, attempt)
        return Placed(client_id, role, number, lots=lots, ticks=ticks, time_ns=now_ns)

    def wanted(self, one: Placed, by_mark: bool) -> OrderWanted:
        """An order as the venue is asked for it."""
        enters = one.role == "entry"
        kinds: dict[str, Any] = {"stop": "stop", "close": "market", "target": "limit"}
        return OrderWanted(
            contract_id=self.contract.id,
            client_id=one.client_id,
            kind=kinds.get(one.role, "limit" if one.ticks else "market"),
            side=self.side if enters else -self.side,
            lots=Lots(one.lots),
            price_ticks=Ticks(0 if one.role == "stop" else one.ticks),
            trigger_ticks=Ticks(one.ticks if one.role == "stop" else 0),
            by_mark=by_mark and one.role == "stop",
            is_reduce_only=not enters,
        )

    def owner(self, fill: Fill) -> Placed | None:
        """The order of an execution: by the venue's id, else a stop that has filled more than was booked.

        A venue may give a triggered stop a new id; other orders keep theirs.
        """
        for one in self.placed.values():
            if one.venue_id and one.venue_id == fill.order_id:
                return one
        if fill.side != self.side:
            for one in self._all("stop"):
                if one.filled_lots > one.booked_lots:
                    return one
        return None

    def take(self, body: Mapping[str, Any]) -> None:
        """Book an execution as the log has it."""
        self.seen.add(body["fill_id"])
        one = self.placed.get(body["client_id"])
        lots, own_lots = int(body["lots"]), int(body["own_lots"])
        if one is None or one.role == "entry":
            self.hand_lots += body["side"] * (lots - own_lots)
        if one is None:
            self.hand_exit_lots += own_lots
        else:
            one.booked_lots += lots
            one.venue_id = one.venue_id or body["order_id"]
        if not own_lots:
            return
        number = 0 if one is None or one.role in ("stop", "close") else one.number
        if one is not None and one.role == "entry":
            number = -1
            self.first_fill_ns = self.first_fill_ns or int(body["seen_ns"])
        self.mirror.price(body["last_ticks"], body["seen_ns"])
        self.mirror.book(
            number,
            side=body["side"],
            lots=own_lots,
            price_ticks=body["price_ticks"],
            fee_cash=body["fee_cash"],
        )

    def closes_unshown(self, lots: int) -> bool:
        """So much is closed, and not so much was entered by the executions that have shown."""
        waits = any(one.filled_lots > one.booked_lots for one in self._all("entry"))
        return waits and lots > self.mirror.held_lots

    def part_of(self, one: Placed | None, side: int, lots: int) -> int:
        """How much of an execution is of this trade: of an exit no more than is held.

        A contract has one position: what opposes the lots that others hold in it closes those first, be it
        someone else's order or an entry of ours.
        """
        held = max(0, self.mirror.held_lots)
        beside = min(lots, abs(self.hand_lots)) if self.hand_lots * side < 0 else 0
        if one is not None:
            return lots - beside if one.role == "entry" else min(lots, held)
        return 0 if side == self.side else min(lots - beside, held)


def begun(plan: TradePlan, contract: Contract, by_mark: bool) -> Trade:
    """A trade before its first order."""
    trade = Trade(plan, contract, Mirror(contract, plan, by_mark))
    for number, leg in enumerate(plan.legs, 1):
        one = trade.next_order("entry", number, lots=leg.lots, ticks=leg.price_ticks, now_ns=plan.time_ns)
        trade.placed[one.client_id] = one
    return trade


@dataclass
class Known:
    """What a log says: trades that are not over, the usage, the locks, what is not ours."""

    trades: dict[str, Trade] = field(default_factory=dict)
    """By contract."""
    usage: dict[str, int] = field(default_factory=dict)
    foreign: dict[str, dict[str, int]] = field(default_factory=dict)
    """By contract: the positions of others that the limits count."""
    income_ns: int = 0
    number: int = 0
    """Plans made so far."""
    booked: dict[str, None] = field(default_factory=dict)
    """Executions that were booked, as ``contract|id``: none is booked again by a later trade."""
    entries: int = 0
    """Entries of the log."""


def known_of(events: Sequence[Event], contracts: Mapping[str, Contract], by_mark: bool) -> Known:
    """Play a log again.

    Raises
    ------
    InputError
        BROKER-171 a trade that is not over is of a contract that this session does not have.
    """
    known, by_id = Known(), dict[str, Trade]()
    for event in events:
        known.entries = event.id
        body = event.body
        if "usage" in body:
            known.usage = body["usage"]
        if event.kind == "rest":
            known.foreign, known.income_ns, known.number = body["foreign"], body["income_ns"], body["number"]
            known.booked = dict.fromkeys(body["booked"])
        elif event.kind == "plan":
            plan = msgspec.convert(body, TradePlan)
            known.number += 1
            by_id[plan.trade_id] = begun(plan, _contract(plan, contracts), by_mark)
        elif event.kind == "foreign":
            known.foreign.pop(event.subject, None)
            if body["position"]:
                known.foreign[event.subject] = body["position"]
        elif event.kind == "income":
            known.income_ns = body["until_ns"]
        elif event.kind == "end":
            by_id.pop(event.subject, None)
        elif event.subject in by_id:
            _applied(by_id[event.subject], event)
            if event.kind == "fill":
                known.booked[booking_name(by_id[event.subject].contract.id, body["fill_id"])] = None
    known.trades = {trade.contract.id: trade for trade in by_id.values()}
    return known


def booking_name(contract_id: str, fill_id: str) -> str:
    """Under which an execution is remembered."""
    return f"{contract_id}|{fill_id}"


def _contract(plan: TradePlan, contracts: Mapping[str, Contract]) -> Contract:
    if plan.contract_id not in contracts:
        raise InputError(
            "BROKER-171",
            f"the log has an open trade of {plan.contract_id}; this session trades {', '.join(contracts)}",
            f"add {plan.contract_id} to the session, or close it with `lotwise flatten` first",
        )
    return contracts[plan.contract_id]


def _applied(trade: Trade, event: Event) -> None:
    body = event.body
    if event.kind == "send":
        one = Placed(**body)
        trade.placed[one.client_id] = one
        if one.role == "stop":
            trade.mirror.tighten(one.ticks)
    elif event.kind == "cancel":
        trade.placed[body["client_id"]].cancel_asked = True
    elif event.kind == "answer":
        one = trade.placed[body["client_id"]]
        one.stage, one.how, one.venue_id = body["stage"], body["how"], body["venue_id"]
        one.filled_lots = body["filled_lots"]
    elif event.kind == "fill":
        trade.take(body)
    elif event.kind == "moved":
        trade.placed[body["client_id"]].ticks = body["ticks"]
        trade.mirror.tighten(body["ticks"])
    elif event.kind == "closing":
        trade.closing = body["why"]
    elif event.kind == "took":
        trade.is_taken = True
