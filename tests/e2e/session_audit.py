"""What the exchange has, what the session's log says, what the journal makes of it: all must be one.

The exchange is asked over REST and the log is read as rows of its file: nothing of the session is asked.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from lotwise.broker.intents import client_id_of, owner_of
from tests.exchange.served import KEY, SECRET, Server
from tests.exchange.test_kill import signed

SYMBOL, CONTRACT = "BTCUSDT", "binance:BTCUSDT"
LOT, TICK = Decimal("0.001"), Decimal("0.1")
CASH = 10**8
SIGN = {"BUY": 1, "SELL": -1}
MAKING = threading.Lock()
"""Alembic makes one database at a time in a process."""
RESULTS = ("REALIZED_PNL", "COMMISSION", "FUNDING_FEE", "INSURANCE_CLEAR")


@dataclass
class Exchange:
    """All that it tells of one account."""

    orders: list[Any]
    algos: list[Any]
    fills: list[Any]
    incomes: list[Any]
    lots: int
    wallet_cash: int

    @property
    def open_ids(self) -> set[str]:
        """Client ids of what stands."""
        plain = {one["clientOrderId"] for one in self.orders if one["status"] in ("NEW", "PARTIALLY_FILLED")}
        return plain | {one["clientAlgoId"] for one in self.algos if one["algoStatus"] == "NEW"}

    @property
    def is_open(self) -> bool:
        """Something is held or stands."""
        return bool(self.lots or self.open_ids)

    @property
    def covered_lots(self) -> int:
        """Lots behind stops that stand on the right side."""
        stops = [one for one in self.algos if one["algoStatus"] == "NEW" and one["reduceOnly"]]
        return sum(lots_of(one["quantity"]) for one in stops if SIGN[one["side"]] * self.lots < 0)


def lots_of(text: str) -> int:
    """Lots of a quantity; a part of one fails."""
    lots = Decimal(text) / LOT
    assert lots == int(lots), text
    return int(lots)


def cash_of(text: str) -> int:
    """Money in 1e-8; a finer part fails."""
    cash = Decimal(text) * CASH
    assert cash == int(cash), text
    return int(cash)


def asked(server: Server) -> Exchange:
    """Ask the exchange for everything."""
    line = HTTPConnection("127.0.0.1", server.port, timeout=30)
    orders = signed(line, "GET", "/fapi/v1/allOrders", symbol=SYMBOL, limit=1000)
    algos = signed(line, "GET", "/fapi/v1/allAlgoOrders", symbol=SYMBOL, limit=1000)
    fills = signed(line, "GET", "/fapi/v1/userTrades", symbol=SYMBOL, limit=1000)
    incomes = signed(line, "GET", "/fapi/v1/income", limit=1000)
    held = signed(line, "GET", "/fapi/v3/positionRisk")
    wallet = signed(line, "GET", "/fapi/v3/account")["totalWalletBalance"]
    line.close()
    assert max(map(len, (orders, algos, fills, incomes))) < 1_000  # nothing was left out
    lots = sum(lots_of(row["positionAmt"]) for row in held)
    return Exchange(orders, algos, fills, incomes, lots, cash_of(wallet))


@dataclass
class Log:
    """What a session wrote down, from the first line on."""

    fills: list[Any] = field(default_factory=list)
    plans: dict[str, Any] = field(default_factory=dict)
    ends: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Client id to stage and how it ended."""

    @property
    def open_ids(self) -> set[str]:
        """Orders that stand, as far as the log says."""
        return {name for name, (stage, _) in self.stages.items() if stage == "open"}

    @property
    def unknown_ids(self) -> set[str]:
        """Orders that were sent and have no answer."""
        return {name for name, (stage, _) in self.stages.items() if stage == "sent"}


def read(database: Path) -> Log:
    """Read the log from its file."""
    line = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    rows = line.execute(
        "SELECT kind, subject, body FROM events WHERE stream LIKE 'session:%' ORDER BY id"
    ).fetchall()
    line.close()
    log = Log()
    for kind, subject, text in rows:
        body = json.loads(text)
        if kind == "plan":
            assert subject not in log.plans, f"plan {subject} twice"
            log.plans[subject] = body
            for number in range(1, len(body["legs"]) + 1):
                log.stages[client_id_of(subject, "entry", number, 1)] = ("sent", "")
        elif kind == "send":
            assert body["client_id"] not in log.stages, f"{body['client_id']} left twice"
            log.stages[body["client_id"]] = ("sent", "")
        elif kind == "answer":
            log.stages[body["client_id"]] = (body["stage"], body["how"])
        elif kind == "fill":
            log.fills.append(body)
        elif kind == "end":
            assert subject not in log.ends, f"end {subject} twice"
            log.ends[subject] = body
    return log


def complaint(exchange: Exchange, log: Log) -> str:
    """What does not agree yet while the session recovers; empty: all does."""
    held = sum(body["side"] * body["lots"] for body in log.fills)
    if held != exchange.lots:
        return f"the log holds {held} lots, the exchange {exchange.lots}"
    known = {one["clientOrderId"] for one in exchange.orders} | {
        one["clientAlgoId"] for one in exchange.algos
    }
    if lost := log.unknown_ids & known:
        return f"the exchange has orders of which no answer is known: {sorted(lost)}"
    if log.open_ids != exchange.open_ids:
        return f"open in one alone: {sorted(log.open_ids ^ exchange.open_ids)}"
    if exchange.covered_lots != abs(exchange.lots):
        return f"{exchange.lots} lots are held, {exchange.covered_lots} behind stops"
    active = set(log.plans) - set(log.ends)
    waited_for = {(owner_of(name) or ("",))[0] for name in log.unknown_ids}  # 30 s: they may still arrive
    if bool(active - waited_for) != bool(exchange.is_open and active - waited_for):
        return f"trades {sorted(active)} are open, at the exchange nothing"
    if exchange.is_open and not active:
        return f"no trade is open, at the exchange {exchange.lots} lots and {sorted(exchange.open_ids)}"
    return ""


def audit(exchange: Exchange, log: Log, deposit_cash: int) -> None:
    """Orders, fills, position and cash agree exactly; nothing is doubled, nothing lost."""
    assert complaint(exchange, log) == ""
    names = Counter(
        [one["clientOrderId"] for one in exchange.orders if not one["clientOrderId"].startswith("algo")]
        + [one["clientAlgoId"] for one in exchange.algos]
    )
    own = {name for name in names if owner_of(name)}
    triggered = {one["clientAlgoId"] for one in exchange.algos if one["triggerTime"]}
    assert all(count == 1 or name in triggered for name, count in names.items()), names.most_common(3)
    never = {name for name, (_, how) in log.stages.items() if how in ("refused", "absent")}
    assert set(log.stages) - never - log.unknown_ids == own  # each was in the log first, and all are there
    _orders(exchange, log)
    _fills(exchange, log)
    _money(exchange, log, deposit_cash)


def _orders(exchange: Exchange, log: Log) -> None:
    how = {"FILLED": "filled", "CANCELED": "cancelled", "EXPIRED": "expired"}
    entered: Counter[str] = Counter()
    for one in exchange.orders:
        owner = owner_of(one["clientOrderId"])
        if owner is None:
            continue
        if owner[1] == "entry":
            entered[owner[0]] += lots_of(one["executedQty"])
        if one["status"] in how and owner[1] != "stop":
            assert log.stages[one["clientOrderId"]] == ("ended", how[one["status"]])
    for trade_id, lots in entered.items():
        assert lots <= log.plans[trade_id]["lots"], f"{trade_id} entered more than it planned"


def _fills(exchange: Exchange, log: Log) -> None:
    names = {one["orderId"]: one["clientOrderId"] for one in exchange.orders}
    algos = {str(one["actualOrderId"]): one["clientAlgoId"] for one in exchange.algos if one["actualOrderId"]}
    names |= {number: algos[str(number)] for number in names if str(number) in algos}
    theirs = {
        str(one["id"]): (
            names[one["orderId"]],
            SIGN[one["side"]],
            lots_of(one["qty"]),
            Decimal(one["price"]),
            cash_of(one["commission"]),
            one["time"],
        )
        for one in exchange.fills
    }
    ours = {
        body["fill_id"]: (
            body["client_id"],
            body["side"],
            body["lots"],
            body["price_ticks"] * TICK,
            body["fee_cash"],
            body["time_ns"] // 10**6,
        )
        for body in log.fills
    }
    assert len(theirs) == len(exchange.fills)
    assert len(ours) == len(log.fills)
    assert ours == theirs


def _money(exchange: Exchange, log: Log, deposit_cash: int) -> None:
    assert deposit_cash == sum(
        cash_of(one["income"]) for one in exchange.incomes if one["incomeType"] == "TRANSFER"
    )
    results = [one for one in exchange.incomes if one["incomeType"] in RESULTS]
    assert len(results) + 1 == len(exchange.incomes)
    assert deposit_cash + sum(cash_of(one["income"]) for one in results) == exchange.wallet_cash
    if exchange.lots == 0:
        flow = sum(-body["side"] * body["lots"] * body["price_ticks"] for body in log.fills)
        fees = sum(body["fee_cash"] for body in log.fills)
        funding = sum(cash_of(one["income"]) for one in results if one["incomeType"] == "FUNDING_FEE")
        assert deposit_cash + flow * int(TICK * LOT * CASH) - fees + funding == exchange.wallet_cash
    if not exchange.is_open and set(log.plans) == set(log.ends):
        ended = sum(body["result_cash"] for body in log.ends.values())
        assert deposit_cash + ended == exchange.wallet_cash


class Books:
    """A journal that both tell: the session by its log, the venue by the importer's road."""

    def __init__(self, place: Path, server: Server) -> None:
        from lotwise.journal.session_log import SessionLog
        from lotwise.journal.shelf import Journal

        with MAKING:
            self.journal = Journal.at(place)
        self.pen = SessionLog(self.journal, "binance", "main")
        self.server = server

    def agree(self, exchange: Exchange, log: Log) -> int:
        """Fills of the log first; then the venue's own bring nothing new, and nothing else. Round trips."""
        from lotwise.broker.ccxt_venue.connect import connect
        from lotwise.broker.ccxt_venue.keys import Keys
        from lotwise.journal.shelf import Wanted

        url = f"http://127.0.0.1:{self.server.port}"
        port = connect("binance", "paper", url=url, keys=Keys(key=KEY, secret=SECRET), environment={})
        fills = list(port.fills(CONTRACT, 0))
        kept = {body["fill_id"]: body for body in log.fills}
        told = [one for one in fills if one.trade_id in kept]
        assert len(told) == len(kept) == len(fills) == len(exchange.fills)
        for one in told:  # the venue's record holds what the session wrote down
            body = kept[one.trade_id]
            wrote = (body["side"], body["lots"] * int(LOT * CASH), body["price_ticks"] * int(TICK * CASH))
            assert (one.side, one.quantity8, one.price8) == wrote
            assert (one.fee_cash, one.time_ns) == (body["fee_cash"], body["time_ns"])
        self.pen.fill(*told)
        self.pen.income(*port.income(0))
        again = self.journal.add(fills, port.income(0))
        assert (again[0].new, again[1].new) == (0, 0)
        trips = self.journal.page(Wanted(), limit=1_000)
        closed = [one for one in trips if one.closed_ns]
        entered = {owner_of(body["client_id"])[0] for body in log.fills}  # type: ignore[index]
        assert len(trips) == len(entered)
        if not exchange.is_open and set(log.plans) == set(log.ends):
            assert len(closed) == len(trips)
            won = sum(one.net_cash for one in closed)
            assert won == sum(body["result_cash"] for body in log.ends.values())
        return len(trips)

    def close(self) -> None:
        """Done."""
        self.journal.close()


def naked_spans(exchange: Exchange) -> list[tuple[int, int]]:
    """From when to when, in ms of the market, less was behind stops than was held."""
    moves: list[tuple[int, int, str, int]] = []
    for one in exchange.fills:
        moves.append((one["time"], 0, "held", SIGN[one["side"]] * lots_of(one["qty"])))
    for one in exchange.algos:
        lots = SIGN[one["side"]] * lots_of(one["quantity"])
        moves.append((one["createTime"], 1, "stop", lots))
        if one["algoStatus"] != "NEW":
            moves.append((one["triggerTime"] or one["updateTime"], 2, "stop", -lots))
    held = stops = since = 0
    spans: list[tuple[int, int]] = []
    moves.sort(key=lambda one: one[0])
    for number, (time_ms, _, what, lots) in enumerate(moves):
        held, stops = (held + lots, stops) if what == "held" else (held, stops + lots)
        if number + 1 < len(moves) and moves[number + 1][0] == time_ms:
            continue  # all of one moment together
        is_naked = held != 0 and -stops * (1 if held > 0 else -1) < abs(held)
        if is_naked and not since:
            since = time_ms
        elif not is_naked and since:
            spans.append((since, time_ms))
            since = 0
    return spans + ([(since, moves[-1][0])] if since else [])
