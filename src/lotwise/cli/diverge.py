"""``lotwise diverge``: where a session and its backtest part, every cent under a name."""

from __future__ import annotations

import json
from dataclasses import asdict
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lotwise.cli.data import Folder, opened
from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError
from lotwise.units import cash_text, parse_cash

if TYPE_CHECKING:
    from lotwise.app.diverge import Divergence
    from lotwise.app.trade_config import TradeConfig

Flag = Annotated[bool, Parameter(negative="")]
NAMES = ("fee", "slippage", "funding", "missed", "timing")
ABOUT = {
    "fee": "other rates, or maker for taker",
    "slippage": "another price at the same moment",
    "funding": "charged or received",
    "missed": "trades and lots of one run alone",
    "timing": "entered or left at another moment",
}


def diverge(
    config: Path,
    /,
    *,
    equity: str = "1000",
    since: str = "",
    until: str = "",
    account: Flag = False,
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Play a session's strategy over stored bars as backtest and as paper, and name every cent between them.

    Parameters
    ----------
    config
        The session's file.
    equity
        Money that both begin with; of an account what it began with.
    since, until
        A day or a time, UTC; else all that the store has.
    account
        Compare the backtest with what the account at the venue really traded since then.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    output
        How to answer.
    """
    from lotwise.app.diverge import diverge as beside
    from lotwise.app.diverge_runs import as_backtest, in_process
    from lotwise.app.trade_config import load

    read, money = load(config), parse_cash(equity, "equity")
    if money <= 0:
        raise InputError("TRADE-140", f"the equity is {equity}", "give money above 0: --equity 1000")
    feed = _feed(read, opened(store), since, until)
    first = as_backtest(read, feed, money)
    if account:
        begins, ends = int(feed["time_ns"][0]), int(feed["time_ns"][-1]) + read.bar_ns
        second = [trip for trip in _traded(read) if begins <= trip.opened_ns < ends]
    else:
        second = in_process(read, feed, money)
    found = beside(first, second, read.bar_ns)
    names = ("backtest", f"{read.where} account" if account else "paper in process")
    if output.json:
        print(json.dumps(_facts(found, names), indent=2, ensure_ascii=False))
    elif output.quiet:
        print(cash_text(found.parts.total))
    else:
        _print(found, names, Screen(output))
    return 0


def _feed(config: TradeConfig, place: Any, since: str, until: str) -> Any:
    """The bars of the session's contracts, merged."""
    from lotwise.app.backtest_data import Span, load, wanted_of
    from lotwise.backtest.feed import merged
    from lotwise.cli.analyze import moment

    span = Span(moment(since, "since"), moment(until, "until"), config.bar_ns)
    words = [contract.id for contract in config.contracts]
    return merged([load(one, place, span, None, None).rows for one in wanted_of(words)])


def _traded(config: TradeConfig) -> Any:
    from lotwise.app.diverge_runs import trips_at
    from lotwise.app.trade_port import opened as port_of

    reached = port_of(config, environ)
    try:
        return trips_at(reached.port, config.contracts)
    finally:
        reached.close()


def _facts(found: Divergence, names: tuple[str, str]) -> dict[str, Any]:
    def money(parts: Any) -> dict[str, str]:
        return {name: cash_text(cash) for name, cash in asdict(parts).items()}

    return {
        "first": names[0],
        "second": names[1],
        "first_result": cash_text(found.first_cash),
        "second_result": cash_text(found.second_cash),
        "difference": cash_text(found.parts.total),
        "parts": money(found.parts),
        "trades": [
            {
                "contract": (pair.first or pair.second).contract,  # type: ignore[union-attr]
                "opened_ns": [trip.opened_ns if trip else None for trip in (pair.first, pair.second)],
                "result": [cash_text(trip.net_cash) if trip else None for trip in (pair.first, pair.second)],
                "parts": money(pair.parts),
            }
            for pair in found.pairs
        ],
    }


def _print(found: Divergence, names: tuple[str, str], screen: Screen) -> None:
    facts = _facts(found, names)
    same = sum(pair.parts.total == 0 and None not in (pair.first, pair.second) for pair in found.pairs)
    screen.headline(
        "●" if found.parts.total == 0 else "○",
        f"{facts['difference']} between {names[0]} and {names[1]}",
        f"{same} of {len(found.pairs)} trades are the same to the cent",
        good=found.parts.total == 0,
    )
    screen.line()
    screen.rows([(names[0], facts["first_result"], ""), (names[1], facts["second_result"], "")])
    screen.rows([(f"  {name}", facts["parts"][name], ABOUT[name]) for name in NAMES])
