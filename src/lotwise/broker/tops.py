"""The top of each contract's market: as it was last told, and as the pipeline takes it."""

from __future__ import annotations

from lotwise.broker.policy import SECOND_NS, Terms
from lotwise.broker.port import Market
from lotwise.clock import Clock
from lotwise.contracts.contract import FeeSchedule
from lotwise.errors import VenueError
from lotwise.records.live import VenueMarket
from lotwise.units import Rate8, Ticks


class Tops:
    """What was last told of each contract; nothing is asked of the venue."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, VenueMarket]] = {}
        self.news_ns: dict[str, int] = {}
        """When the market's time last went on, by contract: a venue may serve an old top again and again."""

    def take(self, top: VenueMarket) -> None:
        """A top was told."""
        now, before = self._clock.now_ns(), self.last(top.contract_id)
        self._seen[top.contract_id] = (now, top)
        if before is None or top.time_ns > before.time_ns:
            self.news_ns[top.contract_id] = now

    def last(self, contract_id: str) -> VenueMarket | None:
        """The last top; None: none was told."""
        return self._seen.get(contract_id, (0, None))[1]

    def recent(self, contract_id: str) -> VenueMarket | None:
        """The last top where it was told within the last second."""
        seen_ns, top = self._seen.get(contract_id, (0, None))
        return top if 0 <= self._clock.now_ns() - seen_ns <= SECOND_NS else None


def market_of(terms: Terms, fees: FeeSchedule, top: VenueMarket, leverage100: int = 0) -> Market:
    """A market as an account of these terms trades it; another leverage than theirs, where one is given."""
    return Market(
        last_ticks=top.last_ticks,
        spread_ticks=Ticks(max(0, top.ask_ticks - top.bid_ticks)),
        slippage_ticks=terms.slippage_ticks,
        leverage100=leverage100 or terms.leverage100,
        is_cross=not terms.is_isolated,
        maker_fee8=Rate8(fees.maker8),
        taker_fee8=Rate8(fees.taker8),
    )


def sound(top: VenueMarket) -> VenueMarket:
    """A market with prices.

    Raises
    ------
    VenueError
        BROKER-195 one of them is missing: a size or a stop counted from it would be another one.
    """
    if min(top.last_ticks, top.bid_ticks, top.ask_ticks) < 1:
        raise VenueError(
            "BROKER-195",
            f"{top.contract_id} is told with bid {top.bid_ticks}, ask {top.ask_ticks}, last {top.last_ticks}"
            " ticks: a price is missing",
            "nothing is opened until the venue tells all of them",
        )
    return top
