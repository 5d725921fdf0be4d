"""The clock of a paper session, and when a venue's clock is measured anew."""

from __future__ import annotations

from typing import Any

import pytest

from lotwise.app.trade_clock import SLACK_NS, MarketTimed, PaperClock, PaperTimed
from lotwise.broker.venue import RateLimited
from lotwise.clock import FixedClock

SECOND = 10**9
NOW = 1_700_000_000 * SECOND


class Machine:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time_ns = NOW

    def now_ns(self) -> Any:
        return self.time_ns


def test_time_goes_on_with_the_machine_and_leaps_with_the_market() -> None:
    machine = Machine()
    clock = PaperClock(machine)
    clock.saw(1_000 * SECOND)
    assert clock.now_ns() == 1_000 * SECOND
    machine.time_ns += SECOND  # the exchange does not answer
    assert clock.now_ns() == 1_001 * SECOND
    clock.saw(1_060 * SECOND)  # a fast market
    assert clock.now_ns() == 1_060 * SECOND
    clock.saw(1_059 * SECOND)  # its last event may be a moment old
    assert clock.now_ns() == 1_060 * SECOND


def test_time_stands_where_the_market_does_and_never_goes_back() -> None:
    machine = Machine()
    clock = PaperClock(machine)
    seen = []
    for _ in range(20):
        clock.saw(1_000 * SECOND)
        seen.append(int(clock.now_ns()))
        machine.time_ns += SECOND
    assert seen == sorted(seen)
    assert seen[-1] <= 1_000 * SECOND + SLACK_NS + SECOND
    clock.saw(2_000 * SECOND)
    assert clock.now_ns() == 2_000 * SECOND


class Port:
    """A venue whose clock is apart from the machine's and that is asked too often."""

    def __init__(self, machine: Machine, apart_ns: int = 0) -> None:
        self.machine, self.apart_ns, self.account = machine, apart_ns, "main"

    def now_ns(self) -> int:
        return self.machine.time_ns + self.apart_ns

    def market(self, contract_id: str) -> Any:
        return type("Top", (), {"time_ns": 500 * SECOND})()

    def orders(self, contract_id: str = "") -> Any:
        raise RateLimited("BROKER-140", "too often", "wait", until_ns=self.machine.time_ns + 2 * SECOND)


def test_records_and_limits_are_in_the_markets_time_and_the_difference_of_clocks_stays() -> None:
    machine = Machine()
    clock = PaperClock(machine)
    timed = PaperTimed(Port(machine, 5 * SECOND), clock)  # type: ignore[arg-type]
    timed.market("binance:BTCUSDT")
    assert clock.now_ns() == 500 * SECOND
    assert timed.now_ns() - clock.now_ns() == 5 * SECOND
    assert timed.account == "main"
    with pytest.raises(RateLimited) as told:
        timed.orders("")
    assert told.value.until_ns == 502 * SECOND
    stepped = MarketTimed(Port(machine), FixedClock(7 * SECOND), machine)  # type: ignore[arg-type]
    assert stepped.now_ns() == 7 * SECOND
    with pytest.raises(RateLimited) as told:
        stepped.orders("")
    assert told.value.until_ns == 9 * SECOND


def test_a_venues_clock_is_measured_anew_before_reads() -> None:
    pytest.importorskip("ccxt")
    from lotwise.broker.ccxt_venue import wire as wires

    machine, asked = Machine(), list[str]()

    class Wire(wires.Wire):
        apart_ms = 0

        def __init__(self) -> None:
            super().__init__("binance", type("Client", (), {})(), machine)

        def _once(self, action: str, params: Any) -> Any:
            asked.append(action)
            return {"serverTime": machine.time_ns // 10**6 + self.apart_ms}

    wire = Wire()
    wire.ask("read orders")
    assert asked == ["read orders"]  # never measured: whoever made it measures first
    wire.set_clock()
    wire.apart_ms = 5_000
    machine.time_ns += (wires.MEASURE_MS - 1) * 10**6
    wire.ask("read orders")
    assert wire.skew_ms == 0
    machine.time_ns += 10**6
    wire.ask("market")  # an order is not held up
    assert wire.skew_ms == 0
    wire.ask("read orders")
    assert wire.skew_ms == 5_000
    wire.apart_ms = 0
    machine.time_ns += wires.MEASURE_OFF_MS * 10**6
    wire.ask("read orders")
    assert wire.skew_ms == 0
    assert asked.count("read time") == 3
