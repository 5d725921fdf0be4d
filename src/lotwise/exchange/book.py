"""The ladder: a book about the best bid and ask, the same for the same quote, wherever it is asked for.

A named model, not a recording: behind the best prices stand levels on a grid of prices; what rests at a price
is drawn from the seed, the contract, the side and the price alone, so a level keeps its size while the best
prices move. Orders of accounts are added to it where they rest. Orders fill by the kernel at the best price;
the ladder is what clients see behind it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

LEVELS: Final = 100
"""Of each side."""
GRID_SHARE: Final = 100_000
"""The grid has a price every so-many-th part of the first price, at least every tick."""
USUAL_CASH: Final = 4_000 * 10**8
"""Worth of a usual level in 1e-8."""
_MASK: Final = 2**64 - 1


class Ladder(NamedTuple):
    """Both sides: lots by price in ticks, the best price first."""

    bids: dict[int, int]
    asks: dict[int, int]


NO_LADDER: Final = Ladder({}, {})


class Own(NamedTuple):
    """Orders of the accounts: lots by price in ticks, in no order."""

    bids: dict[int, int]
    asks: dict[int, int]


class LadderModel:
    """The model of one contract."""

    def __init__(self, seed: int, contract: int, first_ticks: int, cash_per_tick_lot: int) -> None:
        self._salt = drawn(seed * 1_000_003 + contract)
        self.grid = max(1, first_ticks // GRID_SHARE)
        self.usual_lots = max(1, USUAL_CASH // max(1, first_ticks * cash_per_tick_lot))

    def resting(self, side: int, price_ticks: int) -> int:
        """Lots at a price of the grid: a fifth to three times the usual."""
        draw = drawn(self._salt ^ (price_ticks * 2 + (side > 0)))
        return 1 + self.usual_lots * (200 + draw % 3_000) // 1024

    def ladder(self, quote: tuple[int, int, int, int]) -> Ladder:
        """The book of a quote: bid and its lots, ask and its lots."""
        bid, bid_lots, ask, ask_lots = quote
        return Ladder(self._side(1, bid, bid_lots), self._side(-1, ask, ask_lots))

    def _side(self, side: int, best: int, lots: int) -> dict[int, int]:
        if best <= 0:
            return {}
        found = {best: max(1, lots)}
        price = (best - 1) // self.grid * self.grid if side > 0 else (best // self.grid + 1) * self.grid
        while len(found) < LEVELS and price > 0:
            found[price] = self.resting(side, price)
            price -= side * self.grid
        return found


def with_own(book: Ladder, own: Own) -> Ladder:
    """The book and the accounts' orders in it.

    What would cross is not shown: accounts do not trade with each other, so one's bid may stand at another's
    ask. Bids go before asks.
    """
    best_ask = min(book.asks, default=0)
    bids = {price: lots for price, lots in own.bids.items() if not best_ask or price < best_ask}
    best_bid = max((*book.bids, *bids), default=0)
    asks = {price: lots for price, lots in own.asks.items() if price > best_bid}
    return Ladder(_joined(book.bids, bids, down=True), _joined(book.asks, asks, down=False))


def _joined(levels: dict[int, int], own: dict[int, int], *, down: bool) -> dict[int, int]:
    prices = sorted({*levels, *own}, reverse=down)
    return {price: levels.get(price, 0) + own.get(price, 0) for price in prices}


def drawn(number: int) -> int:
    """64 bits drawn from a number: splitmix64. Source: Steele, Lea and Flood, OOPSLA 2014."""
    mixed = (number * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


def changes(old: dict[int, int], new: dict[int, int]) -> dict[int, int]:
    """Levels that differ, with their new lots; 0 where one is gone."""
    found = {price: lots for price, lots in new.items() if old.get(price) != lots}
    found.update((price, 0) for price in old if price not in new)
    return found
