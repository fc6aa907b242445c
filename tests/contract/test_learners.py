"""Two learners of a workshop: the roles that one may pass reach no file of the other."""

import boto3
import pandas as pd
import pytest
from botocore.exceptions import ClientError

from localaws.settings import Settings
from tests.contract.forecast_setup import SCHEMAS
from tests.contract.helpers import INTERACTIONS, ended, files, put_csv
from workshop.learner import Learner, prepare

MINE, OTHERS = "workshop/eve/", "workshop/ada/"
SALES = pd.DataFrame({"item": "milk", "day": pd.date_range("2026-01-01", periods=90), "sold": range(90)})


@pytest.fixture(scope="module")
def learners(embedded_aws: Settings) -> dict[str, Learner]:
    """ada, who has files, and eve, who would like them."""
    found = {name: prepare(name) for name in ("ada", "eve")}
    for prefix in (MINE, OTHERS):
        put_csv(found["ada"].settings["DATA_BUCKET"], f"{prefix}sales.csv", SALES)
    return found


@pytest.fixture(scope="module")
def eve(learners: dict[str, Learner]) -> boto3.Session:
    return boto3.Session(**{name.lower(): value for name, value in learners["eve"].credentials.items()})


@pytest.fixture(scope="module")
def dataset(eve: boto3.Session) -> str:
    kind, schema = SCHEMAS["target"]
    created = eve.client("forecast").create_dataset(
        DatasetName="lab_eve_sales", Domain="RETAIL", DatasetType=kind, DataFrequency="D", Schema=schema
    )
    return created["DatasetArn"]


def _import_sales(session: boto3.Session, dataset: str, name: str, path: str, role: str) -> str:
    return session.client("forecast").create_dataset_import_job(
        DatasetImportJobName=f"lab_eve_{name}",
        DatasetArn=dataset,
        TimestampFormat="yyyy-MM-dd",
        DataSource={"S3Config": {"Path": path, "RoleArn": role}},
    )["DatasetImportJobArn"]


@pytest.mark.parametrize("path", [f"{OTHERS}sales.csv", OTHERS, "workshop/"])
def test_forecast_imports_no_file_of_another_learner(
    learners: dict[str, Learner], eve: boto3.Session, dataset: str, path: str
) -> None:
    settings = learners["eve"].settings
    name = f"theirs{len(path)}"
    location = f"s3://{settings['DATA_BUCKET']}/{path}"
    with pytest.raises(ClientError, match="InvalidInputException.*Insufficient privileges.*not authorized"):
        _import_sales(eve, dataset, name, location, settings["FORECAST_ROLE_ARN"])


def test_forecast_exports_into_no_folder_of_another_learner(
    learners: dict[str, Learner], eve: boto3.Session, dataset: str, forecast
) -> None:
    settings, own = learners["eve"].settings, eve.client("forecast")
    path = f"s3://{settings['DATA_BUCKET']}/{MINE}sales.csv"
    job = _import_sales(eve, dataset, "mine", path, settings["FORECAST_ROLE_ARN"])
    assert ended(forecast.describe_dataset_import_job, DatasetImportJobArn=job)["Status"] == "ACTIVE"
    group = own.create_dataset_group(DatasetGroupName="lab_eve_sales", Domain="RETAIL", DatasetArns=[dataset])
    predictor = own.create_predictor(
        PredictorName="lab_eve_npts",
        AlgorithmArn="arn:aws:forecast:::algorithm/NPTS",
        InputDataConfig={"DatasetGroupArn": group["DatasetGroupArn"]},
        FeaturizationConfig={"ForecastFrequency": "D"},
        ForecastHorizon=7,
    )["PredictorArn"]
    assert ended(forecast.describe_predictor, PredictorArn=predictor)["Status"] == "ACTIVE"
    made = own.create_forecast(ForecastName="lab_eve_npts", PredictorArn=predictor)["ForecastArn"]
    assert ended(forecast.describe_forecast, ForecastArn=made)["Status"] == "ACTIVE"
    states = {}
    for name, folder in (("mine", MINE), ("theirs", OTHERS)):
        path = f"s3://{settings['RESULTS_BUCKET']}/{folder}export"
        export = own.create_forecast_export_job(
            ForecastExportJobName=f"lab_eve_{name}",
            ForecastArn=made,
            Destination={"S3Config": {"Path": path, "RoleArn": settings["FORECAST_ROLE_ARN"]}},
        )["ForecastExportJobArn"]
        found = ended(forecast.describe_forecast_export_job, ForecastExportJobArn=export)
        states[name] = found["Status"]
    assert states == {"mine": "ACTIVE", "theirs": "CREATE_FAILED"}
    assert files(settings["RESULTS_BUCKET"], OTHERS) == {}


def test_personalize_imports_no_file_of_another_learner(
    learners: dict[str, Learner], eve: boto3.Session, personalize
) -> None:
    settings, own = learners["eve"].settings, eve.client("personalize")
    group = own.create_dataset_group(name="lab_eve_shop", domain="ECOMMERCE")["datasetGroupArn"]
    ended(personalize.describe_dataset_group, "datasetGroup", datasetGroupArn=group)
    schema = own.create_schema(name="lab_eve_events", domain="ECOMMERCE", schema=INTERACTIONS)["schemaArn"]
    events = own.create_dataset(
        name="lab_eve_events", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
    )["datasetArn"]
    ended(personalize.describe_dataset, "dataset", datasetArn=events)
    with pytest.raises(ClientError, match="InvalidInputException.*Insufficient privileges"):
        own.create_dataset_import_job(
            jobName="lab_eve_theirs",
            datasetArn=events,
            dataSource={"dataLocation": f"s3://{settings['DATA_BUCKET']}/{OTHERS}sales.csv"},
            roleArn=settings["PERSONALIZE_ROLE_ARN"],
        )


def test_a_learner_passes_no_role_of_another(learners: dict[str, Learner], eve: boto3.Session, dataset: str) -> None:
    settings = learners["ada"].settings
    path = f"s3://{settings['DATA_BUCKET']}/{OTHERS}sales.csv"
    with pytest.raises(ClientError, match="iam:PassRole"):
        _import_sales(eve, dataset, "stolen", path, settings["FORECAST_ROLE_ARN"])
