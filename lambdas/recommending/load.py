"""Load: start the import of a dataset's files, or a batch inference job over a file of users or items
(CreateDatasetImportJob, CreateBatchInferenceJob); when an import has ended, confirm what it read, or find out which
file made it fail and move that into quarantine."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from common.clients import client
from common.deliveries import confirm
from common.names import personalize_name
from common.payload import ConfirmRequest, QuarantineRequest, Reimport
from common.quarantine import take_out
from common.resources import create
from common.step import step
from common.store import put_text
from recommending.audience import ranked
from recommending.lists import PER_ITEM, RANKING, subject


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The ARN of the job that the part `part` of the event asks for, or what `confirm` and `take_out` say of one."""
    return _PARTS[event["part"]](client("personalize"), event)


def _import(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    request = event["request"]
    arn = create(personalize, "dataset_import_job", request, datasetArn=request["datasetArn"])
    return {"importJobArn": arn}


def _confirm(personalize: Any, event: ConfirmRequest) -> Reimport:
    return confirm(personalize, event, functools.partial(personalize_name, event["dataset"]))


def _quarantine(personalize: Any, event: QuarantineRequest) -> Reimport:
    return take_out(personalize, event, functools.partial(personalize_name, event["dataset"]), {})


def _batch(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """Also where the `output` will be and how many `requests` it answers. What was done already is not done again."""
    settings, done = event["settings"], event.get("done")
    [version] = [made["solutionVersionArn"] for made in event["solutions"] if made["name"] == settings["solution"]]
    if done and (done["solutionVersionArn"], done["settings"]) == (version, settings):
        return done
    lines = _requests(event)
    put_text(event["resultsBucket"], event["input"], "".join(f"{json.dumps(line)}\n" for line in lines))
    filters = [one["filterArn"] for one in event["filters"] if one["name"] == settings.get("filter")]
    request = {**event["request"], "solutionVersionArn": version, **({"filterArn": filters[0]} if filters else {})}
    return {
        "solutionVersionArn": version,
        "batchInferenceJobArn": create(personalize, "batch_inference_job", request, solutionVersionArn=version),
        "output": request["jobOutput"]["s3DataDestination"]["path"],
        "requests": len(lines),
    }


def _requests(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The input in its recipe's form (batch-data-upload.md)."""
    bucket, folder = event["dataBucket"], f"recommending/{event['dataset']}/"
    about, top = subject(event), event["settings"].get("top")
    if about == PER_ITEM:
        return [{"itemId": item} for item in ranked(bucket, folder, "ITEM_ID")[:top]]
    items = {"itemList": ranked(bucket, folder, "ITEM_ID")[: event["headItems"]]} if about == RANKING else {}
    return [{"userId": user, **items} for user in ranked(bucket, folder, "USER_ID")[:top]]


_PARTS: dict[str, Callable[[Any, Any], Any]] = {
    "import": _import,
    "confirm": _confirm,
    "quarantine": _quarantine,
    "batch": _batch,
}
