"""Wrong units: one order on every venue is the same order, and a slip of ten is never silent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import lotwise
from lotwise import Contract, FeeSchedule, OrderPreview
from lotwise.errors import InputError

PRICE = "60000"
ASKED: dict[str, Any] = {"price": PRICE, "stop": "2%", "equity": "2000", "risk": "1%"}
WIRES = {
    "binance:BTCUSDT": ("0.01", "BTC"),
    "bybit:BTCUSDT": ("0.01", "BTC"),
    "bingx:BTC-USDT": ("0.01", "BTC"),
    "mexc:BTC_USDT": ("100", "contracts of 0.0001 BTC"),
    "weex:BTCUSDT": ("0.01", "BTC"),
}
"""0.01 BTC as each venue's order counts it; spec of the venues' order quantity units."""
COIN_M = "binance-coinm:BTCUSD_PERP"


def seen(contract: str | Contract, quantity: object, **changes: Any) -> OrderPreview:
    return lotwise.preview(contract, quantity=quantity, **(ASKED | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("contract", WIRES)
def test_a_hundredth_of_a_bitcoin_is_the_same_everywhere(contract: str) -> None:
    found = seen(contract, "0.01 BTC")
    assert (found.wire_quantity, found.wire_unit) == WIRES[contract]
    assert Decimal(found.notional) == 600
    assert Decimal(found.coins) == Decimal("0.01")
    assert found.plausible, found.warnings


def test_on_coin_m_within_one_contract() -> None:
    """600 USD of it: six contracts of 100 USD, 0.01 BTC at 60,000."""
    found = seen(COIN_M, "600 USD", equity="0.05")
    assert (found.wire_quantity, found.wire_unit) == ("6", "contracts of 100 USD")
    assert Decimal(found.coins) == Decimal("0.01")
    lot = Fraction(100, 60_000)
    assert abs(Fraction(found.notional) - Fraction(1, 100)) <= lot
    assert found.preview == "0.01 BTC = 6 contracts = 600 USD"


@pytest.mark.parametrize("contract", WIRES)
@pytest.mark.parametrize("slip", ["0.1 BTC", "1 BTC", "6000 USDT"])
def test_ten_times_too_much_is_warned_about(contract: str, slip: str) -> None:
    found = seen(contract, slip)
    assert not found.plausible
    assert any("times the largest size that fits" in warning for warning in found.warnings)


def test_ten_times_too_much_on_coin_m() -> None:
    found = seen(COIN_M, "60 contracts", equity="0.05")
    assert not found.plausible
    assert any("times the largest" in warning for warning in found.warnings)


def test_a_bare_number_where_a_contract_is_not_a_coin() -> None:
    found = seen("mexc:BTC_USDT", "0.01")
    assert found.wire_quantity == "100"
    assert not found.plausible
    assert "0.01 was read as 0.01 BTC, 100 contracts" in found.warnings[0]
    assert "write the unit" in found.warnings[0]


def test_coins_typed_for_contracts_are_ten_thousand_times_too_much() -> None:
    found = seen("mexc:BTC_USDT", "100")
    assert found.wire_quantity == "1000000"
    assert len(found.warnings) == 3
    assert "100 contracts are 600.00 USDT" in found.warnings[0]
    assert found.warnings[2] == "worth 6,000,000.00 USDT, 3000.00 times the account"


def test_money_is_rounded_down_to_the_lot() -> None:
    found = seen("binance:BTCUSDT", "650 USDT")
    assert (found.coins, found.notional) == ("0.01", "600.00")


def test_what_is_expected_must_match_within_a_lot() -> None:
    assert seen("binance:BTCUSDT", "0.01", expect="640").notional == "600.00"
    with pytest.raises(InputError) as wrong:
        seen("binance:BTCUSDT", "0.01", expect="6000")
    assert wrong.value.code == "SIZE-048"
    assert "600.00 USDT" in wrong.value.message
    assert "6,000.00 USDT" in wrong.value.message


def test_below_the_smallest_order() -> None:
    own = Contract(
        symbol="OWN",
        base="BTC",
        tick_size="0.1",
        lot_size="0.001",
        min_quantity="0.002",
        fees=FeeSchedule("0", "0"),
    )
    found = seen(own, "0.001 BTC")
    assert found.warnings == ["the venue takes 0.002 BTC at least"]


def test_an_account_that_fits_nothing_says_so() -> None:
    found = seen("binance:BTCUSDT", "0.002 BTC", equity="200")
    assert not found.plausible
    assert found.warnings[0].startswith("no size fits this account: the smallest order")


def test_a_lot_too_few() -> None:
    with pytest.raises(InputError) as wrong:
        seen("binance:BTCUSDT", "5 USDT")
    assert wrong.value.code == "SIZE-030"
