"""Runs a law over numbered cases, so that every failure names the one case that replays it."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

PROOF = os.environ.get("LOTWISE_PROFILE") == "proof"
SHARDS = 16 if PROOF else 8
"""Parts of a bulk count: more than the workers, so that a slow part does not hold up the end."""

every_shard = pytest.mark.parametrize("shard", range(SHARDS))


def record(law: str, cases: int, seconds: float = 0.0) -> None:
    """Add to the counts of a proof: one line per call, which several workers may append at once."""
    path = os.environ.get("LOTWISE_PROOF_COUNTS")
    if path:
        file = os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]
        with open(path, "a", encoding="utf-8") as lines:
            lines.write(json.dumps({"file": file, "law": law, "cases": cases, "seconds": seconds}) + "\n")


def numbers_of(shard: int, cases: int) -> range:
    """The case numbers of one shard."""
    return range(shard, cases, SHARDS)


def tenth(cases: int) -> int:
    """For the dearer laws: a tenth of a proof, as many as 10,000 of fewer."""
    return min(cases, max(10_000, cases // 10))


def run(
    laws: str | Mapping[str, str],
    numbers: Iterable[int],
    made: Callable[[int], Any],
    check: Callable[[Any], str | Iterable[str]],
    until: tuple[str, int] | None = None,
) -> Counter[str]:
    """Check every case and count what was seen; a failure prints the case and how to replay it.

    ``check`` returns the name of what it saw, or several names. ``laws`` is the law of all cases,
    or laws with the name each counts by ("" counts every case). With ``until`` the cases end once
    that name was seen so often.
    """
    seen: Counter[str] = Counter()
    begun = time.perf_counter()
    counted = {laws: ""} if isinstance(laws, str) else laws
    cases = 0
    for number in numbers:
        case = made(number)
        try:
            found = check(case)
            seen.update([found] if isinstance(found, str) else found)
        except Exception as error:  # whatever it is, the case must be printed
            law = "; ".join(counted)
            shown = f"law: {law}\nreplay: {check.__name__}({made.__name__}({number}))\ncase: {case!r}"
            raise AssertionError(f"{shown}\n{type(error).__name__}: {error}") from error
        cases += 1
        if until and seen[until[0]] >= until[1]:
            break
    spent = time.perf_counter() - begun
    for law, name in counted.items():
        record(law, seen[name] if name else cases, spent / len(counted))
    return seen
