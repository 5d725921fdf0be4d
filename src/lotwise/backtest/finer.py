"""Bars taken apart into finer ones that make them up: what came first within them is then known.

The finer rows stand in the place of the bar and carry its time, its funding is charged after the last of
them, and the answer to the bar is carried out there. So nothing changes but the way within the bar: timers,
the order of contracts and the moments of decision stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotwise.backtest.run import Plan
from lotwise.errors import InputError
from lotwise.market.check import at_time

if TYPE_CHECKING:
    Rows = Any
    Numbers = Any


def bars_of_trades(trades: Rows) -> Rows:
    """Trades of the market as bars of one price each: there is no doubt left within them.

    Parameters
    ----------
    trades
        :class:`lotwise.kernel.tape.MarketTradeRow`, in the order of time.
    """
    import numpy as np

    from lotwise.kernel.layout import dtype_of
    from lotwise.kernel.tape import BarRow

    rows = np.zeros(len(trades), dtype_of(BarRow))
    for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
        rows[name] = trades["price_ticks"]
    rows["time_ns"], rows["volume_lots"] = trades["time_ns"], np.abs(trades["lots"])
    return rows


def refined(
    feed: Rows, answers: Rows, fine: Mapping[int, Rows], wanted: Numbers, *, step_ns: int, plan: Plan
) -> tuple[Rows, Rows, Numbers]:
    """The feed with the wanted bars taken apart where finer rows are there.

    Parameters
    ----------
    answers
        To every bar of ``feed``.
    fine
        Contract to its finer bars, in the order of time.
    wanted
        Rows of ``feed``, rising.
    step_ns
        Length of a bar of ``feed``.

    Returns
    -------
    The finer feed, its answers, and the row of ``feed`` that each of its rows is of.

    Raises
    ------
    InputError
        BACKTEST-205 finer bars do not make up their bar; BACKTEST-206 slippage or volume is assumed as a
        share of a bar, which finer bars would change.
    """
    import numpy as np

    assumed = plan.assumed
    if assumed.slippage_range8 or assumed.volume_share8:
        raise InputError(
            "BACKTEST-206",
            "slippage by a bar's range, or a share of its volume, means something else in finer bars",
            "assume slippage in ticks and no share of the volume",
        )
    parts, origins = {}, np.arange(len(feed))
    for row in wanted.tolist():
        bar = feed[row]
        rows = fine.get(int(bar["contract"]))
        if rows is None:
            continue
        low = int(np.searchsorted(rows["time_ns"], bar["time_ns"]))
        high = int(np.searchsorted(rows["time_ns"], int(bar["time_ns"]) + step_ns))
        if high - low > 1:
            parts[row] = _apart(bar, rows[low:high])
    if not parts:
        return feed, answers, origins
    counts = np.ones(len(feed), np.int64)
    counts[list(parts)] = [len(part) for part in parts.values()]
    origins = np.repeat(origins, counts)
    finer = feed[origins]
    starts = np.cumsum(counts) - counts
    for row, part in parts.items():
        finer[starts[row] : starts[row] + len(part)] = part
    said = np.zeros(len(finer), answers.dtype)
    said[starts + counts - 1] = answers
    return finer, said, origins


def _apart(bar: Any, rows: Rows) -> Rows:
    """The finer rows of a bar, with its time, its contract and its funding."""
    import numpy as np

    made_up = (
        int(rows["open_ticks"][0]),
        int(rows["high_ticks"].max()),
        int(rows["low_ticks"].min()),
        int(rows["close_ticks"][-1]),
    )
    said = tuple(int(bar[name]) for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"))
    if made_up != said:
        raise InputError(
            "BACKTEST-205",
            f"the {len(rows)} finer bars of {at_time(int(bar['time_ns']))} UTC make up {made_up} (open, high,"
            f" low, close in ticks), the bar itself says {said}",
            "take both from one source, and of the same contract",
        )
    part = np.zeros(len(rows), bar.dtype)
    for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots"):
        part[name] = rows[name]
    part["time_ns"], part["contract"] = bar["time_ns"], bar["contract"]
    part["has_funding"][-1], part["funding8"][-1] = bar["has_funding"], bar["funding8"]
    return part
