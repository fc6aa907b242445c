"""What every handler is wrapped in: structured logs that name the execution, and a name for errors that pass."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

logger = Logger(serialize_stacktrace=False)
_THROTTLED = ("Throttl", "TooManyRequests", "SlowDown", "RequestLimitExceeded")


class ServiceUnavailable(Exception):
    """A service that throttles, fails or cannot be reached for longer than its client is patient with.

    The state machine tries a step again that ends in it: Step Functions sees an error by the name of its class, and
    botocore gives one name, ClientError, to these errors and to those that do not pass.
    """


def step(handler: Callable[[dict[str, Any], Any], dict[str, Any]]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Log what comes in and out of a step under the execution's name; errors go on to the state machine as they are,
    but those that pass as ServiceUnavailable."""

    @functools.wraps(handler)
    def logged(event: dict[str, Any], context: Any) -> dict[str, Any]:
        logger.append_keys(execution=event.get("execution"), run=event.get("run"))
        try:
            answer = handler(event, context)
        except Exception as error:
            logger.exception("the step failed")
            if _passes(error):
                raise ServiceUnavailable(str(error)) from error
            raise
        logger.info("done", extra={"answer": {key: value for key, value in answer.items() if isinstance(value, str)}})
        return answer

    return logged


def _passes(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or any(word in error.response["Error"]["Code"] for word in _THROTTLED)
    return isinstance(error, (ConnectionError, HTTPClientError))
