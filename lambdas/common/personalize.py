"""Taking resources of Personalize away, in the order the service asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from common.resources import arn_member, attempt, summaries

Keeping = Callable[[str, str, str], bool]  # of a name, an ARN and a status


def _nothing(name: str, arn: str, status: str) -> bool:
    return False


def remove_serving(personalize: Any, group: str, keeping: Keeping = _nothing) -> list[str]:
    """Of a dataset group, what answers requests or takes events; see `remove`.

    A solution goes with all its versions, after its campaigns (docs/aws-sources.md#personalize-API_DeleteSolution).
    """
    left = []
    for kind in ("recommender", "filter", "event_tracker"):
        left += remove(personalize, kind, keeping, datasetGroupArn=group)
    for solution in summaries(personalize, "solution", datasetGroupArn=group):
        left += remove(personalize, "campaign", keeping, solutionArn=solution["solutionArn"])
    return left + remove(personalize, "solution", keeping, datasetGroupArn=group)


def remove(personalize: Any, kind: str, keeping: Keeping = _nothing, **narrower: str) -> list[str]:
    """Begin to delete the resources of `kind`, such as "event_tracker", but for what it is `keeping`.

    Returns the ARNs of those still there, under deletion or not: the next attempt sees to them.
    """
    member = arn_member(personalize, kind)
    there = summaries(personalize, kind, **narrower)
    going = [found for found in there if not keeping(found["name"], found[member], found["status"])]
    for found in going:
        if not found["status"].startswith("DELETE"):
            attempt(personalize, getattr(personalize, f"delete_{kind}"), **{member: found[member]})
    return [found[member] for found in going]
