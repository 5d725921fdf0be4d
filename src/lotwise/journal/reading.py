"""A CSV file of fills or income read strictly: a row that is not whole or cannot be stops it, by name.

Prices and quantities are exact or refused. A fee finer than 1e-8 is rounded against the trader, a result half
to even. Times are stamps (seconds to nanoseconds since 1970) or dates; a date without a zone is UTC unless
one is given.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from lotwise.errors import InputError, LotwiseError
from lotwise.journal.columns import MINUS, TOLD, Form, form_of, mapped_form
from lotwise.journal.contracts import Facts
from lotwise.records.journal import Fill, Income
from lotwise.units import parse_scaled

MOST_BYTES: Final = 2**30
STAMPS: Final = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}
"""Digits of a stamp of our days, and the nanoseconds of its unit."""
MEXC_SIDES: Final = {"1": (1, "long"), "2": (1, "short"), "3": (-1, "short"), "4": (-1, "long")}
MEXC_ONE_WAY: Final = "2"
BUYS: Final = {
    "buy": 1,
    "b": 1,
    "long": 1,
    "bid": 1,
    "1": 1,
    "sell": -1,
    "s": -1,
    "short": -1,
    "ask": -1,
    "-1": -1,
}
YES: Final = {"true": 1, "1": 1, "yes": 1, "maker": 1, "false": 0, "0": 0, "no": 0, "taker": 0}
EXITS: Final = {
    "stoploss": "stop",
    "stop": "stop",
    "partialstoploss": "stop",
    "trailingstop": "stop",
    "takeprofit": "target",
    "partialtakeprofit": "target",
}
"""Bybit's ``stopOrderType``."""
FORCED: Final = {"BustTrade": "liquidation", "bustTrade": "liquidation", "AdlTrade": "liquidation"}
"""Bybit's ``execType`` of what is not a trade of one's own."""


@dataclass(frozen=True)
class Incoming:
    """What a file holds."""

    name: str
    form: str
    fills: list[Fill] = field(default_factory=list)
    incomes: list[Income] = field(default_factory=list)
    passed: int = 0
    """Rows that are neither fill nor income."""


@dataclass(frozen=True)
class Asked:
    """What the user says about a file."""

    venue: str = ""
    account: str = "main"
    mapping: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC


def read_file(path: Path, asked: Asked, facts: Facts) -> Incoming:
    """The fills or income of a file.

    Raises
    ------
    InputError
        JOURNAL-110 no such file, empty, or no text; JOURNAL-111, JOURNAL-112 columns that are not known;
        JOURNAL-113 a row that is not whole; JOURNAL-114 an unknown contract; JOURNAL-115 a value that cannot
        be. Each names the file and the row.
    """
    rows = rows_of(path)
    _, header = next(rows)
    if asked.mapping:
        form = mapped_form(asked.mapping, header, asked.venue, name=path.name)
    else:
        form = form_of(header, asked.venue, path.name)
    numbered = ((number, dict(zip(header, row, strict=True))) for number, row in rows)
    return from_rows(numbered, form, asked, name=path.name, facts=facts, header=header)


def from_ccxt(
    infos: Iterable[Mapping[str, Any]], venue: str, facts: Facts, *, account: str = "main", name: str = ""
) -> Incoming:
    """The fills or income of ccxt's raw rows: ``trade["info"]`` of ``fetch_my_trades``, or of its ledger.

    Raises
    ------
    InputError
        As :func:`read_file`; the row is the place in ``infos``, from 1 on.
    """
    rows = [{key: _plain(value) for key, value in info.items()} for info in infos]
    if not rows:
        return Incoming(name or f"ccxt {venue}", "nothing")
    header = list(dict.fromkeys(key for row in rows for key in row))
    label = name or f"ccxt {venue}"
    form = form_of(header, venue, label)
    whole = [{key: row.get(key, "") for key in header} for row in rows]
    return from_rows(enumerate(whole, 1), form, Asked(venue, account), name=label, facts=facts, header=header)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return str(value)
    return format(Decimal(repr(value)), "f")


def from_rows(
    rows: Iterable[tuple[int, Mapping[str, str]]],
    form: Form,
    asked: Asked,
    *,
    name: str,
    facts: Facts,
    header: Sequence[str],
) -> Incoming:
    """The fills or income of numbered rows of a known form."""
    columns = form.found(header)
    reader = _Reader(form, asked, name, facts, columns)
    found = Incoming(name, form.name)
    passed = 0
    numbered = [
        (number, {ours: row[theirs].strip() for ours, theirs in columns.items()}) for number, row in rows
    ]
    sign = _fee_sign(form, [row for _, row in numbered])
    for number, row in numbered:
        try:
            one = reader.income(row, number) if form.is_income else reader.fill(row, number, sign)
        except LotwiseError as error:
            if error.code.startswith("JOURNAL"):
                raise
            raise InputError("JOURNAL-115", f"{name}, row {number}: {error.message}", error.hint) from error
        if isinstance(one, Fill):
            found.fills.append(one)
        elif isinstance(one, Income):
            found.incomes.append(one)
        else:
            passed += 1
    return Incoming(name, form.name, found.fills, found.incomes, passed)


def _fee_sign(form: Form, rows: Sequence[Mapping[str, str]]) -> int:
    """1 where a fee above zero was paid. Takers always pay, so their rows tell where the venue does not."""
    if form.paid != TOLD:
        return -1 if form.paid == MINUS else 1
    takers = [row for row in rows if YES.get(row.get("maker", "").lower()) == 0]
    signs = [
        row.get("fee", "").startswith("-") for row in (takers or rows) if row.get("fee", "").strip("-0.")
    ]
    return -1 if signs and sum(signs) * 2 > len(signs) else 1


class _Reader:
    """Makes one record of one row."""

    def __init__(self, form: Form, asked: Asked, name: str, facts: Facts, columns: Mapping[str, str]) -> None:
        self.form, self.asked, self.name, self.facts, self.columns = form, asked, name, facts, columns
        self.seen: dict[str, int] = {}

    def wrong(self, number: int, ours: str, value: str, hint: str) -> InputError:
        column = self.columns.get(ours, ours)
        return InputError("JOURNAL-115", f"{self.name}, row {number}: {column} is {value[:60]!r}", hint)

    def fill(self, row: Mapping[str, str], number: int, sign: int) -> Fill | Income | None:
        side, position_side = self._sides(row, number)
        fact = self.facts.of(
            self.form.venue, row["contract"], row.get("fee_coin", ""), place=f"{self.name}, row {number}"
        )
        time_ns = self._time(row, number)
        fee = (
            sign * self._money(row, "fee", number, ROUND_CEILING if sign > 0 else None)
            if row.get("fee")
            else 0
        )
        kind = row.get("kind", "Trade")
        if kind == "Funding":
            return self._bybit_funding(row, number, time_ns=time_ns, fee=fee, coin=fact.coin)
        if kind not in ("Trade", "", *FORCED):
            return None
        return Fill(
            venue=self.form.venue,
            account=self.asked.account,
            contract=row["contract"],
            trade_id=row.get("trade_id") or self._content_id(row),
            order_id=row.get("order_id", ""),
            time_ns=time_ns,
            sequence=_number(row.get("sequence", "")) or _number(row.get("trade_id", "")),
            side=side,
            position_side=position_side,
            price8=self._above_zero(row, "price", number),
            quantity8=self._above_zero(row, "quantity", number),
            multiplier8=fact.multiplier8,
            is_inverse=fact.is_inverse,
            coin=fact.coin,
            fee_cash=fee,
            fee_coin="" if row.get("fee_coin", "") in ("", fact.coin) else row["fee_coin"],
            realised_cash=self._money(row, "realised", number) if row.get("realised") else None,
            maker=self._maker(row),
            exit_kind=FORCED.get(kind) or EXITS.get(row.get("exit", "").lower(), ""),
            source=f"{self.name}, row {number}",
        )

    def _bybit_funding(
        self, row: Mapping[str, str], number: int, *, time_ns: int, fee: int, coin: str
    ) -> Income:
        return Income(
            venue=self.form.venue,
            account=self.asked.account,
            income_id=row["trade_id"],
            kind="FUNDING_FEE",
            contract=row["contract"],
            coin=coin,
            cash=-fee,
            time_ns=time_ns,
            source=f"{self.name}, row {number}",
        )

    def income(self, row: Mapping[str, str], number: int) -> Income:
        kind = self.form.kind or row["kind"]
        if self.form.kind:
            coin = self.facts.of(self.form.venue, row["contract"], place=f"{self.name}, row {number}").coin
        else:
            coin = row["coin"]
        if not kind or not coin:
            empty = "coin" if kind else "kind"
            raise self.wrong(number, empty, "", "every record names what it is and its coin")
        return Income(
            venue=self.form.venue,
            account=self.asked.account,
            income_id=row.get("income_id") or self._content_id(row),
            kind=self.form.kinds.get(kind, kind),
            contract=row.get("contract", ""),
            coin=coin,
            cash=self._money(row, "cash", number),
            time_ns=self._time(row, number),
            trade_id=row.get("trade_id", ""),
            source=f"{self.name}, row {number}",
        )

    def _sides(self, row: Mapping[str, str], number: int) -> tuple[int, str]:
        text = row["side"].lower()
        if self.form.mexc_sides:
            if text not in MEXC_SIDES:
                raise self.wrong(number, "side", row["side"], "1, 2, 3 or 4")
            side, leg = MEXC_SIDES[text]
            return side, "" if row.get("mode") == MEXC_ONE_WAY else leg
        if text not in BUYS:
            raise self.wrong(number, "side", row["side"], "buy or sell")
        leg = row.get("position_side", "").lower()
        if leg not in ("", "both", "long", "short"):
            raise self.wrong(number, "position_side", leg, "BOTH, LONG or SHORT")
        return BUYS[text], "" if leg == "both" else leg

    def _time(self, row: Mapping[str, str], number: int) -> int:
        text = row["time"]
        if text.isascii() and text.isdigit():
            if len(text) in STAMPS:
                return int(text) * STAMPS[len(text)]
            raise self.wrong(number, "time", text, "a stamp has 10, 13, 16 or 19 digits")
        try:
            moment = datetime.fromisoformat(re.sub(r" ?(UTC|GMT)$", "+00:00", text))
        except ValueError:
            raise self.wrong(number, "time", text, "write 2025-05-04 12:30:00, or a stamp") from None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=self.asked.zone)
        since = aware - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000

    def _above_zero(self, row: Mapping[str, str], ours: str, number: int) -> int:
        value = parse_scaled(row[ours], self.columns[ours])
        if value <= 0:
            raise self.wrong(number, ours, row[ours], "more than zero")
        return value

    def _money(self, row: Mapping[str, str], ours: str, number: int, rounding: str | None = None) -> int:
        text = row[ours]
        try:
            value = Decimal(text)
            if not value.is_finite() or abs(value) >= 10**10:
                raise InvalidOperation
        except InvalidOperation:
            raise self.wrong(number, ours, text, "a plain number, as 0.0125") from None
        finest = Decimal("1e-8")
        up = rounding or ROUND_HALF_EVEN
        if ours == "fee" and rounding is None:  # what was paid is below zero: away from zero is more paid
            up = "ROUND_FLOOR"
        return int(value.quantize(finest, rounding=up).scaleb(8))

    def _maker(self, row: Mapping[str, str]) -> int:
        if row.get("taker"):
            taker = YES.get(row["taker"].lower(), -1)
            return -1 if taker < 0 else 1 - taker
        return YES.get(row.get("maker", "").lower(), -1)

    def _content_id(self, row: Mapping[str, str]) -> str:
        """The id of a row without one: what every such row says, and how many said it before in the file.

        A column that is read on another day, as a fee, makes no other row of it: it says something else then.
        """
        text = "\0".join(f"{name}={value}" for name, value in sorted(row.items()) if name in self.form.needed)
        name = blake2b(text.encode(), digest_size=8).hexdigest()
        self.seen[name] = self.seen.get(name, 0) + 1
        return f"row-{name}-{self.seen[name]}"


def _number(text: str) -> int:
    """An id as a number where it is one that fits, else 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The header of a CSV file, then each row, with the line on which it ends.

    Raises
    ------
    InputError
        JOURNAL-110, JOURNAL-113 as :func:`read_file`.
    """
    text = _text(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    if not text.endswith(("\n", "\r")):
        line = text.count("\n") + 1
        raise InputError(
            "JOURNAL-113",
            f"{path.name}, row {line}: the file ends within a row, without a line break",
            "download it again; if its last row is whole, put a line break after it",
        )
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    header: list[str] = []
    at = 0  # the line on which the row before ended
    try:
        for row in reader:
            at = reader.line_num
            if not row or not any(cell.strip() for cell in row):
                continue
            if not header:
                header = [cell.strip() for cell in row]
                yield reader.line_num, header
                continue
            if len(row) != len(header):
                raise InputError(
                    "JOURNAL-113",
                    f"{path.name}, row {reader.line_num}: {len(row)} values under {len(header)} columns",
                    "download the file again, or mend the row",
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(
            "JOURNAL-113", f"{path.name}, row {at + 1}: {error}", "download the file again"
        ) from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError("JOURNAL-110", f"{path.name} has over 1 GiB", "split it by years")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            "JOURNAL-110", f"{path} cannot be read: {error.strerror}", "see how it is spelled"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "JOURNAL-110",
            f"{path.name} is no text in UTF-8 at byte {error.start}",
            "unpack it, or save it as CSV",
        ) from error
    if not text.strip() or "\0" in text:
        what = "is empty" if not text.strip() else "holds zero bytes: it is no text"
        raise InputError("JOURNAL-110", f"{path.name} {what}", "name a CSV file with a header")
    return text
