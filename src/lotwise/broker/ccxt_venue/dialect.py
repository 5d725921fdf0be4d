"""What every venue's dialect provides, and the desk at which it works."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NamedTuple

from lotwise.broker.ccxt_venue.keys import Where
from lotwise.broker.ccxt_venue.raw import MS, Raw
from lotwise.broker.ccxt_venue.request import Params
from lotwise.broker.ccxt_venue.wire import Wire
from lotwise.broker.venue import Resting
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError, VenueError
from lotwise.records.journal import Income
from lotwise.records.live import OrderWanted, VenueBalance, VenueMarket, VenueOrder, VenuePosition
from lotwise.units import scaled_text, shown

DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS
MOST_PAGES: Final = 10_000
BOOK_LEVELS: Final = 100
"""Prices a side that are asked of a book: what is not seen of it counts as not there."""
ACCOUNT_WIDE: Final = "account"


class Settings(NamedTuple):
    """How the account trades a contract, as read from the venue."""

    leverages100: tuple[int | None, ...]
    """Of long and short where they may differ; None: not told."""
    is_isolated: bool | None
    is_one_way: bool | None


@dataclass
class Desk:
    """Where a dialect works: the wire, the contracts, whose account it is."""

    venue: str
    wire: Wire
    load: Callable[[str], Contract]
    """The contract of an id."""
    account: str = "main"
    families: tuple[str, ...] = ()
    """Prefixes of the contract ids that the venue trades: ``bybit``, ``bybit-inverse``."""
    coins: dict[str, str] = field(default_factory=dict)
    """What a demo calls a coin: USDT is VST at BingX's."""
    where: Where = "live"
    """On paper the market has a time of its own, and any span is answered."""
    passes_over: bool = False
    """Of a kill switch: what stands in a contract that the facts do not know is left out of lists, and named
    in ``passed_over``. A session refuses to count an account that it can see only in part."""
    passed_over: set[str] = field(default_factory=set)
    prepared: dict[str, tuple[int, bool]] = field(default_factory=dict)
    """Contract id to the leverage and margin mode that were verified."""
    seen: dict[str, tuple[int, bool]] = field(default_factory=dict)
    """The same of positions as they were last read: good enough for exits, never for what opens."""

    def contract(self, contract_id: str) -> Contract:
        """The contract of an id of this venue.

        Raises
        ------
        InputError
            BROKER-123 another venue's.
        """
        family = contract_id.partition(":")[0]
        if family not in self.families:
            raise InputError(
                "BROKER-123",
                f"{shown(contract_id)} is no contract that {self.venue} trades here",
                f"ids begin with {' or '.join(f'{one}:' for one in self.families)}",
            )
        return self.load(contract_id)

    def is_passed(self, symbol: str) -> bool:
        """Whether a row of a list is left out."""
        if not self.passes_over:
            return False
        try:
            self.of_symbol(symbol)
        except VenueError:
            self.passed_over.add(symbol)
            return True
        return False

    def of_symbol(self, symbol: str) -> Contract:
        """The contract of the venue's symbol in an answer.

        Raises
        ------
        VenueError
            BROKER-152 the facts do not know it.
        """
        for family in self.families:
            try:
                return self.load(f"{family}:{symbol}")
            except LotwiseError:
                continue
        raise VenueError(
            "BROKER-152",
            f"{self.venue} tells of {shown(symbol)}, which the facts do not know: it cannot be counted",
            f"lotwise contracts refresh --venue {self.families[0]}, or close it on the venue's app",
        )


class Dialect(ABC):
    """One venue's words for what the port asks."""

    venue: ClassVar[str]
    client_ids: ClassVar[re.Pattern[str]]
    """Client ids that the venue takes."""
    separate_triggers: ClassVar[bool] = True
    """Whether conditional orders stand in a list of their own."""
    tells_trigger_ids: ClassVar[bool] = True
    """Whether a conditional order is told with the client's id."""
    whole_leverage: ClassVar[bool] = True

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.wire = desk.wire

    @abstractmethod
    def placing(self, order: OrderWanted, contract: Contract) -> Params:
        """The parameters of an order that the allow-list has a row for."""

    @abstractmethod
    def placed_id(self, answer: Any) -> str:
        """The venue's id in the answer to an order."""

    @abstractmethod
    def find(self, contract: Contract, client_id: str, venue_id: str, is_trigger: bool) -> VenueOrder | None:
        """An order as the venue has it; ``venue_id`` may be empty."""

    @abstractmethod
    def cancelling(self, order: VenueOrder, contract: Contract) -> tuple[str, Params]:
        """Request and parameters of a cancel."""

    @abstractmethod
    def open_orders(self, contract: Contract | None) -> list[VenueOrder]:
        """Every open order, plain and conditional."""

    @abstractmethod
    def positions(self) -> list[VenuePosition]:
        """Every open position."""

    @abstractmethod
    def balance(self, coin: str) -> VenueBalance:
        """The money of a coin."""

    @abstractmethod
    def market(self, contract: Contract) -> VenueMarket:
        """The top of the market."""

    @abstractmethod
    def book(self, contract: Contract) -> Resting:
        """What rests in the book."""

    @abstractmethod
    def facts(self, contract: Contract) -> Raw | None:
        """The venue's own row of the contract."""

    @abstractmethod
    def settings(self, contract: Contract, is_isolated: bool) -> Settings:
        """Leverage (of this margin mode, where each has its own), margin and position mode as they are."""

    @abstractmethod
    def set_one_way(self, contract: Contract) -> None:
        """Ask for one-way positions."""

    @abstractmethod
    def set_margin(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """Ask for the margin mode."""

    @abstractmethod
    def set_leverage(self, contract: Contract, leverage100: int, is_isolated: bool) -> None:
        """Ask for the leverage."""

    @abstractmethod
    def fills(self, contract: Contract, since_ms: int) -> list[dict[str, Any]]:
        """Raw executions in the journal's columns, each once."""

    @abstractmethod
    def incomes(self, since_ms: int) -> list[Income]:
        """Changes of the wallet, each once."""

    def before(self, order: OrderWanted, contract: Contract) -> None:  # noqa: B027  # most have nothing to see
        """Look at what would make an order something else than it says."""

    def may_withdraw(self) -> bool | None:
        """Whether the key may withdraw; None where the venue does not tell."""
        return None


def opposite(positions: Sequence[VenuePosition], order: OrderWanted) -> VenuePosition | None:
    """The position that an opening order would stand against."""
    if order.is_reduce_only:
        return None
    held = (one for one in positions if one.contract_id == order.contract_id)
    return next((one for one in held if (one.lots > 0) != (order.side > 0)), None)


def refuse_opposite(dialect: Dialect, order: OrderWanted) -> None:
    """Refuse an opening order against a position, where the venue would open a second one beside it.

    Raises
    ------
    InputError
        BROKER-122.
    """
    held = None if order.is_reduce_only else opposite(dialect.positions(), order)
    if held is not None:
        side = "long" if held.lots > 0 else "short"
        raise InputError(
            "BROKER-122",
            f"{abs(held.lots)} lots {side} of {held.contract_id} are held: {dialect.venue} would open"
            f" {order.lots} lots beside them",
            "close it first with a reduce-only order",
        )


def windows(since_ms: int, now_ms: int, length_ms: int) -> Iterator[tuple[int, int]]:
    """Stretches from then to now that the venue answers in one go, both ends included.

    >>> list(windows(0, 25, 10))
    [(0, 9), (10, 19), (20, 25)]
    """
    first = since_ms
    while first <= now_ms:
        yield first, min(first + length_ms - 1, now_ms)
        first += length_ms


def each_once(rows: Sequence[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Rows without those that pages told twice, by the fields that name a row."""
    found = {tuple(str(row.get(name)) for name in names): row for row in rows}
    return list(found.values())


def halved(
    ask: Callable[[int, int], Sequence[dict[str, Any]]], first_ms: int, last_ms: int, most: int
) -> list[dict[str, Any]]:
    """All rows of a stretch from an endpoint that answers at most ``most``, in whatever order.

    A full page may have left rows out, so its stretch is asked again in two halves.

    Raises
    ------
    VenueError
        BROKER-151 over ``most`` rows of one millisecond.
    """
    page = list(ask(first_ms, last_ms))
    if len(page) < most:
        return page
    if first_ms >= last_ms:
        raise _of_one_moment(most, first_ms)
    middle = (first_ms + last_ms) // 2
    return halved(ask, first_ms, middle, most) + halved(ask, middle + 1, last_ms, most)


def _of_one_moment(most: int, at_ms: int) -> VenueError:
    return VenueError(
        "BROKER-151",
        f"{most} rows of one moment ({at_ms}): the venue's answer cannot be read past it",
        "download the venue's own file and import it: lotwise journal import",
    )


def timed_pages(
    ask: Callable[[int], Sequence[dict[str, Any]]], since_ms: int, most: int, stamp: str
) -> list[dict[str, Any]]:
    """All rows of an endpoint that answers the oldest ``most`` from a time on.

    The next page begins at the last stamp of the one before, so that rows of one moment are not lost; the
    caller drops those that came twice.

    Raises
    ------
    VenueError
        BROKER-151 a page whose rows are all of one moment: there is no way past it.
    """
    found: list[dict[str, Any]] = []
    first = since_ms
    for _ in range(MOST_PAGES):
        page = list(ask(first))
        found += page
        if len(page) < most:
            return found
        last = max(int(row[stamp]) for row in page)
        if last <= first:
            raise _of_one_moment(most, last)
        first = last
    raise VenueError("BROKER-151", f"over {MOST_PAGES} pages", "ask from a later time")


def leverage_text(leverage100: int) -> str:
    """Leverage as the wire wants it.

    >>> leverage_text(1000), leverage_text(250)
    ('10', '2.5')
    """
    return scaled_text(leverage100, 2)


def record(
    desk: Desk,
    coin: str,
    *,
    income_id: str,
    kind: str,
    contract: str,
    cash: int,
    time_ms: int,
    trade_id: str = "",
) -> Income:
    """One change of the wallet, its kind by our name: files of the venue and sessions have one table."""
    from lotwise.journal.columns import INCOME_KINDS
    from lotwise.units import Cash

    return Income(
        venue=desk.venue,
        account=desk.account,
        income_id=income_id,
        kind=INCOME_KINDS.get(desk.venue, {}).get(kind, kind),
        contract=contract,
        coin=coin,
        cash=Cash(cash),
        time_ns=time_ms * MS,
        trade_id=trade_id,
        source=f"ccxt {desk.venue}",
    )
