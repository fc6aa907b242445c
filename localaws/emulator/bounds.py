"""No request and no key of S3 is larger than the service takes: a larger one is refused, and never held in memory."""

import asyncio
from collections.abc import Callable

from ministack.core import router

from localaws.emulator.refusing import refuse
from localaws.emulator.scope import Incoming, headers_and_query

_MEBIBYTE = 2**20
# Bytes of a body. S3: one PutObject (docs/aws-sources.md#s3-upload-objects); Lambda: a zip of 50 MB in base64
# (docs/aws-sources.md#lambda-gettingstarted-limits); DynamoDB: a batch (docs/aws-sources.md#dynamodb-ServiceQuotas).
MOST = {"s3": 5 * 1024 * _MEBIBYTE, "lambda": 70 * _MEBIBYTE, "dynamodb": 16 * _MEBIBYTE}
# None of the others takes more than 1 MiB (SQS, EventBridge, CloudWatch Logs), which a form's escapes may triple.
MOST_OF_OTHERS = 4 * _MEBIBYTE
MOST_OF_A_KEY = 1024  # bytes (docs/aws-sources.md#s3-object-keys)
_ERRORS = {"s3": ("EntityTooLarge", 400), "lambda": ("RequestTooLargeException", 413)}


BODY_SECONDS = 60  # that a client may take for the next piece of a body, as S3's RequestTimeout


class _TooLarge(Exception):
    """More has come than the service takes."""


class _TooSlow(Exception):
    """The next piece of a body does not come."""


def bounded(app: Callable) -> Callable:
    """The ASGI application `app` behind the bounds."""

    async def guarded(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers, query = headers_and_query(scope)
        service = router.detect_service(scope["method"], scope["path"], headers, query)
        if service == "s3" and len(scope["path"].split("/", 2)[-1].encode()) > MOST_OF_A_KEY:
            message = "Your key is too long"
            await refuse(send, service, "", headers, code="KeyTooLongError", message=message, status=400)
            return
        incoming = Incoming(receive)
        most = MOST.get(service, MOST_OF_OTHERS)
        size = 0

        async def counted() -> dict:
            nonlocal size
            try:
                message = await (asyncio.wait_for(incoming(), BODY_SECONDS) if incoming.more else incoming())
            except TimeoutError:
                raise _TooSlow from None
            size += len(message.get("body", b""))
            if size > most:
                raise _TooLarge
            return message

        try:
            if int(headers.get("content-length", 0)) > most:
                raise _TooLarge
            await app(scope, counted, send)
        except _TooLarge:
            await incoming.discard(headers)
            code, status = _ERRORS.get(service, ("RequestEntityTooLargeException", 413))
            message = f"The request's body is larger than the {most:,} bytes that {service} takes."
            await refuse(send, service, "", headers, code=code, message=message, status=status)
        except _TooSlow:
            message = "Your socket connection to the server was not read from or written to within the timeout period."
            await refuse(send, service, "", headers, code="RequestTimeout", message=message, status=400)

    return guarded
