"""The console answers only who has its token, and only under this machine's names."""

from __future__ import annotations

import socket

import pytest

pytest.importorskip("starlette")
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from storecast.console import serve
from storecast.console.access import Token


async def page(_: Request) -> Response:
    return PlainTextResponse("the console")


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def client() -> TestClient:
    guarded = Starlette(
        routes=[Route("/{rest:path}", page), WebSocketRoute("/stream", stream)],
        middleware=[Middleware(Token, token="secret", cookie="console")],
    )
    return TestClient(guarded, base_url="http://127.0.0.1", follow_redirects=False)


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/?token=", "/_stcore/health", "/static/a.js"])
def test_without_the_token_nothing_is_served(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401 and "no valid token" in answer.text and "set-cookie" not in answer.headers


def test_the_link_sets_a_cookie_and_its_token_leaves_the_address(client: TestClient) -> None:
    answer = client.get("/forecasts?token=secret")
    assert (answer.status_code, answer.headers["location"]) == (303, "/forecasts")
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
    assert client.get("/forecasts").text == "the console"


def test_a_websocket_needs_the_cookie_too(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/stream?token=secret"):
        pass
    with client.websocket_connect("/stream", headers={"cookie": "console=secret"}):
        pass


def test_the_console_listens_on_this_machine_only_and_opens_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    ran, opened, said = list[dict[str, object]](), list[str](), list[str]()
    monkeypatch.setattr(serve.App, "run", lambda self, config: ran.append(config))
    monkeypatch.setattr(serve.webbrowser, "open", opened.append)
    monkeypatch.setenv(serve._DATASET, "")
    serve.serve("shop", say=said.append)
    [config] = ran
    assert config["server.address"] == "127.0.0.1" and config["browser.gatherUsageStats"] is False
    assert opened[0].startswith(f"http://127.0.0.1:{config['server.port']}/?token=") and opened[0] in said[0]
    assert serve.first_dataset() == "shop"


def test_a_port_in_use_is_refused_by_its_number() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} is in use"):
            serve.serve(port=port, show=False)
