"""The input of requests to ministack's services, checked against botocore's models before ministack sees it.

AWS refuses what its model has no room for; ministack fails on it somewhere inside and answers 500. Names, lengths and
values are left to the services, required members and types are not. Our own services check their input themselves.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import OperationModel, Shape
from ministack.core import router
from ministack.services import sqs

from localaws.emulator.refusing import refuse
from localaws.emulator.scope import headers_and_query, read_body, replay
from localaws.errors import ServiceError
from localaws.protocol import SCALARS, read_json, service_model

# Services of ministack with bodies in JSON that anything here uses; bodies of others are only parsed.
_TARGETS = (
    "athena",
    "budgets",
    "dynamodb",
    "events",
    "glue",
    "kms",
    "logs",
    "secretsmanager",
    "sqs",
    "ssm",
    "stepfunctions",
)
_PATHS = ("lambda", "scheduler")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def register() -> None:
    """A token that ListQueues did not give is refused; ministack fails on it."""
    sqs._HANDLERS["ListQueues"] = _with_its_own_token(sqs._HANDLERS["ListQueues"])


def _with_its_own_token(list_queues: Callable[[dict, str], dict]) -> Callable[[dict, str], dict]:
    @functools.wraps(list_queues)
    def listed(data: dict, url: str) -> dict:
        token = data.get("NextToken")
        if token and not (token.isascii() and token.isdigit()):
            raise sqs._Err("InvalidParameterValue", f"NextToken {token[:200]!r} is none that ListQueues gave.")
        return list_queues(data, url)

    return listed


def readable(app: Callable) -> Callable:
    """The ASGI application `app` for requests whose JSON it can read."""

    async def guarded(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers, query = headers_and_query(scope)
        service = router.detect_service(scope["method"], scope["path"], headers, query)
        form = "x-www-form-urlencoded" in headers.get("content-type", "")
        if service == "s3" or not (form or "x-amz-target" in headers or service in _PATHS):
            await app(scope, receive, send)
            return
        body = await read_body(receive)
        try:
            body = _checked_form(body) if form else _checked(_operation(scope, headers), body)
        except ServiceError as error:
            await refuse(send, service, "", headers, code=error.code, message=error.message, status=400)
            return
        await app(_with_length(scope, len(body)), replay(body, receive), send)

    return guarded


def _checked_form(body: bytes) -> bytes:
    """The body of a service that answers in XML, which holds no control characters. Raises ServiceError."""
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        if _NOT_IN_XML.search(name + value):
            raise ServiceError("ValidationError", f"{name[:200]!r} has a character that XML does not allow.")
    return body


def _checked(operation: OperationModel | None, body: bytes) -> bytes:
    """The body as it may go on: without nulls, which are members that are absent. Raises ServiceError."""
    if not body:
        return body
    given = read_json(body)
    shape = _body_shape(operation) if operation else None
    if shape is None:
        return body
    present = _without_nulls(given)
    if problem := next(_problems(shape, present, ""), None):
        raise ServiceError("SerializationException", problem)
    # ministack looks at the signature once more: the body stays as it was signed, where it can.
    return body if present == given else json.dumps(present).encode()


def _operation(scope: dict, headers: dict[str, str]) -> OperationModel | None:
    prefix, _, name = headers.get("x-amz-target", "").rpartition(".")
    if prefix:
        model = _by_target().get(prefix)
        return model.operation_model(name) if model and name in model.operation_names else None
    for method, path, operation in _by_path():
        if method == scope["method"] and path.fullmatch(scope["path"]):
            return operation
    return None


@cache
def _by_target() -> dict[str, Any]:
    return {service_model(name).metadata["targetPrefix"]: service_model(name) for name in _TARGETS}


@cache
def _by_path() -> list[tuple[str, re.Pattern[str], OperationModel]]:
    operations = [
        service_model(service).operation_model(name)
        for service in _PATHS
        for name in service_model(service).operation_names
    ]
    return [(each.http["method"], _path(each.http["requestUri"]), each) for each in operations]


def _path(uri: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^}]+)\}", uri.partition("?")[0])
    return re.compile("".join(re.escape(part) if at % 2 == 0 else "[^/]+" for at, part in enumerate(parts)))


def _body_shape(operation: OperationModel) -> Shape | None:
    """What the body is; None where it is no JSON of the model, such as the payload of an invocation."""
    shape = operation.input_shape
    if shape is None or operation.has_streaming_input or "payload" in shape.serialization:
        return None
    return shape


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """What of the value has not the type that the model gives, and what of it is missing."""
    match shape.type_name:
        case "structure":
            if getattr(shape, "is_document_type", False):
                return
            if not isinstance(value, dict):
                yield _wrong(value, path, "a structure")
                return
            yield from (f"{path or 'the body'} lacks {name}" for name in _required(shape) if name not in value)
            if shape.name == "Tag" and len(value) < 2:
                yield f"{path} is a tag without a key or a value"
            for name, member in _members(shape).items():
                if name in value:
                    yield from _problems(member, value[name], f"{path}.{name}".lstrip("."))
        case "list":
            if not isinstance(value, list):
                yield _wrong(value, path, "a list")
                return
            for at, item in enumerate(value):
                yield from _problems(shape.member, item, f"{path}[{at}]")
        case "map":
            if not isinstance(value, dict):
                yield _wrong(value, path, "a map")
                return
            for name, item in value.items():
                yield from _problems(shape.value, item, f"{path}.{name}")
        case kind:
            if not _is_scalar(kind, value):
                yield _wrong(value, path, f"a {kind}")


def _members(shape: Shape) -> dict[str, Shape]:
    """Of the body: what a path, a query or a header has is not in it."""
    return {
        member.serialization.get("name", name): member
        for name, member in shape.members.items()
        if "location" not in member.serialization
    }


def _required(shape: Shape) -> list[str]:
    """Without tokens of idempotency, which clients make, and AWS's own services leave out."""
    return [
        shape.members[name].serialization.get("name", name)
        for name in shape.required_members
        if "location" not in shape.members[name].serialization
        and not shape.members[name].metadata.get("idempotencyToken")
    ]


def _is_scalar(kind: str, value: Any) -> bool:
    if kind in ("integer", "long") and isinstance(value, float) and value.is_integer():
        return True
    if kind == "blob":
        return isinstance(value, str) and _is_base64(value)
    return isinstance(value, SCALARS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _wrong(value: Any, path: str, kind: str) -> str:
    return f"{path or 'the body'} is {json.dumps(value)[:200]}, not {kind}"


def _with_length(scope: dict, length: int) -> dict:
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}
