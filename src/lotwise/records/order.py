"""Intent, AccountView, Limits in; SizedOrder out: integers only."""

from __future__ import annotations

import msgspec

from lotwise.units import Cash, Lots, Rate8, Ticks


class EntryLeg(msgspec.Struct, frozen=True):
    """One entry order of a ladder."""

    price_ticks: Ticks
    cumulative_share8: Rate8
    """Share of the lots in this leg and every leg farther from the stop."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What a trader or strategy wants; it never carries a size.

    ``entries`` run from the farthest from the stop to the nearest. Costs are allowances:
    ``spread_ticks`` is the full spread, ``slippage_ticks`` the stop's, ``funding8`` the total
    over the planned hold this side pays.
    """

    contract_id: str
    side: int
    entries: tuple[EntryLeg, ...]
    stop_ticks: Ticks
    stop_is_liquidation: bool = False
    entry_takes: bool = True
    spread_ticks: Ticks = Ticks(0)
    slippage_ticks: Ticks = Ticks(0)
    entry_fee8: Rate8
    exit_fee8: Rate8
    funding8: Rate8 = Rate8(0)
    mark_ticks2: int = 0
    """Mark price in half ticks; 0 where none was given."""


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """The account at one moment."""

    equity_cash: Cash
    free_cash: Cash
    is_cross: bool = False
    cross_cash: Cash = Cash(0)
    """Cross: wallet - maintenance margin + unrealised PnL of the other positions."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan allows. One of ``risk8`` (share of equity) and ``risk_cash`` is set."""

    risk8: Rate8 = Rate8(0)
    risk_cash: Cash = Cash(0)
    leverage100: int = 0
    """Leverage asked for, 0: the lowest that funds the trade."""
    max_leverage100: int
    margin_share8: Rate8
    """Share of equity that may be initial margin."""
    liquidation_multiple8: Rate8


class SizedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: how many lots, and which rule allows no more.

    ``lots`` is 0 where the trade does not fit; ``refusal`` then names the rule that refuses
    ``smallest_lots``, the smallest order the venue takes. Codes: :mod:`lotwise.kernel.codes`.
    """

    intent: Intent
    lots: Lots
    smallest_lots: Lots
    binding: int
    refusal: int
    leverage100: int
    budget_cash: Cash
