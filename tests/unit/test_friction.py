"""Costs as money, as R and as a share of the target; what-ifs; funding from history."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import lotwise
from lotwise.errors import InputError
from lotwise.sizing.funding import funding_of_history, read_history

ASKED: dict[str, Any] = {"side": "long", "entry": "65000", "stop": "2%", "equity": "1000", "risk": "1%"}
BTC = "binance:BTCUSDT"


def test_costs_of_the_loss_and_the_budget() -> None:
    """0.007 BTC: 455 x 0.05 % in, 445.9 x 0.05 % out."""
    found = lotwise.size(BTC, **ASKED).friction
    assert found is not None
    costs = Fraction(455 + Fraction("445.9")) * Fraction("0.0005")
    assert Fraction(found.costs) == costs
    loss = Fraction("9.10") + costs
    for text, whole in ((found.of_loss, loss), (found.of_budget, Fraction(10))):
        assert 0 <= Fraction(text) - costs / whole < Fraction(1, 10_000)
    assert 0 <= Fraction(found.of_notional) - costs / 455 < Fraction(1, 1_000_000)


def test_a_target_that_does_not_pay_its_costs() -> None:
    near, far = lotwise.size(BTC, targets=["65060", "2R"], **ASKED).targets
    assert Fraction(near.costs) == (455 + Fraction("455.42")) * Fraction("0.0005")
    assert near.profit.startswith("-")
    assert Fraction(near.cost_share or 0) > 1
    assert Fraction(far.profit) + Fraction(far.costs) == Fraction("18.20")
    assert Fraction(far.cost_share or 0) == Fraction("0.0255")


def test_what_if_the_entry_rested() -> None:
    plan = lotwise.size(BTC, what_if=["maker", "0.01%/0.03%"], targets=["2R"], **ASKED)
    maker, other = plan.what_if
    again = lotwise.size(BTC, entry_as="maker", **ASKED)
    assert (maker.quantity, maker.loss_at_stop) == (again.quantity, again.loss_at_stop)
    assert maker.break_even_price == again.break_even_price
    cheap = lotwise.size(BTC, fees=lotwise.FeeSchedule("0.01%", "0.03%"), **ASKED)
    assert (other.quantity, other.loss_at_stop) == (cheap.quantity, cheap.loss_at_stop)
    assert (other.maker, other.taker) == ("0.01 %", "0.03 %")


def test_a_what_if_that_does_not_fit() -> None:
    (found,) = lotwise.size("bybit:BTCUSDT", what_if=["0%/9%"], **(ASKED | {"equity": "200"})).what_if
    assert not found.feasible
    assert found.loss_at_stop is None


@pytest.mark.parametrize("change", ["cheap", "0.01%", "1/2/3", 5])
def test_a_what_if_that_is_none(change: Any) -> None:
    with pytest.raises(InputError) as wrong:
        lotwise.size(BTC, what_if=[change], **ASKED)
    assert wrong.value.code == "SIZE-045"


def test_funding_of_nineteen_holds_in_twenty() -> None:
    rates = [f"0.000{number:02}" for number in range(1, 41)]
    assert funding_of_history(rates, stamps=1, side=1) == 38_000
    assert funding_of_history(rates, stamps=1, side=-1) == 0
    assert funding_of_history(rates, stamps=40, side=1) == sum(range(1, 41)) * 1_000


def test_a_history_is_counted_in_the_loss(tmp_path: Path) -> None:
    history = tmp_path / "funding.csv"
    history.write_text("time,fundingRate\n1,0.0001\n2,0.0003\n3,0.0002\n", encoding="utf-8")
    rates = read_history(history)
    asked = ASKED | {"hold_hours": "16", "funding_interval_hours": "8"}
    by_history = lotwise.size(BTC, funding_history=rates, **asked)
    by_rate = lotwise.size(BTC, funding_rate="0.00025", **asked)
    assert by_history.loss_breakdown == by_rate.loss_breakdown
    assert by_rate.loss_breakdown is not None
    assert Fraction(by_rate.loss_breakdown.funding) == 455 * Fraction("0.0005")


def test_a_history_shorter_than_the_hold() -> None:
    with pytest.raises(InputError) as wrong:
        lotwise.size(BTC, hold_hours="24", funding_interval_hours="8", funding_history=["0.01%"], **ASKED)
    assert wrong.value.code == "SIZE-046"


@pytest.mark.parametrize("text", ["", "price\n1\n", "rate\nabc\n"])
def test_a_file_without_rates(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as wrong:
        read_history(path)
    assert wrong.value.code == "SIZE-047"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as wrong:
        read_history(tmp_path / "none.csv")
    assert wrong.value.code == "SIZE-047"
