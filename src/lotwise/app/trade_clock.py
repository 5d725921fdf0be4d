"""The clock of a paper session: the market's time, not the machine's.

The exchange of this machine stamps orders, fills and changes of the wallet by its market, which may be years
ago, run faster, or be behind since the exchange was stopped for a night. Its own clock is the machine's, for
signatures. A session that measured by that clock would never find its fills. So it measures by the market:
as last seen, and on with the machine from there, never more than :data:`SLACK_NS` beyond what was seen. Where
the market stands still the session's time does; where the exchange does not answer it goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lotwise.broker.venue import RateLimited, VenuePort
from lotwise.clock import Clock, TimeNs
from lotwise.records.live import VenueMarket

SLACK_NS: Final = 3 * 10**9
"""Below the 5 s by which fills are read from before the plan (``Policy.overlap_ns``)."""


class PaperClock:
    """The time of a market that runs; it never goes back.

    >>> from lotwise.clock import FixedClock
    >>> clock = PaperClock(FixedClock(1_000))
    >>> clock.saw(5_000)
    >>> clock.now_ns(), clock.ahead_ns
    (5000, 4000)
    """

    def __init__(self, machine: Clock) -> None:
        self.machine = machine
        self.ahead_ns = 0
        """The market's time less the machine's."""
        self._last_ns, self._is_set = 0, False

    def saw(self, market_ns: int) -> None:
        """The market was seen at this time of its own."""
        ahead = market_ns - self.machine.now_ns()
        if not self._is_set or ahead > self.ahead_ns:
            self.ahead_ns, self._is_set = ahead, True
        elif ahead < self.ahead_ns - SLACK_NS:
            self.ahead_ns = ahead + SLACK_NS

    def now_ns(self) -> TimeNs:
        """The market's time, as far as it is known."""
        self._last_ns = max(self._last_ns, self.machine.now_ns() + self.ahead_ns)
        return TimeNs(self._last_ns)


class MarketTimed:
    """A port whose clock is the market's, played by the session: the exchange tells the machine's time.

    Until when the exchange does not want to be asked is told by the session's clock too.
    """

    def __init__(self, port: VenuePort, clock: Clock, machine: Clock) -> None:
        self._port, self._clock, self._machine = port, clock, machine

    def now_ns(self) -> int:
        """The market's time."""
        return int(self._clock.now_ns())

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._asked(found) if callable(found) else found

    def _asked(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any) -> Any:
            try:
                return call(*given)
            except RateLimited as error:
                ahead_ns = self._clock.now_ns() - self._machine.now_ns()
                until_ns = error.until_ns + ahead_ns if error.until_ns else 0
                raise RateLimited(error.code, error.message, error.hint, until_ns) from None

        return asked


class PaperTimed(MarketTimed):
    """The same of a market that runs: each look at it sets the clock.

    How far the exchange's own clock is from the machine's stays visible in :meth:`now_ns`.
    """

    def __init__(self, port: VenuePort, clock: PaperClock) -> None:
        super().__init__(port, clock, clock.machine)
        self._runs = clock

    def now_ns(self) -> int:
        """The market's time, and the difference of the clocks."""
        return super().now_ns() + int(self._port.now_ns()) - self._machine.now_ns()

    def market(self, contract_id: str) -> VenueMarket:
        """As :meth:`lotwise.broker.venue.VenuePort.market`."""
        found: VenueMarket = self._asked(self._port.market)(contract_id)
        self._runs.saw(found.time_ns)
        return found
