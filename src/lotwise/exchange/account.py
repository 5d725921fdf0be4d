"""An account of the venue: one kernel state, and the diary of what its log said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from lotwise.errors import LotwiseError
from lotwise.exchange.records import (
    CANCELLED,
    EXPIRED,
    FILLED,
    WAITING,
    WORKING,
    Diary,
    Fill,
    Happening,
    Income,
    MarginMove,
    Order,
)
from lotwise.kernel import machine
from lotwise.kernel.layout import TierRow
from lotwise.kernel.slots import slot_of
from lotwise.kernel.snapshot import new_state, restore, save
from lotwise.kernel.state import (
    AMEND,
    LEVERAGE,
    LIMIT,
    LOG_CANCELLED,
    LOG_DEFICIT,
    LOG_EXPIRED,
    LOG_FILL,
    LOG_FUNDING,
    LOG_MARGIN,
    LOG_MARGIN_CALL,
    LOG_PLACED,
    LOG_REDUCTION,
    LOG_TAKEOVER,
    LOG_TRANSFER,
    LOG_TRIGGERED,
    MARGIN_MODE,
    MARKET,
    PLACE,
    ContractRow,
    EventRow,
    LogRow,
    State,
)

LOG_ROWS: Final = 1_024
"""Happenings of one event; more than all slots of an account can make at once."""
SLOTS: Final = 200
"""Orders at once. Source: Binance USD-M, filter MAX_NUM_ORDERS."""
CALL_RATIO8: Final = 80_000_000
"""A margin call is said at 80 % of the maintenance ratio; the venue's threshold is not published."""


Frozen = tuple[dict[str, Any], Diary]
"""An account as it was at one moment: who it is with its state, and its diary."""


class Account:
    """One account: who may use it, its state, its diary."""

    def __init__(self, number: int, name: str, key: str, secret: str, state: State) -> None:
        self.number = number
        self.name = name
        self.key = key
        self.secret = secret
        self.state = state
        count = len(state.markets)
        self.diary = Diary(position_changed_ns=[0] * count, realised_cash=[0] * count)
        self.clients: dict[str, int] = {}
        """Client ids of live orders."""

    def step(self, event: EventRow, client_id: str = "") -> tuple[int, list[Happening]]:
        """Do one event of the market or the trader; its answer, and what happened.

        A refused event changes nothing, not even the diary.
        """
        account = self.state.account[0]
        before, account.logged = account.logged, 0
        code = machine.step(self.state, [event])
        if code != 0:
            account.logged = before
            return code, []
        if account.logged == 0 and event.kind not in (LEVERAGE, MARGIN_MODE):
            return 0, []
        if account.logged > LOG_ROWS:
            raise LotwiseError(
                "EXCHANGE-101", f"{account.logged} happenings in one event, room for {LOG_ROWS}"
            )
        return 0, self._written(event, client_id)

    def _written(self, event: EventRow, client_id: str) -> list[Happening]:
        found: list[Happening] = []
        now = event.time_ns
        for row in self.state.log[: self.state.account[0].logged]:
            found += self._row(row, event, client_id)
        self._close_filled(found, now)
        if event.kind in (LEVERAGE, MARGIN_MODE):
            kind = "leverage" if event.kind == LEVERAGE else "mode"
            found.append(Happening(kind=kind, contract=event.contract, time_ns=now))
        for one in found:
            if one.contract >= 0:
                self.diary.position_changed_ns[one.contract] = now
        self.diary.changed_ns = now
        self.diary.forget()
        return found

    def _row(self, row: LogRow, event: EventRow, client_id: str) -> list[Happening]:
        """What one log row says."""
        match row.kind:
            case kind if kind == LOG_PLACED:
                return [self._placed(row, event, client_id)]
            case kind if kind == LOG_FILL:
                return [self._filled(row)]
            case kind if kind == LOG_TRIGGERED:
                order = self.diary.orders[row.order_id]
                order.triggered_ns, order.status, order.changed_ns = row.time_ns, WORKING, row.time_ns
                order.trigger_ticks = row.price_ticks  # a trailing one's has moved
                return [self._told("triggered", order, row.time_ns)]
            case kind if kind in (LOG_CANCELLED, LOG_EXPIRED):
                return [self._ended(row)]
            case kind if kind == LOG_FUNDING:
                self._income("funding", row.contract, -row.funding_cash, time_ns=row.time_ns)
                if row.insurance_cash:
                    self._income("insurance", row.contract, -row.insurance_cash, time_ns=row.time_ns)
                return [self._money("funding", row, row.cross_cash + row.isolated_cash)]
            case kind if kind == LOG_TRANSFER:
                self._income("transfer", -1, row.cross_cash, time_ns=row.time_ns)
                return [self._money("transfer", row, row.cross_cash)]
            case kind if kind == LOG_MARGIN:
                self.diary.moves.append(MarginMove(row.contract, row.isolated_cash, row.time_ns))
                return [self._money("margin", row, row.isolated_cash)]
            case kind if kind in (LOG_REDUCTION, LOG_TAKEOVER):
                if row.lots:
                    return [self._liquidated(row)]
                if row.insurance_cash:  # what is left of the wallet goes to the fund, or comes from it
                    self._income("insurance", row.contract, -row.insurance_cash, time_ns=row.time_ns)
                return [self._money("deficit", row, -row.insurance_cash)]
            case kind if kind == LOG_DEFICIT:
                self._income("insurance", -1, row.cross_cash, time_ns=row.time_ns)
                return [self._money("deficit", row, row.cross_cash)]
            case kind if kind == LOG_MARGIN_CALL:
                return [self._money("called", row, 0)]
        return []

    def _placed(self, row: LogRow, event: EventRow, client_id: str) -> Happening:
        """A new order, or an amended one with its new price and lots."""
        if event.kind == AMEND:
            order = self.diary.orders[row.order_id]
            order.lots, order.price_ticks = event.lots, event.price_ticks
            order.changed_ns = row.time_ns
            return self._told("amended", order, row.time_ns)
        assert event.kind == PLACE
        order = Order(
            id=row.order_id,
            contract=row.contract,
            client_id=client_id,
            kind=event.order_kind,
            side=event.side,
            tif=event.tif,
            lots=event.lots,
            price_ticks=event.price_ticks,
            trigger_ticks=event.trigger_ticks,
            activation_ticks=event.activation_ticks,
            callback8=event.callback8,
            by_mark=event.by_mark,
            reduce_only=event.reduce_only,
            close_position=event.close_position,
            post_only=event.post_only,
            expires_ns=event.expires_ns,
            placed_ns=row.time_ns,
            changed_ns=row.time_ns,
            status=WORKING if event.order_kind in (LIMIT, MARKET) else WAITING,
        )
        self.diary.orders[order.id] = order
        if client_id:
            self.clients[client_id] = order.id
        return self._told("placed", order, row.time_ns)

    def _filled(self, row: LogRow) -> Happening:
        order = self.diary.orders[row.order_id]
        unit = self.state.contracts[row.contract].cash_per_tick_lot
        order.filled_lots += abs(row.lots)
        order.filled_cash += row.price_ticks * abs(row.lots) * unit
        order.changed_ns = row.time_ns
        fill = self._fill(row, order.id)
        return self._told("filled", order, row.time_ns, fill=fill)

    def _fill(self, row: LogRow, order_id: int) -> Fill:
        """A fill and its incomes; what it realised is what its two sides do not explain."""
        realised = -(row.trades_cash + row.positions_cash)
        fill = Fill(
            id=self.diary.next_fill,
            order_id=order_id,
            contract=row.contract,
            side=1 if row.lots > 0 else -1,
            lots=abs(row.lots),
            price_ticks=row.price_ticks,
            fee_cash=row.fees_cash,
            realised_cash=realised,
            maker=row.maker,
            time_ns=row.time_ns,
        )
        self.diary.next_fill += 1
        self.diary.fills.append(fill)
        self.diary.realised_cash[row.contract] += realised
        for kind, cash in (
            ("realised", realised),
            ("fee", -row.fees_cash),
            ("insurance", -row.insurance_cash),
        ):
            if cash:
                self._income(kind, row.contract, cash, time_ns=row.time_ns, fill_id=fill.id)
        return fill

    def _ended(self, row: LogRow) -> Happening:
        order = self.diary.orders[row.order_id]
        order.status = EXPIRED if row.kind == LOG_EXPIRED else CANCELLED
        order.reason, order.changed_ns = row.reason, row.time_ns
        self.clients.pop(order.client_id, None)
        return self._told("expired" if row.kind == LOG_EXPIRED else "cancelled", order, row.time_ns)

    def _close_filled(self, found: list[Happening], now: int) -> None:
        """Orders that filled and have left their slot are done: no row of the log says so."""
        last = {one.order.id: at for at, one in enumerate(found) if one.order and one.kind == "filled"}
        for number, at in last.items():
            order = self.diary.orders[number]
            if not order.is_live or slot_of(self.state, number) >= 0:
                continue
            order.status, order.changed_ns = FILLED, now
            if order.close_position:
                order.lots = order.filled_lots
            self.clients.pop(order.client_id, None)
            found[at] = msgspec.structs.replace(found[at], order=msgspec.structs.replace(order))

    def _liquidated(self, row: LogRow) -> Happening:
        """A liquidation is told as an order and a fill that nobody placed; a takeover is at the mark."""
        contract, lots = self.state.contracts[row.contract], abs(row.lots)
        unit = contract.cash_per_tick_lot
        price = row.price_ticks or self.state.markets[row.contract].mark8 // contract.tick_size8
        number = -self.diary.next_fill
        order = Order(
            id=number,
            contract=row.contract,
            client_id=f"autoclose-{-number}",
            kind=LIMIT,
            side=1 if row.lots > 0 else -1,
            tif=1,
            lots=lots,
            price_ticks=price,
            trigger_ticks=0,
            activation_ticks=0,
            callback8=0,
            by_mark=0,
            reduce_only=1,
            close_position=0,
            post_only=0,
            expires_ns=0,
            placed_ns=row.time_ns,
            changed_ns=row.time_ns,
            status=FILLED,
            filled_lots=lots,
            filled_cash=price * lots * unit,
            liquidation=True,
        )
        self.diary.orders[number] = order
        realised = -(row.trades_cash + row.positions_cash)
        fill = Fill(
            self.diary.next_fill, number, row.contract, order.side, lots, price, 0, realised, 0, row.time_ns
        )
        self.diary.next_fill += 1
        self.diary.fills.append(fill)
        self.diary.realised_cash[row.contract] += realised
        for kind, cash in (("realised", realised), ("insurance", -row.insurance_cash)):
            if cash:
                self._income(kind, row.contract, cash, time_ns=row.time_ns, fill_id=fill.id)
        return self._told("liquidated", order, row.time_ns, fill=fill)

    def _income(self, kind: str, contract: int, cash: int, *, time_ns: int, fill_id: int = 0) -> None:
        self.diary.incomes.append(Income(self.diary.next_income, kind, contract, cash, fill_id, time_ns))
        self.diary.next_income += 1

    def _told(self, kind: str, order: Order, time_ns: int, fill: Fill | None = None) -> Happening:
        return Happening(
            kind=kind,
            contract=order.contract,
            time_ns=time_ns,
            order=msgspec.structs.replace(order),
            fill=fill,
        )

    def _money(self, kind: str, row: LogRow, cash: int) -> Happening:
        return Happening(kind=kind, contract=row.contract, time_ns=row.time_ns, cash=cash)

    def saved(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**self._who(), "diary": msgspec.to_builtins(self.diary, str_keys=True)}

    def frozen(self) -> Frozen:
        """All of it as it is now, cheaply: what may still change is copied, what has ended is shared."""
        diary = self.diary
        orders = {
            number: msgspec.structs.replace(order) if order.is_live else order
            for number, order in diary.orders.items()
        }
        kept = msgspec.structs.replace(
            diary,
            orders=orders,
            fills=list(diary.fills),
            incomes=list(diary.incomes),
            moves=list(diary.moves),
            position_changed_ns=list(diary.position_changed_ns),
            realised_cash=list(diary.realised_cash),
        )
        return self._who(), kept

    def _who(self) -> dict[str, Any]:
        state = save(self.state._replace(log=[]))
        return {
            "number": self.number,
            "name": self.name,
            "key": self.key,
            "secret": self.secret,
            "state": state,
        }


PIECE: Final = 200
"""Rows of a diary that are encoded at a time, so that no request waits for all of them."""


def snapshot_pieces(head: dict[str, Any], frozen: Sequence[Frozen]) -> Iterator[bytes]:
    """The JSON of a snapshot, a part at a time."""
    encode = msgspec.json.encode
    yield encode(head)[:-1] + b',"accounts":['
    for at, (who, diary) in enumerate(frozen):
        yield (b"," if at else b"") + encode(who)[:-1] + b',"diary":{"orders":{'
        numbers = list(diary.orders)
        for first in range(0, len(numbers), PIECE):
            part = {number: diary.orders[number] for number in numbers[first : first + PIECE]}
            yield (b"," if first else b"") + encode(part)[1:-1]
        yield b"}"
        for name in ("fills", "incomes", "moves"):
            rows = getattr(diary, name)
            yield f',"{name}":['.encode()
            for first in range(0, len(rows), PIECE):
                yield (b"," if first else b"") + encode(rows[first : first + PIECE])[1:-1]
            yield b"]"
        long = ("orders", "fills", "incomes", "moves")
        plain = {name: getattr(diary, name) for name in diary.__struct_fields__ if name not in long}
        yield b"," + encode(plain)[1:] + b"}"
    yield b"]}"


def opened(
    number: int, name: str, key: str, secret: str, rows: tuple[Sequence[ContractRow], Sequence[TierRow]]
) -> Account:
    """A new account without money."""
    contracts, tiers = rows
    state = new_state(contracts, tiers, slots=SLOTS, log_rows=LOG_ROWS, call_ratio8=CALL_RATIO8)
    return Account(number, name, key, secret, state)


def restored(saved: dict[str, Any]) -> Account:
    """The account that :meth:`Account.saved` kept."""
    state = restore(saved["state"])._replace(log=[LogRow() for _ in range(LOG_ROWS)])
    found = Account(saved["number"], saved["name"], saved["key"], saved["secret"], state)
    found.diary = msgspec.convert(saved["diary"], Diary, strict=False)
    found.clients = {
        order.client_id: order.id
        for order in found.diary.orders.values()
        if order.is_live and order.client_id
    }
    return found
