"""The ticket's requests: JSON in, the library's own answer out."""

from __future__ import annotations

from typing import Any

import msgspec

from lotwise.app.desk_size import answer, judged, market_warning
from lotwise.app.desk_ticket import Ticket, average_range
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, VenueError
from lotwise.web.site import Site

RANGE_BARS = 100


class Placing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/orders``."""

    client_id: str
    ticket: Ticket
    confirm: str = ""


def decoded(body: bytes, kind: type[Any]) -> Any:
    """A body as its record.

    Raises
    ------
    InputError
        WEB-110 no JSON, or a field that is missing, of another type or unknown.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise InputError("WEB-110", f"the request cannot be read: {error}", "see docs/desk.md") from error
    except UnicodeDecodeError as error:
        raise InputError("WEB-110", "the request is no text in UTF-8", "send JSON") from error


def contract_of(site: Site, contract_id: str) -> Contract:
    """A contract of the desk, or of the catalogue where only sizes are asked for."""
    found = site.desk.contracts.get(contract_id) if site.desk else None
    return found or catalogue.load(contract_id)


def sized(site: Site, body: bytes) -> dict[str, Any]:
    """What the ticket shows."""
    ticket = decoded(body, Ticket)
    desk = site.desk
    found = judged(ticket, contract_of(site, ticket.contract), desk, lambda *names: ranged(site, *names))
    told = answer(ticket, found)
    told["warnings"] = [*market_warning(desk, ticket.contract), *told["warnings"]]
    return told


def ranged(site: Site, contract_id: str, interval: str) -> str | None:
    """The average true range of the closed bars of an interval."""
    if site.opened is None or contract_id not in site.opened.desk.contracts:
        return None
    try:
        bars = site.opened.history.bars(contract_id, interval, 0, RANGE_BARS)
    except VenueError:
        return None  # the calculator then says that no range is known
    return average_range(bars, site.opened.desk.contracts[contract_id])
