"""Runs the laws and twins at full counts and writes ``docs/proof.md``.

    python tools/proof.py             # as `make proof`: what changed since it was last proved
    python tools/proof.py --all       # everything
    python tools/proof.py tests/laws  # of these folders and files what changed

Like make, it does again what rests on a changed source only: ``docs/proof.json`` keeps for every test file
the stamp of all it rests on (``tools/proof_sources.py``), the counts it ran, and when. A file is kept as
proved the moment its last test has passed, so a run that was broken off goes on where it stood.

The tests append how many cases they really ran, and how each ended, to the file named by
``LOTWISE_PROOF_COUNTS``. The page says of every file on which commit it was proved, and whether a source it
rests on has changed since.
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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests are read for what Hypothesis draws

from tools.proof_sources import stamp  # noqa: E402 - needs the path

PAGE = ROOT / "docs" / "proof.md"
KEPT = ROOT / "docs" / "proof.json"
FOLDERS = ("tests/laws", "tests/twins")
COUNTS = 'os.environ.get("LOTWISE_PROFILE")'
"""What a test file outside the folders says where it counts more for a proof: kills, seeds."""
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

`make proof` runs again what rests on a source that changed since, and writes this page;
`make proof ALL=1` runs all of it.
"""


Kept = dict[str, dict[str, Any]]
"""Test file to what was proved by it."""


@dataclass
class Progress:
    """What a test file has done so far."""

    laws: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def kept() -> Kept:
    """What was proved before; nothing where the file is not there."""
    found: Kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    return found


def test_files(asked: list[str]) -> list[str]:
    """The test files in the folders, and all that have full counts of their own; or those asked for."""
    whole = {file for folder in FOLDERS for file in (ROOT / folder).glob("test_*.py")}
    counting = {
        file for file in (ROOT / "tests").rglob("test_*.py") if COUNTS in file.read_text(encoding="utf-8")
    }
    found = sorted(file.relative_to(ROOT).as_posix() for file in whole | counting)
    return [file for file in found if not asked or any(file.startswith(part) for part in asked)]


def collected(files: list[str], environment: dict[str, str]) -> Counter[str]:
    """How many tests each file has."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *files]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the tests cannot be collected:\n{done.stdout}{done.stderr}")
    return Counter(line.split("::")[0] for line in done.stdout.splitlines() if "::" in line)


class Run:
    """One run of pytest over several files, watched while it goes on."""

    def __init__(self, files: list[str], workers: int, counts: Path) -> None:
        self.environment = {**os.environ, "LOTWISE_PROFILE": "proof", "LOTWISE_PROOF_COUNTS": str(counts)}
        self.tests = collected(files, self.environment)
        self.stamps = {file: stamp(ROOT, file) for file in files}
        self.counts, self.read, self.begun = counts, 0, time.monotonic()
        self.progress = {file: Progress() for file in files}
        self.command = [sys.executable, "-m", "pytest", "-n", str(workers), "--dist", "worksteal", "-q"]

    def go(self) -> int:
        """Run to the end; pytest's exit status."""
        with tempfile.TemporaryFile("w+") as output:
            tests = subprocess.Popen(
                [*self.command, *self.progress],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                while tests.poll() is None:
                    time.sleep(1)
                    self.look()
            finally:
                tests.terminate()
                self.look()
                self.keep_broken_off()
            output.seek(0)
            print(output.read())
        return tests.returncode

    def look(self) -> None:
        """Read what was written since, say it, and keep the files that are done."""
        lines = self.counts.read_text(encoding="utf-8").splitlines() if self.counts.exists() else []
        for line in lines[self.read :]:
            entry = json.loads(line)
            now = self.progress[entry["file"]]
            if "law" not in entry:
                now.ended[entry["ended"]] += 1
                self.keep_if_done(entry["file"])
                continue
            now.laws[entry["law"]] += entry["cases"]
            now.seconds += entry["seconds"]
            minutes, rest = divmod(round(time.monotonic() - self.begun), 60)
            print(f"{minutes:3d}:{rest:02d}  {now.laws[entry['law']]:9,}  {entry['law']}", flush=True)
        self.read = len(lines)

    def keep_if_done(self, file: str) -> None:
        """Keep a file whose tests have all ended well."""
        now = self.progress[file]
        if sum(now.ended.values()) == self.tests[file]:
            self.keep(file)

    def keep_broken_off(self) -> None:
        """Keep how far files came whose tests have not all ended: shown on the page, still to be proved."""
        for file in open_files(list(self.progress)):
            if 0 < sum(self.progress[file].ended.values()) < self.tests[file]:
                self.keep(file)

    def keep(self, file: str) -> None:
        """Keep a file without a failure, on the sources it had at the start and has now."""
        now = self.progress[file]
        if now.ended["failed"] or os.environ.get("LOTWISE_LAW_CASES"):
            return
        if stamp(ROOT, file) == self.stamps[file]:
            keep_entry(file, entry_of(now, self.tests[file], self.stamps[file], commit=commit()))


def entry_of(now: Progress, tests: int, proved: str, commit: str) -> dict[str, Any]:
    """What is kept of a file: where tests are missing, ``of`` says how many it has."""
    entry: dict[str, Any] = {
        "stamp": proved,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit,
        "tests": now.ended["passed"],
        "skipped": now.ended["skipped"],
        "laws": dict(sorted(now.laws.items())),
    }
    return entry | ({"of": tests} if sum(now.ended.values()) < tests else {})


def keep_entry(file: str, entry: dict[str, Any]) -> None:
    """Write it beside what was kept before."""
    KEPT.write_text(json.dumps(kept() | {file: entry}, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def commit() -> str:
    """Short hash of the commit, and whether files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = [line for line in git("status", "--porcelain").splitlines() if PAGE.stem not in line]
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (
        " and changes not yet committed" if changed else ""
    )


def table(found: Kept) -> str:
    """The counts as a Markdown table, the most first."""
    rows = [(cases, law) for entry in found.values() for law, cases in entry["laws"].items()]
    lines = [f"| {law} | {cases:,} |" for cases, law in sorted(rows, key=lambda row: (-row[0], row[1]))]
    total = sum(cases for cases, _ in rows)
    return "\n".join(["| law | cases |", "|---|---:|", *lines, f"| **together** | **{total:,}** |"])


def files_table(found: Kept) -> str:
    """Every test file: what ran, and on which commit."""
    lines = [
        f"| `{file}` | {entry['tests']} | {entry['skipped'] or ''} | {entry['date']} | {entry['commit']} |"
        f" {remark(file, entry)} |"
        for file, entry in sorted(found.items())
    ]
    return "\n".join(
        ["| tests | passed | skipped | date | commit | |", "|---|---:|---:|---|---|---|", *lines]
    )


def remark(file: str, entry: dict[str, Any]) -> str:
    """What is to be known of a file that is not proved as it stands."""
    said = [f"broken off: {entry['tests']} of {entry['of']} tests"] if "of" in entry else []
    if entry["stamp"] != stamp(ROOT, file):
        said.append("a source it rests on has changed since")
    return "; ".join(said)


def facts() -> str:
    """With what it ran."""
    lines = {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    return "\n".join(["| | |", "|---|---|", *[f"| {name} | {value} |" for name, value in lines.items()]])


def examples() -> str:
    """What stands beside the counts: the examples Hypothesis draws."""
    from hypothesis import settings

    from tests import conftest

    settings.load_profile("proof")
    drawn: Any = conftest.EXAMPLES["proof"]
    return f"Beside these, Hypothesis draws {drawn:,} examples of every law that takes random cases."


def write_page() -> None:
    """Write the page from what is kept."""
    found = kept()
    parts = [HEAD, table(found), examples(), files_table(found), facts()]
    PAGE.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def open_files(asked: list[str]) -> list[str]:
    """The test files that are not proved as they stand."""
    whole = {file: entry["stamp"] for file, entry in kept().items() if "of" not in entry}
    return [file for file in test_files(asked) if whole.get(file) != stamp(ROOT, file)]


def main() -> int:
    """Run what is open, keep it, write the page; 0 only where everything passed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", help="folders and files; default: all")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="what is proved as it stands, too")
    chosen = parser.parse_args()
    files = test_files(chosen.files) if chosen.all else open_files(chosen.files)
    if files:
        print(f"to be proved: {', '.join(files)}")
        with tempfile.TemporaryDirectory() as folder:
            status = Run(files, chosen.workers, Path(folder) / "counts.jsonl").go()
        if status != 0:
            print(f"a law or a twin failed (pytest ended with {status}); {PAGE.name} stays as it was")
            return 1
    still_open = open_files([])
    if still_open:
        print(f"not proved as they stand: {', '.join(still_open)}")
    gone = set(kept()) - set(test_files([]))
    KEPT.write_text(
        json.dumps({k: v for k, v in kept().items() if k not in gone}, indent=1, sort_keys=True) + "\n",
        encoding="utf-8",
    )
    write_page()
    return 1 if set(still_open) & set(files) else 0


if __name__ == "__main__":
    sys.exit(main())
