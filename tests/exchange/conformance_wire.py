"""What the venue should answer: the reference's account in the venue's words, all numbers as text.

Written from the field lists of Binance USD-M's documents; every sum is worked out with fractions.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from tests.exchange.conformance_twin import Earned, Filled, Ordered, Twin
from tests.reference import margin
from tests.reference.venue import names, worth

TYPES: Final = {
    names.LIMIT: "LIMIT",
    names.MARKET: "MARKET",
    names.STOP_MARKET: "STOP_MARKET",
    names.STOP_LIMIT: "STOP",
    names.TAKE_MARKET: "TAKE_PROFIT_MARKET",
    names.TAKE_LIMIT: "TAKE_PROFIT",
    names.TRAILING: "TRAILING_STOP_MARKET",
}
IN_BOOK: Final = {"LIMIT": "LIMIT", "STOP": "LIMIT", "TAKE_PROFIT": "LIMIT"}
"""What stands in the book, or went through it: a market order where it is none of these."""
STATUSES: Final = {"filled": "FILLED", "cancelled": "CANCELED", "expired": "EXPIRED"}
EIGHT: Final = 10**8
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
PRICE_DECIMALS: Final = (1, 2)
ACCOUNT: Final = 10**9
"""Ids of an account begin at its number times this."""
LIQUIDATIONS: Final = 900_000_000
ALGO: Final = 4 * 10**15


def fixed(amount: Fraction | int, decimals: int) -> str:
    """A number cut toward zero at so many decimals."""
    cut = math.trunc(Fraction(amount) * 10**decimals)
    return f"{Decimal(cut).scaleb(-decimals):.{decimals}f}"


def cash(amount: Fraction | int) -> str:
    """1e-8 as text with eight decimals."""
    return fixed(Fraction(amount) / EIGHT, 8)


def ms(time_ns: int) -> str:
    """Milliseconds as text."""
    return str(time_ns // 10**6)


class Wire:
    """The answers that the account with this number should get."""

    def __init__(self, twin: Twin, number: int) -> None:
        self.twin = twin
        self.number = number

    @property
    def state(self) -> Any:
        """The reference's state."""
        return self.twin.venue.state

    # --- units ------------------------------------------------------------------------------------

    def price(self, contract: int, ticks: int | Fraction) -> str:
        """A price in ticks as text."""
        size = Fraction(self.twin.market.rows[contract].tick_size8, EIGHT)
        return fixed(ticks * size, PRICE_DECIMALS[contract])

    def lots(self, lots: int) -> str:
        """Lots as text; a lot of both contracts is 0.001."""
        return fixed(Fraction(lots, 1000), 3)

    def money(self, contract: int, tick_lots: int) -> str:
        """Price times lots as money."""
        return cash(tick_lots * self.twin.market.rows[contract].cash_per_tick_lot)

    def average(self, contract: int, tick_lots: int, lots: int) -> str:
        """The average price."""
        if not lots:
            return "0.00000000"
        return fixed(Fraction(tick_lots * self.twin.market.rows[contract].tick_size8, lots * EIGHT), 8)

    def id_of(self, order: Ordered) -> int:
        """The venue's id."""
        return self.number * ACCOUNT + (order.id if order.id > 0 else LIQUIDATIONS - order.id)

    # --- orders -----------------------------------------------------------------------------------

    def newest(self, client: str) -> Ordered:
        """The newest order that the client called so."""
        return [one for one in self.twin.orders.values() if one.client == client][-1]

    def order(self, one: Ordered) -> dict[str, Any]:
        """An order of the book."""
        kind, placed = TYPES[one.kind], one.placed
        status = STATUSES.get(one.status, "PARTIALLY_FILLED" if one.filled_lots else "NEW")
        conditional = one.kind not in (names.LIMIT, names.MARKET)
        return {
            "orderId": str(self.id_of(one)),
            "symbol": SYMBOLS[one.contract],
            "status": status,
            "clientOrderId": one.client,
            "price": self.price(one.contract, one.price_ticks),
            "avgPrice": self.average(one.contract, one.filled_ticks, one.filled_lots),
            "origQty": self.lots(one.lots or one.filled_lots),
            "executedQty": self.lots(one.filled_lots),
            "cumQty": self.lots(one.filled_lots),
            "cumQuote": self.money(one.contract, one.filled_ticks),
            "timeInForce": self.force(one),
            "type": IN_BOOK.get(kind, "MARKET"),
            "origType": kind,
            "reduceOnly": bool(placed.reduce_only),
            "closePosition": bool(placed.close_position),
            "side": "BUY" if placed.side > 0 else "SELL",
            "positionSide": "BOTH",
            "stopPrice": self.price(one.contract, one.trigger_ticks if conditional else 0),
            "workingType": "MARK_PRICE" if placed.by_mark else "CONTRACT_PRICE",
            "priceProtect": False,
            "priceMatch": "NONE",
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "goodTillDate": ms(getattr(placed, "expires_ns", 0)),
            "time": ms(one.triggered_ns or one.placed_ns),
            "updateTime": ms(one.changed_ns),
        }

    def force(self, one: Ordered) -> str:
        """Time in force."""
        if one.placed.post_only:
            return "GTX"
        return "GTC" if one.kind == names.MARKET else ("GTC", "IOC", "FOK", "GTD")[one.placed.tif]

    def algo(self, one: Ordered) -> dict[str, Any]:
        """An order of the algo service."""
        kind, placed, trails = TYPES[one.kind], one.placed, one.kind == names.TRAILING
        status = {"live": "NEW", "cancelled": "CANCELED", "expired": "EXPIRED"}.get(one.status, "")
        if one.triggered_ns:
            status = "TRIGGERED" if one.status == "live" else "FINISHED"
        return {
            "algoId": str(ALGO + self.id_of(one)),
            "clientAlgoId": one.client,
            "algoType": "CONDITIONAL",
            "orderType": kind,
            "symbol": SYMBOLS[one.contract],
            "side": "BUY" if placed.side > 0 else "SELL",
            "positionSide": "BOTH",
            "timeInForce": self.force(one),
            "quantity": self.lots(one.lots),
            "algoStatus": status,
            "triggerPrice": self.price(one.contract, one.trigger_ticks),
            "price": self.price(one.contract, one.price_ticks),
            "icebergQuantity": None,
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "workingType": "MARK_PRICE" if placed.by_mark else "CONTRACT_PRICE",
            "priceMatch": "NONE",
            "closePosition": bool(placed.close_position),
            "priceProtect": False,
            "reduceOnly": bool(placed.reduce_only),
            "activatePrice": self.price(one.contract, placed.activation_ticks) if trails else "",
            "callbackRate": fixed(Fraction(placed.callback8, 10**6), 2) if trails else "",
            "createTime": ms(one.placed_ns),
            "updateTime": ms(one.changed_ns),
            "triggerTime": ms(one.triggered_ns),
            "goodTillDate": "0",
            "actualOrderId": str(self.id_of(one)) if one.triggered_ns else "",
            "actualPrice": self.average(one.contract, one.filled_ticks, one.filled_lots),
            "actualQty": self.lots(one.filled_lots),
            "actualType": IN_BOOK.get(kind, "MARKET") if one.triggered_ns else "",
        }

    def orders(self, contract: int, *, live: bool) -> list[dict[str, Any]]:
        """Orders that are in the book, or all that ever were; liquidations come in their time."""
        return [
            self.order(one)
            for one in self.twin.orders.values()
            if one.contract == contract
            and (one.triggered_ns or one.kind in (names.LIMIT, names.MARKET))
            and (one.status == "live" or not live)
        ]

    def algos(self, contract: int, *, live: bool) -> list[dict[str, Any]]:
        """Conditional orders that wait, or all."""
        return [
            self.algo(one)
            for one in self.twin.orders.values()
            if one.contract == contract
            and one.kind not in (names.LIMIT, names.MARKET)
            and ((one.status == "live" and not one.triggered_ns) or not live)
        ]

    # --- fills and incomes ------------------------------------------------------------------------

    def fill(self, one: Filled) -> dict[str, Any]:
        """A row of ``userTrades``."""
        contract = one.order.contract
        return {
            "symbol": SYMBOLS[contract],
            "id": str(one.id),
            "orderId": str(self.id_of(one.order)),
            "side": "BUY" if one.side > 0 else "SELL",
            "price": self.price(contract, one.price_ticks),
            "qty": self.lots(one.lots),
            "realizedPnl": cash(one.realised),
            "quoteQty": self.money(contract, one.price_ticks * one.lots),
            "commission": cash(one.fee),
            "commissionAsset": "USDT",
            "time": ms(one.time_ns),
            "positionSide": "BOTH",
            "buyer": one.side > 0,
            "maker": one.is_maker,
        }

    def fills(self, contract: int) -> list[dict[str, Any]]:
        """All fills of a contract."""
        return [self.fill(one) for one in self.twin.fills if one.order.contract == contract]

    def income(self, one: Earned) -> dict[str, Any]:
        """A row of ``income``."""
        return {
            "symbol": SYMBOLS[one.contract] if one.contract >= 0 else "",
            "incomeType": one.kind,
            "income": cash(one.cash),
            "asset": "USDT",
            "info": one.kind,
            "time": ms(one.time_ns),
            "tranId": str(one.id),
            "tradeId": str(one.fill_id) if one.fill_id else "",
        }

    def incomes(self, kind: str = "", contract: int | None = None) -> list[dict[str, Any]]:
        """All incomes, of a kind, of a contract."""
        return [
            self.income(one)
            for one in self.twin.earned
            if kind in ("", one.kind) and contract in (None, one.contract)
        ]

    # --- account and positions --------------------------------------------------------------------

    def order_margin(self, contract: int) -> int:
        """What the orders of a contract bind."""
        return worth.bound(self.state, contract) - worth.initial(self.state, contract)

    def asset(self) -> dict[str, Any]:
        """The row of USDT."""
        state, every = self.state, range(len(SYMBOLS))
        isolated = sum(market.isolated_cash for market in state.markets)
        cross, pnl = state.account.cross_cash, sum(worth.pnl(state, c) for c in every)
        positions = sum(worth.initial(state, c) for c in every)
        orders = sum(self.order_margin(c) for c in every)
        free = worth.available(state)
        return {
            "asset": "USDT",
            "walletBalance": cash(cross + isolated),
            "unrealizedProfit": cash(pnl),
            "marginBalance": cash(cross + isolated + pnl),
            "maintMargin": cash(sum(worth.maintenance(state, c) for c in every)),
            "initialMargin": cash(positions + orders),
            "positionInitialMargin": cash(positions),
            "openOrderInitialMargin": cash(orders),
            "crossWalletBalance": cash(cross),
            "crossUnPnl": cash(worth.cross_balance(state) - cross),
            "availableBalance": cash(max(0, free)),
            "maxWithdrawAmount": cash(max(0, min(cross, free))),
            "marginAvailable": True,
            "updateTime": ms(self.twin.changed_ns),
        }

    def account(self, version: int) -> dict[str, Any]:
        """The account."""
        asset = self.asset()
        used = [c for c in range(len(SYMBOLS)) if version < 3 or self.is_used(c)]
        found = {
            "totalInitialMargin": asset["initialMargin"],
            "totalMaintMargin": asset["maintMargin"],
            "totalWalletBalance": asset["walletBalance"],
            "totalUnrealizedProfit": asset["unrealizedProfit"],
            "totalMarginBalance": asset["marginBalance"],
            "totalPositionInitialMargin": asset["positionInitialMargin"],
            "totalOpenOrderInitialMargin": asset["openOrderInitialMargin"],
            "totalCrossWalletBalance": asset["crossWalletBalance"],
            "totalCrossUnPnl": asset["crossUnPnl"],
            "availableBalance": asset["availableBalance"],
            "maxWithdrawAmount": asset["maxWithdrawAmount"],
            "assets": [asset],
            "positions": [self.position(c, version) for c in used],
        }
        if version < 3:
            found |= {"feeTier": "0", "canTrade": True, "canDeposit": True, "canWithdraw": False}
            found |= {"updateTime": "0", "multiAssetsMargin": False}
        return found

    def balance(self) -> list[dict[str, Any]]:
        """The balances."""
        asset = self.asset()
        names_of = ("crossWalletBalance", "crossUnPnl", "availableBalance", "maxWithdrawAmount", "updateTime")
        return [
            {
                "accountAlias": f"lotwise{self.number}",
                "asset": "USDT",
                "balance": asset["walletBalance"],
                "marginAvailable": True,
                **{name: asset[name] for name in names_of},
            }
        ]

    def is_used(self, contract: int) -> bool:
        """Whether there is a position or an order that binds margin."""
        return bool(self.state.markets[contract].lots or self.order_margin(contract))

    def position(self, contract: int, version: int) -> dict[str, Any]:
        """A position as the account tells it."""
        state, place = self.state, self.state.markets[contract]
        pnl, side = worth.pnl(state, contract), 1 if place.lots > 0 else -1
        bound = worth.bound(state, contract)
        found = {
            "symbol": SYMBOLS[contract],
            "positionSide": "BOTH",
            "positionAmt": self.lots(place.lots),
            "unrealizedProfit": cash(pnl),
            "isolatedMargin": cash(place.isolated_cash + pnl if place.is_isolated and place.lots else 0),
            "notional": cash(side * worth.worth(state, contract)),
            "isolatedWallet": cash(place.isolated_cash),
            "initialMargin": cash(bound),
            "maintMargin": cash(worth.maintenance(state, contract)),
            "updateTime": ms(self.twin.touched_ns[contract]),
        }
        if version < 3:
            buys, sells = self.working(contract)
            found |= {
                "positionInitialMargin": cash(worth.initial(state, contract)),
                "openOrderInitialMargin": cash(self.order_margin(contract)),
                "leverage": str(place.leverage100 // 100),
                "isolated": bool(place.is_isolated),
                "entryPrice": fixed(self.entry(contract), 8),
                "maxNotional": self.most(contract),
                "bidNotional": cash(buys),
                "askNotional": cash(sells),
            }
        return found

    def working(self, contract: int) -> tuple[int, int]:
        """What the opening orders of each side are worth."""
        unit = self.twin.market.rows[contract].cash_per_tick_lot
        rows = worth.opening(self.state, contract)
        buys, sells = (
            sum(ticks * lots * unit for side, ticks, lots in rows if side == one) for one in (1, -1)
        )
        return buys, sells

    def entry(self, contract: int) -> Fraction:
        """The average entry price."""
        place, row = self.state.markets[contract], self.twin.market.rows[contract]
        if not place.lots:
            return Fraction(0)
        return Fraction(place.entry_cash * row.tick_size8, abs(place.lots) * row.cash_per_tick_lot * EIGHT)

    def most(self, contract: int) -> str:
        """The largest notional of the leverage."""
        tiers = self.state.tiers[contract]
        leverage100 = self.state.markets[contract].leverage100
        return str(max(t.cap_cash for t in tiers if t.max_leverage100 >= leverage100) // EIGHT)

    def liquidation(self, contract: int) -> str:
        """Where the position is liquidated, told against the holder; 0: nowhere."""
        state, place = self.state, self.state.markets[contract]
        if not place.lots:
            return "0.00000000"
        tiers, floor = [], Fraction(0)
        for tier in state.tiers[contract]:
            cap = Fraction(tier.cap_cash, EIGHT)
            rate, cumulative = Fraction(tier.rate8, EIGHT), Fraction(tier.cumulative_cash, EIGHT)
            tiers.append(margin.Tier(floor, cap, rate, cumulative))
            floor = cap
        wallet = place.isolated_cash if place.is_isolated else state.account.cross_cash
        others = [] if place.is_isolated else [c for c in worth.cross_contracts(state) if c != contract]
        found = margin.liquidation_price(
            1 if place.lots > 0 else -1,
            Fraction(abs(place.lots), 1000),
            self.entry(contract),
            Fraction(wallet, EIGHT),
            tiers,
            Fraction(sum(worth.maintenance(state, c) for c in others), EIGHT),
            Fraction(sum(worth.pnl(state, c) for c in others), EIGHT),
        )
        if found is None:
            return "0.00000000"
        return fixed(margin.ceil8(found) if place.lots > 0 else margin.floor8(found), 8)

    def risk(self, contract: int, version: int) -> dict[str, Any]:
        """A row of ``positionRisk``."""
        state, place = self.state, self.state.markets[contract]
        side, fee = (1 if place.lots > 0 else -1), Fraction(5, 10_000)
        entry8 = math.trunc(self.entry(contract) * EIGHT)
        found = self.position(contract, 3)
        found["unRealizedProfit"] = found.pop("unrealizedProfit")
        found |= {
            "entryPrice": fixed(self.entry(contract), 8),
            "breakEvenPrice": cash(entry8 + side * math.ceil(entry8 * fee)),
            "markPrice": cash(place.mark8),
            "liquidationPrice": self.liquidation(contract),
            "marginAsset": "USDT",
            "positionInitialMargin": cash(worth.initial(state, contract)),
            "openOrderInitialMargin": cash(self.order_margin(contract)),
            "adl": "0",
            "bidNotional": cash(self.working(contract)[0]),
            "askNotional": cash(self.working(contract)[1]),
        }
        if version < 3:
            found |= {
                "leverage": str(place.leverage100 // 100),
                "marginType": "isolated" if place.is_isolated else "cross",
                "maxNotionalValue": self.most(contract),
                "isAutoAddMargin": "false",
            }
        return found

    def risks(self, version: int) -> list[dict[str, Any]]:
        """All rows of ``positionRisk``."""
        used = [c for c in range(len(SYMBOLS)) if version < 3 or self.is_used(c)]
        return [self.risk(c, version) for c in used]

    def config(self) -> list[dict[str, Any]]:
        """``symbolConfig``."""
        return [
            {
                "symbol": SYMBOLS[c],
                "marginType": "ISOLATED" if place.is_isolated else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": str(place.leverage100 // 100),
                "maxNotionalValue": self.most(c),
            }
            for c, place in enumerate(self.state.markets)
        ]

    def moves(self, contract: int) -> list[dict[str, Any]]:
        """``positionMargin/history``."""
        return [
            {
                "symbol": SYMBOLS[contract],
                "type": "1" if amount > 0 else "2",
                "deltaType": "USER_ADJUST",
                "amount": cash(amount),
                "asset": "USDT",
                "time": ms(time_ns),
                "positionSide": "BOTH",
            }
            for one, amount, time_ns in self.twin.moves
            if one == contract
        ]
