"""How a plan went, told again: points, phases, pauses, transfers; and its pictures."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from lotwise.charts.page import check_picture
from lotwise.records.plan import Begun, EquitySeen, GateSeen, SteppedBack, TradeClosed, Transferred
from lotwise.scaling.config import DAY_NS, read_plan
from lotwise.scaling.history import History, Point, Span, history_of
from lotwise.scaling.machine import Plan
from lotwise.scaling.pictures import course, gate_bars
from lotwise.units import Cash, Rate8

U = 10**8
CONFIG = read_plan(
    tomllib.loads(
        """
[plan]
name = "h"
[[phase]]
name = "small <b>"
where = "live"
risk = "1%"
fall = {drawdown = "10%", pause = "2d"}
[phase.gate]
trades = 1
[[phase]]
name = "large"
where = "live"
risk = "2%"
"""
    )
)
EVENTS: tuple[Any, ...] = (
    Begun(time_ns=0, equity_cash=Cash(1_000 * U)),
    EquitySeen(time_ns=DAY_NS, where="live", equity_cash=Cash(890 * U)),
    Transferred(time_ns=2 * DAY_NS, equity_before_cash=Cash(890 * U), amount_cash=Cash(10 * U)),
    TradeClosed(
        time_ns=4 * DAY_NS,
        trade_id="1",
        where="live",
        equity_cash=Cash(910 * U),
        result_cash=Cash(10 * U),
        risk_cash=Cash(9 * U),
    ),
    SteppedBack(time_ns=6 * DAY_NS),
)


def test_the_way_is_told_again() -> None:
    found = history_of(CONFIG, EVENTS, until_ns=7 * DAY_NS)
    days = [(one.time_ns // DAY_NS, one.live_cash // U, one.risk_cash / U) for one in found.points]
    assert days == [
        (0, 1_000, 10),
        (1, 890, 0),
        (2, 900, 0),
        (3, 900, 9),  # the pause has ended by itself
        (4, 910, 18.2),
        (6, 910, 9.1),
        (7, 910, 9.1),
    ]
    assert [(one.name, one.start_ns // DAY_NS, one.end_ns // DAY_NS) for one in found.phases] == [
        ("small <b>", 0, 4),
        ("large", 4, 6),
        ("small <b>", 6, 7),
    ]
    assert [(one.start_ns // DAY_NS, one.end_ns // DAY_NS) for one in found.pauses] == [(1, 3)]
    assert found.transfers == ((2 * DAY_NS, "live", 10 * U),)
    assert [one.kind for one in found.transitions] == ["begin", "lock", "phase up", "phase down"]
    plan = Plan(CONFIG)
    for event in EVENTS:
        plan.tell(event)
    assert found.points[-1].risk_cash == plan.limits(7 * DAY_NS).risk_cash


def test_a_pause_that_goes_on_ends_with_the_picture() -> None:
    found = history_of(CONFIG, EVENTS[:2], until_ns=2 * DAY_NS)
    assert [(one.start_ns // DAY_NS, one.end_ns // DAY_NS) for one in found.pauses] == [(1, 2)]
    assert [one.risk_cash // U for one in found.points] == [10, 0, 0]


@pytest.mark.parametrize("width", [300, 720])
def test_the_picture_of_the_way(width: int) -> None:
    drawn = check_picture(course(history_of(CONFIG, EVENTS, 7 * DAY_NS), title="Way & more", width=width))
    assert "Way &amp; more" in drawn
    assert "<b>" not in drawn
    assert drawn.count('class="lw-downa"') == 2, "one pause, and its key"
    assert len(re.findall('class="lw-mark"', drawn)) == 2, "one transfer, and its key"
    assert "small &lt;b&gt; from 1970-01-01 00:00 UTC; large from 1970-01-05 00:00 UTC" in drawn
    assert "At risk: first 10, last 9.1, low 0, high 18.2" in drawn


def test_pictures_of_nothing() -> None:
    empty = History("USDT", (), (), (), (), ())
    assert "the plan has not begun" in check_picture(course(empty, title="x"))
    assert "this is the last phase" in check_picture(gate_bars((), title="x"))
    lone = (Point(5, Cash(U), Cash(U), Cash(0)),)
    assert "<svg" in check_picture(course(History("USDT", lone, (Span("a", 5, 5),), (), (), ()), title="x"))


def test_the_bars_of_gates() -> None:
    gates = (
        GateSeen(name="count", asked="50", found="25", is_open=False, share8=Rate8(50_000_000)),
        GateSeen(name="days", asked="3", found="3", is_open=True, share8=Rate8(100_000_000)),
        GateSeen(name="expectancy", asked="above 0 R", found="a look" * 60, is_open=False),
    )
    drawn = check_picture(gate_bars(gates, title="Gates", width=500))
    assert len(re.findall(r'width="480"[^>]*class="lw-up"', drawn)) == 1
    assert len(re.findall(r'width="240"[^>]*class="lw-a0"', drawn)) == 1
    assert "count: 50 %, 25 · asked: 50; days: there" in drawn
