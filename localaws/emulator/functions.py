"""Lambda: a function's error has the name of its class, by which Step Functions tells what to try again, and its lines
go to the log group that it was given as long as that is there.

ministack calls all errors Runtime.HandlerError, and makes a log group that was deleted anew.
"""

import functools
from collections.abc import Callable

from ministack.services import cloudwatch_logs, lambda_svc

_NAMELESS = "Runtime.HandlerError"


def register() -> None:
    lambda_svc._execute_function_warm = _with_error_type(lambda_svc._execute_function_warm)
    lambda_svc._emit_lambda_logs = to_a_group_that_is_there(lambda_svc._emit_lambda_logs)


def _with_error_type(execute: Callable[[dict, dict, str], dict]) -> Callable[[dict, dict, str], dict]:
    @functools.wraps(execute)
    def executed(func: dict, event: dict, request_id: str) -> dict:
        result = execute(func, event, request_id)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict) and body.get("errorType") == _NAMELESS:
            body["errorType"] = error_type(result.get("log", ""), body["errorMessage"])
        return result

    return executed


def error_type(log: str, message: str) -> str:
    """The class that the traceback at the end of a function's log names, without its module."""
    last = log.rstrip().removesuffix(message.rstrip()).rstrip().rpartition("\n")[2]
    name = last.removesuffix(":").rpartition(".")[2]
    return name if name.isidentifier() else _NAMELESS


def to_a_group_that_is_there(emit: Callable[..., None]) -> Callable[..., None]:
    """Who gives a function a log group makes it, and lets no role of a function make one."""

    @functools.wraps(emit)
    def emitted(func: dict, *arguments: object, **more: object) -> None:
        group = (func.get("config", func).get("LoggingConfig") or {}).get("LogGroup")
        if group is None or group in cloudwatch_logs._log_groups:
            emit(func, *arguments, **more)

    return emitted
