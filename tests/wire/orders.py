"""One order of each kind that the allow-list knows, and every other change that may be asked."""

from __future__ import annotations

from typing import Any

from lotwise.broker.ccxt_venue.adapter import CcxtVenue, kind_of
from lotwise.broker.ccxt_venue.allowed import ALLOWED, KINDS
from lotwise.contracts import catalogue
from lotwise.records.live import OrderWanted, VenueOrder
from lotwise.units import Lots, Ticks
from tests.wire.offline import CONTRACTS, Answer, Sent, venue_of

FORMS: dict[str, dict[str, Any]] = {
    "market": {"kind": "market"},
    "market reduce": {"kind": "market", "is_reduce_only": True, "side": -1},
    "limit": {"kind": "limit"},
    "limit reduce": {"kind": "limit", "is_reduce_only": True, "side": -1},
    "post-only": {"kind": "limit", "is_post_only": True},
    "post-only reduce": {"kind": "limit", "is_post_only": True, "is_reduce_only": True, "side": -1},
    "stop": {"kind": "stop", "is_reduce_only": True, "side": -1, "trigger": "45000.1"},
    "target": {"kind": "target", "is_reduce_only": True, "side": -1, "trigger": "60000.1", "by_mark": True},
    "stop entry": {"kind": "stop", "trigger": "55000.1"},
    "target entry": {"kind": "target", "trigger": "45000.1"},
}
LOTS = Lots(3)
PRICE = "50000.1"


def order_of(venue: str, kind: str, **more: Any) -> OrderWanted:
    """An order of a kind: 3 lots, at 50000.1 where it has a price."""
    contract = catalogue.load(CONTRACTS[venue])
    form = {"side": 1, **FORMS[kind], **more}
    trigger = form.pop("trigger", "")
    if trigger:
        form["trigger_ticks"] = contract.price_ticks(trigger, "trigger")
    if form["kind"] == "limit":
        form["price_ticks"] = contract.price_ticks(PRICE, "price")
    return OrderWanted(contract_id=contract.id, client_id="lw-0001", lots=LOTS, **form)


def _nowhere(sent: Sent) -> Answer:
    return 200, {"nothing": "said"}


def request_of(venue: str, kind: str, **more: Any) -> Sent:
    """What leaves for an order, built by the adapter and real ccxt; no answer is read."""
    found, transport = venue_of(venue, _nowhere)
    order = order_of(venue, kind, **more)
    assert kind_of(order) == kind
    contract = catalogue.load(order.contract_id)
    found.wire.ask(kind, **found.dialect.placing(order, contract))
    return transport.sent[-1]


def standing(venue: str, kind: str) -> VenueOrder:
    """An order that stands there, to be cancelled."""
    trigger = Ticks(450_001) if kind == "stop" else Ticks(0)
    return VenueOrder(
        contract_id=CONTRACTS[venue],
        client_id="lw-0001",
        venue_id="123456",
        kind="stop" if kind == "stop" else "limit",
        side=-1,
        lots=LOTS,
        trigger_ticks=trigger,
    )


def other_requests(venue: str) -> dict[str, list[Sent]]:
    """Cancels and settings."""
    found, transport = venue_of(venue, _nowhere)
    contract = catalogue.load(CONTRACTS[venue])
    does: dict[str, Any] = {
        "cancel": lambda: _cancel(found, "limit"),
        "cancel of a stop": lambda: _cancel(found, "stop"),
        "one-way": lambda: found.dialect.set_one_way(contract),
        "margin isolated": lambda: found.dialect.set_margin(contract, 500, True),
        "margin cross": lambda: found.dialect.set_margin(contract, 500, False),
        "leverage isolated": lambda: found.dialect.set_leverage(contract, 500, True),
        "leverage cross": lambda: found.dialect.set_leverage(contract, 500, False),
    }
    requests = {}
    for name, call in does.items():
        before = len(transport.sent)
        call()
        requests[name] = transport.sent[before:]
    return requests


def _cancel(found: CcxtVenue, kind: str) -> None:
    order = standing(found.name, kind)
    action, params = found.dialect.cancelling(order, catalogue.load(order.contract_id))
    found.wire.ask(action, **params)


def all_requests(venue: str) -> dict[str, Any]:
    """Everything that may change something at a venue, as it is stored."""
    kinds = [kind for kind in KINDS if kind in ALLOWED[venue]]
    found: dict[str, Any] = {kind: request_of(venue, kind).plain() for kind in kinds}
    for name, sent in other_requests(venue).items():
        found[name] = [one.plain() for one in sent]
    return found
