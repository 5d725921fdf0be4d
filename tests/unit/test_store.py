"""The store of market data: what is put is found again, exactly, and is never half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

pl = pytest.importorskip("polars")

from lotwise.errors import InputError  # noqa: E402
from lotwise.market.kinds import BARS, TRADES, Scale, Table  # noqa: E402
from lotwise.market.store import DAY_NS, UNFINISHED, Series, Store, read  # noqa: E402

KILLS = 50 if os.environ.get("LOTWISE_PROFILE") == "proof" else 5
FIRST = 20_212 * DAY_NS
BTC = Series("binance", "BTCUSDT", TRADES)
TENTHS = Scale(price=1, quantity=3)


def trades(ids: range, step: int = DAY_NS // 4, scale: Scale = TENTHS) -> Table:
    """A trade every so often, from the first day on."""
    more = 10 ** (scale.price - 1)
    rows = {
        "time_ns": [FIRST + i * step for i in ids],
        "id": list(ids),
        "price": [(900_000 + i) * more for i in ids],
        "quantity": [1 + i % 7 for i in ids],
        "buyer_is_maker": [i % 2 == 0 for i in ids],
    }
    return Table(TRADES, scale, pl.DataFrame(rows))


def kept(store: Store, series: Series = BTC) -> list[tuple[object, ...]]:
    """All rows of a series."""
    rows, _ = store.scan(series)
    found: list[tuple[object, ...]] = rows.collect().rows()
    return found


def test_what_is_put_is_found_again_by_day(tmp_path: Path) -> None:
    store, table = Store(tmp_path), trades(range(10))
    written = store.put(BTC, table)
    assert [path.name for path in written] == [
        "2025-05-04.parquet",
        "2025-05-05.parquet",
        "2025-05-06.parquet",
    ]
    assert kept(store) == table.frame.rows()
    assert [(day.day.day, day.rows, day.scale) for day in store.days(BTC)] == [
        (4, 4, table.scale),
        (5, 4, table.scale),
        (6, 2, table.scale),
    ]
    assert list(store.days()) == list(store.days(BTC))


def test_rows_that_are_there_stay_and_are_not_doubled(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(BTC, trades(range(6)))
    assert store.put(BTC, trades(range(6))) == []
    assert len(store.put(BTC, trades(range(3, 10)))) == 2
    assert kept(store) == trades(range(10)).frame.rows()


def test_days_of_several_scales_are_read_at_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(BTC, trades(range(4)))
    store.put(BTC, trades(range(4, 8), scale=Scale(price=4, quantity=3)))
    rows, scale = store.scan(BTC)
    assert scale == Scale(price=4, quantity=3)
    assert rows.collect()["price"].to_list() == [(900_000 + i) * 1000 for i in range(8)]
    store.put(BTC, trades(range(3), scale=Scale(price=2, quantity=3)))
    assert store.scan(BTC)[0].collect()["price"].to_list() == [(900_000 + i) * 1000 for i in range(8)]


def test_a_span_is_from_and_before(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(BTC, trades(range(40)))
    since, until = datetime(2025, 5, 5, 6, tzinfo=UTC), datetime(2025, 5, 7, tzinfo=UTC)
    rows, _ = store.scan(BTC, since, until)
    assert rows.collect()["id"].to_list() == list(range(5, 12))


def test_a_row_that_says_something_else_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(BTC, trades(range(4)))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    odd = trades(range(2, 4))
    odd.frame[1, "price"] = 1
    with pytest.raises(InputError, match=r"DATA-203.*'id': 3"):
        store.put(BTC, odd)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")} == before


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"not parquet at all"])
def test_a_damaged_day_is_refused(tmp_path: Path, damage: bytes) -> None:
    store = Store(tmp_path)
    (path,) = store.put(BTC, trades(range(4)))
    path.write_bytes(damage)
    with pytest.raises(InputError, match="DATA-206"):
        read(path, TRADES)


def test_an_edited_day_is_refused_by_its_checksum(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (path,) = store.put(BTC, trades(range(4)))
    facts = pl.read_parquet_metadata(path)
    frame = pl.read_parquet(path)
    frame[0, "price"] = 1
    frame.write_parquet(path, metadata={"lotwise": facts["lotwise"]})
    with pytest.raises(InputError, match="DATA-206"):
        read(path, TRADES)


def test_another_kind_a_name_that_is_none_and_nothing_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(InputError, match="DATA-202"):
        store.put(Series("binance", "BTCUSDT", BARS), trades(range(4)))
    with pytest.raises(InputError, match="DATA-201"):
        Series("binance", "../BTCUSDT", BARS)
    with pytest.raises(InputError, match="DATA-205"):
        store.scan(BTC)


def test_a_disk_that_takes_nothing_is_said_and_the_old_day_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(BTC, trades(range(4)))
    (tmp_path / "binance" / "ETHUSDT").write_text("a file where a folder belongs")
    with pytest.raises(InputError, match="DATA-204"):
        store.put(Series("binance", "ETHUSDT", TRADES), trades(range(4)))
    assert kept(store) == trades(range(4)).frame.rows()


BATCH = 100_000


def many(first: int, end: int) -> Table:
    """So many trades at once, ten to the second: a day takes long enough to write that a kill meets it."""
    ids = pl.int_range(first, end, eager=True)
    columns = {
        "time_ns": FIRST + ids * 10**8,
        "id": ids,
        "price": 900_000 + ids % 1_000,
        "quantity": 1 + ids % 7,
        "buyer_is_maker": ids % 2 == 0,
    }
    return Table(TRADES, TENTHS, pl.DataFrame(columns))


WRITER = """
import sys
from pathlib import Path
from lotwise.market.store import Store
from tests.unit.test_store import BATCH, BTC, many
store, start = Store(Path(sys.argv[1])), int(sys.argv[2])
for batch in range(start, start + 1000):
    store.put(BTC, many(batch * BATCH, (batch + 1) * BATCH))
    print(batch, flush=True)
"""


def test_a_writer_killed_at_any_moment_loses_nothing_it_had_put(tmp_path: Path) -> None:
    rng, store, said = random.Random(5), Store(tmp_path), -1
    for _ in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(said + 1)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert writer.stdout is not None
        assert int(writer.stdout.readline()) == said + 1  # it is at work
        deadline = time.monotonic() + rng.uniform(0, 0.25)
        while time.monotonic() < deadline:
            pass
        writer.send_signal(signal.SIGKILL)
        lines = writer.communicate()[0].split()
        said = int(lines[-1]) if lines else said + 1
        rows = store.scan(BTC)[0].collect()
        promised = many(0, (said + 1) * BATCH).frame
        assert rows.head(len(promised)).equals(promised), "a row that was put is not there"
        more = many(0, (said + 2) * BATCH).frame
        assert rows.equals(more.head(len(rows))), "there is a row that nobody put"
        for day in store.days(BTC):
            assert len(read(day.path, TRADES).frame) == day.rows
    assert said >= KILLS - 1, "each run puts at least once"
    assert len(list(tmp_path.rglob(f"*{UNFINISHED}"))) <= KILLS


def test_two_writers_of_one_day_lose_nothing(tmp_path: Path) -> None:
    ends = []
    for start in (0, 1000):
        code = (
            WRITER.replace("start + 1000", "start + 20")
            .replace("BATCH", "50")
            .replace("import 50", "import BATCH")
        )
        command = [sys.executable, "-c", code, str(tmp_path), str(start)]
        ends.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[2]))
    assert [one.wait() for one in ends] == [0, 0]
    assert [row[1] for row in kept(Store(tmp_path))] == [*range(1000), *range(50_000, 51_000)]
