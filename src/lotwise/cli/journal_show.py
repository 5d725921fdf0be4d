"""What ``lotwise journal show`` says of one trade."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import tzinfo
from pathlib import Path
from typing import Any

from lotwise.cli.journal import money, short_r, shown_time
from lotwise.cli.screen import Output, Screen, signed
from lotwise.errors import InputError
from lotwise.journal.export import row_of, shown_row
from lotwise.journal.measures import in_r
from lotwise.journal.notes import PROMPTS, Notes, Story
from lotwise.journal.picture import MarketBars, excursion_of, market_bars, picture
from lotwise.journal.shelf import Journal
from lotwise.records.journal import Fill, RoundTrip
from lotwise.units import SCALE, grouped, scaled_text


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
    bars = _bars(trip, fills, market)
    if picture is not None:
        _draw(trip, fills, story, bars, out=picture)
    facts = _facts(trip, fills, story, bars) | _market_then(trip, market)
    if output.json:
        told = {"trade": shown_row(row_of(trip, story.events)) | facts, "fills": _fill_rows(fills)}
        told["events"] = [
            {"time_ns": one.time_ns, "kind": one.kind, "subject": one.subject} | one.body
            for one in story.events
        ]
        told["unanswered"] = story.unanswered
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return 0
    _say(Screen(output), trip, fills, story, zone=zone, facts=facts)
    return 0


def _bars(trip: RoundTrip, fills: list[Fill], market: Path | None) -> MarketBars | None:
    try:
        import polars  # noqa: F401
    except ImportError:  # the market store is an extra; the trade is shown without it
        return None
    return market_bars(trip, fills, market)


def _market_then(trip: RoundTrip, market: Path | None) -> dict[str, Any]:
    """The market at the entry as shares in text; empty without the packages of the market store."""
    try:
        import polars  # noqa: F401
    except ImportError:
        return {}
    from lotwise.journal.conditions import conditions

    found = asdict(conditions(trip, market))
    shown = {name.removesuffix("8"): value for name, value in found.items()}
    return {"at_entry": {name: None if one is None else scaled_text(one) for name, one in shown.items()}}


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


def _facts(trip: RoundTrip, fills: list[Fill], story: Story, bars: MarketBars | None) -> dict[str, Any]:
    seen = excursion_of(fills, bars)
    risk = in_r(trip, story.plan).risk_cash
    return {
        "mae": scaled_text(seen.worst_cash),
        "mfe": scaled_text(seen.best_cash),
        "mae_price": scaled_text(seen.worst8),
        "mfe_price": scaled_text(seen.best8),
        "mae_r": None if not risk else scaled_text(seen.worst_cash * SCALE // risk),
        "mfe_r": None if not risk else scaled_text(seen.best_cash * SCALE // risk),
        "bars_seen": seen.bars,
    }


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
    screen: Screen, trip: RoundTrip, fills: list[Fill], story: Story, *, zone: tzinfo, facts: dict[str, Any]
) -> None:
    good = trip.net_cash >= 0
    side = "long" if trip.side > 0 else "short"
    rest = f"{trip.venue}:{trip.contract} {side}, {trip.account}, trade {trip.trip_id}"
    screen.headline("▲" if good else "▼", f"{money(trip.net_cash)} {trip.coin}", rest, good)
    row = row_of(trip, story.events)
    rs = in_r(trip, story.plan)
    seen = f"from {facts['bars_seen']:,} bars and its fills" if facts["bars_seen"] else "from its fills alone"
    off = trip.venue_realised_cash is not None and trip.venue_realised_cash != trip.realised_cash
    entry, leave = row["entry_price8"], row["exit_price8"]
    screen.rows(
        [
            ("opened", shown_time(trip.opened_ns, zone), ""),
            ("closed", shown_time(trip.closed_ns, zone), trip.exit_kind),
            ("quantity", grouped(scaled_text(trip.most_quantity8)), "the most that was held"),
            ("entry", grouped(scaled_text(entry)), "average"),
            ("exit", grouped(scaled_text(leave)) if leave else "", "average"),
            ("before costs", money(trip.realised_cash), "the venue says another" if off else ""),
            ("fees", money(-trip.fee_cash), row["other_fees"] and f"and {row['other_fees']}"),
            ("funding", money(trip.funding_cash) if trip.funding_cash else "", ""),
            ("planned risk", money(rs.risk_cash), row["stop_source"] and f"stop {row['stop_source']}"),
            ("R", short_r(rs.actual8), f"planned {short_r(rs.planned8)}" if rs.planned8 is not None else ""),
            ("costs in R", short_r(rs.costs8), ""),
            ("worst (MAE)", signed(grouped(facts["mae"])), seen),
            ("best (MFE)", grouped(facts["mfe"]), seen),
        ]
    )
    then = {name: value for name, value in facts.get("at_entry", {}).items() if value is not None}
    if then:
        shares = ", ".join(f"{name.replace('_', ' ')} {signed(value)}" for name, value in then.items())
        screen.paragraph(f"market at entry, of 24 hours: {shares}")
    for one in story.events:
        told = [_said(name, value) for name, value in one.body.items() if value not in ("", 0, [], None)]
        words = ", ".join(told)
        screen.paragraph(f"{shown_time(one.time_ns, zone)}  {one.kind}: {words}", hanging="    ")
    for fill in fills:
        word = "buy" if fill.side > 0 else "sell"
        amount = f"{grouped(scaled_text(fill.quantity8))} at {grouped(scaled_text(fill.price8))}"
        screen.line(f"  {shown_time(fill.time_ns, zone)}  {word:<4}  {amount}")
    if story.unanswered:
        name = story.unanswered[0]
        screen.paragraph(
            f'{PROMPTS[name]}  (lotwise journal note {trip.trip_id} "..." --prompt {name})', style="dim"
        )


def _said(name: str, value: Any) -> str:
    """One thing that was said: ``stop8`` and ``risk_cash`` as decimals, plain words without a name."""
    if isinstance(value, list):
        return ", ".join(_said(name.removesuffix("s"), one) for one in value)
    for ending in ("8", "_cash"):
        if name.endswith(ending) and type(value) is int:
            return f"{name.removesuffix(ending)} {grouped(scaled_text(value))}"
    return str(value) if name in ("text", "tag", "name", "message") else f"{name.replace('_', ' ')} {value}"
