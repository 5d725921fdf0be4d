"""``lotwise doctor``: whether this machine is in order, before anything is traded."""

from __future__ import annotations

import json
from os import environ
from typing import Final

from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError

GLYPHS: Final = {"ok": "✓", "missing": "·", "broken": "■"}
STYLES: Final = {"ok": "", "missing": "dim", "broken": "bold yellow"}


def doctor(
    *,
    port: int = 8610,
    venue: str = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Whether this machine is in order: packages, data, journal, clock, keys, the local exchange.

    Nothing is made, changed or sent; of keys only the names are told. Exit code 1 where something is broken.

    Parameters
    ----------
    port
        Where the local exchange listens.
    venue
        Compare the clock with this venue's; asks the network, without a key.
    output
        How to answer; --quiet: only what is broken.
    """
    from lotwise.app.doctor import examined
    from lotwise.app.trade_config import VENUES
    from lotwise.clock import SystemClock

    if not 1 <= port <= 65_535:
        raise InputError("DOCTOR-111", f"port {port}", "a port is 1 to 65535: --port 8610")
    if venue and venue not in VENUES:
        raise InputError("DOCTOR-112", f"venue {venue[:30]!r}", f"one of {', '.join(VENUES)}")
    found = examined(SystemClock(), environ, port=port, venue=venue)
    wrong = [one for one in found if one.state == "broken"]
    if output.json:
        import msgspec

        told = {"broken": len(wrong), "checks": msgspec.to_builtins(found)}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return 1 if wrong else 0
    screen = Screen(output)
    if not output.quiet:
        lacking = sum(one.state == "missing" for one in found)
        verdict = f"{len(wrong)} broken" if wrong else "in order"
        rest = f"{len(found)} looks, {lacking} not there"
        screen.headline("■" if wrong else "●", verdict, rest, good=not wrong)
        screen.line()
    for one in wrong if output.quiet else found:
        code = f"{one.code} " if one.code else ""
        screen.paragraph(
            f"{GLYPHS[one.state]} {one.name}: {code}{one.says}", "  ", "      ", STYLES[one.state]
        )
        if one.hint and one.state != "ok":
            screen.paragraph(f"hint: {one.hint}", "      ", "      ", "dim")
    return 1 if wrong else 0
