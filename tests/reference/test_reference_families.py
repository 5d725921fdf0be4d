"""The twin of inverse contracts and of the other venue families, judged before it may judge.

Every line of its case tables must follow from it; random positions must agree with bisection on the account's
own balance, written out again here by price, and with the formulas the venues print, tier by tier.
"""

from __future__ import annotations

import ast
import json
import os
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cases.reader import FOLDER, read_cases
from tests.reference import families, inverse, margin
from tests.reference.margin import exact
from tests.reference.test_case_tables import by_id, case_tiers, number

HERE = Path(__file__).parent
HALVINGS = 180

VECTORS = {
    *("V1", "V3", "V5", "V7", "V10", "V11", "V13", "V15", "V16", "V18", "V20", "V21", "V22", "V23", "V25"),
    *("V26", "V29", "V31", "V32", "V33", "V39", "V41", "V42", "V44", "V49", "V52", "V53"),
    *("W1", "W2", "W3", "W5", "W6", "W8", "W9"),
}
"""Every identifier of the shared file of vectors."""

DESCRIBED = {"V27", "V30", "V34", "V35", "V36", "V37", "V45", "V46", "V47", "V48", "V50", "V51", "V54"}
"""Those that are described beside it only."""


def test_every_vector_is_in_a_table() -> None:
    found = {case["id"] for path in FOLDER.glob("*.case") for case in read_cases(path.stem) if "id" in case}
    assert (VECTORS | DESCRIBED) - found == set()


def test_the_list_of_vectors_is_that_of_the_shared_file() -> None:
    given = os.environ.get("LOTWISE_TEST_DATA")
    path = Path(given).parent / "vectors" / "margin.json" if given else None
    if path is None or not path.is_file():
        pytest.skip("the shared vectors are absent: no folder vectors beside LOTWISE_TEST_DATA")
    assert {vector["id"] for vector in json.loads(path.read_text("utf-8"))["vectors"]} == VECTORS


def test_the_twin_imports_only_the_standard_library_and_itself() -> None:
    allowed = {"__future__", "collections", "dataclasses", "fractions", "itertools", "typing"}
    for name in ("inverse.py", "families.py"):
        for node in ast.walk(ast.parse((HERE / name).read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.Import), name
            if isinstance(node, ast.ImportFrom):
                own = {node.module} if node.module else {item.name for item in node.names}
                inside = node.level == 1 and own <= {"margin", "inverse", "sizing"}
                assert inside or (node.module or "").split(".")[0] in allowed, (name, node.module)


# --- tables ---------------------------------------------------------------------------------------


def meets(found: inverse.Liquidation | None, case: dict[str, str], column: str = "expected") -> bool:
    """Tell whether an answer is the word, the cut figure, or near enough to the figure of a line."""
    wanted = case[column]
    if wanted in (inverse.NEVER, inverse.ALWAYS) or isinstance(found, str) or found is None:
        return found == wanted
    if case.get("decimals", "-") != "-":
        return margin.trunc_to(found, int(case["decimals"])) == exact(wanted)
    tolerance = number(case.get("tolerance", "-")) or Fraction(0)
    return abs(found - exact(wanted)) <= tolerance


def usd(case: dict[str, str]) -> Fraction:
    """Return the size in USD."""
    return exact(case["contracts"]) * exact(case["contract_size"])


@pytest.mark.parametrize("case", read_cases("inverse_liquidation"), ids=by_id)
def test_table_inverse_liquidation(case: dict[str, str]) -> None:
    size, entry, tiers = usd(case), case["entry"], case_tiers(case)
    side, leverage, extra = case["side"], case["leverage"], case["extra"]
    others = (case["others_maintenance"], case["others_pnl"])
    if case["rule"] == "bust_fee":
        found = inverse.bybit_new_liquidation_price(side, size, entry, leverage, tiers, case["taker"], extra)
    elif case["rule"] == "entry":
        found = inverse.bybit_old_liquidation_price(side, size, entry, leverage, tiers, extra)
    else:
        wallet = number(case["wallet"]) or inverse.initial_margin(size, entry, leverage)
        fee = case["taker"] if case["rule"] == "closing_fee" else 0
        found = inverse.liquidation_price(side, size, entry, wallet, tiers, *others, closing_fee=fee)
    assert meets(found, case)


@pytest.mark.parametrize("case", read_cases("binance_faq_liquidation"), ids=by_id)
def test_table_binance_faq(case: dict[str, str]) -> None:
    others = (case["others_maintenance"], case["others_pnl"])
    arguments = (case["side"], case["quantity"], case["entry"], case["wallet"], case_tiers(case), *others)
    assert meets(margin.liquidation_price(*arguments), case)


@pytest.mark.parametrize("case", read_cases("closing_fee_liquidation"), ids=by_id)
def test_table_closing_fee(case: dict[str, str]) -> None:
    side, quantity, entry, tiers = case["side"], case["quantity"], case["entry"], case_tiers(case)
    if case["rule"] == "entry":
        found = margin.bybit_old_liquidation_price(side, quantity, entry, case["leverage"], tiers)
    else:
        wallet = number(case["wallet"]) or exact(quantity) * exact(entry) / exact(case["leverage"])
        others = (case["others_maintenance"], case["others_pnl"])
        found = families.closing_fee_liquidation_price(
            side, quantity, entry, wallet, tiers, case["taker"], *others
        )
    assert meets(found, case)


@pytest.mark.parametrize("case", read_cases("bybit_linear_extra_margin"), ids=by_id)
def test_table_bybit_extra_margin(case: dict[str, str]) -> None:
    arguments = (case["side"], case["quantity"], case["entry"], case["leverage"], case_tiers(case))
    if case["rule"] == "old":
        found = margin.bybit_old_liquidation_price(*arguments, extra=case["extra"])
    else:
        found = margin.bybit_new_liquidation_price(*arguments, taker=case["taker"], extra=case["extra"])
    assert meets(found, case)


@pytest.mark.parametrize("case", read_cases("hedge_liquidation"), ids=by_id)
def test_table_hedge(case: dict[str, str]) -> None:
    long, short = (
        (exact(case[f"{leg}_quantity"]) * exact(case["contract_size"]), case[f"{leg}_entry"])
        for leg in ("long", "short")
    )
    tiers = case_tiers(case | {"cumulative": "0"})
    is_inverse = case["kind"].startswith("inverse")
    solve = families.inverse_hedge_liquidation if is_inverse else families.hedge_liquidation
    found = solve(long, short, case["wallet"], tiers, case["others_maintenance"], case["others_pnl"])
    assert found.under_water == (case["lower"] == "always") == (case["upper"] == "always")
    for bound, column in ((found.lower, "lower"), (found.upper, "upper")):
        if found.under_water or case[column] == "-":
            assert bound is None
        else:
            assert meets(bound, case, column)


@pytest.mark.parametrize("case", read_cases("weex_margin_rate"), ids=by_id)
def test_table_margin_rate(case: dict[str, str]) -> None:
    quantity, held, rate = case["quantity"], case["margin"], case["rate"]
    if case["what"] == "margin_rate":
        found: inverse.Liquidation = families.margin_rate_of(held, case["pnl"], quantity, case["mark"])
    elif case["what"] == "cross_price":
        legs = (quantity, 0) if case["side"] == "long" else (0, quantity)
        found = families.margin_rate_cross_price(case["mark"], held, case["needed"], *legs, rate)
    else:
        asked = (case["side"], quantity, case["entry"], held)
        found = families.margin_rate_liquidation_price(*asked, [(1, rate)])
        if not isinstance(found, str):
            assert families.margin_rate(*asked, found) == exact(rate)
    assert meets(found, case)


@pytest.mark.parametrize("case", read_cases("coin_m_amounts"), ids=by_id)
def test_table_coin_m_amounts(case: dict[str, str]) -> None:
    side, price, mark, leverage, rate = (case[name] for name in ("side", "price", "mark", "leverage", "rate"))

    def notional() -> Fraction:
        return number(case["notional"]) or inverse.worth(usd(case), mark)

    def cumulative() -> Fraction:
        floor, below, rate_below = (exact(case[name]) for name in ("floor", "cumulative", "rate_below"))
        first = margin.Tier(Fraction(0), floor, rate_below, below)
        second = margin.Tier(floor, 2 * floor, exact(rate), exact(case["expected"]))
        margin.check_tiers([first, second])  # a jump is refused
        return below + floor * (exact(rate) - rate_below)

    amounts: dict[str, Callable[[], inverse.Liquidation]] = {
        "notional": notional,
        "unrealised_pnl": lambda: inverse.unrealised_pnl(side, usd(case), price, mark),
        "initial_margin": lambda: notional() / exact(leverage),
        "order_initial_margin": lambda: inverse.initial_margin(usd(case), price, leverage),
        "maintenance_margin": lambda: margin.maintenance(
            margin.single_tier(rate, case["cumulative"]), notional()
        ),
        "cumulative": cumulative,
        "bankruptcy_price": lambda: inverse.bankruptcy_price(side, usd(case), price, case["wallet"], rate),
        "break_even_price": lambda: margin.venue_break_even_price(side, price, rate),
    }
    assert meets(amounts[case["what"]](), case)


@pytest.mark.parametrize("case", read_cases("linear_amounts"), ids=by_id)
def test_table_linear_amounts(case: dict[str, str]) -> None:
    side, quantity, price, mark, rate = (case[name] for name in ("side", "quantity", "price", "mark", "rate"))

    def notional() -> Fraction:
        return number(case["notional"]) or exact(quantity) * exact(mark)

    def entry() -> Fraction:
        gained = margin.sign(side) * exact(case["pnl"])
        return (notional() - gained) / exact(quantity)

    amounts: dict[str, Callable[[], Fraction]] = {
        "notional": notional,
        "unrealised_pnl": lambda: margin.unrealised_pnl(side, quantity, price, mark),
        "initial_margin": lambda: notional() / exact(case["leverage"]),
        "maintenance_margin": lambda: margin.maintenance(margin.single_tier(rate), notional()),
        "break_even_price": lambda: margin.venue_break_even_price(side, price, rate),
        "entry_price": entry,
        "fee": lambda: notional() * exact(rate),
    }
    assert meets(amounts[case["what"]](), case)


@pytest.mark.parametrize("case", read_cases("clearing_margin"), ids=by_id)
def test_table_clearing(case: dict[str, str]) -> None:
    contracts = int(case["contracts"])
    opened = families.clearing_margin(contracts, case["initial_margin"])
    assert opened == exact(case["needed_to_open"])
    asked = (case["side"], contracts, case["contract_size"], case["entry"], case["wallet"])
    assert meets(families.margin_call_price(*asked, case["maintenance_margin"]), case, "margin_call")


def inverse_plan(case: dict[str, str]) -> dict[str, object]:
    """Return the sizing arguments of a line of ``inverse_sizing``."""
    names = ("side", "stop", "tick_size", "contract_size", "spread", "slippage", "entry_fee", "exit_fee")
    legs = [tuple(part.split(":")) for part in case["entries"].split(",")]
    plan: dict[str, object] = {name: case[name] for name in names}
    return plan | {
        "legs": legs,
        "lot_size": 1,
        "entry_is_taker": case["entry"] == "taker",
        "funding_rate_total": case["funding"],
    }


@pytest.mark.parametrize("case", read_cases("inverse_sizing"), ids=by_id)
def test_table_inverse_sizing(case: dict[str, str]) -> None:
    plan, lots = inverse_plan(case), int(case["contracts"])
    slack = inverse.rounding_slack(plan["legs"])  # type: ignore[arg-type]
    parts = inverse.loss_at_stop(lots, **plan)
    assert margin.ceil8(parts["price"]) == exact(case["price_loss"])
    assert margin.ceil8(parts["total"]) == exact(case["loss"])
    assert parts["total"] <= inverse.rounded_loss(lots, **plan)["total"] <= parts["total"] + slack
    most, least = (inverse.largest_lots(case["budget"], added, **plan) for added in (0, slack))
    rounded = inverse.largest_lots_rounded(case["budget"], **plan)
    assert most == rounded == least == int(case["largest"])


# --- the answers, by bisection and by printed formula ----------------------------------------------

Stands = Callable[[Fraction], bool]


def bisected(stands: Stands, direction: int) -> inverse.Liquidation:
    """Return the price below which a long, or above which a short, no longer stands."""
    low, high = Fraction(1, 2**40), Fraction(2**60)
    if stands(low) == stands(high):
        return inverse.NEVER if stands(low) else inverse.ALWAYS
    assert stands(high) == (direction > 0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if stands(middle) == (direction > 0) else (middle, high)
    return high


def agree(found: inverse.Liquidation, halved: inverse.Liquidation) -> bool:
    """Tell whether root and bisected price are the same."""
    if isinstance(found, str) or isinstance(halved, str):
        return found == halved
    return abs(found - halved) <= Fraction(1, 2**90)


def printed(
    tiers: list[margin.Tier], price_in: Callable[[margin.Tier], Fraction], size_at: Callable[..., Fraction]
) -> set[Fraction]:
    """Return the answers of a printed formula that lie in the tier they were worked for."""
    answers = set()
    for tier in tiers:
        price = price_in(tier)
        if price > 0 and tier.floor <= size_at(price) and (tier is tiers[-1] or size_at(price) <= tier.cap):
            answers.add(price)
    return answers


def random_tiers(rng: random.Random, scale: int) -> list[margin.Tier]:
    """Return one to seven tiers whose caps go up to a few hundred times the scale, rates rising."""
    count = rng.randint(1, 7)
    caps = sorted(rng.sample(range(1, 300), count))
    rates = sorted(rng.sample(range(20, 3_000), count))
    rows = [(Fraction(cap * scale), Fraction(rate, 10_000)) for cap, rate in zip(caps, rates, strict=True)]
    return margin.tier_table(rows)


def random_position(rng: random.Random) -> tuple[int, Fraction, Fraction, Fraction]:
    """Return sign, entry, worth at entry (0.1 to 500) and a share of it behind the position."""
    entry, opened = Fraction(rng.randint(10**5, 10**7), 100), Fraction(rng.randint(1, 5_000), 10)
    share = rng.randint(-250, 0) if rng.random() < 0.2 else rng.randint(1, 130)
    return rng.choice([1, -1]), entry, opened, opened * Fraction(share, 100)


def counted(seen: dict[str, int], found: inverse.Liquidation) -> None:
    seen[found if isinstance(found, str) else "price"] += 1


def test_coin_m_walk_bisection_and_printed_formula_agree() -> None:
    rng, seen = random.Random(33), {"price": 0, "never": 0, "always": 0}
    for _ in range(250):
        tiers, fee = random_tiers(rng, 1), Fraction(rng.choice([0, 0, 5]), 10_000)
        s, entry, opened, rest = random_position(rng)
        size, other = opened * entry, Fraction(rng.randint(0, 30), 10)
        found = inverse.liquidation_price(s, size, entry, rest + other / 2, tiers, other, other / 2, fee)

        def stands(price: Fraction, given=(s, size, entry, rest, tiers, fee)) -> bool:  # type: ignore[no-untyped-def]
            s, size, entry, rest, tiers, fee = given
            needed = margin.maintenance(tiers, size / price) + fee * size / price
            return rest + s * size * (1 / entry - 1 / price) > needed

        def price_in(tier: margin.Tier, given=(s, size, opened, rest, fee)) -> Fraction:  # type: ignore[no-untyped-def]
            s, size, opened, rest, fee = given
            below = rest + tier.cumulative + s * opened
            return size * (tier.rate + fee + s) / below if below else Fraction(0)

        assert agree(found, bisected(stands, s))
        answers = printed(tiers, price_in, lambda price, size=size: size / price)
        assert answers == (set() if isinstance(found, str) else {found})
        counted(seen, found)
    assert min(seen.values()) >= 5, seen


def test_bybit_inverse_equals_the_official_formulas() -> None:
    rng, seen = random.Random(20260527), {"price": 0, "never": 0}
    for _ in range(250):
        tiers, taker = random_tiers(rng, 1), Fraction(rng.randint(0, 20), 10_000)
        s, entry, opened, extra = random_position(rng)
        size, part, extra = opened * entry, opened / rng.randint(1, 50), max(extra, Fraction(0))
        leverage = opened / part
        found = inverse.bybit_new_liquidation_price(s, size, entry, leverage, tiers, taker, extra)

        def price_in(tier: margin.Tier, given=(s, size, opened, part, taker, extra)) -> Fraction:  # type: ignore[no-untyped-def]
            s, size, opened, part, taker, extra = given
            if s > 0:
                return size * (1 + tier.rate) / (opened + part + extra / (1 + taker) + tier.cumulative)
            below = opened - part - extra / (1 - taker) - tier.cumulative
            return size * (1 - tier.rate) / below if below else Fraction(0)

        official = printed(tiers, price_in, lambda price, size=size: size / price)
        assert official == (set() if isinstance(found, str) else {found})
        counted(seen, found)
    assert min(seen.values()) >= 5, seen


def test_closing_fee_walk_and_bisection_agree() -> None:
    rng, seen = random.Random(13), {"price": 0, "never": 0, "always": 0}
    for _ in range(200):
        tiers, taker = random_tiers(rng, 1), Fraction(rng.randint(1, 20), 10_000)
        s, entry, opened, rest = random_position(rng)
        quantity = opened / entry
        found = families.closing_fee_liquidation_price(s, quantity, entry, rest + 2, tiers, taker, 3, 1)

        def stands(price: Fraction, given=(s, quantity, entry, rest, tiers, taker)) -> bool:  # type: ignore[no-untyped-def]
            s, quantity, entry, rest, tiers, taker = given
            needed = margin.maintenance(tiers, quantity * price) + quantity * price * taker
            return rest + s * quantity * (price - entry) > needed

        assert agree(found, bisected(stands, s))
        counted(seen, found)
    assert min(seen.values()) >= 5, seen


def test_margin_rate_bands_are_met_first_on_the_losing_way() -> None:
    rng, seen = random.Random(30), {"price": 0, "never": 0, "always": 0}
    for _ in range(200):
        bands = [(tier.cap, tier.rate) for tier in random_tiers(rng, 1)]
        s, entry, opened, held = random_position(rng)
        quantity = opened / entry
        found = families.margin_rate_liquidation_price(s, quantity, entry, held, bands)

        def stands(price: Fraction, given=(s, quantity, entry, held, bands)) -> bool:  # type: ignore[no-untyped-def]
            s, quantity, entry, held, bands = given
            needed = families.band_rate(bands, quantity * price)
            return families.margin_rate(s, quantity, entry, held, price) > needed

        counted(seen, found)
        first = Fraction(0) if isinstance(found, str) else found
        far = [first * Fraction(100 + s * step, 100) for step in range(1, 100)] or [entry]
        if isinstance(found, str):
            assert stands(entry / 10**6) == stands(entry) == (found == inverse.NEVER)
        else:
            assert all(stands(price) for price in far)
            assert not (stands(first) and stands(first * (1 + Fraction(1, 10**15))))
    assert min(seen.values()) >= 5, seen


def concave_span(height: Callable[[Fraction], Fraction]) -> tuple[Fraction | None, Fraction | None] | None:
    """Return where a concave function is above zero, by halving alone; None: nowhere."""
    low, high, step = Fraction(1, 2**60), Fraction(2**50), Fraction(1, 2**100)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if height(middle + step) > height(middle) else (low, middle)
    top, ends = low, []
    if height(top) <= 0:
        return None
    for end in (Fraction(1, 2**60), Fraction(2**50)):
        inside, outside, is_open = top, end, height(end) > 0
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if height(middle) > 0 else (inside, middle)
        ends.append(None if is_open else inside)
    return ends[0], ends[1]


@pytest.mark.parametrize("is_inverse", [False, True])
def test_hedge_walk_and_halving_agree(is_inverse: bool) -> None:
    rng = random.Random(7)
    seen = {"lower": 0, "upper": 0, "both": 0, "under water": 0}
    for _ in range(150):
        tiers = random_tiers(rng, 1)
        _, entry, opened, rest = random_position(rng)
        second = entry * Fraction(rng.randint(80, 120), 100)
        unit = opened * entry if is_inverse else opened / entry
        long, short = (unit, entry), (unit * Fraction(rng.randint(50, 150), 100), second)
        long, short = (short, long) if is_inverse else (long, short)
        solve = families.inverse_hedge_liquidation if is_inverse else families.hedge_liquidation
        line = families.inverse_hedge_balance if is_inverse else families.hedge_balance
        found = solve(long, short, rest / 8 + 2, tiers, 3, 1)
        span = concave_span(line(long, short, rest / 8, tiers))
        assert found.under_water == (span is None)
        ends = [found.lower, found.upper]
        if is_inverse:
            ends = [None if price is None else 1 / price for price in reversed(ends)]
        for end, halved in zip(ends, span or (None, None), strict=True):
            assert (end is None) == (halved is None)
            assert end is None or halved is None or abs(end - halved) <= Fraction(1, 2**90)
        name = "under water" if span is None else "both" if None not in ends else ""
        seen[name or ("lower" if found.lower else "upper")] += bool(name or found.lower or found.upper)
    assert min(seen.values()) >= 3, seen


# --- the loss in coin -----------------------------------------------------------------------------


def test_inverse_losses_grow_and_break_even_pays() -> None:
    rng = random.Random(5)
    for _ in range(120):
        s, tick = rng.choice([1, -1]), Fraction(1, 10)
        first = rng.randint(200_000, 900_000)
        prices = [first - s * step * 100 for step in range(rng.randint(1, 3))]
        plan: dict[str, object] = {
            "side": s,
            "legs": [(price * tick, Fraction(1, len(prices))) for price in prices],
            "tick_size": tick,
            "lot_size": 1,
            "contract_size": rng.choice([1, 10, 100]),
            "stop": (prices[-1] - s * rng.randint(1, 30_000)) * tick,
            "spread": rng.randint(0, 20) * tick,
            "slippage": rng.randint(0, 300) * tick,
            "entry_fee": Fraction(rng.randint(0, 8), 10_000),
            "exit_fee": Fraction(rng.randint(1, 8), 10_000),
            "entry_is_taker": rng.random() < 0.5,
            "funding_rate_total": Fraction(rng.randint(0, 5), 10_000),
        }
        checked, budget = inverse.stop_plan(**plan), Fraction(rng.randint(1, 4_000), 10**6)  # type: ignore[arg-type]
        losses = [checked.exact_loss(lots) for lots in range(1, 9)]
        assert all(min(parts.values()) >= 0 for parts in losses)
        assert [parts["total"] for parts in losses] == sorted({parts["total"] for parts in losses})
        for most in (inverse.largest_lots(budget, **plan), inverse.largest_lots_rounded(budget, **plan)):
            assert checked.exact_loss(most)["total"] <= budget
        assert not checked.fits(most + 1, budget)
        even = inverse.break_even(checked, 8)
        assert even is not None
        assert inverse.net_at_close(checked, 8, even) >= 0 > inverse.net_at_close(checked, 8, even - s * tick)
        dated = families.dated_loss_at_stop(8, True, **plan)
        assert dated["total"] == losses[7]["total"] - losses[7]["funding"]
