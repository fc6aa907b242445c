"""How an answer of the embedded AWS compares with the recordings of the real services: members, types, ARNs.

A member that all recordings of an operation have must be in our answer; a member that none has must not be, unless
`NEWER` says why. Times are compared as times. `recorded/README.md` says where the recordings come from.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from tests.recordings import FOLDER, samples

_AUTOMATIC = "came with automatic training in 2024, after the recordings"
# Members that the newest recording of the operation cannot have, with the reason.
NEWER: dict[tuple[str, str], dict[str, str]] = {
    ("forecast", "GetAccuracyMetrics"): {".OptimizationMetric": "added in November 2021"},
    ("forecast", "ListDatasetGroups"): {".NextToken": "the recorded account has no more groups than a page takes"},
    ("forecast", "ListDatasets"): {".NextToken": "likewise"},
    ("personalize", "ListDatasetGroups"): {".nextToken": "likewise"},
    ("personalize", "DescribeDatasetGroup"): {".datasetGroup.domain": "recorded of a custom group alone"},
    ("personalize", "DescribeSolution"): {
        ".solution.performAutoTraining": _AUTOMATIC,
        ".solution.latestSolutionVersion.trainingMode": _AUTOMATIC,
        ".solution.latestSolutionVersion.trainingType": _AUTOMATIC,
    },
    ("personalize", "DescribeSolutionVersion"): {".solutionVersion.trainingType": _AUTOMATIC},
    ("forecast", "DescribePredictor"): {
        ".OptimizationMetric": "added in November 2021",
        ".IsAutoPredictor": "added in November 2021",
    },
}


def members(value: Any, path: str = "") -> Iterator[str]:
    """The path and type of every leaf: `.Schema.Attributes[].AttributeName text`. The keys of maps that are data
    (statistics by field, predictions by quantile, metadata by column) count as `*`."""
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if name != "ResponseMetadata"}
        if not value:
            yield f"{path} empty"
        for name, each in value.items():
            yield from members(each, f"{path}.{'*' if path.endswith(DATA_MAPS) else name}")
    elif isinstance(value, list):
        if not value:
            yield f"{path}[] empty"
        for each in value:
            yield from members(each, f"{path}[]")
    else:
        yield f"{path} {'time' if path.endswith('Time') else _kind(value)}"  # the guides print times in any form


# Maps whose keys are data: statistics by field, predictions by quantile, metadata by column.
DATA_MAPS = (".FieldStatistics", ".Predictions", ".metadata", ".TrainingParameters", ".metrics")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, datetime):
        return "time"
    if isinstance(value, str):
        return "time" if _TIME.fullmatch(value) else "text"
    return "number"


def listening(*clients: Any) -> dict[str, list[dict]]:
    """What the clients are answered from now on, by operation."""
    heard: dict[str, list[dict]] = defaultdict(list)

    def note(parsed: dict, model: Any, **_: Any) -> None:
        if parsed["ResponseMetadata"]["HTTPStatusCode"] == 200:
            heard[model.name].append(parsed)

    for each in clients:
        each.meta.events.register("after-call", note)
    return heard


def differences(service: str, operation: str, answers: list[dict]) -> list[str]:
    """Members that every recording has and no answer of ours, and members that only ours have."""
    recorded = [set(members(each["response"])) for each in samples(service, operation)]
    ours = set.union(*(set(members(each)) for each in answers))
    newer = NEWER.get((service, operation), {})
    # A list that was empty in all recordings says nothing of its elements.
    unknown = tuple(each.removesuffix(" empty") for each in set.intersection(*recorded) if each.endswith("[] empty"))
    extra = {each for each in ours - set.union(*recorded) if each.split()[0] not in newer}
    missing = set.intersection(*recorded) - ours
    if unknown:
        extra = {each for each in extra if not each.startswith(unknown)}
        missing = {each for each in missing if not each.startswith(unknown)}
        missing |= {each for each in unknown if not any(one.startswith(each) for one in ours)}
    return sorted([f"extra: {each}" for each in extra] + [f"missing: {each}" for each in missing])


SHAPES = {  # the placeholders of arns.json
    "<region>": r"[a-z]{2}-[a-z]+-\d",
    "<account>": r"\d{12}",
    "<name>": r"[\w-]+?",
    "<id8hex>": "[0-9a-f]{8}",
    "<ULID>": "[0-7][0-9A-HJKMNP-TV-Z]{25}",
}


@cache
def arn_shapes() -> dict[str, list[str]]:
    """By service and type of resource, the regular expressions of arns.json, the most particular ones first."""
    found: dict[str, list[str]] = {}
    for each in json.loads((FOLDER / "arns.json").read_text()):
        kind = (each["shape"].split(":")[2], each["shape"].split(":")[5].split("/")[0])
        pattern = "".join(SHAPES.get(part, re.escape(part)) for part in re.split("(<[^>]+>)", each["shape"]))
        found.setdefault(":".join(kind), []).append(pattern)
    return found


def arns_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from arns_in(each)
    elif isinstance(value, str) and value.startswith("arn:aws:"):
        yield value


def misshapen(answers: dict[str, list[dict]]) -> tuple[list[str], set[str]]:
    """The ARNs in answers that have no recorded shape, and the types of resources that have one."""
    known, seen, wrong = arn_shapes(), set(), []
    for arn in set(arns_in(list(answers.values()))):
        kind = f"{arn.split(':')[2]}:{arn.split(':')[5].split('/')[0]}"
        if kind in known:
            seen.add(kind)
            wrong += [] if any(re.fullmatch(pattern, arn) for pattern in known[kind]) else [arn]
    return wrong, seen
