"""A mix of contract sizes comes at least as close to the budget as any one of them."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

import lotwise
from lotwise import Contract, FeeSchedule
from lotwise.errors import InputError

ASKED: dict[str, Any] = {"side": "long", "entry": "60000", "stop": "2%", "risk": "1%"}


def own(size: str, fee: str = "0", **facts: Any) -> Contract:
    return Contract(
        symbol=f"C{size}",
        base="BTC",
        tick_size="1",
        lot_size="1",
        contract_size=size,
        fees=FeeSchedule(fee, fee),
        **facts,
    )


def test_three_tenths_and_four_hundredths() -> None:
    """PRODUCT row 2: 3 x 0.1 + 4 x 0.01; one tenth loses 120, one hundredth 12."""
    found = lotwise.mix([own("0.01"), own("0.1")], equity="41000", **ASKED)
    assert [(part.quantity, part.loss_at_stop) for part in found.parts] == [
        ("0.3", "360.00"),
        ("0.04", "48.00"),
    ]
    assert (found.loss_at_stop, found.budget, found.waste) == ("408.00", "410.00", "0.0048")


def test_closer_than_the_larger_one_alone() -> None:
    large, small = own("0.1"), own("0.03")
    found = lotwise.mix([large, small], equity="30000", **ASKED)
    assert Fraction(found.loss_at_stop) == 264 + 36  # 2 x 0.1 would lose 240, 8 x 0.03 288
    assert found.single_loss == "288.00"


def test_exactly_the_best_of_every_count() -> None:
    """Against every pair of counts in exact fractions."""
    rng = random.Random(20_261_122)
    better = 0
    for _ in range(40):
        sizes = sorted(rng.sample(range(1, 60), 2))
        fee = Fraction(rng.randint(0, 10), 10_000)
        equity = rng.randint(2_000, 90_000)
        entry, stop, budget = Fraction(60_000), Fraction(58_800), Fraction(equity, 100)
        each = [Fraction(size, 1000) * (entry - stop + fee * (entry + stop)) for size in sizes]
        counts = [int(budget / loss) for loss in each]
        best = max(
            a * each[0] + b * each[1]
            for a, b in product(range(counts[0] + 1), range(counts[1] + 1))
            if a * each[0] + b * each[1] <= budget
        )
        found = lotwise.mix(
            [own(str(size / 1000), str(float(fee))) for size in sizes], equity=str(equity), **ASKED
        )
        assert 0 <= Fraction(found.loss_at_stop) - best <= Fraction(4, 10**8)
        better += Fraction(found.loss_at_stop) > Fraction(found.single_loss or 0)
    assert better > 10


def test_nothing_fits() -> None:
    found = lotwise.mix([own("0.1"), own("0.01")], equity="500", **ASKED)
    assert not found.feasible
    assert found.parts == []
    assert "the smallest order, 0.01 BTC" in (found.blocked_by or "")


def test_the_money_of_the_first_part_is_gone_for_the_second() -> None:
    """Margin of all parts together stays within the account."""
    found = lotwise.mix([own("0.1"), own("0.01")], equity="41000", leverage="1", **ASKED)
    assert sum(Fraction(part.initial_margin) for part in found.parts) <= 41_000
    tight = lotwise.mix([own("0.1"), own("0.01")], equity="41000", leverage="1", max_margin="20%", **ASKED)
    assert Fraction(tight.initial_margin) <= 8_200
    assert Fraction(tight.loss_at_stop) < Fraction(found.loss_at_stop)


def test_a_small_account_takes_the_leverage_it_needs() -> None:
    found = lotwise.mix(
        [own("0.1"), own("0.01")], equity="1000", side="long", entry="60000", stop="59900", risk="2%"
    )
    assert Fraction(found.loss_at_stop) == 20
    assert Fraction(found.notional) == 12_000
    assert Fraction(found.initial_margin) <= 1_000


@pytest.mark.parametrize(
    ("contracts", "code"),
    [
        ([own("0.1")], "MIX-001"),
        ([own("0.1"), own("0.1")], "MIX-001"),
        ([own("0.1"), own("0.01", quote="USDC")], "MIX-002"),
    ],
)
def test_what_cannot_be_mixed(contracts: list[Contract], code: str) -> None:
    with pytest.raises(InputError) as wrong:
        lotwise.mix(contracts, equity="1000", **ASKED)
    assert wrong.value.code == code


def test_four_contracts_on_a_large_account_take_no_longer_than_two() -> None:
    sizes = ("0.1", "0.01", "0.003", "0.0001")
    found = lotwise.mix([own(size) for size in sizes], equity="1000000", **ASKED)
    assert Fraction(found.waste) < Fraction(1, 1000)
    assert Fraction(found.loss_at_stop) <= 10_000


@pytest.mark.parametrize("contracts", [None, "cme:MBT", 5])
def test_no_list_of_contracts(contracts: Any) -> None:
    with pytest.raises(InputError) as wrong:
        lotwise.mix(contracts, equity="1000", **ASKED)
    assert wrong.value.code == "MIX-001"


def test_an_argument_that_is_none() -> None:
    with pytest.raises(InputError) as wrong:
        lotwise.mix([own("0.1"), own("0.01")], equity="1000", nonsense=1, **ASKED)
    assert wrong.value.code == "MIX-003"


def test_a_listed_future_says_what_its_margin_rests_on() -> None:
    fees = FeeSchedule("0", "0")
    found = lotwise.mix(["cme:MBT", "coinbase:BIT"], equity="41000", fees=fees, **ASKED)
    assert sum("is a listed future" in note for note in found.notes) == 2
