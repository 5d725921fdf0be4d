"""Twin: the liquidation fraction of kernel and oracle is the reference's root, exactly.

The reference walks the account's balance line from cap to cap; the kernel solves one equation
in the tier the answer lies in. Both take the entry notional cut to 1e-8, and the other
positions' maintenance margin and PnL each cut to 1e-8, as the venue shows them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction

import pytest

import lotwise
from lotwise import Position
from lotwise.kernel.codes import ALWAYS, NEVER, OK
from lotwise.kernel.layout import TierRow, array_of
from lotwise.kernel.margin import (
    entry_based_liquidation_fraction,
    liquidation_fraction,
    price8_ceil,
    price8_floor,
    tier_index,
)
from lotwise.units import scaled_text
from tests.laws import bulk
from tests.laws.cases import seeded, spread_over, tabled
from tests.reference import margin
from tests.reference.margin import Tier, ceil8, floor8, trunc8
from tests.twins.positions import (
    E8,
    Account,
    Leg,
    account,
    linear_tables,
    others_of,
    price_text,
    table,
    taker_of,
)

AT_LEAST = 20_000
RATE = 10**8
PUBLIC = 2_000


def cases(law_cases: int) -> int:
    """20,000 positions, ten times as many in a proof; fewer only where fewer are asked for by name."""
    many = law_cases // 5 if bulk.PROOF else law_cases
    return many if os.environ.get("LOTWISE_LAW_CASES") else max(AT_LEAST, many)


def root(drawn: Account, wallet: Fraction, taker: Fraction = Fraction(0)) -> Fraction | None:
    """The reference's liquidation price with this money behind the position, and the fee of closing."""
    held = drawn.held
    entry = held.entry_notional / held.coins
    tiers = [Tier(tier.floor, tier.cap, tier.rate + taker, tier.cumulative) for tier in table(held.contract)]
    return margin.liquidation_price(held.side, held.coins, entry, wallet, tiers)


def check_kernel(drawn: Account) -> Iterator[str]:
    """``liquidation_fraction`` interpreted and compiled, and its price, against the root."""
    held, tiers = drawn.held, drawn.held.contract.tier_rows
    maintenance, pnl = others_of(drawn)
    wallet = Fraction(drawn.wallet8, E8) - maintenance + pnl
    notional8, wallet8 = int(held.entry_notional * E8), int(wallet * E8)
    fraction = liquidation_fraction(held.side, tiers, entry_notional_cash=notional8, wallet_cash=wallet8)
    arrays = array_of(TierRow, tiers)
    assert fraction == liquidation_fraction.compiled(held.side, arrays, notional8, wallet8)
    price = root(drawn, wallet)
    code, tier, numerator, denominator = fraction
    yield held.contract.symbol
    if price is None:
        assert code == (NEVER if held.side > 0 else ALWAYS)
        yield "never" if held.side > 0 else "always"
        return
    assert code == OK
    worth = Fraction(numerator * RATE, denominator * E8)
    assert worth == price * held.coins, f"liquidated at {worth}, the root is {price * held.coins}"
    assert_price8(held, numerator, denominator, price)
    yield "liquidated"
    if tier != tier_index(tiers, notional8):
        yield "another tier"
    if held.side < 0 and worth > Fraction(tiers[-1].cap_cash, E8):
        yield "short beyond the last cap"


def assert_price8(held: Leg, numerator: int, denominator: int, price: Fraction) -> None:
    """Both roundings of the price to 1e-8."""
    scales = held.contract.scales
    for rule, rounded in ((price8_floor, floor8), (price8_ceil, ceil8)):
        found = rule(
            held.contract.spec_rows(), numerator, denominator, lots=held.lots, tick_size8=scales.tick_size8
        )
        assert Fraction(found, E8) == rounded(price)


def check_oracle(drawn: Account) -> str:
    """``lotwise.liquidation`` in words: its fraction, price and status against the root."""
    held, contract = drawn.held, drawn.held.contract
    maintenance, pnl = others_of(drawn)
    answer = lotwise.liquidation(
        contract,
        side="long" if held.side > 0 else "short",
        quantity=contract.quantity_text(held.lots),
        entry=price_text(held.entry8),
        mark=price_text(held.mark8),
        leverage=None if drawn.leverage is None else str(drawn.leverage),
        wallet=None if drawn.leverage is not None else scaled_text(drawn.wallet8),
        margin="cross" if drawn.is_cross else "isolated",
        others=[
            Position(
                contract=other.contract,
                side="long" if other.side > 0 else "short",
                quantity=other.contract.quantity_text(other.lots),
                entry=price_text(other.entry8),
                mark=price_text(other.mark8),
            )
            for other in drawn.others
        ],
    )
    price = root(drawn, Fraction(drawn.wallet8, E8) - maintenance + pnl, taker_of(contract))
    if price is None:
        assert answer.liquidation_price is answer.numerator is answer.denominator is None
        assert answer.status == ("now" if held.side < 0 else answer.status)
        return "no price"
    assert Fraction(int(answer.numerator or 0), int(answer.denominator or 1)) == price
    cautious = ceil8(price) if held.side > 0 else floor8(price)
    assert Fraction(str(answer.liquidation_price)) == cautious
    past = held.side * (Fraction(held.mark8, E8) - price) < -Fraction(1, E8) / held.coins
    if past:
        assert answer.status == "now"
    return "now" if past else "open"


def check_entry_based(drawn: Account) -> str:
    """Bybit before 2025-09-02: maintenance margin fixed at entry, cut to 1e-8."""
    held, tiers = drawn.held, drawn.held.contract.tier_rows
    rng = seeded(drawn.number + 23)
    leverage = spread_over(rng, 1, 100)
    added = trunc8(held.entry_notional * rng.choice([0, 0, spread_over(rng, 1, 300)]) / 100)
    opened = trunc8(held.entry_notional / leverage) + added
    kept = margin.maintenance(table(held.contract), held.entry_notional)
    cut = opened - held.entry_notional / leverage + kept - trunc8(kept)
    fraction = entry_based_liquidation_fraction(
        held.side,
        tiers,
        entry_notional_cash=int(held.entry_notional * E8),
        wallet_cash=int(opened * E8),
    )
    entry = held.entry_notional / held.coins
    price = margin.bybit_old_liquidation_price(
        held.side, held.coins, entry, leverage, table(held.contract), extra=cut
    )
    if price is None:
        assert fraction[0] == (NEVER if held.side > 0 else ALWAYS)
        return "no price"
    assert fraction[0] == OK
    assert Fraction(fraction[2] * RATE, fraction[3] * E8) == price * held.coins
    return "liquidated"


@bulk.every_shard
def test_the_kernel_finds_the_root(shard: int, law_cases: int) -> None:
    numbers = bulk.numbers_of(shard, cases(law_cases))
    seen = bulk.run("liquidation: kernel and twin find the same root", numbers, account, check_kernel)
    for rare in ("never", "always", "short beyond the last cap"):
        assert seen[rare] > 0, seen
    assert seen["another tier"] >= len(numbers) // 10, f"{seen['another tier']} of {len(numbers)} change tier"


def test_every_table_of_the_catalogue_is_visited(law_cases: int) -> None:
    tables = linear_tables()
    visited = {account(number).held.contract.id for number in range(len(tables))}
    assert visited == {contract.id for contract in tables}
    assert sum(contract.venue == "binance" for contract in tables) == 654
    assert cases(law_cases) >= len(visited) or os.environ.get("LOTWISE_LAW_CASES")


@bulk.every_shard
def test_the_oracle_finds_the_root(shard: int, law_cases: int) -> None:
    numbers = bulk.numbers_of(shard, max(PUBLIC, law_cases // 20 if bulk.PROOF else 0))
    seen = bulk.run("lotwise.liquidation and twin find the same root", numbers, account, check_oracle)
    assert min(seen[name] for name in ("no price", "now", "open")) > 0, seen


@bulk.every_shard
def test_maintenance_fixed_at_entry(shard: int, law_cases: int) -> None:
    numbers = bulk.numbers_of(shard, bulk.tenth(law_cases))
    seen = bulk.run(
        "liquidation before 2025-09-02: kernel and twin agree", numbers, account, check_entry_based
    )
    assert min(seen["liquidated"], seen["no price"]) > 0, seen


@pytest.mark.parametrize("side", ["long", "short"])
def test_the_venues_day_decides_the_rule(side: str) -> None:
    contract = tabled()[0].replace(venue="bybit")
    asked = {"side": side, "quantity": contract.quantity_text(100), "entry": "10", "leverage": "2"}
    before = lotwise.liquidation(contract, on="2025-09-01", **asked)
    since = lotwise.liquidation(contract, on="2025-09-02", **asked)
    assert (before.rule, since.rule) == ("entry", "mark")
    assert before.liquidation_price != since.liquidation_price
