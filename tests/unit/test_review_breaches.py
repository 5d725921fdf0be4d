"""Broken rules: each by hand at its bound, each again by brute force on random journals."""

from __future__ import annotations

import dataclasses
import statistics
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from lotwise.guard.config import SMALL_ACCOUNT, read_guard
from lotwise.review.breaches import AFTER_NS, USUAL, Breaches, breaches
from lotwise.review.table import UNKNOWN, Reviewed, of_columns

E8 = 10**8
SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
START = 20_000 * DAY


def journal(*trades: dict[str, Any], account: list[str] | None = None) -> Reviewed:
    """Trades by their minutes, money and risk in whole units; each lasts a minute unless said."""
    rows = [{"at": 0, "lasts": 1, "net": 0, "risk": 10} | one for one in trades]
    numbers: dict[str, Any] = {
        "opened_ns": [START + one["at"] * MINUTE for one in rows],
        "closed_ns": [START + (one["at"] + one["lasts"]) * MINUTE for one in rows],
        "net_cash": [one["net"] * E8 for one in rows],
        "risk_cash": [one["risk"] * E8 for one in rows],
        "late_r8": [one.get("late", UNKNOWN) for one in rows],
    }
    for name in ("loosened", "overridden"):
        numbers[name] = [one.get(name, False) for one in rows]
    return of_columns(len(rows), {"account": account} if account else {}, numbers)


def broke(found: Breaches, rule: str) -> list[int]:
    return [row for one in found.findings if one.rule == rule for row in one.rows.tolist()]


def test_a_clean_journal_has_no_finding() -> None:
    found = breaches(journal({"at": 0, "net": 5}, {"at": 60, "net": -10}, {"at": 200, "net": 20}))
    assert found.findings == ()
    assert (found.trades, found.clean_mean) == (0, 0.5)


def test_what_the_journal_was_told() -> None:
    found = breaches(journal({"loosened": True, "net": -15}, {"at": 60, "overridden": True, "net": 3}))
    assert broke(found, "stop moved away") == [0]
    assert broke(found, "refusal overridden") == [1]
    worst = found.findings[0]
    assert worst.rule in ("stop moved away", "lost beyond the plan")
    moved = next(one for one in found.findings if one.rule == "stop moved away")
    assert (moved.made_cash, moved.made_r, moved.excess_r) == (-15 * E8, -1.5, -0.5)


def test_lost_beyond_the_plan_at_its_bound() -> None:
    table = journal({"net": -125, "risk": 100}, {"at": 60, "net": -126, "risk": 100})
    found = breaches(table)
    assert broke(found, "lost beyond the plan") == [1]
    assert found.findings[0].apart is None, "chosen by its result, it cannot be compared by it"
    assert found.clean_mean == pytest.approx(-1.255), "and what is left is not called cleaner for lacking it"
    assert found.findings[0].excess_r == pytest.approx(-0.26)


def test_risk_in_money_is_the_guards_else_the_usual() -> None:
    guard = read_guard({"risk_money": "20"})
    table = journal({"risk": 20}, {"at": 60, "risk": 21}, {"at": 120, "risk": 0})
    found = breaches(table, guard=guard)
    assert broke(found, "risk exceeded") == [1]
    assert found.findings[0].source == "guard"
    assert "20.00 USDT" in found.findings[0].bound
    calm = [{"at": 60 * k, "risk": 10} for k in range(USUAL)]
    table = journal(*calm, {"at": 6_000, "risk": 15}, {"at": 6_060, "risk": 16})
    assert broke(breaches(table), "risk jumped") == [USUAL + 1]
    assert broke(breaches(journal(*calm[:-1], {"at": 6_000, "risk": 90})), "risk jumped") == []


def test_risk_as_a_share_is_of_the_equity_at_the_entry() -> None:
    table = journal(
        {"at": 0, "risk": 10, "net": 100},
        {"at": 60, "risk": 11},  # 1 % of 1,100
        {"at": 60, "risk": 12},
        {"at": 0, "lasts": 500, "risk": 10, "net": 900},  # not closed by then
    )
    found = breaches(table, equity_cash=1_000 * E8)
    assert [table.risk_cash[row] // E8 for row in broke(found, "risk share")] == [12]
    assert broke(breaches(table), "risk share") == []
    assert broke(breaches(table, equity_cash=10**18), "risk share") == []


def test_revenge_by_speed_and_by_size() -> None:
    table = journal(
        {"at": 0, "net": -10},
        {"at": 15, "net": 4},  # 14 minutes after the loss
        {"at": 31, "net": -10},  # after a win, 30 after the loss
        {"at": 47, "net": 1},  # 15 minutes: at the bound
        {"at": 100, "risk": 16, "net": 1},
        {"at": 101, "risk": 15, "net": 1},
        {"at": 32 + 240, "risk": 99, "net": 1},  # 4 hours after
    )
    found = breaches(table)
    assert broke(found, "revenge, too soon") == [1]
    assert broke(found, "revenge, larger") == [4]
    assert AFTER_NS == 240 * MINUTE
    apart = journal({"at": 0, "net": -10}, {"at": 2, "net": 1}, account=["a", "b"])
    assert breaches(apart).findings == (), "another account's loss"
    turned = journal({"at": 5, "lasts": 0, "net": -10})
    assert breaches(turned).findings == (), "a trade is not its own revenge"


def test_chasing_at_its_bound() -> None:
    assert broke(breaches(journal({"late": E8 // 4}, {"at": 60, "late": E8 // 4 + 1})), "chased") == [1]


def test_the_trades_of_a_day_beyond_its_count() -> None:
    table = journal(*({"at": 60 * k, "net": 1} for k in range(8)), {"at": 24 * 60, "net": 1})
    assert broke(breaches(table), "overtrading") == [6, 7]
    guard = read_guard({"trades_a_day": 7})
    assert broke(breaches(table, guard=guard), "overtrading") == [7]
    assert breaches(table, guard=read_guard({"risk": "1%"})).findings == (), "a bound that is not set"


def test_what_came_before_counts_but_is_not_told() -> None:
    table = journal({"at": 0, "net": -10}, {"at": 2, "net": -10}, {"at": 4, "net": 1})
    assert broke(breaches(table, only=np.asarray([False, False, True])), "revenge, too soon") == [2]


def test_how_far_apart_they_are_is_welchs() -> None:
    from scipy import stats

    rng = np.random.Generator(np.random.PCG64(3))
    nets = rng.integers(-10, 12, 120).tolist()
    rows = [{"at": 1_500 * k, "net": net, "late": E8 if k % 3 == 0 else 0} for k, net in enumerate(nets)]
    (found,) = breaches(journal(*rows)).findings
    mine, rest = np.asarray(nets[::3]) / 10, np.delete(np.asarray(nets), np.s_[::3]) / 10
    assert found.apart == pytest.approx(mine.mean() - rest.mean())
    error = np.hypot(stats.sem(mine), stats.sem(rest))
    assert found.apart_error == pytest.approx(stats.norm.ppf(0.975) * error)


def test_random_journals_against_brute_force() -> None:
    rng = np.random.Generator(np.random.PCG64(77))
    seen = dict.fromkeys(("revenge, too soon", "revenge, larger", "overtrading", "risk share"), 0)
    for _ in range(150):
        count = int(rng.integers(2, 60))
        rows = [
            {
                "at": int(rng.integers(0, 3_000)),
                "lasts": int(rng.integers(0, 60)),
                "net": int(rng.integers(-9, 10)),
                "risk": int(rng.integers(0, 20)),
            }
            for _ in range(count)
        ]
        table = journal(*rows, account=["a" if one else "b" for one in (rng.random(count) < 0.6).tolist()])
        found = breaches(table, equity_cash=1_000 * E8)
        for rule, wanted in slowly(table).items():
            assert broke(found, rule) == wanted, rule
            seen[rule] += len(wanted)
    assert min(seen.values()) > 50


def slowly(table: Reviewed) -> dict[str, list[int]]:
    """The rules again, pair by pair."""
    opened, closed = table.opened_ns.tolist(), table.closed_ns.tolist()
    net, risk, account = table.net_cash.tolist(), table.risk_cash.tolist(), table.account.codes.tolist()
    found: dict[str, list[int]] = {name: [] for name in ("revenge, too soon", "revenge, larger")}
    found |= {"overtrading": [], "risk share": []}
    days: dict[tuple[int, str], list[int]] = {}
    for k in range(len(table)):
        lost = [
            i
            for i in range(len(table))
            if i != k and account[i] == account[k] and net[i] < 0 and closed[i] <= opened[k]
        ]
        if lost:
            last = max(lost, key=lambda i: (closed[i], i))
            since = opened[k] - closed[last]
            if since < 15 * MINUTE:
                found["revenge, too soon"].append(k)
            if since < AFTER_NS and risk[last] and 2 * risk[k] > 3 * risk[last]:
                found["revenge, larger"].append(k)
        equity = 1_000 * E8 + sum(net[i] for i in range(len(table)) if closed[i] <= opened[k])
        if 100 * risk[k] > max(0, equity):
            found["risk share"].append(k)
        day = f"{datetime.fromtimestamp(opened[k] // SECOND, tz=UTC):%Y-%m-%d}"
        days.setdefault((account[k], day), []).append(k)
    for rows in days.values():
        found["overtrading"] += sorted(rows, key=lambda k: (opened[k], k))[6:]
    return {name: sorted(rows) for name, rows in found.items()}


def test_the_bounds_of_a_small_account_are_the_guards() -> None:
    assert SMALL_ACCOUNT["trades_a_day"] == 6
    found = breaches(journal(*({"at": 60 * k} for k in range(7))))
    assert dataclasses.asdict(found.findings[0])["source"] == "small account"


def test_the_usual_risk_is_the_middle_of_the_twenty_before() -> None:
    rng = np.random.Generator(np.random.PCG64(21))
    risks = [int(risk) for risk in rng.integers(0, 12, 90) * np.repeat((1, 3, 1), 30)]
    table = journal(*({"at": 600 * k, "risk": risk} for k, risk in enumerate(risks)))
    wanted = []
    for k, risk in enumerate(risks):
        before = [one for one in risks[:k] if one][-USUAL:]
        if risk and len(before) == USUAL and 2 * risk > 3 * statistics.median(before):
            wanted.append(k)
    assert len(wanted) > 5
    assert broke(breaches(table), "risk jumped") == wanted
