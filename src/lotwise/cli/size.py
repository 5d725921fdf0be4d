"""``lotwise size``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output
from lotwise.cli.size_told import tell
from lotwise.clock import Clock, SystemClock, utc_date
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.contracts.tiers import MarginTier
from lotwise.errors import InputError
from lotwise.sizing.funding import read_history
from lotwise.sizing.position import Position
from lotwise.sizing.size import size as size_trade
from lotwise.units import shown

REFUSED = 3
AUTO = "auto"
CLOCK: Clock = SystemClock()
"""What tells this face the day; a test stops it."""


def size(  # the options are the interface: cyclopts reads them from here
    symbol: str,
    /,
    *,
    entry: str,
    equity: str,
    stop: str | None = None,
    stop_pct: str | None = None,
    risk: str = "1%",
    side: Literal["long", "short", "buy", "sell"] | None = None,
    short: Annotated[bool, Parameter(negative="")] = False,
    venue: str | None = None,
    atr: str | None = None,
    leverage: str | None = None,
    max_leverage: str | None = None,
    margin: Literal["isolated", "cross"] = "isolated",
    entry_as: Literal["taker", "maker"] = "taker",
    maker: str | None = None,
    taker: str | None = None,
    spread: str = "0",
    slippage: str = "0",
    slippage_quantile: str | None = None,
    store: Path | None = None,
    funding_rate: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    hold_hours: str = "0",
    funding_interval: str | None = None,
    funding_csv: str | None = None,
    target: Annotated[list[str], Parameter(name=["--target", "--tp"], negative="")] = [],  # noqa: B006
    liq_multiple: str = "1.5",
    max_margin: str = "100%",
    free_margin: str | None = None,
    mark: str | None = None,
    other: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006
    what_if: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006
    initial_margin: str | None = None,
    tier: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006
    as_of: str | None = None,
    explain: Annotated[bool, Parameter(negative="")] = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Size a trade: the most whole lots whose loss at the stop, all costs in, fits the budget.

    Parameters
    ----------
    symbol
        BTCUSDT, binance:BTCUSDT or BTC/USDT.
    entry
        Entry price, or a ladder: 65000:30%,64500:40%,64000:30%.
    equity
        Money of the account.
    stop
        63700, 2%, 1.5atr (with --atr), or liquidation (with --leverage).
    stop_pct
        The stop as a percentage: --stop-pct 2 is --stop 2%.
    risk
        Share of the equity (1%) or money (10).
    side
        long (the default) or short.
    short
        Same as --side short.
    venue
        binance, binance-coinm, bybit, bybit-inverse, bingx, mexc, weex, cme or coinbase.
    atr
        Average true range, in the price's unit.
    leverage
        Leverage to use; left out: the lowest that funds the trade.
    max_leverage
        The most your plan allows.
    margin
        isolated or cross.
    entry_as
        maker where the entry order rests: its fee, and no entry spread.
    maker
        Your maker fee, e.g. 0.02%.
    taker
        Your taker fee, e.g. 0.05%.
    spread
        Full spread: 0.5, 5t (ticks) or 2bp.
    slippage
        Allowance at the stop: 0.5, 5t or 2bp; auto: measured in your own market data.
    slippage_quantile
        With auto: the share of measured stops that did no worse; 95% unless given.
    store
        With auto: the folder of the data; else LOTWISE_STORE, else lotwise/market in your data folder.
    funding_rate
        Rate per interval, e.g. 0.01%.
    hold_hours
        Planned hold.
    funding_interval
        Hours between fundings, where the catalogue does not know.
    funding_csv
        Past rates, oldest first, column rate: what 19 of 20 such holds would have paid.
    target
        66300, 2R or 3%, each with :50% for a part; comma-separated or repeated.
    liq_multiple
        Liquidation at least this many stop distances away.
    max_margin
        Share of the equity that may be margin.
    free_margin
        Money not in use elsewhere.
    mark
        Mark price, for the open loss a venue reserves.
    other
        Cross: another position as ETHUSDT,short,0.5,3000[,MARK].
    what_if
        Size it again as maker, as taker, or under other fees, e.g. 0.01%/0.03%.
    initial_margin
        Listed futures: what your broker asks per contract.
    tier
        A margin tier of your own as floor:cap:leverage:rate:cumulative, lowest first.
    as_of
        The rules of that day, e.g. 2025-09-01.
    explain
        Show the steps.
    output
        How to answer.
    """
    contract = find(symbol, venue, as_of)
    if initial_margin is not None:
        contract = contract.replace(initial_margin_per_contract=initial_margin)
    if tier:
        contract = contract.replace(tiers=[tier_of(text) for text in tier], max_leverage=None)
    way, wanted = side_of(side, short), _stop(stop, stop_pct)
    measured = None
    if slippage.strip().lower() == AUTO:
        from lotwise.app import slippage as data

        share = slippage_quantile or "95%"
        measured = data.measured(
            contract, entry=entry, stop=wanted, side=way, atr=atr, quantile=share, store=store
        )
    elif slippage_quantile is not None or store is not None:
        given = "--store" if slippage_quantile is None else "--slippage-quantile"
        raise InputError("SLIP-107", f"{given} with --slippage {slippage}", "add --slippage auto")
    plan = size_trade(
        contract,
        side=way,
        entry=entry,
        stop=wanted,
        equity=equity,
        risk=risk,
        atr=atr,
        entry_as=entry_as,
        fees=fees_of(contract, maker, taker),
        spread=spread,
        slippage=slippage if measured is None else measured.slippage,
        funding_rate=funding_rate,
        hold_hours=hold_hours,
        funding_interval_hours=funding_interval,
        funding_history=() if funding_csv is None else read_history(funding_csv),
        targets=[part for text in target for part in text.split(",")],
        margin=margin,
        leverage=leverage,
        max_leverage=max_leverage,
        liquidation_multiple=liq_multiple,
        max_margin=max_margin,
        free_margin=free_margin,
        mark=mark,
        others=positions_of(other, contract),
        what_if=what_if,
    )
    tell(plan, contract, output, explain=explain, measured=measured, today=_today())
    return 0 if plan.feasible else REFUSED


def find(symbol: str, venue: str | None, as_of: str | None) -> Contract:
    """The contract a person named; one that has expired only under the rules of an earlier day."""
    if venue is not None and ":" in symbol:
        raise InputError("USAGE-002", f"venue given twice: {symbol} and --venue {venue}", "give it once")
    contract = catalogue.load(symbol if venue is None else f"{venue}:{symbol}", as_of)
    if contract.expiry and as_of is None and contract.expiry[:10] < _today().isoformat():
        raise InputError(
            "CONTRACT-206",
            f"{contract.id} expired on {contract.expiry[:10]}",
            f"size {contract.base}{contract.quote} instead, or add --as-of {contract.as_of}",
        )
    return contract


def _today() -> date:
    return utc_date(CLOCK.now_ns())


def fees_of(contract: Contract, maker: str | None, taker: str | None) -> FeeSchedule | None:
    """Fees given on the command line over the contract's."""
    if maker is None and taker is None:
        return None
    known = contract.fees
    if known is None and (maker is None or taker is None):
        raise InputError(
            "USAGE-003", f"the fees of {contract.id} are unknown", "give both --maker and --taker"
        )
    return FeeSchedule(
        maker=maker if maker is not None or known is None else known.maker,  # type: ignore[arg-type]
        taker=taker if taker is not None or known is None else known.taker,  # type: ignore[arg-type]
    )


def side_of(side: str | None, short: bool) -> str:
    """The side a person named; two that differ are refused."""
    if short and side in ("long", "buy"):
        raise InputError("USAGE-008", f"--short and --side {side}", "give one of them")
    return "short" if short else side or "long"


def tier_of(text: str) -> MarginTier:
    """``floor:cap:leverage:rate:cumulative`` to a tier."""
    parts = text.split(":")
    if len(parts) != 5:
        raise InputError(
            "USAGE-006",
            f"--tier {shown(text)}",
            "write floor:cap:leverage:rate:cumulative, e.g. 0:300000:100:0.005:0",
        )
    return MarginTier(*parts)


def positions_of(texts: list[str], own: Contract) -> list[Position]:
    """``ETHUSDT,short,0.5,3000[,MARK]`` to positions on the contract's own venue."""
    found = []
    for text in texts:
        parts = [part.strip() for part in text.split(",")]
        if len(parts) not in (4, 5):
            raise InputError(
                "USAGE-004",
                f"--other {shown(text)}",
                "write ETHUSDT,short,0.5,3000 or with a mark at the end",
            )
        symbol, side, quantity, entry = parts[:4]
        contract = symbol if ":" in symbol else f"{own.venue}:{symbol}"
        mark = parts[4] if len(parts) == 5 else None
        found.append(Position(contract=contract, side=side, quantity=quantity, entry=entry, mark=mark))
    return found


def _stop(stop: str | None, stop_pct: str | None) -> str:
    if (stop is None) == (stop_pct is None):
        both = f"two stops: --stop {stop} and --stop-pct {stop_pct}"
        raise InputError(
            "USAGE-005",
            "a trade needs a stop" if stop is None else both,
            "give one of --stop 63700, --stop 2%, --stop-pct 2",
        )
    return stop if stop is not None else f"{(stop_pct or '').removesuffix('%')}%"
