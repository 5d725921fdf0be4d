"""A hedge: lots by fractions, cash for a rise by the oracle, swings of made-up markets, ways asked again."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import lotwise
from lotwise.analysis.carry import HOUR_NS, funding_of
from lotwise.app.hedge import hedge
from lotwise.app.hedge_measure import measure
from lotwise.errors import InputError
from lotwise.records.hedge import HedgeAnswer

ETH: dict[str, Any] = {"contract": "binance:ETHUSDT", "holding": "0.5137", "price": "2640"}
BTC: dict[str, Any] = {"against": "binance:BTCUSDT", "against_price": "95000", "beta": "1.53"}

IN_BITCOIN = lotwise.Contract(symbol="ETHBTC", base="ETH", quote="BTC", tick_size="0.01", lot_size="1")


def fraction(text: str | None) -> Fraction:
    assert text is not None
    return Fraction(text.removesuffix(" %"))


def seeded(count: int) -> list[tuple[str, str, str]]:
    """Holdings, prices, betas."""
    chance = np.random.default_rng(11)
    return [
        (
            f"{chance.uniform(0.02, 40):.{int(chance.integers(2, 9))}f}",
            f"{chance.uniform(300, 9000):.2f}",
            f"{chance.uniform(0.2, 3):.4f}",
        )
        for _ in range(count)
    ]


def check_lots(found: HedgeAnswer, exact: Fraction, lot: Fraction, price: Fraction) -> None:
    """Lower and nearest lots and what they leave open, by fractions."""
    lower = math.floor(exact / lot)
    nearest = min((lower, lower + 1), key=lambda lots: (abs(exact - lots * lot), lots))
    for choice, lots in ((found.lower, lower), (found.nearest, nearest)):
        assert choice.lots == lots
        left = exact - lots * lot
        assert abs(fraction(choice.left_open)) >= abs(left)
        assert abs(fraction(choice.left_open) - left) < Fraction(1, 10**8)
        worth = fraction(choice.left_open_worth)
        assert abs(worth) >= abs(left * price)
        assert abs(worth - left * price) < Fraction(1, 10**8)
    assert fraction(found.lower.left_open) >= 0


def test_lots_of_the_same_coin_are_those_of_fractions() -> None:
    lot = Fraction("0.001")
    over = 0
    for holding, price, _ in seeded(300):
        found = hedge("binance:ETHUSDT", holding=holding, price=price)
        check_lots(found, Fraction(holding), lot, Fraction(price))
        assert found.feasible
        assert Fraction(found.quantity) <= Fraction(holding)
        over += found.nearest.left_open.startswith("-")
    assert over > 100


def test_lots_by_beta_are_those_of_fractions() -> None:
    lot = Fraction("0.001")
    small = 0
    for holding, price, beta in seeded(300):
        found = hedge(
            "binance:ETHUSDT",
            holding=holding,
            price=price,
            against="binance:BTCUSDT",
            against_price="95000.1",
            beta=beta,
        )
        exact = Fraction(beta) * Fraction(holding) * Fraction(price) / Fraction("95000.1")
        check_lots(found, exact, lot, Fraction("95000.1"))
        small += not found.feasible
        assert found.feasible == (found.lots >= 2)  # the venue asks for 100 USDT: two lots
    assert 0 < small < 100


def test_the_cash_for_a_rise_is_the_least_that_survives_it() -> None:
    """Asked of the liquidation oracle: with it the rise is survived, with a little less it is not."""
    for holding, price, _ in seeded(60):
        for rise in ("7%", "50%", "180%"):
            found = hedge("binance:ETHUSDT", holding=holding, price=price, rise=rise)
            assert found.margin is not None
            wallet, at = fraction(found.margin.cash_for_rise), fraction(found.margin.rise_price)
            assert at >= Fraction(price) * (1 + Fraction(rise.removesuffix("%")) / 100)
            asked = {"side": "short", "quantity": found.quantity, "entry": price}
            kept = lotwise.liquidation("binance:ETHUSDT", wallet=text(wallet), **asked)
            assert fraction(kept.liquidation_price) >= at - Fraction(1, 10**8)
            less = text(wallet - Fraction(4, 10**8))
            lost = lotwise.liquidation("binance:ETHUSDT", wallet=less, **asked)
            assert fraction(lost.liquidation_price) < at


def text(number: Fraction) -> str:
    return f"{Decimal(number.numerator) / Decimal(number.denominator):.8f}"


def test_margin_costs_and_funding_by_hand() -> None:
    found = hedge(**ETH, leverage="4", funding_rate="0.01%", spread="0.04", slippage="3t")
    worth = Fraction("0.513") * 2640
    assert found.margin is not None
    assert fraction(found.margin.initial_margin) == worth / 4
    by_oracle = lotwise.liquidation(
        "binance:ETHUSDT", side="short", quantity="0.513", entry="2640", leverage="4"
    )
    assert found.margin.liquidation_price == by_oracle.liquidation_price
    risen = fraction(found.margin.liquidation_price) / 2640 - 1
    assert 0 <= risen * 100 - fraction(found.margin.may_rise) < Fraction(1, 10**6)
    assert found.costs is not None
    lots, fee = Fraction("0.513"), Fraction("0.0005")
    out = (2640 + Fraction("0.02") + Fraction("0.03")) * lots * fee
    opened = (2640 - Fraction("0.02")) * lots * fee
    for told, exact in (
        (found.costs.entry_fee, opened),
        (found.costs.exit_fee, out),
        (found.costs.spread, Fraction("0.04") * lots),
        (found.costs.slippage, Fraction("0.03") * lots),
    ):
        assert 0 <= fraction(told) - exact < Fraction(1, 10**8)
    assert found.carry is not None
    assert fraction(found.carry.year) == worth * Fraction("0.0001") * 3 * 365
    assert 0 <= worth * Fraction("0.0003") - fraction(found.carry.day) < Fraction(1, 10**8)
    paying = hedge(**ETH, funding_rate="-0.01%")
    assert paying.carry is not None
    assert paying.carry.year == "-148.29804"
    assert any("the short pays" in one for one in paying.warnings)


def test_funding_of_the_past_is_by_the_time_it_paid_for() -> None:
    past = funding_of(
        [0, 8 * HOUR_NS, 12 * HOUR_NS], [5000, 20_000, -1000], [8 * HOUR_NS, 8 * HOUR_NS, 4 * HOUR_NS]
    )
    found = hedge(**ETH, funding=past)
    assert found.carry is not None
    year = Fraction(24_000, 10**8) * 365 * 24 / 20
    assert 0 <= year * 100 - fraction(found.carry.year_rate) < Fraction(1, 10**6)
    assert "3 payments" in found.carry.source


def moves(rows: int = 40_000) -> tuple[Any, Any, Any]:
    """Times, closes of a holding that moves 1.4 times as far as a hedge, with noise of its own."""
    chance = np.random.default_rng(5)
    lead = chance.normal(0, 0.001, rows)
    own = 1.4 * lead + chance.normal(0, 0.0009, rows)
    times = np.arange(rows + 1, dtype=np.int64) * 60 * 10**9
    return (
        times,
        100 * np.exp(np.concatenate(([0], own.cumsum()))),
        50 * np.exp(np.concatenate(([0], lead.cumsum()))),
    )


def test_what_stays_of_the_swings_is_what_a_hedged_account_swings() -> None:
    times, holding, lead = moves()
    measured = measure((times, holding), (times, lead))
    assert measured.beta == pytest.approx(1.4, abs=4 * (measured.error or 0))
    plain = {
        "contract": "binance:ETHUSDT",
        "price": "2640",
        "against": "binance:BTCUSDT",
        "against_price": "95000",
    }
    found = hedge(**plain, holding="0.2", measured=measured, choose="nearest")
    assert found.risk is not None
    assert found.beta is not None
    assert found.beta.error is not None
    assert "40,000 returns of 1 min" in (found.beta.window or "")
    hedged = float(found.quantity) * 95_000 * np.diff(np.log(lead))
    held = 0.2 * 2640 * np.diff(np.log(holding))
    left = (held - hedged).var(ddof=1) / held.var(ddof=1)
    assert float(found.risk.left_with_lots) == pytest.approx(left, abs=1e-4)
    day = math.sqrt(1440)
    assert float(found.risk.day_before or 0) == pytest.approx(held.std(ddof=1) * day, abs=0.01)
    assert float(found.risk.day_after or 0) == pytest.approx((held - hedged).std(ddof=1) * day, abs=0.02)
    alike = np.corrcoef(held, np.diff(np.log(lead)))[0, 1]
    assert float(found.risk.left_of_exact_hedge) == pytest.approx(1 - alike**2, abs=1e-6)


def test_a_window_is_the_newest_returns() -> None:
    times, holding, lead = moves(2_000)
    found = measure((times, holding), (times, lead), window=500)
    x, y = np.diff(np.log(lead[-501:])), np.diff(np.log(holding[-501:]))
    slope = float(np.polyfit(x, y, 1)[0])
    assert found.beta == pytest.approx(slope, rel=1e-6)
    assert (found.returns, found.bar_ns) == (500, 60 * 10**9)
    alone = measure((times, holding), window=500)
    assert alone.beta is None
    assert alone.day_volatility == pytest.approx(y.std(ddof=1) * math.sqrt(1440))


@pytest.mark.parametrize(("window", "rows"), [(29, 100), (101, 100), (None, 20)])
def test_too_few_returns_say_nothing(window: int | None, rows: int) -> None:
    times, holding, lead = moves(rows)
    with pytest.raises(InputError) as raised:
        measure((times, holding), (times, lead), window=window)
    assert raised.value.code == "HEDGE-109"


def test_prices_that_stand_still_say_nothing() -> None:
    times, holding, _ = moves(100)
    with pytest.raises(InputError) as raised:
        measure((times, holding), (times, np.full(101, 7.0)))
    assert raised.value.code == "HEDGE-109"


def test_a_measured_beta_below_0_is_no_hedge() -> None:
    times, holding, lead = moves(500)
    measured = measure((times, holding), (times, 1 / lead))
    with pytest.raises(InputError) as raised:
        hedge(**(ETH | {k: v for k, v in BTC.items() if k != "beta"}), measured=measured)
    assert raised.value.code == "HEDGE-102"


def test_a_hedge_below_the_smallest_order_is_refused_with_ways_that_work() -> None:
    for holding, code in (("0.0004", "HEDGE-110"), ("0.0016", "HEDGE-111")):
        found = hedge("binance:BTCUSDT", holding=holding, price="95000")
        assert (found.feasible, found.lots, found.margin, found.risk) == (False, 0, None, None)
        assert found.blocked_by is not None
        assert found.blocked_by.code == code
        ways = {way.kind: way for way in found.ways_out}
        assert {"holding", "contract"} <= set(ways)
        least = Decimal(ways["holding"].value)
        assert hedge("binance:BTCUSDT", holding=str(least), price="95000").feasible
        assert not hedge("binance:BTCUSDT", holding=str(least - Decimal("1e-8")), price="95000").feasible
        assert hedge(ways["contract"].value, holding=holding, price="95000").feasible
        assert ("nearest" in ways) == (holding == "0.0016")
    asked = hedge("binance:BTCUSDT", holding="0.0016", price="95000", choose="nearest")
    assert (asked.quantity, asked.nearest.left_open) == ("0.002", "-0.0004")
    assert any("more short than the exact hedge by 0.0004 BTC" in one for one in asked.warnings)


def test_a_hedge_beyond_the_largest_order_is_refused() -> None:
    found = hedge("binance:BTCUSDT", holding="5000", price="95000")
    assert found.blocked_by is not None
    assert found.blocked_by.code == "HEDGE-112"
    assert found.ways_out == []


def test_unknown_tiers_and_listed_futures_say_so() -> None:
    bybit = hedge("bybit:BTCUSDT", holding="0.4", price="95000")
    assert bybit.margin is not None
    assert bybit.margin.liquidation_price is None
    assert abs(fraction(bybit.margin.bankruptcy_price) - Fraction(95000 * 4, 3)) < 1
    assert "tiers of bybit:BTCUSDT are unknown" in bybit.warnings[0]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"holding": "0"}, "HEDGE-101"),
        ({"holding": "-1"}, "HEDGE-101"),
        ({**BTC, "beta": "0"}, "HEDGE-102"),
        ({**BTC, "beta": "21"}, "HEDGE-102"),
        ({"beta": "1.5"}, "HEDGE-103"),
        ({"against_price": "95000"}, "HEDGE-103"),
        ({"correlation": "0.5"}, "HEDGE-103"),
        ({**BTC, "beta": None}, "HEDGE-103"),
        ({**BTC, "against_price": None}, "HEDGE-103"),
        ({**BTC, "against": "bybit:ETHUSDT"}, "HEDGE-103"),
        ({"choose": "most"}, "HEDGE-103"),
        ({"rise": "0%"}, "HEDGE-105"),
        ({"rise": "10001%"}, "HEDGE-105"),
        ({"contract": "binance-coinm:ETHUSD_PERP"}, "HEDGE-106"),
        (
            {
                "contract": lotwise.Contract(
                    symbol="ETHBTC", base="ETH", quote="BTC", tick_size="0.01", lot_size="1"
                )
            },
            "HEDGE-107",
        ),
        ({**BTC, "correlation": "1.1"}, "HEDGE-108"),
        ({**BTC, "correlation": "-0.4"}, "HEDGE-108"),
        ({"volatility": "0%"}, "HEDGE-108"),
        ({"volatility": "1001%"}, "HEDGE-108"),
        ({"funding_rate": "11%"}, "HEDGE-113"),
        ({"price": "2640.001"}, "SIZE-002"),
        ({"price": "-3"}, "SIZE-001"),
        ({"leverage": "0"}, "SIZE-011"),
        ({"leverage": "400"}, "SIZE-012"),
        ({"holding": "1e3"}, "UNIT-102"),
        ({"holding": 0.5}, "UNIT-101"),
    ],
)
def test_what_cannot_be_used_is_refused(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as raised:
        hedge(**(ETH | changed))
    assert raised.value.code == code
    assert raised.value.hint
