"""Binance USD-M: plain orders on ``/fapi/v1/order``, conditional ones in the algo service; both by our id."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from lotwise.broker.ccxt_venue.dialect import (
    BOOK_LEVELS,
    DAY_MS,
    WEEK_MS,
    Desk,
    Dialect,
    Settings,
    each_once,
    leverage_text,
    record,
    timed_pages,
    windows,
)
from lotwise.broker.ccxt_venue.raw import MS, Raw, Reader, levels, rows
from lotwise.broker.ccxt_venue.request import Params
from lotwise.broker.ccxt_venue.wire import NoSuchOrder
from lotwise.broker.venue import Resting
from lotwise.contracts.contract import Contract
from lotwise.errors import VenueError
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
from lotwise.units import Lots, Ticks

MOST: Final = 1_000
"""Rows of a page."""
KEPT_MS: Final = 185 * DAY_MS
"""How long the venue tells executions. Source: "Account Trade List", the past 6 months."""
STATES: Final[dict[str, OrderState]] = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
    "REJECTED": "rejected",
}
ALGO_STATES: Final[dict[str, OrderState]] = {
    "NEW": "open",
    "TRIGGERING": "open",
    "TRIGGERED": "open",
    "CANCELED": "cancelled",
    "EXPIRED": "expired",
    "REJECTED": "rejected",
}
"""``FINISHED`` is told apart by what was filled."""
CONDITIONAL: Final = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
TYPES: Final[dict[str, OrderKind]] = {
    "MARKET": "market",
    "LIMIT": "limit",
    "STOP_MARKET": "stop",
    "TAKE_PROFIT_MARKET": "target",
}


class Binance(Dialect):
    """Binance's words."""

    venue: ClassVar[str] = "binance"
    client_ids: ClassVar[re.Pattern[str]] = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._plain: set[str] = set()
        """Ids of conditional orders that stand among the plain ones: triggered, or placed before the algo
        service was there."""

    def placing(self, order: OrderWanted, contract: Contract) -> Params:
        """The parameters of an order."""
        found: dict[str, Any] = {
            "symbol": contract.symbol,
            "side": "BUY" if order.side > 0 else "SELL",
            "quantity": contract.contracts_text(order.lots),
        }
        if order.is_reduce_only:
            found["reduceOnly"] = "true"
        if order.kind in ("stop", "target"):
            return found | {
                "algoType": "CONDITIONAL",
                "type": "STOP_MARKET" if order.kind == "stop" else "TAKE_PROFIT_MARKET",
                "positionSide": "BOTH",
                "clientAlgoId": order.client_id,
                "triggerPrice": contract.price_text(order.trigger_ticks),
                "workingType": "MARK_PRICE" if order.by_mark else "CONTRACT_PRICE",
            }
        found |= {
            "type": order.kind.upper(),
            "positionSide": "BOTH",
            "newOrderRespType": "RESULT",
            "newClientOrderId": order.client_id,
        }
        if order.kind == "limit":
            found["price"] = contract.price_text(order.price_ticks)
            found["timeInForce"] = "GTX" if order.is_post_only else "GTC"
        return found

    def placed_id(self, answer: Any) -> str:
        """The id of the order, or of the conditional one."""
        return Reader(self.venue, answer).needed("orderId", "algoId")

    def find(self, contract: Contract, client_id: str, venue_id: str, is_trigger: bool) -> VenueOrder | None:
        """Read an order back by its client id."""
        asked: tuple[tuple[str, str], ...] = (
            ("read trigger", "clientAlgoId"),
            ("read order", "origClientOrderId"),
        )
        for action, name in asked if is_trigger else asked[::-1]:
            try:
                answer = self.wire.ask(action, symbol=contract.symbol, **{name: client_id})
            except NoSuchOrder:
                continue
            if action == "read trigger":
                return self._algo(self._with_child(contract, answer))
            is_child = Reader(self.venue, answer).text("origType") in CONDITIONAL
            return (is_child and self._trigger_of(contract, client_id)) or self._order(answer)
        return None

    def _trigger_of(self, contract: Contract, client_id: str) -> VenueOrder | None:
        """The conditional order that a plain one came of, where it bears the same id."""
        try:
            answer = self.wire.ask("read trigger", symbol=contract.symbol, clientAlgoId=client_id)
        except NoSuchOrder:
            return None
        return self._algo(self._with_child(contract, answer))

    def _with_child(self, contract: Contract, raw: Any) -> Any:
        """A triggered order with what the order that it became has filled.

        "Query Algo Order" documents ``actualOrderId`` and no quantity, and ``FINISHED`` means filled or
        cancelled: taken for cancelled, a stop that worked would look like one that someone took away.
        """
        row = Reader(self.venue, raw)
        child_id = row.text("actualOrderId")
        if row.text("algoStatus") not in ("TRIGGERED", "FINISHED") or row.text("actualQty") or not child_id:
            return raw
        try:
            answer = self.wire.ask("read order", symbol=contract.symbol, orderId=child_id)
        except NoSuchOrder:
            return raw
        child = Reader(self.venue, answer).told("executedQty")
        return {**raw, "actualQty": child.text("executedQty"), "actualPrice": child.text("avgPrice")}

    def cancelling(self, order: VenueOrder, contract: Contract) -> tuple[str, Params]:
        """By the venue's id, at the service that has it."""
        waits = order.kind in ("stop", "target") or order.trigger_ticks > 0
        if waits and order.venue_id not in self._plain:
            return "cancel trigger", {"symbol": contract.symbol, "algoId": order.venue_id}
        return "cancel", {"symbol": contract.symbol, "orderId": order.venue_id}

    def open_orders(self, contract: Contract | None) -> list[VenueOrder]:
        """Both lists: a stop is in the second only."""
        asked = {"symbol": contract.symbol} if contract else {}
        plain = [self._order(row.raw) for row in self._known("read orders", **asked)]
        return plain + [self._algo(row.raw) for row in self._known("read triggers", **asked)]

    def _known(self, action: str, **asked: str) -> list[Reader]:
        """Rows of a list, without those that a kill switch passes over."""
        found = rows(self.venue, self.wire.ask(action, **asked))
        return [row for row in found if not self.desk.is_passed(row.needed("symbol"))]

    def _order(self, raw: Any) -> VenueOrder:
        row = Reader(self.venue, raw).told("origQty", "executedQty")
        contract = self.desk.of_symbol(row.needed("symbol"))
        status = row.needed("status")
        position_side = row.text("positionSide").lower()
        is_child = row.text("origType") in CONDITIONAL
        if is_child:
            self._plain.add(row.needed("orderId"))
        return VenueOrder(
            contract_id=contract.id,
            client_id=row.text("clientOrderId"),
            venue_id=row.needed("orderId"),
            kind=TYPES.get(row.text("origType") if is_child else row.text("type"), "other"),
            side=1 if row.needed("side") == "BUY" else -1,
            lots=row.lots(contract, "origQty"),
            filled_lots=row.lots(contract, "executedQty"),
            price_ticks=row.ticks(contract, "price"),
            trigger_ticks=row.ticks(contract, "stopPrice") if is_child else Ticks(0),
            by_mark=is_child and row.text("workingType") == "MARK_PRICE",
            is_reduce_only=row.flag("reduceOnly"),
            closes_position=row.flag("closePosition"),
            position_side="" if position_side == "both" else position_side,
            state=_known(STATES, status),
            time_ns=row.time_ns("time", "updateTime"),
            average_price8=row.price8("avgPrice"),
            reason=status if status in ("EXPIRED", "EXPIRED_IN_MATCH", "REJECTED") else "",
        )

    def _algo(self, raw: Any) -> VenueOrder:
        row = Reader(self.venue, raw)
        contract = self.desk.of_symbol(row.needed("symbol"))
        status, lots = row.needed("algoStatus"), row.lots(contract, "quantity")
        filled = row.lots(contract, "actualQty")
        self._plain.discard(row.text("algoId"))
        if status == "NEW" and TYPES.get(row.text("orderType", "type")):
            row.told("triggerPrice")
        if status == "FINISHED":
            state: OrderState = "filled" if filled >= lots else "cancelled"
        else:
            state = _known(ALGO_STATES, status)
        position_side = row.text("positionSide").lower()
        return VenueOrder(
            contract_id=contract.id,
            client_id=row.text("clientAlgoId"),
            venue_id=row.needed("algoId"),
            kind=TYPES.get(row.text("orderType", "type"), "other"),
            side=1 if row.needed("side") == "BUY" else -1,
            lots=lots,
            filled_lots=Lots(min(filled, lots)) if lots else filled,
            price_ticks=row.ticks(contract, "price"),
            trigger_ticks=row.ticks(contract, "triggerPrice"),
            by_mark=row.text("workingType") == "MARK_PRICE",
            is_reduce_only=row.flag("reduceOnly"),
            closes_position=row.flag("closePosition"),
            position_side="" if position_side == "both" else position_side,
            state=state,
            time_ns=row.time_ns("createTime"),
            average_price8=row.price8("actualPrice"),
            reason=row.text("failReason") or (status if state in ("expired", "rejected") else ""),
        )

    def positions(self) -> list[VenuePosition]:
        """Positions that are open; leverage and mode come from the symbols' settings (H21)."""
        found = self._known("read positions")
        settings = {
            row.needed("symbol"): row
            for row in (rows(self.venue, self.wire.ask("read settings")) if found else ())
        }
        positions = []
        for row in found:
            contract = self.desk.of_symbol(row.told("positionAmt").needed("symbol"))
            lots = row.lots(contract, "positionAmt")
            if not lots:
                continue
            setting = settings.get(contract.symbol)
            side = row.text("positionSide").lower()
            positions.append(
                VenuePosition(
                    contract_id=contract.id,
                    lots=lots,
                    entry_price8=row.price8("entryPrice"),
                    mark_price8=row.price8("markPrice"),
                    liquidation_price8=row.price8_or_none("liquidationPrice"),
                    unrealised_cash=row.cash("unRealizedProfit"),
                    margin_cash=row.cash("isolatedMargin")
                    or row.cash("positionInitialMargin", "initialMargin"),
                    leverage100=setting.leverage100("leverage") if setting else None,
                    is_isolated=setting.text("marginType") == "ISOLATED" if setting else None,
                    position_side="" if side == "both" else side,
                )
            )
        return positions

    def balance(self, coin: str) -> VenueBalance:
        """The asset's row of the account."""
        for row in rows(self.venue, self.wire.ask("read balance"), "assets"):
            if row.text("asset") == coin:
                row.told("walletBalance", "marginBalance", "availableBalance")
                return VenueBalance(
                    coin=coin,
                    wallet_cash=row.cash("walletBalance"),
                    equity_cash=row.cash("marginBalance"),
                    free_cash=row.cash("availableBalance"),
                    margin_cash=row.cash("initialMargin"),
                    maintenance_cash=row.cash("maintMargin"),
                )
        return nothing(coin)

    def market(self, contract: Contract) -> VenueMarket:
        """Best prices, last price, mark and funding."""
        book = Reader(self.venue, self.wire.ask("read book", symbol=contract.symbol))
        last = Reader(self.venue, self.wire.ask("read last", symbol=contract.symbol))
        mark = Reader(self.venue, self.wire.ask("read mark", symbol=contract.symbol))
        return VenueMarket(
            contract_id=contract.id,
            bid_ticks=book.nearest_ticks(contract, "bidPrice"),
            ask_ticks=book.nearest_ticks(contract, "askPrice"),
            last_ticks=last.nearest_ticks(contract, "price"),
            mark_price8=mark.price8("markPrice"),
            time_ns=max(one.time_ns("time") for one in (book, last, mark)),
            funding8=mark.rate8("lastFundingRate"),
            funding_ns=mark.time_ns("nextFundingTime") or None,
        )

    def book(self, contract: Contract) -> Resting:
        """The 100 best prices of each side."""
        book = Reader(self.venue, self.wire.ask("read depth", symbol=contract.symbol, limit=BOOK_LEVELS))
        return Resting(
            contract_id=contract.id,
            bids=levels(book, contract, "bids"),
            asks=levels(book, contract, "asks"),
            time_ns=book.time_ns("E", "T"),
        )

    def facts(self, contract: Contract) -> Raw | None:
        """The symbol's row of exchangeInfo."""
        for row in rows(self.venue, self.wire.ask("read facts"), "symbols"):
            if row.text("symbol") == contract.symbol:
                return row.raw
        return None

    def settings(self, contract: Contract, is_isolated: bool) -> Settings:
        """Of the symbol; the position mode is the account's."""
        mode = Reader(self.venue, self.wire.ask("read mode"))
        for row in rows(self.venue, self.wire.ask("read settings", symbol=contract.symbol)):
            if row.text("symbol") == contract.symbol:
                is_isolated = row.needed("marginType") == "ISOLATED"
                return Settings(
                    (row.leverage100("leverage"),), is_isolated, not mode.flag("dualSidePosition")
                )
        return Settings((None,), None, not mode.flag("dualSidePosition"))

    def set_one_way(self, contract: Contract) -> None:
        """For the whole account."""
        self.wire.ask("position mode", dualSidePosition="false")

    def set_margin(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """For the symbol."""
        mode = "ISOLATED" if is_isolated else "CROSSED"
        self.wire.ask("margin mode", symbol=contract.symbol, marginType=mode)

    def set_leverage(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """For the symbol."""
        self.wire.ask("leverage", symbol=contract.symbol, leverage=leverage_text(leverage100))

    def fills(self, contract: Contract, since_ms: int) -> list[dict[str, Any]]:
        """Executions: weeks until the first is found, from there on by their ids."""
        asked: dict[str, Any] = {"symbol": contract.symbol, "limit": MOST}
        found: list[dict[str, Any]] = []
        for span in self._spans(since_ms):
            found = [dict(row.raw) for row in rows(self.venue, self.wire.ask("read fills", **asked, **span))]
            if found:
                break
        page = found
        while page:
            last_id = max(int(row["id"]) for row in found)
            answer = self.wire.ask("read fills", **asked, fromId=last_id + 1)
            page = [dict(row.raw) for row in rows(self.venue, answer)]
            found += page
        return each_once(found, "id")

    def _spans(self, since_ms: int) -> list[dict[str, int]]:
        if self.desk.where == "paper":
            return [{"startTime": since_ms}]
        now = self.wire.now_ms()
        first = max(since_ms, now - KEPT_MS)
        return [{"startTime": start, "endTime": end} for start, end in windows(first, now, WEEK_MS)]

    def incomes(self, since_ms: int) -> list[Income]:
        """The income history; one number may name several records, so the kind is part of the id."""

        def ask(first: int) -> list[dict[str, Any]]:
            answer = self.wire.ask("read income", startTime=first, limit=MOST)
            return [dict(row.raw) for row in rows(self.venue, answer)]

        names = ("tranId", "incomeType", "symbol", "asset", "tradeId", "time")
        found = each_once(timed_pages(ask, since_ms, MOST, "time"), *names)
        return [self._income(Reader(self.venue, raw)) for raw in found]

    def _income(self, row: Reader) -> Income:
        return record(
            self.desk,
            row.needed("asset"),
            income_id=row.needed("tranId"),
            kind=row.needed("incomeType"),
            contract=row.text("symbol"),
            cash=row.cash("income"),
            time_ms=row.time_ns("time") // MS,
            trade_id=row.text("tradeId"),
        )

    def may_withdraw(self) -> bool | None:
        """Of the key's restrictions."""
        return Reader(self.venue, self.wire.ask("read key")).flag("enableWithdrawals")


def nothing(coin: str) -> VenueBalance:
    """The balance of a coin that the venue does not list."""
    from lotwise.units import Cash

    none = Cash(0)
    return VenueBalance(coin=coin, wallet_cash=none, equity_cash=none, free_cash=none, margin_cash=none)


def _known(states: dict[str, OrderState], status: str) -> OrderState:
    if status not in states:
        raise VenueError(
            "BROKER-150", f"binance tells an order as {status}, a state that is not known", "report it"
        )
    return states[status]
