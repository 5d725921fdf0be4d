"""The port on a real venue: sends by the allow-list, then reads back and compares before it says done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec

from lotwise.broker.ccxt_venue.allowed import ALLOWED
from lotwise.broker.ccxt_venue.dialect import Dialect, Settings
from lotwise.broker.ccxt_venue.raw import MS
from lotwise.broker.ccxt_venue.rights import check_live
from lotwise.broker.ccxt_venue.wire import AlreadySo, NoSuchOrder
from lotwise.broker.venue import OrderRefused, OutcomeUnknown, RateLimited, Resting, VenueDown
from lotwise.contracts.contract import Contract
from lotwise.contracts.facts_file import UNKNOWN
from lotwise.contracts.refresh.reading import Contradiction
from lotwise.contracts.refresh.venues import READERS
from lotwise.errors import InputError, LotwiseError, VenueError
from lotwise.records.journal import Fill, Income
from lotwise.records.live import LIVE, OrderWanted, VenueBalance, VenueMarket, VenueOrder, VenuePosition
from lotwise.units import parse_scaled, scaled_text

Pause = Callable[[float], object]
Read = TypeVar("Read")
PAUSES_S: Final = (0.0, 0.1, 0.2, 0.4, 0.8, 1.5)
"""Seconds before each look at an order that was sent; after the last one it counts as not seen."""


def wait(seconds: float) -> None:
    """Do nothing for so long; Ctrl-C ends it."""
    threading.Event().wait(seconds)


def kind_of(order: OrderWanted) -> str:
    """The row of the allow-list that an order needs.

    >>> from lotwise.units import Lots
    >>> kind_of(OrderWanted(contract_id="binance:X", client_id="a", kind="market", side=1, lots=Lots(1)))
    'market'
    """
    if order.kind in ("stop", "target"):
        return order.kind if order.is_reduce_only else f"{order.kind} entry"
    name = "post-only" if order.is_post_only and order.kind == "limit" else order.kind
    return f"{name} reduce" if order.is_reduce_only else name


class CcxtVenue:
    """A venue of ccxt behind the port; :func:`lotwise.broker.ccxt_venue.connect.connect` makes one.

    Parameters
    ----------
    pauses_s
        How long to wait before each look at an order that was sent; their number is the bound of the looks.
    """

    def __init__(self, dialect: Dialect, pause: Pause = wait, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self.dialect, self.desk, self.wire = dialect, dialect.desk, dialect.wire
        self.name, self.account = dialect.venue, dialect.desk.account
        self._pause, self._pauses_s = pause, tuple(pauses_s)
        self._ids: dict[str, str] = {}
        """Client id of a conditional order to the venue's, where the venue does not tell the former."""

    def now_ns(self) -> int:
        """The venue's clock: ours and the difference that was last measured."""
        return self.wire.clock.now_ns() + self.wire.skew_ms * MS

    @property
    def tells_trigger_ids(self) -> bool:
        """Whether a conditional order is told with the client's id; else only those of this process are."""
        return self.dialect.tells_trigger_ids

    def knows(self, client_id: str, venue_id: str) -> None:
        """An order of an earlier process by the venue's id: else one that shows no client id is nobody's."""
        if not self.dialect.tells_trigger_ids:
            self._ids[client_id] = venue_id

    @property
    def passed_over(self) -> set[str]:
        """Symbols that :meth:`passing_over` has left out of lists."""
        return self.desk.passed_over

    @contextmanager
    def passing_over(self) -> Iterator[None]:
        """Within: what stands in contracts that the facts do not know is passed over, where a list has it."""
        self.desk.passes_over = True
        try:
            yield
        finally:
            self.desk.passes_over = False

    # -- set-up ------------------------------------------------------------------------------------

    def prepare(self, contract_id: str, leverage100: int, is_isolated: bool) -> None:
        """Set one-way mode, margin mode and leverage where they are not so, and verify by reading back.

        Raises
        ------
        InputError
            BROKER-123 another venue's contract; BROKER-124 a leverage that the venue cannot have;
            BROKER-132 tiers or fees are unknown and the money is real.
        VenueError
            BROKER-124 it is not as asked after setting it; BROKER-125 positions are not one-way and cannot be
            made so; BROKER-126 the venue's own tick or lot is not that of the facts.
        """
        contract = self.desk.contract(contract_id)
        check_live(contract, self.desk.where)
        if leverage100 < 100 or (self.dialect.whole_leverage and leverage100 % 100):
            raise InputError(
                "BROKER-124",
                f"leverage {scaled_text(leverage100, 2)} of {contract_id}",
                f"{self.name} takes whole numbers from 1 on" if self.dialect.whole_leverage else "1 or more",
            )
        self._check_units(contract)
        found = self.dialect.settings(contract, is_isolated)
        if found.is_one_way is False:
            self._set(lambda: self.dialect.set_one_way(contract))
        if found.is_isolated != is_isolated or (found.is_one_way is False and self.name == "weex"):
            self._set(lambda: self.dialect.set_margin(contract, leverage100, is_isolated))
        if set(found.leverages100) != {leverage100}:
            self._set(lambda: self.dialect.set_leverage(contract, leverage100, is_isolated))
        self._verify(contract, leverage100, is_isolated, self.dialect.settings(contract, is_isolated))
        self.desk.prepared[contract.id] = (leverage100, is_isolated)

    def _set(self, call: Callable[[], None]) -> None:
        try:
            call()
        except AlreadySo:
            return  # said by -4046, -4059, 110043 and the like; the read-back is what counts

    def _verify(self, contract: Contract, leverage100: int, is_isolated: bool, found: Settings) -> None:
        if found.is_one_way is False:
            raise VenueError(
                "BROKER-125",
                f"{self.name} keeps long and short of {contract.id} apart (hedge mode)",
                "close all positions and orders there, then prepare again",
            )
        if found.is_isolated != is_isolated or set(found.leverages100) != {leverage100}:
            words = {True: "isolated", False: "cross", None: "an unknown margin mode"}
            told = ", ".join("unknown" if one is None else scaled_text(one, 2) for one in found.leverages100)
            raise VenueError(
                "BROKER-124",
                f"{contract.id} stands at {words[found.is_isolated]}, leverage {told}; asked were"
                f" {words[is_isolated]}, {scaled_text(leverage100, 2)}",
                "close its orders and position, or set it on the venue's app; then prepare again",
            )

    def check_facts(self, contract_id: str) -> list[str]:
        """Compare a contract's facts with the venue's own: what differs and can be lived with, in words.

        Raises
        ------
        VenueError
            BROKER-126 tick, lot or size differ: every price and quantity would be another one.
        """
        contract = self.desk.contract(contract_id)
        row = self._check_units(contract)
        found = []
        for name in ("min_quantity", "min_notional", "max_leverage"):
            theirs, ours = row.get(name), getattr(contract, name, None)
            if theirs in (None, "", UNKNOWN) or ours is None:
                continue
            if parse_scaled(str(theirs), name) != parse_scaled(str(ours), name):
                found.append(f"{name} of {contract.id} is {theirs} at the venue and {ours} in the facts")
        return found

    def _check_units(self, contract: Contract) -> Mapping[str, object]:
        """Tick, lot and size of a contract as the venue tells them are those that orders are counted in."""
        raw = self.dialect.facts(contract)
        reader = READERS[contract.venue if contract.venue in READERS else self.name]
        try:
            row = reader.row(raw) if raw is not None else None
        except Contradiction as error:
            row, why = None, str(error)
        else:
            why = "the venue does not list it"
        if row is None:
            raise VenueError("BROKER-126", f"{contract.id}: {why}", "trade another contract")
        names = ("tick_size", "lot_size", "contract_size")
        for name in names:
            theirs, ours = str(row[name]), str(getattr(contract, name))
            if parse_scaled(theirs, name) != parse_scaled(ours, name):
                raise VenueError(
                    "BROKER-126",
                    f"{name} of {contract.id} is {theirs} at the venue and {ours} in the facts",
                    f"lotwise contracts refresh --venue {contract.venue}",
                )
        return row

    # -- orders ------------------------------------------------------------------------------------

    def place(self, order: OrderWanted) -> VenueOrder:
        """Send an order and read it back; a stop counts when it is seen among the conditional orders.

        Raises
        ------
        InputError
            BROKER-120 a kind that the venue has not; BROKER-122 an order that cannot be; nothing was sent.
        VenueError
            As :meth:`Wire.ask`; BROKER-146 accepted and not seen, BROKER-147 seen as something else: what
            came of it must be read back.
        """
        contract = self.desk.contract(order.contract_id)
        kind = kind_of(order)
        self._check(order, kind)
        self.dialect.before(order, contract)
        params = self._read(lambda: self.dialect.placing(order, contract))  # may read; nothing was sent yet
        try:
            answer = self.wire.ask(kind, **params)
        except OutcomeUnknown as lost:
            seen = self._look(order, contract, "")
            if seen is None:
                raise OutcomeUnknown(
                    lost.code, f"{lost.message}; {len(self._pauses_s)} looks did not find it", lost.hint
                ) from None
            self._compare(order, seen)
            return seen
        venue_id = self.dialect.placed_id(answer)
        if not self.dialect.tells_trigger_ids:
            self._ids[order.client_id] = venue_id
        seen = self._look(order, contract, venue_id)
        if seen is None:
            raise OutcomeUnknown(
                "BROKER-146",
                f"{self.name} took {order.client_id} ({kind}) as {venue_id} and does not show it in"
                f" {len(self._pauses_s)} looks",
                "it does not count: read it back; flatten where it was to protect",
            )
        self._compare(order, seen)
        return seen

    def _check(self, order: OrderWanted, kind: str) -> None:
        if kind not in ALLOWED[self.name]:
            raise InputError(
                "BROKER-120", f"{self.name} has no {kind} here", "docs/venues.md has what each venue can do"
            )
        if order.is_post_only and order.kind != "limit":
            raise InputError(
                "BROKER-122", f"a post-only {order.kind} order", "only a limit order can be post-only"
            )
        if not self.dialect.client_ids.fullmatch(order.client_id):
            raise InputError(
                "BROKER-122",
                f"{self.name} does not take the client id {order.client_id[:60]!r}",
                f"use {self.dialect.client_ids.pattern}",
            )

    def _look(self, order: OrderWanted, contract: Contract, venue_id: str) -> VenueOrder | None:
        """The order as the venue shows it; a market order is looked at until it has ended."""
        is_trigger = order.kind in ("stop", "target")
        seen: VenueOrder | None = None
        for seconds in self._pauses_s:
            if seconds:
                self._pause(seconds)
            try:
                found = self._seen(order, contract, venue_id, is_trigger)
            except RateLimited:
                break  # to look on would make it worse; it was sent, and is read back later
            except Exception as error:  # it was sent: no answer to a look may make it seem never sent
                self.wire.tell(f"{self.name}: {order.client_id} cannot be looked for: {_kind(error)}")
                continue  # the next look may be answered; what was seen before stays
            seen = found or seen
            if seen is not None and (order.kind != "market" or seen.state != LIVE):
                return seen
        return seen

    def _seen(
        self, order: OrderWanted, contract: Contract, venue_id: str, is_trigger: bool
    ) -> VenueOrder | None:
        """A conditional order that waits must stand in the list of those that wait, not only be answered."""
        found = self.dialect.find(contract, order.client_id, venue_id, is_trigger)
        if found is None or not is_trigger or found.state != LIVE:
            return found
        listed = self.dialect.open_orders(contract)
        return found if any(one.venue_id == found.venue_id for one in listed) else None

    def _compare(self, order: OrderWanted, seen: VenueOrder) -> None:
        """What stands there is what was asked; else it is taken back, as far as it can be.

        A venue that tells no client id of conditional orders is compared by all else.
        """
        wanted = {
            "kind": order.kind,
            "side": order.side,
            "lots": order.lots,
            "price_ticks": order.price_ticks if order.kind == "limit" else seen.price_ticks,
            "is_reduce_only": order.is_reduce_only,
        }
        if order.kind in ("stop", "target"):
            wanted |= {"trigger_ticks": order.trigger_ticks, "by_mark": order.by_mark}
            if seen.state != LIVE:  # a triggered one may be told as the order that it became
                wanted = {"side": order.side, "lots": order.lots, "is_reduce_only": order.is_reduce_only}
        wrong = [name for name, value in wanted.items() if getattr(seen, name) != value]
        if not wrong:
            return
        if seen.state == LIVE:
            self._take_back(seen)
        told = ", ".join(f"{name} {getattr(seen, name)} instead of {wanted[name]}" for name in wrong)
        raise OutcomeUnknown(
            "BROKER-147",
            f"{self.name} shows {order.client_id} with {told}",
            "it was cancelled where that was possible: read it back and look at the position",
        )

    def _take_back(self, order: VenueOrder) -> None:
        try:
            self.cancel(order)
        except LotwiseError as error:
            self.wire.tell(f"{self.name}: {order.venue_id} could not be cancelled: {error.code}")

    def cancel(self, order: VenueOrder) -> VenueOrder:
        """Cancel an order and read it back; one that has already ended is returned as it ended.

        Raises
        ------
        VenueError
            As :meth:`Wire.ask`; BROKER-146 it was cancelled, and is still shown as open.
        """
        contract = self.desk.contract(order.contract_id)
        action, params = self.dialect.cancelling(order, contract)
        refused: OrderRefused | None = None
        try:
            self.wire.ask(action, **params)
        except OrderRefused as error:
            refused = error  # it may have ended in the meantime: the read-back tells
        found = self._ended(order, contract)
        if found is not None and found.state != LIVE:
            return found
        if refused is not None and not (isinstance(refused, NoSuchOrder) and found is None):
            raise refused
        if found is None:
            return _gone(order)
        raise OutcomeUnknown(
            "BROKER-146",
            f"{self.name} took the cancel of {order.venue_id} and still shows it as open",
            "read the order back before anything is sent again",
        )

    def _ended(self, order: VenueOrder, contract: Contract) -> VenueOrder | None:
        is_trigger = order.kind in ("stop", "target") or order.trigger_ticks > 0
        found: VenueOrder | None = None
        for seconds in self._pauses_s:
            if seconds:
                self._pause(seconds)
            try:
                if order.client_id:
                    found = self.dialect.find(contract, order.client_id, order.venue_id, is_trigger)
                else:
                    listed = self.dialect.open_orders(contract)
                    found = next((one for one in listed if one.venue_id == order.venue_id), None)
            except VenueDown:
                continue  # the next look may be answered
            if found is None or found.state != LIVE:
                return found
        return found

    # -- reads -------------------------------------------------------------------------------------

    def _read(self, call: Callable[[], Read]) -> Read:
        """A read whose answer may be anything: what cannot be made sense of is an error of the venue.

        Raises
        ------
        VenueError
            BROKER-196; and what the dialect raises.
        """
        try:
            return call()
        except LotwiseError:
            raise
        except Exception as error:  # an answer of another form than the venue documents fails anywhere
            raise VenueError(
                "BROKER-196",
                f"{self.name} answers in a way that cannot be read: {type(error).__name__}",
                "nothing was assumed: look at the venue's app",
            ) from error

    def order(self, contract_id: str, client_id: str) -> VenueOrder | None:
        """The order of a client id, ended or not, plain or conditional; None where there is none."""
        contract = self.desk.contract(contract_id)
        venue_id = self._ids.get(client_id, "")
        return self._read(lambda: self.dialect.find(contract, client_id, venue_id, is_trigger=False))

    def orders(self, contract_id: str = "") -> Sequence[VenueOrder]:
        """Every open order, plain and conditional, of one contract or of all."""
        contract = self.desk.contract(contract_id) if contract_id else None
        found = self._read(lambda: self.dialect.open_orders(contract))
        return [self._named(order) for order in found if order.state == LIVE]

    def _named(self, order: VenueOrder) -> VenueOrder:
        """With the client's id, where this process sent it and the venue does not tell it."""
        if order.client_id or self.dialect.tells_trigger_ids:
            return order
        ours = next((name for name, venue_id in self._ids.items() if venue_id == order.venue_id), "")
        return msgspec.structs.replace(order, client_id=ours)

    def positions(self) -> Sequence[VenuePosition]:
        """Every open position."""
        return self._read(self.dialect.positions)

    def balance(self, coin: str) -> VenueBalance:
        """The money of a settle coin."""
        return self._read(lambda: self.dialect.balance(coin))

    def market(self, contract_id: str) -> VenueMarket:
        """The top of the market now."""
        contract = self.desk.contract(contract_id)
        return self._read(lambda: self.dialect.market(contract))

    def book(self, contract_id: str) -> Resting:
        """What rests in the book now, the best prices of both sides."""
        contract = self.desk.contract(contract_id)
        return self._read(lambda: self.dialect.book(contract))

    def fills(self, contract_id: str, since_ns: int) -> Sequence[Fill]:
        """Own executions from that time on, oldest first, all pages, each once.

        Raises
        ------
        VenueError
            BROKER-151 an answer that cannot be read to its end.
        """
        from lotwise.journal.contracts import Facts
        from lotwise.journal.reading import from_ccxt

        contract = self.desk.contract(contract_id)
        raws = self._read(lambda: self.dialect.fills(contract, since_ns // MS))
        name = f"ccxt {self.name}"
        sizes = {contract.symbol: str(contract.contract_size)} if contract.venue == self.name else None
        found = from_ccxt(raws, self.name, Facts(sizes), account=self.account, name=name).fills
        found = [fill for fill in found if fill.time_ns >= since_ns]
        return sorted(found, key=lambda fill: (fill.time_ns, fill.sequence, fill.trade_id))

    def income(self, since_ns: int) -> Sequence[Income]:
        """Changes of the wallet from that time on, oldest first, all pages, each once."""
        found = self._read(lambda: self.dialect.incomes(since_ns // MS))
        return sorted((one for one in found if one.time_ns >= since_ns), key=lambda one: one.time_ns)


def _kind(error: Exception) -> str:
    """An error by its code or name; words from elsewhere may hold a signature."""
    return error.code if isinstance(error, LotwiseError) else type(error).__name__


def _gone(order: VenueOrder) -> VenueOrder:
    """An order of another client that stands in no list any more: whether it was filled is not told."""
    return msgspec.structs.replace(order, state="cancelled", reason="not shown any more")
