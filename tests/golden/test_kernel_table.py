"""The kernel's table: its committed rows are whole, and their integers are those of the workloads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import committed, kernel, machine
from benchmarks.peers import asked
from benchmarks.workloads import ALL

FIELDS = {"workload", "engine", "version", "units", "unit", "seconds_min", "rate", "fingerprint"}
KEPT: dict[str, Any] = json.loads(kernel.KEPT.read_text(encoding="utf-8"))
OURS = {(line.workload, line.engine): line for line in kernel.LINES}


def test_the_committed_table_has_the_machine_and_every_row_its_fields() -> None:
    assert set(KEPT["machine"]) == set(machine.machine())
    assert len(KEPT["rows"]) > len(OURS)
    for row in KEPT["rows"]:
        assert set(row) == FIELDS, row
        if row["rate"] is not None:
            assert row["rate"] == pytest.approx(row["units"] / row["seconds_min"])


@pytest.mark.parametrize("line", kernel.LINES, ids=lambda line: f"{line.workload}, {line.engine}")
def test_a_row_of_ours_is_of_the_full_size_and_has_its_fingerprint(line: kernel.Line) -> None:
    (row,) = [row for row in KEPT["rows"] if (row["workload"], row["engine"]) == line[:2]]
    assert row["units"] == line.units(line.source.full)
    assert row["fingerprint"] == committed.expected(line.source, line.source.full)


def test_every_kernel_workload_has_a_row() -> None:
    names = {line.source.name for line in kernel.LINES} | {"kernel_first_call"}
    assert names == {name for name in ALL if name.startswith("kernel")}
    assert {name for name, _ in kernel.CALLS} <= {row["workload"] for row in KEPT["rows"]}


def test_the_peers_were_measured_in_the_same_run() -> None:
    engines = {row["engine"] for row in KEPT["rows"]}
    assert {"vectorbt (numba)", "vectorbt (rust)", "nautilus_trader"} <= engines


def test_the_readme_shows_the_committed_rows() -> None:
    shown = kernel.PAGE.read_text(encoding="utf-8").split(kernel.TABLE)[1].split("\n\n")[0]
    assert shown.splitlines() == kernel.page_rows(KEPT["rows"])


def test_shown_rows_stand_beside_the_first_of_their_workload() -> None:
    engine = {"engine": "ours", "version": "1"}
    rows = [
        asked.row("run", engine, 4_000_000, unit="bars", told=(2.0, "")),
        asked.row("run", engine | {"engine": "theirs"}, 1_000_000, unit="bars", told=(2.0, "")),
        {"workload": "run", "engine": "odd", "refused": "not installed"},
    ]
    head, first, second, third = kernel.shown(rows)
    assert head.startswith("workload")
    assert "2.00 M/s" in first
    assert second.endswith("0.25x")
    assert third.endswith("not measured: not installed")
