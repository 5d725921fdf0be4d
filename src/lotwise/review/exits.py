"""What another stop, another target or a stop at break-even would have done, and how far to believe it.

Only what was seen before a trade ended is known: a stop nearer than the worst, a target no farther than
the best. A wider stop and a farther target are never judged. Quantities stay as they were; each trade keeps
its own costs, and a stop slips as those that were hit did on average. The best of many alternatives is always
too good, so it is chosen in the earlier two thirds of the trades and judged in the last third alone.

Source of the split: Aronson (2007), Evidence-Based Technical Analysis, chapter 6 (data mining bias).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.review.table import Reviewed
from lotwise.stats.intervals import Interval
from lotwise.stats.means import skewed_mean
from lotwise.stats.trades import FEWEST

if TYPE_CHECKING:
    Numbers = Any

STOPS: Final = (0.25, 0.4, 0.5, 0.6, 0.75, 0.9)
"""Nearer stops that are tried, in R of the stop that was."""
TARGETS: Final = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
WARNING: Final = (
    "The best of many alternatives looks better than it is: it was chosen because it fitted these very "
    "trades. It is believed only where it also held in trades it was not chosen from. Bars in which a fill "
    "happened are not looked at, so a nearer stop would have been met more often than is told here."
)
SEEN: Final = 5
"""Later trades that an exit must have made better, and as many worse unless it made none worse: what is rarer
than that may just not have come yet."""
SCRATCH: Final = 0.1
"""A result within so many R of 0 is a scratch."""
REACHED: Final = 1.0
"""R at which a stop is moved to break-even by habit."""


@dataclass(frozen=True)
class Alternative:
    """A stop or a target in place of what was; means in R over all trades with known extremes."""

    kind: str
    """``stop`` or ``target``."""
    at_r: float
    touched: int
    """Trades that it would have ended."""
    mean: float
    change: float
    """Of the mean, against what came."""


@dataclass(frozen=True)
class OutOfSample:
    """The best of the earlier trades, judged by the later ones."""

    chosen: Alternative
    earlier: int
    later: int
    earlier_change: float
    later_change: Interval | None
    """Of the mean result in the later trades; ``None`` of fewer than 30."""
    verdict: str
    """``held``, ``did not hold``, ``undecided`` or ``no verdict``."""


@dataclass(frozen=True)
class Scratches:
    """Trades that ended about where they began, and trades that gave a gain back."""

    count: int
    total_r: float
    after_gain: int
    """Scratches that had stood at 1 R or more."""
    gave_back: int
    """Trades that stood at 1 R or more and lost."""
    gave_back_r: float
    saved_r: float
    """What a stop at break-even from 1 R on would have kept of those, each paying its own costs."""
    winners: int
    """Trades that stood at 1 R or more and won; some of them would have been scratched."""
    winners_r: float
    bearable: float | None
    """Share of the winners' R that may be lost so before such a stop costs more than it keeps."""


@dataclass(frozen=True)
class Exits:
    """All of it; trades whose extremes or risk nobody knows are left out."""

    measured: int
    alternatives: tuple[Alternative, ...]
    trial: OutOfSample | None
    scratches: Scratches | None


def exits(table: Reviewed) -> Exits:
    """What other exits would have done."""
    import numpy as np

    r, worst, best = table.r, table.in_r(table.mae_cash), table.in_r(table.mfe_cash)
    known = ~(np.isnan(r) | np.isnan(worst) | np.isnan(best))
    if not known.any():
        return Exits(0, (), None, None)
    r, worst, best = r[known], worst[known], best[known]
    costs = table.in_r(table.fee_cash - table.funding_cash)[known]
    slipped = slippage(table)
    tried = {
        (kind, at): instead(kind, at, r, worst=worst, best=best, costs=costs + (kind == "stop") * slipped)
        for kind, steps in (("stop", STOPS), ("target", TARGETS))
        for at in steps
    }
    found = tuple(_alternative(kind, at, r, made) for (kind, at), made in tried.items())
    return Exits(len(r), found, _trial(r, tried), _scratches(r, best, costs))


def slippage(table: Reviewed) -> float:
    """Mean R that stops lost beyond themselves, where that is known: another stop would lose it too."""
    import numpy as np

    slip = table.in_r(table.slip_cash)
    known = slip[~np.isnan(slip)]
    return max(0.0, float(known.mean())) if len(known) else 0.0


def instead(kind: str, at_r: float, r: Numbers, *, worst: Numbers, best: Numbers, costs: Numbers) -> Numbers:
    """Each trade's result with another stop or target; those that do not touch it keep theirs.

    Parameters
    ----------
    r, worst, best, costs
        In R: results after costs, the extremes before them, and the costs, at a stop with its slippage.
    """
    import numpy as np

    if kind == "stop":
        return np.where(worst <= -at_r, -at_r - costs, r)
    return np.where(best >= at_r, at_r - costs, r)


def _alternative(kind: str, at_r: float, r: Numbers, made: Numbers) -> Alternative:
    import numpy as np

    mean = float(made.mean())
    return Alternative(kind, at_r, int(np.count_nonzero(made != r)), mean, mean - float(r.mean()))


def _trial(r: Numbers, tried: dict[tuple[str, float], Numbers]) -> OutOfSample | None:
    """Choose in the first two thirds, judge in the rest."""
    count = len(r)
    earlier = count * 2 // 3
    if earlier < FEWEST:
        return None
    kind, at = max(tried, key=lambda name: float(tried[name][:earlier].mean()))
    made = tried[kind, at]
    gained = (made - r)[earlier:]
    before = float((made - r)[:earlier].mean())
    later = skewed_mean(gained) if len(gained) >= FEWEST else None
    verdict = "no verdict"
    if later is not None:
        both = min(int((gained > 0).sum()), int((gained < 0).sum())) >= SEEN or float(gained.min()) >= 0
        sure = later.low > 0 and both and int((gained != 0).sum()) >= SEEN
        verdict = "held" if sure else "did not hold" if later.value <= 0 else "undecided"
    if before <= 0:
        verdict = "did not hold"  # none was better even where it was chosen
    return OutOfSample(_alternative(kind, at, r, made), earlier, count - earlier, before, later, verdict)


def _scratches(r: Numbers, best: Numbers, costs: Numbers) -> Scratches:
    import numpy as np

    near, reached = np.abs(r) <= SCRATCH, best >= REACHED
    back, won = reached & (r < 0), reached & (r > 0)
    saved = float((-costs[back] - r[back]).sum())
    winners = float(r[won].sum())
    return Scratches(
        count=int(near.sum()),
        total_r=math.fsum(r[near].tolist()),
        after_gain=int((near & reached).sum()),
        gave_back=int(back.sum()),
        gave_back_r=float(r[back].sum()),
        saved_r=saved,
        winners=int(won.sum()),
        winners_r=winners,
        bearable=min(1.0, max(0.0, saved / winners)) if winners > 0 else None,
    )
