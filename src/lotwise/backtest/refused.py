"""Why signals were not opened, by rule and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lotwise.kernel import answers, codes, limit_codes
from lotwise.kernel.portfolio_rows import BAD_ENTRIES
from lotwise.sizing.words import RULE_NAMES
from lotwise.units import Cash

if TYPE_CHECKING:
    from typing import Any

    Rows = Any

WORDS: Final = {
    codes.BUDGET: ("budget", "one lot, or the smallest order, risked more than the budget"),
    codes.MAX_QUANTITY: ("max_quantity", "the smallest order is more than the largest the venue takes"),
    codes.MARGIN: ("margin", "the free money did not carry the margin of the smallest order"),
    codes.HEADROOM: ("headroom", "the share of equity that may be margin was used up"),
    codes.PLAN_LEVERAGE: ("max_leverage", "more leverage was needed than the plan allows"),
    codes.TIER: ("tier", "more leverage was needed than the venue's tier allows"),
    codes.LIQUIDATION: ("liquidation", "liquidation would not have stayed beyond the stop"),
    codes.LOT: ("lot", "a leg would have been smaller than the venue's smallest quantity"),
    codes.MIN_NOTIONAL: ("min_notional", "a leg would have been worth less than the venue's smallest order"),
    codes.NO_STOP: ("stop", "the stop was on the wrong side of the price when the bar had closed"),
    codes.COSTS_REACH_PRICE: ("costs", "spread and slippage were as large as the stop's price"),
    codes.UNCOUNTABLE: ("uncountable", "one order was too large to count"),
    BAD_ENTRIES: ("entries", "the entries were not in order, or reached the stop"),
    limit_codes.NOT_ROLLED: ("not_rolled", "the limits' day had not begun"),
    limit_codes.LOCKED: ("locked", "trading was locked by hand"),
    limit_codes.NO_EQUITY: ("no_equity", "there was no money left"),
    limit_codes.WEEK_LOSS: ("week_loss", "the week's largest loss had been reached"),
    limit_codes.DAY_LOSS: ("day_loss", "the day's largest loss had been reached"),
    limit_codes.COOL_DOWN: ("cool_down", "the pause after a loss was not over"),
    limit_codes.DAY_TRADES: ("trades_a_day", "as many trades were opened that day as the plan allows"),
    limit_codes.POSITIONS: ("positions", "as many positions were open as the plan allows"),
    limit_codes.TRADE_RISK: ("risk", "it risked a larger share of equity than the plan allows"),
    limit_codes.TRADE_RISK_CASH: ("risk_money", "it risked more money than the plan allows"),
    limit_codes.OPEN_RISK: ("open_risk", "all open trades and this one risked more than the plan allows"),
    limit_codes.WEEK_ROOM: ("week_room", "with all stops hit, the week's largest loss would be exceeded"),
    limit_codes.DAY_ROOM: ("day_room", "with all stops hit, the day's largest loss would be exceeded"),
    limit_codes.ACCOUNT_LEVERAGE: ("account_leverage", "all open positions were too large for the equity"),
    answers.MARGIN_IS_INSUFFICIENT: ("venue_margin", "the venue: margin is insufficient"),
    answers.WOULD_TRIGGER: ("venue_trigger", "the venue: the stop would have triggered at once"),
    answers.ABOVE_LEVERAGE: ("venue_leverage", "the venue: the position is too large for the leverage"),
    answers.LOTS_TOO_FEW: ("venue_min_quantity", "the venue: less than its smallest quantity"),
    answers.LOTS_TOO_MANY: ("venue_max_quantity", "the venue: more than its largest quantity"),
    answers.NOTIONAL_TOO_SMALL: ("venue_min_notional", "the venue: worth less than its smallest order"),
    answers.TOO_MANY_ORDERS: ("venue_orders", "the venue: too many orders"),
    answers.WOULD_TAKE: ("venue_would_take", "the venue: it would have taken at once"),
    answers.BRACKET_IN_THE_WAY: ("bracket", "another bracket was in the way"),
    answers.BRACKET_CANNOT_BE: ("bracket_cannot_be", "its stop and targets cannot stand together"),
}
"""Code to a stable name and a sentence."""


@dataclass(frozen=True)
class Refused:
    """Signals that one rule refused."""

    code: int
    rule: str
    words: str
    count: int
    mean_budget_cash: Cash
    """Rounded down; 0 where there is none."""
    mean_loss_cash: Cash
    """Of those whose loss was known, rounded up: what the smallest order would have lost at the stop."""


def words_of_code(code: int) -> tuple[str, str]:
    """Name and sentence of a refusal."""
    if code in WORDS:
        return WORDS[code]
    if code in RULE_NAMES:
        return RULE_NAMES[code], "a rule of sizing said no"
    return f"venue_{abs(code)}", f"the venue answered {code}"


def refused_by_rule(refusals: Rows) -> list[Refused]:
    """The refusals of a run by rule, the most frequent first."""
    import numpy as np

    found = []
    for code in np.unique(refusals["code"]).tolist():
        mine = refusals[refusals["code"] == code]
        rule, words = words_of_code(code)
        losses = mine["loss_cash"][mine["loss_cash"] > 0]
        found.append(
            Refused(
                code=code,
                rule=rule,
                words=words,
                count=len(mine),
                mean_budget_cash=Cash(sum(mine["budget_cash"].tolist()) // len(mine)),
                mean_loss_cash=Cash(-(-sum(losses.tolist()) // len(losses)) if len(losses) else 0),
            )
        )
    return sorted(found, key=lambda one: (-one.count, one.code))
