"""WEEX perpetuals: orders name the side of the position, long and short apart; quantities are coins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, ClassVar, Final, Literal

from lotwise.broker.ccxt_venue.binance import nothing
from lotwise.broker.ccxt_venue.dialect import (
    DAY_MS,
    WEEK_MS,
    Dialect,
    Settings,
    each_once,
    halved,
    leverage_text,
    record,
    refuse_opposite,
    windows,
)
from lotwise.broker.ccxt_venue.raw import MS, Raw, Reader, broken, inside, levels, rows
from lotwise.broker.ccxt_venue.request import Params
from lotwise.broker.venue import Resting
from lotwise.contracts.contract import Contract
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
from lotwise.units import Cash, Lots, Price8, Ticks

WHOLE_BOOK: Final = 200
"""Prices a side: it serves 15 or 200."""
STATES: Final[dict[str, OrderState]] = {
    "NEW": "open",
    "PENDING": "open",
    "PARTIAL_FILL": "open",
    "PARTIALLY_FILLED": "open",
    "UNTRIGGERED": "open",
    "TRIGGERED": "open",
    "CANCELING": "open",
    "FULL_FILL": "filled",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
    "REJECTED": "rejected",
    "FAILED": "rejected",
}
TYPES: Final[dict[str, OrderKind]] = {
    "MARKET": "market",
    "LIMIT": "limit",
    "STOP_MARKET": "stop",
    "TAKE_PROFIT_MARKET": "target",
}
PAGE: Final = 100
OLD_PAGE: Final = 1_000
KEPT_MS: Final = 90 * DAY_MS
_WIDE: Final = Context(prec=60)


class Weex(Dialect):
    """WEEX's words."""

    venue: ClassVar[str] = "weex"
    client_ids: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9_-]{1,36}")
    whole_leverage: ClassVar[bool] = False

    def placing(self, order: OrderWanted, contract: Contract) -> Params:
        """The parameters of an order; the position's side follows from what the order does."""
        is_long = (order.side > 0) != order.is_reduce_only
        found: dict[str, Any] = {
            "symbol": contract.symbol,
            "side": "BUY" if order.side > 0 else "SELL",
            "positionSide": "LONG" if is_long else "SHORT",
            "quantity": contract.contracts_text(order.lots),
        }
        if order.is_reduce_only:
            found["reduceOnly"] = True
        if order.kind in ("stop", "target"):
            is_stop = order.kind == "stop"
            return found | {
                "type": "STOP_MARKET" if is_stop else "TAKE_PROFIT_MARKET",
                "clientAlgoId": order.client_id,
                "triggerPrice": contract.price_text(order.trigger_ticks),
                "SlWorkingType" if is_stop else "TpWorkingType": (
                    "MARK_PRICE" if order.by_mark else "CONTRACT_PRICE"
                ),
            }
        found |= {"type": order.kind.upper(), "newClientOrderId": order.client_id}
        if order.kind == "limit":
            found |= {"price": contract.price_text(order.price_ticks), "timeInForce": "GTC"}
            if order.is_post_only:
                found["postOnly"] = True
        return found

    def before(self, order: OrderWanted, contract: Contract) -> None:
        """WEEX would open the other side beside what is held."""
        refuse_opposite(self, order)

    def placed_id(self, answer: Any) -> str:
        """The id of the order, or of the conditional one."""
        return Reader(self.venue, answer).needed("orderId", "algoId", "successOrderId")

    def find(self, contract: Contract, client_id: str, venue_id: str, is_trigger: bool) -> VenueOrder | None:
        """Among the open orders of both lists, then in the history of a week: no endpoint asks by our id."""
        for order in self.open_orders(contract):
            if order.client_id == client_id or (venue_id and order.venue_id == venue_id):
                return order
        asked = {"symbol": contract.symbol, "startTime": self.wire.now_ms() - WEEK_MS, "limit": OLD_PAGE}
        for row in rows(self.venue, self.wire.ask("read old orders", **asked)):
            if row.text("clientOrderId") == client_id or (venue_id and row.text("orderId") == venue_id):
                return self._order(row)
        return None

    def cancelling(self, order: VenueOrder, contract: Contract) -> tuple[str, Params]:
        """At the service that has it."""
        is_trigger = order.kind in ("stop", "target") or order.trigger_ticks > 0
        return "cancel trigger" if is_trigger else "cancel", {"orderId": order.venue_id}

    def open_orders(self, contract: Contract | None) -> list[VenueOrder]:
        """Both lists."""
        asked: dict[str, Any] = {"limit": PAGE} | ({"symbol": contract.symbol} if contract else {})
        found = []
        for action in ("read orders", "read triggers"):
            page = list(rows(self.venue, self.wire.ask(action, **asked)))
            if len(page) >= PAGE:
                raise broken(self.venue, f"{PAGE} open orders or more: not all of them can be read")
            found += [self._order(row) for row in page if not self.desk.is_passed(row.needed("symbol"))]
        return found

    def _order(self, row: Reader) -> VenueOrder:
        contract = self.desk.of_symbol(row.needed("symbol"))
        status = row.needed("status", "algoStatus").upper()
        if status not in STATES:
            raise broken(self.venue, f"an order as {status}, a state that is not known")
        kind: OrderKind | Literal["other"] = TYPES.get(row.text("type", "orderType").upper(), "other")
        return VenueOrder(
            contract_id=contract.id,
            client_id=row.text("clientOrderId", "clientAlgoId"),
            venue_id=row.needed("algoId", "orderId"),
            kind=kind,
            side=1 if row.needed("side").upper() == "BUY" else -1,
            lots=row.lots(contract, "origQty", "quantity"),
            filled_lots=row.lots(contract, "executedQty"),
            price_ticks=row.ticks(contract, "price") if kind == "limit" else Ticks(0),
            trigger_ticks=row.ticks(contract, "triggerPrice", "stopPrice"),
            by_mark=row.text("workingType") == "MARK_PRICE",
            is_reduce_only=row.flag("reduceOnly"),
            closes_position=row.flag("closePosition"),
            state=STATES[status],
            time_ns=row.time_ns("time", "createTime"),
            average_price8=row.price8("avgPrice"),
            reason=status if STATES[status] in ("expired", "rejected") else "",
        )

    def positions(self) -> list[VenuePosition]:
        """Positions that are open; the entry price is what was paid over the size."""
        found = []
        for row in rows(self.venue, self.wire.ask("read positions")):
            size, value = row.told("size", "openValue").number("size"), row.number("openValue")
            if not size or value is None or self.desk.is_passed(row.needed("symbol")):
                continue
            contract = self.desk.of_symbol(row.needed("symbol"))
            sign = 1 if row.needed("side").upper() == "LONG" else -1
            is_isolated = row.needed("marginType", "marginMode") == "ISOLATED"
            found.append(
                VenuePosition(
                    contract_id=contract.id,
                    lots=Lots(sign * row.lots(contract, "size")),
                    entry_price8=_over(value, size),
                    liquidation_price8=row.price8_or_none("liquidatePrice"),
                    unrealised_cash=row.cash("unrealizePnl"),
                    margin_cash=row.cash("isolatedMargin") if is_isolated else row.cash("marginSize"),
                    leverage100=row.leverage100("leverage"),
                    is_isolated=is_isolated,
                )
            )
        sides = {(one.contract_id, one.lots > 0) for one in found}
        return [_with_side(one) if (one.contract_id, one.lots < 0) in sides else one for one in found]

    def balance(self, coin: str) -> VenueBalance:
        """The asset's row; what is not free is told as margin."""
        for row in rows(self.venue, self.wire.ask("read balance")):
            if row.text("asset") == coin:
                wallet, free, pnl = (
                    row.cash("balance"),
                    row.cash("availableBalance"),
                    row.cash("unrealizePnl"),
                )
                return VenueBalance(
                    coin=coin,
                    wallet_cash=wallet,
                    equity_cash=Cash(wallet + pnl),
                    free_cash=free,
                    margin_cash=Cash(max(0, wallet + min(0, pnl) - free)),
                )
        return nothing(coin)

    def market(self, contract: Contract) -> VenueMarket:
        """Best prices, last price, mark and funding."""
        book, last, mark = (self._one(action, contract) for action in ("read book", "read last", "read mark"))
        return VenueMarket(
            contract_id=contract.id,
            bid_ticks=book.nearest_ticks(contract, "bidPrice"),
            ask_ticks=book.nearest_ticks(contract, "askPrice"),
            last_ticks=last.nearest_ticks(contract, "lastPrice"),
            mark_price8=mark.price8("markPrice"),
            time_ns=max(one.time_ns("time", "closeTime") for one in (book, last, mark)),
            funding8=mark.rate8("forecastFundingRate"),
            funding_ns=mark.time_ns("nextFundingTime") or None,
        )

    def _one(self, action: str, contract: Contract) -> Reader:
        answer = self.wire.ask(action, symbol=contract.symbol)
        for row in rows(self.venue, answer if isinstance(answer, list) else [answer]):
            if row.text("symbol") in ("", contract.symbol):
                return row
        raise broken(self.venue, f"{action} without {contract.symbol}")

    def book(self, contract: Contract) -> Resting:
        """The 200 best prices of each side; it does not say of when."""
        book = Reader(self.venue, self.wire.ask("read depth", symbol=contract.symbol, limit=WHOLE_BOOK))
        return Resting(
            contract_id=contract.id,
            bids=levels(book, contract, "bids"),
            asks=levels(book, contract, "asks"),
        )

    def facts(self, contract: Contract) -> Raw | None:
        """The symbol's row."""
        found = rows(self.venue, self.wire.ask("read facts"), "symbols")
        return next((row.raw for row in found if row.text("symbol") == contract.symbol), None)

    def settings(self, contract: Contract, is_isolated: bool) -> Settings:
        """Of the symbol: each margin mode has a leverage of its own."""
        row = self._one("read settings", contract)
        names = ("isolatedLongLeverage", "isolatedShortLeverage") if is_isolated else ("crossLeverage",)
        return Settings(
            tuple(row.leverage100(name) for name in names),
            row.needed("marginType") == "ISOLATED",
            row.needed("separatedType") == "COMBINED",
        )

    def set_one_way(self, contract: Contract) -> None:
        """Goes with the margin mode: positions are combined."""

    def set_margin(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """Margin mode, and combined positions."""
        mode = "ISOLATED" if is_isolated else "CROSSED"
        self.wire.ask("margin mode", symbol=contract.symbol, marginType=mode, separatedType="COMBINED")

    def set_leverage(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """Of the margin mode that is asked (H12)."""
        text, symbol = leverage_text(leverage100), contract.symbol
        if is_isolated:
            both = {"isolatedLongLeverage": text, "isolatedShortLeverage": text}
            self.wire.ask("leverage", symbol=symbol, marginType="ISOLATED", **both)
        else:
            self.wire.ask("leverage cross", symbol=symbol, marginType="CROSSED", crossLeverage=text)

    def fills(self, contract: Contract, since_ms: int) -> list[dict[str, Any]]:
        """Executions week by week; a full page is asked again in halves."""

        def ask(first: int, last: int) -> list[dict[str, Any]]:
            span = {"symbol": contract.symbol, "startTime": first, "endTime": last, "limit": PAGE}
            return [dict(row.raw) for row in rows(self.venue, self.wire.ask("read fills", **span))]

        return each_once(list(self._weeks(ask, since_ms)), "id")

    def incomes(self, since_ms: int) -> list[Income]:
        """Bills week by week."""

        def ask(first: int, last: int) -> list[dict[str, Any]]:
            answer = self.wire.ask("read income", startTime=first, endTime=last, limit=PAGE)
            path = () if isinstance(answer, list) else ("items",)
            return [dict(row.raw) for row in rows(self.venue, inside(self.venue, answer, *path))]

        found = each_once(list(self._weeks(ask, since_ms)), "billId")
        readers = [Reader(self.venue, raw) for raw in sorted(found, key=lambda raw: int(raw["time"]))]
        return [
            record(
                self.desk,
                row.needed("asset"),
                income_id=row.needed("billId"),
                kind=row.needed("incomeType"),
                contract=row.text("symbol"),
                cash=row.cash("income"),
                time_ms=row.time_ns("time") // MS,
            )
            for row in readers
        ]

    def _weeks(self, ask: Any, since_ms: int) -> Iterator[dict[str, Any]]:
        now = self.wire.now_ms()
        for first, last in windows(max(since_ms, now - KEPT_MS), now, WEEK_MS):
            yield from halved(ask, first, last, PAGE)


def _over(value: Decimal, size: Decimal) -> Price8:
    price = _WIDE.divide(value, size).quantize(Decimal("1e-8"), ROUND_HALF_EVEN, _WIDE)
    return Price8(int(price.scaleb(8, _WIDE)))


def _with_side(position: VenuePosition) -> VenuePosition:
    import msgspec

    return msgspec.structs.replace(position, position_side="long" if position.lots > 0 else "short")
