"""What several unit tests ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lotwise.contracts import catalogue
from lotwise.journal.shelf import Journal
from tests.unit.postgres_server import emptied, server


@pytest.fixture
def only_the_packaged_facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Facts that whoever runs the tests has refreshed do not count."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOTWISE_FACTS", str(tmp_path_factory.getbasetemp() / "no-facts"))
        catalogue.forget()
        yield
    catalogue.forget()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server for all journals of these tests."""
    with server() as (url, _):
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in a file, and one in a server."""
    if request.param == "sqlite":
        place = str(tmp_path / "journal.sqlite")
    else:
        place = emptied(request.getfixturevalue("postgres"))
    found = Journal.at(place)
    yield found
    found.close()
