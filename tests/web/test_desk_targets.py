"""Targets that are too small: what the ticket says is what the session places, by a rule written again."""

from __future__ import annotations

import os
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

pytest.importorskip("numpy", reason="the rule's state is kept in arrays")

import lotwise
from lotwise.app.desk_size import answer, judged
from lotwise.app.desk_targets import merged_targets, placed_lots
from lotwise.app.desk_ticket import EntryAsked, Price, Ticket, read, signal_of
from lotwise.contracts import catalogue
from lotwise.units import Rate8

BTC = catalogue.load("binance:BTCUSDT")
LEAST = Fraction(100)
"""Of an order in USDT. Source: the venue's exchange information of the catalogue's day."""
TICK, LOT = Fraction(1, 10), Fraction(1, 1000)
CASES = 400 if os.environ.get("LOTWISE_PROFILE") == "proof" else 60


def by_hand(lots: int, shares: list[Fraction], prices: list[Fraction]) -> list[int]:
    """Lots of each target: parts by cumulative shares cut down; one under the venue's least is carried on,
    what is left over goes into the last that is large enough, else into the last of all."""
    through, carried, legs = 0, 0, []
    for number, price in enumerate(prices):
        until = int(lots * sum(shares[: number + 1]))
        leg, through = until - through + carried, until
        whole = leg > 0 and leg * LOT * price >= LEAST
        legs.append(leg if whole else 0)
        carried = 0 if whole else leg
    if carried:
        into = max((k for k, leg in enumerate(legs) if leg), default=len(legs) - 1)
        legs[into] += carried
    return legs


def test_the_rule_is_the_one_that_is_written_here_again() -> None:
    assert Fraction(BTC.scales.min_notional_cash, 10**8) == LEAST
    draw, whole, some, all_small = Random(5), 0, 0, 0
    for _ in range(CASES):
        side = draw.choice(("long", "short"))
        count = draw.randrange(1, 5)
        cuts = sorted(draw.sample(range(5, 100, 5), count - 1))
        percents = [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
        way = 1 if side == "long" else -1
        targets = [
            Price(text=str(60_000 + way * 1_000 * (number + 1)), share=f"{percent}%")
            for number, percent in enumerate(percents)
        ]
        ticket = Ticket(
            contract=BTC.id,
            side=side,
            entry=EntryAsked(kind="limit", text="60000"),
            stop=Price(text="2%"),
            targets=targets,
            equity="1000",
            risk=f"{draw.randrange(3, 30)}",
        )
        found = judged(ticket, BTC, None)
        lots = lotwise.size(BTC, **found.asked | {"targets": []}).lots
        prices = [Fraction(one.price_ticks) * TICK for one in found.found.targets]
        wanted = by_hand(lots, [Fraction(one, 100) for one in percents], prices)
        assert list(placed_lots(found.found, signal_of(found.found, ticket, Rate8(1), ""), lots)) == wanted
        assert [one.lots for one in found.plan.targets] == [leg for leg in wanted if leg]
        assert [one.number for one in found.merged] == [k for k, leg in enumerate(wanted, 1) if not leg]
        told = answer(ticket, found)
        lines = {one["name"]: one["sub"] for one in told["lines"]}
        for number, leg in enumerate(wanted, 1):
            quantity = f"{Decimal(leg).scaleb(-3).normalize():f}"
            assert lines[f"target{number}"].startswith(
                f"×{quantity} " if leg else "too small, closed with TP"
            )
        for one in found.merged:
            assert wanted[one.into - 1], "it goes into one that stands"
            assert one.text in told["warnings"]
        whole, some = whole + all(wanted), some + (0 in wanted)
        all_small += sum(1 for leg in wanted if leg) == 1 < count
    assert min(whole, some, all_small) > 0, (whole, some, all_small)


def test_the_sentence_has_both_numbers() -> None:
    ticket = Ticket(
        contract=BTC.id,
        side="long",
        entry=EntryAsked(kind="limit", text="60000"),
        stop=Price(text="2%"),
        targets=[Price(text="61000", share="50%"), Price(text="62000", share="50%")],
    )
    found = read(ticket, BTC, None)
    merged, words = merged_targets(found, signal_of(found, ticket, Rate8(1), ""), 3)
    assert [one.text for one in merged] == [
        "TP1 of 0.001 BTC is worth 61.00 USDT, the venue's least is 100.00: it is closed with TP2"
    ]
    assert words == ["62000.0:100%"]
    merged, _ = merged_targets(found, signal_of(found, ticket, Rate8(1), ""), 1)
    assert "less than one lot" in merged[0].text
    assert merged_targets(found, signal_of(found, ticket, Rate8(1), ""), 0) == ((), [])
    assert merged_targets(found, signal_of(found, ticket, Rate8(1), ""), 4) == ((), [])
