"""Amazon Forecast from a trained predictor to the answer of one item, and the deletion of it all."""

import io
import re
from importlib.util import find_spec
from types import SimpleNamespace

import boto3
import pandas as pd
import pytest

from localaws.settings import Settings
from storecast_engines.forecasting import NEURAL
from tests.contract.clients import refused
from tests.contract.forecast_setup import auto_predictor, sample_group, single_predictor
from tests.contract.helpers import ended, exported_rows, files, gone, logged, unique

ITEMS, HORIZON, TYPES = 12, 14, ["0.05", "0.5", "0.95", "mean"]


@pytest.fixture(scope="module")
def trained(forecast, bucket: str, forecast_role: str) -> SimpleNamespace:
    """One group of the sample with an AutoPredictor, an ETS and an NPTS predictor, and a forecast."""
    group = sample_group(forecast, bucket, forecast_role)
    auto = auto_predictor(forecast, group, ForecastTypes=["0.1", "0.5", "0.9"])
    windows = {"EvaluationParameters": {"NumberOfBacktestWindows": 2, "BackTestWindowOffset": 20}}
    ets, npts = single_predictor(forecast, group, "ETS"), single_predictor(forecast, group, "NPTS", **windows)
    for describe, arn in (
        (forecast.describe_auto_predictor, auto),
        (forecast.describe_predictor, ets),
        (forecast.describe_predictor, npts),
    ):
        found = ended(describe, PredictorArn=arn)
        assert found["Status"] == "ACTIVE", found
    made = forecast.create_forecast(ForecastName=unique("forecast"), PredictorArn=auto, ForecastTypes=TYPES)
    assert ended(forecast.describe_forecast, ForecastArn=made["ForecastArn"])["Status"] == "ACTIVE"
    return SimpleNamespace(group=group, auto=auto, ets=ets, npts=npts, forecast=made["ForecastArn"])


def test_a_group_and_its_datasets_are_described(forecast, trained) -> None:
    group = forecast.describe_dataset_group(DatasetGroupArn=trained.group.arn)
    assert (group["Domain"], group["Status"]) == ("RETAIL", "ACTIVE")
    assert group["DatasetArns"] == list(trained.group.datasets.values())
    dataset = forecast.describe_dataset(DatasetArn=trained.group.datasets["related"])
    assert dataset["DatasetType"] == "RELATED_TIME_SERIES"
    assert [each["AttributeName"] for each in dataset["Schema"]["Attributes"]] == ["item_id", "timestamp", "price"]


def test_an_import_reports_the_statistics_of_its_columns(forecast, trained) -> None:
    job = forecast.describe_dataset_import_job(DatasetImportJobArn=trained.group.imports["target"])
    statistics = job["FieldStatistics"]
    assert set(statistics) == {"item_id", "timestamp", "demand"}
    assert statistics["item_id"]["CountDistinct"] == ITEMS
    assert statistics["demand"]["Count"] == ITEMS * 200
    assert float(statistics["demand"]["Min"]) <= statistics["demand"]["Avg"] <= float(statistics["demand"]["Max"])
    assert statistics["timestamp"]["Min"].startswith("2024-01-01")


def test_an_auto_predictor_is_described_with_its_config(forecast, trained) -> None:
    found = forecast.describe_auto_predictor(PredictorArn=trained.auto)
    assert (found["ForecastHorizon"], found["ForecastFrequency"]) == (HORIZON, "D")
    assert found["ForecastTypes"] == ["0.1", "0.5", "0.9"]
    assert found["DataConfig"]["DatasetGroupArn"] == trained.group.arn
    assert set(found["DatasetImportJobArns"]) == set(trained.group.imports.values())
    refused("InvalidInputException", forecast.describe_predictor, "DescribeAutoPredictor", PredictorArn=trained.auto)
    refused("InvalidInputException", forecast.describe_auto_predictor, "DescribePredictor", PredictorArn=trained.ets)


def test_metrics_of_an_auto_predictor_are_a_summary(forecast, trained) -> None:
    answer = forecast.get_accuracy_metrics(PredictorArn=trained.auto)
    assert answer["IsAutoPredictor"] is True
    (result,) = answer["PredictorEvaluationResults"]
    (window,) = result["TestWindows"]
    assert window["EvaluationType"] == "SUMMARY"
    losses = [each["LossValue"] for each in window["Metrics"]["WeightedQuantileLosses"]]
    assert [each["Quantile"] for each in window["Metrics"]["WeightedQuantileLosses"]] == [0.9, 0.5, 0.1]
    assert window["Metrics"]["AverageWeightedQuantileLoss"] == pytest.approx(sum(losses) / 3)
    (errors,) = window["Metrics"]["ErrorMetrics"]
    assert errors["ForecastType"] == "mean" and errors["WAPE"] > 0 and errors["MASE"] > 0


def test_metrics_of_one_algorithm_show_each_backtest_window(forecast, trained) -> None:
    (ets,) = forecast.get_accuracy_metrics(PredictorArn=trained.ets)["PredictorEvaluationResults"]
    (npts,) = forecast.get_accuracy_metrics(PredictorArn=trained.npts)["PredictorEvaluationResults"]
    assert ets["AlgorithmArn"] == "arn:aws:forecast:::algorithm/ETS"
    assert [each["EvaluationType"] for each in ets["TestWindows"]] == ["SUMMARY", "COMPUTED"]
    windows = [each for each in npts["TestWindows"] if each["EvaluationType"] == "COMPUTED"]
    assert len(windows) == 2 and {each["ItemCount"] for each in windows} == {ITEMS}
    assert {(each["TestWindowEnd"] - each["TestWindowStart"]).days for each in windows} == {HORIZON}
    assert windows[0]["TestWindowStart"] != windows[1]["TestWindowStart"]


def test_query_answers_one_item_at_each_type(forecastquery, trained) -> None:
    answer = forecastquery.query_forecast(ForecastArn=trained.forecast, Filters={"item_id": "Milk"})
    predictions = answer["Forecast"]["Predictions"]
    assert set(predictions) == {"p5", "p50", "p95", "mean"}
    assert [point["Timestamp"] for point in predictions["p50"]][::13] == ["2024-07-19T00:00:00", "2024-08-01T00:00:00"]
    low, middle, high = ([point["Value"] for point in predictions[kind]] for kind in ("p5", "p50", "p95"))
    assert all(a <= b <= c for a, b, c in zip(low, middle, high)) and min(middle) > 0


def test_query_between_two_dates(forecastquery, trained) -> None:
    wanted = {"ForecastArn": trained.forecast, "Filters": {"item_id": "milk"}}
    answer = forecastquery.query_forecast(**wanted, StartDate="2024-07-20T00:00:00", EndDate="2024-07-22T00:00:00")
    days = [point["Timestamp"][:10] for point in answer["Forecast"]["Predictions"]["mean"]]
    assert days == ["2024-07-20", "2024-07-21", "2024-07-22"]
    query = forecastquery.query_forecast
    refused("InvalidInputException", query, "StartDate", "'tomorrow'", **wanted, StartDate="tomorrow")


def test_query_of_an_unknown_item_or_filter(forecastquery, trained) -> None:
    query, arn = forecastquery.query_forecast, trained.forecast
    refused("InvalidInputException", query, "caviar", ForecastArn=arn, Filters={"item_id": "caviar"})
    refused("InvalidInputException", query, "store", "item_id", ForecastArn=arn, Filters={"store": "1"})
    refused("ResourceNotFoundException", query, ForecastArn=arn + "x", Filters={"item_id": "milk"})


def test_a_new_forecast_under_an_old_name_answers_its_own_values(forecast, forecastquery, trained) -> None:
    name, wanted = unique("again"), {"item_id": "milk"}
    for types, expected in ((["0.2"], {"p20"}), (["0.8"], {"p80"})):
        arn = forecast.create_forecast(ForecastName=name, PredictorArn=trained.npts, ForecastTypes=types)["ForecastArn"]
        assert ended(forecast.describe_forecast, ForecastArn=arn)["Status"] == "ACTIVE"
        answer = forecastquery.query_forecast(ForecastArn=arn, Filters=wanted)
        assert set(answer["Forecast"]["Predictions"]) == expected
        forecast.delete_forecast(ForecastArn=arn)
        gone(forecast.describe_forecast, ForecastArn=arn)


def test_a_forecast_is_exported_as_csv(forecast, trained, bucket: str, forecast_role: str) -> None:
    job = forecast.create_forecast_export_job(
        ForecastExportJobName="values",
        ForecastArn=trained.forecast,
        Destination={"S3Config": {"Path": f"s3://{bucket}/exports/forecast", "RoleArn": forecast_role}},
    )["ForecastExportJobArn"]
    found = ended(forecast.describe_forecast_export_job, ForecastExportJobArn=job)
    assert found["Status"] == "ACTIVE", found
    assert found["Destination"]["S3Config"]["RoleArn"] == forecast_role
    parts = files(bucket, "exports/forecast/")
    assert not parts.pop("_CHECK") and not parts.pop("_SUCCESS")
    assert all(re.fullmatch(r"values_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ_part\d+\.csv", name) for name in parts)
    assert len(parts) == 13, "12 items and the header"
    header = "item_id,category,brand,date,mean,p5,p50,p95\r\n"
    assert all(text.startswith(header) and text.count("\n") == text.count("\r\n") for text in parts.values())
    assert [text for name, text in parts.items() if name.endswith("_part0.csv")] == [header]
    rows = exported_rows(bucket, "exports/forecast/")
    assert rows[0] == ["item_id", "category", "brand", "date", "mean", "p5", "p50", "p95"]
    assert len(rows) == 1 + ITEMS * HORIZON
    assert rows[1][:4] == ["apples", "produce", "house", "2024-07-19T00:00:00Z"]
    assert float(rows[1][5]) <= float(rows[1][7])


def test_exports_in_parquet(forecast, trained, bucket: str, forecast_role: str) -> None:
    to = {"S3Config": {"Path": f"s3://{bucket}/exports/parquet", "RoleArn": forecast_role}}
    job = forecast.create_forecast_export_job(
        ForecastExportJobName="columns", ForecastArn=trained.forecast, Destination=to, Format="PARQUET"
    )["ForecastExportJobArn"]
    found = ended(forecast.describe_forecast_export_job, ForecastExportJobArn=job)
    assert (found["Status"], found["Format"]) == ("ACTIVE", "PARQUET")
    job = forecast.create_predictor_backtest_export_job(
        PredictorBacktestExportJobName="columns", PredictorArn=trained.npts, Destination=to, Format="PARQUET"
    )["PredictorBacktestExportJobArn"]
    found = ended(forecast.describe_predictor_backtest_export_job, PredictorBacktestExportJobArn=job)
    assert found["Status"] == "ACTIVE", found
    s3 = boto3.client("s3")
    keys = sorted(each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="exports/parquet/")["Contents"])
    accuracy, values_to_come, values = (
        pd.read_parquet(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
        for key in keys
        if key.endswith("_part0.parquet")
    )
    assert list(values_to_come) == ["item_id", "category", "brand", "date", "mean", "p5", "p50", "p95"]
    assert len(values_to_come) == ITEMS * HORIZON and values_to_come["mean"].dtype.kind == "f"
    assert len(values) == ITEMS * HORIZON * 2 and values["target_value"].dtype.kind == "f"
    assert accuracy["RMSE"].dtype.kind == "f"


def test_backtests_are_exported_in_two_folders(forecast, trained, bucket: str, forecast_role: str) -> None:
    job = forecast.create_predictor_backtest_export_job(
        PredictorBacktestExportJobName="tested",
        PredictorArn=trained.npts,
        Destination={"S3Config": {"Path": f"s3://{bucket}/exports/backtest/", "RoleArn": forecast_role}},
    )["PredictorBacktestExportJobArn"]
    found = ended(forecast.describe_predictor_backtest_export_job, PredictorBacktestExportJobArn=job)
    assert found["Status"] == "ACTIVE", found
    assert {name.rpartition("/")[0] for name in files(bucket, "exports/backtest/")} == {
        "forecasted-values",
        "accuracy-metrics-values",
    }
    bounds = ["backtestwindow_start_time", "backtestwindow_end_time"]
    values = exported_rows(bucket, "exports/backtest/forecasted-values/")
    assert values[0] == ["item_id", "timestamp", "target_value", *bounds, "p10", "p50", "p90"]
    assert len(values) == 1 + 2 * ITEMS * HORIZON
    assert {row[1][-1] + row[3][-1] for row in values[1:]} == {"Z0"}, "a Z on times, none on the bounds of windows"
    accuracy = exported_rows(bucket, "exports/backtest/accuracy-metrics-values/")
    losses = ["wQL[0.1]", "wQL[0.5]", "wQL[0.9]", "Average wQL"]
    assert accuracy[0] == ["item_id", "backtest_window", *bounds, *losses, "RMSE", "WAPE", "MAPE", "MASE"]
    assert [row[1] for row in accuracy[1:]].count("Summary") == ITEMS
    assert [row[1] for row in accuracy[1:]].count("Computed") == 2 * ITEMS


def test_a_predictor_is_retrained_from_its_reference(forecast, trained) -> None:
    create = forecast.create_auto_predictor
    again = create(PredictorName=unique("again"), ReferencePredictorArn=trained.auto)["PredictorArn"]
    found = forecast.describe_auto_predictor(PredictorArn=again)
    assert found["ForecastHorizon"] == HORIZON and found["DataConfig"]["DatasetGroupArn"] == trained.group.arn
    assert found["ReferencePredictorSummary"] == {"Arn": trained.auto, "State": "Active"}
    forecast.stop_resource(ResourceArn=again)
    both = {"PredictorName": unique("again"), "ReferencePredictorArn": trained.auto, "ForecastHorizon": 7}
    refused("InvalidInputException", create, "ForecastHorizon", **both)


def test_a_horizon_too_long_fails_the_predictor_with_the_numbers(forecast, bucket: str, forecast_role: str) -> None:
    group = sample_group(forecast, bucket, forecast_role, ("target",))
    arn = auto_predictor(forecast, group, ForecastHorizon=60)
    found = ended(forecast.describe_auto_predictor, PredictorArn=arn)
    assert found["Status"] == "CREATE_FAILED"
    assert "60" in found["Message"] and "200" in found["Message"] and "at most 50" in found["Message"]
    refused("ResourceInUseException", forecast.get_accuracy_metrics, "CREATE_FAILED", PredictorArn=arn)
    forecast.delete_predictor(PredictorArn=arn)
    gone(forecast.describe_auto_predictor, PredictorArn=arn)


def test_a_dataset_group_is_seen_while_it_is_deleted_and_may_be_deleted_again_meanwhile(forecast) -> None:
    """AWS's notebooks delete again and again until there is nothing to delete (their util.wait_till_delete)."""
    name = unique("deleted")
    arn = forecast.create_dataset_group(DatasetGroupName=name, Domain="RETAIL")["DatasetGroupArn"]
    for _ in range(2):
        forecast.delete_dataset_group(DatasetGroupArn=arn)
        assert forecast.describe_dataset_group(DatasetGroupArn=arn)["Status"] == "DELETE_IN_PROGRESS"
    refused(
        "ResourceAlreadyExistsException", forecast.create_dataset_group, arn, DatasetGroupName=name, Domain="RETAIL"
    )
    gone(forecast.describe_dataset_group, DatasetGroupArn=arn)
    refused("ResourceNotFoundException", forecast.delete_dataset_group, arn, DatasetGroupArn=arn)


def test_a_running_job_is_stopped_before_it_is_deleted(forecast, bucket: str, forecast_role: str) -> None:
    group = sample_group(forecast, bucket, forecast_role, ("target",))
    arn, code = auto_predictor(forecast, group), "ResourceInUseException"
    refused(code, forecast.delete_predictor, "CREATE_", PredictorArn=arn)
    refused(code, forecast.delete_resource_tree, arn, ResourceArn=group.arn)
    refused(code, forecast.create_forecast, "ACTIVE", ForecastName="early", PredictorArn=arn)
    forecast.stop_resource(ResourceArn=arn)
    assert ended(forecast.describe_auto_predictor, PredictorArn=arn)["Status"] == "CREATE_STOPPED"
    refused("InvalidInputException", forecast.stop_resource, "CREATE_STOPPED", ResourceArn=arn)
    refused("InvalidInputException", forecast.stop_resource, group.arn, ResourceArn=group.arn)
    refused(code, forecast.delete_dataset_group, arn, DatasetGroupArn=group.arn)
    forecast.delete_resource_tree(ResourceArn=group.arn)
    gone(forecast.describe_auto_predictor, PredictorArn=arn)
    gone(forecast.describe_dataset_group, DatasetGroupArn=group.arn)
    forecast.delete_resource_tree(ResourceArn=group.datasets["target"])
    gone(forecast.describe_dataset_import_job, DatasetImportJobArn=group.imports["target"])


def test_auto_ml_chooses_the_best_algorithm_by_mean_wql_over_the_windows(
    embedded_aws: Settings, forecast, bucket: str, forecast_role: str
) -> None:
    group = sample_group(forecast, bucket, forecast_role, ("target",))
    arn = forecast.create_predictor(
        PredictorName=unique("automl"),
        PerformAutoML=True,
        AutoMLOverrideStrategy="LatencyOptimized",
        ForecastHorizon=2,
        EvaluationParameters={"NumberOfBacktestWindows": 2},
        InputDataConfig={
            "DatasetGroupArn": group.arn,
            "SupplementaryFeatures": [{"Name": "holiday", "Value": "DE"}],
        },
        FeaturizationConfig={"ForecastFrequency": "W"},
    )["PredictorArn"]
    found = ended(forecast.describe_predictor, PredictorArn=arn)
    assert (found["Status"], found["PerformAutoML"]) == ("ACTIVE", True), found
    results = forecast.get_accuracy_metrics(PredictorArn=arn)["PredictorEvaluationResults"]
    names = [result["AlgorithmArn"].rpartition("/")[2] for result in results]
    assert set(names) >= {"ARIMA", "ETS", "NPTS"} and not {"LightGBM", *NEURAL} & set(names)
    assert all(len(result["TestWindows"]) == 3 for result in results)
    losses = [result["TestWindows"][0]["Metrics"]["AverageWeightedQuantileLoss"] for result in results]
    assert losses == sorted(losses)
    assert found["AutoMLAlgorithmArns"] == [results[0]["AlgorithmArn"]]
    weighed = ", ".join(f"{name} {loss:.4f}" for name, loss in zip(names, losses, strict=True))
    assert "Message" not in found and f"Average wQL in backtest: {weighed}." in logged(embedded_aws, arn)
    both = {"PredictorName": unique("both"), "PerformAutoML": True, "AlgorithmArn": found["AutoMLAlgorithmArns"][0]}
    data = {key: found[key] for key in ("ForecastHorizon", "InputDataConfig", "FeaturizationConfig")}
    refused("InvalidInputException", forecast.create_predictor, "AlgorithmArn", "PerformAutoML", **both, **data)
    forecast.delete_resource_tree(ResourceArn=group.arn)


def test_an_auto_predictor_with_the_holidays_of_a_country(forecast, trained) -> None:
    data = {"DatasetGroupArn": trained.group.arn}
    good = {"PredictorName": unique("holidays"), "ForecastHorizon": 7, "ForecastFrequency": "D"}
    create = forecast.create_auto_predictor
    for additional, words in (
        ({"Name": "weather"}, ["Weather Index", "network"]),
        ({"Name": "holiday", "Configuration": {"CountryCode": ["XX"]}}, ["'XX'", "US"]),
        ({"Name": "holiday", "Configuration": {"CountryCode": ["US", "DE"]}}, ["one country", "US, DE"]),
        ({"Name": "holiday"}, ["CountryCode", "None"]),
        ({"Name": "tides"}, ["'tides'", "holiday"]),
    ):
        wrong = {**data, "AdditionalDatasets": [additional]}
        refused("InvalidInputException", create, *words, **good, DataConfig=wrong)
    holidays = [{"Name": "holiday", "Configuration": {"CountryCode": ["US"]}}]
    arn = create(**good, DataConfig={**data, "AdditionalDatasets": holidays})["PredictorArn"]
    found = ended(forecast.describe_auto_predictor, PredictorArn=arn)
    assert found["Status"] == "ACTIVE", found
    assert found["DataConfig"]["AdditionalDatasets"] == holidays


@pytest.mark.parametrize(
    ("algorithm", "package", "command"),
    [("CNN-QR", "torch", "neural"), ("Deep_AR_Plus", "gluonts", "neural"), ("Prophet", "prophet", "prophet")],
)
def test_an_algorithm_that_is_not_there_fails_with_its_reason(forecast, trained, algorithm, package, command) -> None:
    if find_spec(package):
        pytest.skip("the extra is installed")
    arn = single_predictor(forecast, trained.group, algorithm)
    found = ended(forecast.describe_predictor, PredictorArn=arn)
    assert found["Status"] == "CREATE_FAILED"
    for word in [algorithm, f'`pip install "storecast-engines[{command}]"`', f"`make {command}`"]:
        assert word in found["Message"], found["Message"]
    forecast.delete_predictor(PredictorArn=arn)
    gone(forecast.describe_predictor, PredictorArn=arn)


def test_the_tree_of_a_group_goes_and_its_datasets_stay(forecast, trained) -> None:
    """Last of this module: it takes the trained resources away."""
    forecast.delete_resource_tree(ResourceArn=trained.group.arn)
    gone(forecast.describe_forecast, ForecastArn=trained.forecast)
    gone(forecast.describe_auto_predictor, PredictorArn=trained.auto)
    gone(forecast.describe_predictor, PredictorArn=trained.ets)
    gone(forecast.describe_dataset_group, DatasetGroupArn=trained.group.arn)
    assert forecast.describe_dataset(DatasetArn=trained.group.datasets["target"])["Status"] == "ACTIVE"
    for listed, of in (
        (forecast.list_forecast_export_jobs, {"Key": "ForecastArn", "Value": trained.forecast}),
        (forecast.list_predictor_backtest_export_jobs, {"Key": "PredictorArn", "Value": trained.auto}),
    ):
        left = listed(Filters=[of | {"Condition": "IS"}])
        assert [jobs for name, jobs in left.items() if name.endswith("Jobs")] == [[]]
    for arn in trained.group.imports.values():
        forecast.delete_dataset_import_job(DatasetImportJobArn=arn)
        gone(forecast.describe_dataset_import_job, DatasetImportJobArn=arn)
    for arn in trained.group.datasets.values():
        forecast.delete_dataset(DatasetArn=arn)
        gone(forecast.describe_dataset, DatasetArn=arn)
