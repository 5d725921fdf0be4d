"""Captures of websocket streams: book changes, trades and quotes of each contract, exactly as sent.

Two ways to write them down are known. hftbacktest's: ``<local ns> <json>`` a line, the json as it came, and
the REST snapshot of the book a line of its own. cryptofeed's: a json object a line, ``{"t": "recv", "conn":
..., "ts": ..., "data": "<json as it came>"}``, REST answers as ``"t": "http"`` with their ``url``. Both may
be packed. Streams that are read: Binance ``depth`` (changes, not ``depth20``), ``trade``, ``aggTrade``,
``bookTicker``; Bybit ``orderbook``, ``publicTrade``. All others are passed by.

The time of a row is the venue's: of the matching where it says that (Binance T, Bybit cts and T), never this
machine's. A spot contract of Bybit, whose symbol a perpetual has too, gets ``.spot`` after its name.

Source: Binance USD-M futures, "Diff. Book Depth Streams"; Bybit v5, "Orderbook" and "Trade".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from lotwise.errors import InputError
from lotwise.market.columns import LATEST_NS
from lotwise.market.forms import Form, Numbered, Part, table_of
from lotwise.market.kinds import DEPTH, QUOTES, TRADES, Kind, Table
from lotwise.market.packed import blocks

BATCH: Final = 500_000
"""Rows of one kind and contract that are held before they are given."""
_ROWS: Final = {
    kind.name: Form(kind, (), {name: name for name in kind.columns}) for kind in (DEPTH, TRADES, QUOTES)
}


@dataclass
class _Held:
    """Rows of one kind of one contract."""

    kind: Kind
    stream: str
    """What they came from: two streams of one kind do not mix."""
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    empty: tuple[int, int] | None = None
    """First and previous id of changes that changed no level, for the next that does."""


class _Reading:
    """What is known while a file is read."""

    def __init__(self, file: str, form: str, latest_ns: int) -> None:
        self.file, self.form, self.latest_ns = file, form, latest_ns
        self.line = 0
        self.category: dict[str, str] = {}
        self.alone = ""
        """The contract of the streams, where snapshots do not say theirs."""
        self.held: dict[tuple[str, str], _Held] = {}

    def bad(self, told: str) -> InputError:
        """The error of a line."""
        return InputError(
            "DATA-127",
            f"{self.file}, line {self.line}: {told}",
            hint="the file is damaged, or the capture was cut off: remove the line, and look at the sequence",
        )

    def into(self, contract: str, kind: Kind, stream: str) -> _Held | None:
        """Where rows go; nowhere where another stream is wanted."""
        if self.form and stream != self.form:
            return None
        held = self.held.get((contract, kind.name))
        if held is None:
            held = self.held[contract, kind.name] = _Held(kind, stream)
        elif held.stream != stream and stream:
            if held.stream:
                raise InputError(
                    "DATA-121",
                    f"{self.file}, line {self.line}: {kind.name} of {contract} from {stream}, and from"
                    f" {held.stream} before",
                    hint=f"take one of them: --form {stream}",
                )
            held.stream = stream
        return held

    def given(self, held: _Held) -> Table:
        """What is held, as a table."""
        import polars as pl

        names = list(held.kind.columns)
        columns = list(zip(*held.rows, strict=True)) if held.rows else [()] * len(names)
        series = [pl.Series(name, values, strict=False) for name, values in zip(names, columns, strict=True)]
        place = Numbered(self.file, numbers=held.lines, word="line")
        table = table_of(_ROWS[held.kind.name], pl.DataFrame(series), place, latest_ns=self.latest_ns)
        held.rows, held.lines = [], []
        return table


def parts(path: Path, form: str = "", latest_ns: int = LATEST_NS) -> Iterator[Part]:
    """The rows of a capture, some at a time.

    Parameters
    ----------
    form
        The one stream to take, by its name: ``depth@100ms``, ``aggTrade``, ``orderbook.200`` ...; all where
        it is not given.

    Raises
    ------
    InputError
        DATA-120 cut off, DATA-121 two streams of one kind, DATA-127 a line that is no message, DATA-128
        nothing that is read in it, DATA-136 a stamp in the future, and what :mod:`lotwise.market.columns`
        refuses.
    """
    reading = _Reading(path.name, form, latest_ns)
    none = True
    for content in blocks(path):
        for line in content.splitlines():
            reading.line += 1
            if line:
                _line(reading, line)
        for (contract, _), held in reading.held.items():
            if len(held.rows) >= BATCH:
                none = False
                yield contract, reading.given(held)
    for (contract, _), held in reading.held.items():
        if held.rows:
            none = False
            yield contract, reading.given(held)
    if none:
        raise InputError(
            "DATA-128",
            f"{path.name}: {reading.line:,} lines, and no book change, trade or quote"
            + (f" of the stream {form}" if form else ""),
            hint="see which streams were written down, and how",
        )


def _line(reading: _Reading, line: bytes) -> None:
    """One line of either way to write."""
    try:
        if line[:1] == b"{":
            _of_cryptofeed(reading, msgspec.json.decode(line))
        else:
            stamp, _, message = line.partition(b" ")
            if not stamp.isdigit():
                raise reading.bad(f"it begins with {line[:20]!r}, neither a stamp nor an object")
            _message(reading, msgspec.json.decode(message), "", "")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        told = f"{type(error).__name__} {error}" if not isinstance(error, ValueError) else str(error)
        raise reading.bad(f"no message that is known: {told}") from error


def _of_cryptofeed(reading: _Reading, record: dict[str, Any]) -> None:
    what = record["t"]
    if what == "connect":
        reading.category[record["conn"]] = urlsplit(record.get("addr", "")).path.rsplit("/", 1)[-1]
    elif what == "recv":
        _message(reading, msgspec.json.decode(record["data"]), reading.category.get(record["conn"], ""), "")
    elif what == "http":
        url = urlsplit(record["url"])
        if url.path.endswith("/depth"):
            _message(reading, msgspec.json.decode(record["data"]), "", parse_qs(url.query)["symbol"][0])


def _message(reading: _Reading, message: Any, category: str, symbol: str) -> None:
    if not isinstance(message, dict):
        raise reading.bad("a message that is no object")
    if "lastUpdateId" in message:
        _binance_snapshot(reading, message, symbol or message.get("symbol", ""))
    elif "topic" in message:
        _bybit(reading, message, ".spot" if category == "spot" else "")
    else:
        stream = message.get("stream", "").partition("@")[2]
        event = message.get("data", message)
        if isinstance(event, dict):
            _binance(reading, event, stream or event.get("e", ""))


def _binance(reading: _Reading, event: dict[str, Any], stream: str) -> None:
    what = event.get("e", "")
    if what == "depthUpdate" and not stream[5:6].isdigit():
        reading.alone = event["s"]
        if held := reading.into(event["s"], DEPTH, stream):
            ids = event["U"], event["u"], event.get("pu", event["U"] - 1)
            _levels(reading, held, event["T"], ids, sides=(event["b"], event["a"]), snapshot=False)
    elif what in ("trade", "aggTrade"):
        if held := reading.into(event["s"], TRADES, stream):
            number = event["t"] if what == "trade" else event["a"]
            held.rows.append((event["T"], number, event["p"], event["q"], event["m"]))
            held.lines.append(reading.line)
    elif what == "bookTicker" and (held := reading.into(event["s"], QUOTES, stream)):
        held.rows.append((event["T"], event["u"], event["b"], event["B"], event["a"], event["A"]))
        held.lines.append(reading.line)


def _binance_snapshot(reading: _Reading, answer: dict[str, Any], symbol: str) -> None:
    contract = symbol or reading.alone
    if not contract:
        raise reading.bad("a snapshot before the first change of a book, and it does not say whose it is")
    if "T" not in answer:
        raise reading.bad("a snapshot without a time: those of spot cannot be put in order")
    depth = reading.held.get((contract, DEPTH.name))
    stream = depth.stream if depth else reading.form
    if held := reading.into(contract, DEPTH, stream):
        ids = (answer["lastUpdateId"],) * 3
        sides = answer["bids"], answer["asks"]
        _levels(reading, held, answer["T"], ids, sides=sides, snapshot=True)


def _bybit(reading: _Reading, message: dict[str, Any], suffix: str) -> None:
    topic, _, _ = message["topic"].rpartition(".")
    if topic.startswith("orderbook"):
        book = message["data"]
        if held := reading.into(book["s"] + suffix, DEPTH, topic):
            snapshot = message["type"] == "snapshot"
            ids = (book["u"],) * 3
            sides = book["b"], book["a"]
            _levels(reading, held, message.get("cts", message["ts"]), ids, sides=sides, snapshot=snapshot)
    elif topic == "publicTrade":
        for trade in message["data"]:
            if held := reading.into(trade["s"] + suffix, TRADES, topic):
                held.rows.append((trade["T"], trade["i"], trade["p"], trade["v"], trade["S"]))
                held.lines.append(reading.line)


def _levels(
    reading: _Reading, held: _Held, time: int, ids: tuple[int, int, int], *, sides: Any, snapshot: bool
) -> None:
    """The rows of one message. One that changes no level has none: its ids go to the next message."""
    first, last, previous = ids
    if held.empty and not snapshot:
        (first, previous), held.empty = held.empty, None
    if not sides[0] and not sides[1]:
        held.empty = (first, previous if previous != last else last - 1)
        return
    for is_bid, side in ((True, sides[0]), (False, sides[1])):
        found = dict(side)  # of a level that is named twice the last is what rests there
        held.rows += [
            (time, first, last, previous, snapshot, is_bid, price, rest) for price, rest in found.items()
        ]
        held.lines += [reading.line] * len(found)
