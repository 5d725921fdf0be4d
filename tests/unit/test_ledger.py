"""The ledger: entries that sum to zero, differences with a venue named to the entry, what is taken out."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest

from lotwise.errors import LotwiseError
from lotwise.kernel.state import LOG_FILL, LogRow
from lotwise.ledger.entries import balances, checked, from_fills, from_incomes, from_log, wallet_change
from lotwise.ledger.export import beancount, export
from lotwise.ledger.holding import worth_cash
from lotwise.ledger.keep import keep_entries, keep_incomes, ledger_of, read_incomes
from lotwise.ledger.reconcile import Balance, Difference, check_balances, expected, reconcile
from lotwise.records.journal import Entry, Fill, Income, Posting
from lotwise.store.database import opened

E8 = 10**8
SECOND = 10**9
START = 1_746_316_800 * SECOND


def fill(number: int, side: int, lots: int, price: int, **more: object) -> Fill:
    facts = {
        "venue": "binance",
        "contract": "BTCUSDT",
        "trade_id": str(number),
        "sequence": number,
        "time_ns": START + number * 60 * SECOND,
        "side": side,
        "price8": price * E8,
        "quantity8": lots * 10**5,
        "coin": "USDT",
        "fee_cash": 47_000_000 + number,
    }
    return Fill(**(facts | more))  # type: ignore[arg-type]


FILLS = [
    fill(1, 1, 10, 94_000),
    fill(2, 1, 5, 94_300),
    fill(3, -1, 4, 95_001),
    fill(4, -1, 20, 93_500),
    fill(5, 1, 9, 93_777),
    fill(6, 1, 3, 2_000, contract="ETHUSDT"),
    fill(7, -1, 3, 2_100, contract="ETHUSDT", fee_coin="BNB", fee_cash=1_234),
]
FUNDING = [
    Income(
        venue="binance",
        income_id=f"f{number}",
        kind="FUNDING_FEE",
        contract="BTCUSDT",
        coin="USDT",
        cash=cash,
        time_ns=START + number * 90 * SECOND,
    )
    for number, cash in enumerate((-12_345_678, 2_000_001), 1)
]
TRANSFER = Income(
    venue="binance", income_id="t1", kind="TRANSFER", coin="USDT", cash=1_000 * E8, time_ns=START - SECOND
)


def entries() -> list[Entry]:
    return [*from_fills(FILLS), *from_incomes([*FUNDING, TRANSFER])]


def venue_records() -> list[Income]:
    """What the venue says of the same, written down from the trades by hand, not from the ledger."""
    results = {3: "3.604", 4: "-6.6", 5: "-2.493", 7: "0.3"}
    found = [*FUNDING, TRANSFER]
    for one in FILLS:
        base = msgspec.structs.asdict(TRANSFER) | {"contract": one.contract, "time_ns": one.time_ns}
        base |= {"trade_id": one.trade_id}
        fee = {
            "kind": "COMMISSION",
            "cash": -one.fee_cash,
            "coin": one.paid_in,
            "income_id": f"c{one.trade_id}",
        }
        found.append(Income(**(base | fee)))
        if int(one.trade_id) in results:
            cash = int(Decimal(results[int(one.trade_id)]) * E8)
            made = {"kind": "REALIZED_PNL", "cash": cash, "income_id": f"r{one.trade_id}"}
            found.append(Income(**(base | made)))
    return found


def refused(code: str, call: Callable[[], object]) -> LotwiseError:
    with pytest.raises(LotwiseError) as caught:
        call()
    assert caught.value.code == code, caught.value
    return caught.value


def test_the_venue_and_the_ledger_agree() -> None:
    assert reconcile(entries(), venue_records()) == []


def changed(record: str, **what: object) -> Callable[[list[Income]], list[Income]]:
    def change(records: list[Income]) -> list[Income]:
        assert sum(one.income_id == record for one in records) == 1
        return [msgspec.structs.replace(one, **what) if one.income_id == record else one for one in records]

    return change


def without(record: str) -> Callable[[list[Income]], list[Income]]:
    return lambda records: [one for one in records if one.income_id != record]


def with_more(record: str, **what: object) -> Callable[[list[Income]], list[Income]]:
    def change(records: list[Income]) -> list[Income]:
        (one,) = (one for one in records if one.income_id == record)
        return [*records, msgspec.structs.replace(one, **what)]

    return change


PLANTED = {
    "an amount off by the last digit": (changed("r3", cash=360_400_001), "amount", "fill:BTCUSDT:3"),
    "a sign turned": (changed("c4", cash=47_000_004), "amount", "fill:BTCUSDT:4"),
    "a fee that is not recorded": (without("c2"), "missing", "fill:BTCUSDT:2"),
    "funding that is not recorded": (without("f1"), "missing", "income:FUNDING_FEE:f1"),
    "a record that comes twice": (with_more("r5", income_id="again"), "double", "fill:BTCUSDT:5"),
    "a transfer that nobody made": (with_more("t1", income_id="t2", cash=5), "extra", "t2"),
    "another coin": (changed("c7", coin="USDT"), "coin", "fill:ETHUSDT:7"),
    "another contract": (changed("f2", contract="ETHUSDT"), "contract", "income:FUNDING_FEE:f2"),
    "another kind": (changed("r7", kind="INSURANCE_CLEAR"), "kind", "fill:ETHUSDT:7"),
    "another time": (changed("c1", time_ns=START + 3_600 * SECOND), "time", "fill:BTCUSDT:1"),
    "the contract of a fill": (changed("r4", contract="ETHUSDT"), "contract", "fill:BTCUSDT:4"),
    "a result that is not recorded": (without("r3"), "missing", "fill:BTCUSDT:3"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found_and_named(name: str) -> None:
    change, what, place = PLANTED[name]
    found = reconcile(entries(), change(venue_records()))
    assert [(one.what, one.reference or one.income_id) for one in found] == [(what, place)]
    assert place in found[0].words


def test_all_planted_errors_at_once_are_all_found() -> None:
    records = venue_records()
    apart = ["an amount off by the last digit", "a sign turned", "a fee that is not recorded", "another time"]
    apart += ["funding that is not recorded", "a record that comes twice", "a transfer that nobody made"]
    apart += ["another coin", "another contract", "another kind"]
    assert len(apart) == 10
    for name in apart:
        records = PLANTED[name][0](records)
    found = {(one.what, one.reference or one.income_id) for one in reconcile(entries(), records)}
    assert found == {PLANTED[name][1:] for name in apart}


def test_records_without_a_trade_id_are_paired_by_what_they_say_and_a_little_time() -> None:
    later = [
        msgspec.structs.replace(one, trade_id="", time_ns=one.time_ns + SECOND) for one in venue_records()
    ]
    assert reconcile(entries(), later) == []
    late = [msgspec.structs.replace(one, time_ns=one.time_ns + 6 * SECOND) for one in later]
    kinds = {one.what for one in reconcile(entries(), late)}
    assert kinds == {"missing", "extra"}


def test_a_balance_that_departs_is_named_by_its_stretch() -> None:
    found = sorted((one for one in entries() if one.coin == "USDT"), key=lambda one: one.time_ns)
    cash, said = 0, []
    for entry in found:
        cash += wallet_change(entry)
        said.append(Balance(coin="USDT", time_ns=entry.time_ns, cash=cash))
    assert check_balances(found, said) == []
    wrong = [
        msgspec.structs.replace(one, cash=one.cash + (7 if one.time_ns >= FILLS[3].time_ns else 0))
        for one in said
    ]
    (line,) = check_balances(found, wrong)
    assert "0.00000007" in line
    assert "between with fill:BTCUSDT:4" in line
    first = check_balances(found, [Balance(coin="USDT", time_ns=START - 2 * SECOND, cash=5)], first_cash=1)
    assert "no entry at all" in first[0]


def test_every_coin_sums_to_zero_and_the_wallet_is_the_venues() -> None:
    books = balances(entries())
    assert {coin: sum(amounts.values()) for coin, amounts in books.items()} == {"USDT": 0, "BNB": 0}
    assert books["BNB"] == {"wallet": -1_234, "fees": 1_234}
    expected_cash = sum(one.cash for one in venue_records() if one.coin == "USDT")
    assert books["USDT"]["wallet"] == expected_cash
    assert books["USDT"]["positions"] == 0


def test_inverse_contracts_are_kept_in_their_coin() -> None:
    more = {
        "is_inverse": True,
        "coin": "BTC",
        "multiplier8": 100 * E8,
        "fee_cash": 0,
        "contract": "BTCUSD_PERP",
    }
    pair = [fill(1, 1, 3_000, 50_000, **more), fill(2, -1, 3_000, 60_000, **more)]
    books = balances(from_fills(pair))
    assert books["BTC"]["wallet"] == 600_000 - 500_000
    assert sum(books["BTC"].values()) == 0


@pytest.mark.parametrize(
    ("numbers", "worth"),
    [
        ((1, 1, 10**16), 1),
        ((5, 1, 10**15), 0),
        ((15, 1, 10**15), 2),
        ((25, 1, 10**15), 2),
        ((26, 1, 10**15), 3),
    ],
)
def test_worth_is_rounded_half_to_even(numbers: tuple[int, int, int], worth: int) -> None:
    assert worth_cash(*numbers, False) == worth


def test_what_does_not_sum_to_zero_is_refused() -> None:
    row = LogRow(kind=LOG_FILL, cross_cash=-5, fees_cash=4)
    error = refused("LEDGER-101", lambda: list(from_log([row], ["A"], account="a", coin="USDT", run="r")))
    assert "off by -1e-8" in error.message
    entry = msgspec.structs.replace(entries()[0], postings=(Posting("wallet", 1),))
    refused("LEDGER-101", lambda: checked(entry))


def test_fills_that_cannot_be_are_refused() -> None:
    for wrong in ({"quantity8": 0}, {"price8": -1}, {"side": 2}, {"multiplier8": 0}):
        one = msgspec.structs.replace(FILLS[0], **wrong)
        assert "BTCUSDT trade 1" in refused("LEDGER-104", lambda one=one: list(from_fills([one]))).message
    leg = [fill(1, 1, 2, 94_000, position_side="long"), fill(2, -1, 3, 94_000, position_side="long")]
    assert "trade 2" in refused("LEDGER-105", lambda: list(from_fills(leg))).message


def test_an_entry_is_kept_once_and_never_changed(tmp_path: Path) -> None:
    base = opened(tmp_path / "l.sqlite")
    with base.write() as connection:
        assert keep_entries(connection, entries()) == len(entries())
        assert keep_incomes(connection, venue_records()) == len(venue_records())
    other = msgspec.structs.replace(entries()[0], postings=(Posting("wallet", -1), Posting("fees", 1)))

    def change() -> None:
        with base.write() as connection:
            keep_entries(connection, [msgspec.structs.replace(entries()[0], reference="new"), other])

    assert "fill:BTCUSDT:1" in refused("LEDGER-102", change).message

    def another_amount() -> None:
        with base.write() as connection:
            keep_incomes(connection, [msgspec.structs.replace(FUNDING[0], cash=1, source="f.csv, row 9")])

    assert "f.csv, row 9" in refused("LEDGER-103", another_amount).message
    assert ledger_of(base) == entries()
    assert ledger_of(base, "binance:other") == []
    with base.read() as connection:
        assert sorted(one.income_id for one in read_incomes(connection)) == sorted(
            one.income_id for one in venue_records()
        )
    base.close()


def test_every_posting_is_taken_out_exactly(tmp_path: Path) -> None:
    found = entries()
    count = sum(len(entry.postings) for entry in found)
    assert export(found, tmp_path / "l.csv") == export(found, tmp_path / "l.parquet") == count
    rows = list(csv.DictReader((tmp_path / "l.csv").read_text("utf-8").splitlines()))
    table = pl.read_parquet(tmp_path / "l.parquet")
    assert len(rows) == len(table) == count
    for name in ("wallet", "fees", "positions"):
        told = sum(Decimal(row["amount"]) for row in rows if row["book"] == name and row["coin"] == "USDT")
        whole = table.filter((pl.col("book") == name) & (pl.col("coin") == "USDT"))["cash"].sum()
        assert int(told * E8) == whole == balances(found)["USDT"][name]
    assert rows[0]["time_utc"] == "2025-05-04T00:01:00.000000000Z"


def test_beancount_opens_every_account_and_every_transaction_is_zero() -> None:
    odd = msgspec.structs.replace(entries()[0], coin="1INCH", kind='a "kind"', account="own venue:über")
    strange = [msgspec.structs.replace(odd, coin=coin, account=coin) for coin in ("中文", "中国", "usdt")]
    lines = "".join(beancount([*entries(), odd, *strange])).splitlines()
    opened_names = {line.split()[2] for line in lines if " open " in line}
    sums: dict[str, Decimal] = {}
    used, transactions = set(), 0
    for line in [*lines, ""]:
        if line.startswith("  ") and ":" in line.split()[0] and not line.split()[0].endswith(":"):
            name, amount, coin = line.split()
            used.add(name)
            sums[coin] = sums.get(coin, Decimal(0)) + Decimal(amount)
        elif not line:
            assert not any(sums.values())
            transactions += bool(sums)
            sums = {}
    assert used == opened_names
    assert transactions == len(entries()) + 4
    commodities = {line.split()[2] for line in lines if line.startswith("  Assets")}
    assert len(commodities) == len({"USDT", "BNB", "1INCH", "中文", "中国", "usdt"})
    assert all(re.fullmatch(r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]", name) for name in commodities)
    assert any(line.endswith(" X-1INCH") for line in lines)
    assert '2025-05-04 * "a \\"kind\\"" "BTCUSDT"' in lines


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("mine")
    refused("LEDGER-106", lambda: export(entries(), tmp_path / "l.csv"))
    refused("LEDGER-106", lambda: export(entries(), tmp_path / "l.xlsx"))
    refused("LEDGER-106", lambda: export(entries(), tmp_path / "no" / "l.parquet"))
    assert (tmp_path / "l.csv").read_text() == "mine"


def test_unknown_income_is_kept_under_its_own_name() -> None:
    odd = msgspec.structs.replace(TRANSFER, kind="WELCOME_BONUS", cash=5)
    (entry,) = from_incomes(
        [odd, msgspec.structs.replace(odd, cash=0), msgspec.structs.replace(odd, kind="COMMISSION")]
    )
    assert [one.kind for one in expected([entry])] == ["WELCOME_BONUS"]
    assert reconcile([entry], [odd]) == []
    assert isinstance(reconcile([entry], [])[0], Difference)
