"""Starts the console on this machine: `storecast open`, `make console`, `python -m storecast.console`."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit.starlette import App

from storecast.console.access import HOSTS, Token

PORT = 8501
_SCRIPT = Path(__file__).with_name("app.py")
_DATASET = "STORECAST_DATASET"  # the one that is shown first
CONFIG: dict[str, Any] = {
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 2_000,  # MB
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": True,  # it has a link without the token
    "theme.light.primaryColor": "#1f6feb",  # one for each, or it would be light on a dark screen
    "theme.dark.primaryColor": "#6aa8ff",
}


def application(token: str, port: int) -> App:
    """The console as an ASGI application."""
    return App(
        _SCRIPT,
        on_script_error=_unexpected,
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS),
            Middleware(Token, token=token, cookie=f"storecast-console-{port}"),  # a cookie goes to every port
        ],
    )


def serve(
    dataset: str | None = None,
    *,
    port: int | None = None,
    profile: str | None = None,
    region: str | None = None,
    show: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the console until it is stopped; `show` opens it in the browser. Raises OSError for a port in use."""
    given = {_DATASET: dataset, "AWS_PROFILE": profile, "AWS_REGION": region}
    os.environ.update({name: value for name, value in given.items() if value})
    port = _free(port)
    token = secrets.token_urlsafe(24)
    link = f"http://127.0.0.1:{port}/?token={token}"
    say(f"The console is at {link}\nStop it with Ctrl+C.")
    if show:
        webbrowser.open(link)
    application(token, port).run(config={**CONFIG, "server.port": port})


def first_dataset() -> str | None:
    return os.environ.get(_DATASET)


def _unexpected(error: Exception) -> bool:
    """An error of the console itself, rather than one of AWS."""
    logging.getLogger(__name__).error("the console failed", exc_info=error)
    st.error("The console failed; the terminal where it was started has the details. Please report it.")
    return True


def _free(port: int | None) -> int:
    """The port if it is free; without one, the usual port or else any."""
    for each in [port] if port else [PORT, 0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", each))
            except OSError:
                if port:
                    raise OSError(f"port {port} is in use: choose another one by --port") from None
                continue
            free: int = probe.getsockname()[1]
            return free
    raise OSError("this machine has no free port")
