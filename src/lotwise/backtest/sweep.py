"""Sweeps: one strategy, many parameters, over contracts and periods, in columns, under limits.

A case is one setting of the parameters, on one feed, in one period. A feed is one contract, or several
that share an account. Every case begins with the plan's money and knows nothing of the others, so where
and in which order cases are played changes nothing: :mod:`lotwise.backtest.workers` plays them on threads,
on processes or on a cluster, and :mod:`lotwise.backtest.sweep_store` keeps what is finished.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from threading import Lock
from typing import Any, Final, Literal

from lotwise.backtest.feed import merged
from lotwise.backtest.ground import Ground
from lotwise.backtest.run import Plan
from lotwise.backtest.sweep_row import Outcome, measured, told
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError
from lotwise.strategy.api import InColumns

MOST_CASES: Final = 1_000_000
KEPT_GROUNDS: Final = 2
"""Cases come feed by feed and period by period: workers are at one, or between two."""

Accounts = Literal["per_contract", "together"]
Maker = Callable[..., InColumns]


@dataclass(frozen=True)
class Feed:
    """Bars of one account: rows of :class:`lotwise.kernel.portfolio_rows.FeedRow`, shared by all who play."""

    contracts: tuple[Contract, ...]
    rows: Any

    @property
    def name(self) -> str:
        """The contracts' ids."""
        return "+".join(contract.id for contract in self.contracts)


@dataclass(frozen=True)
class Period:
    """Bars that open from ``since_ns`` on and before ``until_ns`` are played.

    ``warm_ns`` of bars before them are shown to the strategy, so that its measures are known at the first
    bar; nothing is traded on them.
    """

    since_ns: int
    until_ns: int
    warm_ns: int = 0


@dataclass(frozen=True)
class Case:
    """What is played: places in the sweep's feeds, periods and settings."""

    number: int
    feed: int
    period: int
    setting: int


@dataclass(frozen=True)
class Sweep:
    """Every setting on every feed in every period.

    Outcomes do not need the plan's curve: with ``curve_every_ns=0`` a sweep is much faster.

    Raises
    ------
    InputError
        BACKTEST-301 nothing to play; BACKTEST-304 more than a million cases; BACKTEST-305 a strategy without
        the array form; BACKTEST-306 a period without time, or in which no feed has a bar.
    """

    strategy: Maker
    settings: Sequence[Mapping[str, object]]
    feeds: tuple[Feed, ...]
    plan: Plan
    periods: tuple[Period, ...]
    _grounds: OrderedDict[tuple[int, int], Ground] = field(default_factory=OrderedDict, repr=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        for words, given in (("setting", self.settings), ("feed", self.feeds), ("period", self.periods)):
            if not len(given):
                raise InputError("BACKTEST-301", f"a sweep without a {words}", f"give one {words} or more")
        if len(self) > MOST_CASES:
            raise too_many(len(self))
        if not callable(getattr(self.strategy, "signals", None)):
            raise InputError(
                "BACKTEST-305",
                f"{getattr(self.strategy, '__name__', self.strategy)} has no signals(bars): no array form",
                "a sweep plays strategies in columns: write signals(self, bars) beside on_bar",
            )
        for period in self.periods:
            if period.warm_ns < 0 or bars_in(self.feeds, period) == 0:
                raise InputError(
                    "BACKTEST-306",
                    f"no bar opens from {period.since_ns} on and before {period.until_ns}"
                    if period.warm_ns >= 0
                    else f"a warm-up of {period.warm_ns} ns",
                    "name a period that the data hold",
                )

    def __len__(self) -> int:
        return len(self.settings) * len(self.feeds) * len(self.periods)

    def case(self, number: int) -> Case:
        """A case by its number: settings run fastest, feeds slowest."""
        left, setting = divmod(number, len(self.settings))
        feed, period = divmod(left, len(self.periods))
        return Case(number, feed, period, setting)

    def ground(self, case: Case) -> Ground:
        """The bars of a case, laid out; those last used are kept."""
        key = (case.feed, case.period)
        with self._lock:
            if key not in self._grounds:
                feed, period = self.feeds[case.feed], self.periods[case.period]
                self._grounds[key] = Ground(
                    feed.contracts, feed.rows, self.plan, (period.since_ns, period.until_ns, period.warm_ns)
                )
            self._grounds.move_to_end(key)
            while len(self._grounds) > KEPT_GROUNDS:
                self._grounds.popitem(last=False)
            return self._grounds[key]

    def play(self, number: int) -> Outcome:
        """Play one case; what it raises is in the outcome."""
        case = self.case(number)
        feed, period = self.feeds[case.feed], self.periods[case.period]
        given = self.settings[case.setting]
        outcome: dict[str, Any] = {
            "number": number,
            "setting": case.setting,
            "contract": feed.name,
            "since_ns": period.since_ns,
            "until_ns": period.until_ns,
            "parameters": told(given),
        }
        try:
            ground = self.ground(case)
            if not len(ground.feed):
                return Outcome(**outcome, equity_cash=int(self.plan.equity_cash))
            strategies = [self.strategy(**given) for _ in feed.contracts]
            played = ground.play(strategies)
            return Outcome(**outcome, **measured(played, period.since_ns, period.until_ns))
        except Exception as error:  # a strategy is its author's: whatever it raises is in the outcome
            return Outcome(**outcome, error=said(error))

    def play_all(self, numbers: Sequence[int]) -> list[Outcome]:
        """Play cases one after the other."""
        return [self.play(number) for number in numbers]

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("strategy", "settings", "feeds", "plan", "periods")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in (state | {"_grounds": OrderedDict(), "_lock": Lock()}).items():
            object.__setattr__(self, name, value)


def bars_in(feeds: Sequence[Feed], period: Period) -> int:
    """Bars of all feeds that a period plays."""
    import numpy as np

    count = 0
    for feed in feeds:
        first, end = np.searchsorted(feed.rows["time_ns"], (period.since_ns, period.until_ns))
        count += max(0, int(end) - int(first))
    return count


def said(error: Exception) -> str:
    """What a case raised, in a line."""
    if isinstance(error, LotwiseError):
        return f"[{error.code}] {error.message}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def feeds_of(
    contracts: Sequence[Contract], parts: Sequence[Any], accounts: Accounts = "per_contract"
) -> tuple[Feed, ...]:
    """Rows of several contracts (:func:`lotwise.market.replay.bar_rows`) as feeds: one each, or one together.

    Raises
    ------
    InputError
        BACKTEST-307 neither; BACKTEST-101 no bar.
    """
    if accounts == "together":
        return (Feed(tuple(contracts), merged(parts)),)
    if accounts != "per_contract":
        raise InputError(
            "BACKTEST-307", f"accounts are {accounts!r}", "per_contract (one each) or together (one for all)"
        )
    return tuple(Feed((one,), merged([part])) for one, part in zip(contracts, parts, strict=True))


def whole_of(feeds: Sequence[Feed]) -> Period:
    """All that the feeds hold.

    Raises
    ------
    InputError
        BACKTEST-301 no feed.
    """
    if not feeds:
        raise InputError("BACKTEST-301", "a sweep without a feed", "give one feed or more")
    first = min(int(feed.rows["time_ns"][0]) for feed in feeds)
    last = max(int(feed.rows["time_ns"][-1]) for feed in feeds)
    return Period(first, last + 1)


def settings_of(strategy: Maker, grid: Mapping[str, Sequence[object]]) -> tuple[dict[str, object], ...]:
    """Every combination of the values; the last parameter runs fastest. Parameters not named keep their own.

    Raises
    ------
    InputError
        BACKTEST-301 an empty grid, a parameter without a value; BACKTEST-302 one that the strategy does not
        have; BACKTEST-303 a value twice, or of another kind than its own; BACKTEST-304 more than a million.
    """
    check_grid(strategy, grid)
    count = math.prod(len(values) for values in grid.values())
    if count > MOST_CASES:
        raise too_many(count)
    return tuple(dict(zip(grid, values, strict=True)) for values in product(*grid.values()))


def check_grid(strategy: Maker, grid: Mapping[str, Sequence[object]]) -> None:
    """Refuse a grid that the strategy cannot take; the errors of :func:`settings_of`."""
    if not grid:
        raise InputError("BACKTEST-301", "an empty grid", "name a parameter and its values: bars=20,40,60")
    known = parameters_of(strategy)
    for name, values in grid.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            there = ", ".join(known) or "none"
            raise InputError(
                "BACKTEST-302",
                f"{getattr(strategy, '__name__', strategy)} has no parameter {name!r}",
                f"did you mean {near[0]}? It has: {there}" if near else f"it has: {there}",
            )
        if not len(values):
            raise InputError("BACKTEST-301", f"{name} has no value", f"give one or more: {name}=20,40")
        if len(set(map(repr, values))) < len(values):
            raise InputError("BACKTEST-303", f"{name} has a value twice", "give each once")
        own = known[name]
        for value in values:
            if type(own) is int and type(value) is not int:
                raise InputError(
                    "BACKTEST-303",
                    f"{name} is {value!r}, a {type(value).__name__}; its own {own} is a whole number",
                    "give whole numbers",
                )


def parameters_of(strategy: Maker) -> dict[str, object]:
    """The parameters a strategy is made with, and their defaults; ``inspect.Parameter.empty`` where none."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(strategy).parameters.values()
    return {one.name: one.default for one in found if one.kind in kinds}


def too_many(count: int) -> InputError:
    """The error of a sweep of an absurd size."""
    return InputError(
        "BACKTEST-304",
        f"{count:,} cases, at most {MOST_CASES:,} are played",
        "give fewer values, or let a search choose: --search 200",
    )
