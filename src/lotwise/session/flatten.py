"""The kill switch from outside: cancel, close, verify, from the venue's state alone.

It needs no session, no log and no strategy: it works when the session is dead or its disk is gone. Where the
log can be written, the account is locked in it, and a session that starts later opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lotwise.broker.chronicle import Chronicle, Told
from lotwise.broker.intents import client_id_of, owner_of, trade_id_of
from lotwise.broker.venue import RateLimited, VenuePort
from lotwise.clock import Clock
from lotwise.errors import InputError, LotwiseError
from lotwise.records.live import OrderWanted, VenueOrder, VenuePosition
from lotwise.units import Lots

ROUNDS: Final = 8
"""Looks at the account, one after the other, before it gives up and says what is left."""
PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0)
"""After a look in which something failed."""
LONGEST_S: Final = 60.0
"""The longest wait for a venue that was asked too often."""


@dataclass
class Flattened:
    """What was done, and what is left."""

    cancelled: int = 0
    closed: int = 0
    left: list[str] = field(default_factory=list)
    """Contracts in which a position or an order of the scope still stands."""
    errors: list[str] = field(default_factory=list)

    @property
    def is_flat(self) -> bool:
        """Nothing of the scope is left, and the venue said so."""
        return not self.left


class Flattening:
    """One use of the kill switch.

    Parameters
    ----------
    contracts
        Only in these; empty: in all.
    everything
        Orders and positions of others too. Else a position is closed only in the contracts named, or where
        an order of ours stands; and only orders of ours are cancelled. Where the venue does not tell whose a
        stop is, those that reduce in the contracts named count as ours: they go when the position is gone.
    wait
        Does nothing for so many seconds: a venue that fails, or was asked too often, is given time.

    Raises
    ------
    InputError
        SESSION-110 neither contracts nor ``everything``: whose positions are meant cannot be seen from
        the venue alone.
    """

    def __init__(
        self,
        port: VenuePort,
        contracts: Sequence[str] = (),
        everything: bool = False,
        *,
        clock: Clock,
        chronicle: Chronicle,
        wait: Callable[[float], object] = lambda seconds: None,
    ) -> None:
        if not contracts and not everything:
            raise InputError(
                "SESSION-110",
                "0 contracts are named, and a venue does not say whose a position is",
                "name the contracts, or say that everything is meant",
            )
        self.port, self.contracts, self.everything = port, frozenset(contracts), everything
        self.clock, self.chronicle, self._wait = clock, chronicle, wait
        self.done = Flattened()
        self._tells_ids = getattr(port, "tells_trigger_ids", True)
        self._attempts = 0
        self._has_failed, self._until_ns = False, 0

    def run(self) -> Flattened:
        """Cancel entries, close positions, cancel exits, and look again until nothing is left."""
        for number in range(ROUNDS):
            if self._has_failed:
                self._pause(number - 1)
            self._has_failed = False
            try:
                orders, positions = self._scope()
            except LotwiseError as error:
                self._failed("the account cannot be read", error)
                self.done.left = sorted(self.contracts) or ["all: the venue cannot be read"]
                continue
            held = {one.contract_id for one in positions}
            self.done.left = sorted(held | {one.contract_id for one in orders})
            if not self.done.left:
                break
            self._cancel([one for one in orders if not _reduces(one)])
            for position in positions:
                self._close(position)
            # exits are taken away last: until the position is gone they are all that protects it
            self._cancel([one for one in orders if _reduces(one) and one.contract_id not in held])
        self._say()
        return self.done

    def _pause(self, number: int) -> None:
        quiet_s = (self._until_ns - self.port.now_ns()) / 10**9 if self._until_ns else 0.0
        self._until_ns = 0
        self._wait(min(LONGEST_S, max(PAUSES_S[min(number, len(PAUSES_S) - 1)], quiet_s)))

    def _scope(self) -> tuple[list[VenueOrder], list[VenuePosition]]:
        orders = [
            one
            for one in self.port.orders()
            if self._named(one.contract_id) and (self.everything or self._is_ours(one))
        ]
        return orders, [one for one in self.port.positions() if one.lots and self._named(one.contract_id)]

    def _is_ours(self, order: VenueOrder) -> bool:
        """By its client id; a stop or target that the venue shows without one may be of a dead session.

        Left standing it would close what is opened next. It only reduces, and what it could reduce is closed
        before; what opens is never ours without our id.
        """
        if order.client_id or self._tells_ids:
            return owner_of(order.client_id) is not None
        return order.is_reduce_only and order.kind in ("stop", "target")

    def _named(self, contract_id: str) -> bool:
        return not self.contracts or contract_id in self.contracts

    def _cancel(self, orders: Sequence[VenueOrder]) -> None:
        for order in orders:
            try:
                self.port.cancel(order)
            except LotwiseError as error:
                self._failed(f"{order.kind} {order.client_id or order.venue_id} was not cancelled", error)
            else:
                self.done.cancelled += 1

    def _close(self, position: VenuePosition) -> None:
        self._attempts += 1
        now = self.clock.now_ns()
        name = trade_id_of(self.port.account, position.contract_id, now, self._attempts)
        wanted = OrderWanted(
            contract_id=position.contract_id,
            client_id=client_id_of(name, "close", 0, self._attempts),
            kind="market",
            side=-1 if position.lots > 0 else 1,
            lots=Lots(abs(position.lots)),
            is_reduce_only=True,
        )
        try:
            self.port.place(wanted)
        except LotwiseError as error:  # also a lost answer: the next look at the position tells
            self._failed(f"the close of {position.lots} lots of {position.contract_id} failed", error)
        else:
            self.done.closed += 1

    def _failed(self, what: str, error: LotwiseError) -> None:
        self._has_failed = True
        if isinstance(error, RateLimited):
            self._until_ns = max(self._until_ns, error.until_ns)
        said = f"{what}: {error.message}"
        if said not in self.done.errors:
            self.done.errors.append(said)

    def _say(self) -> None:
        done = self.done
        end = "all is flat" if done.is_flat else f"NOT flat: {', '.join(done.left)}"
        told = f"flatten: {done.cancelled} orders cancelled, {done.closed} positions closed; {end}"
        numbers = {"cancelled": done.cancelled, "closed": done.closed, "left": len(done.left)}
        self.chronicle.told(Told(kind="lock", time_ns=self.clock.now_ns(), message=told, numbers=numbers))


def _reduces(order: VenueOrder) -> bool:
    return order.is_reduce_only or order.closes_position
