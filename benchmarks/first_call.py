"""``python -m benchmarks.first_call BARS``: the first run of a process, told as one JSON object.

Where the compiled rules are kept is said by ``LOTWISE_CACHE_DIR``: an empty folder makes it a cold call.
"""

from __future__ import annotations

import json
import resource
import sys

from benchmarks.timing import seconds


def peak_bytes() -> int:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Import, make the input, call once, call again."""
    importing = seconds(lambda: __import__("numba"))
    from benchmarks.workloads import kernel_compiled
    from lotwise.kernel import sweep

    given, again = (kernel_compiled.RUN.given(int(sys.argv[1])) for _ in range(2))
    first = seconds(lambda: sweep.run_bars.compiled(*given, 1))
    before = peak_bytes()
    second = seconds(lambda: sweep.run_bars.compiled(*again, 1))
    print(
        json.dumps(
            {
                "import_seconds": importing,
                "first_seconds": first,
                "second_seconds": second,
                "more_bytes": peak_bytes() - before,
                "results": kernel_compiled.RUN.compiled(kernel_compiled.RUN.small, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
