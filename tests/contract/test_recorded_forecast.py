"""Forecast answers as it was recorded: the same members, types, empty values, orders and formats."""

import re

import pytest

from storecast_engines.files.statistics import double
from tests.contract.clients import client
from tests.contract.forecast_setup import create_dataset, sample_group
from tests.contract.helpers import ended, unique
from tests.contract.recorded_shapes import SHAPES, arn_shapes, differences, listening, misshapen
from tests.recordings import FOLDER, samples


@pytest.fixture(scope="module")
def answers(bucket: str, forecast_role: str) -> dict[str, list[dict]]:
    """What our Forecast answers, by operation, about resources like those of the recordings."""
    forecast, query = client("forecast"), client("forecastquery")
    heard = listening(forecast, query)
    group = sample_group(forecast, bucket, forecast_role)
    for dataset in group.datasets.values():
        forecast.describe_dataset(DatasetArn=dataset)
    empty = forecast.create_dataset_group(DatasetGroupName=unique("empty"), Domain="RETAIL")["DatasetGroupArn"]
    for each in (group.arn, empty):
        forecast.describe_dataset_group(DatasetGroupArn=each)
    predictor = forecast.create_predictor(
        PredictorName=unique("legacy"),
        AlgorithmArn="arn:aws:forecast:::algorithm/NPTS",
        ForecastHorizon=14,
        InputDataConfig={
            "DatasetGroupArn": group.arn,
            "SupplementaryFeatures": [{"Name": "holiday", "Value": "US"}],
        },
        FeaturizationConfig={"ForecastFrequency": "D"},
    )["PredictorArn"]
    assert ended(forecast.describe_predictor, PredictorArn=predictor)["Status"] == "ACTIVE"
    made = forecast.create_forecast(ForecastName=unique("forecast"), PredictorArn=predictor)["ForecastArn"]
    assert ended(forecast.describe_forecast, ForecastArn=made)["Status"] == "ACTIVE"
    destination = {"S3Config": {"Path": f"s3://{bucket}/{unique('recorded')}/", "RoleArn": forecast_role}}
    export = forecast.create_forecast_export_job(
        ForecastExportJobName=unique("export"), ForecastArn=made, Destination=destination
    )["ForecastExportJobArn"]
    ended(forecast.describe_forecast_export_job, ForecastExportJobArn=export)
    backtest = forecast.create_predictor_backtest_export_job(
        PredictorBacktestExportJobName=unique("backtest"), PredictorArn=predictor, Destination=destination
    )["PredictorBacktestExportJobArn"]
    ended(forecast.describe_predictor_backtest_export_job, PredictorBacktestExportJobArn=backtest)
    asked = {"PredictorName": unique("auto"), "ForecastHorizon": 14, "ForecastFrequency": "D"}
    twins = [
        forecast.create_auto_predictor(**asked, DataConfig={"DatasetGroupArn": group.arn})["PredictorArn"]
        for _ in range(2)
    ]
    forecast.list_predictors(Filters=[{"Key": "DatasetGroupArn", "Value": group.arn, "Condition": "IS"}])
    for each in twins:
        forecast.stop_resource(ResourceArn=each)
    forecast.get_accuracy_metrics(PredictorArn=predictor)
    forecast.list_datasets()
    forecast.list_dataset_groups(MaxResults=3)
    query.query_forecast(ForecastArn=made, Filters={"item_id": "milk"})
    forecast.update_dataset_group(DatasetGroupArn=empty, DatasetArns=[])
    forecast.delete_predictor_backtest_export_job(PredictorBacktestExportJobArn=backtest)
    forecast.delete_dataset_group(DatasetGroupArn=empty)
    forecast.delete_resource_tree(ResourceArn=create_dataset(forecast))
    return heard


RECORDED = sorted(each.name.split(".")[1] for each in FOLDER.glob("forecast.*.json"))


@pytest.mark.parametrize("operation", RECORDED)
def test_an_answer_has_the_members_of_the_recordings(answers: dict, operation: str) -> None:
    assert differences("forecast", operation, answers[operation]) == []


def test_forecastquery_answers_with_the_members_of_the_recordings(answers: dict) -> None:
    assert differences("forecastquery", "QueryForecast", answers["QueryForecast"]) == []


def test_statistics_of_a_column_have_the_members_of_the_recordings_by_its_type(answers: dict) -> None:
    def kinds(answers: list[dict]) -> dict[str, set[str]]:
        return {_column_kind(each): set(each) for answer in answers for each in answer["FieldStatistics"].values()}

    newest = max(samples("forecast", "DescribeDatasetImportJob"), key=lambda each: each["recorded"])["response"]
    assert kinds(_imported(answers)) == kinds([newest])


def _imported(answers: dict[str, list[dict]]) -> list[dict]:
    return [each for each in answers["DescribeDatasetImportJob"] if each["Status"] == "ACTIVE"]


def _column_kind(statistics: dict) -> str:
    if "Avg" in statistics:
        return "number"
    return "time" if "Min" in statistics else "text"


def test_counts_leave_missing_values_out_and_numbers_are_written_as_recorded(answers: dict) -> None:
    ours = [each["FieldStatistics"] for each in _imported(answers)]
    recorded = [
        each["response"]["FieldStatistics"]
        for each in samples("forecast", "DescribeDatasetImportJob")
        if "FieldStatistics" in each["response"]
    ]
    for statistics in (column for found in (*ours, *recorded) for column in found.values()):
        if _column_kind(statistics) == "time":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", statistics["Max"]), statistics
        elif _column_kind(statistics) == "number":
            assert statistics["Max"] == double(float(statistics["Max"])), statistics
    sizes = [each["response"].get("DataSize") for each in samples("forecast", "DescribeDatasetImportJob")]
    sizes += [each["DataSize"] for each in _imported(answers)]
    assert all(size * 2**30 % 1 == 0 for size in sizes if size), "DataSize is in units of 2^30 bytes"


def test_quantile_losses_come_in_descending_order_of_the_quantiles(answers: dict) -> None:
    recorded = [each["response"] for each in samples("forecast", "GetAccuracyMetrics")]
    for answer in (*recorded, *answers["GetAccuracyMetrics"]):
        for window in answer["PredictorEvaluationResults"][0]["TestWindows"]:
            quantiles = [each["Quantile"] for each in window["Metrics"]["WeightedQuantileLosses"]]
            assert quantiles == sorted(quantiles, reverse=True) and len(quantiles) == 3


def test_the_arn_of_an_auto_predictor_ends_in_an_id_and_its_name_may_be_given_twice(answers: dict) -> None:
    first, second = (each["PredictorArn"] for each in answers["CreateAutoPredictor"])
    pattern = next(each for each in arn_shapes()["forecast:predictor"] if SHAPES["<ULID>"] in each)
    assert first != second and all(re.fullmatch(pattern, arn) for arn in (first, second))
    listed = {each["PredictorArn"]: each for each in answers["ListPredictors"][0]["Predictors"]}
    assert listed[first]["PredictorName"] == listed[second]["PredictorName"]


def test_lists_of_forecast_have_the_newest_first(answers: dict) -> None:
    for service_list, member in (("ListDatasetGroups", "DatasetGroups"), ("ListPredictors", "Predictors")):
        recorded = [each["response"] for each in samples("forecast", service_list)]
        for answer in (*recorded, *answers[service_list]):
            times = [str(each["CreationTime"]) for each in answer[member]]
            assert times == sorted(times, reverse=True)
        assert len(answers[service_list][0][member]) > 1


def test_arns_have_the_shapes_of_the_recordings(answers: dict) -> None:
    wrong, seen = misshapen(answers)
    assert wrong == []
    assert len(seen) >= 7, seen
