"""Unmodified ccxt trades on the exchange of this machine: an order, its stop, a position.

Needs lotwise[exchange,live]. Nothing leaves this machine, and the state goes with its folder.
"""

import json
import subprocess
import sys
import tempfile
from http.client import HTTPConnection

import ccxt

from lotwise.app.exchange_clients import client_text

LOTWISE = [
    sys.executable,
    "-c",
    "import sys; from lotwise.cli.main import main; sys.exit(main(sys.argv[1:]))",
]
MARKET = [
    "--contracts",
    "BTCUSDT",
    "--start",
    "2025-01-06T01:00",
    "--history-hours",
    "1",
    "--days",
    "1",
    "--speed",
    "0",
]
SYMBOL = "BTC/USDT:USDT"


def client(port: int, admin: int) -> ccxt.binanceusdm:
    """An account of the exchange, and ccxt pointed at it: what `lotwise exchange config ccxt` prints."""
    ask = [
        *LOTWISE,
        "exchange",
        "account",
        "add",
        "me",
        "--deposit",
        "500",
        "--json",
        "--admin",
        f"http://127.0.0.1:{admin}",
    ]
    account = json.loads(subprocess.run(ask, capture_output=True, check=True).stdout)
    names = {}
    exec(client_text("ccxt", port, account["key"], account["secret"]), names)
    found = names["guarded"](ccxt.binanceusdm(names["CONFIG"]))
    found.session.trust_env = False
    return found


def trade(binance: ccxt.binanceusdm, admin: int) -> None:
    """As on Binance: a market order, a stop that only reduces, what is held."""
    binance.set_leverage(5, SYMBOL)
    bought = binance.create_order(SYMBOL, "market", "buy", 0.01)
    stop = round(bought["average"] * 0.999, 1)
    binance.create_order(SYMBOL, "market", "sell", 0.01, params={"stopLossPrice": stop, "reduceOnly": True})
    (held,) = binance.fetch_positions()
    print(f"bought {held['contracts']} BTC at {bought['average']}, stop at {stop}")
    while binance.fetch_positions():  # the market goes on only when it is told to
        line = HTTPConnection("127.0.0.1", admin)
        line.request("POST", "/step", json.dumps({"events": 500}))
        line.getresponse().read()
        line.close()
    fills = binance.fetch_my_trades(SYMBOL)
    print(f"stopped out at {fills[-1]['price']}; fees {sum(fill['fee']['cost'] for fill in fills):.4f} USDT")


with tempfile.TemporaryDirectory() as state:
    venue = [*LOTWISE, "exchange", "--state", state, "--port", "0", "--admin-port", "0", "--json", *MARKET]
    with subprocess.Popen(venue, stdout=subprocess.PIPE, text=True) as server:
        try:
            ready = json.loads(server.stdout.readline())["exchange"]
            trade(client(ready["port"], ready["admin"]), ready["admin"])
        finally:
            server.terminate()

# It prints:
#   bought 0.01 BTC at 94340.0, stop at 94245.7
#   stopped out at 94233.6; fees 0.9429 USDT
