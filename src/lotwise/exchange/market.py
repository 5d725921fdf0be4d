"""The market behind the venue: contracts, their events in order, and how far they were played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lotwise.broker.kernel_account import NO_TIER, Assumptions, contract_row
from lotwise.errors import InputError
from lotwise.exchange.tape import Tape
from lotwise.kernel.layout import RATE, TierRow
from lotwise.kernel.state import ContractRow, EventRow
from lotwise.units import SCALE

if TYPE_CHECKING:
    from lotwise.contracts.contract import Contract
    from lotwise.market.replay import Feed, Replay

BAND8: Final = RATE // 20
"""How far from the mark a limit price may be, and a market order may fill: 5 %, of BTCUSDT. The filter
PERCENT_PRICE and ``marketTakeBound`` of other contracts are not in the catalogue: assumed the same."""
PRICE_ROOM: Final = 3
"""The arithmetic is proved for prices up to so many times the highest of the feed."""


class MarketChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which market is played; kept with the state, for a state belongs to one market."""

    source: str = "synthetic"
    """synthetic or store."""
    contracts: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    scenario: str = "demo"
    seed: int = 7
    days: int = 2
    detail: int = 10
    start_ns: int = 1_736_121_600 * 10**9
    """Of a synthetic market; a Monday."""
    history_ns: int = 0
    """How much is played before the first account may trade."""
    venue: str = "binance"
    """Of the store's series."""
    root: str = ""
    """Of the store."""


class Market:
    """Events of several contracts and the tapes they leave."""

    def __init__(
        self, choice: MarketChoice, contracts: Sequence[Contract], replay: Replay, highest: Sequence[int]
    ):
        self.choice = choice
        self.contracts = tuple(contracts)
        self.names = {contract.symbol: number for number, contract in enumerate(self.contracts)}
        self._replay = replay
        self.rows, self.tiers = _kernel_rows(self.contracts, highest)
        self.tapes = [Tape(number, row, choice.seed) for number, row in enumerate(self.rows)]
        self.position = 0
        """Events played."""
        self.now_ns = int(replay.times_ns[0]) if len(replay) else 0

    def __len__(self) -> int:
        return len(self._replay)

    @property
    def first_ns(self) -> int:
        """Time of the first event."""
        return int(self._replay.times_ns[0])

    def position_at(self, time_ns: int) -> int:
        """How many events are at or before a time."""
        return int(self._replay.times_ns.searchsorted(time_ns, side="right"))

    def play(self, end: int) -> Iterator[EventRow]:
        """Play on up to ``end`` events; each is on its tape when it is given."""
        end = min(end, len(self))
        names = EventRow.__slots__
        while self.position < end:
            part = min(end, self.position + 8_192)
            for row in self._replay.rows(self.position, part).tolist():
                event = EventRow(**dict(zip(names, row, strict=True)))
                self.position += 1
                self.now_ns = event.time_ns
                self.tapes[event.contract].take(event)
                yield event


def _kernel_rows(
    contracts: Sequence[Contract], highest: Sequence[int]
) -> tuple[list[ContractRow], list[TierRow]]:
    assumed = Assumptions(limit_fill="queue", spread_ticks=1)
    rows: list[ContractRow] = []
    tiers: list[TierRow] = []
    for contract, ticks in zip(contracts, highest, strict=True):
        row = contract_row(contract, len(tiers), assumed, highest_ticks=ticks)
        row.price_up8 = row.price_down8 = row.take_bound8 = BAND8
        row.queue_share8 = RATE  # whoever rests at the best price stands behind all of it
        rows.append(row)
        tiers += list(contract.tier_rows) or [NO_TIER]
    return rows, tiers


def opened(choice: MarketChoice) -> Market:
    """Make or read the market of a choice.

    Raises
    ------
    InputError
        EXCHANGE-102 a source that is none; EXCHANGE-103 nothing to play; EXCHANGE-104 unknown rules.
    """
    from lotwise.market.replay import replay

    if choice.source not in ("synthetic", "store"):
        raise InputError("EXCHANGE-102", f"a market of {choice.source!r}", "synthetic or store")
    feeds = _synthetic(choice) if choice.source == "synthetic" else _recorded(choice)
    events = replay(feeds, off_tick="nearest", off_lot="down")
    if not len(events):
        raise InputError(
            "EXCHANGE-103", f"no events of {', '.join(choice.contracts)}", "choose other contracts"
        )
    highest = [_highest(feed) for feed in feeds]
    return Market(choice, [feed.contract for feed in feeds], events, highest)


def _highest(feed: Feed) -> int:
    """A bound of the prices in ticks."""
    table, column = (feed.bars, "high") if feed.bars is not None else (feed.trades, "price")
    assert table is not None
    most: Any = table.frame[column].max()
    price8: int = int(most) * SCALE // 10**table.scale.price
    return price8 // feed.contract.scales.tick_size8 * PRICE_ROOM


def _synthetic(choice: MarketChoice) -> list[Feed]:
    """Prices of the synthetic market under the rules of the real contract, where there is one."""
    from datetime import UTC, datetime

    from lotwise.contracts.catalogue import load, symbols
    from lotwise.market import synthetic
    from lotwise.market.replay import Feed

    kinds = ("marks", "funding", "trades", "quotes")
    made = synthetic.make(
        choice.scenario,
        choice.days,
        choice.seed,
        choice.contracts,
        kinds=kinds,
        detail=choice.detail,
        start=datetime.fromtimestamp(choice.start_ns // 10**9, tz=UTC),
    )
    listed = set(symbols("binance"))
    feeds = []
    for symbol, one in made.made.items():
        if symbol not in listed:
            raise InputError(
                "EXCHANGE-104",
                f"{symbol} is no contract of binance: its fees and margins are unknown",
                "choose listed contracts: BTCUSDT,ETHUSDT,SOLUSDT",
            )
        contract = load(f"binance:{symbol}")
        tables = {kind: one.tables[kind] for kind in kinds}
        feeds.append(Feed(contract, **tables))
    return feeds


def _recorded(choice: MarketChoice) -> list[Feed]:
    """Trades and quotes where the store has trades, else bars; marks, index and funding where it has them."""
    from pathlib import Path

    from lotwise.contracts.catalogue import load
    from lotwise.market.kinds import KINDS, Table
    from lotwise.market.replay import Feed
    from lotwise.market.store import Series, Store, own_folder

    store = Store(Path(choice.root) if choice.root else own_folder())
    feeds = []
    for symbol in choice.contracts:
        found: dict[str, Table] = {}
        for kind in ("trades", "quotes", "bars", "marks", "index", "funding"):
            if kind not in KINDS or (kind == "bars" and "trades" in found):
                continue
            series = Series(choice.venue, symbol, KINDS[kind])
            if any(True for _ in store.days(series)):
                rows, scale = store.scan(series)
                found[kind] = Table(KINDS[kind], scale, rows.sort("time_ns", maintain_order=True).collect())
        if "trades" not in found:
            found.pop("quotes", None)
        if not ({"trades", "bars"} & set(found)):
            raise InputError(
                "EXCHANGE-103",
                f"the store holds neither trades nor bars of {choice.venue}:{symbol}",
                "import or fetch them first: lotwise data",
            )
        feeds.append(Feed(load(f"binance:{symbol}"), **found))
    return feeds
