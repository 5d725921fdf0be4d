"""Writes what a session or the desk trades into the journal: plan, the stop's path, every execution.

It works in the session's thread, between events. The journal keeps everything once, so all is said again
after a crash; a journal that fails is told of and stops nothing.
"""

from __future__ import annotations

from lotwise.broker.chronicle import Told
from lotwise.broker.live import LiveBroker
from lotwise.broker.trade import Trade
from lotwise.errors import LotwiseError
from lotwise.journal.measures import Plan
from lotwise.journal.session_log import SessionLog
from lotwise.journal.shelf import Journal

FUNDING = "FUNDING_FEE"


class Keeper:
    """A chronicle that notes which trades have news, and writes them down when it is asked to."""

    def __init__(self, journal: Journal, venue: str, account: str) -> None:
        self.log = SessionLog(journal, venue, account)
        self.broker: LiveBroker | None = None
        self._trades: dict[str, Trade] = {}
        self._news: set[str] = set()
        self._ended: set[str] = set()
        self._stops: dict[str, int] = {}
        self._said = ""

    def told(self, event: Told) -> None:
        """Note a trade that something happened to."""
        if not event.trade_id or self.broker is None:
            return
        trade = self.broker.trades.get(event.contract_id)
        if trade is not None and trade.id == event.trade_id:
            self._trades[trade.id] = trade
        if event.kind in ("plan", "order", "fill", "stop_seen", "stop_moved", "ended", "foreign"):
            self._news.add(event.trade_id)
        if event.kind == "ended":
            self._ended.add(event.trade_id)

    def take_up(self) -> None:
        """Trades that an earlier session left: what happened to them since is written too."""
        for trade in self.broker.trades.values() if self.broker else ():
            self._trades[trade.id] = trade
            self._news.add(trade.id)

    def work(self) -> None:
        """Write what has come; what cannot be written now is tried again."""
        assert self.broker is not None
        for name in sorted(self._news):
            trade = self._trades.get(name)
            if trade is None:
                self._news.discard(name)
                continue
            try:
                self._write(trade, name in self._ended)
            except LotwiseError as error:
                if self._said != error.message:
                    self._said = error.message
                    self.broker.hand.tell("trouble", f"the journal was not written: {error.message}")
                continue
            self._news.discard(name)
            if name in self._ended:
                self._ended.discard(name)
                del self._trades[name]

    def _write(self, trade: Trade, is_over: bool) -> None:
        assert self.broker is not None
        contract, plan, log = trade.contract, trade.plan, self.log
        scales, signal = contract.scales, plan.signal
        meant = Plan(
            stop8=signal.stop_ticks * scales.tick_size8,
            target8s=tuple(one.price_ticks * scales.tick_size8 for one in signal.targets),
            entry8=(plan.legs[0].price_ticks or plan.last_ticks) * scales.tick_size8,
            risk_cash=int(plan.risk_cash),
            stop_source="given",
            quantity8=plan.lots * scales.lot_size8,
        )
        entries = [one for one in trade.placed.values() if one.role == "entry"]
        now = self.broker.clock.now_ns()
        for one in entries:
            log.plan(contract.symbol, one.client_id, meant, time_ns=plan.time_ns, reason=signal.reason)
            if one.venue_id:
                log.accepted(contract.symbol, one.client_id, one.venue_id, time_ns=one.time_ns)
        stops = [one for one in trade.placed.values() if one.role == "stop" and one.how != "refused"]
        for stop in stops:
            if entries:
                price8 = stop.ticks * scales.tick_size8
                log.stop(contract.symbol, entries[0].client_id, price8, time_ns=stop.time_ns)
        if trade.mirror.was_entered:
            since = max(0, plan.venue_ns - self.broker.policy.overlap_ns)
            ours = {one.venue_id for one in trade.placed.values() if one.venue_id}
            fills = self.broker.port.fills(contract.id, since)
            log.fill(*(fill for fill in fills if fill.time_ns >= plan.venue_ns or fill.order_id in ours))
        if is_over and trade.mirror.was_entered:
            rows = self.broker.port.income(plan.venue_ns)
            log.income(*(row for row in rows if row.kind == FUNDING and row.time_ns <= now + 10**9))
