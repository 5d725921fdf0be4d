"""An order in every unit before it is sent, and a mix of contract sizes."""

from __future__ import annotations

import msgspec

from lotwise.records.answers import Answer


class OrderPreview(Answer, frozen=True, kw_only=True):
    """What a quantity comes to: coins, contracts and money, and what goes over the wire.

    ``wire_quantity`` is the number in the venue's order, counted in ``wire_unit``. ``plausible``
    is false where a warning says why the order looks like a slip.
    """

    contract: str
    side: str
    lots: int
    coins: str
    contracts: str
    notional: str
    settle: str
    preview: str
    wire_quantity: str
    wire_unit: str
    price: str
    times_equity: str
    largest: str
    """The largest quantity that the risk, the stop and every rule allow."""
    plausible: bool
    warnings: list[str]
    as_of: str | None


class MixPart(msgspec.Struct, frozen=True, kw_only=True):
    """One contract of a mix."""

    contract: str
    lots: int
    quantity: str
    quantity_unit: str
    contracts: str
    notional: str
    loss_at_stop: str
    initial_margin: str


class MixPlan(Answer, frozen=True, kw_only=True):
    """Contracts of several sizes that fill a budget more closely than one alone.

    ``single_loss`` is the loss of the best single contract, for comparison. Where nothing fits,
    ``parts`` is empty and ``blocked_by`` says what refuses the smallest.
    """

    feasible: bool
    side: str
    entry: str
    stop: str
    parts: list[MixPart]
    loss_at_stop: str
    budget: str
    waste: str
    notional: str
    initial_margin: str
    single_contract: str | None
    single_loss: str | None
    settle: str
    blocked_by: str | None
    notes: list[str]
