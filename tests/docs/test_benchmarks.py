"""docs/benchmarks.md is what was measured, to the byte, and hides no missed aim."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.workloads import ALL
from tools import benchmark_page

PAGE = benchmark_page.PAGE.read_text(encoding="utf-8")


def test_the_page_is_made_from_what_was_measured() -> None:
    assert benchmark_page.text() == PAGE, "fix: python -m tools.benchmark_page"


def test_every_workload_is_named() -> None:
    for name in ALL:
        assert f"`{name}`" in PAGE
    for path in (benchmark_page.FOLDER / "results").glob("*.json"):
        assert path.stem in ALL, f"{path.name} is of no workload: remove it"


def test_aims_are_counted_as_they_were_measured() -> None:
    """Counted again from the files, by the figures and not by what they say of themselves."""
    missed = reached = 0
    for path in (benchmark_page.FOLDER / "results").glob("*.json"):
        result: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for one in result["figures"].values():
            if one["target"] is None:
                continue
            is_rate = one["unit"].endswith("/s")
            met = one["best"] >= one["target"] if is_rate else one["best"] <= one["target"]
            missed, reached = missed + (not met), reached + met
    assert f"\n{reached} of {reached + missed} aims were reached.\n" in PAGE
    assert PAGE.count("| **missed** |") == missed


def test_figures_are_short_and_true() -> None:
    shown = [benchmark_page.number(value) for value in (0.182, 12.52, 168.3, 2949.0, 16_704_000.0)]
    assert shown == ["0.18", "12.52", "168.3", "2,949", "16.70 M"]


def test_a_result_of_another_workload_is_told() -> None:
    (name, result) = next(iter(benchmark_page.results().items()))
    assert "| the same |" in list(benchmark_page.checks({name: result}))[-1]
    strange = {**result, "fingerprint": "0" * 64}
    assert "| **another since** |" in list(benchmark_page.checks({name: strange}))[-1]
