"""The venues whose facts can be rebuilt."""

from __future__ import annotations

from typing import Final

from lotwise.contracts.refresh import binance, bingx, bybit, mexc, weex
from lotwise.contracts.refresh.reader import VenueReader

READERS: Final[dict[str, VenueReader]] = {
    "binance": binance.LINEAR,
    "binance-coinm": binance.INVERSE,
    "bybit": bybit.LINEAR,
    "bybit-inverse": bybit.INVERSE,
    "bingx": bingx.READER,
    "mexc": mexc.READER,
    "weex": weex.READER,
}
"""Venue to its reader."""
