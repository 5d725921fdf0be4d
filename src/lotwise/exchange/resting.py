"""Orders of the accounts in the book that clients see: what rests is added to the ladder's levels.

For looking only: the kernel fills each account against the market, never one account against another. So the
best bid and ask stay the market's, which is what a taker pays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from lotwise.exchange.account import Account
from lotwise.exchange.book import Own
from lotwise.exchange.venue import Told, Venue
from lotwise.kernel.state import WORKING

Place = tuple[int, int, int]
"""Contract, side and price in ticks."""
NOTHING: Final[Counter[Place]] = Counter()


class Resting:
    """Keeps every tape's own levels as the accounts' orders are; told of it before the streams are."""

    def __init__(self, venue: Venue) -> None:
        self._tapes = venue.market.tapes
        self._of: dict[int, Counter[Place]] = {}
        for account in venue.accounts.values():
            self._look(account)
        venue.watchers.insert(0, self.told)

    def told(self, told: Sequence[Told]) -> None:
        """Accounts whose orders may have changed are looked at."""
        seen = {one.account.number: one.account for one in told}
        for account in seen.values():
            self._look(account)

    def _look(self, account: Account) -> None:
        new: Counter[Place] = Counter()
        state = account.state
        for order in state.orders[: state.account[0].end_slot]:
            if order.status == WORKING:
                new[order.contract, order.side, order.price_ticks] += order.lots - order.filled_lots
        old = self._of.get(account.number, NOTHING)
        if new == old:
            return
        self._of[account.number] = new
        moved = set()
        for place in {*new, *old}:
            c, side, price = place
            if more := new[place] - old[place]:
                own: Own = self._tapes[c].own
                levels = own.bids if side > 0 else own.asks
                levels[price] = levels.get(price, 0) + more
                if not levels[price]:
                    del levels[price]
                moved.add(c)
        for c in moved:
            self._tapes[c].updates += 1
