"""How a session hears its market: tops of book and closed bars, by asking or by stream, without holes.

Bars are always read by REST once they are closed, in both ways of hearing: so both hear the same bars, and
what was missed while a line was down is read then. A stream tells prices sooner; where it breaks it is begun
again, and asking goes on in between. A top that is not newer than the last one is no news: a venue that
serves yesterday's book goes stale, and the session opens nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from lotwise.broker.venue import VenuePort
from lotwise.contracts.contract import Contract
from lotwise.errors import UnitError, VenueError
from lotwise.records.live import VenueMarket
from lotwise.session.sight import WARM_UP
from lotwise.strategy.api import Bar
from lotwise.units import parse_scaled

MS: Final = 10**6
SECOND_NS: Final = 10**9
PAGE: Final = 500
"""Bars of one question."""
GRACE_NS: Final = 2 * SECOND_NS
"""So long after its end by the venue's clock a bar is closed, also where nothing was traded since."""
PAUSES_S: Final = (1, 2, 5, 10, 30)
"""Before a broken stream is begun again; the last for all further times."""


class BarReader(Protocol):
    """Whoever has the bars of a venue."""

    def bars(self, contract: Contract, since_ns: int) -> Sequence[Bar]:
        """Bars that open at that time or later, oldest first, the one that still forms included."""


class Listener(Protocol):
    """Who hears: the session."""

    def on_bar(self, contract_id: str, bar: Bar, is_late: bool = False) -> Any:
        """A bar is closed; a late one is not the last that is."""

    def on_market(self, top: VenueMarket) -> None:
        """A price."""

    def saw_bar(self, contract_id: str, bar: Bar) -> None:
        """A bar of a contract that is only watched."""


@dataclass
class Heard:
    """What one look at the market brought."""

    bars: int = 0
    tops: int = 0
    missing: int = 0
    """Bars that the venue does not have."""
    troubles: list[str] = field(default_factory=list)


class CcxtBars:
    """Bars of a venue through ccxt; numbers stay text until they are ticks.

    Parameters
    ----------
    client
        A ccxt exchange whose JSON keeps fractions as text (:func:`exact_client`).
    """

    def __init__(self, client: Any, bar: str) -> None:
        self.client, self.bar = client, bar

    def bars(self, contract: Contract, since_ns: int) -> Sequence[Bar]:
        """Bars from a time on.

        Raises
        ------
        VenueError
            TRADE-120 the venue does not answer, or not with bars.
        """
        try:
            symbol = self._symbol(contract)
            rows = self.client.fetch_ohlcv(symbol, self.bar, since_ns // MS, PAGE)
            found = [bar_of(contract, row) for row in rows]
        except Exception as error:  # ccxt raises anything at all; an answer without sense is one of them
            kind = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            raise VenueError(
                "TRADE-120", f"the bars of {contract.id} cannot be read: {kind}", "it is tried again"
            ) from error
        return sorted((bar for bar in found if bar.time_ns >= since_ns), key=lambda bar: bar.time_ns)

    def _symbol(self, contract: Contract) -> str:
        if not self.client.markets:
            self.client.load_markets()
        return str(self.client.safe_symbol(contract.symbol, None, None, "swap"))


def bar_of(contract: Contract, row: Sequence[Any]) -> Bar:
    """A row of ccxt as whole ticks and lots; prices between two ticks are an error, a part of a lot is cut.

    >>> from lotwise.contracts.contract import Contract
    >>> own = Contract(symbol="X", base="X", tick_size="0.10", lot_size="0.001")
    >>> bar_of(own, [60_000, "10.1", "10.3", "9.9", "10.0", "2.5007"])
    Bar(time_ns=60000000000, open_ticks=101, high_ticks=103, low_ticks=99, close_ticks=100, volume_lots=2500)
    """
    prices = [int(contract.price_ticks(str(cell), "price")) for cell in row[1:5]]
    lots = parse_scaled(str(row[5] or "0"), "volume", 16) // (10**8 * contract.scales.lot_size8)
    if not 0 < prices[2] <= min(prices) <= max(prices) <= prices[1]:
        raise UnitError("TRADE-120", f"a bar of {contract.id} from {prices[2]} to {prices[1]} ticks", "")
    return Bar(int(row[0]) * MS, prices[0], prices[1], prices[2], prices[3], lots)


class Feed:
    """Looks at the market when it is told to; who calls it decides when.

    Parameters
    ----------
    by_clock
        A bar is closed by the venue's clock too; on paper the market's time alone counts.
    beside
        A contract of which the closed bars are read and nothing else: BTC, where the guard asks for it.
    """

    def __init__(
        self,
        contracts: Sequence[Contract],
        port: VenuePort,
        reader: BarReader,
        bar_ns: int,
        by_clock: bool,
        beside: Contract | None = None,
    ) -> None:
        self.beside = beside
        self.contracts, self.port, self.reader = tuple(contracts), port, reader
        self.bar_ns, self.by_clock = bar_ns, by_clock
        self.tops: dict[str, VenueMarket] = {}
        self._next_ns: dict[str, int] = {}
        """Opening of the bar that is to come."""

    def warm_up(self, count: int) -> list[tuple[str, Bar]]:
        """Closed bars of the past for the strategies' memories, by time; hearing begins after them.

        Raises
        ------
        VenueError
            TRADE-120; and what the port raises.
        """
        found: list[tuple[str, Bar]] = []
        for contract in self.contracts:
            top = self.port.market(contract.id)
            present = self._now(top) // self.bar_ns * self.bar_ns
            self._next_ns[contract.id] = present
            found += self._past(contract, count, present)
        if self.beside is not None:
            present = max(self._next_ns.values())
            self._next_ns[self.beside.id] = present
            with suppress(VenueError):  # told at the next bar, when it is read again
                found += self._past(self.beside, max(count, WARM_UP), present)
        order = (*self.contracts, *([self.beside] if self.beside else []))
        numbers = {contract.id: number for number, contract in enumerate(order)}
        return sorted(found, key=lambda one: (one[1].time_ns, numbers[one[0]]))

    def _past(self, contract: Contract, count: int, present_ns: int) -> list[tuple[str, Bar]]:
        found: list[tuple[str, Bar]] = []
        first = present_ns - count * self.bar_ns
        while first < present_ns:
            page = [bar for bar in self.reader.bars(contract, first) if bar.time_ns < present_ns]
            found += [(contract.id, bar) for bar in page]
            if not page:
                break
            first = page[-1].time_ns + self.bar_ns
        return found

    def _now(self, top: VenueMarket) -> int:
        return max(top.time_ns, self.port.now_ns() - GRACE_NS) if self.by_clock else top.time_ns

    def look(self, listener: Listener) -> Heard:
        """Ask for all tops, and for the bars that have closed; tell them in the order of time.

        A bar is late where another has closed since: also where the venue tells a long silence in pages, and
        the newest of a page is hours old.
        """
        heard, closed = Heard(), list[tuple[int, int, Bar, bool]]()
        slack_ns = 0 if self.by_clock else self.bar_ns  # a paper market may run faster than it is looked at
        for number, contract in enumerate(self.contracts):
            try:
                top = self.port.market(contract.id)
                self.told(top, listener, heard)
                due = self._now(top)
                if (
                    due
                    >= self._next_ns.setdefault(contract.id, due // self.bar_ns * self.bar_ns) + self.bar_ns
                ):
                    over_ns = due - 2 * self.bar_ns - slack_ns
                    closed += [
                        (bar.time_ns, number, bar, bar.time_ns <= over_ns)
                        for bar in self._closed(contract, due, heard)
                    ]
            except VenueError as error:
                heard.troubles.append(error.message)
        if closed:  # before the strategies are asked: one question a bar
            self.look_beside(max(one[0] for one in closed) + self.bar_ns, listener, heard)
        for _, number, bar, is_late in sorted(closed, key=lambda one: one[:2]):
            heard.bars += 1
            listener.on_bar(self.contracts[number].id, bar, is_late)
        return heard

    def look_beside(self, due_ns: int, listener: Listener, heard: Heard) -> None:
        """Tell the bars of the contract beside that have closed by then; without them its health is stale."""
        if self.beside is None:
            return
        try:
            for bar in self.closed_before(self.beside, due_ns):
                listener.saw_bar(self.beside.id, bar)
        except VenueError as error:
            heard.troubles.append(error.message)

    def told(self, top: VenueMarket, listener: Listener, heard: Heard) -> None:
        """A top came: hand it on where it is news."""
        before = self.tops.get(top.contract_id)
        if before is not None and top.time_ns <= before.time_ns:
            return
        self.tops[top.contract_id] = top
        heard.tops += 1
        listener.on_market(top)

    def closed_before(self, contract: Contract, time_ns: int) -> list[Bar]:
        """Bars that ended by a time and were not told yet: for a session that is stepped.

        Raises
        ------
        VenueError
            TRADE-120.
        """
        self._next_ns.setdefault(contract.id, time_ns - self.bar_ns)
        return self._closed(contract, time_ns, Heard())

    def _closed(self, contract: Contract, due_ns: int, heard: Heard) -> list[Bar]:
        """Bars that have closed since the last one, with what was missed; the next is awaited after them."""
        since = self._next_ns[contract.id]
        bars = self.reader.bars(contract, since)
        closed = [bar for bar in bars if bar.time_ns + self.bar_ns <= due_ns]
        if not closed:
            return []
        after = closed[-1].time_ns + self.bar_ns
        heard.missing += (after - since) // self.bar_ns - len(closed)
        self._next_ns[contract.id] = after
        return closed


class Streams:
    """Tops of book by ccxt.pro, in a thread of their own; they are put into a box that the session empties.

    A stream that breaks is begun again after a pause; how often is counted in ``breaks``.
    """

    def __init__(self, client: Callable[[], Any], contracts: Sequence[Contract]) -> None:
        self._made, self.contracts = client, tuple(contracts)
        self.breaks = 0
        self.news = threading.Event()
        """Set when something came; who waits clears it."""
        self._box: dict[str, Mapping[str, Any]] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="lotwise-streams", daemon=True)

    @property
    def is_begun(self) -> bool:
        """Whether it listens."""
        return self._thread.ident is not None

    def begin(self) -> None:
        """Listen."""
        self._thread.start()

    def end(self, timeout_s: float = 10) -> None:
        """Listen no more."""
        self._stop.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: None)
        self._thread.join(timeout_s)

    def taken(self) -> Mapping[str, Mapping[str, Any]]:
        """The newest ticker of each contract since the last time."""
        with self._lock:
            box, self._box = self._box, {}
        return box

    def _run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        self._loop, pause = asyncio.get_running_loop(), 0
        while not self._stop.is_set():
            client = self._made()
            try:
                await client.load_markets()
                names = {client.safe_symbol(one.symbol, None, None, "swap"): one.id for one in self.contracts}
                while not self._stop.is_set():
                    told = await self._next(client, list(names))
                    with self._lock:
                        self._box |= {names[name]: one for name, one in told.items() if name in names}
                    self.news.set()
                    pause = 0
            except Exception:  # a line breaks in any way there is; asking goes on meanwhile
                self.breaks += 1
                await self._paused(PAUSES_S[min(pause, len(PAUSES_S) - 1)])
                pause += 1
            finally:
                await client.close()

    async def _next(self, client: Any, names: list[str]) -> Mapping[str, Any]:
        """The next news, or none when it is time to look whether to end."""
        watching = asyncio.ensure_future(client.watch_bids_asks(names))
        while not self._stop.is_set():
            done, _ = await asyncio.wait({watching}, timeout=0.5)
            if done:
                found: Mapping[str, Any] = watching.result()
                return found
        watching.cancel()
        return {}

    async def _paused(self, seconds: float) -> None:
        ends = asyncio.get_running_loop().time() + seconds
        while not self._stop.is_set() and asyncio.get_running_loop().time() < ends:
            await asyncio.wait({asyncio.ensure_future(asyncio.sleep(0.1))})


def exact_client(client: Any) -> Any:
    """A ccxt client whose numbers are text: nothing is rounded on the way."""
    from lotwise.app.refresh import exact_json

    client.number = str
    client.on_json_response = exact_json
    return client


class Lockstep:
    """Plays the exchange of this machine on by its admin port: a session and its market step in turn."""

    def __init__(self, admin: str) -> None:
        from urllib.parse import urlsplit

        parts = urlsplit(admin)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80

    def step(self, *, events: int = 0, until_ns: int = 0) -> tuple[int, int]:
        """Play so many events, or all that are before a time; how many were played, and the market's time.

        Raises
        ------
        VenueError
            TRADE-121 the admin port does not answer as it should.
        """
        body = {"until_ms": until_ns // MS} if until_ns else {"events": events}
        told = self._asked("POST", "/step", body)
        return int(told["played"]), int(told["now_ms"]) * MS

    def now_ns(self) -> int:
        """The market's time.

        Raises
        ------
        VenueError
            TRADE-121.
        """
        return int(self._asked("GET", "/status", None)["now_ms"]) * MS

    def is_over(self) -> bool:
        """Whether the market has no more events.

        Raises
        ------
        VenueError
            TRADE-121.
        """
        told = self._asked("GET", "/status", None)
        return int(told["position"]) >= int(told["events"])

    def _asked(self, method: str, path: str, body: Any) -> Any:
        import json
        from http.client import HTTPConnection, HTTPException

        line = HTTPConnection(self._host, self._port, timeout=60)
        try:
            line.request(method, path, json.dumps(body) if body is not None else None)
            answer = line.getresponse()
            told = json.loads(answer.read())
            if answer.status == 200:
                return told
            words = str(told)[:160]
        except (OSError, HTTPException, ValueError) as error:
            words = f"{type(error).__name__} {error}"
        finally:
            line.close()
        raise VenueError(
            "TRADE-121",
            f"the admin port at {self._host}:{self._port} answers {method} {path} with {words}",
            "start `lotwise exchange --speed 0` and give its admin address as paper.admin",
        )
