"""Solution versions: the models trained of a solution, wholly or as an update, stopped, and their metrics."""

import uuid
from pathlib import Path

from localaws.jobs import PERSONALIZE as STATES
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize.api.datasets import imported_files
from localaws.services.personalize.api.recipes import RECIPE_PREFIX
from localaws.services.personalize.api.solutions import METRIC, candidates, selection
from localaws.services.personalize.resource_types import children, create, get, in_use, invalid
from storecast_engines import recommending

INHERITED = ("datasetGroupArn", "recipeArn", "eventType", "solutionConfig", "performHPO", "performAutoML")


def create_solution_version(context: Context, params: dict) -> dict:
    """FULL trains on all that is imported and put; UPDATE brings new items and events into the newest FULL model."""
    solution = get(context, "Solution", params["solutionArn"], active=True)
    mode = params.get("trainingMode", "FULL")
    files = imported_files(context, solution.record["datasetGroupArn"])
    base = _base(context, solution) if mode == "UPDATE" else None
    if mode == "AUTOTRAIN":
        raise invalid("trainingMode AUTOTRAIN is the service's own; it must be FULL or UPDATE.")
    record = {name: solution.record[name] for name in INHERITED if name in solution.record}
    record |= params | {"version": uuid.uuid4().hex[:8], "trainingMode": mode, "trainingType": "MANUAL"}
    version = create(context, "SolutionVersion", record)
    folder = context.store.folder(version.arn) / "model"
    chosen = selection(context, record)
    if base is None:
        metric = record.get("solutionConfig", {}).get("autoMLConfig", {}).get("metricName", METRIC)
        trials = {"candidates": candidates(record), "metric": metric}
        work, arguments = "train", trials | {"tuned": record["performHPO"]}
    else:
        work, arguments = (
            "update",
            {
                "base": Path(base.private["model"]),
                "metrics": base.record["modelMetrics"],
                "settings": base.private["settings"],
            },
        )
    context.jobs.submit(
        version.arn,
        f"localaws.services.personalize.jobs.training:{work}",
        {"files": files, "selection": chosen, "destination": folder} | arguments,
        then=lambda result: _note_best_recipe(context, solution, result),
    )
    return {"solutionVersionArn": version.arn}


def _base(context: Context, solution: Resource) -> Resource:
    """The version that an UPDATE stands on (API_CreateSolutionVersion.md)."""
    recipe = solution.record.get("recipeArn")
    if recipe != RECIPE_PREFIX + recommending.USER_PERSONALIZATION:
        raise invalid(f"trainingMode UPDATE is for solutions of {recommending.USER_PERSONALIZATION}, not of {recipe}.")
    full = [
        each
        for each in children(context, "SolutionVersion", "solutionArn", solution.arn)
        if each.status == STATES.done and each.record["trainingMode"] == "FULL"
    ]
    if not full:
        raise invalid(f"trainingMode UPDATE needs an ACTIVE version of {solution.arn} that was trained with FULL.")
    return full[-1]


def _note_best_recipe(context: Context, solution: Resource, result: dict) -> None:
    if solution.record["performAutoML"]:
        best = result["record"]["recipeArn"]
        context.store.update(solution.arn, autoMLResult={"bestRecipeArn": best})


def stop_solution_version_creation(context: Context, params: dict) -> None:
    """CREATE PENDING > CREATE STOPPED, CREATE IN_PROGRESS > CREATE STOPPING > CREATE STOPPED, for good."""
    version = get(context, "SolutionVersion", params["solutionVersionArn"])
    if version.status not in (STATES.pending, STATES.in_progress):
        raise in_use(f"Solution version {version.arn} is {version.status}; only its creation can be stopped.")
    if version.status == STATES.pending:
        context.store.update(version.arn, "CREATE STOPPED")
    else:
        context.store.update(version.arn, "CREATE STOPPING")
        context.jobs.stop(version.arn)
        context.jobs.later(context.store.update, version.arn, "CREATE STOPPED")


def get_solution_metrics(context: Context, params: dict) -> dict:
    version = get(context, "SolutionVersion", params["solutionVersionArn"], active=True)
    return {"solutionVersionArn": version.arn, "metrics": version.record["modelMetrics"]}
