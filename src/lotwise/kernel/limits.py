"""The trader's own limits: may this trade be opened, how much may it risk, when is it allowed again.

One set of rules for sweeps, guard and scaling. They judge *opening* trades only: a stop placed or
tightened, a reduction, a cancelled entry, a flattening is never a matter of limits, and a caller
must not ask them about one. Order of calls: :func:`watch` at every event with the equity of that
moment, then :func:`limit_refusal`, then :func:`open_trade`; :func:`close_trade` when the position
is flat.

Equity counts what open positions have gained or lost. Equality is allowed for a trade (it may lose
all that is left of the day) and locks for a loss (the day ends when exactly that much is gone).
Shares of equity are rounded down; the loss locks compare exactly.

Transfers are neither gain nor loss: :func:`transfer_starts` scales the starts of day and week with
the equity, so that the share lost so far stays what it was. Adding the amount instead would lock
an account for a withdrawal: 20 lost of 1,000 is 2 %, and of the 100 left after it 20 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lotwise.kernel.arith import INT64_MAX, OVERFLOW, mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import LEVERAGE, RATE
from lotwise.kernel.limit_codes import (
    ACCOUNT_LEVERAGE,
    ALLOWED,
    COOL_DOWN,
    DAY_LOSS,
    DAY_ROOM,
    DAY_TRADES,
    LOCKED,
    NO_EQUITY,
    NOT_ROLLED,
    OPEN_RISK,
    POSITIONS,
    TRADE_RISK,
    TRADE_RISK_CASH,
    WEEK_LOSS,
    WEEK_ROOM,
)
from lotwise.rule import rule
from lotwise.units import MAX_CASH, Cash

if TYPE_CHECKING:
    from lotwise.kernel.limit_rows import Allowed, Usage

NO_BOUND: Final = INT64_MAX
"""A room without end: no limit of that kind is set."""
DAY_NS: Final = 86_400_000_000_000
DAYS_A_WEEK: Final = 7
DAYS_BEFORE: Final = 3
"""Days from a Monday to 1970-01-01, a Thursday."""
SAME_DAY: Final = 0
NEW_DAY: Final = 1
NEW_WEEK: Final = 2


# -- days and weeks


@rule
def day_of(time_ns: int, day_offset_ns: int) -> int:
    """The trader's day, counted from 1970-01-01 of the trader's clock."""
    return (time_ns + day_offset_ns) // DAY_NS


@rule
def week_of(day: int) -> int:
    """The week of a day, from Monday on; week 0 began on 1969-12-29.

    >>> week_of(3), week_of(4)
    (0, 1)
    """
    return (day + DAYS_BEFORE) // DAYS_A_WEEK


@rule
def day_begins_ns(day: int, day_offset_ns: int) -> int:
    """The instant a trader's day begins, ns UTC."""
    return day * DAY_NS - day_offset_ns


@rule
def roll(allowed: Allowed, usage: Usage, time_ns: int, equity_cash: Cash) -> int:
    """Begin a new day or week where ``time_ns`` lies in one: SAME_DAY, NEW_DAY or NEW_WEEK.

    The equity of this call is the start that losses are counted from. Days only move on: a clock
    or an offset set back does not begin an old day again and clears no lock.
    """
    day = day_of(time_ns, allowed[0].day_offset_ns)
    week = week_of(day)
    if usage[0].started and day <= usage[0].day:
        return SAME_DAY
    new_week = usage[0].started == 0 or week > usage[0].week
    usage[0].started = 1
    usage[0].day = day
    usage[0].day_start_cash = equity_cash
    usage[0].day_trades = 0
    usage[0].day_locked = 0
    if not new_week:
        return NEW_DAY
    usage[0].week = week
    usage[0].week_start_cash = equity_cash
    usage[0].week_locked = 0
    return NEW_WEEK


# -- loss locks


@rule
def is_lost(start_cash: int, share8: int, equity_cash: int) -> int:
    """1 where equity <= start * (1 - share); a share of 0 or a start of nothing never is."""
    if share8 == 0 or start_cash <= 0:
        return 0
    return 1 if equity_cash <= mul_div_floor(start_cash, max(0, RATE - share8), RATE) else 0


@rule
def loss_room(start_cash: int, share8: int, standing_cash: int) -> Cash:
    """What may still be lost before less than start * (1 - share) is left, or NO_BOUND."""
    if share8 == 0 or start_cash <= 0:
        return Cash(NO_BOUND)
    return Cash(standing_cash - mul_div_ceil(start_cash, max(0, RATE - share8), RATE))


@rule
def watch(allowed: Allowed, usage: Usage, time_ns: int, equity_cash: Cash) -> int:
    """Take note of the time and the equity, open positions included: begins days, sets loss locks.

    A lock stays to the end of its day or week, also where equity recovers. Returns what
    :func:`roll` returns.
    """
    turned = roll(allowed, usage, time_ns, equity_cash=equity_cash)
    if is_lost(usage[0].day_start_cash, allowed[0].day_loss_share8, equity_cash):
        usage[0].day_locked = 1
    if is_lost(usage[0].week_start_cash, allowed[0].week_loss_share8, equity_cash):
        usage[0].week_locked = 1
    return turned


@rule
def lock_until(usage: Usage, until_ns: int) -> int:
    """Lock by hand; a lock is never shortened. Returns when it ends."""
    usage[0].locked_until_ns = max(usage[0].locked_until_ns, until_ns)
    return usage[0].locked_until_ns


# -- transfers


@rule
def rebased_floor(baseline_cash: int, before_cash: int, after_cash: int) -> Cash:
    """A baseline moved along with a transfer: baseline * after / before.

    Where nothing was there before or is left after, or the answer is beyond the money counted here
    (1e18), counting starts afresh at what is there after.
    """
    if before_cash <= 0 or after_cash <= 0:
        return Cash(max(0, after_cash))
    moved = mul_div_floor(baseline_cash, after_cash, before_cash)
    return Cash(after_cash if moved == OVERFLOW or moved > MAX_CASH else moved)


@rule
def transfer_starts(usage: Usage, equity_cash: Cash, amount_cash: Cash) -> Cash:
    """A deposit (> 0) or withdrawal (< 0); ``equity_cash`` is the equity just before it.

    Rounded down, so that a transfer never locks an account that was not. Returns the start of day.
    """
    after = equity_cash + amount_cash
    usage[0].day_start_cash = rebased_floor(usage[0].day_start_cash, equity_cash, after)
    usage[0].week_start_cash = rebased_floor(usage[0].week_start_cash, equity_cash, after)
    return Cash(usage[0].day_start_cash)


# -- what has happened


@rule
def open_trade(usage: Usage, risk_cash: Cash, notional_cash: Cash) -> int:
    """A trade was opened: what it loses at its stop, and its notional. Returns the trades of today.

    A stop that locks in a profit risks 0; it does not pay for the risk of others.
    """
    usage[0].day_trades += 1
    usage[0].positions += 1
    usage[0].open_risk_cash += max(0, risk_cash)
    usage[0].open_notional_cash += notional_cash
    return usage[0].day_trades


@rule
def change_trade(
    usage: Usage, risk_cash: Cash, notional_cash: Cash, new_risk_cash: Cash, new_notional_cash: Cash
) -> Cash:
    """An open trade's risk or notional became another: a moved stop, a further entry, a part closed.

    Returns the open risk.
    """
    risk = usage[0].open_risk_cash - max(0, risk_cash) + max(0, new_risk_cash)
    notional = usage[0].open_notional_cash - notional_cash + new_notional_cash
    usage[0].open_risk_cash = max(0, risk)
    usage[0].open_notional_cash = max(0, notional)
    return Cash(usage[0].open_risk_cash)


@rule
def later_ns(time_ns: int, pause_ns: int) -> int:
    """``time_ns + pause_ns``, at most what fits 64 bits."""
    if time_ns > 0 and pause_ns > INT64_MAX - time_ns:
        return INT64_MAX
    return time_ns + pause_ns


@rule
def close_trade(
    allowed: Allowed, usage: Usage, time_ns: int, result_cash: Cash, risk_cash: Cash, notional_cash: Cash
) -> int:
    """A trade was closed: its result after all costs, and the risk and notional it last stood with.

    A loss begins the pause, the k-th in a row and every further one the longer pause; a running
    pause is never shortened. A gain ends the row. A result of exactly 0 is neither.
    Returns the losses in a row.
    """
    usage[0].positions = max(0, usage[0].positions - 1)
    usage[0].open_risk_cash = max(0, usage[0].open_risk_cash - max(0, risk_cash))
    usage[0].open_notional_cash = max(0, usage[0].open_notional_cash - notional_cash)
    if result_cash > 0:
        usage[0].losses = 0
    if result_cash < 0:
        usage[0].losses += 1
        usage[0].last_loss_ns = time_ns
        pause = allowed[0].cool_ns
        if 0 < allowed[0].streak_losses <= usage[0].losses:
            pause = max(pause, allowed[0].streak_cool_ns)
        usage[0].cool_until_ns = max(usage[0].cool_until_ns, later_ns(time_ns, pause))
    return usage[0].losses


# -- rooms


@rule
def share_bound(cash: int, share8: int) -> Cash:
    """A share of money, rounded down; NO_BOUND for a share of 0 or beyond 64 bits."""
    bound = mul_div_floor(max(0, cash), share8, RATE)
    return Cash(NO_BOUND if share8 == 0 or bound == OVERFLOW else bound)


@rule
def open_risk_room(allowed: Allowed, usage: Usage, equity_cash: Cash) -> Cash:
    """What a further trade may lose at its stop under the limit on open risk; may be below 0."""
    bound = share_bound(equity_cash, allowed[0].open_risk_share8)
    return Cash(bound if bound == NO_BOUND else bound - usage[0].open_risk_cash)


@rule
def notional_room_cash(allowed: Allowed, usage: Usage, equity_cash: Cash) -> Cash:
    """Notional of a further trade under the limit on leverage; below 0 where it is exceeded."""
    if allowed[0].leverage100 == 0:
        return Cash(NO_BOUND)
    bound = mul_div_floor(max(0, equity_cash), allowed[0].leverage100, LEVERAGE)
    return Cash(NO_BOUND if bound == OVERFLOW else bound - usage[0].open_notional_cash)


@rule
def day_room(allowed: Allowed, usage: Usage, equity_cash: Cash) -> Cash:
    """What a further trade may lose today if every open stop is hit as well; may be below 0."""
    standing = equity_cash - usage[0].open_risk_cash
    return loss_room(usage[0].day_start_cash, allowed[0].day_loss_share8, standing)


@rule
def week_room(allowed: Allowed, usage: Usage, equity_cash: Cash) -> Cash:
    """As :func:`day_room`, of the week."""
    standing = equity_cash - usage[0].open_risk_cash
    return loss_room(usage[0].week_start_cash, allowed[0].week_loss_share8, standing)


# -- the judgement


@rule
def standing_refusal(allowed: Allowed, usage: Usage, equity_cash: Cash, time_ns: int) -> int:
    """Why no trade of any size may be opened now, or ALLOWED.

    Loss locks are judged by this equity too, so that a forgotten :func:`watch` opens nothing.
    """
    caps, used = allowed[0], usage[0]
    if used.started == 0 or day_of(time_ns, caps.day_offset_ns) > used.day:
        return NOT_ROLLED
    if time_ns < used.locked_until_ns:
        return LOCKED
    if equity_cash <= 0:
        return NO_EQUITY
    if used.week_locked or is_lost(used.week_start_cash, caps.week_loss_share8, equity_cash):
        return WEEK_LOSS
    if used.day_locked or is_lost(used.day_start_cash, caps.day_loss_share8, equity_cash):
        return DAY_LOSS
    if time_ns < used.cool_until_ns:
        return COOL_DOWN
    if 0 < caps.day_trades <= used.day_trades:
        return DAY_TRADES
    if 0 < caps.positions <= used.positions:
        return POSITIONS
    return ALLOWED


@rule
def limit_refusal(
    allowed: Allowed, usage: Usage, risk_cash: Cash, notional_cash: Cash, equity_cash: Cash, time_ns: int
) -> int:
    """Why a trade may not be opened, or ALLOWED; :mod:`lotwise.kernel.limit_codes` has the order.

    Ask it about opening and enlarging only: what reduces risk is never refused by a limit. A ladder
    is one trade, asked once with the risk of all its entries; what is added to an open position
    later is asked as a trade of its own and booked by :func:`change_trade`.

    Parameters
    ----------
    risk_cash, notional_cash
        Loss of the trade at its stop with all costs, and its notional, at most 1e18 each.
    equity_cash
        Equity now, open positions included.
    """
    code = standing_refusal(allowed, usage, equity_cash, time_ns=time_ns)
    if code != ALLOWED:
        return code
    if risk_cash > share_bound(equity_cash, allowed[0].risk_share8):
        return TRADE_RISK
    if 0 < allowed[0].risk_cash < risk_cash:
        return TRADE_RISK_CASH
    if risk_cash > open_risk_room(allowed, usage, equity_cash):
        return OPEN_RISK
    if risk_cash > week_room(allowed, usage, equity_cash):
        return WEEK_ROOM
    if risk_cash > day_room(allowed, usage, equity_cash):
        return DAY_ROOM
    if notional_cash > notional_room_cash(allowed, usage, equity_cash):
        return ACCOUNT_LEVERAGE
    return ALLOWED


@rule
def risk_room_cash(allowed: Allowed, usage: Usage, equity_cash: Cash, time_ns: int) -> Cash:
    """The most that a trade opened now may lose at its stop: 0 where none may be, NO_BOUND without limits.

    Where it is above 0, :func:`limit_refusal` allows exactly so much risk, and not 1e-8 more.
    """
    if standing_refusal(allowed, usage, equity_cash, time_ns=time_ns) != ALLOWED:
        return Cash(0)
    if notional_room_cash(allowed, usage, equity_cash) <= 0:
        return Cash(0)
    room = share_bound(equity_cash, allowed[0].risk_share8)
    if allowed[0].risk_cash:
        room = Cash(min(room, allowed[0].risk_cash))
    room = Cash(min(room, open_risk_room(allowed, usage, equity_cash)))
    room = Cash(min(room, week_room(allowed, usage, equity_cash)))
    return Cash(max(0, min(room, day_room(allowed, usage, equity_cash))))


@rule
def refused_until_ns(allowed: Allowed, usage: Usage, code: int) -> int:
    """When the limit that refused with ``code`` ends by itself, ns UTC; 0 where time does not help."""
    if code == LOCKED:
        return usage[0].locked_until_ns
    if code == COOL_DOWN:
        return usage[0].cool_until_ns
    if code in (DAY_LOSS, DAY_TRADES, DAY_ROOM):
        return day_begins_ns(usage[0].day + 1, allowed[0].day_offset_ns)
    if code in (WEEK_LOSS, WEEK_ROOM):
        monday = (usage[0].week + 1) * DAYS_A_WEEK - DAYS_BEFORE
        return day_begins_ns(monday, allowed[0].day_offset_ns)
    return 0
