"""What an ASGI scope says of its HTTP request, and the request's body."""

from collections.abc import Callable
from urllib.parse import parse_qs

_BEGINNING = 64 * 1024  # bytes


def headers_and_query(scope: dict) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Headers by lower-case name, and the query string's values by name."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return headers, parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


class Incoming:
    """A request's `receive` that knows whether more of the body is to come."""

    def __init__(self, receive: Callable):
        self._receive, self.more = receive, True  # whether more of the body is to come
        self._began = False

    async def __call__(self) -> dict:
        self._began = True  # the first call answers `Expect: 100-continue`; the client then sends its body
        message = await self._receive()
        self.more = message.get("more_body", False)
        return message

    async def discard(self, headers: dict[str, str]) -> bytes:
        """Reads what is left of a request that is refused, and returns its beginning: a client that does not wait for
        100 Continue, or has got it, reads no answer before it has sent everything. What is left unread would close the
        connection under the client's next request."""
        beginning = b""
        waits = "expect" in headers and not self._began
        while self.more and not waits:
            body = (await self()).get("body", b"")
            beginning += body[: _BEGINNING - len(beginning)]
        return beginning


async def read_body(receive: Callable) -> bytes:
    """All of the request's body."""
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def replay(body: bytes, receive: Callable) -> Callable:
    """A `receive` that gives a body that was read already, then what comes after it."""
    given = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict:
        return given.pop() if given else await receive()

    return again
