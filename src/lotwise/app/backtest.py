"""A backtest from words to its report: data, rules of the day, strategy, plan, both bounds, look-ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.app.backtest_data import Loaded, Span, Wanted, load, together
from lotwise.backtest.bounds import Bounds, bounds_of
from lotwise.backtest.chapters import Facts
from lotwise.backtest.lookahead import LookAhead, look_ahead
from lotwise.backtest.measure import Measured, measured
from lotwise.backtest.recorded import has_columns, recorded
from lotwise.backtest.report import About, Report, report_of
from lotwise.backtest.returns import daily, write_returns, write_rows
from lotwise.backtest.run import Plan
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.market.check import at_time, lasting
from lotwise.market.store import Store
from lotwise.strategy.portfolio import PortfolioStrategy, in_columns, seats
from lotwise.units import cash_text, percent_text, scaled_text

if TYPE_CHECKING:
    Rows = Any

CUTS_ASKED: Final = 4
"""Cuts of a long run that is asked at every bar: each asks it again."""
LONG: Final = 100_000
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What is to be played."""

    strategy: Any
    name: str
    data: Sequence[Wanted]
    plan: Plan
    span: Span = field(default_factory=Span)
    fees: FeeSchedule | None = None
    as_of: str | None = None
    form: str = "auto"
    """``auto``: in columns where it has them; ``class``: asked at every bar."""
    check: bool = True
    """Whether to look for look-ahead."""
    limits: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Backtest:
    """A run, its feed, and what it comes to."""

    report: Report
    found: Measured
    bounds: Bounds
    look: LookAhead | None
    feed: Rows

    def html(self) -> str:
        """One page that holds everything: no script, nothing loaded."""
        from lotwise.backtest.page import page_of

        return page_of(self.report, self.found, self.feed)

    def _repr_html_(self) -> str:
        """Figures, equity and results in R, for a notebook."""
        from lotwise.backtest.page import shown

        return shown(self.report, self.found)

    def write_trades(self, path: Path) -> None:
        """A CSV file of all trades; its column ``r`` is what ``lotwise ruin --trades`` reads.

        Raises
        ------
        InputError
            BACKTEST-212.
        """
        write_rows(path, TRADE_COLUMNS, list(trade_rows(self.found)))

    def write_returns(self, path: Path) -> None:
        """A CSV file of daily returns.

        Raises
        ------
        InputError
            BACKTEST-212.
        """
        write_returns(path, daily(self.found.times_ns, self.found.equity_cash))


def run(asked: Asked, store: Store, tell: Tell = lambda _: None) -> Backtest:
    """Play it.

    Parameters
    ----------
    tell
        Is told what is being done.

    Raises
    ------
    InputError
        BACKTEST-1xx and -2xx, SIGNAL-1xx, DATA-xxx, CONTRACT-2xx, BROKER-10x.
    """
    from lotwise.backtest.feed import merged

    loaded = []
    for one in asked.data:
        tell(f"reading {one.name}")
        loaded.append(load(one, store, asked.span, asked.fees, asked.as_of))
    contracts = [one.contract for one in loaded]
    settle = one_coin(contracts)
    feed = merged([one.rows for one in loaded])
    cast = _cast(asked, contracts)
    tell(f"playing {len(feed):,} bars")
    said = recorded(cast(feed), contracts, feed, asked.plan)
    found = measured(said.play(contracts, feed, asked.plan), feed)
    tell("playing the other order of each bar's extremes")
    fine = {number: one.fine for number, one in enumerate(loaded) if one.fine is not None}
    assumed = asked.plan.assumed
    exact = not assumed.slippage_range8 and not assumed.volume_share8
    steps = {one.step_ns for one in loaded}
    bounds = bounds_of(
        said,
        contracts,
        feed,
        asked.plan,
        also=[assumed.path],
        fine=fine if exact and len(steps) == 1 else None,
        step_ns=min(steps),
    )
    look = None
    if asked.check:
        tell("cutting the data off to look for look-ahead")
        cuts = {} if said.in_columns or len(feed) <= LONG else {"cuts": CUTS_ASKED}
        look = look_ahead(cast, contracts, feed, asked.plan, said=said, **cuts)
    about = About(
        strategy=asked.name,
        form="columns" if said.in_columns else "class",
        contracts=[_contract_facts(one) for one in loaded],
        account=_account_facts(asked, settle),
        settle=settle,
        warnings=together([(one.contract.id, text) for one in loaded for text in one.warnings]),
    )
    tell("measuring")
    return Backtest(report_of(found, about, bounds, look), found, bounds, look, feed)


def one_coin(contracts: Sequence[Contract]) -> str:
    """The coin that all of them settle in.

    Raises
    ------
    InputError
        BACKTEST-207 there are several.
    """
    coins = sorted({contract.settle for contract in contracts})
    if len(coins) > 1:
        raise InputError(
            "BACKTEST-207",
            f"the contracts settle in {' and '.join(coins)}; an account has one coin",
            "play those of each coin on their own",
        )
    return coins[0]


def _cast(asked: Asked, contracts: Sequence[Contract]) -> Callable[[Rows], Sequence[Any]]:
    """What makes a strategy for each contract, from the data that there is."""
    from lotwise.backtest.feed import columns_of

    strategy: Any = asked.strategy
    columns = has_columns(strategy) and asked.form == "auto"

    def cast(feed: Rows) -> Sequence[Any]:
        if isinstance(strategy, PortfolioStrategy):
            if not columns:
                return seats(strategy, contracts)
            shown = [columns for columns, _ in columns_of(contracts, feed)]
            whole: Any = strategy
            return in_columns(whole, shown)
        return [strategy if columns else _Class(strategy)] * len(contracts)

    return cast


class _Class:
    """A strategy without its array form: asked at every bar."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if name in ("signals", "__deepcopy__", "_inner"):
            raise AttributeError(name)
        return getattr(self._inner, name)


def _contract_facts(one: Loaded) -> Facts:
    opened, closed = int(one.rows["open_ticks"][0]), int(one.rows["close_ticks"][-1])
    fees = one.contract.fees
    return {
        "id": one.contract.id,
        "bars": len(one.rows),
        "bar": lasting(one.step_ns),
        "first": at_time(int(one.rows["time_ns"][0])),
        "last": at_time(int(one.rows["time_ns"][-1]) + one.step_ns),
        "change_percent": round(100 * (closed - opened) / opened, 2),
        "tick_size": str(one.contract.tick_size),
        "lot_size": str(one.contract.lot_size),
        "maker": str(fees.maker) if fees else None,
        "taker": str(fees.taker) if fees else None,
        "facts_as_of": one.facts_as_of,
        "fundings": one.fundings,
    }


def _account_facts(asked: Asked, settle: str) -> Facts:
    plan = asked.plan
    return {
        "equity": f"{cash_text(plan.equity_cash)} {settle}",
        "risk": percent_text(plan.risk8),
        "leverage": f"{scaled_text(plan.leverage100, 2)}x",
        "margin": "isolated" if plan.isolated else "cross",
        "limits": ", ".join(f"{name}={value}" for name, value in asked.limits.items()) or "none",
    }


# -- the list of trades ----------------------------------------------------------------------------

TRADE_COLUMNS: Final = (
    "opened",
    "closed",
    "contract",
    "side",
    "quantity",
    "entry",
    "exit",
    "first_stop",
    "result",
    "r",
    "risk",
    "budget",
    "move",
    "fees",
    "funding",
    "insurance",
    "mae_r",
    "mfe_r",
    "mae_ticks",
    "mfe_ticks",
    "ambiguous_bars",
    "liquidated",
    "reason",
)


def trade_rows(found: Measured) -> Any:
    """Every trade as texts, in the order of :data:`TRADE_COLUMNS`; prices are means to 8 decimals."""
    trades, contracts, reasons = found.trades, found.played.contracts, found.played.reasons
    for i in range(len(trades)):
        contract = contracts[int(trades.contract[i])]
        unit, tick8 = int(trades.unit_cash[i]), contract.scales.tick_size8
        entry, out = (int(column[i]) * tick8 // unit for column in (trades.entry_cash, trades.exit_cash))
        signal = int(trades.signal[i])
        money = (trades.result_cash, trades.risk_cash, trades.budget_cash, trades.move_cash)
        costs = (trades.fees_cash, trades.funding_cash, trades.insurance_cash)
        result, risk, budget, move = (cash_text(int(column[i])) for column in money)
        yield (
            at_time(int(trades.opened_ns[i])),
            at_time(int(trades.closed_ns[i])),
            contract.id,
            "long" if trades.side[i] > 0 else "short",
            contract.quantity_text(int(trades.lots[i])),
            scaled_text(entry),
            scaled_text(out),
            contract.price_text(int(trades.stop_ticks[i])),
            result,
            scaled_text(trades.r8(i)),
            risk,
            budget,
            move,
            *(cash_text(int(column[i])) for column in costs),
            f"{trades.mae_r[i]:.4f}",
            f"{trades.mfe_r[i]:.4f}",
            str(int(trades.mae_ticks[i])),
            str(int(trades.mfe_ticks[i])),
            str(int(trades.ambiguous[i])),
            "yes" if trades.liquidated[i] else "no",
            reasons[signal] if 0 <= signal < len(reasons) else "",
        )
