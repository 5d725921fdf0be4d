"""Rules of a venue that changed on a known day.

Source: Bybit help, "The New Margin Calculation" (published 2025-09-18, in force 2025-09-02):
maintenance margin by mark price where it was by entry price; linear and inverse.
"""

from __future__ import annotations

from typing import Final, Literal

BYBIT_MARK_BASED_SINCE: Final = "2025-09-02"

BYBIT: Final = ("bybit", "bybit-inverse")


def maintenance_rule_on(venue: str, day: str | None) -> Literal["mark", "entry"]:
    """Whether a venue's maintenance margin followed the mark or the entry price on a day (None: now).

    >>> maintenance_rule_on("bybit", "2025-09-01"), maintenance_rule_on("bybit", "2025-09-02")
    ('entry', 'mark')
    """
    return "entry" if venue in BYBIT and day is not None and day < BYBIT_MARK_BASED_SINCE else "mark"
