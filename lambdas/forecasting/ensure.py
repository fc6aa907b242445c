"""Ensure: the datasets and the dataset group, made once and checked ever after (CreateDataset, CreateDatasetGroup), and
room for what this run will make (DeleteResourceTree, DeleteDatasetImportJob)."""

from __future__ import annotations

from typing import Any, NoReturn

from common.clients import client
from common.payload import AwsJson
from common.resources import attempt, create, summaries
from common.step import LambdaContext, ServiceUnavailable, step
from forecasting.payload import Ensured, Import, Plan
from forecasting.prune import prune


@step
def handler(event: Plan, context: LambdaContext) -> Ensured:
    """`groupArn`, and the imports with the ARNs of their datasets.

    Raises ValueError if a dataset that has held data is there with another schema or key: Forecast cannot change one.
    One that never held data, such as after a refused first file, is made again.
    """
    forecast = client("forecast")
    arns = {dataset["kind"]: _dataset(forecast, dataset["request"]) for dataset in event["datasets"]}
    group = create(forecast, "dataset_group", event["group"])
    _put_together(forecast, event["group"], group, list(arns.values()))
    prune(forecast, event, group)
    imports: list[Import] = [
        {**job, "request": {**job["request"], "DatasetArn": arns[job["kind"]]}} for job in event["imports"]
    ]
    return {"groupArn": group, "imports": imports}


def _dataset(forecast: Any, wanted: AwsJson) -> str:
    arn = create(forecast, "dataset", wanted)
    there = forecast.describe_dataset(DatasetArn=arn)
    for key in ("Domain", "DataFrequency", "Schema", "EncryptionConfig"):
        # DescribeDataset answers "EncryptionConfig": {} where the request had none
        if (wanted.get(key) or None) != (there.get(key) or None):
            if not _held_data(forecast, arn):
                _delete_to_make_again(forecast, arn, there["Status"])
            raise ValueError(
                f"dataset {wanted['DatasetName']} exists with {key} {there.get(key)}, but pipeline.yaml says "
                f"{wanted.get(key)}; Forecast cannot change a dataset: delete it, or give the config another name"
            )
    return arn


def _put_together(forecast: Any, wanted: AwsJson, group: str, datasets: list[str]) -> None:
    """The datasets in the group. Raises ValueError if it has held data under another domain."""
    there = forecast.describe_dataset_group(DatasetGroupArn=group)
    if set(there["DatasetArns"]) == set(datasets):
        return
    try:
        forecast.update_dataset_group(DatasetGroupArn=group, DatasetArns=datasets)
    except forecast.exceptions.InvalidInputException as error:
        if there["Domain"] == wanted["Domain"]:
            raise
        if not any(_held_data(forecast, dataset) for dataset in there["DatasetArns"]):
            _delete_to_make_again(forecast, group, there["Status"])
        raise ValueError(
            f"dataset group {wanted['DatasetGroupName']} exists with Domain {there['Domain']}, but pipeline.yaml says "
            f"{wanted['Domain']}; Forecast cannot change it: delete the group, or give the config another name"
        ) from error


def _held_data(forecast: Any, dataset: str) -> bool:
    """Whether an import into the dataset succeeded, or may still do so."""
    ours = [{"Key": "DatasetArn", "Value": dataset, "Condition": "IS"}]
    statuses = [job["Status"] for job in summaries(forecast, "dataset_import_job", Filters=ours)]
    return any(not status.startswith(("CREATE_FAILED", "CREATE_STOPPED", "DELETE")) for status in statuses)


def _delete_to_make_again(forecast: Any, arn: str, status: str) -> NoReturn:
    """Raises ServiceUnavailable, upon which the step is tried again, until the name is free."""
    if not status.startswith("DELETE"):
        attempt(forecast, forecast.delete_resource_tree, ResourceArn=arn)
    raise ServiceUnavailable(f"being deleted, to be made again: {arn}")
