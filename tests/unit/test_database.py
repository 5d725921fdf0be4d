"""The durable database: private, append-only, whole or not there; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Text, create_engine, func, inspect, select, text

from lotwise.errors import InputError, LotwiseError
from lotwise.store import database as module
from lotwise.store.database import Database, opened, put
from lotwise.store.failures import StoreError
from lotwise.store.place import own_place
from lotwise.store.schema import newest
from lotwise.store.tables import EVENTS, FILLS, METADATA
from tests.unit.postgres_server import emptied, restarted, server

WRITER = """
import sys
from lotwise.store.database import opened
place, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
base = opened(place)
for i in range(count):
    base.append("intents", "intent", {"i": i}, time_ns=i, subject=name, key=f"{name}-{i}")
    print(i, flush=True)
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as (url, _):
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "journal.sqlite")
    return emptied(request.getfixturevalue("postgres"))


@pytest.fixture
def base(place: str) -> Iterator[Database]:
    found = opened(place)
    yield found
    found.close()


def count(base: Database) -> int:
    with base.read() as connection:
        return int(connection.execute(select(func.count()).select_from(EVENTS)).scalar_one())


def check_refused(code: str, call: object) -> LotwiseError:
    with pytest.raises(LotwiseError) as caught:
        call()  # type: ignore[operator]
    assert caught.value.code == code, caught.value
    return caught.value


def test_events_are_kept_in_their_order_and_found_by_subject(base: Database) -> None:
    for i in range(5):
        base.append(
            "s", "k" if i % 2 else "other", {"i": i, "words": "é€"}, time_ns=10 - i, subject=str(i % 2)
        )
    base.append("elsewhere", "k", {}, time_ns=1)
    assert [one.body["i"] for one in base.events("s")] == [0, 1, 2, 3, 4]
    assert [one.body["i"] for one in base.events("s", subjects=["1"])] == [1, 3]
    assert [one.body["i"] for one in base.events("s", kind="other")] == [0, 2, 4]
    assert [one.time_ns for one in base.events("s", after=base.events("s")[3].id)] == [6]


def test_the_same_key_keeps_one_event_and_another_body_is_refused(base: Database) -> None:
    first = base.append("s", "k", {"a": 1}, time_ns=5, key="x")
    assert base.append("s", "k", {"a": 1}, time_ns=6, key="x") == first
    assert base.append("t", "k", {"a": 2}, time_ns=6, key="x") != first
    error = check_refused("STORE-109", lambda: base.append("s", "k", {"a": 2}, time_ns=6, key="x"))
    assert '{"a": 1}' in error.message
    assert '{"a": 2}' in error.message
    assert count(base) == 2


@pytest.mark.parametrize("change", ["UPDATE events SET body = 'x'", "DELETE FROM events"])
def test_what_is_kept_cannot_be_changed(base: Database, change: str) -> None:
    base.append("s", "k", {"a": 1}, time_ns=5)

    def tamper() -> None:
        with base.write() as connection:
            connection.execute(text(change))

    check_refused("STORE-109", tamper)
    assert [one.body for one in base.events("s")] == [{"a": 1}]


def test_every_table_of_facts_only_grows(base: Database) -> None:
    worked_out = {"trips", "trip_orders", "measures", "worked_out"}
    facts = [table for table in METADATA.sorted_tables if table.name not in worked_out]
    assert {table.name for table in facts} == {"events", "fills", "entries", "postings", "incomes"}
    with base.write() as connection:
        for table in sorted(facts, key=lambda table: table.name == "postings"):
            row = {column.name: "" if isinstance(column.type, Text) else 1 for column in table.columns}
            connection.execute(table.insert().values(**row))
    for table in facts:
        for change in (f"DELETE FROM {table.name}", f"UPDATE {table.name} SET id = 2"):

            def tamper(change: str = change) -> None:
                with base.write() as connection:
                    connection.execute(text(change))

            assert table.name in check_refused("STORE-109", tamper).message
    assert count(base) == 1


def test_a_block_that_raises_keeps_nothing(base: Database) -> None:
    def broken() -> None:
        with base.write() as connection:
            module.append(connection, "s", "k", {}, time_ns=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert count(base) == 0
    base.append("s", "k", {}, time_ns=1)
    assert count(base) == 1


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": {1, 2}}])
def test_what_is_not_plain_json_is_refused(base: Database, body: dict[str, object]) -> None:
    check_refused("STORE-111", lambda: base.append("s", "k", body, time_ns=1))
    check_refused("STORE-111", lambda: base.append("s", "k", {}, time_ns=2**63))
    check_refused("STORE-111", lambda: base.append("s", "k", {}, time_ns=True))
    assert count(base) == 0


def test_many_rows_go_in_together_or_not_at_all(base: Database) -> None:
    names = ("stream", "kind", "subject", "time_ns", "key", "body")
    rows = [("s", "k", "", i, f"{i}", "{}") for i in range(7_000)]
    with base.write() as connection:
        put(connection, EVENTS, names, rows)
        put(connection, EVENTS, names, [])
    assert count(base) == 7_000

    def too_large() -> None:
        with base.write() as connection:
            put(connection, EVENTS, names, [("s", "k", "", 2**63, None, "{}")])

    assert "time_ns is 9223372036854775808" in check_refused("STORE-111", too_large).message

    def twice() -> None:
        with base.write() as connection:
            put(connection, EVENTS, names, [("s", "k", "", 1, "new", "{}"), ("s", "k", "", 1, "5", "{}")])

    check_refused("STORE-110", twice)
    assert count(base) == 7_000


def test_the_views_have_decimals_and_dates(base: Database) -> None:
    fill = dict.fromkeys(("position_side", "order_id", "exit_kind"), "") | {
        "venue": "binance",
        "account": "main",
        "contract": "BTCUSDT",
        "trade_id": "7",
        "coin": "USDT",
        "fee_coin": "BNB",
        "source": "f.csv, row 2",
        "time_ns": 1_746_316_800_123_456_789,
        "sequence": 7,
        "side": -1,
        "price8": 94_000_10000000,
        "quantity8": 100_000,
        "multiplier8": 10**8,
        "is_inverse": 0,
        "fee_cash": -5,
        "realised_cash": -150_000_001,
        "maker": 0,
    }
    with base.write() as connection:
        connection.execute(FILLS.insert().values(**fill))
    with base.read() as connection:
        row = connection.execute(text("SELECT * FROM fills_read")).mappings().one()
    shown = {name: str(row[name]) for name in row}
    assert shown["time_utc"] == "2025-05-04 00:00:00.123"
    assert (shown["side"], shown["price"], shown["quantity_contracts"]) == (
        "sell",
        "94000.10000000",
        "0.00100000",
    )
    assert (shown["fee_in_fee_coin"], shown["venue_pnl_in_coin"]) in (
        ("-0.00000005", "-1.50000001"),
        ("-5E-8", "-1.50000001"),
    )


def test_the_first_schema_with_data_is_brought_up_and_loses_nothing(place: str) -> None:
    old = opened(place, upgrade="0001")
    old.append("s", "k", {"kept": True}, time_ns=1, key="x")
    with old.read() as connection:
        assert not inspect(connection).has_table("trips")
    old.close()
    new = opened(place)
    assert [one.body for one in new.events("s")] == [{"kept": True}]
    check_refused("STORE-109", lambda: new.append("s", "k", {}, time_ns=1, key="x"))
    with new.read() as connection:
        assert inspect(connection).has_table("trips")
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == newest()
    new.close()


def test_the_schema_that_is_made_is_the_one_that_is_worked_with(base: Database) -> None:
    with base.read() as connection:
        for table in METADATA.sorted_tables:
            made = {
                column["name"]: column["nullable"] for column in inspect(connection).get_columns(table.name)
            }
            assert set(made) == {column.name for column in table.columns}, table.name


def test_a_newer_schema_and_a_stranger_are_refused(place: str) -> None:
    base = opened(place)
    with base.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    base.close()
    assert "9999" in check_refused("STORE-106", lambda: opened(place)).message


def test_tables_of_something_else_are_left_alone(place: str) -> None:
    engine = create_engine(
        place.replace("postgresql", "postgresql+psycopg") if ":" in place else f"sqlite:///{place}"
    )
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE recipes (name TEXT)"))
    engine.dispose()
    assert "recipes" in check_refused("STORE-108", lambda: opened(place)).message


def test_two_may_make_the_database_at_once(tmp_path: Path) -> None:
    place = str(tmp_path / "new.sqlite")
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, place, str(n), "3"], stdout=subprocess.PIPE, text=True
        )
        for n in range(4)
    ]
    for maker in makers:
        out, _ = maker.communicate(timeout=120)
        assert (maker.returncode, out.split()) == (0, ["0", "1", "2"])
    base = opened(place)
    assert count(base) == 12
    base.close()


# --- SQLite alone


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "below" / "journal.sqlite"


def test_file_and_folder_are_the_owners_alone(file: Path) -> None:
    base = opened(file)
    base.append("s", "k", {}, time_ns=1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == dict.fromkeys(("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"), 0o600)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700
    base.close()
    file.chmod(0o644)
    opened(file).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_sqlite_writes_ahead_and_forces_every_commit_to_the_disk(file: Path) -> None:
    base = opened(file)
    with base.read() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")
        ]
    assert found == ["wal", 2]
    base.close()


def test_the_file_is_readable_by_any_sqlite(file: Path) -> None:
    base = opened(file)
    base.append("s", "k", {"a": 1}, time_ns=1_746_316_800 * 10**9)
    base.close()
    with sqlite3.connect(file) as plain:
        assert plain.execute("SELECT time_utc, body FROM events_read").fetchall() == [
            ("2025-05-04 00:00:00.000", '{"a": 1}')
        ]
    plain.close()


def test_a_full_disk_is_said_and_what_was_there_stays(file: Path) -> None:
    base = opened(file)
    base.append("s", "k", {"kept": 1}, time_ns=1)
    with base.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
    base.close()
    limited = opened(file)

    def fill_up() -> None:
        with limited.write() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {int(pages) + 2}"))
            for i in range(100):
                module.append(connection, "s", "k", {"long": "x" * 4_000}, time_ns=i)

    assert "full" in check_refused("STORE-103", fill_up).message
    limited.close()
    again = opened(file)
    assert [one.body for one in again.events("s")] == [{"kept": 1}]
    assert again.append("s", "k", {"after": 1}, time_ns=2) > 1
    again.close()


@pytest.mark.skipif(
    os.getuid() != 0 or not Path("/proc/self/mountinfo").exists(), reason="needs root to mount"
)
def test_a_disk_that_is_really_full_is_said_and_what_was_there_stays(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        base = opened(disk / "journal.sqlite")
        kept = 0

        def fill_up() -> None:
            nonlocal kept
            for i in range(1_000):
                base.append("s", "k", {"i": i, "long": "x" * 4_000}, time_ns=i)
                kept += 1

        assert "full" in check_refused("STORE-103", fill_up).message
        assert kept > 10
        assert [one.body["i"] for one in base.events("s")] == list(range(kept))
        base.close()
        assert subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=False).returncode == 0
        again = opened(disk / "journal.sqlite")
        assert [one.body["i"] for one in again.events("s")] == list(range(kept))
        assert again.append("s", "k", {"after": 1}, time_ns=2) > kept
        again.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_is_gone_is_said_before_anything_is_lost(file: Path, how: str) -> None:
    base = opened(file)
    base.append("s", "k", {}, time_ns=1)
    file.rename(file.with_name("moved.sqlite"))
    if how == "replaced":
        file.touch()
    error = check_refused("STORE-105", lambda: base.append("s", "k", {"lost": 1}, time_ns=2))
    assert "gone" in error.message
    check_refused("STORE-105", lambda: base.events("s"))
    base.close()


def test_a_file_that_goes_while_it_is_written_is_said_too(file: Path) -> None:
    base = opened(file)

    def lose() -> None:
        with base.write() as connection:
            module.append(connection, "s", "k", {}, time_ns=1)
            file.unlink()

    check_refused("STORE-105", lose)
    base.close()


def test_another_that_writes_for_too_long_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0)
    base = opened(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    check_refused("STORE-104", lambda: base.append("s", "k", {}, time_ns=1))
    other.execute("ROLLBACK")
    other.close()
    base.append("s", "k", {}, time_ns=1)
    base.close()


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("this is no database at all" * 100)
    check_refused("STORE-108", lambda: opened(tmp_path / "text.sqlite"))
    assert (tmp_path / "text.sqlite").read_text().startswith("this is no database")


@pytest.mark.parametrize(
    "wrong", ["mysql://u:secret@h/db", "postgresql://u:secret@h:port/db", "sqlite://", "://"]
)
def test_an_address_that_cannot_be_is_refused_without_its_password(wrong: str) -> None:
    error = check_refused("STORE-101", lambda: opened(wrong))
    assert "secret" not in f"{error.message} {error.hint}"
    assert isinstance(error, InputError)


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    check_refused("STORE-101", lambda: opened(tmp_path))
    (tmp_path / "file").write_text("")
    check_refused("STORE-101", lambda: opened(tmp_path / "file" / "journal.sqlite"))


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    if os.getuid() == 0:
        place = Path("/proc/journal.sqlite")
    else:
        tmp_path.chmod(0o500)
        place = tmp_path / "journal.sqlite"
    assert isinstance(check_refused("STORE-107", lambda: opened(place)), StoreError)


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alembic", None)
    assert "pip install" in check_refused("STORE-102", lambda: opened(tmp_path / "x.sqlite")).hint
    assert not (tmp_path / "x.sqlite").exists()


def test_a_missing_driver_of_the_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = check_refused("STORE-102", lambda: opened("postgresql://lot:secret@127.0.0.1:9/none"))
    assert "lotwise[journal,postgres]" in error.hint
    assert "secret" not in f"{error.message} {error.hint}"


def test_the_users_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOTWISE_JOURNAL", "postgresql://x/y")
    assert own_place() == "postgresql://x/y"
    monkeypatch.delenv("LOTWISE_JOURNAL")
    monkeypatch.setenv("XDG_DATA_HOME", "there")
    assert own_place() == str(Path("there") / "lotwise" / "journal" / "journal.sqlite")


def test_importing_lotwise_loads_no_database() -> None:
    names = "lotwise, lotwise.store.database, lotwise.journal.shelf, lotwise.ledger.keep, lotwise.cli.journal"
    asked = f"import sys, json, {names}; print(json.dumps([n for n in sys.modules]))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout)
    assert not {"sqlalchemy", "alembic", "psycopg", "polars", "numba", "numpy"} & set(loaded)


# --- PostgreSQL alone


def test_a_server_that_is_not_there_or_goes_away() -> None:
    check_refused("STORE-105", lambda: opened("postgresql://lot:secret@127.0.0.1:9/none"))
    with server() as (url, process):
        base = opened(url)
        base.append("s", "k", {}, time_ns=1)
        process.send_signal(signal.SIGINT)  # a fast shutdown
        process.wait(timeout=60)
        error = check_refused("STORE-105", lambda: base.append("s", "k", {}, time_ns=2))
        assert "gone" in error.message
        base.close()


def test_a_server_that_is_killed_while_it_is_written_keeps_what_it_said() -> None:
    """The server dies without a word in the middle of a writer: a coded error, nothing half written."""
    with server() as (url, process):
        base = opened(url)
        base.append("s", "k", {"kept": 1}, time_ns=1)

        def cut() -> None:
            with base.write() as connection:
                module.append(connection, "s", "k", {"half": 1}, time_ns=2)
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                process.kill()  # first: it would start others in place of its children
                process.wait(timeout=60)
                for child in children:
                    with suppress(ProcessLookupError):
                        os.kill(int(child), signal.SIGKILL)
                module.append(connection, "s", "k", {"half": 2}, time_ns=3)

        assert "gone" in check_refused("STORE-105", cut).message
        check_refused("STORE-105", lambda: base.events("s"))
        base.close()
        with restarted(process):
            back = opened(url)
            assert [one.body for one in back.events("s")] == [{"kept": 1}]
            assert back.append("s", "k", {"after": 1}, time_ns=4) > 1
            back.close()


def test_a_server_with_a_full_disk_is_said(postgres: str) -> None:
    base = opened(emptied(postgres))

    def full() -> None:
        with base.write() as connection:
            connection.execute(
                text("DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$")
            )

    check_refused("STORE-103", full)
    base.close()


def test_the_password_of_a_server_is_never_shown(postgres: str) -> None:
    secret = postgres.replace("lot@", "lot:very-secret@")
    base = opened(secret)
    assert "very-secret" not in base.name
    base.close()
    error = check_refused("STORE-105", lambda: opened(secret.replace("/postgres", "/nowhere")))
    assert "very-secret" not in str(error)
