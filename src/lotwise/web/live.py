"""The live socket: frames of the market and states of the account, encoded once for all who look.

Each client has room for one frame and one state: a newer one takes the place of one that was not sent yet, so
a slow client skips and never falls behind. One that takes nothing for half a second is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from lotwise.app.desk_feed import INTERVALS
from lotwise.app.desk_words import price8_text
from lotwise.clock import Clock
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.app.desk import Desk

FRAME_S: Final = 0.1
STATE_S: Final = 0.25
QUIET_S: Final = 1.0
"""Without news a frame still comes so often: the page tells a dead line from a quiet market."""
SLOW_S: Final = 0.5
MOST_EVENTS: Final = 200
MOST_CLIENTS: Final = 200
LONGEST_ASKED: Final = 2_000
MS: Final = 10**6
TOO_SLOW, TOO_MANY, SENSELESS = 4008, 4013, 4000


class Watch(msgspec.Struct, frozen=True):
    """What a client asks for."""

    watch: str
    interval: str = "1m"
    panels: tuple[str, ...] = ("book", "account")


class Client:
    """One open page."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.watched: tuple[str, str] | None = None
        self.frame, self.state = "", ""
        self.events: deque[str] = deque(maxlen=MOST_EVENTS)
        self.wake = asyncio.Event()

    def give(self, *, frame: str = "", state: str = "", event: str = "") -> None:
        """Put something into its box."""
        self.frame, self.state = frame or self.frame, state or self.state
        if event:
            self.events.append(event)
        self.wake.set()

    async def write(self) -> None:
        """Send what is in the box until it cannot be taken.

        Raises
        ------
        TimeoutError
            It was not taken in time.
        """
        while True:
            await self.wake.wait()
            self.wake.clear()
            texts = [*self.events, self.state, self.frame]
            self.events.clear()
            self.frame = self.state = ""
            for text in texts:
                if text:
                    await asyncio.wait_for(self.socket.send_text(text), SLOW_S)


@dataclass
class Channel:
    """Frames of one contract and interval."""

    seq: int = 0
    text: str = ""
    sent_at: float = 0.0
    is_new: bool = True
    clients: set[Client] = field(default_factory=set)


class Hub:
    """Everyone who looks at one desk; a listener of its session."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self.desk, self.clock = desk, clock
        self.clients: set[Client] = set()
        self.channels: dict[tuple[str, str], Channel] = {}
        self.encoded = 0
        """Frames that were encoded, for all clients together."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._state: Mapping[str, Any] | None = None
        self._state_text, self._state_seq = "", 0
        self._own: dict[tuple[str, int, int], int] = {}
        desk.listeners.append(self)
        desk.feed.changed.append(self._heard)

    # -- from the session's thread

    def account(self, state: Mapping[str, Any]) -> None:
        """The account has changed."""
        self._call(self._take_state, state)

    def event(self, event: Mapping[str, Any]) -> None:
        """Something happened."""
        self._call(self._take_event, event)

    def _call(self, function: Any, told: Mapping[str, Any]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, told)

    # -- in the loop

    def _take_state(self, state: Mapping[str, Any]) -> None:
        self._state = state

    def _take_event(self, event: Mapping[str, Any]) -> None:
        text = msgspec.json.encode(event).decode()
        for client in self.clients:
            client.give(event=text)

    def _heard(self, contract_id: str) -> None:
        for interval in INTERVALS:
            channel = self.channels.get((contract_id, interval))
            if channel is not None:
                channel.is_new = True

    async def run(self) -> None:
        """Hand out frames and states until cancelled."""
        self._loop = loop = asyncio.get_running_loop()
        if self.desk.state:
            self._state = self.desk.state
        feed = asyncio.ensure_future(self.desk.feed.run())
        told_at, next_at = 0.0, loop.time()
        try:
            while True:
                now = loop.time()
                if self._state is not None and now - told_at >= STATE_S:
                    told_at = now
                    self._tell_state()
                for key, channel in self.channels.items():
                    if channel.clients and (channel.is_new or now - channel.sent_at >= QUIET_S):
                        channel.sent_at, channel.is_new = now, False
                        self._tell_frame(key, channel)
                next_at = max(next_at + FRAME_S, now)
                await asyncio.sleep(next_at - now)
        finally:
            feed.cancel()

    def _tell_state(self) -> None:
        state, self._state = dict(self._state or {}), None
        self._own = own_lots(state)
        self._state_seq += 1
        self._state_text = msgspec.json.encode({"t": "account", "seq": self._state_seq, **state}).decode()
        for client in self.clients:
            client.give(state=self._state_text)

    def _tell_frame(self, key: tuple[str, str], channel: Channel) -> None:
        channel.seq += 1
        self.encoded += 1
        channel.text = msgspec.json.encode(self.frame(key, channel.seq)).decode()
        for client in channel.clients:
            client.give(frame=channel.text)

    def frame(self, key: tuple[str, str], seq: int) -> dict[str, Any]:
        """The market at this moment."""
        contract_id, interval = key
        feed, contract = self.desk.feed, self.desk.contracts[contract_id]
        seen, age_ms = feed.seen[contract_id], min(feed.age_ns(contract_id) // MS, 10**9)
        own = self._own
        return {
            "t": "frame",
            "seq": seq,
            "ts": int(self.clock.now_ns()) // MS,
            "contract": contract_id,
            "interval": interval,
            "bar": list(seen.bars[interval]) if interval in seen.bars else None,
            "last": seen.last_ticks,
            "bid": seen.bid_ticks,
            "ask": seen.ask_ticks,
            "mark_text": price8_text(contract, seen.mark8),
            "book": {
                "bids": [[at, lots, own.get((contract_id, 1, at), 0)] for at, lots in seen.bids],
                "asks": [[at, lots, own.get((contract_id, -1, at), 0)] for at, lots in seen.asks],
            },
            "stale": feed.is_stale(contract_id),
            "age_ms": age_ms,
        }

    def watch(self, client: Client, asked: Watch) -> None:
        """Let a client see a contract.

        Raises
        ------
        InputError
            WEB-111.
        """
        self.desk.feed.watch(asked.watch, asked.interval)
        self._forget(client)
        key = (asked.watch, asked.interval)
        channel = self.channels.setdefault(key, Channel())
        channel.clients.add(client)
        client.watched, channel.is_new = key, True
        client.give(frame=channel.text, state=self._state_text)

    def _forget(self, client: Client) -> None:
        if client.watched is not None:
            self.channels[client.watched].clients.discard(client)

    async def serve(self, socket: WebSocket) -> None:
        """One page, from its opening to its end."""
        await socket.accept()
        if len(self.clients) >= MOST_CLIENTS:
            await socket.close(TOO_MANY)
            return
        client = Client(socket)
        self.clients.add(client)
        writing = asyncio.ensure_future(client.write())
        reading = asyncio.ensure_future(self._read(client))
        try:
            done, _ = await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            failed = next((one.exception() for one in done if one.exception()), None)
        finally:
            self.clients.discard(client)
            self._forget(client)
            for task in (writing, reading):
                task.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
        code = TOO_SLOW if isinstance(failed, TimeoutError) else SENSELESS
        try:
            await asyncio.wait_for(socket.close(code), SLOW_S)
        except (RuntimeError, TimeoutError, WebSocketDisconnect):
            return  # it is closed already, or takes nothing any more

    async def _read(self, client: Client) -> None:
        while True:
            text = await client.socket.receive_text()
            try:
                if len(text) > LONGEST_ASKED:
                    raise InputError("WEB-110", "the wish is too long", "name a contract and an interval")
                self.watch(client, msgspec.json.decode(text, type=Watch))
            except msgspec.MsgspecError as error:
                told = InputError(
                    "WEB-110", f"the wish cannot be read: {error}", '{"watch": "binance:BTCUSDT"}'
                )
                client.give(event=msgspec.json.encode({"t": "error", **told.as_dict()}).decode())
            except InputError as error:
                client.give(event=msgspec.json.encode({"t": "error", **error.as_dict()}).decode())


def own_lots(state: Mapping[str, Any]) -> dict[tuple[str, int, int], int]:
    """Lots of own limit orders by contract, side and price."""
    found: dict[tuple[str, int, int], int] = {}
    for order in state.get("orders", ()):
        if order["role"] in ("entry", "target"):
            key = (order["contract"], 1 if order["side"] == "buy" else -1, order["ticks"])
            found[key] = found.get(key, 0) + order["lots"]
    return found
