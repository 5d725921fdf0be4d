"""How many units are in one contract, what it settles in: from the catalogue, or as the user says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lotwise.errors import InputError, LotwiseError
from lotwise.units import SCALE, parse_scaled

INVERSE_VENUES: Final = {"binance": "binance-coinm", "bybit": "bybit-inverse"}
"""Where the catalogue keeps the coin-margined contracts of a venue."""
QUOTES: Final = ("USDT", "USDC", "FDUSD", "BUSD", "USD")


@dataclass(frozen=True)
class Fact:
    """What a fill needs to know of its contract."""

    multiplier8: int
    is_inverse: bool
    coin: str


class Facts:
    """Contracts by venue and symbol.

    Parameters
    ----------
    sizes
        What the user says: symbol to units per contract, as text; before what the catalogue says.
    """

    def __init__(self, sizes: Mapping[str, str] | None = None) -> None:
        self._sizes = dict(sizes or {})
        self._known: dict[tuple[str, str], Fact] = {}

    def of(self, venue: str, symbol: str, fee_coin: str = "", *, place: str = "") -> Fact:
        """The fact of a contract.

        Raises
        ------
        InputError
            JOURNAL-114 a contract that nobody knows, with the place where it was met.
        """
        key = (venue, symbol)
        if key not in self._known:
            if symbol in self._sizes:
                self._known[key] = self._own(symbol, fee_coin)
            else:
                self._known[key] = self._listed(venue, symbol, place)
        return self._known[key]

    def _own(self, symbol: str, fee_coin: str) -> Fact:
        size8 = parse_scaled(self._sizes[symbol], f"the size of {symbol}")
        if size8 <= 0:
            raise InputError(
                "JOURNAL-114",
                f"the size of {symbol} is {self._sizes[symbol]}",
                "give the coins in one contract",
            )
        plain = symbol.upper().replace("-", "").replace("_", "")
        coin = next((quote for quote in QUOTES if plain.endswith(quote)), fee_coin or "USDT")
        return Fact(size8, False, coin)

    def _listed(self, venue: str, symbol: str, place: str) -> Fact:
        from lotwise.contracts import catalogue

        for name in (venue, INVERSE_VENUES.get(venue, "")):
            try:
                contract = catalogue.load(f"{name}:{symbol}") if name and symbol else None
            except LotwiseError:
                continue
            if contract is not None:
                size8 = parse_scaled(contract.contract_size, "contract size")
                return Fact(size8 or SCALE, contract.is_inverse, contract.settle)
        raise InputError(
            "JOURNAL-114",
            f"{place}: the contract {symbol!r} of {venue} is not known",
            f"say how many coins are in one: --size {symbol or 'SYMBOL'}=1, or lotwise contracts refresh",
        )
