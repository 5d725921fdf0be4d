"""What ``lotwise journal show`` says of one trade."""

from __future__ import annotations

import json
from datetime import tzinfo
from pathlib import Path
from typing import Any

from lotwise.cli.journal import money, short_r, shown_time
from lotwise.cli.journal_list import percent, two
from lotwise.cli.screen import Output, Row, Screen
from lotwise.errors import InputError
from lotwise.journal.conditions import Past
from lotwise.journal.export import row_of, shown_row
from lotwise.journal.measuring import measured
from lotwise.journal.notes import PROMPTS, Notes, Story
from lotwise.journal.picture import MarketBars, market_bars, picture
from lotwise.journal.shelf import Journal
from lotwise.records.journal import Fill, RoundTrip
from lotwise.units import grouped, scaled_text

QUIET = ("conditions", "excursion", "accepted")
"""Events that the rows above tell already."""


def answer(
    journal: Journal,
    trip: RoundTrip,
    zone: tzinfo,
    *,
    picture: Path | None,
    market: Path | None,
    output: Output,
) -> int:
    """Say all of a trade; draw it where that is asked for.

    Raises
    ------
    InputError
        JOURNAL-140 where it cannot be drawn: no bars of it, or no place for the file.
    """
    story = Notes(journal).story(trip)
    fills = journal.fills_of(trip)
    has_market = _has_market()
    if picture is not None:
        bars = market_bars(trip, fills, market) if has_market else None
        _draw(trip, fills, story, bars, out=picture)
    row = row_of(trip, story.events, measured(journal, trip, Past(market) if has_market else None))
    if output.json:
        told: dict[str, Any] = {"trade": shown_row(row), "fills": _fill_rows(fills)}
        told["events"] = [
            {"time_ns": one.time_ns, "kind": one.kind, "subject": one.subject} | one.body
            for one in story.events
        ]
        told["unanswered"] = story.unanswered
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return 0
    if output.quiet:
        Screen(output).line(f"{trip.trip_id} {money(trip.net_cash)} {trip.coin}")
        return 0
    _say(Screen(output), trip, fills, story, zone=zone, row=row)
    return 0


def _has_market() -> bool:
    """The market store is an extra; a trade is shown without it."""
    try:
        import polars  # noqa: F401
    except ImportError:
        return False
    return True


def _draw(trip: RoundTrip, fills: list[Fill], story: Story, bars: MarketBars | None, *, out: Path) -> None:
    if out.suffix != ".svg" or out.exists():
        raise InputError(
            "JOURNAL-140", f"{out} is there already or no .svg", "name a new file that ends in .svg"
        )
    if bars is None:
        raise InputError(
            "JOURNAL-140",
            f"the market store has no bars of {trip.venue}:{trip.contract} at the time",
            f"lotwise data fetch or import brings them, with --contract {trip.venue}:{trip.contract}",
        )
    try:
        out.write_text(picture(trip, fills, story, bars), encoding="utf-8")
    except OSError as error:
        raise InputError(
            "JOURNAL-140", f"{out} cannot be written: {error.strerror}", "name another"
        ) from error


def _fill_rows(fills: list[Fill]) -> list[dict[str, Any]]:
    return [
        {
            "time_ns": fill.time_ns,
            "side": "buy" if fill.side > 0 else "sell",
            "quantity": scaled_text(fill.quantity8),
            "price": scaled_text(fill.price8),
            "fee": scaled_text(fill.fee_cash),
            "fee_coin": fill.paid_in,
            "trade_id": fill.trade_id,
            "source": fill.source,
        }
        for fill in fills
    ]


def _say(
    screen: Screen, trip: RoundTrip, fills: list[Fill], story: Story, *, zone: tzinfo, row: dict[str, Any]
) -> None:
    good = trip.net_cash >= 0
    side = "long" if trip.side > 0 else "short"
    rest = f"{trip.venue}:{trip.contract} {side}, {trip.account}, trade {trip.trip_id}"
    screen.headline("▲" if good else "▼", f"{money(trip.net_cash)} {trip.coin}", rest, good)
    screen.line()
    screen.rows(_result_rows(trip, row, zone))
    planned = _plan_rows(row)
    if planned:
        screen.line()
        screen.rows(planned)
    _say_market(screen, row)
    _say_events(screen, story, zone)
    screen.line()
    for fill in fills:
        word = "buy" if fill.side > 0 else "sell"
        amount = f"{grouped(scaled_text(fill.quantity8))} at {grouped(scaled_text(fill.price8))}"
        screen.line(f"  {shown_time(fill.time_ns, zone)}  {word:<4}  {amount}")
    if story.unanswered:
        name = story.unanswered[0]
        screen.line()
        screen.paragraph(
            f'{PROMPTS[name]}  (lotwise journal note {trip.trip_id} "..." --prompt {name})', style="dim"
        )


def _result_rows(trip: RoundTrip, row: dict[str, Any], zone: tzinfo) -> list[Row]:
    bars = row["bars_seen"]
    seen = "as the session saw it" if bars is None else "from its fills alone"
    seen = f"from {bars:,} bars and its fills" if bars else seen
    off = trip.venue_realised_cash is not None and trip.venue_realised_cash != trip.realised_cash
    entry, leave = row["entry_price8"], row["exit_price8"]
    return [
        ("opened", shown_time(trip.opened_ns, zone), ""),
        ("closed", shown_time(trip.closed_ns, zone), _held(trip)),
        ("quantity", _plain(trip.most_quantity8), "the most that was held"),
        ("entry", _plain(entry), "average"),
        ("exit", _plain(leave) if leave else "", f"average, {trip.exit_kind}".removesuffix(", ")),
        ("before costs", money(trip.realised_cash), "the venue says another" if off else ""),
        ("fees", money(-trip.fee_cash), row["other_fees"] and f"and {row['other_fees']}"),
        ("funding", money(trip.funding_cash) if trip.funding_cash else "", ""),
        ("worst (MAE)", money(row["mae_cash"]), _at_price(row, "mae", seen)),
        ("best (MFE)", money(row["mfe_cash"]), _at_price(row, "mfe", seen)),
    ]


def _plan_rows(row: dict[str, Any]) -> list[Row]:
    planned = f"planned {short_r(row['planned_r8'])}" if row["planned_r8"] is not None else ""
    away = [
        f"{name} {short_r(row[f'{name.lower()}_r8'])}"
        for name in ("MAE", "MFE")
        if row[f"{name.lower()}_r8"] is not None
    ]
    return [
        ("setup", row["setup"] or ("–" if row["reason"] else ""), row["reason"]),
        ("leverage", f"{scaled_text(row['leverage100'], 2)}x" if row["leverage100"] else "", ""),
        ("planned stop", _plain(row["stop8"]), row["stop_source"]),
        ("targets", row["targets"], ""),
        ("planned risk", money(row["risk_cash"]), "the money that one R is"),
        ("R", short_r(row["r8"]), ", ".join(filter(None, [planned, *away]))),
        ("costs in R", short_r(row["costs_r8"]), ""),
    ]


def _say_market(screen: Screen, row: dict[str, Any]) -> None:
    rows: list[Row] = [
        ("contract, 24 h", percent(row["entry_change8"]), ""),
        ("BTC, 24 h", percent(row["entry_btc_change8"]), ""),
        ("BTC volatility", percent(row["entry_btc_volatility8"], plain=True), "of an hour"),
        ("correlation", two(row["entry_btc_correlation8"]), "with BTC, hours of a day"),
        ("funding", percent(row["entry_funding8"], 4), "the last that was charged"),
        ("spread", percent(row["entry_spread8"], 4, plain=True), ""),
    ]
    if any(value for _, value, _ in rows):
        screen.line()
        screen.line("  At the entry", "dim")
        screen.rows(rows)


def _say_events(screen: Screen, story: Story, zone: tzinfo) -> None:
    plans = story.count("plan")  # one plan stands above; of several, it is told how they changed
    shown = [one for one in story.events if one.kind not in QUIET and (one.kind != "plan" or plans > 1)]
    if shown:
        screen.line()
    for one in shown:
        told = [_said(name, value) for name, value in one.body.items() if value not in ("", 0, [], None)]
        words = ", ".join(told)
        screen.paragraph(f"{shown_time(one.time_ns, zone)}  {one.kind}: {words}", hanging="    ")


def _held(trip: RoundTrip) -> str:
    """How long a closed trade lasted, in its two largest units."""
    if trip.closed_ns is None:
        return ""
    left = (trip.closed_ns - trip.opened_ns) // 10**9
    parts = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        parts.append(f"{count} {unit}" if count else "")
    return "after " + (" ".join(list(filter(None, parts))[:2]) or "less than a second")


def _plain(value8: int | None) -> str:
    return "" if value8 is None else grouped(scaled_text(value8))


def _at_price(row: dict[str, Any], name: str, seen: str) -> str:
    return f"at {_plain(row[f'{name}_price8'])}, {seen}" if row[f"{name}_cash"] else seen


def _said(name: str, value: Any) -> str:
    """One thing that was said: ``stop8`` and ``risk_cash`` as decimals, plain words without a name."""
    if isinstance(value, list):
        return ", ".join(_said(name.removesuffix("s"), one) for one in value)
    for ending, decimals in (("100", 2), ("8", 8), ("_cash", 8)):
        if name.endswith(ending) and type(value) is int:
            return f"{name.removesuffix(ending)} {grouped(scaled_text(value, decimals))}"
    plain = ("text", "tag", "name", "message", "rule", "reason")
    return str(value) if name in plain else f"{name.replace('_', ' ')} {value}"
