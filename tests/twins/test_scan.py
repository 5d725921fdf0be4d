"""The scan, compiled, is the scan interpreted, and each of its rows is ``lotwise.size`` of that contract.

Every contract of the catalogue, at seeded prices, under setups that differ in side, money, stop,
costs and caps. Nothing is left out: where size raises, the row's reason must be the one that matches.
"""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

import lotwise
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.kernel.layout import LONG
from lotwise.records.answers import SizePlan
from lotwise.records.scan import Quote, ScanAnswer, ScanRow
from lotwise.sizing.ask import read_side
from lotwise.sizing.listing import Setup, _listing, found_on
from lotwise.sizing.scan import read_setup, scan
from lotwise.sizing.scan_row import REASONS as WHY
from lotwise.sizing.scan_row import row_of
from lotwise.sizing.words import RULE_NAMES
from lotwise.units import parse_scaled, scaled_text
from tests.laws import bulk
from tests.laws.cases import chance, seeded, spread_over

E8 = 10**8
DAY = "2026-11-22"
LAW = "scan: compiled, interpreted and one by one agree"

REASONS = {
    "SIZE-001": "no_price",
    "SIZE-006": "no_stop",
    "SIZE-007": "no_stop",
    "SIZE-008": "costs",
    "SIZE-014": "funding",
    "SIZE-033": "too_large_to_count",
}
"""Code of an error of ``size`` to the reason of a row."""

SETUPS: dict[str, dict[str, str]] = {
    "long": {"equity": "500", "stop": "2%"},
    "short": {"equity": "500", "stop": "2%", "side": "short"},
    "long, money, near": {"equity": "500", "risk": "5", "stop": "0.5%"},
    "short, maker, near": {
        "equity": "200",
        "risk": "2",
        "stop": "0.5%",
        "side": "short",
        "entry_as": "maker",
    },
    "long, ATR, costs": {"equity": "5000", "stop": "1.5atr", "spread": "3bp", "slippage": "2bp"},
    "short, ATR, held": {
        "equity": "5000",
        "stop": "1.5atr",
        "side": "short",
        "hold_hours": "24",
        "max_leverage": "3",
        "slippage": "1%",
    },
    "long, held": {"equity": "5000", "stop": "2%", "hold_hours": "100", "entry_as": "maker"},
    "long, no leverage": {"equity": "5000", "risk": "50%", "max_leverage": "1", "max_margin": "20%"},
    "short, far liquidation": {
        "equity": "200",
        "risk": "20%",
        "stop": "9%",
        "side": "short",
        "liquidation_multiple": "20",
        "max_margin": "10%",
    },
    "long, small": {"equity": "20", "stop": "5%"},
    "long, all of it": {"equity": "10000000", "risk": "100%", "stop": "0.5%"},
    "short, all of it": {"equity": "300000", "risk": "100%", "stop": "0.2%", "side": "short"},
    "short, beyond double": {"equity": "5000", "stop": "180%", "side": "short", "spread": "5bp"},
    "long, no margin": {"equity": "500", "risk": "50%", "stop": "2%", "max_margin": "0.000001%"},
}


class Drawn(NamedTuple):
    """A setup and a quote for every contract, made from a number alone."""

    number: int
    name: str
    quotes: dict[str, Quote]

    @property
    def setup(self) -> dict[str, Any]:
        return SETUPS[self.name]


def catalogued() -> list[Contract]:
    """Every contract of the catalogue."""
    return list(catalogue.all_contracts())


def drawn(number: int, name: str) -> Drawn:
    """Prices of all contracts but a few; most on the tick and ordinary, some extreme."""
    rng = seeded(number)
    found = {}
    for contract in catalogued():
        if not chance(rng, 3):
            found[contract.id] = quote(rng, contract)
    return Drawn(number, name, found)


def highest8(contract: Contract) -> int:
    """A billion, the most a quote may be; of a coin in which money is kept so much less that 1e-8 of it
    is no more than a dollar: where the money at risk is no countable part of a coin, no size is asked."""
    return 10**16 if contract.is_inverse else 10**17


def quote(rng: random.Random, contract: Contract) -> Quote:
    """One contract's quote."""
    tick8 = contract.scales.tick_size8
    ticks = spread_over(rng, 100, 1_000_000)
    if chance(rng, 10):
        ticks = spread_over(rng, 1, 100)
    elif chance(rng, 5):
        ticks = spread_over(rng, 1_000_000, max(2_000_000, highest8(contract) // tick8 - 1))
    price8 = ticks * tick8 + (rng.randrange(tick8) if chance(rng, 30) else 0)
    spread8 = price8 * spread_over(rng, 1, 10_000) // 10**6
    if chance(rng, 3):
        spread8 = min(price8 * rng.randint(90, 110) // 100, 10**17 - 1)
    rate8 = rng.randint(-100_000, 1_000_000) * (100 if chance(rng, 5) else 1)
    return Quote(
        price=scaled_text(price8),
        at=DAY,
        source="drawn",
        spread=scaled_text(spread8) if chance(rng, 50) else None,
        funding_rate=scaled_text(rate8) if chance(rng, 80) else None,
        atr=scaled_text(price8 * spread_over(rng, 1_000, 300_000) // 10**6) if chance(rng, 95) else None,
    )


# -- one by one ------------------------------------------------------------------------------------


def entry8_of(contract: Contract, side: str, price: str) -> int:
    """The price moved onto the tick against the trader."""
    tick8, price8 = contract.scales.tick_size8, parse_scaled(price, "price")
    return (-(-price8 // tick8) if read_side(side) == LONG else price8 // tick8) * tick8


def sized(contract: Contract, setup: dict[str, Any], given: Quote) -> SizePlan:
    """``lotwise.size`` of one contract, the setup put into its words."""
    side = setup.get("side", "long")
    entry8 = entry8_of(contract, side, given.price)
    equity, risk = setup["equity"], setup.get("risk", "1%")
    if contract.is_inverse and entry8:  # the coins that the money buys at the price
        equity = scaled_text(parse_scaled(equity, "equity") * E8 // entry8)
        if not risk.endswith("%"):
            risk = scaled_text(parse_scaled(risk, "risk") * E8 // entry8)
    words = {name: setup[name] for name in ("entry_as", "slippage", "max_margin") if name in setup}
    words |= {"spread": given.spread or setup.get("spread", "0")}
    if "max_leverage" in setup:
        most = (contract.scales.max_leverage100 or 12_500) // 100
        words["max_leverage"] = str(min(int(setup["max_leverage"]), most))
    if "liquidation_multiple" in setup:
        words["liquidation_multiple"] = setup["liquidation_multiple"]
    if "hold_hours" in setup and given.funding_rate is not None and contract.funding is not None:
        words |= {"hold_hours": setup["hold_hours"], "funding_rate": given.funding_rate}
    return lotwise.size(
        contract,
        side=side,
        entry=scaled_text(entry8),
        stop=setup.get("stop", "2%"),
        equity=equity,
        risk=risk,
        atr=given.atr,
        **words,
    )


def size_or_reason(contract: Contract, setup: dict[str, Any], given: Quote) -> SizePlan | str:
    """The plan, or the reason that stands for the error."""
    try:
        return sized(contract, setup, given)
    except InputError as error:
        return "funding" if funds_too_high(contract, setup, given) else REASONS.get(error.code, error.code)


def funds_too_high(contract: Contract, setup: dict[str, Any], given: Quote) -> bool:
    """Above 10 % an interval, or above half the notional over the hold: said before stop and costs."""
    if "hold_hours" not in setup or given.funding_rate is None or contract.funding is None:
        return False
    rate = Fraction(given.funding_rate)
    paid = rate if setup.get("side", "long") == "long" else -rate
    stamps = -(-int(setup["hold_hours"]) // contract.funding.interval_hours)
    return not contract.is_dated and (abs(rate) > Fraction(1, 10) or paid * stamps > Fraction(1, 2))


def check_row(contract: Contract, setup: dict[str, Any], given: Quote | None, row: ScanRow) -> str:
    """A row is what size says; the name of what was seen."""
    where = f"{contract.id} {setup} {given} {row}"
    if given is None:
        assert (row.fits, row.reason, row.lots, row.price) == (False, "no_price", 0, None), where
        return "no_price"
    plan = size_or_reason(contract, setup, given)
    if contract.fees is None:  # said before anything else; size refuses only what no fee could save
        assert isinstance(plan, str) or not plan.feasible, where
        assert (row.fits, row.reason, row.lots) == (False, "no_fees", 0), where
        return "no_fees"
    if isinstance(plan, str):
        assert (row.fits, row.lots, row.reason) == (False, 0, plan), f"{where}: size says {plan}"
        return plan
    side = setup.get("side", "long")
    assert parse_scaled(row.price, "price") == entry8_of(contract, side, given.price), where
    assert (row.fits, row.lots) == (plan.feasible, plan.lots), f"{where}: size says {plan}"
    assert (row.stop, row.budget) == (plan.stop, plan.budget), where
    if not plan.feasible:
        assert plan.blocked_by is not None
        assert row.reason == plan.blocked_by.rule, f"{where}: size says {plan.blocked_by}"
        assert row.loss_at_stop == plan.next_lot_loss, where
        assert row.waste is None
        return row.reason
    assert row.reason is None
    for name in (
        *("quantity", "quantity_unit", "contracts", "notional", "loss_at_stop", "budget", "leverage"),
        *("initial_margin", "liquidation_price", "settle", "base", "as_of"),
    ):
        assert getattr(row, name) == getattr(plan, name), f"{name} of {where}: size says {plan}"
    assert_shares(row, plan)
    return "inverse" if contract.is_inverse else "fits"


def assert_shares(row: ScanRow, plan: SizePlan) -> None:
    """Costs, waste and the distance to liquidation, from the plan's own figures."""
    parts = plan.loss_breakdown
    assert parts is not None
    costs = sum(Fraction(getattr(parts, name)) for name in parts.__struct_fields__ if name != "price")
    budget, loss = Fraction(plan.budget), Fraction(str(plan.loss_at_stop))
    assert Fraction(str(row.costs)) == costs
    assert Fraction(str(row.costs_of_budget)) == Fraction(-(-costs * 10_000 // budget), 10_000)
    assert Fraction(str(row.waste)) == Fraction((budget - loss) * 10_000 // budget, 10_000)
    if plan.liquidation_price is None:
        assert row.liquidation_distance is None
    else:
        away = abs(Fraction(plan.entry) - Fraction(plan.liquidation_price)) / Fraction(plan.entry)
        assert Fraction(str(row.liquidation_distance)) == Fraction(away * 10_000 // 1, 10_000)


SEEN: dict[str, tuple[str, ...]] = {
    "long": ("fits", "inverse", "no_price", "no_fees", "no_stop", "costs", "lot"),
    "short": ("fits", "inverse"),
    "long, small": ("fits", "lot", "min_notional"),
    "long, ATR, costs": ("fits", "inverse", "no_stop"),
    "short, ATR, held": ("fits", "inverse", "funding"),
    "long, held": ("fits", "inverse", "funding"),
    "long, no leverage": ("fits", "max_leverage"),
    "short, far liquidation": ("fits", "liquidation"),
    "long, all of it": ("fits", "inverse", "tier"),
    "short, beyond double": ("inverse", "liquidation", "max_quantity", "too_large_to_count"),
    "long, no margin": ("headroom", "max_leverage"),
}
"""What a setup must have met, so that no path goes unseen."""


@pytest.mark.parametrize("name", SETUPS)
def test_every_row_of_a_scan_is_the_size_of_its_contract(name: str, law_cases: int) -> None:
    setup = SETUPS[name]
    seen: Counter[str] = Counter()
    for number in range(max(1, law_cases // 25_000)):
        case = drawn(number + 1_000 * list(SETUPS).index(name), name)
        found = scan(quotes=case.quotes, sort="name", **setup)
        assert_same(found, scan(quotes=case.quotes, sort="name", compiled=False, **setup))
        rows = {row.contract: row for row in found.rows}
        assert rows.keys() == {contract.id for contract in catalogued()}
        for contract in catalogued():
            given = case.quotes.get(contract.id)
            if given is None and rows[contract.id].price_at is not None:
                continue  # a dated reference price stood in
            seen[check_row(contract, setup, given, rows[contract.id])] += 1
            seen[contract.venue] += 1
    bulk.record(LAW, sum(seen[venue] for venue in catalogue.VENUES))
    assert set(catalogue.VENUES) <= set(seen)
    assert all(seen[what] for what in SEEN.get(name, ())), seen


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize(("spread", "slippage"), [(995, "1%"), (999, "0.05%"), (1000, "0%"), (960, "6%")])
def test_costs_next_to_the_price(side: str, spread: int, slippage: str) -> None:
    """Spread and slippage about as large as the price, of which some stops allow a little more."""
    setup = {"equity": "5000", "risk": "100%", "stop": "3%", "side": side, "slippage": slippage}
    quotes = {}
    for contract in catalogued():
        price8 = 5_000 * contract.scales.tick_size8
        quotes[contract.id] = Quote(
            price=scaled_text(price8), at=DAY, source="drawn", spread=scaled_text(price8 * spread // 1000)
        )
    found = scan(quotes=quotes, sort="name", **setup)
    assert_same(found, scan(quotes=quotes, sort="name", compiled=False, **setup))
    contracts = {contract.id: contract for contract in catalogued()}
    for row in found.rows:
        check_row(contracts[row.contract], setup, quotes[row.contract], row)


def test_prices_far_beyond_any_market(law_cases: int) -> None:
    """Up to a billion a coin, where one lot is more than 64 bits hold: both bodies say so."""
    contracts = catalogued()
    reasons: set[str | None] = set()
    for number in range(max(10, law_cases // 1_000)):
        rng = seeded(88_000 + number)
        quotes = {}
        for contract in contracts:
            ticks = spread_over(
                rng, 10**14 // contract.scales.tick_size8, 10**17 // contract.scales.tick_size8
            )
            quotes[contract.id] = Quote(price=contract.price_text(ticks), at=DAY, source="drawn", atr="1")
        setup = {
            "equity": "10000000000",
            "risk": rng.choice(["100%", "1%"]),
            "side": rng.choice(["long", "short"]),
            "stop": rng.choice(["0.1%", "90%", "1atr"]),
        }
        found = scan(quotes=quotes, sort="name", **setup)
        assert_same(found, scan(quotes=quotes, sort="name", compiled=False, **setup))
        row = found.rows[rng.randrange(len(found.rows))]
        check_row(catalogue.load(row.contract), setup, quotes[row.contract], row)
        reasons |= {row.reason for row in found.rows}
    assert {"too_large_to_count", None} <= reasons


@pytest.mark.parametrize(
    ("contract", "price"),
    [
        ("bybit:ZBCNUSDT", "975637135.0857550"),
        ("bybit:1000PEPEUSDT", "977446542.082197"),
        ("bybit:1000BTTUSDT", "984752152.7919052"),
    ],
)
def test_a_lot_that_would_wrap_into_a_small_number(contract: str, price: str) -> None:
    """One lot at the stop is a little over 2**64: cut to 64 bits it looks like a few dollars."""
    setup = {"equity": "10000000000", "risk": "100%", "stop": "90%", "side": "short"}
    given = Quote(price=price, at=DAY, source="drawn")
    asked: dict[str, Any] = {"quotes": {contract: given}, "coins": [catalogue.load(contract).base]}
    for compiled in (True, False):
        rows = {row.contract: row for row in scan(**asked, **setup, compiled=compiled).rows}
        assert check_row(catalogue.load(contract), setup, given, rows[contract]) == "too_large_to_count"


def assert_same(found: ScanAnswer, twin: ScanAnswer) -> None:
    """The same answer; where it is not, the first row that differs is shown."""
    for one, other in zip(found.rows, twin.rows, strict=True):
        assert one == other, f"compiled {one}, interpreted {other}"
    assert found == twin


# -- listed futures --------------------------------------------------------------------------------


def cleared() -> list[Contract]:
    """The listed futures of the catalogue with fees, and with a margin per contract or without."""
    fees = FeeSchedule("0.01%", "0.02%")
    found = [contract.replace(fees=fees) for contract in catalogued() if contract.clearing]
    found += [one.replace(symbol=f"{one.symbol}1", initial_margin_per_contract="900") for one in found]
    return found


@pytest.mark.parametrize("compiled", [True, False])
def test_listed_futures_have_no_leverage_and_the_account_behind_them(compiled: bool, law_cases: int) -> None:
    contracts = cleared()
    listing = _listing(tuple(contracts))
    seen: Counter[str] = Counter()
    for number in range(max(20, law_cases // 200)):
        rng = seeded(77_000 + number)
        setup = {
            "equity": str(spread_over(rng, 500, 200_000)),
            "risk": f"{spread_over(rng, 1, 100)}%",
            "stop": f"{spread_over(rng, 1, 40)}%",
            "side": rng.choice(["long", "short"]),
            "max_margin": rng.choice(["100%", "10%"]),
        }
        given = [cleared_quote(rng, contract) for contract in contracts]
        read = setup_of(**setup)
        rows = found_on(listing, read, given, compiled)
        for contract, one, row in zip(contracts, given, rows, strict=True):
            shown = row_of(contract, read, one, row)
            what = check_row(contract, setup, one, shown)
            assert shown.leverage is None
            seen[f"{what}, {'margin' if contract.scales.margin_per_lot_cash else 'unknown'}"] += 1
    wanted = {"fits, margin", "fits, unknown", "lot, margin", "margin, margin", "headroom, margin"}
    assert wanted <= set(seen), seen


def cleared_quote(rng: random.Random, contract: Contract) -> Quote:
    """A price on the tick."""
    ticks = spread_over(rng, 200, 20_000)
    return Quote(price=contract.price_text(ticks), at=DAY, source="drawn")


def setup_of(**words: str) -> Setup:
    """The words of a scan, read."""
    given = {"entry_as": "taker", "spread": "0%", "slippage": "0%", "hold_hours": "0"}
    given |= {"liquidation_multiple": "1.5"}
    return read_setup(**(given | words), max_leverage=None)  # type: ignore[arg-type]


def test_every_reason_a_row_can_give_is_met() -> None:
    met = {what for seen in SEEN.values() for what in seen} | {"margin"}
    assert {*RULE_NAMES.values(), *REASONS.values()} - {"budget"} <= met
    assert set(WHY.values()) - {"budget"} <= met
