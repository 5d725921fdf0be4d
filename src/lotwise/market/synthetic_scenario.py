"""What a synthetic market does: its regimes, how often it jumps and stops, and the contracts it lists.

Whole numbers throughout: returns in 1e-9 (nano), shares in 1024ths. Sigmas are of the size that one-minute
returns of BTC and of small coins had on Binance in May 2025; they are set by hand, not fitted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.units import SCALE, parse_scaled, scaled_text

REGIMES: Final = ("calm", "trend", "range", "storm")
CALM, TREND, RANGE, STORM = range(4)
SIGMA_NANO: Final = (250_000, 450_000, 350_000, 1_400_000)
"""Of a minute's return of the leading coin, by regime."""
DRIFT_NANO: Final = (0, 60_000, 0, 0)
"""Of a minute, up or down for as long as the regime lasts."""
ONE: Final = 1024
"""One, as a share."""
MONTH_MINUTES: Final = 30 * 1440


@dataclass(frozen=True)
class Scenario:
    """A named course of things."""

    name: str
    words: str
    weights: tuple[int, int, int, int]
    """Of going over to each regime, when one ends."""
    stay_minutes: tuple[int, int, int, int]
    """How long each regime lasts on average."""
    jumps_per_day: tuple[int, int, int, int]
    """Of each coin in each regime."""
    outages: int = 0
    """Times that the venue stops in 30 days; one at least where it is not 0."""
    fall: int = 0
    """What the last contract is worth after its fall, in 1024ths; 0: it does not fall."""


SCENARIOS: Final = {
    one.name: one
    for one in (
        Scenario("calm", "little happens", (1, 0, 0, 0), (600, 600, 600, 600), (0, 0, 0, 0)),
        Scenario("trend", "long ways up and down", (1, 8, 0, 0), (120, 900, 600, 600), (0, 2, 0, 0)),
        Scenario("range", "to and fro about one price", (1, 0, 8, 0), (120, 600, 900, 600), (0, 0, 1, 0)),
        Scenario("storm", "jumps, wide spreads", (1, 1, 0, 6), (60, 60, 60, 600), (0, 4, 0, 24), outages=6),
        Scenario(
            "crash",
            "the last contract loses half within a day, funding falls to its floor, hourly",
            (6, 2, 2, 1),
            (600, 400, 400, 60),
            (0, 2, 1, 24),
            fall=512,
        ),
        Scenario(
            "demo",
            "a bit of all: calm, trends, ranges, storms, a stop of the venue, a fall",
            (4, 4, 4, 1),
            (480, 480, 480, 150),
            (0, 4, 2, 24),
            outages=2,
            fall=614,
        ),
    )
}


@dataclass(frozen=True)
class Listing:
    """A contract that a synthetic market lists."""

    symbol: str
    price: str
    """At which it begins."""
    tick_size: str
    lot_size: str
    beta_up: int = ONE
    """What it adds to a rise of the leading coin, in 1024ths."""
    beta_down: int = ONE
    lag_minutes: int = 0
    """So much later than the leading coin it moves."""
    own: int = 0
    """Its own sigma, in 1024ths of the leading coin's."""
    spread_ticks: int = 1
    """In a calm market."""
    trade_usd: int = 2_000
    """Mean worth of a trade in the quote."""
    premium1000: int = 150
    """What of a move goes into the premium over the index at first, in thousandths."""
    interval_hours: int = 8
    """Between fundings, as a rule."""
    cap8: int = 2_000_000
    """Largest funding rate of one stamp, either way: 2 %."""

    @property
    def contract(self) -> Contract:
        """As a contract of the venue ``synthetic``; margin tiers and fees are not known."""
        base = self.symbol.removesuffix("USDT") or self.symbol
        return Contract(
            symbol=self.symbol,
            base=base,
            venue="synthetic",
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            source="lotwise.market.synthetic",
        )

    @property
    def start_ticks(self) -> int:
        """The first price."""
        return parse_scaled(self.price, "price") // parse_scaled(self.tick_size, "tick_size")

    @property
    def trade_lots(self) -> int:
        """Mean size of a trade."""
        of_lot = parse_scaled(self.price, "price") * parse_scaled(self.lot_size, "lot_size") // SCALE
        return max(1, self.trade_usd * SCALE // max(1, of_lot))


LEADER: Final = "BTCUSDT"
LISTINGS: Final = {
    one.symbol: one
    for one in (
        Listing(
            LEADER, "94200.0", "0.1", "0.001", spread_ticks=1, trade_usd=6_000, premium1000=60, cap8=300_000
        ),
        Listing("NANOBTC", "94200", "5", "0.01", spread_ticks=1, trade_usd=3_000, premium1000=60),
        Listing(
            "ETHUSDT",
            "1810.50",
            "0.01",
            "0.001",
            beta_up=1434,
            beta_down=1638,
            own=1100,
            trade_usd=4_000,
            premium1000=60,
            cap8=300_000,
        ),
        Listing(
            "SOLUSDT",
            "146.30",
            "0.01",
            "0.01",
            beta_up=1434,
            beta_down=1638,
            lag_minutes=1,
            own=1200,
            trade_usd=1_500,
        ),
        Listing(
            "LAYERUSDT",
            "2.5610",
            "0.0001",
            "0.1",
            beta_up=1229,
            beta_down=1536,
            lag_minutes=2,
            own=2400,
            spread_ticks=2,
            trade_usd=300,
            interval_hours=4,
        ),
        Listing(
            "1000PEPEUSDT",
            "0.0084510",
            "0.0000001",
            "1",
            beta_up=1843,
            beta_down=2253,
            lag_minutes=1,
            own=1600,
            spread_ticks=2,
            trade_usd=400,
        ),
    )
}
"""Steps are those of real contracts; prices, betas and own parts are near those of May 2025 on Binance, of
one-minute returns (ETH: beta 1.51, own part 1.4 of BTC's sigma; SOL 1.51, 1.3; LAYER 1.27, 3.8); lags, and
betas that differ by the side, are set by hand."""

_SYMBOL = re.compile(r"[A-Z0-9]{2,20}")


def listing_of(symbol: str) -> Listing:
    """A listing by name; a name that is not known gets a small coin drawn from the name itself.

    Raises
    ------
    InputError
        DATA-643 where it is no name.
    """
    if not _SYMBOL.fullmatch(symbol):
        raise InputError(
            "DATA-643",
            f"{symbol!r} is no name of a contract",
            hint=f"2 to 20 capitals and digits: {', '.join(LISTINGS)} or a name of your own",
        )
    if symbol in LISTINGS:
        return LISTINGS[symbol]
    draws = blake2b(symbol.encode(), digest_size=8).digest()
    decimals = 2 + draws[0] % 5  # ticks of 0.01 to 0.000001
    ticks = 8_000 + int.from_bytes(draws[1:3], "big")
    return Listing(
        symbol,
        scaled_text(ticks * 10 ** (8 - decimals), 8, decimals),
        scaled_text(10 ** (8 - decimals), 8, decimals),
        ("1", "0.1", "0.01")[draws[3] % 3],
        beta_up=1126 + draws[4] * 2,
        beta_down=1434 + draws[4] * 2,
        lag_minutes=draws[5] % 4,
        own=700 + draws[6] * 3,
        spread_ticks=1 + draws[7] % 3,
        trade_usd=250,
        interval_hours=(4, 8)[draws[5] // 16 % 2],
    )


def scenario_of(name: str) -> Scenario:
    """A scenario by name.

    Raises
    ------
    InputError
        DATA-641 where there is none of that name.
    """
    if name not in SCENARIOS:
        raise InputError("DATA-641", f"{name!r} is no scenario", hint=f"one of {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
