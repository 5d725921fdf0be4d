"""What future and option make: by price, by path, and as points of a picture."""

from __future__ import annotations

from typing import Final

from lotwise.app.options_bought import Bought, about
from lotwise.app.options_future import Future
from lotwise.kernel.layout import RATE
from lotwise.records.options import CurvePoint, PathRow, PayoffRow
from lotwise.units import Cash, cash_text, grouped, parse_scaled

POINTS: Final = 80
FARTHEST: Final = 20
"""A break-even is looked for up to so many times the larger of entry and strike."""


def prices_of(future: Future, option: Bought) -> list[tuple[int, str]]:
    """The prices of the table in ticks, rising, each with what it is; names at one price are joined."""
    contract = future.question.contract
    tick8 = contract.scales.tick_size8
    entry, target = future.entry_ticks, future.target_ticks
    named = [
        (int(future.gap_ticks), "beyond the stop"),
        (int(future.stop_ticks), "stop"),
        (int(entry), "entry"),
        (_nearest(option.terms.strike8, tick8), "strike"),
        (int(target), "target"),
        (2 * target - entry, "twice the target"),
    ]
    if future.plan.break_even_price is not None:
        even = contract.price_ticks(future.plan.break_even_price, "break-even")
        named.append((int(even), "future even"))
    even_text = option.even_text(future)
    if even_text != "none":
        named.append((int(contract.price_ticks(even_text, "break-even")), "option even"))
    names: dict[int, list[str]] = {}
    for ticks, name in named:
        if ticks > 0:
            names.setdefault(ticks, []).append(name)
    return [(ticks, ", ".join(names[ticks])) for ticks in sorted(names)]


def _nearest(price8: int, tick8: int) -> int:
    return max(1, (2 * price8 + tick8) // (2 * tick8))


def rows_of(future: Future, option: Bought, near100: int, prices: list[tuple[int, str]]) -> list[PayoffRow]:
    """Both at each price, on the nearer day and at expiry."""
    tick8 = future.question.contract.scales.tick_size8
    return [
        PayoffRow(
            price=future.price(ticks),
            name=name,
            future_near=cash_text(future.result(ticks)),
            option_near=_sold(future, option, ticks, near100),
            future_expiry=cash_text(future.result(ticks, late=True)),
            option_expiry=cash_text(option.at_expiry(ticks * tick8)),
            stopped=future.is_out_at(ticks),
        )
        for ticks, name in prices
    ]


def _sold(future: Future, option: Bought, ticks: int, near100: int) -> str:
    return about(option.estimate(future.amount(ticks), near100))


def paths_of(future: Future, option: Bought, near100: int) -> list[PathRow]:
    """Ways that the price goes until the nearer day. The future pays funding for all of it."""
    target, stop, gap = future.target_ticks, future.stop_ticks, future.gap_ticks
    prices = [grouped(future.price(ticks)) for ticks in (stop, target, gap)]
    ways: list[tuple[str, str, Cash, int]] = [
        ("to the target", f"straight to {prices[1]}", future.result(target), target),
        (
            "stop, then target",
            f"touches {prices[0]}, the future is out; then to {prices[1]}",
            Cash(-future.loss),
            target,
        ),
        ("to the stop", f"to {prices[0]}, and stays there", Cash(-future.loss), stop),
        ("gap", f"jumps over the stop to {prices[2]}", Cash(-future.gap_loss), gap),
        ("nowhere", "stands at the entry", future.result(future.entry_ticks), future.entry_ticks),
    ]
    return [
        PathRow(name=name, text=text, future=cash_text(made), option=_sold(future, option, ticks, near100))
        for name, text, made, ticks in ways
    ]


def even_price(future: Future, option: Bought, near100: int) -> str | None:
    """First tick at which the option, sold on the nearer day, has paid for itself; an estimate."""
    tick8 = future.question.contract.scales.tick_size8
    far = FARTHEST * max(future.entry_ticks, option.terms.strike8 // tick8 + 1)
    paid, unpaid = (far, 0) if option.way > 0 else (1, far)

    def even(ticks: int) -> bool:
        return option.estimate(future.amount(ticks), near100) >= 0

    if not even(paid):
        return None
    while abs(paid - unpaid) > 1:
        middle = (paid + unpaid) // 2
        if middle > 0 and even(middle):
            paid = middle
        else:
            unpaid = middle
    return future.price(paid)


def curve_of(future: Future, option: Bought, near100: int, prices: list[tuple[int, str]]) -> list[CurvePoint]:
    """Points between the lowest and highest price of the table, and both sides of the stop."""
    tick8 = future.question.contract.scales.tick_size8
    low, high = prices[0][0], prices[-1][0]
    pad = max(1, (high - low) // 20)
    low, high = max(1, low - pad), high + pad
    wanted = {low + (high - low) * number // POINTS for number in range(POINTS + 1)}
    wanted |= {ticks for ticks, _ in prices} | {future.stop_ticks + future.side}
    return [
        CurvePoint(
            price=future.price(ticks),
            future=cash_text(future.result(ticks, late=True)),
            option_near=_sold(future, option, ticks, near100),
            option_expiry=cash_text(option.at_expiry(ticks * tick8)),
        )
        for ticks in sorted(wanted)
    ]


def number_of(text: str) -> float:
    """Exact text as a float, for a picture."""
    return parse_scaled(text, "number") / RATE
