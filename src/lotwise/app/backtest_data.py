"""What a backtest is played over: bars and funding of contracts, with the rules of their day, or told if not.

Rules come from the catalogue: the snapshot nearest to the data's first day. Where it is of another day, has
no fees or no margin tiers, or its tick is not the data's, a warning says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.market.check import tick_of
from lotwise.market.kinds import BARS, FUNDING, TRADES, Kind, Table
from lotwise.market.store import Series, Store
from lotwise.units import scaled_text

if TYPE_CHECKING:
    Rows = Any

SECOND_NS: Final = 10**9
MINUTE_NS: Final = 60 * SECOND_NS
LOOK_DAYS: Final = (0, 30, 90, 180, 365)
"""Days after the data's first for whose snapshots the catalogue is asked."""
SURE_ROWS: Final = 1_000
"""Bars from which the data's own tick can be told."""
USUAL_FEES: Final = FeeSchedule("0.02%", "0.05%")
SYNTHETIC: Final = "synthetic"
PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Wanted:
    """A contract, and where its data lies: the store, or a file or a folder of its own."""

    venue: str
    symbol: str
    path: Path | None = None

    @property
    def name(self) -> str:
        """``venue:SYMBOL``."""
        return f"{self.venue}:{self.symbol}"


@dataclass(frozen=True)
class Span:
    """From ``since`` on and before ``until``; and how long a bar is to be, 0: as long as they are."""

    since: datetime | None = None
    until: datetime | None = None
    bar_ns: int = 0


@dataclass(frozen=True)
class Loaded:
    """One contract's bars as rows of a run, and what is to be said about them."""

    contract: Contract
    rows: Rows
    """:class:`lotwise.kernel.tape.BarRow`."""
    step_ns: int
    fine: Rows | None
    """Finer bars that make them up: shorter ones, or trades."""
    fundings: int
    facts_as_of: str | None
    warnings: tuple[str, ...]


def wanted_of(words: Sequence[str], usual_venue: str = "binance") -> list[Wanted]:
    """Contracts from words: ``binance:BTCUSDT,ETHUSDT``, ``binance:BTCUSDT=FILE``.

    Raises
    ------
    InputError
        BACKTEST-207 a word without a contract, a contract named twice.
    """
    found: list[Wanted] = []
    for word in (part.strip() for text in words for part in text.split(",")):
        name, _, path = word.partition("=")
        venue, _, symbol = name.strip().rpartition(":")
        if not symbol:
            raise InputError(
                "BACKTEST-207", f"{word!r} names no contract", "write --data binance:BTCUSDT,binance:ETHUSDT"
            )
        one = Wanted(venue or usual_venue, symbol, Path(path) if path else None)
        if one.name in (other.name for other in found):
            raise InputError("BACKTEST-207", f"{one.name} is named twice", "name each contract once")
        found.append(one)
    return found


def load(one: Wanted, store: Store, span: Span, fees: FeeSchedule | None, as_of: str | None) -> Loaded:
    """Everything of one contract.

    Raises
    ------
    InputError
        BACKTEST-208 no bars and no trades of it in the span; BACKTEST-211 its fees are unknown; DATA-xxx
        what the data has wrong, CONTRACT-2xx what the catalogue does not know.
    """
    from lotwise.market.replay import Feed, bar_rows, trade_rows

    tables = _from_files(one, span) if one.path else _from_store(one, store, span)
    made, bars, step_ns = _bars(one, tables, store, span)
    first = datetime.fromtimestamp(int(bars.frame["time_ns"][0]) // SECOND_NS, tz=UTC).date()
    contract, warnings = contract_of(one, first, fees, as_of)
    contract = _with_tick(contract, bars, warnings)
    feed = Feed(contract, bars=bars, funding=tables.get(FUNDING.name), trades=tables.get(TRADES.name))
    try:
        rows = bar_rows(feed, step_ns, off_lot="down")
    except InputError as error:
        if error.code != "DATA-622":
            raise
        rows = bar_rows(feed, step_ns, off_tick="nearest", off_lot="down")
        warnings.append(f"prices off the tick were taken to the nearest: {error.message}")
    if feed.funding is None:
        warnings.append("there is no funding in the data: none was charged")
    if gaps := _gaps(rows, step_ns):
        warnings.append(f"{gaps} bars are missing; what happened in them is not known")
    fine = None
    if feed.trades is not None:
        from lotwise.backtest.finer import bars_of_trades

        fine = bars_of_trades(trade_rows(feed, off_tick="nearest", off_lot="down"))
    elif made is not None:
        fine = bar_rows(Feed(contract, bars=made), off_tick="nearest", off_lot="down")
    return Loaded(
        contract, rows, step_ns, fine, int(rows["has_funding"].sum()), contract.as_of, tuple(warnings)
    )


# -- tables ----------------------------------------------------------------------------------------


def _from_store(one: Wanted, store: Store, span: Span) -> dict[str, Table]:
    found = {}
    for kind in (BARS, FUNDING, TRADES):
        table = _stored(one, store, span, kind)
        if table is not None:
            found[kind.name] = table
    return found


def _stored(one: Wanted, store: Store, span: Span, kind: Kind) -> Table | None:
    series = Series(one.venue, one.symbol, kind)
    if not any(store.days(series)):
        return None
    try:
        rows, scale = store.scan(series, span.since, span.until)
    except InputError as error:
        if error.code == "DATA-205":  # days are there, but none in the span
            return None
        raise
    frame = rows.collect()
    return Table(kind, scale, frame) if len(frame) else None


def _from_files(one: Wanted, span: Span) -> dict[str, Table]:
    """Bars, funding and trades of the contract in a file, or in the files of a folder."""
    import polars as pl

    from lotwise.market import days, sources
    from lotwise.market.store import nanoseconds

    assert one.path is not None
    if not one.path.exists():
        raise InputError("BACKTEST-208", f"there is no {one.path}", "see how it is spelled")
    files = sources.in_folder(one.path)[0] if one.path.is_dir() else [one.path]
    found: dict[str, list[Table]] = {}
    for file in files:
        for told, table in sources.parts(file):
            if not told or sources.same_contract(told, one.symbol):
                found.setdefault(table.kind.name, []).append(table)
    kept = {}
    for name in (BARS.name, FUNDING.name, TRADES.name):
        if name not in found:
            continue
        table = days.together(found[name])
        frame = table.frame.sort("time_ns", maintain_order=True)
        if span.since:
            frame = frame.filter(pl.col("time_ns") >= nanoseconds(span.since))
        if span.until:
            frame = frame.filter(pl.col("time_ns") < nanoseconds(span.until))
        if len(frame):
            kept[name] = Table(table.kind, table.scale, frame)
    return kept


def _bars(one: Wanted, tables: dict[str, Table], store: Store, span: Span) -> tuple[Table | None, Table, int]:
    """Finer bars that the bars were made of, the bars, and how long one is."""
    from lotwise.market.resample import of_bars, of_trades

    if BARS.name in tables:
        bars = tables[BARS.name]
        step = step_of(bars)
        if not span.bar_ns or span.bar_ns == step:
            return None, bars, step
        return bars, of_bars(bars, span.bar_ns, source_ns=step, partial="drop").table, span.bar_ns
    if TRADES.name in tables:
        step = span.bar_ns or MINUTE_NS
        return None, of_trades(tables[TRADES.name], step).table, step
    when = " in that span" if span.since or span.until else ""
    where = one.path or f"the store {store.root}"
    raise InputError(
        "BACKTEST-208",
        f"{where} holds neither bars nor trades of {one.name}{when}",
        f"bring some: lotwise data import FILE --contract {one.name}; or try it on a made-up market:"
        " lotwise data synthetic",
    )


def step_of(bars: Table) -> int:
    """Length of a bar: the usual time between two."""
    steps = bars.frame["time_ns"].diff().drop_nulls()
    return int(steps.mode().min()) if len(steps) else MINUTE_NS  # type: ignore[arg-type]


def _gaps(rows: Rows, step_ns: int) -> int:
    """Bars that are missing between the first and the last."""
    span = int(rows["time_ns"][-1] - rows["time_ns"][0])
    return max(0, span // step_ns + 1 - len(rows))


# -- rules -----------------------------------------------------------------------------------------


def contract_of(
    one: Wanted, first: date, fees: FeeSchedule | None, as_of: str | None
) -> tuple[Contract, list[str]]:
    """The contract with the rules nearest to a day, and what is to be said about them.

    Raises
    ------
    InputError
        CONTRACT-2xx, BACKTEST-211.
    """
    if one.venue == SYNTHETIC:
        from lotwise.market.synthetic_scenario import listing_of

        contract, warnings = listing_of(one.symbol).contract, []
        if fees is None:
            warnings.append(
                f"made up, without fees: {USUAL_FEES.maker} maker and {USUAL_FEES.taker} taker were taken"
            )
        warnings.append("no margin tiers are known: leverage is not bounded by the size")
        return msgspec.structs.replace(contract, fees=fees or USUAL_FEES), warnings
    contract = _nearest(one.name, first) if as_of is None else catalogue.load(one.name, as_of)
    warnings = _dated(contract, first)
    missing = [name for name in ("fees", "tiers") if not getattr(contract, name)]
    if missing:
        contract = _filled(contract, missing, warnings, fees)
    if fees is not None:
        contract = msgspec.structs.replace(contract, fees=fees)
    if contract.fees is None:
        raise InputError(
            "BACKTEST-211",
            f"the fees of {one.name} are not known",
            "give yours: --maker 0.02% --taker 0.05%",
        )
    return contract, warnings


def _nearest(name: str, first: date) -> Contract:
    """The snapshot nearest to a day, of equally near ones the earlier."""
    found: list[Contract] = []
    for days in LOOK_DAYS:
        try:
            found.append(catalogue.load(name, first + timedelta(days=days)))
        except InputError as error:
            if error.code not in ("CONTRACT-202", "CONTRACT-203"):
                raise
    try:
        found.append(catalogue.load(name))
    except InputError:
        if not found:
            raise
    return min(found, key=lambda contract: abs((_day_of(contract) or first) - first))


def _day_of(contract: Contract) -> date | None:
    return date.fromisoformat(contract.as_of) if contract.as_of else None


def _dated(contract: Contract, first: date) -> list[str]:
    """What is said where the rules are of another day than the data."""
    day = _day_of(contract)
    if day is None or day == first:
        return []
    when = "later" if day > first else "earlier"
    return [
        f"rules of {day} on data from {first} on, {abs((day - first).days):,} days {when}:"
        " tick, smallest order and leverage may have been others"
    ]


def _filled(
    contract: Contract, missing: list[str], warnings: list[str], fees: FeeSchedule | None
) -> Contract:
    """Fees and margin tiers of today, where those of the day are not known."""
    try:
        newest = catalogue.load(contract.id)
    except InputError:  # it is no longer listed
        return contract
    changes: dict[str, Any] = {name: getattr(newest, name) for name in missing}
    told = [word for name, word in (("fees", "fees"), ("tiers", "margin tiers")) if name in missing]
    told = [word for word in told if word != "fees" or fees is None]
    if told:
        warnings.append(f"{' and '.join(told)} are those of {newest.as_of}")
    return msgspec.structs.replace(contract, **changes)


def _with_tick(contract: Contract, bars: Table, warnings: list[str]) -> Contract:
    """The contract with the data's own tick, where the data is long enough to tell it."""
    if len(bars.frame) < SURE_ROWS:
        return contract
    tick = scaled_text(tick_of(bars, list(PRICES)), bars.scale.price)
    dated = msgspec.structs.replace(contract, tick_size=tick)
    if dated.scales.tick_size8 == contract.scales.tick_size8:
        return contract
    warnings.append(f"the tick is the data's, {tick}, and not {contract.tick_size} of the rules")
    return dated


def together(warnings: Sequence[tuple[str, str]]) -> list[str]:
    """Warnings of (contract, sentence): a sentence that several have is said once."""
    found: dict[str, list[str]] = {}
    for name, text in warnings:
        found.setdefault(text, []).append(name)
    return [f"{', '.join(names)}: {text}" for text, names in found.items()]
