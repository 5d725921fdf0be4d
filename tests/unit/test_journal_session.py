"""What a session writes: said once, found by the trade's fills, in the list and in every export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest

from lotwise.errors import LotwiseError
from lotwise.journal.conditions import Conditions
from lotwise.journal.export import export, rows_of, shown_row
from lotwise.journal.grouping import order_subject, put_fills
from lotwise.journal.measures import Plan
from lotwise.journal.measuring import Measured, keep, kept, measure
from lotwise.journal.notes import Notes
from lotwise.journal.rows import TRIP_NAMES, trip_row
from lotwise.journal.session_log import SessionLog
from lotwise.journal.shelf import Added, Journal
from lotwise.journal.trips import round_trips
from lotwise.ledger.keep import keep_incomes
from lotwise.records.journal import Fill, Income
from lotwise.store.database import opened, put
from lotwise.store.tables import TRIPS
from tests.unit.postgres_server import emptied
from tests.unit.test_journal_trips import E8, fill

PLAN = Plan(stop8=98 * E8, target8s=(104 * E8, 106 * E8), entry8=100 * E8, quantity8=5 * E8, leverage100=300)
MARKET = Conditions(2_000_000, -1_000_000, 400_000, 80_000_000, 10_000, 3_000)
MINUTE = 60 * 10**9


def refused(code: str, call: Callable[[], object]) -> LotwiseError:
    with pytest.raises(LotwiseError) as caught:
        call()
    assert caught.value.code == code, caught.value
    return caught.value


def told(log: SessionLog) -> None:
    """A trade as a session tells it, from before the order is sent until it is flat."""
    log.plan("A", "mine-1", PLAN, time_ns=1, reason="range low", setup="range")
    log.override("A", "mine-1", rule="chase", reason=" the range is clear ", time_ns=1)
    log.order("A", "mine-1", "sent", time_ns=2)
    log.accepted("A", "mine-1", "77", time_ns=3)
    log.conditions("A", "mine-1", MARKET, time_ns=3)
    log.fill(fill(1, 1, 5_000, 100, order_id="77", fee_cash=E8))
    log.stop("A", "mine-1", 98 * E8, time_ns=MINUTE + 1)
    log.stop("A", "mine-1", 100 * E8, time_ns=2 * MINUTE)
    log.income(income(-E8))
    log.excursion(
        "A", "mine-1", worst_cash=-2 * E8, best_cash=22 * E8, worst_price8=1, best_price8=2, time_ns=4
    )
    log.fill(fill(4, -1, 5_000, 104, order_id="78"))
    log.refusal("A", "mine-2", rule="day_loss", message="40 of 40", time_ns=9 * MINUTE, ways=("wait",))


def income(cash: int) -> Income:
    facts = {"venue": "v", "contract": "A", "coin": "USDT", "kind": "FUNDING_FEE"}
    return Income(income_id="f1", cash=cash, time_ns=3 * MINUTE, **facts)


def test_a_session_tells_a_trade_and_telling_it_again_keeps_nothing_more(
    journal: Journal, tmp_path: Path
) -> None:
    log = SessionLog(journal, "v")
    told(log)
    (trip,) = journal.all()
    (row,) = rows_of(journal, [trip])
    shown = shown_row(row)
    expected = {
        "net": "18",
        "setup": "range",
        "reason": "range low",
        "leverage": "3",
        "planned_entry": "100",
        "stop": "98",
        "targets": "104 106",
        "risk": "10",
        "r": "1.8",
        "planned_r": "3",
        "costs_r": "0.2",
        "mae": "-2",
        "mae_r": "-0.2",
        "mfe_r": "2.2",
        "entry_change": "0.02",
        "entry_btc_change": "-0.01",
        "entry_btc_volatility": "0.004",
        "entry_btc_correlation": "0.8",
        "entry_funding": "0.0001",
        "entry_spread": "0.00003",
        "refusals": 0,
        "overrides": 1,
    }
    assert {name: shown[name] for name in expected} == expected
    notes = Notes(journal)
    story = notes.story(trip)
    assert story.stops == [(MINUTE + 1, 98 * E8), (2 * MINUTE, 100 * E8)]
    assert [(one.kind, one.body.get("ways")) for one in notes.refusals()] == [
        ("override", None),
        ("refusal", ["wait"]),
    ]
    assert [one.kind for one in notes.refusals(since_ns=MINUTE)] == ["refusal"]
    assert [one.kind for one in notes.refusals(until_ns=MINUTE)] == ["override"]
    before = journal.database.events("journal")
    told(log)
    told(SessionLog(journal, "v"))
    assert journal.database.events("journal") == before
    assert len(journal.fills()) == 2
    for ending in ("csv", "json", "parquet"):
        assert export(journal, tmp_path / f"t.{ending}") == 1
    (there,) = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert {name: there[name] for name in expected} == expected
    plain = pl.read_csv(tmp_path / "t.csv", infer_schema=False)
    assert (plain["mae_r"][0], plain["planned_r"][0], plain["entry_spread"][0]) == ("-0.2", "3", "0.00003")
    whole = pl.read_parquet(tmp_path / "t.parquet")
    assert (whole["mfe_r8"][0], whole["leverage100"][0], whole["entry_funding8"][0]) == (
        220_000_000,
        300,
        10_000,
    )


def test_the_venues_id_may_be_known_only_after_the_fills(journal: Journal) -> None:
    log = SessionLog(journal, "v")
    log.fill(fill(1, 1, 5_000, 100, order_id="77"))
    log.plan("A", "mine-1", PLAN, time_ns=1, setup="late")
    (trip,) = journal.all()
    assert rows_of(journal, [trip])[0]["setup"] == ""
    log.accepted("A", "mine-1", "77", time_ns=3)
    assert rows_of(journal, [trip])[0]["setup"] == "late"
    log.accepted("A", "mine-1", "77", time_ns=4)
    log.fill(fill(2, -1, 5_000, 104, order_id="78"))
    (trip,) = journal.all()
    assert rows_of(journal, [trip])[0]["r8"] == 2 * E8


def test_the_plan_of_an_order_is_of_the_trade_that_it_opens(journal: Journal) -> None:
    """The second order turns a long into a short: its plan is the short's, its override is of both."""
    log = SessionLog(journal, "v")
    log.plan("A", "first", Plan(stop8=98 * E8), time_ns=1, setup="long")
    log.plan("A", "second", Plan(stop8=107 * E8), time_ns=1, setup="short")
    log.plan("A", "second", Plan(stop8=108 * E8), time_ns=2, number=1)
    log.override("A", "second", rule="chase", reason="why not", time_ns=1)
    log.fill(fill(1, 1, 4_000, 100, order_id="first"), fill(2, -1, 6_000, 104, order_id="second"))
    rows = rows_of(journal, list(journal.all()))
    assert [(row["setup"], row["stop8"], row["overrides"]) for row in rows] == [
        ("long", 98 * E8, 1),
        ("short", 108 * E8, 1),
    ]


def test_what_a_session_may_not_say_is_refused(journal: Journal) -> None:
    log = SessionLog(journal, "v")
    log.plan("A", "1", PLAN, time_ns=1)
    refused("STORE-109", lambda: log.plan("A", "1", Plan(stop8=1), time_ns=1))
    refused("JOURNAL-108", lambda: log.plan("A", "2", Plan(), time_ns=1))
    refused("JOURNAL-108", lambda: log.plan("A", "", PLAN, time_ns=1))
    refused("JOURNAL-108", lambda: log.stop("A", "1", 0, time_ns=1))
    refused("JOURNAL-108", lambda: log.override("A", "1", rule="chase", reason=" ", time_ns=1))
    other = msgspec.structs.replace(fill(1, 1, 5, 100), account="second")
    assert "v:second" in refused("JOURNAL-108", lambda: log.fill(other)).message
    refused("JOURNAL-108", lambda: log.income(msgspec.structs.replace(income(1), venue="w")))
    assert len(journal.database.events("journal")) == 1
    assert journal.fills() == []


def test_measures_count_only_while_the_trade_has_the_same_fills(journal: Journal) -> None:
    journal.add([fill(1, 1, 5_000, 100), fill(3, -1, 1_000, 110)])
    (trip,) = journal.all()
    assert measure(journal, [trip]) == 1, "no market store: its own fills are seen"
    (row,) = rows_of(journal, [trip])
    assert (row["mfe_cash"], row["mfe_price8"], row["bars_seen"]) == (50 * E8, 110 * E8, 0)
    (found,) = kept(journal).values()
    keep(journal, [msgspec.structs.replace(found, change8=5)])
    journal.add([fill(5, -1, 4_000, 120)])
    (trip,) = journal.all()
    (row,) = rows_of(journal, [trip])
    assert (row["mfe_cash"], row["bars_seen"]) == (None, None), "measured before its last fill"
    assert row["entry_change8"] == 5, "the entry is the same"
    seen: list[int] = []
    assert measure(journal, [trip] * 450, progress=seen.append) == 450
    assert seen == [200, 400]
    assert rows_of(journal, [trip])[0]["mfe_cash"] == 10 * E8 + 80 * E8
    assert set(kept(journal, [trip.trip_id])) == {trip.trip_id}
    assert isinstance(kept(journal)[trip.trip_id], Measured)


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_a_journal_of_an_older_schema_is_worked_out_anew(
    revision: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Fills and notes of an old journal, as its tables then held them, are trades with all of it now."""
    for place in (str(tmp_path / "old.sqlite"), emptied(request.getfixturevalue("postgres"))):
        old = opened(place, upgrade=revision)
        pair = [
            fill(1, 1, 5_000, 100, order_id="o1", source="old.csv, row 2"),
            fill(4, -1, 5_000, 104, order_id="o2"),
        ]
        with old.write() as connection:
            put_fills(connection, pair)
            keep_incomes(connection, [income(-7)])
            if revision == "0002":  # worked out by the rules of then, with a result that is not so
                (trip,), _ = round_trips(pair)
                wrong = msgspec.structs.replace(trip, funding_cash=99)
                put(connection, TRIPS, TRIP_NAMES, [trip_row(wrong)])
        subject = order_subject("v", "main", "A", "o1")
        old.append("journal", "plan", {"stop8": 98 * E8}, time_ns=1, subject=subject, key="p")
        old.close()
        new = Journal.at(place)
        assert new.fills() == pair
        (trip,) = new.all()
        assert (trip.funding_cash, trip.realised_cash) == (-7, 20 * E8)
        assert rows_of(new, [trip])[0]["stop8"] == 98 * E8
        assert new.add(pair, [income(-7)]) == (Added(0, 2), Added(0, 1))
        new.close()
        again = Journal.at(place)
        assert list(again.all()) == [trip]
        again.close()


def test_fills_of_a_session_come_one_by_one(journal: Journal) -> None:
    log = SessionLog(journal, "v")
    fills: list[Fill] = [fill(n, (1, -1)[n % 2], 5, 100 + n, order_id=str(n)) for n in range(30)]
    for one in fills:
        assert log.fill(one) == Added(1, 0)
        assert log.fill(one) == Added(0, 1)
    assert list(journal.all()) == round_trips(fills)[0]
