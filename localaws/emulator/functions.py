"""Lambda: a function's error has the name of its class, by which Step Functions tells what to try again, and its lines
go to the log group that it was given as long as that is there. A process that ends before it answers is a
Runtime.ExitError, as Lambda's own answer calls it.

ministack calls all errors Runtime.HandlerError, makes a log group that was deleted anew, and ends an invocation whose
function is updated: on AWS it finishes with the code that it started with. It unpacks functions in the machine's
temporary folder, where a crash leaves them; here they are in the state folder, and the next start removes them. It
hands the server's environment on to them, root's key and all, and lets them reach whatever its user may.
"""

import contextvars
import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

from localaws.fence import fenced
from localaws.settings import Settings
from localaws.workers import of_the_machine

_NAMELESS = "Runtime.HandlerError"
_LONGEST_SECONDS = 15 * 60  # of an invocation (docs/aws-sources.md#lambda-gettingstarted-limits)
_updating: contextvars.ContextVar[bool] = contextvars.ContextVar("updating", default=False)


# What ministack says of a worker that has ended: while it ran, before it was ready, or just before it was asked.
_ENDED = re.compile(r"Worker process (died|exited)|Worker returned no response|\[Errno 32\]")


def register(settings: Settings) -> None:
    folder = settings.state / "functions"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lambda_runtime.tempfile = SimpleNamespace(mkdtemp=functools.partial(tempfile.mkdtemp, dir=folder))
    lambda_runtime.subprocess = SimpleNamespace(**vars(subprocess) | {"Popen": functools.partial(_start, settings)})
    lambda_svc._execute_function_warm = _with_error_type(lambda_svc._execute_function_warm)
    lambda_svc._emit_lambda_logs = to_a_group_that_is_there(lambda_svc._emit_lambda_logs)
    lambda_svc._update_code = _while_updating(lambda_svc._update_code)
    lambda_svc._update_config = _while_updating(lambda_svc._update_config)
    lambda_svc.invalidate_worker = _sparing_invocations(lambda_svc.invalidate_worker)


def _start(settings: Settings, command: list[str], env: dict[str, str], **more: Any) -> subprocess.Popen:
    """A worker inside the fence, with its function's environment and little of the server's, which ministack hands on
    as a whole. Its temporary files lie beside its code, in the folder that ministack made for both."""
    folder = Path(command[-1]).parent
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    own = {name: value for name, value in env.items() if os.environ.get(name) != value}
    environment = of_the_machine(os.environ) | own | {"TMPDIR": str(temporary)}
    inside = fenced(command, folder, settings.state, [settings.certificate_authority])
    return subprocess.Popen(inside, env=environment, **more)


def _with_error_type(execute: Callable[[dict, dict, str], dict]) -> Callable[[dict, dict, str], dict]:
    @functools.wraps(execute)
    def executed(func: dict, event: dict, request_id: str) -> dict:
        result = execute(func, event, request_id)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict):
            if _ENDED.search(body["errorMessage"]):
                reason = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
                body |= {"errorType": "Runtime.ExitError", "errorMessage": reason}
            elif body.get("errorType") == _NAMELESS:
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


def _while_updating(update: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(update)
    def updated(name: str, data: dict) -> Any:
        token = _updating.set(True)
        try:
            return update(name, data)
        finally:
            _updating.reset(token)

    return updated


def _sparing_invocations(invalidate: Callable[..., None]) -> Callable[..., None]:
    """An update ends the workers that are idle at once, and a busy one after its invocation; none of them gets another
    one."""

    @functools.wraps(invalidate)
    def invalidated(func_name: str, *scope: str, **named: str) -> None:
        for worker in _detached(func_name) if _updating.get() else ():
            threading.Thread(target=_end_after_its_invocation, args=(worker,), daemon=True).start()
        invalidate(func_name, *scope, **named)

    return invalidated


def _detached(name: str) -> list[Any]:
    """The busy workers of a function's newest version, taken out of their pool."""
    busy = []
    with lambda_runtime._lock:
        for key, workers in lambda_runtime._workers.items():
            if key.split(":")[-2:] == [name, "$LATEST"]:
                busy += [worker for worker in workers if worker.in_use]
                workers[:] = [worker for worker in workers if not worker.in_use]
    return busy


def _end_after_its_invocation(worker: Any) -> None:
    latest = time.monotonic() + _LONGEST_SECONDS
    while worker.in_use and time.monotonic() < latest:
        time.sleep(0.05)
    lambda_runtime.kill_workers([worker])
