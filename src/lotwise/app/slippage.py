"""Slippage from a user's own market data: what stops at this distance got beyond their price.

Reads the store for the trades of the contract, else for its bars, and lays stops through them
(:mod:`lotwise.analysis.gaps`). The answer says what it rests on; with too little data there is none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.records.answers import Answer
from lotwise.sizing import ask
from lotwise.units import SCALE, Number, Rate8, parse_rate, percent_text, shown

if TYPE_CHECKING:
    import polars as pl

    from lotwise.analysis.gaps import Gaps
    from lotwise.market.kinds import Kind
    from lotwise.market.store import Store

LEAST_STOPS: Final = 30
"""Fewer stops, met at different times, say little of their tail."""
DAYS: Final = 30
"""The newest so many days of the store are read: costs of long ago are those of another market."""
HOLE_NS: Final = 3_600 * 10**9
"""A longer time without a row is missing data where a market never closes."""
DECIMALS: Final = 8
FAR: Final = 5
"""An entry more than a fifth away from the middle of the data's prices is pointed out."""


class MeasuredSlippage(Answer, frozen=True, kw_only=True):
    """A slippage allowance, and what it rests on."""

    contract: str
    side: str
    slippage: str
    """To be passed to ``size``: ``12t``."""
    ticks: int
    quantile: str
    most_ticks: int
    """The same quantile where every fill within a bar was as bad as can be; of trades ``ticks``."""
    stops: int
    """How many stops were met, of one opened every hour."""
    moments: int
    """At how many different times: one fall can meet several."""
    stop_distance_ticks: int
    source: str
    """``trades`` or ``bars``."""
    rows: int
    first: str
    last: str
    """Times of the first and the last row, UTC."""
    store: str
    warnings: list[str]

    @property
    def words(self) -> str:
        """One sentence for a person."""
        met = (
            f"of {self.stops:,} stops {self.stop_distance_ticks:,} ticks away (met at {self.moments:,} times)"
        )
        span = f"in {self.rows:,} {self.source} from {self.first} to {self.last}"
        return f"slippage {self.slippage}: {self.quantile} {met} filled no further beyond, {span}"


def measured(
    contract: Contract | str,
    *,
    entry: ask.Entries,
    stop: Number,
    side: str = "long",
    atr: Number | None = None,
    quantile: Number = "95%",
    store: Store | Path | str | None = None,
) -> MeasuredSlippage:
    """The fill beyond the stop that so large a share of measured stops did not exceed.

    Parameters
    ----------
    contract
        A contract, or its id, ``"binance:BTCUSDT"``: whose data is looked for in the store.
    entry, stop, side, atr
        As :func:`lotwise.size` takes them; the distance is from the average entry, in ticks.
    quantile
        ``"95%"``: from half to all of the stops.
    store
        A store or its folder; ``None``: the user's own.

    Raises
    ------
    InputError
        SLIP-101 nothing of the contract in the store, SLIP-102 too few stops were met, SLIP-103 a stop
        at liquidation, SLIP-104 the quantile, SLIP-105 polars is missing, SLIP-106 prices that cannot be
        counted; and what :func:`lotwise.size` refuses of entry, stop and side.
    """
    found = contract if isinstance(contract, Contract) else catalogue.load(contract)
    share = _share(quantile)
    way = ask.read_side(side)
    legs = ask.read_entries(found, way, entry)
    if isinstance(stop, str) and stop.strip().lower() in (ask.LIQUIDATION_STOP, "liq"):
        raise InputError(
            "SLIP-103", "a stop at liquidation has no price to measure from", "give a number: --slippage 5t"
        )
    stop_ticks = ask.read_stop(found, way, legs, stop, atr)
    average8 = ask.average_ticks8(legs)
    distance = max(1, abs(average8 - stop_ticks * SCALE) // SCALE)
    place = _opened(store)
    needed = LEAST_STOPS if share == SCALE else max(LEAST_STOPS, -(-SCALE // (SCALE - share)))
    gaps, middle8 = _laid(place, found, side=way, distance_ticks=distance, needed=needed)
    return _answer(found, gaps, share=share, place=place, middle8=middle8, average8=average8)


def _share(quantile: Number) -> Rate8:
    share = parse_rate(quantile, "quantile")
    if not SCALE // 2 <= share <= SCALE:
        raise InputError("SLIP-104", f"the quantile is {shown(quantile)}", "use 50% to 100%; 95% is usual")
    return share


def _opened(store: Store | Path | str | None) -> Store:
    try:
        import polars  # noqa: F401
    except ImportError:
        raise InputError(
            "SLIP-105",
            "measuring slippage needs polars, which is not installed",
            "pip install 'lotwise[data]', or give a number: --slippage 5t",
        ) from None
    from lotwise.market.store import Store, own_folder

    return store if isinstance(store, Store) else Store(Path(store) if store is not None else own_folder())


def _laid(
    place: Store, contract: Contract, *, side: int, distance_ticks: int, needed: int
) -> tuple[Gaps, int]:
    """Stops on trades, else on bars, wherever enough were met; prices in 1e-8. With the middle price."""
    from lotwise.market.kinds import BARS, TRADES

    tried = []
    for kind in (TRADES, BARS):
        rows = _rows(place, contract, kind)
        if rows is None:
            continue
        laid = _stops(rows, kind, contract, side=side, distance_ticks=distance_ticks)
        if laid is not None:
            if laid.moments >= needed:
                return laid, int(rows[_price(kind)].median() or 0)  # type: ignore[arg-type]
            tried.append(f"at {laid.moments} times in {len(rows):,} {kind.name}")
        else:
            tried.append(f"at 0 times in {len(rows):,} {kind.name}")
    _refuse(place, contract, tried, distance=distance_ticks, needed=needed)


def _price(kind: Kind) -> str:
    return "price" if "price" in kind.columns else "close"


def _refuse(place: Store, contract: Contract, tried: list[str], *, distance: int, needed: int) -> NoReturn:
    bring = f"lotwise data import {contract.symbol}-aggTrades-*.zip --contract {contract.id}"
    if not tried:
        raise InputError(
            "SLIP-101",
            f"the store {place.root} holds neither trades nor bars of {contract.id}",
            f"{bring}, or give a number: --slippage 5t",
        )
    raise InputError(
        "SLIP-102",
        f"stops {distance:,} ticks away were met too seldom: {' and '.join(tried)}, {needed} are needed",
        f"bring more days: {bring}; or give a number: --slippage 5t",
    )


def _rows(place: Store, contract: Contract, kind: Kind) -> pl.DataFrame | None:
    """The newest days of the store, prices in 1e-8; ``None`` where there are none."""
    import polars as pl

    from lotwise.market.kinds import Unit
    from lotwise.market.store import Series

    series = Series(contract.venue, contract.symbol, kind)
    days = list(place.days(series))
    if not days:
        return None
    newest = datetime(days[-1].day.year, days[-1].day.month, days[-1].day.day, tzinfo=UTC)
    rows, scale = place.scan(series, since=newest - timedelta(days=DAYS - 1))
    prices = [name for name, unit in kind.columns.items() if unit is Unit.PRICE]
    frame = rows.select("time_ns", *prices).collect()
    if scale.price > DECIMALS:
        raise _uncountable(contract, kind, f"have {scale.price} decimals, more than {DECIMALS}")
    more = 10 ** (DECIMALS - scale.price)
    most = frame.select(pl.max_horizontal(pl.col(prices).max())).item()
    if most is not None and int(most) * more > 2**62:
        raise _uncountable(contract, kind, f"go up to {int(most) // 10**scale.price:,}")
    return frame.with_columns(pl.col(prices) * more)


def _uncountable(contract: Contract, kind: Kind, what: str) -> InputError:
    return InputError(
        "SLIP-106", f"prices of the {kind.name} of {contract.id} {what}", "give a number: --slippage 5t"
    )


def _stops(
    rows: pl.DataFrame, kind: Kind, contract: Contract, *, side: int, distance_ticks: int
) -> Gaps | None:
    """Stops laid through the rows; ``None`` where there are too few rows for any."""
    from lotwise.analysis import gaps

    if len(rows) < 2:
        return None
    times = rows["time_ns"]
    step = int(times.diff().drop_nulls().median() or 0)  # type: ignore[arg-type]
    numbers: dict[str, Any] = {
        "distance_ticks": distance_ticks * contract.scales.tick_size8,
        "side": side,
        "hole_ns": 0 if contract.clearing else max(HOLE_NS, 2 * step),
    }
    columns = [rows[name].to_numpy() for name in rows.columns]
    return gaps.of_trades(*columns, **numbers) if len(columns) == 2 else gaps.of_bars(*columns, **numbers)


def _answer(
    contract: Contract, found: Gaps, *, share: Rate8, place: Store, middle8: int, average8: int
) -> MeasuredSlippage:
    from lotwise.market.check import at_time

    tick8 = contract.scales.tick_size8
    # a part of a tick beyond the stop is a tick lost: data of a finer tick than the contract has now
    ticks, most = (-(-found.quantile(share, most=worst) // tick8) for worst in (False, True))
    warnings = []
    if found.source == "bars":
        warnings.append(
            f"bars bound slippage from below: a fill within a bar may be worse, at most {most:,} ticks"
            " at the same quantile; import trades to measure it"
        )
    entry8 = average8 * tick8 // SCALE
    if abs(entry8 - middle8) * FAR > entry8:
        middle = contract.price_text(middle8 // tick8)
        warnings.append(
            f"the data's middle price is {middle}, the entry {contract.price_text(average8 // SCALE)}:"
            " ticks then are another share of the price"
        )
    return MeasuredSlippage(
        contract=contract.id,
        side=ask.side_text(found.side),
        slippage=f"{ticks}t",
        ticks=ticks,
        quantile=percent_text(share),
        most_ticks=most,
        stops=len(found),
        moments=found.moments,
        stop_distance_ticks=found.distance_ticks // tick8,
        source=found.source,
        rows=found.rows,
        first=at_time(found.first_ns),
        last=at_time(found.last_ns),
        store=str(place.root),
        warnings=warnings,
    )
