"""``lotwise contracts``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from lotwise.cli.screen import Output, Screen
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import FactsError, InputError
from lotwise.units import grouped, parse_rate, percent_text, shown

UNKNOWN = "–"
MOST_ROWS = 10_000


def contracts(
    text: str = "",
    /,
    *,
    venue: str | None = None,
    as_of: str | None = None,
    top: int = 40,
    output: Output = Output(),  # noqa: B008
) -> int:
    """List contracts whose symbol or coin holds TEXT; an id like binance:BTCUSDT shows all its facts.

    Parameters
    ----------
    text
        Part of a symbol, or venue:SYMBOL.
    venue
        binance or bybit.
    as_of
        The rules of that day, e.g. 2025-09-01.
    top
        How many rows at the most.
    output
        How to answer.
    """
    if ":" in text:
        if venue is not None:
            raise InputError("USAGE-002", f"venue given twice: {text} and --venue {venue}", "give it once")
        found = catalogue.load(text, as_of)
        if output.json:
            print(json.dumps(facts_of(found), indent=2, ensure_ascii=False))
        elif output.quiet:
            print(found.id)
        else:
            _print_one(found, Screen(output))
        return 0
    if not 1 <= top <= MOST_ROWS:
        raise InputError("USAGE-007", f"--top is {shown(top)}", f"use 1 to {MOST_ROWS}")
    names = catalogue.search(text, venue)
    if not names:
        raise InputError(
            "CONTRACT-202", f"no contract holds {shown(text)}", "try a coin such as BTC, or lotwise contracts"
        )
    listed = list(islice(_listed(names, as_of), top))
    if not listed:
        raise InputError("CONTRACT-203", f"no facts of {shown(text)} on {as_of}", "ask for a later day")
    if output.json:
        print(
            json.dumps(
                {"found": len(names), "contracts": [facts_of(one) for one in listed]},
                indent=2,
                ensure_ascii=False,
            )
        )
    elif output.quiet:
        print("\n".join(one.id for one in listed))
    else:
        _print_list(listed, len(names), Screen(output))
    return 0


def _listed(names: list[str], as_of: str | None) -> Iterator[Contract]:
    """The contracts that had facts on that day."""
    for name in names:
        try:
            yield catalogue.load(name, as_of)
        except FactsError:
            continue


def facts_of(contract: Contract) -> dict[str, Any]:
    """A contract as JSON-ready facts; unknown is null."""
    import msgspec

    facts: dict[str, Any] = {"id": contract.id}
    facts.update(msgspec.to_builtins(contract, str_keys=True))
    return facts


def _known(value: object) -> str:
    return UNKNOWN if value is None else grouped(str(value))


def _print_list(listed: list[Contract], count: int, screen: Screen) -> None:
    screen.line()
    screen.table(
        ("contract", "tick", "lot", "min notional", "max leverage", "tiers", "taker", "facts of"),
        [
            (
                one.id,
                str(one.tick_size),
                str(one.lot_size),
                _known(one.min_notional),
                _known(one.max_leverage),
                str(len(one.tier_rows) or UNKNOWN),
                percent_text(one.fees.taker8) if one.fees else UNKNOWN,
                one.as_of or UNKNOWN,
            )
            for one in listed
        ],
        drop=("facts of", "tiers", "max leverage", "taker"),
    )
    more = f", the first {len(listed)} shown (--top)" if count > len(listed) else ""
    screen.line()
    screen.paragraph(f"{count} contracts{more}; {UNKNOWN} is unknown.")
    screen.paragraph(f"All facts of one: lotwise contracts {listed[0].id}")
    screen.line()


def _print_one(one: Contract, screen: Screen) -> None:
    screen.line(
        f"\n  {one.id}   {one.base}/{one.quote} settled in {one.settle}, {one.kind.replace('_', ' ')}\n"
    )
    funding = one.funding
    screen.rows(
        [
            ("tick", str(one.tick_size), f"one lot moves by {_per_tick(one)} {one.settle}"),
            ("lot", str(one.lot_size), f"contracts of {one.contract_size} {one.base}"),
            (
                "smallest order",
                _known(one.min_quantity),
                f"worth {_known(one.min_notional)} {one.quote} at least",
            ),
            ("largest order", _known(one.max_quantity), f"market {_known(one.max_market_quantity)}"),
            ("fees", _fees(one), "maker / taker"),
            ("funding", f"{funding.interval_hours} h" if funding else UNKNOWN, _caps(one)),
            ("max leverage", _known(one.max_leverage), ""),
            ("facts of", one.as_of or UNKNOWN, one.source),
        ]
    )
    if not one.tiers:
        screen.line("\n  ! margin tiers unknown: no liquidation price", style="yellow")
    else:
        screen.line()
        screen.table(
            ("tier", "notional above", "up to", "max leverage", "maintenance", "cumulative"),
            [
                (
                    str(number),
                    grouped(str(tier.notional_floor)),
                    grouped(str(tier.notional_cap)),
                    f"{tier.max_leverage}×",
                    percent_text(parse_rate(tier.maintenance_rate, "rate")),
                    grouped(str(tier.cumulative)),
                )
                for number, tier in enumerate(one.tiers, 1)
            ],
        )
    screen.line()


def _per_tick(one: Contract) -> str:
    return one.notional_text(1, 1)


def _fees(one: Contract) -> str:
    return f"{percent_text(one.fees.maker8)} / {percent_text(one.fees.taker8)}" if one.fees else UNKNOWN


def _caps(one: Contract) -> str:
    funding = one.funding
    if funding is None:
        return "unknown"
    caps = f"{_known_rate(funding.floor)} to {_known_rate(funding.cap)}"
    return caps + (f", as of {funding.as_of}" if funding.as_of else "")


def _known_rate(rate: str | None) -> str:
    return UNKNOWN if rate is None else percent_text(parse_rate(rate, "funding cap"))
