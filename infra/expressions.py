"""JSONata over declared payloads: paths, objects and templates that are built from the field names of the TypedDicts in
`lambdas/*/payload.py`.

A field that a type does not declare, a required field that is missing, or a constant outside a field's `Literal` raises
UndeclaredField while the app is synthesized.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import BaseModel

State = dict[str, Any]  # a state of Amazon States Language, a chain of states, or a part of one
Template = State | str  # JSON in which "{% ... %}" is JSONata


class UndeclaredField(AttributeError):
    """A state machine uses a payload in a way that its type does not declare."""


class Expression(str):
    """The text of a JSONata expression."""

    __slots__ = ()


class Path:
    """A JSONata path to a value of a declared type; its text is `str(path)`.

    An attribute is the path to a field. On a list it is, as in JSONata, that field of each element; an index picks one
    element.

    >>> from forecasting.payload import Plan
    >>> print(payload(Plan).imports[0].changed)
    $states.input.imports[0].changed
    """

    __slots__ = ("_text", "_type")

    def __init__(self, text: str, type_: Any) -> None:
        self._text, self._type = text, type_

    def __getattr__(self, field: str) -> Path:
        if field.startswith("__"):
            raise AttributeError(field)
        type_ = _declared(self._type, field, self._text)
        return Path(f"{self._text}.{field}" if self._text else field, type_)

    def __getitem__(self, position: int) -> Path:
        return Path(f"{self._text}[{position}]", self._type)

    def __str__(self) -> str:
        return self._text


def payload(type_: Any) -> Path:
    """The payload of a state."""
    return Path("$states.input", type_)


def result(type_: Any) -> Path:
    """The result of a Map (then `type_` is a list) or a Parallel."""
    return Path("$states.result", type_)


def element(type_: Any) -> Path:
    """Inside a JSONata predicate such as `imports[changed]`: the element under test."""
    return Path("", type_)


def variable(name: str, type_: Any) -> Path:
    """A JSONata variable, without its dollar sign."""
    return Path(f"${name}", type_)


def template(expression: Expression | Path | str) -> str:
    """The expression as a value in a state, `{% ... %}`."""
    return f"{{% {expression} %}}"


def record(type_: type, **members: Any) -> State:
    """A JSON template of a value of `type_`: every field that it requires and none that it does not declare.

    Expressions and paths become JSONata templates; everything else is a constant.
    """
    _check(type_, members, complete=True)
    return {name: template(value) if _is_jsonata(value) else value for name, value in members.items()}


def configured(type_: type, config: BaseModel) -> State:
    """The fields of a section of pipeline.yaml that its payload type declares; what is not set is left out."""
    declared = field_types(type_).keys()
    return record(type_, **config.model_dump(mode="json", include=set(declared), exclude_none=True))


def built(type_: type, **members: Any) -> Expression:
    """A JSONata object of `type_`, checked as in `record`."""
    _check(type_, members, complete=True)
    return _object(members)


def merged(base: Path, **members: Any) -> Expression:
    """The object at `base` with these of its fields set."""
    _check(base._type, members, complete=False)
    return Expression(f"$merge([{base}, {_object(members)}])")


def selected(base: Path, *names: str) -> Expression:
    """A JSONata object of these fields of the object at `base`."""
    return _object({name: getattr(base, name) for name in names})


def field_types(type_: Any) -> dict[str, object]:
    """The fields of a TypedDict by name. A list is looked through to its elements, a union to all its types."""
    found: dict[str, object] = {}
    for each in _typed_dicts(type_):
        found |= get_type_hints(each, include_extras=True)
    return found


def _typed_dicts(type_: Any) -> list[Any]:
    if is_typeddict(type_):
        return [type_]
    origin = get_origin(type_)
    if origin in (NotRequired, Required, Annotated, list, tuple, Union, UnionType):
        of = get_args(type_)[:1] if origin is Annotated else get_args(type_)
        return [found for each in of if each not in (NoneType, ...) for found in _typed_dicts(each)]
    return []


def _declared(type_: Any, field: str, where: str) -> Any:
    fields = field_types(type_)
    if field not in fields:
        raise UndeclaredField(f"{where or 'an element'}: {_undeclared(type_, field, fields)}")
    return fields[field]


def _check(type_: Any, members: dict[str, object], *, complete: bool) -> None:
    fields = field_types(type_)
    for name, value in members.items():
        if name not in fields:
            raise UndeclaredField(_undeclared(type_, name, fields))
        allowed = _literals(fields[name])
        if allowed and not _is_jsonata(value) and value not in allowed:
            raise UndeclaredField(f"{_name(type_)}.{name} is {value!r}; allowed: {', '.join(map(repr, allowed))}")
    missing = [name for name, field in fields.items() if name not in members and get_origin(field) is not NotRequired]
    if complete and missing:
        raise UndeclaredField(f"{_name(type_)} requires {', '.join(missing)}, which is not given")


def _literals(type_: Any) -> tuple[Any, ...]:
    """The constants that a field allows; none if it isn't declared as a Literal."""
    if get_origin(type_) in (NotRequired, Required):
        type_ = get_args(type_)[0]
    return get_args(type_) if get_origin(type_) is Literal else ()


def _undeclared(type_: Any, field: str, fields: dict[str, object]) -> str:
    return (
        f"{_name(type_)} declares no field {field!r}; allowed: {', '.join(sorted(fields)) or 'none, it has no fields'}"
    )


def _name(type_: Any) -> str:
    return " | ".join(each.__name__ for each in _typed_dicts(type_)) or str(type_)


def _is_jsonata(value: Any) -> bool:
    return isinstance(value, (Expression, Path))


def _object(members: dict[str, object]) -> Expression:
    return Expression("{" + ", ".join(f"'{name}': {_text(value)}" for name, value in members.items()) + "}")


def _text(value: Any) -> str:
    """JSONata of an expression or a constant."""
    match value:
        case Expression() | Path():
            return str(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str() if "'" not in value and "\\" not in value:
            return f"'{value}'"
        case dict():
            return _object(value)
    raise TypeError(f"no JSONata for the constant {value!r}; allowed: text without quotes, numbers, booleans, objects")
