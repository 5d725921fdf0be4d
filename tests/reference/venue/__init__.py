"""The venue in a box again: the slow twin of the kernel's state machine, written from its page alone.

Money is a `fractions.Fraction` wherever something is divided, and becomes whole units by a named rounding.
It imports nothing from ``lotwise`` and shares only names and numbers with it, so that an error in a rule
and an error in its twin are two different errors.  It may not be quick, and may not look at the kernel.

* `machine`: `Venue`, which plays events, shows its state and audits itself.
* `rows`, `names`, `rounding`: what is remembered, how it is called, how it is rounded.
* `worth`, `bookings`: margins; where money goes.
* `pricing`, `filling`, `moves`: where orders fill, what follows, which orders a price hits.
* `placing`, `commands`, `exits`, `market_events`, `liquidation`: what may happen.
* `audit`: the whole log worked through again.
"""

from __future__ import annotations

from tests.reference.venue.machine import Venue
from tests.reference.venue.names import Refused
from tests.reference.venue.rows import Entry

__all__ = ["Entry", "Refused", "Venue"]
