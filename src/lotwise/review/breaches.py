"""Rules that were broken, each as a finding that names the trades, its bound, and where the bound comes from.

A bound is the guard's, where its configuration is given; else the one a small account begins with
(:data:`lotwise.guard.config.SMALL_ACCOUNT`); else one of this module, and the finding says which. What the
named trades made is a fact, not what they would have made otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Final

from lotwise.guard.config import SMALL_ACCOUNT, GuardConfig, read_guard
from lotwise.guard.words import span_text
from lotwise.kernel.limits import share_bound
from lotwise.review.groups import local_hours
from lotwise.review.table import UNKNOWN, Reviewed, total
from lotwise.review.totals import main_coin
from lotwise.stats.intervals import LEVEL, two_sided
from lotwise.stats.trades import FEWEST
from lotwise.units import SCALE, Cash, Rate8, cash_text, percent_text

if TYPE_CHECKING:
    Numbers = Any

OUTCOME: Final = "lost beyond the plan"
"""The rule that is about the result itself: its trades cannot be compared by their results."""
BEYOND: Final = 1.25
"""A loss of more R was more than planned: fees and a slipped stop take up to a quarter."""
LARGER: Final = 1.5
"""A risk so many times the usual one, or that of the trade just lost, is larger."""
USUAL: Final = 20
"""Trades before it whose middle is the usual risk."""
LATE8: Final = SCALE // 4
"""Entered worse than planned by a quarter of the distance to the stop."""
AFTER_NS: Final = 4 * 3_600 * 10**9
"""A larger trade within so long of a loss is for the loss: the pause of a small account's streak."""


@dataclass(frozen=True)
class Finding:
    """A rule, and the trades that broke it."""

    rule: str
    title: str
    bound: str
    source: str
    """``guard``, ``small account`` or ``lotwise``."""
    rows: Numbers
    """Places in the table, rising."""
    made_cash: int
    """What these trades made together, in the coin of most trades."""
    made_r: float
    counted_r: int
    """Those whose R is known."""
    excess_r: float | None
    """Of rules about losing more than planned: what was lost beyond the plan."""
    apart: float | None
    """Mean R of these trades less that of trades that broke no rule before they ended; ``None`` of the rule
    that is about the result itself."""
    apart_error: float | None
    """Half the width of its 95 % interval, by Welch; ``None`` of fewer than 30 of either."""


@dataclass(frozen=True)
class Breaches:
    """All findings, the most costly first."""

    findings: tuple[Finding, ...]
    trades: int
    """Trades that broke at least one rule."""
    made_cash: int
    made_r: float
    clean_mean: float | None
    """Mean R of the trades that broke none before they ended."""


@dataclass(frozen=True)
class Bounds:
    """What is a breach, and who says so."""

    risk_cash: int
    risk_share8: int
    cool_ns: int
    day_trades: int
    source: str


def bounds_of(guard: GuardConfig | None) -> Bounds:
    """The bounds of a configuration; a bound that it leaves out is not set, and not asked.

    Without any, those of a small account.
    """
    given = guard if guard is not None else read_guard(SMALL_ACCOUNT)
    allowed = given.book.allowed
    return Bounds(
        risk_cash=allowed.risk_cash,
        risk_share8=allowed.risk_share8,
        cool_ns=allowed.cool_ns,
        day_trades=allowed.day_trades,
        source="guard" if guard is not None else "small account",
    )


def breaches(
    table: Reviewed,
    *,
    guard: GuardConfig | None = None,
    equity_cash: int = 0,
    zone: tzinfo = UTC,
    only: Numbers = None,
) -> Breaches:
    """Every rule that was broken.

    Parameters
    ----------
    guard
        The ``[guard]`` table of your configuration.
    equity_cash
        Equity before the first trade; 0: not known, and risk as a share of it is not judged.
    zone
        Of the days of a trade count.
    only
        Whether a trade is asked about; the others are what came before it. All, unless given.
    """
    import numpy as np

    bounds = bounds_of(guard)
    asked = np.ones(len(table), np.bool_) if only is None else only
    found: list[tuple[str, str, str, str, Numbers]] = [
        ("stop moved away", "the stop was moved away from the price", "never", "guard", table.loosened),
        ("refusal overridden", "the guard said no and was overridden", "never", "guard", table.overridden),
    ]
    for ask in _QUESTIONS:
        found += ask(table, bounds, equity_cash, zone)
    found = [(*words, flags & asked) for *words, flags in found]
    any_rule, before = np.zeros(len(table), np.bool_), np.zeros(len(table), np.bool_)
    for rule, *_, flags in found:
        any_rule |= flags
        if rule != OUTCOME:  # trades that lost less were not cleaner: they would only look so
            before |= flags
    clean = table.r[asked & ~before]
    clean = clean[~np.isnan(clean)]
    findings = [_finding(table, one, clean) for one in found if one[-1].any()]
    cash, r, _ = _made(table, any_rule)
    return Breaches(
        tuple(sorted(findings, key=lambda one: (one.made_r, one.made_cash))),
        int(any_rule.sum()),
        cash,
        r,
        float(clean.mean()) if len(clean) else None,
    )


_Found = list[tuple[str, str, str, str, Any]]


def _risk(table: Reviewed, bounds: Bounds, equity_cash: int, _: tzinfo) -> _Found:
    """Planned risk beyond the bound, in money or as a share of the equity; without either the usual one."""
    import numpy as np

    risk, found = table.risk_cash, []
    coin = main_coin(table)
    mine = table.coin.codes == table.coin.names.index(coin)
    if bounds.risk_cash:
        flags = mine & (risk > bounds.risk_cash)
        words = f"{cash_text(bounds.risk_cash)} {coin} in one trade"
        found.append(
            ("risk exceeded", "more was at risk than one trade may lose", words, bounds.source, flags)
        )
    if bounds.risk_share8 and equity_cash:
        before = equity_cash + _known_before(table, np.where(mine, table.net_cash, 0))
        share = Rate8(bounds.risk_share8)
        most = [share_bound(Cash(max(equity, 0)), share) for equity in before.tolist()]
        flags = mine & (risk > np.asarray(most, np.int64))
        words = f"{percent_text(share)} of the equity"
        told = "more was at risk than the share one trade may lose"
        found.append(("risk share", told, words, bounds.source, flags))
    if not found:
        usual = _usual_before(risk)
        flags = (usual > 0) & (risk > LARGER * usual)
        words = f"{LARGER:g} times the middle of the {USUAL} trades before"
        found.append(("risk jumped", "far more was at risk than usual", words, "lotwise", flags))
    return found


def _known_before(table: Reviewed, net_cash: Numbers) -> Numbers:
    """For each trade, what the trades that were closed by its entry had made."""
    import numpy as np

    sums = np.concatenate([[0], np.cumsum(net_cash)])
    return sums[np.searchsorted(table.closed_ns, table.opened_ns, side="right")]


def _usual_before(risk: Numbers) -> Numbers:
    """The middle of the known risks of the 20 trades before; 0 where there are fewer."""
    import numpy as np

    found = np.zeros(len(risk))
    known = np.flatnonzero(risk > 0)
    if len(known) > USUAL:
        windows = np.lib.stride_tricks.sliding_window_view(risk[known][:-1], USUAL)
        found[known[USUAL:]] = np.median(windows, axis=1)
    return found


def _beyond(table: Reviewed, bounds: Bounds, equity_cash: int, zone: tzinfo) -> _Found:
    import numpy as np

    r = table.r
    flags = np.nan_to_num(r) < -BEYOND
    return [(OUTCOME, "more was lost than was at risk", f"{BEYOND:g} R", "lotwise", flags)]


def _revenge(table: Reviewed, bounds: Bounds, equity_cash: int, zone: tzinfo) -> _Found:
    """Opened too soon after a loss of the same account, or larger than the trade that was lost."""
    import numpy as np

    soon, larger = np.zeros(len(table), np.bool_), np.zeros(len(table), np.bool_)
    for account in range(len(table.account.names)):
        mine = np.flatnonzero(table.account.codes == account)
        lost = mine[table.net_cash[mine] < 0]
        if not len(lost):
            continue
        place = np.searchsorted(table.closed_ns[lost], table.opened_ns[mine], side="right") - 1
        place -= (place >= 0) & (lost[np.maximum(place, 0)] == mine)  # of no duration: not its own loss
        after = lost[np.maximum(place, 0)]
        since = np.where(place >= 0, table.opened_ns[mine] - table.closed_ns[after], 2**62)
        soon[mine] = since < bounds.cool_ns
        own, its = table.risk_cash[mine], table.risk_cash[after]
        sized = (own > 0) & (its > 0) & (table.coin.codes[mine] == table.coin.codes[after])
        larger[mine] = (since < AFTER_NS) & sized & (own > LARGER * its)
    found: _Found = []
    if bounds.cool_ns:
        words = f"{span_text(bounds.cool_ns)} after a loss"
        found.append(("revenge, too soon", "opened right after a loss", words, bounds.source, soon))
    words = f"{LARGER:g} times the lost trade's risk, within {span_text(AFTER_NS)}"
    found.append(("revenge, larger", "larger than the trade just lost", words, "lotwise", larger))
    return found


def _chasing(table: Reviewed, bounds: Bounds, equity_cash: int, zone: tzinfo) -> _Found:
    flags = (table.late_r8 != UNKNOWN) & (table.late_r8 > LATE8)
    words = f"{100 * LATE8 // SCALE} % of the way from the planned entry to the stop"
    return [("chased", "entered worse than planned", words, "lotwise", flags)]


def _overtrading(table: Reviewed, bounds: Bounds, equity_cash: int, zone: tzinfo) -> _Found:
    """The trades of a day beyond the count, by account."""
    import numpy as np

    flags = np.zeros(len(table), np.bool_)
    if not bounds.day_trades:
        return []
    days, _ = local_hours(table.opened_ns, zone)
    order = np.lexsort((table.opened_ns, days, table.account.codes))
    key = np.stack([table.account.codes[order], days[order]])
    first = np.concatenate([[True], (key[:, 1:] != key[:, :-1]).any(axis=0)])
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    flags[order] = np.arange(len(order)) - start >= bounds.day_trades
    words = f"{bounds.day_trades} trades a day"
    return [("overtrading", "opened beyond the day's count", words, bounds.source, flags)]


_QUESTIONS: Final[tuple[Callable[[Reviewed, Bounds, int, tzinfo], _Found], ...]] = (
    _risk,
    _beyond,
    _revenge,
    _chasing,
    _overtrading,
)


def _made(table: Reviewed, flags: Numbers) -> tuple[int, float, int]:
    """Money in the coin of most trades and R that some trades made, and how many of them have an R."""
    import numpy as np

    mine = table.coin.codes == table.coin.names.index(main_coin(table)) if len(table) else flags
    r = table.r[flags]
    known = r[~np.isnan(r)]
    return total(table.net_cash[flags & mine]), math.fsum(known.tolist()), len(known)


def _finding(table: Reviewed, one: tuple[str, str, str, str, Numbers], clean: Numbers) -> Finding:
    import numpy as np

    rule, title, bound, source, flags = one
    cash, made, counted = _made(table, flags)
    r = table.r[flags]
    r = r[~np.isnan(r)]
    compared = rule != OUTCOME and len(r) > 0 and len(clean) > 0
    apart = float(r.mean() - clean.mean()) if compared else None
    error = None
    if compared and min(len(r), len(clean)) >= FEWEST:
        error = two_sided(LEVEL) * math.sqrt(r.var(ddof=1) / len(r) + clean.var(ddof=1) / len(clean))
    about_loss = rule in ("stop moved away", OUTCOME)
    excess = math.fsum(np.minimum(0, r + 1).tolist()) if about_loss else None
    return Finding(
        rule, title, bound, source, np.flatnonzero(flags), cash, made, counted, excess, apart, error
    )
