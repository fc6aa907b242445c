"""Who may do what: users and roles without a right are refused, with the action and the resource in the message."""

from functools import partial

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract.clients import client, refused
from tests.contract.forecast_setup import create_dataset, import_ended, import_from
from tests.contract.helpers import ACCOUNT, role, statement, unique, user, whole_bucket
from tests.contract.personalize_setup import create_group, delete_group
from tests.contract.personalize_setup import import_from as personalize_import
from tests.recordings import message

DENIED = "AccessDeniedException"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"


def test_a_user_without_rights_is_refused_everywhere(embedded_aws) -> None:
    nobody = user()
    group = arn("forecast", "dataset-group/any")
    for service, operation, params, words in (
        ("forecast", "list_dataset_groups", {}, ["forecast:ListDatasetGroups"]),
        ("forecast", "describe_dataset_group", {"DatasetGroupArn": group}, ["forecast:DescribeDatasetGroup", group]),
        ("forecastquery", "query_forecast", {"ForecastArn": arn("forecast", "forecast/f"), "Filters": {"item_id": "i"}},
         ["forecast:QueryForecast", "forecast/f"]),
        ("personalize", "create_dataset_group", {"name": "mine", "domain": "ECOMMERCE"},
         ["personalize:CreateDatasetGroup", arn("personalize", "dataset-group/mine")]),
        ("personalize-runtime", "get_recommendations", {"recommenderArn": arn("personalize", "recommender/r")},
         ["personalize:GetRecommendations", "recommender/r"]),
        ("sagemaker", "describe_notebook_instance", {"NotebookInstanceName": "n"},
         ["sagemaker:DescribeNotebookInstance", "notebook-instance/n"]),
    ):  # fmt: skip
        refused(DENIED, getattr(client(service, nobody), operation), "user_", *words, **params)


def test_a_wrong_secret_is_refused(embedded_aws) -> None:
    """Of a user's key; the emulator does not check the signature of the root key."""
    able = user(statement("forecast:*"))
    assert "DatasetGroups" in client("forecast", able).list_dataset_groups()
    for key in (able.get_credentials().access_key, "AKIAIOSFODNN7EXAMPLE"):
        session = boto3.Session(aws_access_key_id=key, aws_secret_access_key="wrong")
        with pytest.raises(
            ClientError,
            match="SignatureDoesNotMatch|InvalidSignatureException|UnrecognizedClientException|InvalidClientTokenId",
        ):
            session.client("forecast").list_dataset_groups()


def test_a_right_on_one_resource_is_no_right_on_another(embedded_aws) -> None:
    name, other = unique("own"), unique("other")
    own = arn("forecast", f"dataset-group/{name}")
    mine = client("forecast", user(statement("forecast:*DatasetGroup", on=own)))
    assert mine.create_dataset_group(DatasetGroupName=name, Domain="CUSTOM")["DatasetGroupArn"] == own
    refused(DENIED, mine.create_dataset_group, other, DatasetGroupName=other, Domain="CUSTOM")
    mine.delete_dataset_group(DatasetGroupArn=own)


def test_tagging_what_one_creates_is_a_right_of_its_own(embedded_aws) -> None:
    name, tags = unique("tagged"), [{"Key": "project", "Value": "any"}]
    group = arn("forecast", f"dataset-group/{name}")
    create = statement("forecast:CreateDatasetGroup", "forecast:DeleteDatasetGroup")
    untagging = client("forecast", user(create))
    refused(DENIED, untagging.create_dataset_group, "forecast:TagResource", group,
            DatasetGroupName=name, Domain="CUSTOM", Tags=tags)  # fmt: skip
    able = client("forecast", user(create, statement("forecast:TagResource", on=group)))
    able.create_dataset_group(DatasetGroupName=name, Domain="CUSTOM", Tags=tags)
    able.delete_dataset_group(DatasetGroupArn=group)
    notebook = unique("tagged").replace("_", "-")
    creating, under = client("sagemaker", user(statement("sagemaker:Create*", "iam:PassRole"))), role("sagemaker")
    refused(DENIED, creating.create_notebook_instance, "sagemaker:AddTags", notebook,
            NotebookInstanceName=notebook, InstanceType="ml.t3.medium", RoleArn=under, Tags=tags)  # fmt: skip


def test_passing_a_role_is_a_right_of_its_own(forecast, bucket: str, forecast_role: str) -> None:
    dataset, path = create_dataset(forecast), f"s3://{bucket}/forecasting/sample/target/"
    create = statement("forecast:*")
    without = client("forecast", user(create))
    refused(DENIED, lambda: import_from(without, dataset, path, forecast_role), "iam:PassRole", forecast_role)
    elsewhere = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    narrow = client("forecast", user(create, statement("iam:PassRole", Condition=elsewhere)))
    refused(DENIED, lambda: import_from(narrow, dataset, path, forecast_role), "iam:PassRole", forecast_role)
    here = {"StringEquals": {"iam:PassedToService": "forecast.amazonaws.com"}}
    able = client("forecast", user(create, statement("iam:PassRole", on=forecast_role, Condition=here)))
    assert import_ended(forecast, import_from(able, dataset, path, forecast_role))["Status"] == "ACTIVE"


def test_a_role_that_may_not_be_assumed_fails_the_job(forecast, bucket: str) -> None:
    rights = statement("s3:*", on=whole_bucket(bucket))
    dataset, path = create_dataset(forecast), f"s3://{bucket}/forecasting/sample/target/"
    for distrusted in (
        role("personalize", rights),
        role("forecast", rights, source_account="111122223333"),
        f"arn:aws:iam::{ACCOUNT}:role/does-not-exist",
    ):
        job = import_ended(forecast, import_from(forecast, dataset, path, distrusted))
        assert job["Status"] == "CREATE_FAILED"
        for word in ("sts:AssumeRole", distrusted, "forecast.amazonaws.com"):
            assert word in job["Message"]


def test_a_role_without_the_right_to_read_fails_the_job(forecast, bucket: str) -> None:
    listing = role("forecast", statement("s3:ListBucket", on=whole_bucket(bucket)))
    reading = role("forecast", statement("s3:GetObject", on=whole_bucket(bucket)))
    dataset, folder = create_dataset(forecast), f"s3://{bucket}/forecasting/sample/target/"
    for under, action, uri in ((listing, "s3:GetObject", folder + "target.csv"), (reading, "s3:ListBucket", folder)):
        job = import_ended(forecast, import_from(forecast, dataset, folder, under))
        assert job["Status"] == "CREATE_FAILED"
        for word in ("Insufficient privileges", action, uri, under):
            assert word in job["Message"], job["Message"]
    one_file = import_from(forecast, dataset, folder + "target.csv", reading)
    assert import_ended(forecast, one_file)["Status"] == "ACTIVE"


def test_personalize_needs_the_bucket_policy_too(personalize, bucket: str, sample) -> None:
    """The role may read both buckets; only one of them lets the service in."""
    s3, closed = boto3.client("s3"), unique("closed").replace("_", "-")
    s3.create_bucket(Bucket=closed)
    s3.put_object(
        Bucket=closed, Key="items/items.csv", Body=(sample / "recommending/sample/items/items.csv").read_bytes()
    )
    both = role("personalize", statement("s3:*", on=whole_bucket(bucket) + whole_bucket(closed)))
    group = create_group(personalize, ("Items",))
    refusal = message("personalize", "CreateDatasetImportJob", "InvalidInputException", "Insufficient")
    items, untrusted = group.datasets["Items"], role("forecast", statement("s3:*", on=whole_bucket(bucket)))
    open_items = f"s3://{bucket}/recommending/sample/items/"
    for path, by in ((f"s3://{closed}/items/", both), (open_items, untrusted)):
        importing = partial(personalize_import, personalize, items, path, by)
        assert refused("InvalidInputException", importing) == refusal
    unable = role("personalize")
    job = personalize_import(personalize, items, open_items, unable)
    assert job["status"] == "CREATE FAILED" and unable in job["failureReason"]
    job = personalize_import(personalize, group.datasets["Items"], open_items, both)
    assert job["status"] == "ACTIVE"
    delete_group(personalize, group)


@pytest.mark.parametrize("key", ["test", "123456789012"])
def test_well_known_keys_are_nobodys(embedded_aws, key: str) -> None:
    intruder = boto3.client("forecast", aws_access_key_id=key, aws_secret_access_key="test")
    with pytest.raises(ClientError) as error:
        intruder.list_datasets()
    assert error.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_that_a_key_is_missing_is_told_to_those_alone_who_may_list_it(embedded_aws) -> None:
    bucket = unique("missing").replace("_", "-")
    boto3.client("s3").create_bucket(Bucket=bucket)
    boto3.client("s3").put_object(Bucket=bucket, Key="a/there", Body=b"x")
    own, every = f"arn:aws:s3:::{bucket}", statement("s3:GetObject", on=f"arn:aws:s3:::{bucket}/*")
    listing = statement("s3:ListBucket", on=own, Condition={"StringLike": {"s3:prefix": ["a/*"]}})
    blind, seeing = user(every).client("s3"), user(every, listing).client("s3")
    for reader in (blind, seeing):
        assert reader.get_object(Bucket=bucket, Key="a/there")["Body"].read() == b"x"
    with pytest.raises(ClientError, match=f"AccessDenied.*not authorized to perform: s3:ListBucket on resource.*{own}"):
        blind.get_object(Bucket=bucket, Key="a/gone")
    with pytest.raises(seeing.exceptions.NoSuchKey):
        seeing.get_object(Bucket=bucket, Key="a/gone")
    with pytest.raises(ClientError, match="AccessDenied"):
        seeing.get_object(Bucket=bucket, Key="b/gone")


def test_an_action_without_resource_types_is_allowed_on_everything_or_not_at_all(embedded_aws) -> None:
    """Service Authorization Reference: forecast:CreateAutoPredictor, personalize:TagResource."""
    own, name, tags = arn("forecast", "*/own_*"), unique("own"), [{"Key": "project", "Value": "any"}]
    data = {"DatasetGroupArn": arn("forecast", "dataset-group/own_g")}
    asked = {"PredictorName": name, "ForecastHorizon": 3, "ForecastFrequency": "D", "DataConfig": data}
    narrow = client("forecast", user(statement("forecast:*", on=own)))
    refused(DENIED, narrow.create_auto_predictor, "forecast:CreateAutoPredictor on resource: *", **asked)
    tagged = {"StringEquals": {"aws:RequestTag/project": "any"}}
    able = client("forecast", user(statement("forecast:CreateAutoPredictor", Condition=tagged),
                                   statement("forecast:TagResource")))  # fmt: skip
    refused(DENIED, able.create_auto_predictor, "forecast:CreateAutoPredictor", **asked)
    with pytest.raises(ClientError) as missing:
        able.create_auto_predictor(**asked, Tags=tags)
    assert missing.value.response["Error"]["Code"] == "ResourceNotFoundException"
    group, create = arn("personalize", f"dataset-group/{name}"), statement("personalize:*DatasetGroup")
    params = {"name": name, "domain": "ECOMMERCE", "tags": [{"tagKey": "project", "tagValue": "any"}]}
    narrow = client("personalize", user(create, statement("personalize:TagResource", on=group)))
    refused(DENIED, narrow.create_dataset_group, "personalize:TagResource on resource: *", **params)
    able = client("personalize", user(create, statement("personalize:TagResource")))
    able.delete_dataset_group(datasetGroupArn=able.create_dataset_group(**params)["datasetGroupArn"])


def test_a_condition_key_that_an_action_does_not_support_is_absent(embedded_aws) -> None:
    """Forecast's create calls support aws:RequestTag, none of Personalize's does."""
    tagged = {"StringEquals": {"aws:RequestTag/project": "any"}}
    session = user(statement("forecast:*", "personalize:*", Condition=tagged), statement("personalize:TagResource"))
    forecast, name = client("forecast", session), unique("tagged")
    params = {"DatasetGroupName": name, "Domain": "CUSTOM"}
    refused(DENIED, forecast.create_dataset_group, "forecast:CreateDatasetGroup", **params)
    forecast.create_dataset_group(**params, Tags=[{"Key": "project", "Value": "any"}])
    refused(DENIED, client("personalize", session).create_dataset_group, "personalize:CreateDatasetGroup",
            name=name, domain="ECOMMERCE", tags=[{"tagKey": "project", "tagValue": "any"}])  # fmt: skip


def test_glue_asks_for_the_catalog_beside_a_database(embedded_aws) -> None:
    name, catalog = unique("database"), arn("glue", "catalog")
    boto3.client("glue").create_database(DatabaseInput={"Name": name})
    own = statement("glue:GetDatabase", "glue:DeleteDatabase", on=arn("glue", f"database/{name}"))
    with pytest.raises(ClientError, match="AccessDenied.*glue:GetDatabase"):
        user(own).client("glue").get_database(Name=name)  # nor on the catalog
    both = user(own, statement("glue:GetDatabase", "glue:DeleteDatabase", on=catalog)).client("glue")
    assert both.get_database(Name=name)["Database"]["Name"] == name
    both.delete_database(Name=name)


def test_athena_looks_at_the_default_database_before_any_query(embedded_aws) -> None:
    queries = statement("athena:StartQueryExecution", on=arn("athena", "workgroup/primary"))
    ask = {"QueryString": "SELECT 1", "WorkGroup": "primary"}
    with pytest.raises(ClientError, match="AccessDenied.*glue:GetDatabase"):
        user(queries).client("athena").start_query_execution(**ask)
    default = statement("glue:GetDatabase", on=[arn("glue", "database/default"), arn("glue", "catalog")])
    with pytest.raises(ClientError, match="No output location provided"):
        user(queries, default).client("athena").start_query_execution(**ask)
