"""``lotwise plan table`` and ``simulate``: what steps of the equity are worth, and how long they may take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cyclopts import Parameter

from lotwise.app import plan as plans
from lotwise.cli.ruin import source_of
from lotwise.cli.screen import Output, Screen, cost
from lotwise.cli.size import fees_of, find, side_of
from lotwise.contracts.contract import Contract
from lotwise.scaling.config import load_plan
from lotwise.scaling.progression import equities, progression
from lotwise.scaling.simulate import Course, PhaseReached, Simulated, simulate
from lotwise.sizing.question import Words
from lotwise.sizing.solve import countable_rows_of
from lotwise.stats.ruin import check_desk
from lotwise.stats.rungs import Desk
from lotwise.units import Cash, cash_text, grouped, parse_cash, parse_rate, shown_down

DEFAULT: Final = Path("plan.toml")


def table(
    symbol: str,
    /,
    *,
    entry: str,
    stop: str,
    equity: str,
    risk: str = "1%",
    up: str = "20%",
    steps: int = 8,
    at: str | None = None,
    side: Literal["long", "short", "buy", "sell"] | None = None,
    venue: str | None = None,
    free: Annotated[bool, Parameter(negative="")] = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """What each step of the equity is worth: money at risk, notional, and the size that fits.

    Parameters
    ----------
    symbol
        BTCUSDT, bybit:BTCUSDT or BTC/USDT.
    entry
        Entry price.
    stop
        Its stop: a price or a distance like 2%.
    equity
        Equity of the first step.
    risk
        Share at risk.
    up
        A step is so much more equity.
    steps
        How many.
    at
        Equities of your own instead, e.g. 1000,1150,1400.
    side
        long (the default) or short.
    venue
        The venue, where the symbol does not name it.
    free
        Leave costs out: the arithmetic of a guide, not of a venue.
    output
        How to answer.
    """
    contract = find(symbol, venue, None)
    start = parse_cash(equity, "equity")
    own = [parse_cash(part.strip(), "at") for part in at.split(",")] if at else None
    rows = progression(
        contract,
        own or equities(start, parse_rate(up, "up"), steps),
        risk8=parse_rate(risk, "risk"),
        entry=entry,
        stop=stop,
        side=side_of(side, False),
        free=free,
    )
    if output.json:
        told = [
            {
                "equity": cash_text(row.equity_cash),
                "risk": cash_text(row.risk_cash),
                "notional": cash_text(row.notional_cash),
                "quantity": row.plan.quantity,
                "lots": row.plan.lots,
                "loss_at_stop": row.plan.loss_at_stop,
            }
            for row in rows
        ]
        print(msgspec.json.encode({"contract": contract.id, "steps": told}).decode())
        return 0
    screen = Screen(output)
    screen.line()
    screen.table(
        ("equity", "risk", "notional", "quantity", "loss at stop"),
        [
            (
                money(row.equity_cash),
                money(row.risk_cash),
                grouped(cash_text(row.notional_cash).split(".")[0]),
                f"{grouped(row.plan.quantity)} {contract.quantity_unit}"
                if row.plan.feasible
                else "does not fit",
                cost(row.plan.loss_at_stop) or "–",
            )
            for row in rows
        ],
        drop=("loss at stop",),
    )
    screen.line()
    screen.paragraph("Costs are left out." if free else "The loss at the stop has its costs in.", style="dim")
    screen.line()
    return 0


def simulated(
    symbol: str,
    /,
    *,
    entry: str,
    stop: str,
    equity: str,
    plan: Path = DEFAULT,
    win_rate: str | None = None,
    payoff: str | None = None,
    trades: Path | None = None,
    column: str = "r",
    block: int = 1,
    months: int = 12,
    trades_a_month: int = 20,
    paths: int = 200,
    seed: int = 7,
    breaches: str | None = None,
    side: Literal["long", "short", "buy", "sell"] | None = None,
    venue: str | None = None,
    taker: str | None = None,
    spread: str = "0",
    slippage: str = "0",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Walk a plan with drawn trades of whole lots: how many paths come to which phase, and when.

    Parameters
    ----------
    symbol
        BTCUSDT, bybit:BTCUSDT or BTC/USDT.
    entry
        Entry price; it stays the same in every trade.
    stop
        Its stop: a price or a distance like 2%.
    equity
        Equity of the live account; the paper account begins with as much.
    plan
        The plan's TOML.
    win_rate
        How often a trade wins, e.g. 45%, with --payoff.
    payoff
        The target in stop distances: 2 or 2R; costs come off.
    trades
        A CSV file of results in R instead, costs in, in the order they were made.
    column
        Its column.
    block
        So many results in a row are drawn together.
    months
        How far.
    trades_a_month
        How often.
    paths
        Paths to walk.
    seed
        The same seed walks the same paths.
    breaches
        How often a trade breaks a rule, e.g. 2%.
    side
        long (the default) or short.
    venue
        The venue, where the symbol does not name it.
    taker
        Your taker fee, e.g. 0.05%.
    spread
        Full spread: 0.5, 5t or 2bp.
    slippage
        Allowance at the stop.
    output
        How to answer.
    """
    config = load_plan(plan)
    contract = find(symbol, venue, None)
    words = Words(
        side=side_of(side, False),
        entry=entry,
        stop=stop,
        equity=equity,
        risk="1%",
        fees=fees_of(contract, None, taker),
        spread=spread,
        slippage=slippage,
    )
    question = words.on(contract)
    desk = Desk(*countable_rows_of(question))
    check_desk(desk)
    source, said = source_of(
        question, win_rate, payoff, trades=trades, column=column, gross=False, block=block
    )
    course = Course(months, trades_a_month, paths, seed, parse_rate(breaches, "breaches") if breaches else 0)
    found = simulate(config, desk, source, parse_cash(equity, "equity"), course, plans.progress(output.json))
    if output.json:
        print(plans.simulated_json(found))
    else:
        _print_paths(found, contract, said, course, Screen(output))
    return 0


def _print_paths(found: Simulated, contract: Contract, said: str, course: Course, screen: Screen) -> None:
    screen.line()
    last = found.phases[-1]
    about = f"{contract.symbol}, {said}; {course.trades_a_month} trades a month for {course.months} months"
    screen.headline("●", f"{_of(last.reached, found.paths)} REACH {last.name.upper()}", about, good=True)
    screen.line()

    def cells(phase: PhaseReached) -> tuple[str, ...]:
        months = ("–", "–", "–") if phase.months is None else tuple(f"{value:.1f}" for value in phase.months)
        return (phase.name, _of(phase.reached, found.paths), _of(phase.is_end, found.paths), *months)

    screen.table(
        ("phase", "reached", "there at the end", "months: a quarter", "half", "three quarters"),
        [cells(phase) for phase in found.phases],
        drop=("months: a quarter", "three quarters"),
    )
    screen.line()
    header = ("of the paths", "5 %", "25 %", "half", "75 %", "95 %")
    screen.table(
        header,
        [
            ("live equity at the end", *(money(cash) for cash in found.equity_cash)),
            ("at risk a trade", *(money(cash) for cash in found.risk_cash)),
        ],
        drop=("25 %", "75 %"),
    )
    screen.line()
    screen.rows(
        [
            ("ruined", _of(found.ruined, found.paths), "half of the live account is gone"),
            ("stuck", _of(found.stuck, found.paths), "the smallest order is beyond the money at risk"),
            ("steps", f"{found.step_ups} up, {found.step_downs} down", f"{found.locks} pauses, in all paths"),
        ]
    )
    screen.line()


def money(cash: Cash) -> str:
    """To the cent, rounded down: what may be risked or is there, never more."""
    return grouped(shown_down(cash_text(cash), 2))


def _of(count: int, paths: int) -> str:
    return f"{count / paths:.0%}"
