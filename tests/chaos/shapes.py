"""Random inputs of AWS operations from botocore's models: values that fit, and JSON that breaks a model somewhere."""

from __future__ import annotations

import copy
import json
import random
import string
from collections.abc import Mapping
from typing import Any

from botocore.model import Shape

_DEPTH = 6  # of nested structures; some models are recursive
_ODD_TEXT = (
    "",
    " ",
    "a" * 70_000,
    "\0",
    "ü" * 300,
    "\ud83d",  # half of a surrogate pair, which JSON can write
    "../../etc/passwd",
    "${jndi:ldap://x}",
    "'; DROP TABLE x; --",
    "arn:aws",
    "arn:aws:forecast:us-east-1:000000000000:dataset/",
    "arn:aws:iam::role/short",
    "s3://",
    "s3:///x",
    "s3://no-such-bucket/../x",
    "2026-13-45",
    "{{}}",
    "%00%ff",
)
_ODD_VALUES: tuple[Any, ...] = (None, True, 0, -1, 2**63, 1e308, float("nan"), [], {}, [None], [{}], {"": None}, "x")


class Shapes:
    """Values by a seed. `known` are names and ARNs that exist, by a part of a member's name: so some calls pass."""

    def __init__(self, rng: random.Random, known: Mapping[str, list[str]]) -> None:
        self._rng, self._known = rng, known

    def fitting(self, shape: Shape | None, name: str = "", depth: int = 0) -> Any:
        """A value that the model allows, but for patterns; optional members come by chance."""
        if shape is None:
            return {}
        match shape.type_name:
            case "structure":
                wanted = [
                    each
                    for each in shape.members
                    if each != "ContentLength"  # of more than there is, the server would wait for the rest
                    and (each in shape.required_members or (depth < _DEPTH and self._rng.random() < 0.3))
                ]
                if getattr(shape, "is_tagged_union", False) and shape.members:
                    wanted = [self._rng.choice(list(shape.members))]
                return {each: self.fitting(shape.members[each], each, depth + 1) for each in wanted}
            case "list":
                least = shape.metadata.get("min", 0)
                count = max(least, self._rng.choice((0, 1, 2))) if depth < _DEPTH else least
                return [self.fitting(shape.member, name, depth + 1) for _ in range(min(count, 10))]
            case "map":
                count = self._rng.choice((0, 1, 2)) if depth < _DEPTH else 0
                return {self._text(name, shape.key): self.fitting(shape.value, name, depth + 1) for _ in range(count)}
            case "string":
                return self._text(name, shape)
            case "boolean":
                return self._rng.random() < 0.5
            case "timestamp":
                return self._rng.choice((0, 1_700_000_000, 1_900_000_000))
            case "blob":
                return self._rng.choice((b"", b"x", b"\xff\x00", b"{}"))
            case "integer" | "long":
                return self._number(shape)
            case "float" | "double":
                return float(self._number(shape))
        raise ValueError(f"no values of the type {shape.type_name}")

    def _number(self, shape: Shape) -> int:
        least, most = int(shape.metadata.get("min", 0)), int(shape.metadata.get("max", 100))
        return self._rng.choice((least, min(most, least + 1), min(most, 2**31 - 1)))

    def _text(self, name: str, shape: Shape) -> str:
        if shape.enum and self._rng.random() < 0.9:
            return str(self._rng.choice(shape.enum))
        lower = name.lower()
        for part, values in self._known.items():
            if part in lower and self._rng.random() < 0.6:
                return self._rng.choice(values)
        if self._rng.random() < 0.1:
            return self._rng.choice(_ODD_TEXT)
        least, most = shape.metadata.get("min", 1), shape.metadata.get("max", 20)
        length = min(max(least, 1), 100) if self._rng.random() < 0.5 else min(most, 20)
        return "".join(self._rng.choices(string.ascii_letters + string.digits + "_-", k=max(length, 1)))

    def broken(self, value: Any) -> bytes:
        """JSON of the value, with something odd in one place; or no JSON at all, or JSON of great depth."""
        chance = self._rng.random()
        if chance < 0.03:
            return self._rng.choice((b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a":1,"a":2}', b"1" * 5000))
        if chance < 0.06:
            deep = self._rng.choice((500, 5_000, 50_000))
            name = self._rng.choice(list(value) or ["x"])
            return b'{"%s":%s%s}' % (name.encode(), b"[" * deep, b"]" * deep)
        changed = copy.deepcopy(value)
        for _ in range(self._rng.choice((1, 1, 1, 2, 3))):
            self._break(changed)
        return json.dumps(changed, default=lambda blob: blob.decode("latin-1")).encode()

    def _break(self, value: Any) -> None:
        places = list(_places(value))
        if not places:
            value["Unknown"] = 1
            return
        holder, key = self._rng.choice(places)
        odd = copy.deepcopy(self._rng.choice((*_ODD_VALUES, *_ODD_TEXT)))
        if self._rng.random() < 0.1 and isinstance(holder, dict):
            del holder[key]
        elif self._rng.random() < 0.1:
            holder[key] = {"Unknown": copy.deepcopy(holder[key])}
        elif self._rng.random() < 0.1:
            holder[key] = [copy.deepcopy(holder[key])] * self._rng.choice((1, 2, 2_000))
        else:
            holder[key] = odd


def _places(value: Any) -> Any:
    """Each holder with a key or index in it, of all nested values."""
    if isinstance(value, dict):
        entries: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    else:
        return
    for key, inner in entries:
        yield value, key
        yield from _places(inner)
