"""The course of a synthetic market by the minute: regimes, volatility, returns, prices, index, funding.

Whole numbers and one stream of PCG64 for each contract: the same seed gives the same bytes on any machine.
Prices inside are thousandths of a tick. A minute draws a fixed number of words from its stream, so a longer
run begins with the shorter one's minutes (but for planted stops and falls, which lie at shares of the span).

Funding follows Bybit's formula (Bybit, Funding rate calculation): average premium + clamp(interest - premium,
0.05 % either way) within cap and floor, interest 0.03 % a day. At a cap the interval becomes an hour, as
Binance does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from lotwise.market.synthetic_scenario import (
    DRIFT_NANO,
    LEADER,
    MONTH_MINUTES,
    ONE,
    SIGMA_NANO,
    STORM,
    Listing,
    Scenario,
)
from lotwise.rule import rule

if TYPE_CHECKING:
    import numpy as np

FINE: Final = 1000
"""Parts of a tick that prices inside are counted in."""
NANO: Final = 10**9
NORMAL: Final = 65_536
"""One standard deviation of :func:`normals`."""
FALL_MINUTES: Final = 9 * 60
MOST_JUMP: Final = 15_000_000
"""1.5 %."""
MOST_RETURN: Final = 300_000_000
"""Of a minute: 30 %."""
Numbers = Sequence[int]


class Stream:
    """A stream of words of its own, by seed and purpose; the purpose keeps contracts independent."""

    def __init__(self, seed: int, purpose: str) -> None:
        from numpy.random import PCG64, SeedSequence

        word = int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), "little")
        self._source = PCG64(SeedSequence([seed, word]))

    def words(self, count: int) -> Any:
        """So many whole numbers below 2 ** 63."""
        import numpy as np

        drawn: Any = self._source.random_raw(count)
        return (np.asarray(drawn) >> np.uint64(1)).astype(np.int64)

    def normals(self, count: int) -> Any:
        """Nearly normal numbers of standard deviation NORMAL: the sum of twelve uniform whole ones.

        The sum of n uniform numbers (Irwin and Hall) has the variance n / 12: with twelve no root is needed.
        """
        import numpy as np

        drawn: Any = np.asarray(self._source.random_raw(3 * count)).astype("<u8").view("<u2")
        return drawn.reshape(count, 12).sum(axis=1, dtype=np.int64) - 6 * 65_535


@dataclass(frozen=True)
class Leader:
    """The leading coin by the minute."""

    regime: np.ndarray[Any, Any]
    sigma: np.ndarray[Any, Any]
    """Nano, of the minute's return."""
    returns: np.ndarray[Any, Any]
    """Nano, without jumps."""
    jumps: np.ndarray[Any, Any]
    """Nano, at the start of the minute; mostly 0."""
    out: np.ndarray[Any, Any]
    """1 where the venue stands still."""


@dataclass(frozen=True)
class Path:
    """A contract by the minute; prices in thousandths of a tick."""

    regime: np.ndarray[Any, Any]
    sigma: np.ndarray[Any, Any]
    jumps: np.ndarray[Any, Any]
    out: np.ndarray[Any, Any]
    opens: np.ndarray[Any, Any]
    """After the jump of the minute."""
    closes: np.ndarray[Any, Any]
    index: np.ndarray[Any, Any]
    """At the end of the minute."""
    premium8: np.ndarray[Any, Any]
    """Of the price over the index at the end of the minute, in 1e-8."""
    fall: tuple[int, int]
    """First minute of the planted fall and the one after it; (0, 0): none."""


@rule
def walk_leader(
    words: Numbers,
    normals: Numbers,
    drift_words: Numbers,
    knobs: Numbers,
    regime: list[int],
    sigma: list[int],
    returns: list[int],
) -> None:
    """Regimes by a Markov chain, volatility that clusters, returns; the normals come two a minute.

    ``knobs``: by regime weight, mean stay, sigma, drift.
    """
    now, level, anchor, way = 0, 0, 0, 1
    heat = 1_048_576  # one, in 2 ** -20
    total = knobs[0] + knobs[1] + knobs[2] + knobs[3]
    for t in range(len(regime)):
        if t == 0 or words[t] % knobs[4 + now] == 0:
            pick, now = drift_words[t] // 8 % total, 0
            while pick >= knobs[now]:
                pick -= knobs[now]
                now += 1
            anchor = level
            way = 1 if drift_words[t] % 2 else -1
        heat += (1_048_576 - heat) // 240 + heat * (normals[2 * t] // 64) // 1024 * 40 // 1024
        heat = min(max(heat, 300_000), 5_000_000)
        sigma[t] = knobs[8 + now] * heat // 1_048_576
        moved = sigma[t] * normals[2 * t + 1] // 65_536 + way * knobs[12 + now]
        if now == 2:
            moved -= (level - anchor) // 45
        level += moved
        returns[t] = moved
        regime[t] = now


@rule
def walk_price(start: int, returns: Numbers, jumps: Numbers, opens: list[int], closes: list[int]) -> None:
    """Prices of returns, with a weak pull to the first price that is felt over months alone."""
    price, least, most = start, start // 16, start * 6
    for t in range(len(returns)):
        away = min(max((price - start) * 1024 // start, -1024), 4096)
        price += price * jumps[t] // 1_000_000_000
        price = min(max(price, least), most)
        opens[t] = price
        price += price * (returns[t] - away * 5) // 1_000_000_000
        price = min(max(price, least), most)
        closes[t] = price


@rule
def walk_index(
    closes: Numbers, normals: Numbers, start: int, gain: int, index: list[int], premium8: list[int]
) -> None:
    """An index that lags: ``gain`` thousandths of a move go into the premium, which wears off in hours."""
    basis, lagged, last = 0, start, start
    for t in range(len(closes)):
        moved = (closes[t] - last) * 1_000_000 // last
        last = closes[t]
        basis += moved * gain - basis // 180 + normals[t] * 20_000 // 65_536
        basis = min(max(basis, -60_000_000), 60_000_000)
        fair = closes[t] - closes[t] * (basis // 1000) // (1_000_000 + basis // 1000)
        lagged += (fair - lagged) * 2 // 3
        index[t] = lagged
        premium8[t] = (closes[t] - lagged) * 100_000_000 // lagged


@rule
def charge(
    premium8: Numbers,
    storms: Numbers,
    first_minute: int,
    usual_hours: int,
    cap8: int,
    rates8: list[int],
    hours: list[int],
) -> None:
    """Funding of every full hour at which some is due: rate and interval; the interval is 0 elsewhere.

    At a cap the interval becomes an hour; after a span that was mostly storm it is 4 hours at most; it goes
    back at an hour that the usual one divides.
    """
    interval, total, count, stormy = usual_hours, 0, 0, 0
    for t in range(len(premium8)):
        total += premium8[t]
        stormy += storms[t]
        count += 1
        minute = first_minute + t + 1
        if minute % (60 * interval):
            continue
        mean = total // count
        rate = mean + min(max(1_250 * interval - mean, -50_000), 50_000)
        rate = min(max(rate, -cap8), cap8)
        rates8[t] = rate
        hours[t] = interval
        if abs(rate) == cap8:
            interval = 1
        elif 2 * stormy > count:
            interval = min(interval, 4)
        elif minute % (60 * usual_hours) == 0:
            interval = usual_hours
        total, count, stormy = 0, 0, 0


def leader(scenario: Scenario, seed: int, minutes: int) -> Leader:
    """The leading coin: regimes, volatility, returns, jumps, stops of the venue."""
    import numpy as np

    stream = Stream(seed, f"leader/{scenario.name}")
    regime, sigma, returns = (np.zeros(minutes, np.int64) for _ in range(3))
    drawn = [stream_of.words(minutes) for stream_of in (stream, Stream(seed, f"ways/{scenario.name}"))]
    knobs = np.array([*scenario.weights, *scenario.stay_minutes, *SIGMA_NANO, *DRIFT_NANO], np.int64)
    normals = Stream(seed, f"normals/{scenario.name}").normals(2 * minutes)
    walk_leader.compiled(
        drawn[0], normals, drawn[1], knobs=knobs, regime=regime, sigma=sigma, returns=returns
    )
    jumps = jumps_of(Stream(seed, f"jumps/{LEADER}/{scenario.name}"), scenario, regime, sigma)
    return Leader(regime, sigma, returns, jumps, stops(Stream(seed, "stops"), scenario, minutes))


def jumps_of(stream: Stream, scenario: Scenario, regime: Any, sigma: Any) -> Any:
    """Jumps of 3 to 8 sigmas at a day's rate by regime."""
    import numpy as np

    words = stream.words(len(regime))
    chance = np.array(scenario.jumps_per_day, np.int64)[regime]
    hit = words % 1440 < chance
    size = sigma * (3 * ONE + words // 1440 % (5 * ONE)) // ONE
    signed = np.where(words // 2**40 % 2 == 0, size, -size)
    return np.where(hit, np.clip(signed, -MOST_JUMP, MOST_JUMP), 0)


def stops(stream: Stream, scenario: Scenario, minutes: int) -> Any:
    """1 in minutes in which the venue stands still: 7 to 41 of them at a time, never at the ends."""
    import numpy as np

    out = np.zeros(minutes, np.int64)
    if not scenario.outages or minutes < 4 * 60:
        return out
    words = stream.words(64)
    wanted = max(1, scenario.outages * minutes // MONTH_MINUTES)
    for number in range(wanted):
        word = int(words[number % 64]) // (1 + number // 64)
        first = 60 + word % (minutes - 180)
        out[first : first + 7 + word // minutes % 35] = 1
    return out


def path_of(listing: Listing, scenario: Scenario, seed: int, lead: Leader, falls: bool) -> Path:
    """A contract's minutes: what it takes from the leader, what it adds, where it falls."""
    import numpy as np

    minutes = len(lead.regime)
    name = f"{listing.symbol}/{scenario.name}"
    jumps = lead.jumps
    if listing.own:
        own = jumps_of(Stream(seed, f"jumps/{name}"), scenario, lead.regime, lead.sigma)
        returns, jumps = followed(listing, lead, Stream(seed, f"own/{name}").normals(minutes)), own
    else:
        returns = lead.returns
    fall = (0, 0)
    if falls and scenario.fall:
        fall = (minutes * 3 // 10, minutes * 3 // 10 + min(FALL_MINUTES, max(30, minutes // 4)))
        returns = returns + falling(scenario.fall, fall, minutes)
    returns = np.clip(returns, -MOST_RETURN, MOST_RETURN)
    start = listing.start_ticks * FINE
    opens, closes, index, premium8 = (np.zeros(minutes, np.int64) for _ in range(4))
    walk_price.compiled(start, returns, jumps, opens=opens, closes=closes)
    noise = Stream(seed, f"index/{name}").normals(minutes)
    walk_index.compiled(closes, noise, start=start, gain=listing.premium1000, index=index, premium8=premium8)
    return Path(lead.regime, lead.sigma, jumps, lead.out, opens, closes, index, premium8, fall)


def followed(listing: Listing, lead: Leader, normals: Any) -> Any:
    """Returns of a coin that follows: beta by the leader's sign, later by its lag, and its own part.

    A beta that is larger downwards would wear the coin down; it is given back as a drift of
    (difference of betas) / 2 times the mean size of a normal return, sigma * sqrt(2 / pi), of the regime.
    """
    import numpy as np

    moved = lead.returns + lead.jumps
    lag = listing.lag_minutes
    late = np.concatenate([np.zeros(lag, np.int64), moved])[: len(moved)]
    taken = late * np.where(late < 0, listing.beta_down, listing.beta_up) // ONE
    back = np.array(SIGMA_NANO, np.int64) * 409 // ONE * (listing.beta_down - listing.beta_up) // ONE
    own = lead.sigma * listing.own // ONE * normals // NORMAL
    return taken + own + back[lead.regime]


def falling(left: int, fall: tuple[int, int], minutes: int) -> Any:
    """Returns that leave so many 1024ths of a price: minutes in twos, a weak and a hard one."""
    import numpy as np

    returns = np.zeros(minutes, np.int64)
    count = fall[1] - fall[0]
    low, high = 0, NANO // 4
    while low < high:  # the size of which so many leave what is wanted, found by halving
        each, worth = (low + high) // 2, NANO
        for _ in range(count):
            worth -= worth * each // NANO
        if worth * ONE > left * NANO:
            low = each + 1
        else:
            high = each
    shape = np.zeros(count, np.int64)
    shape[::2], shape[1::2] = low // 2, low * 3 // 2
    returns[fall[0] : fall[1]] = -shape
    return returns


def fundings(path: Path, listing: Listing, first_minute: int) -> tuple[Any, Any, Any]:
    """Minutes of the span at whose end funding is charged, rates in 1e-8, intervals in hours."""
    import numpy as np

    rates8, hours = np.zeros(len(path.regime), np.int64), np.zeros(len(path.regime), np.int64)
    storms = (path.regime == STORM).astype(np.int64)
    charge.compiled(
        path.premium8,
        storms,
        first_minute,
        usual_hours=listing.interval_hours,
        cap8=listing.cap8,
        rates8=rates8,
        hours=hours,
    )
    due = np.flatnonzero(hours)
    return due, rates8[due], hours[due]
