"""Automatic training: a solution's versions on its own schedule (docs/aws-sources.md#personalize-API_CreateSolution,
docs/aws-sources.md#personalize-API_AutoTrainingConfig).

AWS starts the first one within an hour after the solution is ACTIVE, and skips it where the caller trained meanwhile.
Here it starts after seconds; what fell due while the embedded AWS was stopped is trained after its start.
"""

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

from localaws.errors import ServiceError
from localaws.registration import Context
from localaws.services.personalize.api import solution_versions
from localaws.services.personalize.api.solutions import days_of
from localaws.services.personalize.resource_types import PERSONALIZE, STATES

POLL_SECONDS = 5.0
FIRST_AFTER = 15.0  # seconds
DAY = 86_400


def resume(context: Context) -> None:
    context.jobs.every(POLL_SECONDS, train_what_is_due, context)


def is_due(record: Mapping[str, Any], since: float, trained: Iterable[float], now: float) -> bool:
    """Whether a solution is to be trained `now`: `since` when it is to be, and `trained` when its versions were
    created, all in seconds since 1970."""
    newest = max(trained, default=0.0)
    first = since + FIRST_AFTER
    due = newest + days_of(record.get("solutionConfig", {})) * DAY if newest >= since else first
    return record.get("performAutoTraining", False) and now >= due


def train_what_is_due(context: Context) -> None:
    for solution in PERSONALIZE.of_type(context, "Solution"):
        if solution.status != STATES.done or not solution.record.get("performAutoTraining"):
            continue
        versions = PERSONALIZE.having(context, "SolutionVersion", solutionArn=solution.arn)
        since = solution.record.get("automaticSince", solution.created)
        if is_due(solution.record, since, [each.created for each in versions], time.time()):
            with contextlib.suppress(ServiceError):  # such as nothing imported yet: tried again at the next poll
                solution_versions.train(context, solution, {"solutionArn": solution.arn}, "AUTOMATIC")
