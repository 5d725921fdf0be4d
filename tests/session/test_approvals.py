"""An approval is for one moment of the account and one band of prices; afterwards nothing is sent by it."""

from __future__ import annotations

from typing import Any
from unittest import mock

import msgspec
import pytest

from lotwise.broker.live import LiveBroker
from lotwise.errors import InputError
from lotwise.records.guard import Approved, Open
from tests.session.scene import AAA, Scene, signal
from tests.session.test_session_cases import Make, begun


def approved(scene: Scene) -> tuple[Approved[Open], Any, Any]:
    """What the pipeline hands to the broker, taken before it is sent."""
    taken: list[Any] = []
    with mock.patch.object(LiveBroker, "open", lambda _, *given: taken.append(given) or 0):
        scene.bar(AAA, signal())
    found: tuple[Approved[Open], Any, Any] = taken[0]
    return found


@pytest.mark.parametrize("how", ["moved on", "late", "away", "no signal"])
def test_a_stale_approval_sends_nothing(scene: Make, how: str) -> None:
    s = begun(scene)
    found, risk, notional = approved(s)
    changes: dict[str, dict[str, Any]] = {
        "moved on": {"sequence": found.sequence - 1},
        "late": {"expires_ns": s.clock.now_ns() - 3_000_000},
        "away": {"lowest_ticks": 1, "highest_ticks": 2},
        "no signal": {"command": Open(order=found.command.order)},
    }
    before = len(list(s.log.database.events(s.log.stream)))
    with pytest.raises(InputError, match="BROKER-174") as caught:
        s.broker.open(msgspec.structs.replace(found, **changes[how]), risk, notional)
    assert ("3 ms past its end" in caught.value.message) == (how == "late")
    assert not s.venue.accepted
    assert len(list(s.log.database.events(s.log.stream))) == before
    assert s.broker.open(found, risk, notional) == 0
    assert s.venue.accepted, "the same approval, not stale"


def test_a_contract_without_fees_is_not_sized(scene: Make) -> None:
    s = begun(scene)
    s.broker.contracts[AAA] = msgspec.structs.replace(s.broker.contracts[AAA], fees=None)
    with pytest.raises(InputError, match="BROKER-173"):
        s.broker.market(AAA)
