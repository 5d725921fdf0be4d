"""Compiled loops over arrays; every answer is stored, so nothing can be left out.

The inputs of each round are read from arrays at run time: nothing is constant, nothing can be
hoisted out of the loop. Imported only where a workload compiles.
"""

from __future__ import annotations

from numba import njit

from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.layout import LONG, RATE
from lotwise.kernel.margin import liquidation_fraction, price8_ceil, price8_floor
from lotwise.kernel.sizing import largest_within_budget


@njit(_nrt=False)
def within_budget(spec, ask, limits, legs, first_leg, lots):  # type: ignore[no-untyped-def]
    """The sizing rule alone."""
    for i in range(len(lots)):
        lots[i] = largest_within_budget(
            spec[i : i + 1],
            ask[i : i + 1],
            legs[first_leg[i] : first_leg[i + 1]],
            budget_cash=limits[i].budget_cash,
        )


@njit(_nrt=False)
def feasible(spec, ask, limits, legs, first_leg, tiers, first_tier, end_tier, answers):  # type: ignore[no-untyped-def]
    """Every rule at once: (lots, code, smallest order) into each row of ``answers``."""
    for i in range(len(answers)):
        answers[i, 0], answers[i, 1], answers[i, 2] = largest_feasible(
            spec[i : i + 1],
            ask[i : i + 1],
            limits[i : i + 1],
            legs=legs[first_leg[i] : first_leg[i + 1]],
            tiers=tiers[first_tier[i] : end_tier[i]],
        )


@njit(_nrt=False)
def liquidations(side, entry, wallet, lots, spec, tick8, tiers, first_tier, end_tier, answers):  # type: ignore[no-untyped-def]
    """(tier, price in 1e-8 toward the entry, 0 where there is none) into each row of ``answers``."""
    for i in range(len(answers)):
        _, tier, numerator, denominator = liquidation_fraction(
            side[i],
            tiers[first_tier[i] : end_tier[i]],
            entry_notional_cash=entry[i],
            wallet_cash=wallet[i],
        )
        answers[i, 0] = tier
        answers[i, 1] = 0
        if numerator > 0:
            row, tick = spec[i : i + 1], tick8[i]
            if side[i] == LONG:
                price8 = price8_ceil(row, numerator, denominator, lots=lots[i], tick_size8=tick)
            else:
                price8 = price8_floor(row, numerator, denominator, lots=lots[i], tick_size8=tick)
            answers[i, 1] = price8


@njit(_nrt=False)
def shares_of_a_rate(a, b, answers):  # type: ignore[no-untyped-def]
    """a * b / 1e8: what a fee, a margin or a share is."""
    for i in range(len(answers)):
        answers[i] = mul_div_floor(a[i], b[i], RATE)


@njit(_nrt=False)
def general_quotients(a, b, c, answers):  # type: ignore[no-untyped-def]
    """a * b / c with any int64."""
    for i in range(len(answers)):
        answers[i] = mul_div_floor(a[i], b[i], c[i])
