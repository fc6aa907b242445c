"""Remove a dataset's resources as far as can be done at once; a sweep returns the ARNs that are still there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from common.personalize import remove, remove_serving
from common.resources import attempt, summaries
from common.step import logger

Ours = Callable[[str], Any]  # whether a name is that of something we made

# Named one by one: a dataset whose name begins with ours (grocery, grocery-weekly) is not ours.
_FORECAST_KINDS = ("target", "related", "metadata")
_PERSONALIZE_KINDS = ("interactions", "items", "users")


def stop_executions(states: Any, machine: str, why: str) -> None:
    """Stop the machine's runs, so that they create nothing behind our back."""
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING"):
        for execution in page["executions"]:
            logger.info("stopping a run", extra={"execution": execution["executionArn"]})
            states.stop_execution(executionArn=execution["executionArn"], cause=why)


def sweep_forecast(forecast: Any, name: str) -> list[str]:
    """The dataset group `name` with its predictors, forecasts and exports, then the datasets with their imports."""
    datasets = {f"{name}_{kind}" for kind in _FORECAST_KINDS}
    return _forecast_trees(forecast, name.__eq__, datasets.__contains__)


def sweep_personalize(personalize: Any, name: str) -> list[str]:
    """What stands on the dataset group `name`, then its datasets, the group, its schemas: as Personalize asks for."""
    prefixes = tuple(f"{name}-{kind}-" for kind in _PERSONALIZE_KINDS)
    return _personalize_groups(personalize, name.__eq__, lambda schema: schema.startswith(prefixes))


def sweep_learners(forecast: Any, personalize: Any, glue: Any, names: str) -> list[str]:
    """All that learners made: their resources are named `names`, a number of two digits, an underscore, and more."""
    theirs = re.compile(rf"{names}\d\d_").match
    for page in glue.get_paginator("get_databases").paginate():
        for database in page["DatabaseList"]:
            if re.fullmatch(rf"{names}\d\d", database["Name"]):
                glue.delete_database(Name=database["Name"])
    return [
        *_forecast_trees(forecast, theirs, theirs),
        *_personalize_groups(personalize, theirs, theirs),
    ]


def _forecast_trees(forecast: Any, group: Ours, dataset: Ours) -> list[str]:
    """The dataset groups whose names are ours as trees, then the datasets.

    A tree with a job in progress cannot go, so such jobs are stopped first (delete-resource.md, stop-resource.md).
    """
    groups = [g["DatasetGroupArn"] for g in summaries(forecast, "dataset_group") if group(g["DatasetGroupName"])]
    if groups:
        for kind in ("predictor", "forecast"):
            _stop(forecast, kind, lambda job: job.get("DatasetGroupArn") in groups)
        for arn in groups:
            attempt(forecast, forecast.delete_resource_tree, ResourceArn=arn)
        return groups
    datasets = [d["DatasetArn"] for d in summaries(forecast, "dataset") if dataset(d["DatasetName"])]
    for arn in datasets:
        _forecast_dataset(forecast, arn)
    return datasets


def _forecast_dataset(forecast: Any, arn: str) -> None:
    imports = f"/{arn.rsplit('/', 1)[-1]}/"
    _stop(forecast, "dataset_import_job", lambda job: imports in job["DatasetImportJobArn"])
    attempt(forecast, forecast.delete_resource_tree, ResourceArn=arn)


def _personalize_groups(personalize: Any, group: Ours, schema: Ours) -> list[str]:
    """What is in the dataset groups whose names are ours, then the groups, then the schemas."""
    groups = [g["datasetGroupArn"] for g in summaries(personalize, "dataset_group") if group(g["name"])]
    if groups:
        return [arn for each in groups for arn in _personalize_group(personalize, each)]
    schemas = [s["schemaArn"] for s in summaries(personalize, "schema") if schema(s["name"])]
    return [arn for arn in schemas if not attempt(personalize, personalize.delete_schema, schemaArn=arn)]


def _personalize_group(personalize: Any, group: str) -> list[str]:
    if left := remove_serving(personalize, group) or remove(personalize, "dataset", datasetGroupArn=group):
        return left
    attempt(personalize, personalize.delete_dataset_group, datasetGroupArn=group)
    return [group]


def empty_buckets(s3: Any, folders: Sequence[str]) -> None:
    """Delete every version of every object in the buckets, or folders of buckets (`bucket/folder/`)."""
    for folder in folders:
        bucket, _, prefix = folder.partition("/")
        narrower = {"Prefix": prefix} if prefix else {}
        logger.info("deleting every version of every object", extra={"folder": folder})
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, **narrower):
            there = [
                {"Key": v["Key"], "VersionId": v["VersionId"]}
                for v in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            ]
            if there:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": there, "Quiet": True})


def _stop(forecast: Any, kind: str, ours: Callable[[dict[str, Any]], bool]) -> None:
    arn = "".join(word.capitalize() for word in kind.split("_")) + "Arn"
    for job in summaries(forecast, kind):
        if ours(job) and job["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            attempt(forecast, forecast.stop_resource, ResourceArn=job[arn])
