"""ministack's state on disk: what a call has changed is written before the call is answered, the rest now and then.

ministack writes all of it when it stops, keeps errors of reading and writing to itself, and starts empty where it
cannot read. Here a file that cannot be read ends the start, and one that cannot be written fails the call.
"""

import asyncio
import functools
import hashlib
import itertools
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import ministack.app as ministack
from ministack.core import persistence, router
from ministack.services import cloudformation, lambda_svc, stepfunctions

from localaws import files
from localaws.emulator import executions
from localaws.emulator.objects import CannotStore
from localaws.emulator.refusing import refuse
from localaws.emulator.scope import Incoming, headers_and_query
from localaws.files import StateError
from localaws.state import read_json

logger = logging.getLogger("storecast.emulator")

_FORMAT = "__ministack_format__"
# AWS itself delivers logs, metrics and traces later, and promises less for them; saved now and then.
_LATER = ("logs", "monitoring", "cloudwatch", "xray", "sts")
# What else changes when a call reaches one of these.
_REACHES = {"sns": ("sqs",), "events": ("sqs",), "s3": (), "lambda": ()}
_READING = re.compile(
    r"(Get|List|Describe|Head|BatchGet|Query|Scan|Search|Test|Simulate|Validate|Lookup|Filter|Check|Estimate|Invoke)"
)
_BEGINNING = 4096  # bytes of a request, which name the action of a form
_KEPT_APART = {"retention", "legal-hold"}  # of an object, not in its sidecar
_ATTEMPTS = 20  # at state that other threads change meanwhile


@dataclass
class _Saver:
    """The file of one service."""

    key: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    begun: int = 0
    saved: bytes = b""


_savers: dict[str, _Saver] = {}
_prune = lambda_svc._prune_orphan_code_blobs
_named: list[set[str]] = []  # the files of code that a state of Lambda's names, the newest one last
_written: list[set[str]] = []  # those of the states that were written
_order = itertools.count(1)
_ended_stacks: list[set[tuple[Any, ...]]] = [set()]  # those whose resources are on disk, as they ended


def register() -> None:
    if not persistence.PERSIST_STATE:
        return
    ministack.save_all = save_all
    ministack._load_persisted_state = lambda: None  # load() did
    stepfunctions._invoke_resource = _saving(stepfunctions._invoke_resource)
    lambda_svc._prune_orphan_code_blobs = _named.append
    lambda_svc._read_code_blob = _whole


# --- reading ----------------------------------------------------------------------------------------------------------


def load() -> None:
    """Raises StateError naming the file that cannot be used."""
    for key, module in ministack._state_map.items():
        path = _path(key)
        if not persistence.PERSIST_STATE or not path.exists():
            continue
        held = read_json(path, object_hook=persistence._json_object_hook)
        version, newest = held.get(_FORMAT, 1), persistence._state_format_version(key)
        if not isinstance(version, int) or version > newest:
            raise StateError(
                f"{path} has the format {version!r}; this Storecast reads formats up to {newest}. Next: use the "
                f"Storecast that wrote it, or start empty with `python -m localaws reset`."
            )
        payload, service = held.get("payload", {}) if _FORMAT in held else held, ministack._get_module(module)
        try:
            _require_shape(payload, service.get_state() or {})
            service.load_persisted_state(payload)
        except Exception as error:  # of any kind: what is in the file is not what the service wrote
            message = f"{path} is damaged: {type(error).__name__}: {error}. {files.remedy(path)}"
            raise StateError(message) from error


def _require_shape(payload: Any, empty: dict) -> None:
    """Some services take over whatever is there. Raises TypeError where it is not like what they have when empty."""
    if not isinstance(payload, dict):
        raise TypeError(f"it holds {type(payload).__name__}, not an object")
    for name, value in payload.items():
        if value is not None and empty.get(name) is not None and _shape(value) != _shape(empty[name]):
            raise TypeError(f"{name} is {_shape(value)}, not {_shape(empty[name])}")


def _shape(value: Any) -> str:
    if isinstance(value, str | int | float | bool):
        return type(value).__name__
    return "an object" if hasattr(value, "items") else "a list"


def _path(key: str) -> Path:
    return Path(persistence.STATE_DIR) / f"{key}.json"


# --- writing ----------------------------------------------------------------------------------------------------------


def save_all(services: Any = None) -> None:
    """All of it, as far as it can be written."""
    for key in ministack._build_persistence_save_dict():
        try:
            save(key)
        except (CannotStore, RuntimeError) as error:
            logger.error("the state of %s was not written: %s", key, error)
    executions.catch_up()


def save(key: str) -> None:
    """What a service holds is on disk when this returns. Calls at the same time share a write. Raises CannotStore."""
    get_state = ministack._build_persistence_save_dict().get(key)
    if get_state is None:
        return
    saver = _savers.setdefault(key, _Saver(key))
    called = next(_order)
    with saver.lock:
        if saver.begun > called:
            return
        begun = next(_order)
        text = _text(key, get_state)
        if text is None:
            return
        digest = hashlib.sha256(text).digest()
        if digest != saver.saved:
            try:
                files.replace(_path(key), text, keep_previous=True)
            except OSError as error:
                raise CannotStore(str(error)) from None
            if key == "lambda":
                _delete_old_code()
        saver.saved, saver.begun = digest, begun


def _delete_old_code() -> None:
    """The files that neither the state on disk nor the copy before it names. ministack deletes before it writes: a
    crash in between cost a function its code."""
    _written.append(_named[-1])
    if len(_written) > 1:
        _prune(set().union(*_written[-2:]))
    del _written[:-2], _named[:]


def _whole(sha: str) -> bytes:
    """The code of a function. Raises OSError where it is not there as it was; ministack goes on without it."""
    path = Path(lambda_svc.CODE_BLOB_DIR) / f"{sha}.zip"
    code = path.read_bytes()
    if hashlib.sha256(code).hexdigest() != sha:
        raise OSError(f"{path} is not the code that it was")
    return code


def _text(key: str, get_state: Callable[[], Any]) -> bytes | None:
    """None of a module that did not load."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            state = get_state()
            held = {_FORMAT: persistence._state_format_version(key), "payload": state}
            return None if state is None else json.dumps(held, default=persistence._json_default).encode()
        except RuntimeError:  # another thread changed it during the iteration
            if attempt == _ATTEMPTS:
                raise
            time.sleep(0.01 * attempt)
        except OSError as error:  # Lambda writes the code of its functions here
            raise CannotStore(str(error)) from None
    raise AssertionError("unreachable")


def save_after(service: str, action: str) -> None:
    """Saves what an action of a service may have changed. Raises CannotStore."""
    if service == "cloudformation":
        _save_what_stacks_changed()
    if service in _LATER or _READING.match(action):
        return
    for key in (*_keys(service), *_REACHES.get(service, ())):
        save(key)


def _save_what_stacks_changed() -> None:
    """Threads deploy stacks; that one has ended is said when its resources, of any service, are on disk."""
    ended = {
        (stack["StackId"], stack["StackStatus"], str(stack.get("LastUpdatedTime")), str(stack.get("DeletionTime")))
        for stack in list(cloudformation._stacks._data.values())
        if not stack["StackStatus"].endswith("_IN_PROGRESS")
    }
    if ended == _ended_stacks[0]:
        return
    for key in ministack._build_persistence_save_dict():
        save(key)
    _ended_stacks[0] = ended


@functools.cache
def _keys(service: str) -> tuple[str, ...]:
    """The names of a service's files."""
    config = ministack.SERVICE_REGISTRY.get(service)
    return (config.get("state_key", config["module"]), *config.get("sub_modules", ())) if config else ()


def _saving(invoke_resource: Callable) -> Callable:
    """What a state machine's integration changes is on disk before its state is left."""

    @functools.wraps(invoke_resource)
    def invoke(resource: str, arguments: Any) -> Any:
        result = invoke_resource(resource, arguments)
        service, operation = resource.partition(".")[0].split(":")[-2:]
        service = stepfunctions._AWS_SDK_SERVICE_MAP.get(service, {}).get("service_key", service)
        try:
            save_after(service, operation[:1].upper() + operation[1:])
        except CannotStore as error:
            raise stepfunctions._ExecutionError(f"{service}.ServiceUnavailable", str(error)) from None
        return result

    return invoke


# --- around requests --------------------------------------------------------------------------------------------------


def durable(app: Callable) -> Callable:
    """The ASGI application `app`, whose answers go out when what they say is on disk; otherwise 503."""

    async def served(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers, query = headers_and_query(scope)
        service = router.detect_service(scope["method"], scope["path"], headers, query)
        beginning, incoming = b"", Incoming(receive)

        async def received() -> dict:
            nonlocal beginning
            message = await incoming()
            if len(beginning) < _BEGINNING:
                beginning += message.get("body", b"")[:_BEGINNING]
            return message

        async def answered(message: dict) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                await asyncio.to_thread(save_after, *_call(scope, headers, query, beginning))
            await send(message)

        try:
            await app(scope, received, answered)
        except CannotStore as error:
            logger.error("%s %s was refused: %s", scope["method"], scope["path"], error)
            await incoming.discard(headers)
            code, message = "ServiceUnavailable", f"The state of {service} cannot be written: {error}"
            if service == "s3":
                code, message = "SlowDown", "Please reduce your request rate."
            await refuse(send, service, "", headers, code=code, message=message, status=503)

    return served


def _call(scope: dict, headers: dict[str, str], query: dict, beginning: bytes) -> tuple[str, str]:
    """The service of a request, and its operation as far as it matters here: a name with Get changes nothing."""
    if "form" in headers.get("content-type", ""):
        query = query | parse_qs(beginning.decode("latin-1"))
    service = router.detect_service(scope["method"], scope["path"], headers, query)
    if target := headers.get("x-amz-target"):
        return service, target.rpartition(".")[2]
    if named := query.get("Action"):
        return service, named[0]
    if scope["method"] in ("GET", "HEAD", "OPTIONS") or scope["path"].endswith("/invocations"):
        return service, "Get"
    if service == "s3" and scope["path"].strip("/").count("/") and not _KEPT_APART.intersection(query):
        return service, "Get"  # objects.py has written it
    return service, scope["method"].title()
