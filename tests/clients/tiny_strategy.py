"""A strategy for freqtrade that trades at once: in, a stop on the exchange, out when the stop stands.

freqtrade loads this file by its class name; it is no part of lotwise.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from freqtrade.strategy import IStrategy


class TinyStrategy(IStrategy):
    """Enters on every candle and leaves as soon as its stop has stood for some seconds."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    can_short = False
    process_only_new_candles = False
    startup_candle_count = 5
    minimal_roi = {"0": 10}  # noqa: RUF012  # freqtrade reads it from the class
    stoploss = -0.03
    order_types = {  # noqa: RUF012
        "entry": "market",
        "exit": "market",
        "emergency_exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 5,
    }

    def populate_indicators(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """None are needed."""
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """Always in."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """Never out by a candle."""
        dataframe["exit_long"] = 0
        return dataframe

    def leverage(self, pair: str, current_time: datetime, *rest: Any, **more: Any) -> float:
        """Three times."""
        return 3.0

    def custom_exit(self, pair: str, trade: Any, current_time: datetime, *rest: Any, **more: Any) -> Any:
        """Out when the stop stands and the trade is some seconds old."""
        is_old = current_time - trade.open_date_utc > timedelta(seconds=6)
        return "enough" if trade.has_open_sl_orders and is_old else None
