"""Random histories of an account: facts, choices and events made from a seed.

A history is made as it is played: the next event looks at the state of the plain kernel, so that orders
that exist are amended, positions are reduced, stops lie near the price and accounts are poor enough to be
liquidated. The same seed always makes the same history.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from lotwise.kernel import state as s
from lotwise.kernel.layout import TierRow
from lotwise.kernel.snapshot import new_state

E8: Final = 10**8
MINUTE: Final = 60_000_000_000
CONTRACTS: Final = 3
SLOTS: Final = 6


class History:
    """One account's facts and a source of events for it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.contracts: list[s.ContractRow] = []
        self.tiers: list[TierRow] = []
        self.prices: list[int] = []
        for _ in range(CONTRACTS):
            self._contract()
        self.reckless = self.chance(50)
        self.wild = self.rng.choice((15, 40, 60) if self.reckless else (1, 4, 15, 40))
        self.time_ns = self.rng.randrange(10**18)
        self.leverage100 = self.rng.choice((2000, 4000) if self.reckless else (100, 300, 500, 1000, 2000))
        self.call_ratio8 = self.rng.choice((0, 80_000_000))
        self.queued: list[s.EventRow] = [self.event(s.TRANSFER, cash=self.rng.randint(20, 3000) * E8)]
        self.makers: list[tuple[int, Callable[[], s.EventRow]]] = [
            (34, self.bar),
            (14, self.trade),
            (7, self.quote),
            (9, self.mark),
            (6, self.funding),
            (2, self.index),
            (3, self.clock),
            (34, self.order if not self.reckless else self.plunge),
            (5, self.amend),
            (5, self.cancel),
            (2, self.cancel_all),
            (7, self.leverage),
            (1 if self.reckless and self.chance(70) else 5, self.mode),
            (6, self.isolated_margin),
            (5 if self.reckless else 3, self.transfer),
            (6 if self.reckless else 18, self.bracket),
            (3, self.nonsense),
            (8, self.malformed),
        ]

    def _contract(self) -> None:
        rng = self.rng
        tick8 = rng.choice((10**4, 10**6, 10**7))
        self.prices.append(rng.randint(3_000, 700_000))
        unit = rng.choice((1, 10, 1_000, 10_000))
        lot_worth = self.prices[-1] * unit
        first = len(self.tiers)
        cap, rate8, cumulative, floor = 0, rng.choice((400_000, 650_000, 1_000_000)), 0, 0
        for tier in range(rng.randint(2, 4)):
            cap = max(cap * rng.randint(2, 5), lot_worth * rng.randint(20, 400))
            most = (12_500, 5_000, 2_000, 1_000)[tier]
            at_cap = cap * rate8 // E8 - cumulative
            self.tiers.append(
                TierRow(
                    cap_cash=cap,
                    cumulative_cash=cumulative,
                    maintenance_at_cap_cash=at_cap,
                    max_leverage100=most,
                    rate8=rate8,
                )
            )
            floor, more = cap, rng.choice((2, 3))
            cumulative += floor * (rate8 * more - rate8) // E8
            rate8 *= more
        self.contracts.append(
            s.ContractRow(
                cash_per_tick_lot=unit,
                tick_size8=tick8,
                min_lots=rng.choice((1, 1, 2, 5)),
                max_lots=rng.choice((300, 5_000, 50_000)),
                max_market_lots=rng.choice((60, 2_000, 20_000)),
                max_notional_cash=2**59,
                min_notional_cash=rng.choice((0, lot_worth * 2, lot_worth * 7)),
                maker_fee8=rng.choice((0, 20_000)),
                taker_fee8=rng.choice((45_000, 50_000)),
                liquidation_fee8=rng.choice((0, 1_250_000)),
                price_up8=rng.choice((0, 5_000_000)),
                price_down8=rng.choice((0, 5_000_000)),
                take_bound8=rng.choice((0, 0, 1_000_000)),
                path=rng.randrange(4),
                limit_fill=rng.randrange(3),
                volume_share8=rng.choice((0, 0, 10_000_000, 50_000_000)),
                queue_share8=rng.choice((0, 50_000_000, E8)),
                spread_ticks=rng.choice((0, 1, 4, 7)),
                slippage_ticks=rng.choice((0, 0, 3)),
                slippage_range8=rng.choice((0, 0, 2_000_000)),
                first_tier=first,
                end_tier=len(self.tiers),
            )
        )

    def begin(self) -> s.State:
        """The empty account that the events are for."""
        return new_state(
            self.contracts,
            self.tiers,
            slots=SLOTS,
            log_rows=4_000,
            leverage100=self.leverage100,
            call_ratio8=self.call_ratio8,
        )

    def next(self, now: s.State) -> s.EventRow:
        """An event after the state as it is."""
        self.now = now
        if self.queued:
            return self.queued.pop(0)
        self.c = self.rng.randrange(CONTRACTS)
        self.facts, self.market = now.contracts[self.c], now.markets[self.c]
        self.last = self.market.last_ticks or self.prices[self.c]
        weights = [weight for weight, _ in self.makers]
        return self.rng.choices(self.makers, weights)[0][1]()

    def event(self, kind: int, **fields: int) -> s.EventRow:
        """An event a little later than the one before."""
        self.time_ns += self.rng.choice((0, 1, MINUTE, MINUTE))
        return s.EventRow(kind=kind, contract=getattr(self, "c", 0), time_ns=self.time_ns, **fields)

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases."""
        return self.rng.randrange(100) < percent

    def near(self, per_mille: int, middle: int | None = None) -> int:
        """A price within so many per mille of the last one."""
        middle = self.last if middle is None else middle
        span = max(2, middle * per_mille // 1000)
        return max(1, middle + self.rng.randint(-span, span))

    # -- the market

    def bar(self) -> s.EventRow:
        """A bar from near the last price, now and then far from it."""
        start = self.near(self.wild * (6 if self.chance(14 if self.reckless else 6) else 1))
        end = self.near(self.wild, start)
        high = max(start, end) + abs(self.near(self.wild, start) - start)
        low = max(1, min(start, end) - abs(self.near(self.wild, start) - start))
        marks = {}
        if self.chance(40):
            off8 = self.rng.randint(-self.facts.tick_size8 * 3, self.facts.tick_size8 * 3)
            points = {"open": start, "high": high, "low": low, "close": end}
            named = {f"mark_{n}8": max(1, t * self.facts.tick_size8 + off8) for n, t in points.items()}
            marks = named
        return self.event(
            s.BAR,
            open_ticks=start,
            high_ticks=high,
            low_ticks=low,
            close_ticks=end,
            volume_lots=self.rng.choice((0, 5, 40, 400, 9_000)),
            **marks,
        )

    def trade(self) -> s.EventRow:
        """A trade, often at the price of an order of ours."""
        price = self.near(self.wild)
        resting = [o.price_ticks for o in self.now.orders if o.status == s.WORKING and o.contract == self.c]
        if resting and self.chance(60):
            price = self.rng.choice(resting)
        return self.event(s.TRADE, price_ticks=price, lots=self.rng.choice((1, 7, 30, 500)))

    def quote(self) -> s.EventRow:
        """A best bid and ask, now and then one side alone."""
        bid = self.near(self.wild)
        ask = bid + self.rng.choice((1, 2, 9))
        lots = {"bid_lots": self.rng.randrange(60), "ask_lots": self.rng.randrange(60)}
        return self.event(s.QUOTE, bid_ticks=0 if self.chance(5) else bid, ask_ticks=ask, **lots)

    def mark(self) -> s.EventRow:
        """A mark off the ticks."""
        tick8 = self.facts.tick_size8
        price8 = self.near(
            self.wild * (5 if self.chance(35 if self.reckless else 10) else 1)
        ) * tick8 + self.rng.randrange(tick8)
        return self.event(s.MARK, price8=price8)

    def index(self) -> s.EventRow:
        """An index price."""
        return self.event(s.INDEX, price8=self.last * self.facts.tick_size8)

    def funding(self) -> s.EventRow:
        """A funding rate of either sign, sometimes with its own mark and another interval."""
        price8 = self.near(3) * self.facts.tick_size8 if self.chance(50) else 0
        return self.event(
            s.FUNDING,
            rate8=self.rng.choice((-2_000_000, -10_000, 10_000, 37_501, 2_000_000)),
            price8=price8,
            interval_ns=self.rng.choice((1, 4, 8)) * 60 * MINUTE,
        )

    def clock(self) -> s.EventRow:
        """Time passes."""
        self.time_ns += self.rng.randrange(30) * MINUTE
        return self.event(s.CLOCK)

    # -- commands

    def lots(self) -> int:
        """Lots that the account can mostly pay, sometimes not."""
        money = max(1, self.now.account[0].cross_cash)
        share = self.rng.choice((5, 20, 60, 100, 140))
        worth = self.last * self.facts.cash_per_tick_lot * 100
        can = money * self.market.leverage100 * share // 100 // max(1, worth)
        held = abs(self.market.lots)
        if held and self.chance(8 if self.reckless else 35):
            return self.rng.choice((held, max(1, held // 2), held * 2, held + 1))
        return max(1, min(can, self.facts.max_lots + 5))

    def order(self) -> s.EventRow:
        """An order of any kind, mostly sensible."""
        rng = self.rng
        side = rng.choice((-1, 1))
        kind = rng.choices(range(1, 8), (28, 20, 12, 7, 8, 6, 19))[0]
        stops = kind in (s.STOP_MARKET, s.STOP_LIMIT)
        away = abs(self.near(self.wild * 2) - self.last) + (0 if self.chance(8) else 1)
        beyond = side if stops else -side
        wrong = -1 if self.chance(6) else 1
        closes = kind in (s.STOP_MARKET, s.TAKE_MARKET) and self.chance(25)
        tif = rng.choices((s.GTC, s.IOC, s.FOK, s.GTD), (60, 14, 12, 14))[0]
        return self.event(
            s.PLACE,
            order_kind=kind,
            side=side,
            lots=0 if closes else self.lots(),
            price_ticks=max(0, self.last - side * rng.choice((away, away, -away, 0))),
            trigger_ticks=max(0, self.last + beyond * wrong * away),
            activation_ticks=max(1, self.last - side * wrong * away) if self.chance(65) else 0,
            callback8=rng.choice((100_000, 500_000, 2_000_000, 50)) if kind == s.TRAILING else 0,
            by_mark=int(self.chance(25)),
            reduce_only=int(self.chance(30)),
            close_position=int(closes),
            post_only=int(self.chance(12)),
            tif=tif,
            expires_ns=self.time_ns + rng.choice((-1, 1, 5, 60)) * MINUTE,
        )

    def plunge(self) -> s.EventRow:
        """What ruins an account: at the market, with all its money, in several contracts."""
        flat = [
            c for c in range(CONTRACTS) if not self.now.markets[c].lots and self.now.markets[c].last_ticks
        ]
        if not flat or self.chance(25):
            return self.order()
        self.c = self.rng.choice(flat)
        self.facts, self.market = self.now.contracts[self.c], self.now.markets[self.c]
        self.last = self.market.last_ticks
        worth = max(1, self.last * self.facts.cash_per_tick_lot)
        free = max(0, self.now.account[0].cross_cash)
        lots = free * self.market.leverage100 // 100 // worth * self.rng.choice((25, 30, 40, 90)) // 100
        most = min(self.facts.max_market_lots, self.facts.max_lots)
        return self.event(
            s.PLACE,
            order_kind=s.MARKET,
            side=self.rng.choice((-1, 1)),
            lots=max(1, min(lots, most)),
        )

    def some_id(self) -> int:
        """The id of an order, mostly one that exists."""
        ids = [order.id for order in self.now.orders if order.status]
        if ids and self.chance(92):
            return self.rng.choice(ids)
        return self.now.account[0].next_order_id + self.rng.randrange(2)

    def amend(self) -> s.EventRow:
        """A new price and new lots for an order."""
        number = self.some_id()
        found = [order for order in self.now.orders if order.id == number and order.status]
        if not found:
            return self.event(s.AMEND, order_id=number, price_ticks=self.last, lots=1)
        order = found[0]
        self.c, self.facts, self.market = (
            order.contract,
            self.now.contracts[order.contract],
            self.now.markets[order.contract],
        )
        self.last = self.market.last_ticks
        price = order.price_ticks if self.chance(30) else self.near(self.wild)
        lots = order.lots if self.chance(50) else max(0, order.lots + self.rng.randint(-5, 5))
        return self.event(s.AMEND, order_id=number, price_ticks=price, lots=lots)

    def cancel(self) -> s.EventRow:
        """An order is cancelled."""
        return self.event(s.CANCEL, order_id=self.some_id())

    def cancel_all(self) -> s.EventRow:
        """Orders of a contract or of all are cancelled."""
        event = self.event(s.CANCEL_ALL)
        event.contract = self.rng.choice((-1, event.contract, CONTRACTS))
        return event

    def leverage(self) -> s.EventRow:
        """Another leverage."""
        return self.event(
            s.LEVERAGE, leverage100=self.rng.choice((0, 100, 200, 500, 1_000, 1_050, 2_500, 12_500))
        )

    def mode(self) -> s.EventRow:
        """Another margin mode."""
        return self.event(s.MARGIN_MODE, is_isolated=self.rng.choice((0, 1, 1, 2)))

    def isolated_margin(self) -> s.EventRow:
        """Money to or from an isolated position."""
        if self.chance(70):
            isolated = [c for c in range(CONTRACTS) if self.now.markets[c].is_isolated]
            self.c = self.rng.choice(isolated or [self.c])
        money = max(100, self.now.markets[self.c].isolated_cash)
        cash = self.rng.choice((0, money // 4, -money // 20, -money // 3, -money * 2, 10**15, 10**15))
        return self.event(s.ISOLATED_MARGIN, cash=cash)

    def transfer(self) -> s.EventRow:
        """Money in or out."""
        return self.event(s.TRANSFER, cash=self.rng.choice((0, 50 * E8, 900 * E8, -10 * E8, -(10**13))))

    def bracket(self) -> s.EventRow:
        """A bracket, and its entries after it."""
        rng = self.rng
        side = rng.choice((-1, 1))
        flat = [c for c in range(CONTRACTS) if not self.now.markets[c].lots]
        if flat and self.chance(80):
            self.c = rng.choice(flat)
            self.facts, self.market = self.now.contracts[self.c], self.now.markets[self.c]
            self.last = self.market.last_ticks or self.prices[self.c]
            if self.chance(60) and any(o.status and o.contract == self.c for o in self.now.orders):
                self.queued.append(self.event(s.CANCEL_ALL))
        step = max(2, self.last * self.wild // 1500)
        stop = self.last - side * rng.randint(1, step * 2)
        count = rng.choice((0, 1, 2, 2, 3, 4))
        shares = [*sorted(rng.sample(range(1, 100), max(0, count - 1))), 100][: max(count, 0)]
        targets, price = {}, self.last
        for k, share in enumerate(shares[:count], 1):
            price += side * rng.randint(1, step * 2)
            targets |= {f"target_ticks_{k}": max(0, price), f"target_share8_{k}": share * 1_000_000}
        declared = self.event(
            s.BRACKET,
            side=side,
            stop_ticks=max(0, stop),
            by_mark=int(self.chance(20)),
            breakeven_after=rng.choice((0, 1, 1, 2)),
            trail_after=rng.choice((0, 1, 1, 2)),
            callback8=rng.choice((100_000, 200_000, 1_500_000)),
            time_stop_ns=self.time_ns + rng.randint(1, 40) * MINUTE if self.chance(25) else 0,
            **targets,
        )
        self.queued.append(declared)
        entries = rng.choice((1, 1, 2, 3))
        each = max(self.facts.min_lots, self.lots() // entries // 2)
        for entry in range(entries):
            at_market = entry == 0 and self.chance(55)
            entry_price = max(1, self.last - side * rng.randint(0, step) * entry)
            self.queued.append(
                self.event(
                    s.PLACE,
                    order_kind=s.MARKET if at_market else s.LIMIT,
                    side=side if not self.chance(2) else -side,
                    lots=each + rng.randint(0, 3),
                    price_ticks=0 if at_market else entry_price,
                    entry=1,
                )
            )
        return self.queued.pop(0)

    def nonsense(self) -> s.EventRow:
        """An event that must be refused."""
        event = self.rng.choice((self.bar, self.order, self.quote, self.trade, self.funding, self.bracket))()
        wrong = self.rng.choice(("contract", "time_ns", "kind", "side", "tif", "high_ticks", "lots", "ask"))
        if wrong == "contract":
            event.contract = self.rng.choice((-2, CONTRACTS))
        elif wrong == "time_ns":
            event.time_ns -= 10**18
        elif wrong == "kind":
            event.kind = self.rng.choice((0, 10, 20, -1))
        elif wrong == "high_ticks":
            event.high_ticks = 1
            event.price_ticks = -1
        elif wrong == "ask":
            event.ask_ticks = 1
        else:
            setattr(event, wrong, -9)
        return event

    def malformed(self) -> s.EventRow:
        """An order that is nearly right, and one thing about it that cannot be."""
        order = self.order()
        order.reduce_only = order.close_position = order.post_only = order.by_mark = 0
        order.tif, order.lots = s.GTC, max(self.facts.min_lots, 1)
        order.price_ticks, order.trigger_ticks = self.last, self.last + 7 * order.side
        order.callback8 = 500_000
        wrong = self.rng.randrange(12)
        if wrong == 0:
            order.order_kind, order.close_position = s.STOP_MARKET, 1
        elif wrong == 1:
            order.order_kind, order.close_position, order.lots = s.LIMIT, 1, 0
        elif wrong == 2:
            order.lots = -self.rng.randrange(2)
        elif wrong == 3:
            order.order_kind, order.price_ticks = s.LIMIT, 0
        elif wrong == 4:
            order.order_kind, order.trigger_ticks = self.rng.choice((s.STOP_MARKET, s.TAKE_LIMIT)), 0
        elif wrong == 5:
            order.lots = self.facts.min_lots - 1 or -1
        elif wrong == 6:
            order.lots = self.facts.max_lots + 1
        elif wrong == 7:
            order.order_kind, order.price_ticks = s.LIMIT, self.last + order.side * (self.last // 8)
        elif wrong == 8:
            order.order_kind, order.lots = s.LIMIT, max(1, self.facts.min_lots)
        elif wrong == 9:
            order.order_kind, order.trigger_ticks = s.STOP_MARKET, self.last - 3 * order.side
        elif wrong == 10:
            order.order_kind, order.post_only = s.LIMIT, 1
            order.price_ticks = self.last + 20 * order.side
        else:
            order.order_kind, order.tif = s.LIMIT, s.FOK
            order.price_ticks = max(1, self.last - 20 * order.side)
        return order
