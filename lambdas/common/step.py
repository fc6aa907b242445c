"""What wraps every handler: structured logs that name the execution, and a dedicated exception for transient errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

logger = Logger(serialize_stacktrace=False)
Request = TypeVar("Request", bound=Mapping[str, object])
Answer = TypeVar("Answer", bound=Mapping[str, object])
_THROTTLED = ("Throttl", "TooManyRequests", "SlowDown", "RequestLimitExceeded")


class ServiceUnavailable(Exception):
    """A service throttles, fails or cannot be reached for longer than its client retries.

    The state machine retries a step that ends in it. Step Functions knows an error by the name of its class, and
    botocore has one name, ClientError, for transient and other errors.
    """


def step(handler: Callable[[Request, LambdaContext], Answer]) -> Callable[[Request, LambdaContext], Answer]:
    """Log the answer of a step under the execution's name. Errors go on to the state machine as they are, transient
    ones as ServiceUnavailable."""

    @functools.wraps(handler)
    def logged(event: Request, context: LambdaContext) -> Answer:
        logger.append_keys(execution=event.get("execution"), run=event.get("run"))
        try:
            answer = handler(event, context)
        except Exception as error:
            logger.exception("the step failed")
            if _is_transient(error):
                raise ServiceUnavailable(str(error)) from error
            raise
        logger.info("done", extra={"answer": {key: value for key, value in answer.items() if isinstance(value, str)}})
        return answer

    return logged


def _is_transient(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or any(word in error.response["Error"]["Code"] for word in _THROTTLED)
    return isinstance(error, (ConnectionError, HTTPClientError))
