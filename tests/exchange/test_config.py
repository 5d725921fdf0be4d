"""``lotwise exchange config``: what is printed is loaded by real clients; every address is this machine."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import runpy
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
ccxt = pytest.importorskip("ccxt")

from lotwise.app.exchange_clients import CLIENTS, NOT_SERVED, client_text, local  # noqa: E402
from lotwise.cli.exchange import family  # noqa: E402
from lotwise.errors import InputError, LotwiseError  # noqa: E402
from tests.exchange.served import KEY, SECRET, SYMBOL, Server  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("exchange") / "state")
    found.account()
    yield found
    assert found.stop() == 0


def printed(client: str, port: int, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints."""
    words = ["config", client, "--port", str(port), "--key", KEY, "--secret", SECRET]
    assert family(words, result_action="return_value") in (0, None)
    return capsys.readouterr().out


def loaded(text: str, tmp_path: Path) -> dict[str, Any]:
    """The names that a printed module has."""
    path = tmp_path / "pointed.py"
    path.write_text(text, encoding="utf-8")
    return runpy.run_path(str(path), run_name="pointed")


def addresses(value: Any) -> Iterator[str]:
    """Every text in tables that is an address."""
    if isinstance(value, dict):
        for one in value.values():
            yield from addresses(one)
    elif isinstance(value, str) and "://" in value:
        yield value


def all_local(urls: Any, port: int) -> int:
    """Every address is of this machine and port; how many there are."""
    found = list(addresses(urls))
    wrong = [url for url in found if not re.match(rf"(http|ws)://127\.0\.0\.1:{port}(/|$)", url)]
    assert wrong == []
    return len(found)


def test_what_is_printed_for_ccxt_sends_nothing_anywhere_else(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import ccxt.async_support
    import ccxt.pro

    made = loaded(printed("ccxt", server.port, capsys), tmp_path)
    config, guarded = made["CONFIG"], made["guarded"]
    plain = ccxt.pro.binanceusdm()
    for kind in (ccxt.binanceusdm, ccxt.async_support.binanceusdm, ccxt.pro.binanceusdm):
        ex = guarded(kind(config))
        count = all_local(ex.urls, server.port)
        assert count >= len(list(addresses(plain.urls)))  # none was lost, none stayed
        for switch in (
            lambda one=ex: one.set_sandbox_mode(True),
            lambda one=ex: one.enable_demo_trading(True),
        ):
            try:
                switch()
            except ccxt.NotSupported:  # demo after sandbox
                continue
            all_local(ex.urls, server.port)
    ex = guarded(ccxt.binanceusdm(config))
    ex.session.trust_env = False
    ex.load_markets()
    assert ex.create_order(SYMBOL, "market", "buy", 0.002)["status"] == "closed"
    with pytest.raises(ccxt.InsufficientFunds):  # its class, which hangs on the real address otherwise
        ex.create_order(SYMBOL, "market", "buy", 5.0)
    ex.urls["api"]["dapiPublic"] = "https://dapi.binance.com/dapi/v1"
    with pytest.raises(RuntimeError, match="dapiPublic would go to https"):
        guarded(ex)


def test_a_path_that_is_not_served_fails_loudly(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = loaded(printed("ccxt", server.port, capsys), tmp_path)["CONFIG"]
    ex = ccxt.binanceusdm(config)
    ex.session.trust_env = False
    refused = 0
    for call in (
        ex.sapiGetAccountStatus,
        ex.dapiPrivateGetAccount,
        ex.privateGetAccount,
        ex.papiGetBalance,
        ex.eapiPrivateGetAccount,
        lambda: ex.fapiDataGetOpenInterestHist({"symbol": "BTCUSDT", "period": "5m"}),
    ):
        with pytest.raises(ccxt.BaseError, match="No such path"):
            call()
        refused += 1
    assert refused == 6

    async def spot() -> str:
        import ccxt.pro

        other = ccxt.pro.binance(config)
        other.aiohttp_trust_env = False
        try:
            url = other.urls["api"]["ws"]["spot"]
            assert NOT_SERVED in url
            with pytest.raises(ccxt.BaseError) as caught:
                await asyncio.wait_for(other.watch(url, "x", {"id": 1}, "x"), 20)
            return type(caught.value).__name__
        finally:
            await other.close()

    assert asyncio.run(spot()) in (
        "NetworkError",
        "ExchangeNotAvailable",
        "ExchangeClosedByUser",
        "BadRequest",
    )


def test_what_is_printed_for_freqtrade_is_its_config(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = json.loads(printed("freqtrade", server.port, capsys))
    given = parts["exchange"]["ccxt_config"]
    assert parts["exchange"]["name"] == "binance"
    assert parts["entry_pricing"]["use_order_book"] is True
    ex = ccxt.binance(
        {**given, "apiKey": KEY, "secret": SECRET, "options": {**given["options"], "defaultType": "swap"}}
    )
    ex.session.trust_env = False
    assert all_local(ex.urls, server.port) >= 40
    ex.load_markets()
    assert ex.fetch_balance()["USDT"]["total"] > 900


def test_what_is_printed_for_python_binance_points_every_address(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stand-ins of its classes; the client itself is driven by ``make test-clients``."""
    stand = types.ModuleType("binance")
    if importlib.util.find_spec("binance") is None:
        base = type(
            "Base",
            (),
            {"API_URL": "https://api{}.binance.{}/api", "FUTURES_URL": "https://fapi.binance.{}/fapi"},
        )
        stand.Client = type("Client", (base,), {"WS_FUTURES_URL": "wss://ws-fapi.binance.{}/ws-fapi/v1"})  # type: ignore[attr-defined]
        stand.AsyncClient = type("AsyncClient", (base,), {"NO_URL": "", "URLS": 3})  # type: ignore[attr-defined]
        names = {"STREAM_URL": "wss://stream.binance.{}:9443/", "FSTREAM_URL": "wss://fstream.binance.{}/"}
        stand.BinanceSocketManager = type("BinanceSocketManager", (), names)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "binance", stand)
    made = loaded(printed("python-binance", 8610, capsys), tmp_path)
    for name in ("Client", "AsyncClient", "BinanceSocketManager"):
        owner = made[name]
        found = {
            one: getattr(owner, one) for one in dir(owner) if one.endswith("URL") and getattr(owner, one)
        }
        assert all_local(found, 8610) == len(found) >= 2
    assert made["Client"].FUTURES_URL == "http://127.0.0.1:8610/fapi"
    assert made["Client"].WS_FUTURES_URL == "ws://127.0.0.1:8610/ws-fapi/v1"
    assert made["BinanceSocketManager"].FSTREAM_URL == "ws://127.0.0.1:8610/"
    assert NOT_SERVED in made["BinanceSocketManager"].STREAM_URL


def test_what_is_printed_for_nautilus_is_python_without_another_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed("nautilus", 8610, capsys)
    compile(text, "nautilus", "exec")
    assert set(re.findall(r"\w+://[^/\"]+", text)) == {"http://127.0.0.1:8610", "ws://127.0.0.1:8610"}


@pytest.mark.parametrize(
    ("client", "port", "key"),
    [
        ("bybit", 8610, "k"),
        ("ccxt", 0, "k"),
        ("ccxt", 65_536, "k"),
        ("ccxt", 8610, 'k"; import os'),
        ("", 1, "k"),
    ],
)
def test_silly_configurations_are_refused(client: str, port: int, key: str) -> None:
    with pytest.raises(InputError, match="EXCHANGE-153"):
        client_text(client, port, key, "s")


def test_no_configuration_names_the_real_venue_and_ccxt_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for client in CLIENTS:
        hosts = set(re.findall(r"(?:https?|wss?)://([^/\"{]+)", client_text(client, 8610)))
        assert hosts == {"127.0.0.1:8610"}, client
    assert local("wss://stream.binance.com:9443/ws", 7) == "ws://127.0.0.1:7/ws"
    monkeypatch.setitem(sys.modules, "ccxt.pro", None)
    with pytest.raises(LotwiseError, match="EXCHANGE-154"):
        client_text("ccxt", 8610)
