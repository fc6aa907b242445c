"""Who may do what: users and roles without a right are refused, with the action and the resource in the message."""

from functools import partial

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract.clients import client, refused
from tests.contract.forecast_setup import create_dataset, import_ended, import_from, sample_group, single_predictor
from tests.contract.helpers import ACCOUNT, ended, role, statement, unique, user, whole_bucket
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


def test_an_import_under_a_role_that_may_not_be_assumed_is_refused(forecast, bucket: str) -> None:
    rights = statement("s3:*", on=whole_bucket(bucket))
    dataset, path = create_dataset(forecast), f"s3://{bucket}/forecasting/sample/target/"
    for distrusted in (
        role("personalize", rights),
        role("forecast", rights, source_account="111122223333"),
        f"arn:aws:iam::{ACCOUNT}:role/does-not-exist",
    ):
        words = ("sts:AssumeRole", distrusted, "forecast.amazonaws.com")
        refused("InvalidInputException", lambda by=distrusted: import_from(forecast, dataset, path, by), *words)


def _narrow(service: str, bucket: str, lacking: str, prefix: str | None = None) -> str:
    """A role with what the guides grant on a bucket but one action; with `prefix`, lists of that prefix alone."""
    granted = {"s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject"} - {lacking}
    limited = {"Condition": {"StringLike": {"s3:prefix": [prefix]}}} if prefix else {}
    listing = [statement("s3:ListBucket", on=whole_bucket(bucket), **limited)] if prefix else []
    return role(service, statement(*sorted(granted), on=whole_bucket(bucket)), *listing)


@pytest.mark.parametrize(
    ("lacking", "prefix"),
    [("s3:GetBucketLocation", None), ("s3:GetObject", None), ("s3:ListBucket", None), ("s3:ListBucket", "forec*")],
)
def test_forecast_refuses_an_import_that_its_role_is_too_narrow_for(
    forecast, bucket: str, lacking: str, prefix: str | None
) -> None:
    """docs/aws-sources.md#forecast-aws-forecast-iam-roles grants Get*, List* and PutObject on the bucket and on its
    objects."""
    dataset, narrow = create_dataset(forecast), _narrow("forecast", bucket, lacking, prefix)
    for path in ("forecasting/sample/target/", "forecasting/sample/target/target.csv"):
        words = ("Insufficient privileges", lacking, narrow.rpartition("/")[2])
        importing = partial(import_from, forecast, dataset, f"s3://{bucket}/{path}", narrow)
        refused("InvalidInputException", importing, *words)
    assert forecast.list_dataset_import_jobs(Filters=_of(dataset))["DatasetImportJobs"] == []


def _of(dataset: str) -> list[dict[str, str]]:
    return [{"Key": "DatasetArn", "Value": dataset, "Condition": "IS"}]


def test_forecast_refuses_an_import_of_nothing(forecast, bucket: str, forecast_role: str) -> None:
    """The text of github.com/aws-samples/amazon-forecast-samples/issues/77."""
    dataset = create_dataset(forecast)
    for path in (f"s3://{bucket}/nothing/", f"s3://{bucket}/nothing.csv"):
        importing = partial(import_from, forecast, dataset, path, forecast_role)
        assert refused("InvalidInputException", importing) == (
            f"No objects found in s3 path {path}, please ensure the path is specified correctly."
        )


@pytest.fixture(scope="module")
def predictor(forecast, bucket: str, forecast_role: str) -> str:
    group = sample_group(forecast, bucket, forecast_role, ("target",))
    arn = single_predictor(forecast, group, "NPTS")
    assert ended(forecast.describe_predictor, PredictorArn=arn)["Status"] == "ACTIVE"
    return arn


@pytest.mark.parametrize("lacking", ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject"])
def test_an_export_fails_whose_role_is_too_narrow(forecast, predictor: str, bucket: str, lacking: str) -> None:
    narrow, folder = _narrow("forecast", bucket, lacking), f"s3://{bucket}/{unique('narrow')}"
    job = forecast.create_predictor_backtest_export_job(
        PredictorBacktestExportJobName=unique("export"),
        PredictorArn=predictor,
        Destination={"S3Config": {"Path": folder, "RoleArn": narrow}},
    )["PredictorBacktestExportJobArn"]
    found = ended(forecast.describe_predictor_backtest_export_job, PredictorBacktestExportJobArn=job)
    assert found["Status"] == "CREATE_FAILED"
    for word in ("Insufficient privileges", lacking, narrow):
        assert word in found["Message"], found["Message"]


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
    for lacking in ("s3:GetObject", "s3:ListBucket"):  # docs/aws-sources.md#personalize-granting-personalize-s3-access
        unable = _narrow("personalize", bucket, lacking)
        for path in (open_items, open_items + "items.csv"):
            importing = partial(personalize_import, personalize, items, path, unable)
            assert refused("InvalidInputException", importing) == refusal
    job = personalize_import(personalize, group.datasets["Items"], open_items, both)
    assert job["status"] == "ACTIVE"
    delete_group(personalize, group)


@pytest.mark.parametrize("key", ["test", "123456789012"])
def test_well_known_keys_are_nobodys(embedded_aws, key: str) -> None:
    intruder = boto3.client("forecast", aws_access_key_id=key, aws_secret_access_key="test")
    with pytest.raises(ClientError) as error:
        intruder.list_datasets()
    assert error.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_only_those_who_may_list_a_bucket_learn_that_a_key_is_missing(embedded_aws) -> None:
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
    made = able.create_dataset_group(**params)["datasetGroupArn"]
    ended(able.describe_dataset_group, "datasetGroup", datasetGroupArn=made)
    able.delete_dataset_group(datasetGroupArn=made)


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


def test_athena_asks_for_the_default_database_before_any_query(embedded_aws) -> None:
    queries = statement("athena:StartQueryExecution", on=arn("athena", "workgroup/primary"))
    ask = {"QueryString": "SELECT 1", "WorkGroup": "primary"}
    with pytest.raises(ClientError, match="AccessDenied.*glue:GetDatabase"):
        user(queries).client("athena").start_query_execution(**ask)
    default = statement("glue:GetDatabase", on=[arn("glue", "database/default"), arn("glue", "catalog")])
    with pytest.raises(ClientError, match="No output location provided"):
        user(queries, default).client("athena").start_query_execution(**ask)
