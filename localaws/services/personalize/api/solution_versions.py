"""Solution versions: the models trained of a solution, wholly or as an update, stopped, and their metrics."""

import time
import uuid
from functools import partial
from pathlib import Path

from localaws.errors import ServiceError, in_use, invalid
from localaws.jobs import Result
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize.api.solutions import METRIC, candidates, selection
from localaws.services.personalize.datasets import imported_files
from localaws.services.personalize.jobs import solution_versions as jobs
from localaws.services.personalize.private import TrainedPrivate
from localaws.services.personalize.recipes import RECIPE_PREFIX, recipe
from localaws.services.personalize.resource_types import PERSONALIZE, STATES
from storecast_engines import recommending

INHERITED = ("datasetGroupArn", "recipeArn", "eventType", "solutionConfig", "performHPO", "performAutoML")


def create_solution_version(context: Context, params: dict) -> dict:
    """FULL trains on all that is imported and put; UPDATE brings new items and events into the newest FULL model."""
    solution = PERSONALIZE.get(context, "Solution", params["solutionArn"], active=True)
    return train(context, solution, params, "MANUAL")


def train(context: Context, solution: Resource, params: dict, training_type: str) -> dict:
    """A new version; `training_type` says whether its creation was asked for (MANUAL) or is AUTOMATIC."""
    mode = params.get("trainingMode", "FULL")
    files = imported_files(context, solution.record["datasetGroupArn"])
    if "ITEMS" not in files and "recipeArn" in solution.record and recipe(solution.record["recipeArn"]).needs_items:
        raise invalid(f"Recipe {solution.record['recipeArn']} needs an Items dataset with imported data.")
    base = _base(context, solution) if mode == "UPDATE" else None
    if mode == "AUTOTRAIN":
        raise invalid("trainingMode AUTOTRAIN is the service's own; it must be FULL or UPDATE.")
    versions = PERSONALIZE.having(context, "SolutionVersion", solutionArn=solution.arn)
    for taken in (each for each in versions if each.record["name"] == params.get("name")):
        message = f"Another resource with Arn {taken.arn} already exists."
        raise ServiceError("ResourceAlreadyExistsException", message)
    record = {name: solution.record[name] for name in INHERITED if name in solution.record}
    identity = uuid.uuid4().hex[:8]
    name = params.get("name", f"{solution.name}/{identity}")
    record |= params | {"version": identity, "name": name, "trainingMode": mode, "trainingType": training_type}
    version = PERSONALIZE.create(context, "SolutionVersion", record)
    folder = context.store.folder(version.arn) / "model"
    chosen = selection(context, record)
    note = partial(_note_training, context, solution, version.arn)
    if base is None:
        metric = record.get("solutionConfig", {}).get("autoMLConfig", {}).get("metricName", METRIC)
        training = jobs.Train(
            files, chosen, folder, candidates=candidates(record), metric=metric, tuned=record["performHPO"]
        )
        context.jobs.submit(version.arn, jobs.train, training, then=note)
    else:
        trained: TrainedPrivate = base.private
        changes = jobs.Update(
            files,
            chosen,
            folder,
            base=Path(trained["model"]),
            metrics=base.record["modelMetrics"],
            settings=trained["settings"],
        )
        context.jobs.submit(version.arn, jobs.update, changes, then=note)
    return {"solutionVersionArn": version.arn}


def _base(context: Context, solution: Resource) -> Resource:
    """The version that an UPDATE stands on (docs/aws-sources.md#personalize-API_CreateSolutionVersion)."""
    recipe = solution.record.get("recipeArn")
    if recipe != RECIPE_PREFIX + recommending.USER_PERSONALIZATION:
        raise invalid(f"trainingMode UPDATE is for solutions of {recommending.USER_PERSONALIZATION}, not of {recipe}.")
    full = [
        each
        for each in PERSONALIZE.having(context, "SolutionVersion", solutionArn=solution.arn)
        if each.status == STATES.done and each.record["trainingMode"] == "FULL"
    ]
    if not full:
        raise invalid(f"trainingMode UPDATE needs an ACTIVE version of {solution.arn} that was trained with FULL.")
    return full[-1]


def _note_training(context: Context, solution: Resource, version: str, result: Result) -> None:
    """trainingHours: here those that the training took, on AWS those that are billed."""
    seconds = time.time() - context.store.get(version).created
    result.record["trainingHours"] = round(seconds / 3600, 3)
    if solution.record["performAutoML"]:
        best = result.record["recipeArn"]
        context.store.update(solution.arn, autoMLResult={"bestRecipeArn": best})


def stop_solution_version_creation(context: Context, params: dict) -> None:
    """CREATE PENDING > CREATE STOPPED, CREATE IN_PROGRESS > CREATE STOPPING > CREATE STOPPED, for good."""
    version = PERSONALIZE.get(context, "SolutionVersion", params["solutionVersionArn"])
    if not STATES.busy(version.status):
        raise in_use(f"Solution version {version.arn} is {version.status}; only its creation can be stopped.")
    if version.status == STATES.pending:
        context.store.update(version.arn, STATES.stopped)
    else:
        context.store.update(version.arn, STATES.stopping)
        context.jobs.stop(version.arn)
        context.jobs.later(context.store.update, version.arn, STATES.stopped)


def get_solution_metrics(context: Context, params: dict) -> dict:
    version = PERSONALIZE.get(context, "SolutionVersion", params["solutionVersionArn"], active=True)
    return {"solutionVersionArn": version.arn, "metrics": version.record["modelMetrics"]}
