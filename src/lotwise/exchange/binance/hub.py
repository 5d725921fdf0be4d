"""Who listens to what: sessions with bounded queues, and what each is sent."""

from __future__ import annotations

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
        self._wake = wake

    def send(self, message: Message, stream: str = "") -> None:
        """Queue a message; a reader that is too slow is closed."""
        if self.is_closed:
            return
        if len(self.waiting) >= MOST_QUEUED:
            self.close()
            return
        body: Any = {"stream": stream, "data": message} if self.is_combined and stream else message
        self.waiting.append(msgspec.json.encode(body))
        self._wake()

    def close(self) -> None:
        """No more messages; the connection ends."""
        self.is_closed = True
        self._wake()


class Hub:
    """All sessions of a venue."""

    def __init__(self, venue: Venue, faults: Faults) -> None:
        self.venue = venue
        self.faults = faults
        self.sessions: set[Session] = set()
        self.teller = Teller(venue.market)
        venue.watchers.append(self.told)

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
        """Something happened: private events first, then the market."""
        for one in told:
            self._private(one)
            for happening in one.happenings:
                if happening.kind == "liquidated":
                    self._liquidated(one, happening)
        self._public()
        if (count := self.faults.take("drop")) is not None:
            for session in list(self.sessions)[: count or None]:
                session.close()

    def _private(self, one: Told) -> None:
        sessions = [session for session in self.sessions if session.account == one.account.number]
        if not sessions:
            return
        events = events_of(one.account, self.venue.market, one.happenings)
        if self.faults.take("reorder") is not None:
            events.reverse()
        times = 2 if self.faults.take("duplicate") is not None else 1
        for session in sessions:
            for event in events:
                for _ in range(times):
                    session.send(event, session.key)

    def _liquidated(self, one: Told, happening: Any) -> None:
        event = liquidation_event(one.account, self.venue.market, happening)
        for session in self.sessions:
            for stream in session.streams.values():
                if stream and stream.kind == "forceOrder" and stream.contract in (-1, happening.contract):
                    session.send(event, stream.name)

    def _public(self) -> None:
        wanted = {
            stream.name: stream for session in self.sessions for stream in session.streams.values() if stream
        }
        for name, message in self.teller.messages(list(wanted.values())):
            for session in self.sessions:
                if name in session.streams:
                    session.send(message, name)

    def expire(self, key: str) -> None:
        """A listen key ended: its streams are told and closed."""
        event = {"e": "listenKeyExpired", "E": self.venue.market.now_ns // 10**6, "listenKey": key}
        for session in list(self.sessions):
            if session.key == key:
                session.send(event, key)
                session.account = 0
