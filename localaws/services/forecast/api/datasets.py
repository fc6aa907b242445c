"""Dataset groups, datasets and their imports."""

from collections.abc import Callable

from localaws.errors import invalid
from localaws.jobs import Result
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.forecast import schema
from localaws.services.forecast.access import assume, check_key, check_source
from localaws.services.forecast.files import Source
from localaws.services.forecast.jobs.datasets import ImportDataset, import_dataset
from localaws.services.forecast.private import DatasetPrivate, Datasets
from localaws.services.forecast.resource_types import FORECAST
from storecast_engines.files import Layout


def create_dataset_group(context: Context, params: dict) -> dict:
    arns = params.get("DatasetArns", [])
    _check_members(context, params["Domain"], arns)
    return {"DatasetGroupArn": FORECAST.create(context, "DatasetGroup", params, "ACTIVE", DatasetArns=arns).arn}


def update_dataset_group(context: Context, params: dict) -> None:
    group = FORECAST.get(context, "DatasetGroup", params["DatasetGroupArn"])
    _check_members(context, group.record["Domain"], params["DatasetArns"])
    context.store.update(group.arn, DatasetArns=params["DatasetArns"])


def _check_members(context: Context, domain: str, arns: list[str]) -> None:
    """At most one dataset of each type (docs/aws-sources.md#forecast-limits), all of the group's domain."""
    datasets = [FORECAST.get(context, "Dataset", arn) for arn in arns]
    types = [dataset.record["DatasetType"] for dataset in datasets]
    if len(set(types)) != len(types):
        raise invalid(f"A dataset group has at most one dataset of each type; got {types}")
    for dataset in datasets:
        if dataset.record["Domain"] != domain:
            raise invalid(f"Dataset {dataset.arn} has domain {dataset.record['Domain']}, its group has {domain}")


def create_dataset(context: Context, params: dict) -> dict:
    schema.check_schema(params["Domain"], params["DatasetType"], params["Schema"].get("Attributes", []))
    if params["DatasetType"] != schema.METADATA:
        if "DataFrequency" not in params:
            raise invalid(f"DataFrequency is required for a {params['DatasetType']} dataset")
        schema.check_frequency(params["DataFrequency"])
    check_key(context, "Dataset", params)
    encryption = params.get("EncryptionConfig", {})  # DescribeDataset answers {} where none was given (recorded)
    return {"DatasetArn": FORECAST.create(context, "Dataset", params, "ACTIVE", EncryptionConfig=encryption).arn}


def create_import(attached: Callable[[Context, Resource, str], None], context: Context, params: dict) -> dict:
    """The imported file joins the dataset (INCREMENTAL) or takes the place of all that it had (FULL).

    `attached(context, dataset, job ARN)` is called when the dataset has it.
    """
    dataset = FORECAST.get(context, "Dataset", params["DatasetArn"], active=True)
    timestamp_format = params.get("TimestampFormat", schema.DEFAULT_TIMESTAMP_FORMAT)
    attributes = dataset.record["Schema"]["Attributes"]
    schema.check_timestamp_format(timestamp_format, dataset.record.get("DataFrequency", "D"))
    schema.check_places(params, attributes)
    file_format = schema.format_of(params)
    defaults = {"TimestampFormat": timestamp_format, "UseGeolocationForTimeZone": False}
    location = params["DataSource"]["S3Config"]
    check_source(context, params)
    job = FORECAST.create(context, "DatasetImportJob", defaults | params)
    layout = Layout(
        schema.types_of(attributes),
        timestamp_format,
        schema.keys_of(dataset.record["Domain"], dataset.record["DatasetType"], attributes),
        schema.counted(dataset.record["Domain"], dataset.record["DatasetType"]),
        params.get("GeolocationFormat"),
    )
    source = Source(location["RoleArn"], location["Path"], layout, file_format)
    destination = context.store.folder(dataset.arn) / f"{job.name}.parquet"

    def attach(result: Result) -> None:
        kept: DatasetPrivate = context.store.get(dataset.arn).private
        files = kept.get("files", []) if params.get("ImportMode") == "INCREMENTAL" else []
        FORECAST.keep(
            context, dataset.arn, files=[*files, str(destination)], imports=[*kept.get("imports", []), job.arn]
        )
        attached(context, dataset, job.arn)

    context.jobs.submit(
        job.arn,
        import_dataset,
        ImportDataset(source, destination),
        access=assume(context, source.role, job.arn),
        then=attach,
    )
    return {"DatasetImportJobArn": job.arn}


def group_datasets(context: Context, group: Resource) -> Datasets:
    """By dataset type, what a job needs of the group's imported datasets: attributes, frequency, domain, files."""
    datasets: Datasets = {}
    for arn in group.record["DatasetArns"]:
        dataset = FORECAST.get(context, "Dataset", arn)
        kept: DatasetPrivate = dataset.private
        if kept.get("files"):
            datasets[dataset.record["DatasetType"]] = {
                "attributes": dataset.record["Schema"]["Attributes"],
                "frequency": dataset.record.get("DataFrequency", ""),
                "domain": dataset.record["Domain"],
                "files": kept["files"],
                "imports": kept["imports"],
            }
    if schema.TARGET not in datasets:
        raise invalid(f"Dataset group {group.arn} has no TARGET_TIME_SERIES dataset with imported data")
    return datasets
