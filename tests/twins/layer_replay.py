"""One position through minute bars, reckoned by hand in exact fractions; it imports nothing of ours.

It knows one trade: an entry at the market or at a limit, a stop, targets, break-even after the first
target, funding, liquidation. Bars visit the side that is bad for the position first, and a gap fills at
the open. Money is in USDT, prices and quantities in ticks and lots, times in ns.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Final, NamedTuple

TICK: Final = Fraction("0.0001")
LOT: Final = Fraction("0.1")
CENT: Final = Fraction(1, 10**8)
"""Money is counted in these."""
MAKER, TAKER = Fraction("0.0002"), Fraction("0.0005")
LIQUIDATION: Final = Fraction("0.0125")
DEPOSIT: Final = Fraction(500)

BUY_SPREAD, SELL_SPREAD = 2, 1
"""Ticks that a taker pays of a spread of 3: of an odd one the buyer pays more."""
SLIPPAGE: Final = 1
RANGE_SHARE: Final = Fraction("0.01")
"""A taker loses a tick and a hundredth of the last bar's range."""

TIERS: Final = (
    (Fraction(5_000), Fraction("0.015"), Fraction(0)),
    (Fraction(10_000), Fraction("0.025"), Fraction(50)),
    (Fraction(20_000), Fraction("0.05"), Fraction(300)),
)
"""Up to this notional: maintenance rate, and what is taken off."""


class Bar(NamedTuple):
    """Prices of one minute in ticks; ``time`` is its opening."""

    time: int
    open: int
    high: int
    low: int
    close: int


class Stamp(NamedTuple):
    """A funding: rate, hours since the one before, and the mark where a file tells it."""

    time: int
    rate: Fraction
    hours: int
    mark: Fraction | None


class Trade(NamedTuple):
    """What is traded; 0 is none, and an entry of 0 is one at the market."""

    side: int
    lots: int
    leverage: int
    after: int
    """Placed when this bar of the window has closed."""
    entry: int = 0
    stop: int = 0
    targets: tuple[int, ...] = ()
    """Two that take half each."""


class Told(NamedTuple):
    """Something that happened: lots are signed, money is a fee or what funding costs."""

    what: str
    time: int
    lots: int
    ticks: int
    money: Fraction


def down(money: Fraction) -> Fraction:
    """To whole cents below."""
    return floor(money / CENT) * CENT


def up(money: Fraction) -> Fraction:
    """To whole cents above."""
    return ceil(money / CENT) * CENT


def worth(ticks: int | Fraction, lots: int) -> Fraction:
    """Notional of lots at a price."""
    return ticks * TICK * lots * LOT


def maintenance(notional: Fraction) -> Fraction:
    """Maintenance margin in the tier of a notional."""
    rate, off = next((rate, off) for cap, rate, off in TIERS if notional <= cap)
    return down(notional * rate) - off


class Replay:
    """An account that makes one trade."""

    def __init__(self, trade: Trade, isolated: bool) -> None:
        self.trade, self.side, self.is_isolated = trade, trade.side, isolated
        self.cross, self.isolated = DEPOSIT, Fraction(0)
        self.fees, self.funding, self.insurance = Fraction(0), Fraction(0), Fraction(0)
        self.held, self.cost, self.entry_fee = 0, Fraction(0), Fraction(0)
        self.time, self.last, self.range = 0, 0, 0
        self.entry_waits = False
        self.stop = 0
        self.targets: list[tuple[int, int]] = []
        self.told: list[Told] = []

    # -- money

    def fill(self, what: str, side: int, lots: int, ticks: int, rate: Fraction) -> None:
        """A fill of the entry or of an exit."""
        notional = worth(ticks, lots)
        fee = up(notional * rate)
        self.told.append(Told(what, self.time, side * lots, ticks, fee))
        self.cross -= fee
        self.fees += fee
        if side == self.side:
            self.open(lots, notional, fee)
        else:
            self.cross += self.closed(lots, notional)

    def open(self, lots: int, notional: Fraction, fee: Fraction) -> None:
        """All lots are entered at once: the exits are put in place."""
        self.held, self.cost, self.entry_fee = lots, notional, fee
        if self.is_isolated:
            self.isolated = down(notional / self.trade.leverage)
            self.cross -= self.isolated
        self.stop = self.trade.stop
        if self.trade.targets:
            first, second = self.trade.targets
            self.targets = [(first, lots // 2), (second, lots - lots // 2)]

    def closed(self, lots: int, notional: Fraction) -> Fraction:
        """What comes back: the result, and with isolated margin its share of the money there."""
        released = down(self.cost * lots / self.held)
        margin = down(self.isolated * lots / self.held)
        self.cost -= released
        self.isolated -= margin
        self.held -= lots
        back = self.side * (notional - released) + margin
        assert not self.is_isolated or back >= 0, "a stop behind the end of the isolated money is not known"
        return back

    def money(self) -> Fraction:
        """What stands behind the position."""
        return self.isolated if self.is_isolated else self.cross

    def pay(self, money: Fraction) -> None:
        """Take money from behind the position."""
        if self.is_isolated:
            self.isolated -= money
        else:
            self.cross -= money

    def market(self, side: int, seen: int) -> int:
        """What a taker gets who sees this price."""
        spread = BUY_SPREAD if side > 0 else SELL_SPREAD
        return seen + side * (spread + SLIPPAGE + floor(self.range * RANGE_SHARE))

    # -- the trade

    def enter(self) -> None:
        """The entry is placed after a bar has closed."""
        if self.trade.entry:
            assert self.is_beyond(self.last, self.trade.entry), "a limit entry that takes is not known"
            self.entry_waits = True
            return
        ticks = self.market(self.side, self.last)
        self.fill("taken", self.side, self.trade.lots, ticks, TAKER)
        self.judge()

    def leave(self) -> None:
        """What is still held at the end is closed at the market."""
        if self.held:
            self.fill("taken", -self.side, self.held, self.market(-self.side, self.last), TAKER)

    def is_beyond(self, a: int, b: int) -> bool:
        """Whether ``a`` is better for the position than ``b``."""
        return self.side * (a - b) > 0

    def go(self, to: int, jump: bool) -> None:
        """The price goes to a point: a limit fills when it goes beyond, a stop when it gets there."""
        if self.entry_waits and self.is_beyond(self.trade.entry, to):
            self.entry_waits = False
            self.last = to if jump else self.trade.entry
            self.fill("made", self.side, self.trade.lots, self.trade.entry, MAKER)
        while self.held and self.targets and self.is_beyond(to, self.targets[0][0]):
            ticks, lots = self.targets.pop(0)
            self.last = to if jump else ticks
            self.fill("made", -self.side, lots, ticks, MAKER)
            self.break_even()
        if self.held and self.stop and not self.is_beyond(to, self.stop):
            seen = to if jump else self.stop
            self.fill("taken", -self.side, self.held, self.market(-self.side, seen), TAKER)
        self.last = to

    def break_even(self) -> None:
        """After the first target the stop goes where closing the rest loses nothing, with all its fees."""
        if len(self.targets) != 1:
            return
        owed = up(self.entry_fee * self.held / self.trade.lots)
        ticks = floor(self.cost / worth(1, self.held)) + (0 if self.side > 0 else 1)
        while True:
            gained = self.side * (worth(ticks, self.held) - self.cost)
            if gained - up(worth(ticks, self.held) * TAKER) - owed >= 0:
                break
            ticks += self.side
        if self.is_beyond(ticks, self.stop) and self.is_beyond(self.last, ticks):
            self.stop = ticks
            self.told.append(Told("stop moved", self.time, self.held, ticks, Fraction(0)))

    # -- the market

    def bar(self, bar: Bar) -> None:
        """Open, the two extremes, close; the margin is judged at each of the four."""
        self.time, self.range = bar.time, bar.high - bar.low
        self.go(bar.open, jump=True)
        self.judge()
        bad, good = (bar.low, bar.high) if self.side > 0 else (bar.high, bar.low)
        ways = (bad, good) if self.held else (good, bad)  # what waits to enter is bad if it is late
        for to in (*ways, bar.close):
            self.go(to, jump=False)
            self.judge()

    def funded(self, stamp: Stamp) -> None:
        """Longs pay a rate above zero, shorts one below it: rounded up when paid, down when received."""
        self.time = stamp.time
        if self.held:
            mark = self.last if stamp.mark is None else stamp.mark / TICK
            amount = down(worth(mark, self.held)) * abs(stamp.rate)
            cost = up(amount) if self.side * stamp.rate > 0 else -down(amount)
            self.told.append(Told("funding", self.time, self.side * self.held, 0, cost))
            self.pay(cost)
            self.funding += cost
            assert self.money() >= 0, "funding that ends the isolated money is not known"
        self.judge()

    def judge(self) -> None:
        """Liquidation: where the money with the result at the mark is not above the maintenance margin."""
        if not self.held:
            return
        notional = worth(self.last, self.held)
        if self.money() + self.side * (notional - self.cost) > maintenance(notional):
            return
        self.stop, self.targets = 0, []
        ticks = self.market(-self.side, self.last)
        sold, lots = worth(ticks, self.held), -self.side * self.held
        if self.money() + self.side * (sold - self.cost) >= 0:  # the market takes it
            self.pay(-self.side * (sold - self.cost))
            fee = min(self.money(), up(sold * LIQUIDATION))
            self.told.append(Told("reduced", self.time, lots, ticks, fee))
            self.pay(fee)
            self.insurance += fee
        else:  # the insurance fund takes it at the mark, with all the money that was behind it
            rest = self.money() + self.side * (notional - self.cost)
            self.told.append(Told("taken over", self.time, lots, 0, Fraction(0)))
            self.pay(self.money())
            self.insurance += rest
        self.held, self.cost = 0, Fraction(0)
        self.cross += self.isolated
        self.isolated = Fraction(0)


def replayed(trade: Trade, isolated: bool, bars: list[Bar], stamps: list[Stamp]) -> Replay:
    """The trade through a window; a funding comes before the bar that opens at its time."""
    account = Replay(trade, isolated)
    due = {stamp.time: stamp for stamp in stamps}
    for number, bar in enumerate(bars):
        if bar.time in due:
            account.funded(due[bar.time])
        account.bar(bar)
        if number == trade.after:
            account.time = bar.time + 60 * 10**9
            account.enter()
    account.time = bars[-1].time + 60 * 10**9
    account.leave()
    return account
