"""A sweep as words ask for it: grids, spans, the strategy and its data, played, chosen and judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.units import parse_cash, parse_rate, parse_scaled, shown

if TYPE_CHECKING:
    from lotwise.backtest.sweep import Sweep
    from lotwise.backtest.sweep_row import Outcome
    from lotwise.backtest.walk_forward import Walk
    from lotwise.backtest.winner import Pooled, Verdict

MOST_IN_RANGE: Final = 100_000


@dataclass(frozen=True)
class Swept:
    """All that is told of a sweep."""

    strategy: str
    feeds: tuple[str, ...]
    pools: tuple[Pooled, ...]
    verdict: Verdict | None
    walk: Walk | None
    outcomes: tuple[Outcome, ...]
    warnings: tuple[str, ...]
    folder: Path | None
    there: int
    score: str
    searched: str

    def as_dict(self) -> dict[str, Any]:
        """JSON's own kinds; money as whole 1e-8 of the settle coin."""
        return {
            "strategy": self.strategy,
            "contracts": list(self.feeds),
            "cases": len(self.outcomes),
            "cases_found": self.there,
            "folder": None if self.folder is None else str(self.folder),
            "score": self.score,
            "searched": self.searched or None,
            "winner": None if self.verdict is None else self.verdict.as_dict(),
            "settings": [
                {
                    "parameters": dict(one.parameters),
                    "trips": one.trips,
                    "won": one.won,
                    "refused": one.refused,
                    "result_cash": one.result_cash,
                    "drawdown_cash": one.drawdown_cash,
                    "r_mean": one.r_mean,
                    "r_t": one.r_t,
                    "failed": one.failed,
                }
                for one in self.pools
            ],
            "walk_forward": None if self.walk is None else self.walk.as_dict(),
            "errors": sorted({one.error for one in self.outcomes if one.error}),
            "fingerprint": prints_of(self.outcomes),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Chosen:
    """How settings are chosen."""

    score: str
    fewest: int
    search: int
    seed: int
    spans: tuple[int, int] | None
    anchored: bool
    gap_ns: int | None


def grid_of(words: Sequence[str]) -> dict[str, list[object]]:
    """``bars=20,40,60``, ``ranges=2..6``, ``bars=20..100..20``.

    Raises
    ------
    InputError
        BACKTEST-333 text that is no grid, a range of too many values; BACKTEST-301 no value.
    """
    from lotwise.app.backtest_words import settings_of

    found: dict[str, list[object]] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not equals or not name.isidentifier() or name in found:
            what = f"names {name} twice" if name in found else "is no grid"
            raise InputError("BACKTEST-333", f"--grid {shown(word)} {what}", "write --grid bars=20,40,60")
        found[name] = []
        for part in (one.strip() for one in text.split(",") if one.strip()):
            match = re.fullmatch(r"(-?\d{1,9})\.\.(-?\d{1,9})(?:\.\.(\d{1,9}))?", part)
            if match is None:
                found[name].append(settings_of([f"{name}={part}"])[name])
                continue
            first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
            if step == 0 or first > last or (last - first) // step >= MOST_IN_RANGE:
                raise InputError(
                    "BACKTEST-333",
                    f"--grid {shown(word)}: {part} is no range of 1 to {MOST_IN_RANGE:,} values",
                    "from low to high: 20..100, in steps 20..100..20",
                )
            found[name] += range(first, last + 1, step)
        if not found[name]:
            raise InputError("BACKTEST-301", f"{name} has no value", f"give one or more: {name}=20,40")
    return found


def spans_of(text: str) -> tuple[int, int] | None:
    """``10d/5d``: learn and test.

    Raises
    ------
    InputError
        BACKTEST-334 text that is none.
    """
    if not text:
        return None
    from lotwise.app.backtest_words import span_of

    learn, slash, test = text.partition("/")
    if not slash:
        raise InputError("BACKTEST-334", f"--walk-forward {shown(text)} is no pair", "learn/test, as 10d/5d")
    return span_of(learn, "walk-forward"), span_of(test, "walk-forward")


def plan_of(equity: str, risk: str, leverage: str, limits: str, *, cross: bool) -> Any:
    """What every case is played with.

    Raises
    ------
    InputError
        BACKTEST-337 money, risk or leverage that cannot be.
    """
    from lotwise.app.backtest_words import allowed_of
    from lotwise.backtest.run import Plan
    from lotwise.kernel.layout import RATE

    money, share = parse_cash(equity, "equity"), parse_rate(risk, "risk")
    times = parse_scaled(leverage.strip().lower().removesuffix("x"), "leverage", 2)
    if money <= 0 or not 0 < share <= RATE or not 100 <= times <= 100_000:
        raise InputError(
            "BACKTEST-337",
            f"equity {shown(equity)}, risk {shown(risk)}, leverage {shown(leverage)}",
            "equity above 0, risk above 0 up to 100%, leverage from 1 to 1000",
        )
    return Plan(
        money, share, leverage100=times, isolated=not cross, allowed=allowed_of(limits)[0], curve_every_ns=0
    )


def fees_of(maker: str, taker: str) -> Any:
    """Fees of one's own, or none.

    Raises
    ------
    InputError
        BACKTEST-337 one without the other.
    """
    from lotwise.contracts.contract import FeeSchedule

    if not maker and not taker:
        return None
    if not (maker and taker):
        raise InputError("BACKTEST-337", "one fee is given, the other is not", "give --maker and --taker")
    return FeeSchedule(maker, taker)


def loaded(
    place: Any, data: Sequence[str], span: tuple[Any, Any, int], fees: Any, *, as_of: str, accounts: Any
) -> tuple[Any, list[str]]:
    """Feeds of what is named, and what is to be said about them."""
    from lotwise.app.backtest_data import Span, load, together, wanted_of
    from lotwise.backtest.sweep import feeds_of

    wanted = wanted_of(data)
    if not wanted:
        raise InputError("BACKTEST-301", "no contract is named", "write --data binance:BTCUSDT")
    found = [load(one, place, Span(*span), fees, as_of or None) for one in wanted]
    warnings = together([(one.contract.id, text) for one in found for text in one.warnings])
    return feeds_of([one.contract for one in found], [one.rows for one in found], accounts), warnings


def swept(
    strategy: Any,
    values: dict[str, list[object]],
    feeds: Any,
    plan: Any,
    *,
    chosen: Chosen,
    where: Any,
    out: Path | None,
    told: Callable[[str, int, int], None],
    warnings: list[str],
) -> Swept:
    """Play, choose and judge."""
    from lotwise.backtest import sweep_store, winner
    from lotwise.backtest import walk_forward as walking
    from lotwise.backtest.search import search
    from lotwise.backtest.sweep import Sweep, settings_of, whole_of
    from lotwise.backtest.workers import played

    winner.check_score(chosen.score)
    whole = whole_of(feeds)
    there, folder, searched = 0, None, ""

    def play(one: Sweep, word: str = "cases") -> list[Outcome]:
        nonlocal there, folder
        if out is None:
            return played(one, where)
        kept = sweep_store.run(one, out, where, partial(told, word))
        there, folder = there + kept.found, kept.folder
        return kept.outcomes

    if chosen.search:
        base = Sweep(strategy, ({},), feeds, plan, (whole,))
        found = search(
            base, values, chosen.search, chosen.score, seed=chosen.seed, fewest=chosen.fewest,
            play=play, progress=partial(told, "trials"),
        )  # fmt: skip
        settings, outcomes, searched = found.settings, list(found.outcomes), found.sampler
    else:
        settings = settings_of(strategy, values)
        outcomes = play(Sweep(strategy, settings, feeds, plan, (whole,)))
    pools = winner.pooled(outcomes, settings)
    walk = None
    if chosen.spans:
        windows = walking.windows_of(whole, *chosen.spans, anchored=chosen.anchored, warm_ns=chosen.spans[0])
        walk = walking.walk_forward(
            Sweep(strategy, settings, feeds, plan, (whole,)), windows, chosen.score,
            fewest=chosen.fewest, purge_ns=chosen.gap_ns, play=play, progress=partial(told, "windows"),
        )  # fmt: skip
        if chosen.search:
            warnings = [*warnings, "the settings that windows choose from were found on all of the data"]
    return Swept(
        strategy=strategy.__name__,
        feeds=tuple(feed.name for feed in feeds),
        pools=tuple(pools),
        verdict=winner.judged(pools, chosen.score, chosen.fewest),
        walk=walk,
        outcomes=tuple(outcomes),
        warnings=tuple(warnings),
        folder=folder.parent if folder is not None else None,
        there=there,
        score=chosen.score,
        searched=searched,
    )


def prints_of(outcomes: Sequence[Outcome]) -> str:
    """One name of all cases: the same on any number of workers."""
    from hashlib import blake2b

    words = "\n".join(one.fingerprint or one.error for one in outcomes)
    return blake2b(words.encode(), digest_size=16).hexdigest()
