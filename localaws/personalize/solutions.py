"""Custom solutions: what to train, the versions trained of it, and their metrics.

Nothing trains by itself here: what AWS trains automatically every 7 days is a CreateSolutionVersion of the caller.
"""

import uuid
from dataclasses import replace

from localaws.gateway import Context
from localaws.personalize import engine
from localaws.personalize.datasets import imported_files
from localaws.personalize.domains import CUSTOM
from localaws.personalize.kinds import BUSY, activate, children, create, get, in_use, invalid, limit, remove, view
from localaws.personalize.recipes import RECIPE_PREFIX, recipe_of_domain

MOST_PER_GROUP = 10  # quotas page of the guide
FREQUENCIES = {"30 minutes": 1800, "1 hour": 3600, "3 hours": 10_800, "1 day": 86_400}  # native-recipe-trending-now.md
UNBUILT = ("performAutoML", "performHPO", "performAutoTraining", "performIncrementalUpdate")
BUILT_CONFIG = ("eventValueThreshold", "featureTransformationParameters")


def create_solution(context: Context, params: dict) -> dict:
    group = get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    if unbuilt := [name for name in UNBUILT if params.get(name)]:
        raise invalid(f"{', '.join(unbuilt)} is not built in Storecast's embedded AWS.")
    recipe = recipe_of_domain(params.get("recipeArn"), CUSTOM).name
    config = params.get("solutionConfig", {})
    if unbuilt := [name for name, value in config.items() if value and name not in BUILT_CONFIG]:
        raise invalid(f"solutionConfig: {', '.join(unbuilt)} is not built in Storecast's embedded AWS.")
    _threshold(config)
    _settings(recipe, config)
    others = children(context, "Solution", "datasetGroupArn", group.arn)
    if len(others) >= MOST_PER_GROUP and params["name"] not in [each.name for each in others]:
        raise limit(f"Dataset group {group.arn} has {MOST_PER_GROUP} solutions, the most it may have.")
    solution = create(context, "Solution", params)
    activate(context, solution)
    return {"solutionArn": solution.arn}


def _threshold(config: dict) -> float | None:
    text = config.get("eventValueThreshold")
    try:
        return None if text is None else float(text)
    except ValueError:
        raise invalid(f"eventValueThreshold is {text!r}; it must be a number.") from None


def _settings(recipe: str, config: dict) -> engine.Settings:
    parameters = config.get("featureTransformationParameters", {})
    known = {"trend_discovery_frequency"} if recipe == engine.TRENDING_NOW else set()
    if unknown := set(parameters) - known:
        raise invalid(f"featureTransformationParameters of {recipe}: {', '.join(sorted(unknown))} is not known.")
    frequency = parameters.get("trend_discovery_frequency", "3 hours")
    if frequency not in FREQUENCIES:
        raise invalid(f"trend_discovery_frequency is {frequency!r}; it must be one of {', '.join(FREQUENCIES)}.")
    return replace(engine.Settings(), trend_discovery_seconds=FREQUENCIES[frequency])


def describe_solution(context: Context, params: dict) -> dict:
    solution = get(context, "Solution", params["solutionArn"])
    versions = children(context, "SolutionVersion", "solutionArn", solution.arn)
    latest = {"latestSolutionVersion": view(versions[-1])} if versions else {}
    return {"solution": view(solution) | latest}


def delete_solution(context: Context, params: dict) -> None:
    """With all its versions; not while a campaign uses one (API_DeleteSolution.md)."""
    solution = get(context, "Solution", params["solutionArn"])
    versions = children(context, "SolutionVersion", "solutionArn", solution.arn)
    users = children(context, "Campaign", "solutionArn", solution.arn)
    users += [version for version in versions if version.status in BUSY]
    if users:
        raise in_use(f"Solution {solution.arn} is in use by {users[0].arn}, which is {users[0].status}.")
    remove(context, solution)
    for version in versions:
        context.store.remove(version.arn)


def create_solution_version(context: Context, params: dict) -> dict:
    """Trains on all that is imported and put. trainingMode FULL alone: UPDATE is not built."""
    solution = get(context, "Solution", params["solutionArn"], active=True)
    mode = params.get("trainingMode", "FULL")
    if mode != "FULL":
        raise invalid(f"trainingMode {mode} is not built in Storecast's embedded AWS; FULL is.")
    files = imported_files(context, solution.record["datasetGroupArn"])
    inherited = ("datasetGroupArn", "recipeArn", "eventType", "solutionConfig")
    record = {name: solution.record[name] for name in inherited if name in solution.record}
    record |= params | {"version": uuid.uuid4().hex[:8], "trainingMode": mode, "trainingType": "MANUAL"}
    version = create(context, "SolutionVersion", record)
    config, recipe = record.get("solutionConfig", {}), record["recipeArn"].removeprefix(RECIPE_PREFIX)
    context.jobs.submit(
        version.arn,
        "localaws.personalize.work:train",
        {
            "files": files,
            "recipe_name": recipe,
            "settings": _settings(recipe, config),
            "destination": context.store.folder(version.arn) / "model",
            "event_type": record.get("eventType"),
            "event_value_threshold": _threshold(config),
        },
    )
    return {"solutionVersionArn": version.arn}


def get_solution_metrics(context: Context, params: dict) -> dict:
    version = get(context, "SolutionVersion", params["solutionVersionArn"], active=True)
    return {"solutionVersionArn": version.arn, "metrics": version.record["modelMetrics"]}
