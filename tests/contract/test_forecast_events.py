"""Forecast's jobs tell EventBridge of their status (docs/aws-sources.md#forecast-notifications)."""

import json
import time

import boto3

from tests.contract.forecast_setup import create_dataset, import_ended, import_from
from tests.contract.helpers import gone, policy, statement, unique


def received(sqs, queue: str, count: int) -> list[dict]:
    """The first `count` events of the queue, in the order of their arrival."""
    events, deadline = [], time.monotonic() + 30
    while len(events) < count and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            events.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        time.sleep(0.1)
    return events


def test_a_rule_sees_an_import_begin_succeed_fail_and_go(forecast, bucket: str, forecast_role: str) -> None:
    sqs, events, s3, name = boto3.client("sqs"), boto3.client("events"), boto3.client("s3"), unique("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sender = statement("sqs:SendMessage", on=queue_arn, Principal={"Service": "events.amazonaws.com"})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(sender)})
    dataset = create_dataset(forecast)
    group = dataset.rpartition("/")[2]
    ours = {"Arn": [{"prefix": dataset.replace(":dataset/", ":dataset-import-job/")}]}
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.forecast"], "detail": ours}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue_arn}])
    s3.put_object(Bucket=bucket, Key=f"{group}/good.csv", Body="milk,2024-01-01,5\n")
    s3.put_object(Bucket=bucket, Key=f"{group}/bad.csv", Body="milk,2024-01-01,many\n")
    good = import_from(forecast, dataset, f"s3://{bucket}/{group}/good.csv", forecast_role)
    assert import_ended(forecast, good)["Status"] == "ACTIVE"
    bad = import_from(forecast, dataset, f"s3://{bucket}/{group}/bad.csv", forecast_role)
    reason = import_ended(forecast, bad)["Message"]
    forecast.delete_dataset_import_job(DatasetImportJobArn=bad)
    gone(forecast.describe_dataset_import_job, DatasetImportJobArn=bad)
    seen = received(sqs, queue, 5)
    assert [(event["detail"]["Arn"], event["detail"]["Status"]) for event in seen] == [
        (good, "CREATE_IN_PROGRESS"),
        (good, "ACTIVE"),
        (bad, "CREATE_IN_PROGRESS"),
        (bad, "CREATE_FAILED"),
        (bad, "DELETE_IN_PROGRESS"),
    ]
    kinds = ["Forecast Dataset Import Job State Change"] * 4 + ["Forecast Dataset Import Job Deletion State Change"]
    assert [event["detail-type"] for event in seen] == kinds
    assert seen[1]["source"] == "aws.forecast" and seen[1]["resources"] == [good]
    assert seen[1]["detail"]["Duration"] == 0 and "Duration" not in seen[4]["detail"]
    assert seen[3]["detail"]["Message"] == reason and "'many'" in reason
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=queue)
