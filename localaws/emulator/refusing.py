"""An error in the words and form of the service that a request was for."""

import uuid
from collections.abc import Callable

from ministack.core import iam_actions


async def refuse(
    send: Callable,
    service: str,
    operation: str,
    headers: dict[str, str],
    *,
    code: str,
    message: str,
    status: int | None = None,
) -> None:
    """`status` None: the service's own for the code."""
    usual, kind, body = iam_actions.access_denied_response(
        service, operation, "", str(uuid.uuid4()), error_code=code, message=message, headers=headers
    )
    named = {"x-amzn-errortype": code} | kind | {"content-length": str(len(body))}
    start = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status or usual, "headers": start})
    await send({"type": "http.response.body", "body": body})
