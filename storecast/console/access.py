"""Who may see the console: whoever has the token of the link that was printed when it started.

The console acts with its owner's credentials, and other users and web pages of the same machine can reach its port.
"""

from __future__ import annotations

import hmac

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS = ["127.0.0.1", "localhost"]  # no other name that a site made point at this machine
_REFUSED = """<!doctype html><meta name="viewport" content="width=device-width"><title>Storecast console</title>
<style>:root{color-scheme:light dark}
body{font:16px/1.5 system-ui;max-width:34em;margin:15vh auto;padding:0 20px}</style>
<h1>This link has no valid token</h1><p>Open the link that was printed where the console was started: it ends with
<code>?token=...</code>. A console that is started again has another token.</p>"""


class Token:
    """ASGI middleware that lets requests with the token pass: in a link, which sets a cookie, or in that cookie."""

    def __init__(self, app: ASGIApp, token: str, cookie: str) -> None:
        self._app, self._token, self._cookie = app, token, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):  # lifespan
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        if self._fits(asked.cookies.get(self._cookie, "")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._answer(asked)(scope, receive, send)

    def _answer(self, asked: HTTPConnection) -> Response:
        if not self._fits(asked.query_params.get("token", "")):
            return HTMLResponse(_REFUSED, 401)
        # Without the token, so that it is in no history and no screenshot.
        answer = RedirectResponse(asked.url.path, 303, {"Referrer-Policy": "no-referrer"})
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return answer

    def _fits(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())
