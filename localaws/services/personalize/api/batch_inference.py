"""Batch inference jobs: recommendations for a file of users or items, as a file
(docs/aws-sources.md#personalize-recommendations-batch)."""

from functools import partial
from pathlib import Path

from localaws.errors import invalid
from localaws.registration import Context
from localaws.services.personalize.access import READ, WRITE_AND_READ, s3_access
from localaws.services.personalize.answering import DEFAULT_RESULTS, check_results
from localaws.services.personalize.api import filters
from localaws.services.personalize.datasets import imported_files
from localaws.services.personalize.jobs.batch_inference import Infer, infer
from localaws.services.personalize.private import TrainedPrivate
from localaws.services.personalize.recipes import check_config, recipe, settings_of, trained_settings
from localaws.services.personalize.resource_types import PERSONALIZE
from storecast_engines import recommending


def create_batch_inference_job(context: Context, params: dict) -> dict:
    """Answers with what training knew: events put since then count after the next training alone."""
    version = PERSONALIZE.get(context, "SolutionVersion", params["solutionVersionArn"], active=True)
    by, config = recipe(version.record["recipeArn"]), params.get("batchInferenceJobConfig", {})
    _check(by, config, params)
    source = params["jobInput"]["s3DataSource"]["path"]
    destination = params["jobOutput"]["s3DataDestination"]["path"]
    for kind, path in (("input", source), ("output", destination)):
        if not path.startswith("s3://"):
            raise invalid(f"Invalid S3 {kind} path. {path!r} is not an s3:// path.")
    results = check_results(params.get("numResults", DEFAULT_RESULTS))
    group_arn = version.record["datasetGroupArn"]
    expression = None
    if "filterArn" in params:
        expression = filters.usable(context, params["filterArn"], group_arn).record["filterExpression"]
    record = {"batchInferenceJobMode": "BATCH_INFERENCE", "batchInferenceJobConfig": config, "numResults": results}
    job = PERSONALIZE.create(context, "BatchInferenceJob", record | params)
    trained: TrainedPrivate = version.private
    context.jobs.submit(
        job.arn,
        infer,
        Infer(
            source=source,
            destination=destination,
            recipe=by.name,
            model=Path(trained["model"]),
            settings=settings_of(config, trained_settings(version)),
            results=results,
            expression=expression,
            files=imported_files(context, group_arn),
        ),
        access=partial(s3_access, context, job, [(READ, source), (WRITE_AND_READ, destination)], "batch inference job"),
    )
    return {"batchInferenceJobArn": job.arn}


def _check(by: recommending.Recipe, config: dict, params: dict) -> None:
    if params.get("batchInferenceJobMode") == "THEME_GENERATION" or "themeGenerationConfig" in params:
        raise invalid("batchInferenceJobMode THEME_GENERATION is not built in Storecast's embedded AWS.")
    if by.name == recommending.TRENDING_NOW or by.segments:
        raise invalid(f"Batch recommendations cannot be made with recipe {by.name}.")
    check_config(by, config)
