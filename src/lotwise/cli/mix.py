"""``lotwise mix``: contracts of several sizes that fill a budget more closely."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen, cost, loss
from lotwise.cli.size import REFUSED, find, side_of
from lotwise.contracts.contract import FeeSchedule
from lotwise.errors import InputError
from lotwise.records.preview import MixPlan
from lotwise.sizing.mix import mix as mix_contracts
from lotwise.units import grouped, parse_rate, percent_text, shown


def mix(
    symbols: str,
    /,
    *,
    entry: str,
    stop: str,
    equity: str,
    risk: str = "1%",
    side: Literal["long", "short", "buy", "sell"] | None = None,
    short: Annotated[bool, Parameter(negative="")] = False,
    spread: str = "0",
    slippage: str = "0",
    leverage: str | None = None,
    maker: str | None = None,
    taker: str | None = None,
    as_of: str | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Fill a budget with contracts of several sizes, e.g. 3 of 0.1 and 4 of 0.01 BTC.

    Parameters
    ----------
    symbols
        Two to four contracts on one coin, comma-separated: cme:MBT,cme:BFF.
    entry
        Entry price, on the tick of each of them.
    stop
        A price or a distance like 2%.
    equity
        Money of the account in the settle coin.
    risk
        A share of the equity or an amount.
    side
        long (the default) or short.
    short
        Same as --side short.
    spread
        Full spread: 0.5, 5t or 2bp.
    slippage
        Allowance at the stop.
    leverage
        For every part; left out: the lowest that funds the whole.
    maker
        Maker fee, with --taker, for all of them.
    taker
        Taker fee, with --maker, for all of them.
    as_of
        The rules of that day.
    output
        How to answer.
    """
    if (maker is None) != (taker is None):
        raise InputError("USAGE-003", f"one fee of two: {shown(maker or taker)}", "give --maker and --taker")
    plan = mix_contracts(
        [find(symbol.strip(), None, as_of) for symbol in symbols.split(",")],
        side=side_of(side, short),
        entry=entry,
        stop=stop,
        equity=equity,
        risk=risk,
        spread=spread,
        slippage=slippage,
        leverage=leverage,
        fees=None if maker is None or taker is None else FeeSchedule(maker, taker),
    )
    if output.json:
        print(plan.to_json())
    elif output.quiet:
        print(" + ".join(f"{part.contracts} {part.contract}" for part in plan.parts) or "0")
    else:
        _print(plan, Screen(output))
    return 0 if plan.feasible else REFUSED


def _print(plan: MixPlan, screen: Screen) -> None:
    screen.line()
    if not plan.feasible:
        screen.headline("■", "NO TRADE", "", good=False)
        screen.line()
        screen.paragraph(plan.blocked_by or "")
        screen.line()
        return
    sizes = " + ".join(f"{grouped(part.contracts)} × {part.contract}" for part in plan.parts)
    screen.headline("▲" if plan.side == "long" else "▼", sizes, plan.side, good=True)
    screen.line()
    screen.table(
        ("contract", "contracts", "quantity", "worth", "loss at stop", "margin"),
        [
            (
                part.contract,
                grouped(part.contracts),
                f"{grouped(part.quantity)} {part.quantity_unit}",
                grouped(part.notional),
                loss(part.loss_at_stop, plan.settle),
                cost(part.initial_margin, plan.settle),
            )
            for part in plan.parts
        ],
        drop=("margin", "worth"),
    )
    screen.line()
    unused = percent_text(parse_rate(plan.waste, "waste"))
    screen.paragraph(
        f"Loses {cost(plan.loss_at_stop, plan.settle)} of a budget of {grouped(plan.budget)} {plan.settle} at"
        f" {grouped(plan.stop)}; {unused} of it stays unused."
    )
    if plan.single_contract:
        screen.paragraph(f"{plan.single_contract} alone would use {cost(plan.single_loss, plan.settle)}.")
    for note in plan.notes:
        screen.paragraph(f"! {note}", hanging="    ", style="yellow")
    screen.line()
