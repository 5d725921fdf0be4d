"""A look ahead: the account as last known, a broker that sends nothing, and why none was opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lotwise.app.desk_ticket import Read, Ticket, market_entry_ticks, share_of_equity8, signal_of
from lotwise.app.desk_words import money
from lotwise.broker.policy import SECOND_NS
from lotwise.broker.port import Market
from lotwise.broker.tops import market_of
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError, RefusedError, VenueError
from lotwise.guard.facts import AccountFacts, MarketFacts
from lotwise.kernel.codes import NO_STOP
from lotwise.kernel.portfolio_rows import BAD_ENTRIES
from lotwise.records.guard import Approved, Open, Refused
from lotwise.records.live import VenuePosition
from lotwise.session.pipeline import NotSized, Outcome, Pipeline
from lotwise.units import Cash, Rate8, Ticks, grouped

if TYPE_CHECKING:
    from lotwise.app.desk import Desk

MS: Final = 10**6

UNSOUND: Final = {
    NO_STOP: ("the last price has reached the stop", "place the stop on the other side of the price"),
    BAD_ENTRIES: (
        "the entries are out of order",
        "put each entry nearer to the stop than the one before it, and all before the stop",
    ),
}
"""What makes a signal no trade before any size is looked for: what is said, and the way out."""


@dataclass(frozen=True)
class Facts:
    """What was last known of the account, for a look ahead that asks nobody."""

    account: AccountFacts
    busy: frozenset[str]
    """Contracts in which a trade or someone else's position stands."""
    silent: Mapping[str, str]
    positions: tuple[VenuePosition, ...] = ()
    """All that stand, as the venue tells them."""


class Rehearsal:
    """A broker that sends nothing: the pipeline's own judgement of a ticket that is still being written."""

    def __init__(self, account: AccountFacts, market: Market) -> None:
        self._account, self._market = account, market

    def account(self, contract_id: str) -> AccountFacts:
        """As last read."""
        return self._account

    def market(self, contract_id: str) -> Market:
        """As last heard."""
        return self._market

    def open(self, approved: Approved[Open], risk_cash: Cash, notional_cash: Cash) -> int:
        """Nothing is sent."""
        return 0

    def leave(self, contract_id: str) -> None:
        """Nothing is left."""


class Ahead:
    """What is known now of the account and its markets, and what the pipeline would say to a ticket."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def market(self, contract_id: str, leverage100: int = 0) -> Market:
        """The contract's market as the pipeline would see it.

        Raises
        ------
        VenueError
            WEB-120 nothing was heard of it yet.
        """
        desk, top = self._desk, self._desk.feed.top(contract_id)
        fees = desk.contracts[contract_id].fees
        if top is None or fees is None:
            raise VenueError("WEB-120", f"the market of {contract_id} was not heard yet", "wait a moment")
        return market_of(desk.broker.terms[contract_id], fees, top, leverage100)

    def market_ticks(self, contract_id: str, side: str) -> int | None:
        """Where a market order would count as filled; None: no market is known."""
        try:
            return market_entry_ticks(self.market(contract_id), 1 if side == "long" else -1)
        except VenueError:
            return None

    def known(self) -> Facts:
        """The account as last read.

        Raises
        ------
        VenueError
            WEB-120 it was not read yet.
        """
        facts = self._desk.facts
        if facts is None:
            said = f"the account was not read yet: {self._desk.problem}"
            raise VenueError("WEB-120", said, "wait a moment")
        return facts

    def rehearse(self, found: Read, ticket: Ticket, leverage100: int) -> Outcome:
        """What the pipeline would say to a ticket now; nothing is asked of the venue, nothing is sent.

        Raises
        ------
        InputError
            WEB-121 a trade or position stands in the contract, or nothing may be opened now; WEB-133 the
            price has reached the stop; PLAN codes of a plan that is obeyed and cannot be read.
        """
        desk, facts, contract_id = self._desk, self.known(), found.contract.id
        if contract_id in facts.busy:
            raise InputError(
                "WEB-121", f"a trade of {contract_id} stands already", "close it first: one trade a contract"
            )
        for name, why in facts.silent.items():
            if name == contract_id or ":" not in name:
                raise InputError(
                    "WEB-121", f"nothing is opened in {contract_id} now: {why}", "wait until it is over"
                )
        market = self.market(contract_id, leverage100)
        check_stop(found.contract, found.side, found.stop_ticks, market.last_ticks)
        risk8 = share_of_equity8(ticket, facts.account.equity_cash)
        signal = signal_of(found, ticket, risk8, "")
        plain = Pipeline(
            Rehearsal(facts.account, market),
            desk.guardrails.rulebook_at,
            desk.config.risk8,
            self.market_facts,
            desk.trader.pipeline.max_leverage100,
        )
        pipeline = desk.plan.pipeline(plain, is_rehearsal=True)
        now = int(desk.clock.now_ns())
        return pipeline.open(found.contract, signal, now, seen_ns=desk.feed.seen[contract_id].heard_ns)

    def market_facts(self, contract_id: str, now_ns: int) -> MarketFacts:
        """What the guard may ask of a market."""
        seen, contract = self._desk.feed.seen[contract_id], self._desk.contracts[contract_id]
        dated = datetime.fromisoformat(contract.as_of).replace(tzinfo=UTC) if contract.as_of else None
        return MarketFacts(
            last_ticks=Ticks(seen.last_ticks) if seen.last_ticks else None,
            seen_ns=seen.heard_ns or None,
            facts_ns=int(dated.timestamp()) * SECOND_NS if dated else None,
            spread_ticks=Ticks(max(0, seen.ask_ticks - seen.bid_ticks)) if seen.ask_ticks else None,
            funding8=Rate8(seen.funding8) if seen.funding_ms else None,
            funding_ns=seen.funding_ms * MS or None,
        )


def check_stop(contract: Contract, side: int, stop_ticks: int, last_ticks: int) -> None:
    """A stop that the price has reached already would close the trade as it opens.

    Raises
    ------
    InputError
        WEB-133 it is not beyond the last price.
    """
    if side * (last_ticks - stop_ticks) > 0:
        return
    stop, last = grouped(contract.price_text(stop_ticks)), grouped(contract.price_text(last_ticks))
    where, nearest = ("below", last_ticks - 1) if side > 0 else ("above", last_ticks + 1)
    raise InputError(
        "WEB-133",
        f"the stop {stop} is not {where} the last price {last}: it would close the trade at once",
        f"place the stop at {grouped(contract.price_text(max(1, nearest)))} or farther {where}",
    )


def outcome_error(outcome: Outcome) -> LotwiseError:
    """Why a trade was not opened, as an error.

    WEB-126 no size fits; WEB-127 the venue did not take it; else the guard's own code.
    """
    if isinstance(outcome, Refused):
        return RefusedError(outcome.code, outcome.message, outcome.hint)
    if isinstance(outcome, NotSized) and outcome.code in UNSOUND:
        return RefusedError("WEB-126", *UNSOUND[outcome.code])
    if isinstance(outcome, NotSized):
        from lotwise.sizing.words import RULE_NAMES

        name = RULE_NAMES.get(outcome.code, f"rule {outcome.code}")
        return RefusedError(
            "WEB-126",
            f"no size fits ({name}): the smallest order loses {money(outcome.loss_cash)} of a budget of"
            f" {money(outcome.budget_cash)}",
            "the ticket shows the ways out",
        )
    return VenueError(
        "WEB-127", f"the venue did not take it (code {getattr(outcome, 'code', 0)})", "the events tell why"
    )
