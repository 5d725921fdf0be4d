"""An account at the venue in a box: contracts, assumptions and money as the rows that the kernel plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lotwise.contracts.bounds import MAX_NOTIONAL_CASH
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel import machine
from lotwise.kernel.layout import RATE, AskRow, LegRow, LimitsRow, TierRow
from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.kernel.portfolio_rows import (
    Book,
    CurveRow,
    PortfolioRow,
    RefusalRow,
    SeatRow,
    SignalRow,
    TripRow,
)
from lotwise.kernel.snapshot import new_state
from lotwise.kernel.state import (
    ADVERSE,
    FAVOURABLE,
    LEVERAGE,
    MARGIN_MODE,
    OHLC,
    OLHC,
    QUEUE,
    THROUGH,
    TOUCH,
    TRANSFER,
    ContractRow,
    EventRow,
    State,
)
from lotwise.units import Cash, Rate8

PATHS: Final = {"adverse": ADVERSE, "favourable": FAVOURABLE, "ohlc": OHLC, "olhc": OLHC}
LIMIT_FILLS: Final = {"touch": TOUCH, "through": THROUGH, "queue": QUEUE}
LOG_ROWS: Final = 1_024
"""Happenings of one bar; a run says so where they are more."""
SLOTS: Final = 3
"""Entries of a ladder."""
NO_TIER: Final = TierRow(
    cap_cash=int(MAX_NOTIONAL_CASH),
    cumulative_cash=0,
    maintenance_at_cap_cash=0,
    max_leverage100=10_000,
    rate8=0,
)
"""Where tiers are unknown: liquidation at bankruptcy, and an answer that says so."""


@dataclass(frozen=True)
class Assumptions:
    """What bars do not say, each a named choice.

    Parameters
    ----------
    path
        In which order a bar visits its extremes: ``adverse`` the bad side of what is held first,
        ``favourable`` the good side, ``ohlc``, ``olhc``.
    limit_fill
        When a resting limit fills: at a ``touch``, only when the price goes ``through``, behind a ``queue``.
    spread_ticks, slippage_ticks
        Full spread; what a market fill loses beside half of it.
    slippage_range8
        And this share of the last bar's range.
    volume_share8
        Most of a bar's volume that is taken; 0: no bound.
    """

    path: str = "adverse"
    limit_fill: str = "through"
    spread_ticks: int = 1
    slippage_ticks: int = 0
    slippage_range8: int = 0
    volume_share8: int = 0

    def __post_init__(self) -> None:
        for name, known in (("path", PATHS), ("limit_fill", LIMIT_FILLS)):
            if getattr(self, name) not in known:
                raise InputError(
                    "BROKER-101", f"{name} is {getattr(self, name)!r}", f"one of {', '.join(known)}"
                )


def contract_row(
    contract: Contract, first_tier: int, assumed: Assumptions, *, highest_ticks: int
) -> ContractRow:
    """Facts and choices of one linear contract, for prices up to ``highest_ticks``.

    Raises
    ------
    InputError
        BROKER-102 the contract is not linear, or its fees are unknown.
    """
    if contract.is_inverse or contract.clearing or contract.fees is None:
        what = "has unknown fees" if contract.fees is None else "is not a linear perpetual"
        raise InputError(
            "BROKER-102",
            f"{contract.id} {what}: it cannot be played",
            "use a linear contract, and give its fees where they are unknown",
        )
    scales, most = contract.scales, contract.max_lots_at(highest_ticks)
    liquidation_fee = contract.liquidation_fee
    return ContractRow(
        cash_per_tick_lot=scales.cash_per_tick_lot,
        tick_size8=scales.tick_size8,
        min_lots=scales.min_lots,
        max_lots=most,
        max_market_lots=most,
        max_notional_cash=MAX_NOTIONAL_CASH,
        min_notional_cash=scales.min_notional_cash,
        maker_fee8=contract.fees.maker8,
        taker_fee8=contract.fees.taker8,
        liquidation_fee8=_fee8(liquidation_fee),
        first_tier=first_tier,
        end_tier=first_tier + max(1, len(contract.tier_rows)),
        path=PATHS[assumed.path],
        limit_fill=LIMIT_FILLS[assumed.limit_fill],
        spread_ticks=assumed.spread_ticks,
        slippage_ticks=assumed.slippage_ticks,
        slippage_range8=assumed.slippage_range8,
        volume_share8=assumed.volume_share8,
    )


def _fee8(fee: object) -> int:
    from lotwise.units import parse_rate

    return 0 if fee is None else parse_rate(fee, "liquidation fee")


def account_of(
    contracts: Sequence[Contract],
    equity_cash: Cash,
    assumed: Assumptions,
    leverage100: int,
    isolated: bool = True,
    *,
    highest_ticks: Sequence[int],
) -> State:
    """A funded account with these contracts, as plain rows.

    ``highest_ticks`` bounds the prices of each that its 64-bit arithmetic is proved for.

    Raises
    ------
    InputError
        BROKER-102; BROKER-103 the leverage or the money is refused by the venue in a box.
    """
    rows: list[ContractRow] = []
    tiers: list[TierRow] = []
    for contract, highest in zip(contracts, highest_ticks, strict=True):
        rows.append(contract_row(contract, len(tiers), assumed, highest_ticks=highest))
        tiers += list(contract.tier_rows) or [NO_TIER]
    state = new_state(rows, tiers, slots=SLOTS * len(rows), log_rows=LOG_ROWS)
    events = [EventRow(kind=TRANSFER, cash=equity_cash)]
    for c, row in enumerate(rows):
        most = tiers[row.first_tier].max_leverage100
        wanted = min(leverage100, most) // 100 * 100
        events.append(EventRow(kind=LEVERAGE, contract=c, leverage100=max(100, wanted)))
        if isolated:
            events.append(EventRow(kind=MARGIN_MODE, contract=c, is_isolated=1))
    for event in events:
        answer = machine.step(state, [event])
        if answer != 0:
            raise InputError(
                "BROKER-103",
                f"the venue refuses the account's set-up with {answer}",
                "check the equity and the leverage",
            )
    return state


def book_of(
    contracts: Sequence[Contract],
    allowed: AllowedRow,
    risk8: Rate8,
    room: tuple[int, int, int],
    curve_every_ns: int = 0,
    liquidation_multiple8: int = 150_000_000,
    max_leverage100: int = 10_000,
    *,
    highest_ticks: Sequence[int],
) -> Book:
    """A fresh book for a run, as plain rows; ``room`` is for trips, refusals and points of the curve."""
    ask = AskRow(**dict.fromkeys(AskRow.__slots__, 0))
    limits = LimitsRow(**dict.fromkeys(LimitsRow.__slots__, 0))
    limits.liquidation_multiple8, limits.max_leverage100 = liquidation_multiple8, max_leverage100
    trips, refusals, points = room
    return Book(
        run=[PortfolioRow(risk8=risk8, curve_every_ns=curve_every_ns)],
        event=[EventRow()],
        spec=[
            contract.spec_rows(highest)[0] for contract, highest in zip(contracts, highest_ticks, strict=True)
        ],
        ask=[ask],
        limits=[limits],
        legs=[LegRow(cumulative_share8=RATE, price_ticks=0) for _ in range(SLOTS)],
        seats=[SeatRow() for _ in contracts],
        allowed=[allowed],
        usage=[UsageRow()],
        signals=[SignalRow()],
        trips=[TripRow() for _ in range(trips)],
        refusals=[RefusalRow() for _ in range(refusals)],
        curve=[CurveRow() for _ in range(points)],
    )
