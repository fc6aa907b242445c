"""Load: start the import of one dataset's files (CreateDatasetImportJob)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return {"importJobArn": create(client("forecast"), "dataset_import_job", event["request"])}
