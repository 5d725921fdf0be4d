"""What is said of a round trip: plan, stop, notes, tags, answers to prompts, pictures, refusals, conditions.

Each is an event that only adds: a later plan stands before an earlier one, which stays readable. What is
known before there is a trip (a refusal, an order's moves) is said of the order, and found by its fills.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import ENOSPC
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.journal.grouping import STREAM
from lotwise.journal.measures import Plan, check_stop
from lotwise.journal.shelf import Journal
from lotwise.records.journal import RoundTrip
from lotwise.store.database import EVENT_NAMES, Event, append, chunks, event_of
from lotwise.store.failures import StoreError
from lotwise.store.place import FILE_MODE, FOLDER_MODE, own_place

if TYPE_CHECKING:
    from sqlalchemy import Connection

KINDS: Final = (
    "plan",
    "stop",
    "order",
    "accepted",
    "note",
    "tag",
    "answer",
    "screenshot",
    "refusal",
    "override",
    "conditions",
    "excursion",
)
OF_ENTRIES: Final = ("plan", "stop", "conditions", "excursion")
"""Said of an order, these are of the trip that the order entered, and not of one that it left."""
PROMPTS: Final = {
    "plan": "Did you follow the plan? Where not, and why?",
    "entry": "What made you enter here and now?",
    "exit": "Would you exit there again?",
    "state": "How did you feel before, during, after?",
    "lesson": "What will you do differently next time?",
}
"""Asked of every closed trade; answers are kept under these names."""
PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".svg", ".gif")
LARGEST: Final = 20 * 2**20
"""Bytes of a picture."""
LONGEST: Final = 20_000
"""Characters of a note."""
_TAG: Final = re.compile(r"[^\s,;]{1,40}")


@dataclass(frozen=True)
class Story:
    """All that was said of a round trip, in its order, and what now holds."""

    events: list[Event]
    plan: Plan | None
    tags: list[str]
    stops: list[tuple[int, int]]
    """(time in ns, price in 1e-8): how the stop went."""
    unanswered: list[str]
    reason: str = ""
    setup: str = ""
    then: dict[str, int] = field(default_factory=dict)
    """The market at the entry as a session saw it, by the fields of ``Conditions``."""
    seen: dict[str, int] = field(default_factory=dict)
    """The worst and the best as a session saw them: worst_cash, best_cash, worst_price8, best_price8."""

    def count(self, kind: str) -> int:
        """How many events of a kind."""
        return sum(event.kind == kind for event in self.events)


class Notes:
    """Say and read what is said; times are handed in."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.database = journal.database
        self._open: Connection | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is said within is kept wholly or not at all."""
        with self.database.write() as connection:
            self._open = connection
            try:
                yield
            finally:
                self._open = None

    def record(
        self, subject: str, kind: str, body: dict[str, Any], *, now_ns: int, key: str | None = None
    ) -> int:
        """Keep an event of a trip or of an order; the same key only once.

        Raises
        ------
        InputError
            JOURNAL-103 a kind that is not known.
        """
        if kind not in KINDS:
            raise InputError("JOURNAL-103", f"{kind!r} is no kind of event", f"one of {', '.join(KINDS)}")
        if self._open is not None:
            return append(self._open, STREAM, kind, body, time_ns=now_ns, subject=subject, key=key)
        return self.database.append(STREAM, kind, body, time_ns=now_ns, subject=subject, key=key)

    def note(self, trip: RoundTrip, text: str, *, now_ns: int, prompt: str = "") -> int:
        """Write a note, or the answer to a prompt.

        Raises
        ------
        InputError
            JOURNAL-104 an empty or endless note, an unknown prompt.
        """
        words = text.strip()
        if not words or len(words) > LONGEST or "\0" in words:
            raise InputError(
                "JOURNAL-104", f"a note of {len(words)} characters", f"write 1 to {LONGEST:,} characters"
            )
        if not prompt:
            return self.record(trip.trip_id, "note", {"text": words}, now_ns=now_ns)
        if prompt not in PROMPTS:
            raise InputError("JOURNAL-104", f"there is no prompt {prompt!r}", f"one of {', '.join(PROMPTS)}")
        return self.record(trip.trip_id, "answer", {"prompt": prompt, "text": words}, now_ns=now_ns)

    def tag(self, trip: RoundTrip, tags: Sequence[str], *, now_ns: int, on: bool = True) -> list[str]:
        """Put tags on a trip or take them off; the tags it has then.

        Raises
        ------
        InputError
            JOURNAL-104 a tag with blanks, commas or more than 40 characters.
        """
        wanted = [tag.strip().lower() for tag in tags]
        for tag in wanted:
            if not _TAG.fullmatch(tag) or not tag.isprintable():
                raise InputError("JOURNAL-104", f"{tag!r} is no tag", "one word of 1 to 40 characters")
        have = self.story(trip).tags
        for tag in dict.fromkeys(wanted):
            if (tag in have) != on:
                self.record(trip.trip_id, "tag", {"tag": tag, "on": on}, now_ns=now_ns)
        return self.story(trip).tags

    def plan(self, trip: RoundTrip, plan: Plan, *, now_ns: int, reason: str = "", setup: str = "") -> int:
        """Say what was planned; what is 0 in it keeps what an earlier plan said.

        Raises
        ------
        InputError
            JOURNAL-105 a stop that would not have lost.
        """
        if plan.stop8:
            check_stop(trip, plan.stop8)
        body = plan_body(plan, reason=reason, setup=setup)
        return self.record(trip.trip_id, "plan", body, now_ns=now_ns)

    def attach(self, trip: RoundTrip, picture: Path, *, now_ns: int) -> Path:
        """Keep a copy of a picture beside the database, the owner's alone; where it is.

        Raises
        ------
        InputError
            JOURNAL-106 no picture, or one too large.
        StoreError
            STORE-103, STORE-107 where the copy cannot be written.
        """
        if picture.suffix.lower() not in PICTURES:
            raise InputError("JOURNAL-106", f"{picture.name} is no picture", f"one of {' '.join(PICTURES)}")
        try:
            size = picture.stat().st_size
            content = picture.read_bytes() if size <= LARGEST else b""
        except OSError as error:
            raise InputError(
                "JOURNAL-106", f"{picture} cannot be read: {error.strerror}", "see how it is spelled"
            ) from error
        if not content:
            raise InputError(
                "JOURNAL-106", f"{picture.name} has {size:,} bytes", f"1 to {LARGEST:,} bytes are kept"
            )
        name = blake2b(content, digest_size=16).hexdigest() + picture.suffix.lower()
        place = self.pictures() / name
        _write_private(place, content)
        self.record(trip.trip_id, "screenshot", {"file": name, "name": picture.name}, now_ns=now_ns)
        return place

    def pictures(self) -> Path:
        """The folder of the pictures: beside the file, of a server in the user's data folder."""
        path = self.database.path
        if path is None:
            data = Path(own_place()).parent if "://" not in own_place() else None
            return (data or Path.home() / ".local" / "share" / "lotwise" / "journal") / "pictures"
        return path.parent / f"{path.stem}-pictures"

    def story(self, trip: RoundTrip) -> Story:
        """All that was said of a trip and of its orders."""
        events = self.stories([trip.trip_id]).get(trip.trip_id, [])
        return told(events, closed=trip.closed_ns is not None)

    def stories(self, trip_ids: Sequence[str] | None = None) -> dict[str, list[Event]]:
        """Events of trips and of their orders by the trip's name, of some trips where they are named."""
        from sqlalchemy import select

        from lotwise.store.tables import EVENTS

        asked = select(*(EVENTS.c[name] for name in EVENT_NAMES)).where(EVENTS.c.stream == STREAM)
        with self.database.read() as connection:
            orders: dict[str, list[tuple[str, bool]]] = {}
            if trip_ids is not None:
                orders = _orders(connection, "trip_id", trip_ids)
                asked = asked.where(EVENTS.c.subject.in_([*trip_ids, *orders]))
            events = [event_of(row) for row in connection.execute(asked.order_by(EVENTS.c.id)).all()]
            if trip_ids is None:
                named = list(dict.fromkeys(event.subject for event in events if "#" in event.subject))
                orders = _orders(connection, "subject", named)
        found: dict[str, list[Event]] = {}
        for event in events:
            if "#" not in event.subject:
                found.setdefault(event.subject, []).append(event)
                continue
            for trip_id, enters in orders.get(event.subject, ()):
                if enters or event.kind not in OF_ENTRIES:
                    found.setdefault(trip_id, []).append(event)
        return found

    def refusals(self, *, since_ns: int | None = None, until_ns: int | None = None) -> list[Event]:
        """Refusals and overrides in the order in which they were kept, of trades that were not taken too."""
        found = [
            *self.database.events(STREAM, kind="refusal"),
            *self.database.events(STREAM, kind="override"),
        ]
        return [
            event
            for event in sorted(found, key=lambda event: event.id)
            if (since_ns is None or event.time_ns >= since_ns)
            and (until_ns is None or event.time_ns < until_ns)
        ]


def _orders(connection: Connection, column: str, names: Sequence[str]) -> dict[str, list[tuple[str, bool]]]:
    """Which trips the orders are of, and whether they entered them: of some trips or of some orders."""
    from sqlalchemy import select

    from lotwise.store.tables import TRIP_ORDERS

    found: dict[str, list[tuple[str, bool]]] = {}
    for some in chunks(names):
        asked = select(TRIP_ORDERS.c.subject, TRIP_ORDERS.c.trip_id, TRIP_ORDERS.c.enters)
        if some is not None:
            asked = asked.where(TRIP_ORDERS.c[column].in_(some))
        for subject, trip_id, enters in connection.execute(asked):
            found.setdefault(subject, []).append((trip_id, bool(enters)))
    return found


def plan_body(plan: Plan, *, reason: str, setup: str) -> dict[str, Any]:
    """A plan as the body of an event; what is not said is left out."""
    body = {
        "stop8": plan.stop8,
        "target8s": list(plan.target8s),
        "entry8": plan.entry8,
        "risk_cash": plan.risk_cash,
        "stop_source": plan.stop_source or ("given" if plan.stop8 else ""),
        "quantity8": plan.quantity8,
        "leverage100": plan.leverage100,
        "reason": reason,
        "setup": setup,
    }
    return {name: value for name, value in body.items() if value}


def told(events: Sequence[Event], *, closed: bool) -> Story:
    """What events say together."""
    if not events:  # most trades of an import, and an export asks for each
        return Story([], None, [], [], list(PROMPTS) if closed else [])
    tags: dict[str, bool] = {}
    said: dict[str, Any] = {}
    then: dict[str, int] = {}
    seen: dict[str, int] = {}
    stops = []
    answered = set()
    for event in events:
        body = event.body
        if event.kind == "tag":
            tags[body["tag"]] = body["on"]
        elif event.kind == "plan":
            said |= {name: value for name, value in body.items() if value}
        elif event.kind == "stop":
            stops.append((event.time_ns, int(body["price8"])))
        elif event.kind == "answer":
            answered.add(body["prompt"])
        elif event.kind in ("conditions", "excursion"):
            (then if event.kind == "conditions" else seen).update(body)
    plan = Plan(
        stop8=said.get("stop8", 0),
        target8s=tuple(said.get("target8s", ())),
        entry8=said.get("entry8", 0),
        risk_cash=said.get("risk_cash", 0),
        stop_source=said.get("stop_source", ""),
        quantity8=said.get("quantity8", 0),
        leverage100=said.get("leverage100", 0),
    )
    return Story(
        events=list(events),
        plan=plan if plan.stop8 or plan.risk_cash or plan.target8s else None,
        tags=sorted(tag for tag, on in tags.items() if on),
        stops=sorted(stops),
        unanswered=[name for name in PROMPTS if name not in answered] if closed else [],
        reason=said.get("reason", ""),
        setup=said.get("setup", ""),
        then=then,
        seen=seen,
    )


def _write_private(place: Path, content: bytes) -> None:
    """A file of its owner's alone, whole or not there."""
    beside = place.with_name(f".{place.name}.unfinished")
    try:
        place.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
    except OSError as error:
        beside.unlink(missing_ok=True)
        code = "STORE-103" if error.errno == ENOSPC else "STORE-107"
        raise StoreError(
            code, f"{place} cannot be written: {error.strerror}", "make room, or see whose it is"
        ) from error
