"""Schemas, dataset groups, datasets and their imports."""

import time
from functools import partial
from pathlib import Path

from localaws.jobs import PERSONALIZE as STATES
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize import schema
from localaws.services.personalize.access import READ, check_key, s3_access
from localaws.services.personalize.resource_types import BUSY, activate, children, create, get, in_use, invalid, remove
from localaws.services.personalize.streams import FILE, Stream, stream


def create_schema(context: Context, params: dict) -> dict:
    schema.check(params.get("domain"), params["schema"])
    return {"schemaArn": create(context, "Schema", params, STATES.done).arn}


def delete_schema(context: Context, params: dict) -> None:
    found = get(context, "Schema", params["schemaArn"])
    users = children(context, "Dataset", "schemaArn", found.arn)
    if users:
        raise in_use(f"Schema {found.arn} is in use by dataset {users[0].arn}.")
    context.store.remove(found.arn)


def create_dataset_group(context: Context, params: dict) -> dict:
    check_key(context, params)
    group = create(context, "DatasetGroup", params)
    activate(context, group)
    return {"datasetGroupArn": group.arn, "domain": params.get("domain")}


def delete_dataset_group(context: Context, params: dict) -> None:
    """Only when trackers, solutions, recommenders and datasets are gone (API_DeleteDatasetGroup.md); filters go too."""
    group = get(context, "DatasetGroup", params["datasetGroupArn"])
    for kind in ("EventTracker", "Solution", "Recommender", "Dataset"):
        users = children(context, kind, "datasetGroupArn", group.arn)
        if users:
            raise in_use(f"Dataset group {group.arn} is in use by {users[0].arn}.")
    for each in children(context, "Filter", "datasetGroupArn", group.arn):
        context.store.remove(each.arn)
    remove(context, group)


def create_dataset(context: Context, params: dict) -> dict:
    group = get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    found = get(context, "Schema", params["schemaArn"])
    dataset_type = schema.parse(found.record["schema"])[0]
    if params["datasetType"].upper() != dataset_type.upper():
        raise invalid(f"Schema {found.arn} is one of {dataset_type}, not of {params['datasetType']}")
    if found.record.get("domain") != group.record.get("domain"):
        domains = [each.record.get("domain", "none") for each in (found, group)]
        raise invalid(f"Schema {found.arn} has domain {domains[0]}, its group {domains[1]}")
    dataset = create(context, "Dataset", params | {"datasetType": params["datasetType"].upper()})
    activate(context, dataset)
    return {"datasetArn": dataset.arn}


def update_dataset(context: Context, params: dict) -> dict:
    """Another schema for later imports and records; earlier records lack its new fields."""
    dataset = get(context, "Dataset", params["datasetArn"], active=True)
    old, new = (get(context, "Schema", arn) for arn in (dataset.record["schemaArn"], params["schemaArn"]))
    if new.record.get("domain") != old.record.get("domain"):
        raise invalid(f"Schema {new.arn} has another domain than {old.arn}, which dataset {dataset.arn} has.")
    schema.check_successor(old.record["schema"], new.record["schema"])
    times = {"creationDateTime": time.time(), "lastUpdatedDateTime": time.time()}
    update = {"schemaArn": new.arn, "status": STATES.done} | times
    context.store.update(dataset.arn, schemaArn=new.arn, latestDatasetUpdate=update)
    return {"datasetArn": dataset.arn}


def delete_dataset(context: Context, params: dict) -> None:
    dataset = get(context, "Dataset", params["datasetArn"])
    jobs = children(context, "DatasetImportJob", "datasetArn", dataset.arn)
    jobs += children(context, "DatasetExportJob", "datasetArn", dataset.arn)
    if any(job.status in BUSY for job in jobs):
        raise in_use(f"Dataset {dataset.arn} has an import or export job that is not finished.")
    recommenders = children(context, "Recommender", "datasetGroupArn", dataset.record["datasetGroupArn"])
    if recommenders:
        raise in_use(f"Dataset {dataset.arn} is in use by recommender {recommenders[0].arn}.")
    remove(context, dataset)
    for job in jobs:
        context.store.remove(job.arn)


def create_import(context: Context, params: dict) -> dict:
    """A FULL import takes the place of all bulk data; an INCREMENTAL one adds to it, the same id replaced."""
    dataset = get(context, "Dataset", params["datasetArn"], active=True)
    location = params["dataSource"].get("dataLocation")
    if not location or not location.startswith("s3://"):
        raise invalid(f"Invalid Data location. {location!r} is not an s3:// path.")
    if "roleArn" not in params:
        raise invalid("roleArn is required for an import from Amazon S3.")
    incremental = params.get("importMode") == "INCREMENTAL"
    if incremental and not dataset.private.get("files"):
        raise invalid("An INCREMENTAL import needs bulk data that an earlier FULL import brought.")
    job = create(context, "DatasetImportJob", params | {"importMode": params.get("importMode", "FULL")})
    destination = context.store.folder(dataset.arn) / f"{job.name}.parquet"
    kind = dataset.record["datasetType"]

    def attach(result: dict) -> None:
        earlier = context.store.get(dataset.arn).private.get("files", []) if incremental else []
        files = [*earlier, str(destination)]
        context.store.update(dataset.arn, private={"files": files})

    context.jobs.submit(
        job.arn,
        "localaws.services.personalize.jobs.training:import_dataset",
        {
            "access": partial(s3_access, context, job, [(READ, location)], f"data import job for {kind} dataset"),
            "path": location,
            "schema_text": context.store.get(dataset.record["schemaArn"]).record["schema"],
            "destination": destination,
        },
        attach,
    )
    return {"datasetImportJobArn": job.arn}


def fields_of(context: Context, dataset: Resource) -> list[schema.Field]:
    return schema.parse(context.store.get(dataset.record["schemaArn"]).record["schema"])[1]


def stream_of(context: Context, dataset: Resource) -> Stream:
    return stream(_put_file(context, dataset), dataset.created)


def data_files(context: Context, dataset: Resource) -> list[str]:
    """Bulk files, oldest first, and the one of records put individually, which win over bulk ones of the same id."""
    put = _put_file(context, dataset)
    return [*dataset.private.get("files", []), *([str(put)] if put.exists() else [])]


def _put_file(context: Context, dataset: Resource) -> Path:
    return context.store.folder(dataset.arn) / FILE


def imported_files(context: Context, group_arn: str) -> dict[str, list[str]]:
    """By dataset type, the files of what was imported and put. Raises InvalidInputException without interactions."""
    datasets = children(context, "Dataset", "datasetGroupArn", group_arn)
    files = {each.record["datasetType"]: data_files(context, each) for each in datasets}
    files = {kind: paths for kind, paths in files.items() if paths}
    if "INTERACTIONS" not in files:
        raise invalid(f"Dataset group {group_arn} has no Item interactions dataset with imported data.")
    return files
