"""Every benchmark computes what is committed, in every body of the rules; times are not looked at.

Where a figure changed on purpose: ``python -m benchmarks --accept``, and say it in the changelog.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import committed, machine, report, runner
from benchmarks.workload import Figure, Outcome, Workload, fingerprint
from benchmarks.workloads import ALL

BODIES = [(name, body) for name, workload in ALL.items() for body in workload.bodies]


@pytest.mark.parametrize(("name", "body"), BODIES)
def test_a_workload_computes_what_is_committed(name: str, body: str) -> None:
    workload = ALL[name]
    found = fingerprint(workload.bodies[body](workload.small))
    how = "if figures changed on purpose: python -m benchmarks --accept, and say why in the changelog"
    assert found == committed.expected(workload, workload.small), how


def test_rules_that_exist_twice_are_checked_twice() -> None:
    twice = {name for name, workload in ALL.items() if len(workload.bodies) > 1}
    assert twice == {name for name in ALL if "compiled" in name or "wide" in name}


def test_both_sizes_of_every_workload_are_committed_and_nothing_else() -> None:
    sizes = {name: {str(workload.small), str(workload.full)} for name, workload in ALL.items()}
    assert {name: set(known) for name, known in committed.committed().items()} == sizes


def test_the_interpreted_rules_have_the_fingerprint_of_the_compiled_ones() -> None:
    interpreted, compiled = ALL["rule_interpreted"], ALL["rule_compiled"]
    assert committed.expected(interpreted, interpreted.small) == committed.expected(compiled, compiled.small)


def test_committed_results_hold_no_path_and_no_machine_name() -> None:
    for path in sorted(report.RESULTS.glob("*.json")):
        kept = json.loads(path.read_text("utf-8"))
        assert kept["workload"] == path.stem
        assert set(kept["machine"]) == set(machine.machine())
        assert "/" not in "".join(str(value) for value in kept["machine"].values())


# --- the runner ---------------------------------------------------------------------------------


def _work(size: int) -> list[int]:
    return list(range(size))


def _workload(target: float) -> Workload:
    return Workload(
        name="rule_compiled",  # a known name, so that its line can be shown
        about="counts",
        figures=(Figure("counting", "us", target),),
        measure=lambda size: Outcome({"counting": 2.0}, _work(size)),
        bodies={"interpreted": _work},
        small=3,
        full=9,
    )


def _run(monkeypatch: pytest.MonkeyPatch, known: str | None, target: float = 5) -> runner.Report:
    monkeypatch.setattr(runner, "expected", lambda workload, size: known)
    return runner.run(_workload(target), False, measure=runner.child)


def test_the_same_results_are_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _run(monkeypatch, fingerprint(_work(9)))
    assert (found.problem, found.figures["counting"].met) == ("", True)


def test_a_missed_target_is_said_and_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _run(monkeypatch, fingerprint(_work(9)), target=1)
    assert found.problem == ""
    assert any(line.endswith("MISSED") for line in report.table([found]))


@pytest.mark.parametrize("known", [None, fingerprint(_work(8))])
def test_other_results_are_a_problem(monkeypatch: pytest.MonkeyPatch, known: str | None) -> None:
    found = _run(monkeypatch, known)
    assert fingerprint(_work(9))[:16] in found.problem
    assert any("MISMATCH" in line for line in report.lines_of(found))


def test_a_body_that_disagrees_with_the_timed_results_is_a_problem() -> None:
    good: dict[str, Any] = {"fingerprint": "a", "confirmed": True}
    assert "interpreted" in runner.problem_of([good, good | {"confirmed": False}], "a")
    assert "two processes" in runner.problem_of([good, good | {"fingerprint": "b"}], "a")


def test_a_mismatch_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.__main__ import main

    monkeypatch.setattr(runner, "in_process", runner.child)
    monkeypatch.setattr(runner, "expected", lambda workload, size: "another")
    assert main(["--only", "load", "--quick"]) == 1
    assert "MISMATCH" in capsys.readouterr().out
