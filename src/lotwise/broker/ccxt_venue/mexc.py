"""MEXC perpetuals in one-way mode: quantities in contracts, sides by what they open or close, stops as plans.

A plan order is not told with the client's id, so a stop is found by the venue's id that its placing answered,
and after a restart among the open orders. It lapses after 7 days.

Leverage and margin mode travel with each order: of an opening one as they were prepared, of an exit that was
not prepared (after a restart, in a kill switch) as the position stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal

from lotwise.broker.ccxt_venue.binance import nothing
from lotwise.broker.ccxt_venue.dialect import (
    DAY_MS,
    MOST_PAGES,
    Dialect,
    Settings,
    each_once,
    record,
    refuse_opposite,
    windows,
)
from lotwise.broker.ccxt_venue.raw import MS, Raw, Reader, broken, inside, levels, rows
from lotwise.broker.ccxt_venue.request import Params
from lotwise.broker.ccxt_venue.wire import NoSuchOrder
from lotwise.broker.venue import Resting
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, VenueError
from lotwise.records.journal import Income
from lotwise.records.live import (
    OrderKind,
    OrderState,
    OrderWanted,
    VenueBalance,
    VenueMarket,
    VenueOrder,
    VenuePosition,
)
from lotwise.units import Cash, Lots, Ticks

STATES: Final[dict[str, OrderState]] = {
    "1": "open",
    "2": "open",
    "3": "filled",
    "4": "cancelled",
    "5": "rejected",
}
PLAN_STATES: Final[dict[str, OrderState]] = {
    "1": "open",
    "2": "cancelled",
    "3": "filled",
    "4": "expired",
    "5": "rejected",
}
"""Untriggered, cancelled, executed, invalid, execution failed."""
TYPES: Final[dict[str, OrderKind]] = {"1": "limit", "2": "limit", "5": "market", "6": "market"}
OPENS: Final = {1: 1, -1: 3}
CLOSES: Final = {1: 2, -1: 4}
"""Side to MEXC's: 1 open long, 2 close short, 3 open short, 4 close long (H8)."""
LONG: Final = "1"
SHORT: Final = "2"
ISOLATED: Final = 1
CROSS: Final = 2
AT_LEAST: Final = 1
AT_MOST: Final = 2
LAST: Final = 1
FAIR: Final = 2
PAGE: Final = 100
KEPT_MS: Final = 90 * DAY_MS


class Mexc(Dialect):
    """MEXC's words. Numbers of a body are JSON numbers, written digit by digit."""

    venue: ClassVar[str] = "mexc"
    client_ids: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9_-]{1,32}")
    tells_trigger_ids: ClassVar[bool] = False

    def placing(self, order: OrderWanted, contract: Contract) -> Params:
        """The parameters of an order; leverage and margin mode travel with each.

        Raises
        ------
        InputError
            BROKER-124 the contract was not prepared, and there is no position that an exit would reduce.
        VenueError
            As :meth:`Wire.ask`; BROKER-150 the position cannot be read, and none was seen before.
        """
        leverage100, is_isolated = self._terms(order, contract)
        found: dict[str, Any] = {
            "symbol": contract.symbol,
            "vol": Decimal(contract.contracts_text(order.lots)),
            "side": (CLOSES if order.is_reduce_only else OPENS)[order.side],
            "openType": ISOLATED if is_isolated else CROSS,
            "leverage": leverage100 // 100,
            "positionMode": 2,
            "externalOid": order.client_id,
        }
        if order.is_reduce_only:
            found["reduceOnly"] = True
        if order.kind in ("stop", "target"):
            rises = (order.side > 0) == (order.kind == "stop")
            return found | {
                "orderType": 5,
                "executeCycle": 2,
                "triggerPrice": Decimal(contract.price_text(order.trigger_ticks)),
                "triggerType": AT_LEAST if rises else AT_MOST,
                "trend": FAIR if order.by_mark else LAST,
            }
        found["type"] = 5 if order.kind == "market" else 2 if order.is_post_only else 1
        if order.kind == "limit":
            found["price"] = Decimal(contract.price_text(order.price_ticks))
        return found

    def _terms(self, order: OrderWanted, contract: Contract) -> tuple[int, bool]:
        """Leverage and margin mode that go with an order; an exit never waits for a contract to be prepared.

        What is told of other positions is not looked at: it may not keep this one from being closed.
        """
        found = self.desk.prepared.get(contract.id)
        if found is None and order.is_reduce_only:
            try:
                found = self._terms_held(order, contract)
            except VenueError:  # what was seen last will do: at worst the venue refuses
                found = self.desk.seen.get(contract.id)
                if found is None:
                    raise
        if found is None:
            what = "no position that it would reduce stands" if order.is_reduce_only else "they are not set"
            raise InputError(
                "BROKER-124",
                f"mexc sends leverage and margin mode with each order of {contract.id}: {what}",
                "prepare the contract first",
            )
        return found

    def _terms_held(self, order: OrderWanted, contract: Contract) -> tuple[int, bool] | None:
        answer = self.wire.ask("read positions", symbol=contract.symbol)
        wanted = LONG if order.side < 0 else SHORT
        for row in rows(self.venue, answer, "data"):
            if row.text("symbol") != contract.symbol or row.text("positionType") != wanted:
                continue
            if row.told("holdVol").number("holdVol"):
                return _terms_of(row)
        return None

    def before(self, order: OrderWanted, contract: Contract) -> None:
        """An opening order against a position is not netted for sure."""
        refuse_opposite(self, order)

    def placed_id(self, answer: Any) -> str:
        """``data`` is the id, or holds it."""
        data = inside(self.venue, answer, "data")
        if isinstance(data, (str, int)) and str(data):
            return str(data)
        return Reader(self.venue, data).needed("orderId")

    def find(self, contract: Contract, client_id: str, venue_id: str, is_trigger: bool) -> VenueOrder | None:
        """A plain order by the client's id; a plan by the venue's, or by the client's where it is told."""
        if is_trigger:
            return self._plan_of(contract, client_id, venue_id)
        try:
            answer = self.wire.ask("read order", symbol=contract.symbol, external_oid=client_id)
        except NoSuchOrder:
            return self._plan_of(contract, client_id, venue_id)
        found = inside(self.venue, answer, "data")
        if found:
            return self._order(Reader(self.venue, found))
        return self._plan_of(contract, client_id, venue_id)

    def _plan_of(self, contract: Contract, client_id: str, venue_id: str) -> VenueOrder | None:
        for row in self._pages("read triggers", "data", symbol=contract.symbol):
            if (venue_id and row.text("id", "orderId") == venue_id) or row.text("externalOid") == client_id:
                return self._plan(row, client_id)
        return None

    def cancelling(self, order: VenueOrder, contract: Contract) -> tuple[str, Params]:
        """At the service that has it."""
        if order.kind in ("stop", "target") or order.trigger_ticks:
            return "cancel trigger", {"symbol": contract.symbol, "orderId": order.venue_id}
        return "cancel", {"orderId": order.venue_id}

    def open_orders(self, contract: Contract | None) -> list[VenueOrder]:
        """Plain orders and plans that wait."""
        passed = self.desk.is_passed
        plain = self._pages("read orders", "data")
        plans = self._pages("read triggers", "data", states="1")
        found = [self._order(row) for row in plain if not passed(row.needed("symbol"))]
        found += [self._plan(row, "") for row in plans if not passed(row.needed("symbol"))]
        return [order for order in found if contract is None or order.contract_id == contract.id]

    def _pages(self, action: str, *path: str, **asked: Any) -> Iterator[Reader]:
        for number in range(1, MOST_PAGES):
            answer = self.wire.ask(action, **asked, page_num=number, page_size=PAGE)
            page = list(rows(self.venue, answer, *path))
            yield from page
            if len(page) < PAGE:
                return
        raise VenueError("BROKER-151", f"over {MOST_PAGES} pages of {action}", "ask from a later time")

    def _order(self, row: Reader) -> VenueOrder:
        contract = self.desk.of_symbol(row.needed("symbol"))
        kind: OrderKind | Literal["other"] = TYPES.get(row.text("orderType", "type"), "other")
        side, closes = _side(row)
        return VenueOrder(
            contract_id=contract.id,
            client_id=row.text("externalOid"),
            venue_id=row.needed("orderId"),
            kind=kind,
            side=side,
            lots=row.lots(contract, "vol"),
            filled_lots=row.lots(contract, "dealVol"),
            price_ticks=row.ticks(contract, "price") if kind == "limit" else Ticks(0),
            is_reduce_only=closes or row.flag("reduceOnly"),
            position_side=_leg(row, side, closes),
            state=_state(STATES, row),
            time_ns=row.time_ns("createTime"),
            average_price8=row.price8("dealAvgPrice"),
            reason="" if row.text("errorCode") in ("", "0") else f"error {row.text('errorCode')}",
        )

    def _plan(self, row: Reader, client_id: str) -> VenueOrder:
        contract = self.desk.of_symbol(row.needed("symbol"))
        side, closes = _side(row)
        rises = row.needed("triggerType") == str(AT_LEAST)
        kind: OrderKind | Literal["other"] = "stop" if rises == (side > 0) else "target"
        lots, state = row.lots(contract, "vol"), _state(PLAN_STATES, row)
        return VenueOrder(
            contract_id=contract.id,
            client_id=row.text("externalOid") or client_id,
            venue_id=row.needed("id", "orderId"),
            kind=kind if row.text("orderType") == "5" else "other",
            side=side,
            lots=lots,
            filled_lots=lots if state == "filled" else Lots(0),
            trigger_ticks=row.ticks(contract, "triggerPrice"),
            by_mark=row.text("trend") == str(FAIR),
            is_reduce_only=closes or row.flag("reduceOnly"),
            position_side=_leg(row, side, closes),
            state=state,
            time_ns=row.time_ns("createTime"),
            reason="" if row.text("errorCode") in ("", "0") else f"error {row.text('errorCode')}",
        )

    def positions(self) -> list[VenuePosition]:
        """Positions that are open; mark and unrealised result are not told here."""
        found = []
        for row in rows(self.venue, self.wire.ask("read positions"), "data"):
            if not row.told("holdVol").number("holdVol") or self.desk.is_passed(row.needed("symbol")):
                continue
            contract = self.desk.of_symbol(row.needed("symbol"))
            sign = 1 if row.needed("positionType") == LONG else -1
            if row.number("leverage"):
                self.desk.seen[contract.id] = _terms_of(row)
            found.append(
                VenuePosition(
                    contract_id=contract.id,
                    lots=Lots(sign * row.lots(contract, "holdVol")),
                    entry_price8=row.price8("holdAvgPrice"),
                    liquidation_price8=row.price8_or_none("liquidatePrice"),
                    margin_cash=row.cash("im"),
                    leverage100=row.leverage100("leverage"),
                    is_isolated=row.needed("openType") == str(ISOLATED),
                )
            )
        return found

    def balance(self, coin: str) -> VenueBalance:
        """The currency's row."""
        for row in rows(self.venue, self.wire.ask("read balance"), "data"):
            if row.text("currency") == coin:
                return VenueBalance(
                    coin=coin,
                    wallet_cash=row.cash("cashBalance"),
                    equity_cash=row.cash("equity"),
                    free_cash=row.cash("availableBalance"),
                    margin_cash=Cash(row.cash("positionMargin") + row.cash("frozenBalance")),
                )
        return nothing(coin)

    def market(self, contract: Contract) -> VenueMarket:
        """The ticker and the next funding."""
        asked = {"symbol": contract.symbol}
        book = Reader(self.venue, inside(self.venue, self.wire.ask("read book", **asked), "data"))
        rate = Reader(self.venue, inside(self.venue, self.wire.ask("read mark", **asked), "data"))
        return VenueMarket(
            contract_id=contract.id,
            bid_ticks=book.nearest_ticks(contract, "bid1"),
            ask_ticks=book.nearest_ticks(contract, "ask1"),
            last_ticks=book.nearest_ticks(contract, "lastPrice"),
            mark_price8=book.price8("fairPrice"),
            time_ns=book.time_ns("timestamp"),
            funding8=rate.rate8("fundingRate"),
            funding_ns=rate.time_ns("nextSettleTime") or None,
        )

    def book(self, contract: Contract) -> Resting:
        """All prices that it tells, in contracts."""
        answer = self.wire.ask("read depth", symbol=contract.symbol)
        book = Reader(self.venue, inside(self.venue, answer, "data"))
        return Resting(
            contract_id=contract.id,
            bids=levels(book, contract, "bids"),
            asks=levels(book, contract, "asks"),
            time_ns=book.time_ns("timestamp"),
        )

    def facts(self, contract: Contract) -> Raw | None:
        """The contract's details, alone or in a list."""
        data = inside(self.venue, self.wire.ask("read facts", symbol=contract.symbol), "data")
        found = data if isinstance(data, list) else [data]
        return next((one for one in found if one and one.get("symbol") == contract.symbol), None)

    def settings(self, contract: Contract, is_isolated: bool) -> Settings:
        """Leverage of both sides in the margin mode asked for; the mode itself goes with each order."""
        answer = self.wire.ask("read settings", symbol=contract.symbol)
        wanted = str(ISOLATED if is_isolated else CROSS)
        found = {
            row.needed("positionType"): row.leverage100("leverage")
            for row in rows(self.venue, answer, "data")
            if row.text("openType") == wanted
        }
        mode = str(inside(self.venue, self.wire.ask("read mode"), "data"))
        return Settings((found.get("1"), found.get("2")), is_isolated, mode == "2")

    def set_one_way(self, contract: Contract) -> None:
        """For the whole account; refused while orders or positions are open."""
        self.wire.ask("position mode", positionMode=2)

    def set_margin(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """Goes with the leverage and with each order."""

    def set_leverage(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """Of both sides, in the margin mode that is asked (H12, H13)."""
        for side in (1, 2):
            self.wire.ask(
                "leverage",
                symbol=contract.symbol,
                leverage=leverage100 // 100,
                openType=ISOLATED if is_isolated else CROSS,
                positionType=side,
            )

    def fills(self, contract: Contract, since_ms: int) -> list[dict[str, Any]]:
        """Deals in stretches of 90 days, each by its pages."""
        now, found = self.wire.now_ms(), []
        for first, last in windows(max(since_ms, now - 4 * KEPT_MS), now, KEPT_MS):
            span = {"symbol": contract.symbol, "start_time": first, "end_time": last}
            found += [dict(row.raw) for row in self._pages("read fills", "data", **span)]
        return each_once(found, "id")

    def incomes(self, since_ms: int) -> list[Income]:
        """Funding and transfers; results and fees stand in the deals and nowhere else."""
        found = []
        for row in self._pages("read income", "data", "resultList"):
            time_ms = row.time_ns("settleTime") // MS
            if time_ms < since_ms:
                break  # the newest come first
            contract = self.desk.of_symbol(row.needed("symbol"))
            name = {"income_id": row.needed("id"), "kind": "FUNDING_FEE", "contract": contract.symbol}
            found.append(
                record(self.desk, contract.settle, **name, cash=row.cash("funding"), time_ms=time_ms)
            )
        for row in self._pages("read transfers", "data", "resultList"):
            time_ms = row.time_ns("createTime") // MS
            if time_ms < since_ms:
                break
            if row.text("state") != "SUCCESS":
                continue
            cash = row.cash("amount") if row.needed("type") == "IN" else -row.cash("amount")
            name = {"income_id": row.needed("txid", "id"), "kind": "TRANSFER", "contract": ""}
            found.append(record(self.desk, row.needed("currency"), **name, cash=cash, time_ms=time_ms))
        return sorted(found, key=lambda one: one.time_ns)


def _side(row: Reader) -> tuple[int, bool]:
    """1 or -1, and whether the order closes."""
    sides = {"1": (1, False), "2": (1, True), "3": (-1, False), "4": (-1, True)}
    found = sides.get(row.needed("side"))
    if found is None:
        raise broken("mexc", f"side {row.text('side')}")
    return found


def _terms_of(row: Reader) -> tuple[int, bool]:
    """Leverage in hundredths, and whether the margin is the position's own."""
    leverage100 = row.told("leverage").leverage100("leverage") or 0
    return leverage100, row.needed("openType") == str(ISOLATED)


def _leg(row: Reader, side: int, closes: bool) -> str:
    if row.text("positionMode") != "1":
        return ""
    return "long" if (side > 0) != closes else "short"


def _state(states: dict[str, OrderState], row: Reader) -> OrderState:
    found = states.get(row.needed("state"))
    if found is None:
        raise broken("mexc", f"an order in state {row.text('state')}, which is not known")
    return found
