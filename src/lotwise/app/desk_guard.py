"""The guard's bounds as the desk may change them: tighter at once, looser from the next midnight on.

Changes are kept in the folder of the session. They are laid over the bounds of the configuration: what nobody
changed stays as it is written there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from lotwise.clock import Clock
from lotwise.errors import InputError
from lotwise.guard.config import IN_ALLOWED, IN_BOOK, GuardConfig, read_guard
from lotwise.guard.facts import Rulebook
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.units import cash_text, percent_text, scaled_text, shown

KEPT: Final = "guardrails.json"
Way = Literal["less", "more"]
SECOND_NS: Final = 10**9

TIGHTER: Final[Mapping[str, Way]] = {
    "risk": "less",
    "risk_money": "less",
    "open_risk": "less",
    "day_loss": "less",
    "week_loss": "less",
    "trades_a_day": "less",
    "positions": "less",
    "cool_down": "more",
    "account_leverage": "less",
    "order_leverage": "less",
    "margin": "less",
    "liquidation": "more",
}
"""Bounds that the desk changes, and which way is tighter."""
MONEY: Final = ("risk_money",)
COUNTS: Final = ("trades_a_day", "positions")
SPANS: Final = ("cool_down",)
TIMES100: Final = ("account_leverage", "order_leverage")
TIMES8: Final = ("liquidation",)


class Later(msgspec.Struct, frozen=True):
    """A looser bound that waits; ``value`` None: no bound any more."""

    value: int | None
    from_ns: int
    text: str


class Kept(msgspec.Struct):
    """What the file holds; 0 stands for no bound."""

    now: dict[str, int] = {}
    later: dict[str, Later] = {}


class Changed(msgspec.Struct, frozen=True):
    """What became of a change."""

    key: str
    when: Literal["now", "tomorrow", "same"]
    from_ns: int
    text: str


class Bound(msgspec.Struct, frozen=True):
    """A bound as it is shown."""

    key: str
    text: str
    """Empty: it is not set."""
    tighter: Way
    later_text: str = ""
    later_ns: int = 0


class Guardrails:
    """The guard of a session with its changes.

    Parameters
    ----------
    folder
        Where changes are kept.

    Raises
    ------
    InputError
        WEB-160 the kept file cannot be read: nothing is guessed about limits.
    """

    def __init__(self, config: GuardConfig, folder: Path, clock: Clock) -> None:
        self.config, self.clock = config, clock
        self._place, self._lock = folder / KEPT, threading.Lock()
        self._kept = self._read()

    def _read(self) -> Kept:
        try:
            return msgspec.json.decode(self._place.read_bytes(), type=Kept)
        except FileNotFoundError:
            return Kept()
        except (OSError, msgspec.MsgspecError) as error:
            raise InputError(
                "WEB-160",
                f"the changed guardrails in {self._place.name} cannot be read: {error}",
                "remove the file: the bounds of the configuration hold then",
            ) from error

    def rulebook_at(self, now_ns: int) -> Rulebook:
        """The bounds at a moment: those of the configuration with the changes that hold then."""
        book = self.config.rulebook_at(now_ns)
        values = self._values(now_ns)
        if not values:
            return book
        allowed = AllowedRow(**dict(zip(AllowedRow.__slots__, book.allowed.values(), strict=True)))
        fields: dict[str, int] = {}
        for key, value in values.items():
            if key in IN_ALLOWED:
                setattr(allowed, IN_ALLOWED[key][0], value)
            else:
                fields[IN_BOOK[key][0]] = value
        return msgspec.structs.replace(book, allowed=allowed, **fields)

    def _values(self, now_ns: int) -> dict[str, int]:
        with self._lock:
            found = dict(self._kept.now)
            for key, later in self._kept.later.items():
                if later.from_ns <= now_ns:
                    found[key] = later.value or 0
        return found

    def _bound(self, book: Rulebook, key: str) -> int:
        owner, field = (book.allowed, IN_ALLOWED[key][0]) if key in IN_ALLOWED else (book, IN_BOOK[key][0])
        return int(getattr(owner, field))

    def bounds(self) -> tuple[Bound, ...]:
        """Every bound that may be changed, with what waits."""
        now = self.clock.now_ns()
        book = self.rulebook_at(now)
        found = []
        for key, tighter in TIGHTER.items():
            later = self._kept.later.get(key)
            waits = later is not None and later.from_ns > now
            found.append(
                Bound(
                    key=key,
                    text=bound_text(key, self._bound(book, key)),
                    tighter=tighter,
                    later_text=(later.text or "no bound") if waits and later else "",
                    later_ns=later.from_ns if waits and later else 0,
                )
            )
        return tuple(found)

    def change(self, key: str, text: str) -> Changed:
        """Set a bound; an empty text takes it away. Tighter holds at once, looser from the next midnight on.

        Raises
        ------
        InputError
            WEB-161 a bound that the desk does not change; GUARD-203 to 211 a value that cannot be.
        """
        if key not in TIGHTER:
            raise InputError(
                "WEB-161", f"the desk does not change {shown(key)}", f"it is one of {', '.join(TIGHTER)}"
            )
        new = self._value(key, text)
        now = self.clock.now_ns()
        book = self.rulebook_at(now)
        held = self._bound(book, key)
        with self._lock:
            settled = {
                name: later.value or 0 for name, later in self._kept.later.items() if later.from_ns <= now
            }
            kept = Kept(self._kept.now | settled, dict(self._kept.later))
            for name in settled:
                del kept.later[name]
            if new == held:
                kept.later.pop(key, None)  # a looser one that waited is taken back
                when: Literal["now", "tomorrow", "same"] = "same"
            elif is_tighter(key, new, held):
                kept.now[key] = new
                kept.later.pop(key, None)
                when = "now"
            else:
                kept.later[key] = Later(new or None, book.day_ends_ns, bound_text(key, new))
                when = "tomorrow"
            self._write(kept)
            self._kept = kept
        from_ns = book.day_ends_ns if when == "tomorrow" else int(now)
        return Changed(key, when, from_ns, bound_text(key, new))

    def _value(self, key: str, text: str) -> int:
        """The number of a bound; 0: none. Bounds that contradict each other are refused."""
        if not text.strip():
            return 0
        word: object = text.strip()
        if key in COUNTS and text.strip().isdecimal() and text.strip().isascii():
            word = int(text.strip()[:9])
        pair = {"day_loss": "week_loss", "week_loss": "day_loss"}.get(key)
        table = {key: word}
        if pair is not None:
            other = self._bound(self.rulebook_at(self.clock.now_ns()), pair)
            table |= {pair: percent_text(other).replace(" ", "")} if other else {}
        return self._bound(read_guard(table).book, key)

    def _write(self, kept: Kept) -> None:
        new = self._place.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(kept))
        new.replace(self._place)


def is_tighter(key: str, new: int, held: int) -> bool:
    """Whether a bound allows less than the one that holds; 0 is no bound, the loosest of all.

    >>> is_tighter("risk", 500_000, 1_000_000), is_tighter("risk", 0, 9), is_tighter("cool_down", 2, 1)
    (True, False, True)
    """
    if not new or not held:
        return bool(new) and not held
    return new < held if TIGHTER[key] == "less" else new > held


def bound_text(key: str, value: int) -> str:
    """A bound as a person writes it; empty: none.

    >>> bound_text("risk", 1_000_000), bound_text("cool_down", 900 * 10**9), bound_text("margin", 5 * 10**7)
    ('1%', '15min', '50%')
    """
    if not value:
        return ""
    if key in MONEY:
        return cash_text(value)
    if key in COUNTS:
        return str(value)
    if key in SPANS:
        return span_text(value)
    if key in TIMES100:
        return scaled_text(value, 2)
    if key in TIMES8:
        return scaled_text(value)
    return percent_text(value).replace(" ", "")


def span_text(span_ns: int) -> str:
    """A span of time in the units of the guard's file.

    >>> span_text(5_400 * 10**9)
    '1h30min'
    """
    left, words = span_ns // SECOND_NS, ""
    for name, seconds in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        words += f"{count}{name}" if count else ""
    return words or "0s"
