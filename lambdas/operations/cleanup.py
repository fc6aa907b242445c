"""Cleanup: when a stack is deleted, remove what it did not make itself: resources of Forecast and Personalize that the
pipelines created, and what lies in the buckets. A plain CloudFormation custom resource; nothing happens on create.

CloudFormation sends the same Delete when an update removes or replaces this custom resource in a stack that stays, so
the function first asks for the stack's status, and deletes nothing unless the stack itself goes.

A deletion that outlasts one invocation is carried on by another, up to the hour CloudFormation waits.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from common.clients import client
from common.payload import AwsJson
from common.personalize import remove, remove_serving
from common.resources import arn_member, attempt, summaries
from common.step import LambdaContext, logger

_PATIENCE = 55 * 60  # seconds after the first attempt; CloudFormation gives up after 60 minutes
_RESERVE = 60_000  # milliseconds of an invocation kept for handing over
_PAUSES = (1, 2, 4, 8, 15)  # seconds between polls; the last one repeats
# In any other status, those of updates and their rollbacks above all, the stack stays
# (docs/aws-sources.md#cloudformation-view-stack-events, "Stack status codes"). A second try of a deletion that failed
# is DELETE_IN_PROGRESS again.
_WHY_THE_STACK_GOES = {
    "DELETE_IN_PROGRESS": "the stack is being deleted",
    "ROLLBACK_IN_PROGRESS": "the creation of the stack failed and is being rolled back",
}

Ours = Callable[[str], Any]  # whether a name is that of something we made

# Named one by one: a dataset whose name begins with ours (grocery, grocery-weekly) is not ours.
_FORECAST_KINDS = ("target", "related", "metadata")
# By kind, the jobs over it, and by which member their lists are narrowed to one of it.
_JOBS_OF = {
    "predictor": {
        "predictor_backtest_export_job": "PredictorArn",
        "explainability": "ResourceArn",
        "explainability_export": "ResourceArn",
    },
    "forecast": {
        "forecast_export_job": "ForecastArn",
        "explainability": "ResourceArn",
        "explainability_export": "ResourceArn",
    },
}
_PERSONALIZE_KINDS = ("interactions", "items", "users")


def handler(event: AwsJson, context: LambdaContext) -> None:
    logger.append_keys(stack=event["StackId"], why=None)
    try:
        if event["RequestType"] != "Delete":
            _respond(event, context, "SUCCESS", "done")
            return
        status = _status(event["StackId"])
        if status not in _WHY_THE_STACK_GOES:
            logger.info("nothing is deleted: the stack stays", extra={"status": status})
            _respond(event, context, "SUCCESS", f"nothing was deleted: the stack is {status}, so it stays")
        elif _sweep(event, context, _WHY_THE_STACK_GOES[status]):
            _respond(event, context, "SUCCESS", "done")
        else:
            _carry_on(event, context)
    except Exception as error:
        logger.exception("the cleanup failed")
        _respond(event, context, "FAILED", str(error))


def _status(stack: str) -> str:
    """The status of the stack with this id. Raises RuntimeError if CloudFormation does not say.

    Answering FAILED then loses nothing: a deletion can be tried again, and an update completes without this resource.
    """
    try:
        [described] = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise RuntimeError(
            f"nothing was deleted, as the status of the stack can't be read: {error}. Fix the cause; to delete the "
            "stack, delete it again"
        ) from error
    return described["StackStatus"]


def _sweep(event: AwsJson, context: LambdaContext, why: str) -> bool:
    """Whether everything is gone; False if the invocation's time is up first."""
    properties = event["ResourceProperties"]
    logger.append_keys(why=why)
    logger.info("deleting what the stack did not make itself", extra={"of": properties})
    sweeps: list[Callable[[], list[str]]] = []
    if machine := properties.get("StateMachine"):
        sweeps.append(functools.partial(stop_executions, client("stepfunctions"), machine, why))
    if name := properties.get("ForecastNames"):
        sweeps.append(functools.partial(sweep_forecast, client("forecast"), name))
    if name := properties.get("PersonalizeNames"):
        sweeps.append(functools.partial(sweep_personalize, client("personalize"), name))
    if names := properties.get("LearnerNames"):
        forecast, personalize, glue = (client(service) for service in ("forecast", "personalize", "glue"))
        sweeps.append(functools.partial(sweep_learners, forecast, personalize, glue, names))
    for bucket in properties.get("Buckets", []):
        close_bucket(client("s3"), bucket, partition=event["StackId"].split(":")[1])
    for folder in [*properties.get("Buckets", []), *properties.get("Folders", [])]:
        sweeps.append(functools.partial(empty, client("s3"), folder))
    since = event.get("Since", time.time())
    pauses = itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))
    while left := [arn for sweep in sweeps for arn in sweep()]:
        logger.info("still there", extra={"left": left})
        if time.time() - since > _PATIENCE:
            raise TimeoutError(
                f"not deleted after {_PATIENCE // 60} minutes: {', '.join(left)}. What is still being made, such as a "
                "recommender, which trains for hours and can't be stopped, goes when that has ended: run the same "
                "destroy again then, it deletes the rest"
            )
        if context.get_remaining_time_in_millis() < _RESERVE:
            return False
        time.sleep(next(pauses))
    return True


def _carry_on(event: AwsJson, context: LambdaContext) -> None:
    client("lambda").invoke(
        FunctionName=context.function_name, InvocationType="Event", Payload=json.dumps({"Since": time.time(), **event})
    )


def _respond(event: AwsJson, context: LambdaContext, status: str, reason: str) -> None:
    """Answer CloudFormation where it said (docs/aws-sources.md#cloudformation-crpg-ref-responses)."""
    body = {
        "Status": status,
        "Reason": f"{reason} (log stream {context.log_stream_name})",
        "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # CloudFormation gives the address  # nosec B310
        answer.read()


def stop_executions(states: Any, machine: str, why: str) -> list[str]:
    """Stop the machine's runs, so that they create nothing behind our back. What was stopped was there: look again."""
    stopped = []
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING"):
        for execution in page["executions"]:
            logger.info("stopping a run", extra={"execution": execution["executionArn"]})
            states.stop_execution(executionArn=execution["executionArn"], cause=why)
            stopped.append(execution["executionArn"])
    return stopped


def sweep_forecast(forecast: Any, name: str) -> list[str]:
    """The dataset group `name` with its predictors, forecasts and exports, then the datasets with their imports."""
    datasets = {f"{name}_{kind}" for kind in _FORECAST_KINDS}
    return _forecast_trees(forecast, name.__eq__, datasets.__contains__)


def sweep_personalize(personalize: Any, name: str) -> list[str]:
    """What depends on the dataset group `name`, then its datasets, the group, its schemas, as Personalize requires."""
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

    A tree with a job in progress cannot go, so such jobs are stopped first
    (docs/aws-sources.md#forecast-delete-resource, docs/aws-sources.md#forecast-stop-resource).
    """
    groups = [g["DatasetGroupArn"] for g in summaries(forecast, "dataset_group") if group(g["DatasetGroupName"])]
    if groups:
        for kind in _JOBS_OF:
            for arn in _stop(forecast, kind, lambda job: job.get("DatasetGroupArn") in groups):
                _stop_jobs_of(forecast, kind, arn)
        for arn in groups:
            attempt(forecast, forecast.delete_resource_tree, ResourceArn=arn)
        return groups
    datasets = [d["DatasetArn"] for d in summaries(forecast, "dataset") if dataset(d["DatasetName"])]
    for arn in datasets:
        _forecast_dataset(forecast, arn)
    return datasets


def _stop_jobs_of(forecast: Any, kind: str, arn: str) -> None:
    """Stop the exports and explainabilities of a predictor or forecast. What-ifs can't be stopped: they are waited for
    (docs/aws-sources.md#forecast-API_StopResource)."""
    for job, member in _JOBS_OF[kind].items():
        _stop(forecast, job, lambda job: True, Filters=[{"Key": member, "Value": arn, "Condition": "IS"}])


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
    for solution in summaries(personalize, "solution", datasetGroupArn=group):
        for version in summaries(personalize, "solution_version", solutionArn=solution["solutionArn"]):
            if version["status"] in ("CREATE PENDING", "CREATE IN_PROGRESS"):
                arn = version["solutionVersionArn"]
                attempt(personalize, personalize.stop_solution_version_creation, solutionVersionArn=arn)
    if left := remove_serving(personalize, group) or remove(personalize, "dataset", datasetGroupArn=group):
        return left
    attempt(personalize, personalize.delete_dataset_group, datasetGroupArn=group)
    return [group]


def close_bucket(s3: Any, bucket: str, partition: str) -> None:
    """Let nothing more into a bucket that is about to be deleted: access logs come hours after the requests they are
    about, those of the emptying too (docs/aws-sources.md#s3-ServerLogs)."""
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    everything = {"Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:{partition}:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", **everything}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def empty(s3: Any, folder: str) -> list[str]:
    """Delete every version of every object in the bucket, or folder of a bucket (`bucket/folder/`), and return it if
    there was one: look again. Raises RuntimeError if S3 refuses to delete an object."""
    bucket, _, prefix = folder.partition("/")
    narrower = {"Prefix": prefix} if prefix else {}
    logger.info("deleting every version of every object", extra={"folder": folder})
    found = False
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, **narrower):
        there = [
            {"Key": v["Key"], "VersionId": v["VersionId"]}
            for v in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if there:
            found = True
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": there, "Quiet": True})
            for error in answer.get("Errors", ())[:1]:
                raise RuntimeError(f"S3 did not delete {bucket}/{error['Key']}: {error['Code']}: {error['Message']}")
    return [f"s3://{folder}"] if found else []


def _stop(forecast: Any, kind: str, ours: Callable[[AwsJson], bool], **narrower: Any) -> list[str]:
    """Stop those of our jobs that are in progress; the ARNs of all of them."""
    member, jobs = arn_member(forecast, kind), [job for job in summaries(forecast, kind, **narrower) if ours(job)]
    for job in jobs:
        if job["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            attempt(forecast, forecast.stop_resource, ResourceArn=job[member])
    return [job[member] for job in jobs]
