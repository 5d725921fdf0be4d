"""Unmodified ccxt, sync, async and pro, is told what the reference venue says, to the last digit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt")

from tests.exchange.conformance import CLIENTS, OPTIONS, Sheet, Stage
from tests.exchange.conformance_story import told
from tests.exchange.served import Server

LEAST = 300
WANTED = """
GET ping | GET time | GET exchangeInfo | GET klines | GET markPriceKlines | GET premiumIndexKlines
GET indexPriceKlines | GET aggTrades | GET trades | GET historicalTrades | GET depth | GET ticker/24hr
GET ticker/bookTicker | GET /fapi/v2/ticker/price | GET premiumIndex | GET fundingRate | GET fundingInfo
GET openInterest | GET /fapi/v3/account | GET /fapi/v2/account | GET /fapi/v2/balance | GET /fapi/v3/balance
GET /fapi/v3/positionRisk | GET /fapi/v2/positionRisk | GET leverageBracket | POST leverage | POST marginType
GET positionSide/dual | POST positionSide/dual | GET multiAssetsMargin | GET symbolConfig | GET accountConfig
GET commissionRate | POST positionMargin | GET positionMargin/history | POST order | GET order | DELETE order
PUT order | GET openOrder | GET openOrders | GET allOrders | DELETE allOpenOrders | POST batchOrders
DELETE batchOrders | POST algoOrder | GET algoOrder | DELETE algoOrder | GET openAlgoOrders
GET allAlgoOrders | DELETE algoOpenOrders | GET userTrades | GET income | GET forceOrders | GET adlQuantile
POST listenKey | PUT listenKey | DELETE listenKey | GET /sapi/v1/capital/config/getall
GET /sapi/v1/margin/allPairs | GET /sapi/v1/margin/isolated/allPairs | GET /sapi/v1/system/status
GET /api/v3/exchangeInfo | GET /dapi/v1/exchangeInfo
"""
"""Every endpoint that clients of Binance USD-M trade with, the first and the second rank."""


def wanted() -> set[str]:
    """The endpoints with their whole paths."""
    found = set()
    for name in WANTED.replace("\n", "|").split("|"):
        if name.strip():
            method, _, path = name.strip().partition(" ")
            found.add(f"{method} {path if path.startswith('/') else f'/fapi/v1/{path}'}")
    return found


def played(folder: Path) -> Sheet:
    """The story, on a server of its own."""

    async def whole(server: Server) -> Sheet:
        async with Stage(server) as stage:
            await told(stage)
            stage.twin.venue.audit()
            return stage.sheet

    server = Server(folder, *OPTIONS)
    try:
        return asyncio.run(whole(server))
    finally:
        server.stop()


def test_every_endpoint_tells_ccxt_what_the_reference_says(tmp_path: Path) -> None:
    sheet = played(tmp_path / "state")
    for row in sheet.table():
        print(" | ".join(row))
    from tools.exchange_conformance import PAGE, page  # it plays this story too

    wrong = sheet.wrong()
    assert not wrong, "\n".join(sorted({str(line[:4]) for line in wrong})[:60])
    assert len(sheet.distinct()) >= LEAST
    for client in CLIENTS:
        assert wanted() - sheet.reached[client] == set()
        mine = {line[:3] for line in sheet.lines if line.client == client}
        assert len(mine) >= LEAST
    assert PAGE.read_text(encoding="utf-8") == page(sheet), "run python -m tools.exchange_conformance"
