"""What several unit tests ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lotwise.contracts import catalogue


@pytest.fixture
def only_the_packaged_facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Facts that whoever runs the tests has refreshed do not count."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOTWISE_FACTS", str(tmp_path_factory.getbasetemp() / "no-facts"))
        catalogue.forget()
        yield
    catalogue.forget()
