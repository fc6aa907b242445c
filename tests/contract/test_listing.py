"""Lists come in pages, filtered, and in an order of their own; tags are kept with their resource."""

import boto3
import pytest

from tests.contract.clients import refused
from tests.contract.forecast_setup import create_dataset, import_ended, import_from
from tests.contract.helpers import INTERACTIONS, ended, unique


@pytest.fixture(scope="module")
def groups(forecast):
    """Five dataset groups, the last two with a dataset of their own."""
    made = [
        forecast.create_dataset_group(
            DatasetGroupName=unique("listed"), Domain="CUSTOM", Tags=[{"Key": "number", "Value": str(number)}]
        )["DatasetGroupArn"]
        for number in range(5)
    ]
    yield made
    for arn in made:
        forecast.delete_dataset_group(DatasetGroupArn=arn)


def test_pages_hold_each_resource_once(forecast, groups: list[str]) -> None:
    everything = [each["DatasetGroupArn"] for each in forecast.list_dataset_groups()["DatasetGroups"]]
    pages = list(forecast.get_paginator("list_dataset_groups").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["DatasetGroups"]) for page in pages[:-1]] == [2] * (len(pages) - 1)
    assert [each["DatasetGroupArn"] for page in pages for each in page["DatasetGroups"]] == everything
    assert everything[:5] == groups[::-1], "the newest first, as recorded"


@pytest.mark.parametrize("token", ["nonsense", "bm9uc2Vuc2U=", "LTU="], ids=["no base64", "no number", "negative"])
def test_a_token_of_another_hand_is_refused(forecast, personalize, token: str) -> None:
    refused("InvalidNextTokenException", forecast.list_dataset_groups, token, NextToken=token)
    refused("InvalidNextTokenException", personalize.list_schemas, token, nextToken=token)


def test_filters_keep_or_leave_out(forecast, bucket: str, forecast_role: str) -> None:
    """By dataset and status, of an import that fails for what is in its file."""
    mine, other = create_dataset(forecast), create_dataset(forecast)
    groups = [
        forecast.create_dataset_group(DatasetGroupName=unique("of"), Domain="RETAIL", DatasetArns=[arn])
        for arn in (mine, other)
    ]
    key = f"{unique('bad')}/rows.csv"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"no row of the schema")
    job = import_from(forecast, mine, f"s3://{bucket}/{key}", forecast_role)
    assert import_ended(forecast, job)["Status"] == "CREATE_FAILED"

    def jobs(**conditions: str) -> list[str]:
        values = {"DatasetArn": mine, "Status": "CREATE_FAILED"}
        filters = [{"Key": key, "Value": values[key], "Condition": is_or_not} for key, is_or_not in conditions.items()]
        listed = forecast.list_dataset_import_jobs(Filters=filters)["DatasetImportJobs"]
        return [each["DatasetImportJobArn"] for each in listed]

    assert jobs(DatasetArn="IS") == jobs(DatasetArn="IS", Status="IS") == [job]
    assert jobs(DatasetArn="IS", Status="IS_NOT") == []
    assert jobs(DatasetArn="IS_NOT") == [each for each in jobs() if each != job]
    assert job not in jobs(Status="IS_NOT")
    forecast.delete_dataset_import_job(DatasetImportJobArn=job)
    for group in groups:
        forecast.delete_dataset_group(DatasetGroupArn=group["DatasetGroupArn"])


def test_personalize_lists_in_pages_and_by_group(personalize) -> None:
    arns = [
        personalize.create_schema(name=unique("listed"), domain="ECOMMERCE", schema=INTERACTIONS)["schemaArn"]
        for _ in range(3)
    ]
    pages = personalize.get_paginator("list_schemas").paginate(PaginationConfig={"PageSize": 1})
    assert [each["schemaArn"] for page in pages for each in page["schemas"]][-3:] == arns
    assert len(personalize.list_recipes(maxResults=2)["recipes"]) == 2
    nobody = "arn:aws:personalize:us-east-1:000000000000:dataset-group/nobody"
    assert personalize.list_datasets(datasetGroupArn=nobody)["datasets"] == []
    for arn in arns:
        personalize.delete_schema(schemaArn=arn)


def test_forecast_tags(forecast, groups: list[str]) -> None:
    forecast.tag_resource(ResourceArn=groups[2], Tags=[{"Key": "dataset", "Value": "grocery"}])
    tags = forecast.list_tags_for_resource(ResourceArn=groups[2])["Tags"]
    assert tags == [{"Key": "dataset", "Value": "grocery"}, {"Key": "number", "Value": "2"}]
    forecast.untag_resource(ResourceArn=groups[2], TagKeys=["number"])
    assert forecast.list_tags_for_resource(ResourceArn=groups[2])["Tags"] == tags[:1]
    refused("ResourceNotFoundException", forecast.list_tags_for_resource, ResourceArn=groups[2] + "x")
    many = [{"Key": f"key{number}", "Value": ""} for number in range(50)]
    refused("LimitExceededException", forecast.tag_resource, "50", "51", ResourceArn=groups[2], Tags=many)


def test_personalize_tags(personalize) -> None:
    tag = {"tagKey": "project", "tagValue": "storecast"}
    arn = personalize.create_dataset_group(name=unique("tagged"), domain="ECOMMERCE", tags=[tag])["datasetGroupArn"]
    personalize.tag_resource(resourceArn=arn, tags=[{"tagKey": "dataset", "tagValue": "grocery"}])
    personalize.untag_resource(resourceArn=arn, tagKeys=["dataset"])
    assert personalize.list_tags_for_resource(resourceArn=arn)["tags"] == [tag]
    many = [{"tagKey": f"key{number}", "tagValue": ""} for number in range(50)]
    refused("TooManyTagsException", personalize.tag_resource, "51 tags", "50", resourceArn=arn, tags=many)
    refused("ResourceNotFoundException", personalize.list_tags_for_resource, resourceArn=arn + "x")
    ended(personalize.describe_dataset_group, "datasetGroup", datasetGroupArn=arn)
    personalize.delete_dataset_group(datasetGroupArn=arn)
