"""Random trades, each made from its number alone: real contracts and contracts of one's own.

A case is the question in integers, as the kernel's faces build it. ``words_of`` writes the same
question down as a trader would.
"""

from __future__ import annotations

import math
import random
from functools import cache
from typing import Any, Literal, NamedTuple

from msgspec import structs

from lotwise import FeeSchedule
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.contracts.tiers import MarginTier
from lotwise.errors import InputError
from lotwise.kernel.codes import LIQUIDATION, OK
from lotwise.kernel.feasibility import refusal, smallest_legal
from lotwise.kernel.layout import LEVERAGE, RATE
from lotwise.kernel.sizing import loss_cash
from lotwise.records.order import AccountView, EntryLeg, Intent, Limits
from lotwise.sizing.solve import Question, Rows, countable_rows_of, rows_of
from lotwise.units import Cash, Lots, Rate8, Ticks, cash_text, percent_text, scaled_text

SEED = 20_260_901
OWN_CONTRACTS = 2_000
MAX_PRICE_TICKS = 50_000_000


def seeded(number: int) -> random.Random:
    """The generator of one case."""
    return random.Random(SEED * 1_000_003 + number)


def chance(rng: random.Random, percent: int) -> bool:
    """True in so many of a hundred cases."""
    return rng.randint(1, 100) <= percent


def spread_over(rng: random.Random, least: int, most: int) -> int:
    """A whole number in [least, most], every order of magnitude as likely as the next."""
    if most <= least:
        return least
    low, high = math.log(least), math.log(most + 1)
    return min(most, max(least, int(math.exp(rng.uniform(low, high)))))


# --- contracts --------------------------------------------------------------------------------


class Draft(NamedTuple):
    """An own contract in integers, so that it can be made again in other units."""

    number: int
    tick8: int
    lot8: int
    size8: int
    min_lots: int
    max_lots: int | None
    min_notional: int
    max_leverage: int | None
    tiers: tuple[MarginTier, ...]
    entry_based: bool
    fee_to_close: bool
    kind: Literal["linear_perpetual", "inverse_perpetual", "inverse_dated"] = "linear_perpetual"
    closing_fee: bool = False
    clearing: bool = False
    margin_per_contract: int = 0


CLOSING_FEE_OWN = (0, 8)
"""Last digits of the own contracts, inverse and linear, whose liquidation counts the closing fee."""


def is_inverse_own(number: int) -> bool:
    """Two own contracts in five are inverse; own ones are half of all cases, so a case in five is."""
    return number % 5 < 2


def is_cleared_own(number: int) -> bool:
    """One own contract in twenty is a listed future with a margin per contract."""
    return number % 20 == 4


def random_tiers(rng: random.Random, decimals: int = 0) -> tuple[MarginTier, ...]:
    """One to six tiers with rising caps and rates, falling leverage and the continuous amounts.

    Caps are 100 to 80 million of the settle coin, with ``decimals`` so many powers of ten less.
    """
    count = rng.randint(1, 6)
    caps = sorted(rng.sample([m * 10**e for e in range(2, 8) for m in (1, 2, 3, 5, 8)], count))
    rates = sorted(rng.sample(range(4, 200, 2), count))
    leverages = sorted(
        (rng.choice([125, 100, 75, 50, 25, 20, 10, 5, 4, 2]) for _ in range(count)), reverse=True
    )
    rows, floor, before, cumulative = [], 0, 0, 0
    for cap, rate, leverage in zip(caps, rates, leverages, strict=True):
        cumulative += floor * (rate - before)  # in 1e-3 of the coin
        rows.append(
            MarginTier(
                notional_floor=scaled_text(floor, decimals),
                notional_cap=scaled_text(cap, decimals),
                max_leverage=str(leverage),
                maintenance_rate=scaled_text(rate, 3),
                cumulative=scaled_text(cumulative, 3 + decimals),
            )
        )
        floor, before = cap, rate
    return tuple(rows)


@cache
def draft(number: int) -> Draft:
    """Own contract number so-and-so: ticks 1e-7 to 10, lots 1e-3 to 1000, sizes 1e-4 to 100."""
    rng = seeded(-1 - number)
    while True:
        tick8 = rng.choice([1, 2, 5, 25]) * 10 ** rng.randint(1, 8)
        lot8 = rng.choice([1, 1, 2, 5]) * 10 ** rng.randint(5, 11)
        size8 = RATE if chance(rng, 60) else rng.choice([1, 1, 5]) * 10 ** rng.randint(4, 10)
        unit, rest = divmod(tick8 * lot8 * size8, 10**16)
        if rest == 0 and 1 <= unit <= 10**12 and tick8 <= 10**9 and lot8 <= 10**11 and size8 <= 10**10:
            break
    tiers = random_tiers(rng) if chance(rng, 70) else ()
    min_lots = 1 if chance(rng, 60) else spread_over(rng, 1, 1_000)
    made = Draft(
        number=number,
        tick8=tick8,
        lot8=lot8,
        size8=size8,
        min_lots=min_lots,
        max_lots=min_lots * spread_over(rng, 1, 1_000_000) if chance(rng, 50) else None,
        min_notional=rng.choice([0, 0, 5, 20, 100]),
        max_leverage=None if chance(rng, 60) else rng.choice([5, 10, 25, 50, 100, 125]),
        tiers=tiers,
        entry_based=chance(rng, 25),
        fee_to_close=chance(rng, 30),
    )
    made = made._replace(closing_fee=number % 10 in CLOSING_FEE_OWN)
    if is_inverse_own(number):
        return _inverse(made)
    return _cleared(made) if is_cleared_own(number) else made


def _inverse(made: Draft) -> Draft:
    """The same rules on contracts of 0.01 to 1000 of the quote, with tiers in the coin."""
    rng = seeded(-5_000_001 - made.number)
    while True:
        tick8 = rng.choice([1, 2, 5, 25]) * 10 ** rng.randint(1, 9)
        lot8 = rng.choice([1, 1, 2, 5]) * 10 ** rng.randint(7, 9)
        size8 = rng.choice([1, 1, 5]) * 10 ** rng.randint(7, 10)
        unit, rest = divmod(lot8 * size8, tick8)
        if rest == 0 and 10**5 <= unit <= 10**12 and tick8 <= 4 * 10**10:
            break
    least = -(-made.min_notional * 10**16 // (lot8 * size8))
    return made._replace(
        tick8=tick8,
        lot8=lot8,
        size8=size8,
        max_lots=made.max_lots and max(made.max_lots, least),
        tiers=random_tiers(rng, 2) if made.tiers else (),
        kind="inverse_dated" if chance(rng, 20) else "inverse_perpetual",
    )


def _cleared(made: Draft) -> Draft:
    """A listed future: no tiers, and a margin per contract or an unknown one."""
    rng = seeded(-5_000_001 - made.number)
    margin8 = spread_over(rng, RATE // 100, 10_000 * RATE) if chance(rng, 70) else 0
    return made._replace(
        tiers=(),
        max_leverage=None,
        fee_to_close=False,
        clearing=True,
        margin_per_contract=margin8,
    )


def contract_of(made: Draft) -> Contract:
    """The contract of a draft."""
    return Contract(
        symbol=f"OWN{made.number}",
        base=f"OWN{made.number}",
        tick_size=scaled_text(made.tick8),
        lot_size=scaled_text(made.lot8),
        contract_size=scaled_text(made.size8),
        min_quantity=scaled_text(made.min_lots * made.lot8),
        max_quantity=None if made.max_lots is None else scaled_text(made.max_lots * made.lot8),
        min_notional=str(made.min_notional),
        max_leverage=None if made.max_leverage is None else str(made.max_leverage),
        tiers=made.tiers,
        maintenance_rule="entry" if made.entry_based else "mark",
        margin_holds_closing_fee=made.fee_to_close,
        liquidation_holds_closing_fee=made.closing_fee,
        kind=made.kind,
        quote="USDT" if made.kind == "linear_perpetual" else "USD",
        clearing=made.clearing,
        initial_margin_per_contract=scaled_text(made.margin_per_contract)
        if made.margin_per_contract
        else None,
    )


@cache
def own_contract(number: int) -> Contract:
    """Own contract number so-and-so."""
    return contract_of(draft(number))


@cache
def scaled_contract(number: int, tens: int) -> Contract | None:
    """The same contract with the tick times 10**tens and the lot or the contract size over it.

    ``None`` where eight decimals or the bounds do not hold it.
    """
    made = draft(number)
    tick8 = made.tick8 * 10**tens if tens >= 0 else made.tick8 // 10**-tens
    if tens < 0 and made.tick8 % 10**-tens:
        return None
    for name, value in (("lot8", made.lot8), ("size8", made.size8)):
        other = value * 10**-tens if tens <= 0 else value // 10**tens
        if tens <= 0 or value % 10**tens == 0:
            try:
                return contract_of(made._replace(**{"tick8": tick8, name: other}))
            except InputError:
                continue
    return None


@cache
def listed() -> tuple[Contract, ...]:
    """Every contract of the catalogue's newest day."""
    return tuple(
        catalogue.load(f"{venue}:{symbol}")
        for venue in catalogue.VENUES
        for symbol in catalogue.symbols(venue)
    )


@cache
def tabled() -> tuple[Contract, ...]:
    """Every contract of the catalogue with a table of margin tiers, which is all that liquidates it."""
    return tuple(
        contract for contract in listed() if contract.tier_rows and not contract.liquidation_holds_closing_fee
    )


# --- trades -----------------------------------------------------------------------------------


class Case(NamedTuple):
    """A question and the number it was made from (-1: drawn by Hypothesis)."""

    number: int
    question: Question


def case(number: int) -> Case:
    """Trade number so-and-so."""
    return Case(number, random_question(seeded(number)))


def own_case(number: int) -> Case:
    """Trade number so-and-so on a linear contract of one's own."""
    rng = seeded(number)
    return Case(number, question_on(rng, own_contract(linear_own(rng.randrange(OWN_CONTRACTS)))))


def linear_own(number: int) -> int:
    """The number, or that of a contract near it whose margin goes by leverage and which is linear."""
    if is_inverse_own(number):
        return number + 2
    return number - 1 if is_cleared_own(number) else number


def random_question(rng: random.Random) -> Question:
    """A trade on a real contract or one of one's own."""
    if chance(rng, 50):
        return question_on(rng, own_contract(rng.randrange(OWN_CONTRACTS)))
    real = listed() if chance(rng, 50) else tabled()
    return question_on(rng, rng.choice(real))


def question_on(rng: random.Random, contract: Contract, least_worth: int = 300) -> Question:
    """A trade on one contract: ladder, costs, account and plan.

    ``least_worth``: of an inverse lot, in 1e-8 of the coin.
    """
    side = rng.choice([1, -1])
    if contract.is_inverse:
        most = min(MAX_PRICE_TICKS, contract.scales.cash_ticks_per_lot // least_worth)
    else:  # a lot is worth a million at most
        most = min(MAX_PRICE_TICKS, max(40, 10**14 // contract.scales.cash_per_tick_lot))
    farthest = rng.randint(2, 9) if chance(rng, 4) else spread_over(rng, 8, most)
    away = spread_over(rng, 1, max(1, farthest // 2))
    legs = _ladder(rng, side, farthest, away)
    stop = farthest - side * away
    at_liquidation = chance(rng, 4) and not contract.clearing
    asked, plan_most = _leverages(rng, contract, at_liquidation)
    intent = _intent(rng, contract, side, legs, stop, at_liquidation)
    budget = spread_over(rng, 200 if contract.is_inverse else RATE // 10, 10_000 * RATE)
    equity = budget * 1000 // rng.choice([2, 5, 10, 10, 20, 50, 100, 500])
    if chance(rng, 30):  # a whole amount, as people have it
        equity = -(-equity // RATE) * RATE
    is_cross = contract.clearing or (not at_liquidation and chance(rng, 25))
    account = AccountView(
        equity_cash=Cash(equity),
        free_cash=Cash(equity if chance(rng, 60) else max(1, equity * rng.randint(1, 100) // 100)),
        is_cross=is_cross,
        cross_cash=Cash(
            0 if not is_cross else equity if chance(rng, 60) else equity * rng.randint(-10, 150) // 100
        ),
    )
    limits = Limits(
        risk_cash=Cash(budget),
        leverage100=asked,
        max_leverage100=plan_most,
        margin_share8=Rate8(RATE if chance(rng, 60) else rng.randint(1, 100) * RATE // 100),
        liquidation_multiple8=Rate8(rng.choice([100, 120, 150, 150, 200, 300, 1000]) * RATE // 100),
    )
    question = Question(contract, intent, account, limits)
    return _near_the_smallest(rng, question) if len(legs) > 1 and chance(rng, 15) else question


def _near_the_smallest(rng: random.Random, question: Question) -> Question:
    """A ladder with money for little more than its smallest order, where its legs decide."""
    spec, ask, _, legs, _ = rows_of(question)
    smallest = smallest_legal(spec, legs)
    budget = loss_cash(spec, ask, legs, lots=Lots(smallest + rng.randint(0, 8)))
    if not 0 < budget <= 10_000 * RATE:
        return question
    equity = Cash(budget * 100)
    account = structs.replace(question.account, equity_cash=equity, free_cash=equity)
    account = structs.replace(account, cross_cash=Cash(equity if account.is_cross else 0))
    return question._replace(account=account, limits=structs.replace(question.limits, risk_cash=Cash(budget)))


def _ladder(rng: random.Random, side: int, farthest: int, away: int) -> tuple[EntryLeg, ...]:
    """One to four legs between the farthest entry and the stop, with shares of 1 % and more."""
    count = 1 if chance(rng, 50) else rng.randint(2, 4)
    moves = sorted(rng.randint(0, away - 1) for _ in range(count - 1))
    prices = [farthest] + [farthest - side * move for move in moves]
    if chance(rng, 50):
        cuts = [cut * 1_000_000 for cut in sorted(rng.sample(range(1, 100), count - 1))]
    else:
        step = RATE // 100
        cuts = sorted(cut * step + rng.randint(0, 9_999) for cut in rng.sample(range(2, 99, 2), count - 1))
    through = [*cuts, RATE]
    return tuple(
        EntryLeg(price_ticks=Ticks(price), cumulative_share8=Rate8(share))
        for price, share in zip(prices, through, strict=True)
    )


def _leverages(rng: random.Random, contract: Contract, needed: bool) -> tuple[int, int]:
    """(asked, the plan's most), in hundredths and in the venue's steps."""
    venue = contract.scales.max_leverage100 or 125 * LEVERAGE
    if contract.clearing:
        return (0 if contract.scales.margin_per_lot_cash else LEVERAGE), venue
    plan = venue if chance(rng, 70) else min(venue, spread_over(rng, 1, 125) * LEVERAGE)
    if not needed and chance(rng, 50):
        return 0, plan
    asked = min(venue, spread_over(rng, 1, 125) * LEVERAGE)
    if contract.scales.leverage_step100 < LEVERAGE and chance(rng, 30):
        step = contract.scales.leverage_step100
        asked = max(LEVERAGE, min(venue, asked + rng.randint(-99, 99)) // step * step)
    return asked, plan if chance(rng, 80) else max(plan, asked)


def _intent(
    rng: random.Random,
    contract: Contract,
    side: int,
    legs: tuple[EntryLeg, ...],
    stop: int,
    at_liquidation: bool,
) -> Intent:
    nearest = legs[-1].price_ticks
    spread = slippage = 0
    room = min(stop, nearest) - 1
    if room > 0 and chance(rng, 60):
        spread = min(room, spread_over(rng, 1, 1 + room // 50))
        slippage = min(room - spread, rng.choice([0, spread_over(rng, 1, 1 + room // 50)]))
    takes = chance(rng, 70)
    taker = rng.choice([0, 10_000, 50_000, 55_000, 100_000, rng.randint(0, 100_000)])
    maker = rng.choice([0, 20_000, taker, rng.randint(0, taker)])
    pays = not contract.is_dated and chance(rng, 40)
    mark = 0
    if chance(rng, 25):
        mark = 2 * max(1, nearest + rng.randint(-1 - nearest // 50, 1 + nearest // 50))
    return Intent(
        contract_id=contract.id,
        side=side,
        entries=legs,
        stop_ticks=Ticks(0 if at_liquidation else stop),
        stop_is_liquidation=at_liquidation,
        entry_takes=takes,
        spread_ticks=Ticks(spread),
        slippage_ticks=Ticks(0 if at_liquidation else slippage),
        entry_fee8=Rate8(taker if takes else maker),
        exit_fee8=Rate8(taker),
        funding8=Rate8(spread_over(rng, 1, 2_000_000) if pays else 0),
        mark_ticks2=mark,
    )


def refusable_case(number: int) -> Case:
    """Trade number so-and-so, its risk as often a share of equity as an amount."""
    return Case(number, refusable_question(seeded(number)))


def refusable_question(rng: random.Random) -> Question:
    """A trade that a small account often cannot take, its risk a share of equity or an amount."""
    question = random_question(rng)
    account, limits = question.account, question.limits
    if chance(rng, 50):
        share8 = rng.choice([10, 25, 50, 100, 100, 200, 500, 1_000]) * RATE // 10_000
        equity = max(RATE // 100, limits.risk_cash * rng.randint(1, 100) // (rng.choice([1, 1, 10]) * 10))
        more = equity - account.equity_cash
        account = structs.replace(
            account,
            equity_cash=Cash(equity),
            free_cash=Cash(equity if account.free_cash == account.equity_cash else max(1, equity // 2)),
            cross_cash=Cash(account.cross_cash + more if account.is_cross else 0),
        )
        limits = structs.replace(limits, risk8=Rate8(share8), risk_cash=Cash(0))
    return question._replace(account=account, limits=limits)


def refusal_of_smallest(rows: Rows) -> int:
    """The rule that refuses the smallest order, or OK."""
    smallest = smallest_legal(rows.spec, rows.legs)
    return refusal(rows.spec, rows.ask, rows.limits, legs=rows.legs, tiers=rows.tiers, lots=smallest)


def refused_case(number: int) -> Case:
    """Trade number so-and-so of those that a small account cannot take: drawn until one is refused."""
    rng = seeded(number)
    while True:
        question = refusable_question(rng)
        if chance(rng, 80):
            question = _beyond_its_budget(rng, question)
        account = question.account
        if account.is_cross:  # no other positions: those are not in the words of a case
            account = structs.replace(account, cross_cash=Cash(account.equity_cash))
            question = question._replace(account=account)
        try:
            rows = countable_rows_of(question)
        except InputError:  # too large to count: a coded answer of its own, and no ways out of it
            continue
        if refusal_of_smallest(rows) != OK:
            return Case(number, question)


def _beyond_its_budget(rng: random.Random, question: Question) -> Question:
    """The trade with a little less money than its smallest order may lose."""
    spec, ask, _, legs, _ = rows_of(question)
    loss = loss_cash(spec, ask, legs, lots=smallest_legal(spec, legs))
    budget = max(1, loss * rng.randint(5, 99) // 100)
    share8 = rng.choice([10, 25, 50, 100, 100, 200]) * RATE // 10_000
    equity = max(RATE // 100, budget * RATE // share8)
    if equity > 10**9 * RATE:
        return question
    account = structs.replace(question.account, equity_cash=Cash(equity), free_cash=Cash(equity))
    as_share = chance(rng, 70)
    limits = structs.replace(
        question.limits,
        risk8=Rate8(share8 if as_share else 0),
        risk_cash=Cash(0 if as_share else budget),
    )
    return question._replace(account=account, limits=limits)


def liquidated_case(number: int) -> Case:
    """Trade number so-and-so of those whose leverage brings liquidation too near the stop."""
    rng = seeded(number)
    while True:
        question = random_question(rng)
        if question.limits.leverage100 <= LEVERAGE:
            continue
        rows = rows_of(question)
        if refusal_of_smallest(rows) == LIQUIDATION:
            return Case(number, question)


# --- the same in words ------------------------------------------------------------------------


def words_of(question: Question) -> dict[str, Any] | None:
    """The arguments of ``lotwise.size``; ``None`` where other positions stand behind the account."""
    contract, intent, account, limits = question
    if account.is_cross and account.cross_cash != account.equity_cash:
        return None
    before = 0
    entries = []
    for leg in intent.entries:
        share8 = leg.cumulative_share8 - before
        before = leg.cumulative_share8
        entries.append((contract.price_text(leg.price_ticks), f"{scaled_text(share8, 6)}%"))
    maker8 = 0 if intent.entry_takes else intent.entry_fee8
    words: dict[str, Any] = {
        "contract": contract,
        "side": "long" if intent.side > 0 else "short",
        "entry": entries if len(entries) > 1 else entries[0][0],
        "stop": "liquidation" if intent.stop_is_liquidation else contract.price_text(intent.stop_ticks),
        "equity": cash_text(account.equity_cash),
        "risk": cash_text(limits.risk_cash)
        if limits.risk_cash
        else percent_text(limits.risk8).replace(" ", ""),
        "entry_as": "taker" if intent.entry_takes else "maker",
        "fees": FeeSchedule(maker=scaled_text(maker8), taker=scaled_text(intent.exit_fee8)),
        "spread": f"{intent.spread_ticks}t",
        "slippage": f"{intent.slippage_ticks}t",
        "margin": "cross" if account.is_cross else "isolated",
        "leverage": scaled_text(limits.leverage100, 2)
        if limits.leverage100 and not contract.clearing
        else None,
        "max_leverage": scaled_text(limits.max_leverage100, 2),
        "liquidation_multiple": scaled_text(limits.liquidation_multiple8),
        "max_margin": f"{scaled_text(limits.margin_share8, 6)}%",
        "free_margin": cash_text(account.free_cash),
    }
    if intent.funding8:
        rate = scaled_text(intent.side * intent.funding8)
        words |= {"funding_rate": rate, "hold_hours": "1", "funding_interval_hours": 8}
    if intent.mark_ticks2:
        words["mark"] = contract.price_text(intent.mark_ticks2 // 2)
    return words
