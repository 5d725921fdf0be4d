"""How unmodified clients are pointed at the local exchange: configurations in which every address is its own.

A client that is told only some of its addresses sends the rest, and the user's key with them, to the real
venue. So every address is overridden, those that the exchange does not serve too: a request there is refused
by the exchange. What is printed holds no address but loopback, and says so when it is loaded.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from lotwise.errors import InputError, LotwiseError

CLIENTS: Final = ("ccxt", "freqtrade", "python-binance", "nautilus")
KEY: Final = "YOUR-LOCAL-KEY"
SECRET: Final = "YOUR-LOCAL-SECRET"
NOT_SERVED: Final = "not-served"
"""Part of addresses that the exchange refuses: other markets' streams, that would pass for this one's."""
_HOST: Final = re.compile(r"^(https?|wss?)://[^/]+")
_PORTS: Final = range(1, 65_536)


def client_text(client: str, port: int, key: str = KEY, secret: str = SECRET) -> str:
    """The configuration of a client as it is pasted: Python, or JSON for freqtrade.

    Raises
    ------
    InputError
        EXCHANGE-153 a client that is not known, a port that is none, or a key with other than letters and
        digits.
    LotwiseError
        EXCHANGE-154 ccxt, whose addresses are overridden, is not installed.
    """
    makers = {
        "ccxt": _ccxt,
        "freqtrade": _freqtrade,
        "python-binance": _python_binance,
        "nautilus": _nautilus,
    }
    plain = all(re.fullmatch(r"[0-9A-Za-z-]{1,128}", text) for text in (key, secret))
    if client not in makers:
        wrong, hint = f"no configuration for a client {client[:30]!r}", f"one of {', '.join(CLIENTS)}"
    elif port not in _PORTS:
        wrong, hint = f"port {port} is none", "the port that lotwise exchange printed, 1 to 65535"
    elif not plain:
        wrong, hint = "the key or the secret has other signs", "letters, digits and hyphens, at most 128"
    else:
        return makers[client](port, key, secret)
    raise InputError("EXCHANGE-153", wrong, hint)


def local(address: str, port: int) -> str:
    """An address of the real venue on this machine; its path stays."""
    found = _HOST.match(address)
    scheme = "ws" if found and found[1].startswith("ws") else "http"
    return _HOST.sub(f"{scheme}://127.0.0.1:{port}", address)


def _addresses(urls: Any, port: int) -> Any:
    """REST addresses, nested as they are."""
    if isinstance(urls, dict):
        return {name: _addresses(url, port) for name, url in urls.items() if name != "ws"}
    return local(urls, port) if isinstance(urls, str) else urls


def _sockets(urls: Any, port: int) -> dict[str, Any]:
    """Addresses of sockets: linear is served, everything else is not."""
    base = f"ws://127.0.0.1:{port}"
    found: dict[str, Any] = {}
    for name, url in urls.items():
        if name == "ws-api":
            calls = {market: f"{base}/{NOT_SERVED}/{market}/ws-api" for market in url}
            found[name] = {**calls, "linear": f"{base}/ws-fapi/v1"}
        else:
            found[name] = f"{base}/ws" if name == "linear" else f"{base}/{NOT_SERVED}/{name}/ws"
    return found


def ccxt_urls(name: str, port: int) -> dict[str, Any]:
    """Every address of a class of ccxt, for real money, test and demo alike, on this machine."""
    try:
        import ccxt.pro as streams
    except ImportError as error:
        raise LotwiseError(
            "EXCHANGE-154", "ccxt, whose addresses are overridden, is not installed", "pip install ccxt"
        ) from error
    plain = getattr(streams, name)()
    found: dict[str, Any] = {}
    for group, urls in plain.urls.items():
        if isinstance(urls, dict) and group in ("api", "test", "demo"):
            found[group] = {**_addresses(urls, port), "ws": _sockets(urls.get("ws", {}), port)}
        elif isinstance(urls, str):
            found[group] = local(urls, port)
    found["referral"] = f"http://127.0.0.1:{port}/"
    return found


def _options() -> dict[str, Any]:
    return {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}}


_CCXT: Final = '''\
"""ccxt on the local exchange: ccxt.binanceusdm(CONFIG), ccxt.async_support... and ccxt.pro... alike."""

import ccxt

URLS = {urls}

CONFIG = {{
    "apiKey": {key},
    "secret": {secret},
    "urls": URLS,
    "enableRateLimit": False,
    "options": {options},
    # ccxt chooses its table of errors by the real venue's address: named here, errors keep their classes
    "exceptions": {{"exact": ccxt.binanceusdm().exceptions["linear"]["exact"]}},
}}


def guarded(exchange):
    """The exchange, if every address that it may send a request to is this machine's."""

    def check(urls):
        for name, url in urls.items():
            if isinstance(url, dict):
                check(url)
            elif isinstance(url, str) and not url.startswith({loopback}):
                raise RuntimeError(f"{{name}} would go to {{url}}: print the configuration again")

    for group in ("api", "test", "demo"):
        check(exchange.urls.get(group, {{}}))
    return exchange


if __name__ == "__main__":
    exchange = guarded(ccxt.binanceusdm(CONFIG))
    exchange.session.trust_env = False  # no proxy stands between this machine and itself
    print(exchange.fetch_ticker("BTC/USDT:USDT")["last"])
'''


def _ccxt(port: int, key: str, secret: str) -> str:
    loopback = (f"http://127.0.0.1:{port}/", f"ws://127.0.0.1:{port}/")
    return _CCXT.format(
        urls=_python(ccxt_urls("binanceusdm", port)),
        key=repr(key),
        secret=repr(secret),
        options=repr(_options()),
        loopback=repr(loopback),
    )


def _python(value: Any) -> str:
    """JSON of texts and tables is Python too."""
    return json.dumps(value, indent=4)


def _freqtrade(port: int, key: str, secret: str) -> str:
    """The parts of config.json that differ; errors come as plain ones, for classes cannot stand in JSON."""
    ccxt_config = {
        "urls": ccxt_urls("binance", port),
        "options": _options(),
        "enableRateLimit": False,
    }
    pricing = {"price_side": "same", "use_order_book": True, "order_book_top": 1}
    parts = {
        "trading_mode": "futures",
        "margin_mode": "isolated",
        "stake_currency": "USDT",
        "dry_run": False,
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "exchange": {
            "name": "binance",
            "key": key,
            "secret": secret,
            "enable_ws": False,
            "ccxt_config": ccxt_config,
            "ccxt_async_config": {},
            "pair_whitelist": ["BTC/USDT:USDT"],
            "pair_blacklist": [],
        },
    }
    return json.dumps(parts, indent=4) + "\n"


_PYTHON_BINANCE: Final = '''\
"""python-binance on the local exchange: Client and AsyncClient after this is imported."""

import re

from binance import AsyncClient, BinanceSocketManager, Client

HTTP, SOCKET = "http://127.0.0.1:{port}", "ws://127.0.0.1:{port}"


def pointed(owner):
    """Every address of a class or object, on this machine; what the exchange does not serve it refuses."""
    for name in dir(owner):
        url = getattr(owner, name, None)
        if name.endswith("URL") and isinstance(url, str) and url:
            here = SOCKET if url.startswith("ws") else HTTP
            path = re.sub(r"^[a-z]+://[^/]+", "", url)
            if url.startswith("ws") and name not in ("FSTREAM_URL", "WS_FUTURES_URL"):
                path = "/{not_served}" + path
            setattr(owner, name, here + path)


for owner in (Client, AsyncClient, BinanceSocketManager):
    pointed(owner)

if __name__ == "__main__":
    client = Client({key}, {secret}, ping=False)
    client.session.trust_env = False  # no proxy stands between this machine and itself
    print(client.futures_symbol_ticker(symbol="BTCUSDT"))
'''


def _python_binance(port: int, key: str, secret: str) -> str:
    return _PYTHON_BINANCE.format(port=port, key=repr(key), secret=repr(secret), not_served=NOT_SERVED)


_NAUTILUS: Final = '''\
"""nautilus_trader on the local exchange: give these to the node's data_clients and exec_clients."""

from nautilus_trader.adapters.binance.common.enums import BinanceAccountType
from nautilus_trader.adapters.binance.config import BinanceDataClientConfig, BinanceExecClientConfig

WHERE = {{
    "api_key": {key},
    "api_secret": {secret},
    "account_type": BinanceAccountType.{account},
    "base_url_http": "http://127.0.0.1:{port}",
    "base_url_ws": "ws://127.0.0.1:{port}",
}}
# Newer releases keep the address of the private stream apart.
for name in ("base_url_ws_stream",):
    if name in BinanceExecClientConfig.__struct_fields__:
        WHERE[name] = WHERE["base_url_ws"]

DATA = BinanceDataClientConfig(
    **{{name: WHERE[name] for name in WHERE if name in BinanceDataClientConfig.__struct_fields__}}
)
EXEC = BinanceExecClientConfig(**WHERE)
'''


def _nautilus(port: int, key: str, secret: str) -> str:
    return _NAUTILUS.format(port=port, key=repr(key), secret=repr(secret), account="USDT_FUTURES")
