"""However many orders there were, what is kept is bounded: tables by count, the process by its memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lotwise.exchange import records
from lotwise.exchange.account import SLOTS
from lotwise.exchange.venue import Venue
from lotwise.kernel import state as k
from lotwise.units import Cash
from tests.exchange.in_process import CHOICE

IS_PROOF = os.environ.get("LOTWISE_PROFILE") == "proof"
ORDERS = 1_000_000 if IS_PROOF else 12_000
KEPT = records.MOST_ENDED if IS_PROOF else 400
"""In the short run the bounds are made smaller, so that it reaches them many times as well."""
GROUP = 20
MOST_GROWTH_KB = 20_000


def memory_kb() -> int:
    """Resident memory of this process; 0 where the system does not tell."""
    place = Path("/proc/self/statm")
    if not place.is_file():
        return 0
    return int(place.read_text("ascii").split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)


def order(number: int, last: int) -> k.EventRow:
    """By turns a fill, an order that finds nobody, one that rests, and the end of that one."""
    side = 1 if number % 8 < 4 else -1
    if number % 4 == 0:
        return k.EventRow(kind=k.PLACE, order_kind=k.MARKET, side=side, lots=2, tif=k.IOC)
    price = last - side * last // 50
    tif = k.IOC if number % 4 == 1 else k.GTC
    return k.EventRow(kind=k.PLACE, order_kind=k.LIMIT, side=side, lots=2, price_ticks=price, tif=tif)


def test_orders_without_end_leave_no_more_than_the_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MOST_ENDED", KEPT)
    venue = Venue(CHOICE, tmp_path)
    account = venue.open_account("me", Cash(10**6 * 10**8))
    venue.settle = lambda: None  # committed in groups below, as a server does
    last = venue.market.tapes[0].last_ticks
    realised, told = 0, 0
    half = most_orders = most_fills = most_incomes = snapshots = 0
    for number in range(ORDERS):
        if number % 4 == 3:
            event = k.EventRow(kind=k.CANCEL, order_id=next(reversed(account.diary.orders)))
        else:
            event = order(number, last)
        assert venue.act(account, event, f"n{number}")[0] == 0
        if number % GROUP == GROUP - 1:
            venue.commit()
            if venue.is_snapshot_due:
                venue.keep()
                snapshots += 1
        diary = account.diary
        new = [fill for fill in diary.fills[-4:] if fill.id > told]
        realised, told = realised + sum(fill.realised_cash for fill in new), diary.next_fill - 1
        most_orders, most_fills = max(most_orders, len(diary.orders)), max(most_fills, len(diary.fills))
        most_incomes = max(most_incomes, len(diary.incomes))
        if number == ORDERS // 2:
            half = memory_kb()
    assert KEPT < most_orders <= 2 * KEPT + SLOTS
    assert 2 * KEPT < most_fills <= 4 * KEPT + 1
    assert 2 * KEPT < most_incomes <= 4 * KEPT + 4
    assert account.diary.realised_cash[0] == realised != 0  # of fills that were dropped, too
    assert len(account.clients) <= SLOTS
    assert not venue.is_pending
    assert not venue._after
    assert snapshots >= ORDERS // 20_000
    growth = memory_kb() - half
    print(f"{ORDERS:,} orders: {growth} KiB more than after half of them")
    assert growth < MOST_GROWTH_KB
    kept = account.saved()
    venue.close()
    again = Venue(CHOICE, tmp_path)
    assert again.accounts[1].saved() == kept
    again.close()
