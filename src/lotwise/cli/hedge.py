"""``lotwise hedge``: a holding and a short of whole lots; what stays open, what it costs and needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lotwise.app.hedge import USUAL_RISE
from lotwise.app.hedge import hedge as hedge_holding
from lotwise.cli.screen import MINUS, Output, Row, Screen, cost, gain, signed
from lotwise.cli.screen import price as price_text
from lotwise.cli.size import REFUSED, fees_of, find
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.records.hedge import HedgeAnswer, HedgeCarry, HedgeChoice, HedgeMargin, HedgeRisk
from lotwise.units import grouped, parse_rate, percent_text

if TYPE_CHECKING:
    from lotwise.analysis.carry import Funding
    from lotwise.app.hedge_measure import Measured

Flag = Annotated[bool, Parameter(negative="")]


def hedge(
    symbol: str,
    /,
    *,
    holding: str,
    price: str,
    with_: Annotated[str | None, Parameter(name=["--with"])] = None,
    with_price: str | None = None,
    beta: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    correlation: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    nearest: Flag = False,
    leverage: str | None = None,
    rise: str = USUAL_RISE,
    volatility: str | None = None,
    funding_rate: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    funding_interval: int | None = None,
    bars: Path | None = None,
    with_bars: Path | None = None,
    store: Path | None = None,
    data_venue: str | None = None,
    since: str = "",
    until: str = "",
    window: int | None = None,
    maker: str | None = None,
    taker: str | None = None,
    spread: str = "0",
    slippage: str = "0",
    venue: str | None = None,
    as_of: str | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Hedge coins you hold with a short: whole lots, what stays open, margin, cash for a rise, funding.

    The short is of the same coin, or of another contract by beta: given, or measured from bars. It is never
    larger than the exact hedge unless asked. Exit code 3 where the venue takes no order so small.

    Parameters
    ----------
    symbol
        The coin held, by a contract of it: binance:ETHUSDT.
    holding
        Coins held.
    price
        Price of one.
    with_
        Short this contract instead: binance:BTCUSDT.
    with_price
        Its price.
    beta
        How far the holding moves when that contract moves by one, e.g. 1.53; left out: measured from bars.
    correlation
        How alike they move, 0 to 1: what stays of the swings.
    nearest
        Take the nearest whole lots, which may be more short than held.
    leverage
        Of the short, isolated; 3 unless given.
    rise
        Tell the cash with which the short survives this rise.
    volatility
        Of the holding, a year: 60%.
    funding_rate
        Funding per interval, e.g. 0.01%; the short receives where it is above 0.
    funding_interval
        Hours between fundings, where the contract does not say.
    bars
        A file of bars of the holding, to measure in; one that lotwise data import can read.
    with_bars
        A file of bars of the contract that is shorted.
    store
        The folder of the market store to measure in; without it the usual one, where a beta is missing.
    data_venue
        The venue under which the store keeps them, where it is another: synthetic.
    since
        Bars of the store from this day or time on, UTC.
    until
        Bars before it.
    window
        Returns to measure, the newest; else all.
    maker
        Your maker fee, e.g. 0.02%.
    taker
        Your taker fee, e.g. 0.05%.
    spread
        Full spread: 0.5, 5t or 2bp.
    slippage
        Allowance when closing.
    venue
        The venue, where the symbol does not name it.
    as_of
        The rules of that day.
    output
        How to answer.
    """
    held = find(symbol, venue, as_of)
    other = None if with_ is None else find(with_, None, as_of)
    shorted = other or held
    _check_bars(bars, with_bars, store=store, other=other)
    wanted = beta is None if other is not None else store is not None or bars is not None
    measured, funding = None, None
    if bars is not None or with_bars is not None:
        measured = _of_files(bars, with_bars, window) if wanted else None
    elif wanted or store is not None:
        measured, funding = _of_store(
            held, other, store=(store, data_venue), span=(since, until), window=window, wanted=wanted
        )
    if measured is None and (window is not None or ((since or until) and funding is None)):
        raise InputError(
            "HEDGE-103", "--window, --since and --until choose bars, and none are measured", "leave them out"
        )
    found = hedge_holding(
        held,
        holding=holding,
        price=price,
        against=other,
        against_price=with_price,
        beta=beta,
        correlation=correlation,
        measured=measured,
        choose="nearest" if nearest else "lower",
        leverage=leverage,
        rise=rise,
        volatility=volatility,
        funding_rate=funding_rate,
        funding_interval_hours=funding_interval,
        funding=funding,
        fees=fees_of(shorted, maker, taker),
        spread=spread,
        slippage=slippage,
    )
    if output.json:
        print(found.to_json())
    elif output.quiet:
        print(found.quantity)
    else:
        _print(found, shorted, Screen(output))
    return 0 if found.feasible else REFUSED


def _check_bars(
    bars: Path | None, with_bars: Path | None, *, store: Path | None, other: Contract | None
) -> None:
    if store is not None and (bars is not None or with_bars is not None):
        raise InputError("HEDGE-103", "bars come from a store or from files", "give --store or --bars")
    if (other is None and with_bars is not None) or (
        other is not None and (bars is None) != (with_bars is None)
    ):
        raise InputError(
            "HEDGE-103",
            "--bars are of the holding, --with-bars of the contract in --with",
            "give both files with --with, and --bars alone without it",
        )


def _of_files(bars: Path | None, with_bars: Path | None, window: int | None) -> Measured:
    from lotwise.cli.data import needs_polars

    needs_polars()
    from lotwise.app.hedge_measure import closes_of_file, measure

    assert bars is not None  # looked at in _check_bars
    return measure(closes_of_file(bars), None if with_bars is None else closes_of_file(with_bars), window)


def _of_store(
    held: Contract,
    other: Contract | None,
    *,
    store: tuple[Path | None, str | None],
    span: tuple[str, str],
    window: int | None,
    wanted: bool,
) -> tuple[Measured | None, Funding | None]:
    """What the store's bars say, and the funding it has of the contract that is shorted."""
    from lotwise.cli.analyze import moment
    from lotwise.cli.data import opened

    place = opened(store[0])
    from lotwise.app.analyze.source import Source
    from lotwise.app.hedge_measure import funding_in, measure

    since, until = moment(span[0], "since"), moment(span[1], "until")
    one, another = (
        None if each is None else Source(place, store[1] or each.venue, each.symbol, since, until)
        for each in (held if wanted or other is None else None, other)
    )
    of_short = another or one
    measured = None
    if wanted and one is not None:
        measured = measure(_closes(one), None if another is None else _closes(another), window)
    return measured, None if of_short is None else funding_in(of_short)


def _closes(source: object) -> tuple[object, object]:
    from lotwise.app.analyze.source import Source

    assert isinstance(source, Source)
    found = source.closes_of(source.symbol)
    assert found is not None  # a source has bars
    return found


def _print(found: HedgeAnswer, contract: Contract, screen: Screen) -> None:
    screen.line()
    if found.feasible:
        lent = None if found.margin is None else found.margin.leverage
        rest = found.contract + (f" isolated {lent}×" if lent else "")
        screen.headline("▼", f"SHORT {grouped(found.quantity)} {found.quantity_unit}", rest, good=True)
    else:
        block = found.blocked_by
        assert block is not None
        rest = f"{found.contract}   {block.code} {block.rule.replace('_', ' ')}"
        screen.headline("■", "NO HEDGE", rest, good=False)
        screen.line()
        screen.paragraph(block.text)
    screen.line()
    screen.rows(_rows(found, contract))
    for number, way in enumerate(found.ways_out):
        if number == 0:
            screen.line()
        screen.paragraph(f"{'ways out' if number == 0 else '':<10}{way.text}", hanging=" " * 12)
    for text, style in (
        *((one, "yellow") for one in found.warnings),
        *((one, "dim") for one in found.notes if found.feasible),
    ):
        screen.line()
        screen.paragraph(f"! {text}" if style == "yellow" else text, hanging="    ", style=style)
    screen.line()


def _rows(found: HedgeAnswer, contract: Contract) -> list[Row]:
    coin, money = found.holding_coin, found.settle
    rows: list[Row] = [
        (
            "held",
            grouped(found.holding),
            f"{coin} at {grouped(found.price)} = {gain(found.worth, money)} {money}",
        )
    ]
    if found.beta is not None:
        alike = f"R² {found.beta.r_squared}" if found.beta.r_squared else ""
        error = f"± {found.beta.error}" if found.beta.error else ""
        rows.append(
            ("beta", found.beta.beta, ", ".join(filter(None, (error, alike, found.beta.window or ""))))
        )
    rows.append(("exact hedge", grouped(found.exact), f"{contract.base} at {grouped(found.hedge_price)}"))
    for one in (found.lower, found.nearest):
        rows.append(_choice(one, contract, money, chosen=found.feasible and one.name == found.chosen))
    if found.risk is not None:
        rows += _risk(found.risk, money)
    if found.margin is not None:
        rows += _margin(found.margin, contract, money)
    if found.costs is not None:
        parts = f"open {cost(found.costs.entry_fee)}, close {cost(found.costs.exit_fee)}"
        rows.append(
            ("costs", cost(found.costs.total, money), f"{money}: {parts}; {found.costs.of_worth} of it")
        )
    if found.carry is not None:
        rows += _carry(found.carry, money)
    rows.append(("facts", found.as_of or "own", ""))
    return rows


def _choice(one: HedgeChoice, contract: Contract, money: str, *, chosen: bool) -> Row:
    over = one.left_open.startswith("-")
    left, worth = one.left_open.removeprefix("-"), one.left_open_worth.removeprefix("-")
    said = f"{left} {contract.base} ({cost(worth, money) or '0.00'} {money})"
    said = f"{said} more short than the exact hedge" if over else f"leaves {said} open"
    said = "leaves nothing open" if left == "0" else said
    marks = (", taken" if chosen else "") + ("" if one.allowed else ", no order the venue takes")
    return f"{one.name} lots", grouped(one.quantity), said + marks


def _percent(share: str) -> str:
    return percent_text(parse_rate(share, "share"))


def _risk(risk: HedgeRisk, money: str) -> list[Row]:
    rows: list[Row] = [
        ("risk that stays", f"{float(risk.left_with_lots):.2%}", "of the variance, an estimate"),
    ]
    if risk.day_before is not None and risk.day_after is not None:
        year = f"at {float(risk.volatility_year or 0):.1%} a year"
        rows.append(
            ("a usual day", risk.day_after, f"{money} of swing, {risk.day_before} without it, {year}")
        )
    return rows


def _margin(margin: HedgeMargin, contract: Contract, money: str) -> list[Row]:
    end = margin.liquidation_price or margin.bankruptcy_price
    name = "liquidation" if margin.liquidation_price else "bankruptcy"
    return [
        ("margin", cost(margin.initial_margin, money), f"{money}; the coins held are none"),
        (
            name,
            price_text(contract, end, up=False),
            f"a rise of {margin.may_rise}" if margin.may_rise else "",
        ),
        (
            f"rise of {margin.rise.replace(' ', '')}",
            cost(margin.cash_for_rise, money),
            f"{money} behind it survive {grouped(margin.rise_price)}:"
            f" {cost(margin.cash_beyond_margin, money) or '0.00'} beyond the margin",
        ),
        ("cash in all", cost(margin.cash_in_all, money), "for the rise, or the margin; opening included"),
    ]


def _carry(carry: HedgeCarry, money: str) -> list[Row]:
    paid = carry.year.startswith("-")
    verb = "paid" if paid else "received"
    note = f"{money} a day {verb}, {signed(gain(carry.year, money))} a year ({signed(carry.year_rate)})"
    text = signed(gain(carry.day, money)).lstrip(MINUS)
    return [("funding", (MINUS if paid else "+") + text, f"{note}; {carry.source}")]
