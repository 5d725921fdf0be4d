"""A review of trades: all its figures, and the sentences that come first, what pays and what to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

from lotwise.backtest.chapters import MINUS, money, number
from lotwise.errors import InputError
from lotwise.guard.config import GuardConfig
from lotwise.review.breaches import Breaches, Finding, breaches
from lotwise.review.exits import Exits, exits
from lotwise.review.groups import TITLES, Group, Groups, groups, local_hours
from lotwise.review.table import Reviewed
from lotwise.review.totals import Facts, main_coin, measured_in, totals
from lotwise.stats.trades import FEWEST
from lotwise.units import cash_text

if TYPE_CHECKING:
    Numbers = Any

SAID: Final = 3
"""Groups, and breaches, that are told first; the tables have all."""
HEAVY: Final = 0.3
"""Costs that take such a share of what prices gave are told first."""
NAMED: Final = 6
"""Trades of a finding that a table names; ``--json`` names all."""
NO_VERDICT: Final = f"n < {FEWEST}: no verdict yet"
READINGS: Final = {
    "trade": "pays: trade it",
    "avoid": "loses: avoid it",
    "undecided": "undecided",
    "no verdict": NO_VERDICT,
}


@dataclass(frozen=True)
class Said:
    """A sentence of what pays and what to stop."""

    kind: str
    """``pays``, ``stop``, ``verdict`` or ``gap``: something the review would need to know."""
    text: str


@dataclass(frozen=True)
class Review:
    """Everything that a review found."""

    table: Reviewed
    """The trades that were asked for."""
    around: Reviewed
    """All of the journal's: findings name rows of it."""
    zone: tzinfo
    totals: Facts
    groups: Groups
    exits: Exits
    breaches: Breaches
    days: dict[date, float]
    """Results by the day on which trades were closed, in the unit."""
    said: tuple[Said, ...]

    @property
    def unit(self) -> str:
        """``R``, or the coin where no risk is known."""
        return str(self.totals["unit"])

    def facts(self) -> Facts:
        """All of it for JSON; the names of its fields are stable."""
        table = self.table
        return {
            "first_ns": int(table.opened_ns.min()),
            "last_ns": int(table.closed_ns.max()),
            "zone": str(self.zone),
            "said": [asdict(one) for one in self.said],
            "totals": self.totals,
            "groups": [asdict(one) for one in self.groups.listed],
            "groups_looked_at": self.groups.looks,
            "groups_level": self.groups.level,
            "breaches": [self._finding(one) for one in self.breaches.findings],
            "breaching_trades": self.breaches.trades,
            "breaches_made": cash_text(self.breaches.made_cash),
            "breaches_made_r": self.breaches.made_r,
            "clean_mean_r": self.breaches.clean_mean,
            "exits": asdict(self.exits),
            "days": {day.isoformat(): value for day, value in self.days.items()},
        }

    def _finding(self, one: Finding) -> Facts:
        found = asdict(one) | {"trades": self.names_of(one.rows), "made": cash_text(one.made_cash)}
        return {name: value for name, value in found.items() if name not in ("rows", "made_cash")}

    def names_of(self, rows: Numbers, most: int = 0) -> list[str]:
        """Names of trades that a finding holds; of more than ``most`` the last."""
        kept = rows[-most:] if most else rows
        return [self.around.names.at(int(row)) for row in kept]


def review(
    table: Reviewed,
    *,
    only: Numbers = None,
    guard: GuardConfig | None = None,
    equity_cash: int = 0,
    zone: tzinfo = UTC,
    seed: int = 7,
) -> Review:
    """Review closed trades.

    Parameters
    ----------
    table
        All of the journal's, so that what came before a trade is known.
    only
        Whether a row is asked about; all, unless given.
    guard
        Your rules; without them, those of a small account.
    equity_cash
        Equity before the first trade of the table; 0: not known.
    zone
        Of hours and days.
    seed
        Of the resampling.

    Raises
    ------
    InputError
        REVIEW-102 no trade to review.
    """
    import numpy as np

    mask = np.ones(len(table), np.bool_) if only is None else np.asarray(only, np.bool_)
    some = table.take(np.flatnonzero(mask))
    if not len(some):
        what = f"none of {len(table):,} closed trades is meant" if len(table) else "no trade is closed yet"
        raise InputError(
            "REVIEW-102", f"nothing to review: {what}", "lotwise journal list shows what is there"
        )
    whole = totals(some, seed)
    found = groups(some, zone)
    left = exits(some)
    broken = breaches(table, guard=guard, equity_cash=equity_cash, zone=zone, only=mask)
    said = _said(some, whole, found, left=left, broken=broken)
    return Review(some, table, zone, whole, found, left, broken, days_of(some, zone), said)


def days_of(table: Reviewed, zone: tzinfo) -> dict[date, float]:
    """Results of each day that has one, in the review's unit."""
    import numpy as np

    _, values = measured_in(table)
    days, _ = local_hours(table.closed_ns, zone)
    known = ~np.isnan(values)
    listed, places = np.unique(days[known], return_inverse=True)
    sums = np.bincount(places, weights=values[known], minlength=len(listed))
    start = date(1970, 1, 1)
    return {
        start + timedelta(days=day): made for day, made in zip(listed.tolist(), sums.tolist(), strict=True)
    }


def percent(share: float | None, decimals: int = 0) -> str:
    """A share as a percentage for people."""
    return "–" if share is None else f"{number(100 * share, decimals)} %"


def ranged(low: float, high: float, unit: str) -> str:
    """An interval for people."""
    return f"{number(low, signed=True)} to {number(high, signed=True)} {unit}"


def chance_text(chance: float) -> str:
    """How often something comes by chance: ``34 %``, ``under 0.1 %``.

    >>> chance_text(0.34), chance_text(0.00001)
    ('34 %', 'under 0.1 %')
    """
    if chance < 0.001:
        return "under 0.1 %"
    return percent(chance, 1 if chance < 0.1 else 0)


def _said(table: Reviewed, whole: Facts, found: Groups, *, left: Exits, broken: Breaches) -> tuple[Said, ...]:
    """The sentences that come first, the most useful of them first."""
    listed = [Said("verdict", _verdict(whole))]
    listed += [Said("pays", _group(one, found)) for one in found.verdicts("trade")[:SAID]]
    listed += [Said("stop", _group(one, found)) for one in found.verdicts("avoid")[:SAID]]
    losing = [one for one in broken.findings if one.made_r < 0 or (not one.counted_r and one.made_cash < 0)]
    listed += [Said("stop", _breach(one, main_coin(table))) for one in losing[:SAID]]
    listed += _about_exits(left)
    listed += _about_costs(whole["costs"])
    return (*listed, *_gaps(table, whole, left))


def _verdict(whole: Facts) -> str:
    unit, count, doubt = whole["unit"], whole["measured"], whole["expectancy"]
    mean = f"{number(whole['mean'], signed=True)} {unit} a trade" if count else ""
    if count < FEWEST or doubt is None:
        return f"{count} trade{'s' * (count != 1)}, {mean}: too few to say anything ({NO_VERDICT})."
    bounds = ranged(doubt["low"], doubt["high"], unit)
    words = {
        "positive": "The trades pay",
        "negative": "The trades lose",
        "undecided": "Not yet told from luck",
    }[whole["verdict"]]
    if whole["wins"] == whole["count"]:
        words = "Every trade won so far, so nobody knows yet what a loss costs; seen so far"
    return f"{words}: {mean}, {bounds} with 95 % confidence, of {count:,} trades."


def _group(one: Group, found: Groups) -> str:
    assert one.low is not None
    assert one.high is not None
    word = "Trade" if one.verdict == "trade" else "Avoid"
    name = one.name if one.by != "hour" else f"{one.name}:00 to {one.name}:59"
    return (
        f"{word} {TITLES[one.by]} {name}: {number(one.mean, signed=True)} {found.unit} a trade, "
        f"{ranged(one.low, one.high, found.unit)}, of {one.count:,}; widened for {found.looks} looks."
    )


def _breach(one: Finding, coin: str) -> str:
    count = len(one.rows)
    made = f"{number(one.made_r, signed=True)} R and " if one.counted_r else ""
    title = one.title[0].upper() + one.title[1:]
    return (
        f"{title} (bound: {one.bound}): {count:,} trade{'s' * (count != 1)} made "
        f"{made}{money(cash_text(one.made_cash), signed=True)} {coin}."
    )


def _about_exits(left: Exits) -> list[Said]:
    found = []
    trial, back = left.trial, left.scratches
    if trial is not None and trial.verdict == "held" and trial.later_change is not None:
        later = trial.later_change
        found.append(
            Said(
                "pays",
                f"A {trial.chosen.kind} at {trial.chosen.at_r:g} R, chosen in the first {trial.earlier:,} "
                f"trades, also held in the {trial.later:,} after them: "
                f"{number(later.value, signed=True)} R a trade, {ranged(later.low, later.high, 'R')}.",
            )
        )
    if back is not None and back.gave_back >= SAID and back.bearable is not None and back.saved_r > 0:
        found.append(
            Said(
                "stop",
                f"{back.gave_back:,} trades stood at 1 R and lost {number(abs(back.gave_back_r))} R. A stop "
                f"at break-even from there keeps {number(back.saved_r)} R, and pays only if it costs less "
                f"than {percent(back.bearable)} of what the {back.winners:,} winners that stood there made.",
            )
        )
    return found


def _about_costs(costs: Facts) -> list[Said]:
    if not costs["measured"] or (costs["share"] is not None and costs["share"] < HEAVY):
        return []
    drag = f"fees and funding take {number(costs['mean_r'], 3)} R of each trade"
    if costs["share"] is None:
        return [Said("stop", f"Before costs the trades made {number(costs['gross_r'])} R: {drag} besides.")]
    return [Said("stop", f"Costs: {drag}, {percent(costs['share'])} of what prices gave.")]


def _gaps(table: Reviewed, whole: Facts, left: Exits) -> Sequence[Said]:
    found = []
    missing = whole["without_risk"]
    if missing == whole["count"]:
        text = f"No stop is known of any trade, so all is in {whole['unit']}, not in R."
        found.append(Said("gap", f"{text} lotwise journal note TRADE --stop PRICE says where it was."))
    elif missing:
        text = f"{missing:,} of {whole['count']:,} trades have no known stop: they are not in what is in R."
        found.append(Said("gap", text))
    if len(whole["money"]) > 1:
        coins = ", ".join(one["coin"] for one in whole["money"])
        found.append(Said("gap", f"Money is in {coins}, which are never added up."))
    if left.measured == 0 and missing < whole["count"]:
        text = "How far trades went against you and for you is not known: lotwise journal measure finds it."
        found.append(Said("gap", text))
    if not any(table.setup.names):
        found.append(
            Said("gap", "No setup is named: lotwise journal note TRADE --setup NAME tells them apart.")
        )
    return found


def signed_money(text: str) -> str:
    """Exact money as text with its sign, to the cent."""
    return money(text, signed=True)


def plain_minus(text: str) -> str:
    """A number's ASCII minus as the typographic one."""
    return text.replace("-", MINUS)
