"""``lotwise contracts``."""

from __future__ import annotations

import json
from typing import Any

from lotwise.cli.screen import Output, Screen
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
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
        Only this one: binance, bybit, bingx, mexc, weex, binance-coinm (inverse), bybit-inverse,
        cme or coinbase.
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
    names = catalogue.search(text, venue, as_of)
    if not names and as_of is not None and catalogue.search(text, venue):
        raise InputError("CONTRACT-203", f"no facts of {shown(text)} on {as_of}", "ask for a later day")
    if not names:
        raise InputError(
            "CONTRACT-202", f"no contract holds {shown(text)}", "try a coin such as BTC, or lotwise contracts"
        )
    listed = [catalogue.load(name, as_of) for name in names[:top]]
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
                f"{one.quantity_text(1)} {one.quantity_unit}",
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
    screen.paragraph(f"{count} contract{'s' if count != 1 else ''}{more}; {UNKNOWN} is unknown.")
    screen.paragraph(f"All facts of one: lotwise contracts {listed[0].id}")
    screen.line()


def _print_one(one: Contract, screen: Screen) -> None:
    screen.line(
        f"\n  {one.id}   {one.base}/{one.quote} settled in {one.settle}, {one.kind.replace('_', ' ')}\n"
    )
    sector = [("sector", one.sector, "as the venue says")] if one.sector else []
    screen.rows(
        [
            *sector,
            ("tick", str(one.tick_size), f"one lot {_per_tick(one)}"),
            ("lot", str(one.lot_size), f"contracts of {one.contract_size} {one.quantity_unit}"),
            ("smallest order", _known(one.min_quantity), _least_worth(one)),
            ("largest order", _known(one.max_quantity), f"market {_known(one.max_market_quantity)}"),
            ("fees", _fees(one), "maker / taker"),
            *([] if one.is_dated else [("funding", _interval(one), _caps(one))]),
            *([("expiry", one.expiry or UNKNOWN, "")] if one.is_dated else []),
            *([] if one.clearing else [("max leverage", _known(one.max_leverage), "")]),
            ("facts of", one.as_of or UNKNOWN, one.source),
        ]
    )
    screen.line()
    if one.clearing:
        screen.line("  ! margin is set by the exchange and your broker; no liquidation price", style="yellow")
    elif not one.tiers:
        screen.line("  ! margin tiers unknown: no liquidation price", style="yellow")
    else:
        _print_tiers(one, screen)
    screen.line()


def _print_tiers(one: Contract, screen: Screen) -> None:
    screen.table(
        ("tier", "notional above", "up to", "max leverage", "maintenance", "cumulative"),
        [
            (
                str(number),
                grouped(str(tier.notional_floor)),
                "no cap" if tier.notional_cap is None else grouped(str(tier.notional_cap)),
                f"{tier.max_leverage}×",
                percent_text(parse_rate(tier.maintenance_rate, "rate")),
                grouped(str(tier.cumulative)),
            )
            for number, tier in enumerate(one.tiers, 1)
        ],
    )


def _per_tick(one: Contract) -> str:
    """What a lot is about: money a tick, or, inverse, the same worth at every price."""
    if one.is_inverse:
        return f"is worth {one.notional_text(1, 1)} {one.quote}, paid in {one.settle}"
    return f"moves by {one.notional_text(1, 1)} {one.settle}"


def _least_worth(one: Contract) -> str:
    if one.is_inverse:
        return f"worth {one.notional_text(1, one.scales.min_lots)} {one.quote}"
    return f"worth {_known(one.min_notional)} {one.quote} at least"


def _interval(one: Contract) -> str:
    return f"{one.funding.interval_hours} h" if one.funding else UNKNOWN


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
