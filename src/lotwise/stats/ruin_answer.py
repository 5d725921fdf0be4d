"""What the paths came to, as exact text: chances with their doubt, quantiles, and the risk at each equity."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import msgspec

from lotwise.contracts.contract import Contract
from lotwise.kernel.layout import LONG, RATE
from lotwise.kernel.limit_rows import PlanStepRow
from lotwise.kernel.ruin_rows import GOING, REACHED, RUINED, STUCK
from lotwise.records.answers import Answer
from lotwise.stats.intervals import wilson
from lotwise.stats.kelly import growth, kelly
from lotwise.stats.ruin import Course, Walked
from lotwise.stats.rungs import Account, Odds, RungsOf, Sample
from lotwise.units import MAX_CASH, cash_text, grouped, scaled_text

SHARES: Final = (5, 25, 50, 75, 95)
"""Quantiles that are told, in percent."""
LADDER100: Final = (25, 50, 75, 100, 125, 150, 200, 300, 500, 1000)
"""Equities of the table, in percent of the first."""


class Chance(msgspec.Struct, frozen=True, kw_only=True):
    """How many paths, and between which shares the truth lies with 95 % confidence (Wilson)."""

    paths: int
    share: str
    low: str
    high: str


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Values that 5, 25, 50, 75 and 95 % of the paths do not exceed."""

    p5: str
    p25: str
    p50: str
    p75: str
    p95: str


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """What is traded at an equity, and what it really risks."""

    equity: str
    budget: str
    lots: int
    quantity: str
    loss_at_stop: str
    real_risk: str | None
    """Loss at the stop over equity; ``None`` where nothing is traded."""
    r: str | None
    """Loss at the stop over the budget."""
    smallest_r: str
    """The smallest order's loss over the budget: above 1 it does not fit."""


class RuinAnswer(Answer, frozen=True, kw_only=True):
    """The odds of the account. Shares are fractions of 1, money is in the settle coin."""

    contract: str
    side: str
    settle: str
    equity: str
    ruin_at: str
    target: str | None
    trades_ahead: int
    paths: int
    seed: int
    results: str
    """What every trade draws from."""
    tradable: bool
    """Whether anything fits at the first equity."""
    now: Rung
    fits_from: str | None
    """Least equity at which the smallest order is taken; ``None``: none is enough."""
    ruin: Chance
    stuck: Chance
    reached: Chance | None
    going: Chance
    ideal_ruin: Chance
    """In fractions of a lot."""
    ideal_reached: Chance | None
    final_equity: Quantiles
    ideal_final_equity: Quantiles
    drawdown: Quantiles
    """Deepest fall from a peak, share of the peak."""
    trades_to_target: Quantiles | None
    trades_to_ruin: Quantiles | None
    ladder: list[Rung]
    expectancy_r: str
    """Mean result, costs in."""
    kelly: str | None
    """Share of equity at risk with the fastest growth; ``None``: no result loses."""
    growth: str | None
    """Of the logarithm of equity in a trade, at the risk really taken first; ``None``: it can lose all."""
    summary: str
    warnings: list[str]


def answer(
    walked: Walked,
    contract: Contract,
    source: Odds | Sample,
    account: Account,
    plan: PlanStepRow,
    course: Course,
    results: str,
) -> RuinAnswer:
    """Tell what the paths came to.

    Parameters
    ----------
    results
        What every trade draws from, in words.
    """
    rung = walked.rung
    now = rung_at(contract, rung, account.equity_cash)
    fits_from = first_fit(rung)
    net, weights = _net_r(walked, source)
    share = kelly(net, weights)
    taken = float(now.real_risk) if now.real_risk else 0.0
    ends, ideal = walked.ends, walked.ideal_ends
    mean = sum(result * weight for result, weight in zip(net, weights, strict=True)) / sum(weights)
    grown = growth(net, taken, weights) if now.lots else 0.0
    targeted = account.target_cash > 0
    told = RuinAnswer(
        contract=contract.id,
        side="long" if rung.desk.ask[0].side == LONG else "short",
        settle=contract.settle,
        equity=cash_text(account.equity_cash),
        ruin_at=cash_text(account.ruin_cash),
        target=cash_text(account.target_cash) if targeted else None,
        trades_ahead=course.trades,
        paths=course.paths,
        seed=course.seed,
        results=results,
        tradable=now.lots > 0,
        now=now,
        fits_from=None if fits_from is None else cash_text(fits_from),
        ruin=_chance(ends, RUINED),
        stuck=_chance(ends, STUCK),
        reached=_chance(ends, REACHED) if targeted else None,
        going=_chance(ends, GOING),
        ideal_ruin=_chance(ideal, RUINED),
        ideal_reached=_chance(ideal, REACHED) if targeted else None,
        final_equity=_quantiles(ends["equity_cash"], "cash"),
        ideal_final_equity=_quantiles(ideal["equity_cash"], "cash"),
        drawdown=_quantiles(ends["deepest8"], "share"),
        trades_to_target=_trades_to(ends, REACHED),
        trades_to_ruin=_trades_to(ends, RUINED),
        ladder=_ladder(contract, rung, account, fits_from),
        expectancy_r=f"{mean:.4f}",
        kelly=None if math.isinf(share) else f"{share:.4f}",
        growth=None if math.isinf(grown) else f"{grown:.6f}",
        summary="",
        warnings=_warnings(now, mean, share, account, plan) + _capped(walked),
    )
    return msgspec.structs.replace(told, summary=_summary(told))


def rung_at(contract: Contract, rung: RungsOf, equity_cash: int) -> Rung:
    """What is traded at an equity by the share or the money at risk; a plan's steps left out."""
    budget, lots = rung.budget_cash(equity_cash), rung.lots_at(equity_cash)
    if rung.plan.kind and rung.plan.first_lots and lots:
        lots = min(lots, rung.plan.first_lots)
    loss = rung.loss_cash(lots) if lots else 0
    smallest = rung.loss_cash(rung.smallest)
    return Rung(
        equity=cash_text(equity_cash),
        budget=cash_text(budget),
        lots=lots,
        quantity=contract.quantity_text(lots),
        loss_at_stop=cash_text(loss),
        real_risk=_ratio(loss, equity_cash, 6) if lots else None,
        r=_ratio(loss, budget, 4) if lots else None,
        smallest_r=_ratio(smallest, max(1, budget), 4),
    )


def first_fit(rung: RungsOf) -> int | None:
    """The least equity at which anything is traded; ``None`` where none is enough."""
    if not rung.rungs or not rung.lots_at(MAX_CASH):
        return None
    below, fits = 0, MAX_CASH
    while fits - below > 1:
        middle = (below + fits) // 2
        if rung.lots_at(middle):
            fits = middle
        else:
            below = middle
    return fits


def _ladder(contract: Contract, rung: RungsOf, account: Account, fits_from: int | None) -> list[Rung]:
    equities = {account.equity_cash * share // 100 for share in LADDER100} | {account.ruin_cash}
    if fits_from is not None and fits_from <= account.equity_cash * LADDER100[-1] // 100:
        equities.add(fits_from)
    most = max(account.target_cash, account.equity_cash * 3)
    kept = sorted(equity for equity in equities if account.ruin_cash <= equity <= most and equity)
    return [rung_at(contract, rung, equity) for equity in kept]


def _ratio(part: int, whole: int, decimals: int) -> str:
    """A ratio as text, rounded up: it tells a risk."""
    return scaled_text(-(-part * 10**decimals // whole), decimals, min(2, decimals))


def _net_r(walked: Walked, source: Odds | Sample) -> tuple[list[float], list[float]]:
    """What is drawn in R with costs in, and how likely each is."""
    net = [result / RATE for result in walked.net8]
    if isinstance(source, Odds):
        wins = source.win_rate8 / RATE
        return net, [1 - wins, wins]
    return net, [1.0] * len(net)


def _chance(ends: Any, code: int) -> Chance:
    hits = int((ends["code"] == code).sum())
    found = wilson(hits, len(ends))
    return Chance(paths=hits, share=f"{found.value:.6f}", low=f"{found.low:.6f}", high=f"{found.high:.6f}")


def _quantiles(values: Any, kind: Literal["cash", "share", "count"]) -> Quantiles:
    """Values of paths as they are, none between two."""
    import numpy as np

    ordered = np.sort(values)
    found = []
    for share in SHARES:
        value = int(ordered[-(-len(ordered) * share // 100) - 1])
        text = {"cash": cash_text(value), "share": scaled_text(value), "count": str(value)}[kind]
        found.append(text)
    return Quantiles(p5=found[0], p25=found[1], p50=found[2], p75=found[3], p95=found[4])


def _trades_to(ends: Any, code: int) -> Quantiles | None:
    there = ends["trades"][ends["code"] == code]
    return _quantiles(there, "count") if len(there) else None


def percent(share: str | None) -> str:
    """A chance for people: ``3.1 %``, ``0.02 %``, ``99.96 %``; only what never happened is ``0 %``.

    >>> percent("0.031400"), percent("0.000200"), percent("0.999600"), percent("0.000000")
    ('3.1 %', '0.02 %', '99.96 %', '0 %')
    """
    value = 100 * float(share or 0)
    if 99 < value < 100:
        return f"{math.floor(100 * value) / 100:.2f} %"
    return f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


def _summary(told: RuinAnswer) -> str:
    settle = told.settle
    if not told.tradable:
        need = (
            "at no equity does it"
            if told.fits_from is None
            else f"it fits from {grouped(told.fits_from)} {settle} on"
        )
        return (
            f"At {grouped(told.equity)} {settle} nothing can be traded: the smallest order would risk"
            f" {told.now.smallest_r} R; {need}."
        )
    said = (
        f"From {grouped(told.equity)} {settle}, {told.trades_ahead:,} trades ahead:"
        f" {percent(told.ruin.share)} are ruined (at {grouped(told.ruin_at)} or below;"
        f" {percent(told.ruin.low)} to {percent(told.ruin.high)} with 95 % confidence),"
        f" {percent(told.stuck.share)} can no longer trade"
    )
    if told.reached is not None and told.target is not None:
        said += f", {percent(told.reached.share)} reach {grouped(told.target)}"
    return f"{said}. In fractions of a lot {percent(told.ideal_ruin.share)} would be ruined."


def _warnings(now: Rung, mean: float, share: float, account: Account, plan: PlanStepRow) -> list[str]:
    said = []
    taken = float(now.real_risk or 0)
    if mean <= 0:
        said.append(
            f"there is no edge: the mean result is {mean:.4f} R, costs in; any size loses in the long run"
        )
    elif now.lots and taken > share:
        said.append(
            f"the first trade risks {100 * taken:.2f} % of the equity, more than Kelly's {100 * share:.2f} %:"
            " a smaller size would grow faster"
        )
    stretched = account.stretch8 * plan.risk_share8 / RATE / RATE
    if account.stretch8 > RATE:
        said.append(
            f"the smallest order is taken while it risks up to {account.stretch8 / RATE:g} R"
            + ("" if account.risk_cash else f", {100 * stretched:.2f} % of the equity")
        )
    said.append("the price stays at the entry in every path, and the results go on as they were")
    return said


def _capped(walked: Walked) -> list[str]:
    """That money has an end here, where a path met it."""
    met = int(
        (walked.ends["equity_cash"] >= MAX_CASH).sum() + (walked.ideal_ends["equity_cash"] >= MAX_CASH).sum()
    )
    return [f"{met:,} paths met {grouped(cash_text(MAX_CASH))}, the most that is counted"] if met else []
