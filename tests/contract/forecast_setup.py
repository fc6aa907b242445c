"""The sample dataset in Forecast: a dataset group with its three datasets and their imports."""

from dataclasses import dataclass

from tests.contract.helpers import attributes, ended, unique

SCHEMAS = {
    "target": ("TARGET_TIME_SERIES", attributes(item_id="string", timestamp="timestamp", demand="float")),
    "related": ("RELATED_TIME_SERIES", attributes(item_id="string", timestamp="timestamp", price="float")),
    "metadata": ("ITEM_METADATA", attributes(item_id="string", category="string", brand="string")),
}


@dataclass(frozen=True)
class Group:
    arn: str
    datasets: dict[str, str]
    imports: dict[str, str]


def create_dataset(forecast, kind: str = "target", **more) -> str:
    dataset_type, schema = SCHEMAS[kind]
    frequency = {} if kind == "metadata" else {"DataFrequency": "D"}
    common = {"DatasetName": unique(kind), "Domain": "RETAIL", "DatasetType": dataset_type, "Schema": schema}
    return forecast.create_dataset(**common | frequency | more)["DatasetArn"]


def import_from(forecast, dataset: str, path: str, role: str, **more) -> str:
    """A running import job's ARN."""
    return forecast.create_dataset_import_job(
        DatasetImportJobName=unique("import"),
        DatasetArn=dataset,
        DataSource={"S3Config": {"Path": path, "RoleArn": role}},
        **{"TimestampFormat": "yyyy-MM-dd"} | more,
    )["DatasetImportJobArn"]


def import_ended(forecast, job: str) -> dict:
    return ended(forecast.describe_dataset_import_job, DatasetImportJobArn=job)


def sample_group(forecast, bucket: str, role: str, kinds: tuple[str, ...] = tuple(SCHEMAS)) -> Group:
    datasets = {kind: create_dataset(forecast, kind) for kind in kinds}
    folder = f"s3://{bucket}/forecasting/sample"
    imports = {kind: import_from(forecast, arn, f"{folder}/{kind}/", role) for kind, arn in datasets.items()}
    for job in imports.values():
        found = import_ended(forecast, job)
        assert found["Status"] == "ACTIVE", found
    group = forecast.create_dataset_group(
        DatasetGroupName=unique("group"), Domain="RETAIL", DatasetArns=list(datasets.values())
    )
    return Group(group["DatasetGroupArn"], datasets, imports)


def auto_predictor(forecast, group: Group, **more) -> str:
    return forecast.create_auto_predictor(
        PredictorName=unique("auto"),
        DataConfig={"DatasetGroupArn": group.arn},
        **{"ForecastFrequency": "D", "ForecastHorizon": 14} | more,
    )["PredictorArn"]


def single_predictor(forecast, group: Group, algorithm: str, **more) -> str:
    return forecast.create_predictor(
        PredictorName=unique("single"),
        AlgorithmArn=f"arn:aws:forecast:::algorithm/{algorithm}",
        InputDataConfig={"DatasetGroupArn": group.arn},
        FeaturizationConfig={"ForecastFrequency": "D"},
        **{"ForecastHorizon": 14} | more,
    )["PredictorArn"]
