"""Ensure: the datasets and the dataset group, made once and checked ever after (CreateDataset, CreateDatasetGroup), and
room for what this run will make (DeleteResourceTree, DeleteDatasetImportJob)."""

from __future__ import annotations

from common.clients import client
from common.payload import AwsJson
from common.resources import create
from common.step import LambdaContext, step
from forecasting.payload import Ensured, Import, Plan
from forecasting.prune import prune


@step
def handler(event: Plan, context: LambdaContext) -> Ensured:
    """`groupArn`, and the imports with the ARNs of their datasets.

    Raises ValueError if a dataset is there with another schema or key: Forecast cannot change one.
    """
    forecast = client("forecast")
    arns = {dataset["kind"]: create(forecast, "dataset", dataset["request"]) for dataset in event["datasets"]}
    for dataset in event["datasets"]:
        _same(dataset["request"], forecast.describe_dataset(DatasetArn=arns[dataset["kind"]]))
    group = create(forecast, "dataset_group", event["group"])
    if set(forecast.describe_dataset_group(DatasetGroupArn=group)["DatasetArns"]) != set(arns.values()):
        forecast.update_dataset_group(DatasetGroupArn=group, DatasetArns=list(arns.values()))
    prune(forecast, event, group)
    imports: list[Import] = [
        {**job, "request": {**job["request"], "DatasetArn": arns[job["kind"]]}} for job in event["imports"]
    ]
    return {"groupArn": group, "imports": imports}


def _same(wanted: AwsJson, there: AwsJson) -> None:
    for key in ("Domain", "DataFrequency", "Schema", "EncryptionConfig"):
        # DescribeDataset answers "EncryptionConfig": {} where the request had none
        if (wanted.get(key) or None) != (there.get(key) or None):
            raise ValueError(
                f"dataset {wanted['DatasetName']} exists with {key} {there.get(key)}, but pipeline.yaml says "
                f"{wanted.get(key)}; Forecast cannot change a dataset: delete it, or give the config another name"
            )
