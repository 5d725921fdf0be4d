"""What the streams should say, worked out from the events and the reference."""

from __future__ import annotations

from typing import Any

from tests.exchange.conformance_tape import DAY_NS, FUNDING_NS, MINUTE_NS, TapeWire
from tests.exchange.conformance_twin import Filled, Ordered
from tests.exchange.conformance_wire import SYMBOLS, Wire, cash, fixed, ms
from tests.reference.venue import names

EVENTS = {"live": "NEW", "filled": "TRADE", "cancelled": "CANCELED", "expired": "EXPIRED"}


class StreamWire:
    """Messages about one contract after a step."""

    def __init__(self, tape: TapeWire) -> None:
        self.tape = tape
        self.symbol = SYMBOLS[tape.contract]
        self.stamp = ms(tape.now_ns)

    def aggregates(self, count: int) -> list[dict[str, Any]]:
        """``aggTrade`` of the last trades."""
        return [
            {"e": "aggTrade", "E": row["T"], "s": self.symbol, **row} for row in self.tape.aggregates(count)
        ]

    def trades(self, count: int) -> list[dict[str, Any]]:
        """``trade`` of the last trades."""
        return [
            {
                "e": "trade",
                "E": row["time"],
                "T": row["time"],
                "s": self.symbol,
                "t": row["id"],
                "p": row["price"],
                "q": row["qty"],
                "X": "MARKET",
                "m": row["isBuyerMaker"],
            }
            for row in self.tape.plain_trades(count)
        ]

    def best(self, whatever: Any) -> dict[str, Any]:
        """``bookTicker``."""
        best = self.tape.best()
        return {
            "e": "bookTicker",
            "u": whatever,
            "s": self.symbol,
            "b": best["bidPrice"],
            "B": best["bidQty"],
            "a": best["askPrice"],
            "A": best["askQty"],
            "T": ms(self.tape.newest(names.QUOTE).time_ns),
            "E": self.stamp,
        }

    def mark(self) -> dict[str, Any]:
        """``markPriceUpdate``."""
        told = self.tape.premium()
        return {
            "e": "markPriceUpdate",
            "E": self.stamp,
            "s": self.symbol,
            "p": told["markPrice"],
            "ap": told["markPrice"],
            "P": told["estimatedSettlePrice"],
            "i": told["indexPrice"],
            "r": told["lastFundingRate"],
            "T": ms((self.tape.now_ns // FUNDING_NS + 1) * FUNDING_NS),
        }

    def mini(self) -> dict[str, Any]:
        """``24hrMiniTicker``."""
        day = self.tape.day()
        return {
            "e": "24hrMiniTicker",
            "E": self.stamp,
            "s": self.symbol,
            "c": day["lastPrice"],
            "o": day["openPrice"],
            "h": day["highPrice"],
            "l": day["lowPrice"],
            "v": day["volume"],
            "q": day["quoteVolume"],
        }

    def ticker(self) -> dict[str, Any]:
        """``24hrTicker``."""
        day = self.tape.day()
        assert self.tape.now_ns < DAY_NS * 10**6
        return {
            **self.mini(),
            "e": "24hrTicker",
            "p": day["priceChange"],
            "P": day["priceChangePercent"],
            "w": day["weightedAvgPrice"],
            "Q": day["lastQty"],
            "O": day["openTime"],
            "C": day["closeTime"],
            "F": day["firstId"],
            "L": day["lastId"],
            "n": day["count"],
        }

    def kline(self, interval: str, minutes: int) -> dict[str, Any]:
        """``kline`` of the present bar."""
        row = self.tape.klines(minutes, 1)[0]
        start = int(row[0]) * 10**6
        first = next(number for number, (one, _) in enumerate(self.tape.trades, 1) if one.time_ns >= start)
        assert minutes * MINUTE_NS > 0
        return {
            "e": "kline",
            "E": self.stamp,
            "s": self.symbol,
            "k": {
                "t": row[0],
                "T": row[6],
                "s": self.symbol,
                "i": interval,
                "f": str(first),
                "L": str(len(self.tape.trades)),
                "o": row[1],
                "h": row[2],
                "l": row[3],
                "c": row[4],
                "v": row[5],
                "n": row[8],
                "x": False,
                "q": row[7],
                "V": row[9],
                "Q": row[10],
                "B": "0",
            },
        }


def order_event(wire: Wire, one: Ordered, kind: str, fill: Filled | None = None) -> dict[str, Any]:
    """``ORDER_TRADE_UPDATE`` of an order as it is now."""
    order = wire.order(one)
    stamp = ms(one.changed_ns)
    trails = one.placed.callback8
    return {
        "e": "ORDER_TRADE_UPDATE",
        "T": stamp,
        "E": stamp,
        "o": {
            "s": order["symbol"],
            "c": one.client,
            "S": order["side"],
            "o": order["type"],
            "f": order["timeInForce"],
            "q": order["origQty"],
            "p": order["price"],
            "ap": order["avgPrice"],
            "sp": order["stopPrice"],
            "x": kind,
            "X": order["status"],
            "i": order["orderId"],
            "l": wire.lots(fill.lots if fill else 0),
            "z": order["executedQty"],
            "L": wire.price(one.contract, fill.price_ticks if fill else 0),
            "N": "USDT",
            "n": cash(fill.fee if fill else 0),
            "T": stamp,
            "t": str(fill.id) if fill else "0",
            "b": "0",
            "a": "0",
            "m": bool(fill and fill.is_maker),
            "R": order["reduceOnly"],
            "wt": order["workingType"],
            "ot": order["origType"],
            "ps": "BOTH",
            "cp": order["closePosition"],
            "AP": wire.price(one.contract, one.placed.activation_ticks),
            "cr": fixed(trails // 10**4, 2) if not trails else f"{trails / 10**6:.2f}",
            "pP": False,
            "si": "0",
            "ss": "0",
            "rp": cash(fill.realised if fill else 0),
            "V": "EXPIRE_MAKER",
            "pm": "NONE",
            "gtd": order["goodTillDate"],
            "er": "0",
        },
    }


def lite_event(wire: Wire, one: Ordered, fill: Filled) -> dict[str, Any]:
    """``TRADE_LITE`` of a fill."""
    order, stamp = wire.order(one), ms(one.changed_ns)
    return {
        "e": "TRADE_LITE",
        "E": stamp,
        "T": stamp,
        "s": order["symbol"],
        "q": order["origQty"],
        "p": order["price"],
        "m": bool(fill.is_maker),
        "c": one.client,
        "S": order["side"],
        "L": wire.price(one.contract, fill.price_ticks),
        "l": wire.lots(fill.lots),
        "t": str(fill.id),
        "i": order["orderId"],
    }


def account_event(wire: Wire, contract: int, reason: str, moved: int) -> dict[str, Any]:
    """``ACCOUNT_UPDATE`` after something touched one contract."""
    asset, risk = wire.asset(), wire.risk(contract, 2)
    realised = sum(one.realised for one in wire.twin.fills if one.order.contract == contract)
    stamp = ms(wire.twin.changed_ns)
    return {
        "e": "ACCOUNT_UPDATE",
        "T": stamp,
        "E": stamp,
        "a": {
            "m": reason,
            "B": [
                {
                    "a": "USDT",
                    "wb": asset["walletBalance"],
                    "cw": asset["crossWalletBalance"],
                    "bc": cash(moved),
                }
            ],
            "P": [
                {
                    "s": risk["symbol"],
                    "pa": risk["positionAmt"],
                    "ep": risk["entryPrice"],
                    "bep": risk["breakEvenPrice"],
                    "cr": cash(realised),
                    "up": risk["unRealizedProfit"],
                    "mt": risk["marginType"],
                    "iw": risk["isolatedWallet"],
                    "ps": "BOTH",
                }
            ],
        },
    }


def algo_event(wire: Wire, one: Ordered) -> dict[str, Any]:
    """``ALGO_UPDATE`` of a conditional order as it is now."""
    algo = wire.algo(one)
    stamp = ms(one.changed_ns)
    return {
        "e": "ALGO_UPDATE",
        "T": stamp,
        "E": stamp,
        "o": {
            "caid": one.client,
            "aid": algo["algoId"],
            "at": "CONDITIONAL",
            "o": algo["orderType"],
            "s": algo["symbol"],
            "S": algo["side"],
            "ps": "BOTH",
            "f": algo["timeInForce"],
            "q": algo["quantity"],
            "X": algo["algoStatus"],
            "ai": algo["actualOrderId"],
            "ap": algo["actualPrice"],
            "aq": algo["actualQty"],
            "act": algo["actualType"] or "0",
            "tp": algo["triggerPrice"],
            "p": algo["price"],
            "V": "EXPIRE_MAKER",
            "wt": algo["workingType"],
            "pm": "NONE",
            "cp": algo["closePosition"],
            "pP": False,
            "R": algo["reduceOnly"],
            "tt": algo["triggerTime"],
            "gtd": algo["goodTillDate"],
            "rm": "",
        },
    }
