"""Time nautilus_trader's backtest engine with a Python strategy: one market order a cross, no stop.

Reads one JSON object on stdin (``bars``: a .npz file, ``count``), prints one JSON object. Making the bars and
loading them into the engine is not timed.
"""

from __future__ import annotations

import hashlib
import json
import sys
from decimal import Decimal
from time import perf_counter
from typing import Any

MINUTE = 60_000_000_000
FAST, SLOW, MILLION = 20, 50, 1_000_000


def instrument() -> Any:
    """A perpetual with a tick of 0.1 and a lot of 0.001."""
    from nautilus_trader.model.currencies import BTC, USDT
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import CryptoPerpetual
    from nautilus_trader.model.objects import Price, Quantity

    return CryptoPerpetual(
        instrument_id=InstrumentId(Symbol("CASE-PERP"), Venue("CASE")),
        raw_symbol=Symbol("CASE"),
        base_currency=BTC,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=1,
        size_precision=3,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str("0.001"),
        margin_init=Decimal("0.05"),
        margin_maint=Decimal("0.004"),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        ts_event=0,
        ts_init=0,
    )


def strategy_of(perpetual: Any, kind: Any) -> Any:
    """The EMA cross in whole numbers, as the kernel's Python strategy has it."""
    from nautilus_trader.model.enums import OrderSide
    from nautilus_trader.trading.strategy import Strategy

    class Cross(Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.fast = self.slow = self.side = self.crosses = 0

        def on_start(self) -> None:
            self.subscribe_bars(kind)

        def on_bar(self, bar: Any) -> None:
            price = round(bar.close.as_double() * 10) * MILLION
            if not self.fast:
                self.fast = self.slow = price
            self.fast += 2 * (price - self.fast) // (FAST + 1)
            self.slow += 2 * (price - self.slow) // (SLOW + 1)
            side = (self.fast > self.slow) - (self.fast < self.slow)
            if side in (self.side, 0):
                self.side = side
                return
            size = perpetual.make_qty(0.041 if self.crosses == 0 else 0.082)
            self.side, self.crosses = side, self.crosses + 1
            order = self.order_factory.market(
                perpetual.id, OrderSide.BUY if side > 0 else OrderSide.SELL, size
            )
            self.submit_order(order)

    return Cross()


def main() -> None:
    """Ask, answer."""
    import nautilus_trader
    import numpy as np
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig
    from nautilus_trader.model.currencies import USDT
    from nautilus_trader.model.data import Bar, BarType
    from nautilus_trader.model.enums import AccountType, OmsType
    from nautilus_trader.model.identifiers import Venue
    from nautilus_trader.model.objects import Money, Price, Quantity

    asked = json.load(sys.stdin)
    market = dict(np.load(asked["bars"]))
    perpetual = instrument()
    kind = BarType.from_str("CASE-PERP.CASE-1-MINUTE-LAST-EXTERNAL")
    columns = [market[name][: asked["count"]].tolist() for name in ("open", "high", "low", "close")]
    volume = Quantity(10.0, 3)
    bars = [
        Bar(kind, *(Price(value, 1) for value in row), volume, i * MINUTE, i * MINUTE)
        for i, row in enumerate(zip(*columns, strict=True))
    ]
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        Venue("CASE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(10_000_000, USDT)],
    )
    engine.add_instrument(perpetual)
    engine.add_data(bars)
    strategy = strategy_of(perpetual, kind)
    engine.add_strategy(strategy)
    begun = perf_counter()
    engine.run()
    spent = perf_counter() - begun
    fills = [str(order.ts_last) for order in engine.cache.orders() if order.is_closed]
    named = hashlib.sha256("\n".join(sorted(fills)).encode()).hexdigest()
    told = {"version": nautilus_trader.__version__, "seconds": spent, "fills": len(fills)}
    print(json.dumps(told | {"crosses": strategy.crosses, "fingerprint": named}))


if __name__ == "__main__":
    main()
