"""Units: the way in from text, the way out to text, and nothing rounded in between."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from lotwise.errors import UnitError
from lotwise.units import (
    MAX_CASH,
    MAX_WHOLE_DIGITS,
    SCALE,
    cash_text,
    grouped,
    parse_cash,
    parse_rate,
    parse_scaled,
    percent_text,
    plain_text,
    scaled_text,
    shown_down,
    shown_up,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("65000", "65000"),
        (" 65000.50\t", "65000.50"),
        ("+5", "+5"),
        ("-5", "-5"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("+.5", "+0.5"),
        ("007", "007"),
        ("000000000000000000001", "000000000000000000001"),
        (0, "0"),
        (-3, "-3"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("65000.50"), "65000.50"),
        (Decimal("-0"), "-0"),
    ],
)
def test_plain_text(value: object, text: str) -> None:
    assert plain_text(value, "x") == text


@pytest.mark.parametrize(
    ("value", "code", "hint"),
    [
        ("1,000", "UNIT-102", "write 1000"),
        ("1_000.5", "UNIT-102", "write 1000.5"),
        ("1 000", "UNIT-102", "write 1000"),
        ("1%", "UNIT-102", "a percentage does not fit here: give the number itself"),
        ("6.5e4", "UNIT-102", "write 65000"),
        ("1E3", "UNIT-102", "write 1000"),
        ("1e-9", "UNIT-102", "write 0.000000001"),
        ("1e30", "UNIT-102", "write the digits out; no exponents"),
        ("1e-99", "UNIT-102", "write the digits out; no exponents"),
        (".e5", "UNIT-102", "write the digits out; no exponents"),
        ("1.2.3e5", "UNIT-102", "write the digits out; no exponents"),
        ("６５", "UNIT-102", "use the digits 0-9 and a point"),
        ("٦", "UNIT-102", "use the digits 0-9 and a point"),
        ("", "UNIT-102", "give digits, e.g. 65000.0"),
        ("\t\n", "UNIT-102", "give digits, e.g. 65000.0"),
        ("nan", "UNIT-102", "digits and one decimal point only, e.g. 65000.0"),
        ("1,2,x", "UNIT-102", "digits and one decimal point only, e.g. 65000.0"),
        ("5.", "UNIT-102", "digits and one decimal point only, e.g. 65000.0"),
        (".", "UNIT-102", "digits and one decimal point only, e.g. 65000.0"),
        ("1" * 13, "UNIT-103", "keep x below 1 followed by 12 zeros"),
        ("1" * 101, "UNIT-103", "give x in fewer digits"),
        (10**40, "UNIT-103", "give x below 1e12"),
        (10**12, "UNIT-103", "keep x below 1 followed by 12 zeros"),
        (Decimal("1E40"), "UNIT-103", "give x between 1e-8 and 1e12"),
        (Decimal("1E-40"), "UNIT-103", "give x between 1e-8 and 1e12"),
        (Decimal("-Infinity"), "UNIT-102", "give x as digits"),
        (0.1, "UNIT-101", "pass text or Decimal, e.g. x='0.1'"),
        (1e30, "UNIT-101", "pass text or Decimal, e.g. x='65000.0'"),
        (True, "UNIT-101", "pass text or Decimal, e.g. x='65000.0'"),
        (None, "UNIT-101", "pass text or Decimal, e.g. x='65000.0'"),
        (b"5", "UNIT-101", "pass text or Decimal, e.g. x='65000.0'"),
    ],
    ids=lambda part: f"{part!s:.20}",
)
def test_what_is_no_plain_number_and_what_to_write(value: object, code: str, hint: str) -> None:
    with pytest.raises(UnitError) as caught:
        plain_text(value, "x")
    assert (caught.value.code, caught.value.hint) == (code, hint)
    assert caught.value.message.startswith("x ")


def test_the_longest_whole_part() -> None:
    assert parse_scaled("9" * MAX_WHOLE_DIGITS, "x") == (10**12 - 1) * SCALE
    assert parse_scaled("0" * 50 + "9" * MAX_WHOLE_DIGITS, "x") == (10**12 - 1) * SCALE


@pytest.mark.parametrize(
    ("value", "decimals", "scaled"),
    [
        ("0.00055", 8, 55_000),
        ("-0.00055", 8, -55_000),
        (".5", 8, 50_000_000),
        ("1", 0, 1),
        ("1.000", 0, 1),
        ("0.10", 1, 1),
        ("0.000000010000000", 8, 1),
        ("-0", 8, 0),
        ("-0.0", 8, 0),
        (Decimal("0.1"), 8, 10_000_000),
        (Decimal("1E-8"), 8, 1),
        (7, 2, 700),
    ],
)
def test_parse_scaled(value: object, decimals: int, scaled: int) -> None:
    assert parse_scaled(value, "x", decimals) == scaled


@pytest.mark.parametrize(
    ("value", "decimals"), [("0.000000001", 8), ("1.5", 0), ("0.11", 1), (Decimal("1E-9"), 8)]
)
def test_what_is_finer_than_the_unit_is_refused_not_rounded(value: object, decimals: int) -> None:
    with pytest.raises(UnitError) as caught:
        parse_scaled(value, "x", decimals)
    assert caught.value.code == "UNIT-104"
    assert caught.value.hint == f"round x to {decimals} decimals"


def test_text_and_scaled_are_inverse() -> None:
    draw = random.Random(7)
    for _ in range(2_000):
        decimals = draw.randint(0, 16)
        scaled = draw.choice([1, -1]) * draw.randrange(10 ** draw.randint(0, 12 + decimals))
        text = scaled_text(scaled, decimals)
        assert parse_scaled(text, "x", decimals) == scaled
        assert Decimal(text) == Decimal(scaled).scaleb(-decimals)


def test_cash_ends_at_ten_billion() -> None:
    assert parse_cash("10000000000", "x") == MAX_CASH
    assert parse_cash("-10000000000", "x") == -MAX_CASH
    for beyond in ("10000000000.00000001", "-10000000000.00000001", 10**11):
        with pytest.raises(UnitError) as caught:
            parse_cash(beyond, "x")
        assert caught.value.code == "UNIT-105"


@pytest.mark.parametrize(
    ("value", "rate8"),
    [
        ("0.0005", 50_000),
        ("0.05%", 50_000),
        ("0.05 %", 50_000),
        (" 0.05% ", 50_000),
        ("5bp", 50_000),
        ("5 bp", 50_000),
        ("-1bp", -10_000),
        ("100%", SCALE),
        (Decimal("0.0005"), 50_000),
        (1, SCALE),
        ("0.000001%", 1),
        ("0.0001bp", 1),
    ],
)
def test_rates(value: str | int | Decimal, rate8: int) -> None:
    assert parse_rate(value, "x") == rate8


@pytest.mark.parametrize("value", ["0.0000001%", "0.00001bp", "0.000000001"])
def test_a_rate_finer_than_its_unit(value: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_rate(value, "x")
    assert caught.value.code == "UNIT-104"


@pytest.mark.parametrize("value", ["%", "bp", "5%%", "5bp%", "%5", "5 b p", "1,5%"])
def test_what_is_no_rate(value: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_rate(value, "x")
    assert caught.value.code == "UNIT-102"


@pytest.mark.parametrize(
    ("scaled", "decimals", "least", "text"),
    [
        (955_000_000, 8, 2, "9.55"),
        (910_000_000, 8, 2, "9.10"),
        (100_000_000, 8, 0, "1"),
        (0, 8, 2, "0.00"),
        (0, 0, 0, "0"),
        (-1, 8, 0, "-0.00000001"),
        (-5, 1, 0, "-0.5"),
        (123, 0, 2, "123.00"),
    ],
)
def test_scaled_text(scaled: int, decimals: int, least: int, text: str) -> None:
    assert scaled_text(scaled, decimals, least) == text


def test_money_and_shares_for_people() -> None:
    assert cash_text(910_000_000) == "9.10"
    assert cash_text(-1) == "-0.00000001"
    assert percent_text(1_259_400) == "1.2594 %"
    assert percent_text(SCALE) == "100 %"


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("4.99389657", "4.9939", "4.9938"),
        ("9.10", "9.10", "9.10"),
        ("-0.00001", "0.00", "-0.0001"),
        ("0.00000001", "0.0001", "0.00"),
        ("65000", "65000.00", "65000.00"),
    ],
)
def test_what_is_shown_is_rounded_to_the_cautious_side(text: str, up: str, down: str) -> None:
    assert shown_up(text, 4) == up
    assert shown_down(text, 4) == down
    assert Decimal(down) <= Decimal(text) <= Decimal(up)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("65000.0", "65,000.0"),
        ("-1234567.5", "-1,234,567.5"),
        ("0.001", "0.001"),
        ("999", "999"),
        ("1000", "1,000"),
        ("-0.5", "-0.5"),
    ],
)
def test_grouped(text: str, shown: str) -> None:
    assert grouped(text) == shown
