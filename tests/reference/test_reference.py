"""The twin against published numbers: it may judge the product only after it has been judged itself.

Figures printed by venues and others are typed in here with their source; two solvers that share nothing but
the balance line (walk and bisection), and the venue's printed formula, meet on random accounts.  Sizing is
judged in ``test_reference_sizing``, the tables of ``tests/cases`` in ``test_case_tables``.
"""

from __future__ import annotations

import ast
import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from tests.reference import margin
from tests.reference.margin import exact

HERE = Path(__file__).parent
HALF_CENT = Fraction(5, 1000)

# Binance USD-M BTCUSDT, 2026-09: (cap, rate) of the first four brackets, and the amounts the venue prints.
BTCUSDT_ROWS = [(300_000, "0.004"), (800_000, "0.005"), (3_000_000, "0.0065"), (12_000_000, "0.01")]
BTCUSDT_CUMULATIVE = [0, 300, 1_500, 12_000]
BTCUSDT = margin.tier_table(BTCUSDT_ROWS)

# Binance FAQ b3c689c1, as kept in freqtrade tests/exchange/test_binance.py.
FAQ_WALLET = "1535443.01"
FAQ_ETH = {"side": "long", "quantity": "3683.979", "entry": "1456.84"}
FAQ_ETH_TIER = margin.single_tier("0.10", "135365.00")
FAQ_BTC = {"side": "long", "quantity": "109.488", "entry": "32481.980", "mark": "31967.27"}
FAQ_BTC_TIER = margin.single_tier("0.025", "16300")


def near(found: Fraction | None, expected: str, tolerance: str | Fraction) -> bool:
    """Tell whether a price was found and lies within the tolerance."""
    return found is not None and abs(found - exact(expected)) <= exact(tolerance)


def isolated(leverage: int, quantity: str, entry: str) -> Fraction:
    """Return the isolated wallet of a position opened at this leverage."""
    return exact(quantity) * exact(entry) / leverage


# --- independence ---------------------------------------------------------------------------------


def test_the_twin_imports_only_the_standard_library_and_itself() -> None:
    allowed = {
        "__future__",
        "collections",
        "dataclasses",
        "decimal",
        "fractions",
        "itertools",
        "math",
        "margin",
    }
    for path in (HERE / "__init__.py", HERE / "margin.py", HERE / "sizing.py"):
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").split(".")[0])
        assert found <= allowed, path.name


def test_floats_are_refused() -> None:
    for value in (0.1, True):
        with pytest.raises(TypeError):
            exact(value)
    with pytest.raises(ValueError, match="side"):
        margin.sign("buy")


# --- rounding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "cut"),
    [  # Binance answers that decide the rule: cut toward zero, never rounded
        ("99.623039625", "99.62303962"),
        ("11.954764755", "11.95476475"),
        ("0.000243939", "0.00024393"),
    ],
)
def test_the_venue_cuts_toward_zero(value: str, cut: str) -> None:
    assert margin.trunc8(value) == exact(cut)
    assert margin.trunc8(f"-{value}") == -exact(cut)
    assert margin.floor8(value) == exact(cut)
    assert margin.floor8(f"-{value}") == -exact(cut) - Fraction(1, 10**8)
    assert margin.ceil8(value) == exact(cut) + Fraction(1, 10**8)
    assert margin.ceil8(f"-{value}") == -exact(cut)


# --- maintenance tiers ----------------------------------------------------------------------------


def test_the_cumulative_amounts_are_those_the_venue_prints() -> None:
    assert [tier.cumulative for tier in BTCUSDT] == BTCUSDT_CUMULATIVE
    margin.check_tiers(BTCUSDT)


def test_a_tier_holds_its_cap_and_not_its_floor() -> None:
    assert [margin.tier_of(BTCUSDT, cap).cap for cap, _ in BTCUSDT_ROWS] == [cap for cap, _ in BTCUSDT_ROWS]
    assert margin.tier_of(BTCUSDT, "300000.00000001") == BTCUSDT[1]
    assert margin.tier_of(BTCUSDT, 0) == BTCUSDT[0]
    assert margin.tier_of(BTCUSDT, 10**12) == BTCUSDT[-1]
    assert margin.maintenance(BTCUSDT, 810_000) == exact("3765")  # 810,000 * 0.65 % - 1,500


def test_the_maintenance_margin_is_continuous() -> None:
    for below, above in pairwise(BTCUSDT):
        assert above.floor * above.rate - above.cumulative == margin.maintenance(BTCUSDT, below.cap)


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ([], "at least one"),
        (margin.single_tier(1), "outside"),
        ([margin.Tier(Fraction(5), Fraction(5), Fraction(0), Fraction(0))], "not above its floor"),
        ([BTCUSDT[0], BTCUSDT[2]], "the next one starts"),
        ([BTCUSDT[0], margin.Tier(BTCUSDT[1].floor, BTCUSDT[1].cap, BTCUSDT[1].rate, Fraction(0))], "jumps"),
    ],
)
def test_a_table_that_leaves_the_price_open_is_refused(tiers: list[margin.Tier], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        margin.check_tiers(tiers)


# --- Binance USD-M liquidation: published figures -------------------------------------------------


def test_v1_isolated() -> None:
    assert near(
        margin.liquidation_price(wallet=FAQ_WALLET, tiers=FAQ_ETH_TIER, **FAQ_ETH), "1114.78", HALF_CENT
    )


def test_v3_cross_with_another_position() -> None:
    others_maintenance = margin.maintenance(FAQ_BTC_TIER, exact("109.488") * exact("31967.27"))
    others_pnl = margin.unrealised_pnl(**FAQ_BTC)
    assert (others_maintenance, others_pnl) == (exact("71200.811444"), exact("-56354.56848"))
    found = margin.liquidation_price(
        wallet=FAQ_WALLET,
        tiers=FAQ_ETH_TIER,
        others_maintenance=others_maintenance,
        others_pnl=others_pnl,
        **FAQ_ETH,
    )
    assert near(found, "1153.26", HALF_CENT)


@pytest.mark.parametrize(
    ("side", "leverage", "entry", "expected"),
    [  # freqtrade tests/exchange/test_exchange.py: V5, V7, V10, V11
        ("short", 5, "10", "11.89108910891089"),
        ("short", 5, "8", "9.514851485148514"),
        ("long", 5, "8", "6.454545454545454"),
        ("long", 3, "10", "6.723905723905723"),
    ],
)
def test_isolated_by_leverage(side: str, leverage: int, entry: str, expected: str) -> None:
    tiers = margin.single_tier("0.01", "0.01")
    found = margin.liquidation_price(side, 1, entry, isolated(leverage, "1", entry), tiers)
    assert near(found, expected, "1e-9")


@pytest.mark.parametrize(
    ("side", "wallet", "expected"),
    [  # worked: 0.01 BTC at 60,000; 60 is 10x isolated (W1, W2), 1,000 is a cross wallet
        ("long", 60, "54216.87"),
        ("short", 60, "65737.05"),
        ("short", 1_000, "159362.55"),
    ],
)
def test_worked_in_the_first_tier(side: str, wallet: int, expected: str) -> None:
    assert near(margin.liquidation_price(side, "0.01", 60_000, wallet, BTCUSDT), expected, HALF_CENT)


def test_a_long_that_cannot_be_liquidated_and_a_short_already_under_water() -> None:
    assert margin.liquidation_price("long", "0.01", 60_000, 1_000, BTCUSDT) is None
    assert margin.liquidation_price("long", 1, 100, 100, BTCUSDT) is None  # fully paid: the root is 0 itself
    assert margin.liquidation_price("short", 1, 100, 0, BTCUSDT, others_maintenance=100) is None
    assert margin.bisect_liquidation_price("long", "0.01", 60_000, 1_000, BTCUSDT) is None
    assert margin.bisect_liquidation_price("short", 1, 100, 0, BTCUSDT, others_maintenance=100) is None


def test_w3_the_tier_is_that_of_the_notional_at_the_liquidation_price() -> None:
    opened_in = margin.single_tier("0.0065", 1_500)
    liquidated_in = margin.single_tier("0.005", 300)
    assert near(margin.liquidation_price("long", "13.5", 60_000, 81_000, opened_in), "54241.46", HALF_CENT)
    right = margin.liquidation_price("long", "13.5", 60_000, 81_000, BTCUSDT)
    assert near(right, "54249.02", HALF_CENT)
    assert right == margin.liquidation_price("long", "13.5", 60_000, 81_000, liquidated_in)


@pytest.mark.parametrize(("quantity", "entry"), [(0, 100), (-1, 100), (1, 0)])
def test_a_position_without_size_or_price_is_refused(quantity: int, entry: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        margin.liquidation_price("long", quantity, entry, 10, BTCUSDT)


# --- Binance USD-M liquidation: two solvers and the printed formula -------------------------------


def random_tiers(rng: random.Random) -> list[margin.Tier]:
    """Return one to eight tiers with rising caps and rates."""
    count = rng.randint(1, 8)
    caps = sorted(rng.sample(range(1_000, 3_000_000, 500), count))
    rates = sorted(rng.sample(range(10, 500), count))
    return margin.tier_table([(cap, Fraction(rate, 1_000)) for cap, rate in zip(caps, rates, strict=True)])


def random_account(rng: random.Random) -> tuple[str, Fraction, Fraction, Fraction, Fraction, Fraction]:
    """Return side, quantity, entry, wallet, TMM1 and UPNL1; one in three is cross, a few are under water."""
    side = rng.choice(["long", "short"])
    entry = Fraction(rng.randint(1, 10**7), 100)
    quantity = Fraction(rng.randint(500, 4 * 10**6)) / entry
    if rng.random() < 2 / 3:
        return side, quantity, entry, quantity * entry / rng.randint(1, 50), Fraction(0), Fraction(0)
    wallet = quantity * entry * Fraction(rng.randint(1, 150), 100)
    loss_limit = -int(wallet) if rng.random() < 0.5 else -3 * int(wallet) - 10
    others_pnl = Fraction(rng.randint(loss_limit, int(wallet)))
    return side, quantity, entry, wallet, Fraction(rng.randint(0, int(wallet) // 2)), others_pnl


def printed_formula(
    side: str,
    quantity: Fraction,
    entry: Fraction,
    wallet: Fraction,
    tiers: list[margin.Tier],
    others_maintenance: Fraction,
    others_pnl: Fraction,
) -> set[Fraction]:
    """Return the answers of Binance's formula whose notional lies in the tier they were worked for."""
    direction = margin.sign(side)
    answers = set()
    for number, tier in enumerate(tiers, start=1):
        money = wallet - others_maintenance + others_pnl + tier.cumulative - direction * quantity * entry
        price = money / (quantity * tier.rate - direction * quantity)
        capped = number == len(tiers) or quantity * price <= tier.cap
        if price > 0 and tier.floor <= quantity * price and capped:
            answers.add(price)
    return answers


def test_walk_bisection_and_printed_formula_agree() -> None:
    rng = random.Random(8)
    seen = {
        "long": 0,
        "short": 0,
        "none long": 0,
        "none short": 0,
        "tier changed": 0,
        "beyond the last cap": 0,
    }
    for _ in range(500):
        tiers = random_tiers(rng)
        side, quantity, entry, wallet, others_maintenance, others_pnl = random_account(rng)
        others = (others_maintenance, others_pnl)
        walked = margin.liquidation_price(side, quantity, entry, wallet, tiers, *others)
        halved = margin.bisect_liquidation_price(side, quantity, entry, wallet, tiers, *others)
        printed = printed_formula(side, quantity, entry, wallet, tiers, *others)
        if walked is None:
            assert halved is None
            assert printed == set()
            seen[f"none {side}"] += 1
            continue
        assert printed == {walked}
        assert halved is not None
        assert 0 <= halved - walked <= max(walked, 1) / 2**190
        at_liquidation = margin.tier_of(tiers, quantity * walked)
        seen[side] += 1
        seen["tier changed"] += at_liquidation != margin.tier_of(tiers, quantity * entry)
        seen["beyond the last cap"] += quantity * walked > tiers[-1].cap
    assert min(seen.values()) >= 5, f"the random accounts must meet every kind of answer: {seen}"


# --- Binance USD-M amounts ------------------------------------------------------------------------


def test_v31_v32_cost_of_an_order() -> None:
    """Binance FAQ 87fa7ee3: limit 9253.30, mark 9259.84, 20x; 462.665 is shown as 462.66."""
    price, mark = "9253.30", "9259.84"
    assert margin.order_initial_margin(1, price, 20) == exact("462.665")
    assert margin.trunc_to(margin.order_initial_margin(1, price, 20), 2) == exact("462.66")
    assert margin.open_loss("short", 1, price, mark) == exact("6.54")
    assert margin.open_loss("long", 1, price, mark) == 0
    assert margin.order_margin("long", 1, price, mark, 20) == exact("462.665")
    assert margin.order_margin("short", 1, price, mark, 20) == exact("469.205")


def test_v41_v42_v44_position_answers() -> None:
    """binance-connector-python, test_position_information_v3: 30 ADA long at 0.385, mark 0.41047590, 20x."""
    assert margin.unrealised_pnl("long", 30, "0.385", "0.41047590") == exact("0.76427700")
    assert margin.trunc8(margin.initial_margin_by_mark(30, "0.41047590", 20)) == exact("0.61571385")
    assert margin.venue_break_even_price("long", "0.385", "0.0002") == exact("0.385077")


def test_v45_v49_v50_wld() -> None:
    """Live answers kept as comments in ccxt binance.py: WLDUSDT."""
    assert margin.venue_break_even_price("long", "2.3483", "0.00045") == exact("2.349356735")
    required = margin.maintenance(margin.single_tier("0.006"), "1992.46079250")
    assert required == exact("11.954764755")
    assert margin.trunc8(required) == exact("11.95476475")
    mark = exact("1992.46079250") / 849
    assert margin.unrealised_pnl("short", 849, "2.36", mark) == exact("11.17920750")


def test_margin_ratio_is_one_at_the_liquidation_price() -> None:
    price = margin.liquidation_price("long", "13.5", 60_000, 81_000, BTCUSDT)
    assert price is not None
    balance = 81_000 + margin.unrealised_pnl("long", "13.5", 60_000, price)
    assert margin.margin_ratio(margin.maintenance(BTCUSDT, exact("13.5") * price), balance) == 1
    assert margin.margin_ratio(1, 0) is None


def test_the_bankruptcy_price_leaves_nothing() -> None:
    for side in ("long", "short"):
        price = margin.bankruptcy_price(side, "0.01", 60_000, 60)
        assert 60 + margin.unrealised_pnl(side, "0.01", 60_000, price) == 0
    assert margin.bankruptcy_price("long", "0.01", 60_000, 60) == 54_000
    assert margin.bankruptcy_price("short", "0.01", 60_000, 60) == 66_000


# --- Bybit linear ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "quantity", "entry", "leverage", "rate", "expected", "tolerance"),
    [
        ("long", 1, 10, 1, "0.01", "0.1", "0"),  # V18: freqtrade tests/exchange/test_exchange.py
        ("long", 1, 10, 5, "0.01", "8.1", "0"),  # V20: same
        ("long", 1, 10, 10, "0.01", "9.1", "0"),  # V21: same
        ("short", 1, 10, 1, "0.01", "19.9", "0"),  # V22: same
        ("short", 1, 10, 3, "0.01", "13.233333", "1e-6"),  # V23: same
        ("short", 1, 10, 10, "0.01", "10.9", "0"),  # V25: same
        ("long", 1, 20_000, 50, "0.005", "19700", "0"),  # V26: Bybit help Liquidation-Price-USDT-Contract, 1
        ("long", "0.01", 60_000, 10, "0.005", "54300", "0"),  # worked
        ("short", "0.01", 60_000, 10, "0.005", "65700", "0"),  # worked
    ],
)
def test_bybit_before_2025_09(
    side: str, quantity: str, entry: int, leverage: int, rate: str, expected: str, tolerance: str
) -> None:
    tiers = margin.single_tier(rate)
    found = margin.bybit_old_liquidation_price(side, quantity, entry, leverage, tiers)
    assert near(found, expected, tolerance)


@pytest.mark.parametrize(("side", "expected"), [("long", "54271.36"), ("short", "65671.64")])
@pytest.mark.parametrize("taker", ["0", "0.00055", "0.001"])
def test_bybit_since_2025_09_hides_the_taker_rate(side: str, expected: str, taker: str) -> None:
    """Worked (short: W5): 0.01 BTC at 60,000, 10x, 0.5 %; the fee to close stands on both sides."""
    tiers = margin.single_tier("0.005")
    found = margin.bybit_new_liquidation_price(side, "0.01", 60_000, 10, tiers, taker)
    assert near(found, expected, HALF_CENT)
    assert found == margin.bybit_new_liquidation_price(side, "0.01", 60_000, 10, tiers, 0)


def bybit_published(
    side: str,
    quantity: Fraction,
    entry: Fraction,
    leverage: int,
    tier: margin.Tier,
    taker: Fraction,
    extra: Fraction,
) -> Fraction:
    """Return ``(E - s*E/L - s*(c + X/(1 - s*t))/Q) / (1 - s*m)``: Bybit's form, worked for one tier."""
    s = margin.sign(side)
    added = tier.cumulative + extra / (1 - s * taker)
    return (entry - s * entry / leverage - s * added / quantity) / (1 - s * tier.rate)


def test_bybit_since_2025_09_equals_the_published_form_with_tiers_and_extra_margin() -> None:
    rng = random.Random(20250902)
    moved, missing = 0, 0
    for _ in range(400):
        tiers = random_tiers(rng)
        side, quantity, entry, *_ = random_account(rng)
        leverage, taker = rng.randint(2, 50), Fraction(rng.randint(0, 20), 10_000)
        extra = quantity * entry * Fraction(rng.choice([0, 0, rng.randint(1, 120)]), 100)
        found = margin.bybit_new_liquidation_price(side, quantity, entry, leverage, tiers, taker, extra)
        if found is None:
            missing += 1
            assert bybit_published(side, quantity, entry, leverage, tiers[0], taker, extra) <= 0
            continue
        tier = margin.tier_of(tiers, quantity * found)
        assert found == bybit_published(side, quantity, entry, leverage, tier, taker, extra)
        moved += tier != margin.tier_of(tiers, quantity * entry)
    assert moved > 20
    assert missing > 5


def test_bybit_extra_margin_moves_the_price_away() -> None:
    """Old rule: by X / Q.  New rule: by X / (Q * (1 - s*t) * (1 - s*m)), more for a long."""
    tiers = margin.single_tier("0.005")
    assert margin.bybit_old_liquidation_price("long", "0.01", 60_000, 10, tiers, extra=6) == 54_300 - 600
    for side, s in (("long", 1), ("short", -1)):
        bare = margin.bybit_new_liquidation_price(side, "0.01", 60_000, 10, tiers, "0.00055")
        richer = margin.bybit_new_liquidation_price(side, "0.01", 60_000, 10, tiers, "0.00055", extra=6)
        assert bare is not None
        assert richer is not None
        assert s * (bare - richer) == 600 / ((1 - s * exact("0.00055")) * (1 - s * exact("0.005")))


def test_bybit_bust_price_pays_the_closing_fee_and_nothing_else() -> None:
    for side in ("long", "short"):
        bust = margin.bybit_bust_price(side, "0.01", 60_000, 10, "0.00055", extra=6)
        put_in = margin.bybit_position_margin(side, "0.01", 60_000, 10, "0.00055", extra=6)
        left = put_in + margin.unrealised_pnl(side, "0.01", 60_000, bust)
        assert left == exact("0.01") * bust * exact("0.00055")
    assert margin.bybit_bust_price("long", "0.01", 60_000, 10, "0.00055") == 54_000
    assert margin.bybit_bust_price("short", "0.01", 60_000, 10, "0.00055") == 66_000


def test_bybit_never_liquidates_what_is_paid_for() -> None:
    tiers = margin.single_tier("0.005")
    assert margin.bybit_old_liquidation_price("long", 1, 10, 1, tiers, extra=1) is None
    assert margin.bybit_new_liquidation_price("long", 1, 10, 1, tiers, "0.00055") is None
