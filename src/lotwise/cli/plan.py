"""``lotwise plan``: what a trade may risk now, and what is missing until it may risk more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from lotwise.app import plan as plans
from lotwise.app.plan import Standing
from lotwise.cli.plan_table import DEFAULT, money, simulated, table
from lotwise.cli.screen import Output, PipeConsole, Screen
from lotwise.clock import SystemClock
from lotwise.errors import InputError
from lotwise.kernel.layout import RATE
from lotwise.records.plan import GateSeen, Transition
from lotwise.scaling.example import EXAMPLE
from lotwise.units import Cash, cash_text, parse_cash

BAR = 20

family = App(
    name="plan",
    help="What a trade may risk, and what must be shown before it may risk more.",
    console=PipeConsole(),
)


@family.command
def init(path: Path = DEFAULT, /) -> int:
    """Write a commented plan to begin with.

    Parameters
    ----------
    path
        Where; a file that is there is left as it is.
    """
    if path.exists():
        raise InputError("PLAN-151", f"{path} is there already", "name another file, or edit it")
    path.write_text(EXAMPLE, encoding="utf-8")
    print(f"wrote {path}; next: lotwise plan check {path} --equity 1000")
    return 0


@family.command
def show(
    path: Path = DEFAULT,
    /,
    *,
    html: Path | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """What the plan allows now, its gates, and its next step.

    Parameters
    ----------
    path
        The plan's TOML.
    html
        Write a page with its pictures to this file as well: how it went, its gates, what moved and why.
    output
        How to answer.
    """
    if html is not None:
        page = plans.page_of(path, SystemClock())
        try:
            html.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InputError(
                "PLAN-163", f"{html} cannot be written: {error.strerror}", "name a file in a folder of yours"
            ) from error
    _tell(plans.standing(path, SystemClock()), output)
    return 0


@family.command
def check(
    path: Path = DEFAULT,
    /,
    *,
    equity: str | None = None,
    paper_equity: str | None = None,
    journal: str | None = None,
    live_account: str = "main",
    paper_account: str = "paper",
    price: str | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Tell the plan what the journal has since, and what it allows now. The first check begins the plan.

    Trades, their notes and transfers of the two accounts are told, each once. Trades in another coin than the
    plan's are passed over, and said.

    Parameters
    ----------
    path
        The plan's TOML.
    equity
        Equity of the live account now. The first check needs it; later it is counted from the journal, and
        given it corrects that count.
    paper_equity
        The same of the paper account; left out at the first check: as much.
    journal
        The journal's file or address.
    live_account
        The journal's name of the live account.
    paper_account
        The journal's name of the paper account.
    price
        Price of the contracts that the plan lists, now: which of them fit.
    output
        How to answer.
    """
    checked = plans.check(
        path,
        SystemClock(),
        equity_cash=None if equity is None else parse_cash(equity, "equity"),
        paper_cash=None if paper_equity is None else parse_cash(paper_equity, "paper equity"),
        journal=journal,
        accounts={"live": live_account, "paper": paper_account},
        price=price,
    )
    _tell(plans.standing(path, SystemClock()), output, checked.moved, checked.passed_over)
    return 0


@family.command
def back(path: Path = DEFAULT, /, *, reason: str = "", output: Output = Output()) -> int:  # noqa: B008
    """Go back a phase. Always possible; the way up is through the gate again.

    Parameters
    ----------
    path
        The plan's TOML.
    reason
        Why, for your later self.
    output
        How to answer.
    """
    moved = plans.step_back(path, SystemClock(), reason)
    _tell(plans.standing(path, SystemClock()), output, moved)
    return 0


@family.command
def transfer(
    path: Path = DEFAULT,
    /,
    *,
    amount: Annotated[str, Parameter(allow_leading_hyphen=True)],
    equity_before: str,
    of_reserve: Annotated[bool, Parameter(negative="")] = False,
    where: Literal["live", "paper"] = "live",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Money came or went: neither progress nor drawdown.

    Parameters
    ----------
    path
        The plan's TOML.
    amount
        What came; what went is below 0.
    equity_before
        Equity of the account just before.
    of_reserve
        It is of the money that the plan does not count on.
    where
        Of which account.
    output
        How to answer.
    """
    sign = -1 if amount.strip().startswith("-") else 1
    amount_cash = Cash(sign * parse_cash(amount.strip().removeprefix("-"), "amount"))
    before = parse_cash(equity_before, "equity before")
    moved = plans.transfer(path, SystemClock(), amount_cash, before, of_reserve=of_reserve, where=where)
    _tell(plans.standing(path, SystemClock()), output, moved)
    return 0


@family.command
def restart(path: Path = DEFAULT, /, *, yes: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Begin the plan anew at its first phase, with its present text; what was stays in its log.

    Parameters
    ----------
    path
        The plan's TOML.
    yes
        Without it nothing is done.
    """
    if not yes:
        raise InputError(
            "PLAN-152", "the plan would begin anew, at its first phase", f"lotwise plan restart {path} --yes"
        )
    plans.restart(path)
    print(f"{path} begins anew; next: lotwise plan check {path} --equity ...")
    return 0


family.command(table)
family.command(simulated, name="simulate")


def _tell(
    found: Standing,
    output: Output,
    moved: Sequence[Transition] = (),
    passed_over: Mapping[str, int] | None = None,
) -> None:
    """The plan as it stands."""
    if output.json:
        print(plans.standing_json(found, moved, passed_over))
        return
    limits = found.limits
    if output.quiet:
        print(cash_text(limits.risk_cash))
        return
    screen = Screen(output)
    screen.line()
    place = f"phase {found.number + 1} of {len(found.phases)} · {limits.where} · since {found.since}"
    screen.headline("●", limits.phase.upper(), f"{found.name}, {place}", good=limits.risk_cash > 0)
    for transition in moved:
        screen.paragraph(f"→ {transition.kind}: {transition.after or transition.before}; {transition.why}")
    for coin, count in sorted((passed_over or {}).items()):
        trades = "closed trade" if count == 1 else "closed trades"
        screen.paragraph(f"! passed over: {count} {trades} in {coin}; the plan counts in {found.coin}")
    screen.line()
    for number, (name, said) in enumerate(found.phases):
        mark = "●" if number < found.number else "◐" if number == found.number else "○"
        screen.line(f"  {mark} {number + 1}  {name:<18}  {said}", "dim" if number > found.number else "")
    screen.line()
    if found.gates:
        screen.line(f"  gates of {limits.phase}", "dim")
        labels = max(len(gate.name) for gate in found.gates)
        for gate in found.gates:
            screen.line(_gate_line(gate, labels))
        screen.line()
    rows = [
        ("at risk a trade", money(limits.risk_cash), found.said_of_risk),
        ("capital", money(limits.capital_cash), "what the plan counts on; the rest is reserve"),
    ]
    if limits.lots:
        rows.append(("lots", str(limits.lots), "most of a trade"))
    if limits.contracts:
        rows.append(("contracts", str(len(limits.contracts)), ", ".join(limits.contracts)))
    if limits.next_step_cash is not None:
        rows.append(("next step up", money(limits.next_step_cash), "equity"))
    if limits.next_fall_cash is not None:
        rows.append(("next step down", money(limits.next_fall_cash), "equity"))
    screen.rows(rows)
    screen.line()


def _gate_line(gate: GateSeen, labels: int) -> str:
    full = round(BAR * gate.share8 / RATE)
    mark = "✓" if gate.is_open else "·"
    bar = "█" * full + "░" * (BAR - full)
    return f"  {mark} {gate.name:<{labels}}  {bar}  {gate.found}  (asked: {gate.asked})"
