"""Ensure: schemas and dataset group, and once the group is ACTIVE its datasets (CreateSchema, CreateDatasetGroup,
CreateDataset). It is called twice: a group takes its time, and has no datasets before."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`groupArn`, and with an ACTIVE group the imports with the ARNs of their datasets.

    Raises ValueError if a dataset is there with another schema.
    """
    personalize = client("personalize")
    group = create(personalize, "dataset_group", event["group"])
    schemas = [create(personalize, "schema", job["schema"]) for job in event["imports"]]
    if personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]["status"] != "ACTIVE":
        return {"groupArn": group}
    imports = [
        _with_dataset(personalize, job, group, schema) for job, schema in zip(event["imports"], schemas, strict=True)
    ]
    return {"groupArn": group, "imports": imports}


def _with_dataset(personalize: Any, job: dict[str, Any], group: str, schema: str) -> dict[str, Any]:
    request = {**job["dataset"], "schemaArn": schema, "datasetGroupArn": group}
    arn = create(personalize, "dataset", request, datasetGroupArn=group)
    there = personalize.describe_dataset(datasetArn=arn)["dataset"]["schemaArn"]
    if there != schema:
        raise ValueError(
            f"dataset {arn} exists with schema {there}, but pipeline.yaml says otherwise ({schema}): "
            "delete the dataset, or give the config another name"
        )
    return {**job, "datasetArn": arn, "request": {**job["request"], "datasetArn": arn}}
