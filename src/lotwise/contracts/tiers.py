"""Maintenance margin tiers: the facts, checked against each other, and the kernel's rows."""

from __future__ import annotations

from typing import Final

import msgspec

from lotwise.contracts.bounds import MAX_NOTIONAL_CASH, check_cap
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.layout import RATE, TierRow
from lotwise.units import Number, parse_rate, parse_scaled, scaled_text

ENDLESS_CAP: Final = MAX_NOTIONAL_CASH - MAX_NOTIONAL_CASH % RATE
"""Cap of a last tier without one: the largest whole notional that is counted."""


class MarginTier(msgspec.Struct, frozen=True):
    """One tier, as venues print it: notional bounds, leverage cap, rate, cumulative amount.

    Maintenance margin = notional x ``maintenance_rate`` - ``cumulative`` for
    ``notional_floor`` < notional <= ``notional_cap``.

    >>> MarginTier("300000", "800000", "100", "0.005", "300").maintenance_rate
    '0.005'
    """

    notional_floor: Number
    notional_cap: Number | None
    """``None``: no end known (a venue that caps its last tier in contracts)."""
    max_leverage: Number
    maintenance_rate: Number
    cumulative: Number


def tier_rows(name: str, tiers: tuple[MarginTier, ...]) -> tuple[TierRow, ...]:
    """Kernel rows of a table, or the first tier that contradicts the others.

    The cumulative amount makes maintenance margin continuous:
    ``c[k] = c[k-1] + floor[k] * (rate[k] - rate[k-1])``. Binance's 7,276 published tiers all
    agree; a table that does not is a typing error, and would misplace liquidations.

    Raises
    ------
    InputError
        CONTRACT-130 order or range, CONTRACT-131 gap between tiers, CONTRACT-132 cumulative.
    """
    rows: list[TierRow] = []
    for number, tier in enumerate(tiers, 1):
        label = f"{name} tier {number}"
        floor = parse_scaled(tier.notional_floor, f"{label} notional_floor")
        row = _row(label, tier)
        if not 0 <= floor < row.cap_cash:
            raise InputError(
                "CONTRACT-130", f"{label}: floor {floor} not below its cap", "give tiers lowest first"
            )
        if rows:
            _check_follows(label, rows[-1], row, floor)
        elif row.cumulative_cash and floor == 0:
            raise InputError("CONTRACT-132", f"{label}: cumulative amount at floor 0", 'use cumulative "0"')
        rows.append(row)
    return tuple(rows)


def _row(label: str, tier: MarginTier) -> TierRow:
    cap = (
        ENDLESS_CAP if tier.notional_cap is None else parse_scaled(tier.notional_cap, f"{label} notional_cap")
    )
    check_cap(label, cap)
    rate = parse_rate(tier.maintenance_rate, f"{label} maintenance_rate")
    leverage = parse_scaled(tier.max_leverage, f"{label} max_leverage", 2)
    cumulative = parse_scaled(tier.cumulative, f"{label} cumulative")
    if not (0 <= rate < RATE and leverage >= 100 and cumulative >= 0):
        raise InputError(
            "CONTRACT-130",
            f"{label}: rate {tier.maintenance_rate}, leverage {tier.max_leverage},"
            f" cumulative {tier.cumulative}",
            "rate 0 to 1, leverage at least 1, cumulative at least 0",
        )
    at_cap, rest = divmod(cap * rate, RATE)
    if rest:
        raise InputError("CONTRACT-130", f"{label}: cap x rate is finer than 1e-8", "round the cap")
    return TierRow(
        cap_cash=cap,
        cumulative_cash=cumulative,
        maintenance_at_cap_cash=at_cap - cumulative,
        max_leverage100=leverage,
        rate8=rate,
    )


def with_closing_fee(rows: tuple[TierRow, ...], taker8: int) -> tuple[TierRow, ...]:
    """The table of "maintenance margin plus closing fee": every rate raised by the taker fee.

    The fee is charged on the whole notional in every tier, so the cumulative amounts stay.
    """
    return tuple(
        TierRow(
            cap_cash=row.cap_cash,
            cumulative_cash=row.cumulative_cash,
            maintenance_at_cap_cash=row.maintenance_at_cap_cash + mul_div_ceil(row.cap_cash, taker8, RATE),
            max_leverage100=row.max_leverage100,
            rate8=row.rate8 + taker8,
        )
        for row in rows
    )


def _check_follows(label: str, before: TierRow, row: TierRow, floor: int) -> None:
    if floor != before.cap_cash:
        raise InputError(
            "CONTRACT-131",
            f"{label}: floor {scaled_text(floor)} is not the cap before, {scaled_text(before.cap_cash)}",
            "list every tier, without gaps",
        )
    if row.rate8 < before.rate8 or row.max_leverage100 > before.max_leverage100:
        raise InputError("CONTRACT-130", f"{label}: rate falls or leverage rises", "give tiers lowest first")
    expected = before.cumulative_cash + (floor * (row.rate8 - before.rate8)) // RATE
    if row.cumulative_cash != expected:
        raise InputError(
            "CONTRACT-132",
            f"{label}: cumulative {scaled_text(row.cumulative_cash)},"
            f" continuity asks {scaled_text(expected)}",
            f'use cumulative "{scaled_text(expected)}"',
        )
