"""What a live capture makes of messages: which are new, which came twice or late, and where some are missing.

Nothing here knows a network or a clock.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum, auto
from typing import Any, Final

from lotwise.app import capture_log as logs
from lotwise.app.capture_log import Log
from lotwise.market.columns import INT64_MAX, LATEST_NS
from lotwise.market.kinds import DEPTH, QUOTES, TRADES, Kind
from lotwise.market.store import DAY_NS

MS: Final = 10**6
REMEMBERED: Final = 4_096
"""So many of the last messages are known again when they come twice."""
MOST_DIGITS: Final = 36
"""A longer number is none; what fits 64 bits is judged when rows are made."""


class Verdict(Enum):
    """Where a message stands in its chain."""

    FIRST = auto()
    NEXT = auto()
    GAP = auto()
    """New, but some before it are missing."""
    AGAIN = auto()
    """It came already."""
    LATE = auto()
    """It is new and older than the last one."""


class Chain:
    """The order of one kind's messages.

    >>> chain = Chain()
    >>> [chain.judge(*ids).name for ids in ((0, 5), (5, 9), (12, 15), (9, 12), (9, 12))]
    ['FIRST', 'NEXT', 'GAP', 'LATE', 'AGAIN']
    """

    def __init__(self) -> None:
        self.last = -1
        self._seen: set[int] = set()
        self._order: deque[int] = deque()

    def judge(self, previous: int | None, last: int) -> Verdict:
        """Take up a message that ends at ``last`` and follows ``previous``; None where any may follow."""
        if last in self._seen:
            return Verdict.AGAIN
        self._seen.add(last)
        self._order.append(last)
        if len(self._order) > REMEMBERED:
            self._seen.discard(self._order.popleft())
        before, self.last = self.last, max(self.last, last)
        if before < 0:
            return Verdict.FIRST
        if last < before:
            return Verdict.LATE
        return Verdict.NEXT if previous in (None, before) else Verdict.GAP


@dataclass
class Gap:
    """Messages that never came: those after one id and before the next, or what a cut line hid."""

    kind: str
    reason: str
    """``sequence``: the ids say so; ``connection``: the line was cut, and the kind's ids do not tell."""
    at_ns: int
    """Time of the first message after it."""
    after: int
    """The last id before it."""
    before: int
    """The id that its last missing message would have had, or of the first message after a cut line."""

    def text(self) -> str:
        """A line for the list of gaps."""
        return json.dumps(asdict(self))


@dataclass
class Standing:
    """How a capture stands; rows are counted when they are on the disk."""

    rows: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    snapshots: int = 0
    again: int = 0
    late: int = 0
    odd: int = 0
    """Messages that make no sense; they are not kept."""
    reconnects: int = 0
    book_wanted: bool = False
    """Whether the chain of book changes begins anew and needs a snapshot."""
    gaps: list[Gap] = field(default_factory=list)

    def line(self) -> str:
        """A few words for a person who watches."""
        rows = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.rows.items()))
        more = f", {len(self.gaps)} gap{'s' * (len(self.gaps) > 1)}" if self.gaps else ""
        return f"{rows or 'nothing yet'} on the disk{more}"


class Recorder:
    """Writes what is new into a log and keeps count."""

    def __init__(self, log: Log, kinds: Sequence[Kind]) -> None:
        self.log = log
        self.told = Standing()
        self._chains = {kind.name: Chain() for kind in kinds}
        self._cut: set[str] = set()
        self._joins_at = -1
        self._empty: Mapping[str, Any] = {}
        """A book change that changed no level; it makes no row, so the next one stands for both."""
        self._book_day = -1
        self._coming: Counter[str] = Counter()
        self._open: list[tuple[Gap, int]] = []
        self._commits = 0

    def take(self, kind: str, message: Mapping[str, Any], text: str) -> Verdict | None:
        """Record a message; None where it makes no sense or is of a kind not wanted."""
        if kind not in self._chains:
            return None
        rows = sound(kind, message)
        if rows < 0:
            self.told.odd += 1
            return None
        previous, last = _ids(kind, message)
        chain = self._chains[kind]
        before = chain.last
        verdict = chain.judge(previous, last)
        self.told.messages += 1
        if verdict is Verdict.AGAIN:
            self.told.again += 1
            return verdict
        at_ns = message["T"] * MS
        if verdict is Verdict.LATE:
            self.told.late += 1
            self._open = [
                one
                for one in self._open
                if (one[0].kind, one[0].after, one[0].before) != (kind, previous, last)
            ]
        elif verdict is Verdict.GAP:
            self._miss(Gap(kind, "sequence", at_ns, before, previous or 0))
        elif previous is None and kind in self._cut:
            self._miss(Gap(kind, "connection", at_ns, before, last))
        self._cut.discard(kind)
        if kind == DEPTH.name:
            self._follow(verdict, at_ns, previous or 0)
            text = self._with_empty(message, text, rows)
        if text:
            self.log.add(kind, text)
        self._coming[kind] += rows
        return verdict

    def _miss(self, gap: Gap) -> None:
        if gap.after >= 0:
            self._open.append((gap, self._commits))

    def _follow(self, verdict: Verdict, at_ns: int, previous: int) -> None:
        """A snapshot is wanted where the chain begins, and once a day so that a day's file tells the book."""
        day = at_ns // DAY_NS
        if verdict in (Verdict.FIRST, Verdict.GAP) or day > self._book_day:
            self._book_day, self._joins_at, self.told.book_wanted = day, previous, True

    def _with_empty(self, message: Mapping[str, Any], text: str, rows: int) -> str:
        """The message as it is to be kept: with the ids of the one before it, where that had no rows."""
        before, self._empty = self._empty, {}
        if before and before["u"] == message["pu"]:
            message = {**message, "U": before["U"], "pu": before["pu"]}
            text = json.dumps(message)
        if not rows:
            self._empty, text = message, ""
        return text

    def snapshot(self, message: Mapping[str, Any]) -> bool:
        """Record an order book; False where it is older than the first change since it was wanted."""
        rows = sound(logs.SNAPSHOT, message)
        if rows < 0:
            self.told.odd += 1
            return False
        if not self.told.book_wanted or message["lastUpdateId"] < self._joins_at:
            return False
        self.log.add(logs.SNAPSHOT, json.dumps(message))
        self._coming[DEPTH.name] += rows
        self.told.snapshots += 1
        self.told.book_wanted = False
        return True

    def cut(self, kinds: Sequence[Kind]) -> None:
        """The line that carries these kinds broke."""
        self.told.reconnects += 1
        self._cut.update(kind.name for kind in kinds)

    def commit(self, last: bool = False) -> None:
        """Force to the disk what came; a gap that stayed open over a commit is written down."""
        self._commits += 1
        old = [gap for gap, since in self._open if last or since < self._commits - 1]
        self._open = [one for one in self._open if one[0] not in old]
        for gap in old:
            self.log.add(logs.GAP, gap.text())
        self.log.commit()
        self.told.gaps += old
        self.told.rows += self._coming
        self._coming = Counter()


def _ids(kind: str, message: Mapping[str, Any]) -> tuple[int | None, int]:
    """The id before the message, and its last; quotes have numbers that leave some out."""
    if kind == TRADES.name:
        return message["a"] - 1, message["a"]
    if kind == QUOTES.name:
        return None, message["u"]
    return message["pu"], message["u"]


def sound(kind: str, message: Mapping[str, Any]) -> int:
    """The number of rows in a message; -1 where one of its cells could not be a row's."""
    try:
        rows = list(logs.rows_of(kind, dict(message)))
        columns = {TRADES.name: TRADES, QUOTES.name: QUOTES}.get(kind, DEPTH).columns
        good = all(
            _fits(unit.value, cell) for row in rows for unit, cell in zip(columns.values(), row, strict=True)
        )
    except (KeyError, TypeError, ValueError):
        return -1
    return len(rows) if good else -1


def _fits(unit: str, cell: object) -> bool:
    if unit == "flag":
        return isinstance(cell, bool)
    if unit == "time":
        return isinstance(cell, int) and not isinstance(cell, bool) and 0 < cell * MS <= LATEST_NS
    if unit == "count":
        return isinstance(cell, int) and not isinstance(cell, bool) and 0 <= cell <= INT64_MAX
    return (
        isinstance(cell, str)
        and cell.isascii()
        and len(cell) <= MOST_DIGITS
        and cell.replace(".", "", 1).isdigit()
    )
