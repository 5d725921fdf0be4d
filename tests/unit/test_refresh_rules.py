"""What is refused, what is kept, what a difference says, and how the files are written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from lotwise.app import refresh
from lotwise.cli.main import main
from lotwise.clock import FixedClock
from lotwise.contracts import catalogue, facts_file
from lotwise.contracts.facts_file import COLUMNS, TIER_COLUMNS, note_of, read_facts
from lotwise.contracts.refresh.diff import Change
from lotwise.errors import InputError, LotwiseError, VenueError
from tests.unit import test_refresh_wire as wire
from tests.unit.test_refresh_wire import DAY, facts_folder, refreshed

pytestmark = pytest.mark.usefixtures(facts_folder.__name__)
__all__ = ["facts_folder"]  # the fixture

NEXT_DAY = FixedClock(wire.CLOCK.now_ns() + 86_400 * 10**9)
NAMES = [f"C{number:02}USDT" for number in range(40)]


def filters(**changes: dict[str, str]) -> list[dict[str, str]]:
    """The filters of a Binance contract with some fields changed, by filter."""
    found: list[dict[str, str]] = wire.binance_market()["filters"]
    return [item | changes.get(item["filterType"], {}) for item in found]


def brackets(names: list[str], table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"symbol": name, "brackets": table} for name in names]


def with_one(**changes: Any) -> refresh.Refresh:
    """Forty contracts, of which the first has something changed."""
    markets = [wire.binance_market(NAMES[0], **changes), *map(wire.binance_market, NAMES[1:])]
    return refreshed("binance", wire.binance_routes(markets))


def with_tiers(table: list[dict[str, Any]]) -> refresh.Refresh:
    """Forty contracts, of which the first has this table."""
    given = [*brackets(NAMES[:1], table), *brackets(NAMES[1:], wire.BTC_BRACKETS)]
    return refreshed("binance", wire.binance_routes(list(map(wire.binance_market, NAMES)), given), key="k")


def kept(markets: list[dict[str, Any]], table: list[dict[str, Any]] | None = None) -> list[Path]:
    """A refresh of Binance, written."""
    names = [market["symbol"] for market in markets]
    given = None if table is None else brackets(names, table)
    routes = wire.binance_routes(markets, given)
    return refresh.keep(refreshed("binance", routes, key="k" if table else ""))


# -- refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"filters": filters(PRICE_FILTER={"tickSize": "0.00"})}, "tickSize is 0"),
        ({"filters": filters(PRICE_FILTER={"tickSize": "-0.1"})}, "tickSize is -0.1: negative"),
        ({"filters": filters(LOT_SIZE={"minQty": "-1"})}, "minQty is -1: negative"),
        ({"filters": filters(LOT_SIZE={"stepSize": "x"})}, "stepSize is 'x': not a number"),
        ({"filters": filters(LOT_SIZE={"stepSize": "1e-3"}), "baseAsset": "A\tB"}, "CONTRACT-101"),
        ({"filters": filters(MARKET_LOT_SIZE={"stepSize": "0.01"})}, "another lot"),
        ({"filters": filters(LOT_SIZE={"minQty": "2000"})}, "CONTRACT-105"),
        ({"filters": []}, "stepSize is missing"),
        ({"deliveryDate": wire.DELIVERY_MS}, "do not agree"),
        ({"liquidationFee": "-0.01"}, "negative"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused_alone(changes: dict[str, Any], reason: str) -> None:
    found = with_one(**changes)
    assert [one.symbol for one in found.made.refused] == [NAMES[0]]
    assert reason in found.made.refused[0].reason
    assert len(found.made.rows) == 39
    assert NAMES[0] not in found.diff.removed


@pytest.mark.parametrize(
    ("number", "changes", "reason"),
    [
        (1, {"cum": 301.0}, "cumulative amount 301, continuity asks 300"),
        (1, {"notionalFloor": 299999}, "tier 1 ends at 300000"),
        (1, {"maintMarginRatio": 0.003}, "falls"),
        (1, {"initialLeverage": 200}, "rises"),
        (0, {"cum": 5}, "tier 1 has the cumulative amount 5"),
        (0, {"notionalFloor": 10}, "begins at 10"),
        (0, {"notionalCap": -1}, "negative"),
        (0, {"maintMarginRatio": 0.4}, "not a fraction"),
        (0, {"maintMarginRatio": 0}, "not a fraction"),
        (2, {"initialLeverage": 0}, "leverage below 1"),
    ],
)
def test_tiers_that_do_not_hang_together_refuse_their_contract(
    number: int, changes: dict[str, Any], reason: str
) -> None:
    table = [*wire.BTC_BRACKETS]
    table[number] = table[number] | changes
    found = with_tiers(table)
    assert [one.symbol for one in found.made.refused] == [NAMES[0]]
    assert reason in found.made.refused[0].reason


def test_true_facts_that_cannot_be_counted_are_left_out() -> None:
    found = with_one(filters=filters(PRICE_FILTER={"tickSize": "0.0000000001"}))
    assert found.made.refused == []
    assert [(one.symbol, one.reason[:8]) for one in found.made.left_out] == [(NAMES[0], "UNIT-104")]


def test_a_contract_that_stands_twice_is_refused() -> None:
    markets = list(map(wire.binance_market, [*NAMES, NAMES[0]]))
    found = refreshed("binance", wire.binance_routes(markets))
    assert [one.reason for one in found.made.refused] == ["it stands twice in the answer"]
    assert NAMES[0] not in found.made.rows


@pytest.mark.parametrize(("bad", "refused"), [(2, False), (3, True)])
def test_more_than_five_percent_refuse_the_whole(bad: int, refused: bool, facts_folder: Path) -> None:
    zero = {"filters": filters(PRICE_FILTER={"tickSize": "0"})}
    markets = [wire.binance_market(name, **(zero if n < bad else {})) for n, name in enumerate(NAMES)]
    if not refused:
        assert len(refreshed("binance", wire.binance_routes(markets)).made.refused) == bad
        return
    with pytest.raises(VenueError, match="3 of 40 contracts of binance contradict themselves") as caught:
        refreshed("binance", wire.binance_routes(markets))
    assert (caught.value.code, caught.value.exit_code) == ("CONTRACT-401", 4)
    assert not facts_folder.exists()


@pytest.mark.parametrize(("left", "refused"), [(20, False), (19, True), (0, True)])
def test_fewer_than_half_refuse_the_whole(left: int, refused: bool) -> None:
    kept(list(map(wire.binance_market, NAMES)))
    routes = wire.binance_routes(list(map(wire.binance_market, NAMES[:left])))
    if not refused:
        assert len(refreshed("binance", routes).diff.removed) == 20
        return
    with pytest.raises(VenueError, match=f"answers with {left} usable contracts") as caught:
        refreshed("binance", routes)
    assert caught.value.code == "CONTRACT-402"


def test_fewer_than_half_of_the_tier_tables_refuse_the_whole() -> None:
    markets = list(map(wire.binance_market, NAMES))
    given = wire.binance_routes(markets, brackets(NAMES[:10], wire.BTC_BRACKETS))
    refresh.keep(refreshed("binance", given, key="k"))
    routes = wire.binance_routes(markets, brackets(NAMES[:4], wire.BTC_BRACKETS))
    with pytest.raises(VenueError, match="4 usable tier tables, today's facts have 10"):
        refreshed("binance", routes, key="k")


def test_a_day_before_the_facts_is_refused() -> None:
    kept([wire.binance_market()])
    exchange = wire.wired("binance", wire.binance_routes([wire.binance_market()]))
    with pytest.raises(InputError, match="CONTRACT-403"):
        refresh.prepare("binance", exchange=exchange, clock=FixedClock(0), environment={})


# -- the difference --------------------------------------------------------------------------------


def test_the_difference_names_every_field() -> None:
    kept([wire.binance_market(), wire.binance_market("ETHUSDT")], wire.BTC_BRACKETS)
    changed = wire.binance_market(filters=filters(PRICE_FILTER={"tickSize": "0.01"}))
    table = [wire.BTC_BRACKETS[0] | {"initialLeverage": 125}, *wire.BTC_BRACKETS[1:2]]
    routes = wire.binance_routes(
        [changed, wire.binance_market("SOLUSDT")], brackets(["BTCUSDT", "SOLUSDT"], table)
    )
    found = refreshed("binance", routes, key="k")
    assert (found.diff.added, found.diff.removed) == (["SOLUSDT"], ["ETHUSDT"])
    assert found.diff.changed == [
        Change("BTCUSDT", "tick_size", "0.1", "0.01"),
        Change("BTCUSDT", "max_leverage", "150", "125"),
    ]
    assert found.diff.tiers == [
        Change("BTCUSDT", "tier 1 max_leverage", "150", "125"),
        Change("BTCUSDT", "tier 3 notional_floor", "800000", "-"),
        Change("BTCUSDT", "tier 3 notional_cap", "3000000", "-"),
        Change("BTCUSDT", "tier 3 max_leverage", "75", "-"),
        Change("BTCUSDT", "tier 3 maintenance_rate", "0.0065", "-"),
        Change("BTCUSDT", "tier 3 cumulative", "1500", "-"),
    ]
    assert found.diff.counts == {"added": 1, "removed": 1, "changed": 1, "tiers": 1, "same": 0}


def test_the_same_answer_is_no_difference() -> None:
    kept([wire.binance_market()], wire.BTC_BRACKETS)
    routes = wire.binance_routes([wire.binance_market()], brackets(["BTCUSDT"], wire.BTC_BRACKETS))
    diff = refreshed("binance", routes, key="k").diff
    assert diff.counts == {"added": 0, "removed": 0, "changed": 0, "tiers": 0, "same": 1}


# -- what is kept ----------------------------------------------------------------------------------


def write(folder: Path, name: str, row: dict[str, str]) -> None:
    """A fact file of one row."""
    columns = TIER_COLUMNS if "tier" in row else COLUMNS
    head = ["Binance before", f"current: {row['as_of']}", f"rows {row['as_of']}: an older source"]
    facts_file.write_facts(folder / name, head, columns, [row])


OLD_ROW = {
    "symbol": "BTCUSDT",
    "base": "BTC",
    "quote": "USDT",
    "settle": "USDT",
    "kind": "linear_perpetual",
    "tick_size": "0.1",
    "lot_size": "0.001",
    "contract_size": "1",
    "leverage_step": "1",
    "min_notional": "100",
    "maker": "0.0002",
    "taker": "0.0005",
    "margin_holds_closing_fee": "no",
    "funding_hours": "8",
    "funding_cap": "0.02",
    "funding_as_of": "2025-07-18",
    "as_of": "2026-09-01",
    "maintenance_rule": "mark",
    "listed": "2019-09-25",
    "max_leverage": "150",
}


def test_what_the_answer_cannot_tell_is_kept_with_its_day_or_not_at_all(facts_folder: Path) -> None:
    write(facts_folder, "binance-linear.tsv", OLD_ROW)
    found = refreshed("binance", wire.binance_routes([wire.binance_market()]))
    row = found.made.rows["BTCUSDT"]
    assert (row["funding_hours"], row["funding_cap"], row["funding_as_of"]) == ("8", "0.02", "2025-07-18")
    assert (row["maker"], row["taker"]) == ("0.0002", "0.0005")
    assert row["max_leverage"] == "150"
    head = found.files["binance-linear.tsv"].head
    assert head[:2] == ["Binance before", f"current: {DAY}"]
    notes = {
        "funding_cap": "from 2025-07-18",
        "funding_hours": "from 2025-07-18",
        "maker": "from 2026-09-01",
        "max_leverage": "from 2026-09-01",
        "taker": "from 2026-09-01",
    }
    assert [note for note in head if note.startswith("kept ")] == [
        f"kept {DAY} {column}: {since}" for column, since in notes.items()
    ]
    said = ", ".join(f"{column} {since}" for column, since in notes.items())
    assert found.notes()[0] == f"kept, because the answer does not tell: {said}"


def test_what_is_kept_again_keeps_its_first_day(facts_folder: Path) -> None:
    write(facts_folder, "binance-linear.tsv", OLD_ROW)
    kept([wire.binance_market()])
    markets = [wire.binance_market(), wire.binance_market("ETHUSDT")]
    exchange = wire.wired("binance", wire.binance_routes(markets))
    found = refresh.prepare("binance", exchange=exchange, clock=NEXT_DAY, environment={})
    assert "kept 2026-11-23 taker: from 2026-09-01" in found.files["binance-linear.tsv"].head
    assert found.made.rows["ETHUSDT"]["taker"] == "0.0005"
    assert "max_leverage" not in found.made.rows["ETHUSDT"]


def test_a_second_refresh_of_a_day_says_each_thing_once() -> None:
    for _ in range(2):
        kept([wire.binance_market()], wire.BTC_BRACKETS)
    found = refreshed("binance", wire.binance_routes([wire.binance_market()]))
    head = found.files["binance-linear.tsv"].head
    assert len(head) == len(set(head))


def test_an_older_day_still_answers_after_a_refresh(facts_folder: Path) -> None:
    write(facts_folder, "binance-linear.tsv", OLD_ROW)
    kept([wire.binance_market(filters=filters(PRICE_FILTER={"tickSize": "0.01"}))])
    catalogue.forget()
    assert catalogue.load("binance:BTCUSDT").tick_size == "0.01"
    assert catalogue.load("binance:BTCUSDT").as_of == DAY
    assert catalogue.load("binance:BTCUSDT", "2026-10-01").tick_size == "0.1"


def test_a_file_grows_only_by_what_changes(facts_folder: Path) -> None:
    path = facts_folder / "binance-linear.tsv"
    kept([wire.binance_market()])
    for days in range(1, 4):
        exchange = wire.wired("binance", wire.binance_routes([wire.binance_market()]))
        clock = FixedClock(wire.CLOCK.now_ns() + days * 86_400 * 10**9)
        refresh.keep(refresh.prepare("binance", exchange=exchange, clock=clock, environment={}))
    head, rows = read_facts(path)
    assert [row["as_of"] for row in rows] == [DAY, "2026-11-25"]
    assert note_of(head, "current") == "2026-11-25"
    assert [note for note in head if note.startswith("rows ")] == [
        "rows 2026-11-25: Binance USD-M futures, exchangeInfo of USD-M of 2026-11-25",
        f"rows {DAY}: Binance USD-M futures, exchangeInfo of USD-M of {DAY}",
    ]


def test_tiers_that_are_no_longer_told_end_on_that_day() -> None:
    markets = list(map(wire.binance_market, NAMES))
    kept(markets, wire.BTC_BRACKETS)
    routes = wire.binance_routes(markets, brackets(NAMES[1:], wire.BTC_BRACKETS))
    found = refreshed("binance", routes, key="k")
    assert [one.symbol for one in found.diff.tiers] == [NAMES[0]]
    refresh.keep(found)
    catalogue.forget()
    assert catalogue.load(f"binance:{NAMES[0]}").tiers == ()
    assert catalogue.load(f"binance:{NAMES[1]}").tiers
    again = refreshed("binance", routes, key="k")
    assert again.diff.tiers == []


# -- writing ---------------------------------------------------------------------------------------


def test_both_files_are_written_and_read_back(facts_folder: Path) -> None:
    written = kept([wire.binance_market()], wire.BTC_BRACKETS)
    assert sorted(path.name for path in written) == ["binance-linear-tiers.tsv", "binance-linear.tsv"]
    assert sorted(path.name for path in facts_folder.iterdir()) == sorted(path.name for path in written)
    catalogue.forget()
    contract = catalogue.load("binance:BTCUSDT")
    assert (contract.tick_size, len(contract.tiers), contract.max_leverage) == ("0.1", 3, "150")
    assert contract.source == f"Binance USD-M futures, exchangeInfo of USD-M of {DAY}"


def test_a_write_that_dies_leaves_the_old_file(facts_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = facts_folder / "binance-linear.tsv"
    kept([wire.binance_market()])
    before = path.read_bytes()
    found = with_one()

    def killed(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            refresh.keep(found)
    assert path.read_bytes() == before
    refresh.keep(found)
    assert path.read_bytes() != before
    assert [one.name for one in facts_folder.iterdir()] == ["binance-linear.tsv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_a_coded_error(facts_folder: Path) -> None:
    found = with_one()
    facts_folder.mkdir(mode=0o500)
    with pytest.raises(LotwiseError, match="IO-002"):
        refresh.keep(found)


def test_a_file_in_the_way_of_the_folder_is_a_coded_error(facts_folder: Path) -> None:
    found = with_one()
    facts_folder.write_text("no folder")
    with pytest.raises(LotwiseError, match="IO-002"):
        refresh.keep(found)


def test_a_damaged_file_of_the_user_can_be_refreshed(facts_folder: Path) -> None:
    facts_folder.mkdir()
    (facts_folder / "binance-linear.tsv").write_text("damaged")
    kept([wire.binance_market()])
    assert len(read_facts(facts_folder / "binance-linear.tsv")[1]) == 1


# -- asking ----------------------------------------------------------------------------------------


def test_half_a_pair_of_keys_is_refused() -> None:
    with pytest.raises(InputError, match="LOTWISE_BINGX_SECRET is not") as caught:
        refresh.prepare("bingx", environment={"LOTWISE_BINGX_KEY": "k"})
    assert caught.value.code == "VENUE-505"


def test_keys_of_a_family_serve_both_of_its_venues() -> None:
    keys = {"LOTWISE_BINANCE_KEY": "k", "LOTWISE_BINANCE_SECRET": "s"}
    assert refresh.credentials("binance-coinm", keys) == ("k", "s")
    own = keys | {"LOTWISE_BINANCE_COINM_KEY": "own", "LOTWISE_BINANCE_COINM_SECRET": "t"}
    assert refresh.credentials("binance-coinm", own) == ("own", "t")
    assert refresh.credentials("mexc", keys) == ("", "")


def test_an_unknown_venue_is_refused() -> None:
    with pytest.raises(InputError, match="CONTRACT-201"):
        refresh.prepare("cme")


def test_only_a_server_of_this_machine_can_stand_in_for_a_venue() -> None:
    with pytest.raises(InputError, match="VENUE-506"):
        refresh.connect("mexc", "", "", {"LOTWISE_VENUE_URL": "http://example.com:80"})


def test_an_error_of_the_venue_and_an_answer_without_sense_are_coded() -> None:
    for routes in ({}, {"/exchangeInfo": {"symbols": [7]}}):
        with pytest.raises(VenueError, match="VENUE-503"):
            refreshed("binance", dict(routes))


def test_refused_keys_are_coded_and_not_shown() -> None:
    routes = wire.binance_routes([wire.binance_market()])
    refusal = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    with pytest.raises(VenueError, match="VENUE-504") as caught:
        refreshed("binance", routes | {"/leverageBracket": refusal}, key="secret-key")
    assert "secret-key" not in str(caught.value)


def test_without_ccxt_the_way_to_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ccxt", None)
    assert main(["contracts", "refresh", "--venue", "mexc"]) == 4
    said = capsys.readouterr().err
    assert "error[VENUE-501]" in said
    assert "lotwise[live]" in said
