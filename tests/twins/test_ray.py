"""Twins: a sweep on a real Ray of two workers is the sweep of one thread, also when a worker is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lotwise.backtest.sweep_row import Outcome
from lotwise.backtest.workers import Workers, chunks_of, play_chunks, played
from lotwise.errors import LotwiseError
from tests.conftest import PROFILE
from tests.twins.sweep_market import GRID, Dies, Fails, sweep

ROOT = Path(__file__).resolve().parents[2]
if PROFILE != "proof":
    pytest.skip("a cluster is started in the proof profile: LOTWISE_PROFILE=proof", allow_module_level=True)
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install lotwise[cluster]")
pytestmark = pytest.mark.filterwarnings("default")  # Ray's own


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A local Ray whose workers can import the tests' strategies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT / 'src'}:{ROOT}")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield ray
        ray.shutdown()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("accounts", ["per_contract", "together"])
def test_ray_is_one_thread(accounts: Any) -> None:
    alone = played(sweep(accounts=accounts), Workers("threads", 1))
    assert played(sweep(accounts=accounts), Workers("ray", 2)) == alone
    assert len({one.fingerprint for one in alone}) == len(alone)


ELSEWHERE = """
from lotwise.backtest.workers import Workers, played
from tests.twins.sweep_market import sweep
print(*(one.fingerprint for one in played(sweep(), Workers("ray", 2))))
"""


def test_a_cluster_that_runs_already_is_joined(cluster: Any) -> None:
    """As RAY_ADDRESS says; how many processors it has is its own affair."""
    address = cluster.get_runtime_context().gcs_address
    joined = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env={**os.environ, "RAY_ADDRESS": address},
        capture_output=True,
        text=True,
        check=False,
    )
    assert joined.returncode == 0, joined.stderr[-2_000:]
    assert joined.stdout.split() == [str(one.fingerprint) for one in played(sweep())]


@pytest.mark.usefixtures("cluster")
def test_a_case_that_raises_is_told() -> None:
    errors = [one.error for one in played(sweep(Fails), Workers("ray", 2))]
    assert errors == [one.error for one in played(sweep(Fails), Workers("threads", 1))]
    assert sum(bool(error) for error in errors) == 6


@pytest.mark.usefixtures("cluster")
def test_a_killed_workers_chunk_is_played_again(tmp_path: Path) -> None:
    one = sweep(Dies, GRID | {"once": [str(tmp_path / "killed")]}, count=1_500)
    found: dict[int, list[Outcome]] = {}
    play_chunks(one, chunks_of(range(len(one)), 2), Workers("ray", 2), found.__setitem__)
    assert (tmp_path / "killed").exists()
    prints = [outcome.fingerprint for number in sorted(found) for outcome in found[number]]
    assert prints == [outcome.fingerprint for outcome in played(sweep(count=1_500))]


@pytest.mark.usefixtures("cluster")
def test_workers_that_always_die_end_the_run() -> None:
    with pytest.raises(LotwiseError, match="BACKTEST-310"):
        played(sweep(Dies, {"ranges": [2]}, count=500), Workers("ray", 1))
