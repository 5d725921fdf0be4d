"""What a rule is told: the account, the market, the bounds of the rulebook.

Integers only. A fact that is ``None`` is unknown; a bound of the rulebook that is 0 or empty is not set.
"""

from __future__ import annotations

import msgspec

from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.units import Cash, Rate8, Ticks


class OpenPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position that is open while another is judged."""

    contract_id: str
    side: int
    risk_cash: Cash
    """What it loses at its stop, 0 where the stop locks in a profit."""
    notional_cash: Cash
    correlation8: Rate8 | None = None
    """With the contract of the order; unknown counts as 1."""


class MarketFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the order's market at the moment."""

    last_ticks: Ticks | None = None
    seen_ns: int | None = None
    """When the market was last heard of."""
    facts_ns: int | None = None
    """Date of the contract's facts: tiers, steps, fees."""
    spread_ticks: Ticks | None = None
    depth_cash: Cash | None = None
    """What rests on the side that the stop would take, within the rulebook's distance."""
    mean_ticks: Ticks | None = None
    """The average that a chase is measured from."""
    atr_ticks: Ticks | None = None
    funding8: Rate8 | None = None
    """The next funding rate."""
    funding_ns: int | None = None
    """When it is charged."""
    btc_health8: Rate8 | None = None
    """0: BTC falls apart, 1e8: nothing is wrong with it."""


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The account at the moment of judging."""

    equity_cash: Cash
    free_cash: Cash
    margin_cash: Cash
    """Initial margin of all that is open."""
    sequence: int
    """Number of the account's last event: an approval is bound to it."""
    usage: UsageRow
    positions: tuple[OpenPosition, ...] = ()
    plan_risk_cash: Cash | None = None
    """What the scaling plan lets one trade risk; ``None`` without a plan."""
    cross_cash: Cash | None = None
    """Cross margin: wallet - maintenance margin + unrealised PnL of the other positions; ``None`` where
    the order's margin is isolated."""


class Blackout(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which nothing is opened."""

    from_ns: int
    until_ns: int
    name: str


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of every rule. 0, empty: not set."""

    allowed: AllowedRow
    """Bounds that sweeps and the scaling plan share: :mod:`lotwise.kernel.limits`."""
    correlated_risk_share8: Rate8 = Rate8(0)
    """Most that correlated positions may lose together, share of equity."""
    max_leverage100: int = 0
    """Highest leverage setting of an order, in hundredths."""
    margin_share8: Rate8 = Rate8(0)
    """Most of the equity that may be initial margin, of all positions."""
    liquidation_multiple8: Rate8 = Rate8(0)
    """Liquidation lies beyond so many stop distances."""
    chase_atr8: Rate8 = Rate8(0)
    """Farthest entry from the mean, in average true ranges."""
    btc_refuse8: Rate8 = Rate8(0)
    """Below this health of BTC nothing is opened."""
    btc_reduce8: Rate8 = Rate8(0)
    """Below this health the risk shrinks in proportion."""
    funding8: Rate8 = Rate8(0)
    """Most that the next funding may charge, share of the notional."""
    funding_within_ns: int = 0
    """Only a funding that is charged within so long counts; 0: whenever it is."""
    spread_share8: Rate8 = Rate8(0)
    """Widest spread, share of the stop's distance."""
    depth_multiple8: Rate8 = Rate8(0)
    """Least depth, multiple of the order's notional."""
    market_age_ns: int = 0
    facts_age_ns: int = 0
    blackouts: tuple[Blackout, ...] = ()
    contracts: tuple[str, ...] = ()
    """The only contracts that may be opened."""
    band_share8: Rate8 = Rate8(100_000)
    """An approval is for prices so near the entry: 0.1 %."""
    valid_ns: int = 5_000_000_000
    """An approval is for so long: 5 s."""
    day_ends_ns: int = 0
    """The trader's next midnight, 0: counted from the offset. An offset is of one moment, and a night in
    which the clock is changed has two."""
    week_ends_ns: int = 0
    """Midnight of the trader's next Monday, 0: counted from the offset."""
