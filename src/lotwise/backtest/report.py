"""A run as figures for machines and as tables for people: the tables are made of the figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lotwise.backtest.bounds import Bound, Bounds
from lotwise.backtest.chapters import Chapter, Facts, chapters_of
from lotwise.backtest.lookahead import LookAhead
from lotwise.backtest.measure import Group, Measured
from lotwise.market.check import at_time
from lotwise.stats.intervals import Interval
from lotwise.units import cash_text, percent_text

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_MODELLED: Final = (
    "The book: a market order fills whole at the last price, half the spread and the slippage away, whatever"
    " its size.",
    "The mark price: liquidations and stops go by the last price, and funding is charged on it, at the close"
    " of the last bar that ends at its stamp or before.",
    "Delay: what is decided at a bar's close is filled at that close.",
    "Outages, rejected orders, auto-deleveraging, and what one's own orders do to the market.",
)
"""What every run leaves out."""


@dataclass(frozen=True)
class About:
    """What a run was made of, for its report."""

    strategy: str
    form: str
    """``columns`` or ``class``."""
    contracts: Sequence[Facts]
    """Of each: id, bars, first, last, change_percent, facts_as_of, maker, taker, fundings."""
    account: Facts
    """As it was asked for: equity, risk, leverage, margin, limits."""
    settle: str = "USDT"
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """Figures and chapters."""

    title: str
    facts: Facts
    chapters: tuple[Chapter, ...]


def report_of(
    found: Measured, about: About, bounds: Bounds | None = None, look: LookAhead | None = None
) -> Report:
    """Put a run's figures together."""
    facts: Facts = {
        "strategy": about.strategy,
        "form": about.form,
        "first": about.contracts[0]["first"] if about.contracts else None,
        "last": about.contracts[0]["last"] if about.contracts else None,
        "bars": found.played.bars,
        "settle": about.settle,
        "contracts": list(about.contracts),
        "account": about.account,
        "assumed": _assumed(found),
        "result": _result(found),
        "bounds": None if bounds is None else _bounds(bounds),
        "trades": _trades(found),
        "costs": _costs(found),
        "drawdown": _fall(found),
        "exposure": _exposure(found),
        "by": {name: [_group(one) for one in groups] for name, groups in found.groups.items()},
        "signals": _signals(found),
        "refusals": _refusals(found),
        "look_ahead": None if look is None else _look(look),
        "warnings": list(about.warnings),
        "not_modelled": list(NOT_MODELLED),
        "fingerprint": found.played.named,
    }
    return Report(about.strategy, facts, chapters_of(facts))


# -- figures ---------------------------------------------------------------------------------------


def rounded(value: float | None) -> float | None:
    """Four decimals of a statistic."""
    return None if value is None else round(float(value), 4)


def share(part: int, whole: int) -> float | None:
    """Percent with two decimals; ``None`` of nothing."""
    return round(100 * part / whole, 2) if whole else None


def _interval(found: Interval | None) -> Facts | None:
    if found is None:
        return None
    ends = {name: rounded(getattr(found, name)) for name in ("value", "low", "high")}
    return {**ends, "level": found.level, "method": found.method}


def _assumed(found: Measured) -> Facts:
    assumed = found.played.plan.assumed
    return {
        "path": assumed.path,
        "limit_fill": assumed.limit_fill,
        "spread_ticks": assumed.spread_ticks,
        "slippage_ticks": assumed.slippage_ticks,
        "slippage_of_range": percent_text(assumed.slippage_range8),
        "volume_share": percent_text(assumed.volume_share8) if assumed.volume_share8 else None,
    }


def _result(found: Measured) -> Facts:
    change = found.end_cash - found.start_cash
    return {
        "equity_start": cash_text(found.start_cash),
        "equity_end": cash_text(found.end_cash),
        "change": cash_text(change),
        "change_percent": share(change, found.start_cash),
        "closed_trades": cash_text(found.closed_cash),
        "standing": cash_text(found.standing_cash),
        "apart": cash_text(found.played.apart_cash),
    }


def _bound(one: Bound) -> Facts:
    return {
        "path": one.path,
        "change": cash_text(one.change_cash),
        "change_percent": share(one.change_cash, one.played.plan.equity_cash),
        "trades": len(one.played.trips),
        "ambiguous_bars": one.played.ambiguous,
        "ambiguous_trades": one.ambiguous_trades,
    }


def _bounds(found: Bounds) -> Facts:
    return {
        "paths": [_bound(one) for one in found.bounds],
        "apart": cash_text(found.apart_cash),
        "ended_otherwise": found.otherwise,
        "ended_otherwise_unmarked": found.otherwise_unmarked,
        "same_trades": found.same,
        "first_apart": None if found.first_apart_ns is None else at_time(found.first_apart_ns),
        "closed": None if found.closed is None else _bounds(found.closed) | {"bars_apart": found.bars_apart},
    }


def _trades(found: Measured) -> Facts:
    stats, trades = found.stats, found.trades
    facts: Facts = {
        "count": len(trades),
        "ambiguous": found.ambiguous_trades,
        "liquidated": found.liquidated_trades,
    }
    if stats is None:
        return facts | {"verdict": "no verdict", "verdict_text": "no trade was made"}
    held = trades.closed_ns - trades.opened_ns
    won = trades.result_cash > 0
    return facts | {
        "wins": stats.wins,
        "losses": stats.losses,
        "flat": stats.flat,
        "win_rate": _interval(stats.win_rate),
        "expectancy_r": _interval(stats.expectancy),
        "mean_r": rounded(stats.mean),
        "deviation_r": rounded(stats.deviation),
        "total_r": rounded(stats.total),
        "profit_factor": rounded(stats.profit_factor),
        "payoff": rounded(stats.payoff),
        "best_r": rounded(stats.best),
        "worst_r": rounded(stats.worst),
        "longest_wins": stats.longest_wins,
        "longest_losses": stats.longest_losses,
        "fall_r": rounded(stats.fall.depth),
        "mean_hold_minutes": round(int(held.sum()) / len(trades) / 60e9, 2),
        "mae_r_of_winners": rounded(trades.mae_r[won].mean()) if won.any() else None,
        "mfe_r_of_losers": rounded(trades.mfe_r[~won].mean()) if (~won).any() else None,
        "mean_mae_ticks": round(float(trades.mae_ticks.mean()), 2),
        "mean_mfe_ticks": round(float(trades.mfe_ticks.mean()), 2),
        "verdict": stats.verdict,
        "verdict_text": stats.verdict_text,
    }


def _costs(found: Measured) -> Facts:
    costs = found.costs
    paid = costs.fees_cash + costs.funding_cash + costs.insurance_cash
    risked = int(found.trades.risk_cash.sum())
    return {
        "move": cash_text(costs.move_cash),
        "fees": cash_text(costs.fees_cash),
        "funding": cash_text(costs.funding_cash),
        "insurance": cash_text(costs.insurance_cash),
        "all": cash_text(paid),
        "result": cash_text(found.closed_cash),
        "all_percent_of_risk": share(paid, risked),
        "slipped_at_entry": cash_text(costs.slipped_cash),
        "market_entries": costs.at_market,
    }


def _fall(found: Measured) -> Facts:
    fall = found.fall
    return {
        "depth": cash_text(fall.depth_cash),
        "percent": percent_text(fall.depth8),
        "largest_percent": percent_text(fall.largest8),
        "peak": at_time(fall.peak_ns),
        "bottom": at_time(fall.bottom_ns),
        "recovered": None if fall.recovered_ns is None else at_time(fall.recovered_ns),
        "longest_days": round(fall.longest_ns / 86_400e9, 3),
    }


def _exposure(found: Measured) -> Facts | None:
    if found.exposure is None:
        return None
    return {
        "points": found.exposure.points,
        "held_percent": share(found.exposure.held, found.exposure.points),
        "mean_leverage": rounded(found.exposure.mean_leverage),
        "largest_leverage": rounded(found.exposure.largest_leverage),
    }


def _group(one: Group) -> Facts:
    return {
        "name": one.name,
        "count": one.count,
        "win_percent": share(one.wins, one.count),
        "mean_r": rounded(one.mean_r),
        "total_r": rounded(one.total_r),
        "result": cash_text(one.result_cash),
    }


def _signals(found: Measured) -> Facts:
    signalled = found.signalled
    names = ("given", "traded", "refused", "unfilled", "standing", "passed_over")
    return {name: getattr(signalled, name) for name in names}


def _refusals(found: Measured) -> list[Facts]:
    return [
        {
            "rule": one.rule,
            "code": one.code,
            "words": one.words,
            "count": one.count,
            "mean_budget": cash_text(one.mean_budget_cash),
            "mean_loss": cash_text(one.mean_loss_cash) if one.mean_loss_cash else None,
        }
        for one in found.refused
    ]


def _look(look: LookAhead) -> Facts:
    return {
        "clean": look.clean,
        "cuts": len(look.cuts),
        "signals_compared": look.signals,
        "trades_compared": look.trades,
        "difference": None if look.difference is None else look.difference.text,
    }
