"""From an HTTP request to a checked call and back, driven by botocore's own service models.

One piece of code serves every operation of every service here: it finds the operation, reads its input, checks it
against the model (required members, types, lengths, ranges, patterns, enums), calls the operation and checks that the
answer fits the model too.
"""

import json
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import botocore.session
import regex  # AWS's patterns use \p{L}, which the standard library's re does not know
from botocore.model import OperationModel, ServiceModel, Shape

from localaws.errors import ServiceError

Response = tuple[int, dict[str, str], bytes]
_DEEPEST = 100  # levels of JSON; no service's model has so many, and DynamoDB's documents have 32 at most
NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Service:
    """A botocore service name, its operations by AWS's names, and the code that its model gives to wrong input.

    `unchecked_patterns` names shape members whose pattern in the model contradicts the guide (RoleArn of Forecast has
    the pattern of a Forecast ARN), with the pattern that holds instead, "" for any text; their other constraints still
    hold.
    """

    name: str
    operations: Mapping[str, Callable[[Any, dict], dict | None]]
    invalid_input: str
    unchecked_patterns: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> ServiceModel:
        return service_model(self.name)


@lru_cache
def service_model(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def call(service: Service, request: Request, authorize: Callable[[OperationModel, dict], Any]) -> Response:
    """Answer one request. `authorize(operation, params)` raises ServiceError or returns the context of the call."""
    request_id = str(uuid.uuid4())
    try:
        operation, params = read(service, request)
        context = authorize(operation, params)
        if operation.name not in service.operations:
            raise ServiceError(
                "UnsupportedOperation", f"{operation.name} of {service.name} is not built in Storecast's embedded AWS."
            )
        result = service.operations[operation.name](context, params) or {}
        return 200, _headers(service, request_id), _write_output(operation, result)
    except ServiceError as error:
        headers = _headers(service, request_id) | {"x-amzn-ErrorType": error.code}
        return error.status, headers, json.dumps({"__type": error.code, "message": error.message}).encode()


def read(service: Service, request: Request) -> tuple[OperationModel, dict]:
    """The operation that a request is for, and its input, checked against the model. A null is a member that is not
    there, as AWS reads it. Raises ServiceError."""
    operation = _find_operation(service, request)
    params = _read_input(service, operation, request)
    problems = check(operation.input_shape, params, service.unchecked_patterns) if operation.input_shape else []
    if problems:
        raise ServiceError(service.invalid_input, _validation_message(problems))
    return operation, _without_nulls(params)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _headers(service: Service, request_id: str) -> dict[str, str]:
    version = service.model.metadata.get("jsonVersion", "1.1")
    rest = service.model.metadata["protocol"] == "rest-json"
    return {
        "Content-Type": "application/json" if rest else f"application/x-amz-json-{version}",
        "x-amzn-RequestId": request_id,
    }


def _find_operation(service: Service, request: Request) -> OperationModel:
    model = service.model
    target = request.headers.get("x-amz-target", "")
    if target:
        name = target.rpartition(".")[2]
        if name in model.operation_names:
            return model.operation_model(name)
    else:
        for name in model.operation_names:
            operation = model.operation_model(name)
            if (operation.http["method"], operation.http["requestUri"]) == (request.method, request.path):
                return operation
    raise ServiceError("UnknownOperationException", f"{service.name} has no operation {target or request.path!r}.")


def _read_input(service: Service, operation: OperationModel, request: Request) -> dict:
    params = read_json(request.body or b"{}")
    if not isinstance(params, dict):
        raise ServiceError("SerializationException", f"The body of {operation.name} must be a JSON object.")
    return params


def read_json(body: bytes) -> Any:
    """The value that a body is. Raises ServiceError where it is no JSON in UTF-8, or nested too deeply."""
    try:
        value = json.loads(body)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except ValueError as error:
        raise ServiceError("SerializationException", f"The body is not JSON: {error}") from None
    except RecursionError:
        raise _too_deep() from None
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _inner(each)]
    if level:
        raise _too_deep()
    return value


def _inner(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _too_deep() -> ServiceError:
    return ServiceError("SerializationException", f"The body is JSON that is nested more than {_DEEPEST} levels deep.")


# --- checking a value against a shape -------------------------------------------------------------------------------


def check(shape: Shape, value: Any, unchecked_patterns: Mapping[str, str] = NONE, path: str = "") -> list[str]:
    """All the ways in which `value` breaks `shape`, each in AWS's words: the value, the member, the constraint."""
    if shape.type_name == "structure":
        return _check_structure(shape, value, unchecked_patterns, path)
    if shape.type_name == "list":
        if not isinstance(value, list):
            return [_failed(value, path, "Member must be a list")]
        problems = _check_size(shape, len(value), value, path, "length")
        for index, item in enumerate(value):
            problems += check(shape.member, item, unchecked_patterns, f"{path}.{index + 1}.member")
        return problems
    if shape.type_name == "map":
        if not isinstance(value, dict):
            return [_failed(value, path, "Member must be a map")]
        problems = _check_size(shape, len(value), value, path, "length")
        for key, item in value.items():
            problems += check(shape.key, key, unchecked_patterns, f"{path}.{key}")
            problems += check(shape.value, item, unchecked_patterns, f"{path}.{key}")
        return problems
    return _check_scalar(shape, value, unchecked_patterns, path)


def _check_structure(shape: Shape, value: Any, unchecked_patterns: Mapping[str, str], path: str) -> list[str]:
    if not isinstance(value, dict):
        return [_failed(value, path, "Member must be a structure")]
    problems = [
        _failed(None, _join(path, name), "Member must not be null")
        for name in shape.required_members
        if value.get(name) is None
    ]
    for name, item in value.items():
        if name not in shape.members:
            problems.append(_failed(item, _join(path, name), f"Member must be one of {sorted(shape.members)}"))
        elif item is not None:
            problems += check(shape.members[name], item, unchecked_patterns, _join(path, name))
    return problems


SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float, str),
    "blob": (str, bytes),
}


def _check_scalar(shape: Shape, value: Any, unchecked_patterns: Mapping[str, str], path: str) -> list[str]:
    allowed = SCALARS[shape.type_name]
    known = isinstance(value, allowed)
    if not known or (isinstance(value, bool) and bool not in allowed):
        return [_failed(value, path, f"Member must be a {shape.type_name}")]
    if isinstance(value, float) and not math.isfinite(value):
        return [_failed(value, path, "Member must be a finite number")]
    if shape.type_name in ("integer", "long", "float", "double"):
        return _check_size(shape, value, value, path, "value")
    if shape.type_name != "string":
        return []
    problems = _check_size(shape, len(value), value, path, "length")
    enum, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if enum and value not in enum:
        problems.append(_failed(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]"))
    for name, instead in unchecked_patterns.items():
        if path.rpartition(".")[2] == _join("", name):
            pattern = instead
    if pattern and not _pattern(pattern).fullmatch(value):
        problems.append(_failed(value, path, f"Member must satisfy regular expression pattern: {pattern}"))
    return problems


@lru_cache
def _pattern(pattern: str) -> regex.Pattern:
    # Java's patterns write characters beyond 16 bits as pairs of surrogates.
    return regex.compile(pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"))


def _check_size(shape: Shape, size: float, value: Any, path: str, what: str) -> list[str]:
    problems = []
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        problems.append(_failed(value, path, f"Member must have {what} greater than or equal to {least}"))
    if most is not None and size > most:
        problems.append(_failed(value, path, f"Member must have {what} less than or equal to {most}"))
    return problems


def _join(path: str, name: str) -> str:
    """Services write all members as predictorName, whatever their model does (recorded of CreatePredictor)."""
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _failed(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else str(value)
    shown = shown if len(shown) <= 200 else shown[:200] + "..."
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {constraint}"


def _validation_message(problems: list[str]) -> str:
    errors = "error" if len(problems) == 1 else "errors"
    return f"{len(problems)} validation {errors} detected: {'; '.join(problems)}"


# --- the answer -----------------------------------------------------------------------------------------------------


def _write_output(operation: OperationModel, result: dict) -> bytes:
    if operation.output_shape is None:
        if result:
            raise AssertionError(f"{operation.name} has no output, yet it answered {sorted(result)}")
        return b"" if operation.service_model.metadata["protocol"] == "rest-json" else b"{}"
    return json.dumps(shaped(operation.output_shape, result)).encode()


def shaped(shape: Shape, value: Any) -> Any:
    """`value` cut to what `shape` declares: members it lacks and nulls go, the rest is checked for its type.

    A resource's record holds all that any answer about it needs; Describe and List cut their own answers from it.
    """
    if shape.type_name == "structure":
        return {
            name: shaped(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [shaped(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: shaped(shape.value, item) for key, item in value.items()}
    if not isinstance(value, SCALARS[shape.type_name]):
        raise AssertionError(f"{value!r} is no {shape.type_name} ({shape.name})")
    return value
