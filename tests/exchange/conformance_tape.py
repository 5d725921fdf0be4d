"""What the venue should answer about the market, worked out from the events alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from tests.exchange.conformance_twin import HOUR_NS, Twin
from tests.exchange.conformance_wire import EIGHT, SYMBOLS, Wire, cash, fixed, ms
from tests.reference.venue import names

MINUTE_NS: Final = 60 * 10**9
DAY_NS: Final = 24 * HOUR_NS
FUNDING_NS: Final = 8 * HOUR_NS


class TapeWire:
    """Answers about one contract's market."""

    def __init__(self, twin: Twin, contract: int) -> None:
        self.twin = twin
        self.contract = contract
        self.wire = Wire(twin, 0)
        self.row = twin.market.rows[contract]
        self.events = [event for event in twin.heard if event.contract == contract]
        self.now_ns = self.events[-1].time_ns
        self.trades = self._trades()

    def price(self, ticks: int) -> str:
        """A price."""
        return self.wire.price(self.contract, ticks)

    def money(self, tick_lots: int) -> str:
        """Price times lots as money."""
        return self.wire.money(self.contract, tick_lots)

    def _trades(self) -> list[tuple[Any, bool]]:
        """Trades and whether the taker sold: nearer to the bid than to the ask, as the quote stood."""
        found, quote = [], None
        for event in self.events:
            if event.kind == names.QUOTE:
                quote = event
            elif event.kind == names.TRADE and event.lots:
                assert quote is not None
                middle = Fraction(quote.bid_ticks + quote.ask_ticks, 2)
                found.append((event, event.price_ticks < middle))
        return found

    def newest(self, kind: int) -> Any:
        """The last event of a kind."""
        return [event for event in self.events if event.kind == kind][-1]

    def aggregates(self, count: int) -> list[dict[str, Any]]:
        """``aggTrades``."""
        first = len(self.trades) - count + 1
        return [
            {
                "a": str(number),
                "p": self.price(one.price_ticks),
                "q": self.wire.lots(one.lots),
                "nq": self.wire.lots(one.lots),
                "f": str(number),
                "l": str(number),
                "T": ms(one.time_ns),
                "m": is_sell,
            }
            for number, (one, is_sell) in enumerate(self.trades[-count:], first)
        ]

    def plain_trades(self, count: int) -> list[dict[str, Any]]:
        """``trades`` and ``historicalTrades``."""
        first = len(self.trades) - count + 1
        return [
            {
                "id": str(number),
                "price": self.price(one.price_ticks),
                "qty": self.wire.lots(one.lots),
                "quoteQty": self.money(one.price_ticks * one.lots),
                "time": ms(one.time_ns),
                "isBuyerMaker": is_sell,
                "isRPITrade": False,
            }
            for number, (one, is_sell) in enumerate(self.trades[-count:], first)
        ]

    def klines(self, minutes: int, count: int) -> list[list[Any]]:
        """Bars of trades."""
        step, bars = minutes * MINUTE_NS, {}
        for one, is_sell in self.trades:
            bars.setdefault(one.time_ns // step, []).append((one, is_sell))
        return [self._kline(start * step, step, bars[start]) for start in sorted(bars)[-count:]]

    def _kline(self, start_ns: int, step_ns: int, rows: list[tuple[Any, bool]]) -> list[Any]:
        prices = [one.price_ticks for one, _ in rows]
        bought = [one for one, is_sell in rows if not is_sell]
        return [
            ms(start_ns),
            self.price(prices[0]),
            self.price(max(prices)),
            self.price(min(prices)),
            self.price(prices[-1]),
            self.wire.lots(sum(one.lots for one, _ in rows)),
            str(int(ms(start_ns + step_ns)) - 1),
            self.money(sum(one.lots * one.price_ticks for one, _ in rows)),
            str(len(rows)),
            self.wire.lots(sum(one.lots for one in bought)),
            self.money(sum(one.lots * one.price_ticks for one in bought)),
            "0",
        ]

    def marks(self, minutes: int, count: int) -> list[list[Any]]:
        """Bars of the mark, and of the index, which this market does not tell apart from it."""
        step, bars = minutes * MINUTE_NS, {}
        for event in self.events:
            if event.kind == names.MARK:
                bars.setdefault(event.time_ns // step, []).append(event.price8)
        return [
            [
                ms(start * step),
                *(cash(price8) for price8 in (found[0], max(found), min(found), found[-1])),
                "0",
                str(int(ms((start + 1) * step)) - 1),
                "0",
                str(step // 10**9),
                "0",
                "0",
                "0",
            ]
            for start, found in sorted(bars.items())[-count:]
        ]

    def premiums(self, minutes: int, count: int) -> list[list[Any]]:
        """Bars of the premium: the index is the mark here, so it is nothing."""
        return [[*row[:1], *["0.00000000"] * 4, *row[5:]] for row in self.marks(minutes, count)]

    def best(self) -> dict[str, Any]:
        """``ticker/bookTicker``, but for the counter of updates."""
        quote = self.newest(names.QUOTE)
        return {
            "symbol": SYMBOLS[self.contract],
            "bidPrice": self.price(quote.bid_ticks),
            "bidQty": self.wire.lots(quote.bid_lots),
            "askPrice": self.price(quote.ask_ticks),
            "askQty": self.wire.lots(quote.ask_lots),
            "time": ms(self.now_ns),
        }

    def last(self) -> dict[str, Any]:
        """``ticker/price``."""
        one = self.trades[-1][0]
        symbol = SYMBOLS[self.contract]
        return {"symbol": symbol, "price": self.price(one.price_ticks), "time": ms(self.now_ns)}

    def day(self) -> dict[str, Any]:
        """``ticker/24hr``: the story is shorter than a day, so it is all of it."""
        assert self.now_ns - self.events[0].time_ns < DAY_NS
        rows = [one for one, _ in self.trades]
        first, last = rows[0].price_ticks, rows[-1].price_ticks
        lots, worth = sum(one.lots for one in rows), sum(one.lots * one.price_ticks for one in rows)
        return {
            "symbol": SYMBOLS[self.contract],
            "priceChange": self.price(last - first),
            "priceChangePercent": fixed(Fraction((last - first) * 100, first), 3),
            "weightedAvgPrice": self.wire.average(self.contract, worth, lots),
            "lastPrice": self.price(last),
            "lastQty": self.wire.lots(rows[-1].lots),
            "openPrice": self.price(first),
            "highPrice": self.price(max(one.price_ticks for one in rows)),
            "lowPrice": self.price(min(one.price_ticks for one in rows)),
            "volume": self.wire.lots(lots),
            "quoteVolume": self.money(worth),
            "openTime": ms(rows[0].time_ns // MINUTE_NS * MINUTE_NS),
            "closeTime": ms(self.now_ns),
            "firstId": "1",
            "lastId": str(len(rows)),
            "count": str(len(rows)),
        }

    def fundings(self) -> list[Any]:
        """Events of funding."""
        return [event for event in self.events if event.kind == names.FUNDING]

    def premium(self) -> dict[str, Any]:
        """``premiumIndex``."""
        mark8, fundings = self.newest(names.MARK).price8, self.fundings()
        return {
            "symbol": SYMBOLS[self.contract],
            "markPrice": cash(mark8),
            "indexPrice": cash(mark8),
            "estimatedSettlePrice": cash(mark8),
            "lastFundingRate": cash(fundings[-1].rate8 if fundings else 0),
            "interestRate": "0.00010000",
            "nextFundingTime": ms((self.now_ns // FUNDING_NS + 1) * FUNDING_NS),
            "time": ms(self.now_ns),
        }

    def rates(self) -> list[dict[str, Any]]:
        """``fundingRate``."""
        return [
            {
                "symbol": SYMBOLS[self.contract],
                "fundingTime": ms(event.time_ns),
                "fundingRate": cash(event.rate8),
                "markPrice": cash(event.price8),
            }
            for event in self.fundings()
        ]

    def rules(self) -> dict[str, Any]:
        """What ``exchangeInfo`` says of steps and least amounts."""
        row = self.row
        return {
            "symbol": SYMBOLS[self.contract],
            "tickSize": self.price(1),
            "stepSize": self.wire.lots(1),
            "minQty": self.wire.lots(row.min_lots),
            "maxQty": self.wire.lots(row.max_lots),
            "notional": str(row.min_notional_cash // EIGHT),
            "liquidationFee": cash(row.liquidation_fee8),
        }

    def brackets(self) -> list[dict[str, Any]]:
        """``leverageBracket``."""
        floor, found = 0, []
        for number, tier in enumerate(self.twin.venue.state.tiers[self.contract], 1):
            cumulative = Fraction(tier.cumulative_cash, EIGHT)
            found.append(
                {
                    "bracket": str(number),
                    "initialLeverage": str(tier.max_leverage100 // 100),
                    "notionalFloor": str(floor // EIGHT),
                    "notionalCap": str(tier.cap_cash // EIGHT),
                    "maintMarginRatio": plain(Fraction(tier.rate8, EIGHT)),
                    "cum": plain(cumulative),
                }
            )
            floor = tier.cap_cash
        return found


def plain(number: Fraction) -> str:
    """A number without zeros at its end."""
    text = fixed(number, 8).rstrip("0").rstrip(".")
    return text or "0"
