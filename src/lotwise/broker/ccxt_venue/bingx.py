"""BingX perpetuals in one-way mode: one order endpoint, conditional orders by their type."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, Literal

from lotwise.broker.ccxt_venue.binance import nothing
from lotwise.broker.ccxt_venue.dialect import (
    BOOK_LEVELS,
    DAY_MS,
    MOST_PAGES,
    WEEK_MS,
    Dialect,
    Settings,
    each_once,
    halved,
    leverage_text,
    record,
    windows,
)
from lotwise.broker.ccxt_venue.raw import MS, Raw, Reader, broken, inside, levels, rows
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
from lotwise.units import Cash, Lots, Ticks

STATES: Final[dict[str, OrderState]] = {
    "NEW": "open",
    "PENDING": "open",
    "PARTIALLY_FILLED": "open",
    "TRIGGERED": "open",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
    "FAILED": "rejected",
}
TYPES: Final[dict[str, OrderKind]] = {
    "MARKET": "market",
    "LIMIT": "limit",
    "STOP_MARKET": "stop",
    "TAKE_PROFIT_MARKET": "target",
}
PAGE: Final = 500
MOST: Final = 1_000
KEPT_MS: Final = 90 * DAY_MS
"""How long the venue tells fills and income. Source: "Get Account Profit and Loss Fund Flow"."""


class Bingx(Dialect):
    """BingX's words. It keeps client ids in small letters."""

    venue: ClassVar[str] = "bingx"
    client_ids: ClassVar[re.Pattern[str]] = re.compile(r"[a-z0-9_-]{1,40}")
    separate_triggers: ClassVar[bool] = False

    def placing(self, order: OrderWanted, contract: Contract) -> Params:
        """The parameters of an order."""
        types = {"stop": "STOP_MARKET", "target": "TAKE_PROFIT_MARKET"}
        found: dict[str, Any] = {
            "symbol": contract.symbol,
            "side": "BUY" if order.side > 0 else "SELL",
            "positionSide": "BOTH",
            "quantity": contract.contracts_text(order.lots),
            "clientOrderID": order.client_id,
            "type": types.get(order.kind, order.kind.upper()),
        }
        if order.is_reduce_only:
            found["reduceOnly"] = "true"
        if order.kind == "limit":
            found["price"] = contract.price_text(order.price_ticks)
            found["timeInForce"] = "PostOnly" if order.is_post_only else "GTC"
        if order.kind in types:
            found["stopPrice"] = contract.price_text(order.trigger_ticks)
            found["workingType"] = "MARK_PRICE" if order.by_mark else "CONTRACT_PRICE"
        return found

    def placed_id(self, answer: Any) -> str:
        """The id in ``data.order``."""
        return Reader(self.venue, inside(self.venue, answer, "data", "order")).needed("orderId")

    def find(self, contract: Contract, client_id: str, venue_id: str, is_trigger: bool) -> VenueOrder | None:
        """By the client's id; conditional orders too."""
        try:
            answer = self.wire.ask("read order", symbol=contract.symbol, clientOrderID=client_id)
        except NoSuchOrder:
            return None
        found = inside(self.venue, answer, "data", "order")
        return self._order(Reader(self.venue, found)) if found else None

    def cancelling(self, order: VenueOrder, contract: Contract) -> tuple[str, Params]:
        """By the venue's id."""
        return "cancel", {"symbol": contract.symbol, "orderId": order.venue_id}

    def open_orders(self, contract: Contract | None) -> list[VenueOrder]:
        """One list has plain and conditional orders."""
        asked = {"symbol": contract.symbol} if contract else {}
        answer = self.wire.ask("read orders", **asked)
        found = rows(self.venue, answer, "data", "orders")
        return [self._order(row) for row in found if not self.desk.is_passed(row.needed("symbol"))]

    def _order(self, row: Reader) -> VenueOrder:
        contract = self.desk.of_symbol(row.needed("symbol"))
        status = row.needed("status").upper()
        if status not in STATES:
            raise broken(self.venue, f"an order as {status}, a state that is not known")
        kind: OrderKind | Literal["other"] = TYPES.get(row.text("type").upper(), "other")
        side = row.text("positionSide").lower()
        return VenueOrder(
            contract_id=contract.id,
            client_id=row.text("clientOrderID", "clientOrderId"),
            venue_id=row.needed("orderId"),
            kind=kind,
            side=1 if row.needed("side").upper() == "BUY" else -1,
            lots=row.lots(contract, "origQty", "quantity"),
            filled_lots=row.lots(contract, "executedQty"),
            price_ticks=row.ticks(contract, "price") if kind == "limit" else Ticks(0),
            trigger_ticks=row.ticks(contract, "stopPrice"),
            by_mark=row.text("workingType") == "MARK_PRICE",
            is_reduce_only=row.flag("reduceOnly"),
            closes_position=row.flag("closePosition"),
            position_side="" if side == "both" else side,
            state=STATES[status],
            time_ns=row.time_ns("time"),
            average_price8=row.price8("avgPrice"),
            reason=status if STATES[status] in ("expired", "rejected") else "",
        )

    def positions(self) -> list[VenuePosition]:
        """Positions that are open; their amount has no sign, its side has."""
        found = []
        for row in rows(self.venue, self.wire.ask("read positions"), "data"):
            if not row.told("positionAmt").number("positionAmt") or self.desk.is_passed(row.needed("symbol")):
                continue
            contract = self.desk.of_symbol(row.needed("symbol"))
            lots, side = row.lots(contract, "positionAmt"), row.needed("positionSide").lower()
            found.append(
                VenuePosition(
                    contract_id=contract.id,
                    lots=Lots(-abs(lots)) if side == "short" else lots,
                    entry_price8=row.price8("avgPrice"),
                    mark_price8=row.price8("markPrice"),
                    liquidation_price8=row.price8_or_none("liquidationPrice"),
                    unrealised_cash=row.cash("unrealizedProfit"),
                    margin_cash=row.cash("margin", "initialMargin"),
                    leverage100=row.leverage100("leverage"),
                    is_isolated=row.flag("isolated"),
                    position_side="" if row.flag("onlyOnePosition") or side == "both" else side,
                )
            )
        return found

    def balance(self, coin: str) -> VenueBalance:
        """The asset's row; a demo pays in VST."""
        wanted = self.desk.coins.get(coin, coin)
        for row in rows(self.venue, self.wire.ask("read balance"), "data"):
            if row.text("asset") == wanted:
                return VenueBalance(
                    coin=coin,
                    wallet_cash=row.cash("balance"),
                    equity_cash=row.cash("equity"),
                    free_cash=row.cash("availableMargin"),
                    margin_cash=Cash(row.cash("usedMargin") + row.cash("freezedMargin")),
                )
        return nothing(coin)

    def market(self, contract: Contract) -> VenueMarket:
        """The ticker, the mark and the funding."""
        asked = {"symbol": contract.symbol}
        book = Reader(self.venue, inside(self.venue, self.wire.ask("read book", **asked), "data"))
        mark = Reader(self.venue, inside(self.venue, self.wire.ask("read mark", **asked), "data"))
        return VenueMarket(
            contract_id=contract.id,
            bid_ticks=book.nearest_ticks(contract, "bidPrice"),
            ask_ticks=book.nearest_ticks(contract, "askPrice"),
            last_ticks=book.nearest_ticks(contract, "lastPrice"),
            mark_price8=mark.price8("markPrice"),
            time_ns=book.time_ns("closeTime") or self.wire.now_ms() * MS,
            funding8=mark.rate8("lastFundingRate"),
            funding_ns=mark.time_ns("nextFundingTime") or None,
        )

    def book(self, contract: Contract) -> Resting:
        """The 100 best prices of each side, in coins: another list counts in contracts."""
        answer = self.wire.ask("read depth", symbol=contract.symbol, limit=BOOK_LEVELS)
        book = Reader(self.venue, inside(self.venue, answer, "data"))
        return Resting(
            contract_id=contract.id,
            bids=levels(book, contract, "bidsCoin"),
            asks=levels(book, contract, "asksCoin"),
            time_ns=book.time_ns("T"),
        )

    def facts(self, contract: Contract) -> Raw | None:
        """The contract's row."""
        found = rows(self.venue, self.wire.ask("read facts"), "data")
        return next((row.raw for row in found if row.text("symbol") == contract.symbol), None)

    def settings(self, contract: Contract, is_isolated: bool) -> Settings:
        """Three answers: leverage of both sides, margin mode, position mode."""
        asked = {"symbol": contract.symbol}
        leverage = Reader(self.venue, inside(self.venue, self.wire.ask("read leverage", **asked), "data"))
        margin = Reader(self.venue, inside(self.venue, self.wire.ask("read settings", **asked), "data"))
        mode = Reader(self.venue, inside(self.venue, self.wire.ask("read mode"), "data"))
        return Settings(
            (leverage.leverage100("longLeverage"), leverage.leverage100("shortLeverage")),
            margin.needed("marginType") == "ISOLATED",
            not mode.flag("dualSidePosition"),
        )

    def set_one_way(self, contract: Contract) -> None:
        """For the whole account."""
        self.wire.ask("position mode", dualSidePosition="false")

    def set_margin(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """For the symbol."""
        mode = "ISOLATED" if is_isolated else "CROSSED"
        self.wire.ask("margin mode", symbol=contract.symbol, marginType=mode)

    def set_leverage(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """For the symbol; the side is BOTH in one-way mode (H12)."""
        self.wire.ask("leverage", symbol=contract.symbol, leverage=leverage_text(leverage100), side="BOTH")

    def fills(self, contract: Contract, since_ms: int) -> list[dict[str, Any]]:
        """Executions week by week, each by its pages."""
        now, found = self.wire.now_ms(), []
        for first, last in windows(max(since_ms, now - KEPT_MS), now, WEEK_MS):
            found += self._page_by_page(contract.symbol, first, last)
        return each_once(found, "tradeId", "orderId")

    def _page_by_page(self, symbol: str, first: int, last: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number in range(1, MOST_PAGES):
            span = {"startTs": first, "endTs": last, "pageIndex": number, "pageSize": PAGE}
            answer = self.wire.ask("read fills", symbol=symbol, **span)
            page = [_fill(row) for row in rows(self.venue, answer, "data", "fill_history_orders")]
            found += page
            if len(page) < PAGE:
                return found
        raise VenueError("BROKER-151", f"over {MOST_PAGES} pages of fills", "ask from a later time")

    def incomes(self, since_ms: int) -> list[Income]:
        """The fund flow, named as at Binance; a demo's coins by our names."""
        now, found = self.wire.now_ms(), []
        ours = {theirs: coin for coin, theirs in self.desk.coins.items()}

        def ask(first: int, last: int) -> list[dict[str, Any]]:
            answer = self.wire.ask("read income", startTime=first, endTime=last, limit=MOST)
            return [dict(row.raw) for row in rows(self.venue, answer, "data")]

        for first, last in windows(max(since_ms, now - KEPT_MS), now, WEEK_MS):
            found += halved(ask, first, last, MOST)
        unique = each_once(found, "tranId", "incomeType", "symbol", "time", "income")
        readers = [Reader(self.venue, raw) for raw in sorted(unique, key=lambda raw: int(raw["time"]))]
        return [
            record(
                self.desk,
                ours.get(row.needed("asset"), row.needed("asset")),
                income_id=row.needed("tranId"),
                kind=row.needed("incomeType"),
                contract=row.text("symbol"),
                cash=row.cash("income"),
                time_ms=row.time_ns("time") // MS,
                trade_id=row.text("tradeId"),
            )
            for row in readers
        ]


def _fill(row: Reader) -> dict[str, Any]:
    """A fill under the journal's names of columns."""
    side = row.text("positionSide")
    return {
        "symbol": row.needed("symbol"),
        "side": row.needed("side"),
        "positionSide": "" if row.flag("onlyOnePosition") or side == "BOTH" else side,
        "price": row.needed("price"),
        "volume": row.needed("volume", "qty"),
        "commission": row.text("commission"),
        "currency": row.text("commissionAsset", "currency"),
        "realizedPnl": row.text("realizedPnl", "realisedPNL"),
        "tradeId": row.needed("tradeId"),
        "orderId": row.needed("orderId"),
        "maker": {"maker": "true", "taker": "false"}.get(row.text("role").lower(), ""),
        "filledTime": row.needed("filledTime", "filledTm"),
    }
