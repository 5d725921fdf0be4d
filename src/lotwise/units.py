"""Integer units: the names, the scales, and the way in from text and out to text.

Inside, every number is an integer with its unit in the type; at the edges it is exact
decimal text (``str`` or ``Decimal``), never a float. Nothing here rounds silently: a
function that rounds says how in its name.

======== ===================== =======================================
type     unit                  used for
======== ===================== =======================================
Ticks    ``tick_size`` steps   order and fill prices
Price8   1e-8 of the quote     mark, liquidation, bankruptcy prices
Lots     ``lot_size`` steps    quantities
Cash     1e-8 of the settle    money
         coin
Rate8    1e-8                  fee, funding, margin rates, shares
======== ===================== =======================================
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, NewType

from lotwise.errors import UnitError

Ticks = NewType("Ticks", int)
Price8 = NewType("Price8", int)
Lots = NewType("Lots", int)
Cash = NewType("Cash", int)
Rate8 = NewType("Rate8", int)

SCALE: Final = 100_000_000
"""Units of 1e-8 in one: of a coin (Cash), of the quote (Price8), of a rate (Rate8)."""

MAX_WHOLE_DIGITS: Final = 12
"""Longest whole part read from text. 1e12 in 1e-8 steps is 1e20, beyond int64; the bounds
of a contract are narrower still, and this keeps a typing slip from becoming arithmetic."""

MAX_LENGTH: Final = 100
"""Longest text read as a number: no market prints more, and Python itself stops at 4,300 digits."""

SHOWN_LENGTH: Final = 60
"""Longest excerpt of a user's value in a message."""

MAX_CASH: Final = 10**10 * SCALE
"""Largest amount of money read from text; the bounds of a contract count on it."""

_PLAIN = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?", re.ASCII)
_LEADING_POINT = re.compile(r"([+-]?)\.([0-9]+)", re.ASCII)

Number = str | int | Decimal
"""What a public function takes for a number: text, an int or a Decimal; never a float."""


def plain_text(value: object, name: str) -> str:
    """Text of a plain decimal number, or a coded error.

    Parameters
    ----------
    value
        ``str``, ``int`` or ``Decimal``.
    name
        What the value is, for the message.

    Raises
    ------
    UnitError
        UNIT-101 not text or Decimal (floats); UNIT-102 no plain number (``1,000``, ``1e30``,
        ``nan``, digits of another script); UNIT-103 too many whole digits.

    Examples
    --------
    >>> plain_text(" 65000.50 ", "entry")
    '65000.50'
    """
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise UnitError(
            "UNIT-101",
            f"{name} is {shown(value)} of type {type(value).__name__}: exact numbers only",
            f"pass text or Decimal, e.g. {name}='{_suggest(value)}'",
        )
    else:
        text = _decimal_text(value, name)
    if len(text) > MAX_LENGTH:
        raise UnitError("UNIT-103", f"{name} has {len(text)} characters", f"give {name} in fewer digits")
    match = _PLAIN.fullmatch(text)
    if match is None:
        if _LEADING_POINT.fullmatch(text):
            return text.replace(".", "0.", 1)
        raise UnitError("UNIT-102", f"{name} is {shown(text)}: not a plain number", _number_hint(text))
    if len(match[2].lstrip("0")) > MAX_WHOLE_DIGITS:
        raise UnitError(
            "UNIT-103",
            f"{name} is {shown(text)}: more than {MAX_WHOLE_DIGITS} whole digits",
            f"keep {name} below 1 followed by {MAX_WHOLE_DIGITS} zeros",
        )
    return text


def shown(value: object) -> str:
    """A user's value in a message: its repr, short, whatever it is.

    >>> shown("abc"), shown("a" * 99)[-6:]
    ("'abc'", 'aaa...')
    """
    try:
        text = repr(value)
    except ValueError:  # an int of over 4,300 digits
        text = f"a {type(value).__name__} too long to print"
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 3] + "..."


def _decimal_text(value: int | Decimal, name: str) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise UnitError("UNIT-102", f"{name} is {value}: not a plain number", f"give {name} as digits")
        if not -40 < value.adjusted() < 40:  # before format() writes a million zeros
            raise UnitError(
                "UNIT-103", f"{name} is {value}: out of range", f"give {name} between 1e-8 and 1e12"
            )
    elif abs(value) >= 10**40:  # before str() meets the interpreter's digit limit
        raise UnitError("UNIT-103", f"{name} has over 40 digits", f"give {name} below 1e12")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _suggest(value: object) -> str:
    text = shown(value)
    return text if _PLAIN.fullmatch(text) else "65000.0"


def _number_hint(text: str) -> str:
    if not text:
        return "give digits, e.g. 65000.0"
    without = text.replace(",", "").replace("_", "").replace(" ", "")
    if without != text and _PLAIN.fullmatch(without):
        decimal = text.replace(",", ".")
        if text.count(",") == 1 and not _GROUPED.fullmatch(text) and _PLAIN.fullmatch(decimal):
            return f"write {decimal} with a point"
        return f"write {without}"
    if text.endswith("%"):
        return "a percentage does not fit here: give the number itself"
    if re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?[0-9]{1,3}", text, re.ASCII):
        exact = Decimal(text) if re.match(r"[+-]?[0-9]+(\.[0-9]*)?[eE]", text, re.ASCII) else Decimal(0)
        if exact and -20 < exact.adjusted() <= MAX_WHOLE_DIGITS:
            return f"write {exact:f}"
        return "write the digits out; no exponents"
    if not text.isascii():
        return "use the digits 0-9 and a point"
    return "digits and one decimal point only, e.g. 65000.0"


def parse_scaled(value: object, name: str, decimals: int = 8) -> int:
    """Exact integer of ``value`` in steps of 10**-decimals; finer text is refused, not rounded.

    Raises
    ------
    UnitError
        As :func:`plain_text`; UNIT-104 if the value has more decimals than the unit holds.

    Examples
    --------
    >>> parse_scaled("0.00055", "fee")
    55000
    """
    text = plain_text(value, name)
    whole, _, fraction = text.partition(".")
    if len(fraction) > decimals:
        fraction = fraction.rstrip("0")
        if len(fraction) > decimals:
            raise UnitError(
                "UNIT-104",
                f"{name} is {shown(text)}: finer than {decimals} decimals",
                f"round {name} to {decimals} decimals",
            )
    scaled = int(whole + fraction.ljust(decimals, "0"))
    return scaled


def parse_cash(value: object, name: str) -> Cash:
    """Money in 1e-8 of the settle coin.

    Raises
    ------
    UnitError
        As :func:`parse_scaled`; UNIT-105 beyond 10,000,000,000, the bound of 64-bit money.

    Examples
    --------
    >>> parse_cash("9.55", "budget")
    955000000
    """
    cash = parse_scaled(value, name)
    if abs(cash) > MAX_CASH:
        raise UnitError(
            "UNIT-105", f"{name} is {shown(str(value))}: more than 10,000,000,000", f"give a smaller {name}"
        )
    return Cash(cash)


def parse_rate(value: object, name: str) -> Rate8:
    """A rate: ``"0.0005"``, ``"0.05%"``, ``"0.05 %"`` or ``"5bp"``, in 1e-8.

    >>> parse_rate("0.05%", "fee") == parse_rate("5bp", "fee") == parse_rate("0.0005", "fee")
    True
    """
    if isinstance(value, str):
        text = value.strip()
        if text.endswith("%"):
            return Rate8(parse_scaled(text[:-1], name, 6))
        if text.endswith("bp"):
            return Rate8(parse_scaled(text[:-2], name, 4))
    return Rate8(parse_scaled(value, name))


def scaled_text(value: int, decimals: int = 8, least: int = 0) -> str:
    """Exact decimal text of ``value`` x 10**-decimals with at least ``least`` decimals.

    >>> scaled_text(955000000, least=2), scaled_text(251880000, least=2), scaled_text(-5, 1)
    ('9.55', '2.5188', '-0.5')
    """
    digits = str(abs(value)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    fraction = fraction.rstrip("0").ljust(least, "0")
    text = f"{whole}.{fraction}" if fraction else whole
    return "-" + text if value < 0 else text


def cash_text(cash: int) -> str:
    """Money as text: exact, at least two decimals.

    >>> cash_text(910000000)
    '9.10'
    """
    return scaled_text(cash, 8, 2)


def percent_text(rate8: int) -> str:
    """A rate as a percentage, exact.

    >>> percent_text(1_259_400)
    '1.2594 %'
    """
    return scaled_text(rate8, 6) + " %"


def shown_up(text: str, decimals: int) -> str:
    """Exact text with at most ``decimals`` decimals for people, rounded up: losses and costs.

    >>> shown_up("4.99389657", 4), shown_up("9.10", 4)
    ('4.9939', '9.10')
    """
    return _shown_text(text, decimals, up=True)


def shown_down(text: str, decimals: int) -> str:
    """As :func:`shown_up`, rounded down: gains and what stays.

    >>> shown_down("3.70305", 4), shown_down("-0.00001", 4)
    ('3.703', '-0.0001')
    """
    return _shown_text(text, decimals, up=False)


def _shown_text(text: str, decimals: int, *, up: bool) -> str:
    scaled = parse_scaled(text, "amount", 8)
    step = 10 ** (8 - decimals)
    steps = -(-scaled // step) if up else scaled // step
    return scaled_text(steps, decimals, min(2, decimals))


def grouped(text: str) -> str:
    """Decimal text with thousands separators, for people.

    >>> grouped("65000.0"), grouped("-1234567.5")
    ('65,000.0', '-1,234,567.5')
    """
    sign = "-" if text.startswith("-") else ""
    whole, point, fraction = text.removeprefix("-").partition(".")
    return f"{sign}{int(whole):,}{point}{fraction}"
