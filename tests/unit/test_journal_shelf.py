"""The journal on SQLite and PostgreSQL: fills once, round trips as from scratch, what is said only adds."""

from __future__ import annotations

import json
import random
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import msgspec
import polars as pl
import pytest
from sqlalchemy import text

from lotwise.errors import LotwiseError
from lotwise.journal.export import export
from lotwise.journal.grouping import order_subject
from lotwise.journal.measures import Plan
from lotwise.journal.notes import PROMPTS, Notes
from lotwise.journal.shelf import Added, Journal, Wanted
from lotwise.journal.trips import round_trips
from lotwise.records.journal import Fill, RoundTrip
from lotwise.store.database import put
from lotwise.store.tables import TRIPS
from tests.unit.test_journal_trips import E8, fill, history

ADDER = """
import sys
from lotwise.journal.shelf import Journal
from lotwise.records.journal import Fill
journal = Journal.at(sys.argv[1])
for number in range(int(sys.argv[2]), 60, 2):
    journal.add([Fill(venue="v", contract="A", trade_id=str(number), sequence=number, time_ns=number // 3,
        side=(1, -1, -1, 1, 1)[number % 5], price8=10**10 + number, quantity8=10**8, coin="USDT")])
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def refused(code: str, call: Callable[[], object]) -> LotwiseError:
    with pytest.raises(LotwiseError) as caught:
        call()
    assert caught.value.code == code, caught.value
    return caught.value


def by_id(trips: list[RoundTrip]) -> list[RoundTrip]:
    return sorted(trips, key=lambda trip: trip.trip_id)


def test_pieces_in_any_order_give_the_trips_of_the_whole(journal: Journal) -> None:
    """Histories come in shuffled pieces, some twice; what is worked out anew equals all at once."""
    rng = random.Random(8)
    pieces = funded = 0
    for seed in range(12):
        venue = f"v{seed}"
        fills, incomes = history(70_000 + seed)
        fills = [msgspec.structs.replace(one, venue=venue, position_side="") for one in fills]
        incomes = [msgspec.structs.replace(one, venue=venue) for one in incomes]
        start = 0
        while start < len(fills):
            size = rng.randint(1, 20)
            journal.add(fills[max(0, start - 3) : start + size], incomes[start : start + size])
            start += size
            pieces += 1
        journal.add([], incomes)
        kept = list(journal.all(Wanted(venue=venue)))
        assert by_id(kept) == by_id(round_trips(fills, incomes)[0])
        funded += sum(trip.funding_cash != 0 for trip in kept)
        for trip in kept[:3]:
            parts = journal.fills_of(trip)
            assert sum(part.quantity8 for part in parts) == trip.entry_quantity8 + trip.exit_quantity8
            assert len(parts) == trip.fills
            assert journal.trip_at(parts[0]) == trip
    assert pieces > 24
    assert funded > 10


def test_a_fill_of_the_moment_in_which_a_trade_closed_belongs_to_it(journal: Journal) -> None:
    closing = fill(3, -1, 5, 110)
    journal.add([fill(1, 1, 5, 100), closing])
    late = msgspec.structs.replace(fill(2, 1, 5, 105), time_ns=closing.time_ns)
    journal.add([late])
    (trip,) = journal.all()
    assert (trip.fills, trip.closed_ns, trip.left8) == (3, None, 500_000)


def test_a_fill_is_kept_once_and_one_that_says_something_else_is_refused(journal: Journal) -> None:
    pair = [fill(1, 1, 5, 100), fill(2, -1, 5, 110)]
    assert journal.add(pair)[0] == Added(2, 0)
    assert journal.add([*pair, fill(3, 1, 1, 100), fill(3, 1, 1, 100)])[0] == Added(1, 3)
    other = msgspec.structs.replace(pair[0], price8=101 * E8, source="b.csv, row 2")
    error = refused("JOURNAL-101", lambda: journal.add([fill(4, 1, 1, 1), other]))
    assert "b.csv, row 2" in error.message
    assert "price8 is 10100000000, and 10000000000" in error.message
    assert len(journal.fills()) == 3
    refused("LEDGER-105", lambda: journal.add([fill(9, -1, 1, 100, position_side="long", contract="B")]))
    assert len(journal.fills()) == 3, "nothing of what is refused is kept"


def test_two_that_add_at_once_do_not_spoil_the_trips(journal: Journal) -> None:
    """Every fill of both is there, and the trips are those of all fills together."""
    place = journal.database.engine.url.render_as_string(hide_password=False)
    adders = [
        subprocess.Popen([sys.executable, "-c", ADDER, place.replace("+psycopg", ""), str(first)])
        for first in (0, 1)
    ]
    assert [adder.wait(timeout=120) for adder in adders] == [0, 0]
    assert len(journal.fills()) == 60
    assert by_id(list(journal.all())) == by_id(round_trips(journal.fills())[0])


def test_pages_are_the_newest_first_and_filtered(journal: Journal) -> None:
    for number in range(0, 120, 2):
        account = "main" if number % 4 else "second"
        pair = [
            fill(number, 1, 1, 100, account=account),
            fill(number + 1, -1, 1, 100 + number, account=account),
        ]
        journal.add(pair if number < 118 else pair[:1])
    whole = list(journal.all())
    assert journal.count() == len(whole) == 60
    paged = [trip for offset in range(0, 60, 7) for trip in journal.page(limit=7, offset=offset)]
    assert paged == whole[::-1]
    assert {trip.account for trip in journal.page(Wanted(account="second"))} == {"second"}
    assert [trip.closed_ns for trip in journal.page(Wanted(is_open=True))] == [None]
    assert journal.count(Wanted(is_open=False)) == 59
    minute = 60 * 10**9
    assert journal.count(Wanted(since_ns=100 * minute, until_ns=104 * minute)) == 2
    assert journal.count(Wanted(venue="v", contract="A")) == 60
    assert journal.count(Wanted(contract="B")) == 0


def test_a_trade_is_found_by_the_beginning_of_its_name(journal: Journal) -> None:
    journal.add([fill(1, 1, 5, 100)])
    (trip,) = journal.all()
    assert journal.trip(trip.trip_id[:4].upper()) == trip
    for wrong in ("", "abc", "zzzz", "%", "ffffffffff0", trip.trip_id[:4][::-1] + "zz"):
        refused("JOURNAL-102", lambda wrong=wrong: journal.trip(wrong))


def test_notes_tags_plans_and_answers_only_add(journal: Journal, tmp_path: Path) -> None:
    journal.add([fill(1, 1, 5, 100, order_id="o1"), fill(2, -1, 5, 110)])
    (trip,) = journal.all()
    notes = Notes(journal)
    notes.note(trip, " took it late ", now_ns=1)
    notes.note(trip, "yes", now_ns=2, prompt="plan")
    assert notes.tag(trip, ["Late", "breakout", "late"], now_ns=3) == ["breakout", "late"]
    assert notes.tag(trip, ["late"], now_ns=4, on=False) == ["breakout"]
    notes.plan(trip, Plan(stop8=98 * E8), now_ns=5, reason="range")
    notes.plan(trip, Plan(target8s=(106 * E8,)), now_ns=6)
    notes.record(trip.trip_id, "stop", {"price8": 100 * E8}, now_ns=7, key="s1")
    notes.record(trip.trip_id, "stop", {"price8": 100 * E8}, now_ns=7, key="s1")
    of_order = order_subject("v", "main", "A", "o1")
    notes.record(of_order, "refusal", {"code": "GUARD-1", "message": "too late"}, now_ns=8)
    story = notes.story(trip)
    assert story.plan == Plan(stop8=98 * E8, target8s=(106 * E8,), stop_source="given")
    assert (story.tags, story.stops) == (["breakout"], [(7, 100 * E8)])
    assert story.unanswered == [name for name in PROMPTS if name != "plan"]
    assert [one.kind for one in story.events].count("refusal") == 1
    assert story.events[0].body == {"text": "took it late"}
    assert journal.count(Wanted(tag="breakout")) == 1
    assert journal.count(Wanted(tag="late")) == 0


def test_what_is_said_together_is_kept_together(journal: Journal) -> None:
    journal.add([fill(1, 1, 5, 100)])
    (trip,) = journal.all()
    notes = Notes(journal)

    def half() -> None:
        with notes.together():
            notes.note(trip, "kept only with the plan", now_ns=1)
            notes.plan(trip, Plan(stop8=101 * E8), now_ns=1)

    refused("JOURNAL-105", half)
    assert notes.story(trip).events == []
    for wrong in ("", " ", "x" * 20_001, "a\0b"):
        refused("JOURNAL-104", lambda wrong=wrong: notes.note(trip, wrong, now_ns=1))
    refused("JOURNAL-104", lambda: notes.note(trip, "x", now_ns=1, prompt="mood"))
    for tag in ("", "a b", "a,b", "x" * 41, "a\x07"):
        refused("JOURNAL-104", lambda tag=tag: notes.tag(trip, ["fine", tag], now_ns=1))
    refused("JOURNAL-103", lambda: notes.record(trip.trip_id, "gossip", {}, now_ns=1))
    assert notes.story(trip).events == []


def test_pictures_are_kept_beside_the_file_and_private(tmp_path: Path) -> None:
    journal = Journal.at(tmp_path / "j.sqlite")
    journal.add([fill(1, 1, 5, 100)])
    (trip,) = journal.all()
    notes = Notes(journal)
    (tmp_path / "Chart.PNG").write_bytes(PNG)
    kept = notes.attach(trip, tmp_path / "Chart.PNG", now_ns=1)
    assert kept.read_bytes() == PNG
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert notes.story(trip).events[0].body == {"file": kept.name, "name": "Chart.PNG"}
    (tmp_path / "empty.png").touch()
    (tmp_path / "a.exe").write_bytes(PNG)
    for wrong in ("empty.png", "a.exe", "gone.png"):
        refused("JOURNAL-106", lambda wrong=wrong: notes.attach(trip, tmp_path / wrong, now_ns=1))
    assert len(list(kept.parent.iterdir())) == 1
    journal.close()


def test_trades_are_taken_out_exactly(journal: Journal, tmp_path: Path) -> None:
    journal.add([fill(1, 1, 5_000, 100, fee_cash=E8), fill(2, -1, 5_000, 104), fill(3, -1, 2, 90)])
    trip = journal.page()[-1]
    Notes(journal).plan(trip, Plan(stop8=98 * E8), now_ns=1)
    Notes(journal).note(trip, 'says "so",\nand more', now_ns=1)
    for ending in ("csv", "json", "parquet"):
        assert export(journal, tmp_path / f"t.{ending}") == 2
        refused("JOURNAL-120", lambda ending=ending: export(journal, tmp_path / f"t.{ending}"))
    rows = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert (rows[0]["net"], rows[0]["r"], rows[0]["stop"], rows[1]["closed_utc"]) == ("19", "1.9", "98", None)
    assert rows[0]["notes"] == 'says "so",\nand more'
    plain = pl.read_csv(tmp_path / "t.csv", infer_schema=False)
    assert plain.columns == list(rows[0])
    assert plain["net"].to_list() == ["19", "0"]
    whole = pl.read_parquet(tmp_path / "t.parquet")
    assert (whole["net_cash"].to_list(), whole["r8"].to_list()) == ([19 * E8, 0], [190_000_000, None])
    refused("JOURNAL-120", lambda: export(journal, tmp_path / "t.xlsx"))
    refused("JOURNAL-120", lambda: export(journal, tmp_path / "no" / "t.csv"))


def test_a_file_that_cannot_be_finished_is_not_left_half(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.add([fill(1, 1, 5, 100)])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lotwise.journal.export._csv", full)
    assert "No space" in refused("JOURNAL-120", lambda: export(journal, tmp_path / "t.csv")).message
    assert not (tmp_path / "t.csv").exists()
    monkeypatch.setitem(sys.modules, "polars", None)
    refused("JOURNAL-121", lambda: export(journal, tmp_path / "t.parquet"))
    assert not (tmp_path / "t.parquet").exists()


def test_an_empty_journal_is_taken_out_too(journal: Journal, tmp_path: Path) -> None:
    assert [export(journal, tmp_path / f"t.{ending}") for ending in ("csv", "json", "parquet")] == [0, 0, 0]
    assert json.loads((tmp_path / "t.json").read_text("utf-8")) == []


def test_a_hundred_thousand_trades_are_paged_and_taken_out(journal: Journal, tmp_path: Path) -> None:
    """Counts and contents are proved; the seconds are printed, and held only against a slip of an order."""
    count = 100_000
    one = msgspec.structs.asdict(round_trips([fill(1, 1, 5, 100), fill(2, -1, 5, 104)])[0][0])
    one |= {"is_inverse": 0, "other_fees": "[]"}
    rows = []
    for number in range(count):
        more = {"trip_id": f"{number:010x}", "opened_ns": number * 10**9, "closed_ns": number * 10**9 + 1}
        rows.append(tuple((one | more | {"realised_cash": number}).values()))
    with journal.database.write() as connection:
        put(connection, TRIPS, tuple(one), rows)
        if journal.database.path is None:
            connection.execute(text("ANALYZE trips"))
    times = []
    for offset in (0, count // 2, count - 50):
        start = perf_counter()
        page = journal.page(limit=50, offset=offset)
        times.append(perf_counter() - start)
        assert [trip.realised_cash for trip in page] == [count - 1 - offset - n for n in range(50)]
    start = perf_counter()
    assert export(journal, tmp_path / "t.csv") == count
    whole = perf_counter() - start
    lines = (tmp_path / "t.csv").read_text("utf-8").splitlines()
    assert (len(lines), lines[-1].split(",")[0]) == (count + 1, f"{count - 1:010x}")
    print(f"pages {[round(time * 1000, 1) for time in times]} ms, export {whole:.2f} s")
    assert max(times) < 2
    assert whole < 60


def test_fills_hold_every_field(journal: Journal) -> None:
    whole = Fill(
        venue="v",
        account="a",
        contract="C",
        trade_id="1",
        order_id="2",
        time_ns=3,
        sequence=4,
        side=-1,
        position_side="short",
        price8=5,
        quantity8=6,
        multiplier8=7,
        is_inverse=True,
        coin="BTC",
        fee_cash=-8,
        fee_coin="BNB",
        realised_cash=-9,
        maker=1,
        exit_kind="stop",
        source="x, row 1",
    )
    journal.add([whole])
    assert journal.fills() == [whole]
    assert type(journal.fills()[0].is_inverse) is bool
