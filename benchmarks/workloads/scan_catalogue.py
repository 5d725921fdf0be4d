"""``lotwise.scan`` over the whole catalogue with a price for every contract: compiled, the kernel
alone, and as plain Python."""

from __future__ import annotations

from typing import Any

from benchmarks.draws import Draws
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise import Quote, ScanAnswer, scan
from lotwise.sizing.listing import Listing, arrays_of, listing_of, quote_of
from lotwise.sizing.scan import read_setup
from lotwise.units import parse_rate, scaled_text

DAY = "2026-09-01"
SEED = 20_260_901
SETUPS: tuple[dict[str, Any], ...] = (
    {"equity": "500", "risk": "1%", "stop": "2%", "side": "long"},
    {"equity": "200", "risk": "2", "stop": "0.5%", "side": "short", "entry_as": "maker"},
    {"equity": "5000", "risk": "1%", "stop": "1.5atr", "side": "long", "spread": "2bp", "slippage": "2bp"},
    {"equity": "5000", "risk": "2%", "stop": "4%", "side": "short", "hold_hours": "24", "max_leverage": "3"},
)
FIGURES = ("lots", "notional", "loss_at_stop", "costs", "leverage", "initial_margin", "liquidation_price")
NONE = -1
"""Stands for a figure that a row does not have."""


def prices() -> tuple[Listing, dict[str, Quote]]:
    """The catalogue of a day, and a seeded price, spread, range and funding rate for each contract."""
    listing = listing_of(DAY)
    draws = Draws(SEED, len(listing.contracts))
    columns = (
        *(draws.magnitude(500, 500_000).tolist(), draws.whole(0, 3).tolist()),
        *(draws.whole(50, 500).tolist(), draws.whole(-20_000, 40_000).tolist()),
    )
    quotes = {}
    for contract, ticks, spread, per_mille, rate8 in zip(listing.contracts, *columns, strict=True):
        tick8 = contract.scales.tick_size8
        quotes[contract.id.upper()] = Quote(
            price=scaled_text(ticks * tick8),
            at=DAY,
            source="drawn",
            spread=scaled_text(spread * tick8),
            funding_rate=scaled_text(rate8),
            atr=scaled_text(ticks * tick8 * per_mille // 10_000),
        )
    return listing, quotes


def numbers(found: ScanAnswer) -> list[int]:
    """The figures of every row, and why where there are none."""
    listed: list[int] = []
    for row in found.rows:
        listed.append(sum(map(ord, row.reason or "")))
        for name in FIGURES:
            value = getattr(row, name)
            listed.append(NONE if value is None else parse_rate(value, name))
    return listed


def by_python(count: int) -> list[int]:
    """The answers to so many setups, interpreted."""
    _, quotes = prices()
    return [
        number
        for setup in SETUPS[:count]
        for number in numbers(scan(quotes=quotes, as_of=DAY, sort="name", compiled=False, **setup))
    ]


def measure(count: int) -> Outcome:
    """Milliseconds a scan, once the contracts are read and the rules compiled."""
    from lotwise.kernel.scan import scan_all

    listing, quotes = prices()
    setup = SETUPS[0]
    compiling = seconds(lambda: scan(quotes=quotes, as_of=DAY, **setup))
    whole = least_seconds(lambda: scan(quotes=quotes, as_of=DAY, **setup), 9)
    given = [quote_of(contract, quotes) for contract in listing.contracts]
    words = {"entry_as": "taker", "spread": "0%", "slippage": "0%", "hold_hours": "0", "max_leverage": None}
    words |= {"liquidation_multiple": "1.5", "max_margin": "100%"}
    arrays = arrays_of(listing, read_setup(**(words | setup)), given)
    alone = least_seconds(lambda: scan_all.compiled(*arrays), 25)
    plain = least_seconds(lambda: scan(quotes=quotes, as_of=DAY, compiled=False, **setup), 3)
    answers = [scan(quotes=quotes, as_of=DAY, sort="name", **setup) for setup in SETUPS[:count]]
    return Outcome(
        figures={
            "lotwise.scan, compiled": whole * 1e3,
            "the kernel alone": alone * 1e3,
            "lotwise.scan, interpreted": plain * 1e3,
        },
        results=[number for found in answers for number in numbers(found)],
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="scan_catalogue",
    about="one setup asked of every contract of the catalogue, each with a price, one core",
    figures=(
        Figure("lotwise.scan, compiled", "ms", 120),
        Figure("the kernel alone", "ms"),
        Figure("lotwise.scan, interpreted", "ms"),
    ),
    measure=measure,
    bodies={"interpreted": by_python},
    small=1,
    full=len(SETUPS),
)
