"""The same strategy and bars, as a backtest and as a session over the venue in a box: the same trades."""

from __future__ import annotations

from typing import Any

import pytest

from lotwise.backtest.guarded import play_guarded
from lotwise.backtest.run import highest_of
from lotwise.broker.chronicle import Kept
from lotwise.broker.intents import IntentLog
from lotwise.broker.kernel_venue import KernelVenue
from lotwise.broker.live import LiveBroker
from lotwise.broker.policy import Terms
from lotwise.guard.facts import Rulebook
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.kernel.state import BAR, CLOCK, FUNDING, EventRow
from lotwise.records.signal import Exit, Signal, Target
from lotwise.session.trader import Trader
from lotwise.store.database import Database
from lotwise.strategy.api import Answer, Bar, Strategy, View
from lotwise.units import Rate8
from tests.session.venue_in_memory import E8, HandClock
from tests.unit.played_market import CONTRACTS, MINUTE, TIGHT, feed, plan


class Steady(Strategy):
    """A trade at the market every so often, with one stop and one target; every fifth turns or leaves."""

    def __init__(self, every: int) -> None:
        self.every, self._seen = every, 0

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """By the count of bars alone."""
        self._seen += 1
        if self._seen % (7 * self.every) == 0 and view.lots:
            return Exit("the seventh")
        if self._seen % self.every:
            return None
        side = -1 if self._seen // self.every % 3 == 0 else 1
        stop: Any = bar.close_ticks - side * 2_500
        goal: Any = bar.close_ticks + side * 4_000
        hold = 45 * MINUTE if self._seen % 2 else 0
        return Signal(side=side, stop_ticks=stop, targets=(Target(goal, Rate8(E8)),), hold_ns=hold)


def played(database: Database, name: str, rows: Any, asked: Any) -> tuple[list[Any], Trader, Kept]:
    """The session's trades: contract, opening time, result, funding, fees."""
    clock, kept = HandClock(int(rows["time_ns"][0])), Kept()
    venue = KernelVenue.opened(
        CONTRACTS, asked.equity_cash, asked.assumed, highest_ticks=highest_of(CONTRACTS, rows)
    )
    broker = LiveBroker(
        venue,
        IntentLog(database, name),
        CONTRACTS,
        terms={one.id: Terms(leverage100=asked.leverage100, is_isolated=asked.isolated) for one in CONTRACTS},
        rulebook=lambda now: Rulebook(allowed=asked.allowed),
        clock=clock,
        chronicle=kept,
    )
    strategies = {one.id: Steady(every) for one, every in zip(CONTRACTS, (20, 33), strict=True)}
    trader = Trader(broker, strategies, lambda now: Rulebook(allowed=asked.allowed), risk8=asked.risk8)
    venue.feed(EventRow(kind=CLOCK, time_ns=clock.time_ns))
    trader.begin()
    numbers = {one.id: number for number, one in enumerate(CONTRACTS)}
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    for row in rows:
        number, clock.time_ns = int(row["contract"]), int(row["time_ns"])
        prices = {name: int(row[name]) for name in names}
        venue.feed(EventRow(kind=BAR, contract=number, time_ns=clock.time_ns, **prices))
        if row["has_funding"]:
            rate = int(row["funding8"])
            venue.feed(EventRow(kind=FUNDING, contract=number, time_ns=clock.time_ns, rate8=rate))
        trader.on_bar(CONTRACTS[number].id, Bar(clock.time_ns, *prices.values()))
    plans = {event.subject: event.body for event in database.events(f"session:{name}", kind="plan")}
    ends = database.events(f"session:{name}", kind="end")
    found = []
    for event in ends:
        begun, end = plans[event.subject], event.body
        found.append(
            (numbers[begun["contract_id"]], begun["time_ns"], end["result_cash"], end["funding_cash"])
        )
    return found, trader, kept


@pytest.mark.parametrize("allowed", [AllowedRow(), TIGHT], ids=["free", "tight"])
def test_a_session_over_the_venue_in_a_box_trades_as_the_backtest(
    database: Database, allowed: AllowedRow
) -> None:
    rows, asked = feed(2, 1_500, seed=3), plan(allowed, spread_ticks=4)
    strategies = [Steady(20), Steady(33)]
    run, judged = play_guarded(
        strategies, CONTRACTS, rows, asked, rulebook=lambda now: Rulebook(allowed=allowed)
    )
    wanted = [
        (int(trip["contract"]), int(trip["opened_ns"]), int(trip["result_cash"]), -int(trip["funding_cash"]))
        for trip in run.trips
    ]
    name = f"backtest {allowed.positions}"
    found, trader, kept = played(database, name, rows, asked)
    assert len(wanted) >= (10 if allowed.positions else 80)
    assert any(funding for *_, funding in wanted) or allowed.positions
    assert found == wanted, kept.events[-3:]
    if allowed.positions:
        assert len(judged) > 5
        row: Any = trader.broker.usage.row
        assert row.day_trades <= allowed.day_trades
