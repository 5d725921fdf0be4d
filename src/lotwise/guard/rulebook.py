"""Every rule for opening trades, in the order in which they are asked; every code of the guard.

=========  ==================  ==================================================================
code       rule                refuses
=========  ==================  ==================================================================
GUARD-100  order sound         what is no order of the trade that was asked about
GUARD-101  account ready       books of an earlier day, no money
GUARD-102  locked              locked by hand, or by the kill switch
GUARD-103  allowed contracts   a contract that is not on the list
GUARD-104  blackout            around an event of the calendar
GUARD-105  fresh facts         stale prices, stale facts of the contract
GUARD-106  week loss           the week's largest loss, or a trade that would exceed it
GUARD-107  day loss            the day's largest loss, or a trade that would exceed it
GUARD-108  cool-down           the pause after losses
GUARD-109  trades a day        one trade more than a day has
GUARD-110  trade risk          more than one trade may lose at its stop
GUARD-111  plan size           more than the scaling plan lets one trade lose
GUARD-112  open risk           more than all trades may lose at their stops
GUARD-113  correlated risk     the same, by how much they move together
GUARD-114  account leverage    more notional than so many times the equity
GUARD-115  order leverage      a higher leverage setting
GUARD-116  margin headroom     more of the equity as margin
GUARD-117  liquidation         a liquidation too near behind the stop
GUARD-118  positions           one position more
GUARD-120  stop never loosens  a stop moved away from the price
GUARD-130  BTC weakness        trades, or larger ones, while BTC is weak
GUARD-131  no chasing          an entry far from the mean
GUARD-132  funding             an expensive next funding
GUARD-133  spread              a spread that is large against the stop
GUARD-134  depth               an order that is large against the book
GUARD-2xx                      a rulebook's file (201 to 212: :mod:`lotwise.guard.config`) or a
                               command (217 to 219: :mod:`lotwise.records.guard`) that is malformed
=========  ==================  ==================================================================

10x the account as it stands, 11x the size, 12x stops, 13x the market. A code is never used again for
another rule.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import GuardRule
from lotwise.guard.rules import (
    account_leverage,
    account_ready,
    allowed_contracts,
    blackout,
    btc_weakness,
    chase,
    cool_down,
    correlated_risk,
    day_loss,
    day_trades,
    depth,
    fresh_facts,
    funding,
    liquidation,
    locked,
    margin_headroom,
    open_risk,
    order_leverage,
    order_sound,
    plan_size,
    positions,
    spread,
    trade_risk,
    week_loss,
)

RULES: Final[tuple[GuardRule, ...]] = (
    order_sound.RULE,
    account_ready.RULE,
    locked.RULE,
    allowed_contracts.RULE,
    blackout.RULE,
    fresh_facts.RULE,
    week_loss.RULE,
    day_loss.RULE,
    cool_down.RULE,
    day_trades.RULE,
    positions.RULE,
    btc_weakness.RULE,
    chase.RULE,
    funding.RULE,
    spread.RULE,
    depth.RULE,
    trade_risk.RULE,
    plan_size.RULE,
    open_risk.RULE,
    correlated_risk.RULE,
    account_leverage.RULE,
    order_leverage.RULE,
    margin_headroom.RULE,
    liquidation.RULE,
)
"""First what no smaller trade helps and what lasts longest, as :mod:`lotwise.kernel.limit_codes` has it;
then the market; then the size, the narrowest view first: the trade, what is open, the account's margin."""
