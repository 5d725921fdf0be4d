"""The reference venue plays what the clients do: the same market, the same commands, a diary of its own log.

Nothing here reads the server or its kernel: events come from the synthetic market with the server's seed,
everything after that is ``tests/reference/venue`` and whole numbers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from lotwise.exchange.market import Market, MarketChoice, opened
from lotwise.kernel.state import EventRow
from tests.reference.venue import Entry, Venue, names

HOUR_NS: Final = 3_600 * 10**9
FIRST_NS: Final = (1_736_121_600 + 6 * 3_600) * 10**9
CHOICE: Final = MarketChoice(days=1, start_ns=FIRST_NS, history_ns=3 * HOUR_NS // 2)
"""From 06:00 on, traded from 07:30: the first funding comes after half an hour."""
SLOTS: Final = 200
FIRST_LEVERAGE100: Final = 2_000
CALL_RATIO8: Final = 80_000_000


def kept(event: Any) -> Any:
    """A copy of an event: the market uses its rows again."""
    return SimpleNamespace(**{name: getattr(event, name) for name in event.__slots__})


@dataclass
class Ordered:
    """An order as the log tells it."""

    id: int
    contract: int
    client: str
    kind: int
    placed: Any
    """The event that placed it."""
    placed_ns: int
    changed_ns: int
    lots: int
    price_ticks: int
    status: str
    filled_lots: int = 0
    filled_ticks: int = 0
    """Price times lots of all fills."""
    triggered_ns: int = 0
    trigger_ticks: int = 0
    is_liquidation: bool = False


@dataclass
class Filled:
    """A fill as the log tells it."""

    id: int
    order: Ordered
    side: int
    lots: int
    price_ticks: int
    fee: int
    realised: int
    is_maker: bool
    time_ns: int


@dataclass
class Earned:
    """Money that came or went: what, of which contract (-1: none), how much."""

    id: int
    kind: str
    contract: int
    cash: int
    fill_id: int
    time_ns: int


@dataclass
class Twin:
    """One account of the reference and its diary."""

    deposit_cash: int
    orders: dict[int, Ordered] = field(default_factory=dict)
    fills: list[Filled] = field(default_factory=list)
    earned: list[Earned] = field(default_factory=list)
    moves: list[tuple[int, int, int]] = field(default_factory=list)
    touched_ns: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    changed_ns: int = 0
    heard: list[Any] = field(default_factory=list)
    """All events of the market since the beginning."""
    calls: int = 0
    """Margin calls."""

    def __post_init__(self) -> None:
        self.market: Market = opened(CHOICE)
        tiers = [
            [
                {
                    "cap_cash": tier.cap_cash,
                    "cumulative_cash": tier.cumulative_cash,
                    "rate8": tier.rate8,
                    "max_leverage100": tier.max_leverage100,
                }
                for tier in self.market.tiers[row.first_tier : row.end_tier]
            ]
            for row in self.market.rows
        ]
        rows = [{name: getattr(row, name) for name in row.__slots__} for row in self.market.rows]
        self.venue = Venue(rows, tiers, SLOTS, leverage100=FIRST_LEVERAGE100, call_ratio8=CALL_RATIO8)
        self.heard += map(kept, self.market.play(self.market.position_at(FIRST_NS + CHOICE.history_ns)))
        for contract in range(len(rows)):
            for kind in (names.TRADE, names.QUOTE, names.MARK, names.INDEX):
                self._stand(contract, kind)
        assert self.act(names.TRANSFER, cash=self.deposit_cash) == 0

    def _stand(self, contract: int, kind: int) -> None:
        """A new account is told the newest event of each kind, without a volume."""
        for event in reversed(self.heard):
            if (event.contract, event.kind) == (contract, kind):
                now = SimpleNamespace(**vars(event))
                now.time_ns = self.now_ns
                if kind == names.TRADE:
                    now.lots = 0
                code = self.venue.apply(now)
                assert code == 0
                return

    @property
    def now_ns(self) -> int:
        """The market's time."""
        return self.market.now_ns

    def act(self, kind: int, client: str = "", **fields: int) -> int:
        """A command now; the answer's code."""
        event = EventRow(kind=kind, time_ns=self.now_ns, **fields)
        return self._apply(event, client)

    def place(self, client: str, kind: int, side: int, lots: int, **fields: int) -> int:
        """Place an order; the answer's code."""
        fields.setdefault("tif", names.IOC if kind == names.MARKET else names.GTC)
        return self.act(names.PLACE, client, order_kind=kind, side=side, lots=lots, **fields)

    def play(self, count: int) -> None:
        """The market goes on."""
        for event in self.market.play(self.market.position + count):
            self.heard.append(kept(event))
            assert self._apply(event) == 0

    def _apply(self, event: Any, client: str = "") -> int:
        written = len(self.venue.log)
        code = self.venue.apply(event)
        if code:
            return code
        lines = self.venue.log[written:]
        for line in lines:
            self._read(line, event, client)
        touched = {line.contract for line in lines if line.contract >= 0}
        if event.kind in (names.LEVERAGE, names.MARGIN_MODE):
            touched.add(event.contract)
        if lines or touched:
            self.changed_ns = event.time_ns
        for contract in touched:
            self.touched_ns[contract] = event.time_ns
        self._end_filled(event)
        return 0

    def _end_filled(self, event: Any) -> None:
        """Orders that are gone and that no line ended have filled; trailing triggers move."""
        there = self.venue.state.orders
        for order in self.orders.values():
            if order.id in there:
                order.trigger_ticks = there[order.id].trigger_ticks
            elif order.status == "live":
                order.status, order.changed_ns = "filled", event.time_ns
                if order.placed.close_position:
                    order.lots = order.filled_lots

    def _read(self, line: Entry, event: Any, client: str) -> None:
        """A line of the log into the diary."""
        facts, now = line.facts, line.time_ns
        match line.kind:
            case "placed":
                self.orders[facts["order_id"]] = Ordered(
                    facts["order_id"],
                    line.contract,
                    client,
                    event.order_kind,
                    event,
                    now,
                    now,
                    event.lots,
                    event.price_ticks,
                    "live",
                    trigger_ticks=event.trigger_ticks,
                )
            case "amended":
                order = self.orders[facts["order_id"]]
                order.lots, order.price_ticks, order.changed_ns = event.lots, event.price_ticks, now
            case "triggered":
                order = self.orders[facts["order_id"]]
                order.triggered_ns = order.changed_ns = now
            case "cancelled" | "expired":
                order = self.orders[facts["order_id"]]
                order.status, order.changed_ns = line.kind, now
            case "fill":
                self._fill(line)
            case "reduction" | "takeover":
                self._liquidated(line)
            case "funding":
                self._earn("FUNDING_FEE", line.contract, -line.parts["funding"], now)
            case "transfer":
                self._earn("TRANSFER", -1, facts["cash"], now)
            case "margin":
                self.moves.append((line.contract, facts["cash"], now))
            case "margin_call":
                self.calls += 1
            case other:
                raise AssertionError(f"the story has met {other}: say here what it means")

    def _fill(self, line: Entry) -> None:
        facts, parts = line.facts, line.parts
        order = self.orders[facts["order_id"]]
        order.filled_lots += facts["lots"]
        order.filled_ticks += facts["lots"] * facts["price_ticks"]
        order.changed_ns = line.time_ns
        realised = -(parts.get("trades", 0) + parts.get("positions", 0))
        one = Filled(
            len(self.fills) + 1,
            order,
            facts["side"],
            facts["lots"],
            facts["price_ticks"],
            parts["fees"],
            realised,
            bool(facts["is_maker"]),
            line.time_ns,
        )
        self.fills.append(one)
        for kind, cash in (("REALIZED_PNL", realised), ("COMMISSION", -parts["fees"])):
            if cash:
                self._earn(kind, line.contract, cash, line.time_ns, one.id)

    def _liquidated(self, line: Entry) -> None:
        """A reduction is told as an order of the venue; its fee and what is lost go to the insurance."""
        assert line.kind == "reduction", "the story has met a takeover: say here what it means"
        facts, parts = line.facts, line.parts
        number, lots = len(self.fills) + 1, facts["lots"]
        side = 1 if parts["positions"] < 0 else -1
        order = Ordered(
            -number,
            line.contract,
            f"autoclose-{number}",
            names.LIMIT,
            SimpleNamespace(
                side=side, tif=names.IOC, reduce_only=1, close_position=0, post_only=0, by_mark=0
            ),
            line.time_ns,
            line.time_ns,
            lots,
            facts["price_ticks"],
            "filled",
            lots,
            lots * facts["price_ticks"],
            is_liquidation=True,
        )
        self.orders[order.id] = order
        realised = -(parts["trades"] + parts["positions"])
        self.fills.append(
            Filled(number, order, side, lots, facts["price_ticks"], 0, realised, False, line.time_ns)
        )
        for kind, cash in (("REALIZED_PNL", realised), ("INSURANCE_CLEAR", -parts.get("insurance", 0))):
            if cash:
                self._earn(kind, line.contract, cash, line.time_ns, number)

    def _earn(self, kind: str, contract: int, cash: int, time_ns: int, fill_id: int = 0) -> None:
        self.earned.append(Earned(len(self.earned) + 1, kind, contract, cash, fill_id, time_ns))
