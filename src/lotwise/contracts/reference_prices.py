"""Dated prices to reckon with where no price was given: what an order of a contract is about worth.

They are old, and say so. Nothing is sized at them without the day beside it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from lotwise.contracts.facts_file import rows

PRICES: Final = "reference-prices"
"""Name of the fact file, without its ending."""

PRICE_COLUMNS: Final = ("symbol", "base", "quote", "price", "as_of")

_DOLLARS: Final = ("USDT", "USDC", "USD")
"""Quotes whose prices may stand in for each other, in the order they are looked for."""


class ReferencePrice(NamedTuple):
    """One price of a coin, as exact text."""

    price: str
    day: str
    """UTC day of the price."""
    source: str
    note: str
    """Which quote stands in for the one asked for; empty where it is the same."""


def reference_price(base: str, quote: str) -> ReferencePrice | None:
    """The newest known price of a coin; one in another dollar may stand in, and the note says so.

    >>> found = reference_price("BTC", "USD")
    >>> found.day, found.note
    ('2025-06-03', 'a price in USDT, taken for USD')
    >>> reference_price("NOTHING", "USDT")
    """
    coin, asked = base.upper(), quote.upper()
    others = [other for other in _DOLLARS if other != asked] if asked in _DOLLARS else []
    for told in (asked, *others):
        known = rows(PRICES, f"{coin}{told}")
        if known:
            row = known[-1]
            note = "" if told == asked else f"a price in {told}, taken for {asked}"
            return ReferencePrice(row.facts["price"], row.day, row.source.note(f"rows {row.day}"), note)
    return None
