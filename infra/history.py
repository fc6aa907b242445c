"""How long the history of a run can become: Step Functions ends an execution at its 25,000th event, and no Catch helps
(docs/aws-sources.md#step-functions-service-quotas). A config whose worst run comes near that is refused at synth.

The worst run polls every job until just before its budget is spent, waits for each full quota as long as it may, and
imports again as often as it may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil

from infra.config import ConfigError, Pipeline
from infra.polling import GROWTH, HIGHEST_WAIT, LOWEST_WAIT
from infra.steps import State

MOST_EVENTS = 25_000
_OF_THE_FRAME = 500  # the lock, settling, telling a failure
_AGAIN = (
    *("Plan", "Anything refused?", "Notify refused", "Anything new?"),
    *("Ensure", "Ensure datasets", "Datasets", "Import", "Import again?"),
)
IMPORTS_AGAIN = 6  # once, and five times as files went into quarantine meanwhile (lambdas/common/quarantine.py)
_RECOMMENDED_AGAIN = 2  # a recommender that was off, or in progress, is updated once it is on
_LOOKS_AT_WHAT_GOES = 40  # infra/recommending_states.py
_POLL = 5 + 2 + 2  # a task, a choice, a wait
_TRY = 3  # scheduled, started, failed


def check(config: Pipeline, pipeline: str, steps: State) -> None:
    """Raises ConfigError if a run of the chain `steps` could reach the limit."""
    most = worst(steps, sizes(config))
    if most > MOST_EVENTS:
        raise ConfigError(
            f"{pipeline}: a run of this config could need {most:,} events of history, and Step Functions ends a run at "
            f"{MOST_EVENTS:,}. Use fewer algorithms, forecasts and what_if, or use_cases, solutions, filters and batch."
        )


def sizes(config: Pipeline) -> dict[str, int]:
    """The most items that each Map of the pipelines can have."""
    found = {"Import": 3, "Datasets": 3, "Event tracker": 1}
    forecasting = config.forecasting
    if forecasting and forecasting.engine == "storecast":
        found["Copies"] = 3
    elif forecasting:
        found |= {
            "Algorithms": len(forecasting.algorithms),
            "Forecasts": len(forecasting.forecasts),
            "Scenarios": len(forecasting.what_if),
        }
    if recommending := config.recommending:
        found |= {
            "Filters": len(recommending.filters),
            "Recommenders": len(recommending.use_cases),
            "Solutions": len(recommending.solutions),
            "Batch": len(recommending.batch),
        }
    return found


def worst(chain: State, items: Mapping[str, int]) -> int:
    """The most events of a run of the chain, `items` by the names of its Maps."""
    return _OF_THE_FRAME + _of(chain, items)


def _of(chain: State, items: Mapping[str, int], *, quotas: bool = True) -> int:
    """With the waits for full quotas (`quotas`), or as a loop goes through the chain once more."""
    states, events = chain["States"], 0
    for name, state in states.items():
        number, times = items.get(name, 0), _times(name, chain)
        events += _of_state(state, number, items, quotas=quotas)
        events += (times - 1) * _of_state(state, number, items, quotas=False)
    return events


def _times(name: str, chain: State) -> int:
    if name in (
        "Plan",
        "Anything refused?",
        "Notify refused",
        "Anything new?",
        "Ensure",
        "Ensure datasets",
        "Datasets",
        "Import",
        "Import again?",
    ):
        return IMPORTS_AGAIN
    if chain["StartAt"] == "Recommend":
        return _RECOMMENDED_AGAIN
    return _LOOKS_AT_WHAT_GOES if name in ("Ensure nothing else", "Anything left?", "Wait for the rest to go") else 1


def _of_state(state: State, number: int, items: Mapping[str, int], *, quotas: bool) -> int:
    match state["Type"]:
        case "Task":
            patience = [
                r["MaxAttempts"] for r in state.get("Retry", ()) if "LimitExceededException" in r["ErrorEquals"]
            ]
            return 5 + (_TRY * sum(patience) if quotas else 0)
        case "Choice":  # the polls are counted where they are decided on
            return 2 + (_polls(state) - 1) * _POLL
        case "Parallel":
            return 4 + sum(_of(branch, items, quotas=quotas) for branch in state["Branches"])
        case "Map":
            return 4 + number * (2 + _of(state["ItemProcessor"], items, quotas=quotas))
    return 2


def _polls(choice: State) -> int:
    """How often a wait can be decided on: until its budget is spent, if it has one."""
    spent = [re.search(r"waited >= (\d+)", str(each.get("Condition"))) for each in choice["Choices"]]
    budget = next((int(found.group(1)) for found in spent if found), 0)
    waited, seconds, polls = 0, LOWEST_WAIT, 1
    while waited < budget:
        waited, polls = waited + seconds, polls + 1
        seconds = min(HIGHEST_WAIT, ceil(seconds * GROWTH))
    return polls
