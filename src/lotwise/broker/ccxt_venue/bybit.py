"""Bybit v5 unified account: one order endpoint, conditional orders too; the reply is an id only (H17)."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    leverage_text,
    record,
    windows,
)
from lotwise.broker.ccxt_venue.raw import MS, Raw, Reader, broken, inside, levels, rows
from lotwise.broker.ccxt_venue.request import Params
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
    "Created": "open",
    "New": "open",
    "PartiallyFilled": "open",
    "Untriggered": "open",
    "Triggered": "open",
    "Filled": "filled",
    "Cancelled": "cancelled",
    "PartiallyFilledCanceled": "cancelled",
    "Deactivated": "cancelled",
    "Rejected": "rejected",
}
KEPT_MS: Final = 2 * 365 * DAY_MS
"""How long executions and the log are told. Source: v5 "Get Trade History", "Get Transaction Log"."""
SETTLES: Final = ("USDT", "USDC")
RISES: Final = 1
FALLS: Final = 2


class Bybit(Dialect):
    """Bybit's words."""

    venue: ClassVar[str] = "bybit"
    client_ids: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9_-]{1,36}")
    separate_triggers: ClassVar[bool] = False
    whole_leverage: ClassVar[bool] = False

    def placing(self, order: OrderWanted, contract: Contract) -> Params:
        """The parameters of an order; a trigger says by itself which way the price must go (H10)."""
        found: dict[str, Any] = {
            "category": _category(contract),
            "symbol": contract.symbol,
            "side": "Buy" if order.side > 0 else "Sell",
            "qty": contract.contracts_text(order.lots),
            "orderLinkId": order.client_id,
            "positionIdx": 0,
            "orderType": "Limit" if order.kind == "limit" else "Market",
        }
        if order.is_reduce_only:
            found["reduceOnly"] = True
        if order.kind == "limit":
            found["price"] = contract.price_text(order.price_ticks)
            found["timeInForce"] = "PostOnly" if order.is_post_only else "GTC"
        if order.kind in ("stop", "target"):
            rises = (order.side > 0) == (order.kind == "stop")
            found["triggerPrice"] = contract.price_text(order.trigger_ticks)
            found["triggerDirection"] = RISES if rises else FALLS
            found["triggerBy"] = "MarkPrice" if order.by_mark else "LastPrice"
        return found

    def placed_id(self, answer: Any) -> str:
        """The id in ``result``."""
        return Reader(self.venue, inside(self.venue, answer, "result")).needed("orderId")

    def find(self, contract: Contract, client_id: str, venue_id: str, is_trigger: bool) -> VenueOrder | None:
        """Among the open and just ended orders, then in the history (H16)."""
        asked = {"category": _category(contract), "symbol": contract.symbol, "orderLinkId": client_id}
        for action in ("read order", "read old order"):
            for row in rows(self.venue, self.wire.ask(action, **asked), "result", "list"):
                return self._order(row, contract)
        return None

    def cancelling(self, order: VenueOrder, contract: Contract) -> tuple[str, Params]:
        """By the venue's id; conditional orders too."""
        asked = {"category": _category(contract), "symbol": contract.symbol, "orderId": order.venue_id}
        return "cancel", asked

    def open_orders(self, contract: Contract | None) -> list[VenueOrder]:
        """Plain and conditional, page by page; without a contract of both settle coins."""
        found = []
        for asked in self._asked(contract):
            for row in self._pages("read orders", openOnly="0", limit="50", **asked):
                if self.desk.is_passed(row.needed("symbol")):
                    continue
                one = self.desk.of_symbol(row.needed("symbol"))
                found.append(self._order(row, one))
        return [order for order in found if order.state == "open"]

    def _asked(self, contract: Contract | None) -> list[dict[str, str]]:
        if contract:
            return [{"category": _category(contract), "symbol": contract.symbol}]
        found = [{"category": "linear", "settleCoin": coin} for coin in SETTLES]
        return found if "bybit-inverse" not in self.desk.families else [*found, {"category": "inverse"}]

    def _pages(self, action: str, **asked: Any) -> Iterator[Reader]:
        cursor: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = self.wire.ask(action, **asked, **cursor)
            yield from rows(self.venue, answer, "result", "list")
            after = inside(self.venue, answer, "result", "nextPageCursor")
            if not after or after == cursor.get("cursor"):
                return
            cursor = {"cursor": str(after)}
        raise VenueError("BROKER-151", f"over {MOST_PAGES} pages of {action}", "ask from a later time")

    def _order(self, row: Reader, contract: Contract) -> VenueOrder:
        status, trigger = row.needed("orderStatus"), row.ticks(contract, "triggerPrice")
        if status not in STATES:
            raise broken(self.venue, f"an order as {status}, a state that is not known")
        side = 1 if row.needed("side") == "Buy" else -1
        return VenueOrder(
            contract_id=contract.id,
            client_id=row.text("orderLinkId"),
            venue_id=row.needed("orderId"),
            kind=_kind(row, side, bool(trigger)),
            side=side,
            lots=row.lots(contract, "qty"),
            filled_lots=row.lots(contract, "cumExecQty"),
            price_ticks=row.ticks(contract, "price") if row.text("orderType") == "Limit" else Ticks(0),
            trigger_ticks=trigger,
            by_mark=row.text("triggerBy") == "MarkPrice",
            is_reduce_only=row.flag("reduceOnly"),
            closes_position=row.flag("closeOnTrigger") and not row.lots(contract, "qty"),
            position_side={"1": "long", "2": "short"}.get(row.text("positionIdx"), ""),
            state=STATES[status],
            time_ns=row.time_ns("createdTime"),
            average_price8=row.price8("avgPrice"),
            reason=_reason(row),
        )

    def positions(self) -> list[VenuePosition]:
        """Positions of all settle coins that are open."""
        is_isolated = self._is_isolated()
        found = []
        for asked in self._asked(None):
            for row in self._pages("read positions", limit="200", **asked):
                if not row.told("size").number("size") or self.desk.is_passed(row.needed("symbol")):
                    continue
                contract = self.desk.of_symbol(row.needed("symbol"))
                sign = 1 if row.needed("side") == "Buy" else -1
                found.append(
                    VenuePosition(
                        contract_id=contract.id,
                        lots=Lots(sign * row.lots(contract, "size")),
                        entry_price8=row.price8("avgPrice"),
                        mark_price8=row.price8("markPrice"),
                        liquidation_price8=row.price8_or_none("liqPrice"),
                        unrealised_cash=row.cash("unrealisedPnl"),
                        margin_cash=row.cash("positionIM"),
                        leverage100=row.leverage100("leverage"),
                        is_isolated=is_isolated,
                        position_side={"1": "long", "2": "short"}.get(row.text("positionIdx"), ""),
                    )
                )
        return found

    def _is_isolated(self) -> bool | None:
        info = Reader(self.venue, inside(self.venue, self.wire.ask("read settings"), "result")).text(
            "marginMode"
        )
        return {"ISOLATED_MARGIN": True, "REGULAR_MARGIN": False}.get(info)

    def balance(self, coin: str) -> VenueBalance:
        """The coin's row of the unified account; free is what margins and losses leave of the wallet."""
        answer = self.wire.ask("read balance", accountType="UNIFIED", coin=coin)
        for account in rows(self.venue, answer, "result", "list"):
            for row in rows(self.venue, account.raw, "coin"):
                if row.text("coin") != coin:
                    continue
                wallet, margin = row.cash("walletBalance"), row.cash("totalPositionIM")
                margin = Cash(margin + row.cash("totalOrderIM"))
                loss = min(0, row.cash("unrealisedPnl"))
                return VenueBalance(
                    coin=coin,
                    wallet_cash=wallet,
                    equity_cash=row.cash("equity"),
                    free_cash=Cash(max(0, wallet + loss - margin - row.cash("locked"))),
                    margin_cash=margin,
                    maintenance_cash=row.cash("totalPositionMM"),
                )
        return nothing(coin)

    def market(self, contract: Contract) -> VenueMarket:
        """One ticker has all of it."""
        answer = self.wire.ask("read book", category=_category(contract), symbol=contract.symbol)
        for row in rows(self.venue, answer, "result", "list"):
            return VenueMarket(
                contract_id=contract.id,
                bid_ticks=row.nearest_ticks(contract, "bid1Price"),
                ask_ticks=row.nearest_ticks(contract, "ask1Price"),
                last_ticks=row.nearest_ticks(contract, "lastPrice"),
                mark_price8=row.price8("markPrice"),
                time_ns=Reader(self.venue, answer).time_ns("time"),
                funding8=row.rate8("fundingRate"),
                funding_ns=row.time_ns("nextFundingTime") or None,
            )
        raise broken(self.venue, f"no ticker of {contract.symbol}")

    def book(self, contract: Contract) -> Resting:
        """The 100 best prices of each side."""
        category, limit = _category(contract), str(BOOK_LEVELS)
        answer = self.wire.ask("read depth", category=category, symbol=contract.symbol, limit=limit)
        book = Reader(self.venue, inside(self.venue, answer, "result"))
        return Resting(
            contract_id=contract.id,
            bids=levels(book, contract, "b"),
            asks=levels(book, contract, "a"),
            time_ns=book.time_ns("ts"),
        )

    def facts(self, contract: Contract) -> Raw | None:
        """The instrument."""
        answer = self.wire.ask("read facts", category=_category(contract), symbol=contract.symbol)
        return next((row.raw for row in rows(self.venue, answer, "result", "list")), None)

    def settings(self, contract: Contract, is_isolated: bool) -> Settings:
        """Leverage of the symbol, the account's margin mode, the position's index (H13, H19)."""
        asked = {"category": _category(contract), "symbol": contract.symbol, "limit": "200"}
        found = list(self._pages("read positions", **asked))
        indexes = {row.text("positionIdx") for row in found}
        return Settings(
            tuple(row.leverage100("leverage") for row in found) or (None,),
            self._is_isolated(),
            indexes <= {"0"} if indexes else None,
        )

    def set_one_way(self, contract: Contract) -> None:
        """Of the symbol."""
        self.wire.ask("position mode", category=_category(contract), symbol=contract.symbol, mode=0)

    def set_margin(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """Of the whole account: there is no other at Bybit (H13)."""
        self.wire.tell("bybit sets the margin mode of the whole account, not of one contract")
        self.wire.ask("margin mode", setMarginMode="ISOLATED_MARGIN" if is_isolated else "REGULAR_MARGIN")

    def set_leverage(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """Of the symbol, both ways alike."""
        text = leverage_text(leverage100)
        self.wire.ask(
            "leverage",
            category=_category(contract),
            symbol=contract.symbol,
            buyLeverage=text,
            sellLeverage=text,
        )

    def fills(self, contract: Contract, since_ms: int) -> list[dict[str, Any]]:
        """Executions week by week, each by its pages; funding is told here too and left to the income."""
        found: list[dict[str, Any]] = []
        now = self.wire.now_ms()
        asked = {"category": _category(contract), "symbol": contract.symbol, "limit": "100"}
        for first, last in windows(max(since_ms, now - KEPT_MS), now, WEEK_MS):
            span = {"startTime": first, "endTime": last}
            found += [dict(row.raw) for row in self._pages("read fills", **asked, **span)]
        return each_once([row for row in found if row.get("execType") != "Funding"], "execId")

    def incomes(self, since_ms: int) -> list[Income]:
        """The transaction log: result, fee and funding of a row apart, anything else as its change."""
        now, found = self.wire.now_ms(), []
        for first, last in windows(max(since_ms, now - KEPT_MS), now, WEEK_MS):
            span = {"accountType": "UNIFIED", "startTime": first, "endTime": last, "limit": "50"}
            found += [dict(row.raw) for row in self._pages("read income", **span)]
        incomes: list[Income] = []
        for raw in sorted(each_once(found, "id"), key=lambda raw: int(raw["transactionTime"])):
            incomes += self._parts(Reader(self.venue, raw))
        return incomes

    def _parts(self, row: Reader) -> Iterator[Income]:
        kind, change = row.needed("type"), row.cash("change")
        parts = {
            "REALIZED_PNL": row.cash("cashFlow"),
            "COMMISSION": -row.cash("fee"),
            "FUNDING_FEE": row.cash("funding"),
        }
        if sum(parts.values()) != change or not any(parts.values()):
            parts = {"TRANSFER" if kind.startswith("TRANSFER") else kind: change}
        for name, cash in parts.items():
            if cash:
                yield record(
                    self.desk,
                    row.needed("currency"),
                    income_id=f"{row.needed('id')}:{name}",
                    kind=name,
                    contract=row.text("symbol"),
                    cash=cash,
                    time_ms=row.time_ns("transactionTime") // MS,
                    trade_id=row.text("tradeId"),
                )

    def may_withdraw(self) -> bool | None:
        """Of the key's permissions."""
        wallet = inside(self.venue, self.wire.ask("read key"), "result", "permissions", "Wallet")
        return None if wallet is None else "Withdraw" in wallet


def _category(contract: Contract) -> str:
    return "inverse" if contract.is_inverse else "linear"


def _kind(row: Reader, side: int, has_trigger: bool) -> OrderKind | Literal["other"]:
    if row.text("orderType") == "Limit":
        return "other" if has_trigger else "limit"
    if not has_trigger:
        return "market"
    rises = row.text("triggerDirection") == str(RISES)
    return "stop" if rises == (side > 0) else "target"


def _reason(row: Reader) -> str:
    reason = row.text("rejectReason")
    return "" if reason in ("EC_NoError", "") else reason
