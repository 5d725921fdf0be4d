"""A plan on disk: a restart anywhere changes nothing, and nothing is told half."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from lotwise.errors import InputError
from lotwise.records.plan import Begun, EquitySeen, TradeClosed, Where
from lotwise.scaling.example import EXAMPLE
from lotwise.scaling.keep import KeptPlan, log_of, restart
from lotwise.units import Cash

U = 10**8
HALF_DAY = 43_200 * 10**9


def at(tmp_path: Path, text: str = EXAMPLE) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return path


def closed(number: int, where: Where, equity: int, result: int) -> TradeClosed:
    return TradeClosed(
        time_ns=number * HALF_DAY,
        trade_id=str(number),
        where=where,
        equity_cash=Cash(equity),
        result_cash=Cash(result),
        risk_cash=Cash(10 * U),
        is_noted=True,
    )


def test_a_restart_after_every_event_changes_nothing(tmp_path: Path) -> None:
    path = at(tmp_path)
    kept = KeptPlan(path)
    kept.tell([Begun(time_ns=0, equity_cash=Cash(1_000 * U))])
    equity: dict[Where, int] = {"paper": 1_000 * U, "live": 1_000 * U}
    phases = set()
    for number in range(1, 130):
        where = kept.plan.phase.where
        result = (18 if number % 2 else -8) * U
        equity[where] += result
        kept.tell([closed(number, where, equity[where], result)])
        before = kept.limits(number * HALF_DAY)
        if number % 4 == 0 or before.phase not in phases:
            kept.close()
            kept = KeptPlan(path)
            assert kept.limits(number * HALF_DAY) == before
            assert kept.plan.sequence == number + 1
        phases.add(before.phase)
    assert phases == {"paper", "live small", "gradual"}
    found = kept.transitions()
    assert [moved.kind for moved in found[:3]] == ["begin", "phase up", "phase up"]
    assert {gate.name for gate in found[1].gates} >= {"count", "expectancy", "notes"}
    assert stat.S_IMODE(log_of(path).stat().st_mode) == 0o600


def test_events_are_told_together_or_not_at_all(tmp_path: Path) -> None:
    path = at(tmp_path)
    kept = KeptPlan(path)
    kept.tell([Begun(time_ns=0, equity_cash=Cash(1_000 * U))])
    before = kept.limits(0)
    good = closed(1, "paper", 1_010 * U, 10 * U)
    with pytest.raises(InputError, match="PLAN-111"):
        kept.tell([good, good])
    assert kept.limits(0) == before
    assert KeptPlan(path).limits(0) == before
    kept.tell([good])
    assert kept.plan.sequence == 2


def test_two_processes_see_each_other(tmp_path: Path) -> None:
    path = at(tmp_path)
    one, other = KeptPlan(path), KeptPlan(path)
    one.tell([Begun(time_ns=0, equity_cash=Cash(1_000 * U))])
    other.number = one.number
    assert other.limits(0) == one.limits(0)
    other.tell([EquitySeen(time_ns=1, where="paper", equity_cash=Cash(900 * U))])
    assert one.limits(1).capital_cash == 900 * U
    assert one.limits(1).sequence == 2


def test_an_edited_text_is_no_new_limit(tmp_path: Path) -> None:
    path = at(tmp_path)
    kept = KeptPlan(path)
    kept.tell([Begun(time_ns=0, equity_cash=Cash(1_000 * U))])
    kept.close()
    at(tmp_path, EXAMPLE + "# a comment is no other plan\n")
    KeptPlan(path).close()
    at(tmp_path, EXAMPLE.replace('risk = "1%"', 'risk = "5%"'))
    with pytest.raises(InputError, match="PLAN-121") as caught:
        KeptPlan(path)
    assert "restart" in caught.value.hint
    restart(path)
    again = KeptPlan(path)
    assert again.plan.sequence == 0
    with pytest.raises(InputError, match="PLAN-113"):
        again.limits(0)
    again.tell([Begun(time_ns=5, equity_cash=Cash(500 * U))])
    assert again.limits(5).phase == "paper"
    assert again.limits(5).risk_cash == 25 * U


def test_a_broken_log(tmp_path: Path) -> None:
    path = at(tmp_path)
    log_of(path).write_bytes(b"this is no database at all, only text" * 50)
    with pytest.raises(InputError, match="PLAN-122"):
        KeptPlan(path)
    with pytest.raises(InputError, match="PLAN-122"):
        restart(path)
    log_of(path).unlink()
    kept = KeptPlan(path)
    kept.tell([Begun(time_ns=0, equity_cash=Cash(1_000 * U))])
    kept.close()
    with sqlite3.connect(log_of(path)) as base:
        base.execute('UPDATE events SET body = \'{"event":"what"}\'')
    with pytest.raises(InputError, match="PLAN-122"):
        KeptPlan(path)
