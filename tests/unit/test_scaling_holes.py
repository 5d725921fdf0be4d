"""What a plan must not miss: a fall with no count of trades, another coin, a trade that is kept late."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lotwise.app import plan as plans
from lotwise.app.desk_plan import DeskPlan
from lotwise.app.trade import Session
from lotwise.app.trade_config import TradeConfig, example, read
from lotwise.cli.main import main
from lotwise.clock import FixedClock
from lotwise.errors import InputError
from lotwise.journal.shelf import Journal
from lotwise.records.journal import Fill, Income
from lotwise.records.plan import Begun, EquitySeen, TradeClosed, Where
from lotwise.scaling import gates
from lotwise.scaling.config import read_plan
from lotwise.scaling.keep import KeptPlan, restart
from lotwise.scaling.machine import Plan
from lotwise.scaling.watch import PlanWatch
from lotwise.store.database import opened
from lotwise.units import Cash, cash_text

U = 10**8
HOUR = 3_600 * 10**9
DAY = 24 * HOUR
NOW = 1_746_345_600 * 10**9
ACCOUNTS: dict[Where, str] = {"live": "main", "paper": "paper"}
GATED = """
[plan]
name = "gated"
[[phase]]
name = "first"
where = "paper"
capital = "1000"
risk = "1%"
[phase.gate]
GATE
[[phase]]
name = "second"
where = "live"
risk = "1%"
"""
STEPS = """
[plan]
name = "steps"
coin = "USDT"
[[phase]]
name = "full"
where = "live"
risk = "1%"
steps = {up = "25%", down = "10%"}
"""


# -- the gate of drawdown


def gated(gate: str, results: Sequence[int]) -> tuple[Plan, list[str]]:
    """A plan on 1,000 of paper, a trade a day; what moved."""
    plan = Plan(read_plan(tomllib.loads(GATED.replace("GATE", gate))))
    plan.tell(Begun(time_ns=0, equity_cash=Cash(1_000 * U)))
    equity = 1_000
    moved: list[str] = []
    for number, result in enumerate(results, 1):
        equity += result
        event = TradeClosed(
            time_ns=number * DAY,
            trade_id=str(number),
            where="paper",
            equity_cash=Cash(equity * U),
            result_cash=Cash(result * U),
            risk_cash=Cash(10 * U),
            is_noted=True,
        )
        moved += [one.kind for one in plan.tell(event)]
    return plan, moved


def test_a_gate_of_drawdown_without_a_count_looks_at_the_whole_phase() -> None:
    plan, moved = gated('days = 14\ndrawdown = "10%"', [-20] * 20)
    assert (plan.phase.name, moved) == ("first", [])
    found = {gate.name: gate for gate in plan.gates()}
    assert (found["drawdown"].found, found["drawdown"].is_open) == ("40 %", False)
    assert found["days"].is_open
    plan, moved = gated('days = 14\ndrawdown = "10%"', [-20] * 5 + [-1] + [40] * 10)
    assert (plan.phase.name, moved) == ("first", []), "an old fall of 10.1 % is one of the phase"
    plan, moved = gated('days = 14\ndrawdown = "10%"', [-20] * 5 + [40] * 10)
    assert (plan.phase.name, moved) == ("second", ["phase up"]), "10 % are allowed"


def test_the_fall_of_the_first_trade_that_is_looked_at_counts() -> None:
    assert gated('trades = 1\ndrawdown = "10%"', [-140] * 3)[1] == []
    assert gated('trades = 1\ndrawdown = "10%"', [-140, 1])[1] == ["phase up"], "the last trade made no fall"
    assert gates.worst_fall8([(0, 100), (0, 90), (1, 72), (2, 80)], 1) == U // 5
    assert gates.worst_fall8([(0, 100), (0, 90), (1, 72), (2, 80)], 2) == 0


# -- one coin


@pytest.fixture
def plan_at(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(STEPS)
    return path


def begun(path: Path) -> None:
    kept = KeptPlan(path)
    kept.tell([Begun(time_ns=NOW, equity_cash=Cash(1_000 * U))])
    kept.close()


def config(folder: Path) -> TradeConfig:
    """A live session on BTCUSDT that obeys plan.toml."""
    text = example("binance", "live").replace('# plan = "plan.toml"', 'plan = "plan.toml"')
    made = read(text, folder=folder)
    assert made.plan == folder / "plan.toml"
    assert [contract.settle for contract in made.contracts] == ["USDT"]
    return made


def session(made: TradeConfig, folder: Path) -> Iterator[Session]:
    database, port = opened(folder / "session.sqlite"), SimpleNamespace()
    try:
        yield Session(made, port, port, clock=FixedClock(NOW), database=database, chronicles=[])
    finally:
        database.close()


def test_no_session_begins_with_a_plan_in_another_coin(plan_at: Path, tmp_path: Path) -> None:
    begun(plan_at)
    for one in session(config(tmp_path), tmp_path):
        assert one.plan is not None
        assert one.plan.limits().risk_cash == 10 * U
        one.plan.close()
    restarted_in(plan_at, "USDC")
    with pytest.raises(InputError) as refused:
        next(session(config(tmp_path), tmp_path))
    assert refused.value.code == "PLAN-164"
    assert "the plan steps counts in USDC, and binance:BTCUSDT settles in USDT" in refused.value.message
    assert 'coin = "USDT"' in refused.value.hint


def test_no_desk_begins_with_a_plan_in_another_coin(plan_at: Path, tmp_path: Path) -> None:
    begun(plan_at)
    desk = DeskPlan(config(tmp_path), FixedClock(NOW))
    assert desk.trouble(NOW) == ""
    restarted_in(plan_at, "USDC")
    assert "the plan opens nothing: the plan steps counts in USDC" in desk.trouble(NOW)
    with pytest.raises(InputError, match="PLAN-164"):
        desk.known(NOW)
    desk.close()
    with pytest.raises(InputError, match="PLAN-164"):
        DeskPlan(config(tmp_path), FixedClock(NOW))
    plan_at.unlink()
    unread = DeskPlan(config(tmp_path), FixedClock(NOW))
    assert "the plan opens nothing" in unread.trouble(NOW), "trouble, as before"


def restarted_in(path: Path, coin: str) -> None:
    path.write_text(STEPS.replace("USDT", coin))
    restart(path)
    begun(path)


def test_a_plan_that_is_begun_anew_in_another_coin_opens_nothing(plan_at: Path, tmp_path: Path) -> None:
    begun(plan_at)
    watch = PlanWatch(plan_at, FixedClock(NOW), config(tmp_path).contracts)
    assert watch.limits().risk_cash == 10 * U
    restarted_in(plan_at, "USDC")
    for _ in range(2):
        with pytest.raises(InputError, match="PLAN-164"):
            watch.limits()
    restarted_in(plan_at, "USDT")
    assert watch.limits().risk_cash == 10 * U
    watch.close()


def traded(place: Path, number: int, result: int, opened_ns: int, **other: Any) -> None:
    """A long of 0.01 BTC over an hour; the result is in whole coins."""
    given: dict[str, Any] = {"account": "main", "contract": "BTCUSDT", "coin": "USDT"} | other
    fills = [
        Fill(
            venue="binance",
            trade_id=f"{number}{side}",
            side=side,
            price8=price * U,
            quantity8=U // 100,
            time_ns=time_ns,
            multiplier8=U,
            is_inverse=False,
            **given,
        )
        for side, price, time_ns in (
            (1, 100_000, opened_ns),
            (-1, 100_000 + 100 * result, opened_ns + HOUR),
        )
    ]
    shelf = Journal.at(str(place))
    shelf.add(fills)
    shelf.close()


def test_a_check_says_what_it_passed_over(
    plan_at: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, journal = FixedClock(NOW + DAY), tmp_path / "j.sqlite"
    monkeypatch.setattr("lotwise.cli.plan.SystemClock", lambda: clock)
    begun(plan_at)
    traded(journal, 0, 1, NOW + HOUR)
    assert main(["plan", "check", str(plan_at), "--journal", str(journal)]) == 0
    assert "passed over" not in capsys.readouterr().out
    usdc = {"contract": "BTCUSDC", "coin": "USDC"}
    traded(journal, 1, -20, NOW - 3 * HOUR, **usdc)
    for number in (2, 3):
        traded(journal, number, -20, NOW + 2 * number * HOUR, **usdc)
    command = ["plan", "check", str(plan_at), "--journal", str(journal)]
    for _ in range(2):
        assert main([*command, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["passed_over"] == {"USDC": 2}
    assert main(command) == 0
    assert "passed over: 2 closed trades in USDC; the plan counts in USDT" in capsys.readouterr().out
    traded(journal, 4, 1, NOW + 9 * HOUR, contract="BTCFDUSD", coin="FDUSD")
    assert main(command) == 0
    assert "passed over: 1 closed trade in FDUSD; the plan" in capsys.readouterr().out
    assert main(["plan", "show", str(plan_at), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed_over"] is None, "no journal was read"


# -- a trade that is kept late


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    place = tmp_path / "journal.sqlite"
    Journal.at(str(place)).close()
    return place


def checked(path: Path, journal: Path, hours: int, live: int = 0, paper: int = 0) -> list[str]:
    """Check so many hours after the beginning, with the equities that are told; what moved."""
    found = plans.check(
        path,
        FixedClock(NOW + hours * HOUR),
        equity_cash=Cash(live * U) if live else None,
        paper_cash=Cash(paper * U) if paper else None,
        journal=str(journal),
        accounts=ACCOUNTS,
    )
    return [one.kind for one in found.moved]


def stands(path: Path, hours: int) -> tuple[str, str, str, int]:
    """Equity of both accounts, money at risk, trades of the phase."""
    kept = KeptPlan(path)
    equity = [cash_text(Cash(kept.plan.equity[where])) for where in ("live", "paper")]
    limits, marks = kept.limits(NOW + hours * HOUR), len(kept.plan.marks)
    kept.close()
    return equity[0], equity[1], cash_text(limits.risk_cash), marks


def test_a_late_trade_adds_nothing_to_an_equity_that_has_it(plan_at: Path, journal: Path) -> None:
    checked(plan_at, journal, 0, live=1_000)
    assert checked(plan_at, journal, 3, live=1_130) == []
    traded(journal, 1, 130, NOW + HOUR)
    assert checked(plan_at, journal, 4) == []
    assert stands(plan_at, 4) == ("1130.00", "1000.00", "10.00", 1), "a trade of the gates, and no step"
    traded(journal, 2, 30, NOW + 4 * HOUR)
    assert checked(plan_at, journal, 6) == []
    assert stands(plan_at, 6) == ("1160.00", "1000.00", "10.00", 2), "what closed after it is counted"
    assert checked(plan_at, journal, 7, live=1_160) == []


def test_a_trade_that_closes_as_the_equity_is_told_is_in_it(plan_at: Path, journal: Path) -> None:
    checked(plan_at, journal, 0, live=1_000)
    checked(plan_at, journal, 2, live=1_130)
    traded(journal, 1, 130, NOW + HOUR)
    traded(journal, 2, 7, NOW + HOUR + 1, contract="ETHUSDT")
    checked(plan_at, journal, 4)
    assert stands(plan_at, 4) == ("1137.00", "1000.00", "10.00", 2)


def test_each_account_has_its_own_last_look(plan_at: Path, journal: Path) -> None:
    checked(plan_at, journal, 0, live=1_000)
    checked(plan_at, journal, 3, paper=1_050)
    traded(journal, 1, 40, NOW + HOUR)
    traded(journal, 2, 50, NOW + HOUR, account="paper")
    checked(plan_at, journal, 4)
    assert stands(plan_at, 4)[:2] == ("1040.00", "1050.00"), "of the live account nothing was told"
    checked(plan_at, journal, 5, live=1_040, paper=1_050)
    traded(journal, 3, -5, NOW + 2 * HOUR, contract="ETHUSDT")
    traded(journal, 4, -6, NOW + 2 * HOUR, contract="ETHUSDT", account="paper")
    checked(plan_at, journal, 6)
    assert stands(plan_at, 6)[:2] == ("1040.00", "1050.00"), "told both at once"


def test_a_late_loss_is_no_second_fall(plan_at: Path, journal: Path) -> None:
    checked(plan_at, journal, 0, live=1_000)
    assert checked(plan_at, journal, 3, live=920) == []
    traded(journal, 1, -80, NOW + HOUR)
    assert checked(plan_at, journal, 4) == []
    assert stands(plan_at, 4) == ("920.00", "1000.00", "9.20", 1)


def test_late_trades_stand_beside_transfers_and_later_trades(plan_at: Path, journal: Path) -> None:
    checked(plan_at, journal, 0, live=1_000)
    checked(plan_at, journal, 3, live=1_130)
    traded(journal, 1, 130, NOW + HOUR)
    traded(journal, 2, 20, NOW + 5 * HOUR)
    shelf = Journal.at(str(journal))
    income = Income(
        venue="binance",
        account="main",
        income_id="d1",
        kind="TRANSFER",
        coin="USDT",
        cash=500 * U,
        time_ns=NOW + 4 * HOUR,
    )
    shelf.add([], [income])
    shelf.close()
    assert checked(plan_at, journal, 7) == []
    kept = KeptPlan(plan_at)
    told = [event for event in kept.events() if isinstance(event, TradeClosed)]
    kept.close()
    assert [event.equity_cash // U for event in told] == [1_130, 1_650]
    assert [event.result_cash // U for event in told] == [130, 20]


def test_a_look_of_an_unknown_time_hides_no_loss(plan_at: Path, journal: Path) -> None:
    """A paper market that is days ahead stamps the look at the live account: losses to come are not in it."""
    checked(plan_at, journal, 0, live=1_000)
    checked(plan_at, journal, 2, live=1_020)
    traded(journal, 1, 10, NOW + 9 * DAY, account="paper")
    checked(plan_at, journal, 3, live=1_020)
    kept = KeptPlan(plan_at)
    looks = [event.time_ns for event in kept.events() if isinstance(event, EquitySeen)]
    kept.close()
    assert looks == [NOW + 2 * HOUR, NOW + 9 * DAY + HOUR]
    traded(journal, 2, 20, NOW + HOUR)
    traded(journal, 3, -60, NOW + 4 * HOUR, contract="ETHUSDT")
    checked(plan_at, journal, 6)
    assert stands(plan_at, 6)[0] == "960.00", "the gain was seen at the first look, the loss at none"
