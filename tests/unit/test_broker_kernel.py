"""The account at the venue in a box: what cannot be played, and approvals that are no longer true."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lotwise import Contract
from lotwise.backtest import run
from lotwise.backtest.run import Plan, laid_out, play_asked, play_columns
from lotwise.broker import kernel_account
from lotwise.broker.kernel import KernelBroker
from lotwise.broker.kernel_account import Assumptions, account_of
from lotwise.errors import InputError
from lotwise.guard.case import Case, Scene
from lotwise.guard.facts import MarketFacts, Rulebook
from lotwise.guard.judge import judge_open
from lotwise.guard.rules import stop_never_loosens
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.kernel.portfolio import play_row
from lotwise.records.guard import Approved, MoveStop, Open
from lotwise.records.order import Limits
from lotwise.records.signal import Signal
from lotwise.session.pipeline import intent_of, view_of
from lotwise.sizing.solve import Question, solve
from lotwise.strategy.library.null import Null
from lotwise.units import Cash, Rate8, Ticks
from tests.twins.test_class_and_columns import CONTRACTS, E8, contract, feed, plan


def test_what_cannot_be_played_is_refused() -> None:
    with pytest.raises(InputError, match=r"BROKER-101.*'worst'"):
        Assumptions(path="worst")
    with pytest.raises(InputError, match="BROKER-101"):
        Assumptions(limit_fill="always")
    without_fees = Contract(symbol="X", base="X", tick_size="0.1", lot_size="0.001")
    for odd in (without_fees, msgspec.structs.replace(contract("COIN"), kind="inverse_perpetual")):
        with pytest.raises(InputError, match="BROKER-102"):
            account_of([odd], Cash(E8), Assumptions(), 1_000, highest_ticks=[10**6])
    with pytest.raises(InputError, match="BROKER-103"):
        account_of([contract("AAA")], Cash(0), Assumptions(), 1_000, highest_ticks=[10**6])


def test_more_signals_than_there_is_room_for_and_a_log_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = feed(1, 600)
    monkeypatch.setattr(run, "ASKED_ROOM", 3)
    with pytest.raises(InputError, match="BACKTEST-103"):
        play_asked([Null(one_in=5)], CONTRACTS[:1], rows, plan())
    monkeypatch.setattr(kernel_account, "LOG_ROWS", 1)
    with pytest.raises(InputError, match="BACKTEST-104"):
        play_columns([Null(one_in=5)], CONTRACTS[:1], rows, plan())


def judged() -> tuple[KernelBroker, Approved[Open], tuple[Cash, Cash]]:
    """A broker after a bar, and an approved trade that was not sent yet."""
    rows = feed(1, 10)
    state, book = laid_out(CONTRACTS[:1], Plan(Cash(1_000 * E8), Rate8(1_000_000)), rows, room=4)
    play_row.compiled(state, book, rows, 0)
    book.usage["started"] = 1
    book.usage["day"] = int(rows["time_ns"][0]) // (86_400 * 10**9)
    broker = KernelBroker(state, book, CONTRACTS[:1])
    broker.now_ns = int(rows["time_ns"][0])
    market, account = broker.market("own:AAA"), broker.account("own:AAA")
    signal = Signal(side=1, stop_ticks=Ticks(market.last_ticks - 6_000))
    signals: Any = book.signals
    signals[0]["side"], signals[0]["stop_ticks"] = 1, signal.stop_ticks
    intent = intent_of(CONTRACTS[0], signal, market)
    limits = Limits(
        risk_cash=Cash(10 * E8),
        leverage100=market.leverage100,
        max_leverage100=10_000,
        margin_share8=Rate8(E8),
        liquidation_multiple8=Rate8(150_000_000),
    )
    order = solve(Question(CONTRACTS[0], intent, view_of(account), limits))
    scene = Scene(CONTRACTS[0], intent, account, MarketFacts(), Rulebook(allowed=AllowedRow()), broker.now_ns)
    case = Case(scene, Open(order=order, signal=signal))
    approved = judge_open(case)
    assert isinstance(approved, Approved)
    return broker, approved, (case.risk_cash, case.notional_cash)


def test_an_approved_trade_is_sent_with_its_stop() -> None:
    broker, approved, (risk, notional) = judged()
    assert broker.open(approved, risk, notional) == 0
    state: Any = broker.state
    assert state.markets[0]["lots"] == approved.command.order.lots
    assert state.brackets[0]["stop_id"] > 0
    (position,) = broker.account("own:AAA").positions
    assert (position.side, position.risk_cash) == (1, risk)
    broker.leave("own:AAA")
    assert state.markets[0]["lots"] == 0


@pytest.mark.parametrize("how", ["moved on", "late", "away"])
def test_a_stale_approval_is_refused_and_nothing_changes(how: str) -> None:
    broker, approved, (risk, notional) = judged()
    state: Any = broker.state
    if how == "moved on":
        state.account[0]["sequence"] += 1
    elif how == "late":
        broker.now_ns = approved.expires_ns + 1
    else:
        state.markets[0]["last_ticks"] = approved.highest_ticks + 1
    before = [part.tobytes() for part in state]
    with pytest.raises(InputError, match="BROKER-104"):
        broker.open(approved, risk, notional)
    assert [part.tobytes() for part in state] == before


def test_the_code_of_a_loosened_stop() -> None:
    move = MoveStop(contract_id="own:AAA", side=1, stop_ticks=Ticks(90), held_ticks=Ticks(100))
    assert stop_never_loosens.check(move) is not None
    assert stop_never_loosens.CODE == "GUARD-120"
