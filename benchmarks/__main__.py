"""``python -m benchmarks``: run workloads, show them, keep the results.

The exit code is 0 whatever the times are, and 1 where results are not the committed ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.workloads import ALL


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time the workloads.")
    parser.add_argument(
        "table",
        nargs="?",
        choices=("kernel",),
        help="the kernel's workloads as one table, beside the peers whose environments are there",
    )
    parser.add_argument("--peers", action="store_true", help="kernel: make the peers' environments (network)")
    parser.add_argument("--only", metavar="NAME", action="append", choices=ALL, help=f"of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, one process, nothing is written")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument(
        "--accept",
        action="store_true",
        help="commit to what is computed now; where a figure changed, the changelog says why",
    )
    parser.add_argument("--child", choices=ALL, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as asked; 1 where a fingerprint is wrong."""
    from benchmarks import committed, runner

    options = _options(arguments)
    if options.child:
        print(json.dumps(runner.child(ALL[options.child], options.quick)))
        return 0
    if options.table:
        from benchmarks import kernel

        return kernel.main(options.json, options.quick, make_peers=options.peers)
    chosen = [ALL[name] for name in options.only or ALL]
    if options.accept:
        committed.accept({workload.name: committed.computed(workload) for workload in chosen})
    return _reported([workload.name for workload in chosen], options)


def _reported(names: Sequence[str], options: argparse.Namespace) -> int:
    import lotwise
    from benchmarks import report, runner
    from benchmarks.machine import machine_line

    def say(lines: Sequence[str]) -> None:
        if not options.json:
            print("\n".join(lines), flush=True)

    say([machine_line(), ""])
    reports = []
    for name in names:
        found = runner.run(ALL[name], options.quick)
        say([*report.lines_of(found), ""])
        reports.append(found)
        if not options.quick and not found.problem:
            report.keep(found, day=datetime.now(UTC).date().isoformat(), version=lotwise.__version__)
    say(report.table(reports))
    if options.json:
        print(json.dumps([found.as_dict() for found in reports], indent=1))
    return 1 if any(found.problem for found in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
