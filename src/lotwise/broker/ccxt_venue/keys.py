"""Keys of a venue: taken from the environment or the system's keyring, shown nowhere.

Text, repr, errors, logs and pickles of lotwise do not hold them: :class:`Keys` hides its own, and
:func:`scrubbed` takes keys and signatures out of words that come from elsewhere.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, Literal, NoReturn

from lotwise.errors import InputError

Where = Literal["paper", "demo", "live"]
NEED_PASSWORD: Final = ("weex",)
"""Venues whose keys have a third part."""
SERVICE: Final = "lotwise"
HIDDEN: Final = "***"
_SIGNED: Final = re.compile(
    r"(?i)\b(signature|sign|api_?key|secret|password|passphrase|x-mbx-apikey|x-bapi-api-key|x-bapi-sign"
    r"|x-bx-apikey|access-key|access-sign|access-passphrase|apikey|listenkey)(['\"]?\s*[=:]\s*b?['\"]?)"
    r"([^\s&'\",}]+)"
)
_SHORTEST: Final = 4


class Keys:
    """Key, secret and, where the venue has one, the password of an account.

    Raises
    ------
    InputError
        BROKER-130 a part is missing.
    """

    __slots__ = ("_key", "_password", "_secret", "source")

    def __init__(self, key: str, secret: str, password: str = "", source: str = "given") -> None:
        if not key or not secret:
            lacking = "the key" if not key else "the secret"
            raise InputError("BROKER-130", f"{lacking} is empty", "give both, or neither")
        self._key, self._secret, self._password = key, secret, password
        self.source = source
        """Where they were found, for the trader."""

    def __repr__(self) -> str:
        return f"Keys({HIDDEN}, from {self.source})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise InputError("BROKER-136", "keys are not pickled or copied", "hand over where they are found")

    def config(self) -> dict[str, str]:
        """As ccxt's constructor takes them; it leaves this package nowhere else."""
        found = {"apiKey": self._key, "secret": self._secret}
        return found | ({"password": self._password} if self._password else {})

    def fingerprint(self) -> str:
        """Tells one key from another and gives none away."""
        return blake2b(self._key.encode(), digest_size=8, person=b"lotwise-account").hexdigest()

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, the longest first."""
        parts = (self._key, self._secret, self._password)
        return tuple(sorted({part for part in parts if len(part) >= _SHORTEST}, key=len, reverse=True))


def names_of(venue: str, where: Where) -> tuple[str, str, str]:
    """The variables of key, secret and passphrase.

    >>> names_of("binance", "live")[0], names_of("binance", "demo")[0], names_of("binance", "paper")[0]
    ('LOTWISE_BINANCE_KEY', 'LOTWISE_BINANCE_DEMO_KEY', 'LOTWISE_PAPER_KEY')
    """
    name = venue.partition("-")[0].upper()
    stem = {"live": name, "demo": f"{name}_DEMO", "paper": "PAPER"}[where]
    return f"LOTWISE_{stem}_KEY", f"LOTWISE_{stem}_SECRET", f"LOTWISE_{stem}_PASSPHRASE"


def former_name(passphrase: str) -> str:
    """What the variable of a passphrase was called before; it is still read.

    >>> former_name("X_PASSPHRASE")
    'X_PASSWORD'
    """
    return passphrase.removesuffix("PASSPHRASE") + "PASSWORD"


def find_keys(venue: str, where: Where, environment: Mapping[str, str]) -> Keys:
    """The keys of a venue: of the environment, else of the keyring (service ``lotwise``, the same names).

    Raises
    ------
    InputError
        BROKER-130 none, half a pair, no passphrase where the venue needs one; BROKER-135 the keyring fails.
    """
    names = names_of(venue, where)
    parts = [environment.get(name, "") for name in names]
    parts[2] = parts[2] or environment.get(former_name(names[2]), "")
    source = "the environment"
    if not any(parts[:2]):
        parts, source = _from_keyring(names), "the keyring"
    lacking = [name for name, part in zip(names[:2], parts, strict=False) if not part]
    if venue.partition("-")[0] in NEED_PASSWORD and where != "paper" and not parts[2]:
        lacking.append(names[2])
    if lacking:
        raise InputError(
            "BROKER-130",
            f"no keys of {venue} ({where}): {', '.join(lacking)} not found",
            f"set {' and '.join(lacking)}, or: keyring set {SERVICE} {lacking[0]}",
        )
    key, secret, password = parts
    return Keys(key, secret, password, source)


def _from_keyring(names: tuple[str, ...]) -> list[str]:
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        return [""] * len(names)
    try:
        found = [keyring.get_password(SERVICE, name) or "" for name in names]
        if found[0] and not found[2]:
            found[2] = keyring.get_password(SERVICE, former_name(names[2])) or ""
        return found
    except NoKeyringError:
        return [""] * len(names)
    except KeyringError as error:
        raise InputError(
            "BROKER-135",
            f"the keyring cannot be read: {type(error).__name__}",
            f"unlock it, or set {names[0]} and {names[1]}",
        ) from None


def scrubbed(text: str, keys: Keys | None = None) -> str:
    """Words without keys and signatures.

    >>> scrubbed("GET /order?symbol=X&signature=00ff X-MBX-APIKEY: 'abc'")
    "GET /order?symbol=X&signature=*** X-MBX-APIKEY: '***'"
    """
    for secret in keys.secrets() if keys else ():
        text = text.replace(secret, HIDDEN)
    return _SIGNED.sub(rf"\1\2{HIDDEN}", text)


class Scrub(logging.Filter):
    """Takes keys and signatures out of the lines of a library's log, which has whole addresses in them."""

    def __init__(self, keys: Keys | None) -> None:
        super().__init__()
        self._keys = keys

    def filter(self, record: logging.LogRecord) -> bool:
        """Write the line anew."""
        record.msg, record.args = scrubbed(record.getMessage(), self._keys), ()
        return True


def guard_logs(client: Any, keys: Keys | None) -> None:
    """Silence ccxt's own log of requests, which holds headers, and clean that of the transport."""
    client.verbose = False
    client.logger = logging.getLogger("lotwise.broker.ccxt_venue")
    for name in ("urllib3.connectionpool", client.logger.name, "ccxt.base.exchange"):
        logger = logging.getLogger(name)
        for old in [one for one in logger.filters if isinstance(one, Scrub) and one._keys is keys]:
            logger.removeFilter(old)
        logger.addFilter(Scrub(keys))
