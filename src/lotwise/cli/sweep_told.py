"""What ``lotwise sweep`` tells: on the screen, and on a page with pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lotwise.cli.screen import Screen, signed
from lotwise.units import cash_text, grouped

if TYPE_CHECKING:
    from lotwise.app.sweep import Swept
    from lotwise.backtest.walk_forward import Walk
    from lotwise.backtest.winner import Pooled

BEST_SHOWN: Final = 10


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
