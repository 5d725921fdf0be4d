"""Orders of the page, each once: a client id is kept before anything is sent, and its answer after.

The same id again gets the same answer, also from a desk that was started anew. Where it died in between, the
log of intents tells whether a trade was planned under the id; if none was, nothing was sent.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from lotwise.app.desk import LIVE_WORD, Desk
from lotwise.app.desk_ahead import outcome_error
from lotwise.app.desk_size import judged
from lotwise.app.desk_ticket import Ticket, share_of_equity8, signal_of
from lotwise.errors import InputError, LotwiseError, RefusedError, VenueError
from lotwise.records.guard import Refused
from lotwise.session.pipeline import Outcome, Sent
from lotwise.store.database import Event
from lotwise.units import shown

CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
KINDS: Final[dict[str, type[LotwiseError]]] = {
    "input": InputError,
    "refused": RefusedError,
    "venue": VenueError,
}
Range = Any


class Orders:
    """Places tickets; every call runs in the session's thread."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        config = desk.config
        self.stream = f"desk:{config.venue}:{config.where}:{config.account}"
        self._intents = f"session:{config.venue}:{config.where}:{config.account}"

    def confirm(self, word: str) -> None:
        """Live: a person typed that it is real money, once a session.

        Raises
        ------
        RefusedError
            WEB-129 nothing, or something else, was typed.
        """
        desk = self.desk
        if desk.confirmed:
            return
        if word.strip() != LIVE_WORD:
            typed = f"{shown(word)} was typed" if word.strip() else "nothing was typed"
            raise RefusedError(
                "WEB-129", f"this is real money, and {typed}", f"type {LIVE_WORD} to trade with it"
            )
        from lotwise.app.trade_safety import permit

        permit(desk.config, desk.database, desk.clock, {"desk": True, "typed": LIVE_WORD})
        desk.confirmed = True

    def place(
        self, client_id: str, ticket: Ticket, confirm: str = "", average: Range = None
    ) -> dict[str, Any]:
        """Place a ticket, or say again what came of it.

        Raises
        ------
        InputError
            WEB-128 an id that is none, or one that was used for another ticket; what a ticket raises.
        RefusedError
            WEB-129; the guard's codes; WEB-126 no size fits.
        VenueError
            WEB-127 the venue did not take it; WEB-119 the desk died before anything was sent.
        """
        if not CLIENT_ID.fullmatch(client_id):
            raise InputError(
                "WEB-128", f"the client id is {shown(client_id)}", "8 to 64 letters, digits, - and _"
            )
        body = msgspec.to_builtins(msgspec.structs.replace(ticket, seq=0))
        known = self.desk.database.events(self.stream, subjects=[client_id])
        if known:
            return self._again(client_id, body, known)
        self.confirm(confirm)
        desk, contract = self.desk, self.desk.contracts.get(ticket.contract)
        if contract is None:
            raise InputError(
                "WEB-111",
                f"the desk does not trade {shown(ticket.contract)}",
                f"one of {', '.join(desk.contracts)}",
            )
        ready = judged(ticket, contract, desk, average)
        risk8 = share_of_equity8(ticket, desk.ahead.known().account.equity_cash)
        signal = signal_of(ready.found, ticket, risk8, self._reason(ticket, client_id))
        self._keep("asked", client_id, {"ticket": body})
        try:
            outcome, trade_id = desk.hands.open(contract.id, signal, ready.leverage100)
        except LotwiseError as error:
            self._keep_error(client_id, error)
            raise
        return self._answered(client_id, contract.id, outcome, trade_id)

    def _reason(self, ticket: Ticket, client_id: str) -> str:
        return f"{ticket.reason.strip()[:200] or ticket.setup.strip()[:60] or 'by hand'} [{client_id}]"

    def _answered(self, client_id: str, contract_id: str, outcome: Outcome, trade_id: str) -> dict[str, Any]:
        if not isinstance(outcome, Sent):
            error = outcome_error(outcome)
            self._keep_error(client_id, error)
            if isinstance(outcome, Refused):
                self._to_journal(client_id, contract_id, outcome)
            raise error
        answer = self._placed(contract_id, outcome.lots, trade_id)
        self._keep("answered", client_id, {"answer": answer})
        return answer

    def _placed(self, contract_id: str, lots: int, trade_id: str) -> dict[str, Any]:
        contract = self.desk.contracts[contract_id]
        text = (
            f"{contract.quantity_text(lots)} {contract.quantity_unit} of {contract.id} placed with its exits"
        )
        return {"placed": True, "trade_id": trade_id, "lots": int(lots), "text": text}

    def _to_journal(self, client_id: str, contract_id: str, refused: Refused) -> None:
        keeper, contract = self.desk.keeper, self.desk.contracts[contract_id]
        if keeper is None:
            return
        try:
            keeper.log.refusal(
                contract.symbol,
                client_id,
                rule=refused.rule,
                message=refused.message,
                time_ns=self.desk.clock.now_ns(),
                ways=[refused.hint],
            )
        except LotwiseError as error:
            self.desk.broker.hand.tell("trouble", f"the journal was not written: {error.message}")

    def _again(self, client_id: str, body: dict[str, Any], known: list[Event]) -> dict[str, Any]:
        asked = next(one for one in known if one.kind == "asked")
        if asked.body["ticket"] != body:
            raise InputError(
                "WEB-128", f"{client_id} was used for another ticket", "give every ticket an id of its own"
            )
        answered = next((one.body for one in known if one.kind == "answered"), None)
        if answered is None:
            return self._found_again(client_id, asked)
        if "answer" in answered:
            return dict(answered["answer"])
        told = answered["error"]
        raise KINDS.get(told["kind"], LotwiseError)(told["code"], told["message"], told["hint"])

    def _found_again(self, client_id: str, asked: Event) -> dict[str, Any]:
        """The desk died between the question and its answer: the plan in the log of intents tells."""
        for event in self.desk.database.events(self._intents, kind="plan", after=asked.id):
            if event.body["signal"]["reason"].endswith(f"[{client_id}]"):
                answer = self._placed(event.body["contract_id"], event.body["lots"], event.subject)
                self._keep("answered", client_id, {"answer": answer})
                return answer
        error = VenueError(
            "WEB-119", f"the desk ended before {client_id} was sent: nothing was placed", "place it anew"
        )
        self._keep_error(client_id, error)
        raise error

    def _keep_error(self, client_id: str, error: LotwiseError) -> None:
        kind = next((name for name, type_ in KINDS.items() if isinstance(error, type_)), "")
        told = {"kind": kind, "code": error.code, "message": error.message, "hint": error.hint}
        self._keep("answered", client_id, {"error": told})

    def _keep(self, kind: str, client_id: str, body: dict[str, Any]) -> None:
        now = int(self.desk.clock.now_ns())
        self.desk.database.append(
            self.stream, kind, body, time_ns=now, subject=client_id, key=f"{self.stream}:{kind}:{client_id}"
        )
