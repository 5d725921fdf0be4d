"""The book that clients see: the kernel charges its best price, own orders are in it, it never crosses."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
ccxt = pytest.importorskip("ccxt")

from lotwise.exchange.book import Ladder, Own, with_own  # noqa: E402
from lotwise.exchange.market import MarketChoice  # noqa: E402
from lotwise.exchange.resting import Resting  # noqa: E402
from lotwise.exchange.venue import Venue  # noqa: E402
from lotwise.kernel import state as k  # noqa: E402
from lotwise.units import Cash  # noqa: E402
from tests.exchange.served import SYMBOL, Server, client  # noqa: E402

CHOICE = MarketChoice(days=1, history_ns=3_600 * 10**9, detail=4)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("exchange") / "state")
    found.account(deposit="1000000")
    yield found
    assert found.stop() == 0


def depth(server: Server) -> dict[str, list[tuple[Decimal, Decimal]]]:
    """The whole book, exact."""
    told = server.raw("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=500")[1]
    return {side: [(Decimal(p), Decimal(q)) for p, q in told[side]] for side in ("bids", "asks")}


def average(levels: list[tuple[Decimal, Decimal]], amount: Decimal) -> Decimal:
    """What walking the levels would cost."""
    left, paid = amount, Decimal(0)
    for price, there in levels:
        taken = min(left, there)
        paid, left = paid + taken * price, left - taken
        if not left:
            return paid / amount
    raise AssertionError("the book is not that deep")


def test_takers_pay_the_best_price_that_is_shown_and_larger_ones_less_than_the_ladder_says(
    server: Server,
) -> None:
    ex = client(server.port)
    worst = {Decimal("0.1"): Decimal(0), Decimal(5): Decimal(0)}
    for number in range(12):
        server.step(97)
        book, side = depth(server), ("buy", "sell")[number % 2]
        levels = book["asks" if side == "buy" else "bids"]
        small = min(levels[0][1], Decimal("0.05"))
        if small * levels[0][0] >= 100:
            made = ex.create_order(SYMBOL, "market", side, float(small))
            assert Decimal(made["info"]["avgPrice"]) == levels[0][0]
        for amount, most in worst.items():
            told = ex.create_order(SYMBOL, "market", side, float(amount))
            charged = Decimal(told["info"]["avgPrice"])
            assert charged == levels[0][0]
            more = (average(levels, amount) / charged - 1) * (1 if side == "buy" else -1) * 10_000
            assert more >= 0  # the ladder never promises better than what is charged
            worst[amount] = max(most, more)
    assert worst[Decimal("0.1")] < Decimal("0.5")  # basis points: 9,500 USDT, the largest account's trade
    assert worst[Decimal(5)] > Decimal("0.5")  # where the model flatters; docs/exchange.md says so


def test_own_orders_are_in_the_book_until_they_are_gone(server: Server) -> None:
    ex = client(server.port)
    before = depth(server)
    low, far = before["bids"][3][0], before["bids"][-1][0] - 100
    first = server.raw("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=5")[1]["lastUpdateId"]
    for price, amount in ((low, 0.5), (low, 0.25), (far, 0.125)):
        ex.create_order(SYMBOL, "limit", "buy", amount, float(price))
    shown = dict(depth(server)["bids"])
    assert shown[low] == dict(before["bids"])[low] + Decimal("0.75")
    assert shown[far] == Decimal("0.125")
    assert server.raw("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=5")[1]["lastUpdateId"] == first + 3
    ex.cancel_all_orders(SYMBOL)
    assert depth(server) == before


def test_orders_rest_behind_the_others_and_fill_when_their_turn_comes(server: Server) -> None:
    """The queue is the kernel's: who joins the best price stands behind the lots that are shown there."""
    ex = client(server.port)
    filled = 0
    for _ in range(40):
        best = depth(server)["bids"][0][0]
        order = ex.create_order(SYMBOL, "limit", "buy", 0.002, float(best), {"postOnly": True})
        assert order["filled"] == 0
        server.step(40)
        now = ex.fetch_order(order["id"], SYMBOL)
        if now["filled"]:
            fill = ex.fetch_my_trades(SYMBOL)[-1]
            assert (fill["takerOrMaker"], Decimal(str(fill["price"]))) == ("maker", best)
            filled += 1
        else:
            ex.cancel_order(order["id"], SYMBOL)
    assert 0 < filled < 40


def test_a_book_with_own_orders_never_crosses() -> None:
    book = Ladder({100: 5, 99: 1}, {103: 5, 104: 1})
    own = Own({101: 1, 102: 2, 100: 3, 105: 9, 90: 4}, {102: 7, 103: 8, 99: 9, 110: 6})
    made = with_own(book, own)
    assert made.bids == {102: 2, 101: 1, 100: 8, 99: 1, 90: 4}
    assert made.asks == {103: 13, 104: 1, 110: 6}
    assert list(made.bids) == sorted(made.bids, reverse=True)
    assert list(made.asks) == sorted(made.asks)


def test_own_levels_are_those_of_a_slow_count_after_every_part_and_a_restart(tmp_path: Path) -> None:
    from numpy.random import PCG64, Generator

    draws, venue = Generator(PCG64(3)), Venue(CHOICE, tmp_path)
    accounts = [venue.open_account(name, Cash(10**12)) for name in ("a", "b")]
    Resting(venue)
    tape, most = venue.market.tapes[0], 0
    for _ in range(120):
        account = accounts[int(draws.integers(2))]
        side = 1 if draws.integers(2) else -1
        price = tape.last_ticks - side * int(draws.integers(-20, 400))
        event = k.EventRow(kind=k.PLACE, order_kind=k.LIMIT, side=side, lots=3, price_ticks=price, tif=k.GTC)
        assert venue.act(account, event)[0] == 0
        venue.advance(venue.market.position + 30)
        slow: dict[Any, int] = {}
        for one in (o for a in accounts for o in a.diary.orders.values() if o.status == "working"):
            key = (one.side, one.price_ticks)
            slow[key] = slow.get(key, 0) + one.lots - one.filled_lots
        assert {(1, p): q for p, q in tape.own.bids.items()} | {
            (-1, p): q for p, q in tape.own.asks.items()
        } == slow
        most = max(most, len(slow))
        book = tape.ladder
        assert max(book.bids) < min(book.asks)
    assert most > 20
    venue.close()
    again = Venue(CHOICE, tmp_path)
    Resting(again)
    assert again.market.tapes[0].own == tape.own
    again.close()
