"""Remove a dataset's resources as far as can be done at once; a sweep returns the ARNs that are still there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from common.resources import attempt, find, summaries

# Named one by one: a dataset whose name begins with ours (grocery, grocery-weekly) is not ours.
_FORECAST_KINDS = ("target", "related", "metadata")
_PERSONALIZE_KINDS = ("interactions", "items", "users")


def stop_executions(states: Any, machine: str) -> None:
    """Stop the machine's runs, so that they create nothing behind our back."""
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING"):
        for execution in page["executions"]:
            states.stop_execution(executionArn=execution["executionArn"], cause="the stack is being deleted")


def sweep_forecast(forecast: Any, name: str) -> list[str]:
    """The dataset group `name` with its predictors, forecasts and exports, then the datasets with their imports.

    A tree with a job in progress cannot go, so such jobs are stopped first (delete-resource.md, stop-resource.md).
    """
    group = find(forecast, "dataset_group", name)
    if group:
        for kind in ("predictor", "forecast"):
            _stop(forecast, kind, lambda job: job.get("DatasetGroupArn") == group)
        attempt(forecast, forecast.delete_resource_tree, ResourceArn=group)
        return [group]
    names = {f"{name}_{kind}" for kind in _FORECAST_KINDS}
    datasets = [d["DatasetArn"] for d in summaries(forecast, "dataset") if d["DatasetName"] in names]
    for dataset in datasets:
        imports = f"/{dataset.rsplit('/', 1)[-1]}/"
        _stop(forecast, "dataset_import_job", lambda job, imports=imports: imports in job["DatasetImportJobArn"])
        attempt(forecast, forecast.delete_resource_tree, ResourceArn=dataset)
    return datasets


def sweep_personalize(personalize: Any, name: str) -> list[str]:
    """Recommenders, then datasets, then the dataset group `name`, then its schemas: the order Personalize asks for."""
    group = find(personalize, "dataset_group", name)
    if group:
        for kind in ("recommender", "dataset"):
            if there := summaries(personalize, kind, datasetGroupArn=group):
                arns = [summary[f"{kind}Arn"] for summary in there if not summary["status"].startswith("DELETE")]
                for arn in arns:
                    attempt(personalize, getattr(personalize, f"delete_{kind}"), **{f"{kind}Arn": arn})
                return [summary[f"{kind}Arn"] for summary in there]
        attempt(personalize, personalize.delete_dataset_group, datasetGroupArn=group)
        return [group]
    prefixes = tuple(f"{name}-{kind}-" for kind in _PERSONALIZE_KINDS)
    schemas = [s["schemaArn"] for s in summaries(personalize, "schema") if s["name"].startswith(prefixes)]
    return [arn for arn in schemas if not attempt(personalize, personalize.delete_schema, schemaArn=arn)]


def empty_buckets(s3: Any, buckets: Sequence[str]) -> None:
    """Delete every version of every object."""
    for bucket in buckets:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
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
