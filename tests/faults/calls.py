"""How AWS clients reach the embedded AWS in the same process: without sockets, TLS, signatures, or waiting.

botocore still checks, serializes, retries and parses each call as ever.
"""

from __future__ import annotations

import contextvars
import io
from collections.abc import Callable, Coroutine
from functools import cache, partialmethod
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import botocore.endpoint
from botocore import parsers
from botocore.awsrequest import HeadersDict
from botocore.endpoint import Endpoint
from botocore.model import OperationModel
from botocore.response import StreamingBody

App = Callable[..., Coroutine]
_NOBODY = "AWS4-HMAC-SHA256 Credential=test/20260105/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def bring_inside(app: App, sleep: Callable[[float], None]) -> None:
    """All clients of this process call the ASGI application `app`, and `sleep` before they try again."""
    Endpoint.create_request = _request
    Endpoint._get_response = partialmethod(_answered, app=app)
    botocore.endpoint.time = SimpleNamespace(sleep=sleep)
    parsers.DEFAULT_TIMESTAMP_PARSER = cache(parsers.DEFAULT_TIMESTAMP_PARSER)


def at_once(coroutine: Coroutine) -> Any:
    """The result of one that waits for nobody, in a context of its own, as a task would have."""
    return contextvars.copy_context().run(_driven, coroutine)


def _driven(coroutine: Coroutine) -> Any:
    try:
        while True:
            coroutine.send(None)
    except StopIteration as ended:
        return ended.value


def _request(endpoint: Endpoint, params: dict[str, Any], operation_model: OperationModel) -> SimpleNamespace:
    url, signing_name = urlsplit(params["url"]), operation_model.service_model.signing_name
    headers = {"host": url.netloc, "authorization": _NOBODY.format(signing_name), **params["headers"]}
    scope = {
        "type": "http",
        "method": params["method"],
        "scheme": url.scheme,
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "headers": [(name.lower().encode(), _bytes(value)) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    return SimpleNamespace(scope=scope, body=_bytes(params["body"]), reset_stream=lambda: None)


def _bytes(value: Any) -> bytes:
    """Of a header or a body, which may be a file, or the fields of a form."""
    if hasattr(value, "read"):
        value.seek(0)
        value = value.read()
    if isinstance(value, dict):
        value = urlencode(value, doseq=True)
    return value if isinstance(value, bytes) else str(value).encode()


def _answered(
    endpoint: Endpoint, request: SimpleNamespace, operation_model: OperationModel, context: Any, *, app: App
) -> tuple[tuple[SimpleNamespace, dict[str, Any]], None]:
    start, *parts = _exchange(app, request)
    status, content = start["status"], b"".join(part.get("body", b"") for part in parts)
    headers = HeadersDict((name.decode(), value.decode()) for name, value in start["headers"])
    streams = operation_model.has_streaming_output and status < 300
    answer = {
        "headers": headers,
        "status_code": status,
        "body": StreamingBody(io.BytesIO(content), len(content)) if streams else content,
        "context": {"operation_name": operation_model.name},
    }
    parser = parsers.create_parser(operation_model.service_model.resolved_protocol)
    parsed = parser.parse(answer, operation_model.output_shape)
    if status >= 300:
        endpoint._add_modeled_error_fields(answer, parsed, operation_model, parser)
    return (SimpleNamespace(status_code=status, headers=headers, content=content, raw=content), parsed), None


def _exchange(app: App, request: SimpleNamespace) -> list[dict[str, Any]]:
    """The messages that the application answers with."""
    given, answered = [{"type": "http.request", "body": request.body}], []

    async def receive() -> dict[str, Any]:
        return given.pop() if given else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        answered.append(message)

    at_once(app(request.scope, receive, send))
    return answered
