"""Who may speak to the desk: the owner's browser, and nothing else on this machine or the network.

Binding to loopback is no protection: any page that the browser shows can send requests there, and a page can
make its own host name resolve to 127.0.0.1. So every request is asked for its host name, what changes
something for its origin, and everything but the login for a cookie that the launch token gives, or the
password.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS: Final = ("/login",)
OPEN_FILES: Final = ("desk.css", "layout.css", "icon-none.svg")
"""What the login page loads; nothing of the account is in them."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
TOKEN_BYTES: Final = 32
LONGEST_BODY: Final = 64 * 1024
TOLD: Final = "open the desk by the address that `lotwise web` printed"
MOST_WRONG: Final = 20
"""Wrong passwords until the desk is started anew."""


@dataclass(frozen=True)
class Door:
    """The launch token, the cookie's name and the names that the desk answers to.

    Parameters
    ----------
    port
        Browsers do not tell cookies apart by port: the name does.
    hosts
        Names beside loopback's, where the owner has bound another address on purpose.
    """

    port: int
    hosts: tuple[str, ...] = ()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES), repr=False)
    session: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES), repr=False)
    password: str = field(default="", repr=False)
    """Asked for where the desk is bound beyond this machine; empty: the token alone opens."""
    _wrong: list[int] = field(default_factory=lambda: [0], repr=False)

    @property
    def cookie(self) -> str:
        """Its name."""
        return f"lotwise-{self.port}"

    @property
    def names(self) -> frozenset[str]:
        """What a Host header may be."""
        own = ("127.0.0.1", "localhost", "[::1]", *self.hosts)
        return frozenset(f"{name}:{self.port}" for name in own)

    @property
    def origins(self) -> frozenset[str]:
        """What an Origin header may be."""
        return frozenset(f"http://{name}" for name in self.names)

    def opens(self, token: str) -> bool:
        """Whether a launch token is the right one."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def unlocks(self, password: str) -> bool:
        """Whether a password is the right one; after too many wrong ones none is any more."""
        if not self.password or self._wrong[0] >= MOST_WRONG:
            return False
        if hmac.compare_digest(password.encode(), self.password.encode()):
            return True
        self._wrong[0] += 1
        return False

    def knows(self, headers: Headers) -> bool:
        """Whether a request carries the cookie."""
        pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
        given = [value for name, _, value in pairs if name == self.cookie]
        return any(hmac.compare_digest(value.encode(), self.session.encode()) for value in given)

    def set_cookie(self, response: Response) -> None:
        """Let the browser in."""
        response.set_cookie(self.cookie, self.session, httponly=True, samesite="strict", path="/")


def policy(style_hashes: Iterable[str]) -> str:
    """The content security policy: our own files, no inline script, the styles that are named by hash."""
    styles = " ".join(f"'sha256-{one}'" for one in style_hashes)
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            f"style-src 'self' {styles}".strip(),
            "img-src 'self' data:",
            "connect-src 'self'",
            "object-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    )


def style_hash(text: str) -> str:
    """How a policy names an inline style."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class Guarded:
    """Asks every request for host, origin and cookie, and gives every answer its headers."""

    def __init__(
        self,
        app: ASGIApp,
        door: Door,
        content_policy: str,
        assets: str = "",
        stranger: Callable[[], Response] | None = None,
    ) -> None:
        self.app, self.door, self.policy, self.stranger = app, door, content_policy, stranger
        self._open = (*OPEN_PATHS, *(f"{assets}/{name}" for name in OPEN_FILES if assets))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, self._with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            answer: Response = PlainTextResponse(f"{refusal[1]}\n", status_code=refusal[0])
            if refusal[0] == 401 and self.stranger is not None and _is_read(scope):
                answer = self.stranger()  # a person opens a page: by an old bookmark, or after a restart
            await answer(scope, receive, self._with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if headers.get("host", "") not in self.door.names:
            return 400, "the desk does not answer to that name"
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if origin is not None and origin not in self.door.origins:
            return 403, "the desk answers its own pages only"
        if changes and origin is None:
            return 403, "the desk answers its own pages only"
        if _length(headers) > LONGEST_BODY:
            return 413, "too large"
        if scope["path"] not in self._open and not self.door.knows(headers):
            return 401, TOLD
        return None

    def _with_headers(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                added: list[Any] = [
                    (b"content-security-policy", self.policy.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),  # with none a form says its origin is null
                    (b"cross-origin-opener-policy", b"same-origin"),
                    (b"cross-origin-resource-policy", b"same-origin"),
                ]
                names = {name for name, _ in message["headers"]}
                if b"cache-control" not in names:
                    added.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        return sent


def _is_read(scope: Scope) -> bool:
    """Whether a person looks at the answer: a browser says so when it opens a page."""
    return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if re.fullmatch(r"\d{1,12}", text, re.ASCII) else LONGEST_BODY + 1
