"""What a workload is: what it times, and how the integers it computed are recomputed.

A workload may not decide how its figures are shown, kept or judged: that is the runner's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Integers = Iterable[int]


def fingerprint(values: Integers) -> str:
    """SHA-256 over the integers in order, as decimal text: the same on every machine."""
    return hashlib.sha256("\n".join(str(int(value)) for value in values).encode()).hexdigest()


@dataclass(frozen=True)
class Figure:
    """One measured number: its unit, and the target it should beat, if it has one."""

    name: str
    unit: str
    target: float | None = None

    @property
    def more_is_better(self) -> bool:
        """Rates end in ``/s``; everything else is a duration."""
        return self.unit.endswith("/s")

    def better(self, values: Iterable[float]) -> float:
        """The best of several processes: noise only ever slows down."""
        return max(values) if self.more_is_better else min(values)

    def met(self, value: float) -> bool | None:
        """Whether the target is beaten; ``None`` where there is none."""
        if self.target is None:
            return None
        return value > self.target if self.more_is_better else value < self.target


@dataclass(frozen=True)
class Outcome:
    """What one process found: the figures in their units, and the integers that were computed."""

    figures: dict[str, float]
    results: list[int]
    compile_seconds: float | None = None


@dataclass(frozen=True)
class Workload:
    """A named piece of work.

    Parameters
    ----------
    measure
        Times the work at a size, in a process of its own.
    bodies
        How the same integers come about at a size, by body: ``interpreted``, ``compiled``. The
        first is asked to confirm the timed results at the small size.
    small, full
        Size of the tests and of a quick run; size of a measurement.
    processes
        How many processes measure; a workload that starts its own needs one.
    begins_alike
        The results of a larger size begin with those of the small one. Else the small size is measured, too.
    """

    name: str
    about: str
    figures: tuple[Figure, ...]
    measure: Callable[[int], Outcome]
    bodies: dict[str, Callable[[int], Integers]] = field(default_factory=dict)
    small: int = 1
    full: int = 1
    processes: int = 5
    begins_alike: bool = True

    def size(self, quick: bool) -> int:
        """Size of a run."""
        return self.small if quick else self.full
