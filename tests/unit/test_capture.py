"""What a capture makes of messages, and the log that a crash cannot hurt."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")
pytest.importorskip("ccxt")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from lotwise.app import capture_log as logs  # noqa: E402
from lotwise.app.capture import Captured, Listening, recovered  # noqa: E402
from lotwise.app.capture_log import Log, entries, left_over, rows_of, settle  # noqa: E402
from lotwise.app.recorder import REMEMBERED, Chain, Gap, Recorder, Standing, Verdict, sound  # noqa: E402
from lotwise.errors import InputError  # noqa: E402
from lotwise.market.kinds import DEPTH, QUOTES, TRADES, Kind  # noqa: E402
from lotwise.market.store import DAY_NS, Series, Store  # noqa: E402
from tests.e2e.loopback_venue import START_MS, quote_tape  # noqa: E402

BTC = Series("binance", "BTCUSDT", TRADES)
KINDS = (TRADES, QUOTES, DEPTH)
STREAMS = {"aggTrade": "trades", "bookTicker": "quotes", "depth@100ms": "depth"}
Message = dict[str, Any]


def messages(count: int, start: int = 0) -> Iterator[tuple[str, Message]]:
    """So many messages of the three kinds in turn."""
    for stream, message in islice(quote_tape("BTCUSDT", start), count):
        assert isinstance(message, dict)
        yield STREAMS[stream], message


def depth(first: int, last: int, previous: int, levels: int = 1, at_ms: int = START_MS) -> Message:
    bids = [[f"{100 + i}.5", "1.0"] for i in range(levels)]
    return {"e": "depthUpdate", "T": at_ms, "U": first, "u": last, "pu": previous, "b": bids, "a": []}


def book(last: int) -> Message:
    return {
        "lastUpdateId": last,
        "E": START_MS,
        "T": START_MS,
        "bids": [["99.5", "2"]],
        "asks": [["101", "3"]],
    }


class Recording:
    """A recorder on a log in a store."""

    def __init__(self, root: Path, *kinds: Kind, name: str = "1.log") -> None:
        self.store = Store(root)
        self.log = Log(logs.folder_of(self.store, BTC) / name)
        self.recorder = Recorder(self.log, kinds or KINDS)

    def take(self, kind: str, message: Message) -> str:
        verdict = self.recorder.take(kind, message, json.dumps(message))
        return verdict.name if verdict else ""

    def end(self) -> dict[str, int]:
        self.recorder.commit(last=True)
        self.log.close()
        return dict(settle(self.store, BTC, self.log.path))


def stored(store: Store, kind: Kind) -> list[tuple[Any, ...]]:
    frame, scale = store.scan(Series("binance", "BTCUSDT", kind))
    prices = [name for name, unit in kind.columns.items() if unit.value == "price"]
    amounts = [name for name, unit in kind.columns.items() if unit.value == "quantity"]
    made = [(pl.col(name) / 10**scale.price).alias(name) for name in prices]
    made += [(pl.col(name) / 10**scale.quantity).alias(name) for name in amounts]
    return list(frame.with_columns(made).collect().rows())


# -- the order of messages -------------------------------------------------------------------------


def by_hand(ids: list[tuple[int, int]]) -> list[str]:
    """The verdicts again, from all ids before."""
    found = []
    for at, (previous, last) in enumerate(ids):
        before = [end for _, end in ids[:at]]
        if last in before:
            found.append("AGAIN")
        elif not before:
            found.append("FIRST")
        elif last < max(before):
            found.append("LATE")
        else:
            found.append("NEXT" if previous == max(before) else "GAP")
    return found


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_verdicts_are_those_found_by_looking_at_all_messages_before(ids: list[tuple[int, int]]) -> None:
    chain = Chain()
    assert [chain.judge(*one).name for one in ids] == by_hand(ids)


def test_a_chain_remembers_so_many_and_no_more() -> None:
    chain = Chain()
    for number in range(REMEMBERED + 1):
        chain.judge(number - 1, number)
    assert chain.judge(0, 1) is Verdict.AGAIN
    assert chain.judge(-1, 0) is Verdict.LATE


def test_a_missing_message_is_a_gap_unless_it_comes_late(tmp_path: Path) -> None:
    here = Recording(tmp_path, DEPTH)
    ids = [(1, 5, 0), (6, 9, 5), (15, 20, 14), (10, 14, 9), (31, 40, 30), (31, 40, 30), (41, 42, 40)]
    assert [here.take("depth", depth(*one)) for one in ids] == [
        *("FIRST", "NEXT", "GAP", "LATE", "GAP", "AGAIN", "NEXT")
    ]
    here.recorder.commit()
    assert here.recorder.told.gaps == [], "it may still come"
    here.recorder.commit()
    (gap,) = here.recorder.told.gaps
    assert (gap.kind, gap.reason, gap.after, gap.before) == ("depth", "sequence", 20, 30)
    kept = [kind for kind, _ in entries(here.log.path)]
    assert kept == [*["depth"] * 6, "gap"], "what came twice is written once"
    left = here.log.path.read_bytes()
    assert here.end() == {"depth": 6}
    here.log.path.write_bytes(left)
    assert settle(here.store, BTC, here.log.path) == {"depth": 6}
    assert (here.recorder.told.again, here.recorder.told.late) == (1, 1)
    assert [one["after"] for one in logs.gaps_of(here.store, BTC)] == [20]
    assert [row[2] for row in stored(here.store, DEPTH)] == [5, 9, 14, 20, 40, 42]


def test_trades_with_a_missing_id_and_quotes_after_a_cut_line_are_gaps(tmp_path: Path) -> None:
    here = Recording(tmp_path)
    tape = list(messages(18))
    for kind, message in tape[:6]:
        here.take(kind, message)
    here.recorder.cut(KINDS)
    for kind, message in tape[12:]:
        here.take(kind, message)
    here.recorder.commit(last=True)
    gaps = {(gap.kind, gap.reason): (gap.after, gap.before) for gap in here.recorder.told.gaps}
    assert gaps == {
        ("trades", "sequence"): (2, 4),
        ("quotes", "connection"): (1014, 1044),
        ("depth", "sequence"): (1020, 1040),
    }
    assert here.end() == {"trades": 4, "quotes": 4, "depth": 12}


def test_a_cut_line_that_lost_nothing_is_no_gap_where_ids_say_so(tmp_path: Path) -> None:
    here = Recording(tmp_path, TRADES)
    for kind, message in messages(12):
        if message.get("a") == 3:
            here.recorder.cut([TRADES])
        here.take(kind, message)
    here.recorder.commit(last=True)
    assert (here.recorder.told.gaps, here.recorder.told.reconnects) == ([], 1)
    assert here.end() == {"trades": 4}


# -- the book --------------------------------------------------------------------------------------


def test_a_snapshot_is_wanted_at_the_beginning_after_a_gap_and_on_a_new_day(tmp_path: Path) -> None:
    here = Recording(tmp_path, DEPTH)
    recorder, day_ms = here.recorder, DAY_NS // 10**6
    assert not recorder.snapshot(book(3)), "nothing was heard yet"
    here.take("depth", depth(6, 9, 5))
    assert recorder.told.book_wanted
    assert not recorder.snapshot(book(4)), "older than the first change: it cannot be joined"
    assert recorder.snapshot(book(5))
    assert not recorder.told.book_wanted
    here.take("depth", depth(10, 12, 9))
    assert not recorder.told.book_wanted
    here.take("depth", depth(20, 22, 19))
    assert recorder.told.book_wanted
    assert recorder.snapshot(book(22))
    here.take("depth", depth(23, 24, 22, at_ms=START_MS + day_ms))
    assert recorder.told.book_wanted
    assert recorder.snapshot(book(24) | {"T": START_MS + day_ms})
    assert recorder.told.snapshots == 3
    assert here.end() == {"depth": 10}
    rows = stored(here.store, DEPTH)
    assert [row[1:] for row in rows if row[4]][:2] == [
        (5, 5, 5, True, False, 101.0, 3.0),
        (5, 5, 5, True, True, 99.5, 2.0),
    ]


def test_a_change_of_no_level_makes_no_row_and_no_gap(tmp_path: Path) -> None:
    here = Recording(tmp_path, DEPTH)
    for ids in ((1, 5, 0, 1), (6, 9, 5, 0), (10, 12, 9, 2), (13, 14, 12, 0), (30, 31, 29, 1)):
        here.take("depth", depth(*ids))
    assert here.end() == {"depth": 4}
    assert [row[1:4] for row in stored(here.store, DEPTH)] == [
        (1, 5, 0),
        (6, 12, 5),
        (6, 12, 5),
        (30, 31, 29),
    ]


# -- messages without sense ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("trades", {"p": 1.5}),
        ("trades", {"p": "1e5"}),
        ("trades", {"p": ""}),
        ("trades", {"p": "-1"}),
        ("trades", {"q": "1" * 40}),
        ("trades", {"q": "٣"}),
        ("trades", {"a": -1}),
        ("trades", {"a": "7"}),
        ("trades", {"a": True}),
        ("trades", {"a": 2**63}),
        ("trades", {"T": 0}),
        ("trades", {"T": 9 * 10**15}),
        ("trades", {"m": 1}),
        ("quotes", {"b": None}),
        ("quotes", {"u": 1.0}),
        ("depth", {"b": [["1.0"]]}),
        ("depth", {"a": 5}),
        ("depth", {"pu": None}),
        ("book", {"bids": [[1, 2]]}),
        ("book", {"lastUpdateId": None}),
    ],
)
def test_a_message_without_sense_is_counted_and_not_kept(
    tmp_path: Path, kind: str, change: dict[str, Any]
) -> None:
    good = dict(messages(3))[kind] if kind != "book" else book(5)
    assert sound(kind, good) > 0
    assert sound(kind, good | change) == -1
    assert sound(kind, {}) == -1
    here = Recording(tmp_path)
    if kind == "book":
        assert not here.recorder.snapshot(good | change)
    else:
        assert here.take(kind, good | change) == ""
    assert here.recorder.told.odd == 1
    assert here.end() == {}
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_kind_that_was_not_wanted_is_passed_by(tmp_path: Path) -> None:
    here = Recording(tmp_path, QUOTES)
    assert [here.take(kind, message) for kind, message in messages(6)] == ["", "FIRST", "", "", "NEXT", ""]
    assert here.end() == {"quotes": 2}


# -- the log ---------------------------------------------------------------------------------------


def test_a_log_cut_at_any_byte_gives_the_whole_lines_before(tmp_path: Path) -> None:
    log = Log(tmp_path / "1.log")
    written = [("trades", '{"a": 1}'), ("depth", '{"b": "é – x"}'), ("gap", "{}"), ("book", "")]
    for kind, text in written:
        log.add(kind, text)
    log.close()
    content = log.path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(content) if byte == 10]
    for size in range(len(content) + 1):
        log.path.write_bytes(content[:size])
        assert list(entries(log.path)) == written[: sum(end <= size for end in ends)]
    for at in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[at] ^= 4
        log.path.write_bytes(damaged)
        assert all(entry in written for entry in entries(log.path)), (
            "a damaged line was taken for a whole one"
        )
        assert len(list(entries(log.path))) >= len(written) - 2


def test_nothing_is_on_the_disk_before_a_commit_and_all_of_it_after(tmp_path: Path) -> None:
    here = Recording(tmp_path)
    for kind, message in messages(9):
        here.take(kind, message)
    assert here.log.path.read_bytes() == b""
    assert here.recorder.told.rows == {}
    here.recorder.commit()
    assert here.recorder.told.rows == {"trades": 3, "quotes": 3, "depth": 9}
    assert [kind for kind, _ in entries(here.log.path)] == ["trades", "quotes", "depth"] * 3
    assert here.log.size == here.log.path.stat().st_size
    here.end()


def test_what_a_crash_left_is_brought_in_once_and_a_log_in_use_is_left_alone(tmp_path: Path) -> None:
    here = Recording(tmp_path)
    for kind, message in messages(30):
        here.take(kind, message)
    here.recorder.commit()
    wanted = Listening("binance", "BTCUSDT")
    assert left_over(here.store, BTC) == []
    assert recovered(here.store, wanted) == {}
    content = here.log.path.read_bytes()
    here.log.close()
    here.log.path.write_bytes(content + b"0123abcd trades {half of a li")
    assert recovered(here.store, wanted) == {"trades": 10, "quotes": 10, "depth": 30}
    assert not here.log.path.exists()
    before = [stored(here.store, kind) for kind in KINDS]
    here.log.path.write_bytes(content)  # the crash came before the log was removed
    assert recovered(here.store, wanted) == {"trades": 10, "quotes": 10, "depth": 30}
    assert [stored(here.store, kind) for kind in KINDS] == before
    tape = [message for kind, message in messages(30) if kind == "trades"]
    assert [row[:4] for row in before[0]] == [
        (row["T"] * 10**6, row["a"], float(row["p"]), float(row["q"])) for row in tape
    ]


def test_a_store_that_holds_another_row_keeps_the_log_and_says_so(tmp_path: Path) -> None:
    here = Recording(tmp_path, TRADES)
    for kind, message in messages(6):
        here.take(kind, message)
    here.end()
    here = Recording(tmp_path, TRADES, name="2.log")
    for kind, message in messages(6):
        here.take(kind, message | {"p": "1.0"} if message.get("a") == 2 else message)
    with pytest.raises(InputError, match=r"DATA-453.*another row") as caught:
        here.end()
    assert "2.log" in caught.value.hint
    assert here.log.path.exists()
    assert len(stored(here.store, TRADES)) == 2


def test_of_two_rows_with_one_key_the_later_stays(tmp_path: Path) -> None:
    here = Recording(tmp_path, DEPTH)
    here.take("depth", depth(1, 5, 0) | {"b": [["100.5", "1"], ["100.5", "2"]]})
    assert here.end() == {"depth": 1}
    assert stored(here.store, DEPTH)[0][-1] == 2.0


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path / "1.log")
    (tmp_path / "2.new").touch()
    with pytest.raises(InputError, match=r"DATA-204.*2.log"):
        Log(tmp_path / "2.log")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    log.add("trades", "{}")
    with monkeypatch.context() as patched:
        patched.setattr(logs.os, "fsync", full)
        with pytest.raises(InputError, match=r"DATA-204.*No space left"):
            log.commit()
    log.close()


# -- what is asked for, and what is said -----------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Listening("binance", "BTCUSDT", ("trades", "bars")), "DATA-450"),
        (Listening("binance", "BTCUSDT", ()), "DATA-450"),
        (Listening("bybit", "BTCUSDT"), "DATA-451"),
        (Listening("binance", "BTCUSDT", minutes=0), "DATA-452"),
        (Listening("binance", "BTC/USDT"), "DATA-201"),
    ],
)
def test_silly_wishes_are_refused(tmp_path: Path, wanted: Listening, code: str) -> None:
    with pytest.raises(InputError) as caught:
        recovered(Store(tmp_path), wanted)
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    assert not list(tmp_path.iterdir())


def test_the_summary_names_gaps_and_how_to_mend_them() -> None:
    told = Standing(reconnects=1, again=2, late=3, odd=4)
    told.gaps = [Gap("trades", "sequence", START_MS * 10**6, 5, 9)]
    lines = Captured("binance", "BTCUSDT", 61, {"trades": 1234}, {"quotes": 7}, told).lines()
    assert lines[0] == "7 quotes brought in that a crash had left"
    assert lines[1] == "1,234 trades recorded in 61 s, 0 snapshots of the book"
    assert lines[2] == "1 reconnects, 2 messages twice, 3 late, 4 without sense"
    assert lines[3] == "gap in trades before 2025-05-04 00:00:00: after 5 (sequence)"
    assert "lotwise data fetch binance:BTCUSDT trades --repair" in lines[4]
    assert told.line() == "nothing yet on the disk, 1 gap"


def test_real_messages_become_the_rows_that_they_say(tmp_path: Path, shared_data: Path) -> None:
    import gzip

    here = Recording(tmp_path, QUOTES, DEPTH)
    levels, quotes, gaps, previous = 0, 0, 0, None
    with gzip.open(shared_data / "l2_trades" / "btcusdt_20240808.gz", "rt") as lines:
        for line in islice(lines, 6_000):
            message = json.loads(line.partition(" ")[2])
            told = message.get("data", {})
            if told.get("e") == "depthUpdate":
                here.take("depth", told)
                levels += len(told["b"]) + len(told["a"])
                gaps += previous not in (None, told["pu"])
                previous = told["u"]
            elif told.get("e") == "bookTicker":
                here.take("quotes", told)
                quotes += 1
            elif "lastUpdateId" in message:
                assert here.recorder.snapshot(message)
                levels += len(message["bids"]) + len(message["asks"])
    assert here.end() == {"quotes": quotes, "depth": levels}
    assert (len(here.recorder.told.gaps), here.recorder.told.odd, here.recorder.told.snapshots) == (
        gaps,
        0,
        1,
    )
    assert len(stored(here.store, DEPTH)) == levels > 20_000


def test_rows_follow_the_columns_of_their_kind() -> None:
    for kind, message in messages(3):
        columns = {one.name: one.columns for one in KINDS}[kind]
        assert all(len(row) == len(columns) for row in rows_of(kind, message))
