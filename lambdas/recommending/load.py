"""Load: start the import of a dataset's files, or a batch inference job over a file of users or items
(CreateDatasetImportJob, CreateBatchInferenceJob); when an import has ended, confirm what it read, or find out which
file made it fail and move that into quarantine."""

from __future__ import annotations

import functools
import json
from typing import Any

from common import copies
from common.clients import client
from common.deliveries import confirm
from common.names import personalize_name
from common.payload import ImportRequest, ImportStarted
from common.quarantine import take_out
from common.resources import create
from common.step import LambdaContext, step
from common.store import put_text
from recommending.payload import BatchAnswer, BatchRequest, LoadAnswer, LoadRequest
from recommending.publishing import SUBJECTS, Subject, by_count, interactions


@step
def handler(event: LoadRequest, context: LambdaContext) -> LoadAnswer:
    """The ARN of the job that the part of the event asks for, or what `confirm` and `take_out` say of one."""
    personalize = client("personalize")
    if event["part"] == "import":
        return _import(personalize, event)
    if event["part"] == "batch":
        return _batch(personalize, event)
    named = functools.partial(personalize_name, event["dataset"])
    if event["part"] == "confirm":
        return confirm(personalize, event, named)
    return take_out(personalize, copies.about_deliveries(event), named, copies.by_uri(event))


def _import(personalize: Any, event: ImportRequest) -> ImportStarted:
    copies.make(event)
    request = event["request"]
    arn = create(personalize, "dataset_import_job", request, datasetArn=request["datasetArn"])
    return {"importJobArn": arn}


def _batch(personalize: Any, event: BatchRequest) -> BatchAnswer:
    """What was done already, by the same solution version with the same settings, is not done again."""
    settings, previous = event["settings"], event.get("previous")
    [version] = [made["solutionVersionArn"] for made in event["solutions"] if made["name"] == settings["solution"]]
    if previous and (previous["solutionVersionArn"], previous["settings"]) == (version, settings):
        return previous
    lines = _inputs(event)
    put_text(event["resultsBucket"], event["inputKey"], "".join(f"{json.dumps(line)}\n" for line in lines))
    filters = [one["filterArn"] for one in event["filters"] if one["name"] == settings.get("filter")]
    request = {**event["request"], "solutionVersionArn": version, **({"filterArn": filters[0]} if filters else {})}
    return {
        "solutionVersionArn": version,
        "batchInferenceJobArn": create(personalize, "batch_inference_job", request, solutionVersionArn=version),
        "output": request["jobOutput"]["s3DataDestination"]["path"],
        "requests": len(lines),
    }


def _inputs(event: BatchRequest) -> list[dict[str, str | list[str]]]:
    """The lines of the input in their recipe's form (docs/aws-sources.md#personalize-batch-data-upload)."""
    subject, top = SUBJECTS[event["recipe"]], event["settings"].get("top")
    items, users = map(by_count, interactions(event, f"recommending/{event['dataset']}/"))
    if subject is Subject.ITEM:
        return [{"itemId": item} for item in items[:top]]
    if subject is Subject.RANKING:
        return [{"userId": user, "itemList": items[: event["headItems"]]} for user in users[:top]]
    return [{"userId": user} for user in users[:top]]
