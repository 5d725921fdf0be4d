"""How far a peer's answer lies from lotwise's, in exact arithmetic until it is written down."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from statistics import median
from typing import Any

import lotwise
from tools.parity.cases import Case
from tools.parity.ours import isolated

WRONG_BEYOND = Fraction(1, 10_000)
"""0.01 % of the distance from entry to liquidation: above what floats and 8 decimals explain."""

FIVE = Fraction(5, 100)
ENTRY = "100"
FINE = {"tick_size": "0.0001", "lot_size": "0.0001", "contract_size": "1"}


def rounded(value: Fraction | Decimal | int, places: int = 2) -> str:
    """A number as text with so many decimals, halves away from zero; zero has no sign."""
    ratio = Fraction(value)
    unit = Decimal(1).scaleb(-places)
    written = (Decimal(ratio.numerator) / Decimal(ratio.denominator)).quantize(unit, ROUND_HALF_UP)
    return f"{written if written else abs(written):f}"


def share(part: int, whole: int) -> str:
    """A part as percent of the whole."""
    return rounded(Fraction(100 * part, whole), 1) if whole else "0.0"


def error(entry: str, ours: str, theirs: str) -> Fraction:
    """(their distance - our distance) / our distance; above 0 the peer's price is farther from the entry.

    Measured along the side of our price, so a peer's price on the other side of the entry is below -1.
    """
    start, right, said = Fraction(entry), Fraction(ours), Fraction(theirs)
    return (said - start) / (right - start) - 1


def percent(value: Fraction) -> str:
    """A fraction as signed percent."""
    text = rounded(100 * value)
    return text if text.startswith("-") or text == "0.00" else f"+{text}"


def allowed(tiers: list[list[str]], notional: Decimal, leverage: str) -> bool:
    """Whether the tier of this notional lends so much."""
    for floor, cap, most, *_ in tiers:
        if Decimal(floor) < notional <= Decimal(cap):
            return Decimal(leverage) <= Decimal(most)
    return False


def tier_facts(tiers: list[list[str]]) -> Case:
    """A contract on these tiers, fine enough for any of the setups."""
    return {**FINE, "tiers": tiers}


def right_prices(setup: dict[str, str], pairs: dict[str, Any]) -> dict[str, str | None]:
    """Our liquidation price per perpetual that lends this much; ``None`` where there is none."""
    notional = Decimal(setup["stake"]) * Decimal(setup["leverage"])
    case = {
        "side": setup["side"],
        "entry": ENTRY,
        "quantity": f"{(notional / Decimal(ENTRY)).normalize():f}",
        "margin": setup["stake"],
    }
    return {
        pair: isolated(case, tier_facts(found["tiers"]))["price"]
        for pair, found in pairs.items()
        if allowed(found["tiers"], notional, setup["leverage"])
    }


def summary(
    setup: dict[str, str], right: dict[str, str | None], said: dict[str, str], level: dict[str, str] | None
) -> dict[str, Any]:
    """One line over all perpetuals: how many differ, by how much, which way.

    ``level`` are the peer's prices after its own safety buffer, where it has one.
    """
    known = {pair: price for pair, price in right.items() if price is not None}
    errors = {pair: error(ENTRY, price, said[pair]) for pair, price in known.items()}
    wrong = {pair: value for pair, value in errors.items() if abs(value) > WRONG_BEYOND}
    found = {
        **setup,
        "perps": len(right),
        "no_price": len(right) - len(known),
        "wrong": len(wrong),
        "wrong_share": share(len(wrong), len(known)),
        "beyond_5_share": share(sum(abs(value) > FIVE for value in wrong.values()), len(known)),
        "farther": sum(value > 0 for value in wrong.values()),
        "nearer": sum(value < 0 for value in wrong.values()),
        **spread(wrong),
    }
    if level is not None:
        beyond = sum(error(ENTRY, price, level[pair]) > WRONG_BEYOND for pair, price in known.items())
        found["beyond_after_buffer"] = beyond
        found["beyond_after_buffer_share"] = share(beyond, len(known))
    return found


def spread(wrong: dict[str, Fraction]) -> dict[str, str]:
    """Median and largest error of the prices that differ, and whose the largest is."""
    if not wrong:
        return {"median": "", "worst": "", "worst_pair": ""}
    worst = max(wrong, key=lambda pair: (abs(wrong[pair]), pair))
    return {
        "median": percent(Fraction(median(wrong.values()))),
        "worst": percent(wrong[worst]),
        "worst_pair": worst,
    }


def same_tiers(pairs: dict[str, Any]) -> dict[str, bool | None]:
    """Per perpetual: whether our catalogue has the same tiers; ``None`` where it has no such contract."""
    found: dict[str, bool | None] = {}
    for pair, told in pairs.items():
        try:
            known = lotwise.contract(f"binance:{symbol_of(pair)}")
        except lotwise.LotwiseError:
            found[pair] = None
            continue
        mine = [
            [Fraction(str(getattr(tier, name))) for name in lotwise.MarginTier.__struct_fields__]
            for tier in known.tiers
        ]
        found[pair] = mine == [[Fraction(part) for part in tier] for tier in told["tiers"]]
    return found


def symbol_of(pair: str) -> str:
    """``BTC/USDT:USDT`` as the venue writes it: ``BTCUSDT``."""
    base, _, rest = pair.partition("/")
    return base + rest.partition(":")[0]


def first_of(pairs: Iterable[str], known: dict[str, bool | None]) -> str | None:
    """The first pair whose tiers our catalogue has too."""
    return next((pair for pair in pairs if known.get(pair)), None)
