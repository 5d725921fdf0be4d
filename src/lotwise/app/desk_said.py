"""What a desk was told, as its page shows it: events, and the fills among them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from lotwise.app.desk_words import MS, money
from lotwise.broker.chronicle import URGENT
from lotwise.contracts.contract import Contract
from lotwise.units import grouped

KEPT_EVENTS: Final = 200


class Said:
    """The last events and fills of one desk."""

    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        self.contracts = contracts
        self.events: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self.fills: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)

    def remember(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Keep it; how it is shown."""
        made = {
            "t": "event",
            "ms": int(said.get("time_ns", 0)) // MS,
            "kind": said.get("kind", ""),
            "contract": said.get("contract_id", ""),
            "text": said.get("message", ""),
            "urgent": said.get("kind", "") in URGENT,
        }
        self.events.append(made)
        numbers, contract = said.get("numbers") or {}, self.contracts.get(str(said.get("contract_id", "")))
        if made["kind"] == "fill" and contract is not None and {"lots", "ticks", "side"} <= set(numbers):
            lots, ticks = int(numbers["lots"]), int(numbers["ticks"])
            self.fills.append(
                {
                    "ms": int(numbers.get("fill_ns", said.get("time_ns", 0))) // MS,
                    "contract": contract.id,
                    "side": "buy" if numbers["side"] > 0 else "sell",
                    "lots": lots,
                    "ticks": ticks,
                    "texts": {
                        "quantity": f"{contract.quantity_text(lots)} {contract.quantity_unit}",
                        "price": grouped(contract.price_text(ticks)),
                        "fee": money(int(numbers.get("fee_cash", 0))),
                        "what": str(said.get("message", "")).rpartition("(")[2].rstrip(")"),
                    },
                }
            )
        return made
