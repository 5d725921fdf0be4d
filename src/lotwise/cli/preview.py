"""``lotwise preview``: an order in every unit, before it is sent."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen
from lotwise.cli.size import REFUSED, find, side_of
from lotwise.records.preview import OrderPreview
from lotwise.sizing.preview import preview as preview_order
from lotwise.units import grouped


def preview(
    symbol: str,
    /,
    *,
    quantity: Annotated[str, Parameter(name=["--quantity", "--qty"])],
    price: str,
    stop: str,
    equity: str,
    risk: str = "1%",
    side: Literal["long", "short", "buy", "sell"] | None = None,
    short: Annotated[bool, Parameter(negative="")] = False,
    expect: str | None = None,
    venue: str | None = None,
    as_of: str | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """An order in coins, contracts and money, what the venue is sent, and whether it looks like a slip.

    Exit code 3 where a warning says that it does.

    Parameters
    ----------
    symbol
        BTCUSDT, mexc:BTC_USDT or BTC/USDT.
    quantity
        Coins, contracts or money: "0.01 BTC", "100 contracts", "600 USDT"; a bare number counts
        coins (inverse: the quote).
    price
        Price of the order.
    stop
        Its stop: a price or a distance like 2%.
    equity
        Money of the account in the settle coin.
    risk
        What the order is measured against: a share of the equity or an amount.
    side
        long (the default) or short.
    short
        Same as --side short.
    expect
        What the order should be worth: more than a lot off is refused.
    venue
        The venue, where the symbol does not name it.
    as_of
        The rules of that day.
    output
        How to answer.
    """
    contract = find(symbol, venue, as_of)
    seen = preview_order(
        contract,
        quantity=quantity,
        price=price,
        stop=stop,
        equity=equity,
        risk=risk,
        side=side_of(side, short),
        expect=expect,
    )
    if output.json:
        print(seen.to_json())
    elif output.quiet:
        print(seen.wire_quantity)
    else:
        _print(seen, Screen(output))
    return 0 if seen.plausible else REFUSED


def _print(seen: OrderPreview, screen: Screen) -> None:
    screen.line()
    screen.headline(
        "▲" if seen.side == "long" else "▼", seen.preview, f"{seen.contract} {seen.side}", good=seen.plausible
    )
    screen.line()
    screen.rows(
        [
            ("the venue is sent", grouped(seen.wire_quantity), seen.wire_unit),
            ("at", grouped(seen.price), ""),
            ("worth", grouped(seen.notional), f"{seen.settle}, {seen.times_equity}× of equity"),
            ("largest that fits", seen.largest, "by the risk, the stop and every rule"),
            ("facts", seen.as_of or "own", ""),
        ]
    )
    for warning in seen.warnings:
        screen.line()
        screen.paragraph(f"! {warning}", hanging="    ", style="yellow")
    screen.line()
