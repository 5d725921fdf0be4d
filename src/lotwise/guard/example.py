"""The example of a rule: plain words from which its page and its test build one real case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Words = Mapping[str, str | int]
NONE: Words = {}


class Example(NamedTuple):
    """What differs from the usual case: 1,000 USDT, nothing open, BTCUSDT long at 65,000, stop 63,700.

    Names are those of the facts, values as a person writes them: ``{"spread_ticks": "26.0"}`` is a
    distance of prices, ``{"equity_cash": "970"}`` money, ``{"seen_ns": "2026-12-10T12:00Z"}`` an instant.
    """

    book: Mapping[str, object] = NONE
    """``[guard]`` as TOML gives it."""
    order: Words = NONE
    account: Words = NONE
    usage: Words = NONE
    market: Words = NONE
    positions: tuple[Words, ...] = ()
