"""Scan and comparison of venues as tables of text; every figure is the library's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from lotwise.clock import TimeNs, utc_date
from lotwise.contracts import catalogue
from lotwise.errors import InputError
from lotwise.records.scan import ScanRow
from lotwise.sizing.compare import venues as compare
from lotwise.sizing.scan import scan
from lotwise.units import grouped, parse_rate, percent_text, shown, shown_down, shown_up
from lotwise.web.site import Site

UNKNOWN: Final = "–"
MOST_ROWS: Final = 500
KEY_DECIMALS: Final = 12
ROWS: Final = 30
FORM: Final = {"venue": "binance", "equity": "1000", "risk": "1%", "stop": "2%", "top": str(ROWS)}
Cell = dict[str, Any]
COLUMNS: Final = (
    ("contract", "", False),
    ("price", "of the catalogue's day, see the note", True),
    ("size", "most that the risk allows", True),
    ("loss at stop", "with all costs", True),
    ("unused", "share of the budget that the lot step leaves", True),
    ("costs", "share of the budget that fees and slippage take", True),
    ("leverage", "lowest that funds the trade", True),
    ("liquidation", "how far away", True),
    ("", "whether it fits, or what refuses it", False),
)
REASONS: Final = {
    "no_price": "no price",
    "no_fees": "fees unknown",
    "no_stop": "no stop here",
    "too_large_to_count": "too large to count",
}


def scanned(site: Site, given: Mapping[str, str]) -> dict[str, Any]:
    """The table of a scan, and the form as it was read.

    Raises
    ------
    InputError
        WEB-132 a field that the form does not have, or a number of rows that is none; SCAN codes.
    """
    unknown = sorted(set(given) - set(FORM))
    if unknown:
        raise InputError("WEB-132", f"the scan has no field {shown(unknown[0])}", f"it has {', '.join(FORM)}")
    form = FORM | {name: text.strip()[:40] for name, text in given.items() if text.strip()}
    top = form["top"]
    if not (top.isascii() and top.isdecimal() and 1 <= int(top[:6]) <= MOST_ROWS):
        raise InputError("WEB-132", f"{shown(top)} rows", f"give 1 to {MOST_ROWS}")
    today = utc_date(TimeNs(site.clock.now_ns())).isoformat()
    found = scan(
        equity=form["equity"], risk=form["risk"], stop=form["stop"], venues=[form["venue"]], today=today
    )
    rows = found.rows[: int(top)]
    return {
        "form": form,
        "table": {
            "caption": f"{found.fitting} of {found.contracts} contracts of {form['venue']} fit"
            f" {grouped(found.equity)} at {found.risk} with a stop of {found.stop}",
            "columns": [{"text": text, "title": title, "number": number} for text, title, number in COLUMNS],
            "rows": [{"contract": row.contract, "cells": cells_of(row)} for row in rows],
            "note": sentences(found.notes),
        },
    }


def cells_of(row: ScanRow) -> list[Cell]:
    """A row; ``key`` is the whole number that a column is sorted by, text without one by itself."""
    told = "fits" if row.fits else REASONS.get(row.reason or "", f"{row.reason}".replace("_", " "))

    def number(text: str | None, shape: Any = grouped, unit: str = "") -> Cell:
        return {"text": f"{shape(text)}{unit}" if text is not None else UNKNOWN, "key": key_of(text)}

    return [
        {"text": row.contract, "key": None},
        number(row.price),
        number(row.quantity, unit=f" {row.quantity_unit}"),
        number(row.loss_at_stop, lambda text: grouped(shown_up(text, 2))),
        number(row.waste, share),
        number(row.costs_of_budget, share),
        number(row.leverage, unit="×"),
        number(row.liquidation_distance, share),
        {"text": told, "key": None},
    ]


def key_of(text: str | None) -> str | None:
    """What a figure is sorted by: a whole number, for a browser counts those exactly.

    >>> key_of("17.664"), key_of(None)
    ('17664000000000', None)
    """
    return None if text is None else str(int(Decimal(text).scaleb(KEY_DECIMALS)))


def sentences(notes: Sequence[str]) -> str:
    """Notes one after the other.

    >>> sentences(["no slippage is counted", "Fees as of 2025."])
    'No slippage is counted. Fees as of 2025.'
    """
    return " ".join(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in notes if note)


def share(text: str) -> str:
    """A share as a percentage, as the library writes it."""
    return percent_text(parse_rate(text, "share"))


VENUE_COLUMNS: Final = (
    ("venue", "", False),
    ("contract", "", False),
    ("size", "most that the risk allows", True),
    ("loss at stop", "with all costs", True),
    ("unused", "share of the budget that the lot step leaves", True),
    ("leverage", "lowest that funds the trade", True),
    ("margin", "", True),
    ("taker fee", "", True),
    ("smallest order", "what it would lose where nothing fits", True),
    ("", "whether it fits, or what refuses it", False),
)


def compared(site: Site, form: Mapping[str, str]) -> dict[str, Any]:
    """The same trade on other venues.

    Raises
    ------
    InputError
        COMPARE, CONTRACT and SIZE codes.
    """
    own = catalogue.load(form["contract"])
    today = utc_date(TimeNs(site.clock.now_ns())).isoformat()
    found = compare(
        equity=form["equity"] or "1000",
        coin=own.base,
        risk=form["risk"] or "1%",
        stop=form["stop"] or "2%",
        price=form["entry"] or None,
        side=form["side"] or "long",
        today=today,
    )
    rows = []
    for one in found.venues:
        refusal = one.blocked_by.text if one.blocked_by else "; ".join(one.notes[:1])
        cells = [
            one.name,
            one.contract or UNKNOWN,
            f"{one.quantity} {found.coin}" if one.quantity else UNKNOWN,
            grouped(shown_up(one.loss, 2)) if one.loss else UNKNOWN,
            share(one.lot_waste) if one.lot_waste else UNKNOWN,
            f"{one.leverage}×" if one.leverage else UNKNOWN,
            grouped(shown_down(one.margin, 2)) if one.margin else UNKNOWN,
            share(one.taker_fee) if one.taker_fee else UNKNOWN,
            grouped(shown_up(one.smallest_loss, 2)) if one.smallest_loss else "",
            "fits" if one.status == "fits" else refusal or one.status,
        ]
        rows.append({"ok": one.status == "fits", "contract": one.contract or "", "cells": cells})
    return {
        "caption": f"{found.coin} {found.side} at {grouped(found.price)} on every venue,"
        f" {grouped(found.equity)} {found.currency} at {found.risk}",
        "columns": [
            {"text": text, "title": title, "number": number} for text, title, number in VENUE_COLUMNS
        ],
        "rows": rows,
        "note": sentences(found.assumptions),
    }
