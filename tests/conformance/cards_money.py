"""Cards of money: positions, balance, fees, funding, executions and income; recomputed with fractions."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest

from lotwise.broker.venue import OrderRefused
from tests.conformance.bench import (
    BTC,
    CASH,
    DEPOSIT,
    ETH,
    FUNDING_NS,
    Bench,
    buy,
    held,
    last,
    sell,
    step_until,
    wanted,
    whole,
)
from tests.conformance.cards_orders import card

TAKER, MAKER = Fraction(5, 10_000), Fraction(2, 10_000)
"""Of BTCUSDT in the catalogue."""
TICK, LOT = Fraction(1, 10), Fraction(1, 1_000)
DEPOSIT_CASH = int(DEPOSIT) * CASH


def worth(price8: int, lots: int) -> Fraction:
    """Coins times price, in the quote."""
    return Fraction(price8, CASH) * lots * LOT


def lots_of(quantity8: int) -> int:
    """Lots of a quantity of coins."""
    assert quantity8 % 10**5 == 0
    return quantity8 // 10**5


@card
def m01_the_fee_of_a_taker_is_rounded_up(bench: Bench) -> Any:
    order = buy(bench, 7)
    (fill,) = bench.port.fills(BTC, 0)
    assert fill.fee_cash == ceil(worth(order.average_price8, 7) * TAKER * CASH)
    assert (fill.coin, fill.paid_in, fill.maker) == ("USDT", "USDT", 0)
    assert bench.port.balance("USDT").wallet_cash == DEPOSIT_CASH - fill.fee_cash
    return [fill, list(bench.port.income(0))]


@card
def m02_the_fee_of_a_maker_is_the_smaller_one(bench: Bench) -> Any:
    bid = bench.port.market(BTC).bid_ticks
    bench.port.place(wanted("limit", 1, 4, "rests", price_ticks=bid))
    step_until(bench, lambda: held(bench) == 4)
    fills = bench.port.fills(BTC, 0)
    for fill in fills:
        assert fill.fee_cash == ceil(worth(fill.price8, lots_of(fill.quantity8)) * MAKER * CASH)
    return list(fills)


@card
def m03_leverage_and_margin_mode_are_set_and_seen(bench: Bench) -> Any:
    bench.port.prepare(BTC, 500, True)
    buy(bench)
    (position,) = bench.port.positions()
    assert (position.leverage100, position.is_isolated) == (500, True)
    return [position, bench.port.balance("USDT")]


@card
def m04_what_is_set_may_be_set_again(bench: Bench) -> Any:
    for _ in range(2):
        bench.port.prepare(BTC, 700, True)
    bench.port.prepare(BTC, 700, False)
    buy(bench)
    (position,) = bench.port.positions()
    assert (position.leverage100, position.is_isolated) == (700, False)
    return position


@card
def m05_a_leverage_that_there_is_not_is_refused(bench: Bench) -> Any:
    bench.port.prepare(BTC, 700, False)
    with pytest.raises(OrderRefused) as caught:
        bench.port.prepare(BTC, 99_900, False)
    buy(bench)
    assert bench.port.positions()[0].leverage100 == 700  # as it was
    return caught.value.venue_code


@card
def m06_the_margin_mode_stays_while_a_position_is_open(bench: Bench) -> Any:
    bench.port.prepare(BTC, 700, True)
    buy(bench)
    with pytest.raises(OrderRefused) as caught:
        bench.port.prepare(BTC, 700, False)
    assert caught.value.venue_code == "-4048"
    assert bench.port.positions()[0].is_isolated
    return whole(bench)


@card
def m07_a_position_that_grows_keeps_its_average(bench: Bench) -> Any:
    buy(bench, 3, "a")
    bench.step(400)
    buy(bench, 5, "b")
    (position,) = bench.port.positions()
    fills = bench.port.fills(BTC, 0)
    paid = sum(worth(fill.price8, lots_of(fill.quantity8)) for fill in fills)
    assert position.lots == 8
    assert position.entry_price8 == floor(paid / (8 * LOT) * CASH)
    return [position, list(fills)]


@card
def m08_a_position_is_turned_by_a_larger_order(bench: Bench) -> Any:
    buy(bench, 4, "a")
    bench.step(200)
    order = sell(bench, 10, "b")
    (position,) = bench.port.positions()
    assert position.lots == -6
    assert position.entry_price8 == order.average_price8
    assert any(income.kind == "REALIZED_PNL" for income in bench.port.income(0))
    return [position, list(bench.port.income(0))]


@card
def m09_two_contracts_are_two_positions(bench: Bench) -> Any:
    buy(bench, 4)
    bench.port.place(wanted("market", -1, 100, "eth", contract_id=ETH))
    found = {one.contract_id: one.lots for one in bench.port.positions()}
    assert found == {BTC: 4, ETH: -100}
    return sorted(bench.port.positions(), key=lambda one: one.contract_id)


@card
def m10_the_balance_is_wallet_and_profit(bench: Bench) -> Any:
    order = buy(bench, 10)
    bench.step(300)
    balance, (position,) = bench.port.balance("USDT"), bench.port.positions()
    fee = bench.port.fills(BTC, 0)[0].fee_cash
    profit = floor(worth(position.mark_price8, 10) * CASH) - worth(order.average_price8, 10) * CASH
    assert position.unrealised_cash == profit != 0
    assert balance.wallet_cash == DEPOSIT_CASH - fee
    assert balance.equity_cash == balance.wallet_cash + position.unrealised_cash
    assert balance.free_cash < balance.equity_cash
    assert 0 < balance.maintenance_cash < balance.margin_cash
    return [balance, position]


@card
def m11_what_a_close_realised_is_told(bench: Bench) -> Any:
    opened = buy(bench, 10)
    bench.step(500)
    closed = sell(bench, 10, "out")
    realised = (worth(closed.average_price8, 10) - worth(opened.average_price8, 10)) * CASH
    fills = bench.port.fills(BTC, 0)
    assert [fill.realised_cash for fill in fills] == [0, realised]
    told = [income.cash for income in bench.port.income(0) if income.kind == "REALIZED_PNL"]
    assert told == ([realised] if realised else [])
    wallet = bench.port.balance("USDT").wallet_cash
    assert wallet == DEPOSIT_CASH + realised - sum(fill.fee_cash for fill in fills)
    return [list(fills), wallet]


@card
def m12_funding_comes_at_its_hour(bench: Bench) -> Any:
    """Played first: its market is just before the hour."""
    buy(bench, 10)
    begun = bench.port.fills(BTC, 0)[0].time_ns
    step_until(
        bench, lambda: any(one.kind == "FUNDING_FEE" for one in bench.port.income(0)), most=8_000, chunk=400
    )
    (told,) = [one for one in bench.port.income(0) if one.kind == "FUNDING_FEE"]
    assert begun < told.time_ns
    assert told.time_ns % FUNDING_NS < 60 * 10**9  # at the stamp
    assert abs(told.cash) < worth(bench.port.positions()[0].mark_price8, 10) * CASH // 100
    assert told.contract == "BTCUSDT"
    return [told, bench.port.balance("USDT")]


@card
def m13_fills_since_a_time_leave_out_the_earlier(bench: Bench) -> Any:
    buy(bench, 3, "a")
    bench.step(600)
    buy(bench, 4, "b")
    bench.step(600)
    buy(bench, 5, "c")
    times = [fill.time_ns for fill in bench.port.fills(BTC, 0)]
    assert times == sorted(set(times))
    found = bench.port.fills(BTC, times[1])
    assert [lots_of(fill.quantity8) for fill in found] == [4, 5]
    assert len(bench.port.fills(BTC, times[2] + 10**6)) == 0
    assert len(bench.port.fills(ETH, 0)) == 0
    return list(found)


@card
def m14_income_since_a_time_leaves_out_the_earlier(bench: Bench) -> Any:
    buy(bench, 3, "a")
    bench.step(600)
    sell(bench, 3, "b")
    since = bench.port.fills(BTC, 0)[-1].time_ns
    found = bench.port.income(since)
    assert {one.kind for one in found} <= {"COMMISSION", "REALIZED_PNL"}
    assert all(one.time_ns >= since for one in found)
    assert len(bench.port.income(since + 10**6)) == 0
    return sorted((one.kind, one.cash) for one in found)


@card
def m15_all_income_is_the_wallet(bench: Bench) -> Any:
    for number in range(3):
        buy(bench, 4, f"in{number}")
        bench.step(200)
        sell(bench, 4, f"out{number}")
    incomes = bench.port.income(0)
    kinds = [one.kind for one in incomes]
    assert kinds.count("COMMISSION") == 6
    assert kinds.count("TRANSFER") == 1
    assert sum(one.cash for one in incomes) == bench.port.balance("USDT").wallet_cash
    return sorted((one.kind, one.cash, one.time_ns) for one in incomes)


@card
def m16_many_fills_come_in_pages_and_none_is_missed(bench: Bench) -> Any:
    count = 130  # more than one answer of `income`, which is 100 rows unless asked
    for number in range(count):
        (buy if number % 2 == 0 else sell)(bench, 2, f"n{number}")
        bench.step(7)
    fills, incomes = bench.port.fills(BTC, 0), bench.port.income(0)
    assert len(fills) == count
    assert len({fill.trade_id for fill in fills}) == count
    assert sum(one.kind == "COMMISSION" for one in incomes) == count
    assert [fill.time_ns for fill in fills] == sorted(fill.time_ns for fill in fills)
    return [list(fills), sum(one.cash for one in incomes)]


@card
def m17_an_isolated_position_holds_its_own_margin(bench: Bench) -> Any:
    bench.port.prepare(BTC, 1_000, True)
    order = buy(bench, 10)
    (position,) = bench.port.positions()
    put = floor(worth(order.average_price8, 10) * CASH / 10)
    assert position.margin_cash == put + position.unrealised_cash
    assert position.is_isolated
    return [position, bench.port.balance("USDT")]


@card
def m18_the_liquidation_price_lies_behind_the_entry(bench: Bench) -> Any:
    bench.port.prepare(BTC, 1_000, True)
    buy(bench, 10)
    (long,) = bench.port.positions()
    assert long.liquidation_price8 is not None
    share = Fraction(long.liquidation_price8, long.entry_price8)
    assert Fraction(90, 100) < share < Fraction(91, 100)  # a tenth less, and maintenance margin
    sell(bench, 20, "turn")
    (short,) = bench.port.positions()
    assert short.liquidation_price8 is not None
    assert Fraction(109, 100) < Fraction(short.liquidation_price8, short.entry_price8) < Fraction(110, 100)
    return [long, short]


@card
def m19_the_market_has_two_sides_a_last_price_and_a_mark(bench: Bench) -> Any:
    seen = []
    for _ in range(5):
        market = bench.port.market(BTC)
        assert 0 < market.bid_ticks < market.ask_ticks
        assert abs(market.mark_price8 - market.last_ticks * 10**7) < market.mark_price8 // 100
        seen.append((market.bid_ticks, market.ask_ticks, market.last_ticks, market.mark_price8))
        bench.step(300)
    assert len(set(seen)) > 1
    return seen


@card
def m20_an_order_reserves_margin_until_it_is_gone(bench: Bench) -> Any:
    bench.port.prepare(BTC, 1_000, False)
    free = bench.port.balance("USDT")
    price = last(bench) - 9_000
    placed = bench.port.place(wanted("limit", 1, 10, "rests", price_ticks=price))
    reserved = bench.port.balance("USDT")
    assert reserved.margin_cash - free.margin_cash == floor(price * TICK * 10 * LOT * CASH / 10)
    bench.port.cancel(placed)
    assert bench.port.balance("USDT") == free
    return reserved


@card
def m21_a_conditional_order_reserves_nothing(bench: Bench) -> Any:
    buy(bench)
    before = bench.port.balance("USDT")
    bench.port.place(wanted("stop", -1, 10, "stop", trigger_ticks=last(bench) - 9_000, is_reduce_only=True))
    assert bench.port.balance("USDT") == before
    return before
