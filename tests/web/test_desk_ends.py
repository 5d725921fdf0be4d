"""A desk over a venue that is slow, refuses or falls silent: its kill switch, its turns, its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.app import desk as desk_module
from lotwise.app.desk import Desk
from lotwise.app.desk_feed import Feed
from lotwise.app.trade_config import read as trade_file
from lotwise.app.trade_folder import Folder
from lotwise.broker.chronicle import Kept
from lotwise.broker.venue import OrderRefused, RateLimited
from lotwise.errors import VenueError
from lotwise.records.live import VenueMarket
from lotwise.session.pipeline import Sent
from lotwise.store.database import opened
from tests.session.scene import entries, signal
from tests.session.venue_in_memory import SECOND, HandClock, MemoryVenue
from tests.unit.test_ccxt_answers import stored  # noqa: F401
from tests.web.desk_rig import CONFIG, until
from tests.wire.offline import NOW_NS, venue_of

BTC, ETH = "binance:BTCUSDT", "binance:ETHUSDT"


class Rig:
    """A desk in this process, over a venue in memory; its thread runs only where a test begins it."""

    def __init__(self, folder: Path, port: Any = None) -> None:
        text = CONFIG.format(port=1, admin=2).replace('"session"', f'"{folder / "session"}"')
        config = trade_file(text)
        self.clock = HandClock(NOW_NS)
        self.venue = MemoryVenue(config.contracts, self.clock)
        self.kept, self.again = Kept(), [self.venue]
        place = Folder(config.folder)
        self.database = opened(place.database)
        self.desk = Desk(
            config,
            port or self.venue,
            Feed(config.contracts, "ws://none", self.clock),
            clock=self.clock,
            database=self.database,
            folder=place,
            chronicles=[self.kept],
            again=lambda: port or self.venue,
        )
        self.waited: list[float] = []
        self.desk.hands.wait = self.wait

    def wait(self, seconds: float) -> None:
        """Time passes at once."""
        self.waited.append(seconds)
        self.clock.time_ns += int(seconds * SECOND)

    def turns(self, seconds: int) -> None:
        """What the session's thread does in so many seconds."""
        for _ in range(4 * seconds):
            self.clock.time_ns += SECOND // 4
            self.desk.turn()

    def opened(self, contract_id: str, **given: Any) -> None:
        """A trade by hand."""
        outcome, _ = self.desk.hands.open(contract_id, signal(**given), 0)
        assert isinstance(outcome, Sent), outcome

    def waits(self, contract_id: str) -> None:
        """A ladder that waits below the price."""
        self.opened(contract_id, entries=entries(1, (299_000, 50), (298_500, 50)), stop=297_000)

    def standing(self, kind: str) -> list[str]:
        """Contracts of the orders of a kind that stand at the venue."""
        return [
            one.order.contract_id
            for one in self.venue.book.values()
            if (one.order.state, one.order.kind) == ("open", kind)
        ]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    made.desk.trader.begin()
    made.desk.turn()
    yield made
    made.database.close()


def test_x(rig: Rig) -> None:
    rig.opened(BTC)
    rig.waits(ETH)
    print(rig.venue.lots, rig.standing("stop"), rig.standing("limit"))
