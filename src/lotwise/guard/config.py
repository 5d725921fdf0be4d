"""The rulebook as a person writes it: the ``[guard]`` table of a TOML file, read into a Rulebook.

::

    [guard]
    time_zone = "Europe/Berlin"       # your day and your week; UTC unless given
    risk = "1%"                       # of equity, at the stop of one trade
    risk_money = "20"                 # the same in money; both may be set
    open_risk = "3%"                  # all stops together
    correlated_risk = "2%"            # the same, by how much they move together
    day_loss = "3%"
    week_loss = "6%"
    trades_a_day = 5
    positions = 3
    cool_down = "15min"               # after a loss
    streak = {losses = 3, pause = "2h"}
    account_leverage = "3"            # all that is open, in equities
    order_leverage = "10"             # the setting at the venue
    margin = "50%"                    # of equity
    liquidation = "1.5"               # beyond the stop, in stop distances
    chase = "2"                       # from the mean, in average true ranges
    btc_refuse = "25%"                # health of BTC
    btc_reduce = "60%"
    funding = "0.05%"                 # of the notional, the next one
    funding_within = "1h"             # only where it is so near
    spread = "10%"                    # of the distance to the stop
    depth = "20"                      # what rests, in orders
    market_age = "10s"
    facts_age = "30d"
    contracts = ["binance:BTCUSDT"]
    blackouts = [{from = "2026-12-10T13:00Z", until = "2026-12-10T13:45Z", name = "CPI"}]
    band = "0.1%"                     # an approval holds so near the entry
    valid = "5s"                      # and for so long

A key that is left out is a bound that is not set, and its rule does not ask (``band`` and ``valid`` have
the values above). Shares carry ``%`` or ``bp``: a bare 1 might be 1 % or all.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

import msgspec

from lotwise.errors import InputError
from lotwise.guard import values
from lotwise.guard.facts import Blackout, Rulebook
from lotwise.guard.words import SECOND_NS
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.kernel.limits import DAYS_A_WEEK
from lotwise.units import shown

Reader = Callable[[object, str], int]

IN_ALLOWED: Final[dict[str, tuple[str, Reader]]] = {
    "risk": ("risk_share8", values.share),
    "risk_money": ("risk_cash", values.money),
    "open_risk": ("open_risk_share8", values.share),
    "day_loss": ("day_loss_share8", values.share),
    "week_loss": ("week_loss_share8", values.share),
    "trades_a_day": ("day_trades", values.count),
    "positions": ("positions", values.count),
    "cool_down": ("cool_ns", values.span),
    "account_leverage": ("leverage100", values.times100),
}
"""Key to the field of the AllowedRow, and how it is read."""
IN_BOOK: Final[dict[str, tuple[str, Reader]]] = {
    "correlated_risk": ("correlated_risk_share8", values.share),
    "order_leverage": ("max_leverage100", values.leverage),
    "margin": ("margin_share8", values.share),
    "liquidation": ("liquidation_multiple8", values.at_least_once),
    "chase": ("chase_atr8", values.times),
    "btc_refuse": ("btc_refuse8", values.share),
    "btc_reduce": ("btc_reduce8", values.share),
    "funding": ("funding8", values.share),
    "funding_within": ("funding_within_ns", values.span),
    "spread": ("spread_share8", values.share),
    "depth": ("depth_multiple8", values.times),
    "market_age": ("market_age_ns", values.span),
    "facts_age": ("facts_age_ns", values.span),
    "band": ("band_share8", values.share),
    "valid": ("valid_ns", values.span),
}
"""Key to the field of the Rulebook."""
KEYS: Final = (*IN_ALLOWED, *IN_BOOK, "streak", "time_zone", "contracts", "blackouts")

SMALL_ACCOUNT: Final[Mapping[str, object]] = {
    "risk": "1%",  # ten losses in a row cost 9.6 %
    "open_risk": "3%",  # three trades at full risk
    "correlated_risk": "2%",  # of those that move as one, two
    "day_loss": "3%",  # three losses of 1 %
    "week_loss": "6%",  # two such days
    "trades_a_day": 6,  # at most 0.6 % of what is traded in fees, at 0.05 % each way
    "positions": 3,  # as many as one can watch
    "cool_down": "15min",
    "streak": {"losses": 3, "pause": "4h"},
    "account_leverage": "3",  # a gap of 5 % takes 15 %
    "order_leverage": "10",  # liquidation about 10 % away
    "margin": "50%",  # half of the account stays free
    "liquidation": "1.5",  # as `lotwise size` has it
    "market_age": "10s",
    "facts_age": "30d",
}
"""What a small account begins with. It asks for no fact but prices' and facts' ages and margin tiers."""


class GuardConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A rulebook and the time zone its days are of."""

    book: Rulebook
    time_zone: str

    def rulebook_at(self, now_ns: int) -> Rulebook:
        """The rulebook for a moment: with the clock of the zone at it, and the ends of its day and week.

        The kernel's days have one offset. So it is looked up for every moment anew: the day of a moment is
        then the date on the trader's wall, also on days of 23 or 25 hours. When such a day ends is no matter
        of that offset (the clock may be changed in between), so the next midnight and the next Monday are
        looked up too.
        """
        zone = values.zone_of(self.time_zone)
        local = datetime.fromtimestamp(now_ns // SECOND_NS, tz=zone)
        today = local.date()
        monday = today + timedelta(days=DAYS_A_WEEK - today.weekday())
        allowed = AllowedRow(**dict(zip(AllowedRow.__slots__, self.book.allowed.values(), strict=True)))
        allowed.day_offset_ns = (local.utcoffset() or timedelta()) // timedelta(seconds=1) * SECOND_NS
        return msgspec.structs.replace(
            self.book,
            allowed=allowed,
            day_ends_ns=midnight_ns(today + timedelta(days=1), zone),
            week_ends_ns=midnight_ns(monday, zone),
        )


def midnight_ns(day: date, zone: tzinfo) -> int:
    """The first instant of a day in a zone.

    A midnight that the clock passes twice is the first one; one that is left out (the clock goes from
    23:59 to 1:00) is the instant of the change.
    """
    begins = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (begins.astimezone(UTC) - datetime.fromtimestamp(0, tz=UTC)) // timedelta(seconds=1) * SECOND_NS


def read_guard(table: object) -> GuardConfig:
    """Read the ``[guard]`` table of a configuration.

    Parameters
    ----------
    table
        What TOML gives: text, whole numbers, lists and tables. Amounts and shares are text.

    Raises
    ------
    InputError
        GUARD-201 no table; 202 an unknown key; 203 a share; 204 an amount of money; 205 a count; 206 a
        multiple; 207 a span of time; 208 a time zone; 209 a blackout; 210 the list of contracts; 211 two
        bounds that contradict each other; 212 a streak.

    Examples
    --------
    >>> read_guard({"risk": "1%", "cool_down": "15min"}).book.allowed.cool_ns
    900000000000
    """
    given = _table(table, "[guard]", KEYS)
    allowed = {field: read(given[key], key) for key, (field, read) in IN_ALLOWED.items() if key in given}
    if "streak" in given:
        allowed["streak_losses"], allowed["streak_cool_ns"] = _streak(given["streak"])
    fields: dict[str, Any] = {
        field: read(given[key], key) for key, (field, read) in IN_BOOK.items() if key in given
    }
    fields["contracts"] = values.contracts(given.get("contracts", []), "contracts")
    fields["blackouts"] = _blackouts(given.get("blackouts", []))
    zone = values.zone_name(given.get("time_zone", "UTC"), "time_zone")
    book = Rulebook(allowed=AllowedRow(**allowed), **fields)
    _check_together(given, book)
    return GuardConfig(book=book, time_zone=zone)


def small_account_rulebook() -> Rulebook:
    """What a small account begins with, days in UTC: :data:`SMALL_ACCOUNT`.

    For a zone, or with bounds of your own: ``read_guard({**SMALL_ACCOUNT, "time_zone": "Europe/Berlin"})``.

    >>> small_account_rulebook().allowed.day_trades
    6
    """
    return read_guard(SMALL_ACCOUNT).book


def _table(value: object, name: str, keys: tuple[str, ...]) -> Mapping[str, object]:
    """A table with known keys only."""
    if not isinstance(value, Mapping):
        raise InputError("GUARD-201", f"{name} is {shown(value)}: not a table", f"write {name} as a table")
    for key in value:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(keys)}"
            raise InputError("GUARD-202", f"{name} has an unknown key {shown(key)}", hint)
    return value


def _streak(value: object) -> tuple[int, int]:
    """How many losses in a row, and the pause after them."""
    given = _table(value, "streak", ("losses", "pause"))
    if len(given) < 2:
        raise InputError(
            "GUARD-212", f"streak is {shown(dict(given))}", 'write streak = {losses = 3, pause = "2h"}'
        )
    return values.count(given["losses"], "streak.losses"), values.span(given["pause"], "streak.pause")


def _blackouts(value: object) -> tuple[Blackout, ...]:
    """The calendar, the earliest first."""
    hint = 'write {from = "2026-12-10T13:00Z", until = "2026-12-10T13:45Z", name = "CPI"}'
    if not isinstance(value, (list, tuple)):
        raise InputError("GUARD-209", f"blackouts is {shown(value)}: not a list", f"in a list, {hint}")
    found = []
    for number, item in enumerate(value, 1):
        label = f"blackouts {number}"
        given = _table(item, label, ("from", "until", "name"))
        if len(given) < 3 or not isinstance(given["name"], str) or not given["name"].strip():
            raise InputError("GUARD-209", f"{label} is {shown(dict(given))}: something is missing", hint)
        first = values.instant(given["from"], f"{label}: from")
        last = values.instant(given["until"], f"{label}: until")
        if first >= last:
            when = f"from {shown(given['from'])} until {shown(given['until'])}"
            raise InputError("GUARD-209", f"{label} is {when}: it ends before it begins", "turn them round")
        found.append(Blackout(from_ns=first, until_ns=last, name=given["name"].strip()))
    return tuple(sorted(found, key=lambda black: black.from_ns))


def _check_together(given: Mapping[str, object], book: Rulebook) -> None:
    """Bounds that make no sense beside each other: a rule that was wanted and would never act."""
    allowed = book.allowed

    def contradicts(what: str, hint: str) -> InputError:
        return InputError("GUARD-211", what, hint)

    if book.btc_reduce8 and book.btc_refuse8 >= book.btc_reduce8:
        raise contradicts(
            f"btc_refuse is {given['btc_refuse']} and btc_reduce {given['btc_reduce']}: all that would be"
            " made smaller is refused",
            "give btc_reduce above btc_refuse",
        )
    if book.btc_reduce8 and not (allowed.risk_share8 or allowed.risk_cash):
        raise contradicts(
            f"btc_reduce is {given['btc_reduce']} and neither risk nor risk_money is set: nothing to make"
            " smaller",
            'give risk, e.g. risk = "1%"',
        )
    if book.funding_within_ns and not book.funding8:
        raise contradicts(
            f"funding_within is {given['funding_within']} and funding is not set",
            'give funding, e.g. funding = "0.05%"',
        )
    if 0 < allowed.week_loss_share8 < allowed.day_loss_share8:
        raise contradicts(
            f"day_loss is {given['day_loss']} and week_loss {given['week_loss']}: the day's lock would never"
            " be reached",
            "give week_loss at least as large as day_loss",
        )
