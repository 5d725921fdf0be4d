"""Bugs that were found and fixed, each with the case that showed it."""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

import pytest

import lotwise
from lotwise import Contract, FeeSchedule, MarginTier, Position, SizePlan, liquidation, size
from lotwise.cli.main import main
from lotwise.contracts import catalogue
from lotwise.errors import FactsError, InputError
from lotwise.kernel.codes import BUDGET
from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.layout import AskRow, LegRow, LimitsRow, SpecRow, TierRow, array_of
from lotwise.kernel.sizing import loss_cash
from lotwise.units import Lots

TRADE: dict[str, Any] = {"side": "long", "entry": "65000", "stop": "2%", "equity": "1000", "risk": "1%"}
OWN: dict[str, Any] = {"symbol": "OWN", "base": "BTC", "tick_size": "0.1", "lot_size": "0.001"}
FREE = FeeSchedule("0", "0")
FACTS = Path(lotwise.__file__).parent / "contracts" / "facts"


def own(**facts: Any) -> Contract:
    return Contract(**(OWN | {"fees": FREE} | facts))


def trade(contract: Contract | str = "binance:BTCUSDT", **changes: Any) -> SizePlan:
    return size(contract, **(TRADE | changes))


def assert_refused(code: str, contract: Contract | str = "binance:BTCUSDT", **changes: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        trade(contract, **changes)
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


# -- numbers beyond the proof ----------------------------------------------------------------------


def test_a_tiny_short_in_a_huge_account_is_never_liquidated(capsys: pytest.CaptureFixture[str]) -> None:
    """The price that would do it lies beyond every market; it was printed after an overflow."""
    words = shlex.split("liq BTCUSDT --short --qty 0.001 --entry 60000 --margin cross --wallet 100000000")
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "never"
    assert answer["liquidation_price"] is None
    assert answer["bankruptcy_price"] is None
    assert answer["distance"] is None
    assert answer["margin_call"]["price"] is None
    assert main([*words, "--plain"]) == 0
    assert "no price above zero liquidates it" in capsys.readouterr().out


def test_what_is_never_liquidated_has_no_tier_and_no_worth_there() -> None:
    held = {"quantity": "0.001", "entry": "60000", "margin": "cross", "wallet": "100000000"}
    for side in ("long", "short"):
        answer = liquidation("binance:BTCUSDT", side=side, **held)  # type: ignore[arg-type]
        assert answer.status == "never"
        assert (answer.numerator, answer.denominator) == (None, None)
        assert (answer.tier, answer.notional_at_liquidation) == (None, None)


def test_an_order_too_large_to_count_is_refused() -> None:
    error = assert_refused(
        "SIZE-033",
        own(tick_size="900", lot_size="6000"),
        entry="900000000000",
        stop="899999999100",
    )
    assert "900000000000" in error.message


@pytest.mark.parametrize(("side", "stop"), [("long", "899999999100"), ("short", "900000000900")])
def test_an_order_too_large_to_count_is_refused_on_both_sides(side: str, stop: str) -> None:
    huge = own(tick_size="900", lot_size="6000")
    assert_refused("SIZE-033", huge, side=side, entry="900000000000", stop=stop)


# -- targets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["60R", "150%", "100%", "60R:50%"])
def test_a_short_target_at_no_price_is_refused(target: str) -> None:
    error = assert_refused("SIZE-015", side="short", targets=[target])
    assert "above zero" in error.message


def test_the_target_without_a_share_closes_the_rest() -> None:
    plan = trade("binance:BTCUSDT", targets=["1R:50%", "2R"])
    assert plan.lots == 7
    assert [one.lots for one in plan.targets] == [3, 4]
    assert [one.quantity for one in plan.targets] == ["0.003", "0.004"]
    assert plan.targets == trade("binance:BTCUSDT", targets="1R:50%,2R:50%").targets


def test_the_rest_may_come_first() -> None:
    plan = trade("binance:BTCUSDT", targets=["1R", "2R:50%"])
    assert [one.lots for one in plan.targets] == [3, 4]


# -- the worst loss --------------------------------------------------------------------------------

TIERS = (
    MarginTier("0", "50000", "125", "0.004", "0"),
    MarginTier("50000", "500000", "100", "0.005", "50"),
    MarginTier("500000", "100000000", "50", "0.01", "2550"),
)


def random_trades(seed: int, count: int) -> Iterator[tuple[Contract, dict[str, Any]]]:
    """Trades with every cost there is, at any leverage; most of them fit."""
    draw = random.Random(seed)
    for number in range(count):
        fees = FeeSchedule(f"{draw.randint(-2, 5)}bp", f"{draw.randint(0, 12)}bp")
        contract = own(
            fees=fees,
            tiers=draw.choice([(), TIERS]),
            lot_size=draw.choice(["0.001", "0.0001", "1"]),
            contract_size=draw.choice(["1", "0.001"]),
            margin_holds_closing_fee=draw.random() < 0.5,
            maintenance_rule=draw.choice(["mark", "entry"]),
        )
        side = draw.choice(["long", "short"])
        asked: dict[str, Any] = {
            "side": side,
            "entry": f"{draw.randint(10_000, 90_000)}.{draw.randint(0, 9)}",
            "stop": f"{Decimal(draw.randint(1, 60)) / 10}%",
            "equity": f"{draw.randint(100, 1_000_000)}",
            "risk": f"{draw.randint(1, 20)}%",
            "spread": f"{draw.choice([0, 1, 20, 500])}t",
            "slippage": f"{draw.choice([0, 1, 50, 3000])}t",
            "leverage": draw.choice([None, "1", "5", "20", "50", "100", "125"]),
            "liquidation_multiple": "1",
        }
        if number % 4 == 0:
            asked |= {"stop": "liquidation", "leverage": f"{draw.randint(1, 125)}"}
        elif draw.random() < 0.3:
            asked["margin"] = "cross"
        if draw.random() < 0.5:
            asked |= {"funding_rate": "0.01%", "hold_hours": "24", "funding_interval_hours": "8"}
        yield contract, asked


def test_the_worst_loss_is_never_below_the_loss_at_the_stop() -> None:
    fitting = at_liquidation = 0
    for contract, asked in random_trades(seed=1, count=600):
        plan = size(contract, **asked)
        if not plan.feasible:
            continue
        fitting += 1
        at_liquidation += asked["stop"] == "liquidation"
        assert plan.worst_loss is not None
        assert plan.loss_at_stop is not None
        assert Decimal(plan.worst_loss) >= Decimal(plan.loss_at_stop), (contract, asked)
        assert Decimal(plan.loss_at_stop) <= Decimal(plan.budget), (contract, asked)
    assert fitting >= 300
    assert at_liquidation >= 100


def test_the_worst_loss_of_a_slipping_stop_at_high_leverage() -> None:
    """Margin at 125x is less than what a slipping stop takes: the larger of the two is shown."""
    plan = trade(own(), stop="64900", leverage="100", slippage="500", liquidation_multiple="1", risk="20%")
    assert plan.feasible
    assert Decimal(plan.worst_loss or 0) >= Decimal(plan.loss_at_stop or 0) > 0


def test_more_money_at_risk_than_there_is_is_refused() -> None:
    asked = {"equity": "100", "stop": "0.1%", "spread": "1%", "liquidation_multiple": "1"}
    error = assert_refused("SIZE-009", "bybit:BTCUSDT", margin="cross", risk="100.01", **asked)
    assert "100.00" in error.message
    plan = trade("bybit:BTCUSDT", margin="cross", risk="100", **asked)
    assert plan.feasible
    assert Decimal(plan.worst_loss or 0) >= Decimal(plan.loss_at_stop or 0)


# -- tiers -----------------------------------------------------------------------------------------

FROM_50 = [MarginTier("50", "50000", "10", "0.05", "2")]


def test_a_tier_table_that_starts_above_zero_sizes_nothing() -> None:
    error = assert_refused("CONTRACT-304", own(tiers=FROM_50))
    assert isinstance(error, FactsError)


def test_a_tier_table_that_starts_above_zero_says_nothing_below() -> None:
    contract = own(tiers=FROM_50)
    for quantity, entry in (("0.001", "40000"), ("0.001", "52000")):
        with pytest.raises(FactsError) as caught:
            liquidation(contract, side="long", quantity=quantity, entry=entry, leverage="5")
        assert caught.value.code == "CONTRACT-304"
        assert "50.00" in caught.value.message
    inside = liquidation(contract, side="long", quantity="0.01", entry="40000", leverage="5")
    assert inside.status == "open"
    assert inside.tier == 1


def test_the_leverage_of_a_position_is_its_tiers(capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split("liq BTCUSDT --qty 100 --entry 60000 --leverage 150")
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error[SIZE-012]: ")
    assert "tier 4" in error
    assert main([*words[:-1], "50"]) == 0


# -- funding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "code"), [("0", "SIZE-014"), ("", "UNIT-102"), ("８", "UNIT-102"), ("٨", "UNIT-102")]
)
def test_a_funding_interval_that_is_none(
    interval: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(code, funding_rate="0.01%", hold_hours="8", funding_interval_hours=interval)
    words = shlex.split(
        "size BTCUSDT --entry 65000 --stop 2% --equity 1000 --funding-rate 0.01% --hold-hours 8"
    )
    assert main([*words, "--funding-interval", interval]) == 2
    assert capsys.readouterr().err.startswith(f"error[{code}]: ")


def test_a_funding_rate_needs_a_hold() -> None:
    error = assert_refused("SIZE-014", funding_rate="0.01%")
    assert "hold" in error.hint
    assert_refused("SIZE-014", funding_rate="0.01%", hold_hours="0")
    assert_refused("SIZE-014", funding_interval_hours="8")
    plan = trade(funding_rate="0.01%", hold_hours="8", funding_interval_hours="8")
    assert plan.loss_breakdown is not None
    assert Decimal(plan.loss_breakdown.funding) > 0


# -- ways out --------------------------------------------------------------------------------------


def test_rules_of_two_days_do_not_mix() -> None:
    """Asked by the rules of 2025, no contract of 2026 is a way out."""
    asked = TRADE | {"entry": "60000", "equity": "200"}
    today = size("binance:BTCUSDT", **asked)
    assert [way.value for way in today.ways_out if way.kind == "contract"] == [
        "bybit:BTCUSDT",
        "bingx:BTC-USDT",
        "mexc:BTC_USDT",
        "weex:BTCUSDT",
    ]
    fees = FeeSchedule("0.0002", "0.0005")
    then = size(catalogue.load("binance:BTCUSDT", as_of="2025-09-01"), fees=fees, **asked)
    assert then.as_of == "2025-08-07"
    assert not then.feasible
    kinds = [way.kind for way in then.ways_out]
    assert kinds == ["stop", "equity", "risk"]


# -- small numbers ---------------------------------------------------------------------------------


def test_a_tiny_mark_is_a_mark() -> None:
    """A mark under half a tick was taken for none: the open loss of a long was then left out."""
    without = trade(leverage="10")
    tiny = trade(leverage="10", mark="0.00000001")
    assert tiny.lots == without.lots == 7
    assert Decimal(tiny.free_margin_after or 0) < Decimal(without.free_margin_after or 0) - 400
    assert_refused("SIZE-001", leverage="10", mark="0")


@pytest.mark.parametrize(
    "entry",
    [
        "65000:0.000001%,64000:99.999999%",
        "65000:99.999999%,64000:0.000001%",
        "65000:0.999999%,64000:99.000001%",
        "65000:50%,64500:49.999999%,64000:0.000001%",
    ],
)
def test_a_leg_of_almost_nothing_is_refused_at_once(entry: str) -> None:
    """The smallest legal order of such a ladder was searched for minutes."""
    began = process_time()
    assert_refused("SIZE-004", entry=entry, stop="60000")
    assert process_time() - began < 5


def test_the_smallest_legs_allowed_are_quick() -> None:
    began = process_time()
    ladder = [(f"{65000 - step}", "1%") for step in range(100)]
    plan = trade(entry=ladder, stop="60000", equity="10000000")
    assert plan.feasible
    assert sum(leg.lots for leg in plan.entries) == plan.lots
    assert process_time() - began < 5


@pytest.mark.parametrize("changes", [{"stop": "liquidation", "risk": "0.01"}, {"free_margin": "0.01"}])
def test_an_absurd_limit_of_leverage_is_answered_at_once(changes: dict[str, str]) -> None:
    """Where the contract's limit is unknown, each leverage up to the plan's was tried.

    No contract allows more than 1,000x, so neither may a plan; refused or capped, it must be quick.
    """
    began = process_time()
    try:
        plan = trade(own(fees=FeeSchedule("0", "5bp")), leverage="20", max_leverage="100000", **changes)
        code = plan.blocked_by.code if plan.blocked_by else "fits"
    except InputError as error:
        code = error.code
    assert process_time() - began < 5
    assert code in ("SIZE-011", "SIZE-012", "SIZE-110", "SIZE-130")


# -- contracts that contradict themselves ----------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"min_quantity": "2", "max_quantity": "1"}, "CONTRACT-105"),
        ({"min_quantity": "2", "max_market_quantity": "1"}, "CONTRACT-105"),
        ({"max_quantity": "0"}, "CONTRACT-105"),
        ({"max_quantity": "0.0005"}, "CONTRACT-105"),
        ({"leverage_step": "0"}, "CONTRACT-103"),
        ({"max_leverage": "0"}, "CONTRACT-103"),
        ({"settle": " "}, "CONTRACT-101"),
        ({"settle": "\t"}, "CONTRACT-101"),
    ],
    ids=str,
)
def test_a_contract_that_contradicts_itself(facts: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as caught:
        own(**facts)
    assert caught.value.code == code


# -- the command line ------------------------------------------------------------------------------


def test_contracts_of_a_day_are_those_of_that_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts", "BTC", "--as-of", "2021-12-01", "--json", "--top", "1000"]) == 0
    answer = json.loads(capsys.readouterr().out)
    wanted = []
    for name in ("binance-linear.tsv", "binance-coinm.tsv"):
        lines = (FACTS / name).read_text(encoding="utf-8").splitlines()
        columns, *rows = [line.split("\t") for line in lines if not line.startswith("#")]
        for row in (dict(zip(columns, row, strict=True)) for row in rows):
            alive = row["expiry"] == "-" or row["expiry"] >= "2021-12-01"
            if row["as_of"] == "2021-07-21" and "BTC" in row["symbol"] + row["base"] and alive:
                wanted.append(row["symbol"])
    assert sorted(one["symbol"] for one in answer["contracts"]) == sorted(wanted)
    assert {one["as_of"] for one in answer["contracts"]} == {"2021-07-21"}
    assert {one["venue"] for one in answer["contracts"]} == {"binance", "binance-coinm"}
    assert len(wanted) >= 4


def test_an_expired_contract_is_sized_only_by_the_rules_of_its_days(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = shlex.split("size bybit:BTCUSDT-14AUG26 --entry 65000 --stop 2% --equity 1000")
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error[CONTRACT-206]: bybit:BTCUSDT-14AUG26 expired on 2026-08-14\n")
    assert "hint: size BTCUSDT instead, or add --as-of 2026-08-09\n" in error
    assert main([*words, "--as-of", "2026-08-09"]) == 0
    assert "bybit:BTCUSDT-14AUG26" in capsys.readouterr().out


def test_two_sides_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split("size BTCUSDT --entry 65000 --stop 2% --equity 1000")
    assert main([*words, "--short", "--side", "long"]) == 2
    assert capsys.readouterr().err.startswith("error[USAGE-008]: --short and --side long\n")
    assert main([*words, "--short", "--side", "short", "--quiet"]) == 0


def test_two_stops_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split("size BTCUSDT --entry 65000 --equity 1000")
    assert main([*words, "--stop", "63700", "--stop-pct", "2"]) == 2
    assert capsys.readouterr().err.startswith("error[USAGE-005]: two stops: ")


def test_another_position_stays_on_the_venue_of_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a venue, ETHUSDT beside a Bybit contract was read as Binance's."""
    words = shlex.split("liq bybit:BTCUSDT --qty 1 --entry 60000 --margin cross --wallet 100000")
    tier = ["--tier", "0:50000000:100:0.005:0"]
    assert main([*words, *tier, "--other", "ETHUSDT,short,1,3000"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error[CONTRACT-303]: ")
    assert "bybit:ETHUSDT" in error
    assert main([*words, *tier, "--other", "binance:ETHUSDT,short,1,3000"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error[SIZE-035]: ")
    assert "binance:ETHUSDT" in error
    with pytest.raises(FactsError) as caught:
        size(
            "bybit:BTCUSDT",
            margin="cross",
            others=[Position(contract="bybit:ETHUSDT", side="short", quantity="1", entry="3000")],
            **TRADE,
        )
    assert caught.value.code == "CONTRACT-303"


def test_a_smallest_order_that_loses_less_than_fewer_lots() -> None:
    """An inverse ladder rounds each leg: 24,078 lots lose 4,204, the smallest order, 24,080, only 4,203.

    The search for the largest size once walked from 24,077 lots downward for ever.
    """
    spec = SpecRow(
        cash_per_tick_lot=0,
        cash_ticks_per_lot=50_000_000,
        entry_based=1,
        fee_to_close=0,
        margin_per_lot_cash=0,
        max_lots=16_039_426,
        min_lots=962,
        min_notional_cash=0,
    )
    ask = AskRow(**(dict.fromkeys(AskRow.__slots__, 0) | {"side": -1, "stop_ticks": 23_701}))
    limits = LimitsRow(
        budget_cash=4_203,
        cross_cash=0,
        free_cash=10**9,
        is_cross=0,
        liquidation_multiple8=200_000_000,
        margin_cash=10**9,
        max_leverage100=5_000,
    )
    shares = ((28_000_786, 23_699), (70_000_911, 23_699), (96_009_133, 23_699), (100_000_000, 23_700))
    legs = [LegRow(cumulative_share8=share, price_ticks=price) for share, price in shares]
    losses = [loss_cash([spec], [ask], legs, lots=Lots(lots)) for lots in range(24_077, 24_082)]
    assert losses == [4_203, 4_204, 4_204, 4_203, 4_204]
    found = largest_feasible([spec], [ask], [limits], legs=legs, tiers=[])
    assert found == (24_080, BUDGET, 24_080)
    arrays = (array_of(SpecRow, [spec]), array_of(AskRow, [ask]), array_of(LimitsRow, [limits]))
    none = array_of(TierRow, [])
    assert largest_feasible.compiled(*arrays, array_of(LegRow, legs), none) == found
