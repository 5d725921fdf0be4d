"""Twin: liquidation of every venue family is the reference's root, exactly, on random tables.

The reference walks the account's balance line from cap to cap, in price or in worth; the kernel
solves one equation in the tier of the answer. A linear position's worth at entry, its margin and
the amounts of other positions are cut to 1e-8 as the venue shows them; an inverse one is exact.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import pytest

import lotwise
from lotwise import Contract, LiquidationAnswer
from lotwise.kernel.arith import INT64_MAX
from tests.laws import bulk
from tests.reference import families, inverse, margin
from tests.reference.inverse import ALWAYS, NEVER, Liquidation
from tests.reference.margin import Tier, ceil8, floor8, trunc8
from tests.twins.families import (
    CONTRACTS,
    E8,
    STEP,
    Account,
    contract,
    drawn,
    exact_margin,
    hedge,
    rounded,
    wallet,
)
from tests.twins.hedges import check_clearing, check_hedge

POSITIONS = 5_000
CALLED_AT = Fraction(4, 5)
"""Share of the margin balance at which the answer's margin call stands unless told otherwise."""


def cases(law_cases: int) -> int:
    """5,000 positions of a family, ten times as many in a proof; as many as asked for by name."""
    if os.environ.get("LOTWISE_LAW_CASES"):
        return law_cases
    return 10 * POSITIONS if bulk.PROOF else POSITIONS


def tier_number(tiers: list[Tier], worth: Fraction) -> int:
    """The tier with floor < N <= cap, counted from 1."""
    return tiers.index(margin.tier_of(tiers, worth)) + 1


# -- what the answer must be ------------------------------------------------------------------------


def is_beyond_counting(account: Account, price: Fraction) -> bool:
    """A linear price above 92 billion is none: nothing reaches it, and 64 bits do not hold it."""
    return not account.held.contract.is_inverse and price * E8 >= INT64_MAX


def check_price(account: Account, answer: LiquidationAnswer, price: Liquidation) -> str:
    """Fraction, price, tier and notional of an answer against the root."""
    held = account.held
    if price in (NEVER, ALWAYS):
        assert answer.liquidation_price is answer.numerator is answer.tier is None
        assert answer.status == ("now" if price == ALWAYS else "never"), answer.status
        return str(price)
    assert isinstance(price, Fraction)
    if is_beyond_counting(account, price):
        assert answer.liquidation_price is answer.numerator is answer.tier is None
        assert answer.status == ("now" if held.side > 0 else "never")
        return "beyond counting"
    assert answer.numerator is not None
    assert answer.denominator is not None
    found = Fraction(int(answer.numerator), int(answer.denominator))
    assert found == price, f"liquidated at {found}, the root is {price}"
    assert Fraction(str(answer.liquidation_price)) == rounded(held.side, price)
    worth = held.worth(price)
    toward = ceil8 if (held.side > 0) != held.contract.is_inverse else floor8
    assert Fraction(str(answer.notional_at_liquidation)) == toward(worth)
    return "price"


def check_tier(account: Account, answer: LiquidationAnswer, price: Liquidation) -> str:
    """The tier is that of the notional at the answer, not the one the position opened in."""
    held = account.held
    opened = tier_number(held.tiers, trunc8(held.worth(held.entry)))
    assert answer.opened_in_tier == opened
    if isinstance(price, str) or is_beyond_counting(account, price):
        return "no tier"
    assert answer.tier == tier_number(held.tiers, held.worth(price))
    return "another tier" if answer.tier != opened else "the same tier"


def check_now(account: Account, answer: LiquidationAnswer, room: Fraction) -> str:
    """``room``: balance less need at the mark; "now" but for the cuts of the amounts shown."""
    cuts = (4 + 2 * len(account.others)) * STEP
    if room < -cuts:
        assert answer.status == "now", f"{room} short of the maintenance margin"
    if room > cuts:
        assert answer.status != "now", f"{room} above the maintenance margin"
    return "now" if answer.status == "now" else "not now"


def check_bankruptcy(account: Account, answer: LiquidationAnswer, standing: Fraction) -> None:
    """Where the money behind the position is gone."""
    held = account.held
    if held.contract.is_inverse:
        price: Liquidation = inverse.bankruptcy_price(held.side, held.size, held.entry, standing)
    else:
        price = margin.bankruptcy_price(held.side, held.size, held.entry, standing)
    gone = (
        None
        if isinstance(price, str) or price <= 0 or is_beyond_counting(account, price)
        else rounded(held.side, price)
    )
    assert (answer.bankruptcy_price is None) == (gone is None)
    assert gone is None or Fraction(str(answer.bankruptcy_price)) == gone


def check_call(account: Account, answer: LiquidationAnswer, standing: Fraction) -> None:
    """The margin call: the need over the call's share, met by the same balance.

    A linear one rounds the money behind the position once more, toward the entry.
    """
    held = account.held
    tiers = [
        Tier(tier.floor, tier.cap, (tier.rate + held.taker) / CALLED_AT, tier.cumulative / CALLED_AT)
        for tier in held.tiers
    ]
    if max(tier.rate for tier in tiers) >= 1:
        return
    asked = (held.side, held.size, held.entry, standing, tiers)
    price: Liquidation | None
    price = (
        inverse.liquidation_price(*asked) if held.contract.is_inverse else margin.liquidation_price(*asked)
    )
    found = None if answer.margin_call is None else answer.margin_call.price
    if price is None or isinstance(price, str) or is_beyond_counting(account, price):
        assert found is None
        return
    assert found is not None
    nearer = held.side * (Fraction(found) - price)
    slack = 0 if held.contract.is_inverse else 2 * STEP / held.size
    assert 0 <= nearer < STEP + slack, f"called at {found}, exactly at {float(price)}"


# -- venues that count by the mark -------------------------------------------------------------------


def check_by_mark(account: Account) -> Iterator[str]:
    """Binance; BingX, MEXC and Gate with the closing fee; every position that nothing is added to."""
    held = account.held
    answer = lotwise.liquidation(**account.words)
    needed, gained = account.others_need() if account.is_cross else (Fraction(0), Fraction(0))
    given = (held.side, held.size, held.entry, wallet(account), held.tiers)
    if held.contract.is_inverse:
        price = inverse.liquidation_price(*given, needed, gained, closing_fee=held.taker)
        pnl = inverse.unrealised_pnl(held.side, held.size, held.entry, held.mark)
    else:
        price = families.closing_fee_liquidation_price(*given, held.taker, needed, gained)
        pnl = margin.unrealised_pnl(held.side, held.size, held.entry, held.mark)
    standing = wallet(account) - needed + gained
    yield check_price(account, answer, price)
    yield check_tier(account, answer, price)
    need = families.maintenance_with_fee(held.tiers, held.worth(held.mark), held.taker)
    yield check_now(account, answer, standing + pnl - need)
    check_bankruptcy(account, answer, standing)
    check_call(account, answer, standing)
    yield "cross" if account.others else "isolated"
    yield "long" if held.side > 0 else "short"


def check_margin_rate(account: Account) -> Iterator[str]:
    """WEEX: one rate of the size, nothing cumulative."""
    held = account.held
    answer = lotwise.liquidation(**account.words)
    bands = [(tier.cap, tier.rate) for tier in held.tiers]
    price = families.margin_rate_liquidation_price(held.side, held.size, held.entry, wallet(account), bands)
    yield check_price(account, answer, price)


# -- Bybit with margin added by hand ------------------------------------------------------------------


def check_bybit(account: Account) -> Iterator[str]:
    """The rule in force and the one before 2025-09-02, each by its own definition."""
    held, extra = account.held, Fraction(account.extra8, E8)
    fees = held.contract.fees
    assert fees is not None
    taker = Fraction(str(fees.taker))
    leverage = held.worth(held.entry) / exact_margin(account)  # that of the margin as it was cut
    given = (held.side, held.size, held.entry, leverage, held.tiers)
    price: Liquidation | None
    if held.contract.is_inverse:
        if held.contract.maintenance_rule == "entry":
            price = inverse.bybit_old_liquidation_price(*given, extra=extra)
        else:
            price = inverse.bybit_new_liquidation_price(*given, taker=taker, extra=extra)
    elif held.contract.maintenance_rule == "entry":
        kept = margin.maintenance(held.tiers, held.worth(held.entry))  # cut to 1e-8, as is the margin
        price = margin.bybit_old_liquidation_price(*given, extra=extra + kept - trunc8(kept))
    else:
        price = margin.bybit_new_liquidation_price(*given, taker=taker, extra=extra)
    if price is None:
        price = NEVER if held.side > 0 else ALWAYS
    answer = lotwise.liquidation(**account.words)
    assert answer.rule == held.contract.maintenance_rule
    yield check_price(account, answer, price)
    yield "extra" if extra else "no extra"
    yield "long" if held.side > 0 else "short"
    if answer.rule == "mark":
        yield check_tier(account, answer, price)


# -- the families -----------------------------------------------------------------------------------------


class Family(NamedTuple):
    """A venue's rule on a kind of contract: how its accounts are drawn, checked, and what must be seen."""

    law: str
    made: Callable[[int], Account]
    check: Callable[[Account], Iterator[str]]
    rare: tuple[str, ...]


@cache
def contracts(kind: str, one_tier: bool = False, **facts: object) -> tuple[Contract, ...]:
    """The contracts of a family."""
    return tuple(contract(kind, number, one_tier, **facts) for number in range(CONTRACTS))


def family(
    law: str,
    kind: str,
    check: Callable[[Account], Iterator[str]],
    rare: tuple[str, ...],
    *,
    alone: bool = False,
    extra: bool = False,
    one_tier: bool = False,
    **facts: object,
) -> Family:
    """Accounts on the contracts of a kind; ``alone`` without other positions."""

    def made(number: int) -> Account:
        listed = contracts(kind, one_tier, **facts)
        return drawn(number, listed[number % CONTRACTS], () if alone else listed, extra=extra)

    return Family(law, made, check, rare)


def hedged(law: str, kind: str, **facts: object) -> Family:
    """Two legs on the contracts of a kind."""

    def made(number: int) -> Account:
        listed = contracts(kind, **facts)
        return hedge(number, listed[number % CONTRACTS], listed)

    rare = ("lower", "upper", "lower and upper", "under water")
    return Family(law, made, check_hedge, rare)


def cleared(number: int) -> Account:
    """A position of whole contracts in a listed future."""
    listed = clearing_contracts()
    return drawn(number, listed[number % CONTRACTS])._replace(leverage=None)


@cache
def clearing_contracts() -> tuple[Contract, ...]:
    """Listed futures with a margin per contract of 1 % to 40 % of what a contract was worth at 1,000."""
    return tuple(
        one.replace(
            lot_size="1",
            contract_size="0.1",
            clearing=True,
            initial_margin_per_contract=str(2 * number + 2),
            maintenance_margin_per_contract=str(number + 1),
        )
        for number, one in enumerate(contracts("linear_dated"))
    )


MOVES = ("price", "another tier", "now", "not now", "cross", "isolated", "long", "short")
BY_HAND = ("price", "extra", "no extra", "long", "short")
FEE = {"liquidation_holds_closing_fee": True}
HELD = {"margin_holds_closing_fee": True}
FAMILIES = {
    "linear": family(
        "liquidation by mark, linear on random tables: exactly the twin's root",
        "linear_perpetual",
        check_by_mark,
        (*MOVES, NEVER, ALWAYS),
    ),
    "inverse": family(
        "liquidation by mark, inverse: exactly the twin's root",
        "inverse_perpetual",
        check_by_mark,
        (*MOVES, NEVER, ALWAYS),
    ),
    "inverse dated": family(
        "liquidation by mark, dated inverse: exactly the twin's root",
        "inverse_dated",
        check_by_mark,
        (*MOVES, NEVER, ALWAYS),
    ),
    "closing fee": family(
        "liquidation with the closing fee (BingX, MEXC): exactly the twin's root",
        "linear_perpetual",
        check_by_mark,
        (*MOVES, NEVER, ALWAYS),
        **FEE,
    ),
    "inverse closing fee": family(
        "liquidation with the closing fee, inverse: exactly the twin's root",
        "inverse_perpetual",
        check_by_mark,
        (*MOVES, NEVER, ALWAYS),
        **FEE,
    ),
    "margin rate": family(
        "liquidation by margin rate (WEEX): exactly the twin's root",
        "linear_perpetual",
        check_margin_rate,
        ("price", NEVER),
        alone=True,
        one_tier=True,
    ),
    "bybit linear": family(
        "Bybit's liquidation with extra margin, linear: exactly the twin's root",
        "linear_perpetual",
        check_bybit,
        (*BY_HAND, "another tier", NEVER),
        extra=True,
        **HELD,
    ),
    "bybit linear before": family(
        "Bybit's liquidation before 2025-09-02 with extra margin, linear: exactly the twin's root",
        "linear_perpetual",
        check_bybit,
        (*BY_HAND, NEVER),
        extra=True,
        maintenance_rule="entry",
        **HELD,
    ),
    "bybit inverse": family(
        "Bybit's liquidation with extra margin, inverse: exactly the twin's root",
        "inverse_perpetual",
        check_bybit,
        (*BY_HAND, "another tier", NEVER),
        extra=True,
        **HELD,
    ),
    "bybit inverse before": family(
        "Bybit's liquidation before 2025-09-02 with extra margin, inverse: exactly the twin's root",
        "inverse_perpetual",
        check_bybit,
        (*BY_HAND, NEVER),
        extra=True,
        maintenance_rule="entry",
        **HELD,
    ),
    "hedge": hedged("both prices of a hedge, linear: the twin's", "linear_perpetual"),
    "hedge inverse": hedged("both prices of a hedge, inverse: the twin's", "inverse_perpetual"),
    "hedge closing fee": hedged(
        "both prices of a hedge with closing fees: the twin's", "linear_perpetual", **FEE
    ),
    "clearing": Family(
        "margin call of a listed future: exactly the twin's",
        cleared,
        check_clearing,
        ("price", NEVER, "called now", "not yet"),
    ),
}


@bulk.every_shard
@pytest.mark.parametrize("name", FAMILIES)
def test_liquidation_is_the_twins(name: str, shard: int, law_cases: int) -> None:
    law, made, check, rare = FAMILIES[name]
    numbers = bulk.numbers_of(shard, cases(law_cases))
    seen = bulk.run(law, numbers, made, check)
    missed = [path for path in rare if not seen[path]]
    assert not missed, f"no position met {missed}: {seen}"
