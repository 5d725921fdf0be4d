"""``lotwise.scan``: what is asked, screened, sorted and said; the figures are proved by the twins."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import lotwise
from lotwise import Quote, ScanAnswer, ScanRow
from lotwise.contracts import catalogue
from lotwise.errors import InputError, LotwiseError
from lotwise.sizing.listing import listing_of
from lotwise.sizing.quotes import read_quotes
from lotwise.sizing.screens import SORTS

SRC = Path(lotwise.__file__).parent
DAY = "2026-11-22"
BTC = Quote(price="60000", at=DAY, source="own", spread="0.6", volume="9000000", funding_rate="0.01%")
ETH = Quote(price="3000", at=DAY, source="own", spread="3", volume="800000", open_interest="70000")
SOL = Quote(price="150", at="2026-11-21", source="own", funding_rate="-0.05%")
COINS = {"BTC": BTC, "ETH": ETH, "SOL": SOL}


def scan(**changes: Any) -> ScanAnswer:
    """Three coins on Binance, as plain Python."""
    asked: dict[str, Any] = {"equity": "500", "venues": ["binance"], "coins": ["BTC", "ETH", "SOL"]}
    return lotwise.scan(**(asked | {"quotes": COINS, "compiled": False} | changes))


def names(found: ScanAnswer) -> list[str]:
    return [row.contract.partition(":")[2] for row in found.rows]


# -- what is asked ---------------------------------------------------------------------------------


def test_a_row_is_a_size() -> None:
    row = scan(coins=["BTC"]).rows[0]
    plan = lotwise.size(
        "binance:BTCUSDT", side="long", entry="60000", stop="2%", equity="500", risk="1%", spread="0.6"
    )
    assert (row.lots, row.quantity, row.loss_at_stop) == (plan.lots, plan.quantity, plan.loss_at_stop)
    assert (row.fits, row.reason, row.price_at, row.price_source) == (True, None, DAY, "own")


def test_the_answer_counts() -> None:
    found = scan()
    assert (found.side, found.equity, found.risk, found.stop) == ("long", "500.00", "1%", "2%")
    assert (found.contracts, found.priced, found.fitting) == (3, 3, 3)
    poor = scan(equity="50")
    assert (poor.priced, poor.fitting) == (3, 2)
    assert [(row.fits, row.lots) for row in poor.rows if row.base == "BTC"] == [(False, 0)]


def test_filters() -> None:
    assert {row.contract.partition(":")[0] for row in scan(venues=["BINANCE", "bybit"]).rows} == {
        "binance",
        "bybit",
    }
    assert names(scan(coins=["btc"])) == ["BTCUSDT"]
    sectors = {row.sector for row in scan(coins=[], sectors=["defi"]).rows}
    assert sectors == {"DeFi"}
    whole = lotwise.scan(equity="500", compiled=False)
    assert whole.contracts == len(list(catalogue.all_contracts()))


def test_contracts_that_expired_stay_out() -> None:
    everything = {contract.id for contract in listing_of(None).contracts}
    today = {contract.id for contract in listing_of(None, today="2026-11-22").contracts}
    gone = everything - today
    assert gone
    assert all((catalogue.load(name).expiry or "")[:10] < "2026-11-22" for name in gone)


def test_a_contract_goes_by_its_own_price_before_its_coin() -> None:
    own = Quote(price="61000", at=DAY, source="mine")
    found = scan(quotes=COINS | {"binance:btcusdt": own}, coins=["BTC"])
    assert found.rows[0].price == "61000.0"


def test_a_dated_price_stands_in_and_says_so() -> None:
    row = scan(quotes=None, coins=["BTC"]).rows[0]
    assert row.price_at is not None
    assert row.price_at < DAY
    assert row.price_source != "own"


def test_names_may_be_text_with_commas() -> None:
    assert names(scan(coins="BTC, ETH")) == names(scan(coins=["BTC", "ETH"]))
    assert len(scan(coins="BTC").rows) == 1


def test_a_coin_s_price_is_not_that_of_a_contract_that_expires() -> None:
    found = lotwise.scan(equity="500", venues="bybit", coins="BTC", quotes=COINS, compiled=False)
    dated = [row for row in found.rows if "-" in row.contract]
    assert len(dated) > 3
    assert {row.reason for row in dated} == {"no_price"}


def test_with_quotes_nothing_else_is_priced() -> None:
    found = scan(quotes={"BTC": COINS["BTC"]})
    assert [row.base for row in found.rows if row.price] == ["BTC"]


def test_a_day_before_the_dated_prices_has_none() -> None:
    assert scan(quotes=None, as_of="2021-08-01").priced == 0


def test_contracts_without_a_price_are_listed() -> None:
    found = lotwise.scan(equity="500", venues=["bybit"], compiled=False)
    unpriced = [row for row in found.rows if row.price is None]
    assert len(unpriced) == found.contracts - found.priced > 0
    assert {(row.fits, row.reason, row.lots, row.loss_at_stop) for row in unpriced} == {
        (False, "no_price", 0, None)
    }
    assert all(row.price is None for row in found.rows[-len(unpriced) :])


def test_only_what_fits() -> None:
    found = scan(equity="50", only_fitting=True)
    assert len(found.rows) == found.fitting == 2


def test_a_contract_without_fees_is_not_sized() -> None:
    own = {"cme:MBT": Quote(price="60000", at=DAY, source="own")}
    found = scan(venues=["cme"], coins=["BTC"], quotes=own)
    assert [(row.fits, row.reason) for row in found.rows] == [(False, "no_fees")]
    assert "contracts without known fees are not sized" in found.notes


def test_funding_counts_where_it_is_known() -> None:
    bybit = {"venues": ["bybit"], "coins": ["BTC"]}
    held, plain = scan(hold_hours="24", **bybit), scan(**bybit)
    costs = {row.contract: row.costs for row in plain.rows}
    dearer = [row.contract for row in held.rows if float(row.costs or 0) > float(costs[row.contract] or 0)]
    assert dearer
    assert not any("-" in name for name in dearer)  # dated contracts pay none
    assert any(note.startswith("funding is counted only where") for note in held.notes)
    assert not any(note.startswith("funding") for note in plain.notes)


def test_a_funding_that_cannot_be_sized_is_the_rows_reason() -> None:
    mad = {"bybit:BTCUSDT": Quote(price="60000", at=DAY, source="own", funding_rate="9%")}
    held = scan(venues=["bybit"], coins=["BTC"], quotes=COINS | mad, hold_hours="240")
    reasons = {row.contract: row.reason for row in held.rows}
    assert reasons["bybit:BTCUSDT"] == "funding"
    assert reasons["bybit:BTCPERP"] is None


@pytest.mark.parametrize("hold", ["0", 0, "0.0", "0.00"])
def test_no_hold_is_no_funding(hold: Any) -> None:
    assert scan(hold_hours=hold).rows == scan().rows


# -- screens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("screen", "left"),
    [
        ({"max_spread": "1bp"}, {"BTC"}),
        ({"max_spread": "0.1bp"}, {"BTC"}),
        ({"max_spread": "0.09bp"}, set()),
        ({"max_spread": "10bp"}, {"BTC", "ETH"}),
        ({"min_volume": "800000"}, {"BTC", "ETH"}),
        ({"min_volume": "800000.01"}, {"BTC"}),
        ({"min_open_interest": "1"}, {"ETH"}),
        ({"max_funding": "0.01%"}, {"BTC"}),
        ({"max_funding": "5bp"}, {"BTC", "SOL"}),
        ({"max_spread": "10bp", "max_funding": "1%"}, {"BTC"}),
    ],
)
def test_screens_keep_what_is_known_to_pass(screen: dict[str, str], left: set[str]) -> None:
    found = scan(**screen)
    assert {row.base for row in found.rows} == left
    assert (found.contracts, found.priced) == (3, 3)


def test_a_screen_shuts_out_what_has_no_price() -> None:
    found = lotwise.scan(equity="500", venues=["bybit"], min_volume="0", quotes=COINS, compiled=False)
    assert {row.base for row in found.rows} == {"BTC", "ETH"}


# -- order -----------------------------------------------------------------------------------------


def test_waste_comes_first_and_the_least_of_it() -> None:
    found = lotwise.scan(equity="500", compiled=False)
    assert found == lotwise.scan(equity="500", compiled=False, sort="waste")
    wastes = [float(str(row.waste)) for row in found.rows if row.fits]
    assert wastes == sorted(wastes)


@pytest.mark.parametrize("sort", SORTS)
def test_every_order(sort: str) -> None:
    figures = {
        "waste": ("waste", 1),
        "costs": ("costs_of_budget", 1),
        "leverage": ("leverage", 1),
        "liquidation": ("liquidation_distance", -1),
        "notional": ("notional", 1),
        "spread": ("spread", 1),
        "volume": ("volume", -1),
    }
    found = lotwise.scan(equity="500", risk="5%", quotes=COINS, sort=sort, compiled=False)
    assert len({row.contract for row in found.rows}) == len(found.rows) == found.contracts
    if sort == "name":
        assert [row.base for row in found.rows] == sorted(row.base for row in found.rows)
        return
    assert [row.fits for row in found.rows] == sorted((row.fits for row in found.rows), reverse=True)
    name, sign = figures[sort]
    known = [getattr(row, name) for row in found.rows if row.fits]
    told = [sign * float(text) for text in known if text is not None]
    assert told == sorted(told)
    assert known[len(told) :] == [None] * (len(known) - len(told))


# -- what is said ----------------------------------------------------------------------------------


def test_notes_say_day_source_and_what_is_counted_alike() -> None:
    found = scan(venues=["binance", "bybit", "bybit-inverse"])
    assert found.notes[0] == "prices of 2026-11-21 (own); 2026-11-22 (own)"
    assert "USDT, USDC and USD are counted one for one" in found.notes
    assert any(note.startswith("inverse contracts: the money") for note in found.notes)
    assert scan(coins=["BTC"]).notes == ["prices of 2026-11-22 (own)"]


def test_many_days_are_cut() -> None:
    quotes = {
        name: Quote(price="1", at=f"2026-11-{day:02d}", source="own")
        for day, name in enumerate(["BTC", "ETH", "SOL", "XRP", "ADA"], 1)
    }
    found = scan(quotes=quotes, coins=list(quotes))
    assert found.notes[0].endswith("2026-11-03 (own) and 2 more")


def test_json_has_every_field() -> None:
    answer = json.loads(scan().to_json())
    assert list(answer["rows"][0]) == list(ScanRow.__struct_fields__)
    assert answer["fitting"] == 3


def test_the_names_are_public() -> None:
    for name in ("scan", "ScanAnswer", "ScanRow", "Quote"):
        assert name in lotwise.__all__
        assert getattr(lotwise, name)


# -- mistakes --------------------------------------------------------------------------------------

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"quotes": {"BTC": Quote(price="0", at=DAY, source="own")}}, "SCAN-004"),
    ({"quotes": {"BTC": Quote(price="2000000000", at=DAY, source="own")}}, "SCAN-004"),
    ({"quotes": {"BTC": Quote(price="x", at=DAY, source="own")}}, "UNIT-102"),
    ({"sort": "luck"}, "SCAN-010"),
    ({"sort": ["waste"]}, "SCAN-010"),
    ({"stop": "1.5atr"}, "SCAN-011"),
    ({"coins": 5}, "SCAN-014"),
    ({"venues": None}, "SCAN-014"),
    ({"sectors": [5]}, "SCAN-014"),
    ({"quotes": "x"}, "SCAN-014"),
    ({"quotes": {"BTC": 1}}, "SCAN-014"),
    ({"as_of": []}, "SCAN-014"),
    ({"today": 5}, "SCAN-014"),
    ({"stop": "58800"}, "SCAN-011"),
    ({"stop": "tight"}, "SCAN-011"),
    ({"stop": "0atr"}, "SCAN-011"),
    ({"stop": "1001atr"}, "SCAN-011"),
    ({"stop": "999999999999atr"}, "SCAN-011"),
    ({"stop": "0%"}, "SIZE-006"),
    ({"stop": "1000%"}, "SIZE-006"),
    ({"spread": "11%"}, "SCAN-012"),
    ({"spread": "5t"}, "UNIT-102"),
    ({"slippage": "-1bp"}, "SCAN-012"),
    ({"slippage": "5"}, "SCAN-012"),
    ({"coins": ["NOSUCHCOIN"]}, "SCAN-013"),
    ({"sectors": ["nothing"]}, "SCAN-013"),
    ({"venues": ["kraken"]}, "CONTRACT-201"),
    ({"as_of": "yesterday"}, "CONTRACT-205"),
    ({"side": "up"}, "SIZE-003"),
    ({"risk": "101%"}, "SIZE-009"),
    ({"risk": "501"}, "SIZE-009"),
    ({"equity": "0"}, "SIZE-010"),
    ({"equity": "10000000001"}, "UNIT-105"),
    ({"max_leverage": "0.5"}, "SIZE-011"),
    ({"max_leverage": "1001"}, "SIZE-011"),
    ({"hold_hours": "-1"}, "SIZE-014"),
    ({"hold_hours": "8761"}, "SIZE-014"),
    ({"hold_hours": "long"}, "UNIT-102"),
    ({"entry_as": "limit"}, "SIZE-018"),
    ({"max_margin": "0%"}, "SIZE-019"),
    ({"liquidation_multiple": "0.5"}, "SIZE-019"),
    ({"max_spread": "narrow"}, "UNIT-102"),
    ({"min_volume": "1e6"}, "UNIT-102"),
    ({"min_open_interest": 5.5}, "UNIT-101"),
    ({"max_funding": ""}, "UNIT-102"),
]


@pytest.mark.parametrize(("changes", "code"), MISTAKES, ids=str)
def test_a_mistake_is_coded(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        scan(**changes)
    assert caught.value.code == code
    assert caught.value.hint


def test_every_code_of_a_scan_is_met(tmp_path: Path) -> None:
    in_source = set()
    for path in SRC.rglob("*.py"):
        in_source |= set(re.findall(r'"(SCAN-\d{3})"', path.read_text("utf-8")))
    met = {code for _, code in MISTAKES if code.startswith("SCAN")}
    path = tmp_path / "prices.csv"
    for text in ("contract,price\nBTC,\n", "price\n", None):
        path.write_text(text) if text else path.unlink()
        with pytest.raises(LotwiseError) as caught:
            read_quotes(path, DAY)
        met.add(caught.value.code)
    from lotwise.app.tickers import live_quotes

    with pytest.raises(LotwiseError) as caught:
        live_quotes(["cme"])
    assert in_source == met | {caught.value.code}


def test_prices_at_the_edge_of_what_is_counted() -> None:
    """A billion a coin at the finest tick: the scan answers, compiled and not."""
    quotes = {
        contract.id: Quote(price="1000000000", at=DAY, source="own", atr="1000000000", spread="1000000000")
        for contract in catalogue.all_contracts()
    }
    for setup in ({}, {"side": "short", "stop": "999%"}, {"side": "short", "stop": "1000atr"}):
        asked: dict[str, Any] = {"equity": "10000000000", "risk": "100%", "quotes": quotes} | setup
        assert lotwise.scan(**asked) == lotwise.scan(**asked, compiled=False)
