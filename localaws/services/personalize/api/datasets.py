"""Schemas, dataset groups, datasets and their imports."""

import time
from functools import partial
from typing import Any

from localaws.errors import in_use, invalid
from localaws.jobs import Result
from localaws.registration import Context
from localaws.services.personalize import schema
from localaws.services.personalize.access import READ, check_key, check_readable, s3_access
from localaws.services.personalize.datasets import bulk_dataset, dataset_private, schema_text
from localaws.services.personalize.jobs.datasets import ImportDataset, import_dataset
from localaws.services.personalize.resource_types import EVENT_INTERACTIONS, PERSONALIZE, STATES


def create_schema(context: Context, params: dict) -> dict:
    schema.check(params.get("domain"), params["schema"])
    return {"schemaArn": PERSONALIZE.create(context, "Schema", params, STATES.done).arn}


def create_dataset_group(context: Context, params: dict) -> dict:
    check_key(context, params)
    group = PERSONALIZE.create(context, "DatasetGroup", params)
    PERSONALIZE.activate(context, group)
    return {"datasetGroupArn": group.arn, "domain": params.get("domain")}


def delete_dataset_group(context: Context, params: dict) -> None:
    """With the dataset that an event tracker left, which is not listed."""
    group = PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"])
    left = PERSONALIZE.having(context, "Dataset", datasetGroupArn=group.arn, datasetType=EVENT_INTERACTIONS)
    PERSONALIZE.remove(context, group, along=[each.arn for each in left])


def create_dataset(context: Context, params: dict) -> dict:
    group = PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    found = PERSONALIZE.get(context, "Schema", params["schemaArn"])
    dataset_type = schema.parse(found.record["schema"])[0]
    if params["datasetType"].upper() != dataset_type.upper():
        raise invalid(f"Schema {found.arn} is one of {dataset_type}, not of {params['datasetType']}")
    if found.record.get("domain") != group.record.get("domain"):
        domains = [each.record.get("domain", "none") for each in (found, group)]
        raise invalid(f"Schema {found.arn} has domain {domains[0]}, its group {domains[1]}")
    dataset = PERSONALIZE.create(context, "Dataset", params | {"datasetType": params["datasetType"].upper()})
    PERSONALIZE.activate(context, dataset)
    return {"datasetArn": dataset.arn}


def update_dataset(context: Context, params: dict) -> dict:
    """Another schema for later imports and records, once it is done; earlier records lack its new fields.

    Nothing can be imported meanwhile: recorded are UPDATE PENDING and UPDATE IN_PROGRESS, not under which member, so
    both the dataset and its update have them.
    """
    dataset = bulk_dataset(context, params["datasetArn"])
    old, new = (PERSONALIZE.get(context, "Schema", arn) for arn in (dataset.record["schemaArn"], params["schemaArn"]))
    if new.record.get("domain") != old.record.get("domain"):
        raise invalid(f"Schema {new.arn} has another domain than {old.arn}, which dataset {dataset.arn} has.")
    schema.check_successor(old.record["schema"], new.record["schema"])
    since = time.time()
    _note_update(context, dataset.arn, new.arn, since, "UPDATE PENDING")
    for step, status in enumerate(("UPDATE IN_PROGRESS", STATES.done), start=1):
        context.jobs.later(_note_update, context, dataset.arn, new.arn, since, status, step=step)
    return {"datasetArn": dataset.arn}


def _note_update(context: Context, dataset: str, schema_arn: str, since: float, status: str) -> None:
    times = {"creationDateTime": since, "lastUpdatedDateTime": time.time()}
    record: dict[str, Any] = {"latestDatasetUpdate": {"schemaArn": schema_arn, "status": status} | times}
    if status == STATES.done:
        record["schemaArn"] = schema_arn
    context.store.update(dataset, status, **record)


def delete_dataset(context: Context, params: dict) -> None:
    """With its import and export jobs; not while one of these runs or a recommender uses the group's data."""
    dataset = PERSONALIZE.get(context, "Dataset", params["datasetArn"])
    recommenders = PERSONALIZE.made_from(context, "Recommender", dataset.record["datasetGroupArn"])
    if recommenders:
        raise in_use(f"Dataset {dataset.arn} is in use by recommender {recommenders[0].arn}.")
    PERSONALIZE.remove(context, dataset)


def create_import(context: Context, params: dict) -> dict:
    """A FULL import takes the place of all bulk data; an INCREMENTAL one adds to it, the same id replaced."""
    dataset = bulk_dataset(context, params["datasetArn"])
    location = params["dataSource"].get("dataLocation")
    if not location or not location.startswith("s3://"):
        raise invalid(f"Invalid Data location. {location!r} is not an s3:// path.")
    if params.get("publishAttributionMetricsToS3"):
        raise invalid("publishAttributionMetricsToS3 is not built in Storecast's embedded AWS.")
    if "roleArn" not in params:
        raise invalid("roleArn is required for an import from Amazon S3.")
    incremental = params.get("importMode") == "INCREMENTAL"
    if incremental and not dataset_private(dataset).get("files"):
        raise invalid("An INCREMENTAL import needs bulk data that an earlier FULL import brought.")
    name = context.arn("personalize", f"dataset-import-job/{params['jobName']}")
    check_readable(context, params["roleArn"], location, name)
    job = PERSONALIZE.create(context, "DatasetImportJob", params | {"importMode": params.get("importMode", "FULL")})
    destination = context.store.folder(dataset.arn) / f"{job.name}.parquet"
    kind = dataset.record["datasetType"]

    def attach(result: Result) -> None:
        earlier = dataset_private(context.store.get(dataset.arn)).get("files", []) if incremental else []
        PERSONALIZE.keep(context, dataset.arn, files=[*earlier, str(destination)])

    context.jobs.submit(
        job.arn,
        import_dataset,
        ImportDataset(location, schema_text(context, dataset), destination),
        access=partial(s3_access, context, job, [(READ, location)], f"data import job for {kind} dataset"),
        then=attach,
    )
    return {"datasetImportJobArn": job.arn}
