"""What the guard is told of a contract's market in a session: from what was heard, and the book where asked.

Spread and funding are those of the top that the pipeline has just read; the mean, the range and the health of
BTC come from closed bars. One question more is asked of the venue, for what rests in the book, and only where
the rulebook bounds the depth. What is stale is not told: the guard then refuses, and :meth:`Sight.why` says
what was missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from lotwise.broker.live import LiveBroker
from lotwise.broker.venue import RateLimited, Resting
from lotwise.clock import Clock
from lotwise.contracts.contract import Contract
from lotwise.errors import LotwiseError
from lotwise.guard.facts import MarketFacts, Rulebook
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import RATE, LegRow
from lotwise.kernel.sizing import entry_notional
from lotwise.records.live import VenueMarket
from lotwise.strategy.api import Bar
from lotwise.strategy.parts import MILLION, Average, Strength, TrueRange
from lotwise.units import Cash, Lots, Rate8, Ticks

SECOND_NS: Final = 1_000_000_000
CHASE_BARS: Final = 20
"""Bars of the mean (EMA) and of the range that a chase is measured by."""
STRENGTH_BARS: Final = 14
"""Span of BTC's relative strength, as Wilder has it ("New Concepts in Technical Trading Systems", 1978)."""
WARM_UP: Final = 100
"""Bars of the past that settle all of these."""
DEPTH_WITHIN8: Final = 200_000
"""What rests within 0.2 % of the best price counts as depth: as far as ``docs/rules/depth.md`` looks."""


class Gauges:
    """The measures of one contract's closed bars."""

    def __init__(self) -> None:
        self.bars, self.last_ns = 0, 0
        self.mean: int | None = None
        """In millionths of a tick."""
        self.range_ticks: int | None = None
        self.strength: int | None = None
        """In hundredths of a percent."""
        self._mean, self._range = Average(CHASE_BARS), TrueRange(CHASE_BARS)
        self._strength = Strength(STRENGTH_BARS)

    def saw(self, bar: Bar) -> None:
        """A bar has closed; one that was told already changes nothing."""
        if bar.time_ns <= self.last_ns:
            return
        self.bars, self.last_ns = self.bars + 1, bar.time_ns
        self.mean = self._mean.update(bar.close_ticks)
        self.range_ticks = self._range.update(bar.high_ticks, bar.low_ticks, bar.close_ticks)
        self.strength = self._strength.update(bar.close_ticks)


class Sight:
    """The facts of a session's markets, for its guard.

    Parameters
    ----------
    bar_ns
        Length of the bars; 0: their age is not asked.
    btc_id
        Whose bars are BTC's; empty: its health is unknown.
    calendar
        The clock by which facts age. A paper market plays on a day of its own, facts are of the real one.
    """

    def __init__(
        self,
        broker: LiveBroker,
        rulebook: Callable[[int], Rulebook],
        heard_ns: Mapping[str, int],
        *,
        bar_ns: int = 0,
        btc_id: str = "",
        calendar: Clock | None = None,
    ) -> None:
        self.broker, self.rulebook, self.btc_id = broker, rulebook, btc_id
        self._heard_ns, self._bar_ns = heard_ns, bar_ns
        self._calendar = calendar or broker.clock
        self._gauges: dict[str, Gauges] = {}
        self._sides: dict[str, int] = {}
        self._books: dict[str, tuple[int, Resting]] = {}
        self._missing: dict[str, list[str]] = {}

    def saw(self, contract_id: str, bar: Bar) -> None:
        """A bar has closed."""
        gauges = self._gauges.get(contract_id)
        if gauges is None:
            gauges = self._gauges[contract_id] = Gauges()
        gauges.saw(bar)

    def aim(self, contract_id: str, side: int) -> None:
        """A trade of that side is about to be judged."""
        self._sides[contract_id] = side

    def why(self, contract_id: str) -> str:
        """What was missing when the contract's market was last told; empty: nothing."""
        return "; ".join(self._missing.get(contract_id, ()))

    def facts(self, contract_id: str, now_ns: int) -> MarketFacts:
        """The market at this moment: :data:`lotwise.session.pipeline.Facts`."""
        contract, book = self.broker.contracts[contract_id], self.rulebook(now_ns)
        missing = self._missing[contract_id] = []
        heard = self._heard_ns.get(contract_id, now_ns)
        facts_ns = self._dated(contract, now_ns) if book.facts_age_ns else None
        top = self._fresh_top(contract_id, now_ns, missing)
        if top is None:
            return MarketFacts(seen_ns=heard, facts_ns=facts_ns)
        mean, span = self._chase(contract_id, top, missing) if book.chase_atr8 else (None, None)
        asks_btc = book.btc_refuse8 or book.btc_reduce8
        return MarketFacts(
            last_ticks=top.last_ticks,
            seen_ns=heard,
            facts_ns=facts_ns,
            spread_ticks=Ticks(max(0, top.ask_ticks - top.bid_ticks)),
            depth_cash=self._depth(contract, top, missing) if book.depth_multiple8 else None,
            mean_ticks=mean,
            atr_ticks=span,
            funding8=None if top.funding8 is None else Rate8(top.funding8),
            funding_ns=top.funding_ns,
            btc_health8=self._health(top, missing) if asks_btc else None,
        )

    # -- each fact

    def _fresh_top(self, contract_id: str, now_ns: int, missing: list[str]) -> VenueMarket | None:
        """The last top, unless its time has long stood still."""
        tops = self.broker.tops
        top, news_ns = tops.last(contract_id), tops.news_ns.get(contract_id, 0)
        if top is None or min(top.bid_ticks, top.ask_ticks) < 1:
            missing.append("no price was seen")
            return None
        if abs(now_ns - news_ns) > self.broker.policy.stale_ns:
            missing.append(f"its prices are the same since {abs(now_ns - news_ns) // SECOND_NS} s")
            return None
        return top

    def _dated(self, contract: Contract, now_ns: int) -> int | None:
        """The day of the facts, so long before now as it is by the calendar."""
        if contract.as_of is None:
            return None
        day = datetime.fromisoformat(contract.as_of).replace(tzinfo=UTC)
        return now_ns - (int(self._calendar.now_ns()) - int(day.timestamp()) * SECOND_NS)

    def _gauged(self, contract_id: str, top: VenueMarket, missing: list[str]) -> Gauges | None:
        """The measures of a contract, unless its last bar is long over by the market's own time."""
        gauges = self._gauges.get(contract_id)
        if gauges is None:
            missing.append(f"no bar of {contract_id} was heard")
            return None
        over_ns = top.time_ns - gauges.last_ns - self._bar_ns
        if self._bar_ns and over_ns > self._bar_ns + self.broker.policy.stale_ns:
            missing.append(f"the last bar of {contract_id} was over {over_ns // SECOND_NS} s ago")
            return None
        return gauges

    def _chase(
        self, contract_id: str, top: VenueMarket, missing: list[str]
    ) -> tuple[Ticks | None, Ticks | None]:
        """The mean, rounded away from the entry's side, and the range."""
        gauges = self._gauged(contract_id, top, missing)
        if gauges is None:
            return None, None
        if gauges.mean is None or gauges.range_ticks is None:
            missing.append(f"{gauges.bars} bars were heard, {CHASE_BARS} are needed: raise feed.warm_up")
            return None, None
        up = MILLION - 1 if self._sides.get(contract_id, 1) < 0 else 0
        return Ticks((gauges.mean + up) // MILLION), Ticks(gauges.range_ticks)

    def _health(self, top: VenueMarket, missing: list[str]) -> Rate8 | None:
        """Twice the relative strength of BTC, at most 1: above 50 nothing is wrong with it."""
        if not self.btc_id:
            missing.append("the facts know no BTC contract of this venue and coin")
            return None
        gauges = self._gauged(self.btc_id, top, missing)
        if gauges is None:
            return None
        if gauges.strength is None:
            missing.append(f"{gauges.bars} bars of BTC were heard, {STRENGTH_BARS + 1} are needed")
            return None
        return Rate8(min(RATE, 2 * gauges.strength * (RATE // 10_000)))

    def _depth(self, contract: Contract, top: VenueMarket, missing: list[str]) -> Cash | None:
        """What rests near the price on the side that the stop would take."""
        book = self._book(contract.id, missing)
        if book is None:
            return None
        if book.time_ns and top.time_ns - book.time_ns > self.broker.policy.stale_ns:
            missing.append(f"its book is {(top.time_ns - book.time_ns) // SECOND_NS} s old")
            return None
        rests = book.bids if self._sides.get(contract.id, 1) > 0 else book.asks
        if not rests:
            missing.append("its book is empty")
            return None
        return resting_cash(contract, rests)

    def _book(self, contract_id: str, missing: list[str]) -> Resting | None:
        """The book, asked for at most once a second."""
        now = int(self.broker.clock.now_ns())
        asked_ns, book = self._books.get(contract_id, (0, None))
        if book is not None and 0 <= now - asked_ns < SECOND_NS:
            return book
        if self.broker.hand.is_quiet:
            missing.append("the venue was asked too often")
            return None
        try:
            book = self.broker.port.book(contract_id)
        except LotwiseError as error:
            if isinstance(error, RateLimited):
                self.broker.hand.note_limit(error)
            missing.append(f"the book cannot be read: {error.message}")
            return None
        self._books[contract_id] = (now, book)
        return book


def resting_cash(contract: Contract, rests: tuple[tuple[Ticks, Lots], ...]) -> Cash:
    """Worth of what rests within :data:`DEPTH_WITHIN8` of the best price, each level rounded down.

    >>> from lotwise import Contract
    >>> own = Contract(symbol="X", base="X", tick_size="1", lot_size="1")
    >>> resting_cash(own, ((Ticks(1_000), Lots(2)), (Ticks(998), Lots(1)), (Ticks(997), Lots(9))))
    299800000000
    """
    best, spec = rests[0][0], contract.spec_rows()
    away, worth = mul_div_floor(best, DEPTH_WITHIN8, RATE), 0
    for ticks, lots in rests:
        if abs(ticks - best) <= away:
            leg = LegRow(cumulative_share8=RATE, price_ticks=ticks)
            worth += entry_notional(spec, [leg], lots=lots, up=0)
    return Cash(worth)
