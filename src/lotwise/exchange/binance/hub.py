"""Who listens to what: sessions with bounded queues, and what each is sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from lotwise.exchange.binance.events import events_of, liquidation_event
from lotwise.exchange.binance.streams import Message, Stream, Teller, stream_of
from lotwise.exchange.faults import Faults
from lotwise.exchange.venue import Told, Venue

MOST_QUEUED: Final = 4_096
"""Messages that wait for one reader; who reads slower is closed."""
MOST_STREAMS: Final = 200
"""Of one connection. Source: Binance USD-M, "Websocket Market Streams"."""
MOST_SESSIONS: Final = 1_000
PATIENCE_SECONDS: Final = 0.25
"""How long the market waits for readers between two of its parts; who is slower still runs into the bound."""
LOOK_SECONDS: Final = 0.001


class Session:
    """One connection: its streams, and the messages that wait for it."""

    def __init__(
        self, wake: Callable[[], None], *, combined: bool = False, account: int = 0, key: str = ""
    ) -> None:
        self.streams: dict[str, Stream | None] = {}
        self.is_combined = combined
        self.account = account
        """Whose private events it is sent; 0: nobody's."""
        self.key = key
        self.waiting: deque[bytes] = deque()
        self.is_closed = False
        self.on_close: Callable[[], None] | None = None
        self._wake = wake

    def send(self, message: Message, stream: str = "") -> None:
        """Queue a message; a reader that is too slow is closed."""
        self.send_body(msgspec.json.encode(message), stream)

    def send_body(self, body: bytes, stream: str = "") -> None:
        """As :meth:`send`, of a message that is JSON already."""
        if self.is_closed:
            return
        if len(self.waiting) >= MOST_QUEUED:
            self.close()
            return
        if self.is_combined and stream:
            body = b'{"stream":' + msgspec.json.encode(stream) + b',"data":' + body + b"}"
        self.waiting.append(body)
        self._wake()

    def close(self) -> None:
        """No more messages; the connection ends."""
        self.is_closed = True
        self._wake()
        if self.on_close is not None:
            self.on_close()


Outbox = list[tuple[Session, str, bytes]]
"""Who is sent what of which stream, in order."""


def _sent(outbox: Outbox, dropped: Sequence[Session]) -> None:
    for session, stream, body in outbox:
        session.send_body(body, stream)
    for session in dropped:
        session.close()


class Hub:
    """All sessions of a venue."""

    def __init__(self, venue: Venue, faults: Faults) -> None:
        self.venue = venue
        self.faults = faults
        self.sessions: set[Session] = set()
        self.teller = Teller(venue.market)
        self._position = venue.market.position
        """How far the market was told."""
        venue.watchers.append(self.told)
        venue.on_listen_end.append(self.expire)

    def admit(self, session: Session) -> bool:
        """Take a session in; False where there are too many."""
        if len(self.sessions) >= MOST_SESSIONS:
            return False
        self.sessions.add(session)
        return True

    def leave(self, session: Session) -> None:
        """A connection ended."""
        self.sessions.discard(session)

    def subscribe(self, session: Session, names: Sequence[str]) -> bool:
        """Add streams; False where there would be too many. Names that mean nothing stay silent."""
        new = [name for name in names if name not in session.streams]
        if len(session.streams) + len(new) > MOST_STREAMS:
            return False
        for name in new:
            if name in self.venue.listen:  # clients of the old kind subscribe to their key
                session.account, session.key = self.venue.listen[name], name
            stream = stream_of(self.venue.market, name)
            if (
                stream is not None
                and stream.kind == "depth"
                and not stream.argument
                and not self._has_depth(stream)
            ):
                self.teller.begin_depth(stream.contract)
            session.streams[name] = stream
        return True

    def _has_depth(self, wanted: Stream) -> bool:
        """Whether changes of the contract's book are told already."""
        return any(
            stream is not None
            and (stream.kind, stream.argument, stream.contract) == ("depth", "", wanted.contract)
            for session in self.sessions
            for stream in session.streams.values()
        )

    def told(self, told: Sequence[Told]) -> None:
        """Something happened: private events first, then the market; sent once it is on the disk.

        They are written now, for an event shows balances and positions as the act left them.
        """
        outbox: Outbox = []
        if self.sessions:
            for one in told:
                self._private(one, outbox)
                for happening in one.happenings:
                    if happening.kind == "liquidated":
                        self._liquidated(one, happening, outbox)
        if self._position != self.venue.market.position:
            self._position = self.venue.market.position
            self._public(outbox)
        dropped: list[Session] = []
        if (count := self.faults.take("drop")) is not None:
            dropped = list(self.sessions)[: count or None]
        if outbox or dropped:
            self.venue.when_kept(lambda is_kept: _sent(outbox, dropped) if is_kept else None)

    def _private(self, one: Told, outbox: Outbox) -> None:
        sessions = [session for session in self.sessions if session.account == one.account.number]
        if not sessions:
            return
        events = events_of(one.account, self.venue.market, one.happenings)
        if self.faults.take("reorder") is not None:
            events.reverse()
        times = 2 if self.faults.take("duplicate") is not None else 1
        bodies = [msgspec.json.encode(event) for event in events]
        for session in sessions:
            for body in bodies:
                outbox += [(session, session.key, body)] * times

    def _liquidated(self, one: Told, happening: Any, outbox: Outbox) -> None:
        event = msgspec.json.encode(liquidation_event(one.account, self.venue.market, happening))
        for session in self.sessions:
            for stream in session.streams.values():
                if stream and stream.kind == "forceOrder" and stream.contract in (-1, happening.contract):
                    outbox.append((session, stream.name, event))

    def _public(self, outbox: Outbox) -> None:
        """Messages of the market's last part, each encoded once for all who listen."""
        wanted: dict[str, Stream] = {}
        readers: dict[str, list[Session]] = {}
        for session in self.sessions:
            for name, stream in session.streams.items():
                if stream is not None:
                    wanted[name] = stream
                    readers.setdefault(name, []).append(session)
        for name, message in self.teller.messages(list(wanted.values())):
            body = msgspec.json.encode(message)
            outbox += [(session, name, body) for session in readers[name]]

    async def room(self) -> None:
        """Let readers read: until all is kept and no queue is more than half full, or the patience ends."""
        await asyncio.sleep(0)
        looks = int(PATIENCE_SECONDS / LOOK_SECONDS)
        while looks and (
            self.venue.is_pending or any(len(one.waiting) > MOST_QUEUED // 2 for one in self.sessions)
        ):
            await asyncio.sleep(LOOK_SECONDS)
            looks -= 1

    def expire(self, key: str) -> None:
        """A listen key ended: its streams are told, and told nothing more of the account."""
        event = {"e": "listenKeyExpired", "E": self.venue.market.now_ns // 10**6, "listenKey": key}
        body = msgspec.json.encode(event)
        outbox = [(session, key, body) for session in self.sessions if session.key == key]
        for session, _, _ in outbox:
            session.account, session.key = 0, ""
        if outbox:
            self.venue.when_kept(lambda is_kept: _sent(outbox, ()) if is_kept else None)
