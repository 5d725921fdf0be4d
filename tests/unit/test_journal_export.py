"""Every form of an export, to the byte, against one written row by row from what was said of odd trades."""

from __future__ import annotations

import csv
import gc
import io
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lotwise.errors import InputError
from lotwise.journal.export import export, rows
from lotwise.journal.export_text import csv_cell, time_text_by_day
from lotwise.journal.measures import Plan
from lotwise.journal.measuring import Measured, keep
from lotwise.journal.notes import Notes, plan_body
from lotwise.journal.rows import TRIP_NAMES, trip_row
from lotwise.journal.shelf import Journal, Wanted
from lotwise.ledger.export import time_text
from lotwise.records.journal import RoundTrip
from lotwise.store.database import put
from lotwise.store.failures import StoreError
from lotwise.store.tables import TRIP_ORDERS, TRIPS
from tests.unit.test_journal_trips import E8, fill

COUNT = 2_300
"""Of them 2,000 are made text of together: there is a second piece, and a short one."""
WORDS = (
    'says "so"',
    "a,b",
    "two\nlines",
    "and\r\nmore",
    "Überlänge",
    "損切り",
    "🙂 \u2028",
    "=1+1",
    "'",
    "\\n",
)
SETUPS = ("", "range", 'the "low", again', "レンジ", " led by a blank", "tab\there")
AT_ENTRY = ("change8", "btc_change8", "btc_volatility8", "btc_correlation8", "funding8", "spread8")
WHOLE = ("_ns", "8", "_cash", "leverage100", "fills", "refusals", "overrides", "bars_seen")
Said = dict[str, Any]


def odd_trip(rng: random.Random, number: int) -> RoundTrip:
    """Any numbers that a table of trades can hold: nothing exited, worth of nothing, before 1970."""
    opened_ns = rng.choice((rng.randrange(-(10**18), 4 * 10**18), number * 10**9, number * 86_400 * 10**9))
    entered = rng.choice((E8, rng.randrange(1, 10**11)))
    return RoundTrip(
        trip_id=f"{rng.randrange(16**10):010x}",
        venue=rng.choice(("binance", "v, w")),
        account=rng.choice(("main", "конто")),
        contract=rng.choice(("BTCUSDT", "C1", '"C"')),
        position_side=rng.choice(("", "long", "short")),
        side=rng.choice((1, -1)),
        coin=rng.choice(("USDT", "BTC")),
        opened_ns=opened_ns,
        closed_ns=rng.choice((None, opened_ns, opened_ns + rng.randrange(10**14))),
        entry_quantity8=entered,
        exit_quantity8=rng.choice((0, entered, rng.randrange(entered + 1))),
        most_quantity8=entered,
        multiplier8=rng.choice((E8, 100 * E8, 10**5)),
        is_inverse=rng.random() < 0.3,
        entry_cash=rng.choice((0, rng.randrange(1, 10**13))),
        exit_cash=rng.choice((0, rng.randrange(1, 10**13))),
        realised_cash=rng.choice((0, 1, -1, E8, rng.randrange(-(10**13), 10**13))),
        fee_cash=rng.choice((0, -5, rng.randrange(10**10))),
        other_fees=rng.choice(((), (("BNB", 7),), (("BNB", -(10**8)), ("KCS", 120_000_000)))),
        funding_cash=rng.choice((0, rng.randrange(-(10**9), 10**9))),
        venue_realised_cash=rng.choice((None, 0, rng.randrange(-(10**12), 10**12))),
        exit_kind=rng.choice(("", "stop", "liquidation")),
        fills=rng.randrange(1, 9),
    )


def say(rng: random.Random, notes: Notes, trip: RoundTrip, order: str) -> Said:
    """Events of a trade or of its order at random; what then holds of it."""
    said: Said = {"plan": {}, "tags": {}, "texts": [], "kinds": [], "then": {}, "seen": {}}

    def tell(kind: str, body: dict[str, Any]) -> None:
        notes.record(rng.choice((trip.trip_id, order)), kind, body, now_ns=rng.randrange(10**9))

    for _ in range(rng.choice((0, 1, 1, 2))):
        plan = Plan(
            stop8=rng.choice((0, rng.randrange(1, 10**13))),
            target8s=tuple(rng.randrange(1, 10**12) for _ in range(rng.choice((0, 1, 3)))),
            entry8=rng.choice((0, rng.randrange(1, 10**13))),
            risk_cash=rng.choice((0, rng.randrange(10**7, 10**11))),
            leverage100=rng.choice((0, 250, 10_000)),
        )
        body = plan_body(plan, reason=rng.choice(("", rng.choice(WORDS))), setup=rng.choice(SETUPS))
        said["plan"] |= body
        tell("plan", body)
    for _ in range(rng.choice((0, 0, 1, 3))):
        tag, on = rng.choice(("late", "früh", 'a"b', "z")), rng.random() < 0.7
        said["tags"][tag] = on
        tell("tag", {"tag": tag, "on": on})
    for _ in range(rng.choice((0, 0, 1, 2))):
        kind, text = rng.choice(("note", "answer")), rng.choice(WORDS)
        said["texts"].append(text)
        tell(kind, {"text": text} | ({"prompt": "exit"} if kind == "answer" else {}))
    for _ in range(rng.choice((0, 0, 0, 3))):
        said["kinds"].append(rng.choice(("refusal", "override")))
        tell(said["kinds"][-1], {"rule": "chase"})
    if rng.random() < 0.2:
        some = rng.sample(AT_ENTRY, rng.randrange(1, 7))
        said["then"] = {name: rng.choice((None, 0, rng.randrange(-(10**9), 10**9))) for name in some}
        tell("conditions", said["then"] | {"more": 1})
    if rng.random() < 0.2:
        names = rng.sample(("worst_cash", "best_cash", "worst_price8", "best_price8"), rng.randrange(1, 5))
        said["seen"] = {name: rng.randrange(-(10**11), 10**11) for name in names}
        tell("excursion", said["seen"])
    return said


def odd_measures(rng: random.Random, trip: RoundTrip) -> Measured:
    def some() -> int | None:
        return rng.choice((None, 0, rng.randrange(-(10**11), 10**11)))

    return Measured(
        trip_id=trip.trip_id,
        fills=trip.fills + rng.choice((0, 0, 1)),
        bars=rng.randrange(3),
        **{name: some() for name in ("mae_cash", "mfe_cash", "mae_price8", "mfe_price8", *AT_ENTRY)},
    )


def filled(journal: Journal) -> list[dict[str, Any]]:
    """A journal of odd trades, and its rows as they are worked out one by one."""
    rng = random.Random(20_261_122)
    trips = [odd_trip(rng, number) for number in range(COUNT)]
    notes = Notes(journal)
    said, found, orders = {}, {}, []
    with notes.together():
        for number, trip in enumerate(trips):
            order = f"v:main:C#{number}"
            orders.append((order, trip.trip_id, 1))
            if rng.random() < 0.8:
                said[trip.trip_id] = say(rng, notes, trip, order)
            if rng.random() < 0.6:
                found[trip.trip_id] = odd_measures(rng, trip)
    with journal.database.write() as connection:
        put(connection, TRIPS, TRIP_NAMES, [trip_row(trip) for trip in trips])
        put(connection, TRIP_ORDERS, ("subject", "trip_id", "enters"), orders)
    keep(journal, list(found.values()))
    nothing: Said = {"plan": {}, "tags": {}, "texts": [], "kinds": [], "then": {}, "seen": {}}
    trips.sort(key=lambda trip: (trip.opened_ns, trip.trip_id))
    return [slow_row(trip, said.get(trip.trip_id, nothing), found.get(trip.trip_id)) for trip in trips]


def average(trip: RoundTrip, cash: int, quantity8: int) -> int:
    """Price in 1e-8, rounded down, from coins and quotes as fractions."""
    size = Fraction(quantity8, E8) * Fraction(trip.multiplier8, E8)
    worth = Fraction(cash, E8)
    if not size or not worth:
        return 0
    price = size / worth if trip.is_inverse else worth / size
    return int(price * E8 // 1)


def gained(trip: RoundTrip, price8: int) -> int:
    size, price = Fraction(trip.entry_quantity8, E8) * Fraction(trip.multiplier8, E8), Fraction(price8, E8)
    worth = round((size / price if trip.is_inverse else size * price) * E8)
    return (worth - trip.entry_cash) * (trip.side if not trip.is_inverse else -trip.side)


def in_risk(cash: int | None, risk: int | None) -> int | None:
    return int(Fraction(cash, risk) * E8 // 1) if risk and cash is not None else None


def slow_row(trip: RoundTrip, said: Said, found: Measured | None) -> dict[str, Any]:
    plan = said["plan"] if {"stop8", "risk_cash", "target8s"} & set(said["plan"]) else {}
    risk = plan.get("risk_cash") or (max(0, -gained(trip, plan["stop8"])) if "stop8" in plan else 0) or None
    net = trip.realised_cash - trip.fee_cash + trip.funding_cash
    targets = plan.get("target8s", [])
    fresh = found if found and found.fills == trip.fills else None
    far = {}
    for ours, theirs in (("mae", "worst"), ("mfe", "best")):
        for unit in ("cash", "price8"):
            measured = getattr(fresh, f"{ours}_{unit}") if fresh else None
            far[f"{ours}_{unit}"] = said["seen"].get(f"{theirs}_{unit}", measured)
    return {
        **{
            name: getattr(trip, name) for name in ("trip_id", "venue", "account", "contract", "position_side")
        },
        "side": {1: "long", -1: "short"}[trip.side],
        **{name: getattr(trip, name) for name in ("opened_ns", "closed_ns", "entry_quantity8")},
        **{name: getattr(trip, name) for name in ("exit_quantity8", "most_quantity8")},
        "leverage100": plan.get("leverage100"),
        "entry_price8": average(trip, trip.entry_cash, trip.entry_quantity8),
        "exit_price8": average(trip, trip.exit_cash, trip.exit_quantity8) or None,
        **{name: getattr(trip, name) for name in ("realised_cash", "fee_cash", "funding_cash")},
        "net_cash": net,
        "coin": trip.coin,
        "other_fees": " ".join(f"{slow_text(cash)} {coin}" for coin, cash in trip.other_fees),
        "venue_realised_cash": trip.venue_realised_cash,
        "setup": said["plan"].get("setup", ""),
        "reason": said["plan"].get("reason", ""),
        "planned_entry8": plan.get("entry8"),
        "stop8": plan.get("stop8"),
        "stop_source": plan.get("stop_source", ""),
        "targets": " ".join(slow_text(price8) for price8 in targets),
        "risk_cash": risk,
        "r8": in_risk(net, risk) if trip.closed_ns is not None else None,
        "planned_r8": in_risk(gained(trip, targets[-1]), risk) if targets and risk else None,
        "costs_r8": in_risk(trip.fee_cash - trip.funding_cash, risk),
        **{name: far[name] for name in ("mae_cash", "mfe_cash", "mae_price8", "mfe_price8")},
        "mae_r8": in_risk(far["mae_cash"], risk),
        "mfe_r8": in_risk(far["mfe_cash"], risk),
        "bars_seen": fresh.bars if fresh and not said["seen"] else None,
        **{
            f"entry_{name}": said["then"].get(name, getattr(found, name) if found else None)
            for name in AT_ENTRY
        },
        "exit_kind": trip.exit_kind,
        "fills": trip.fills,
        "refusals": said["kinds"].count("refusal"),
        "overrides": said["kinds"].count("override"),
        "tags": " ".join(sorted(tag for tag, on in said["tags"].items() if on)),
        "notes": "\n\n".join(said["texts"]),
    }


def slow_text(value: int, decimals: int = 8) -> str:
    text = format(Decimal(value).scaleb(-decimals, Context(prec=60)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def slow_time(time_ns: int) -> str:
    whole = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{time_ns % 10**9:09d}Z"


def slow_shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = {}
    for name, value in row.items():
        if name.endswith("_ns"):
            shown[name[:-3] + "_utc"] = None if value is None else slow_time(value)
        elif name == "leverage100":
            shown["leverage"] = None if value is None else slow_text(value, 2)
        elif name.endswith(("_cash", "8")):
            short = name.removesuffix("_cash") if name.endswith("_cash") else name[:-1]
            shown[short] = None if value is None else slow_text(value)
        else:
            shown[name] = value
    return shown


def slow_bytes(expected: list[dict[str, Any]], ending: str, beside: Path) -> bytes:
    """What the file must be."""
    shown = [slow_shown(row) for row in expected]
    if ending == "json":
        return json.dumps(shown, ensure_ascii=False, indent=1).encode()
    if ending == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(shown[0]), lineterminator="\n")
        writer.writeheader()
        for row in shown:
            writer.writerow(row)
        return text.getvalue().encode()
    schema = {name: pl.Int64 if name.endswith(WHOLE) else pl.String for name in expected[0]}
    units = {"leverage100": "1e-2", "_ns": "ns since 1970 UTC", "_cash": "1e-8 of the coin", "8": "1e-8"}
    pl.DataFrame(expected, schema=schema).write_parquet(beside, metadata=units)
    return beside.read_bytes()


def test_every_form_is_to_the_byte_what_a_slow_one_writes(journal: Journal, tmp_path: Path) -> None:
    expected = filled(journal)
    assert list(rows(journal)) == expected
    for ending in ("csv", "json", "parquet"):
        out = tmp_path / f"t.{ending}"
        assert export(journal, out) == COUNT
        assert out.read_bytes() == slow_bytes(expected, ending, tmp_path / "slow.parquet"), ending
    assert pl.read_parquet(tmp_path / "t.parquet").to_dicts() == expected
    some = [row for row in expected if row["venue"] == "binance" and row["closed_ns"] is None]
    wanted = Wanted(venue="binance", is_open=True)
    assert export(journal, tmp_path / "some.csv", wanted) == len(some) > 100
    assert (tmp_path / "some.csv").read_bytes() == slow_bytes(some, "csv", tmp_path / "none")
    for name in expected[0]:  # every column was told in several ways, and left empty where it can be
        values = {row[name] for row in expected}
        assert len(values) > 1, name
        if name in ("r8", "mae_r8", "costs_r8", "net_cash", "entry_funding8", "opened_ns"):
            assert min(one for one in values if one is not None) < 0, name
        if name.startswith(("mae", "mfe", "entry_btc", "stop8", "planned", "leverage", "bars", "risk")):
            assert None in values, name
    assert any(row["setup"] and row["stop8"] is None and row["risk_cash"] is None for row in expected)
    assert all(any(word in row["notes"] for row in expected) for word in WORDS)


def test_an_empty_journal_has_its_forms_too(journal: Journal, tmp_path: Path) -> None:
    forms = {"csv": b"trip_id\n", "json": b"[]"}
    for ending, content in forms.items():
        assert export(journal, tmp_path / f"t.{ending}") == 0
        assert (tmp_path / f"t.{ending}").read_bytes() == content


def test_a_time_by_its_day_is_the_time() -> None:
    rng = random.Random(5)
    edges = (
        0,
        -1,
        1,
        10**9 - 1,
        86_400 * 10**9 - 1,
        86_400 * 10**9,
        -86_400 * 10**9 - 1,
        2**63 - 1,
        -(2**63),
    )
    for time_ns in (*edges, *(rng.randrange(-(2**63), 2**63) for _ in range(20_000))):
        assert time_text_by_day(time_ns) == time_text(time_ns) == slow_time(time_ns)


def test_a_cell_is_what_the_csv_module_writes() -> None:
    rng = random.Random(6)
    quoted = 0
    for _ in range(20_000):
        value = "".join(rng.choice("ab ,\"'\n\r\t\0;é損\u2028\\=") for _ in range(rng.randrange(6)))
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(["first", value, 7, None])
        assert f"first,{csv_cell(value)},{csv_cell(7)},{csv_cell(None)}\n" == line.getvalue()
        quoted += '"' in line.getvalue()
    assert quoted > 1_000


def test_a_number_beyond_64_bits_is_refused_by_parquet_and_told_by_the_others(
    journal: Journal, tmp_path: Path
) -> None:
    journal.add([fill(1, 1, 5_000, 100), fill(2, -1, 5_000, 104)])
    (trip,) = journal.all()
    Notes(journal).plan(trip, Plan(risk_cash=1), now_ns=1)
    some = {"mae_price8": 1, "mfe_price8": 1, "mfe_cash": 0}
    keep(journal, [Measured(trip_id=trip.trip_id, fills=2, bars=1, mae_cash=-(10**12), **some)])
    with pytest.raises(InputError, match=f"mae_r8 of trade {trip.trip_id} is -1{'0' * 20}, ") as caught:
        export(journal, tmp_path / "t.parquet")
    assert caught.value.code == "JOURNAL-120"
    assert not (tmp_path / "t.parquet").exists()
    assert export(journal, tmp_path / "t.csv") == export(journal, tmp_path / "t.json") == 1
    assert json.loads((tmp_path / "t.json").read_text("utf-8"))[0]["mae_r"] == f"-1{'0' * 12}"


@pytest.mark.parametrize("was_on", [True, False])
def test_garbage_is_looked_for_again_and_nothing_is_left_of_an_export_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was_on: bool
) -> None:
    journal = Journal.at(tmp_path / "journal.sqlite")
    seen = []

    def broken(*_: object) -> int:
        seen.append(gc.isenabled())
        raise StoreError("STORE-105", "the database is gone", "put it back")

    monkeypatch.setattr("lotwise.journal.export._csv", broken)
    was = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        with pytest.raises(StoreError, match="STORE-105"):
            export(journal, tmp_path / "t.csv")
        assert export(journal, tmp_path / "t.json") == 0
        assert gc.isenabled() is was_on
    finally:
        (gc.enable if was else gc.disable)()
        journal.close()
    assert seen == [False]
    assert not (tmp_path / "t.csv").exists()
