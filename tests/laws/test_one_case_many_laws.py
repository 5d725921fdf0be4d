"""The laws that need a million cases, checked together: each case is drawn and solved once.

Every law has a file of its own with its check and the examples Hypothesis draws. Here the checks
share a case, and the two big rules are run compiled over all of them, in one compiled loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numba
import numpy as np

from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.layout import AskRow, LegRow, LimitsRow, Row, SpecRow, TierRow, dtype_of
from lotwise.kernel.sizing import largest_within_budget
from lotwise.sizing.solve import Rows, rows_of
from tests.laws import bulk
from tests.laws.cases import Case, case
from tests.laws.test_break_even import check_break_even
from tests.laws.test_mirror import check_mirror
from tests.laws.test_more_budget import check_more_budget
from tests.laws.test_never_over_budget import check_kernel_budget

CHUNK = 5_000
BREAK_EVEN_ONE_IN = 10
MORE_PERCENT = 116
"""An eighth of the cases take all that the venue takes, where one lot more is no question of budget."""
FOUR = 4
"""Results of the two rules: three of the largest size, one of the largest within the budget."""
LAWS = {
    "never over budget: the twin's loss of the lots is within it": "",
    "as many lots as possible: the twin's loss of one more is not": "one more",
    "more budget never gives fewer lots": "",
    "a long from a to b loses what a short from b to a loses": "",
    "largest_feasible, largest_within_budget: interpreted is compiled": "compiled",
    "closing at break-even loses nothing, one tick before loses": "break-even",
}


@cache
def compiled_loop() -> Any:
    """Both big rules over flattened cases, called from compiled code."""

    @numba.njit
    def loop(spec: Any, ask: Any, limits: Any, legs: Any, tiers: Any, ends: Any, found: Any) -> None:
        leg = tier = 0
        for i in range(spec.shape[0]):
            one_spec, one_ask, one = spec[i : i + 1], ask[i : i + 1], limits[i : i + 1]
            ladder, table = legs[leg : ends[i, 0]], tiers[tier : ends[i, 1]]
            lots, code, smallest = largest_feasible(one_spec, one_ask, one, ladder, table)
            found[i, 0], found[i, 1], found[i, 2] = lots, code, smallest
            found[i, 3] = largest_within_budget(one_spec, one_ask, ladder, one[0].budget_cash)
            leg, tier = ends[i, 0], ends[i, 1]

    return loop


class Compared:
    """Cases waiting for the compiled loop, flattened, with what the interpreted rules gave."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.wanted: list[tuple[int, ...]] = []
        self.rows: tuple[list[tuple[int, ...]], ...] = ([], [], [], [], [])
        self.ends: list[tuple[int, int]] = []

    def add(self, number: int, rows: Rows, wanted: tuple[int, ...]) -> None:
        """Keep a case."""
        for kept, given in zip(self.rows, rows, strict=True):
            kept.extend([row.values() for row in given])
        self.numbers.append(number)
        self.wanted.append(wanted)
        self.ends.append((len(self.rows[3]), len(self.rows[4])))

    def compare(self) -> int:
        """Run the compiled rules over all that wait and start anew; how many there were."""
        kinds: tuple[type[Row], ...] = (SpecRow, AskRow, LimitsRow, LegRow, TierRow)
        arrays = [np.array(kept, dtype=dtype_of(kind)) for kept, kind in zip(self.rows, kinds, strict=True)]
        found = np.zeros((len(self.numbers), FOUR), dtype=np.int64)
        compiled_loop()(*arrays, np.array(self.ends, dtype=np.int64).reshape(-1, 2), found)
        for number, wanted, compiled in zip(self.numbers, self.wanted, found.tolist(), strict=True):
            assert tuple(compiled) == wanted, f"case({number}): compiled {compiled}, interpreted {wanted}"
        count = len(self.numbers)
        self.__init__()  # type: ignore[misc]
        return count


def check_all(drawn: Case, waiting: Compared) -> Iterator[str]:
    """Every law on one case; the compiled rules follow in chunks."""
    rows = rows_of(drawn.question)
    budget = rows.limits[0].budget_cash
    solved = largest_feasible(rows.spec, rows.ask, rows.limits, legs=rows.legs, tiers=rows.tiers)
    within = largest_within_budget(rows.spec, rows.ask, rows.legs, budget_cash=budget)
    waiting.add(drawn.number, rows, (*solved, within))
    if len(waiting.numbers) == CHUNK:
        yield from ["compiled"] * waiting.compare()
    found = check_kernel_budget(drawn, rows)
    yield found
    if drawn.question.contract.is_inverse:
        yield "inverse" if len(rows.legs) == 1 else "ladder, inverse"
    if found != "all the venue takes":
        yield "one more"
    yield check_more_budget(drawn, rows, solved)
    yield check_mirror(drawn)
    if drawn.number // bulk.SHARDS % BREAK_EVEN_ONE_IN == 0:
        yield "break-even"
        yield f"break-even {check_break_even(drawn)}"


@bulk.every_shard
def test_one_case_many_laws(shard: int, law_cases: int) -> None:
    waiting = Compared()
    numbers = bulk.numbers_of(shard, law_cases * MORE_PERCENT // 100)

    def checked(drawn: Case) -> Iterator[str]:
        yield from check_all(drawn, waiting)
        if drawn.number == numbers[-1] and waiting.numbers:
            yield from ["compiled"] * waiting.compare()

    seen = bulk.run(LAWS, numbers, case, checked)
    assert seen["compiled"] == len(numbers)
    wanted = ["some", "none", "all the venue takes", "stays", "single grows", "ladder grows"]
    wanted += ["slippage", "no slippage", "break-even long", "break-even short", "break-even none"]
    wanted += [
        "slippage, inverse",
        "no slippage, inverse",
        "break-even long, inverse",
        "break-even short, inverse",
    ]
    wanted += ["inverse", "ladder, inverse"]
    missed = [name for name in wanted if not seen[name]]
    assert not missed, f"no case met {missed}: {seen}"
    assert seen["rounding decides"] <= 1 + len(numbers) // 10_000, f"more budget gives fewer lots: {seen}"
