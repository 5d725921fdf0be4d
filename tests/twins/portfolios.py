"""Seeded portfolios: several contracts in one account, bars, signals, the trader's own limits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from lotwise.kernel import machine
from lotwise.kernel import portfolio_rows as p
from lotwise.kernel import state as s
from lotwise.kernel.layout import AskRow, LegRow, LimitsRow, SpecRow, array_of
from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.kernel.snapshot import new_state
from tests.twins.test_sweep import contract, tiers

E8 = 10**8
MINUTE = 60_000_000_000
START = 20_000 * 86_400 * 10**9
BARS = 1_200


def facts(rng: random.Random, count: int) -> list[s.ContractRow]:
    """Contracts with choices of their own, and tiers each."""
    found = []
    for c in range(count):
        row = contract(rng)
        row.volume_share8 = rng.choice((0, 0, 5_000_000))
        row.first_tier, row.end_tier = 4 * c, 4 * c + 4
        found.append(row)
    return found


def account(rng: random.Random, contracts: Sequence[s.ContractRow]) -> s.State:
    """A funded account, some of its contracts isolated."""
    rows = [tier for _ in contracts for tier in tiers()]
    state = new_state(contracts, rows, slots=3, log_rows=400, leverage100=rng.choice((500, 2_000, 5_000)))
    machine.step(state, [s.EventRow(kind=s.TRANSFER, cash=rng.choice((300, 1_000)) * E8, time_ns=1)])
    for c in range(len(contracts)):
        if rng.randrange(2):
            machine.step(state, [s.EventRow(kind=s.MARGIN_MODE, contract=c, is_isolated=1, time_ns=1)])
    return state


def feed(rng: random.Random, count: int, bars: int = BARS) -> list[p.FeedRow]:
    """Bars of all contracts, minute by minute: walks, now and then a leap, funding."""
    prices = [rng.randint(300_000, 900_000) for _ in range(count)]
    wild = [rng.choice((400, 1_500, 4_000)) for _ in range(count)]
    found = []
    for i in range(bars):
        for c in range(count):
            leap = rng.randrange(400) == 0
            jump = (
                rng.choice((-90_000, 90_000)) if leap else rng.choice((0, 0, rng.randint(-wild[c], wild[c])))
            )
            start = max(50_000, prices[c] + jump)
            end = max(50_000, start + rng.randint(-wild[c], wild[c]))
            found.append(
                p.FeedRow(
                    contract=c,
                    time_ns=START + i * 7 * MINUTE,
                    open_ticks=start,
                    close_ticks=end,
                    high_ticks=max(start, end) + rng.randint(0, wild[c]),
                    low_ticks=max(1, min(start, end) - rng.randint(0, wild[c])),
                    volume_lots=0 if leap else rng.choice((0, 50, 4_000)),
                    has_funding=int(i % 70 == 69),
                    funding8=rng.choice((10_000, -25_000, 300_000)),
                )
            )
            prices[c] = end
    return found


def signals(
    rng: random.Random, rows: Sequence[p.FeedRow], one_in: int
) -> tuple[list[p.SignalRow], list[int]]:
    """Signals at some bars, closes at others; the answers to all bars."""
    found: list[p.SignalRow] = []
    answers = []
    for bar in rows:
        if rng.randrange(one_in):
            answers.append(p.CLOSE_HELD if rng.randrange(9 * one_in) == 0 else p.NOTHING)
            continue
        side, last = rng.choice((1, -1)), bar.close_ticks
        away = max(1, last * rng.choice((4, 15, 60)) // 1_000) * rng.choice((1, 1, 1, 1, 1, -1, 1, 1))
        shares = rng.choice(((0, 0), (50_000_000, E8), (30_000_000, E8)))
        found.append(
            p.SignalRow(
                side=side,
                stop_ticks=last - side * away,
                target_ticks_1=last + side * abs(away) if shares[0] else 0,
                target_share8_1=shares[0],
                target_ticks_2=last + side * 2 * abs(away) if shares[0] else 0,
                target_share8_2=shares[1],
                breakeven_after=rng.choice((0, 1)) if shares[0] else 0,
                trail_after=rng.choice((0, 0, 1)) if shares[0] else 0,
                callback8=500_000,
                hold_ns=rng.choice((0, 0, 50 * MINUTE)),
                risk8=rng.choice((0, 5_000_000, 60_000_000)),
            )
        )
        answers.append(len(found))
        if rng.randrange(3) == 0:
            ladder(rng, found[-1], last)
    return found, answers


def ladder(rng: random.Random, signal: p.SignalRow, last: int) -> None:
    """Make a signal enter by limits, now and then in a silly order or at once."""
    step = signal.side * max(1, abs(last - signal.stop_ticks) // rng.choice((4, 6, 30)))
    first = last - signal.side * rng.choice((0, 3, 40, -30))
    count = rng.choice((1, 2, 3))
    shares = {1: (E8, 0, 0), 2: (40_000_000, E8, 0), 3: (30_000_000, 70_000_000, E8)}[count]
    signal.entry_ticks_1, signal.entry_share8_1 = first, shares[0]
    signal.entry_ticks_2, signal.entry_share8_2 = (first - step if count > 1 else 0), shares[1]
    signal.entry_ticks_3, signal.entry_share8_3 = (first - 2 * step if count > 2 else 0), shares[2]
    signal.entry_valid_ns = rng.choice((0, 40 * MINUTE))
    if rng.randrange(5) == 0:
        signal.entry_share8_1 += 10


def limits(rng: random.Random) -> AllowedRow:
    """The trader's limits, tight enough that each says no now and then."""
    if rng.randrange(3) == 0:
        return AllowedRow()
    return AllowedRow(
        risk_share8=rng.choice((0, 0, 3_000_000)),
        open_risk_share8=rng.choice((0, 0, 4_000_000)),
        leverage100=rng.choice((0, 0, 300)),
        day_loss_share8=rng.choice((0, 3_000_000, 6_000_000)),
        week_loss_share8=rng.choice((0, 5_000_000)),
        day_trades=rng.choice((0, 0, 5)),
        positions=rng.choice((0, 0, 1)),
        cool_ns=rng.choice((0, 0, 60 * MINUTE)),
        streak_losses=rng.choice((0, 0, 2)),
        streak_cool_ns=300 * MINUTE,
        day_offset_ns=rng.choice((0, 120 * MINUTE)),
    )


def book(
    contracts: Sequence[s.ContractRow],
    wanted: list[p.SignalRow],
    allowed: AllowedRow,
    every_ns: int = 60 * MINUTE,
    room: int = 3_000,
) -> p.Book:
    """A fresh book as plain Python rows."""
    specs = []
    for row in contracts:
        spec = SpecRow(**dict.fromkeys(SpecRow.__slots__, 0))
        spec.cash_per_tick_lot, spec.max_lots = row.cash_per_tick_lot, row.max_lots
        spec.min_lots, spec.min_notional_cash = row.min_lots, row.min_notional_cash
        specs.append(spec)
    bounds = LimitsRow(**dict.fromkeys(LimitsRow.__slots__, 0))
    bounds.liquidation_multiple8, bounds.max_leverage100 = 110_000_000, 12_500
    return p.Book(
        run=[p.PortfolioRow(risk8=1_000_000, curve_every_ns=every_ns)],
        event=[s.EventRow()],
        spec=specs,
        ask=[AskRow(**dict.fromkeys(AskRow.__slots__, 0))],
        limits=[bounds],
        legs=[LegRow(cumulative_share8=0, price_ticks=0) for _ in range(3)],
        seats=[p.SeatRow() for _ in contracts],
        allowed=[allowed],
        usage=[UsageRow()],
        signals=wanted or [p.SignalRow()],
        trips=[p.TripRow() for _ in range(room)],
        refusals=[p.RefusalRow() for _ in range(room)],
        curve=[p.CurveRow() for _ in range(room)],
    )


KINDS: tuple[Any, ...] = (
    p.PortfolioRow,
    s.EventRow,
    SpecRow,
    AskRow,
    LimitsRow,
    LegRow,
    p.SeatRow,
    AllowedRow,
    UsageRow,
    p.SignalRow,
    p.TripRow,
    p.RefusalRow,
    p.CurveRow,
)


def compiled_book(rows: p.Book) -> p.Book:
    """The book as structured arrays."""
    from lotwise.rule_handle import by_address

    by_address(p.Book)
    by_address(p.Asked)
    return p.Book(*(array_of(kind, part) for kind, part in zip(KINDS, rows, strict=True)))


def numbers(rows: p.Book) -> dict[str, list[tuple[int, ...]]]:
    """What a run left, but for rows that are only written over while it works, and quiet bounds."""
    found = {}
    for name in ("seats", "allowed", "usage", "trips", "refusals", "curve", "run"):
        part = getattr(rows, name)
        given = [row.values() for row in part] if isinstance(part, list) else part.tolist()
        found[name] = [tuple(row) for row in given]
    hidden = [p.SeatRow.__slots__.index(field) for field in ("falls_ticks", "rises_ticks")]
    found["seats"] = [tuple(n for k, n in enumerate(row) if k not in hidden) for row in found["seats"]]
    until = p.PortfolioRow.__slots__.index("until_ns")
    found["run"] = [tuple(n for k, n in enumerate(row) if k != until) for row in found["run"]]
    return found
