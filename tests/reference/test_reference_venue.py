"""The slow venue against sums worked by hand: it may judge the kernel only after it has been judged itself.

One tick of one lot is worth 100 (``u``), so 10 lots at 1000 ticks are 1 000 000.  A contract has no fee, no
spread and no slippage unless a test gives it one, 10x leverage, and a maintenance margin of 1 %.
"""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.reference.venue import Venue, names
from tests.reference.venue.names import (
    ADVERSE,
    BAR,
    BRACKET,
    CANCEL,
    CANCEL_ALL,
    CLOCK,
    ENTRY,
    FAVOURABLE,
    FOK,
    FUNDING,
    GTC,
    GTD,
    IOC,
    ISOLATED_MARGIN,
    LEVERAGE,
    LIMIT,
    MARGIN_MODE,
    MARK,
    MARKET,
    OHLC,
    PLACE,
    QUEUE,
    QUOTE,
    STOP,
    STOP_LIMIT,
    STOP_MARKET,
    TAKE_MARKET,
    TARGET,
    THROUGH,
    TOUCH,
    TRADE,
    TRAILING,
    TRANSFER,
)

WALLET = 10_000_000
MARK_1000 = 1000 * 10**7
FACTS = {
    "cash_per_tick_lot": 100,
    "tick_size8": 10**7,
    "min_lots": 1,
    "max_lots": 10_000,
    "max_market_lots": 10_000,
}
TIER = {"cap_cash": 10**12, "cumulative_cash": 0, "rate8": 1_000_000, "max_leverage100": 10_000}


class Told:
    """An event: fields that are not said are 0."""

    def __init__(self, kind: int, **said: int) -> None:
        self.__dict__.update(said, kind=kind)

    def __getattr__(self, name: str) -> int:
        return 0


class Bench:
    """A venue at a last price of 1000 with money in the wallet, audited after every event."""

    def __init__(self, *more: dict[str, int], wallet: int = WALLET, slots: int = 20, **facts: int) -> None:
        self.time_ns = 0
        contracts = [FACTS | facts, *(FACTS | other for other in more)]
        self.venue = Venue(contracts, [[TIER]] * len(contracts), slots)
        for contract in range(len(contracts)):
            self(TRADE, contract=contract, price_ticks=1000, lots=10**6)
        self(TRANSFER, cash=wallet)

    def __call__(self, kind: int, **said: int) -> None:
        """Play an event that must be taken."""
        assert self.ask(kind, **said) == 0

    def ask(self, kind: int, **said: int) -> int:
        """Play an event and return the answer; a refusal must leave everything as it was."""
        before = self.venue.picture()
        answer = self.venue.apply(Told(kind, **({"time_ns": self.time_ns} | said)))
        assert answer == 0 or self.venue.picture() == before
        self.time_ns = self.account["time_ns"]
        self.venue.audit()
        return answer

    def order(self, order_kind: int, side: int, lots: int, **said: int) -> int:
        """Place an order and return the answer."""
        return self.ask(PLACE, order_kind=order_kind, side=side, lots=lots, **said)

    def trade(self, price_ticks: int, lots: int = 10**6, contract: int = 0) -> None:
        """Play a trade."""
        self(TRADE, price_ticks=price_ticks, lots=lots, contract=contract)

    def bar(self, start: int, high: int, low: int, end: int, volume: int = 10**6) -> None:
        """Play a bar without marks."""
        self(BAR, open_ticks=start, high_ticks=high, low_ticks=low, close_ticks=end, volume_lots=volume)

    def bracket(self, side: int, stop: int, *targets: tuple[int, int], **said: int) -> None:
        """Declare a bracket with (ticks, cumulative share) targets."""
        for k, (ticks, share8) in enumerate(targets, 1):
            said |= {f"target_ticks_{k}": ticks, f"target_share8_{k}": share8}
        self(BRACKET, side=side, stop_ticks=stop, **said)

    @property
    def account(self) -> dict[str, Any]:
        """The account's row."""
        return self.venue.picture()["account"]

    @property
    def cross(self) -> int:
        """The cross wallet."""
        return self.account["cross_cash"]

    @property
    def market(self) -> dict[str, Any]:
        """The row of the first contract's market."""
        return self.venue.picture()["markets"][0]

    @property
    def orders(self) -> list[dict[str, Any]]:
        """The orders by id."""
        return self.venue.picture()["orders"]

    @property
    def held(self) -> dict[str, Any]:
        """The bracket's row of the first contract."""
        return self.venue.picture()["brackets"][0]

    def by_role(self, role: int) -> dict[str, Any]:
        """Return the one order of a role."""
        (found,) = [order for order in self.orders if order["role"] == role]
        return found


def test_the_venue_imports_only_the_standard_library_and_itself() -> None:
    allowed = {"__future__", "collections", "copy", "dataclasses", "fractions", "math", "tests", "typing"}
    for path in (Path(__file__).parent / "venue").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {name.name.split(".")[0] for name in node.names} <= allowed
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] in allowed
                assert not (node.module or "").startswith("tests") or "tests.reference.venue" in node.module


# --- fills ----------------------------------------------------------------------------------------


def test_a_market_order_fills_at_the_touch_and_pays_the_taker_fee() -> None:
    bench = Bench(taker_fee8=50_000, spread_ticks=3, slippage_ticks=2)
    assert bench.order(MARKET, 1, 10) == 0
    # touch 1000 + (3 + 1) // 2 = 1002, slipped 1004; 1004 * 10 * 100 = 1_004_000; fee .05 % = 502
    account = bench.account
    assert bench.market["entry_cash"] == account["trades_cash"] == -account["positions_cash"] == 1_004_000
    assert (bench.market["lots"], account["fees_cash"], bench.cross) == (10, 502, WALLET - 502)
    assert bench.order(MARKET, -1, 10) == 0
    # touch 1000 - 3 // 2 = 999, slipped 997: 997_000 - 1_004_000 = -7_000; fee 498.5, up to 499
    assert (bench.cross, bench.account["trades_cash"]) == (WALLET - 502 - 7_000 - 499, 1_004_000 - 997_000)


def test_slippage_takes_a_share_of_the_last_range() -> None:
    bench = Bench(slippage_range8=10_000_000)
    bench.bar(1000, 1030, 991, 1000)
    assert bench.order(MARKET, 1, 1) == 0
    # range 39, a tenth is 3.9, down to 3
    assert bench.market["entry_cash"] == 1003 * 100


def test_a_partial_close_releases_entry_rounded_down() -> None:
    bench = Bench()
    assert bench.order(MARKET, 1, 1) == 0
    bench.trade(1001)
    assert bench.order(MARKET, 1, 2) == 0
    bench.trade(1010)
    assert bench.order(MARKET, -1, 1) == 0
    # entry 100_000 + 200_200 = 300_200; a third is 100_066.67, down to 100_066; 101_000 - 100_066 = 934
    assert (bench.market["entry_cash"], bench.cross) == (200_134, WALLET + 934)


def test_a_reversal_closes_and_opens() -> None:
    bench = Bench()
    assert bench.order(MARKET, 1, 2) == 0
    bench.trade(1010)
    assert bench.order(MARKET, -1, 5) == 0
    # 2 closed: 202_000 - 200_000 = 2_000; 3 opened short: 303_000
    assert (bench.market["lots"], bench.market["entry_cash"], bench.cross) == (-3, 303_000, WALLET + 2_000)
    assert (bench.account["positions_cash"], bench.account["trades_cash"]) == (303_000, 200_000 - 505_000)


def test_isolated_money_moves_with_the_position_and_pays_no_more_than_it_is() -> None:
    bench = Bench()
    bench(MARGIN_MODE, is_isolated=1)
    bench(MARK, price8=MARK_1000)
    assert bench.order(MARKET, 1, 3) == 0
    assert (bench.market["isolated_cash"], bench.cross) == (30_000, WALLET - 30_000)
    bench.trade(990)
    assert bench.order(MARKET, -1, 1) == 0
    # a third of the money, 10_000, less the loss of 1_000 returns
    assert (bench.market["isolated_cash"], bench.cross) == (20_000, WALLET - 30_000 + 9_000)
    bench.trade(800)
    assert bench.order(MARKET, -1, 2) == 0
    # 20_000 - (200_000 - 160_000) = -20_000: not from the wallet, from the insurance
    assert (bench.market["isolated_cash"], bench.cross) == (0, WALLET - 21_000)
    assert bench.account["insurance_cash"] == -20_000


def test_a_wallet_below_zero_without_cross_positions_is_paid_by_the_insurance() -> None:
    bench = Bench(wallet=100_000, slots=2)
    bench(MARK, price8=MARK_1000)
    assert bench.order(MARKET, 1, 10) == 0
    bench.trade(880)
    assert bench.order(MARKET, -1, 10, reduce_only=1) == 0
    # 100_000 - 120_000
    assert (bench.cross, bench.account["insurance_cash"]) == (0, -20_000)


# --- funding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "rate8", "mark", "gained"),
    [  # N = 1_000_000: 123.45, paid as 124 and received as 123; at 1010: 1_010_000 gives 124.6845
        (1, 12_345, 0, -124),
        (1, -12_345, 0, 123),
        (-1, 12_345, 0, 123),
        (-1, -12_345, 0, -124),
        (1, 12_345, 1010 * 10**7, -125),
    ],
)
def test_funding(side: int, rate8: int, mark: int, gained: int) -> None:
    bench = Bench()
    assert bench.order(MARKET, side, 10) == 0
    bench(FUNDING, rate8=rate8, price8=mark, interval_ns=8)
    assert (bench.cross, bench.account["funding_cash"]) == (WALLET + gained, -gained)
    assert (bench.market["interval_ns"], bench.market["mark8"]) == (8, MARK_1000)


def test_isolated_funding_comes_from_the_position() -> None:
    bench = Bench()
    bench(MARGIN_MODE, is_isolated=1)
    assert bench.order(MARKET, 1, 10) == 0
    bench(FUNDING, rate8=1_000_000)
    # 1 % of 1_000_000 from the position's 100_000
    assert (bench.market["isolated_cash"], bench.cross) == (90_000, WALLET - 100_000)


# --- liquidation ----------------------------------------------------------------------------------


def isolated_long(**facts: int) -> Bench:
    """Return a bench with 10 lots isolated at 1000, 100_000 of its own money, liquidation fee .5 %."""
    bench = Bench(liquidation_fee8=500_000, **facts)
    bench(MARGIN_MODE, is_isolated=1)
    assert bench.order(MARKET, 1, 10) == 0
    assert bench.order(LIMIT, -1, 10, price_ticks=1100, reduce_only=1) == 0
    return bench


def test_an_isolated_position_is_liquidated_by_one_order() -> None:
    bench = isolated_long()
    bench.trade(910)
    # 100_000 - 90_000 = 10_000 is above 1 % of 910_000
    assert (bench.market["lots"], len(bench.orders)) == (10, 1)
    bench.trade(909)
    # 9_000 is not above 9_090; sold at 909, fee .5 % of 909_000 = 4_545; 4_455 return
    assert (bench.market["lots"], len(bench.orders)) == (0, 0)
    assert (bench.cross, bench.account["insurance_cash"]) == (WALLET - 100_000 + 4_455, 4_545)


def test_a_bankrupt_isolated_position_is_taken_over_at_the_mark() -> None:
    bench = isolated_long()
    bench.trade(890)
    # 100_000 - 110_000: nothing is sold, the insurance bears 10_000
    assert (bench.market["lots"], bench.market["isolated_cash"]) == (0, 0)
    assert (bench.cross, bench.account["insurance_cash"]) == (WALLET - 100_000, -10_000)


def test_a_reduction_within_the_room_may_be_enough() -> None:
    bench = isolated_long(volume_share8=10_000_000)
    bench.trade(909, lots=40)
    # room 4: 363_600 - 400_000 = -36_400; fee 1_818; 100_000 - 36_400 - 1_818 = 61_782 left for 6 lots:
    # 61_782 - (600_000 - 545_400) = 7_182, above 1 % of 545_400
    assert (bench.market["lots"], bench.market["isolated_cash"]) == (6, 61_782)
    assert (bench.market["room_lots"], bench.account["insurance_cash"]) == (0, 1_818)


def cross_longs() -> Bench:
    """Return a bench with 10 and 5 lots at 1000 in two contracts on 100_000, at 20x."""
    fee = {"liquidation_fee8": 500_000}
    bench = Bench(fee, wallet=100_000, **fee)
    for contract, lots in ((0, 10), (1, 5)):
        bench(LEVERAGE, contract=contract, leverage100=2000)
        assert bench.order(MARKET, 1, lots, contract=contract) == 0
    return bench


def test_a_cross_account_is_reduced_until_it_is_healthy() -> None:
    bench = cross_longs()
    bench.trade(915)
    # 100_000 - 85_000 = 15_000 is above 9_150 + 5_000
    assert bench.market["lots"] == 10
    bench.trade(914)
    # 14_000 is not above 9_140 + 5_000; the first is sold, fee .5 % of 914_000 = 4_570; 9_430 is above 5_000
    assert [market["lots"] for market in bench.venue.picture()["markets"]] == [0, 5]
    assert (bench.cross, bench.account["insurance_cash"]) == (9_430, 4_570)


def test_a_bankrupt_cross_account_is_taken_over() -> None:
    bench = cross_longs()
    bench.trade(890)
    # 100_000 - 110_000
    assert [market["lots"] for market in bench.venue.picture()["markets"]] == [0, 0]
    assert (bench.cross, bench.account["insurance_cash"]) == (0, -10_000)


def test_a_margin_call_is_said_and_taken_back() -> None:
    bench = Bench(wallet=100_000)
    bench.venue.state.account.call_ratio8 = 80_000_000
    assert bench.order(MARKET, 1, 10) == 0
    # at p the balance is 100_000 - (1000 - p) * 1000, maintenance 10 p; called where 10 p >= .8 balance
    for price, called in ((912, 0), (911, 1), (912, 0)):
        # 912: 9_120 < .8 * 12_000 = 9_600; 911: 9_110 >= .8 * 11_000 = 8_800
        bench.trade(price)
        assert bench.account["called"] == called


# --- placing --------------------------------------------------------------------------------------

GOOD = {"order_kind": LIMIT, "side": 1, "lots": 2, "price_ticks": 1000}
STOPPED = {"order_kind": STOP_MARKET, "side": -1, "lots": 3, "trigger_ticks": 990}
TRAILED = {"order_kind": TRAILING, "side": -1, "lots": 2, "callback8": 1_000_000}

REFUSALS = [
    (-1121, GOOD | {"contract": 2}),
    (-1121, GOOD | {"contract": -1}),
    (-1102, GOOD | {"order_kind": 8}),
    (-1102, GOOD | {"side": 0}),
    (-1102, GOOD | {"tif": 4}),
    (-1102, GOOD | {"post_only": 2}),
    (-1102, GOOD | {"tif": GTD, "expires_ns": 7, "time_ns": 7}),
    (-1102, TRAILED | {"callback8": 99_999}),
    (-1102, TRAILED | {"callback8": 20_000_001}),
    (-4137, STOPPED | {"close_position": 1}),
    (-4138, GOOD | {"close_position": 1, "lots": 0}),
    (-4003, GOOD | {"lots": 0}),
    (-4001, GOOD | {"price_ticks": 0, "lots": 1}),
    (-4006, STOPPED | {"trigger_ticks": 0}),
    (-4006, TRAILED | {"activation_ticks": -1}),
    (-4004, GOOD | {"lots": 1}),
    (-4005, GOOD | {"lots": 101}),
    (-4005, GOOD | {"lots": 41, "order_kind": MARKET}),
    (-4005, STOPPED | {"lots": 41}),
    (-4005, GOOD | {"lots": 95, "price_ticks": 1001}),  # 9_509_500 against 9_500_000
    (-1013, GOOD | {"contract": 1}),
    (-4016, GOOD | {"price_ticks": 1101}),
    (-4024, GOOD | {"side": -1, "price_ticks": 899}),
    (-4164, GOOD | {"price_ticks": 999}),  # 199_800
    (-2022, GOOD | {"reduce_only": 1}),
    (-2021, STOPPED | {"trigger_ticks": 1000}),
    (-2021, STOPPED | {"trigger_ticks": 1000, "by_mark": 1}),
    (-2021, STOPPED | {"order_kind": TAKE_MARKET, "trigger_ticks": 1000}),
    (-2021, TRAILED | {"activation_ticks": 1000}),
    (-5022, GOOD | {"post_only": 1}),
    (-2027, GOOD | {"lots": 11}),  # 1_100_000 is in the second tier, to 5x
    (-2019, GOOD | {"lots": 6}),  # 60_000 of 50_000
    (-2019, GOOD | {"lots": 6, "order_kind": MARKET}),
    (-5021, GOOD | {"tif": FOK, "price_ticks": 1001, "lots": 3, "side": -1}),
]
TAKEN = [
    GOOD,
    GOOD | {"lots": 5},
    GOOD | {"side": -1, "price_ticks": 1100},
    GOOD | {"side": -1, "price_ticks": 1001, "post_only": 1},
    STOPPED,
    STOPPED | {"lots": 0, "close_position": 1},
    STOPPED | {"order_kind": TAKE_MARKET, "side": 1, "trigger_ticks": 999, "lots": 3},
    TRAILED | {"activation_ticks": 1001},
    GOOD | {"tif": FOK},
]


def strict_bench() -> Bench:
    """Return a bench with every bound, 50_000 at 10x, a second tier to 5x, and a contract without price."""
    bench = Bench.__new__(Bench)
    bounds = {"min_lots": 2, "max_lots": 100, "max_market_lots": 40, "max_notional_cash": 9_500_000}
    bounds |= {"min_notional_cash": 200_000, "price_up8": 10_000_000, "price_down8": 10_000_000}
    tiers = [TIER | {"cap_cash": 1_000_000}, TIER | {"max_leverage100": 500}]
    bench.time_ns = 0
    bench.venue = Venue([FACTS | bounds] * 2, [tiers] * 2, slots=3)
    bench.trade(1000)
    bench(TRANSFER, cash=50_000)
    return bench


@pytest.mark.parametrize(("code", "said"), REFUSALS)
def test_an_order_is_refused_with_its_code(code: int, said: dict[str, int]) -> None:
    assert strict_bench().ask(PLACE, **said) == code


@pytest.mark.parametrize("said", TAKEN)
def test_an_order_within_the_bounds_is_taken(said: dict[str, int]) -> None:
    assert strict_bench().ask(PLACE, **said) == 0


def test_there_are_only_so_many_slots() -> None:
    bench = strict_bench()
    assert [bench.ask(PLACE, **STOPPED) for _ in range(4)] == [0, 0, 0, -2025]
    assert [order["id"] for order in bench.orders] == [1, 2, 3]


def test_order_margin_is_of_the_larger_side_and_the_open_loss() -> None:
    bench = Bench()
    assert bench.order(LIMIT, 1, 10, price_ticks=990) == 0
    assert bench.order(LIMIT, -1, 10, price_ticks=1010) == 0
    # G = max(990_000, 1_010_000), a tenth is 101_000
    assert bench.ask(TRANSFER, cash=-(WALLET - 101_000) - 1) == 3
    bench(MARK, price8=985 * 10**7)
    # the buy would lose 5 * 10 * 100 = 5_000
    assert bench.ask(TRANSFER, cash=-(WALLET - 106_000) - 1) == 3
    assert bench.ask(TRANSFER, cash=-(WALLET - 106_000)) == 0


# --- time in force, taking, resting ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("tif", "answer", "filled", "resting"), [(IOC, 0, 5, 0), (FOK, -5021, 0, 0), (GTC, 0, 5, 1)]
)
def test_time_in_force_within_the_room(tif: int, answer: int, filled: int, resting: int) -> None:
    bench = Bench(volume_share8=10_000_000)
    bench.trade(1000, lots=50)  # room 5
    assert bench.order(LIMIT, 1, 8, price_ticks=1000, tif=tif) == answer
    assert (bench.market["lots"], len(bench.orders)) == (filled, resting)
    assert bench.market["room_lots"] == 5 - filled
    assert [(order["lots"], order["filled_lots"]) for order in bench.orders] == [(8, 5)] * resting


def test_a_limit_order_that_takes_is_no_worse_than_its_limit() -> None:
    bench = Bench(slippage_ticks=5)
    assert bench.order(LIMIT, 1, 1, price_ticks=1002) == 0
    assert bench.order(LIMIT, 1, 1, price_ticks=1020) == 0
    # market price 1005: 1002 and 1005
    assert bench.market["entry_cash"] == 100_200 + 100_500


def test_a_market_order_beyond_the_bound_expires() -> None:
    bench = Bench(take_bound8=5_000_000)
    bench(MARK, price8=MARK_1000)
    for price, lots in ((1051, 0), (1050, 1)):
        bench.trade(price)
        assert bench.order(MARKET, 1, 1) == 0
        assert (bench.market["lots"], bench.orders) == (lots, [])


def test_an_order_with_a_date_expires_on_it() -> None:
    bench = Bench()
    assert bench.order(LIMIT, 1, 1, price_ticks=990, tif=GTD, expires_ns=50) == 0
    bench(CLOCK, time_ns=49)
    assert len(bench.orders) == 1
    bench(CLOCK, time_ns=50)
    assert bench.orders == []


def test_reduce_only_orders_never_outlive_or_exceed_the_position() -> None:
    bench = Bench()
    assert bench.order(MARKET, 1, 10) == 0
    assert bench.order(LIMIT, -1, 10, price_ticks=1100, reduce_only=1) == 0
    assert bench.order(STOP_MARKET, -1, 0, trigger_ticks=900, close_position=1) == 0
    assert bench.order(LIMIT, 1, 10, price_ticks=900) == 0
    assert bench.order(MARKET, -1, 15, reduce_only=1) == 0
    assert (bench.market["lots"], [order["price_ticks"] for order in bench.orders]) == (0, [900])


def test_an_amended_order_keeps_its_id_and_takes_what_it_reaches() -> None:
    bench = Bench()
    assert bench.order(LIMIT, 1, 10, price_ticks=990) == 0
    assert bench.order(STOP_MARKET, 1, 10, trigger_ticks=1100) == 0
    amend = names.AMEND
    assert bench.ask(amend, order_id=9, price_ticks=980, lots=12) == -2013
    assert bench.ask(amend, order_id=2, price_ticks=980, lots=12) == -5025
    assert bench.ask(amend, order_id=1, price_ticks=990, lots=10) == -5027
    assert bench.ask(amend, order_id=1, price_ticks=990, lots=0) == -4003
    assert bench.ask(amend, order_id=1, price_ticks=980, lots=12) == 0
    assert (bench.orders[0]["id"], bench.orders[0]["price_ticks"], bench.orders[0]["lots"]) == (1, 980, 12)
    assert bench.ask(amend, order_id=1, price_ticks=1001, lots=4) == 0
    # 4 lots at the touch of 1000
    assert (bench.market["entry_cash"], len(bench.orders)) == (400_000, 1)


def test_cancelling() -> None:
    bench = Bench({})
    for contract in (0, 0, 1):
        assert bench.order(LIMIT, 1, 1, price_ticks=900, contract=contract) == 0
    assert bench.ask(CANCEL, order_id=4) == -2011
    bench(CANCEL, order_id=1)
    bench(CANCEL_ALL, contract=0)
    assert [order["id"] for order in bench.orders] == [3]
    assert bench.ask(CANCEL_ALL, contract=2) == -1121
    bench(CANCEL_ALL, contract=-1)
    assert bench.orders == []


# --- moves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "low", "lots"), [(TOUCH, 990, 1), (THROUGH, 990, 0), (THROUGH, 989, 1), (QUEUE, 989, 1)]
)
def test_when_a_resting_limit_fills(rule: int, low: int, lots: int) -> None:
    bench = Bench(limit_fill=rule, maker_fee8=20_000)
    assert bench.order(LIMIT, 1, 1, price_ticks=990) == 0
    bench.bar(1000, 1005, low, 1000)
    # at its own price; .02 % of 99_000 is 19.8, up to 20
    assert (bench.market["entry_cash"], bench.cross) == (lots * 99_000, WALLET - 20 * lots)


def test_a_bar_fills_no_more_than_its_share_of_the_volume() -> None:
    bench = Bench(volume_share8=10_000_000)
    assert bench.order(LIMIT, 1, 10, price_ticks=990) == 0
    bench.bar(1000, 1000, 980, 1000, volume=49)
    # a tenth of 49, down
    assert (bench.market["lots"], bench.market["room_lots"], bench.orders[0]["filled_lots"]) == (4, 0, 4)


def test_a_queue_is_worked_off_before_the_order() -> None:
    bench = Bench(limit_fill=QUEUE, queue_share8=50_000_000)
    bench(QUOTE, bid_ticks=990, bid_lots=21, ask_ticks=1000, ask_lots=1)
    assert bench.order(LIMIT, 1, 5, price_ticks=990) == 0
    # half of 21, down: 10 ahead; 8 traded leave 2; 4 traded fill 2; 9 traded fill the other 3
    seen = [(order["queue_lots"], order["filled_lots"]) for order in bench.orders]
    for lots in (8, 4, 9):
        bench.trade(990, lots=lots)
        seen += [(order["queue_lots"], order["filled_lots"]) for order in bench.orders]
    assert seen == [(10, 0), (2, 0), (0, 2)]
    assert (bench.market["lots"], bench.orders) == (5, [])


def test_a_quote_fills_what_it_crosses_best_price_first() -> None:
    bench = Bench()
    assert bench.order(LIMIT, 1, 1, price_ticks=990) == 0
    assert bench.order(LIMIT, 1, 2, price_ticks=995) == 0
    bench(QUOTE, bid_ticks=980, bid_lots=1, ask_ticks=990, ask_lots=1)
    assert [line.facts["price_ticks"] for line in bench.venue.log if line.kind == "fill"] == [995, 990]
    assert bench.market["entry_cash"] == 199_000 + 99_000


def test_a_trailing_order_follows_and_fills_where_the_gap_ends() -> None:
    bench = Bench()
    assert bench.order(MARKET, 1, 10) == 0
    assert bench.ask(PLACE, **TRAILED | {"lots": 10, "reduce_only": 1}) == 0
    assert (bench.orders[0]["extreme_ticks"], bench.orders[0]["trigger_ticks"]) == (1000, 990)
    bench.bar(1046, 1050, 1045, 1046)
    # 1050 less 1 % is 1039.5, up to 1040
    assert (bench.orders[0]["extreme_ticks"], bench.orders[0]["trigger_ticks"]) == (1050, 1040)
    bench.trade(1041)
    assert bench.market["lots"] == 10
    bench.trade(1039)
    assert (bench.market["lots"], bench.cross) == (0, WALLET + 39_000)


def test_a_trailing_order_waits_for_its_activation() -> None:
    bench = Bench()
    assert bench.ask(PLACE, **TRAILED | {"activation_ticks": 1020}) == 0
    bench.trade(1019)
    assert (bench.orders[0]["active"], bench.orders[0]["trigger_ticks"]) == (0, 0)
    bench.trade(1021)
    # 1021 less 1 % is 1010.79
    assert (bench.orders[0]["active"], bench.orders[0]["trigger_ticks"]) == (1, 1011)


def test_a_mark_triggers_orders_that_watch_it() -> None:
    bench = Bench()
    assert bench.order(MARKET, 1, 1) == 0
    assert bench.order(STOP_MARKET, -1, 1, trigger_ticks=990, by_mark=1, reduce_only=1) == 0
    bench.trade(995)
    bench(MARK, price8=990 * 10**7 + 1)
    assert bench.market["lots"] == 1
    bench(MARK, price8=990 * 10**7)
    # sold at the last price, 995
    assert (bench.market["lots"], bench.cross) == (0, WALLET - 500)


def test_a_triggered_limit_may_be_hit_on_the_rest_of_the_way() -> None:
    bench = Bench(path=OHLC)
    assert bench.order(STOP_LIMIT, -1, 1, trigger_ticks=990, price_ticks=995) == 0
    bench.bar(1000, 1000, 985, 992)
    # triggered at 990, rests at 995 above the close
    assert (bench.orders[0]["kind"], bench.orders[0]["status"], bench.market["lots"]) == (LIMIT, 1, 0)
    bench.trade(996)
    assert bench.market["entry_cash"] == 99_500


# --- brackets -------------------------------------------------------------------------------------

WHOLE = 100_000_000


@pytest.mark.parametrize(
    ("path", "start", "gained"),
    [  # 10 lots: 10 ticks are 10_000; adverse goes to the low first; the gap opens at 970
        (ADVERSE, 1000, -10_000),
        (FAVOURABLE, 1000, 10_000),
        (ADVERSE, 970, -30_000),
        (FAVOURABLE, 970, -30_000),
    ],
)
def test_a_bar_through_stop_and_target(path: int, start: int, gained: int) -> None:
    bench = Bench(path=path)
    bench.bracket(1, 990, (1010, WHOLE))
    assert bench.order(MARKET, 1, 10, entry=1) == 0
    assert [(order["id"], order["role"], order["lots"]) for order in bench.orders] == [
        (2, STOP, 10),
        (3, TARGET + 1, 10),
    ]
    bench.bar(start, 1020, 965, 1000)
    assert (bench.market["lots"], bench.orders, bench.held["side"]) == (0, [], 0)
    assert bench.cross == WALLET + gained


def test_a_target_that_fills_moves_the_stop_to_break_even() -> None:
    bench = Bench(taker_fee8=50_000)
    bench.bracket(1, 980, (1010, WHOLE // 2), (1030, WHOLE), breakeven_after=1)
    assert bench.order(MARKET, 1, 10, entry=1) == 0
    bench.trade(1015)
    # 5 lots left, entry fee 250 of 500 on them: at 1001 they gain 500 and pay 251 to close, short by 1;
    # at 1002 they gain 1_000 and pay 251
    assert (bench.by_role(STOP)["trigger_ticks"], bench.by_role(STOP)["lots"]) == (1002, 5)
    assert (bench.held["stop_ticks"], bench.held["moved"], bench.held["filled_lots_1"]) == (1002, 1, 5)


def test_a_target_that_fills_lets_the_stop_trail() -> None:
    bench = Bench()
    bench.bracket(1, 980, (1010, WHOLE // 2), (1030, WHOLE), trail_after=1, callback8=1_000_000)
    assert bench.order(MARKET, 1, 10, entry=1) == 0
    bench.trade(1015)
    # 1015 less 1 % is 1004.85
    stop = bench.by_role(STOP)
    assert (stop["id"], stop["kind"], stop["trigger_ticks"], stop["lots"]) == (2, TRAILING, 1005, 5)
    bench.trade(1025)
    # 1014.75
    assert bench.by_role(STOP)["trigger_ticks"] == 1015


def test_legs_that_are_too_small_are_merged_and_exits_follow_the_entries() -> None:
    bench = Bench(min_lots=3)
    bench.bracket(-1, 1050, (990, 20_000_000), (980, 60_000_000), (970, WHOLE))
    assert bench.order(LIMIT, -1, 10, price_ticks=1000, entry=1) == 0
    # 2, 4, 4: the first goes to the second
    assert [(order["role"] - TARGET, order["lots"]) for order in bench.orders[1:]] == [(2, 6), (3, 4)]
    assert bench.order(MARKET, -1, 5, entry=1) == 0
    # 15 lots: 3, 6, 6; the stop keeps its id
    assert (bench.by_role(STOP)["id"], bench.by_role(STOP)["lots"]) == (2, 15)
    assert [bench.by_role(TARGET + k)["lots"] for k in (1, 2, 3)] == [3, 6, 6]


def test_a_stop_that_fills_in_part_stands_again_over_the_rest() -> None:
    bench = Bench(volume_share8=10_000_000)
    bench.bracket(1, 990)
    assert bench.order(MARKET, 1, 10, entry=1) == 0
    bench.trade(985, lots=40)
    # 4 sold at 985; a new stop over 6, hit by the next move, from wherever that ends
    assert (bench.market["lots"], bench.by_role(STOP)["id"], bench.by_role(STOP)["lots"]) == (6, 3, 6)
    bench.trade(995, lots=100)
    # -15 * 400 - 5 * 600
    assert (bench.market["lots"], bench.cross) == (0, WALLET - 6_000 - 3_000)


def test_the_bound_on_market_orders_holds_no_stop_back() -> None:
    bench = Bench(take_bound8=5_000_000)
    bench(MARK, price8=MARK_1000)
    bench.bracket(1, 990)
    assert bench.order(MARKET, 1, 10, entry=1) == 0
    bench.trade(949)
    # 949 is below 950, 5 % under the mark: a market order would not fill, the stop does: 51 * 10 * 100 lost
    assert (bench.market["lots"], bench.cross) == (0, WALLET - 51_000)


def test_exits_stand_again_after_a_liquidation() -> None:
    bench = Bench(volume_share8=10_000_000, liquidation_fee8=500_000)
    bench(MARGIN_MODE, is_isolated=1)
    bench.bracket(1, 800, (1100, WHOLE))
    assert bench.order(MARKET, 1, 10, entry=1) == 0
    bench.trade(909, lots=40)
    # reduced by 4 as above; entry 1, stop 2 and target 3 are gone; both stand again over what is held
    assert (bench.market["lots"], bench.market["isolated_cash"]) == (6, 61_782)
    assert [(order["id"], order["role"], order["lots"]) for order in bench.orders] == [
        (4, STOP, 6),
        (5, TARGET + 1, 6),
    ]


def test_a_time_stop_closes_what_is_held() -> None:
    bench = Bench()
    bench.bracket(1, 990, (1010, WHOLE), time_stop_ns=100)
    assert bench.order(MARKET, 1, 10, entry=1) == 0
    assert bench.order(LIMIT, 1, 10, entry=1, price_ticks=995) == 0
    bench.trade(1005)
    bench(CLOCK, time_ns=99)
    assert len(bench.orders) == 3
    bench(CLOCK, time_ns=100)
    assert (bench.market["lots"], bench.orders, bench.held["side"]) == (0, [], 0)
    assert bench.cross == WALLET + 5_000


def test_what_a_bracket_refuses() -> None:
    bench = Bench()
    assert bench.order(LIMIT, 1, 1, price_ticks=990, entry=1) == 5
    for targets in (
        [(1010, WHOLE // 2)],
        [(1010, WHOLE), (1020, WHOLE)],
        [(1020, 1), (1010, WHOLE)],
        [(980, WHOLE)],
    ):
        said = {"side": 1, "stop_ticks": 990}
        for k, (ticks, share8) in enumerate(targets, 1):
            said |= {f"target_ticks_{k}": ticks, f"target_share8_{k}": share8}
        assert bench.ask(BRACKET, **said) == 5
    bench.bracket(1, 990, (1010, WHOLE))
    assert bench.ask(BRACKET, side=1, stop_ticks=990) == 4
    assert bench.order(MARKET, -1, 10, entry=1) == 5
    assert bench.order(MARKET, 1, 10, entry=1) == 0
    assert bench.ask(CANCEL, order_id=2) == 6
    assert bench.ask(names.AMEND, order_id=3, price_ticks=1011, lots=10) == 6
    bench(CANCEL_ALL, contract=0)
    assert len(bench.orders) == 2


def test_a_bracket_without_entries_left_ends() -> None:
    bench = Bench()
    bench.bracket(1, 990)
    bench(CLOCK)
    assert bench.held["side"] == 1
    assert bench.order(LIMIT, 1, 10, price_ticks=995, entry=1) == 0
    assert (bench.by_role(ENTRY)["lots"], bench.held["entries"]) == (10, 1)
    bench(CANCEL_ALL, contract=-1)
    assert bench.held["side"] == 0


# --- other commands -------------------------------------------------------------------------------


def test_leverage_margin_mode_and_isolated_margin() -> None:
    bench = Bench()
    assert [bench.ask(LEVERAGE, leverage100=wish) for wish in (0, 150, 10_100)] == [-4028] * 3
    assert bench.ask(MARGIN_MODE, is_isolated=0) == -4046
    assert bench.order(LIMIT, 1, 10, price_ticks=990) == 0
    assert bench.ask(MARGIN_MODE, is_isolated=1) == -4047
    bench(CANCEL_ALL, contract=-1)
    assert bench.ask(ISOLATED_MARGIN, cash=1) == -4049
    bench(MARGIN_MODE, is_isolated=1)
    assert bench.ask(ISOLATED_MARGIN, cash=1) == -4054
    assert bench.ask(ISOLATED_MARGIN, cash=0) == -4055
    assert bench.order(MARKET, 1, 10) == 0
    assert bench.ask(MARGIN_MODE, is_isolated=0) == -4048
    assert bench.ask(LEVERAGE, leverage100=900) == -4161
    # 100_000 is bound: all but that may be added; at 990 the 10_000 lost stay bound, and 99_000 of margin
    assert bench.ask(ISOLATED_MARGIN, cash=WALLET - 100_000 + 1) == -4050
    bench(ISOLATED_MARGIN, cash=50_000)
    bench.trade(990)
    assert bench.ask(ISOLATED_MARGIN, cash=-41_001) == -4051
    bench(ISOLATED_MARGIN, cash=-41_000)
    assert (bench.market["isolated_cash"], bench.cross) == (109_000, WALLET - 109_000)


def test_leverage_is_held_by_what_is_available() -> None:
    bench = Bench(wallet=100_000)
    assert bench.order(LIMIT, 1, 10, price_ticks=990) == 0
    # 99_000 of 100_000; at 9x it would be 110_000
    assert bench.ask(LEVERAGE, leverage100=900) == -2019
    assert bench.ask(LEVERAGE, leverage100=1100) == 0


def test_what_cannot_be_is_refused() -> None:
    bench = Bench()
    bench(CLOCK, time_ns=10)
    assert bench.ask(CLOCK, time_ns=9) == 1
    assert bench.ask(BAR, open_ticks=5, high_ticks=4, low_ticks=3, close_ticks=4) == 2
    assert bench.ask(BAR, open_ticks=4, high_ticks=4, low_ticks=4, close_ticks=4, mark_open8=1) == 2
    assert bench.ask(QUOTE, bid_ticks=5, ask_ticks=5) == 2
    assert bench.ask(TRADE, price_ticks=5, lots=-1) == 2
    assert bench.ask(MARK) == 2
    assert bench.ask(TRANSFER, cash=-WALLET - 1) == 3


def test_books_sum_to_zero_after_every_event() -> None:
    bench = Bench({}, taker_fee8=33_333, liquidation_fee8=1)
    assert bench.order(MARKET, 1, 7) == 0
    assert bench.order(MARKET, -1, 3, contract=1) == 0
    for before, after in pairwise((1000, 1013, 997, 1021)):
        bench.bar(before, max(before, after), min(before, after), after)
        account = bench.account
        books = sum(value for name, value in account.items() if name.endswith("_cash"))
        assert books + bench.market["isolated_cash"] == 0
