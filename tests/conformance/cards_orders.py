"""Cards of orders: sent, read back, refused, filled, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lotwise.broker.venue import OrderRefused
from lotwise.errors import LotwiseError
from tests.conformance.bench import (
    BTC,
    ETH,
    Bench,
    buy,
    held,
    last,
    sell,
    standing,
    step_until,
    wanted,
    whole,
)

Card = Callable[[Bench], Any]
CARDS: dict[str, Card] = {}


def card(function: Card) -> Card:
    """Enter a card under its number: the name of the function up to the first underscore."""
    number = function.__name__.partition("_")[0].upper()
    assert CARDS.get(number, function).__name__ == function.__name__, number
    CARDS[number] = function
    return function


def refused(bench: Bench, order: Any, code: str) -> str:
    """The venue says no with its code, and nothing changed."""
    before = whole(bench)
    with pytest.raises(OrderRefused) as caught:
        bench.port.place(order)
    assert caught.value.venue_code == code, caught.value
    after = whole(bench)
    assert after == before
    return caught.value.venue_code


@card
def c01_a_market_buy_fills_at_once(bench: Bench) -> Any:
    ask = bench.port.market(BTC).ask_ticks
    order = buy(bench, 5)
    assert (order.state, order.filled_lots, order.kind, order.side) == ("filled", 5, "market", 1)
    assert order.average_price8 == ask * 10**7
    assert held(bench) == 5
    return [order, whole(bench)]


@card
def c02_a_market_sell_goes_short(bench: Bench) -> Any:
    order = sell(bench, 5)
    assert (order.state, order.filled_lots, order.side, held(bench)) == ("filled", 5, -1, -5)
    return [order, whole(bench)]


@card
def c03_a_limit_order_rests_and_is_read_back(bench: Bench) -> Any:
    price = last(bench) - 20_000
    order = bench.port.place(wanted("limit", 1, 7, "rests", price_ticks=price))
    assert (order.state, order.filled_lots, order.price_ticks, order.lots) == ("open", 0, price, 7)
    assert not order.is_reduce_only
    assert [one.client_id for one in bench.port.orders(BTC)] == ["rests"]
    return [order, whole(bench)]


@card
def c04_a_limit_order_across_the_book_takes(bench: Bench) -> Any:
    ask = bench.port.market(BTC).ask_ticks
    order = bench.port.place(wanted("limit", 1, 4, "takes", price_ticks=ask + 50))
    fills = bench.port.fills(BTC, 0)
    assert (order.state, order.filled_lots) == ("filled", 4)
    assert order.average_price8 == ask * 10**7  # at the touch, not at its limit
    assert [fill.maker for fill in fills] == [0]
    return [order, fills]


@card
def c05_a_post_only_order_fills_as_maker(bench: Bench) -> Any:
    bid = bench.port.market(BTC).bid_ticks
    order = bench.port.place(wanted("limit", 1, 4, "post", price_ticks=bid, is_post_only=True))
    assert order.state == "open"
    step_until(bench, lambda: standing(bench, "post").state == "filled")
    fills = bench.port.fills(BTC, 0)
    assert all(fill.maker == 1 and fill.price8 == bid * 10**7 for fill in fills)
    assert held(bench) == 4
    return [standing(bench, "post"), fills]


@card
def c06_post_only_across_the_book_is_refused(bench: Bench) -> Any:
    ask = bench.port.market(BTC).ask_ticks
    order = wanted("limit", 1, 4, "post", price_ticks=ask, is_post_only=True)
    return refused(bench, order, "-5022")


@card
def c07_a_stop_waits_and_is_read_back(bench: Bench) -> Any:
    buy(bench)
    trigger = last(bench) - 9_000
    order = bench.port.place(wanted("stop", -1, 10, "stop", trigger_ticks=trigger, is_reduce_only=True))
    assert (order.kind, order.state, order.trigger_ticks, order.lots) == ("stop", "open", trigger, 10)
    assert order.is_reduce_only
    assert not order.by_mark
    return [order, whole(bench)]


@card
def c08_a_stop_by_the_mark_says_so(bench: Bench) -> Any:
    buy(bench)
    order = bench.port.place(
        wanted("stop", -1, 10, "stop", trigger_ticks=last(bench) - 9_000, by_mark=True, is_reduce_only=True)
    )
    assert order.by_mark
    return order


@card
def c09_a_target_waits_and_is_read_back(bench: Bench) -> Any:
    sell(bench)
    trigger = last(bench) - 9_000
    order = bench.port.place(wanted("target", 1, 10, "target", trigger_ticks=trigger, is_reduce_only=True))
    assert (order.kind, order.state, order.trigger_ticks, order.side) == ("target", "open", trigger, 1)
    return [order, whole(bench)]


@card
def c10_an_open_order_is_found_by_its_client_id(bench: Bench) -> Any:
    placed = bench.port.place(wanted("limit", 1, 3, "mine.1", price_ticks=last(bench) - 9_000))
    found = standing(bench, "mine.1")
    assert found == placed
    return found


@card
def c11_a_waiting_order_is_found_by_its_client_id(bench: Bench) -> Any:
    buy(bench)
    placed = bench.port.place(
        wanted("stop", -1, 10, "mine.2", trigger_ticks=last(bench) - 9_000, is_reduce_only=True)
    )
    found = standing(bench, "mine.2")
    assert found == placed
    return found


@card
def c12_a_filled_order_is_found_by_its_client_id(bench: Bench) -> Any:
    buy(bench, 3, "done")
    bench.step(50)
    found = standing(bench, "done")
    assert (found.state, found.filled_lots) == ("filled", 3)
    return found


@card
def c13_a_cancelled_order_is_found_by_its_client_id(bench: Bench) -> Any:
    placed = bench.port.place(wanted("limit", 1, 3, "gone", price_ticks=last(bench) - 9_000))
    bench.port.cancel(placed)
    found = standing(bench, "gone")
    assert (found.state, found.filled_lots) == ("cancelled", 0)
    return found


@card
def c14_a_cancelled_stop_is_found_by_its_client_id(bench: Bench) -> Any:
    buy(bench)
    placed = bench.port.place(
        wanted("stop", -1, 10, "gone", trigger_ticks=last(bench) - 9_000, is_reduce_only=True)
    )
    bench.port.cancel(placed)
    found = standing(bench, "gone")
    assert (found.state, found.kind) == ("cancelled", "stop")
    return found


@card
def c15_an_unknown_client_id_is_none(bench: Bench) -> Any:
    buy(bench, 3, "other")
    assert bench.port.order(BTC, "never-sent") is None
    assert bench.port.order(ETH, "other") is None  # of another contract
    return None


@card
def c16_a_resting_order_is_cancelled(bench: Bench) -> Any:
    placed = bench.port.place(wanted("limit", -1, 3, "off", price_ticks=last(bench) + 9_000))
    free = bench.port.balance("USDT").free_cash
    ended = bench.port.cancel(placed)
    assert ended.state == "cancelled"
    assert bench.port.orders() == []
    assert bench.port.balance("USDT").free_cash > free
    return [ended, whole(bench)]


@card
def c17_a_stop_is_cancelled(bench: Bench) -> Any:
    buy(bench)
    stop = wanted("stop", -1, 10, "off", trigger_ticks=last(bench) - 9_000, is_reduce_only=True)
    ended = bench.port.cancel(bench.port.place(stop))
    assert ended.state == "cancelled"
    assert bench.port.orders() == []
    return [ended, whole(bench)]


@card
def c18_cancelling_a_filled_order_tells_that_it_filled(bench: Bench) -> Any:
    bid = bench.port.market(BTC).bid_ticks
    placed = bench.port.place(wanted("limit", 1, 3, "late", price_ticks=bid))
    step_until(bench, lambda: held(bench) == 3)
    ended = bench.port.cancel(placed)
    assert (ended.state, ended.filled_lots) == ("filled", 3)
    return ended


@card
def c19_cancelling_twice_is_cancelling_once(bench: Bench) -> Any:
    placed = bench.port.place(wanted("limit", 1, 3, "twice", price_ticks=last(bench) - 9_000))
    first = bench.port.cancel(placed)
    second = bench.port.cancel(placed)
    assert first.state == second.state == "cancelled"
    return [first, second]


@card
def c20_cancelling_a_stop_that_was_hit_tells_that_it_filled(bench: Bench) -> Any:
    buy(bench)
    placed = bench.port.place(
        wanted("stop", -1, 10, "hit", trigger_ticks=last(bench) - 100, is_reduce_only=True)
    )
    step_until(bench, lambda: held(bench) == 0)
    ended = bench.port.cancel(placed)
    assert (ended.state, ended.filled_lots) == ("filled", 10)
    return ended


@card
def c21_a_second_order_of_a_client_id_is_refused(bench: Bench) -> Any:
    order = wanted("limit", 1, 3, "same", price_ticks=last(bench) - 9_000)
    bench.port.place(order)
    told = refused(bench, order, "-4116")
    assert len(bench.port.orders()) == 1
    return told


@card
def c22_a_stop_with_the_client_id_of_another_order_is_refused(bench: Bench) -> Any:
    buy(bench)
    bench.port.place(wanted("limit", 1, 3, "same", price_ticks=last(bench) - 9_000))
    stop = wanted("stop", -1, 10, "same", trigger_ticks=last(bench) - 9_000, is_reduce_only=True)
    return refused(bench, stop, "-4116")


@card
def c23_an_order_is_filled_in_part(bench: Bench) -> Any:
    order = partly_filled(bench)
    assert order.state == "open"
    assert 0 < order.filled_lots < order.lots
    assert held(bench) == order.filled_lots
    assert order.left_lots == order.lots - held(bench)
    return [order, whole(bench), bench.port.fills(BTC, 0)]


def partly_filled(bench: Bench) -> Any:
    """A buy at the best bid of which a trade there takes a part; the price of the market moves on fast."""
    for attempt in range(200):
        bid, name = bench.port.market(BTC).bid_ticks, f"large{attempt}"
        placed = bench.port.place(wanted("limit", 1, 80, name, price_ticks=bid, is_post_only=True))
        bench.step(2)
        order = standing(bench, name)
        if 0 < order.filled_lots < order.lots:
            return order
        if order.state == "open":
            bench.port.cancel(placed)
        elif held(bench):
            sell(bench, held(bench), f"out{attempt}")
    raise AssertionError("no trade took a part")


@card
def c24_the_rest_of_a_partial_fill_is_cancelled(bench: Bench) -> Any:
    order = partly_filled(bench)
    ended = bench.port.cancel(order)
    assert (ended.state, ended.filled_lots) == ("cancelled", order.filled_lots)
    assert held(bench) == ended.filled_lots
    assert bench.port.orders() == []
    return [ended, whole(bench)]


@card
def c25_reduce_only_without_a_position_is_refused(bench: Bench) -> Any:
    told = [refused(bench, wanted("market", -1, 3, "none", is_reduce_only=True), "-2022")]
    buy(bench)  # and with one on the same side
    told.append(refused(bench, wanted("market", 1, 3, "more", is_reduce_only=True), "-2022"))
    return told


@card
def c26_reduce_only_beyond_the_position_closes_it_and_no_more(bench: Bench) -> Any:
    buy(bench, 4)
    order = bench.port.place(wanted("market", -1, 9, "out", is_reduce_only=True))
    assert order.filled_lots == 4
    assert order.state in ("expired", "cancelled")  # of the five that it could not fill
    assert held(bench) == 0
    return [order, whole(bench)]


@card
def c27_a_reduce_only_order_ends_with_its_position(bench: Bench) -> Any:
    buy(bench, 4)
    bench.port.place(wanted("limit", -1, 4, "far", price_ticks=last(bench) + 9_000, is_reduce_only=True))
    sell(bench, 4, "out")
    order = standing(bench, "far")
    assert (order.state, order.filled_lots, bench.port.orders()) == ("expired", 0, [])
    return [order, whole(bench)]


@card
def c28_a_stop_is_hit(bench: Bench) -> Any:
    buy(bench)
    trigger = last(bench) - 100
    bench.port.place(wanted("stop", -1, 10, "stop", trigger_ticks=trigger, is_reduce_only=True))
    step_until(bench, lambda: held(bench) == 0)
    order, fills = standing(bench, "stop"), bench.port.fills(BTC, 0)
    assert (order.state, order.filled_lots) == ("filled", 10)
    assert (fills[-1].side, fills[-1].maker) == (-1, 0)
    assert order.average_price8 == fills[-1].price8 <= trigger * 10**7
    return [became(order), fills, whole(bench)]


def became(order: Any) -> Any:
    """A triggered order: venues tell it as itself or as the order in the book that it became."""
    return (order.client_id, order.side, order.lots, order.filled_lots, order.state, order.average_price8)


@card
def c29_a_target_is_hit(bench: Bench) -> Any:
    sell(bench)
    trigger = last(bench) - 100
    bench.port.place(wanted("target", 1, 10, "target", trigger_ticks=trigger, is_reduce_only=True))
    step_until(bench, lambda: held(bench) == 0)
    order = standing(bench, "target")
    assert (order.state, order.filled_lots) == ("filled", 10)
    return [became(order), bench.port.fills(BTC, 0), whole(bench)]


@card
def c30_a_stop_on_the_wrong_side_is_refused(bench: Bench) -> Any:
    buy(bench)
    above = last(bench) + 500
    told = [refused(bench, wanted("stop", -1, 10, "a", trigger_ticks=above, is_reduce_only=True), "-2021")]
    below = last(bench) - 500
    told.append(refused(bench, wanted("stop", 1, 10, "b", trigger_ticks=below), "-2021"))
    return told


@card
def c31_a_target_on_the_wrong_side_is_refused(bench: Bench) -> Any:
    buy(bench)
    below = wanted("target", -1, 10, "a", trigger_ticks=last(bench) - 500, is_reduce_only=True)
    return refused(bench, below, "-2021")


@card
def c32_an_order_below_the_smallest_worth_is_refused(bench: Bench) -> Any:
    assert last(bench) * 10_000 < 100 * 10**8  # one lot is worth less than 100 USDT
    return refused(bench, wanted("market", 1, 1, "small"), "-4164")


@card
def c33_a_small_order_may_reduce(bench: Bench) -> Any:
    buy(bench, 3)
    order = bench.port.place(wanted("market", -1, 1, "small", is_reduce_only=True))
    assert (order.state, held(bench)) == ("filled", 2)
    return [order, whole(bench)]


@card
def c34_an_order_beyond_the_margin_is_refused(bench: Bench) -> Any:
    bench.port.prepare(BTC, 1_000, False)
    lots = 10 * bench.port.balance("USDT").free_cash // (last(bench) * 10_000) + 50
    return refused(bench, wanted("market", 1, lots, "much"), "-2019")


@card
def c35_an_order_beyond_the_largest_quantity_is_refused(bench: Bench) -> Any:
    return refused(bench, wanted("limit", 1, 10**7, "huge", price_ticks=last(bench) - 9_000), "-4005")


@card
def c36_a_buy_far_above_the_mark_is_refused(bench: Bench) -> Any:
    return refused(bench, wanted("limit", 1, 3, "up", price_ticks=last(bench) * 12 // 10), "-4016")


@card
def c37_a_sell_far_below_the_mark_is_refused(bench: Bench) -> Any:
    return refused(bench, wanted("limit", -1, 3, "down", price_ticks=last(bench) * 8 // 10), "-4024")


@card
def c38_all_open_orders_are_listed_whatever_their_kind(bench: Bench) -> Any:
    buy(bench)
    price = last(bench)
    orders = [
        wanted("limit", 1, 3, "limit", price_ticks=price - 9_000),
        wanted("limit", -1, 3, "exit", price_ticks=price + 9_000, is_reduce_only=True),
        wanted("stop", -1, 10, "stop", trigger_ticks=price - 9_000, is_reduce_only=True),
        wanted("target", -1, 10, "target", trigger_ticks=price + 9_000, is_reduce_only=True),
        wanted("limit", 1, 40, "eth", price_ticks=last(bench, ETH) - 5_000, contract_id=ETH),
    ]
    for order in orders:
        bench.port.place(order)
    by_name = {one.client_id: one for one in bench.port.orders()}
    assert set(by_name) == {"limit", "exit", "stop", "target", "eth"}
    assert {one.client_id for one in bench.port.orders(ETH)} == {"eth"}
    assert len(bench.port.orders(BTC)) == 4
    for name, found in by_name.items():
        assert found == standing(bench, name, found.contract_id)
    return [by_name[name] for name in sorted(by_name)]


@card
def c39_orders_made_by_hand_are_listed(bench: Bench) -> Any:
    buy(bench)
    trigger = last(bench) - 9_000
    bench.trailing_by_hand(-1, 10, 5_000_000)
    bench.close_by_hand(-1, trigger)
    found = sorted(bench.port.orders(BTC), key=lambda one: one.kind)
    assert [one.kind for one in found] == ["other", "stop"]
    assert found[0].is_reduce_only
    assert (found[1].closes_position, found[1].trigger_ticks) == (True, trigger)
    for one in found:
        bench.port.cancel(one)
    assert bench.port.orders() == []
    return [{"kind": one.kind, "side": one.side, "closes": one.closes_position} for one in found]


@card
def c40_a_contract_that_is_not_there_is_an_error(bench: Bench) -> Any:
    before = whole(bench)
    with pytest.raises(LotwiseError):
        bench.port.place(
            msgspec.structs.replace(wanted("market", 1, 3, "what"), contract_id="binance:NOSUCH")
        )
    assert whole(bench) == before
    return None


@card
def c41_a_session_that_starts_again_finds_everything(bench: Bench) -> Any:
    buy(bench)
    bench.port.place(wanted("stop", -1, 10, "stop", trigger_ticks=last(bench) - 9_000, is_reduce_only=True))
    bench.port.place(wanted("limit", 1, 3, "more", price_ticks=last(bench) - 9_000))
    before, fills = whole(bench), list(bench.port.fills(BTC, 0))
    bench.port = bench.again()
    assert whole(bench) == before
    assert list(bench.port.fills(BTC, 0)) == fills
    assert standing(bench, "entry").state == "filled"
    assert bench.port.cancel(standing(bench, "stop")).state == "cancelled"
    return before
