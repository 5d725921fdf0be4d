"""The table of a review is what the journal says: plans, stops' paths, sessions' measures, notes, tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lotwise.app.review import Asked, chosen, guard_of, month_of, reviewed, title_of, write_page
from lotwise.errors import InputError
from lotwise.journal.conditions import Conditions
from lotwise.journal.measures import Plan
from lotwise.journal.measuring import Measured, keep
from lotwise.journal.notes import Notes
from lotwise.journal.session_log import SessionLog
from lotwise.journal.shelf import Journal
from lotwise.records.journal import Fill, RoundTrip
from lotwise.review.from_journal import from_journal
from lotwise.review.report import Review
from lotwise.review.table import UNKNOWN, Reviewed

E8 = 10**8
MINUTE = 60 * 10**9
START = 1_790_812_800 * 10**9  # 2026-10-01 00:00 UTC


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.at(tmp_path / "journal.sqlite")


def trade(
    journal: Journal, number: int, *, entry: int = 100, leave: int = 110, side: int = 1, kind: str = ""
) -> RoundTrip:
    """One coin in, one coin out ten minutes later; the fee is one each way."""
    start = START + number * 60 * MINUTE
    for part, (price, way) in enumerate(((entry, side), (leave, -side))):
        journal.add(
            [
                Fill(
                    venue="binance",
                    contract="BTCUSDT",
                    trade_id=f"{number}-{part}",
                    order_id=f"o{number}-{part}",
                    time_ns=start + part * 10 * MINUTE,
                    side=way,
                    price8=price * E8,
                    quantity8=E8,
                    coin="USDT",
                    fee_cash=E8,
                    exit_kind=kind if part else "",
                )
            ]
        )
    (trip,) = [trip for trip in journal.all() if trip.opened_ns == start]
    return trip


def row(table: Reviewed, trip: RoundTrip) -> int:
    return [table.names.at(k) for k in range(len(table))].index(trip.trip_id)


def test_a_plan_makes_r_and_slippage_and_lateness(journal: Journal) -> None:
    notes = Notes(journal)
    long = trade(journal, 0, entry=101, leave=88, kind="stop")
    short = trade(journal, 1, entry=100, leave=94, side=-1, kind="target")
    bare = trade(journal, 2)
    notes.plan(long, Plan(stop8=90 * E8, target8s=(121 * E8,), entry8=100 * E8), now_ns=1, setup="range")
    notes.plan(short, Plan(stop8=104 * E8), now_ns=2, setup=" fade ")
    notes.note(long, "late", now_ns=3)
    notes.tag(short, ["news"], now_ns=4)
    table = from_journal(journal)
    k, s, b = (row(table, trip) for trip in (long, short, bare))
    assert table.names.names != ()
    assert table.risk_cash.tolist() == [11 * E8, 4 * E8, 0]
    assert table.r[k] == pytest.approx(-15 / 11)
    assert table.planned_r8[k] == 20 * E8 // 11
    assert table.slip_cash.tolist() == [2 * E8, UNKNOWN, UNKNOWN]
    assert table.late_r8[k] == E8 // 10
    assert [table.setup.at(place) for place in (k, s, b)] == ["range", "fade", ""]
    assert table.noted.tolist() == [True, False, False]
    assert table.tags["news"].tolist() == [False, True, False]
    assert np.isnan(table.r[b])
    assert (table.mae_cash[k], table.btc_change8[k]) == (UNKNOWN, UNKNOWN)


def test_the_path_of_a_stop(journal: Journal) -> None:
    notes = Notes(journal)
    raised, lowered, short = (trade(journal, number, side=side) for number, side in ((0, 1), (1, 1), (2, -1)))
    for trip, stops in ((raised, (90, 95, 95)), (lowered, (90, 95, 94)), (short, (120, 115, 116))):
        notes.plan(trip, Plan(stop8=stops[0] * E8), now_ns=1)
        for when, price in enumerate(stops[1:]):
            notes.record(
                trip.trip_id,
                "stop",
                {"price8": price * E8},
                now_ns=trip.opened_ns + when,
                key=f"{trip.trip_id}{when}",
            )
    assert from_journal(journal).loosened.tolist() == [False, True, True]


def test_what_a_session_saw_stands_before_what_was_measured(journal: Journal) -> None:
    log = SessionLog(journal, "binance")
    log.plan("BTCUSDT", "o0-0", Plan(stop8=90 * E8), time_ns=1, setup="session")
    log.override("BTCUSDT", "o0-0", rule="day loss", reason="sure of it", time_ns=2)
    log.conditions("BTCUSDT", "o0-0", Conditions(None, 7, 8, None, None), time_ns=3)
    log.excursion(
        "BTCUSDT", "o0-0", worst_cash=-3 * E8, best_cash=12 * E8, worst_price8=97, best_price8=112, time_ns=4
    )
    seen, measured, stale, blind = (trade(journal, number) for number in range(4))
    common = {"mae_cash": -5 * E8, "mfe_cash": 10 * E8, "mae_price8": 1, "mfe_price8": 2, "btc_change8": -9}
    keep(
        journal,
        [
            Measured(trip_id=seen.trip_id, fills=2, bars=9, **common),
            Measured(trip_id=measured.trip_id, fills=2, bars=9, **common),
            Measured(trip_id=stale.trip_id, fills=1, bars=9, **common),
            Measured(trip_id=blind.trip_id, fills=2, bars=0, **common),
        ],
    )
    table = from_journal(journal)
    assert table.mae_cash.tolist() == [-3 * E8, -5 * E8, UNKNOWN, UNKNOWN]
    assert table.mfe_cash.tolist() == [12 * E8, 10 * E8, UNKNOWN, UNKNOWN]
    assert table.btc_change8.tolist() == [7, -9, -9, -9]
    assert table.btc_volatility8[0] == 8
    assert table.overridden.tolist() == [True, False, False, False]
    assert table.setup.at(0) == "session"


def test_open_trades_wait(journal: Journal) -> None:
    trade(journal, 0)
    half = Fill(
        venue="binance", contract="BTCUSDT", trade_id="x", time_ns=START + 900 * MINUTE, side=1, price8=E8,
        quantity8=E8, coin="USDT",
    )  # fmt: skip
    journal.add([half])
    assert len(from_journal(journal)) == 1


def test_which_trades_are_asked_about(journal: Journal, tmp_path: Path) -> None:
    first, last = trade(journal, 0), trade(journal, 31 * 24)
    Notes(journal).plan(last, Plan(stop8=90 * E8), now_ns=1, setup="Range")
    Notes(journal).tag(last, ["news"], now_ns=2)
    table = from_journal(journal)
    for asked, wanted in (
        (Asked(), [True, True]),
        (Asked(month="2026-10"), [True, False]),
        (Asked(month="2026-11"), [False, True]),
        (Asked(month="2026-11", since_ns=first.opened_ns), [False, True]),
        (Asked(setup="range"), [False, True]),
        (Asked(tag="News"), [False, True]),
        (Asked(tag="nothing"), [False, False]),
        (Asked(until_ns=last.closed_ns), [True, False]),
        (Asked(since_ns=last.closed_ns), [False, True]),
    ):
        assert np.asarray(chosen(table, asked)).tolist() == wanted, asked
    found = reviewed(journal, Asked(month="2026-11"))
    assert isinstance(found, Review)
    assert found.table.names.at(0) == last.trip_id
    write_page(found, tmp_path / "page.html", Asked(month="2026-11"))
    assert "Review: November 2026" in (tmp_path / "page.html").read_text()
    assert title_of(Asked(setup="x", account="a")) == "All trades, setup x, account a"
    with pytest.raises(InputError, match="cannot be written") as told:
        write_page(found, tmp_path, Asked())
    assert told.value.code == "REVIEW-105"


def test_what_is_no_month_and_no_file_of_rules(tmp_path: Path) -> None:
    for text in ("2026", "2026-13", "26-10", "2026-1x", "1900-01", "２０２６-10", "2026-10-01"):
        with pytest.raises(InputError, match="no month") as told:
            month_of(text)
        assert told.value.code == "REVIEW-103"
    assert month_of("2026-2").month == 2
    for name, content in (("none.toml", None), ("bad.toml", "[guard"), ("other.toml", "[rules]\na = 1\n")):
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=r"cannot be read|no \[guard\] table") as told:
            guard_of(tmp_path / name)
        assert told.value.code == "REVIEW-104"
    (tmp_path / "good.toml").write_text("[guard]\ntrades_a_day = 3\n")
    assert guard_of(tmp_path / "good.toml").book.allowed.day_trades == 3
