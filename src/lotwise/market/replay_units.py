"""Tables into the kernel's units: ticks, lots, 1e-8 of the quote; nothing is rounded unless asked."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.market.check import at_time
from lotwise.market.columns import INT64_MAX
from lotwise.market.kinds import BARS, FUNDING, MARKS, QUOTES, TRADES, Kind, Table

if TYPE_CHECKING:
    import numpy as np

    from lotwise.contracts.contract import Contract

REFUSE: Final = "refuse"
NEAREST: Final = "nearest"
DOWN: Final = "down"
UP: Final = "up"

Fields = dict[str, "np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class Choices:
    """What becomes of numbers between two steps, and what a quantity counts."""

    off_tick: str = REFUSE
    off_lot: str = REFUSE
    quantity_in: str = "contracts"

    def __post_init__(self) -> None:
        for name, known in (
            ("off_tick", (REFUSE, NEAREST)),
            ("off_lot", (REFUSE, DOWN)),
            ("quantity_in", ("contracts", "base")),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    "DATA-626", f"{name} is {getattr(self, name)!r}", hint=f"one of {', '.join(known)}"
                )


@dataclass(frozen=True)
class Step:
    """What a column is counted in: a step of ``size`` units of 10 ** -decimals, and what its error says."""

    size: int
    decimals: int
    code: str
    words: str


def whole_numbers(numbers: Any, decimals: int, step: Step, *, between: str, where: str, times: Any) -> Any:
    """Numbers with ``decimals`` as whole steps.

    Parameters
    ----------
    between
        What becomes of one between two steps: refuse, nearest, down, up.

    Raises
    ------
    InputError
        The step's code where a number is between two steps, DATA-627 where one is beyond 64 bits.
    """
    import numpy as np

    above, below = 10**step.decimals, step.size * 10**decimals
    common = gcd(above, below)
    above, below = above // common, below // common
    numbers = np.ascontiguousarray(numbers, np.int64)
    largest = max(abs(int(numbers.min())), abs(int(numbers.max()))) if len(numbers) else 0
    if max(largest * above + below, 2 * below) > INT64_MAX:
        at = int(np.argmax(np.abs(numbers)))
        raise InputError(
            "DATA-627",
            f"{where}, row {at} at {at_time(times[at])}: {text_of(int(numbers[at]), decimals)} in steps of"
            f" {text_of(step.size, step.decimals)} is beyond 64 bits",
            hint="check the table's decimals and the contract's steps",
        )
    grown = numbers * above
    rest = grown % below
    if between == REFUSE and bool(rest.any()):
        at = int(np.argmax(rest > 0))
        raise InputError(
            step.code,
            f"{where}, row {at} at {at_time(times[at])}: {text_of(int(numbers[at]), decimals)} is no multiple"
            f" of the {step.words} {text_of(step.size, step.decimals)}",
            hint=_hint(step),
        )
    more = {NEAREST: below // 2, UP: below - 1}.get(between, 0)
    return (grown + more) // below


def _hint(step: Step) -> str:
    if step.code == "DATA-622":
        return 'take the contract as it was then (as_of), or choose off_tick="nearest"'
    if step.code == "DATA-623":
        return 'take the contract as it was then (as_of), or choose off_lot="down"'
    return "check the table's decimals"


def text_of(number: int, decimals: int) -> str:
    """Exact text of a number with decimals."""
    sign, digits = "-" * (number < 0), str(abs(number)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


class Units:
    """The steps of a contract, and tables counted in them."""

    def __init__(self, contract: Contract, choices: Choices) -> None:
        scales = contract.scales
        self.name = contract.id
        self.choices = choices
        self.tick = Step(scales.tick_size8, 8, "DATA-622", "tick")
        of_coins = choices.quantity_in == "base" and not contract.is_inverse
        lot = (scales.per_lot16, 16) if of_coins else (scales.lot_size8, 8)
        self.lot = Step(*lot, "DATA-623", "lot")

    def _times(self, table: Table, kind: Kind, columns: tuple[str, ...], *, strictly: bool) -> Any:
        import numpy as np

        missing = [name for name in ("time_ns", *columns) if name not in table.frame.columns]
        if table.kind != kind or missing:
            told = f"a table of {table.kind.name} where {kind.name} belong"
            if table.kind == kind:
                told = f"{kind.name} without a column {', '.join(missing)}"
            raise InputError("DATA-621", f"{self.name}: {told}", hint=f"give a table of {kind.name}")
        times = np.ascontiguousarray(table.frame["time_ns"].to_numpy(), np.int64)
        back = np.diff(times) <= 0 if strictly else np.diff(times) < 0
        if bool(back.any()):
            at = int(np.argmax(back)) + 1
            raise InputError(
                "DATA-624",
                f"{self.name}, {kind.name}, row {at} is of {at_time(times[at])}, the row before it of"
                f" {at_time(times[at - 1])}",
                hint="sort the rows by time and take out doubles first",
            )
        return times

    def _ticks(self, table: Table, column: str, times: Any, between: str = "") -> Any:
        return whole_numbers(
            table.frame[column].to_numpy(),
            table.scale.price,
            self.tick,
            between=between if self.choices.off_tick == NEAREST and between else self.choices.off_tick,
            where=f"{self.name}, {column}",
            times=times,
        )

    def _lots(self, table: Table, column: str, times: Any) -> Any:
        return whole_numbers(
            table.frame[column].to_numpy(),
            table.scale.quantity,
            self.lot,
            between=self.choices.off_lot,
            where=f"{self.name}, {column}",
            times=times,
        )

    def bars(self, table: Table) -> Fields:
        """Bars; a table without volumes has volumes of 0."""
        import numpy as np

        prices = ("open", "high", "low", "close")
        times = self._times(table, BARS, prices, strictly=True)
        found = {"time_ns": times}
        found |= {f"{name}_ticks": self._ticks(table, name, times) for name in prices}
        has_volume = "volume" in table.frame.columns
        found["volume_lots"] = (
            self._lots(table, "volume", times) if has_volume else np.zeros(len(times), np.int64)
        )
        return found

    def prices8(self, table: Table, what: str) -> Fields:
        """Bars of the mark or the index, in 1e-8; one that is finer is off the tick."""
        names = ("open", "high", "low", "close")
        times = self._times(table, MARKS, names, strictly=True)
        step = Step(1, 8, "DATA-622", f"{what}' step")
        found = {"time_ns": times}
        for name in names:
            found[f"{name}8"] = whole_numbers(
                table.frame[name].to_numpy(),
                table.scale.price,
                step,
                between=self.choices.off_tick,
                where=f"{self.name}, {what}, {name}",
                times=times,
            )
        return found

    def trades(self, table: Table) -> Fields:
        """Trades."""
        times = self._times(table, TRADES, ("price", "quantity"), strictly=False)
        return {
            "time_ns": times,
            "price_ticks": self._ticks(table, "price", times),
            "lots": self._lots(table, "quantity", times),
        }

    def quotes(self, table: Table) -> Fields:
        """Quotes; between two ticks the bid goes down and the ask up, so that they never cross."""
        columns = ("bid", "bid_quantity", "ask", "ask_quantity")
        times = self._times(table, QUOTES, columns, strictly=False)
        return {
            "time_ns": times,
            "bid_ticks": self._ticks(table, "bid", times, between=DOWN),
            "bid_lots": self._lots(table, "bid_quantity", times),
            "ask_ticks": self._ticks(table, "ask", times, between=UP),
            "ask_lots": self._lots(table, "ask_quantity", times),
        }

    def funding(self, table: Table, to_ns: int) -> Fields:
        """Fundings at their stamps, brought down to whole ``to_ns``; the interval is 0 where not told."""
        import numpy as np

        times = self._times(table, FUNDING, ("rate",), strictly=False)
        told = "interval_ns" in table.frame.columns
        interval = table.frame["interval_ns"].to_numpy() if told else np.zeros(len(times), np.int64)
        rate8 = whole_numbers(
            table.frame["rate"].to_numpy(),
            table.scale.rate,
            Step(1, 8, "DATA-622", "step of a rate"),
            between=self.choices.off_tick,
            where=f"{self.name}, funding",
            times=times,
        )
        stamps = times - times % to_ns if to_ns > 0 else times
        return {"time_ns": stamps, "rate8": rate8, "interval_ns": np.ascontiguousarray(interval, np.int64)}
