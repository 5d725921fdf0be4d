"""Which rows of a scan are shown, in which order, and what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from lotwise.contracts.contract import Contract
from lotwise.kernel.layout import RATE
from lotwise.records.scan import Quote, ScanRow
from lotwise.sizing.listing import DOLLARS
from lotwise.sizing.scan_row import NO_FEES
from lotwise.units import Number, parse_rate, parse_scaled


def _number(text: str | None, absent: int) -> int:
    return absent if text is None else parse_scaled(text, "figure")


_LAST: Final = 10**30


def _sorted_by(name: str, sign: int = 1) -> Callable[[ScanRow], tuple[Any, ...]]:
    def key(row: ScanRow) -> tuple[Any, ...]:
        text = getattr(row, name)
        return (
            not row.fits,
            row.price is None,
            _LAST if text is None else sign * _number(text, 0),
            row.contract,
        )

    return key


SORTS: Final[dict[str, Callable[[ScanRow], tuple[Any, ...]]]] = {
    "waste": _sorted_by("waste"),
    "costs": _sorted_by("costs_of_budget"),
    "leverage": _sorted_by("leverage"),
    "liquidation": _sorted_by("liquidation_distance", -1),
    "notional": _sorted_by("notional"),
    "spread": _sorted_by("spread"),
    "volume": _sorted_by("volume", -1),
    "name": lambda row: (row.base, row.contract),
}
"""How rows may be ordered; those that fit come first, but by name."""


def screens_of(
    max_spread: Number | None,
    min_volume: Number | None,
    min_open_interest: Number | None,
    max_funding: Number | None,
) -> Callable[[Quote | None], bool]:
    """Whether a quote passes; a figure that is screened and unknown does not."""
    widest = None if max_spread is None else parse_rate(max_spread, "max_spread")
    highest = None if max_funding is None else parse_rate(max_funding, "max_funding")
    least = {
        name: parse_scaled(value, name)
        for name, value in (("volume", min_volume), ("open_interest", min_open_interest))
        if value is not None
    }

    def passes(quote: Quote | None) -> bool:
        if quote is None:
            return widest is None and highest is None and not least
        if widest is not None and (
            quote.spread is None
            or parse_scaled(quote.spread, "spread") * RATE > widest * parse_scaled(quote.price, "price")
        ):
            return False
        if highest is not None and (
            quote.funding_rate is None or abs(parse_rate(quote.funding_rate, "funding_rate")) > highest
        ):
            return False
        return all(_number(getattr(quote, name), -1) >= floor for name, floor in least.items())

    return passes


def notes_of(contracts: Iterable[Contract], rows: Sequence[ScanRow], *, held: bool = False) -> list[str]:
    """What the figures rest on."""
    found = []
    dated = sorted({f"{row.price_at} ({row.price_source})" for row in rows if row.price_at})
    if dated:
        more = f" and {len(dated) - 3} more" if len(dated) > 3 else ""
        found.append(f"prices of {'; '.join(dated[:3])}{more}")
    settles = {contract.settle for contract in contracts}
    if len(settles & DOLLARS) > 1:
        found.append("USDT, USDC and USD are counted one for one")
    if any(contract.is_inverse for contract in contracts):
        found.append("inverse contracts: the money is counted as the coins it buys at the price")
    if held:
        found.append("funding is counted only where the rate and its interval are known")
    if any(row.reason == NO_FEES for row in rows):
        found.append("contracts without known fees are not sized")
    return found
