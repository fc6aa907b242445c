"""A dataset's pipelines on the embedded AWS inside this process: uploads, starts, stops, a crash, what was told.

The state machines are the synthesized ones, over a small config: one cheap algorithm, one cheap recipe.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pandas as pd

from localaws.faults import Fault, write
from localaws.resources import Resource
from tests.contract.helpers import policy, role, statement, whole_bucket
from tests.faults.inside import Crash, Inside
from tests.faults.pipelines import DATASET, FORECASTING, PIPELINES, STORECAST, Pipeline

DATA, RESULTS = "data", "results"


@dataclass(frozen=True)
class Run:
    """An execution: how it ended, its input and output, and which states it entered when, with their inputs as text."""

    arn: str
    status: str
    error: str
    cause: str
    given: dict[str, Any]
    output: dict[str, Any]
    entered: list[tuple[str, str, str]]
    ended: str

    def inputs(self, state: str) -> list[Any]:
        return [json.loads(given) for name, _, given in self.entered if name == state]

    def passed(self, state: str) -> bool:
        return any(name == state for name, _, _ in self.entered)


class World:
    """`World(folder, definitions)` with the state machines by pipeline, as `tests/infra/conftest.py` flattens them."""

    def __init__(self, folder: Path, definitions: Mapping[str, str]):
        self.inside = Inside(folder)
        self.clock = self.inside.clock
        self.s3, self.machines = boto3.client("s3"), boto3.client("stepfunctions")
        self.runtime = boto3.client("personalize-runtime")
        self.table, self.queue = boto3.client("dynamodb"), boto3.client("sqs")
        glue, topics = boto3.client("glue"), boto3.client("sns")
        glue.create_database(DatabaseInput={"Name": "storecast_sample"})
        columns = ("item_id", "date", "mean", "p10", "p50", "p90")
        place = {"Columns": [{"Name": name, "Type": "string"} for name in columns], "Location": "s3://results/"}
        glue.create_table(DatabaseName="storecast_sample", TableInput={"Name": "planning", "StorageDescriptor": place})
        self.table.create_table(
            TableName="lock",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pipeline", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pipeline", "AttributeType": "S"}],
        )
        topic = topics.create_topic(Name="told")["TopicArn"]
        self.mailbox = self.queue.create_queue(QueueName="told")["QueueUrl"]
        arn = self.queue.get_queue_attributes(QueueUrl=self.mailbox, AttributeNames=["QueueArn"])
        topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        for bucket in (DATA, RESULTS):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            admitted = {"Principal": {"Service": "personalize.amazonaws.com"}}
            reading = statement("s3:GetObject", "s3:ListBucket", on=whole_bucket(bucket), **admitted)
            self.s3.put_bucket_policy(Bucket=bucket, Policy=policy(reading))
        actions = ("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject")
        files = statement(*actions, on=whole_bucket(DATA) + whole_bucket(RESULTS))
        quiet = {"POWERTOOLS_LOG_LEVEL": "CRITICAL", "POWERTOOLS_METRICS_DISABLED": "true"}
        os.environ.update(quiet, POWERTOOLS_SERVICE_NAME="faults", TOPIC_ARN=topic)
        self.machine = {
            each.key: self.machines.create_state_machine(
                name=f"storecast-{DATASET}-{each.key}",
                definition=_resolved(definitions[each.key], each, arn := role(each.service, files)),
                roleArn=arn,
            )["stateMachineArn"]
            for each in (*PIPELINES, STORECAST)
        }
        command = {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": "s3://results/script.py"}
        size: Any = {"GlueVersion": "5.0", "WorkerType": "G.1X", "NumberOfWorkers": 2}
        glue.create_job(Name=f"storecast-{DATASET}-forecasting", Role=role("glue", files), Command=command, **size)

    def begin(self, seed: int, faults: list[Fault], pipeline: Pipeline = FORECASTING) -> None:
        """Everything empty, and these faults from now on; what happens, happens to this pipeline."""
        from operations.cleanup import empty

        self.pipeline, self.numbers = pipeline, itertools.count(1)
        self.clock.next_morning()
        random.seed(seed)  # of botocore's patience
        self.inside.forget_everything()
        self.inside.restart()
        self.inside.jobs.chance.seed(seed)
        self.inside.jobs.lasting.clear()
        self.inside.switch.met.clear()
        write(self.inside.settings.faults, [])
        for bucket in (DATA, RESULTS):
            empty(self.s3, bucket)
        self.table.delete_item(TableName="lock", Key={"pipeline": {"S": self.pipeline.name}})
        self.told()
        write(self.inside.settings.faults, faults)

    def go_on(self, *gone: str) -> None:
        """With the data, results and resources that there are, but without these files, what is in quarantine, and the
        executions and notifications so far."""
        self.clock.next_morning()
        self.inside.restart()
        self.inside.forget_executions()
        self.inside.switch.met.clear()
        write(self.inside.settings.faults, [])
        for key in [*(f"{self.pipeline.folder}{name}" for name in gone), *self.files("quarantine/")]:
            self.s3.delete_object(Bucket=DATA, Key=key)
        self.told()

    def go(self) -> None:
        """Until nothing happens any more."""
        while True:
            try:
                return self.clock.run()
            except Crash:
                self.inside.restart()

    @contextmanager
    def calmly(self) -> Iterator[None]:
        """What a person or another service does meets no fault."""
        self.inside.switch.calm = True
        try:
            yield
        finally:
            self.inside.switch.calm = False

    def upload(self, name: str, body: str | bytes, announced: bool = True) -> None:
        """A file by its name below the dataset's folder; its event may get lost."""
        body = body if isinstance(body, bytes) else body.encode()
        with self.calmly():
            self.s3.put_object(Bucket=DATA, Key=f"{self.pipeline.folder}{name}", Body=body)
        if announced:
            self.start({"source": "aws.s3", "detail": {"object": {"key": f"{self.pipeline.folder}{name}"}}})

    def delete(self, name: str) -> None:
        with self.calmly():
            self.s3.delete_object(Bucket=DATA, Key=f"{self.pipeline.folder}{name}")

    def start(self, given: dict[str, Any]) -> str:
        with self.calmly():
            started = self.machines.start_execution(
                stateMachineArn=self.machine[self.pipeline.key],
                name=f"run-{next(self.numbers)}",
                input=json.dumps(given),
            )
        return started["executionArn"]

    def stop(self) -> None:
        """The execution that holds the lock, if there is one, is stopped by hand."""
        with self.calmly():
            if (holder := self.holder()) and self.inside.states._executions[holder]["status"] == "RUNNING":
                self.machines.stop_execution(executionArn=holder, cause="by hand")

    def crash(self) -> None:
        raise Crash

    def holder(self) -> str | None:
        item = self.table.get_item(TableName="lock", Key={"pipeline": {"S": self.pipeline.name}}).get("Item")
        return item and item["holder"]["S"]

    def files(self, prefix: str = "", bucket: str = DATA) -> dict[str, str]:
        """The text of each file by its key, by default of what was delivered."""
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix or self.pipeline.folder).get("Contents", [])
        return {
            each["Key"]: self.s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read().decode() for each in listed
        }

    def newest(self) -> dict[str, Any]:
        key = f"{self.pipeline.folder}newest.json"
        return json.loads(self.files(key, RESULTS).get(key, "{}"))

    def covered(self) -> dict[str, str]:
        """The checksum of the files of each kind that the newest published run is about."""
        from common.deliveries import checksum

        if self.pipeline is FORECASTING or not (newest := self.newest()):
            files = self.newest().get("inputs", {}).get("files", {})
            return {kind: checksum.removesuffix("+sum") for kind, checksum in files.items()}
        key = f"{self.pipeline.folder}runs/{newest['run']}/data.json"
        return {kind: checksum(of["files"]) for kind, of in json.loads(self.files(key, RESULTS)[key]).items()}

    def imported(self, kind: str) -> list[float]:
        """The values that the dataset holds, in no order."""
        there = [each for each in self.resources("Dataset") if each.name.endswith(kind)]
        frames = [pd.read_parquet(path) for dataset in there for path in dataset.private.get("files", [])]
        return [value for frame in frames for value in frame.select_dtypes("number").iloc[:, -1]]

    def recommended(self) -> dict[str, list[str]]:
        """The items that each recommender and campaign in use recommends, by its ARN."""
        newest = self.newest()
        made = [("recommenderArn", each) for each in newest.get("recommenders", [])]
        made += [("campaignArn", each) for each in newest.get("solutions", [])]
        answers = {each[key]: self.runtime.get_recommendations(**{key: each[key]}, userId="u1") for key, each in made}
        return {arn: [item["itemId"] for item in answer["itemList"]] for arn, answer in answers.items()}

    def resources(self, kind: str) -> list[Resource]:
        """Of the pipeline's service and a kind, oldest first."""
        return self.inside.store.all(kind, self.pipeline.service)

    def told(self) -> list[dict[str, Any]]:
        """The notifications since this was asked last: subject and message."""
        told = []
        while found := self.queue.receive_message(QueueUrl=self.mailbox, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                self.queue.delete_message(QueueUrl=self.mailbox, ReceiptHandle=each["ReceiptHandle"])
                body = json.loads(each["Body"])
                told.append({"subject": body["Subject"], **json.loads(body["MessageAttributes"]["json"]["Value"])})
        return told

    def runs(self) -> list[Run]:
        """All executions in the order of their starts."""
        return [_run(found) for found in self.inside.states._executions.values()]


def _resolved(definition: str, pipeline: Pipeline, role_arn: str) -> str:
    """References replaced by what they stand for here, and the config by a small one."""
    names = {"Partition": "aws", "Notify": "operations.notify", "RefLock": "lock", "Role": role_arn}
    names |= {"RefData": DATA, "RefResults": RESULTS}

    def named(reference: re.Match) -> str:
        text = reference[1]
        step = f"{pipeline.name}.{text[:-4].lower()}" if text.endswith(".Arn") else ""
        return step or next(value for part, value in names.items() if part in text)

    whole = json.loads(re.sub(r"<([^<>%]*)>", named, definition))
    pipeline.small(whole["States"]["Pipeline"]["Branches"][0]["States"]["Plan"]["Arguments"]["Payload"])
    return json.dumps(whole)


def _run(execution: dict[str, Any]) -> Run:
    states = [event for event in execution["events"] if "stateEnteredEventDetails" in event]
    told = [(event["stateEnteredEventDetails"], event["timestamp"]) for event in states]
    entered = [(state["name"], when, state["input"]) for state, when in told]
    return Run(
        execution["executionArn"],
        execution["status"],
        execution.get("error") or "",
        execution.get("cause") or "",
        json.loads(execution["input"]),
        json.loads(execution["output"] or "{}"),
        entered,
        execution["stopDate"] or "",
    )
