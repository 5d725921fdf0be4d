"""The trader's own limits, by hand: each code, each lock, each room, and what transfers may not do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lotwise.kernel import limit_codes as codes
from lotwise.kernel.arith import INT64_MAX
from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.kernel.limits import (
    DAY_NS,
    NEW_DAY,
    NEW_WEEK,
    NO_BOUND,
    SAME_DAY,
    change_trade,
    close_trade,
    day_of,
    limit_refusal,
    lock_until,
    notional_room_cash,
    open_trade,
    refused_until_ns,
    risk_room_cash,
    roll,
    transfer_starts,
    watch,
    week_of,
)
from lotwise.units import parse_cash, parse_rate

HOUR = 3_600_000_000_000
MINUTE = 60_000_000_000
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def ns(text: str) -> int:
    """An instant of March 2026, ``"3 09:30"`` in UTC."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    when = MONDAY.replace(day=int(day), hour=int(hour), minute=int(minute))
    return int(when.timestamp()) * 1_000_000_000


def cash(text: str) -> int:
    return parse_cash(text, "amount")


def share(text: str) -> int:
    return parse_rate(text, "share")


def plan(**limits: int) -> list[AllowedRow]:
    """1 % a trade, 3 % open, 3x, 3 % a day, 6 % a week, 3 trades a day, 2 positions; 10 and 60 minutes."""
    usual = {
        "risk_share8": share("1%"),
        "open_risk_share8": share("3%"),
        "leverage100": 300,
        "day_loss_share8": share("3%"),
        "week_loss_share8": share("6%"),
        "day_trades": 3,
        "positions": 2,
        "cool_ns": 10 * MINUTE,
        "streak_losses": 2,
        "streak_cool_ns": 60 * MINUTE,
    }
    return [AllowedRow(**(usual | limits))]


def begun(allowed: list[AllowedRow], when: str = "3 09:00", equity: str = "1000") -> list[UsageRow]:
    usage = [UsageRow()]
    watch(allowed, usage, ns(when), equity_cash=cash(equity))
    return usage


def asked(
    allowed: list[AllowedRow],
    usage: list[UsageRow],
    risk: str = "10",
    notional: str = "500",
    equity: str = "1000",
    when: str = "3 10:00",
) -> int:
    return limit_refusal(
        allowed,
        usage,
        risk_cash=cash(risk),
        notional_cash=cash(notional),
        equity_cash=cash(equity),
        time_ns=ns(when),
    )


# -- days and weeks


@pytest.mark.parametrize(
    ("when", "offset_hours", "date"),
    [
        ("3 00:00", 0, 3),
        ("3 23:59", 0, 3),
        ("3 22:00", 2, 4),  # midnight in UTC+2
        ("3 21:59", 2, 3),
        ("4 04:59", -5, 3),  # New York in winter
        ("4 05:00", -5, 4),
    ],
)
def test_the_day_is_the_traders(when: str, offset_hours: int, date: int) -> None:
    first = int(MONDAY.timestamp()) * 1_000_000_000 // DAY_NS  # 2 March
    assert day_of(ns(when), offset_hours * HOUR) - first == date - 2


def test_weeks_begin_on_monday() -> None:
    monday = int(MONDAY.timestamp()) * 1_000_000_000 // DAY_NS
    assert [week_of(monday + days) - week_of(monday) for days in (-1, 0, 6, 7)] == [-1, 0, 0, 1]
    assert week_of(-4) == -1  # Sunday, 28 December 1969
    assert week_of(-3) == 0


def test_a_day_begins_once() -> None:
    allowed = plan()
    usage = [UsageRow()]
    turns = [
        roll(allowed, usage, ns(when), equity_cash=cash(equity))
        for when, equity in [
            ("3 23:59", "1000"),
            ("4 00:00", "1010"),
            ("4 12:00", "1020"),
            ("3 23:59", "1030"),  # a clock set back
            ("8 23:59", "1040"),  # Sunday
            ("9 00:00", "1050"),  # Monday
        ]
    ]
    assert turns == [NEW_WEEK, NEW_DAY, SAME_DAY, SAME_DAY, NEW_DAY, NEW_WEEK]
    assert (usage[0].day_start_cash, usage[0].week_start_cash) == (cash("1050"), cash("1050"))


def test_a_new_day_clears_the_count_and_the_lock_of_the_day_alone() -> None:
    allowed = plan(week_loss_share8=share("3%"))
    usage = begun(allowed)
    open_trade(usage, cash("10"), cash("500"))
    watch(allowed, usage, ns("3 12:00"), equity_cash=cash("970"))
    assert (usage[0].day_trades, usage[0].day_locked, usage[0].week_locked) == (1, 1, 1)
    watch(allowed, usage, ns("4 00:00"), equity_cash=cash("980"))
    assert (usage[0].day_trades, usage[0].day_locked, usage[0].week_locked) == (0, 0, 1)
    assert asked(allowed, usage, equity="980", risk="1", when="4 08:00") == codes.WEEK_LOSS
    watch(allowed, usage, ns("9 00:00"), equity_cash=cash("980"))
    assert usage[0].week_locked == 0


# -- codes


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({}, codes.ALLOWED),
        ({"risk": "10.00000001"}, codes.TRADE_RISK),
        ({"risk": "9.99", "equity": "998.99"}, codes.TRADE_RISK),  # 1 % of 998.99 is 9.9899
        ({"risk": "9.99", "equity": "999"}, codes.ALLOWED),
        ({"notional": "3000"}, codes.ALLOWED),
        ({"notional": "3000.00000001"}, codes.ACCOUNT_LEVERAGE),
        ({"equity": "970"}, codes.DAY_LOSS),
        ({"equity": "970.00000001", "risk": "0.00000001"}, codes.ALLOWED),
        ({"equity": "970.00000001", "risk": "0.00000002"}, codes.DAY_ROOM),
        ({"equity": "940"}, codes.WEEK_LOSS),
        ({"equity": "0"}, codes.NO_EQUITY),
        ({"equity": "-5", "when": "4 00:00"}, codes.NOT_ROLLED),
    ],
)
def test_each_question_has_its_code(question: dict[str, str], code: int) -> None:
    allowed = plan()
    assert asked(allowed, begun(allowed), **question) == code


def test_nothing_is_allowed_before_the_first_look() -> None:
    assert asked(plan(), [UsageRow()]) == codes.NOT_ROLLED


def test_without_limits_everything_is_allowed() -> None:
    allowed = [AllowedRow()]
    usage = begun(allowed)
    for _ in range(50):
        open_trade(usage, cash("900"), cash("90000"))
    assert asked(allowed, usage, risk="100000", notional="1000000", equity="0.01") == codes.ALLOWED
    assert risk_room_cash(allowed, usage, cash("0.01"), time_ns=ns("3 10:00")) == NO_BOUND
    assert notional_room_cash(allowed, usage, cash("0.01")) == NO_BOUND


def test_money_bounds_beside_the_share() -> None:
    allowed = plan(risk_cash=cash("7"))
    usage = begun(allowed)
    assert asked(allowed, usage, risk="7") == codes.ALLOWED
    assert asked(allowed, usage, risk="7.01") == codes.TRADE_RISK_CASH
    assert asked(allowed, usage, risk="10.01") == codes.TRADE_RISK
    assert risk_room_cash(allowed, usage, cash("1000"), time_ns=ns("3 10:00")) == cash("7")


def test_counts() -> None:
    allowed = plan(open_risk_share8=0, day_loss_share8=0, week_loss_share8=0)
    usage = begun(allowed)
    assert open_trade(usage, cash("10"), cash("500")) == 1
    assert asked(allowed, usage) == codes.ALLOWED
    assert open_trade(usage, cash("10"), cash("500")) == 2
    assert asked(allowed, usage) == codes.POSITIONS
    for _ in range(2):
        close_trade(
            allowed,
            usage,
            ns("3 09:30"),
            result_cash=cash("5"),
            risk_cash=cash("10"),
            notional_cash=cash("500"),
        )
    assert (usage[0].positions, usage[0].open_risk_cash, usage[0].open_notional_cash) == (0, 0, 0)
    open_trade(usage, cash("10"), cash("500"))
    assert asked(allowed, usage) == codes.DAY_TRADES
    assert refused_until_ns(allowed, usage, codes.DAY_TRADES) == ns("4 00:00")


def test_open_risk_and_leverage_count_what_is_open() -> None:
    allowed = plan(positions=0, day_loss_share8=0, week_loss_share8=0, day_trades=0)
    usage = begun(allowed)
    open_trade(usage, cash("10"), cash("1200"))
    open_trade(usage, cash("12.50"), cash("1300"))
    assert asked(allowed, usage, risk="7.50", notional="500") == codes.ALLOWED
    assert asked(allowed, usage, risk="7.50000001", notional="500") == codes.OPEN_RISK
    assert asked(allowed, usage, risk="7.50", notional="500.00000001") == codes.ACCOUNT_LEVERAGE
    assert risk_room_cash(allowed, usage, cash("1000"), time_ns=ns("3 10:00")) == cash("7.50")
    assert notional_room_cash(allowed, usage, cash("1000")) == cash("500")
    # the first stop goes to break-even and beyond: its risk is gone, no more than gone
    change_trade(
        usage,
        risk_cash=cash("10"),
        notional_cash=cash("1200"),
        new_risk_cash=cash("-4"),
        new_notional_cash=cash("1200"),
    )
    assert usage[0].open_risk_cash == cash("12.50")
    # equity falls until what is open is too much
    assert notional_room_cash(allowed, usage, cash("800")) == cash("-100")
    assert risk_room_cash(allowed, usage, cash("800"), time_ns=ns("3 10:00")) == 0


def test_what_is_open_counts_against_the_day() -> None:
    allowed = plan(open_risk_share8=0, positions=0, day_trades=0)
    usage = begun(allowed)
    open_trade(usage, cash("10"), cash("500"))
    # 12 are lost, 10 more at the open stop: 8 of the day's 30 are left
    assert asked(allowed, usage, risk="8", equity="988") == codes.ALLOWED
    assert asked(allowed, usage, risk="8.00000001", equity="988") == codes.DAY_ROOM
    assert risk_room_cash(allowed, usage, cash("988"), time_ns=ns("3 10:00")) == cash("8")
    assert refused_until_ns(allowed, usage, codes.DAY_ROOM) == ns("4 00:00")


def test_what_is_open_counts_against_the_week() -> None:
    allowed = plan(open_risk_share8=0, positions=0, day_trades=0)
    usage = begun(allowed)
    watch(allowed, usage, ns("4 00:00"), equity_cash=cash("955"))
    open_trade(usage, cash("9"), cash("500"))
    assert asked(allowed, usage, risk="6", equity="955", when="4 08:00") == codes.ALLOWED
    assert asked(allowed, usage, risk="6.00000001", equity="955", when="4 08:00") == codes.WEEK_ROOM
    assert refused_until_ns(allowed, usage, codes.WEEK_ROOM) == ns("9 00:00")


# -- locks and pauses


def test_a_loss_lock_counts_what_is_open_and_stays() -> None:
    allowed = plan()
    usage = begun(allowed)
    watch(allowed, usage, ns("3 11:00"), equity_cash=cash("970.00000001"))
    assert usage[0].day_locked == 0
    watch(allowed, usage, ns("3 11:01"), equity_cash=cash("970"))
    watch(allowed, usage, ns("3 11:02"), equity_cash=cash("1050"))
    assert asked(allowed, usage, equity="1050", when="3 12:00") == codes.DAY_LOSS
    assert risk_room_cash(allowed, usage, cash("1050"), time_ns=ns("3 12:00")) == 0
    assert refused_until_ns(allowed, usage, codes.DAY_LOSS) == ns("4 00:00")


def test_the_share_of_an_odd_start_is_exact() -> None:
    """A third of 1.00000001 kept is 0.67...: locked at 0.67000000, not at 0.67000001."""
    allowed = [AllowedRow(day_loss_share8=share("33%"))]
    for equity, locked in [("0.67000001", 0), ("0.67000000", 1)]:
        usage = begun(allowed, equity="1.00000001")
        watch(allowed, usage, ns("3 11:00"), equity_cash=cash(equity))
        assert usage[0].day_locked == locked


def test_the_room_of_an_odd_start_is_exact() -> None:
    """67 % of 1.00000001 is 0.6700000067: from 0.70000000 the most that may go is 0.02999999."""
    allowed = [AllowedRow(day_loss_share8=share("33%"))]
    usage = begun(allowed, equity="1.00000001")
    assert risk_room_cash(allowed, usage, cash("0.7"), time_ns=ns("3 10:00")) == cash("0.02999999")


def test_further_losses_of_a_row_pause_as_long() -> None:
    allowed = plan(streak_cool_ns=5 * MINUTE)
    usage = begun(allowed)
    ends = []
    for minute in (0, 20, 40):
        when = ns("3 10:00") + minute * MINUTE
        close_trade(allowed, usage, when, result_cash=-1, risk_cash=0, notional_cash=0)
        ends.append((usage[0].cool_until_ns - when) // MINUTE)
    assert ends == [10, 10, 10]  # the row's pause is shorter here: the longer one counts
    allowed[0].streak_cool_ns = 60 * MINUTE
    close_trade(allowed, usage, ns("3 11:00"), result_cash=-1, risk_cash=0, notional_cash=0)
    assert (usage[0].losses, usage[0].cool_until_ns) == (4, ns("3 12:00"))


def test_a_profit_locked_in_pays_for_no_other_trade() -> None:
    usage = begun(plan())
    open_trade(usage, cash("10"), cash("500"))
    open_trade(usage, cash("-25"), cash("500"))
    assert usage[0].open_risk_cash == cash("10")


def test_pauses_after_losses() -> None:
    allowed = plan(day_loss_share8=0, week_loss_share8=0, day_trades=0)
    usage = begun(allowed)

    def closed(when: str, result: str) -> int:
        open_trade(usage, cash("10"), cash("500"))
        return close_trade(
            allowed,
            usage,
            ns(when),
            result_cash=cash(result),
            risk_cash=cash("10"),
            notional_cash=cash("500"),
        )

    assert closed("3 10:00", "-10") == 1
    assert asked(allowed, usage, when="3 10:09") == codes.COOL_DOWN
    assert refused_until_ns(allowed, usage, codes.COOL_DOWN) == ns("3 10:10")
    assert asked(allowed, usage, when="3 10:10") == codes.ALLOWED
    assert closed("3 10:20", "0") == 1  # neither: the row goes on, no pause begins
    assert asked(allowed, usage, when="3 10:20") == codes.ALLOWED
    assert closed("3 10:30", "-0.01") == 2
    assert asked(allowed, usage, when="3 11:29") == codes.COOL_DOWN
    assert closed("3 10:40", "25") == 0  # a gain ends the row, not the pause
    assert asked(allowed, usage, when="3 11:29") == codes.COOL_DOWN
    assert asked(allowed, usage, when="3 11:30") == codes.ALLOWED
    assert usage[0].last_loss_ns == ns("3 10:30")


def test_a_pause_never_ends_earlier_than_it_was() -> None:
    allowed = plan(streak_losses=0)
    usage = begun(allowed)
    usage[0].cool_until_ns = ns("3 20:00")
    close_trade(allowed, usage, ns("3 10:00"), result_cash=-1, risk_cash=0, notional_cash=0)
    assert usage[0].cool_until_ns == ns("3 20:00")


def test_an_endless_pause_fits() -> None:
    allowed = [AllowedRow(cool_ns=INT64_MAX)]
    usage = begun(allowed)
    close_trade(allowed, usage, ns("3 10:00"), result_cash=-1, risk_cash=0, notional_cash=0)
    assert usage[0].cool_until_ns == INT64_MAX


def test_locked_by_hand() -> None:
    allowed = plan()
    usage = begun(allowed)
    lock_until(usage, ns("3 15:00"))
    assert lock_until(usage, ns("3 12:00")) == ns("3 15:00")
    assert asked(allowed, usage, when="3 14:59") == codes.LOCKED
    assert refused_until_ns(allowed, usage, codes.LOCKED) == ns("3 15:00")
    assert asked(allowed, usage, when="3 15:00") == codes.ALLOWED


def test_what_time_does_not_help() -> None:
    allowed = plan()
    usage = begun(allowed)
    for code in (codes.ALLOWED, codes.POSITIONS, codes.TRADE_RISK, codes.OPEN_RISK, codes.ACCOUNT_LEVERAGE):
        assert refused_until_ns(allowed, usage, code) == 0


def test_the_unlock_time_is_the_traders() -> None:
    allowed = plan(day_offset_ns=2 * HOUR)
    usage = begun(allowed)
    assert refused_until_ns(allowed, usage, codes.DAY_LOSS) == ns("3 22:00")
    assert refused_until_ns(allowed, usage, codes.WEEK_LOSS) == ns("8 22:00")


# -- transfers


def test_a_withdrawal_is_no_loss() -> None:
    allowed = plan()
    usage = begun(allowed)
    watch(allowed, usage, ns("3 10:00"), equity_cash=cash("980"))
    transfer_starts(usage, cash("980"), cash("-882"))
    watch(allowed, usage, ns("3 10:01"), equity_cash=cash("98"))
    assert (usage[0].day_start_cash, usage[0].day_locked) == (cash("100"), 0)  # still 2 % lost
    watch(allowed, usage, ns("3 10:02"), equity_cash=cash("97"))
    assert usage[0].day_locked == 1


def test_a_deposit_is_no_gain() -> None:
    """2 % are lost; the deposit leaves 1 % of the day, of ten times the money."""
    allowed = plan(risk_share8=0)
    usage = begun(allowed)
    transfer_starts(usage, cash("980"), cash("8820"))
    assert usage[0].day_start_cash == cash("10000")
    assert risk_room_cash(allowed, usage, cash("9800"), time_ns=ns("3 10:00")) == cash("100")


def test_a_transfer_is_rounded_away_from_a_lock() -> None:
    """1/3 of a start of 1: 0.33333333, so that what was not locked is not now."""
    usage = begun(plan(), equity="1")
    assert transfer_starts(usage, cash("0.99"), cash("-0.66")) == cash("0.33333333")


def test_a_deposit_unlocks_nothing() -> None:
    allowed = plan()
    usage = begun(allowed)
    watch(allowed, usage, ns("3 10:00"), equity_cash=cash("960"))
    transfer_starts(usage, cash("960"), cash("5000"))
    assert asked(allowed, usage, equity="5960") == codes.DAY_LOSS


@pytest.mark.parametrize(("before", "amount", "start"), [("0", "200", "200"), ("500", "-500", "0")])
def test_an_empty_account_starts_afresh(before: str, amount: str, start: str) -> None:
    allowed = plan()
    usage = begun(allowed, equity=before)
    assert transfer_starts(usage, cash(before), cash(amount)) == cash(start)
    assert usage[0].week_start_cash == cash(start)


def test_a_start_too_large_to_move_starts_afresh() -> None:
    usage = begun(plan(), equity="1000")
    assert transfer_starts(usage, 1, cash("1000")) == cash("1000") + 1
