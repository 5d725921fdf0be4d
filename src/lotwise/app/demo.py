"""The demo: real trades on the catalogue's contracts, and the worked cases of the guides.

Every figure is computed when it runs. Where a printed beginner guide has a different figure,
the case says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.records.answers import SizePlan
from lotwise.sizing.size import size
from lotwise.units import grouped

FREE = FeeSchedule("0", "0")


class Case(NamedTuple):
    """One line of the table: letter, question, our answer, and what guides print where wrong."""

    letter: str
    question: str
    answer: str
    guides: str = ""


REAL_TRADES = (
    "lotwise size binance:BTCUSDT --entry 65000 --stop 2% --equity 1000 --risk 1% --target 1R:50%,2R:50%",
    "lotwise size binance:BTCUSDT --entry 60000 --stop 2% --equity 200 --risk 1%",
    "lotwise size bybit:BTCUSDT --entry 60000 --stop 2% --equity 200 --risk 1% --leverage 3",
    "lotwise size binance:DOGEUSDT --short --entry 0.21000 --stop 3% --equity 500 --risk 1% --slippage 5bp"
    " --leverage 5 --explain",
    "lotwise liq binance:BTCUSDT --qty 13.5 --entry 60000 --wallet 81000",
)
"""What the demo runs, as a person would type it."""


def backtest_commands(store: str, page: str) -> tuple[str, ...]:
    """A made-up market, and a strategy on it: what a person would type."""
    place = shlex.quote(store)
    return (
        f"lotwise data synthetic --days 20 --contracts BTCUSDT,ETHUSDT,LAYERUSDT --store {place}",
        "lotwise backtest breakout --data synthetic:BTCUSDT,synthetic:ETHUSDT,synthetic:LAYERUSDT --bar 15m"
        f" --equity 1000 --risk 1% --limits day_loss=3%,trades=5 --store {place} --html {shlex.quote(page)}",
    )


def contract_of(base: str, tick: str, lot: str = "1", contract_size: str = "1", **facts: object) -> Contract:
    """A contract of the guides: no fees unless given."""
    given: dict[str, object] = {"symbol": f"{base}-GUIDE", "base": base, "tick_size": tick, "lot_size": lot}
    given |= {"contract_size": contract_size, "fees": FREE, **facts}
    return Contract(**given)  # type: ignore[arg-type]


def worked_cases() -> Iterator[Case]:
    """Cases A to M with the kernel's answers."""
    yield from _sizes()
    yield from _margins()
    yield from _venue_minimum()


def _size(
    contract: Contract, entry: str, stop: str, equity: str, risk: str, leverage: str | None = None
) -> SizePlan:
    return size(contract, side="long", entry=entry, stop=stop, equity=equity, risk=risk, leverage=leverage)


def _sizes() -> Iterator[Case]:
    fine = contract_of("BTC", "0.1", lot="0.001")
    plan = _size(fine, "65000", "2%", "1000", "1%")
    yield Case("A", "1,000 USDT, 1 %, BTC 65,000, 2 % stop, step 0.001", _fit(plan))
    plan = _size(contract_of("BTC", "0.1", contract_size="0.01"), "65000", "2%", "1000", "1%")
    own = [
        f"{way.kind} {grouped(way.value) if way.kind != 'risk' else way.value}" for way in plan.ways_out[:3]
    ]
    yield Case(
        "A", "the same in contracts of 0.01 BTC", f"no: one loses {plan.next_lot_loss}; {', '.join(own)}"
    )
    for equity in ("1000", "1150", "1400"):
        plan = _size(contract_of("BTC", "0.1", lot="0.0001"), "65000", "2%", equity, "1%")
        yield Case("D", f"{grouped(equity)} USDT at 1 %, 2 % stop, step 0.0001", _fit(plan))
    plan = _size(contract_of("ETH", "0.01", contract_size="0.001"), "3520", "3450", "2000", "1.5%")
    guide = "431 contracts, which lose 30.17 of 30.00"
    yield Case(
        "E",
        "2,000 USDT, 1.5 %, ETH 3,520 stop 3,450, contract 0.001",
        f"{plan.lots} contracts, loss {plan.loss_at_stop}",
        guide,
    )
    plan = _size(contract_of("UNIT", "0.01", contract_size="100"), "1.00", "0.95", "5000", "1%")
    yield Case(
        "F",
        "5,000 USDT, 1 %, contract of 100 at 1.00, stop 0.95",
        f"{plan.lots} contracts, loss {plan.loss_at_stop}",
    )
    plan = _size(
        contract_of("BTC", "0.1", contract_size="0.01"), "70000", "liquidation", "5000", "1%", leverage="20"
    )
    yield Case(
        "G",
        "5,000 USDT, 1 %, 20x, stop = liquidation, contract 0.01",
        f"{plan.lots} contract, loss {plan.loss_at_stop}; two would lose {plan.next_lot_loss}",
    )


def _fit(plan: SizePlan) -> str:
    return f"{plan.quantity} {plan.base}, notional {plan.notional}, loss {plan.loss_at_stop}"


def _margins() -> Iterator[Case]:
    micro = contract_of("BTC", "0.1", contract_size="0.01")
    for letter, entry, leverage, guide in (
        ("B", "65000", "10", ""),
        ("B", "65000", "2", "32.50"),
        ("H", "60000", "10", ""),
        ("K", "70000", "10", "7,000 controlled with 700"),
        ("L", "60000", "2", "impossible without high leverage"),
    ):
        equity = "500" if letter == "L" else "10000"
        plan = size(
            micro,
            side="long",
            entry=entry,
            stop="2%",
            equity=equity,
            risk=_one_contract(entry),
            leverage=leverage,
        )
        yield Case(
            letter,
            f"one contract of 0.01 BTC at {grouped(entry)}, {leverage}x"
            + (", 500 USDT" if letter == "L" else ""),
            f"notional {plan.notional}, margin {plan.initial_margin}, {plan.effective_leverage}x of equity",
            guide,
        )
    small = contract_of("BTC", "0.1", lot="0.001")
    plan = size(small, side="long", entry="65000", stop="2%", equity="1000", risk="6.50", leverage="2")
    yield Case(
        "C", "0.005 BTC at 65,000, 2x, 2 % stop", f"margin {plan.initial_margin}, loss {plan.loss_at_stop}"
    )
    for entry, contract_size in (("70000", "1"), ("70000", "0.01"), ("70000", "0.001"), ("60000", "0.0001")):
        contract = contract_of("BTC", "0.1", contract_size=contract_size)
        ticks = contract.price_ticks(entry, "entry")
        yield Case(
            "J",
            f"{contract_size} BTC at {grouped(entry)}",
            f"notional {grouped(contract.notional_text(ticks, 1))}",
        )


def _one_contract(entry: str) -> str:
    """Budget of exactly one 0.01 BTC contract at a 2 % stop without costs."""
    micro = contract_of("BTC", "0.1", contract_size="0.01")
    plan = size(micro, side="long", entry=entry, stop="2%", equity="10000", risk="0.01")
    return plan.next_lot_loss


def _venue_minimum() -> Iterator[Case]:
    for contract in ("binance:BTCUSDT", "bybit:BTCUSDT"):
        plan = size(contract, side="long", entry="60000", stop="2%", equity="200", risk="1%")
        question = f"{contract}, 200 USDT, 1 %, 60,000, 2 % stop, taker"
        if plan.feasible:
            yield Case("M", question, f"{plan.quantity} {plan.base}, loss {plan.loss_at_stop}")
        else:
            ways = ", ".join(f"{way.kind} {way.value}" for way in plan.ways_out)
            yield Case("M", question, f"no: the smallest order loses {plan.next_lot_loss}; {ways}")
