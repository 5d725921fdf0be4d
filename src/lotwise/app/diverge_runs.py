"""The same strategy over the same bars: as backtest, as paper in process, as paper over TCP.

All three size, judge and send by the same stages. The backtest plays bars by compiled rules with the kernel's
own brackets; paper places stops and targets as a session does, at the venue in a box in this process or at an
exchange over TCP.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from lotwise.app.diverge import Trip, trips_of_fills, trips_of_run
from lotwise.app.trade import MarketClock, Session, bars_before
from lotwise.app.trade_config import TradeConfig
from lotwise.broker.kernel_account import Assumptions
from lotwise.broker.kernel_venue import KernelVenue
from lotwise.broker.venue import VenuePort
from lotwise.contracts.contract import Contract
from lotwise.kernel import state as k
from lotwise.strategy.api import Bar, Strategy
from lotwise.strategy.portfolio import PortfolioStrategy, seats
from lotwise.units import Cash

if TYPE_CHECKING:
    Rows = Any

BEYOND: Final = 4
"""The arithmetic is proved for prices up to so many times the highest of the bars."""
ASSUMED: Final = Assumptions(path="adverse", limit_fill="queue", spread_ticks=1)
"""As the exchange of this machine plays bars."""


class Replayed:
    """Bars as the venue tells them: those that were played."""

    def __init__(self) -> None:
        self._bars: dict[str, list[Bar]] = {}

    def put(self, contract_id: str, bar: Bar) -> None:
        """One was played."""
        self._bars.setdefault(contract_id, []).append(bar)

    def bars(self, contract: Contract, since_ns: int) -> Sequence[Bar]:
        """Those that open at that time or later."""
        return [bar for bar in self._bars.get(contract.id, ())[-10:] if bar.time_ns >= since_ns]


def as_backtest(config: TradeConfig, feed: Rows, equity_cash: Cash) -> list[Trip]:
    """Play the rows of a feed (:mod:`lotwise.backtest.feed`) through the guard.

    Raises
    ------
    InputError
        As :func:`lotwise.backtest.guarded.play_guarded`.
    """
    from lotwise.backtest.guarded import play_guarded
    from lotwise.backtest.run import Plan

    plan = Plan(
        equity_cash,
        config.risk8,
        leverage100=config.terms.leverage100,
        isolated=config.terms.is_isolated,
        allowed=config.guard.book.allowed,
        assumed=ASSUMED,
        curve_every_ns=0,
    )
    made, contracts = config.made(), config.contracts
    strategies: Sequence[Strategy] = (
        seats(made, contracts) if isinstance(made, PortfolioStrategy) else [made] * len(contracts)
    )
    played, _ = play_guarded(strategies, contracts, feed, plan, rulebook=config.guard.rulebook_at)
    return trips_of_run(played)


def in_process(config: TradeConfig, feed: Rows, equity_cash: Cash, is_compiled: bool = False) -> list[Trip]:
    """Play them as a session at the venue in a box."""
    from lotwise.store.database import opened

    contracts, clock, reader = config.contracts, MarketClock(), Replayed()
    highs = [feed["high_ticks"][feed["contract"] == number] for number in range(len(contracts))]
    highest = [BEYOND * int(high.max()) if len(high) else 1 for high in highs]
    venue = KernelVenue.opened(
        contracts, equity_cash, ASSUMED, config.account, is_compiled, highest_ticks=highest
    )
    with TemporaryDirectory() as folder:
        database = opened(Path(folder) / "session.sqlite")
        try:
            session = Session(config, venue, reader, clock=clock, database=database, chronicles=[])
            session.trader.begin()
            for row in _rows(feed):
                contract = contracts[row["contract"]]
                bar = _played(venue, row)
                clock.time_ns = bar.time_ns
                reader.put(contract.id, bar)
                session.trader.on_market(venue.market(contract.id))
                session.look_after()
                session.trader.on_bar(contract.id, bar)
        finally:
            database.close()
    return trips_at(venue, contracts)


def _rows(feed: Rows) -> list[dict[str, int]]:
    return [dict(zip(feed.dtype.names, row, strict=True)) for row in feed.tolist()]


def _played(venue: KernelVenue, row: dict[str, int]) -> Bar:
    """Play a bar, and the funding at its close."""
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    prices = {name: row[name] for name in names}
    at = {"contract": row["contract"], "time_ns": row["time_ns"]}
    venue.feed(k.EventRow(kind=k.BAR, **at, **prices))
    if row["has_funding"]:
        venue.feed(k.EventRow(kind=k.FUNDING, rate8=row["funding8"], **at))
    open_, high, low, close, volume = (prices[name] for name in names)
    return Bar(row["time_ns"], open_, high, low, close, volume)


def over_tcp(session: Session, step: Any, clock: MarketClock, bars: int) -> None:
    """Play so many bars of an exchange of this machine that plays bars: one event, then the session.

    Parameters
    ----------
    step
        As :meth:`lotwise.app.trade_feed.Lockstep.step`.

    Raises
    ------
    VenueError
        TRADE-121.
    """
    for _ in range(bars):
        played, clock.time_ns = step(events=len(session.config.contracts))
        if not played:
            return
        bars_before(session, clock.time_ns + session.config.bar_ns)


def trips_at(port: VenuePort, contracts: Sequence[Contract]) -> list[Trip]:
    """Closed round trips of an account, as its venue tells them."""
    fills = [fill for contract in contracts for fill in port.fills(contract.id, 0)]
    return trips_of_fills(fills, port.income(0), contracts)
