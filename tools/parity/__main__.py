"""Measures the peers and writes ``docs/parity.json`` and ``docs/parity.md``.

python -m tools.parity                       # as `make parity`; needs the package index
python -m tools.parity --only jesse,lrvx     # shows them; writes nothing
python -m tools.parity --page                # the page again from docs/parity.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.parity import cases, environments, measure, page

ROOT = environments.ROOT
PAGE, DATA = ROOT / "docs" / "parity.md", ROOT / "docs" / "parity.json"


def commit() -> str:
    """Short hash of the commit, and whether files that matter differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = git("status", "--porcelain", "--", "src", "tools/parity", "requirements")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (
        " and changes not yet committed" if changed else ""
    )


def made(answers: measure.Answers, refused: dict[str, str], command: str) -> dict[str, Any]:
    """When, where, with what."""
    from lotwise import __version__

    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": command,
        "commit": commit(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "lotwise": __version__,
        "python": platform.python_version(),
        "peers": {
            peer.package: {name: answers[peer.key][name] for name in ("version", "python")}
            | {"requirements": f"requirements/{peer.requirements.name}"}
            for peer in environments.PEERS
            if peer.key in answers
        },
        "refused": refused,
    }


def write(data: dict[str, Any]) -> None:
    """Both files, so that the page says what the data hold."""
    DATA.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page.rendered(data), encoding="utf-8")
    print(f"wrote {DATA.name} and {PAGE.name} in docs")


def main() -> int:
    """Measure and write; 0 where every peer answered."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--venvs", type=Path, default=ROOT / ".venv-parity", help="where the peers live")
    parser.add_argument("--only", default="", help="peers, parted by commas")
    parser.add_argument("--page", action="store_true", help="only write the page from the data")
    chosen = parser.parse_args()
    if chosen.page:
        write(json.loads(DATA.read_text(encoding="utf-8")))
        return 0
    wanted = chosen.only.split(",") if chosen.only else [peer.key for peer in environments.PEERS]
    peers = [peer for peer in environments.PEERS if peer.key in wanted]
    facts = {symbol: cases.venue_contract(symbol) for symbol in measure.CONTRACTS}
    answers, refused = measure.asked(peers, facts, chosen.venvs)
    data = {
        "made": made(answers, refused, "python -m tools.parity"),
        "contracts": facts,
        **measure.measured(answers, facts),
    }
    for package, reason in refused.items():
        print(f"{package}: {reason}")
    if chosen.only:
        print(json.dumps(data, indent=1))
    else:
        write(data)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
