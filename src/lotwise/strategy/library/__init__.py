"""Strategies to read and to start from; none of them is a promise.

Each has the class form and the array form with the same trades. A strategy may not size, send, or look at a
bar that is not closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lotwise.strategy.api import Strategy
from lotwise.strategy.library.breakout import Breakout
from lotwise.strategy.library.burst import Burst
from lotwise.strategy.library.null import Null
from lotwise.strategy.library.reversion import Reversion
from lotwise.strategy.library.rotation import SectorRotation
from lotwise.strategy.library.value_area import ValueArea
from lotwise.strategy.portfolio import PortfolioStrategy

LIBRARY: Final[Mapping[str, type[Strategy] | type[PortfolioStrategy]]] = {
    "breakout": Breakout,
    "burst": Burst,
    "null": Null,
    "reversion": Reversion,
    "sector-rotation": SectorRotation,
    "value-area": ValueArea,
}
"""Name to class; one of :class:`~lotwise.strategy.portfolio.PortfolioStrategy` sees all contracts."""
