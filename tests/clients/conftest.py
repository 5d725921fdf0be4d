"""A server of its own for each module of tests, and a ccxt client that asks the same questions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.exchange.served import Server, client

collect_ignore = ["tiny_strategy.py"]
"""It is freqtrade's to load."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A market that is stepped, and an account with the known key."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"  # everything is on this machine
    found = Server(tmp_path_factory.mktemp("exchange") / "state")
    found.account(deposit="5000")
    yield found
    assert found.stop() == 0


@pytest.fixture(scope="module")
def ex(server: Server) -> Any:
    """ccxt on the same account: its answers are proved against the reference elsewhere."""
    pytest.importorskip("ccxt")
    found = client(server.port)
    found.set_leverage(10, "BTC/USDT:USDT")
    return found
