"""What clients showed at the door: who is a web page and who is not, and what needs a key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")

from tests.exchange.served import KEY, Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("exchange") / "state")
    found.account()
    yield found
    assert found.stop() == 0


def test_a_client_that_names_the_server_as_its_origin_is_no_web_page(server: Server) -> None:
    """websocket-client sends such a header; a page of another origin, port or name is refused."""
    ping = "/fapi/v1/ping"
    here = f"http://127.0.0.1:{server.port}"
    assert server.raw("GET", ping, headers={"Origin": here}) == (200, {})
    for origin in (
        "http://evil.example",
        f"http://evil.example:{server.port}",
        f"http://127.0.0.1:{server.port + 1}",
        f"https://127.0.0.1:{server.port}",
        "null",
    ):
        assert server.raw("GET", ping, headers={"Origin": origin})[0] == 403, origin
    renamed = {"Host": f"evil.example:{server.port}", "Origin": f"http://evil.example:{server.port}"}
    assert server.raw("GET", ping, headers=renamed)[0] == 403


def test_old_trades_need_a_key_and_only_a_key(server: Server) -> None:
    path = "/fapi/v1/historicalTrades?symbol=BTCUSDT&limit=2"
    status, told = server.raw("GET", path)
    assert (status, told["code"]) == (401, -2014)
    status, rows = server.raw("GET", path, headers={"X-MBX-APIKEY": KEY})
    assert (status, len(rows)) == (200, 2)


def test_bars_of_a_price_that_nobody_trades_ask_for_what_the_venue_asks_for(server: Server) -> None:
    for name, asked in (("markPrice", "symbol"), ("premiumIndex", "symbol"), ("indexPrice", "pair")):
        path = f"/fapi/v1/{name}Klines?interval=1m&limit=2"
        other = "pair" if asked == "symbol" else "symbol"
        status, rows = server.raw("GET", f"{path}&{asked}=BTCUSDT")
        assert (status, len(rows), len(rows[0])) == (200, 2, 12)
        status, told = server.raw("GET", f"{path}&{other}=BTCUSDT")
        assert (status, told["code"]) == (400, -1102)
        assert server.raw("GET", f"{path}&{asked}=NOPE")[1]["code"] == -1121
        assert server.raw("GET", f"/fapi/v1/{name}Klines?interval=7m&{asked}=BTCUSDT")[1]["code"] == -1120
    status, told = server.raw(
        "GET", "/fapi/v1/historicalTrades?symbol=BTCUSDT&limit=0", headers={"X-MBX-APIKEY": KEY}
    )
    assert (status, told["code"]) == (400, -1130)
