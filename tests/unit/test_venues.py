"""Venues side by side: the facts are sound and sourced, the sizes are right, unknown stays unknown."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.contracts.reference_prices import reference_price
from lotwise.contracts.venues import FACTS, NAMES, VenueFacts, parse_facts, venue_facts
from lotwise.errors import FactsError, InputError
from lotwise.records.venues import VenueAnswer, VenueComparison
from lotwise.sizing.compare import venues as compare

FILE = Path(__file__).resolve().parents[2] / "src" / "lotwise" / "contracts" / "facts" / "venues.tsv"
RATES = {"maker_fee", "taker_fee"}
CENT8 = Fraction(1, 10**8)


def rows() -> list[list[str]]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")][1:]


def one(found: VenueComparison, venue: str) -> VenueAnswer:
    return next(answer for answer in found.venues if answer.venue == venue)


def up8(value: Fraction) -> Fraction:
    """Rounded up to 1e-8."""
    return -(-value // CENT8) * CENT8


def number(text: str | None) -> Fraction:
    assert text is not None
    return Fraction(Decimal(text))


# -- the file --------------------------------------------------------------------------------------


def test_the_file_has_the_form_of_a_fact_file() -> None:
    text = FILE.read_text(encoding="utf-8")
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert all(line.startswith("# ") and "\t" not in line for line in head)
    assert re.search(r"^# current: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert text.splitlines()[len(head)] == "venue\tfact\tvalue\tas_of\tsource"
    assert text.endswith("\n")
    assert "\r" not in text


def test_every_fact_has_a_day_or_none_and_a_source() -> None:
    found = rows()
    assert found == sorted(found)
    assert len({(venue, fact) for venue, fact, *_ in found}) == len(found)
    for venue, fact, value, day, source in found:
        assert venue in NAMES
        assert fact in FACTS
        assert re.fullmatch(r"-|\d{4}-\d\d-\d\d", day), (venue, fact)
        assert source.strip() == source != ""
        assert 0 < len(value) <= 160
        assert value.strip() == value not in {"-", "unknown"}
        if fact in RATES:
            assert 0 <= Decimal(value) < Decimal("0.002")


def test_every_venue_of_the_catalogue_has_facts() -> None:
    assert set(catalogue.VENUES) <= set(NAMES)


def test_the_loader_gives_every_line_and_nothing_else() -> None:
    known = {
        (venue, fact, held.value, held.as_of or "-", held.source)
        for venue in NAMES
        for fact, held in venue_facts(venue).facts().items()
        if held is not None
    }
    assert known == {tuple(row) for row in rows()}


@pytest.mark.parametrize(
    ("venue", "fact"),
    [
        ("binance", "minimum_deposit"),
        ("binance", "minimum_withdrawal"),
        ("bybit", "margin_call"),
        ("bybit-inverse", "taker_fee"),
        ("mexc", "funding_method"),
        ("weex", "minimum_deposit"),
        ("cme", "maker_fee"),
        ("cme", "minimum_deposit"),
        ("coinbase", "taker_fee"),
        ("coinbase", "attached_stops"),
    ],
)
def test_what_no_source_says_is_unknown(venue: str, fact: str) -> None:
    assert venue_facts(venue).facts()[fact] is None


def test_every_sentence_on_oversight_is_there_with_its_source() -> None:
    known = 0
    for venue in NAMES:
        facts = venue_facts(venue)
        for fact in (facts.regulation, facts.client_funds):
            assert fact is None or len(fact.source) > 10
            known += fact is not None
    assert known >= 14
    assert venue_facts("bybit").regulation is None  # no source of its own: unknown


@pytest.mark.parametrize("name", [" Binance ", "BYBIT-INVERSE", "cme"])
def test_a_venue_is_found_in_any_case(name: str) -> None:
    facts = venue_facts(name)
    assert isinstance(facts, VenueFacts)
    assert facts.venue == name.strip().lower()


@pytest.mark.parametrize("name", ["", "kraken", "binance:BTCUSDT", "\ud800", None, 5])
def test_an_unknown_venue_is_refused(name: Any) -> None:
    with pytest.raises(InputError) as caught:
        venue_facts(name)
    assert caught.value.code == "CONTRACT-201"
    assert "bybit-inverse" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("binance\tdemo\tyes\t-", "4 columns"),
        ("binance\tdemo\tyes\t-\tx\ty", "6 columns"),
        ("kraken\tdemo\tyes\t-\tx", "'kraken'"),
        ("binance\tcolour\tyes\t-\tx", "'colour'"),
        ("binance\tvenue\tyes\t-\tx", "'venue'"),
        ("binance\tdemo\tyes\t-\tx\nbinance\tdemo\tno\t-\tx", "twice"),
        ("binance\tdemo\t\t-\tx", "lacks"),
        ("binance\tdemo\tyes\t-\t", "lacks"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(line: str, why: str) -> None:
    with pytest.raises(FactsError, match=why) as caught:
        parse_facts(f"# head\nvenue\tfact\tvalue\tas_of\tsource\n{line}\n")
    assert caught.value.code == "CONTRACT-220"
    assert re.search(r"line [34] ", caught.value.message)


# -- sizes, computed again -------------------------------------------------------------------------

BOOKS = {
    "binance": (Fraction("0.001"), Fraction(100), Fraction("0.0005")),
    "bybit": (Fraction("0.001"), Fraction(5), Fraction("0.00055")),
}
"""Lot, minimum notional and taker fee of BTCUSDT, from the venues' documents."""


def loss_of(lots: int, lot: Fraction, prices: tuple[Fraction, Fraction], fee: Fraction) -> Fraction:
    """What so many lots lose at the stop: the move and two taker fees, each part rounded up."""
    entry, stop = prices
    coins = lots * lot
    return up8(coins * abs(entry - stop)) + up8(coins * entry * fee) + up8(coins * stop * fee)


@pytest.mark.parametrize("venue", BOOKS)
@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("percent", [1, 2, 5])
@pytest.mark.parametrize("equity", [200, 500, 1_000, 3_333, 10_000])
def test_the_size_is_the_largest_whose_loss_fits(venue: str, side: str, percent: int, equity: int) -> None:
    lot, least, fee = BOOKS[venue]
    entry = Fraction(60_000)
    stop = entry * (100 - percent if side == "long" else 100 + percent) / 100
    budget = Fraction(equity, 100)
    smallest = max(1, -(-least // (entry * lot)))
    lots = 0
    while loss_of(lots + 1, lot, (entry, stop), fee) <= budget:
        lots += 1
    lots = lots if lots >= smallest else 0

    found = compare(equity=str(equity), stop=f"{percent}%", price="60000", venues=[venue], side=side)
    answer = found.venues[0]
    assert number(found.budget) == budget
    assert number(answer.stop) == stop
    assert number(answer.smallest_quantity) == smallest * lot
    assert number(answer.smallest_money) == smallest * lot * entry
    if lots == 0:
        assert (answer.status, answer.quantity, answer.loss) == ("refused", None, None)
        assert number(answer.smallest_loss) == loss_of(smallest, lot, (entry, stop), fee)
        assert answer.blocked_by is not None
        assert answer.way_out is not None
        assert found.least_waste is None
        return
    lost = loss_of(lots, lot, (entry, stop), fee)
    used = -(-lost * 10_000 // budget) / Fraction(10_000)
    assert answer.status == "fits"
    assert number(answer.quantity) == lots * lot
    assert number(answer.loss) == lost
    assert number(answer.budget_used) == used
    assert number(answer.lot_waste) == 1 - used
    assert found.least_waste == venue


def test_500_usdt_on_binance_and_bybit() -> None:
    found = compare(equity="500", price="60000", venues="binance,bybit")
    binance, bybit = found.venues
    assert (binance.quantity, binance.loss, binance.budget_used) == ("0.003", "3.7782", "0.7557")
    assert (bybit.quantity, bybit.loss, bybit.budget_used) == ("0.003", "3.79602", "0.7593")
    assert (binance.smallest_money, bybit.smallest_money) == ("120.00", "60.00")
    assert found.least_waste == "bybit"
    assert (binance.tick_size, binance.lot_quantity) == ("0.1", "0.001 BTC")


def test_200_usdt_does_not_fit_binance_and_says_the_way_out() -> None:
    found = compare(equity="200", price="60000", venues=["binance", "bybit"])
    binance, bybit = found.venues
    assert binance.status == "refused"
    assert binance.blocked_by is not None
    assert binance.blocked_by.code == "SIZE-111"
    assert binance.way_out is not None
    assert (binance.way_out.kind, binance.way_out.value) == ("stop", "59059.6")
    assert (bybit.quantity, found.least_waste) == ("0.001", "bybit")


def test_a_price_between_ticks_moves_away_from_the_stop() -> None:
    long = compare(equity="500", price="60000.04", stop="58800.07", venues=["binance"]).venues[0]
    short = compare(equity="500", price="60000.04", stop="61200.03", venues=["binance"], side="short").venues[
        0
    ]
    assert (long.entry, long.stop) == ("60000.1", "58800.0")
    assert (short.entry, short.stop) == ("60000.0", "61200.1")
    assert any("entry moved to the tick 0.1" in note for note in long.notes)


def test_risk_may_be_money() -> None:
    share = compare(equity="500", price="60000", venues=["binance"], risk="1%")
    money = compare(equity="500", price="60000", venues=["binance"], risk="5")
    assert (money.venues, money.budget) == (share.venues, share.budget)


# -- contracts that settle in something else -------------------------------------------------------

INVERSE = Contract(
    venue="binance-coinm",
    symbol="BTCUSD_PERP",
    base="BTC",
    quote="USD",
    kind="inverse_perpetual",
    tick_size="0.1",
    lot_size="1",
    contract_size="100",
    fees=FeeSchedule(maker="0.0001", taker="0.0005"),
)
FRIDAY = Contract(
    venue="cme",
    symbol="BFF",
    base="BTC",
    quote="USD",
    kind="linear_dated",
    tick_size="5",
    lot_size="1",
    contract_size="0.02",
    clearing=True,
)
MICRO = FRIDAY.replace(symbol="MBT", contract_size="0.1")


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[Contract]:
    """A catalogue of BTC contracts that a test fills."""
    held: list[Contract] = []

    def same_coin(base: str, settle: str) -> list[Contract]:
        return [found for found in held if (found.base, found.settle) == (base, settle)]

    monkeypatch.setattr(catalogue, "same_coin", same_coin)
    return held


@pytest.mark.parametrize("risk", ["1%", "5"])
def test_a_coin_margined_contract_is_sized_in_its_coin(listed: list[Contract], risk: str) -> None:
    listed.append(INVERSE)
    found = compare(equity="500", price="60000", risk=risk, venues=["binance-coinm"])
    answer = found.venues[0]
    entry, stop, fee = Fraction(60_000), Fraction(58_800), Fraction("0.0005")
    coins = Fraction(500) / entry // CENT8 * CENT8  # bought at the entry, rounded down
    budget = (coins if risk == "1%" else Fraction(5) / entry * 100) / 100 // CENT8 * CENT8

    def lost(contracts: int) -> Fraction:
        usd = Fraction(100 * contracts)
        return up8(usd / stop - usd / entry) + up8(usd / entry * fee) + up8(usd / stop * fee)

    contracts = 0
    while lost(contracts + 1) <= budget:
        contracts += 1
    assert contracts == 2
    assert (answer.status, answer.contracts) == ("fits", str(contracts))
    assert number(answer.quantity) == Fraction(200) / entry // CENT8 * CENT8
    assert number(answer.loss) == up8(lost(contracts) * entry)
    assert number(answer.budget_used) == -(-lost(contracts) * 10_000 // budget) / Fraction(10_000)
    assert (answer.smallest_money, answer.lot_quantity) == ("100.00", "100 USD")
    assert any("convert 500.00 USDT to 0.00833333 BTC" in note for note in answer.notes)
    assert any("counted, at the entry price" in text for text in found.assumptions)


def test_a_cleared_future_takes_the_smallest_contract_and_says_what_is_missing(
    listed: list[Contract],
) -> None:
    listed += [MICRO, FRIDAY]
    found = compare(equity="5000", price="60001", venues=["cme"])
    answer = found.venues[0]
    assert (answer.contract, answer.entry) == ("cme:BFF", "60005")
    assert (answer.quantity, answer.contracts) == ("0.04", "2")
    assert number(answer.loss) == 2 * Fraction("0.02") * (60_005 - number(answer.stop))
    assert (answer.maker_fee, answer.taker_fee, answer.max_leverage) == (None, None, None)
    told = " ".join(answer.notes)
    assert "fees are unknown and not counted" in told
    assert "convert 5,000.00 USDT first" in told
    assert "margin" in told
    assert any(text.startswith("1 USD = 1 USDC = 1 USDT") for text in found.assumptions)
    assert compare(equity="500", price="60000", venues=["cme"]).venues[0].status == "refused"


def test_a_venue_whose_fees_are_not_counted_is_not_called_the_best(listed: list[Contract]) -> None:
    listed += [FRIDAY, INVERSE]
    found = compare(equity="2500", price="60000", venues=["cme", "binance-coinm"])
    shares = {answer.venue: number(answer.budget_used) for answer in found.venues}
    assert shares["cme"] > shares["binance-coinm"]
    assert found.least_waste == "binance-coinm"


def test_a_venue_without_the_contract_says_so(listed: list[Contract]) -> None:
    listed.append(INVERSE)
    found = compare(equity="500", price="60000")
    assert [answer.venue for answer in found.venues] == list(NAMES)
    assert {answer.status for answer in found.venues if answer.venue != "binance-coinm"} == {
        "no contract facts"
    }
    weex = one(found, "weex")
    assert (weex.contract, weex.quantity, weex.tick_size) == (None, None, None)
    assert (weex.maker_fee, weex.taker_fee) == ("0.0002", "0.0008")
    assert weex.facts["regulation"] is not None


def test_a_contract_in_the_accounts_money_comes_first_then_a_perpetual_one(listed: list[Contract]) -> None:
    mine = INVERSE.replace(
        venue="bybit",
        kind="linear_perpetual",
        quote="USDT",
        settle="USDT",
        contract_size="0.01",
        symbol="MINE",
    )
    other = mine.replace(symbol="OTHER", quote="USDC", settle="USDC", contract_size="0.001")
    dated = mine.replace(
        symbol="DATED", kind="linear_dated", contract_size="0.001", expiry="2026-12-25T08:00:00Z"
    )
    listed += [other, dated, mine]
    assert compare(equity="5000", price="60000", venues=["bybit"]).venues[0].contract == "bybit:MINE"
    listed.remove(mine)
    assert compare(equity="5000", price="60000", venues=["bybit"]).venues[0].contract == "bybit:DATED"
    after = compare(equity="5000", price="60000", venues=["bybit"], today="2026-12-26").venues[0]
    assert after.contract == "bybit:OTHER"


def test_one_venue_that_cannot_be_sized_does_not_stop_the_others(listed: list[Contract]) -> None:
    coarse = FRIDAY.replace(tick_size="900", fees=FeeSchedule(maker="0", taker="0"))
    listed += [coarse, INVERSE]
    found = compare(equity="500", price="60000", stop="1%", venues=["binance-coinm", "cme"])
    assert [answer.status for answer in found.venues] == ["fits", "not sized"]
    assert "less than one tick" in one(found, "cme").notes[0]
    with pytest.raises(InputError, match="less than one tick"):
        compare(equity="500", price="60000", stop="1%", venues=["cme"])


# -- where the price comes from --------------------------------------------------------------------


def test_without_a_price_the_dated_reference_is_used() -> None:
    dated = reference_price("BTC", "USDT")
    assert dated is not None
    found = compare(equity="500", venues=["bybit"])
    assert number(found.price) == Fraction(str(dated.price))
    assert (found.price_from, found.price_day) == (dated.source, str(dated.day))


def test_without_any_price_one_is_asked_for() -> None:
    assert reference_price("TRX", "USDT") is None
    with pytest.raises(InputError) as caught:
        compare(equity="500", coin="TRX")
    assert caught.value.code == "COMPARE-001"
    assert "--price" in caught.value.hint


# -- silly questions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"equity": "0"}, "SIZE-010"),
        ({"equity": "-5"}, "SIZE-010"),
        ({"equity": "five"}, "UNIT-102"),
        ({"equity": 0.5}, "UNIT-101"),
        ({"risk": "0%"}, "SIZE-009"),
        ({"risk": "600"}, "SIZE-009"),
        ({"risk": "%"}, "UNIT-102"),
        ({"price": "0"}, "SIZE-001"),
        ({"price": "-1"}, "SIZE-001"),
        ({"price": "1e5"}, "UNIT-102"),
        ({"stop": "1.5atr"}, "COMPARE-002"),
        ({"stop": "Liquidation"}, "COMPARE-002"),
        ({"stop": "0%"}, "SIZE-006"),
        ({"stop": "100%"}, "SIZE-006"),
        ({"stop": "61000"}, "SIZE-005"),
        ({"stop": "%"}, "UNIT-102"),
        ({"stop": ""}, "UNIT-102"),
        ({"side": "up"}, "SIZE-003"),
        ({"slippage": "70000"}, "SIZE-008"),
        ({"spread": "x"}, "UNIT-102"),
        ({"coin": "NOSUCHCOIN"}, "CONTRACT-202"),
        ({"coin": "BTC/USDT"}, "CONTRACT-204"),
        ({"coin": ""}, "CONTRACT-204"),
        ({"coin": "币安人生"}, "CONTRACT-204"),
        ({"coin": None}, "CONTRACT-204"),
        ({"venues": "kraken"}, "CONTRACT-201"),
        ({"venues": []}, "CONTRACT-201"),
        ({"venues": [5]}, "CONTRACT-201"),
        ({"venues": 5}, "CONTRACT-201"),
        ({"venues": ","}, "CONTRACT-201"),
    ],
)
def test_a_silly_question_is_refused_with_a_code(changed: dict[str, Any], code: str) -> None:
    asked: dict[str, Any] = {"equity": "500", "price": "60000", "venues": "binance,bybit"} | changed
    with pytest.raises(InputError) as caught:
        compare(**asked)
    assert caught.value.code == code
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_a_coin_is_helped_to_its_name() -> None:
    with pytest.raises(FactsError) as caught:
        compare(equity="500", coin="SHIB", price="1")
    assert "1000SHIB" in caught.value.hint


# -- the record ------------------------------------------------------------------------------------


def test_the_answer_is_plain_data_with_every_fact() -> None:
    answer = compare(equity="500", price="60000", venues=["binance"])
    told = answer.as_dict()
    assert list(told["venues"][0]["facts"]) == list(FACTS)
    assert told["venues"][0]["facts"]["minimum_deposit"] is None
    assert set(told["venues"][0]["facts"]["liquidation"]) == {"value", "as_of", "source"}
    assert told["price_from"] == "given"
    shown = answer._repr_html_()
    assert shown.count("<tr>") == 7
    assert "Binance USD-M" in shown
