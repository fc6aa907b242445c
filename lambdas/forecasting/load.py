"""Load: start the import of one dataset's files (CreateDatasetImportJob), of copies without headers where they have
headers; when it has ended, confirm what it read, or find out which file made it fail and move that into quarantine."""

from __future__ import annotations

import functools
from typing import Any

from common.clients import client
from common.deliveries import confirm
from common.names import forecast_name
from common.quarantine import take_out
from common.resources import create
from common.step import step
from forecasting.headers import copy_without


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`importJobArn`; for the parts "confirm" and "quarantine", what `confirm` and `take_out` say."""
    folder = event["request"]["DataSource"]["S3Config"]["Path"].removeprefix(f"s3://{event['resultsBucket']}/")
    # Of files of one name in two folders both are copied.
    copies = {
        f"{folder}{at:05d}_{file['key'].rpartition('/')[2]}": file for at, file in enumerate(event["withHeaders"])
    }
    named = functools.partial(forecast_name, event["dataset"])
    if event["part"] == "confirm":
        return confirm(client("forecast"), event, named)
    if event["part"] == "quarantine":
        uris = {f"s3://{event['resultsBucket']}/{copy}": file["key"] for copy, file in copies.items()}
        return take_out(client("forecast"), event, named, uris)
    for copy, file in copies.items():
        copy_without(event["dataBucket"], file, event["resultsBucket"], copy)
    return {"importJobArn": create(client("forecast"), "dataset_import_job", event["request"])}
