"""The function `query` on the embedded AWS, under a role that may get published objects and nothing else."""

import json

import boto3

from benchmarks import query
from localaws.settings import Settings

SERIES = 100


def refused(asked: dict) -> str:
    answer = boto3.client("lambda").invoke(FunctionName=query.FUNCTION, Payload=json.dumps(asked))
    assert answer["FunctionError"] == "Unhandled"
    error = json.load(answer["Payload"])
    return f"{error['errorType']}: {error['errorMessage']}"


def test_an_application_gets_the_forecast_of_an_item_once_there_is_one(embedded_aws: Settings) -> None:
    boto3.client("s3").create_bucket(Bucket=query.BUCKET)
    query.deployed()
    asked = {"Filters": {"item_id": "item0000007"}}
    assert refused(asked).startswith("ResourceNotFound: there is no forecast yet: s3://")
    query.published(SERIES)
    assert len(list(query.asked(SERIES, 3))) == 3  # each of the values that its item was given
    assert refused({"Filters": {"item_id": "tea"}}) == "ResourceNotFound: tea has no forecast in the newest run"
