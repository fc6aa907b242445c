"""What an import refuses: each message names the file, the row, the column and the value."""

import boto3
import pandas as pd
import pytest

from tests.contract.clients import refused
from tests.contract.forecast_setup import create_dataset, import_ended, import_from
from tests.contract.helpers import attributes, ended, unique

GOOD = "milk,2024-01-01,5\nmilk,2024-01-02,6\n"


@pytest.fixture(scope="module")
def dataset(forecast) -> str:
    return create_dataset(forecast)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (GOOD + "bread,2024-01-01,many\n", ["row 3", "demand", "'many'", "float"]),
        (GOOD + "bread,01/02/2024,1\n", ["row 3", "timestamp", "'01/02/2024'", "%Y-%m-%d"]),
        (GOOD + "bread,2024-01-01,inf\nbread,2024-01-02,inf\n", ["row 3", "demand", "'inf'", "2 such rows"]),
        ("item_id,timestamp,demand\n" + GOOD, ["row 1", "header"]),
        ("milk,2024-01-01\n", ["row 1", "2 columns", "item_id, timestamp, demand"]),
        (GOOD + "bread,2024-01-01,1,extra\n", ["row 3", "4"]),
        (GOOD + "bread\n", ["row 3", "timestamp", "''"]),
        (GOOD + '"bread,2024-01-01,1\n', ["row 2", "inside string"]),
        ("", ["empty"]),
        (b"milk,2024-01-01,5\nm\xff,2024-01-02,6\n", ["row 2", "UTF-8"]),
    ],
    ids=["number", "timestamp", "infinite", "header", "columns", "long row", "short row", "quote", "empty", "encoding"],
)
def test_bad_csv_fails_the_import(forecast, dataset: str, bucket: str, forecast_role: str, body, words) -> None:
    key = f"bad/{unique('file')}.csv"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    found = import_ended(forecast, import_from(forecast, dataset, f"s3://{bucket}/{key}", forecast_role))
    assert found["Status"] == "CREATE_FAILED"
    for word in [f"s3://{bucket}/{key}", *words]:
        assert word in found["Message"], found["Message"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"item_id": ["a"], "timestamp": ["2024-01-01"]}, ["item_id, timestamp", "demand"]),
        ({"item_id": ["a"], "timestamp": ["2024/01/01"], "demand": [1.0]}, ["row 1", "timestamp", "'2024/01/01'"]),
        ({"item_id": ["a", "b"], "timestamp": ["2024-01-01"] * 2, "demand": ["1", "x"]}, ["row 2", "demand", "'x'"]),
        ({"item_id": [], "timestamp": [], "demand": []}, ["empty"]),
        (None, ["not a Parquet file"]),
    ],
    ids=["column", "timestamp", "number", "empty", "not parquet"],
)
def test_bad_parquet_fails_the_import(forecast, dataset: str, bucket: str, forecast_role: str, rows, words) -> None:
    path = f"s3://{bucket}/bad/{unique('file')}.parquet"
    body = GOOD.encode() if rows is None else pd.DataFrame(rows).to_parquet(index=False)
    boto3.client("s3").put_object(Bucket=bucket, Key=path.removeprefix(f"s3://{bucket}/"), Body=body)
    found = import_ended(forecast, import_from(forecast, dataset, path, forecast_role, Format="PARQUET"))
    assert found["Status"] == "CREATE_FAILED"
    for word in [path, *words]:
        assert word in found["Message"], found["Message"]


def test_parquet_is_imported_by_the_names_of_its_columns(forecast, bucket: str, forecast_role: str) -> None:
    dataset = create_dataset(forecast)
    rows = pd.DataFrame({"demand": [5, 7], "timestamp": pd.to_datetime(["2024-01-01", "2024-01-02"]), "item_id": "m"})
    boto3.client("s3").put_object(Bucket=bucket, Key="parquet/file.parquet", Body=rows.to_parquet(index=False))
    boto3.client("s3").put_object(Bucket=bucket, Key="parquet/other.csv", Body="not,for,us,at all")
    path = f"s3://{bucket}/parquet/"
    found = import_ended(forecast, import_from(forecast, dataset, path, forecast_role, Format="PARQUET"))
    assert (found["Status"], found["Format"]) == ("ACTIVE", "PARQUET")
    assert list(found["FieldStatistics"]) == ["item_id", "timestamp", "demand"]
    assert found["FieldStatistics"]["demand"]["Max"] == "7"
    assert found["FieldStatistics"]["timestamp"]["Max"] == "2024-01-02T00:00:00"


def test_a_failed_import_leaves_the_data_of_the_last_good_one(forecast, bucket: str, forecast_role: str) -> None:
    """A predictor trains on the good file although a bad one came later."""
    dataset, s3 = create_dataset(forecast), boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="kept/good.csv", Body=GOOD)
    s3.put_object(Bucket=bucket, Key="kept/bad.csv", Body=GOOD + "x")
    good = import_from(forecast, dataset, f"s3://{bucket}/kept/good.csv", forecast_role)
    assert import_ended(forecast, good)["Status"] == "ACTIVE"
    bad = import_from(forecast, dataset, f"s3://{bucket}/kept/bad.csv", forecast_role)
    assert import_ended(forecast, bad)["Status"] == "CREATE_FAILED"
    group = forecast.create_dataset_group(DatasetGroupName=unique("kept"), Domain="RETAIL", DatasetArns=[dataset])
    arn = forecast.create_predictor(
        PredictorName=unique("kept"),
        AlgorithmArn="arn:aws:forecast:::algorithm/NPTS",
        ForecastHorizon=1,
        InputDataConfig={"DatasetGroupArn": group["DatasetGroupArn"]},
        FeaturizationConfig={"ForecastFrequency": "D"},
    )["PredictorArn"]
    assert forecast.describe_predictor(PredictorArn=arn)["DatasetImportJobArns"] == [good]
    ended(forecast.describe_predictor, PredictorArn=arn)
    forecast.delete_resource_tree(ResourceArn=group["DatasetGroupArn"])


def test_a_path_without_files_is_named(forecast, dataset: str, bucket: str, forecast_role: str) -> None:
    found = import_ended(forecast, import_from(forecast, dataset, f"s3://{bucket}/nothing/here/", forecast_role))
    assert found["Status"] == "CREATE_FAILED"
    assert f"s3://{bucket}/nothing/here/" in found["Message"]


def test_an_import_that_cannot_start(forecast, dataset: str, bucket: str, forecast_role: str) -> None:
    path = f"s3://{bucket}/forecasting/sample/target/"
    for more, words in (({"TimestampFormat": "dd.MM.yyyy"}, ["TimestampFormat", "dd.MM.yyyy", "yyyy-MM-dd"]),):
        refused("InvalidInputException", lambda more=more: import_from(forecast, dataset, path, forecast_role, **more),
                *words)  # fmt: skip
    refused("ResourceNotFoundException", lambda: import_from(forecast, dataset + "x", path, forecast_role), dataset)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Schema": attributes(timestamp="timestamp", demand="float")}, ["RETAIL", "item_id"]),
        ({"Schema": attributes(item_id="string", timestamp="string", demand="float")}, ["timestamp", "string"]),
        ({"Schema": attributes(item_id="string", timestamp="timestamp", demand="string")}, ["demand", "float"]),
        ({"DataFrequency": "fortnight"}, ["fortnight"]),
        ({"DatasetType": "ITEM_METADATA"}, ["ITEM_METADATA", "string"]),
        ({"Domain": "METRICS"}, ["METRICS", "metric_name"]),
    ],
)
def test_a_dataset_that_breaks_its_domain(forecast, changes: dict, words: list[str]) -> None:
    schema = attributes(item_id="string", timestamp="timestamp", demand="float")
    good = {"DatasetName": unique("bad"), "Domain": "RETAIL", "DatasetType": "TARGET_TIME_SERIES", "Schema": schema}
    refused("InvalidInputException", forecast.create_dataset, *words, **{**good, "DataFrequency": "D", **changes})


def test_a_group_takes_one_dataset_of_each_type_and_of_its_domain(forecast, dataset: str) -> None:
    create, other = forecast.create_dataset_group, create_dataset(forecast)
    both = {"DatasetGroupName": unique("both"), "DatasetArns": [dataset, other]}
    refused("InvalidInputException", create, "one dataset of each type", Domain="RETAIL", **both)
    alone = {"DatasetGroupName": unique("alone"), "DatasetArns": [dataset]}
    refused("InvalidInputException", create, "METRICS", Domain="METRICS", **alone)
    group = create(Domain="RETAIL", **alone)["DatasetGroupArn"]
    refused("ResourceAlreadyExistsException", create, group, Domain="RETAIL", **alone)
    forecast.update_dataset_group(DatasetGroupArn=group, DatasetArns=[other])
    assert forecast.describe_dataset_group(DatasetGroupArn=group)["DatasetArns"] == [other]
    forecast.delete_dataset_group(DatasetGroupArn=group)


def test_predictors_that_cannot_start(forecast, dataset: str) -> None:
    empty = forecast.create_dataset_group(DatasetGroupName=unique("empty"), Domain="RETAIL")["DatasetGroupArn"]
    good = {"PredictorName": unique("none"), "ForecastHorizon": 14}
    auto = {**good, "ForecastFrequency": "D", "DataConfig": {"DatasetGroupArn": empty}}
    create = forecast.create_auto_predictor
    refused("InvalidInputException", create, "TARGET_TIME_SERIES", "imported", **auto)
    refused("InvalidInputException", create, "ForecastFrequency", **good, DataConfig={"DatasetGroupArn": empty})
    six = [f"0.{digit}" for digit in range(1, 7)]
    refused("InvalidInputException", create, "five", **auto, ForecastTypes=six)
    single = {**good, "InputDataConfig": {"DatasetGroupArn": empty}, "FeaturizationConfig": {"ForecastFrequency": "D"}}
    create = forecast.create_predictor
    refused("InvalidInputException", create, "AlgorithmArn", **single)
    refused("InvalidInputException", create, "XGBoost", "algorithm/ETS", **single,
            AlgorithmArn="arn:aws:forecast:::algorithm/XGBoost")  # fmt: skip
    forecast.delete_dataset_group(DatasetGroupArn=empty)
