"""A market that never was: bars, marks, funding, trades, quotes, books of one seed, and the truth.

For first steps without a download, and for tests that must know what is there: which regime, which jump,
which beta. The same seed gives the same bytes on any machine. It is no model of any coin: what it shares with
real markets is said in :mod:`lotwise.market.synthetic_scenario` and proved in its tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.market.kinds import BARS, DEPTH, FUNDING, MARKS, QUOTES, TRADES, Scale, Table
from lotwise.market.store import nanoseconds
from lotwise.market.synthetic_book import book_of
from lotwise.market.synthetic_path import Path, fundings, leader, path_of
from lotwise.market.synthetic_scenario import REGIMES, Listing, Scenario, listing_of, scenario_of
from lotwise.market.synthetic_trades import BAR_COLUMNS, MARK_COLUMNS, Played, pace_of, played
from lotwise.units import parse_scaled

if TYPE_CHECKING:
    import numpy as np

    from lotwise.contracts.contract import Contract

MADE: Final = (BARS.name, MARKS.name, FUNDING.name, TRADES.name, QUOTES.name, DEPTH.name)
"""Kinds that can be made, by name."""
START: Final = datetime(2025, 1, 6, tzinfo=UTC)
"""A Monday."""
START_YEAR: Final = 1971
"""So that no zone reaches back before 1970."""
MINUTE_NS: Final = 60 * 10**9
MILLI_NS: Final = 10**6
DAY_MINUTES: Final = 1440
MOST_DAYS: Final = 3660
MOST_DETAIL: Final = 200
MOST_SEED: Final = 2**63 - 1
MOST_TRADES_KEPT: Final = 50_000_000
"""Of a contract at once, in quiet minutes; they lie in memory."""
LEVELS: Final = 10
"""Of each side of a book."""


@dataclass(frozen=True)
class Truth:
    """What is so, though a market does not say it; arrays have a place for every minute of the span."""

    regime: np.ndarray[Any, Any]
    """int8, by minute: places of REGIMES."""
    sigma_nano: np.ndarray[Any, Any]
    """int64, by minute: standard deviation of the leading coin's return, in 1e-9."""
    premium8: np.ndarray[Any, Any]
    """int64, by minute: of the price over the index, in 1e-8, at its end; funding is made of it."""
    jump_ns: np.ndarray[Any, Any]
    """int64: minutes at whose start the price jumped."""
    jump_nano: np.ndarray[Any, Any]
    """int64: how far, in 1e-9 of the price."""
    outages: tuple[tuple[int, int], ...]
    """Spans from and before, in ns, in which the venue stood still."""
    fall: tuple[int, int] | None
    """The planted fall, from and before, in ns."""
    beta_up1024: int
    beta_down1024: int
    lag_minutes: int
    own1024: int
    """Its own sigma, in 1024ths of the leading coin's."""

    def at(self, regime: str) -> np.ndarray[Any, Any]:
        """bool, by minute: whether that regime held."""
        found: np.ndarray[Any, Any] = self.regime == REGIMES.index(regime)
        return found


@dataclass(frozen=True)
class Made:
    """One contract of a synthetic market."""

    contract: Contract
    tables: dict[str, Table]
    """By the name of the kind."""
    truth: Truth


@dataclass(frozen=True)
class Market:
    """A synthetic market."""

    scenario: str
    seed: int
    start_ns: int
    minutes: int
    made: dict[str, Made]
    """By symbol, in the order asked for."""

    def table(self, symbol: str, kind: str) -> Table:
        """One table."""
        return self.made[symbol].tables[kind]


def make(
    scenario: str = "demo",
    days: int = 30,
    seed: int = 7,
    contracts: Sequence[str] = ("BTCUSDT",),
    *,
    kinds: Sequence[str] = ("bars", "marks", "funding"),
    detail: int = 10,
    start: datetime = START,
) -> Market:
    """Make a market.

    A contract's rows do not depend on the others, on the kinds asked for or on the machine; but the last of
    ``contracts`` is the one that falls, where the scenario has a fall.

    Parameters
    ----------
    scenario
        calm, trend, range, storm, crash or demo.
    contracts
        Names; those of :data:`~lotwise.market.synthetic_scenario.LISTINGS` are like the real ones, another
        name gets a small coin drawn from it. BTCUSDT leads: the others follow by their betas.
    kinds
        Of bars, marks, funding, trades, quotes, depth.
    detail
        Trades of a quiet minute, 1 to 200; more happen in busy hours and in storms.
    start
        An aware time; it is brought down to the hour.

    Raises
    ------
    InputError
        DATA-641 to DATA-646: scenario, days, contracts, kinds, seed, detail; DATA-648 a start that is not
        an aware time since 1971.
    """
    span = (first_minute(start), days * DAY_MINUTES)
    made = dict(each(scenario, days, seed, contracts, kinds=kinds, detail=detail, start=start))
    return Market(scenario, seed, span[0] * MINUTE_NS, span[1], made)


def each(
    scenario: str,
    days: int,
    seed: int,
    contracts: Sequence[str],
    *,
    kinds: Sequence[str],
    detail: int = 10,
    start: datetime = START,
) -> Iterator[tuple[str, Made]]:
    """The contracts of :func:`make`, made one after the other, so that one at a time is in memory.

    Raises
    ------
    InputError
        As :func:`make`; before the first is made.
    """
    chosen, listings = looked_at(scenario, days, seed, contracts, kinds=kinds, detail=detail)
    first = first_minute(start)
    lead = leader(chosen, seed, days * DAY_MINUTES)
    for listing in listings:
        path = path_of(listing, chosen, seed, lead, falls=listing is listings[-1])
        yield listing.symbol, _made(listing, path, seed, first, kinds=frozenset(kinds), detail=detail)


def first_minute(start: datetime) -> int:
    """The minute since 1970 of the full hour at or before a time.

    Raises
    ------
    InputError
        DATA-648 a time without a zone, or before 1971.
    """
    if start.tzinfo is None or start.year < START_YEAR:
        raise InputError(
            "DATA-648",
            f"start is {start.isoformat()}",
            hint="an aware time: datetime(2025, 1, 6, tzinfo=UTC)",
        )
    return nanoseconds(start) // (60 * MINUTE_NS) * 60


def looked_at(
    scenario: str, days: int, seed: int, contracts: Sequence[str], *, kinds: Sequence[str], detail: int
) -> tuple[Scenario, list[Listing]]:
    """The scenario and the listings that are asked for; nothing is made.

    Raises
    ------
    InputError
        As :func:`make`.
    """
    chosen, listings = scenario_of(scenario), _asked(contracts, kinds)
    _numbers(days, seed, detail)
    _room(days, detail, kinds)
    return chosen, listings


def _asked(contracts: Sequence[str], kinds: Sequence[str]) -> list[Listing]:
    if not contracts or len(set(contracts)) < len(contracts):
        raise InputError(
            "DATA-643",
            f"contracts are {', '.join(contracts) or 'none'}",
            hint="name one or more, each once: BTCUSDT,ETHUSDT",
        )
    unknown = [kind for kind in kinds if kind not in MADE]
    if unknown or not kinds:
        raise InputError(
            "DATA-644",
            f"{', '.join(unknown) or 'nothing'} cannot be made",
            hint=f"one or more of {', '.join(MADE)}",
        )
    return [listing_of(name) for name in contracts]


def _numbers(days: int, seed: int, detail: int) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise InputError("DATA-642", f"{days} days", hint=f"1 to {MOST_DAYS:,}")
    if not 0 <= seed <= MOST_SEED:
        raise InputError("DATA-645", f"a seed of {seed}", hint=f"0 to {MOST_SEED}")
    if not 1 <= detail <= MOST_DETAIL:
        raise InputError("DATA-646", f"{detail} trades in a quiet minute", hint=f"1 to {MOST_DETAIL}")


def _room(days: int, detail: int, kinds: Sequence[str]) -> None:
    about = days * DAY_MINUTES * detail
    if about > MOST_TRADES_KEPT and not {TRADES.name, QUOTES.name, DEPTH.name}.isdisjoint(kinds):
        raise InputError(
            "DATA-646",
            f"about {about:,} trades of each contract to keep, at most {MOST_TRADES_KEPT:,}",
            hint="ask for fewer days or a smaller detail, or leave out trades, quotes and depth",
        )


def _made(listing: Listing, path: Path, seed: int, first: int, *, kinds: frozenset[str], detail: int) -> Made:
    """Tables and truth of one contract."""
    pace = pace_of(path, listing, seed, first, detail)
    keep = kinds | ({"quotes"} if "depth" in kinds else set())
    found = played(path, pace, listing, seed, first, keep=keep)
    tables = {}
    for kind in MADE:
        if kind in kinds:
            tables[kind] = _TABLES[kind](listing, path, found, first)
    return Made(listing.contract, tables, _truth(listing, path, first))


@dataclass(frozen=True)
class Units:
    """A listing's ticks and lots as whole numbers of a table's scale."""

    price: int
    tick: int
    quantity: int
    lot: int

    @property
    def scale(self) -> Scale:
        """Of prices and quantities; money has the decimals of both."""
        return Scale(price=self.price, quantity=self.quantity, money=self.price + self.quantity)


def units_of(listing: Listing) -> Units:
    """The fewest decimals that hold a listing's ticks and lots, and how many of them each is."""
    found = []
    for text, name in ((listing.tick_size, "tick_size"), (listing.lot_size, "lot_size")):
        decimals, size = 8, parse_scaled(text, name)
        while decimals and size % 10 == 0:
            decimals, size = decimals - 1, size // 10
        found += [decimals, size]
    return Units(*found)


def _bars(listing: Listing, path: Path, found: Played, first: int) -> Table:
    import polars as pl

    units = units_of(listing)
    factors = {**dict.fromkeys(MARK_COLUMNS, units.tick), "turnover": units.tick * units.lot, "trades": 1}
    columns = {
        name: found.bars[:, place] * factors.get(name, units.lot) for place, name in enumerate(BAR_COLUMNS)
    }
    return Table(BARS, units.scale, pl.DataFrame({"time_ns": found.minutes * MINUTE_NS, **columns}))


def _marks(listing: Listing, path: Path, found: Played, first: int) -> Table:
    """Marks at the tick's thousandths, or at 1e-8 where those are finer."""
    import polars as pl

    units = units_of(listing)
    decimals = min(8, units.price + 3)
    up, down = units.tick * 10**decimals, 10 ** (units.price + 3)
    columns = {name: found.marks[:, place] * up // down for place, name in enumerate(MARK_COLUMNS)}
    return Table(
        MARKS, Scale(price=decimals), pl.DataFrame({"time_ns": found.minutes * MINUTE_NS, **columns})
    )


def _funding(listing: Listing, path: Path, found: Played, first: int) -> Table:
    import numpy as np
    import polars as pl

    due, rates8, hours = fundings(path, listing, first)
    rows = {
        "time_ns": (first + due + 1) * MINUTE_NS,
        "rate": rates8,
        "interval_ns": hours * (60 * MINUTE_NS),
    }
    return Table(FUNDING, Scale(rate=8), pl.DataFrame({n: np.asarray(c, np.int64) for n, c in rows.items()}))


def _trades(listing: Listing, path: Path, found: Played, first: int) -> Table:
    import polars as pl

    units, rows = units_of(listing), found.trades
    frame = pl.DataFrame(
        {
            "time_ns": rows[:, 0] * MILLI_NS,
            "id": _ids(len(rows)),
            "price": rows[:, 1] * units.tick,
            "quantity": rows[:, 2] * units.lot,
            "buyer_is_maker": rows[:, 3] == 1,
        }
    )
    return Table(TRADES, Scale(price=units.price, quantity=units.quantity), frame)


def _quotes(listing: Listing, path: Path, found: Played, first: int) -> Table:
    import polars as pl

    units, rows = units_of(listing), found.quotes
    frame = pl.DataFrame(
        {
            "time_ns": rows[:, 0] * MILLI_NS,
            "id": _ids(len(rows)),
            "bid": rows[:, 1] * units.tick,
            "bid_quantity": rows[:, 2] * units.lot,
            "ask": rows[:, 3] * units.tick,
            "ask_quantity": rows[:, 4] * units.lot,
        }
    )
    return Table(QUOTES, Scale(price=units.price, quantity=units.quantity), frame)


def _depth(listing: Listing, path: Path, found: Played, first: int) -> Table:
    """A book of LEVELS a side; a row's ids are the id of the quote that it goes with."""
    import polars as pl

    units = units_of(listing)
    rows = book_of(found.quotes, LEVELS, listing.trade_lots * 12)
    frame = pl.DataFrame(
        {
            "time_ns": rows[:, 0] * MILLI_NS,
            "first_id": rows[:, 1],
            "last_id": rows[:, 1],
            "previous_id": rows[:, 2],
            "snapshot": rows[:, 3] == 1,
            "is_bid": rows[:, 4] == 1,
            "price": rows[:, 5] * units.tick,
            "quantity": rows[:, 6] * units.lot,
        }
    )
    return Table(DEPTH, Scale(price=units.price, quantity=units.quantity), frame)


def _ids(count: int) -> Any:
    import numpy as np

    return np.arange(1, count + 1, dtype=np.int64)


_TABLES: Final = {
    BARS.name: _bars,
    MARKS.name: _marks,
    FUNDING.name: _funding,
    TRADES.name: _trades,
    QUOTES.name: _quotes,
    DEPTH.name: _depth,
}


def _truth(listing: Listing, path: Path, first: int) -> Truth:
    import numpy as np

    jumped = np.flatnonzero(path.jumps)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], path.out, [0]])))
    stops = ((first + edges) * MINUTE_NS).tolist()
    fall = tuple((first + minute) * MINUTE_NS for minute in path.fall) if path.fall[1] else None
    return Truth(
        regime=path.regime.astype(np.int8),
        sigma_nano=path.sigma,
        premium8=path.premium8,
        jump_ns=(first + jumped) * MINUTE_NS,
        jump_nano=path.jumps[jumped],
        outages=tuple(zip(stops[::2], stops[1::2], strict=True)),
        fall=(fall[0], fall[1]) if fall else None,
        beta_up1024=listing.beta_up,
        beta_down1024=listing.beta_down,
        lag_minutes=listing.lag_minutes,
        own1024=listing.own,
    )
