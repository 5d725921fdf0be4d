"""What a client sent: names and texts, read one by one, so that what nobody reads is known."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from lotwise.contracts.contract import Contract
from lotwise.errors import UnitError
from lotwise.exchange.binance.refusals import HEDGE_WORDS, Refusal
from lotwise.units import parse_scaled

SIGNED: Final = ("timestamp", "recvWindow", "signature")
LONGEST: Final = 65_536
"""Bytes of a query or a body; five batch orders take less than 3,000."""
MOST: Final = 100
"""Parameters of a request."""
MOST_LIMIT: Final = 1_000


class Parameters:
    """Texts by name; :meth:`unread` names what was sent in vain."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts
        self._read = set(SIGNED)

    @classmethod
    def parsed(cls, raw: str) -> Parameters:
        """Of a query or a form.

        Raises
        ------
        Refusal
            -1100 not readable; -1101 a name twice, or too many.
        """
        try:
            pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=MOST, errors="strict")
        except ValueError as error:
            raise Refusal(-1100, "query") from error
        texts: dict[str, str] = {}
        for name, text in pairs:
            if name in texts:
                raise Refusal(-1101, name[:60])
            texts[name] = text
        return cls(texts)

    def __contains__(self, name: str) -> bool:
        return self._texts.get(name, "") != ""

    def unread(self) -> list[str]:
        """Names that nobody asked for."""
        return sorted(set(self._texts) - self._read)

    def ignore(self, *names: str) -> None:
        """Accept these without a meaning."""
        self._read.update(names)

    def text(self, *names: str, default: str = "") -> str:
        """The first of some names that was sent."""
        self._read.update(names)
        for name in names:
            if self._texts.get(name, ""):
                return self._texts[name]
        return default

    def needed(self, *names: str) -> str:
        """As :meth:`text`, and -1102 where it is missing."""
        found = self.text(*names)
        if not found:
            raise Refusal(-1102, names[0])
        return found

    def whole(self, name: str, default: int | None = None, *, least: int = 0, most: int = 2**62) -> int:
        """A whole number."""
        text = self.text(name)
        if not text:
            if default is None:
                raise Refusal(-1102, name)
            return default
        if not (text.isascii() and text.lstrip("-").isdigit() and len(text) < 20):
            raise Refusal(-1100, name)
        found = int(text)
        if not least <= found <= most:
            raise Refusal(-1130, name)
        return found

    def limit(self, default: int, most: int = MOST_LIMIT) -> int:
        """How many rows are wanted; more than the most gives the most."""
        return min(self.whole("limit", default, least=1), most)

    def flag(self, name: str, default: bool = False) -> bool:
        """``true`` or ``false``."""
        text = self.text(name).lower()
        if text not in ("", "true", "false"):
            raise Refusal(-1130, name)
        return text == "true" if text else default

    def scaled(self, name: str, decimals: int = 8) -> int:
        """A number in steps of 10 ** -decimals; -1111 where it is finer."""
        text = self.needed(name)
        try:
            return parse_scaled(text, name, decimals)
        except UnitError as error:
            if error.code == "UNIT-104":
                raise Refusal(-1111) from error
            raise Refusal(-1102 if error.code != "UNIT-103" else -1130, name) from error

    def ticks(self, name: str, contract: Contract) -> int:
        """A price in ticks: -1111 finer than the contract's decimals, -4014 between two ticks."""
        price8 = self.scaled(name)
        scales = contract.scales
        if price8 % 10 ** (8 - scales.price_decimals):
            raise Refusal(-1111)
        ticks, rest = divmod(price8, scales.tick_size8)
        if rest:
            raise Refusal(-4014)
        return ticks

    def lots(self, name: str, contract: Contract) -> int:
        """A quantity in lots: -1111 finer than the contract's decimals, -4023 between two lots."""
        size8 = contract.scales.lot_size8
        quantity8 = self.scaled(name)
        if quantity8 % 10 ** (8 - lot_decimals(contract)):
            raise Refusal(-1111)
        lots, rest = divmod(quantity8, size8)
        if rest:
            raise Refusal(-4023)
        return lots

    def one_way(self) -> None:
        """The position side must be BOTH."""
        if self.text("positionSide", default="BOTH") != "BOTH":
            raise Refusal(-4061, words=f"Order's position side does not match user's setting. {HEDGE_WORDS}")


def lot_decimals(contract: Contract) -> int:
    """Decimals of a quantity."""
    decimals, size = 8, contract.scales.lot_size8
    while decimals and size % 10 == 0:
        decimals, size = decimals - 1, size // 10
    return decimals
