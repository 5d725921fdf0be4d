"""Ask nautilus_trader's own code for quantities, maintenance margins and liquidations.

Reads ``{"sizing": [...], "margin": [...], "liquidation": [...]}`` on stdin, prints one JSON object. Runs
inside the environment of nautilus_trader.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any


def instrument(case: dict[str, str]) -> Any:
    """A perpetual with the case's tick, lot and contract size."""
    from nautilus_trader.model.currencies import USDT
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import CryptoPerpetual
    from nautilus_trader.model.objects import Currency, Price, Quantity

    tick, lot = Price.from_str(case["tick_size"]), Quantity.from_str(case["lot_size"])
    return CryptoPerpetual(
        instrument_id=InstrumentId(Symbol("CASE-PERP"), Venue("CASE")),
        raw_symbol=Symbol("CASE"),
        base_currency=Currency.from_str("BTC"),
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=tick.precision,
        size_precision=lot.precision,
        price_increment=tick,
        size_increment=lot,
        multiplier=Quantity.from_str(case["contract_size"]),
        max_quantity=Quantity.from_str("1000000"),  # far above: 1.221 does not accept None here
        margin_init=Decimal("0.01"),
        margin_maint=Decimal(case.get("maintenance_rate", "0.004")),
        maker_fee=Decimal(0),
        taker_fee=Decimal(case["taker"]),
        ts_event=0,
        ts_init=0,
    )


def quantity(case: dict[str, str]) -> dict[str, str]:
    """What ``FixedRiskSizer.calculate`` answers, batched to the lot and with its default batch of 1."""
    from nautilus_trader.model.currencies import USDT
    from nautilus_trader.model.objects import Money, Price
    from nautilus_trader.risk.sizing import FixedRiskSizer

    perpetual = instrument(case)
    places = perpetual.price_precision
    words: dict[str, Any] = {
        "entry": Price(Decimal(case["entry"]), places),
        "stop_loss": Price(Decimal(case["stop"]), places),
        "equity": Money(Decimal(case["equity"]), USDT),
        "risk": Decimal(case["risk_percent"]) / 100,
        "commission_rate": Decimal(case["taker"]),
    }
    sizer = FixedRiskSizer(perpetual)
    to_the_lot = sizer.calculate(**words, unit_batch_size=Decimal(case["lot_size"]))
    return {"quantity": str(to_the_lot), "default_batch": str(sizer.calculate(**words))}


def maintenance(case: dict[str, str]) -> dict[str, str]:
    """What the default margin model answers."""
    from nautilus_trader.accounting.margin_models import LeveragedMarginModel
    from nautilus_trader.model.enums import PositionSide
    from nautilus_trader.model.objects import Price, Quantity

    perpetual = instrument(case)
    margin = LeveragedMarginModel().calculate_margin_maint(
        perpetual,
        PositionSide.LONG,
        Quantity.from_str(case["quantity"]),
        Price(Decimal(case["entry"]), perpetual.price_precision),
        Decimal(case["leverage"]),
    )
    return {"maintenance": str(margin.as_decimal())}


def liquidated(case: dict[str, str]) -> dict[str, str | None]:
    """The fill price at which its simulated venue closes a long of one coin, as quotes fall tick by tick.

    The buying strategy is the one the package ships for this purpose. Releases without liquidation in
    the simulated venue answer ``None``.
    """
    try:
        from nautilus_trader.core.nautilus_pyo3 import backtest, model
        from nautilus_trader.examples.strategies.market_buy_on_start import (
            MarketBuyOnStart,
            MarketBuyOnStartConfig,
        )
    except ImportError:
        return {"price": None}
    dollar, venue = model.Currency.from_str("USDT"), model.Venue("CASE")
    name = model.InstrumentId(model.Symbol("CASE-PERP"), venue)
    tick, lot = model.Price.from_str(case["tick_size"]), model.Quantity.from_str("1")
    leverage = Decimal(case["leverage"])
    standard = case["model"] == "StandardMarginModel"
    perpetual = model.CryptoPerpetual(
        instrument_id=name,
        raw_symbol=model.Symbol("CASE"),
        base_currency=model.Currency.from_str("BTC"),
        quote_currency=dollar,
        settlement_currency=dollar,
        is_inverse=False,
        price_precision=tick.precision,
        size_precision=0,
        price_increment=tick,
        size_increment=lot,
        ts_event=0,
        ts_init=0,
        margin_init=1 / leverage if standard else Decimal(1),
        margin_maint=Decimal(case["maintenance_rate"]),
        maker_fee=Decimal(0),
        taker_fee=Decimal(0),
    )
    engine = backtest.BacktestEngine(backtest.BacktestEngineConfig(bypass_logging=True))
    engine.add_venue(
        venue,
        model.OmsType.NETTING,
        model.AccountType.MARGIN,
        [model.Money(float(case["margin"]), dollar)],
        default_leverage=leverage,
        margin_model=getattr(model, case["model"])(),
        liquidation_enabled=True,
    )
    engine.add_instrument(perpetual)
    engine.add_strategy(MarketBuyOnStart(MarketBuyOnStartConfig(instrument_id=str(name), trade_size=1)))
    engine.add_data(falling(model, name, case))
    engine.run()
    fills = engine.generate_fills_report().reset_index()
    closed = fills[[str(order).startswith("LIQUIDATION") for order in fills["client_order_id"]]]
    return {"price": str(closed["last_px"].iloc[0]) if len(closed) else None}


def falling(model: Any, name: Any, case: dict[str, str]) -> list[Any]:
    """Quotes from the entry down to a price at which nothing of the margin is left, one tick apart."""
    tick, places = Decimal(case["tick_size"]), len(case["tick_size"].partition(".")[2])
    ticks = int(Decimal(case["margin"]) / tick)
    deep = model.Quantity.from_str("1000")
    quotes = []
    for number in range(ticks + 1):
        price = model.Price.from_str(f"{Decimal(case['entry']) - number * tick:.{places}f}")
        time_ns = (number + 1) * 1_000_000_000
        quotes.append(model.QuoteTick(name, price, price, deep, deep, time_ns, time_ns))
    return quotes


def source() -> dict[str, bool]:
    """Whether the lines that explain the differences stand in the installed source."""
    import nautilus_trader

    home = Path(nautilus_trader.__file__).parent
    sizing = (home / "risk" / "sizing.pyx").read_text(encoding="utf-8")
    models = (home / "accounting" / "margin_models.pyx").read_text(encoding="utf-8")
    account = (home / "accounting" / "accounts" / "margin.pyx").read_text(encoding="utf-8")
    return {
        "commission_on_risk_money": bool(re.search(r"risk_money \* commission_rate", sizing)),
        "multiplier_unread": "multiplier" not in sizing,
        "maintenance_over_leverage": "notional / leverage" in models,
        "leveraged_is_default": "_margin_model = LeveragedMarginModel()" in account,
    }


def main() -> None:
    """Answer what stdin asks."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer itself prints goes to stderr
    import nautilus_trader

    asked = json.load(sys.stdin)
    found = {
        "version": nautilus_trader.__version__,
        "python": platform.python_version(),
        "source": source(),
        "sizing": {case["id"]: quantity(case) for case in asked["sizing"]},
        "margin": {case["id"]: maintenance(case) for case in asked["margin"]},
        "liquidation": {case["id"]: liquidated(case) for case in asked["liquidation"]},
    }
    json.dump(found, answers)
    answers.close()


if __name__ == "__main__":
    main()
