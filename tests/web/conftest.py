"""A real browser before the desk: a foreign request, a page's error, a breach of its policy fail a test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.web.desk_rig import DeskProcess

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage"]
BREACHES = """addEventListener("securitypolicyviolation", (one) =>
  console.error(`policy: ${one.violatedDirective} ${one.blockedURI}`));"""
SILENT = ("WebSocket connection to", "net::ERR_CONNECTION_REFUSED", "the server responded with a status of 4")
"""What chromium says of a desk that is gone or refuses: tests that bring it about look at the page."""


def chromium() -> str | None:
    """Where the browser is; none: tests that need it are skipped."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """One browser. It is closed before other tests run: its event loop would be in their way."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    place = chromium()
    if place is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with api.sync_playwright() as started:
        found = started.chromium.launch(executable_path=place, args=OPTIONS)
        try:
            yield found
        finally:
            found.close()


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """A browser for the tests of one file."""
    with opened_browser() as found:
        yield found


class Watched:
    """Pages of one desk; what they did wrong is in ``faults``."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.faults = browser, list[str]()
        self.requests: list[tuple[str, str, str]] = []
        """Method, address and body of all that was asked."""
        self._contexts: list[BrowserContext] = []

    def context(self, desk: DeskProcess, size: dict[str, Any] = WIDE, **more: Any) -> BrowserContext:
        """A browser window that is let in."""
        found = self.browser.new_context(viewport=size, **more)
        self._contexts.append(found)
        found.add_init_script(BREACHES)
        found.set_default_timeout(20_000)
        if desk.cookie:
            name, _, value = desk.cookie.partition("=")
            found.add_cookies([{"name": name, "value": value, "url": desk.origin}])
        found.on("page", lambda page: self._watch(page, desk.origin))
        return found

    def page(self, desk: DeskProcess, path: str = "/", size: dict[str, Any] = WIDE, **more: Any) -> Page:
        """A page that is ready."""
        found = self.context(desk, size, **more).new_page()
        go(found, desk.origin + path)
        return found

    def posted(self, path: str) -> list[str]:
        """Bodies that were sent there."""
        return [body for way, url, body in self.requests if way == "POST" and url.endswith(path)]

    def _watch(self, page: Page, origin: str) -> None:
        sockets = origin.replace("http", "ws", 1)

        def asked(request: Any) -> None:
            if not request.url.startswith((origin + "/", sockets + "/", "data:")):
                self.faults.append(f"a request leaves the desk: {request.url}")
            self.requests.append((request.method, request.url, request.post_data or ""))

        def said(message: Any) -> None:
            if message.type == "error" and not any(one in message.text for one in SILENT):
                self.faults.append(f"console: {message.text}")

        page.on("request", asked)
        page.on("websocket", lambda line: line.url.startswith(sockets) or self.faults.append(line.url))
        page.on("console", said)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))

    def close(self) -> None:
        """Close the windows."""
        for context in self._contexts:
            context.close()


def go(page: Page, address: str) -> None:
    """Open an address and wait until its page is usable."""
    page.goto(address)
    page.wait_for_selector("html[data-ready]")


@pytest.fixture
def watched(chrome: Browser) -> Iterator[Watched]:
    """Windows for one test, looked after."""
    found = Watched(chrome)
    yield found
    found.close()
    assert not found.faults
