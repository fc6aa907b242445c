"""Requests that break the service model, and operations that are not built: the error says which member, and what."""

import boto3
import pytest
from botocore.config import Config

from localaws.settings import Settings
from tests.contract.clients import OURS, client, client_sending, refused

GROUP = "arn:aws:forecast:us-east-1:000000000000:dataset-group/none"
PERSONALIZE_GROUP = "arn:aws:personalize:us-east-1:000000000000:dataset-group/none"
RULES = {
    "required": ("forecast", "create_dataset_group", {"Domain": "RETAIL"}, ["datasetGroupName", "not be null"]),
    "deep": (
        "forecast",
        "create_auto_predictor",
        {"PredictorName": "p", "DataConfig": {"AttributeConfigs": [{"AttributeName": "price"}]}},
        ["'dataConfig.datasetGroupArn'", "'dataConfig.attributeConfigs.1.member.transformations'"],
    ),
    "type": (
        "forecast",
        "create_auto_predictor",
        {"PredictorName": "p", "ForecastHorizon": "14"},
        ["forecastHorizon", "integer", "'14'"],
    ),
    "boolean": (
        "forecast",
        "create_auto_predictor",
        {"PredictorName": "p", "ForecastHorizon": True},
        ["forecastHorizon", "integer"],
    ),
    "structure": ("forecast", "create_predictor", {"InputDataConfig": []}, ["inputDataConfig", "structure"]),
    "list": (
        "forecast",
        "update_dataset_group",
        {"DatasetGroupArn": GROUP, "DatasetArns": "x"},
        ["datasetArns", "list"],
    ),
    "length": (
        "forecast",
        "create_dataset_group",
        {"DatasetGroupName": "g" * 64, "Domain": "RETAIL"},
        ["datasetGroupName", "less than or equal to 63"],
    ),
    "pattern": (
        "forecast",
        "create_dataset_group",
        {"DatasetGroupName": "1-group", "Domain": "RETAIL"},
        ["'1-group'", "datasetGroupName", "^[a-zA-Z][a-zA-Z0-9_]*"],
    ),
    "enum": (
        "forecast",
        "create_dataset_group",
        {"DatasetGroupName": "g", "Domain": "GROCERY"},
        ["'GROCERY'", "domain", "RETAIL"],
    ),
    "range": ("forecast", "list_forecasts", {"MaxResults": 101}, ["maxResults", "less than or equal to 100"]),
    "unknown": ("forecast", "describe_dataset_group", {"DatasetGroupArn": GROUP, "Verbose": 1}, ["verbose"]),
    "query": ("forecastquery", "query_forecast", {"ForecastArn": GROUP}, ["filters", "not be null"]),
    "query pattern": ("forecastquery", "query_forecast", {"ForecastArn": "f", "Filters": {}}, ["forecastArn", "'f'"]),
    "name": ("personalize", "create_dataset_group", {"name": "a b", "domain": "ECOMMERCE"}, ["name", "'a b'"]),
    "schema": ("personalize", "create_schema", {"name": "s"}, ["schema", "not be null"]),
    "rate": (
        "personalize",
        "create_recommender",
        {
            "name": "r",
            "datasetGroupArn": PERSONALIZE_GROUP,
            "recipeArn": "arn:aws:personalize:::recipe/aws-ecomm-popular-items-by-views",
            "recommenderConfig": {"minRecommendationRequestsPerSecond": 0},
        },
        ["recommenderConfig.minRecommendationRequestsPerSecond", "greater than or equal to 1"],
    ),
    "runtime": ("personalize-runtime", "get_recommendations", {"numResults": -1}, ["numResults", "equal to 0"]),
    "instance": ("sagemaker", "create_notebook_instance", {"InstanceType": "ml.t3.medium"}, ["notebookInstanceName"]),
    "script": (
        "sagemaker",
        "create_notebook_instance_lifecycle_config",
        {"NotebookInstanceLifecycleConfigName": "n", "OnStart": [{}]},
        ["OnStart", "Content"],
    ),
    "volume": (
        "sagemaker",
        "create_notebook_instance",
        {"NotebookInstanceName": "n", "InstanceType": "ml.t3.medium", "RoleArn": "x" * 20, "VolumeSizeInGB": 4},
        ["volumeSizeInGB", "equal to 5", "roleArn"],
    ),
}


@pytest.mark.parametrize(("service", "operation", "params", "words"), RULES.values(), ids=RULES)
def test_wrong_input_names_the_member(
    embedded_aws: Settings, service: str, operation: str, params: dict, words
) -> None:
    code = "ValidationException" if service in ("forecast", "sagemaker") else "InvalidInputException"
    refused(code, getattr(client_sending(service, params), operation), *words)


# Bodies that no client of AWS sends: what is behind them must not fail on them.
UNREADABLE = {
    "deep": (b'{"Name": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "nested more than"),
    "deeper than any model": (b'{"Name": ' + b"[" * 150 + b"]" * 150 + b"}", "nested more than"),
    "half a character": (b'{"Name": "\\ud83d"}', "not JSON"),
    "a number of 5,000 digits": (b"1" * 5_000, "not JSON"),
    "not UTF-8": (b"\xff\xfe", "not JSON"),
}


@pytest.mark.parametrize("body", UNREADABLE)
@pytest.mark.parametrize(("service", "operation"), [("forecast", "list_datasets"), ("dynamodb", "list_tables")])
def test_a_body_that_is_no_json_of_aws_is_refused(
    embedded_aws: Settings, service: str, operation: str, body: str
) -> None:
    sent, words = UNREADABLE[body]
    made = boto3.client(service, config=Config(retries={"total_max_attempts": 1}))
    made.meta.events.register("before-call", lambda params, **_: params.update(body=sent))
    refused("SerializationException", getattr(made, operation), words)


TYPES = {
    "a list": ("dynamodb", "delete_table", {"TableName": ["t"]}, 'TableName is ["t"], not a string'),
    "within": ("glue", "batch_create_partition", {"DatabaseName": "d", "TableName": "t", "PartitionInputList": ["p"]},
               'PartitionInputList[0] is "p", not a structure'),
    "required": ("kms", "verify", {"KeyId": "k"}, "the body lacks Message"),
    "blob": ("kms", "decrypt", {"CiphertextBlob": "no base64"}, "CiphertextBlob is"),
    "path": ("lambda", "create_event_source_mapping", {"FunctionName": {}}, "FunctionName is {}, not a string"),
    "tag": ("events", "create_event_bus", {"Name": "b", "Tags": [{}]}, "Tags[0] lacks Key"),
    "empty tag": ("athena", "create_data_catalog", {"Name": "c", "Type": "GLUE", "Tags": [{}]}, "Tags[0] is a tag"),
}  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "params", "words"), TYPES.values(), ids=TYPES)
def test_a_service_of_the_emulator_gets_no_type_that_its_model_lacks(
    embedded_aws: Settings, service: str, operation: str, params: dict, words: str
) -> None:
    refused("SerializationException", getattr(client_sending(service, params), operation), words, **_in_path(service))


def _in_path(service: str) -> dict[str, str]:
    return {"FunctionName": "f"} if service == "lambda" else {}


def test_a_null_is_a_member_that_is_absent(embedded_aws: Settings) -> None:
    made = client_sending("dynamodb", {"Limit": None, "ExclusiveStartTableName": None})
    assert "TableNames" in made.list_tables()


def test_a_form_with_a_character_that_xml_does_not_allow_is_refused(embedded_aws: Settings) -> None:
    refused("ValidationError", boto3.client("cloudformation").describe_stacks, "XML does not allow", StackName="a\0b")


UNBUILT = {
    "personalize-runtime": [("get_action_recommendations", {"userId": "u"})],
    "personalize-events": [("put_actions", {"datasetArn": PERSONALIZE_GROUP, "actions": [{"actionId": "a"}]})],
    "sagemaker": [("list_models", {})],
}  # fmt: skip


@pytest.mark.parametrize(
    ("service", "operation", "params"), [(service, *call) for service, calls in UNBUILT.items() for call in calls]
)
def test_an_unbuilt_operation_says_so(embedded_aws: Settings, service: str, operation: str, params: dict) -> None:
    name = client(service).meta.method_to_api_mapping[operation]
    refused("UnsupportedOperation", getattr(client(service), operation), name, "not built", **params)


def test_every_service_answers_at_the_endpoint(embedded_aws: Settings) -> None:
    assert {boto3.client(name).meta.endpoint_url for name in OURS} == {embedded_aws.endpoint}
