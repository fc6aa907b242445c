"""An embedded AWS of a benchmark's own: started empty, watched for memory and CPU, asked through boto3, removed."""

import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import boto3
import pandas as pd

from localaws import process
from localaws.settings import Settings, client_environment, prepare
from storecast_engines.recommending import RECIPES

BUCKET, ROLE = "benchmark", "arn:aws:iam::000000000000:role/benchmark"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """Of all processes of an embedded AWS while it was watched: the highest memory seen at once (shared pages count
    once), and CPU seconds."""

    peak_mib: float = 0.0
    cpu_seconds: float = 0.0


@contextmanager
def embedded_aws() -> Iterator[tuple[Settings, int]]:
    """Runs one while the block runs; boto3 clients made in the block talk to it. Its settings and process id."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = prepare(Path(folder), probe.getsockname()[1])
        probe.close()
        pid = process.start(settings)
        os.environ.update(client_environment(settings))
        try:
            yield settings, pid
        finally:
            process.stop(settings)


@contextmanager
def watched(pid: int) -> Iterator[Usage]:
    """The usage of a process and all below it while the block runs."""
    usage, done, before = Usage(), threading.Event(), cpu_seconds(pid)
    watcher = threading.Thread(target=_watch_memory, args=(pid, usage, done))
    watcher.start()
    try:
        yield usage
    finally:
        done.set()
        watcher.join()
        usage.cpu_seconds = cpu_seconds(pid) - before


def _watch_memory(pid: int, usage: Usage, done: threading.Event) -> None:
    while not done.wait(0.5):
        rollups = [_read(f"/proc/{each}/smaps_rollup") for each in _tree(pid)]
        kib = sum(int(rollup.partition("\nPss:")[2].split()[0]) for rollup in rollups if "\nPss:" in rollup)
        usage.peak_mib = max(usage.peak_mib, kib / 1024)


def cpu_seconds(pid: int) -> float:
    """Of a process and all below it, those that ended included."""
    fields = [_read(f"/proc/{each}/stat").rpartition(")")[2].split()[11:15] for each in _tree(pid)]
    return sum(int(ticks) for each in fields for ticks in each) / TICKS


def _tree(pid: int) -> list[int]:
    children = [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in _read(task).split()]
    return [pid, *(each for child in children for each in _tree(child))]


def _read(path: str | Path) -> str:
    """Empty when the process has ended meanwhile."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def import_group(frames: dict[str, pd.DataFrame]) -> tuple[str, float]:
    """An ECOMMERCE dataset group with a dataset of each frame (by type: Interactions, Items, Users).

    Answers its ARN and the seconds from the first CreateDatasetImportJob until all imports were ACTIVE.
    """
    make_bucket_and_role()
    personalize, s3 = boto3.client("personalize"), boto3.client("s3")
    group = personalize.create_dataset_group(name="benchmark", domain="ECOMMERCE")["datasetGroupArn"]
    active(lambda: personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"])
    datasets = {}
    for kind, frame in frames.items():
        s3.put_object(Bucket=BUCKET, Key=f"{kind}.csv", Body=frame.to_csv(index=False).encode())
        schema = personalize.create_schema(name=kind, domain="ECOMMERCE", schema=_avro(kind, frame))["schemaArn"]
        made = personalize.create_dataset(name=kind, schemaArn=schema, datasetGroupArn=group, datasetType=kind)
        datasets[kind] = arn = made["datasetArn"]
        active(partial(_described, personalize.describe_dataset, "dataset", datasetArn=arn))
    began = time.perf_counter()
    jobs = [
        personalize.create_dataset_import_job(
            jobName=kind, datasetArn=arn, roleArn=ROLE, dataSource={"dataLocation": f"s3://{BUCKET}/{kind}.csv"}
        )["datasetImportJobArn"]
        for kind, arn in datasets.items()
    ]
    for job in jobs:
        active(
            partial(_described, personalize.describe_dataset_import_job, "datasetImportJob", datasetImportJobArn=job)
        )
    return group, time.perf_counter() - began


def create_recommenders(group: str) -> tuple[dict[str, str], float]:
    """All five at once: ARNs by recipe name, and the seconds until all were ACTIVE."""
    personalize, began = boto3.client("personalize"), time.perf_counter()
    arns = {
        recipe: personalize.create_recommender(
            name=recipe, datasetGroupArn=group, recipeArn=f"arn:aws:personalize:::recipe/{recipe}"
        )["recommenderArn"]
        for recipe in RECIPES
    }
    for arn in arns.values():
        active(partial(_described, personalize.describe_recommender, "recommender", recommenderArn=arn))
    return arns, time.perf_counter() - began


def _described(describe: Callable[..., dict], member: str, **arn: str) -> dict:
    return describe(**arn)[member]


def make_bucket_and_role() -> None:
    """BUCKET, which Forecast and Personalize may read under ROLE."""
    s3, iam = boto3.client("s3"), boto3.client("iam")
    services = {"Principal": {"Service": ["forecast.amazonaws.com", "personalize.amazonaws.com"]}}
    reads = {
        "Effect": "Allow",
        "Action": ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=_policy(reads | services))
    name = ROLE.rpartition("/")[2]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"} | services
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=_policy(reads))


def _policy(statement: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _avro(kind: str, frame: pd.DataFrame) -> str:
    types = {"TIMESTAMP": "long", "PRICE": "float"}
    fields = [{"name": name, "type": types.get(name, "string")} for name in frame.columns]
    fields = [each | ({"categorical": True} if _is_category(kind, each) else {}) for each in fields]
    record = {"type": "record", "name": kind, "namespace": "com.amazonaws.personalize.schema"}
    return json.dumps(record | {"fields": fields, "version": "1.0"})


def _is_category(kind: str, field: dict) -> bool:
    return kind != "Interactions" and field["type"] == "string" and not field["name"].endswith("_ID")


def active(describe: Callable[[], dict]) -> None:
    """Waits. Raises RuntimeError with the service's answer when it fails."""
    while (status := (found := describe()).get("status") or found["Status"]) != "ACTIVE":
        if status.endswith("FAILED"):
            raise RuntimeError(str(found))
        time.sleep(0.05)
