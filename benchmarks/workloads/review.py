"""Many closed trades reviewed: figures, groups, breaches, other exits; and the page of them."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.timing import least_seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.review.breaches import breaches
from lotwise.review.report import Review, review
from lotwise.review.table import Reviewed, of_columns

SMALL = 300
FULL = 100_000
SEED = 11
MINUTE = 60 * 10**9
START = 1_700_000_000 * 10**9
SETUPS = ("breakout", "pullback", "range", "")
CONTRACTS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")


def table_of(count: int, seed: int = SEED) -> Reviewed:
    """Made-up trades of four setups and contracts, some of them breaking rules."""
    import numpy as np

    chance = np.random.Generator(np.random.PCG64(seed))

    def drawn(low: int, high: int) -> Any:
        return chance.integers(low, high, count)

    opened = START + np.cumsum(drawn(2, 200)) * MINUTE
    risk = drawn(5, 15) * 10**8
    won = chance.random(count) < 0.42
    made8 = np.where(won, drawn(50, 300), -drawn(20, 130)) * 10**6
    net = made8 * (risk // 10**8)
    worst = np.where(won, drawn(0, 90), drawn(20, 120)) * 10**6 * (risk // 10**8)
    words = {
        "names": [f"{number:x}" for number in range(count)],
        "setup": [SETUPS[place] for place in drawn(0, 4).tolist()],
        "contract": [CONTRACTS[place] for place in drawn(0, 4).tolist()],
        "venue": ["binance"] * count,
        "exit_kind": ["target" if one else "stop" for one in won.tolist()],
    }
    numbers = {
        "side": np.where(drawn(0, 2) == 1, 1, -1),
        "opened_ns": opened,
        "closed_ns": opened + drawn(1, 300) * MINUTE,
        "net_cash": net,
        "fee_cash": drawn(1, 9) * 10**7,
        "entry_cash": risk * 50,
        "risk_cash": np.where(drawn(0, 20) == 0, 0, risk),
        "planned_r8": np.full(count, 2 * 10**8),
        "mae_cash": -worst,
        "mfe_cash": np.maximum(net, 0) + drawn(0, 80) * 10**6 * (risk // 10**8),
        "loosened": drawn(0, 40) == 0,
        "noted": drawn(0, 3) > 0,
        "btc_volatility8": drawn(10**5, 2 * 10**6),
        "btc_change8": drawn(-5 * 10**6, 5 * 10**6),
    }
    return of_columns(count, words, numbers, {"late": (drawn(0, 9) == 0).tolist()})


def integers(found: Review) -> list[int]:
    """Counts as they are and figures to a millionth: what a review says, as whole numbers."""
    whole = found.totals
    numbers = [whole["count"], whole["wins"], whole["losses"], *(_whole(whole[name]) for name in _FIGURES)]
    for group in found.groups.listed:
        numbers += [group.count, group.wins, _whole(group.total)]
    for one in found.breaches.findings:
        numbers += [len(one.rows), one.made_cash]
    return numbers


_FIGURES = ("mean", "total", "profit_factor", "payoff", "best", "worst")


def _whole(value: float | None) -> int:
    return -1 if value is None else round(value * 10**6)


def plain(count: int) -> list[int]:
    """The same figures of the totals and groups counted trade by trade, without columns."""
    table = table_of(count)
    rows = [
        (net / risk, risk, net, row)
        for row, (net, risk) in enumerate(zip(table.net_cash.tolist(), table.risk_cash.tolist(), strict=True))
        if risk
    ]
    results = [one[0] for one in rows]
    won, lost = [r for r in results if r > 0], [r for r in results if r < 0]
    nets = table.net_cash.tolist()
    mean = math.fsum(results) / len(results)
    numbers = [
        len(nets),
        sum(net > 0 for net in nets),
        sum(net < 0 for net in nets),
        *map(
            _whole,
            (
                mean,
                math.fsum(results),
                math.fsum(won) / -math.fsum(lost),
                (math.fsum(won) / len(won)) / (-math.fsum(lost) / len(lost)),
                max(results),
                min(results),
            ),
        ),
    ]
    for group in review(table).groups.listed:
        mine = [r for r, _, _, row in rows if _belongs(table, row, group.by, group.name)]
        numbers += [len(mine), sum(r > 0 for r in mine), _whole(math.fsum(mine))]
    for one in breaches(table).findings:
        numbers += [len(one.rows), sum(nets[row] for row in one.rows.tolist())]
    return numbers


def _belongs(table: Reviewed, row: int, by: str, name: str) -> bool:
    from datetime import UTC, datetime

    from lotwise.review.groups import WEEKDAYS

    moment = datetime.fromtimestamp(int(table.opened_ns[row]) // 10**9, tz=UTC)
    if by in ("setup", "contract", "venue"):
        return str(getattr(table, by).at(row)) == name
    if by == "side":
        return (table.side[row] > 0) == (name == "long")
    if by == "weekday":
        return WEEKDAYS[moment.weekday()] == name
    if by == "hour":
        return f"{moment.hour:02d}" == name
    if by == "tag":
        return bool(table.tags[name][row])
    if by == "trend":
        change = int(table.btc_change8[row])
        return name == (
            "up 1 % or more"
            if change >= 10**6
            else "down 1 % or more"
            if change <= -(10**6)
            else "within 1 %"
        )
    ranked = sorted(table.btc_volatility8.tolist())
    place = (len(ranked) - 1) / 3
    bounds = []
    for k in (1, 2):
        at = int(place * k)
        bounds.append(ranked[at] + (place * k - at) * (ranked[min(at + 1, len(ranked) - 1)] - ranked[at]))
    wild = int(table.btc_volatility8[row])
    return name == (
        "wild third" if wild > bounds[1] else "middle third" if wild > bounds[0] else "calm third"
    )


def measure(count: int) -> Outcome:
    """Seconds for a review of all trades, and for its page."""
    from lotwise.review.page import page_of

    table = table_of(count)
    found = review(table)
    return Outcome(
        figures={
            "review": least_seconds(lambda: review(table), 3),
            "page": least_seconds(lambda: page_of(found, "Review"), 2),
        },
        results=integers(found),
    )


WORKLOAD = Workload(
    name="review",
    about="100,000 closed trades reviewed: figures with intervals, groups, breaches, other exits",
    figures=(Figure("review", "s", 3.0), Figure("page", "s")),
    measure=measure,
    bodies={"plain": plain},
    small=SMALL,
    full=FULL,
    processes=3,
)
