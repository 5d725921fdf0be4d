"""``lotwise.scan``: one setup asked of the whole catalogue, by the compiled rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from lotwise.contracts.bounds import MAX_NOTIONAL_CASH
from lotwise.errors import InputError
from lotwise.kernel.layout import RATE, PlanRow
from lotwise.records.scan import Quote, ScanAnswer
from lotwise.sizing import ask
from lotwise.sizing.listing import Setup, found_on, listing_of, quote_of
from lotwise.sizing.question import read_multiple, read_share
from lotwise.sizing.quotes import checked_quote
from lotwise.sizing.scan_row import row_of
from lotwise.sizing.screens import SORTS, notes_of, screens_of
from lotwise.units import Number, Rate8, cash_text, parse_rate, parse_scaled, scaled_text, shown

MOST_ATRS8: Final = 1_000 * RATE
"""Farthest stop in ATRs; more is a slip."""
MOST_HOURS: Final = 8_760
"""Longest hold, a year."""


def scan(
    *,
    equity: Number,
    risk: Number = "1%",
    stop: Number = "2%",
    side: str = "long",
    quotes: Mapping[str, Quote] | None = None,
    venues: str | Sequence[str] = (),
    coins: str | Sequence[str] = (),
    sectors: str | Sequence[str] = (),
    entry_as: Literal["taker", "maker"] = "taker",
    spread: Number = "0%",
    slippage: Number = "0%",
    hold_hours: Number = "0",
    max_leverage: Number | None = None,
    liquidation_multiple: Number = "1.5",
    max_margin: Number = "100%",
    max_spread: Number | None = None,
    min_volume: Number | None = None,
    min_open_interest: Number | None = None,
    max_funding: Number | None = None,
    only_fitting: bool = False,
    sort: str = "waste",
    as_of: str | None = None,
    today: str | None = None,
    compiled: bool = True,
) -> ScanAnswer:
    """What one setup comes to on every contract of the catalogue.

    Parameters
    ----------
    equity, risk
        Money of the account in dollars (USDT, USDC and USD count alike; of an inverse contract
        the coins it buys at the price), and the share of it or the amount to risk.
    stop
        ``"2%"``, or ``"1.5atr"`` where the quotes have an ATR.
    quotes
        Prices by contract id, or by coin for its contracts that do not expire. ``None``: the
        catalogue's dated reference prices. A contract without any is listed as such.
    venues, coins, sectors
        Only these: lists, or text with commas.
    spread, slippage
        Shares of the price (``"2bp"``); a quote's own spread goes first.
    hold_hours
        Planned hold; funding is counted where the quote has a rate and the interval is known.
    max_spread, min_volume, min_open_interest, max_funding
        Screens: ``"5bp"``, money, money, ``"0.03%"``; a contract whose figure is unknown does not
        pass.
    sort
        One of :data:`SORTS`.
    as_of, today
        The rules of that day, ``"2025-09-01"``; contracts that expired before ``today`` are left out.
    compiled
        False runs the same rules as plain Python.

    Raises
    ------
    InputError
        SCAN-004, SCAN-010 to SCAN-014, SIZE-003, SIZE-006, SIZE-009 to SIZE-011, SIZE-014,
        SIZE-018, SIZE-019, UNIT-1xx.

    Examples
    --------
    >>> found = scan(equity="500", coins=["BTC"], venues=["binance"], compiled=False,
    ...              quotes={"BTC": Quote(price="60000", at="2026-11-22", source="own")})
    >>> [(row.contract, row.quantity, row.loss_at_stop) for row in found.rows]
    [('binance:BTCUSDT', '0.003', '3.7782')]
    """
    setup = read_setup(
        equity,
        risk,
        stop,
        side,
        entry_as,
        spread,
        slippage,
        hold_hours,
        max_leverage,
        liquidation_multiple,
        max_margin,
    )
    if str(sort) not in SORTS:
        raise InputError("SCAN-010", f"sort is {shown(sort)}", f"use one of {', '.join(SORTS)}")
    listing = listing_of(
        _day(as_of, "as_of"),
        names_of(venues, "venues"),
        names_of(coins, "coins"),
        names_of(sectors, "sectors"),
        today=_day(today, "today"),
    )
    keyed = None if quotes is None else _keyed(quotes)
    given = [quote_of(contract, keyed, as_of) for contract in listing.contracts]
    if setup.plan.atr_multiple8 and not any(quote and quote.atr for quote in given):
        raise InputError(
            "SCAN-011", f"stop is {shown(stop)}, but no price comes with an ATR", "add a column atr"
        )
    found = found_on(listing, setup, given, compiled)
    screen = screens_of(max_spread, min_volume, min_open_interest, max_funding)
    rows = []
    for contract, quote, row in zip(listing.contracts, given, found, strict=True):
        if (not only_fitting or row.lots) and screen(quote):
            rows.append(row_of(contract, setup, quote, row))
    rows.sort(key=SORTS[sort])
    return ScanAnswer(
        side=ask.side_text(setup.side),
        equity=cash_text(setup.plan.equity_cash),
        risk=str(risk),
        stop=str(stop),
        contracts=len(listing.contracts),
        priced=sum(quote is not None for quote in given),
        fitting=sum(row.lots > 0 for row in found),
        rows=rows,
        notes=notes_of(listing.contracts, rows, held=setup.is_held),
    )


def _keyed(quotes: object) -> dict[str, Quote]:
    """Checked quotes by contract id or coin in capitals."""
    if not isinstance(quotes, Mapping) or not all(
        isinstance(key, str) and isinstance(quote, Quote) for key, quote in quotes.items()
    ):
        raise InputError("SCAN-014", f"quotes is {shown(quotes)}", 'give {"BTC": Quote(price=...)}')
    return {key.upper(): checked_quote(quote) for key, quote in quotes.items()}


def _day(value: object, name: str) -> str | None:
    """A day as text, or nothing; the catalogue checks that it is one."""
    if value is None or isinstance(value, str):
        return value
    raise InputError("SCAN-014", f"{name} is {shown(value)}: not a day", f'write {name} as "2025-09-01"')


def names_of(value: object, name: str) -> tuple[str, ...]:
    """Names from a list or from text with commas.

    Raises
    ------
    InputError
        SCAN-014 neither of them.
    """
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)) or not all(isinstance(one, str) for one in listed):
        raise InputError("SCAN-014", f"{name} is {shown(value)}", f'give {name} as ["BTC"] or "BTC,ETH"')
    return tuple(one.strip() for one in listed)


def read_setup(
    equity: Number,
    risk: Number,
    stop: Number,
    side: str,
    entry_as: str,
    spread: Number,
    slippage: Number,
    hold_hours: Number,
    max_leverage: Number | None,
    liquidation_multiple: Number,
    max_margin: Number,
) -> Setup:
    """The setup in integers.

    Raises
    ------
    InputError
        SCAN-011 a stop that is no distance; SCAN-012 costs that are no share; and those of the values.
    """
    owned = ask.read_equity(equity)
    risk8, risk_cash = ask.read_risk(risk, owned)
    way = ask.read_side(side)
    if entry_as not in ("taker", "maker"):
        raise InputError("SIZE-018", f"entry_as is {shown(entry_as)}", "use taker or maker")
    text = str(stop).strip().lower()
    share8, atr8 = 0, 0
    if text.endswith("atr"):
        atr8 = parse_rate(text[:-3].rstrip() or "1", "stop")
    elif text.endswith(("%", "bp")):
        share8 = ask.distance8_of(parse_rate(text, "stop"))
    if share8 <= 0 and not 0 < atr8 <= MOST_ATRS8:
        raise InputError("SCAN-011", f"stop is {shown(stop)}: no distance", "use a share like 2% or 1.5atr")
    plan = PlanRow(
        atr_multiple8=atr8,
        entry_takes=int(entry_as == "taker"),
        equity_cash=owned,
        largest_notional_cash=MAX_NOTIONAL_CASH,
        liquidation_multiple8=read_multiple(liquidation_multiple),
        margin_share8=read_share(max_margin),
        max_leverage100=_plan_leverage(max_leverage),
        risk8=risk8,
        risk_cash=risk_cash,
        side=way,
        slippage_share8=_share(slippage, "slippage"),
        spread_share8=_share(spread, "spread"),
        stop_share8=share8,
    )
    return Setup(plan, _hold(hold_hours), way)


def _hold(hours: Number) -> Number:
    hours100 = parse_scaled(hours, "hold_hours", 2)
    if not 0 <= hours100 <= MOST_HOURS * 100:
        raise InputError("SIZE-014", f"hold is {hours} hours", f"use 0 to {MOST_HOURS} hours")
    return scaled_text(hours100, 2)


def _share(value: Number, name: str) -> Rate8:
    share = parse_rate(value, name)
    if not 0 <= share < RATE // 10:
        raise InputError(
            "SCAN-012", f"{name} is {value}: not a share of 0 to 10 %", "write it as 2bp or 0.02%"
        )
    return share


def _plan_leverage(value: Number | None) -> int:
    if value is None:
        return 0
    text = value.strip().lower().removesuffix("x") if isinstance(value, str) else value
    leverage = parse_scaled(text, "max_leverage", 2)
    if not 100 <= leverage <= 100_000:
        raise InputError("SIZE-011", f"max_leverage is {value}: not 1 to 1000", "use 1 to 1000")
    return leverage
