"""The rulebook's file: every key to its field, every slip to a coded error, days on clocks that change."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lotwise.errors import InputError
from lotwise.guard import config, values
from lotwise.guard.config import KEYS, SMALL_ACCOUNT, read_guard, small_account_rulebook
from lotwise.guard.facts import Blackout, Rulebook
from lotwise.guard.rulebook import RULES
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.kernel.limits import day_begins_ns, day_of
from tools.rule_pages import ns

SECOND = 10**9
HOUR = 3_600 * SECOND


def the_table_of_the_docstring() -> dict[str, Any]:
    """The example in the module's own words."""
    lines = [
        line.removeprefix("    ") for line in (config.__doc__ or "").splitlines() if line.startswith("    ")
    ]
    found: dict[str, Any] = tomllib.loads("\n".join(lines))["guard"]
    return found


def test_every_key_of_the_example_is_read() -> None:
    given = the_table_of_the_docstring()
    assert set(given) == set(KEYS)
    found = read_guard(given)
    assert found.time_zone == "Europe/Berlin"
    allowed = AllowedRow(
        cool_ns=15 * 60 * SECOND,
        day_loss_share8=3_000_000,
        day_trades=5,
        leverage100=300,
        open_risk_share8=3_000_000,
        positions=3,
        risk_cash=20 * 10**8,
        risk_share8=1_000_000,
        streak_cool_ns=2 * HOUR,
        streak_losses=3,
        week_loss_share8=6_000_000,
    )
    cpi = Blackout(from_ns=ns("2026-12-10T13:00Z"), until_ns=ns("2026-12-10T13:45Z"), name="CPI")
    expected: dict[str, Any] = {
        "correlated_risk_share8": 2_000_000,
        "max_leverage100": 1_000,
        "margin_share8": 50_000_000,
        "liquidation_multiple8": 150_000_000,
        "chase_atr8": 200_000_000,
        "btc_refuse8": 25_000_000,
        "btc_reduce8": 60_000_000,
        "funding8": 50_000,
        "funding_within_ns": HOUR,
        "spread_share8": 10_000_000,
        "depth_multiple8": 2_000_000_000,
        "market_age_ns": 10 * SECOND,
        "facts_age_ns": 30 * 24 * HOUR,
        "blackouts": (cpi,),
        "contracts": ("binance:BTCUSDT",),
        "band_share8": 100_000,
        "valid_ns": 5 * SECOND,
    }
    assert found.book == Rulebook(allowed=allowed, **expected)


def test_an_empty_table_sets_nothing() -> None:
    assert read_guard({}).book == Rulebook(allowed=AllowedRow())
    assert read_guard({"band": "0.1%", "valid": "5s"}).book == read_guard({}).book, "as the docstring says"


def test_every_key_belongs_to_a_rule_or_to_the_approval() -> None:
    of_rules = {key for rule in RULES for key in rule.keys}
    assert of_rules | {"band", "valid"} == set(KEYS)


def test_the_small_account() -> None:
    book = small_account_rulebook()
    assert book == read_guard(SMALL_ACCOUNT).book
    assert (book.allowed.risk_share8, book.allowed.day_trades, book.allowed.leverage100) == (
        1_000_000,
        6,
        300,
    )
    assert book.contracts == book.blackouts == ()
    own = read_guard({**SMALL_ACCOUNT, "risk": "0.5%", "time_zone": "Europe/Berlin"})
    assert (own.book.allowed.risk_share8, own.time_zone) == (500_000, "Europe/Berlin")


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("risk", "50bp", 500_000),
        ("risk", " 1 % ", 1_000_000),
        ("risk", "100%", 100_000_000),
        ("risk_money", 20, 2_000_000_000),
        ("risk_money", "0.00000001", 1),
        ("account_leverage", "2.5x", 250),
        ("account_leverage", 3, 300),
        ("account_leverage", "0.5", 50),
        ("account_leverage", "0.01", 1),
        ("account_leverage", "1000", 100_000),
        ("positions", 1, 1),
        ("positions", 1_000, 1_000),
        ("cool_down", "1h30min", 90 * 60 * SECOND),
        ("cool_down", "1h 30min", 90 * 60 * SECOND),
        ("cool_down", "1s", SECOND),
        ("cool_down", "366d", 366 * 24 * HOUR),
    ],
)
def test_values_as_people_write_them(key: str, value: object, field: int) -> None:
    name = config.IN_ALLOWED[key][0]
    assert getattr(read_guard({key: value}).book.allowed, name) == field


@pytest.mark.parametrize(
    "value",
    [
        "2026-12-10T14:00+01:00",
        "2026-12-10 13:00:00Z",
        datetime(2026, 12, 10, 13, tzinfo=UTC),
        "20261210T130000Z",
    ],
)
def test_instants_have_a_zone(value: object) -> None:
    assert values.instant(value, "from") == ns("2026-12-10T13:00Z")


FINE = {"from": "2026-12-10T13:00Z", "until": "2026-12-10T13:45Z", "name": "CPI"}

WRONG: list[tuple[str, object, str, str]] = [
    ("GUARD-201", 5, "[guard] is 5: not a table", "table"),
    ("GUARD-201", {"streak": 3}, "streak is 3", "table"),
    ("GUARD-201", {"blackouts": ["CPI"]}, "blackouts 1 is 'CPI'", "table"),
    ("GUARD-202", {"rsk": "1%"}, "'rsk'", "did you mean risk?"),
    ("GUARD-202", {"max_day_loss": "1%"}, "'max_day_loss'", "did you mean day_loss?"),
    ("GUARD-202", {7: "1%"}, "7", "known: risk"),
    ("GUARD-202", {"streak": {"loses": 3, "pause": "2h"}}, "'loses'", "did you mean losses?"),
    ("GUARD-203", {"risk": "1"}, "risk is '1'", 'risk = "1%"'),
    ("GUARD-203", {"risk": 1}, "risk is 1", 'risk = "1%"'),
    ("GUARD-203", {"day_loss": 0.03}, "day_loss is 0.03", 'day_loss = "1%"'),
    ("GUARD-203", {"risk": "0%"}, "risk is '0%'", "leave it out"),
    ("GUARD-203", {"risk": "-1%"}, "risk is '-1%'", "above 0 %"),
    ("GUARD-203", {"risk": "101%"}, "risk is '101%'", "100 %"),
    ("GUARD-203", {"risk": "x%"}, "risk is 'x'", "digits"),
    ("GUARD-203", {"risk": "0.0000001%"}, "risk is '0.0000001'", "round"),
    ("GUARD-204", {"risk_money": 2.5}, "risk_money is 2.5", 'risk_money = "20"'),
    ("GUARD-204", {"risk_money": "-1"}, "risk_money is '-1'", "above 0"),
    ("GUARD-204", {"risk_money": "1e5"}, "risk_money is '1e5'", 'risk_money = "20"'),
    ("GUARD-204", {"risk_money": "0"}, "risk_money is '0'", "leave it out"),
    ("GUARD-205", {"positions": 1_001}, "positions is 1001", "to 1000"),
    ("GUARD-205", {"positions": True}, "positions is True", "whole number"),
    ("GUARD-205", {"positions": "3"}, "positions is '3'", "whole number"),
    ("GUARD-205", {"trades_a_day": 0}, "trades_a_day is 0", "leave it out"),
    ("GUARD-205", {"streak": {"losses": 0, "pause": "2h"}}, "streak.losses is 0", "whole number"),
    ("GUARD-206", {"chase": 2.5}, "chase is 2.5", 'chase = "2.5"'),
    ("GUARD-206", {"chase": "0"}, "chase is '0'", "above 0"),
    ("GUARD-206", {"account_leverage": "0"}, "account_leverage is '0'", "above 0"),
    ("GUARD-206", {"chase": 10**20}, "more than 12 whole digits", "keep chase below"),
    ("GUARD-206", {"account_leverage": "1001"}, "account_leverage is '1001'", "up to 1000"),
    ("GUARD-206", {"order_leverage": "0.5x"}, "order_leverage is '0.5x'", "below 1"),
    ("GUARD-206", {"liquidation": "0.9"}, "liquidation is '0.9'", "1 or more"),
    ("GUARD-206", {"depth": [1]}, "depth is [1]", "depth"),
    ("GUARD-207", {"cool_down": "15"}, "cool_down is '15'", '"15min"'),
    ("GUARD-207", {"cool_down": 15}, "cool_down is 15", '"15min"'),
    ("GUARD-207", {"valid": "0s"}, "valid is '0s'", "leave it out"),
    ("GUARD-207", {"facts_age": "367d"}, "facts_age is '367d'", "366 d"),
    ("GUARD-207", {"market_age": "1m"}, "market_age is '1m'", "min"),
    ("GUARD-208", {"time_zone": "berlin"}, "'berlin'", "did you mean Europe/Berlin?"),
    ("GUARD-208", {"time_zone": "utc"}, "'utc'", "did you mean UTC?"),
    ("GUARD-208", {"time_zone": "Europe"}, "'Europe'", ""),
    ("GUARD-208", {"time_zone": "../../etc"}, "'../../etc'", ""),
    ("GUARD-208", {"time_zone": "\0"}, "x00", ""),
    ("GUARD-208", {"time_zone": 1}, "time_zone is 1", "Europe/Berlin"),
    ("GUARD-209", {"blackouts": FINE}, "not a list", "in a list"),
    ("GUARD-209", {"blackouts": [{"from": "2026-12-10T13:00Z"}]}, "blackouts 1", "name"),
    ("GUARD-209", {"blackouts": [FINE, FINE | {"name": " "}]}, "blackouts 2", "name"),
    ("GUARD-209", {"blackouts": [FINE | {"from": "2026-12-10T13:00"}]}, "no time zone", "Z"),
    ("GUARD-209", {"blackouts": [FINE | {"from": "10.12.2026"}]}, "not an instant", "Z"),
    ("GUARD-209", {"blackouts": [FINE | {"until": date(2026, 12, 11)}]}, "not an instant", "Z"),
    ("GUARD-209", {"blackouts": [FINE | {"until": FINE["from"]}]}, "ends before it begins", "turn"),
    ("GUARD-209", {"blackouts": [FINE | {"until": "9999-12-31T23:59Z"}]}, "9999", "1971 to 2261"),
    ("GUARD-209", {"blackouts": [FINE | {"from": "0001-01-01T00:00+05:00"}]}, "0001", "1971 to 2261"),
    ("GUARD-210", {"contracts": "binance:BTCUSDT"}, "not a list", '["binance:BTCUSDT"]'),
    ("GUARD-210", {"contracts": ["BTCUSDT"]}, "'BTCUSDT'", "binance:BTCUSDT"),
    ("GUARD-210", {"contracts": [1]}, "1", "binance:BTCUSDT"),
    ("GUARD-211", {"risk": "1%", "btc_refuse": "60%", "btc_reduce": "60%"}, "60%", "above btc_refuse"),
    ("GUARD-211", {"btc_reduce": "60%"}, "nothing to make smaller", "risk"),
    ("GUARD-211", {"funding_within": "1h"}, "funding is not set", "funding"),
    ("GUARD-211", {"day_loss": "7%", "week_loss": "6%"}, "day_loss is 7% and week_loss 6%", "week_loss"),
    ("GUARD-212", {"streak": {"losses": 3}}, "{'losses': 3}", "pause"),
]


@pytest.mark.parametrize(
    ("code", "table", "said", "hint"), [pytest.param(*row, id=f"{row[0]}-{i}") for i, row in enumerate(WRONG)]
)
def test_what_cannot_be_used_is_refused(code: str, table: object, said: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        read_guard(table)
    assert caught.value.code == code
    assert said in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


def test_bounds_may_stand_at_their_edges() -> None:
    found = read_guard({"order_leverage": "1x", "liquidation": "1", "day_loss": "6%", "week_loss": "6%"}).book
    assert (found.max_leverage100, found.liquidation_multiple8) == (100, 100_000_000)
    assert found.allowed.day_loss_share8 == found.allowed.week_loss_share8


def test_every_code_is_met() -> None:
    assert {row[0] for row in WRONG} == {f"GUARD-{number}" for number in range(201, 213)}


def test_a_machine_without_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_found(name: str) -> ZoneInfo:
        raise values.zoneinfo.ZoneInfoNotFoundError(name)

    values.zone_of.cache_clear()
    monkeypatch.setattr(values.zoneinfo, "ZoneInfo", none_found)
    monkeypatch.setattr(values.zoneinfo, "available_timezones", set)
    with pytest.raises(InputError) as caught:
        read_guard({"time_zone": "Europe/Berlin"})
    assert (caught.value.code, "tzdata" in caught.value.hint) == ("GUARD-208", True)
    assert read_guard({"time_zone": "UTC"}).rulebook_at(0).day_ends_ns == 24 * HOUR
    values.zone_of.cache_clear()


# -- days and weeks on clocks that are changed

CHANGES = [
    ("Europe/Berlin", "2026-03-29"),  # 23 hours
    ("Europe/Berlin", "2026-10-25"),  # 25 hours
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),  # half an hour
    ("America/Sao_Paulo", "2018-11-04"),  # midnight itself is left out
    ("America/Havana", "2026-11-01"),  # 0:00 to 1:00 twice
    ("Asia/Kolkata", "2026-06-01"),
    ("UTC", "2026-03-29"),
]


@pytest.mark.parametrize(("name", "day"), CHANGES)
def test_the_day_is_the_date_on_the_wall(name: str, day: str) -> None:
    """Every quarter of an hour of nine days around a change, against the wall clock alone."""
    zone, guard = ZoneInfo(name), read_guard({"time_zone": name, "day_loss": "3%"})
    start = datetime.fromisoformat(f"{day}T00:00+00:00") - timedelta(days=4)
    stamps = [int(start.timestamp()) + quarter * 900 for quarter in range(9 * 96)]
    walls = [datetime.fromtimestamp(stamp, tz=zone).date() for stamp in stamps]
    epoch = date(1970, 1, 1)
    lengths = set()
    for index, (stamp, wall) in enumerate(zip(stamps, walls, strict=True)):
        book = guard.rulebook_at(stamp * SECOND + 1)
        assert day_of(stamp * SECOND + 1, book.allowed.day_offset_ns) == (wall - epoch).days
        later = next((stamps[i] for i in range(index, len(stamps)) if walls[i] > wall), None)
        if later is not None:
            assert book.day_ends_ns == later * SECOND
        monday = next(
            (stamps[i] for i in range(index, len(stamps)) if walls[i] > wall and walls[i].weekday() == 0),
            None,
        )
        if monday is not None:
            assert book.week_ends_ns == monday * SECOND
        begun = next((i for i in range(index, -1, -1) if walls[i] < wall), None)
        if begun is not None and later is not None:
            lengths.add((later - stamps[begun + 1]) / 3_600)
    changed = {"2026-03-29": 23, "2026-10-25": 25, "2026-11-01": 25, "2026-04-05": 24.5, "2018-11-04": 23}
    expected = {24.0} | ({changed[day]} if day in changed and name not in ("UTC",) else set())
    assert lengths == expected, "the change was not met"


def test_a_book_for_a_moment_leaves_the_other_as_it_was() -> None:
    guard = read_guard({"time_zone": "Europe/Berlin", "risk": "1%"})
    before = guard.book.allowed.values()
    book = guard.rulebook_at(ns("2026-12-10T13:00Z"))
    assert guard.book.allowed.values() == before
    assert book.allowed.day_offset_ns == HOUR
    assert book.allowed.risk_share8 == 1_000_000
    assert book.day_ends_ns == day_begins_ns(day_of(ns("2026-12-11T12:00Z"), HOUR), HOUR)
