"""How an account stands, as the desk shows it: whole numbers for what is drawn, text for what is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lotwise.broker.trade import Trade
from lotwise.contracts.contract import Contract
from lotwise.guard.facts import Rulebook
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import UsageRow
from lotwise.kernel.worth import pnl_trunc, worth_ceil
from lotwise.records.live import VenueBalance, VenueOrder, VenuePosition
from lotwise.units import Cash, Lots, Price8, Ticks, cash_text, grouped, percent_text, scaled_text, shown_down

MS: Final = 10**6
SECOND_NS: Final = 10**9
SHOWN_DECIMALS: Final = 2
"""Of a money amount in a table; the journal has every digit."""
R_DECIMALS: Final = 2
DISTANCE8: Final = 10_000
"""A distance is shown to a hundredth of a percent."""
ROLES: Final = {"entry": "entry", "stop": "stop", "target": "target", "close": "closing"}


@dataclass(frozen=True)
class Held:
    """What a look at the account brought; nothing of it changes afterwards."""

    balance: VenueBalance
    positions: Sequence[VenuePosition]
    orders: Sequence[VenueOrder]
    funding: Mapping[str, int]
    """Funding of the open trades, received; paid is negative."""


def money(cash: int, signed: bool = False) -> str:
    """Money for a table, cut down to cents.

    >>> money(-955045000, True), money(100000000000)
    ('−9.56', '1,000.00')
    """
    text = grouped(shown_down(cash_text(cash), SHOWN_DECIMALS)).replace("-", "−")
    return f"+{text}" if signed and cash > 0 else text


def in_r(cash: int, risk_cash: int) -> str:
    """A result in units of the planned risk, cut down; empty where none was planned.

    >>> in_r(379_000_000, 955_000_000), in_r(-955_000_000, 955_000_000)
    ('+0.39 R', '−1.00 R')
    """
    if risk_cash <= 0:
        return ""
    text = scaled_text(mul_div_floor(cash, 10**R_DECIMALS, risk_cash), R_DECIMALS, R_DECIMALS)
    return f"{'+' if cash > 0 else ''}{text} R".replace("-", "−")


def distance_text(from_price8: int, to_price8: int) -> str:
    """How far a price is from another, in percent of the first, cut down."""
    share8 = mul_div_floor(abs(to_price8 - from_price8), RATE, max(1, from_price8))
    return percent_text(share8 // DISTANCE8 * DISTANCE8)


def price8_text(contract: Contract, price8: int | None) -> str:
    """A price that may lie between two ticks, cut to the decimals of the contract."""
    if price8 is None or price8 <= 0:
        return "–"
    decimals = contract.scales.price_decimals
    return grouped(scaled_text(price8 // 10 ** (8 - decimals), decimals, decimals))


def span_text(span_ns: int) -> str:
    """How long something is held.

    >>> span_text(65 * 60 * SECOND_NS), span_text(42 * SECOND_NS)
    ('1 h 5 min', '42 s')
    """
    seconds = max(0, span_ns) // SECOND_NS
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def line(
    name: str, ticks: int, label: str, sub: str = "", *, least: int = 0, most: int = 0
) -> dict[str, Any]:
    """A line of the chart; it may be moved where it has bounds."""
    return {
        "name": name,
        "ticks": int(ticks),
        "label": label,
        "sub": sub,
        "movable": bool(most),
        "min_ticks": int(least),
        "max_ticks": int(most),
    }


def position_shown(
    position: VenuePosition,
    trade: Trade | None,
    contract: Contract,
    *,
    last_ticks: int,
    funding: int,
    now_ns: int,
) -> dict[str, Any]:
    """A position with its stop, what it risks and what it is worth."""
    side, lots = (1 if position.lots > 0 else -1), Lots(abs(position.lots))
    entry8, mark8 = position.entry_price8, position.mark_price8
    liquidation8 = position.liquidation_price8
    risk = int(trade.plan.risk_cash) if trade else 0
    done = int(trade.mirror.result_cash) if trade else 0
    stop = int(trade.mirror.stop_ticks) if trade else 0
    at_stop = result_at(contract, side, entry8=entry8, ticks=stop, lots=lots) + done if stop else 0
    now = done + position.unrealised_cash + funding
    texts = {
        "quantity": f"{contract.quantity_text(lots)} {contract.quantity_unit}",
        "entry": price8_text(contract, entry8),
        "mark": price8_text(contract, mark8),
        "stop": grouped(contract.price_text(stop)) if stop else "no stop of ours",
        "at_risk": money(at_stop, signed=True) if stop else "–",
        "liq": price8_text(contract, liquidation8),
        "liq_distance": distance_text(mark8 or entry8, liquidation8) if liquidation8 else "",
        "r_now": in_r(now, risk) or "–",
        "result": money(now, signed=True),
        "funding": money(funding, signed=True),
        "held": span_text(now_ns - (trade.first_fill_ns or trade.plan.time_ns)) if trade else "–",
    }
    lines = [line("entry", entry8 // contract.scales.tick_size8, "ENTRY", texts["quantity"])]
    if trade is not None:
        lines += _exit_lines(
            trade, contract, entry8=int(entry8), stop=stop, last_ticks=last_ticks, at_stop=at_stop
        )
    if liquidation8:
        ticks = liquidation8 // contract.scales.tick_size8
        lines.append(line("liquidation", ticks, "LIQ", texts["liq_distance"]))
    return {
        "contract": position.contract_id,
        "side": "long" if side > 0 else "short",
        "lots": int(lots),
        "own": trade is not None,
        "texts": texts,
        "lines": lines,
    }


def _exit_lines(
    trade: Trade, contract: Contract, *, entry8: int, stop: int, last_ticks: int, at_stop: int
) -> list[dict[str, Any]]:
    """Stop and targets as they stand; the stop moves toward the price alone."""
    side = trade.side
    least, most = (stop, last_ticks - 1) if side > 0 else (last_ticks + 1, stop)
    risk = int(trade.plan.risk_cash)
    sub = f"{money(at_stop, signed=True)} {contract.settle} {in_r(at_stop, risk)}".strip()
    found = [line("stop", stop, "STOP", sub, least=min(least, stop), most=max(most, stop))]
    for one in trade.mirror.targets(trade.held_lots):
        gain = result_at(contract, side, entry8=entry8, ticks=one.ticks, lots=one.lots)
        words = f"×{contract.quantity_text(one.lots)} {money(gain, signed=True)} {contract.settle}"
        found.append(line(f"target{one.number}", one.ticks, f"TP{one.number}", words))
    return found


def result_at(contract: Contract, side: int, *, entry8: int, ticks: int, lots: int) -> int:
    """What closing so many lots at a price would bring, the taker fee of closing paid."""
    spec, tick8 = contract.spec_rows(), contract.scales.tick_size8
    pnl = pnl_trunc(
        spec,
        side,
        entry8=Price8(entry8),
        price8=Price8(ticks * tick8),
        lots=Lots(lots),
        tick_size8=tick8,
    )
    taker8 = contract.fees.taker8 if contract.fees else 0
    return int(pnl) - mul_div_ceil(worth_ceil(spec, Ticks(ticks), Lots(lots)), taker8, RATE)


def order_shown(order: VenueOrder, contract: Contract, role: str) -> dict[str, Any]:
    """An order that stands."""
    ticks = int(order.trigger_ticks or order.price_ticks)
    return {
        "client_id": order.client_id,
        "contract": order.contract_id,
        "role": ROLES.get(role, "not ours"),
        "side": "buy" if order.side > 0 else "sell",
        "lots": int(order.left_lots),
        "ticks": ticks,
        "cancellable": role == "entry",
        "texts": {
            "quantity": f"{contract.quantity_text(order.left_lots)} {contract.quantity_unit}",
            "price": grouped(contract.price_text(ticks)) if ticks else "market",
            "filled": contract.quantity_text(order.filled_lots),
            "kind": order.kind + (", reduce only" if order.is_reduce_only or order.closes_position else ""),
        },
    }


def limits_shown(
    book: Rulebook, usage: UsageRow, equity_cash: Cash, now_ns: int, coin: str
) -> list[dict[str, Any]]:
    """The limits with what is left of each; ``until_ms`` above now: it holds everything back."""
    allowed, found = book.allowed, list[dict[str, Any]]()

    def add(name: str, text: str, left: str, until_ns: int = 0) -> None:
        until = until_ns if until_ns > now_ns else 0
        found.append(
            {"name": name, "text": text, "until_ms": min(until // MS, 2**53 - 1), "distance_text": left}
        )

    if usage.locked_until_ns > now_ns:
        add("locked by hand", "flattened or locked: nothing is opened", "", usage.locked_until_ns)
    if usage.cool_until_ns > now_ns:
        add("pause after a loss", span_text(allowed.cool_ns), "", usage.cool_until_ns)
    for name, share8, start, locked, ends in (
        (
            "loss of the day",
            allowed.day_loss_share8,
            usage.day_start_cash,
            usage.day_locked,
            book.day_ends_ns,
        ),
        (
            "loss of the week",
            allowed.week_loss_share8,
            usage.week_start_cash,
            usage.week_locked,
            book.week_ends_ns,
        ),
    ):
        if share8:
            most = mul_div_floor(max(0, start), share8, RATE)
            lost = max(0, start - equity_cash)
            add(
                name,
                f"{percent_text(share8)} = {money(most)} {coin}",
                f"{money(max(0, most - lost))} {coin} left",
                ends if locked else 0,
            )
    if allowed.day_trades:
        left = max(0, allowed.day_trades - usage.day_trades)
        add("trades of the day", str(allowed.day_trades), f"{left} left", 0 if left else book.day_ends_ns)
    if allowed.open_risk_share8:
        most = mul_div_floor(max(0, equity_cash), allowed.open_risk_share8, RATE)
        room = money(max(0, most - usage.open_risk_cash))
        add(
            "open risk",
            f"{percent_text(allowed.open_risk_share8)} = {money(most)} {coin}",
            f"{room} {coin} left",
        )
    if allowed.positions:
        add("positions", str(allowed.positions), f"{max(0, allowed.positions - usage.positions)} left")
    return found


def day_shown(book: Rulebook, usage: UsageRow, equity_cash: Cash) -> dict[str, Any]:
    """What the guard bar says of the day."""
    allowed, start = book.allowed, usage.day_start_cash
    lost = max(0, start - equity_cash) if usage.started else 0
    most = mul_div_floor(max(0, start), allowed.day_loss_share8, RATE)
    share = min(10_000, mul_div_floor(lost, 10_000, most)) if most else 0
    risk8 = mul_div_ceil(max(0, usage.open_risk_cash), RATE, max(1, equity_cash))
    of_risk = f" of {percent_text(allowed.open_risk_share8)}" if allowed.open_risk_share8 else ""
    of_trades = f" of {allowed.day_trades}" if allowed.day_trades else ""
    return {
        "day_text": money(equity_cash - start if usage.started else 0, signed=True),
        "day_limit_text": money(most) if most else "",
        "day_share": share,
        "trades_text": f"{usage.day_trades}{of_trades}",
        "open_risk_text": f"{percent_text(-(-risk8 // DISTANCE8) * DISTANCE8)}{of_risk}",
    }
