"""How tests are dealt out to the workers of pytest-xdist: what a file starts for its tests is started once.

``pytest -n 3 -p tests.spread``. A file's tests stay together, for many start an exchange, a desk or a browser
for all of them; laws and twins start nothing and take long, so each of their tests goes to whoever is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

ALONE = ("tests/laws/", "tests/twins/")


class Spread(LoadScopeScheduling):
    """By file, the ones with most tests first; laws and twins test by test, at the end."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(ALONE) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread:
    """Deal them out so."""
    return Spread(config, log)
