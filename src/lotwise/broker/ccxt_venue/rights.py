"""What must be so before real money trades: a key that cannot withdraw, tiers and fees that are known."""

from __future__ import annotations

from lotwise.broker.ccxt_venue.dialect import Dialect
from lotwise.broker.ccxt_venue.keys import Where
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, VenueError


def check_withdraw(dialect: Dialect) -> None:
    """Refuse a key that may withdraw; say so where the venue does not tell.

    Raises
    ------
    VenueError
        BROKER-131.
    """
    may = dialect.may_withdraw()
    if may:
        raise VenueError(
            "BROKER-131",
            f"the key of {dialect.venue} may withdraw money",
            "make a key that may trade and not withdraw, bound to this machine's address",
        )
    if may is None:
        dialect.wire.tell(f"{dialect.venue} does not tell whether the key may withdraw: look on its page")


def unknown_of(contract: Contract) -> list[str]:
    """What is not known of a contract and must be before real money trades it."""
    unknown = [] if contract.tiers else ["margin tiers"]
    return unknown if contract.fees else [*unknown, "fees"]


def check_live(contract: Contract, where: Where) -> None:
    """Paper yes, live no until refreshed: refuse live trades of what is not known.

    Raises
    ------
    InputError
        BROKER-132.
    """
    unknown = unknown_of(contract)
    if where == "live" and unknown:
        raise InputError(
            "BROKER-132",
            f"{' and '.join(unknown)} of {contract.id} are unknown: it may be traded on paper, not live",
            f"lotwise contracts refresh --venue {contract.venue}, with keys, or a facts file of your own",
        )
