"""Runs the laws and twins at full counts and writes ``docs/proof.md``.

    python tools/proof.py             # as `make proof`
    python tools/proof.py --workers 4

The tests append how many cases they really ran to the file named by ``LOTWISE_PROOF_COUNTS``;
the page holds the sums. It is written only when everything passed and the counts were not cut
by ``LOTWISE_LAW_CASES``; otherwise the table is shown and the page stays as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests are read for what Hypothesis draws
PAGE = ROOT / "docs" / "proof.md"
FOLDERS = ("tests/laws", "tests/twins")
PACKAGES = ("lotwise", "numba", "numpy", "hypothesis")

HEAD = """# What was proved, and how often

Each line below is a law: a sentence that must hold for every trade. It was tried on that many random
cases, and the answers were recomputed by a second, slow program (`tests/reference/`) that shares nothing
with the first: exact fractions, and for the loss whole numbers proved equal to them. Cases are made from
their number, so the same cases run everywhere; a case that broke a law would have been printed with it.

The table says how many cases each law really ran. A try of a way out is the way passed back *and* one
step less of it.

An inverse contract's worth is a fraction, and each fill's is rounded to 1e-8 of the coin. Where that
rounding alone decides (budgets a few 1e-8 apart, a liquidation within 1e-8 of its bound), more budget may
give fewer lots, and of several largest sizes one is found: within the budget, and one lot more is refused.

`make proof` runs all of this again and writes this page.
"""


def environment(counts: Path) -> dict[str, str]:
    """The environment of the tests: the proof profile and where the counts go."""
    return {**os.environ, "LOTWISE_PROFILE": "proof", "LOTWISE_PROOF_COUNTS": str(counts)}


def run_tests(workers: int, counts: Path) -> int:
    """Run the tests with a line for every part of a law that is done; pytest's exit status."""
    command = [sys.executable, "-m", "pytest", "-n", str(workers), "--dist", "worksteal", "-q", *FOLDERS]
    begun, shown = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as output:
        tests = subprocess.Popen(
            command, cwd=ROOT, env=environment(counts), stdout=output, stderr=subprocess.STDOUT
        )
        while tests.poll() is None:
            time.sleep(1)
            shown = show_progress(counts, shown, time.monotonic() - begun)
        show_progress(counts, shown, time.monotonic() - begun)
        output.seek(0)
        print(output.read())
    return tests.returncode


def show_progress(counts: Path, shown: int, elapsed: float) -> int:
    """Print the parts done since ``shown`` lines: time since the start, cases so far, seconds of a core."""
    lines = counts.read_text(encoding="utf-8").splitlines() if counts.exists() else []
    cases, seconds = Counter[str](), Counter[str]()
    for number, line in enumerate(lines):
        entry = json.loads(line)
        law = entry["law"]
        cases[law] += entry["cases"]
        seconds[law] += entry["seconds"]
        if number >= shown:
            minutes, rest = divmod(round(elapsed), 60)
            print(f"{minutes:3d}:{rest:02d}  {cases[law]:9,}  {seconds[law]:7.1f} s  {law}", flush=True)
    return len(lines)


def counted(counts: Path) -> Counter[str]:
    """Cases by law, summed over shards and workers."""
    found: Counter[str] = Counter()
    for line in counts.read_text(encoding="utf-8").splitlines() if counts.exists() else []:
        entry = json.loads(line)
        found[entry["law"]] += entry["cases"]
    return found


def commit() -> str:
    """Short hash of the commit, and whether files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = [
        line for line in git("status", "--porcelain").splitlines() if not line.endswith("docs/proof.md")
    ]
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (
        " and changes not yet committed" if changed else ""
    )


def table(found: Counter[str]) -> str:
    """The counts as a Markdown table, the most first."""
    rows = [
        f"| {law} | {cases:,} |" for law, cases in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "\n".join(
        ["| law | cases |", "|---|---:|", *rows, f"| **together** | **{sum(found.values()):,}** |"]
    )


def facts(elapsed: float, workers: int) -> str:
    """When, with what, how long."""
    minutes, seconds = divmod(round(elapsed), 60)
    lines = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit(),
        "time taken": f"{minutes} min {seconds} s on {workers} worker{'s' if workers > 1 else ''}",
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
    return "\n".join(["| | |", "|---|---|", *[f"| {name} | {value} |" for name, value in lines.items()]])


def examples() -> str:
    """What stands beside the counts: the examples Hypothesis draws."""
    from hypothesis import settings

    from tests import conftest

    settings.load_profile("proof")
    drawn: Any = conftest.EXAMPLES["proof"]
    return f"Beside these, Hypothesis draws {drawn:,} examples of every law that takes random cases."


def main() -> int:
    """Run, sum up, write the page; 0 only where everything passed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write; default docs/proof.md")
    chosen = parser.parse_args()
    workers, page = chosen.workers, chosen.page
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts.jsonl"
        status = run_tests(workers, counts)
        found = counted(counts)
    shown = table(found)
    print(f"\n{shown}\n")
    if status != 0:
        print(f"a law or a twin failed (pytest ended with {status}); {PAGE.name} stays as it was")
        return 1
    if os.environ.get("LOTWISE_LAW_CASES") and page == PAGE:
        print(f"the counts were cut by LOTWISE_LAW_CASES; {PAGE.name} stays as it was")
        return 0
    page.parent.mkdir(exist_ok=True)
    parts = [HEAD, shown, examples(), facts(time.monotonic() - begun, workers)]
    page.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    print(f"wrote {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
