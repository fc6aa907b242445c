"""The embedded AWS refuses with the codes and texts of the real services (recorded/errors.json)."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import boto3
import pandas as pd
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from localaws.faults import Fault, write
from localaws.settings import Settings
from tests.contract.forecast_setup import (
    Group,
    create_dataset,
    import_ended,
    import_from,
    sample_group,
    single_predictor,
)
from tests.contract.helpers import (
    ACCOUNT,
    attributes,
    ended,
    policy,
    put_csv,
    role,
    statement,
    unique,
    whole_bucket,
)
from tests.contract.personalize_setup import create_group, delete_group
from tests.contract.personalize_setup import import_from as personalize_import
from tests.recordings import FOLDER, message

TESTS = Path(__file__).parents[1]
ALGORITHM = "arn:aws:forecast:::algorithm/"


def about(text: str) -> str:
    """A text without what differs: the names in ARNs, and values in quotes."""
    text = re.sub(r"arn:aws:(\w+):[\w-]+:\d{12}:([\w-]+)[\w/-]*", r"arn:\1:\2", text)
    return re.sub(r"(Value )'[^']*'", r"\1'...'", text)


def refusal(call: Callable[..., object], **params) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**params)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def group(forecast, bucket: str, forecast_role: str) -> Group:
    return sample_group(forecast, bucket, forecast_role, ("target",))


@pytest.fixture(scope="module")
def trained(forecast, group: Group) -> str:
    arn = single_predictor(forecast, group, "NPTS")
    assert ended(forecast.describe_predictor, PredictorArn=arn)["Status"] == "ACTIVE"
    return arn


def _predictor(group: Group, **changes) -> dict:
    return {
        "PredictorName": unique("refused"),
        "AlgorithmArn": f"{ALGORITHM}NPTS",
        "ForecastHorizon": 14,
        "InputDataConfig": {"DatasetGroupArn": group.arn},
        "FeaturizationConfig": {"ForecastFrequency": "D"},
    } | changes


def test_a_predictor_with_a_bad_name(forecast, group) -> None:
    code, text = refusal(forecast.create_predictor, **_predictor(group, PredictorName="compare_CNN-QR_algo"))
    expected = message("forecast", "CreatePredictor", "ValidationException", "predictorName")
    assert (code, about(text)) == ("ValidationException", about(expected))


@pytest.mark.parametrize("name", ["CNN", "LightGBM"])
def test_a_predictor_of_an_unknown_algorithm(forecast, group, name: str) -> None:
    code, text = refusal(forecast.create_predictor, **_predictor(group, AlgorithmArn=f"{ALGORITHM}{name}"))
    expected = message("forecast", "CreatePredictor", "InvalidInputException", "Invalid Algorithm ARN")
    assert (code, text) == ("InvalidInputException", expected.replace(f"{ALGORITHM}CNN.", f"{ALGORITHM}{name}."))


def test_a_predictor_whose_related_series_are_texts(forecast, bucket: str, forecast_role: str) -> None:
    schema = attributes(item_id="string", timestamp="timestamp", price="float", day_hour_name="string")
    related = create_dataset(forecast, "related", Schema=schema)
    group = sample_group(forecast, bucket, forecast_role, ("target",))
    rows = pd.DataFrame({"item": ["milk"], "time": ["2024-01-01"], "price": [1.5], "day": ["Monday_0"]})
    job = import_from(forecast, related, put_csv(bucket, "texts/related.csv", rows), forecast_role)
    assert import_ended(forecast, job)["Status"] == "ACTIVE"
    arns = [*group.datasets.values(), related]
    forecast.update_dataset_group(DatasetGroupArn=group.arn, DatasetArns=arns)
    expected = message("forecast", "CreatePredictor", "InvalidInputException", "RELATED_TIME_SERIES")
    assert refusal(forecast.create_predictor, **_predictor(group)) == ("InvalidInputException", expected)
    automatic = {"PredictorName": unique("auto"), "ForecastHorizon": 14, "ForecastFrequency": "D"}
    refused = refusal(forecast.create_auto_predictor, **automatic, DataConfig={"DatasetGroupArn": group.arn})
    assert refused == ("InvalidInputException", expected)


def test_names_that_exist(forecast, group, trained: str, bucket: str, forecast_role: str) -> None:
    name = trained.rpartition("/")[2]
    code, text = refusal(forecast.create_predictor, **_predictor(group, PredictorName=name))
    expected = message("forecast", "CreatePredictor", "ResourceAlreadyExistsException", "already exists")
    assert (code, about(text)) == ("ResourceAlreadyExistsException", about(expected)) and trained in text
    made = forecast.create_forecast(ForecastName=unique("exported"), PredictorArn=trained)["ForecastArn"]
    assert ended(forecast.describe_forecast, ForecastArn=made)["Status"] == "ACTIVE"
    export = {
        "ForecastExportJobName": unique("export"),
        "ForecastArn": made,
        "Destination": {"S3Config": {"Path": f"s3://{bucket}/{unique('twice')}/", "RoleArn": forecast_role}},
    }
    forecast.create_forecast_export_job(**export)
    code, text = refusal(forecast.create_forecast_export_job, **export)
    expected = message("forecast", "CreateForecastExportJob", "ResourceAlreadyExistsException", "already exists")
    assert (code, about(text)) == ("ResourceAlreadyExistsException", about(expected))


def test_what_others_refer_to_cannot_be_deleted(forecast, group, trained: str) -> None:
    (job,), (dataset,) = group.imports.values(), group.datasets.values()
    code, text = refusal(forecast.delete_dataset_import_job, DatasetImportJobArn=job)
    expected = message("forecast", "DeleteDatasetImportJob", "ResourceInUseException", "referenced")
    assert (code, about(text)) == ("ResourceInUseException", about(expected).replace(", arn:forecast:predictor", ""))
    assert job in text and trained in text
    code, text = refusal(forecast.delete_dataset, DatasetArn=dataset)
    expected = message("forecast", "DeleteDataset", "ResourceInUseException", "referenced")
    assert (code, about(text)) == ("ResourceInUseException", about(expected))


NOWHERE = "arn:aws:personalize:us-east-1:000000000000"


@pytest.mark.parametrize(
    ("operation", "member", "arn"),
    [
        ("DeleteDatasetGroup", "datasetGroupArn", f"{NOWHERE}:dataset-group/none"),
        ("DescribeSolution", "solutionArn", f"{NOWHERE}:solution/none"),
        ("CreateEventTracker", "datasetGroupArn", f"{NOWHERE}:dataset-group/none"),
    ],
)
def test_what_personalize_does_not_have(personalize, operation: str, member: str, arn: str) -> None:
    call = getattr(personalize, xform_name(operation))
    code, text = refusal(call, **{member: arn}, **({"name": "t"} if operation == "CreateEventTracker" else {}))
    expected = message("personalize", operation, "ResourceNotFoundException", "does not exist")
    assert (code, about(text)) == ("ResourceNotFoundException", about(expected)) and arn in text


def test_a_campaign_that_is_not_there(runtime) -> None:
    arn = f"{NOWHERE}:campaign/none"
    code, text = refusal(runtime.get_recommendations, campaignArn=arn, userId="u")
    expected = message("personalize-runtime", "GetRecommendations", "InvalidInputException", "active yet")
    assert (code, about(text)) == ("InvalidInputException", about(expected))


def test_a_campaign_of_the_arn_of_a_solution(personalize) -> None:
    asked = {"name": "c", "solutionVersionArn": f"{NOWHERE}:solution/mine"}
    assert refusal(personalize.create_campaign, **asked)[0] == "ResourceNotFoundException"


def test_a_hyperparameter_of_another_algorithm_and_a_name_that_exists(personalize) -> None:
    group = create_group(personalize, (), domain=None)
    solution = {
        "name": unique("tuned"),
        "datasetGroupArn": group.arn,
        "recipeArn": "arn:aws:personalize:::recipe/aws-similar-items",
        "performAutoTraining": False,
        "solutionConfig": {"algorithmHyperParameters": {"bptt": "3"}},
    }
    expected = message("personalize", "CreateSolution", "InvalidInputException", "hyperparameter")
    assert refusal(personalize.create_solution, **solution) == ("InvalidInputException", expected)
    code, text = refusal(personalize.create_dataset_group, name=group.arn.rpartition("/")[2])
    expected = message("personalize", "CreateDatasetGroup", "ResourceAlreadyExistsException", "already exists")
    assert (code, about(text)) == ("ResourceAlreadyExistsException", about(expected))
    delete_group(personalize, group)


def test_a_predictor_without_complete_data_in_its_window(forecast, bucket: str, forecast_role: str) -> None:
    """Every other day is missing of each item, and stays so: nothing fills it."""
    group = sample_group(forecast, bucket, forecast_role, ())
    days = pd.date_range("2020-09-01", "2020-11-23")
    rows = pd.concat(
        pd.DataFrame({"item": item, "day": days[first::2], "sold": 5.0}) for first, item in enumerate(("a", "b"))
    )
    dataset = create_dataset(forecast)
    job = import_from(forecast, dataset, put_csv(bucket, "gaps/target.csv", rows), forecast_role)
    assert import_ended(forecast, job)["Status"] == "ACTIVE"
    forecast.update_dataset_group(DatasetGroupArn=group.arn, DatasetArns=[dataset])
    unfilled = {"frontfill": "none", "middlefill": "nan", "backfill": "nan", "aggregation": "sum"}
    pipeline = [{"FeaturizationMethodName": "filling", "FeaturizationMethodParameters": unfilled}]
    features = {
        "ForecastFrequency": "D",
        "Featurizations": [{"AttributeName": "demand", "FeaturizationPipeline": pipeline}],
    }
    asked = _predictor(group, AlgorithmArn=f"{ALGORITHM}NPTS", FeaturizationConfig=features, ForecastHorizon=7)
    predictor = forecast.create_predictor(**asked)["PredictorArn"]
    found = ended(forecast.describe_predictor, PredictorArn=predictor)
    expected = message("forecast", "ListPredictors", "(Message, status CREATE_FAILED)", "evaluation window")
    assert (found["Status"], found["Message"]) == ("CREATE_FAILED", expected)
    of_group = [{"Key": "DatasetGroupArn", "Value": group.arn, "Condition": "IS"}]
    [listed] = forecast.list_predictors(Filters=of_group)["Predictors"]
    assert listed["Message"] == expected


def test_a_role_of_another_account(personalize) -> None:
    other = "arn:aws:iam::111122223333:role/theirs"
    expected = message("personalize", "CreateDatasetGroup", "AccessDeniedException", "Cross-account")
    asked = {"name": unique("crossed"), "roleArn": other, "kmsKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"}
    assert refusal(personalize.create_dataset_group, **asked) == ("AccessDeniedException", expected)


def test_more_imports_filters_and_schemas_than_there_may_be(
    embedded_aws: Settings, personalize, bucket: str, personalize_role: str
) -> None:
    group = create_group(personalize, ("Users",))
    write(embedded_aws.faults, [Fault("job:personalize:DatasetImportJob", containing="many", delay=1.0)])
    asked = {
        "datasetArn": group.datasets["Users"],
        "roleArn": personalize_role,
        "dataSource": {"dataLocation": f"s3://{bucket}/recommending/sample/users/"},
    }
    try:
        jobs = [
            personalize.create_dataset_import_job(jobName=unique("many"), **asked)["datasetImportJobArn"]
            for _ in range(5)
        ]
        expected = message("personalize", "CreateDatasetImportJob", "LimitExceededException", "More than 5")
        refused_import = refusal(personalize.create_dataset_import_job, jobName=unique("many"), **asked)
        assert refused_import == ("LimitExceededException", expected)
    finally:
        write(embedded_aws.faults, [])
    for job in jobs:
        ended(personalize.describe_dataset_import_job, "datasetImportJob", datasetImportJobArn=job)
    expression = 'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("View")'
    interactions = create_group(personalize, ("Interactions",))
    filters = {"datasetGroupArn": interactions.arn, "filterExpression": expression}
    for _ in range(30):
        personalize.create_filter(name=unique("filter"), **filters)
    expected = message("personalize", "CreateFilter", "LimitExceededException", "ACTIVE state").replace("10", "30")
    assert refusal(personalize.create_filter, name="more", **filters) == ("LimitExceededException", expected)
    schema = personalize.describe_schema(schemaArn=group.schemas["Users"])["schema"]
    again = {"name": schema["name"], "schema": schema["schema"], "domain": "ECOMMERCE"}
    code, text = refusal(personalize.create_schema, **again)
    expected = message("personalize", "CreateSchema", "ResourceAlreadyExistsException", "already exists")
    assert (code, about(text)) == ("ResourceAlreadyExistsException", about(expected))
    for each in (group, interactions):
        delete_group(personalize, each)


def test_an_import_of_a_bucket_whose_policy_lets_personalize_list_alone(personalize, sample) -> None:
    s3, name = boto3.client("s3"), unique("listed").replace("_", "-")
    s3.create_bucket(Bucket=name)
    service = {"Principal": {"Service": "personalize.amazonaws.com"}}
    s3.put_bucket_policy(Bucket=name, Policy=policy(statement("s3:ListBucket", on=whole_bucket(name), **service)))
    s3.put_object(Bucket=name, Key="users.csv", Body=(sample / "recommending/sample/users/users.csv").read_bytes())
    group = create_group(personalize, ("Users",))
    able = role("personalize", statement("s3:GetObject", "s3:ListBucket", on=whole_bucket(name)))
    job = personalize_import(personalize, group.datasets["Users"], f"s3://{name}/users.csv", able)
    expected = message("personalize", "CreateDatasetImportJob", None, "Insufficient privileges")
    start, _, end = expected.replace("<dataset type>", "USERS").partition("...")
    assert job["status"] == "CREATE FAILED"
    assert job["failureReason"].startswith(start) and end.strip(".") in job["failureReason"]
    location = {"dataSource": {"dataLocation": "https://bucket/users.csv"}, "roleArn": able}
    asked = {"jobName": "nowhere", "datasetArn": group.datasets["Users"], **location}
    code, text = refusal(personalize.create_dataset_import_job, **asked)
    expected = message("personalize", "CreateDatasetImportJob", None, "Invalid Data")
    assert code == "InvalidInputException" and text.startswith(expected)
    delete_group(personalize, group)


# By operation and a word of the text, the tests of the errors that are not tested above; and why one cannot occur here.
ELSEWHERE = {
    ("CreateDatasetImportJob", "Insufficient privileges for accessing data in S3"): (
        "contract/test_access.py::test_personalize_needs_the_bucket_policy_too"
    ),
    ("CreateDatasetImportJob", "missing the following columns"): (
        "contract/test_personalize_import.py::test_bad_csv_fails_the_import"
    ),
    ("CreateSolutionVersion", "fewer than 25 users"): (
        "unit/engines/recommending/test_events.py::test_minimums_use_the_services_words"
    ),
    ("CreateCampaign", "More than 5 resources"): ("contract/test_personalize_solutions.py::test_what_cannot_be_made"),
    ("CreateRecommender", "after filtering by event type"): (
        "contract/test_personalize_video.py::test_a_group_that_lacks_what_a_recipe_needs"
    ),
    ("CreateBatchInferenceJob", ""): "contract/test_personalize_batch.py::test_jobs_that_cannot_be_made",
    ("CreateFilter", "Invalid input symbol"): (
        "unit/localaws/test_personalize_filter_grammar.py::test_a_malformed_filter_says_where_and_what"
    ),
    ("CreateFilter", "Invalid Expression"): ("contract/test_personalize_filters.py::test_filters_that_cannot_be_made"),
    ("StartNotebookInstance", ""): (
        "contract/test_sagemaker.py::test_a_notebook_is_stopped_by_the_clock_changed_and_started_and_keeps_its_files"
    ),
    ("StopNotebookInstance", ""): (
        "contract/test_sagemaker.py::test_a_notebook_is_stopped_by_the_clock_changed_and_started_and_keeps_its_files"
    ),
}
NOT_HERE = {
    ("ListPredictors", "VPC endpoint policy"): "there are no VPC endpoints here",
    ("DescribeNotebookInstance", "capacity"): "an instance is a process of this machine",
}


def test_every_recorded_error_has_a_test_or_a_reason() -> None:
    here = Path(__file__).read_text()
    for each in json.loads((FOLDER / "errors.json").read_text()):
        operation, text = each["operation"], each["message"] or ""
        fitting = [key for key in (*ELSEWHERE, *NOT_HERE) if key[0] == operation and key[1] in text]
        for file, _, test in (ELSEWHERE[key].partition("::") for key in fitting if key in ELSEWHERE):
            assert f"def {test}(" in (TESTS / file).read_text(), (file, test)
        assert fitting or f'"{operation}"' in here or xform_name(operation) in here, each
