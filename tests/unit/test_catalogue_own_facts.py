"""Facts that the user refreshed lie over the packaged ones; the format is read as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lotwise.contracts import catalogue
from lotwise.contracts.catalogue import all_contracts, load, search, symbols
from lotwise.contracts.facts_file import (
    COLUMNS,
    FILES,
    PACKAGED,
    TIER_COLUMNS,
    FactRow,
    note_of,
    overlay_folder,
    read_facts,
    write_facts,
)
from lotwise.errors import FactsError

HEAD = ["my own", "current: 2027-01-05", "rows 2027-01-05: answers of 2027-01-05", "source: a test"]


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for the user's own facts."""
    monkeypatch.setenv("LOTWISE_FACTS", str(tmp_path / "facts"))
    catalogue.forget()
    yield tmp_path / "facts"
    catalogue.forget()


# -- the user's own facts --------------------------------------------------------------------------


def row(day: str = "2027-01-05", **facts: str) -> FactRow:
    """A row of BTCUSDT on Binance, with some facts changed."""
    _, rows = read_facts(Path(PACKAGED) / "binance-linear.tsv")
    known = [found for found in rows if found["symbol"] == "BTCUSDT"][-1]
    return known | {"as_of": day} | facts


def refresh(own: Path, *rows: FactRow, name: str = "binance-linear", head: list[str] = HEAD) -> None:
    write_facts(own / f"{name}.tsv", head, TIER_COLUMNS if "tiers" in name else COLUMNS, rows)
    catalogue.forget()


def test_without_a_folder_of_ones_own_nothing_changes(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not own.exists()
    assert overlay_folder() == str(own)
    assert load("binance:BTCUSDT").as_of == "2026-09-01"
    monkeypatch.delenv("LOTWISE_FACTS")
    monkeypatch.setenv("XDG_DATA_HOME", str(own))
    assert overlay_folder() == str(own / "lotwise" / "facts")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert Path(overlay_folder()).parts[-4:] == (".local", "share", "lotwise", "facts")


def test_refreshed_facts_are_those_of_today_and_older_days_still_answer(own: Path) -> None:
    refresh(own, row(tick_size="0.5"), row("2026-12-01", tick_size="0.2"))
    today = load("binance:BTCUSDT")
    assert (today.tick_size, today.as_of, today.source) == ("0.5", "2027-01-05", "answers of 2027-01-05")
    assert load("binance:BTCUSDT", "2026-12-31").tick_size == "0.2"
    assert load("binance:BTCUSDT", "2026-10-01").tick_size == "0.1"
    assert load("binance:BTCUSDT", "2021-12-01").tick_size == "0.01"
    assert len(load("binance:BTCUSDT").tiers) == 12  # the newest known
    assert load("bybit:BTCUSDT").as_of == "2026-08-09"


def test_the_newest_snapshot_says_what_is_listed(own: Path) -> None:
    refresh(own, row(), row(symbol="NEWUSDT", base="NEW"))
    assert symbols("binance") == ("BTCUSDT", "NEWUSDT")
    assert load("NEW/USDT").id == "binance:NEWUSDT"
    assert search("NEWUSDT") == ["binance:NEWUSDT"]
    with pytest.raises(FactsError, match="CONTRACT-202") as caught:
        load("binance:ETHUSDT")
    assert "2027-01-05" in caught.value.message
    assert load("binance:ETHUSDT", "2026-12-31").as_of == "2026-09-01"
    assert [one.id for one in all_contracts("2027-02-01") if one.venue == "binance"] == [
        "binance:BTCUSDT",
        "binance:NEWUSDT",
    ]


def test_a_file_without_a_snapshot_adds_its_rows(own: Path) -> None:
    refresh(own, row(tick_size="0.5"), head=[note for note in HEAD if not note.startswith("current")])
    assert load("binance:BTCUSDT").tick_size == "0.5"
    assert load("binance:ETHUSDT").as_of == "2026-09-01"
    assert len(symbols("binance")) == 654


def test_of_one_day_the_users_own_rows_hold(own: Path) -> None:
    refresh(own, row("2026-09-01", tick_size="0.5"), head=["mine"])
    assert load("binance:BTCUSDT").tick_size == "0.5"
    assert len(symbols("binance")) == 654
    assert list(symbols("binance")) == sorted(symbols("binance"))


def test_tiers_may_be_refreshed_where_none_are_packaged(own: Path) -> None:
    tier = {"symbol": "BTCUSDT", "as_of": "2027-01-05", "tier": "1", "notional_floor": "0", "cumulative": "0"}
    second = {"tier": "2", "notional_floor": "2000000", "maintenance_rate": "0.01", "cumulative": "10000"}
    tiers = [tier | {"notional_cap": "2000000", "maintenance_rate": "0.005"}, tier | second]
    refresh(own, *tiers, name="bybit-linear-tiers")
    found = load("bybit:BTCUSDT").tiers
    assert [(one.notional_cap, one.max_leverage) for one in found] == [("2000000", "100"), (None, "100")]
    assert load("bybit:BTCUSDT", "2026-12-31").tiers == ()


def break_row(text: str, what: str) -> str:
    line = next(line for line in text.splitlines() if line.startswith("BTCUSDT\t"))
    return text.replace(line, what.format(line=line))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "\0\1",
        lambda text: "BTCUSDT\tbroken\n",
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\nsymbol\t", "\nname\t"),
        lambda text: break_row(text, "BTCUSDT\tBTC"),
        lambda text: break_row(text, "{line}\textra"),
        lambda text: text.replace("\t0.1\t0.001\t", "\tabout\t0.001\t"),
        lambda text: text.replace("\t0.1\t0.001\t", "\t-\t0.001\t"),
        lambda text: text.replace("\tlinear_perpetual\t", "\tquanto\t"),
    ],
)
def test_a_broken_file_of_ones_own_is_named(own: Path, damage: object) -> None:
    refresh(own, row())
    path = own / "binance-linear.tsv"
    path.write_text(damage(path.read_text("utf-8")), "utf-8")  # type: ignore[operator]
    catalogue.forget()
    with pytest.raises(FactsError) as caught:
        load("binance:BTCUSDT")
    assert caught.value.code == "CONTRACT-210"
    assert "binance-linear.tsv" in caught.value.message
    assert "remove" in caught.value.hint
    assert load("bybit:BTCUSDT").venue == "bybit"


def test_bytes_that_are_no_text_and_a_folder_in_the_way(own: Path) -> None:
    own.mkdir()
    (own / "mexc.tsv").write_bytes(b"\xff\xfe")
    (own / "bingx.tsv").mkdir()
    for venue in ("mexc", "bingx"):
        with pytest.raises(FactsError, match="CONTRACT-210"):
            symbols(venue)
    for name in ("mexc.tsv", "bingx.tsv", "absent.tsv"):
        with pytest.raises(FactsError, match="CONTRACT-210"):
            read_facts(own / name)


# -- the format ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES.values())
def test_what_is_read_is_written_again(name: str, tmp_path: Path) -> None:
    path = Path(PACKAGED) / f"{name}.tsv"
    head, rows = read_facts(path)
    assert tuple(rows[0]) == COLUMNS
    assert note_of(head, "current") == max(found["as_of"] for found in rows)
    write_facts(tmp_path / "again.tsv", head, COLUMNS, reversed(rows))
    assert (tmp_path / "again.tsv").read_bytes() == path.read_bytes()
    assert [found.name for found in tmp_path.iterdir()] == ["again.tsv"]


@pytest.mark.parametrize(
    ("head", "facts"),
    [
        (["a\tb"], {}),
        (["a"], {"venue": "x"}),
        (["a"], {"base": ""}),
        (["a"], {"base": "A\tB"}),
        (["a"], {"base": "A\n"}),
    ],
)
def test_what_the_format_cannot_hold_is_refused(head: list[str], facts: FactRow, tmp_path: Path) -> None:
    with pytest.raises(FactsError, match="CONTRACT-210"):
        write_facts(tmp_path / "f.tsv", head, COLUMNS, [row() | facts])
    assert not list(tmp_path.iterdir())
