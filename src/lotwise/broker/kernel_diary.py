"""What an account at the venue in a box did, in the words of a venue: orders, executions, income.

The kernel forgets an order when it leaves its slot; a session asks for it later. All of this is made of the
kernel's log, row by row. As a venue does, it tells whole milliseconds and numbers its executions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from lotwise.contracts.contract import Contract
from lotwise.kernel import state as k
from lotwise.kernel.slots import slot_of
from lotwise.records.journal import Fill, Income
from lotwise.records.live import LIVE, OrderKind, VenueOrder
from lotwise.units import Lots, Price8, Ticks

MS: Final = 10**6
CONDITIONAL_IDS: Final = 4 * 10**15
"""Ids of orders that wait lie above: a venue keeps them apart from those in the book."""
TOLD_AS: Final[dict[int, OrderKind]] = {
    k.MARKET: "market",
    k.LIMIT: "limit",
    k.STOP_MARKET: "stop",
    k.TAKE_MARKET: "target",
}


@dataclass(frozen=True)
class Happened:
    """What one event did to the account, for those who wait for it."""

    fills: Sequence[Fill] = ()
    incomes: Sequence[Income] = ()
    orders: Sequence[VenueOrder] = ()
    """Orders that were placed, triggered, filled or ended, as they stand now."""


class KernelDiary:
    """The records of one account.

    Parameters
    ----------
    account
        The trader's name of it.
    contracts
        In the order of the state's rows.
    words
        A code of the kernel's answers in words.
    """

    def __init__(self, account: str, contracts: Sequence[Contract], words: Callable[[int], str]) -> None:
        self.account, self.contracts, self.words = account, tuple(contracts), words
        self.name, self.coin = contracts[0].venue, contracts[0].settle
        self.orders: dict[int, VenueOrder] = {}
        """By the kernel's id, the oldest first."""
        self.clients: dict[str, int] = {}
        """The newest order of each client id."""
        self.fills: list[Fill] = []
        self.incomes: list[Income] = []
        self._worth: dict[int, int] = {}
        """What the fills of each order are worth, in ticks times lots."""
        self._touched: dict[int, None] = {}
        self._from = (0, 0)

    def begin(self) -> None:
        """The next event begins."""
        self._touched = {}
        self._from = (len(self.fills), len(self.incomes))

    @property
    def happened(self) -> Happened:
        """What came since :meth:`begin`."""
        fills, incomes = self._from
        orders = [self.orders[number] for number in self._touched]
        return Happened(self.fills[fills:], self.incomes[incomes:], orders)

    def write(self, rows: Sequence[k.LogRow], event: k.EventRow, client_id: str, state: k.State) -> None:
        """Write down the log of an event; ``state`` is the account after it, as plain rows."""
        for row in rows:
            self._written(row, event, client_id, state)
        self._close_filled(state)

    def _written(self, row: k.LogRow, event: k.EventRow, client_id: str, state: k.State) -> None:
        """What a row of the log says."""
        if row.kind == k.LOG_PLACED and event.kind == k.PLACE:
            self._placed(row, event, client_id)
        elif row.kind == k.LOG_PLACED and row.order_id in self.orders:
            self._change(row.order_id, lots=Lots(event.lots), price_ticks=Ticks(event.price_ticks))
        elif row.kind == k.LOG_TRIGGERED:
            self._change(row.order_id)
        elif row.kind == k.LOG_FILL:
            self._filled(row)
        elif row.kind in (k.LOG_CANCELLED, k.LOG_EXPIRED):
            ended = "expired" if row.kind == k.LOG_EXPIRED else "cancelled"
            self._change(row.order_id, state=ended, reason=self.words(row.reason) if row.reason else "")
        elif row.kind in (k.LOG_REDUCTION, k.LOG_TAKEOVER) and row.lots:
            self._liquidated(row, state)
        elif row.kind == k.LOG_FUNDING:
            self._income("FUNDING_FEE", row, -row.funding_cash)
            self._income("INSURANCE_CLEAR", row, -row.insurance_cash)
        elif row.kind == k.LOG_TRANSFER:
            self._income("TRANSFER", row, row.cross_cash)
        elif row.kind in (k.LOG_DEFICIT, k.LOG_REDUCTION, k.LOG_TAKEOVER):
            self._income("INSURANCE_CLEAR", row, -row.insurance_cash)

    def _placed(self, row: k.LogRow, event: k.EventRow, client_id: str) -> None:
        kind: OrderKind | Literal["other"] = TOLD_AS.get(event.order_kind, "other")
        conditional = event.order_kind not in (k.LIMIT, k.MARKET)
        self.orders[row.order_id] = VenueOrder(
            contract_id=self.contracts[row.contract].id,
            client_id=client_id,
            venue_id=str(row.order_id + (CONDITIONAL_IDS if conditional else 0)),
            kind=kind,
            side=event.side,
            lots=Lots(event.lots),
            price_ticks=Ticks(event.price_ticks),
            trigger_ticks=Ticks(event.trigger_ticks),
            by_mark=bool(event.by_mark),
            is_reduce_only=bool(event.reduce_only),
            closes_position=bool(event.close_position),
            time_ns=row.time_ns // MS * MS,
        )
        self._touched[row.order_id] = None
        if client_id:
            self.clients[client_id] = row.order_id

    def _change(self, number: int, **changes: Any) -> None:
        if number in self.orders:  # a bracket's exits are placed by no one
            self.orders[number] = msgspec.structs.replace(self.orders[number], **changes)
            self._touched[number] = None

    def _filled(self, row: k.LogRow) -> None:
        order, contract = self.orders.get(row.order_id), self.contracts[row.contract]
        if order is not None:
            self._worth[row.order_id] = worth = self._worth.get(row.order_id, 0) + row.price_ticks * abs(
                row.lots
            )
            filled = Lots(order.filled_lots + abs(row.lots))
            average8 = Price8(worth * contract.scales.tick_size8 // filled)
            self._change(row.order_id, filled_lots=filled, average_price8=average8)
        self._fill(row, str(row.order_id), price8=row.price_ticks * contract.scales.tick_size8)

    def _liquidated(self, row: k.LogRow, state: k.State) -> None:
        """A liquidation has an execution and no order; a takeover is at the mark."""
        scales = self.contracts[row.contract].scales
        mark8 = state.markets[row.contract].mark8 // scales.tick_size8 * scales.tick_size8
        price8 = row.price_ticks * scales.tick_size8 or mark8
        self._fill(row, f"autoclose-{len(self.fills) + 1}", price8=price8, exit_kind="liquidation")

    def _fill(self, row: k.LogRow, order_id: str, *, price8: int, exit_kind: str = "") -> None:
        """An execution and its income; what it realised is what its two sides do not explain."""
        contract, number = self.contracts[row.contract], len(self.fills) + 1
        realised = -(row.trades_cash + row.positions_cash)
        fill = Fill(
            venue=self.name,
            account=self.account,
            contract=contract.symbol,
            trade_id=str(number),
            order_id=order_id,
            time_ns=row.time_ns // MS * MS,
            sequence=number,
            side=1 if row.lots > 0 else -1,
            price8=price8,
            quantity8=abs(row.lots) * contract.scales.lot_size8,
            multiplier8=contract.scales.per_lot16 // contract.scales.lot_size8,
            coin=contract.settle,
            fee_cash=row.fees_cash,
            fee_coin=contract.settle,
            realised_cash=realised,
            maker=row.maker,
            exit_kind=exit_kind,
        )
        self.fills.append(fill)
        self._income("REALIZED_PNL", row, realised, fill.trade_id)
        self._income("COMMISSION", row, -row.fees_cash, fill.trade_id)
        self._income("INSURANCE_CLEAR", row, -row.insurance_cash, fill.trade_id)

    def _income(self, kind: str, row: k.LogRow, cash: int, trade_id: str = "") -> None:
        if cash == 0:
            return
        income = Income(
            venue=self.name,
            account=self.account,
            income_id=str(len(self.incomes) + 1),
            kind=kind,
            contract=self.contracts[row.contract].symbol if row.contract >= 0 else "",
            coin=self.coin,
            cash=cash,
            time_ns=row.time_ns // MS * MS,
            trade_id=trade_id,
        )
        self.incomes.append(income)

    def _close_filled(self, state: k.State) -> None:
        """Orders that filled and have left their slot are done: no row of the log says so."""
        for number in list(self._touched):
            order = self.orders[number]
            if order.state == LIVE and order.filled_lots and slot_of(state, number) < 0:
                lots = order.filled_lots if order.closes_position else order.lots
                self._change(number, state="filled", lots=lots)
