"""Live capture: a venue's messages as they come, through ccxt.pro, into a log and from there into the store.

The text of each message is taken, not what ccxt makes of it. The book is not kept here: its changes are
recorded, and a snapshot where a chain of changes begins.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from os import environ, getpid
from typing import Any, Final

from lotwise.app import capture_log as logs
from lotwise.app.capture_log import Log
from lotwise.app.public_line import PAUSES_S, Pause, connected, listen
from lotwise.app.recorder import Recorder, Standing
from lotwise.app.refresh import exact_json
from lotwise.clock import Clock, SystemClock
from lotwise.errors import InputError, VenueError
from lotwise.market.check import at_time
from lotwise.market.kinds import DEPTH, KINDS, QUOTES, TRADES, Kind
from lotwise.market.store import Series, Store
from lotwise.units import shown

VENUES: Final = ("binance",)
CAPTURED: Final = (TRADES, QUOTES, DEPTH)
ROADS: Final = {TRADES: "market", QUOTES: "public", DEPTH: "public"}
"""Which of Binance's sockets carries a kind."""
EVENTS: Final = {"aggTrade": TRADES.name, "bookTicker": QUOTES.name, "depthUpdate": DEPTH.name}
LOG_BYTES: Final = 32 * 2**20
"""A log larger than this is brought into the store while the next one is written."""
FIRST_TRIES: Final = 5
COMMIT_S: Final = 1
SECONDS_OF_MINUTE: Final = 60
BOOK_LEVELS: Final = 1_000
MOST_MINUTES: Final = 366 * 1440


@dataclass(frozen=True)
class Listening:
    """What is to be recorded, and for how long; None: until somebody ends it."""

    venue: str
    contract: str
    kinds: tuple[str, ...] = ("trades", "quotes", "depth")
    minutes: int | None = None

    def series(self) -> Series:
        """The contract's name in the store; the kind is any of those recorded.

        Raises
        ------
        InputError
            DATA-450 a kind that is not recorded, DATA-451 a venue, DATA-452 minutes that are none.
        """
        if self.venue not in VENUES:
            raise InputError(
                "DATA-451", f"{shown(self.venue)} cannot be recorded live", f"one of {', '.join(VENUES)}"
            )
        known = [kind.name for kind in CAPTURED]
        odd = [kind for kind in self.kinds if kind not in known]
        if odd or not self.kinds:
            said = f"{shown(odd[0])} cannot be recorded live" if odd else "no kind is named"
            raise InputError("DATA-450", said, f"some of {','.join(known)}")
        if self.minutes is not None and not 1 <= self.minutes <= MOST_MINUTES:
            raise InputError("DATA-452", f"--minutes is {self.minutes}", f"use 1 to {MOST_MINUTES}")
        return Series(self.venue, self.contract, TRADES)


@dataclass
class Captured:
    """What a capture did."""

    venue: str
    contract: str
    seconds: int
    rows: dict[str, int]
    """Rows recorded, by kind."""
    recovered: dict[str, int]
    """Rows brought in that an earlier capture had left when it crashed."""
    standing: Standing

    def as_dict(self) -> dict[str, Any]:
        """Plain builtins."""
        told = asdict(self.standing)
        told.pop("rows")
        own = {"venue": self.venue, "contract": self.contract, "seconds": self.seconds}
        return {**own, "rows": self.rows, "recovered": self.recovered, **told}

    def lines(self) -> list[str]:
        """Lines for a person."""
        told = self.standing
        rows = ", ".join(f"{count:,} {kind}" for kind, count in self.rows.items()) or "nothing"
        found = [f"{rows} recorded in {self.seconds:,} s, {told.snapshots} snapshots of the book"]
        before = ", ".join(f"{count:,} {kind}" for kind, count in self.recovered.items())
        if before:
            found.insert(0, f"{before} brought in that a crash had left")
        if told.reconnects or told.again or told.late or told.odd:
            found.append(
                f"{told.reconnects} reconnects, {told.again} messages twice, {told.late} late,"
                f" {told.odd} without sense"
            )
        for gap in told.gaps:
            found.append(f"gap in {gap.kind} before {at_time(gap.at_ns)}: after {gap.after} ({gap.reason})")
        if told.book_wanted:
            found.append("the book has no snapshot since it last began anew: the next capture takes one")
        if any(gap.kind == TRADES.name for gap in told.gaps):
            name = f"{self.venue}:{self.contract}"
            found.append(f"missing trades can be downloaded: lotwise data fetch {name} trades --repair")
        return found


def recovered(store: Store, wanted: Listening) -> dict[str, int]:
    """Bring in what captures of a contract left when they crashed: rows by kind.

    Raises
    ------
    InputError
        DATA-453 where the store does not take it; DATA-450 to DATA-452.
    """
    series, found = wanted.series(), Counter[str]()
    for path in logs.left_over(store, series):
        found += logs.settle(store, series, path)
    return dict(found)


def capture(
    store: Store,
    wanted: Listening,
    *,
    environment: Mapping[str, str] = environ,
    clock: Clock | None = None,
    told: Callable[[Standing], None] = lambda standing: None,
    enough: Callable[[Standing], bool] = lambda standing: False,
    pause: Pause | None = None,
    log_bytes: int = LOG_BYTES,
) -> Captured:
    """Record a venue's live market until the minutes are over, Ctrl-C, or ``enough``.

    Parameters
    ----------
    told
        Told after every commit what is on the disk.
    enough
        Asked after every commit whether to end.
    pause
        Waits so many seconds before the venue is dialled again.

    Raises
    ------
    InputError
        DATA-204 the disk is full, DATA-450 to DATA-453. What was committed stays in the log.
    VenueError
        VENUE-404 the venue cannot be reached at all, VENUE-405 it does not know the contract, VENUE-501.
    """
    before = recovered(store, wanted)
    listener = _Listener(store, wanted, environment, clock or SystemClock(), told, enough, pause, log_bytes)
    return asyncio.run(listener.run(before))


class _Listener:
    """One capture, in the loop that it runs in."""

    def __init__(
        self,
        store: Store,
        wanted: Listening,
        environment: Mapping[str, str],
        clock: Clock,
        told: Callable[[Standing], None],
        enough: Callable[[Standing], bool],
        pause: Pause | None,
        log_bytes: int,
    ) -> None:
        self.store, self.wanted, self.environment, self.clock = store, wanted, environment, clock
        self.told, self.enough, self.pause, self.log_bytes = told, enough, pause or self._wait, log_bytes
        self.series = wanted.series()
        self.kinds: list[Kind] = [KINDS[name] for name in wanted.kinds]
        self.logs = 0
        self.settled: Counter[str] = Counter()
        self.settling: asyncio.Task[Counter[str]] | None = None
        self.stop = asyncio.Event()
        self.book = asyncio.Event()
        self.failed: VenueError | None = None

    async def run(self, before: dict[str, int]) -> Captured:
        """Dial, listen, commit every second, and bring all into the store at the end."""
        loop = asyncio.get_running_loop()
        for end in (signal.SIGINT, signal.SIGTERM):
            with suppress(RuntimeError, ValueError):  # not in this thread, or not on this system
                loop.add_signal_handler(end, self.stop.set)
        began = loop.time()
        self.exchange = connected(self.environment)
        try:
            await self._known()
            await self._recording(began)
        finally:
            await self.exchange.close()
        if self.failed:
            raise self.failed
        rows = {name: self.settled[name] for name in self.wanted.kinds if self.settled[name]}
        seconds = round(loop.time() - began)
        return Captured(self.series.venue, self.series.contract, seconds, rows, before, self.recorder.told)

    async def _recording(self, began: float) -> None:
        self.recorder = Recorder(self._log(), self.kinds)
        tasks: list[asyncio.Task[None]] = []
        for number, road in enumerate(sorted({ROADS[kind] for kind in self.kinds})):
            kinds = [kind for kind in self.kinds if ROADS[kind] == road]
            streams = [f"{self.series.contract.lower()}@{logs.streamed(kind)}" for kind in kinds]
            cut, pause = partial(self.recorder.cut, kinds), self.pause
            line = listen(self.exchange, (road, number), streams, self._heard, cut=cut, pause=pause)
            tasks.append(asyncio.create_task(line))
        if DEPTH in self.kinds:
            tasks.append(asyncio.create_task(self._books()))
        try:
            await self._committing(tasks, began)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end()

    # -- the disk ----------------------------------------------------------------------------------

    def _log(self) -> Log:
        self.logs += 1
        name = f"{self.clock.now_ns()}-{getpid()}-{self.logs}.log"
        return Log(logs.folder_of(self.store, self.series) / name)

    async def _committing(self, tasks: list[asyncio.Task[None]], began: float) -> None:
        """Commit every second until it is enough."""
        loop, minutes = asyncio.get_running_loop(), self.wanted.minutes
        while not self.stop.is_set():
            await self._wait(COMMIT_S)
            self.recorder.commit()
            self.told(self.recorder.told)
            for task in tasks:
                if task.done():
                    task.result()  # a task ends by an error only
            if self.enough(self.recorder.told) or (
                minutes and loop.time() - began >= SECONDS_OF_MINUTE * minutes
            ):
                self.stop.set()
            if self.recorder.log.size >= self.log_bytes:
                await self._rotate()

    async def _rotate(self) -> None:
        """Go on in a new log, and bring the old one into the store beside."""
        old, self.recorder.log = self.recorder.log, self._log()
        await self._settled()
        old.close()
        self.settling = asyncio.create_task(asyncio.to_thread(logs.settle, self.store, self.series, old.path))

    async def _settled(self) -> None:
        if self.settling is not None:
            task, self.settling = self.settling, None
            self.settled += await task

    async def _end(self) -> None:
        self.recorder.commit(last=True)
        self.recorder.log.close()
        self.told(self.recorder.told)
        await self._settled()
        self.settled += logs.settle(self.store, self.series, self.recorder.log.path)

    async def _wait(self, seconds: float) -> None:
        """So long, or until it is to end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)

    # -- the venue ---------------------------------------------------------------------------------

    async def _known(self) -> None:
        """Ask once whether the venue is there and knows the contract: a stream of no contract is silent."""
        import ccxt

        for number, seconds in enumerate(PAUSES_S[:FIRST_TRIES], 1):
            try:
                await self.exchange.fapiPublicGetDepth({"symbol": self.series.contract, "limit": 5})
                return
            except ccxt.OperationFailed as error:  # the network, or the venue for now
                if number == FIRST_TRIES:
                    raise VenueError(
                        "VENUE-404",
                        f"{self.series.venue} cannot be reached, tried {number} times: {_short(error)}",
                        "check the network, or try again later",
                    ) from error
                await self.pause(seconds)
            except ccxt.BaseError as error:
                raise VenueError(
                    "VENUE-405",
                    f"{self.series.venue} does not tell of {shown(self.series.contract)}: {_short(error)}",
                    "see how the contract is spelled",
                ) from error

    def _heard(self, client: Any, text: str | bytes) -> None:
        """A message as the venue wrote it; nothing may be raised here, ccxt would stop listening."""
        try:
            words = text.decode() if isinstance(text, bytes) else text
            message = exact_json(words)
            kind = EVENTS.get(message.get("e", ""))
            if kind is not None:
                self.recorder.take(kind, message, " ".join(words.splitlines()))
                if self.recorder.told.book_wanted:
                    self.book.set()
            elif message.get("error") is not None:
                self.failed = VenueError(
                    "VENUE-405", f"the venue refuses to be listened to: {str(message['error'])[:200]}", ""
                )
                self.stop.set()
            elif "id" in message:
                client.resolve(True, "ready")
        except (ValueError, AttributeError, TypeError):
            self.recorder.told.odd += 1

    async def _books(self) -> None:
        """Take a snapshot of the book whenever its chain of changes begins anew."""
        import ccxt

        failures = 0
        while True:
            await self.book.wait()
            with suppress(ccxt.BaseError):  # a venue that does not answer now is asked again
                asked = {"symbol": self.series.contract, "limit": BOOK_LEVELS}
                if self.recorder.snapshot(await self.exchange.fapiPublicGetDepth(asked)):
                    failures = 0
                    self.book.clear()
                    continue
            await self.pause(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1


def _short(error: Exception) -> str:
    """The first 160 characters of an error, on one line."""
    return " ".join(f"{type(error).__name__} {error}".split())[:160]
