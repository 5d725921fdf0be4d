"""A look ahead: the account as last known, a broker that sends nothing, and why none was opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lotwise.app.desk_words import money
from lotwise.broker.port import Market
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError, RefusedError, VenueError
from lotwise.guard.facts import AccountFacts
from lotwise.kernel.codes import NO_STOP
from lotwise.kernel.portfolio_rows import BAD_ENTRIES
from lotwise.records.guard import Approved, Open, Refused
from lotwise.session.pipeline import NotSized, Outcome
from lotwise.units import Cash, grouped

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
