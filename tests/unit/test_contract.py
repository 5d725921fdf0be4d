"""A contract of your own: one call, checked when built, exact text of its prices and quantities."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

import lotwise
from lotwise import Contract, FeeSchedule, FundingTerms, MarginTier, size
from lotwise.contracts.bounds import MAX_NOTIONAL_CASH, MAX_TICK8
from lotwise.contracts.venue_rules import maintenance_rule_on
from lotwise.errors import InputError
from lotwise.units import SCALE, Number

OWN: dict[str, Any] = {"symbol": "OWN", "base": "BTC", "tick_size": "0.1", "lot_size": "0.001"}


def own(**facts: Any) -> Contract:
    return Contract(**(OWN | facts))


def assert_contradiction(code: str, **facts: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        own(**facts)
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


# -- one call --------------------------------------------------------------------------------------


def test_a_contract_of_your_own_is_one_call() -> None:
    nano = Contract(
        symbol="ETH-NANO",
        base="ETH",
        tick_size="0.01",
        lot_size="1",
        contract_size="0.001",
        fees=FeeSchedule(maker="0.02%", taker="0.05%"),
        tiers=[MarginTier("0", "50000", "50", "0.01", "0")],
    )
    plan = size(nano, side="long", entry="3520", stop="3450", equity="500", risk="5", leverage="5")
    assert (plan.contract, plan.feasible, plan.lots) == ("own:ETH-NANO", True, 68)
    assert (plan.quantity, plan.contracts) == ("0.068", "68")
    assert plan.as_of is None


def test_four_facts_are_enough_and_the_rest_is_unknown() -> None:
    bare = own()
    assert (bare.id, bare.quote, bare.settle, bare.kind) == ("own:OWN", "USDT", "USDT", "linear_perpetual")
    assert (bare.contract_size, bare.leverage_step, bare.maintenance_rule) == ("1", "1", "mark")
    unknown = ("min_quantity", "max_quantity", "min_notional", "max_leverage", "fees", "funding", "expiry")
    assert [getattr(bare, name) for name in unknown] == [None] * len(unknown)
    assert bare.tiers == bare.tier_rows == ()
    assert bare.tiers_start_cash == 0


def test_the_settle_coin_is_the_quote_where_none_is_given() -> None:
    assert own(quote="USDC").settle == "USDC"
    assert own(quote="USDC", settle="USDT").settle == "USDT"


def test_numbers_may_be_text_integers_or_decimals() -> None:
    by_text = own(tick_size="0.10", lot_size="1", max_leverage="20")
    by_number = own(tick_size=Decimal("0.1"), lot_size=1, max_leverage=20)
    assert by_text.scales == by_number.scales


def test_the_integers() -> None:
    scales = own(
        tick_size="0.5",
        lot_size="2",
        contract_size="0.001",
        min_quantity="3",
        max_quantity="1001",
        max_market_quantity="99",
        min_notional="5",
        max_leverage="12.5",
        leverage_step="0.01",
    ).scales
    assert scales.tick_size8 == 50_000_000
    assert scales.lot_size8 == 200_000_000
    assert scales.per_lot16 == 2 * 10**13
    assert scales.cash_per_tick_lot == 100_000  # 0.5 x 0.002
    assert scales.min_lots == 2  # 3 contracts in lots of 2, rounded up
    assert scales.max_lots == 49  # the smaller of both, rounded down
    assert scales.min_notional_cash == 5 * SCALE
    assert scales.max_leverage100 == 1250
    assert scales.leverage_step100 == 1
    assert scales.price_decimals == 1


def test_the_largest_leverage_is_that_of_the_first_tier_where_none_is_given() -> None:
    tier = MarginTier("0", "50000", "50", "0.01", "0")
    assert own(tiers=[tier]).scales.max_leverage100 == 5000
    assert own(tiers=[tier], max_leverage="20").scales.max_leverage100 == 2000
    assert own().scales.max_leverage100 is None


def test_a_contract_is_frozen_and_comparable() -> None:
    one, same = own(tiers=[]), own(tiers=())
    assert one == same
    assert hash(one) == hash(same)
    with pytest.raises(AttributeError):
        one.tick_size = "1"  # type: ignore[misc]


# -- fees and funding ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rate8"), [("0.0005", 50_000), ("0.05%", 50_000), ("5bp", 50_000), ("-0.5bp", -5_000), (0, 0)]
)
def test_fee_rates(text: Number, rate8: int) -> None:
    assert FeeSchedule(text, text).taker8 == rate8
    assert FeeSchedule(text, text).maker8 == rate8


@pytest.mark.parametrize(("maker", "taker"), [("-1%", "10%"), ("10%", "-1%")])
def test_the_outermost_fees(maker: str, taker: str) -> None:
    assert FeeSchedule(maker, taker).maker == maker


@pytest.mark.parametrize("fee", ["-1.000001%", "10.000001%", "0.5", "5"])
def test_a_fee_outside(fee: str) -> None:
    for pair in ((fee, "0"), ("0", fee)):
        with pytest.raises(InputError) as caught:
            FeeSchedule(*pair)
        assert caught.value.code == "CONTRACT-120"
        assert fee in caught.value.message


@pytest.mark.parametrize("hours", [0, -1, 25, 8.0, "8", True, None])
def test_funding_hours(hours: Any) -> None:
    assert FundingTerms(1).interval_hours == 1
    assert FundingTerms(24).cap is None
    with pytest.raises(InputError) as caught:
        FundingTerms(hours)
    assert caught.value.code == "CONTRACT-121"


# -- tiers that contradict each other --------------------------------------------------------------

TABLE = [
    ("0", "50000", "125", "0.004", "0"),
    ("50000", "500000", "100", "0.005", "50"),
    ("500000", "1000000", "50", "0.01", "2550"),
]


def test_a_sound_table() -> None:
    rows = own(tiers=[MarginTier(*row) for row in TABLE]).tier_rows
    assert [row.cap_cash // SCALE for row in rows] == [50_000, 500_000, 1_000_000]
    assert [row.rate8 for row in rows] == [400_000, 500_000, 1_000_000]
    assert [row.cumulative_cash // SCALE for row in rows] == [0, 50, 2550]
    assert [row.max_leverage100 for row in rows] == [12_500, 10_000, 5_000]
    assert [row.maintenance_at_cap_cash // SCALE for row in rows] == [200, 2_450, 7_450]


def test_rates_of_a_table_may_be_percentages() -> None:
    plain = own(tiers=[MarginTier(*row) for row in TABLE]).tier_rows
    percent = [(*row[:3], f"{Decimal(row[3]) * 100}%", row[4]) for row in TABLE]
    assert own(tiers=[MarginTier(*row) for row in percent]).tier_rows == plain


@pytest.mark.parametrize(
    ("tier", "column", "value", "code", "says"),
    [
        (0, 0, "-1", "CONTRACT-130", "tier 1"),
        (0, 0, "50000", "CONTRACT-130", "tier 1"),
        (1, 2, "0.99", "CONTRACT-130", "leverage 0.99"),
        (0, 3, "1", "CONTRACT-130", "rate 1"),
        (0, 3, "-0.004", "CONTRACT-130", "rate -0.004"),
        (0, 4, "-1", "CONTRACT-130", "cumulative -1"),
        (0, 4, "1", "CONTRACT-132", "floor 0"),
        (1, 0, "60000", "CONTRACT-131", "60000"),
        (1, 0, "40000", "CONTRACT-131", "40000"),
        (1, 1, "50000", "CONTRACT-130", "tier 2"),
        (1, 1, "400000", "CONTRACT-131", "400000"),
        (1, 2, "126", "CONTRACT-130", "leverage rises"),
        (1, 3, "0.003", "CONTRACT-130", "rate falls"),
        (1, 3, "0.006", "CONTRACT-132", "continuity asks 100"),
        (1, 4, "51", "CONTRACT-132", "continuity asks 50"),
        (2, 4, "2549.99999999", "CONTRACT-132", "continuity asks 2550"),
        (2, 1, "6000000000", "CONTRACT-112", "6000000000"),
    ],
)
def test_a_table_that_contradicts_itself(tier: int, column: int, value: str, code: str, says: str) -> None:
    table = [list(row) for row in TABLE]
    table[tier][column] = value
    error = assert_contradiction(code, tiers=[MarginTier(*row) for row in table])
    assert says in error.message
    assert "own:OWN" in error.message


@pytest.mark.parametrize("leverage", ["0.99", "1001"])
def test_the_leverage_of_the_first_tier_is_named_where_it_is_wrong(leverage: str) -> None:
    error = assert_contradiction("CONTRACT-103", tiers=[MarginTier("0", "50000", leverage, "0.01", "0")])
    assert leverage in error.message


def test_tiers_out_of_order() -> None:
    assert_contradiction("CONTRACT-131", tiers=[MarginTier(*row) for row in reversed(TABLE)])
    assert_contradiction("CONTRACT-131", tiers=[MarginTier(*row) for row in (TABLE[0], TABLE[2])])


# -- bounds ----------------------------------------------------------------------------------------


def test_a_unit_finer_than_a_unit_of_money() -> None:
    assert own(tick_size="0.0001", lot_size="0.0001").scales.cash_per_tick_lot == 1
    error = assert_contradiction("CONTRACT-110", tick_size="0.0001", lot_size="0.00015")
    assert "0.000000015" in error.message


def test_the_largest_tick() -> None:
    assert own(tick_size="900").scales.tick_size8 == MAX_TICK8
    error = assert_contradiction("CONTRACT-111", tick_size="900.00000001", lot_size="1")
    assert "900" in error.message


def test_the_largest_lot() -> None:
    largest = MAX_NOTIONAL_CASH // 1000 // SCALE
    assert own(tick_size="1", lot_size=str(largest)).scales.cash_per_tick_lot == largest * SCALE
    assert_contradiction("CONTRACT-111", tick_size="1", lot_size=str(largest + 1))


def test_the_largest_tier_cap() -> None:
    cap = MAX_NOTIONAL_CASH // SCALE
    assert own(tiers=[MarginTier("0", str(cap), "1", "0.5", "0")]).tier_rows[0].cap_cash == cap * SCALE
    assert_contradiction("CONTRACT-112", tiers=[MarginTier("0", str(cap + 1), "1", "0.5", "0")])


def test_the_largest_order_is_the_venues_within_the_proof() -> None:
    free, capped = own(), own(max_quantity="5")
    assert free.max_lots_at(650_000) == free.exact_lots_at(650_000)
    assert capped.max_lots_at(650_000) == 5_000
    assert capped.max_lots_at(10**15) == capped.exact_lots_at(10**15) < 5_000
    unit = free.scales.cash_per_tick_lot
    most = free.exact_lots_at(650_000)
    assert most * unit * 650_000 <= MAX_NOTIONAL_CASH < (most + 1) * unit * 650_000
    assert free.exact_lots_at(0) == free.exact_lots_at(1)


# -- replace ---------------------------------------------------------------------------------------


def test_replace_changes_and_checks_again() -> None:
    first = own(max_quantity="5")
    assert first.price_text(10) == "1.0"
    second = first.replace(tick_size="0.5", fees=FeeSchedule("0", "0"))
    assert second.price_text(10) == "5.0"
    assert second.scales.max_lots == 5_000
    assert second.fees == FeeSchedule("0", "0")
    assert (first.tick_size, first.fees) == ("0.1", None)
    with pytest.raises(InputError) as caught:
        first.replace(min_quantity="6")
    assert caught.value.code == "CONTRACT-105"


def test_replace_forgets_old_tiers() -> None:
    first = own(tiers=[MarginTier(*row) for row in TABLE])
    assert len(first.tier_rows) == 3
    assert first.replace(tiers=()).tier_rows == ()
    assert len(first.replace(tiers=[MarginTier(*TABLE[0])]).tier_rows) == 1


def test_a_contract_of_the_catalogue_can_be_adapted() -> None:
    found = lotwise.contract("binance:BTCUSDT")
    cheaper = found.replace(fees=FeeSchedule("0", "0.02%"))
    assert cheaper.id == found.id
    assert cheaper.tier_rows == found.tier_rows
    asked = {"side": "long", "entry": "65000", "stop": "2%", "equity": "1000", "risk": "1%"}
    plan = size(cheaper, **asked)  # type: ignore[arg-type]
    assert plan.loss_breakdown is not None
    assert plan.loss_breakdown.entry_fee == "0.091"


# -- exact text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tick", "ticks", "text"),
    [
        ("0.10", 650_000, "65000.0"),
        ("0.1", 1, "0.1"),
        ("0.5", 3, "1.5"),
        ("0.25", 2, "0.50"),
        ("1", 65_000, "65000"),
        ("5", 2, "10"),
        ("0.0000001", 1, "0.0000001"),
        ("0.0000001", 10, "0.0000010"),
    ],
)
def test_price_text(tick: str, ticks: int, text: str) -> None:
    contract = own(tick_size=tick, lot_size="1")
    assert contract.price_text(ticks) == text
    assert contract.price_ticks(text, "price") == ticks
    assert Decimal(text) == ticks * Decimal(tick)


@pytest.mark.parametrize(
    ("lot", "contract_size", "lots", "contracts", "coins"),
    [
        ("0.001", "1", 7, "0.007", "0.007"),
        ("1", "0.001", 428, "428", "0.428"),
        ("1", "100", 3, "3", "300"),
        ("0.00000001", "1000", 1, "0.00000001", "0.00001"),
        ("10", "0.0001", 1_000, "10000", "1"),
        ("0.1", "0.00000001", 10**9, "100000000", "1"),
    ],
)
def test_quantity_text(lot: str, contract_size: str, lots: int, contracts: str, coins: str) -> None:
    contract = own(tick_size="10", lot_size=lot, contract_size=contract_size)
    assert contract.contracts_text(lots) == contracts
    assert contract.quantity_text(lots) == coins


def test_notional_text() -> None:
    assert own().notional_text(650_000, 7) == "455.00"
    assert own(tick_size="0.01").notional_text(1, 1) == "0.00001"
    assert own(lot_size="1", contract_size="0.0001").notional_text(600_000, 1) == "6.00"


def test_every_fact_is_json_ready() -> None:
    found = lotwise.contract("binance:BTCUSDT")
    facts = msgspec.json.decode(msgspec.json.encode(found))
    assert facts.keys() == set(Contract.__struct_fields__)
    assert (facts["tick_size"], facts["tiers"][0]["notional_floor"]) == ("0.1", "0")


# -- rules of a day --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("venue", "day", "rule"),
    [
        ("bybit", "2025-09-01", "entry"),
        ("bybit", "2025-09-02", "mark"),
        ("bybit", "2020-01-01", "entry"),
        ("binance", "2020-01-01", "mark"),
        ("own", "2020-01-01", "mark"),
    ],
)
def test_bybits_maintenance_margin_changed_on_a_day(venue: str, day: str, rule: str) -> None:
    assert maintenance_rule_on(venue, day) == rule
