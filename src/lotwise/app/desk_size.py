"""What the ticket shows while it is written: the calculator's answer, and what the pipeline would say to it.

With an account the pipeline is asked first, on what is known
(:meth:`lotwise.app.desk_ahead.Ahead.rehearse`); its budget and leverage go into :func:`lotwise.size`, so that
what is shown is what would be sent. Without an account the calculator answers alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lotwise.app.desk_targets import Merged, merged_targets
from lotwise.app.desk_ticket import Read, Ticket, read, share_of_equity8
from lotwise.app.desk_words import line
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import LEVERAGE, RATE
from lotwise.records.answers import SizePlan
from lotwise.records.guard import Refused
from lotwise.session.pipeline import NotSized, Outcome, Sent, intent_of
from lotwise.sizing import ask
from lotwise.sizing.position import Position
from lotwise.sizing.size import size
from lotwise.units import cash_text, grouped, parse_cash, parse_scaled, scaled_text, shown_up

if TYPE_CHECKING:
    from lotwise.app.desk import Desk

FARTHEST_TICKS: Final = 2**31 - 1
MONEY_DECIMALS: Final = 4
ASKED: Final = ("equity", "budget", "risk_money", "stop", "entry")
"""Texts of the question itself: they stand beside a refusal too."""
LOST: Final = ("contract", "equity", "risk", "stop", "leverage")
"""Ways out that a field of the ticket takes."""
Range = Callable[[str, str], "str | None"]
"""(contract, interval) -> the average true range as a price."""


@dataclass(frozen=True)
class Judged:
    """A ticket as far as it was followed."""

    found: Read
    plan: SizePlan
    asked: dict[str, Any]
    """The arguments of :func:`lotwise.size`, word by word."""
    leverage100: int
    outcome: Outcome | None
    refusal: LotwiseError | None
    last_ticks: int = 0
    """The market's last price; 0: none is known."""
    merged: tuple[Merged, ...] = ()
    """Targets too small for the venue, and where they go."""
    said: tuple[str, ...] = ()
    """What the ticket adds to the plan's own warnings."""

    @property
    def fits(self) -> bool:
        """Whether it would be placed as it is shown."""
        is_open = self.outcome is None or isinstance(self.outcome, Sent)
        return self.plan.feasible and is_open and self.refusal is None


def judged(ticket: Ticket, contract: Contract, desk: Desk | None, average: Range | None = None) -> Judged:
    """Follow a ticket through pipeline and calculator.

    Raises
    ------
    InputError
        What cannot be used, as :mod:`lotwise.app.desk_ticket` and :func:`lotwise.size`.
    VenueError
        WEB-120 account or market were not read yet.
    """
    wants_atr = (ticket.stop.text or "").strip().lower().endswith("atr") and not ticket.atr
    atr = average(contract.id, ticket.interval) if wants_atr and average else None
    if desk is None or contract.id not in desk.contracts:
        return _alone(ticket, contract, atr)
    found = read(ticket, contract, desk.ahead.market_ticks(contract.id, ticket.side), atr)
    account = desk.ahead.known().account
    share8 = share_of_equity8(ticket, account.equity_cash)
    market = desk.ahead.market(contract.id)
    intent = intent_of(contract, _signal(found, ticket), market)
    asked: dict[str, Any] = {
        "side": ticket.side,
        "entry": found.entry_words(),
        "stop": contract.price_text(found.stop_ticks),
        "equity": cash_text(account.equity_cash),
        "risk": cash_text(mul_div_floor(account.equity_cash, share8, RATE)),
        "entry_as": "taker" if intent.entry_takes else "maker",
        "spread": f"{intent.spread_ticks}t",
        "slippage": f"{intent.slippage_ticks}t",
        "targets": found.target_words(),
        "margin": "isolated" if desk.config.terms.is_isolated else "cross",
        "free_margin": cash_text(account.free_cash),
    }
    if not desk.config.terms.is_isolated:
        asked["others"] = _beside(desk, contract)
    leverage100 = ask.read_leverage(contract, None if _is_auto(ticket) else ticket.leverage)
    if not leverage100:
        leverage100 = _least_leverage(desk, contract, asked)
    asked["leverage"] = scaled_text(leverage100, 2)
    outcome: Outcome | None = None
    refusal: LotwiseError | None = None
    try:
        outcome = desk.ahead.rehearse(found, ticket, leverage100)
    except InputError as error:
        refusal = error
    said = _of_the_market(found, market.last_ticks)
    if isinstance(outcome, (Sent, NotSized)) and outcome.budget_cash > 0:
        said += _of_the_budget(asked["risk"], outcome.budget_cash, contract.settle)
        asked["risk"] = cash_text(outcome.budget_cash)
    plan, merged = _with_targets(found, ticket, asked)
    return Judged(found, plan, asked, leverage100, outcome, refusal, market.last_ticks, merged, tuple(said))


def _with_targets(found: Read, ticket: Ticket, asked: dict[str, Any]) -> tuple[SizePlan, tuple[Merged, ...]]:
    """The plan with the targets that will really stand; ``asked`` then has them too."""
    plan = size(found.contract, **asked)
    merged, words = merged_targets(found, _signal(found, ticket), plan.lots)
    if merged:
        asked["targets"] = words
        plan = size(found.contract, **asked)
    return plan, merged


def _of_the_market(found: Read, last_ticks: int) -> list[str]:
    """A limit that does not rest is said: it fills at once, at the market."""
    first = found.entries[0].price_ticks
    if found.is_market or found.side * (first - last_ticks) < 0:
        return []
    text, way = found.contract.price_text, "below" if found.side > 0 else "above"
    return [
        f"the entry {grouped(text(first))} is not {way} the last price {grouped(text(last_ticks))}:"
        " it does not wait, it fills at once"
    ]


def _of_the_budget(asked: str, budget_cash: int, coin: str) -> list[str]:
    """A budget that the guardrails make smaller is said."""
    wanted = parse_cash(asked, "risk")
    if budget_cash >= wanted:
        return []
    return [
        f"the guardrails allow {_money(cash_text(budget_cash), coin, up=False)} at risk now, not"
        f" {_money(asked, coin, up=False)}"
    ]


def _signal(found: Read, ticket: Ticket) -> Any:
    from lotwise.app.desk_ticket import signal_of
    from lotwise.units import Rate8

    return signal_of(found, ticket, Rate8(1), "")


def _beside(desk: Desk, contract: Contract) -> list[Position]:
    """Other positions in cross margin, at their marks: what maintains them does not stand behind this one.

    One whose margin tiers are not known cannot be counted, and is traded on a demo only.
    """
    found = []
    for one in desk.ahead.known().positions:
        theirs = desk.contracts.get(one.contract_id) or catalogue.load(one.contract_id)
        if one.contract_id == contract.id or not one.lots or one.is_isolated or not theirs.tier_rows:
            continue
        mark = scaled_text(one.mark_price8 or one.entry_price8, 8)
        lots = f"{theirs.contracts_text(abs(one.lots))} contracts"
        side = "long" if one.lots > 0 else "short"
        found.append(Position(contract=theirs.id, side=side, quantity=lots, entry=mark, mark=mark))
    return found


def _is_auto(ticket: Ticket) -> bool:
    return ticket.leverage.strip().lower() in ("", "auto")


def _least_leverage(desk: Desk, contract: Contract, asked: dict[str, Any]) -> int:
    """The lowest that funds the trade within the guard's margin; the session's own where none does."""
    book = desk.guardrails.rulebook_at(desk.clock.now_ns())
    account, most = desk.ahead.known().account, book.max_leverage100 or contract.scales.max_leverage100
    room = int(account.free_cash)
    if book.margin_share8:
        bound = mul_div_floor(max(0, account.equity_cash), book.margin_share8, RATE) - account.margin_cash
        room = min(room, bound)
    own = desk.config.terms.leverage100
    if room <= 0:
        return own
    more: dict[str, Any] = {"free_margin": cash_text(room)}
    if most:
        more["max_leverage"] = scaled_text(min(most, contract.scales.max_leverage100 or most), 2)
    plan = size(contract, **(asked | more))
    if not plan.feasible or plan.leverage is None:
        return own
    return max(LEVERAGE, parse_scaled(plan.leverage, "leverage", 2))


def _alone(ticket: Ticket, contract: Contract, atr: str | None) -> Judged:
    found = read(ticket, contract, None, atr)
    auto = _is_auto(ticket)
    asked: dict[str, Any] = {
        "side": ticket.side,
        "entry": found.entry_words(),
        "stop": contract.price_text(found.stop_ticks),
        "equity": ticket.equity or "",
        "risk": ticket.risk,
        "targets": found.target_words(),
    } | ({} if auto else {"leverage": ticket.leverage})
    plan, merged = _with_targets(found, ticket, asked)
    leverage100 = parse_scaled(plan.leverage, "leverage", 2) if plan.leverage else 0
    return Judged(found, plan, asked, leverage100, None, None, merged=merged)


def answer(ticket: Ticket, judged: Judged) -> dict[str, Any]:
    """What the page is told."""
    plan, fits = judged.plan, judged.fits
    texts = texts_of(plan, judged.found, judged.asked["equity"])
    if not fits:  # figures of a trade that is refused would be read as if it were not
        kept = (*ASKED, "next_lot") if not plan.feasible else ASKED
        texts = {name: texts[name] for name in kept}
    return {
        "seq": ticket.seq,
        "feasible": fits,
        "lots": plan.lots if fits else 0,
        "side": plan.side,
        "texts": texts,
        "lines": lines_of(judged),
        "refusal": _refusal(judged),
        "warnings": [
            *(one.text for one in judged.merged if fits),
            *((*judged.said, *plan.warnings) if fits or not plan.feasible else ()),
        ],
        "plan": plan.as_dict(),
        "asked": {"contract": plan.contract, **msgspec.to_builtins(judged.asked)},
    }


def _refusal(judged: Judged) -> dict[str, Any] | None:
    outcome, plan = judged.outcome, judged.plan
    if judged.refusal is not None:
        error = judged.refusal
        return {"code": error.code, "text": error.message, "ways": [{"text": error.hint, "set": {}}]}
    if isinstance(outcome, Refused):
        ways = [{"text": outcome.hint, "set": {}}] if outcome.hint else []
        return {
            "code": outcome.code,
            "text": outcome.message,
            "ways": ways,
            "until_ms": outcome.until_ns // 10**6,
        }
    if plan.blocked_by is not None:
        return {
            "code": plan.blocked_by.code,
            "text": plan.blocked_by.text,
            "ways": [
                {"text": one.text, "set": {one.kind: one.value} if one.kind in LOST else {}}
                for one in plan.ways_out
            ],
        }
    if isinstance(outcome, NotSized):
        from lotwise.app.desk_ahead import outcome_error

        error = outcome_error(outcome)
        return {"code": error.code, "text": error.message, "ways": [{"text": error.hint, "set": {}}]}
    return None


def _money(text: str | None, coin: str = "", up: bool = True) -> str:
    if text is None:
        return "–"
    from lotwise.units import shown_down

    shown = shown_up(text, MONEY_DECIMALS) if up else shown_down(text, MONEY_DECIMALS)
    return f"{grouped(shown)} {coin}".rstrip().replace("-", "−")


def texts_of(plan: SizePlan, found: Read, equity: str) -> dict[str, str]:
    """The figures as they are read; a loss is rounded up, what stays is rounded down."""
    coin, parts = plan.settle, plan.loss_breakdown
    loss = parse_cash(plan.loss_at_stop, "loss") if plan.loss_at_stop else 0
    fees = (parse_cash(parts.entry_fee, "fee") + parse_cash(parts.exit_fee, "fee")) if parts else 0
    return {
        "size": f"{plan.quantity} {plan.quantity_unit}",
        "quantity": quantity_text(plan, found.contract) if plan.feasible else "",
        "notional": f"{grouped(plan.notional)} {plan.settle}",
        "loss": _money(plan.loss_at_stop, coin),
        "loss_percent": _percent_of(loss, parse_cash(equity, "equity")) if loss else "",
        "move": _money(parts.price if parts else None),
        "fees": _money(cash_text(fees) if parts else None),
        "spread": _money(parts.spread if parts else None),
        "slippage": _money(parts.slippage if parts else None),
        "funding": _money(parts.funding if parts else None),
        "margin": _money(plan.initial_margin, coin),
        "leverage": f"{plan.leverage}×" if plan.leverage else "",
        "liquidation": liquidation_text(plan, found.contract, found.side),
        "liquidation_distance": _liquidation_distance(plan, found),
        "break_even": grouped(plan.break_even_price) if plan.break_even_price else "–",
        "rr": " · ".join(f"{one.r.replace('-', '−')} R" for one in plan.targets) or "–",
        "next_lot": f"would lose {_money(plan.next_lot_loss, coin)}",
        "equity": _money(equity, coin, up=False),
        "budget": _money(plan.budget, coin, up=False),
        "risk_money": _money(plan.budget, coin, up=False),
        "stop": f"{grouped(plan.stop)} ({plan.stop_distance})",
        "entry": grouped(plan.entry),
    }


def quantity_text(plan: SizePlan, contract: Contract) -> str:
    """Lots, and what they are in the venue's contracts where those are of another size."""
    one = f"{plan.lots:,} lot{'' if plan.lots == 1 else 's'} of {contract.quantity_text(1)}"
    counts = plan.preview.split(" = ")
    if len(counts) > 1 and counts[0].split(" ")[0] == counts[1].split(" ")[0]:
        return f"{one} {contract.quantity_unit}"
    return f"{one}: {plan.preview}"


def _percent_of(cash: int, whole: int) -> str:
    if not whole:
        return ""
    share = -(-cash * 10_000 // whole)
    return f"{scaled_text(share, 2, 2)} %"


def _liquidation_distance(plan: SizePlan, found: Read) -> str:
    if not plan.liquidation_price:
        return ""
    entry8 = found.entries[0].price_ticks * found.contract.scales.tick_size8
    away8 = abs(parse_scaled(plan.liquidation_price, "price") - entry8)
    return f"{scaled_text(away8 * 10_000 // entry8, 2, 2)} % away"


def lines_of(judged: Judged) -> list[dict[str, Any]]:
    """Entry, stop, targets, break-even and liquidation as lines, with how far each may be moved."""
    found, plan, fits = judged.found, judged.plan, judged.fits
    contract, side = found.contract, found.side
    coin, text = plan.settle, contract.price_text
    near, far = found.nearest_ticks, found.entries[0].price_ticks
    lines = []
    quantities = [one.quantity for one in plan.entries] or [""] * len(found.entries)
    for number, (leg, quantity) in enumerate(zip(found.entries, quantities, strict=True), 1):
        name = "entry" if number == 1 else f"entry{number}"
        least, most = (found.stop_ticks + 1, FARTHEST_TICKS) if side > 0 else (1, found.stop_ticks - 1)
        label = f"ENTRY {grouped(text(leg.price_ticks))}"
        sub = f"{quantity} {plan.quantity_unit}".strip() if fits else ""
        moves = {} if found.is_market else {"least": least, "most": most}
        lines.append(line(name, leg.price_ticks, label, sub, **moves))
    least, most = _stop_bounds(near, side, judged.last_ticks)
    loss = f"−{_money(plan.loss_at_stop, coin)} · −1.00 R" if plan.loss_at_stop and fits else ""
    lines.append(line("stop", found.stop_ticks, f"STOP {grouped(plan.stop)}", loss, least=least, most=most))
    least, most = (far + 1, FARTHEST_TICKS) if side > 0 else (1, far - 1)
    for number, goal in enumerate(found.targets, 1):
        label = f"TP{number} {grouped(text(goal.price_ticks))}"
        words = _target_words(judged, number) if fits else ""
        lines.append(line(f"target{number}", goal.price_ticks, label, words, least=least, most=most))
    if plan.break_even_price and fits:
        ticks = int(contract.price_ticks(plan.break_even_price, "price"))
        lines.append(line("breakeven", ticks, f"BE {grouped(plan.break_even_price)}"))
    if plan.liquidation_price and fits:
        ticks = liquidation_ticks(plan.liquidation_price, contract, side)
        words = _liquidation_distance(plan, found)
        lines.append(line("liquidation", ticks, f"LIQ {grouped(text(ticks))}", words))
    return lines


def _stop_bounds(near_ticks: int, side: int, last_ticks: int) -> tuple[int, int]:
    """How far a draft's stop may be moved: never to the entry, never to a price that was reached already."""
    if side > 0:
        return 1, max(1, (min(near_ticks, last_ticks) if last_ticks else near_ticks) - 1)
    return max(near_ticks, last_ticks) + 1, FARTHEST_TICKS


def _target_words(judged: Judged, number: int) -> str:
    """What a target closes and brings; one that is too small says where it goes."""
    into = next((one.into for one in judged.merged if one.number == number), 0)
    if into:
        return f"too small, closed with TP{into}"
    gone = {one.number for one in judged.merged}
    place = sum(1 for one in range(1, number) if one not in gone)
    if place >= len(judged.plan.targets):
        return ""
    one = judged.plan.targets[place]
    return f"×{one.quantity} {_money(one.profit, judged.plan.settle, up=False)} · {one.r} R"


def liquidation_ticks(price: str, contract: Contract, side: int) -> int:
    """A liquidation price on the tick toward the entry, the cautious side."""
    price8, tick8 = parse_scaled(price, "price"), contract.scales.tick_size8
    return max(1, -(-price8 // tick8) if side > 0 else price8 // tick8)


def liquidation_text(plan: SizePlan, contract: Contract, side: int) -> str:
    """The liquidation price for people; ``plan`` has it exactly."""
    if not plan.liquidation_price:
        return "–"
    return grouped(contract.price_text(liquidation_ticks(plan.liquidation_price, contract, side)))


def market_warning(desk: Desk | None, contract_id: str) -> list[str]:
    """What is to be known of the prices that were sized with."""
    if desk is None or contract_id not in desk.contracts or not desk.feed.is_stale(contract_id):
        return []
    return [f"the market of {contract_id} is not heard: the size is of an old price"]
