"""docs/parity.md says what docs/parity.json holds, and lotwise still answers every case as it stands there.

Only our side is computed again: the other tools are not installed for the tests.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tools.parity import compare, measure, ours, page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DATA: dict[str, Any] = json.loads((DOCS / "parity.json").read_text(encoding="utf-8"))
SIZED = [
    pytest.param(peer, row, id=f"{peer} {row['id']}")
    for tables in (DATA["sizing"], DATA["multipliers"])
    for peer, rows in tables.items()
    for row in rows
]
LIQUIDATED = [
    pytest.param(row, row.get("facts") or DATA["contracts"][row.get("contract", "BTCUSDT")], id=row["id"])
    for row in DATA["examples"] + DATA["steps"] + DATA["venue_liquidations"]
]


def test_the_page_is_what_the_data_say() -> None:
    assert (DOCS / "parity.md").read_text(encoding="utf-8") == page.rendered(DATA)


def test_every_table_is_there() -> None:
    for table in ("sizing", "multipliers", "over_all_perps", "examples", "cross", "steps", "maintenance"):
        assert DATA[table], f"{table} is empty: run make parity where all tools can be installed"


@pytest.mark.parametrize(("peer", "row"), SIZED)
def test_sizes(peer: str, row: dict[str, Any]) -> None:
    told = {name: row["theirs"][name] for name in row["theirs"] if name not in ("loss", "of_budget")}
    assert measure.sized_row(row, told, in_coins=peer == "jesse") == row
    assert Decimal(row["ours"]["loss"]) <= Decimal(row["ours"]["budget"])
    assert row["ours"]["binding"] == "budget"


@pytest.mark.parametrize(("row", "facts"), LIQUIDATED)
def test_isolated_liquidations(row: dict[str, Any], facts: dict[str, Any]) -> None:
    answer = ours.isolated(row, facts)
    assert {name: answer[name] for name in row["ours"]} == row["ours"]


def test_errors_follow_from_the_prices() -> None:
    for row in DATA["examples"]:
        assert row["error"] == off(row, row["theirs"]["price"])
    for row in DATA["venue_liquidations"]:
        assert row["error"] == (None if row["theirs"] is None else off(row, row["theirs"]))
    for row in DATA["steps"]:
        assert row["errors"] == {name: off(row, price) for name, price in row["theirs"].items() if price}


def off(row: dict[str, Any], price: str) -> str:
    return compare.percent(compare.error(row["entry"], row["ours"]["price"], price))


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in DATA["cross"]])
def test_cross_liquidations(row: dict[str, Any]) -> None:
    assert ours.cross(row, DATA["contracts"]) == row["ours"]


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in DATA["maintenance"]])
def test_maintenance_margins(row: dict[str, Any]) -> None:
    assert ours.maintenance(row, DATA["contracts"]["BTCUSDT"]) == row["ours"]


def test_the_versions_are_the_pinned_ones() -> None:
    for package, found in DATA["made"]["peers"].items():
        pins = (ROOT / found["requirements"]).read_text(encoding="utf-8")
        assert f"\n{package.replace('_', '-')}=={found['version']} " in f"\n{pins}"
