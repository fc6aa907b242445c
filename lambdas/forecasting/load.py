"""Load: start the import of one dataset's files (CreateDatasetImportJob), of copies without headers where they have
headers."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step
from forecasting.headers import copy_without


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if event["withHeaders"]:
        folder = event["request"]["DataSource"]["S3Config"]["Path"].removeprefix(f"s3://{event['resultsBucket']}/")
        for at, file in enumerate(event["withHeaders"]):
            name = file["key"].rpartition("/")[2]  # of files of one name in two folders both are copied
            copy_without(event["dataBucket"], file, event["resultsBucket"], f"{folder}{at:05d}_{name}")
    return {"importJobArn": create(client("forecast"), "dataset_import_job", event["request"])}
