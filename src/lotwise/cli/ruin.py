"""``lotwise ruin``: the odds of an account that trades whole lots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen, cost, loss
from lotwise.cli.size import REFUSED, fees_of, find, side_of
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import EQUITY_STEPS, FRACTION, TRADE_STEPS, PlanStepRow
from lotwise.sizing.question import Words, read_share
from lotwise.sizing.solve import Question, countable_rows_of
from lotwise.sizing.targets import read_targets
from lotwise.stats.ruin import Course, check_desk, walk
from lotwise.stats.ruin_answer import Chance, Quantiles, RuinAnswer, Rung, answer, percent
from lotwise.stats.rungs import Account, Desk, Odds, Sample
from lotwise.stats.trades import read_results8
from lotwise.units import Rate8, cash_text, grouped, parse_cash, parse_rate, percent_text, shown


def ruin(  # the options are the interface: cyclopts reads them from here
    symbol: str,
    /,
    *,
    entry: str,
    stop: str,
    equity: str,
    risk: str = "1%",
    win_rate: str | None = None,
    payoff: str | None = None,
    trades: Path | None = None,
    column: str = "r",
    gross: Annotated[bool, Parameter(negative="")] = False,
    block: int = 1,
    trades_ahead: int = 500,
    paths: int = 10_000,
    seed: int = 7,
    target: str | None = None,
    ruin_at: str = "50%",
    stretch: str = "1R",
    plan_step: str | None = None,
    plan_down: str | None = None,
    lot_after: int | None = None,
    side: Literal["long", "short", "buy", "sell"] | None = None,
    short: Annotated[bool, Parameter(negative="")] = False,
    venue: str | None = None,
    leverage: str | None = None,
    max_leverage: str | None = None,
    max_margin: str = "100%",
    entry_as: Literal["taker", "maker"] = "taker",
    maker: str | None = None,
    taker: str | None = None,
    spread: str = "0",
    slippage: str = "0",
    as_of: str | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """The odds of ruin, of being unable to trade, and of a target, with the whole lots that really fit.

    Every trade of every path is sized anew at its equity, as lotwise size does. Exit code 3 where nothing
    fits at the first equity.

    Parameters
    ----------
    symbol
        BTCUSDT, bybit:BTCUSDT or BTC/USDT.
    entry
        Entry price; it stays the same in every trade.
    stop
        Its stop: a price or a distance like 2%.
    equity
        Money of the account in the settle coin.
    risk
        Share of the equity (1%) or money (10).
    win_rate
        How often a trade wins, e.g. 45%, with --payoff.
    payoff
        The target in stop distances: 2 or 2R; costs come off.
    trades
        A CSV file of results in R instead, costs in, in the order they were made.
    column
        Its column.
    gross
        Its results are before costs: they come off.
    block
        So many results in a row are drawn together, where trades depend on each other.
    trades_ahead
        Trades of a path.
    paths
        Paths to walk.
    seed
        The same seed walks the same paths.
    target
        Equity at which a path ends well.
    ruin_at
        Equity at which it ends badly: 100 or 50%.
    stretch
        Take the smallest order although it exceeds the budget, up to so many R, e.g. 2R.
    plan_step
        Raise the money at risk in steps: when the equity is so much above the last step, e.g. 20%.
    plan_down
        Lower it a step when the equity has fallen so much from its peak, e.g. 10%.
    lot_after
        One lot more after so many winning trades, instead of --plan-step.
    side
        long (the default) or short.
    short
        Same as --side short.
    venue
        The venue, where the symbol does not name it.
    leverage
        Leverage to use; left out: the lowest that funds the trade.
    max_leverage
        The most your plan allows.
    max_margin
        Share of the equity that may be margin.
    entry_as
        maker where the entry order rests.
    maker
        Your maker fee, e.g. 0.02%.
    taker
        Your taker fee, e.g. 0.05%.
    spread
        Full spread: 0.5, 5t or 2bp.
    slippage
        Allowance at the stop.
    as_of
        The rules of that day.
    output
        How to answer.
    """
    contract = find(symbol, venue, as_of)
    words = Words(
        side=side_of(side, short),
        entry=entry,
        stop=stop,
        equity=equity,
        risk=risk,
        entry_as=entry_as,
        fees=fees_of(contract, maker, taker),
        spread=spread,
        slippage=slippage,
        leverage=leverage,
        max_leverage=max_leverage,
        max_margin=max_margin,
    )
    question = words.on(contract)
    desk = Desk(*countable_rows_of(question))
    check_desk(desk)
    source, said = source_of(
        question, win_rate, payoff, trades=trades, column=column, gross=gross, block=block
    )
    account = _account(question, ruin_at, target, stretch=stretch, max_margin=max_margin)
    plan = _plan(question, plan_step, plan_down, lot_after)
    course = Course(trades_ahead, paths, seed)
    found = answer(
        walk(desk, source, account, plan, course),
        contract,
        source,
        account,
        plan,
        course=course,
        results=said,
    )
    if output.json:
        print(found.to_json())
    elif output.quiet:
        print(found.ruin.share)
    else:
        _print(found, contract, Screen(output))
    return 0 if found.tradable else REFUSED


def source_of(
    question: Question,
    win_rate: str | None,
    payoff: str | None,
    *,
    trades: Path | None,
    column: str,
    gross: bool,
    block: int,
) -> tuple[Odds | Sample, str]:
    """What every trade draws from, and its words."""
    if (trades is None) == (win_rate is None and payoff is None) or (win_rate is None) != (payoff is None):
        raise InputError(
            "RUIN-104",
            "results come from a file or from a win rate with a payoff",
            "give --trades FILE.csv, or --win-rate 45% --payoff 2",
        )
    if trades is not None:
        results = read_results8(trades, column)
        said = f"{len(results):,} trades of {trades.name}"
        said += f", drawn {block} in a row" if block > 1 else ""
        return Sample(tuple(results), block, gross), said + (", costs added" if gross else "")
    assert win_rate is not None
    assert payoff is not None
    if gross or block != 1:
        raise InputError("RUIN-104", "--gross and --block belong to --trades", "leave them out")
    share = parse_rate(win_rate, "win rate")
    if not 0 <= share <= RATE:
        raise InputError("RUIN-102", f"the win rate is {shown(win_rate)}", "use 0% to 100%, e.g. 45%")
    multiple = payoff.strip().upper().removesuffix("R")
    reward8 = parse_rate(multiple, "payoff")
    if not 0 < reward8 <= 1000 * RATE:
        raise InputError("RUIN-103", f"the payoff is {shown(payoff)}", "use above 0 up to 1000, e.g. 2")
    intent = question.intent
    (goal,) = read_targets(
        question.contract, intent.side, intent.entries, intent.stop_ticks, targets=[f"{multiple}R"]
    )
    return Odds(share, goal.price_ticks), f"a win rate of {percent_text(share)} at {multiple} R before costs"


def _account(
    question: Question, ruin_at: str, target: str | None, *, stretch: str, max_margin: str
) -> Account:
    equity = question.account.equity_cash
    text = ruin_at.strip()
    by_share = text.endswith("%")
    line = equity * parse_rate(text, "ruin_at") // RATE if by_share else parse_cash(text, "ruin_at")
    goal = 0 if target is None else parse_cash(target, "target")
    if target is not None and goal <= equity:
        raise InputError(
            "RUIN-107", f"the target is {target}, the equity {cash_text(equity)}", "aim above the equity"
        )
    return Account(
        equity_cash=equity,
        ruin_cash=line,
        target_cash=goal,
        risk_cash=question.limits.risk_cash,
        stretch8=parse_rate(stretch.strip().upper().removesuffix("R"), "stretch"),
        margin_share8=read_share(max_margin),
    )


def _plan(question: Question, step: str | None, down: str | None, lot_after: int | None) -> PlanStepRow:
    """The plan's steps; without any, always the same share or money."""
    if step is None and lot_after is None and down is None:
        return PlanStepRow(kind=FRACTION, risk_share8=question.limits.risk8 or RATE)
    if not question.limits.risk8:
        raise InputError("RUIN-110", "a plan with money at risk", "give the risk as a share, e.g. 1%")
    if (step is None) == (lot_after is None):
        raise InputError(
            "RUIN-110", "a plan steps by equity or by winning trades", "give --plan-step or --lot-after"
        )
    if lot_after is not None and lot_after < 1:
        raise InputError("RUIN-110", f"a lot more after {lot_after} trades", "use 1 or more")
    rise = Rate8(0) if step is None else parse_rate(step, "plan step")
    if step is not None and rise <= 0:
        raise InputError("RUIN-110", f"a step up of {shown(step)}", "use above 0 %, e.g. 20%")
    return PlanStepRow(
        kind=TRADE_STEPS if step is None else EQUITY_STEPS,
        risk_share8=question.limits.risk8,
        step_share8=rise,
        step_trades=lot_after or 0,
        down_share8=Rate8(0) if down is None else parse_rate(down, "plan down"),
    )


def _print(found: RuinAnswer, contract: Contract, screen: Screen) -> None:
    about = f"{found.contract} {found.side}, {found.paths:,} paths of {found.trades_ahead:,} trades"
    screen.line()
    if found.tradable:
        calm = float(found.ruin.share) + float(found.stuck.share) < 0.05
        screen.headline("●" if calm else "■", f"{percent(found.ruin.share)} RUINED", about, good=calm)
    else:
        screen.headline("■", "NO TRADE", about, good=False)
    screen.line()
    screen.paragraph(found.summary)
    screen.line()
    if found.tradable:
        _print_odds(found, screen)
        _print_quantiles(found, screen)
    _print_ladder(found, contract, screen)
    for warning in found.warnings:
        screen.paragraph(f"! {warning}", hanging="    ", style="yellow")
    screen.line()


def _print_odds(found: RuinAnswer, screen: Screen) -> None:
    def row(label: str, chance: Chance, note: str) -> tuple[str, str, str]:
        return label, percent(chance.share), f"{percent(chance.low)} to {percent(chance.high)}{note}"

    rows = [
        row("ruined", found.ruin, f", at {grouped(found.ruin_at)} {found.settle} or below"),
        row("cannot trade", found.stuck, ", the smallest order no longer fits"),
    ]
    if found.reached is not None and found.target is not None:
        rows.append(row("at the target", found.reached, f", {grouped(found.target)} {found.settle}"))
    rows.append(row("still trading", found.going, ""))
    rows.append(row("ruined, ideal lots", found.ideal_ruin, ", were any fraction of a lot tradable"))
    if found.ideal_reached is not None:
        rows.append(row("at target, ideal lots", found.ideal_reached, ""))
    kelly = "" if found.kelly is None else percent(found.kelly)
    now = f"the first trade risks {percent(found.now.real_risk)}, {found.now.r} R of the budget"
    rows += [
        ("results", found.expectancy_r, f"R a trade, costs in: {found.results}"),
        ("Kelly", kelly, f"of the equity at risk grows fastest; {now}"),
    ]
    screen.rows(rows)
    screen.line()


def _print_quantiles(found: RuinAnswer, screen: Screen) -> None:
    def cells(label: str, told: Quantiles | None, kind: str) -> tuple[str, ...]:
        if told is None:
            return ()
        values = (told.p5, told.p25, told.p50, told.p75, told.p95)
        if kind == "cash":
            return (label, *(cost(value, found.settle) or "0.00" for value in values))
        return (label, *(percent(value) if kind == "share" else grouped(value) for value in values))

    listed = (
        cells("equity at the end", found.final_equity, "cash"),
        cells("  in ideal lots", found.ideal_final_equity, "cash"),
        cells("deepest fall", found.drawdown, "share"),
        cells("trades to the target", found.trades_to_target, "count"),
        cells("trades to ruin", found.trades_to_ruin, "count"),
    )
    header = ("of the paths", "5 %", "25 %", "half", "75 %", "95 %")
    screen.table(header, [row for row in listed if row], drop=("25 %", "75 %"))
    screen.line()


def _print_ladder(found: RuinAnswer, contract: Contract, screen: Screen) -> None:
    def cells(rung: Rung) -> tuple[str, ...]:
        return (
            grouped(rung.equity),
            cost(rung.budget, found.settle) or "0.00",
            f"{grouped(rung.quantity)} {contract.quantity_unit}" if rung.lots else "–",
            loss(rung.loss_at_stop, found.settle) if rung.lots else "–",
            percent(rung.real_risk) if rung.lots else "–",
            rung.r or "–",
            rung.smallest_r,
        )

    header = ("equity", "budget", "quantity", "loss", "real risk", "R", "smallest R")
    screen.table(header, [cells(rung) for rung in found.ladder], drop=("budget", "loss"))
    screen.line()
