"""``lotwise options``: a future with a stop and a bought option side by side; a picture, a page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lotwise.app.options import USUAL_GAP, USUAL_STEP, USUAL_TARGET
from lotwise.app.options import options as compared
from lotwise.cli import size as sizing
from lotwise.cli.screen import Output, Row, Screen, cost, gain, loss, profit, signed
from lotwise.cli.size import REFUSED, fees_of, find, side_of
from lotwise.errors import InputError
from lotwise.records.options import BoughtOption, OptionComparison
from lotwise.units import grouped, scaled_text, shown

HUNDREDTH_OF_DAY_NS = 864 * 10**9
File = Annotated[Path | None, Parameter(negative="")]


def options(
    symbol: str,
    /,
    *,
    entry: str,
    stop: str,
    equity: str,
    strike: str,
    expiry: str,
    volatility: str | None = None,
    premium: str | None = None,
    risk: str = "1%",
    side: Literal["long", "short", "buy", "sell"] | None = None,
    short: Annotated[bool, Parameter(negative="")] = False,
    near: str | None = None,
    target: str = USUAL_TARGET,
    gap: str = USUAL_GAP,
    option_step: str = USUAL_STEP,
    option_fee: str = "0",
    rate: Annotated[str, Parameter(allow_leading_hyphen=True)] = "0",
    funding_rate: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    funding_interval: str | None = None,
    maker: str | None = None,
    taker: str | None = None,
    spread: str = "0",
    slippage: str = "0",
    leverage: str | None = None,
    html: File = None,
    svg: File = None,
    venue: str | None = None,
    as_of: str | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """A future with a stop beside a bought call (long) or put (short): the same money at risk.

    The future is sized as lotwise size does; the option costs no more than the future loses at its stop.
    What an option is worth before it expires is an estimate. Exit code 3 where one of the two does not fit.

    Parameters
    ----------
    symbol
        BTCUSDT, binance:BTCUSDT or BTC/USDT.
    entry
        Entry price of the future.
    stop
        Its stop: a price or a distance like 2%.
    equity
        Money of the account.
    strike
        Strike of the option.
    expiry
        Its expiry: days (30 or 30d), or a day or time UTC (2026-12-25, 2026-12-25T08:00).
    volatility
        Implied volatility a year: 60%.
    premium
        What the option of one coin costs; its implied volatility is then solved.
    risk
        Share of the equity (1%) or money (10).
    side
        long (the default) or short.
    short
        Same as --side short.
    near
        Days after which both are compared too, and how long the future is held; half the time unless given.
    target
        Where the price is hoped to go: a price, 2R or 5%.
    gap
        How far beyond the stop a jump lands.
    option_step
        Step of the option's amount in coins: your venue's.
    option_fee
        What buying the option costs, a share of the underlying's worth: 0.03%.
    rate
        Interest a year: 4%.
    funding_rate
        Funding of the future per interval: 0.01%; without it none is counted.
    funding_interval
        Hours between fundings, where the contract does not say.
    maker
        Your maker fee, e.g. 0.02%.
    taker
        Your taker fee, e.g. 0.05%.
    spread
        Full spread of the future: 0.5, 5t or 2bp.
    slippage
        Allowance at its stop.
    leverage
        Of the future; left out: the lowest that funds it.
    html
        Write a page with the picture to this file.
    svg
        Write the picture to this file.
    venue
        The venue, where the symbol does not name it.
    as_of
        The rules of that day.
    output
        How to answer.
    """
    for file in (html, svg):
        if file is not None and not file.absolute().parent.is_dir():
            raise InputError("OPTION-112", f"there is no folder {file.absolute().parent}", "make it first")
    contract = find(symbol, venue, as_of)
    found = compared(
        contract,
        side=side_of(side, short),
        entry=entry,
        stop=stop,
        equity=equity,
        risk=risk,
        strike=strike,
        days=_days(expiry, sizing.CLOCK.now_ns()),
        volatility=volatility,
        premium=premium,
        near_days=None if near is None else near.strip().removesuffix("d"),
        target=target,
        gap=gap,
        option_step=option_step,
        option_fee=option_fee,
        rate=rate,
        funding_rate=funding_rate,
        funding_interval_hours=funding_interval,
        fees=fees_of(contract, maker, taker),
        spread=spread,
        slippage=slippage,
        leverage=leverage,
    )
    written = _written(found, html, svg)
    if output.json:
        print(json.dumps(found.as_dict() | {"written": written}, indent=2, ensure_ascii=False))
    elif output.quiet:
        print(found.option.amount if found.option is not None else "0")
    else:
        _print(found, written, Screen(output))
    return 0 if found.feasible else REFUSED


def _days(expiry: str, now_ns: int) -> str:
    """Days until the expiry; of a date or time counted by the clock, rounded down to a hundredth.

    Raises
    ------
    InputError
        OPTION-102.
    """
    text = expiry.strip()
    if "-" not in text.lstrip("-"):
        return text.removesuffix("d")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "OPTION-102", f"the expiry is {shown(expiry)}", "write days (30) or a day (2026-12-25)"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = moment - datetime(1970, 1, 1, tzinfo=UTC)
    at_ns = (seconds.days * 86_400 + seconds.seconds) * 10**9
    hundredths = (at_ns - now_ns) // HUNDREDTH_OF_DAY_NS
    if hundredths <= 0:
        raise InputError("OPTION-102", f"the expiry {text} is past", "take a later one")
    return scaled_text(hundredths, 2)


def _written(found: OptionComparison, html: Path | None, svg: Path | None) -> dict[str, str]:
    """Write what was asked for.

    Raises
    ------
    InputError
        OPTION-112 a file that cannot be written; OPTION-113 a picture of what does not fit.
    """
    from lotwise.app.options_page import page_of, payoff_svg

    made = {}
    if svg is not None:
        if not found.feasible:
            raise InputError(
                "OPTION-113", "there is nothing to draw: it does not fit", "leave --svg out to see why"
            )
        made[svg] = payoff_svg(found)
    if html is not None:
        made[html] = page_of(found)
    for path, text in made.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(
                "OPTION-112",
                f"{path} cannot be written: {error.strerror}",
                "name a file in a folder of yours",
            ) from error
    return {name: str(path) for name, path in (("html", html), ("svg", svg)) if path is not None}


def _print(found: OptionComparison, written: dict[str, str], screen: Screen) -> None:
    screen.line()
    if found.option is None:
        block = found.blocked_by
        assert block is not None  # what does not fit says why
        rest = f"{found.contract} {found.side}   {block.code} {block.rule.replace('_', ' ')}"
        screen.headline("■", "DOES NOT FIT", rest, good=False)
        screen.line()
        screen.paragraph(block.text)
        screen.line()
        for number, way in enumerate(found.ways_out):
            screen.paragraph(f"{'ways out' if number == 0 else '':<10}{way.text}", hanging=" " * 12)
    else:
        _print_both(found, found.option, screen)
    for text in found.warnings:
        screen.line()
        screen.paragraph(f"! {text}", hanging="    ", style="yellow")
    for text in found.notes:
        screen.line()
        screen.paragraph(text, hanging="    ", style="dim")
    screen.line()
    for name, path in written.items():
        screen.line(f"  {path}  {'the picture' if name == 'svg' else 'the same with the picture'}")


def _print_both(found: OptionComparison, option: BoughtOption, screen: Screen) -> None:
    future, settle = found.future, found.settle
    glyph = "▲" if found.side == "long" else "▼"
    screen.headline(
        glyph,
        f"{grouped(future.quantity)} {future.base} or {grouped(option.amount)} in {option.kind}s",
        f"{found.contract} {found.side}",
        good=True,
    )
    screen.line()
    screen.rows(_rows(found, option))
    screen.line()
    header = (
        f"result, {settle}",
        "price",
        f"future, {found.near_days} d",
        f"option, {found.near_days} d",
        f"future, {option.expiry_days} d",
        f"option, {option.expiry_days} d",
    )
    screen.table(
        header,
        [
            (
                row.name,
                grouped(row.price),
                _result(row.future_near, settle),
                _result(row.option_near, settle, about=True),
                _result(row.future_expiry, settle),
                _result(row.option_expiry, settle),
            )
            for row in found.rows
        ],
        drop=(header[4],),
    )
    screen.line()
    screen.table(
        (f"path, {found.near_days} days", "future", "option"),
        [
            (f"{row.name}: {row.text}", _result(row.future, settle), _result(row.option, settle, about=True))
            for row in found.paths
        ],
    )


def _result(text: str, settle: str, *, about: bool = False) -> str:
    return ("~" if about else "") + (profit(text, settle) if text != "0.00" else "0.00")


def _rows(found: OptionComparison, option: BoughtOption) -> list[Row]:
    future, settle = found.future, found.settle
    solved = f"the premium implies {_share(option.implied_volatility)}" if option.implied_volatility else ""
    if option.model_premium and option.premium_from == "given":
        solved += f"; the model says {option.model_premium}"
    funding = cost(found.funding_near, settle) or "0.00" if found.funding_near is not None else ""
    near = grouped(option.near_break_even or "none")
    return [
        ("entry", grouped(found.entry), f"stop {grouped(found.stop)}, target {grouped(found.target or '')}"),
        ("future loses", loss(future.loss_at_stop, settle), f"{settle} at the stop, costs in"),
        (
            "option costs",
            loss(option.cost, settle),
            f"{settle}, the most it loses: {gain(option.unused)} unused",
        ),
        (
            "premium",
            grouped(option.premium),
            f"{option.premium_from}; {option.kind} {grouped(option.strike)}, {option.expiry_days} days",
        ),
        ("volatility", _share(option.volatility), solved or "a year"),
        ("delta", signed(option.delta), f"{future.base}, about; the future's is {grouped(future.quantity)}"),
        ("theta", signed(option.theta_day), f"{settle} a day, about"),
        ("funding", funding, f"{settle} that the future pays in {found.near_days} days"),
        ("future is even", grouped(future.break_even_price or "none"), "costs in"),
        (
            "option is even",
            grouped(option.break_even),
            f"at expiry; after {found.near_days} days about {near}",
        ),
        (
            "gap",
            grouped(found.gap_price or ""),
            f"takes {loss(found.gap_loss_future, settle)} with the future,"
            f" at most {loss(found.gap_loss_option, settle)} with the option",
        ),
        ("facts", found.as_of or "own", ""),
    ]


def _share(text: str) -> str:
    return f"{float(text):.2%}"
