"""Round trips from fills, against a grouping by brute force that moves one lot at a time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.errors import InputError
from lotwise.journal.measures import (
    Plan,
    PriceBar,
    check_stop,
    entry_price8,
    excursion,
    exit_price8,
    in_r,
    result_at_cash,
)
from lotwise.journal.trips import grouped, parts_of, round_trips
from lotwise.records.journal import Fill, Income, RoundTrip

E8 = 10**8
LOT8 = 10**5
"""0.001 of a coin."""
HISTORIES = 1_000


@dataclass
class Slow:
    """A round trip as the brute force finds it."""

    side: int
    opened_ns: int
    first: str
    entered: int = 0
    left: int = 0
    most: int = 0
    spent: Fraction = Fraction(0)
    """What selling brought less what buying cost."""
    fees: Fraction = Fraction(0)
    funding: int = 0
    closed_ns: int | None = None
    ids: set[str] = field(default_factory=set)
    moves: list[tuple[int, int]] = field(default_factory=list)

    def held(self, time_ns: int) -> int:
        return sum(lots for when, lots in self.moves if when < time_ns)


def slow_funding(trips: list[Slow], amounts: list[int], time_ns: int) -> None:
    """The larger leg gets the larger record where each has one, of two signs; else by lots, cut to zero."""
    sizes = sorted(((trip.held(time_ns), trip.side) for trip in trips), reverse=True)
    for trip in trips:
        place = sizes.index((trip.held(time_ns), trip.side))
        if len(trips) == 2 and sizes[0][0] > sizes[1][0] and len(amounts) == 2:
            larger, smaller = sorted(amounts, key=abs, reverse=True)
            if larger * smaller < 0 and larger != -smaller:
                trip.funding += (larger, smaller)[place]
                continue
        total, whole = sum(amounts), sum(lots for lots, _ in sizes)
        parts = [int(Fraction(total * lots, whole)) for lots, _ in sizes]
        trip.funding += parts[place] if place else total - sum(parts[1:])


def slow_trips(fills: list[Fill], incomes: list[Income]) -> dict[tuple[str, ...], list[Slow]]:
    """Lot by lot: one against what is held leaves it, any other joins it; a trip ends where none is left."""
    found: dict[tuple[str, ...], list[Slow]] = {}
    for fill in sorted(fills, key=lambda one: (one.time_ns, one.sequence)):
        trips = found.setdefault((fill.venue, fill.account, fill.contract, fill.position_side), [])
        lots = fill.quantity8 // LOT8
        for _ in range(lots):
            if not trips or trips[-1].closed_ns is not None:
                trips.append(Slow(fill.side, fill.time_ns, fill.trade_id))
            trip = trips[-1]
            trip.ids.add(fill.trade_id)
            trip.spent -= fill.side * Fraction(fill.price8 * LOT8, E8)
            trip.fees += Fraction(fill.fee_cash, lots)
            trip.left += 1 if fill.side == trip.side else -1
            trip.moves.append((fill.time_ns, 1 if fill.side == trip.side else -1))
            trip.entered += fill.side == trip.side
            trip.most = max(trip.most, trip.left)
            if trip.left == 0:
                trip.closed_ns = fill.time_ns
    moments: dict[tuple[str, str, str, int], list[int]] = {}
    for income in incomes:
        at = (income.venue, income.account, income.contract, income.time_ns)
        moments.setdefault(at, []).append(income.cash)
    for (*place, time_ns), amounts in moments.items():
        held = [
            trip
            for key, trips in found.items()
            for trip in trips
            if list(key[:3]) == place and trip.opened_ns < time_ns <= (trip.closed_ns or 2**63)
        ]
        if held:
            slow_funding(held, amounts, time_ns)
    return found


def history(seed: int) -> tuple[list[Fill], list[Income]]:
    """Fills of two accounts, two contracts, one-way and in hedge mode, in any order; and funding."""
    rng = random.Random(seed)
    fills: list[Fill] = []
    incomes: list[Income] = []
    held: dict[tuple[str, str, str], int] = {}
    hedged = rng.random() < 0.4
    time_ns = 10**18
    for number in range(rng.randint(1, 60)):
        time_ns += rng.choice((0, 1, 60 * 10**9))
        account, contract = rng.choice(("main", "second")), rng.choice(("A", "B"))
        leg = rng.choice(("long", "short")) if hedged else ""
        key = (account, contract, leg)
        lots = held.get(key, 0)
        own = {"long": 1, "short": -1}.get(leg, 0)
        if lots and rng.random() < 0.55:
            side = -1 if lots > 0 else 1
            most = abs(lots) if leg else 3 * abs(lots)
            take = rng.choice((abs(lots), rng.randint(1, most)))
        else:
            side, take = own or rng.choice((1, -1)), rng.randint(1, 9)
        held[key] = lots + side * take
        fills.append(
            Fill(
                venue="v",
                account=account,
                contract=contract,
                trade_id=str(number),
                sequence=number,
                time_ns=time_ns,
                side=side,
                position_side=leg,
                price8=rng.randint(1, 10**6) * 10**5,
                quantity8=take * LOT8,
                coin="USDT",
                fee_cash=take * rng.choice((-3, 0, 7)),
            )
        )
        if rng.random() < 0.2:
            income = {
                "account": account,
                "contract": contract,
                "cash": rng.randint(-99, 99),
                "kind": "FUNDING_FEE",
            }
            facts = {"venue": "v", "coin": "USDT", "time_ns": time_ns + 1}
            incomes.append(Income(income_id=str(number), **facts, **income))
            if rng.random() < 0.5:  # a record for each leg
                more = income | {"cash": -rng.choice((1, 2, 3)) * income["cash"]}
                incomes.append(Income(income_id=f"{number} again", **facts, **more))
    rng.shuffle(fills)
    return fills, incomes


def test_the_grouping_is_that_of_brute_force_over_random_histories() -> None:
    turned = partial = legs = open_ = funded = left_over = shared = 0
    for seed in range(HISTORIES):
        fills, incomes = history(seed)
        found = grouped(fills, incomes)
        trips, left = found.trips, found.unplaced
        shared += found.shared
        given = sum(one.cash for one in incomes) - sum(one.cash for one in left)
        assert sum(trip.funding_cash for trip in trips) == given, "not a cent of funding is lost"
        slow = slow_trips(fills, incomes)
        mine: dict[tuple[str, ...], list[RoundTrip]] = {}
        for trip in trips:
            mine.setdefault((trip.venue, trip.account, trip.contract, trip.position_side), []).append(trip)
        assert mine.keys() == slow.keys()
        for key, theirs in slow.items():
            own = [one for one in fills if (one.venue, one.account, one.contract, one.position_side) == key]
            by_opening = {parts_of(own, one.trip_id)[0].trade_id: one for one in mine[key]}
            assert len(by_opening) == len(mine[key]) == len(theirs)
            for one in theirs:
                assert_same(by_opening[one.first], one, own)
                turned += one.closed_ns is not None and one.first in set().union(
                    *(other.ids for other in theirs if other is not one)
                )
                partial += one.entered > one.most
                open_ += one.closed_ns is None
                funded += one.funding != 0
            legs += key[3] != ""
        left_over += len(left)
    assert min(turned, partial, legs, open_, funded, left_over, shared) > 100


def assert_same(trip: RoundTrip, slow: Slow, fills: list[Fill]) -> None:
    """All that both know of a round trip."""
    parts = parts_of(fills, trip.trip_id)
    assert {part.trade_id for part in parts} == slow.ids
    assert trip.fills == len(slow.ids)
    told = (trip.side, trip.opened_ns, trip.closed_ns, trip.entry_quantity8, trip.most_quantity8, trip.left8)
    slow_told = (
        slow.side,
        slow.opened_ns,
        slow.closed_ns,
        *(n * LOT8 for n in (slow.entered, slow.most, slow.left)),
    )
    assert told == slow_told
    assert (trip.fee_cash, trip.funding_cash) == (slow.fees, slow.funding)
    if trip.closed_ns is not None:
        assert trip.realised_cash == slow.spent == trip.side * (trip.exit_cash - trip.entry_cash)
        assert trip.net_cash == slow.spent - slow.fees + slow.funding


def fill(number: int, side: int, lots: int, price: int, **more: object) -> Fill:
    facts = {"venue": "v", "contract": "A", "trade_id": str(number), "sequence": number, "coin": "USDT"}
    facts |= {"time_ns": number * 60 * 10**9, "side": side, "price8": price * E8, "quantity8": lots * LOT8}
    return Fill(**(facts | more))  # type: ignore[arg-type]


def one_trip(*fills: Fill) -> RoundTrip:
    (trip,), _ = round_trips(fills)
    return trip


def test_names_stay_when_fills_are_added_and_differ_by_account() -> None:
    pair = [fill(1, 1, 5, 100), fill(2, -1, 5, 110)]
    first, later = one_trip(*pair), round_trips([*pair, fill(3, 1, 1, 100)])[0]
    assert later[0].trip_id == first.trip_id
    assert len({trip.trip_id for trip in later}) == 2
    other = one_trip(*(msgspec.structs.replace(one, account="b") for one in pair))
    assert other.trip_id != first.trip_id


def test_a_fill_that_turns_shares_its_fee_and_keeps_its_result_where_it_closed() -> None:
    trips, _ = round_trips(
        [fill(1, 1, 4, 100, realised_cash=0), fill(2, -1, 12, 90, fee_cash=100, realised_cash=-4)]
    )
    assert [(trip.side, trip.fee_cash, trip.fills) for trip in trips] == [(1, 33, 1 + 1), (-1, 67, 1)]
    assert [trip.venue_realised_cash for trip in trips] == [-4, 0]
    assert one_trip(fill(1, 1, 4, 100, realised_cash=0), fill(2, -1, 4, 90)).venue_realised_cash is None


def leg_funding(*amounts: int) -> list[int]:
    """What a long of 6 and a short of 3 get; the long was of 9 until a moment before."""
    fills = [
        fill(1, 1, 9, 100, position_side="long"),
        fill(2, -1, 3, 100, position_side="short"),
        fill(3, -1, 3, 100, position_side="long"),
        fill(5, -1, 6, 100, position_side="long"),
        fill(6, 1, 3, 100, position_side="short"),
    ]
    facts = {"venue": "v", "contract": "A", "coin": "USDT", "kind": "FUNDING_FEE", "time_ns": 4 * 60 * 10**9}
    found = grouped(fills, [Income(income_id=str(n), cash=cash, **facts) for n, cash in enumerate(amounts)])
    assert (found.unplaced, found.shared) == ([], len(amounts))
    return [trip.funding_cash for trip in found.trips]


def test_funding_of_two_legs_is_given_by_records_or_shared_by_what_is_held() -> None:
    assert leg_funding(-20, 10) == leg_funding(10, -20) == [-20, 10], "a record each"
    assert leg_funding(-20, -10) == [-20, -10], "in sum 30: two thirds and one"
    assert leg_funding(-10) == [-7, -3], "cut to zero, the rest is the larger leg's"
    assert leg_funding(11) == [8, 3]
    assert leg_funding(5, -5) == [0, 0], "which is whose cannot be told"


def test_orders_go_with_the_trips_that_they_entered_or_left() -> None:
    found = grouped(
        [
            fill(1, 1, 4, 100, order_id="a"),
            fill(2, -1, 6, 100, order_id="b"),
            fill(3, 1, 1, 100, order_id="a"),
            fill(4, 1, 1, 100),
        ]
    )
    first, second = (trip.trip_id for trip in found.trips)
    assert found.orders == [
        (first, "a", True),
        (first, "b", False),
        (second, "b", True),
        (second, "a", False),
    ]


def test_fees_in_other_coins_are_told_apart() -> None:
    trip = one_trip(fill(1, 1, 4, 100, fee_cash=5, fee_coin="BNB"), fill(2, -1, 4, 90, fee_cash=7))
    assert (trip.fee_cash, trip.other_fees) == (7, (("BNB", 5),))


def test_inverse_trips_gain_coins() -> None:
    more = {"is_inverse": True, "coin": "BTC", "multiplier8": 100 * E8}
    trip = one_trip(fill(1, 1, 3_000, 50_000, **more), fill(2, -1, 3_000, 60_000, **more))
    assert trip.realised_cash == 600_000 - 500_000
    assert (entry_price8(trip), exit_price8(trip)) == (50_000 * E8, 60_000 * E8)
    assert result_at_cash(trip, 40_000 * E8) == 600_000 - 750_000


def test_r_is_result_by_planned_risk() -> None:
    """10 at 100, stop 98, target 106, out at 104 with 3 of costs: 37 by 20 is 1.85 R."""
    trip = one_trip(fill(1, 1, 10_000, 100, fee_cash=E8), fill(2, -1, 10_000, 104, fee_cash=2 * E8))
    rs = in_r(trip, Plan(stop8=98 * E8, target8s=(103 * E8, 106 * E8)))
    assert (rs.risk_cash, rs.actual8, rs.planned8, rs.costs8) == (20 * E8, 185_000_000, 3 * E8, 15_000_000)
    assert in_r(trip, Plan(stop8=98 * E8, risk_cash=37 * E8)).actual8 == E8
    assert in_r(trip, None).actual8 is None
    assert in_r(trip, Plan(target8s=(1,))).risk_cash is None
    assert in_r(one_trip(fill(1, -1, 1, 100)), Plan(stop8=101 * E8)).actual8 is None, "open: no result yet"


def test_a_stop_that_would_have_won_is_refused() -> None:
    trip = one_trip(fill(1, -1, 10, 100))
    check_stop(trip, 101 * E8)
    for wrong in (100 * E8, 99 * E8, 0, -1):
        with pytest.raises(InputError) as caught:
            check_stop(trip, wrong)
        assert caught.value.code == "JOURNAL-105"
        assert "above 100" in caught.value.hint


def test_worst_and_best_are_of_bars_wholly_within_the_trade() -> None:
    """A long of 2 coins at 100 from minute 1, 1 sold at 105 in minute 5, the rest at 101 in minute 9."""
    fills = [fill(1, 1, 2_000, 100), fill(5, -1, 1_000, 105), fill(9, -1, 1_000, 101)]
    minute = 60 * 10**9
    lows = (1, 1, 1, 97, 96, 98, 99, 99, 92, 99, 99, 1, 1, 1)
    bars = [PriceBar(n * minute, (100 + n) * E8, low * E8) for n, low in enumerate(lows, -2)]
    seen = excursion(fills, bars, minute)
    assert (seen.worst_cash, seen.worst8, seen.worst_ns) == (-8 * E8, 96 * E8, 2 * minute)
    assert (seen.best_cash, seen.best8) == (5 * E8 + 8 * E8, 108 * E8)
    assert seen.bars == 8
    alone = excursion(fills, [], 1)
    assert (alone.worst_cash, alone.best_cash, alone.bars) == (0, 10 * E8, 0)


@given(
    prices=st.lists(st.integers(50, 150), min_size=3, max_size=12),
    side=st.sampled_from((1, -1)),
    lots=st.integers(1, 9),
)
def test_worst_and_best_hold_every_result_that_was_seen(prices: list[int], side: int, lots: int) -> None:
    minute = 60 * 10**9
    fills = [fill(1, side, lots, prices[0]), fill(1 + len(prices), -side, lots, prices[-1])]
    bars = [PriceBar((1 + n) * minute, price * E8, price * E8) for n, price in enumerate(prices)]
    seen = excursion(fills, bars, minute)
    results = [side * (price - prices[0]) * lots * LOT8 for price in prices]
    assert (seen.worst_cash, seen.best_cash) == (min(results), max(results))
