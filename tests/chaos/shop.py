"""A shop on a server of its own: the real app, deployed by the CDK CLI, small enough that a run takes seconds, and what
was lost of what was uploaded."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from demo import deploy
from localaws import process
from localaws.settings import REGION, Settings, client_environment, prepare
from tests.conftest import free_port
from tests.e2e.sources import changed_sources

DATASET = "sample"
_PATIENCE = 600  # seconds for a run and the one after it, on a machine with much else to do
_POLL = 0.25
_ENDED = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")


@dataclass
class Shop:
    """`kind` of the files that its `pipeline` waits for; `uploads` are the ETags of all that were taken, by key."""

    settings: Settings
    pipeline: str
    outputs: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    by_hand: int = 0  # starts that nobody but us made
    restarts: int = 0
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return {"forecasting": "target", "recommending": "interactions"}[self.pipeline]

    @property
    def folder(self) -> str:
        return f"{self.pipeline}/{DATASET}/"

    @property
    def machine(self) -> str:
        return self.outputs[f"{self.pipeline.capitalize()}StateMachine"]

    def client(self, service: str) -> Any:
        if service not in self._clients:
            session = boto3.Session(self.settings.access_key, self.settings.secret_key, region_name=REGION)
            self._clients[service] = session.client(
                service, endpoint_url=self.settings.endpoint, verify=str(self.settings.certificate_authority)
            )
        return self._clients[service]

    # --- what happens ---------------------------------------------------------------------------------------------

    def upload(self, name: str, body: bytes | None = None) -> None:
        """A file of the kind; counted only if S3 took it."""
        key = f"{self.folder}{self.kind}/{name}"
        body = rows(self.pipeline, name) if body is None else body
        answer = self.client("s3").put_object(Bucket=self.outputs["DataBucket"], Key=key, Body=body)
        self.uploads[key] = answer["ETag"]

    def executions(self) -> list[dict]:
        """The newest first."""
        return self.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]

    def entered(self, execution: str) -> set[str]:
        """The states that it has come to."""
        events = self.client("stepfunctions").get_execution_history(executionArn=execution, maxResults=1000)["events"]
        return {each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each}

    def until(self, state: str) -> str | None:
        """The execution that has just come to the state, or is past it by the time that this is seen; None if all ended
        before."""
        begun = {each["executionArn"] for each in self.executions() if each["status"] in _ENDED}
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            found = [each for each in self.executions() if each["executionArn"] not in begun]
            for each in found:
                if each["status"] == "RUNNING" and state in self.entered(each["executionArn"]):
                    return each["executionArn"]
            if found and all(each["status"] in _ENDED for each in found) and not self.lost():
                return None
            time.sleep(0.1)  # a blow's state takes seconds
        raise TimeoutError(f"no run came to {state}")

    def restart(self) -> None:
        self.restarts += 1
        process.start(self.settings)

    # --- what came of it ------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Until nothing runs, and everything that was uploaded is in what serves or in quarantine. A start by hand
        is counted: the next one should come by itself."""
        deadline, idle = time.monotonic() + _PATIENCE, 0
        while time.monotonic() < deadline:
            if any(each["status"] == "RUNNING" for each in self.executions()):
                idle = 0
            elif not self.lost():
                return
            else:
                idle += 1
                if idle * _POLL > 20:
                    self.by_hand, idle = self.by_hand + 1, 0
                    self.client("stepfunctions").start_execution(stateMachineArn=self.machine, input="{}")
            time.sleep(_POLL)
        raise TimeoutError(f"still lost: {self.lost()}")

    def lost(self) -> list[str]:
        """Uploads that neither serve nor are in quarantine; all of them where newest.json is of other files."""
        s3 = self.client("s3")
        there = {
            each["Key"]: each["ETag"]
            for page in s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.outputs["DataBucket"], Prefix=f"{self.folder}{self.kind}/"
            )
            for each in page.get("Contents", ())
        }
        quarantined = self.quarantined()
        missing = [
            key
            for key, etag in self.uploads.items()
            if there.get(key) != etag and key.rpartition("/")[2] not in quarantined
        ]
        newest = self.newest()
        if self.served(newest) != there:
            run = newest and newest["run"]
            missing += [f"{key}, not in what serves, {run}" for key in there]
        return missing

    def quarantined(self) -> set[str]:
        """The names of files in quarantine."""
        listed = self.client("s3").list_objects_v2(
            Bucket=self.outputs["DataBucket"], Prefix=f"quarantine/{self.folder}"
        )
        return {each["Key"].rpartition("/")[2] for each in listed.get("Contents", ())}

    def newest(self) -> dict | None:
        return self._result("newest.json")

    def served(self, newest: dict | None) -> dict[str, str] | None:
        """The files that the newest run works on, ETags by key."""
        data = newest and self._result(f"runs/{newest['run']}/data.json")
        return data[self.kind]["files"] if data else None

    def _result(self, name: str) -> dict | None:
        s3 = self.client("s3")
        try:
            found = s3.get_object(Bucket=self.outputs["ResultsBucket"], Key=f"{self.folder}{name}")
        except ClientError:
            return None
        return json.loads(found["Body"].read())

    def together(self) -> list[tuple[str, str]]:
        """Pairs of runs that worked at the same time, by their executions: from Plan to the end."""
        spans = []
        for each in self.executions():
            history = self.client("stepfunctions").get_execution_history(executionArn=each["executionArn"])["events"]
            planned = [
                event["timestamp"]
                for event in history
                if event.get("stateEnteredEventDetails", {}).get("name") == "Ensure"
            ]
            if planned and "stopDate" in each:
                spans.append((planned[0], each["stopDate"], each["name"]))
        spans.sort()
        return [(one[2], two[2]) for one, two in zip(spans, spans[1:]) if two[0] < one[1]]

    def unreported(self, mails: list[str]) -> list[str]:
        """Executions that ended badly and whose end was not reported, or more than once."""
        mails = [each for each in mails if "FAILED in" in each or "ended before it was done" in each]
        bad = [each["executionArn"] for each in self.executions() if each["status"] not in ("RUNNING", "SUCCEEDED")]
        counted = {arn: sum(arn in mail for mail in mails) for arn in bad}
        return [f"{arn}: {count} mails" for arn, count in counted.items() if count != 1]

    def mailbox(self) -> str:
        """The URL of a queue that gets all mails from here on."""
        sqs, topic = self.client("sqs"), self.outputs["NotificationsTopic"]
        queue = sqs.create_queue(QueueName="mails", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [allowed | {"Resource": arn}]}
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return queue

    def mails(self, queue: str) -> list[str]:
        """All new mails; they leave the queue."""
        sqs, found = self.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for each in messages:
                found.append(each["Body"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        return found


def rows(pipeline: str, name: str) -> bytes:
    """A file's rows, of an item of its own; Personalize takes 1,000 interactions or more."""
    item = re.sub(r"\W", "", name.removesuffix(".csv"))
    if pipeline == "forecasting":
        return "".join(f"{item},2026-{1 + day // 28:02d}-{1 + day % 28:02d},{day % 7}\n" for day in range(112)).encode()
    lines = "".join(f"u{at % 30},{item}{at % 20},{1_760_000_000 + at},View\n" for at in range(1_000))
    return f"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n{lines}".encode()


def open_shop(folder: Path, pipeline: str) -> Shop:
    """Deployed in `folder` and stocked with one file that serves. Sets the environment of this process."""
    settings = prepare(folder / "state", free_port())
    process.start(settings)
    os.environ.update(client_environment(settings))
    sources, out = folder / "sources", folder / "out"
    for each in (sources, out):
        each.mkdir()
    deploy.ROOT = changed_sources(sources, DATASET, _small(pipeline))
    deploy.deploy(DATASET, client_environment(settings), out)
    shop = Shop(settings, pipeline, deploy.outputs(DATASET))
    shop.upload("first.csv")
    shop.settle()
    return shop


def _small(pipeline: str) -> Any:
    """A config of one pipeline that trains what is quick to train."""

    def change(config: dict) -> None:
        config["settle_seconds"] = 1
        for other in {"forecasting", "recommending"} - {pipeline}:
            del config[other]
        section = config[pipeline]
        if pipeline == "forecasting":
            section["datasets"] = {"target": section["datasets"]["target"]}
            section |= {"algorithms": ["NPTS"], "horizon": 7}
            for each in ("what_if", "explainability"):
                del section[each]
        else:
            section["datasets"] = {"interactions": section["datasets"]["interactions"]}
            section["use_cases"] = {"most-viewed": None}
            for each in ("solutions", "filters", "batch", "event_tracker"):
                del section[each]
            section["publish"].pop("name_column", None)

    return change


def family(pid: int) -> Iterator[tuple[int, str]]:
    """The processes that the server started, and theirs: each id with what it is."""
    for each in Path("/proc").iterdir():
        if not each.name.isdigit():
            continue
        try:
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if parent == pid:
            yield int(each.name), command
            yield from family(int(each.name))
