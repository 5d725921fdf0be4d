"""The venue in a box behind the port: its refusals, its two bodies, a liquidation told as a venue does."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from lotwise.broker.kernel_account import Assumptions
from lotwise.broker.kernel_venue import KernelVenue, liquidation8
from lotwise.broker.venue import OrderRefused
from lotwise.contracts.catalogue import load
from lotwise.errors import InputError, LotwiseError
from lotwise.kernel import state as k
from lotwise.kernel.snapshot import new_state
from lotwise.records.live import OrderWanted
from lotwise.units import Cash, Lots, Ticks

CASH = 10**8
BTC = load("binance:BTCUSDT")
PRICE = 950_000
SECOND_NS = 10**9


def venue(deposit: int = 1_000, is_compiled: bool = False, **assumed: Any) -> KernelVenue:
    """A small account."""
    return KernelVenue.opened(
        [BTC],
        Cash(deposit * CASH),
        Assumptions(**assumed),
        is_compiled=is_compiled,
        highest_ticks=[4 * PRICE],
    )


def trade(at: KernelVenue, price_ticks: int, lots: int = 50, seconds: int = 1) -> Any:
    """A trade of the market a second later."""
    time_ns = at.now_ns() + seconds * SECOND_NS
    return at.feed(k.EventRow(kind=k.TRADE, price_ticks=price_ticks, lots=lots, time_ns=time_ns))


def order(kind: Any, side: int, lots: int, client_id: str = "a", **more: Any) -> OrderWanted:
    """An order of BTC."""
    return OrderWanted(contract_id=BTC.id, client_id=client_id, kind=kind, side=side, lots=Lots(lots), **more)


def test_what_is_refused_says_so_and_changes_nothing() -> None:
    box = venue()
    with pytest.raises(OrderRefused, match="no price is known") as caught:
        box.market(BTC.id)
    assert (caught.value.code, caught.value.venue_code) == ("BROKER-191", "-1013")
    trade(box, PRICE)
    before = box.hash
    with pytest.raises(OrderRefused, match="NOSUCH") as caught:
        box.orders("binance:NOSUCH")
    assert caught.value.venue_code == "-1121"
    with pytest.raises(OrderRefused, match="900 lots") as caught:
        box.place(order("limit", 1, 900, price_ticks=Ticks(PRICE)))
    assert caught.value.venue_code == "-2019"
    assert caught.value.hint == "a smaller order, or more leverage"
    with pytest.raises(InputError, match="BROKER-193"):
        box.feed(k.EventRow(kind=k.TRADE, price_ticks=0, lots=1, time_ns=box.now_ns()))
    with pytest.raises(InputError, match="BROKER-193"):
        box.feed(k.EventRow(kind=k.TRADE, price_ticks=PRICE, lots=1, time_ns=box.now_ns() - 1))
    stray = box.place(order("limit", 1, 2, price_ticks=Ticks(PRICE - 900)))
    box.cancel(stray)
    assert box.orders() == []
    for venue_id in ("", "77", "4000000000000077", "x"):
        with pytest.raises(OrderRefused, match="-2011"):
            box.cancel(
                type(stray)(
                    contract_id=BTC.id, client_id="", venue_id=venue_id, kind="limit", side=1, lots=Lots(2)
                )
            )
    assert box.hash != before  # of the stray order alone
    assert [one.kind for one in box.income(0)] == ["TRANSFER"]


def test_an_account_of_other_contracts_is_refused() -> None:
    state = new_state([], [], log_rows=4)
    with pytest.raises(InputError, match="BROKER-192"):
        KernelVenue([BTC], state)
    with pytest.raises(InputError, match="BROKER-192"):
        KernelVenue([], state)
    mixed = [BTC, load("bybit:BTCUSDT")]
    with pytest.raises(InputError, match="binance in USDT, bybit in USDT"):
        KernelVenue.opened(mixed, Cash(CASH), highest_ticks=[PRICE, PRICE])


def test_a_log_that_is_too_short_is_told() -> None:
    whole = venue()
    short = KernelVenue([BTC], whole.state._replace(log=[k.LogRow()]))
    trade(short, PRICE)
    with pytest.raises(LotwiseError, match="BROKER-194"):
        short.place(order("market", 1, 2))  # placed and filled: two rows


def played(is_compiled: bool) -> tuple[list[Any], KernelVenue]:
    """A short life of an account, and everything it told."""
    box = venue(5_000, is_compiled, slippage_ticks=3)
    told: list[Any] = []
    trade(box, PRICE)
    box.prepare(BTC.id, 1_000, True)
    told.append(box.place(order("market", 1, 20, "entry")))
    told.append(
        box.place(order("stop", -1, 20, "stop", trigger_ticks=Ticks(PRICE - 900), is_reduce_only=True))
    )
    told.append(
        box.place(order("target", -1, 8, "t1", trigger_ticks=Ticks(PRICE + 500), is_reduce_only=True))
    )
    box.feed(
        k.EventRow(
            kind=k.QUOTE,
            bid_ticks=PRICE - 2,
            bid_lots=9,
            ask_ticks=PRICE + 2,
            ask_lots=9,
            time_ns=box.now_ns(),
        )
    )
    told += [box.market(BTC.id), box.balance("USDT"), box.positions(), liquidation8(box.state, BTC, 0)]
    for price in (PRICE + 200, PRICE + 700, PRICE + 100, PRICE - 950):
        happened = trade(box, price)
        told += [happened.fills, happened.orders, happened.incomes, list(box.orders()), box.balance("USDT")]
    now = box.now_ns()
    box.feed(k.EventRow(kind=k.FUNDING, rate8=10_000, time_ns=now, interval_ns=8 * 3600 * SECOND_NS))
    told += [
        box.fills(BTC.id, 0),
        box.income(0),
        box.order(BTC.id, "stop"),
        box.positions(),
        box.market(BTC.id),
    ]
    return told, box


def test_compiled_and_interpreted_tell_the_same() -> None:
    plain, first = played(False)
    compiled, second = played(True)
    assert plain == compiled
    assert first.hash == second.hash
    stop = first.order(BTC.id, "stop")
    assert stop is not None
    assert (stop.state, stop.filled_lots, stop.lots) == ("expired", 12, 20)  # eight had gone at the target
    assert first.positions() == []
    assert first.market(BTC.id).funding8 == 10_000


def test_money_is_the_sum_of_what_was_told() -> None:
    _, box = played(False)
    fills, incomes = box.fills(BTC.id, 0), box.income(0)
    assert box.balance("USDT").wallet_cash == sum(one.cash for one in incomes)
    bought = sum(Fraction(one.price8 * one.quantity8 * -one.side, CASH * CASH) for one in fills)
    fees = sum(ceil(Fraction(one.price8 * one.quantity8 * 5, 10_000 * CASH)) for one in fills)
    assert sum(one.side * one.quantity8 for one in fills) == 0
    assert box.balance("USDT").wallet_cash == 5_000 * CASH + bought * CASH - fees
    assert box.balance("BTC").wallet_cash == 0


def test_a_liquidation_is_an_execution_without_an_order() -> None:
    box = venue(1_000)
    trade(box, PRICE)
    box.prepare(BTC.id, 2_000, True)
    box.place(order("market", 1, 100, "entry"))
    (position,) = box.positions()
    assert position.liquidation_price8 is not None
    above, below = -(-position.liquidation_price8 // 10**7) + 1, position.liquidation_price8 // 10**7 - 1
    trade(box, above)
    assert box.positions()  # the last price above it
    happened = trade(box, below)
    assert box.positions() == []
    assert {fill.exit_kind for fill in happened.fills} == {"liquidation"}
    assert all(fill.order_id.startswith("autoclose-") for fill in happened.fills)
    assert "INSURANCE_CLEAR" in {one.kind for one in box.income(0)}
    assert box.balance("USDT").wallet_cash == sum(one.cash for one in box.income(0)) > 0


def test_the_book_is_the_best_prices_as_last_quoted() -> None:
    box = venue()
    trade(box, PRICE)
    none = box.book(BTC.id)
    assert (none.bids, none.asks, none.time_ns) == ((), (), box.now_ns())
    sizes: dict[str, Any] = {"bid_lots": 7, "ask_lots": 9, "time_ns": box.now_ns()}
    box.feed(k.EventRow(kind=k.QUOTE, bid_ticks=PRICE - 1, ask_ticks=PRICE + 2, **sizes))
    one = box.book(BTC.id)
    assert (one.bids, one.asks) == (((PRICE - 1, 7),), ((PRICE + 2, 9),))
    with pytest.raises(OrderRefused, match="NOSUCH"):
        box.book("binance:NOSUCH")


def test_a_cross_positions_margin_is_its_own_not_that_of_its_orders() -> None:
    """Worth over leverage; what an order that waits to open binds is in the balance."""
    box = venue()
    trade(box, PRICE)
    box.prepare(BTC.id, 1_000, is_isolated=False)
    box.place(order("market", 1, 20))
    (before,) = box.positions()
    free = box.balance("USDT").free_cash
    box.place(order("limit", 1, 20, "b", price_ticks=Ticks(PRICE - 90_000)))
    (after,) = box.positions()
    assert box.balance("USDT").free_cash < free
    worth = Fraction(before.mark_price8) * Fraction(20, 1_000)
    assert before.margin_cash == after.margin_cash == worth / 10
