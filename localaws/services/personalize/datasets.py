"""The datasets of a group: their fields, their files, and the records put into them."""

from pathlib import Path

from localaws.errors import invalid
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize import schema
from localaws.services.personalize.private import DatasetPrivate
from localaws.services.personalize.resource_types import EVENT_INTERACTIONS, PERSONALIZE
from localaws.services.personalize.streams import FILE, Stream, stream


def group_datasets(context: Context, group_arn: str) -> dict[str, Resource]:
    """The datasets of a group by their type: INTERACTIONS, ITEMS, USERS."""
    found = {
        each.record["datasetType"]: each for each in PERSONALIZE.having(context, "Dataset", datasetGroupArn=group_arn)
    }
    found.pop(EVENT_INTERACTIONS, None)  # its events are those put into INTERACTIONS
    return found


def bulk_dataset(context: Context, arn: str) -> Resource:
    """An ACTIVE dataset whose records have a schema. Raises InvalidInputException for that of an event tracker."""
    dataset = PERSONALIZE.get(context, "Dataset", arn, active=True)
    if dataset.record["datasetType"] == EVENT_INTERACTIONS:
        raise invalid(f"Dataset {arn} is filled by PutEvents alone, and its events are not available.")
    return dataset


def schema_text(context: Context, dataset: Resource) -> str:
    """The Avro schema of a dataset, as JSON."""
    return context.store.get(dataset.record["schemaArn"]).record["schema"]


def fields_of(context: Context, dataset: Resource) -> list[schema.Field]:
    return schema.parse(schema_text(context, dataset))[1]


def stream_of(context: Context, dataset: Resource) -> Stream:
    return stream(_put_file(context, dataset), dataset.created)


def data_files(context: Context, dataset: Resource) -> list[str]:
    """Bulk files, oldest first, and the one of records put individually, which win over bulk ones of the same id."""
    put, kept = _put_file(context, dataset), dataset_private(dataset)
    return [*kept.get("files", []), *([str(put)] if put.exists() else [])]


def dataset_private(dataset: Resource) -> DatasetPrivate:
    return dataset.private


def _put_file(context: Context, dataset: Resource) -> Path:
    return context.store.folder(dataset.arn) / FILE


def imported_files(context: Context, group_arn: str) -> dict[str, list[str]]:
    """By dataset type, the files of what was imported and put. Raises InvalidInputException without interactions."""
    found = {kind: data_files(context, each) for kind, each in group_datasets(context, group_arn).items()}
    files = {kind: paths for kind, paths in found.items() if paths}
    if "INTERACTIONS" not in files:
        raise invalid(f"Dataset group {group_arn} has no Item interactions dataset with imported data.")
    return files
