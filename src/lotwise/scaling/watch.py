"""A plan as a session watches it: asked before every intent, read again only when something was told."""

from __future__ import annotations

from pathlib import Path

from lotwise.clock import Clock
from lotwise.records.plan import PlanLimits, Transition
from lotwise.scaling.keep import KeptPlan


class PlanWatch:
    """What a plan allows, for a session that lives for days while others tell the plan.

    An ask reads one number of the log. What another process told since is told here too, event by event; a
    plan that was begun anew is opened anew. Use it in the thread that made it.

    Parameters
    ----------
    path
        The plan's TOML.

    Raises
    ------
    InputError
        As :class:`lotwise.scaling.keep.KeptPlan`.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path, self.clock = path, clock
        self._kept = KeptPlan(path)

    def limits(self) -> PlanLimits:
        """What is allowed now.

        Raises
        ------
        InputError
            PLAN-113 the plan has not begun; PLAN-121 it was begun anew with another text than the file's;
            PLAN-122 its log cannot be read. A session opens nothing then.
        """
        return self.limits_at(int(self.clock.now_ns()))

    def limits_at(self, now_ns: int) -> PlanLimits:
        """What is allowed at a time, as :class:`lotwise.scaling.obey.PlannedPipeline` asks for it."""
        if self._kept.is_replaced():
            anew = KeptPlan(self.path)
            self._kept.close()
            self._kept = anew
        return self._kept.limits(now_ns)

    def transitions(self) -> list[Transition]:
        """What moved so far."""
        return self._kept.transitions()

    def close(self) -> None:
        """Let the log go."""
        self._kept.close()
