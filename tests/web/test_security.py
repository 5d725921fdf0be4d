"""The door of the desk: who is let in, and what a stranger, another page and another name are told."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from lotwise.errors import InputError
from lotwise.web import assets as files
from lotwise.web.assets import Assets, load
from lotwise.web.security import LONGEST_BODY, MOST_WRONG, Door
from lotwise.web.server import application

PORT = 8123
OWN = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def door() -> Door:
    return Door(PORT)


@pytest.fixture
def assets() -> Assets:
    return load()


@pytest.fixture
def client(door: Door, assets: Assets) -> Iterator[TestClient]:
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse

    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse("the page")

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    routes = [Route("/", page, methods=["GET", "POST"]), WebSocketRoute("/ws", talk)]
    with TestClient(application(door, assets, routes), base_url=OWN, follow_redirects=False) as found:
        yield found


def enter(client: TestClient, door: Door) -> None:
    answer = client.get(f"/login?token={door.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert door.cookie in cookie
    assert door.token.lower() not in cookie


def test_without_the_cookie_nothing(client: TestClient) -> None:
    assert client.get("/").status_code == 401
    assert client.get("/login?token=wrong").status_code == 401
    assert client.get("/login").status_code == 401
    assert client.get("/", headers={"cookie": f"lotwise-{PORT}=guess"}).status_code == 401
    assert client.get("/static/x/y.js").status_code == 401


def test_the_password_lets_in_and_nothing_else_does(assets: Assets) -> None:
    """As a browser sends the login page's form."""
    words = "pässword + 100 %"
    door = Door(PORT, password=words)
    with TestClient(application(door, assets, []), base_url=OWN, follow_redirects=False) as client:

        def sent(**request: Any) -> tuple[int, bool]:
            answer = client.post("/login", headers={"origin": OWN}, **request)
            return answer.status_code, "set-cookie" in answer.headers

        assert sent(data={"password": words}) == (303, True)
        for wrong in ({"password": "wrong"}, {"token": door.token}, {}, {"password": words + "x" * 5_000}):
            assert sent(data=wrong) == (401, False), wrong
        assert sent(content=b"\xff\x00&&=;") == (401, False)
        assert client.post("/login", data={"password": words}).status_code == 403, "of no page of ours"
        for _ in range(MOST_WRONG):
            sent(data={"password": "wrong"})
        assert sent(data={"password": words}) == (401, False), "too many were tried"


def test_with_it_the_page_and_its_headers(client: TestClient, door: Door) -> None:
    enter(client, door)
    answer = client.get("/")
    assert (answer.status_code, answer.text) == (200, "the page")
    content = answer.headers["content-security-policy"]
    assert "script-src 'self';" in content
    assert "unsafe" not in content
    assert "frame-ancestors 'none'" in content
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:9", "127.0.0.1.evil.example:8123", ""]
)
def test_another_name_is_not_answered(client: TestClient, door: Door, host: str) -> None:
    """A page that makes its own name resolve to loopback has the cookie sent, and is refused by its name."""
    enter(client, door)
    cookie = {"cookie": f"{door.cookie}={door.session}"}
    assert client.get("/", headers={"host": host, **cookie}).status_code == 400


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:9"]
)
def test_another_page_changes_nothing(client: TestClient, door: Door, origin: str) -> None:
    enter(client, door)
    assert client.post("/", headers={"origin": origin}).status_code == 403
    assert client.get("/", headers={"origin": origin}).status_code == 403
    assert client.post("/").status_code == 403, "no origin at all"
    assert client.post("/", headers={"origin": OWN}).status_code == 200


def test_the_socket_asks_the_same(client: TestClient, door: Door) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect(f"ws://127.0.0.1:{PORT}/ws", headers={"origin": OWN}),
    ):
        pass
    assert (caught.value.code, "address" in caught.value.reason) == (1008, True)
    enter(client, door)
    for headers in ({}, {"origin": "http://evil.example"}):
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect(f"ws://127.0.0.1:{PORT}/ws", headers=headers),
        ):
            pass
    with client.websocket_connect(f"ws://127.0.0.1:{PORT}/ws", headers={"origin": OWN}) as socket:
        assert socket.receive_text() == "hello"


def test_a_body_has_a_bound(client: TestClient, door: Door) -> None:
    enter(client, door)
    large = b"x" * (LONGEST_BODY + 1)
    assert client.post("/", headers={"origin": OWN}, content=large).status_code == 413
    broken = {"origin": OWN, "content-length": "-5"}
    assert client.post("/", headers=broken).status_code == 413


def test_assets_lie_under_their_hash(client: TestClient, door: Door, assets: Assets) -> None:
    enter(client, door)
    answer = client.get(assets.address(files.CHARTS))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert client.get(f"/static/0000000000000000/{files.CHARTS}").status_code == 404
    assert client.get(f"{assets.folder}/../server.py").status_code == 404
    assert client.get(f"{assets.folder}/none.js").status_code == 404


def test_the_policy_names_the_style_of_the_logo(assets: Assets) -> None:
    text = assets.bodies[files.CHARTS].decode()
    begins = text.index('innerText="a#tv-attr-logo') + len('innerText="')
    style = text[begins : text.index('"', begins)]
    assert assets.style_hashes == (base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),)


def test_no_library_no_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    kept = resources.files
    monkeypatch.setattr(resources, "files", lambda name: absent(name) if name == "litecharts" else kept(name))
    with pytest.raises(InputError, match="WEB-101"):
        load()


def test_secrets_are_not_shown(door: Door) -> None:
    assert door.token not in repr(door)
    assert door.session not in repr(door)
    assert len(door.token) >= 40
    assert door.token != Door(PORT).token
