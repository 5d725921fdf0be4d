"""A database on the disk for the sessions of one test file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lotwise.store.database import Database, opened
from tests.session.scene import Scene


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database; every scene has a log of its own in it.

    It does not wait for the disk: deaths here are of the session, in process, and what is committed is there.
    """
    from sqlalchemy import event

    made = opened(tmp_path_factory.mktemp("sessions") / "log.sqlite")
    made.engine.dispose()
    event.listen(made.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    yield made
    made.close()


@pytest.fixture
def scene(database: Database, request: pytest.FixtureRequest) -> Callable[..., Scene]:
    """Makes scenes with logs of their own."""
    made: list[Scene] = []

    def make(**given: Any) -> Scene:
        made.append(Scene(database, f"{request.node.nodeid}#{len(made)}", **given))
        return made[-1]

    return make
