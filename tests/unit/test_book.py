"""A book that is followed: against a slow way with dictionaries, and on the real captures."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pl = pytest.importorskip("polars")
import numpy as np  # noqa: E402

from lotwise.errors import InputError  # noqa: E402
from lotwise.market import book, captures  # noqa: E402
from lotwise.market.book import GAP, PASSED, TAKEN  # noqa: E402
from lotwise.market.book_stream import Book, Message, messages  # noqa: E402
from lotwise.market.kinds import DEPTH, TRADES, Scale, Table  # noqa: E402

SCALE = Scale(price=1, quantity=3)


def table_of(told: list[Message]) -> Table:
    """Messages as rows."""
    rows: list[dict[str, Any]] = []
    for one in told:
        for is_bid, levels in ((True, one.bids), (False, one.asks)):
            rows += [
                {
                    "time_ns": one.time_ns,
                    "first_id": one.first_id,
                    "last_id": one.last_id,
                    "previous_id": one.previous_id,
                    "snapshot": one.snapshot,
                    "is_bid": is_bid,
                    "price": price,
                    "quantity": rests,
                }
                for price, rests in levels
            ]
    return Table(DEPTH, SCALE, pl.DataFrame(rows))


class Slow:
    """The venue's words, one after the other."""

    def __init__(self) -> None:
        self.sides: dict[bool, dict[int, int]] = {True: {}, False: {}}
        self.at: int | None = None
        self.joined = self.broken = False
        self.passed = self.gaps = self.crossed = self.snapshots = 0
        self.tops: list[tuple[int, int, int, int, int]] = []

    def tell(self, one: Message) -> None:
        """Take a message."""
        if one.snapshot:
            if self.at is not None and not self.broken and one.last_id < self.at and one.last_id != 1:
                self.passed += 1
                return
            self.snapshots += 1
            self.sides = {True: {}, False: {}}
            self.joined = self.broken = False
        elif self.at is None or one.last_id <= self.at:
            self.passed += 1
            return
        else:
            good = one.previous_id == self.at
            if not self.joined and not self.broken:
                good = good or one.first_id <= self.at + 1
            elif one.first_id == one.last_id == one.previous_id:
                good = one.last_id == self.at + 1
            self.gaps += not good
            self.broken = self.broken or not good
            self.joined = not self.broken
        self.at = one.last_id
        for is_bid, levels in ((True, one.bids), (False, one.asks)):
            self.sides[is_bid].update(levels)
            self.sides[is_bid] = {price: rests for price, rests in self.sides[is_bid].items() if rests}
        if self.sides[True] and self.sides[False]:
            bid, ask = max(self.sides[True]), min(self.sides[False])
            self.crossed += bid >= ask
            if not self.broken:
                self.tops.append((self.at, bid, self.sides[True][bid], ask, self.sides[False][ask]))


def a_stream(seed: int) -> list[Message]:
    """Messages of a book, some lost, some twice, some snapshots; ids of either way."""
    rng = random.Random(seed)
    one_number, told = rng.random() < 0.5, list[Message]()
    at, time = rng.randrange(1000, 2000), 10**18
    for _ in range(rng.randrange(1, 40)):
        time += rng.randrange(1, 50)
        step = 1 if one_number else rng.randrange(1, 9)
        first, last, previous = (
            (at + 1,) * 3 if one_number else (at + rng.randrange(1, step + 1), at + step, at)
        )
        if rng.random() < 0.12:
            first = last = previous = rng.choice(
                (at, at + step, 1) if rng.random() < 0.3 else (at, at + step)
            )
            snapshot = True
        else:
            snapshot = False
        sides: list[tuple[tuple[int, int], ...]] = []
        for low, high in ((90, 103), (99, 112)):
            prices = rng.sample(range(low, high), rng.randrange(0, 5))
            sides.append(tuple((price, rng.choice((0, 0, 1, 7))) for price in sorted(prices)))
        if not any(sides):
            sides[0] = ((95, 2),)
        one = Message(time, first, last, previous, snapshot, bids=sides[0], asks=sides[1])
        luck = rng.random()
        if luck > 0.1:
            told.append(one)
        if luck > 0.9:
            told.append(one)
        at = max(at, last)
    return told


def test_walk_and_book_are_as_the_slow_way_on_odd_streams() -> None:
    seen = {"gaps": 0, "crossed": 0, "passed": 0, "snapshots": 0, "unsound": 0, "one_number": 0}
    for seed in range(400):
        table = table_of(a_stream(seed) or a_stream(3))
        in_turn = list(messages(table))
        slow, told = Slow(), Book()
        for one in in_turn:
            slow.tell(one)
            told.tell(one)
        found = book.walk(table)
        wanted = (len(in_turn), slow.snapshots, slow.passed, slow.gaps, slow.crossed)
        counts = found.counts
        got = (counts.messages, counts.snapshots, counts.passed, counts.gaps, counts.crossed)
        assert got == wanted, seed
        ends = [sorted(slow.sides[True].items(), reverse=True), sorted(slow.sides[False].items())]
        assert [found.bids, found.asks] == ends, seed
        last = {top[0]: top for top in slow.tops}
        rows = found.quotes.frame.select("id", "bid", "bid_quantity", "ask", "ask_quantity").rows()
        assert sorted(rows) == sorted(last.values()), seed
        assert len(found.gap_times_ns) == slow.gaps
        assert len(found.crossed_times_ns) == slow.crossed
        assert found.sound == (slow.at is not None and not slow.broken)
        assert (told.counts, told.levels()) == (counts, (found.bids, found.asks)), seed
        for name in ("gaps", "crossed", "passed", "snapshots"):
            seen[name] += getattr(slow, name)
        seen["unsound"] += not found.sound
        seen["one_number"] += any(one.first_id == one.previous_id and not one.snapshot for one in in_turn)
    assert all(count > 20 for count in seen.values()), seen


@given(st.integers(0, 10**6))
def test_the_rule_in_plain_python_is_the_compiled_one(seed: int) -> None:
    table = table_of(a_stream(seed) or a_stream(3))
    told = list(messages(table))
    prices = sorted({price for one in told for price, _ in (*one.bids, *one.asks)})
    begins, sides, ranks, rests = [0], list[int](), list[int](), list[int]()
    for one in told:
        for is_bid, levels in ((1, one.bids), (0, one.asks)):
            for price, quantity in levels:
                sides.append(is_bid)
                ranks.append(prices.index(price))
                rests.append(quantity)
        begins.append(len(ranks))
    ids = [
        [getattr(one, name) for one in told] for name in ("first_id", "last_id", "previous_id", "snapshot")
    ]
    answers = []
    for compiled in (False, True):
        given = [begins, *([int(value) for value in column] for column in ids), sides, ranks, rests]
        out = [[0] * len(prices) for _ in range(2)] + [[0] * len(told) for _ in range(6)]
        if compiled:
            arrays = [np.array(column, np.int64) for column in (*given, *out)]
            book.replay.compiled(*arrays)
            answers.append([column.tolist() for column in arrays[len(given) :]])
        else:
            book.replay(*given, *out)
            answers.append(out)
    assert answers[0] == answers[1]


def change(first: int, last: int, previous: int, bid: int, rests: int = 1) -> Message:
    """A change of one bid."""
    return Message(10**18 + last, first, last, previous, snapshot=False, bids=((bid, rests),), asks=())


def snapshot(at: int) -> Message:
    """A whole book."""
    return Message(
        10**18 + at, at, at, at, snapshot=True, bids=((100, 5), (99, 6)), asks=((101, 7), (105, 8))
    )


def test_what_joins_a_snapshot_and_what_leaves_a_gap() -> None:
    told = Book()
    assert told.tell(change(1, 5, 0, bid=90)) == PASSED
    assert told.tell(snapshot(50)) == TAKEN
    assert told.tell(change(40, 50, 39, bid=91)) == PASSED, "it ends where the snapshot stands"
    assert told.tell(change(48, 52, 47, bid=100, rests=0)) == TAKEN
    assert told.best() == ((99, 6), (101, 7))
    assert told.tell(change(53, 55, 52, bid=98)) == TAKEN
    assert told.tell(change(60, 61, 59, bid=97)) == GAP
    assert (told.sound, told.gaps) == (False, 1)
    assert told.tell(change(62, 62, 61, bid=101)) == TAKEN
    assert (told.sound, told.crossed) == (False, 1)
    assert told.tell(snapshot(61)) == TAKEN, "and the change of 62 is taken after it"
    assert (told.sound, told.last_id) == (True, 62)
    assert told.levels(1) == ([(101, 1)], [(101, 7)])
    assert told.tell(snapshot(20)) == PASSED, "an older one"
    assert told.tell(snapshot(1)) == TAKEN, "the venue numbers anew"
    assert told.last_id == 1


@pytest.mark.parametrize(
    ("first", "previous", "made"),
    [(40, 39, TAKEN), (50, 7, TAKEN), (51, 7, TAKEN), (52, 7, GAP), (52, 50, TAKEN)],
)
def test_the_first_change_after_a_snapshot(first: int, previous: int, made: int) -> None:
    told = Book()
    told.tell(snapshot(50))
    assert told.tell(change(first, 55, previous, bid=98)) == made
    found = book.walk(table_of([snapshot(50), change(first, 55, previous, bid=98)]))
    assert found.counts.gaps == (made == GAP)


def test_changes_after_a_gap_are_taken_again_after_the_next_snapshot() -> None:
    told = Book()
    for one in (
        snapshot(50),
        change(51, 55, 50, bid=98),
        change(60, 61, 59, bid=97),
        change(62, 64, 61, bid=96),
    ):
        told.tell(one)
    assert (told.sound, told.gaps) == (False, 1)
    told.tell(snapshot(57))
    assert (told.sound, told.gaps, told.last_id) == (False, 1, 64), "still a gap before 60, and the same one"
    told.tell(snapshot(59))
    assert (told.sound, told.gaps, told.last_id, told.passed) == (True, 1, 64, 0)
    assert told.levels()[0] == [(100, 5), (99, 6), (97, 1), (96, 1)]


def test_a_snapshot_that_comes_late_ends_the_same() -> None:
    changes = [change(first, first + 3, first - 1, bid=90 + first % 8) for first in range(10, 50, 4)]
    late, in_turn = Book(), Book()
    for one in [*changes[:6], snapshot(24), *changes[6:]]:
        late.tell(one)
    for one in messages(table_of([*changes[:6], snapshot(24), *changes[6:]])):
        in_turn.tell(one)
    assert late.levels() == in_turn.levels()
    assert late.counts == in_turn.counts == book.walk(table_of([snapshot(24), *changes])).counts
    assert (late.passed, late.gaps, late.sound) == (3, 0, True)


def test_every_change_that_is_lost_is_one_gap() -> None:
    whole = [snapshot(9), *(change(first, first + 3, first - 1, bid=90) for first in range(10, 90, 4))]
    assert book.walk(table_of(whole)).counts.gaps == 0
    for lost in range(1, len(whole) - 1):
        found = book.walk(table_of(whole[:lost] + whole[lost + 1 :]))
        assert (found.counts.gaps, found.sound) == (1, False), lost


def test_a_table_of_another_kind_and_levels_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="DATA-301"):
        book.walk(Table(TRADES, SCALE, pl.DataFrame({"time_ns": [1]})))
    with pytest.raises(InputError, match=r"DATA-302.*-1 at 90 in the change 5"):
        book.walk(table_of([change(1, 5, 0, bid=90, rests=-1)]))
    told = Book()
    told.tell(snapshot(4))
    with pytest.raises(InputError, match="DATA-302"):
        told.tell(change(5, 5, 4, bid=0))
    assert (told.last_id, told.messages) == (4, 1)
    empty = Table(DEPTH, SCALE, table_of([snapshot(4)]).frame.clear())
    assert book.walk(empty).counts == book.Counts()


def raw_messages(path: Path) -> list[dict[str, Any]]:
    """The json of every line of the capture."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line.split(" ", 1)[1]) for line in lines]


def test_the_real_capture_has_no_gap_is_never_crossed_and_agrees_with_the_quotes(shared_data: Path) -> None:
    path = shared_data / "l2_trades" / "btcusdt_20240808.gz"
    found = {table.kind.name: table for _, table in captures.parts(path)}
    walked = book.walk(found["depth"])
    assert walked.counts == book.Counts(messages=6552, snapshots=1, passed=4, gaps=0, crossed=0)
    assert walked.sound
    bids: dict[str, str] = {}
    asks: dict[str, str] = {}
    at, tops = 0, dict[int, tuple[float, float]]()
    waiting: list[dict[str, Any]] = []
    quoted: dict[int, dict[str, str]] = {}
    for one in raw_messages(path):
        if "lastUpdateId" in one:
            bids, asks, at = dict(one["bids"]), dict(one["asks"]), one["lastUpdateId"]
            now, waiting = waiting, []
        elif one["data"]["e"] == "depthUpdate":
            now = [one["data"]]
        else:
            if one["data"]["e"] == "bookTicker":
                quoted[one["data"]["u"]] = one["data"]
            continue
        for event in now:
            if not at:
                waiting.append(event)
            elif event["u"] > at:
                for side, name in ((bids, "b"), (asks, "a")):
                    side.update(event[name])
                    for price, rests in event[name]:
                        if float(rests) == 0:
                            del side[price]
                at = event["u"]
                if at in quoted and len(tops) < 150:
                    tops[at] = max(map(float, bids)), min(map(float, asks))
    assert [(price / 10, rests / 1000) for price, rests in walked.bids] == sorted(
        ((float(price), float(rests)) for price, rests in bids.items()), reverse=True
    )
    assert {price / 10: rests / 1000 for price, rests in walked.asks} == {
        float(price): float(rests) for price, rests in asks.items()
    }
    quotes = {row["id"]: row for row in walked.quotes.frame.iter_rows(named=True)}
    for number, (bid, ask) in tops.items():
        assert (quotes[number]["bid"] / 10, quotes[number]["ask"] / 10) == (bid, ask)
    both = walked.quotes.frame.join(found["quotes"].frame, on="id", suffix="_quoted")
    for name in ("bid", "bid_quantity", "ask", "ask_quantity"):
        assert both[name].equals(both[f"{name}_quoted"], check_names=False), name
    assert len(both) == 629
    assert len(set(quotes) & set(quoted)) == 629


def test_the_other_real_captures_have_no_gap_either(shared_data: Path) -> None:
    compared, books = 0, 0
    for path in sorted((shared_data / "ws_captures").glob("*.zst")):
        found = {(name, table.kind.name): table for name, table in captures.parts(path)}
        for (name, kind), table in found.items():
            if kind != "depth":
                continue
            walked, told = book.walk(table), Book()
            for one in messages(table, ordered=False):
                told.tell(one)
            counts = walked.counts
            assert (counts.gaps, counts.crossed, counts.snapshots, walked.sound) == (0, 0, 1, True), name
            assert (told.counts, told.levels()) == (counts, (walked.bids, walked.asks)), name
            books += 1
            quotes = found.get((name, "quotes"))
            if quotes is not None:
                scale = quotes.scale.holding(walked.quotes.scale)
                mine, theirs = walked.quotes.scaled(scale).frame, quotes.scaled(scale).frame
                both = mine.join(theirs, on="id", suffix="_quoted")
                compared += len(both)
                assert both["bid"].equals(both["bid_quoted"], check_names=False)
                assert both["ask_quantity"].equals(both["ask_quantity_quoted"], check_names=False)
    assert (books, compared) == (20, 263)
