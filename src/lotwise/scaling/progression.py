"""What a plan's steps are worth: money at risk, notional and size at each step, by the sizing itself."""

from __future__ import annotations

import msgspec

from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.layout import RATE
from lotwise.records.answers import SizePlan
from lotwise.sizing.size import size
from lotwise.units import MAX_CASH, Cash, Rate8, cash_text, percent_text


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The account at one step of the plan."""

    equity_cash: Cash
    risk_cash: Cash
    """Share of the equity, rounded down."""
    notional_cash: Cash
    """Worth that would lose just that at the stop, before costs and lot steps; rounded down."""
    plan: SizePlan
    """What really fits, costs in."""


def equities(start_cash: Cash, up8: Rate8, count: int) -> list[Cash]:
    """The equities of so many steps, each a share above the one before, rounded up as the plan's are.

    Raises
    ------
    InputError
        PLAN-131 no step, more than 200, or amounts beyond 1e18.
    """
    if not 1 <= count <= 200:
        raise InputError("PLAN-131", f"{count} steps", "ask for 1 to 200")
    found = [start_cash]
    while len(found) < count:
        following = mul_div_ceil(found[-1], RATE + up8, RATE)
        if not 0 < following <= MAX_CASH:
            raise InputError("PLAN-131", f"step {len(found)} is beyond 1e18", "ask for fewer steps")
        found.append(Cash(following))
    return found


def progression(
    contract: Contract,
    at_cash: list[Cash],
    *,
    risk8: Rate8,
    entry: str,
    stop: str,
    side: str = "long",
    free: bool = False,
) -> list[Step]:
    """Money at risk, notional and the size that fits, for each equity.

    Parameters
    ----------
    at_cash
        Equities, e.g. of :func:`equities`.
    risk8
        Share at risk, in 1e-8.
    entry, stop
        As :func:`lotwise.size` takes them.
    free
        Without fees: the arithmetic of a guide, not of a venue.

    The notional is that of a linear contract; an inverse one is refused.

    Raises
    ------
    InputError
        PLAN-132 an inverse contract, whose notional is no amount of its coin; else as :func:`lotwise.size`.
    """
    if contract.is_inverse:
        raise InputError(
            "PLAN-132", f"{contract.id} settles in its own coin", "take a linear contract for the table"
        )
    fees = FeeSchedule("0", "0") if free else None
    found = []
    for equity in at_cash:
        plan = size(
            contract,
            side=side,
            entry=entry,
            stop=stop,
            equity=cash_text(equity),
            risk=percent_text(risk8).replace(" ", ""),
            fees=fees,
        )
        risk = equity * risk8 // RATE
        entry_ticks = contract.price_ticks(entry, "entry")
        stop_ticks = contract.price_ticks(plan.stop, "stop")
        found.append(
            Step(
                equity_cash=equity,
                risk_cash=Cash(risk),
                notional_cash=Cash(risk * entry_ticks // max(1, abs(entry_ticks - stop_ticks))),
                plan=plan,
            )
        )
    return found
