"""What a test looks at to see what the app did: files, tables, messages, jobs."""

import csv
import io
import json
import re
import time

import boto3
from botocore import xform_name

from localaws.services.forecast.resource_types import TYPES as FORECAST
from localaws.services.personalize.resource_types import TYPES as PERSONALIZE
from tests.e2e.conftest import DATASET, App

OURS = re.compile(f"storecast[-_/]{DATASET}")  # other tests' resources are in the same account


def ours(service: str, what: str, listing: str = "", names: re.Pattern = OURS) -> list:
    """Those with such `names` in what `listing` (unless given: List and what it lists) answers under `what`, by default
    those of the app and its runs."""
    client, name = boto3.client(service), listing or xform_name(f"List{what[0].upper()}{what[1:]}")
    pages = client.get_paginator(name).paginate() if client.can_paginate(name) else [getattr(client, name)()]
    return [each for page in pages for each in page[what] if names.search(json.dumps(each, default=str))]


def exported(uri: str) -> list[dict]:
    """The rows of all CSV files under the prefix `uri`."""
    s3 = boto3.client("s3")
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys]
    return [row for body in bodies for row in csv.DictReader(io.StringIO(body))]


def result(app: App, name: str) -> str:
    """What the forecasting pipeline published under this name."""
    key = f"forecasting/{DATASET}/{name}"
    return boto3.client("s3").get_object(Bucket=app.outputs["ResultsBucket"], Key=key)["Body"].read().decode()


def ask_athena(query: str, database: str) -> list[tuple[str, ...]]:
    """The rows that Athena answers, as text."""
    athena = boto3.client("athena")
    started = athena.start_query_execution(
        QueryString=query, QueryExecutionContext={"Database": database}, WorkGroup=f"storecast-{DATASET}"
    )["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            break
        time.sleep(0.1)
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    return [tuple(cell.get("VarCharValue", "") for cell in row["Data"]) for row in rows[1:]]


def entered(execution: str) -> list[str]:
    """The states that an execution has come to."""
    events = boto3.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]


def mailbox(topic: str) -> str:
    """The URL of a queue that gets what the topic is told from here on."""
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    queue = sqs.create_queue(QueueName=f"told-{time.time_ns()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


def next_message(queue: str) -> dict:
    """The next SNS message in the queue, as SNS delivers it to SQS; it leaves the queue."""
    sqs = boto3.client("sqs")
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10).get("Messages")
    assert messages, "no notification came"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
    return json.loads(messages[0]["Body"])


def facts(message: dict) -> dict:
    """What such a message of Notify says, as programs read it."""
    return json.loads(message["MessageAttributes"]["json"]["Value"])


def emitted(group: str) -> set[tuple[str, frozenset[str]]]:
    """Name and dimensions of each metric of ours in the lines of a log group (embedded metric format)."""
    found = set()
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    for event in (event for page in pages for event in page["events"]):
        if '"_aws"' in event["message"]:
            for about in json.loads(event["message"])["_aws"]["CloudWatchMetrics"]:
                [dimensions] = map(frozenset, about["Dimensions"])
                found |= {(each["Name"], dimensions) for each in about["Metrics"]}
    return found


def charted(dashboard: str) -> set[tuple[str, frozenset[str]]]:
    """Name and dimensions of each metric of ours that a dashboard searches for; "" where it takes every name."""
    body = boto3.client("cloudwatch").get_dashboard(DashboardName=dashboard)["DashboardBody"]
    found = set()
    for widget in json.loads(body)["widgets"]:
        for metric in widget["properties"]["metrics"]:
            if isinstance(metric[0], dict):
                [schema] = re.findall(r"\{Storecast,(.+?)\}", metric[0]["expression"])
                names = re.findall(r"MetricName=\((.+?)\)", metric[0]["expression"])
                for name in names[0].replace('"', "").split(" OR ") if names else [""]:
                    found.add((name, frozenset(schema.split(","))))
    return found


def quarantined(bucket: str, pipeline: str) -> list[str]:
    """The files in quarantine; each has its reason beside it."""
    listed = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"quarantine/{pipeline}/")["Contents"]
    keys = [each["Key"] for each in listed]
    files = [key for key in keys if not key.endswith(".reason.txt")]
    assert sorted(keys) == sorted([*files, *(f"{key}.reason.txt" for key in files)])
    return files


def imports_of(run: str) -> list[str]:
    """The names of the import jobs of a run."""
    names = [job["DatasetImportJobName"] for job in ours("forecast", "DatasetImportJobs")]
    return [name for name in names if run in name]


def there(names: re.Pattern = OURS) -> dict[str, list]:
    """What there is with such names, of each kind that an app, its runs or learners make."""
    listed = {
        "s3": ["Buckets"],
        "iam": ["Roles"],
        "lambda": ["Functions"],
        "stepfunctions": ["stateMachines"],
        "sagemaker": ["NotebookInstances", "NotebookInstanceLifecycleConfigs"],
        "forecast": [FORECAST.list_member(each) for each in FORECAST.types],
        # No operation deletes a batch inference job.
        "personalize": [PERSONALIZE.list_member(each) for each in PERSONALIZE.types.keys() - {"BatchInferenceJob"}],
    }
    found = {
        f"{service} {what}": ours(service, what, names=names) for service, kinds in listed.items() for what in kinds
    }
    return found | {
        "tables": ours("dynamodb", "TableNames", "list_tables", names),
        "log groups": ours("logs", "logGroups", "describe_log_groups", names),
        "databases": ours("glue", "DatabaseList", "get_databases", names),
    }
