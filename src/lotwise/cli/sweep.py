"""``lotwise sweep``: many settings of a strategy at once, what came of them, and how much of it is luck."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from cyclopts import Parameter

from lotwise.cli.analyze import moment
from lotwise.cli.data import Folder, opened
from lotwise.cli.screen import Output, Screen, signed
from lotwise.errors import InputError
from lotwise.units import cash_text, grouped, parse_cash, parse_rate, parse_scaled, shown

if TYPE_CHECKING:
    from lotwise.backtest.sweep import Sweep
    from lotwise.backtest.sweep_row import Outcome
    from lotwise.backtest.walk_forward import Walk
    from lotwise.backtest.winner import Pooled, Verdict

Flag = Annotated[bool, Parameter(negative="")]
Words = Annotated[tuple[str, ...], Parameter(negative="")]
File = Annotated[Path | None, Parameter(negative="")]

BEST_SHOWN: Final = 10
MOST_IN_RANGE: Final = 100_000
FIRST_OF: Final = "r_t"


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


def sweep(  # the options are the interface: cyclopts reads them from here
    strategy: str,
    /,
    *,
    data: Words,
    grid: Words,
    equity: str,
    risk: str = "1%",
    walk_forward: str = "",
    anchored: Flag = False,
    purge: str = "",
    search: int = 0,
    seed: int = 7,
    score: str = FIRST_OF,
    least_trades: int = 10,
    accounts: Literal["per_contract", "together"] = "per_contract",
    workers: str = "threads",
    since: str = "",
    until: str = "",
    bar: str = "",
    leverage: str = "10",
    cross: Flag = False,
    limits: str = "",
    maker: str = "",
    taker: str = "",
    as_of: str = "",
    store: Folder = None,
    out: File = None,
    html: File = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Play every combination of the values on every contract, and say which is best and whether it is luck.

    With --out what is finished is kept: the same command started again plays only what is missing.

    Parameters
    ----------
    strategy
        A name of the library, as breakout; or file.py:Class. It must have the array form.
    data
        binance:BTCUSDT,binance:ETHUSDT from the store; binance:BTCUSDT=FILE from a file or a folder.
    grid
        Values of a parameter: --grid bars=20,40,60 --grid ranges=2..6; 20..100..20 goes in steps.
    equity
        Money of each account in the settle coin.
    risk
        Share of the equity at risk in one trade.
    walk_forward
        Choose on the past, trade what follows: 10d/5d learns ten days and trades five, and so on.
    anchored
        Learning begins at the first bar every time.
    purge
        Gap between both: 4h. Left out: the longest that a trade was held.
    search
        Try so many settings, chosen by Optuna, instead of all.
    seed
        Of the search.
    score
        What best is: r_t (mean R over its error), r_mean, r_sum, result_cash, sharpe.
    least_trades
        A setting with fewer is not chosen.
    accounts
        per_contract: each contract its own account; together: one account for all.
    workers
        2 threads, threads (one a core), processes:2, ray or ray:8.
    since, until
        A day or a time, UTC.
    bar
        Longer bars than the data's: 15m, 4h.
    leverage
        Setting at the venue.
    cross
        Cross margin; without it every position is isolated.
    limits
        Your own: day_loss=3%,week_loss=6%,trades=5,positions=3,cool_down=15min,streak=3:2h.
    maker, taker
        Your fees, where they are not the usual ones: 0.02%.
    as_of
        The rules of that day; else those nearest to the data.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    out
        Keep results in this folder.
    html
        Write a page with pictures to this file.
    output
        How to answer.
    """
    if html is not None and not html.absolute().parent.is_dir():
        raise InputError("BACKTEST-335", f"there is no folder {html.absolute().parent}", "make it first")
    from lotwise.app.backtest_words import span_of
    from lotwise.backtest.workers import read_workers

    place, where = opened(store), read_workers(workers)
    spans = spans_of(walk_forward)
    gap = span_of(purge, "purge") if purge else None
    if not spans and (anchored or purge):
        raise InputError("BACKTEST-336", "--anchored and --purge belong to --walk-forward", "leave them out")
    values = grid_of(grid)
    maker_of = class_of(strategy)
    plan = plan_of(equity, risk, leverage, limits, cross=cross)
    span = (moment(since, "since"), moment(until, "until"), span_of(bar, "bar") if bar else 0)
    feeds, warnings = loaded(place, data, span, fees_of(maker, taker), as_of=as_of, accounts=accounts)
    with progress(output) as told:
        found = swept(
            maker_of,
            values,
            feeds,
            plan,
            chosen=Chosen(score, least_trades, search, seed, spans, anchored, gap),
            where=where,
            out=out,
            told=told,
            warnings=warnings,
        )
    if html is not None:
        html.write_text(page_of(found), encoding="utf-8")
    if output.json:
        print(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    elif output.quiet:
        best = found.verdict.best.parameters if found.verdict else {}
        print(",".join(f"{name}={value}" for name, value in best.items()) or "-")
    else:
        told_all(found, Screen(output))
        if html is not None:
            Screen(output).line(f"\n  {html}  the same with pictures")
    return 0


# -- words -----------------------------------------------------------------------------------------


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


def class_of(name: str) -> Any:
    """The strategy's class; the errors of ``lotwise backtest``."""
    from lotwise.app import backtest_words as words

    return words._from_file(name) if ".py" in name else words._from_library(name)


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


# -- the sweep -------------------------------------------------------------------------------------


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


@contextmanager
def progress(output: Output) -> Iterator[Callable[[str, int, int], None]]:
    """How far it is, on standard error, where a person looks."""
    looked_at = sys.stderr.isatty() and not (output.json or output.quiet or output.plain)

    def told(word: str, there: int, of: int) -> None:
        if looked_at:
            sys.stderr.write(f"\r  {there:,} of {of:,} {word}\x1b[K")
            sys.stderr.flush()

    try:
        yield told
    finally:
        if looked_at:
            sys.stderr.write("\r\x1b[K")


# -- what is told ----------------------------------------------------------------------------------


def ranked(found: Swept) -> list[Pooled]:
    """Settings, the best first."""
    return sorted(found.pools, key=lambda one: getattr(one, found.score), reverse=True)


def cells_of(one: Pooled) -> tuple[str, ...]:
    """A setting in a table."""
    words = ", ".join(f"{name}={value}" for name, value in one.parameters.items())
    share = f"{100 * one.won / one.trips:.0f} %" if one.trips else "–"
    return (
        words,
        grouped(str(one.trips)),
        share,
        signed(f"{one.r_mean:+.3f}"),
        signed(f"{one.r_t:+.2f}"),
        money(one.result_cash),
        money(-one.drawdown_cash),
        grouped(str(one.refused)),
    )


HEADER: Final = ("setting", "trades", "won", "R a trade", "t", "result", "deepest fall", "refused")


def money(cash: int) -> str:
    """Whole cents are enough in a table."""
    return signed(grouped(cash_text(round(cash, -6))))


def window_rows(walk: Walk) -> list[tuple[str, ...]]:
    """A row a window."""
    from lotwise.market.check import at_time

    rows: list[tuple[str, ...]] = []
    for step in walk.steps:
        words = "none traded enough"
        if step.chosen is not None:
            words = ", ".join(f"{name}={value}" for name, value in step.chosen.parameters.items())
        count = sum(one.r_count for one in step.outcomes)
        mean = sum(one.r_sum for one in step.outcomes) / count if count else 0.0
        learned = f"{step.chosen.r_mean:+.3f}" if step.chosen else "–"
        result = sum(one.result_cash for one in step.outcomes)
        when = at_time(step.window.test.since_ns)[:16]
        rows.append(
            (when, words, signed(learned), signed(f"{mean:+.3f}"), grouped(str(count)), money(result))
        )
    return rows


WINDOWS: Final = ("trades from", "chosen before", "R learned", "R traded", "trades", "result")


def walk_words(walk: Walk) -> str:
    """The stitched result in a sentence."""
    if walk.stitched is None:
        return "In no window a setting traded enough to be chosen: nothing was traded."
    one = walk.stitched
    kept = "" if walk.efficiency is None else f", {100 * walk.efficiency:.0f} % of what was learned"
    mean = signed(f"{one.r_mean:+.3f}")
    return (
        f"Out of sample: {one.trips:,} trades in {len(walk.steps)} windows, {mean} R a trade{kept};"
        f" {money(one.result_cash)}, deepest fall {money(-one.drawdown_cash)}."
        " Each window begins with the first money."
    )


def told_all(found: Swept, screen: Screen) -> None:
    """The winner first, then the best settings, the windows, and the doubts."""
    about = f"{found.strategy}, {len(found.pools):,} settings on {len(found.feeds)} accounts"
    screen.line()
    if found.verdict is None:
        screen.headline("■", "NO WINNER", f"{about}: none traded enough", good=False)
    else:
        verdict = found.verdict
        words = ", ".join(f"{name}={value}" for name, value in verdict.best.parameters.items())
        real = (verdict.deflated or 0) > 0.95
        screen.headline("●" if real else "■", words, about, good=real)
        screen.line()
        for sentence in verdict.sentences():
            screen.paragraph(sentence)
    screen.line()
    screen.table(HEADER, [cells_of(one) for one in ranked(found)[:BEST_SHOWN]], drop=("refused", "won", "t"))
    if found.walk is not None:
        screen.line()
        screen.table(WINDOWS, window_rows(found.walk), drop=("trades",))
        screen.line()
        screen.paragraph(walk_words(found.walk))
    for error in sorted({one.error for one in found.outcomes if one.error})[:5]:
        screen.paragraph(f"! a case failed: {error}", hanging="    ", style="yellow")
    for warning in found.warnings:
        screen.paragraph(f"! {warning}", hanging="    ", style="yellow")
    if found.folder is not None:
        there = f"{found.there:,} cases were there already" if found.there else "all cases are kept"
        screen.line(f"\n  {found.folder}  {there}")
    screen.line()


def page_of(found: Swept) -> str:
    """One page: the winner, a heat map of two parameters, tables, windows."""
    from lotwise.backtest.winner import heat_map
    from lotwise.charts.page import Note, Picture, Section, Table, page

    parts: list[Any] = [Note(text) for text in (found.verdict.sentences() if found.verdict else [])]
    names = list(found.pools[0].parameters)
    varied = [name for name in names if len({repr(one.parameters[name]) for one in found.pools}) > 1]
    if len(varied) >= 2:
        picture, about = heat_map(found.pools, varied[0], varied[1], found.score)
        parts.append(Picture(picture, about))
    rows = [cells_of(one) for one in ranked(found)[:200]]
    parts.append(Table("The best settings", HEADER, rows, numbers=tuple(range(1, len(HEADER)))))
    sections = [Section("Settings", parts)]
    if found.walk is not None:
        table = Table("Windows", WINDOWS, window_rows(found.walk), numbers=(2, 3, 4, 5))
        sections.append(Section("Walk-forward", [Note(walk_words(found.walk)), table]))
    notes = [Note(text, "warning") for text in found.warnings]
    if notes:
        sections.append(Section("What to know", notes))
    return page(
        f"Sweep of {found.strategy}",
        sections,
        subtitle=", ".join(found.feeds),
        footer="Made by lotwise from market data of your own. The best of many is partly luck.",
    )
