"""EventBridge's targets: topics and queues whose policies, and whose keys' policies, let it in; dead letters."""

import json
from typing import Any

import boto3
import pytest

from tests.contract.helpers import ACCOUNT, eventually, policy, statement, unique

_EVENTS = {"Principal": {"Service": "events.amazonaws.com"}}
_OF_THIS_ACCOUNT = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
_USE = ("kms:Decrypt", "kms:GenerateDataKey")


def _key(**condition: Any) -> str:
    everybody = statement("kms:*") | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    for_events = statement(*_USE, **_EVENTS, **condition)
    return boto3.client("kms").create_key(Policy=policy(everybody, for_events))["KeyMetadata"]["Arn"]


def _queue(key: str | None = None, **condition: Any) -> str:
    """The ARN of a queue that rules may send to."""
    sqs, name = boto3.client("sqs"), unique("queue")
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    allowed = policy(statement("sqs:SendMessage", on=arn, **_EVENTS, **condition))
    sqs.create_queue(QueueName=name, Attributes={"Policy": allowed, **({"KmsMasterKeyId": key} if key else {})})
    return arn


def _topic(key: str, **condition: Any) -> str:
    sns, name = boto3.client("sns"), unique("topic")
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"
    allowed = policy(statement("sns:Publish", on=arn, **_EVENTS, **condition))
    sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": key, "Policy": allowed})
    return arn


def _messages(queue: str) -> list[dict]:
    url = boto3.client("sqs").get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
    answer = boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    return answer.get("Messages", [])


def _delivered(target: str) -> tuple[str, list[dict]]:
    """The name of a rule with this target and dead letters, after one event, and what is in these."""
    events, name, dead_letters, last = boto3.client("events"), unique("rule"), _queue(), _queue()
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    targets = [{"Id": "a", "Arn": target, "DeadLetterConfig": {"Arn": dead_letters}}, {"Id": "b", "Arn": last}]
    events.put_targets(Rule=name, Targets=targets)
    events.put_events(Entries=[{"Source": name, "DetailType": "test", "Detail": "{}"}])
    eventually(lambda: _messages(last))
    events.remove_targets(Rule=name, Ids=["a", "b"])
    events.delete_rule(Name=name)
    return name, _messages(dead_letters)


@pytest.mark.parametrize("condition", [{}, _OF_THIS_ACCOUNT])
@pytest.mark.parametrize("on", ["key", "topic"])
def test_eventbridge_names_no_account_to_a_topic_or_its_key(embedded_aws, on: str, condition: dict) -> None:
    """SNS guide: the conditions aws:SourceAccount and aws:SourceArn lock EventBridge out of an encrypted topic."""
    topic = _topic(_key(**condition if on == "key" else {}), **condition if on == "topic" else {})
    rule, dead = _delivered(topic)
    assert len(dead) == (1 if condition else 0)
    for message in dead:
        said = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
        assert said["ERROR_CODE"] == "NO_PERMISSIONS" and said["TARGET_ARN"] == topic
        assert said["RULE_ARN"].endswith(f"rule/{rule}") and json.loads(message["Body"])["source"] == rule


def test_a_queue_may_ask_for_the_rule_and_its_key_may_not(embedded_aws) -> None:
    by_rule = {"Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/*"}}}
    for queue, delivered in (
        (_queue(**by_rule), True),
        (_queue(_key(), **by_rule), True),
        (_queue(**_OF_THIS_ACCOUNT), False),
        (_queue(_key(**by_rule)), False),
    ):
        _, dead = _delivered(queue)
        assert (len(_messages(queue)), len(dead)) == ((1, 0) if delivered else (0, 1)), queue


def test_a_failed_invocation_is_counted(embedded_aws) -> None:
    rule, _ = _delivered(_topic(_key(), **_OF_THIS_ACCOUNT))
    [metric] = boto3.client("cloudwatch").list_metrics(
        Namespace="AWS/Events", MetricName="FailedInvocations", Dimensions=[{"Name": "RuleName", "Value": rule}]
    )["Metrics"]
    assert metric["MetricName"] == "FailedInvocations"
