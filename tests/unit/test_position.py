"""Positions already held: quantities in coins or contracts, and what the others do to the account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import lotwise
from lotwise import Contract, FeeSchedule, MarginTier, Position, liquidation, size
from lotwise.errors import InputError
from lotwise.sizing.position import check_countable, others_at_mark, read_price8, read_quantity
from lotwise.units import SCALE, Lots, Number, Price8

BTC = lotwise.contract("binance:BTCUSDT")
FACTS: dict[str, Any] = {"symbol": "NANO", "base": "ETH", "tick_size": "0.01", "lot_size": "10"}
NANO = Contract(**FACTS, contract_size="0.001", fees=FeeSchedule("0", "0"))
"""Ten contracts a lot, a thousandth of a coin each: a lot is 0.01 ETH."""


def assert_refused(code: str, contract: Contract, quantity: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read_quantity(contract, quantity)
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


# -- quantities ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contract", "quantity", "lots"),
    [
        (BTC, "0.001", 1),
        (BTC, " 0.5 ", 500),
        (BTC, "0.5 BTC", 500),
        (BTC, "0.5 btc", 500),
        (BTC, "0.5   BTC", 500),
        (BTC, "0.5 contracts", 500),
        (BTC, 2, 2_000),
        (BTC, Decimal("0.007"), 7),
        (BTC, "0.0010000000000000", 1),
        (NANO, "0.01", 1),
        (NANO, "1 ETH", 100),
        (NANO, "10 contracts", 1),
        (NANO, "500 Contracts", 50),
        (NANO, "10 ct", 1),
        (NANO, "10 contract", 1),
    ],
)
def test_a_quantity_in_coins_or_contracts(contract: Contract, quantity: Number, lots: int) -> None:
    assert read_quantity(contract, quantity) == lots


@pytest.mark.parametrize(
    ("contract", "quantity", "nearest"),
    [
        (BTC, "0.0015", "nearest: 0.001 and 0.002"),
        (BTC, "0.0005", "nearest quantities: 0.001"),
        (NANO, "0.015", "nearest: 0.01 and 0.02"),
        (NANO, "15 contracts", "nearest: 10 and 20"),
        (NANO, "5 contracts", "nearest quantities: 10"),
        (BTC, "0.0010000000000001", "nearest: 0.001 and 0.002"),
    ],
)
def test_between_two_lots_both_are_named(contract: Contract, quantity: str, nearest: str) -> None:
    error = assert_refused("SIZE-031", contract, quantity)
    assert error.hint == nearest
    assert quantity in error.message


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        ("0", "SIZE-030"),
        ("-1", "SIZE-030"),
        ("-0.0 BTC", "SIZE-030"),
        ("1 ETH", "SIZE-032"),
        ("1 000", "SIZE-032"),
        ("1 BTC BTC", "SIZE-032"),
        ("BTC", "UNIT-102"),
        ("1BTC", "UNIT-102"),
        ("1e-3", "UNIT-102"),
        ("0.5%", "UNIT-102"),
        ("", "UNIT-102"),
        (0.5, "UNIT-101"),
        (None, "UNIT-101"),
        ("0.00000000000000001", "UNIT-104"),
    ],
)
def test_what_is_no_quantity(quantity: Any, code: str) -> None:
    assert_refused(code, BTC, quantity)


def test_a_price_of_a_position_may_be_off_the_tick() -> None:
    assert read_price8("60000.12345678", "entry") == 6_000_012_345_678
    for price in ("0", "-1"):
        with pytest.raises(InputError) as caught:
            read_price8(price, "entry")
        assert caught.value.code == "SIZE-001"


def test_a_quantity_too_large_names_the_largest() -> None:
    price8 = Price8(60_000 * SCALE)
    most = BTC.exact_lots_at(600_001)
    with pytest.raises(InputError) as caught:
        check_countable(BTC, Lots(most + 1), price8)
    assert caught.value.code == "SIZE-033"
    assert caught.value.hint == f"give {BTC.quantity_text(most)} or less"
    given = caught.value.hint.removeprefix("give ").removesuffix(" or less")
    answer = liquidation(BTC, side="long", quantity=given, entry="60000", wallet="10000000000")
    assert answer.quantity == given


# -- the others of a cross account -----------------------------------------------------------------

TIER = MarginTier("0", "1000000", "50", "0.01", "0")
PLAIN: dict[str, Any] = {"base": "ETH", "tick_size": "0.01", "lot_size": "0.001", "tiers": [TIER]}
OWN = Contract(symbol="OWN", **PLAIN)
OTHER = Contract(symbol="OTHER", **PLAIN)


def holding(side: str, quantity: str, entry: str, mark: str | None = None) -> Position:
    return Position(contract=OTHER, side=side, quantity=quantity, entry=entry, mark=mark)


@pytest.mark.parametrize(
    ("position", "maintenance", "pnl"),
    [
        (holding("long", "1", "3000", "3300"), "33", "300"),
        (holding("short", "1", "3000", "3300"), "33", "-300"),
        (holding("long", "1", "3000", "2700"), "27", "-300"),
        (holding("short", "1", "3000", "2700"), "27", "300"),
        (holding("short", "2.5", "3000"), "75", "0"),
        (holding("sell", "1", "3000", "3000.5"), "30.005", "-0.5"),
        (holding("buy", "0.001", "3000.000001", "3000.000002"), "0.03", "0"),
    ],
)
def test_one_other_position_at_its_mark(position: Position, maintenance: str, pnl: str) -> None:
    """Maintenance is 1 % of the worth at the mark; a short loses what the mark gains."""
    assert others_at_mark(OWN, [position]) == (Decimal(maintenance) * SCALE, Decimal(pnl) * SCALE)


def test_others_add_up() -> None:
    both = [holding("long", "1", "3000", "3300"), holding("short", "1", "3000", "3300")]
    assert others_at_mark(OWN, both) == (66 * SCALE, 0)
    assert others_at_mark(OWN, tuple(both)) == (66 * SCALE, 0)
    assert others_at_mark(OWN, []) == (0, 0)


def test_a_losing_short_beside_brings_liquidation_nearer_and_a_winning_one_away() -> None:
    def at(*others: Position) -> Decimal:
        found = liquidation(
            OWN, side="long", quantity="1", entry="3000", margin="cross", wallet="1000", others=others
        )
        assert found.liquidation_price is not None
        return Decimal(found.liquidation_price)

    alone = at()
    losing, winning = at(holding("short", "1", "3000", "3300")), at(holding("short", "1", "3000", "2700"))
    assert losing > alone > winning
    # The wallet falls by the loss and by the other's maintenance margin; 1 % stays as maintenance.
    assert losing == ((3000 - (Decimal(1000) - 33 - 300)) / Decimal("0.99")).quantize(
        Decimal("1e-8"), rounding="ROUND_CEILING"
    )


def test_the_maintenance_of_the_others_counts_when_sizing() -> None:
    asked: dict[str, Any] = {
        "side": "long",
        "entry": "3000",
        "stop": "10%",
        "equity": "1000",
        "risk": "10%",
        "leverage": "3",
        "fees": FeeSchedule("0", "0"),
        "margin": "cross",
    }
    alone = size(OWN, **asked)
    beside = size(OWN, **asked, others=[holding("short", "10", "3000", "3000")])
    assert alone.feasible
    assert beside.feasible
    assert Decimal(beside.liquidation_price or 0) > Decimal(alone.liquidation_price or 0)


def test_another_coin_or_venue_shares_no_margin() -> None:
    in_usdc = Contract(symbol="C", quote="USDC", **PLAIN)
    elsewhere = Contract(symbol="C", venue="bybit", **PLAIN)
    for contract in (in_usdc, elsewhere):
        position = Position(contract=contract, side="long", quantity="1", entry="3000")
        with pytest.raises(InputError) as caught:
            others_at_mark(OWN, [position])
        assert caught.value.code == "SIZE-035"
        assert contract.id in caught.value.message


def test_an_inverse_price_below_one_tick_is_not_counted() -> None:
    own = Contract(
        symbol="INV",
        base="BTC",
        quote="USD",
        kind="inverse_perpetual",
        tick_size="0.1",
        lot_size="1",
        contract_size="100",
        tiers=[MarginTier("0", "50000", "100", "0.01", "0")],
    )
    with pytest.raises(InputError) as refused:
        lotwise.liquidation(own, side="long", quantity="500 USD", entry="0.00001", leverage="5")
    assert refused.value.code == "SIZE-033"
    assert "below one tick" in refused.value.message
