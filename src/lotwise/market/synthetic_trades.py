"""Within the minute: trades, the quotes about them, and the bars and marks that they make.

Everything comes out of one loop over trades: bars are what the trades were, a trade is at the bid or the ask
of the quote that stands before it and smaller than what is there, and a bar of the mark follows every trade.
Whether trades and quotes are kept or not, the same ones are played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.market.synthetic_path import Path, Stream
from lotwise.market.synthetic_scenario import ONE, SIGMA_NANO, Listing
from lotwise.rule import rule

if TYPE_CHECKING:
    import numpy as np

HOURS: Final = (
    *(620, 560, 540, 560, 600, 640, 700, 820, 960, 980, 940, 920),
    *(980, 1200, 1560, 1640, 1500, 1320, 1200, 1080, 960, 900, 820, 720),
)
"""Activity by the hour in UTC, in 1024ths: little at night, most where Europe and America overlap."""
MOST_TRADES: Final = 400
"""Of a minute: a slot is 150 ms then."""
AT_ONCE: Final = 1_000_000
"""Trades played at once, where they are not kept."""
BAR_COLUMNS: Final = ("open", "high", "low", "close", "volume", "turnover", "trades", "taker_buy_volume")
MARK_COLUMNS: Final = ("open", "high", "low", "close")
TRADE_COLUMNS: Final = ("time_ms", "price", "quantity", "buyer_is_maker")
QUOTE_COLUMNS: Final = ("time_ms", "bid", "bid_quantity", "ask", "ask_quantity")

Numbers = Sequence[int]
Rows = Sequence[list[int]]


@dataclass(frozen=True)
class Pace:
    """By the minute: how many trades, how wide, how much rests, who is keener."""

    counts: np.ndarray[Any, Any]
    steps: np.ndarray[Any, Any]
    """Standard deviation of the price from trade to trade, in thousandths of a tick."""
    spreads: np.ndarray[Any, Any]
    """Ticks."""
    resting: np.ndarray[Any, Any]
    """Lots at the best price, about."""
    lean: np.ndarray[Any, Any]
    """Share of trades that buy, in 1024ths."""


@rule
def play_minutes(
    minutes: Numbers,
    plan: Rows,
    words: Numbers,
    size: int,
    state: list[int],
    bars: Rows,
    marks: Rows,
    trades: Rows,
    quotes: Rows,
) -> int:
    """Play minutes trade by trade; how many trades there were.

    Parameters
    ----------
    minutes
        Numbers of the minutes, since 1970.
    plan
        Rows of a minute: open, close, index before and after, trades, step, spread, resting lots, lean.
    words
        One a trade.
    size
        Mean lots of a trade.
    state
        The mark's distance from the index and the mark, in thousandths of a tick; written.
    trades, quotes
        Rows to be written; none where they are not kept.
    """
    done, gap, mark = 0, state[0], state[1]
    for m in range(len(minutes)):
        row = plan[m]
        count, step, spread, lean = row[4], row[5], row[6], row[8]
        slot = 60_000 // count
        price, bar, of_mark = row[0], bars[m], marks[m]
        of_mark[0], of_mark[1], of_mark[2] = mark, mark, mark
        for k in range(count):
            word = words[done]
            first, second = word % 4096, word // 4096 % 4096
            side, draw, jitter = (
                word // 16_777_216 % 1024,
                word // 17_179_869_184 % 16_384,
                word // 281_474_976_710_656 % 1024,
            )
            price += (row[1] - price) // (count - k)
            if k < count - 1:
                price += (first + second - 4095) * step // 1672
            bid = max(1, price // 1000 - spread // 2)
            ask = bid + spread
            lots = 1 + size * 2952 // (draw + 64)
            buys = 1 if side < lean else 0
            at = bid + spread * buys
            bid_lots = 1 + row[7] * (256 + first) // 2304 + lots * (1 - buys)
            ask_lots = 1 + row[7] * (256 + second) // 2304 + lots * buys
            quoted = minutes[m] * 60_000 + k * slot + jitter * (slot // 4) // 1024
            traded = quoted + 1 + slot // 4
            if len(trades):
                trade = trades[done]
                trade[0], trade[1], trade[2], trade[3] = traded, at, lots, 1 - buys
            if len(quotes):
                before, after = quotes[2 * done], quotes[2 * done + 1]
                before[0], before[1], before[2], before[3], before[4] = quoted, bid, bid_lots, ask, ask_lots
                after[0], after[1], after[2], after[3], after[4] = (
                    traded,
                    bid,
                    bid_lots - lots * (1 - buys),
                    ask,
                    ask_lots - lots * buys,
                )
            if k == 0:
                bar[0], bar[1], bar[2] = at, at, at
            bar[1], bar[2], bar[3] = max(bar[1], at), min(bar[2], at), at
            bar[4] += lots
            bar[5] += lots * at
            bar[6] += 1
            bar[7] += lots * buys
            index = row[2] + (row[3] - row[2]) * (k + 1) // count
            gap += (price - index - gap) * slot // 60_000
            mark = max(1, index + gap)
            of_mark[1], of_mark[2] = max(of_mark[1], mark), min(of_mark[2], mark)
            done += 1
        of_mark[3] = mark
    state[0] = gap
    state[1] = mark
    return done


def pace_of(path: Path, listing: Listing, seed: int, first_minute: int, detail: int) -> Pace:
    """How a contract trades by the minute: more, wider and thinner where it moves more.

    Parameters
    ----------
    detail
        Trades of a quiet minute.
    """
    import numpy as np

    minutes = len(path.sigma)
    words = Stream(seed, f"pace/{listing.symbol}").words(minutes)
    hour = np.array(HOURS, np.int64)[(first_minute + np.arange(minutes)) // 60 % 24]
    heat = path.sigma * ONE // SIGMA_NANO[0]
    moved = np.abs(path.closes - path.opens) * 10**6 // path.opens  # of the price, in 1e-6
    busy = hour * (ONE // 2 + heat // 2 + np.minimum(moved, 20_000)) // ONE
    counts = np.clip(detail * busy * (512 + words % 1024) // ONE**2, 2, MOST_TRADES)
    sigma = path.sigma * (ONE + listing.own) // ONE
    each = np.sqrt(counts.astype(np.float64) * 2**20).astype(np.int64)  # IEEE's root is exact everywhere
    steps = path.opens * (sigma // 1000) // 10**6 * ONE // each
    spreads = np.clip(listing.spread_ticks * (ONE + np.maximum(0, heat - ONE) // 2) // ONE, 1, 50)
    resting = listing.trade_lots * 12 * ONE // np.maximum(heat, ONE // 2)
    lean = 512 + np.clip(
        (path.closes - path.opens) * 160 // np.maximum(1, path.opens * sigma // 10**9), -220, 220
    )
    return Pace(counts, steps, spreads, np.maximum(1, resting), lean)


@dataclass(frozen=True)
class Played:
    """What was played, each with a row of whole numbers: ticks, lots, thousandths of a tick for marks."""

    minutes: np.ndarray[Any, Any]
    """Minutes since 1970, without those in which the venue stood still."""
    bars: np.ndarray[Any, Any]
    marks: np.ndarray[Any, Any]
    trades: np.ndarray[Any, Any]
    quotes: np.ndarray[Any, Any]


def played(
    path: Path, pace: Pace, listing: Listing, seed: int, first_minute: int, *, keep: frozenset[str]
) -> Played:
    """Play a path trade by trade; ``keep`` says whether trades and quotes are kept."""
    import numpy as np

    open_minutes = np.flatnonzero(path.out == 0)
    before = np.concatenate([path.index[:1], path.index[:-1]])
    before[0] = path.opens[0]
    plan = np.stack(
        [
            path.opens,
            path.closes,
            before,
            path.index,
            pace.counts,
            pace.steps,
            pace.spreads,
            pace.resting,
            pace.lean,
        ],
        axis=1,
    )[open_minutes]
    total = int(plan[:, 4].sum())
    count = len(open_minutes)
    bars, marks = (np.zeros((count, len(columns)), np.int64) for columns in (BAR_COLUMNS, MARK_COLUMNS))
    trades = np.zeros((total if "trades" in keep else 0, len(TRADE_COLUMNS)), np.int64)
    quotes = np.zeros((2 * total if "quotes" in keep else 0, len(QUOTE_COLUMNS)), np.int64)
    state = np.array([0, plan[0, 0]], np.int64)
    words = Stream(seed, f"trades/{listing.symbol}")
    ends = np.cumsum(plan[:, 4])
    done = first = 0
    while first < count:
        end = max(first + 1, int(np.searchsorted(ends, done + AT_ONCE, side="right")))
        needed = int(ends[end - 1]) - done
        play_minutes.compiled(
            open_minutes[first:end] + first_minute,
            plan[first:end],
            words.words(needed),
            size=listing.trade_lots,
            state=state,
            bars=bars[first:end],
            marks=marks[first:end],
            trades=trades[done : done + needed],
            quotes=quotes[2 * done : 2 * (done + needed)],
        )
        done, first = done + needed, end
    return Played(open_minutes + first_minute, bars, marks, trades, quotes)
