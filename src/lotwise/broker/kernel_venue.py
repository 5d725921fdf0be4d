"""The venue in a box, played in process, behind the port of a venue.

A session that trades here cannot tell it from a real venue: orders have client ids, are read back, are
refused with the venue's codes; fills and income are told from the log. The market's events are handed in by
:meth:`KernelVenue.feed`; the venue's clock is the market's. What an order does is in
``docs/venue_in_a_box.md``, and the rules are the kernel's: nothing is counted here.

As a venue does, records tell whole milliseconds and number their executions. A client id is free again when
its order has ended, as at Binance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lotwise.broker.kernel_account import NO_TIER, Assumptions, contract_row
from lotwise.broker.kernel_diary import CONDITIONAL_IDS, MS, Happened, KernelDiary
from lotwise.broker.venue import OrderRefused, Resting
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError
from lotwise.kernel import answers, exposure, machine
from lotwise.kernel import state as k
from lotwise.kernel.codes import OK
from lotwise.kernel.layout import TierRow, array_of
from lotwise.kernel.margin import liquidation_by, price8_ceil, price8_floor
from lotwise.kernel.matching import touch
from lotwise.kernel.snapshot import compiled_body, new_state, plain_body, state_hash
from lotwise.records.journal import Fill, Income
from lotwise.records.live import (
    LIVE,
    OrderWanted,
    VenueBalance,
    VenueMarket,
    VenueOrder,
    VenuePosition,
)
from lotwise.units import Cash, Lots, Price8, Ticks

LOG_ROWS: Final = 1_024
"""Happenings of one event: more than all slots of an account can make at once."""
SLOTS: Final = 200
"""Orders at once. Source: Binance USD-M, filter MAX_NUM_ORDERS."""
PLACED_AS: Final[dict[str, int]] = {
    "market": k.MARKET,
    "limit": k.LIMIT,
    "stop": k.STOP_MARKET,
    "target": k.TAKE_MARKET,
}
DUPLICATE: Final = -4116
"""Source: Binance USD-M, "Error Codes"."""
WORDS: Final[dict[int, str]] = {
    answers.NO_PRICE: "no price is known yet",
    answers.CANCEL_REJECTED: "no such order stands",
    answers.NO_SUCH_ORDER: "there is no such order",
    answers.MARGIN_IS_INSUFFICIENT: "the margin is insufficient",
    answers.WOULD_TRIGGER: "it would trigger at once",
    answers.REDUCE_ONLY_REJECTED: "it is reduce-only and no position stands against it",
    answers.TOO_MANY_ORDERS: "too many orders are open",
    answers.ABOVE_LEVERAGE: "the position would be too large for the leverage",
    answers.LOTS_TOO_FEW: "the quantity is below the smallest",
    answers.LOTS_TOO_MANY: "the quantity is above the largest",
    answers.PRICE_TOO_HIGH: "the price is too far above the mark",
    answers.PRICE_TOO_LOW: "the price is too far below the mark",
    answers.BAD_LEVERAGE: "there is no such leverage",
    answers.MODE_WITH_ORDERS: "the margin mode cannot change while orders are open",
    answers.MODE_WITH_POSITION: "the margin mode cannot change while a position is open",
    answers.LOWER_LEVERAGE_ISOLATED: "leverage cannot be lowered with an isolated position",
    answers.NOTIONAL_TOO_SMALL: "its worth is below the smallest order",
    answers.WOULD_TAKE: "it is post-only and would take",
    DUPLICATE: "an open order has its client id",
}
"""Codes of the venue in words; others are told by their number."""
HINTS: Final[dict[int, str]] = {
    answers.MARGIN_IS_INSUFFICIENT: "a smaller order, or more leverage",
    answers.WOULD_TRIGGER: "a stop lies behind the price, a target before it",
    answers.NOTIONAL_TOO_SMALL: "a larger order: lotwise size names the smallest",
    DUPLICATE: "read the order back before it is sent again",
}


class KernelVenue:
    """One account at the venue in a box.

    Parameters
    ----------
    contracts
        In the order of the state's rows; all of one venue and one settle coin.
    state
        As plain rows, with room for a log: :meth:`opened` makes one.
    account
        The trader's name of it.
    is_compiled
        Events are played by compiled rules; worth it for long markets. The answers are the same.

    Raises
    ------
    InputError
        BROKER-192 the contracts are not of one venue and coin, or not those of the state.
    """

    def __init__(
        self, contracts: Sequence[Contract], state: k.State, account: str = "main", is_compiled: bool = False
    ) -> None:
        places = {(contract.venue, contract.settle) for contract in contracts}
        if len(places) != 1 or len(contracts) != len(state.contracts):
            told = ", ".join(sorted(f"{venue} in {coin}" for venue, coin in places)) or "none"
            raise InputError(
                "BROKER-192",
                f"{len(contracts)} contracts ({told}) for an account of {len(state.contracts)}",
                "give the contracts of one venue and one coin, in the order of the state's rows",
            )
        self.name, self.coin = next(iter(places))
        self.account, self.contracts = account, tuple(contracts)
        self._numbers = {contract.id: number for number, contract in enumerate(contracts)}
        self._compiled = is_compiled
        self._state = compiled_body(state) if is_compiled else state
        self._seen: k.State | None = None
        self._diary = KernelDiary(account, contracts, lambda code: WORDS.get(code, str(code)))
        self._funding8: dict[int, int] = {}

    @classmethod
    def opened(
        cls,
        contracts: Sequence[Contract],
        deposit_cash: Cash,
        assumed: Assumptions | None = None,
        account: str = "main",
        is_compiled: bool = False,
        *,
        highest_ticks: Sequence[int],
    ) -> KernelVenue:
        """A new account with money; ``highest_ticks`` bounds each contract's prices.

        Raises
        ------
        InputError
            BROKER-102, BROKER-192; BROKER-193 a deposit that is none.
        """
        rows: list[k.ContractRow] = []
        tiers: list[TierRow] = []
        for contract, highest in zip(contracts, highest_ticks, strict=True):
            rows.append(contract_row(contract, len(tiers), assumed or Assumptions(), highest_ticks=highest))
            tiers += list(contract.tier_rows) or [NO_TIER]
        state = new_state(rows, tiers, slots=SLOTS, log_rows=LOG_ROWS)
        made = cls(contracts, state, account, is_compiled)
        made.feed(k.EventRow(kind=k.TRANSFER, cash=deposit_cash))
        return made

    @property
    def state(self) -> k.State:
        """The account as plain rows, to read; a copy where rules are compiled."""
        if not self._compiled:
            return self._state
        if self._seen is None:
            self._seen = plain_body(self._state._replace(log=self._state.log[:0]))
        return self._seen

    @property
    def hash(self) -> str:
        """Name of the account's state: the same for the same events, in either body and at the exchange."""
        return state_hash(self._state)

    # -- what moves it

    def feed(self, event: k.EventRow) -> Happened:
        """Play an event: of the market, a transfer, or any command that the port has no word for.

        Raises
        ------
        InputError
            BROKER-193 the event is refused; nothing changed.
        """
        code = self._step(event)
        if code:
            raise InputError(
                "BROKER-193",
                f"the venue in a box refuses event {event.kind} at {event.time_ns} ns with {code}",
                "events come in the order of time, with prices and amounts above 0",
            )
        return self._diary.happened

    def _step(self, event: k.EventRow, client_id: str = "") -> int:
        """One step; the code, and the log written down."""
        self._diary.begin()
        row: Any = self._state.account[0]
        if self._compiled:
            before, row["logged"] = int(row["logged"]), 0
            code = int(machine.step.compiled(self._state, array_of(k.EventRow, [event])))
            logged = int(row["logged"])
            if code:
                row["logged"] = before
        else:
            before, row.logged = row.logged, 0
            code, logged = machine.step(self._state, [event]), row.logged
            if code:
                row.logged = before
        if code:
            return code
        self._seen = None
        if logged > len(self._state.log):
            raise LotwiseError(
                "BROKER-194",
                f"{logged} happenings in one event, room for {len(self._state.log)}",
                "give the account's state a longer log",
            )
        if event.kind == k.FUNDING:
            self._funding8[event.contract] = event.rate8
        if logged:
            self._diary.write(self._logged(logged), event, client_id, self.state)
        return 0

    def _logged(self, count: int) -> Sequence[k.LogRow]:
        """The log of this step as plain rows."""
        if not self._compiled:
            return self._state.log[:count]
        rows: Any = self._state.log[:count]
        return [k.LogRow(**dict(zip(k.LogRow.__slots__, row, strict=True))) for row in rows.tolist()]

    # -- the port

    def now_ns(self) -> int:
        """The market's time."""
        return int(self.state.account[0].time_ns)

    def _number(self, contract_id: str) -> int:
        number = self._numbers.get(contract_id)
        if number is None:
            raise OrderRefused(
                "BROKER-191",
                f"{contract_id} is not traded here: {', '.join(self._numbers)}",
                "name a contract of the account",
                str(answers.UNKNOWN_CONTRACT),
            )
        return number

    def _command(self, event: k.EventRow, what: str, client_id: str = "") -> None:
        event.time_ns = self.now_ns()
        code = self._step(event, client_id)
        if code:
            raise refusal(code, what)

    def prepare(self, contract_id: str, leverage100: int, is_isolated: bool) -> None:
        """Set leverage and margin mode; one-way is all there is.

        Raises
        ------
        OrderRefused
            BROKER-191 with the venue's code.
        """
        number = self._number(contract_id)
        market = self.state.markets[number]
        if bool(market.is_isolated) != is_isolated:
            event = k.EventRow(kind=k.MARGIN_MODE, contract=number, is_isolated=int(is_isolated))
            self._command(event, f"{'isolated' if is_isolated else 'cross'} margin of {contract_id}")
        if market.leverage100 != leverage100:
            event = k.EventRow(kind=k.LEVERAGE, contract=number, leverage100=leverage100)
            self._command(event, f"leverage {leverage100 / 100:g}x of {contract_id}")

    def place(self, order: OrderWanted) -> VenueOrder:
        """Send an order; as it stands after it.

        Raises
        ------
        OrderRefused
            BROKER-191 with the venue's code; nothing changed.
        """
        number = self._number(order.contract_id)
        what = f"{order.kind} order {order.client_id} of {order.lots} lots of {order.contract_id}"
        earlier = self._diary.clients.get(order.client_id)
        if order.client_id and earlier is not None and self._diary.orders[earlier].state == LIVE:
            raise refusal(DUPLICATE, what)
        event = k.EventRow(
            kind=k.PLACE,
            contract=number,
            order_kind=PLACED_AS[order.kind],
            side=order.side,
            lots=order.lots,
            price_ticks=order.price_ticks if order.kind == "limit" else 0,
            trigger_ticks=order.trigger_ticks if order.kind in ("stop", "target") else 0,
            by_mark=int(order.by_mark and order.kind in ("stop", "target")),
            reduce_only=int(order.is_reduce_only),
            post_only=int(order.is_post_only),
            tif=k.IOC if order.kind == "market" else k.GTC,
        )
        made = self.state.account[0].next_order_id
        self._command(event, what, order.client_id)
        return self._diary.orders[made]

    def cancel(self, order: VenueOrder) -> VenueOrder:
        """Cancel an order; one that has already ended is returned as it ended.

        Raises
        ------
        OrderRefused
            BROKER-191, -2011: there was never such an order.
        """
        digits = order.venue_id if order.venue_id.isascii() and order.venue_id.isdigit() else "0"
        number = int(digits) % CONDITIONAL_IDS
        if number not in self._diary.orders:
            raise refusal(answers.CANCEL_REJECTED, f"cancelling order {order.venue_id}")
        if self._diary.orders[number].state == LIVE:
            self._command(k.EventRow(kind=k.CANCEL, order_id=number), f"cancelling order {order.venue_id}")
        return self._diary.orders[number]

    def order(self, contract_id: str, client_id: str) -> VenueOrder | None:
        """The newest order of a client id, ended or not."""
        self._number(contract_id)
        number = self._diary.clients.get(client_id)
        found = self._diary.orders[number] if number is not None else None
        return found if found is not None and found.contract_id == contract_id else None

    def orders(self, contract_id: str = "") -> Sequence[VenueOrder]:
        """Every open order, in the book and waiting."""
        if contract_id:
            self._number(contract_id)
        return [
            order
            for order in self._diary.orders.values()
            if order.state == LIVE and contract_id in ("", order.contract_id)
        ]

    def positions(self) -> Sequence[VenuePosition]:
        """Every open position."""
        return [self._position(c) for c, market in enumerate(self.state.markets) if market.lots]

    def _position(self, c: int) -> VenuePosition:
        state, contract = self.state, self.contracts[c]
        market, row = state.markets[c], state.contracts[c]
        pnl = exposure.pnl(state, c)
        margin = market.isolated_cash + pnl if market.is_isolated else exposure.initial_margin(state, c)
        return VenuePosition(
            contract_id=contract.id,
            lots=Lots(market.lots),
            entry_price8=Price8(
                market.entry_cash * row.tick_size8 // (abs(market.lots) * row.cash_per_tick_lot)
            ),
            mark_price8=Price8(market.mark8),
            liquidation_price8=liquidation8(state, contract, c),
            unrealised_cash=pnl,
            margin_cash=Cash(margin),
            leverage100=market.leverage100,
            is_isolated=bool(market.is_isolated),
        )

    def balance(self, coin: str) -> VenueBalance:
        """The money of a settle coin; nothing of a coin that is not here."""
        if coin != self.coin:
            none = Cash(0)
            return VenueBalance(
                coin=coin, wallet_cash=none, equity_cash=none, free_cash=none, margin_cash=none
            )
        state, count = self.state, range(len(self.contracts))
        wallet = state.account[0].cross_cash + sum(market.isolated_cash for market in state.markets)
        margins = (exposure.initial_margin(state, c) + exposure.order_margin(state, c) for c in count)
        return VenueBalance(
            coin=coin,
            wallet_cash=Cash(wallet),
            equity_cash=Cash(wallet + sum(exposure.pnl(state, c) for c in count)),
            free_cash=Cash(max(0, exposure.available(state))),
            margin_cash=Cash(sum(margins)),
            maintenance_cash=Cash(sum(exposure.maintenance(state, c) for c in count)),
        )

    def market(self, contract_id: str) -> VenueMarket:
        """The top of the market; where no quote is known, the spread that is assumed around the last price.

        Raises
        ------
        OrderRefused
            BROKER-191, -1013: no price is known yet.
        """
        c = self._number(contract_id)
        market = self.state.markets[c]
        if market.last_ticks == 0:
            raise refusal(answers.NO_PRICE, f"the market of {contract_id}")
        return VenueMarket(
            contract_id=contract_id,
            bid_ticks=Ticks(touch(self.state, c, -1, x=-1)),
            ask_ticks=Ticks(touch(self.state, c, 1, x=-1)),
            last_ticks=Ticks(market.last_ticks),
            mark_price8=Price8(market.mark8),
            time_ns=self.now_ns() // MS * MS,
            funding8=self._funding8.get(c),
        )

    def book(self, contract_id: str) -> Resting:
        """The best prices with their sizes, as last quoted; a market without quotes has no book."""
        market = self.state.markets[self._number(contract_id)]
        bid, ask = (
            (Ticks(market.bid_ticks), Lots(market.bid_lots)),
            (Ticks(market.ask_ticks), Lots(market.ask_lots)),
        )
        return Resting(
            contract_id=contract_id,
            bids=(bid,) if bid[0] else (),
            asks=(ask,) if ask[0] else (),
            time_ns=self.now_ns() // MS * MS,
        )

    def fills(self, contract_id: str, since_ns: int) -> Sequence[Fill]:
        """Own executions from that time on."""
        symbol = self.contracts[self._number(contract_id)].symbol
        return [fill for fill in self._diary.fills if fill.contract == symbol and fill.time_ns >= since_ns]

    def income(self, since_ns: int) -> Sequence[Income]:
        """Changes of the wallet from that time on."""
        return [income for income in self._diary.incomes if income.time_ns >= since_ns]


def refusal(code: int, what: str) -> OrderRefused:
    """A kernel's answer as a venue's refusal."""
    words = WORDS.get(code, "the venue does not take it")
    return OrderRefused(
        "BROKER-191", f"{what} is refused with {code}: {words}", HINTS.get(code, ""), str(code)
    )


def liquidation8(state: k.State, contract: Contract, c: int) -> Price8 | None:
    """Where the position is liquidated if nothing else moves; None: nowhere.

    Rounded toward the entry, as everywhere (:func:`lotwise.kernel.margin.liquidation_by` keeps it exact).
    """
    market, row = state.markets[c], state.contracts[c]
    sign = 1 if market.lots > 0 else -1
    if market.is_isolated:
        wallet = market.isolated_cash
    else:
        own = exposure.pnl(state, c) - exposure.maintenance(state, c)
        wallet = exposure.cross_balance(state) - exposure.cross_maintenance(state) - own
    code, _, numerator, denominator = liquidation_by(
        0,
        sign,
        state.tiers[row.first_tier : row.end_tier],
        entry_notional_cash=Cash(market.entry_cash),
        wallet_cash=Cash(wallet),
    )
    if code != OK:
        return None
    rounded = price8_ceil if sign > 0 else price8_floor
    found = rounded(
        contract.spec_rows(),
        Cash(numerator),
        denominator,
        lots=Lots(abs(market.lots)),
        tick_size8=Price8(row.tick_size8),
    )
    return Price8(found) if found > 0 else None
