"""What every test may ask for: a Hypothesis profile, a number of law cases, the real data."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ["LOTWISE_FACTS"] = str(Path(__file__).parent / "no_facts_of_ones_own")
"""Facts that a developer refreshed must not change what tests find; the folder is not there."""

LAW_CASES = {"test": 10_000, "proof": 1_000_000}
EXAMPLES = {"test": 200, "proof": 2_000}

PROFILE = os.environ.get("LOTWISE_PROFILE", "test")
if PROFILE not in EXAMPLES:
    raise pytest.UsageError(f"LOTWISE_PROFILE={PROFILE!r} is not a profile: use one of {sorted(EXAMPLES)}")

for name, examples in EXAMPLES.items():
    settings.register_profile(
        name,
        max_examples=examples,
        derandomize=True,  # the same examples everywhere: a red run is red again
        database=None,
        deadline=None,  # the first example may compile a rule
        suppress_health_check=[HealthCheck.too_slow],  # two busy cores are no fault of a law
    )
settings.load_profile(PROFILE)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell a proof how each test ended: one line, from the process that gathers them."""
    path = os.environ.get("LOTWISE_PROOF_COUNTS")
    ended = report.when == "call" or report.outcome != "passed"
    if path and ended and "PYTEST_XDIST_WORKER" not in os.environ:
        with open(path, "a", encoding="utf-8") as lines:
            file = report.nodeid.partition("::")[0]
            lines.write(json.dumps({"file": file, "ended": report.outcome}) + "\n")


@pytest.fixture(scope="session")
def law_cases() -> int:
    """How many seeded cases a law runs: by profile, or ``LOTWISE_LAW_CASES``."""
    given = os.environ.get("LOTWISE_LAW_CASES")
    cases = int(given) if given else LAW_CASES[PROFILE]
    if cases < 1:
        raise pytest.UsageError(f"LOTWISE_LAW_CASES={given} proves nothing: give a positive number")
    return cases


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data; a test that needs it is skipped where it is absent."""
    given = os.environ.get("LOTWISE_TEST_DATA")
    if not given:
        pytest.skip("real market data is absent: LOTWISE_TEST_DATA is not set")
    folder = Path(given)
    if not folder.is_dir():
        pytest.skip(f"real market data is absent: LOTWISE_TEST_DATA={given} is not a folder")
    return folder
