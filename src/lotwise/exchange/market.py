"""The market behind the venue: contracts, their events in order, and how far they were played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from lotwise.broker.kernel_account import NO_TIER, Assumptions, contract_row
from lotwise.errors import InputError
from lotwise.exchange.changes import Change, Changer
from lotwise.exchange.market_log import FILE, MarketLog
from lotwise.exchange.tape import Tape
from lotwise.kernel.layout import RATE, TierRow
from lotwise.kernel.state import BAR, FUNDING, INDEX, MARK, QUOTE, TRADE, ContractRow, EventRow
from lotwise.units import SCALE

if TYPE_CHECKING:
    from lotwise.contracts.contract import Contract
    from lotwise.market.replay import Feed, Replay

BAND8: Final = RATE // 20
"""How far from the mark a limit price may be, and a market order may fill: 5 %, of BTCUSDT. The filter
PERCENT_PRICE and ``marketTakeBound`` of other contracts are not in the catalogue: assumed the same."""
PRICE_ROOM: Final = 3
"""The arithmetic is proved for prices up to so many times the highest of the feed."""
LIVE_ROOM: Final = 10
"""And of a live market up to so many times the price it begins with."""
_POINTS: Final = ("open", "high", "low", "close")
FIELDS: Final[dict[int, tuple[str, ...]]] = {
    TRADE: ("price_ticks", "lots"),
    QUOTE: ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"),
    MARK: ("price8",),
    INDEX: ("price8",),
    FUNDING: ("rate8", "price8", "interval_ns"),
    BAR: ("volume_lots", *(f"{name}_ticks" for name in _POINTS), *(f"mark_{name}8" for name in _POINTS)),
}
"""What an event of a kind says, beside its contract and time."""
SOURCES: Final = ("synthetic", "store", "live")


class MarketChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which market is played; kept with the state, for a state belongs to one market."""

    source: str = "synthetic"
    """synthetic, store or live."""
    contracts: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    scenario: str = "demo"
    seed: int = 7
    days: int = 2
    detail: int = 10
    start_ns: int = 1_736_121_600 * 10**9
    """Of a synthetic market; a Monday. Of a live one when it was begun."""
    history_ns: int = 0
    """How much is played before the first account may trade."""
    venue: str = "binance"
    """Of the store's series."""
    root: str = ""
    """Of the store."""


class Source(Protocol):
    """Where a market's events come from, in their order."""

    def __len__(self) -> int: ...

    @property
    def first_ns(self) -> int:
        """Time of the first event."""

    def position_at(self, time_ns: int) -> int:
        """How many events are at or before a time."""

    def events(self, first: int, end: int) -> Iterator[EventRow]:
        """Events in their order."""


class Replayed:
    """A market that is known to its end."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    def __len__(self) -> int:
        return len(self._replay)

    @property
    def first_ns(self) -> int:
        """Time of the first event."""
        return int(self._replay.times_ns[0])

    def position_at(self, time_ns: int) -> int:
        """How many events are at or before a time."""
        return int(self._replay.times_ns.searchsorted(time_ns, side="right"))

    def events(self, first: int, end: int) -> Iterator[EventRow]:
        """Events in their order; each until the next is asked for, for their rows are used again."""
        rows = self._replay.rows(first, end)
        kinds, contracts, times = (rows[name].tolist() for name in ("kind", "contract", "time_ns"))
        columns = {
            kind: [(name, rows[name].tolist()) for name in FIELDS[kind]] for kind in dict.fromkeys(kinds)
        }
        used: dict[tuple[int, int], EventRow] = {}
        for at, kind in enumerate(kinds):
            event = used.get((kind, contracts[at]))
            if event is None:
                event = used[kind, contracts[at]] = EventRow(kind=kind, contract=contracts[at])
            event.time_ns = times[at]
            for name, numbers in columns[kind]:
                setattr(event, name, numbers[at])
            yield event


class Market:
    """Events of several contracts and the tapes they leave."""

    def __init__(
        self,
        choice: MarketChoice,
        contracts: Sequence[Contract],
        source: Source,
        bounds_ticks: Sequence[int],
        log: MarketLog,
    ):
        self.choice = choice
        self.contracts = tuple(contracts)
        self.names = {contract.symbol: number for number, contract in enumerate(self.contracts)}
        self.source = source
        self.log = log
        self.bounds_ticks = tuple(bounds_ticks)
        """The highest prices that the arithmetic is proved for."""
        self.rows, self.tiers = _kernel_rows(self.contracts, bounds_ticks)
        self.tapes = [Tape(number, row, choice.seed) for number, row in enumerate(self.rows)]
        self.position = 0
        """Events played."""
        self.now_ns = source.first_ns if len(source) else 0
        self._changer = Changer(self.rows, self.bounds_ticks)
        for change in log.changes():
            self._changer.add(change)

    def __len__(self) -> int:
        return len(self.source)

    @property
    def first_ns(self) -> int:
        """Time of the first event."""
        return self.source.first_ns

    @property
    def begins_at(self) -> int:
        """Events that are played before the first account may trade; of a live market none."""
        is_live = self.choice.source == "live"
        return 0 if is_live else self.position_at(self.first_ns + self.choice.history_ns)

    @property
    def changes(self) -> Sequence[Change]:
        """Changes on demand, past and to come."""
        return self._changer.changes

    def position_at(self, time_ns: int) -> int:
        """How many events are at or before a time."""
        return self.source.position_at(time_ns)

    def change(self, change: Change) -> None:
        """Change the market from now or a later event on; on the disk when this returns.

        What was played stays as it was. An entry of a script that was taken up already is passed over.
        """
        if change.script and any(one.script == change.script for one in self.changes):
            return
        settled = msgspec.structs.replace(change, from_event=max(change.from_event, self.position))
        self.log.change(settled)
        self._changer.add(settled)

    def play(self, end: int) -> Iterator[EventRow]:
        """Play on up to ``end`` events; each is on its tape when it is given, and good until the next."""
        end = min(end, len(self))
        while self.position < end:
            part = min(end, self.position + 8_192)
            for event in self.source.events(self.position, part):
                self.position += 1
                self.now_ns = event.time_ns
                tape = self.tapes[event.contract]
                if not self._changer.changes:
                    tape.take(event)
                    yield event
                    continue
                for changed in self._changer.played(self.position - 1, event, tape):
                    tape.take(changed)
                    yield changed

    def close(self) -> None:
        """Let go of the files."""
        self.log.close()


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


def opened(choice: MarketChoice, folder: Path | None = None) -> Market:
    """Make, read or go on with the market of a choice; its log lies in the folder of the state.

    Raises
    ------
    InputError
        EXCHANGE-102 a source that is none; EXCHANGE-103 nothing to play; EXCHANGE-104 unknown rules;
        EXCHANGE-152 a broken log; EXCHANGE-161 a live market that was not begun.
    """
    if choice.source not in SOURCES:
        raise InputError("EXCHANGE-102", f"a market of {choice.source!r}", ", ".join(SOURCES))
    if choice.source == "live":
        return _live(choice, MarketLog(folder))
    from lotwise.market.replay import replay

    feeds = _synthetic(choice) if choice.source == "synthetic" else _recorded(choice)
    events = replay(feeds, off_tick="nearest", off_lot="down")
    if not len(events):
        raise InputError(
            "EXCHANGE-103", f"no events of {', '.join(choice.contracts)}", "choose other contracts"
        )
    highest = [_highest(feed) for feed in feeds]
    log = MarketLog(folder, make=False)
    return Market(choice, [feed.contract for feed in feeds], Replayed(events), highest, log)


def begun(folder: Path, contracts: Sequence[Contract], prices_ticks: Sequence[int]) -> None:
    """Begin a live market in a folder: what it costs now bounds what the arithmetic is proved for.

    A folder that was begun keeps its bounds.
    """
    log = MarketLog(folder)
    try:
        for contract, ticks in zip(contracts, prices_ticks, strict=True):
            name = f"bound {contract.symbol}"
            if log.about(name) is None:
                log.tell(name, str(ticks * LIVE_ROOM))
    finally:
        log.close()


def is_begun(folder: Path, symbols: Sequence[str]) -> bool:
    """Whether a live market of these contracts was begun in a folder."""
    if not (folder / FILE).exists():
        return False
    log = MarketLog(folder)
    try:
        return all(log.about(f"bound {symbol}") is not None for symbol in symbols)
    finally:
        log.close()


def _live(choice: MarketChoice, log: MarketLog) -> Market:
    """A market that is written while it is played."""
    from lotwise.contracts.catalogue import load

    bounds = [log.about(f"bound {symbol}") for symbol in choice.contracts]
    if not choice.contracts or None in bounds:
        log.close()
        raise InputError(
            "EXCHANGE-161",
            f"a live market of {', '.join(choice.contracts) or 'nothing'} was not begun here",
            "start it with lotwise exchange --market live --contracts BTCUSDT",
        )
    contracts = [load(f"binance:{symbol}") for symbol in choice.contracts]
    return Market(choice, contracts, log, [int(bound or 0) for bound in bounds], log)


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
