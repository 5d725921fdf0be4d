"""Looks of the pages, kept on this machine, and the guard's bounds: tighter now, looser tomorrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from lotwise.app.desk_guard import Guardrails
from lotwise.errors import InputError
from lotwise.guard.values import zone_name
from lotwise.web.times import moment_text

KEPT: Final = "looks.json"
LABELS: Final = {
    "risk": ("Risk of one trade", "a share of the equity, such as 1%"),
    "risk_money": ("Risk of one trade in money", "such as 20"),
    "open_risk": ("Risk of all open trades", "such as 3%"),
    "day_loss": ("Loss of a day", "then nothing is opened until tomorrow"),
    "week_loss": ("Loss of a week", "such as 6%"),
    "trades_a_day": ("Trades a day", ""),
    "positions": ("Positions at a time", ""),
    "cool_down": ("Pause after a loss", "such as 15min"),
    "account_leverage": ("All that is open, in equities", "such as 3"),
    "order_leverage": ("Leverage of an order, at most", "such as 10"),
    "margin": ("Margin in use, at most", "such as 50%"),
    "liquidation": ("Liquidation beyond the stop", "in stop distances, such as 1.5"),
}


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is chosen."""

    theme: Literal["dark", "light"] = "dark"
    palette: Literal["safe", "classic", "redup", "mono"] = "safe"
    density: Literal["normal", "dense"] = "normal"
    time_zone: str = "UTC"
    keys: bool = True
    centre: Literal["static", "auto"] = "static"


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /api/settings``: only what is to change."""

    theme: Literal["dark", "light"] | None = None
    palette: Literal["safe", "classic", "redup", "mono"] | None = None
    density: Literal["normal", "dense"] | None = None
    time_zone: str | None = None
    keys: bool | None = None
    centre: Literal["static", "auto"] | None = None
    guard: dict[str, str] = {}


class Looks:
    """The looks, in a folder or, without one, for this run alone."""

    def __init__(self, folder: Path | None) -> None:
        self._place = folder / KEPT if folder else None
        self.kept = Kept()
        if self._place is not None and self._place.exists():
            try:
                self.kept = msgspec.json.decode(self._place.read_bytes(), type=Kept)
            except (OSError, msgspec.MsgspecError):
                self.kept = Kept()  # looks alone: the usual ones will do

    def shown(self) -> dict[str, Any]:
        """All of them."""
        found: dict[str, Any] = msgspec.to_builtins(self.kept)
        return found

    def change(self, asked: Asked) -> None:
        """Take what is given.

        Raises
        ------
        InputError
            GUARD-208 a time zone that is none; WEB-131 it cannot be kept.
        """
        given = {
            name: getattr(asked, name) for name in Kept.__struct_fields__ if getattr(asked, name) is not None
        }
        if "time_zone" in given:
            given["time_zone"] = zone_name(given["time_zone"], "time_zone")
        kept = msgspec.structs.replace(self.kept, **given)
        if self._place is not None and kept != self.kept:
            try:
                self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                new = self._place.with_suffix(".new")
                new.write_bytes(msgspec.json.encode(kept))
                new.replace(self._place)
            except OSError as error:
                raise InputError(
                    "WEB-131",
                    f"the settings cannot be kept: {error.strerror}",
                    "make room, or another folder",
                ) from error
        self.kept = kept


def bounds_shown(guardrails: Guardrails) -> list[dict[str, Any]]:
    """The guard's bounds for the form."""
    found = []
    for one in guardrails.bounds():
        label, note = LABELS[one.key]
        if one.later_text:
            note = f"{one.later_text} from {moment_text(one.later_ns, guardrails.config.time_zone)} on"
        found.append({"name": one.key, "label": label, "value": one.text, "unit": "", "note": note})
    return found


def changed_guard(guardrails: Guardrails, given: dict[str, str]) -> list[dict[str, Any]]:
    """Change bounds; one that cannot be leaves those after it as they were.

    Raises
    ------
    InputError
        As :meth:`lotwise.app.desk_guard.Guardrails.change`.
    """
    found = []
    for key, text in given.items():
        one = guardrails.change(key, text)
        found.append({"name": one.key, "when": one.when, "from_ms": one.from_ns // 10**6, "value": one.text})
    return found
