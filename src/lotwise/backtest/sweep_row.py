"""What came of one case of a sweep, in plain numbers: a row of its table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from lotwise.kernel.portfolio_open import equity_of

if TYPE_CHECKING:
    from lotwise.backtest.run import Played

DAY_NS: Final = 86_400 * 10**9


@dataclass(frozen=True)
class Outcome:
    """Figures of one case. Money in 1e-8 of the settle coin; R is a trip's result over its planned loss."""

    number: int
    """Place in the sweep."""
    setting: int
    """Which parameters: place in ``Sweep.settings``."""
    contract: str
    """Ids joined by ``+`` where they share the account."""
    since_ns: int
    until_ns: int
    parameters: str
    """As JSON text."""
    bars: int = 0
    signals: int = 0
    trips: int = 0
    won: int = 0
    refused: int = 0
    refusals: str = "{}"
    """Count by code, as JSON text: lotwise.kernel.codes and limit_codes, below 0 the venue's."""
    equity_cash: int = 0
    """At the end, what is open in it."""
    result_cash: int = 0
    """That less the equity at the start."""
    closed_cash: int = 0
    """Result of all trips, which have ended."""
    fees_cash: int = 0
    funding_cash: int = 0
    insurance_cash: int = 0
    drawdown_cash: int = 0
    """Deepest fall of the money after each trip from its peak, the start included."""
    liquidated: int = 0
    ambiguous: int = 0
    unfilled: int = 0
    longest_ns: int = 0
    """The longest that a trip was held."""
    r_count: int = 0
    r_sum: float = 0.0
    r_squares: float = 0.0
    r_gains: float = 0.0
    r_best: float = 0.0
    r_worst: float = 0.0
    day_cash: tuple[int, ...] = ()
    """Results of the trips by the UTC day of their end, from the day of ``since_ns`` on."""
    fingerprint: str = ""
    """Of all trips, refusals, the curve and the account at the end."""
    error: str = ""
    """What went wrong; all figures are then 0."""

    @property
    def r_mean(self) -> float:
        """Mean result in R; 0 without trips."""
        return self.r_sum / self.r_count if self.r_count else 0.0

    def as_dict(self) -> dict[str, Any]:
        """JSON's own kinds."""
        found = asdict(self)
        found["parameters"], found["refusals"] = json.loads(self.parameters), json.loads(self.refusals)
        found["day_cash"] = list(self.day_cash)
        return found | {"r_mean": self.r_mean}


NAMES: Final = tuple(field.name for field in fields(Outcome))


def told(values: Mapping[str, object]) -> str:
    """Parameters as text: the same for the same."""
    return json.dumps(dict(values), ensure_ascii=False, default=repr)


def days_of(since_ns: int, until_ns: int) -> int:
    """UTC days that a period touches."""
    return max(1, -(-until_ns // DAY_NS) - since_ns // DAY_NS)


def measured(played: Played, since_ns: int, until_ns: int) -> dict[str, Any]:
    """The figures of a run that depend on nothing else."""
    import numpy as np

    trips, refusals, state = played.trips, played.refusals, played.state
    results, risks = trips["result_cash"], trips["risk_cash"]
    money = np.concatenate(([0], np.cumsum(results)))
    day_cash = np.zeros(days_of(since_ns, until_ns), np.int64)
    np.add.at(day_cash, trips["closed_ns"] // DAY_NS - since_ns // DAY_NS, results)
    planned = risks > 0
    in_r = results[planned] / risks[planned]
    equity = int(equity_of.compiled(state))
    found = {
        "bars": played.bars,
        "signals": len(played.signals),
        "trips": len(trips),
        "won": int((results > 0).sum()),
        "refused": len(refusals),
        "refusals": json.dumps(counted(refusals["code"])),
        "equity_cash": equity,
        "result_cash": equity - int(played.plan.equity_cash),
        "closed_cash": int(money[-1]),
        "drawdown_cash": int((np.maximum.accumulate(money) - money).max()),
        "liquidated": int(trips["liquidated"].sum()),
        "ambiguous": played.ambiguous,
        "unfilled": played.unfilled,
        "longest_ns": int((trips["closed_ns"] - trips["opened_ns"]).max(initial=0)),
        "r_count": len(in_r),
        "r_sum": float(in_r.sum()),
        "r_squares": float((in_r * in_r).sum()),
        "r_gains": float(in_r.sum(where=in_r > 0)),
        "r_best": float(in_r.max(initial=-np.inf)) if len(in_r) else 0.0,
        "r_worst": float(in_r.min(initial=np.inf)) if len(in_r) else 0.0,
        "day_cash": tuple(day_cash.tolist()),
        "fingerprint": fingerprint_of(played),
    }
    return found | {name: int(trips[name].sum()) for name in ("fees_cash", "funding_cash", "insurance_cash")}


def counted(codes: Any) -> dict[str, int]:
    """How often each code is there, in the order of the codes."""
    import numpy as np

    if not len(codes):
        return {}
    lowest = int(codes.min())
    counts = np.bincount(codes - lowest)
    return {str(lowest + int(at)): int(counts[at]) for at in np.flatnonzero(counts)}


def fingerprint_of(played: Played) -> str:
    """Name of everything that a run did: the same for the same run, on any number of workers, anywhere."""
    import numpy as np

    refusals = played.refusals
    digest = blake2b(digest_size=16)
    for part in (played.trips, played.curve, *tuple(played.state)[:-1]):
        digest.update(np.ascontiguousarray(part).view(np.uint8).data)
    for name in ("row", "code", "loss_cash"):
        digest.update(np.ascontiguousarray(refusals[name]).view(np.uint8).data)
    digest.update(repr((played.bars, played.ambiguous, played.unfilled, played.apart_cash)).encode())
    return digest.hexdigest()
