"""The catalogue as kernel rows, and the kernel's scan over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.contracts.reference_prices import reference_price
from lotwise.errors import InputError
from lotwise.kernel.layout import (
    AskRow,
    FoundRow,
    LegRow,
    LimitsRow,
    ListedRow,
    PlanRow,
    QuoteRow,
    Row,
    SpecRow,
    TierRow,
    array_of,
    dtype_of,
)
from lotwise.kernel.scan import scan_all
from lotwise.records.scan import Quote
from lotwise.sizing import ask
from lotwise.sizing.question import UNKNOWN_MAX_LEVERAGE100
from lotwise.units import Number, Rate8, parse_scaled

DOLLARS: Final = frozenset({"USD", "USDT", "USDC"})
"""Quote coins that a scan counts as the account's money, one for one, and says so."""


class Listing(NamedTuple):
    """The contracts of a scan and their rows; made once, asked often."""

    contracts: tuple[Contract, ...]
    spec: list[SpecRow]
    listed: list[ListedRow]
    tiers: list[TierRow]
    arrays: dict[type, Any]
    """The same as structured arrays, made on the first compiled scan."""


class Setup(NamedTuple):
    """What is asked of every contract, read from words."""

    plan: PlanRow
    hold_hours: Number
    side: int

    @property
    def is_held(self) -> bool:
        """Whether funding over a hold is to be counted."""
        return self.hold_hours != "0"


def listing_of(
    as_of: str | None,
    venues: tuple[str, ...] = (),
    coins: tuple[str, ...] = (),
    sectors: tuple[str, ...] = (),
    today: str | None = None,
) -> Listing:
    """The contracts of a scan and their kernel rows, kept for the next scan of the same ones.

    ``today`` leaves out what has expired.

    Raises
    ------
    InputError
        SCAN-013 nothing in the catalogue is asked for; CONTRACT-201, CONTRACT-205.
    """
    return _kept(as_of, venues, coins, sectors, today, catalogue.generation())


@lru_cache(maxsize=32)
def _kept(
    as_of: str | None,
    venues: tuple[str, ...],
    coins: tuple[str, ...],
    sectors: tuple[str, ...],
    today: str | None,
    generation: int,
) -> Listing:
    wanted = {venue.lower() for venue in venues}
    for venue in wanted:
        catalogue.symbols(venue)  # refuses an unknown one
    bases, kinds = {coin.upper() for coin in coins}, {sector.lower() for sector in sectors}
    chosen = tuple(
        contract
        for contract in catalogue.all_contracts(as_of)
        if (not wanted or contract.venue in wanted)
        and (not bases or contract.base in bases)
        and (not kinds or (contract.sector or "").lower() in kinds)
        and not (today and contract.expiry and contract.expiry[:10] < today)
    )
    if not chosen:
        asked = "; ".join(", ".join(names) for names in (venues, coins, sectors) if names)
        said = f"no contract of the catalogue is {asked or 'listed'}" + (f" on {as_of}" if as_of else "")
        raise InputError("SCAN-013", said, "leave one of venue, coin, sector and day out")
    return _listing(chosen)


def _listing(contracts: tuple[Contract, ...]) -> Listing:
    spec: list[SpecRow] = []
    listed: list[ListedRow] = []
    tiers: list[TierRow] = []
    for contract in contracts:
        fees = contract.fees
        taker8 = Rate8(max(0, fees.taker8)) if fees else Rate8(0)
        rows = contract.liquidation_rows(taker8)
        spec += contract.spec_rows()
        listed.append(
            ListedRow(
                clearing=int(contract.clearing),
                end_tier=len(tiers) + len(rows),
                first_tier=len(tiers),
                maker_fee8=max(0, fees.maker8) if fees else 0,
                max_leverage100=contract.scales.max_leverage100 or UNKNOWN_MAX_LEVERAGE100,
                max_lots=-1 if contract.scales.max_lots is None else contract.scales.max_lots,
                taker_fee8=taker8,
                tick_size8=contract.scales.tick_size8,
            )
        )
        tiers += rows
    return Listing(contracts, spec, listed, tiers, {})


def quote_of(
    contract: Contract, quotes: Mapping[str, Quote] | None, as_of: str | None = None
) -> Quote | None:
    """The contract's quote or its coin's; without quotes a dated reference price; ``None``: neither.

    A coin's price is not that of a contract that expires, nor of a day before it was seen.
    """
    general = _in_dollars(contract) and not contract.is_dated
    if quotes is not None:
        return quotes.get(contract.id.upper()) or (quotes.get(contract.base) if general else None)
    reference = reference_price(contract.base, contract.quote) if general else None
    if reference is None or (as_of is not None and str(reference.day) > as_of):
        return None
    return Quote(price=reference.price, at=reference.day, source=reference.source)


def _in_dollars(contract: Contract) -> bool:
    return contract.quote in DOLLARS


def found_on(listing: Listing, setup: Setup, given: Sequence[Quote | None], compiled: bool) -> Sequence[Any]:
    """What the kernel finds for every contract, compiled or as plain Python."""
    if compiled:
        arrays = arrays_of(listing, setup, given)
        scan_all.compiled(*arrays)
        return [FoundRow(**dict(zip(FoundRow.__slots__, row, strict=True))) for row in arrays[-1].tolist()]
    found: list[Any] = [_blank(FoundRow) for _ in given]
    scan_all(
        [SpecRow(**dict(zip(SpecRow.__slots__, row.values(), strict=True))) for row in listing.spec],
        listing.listed,
        _quote_rows(listing, setup, given),
        plan=[setup.plan],
        tiers=listing.tiers,
        ask=[_blank(AskRow)],
        limits=[_blank(LimitsRow)],
        legs=[_blank(LegRow)],
        found=found,
    )
    return found


def arrays_of(listing: Listing, setup: Setup, given: Sequence[Quote | None]) -> tuple[Any, ...]:
    """The arguments of the compiled scan, in its order; the last takes what it finds.

    The specs are a copy: a scan writes the largest order at its price into them.
    """
    import numpy as np

    if not listing.arrays:
        for kind, rows in ((SpecRow, listing.spec), (ListedRow, listing.listed), (TierRow, listing.tiers)):
            listing.arrays[kind] = array_of(kind, rows)
    return (
        listing.arrays[SpecRow].copy(),
        listing.arrays[ListedRow],
        array_of(QuoteRow, _quote_rows(listing, setup, given)),
        array_of(PlanRow, [setup.plan]),
        listing.arrays[TierRow],
        *(np.zeros(1, dtype_of(kind)) for kind in (AskRow, LimitsRow, LegRow)),
        np.zeros(len(given), dtype_of(FoundRow)),
    )


def _quote_rows(listing: Listing, setup: Setup, given: Sequence[Quote | None]) -> list[QuoteRow]:
    return [
        _quote_row(contract, setup, quote) for contract, quote in zip(listing.contracts, given, strict=True)
    ]


def _blank(kind: type[Row]) -> Any:
    return kind(**dict.fromkeys(kind.__slots__, 0))


def _quote_row(contract: Contract, setup: Setup, quote: Quote | None) -> QuoteRow:
    funding8 = None if quote is None else funding8_of(contract, setup, quote)
    if quote is None or funding8 is None or contract.fees is None or not _in_dollars(contract):
        return QuoteRow(atr8=0, funding8=0, price8=0, spread8=-1)
    return QuoteRow(
        atr8=0 if quote.atr is None else parse_scaled(quote.atr, "atr"),
        funding8=funding8,
        price8=parse_scaled(quote.price, "price"),
        spread8=-1 if quote.spread is None else parse_scaled(quote.spread, "spread"),
    )


def funding8_of(contract: Contract, setup: Setup, quote: Quote) -> Rate8 | None:
    """Funding over the hold; 0 where rate or interval is unknown, ``None`` where it is too high to size."""
    if not setup.is_held or quote.funding_rate is None or contract.funding is None:
        return Rate8(0)
    try:
        return ask.read_funding(contract, setup.side, quote.funding_rate, setup.hold_hours, None)
    except InputError:
        return None
