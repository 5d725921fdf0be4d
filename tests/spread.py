"""How tests are dealt out to the workers of pytest-xdist: what a file starts for its tests is started once.

``pytest -n 3 -p tests.spread``. A file's tests stay together, for many start an exchange, a desk or a browser
for all of them; laws and twins start nothing and take long, so each of their tests goes to whoever is free.

What one worker compiles the others wait for, and find in the cache: on a fresh machine all would compile all.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

ALONE = ("tests/laws/", "tests/twins/")


class Spread(LoadScopeScheduling):
    """By file, the ones with most tests first; laws and twins test by test, at the end."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(ALONE) else nodeid.partition("::")[0]


def pytest_configure() -> None:
    """In a worker, compile no rule that another one is compiling."""
    if os.name == "posix" and "PYTEST_XDIST_WORKER" in os.environ:
        _one_compiles()


def _one_compiles() -> None:
    """A rule is locked from the look into the cache until what was compiled lies there."""
    import fcntl

    from lotwise.rule_cache import RuleCache

    load, save = RuleCache.load_overload, RuleCache.save_overload
    held: dict[str, int] = {}
    places = Path(tempfile.gettempdir()) / f"compiling-{os.getuid()}"

    def free(rule: str) -> None:
        if rule in held:
            fcntl.flock(held[rule], fcntl.LOCK_UN)  # a process that was forked meanwhile has it open too
            os.close(held.pop(rule))

    def looked_up(self: Any, sig: Any, target: Any) -> Any:
        rule = Path(self.cache_path).name
        if rule not in held:
            places.mkdir(exist_ok=True)
            held[rule] = os.open(places / rule, os.O_RDWR | os.O_CREAT)
            fcntl.flock(held[rule], fcntl.LOCK_EX)
        found = load(self, sig, target)
        if found is not None:
            free(rule)
        return found

    def kept(self: Any, sig: Any, result: Any) -> None:
        save(self, sig, result)
        free(Path(self.cache_path).name)

    RuleCache.load_overload, RuleCache.save_overload = looked_up, kept  # type: ignore[method-assign]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread:
    """Deal them out so."""
    return Spread(config, log)
