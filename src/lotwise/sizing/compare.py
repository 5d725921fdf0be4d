"""``lotwise.venues``: one account, one coin, one stop, asked of every venue, side by side.

Each venue is sized with :func:`lotwise.size` on its own contract; nothing here is a second
formula. The account's money is USDT: where a contract settles in something else, the answer
says what has to be converted first and counts 1 USD = 1 USDC = 1 USDT.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from lotwise.contracts import catalogue
from lotwise.contracts import venues as known
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.contracts.reference_prices import reference_price
from lotwise.errors import FactsError, InputError
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.feasibility import smallest_legal
from lotwise.kernel.layout import LONG, RATE, LegRow
from lotwise.records.answers import SizePlan, WayOut
from lotwise.records.venues import VenueAnswer, VenueComparison
from lotwise.sizing import ask
from lotwise.sizing.size import size
from lotwise.units import (
    SCALE,
    Cash,
    Lots,
    Number,
    Price8,
    Rate8,
    Ticks,
    cash_text,
    grouped,
    parse_scaled,
    scaled_text,
    shown,
)

CURRENCY: Final = "USDT"
"""The money of the account."""

SAME_AS_CURRENCY: Final = ("USDC", "USD")  # counted as one USDT each


class _Start(NamedTuple):
    """The price the comparison starts from."""

    price8: Price8
    source: str
    day: str | None


class _Question(NamedTuple):
    """What is asked of every venue."""

    coin: str
    way: int
    equity: Cash
    risk8: Rate8
    risk_cash: Cash
    stop: str
    start: _Start
    spread: Number
    slippage: Number


def venues(
    *,
    equity: Number,
    coin: str = "BTC",
    risk: Number = "1%",
    stop: Number = "2%",
    price: Number | None = None,
    venues: str | Sequence[str] | None = None,
    side: str = "long",
    spread: Number = "0",
    slippage: Number = "0",
    today: str | None = None,
) -> VenueComparison:
    """Which venue suits this account: the size there, what it wastes, and the venue's rules.

    Parameters
    ----------
    equity, risk, stop
        USDT; ``"1%"`` of it or an amount; ``"2%"``, ``"50bp"`` or a price.
    price
        Where the trade would start; ``None``: the catalogue's dated reference price.
    venues
        Ids such as ``"binance,bybit"``; ``None`` is all.
    side, spread, slippage
        As in :func:`lotwise.size`.
    today
        UTC day; contracts that expired before it are left out.

    Raises
    ------
    InputError
        ``COMPARE-001`` no price known; ``COMPARE-002`` a stop of another form; ``CONTRACT-201``
        unknown venue; ``CONTRACT-202`` unknown coin; and what :func:`lotwise.size` raises where no
        venue can be sized.

    Examples
    --------
    >>> found = venues(equity="500", price="60000", venues=["bybit"])
    >>> found.venues[0].quantity, found.venues[0].loss, found.venues[0].lot_waste
    ('0.003', '3.79602', '0.2407')
    """
    owned = ask.read_equity(equity)
    risk8, risk_cash = ask.read_risk(risk, owned)
    way = ask.read_side(side)
    wanted = _asked_for(venues)
    base, contracts = _contracts_on(coin, today)
    question = _Question(
        coin=base,
        way=way,
        equity=owned,
        risk8=risk8,
        risk_cash=risk_cash,
        stop=_stop_text(stop),
        start=_start(base, price),
        spread=spread,
        slippage=slippage,
    )
    answers, errors = [], []
    for venue in wanted:
        try:
            answers.append(_answer(question, venue, contracts))
        except InputError as error:
            errors.append(error)
            answers.append(_plain(venue, "not sized", [f"{error.message}: {error.hint}"]))
    if errors and not any(one.status in ("fits", "refused") for one in answers):
        raise errors[0]
    return VenueComparison(
        coin=base,
        side=ask.side_text(way),
        equity=cash_text(owned),
        currency=CURRENCY,
        risk=str(risk).strip(),
        budget=cash_text(risk_cash or mul_div_floor(owned, risk8, RATE)),
        price=scaled_text(question.start.price8),
        price_from=question.start.source,
        price_day=question.start.day,
        stop=question.stop,
        least_waste=_least_waste(answers),
        assumptions=list(_assumptions(question, answers)),
        venues=answers,
    )


# -- the question ----------------------------------------------------------------------------------


def _asked_for(venues: str | Sequence[str] | None) -> list[str]:
    """Venue ids, each once."""
    if venues is None:
        return list(known.NAMES)
    listed = venues.split(",") if isinstance(venues, str) else venues
    if not isinstance(listed, Sequence):
        raise InputError("CONTRACT-201", f"venues is {shown(venues)}", 'give "binance,bybit" or a list')
    if not listed:
        raise InputError("CONTRACT-201", "no venue is named", "leave the venues out to compare all")
    return list(dict.fromkeys(known.known_venue(venue) for venue in listed))


def _contracts_on(coin: object, today: str | None) -> tuple[str, list[Contract]]:
    """The coin as the venues write it, and every contract on it that has not expired."""
    if not isinstance(coin, str) or not coin.strip().isalnum() or not coin.isascii():
        raise InputError(
            "CONTRACT-204", f"coin is {shown(coin)}: not a coin's name", "give a coin such as BTC"
        )
    base = coin.strip().upper()
    listed = [one for settle in _settles(base) for one in catalogue.same_coin(base, settle)]
    if not listed:
        near = catalogue.search(base)[:3]
        hint = f"nearest: {', '.join(near)}" if near else "lotwise contracts lists what there is"
        raise FactsError("CONTRACT-202", f"no venue lists a contract on {base[:40]}", hint)
    return base, [one for one in listed if not (today and one.expiry and one.expiry[:10] < today)]


def _settles(base: str) -> tuple[str, ...]:
    return (CURRENCY, *SAME_AS_CURRENCY, base)


def _stop_text(stop: Number) -> str:
    """The stop as text: a distance as it is, a price checked to be one."""
    text = stop.strip().lower() if isinstance(stop, str) else ""
    if text.endswith(("%", "bp")):
        return text
    if text.endswith("atr") or text in (ask.LIQUIDATION_STOP, "liq"):
        raise InputError(
            "COMPARE-002", f"stop is {shown(stop)}: venues are compared at one distance", "give 2% or a price"
        )
    return scaled_text(parse_scaled(stop, "stop"))


def _start(base: str, price: Number | None) -> _Start:
    """The price given, or the catalogue's dated one."""
    if price is not None:
        price8 = parse_scaled(price, "price")
        if price8 <= 0:
            raise InputError("SIZE-001", f"price is {price}: a price is positive", "give price above 0")
        return _Start(Price8(price8), "given", None)
    for quote in (CURRENCY, *SAME_AS_CURRENCY):
        if (found := reference_price(base, quote)) is not None:
            return _Start(Price8(parse_scaled(found.price, "price")), found.source, str(found.day))
    raise InputError("COMPARE-001", f"no price of {base} is known here", "give the price, e.g. --price 60000")


# -- one venue -------------------------------------------------------------------------------------


def _answer(question: _Question, venue: str, contracts: list[Contract]) -> VenueAnswer:
    found = [one for one in contracts if one.venue == venue]
    if not found:
        return _plain(venue, "no contract facts", [])
    return _sized(question, min(found, key=lambda one: _preference(question, one)))


def _preference(question: _Question, contract: Contract) -> tuple[bool, bool, int, str]:
    """What sorts a venue's contracts: no conversion, no expiry, then the smallest order in money."""
    ticks = _entry_ticks(question, contract)
    worth = contract.notional_text(ticks, _smallest(contract, ticks))
    return (
        contract.settle != CURRENCY,
        contract.is_dated,
        parse_scaled(worth, "worth", 16),
        contract.expiry or "",
    )


def _entry_ticks(question: _Question, contract: Contract) -> Ticks:
    """The price on the contract's tick, rounded away from the stop: the dearer side."""
    tick8 = contract.scales.tick_size8
    up = question.way == LONG
    return Ticks(max(1, -(-question.start.price8 // tick8) if up else question.start.price8 // tick8))


def _stop_of(question: _Question, contract: Contract) -> str:
    """The stop in the contract's words: a price goes to the tick away from the entry."""
    if question.stop.endswith(("%", "bp")):
        return question.stop
    stop8, tick8 = parse_scaled(question.stop, "stop"), contract.scales.tick_size8
    return contract.price_text(stop8 // tick8 if question.way == LONG else -(-stop8 // tick8))


def _smallest(contract: Contract, ticks: Ticks) -> Lots:
    """The smallest order the venue takes at a price."""
    leg = LegRow(cumulative_share8=RATE, price_ticks=ticks)
    return Lots(smallest_legal(contract.spec_rows(ticks), [leg]))


def _sized(question: _Question, contract: Contract) -> VenueAnswer:
    ticks = _entry_ticks(question, contract)
    smallest = _smallest(contract, ticks)
    fees, fee_note = _fees(contract)
    plan = _plan(question, contract, ticks, fees)
    lost = _money(contract, ticks, plan.loss_at_stop) if plan.feasible else None
    unused = scaled_text(max(0, RATE - parse_scaled(plan.budget_used, "share")), 8, 2)
    facts = known.venue_facts(contract.venue)
    return VenueAnswer(
        venue=contract.venue,
        name=facts.name,
        status="fits" if plan.feasible else "refused",
        contract=contract.id,
        kind=contract.kind,
        settle=contract.settle,
        entry=plan.entry,
        stop=plan.stop,
        smallest_quantity=contract.coins_text(ticks, smallest),
        smallest_money=contract.notional_text(ticks, smallest),
        quantity=contract.coins_text(ticks, plan.lots) if plan.feasible else None,
        contracts=plan.contracts if plan.feasible else None,
        loss=lost,
        smallest_loss=None if plan.feasible else _money(contract, ticks, plan.next_lot_loss),
        budget_used=plan.budget_used if plan.feasible else None,
        lot_waste=unused if plan.feasible else None,
        leverage=plan.leverage,
        margin=None if plan.initial_margin is None else _money(contract, ticks, plan.initial_margin),
        blocked_by=plan.blocked_by,
        way_out=_way_out(plan, fees),
        maker_fee=None if fees is None else str(fees.maker),
        taker_fee=None if fees is None else str(fees.taker),
        max_leverage=None if contract.max_leverage is None else str(contract.max_leverage),
        margin_tiers=len(contract.tier_rows) or None,
        tick_size=str(contract.tick_size),
        lot_size=str(contract.lot_size),
        lot_quantity=f"{contract.quantity_text(1)} {contract.quantity_unit}",
        funding_hours=contract.funding.interval_hours if contract.funding else None,
        contract_as_of=contract.as_of,
        contract_source=contract.source,
        notes=[*fee_note, *_notes(question, contract, ticks)],
        facts=facts.facts(),
    )


def _way_out(plan: SizePlan, fees: FeeSchedule | None) -> WayOut | None:
    """The first way out; of unknown fees only another contract, for the others would be too near."""
    ways = [way for way in plan.ways_out if fees is not None or way.kind == "contract"]
    return ways[0] if ways else None


def _plain(venue: str, status: Literal["not sized", "no contract facts"], notes: list[str]) -> VenueAnswer:
    """A venue that cannot be sized: what is known of it all the same."""
    facts = known.venue_facts(venue)
    maker, taker = facts.maker_fee, facts.taker_fee
    return VenueAnswer(
        venue=venue,
        name=facts.name,
        status=status,
        maker_fee=maker.value if maker else None,
        taker_fee=taker.value if taker else None,
        notes=notes,
        facts=facts.facts(),
    )


def _plan(question: _Question, contract: Contract, ticks: Ticks, fees: FeeSchedule | None) -> SizePlan:
    """The real size of the contract, in its own settle coin; unknown fees are counted as none."""
    owned, risked = question.equity, question.risk_cash
    if contract.is_inverse:
        owned, risked = _coins(contract, ticks, owned), _coins(contract, ticks, risked)
    risk = cash_text(risked) if question.risk_cash else f"{scaled_text(question.risk8, 6)}%"
    return size(
        contract,
        side=ask.side_text(question.way),
        entry=contract.price_text(ticks),
        stop=_stop_of(question, contract),
        equity=cash_text(owned),
        risk=risk,
        fees=fees or FeeSchedule(maker="0", taker="0"),
        spread=question.spread,
        slippage=question.slippage,
    )


def _coins(contract: Contract, ticks: Ticks, cash: Cash) -> Cash:
    """What money buys of the coin at the entry, rounded down."""
    return Cash(mul_div_floor(cash, SCALE, ticks * contract.scales.tick_size8))


def _money(contract: Contract, ticks: Ticks, amount: str | None) -> str:
    """An amount of the settle coin in the account's money at the entry, rounded up."""
    cash = parse_scaled(amount, "amount")
    if contract.is_inverse:
        cash = mul_div_ceil(cash, ticks * contract.scales.tick_size8, SCALE)
    return cash_text(cash)


def _fees(contract: Contract) -> tuple[FeeSchedule | None, list[str]]:
    """The contract's fees, or the venue's default, or none with a warning."""
    if contract.fees is not None:
        return contract.fees, []
    facts = known.venue_facts(contract.venue)
    if facts.maker_fee and facts.taker_fee:
        return FeeSchedule(maker=facts.maker_fee.value, taker=facts.taker_fee.value), []
    return None, ["fees are unknown and not counted: the loss is larger than shown"]


def _notes(question: _Question, contract: Contract, ticks: Ticks) -> Iterator[str]:
    base, money = contract.base, f"{grouped(cash_text(question.equity))} {CURRENCY}"
    price = grouped(contract.price_text(ticks))
    if contract.is_inverse:
        coins = cash_text(_coins(contract, ticks, question.equity))
        yield (
            f"margin and profit are in {base}: convert {money} to {coins} {base} at {price} first;"
            f" money held in {base} also moves with its price"
        )
    elif contract.settle != CURRENCY:
        yield f"settles in {contract.settle}: convert {money} first"
    if contract.clearing and contract.initial_margin_per_contract is None:
        yield "the exchange and the broker set the margin; it is unknown here: the full value is counted"
    elif contract.clearing:
        yield "the exchange and the broker set the margin and may ask for more"
    elif not contract.tier_rows:
        yield "margin tiers are unknown: no liquidation price"
    if ticks * contract.scales.tick_size8 != question.start.price8:
        yield f"entry moved to the tick {contract.tick_size}: {price}"


# -- all of them -----------------------------------------------------------------------------------


def _least_waste(answers: list[VenueAnswer]) -> str | None:
    """The venue that uses most of the budget, of equals the first; one with unknown fees comes last."""
    fitting = [one for one in answers if one.status == "fits"]
    if not fitting:
        return None
    return max(
        fitting, key=lambda one: (one.taker_fee is not None, parse_scaled(one.budget_used, "share"))
    ).venue


def _assumptions(question: _Question, answers: list[VenueAnswer]) -> Iterator[str]:
    yield "both entry and exit pay the taker fee; isolated margin at the lowest leverage that funds it"
    if any(one.settle in SAME_AS_CURRENCY for one in answers):
        yield f"1 USD = 1 USDC = 1 {CURRENCY}; what converting costs is not counted"
    if any(one.settle == question.coin for one in answers):
        yield f"{question.coin} of coin-margined contracts is bought, and counted, at the entry price"
    if not str(question.slippage).strip().strip("0.%bpt"):
        yield "no slippage is counted: a stop-market order can fill worse"
