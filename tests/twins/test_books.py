"""Money: wallets, fees, funding, insurance, positions, the outside: zero together after every event."""

from __future__ import annotations

from lotwise.kernel import machine
from lotwise.kernel import state as s
from tests.laws import bulk
from tests.twins.histories import History
from tests.twins.venue_twin import BOOKS

EVENTS = 300
HISTORIES = 2_000 if bulk.PROOF else 500
LAW = "all books of an account together are zero after every event"


def assert_books(state: s.State, where: str) -> None:
    """All books together are zero, those of positions are what is held, and the slots end where they say."""
    account = state.account[0]
    books = sum(getattr(account, f"{name}_cash") for name in BOOKS)
    assert books + sum(market.isolated_cash for market in state.markets) == 0, where
    held = sum((1 if market.lots > 0 else -1) * market.entry_cash for market in state.markets)
    assert account.positions_cash == -held, where
    used = [i for i, order in enumerate(state.orders) if order.status]
    assert account.end_slot == max(used, default=-1) + 1, where


@bulk.every_shard
def test_books_are_zero_after_every_event(shard: int, law_cases: int) -> None:
    seeds = bulk.numbers_of(shard, max(bulk.SHARDS, min(HISTORIES, law_cases // 20)))
    moved = 0
    for seed in seeds:
        history = History(seed)
        state = history.begin()
        for number in range(EVENTS):
            before = state.account[0].fees_cash
            machine.step(state, [history.next(state)])
            assert_books(state, f"seed {seed}, event {number}")
            moved += state.account[0].fees_cash != before
    assert moved > 5 * len(seeds), "hardly any event moved money"
    bulk.record(LAW, len(seeds) * EVENTS)
