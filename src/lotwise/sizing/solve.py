"""From the nouns to the kernel and back: one question, one answer, integers throughout."""

from __future__ import annotations

from typing import NamedTuple

from lotwise.contracts.bounds import MAX_INVERSE_TICKS
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.codes import OK
from lotwise.kernel.feasibility import largest_feasible, leverage_for, smallest_legal
from lotwise.kernel.layout import RATE, AskRow, LegRow, LimitsRow, SpecRow, TierRow
from lotwise.records.order import AccountView, Intent, Limits, SizedOrder
from lotwise.units import Cash, Lots


class Rows(NamedTuple):
    """The kernel's arguments: one-row lists, and the ladder and the tiers."""

    spec: list[SpecRow]
    ask: list[AskRow]
    limits: list[LimitsRow]
    legs: list[LegRow]
    tiers: tuple[TierRow, ...]


class Question(NamedTuple):
    """Everything a size depends on; vary it with ``_replace`` and ask again."""

    contract: Contract
    intent: Intent
    account: AccountView
    limits: Limits


def budget_cash(account: AccountView, limits: Limits) -> Cash:
    """Money at risk: the amount asked for, or the share of equity rounded down."""
    return limits.risk_cash or Cash(mul_div_floor(account.equity_cash, limits.risk8, RATE))


def rows_of(question: Question) -> Rows:
    """The kernel's view of a question."""
    contract, intent, account, limits = question
    spec = contract.spec_rows(_highest_ticks(intent))
    ask = AskRow(
        entry_fee8=intent.entry_fee8,
        entry_spread_ticks=intent.spread_ticks if intent.entry_takes else 0,
        exit_fee8=intent.exit_fee8,
        exit_spread_ticks=intent.spread_ticks,
        funding8=intent.funding8,
        leverage100=limits.leverage100,
        mark_ticks2=intent.mark_ticks2,
        side=intent.side,
        slippage_ticks=intent.slippage_ticks,
        stop_is_liquidation=int(intent.stop_is_liquidation),
        stop_ticks=intent.stop_ticks,
    )
    legs = [
        LegRow(cumulative_share8=leg.cumulative_share8, price_ticks=leg.price_ticks) for leg in intent.entries
    ]
    tiers = contract.liquidation_rows(intent.exit_fee8)
    return Rows(spec, [ask], [limits_row(account, limits)], legs, tiers)


def countable_rows_of(question: Question) -> Rows:
    """:func:`rows_of`, where even the smallest order and one lot more can be counted.

    A ladder's smallest order may pass the 64-bit proof's bound by its spare bits (a factor of
    4): it is then refused as too large for the venue, and its loss is still exact.

    Raises
    ------
    InputError
        SIZE-033.
    """
    contract, highest = question.contract, _highest_ticks(question.intent)
    rows = rows_of(question)
    exact = contract.exact_lots_at(highest)
    beyond_proof = contract.is_inverse and highest * 2 > MAX_INVERSE_TICKS
    if beyond_proof or rows.spec[0].min_lots >= exact or smallest_legal(rows.spec, rows.legs) > 4 * exact:
        raise InputError(
            "SIZE-033",
            f"one order of {contract.id} at {contract.price_text(highest)} is too large to count",
            "check the price and the contract size",
        )
    return rows


def _highest_ticks(intent: Intent) -> int:
    prices = [intent.stop_ticks, intent.mark_ticks2 // 2, *(leg.price_ticks for leg in intent.entries)]
    return max(prices) + intent.slippage_ticks + intent.spread_ticks


def limits_row(account: AccountView, limits: Limits) -> LimitsRow:
    """What the account and the plan allow, as the kernel reads it."""
    return LimitsRow(
        budget_cash=budget_cash(account, limits),
        cross_cash=account.cross_cash,
        free_cash=account.free_cash,
        is_cross=int(account.is_cross),
        liquidation_multiple8=limits.liquidation_multiple8,
        margin_cash=mul_div_floor(account.equity_cash, limits.margin_share8, RATE),
        max_leverage100=limits.max_leverage100,
    )


def fits(rows: Rows) -> bool:
    """Whether any size fits."""
    lots, _, _ = largest_feasible(rows.spec, rows.ask, rows.limits, legs=rows.legs, tiers=rows.tiers)
    return lots > 0


def solve(question: Question, rows: Rows | None = None) -> SizedOrder:
    """The largest size that fits every rule; 0 lots where the smallest order does not."""
    rows = rows or rows_of(question)
    lots, code, smallest = largest_feasible(
        rows.spec, rows.ask, rows.limits, legs=rows.legs, tiers=rows.tiers
    )
    sized = Lots(lots or smallest)
    return SizedOrder(
        intent=question.intent,
        lots=Lots(lots),
        smallest_lots=Lots(smallest),
        binding=code if lots else OK,
        refusal=OK if lots else code,
        leverage100=leverage_for(rows.spec, rows.ask, rows.limits, legs=rows.legs, lots=sized),
        budget_cash=Cash(rows.limits[0].budget_cash),
    )
