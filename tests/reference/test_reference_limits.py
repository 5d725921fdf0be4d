"""The judge of limits, judged: the calendar by known dates, a day told by hand, nothing imported."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

from tests.reference import limits
from tests.reference.limits import Caps, Closed, History, Look, Moved, Opened

SECOND = 10**9
NOON = int(datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()) * SECOND
HOUR = 3600 * SECOND


def test_the_judge_imports_only_the_standard_library() -> None:
    tree = ast.parse(Path(limits.__file__).read_text(encoding="utf-8"))
    found = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert found <= {
        "__future__",
        "collections.abc",
        "dataclasses",
        "datetime",
        "fractions",
        "functools",
        "math",
    }


def test_dates() -> None:
    assert limits.local_date(NOON, 0) == date(2024, 2, 29)
    assert limits.local_date(NOON + 12 * HOUR - 1, 0) == date(2024, 2, 29)
    assert limits.local_date(NOON, 12 * HOUR) == date(2024, 3, 1)
    assert limits.monday_of(date(2024, 2, 29)) == date(2024, 2, 26)  # a Thursday
    assert limits.midnight_ns(date(2024, 3, 1), 2 * HOUR) == NOON + 10 * HOUR


def test_a_day_by_hand() -> None:
    """1,000; a trade loses 20, a withdrawal of half what is left is no loss, 3 % is the day's end."""
    coin = 10**8
    day = History(Caps(day_loss=Fraction(3, 100), pause_ns=HOUR))
    assert day.without_size(1000 * coin, NOON) == "not rolled"
    day.events += [Look(NOON, 1000 * coin), Opened(1, 10 * coin, 500 * coin)]
    assert day.bounds(1000 * coin)[-1] == ("day room", 20 * coin)
    day.events.append(Closed(1, NOON, -20 * coin))
    assert day.refusal(coin, coin, 980 * coin, NOON + HOUR - 1) == "cool-down"
    day.events.append(Moved(980 * coin, -490 * coin))
    assert day.refusal(5 * coin, coin, 490 * coin, NOON + HOUR) == ""
    assert day.refusal(5 * coin + 1, coin, 490 * coin, NOON + HOUR) == "day room"
    assert day.without_size(485 * coin, NOON + HOUR) == "day loss"
    assert day.without_size(485 * coin, NOON + 12 * HOUR) == "not rolled"


def test_a_plan_by_hand() -> None:
    plan = limits.Plan(
        kind=limits.BY_EQUITY,
        share=Fraction(1, 100),
        up=Fraction(1, 5),
        down=Fraction(1, 10),
        base=100_000,
    )
    assert [plan.look(equity) for equity in (119_999, 120_000, 108_000, 119_999, 120_000)] == [0, 1, -1, 0, 1]
    assert plan.risk(144_000) == 1_200
