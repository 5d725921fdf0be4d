"""The mirror's exits are those that the kernel's own machine places for the same fills."""

from __future__ import annotations

from typing import Any

import numpy as np

from lotwise.broker.intents import Leg, TradePlan
from lotwise.broker.kernel_account import Assumptions, contract_row
from lotwise.broker.mirror import Mirror, _declared
from lotwise.kernel import machine
from lotwise.kernel.snapshot import new_state
from lotwise.kernel.state import FREE, LOG_FILL, MARKET, PLACE, STOP, TARGET, TRADE, TRANSFER, EventRow
from lotwise.units import Cash, Lots, Rate8, Ticks
from tests.session.scene import CONTRACTS, signal, targets
from tests.session.venue_in_memory import E8

SEEDS = 150


def plan_of(rng: Any, side: int) -> TradePlan:
    """A trade with a random bracket."""
    shares = ((100,), (50, 50), (30, 30, 40), (25, 25, 25, 25))[int(rng.integers(0, 4))]
    wanted = signal(
        side,
        targets=targets(side, 300_000, *shares),
        breakeven_after=int(rng.integers(0, len(shares) + 1)),
        trail_after=int(rng.integers(0, len(shares) + 1)),
        callback8=Rate8(E8 // 200),
    )
    lots = Lots(int(rng.integers(3, 300)))
    return TradePlan(
        trade_id="a" * 16,
        contract_id="own:AAA",
        signal=wanted,
        lots=lots,
        legs=(Leg(lots, Ticks(0)),),
        risk_cash=Cash(0),
        notional_cash=Cash(0),
        budget_cash=Cash(0),
        time_ns=1,
        venue_ns=1,
        last_ticks=Ticks(300_000),
    )


def standing(state: Any) -> list[tuple[int, int, int]]:
    """Exits of a state: role, lots left, price."""
    found = []
    for order in state.orders:
        if order.status != FREE and order.role >= STOP:
            price = order.trigger_ticks or order.price_ticks
            found.append((order.role, order.lots - order.filled_lots, price))
    return sorted(found)


def test_the_mirror_follows_the_machine() -> None:
    moved = ended = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        side = 1 if rng.integers(0, 2) else -1
        plan = plan_of(rng, side)
        mirror = Mirror(CONTRACTS[0], plan)
        row = contract_row(CONTRACTS[0], 0, Assumptions(limit_fill="touch"), highest_ticks=10**6)
        state = new_state([row], list(CONTRACTS[0].tier_rows), log_rows=200)
        declared = _declared(plan, by_mark=False)
        declared.kind, declared.time_ns = 19, 1
        enter = EventRow(kind=PLACE, side=side, lots=plan.lots, order_kind=MARKET, entry=1, time_ns=1)
        for event in (
            EventRow(kind=TRANSFER, cash=10**6 * E8, time_ns=1),
            EventRow(kind=TRADE, price_ticks=300_000, lots=1, time_ns=1),
            declared,
            enter,
        ):
            assert machine.step(state, [event]) == 0
        price, read = 300_000, 0
        for _ in range(60):
            for at in range(read, state.account[0].logged):
                done = state.log[at]
                if done.kind != LOG_FILL:
                    continue
                number = -1 if done.lots * side > 0 else role_of(state.log, at, plan)
                mirror.book(
                    number,
                    side=1 if done.lots > 0 else -1,
                    lots=abs(done.lots),
                    price_ticks=done.price_ticks,
                    fee_cash=done.fees_cash,
                )
            read = state.account[0].logged
            mirror.price(price, 1)
            assert standing(mirror.state) == standing(state), f"seed {seed}"
            assert mirror.held_lots == side * state.markets[0].lots, f"seed {seed}"
            moved += mirror.stop_ticks != plan.signal.stop_ticks
            if mirror.is_over:
                won = state.account[0].cross_cash - 10**6 * E8
                assert mirror.result_cash == won, f"seed {seed}"
                ended += 1
                break
            price += int(rng.integers(-700, 701)) + side * 60
            assert machine.step(state, [EventRow(kind=TRADE, price_ticks=price, lots=1, time_ns=1)]) == 0
    assert ended > SEEDS // 2
    assert moved > SEEDS // 4


def role_of(log: Any, at: int, plan: TradePlan) -> int:
    """Which target a fill is of, by its price; 0: the stop."""
    prices = [leg.price_ticks for leg in plan.signal.targets]
    return prices.index(log[at].price_ticks) + 1 if log[at].maker else 0


def test_a_stop_is_only_tightened_and_stays_so_when_exits_come_back() -> None:
    mirror = Mirror(CONTRACTS[0], plan_of(np.random.default_rng(0), 1))
    entry = {"side": 1, "lots": 5, "price_ticks": 300_000, "fee_cash": 100}
    mirror.book(-1, **entry)
    assert mirror.stop_ticks == 297_000
    assert mirror.tighten(298_000)
    assert not mirror.tighten(297_500)
    assert mirror.stop_ticks == 298_000
    mirror.book(0, side=-1, lots=5, price_ticks=298_000, fee_cash=100)
    assert mirror.is_over
    mirror.book(-1, **entry)
    assert (mirror.stop_ticks, mirror.held_lots) == (298_000, 5)
    assert min(role for role, _, _ in standing(mirror.state)) == STOP < TARGET
