"""Load: start the import of one dataset's files (CreateDatasetImportJob), of copies without headers where they have
headers; when it has ended, confirm what it read, or find out which file made it fail and move that into quarantine."""

from __future__ import annotations

import functools

from common.clients import client
from common.deliveries import confirm
from common.names import forecast_name
from common.quarantine import take_out
from common.resources import create
from common.step import LambdaContext, step
from common.store import get_json
from forecasting.headers import copy_without
from forecasting.payload import FileWithHeader, Import, LoadAnswer, LoadRequest


@step
def handler(event: LoadRequest, context: LambdaContext) -> LoadAnswer:
    """Do the part of the event."""
    forecast, named = client("forecast"), functools.partial(forecast_name, event["dataset"])
    if event["part"] == "confirm":
        return confirm(forecast, event, named)
    if event["part"] == "quarantine":
        copies = {f"s3://{event['resultsBucket']}/{copy}": file["key"] for copy, file in _copies(event).items()}
        return take_out(forecast, event, named, copies)
    for copy, file in _copies(event).items():
        copy_without(event["dataBucket"], file, event["resultsBucket"], copy)
    return {"importJobArn": create(forecast, "dataset_import_job", event["request"])}


def _copies(event: Import) -> dict[str, FileWithHeader]:
    """The files to copy by the keys of their copies; of files of one name in two folders both are copied."""
    folder = event["request"]["DataSource"]["S3Config"]["Path"].removeprefix(f"s3://{event['resultsBucket']}/")
    files: list[FileWithHeader] = get_json(event["resultsBucket"], event["copies"]) if event["copies"] else []
    return {f"{folder}{at:05d}_{file['key'].rpartition('/')[2]}": file for at, file in enumerate(files)}
