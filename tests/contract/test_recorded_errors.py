"""The embedded AWS refuses with the codes and texts of the real services (recorded/errors.json)."""

import re
from collections.abc import Callable

import pandas as pd
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.contract.forecast_setup import (
    Group,
    create_dataset,
    import_ended,
    import_from,
    sample_group,
    single_predictor,
)
from tests.contract.helpers import attributes, ended, put_csv, unique
from tests.contract.personalize_setup import create_group, delete_group
from tests.recordings import message

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
