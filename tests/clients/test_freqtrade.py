"""freqtrade in live mode trades on the exchange: entry, stop on the exchange, exit."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("freqtrade", reason="freqtrade is not installed: make test-clients")

from tests.exchange.served import KEY, SECRET, Server, client

S = "BTCUSDT"
LONGEST_S = 150


def exchange(port: int) -> dict[str, Any]:
    """Every address of the class that freqtrade uses is the server's."""
    import ccxt

    plain = ccxt.binance()
    here = {
        name: re.sub(r"^https://[^/]+", f"http://127.0.0.1:{port}", address)
        for name, address in plain.urls["api"].items()
        if isinstance(address, str)
    }
    return {
        "name": "binance",
        "key": KEY,
        "secret": SECRET,
        "enable_ws": False,
        "pair_whitelist": ["BTC/USDT:USDT"],
        "pair_blacklist": [],
        "ccxt_config": {"urls": {"api": here}, "options": {"fetchCurrencies": False}},
    }


def configured(folder: Path, port: int) -> Path:
    """The configuration of a bot that trades one pair with real orders."""
    price = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    told = {
        "max_open_trades": 1,
        "stake_currency": "USDT",
        "stake_amount": 150,
        "dry_run": False,
        "trading_mode": "futures",
        "margin_mode": "isolated",
        "timeframe": "1m",
        "entry_pricing": price,
        "exit_pricing": price,
        "exchange": exchange(port),
        "pairlists": [{"method": "StaticPairList"}],
        "initial_state": "running",
        "internals": {"process_throttle_secs": 1},
    }
    (folder / "user").mkdir()
    path = folder / "config.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def until(what: str, found: Callable[[], Any], process: subprocess.Popen[bytes], log: Path) -> Any:
    """Ask every half second until there is something; the log where there is not."""
    pause = threading.Event()
    for _ in range(LONGEST_S * 2):
        if value := found():
            return value
        assert process.poll() is None, f"freqtrade ended:\n{log.read_text()[-4_000:]}"
        pause.wait(0.5)
    raise AssertionError(f"no {what}:\n{log.read_text()[-6_000:]}")


def test_a_bot_enters_stands_behind_a_stop_and_leaves(tmp_path: Path) -> None:
    server = Server(tmp_path / "state", "--start", "now", "--history-hours", "24", "--days", "3", speed=1)
    log = tmp_path / "freqtrade.log"
    try:
        server.account(deposit="5000")
        ex = client(server.port)
        with log.open("wb") as out:
            bot = subprocess.Popen(
                [
                    *(sys.executable, "-m", "freqtrade", "trade", "--strategy", "TinyStrategy"),
                    *("--strategy-path", str(Path(__file__).parent), "--userdir", str(tmp_path / "user")),
                    *("--config", str(configured(tmp_path, server.port))),
                    *("--db-url", f"sqlite:///{tmp_path / 'bot.sqlite'}"),
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=tmp_path,
            )
        try:
            stop = until("stop", lambda: ex.fapiPrivateGetOpenAlgoOrders({"symbol": S}), bot, log)[0]
            fills = ex.fapiPrivateGetUserTrades({"symbol": S})
            held = ex.fapiPrivateV3GetPositionRisk()[0]
            leave = until(
                "exit",
                lambda: [one for one in ex.fapiPrivateGetUserTrades({"symbol": S}) if one["side"] == "SELL"],
                bot,
                log,
            )
        finally:
            bot.send_signal(signal.SIGINT)
            bot.wait(timeout=60)
        orders = ex.fapiPrivateGetAllAlgoOrders({"symbol": S})
        config = ex.fapiPrivateGetSymbolConfig({"symbol": S})[0]
    finally:
        server.stop()
    entry = fills[0]
    assert entry["side"] == "BUY"
    assert held["positionAmt"] == entry["qty"] == stop["quantity"] == leave[0]["qty"]
    lots = Fraction(450) / Fraction(entry["price"]) // Fraction(1, 1_000)  # 150 USDT at 3x, in whole lots
    assert Fraction(entry["qty"]) == Fraction(lots, 1_000)
    assert (str(config["leverage"]), config["marginType"]) == ("3", "ISOLATED")
    assert (stop["orderType"], stop["side"], stop["reduceOnly"], stop["algoStatus"]) == (
        "STOP_MARKET",
        "SELL",
        True,
        "NEW",
    )
    # 3 % of the stake at 3x is 1 % of the price
    assert 0.985 < float(stop["triggerPrice"]) / float(entry["price"]) < 0.995
    first = next(one for one in orders if one["algoId"] == stop["algoId"])
    assert first["algoStatus"] == "EXPIRED"  # it leaves first; a stop without a position ends with it
    assert float(leave[0]["realizedPnl"]) != 0 or leave[0]["price"] == entry["price"]
    told = log.read_text()
    assert "dry_run enabled" not in told.lower()
    print(f"entry {entry['price']} x {entry['qty']}, stop {stop['triggerPrice']}, exit {leave[0]['price']}")
