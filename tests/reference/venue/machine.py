"""The venue itself: one event after the other, an answer to each, a picture of all that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tests.reference.venue import commands, exits, liquidation, market_events, names, placing
from tests.reference.venue.audit import audit
from tests.reference.venue.rows import Account, Bracket, Contract, Entry, Event, Market, State, Tier

Play = Callable[[State, Event], None]

MARKET_EVENTS: Final[dict[int, Play]] = {
    names.BAR: market_events.bar,
    names.TRADE: market_events.trade,
    names.QUOTE: market_events.quote,
    names.MARK: market_events.mark,
    names.INDEX: market_events.index,
    names.FUNDING: market_events.funding,
    names.CLOCK: lambda state, event: None,
}
COMMANDS: Final[dict[int, Play]] = {
    names.PLACE: placing.place,
    names.AMEND: placing.amend,
    names.CANCEL: placing.cancel,
    names.CANCEL_ALL: placing.cancel_all,
    names.LEVERAGE: commands.leverage,
    names.MARGIN_MODE: commands.margin_mode,
    names.ISOLATED_MARGIN: commands.isolated_margin,
    names.TRANSFER: commands.transfer,
    names.BRACKET: commands.declare,
}


class Venue:
    """One account on one venue, played slowly and exactly.

    `contracts` are mappings with the names of a contract row, `tiers` holds the tiers of each of them
    (cap_cash, cumulative_cash, rate8, max_leverage100), `slots` is how many orders there may be.
    """

    def __init__(
        self,
        contracts: Sequence[Mapping[str, int]],
        tiers: Sequence[Sequence[Mapping[str, int]]],
        slots: int,
        leverage100: int = 1000,
        call_ratio8: int = 0,
    ) -> None:
        self.state = State(
            contracts=[Contract.read(row) for row in contracts],
            tiers=[[Tier(**row) for row in rows] for rows in tiers],
            slots=slots,
            markets=[Market(leverage100=leverage100) for _ in contracts],
            account=Account(call_ratio8=call_ratio8),
            orders={},
            brackets=[Bracket() for _ in contracts],
            log=[],
        )

    @property
    def log(self) -> list[Entry]:
        """Every booking and happening since the beginning."""
        return self.state.log

    def apply(self, event: Event) -> int:
        """Play an event and return the answer; unless that is 0, nothing has changed."""
        before = self.state.snapshot()
        try:
            self._play(event)
        except names.Refused as refused:
            self.state.restore(before)
            return refused.code
        return 0

    def _play(self, event: Event) -> None:
        state, account = self.state, self.state.account
        names.need(event.time_ns >= account.time_ns, names.TIME_BACKWARDS)
        names.need(event.kind in MARKET_EVENTS or event.kind in COMMANDS, names.OUT_OF_RANGE)
        account.time_ns = event.time_ns
        account.sequence += 1
        if event.kind in MARKET_EVENTS:
            for number in sorted(state.orders):
                order = state.orders[number]
                if order.tif == names.GTD and order.expires_ns <= event.time_ns:
                    exits.drop_order(state, order, "expired")
            commands.run_time_stops(state)
            MARKET_EVENTS[event.kind](state, event)
        else:
            COMMANDS[event.kind](state, event)
            liquidation.check(state)
        commands.end_idle_brackets(state)

    def picture(self) -> dict[str, object]:
        """Return the whole state by the names of the kernel's rows."""
        state = self.state
        return {
            "account": dict(vars(state.account)),
            "markets": [dict(vars(market)) for market in state.markets],
            "orders": [dict(vars(state.orders[number])) for number in sorted(state.orders)],
            "brackets": [bracket.picture() for bracket in state.brackets],
        }

    def audit(self) -> None:
        """Work the whole log through again and assert that it comes to this state."""
        audit(self.state)
