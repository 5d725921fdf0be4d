"""``lotwise liq``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen, cost, gain, price, signed
from lotwise.cli.size import find, positions_of, side_of, tier_of
from lotwise.contracts.contract import Contract
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
    opposite: str | None = None,
    maintenance_margin: str | None = None,
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
        In coins (0.01) or contracts ("12 contracts"); inverse: in the quote ("300 USD").
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
    opposite
        Hedge mode, cross: the leg on the other side as QUANTITY,ENTRY.
    maintenance_margin
        Listed futures: what your broker asks you to keep, per contract.
    mark
        Mark price; left out: the entry.
    venue
        binance, binance-coinm, bybit, bybit-inverse, bingx, mexc, weex, cme or coinbase.
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
        contract = contract.replace(tiers=[tier_of(text) for text in tier], max_leverage=None)
    if maintenance_margin is not None:
        contract = contract.replace(maintenance_margin_per_contract=maintenance_margin)
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
        opposite=None if opposite is None else _leg(opposite),
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


def _leg(text: str) -> tuple[str, str]:
    quantity, comma, entry = text.partition(",")
    if not comma:
        raise InputError("USAGE-009", f"--opposite {shown(text)}", "write QUANTITY,ENTRY, e.g. 0.5,61000")
    return quantity.strip(), entry.strip()


def _print(answer: LiquidationAnswer, contract: Contract, screen: Screen) -> None:
    long = answer.side == "long"
    at = price(contract, answer.liquidation_price, up=long)
    verdict = {
        "never": "no price above zero liquidates it",
        "now": "liquidated now" + (f": the price is {at}" if at else ""),
        "call": f"margin call at {price(contract, answer.margin_call.price, up=long) or 'no price'}",
    }.get(answer.status, f"liquidated at {at}")
    glyph = "■" if answer.status == "now" else "▲" if answer.side == "long" else "▼"
    screen.line()
    screen.headline(
        glyph,
        verdict,
        f"{answer.contract} {answer.margin} {answer.side}"
        f" {grouped(answer.quantity)} {contract.quantity_unit}",
        good=answer.status != "now",
    )
    screen.line()
    screen.rows(
        [
            ("entry", grouped(answer.entry), ""),
            ("mark", grouped(answer.mark), ""),
            ("distance", signed(answer.distance or ""), "from the mark"),
            (
                "also at",
                price(contract, answer.other_liquidation_price, up=not long),
                "where both legs need too much",
            ),
            ("tier", str(answer.tier or ""), f"at that price; opened in tier {answer.opened_in_tier}"),
            (
                "notional there",
                gain(answer.notional_at_liquidation, answer.settle),
                f"now {gain(answer.notional, answer.settle)}",
            ),
            ("bankruptcy", _bankruptcy(answer, contract, up=long), ""),
            ("wallet", gain(answer.wallet, answer.settle), answer.settle),
            ("unrealised PnL", gain(answer.unrealised_pnl, answer.settle), ""),
            ("margin balance", gain(answer.margin_balance, answer.settle), ""),
            ("maintenance", cost(answer.maintenance_margin, answer.settle), _ratio_note(answer)),
            ("margin call", _call(answer, contract, up=long), _call_note(answer)),
            ("facts", answer.as_of or "own", _rule_note(answer)),
        ]
    )
    for warning in answer.warnings:
        screen.line()
        screen.paragraph(f"! {warning}", hanging="    ", style="yellow")
    screen.line()


def _bankruptcy(answer: LiquidationAnswer, contract: Contract, *, up: bool) -> str:
    return price(contract, answer.bankruptcy_price, up=up) or ("" if _is_hedge(answer) else "none")


def _is_hedge(answer: LiquidationAnswer) -> bool:
    return answer.status != "call" and answer.liquidation_price is not None and answer.numerator is None


def _call(answer: LiquidationAnswer, contract: Contract, *, up: bool) -> str:
    if answer.status == "call" or _is_hedge(answer):
        return ""  # the headline says it; of a hedge none is computed
    return price(contract, answer.margin_call.price, up=up) or "none"


def _rule_note(answer: LiquidationAnswer) -> str:
    if answer.rule == "clearing":
        return "margin set by the exchange and the broker"
    return f"maintenance by {answer.rule} price"


def _ratio_note(answer: LiquidationAnswer) -> str:
    return f"margin ratio {shown_up(answer.margin_ratio, 4)}" if answer.margin_ratio else "no balance left"


def _call_note(answer: LiquidationAnswer) -> str:
    return f"where the ratio reaches {answer.margin_call.ratio}"
