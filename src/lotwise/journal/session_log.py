"""What a session writes into the journal while it trades: plans, orders, stops, refusals, fills.

Everything is said once: each call names what it is of, and the same said again, after a crash or a lost
answer, keeps nothing more. The same name with other content is refused, STORE-109. What is said of an order
finds its trade by the order's fills, so that a plan can be written before the order is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from lotwise.errors import InputError
from lotwise.journal.conditions import Conditions
from lotwise.journal.grouping import STREAM, order_subject
from lotwise.journal.measures import Plan
from lotwise.journal.notes import plan_body
from lotwise.journal.shelf import Added, Journal
from lotwise.records.journal import Fill, Income
from lotwise.store.database import append, one_at_a_time


class SessionLog:
    """A session's pen: one account of one venue; times are handed in, ns UTC.

    Every call is a transaction of its own and is on the disk when it returns. An order is named by the id
    that the session gave it; :meth:`accepted` says which id the venue has for it.

    Examples
    --------
    ::

        log = SessionLog(journal, "binance")
        log.plan("BTCUSDT", "lw-1", Plan(stop8=..., risk_cash=...), time_ns=now, setup="range")
        log.accepted("BTCUSDT", "lw-1", "8389765", time_ns=now)
        log.stop("BTCUSDT", "lw-1", price8, time_ns=now)
        log.fill(Fill(venue="binance", contract="BTCUSDT", order_id="8389765", ...))
    """

    def __init__(self, journal: Journal, venue: str, account: str = "main") -> None:
        self.journal = journal
        self.venue, self.account = venue, account

    def plan(
        self,
        contract: str,
        order_id: str,
        plan: Plan,
        *,
        time_ns: int,
        reason: str = "",
        setup: str = "",
        number: int = 0,
    ) -> int:
        """What an entry is meant to be; a later ``number`` changes what it says. The event's id.

        Raises
        ------
        InputError
            JOURNAL-108 nothing is planned, or an order without an id.
        StoreError
            STORE-109 the same number says something else.
        """
        body = plan_body(plan, reason=reason, setup=setup)
        if not body:
            raise InputError(
                "JOURNAL-108", f"the plan of order {order_id} says nothing", "say at least where the stop is"
            )
        return self._say(contract, order_id, "plan", body, time_ns=time_ns, name=str(number))

    def accepted(self, contract: str, order_id: str, venue_order_id: str, *, time_ns: int) -> int:
        """The venue's id of an order: its fills bear that one."""
        from lotwise.store.tables import TRIP_ORDERS

        mine, theirs = self._subject(contract, order_id), self._subject(contract, venue_order_id)
        with self.journal.database.write() as connection:
            one_at_a_time(connection)
            found = append(
                connection,
                STREAM,
                "accepted",
                {"of": mine},
                time_ns=time_ns,
                subject=theirs,
                key=f"accepted:{theirs}",
            )
            trips = connection.execute(TRIP_ORDERS.select().where(TRIP_ORDERS.c.subject == theirs)).all()
            known = {
                row.trip_id
                for row in connection.execute(TRIP_ORDERS.select().where(TRIP_ORDERS.c.subject == mine))
            }
            for row in trips:  # its fills were here before it
                if row.trip_id not in known:
                    connection.execute(
                        TRIP_ORDERS.insert().values(subject=mine, trip_id=row.trip_id, enters=row.enters)
                    )
        return found

    def order(
        self, contract: str, order_id: str, state: str, *, time_ns: int, more: dict[str, Any] | None = None
    ) -> int:
        """What became of an order: ``sent``, ``open``, ``cancelled``, ``rejected`` and why."""
        body = {"state": state} | (more or {})
        return self._say(contract, order_id, "order", body, time_ns=time_ns, name=f"{state}:{time_ns}")

    def stop(self, contract: str, order_id: str, price8: int, *, time_ns: int) -> int:
        """Where the stop of an entry stands from a time on; all of them are its path.

        Raises
        ------
        InputError
            JOURNAL-108 a stop at no price.
        """
        if price8 <= 0:
            raise InputError("JOURNAL-108", f"a stop at {price8}e-8", "a price is above zero")
        body = {"price8": price8}
        return self._say(contract, order_id, "stop", body, time_ns=time_ns, name=f"{time_ns}:{price8}")

    def refusal(
        self,
        contract: str,
        intent_id: str,
        *,
        rule: str,
        message: str,
        time_ns: int,
        ways: Iterable[str] = (),
    ) -> int:
        """What was refused, by which rule, with its numbers and the ways out."""
        body = {"rule": rule, "message": message, "ways": list(ways)}
        return self._say(contract, intent_id, "refusal", body, time_ns=time_ns, name=rule)

    def override(self, contract: str, intent_id: str, *, rule: str, reason: str, time_ns: int) -> int:
        """A rule that a person set aside, and why.

        Raises
        ------
        InputError
            JOURNAL-108 without a reason.
        """
        if not reason.strip():
            raise InputError("JOURNAL-108", f"{rule} is set aside without a reason", "write why")
        body = {"rule": rule, "reason": reason.strip()}
        return self._say(contract, intent_id, "override", body, time_ns=time_ns, name=rule)

    def conditions(self, contract: str, order_id: str, market: Conditions, *, time_ns: int) -> int:
        """What the market was like at an entry; what is None is left to the bars of the market store."""
        body = {name: value for name, value in asdict(market).items() if value is not None}
        return self._say(contract, order_id, "conditions", body, time_ns=time_ns, name="")

    def excursion(
        self,
        contract: str,
        order_id: str,
        *,
        worst_cash: int,
        best_cash: int,
        worst_price8: int,
        best_price8: int,
        time_ns: int,
    ) -> int:
        """The worst and the best of a trade so far, before costs, with their prices; the latest counts."""
        body = {
            "worst_cash": min(0, worst_cash),
            "best_cash": max(0, best_cash),
            "worst_price8": worst_price8,
            "best_price8": best_price8,
        }
        return self._say(contract, order_id, "excursion", body, time_ns=time_ns, name=str(time_ns))

    def fill(self, *fills: Fill) -> Added:
        """Keep fills, each once by the venue's id; trades are worked out at once.

        Raises
        ------
        InputError
            JOURNAL-101, LEDGER-104, LEDGER-105 as :meth:`lotwise.journal.shelf.Journal.add`; JOURNAL-108
            one of another account.
        """
        self._own(fills)
        return self.journal.add(fills)[0]

    def income(self, *incomes: Income) -> Added:
        """Keep income records, each once: funding, transfers. Errors as :meth:`fill`, and LEDGER-103."""
        self._own(incomes)
        return self.journal.add([], incomes)[1]

    def _own(self, records: Iterable[Fill | Income]) -> None:
        for one in records:
            if (one.venue, one.account) != (self.venue, self.account):
                raise InputError(
                    "JOURNAL-108",
                    f"a record of {one.venue}:{one.account} in the log of {self.venue}:{self.account}",
                    "use the log of that account",
                )

    def _subject(self, contract: str, order_id: str) -> str:
        if not order_id:
            raise InputError("JOURNAL-108", f"an order of {contract} without an id", "name the order")
        return order_subject(self.venue, self.account, contract, order_id)

    def _say(
        self, contract: str, order_id: str, kind: str, body: dict[str, Any], *, time_ns: int, name: str
    ) -> int:
        subject = self._subject(contract, order_id)
        return self.journal.database.append(
            STREAM, kind, body, time_ns=time_ns, subject=subject, key=f"{kind}:{subject}:{name}"
        )
