"""The table of a review: closed trades in columns, whole numbers where money is.

Rows are in the order in which the trades were closed. :data:`UNKNOWN` stands where nobody told a figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.backtest.trade_table import Trades
    from lotwise.contracts.contract import Contract

    Numbers = Any

UNKNOWN: Final = -(2**63)
"""In a column of whole numbers: not told."""
MOST_R: Final = 1_000
"""A trade of more R has a slip of the pen in its plan: it counts in money alone."""


@dataclass(frozen=True)
class Labels:
    """A column of words: for each row the place of its word in ``names``."""

    codes: Numbers
    names: tuple[str, ...]

    @classmethod
    def of(cls, words: Iterable[str]) -> Labels:
        """The words of all rows; names are in the order of the alphabet."""
        import numpy as np

        listed = list(words)
        names = sorted(set(listed))
        place = {name: code for code, name in enumerate(names)}
        return cls(np.fromiter((place[word] for word in listed), np.int64, len(listed)), tuple(names))

    def at(self, row: int) -> str:
        """The word of a row."""
        return self.names[int(self.codes[row])]

    def take(self, rows: Numbers) -> Labels:
        """The words of some rows, under the same names."""
        return Labels(self.codes[rows], self.names)


@dataclass(frozen=True)
class Reviewed:
    """Closed trades: columns of one length."""

    names: Labels
    """What each is called in the journal."""
    account: Labels
    venue: Labels
    contract: Labels
    setup: Labels
    """Empty where none was told."""
    coin: Labels
    """What it settles in."""
    exit_kind: Labels
    side: Numbers
    """1 long, -1 short."""
    opened_ns: Numbers
    closed_ns: Numbers
    net_cash: Numbers
    """Result after fees in the settle coin and funding."""
    fee_cash: Numbers
    funding_cash: Numbers
    """Received; paid is negative."""
    entry_cash: Numbers
    """Worth of all that was entered."""
    risk_cash: Numbers
    """Money that was to be lost at most; 0 where it is not known."""
    planned_r8: Numbers
    """R at the last target, in 1e-8, or UNKNOWN."""
    mae_cash: Numbers
    """Worst it stood at before costs: 0 or less, or UNKNOWN."""
    mfe_cash: Numbers
    """Best it stood at before costs: 0 or more, or UNKNOWN."""
    slip_cash: Numbers
    """Of what one stop ended: what it lost beyond the stop, or UNKNOWN."""
    late_r8: Numbers
    """How much worse than planned it was entered, in 1e-8 of the planned distance to the stop, or UNKNOWN."""
    loosened: Numbers
    """Whether its stop was moved away from the price."""
    overridden: Numbers
    """Whether a guard's refusal was overridden for it."""
    noted: Numbers
    """Whether there is a note or an answer of it."""
    btc_volatility8: Numbers
    """At the entry, over 24 hours, in 1e-8, or UNKNOWN."""
    btc_change8: Numbers
    tags: Mapping[str, Numbers] = field(default_factory=dict)
    """For each tag whether a row has it."""

    def __post_init__(self) -> None:
        count = len(self.net_cash)
        for one in fields(self):
            held = getattr(self, one.name)
            columns = held.values() if isinstance(held, Mapping) else [getattr(held, "codes", held)]
            for column in columns:
                if len(column) != count:
                    raise InputError(
                        "REVIEW-101",
                        f"{one.name} has {len(column)} rows, net_cash {count}",
                        "give every column a value for each trade",
                    )

    def __len__(self) -> int:
        return len(self.net_cash)

    @property
    def r(self) -> Numbers:
        """Results in R as floats, for statistics; NaN where the risk is not known or absurd."""
        return self.in_r(self.net_cash)

    def in_r(self, cash: Numbers) -> Numbers:
        """Money over the money that was at risk; NaN where either is not known."""
        import numpy as np

        known = (self.risk_cash > 0) & (cash != UNKNOWN)
        found = np.full(len(self), np.nan)
        found[known] = cash[known] / self.risk_cash[known]
        results = np.zeros(len(self))
        results[known] = self.net_cash[known] / self.risk_cash[known]
        found[np.abs(results) > MOST_R] = np.nan
        return found

    def take(self, rows: Numbers) -> Reviewed:
        """Some of the trades, in their order."""
        found: dict[str, Any] = {}
        for one in fields(self):
            held = getattr(self, one.name)
            if isinstance(held, Labels):
                found[one.name] = held.take(rows)
            elif isinstance(held, Mapping):
                found[one.name] = {name: flags[rows] for name, flags in held.items()}
            else:
                found[one.name] = held[rows]
        return replace(self, **found)


def total(cash: Numbers) -> int:
    """The exact sum of a column."""
    return sum(cash.tolist())


def of_columns(
    count: int,
    words: Mapping[str, Sequence[str]],
    numbers: Mapping[str, Any],
    tags: Mapping[str, Sequence[bool]] | None = None,
) -> Reviewed:
    """A table of what is known; the rest is filled with what stands for not known.

    Rows are put in the order of their ends.

    Parameters
    ----------
    words
        Columns of words by name: ``names``, ``contract``...
    numbers
        Columns of whole numbers or flags by name: at least opened_ns, closed_ns and net_cash.
    tags
        For each tag whether a row has it.
    """
    import numpy as np

    found: dict[str, Any] = {
        "tags": {name: np.asarray(flags, np.bool_) for name, flags in (tags or {}).items()}
    }
    for name in ("names", "account", "venue", "contract", "setup", "coin", "exit_kind"):
        given = words.get(name)
        found[name] = Labels.of(given if given is not None else _filled(name, count))
    for name in ("loosened", "overridden", "noted"):
        found[name] = np.asarray(numbers.get(name, np.zeros(count)), np.bool_)
    empty = {"side": 1, "fee_cash": 0, "funding_cash": 0, "entry_cash": 0, "risk_cash": 0}
    for one in fields(Reviewed):
        if one.name not in found:
            given = numbers.get(one.name)
            rest = np.full(count, empty.get(one.name, UNKNOWN), np.int64)
            found[one.name] = rest if given is None else np.asarray(given, np.int64)
    table = Reviewed(**found)
    return table.take(np.lexsort((table.opened_ns, table.closed_ns)))


def _filled(name: str, count: int) -> list[str]:
    if name == "names":
        return [f"#{number}" for number in range(1, count + 1)]
    return [{"account": "main", "coin": "USDT"}.get(name, "")] * count


def of_backtest(trades: Trades, contracts: Sequence[Contract], setup: str = "") -> Reviewed:
    """A backtest's trades as the table of a review.

    Parameters
    ----------
    trades
        As :func:`lotwise.backtest.trade_table.trades_of` gives them.
    contracts
        Those that were played, in their order.
    setup
        What all of them are called; the strategy's name.
    """
    import numpy as np

    count = len(trades)
    places = trades.contract.tolist()
    venues, names = zip(*((one.venue, one.symbol) for one in contracts), strict=True)
    return of_columns(
        count,
        {
            "venue": [venues[place] for place in places],
            "contract": [names[place] for place in places],
            "setup": [setup] * count,
            "coin": [contracts[place].settle for place in places],
            "exit_kind": ["liquidation" if gone else "" for gone in trades.liquidated.tolist()],
        },
        {
            "side": trades.side,
            "opened_ns": trades.opened_ns,
            "closed_ns": trades.closed_ns,
            "net_cash": trades.result_cash,
            "fee_cash": trades.fees_cash + trades.insurance_cash,
            "funding_cash": -trades.funding_cash,
            "entry_cash": trades.entry_cash,
            "risk_cash": trades.risk_cash,
            "mae_cash": -trades.mae_cash,
            "mfe_cash": trades.mfe_cash,
            "noted": np.ones(count, np.bool_),
        },
    )
