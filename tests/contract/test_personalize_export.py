"""Exports: bulk records, records put one by one, or both, as CSV that can be imported again."""

import csv
import io
import json

import boto3
import pytest

from localaws.settings import Settings
from tests.contract.clients import client, refused
from tests.contract.helpers import ended, unique
from tests.contract.personalize_setup import create_group, delete_group, import_from


@pytest.fixture(scope="module")
def items(personalize, embedded_aws: Settings, out: str, exporter: str):
    """An Items dataset: apple and bread came in bulk; bread, now at 3, and a cake in quotes were put."""
    group = create_group(personalize, ("Items",))
    bulk = "ITEM_ID,PRICE,CATEGORY_L1\napple,1.0,fruit\nbread,2.0,bakery\n"
    boto3.client("s3").put_object(Bucket=out, Key="bulk/items.csv", Body=bulk.encode())
    job = import_from(personalize, group.datasets["Items"], f"s3://{out}/bulk/", exporter)
    assert job["status"] == "ACTIVE", job.get("failureReason")
    put = [("bread", 3.0, "bakery"), ("cake", 9.0, 'sweet, "fine"')]
    records = [
        {"itemId": name, "properties": json.dumps({"price": price, "categoryL1": category})}
        for name, price, category in put
    ]
    client("personalize-events").put_items(datasetArn=group.datasets["Items"], items=records)
    yield group.datasets["Items"]
    delete_group(personalize, group)


def _export(personalize, dataset: str, to: str, by: str, **more) -> dict:
    arn = personalize.create_dataset_export_job(
        jobName=unique("export"), datasetArn=dataset, roleArn=by, jobOutput={"s3DataDestination": {"path": to}}, **more
    )["datasetExportJobArn"]
    return ended(personalize.describe_dataset_export_job, "datasetExportJob", datasetExportJobArn=arn)


@pytest.mark.parametrize(
    ("mode", "prices"),
    [
        ({}, {"bread": "3.0", "cake": "9.0"}),
        ({"ingestionMode": "BULK"}, {"apple": "1.0", "bread": "2.0"}),
        ({"ingestionMode": "ALL"}, {"apple": "1.0", "bread": "3.0", "cake": "9.0"}),
    ],
    ids=["put", "bulk", "all"],
)
def test_an_export_holds_what_its_mode_says(personalize, items, out, exporter, mode: dict, prices: dict) -> None:
    job = _export(personalize, items, f"s3://{out}/exported/", exporter, **mode)
    assert job["status"] == "ACTIVE", job.get("failureReason")
    assert job["ingestionMode"] == mode.get("ingestionMode", "PUT")
    body = boto3.client("s3").get_object(Bucket=out, Key=f"exported/{job['jobName']}.csv")["Body"].read().decode()
    rows = list(csv.DictReader(io.StringIO(body), doublequote=False, escapechar="\\"))
    assert {row["ITEM_ID"]: row["PRICE"] for row in rows} == prices and len(rows) == len(prices)
    assert list(rows[0]) == ["ITEM_ID", "PRICE", "CATEGORY_L1"]
    if "cake" in prices:
        assert rows[-1]["CATEGORY_L1"] == 'sweet, "fine"'
    listed = personalize.list_dataset_export_jobs(datasetArn=items)["datasetExportJobs"]
    assert job["datasetExportJobArn"] in [each["datasetExportJobArn"] for each in listed]


def test_an_export_can_be_imported(personalize, items, out, exporter) -> None:
    _export(personalize, items, f"s3://{out}/again/", exporter, ingestionMode="ALL")
    group = create_group(personalize, ("Items",))
    job = import_from(personalize, group.datasets["Items"], f"s3://{out}/again/", exporter)
    assert job["status"] == "ACTIVE", job.get("failureReason")
    delete_group(personalize, group)


def test_what_is_refused(personalize, items, bucket, exporter) -> None:
    """The sample's bucket lets Personalize read, not write."""
    job = _export(personalize, items, f"s3://{bucket}/exported/", exporter)
    assert job["status"] == "CREATE FAILED"
    for word in ("data export job", "Insufficient privileges", "s3:PutObject", bucket):
        assert word in job["failureReason"]
    wrong = {"jobName": "wrong", "datasetArn": items, "roleArn": exporter}
    output = {"s3DataDestination": {"path": "nowhere"}}
    refused("InvalidInputException", personalize.create_dataset_export_job, "nowhere", **wrong, jobOutput=output)
