"""``lotwise liq``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen, cost, gain, price, signed
from lotwise.cli.size import find, positions_of, side_of
from lotwise.contracts.contract import Contract
from lotwise.contracts.tiers import MarginTier
from lotwise.errors import InputError
from lotwise.records.answers import LiquidationAnswer
from lotwise.sizing.oracle import liquidation
from lotwise.units import grouped, shown, shown_up


def liq(
    symbol: str,
    /,
    *,
    quantity: Annotated[str, Parameter(name=["--quantity", "--qty"])],
    entry: str,
    side: Literal["long", "short", "buy", "sell"] | None = None,
    short: Annotated[bool, Parameter(negative="")] = False,
    leverage: str | None = None,
    wallet: str | None = None,
    extra_margin: str = "0",
    margin: Literal["isolated", "cross"] = "isolated",
    other: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006
    mark: str | None = None,
    venue: str | None = None,
    as_of: str | None = None,
    on: str | None = None,
    margin_call_at: str = "80%",
    tier: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006
    output: Output = Output(),  # noqa: B008
) -> int:
    """Where a position is liquidated: the exact price, its tier, and how far away it is.

    Parameters
    ----------
    symbol
        BTCUSDT, binance:BTCUSDT or BTC/USDT.
    quantity
        In coins (0.01) or contracts ("12 contracts").
    entry
        Average entry price.
    side
        long (the default) or short.
    short
        Same as --side short.
    leverage
        Isolated: the leverage it was opened with.
    wallet
        Isolated: the isolated wallet. Cross: the wallet balance without unrealised PnL.
    extra_margin
        Isolated margin added by hand.
    margin
        isolated or cross.
    other
        Cross: another position as ETHUSDT,short,0.5,3000[,MARK].
    mark
        Mark price; left out: the entry.
    venue
        binance or bybit.
    as_of
        The catalogue of that day.
    on
        The venue's liquidation rule of that day; Bybit's changed on 2025-09-02.
    margin_call_at
        Warn where maintenance margin is this share of the balance.
    tier
        A margin tier of your own as floor:cap:leverage:rate:cumulative, lowest first.
    output
        How to answer.
    """
    contract = find(symbol, venue, as_of)
    if tier:
        contract = contract.replace(tiers=[_tier(text) for text in tier], max_leverage=None)
    answer = liquidation(
        contract,
        side=side_of(side, short),
        quantity=quantity,
        entry=entry,
        leverage=leverage,
        wallet=wallet,
        extra_margin=extra_margin,
        margin=margin,
        others=positions_of(other, contract),
        mark=mark,
        on=on,
        margin_call_at=margin_call_at,
    )
    if output.json:
        print(answer.to_json())
    elif output.quiet:
        print(answer.liquidation_price or answer.status)
    else:
        _print(answer, contract, Screen(output))
    return 0


def _tier(text: str) -> MarginTier:
    parts = text.split(":")
    if len(parts) != 5:
        raise InputError(
            "USAGE-006",
            f"--tier {shown(text)}",
            "write floor:cap:leverage:rate:cumulative, e.g. 0:300000:100:0.005:0",
        )
    return MarginTier(*parts)


def _print(answer: LiquidationAnswer, contract: Contract, screen: Screen) -> None:
    long = answer.side == "long"
    at = price(contract, answer.liquidation_price, up=long)
    verdict = {
        "never": "no price above zero liquidates it",
        "now": "liquidated now" + (f": the price is {at}" if at else ""),
    }.get(answer.status, f"liquidated at {at}")
    glyph = "■" if answer.status == "now" else "▲" if answer.side == "long" else "▼"
    screen.line()
    screen.headline(
        glyph,
        verdict,
        f"{answer.contract} {answer.margin} {answer.side} {grouped(answer.quantity)} {contract.base}",
        good=answer.status != "now",
    )
    screen.line()
    screen.rows(
        [
            ("entry", grouped(answer.entry), ""),
            ("mark", grouped(answer.mark), ""),
            ("distance", signed(answer.distance or ""), "from the mark"),
            ("tier", str(answer.tier or ""), f"at that price; opened in tier {answer.opened_in_tier}"),
            ("notional there", gain(answer.notional_at_liquidation), f"now {gain(answer.notional)}"),
            ("bankruptcy", price(contract, answer.bankruptcy_price, up=long) or "none", ""),
            ("wallet", gain(answer.wallet), ""),
            ("unrealised PnL", gain(answer.unrealised_pnl), ""),
            ("margin balance", gain(answer.margin_balance), ""),
            ("maintenance", cost(answer.maintenance_margin), _ratio_note(answer)),
            ("margin call", price(contract, answer.margin_call.price, up=long) or "none", _call_note(answer)),
            ("facts", answer.as_of or "own", f"maintenance by {answer.rule} price"),
        ]
    )
    for warning in answer.warnings:
        screen.line()
        screen.paragraph(f"! {warning}", hanging="    ", style="yellow")
    screen.line()


def _ratio_note(answer: LiquidationAnswer) -> str:
    return f"margin ratio {shown_up(answer.margin_ratio, 4)}" if answer.margin_ratio else "no balance left"


def _call_note(answer: LiquidationAnswer) -> str:
    return f"where the ratio reaches {answer.margin_call.ratio}"
