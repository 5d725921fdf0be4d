"""The sizing twin against figures worked by hand, and against the money that moves leg by leg."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from tests.reference import margin, sizing
from tests.reference.margin import exact

# --- sizing: the loss at the stop -----------------------------------------------------------------

BTC_LOT = {"tick_size": "0.1", "lot_size": "0.001", "contract_size": 1}
BTC_CONTRACT = {"tick_size": "0.1", "lot_size": 1, "contract_size": "0.01"}


def one(price: int | str) -> list[sizing.Leg]:
    """Return a ladder of a single entry."""
    return [(price, 1)]


def test_case_a_step() -> None:
    assert sizing.largest_lots(10, "long", one(65_000), stop=63_700, **BTC_LOT) == 7
    assert sizing.loss_at_stop("long", one(65_000), 7, stop=63_700, **BTC_LOT)["total"] == exact("9.10")


def test_case_a_contract_and_its_ways_out() -> None:
    assert sizing.largest_lots(10, "long", one(65_000), stop=63_700, **BTC_CONTRACT) == 0
    assert sizing.loss_at_stop("long", one(65_000), 1, stop=63_700, **BTC_CONTRACT)["total"] == 13
    assert sizing.largest_lots(10, "long", one(65_000), stop=64_000, **BTC_CONTRACT) == 1
    assert sizing.largest_lots(10, "long", one(65_000), stop="63999.9", **BTC_CONTRACT) == 0
    assert sizing.largest_lots(13, "long", one(65_000), stop=63_700, **BTC_CONTRACT) == 1  # 1 % of 1,300


def test_case_e_428_contracts_and_not_431() -> None:
    eth = {"tick_size": "0.01", "lot_size": 1, "contract_size": "0.001", "stop": 3_450}
    assert sizing.largest_lots(30, "long", one(3_520), **eth) == 428
    assert sizing.rounded_loss("long", one(3_520), 428, **eth)["total"] == exact("29.96")
    assert sizing.rounded_loss("long", one(3_520), 431, **eth)["total"] == exact("30.17")


def test_case_f_contract_of_100_units() -> None:
    units = {"tick_size": "0.01", "lot_size": 1, "contract_size": 100, "stop": "0.95"}
    assert sizing.loss_at_stop("long", one("1.00"), 1, **units)["total"] == 5
    assert sizing.largest_lots(50, "long", one("1.00"), **units) == 10
    assert sizing.loss_at_stop("long", one("1.00"), 10, **units)["total"] == 50


def test_case_m_two_taker_fees() -> None:
    fees = {"entry_fee": "0.0005", "exit_fee": "0.0005"}
    parts = sizing.rounded_loss("long", one(60_000), 2, stop=58_800, **BTC_LOT, **fees)
    assert parts == {
        "price": exact("2.4"),
        "entry_fee": exact("0.06"),
        "exit_fee": exact("0.0588"),
        "spread": 0,
        "slippage": 0,
        "funding": 0,
        "total": exact("2.5188"),
    }
    assert (
        sizing.largest_lots(2, "long", one(60_000), stop=58_800, **BTC_LOT, **fees) == 1
    )  # 60 USDT: under 100
    assert sizing.largest_lots(2, "long", one(60_000), stop="59059.6", **BTC_LOT, **fees) == 2
    assert sizing.largest_lots(2, "long", one(60_000), stop="59059.5", **BTC_LOT, **fees) == 1
    assert sizing.largest_lots("2.5188", "long", one(60_000), stop=58_800, **BTC_LOT, **fees) == 2
    bybit = {"entry_fee": "0.00055", "exit_fee": "0.00055"}
    assert sizing.largest_lots(2, "long", one(60_000), stop=58_800, **BTC_LOT, **bybit) == 1


@pytest.mark.parametrize(
    ("lot_size", "contract_size", "taker", "lots"),
    [  # 1 % of 500 / 1,000 / 5,000 / 10,000, BTC at 60,000, stop 2 %, both fees taker
        ("0.001", 1, "0.0005", (3, 7, 39, 79)),  # Binance
        ("0.001", 1, "0.00055", (3, 7, 39, 79)),  # Bybit
        ("0.0001", 1, "0.0005", (39, 79, 397, 794)),  # BingX
        (1, "0.0001", "0.0002", (40, 81, 408, 817)),  # MEXC
        ("0.0001", 1, "0.0008", (38, 77, 386, 772)),  # WEEX
        (1, "0.01", "0", (0, 0, 4, 8)),  # Coinbase nano
        (1, "0.02", "0", (0, 0, 2, 4)),  # CME Bitcoin Friday
        (1, "0.1", "0", (0, 0, 0, 0)),  # CME micro
    ],
)
def test_small_accounts_across_venues(
    lot_size: str, contract_size: str, taker: str, lots: tuple[int, ...]
) -> None:
    found = [
        sizing.largest_lots(
            Fraction(equity, 100),
            "long",
            one(60_000),
            tick_size="0.1",
            lot_size=lot_size,
            contract_size=contract_size,
            stop=58_800,
            entry_fee=taker,
            exit_fee=taker,
        )
        for equity in (500, 1_000, 5_000, 10_000)
    ]
    assert tuple(found) == lots


def test_every_cost_by_hand() -> None:
    """A short of 2 x 0.5 coins at 100, stop 110: all parts worked with pencil and paper."""
    costs = {
        "spread": 2,
        "slippage": 3,
        "entry_fee": "0.01",
        "exit_fee": "0.02",
        "funding_rate_total": "0.001",
    }
    place = {"tick_size": 1, "lot_size": "0.5", "contract_size": 1, "stop": 110}
    taker = sizing.loss_at_stop("short", one(100), 2, **place, **costs)
    assert taker == {
        "price": 10,
        "entry_fee": exact("0.99"),  # sold at 99
        "exit_fee": exact("2.28"),  # bought back at 110 + 1 + 3
        "spread": 2,
        "slippage": 3,
        "funding": exact("0.11"),  # of the larger notional, the one at the stop
        "total": exact("18.38"),
    }
    maker = sizing.loss_at_stop("short", one(100), 2, entry_is_taker=False, **place, **costs)
    assert (maker["entry_fee"], maker["spread"]) == (1, 1)


def random_plan(rng: random.Random) -> dict[str, object]:
    """Return the arguments of a plan: one to four legs in order, any costs, either side."""
    side = rng.choice(["long", "short"])
    stop = rng.randint(500, 2_000)
    offsets = sorted(rng.sample(range(1, 400), rng.randint(1, 4)), reverse=rng.random() < 0.5)
    weights = [rng.randint(1, 9) for _ in offsets]
    step = 1 if side == "long" else -1
    return {
        "side": side,
        "legs": [
            (stop + step * offset, Fraction(weight, sum(weights)))
            for offset, weight in zip(offsets, weights, strict=True)
        ],
        "tick_size": 1,
        "lot_size": rng.choice(["0.001", "0.1", "1"]),
        "contract_size": rng.choice(["1", "0.01", "100"]),
        "stop": stop,
        "spread": Fraction(rng.randint(0, 30), 10),
        "slippage": Fraction(rng.randint(0, 90), 7),
        "entry_fee": Fraction(rng.randint(0, 12), 10_000),
        "exit_fee": Fraction(rng.randint(0, 12), 10_000),
        "entry_is_taker": rng.random() < 0.5,
        "funding_rate_total": Fraction(rng.randint(0, 30), 10_000),
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_are_the_money_that_moves(seed: int) -> None:
    """The total equals what is paid and received leg by leg at the executed prices, with fees and funding."""
    rng = random.Random(seed)
    for _ in range(60):
        plan, lots = random_plan(rng), rng.randint(0, 500)
        s = margin.sign(plan["side"])
        coin = exact(plan["lot_size"]) * exact(plan["contract_size"])
        worse = plan["spread"] / 2 if plan["entry_is_taker"] else 0
        shares = [share for _, share in plan["legs"]]
        split = sizing.split_lots(lots, shares)
        assert sum(split) == lots
        bought = sum(
            n * coin * (price + s * worse) for n, (price, _) in zip(split, plan["legs"], strict=True)
        )
        sold = lots * coin * (plan["stop"] - s * (plan["spread"] / 2 + plan["slippage"]))
        asked = sum(n * coin * price for n, (price, _) in zip(split, plan["legs"], strict=True))
        funding = plan["funding_rate_total"] * max(asked, lots * coin * plan["stop"])
        lost = s * (bought - sold) + bought * plan["entry_fee"] + sold * plan["exit_fee"] + funding
        loss = sizing.loss_at_stop(lots=lots, **plan)
        assert loss["total"] == lost
        assert set(loss) == {*sizing.PARTS, "total"}
        rounded = sizing.rounded_loss(lots=lots, **plan)
        assert 0 <= rounded["total"] - lost < Fraction(6, 10**8)
        assert rounded["total"] == sum(rounded[part] for part in sizing.PARTS)


@pytest.mark.parametrize("seed", range(4))
def test_search_equals_counting_and_one_more_lot_breaks_the_budget(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        plan, wanted = random_plan(rng), rng.randint(0, 40)
        loss = sizing.rounded_loss(lots=wanted, **plan)["total"]
        budget = loss + Fraction(rng.randint(0, 10), 10**8)
        found = sizing.largest_lots(budget, **plan)
        assert found == sizing.brute_largest_lots(budget, **plan)
        assert found >= wanted
        assert sizing.rounded_loss(lots=found, **plan)["total"] <= budget
        assert sizing.rounded_loss(lots=found + 1, **plan)["total"] > budget


def test_lots_are_split_by_cumulative_shares() -> None:
    shares = ["0.3", "0.4", "0.3"]
    assert sizing.split_lots(10, shares) == [3, 4, 3]
    assert [sizing.split_lots(lots, shares) for lots in range(5)] == [
        [0, 0, 0],
        [0, 0, 1],
        [0, 1, 1],
        [0, 2, 1],
        [1, 1, 2],  # one lot more takes one from the middle leg
    ]


def test_a_ladder_that_goes_to_and_fro_is_refused() -> None:
    """Its loss can fall as lots are added, so a largest size means nothing."""
    place = {"tick_size": 1, "lot_size": 1, "contract_size": 1, "stop": 100}
    zigzag = [(101, "0.3"), (190, "0.4"), (101, "0.3")]
    losses = [sizing.loss_at_stop("long", zigzag, lots, **place)["total"] for lots in (3, 4)]
    assert losses == [181, 93]
    with pytest.raises(ValueError, match="one end"):
        sizing.largest_lots(100, "long", zigzag, **place)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"legs": [(65_000, "0.5")]}, "add up"),
        ({"legs": [(65_000, 2), (64_000, -1)]}, "below zero"),
        ({"legs": [("65000.05", 1)]}, "ticks"),
        ({"stop": "63700.05"}, "ticks"),
        ({"stop": 65_100}, "winning side"),
        ({"slippage": 63_700}, "no exit price"),
        ({"slippage": -1}, "below zero"),
        ({"funding_rate_total": "-0.001"}, "below zero"),
        ({"lot_size": 0}, "above zero"),
        ({"lots": -1}, "negative"),
    ],
)
def test_plans_that_mean_nothing_are_refused(changed: dict[str, object], message: str) -> None:
    plan = {"side": "long", "legs": one(65_000), "lots": 1, "stop": 63_700, **BTC_LOT} | changed
    with pytest.raises(ValueError, match=message):
        sizing.loss_at_stop(**plan)


def test_a_trade_that_risks_nothing_has_no_largest_size() -> None:
    with pytest.raises(ValueError, match="nothing is lost"):
        sizing.largest_lots(10, "long", one(65_000), stop=65_000, **BTC_LOT)


# --- sizing: break-even ---------------------------------------------------------------------------


def test_break_even_without_costs_is_the_entry() -> None:
    for side in ("long", "short"):
        assert sizing.break_even(side, one(65_000), 1, **BTC_LOT) == 65_000


def test_break_even_of_two_taker_fees() -> None:
    """60,000 * 1.0005 / 0.9995 = 60,060.03.. and 60,000 * 0.9995 / 1.0005 = 59,940.02.. on the tick."""
    fees = {"entry_fee": "0.0005", "exit_fee": "0.0005"}
    assert sizing.break_even("long", one(60_000), 1, **BTC_LOT, **fees) == exact("60060.1")
    assert sizing.break_even("short", one(60_000), 1, **BTC_LOT, **fees) == exact("59940.0")


def test_break_even_by_hand_with_spread_and_funding() -> None:
    """Long at 100, spread 2 as taker both ways: 102 in all; funding 1 % of the closing notional on top."""
    place = {"tick_size": 1, "lot_size": 1, "contract_size": 1}
    assert sizing.break_even("long", one(100), 1, spread=2, **place) == 102
    assert sizing.break_even("long", one(100), 1, spread=2, entry_is_taker=False, **place) == 101
    assert sizing.break_even("long", one(100), 1, spread=2, funding_rate_total="0.01", **place) == 104
    assert sizing.break_even("short", one(100), 1, spread=2, funding_rate_total="0.01", **place) == 97
    assert sizing.break_even("short", one(100), 1, entry_fee=1, **place) is None


@pytest.mark.parametrize("seed", range(4))
def test_break_even_is_the_first_tick_that_pays(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        plan = random_plan(rng)
        del plan["stop"], plan["slippage"]
        lots = rng.randint(1, 300)
        found = sizing.break_even(lots=lots, **plan)
        assert found is not None
        steps = (plan["tick_size"], plan["lot_size"], plan["contract_size"])
        costs = (plan["spread"], plan["entry_fee"], plan["exit_fee"], plan["funding_rate_total"])
        trade = sizing.planned_trade(plan["side"], plan["legs"], steps, costs, plan["entry_is_taker"])
        assert sizing.net_at_close(trade, lots, found) >= 0
        assert sizing.net_at_close(trade, lots, found - trade.direction) < 0
