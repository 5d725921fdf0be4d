"""Results in a folder: whole or not there, played once, found again, and never those of something else."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lotwise.backtest import sweep_store as store
from lotwise.backtest.sweep import Feed, Sweep
from lotwise.backtest.sweep_row import Outcome
from lotwise.backtest.workers import Workers, played
from lotwise.errors import LotwiseError
from lotwise.strategy.library.breakout import Breakout
from tests.conftest import PROFILE
from tests.twins.sweep_market import GRID, Fails, Logged, feeds, plan, sweep

pytest.importorskip("polars")
ROOT = Path(__file__).resolve().parents[2]
KILLS = {"test": 3, "proof": 20}
CHUNK = 4
ONE = Workers("threads", 1)


def test_what_was_kept_is_what_was_played(tmp_path: Path) -> None:
    one = sweep(Fails, count=1_200)
    told: list[tuple[int, int]] = []
    first = store.run(one, tmp_path, ONE, lambda *given: told.append(given), chunk=CHUNK)
    assert first.outcomes == played(one, ONE)
    assert (first.found, told[0], told[-1]) == (0, (0, 18), (18, 18))
    assert [count for count, _ in told] == [0, 4, 8, 12, 16, 18]
    again = store.run(sweep(Fails, count=1_200), tmp_path, Workers("threads", 2), chunk=CHUNK)
    assert (again.outcomes, again.found, again.folder) == (first.outcomes, 18, first.folder)
    table = store.table_of(first.outcomes, one.settings)
    assert table["ranges"].to_list() == [setting["ranges"] for setting in one.settings] * 2
    assert table["day_cash"].to_list()[0] == list(first.outcomes[0].day_cash)
    assert table.filter(table["error"] != "").height == 6


@pytest.mark.parametrize("harm", ["cut", "turned", "emptied", "renamed", "another"])
def test_a_damaged_file_is_played_again(tmp_path: Path, harm: str) -> None:
    one = sweep(count=800)
    first = store.run(one, tmp_path, ONE, chunk=CHUNK)
    files = sorted(first.folder.glob("chunk-*.parquet"))
    assert len(files) == 5
    content = files[1].read_bytes()
    if harm == "cut":
        files[1].write_bytes(content[:-3])
    elif harm == "turned":
        files[1].write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif harm == "emptied":
        files[1].write_bytes(b"")
    elif harm == "renamed":
        files[1].rename(files[1].with_name("chunk-000009-0.parquet"))
    else:
        files[1].unlink()
        store.write_chunk(first.folder, 1, [replace(one, number=99) for one in first.outcomes[4:8]])
    (first.folder / f".{files[1].name}.1.unfinished").write_bytes(content[:50])
    again = store.run(one, tmp_path, ONE, chunk=CHUNK)
    assert (again.found, again.outcomes) == (14, first.outcomes)
    assert sorted(again.folder.glob("chunk-*.parquet")) == files


def test_another_figure_anywhere_is_another_sweep() -> None:
    one = sweep(count=300)
    rows = one.feeds[0].rows.copy()
    rows["close_ticks"][7] += 1
    other_contract = one.feeds[0].contracts[0].replace(min_notional="6")
    limits = replace(one.plan, allowed=replaced_row(one.plan.allowed, day_trades=13))
    first, second = one.feeds
    others = [
        Sweep(Breakout, one.settings, (Feed(first.contracts, rows), second), one.plan, one.periods),
        Sweep(Breakout, one.settings, (Feed((other_contract,), first.rows), second), one.plan, one.periods),
        Sweep(Breakout, one.settings[1:], one.feeds, one.plan, one.periods),
        Sweep(Breakout, one.settings, one.feeds[:1], one.plan, one.periods),
        Sweep(Breakout, one.settings, one.feeds, limits, one.periods),
        Sweep(Breakout, one.settings, one.feeds, replace(one.plan, leverage100=500), one.periods),
        Sweep(Breakout, one.settings, one.feeds, one.plan, (replace(one.periods[0], warm_ns=1),)),
        Sweep(Fails, one.settings, one.feeds, one.plan, one.periods),
    ]  # fmt: skip
    stamps = [store.stamp_of(each) for each in (one, *others)]
    assert len(set(stamps)) == len(stamps)
    assert store.stamp_of(sweep(count=300)) == stamps[0]
    assert len(store.own_source()) == 24


def replaced_row(row: Any, **changes: int) -> Any:
    """A row with other fields."""
    return type(row)(**{name: getattr(row, name) for name in row.__slots__} | changes)


def test_another_source_is_another_sweep(tmp_path: Path) -> None:
    names = []
    for number, text in enumerate(("return None", "return  None")):
        path = tmp_path / f"mine{number}.py"
        path.write_text(f"class Mine:\n    def signals(self, bars):\n        {text}\n", encoding="utf-8")
        space: dict[str, Any] = {"__name__": f"mine{number}"}
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)
        sys.modules[f"mine{number}"] = type(sys)(f"mine{number}")
        sys.modules[f"mine{number}"].__file__ = str(path)
        names.append(store.source_of(space["Mine"]))
        del sys.modules[f"mine{number}"]
    assert names[0] != names[1]


def test_chunks_of_another_size_begin_anew(tmp_path: Path) -> None:
    first = store.run(sweep(count=300), tmp_path, ONE, chunk=CHUNK)
    again = store.run(sweep(count=300), tmp_path, ONE, chunk=5)
    assert (again.found, again.outcomes) == (0, first.outcomes)
    assert len(list(again.folder.glob("*.parquet"))) == 4


def test_a_full_disk_is_told_and_what_was_finished_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    real = os.fsync

    def full(file: int) -> None:
        written.append(file)
        if len(written) > 7:  # the plan and two chunks are two each: a file and its folder
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LotwiseError, match=r"BACKTEST-311.*No space left") as caught:
        store.run(sweep(count=300), tmp_path, ONE, chunk=CHUNK)
    assert "make room" in caught.value.hint
    monkeypatch.undo()
    (folder,) = tmp_path.iterdir()
    kept = sorted(path.name[:12] for path in folder.iterdir() if path.suffix == ".parquet")
    assert kept[:2] == ["chunk-000000", "chunk-000001"]
    assert not list(folder.glob(".*unfinished"))
    again = store.run(sweep(count=300), tmp_path, ONE, chunk=CHUNK)
    assert again.found >= 8
    assert again.outcomes == played(sweep(count=300), ONE)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LotwiseError, match=r"BACKTEST-311") as caught:
        store.run(sweep(count=300), tmp_path / "file", ONE)
    assert "choose another folder" in caught.value.hint


CHILD = """
import sys
from pathlib import Path
from lotwise.backtest import sweep_store
from lotwise.backtest.workers import Workers
from tests.unit.test_sweep_store import CHUNK, logged
sweep_store.own_source = lambda: "a source that nobody edits while this runs"
sweep_store.run(
    logged(sys.argv[1]), Path(sys.argv[2]), Workers("threads", 1),
    lambda there, of: print(there, of, flush=True), chunk=CHUNK,
)
"""


def logged(log: str) -> Sweep:
    """Eighty cases that write down that they were asked."""
    return sweep(Logged, {"seed": list(range(40)), "one_in": [40], "log": [log]}, count=300)


def test_a_sweep_that_is_killed_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL at moments drawn by a seed; nothing is asked twice but the chunk in flight."""
    monkeypatch.setattr(store, "own_source", lambda: "a source that nobody edits while this runs")
    rng = np.random.Generator(np.random.PCG64(11))
    log, kills, seen = tmp_path / "asked", KILLS[PROFILE], 0
    command = [sys.executable, "-c", CHILD, str(log), str(tmp_path / "out")]
    for _ in range(kills):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            there = int(child.stdout.readline().split()[0])
            assert there >= seen  # what was told as kept is kept
            for _ in range(int(rng.integers(0, 40 // kills + 1))):
                line = child.stdout.readline()
                there = int(line.split()[0]) if line else there
            os.kill(child.pid, signal.SIGKILL)
            child.wait(timeout=60)
            seen = there
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert int(done.stdout.split()[0]) >= seen
    asked = Counter(log.read_text(encoding="utf-8").split())
    assert sum(asked.values()) <= 80 + kills * CHUNK
    kept = store.run(logged(str(log)), tmp_path / "out", ONE, chunk=CHUNK)
    assert kept.found == 80
    assert sum(Counter(log.read_text(encoding="utf-8").split()).values()) == sum(asked.values())
    assert [one.fingerprint for one in kept.outcomes] == prints(str(tmp_path / "other"))


def prints(log: str) -> list[str]:
    """As played without an end."""
    return [one.fingerprint for one in played(logged(log), ONE)]


def test_an_outcome_says_itself_in_json() -> None:
    (one,) = played(Sweep(Breakout, [{"bars": 10}], feeds(900)[:1], plan(), sweep(count=900).periods), ONE)
    told = one.as_dict()
    assert told["parameters"] == {"bars": 10}
    assert sum(told["refusals"].values()) == told["refused"] == one.refused > 0
    assert told["r_mean"] == pytest.approx(one.r_sum / one.r_count)
    assert Outcome(0, 0, "x", 0, 1, "{}").r_mean == 0.0
    assert GRID["bars"][0] == 10
