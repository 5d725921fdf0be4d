"""What is traded by paths to ruin, and what each count of lots loses, wins and needs.

The rules are asked once for every count of lots that matters; everything later is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.kernel import ruin as paths_of
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.feasibility import smallest_legal
from lotwise.kernel.layout import RATE, AskRow, LegRow, LimitsRow, Row, SpecRow, TierRow, array_of
from lotwise.kernel.limit_rows import PlanStepRow
from lotwise.kernel.ruin_rows import CHANCES, GROSS, NET, TARGET, RungRow, WalkRow
from lotwise.kernel.sizing import largest_within_budget, loss_cash
from lotwise.units import MAX_CASH, Cash, Lots

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_RUNGS: Final = 16_384
"""Counts of lots that are looked up; more are asked of the rules, which takes longer."""
RUNG_BUDGETS: Final = 16
"""So many times the first budget is covered by rungs."""


class Desk(NamedTuple):
    """What is traded and how, as the sizing rules read it: one spec, one ask, one entry, and the tiers."""

    spec: Sequence[SpecRow]
    ask: Sequence[AskRow]
    limits: Sequence[LimitsRow]
    legs: Sequence[LegRow]
    tiers: Sequence[TierRow]


@dataclass(frozen=True)
class Odds:
    """Every trade ends at the stop or at the target, by chance, all costs charged."""

    win_rate8: int
    """How often it wins, in 1e-8."""
    target_ticks: int


@dataclass(frozen=True)
class Sample:
    """Every trade makes a result that was made before, drawn with others that followed it."""

    results8: Sequence[int]
    """In 1e-8 of R, in the order they were made."""
    block: int = 1
    """So many in a row are taken: 1 where results do not depend on each other."""
    gross: bool = False
    """Costs are not in the results: they come off."""


@dataclass(frozen=True)
class Account:
    """The account, and where its paths end. Money in 1e-8."""

    equity_cash: int
    ruin_cash: int
    target_cash: int = 0
    """0: none."""
    risk_cash: int = 0
    """Money at risk of each trade; 0: the plan's share."""
    stretch8: int = RATE
    """The smallest order is taken while it loses at most so many budgets; RATE: one, never more."""
    margin_share8: int = RATE
    """Share of the equity that may be margin."""


class RungsOf:
    """What each count of lots loses, wins and needs, and the largest that fits."""

    def __init__(self, desk: Desk, source: Odds | Sample, account: Account, plan: PlanStepRow) -> None:
        self.desk, self.account, self.plan = desk, account, plan
        self.smallest = int(smallest_legal(desk.spec, desk.legs))
        self.walk = _walk_row(source, account, self.smallest)
        count = self._count()
        self.rungs = [RungRow() for _ in range(count)]
        if count:
            table = array_of(RungRow, self.rungs)
            given = self.arrays()
            paths_of.fill_rungs.compiled(
                given["walk"],
                given["spec"],
                given["ask"],
                limits=given["limits"],
                legs=given["legs"],
                tiers=given["tiers"],
                rungs=table,
            )
            self.rungs = [RungRow(**dict(zip(table.dtype.names, row, strict=True))) for row in table.tolist()]
            self.walk.lot_loss_cash = max(1, self.rungs[-1].loss_cash // (self.smallest + count - 1))

    def _count(self) -> int:
        """How many rungs cover a good deal more than the first budget; 0 where no order is small enough."""
        spec = self.desk.spec
        most = int(spec[0].max_lots)
        if self.smallest > most:
            return 0
        budget = self.budget_cash(self.account.equity_cash) * RUNG_BUDGETS
        reach = largest_within_budget(
            spec, self.desk.ask, self.desk.legs, budget_cash=Cash(min(MAX_CASH, budget))
        )
        return min(MOST_RUNGS, max(1, min(most, reach) - self.smallest + 1))

    def budget_cash(self, equity_cash: int) -> int:
        """What a trade may lose at an equity, by the money or the share at risk, without steps."""
        if self.account.risk_cash:
            return min(self.account.risk_cash, equity_cash)
        return mul_div_floor(equity_cash, self.plan.risk_share8, RATE)

    def lots_at(self, equity_cash: int, budget_cash: int | None = None) -> int:
        """The most lots that fit at an equity; 0 where nothing does."""
        if not self.rungs:
            return 0
        budget = self.budget_cash(equity_cash) if budget_cash is None else budget_cash
        return int(
            paths_of.lots_at(
                [self.walk],
                self.desk.spec,
                self.desk.ask,
                limits=[copied(self.desk.limits[0])],
                legs=self.desk.legs,
                tiers=self.desk.tiers,
                rungs=self.rungs,
                budget_cash=Cash(budget),
                equity_cash=Cash(equity_cash),
            )
        )

    def change_cash(self, lots: int, result8: int) -> int:
        """What a trade of so many lots makes."""
        return int(
            paths_of.change_cash(
                [self.walk],
                self.desk.spec,
                self.desk.ask,
                legs=self.desk.legs,
                rungs=self.rungs,
                lots=Lots(lots),
                result8=result8,
            )
        )

    def loss_cash(self, lots: int) -> int:
        """What so many lots lose at the stop with all costs."""
        at = lots - self.smallest
        if 0 <= at < len(self.rungs):
            return self.rungs[at].loss_cash
        return int(loss_cash(self.desk.spec, self.desk.ask, self.desk.legs, lots=Lots(lots)))

    def net_result8(self, result8: int) -> int:
        """A result with costs in, in 1e-8 of the loss at the stop, at the largest count of lots looked up."""
        lots = self.smallest + max(0, len(self.rungs) - 1)
        if self.walk.kind == NET:
            return result8
        return self.change_cash(lots, result8) * RATE // max(1, self.loss_cash(lots))

    def arrays(self) -> dict[str, Any]:
        """The rows as compiled rules read them, fresh ones."""
        desk = self.desk
        return {
            "walk": array_of(WalkRow, [self.walk]),
            "spec": array_of(SpecRow, desk.spec),
            "ask": array_of(AskRow, desk.ask),
            "limits": array_of(LimitsRow, desk.limits),
            "legs": array_of(LegRow, desk.legs),
            "tiers": array_of(TierRow, desk.tiers),
            "rungs": array_of(RungRow, self.rungs),
            "plan": array_of(PlanStepRow, [self.plan]),
        }


def _walk_row(source: Odds | Sample, account: Account, smallest: int) -> WalkRow:
    row = WalkRow(
        block=1,
        equity_cash=account.equity_cash,
        kind=TARGET,
        lot_loss_cash=1,
        margin_share8=account.margin_share8,
        risk_cash=account.risk_cash,
        ruin_cash=account.ruin_cash,
        smallest_lots=smallest,
        stretch8=account.stretch8,
        target_cash=account.target_cash,
    )
    if isinstance(source, Odds):
        row.target_ticks = source.target_ticks
        row.win_below = mul_div_floor(source.win_rate8, CHANCES, RATE)
    else:
        row.kind = GROSS if source.gross else NET
        row.block = source.block
    return row


def copied(row: Any) -> Any:
    """A row of its own with the same fields."""
    kind: type[Row] = type(row)
    return kind(**dict(zip(kind.__slots__, row.values(), strict=True)))
