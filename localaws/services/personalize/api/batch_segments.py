"""Batch segment jobs: for a file of items or item attributes, the users likeliest to interact with each, as a file
(docs/aws-sources.md#personalize-creating-batch-seg-job)."""

from functools import partial
from pathlib import Path

from localaws.errors import invalid
from localaws.registration import Context
from localaws.services.personalize.access import READ, WRITE_AND_READ, s3_access
from localaws.services.personalize.answering import DEFAULT_RESULTS
from localaws.services.personalize.datasets import imported_files
from localaws.services.personalize.jobs.batch_segments import Segments, find_segments
from localaws.services.personalize.private import TrainedPrivate
from localaws.services.personalize.recipes import recipe, trained_settings
from localaws.services.personalize.resource_types import PERSONALIZE
from storecast_engines import recommending

MOST_USERS = 5_000_000  # API_BatchSegmentJob


def create_batch_segment_job(context: Context, params: dict) -> dict:
    """Answers with what training knew: a later event counts after the next training alone."""
    version = PERSONALIZE.get(context, "SolutionVersion", params["solutionVersionArn"], active=True)
    by = recipe(version.record["recipeArn"])
    if not by.segments:
        able = ", ".join((recommending.ITEM_AFFINITY, recommending.ITEM_ATTRIBUTE_AFFINITY))
        raise invalid(f"Batch segment jobs are for the recipes {able}, not for {by.name}.")
    if "filterArn" in params:
        raise invalid("Filters of users are not implemented in Storecast's embedded AWS: leave filterArn out.")
    source = params["jobInput"]["s3DataSource"]["path"]
    destination = params["jobOutput"]["s3DataDestination"]["path"]
    for kind, path in (("input", source), ("output", destination)):
        if not path.startswith("s3://"):
            raise invalid(f"Invalid S3 {kind} path. {path!r} is not an s3:// path.")
    results = params.get("numResults", DEFAULT_RESULTS)
    if not 1 <= results <= MOST_USERS:
        raise invalid(f"numResults is {results}; it must be from 1 to {MOST_USERS:,}.")
    job = PERSONALIZE.create(context, "BatchSegmentJob", {"numResults": results} | params)
    trained: TrainedPrivate = version.private
    context.jobs.submit(
        job.arn,
        find_segments,
        Segments(
            source=source,
            destination=destination,
            recipe=by.name,
            model=Path(trained["model"]),
            settings=trained_settings(version),
            users=results,
            items=imported_files(context, version.record["datasetGroupArn"]).get("ITEMS", []),
        ),
        access=partial(s3_access, context, job, [(READ, source), (WRITE_AND_READ, destination)], "batch segment job"),
    )
    return {"batchSegmentJobArn": job.arn}
