"""What every handler is wrapped in: structured logs that name the execution."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

logger = Logger(serialize_stacktrace=False)


def step(handler: Callable[[dict[str, Any], Any], dict[str, Any]]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Log what comes in and out of a step under the execution's name; errors go on to the state machine as they are."""

    @functools.wraps(handler)
    def logged(event: dict[str, Any], context: Any) -> dict[str, Any]:
        logger.append_keys(execution=event.get("execution"), run=event.get("run"))
        try:
            answer = handler(event, context)
        except Exception:
            logger.exception("the step failed")
            raise
        logger.info("done", extra={"answer": {key: value for key, value in answer.items() if isinstance(value, str)}})
        return answer

    return logged
