"""What-if analyses: changed related series go through the trained predictor and give other forecasts."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.contract.clients import refused
from tests.contract.forecast_setup import (
    SCHEMAS,
    auto_predictor,
    create_dataset,
    import_ended,
    import_from,
    single_predictor,
)
from tests.contract.helpers import attributes, csv_files, ended, gone, put_csv, unique

HORIZON, DAYS, ITEMS = 7, 120, 26
AHEAD = pd.date_range("2024-01-01", periods=DAYS + HORIZON)[DAYS:]
INVALID = "InvalidInputException"


@pytest.fixture(scope="module")
def shop(forecast, bucket: str, forecast_role: str) -> SimpleNamespace:
    """Items that sell more the cheaper they are, their prices of the week to come, and a baseline forecast."""
    rng = np.random.default_rng(5)
    days = pd.date_range("2024-01-01", periods=DAYS + HORIZON)
    items = [f"item{number}" for number in range(ITEMS)]
    prices = pd.DataFrame(rng.choice([5.0, 10.0], (len(days), ITEMS)), index=days, columns=items)
    prices[DAYS:] = 10.0
    sold = pd.DataFrame(rng.poisson(300 / prices[:DAYS]), index=days[:DAYS], columns=items)
    frames = {
        "target": sold.melt(ignore_index=False, var_name="item"),
        "related": prices.melt(ignore_index=False, var_name="item"),
        "metadata": pd.DataFrame({"item": items, "category": ["odd", "even"] * (ITEMS // 2), "brand": "own"}),
    }
    datasets = []
    for kind, frame in frames.items():
        rows = frame if kind == "metadata" else frame.reset_index().iloc[:, [1, 0, 2]]
        path = put_csv(bucket, f"whatif/{kind}.csv", rows)
        datasets.append(create_dataset(forecast, kind))
        assert import_ended(forecast, import_from(forecast, datasets[-1], path, forecast_role))["Status"] == "ACTIVE"
    group = forecast.create_dataset_group(DatasetGroupName=unique("whatif"), Domain="RETAIL", DatasetArns=datasets)
    group = SimpleNamespace(arn=group["DatasetGroupArn"], datasets=dict(zip(frames, datasets)))
    predictor = auto_predictor(forecast, group, ForecastHorizon=HORIZON, ForecastTypes=["0.5", "mean"])
    found = ended(forecast.describe_auto_predictor, PredictorArn=predictor)
    assert found["Status"] == "ACTIVE", found
    baseline = forecast.create_forecast(ForecastName=unique("baseline"), PredictorArn=predictor)["ForecastArn"]
    assert ended(forecast.describe_forecast, ForecastArn=baseline)["Status"] == "ACTIVE"
    yield SimpleNamespace(group=group, predictor=predictor, baseline=baseline)
    forecast.delete_resource_tree(ResourceArn=group.arn)
    gone(forecast.describe_dataset_group, DatasetGroupArn=group.arn)


@pytest.fixture(scope="module")
def analysis(forecast, shop) -> str:
    return analysed(forecast, shop.baseline)["WhatIfAnalysisArn"]


def analysed(forecast, baseline: str, **more) -> dict:
    name = unique("analysis")
    arn = forecast.create_what_if_analysis(WhatIfAnalysisName=name, ForecastArn=baseline, **more)["WhatIfAnalysisArn"]
    return ended(forecast.describe_what_if_analysis, WhatIfAnalysisArn=arn)


def scenario(forecast, analysis: str, **changes) -> dict:
    name = unique("scenario")
    made = forecast.create_what_if_forecast(WhatIfForecastName=name, WhatIfAnalysisArn=analysis, **changes)
    return ended(forecast.describe_what_if_forecast, WhatIfForecastArn=made["WhatIfForecastArn"])


def price(operation: str, value: float, *conditions: tuple[str, str, str]) -> dict:
    return {
        "Action": {"AttributeName": "Price", "Operation": operation, "Value": value},
        "TimeSeriesConditions": [
            {"AttributeName": name, "Condition": condition, "AttributeValue": wanted}
            for name, condition, wanted in conditions
        ],
    }


def means(query, item: str, **arn: str) -> np.ndarray:
    return np.array(
        [point["Value"] for point in query(Filters={"item_id": item}, **arn)["Forecast"]["Predictions"]["mean"]]
    )


def test_half_the_price_sells_more_where_the_conditions_hold(forecast, forecastquery, shop, analysis: str) -> None:
    middle = str(AHEAD[3])
    conditions = [
        ("category", "EQUALS", "odd"),
        ("item_id", "NOT_EQUALS", "item2"),
        ("timestamp", "GREATER_THAN", middle),
    ]
    found = scenario(forecast, analysis, TimeSeriesTransformations=[price("MULTIPLY", 0.5, *conditions)])
    assert found["Status"] == "ACTIVE" and found["ForecastTypes"] == ["0.5", "mean"], found
    assert found["WhatIfForecastArn"].endswith(
        f"what-if-forecast/{analysis.rpartition('/')[2]}/{found['WhatIfForecastName']}"
    )
    raised = {}
    for item in ("item0", "item1", "item2"):
        before = means(forecastquery.query_forecast, item, ForecastArn=shop.baseline)
        after = means(forecastquery.query_what_if_forecast, item, WhatIfForecastArn=found["WhatIfForecastArn"])
        raised[item] = after / before
    assert raised["item0"][:4] == pytest.approx(1) and raised["item0"][4:].min() > 1.1
    assert raised["item1"] == pytest.approx(1) and raised["item2"] == pytest.approx(1)


def test_replaced_rows_do_what_the_same_transformation_does(
    forecast, forecastquery, analysis, bucket, forecast_role
) -> None:
    rows = pd.DataFrame({"item_id": "item3", "timestamp": AHEAD, "price": 5.0})
    source = {
        "S3Config": {"Path": put_csv(bucket, "whatif/replaced.csv", rows), "RoleArn": forecast_role},
        "Schema": attributes(item_id="string", timestamp="timestamp", price="float"),
        "TimestampFormat": "yyyy-MM-dd",
    }
    by_rows = scenario(forecast, analysis, TimeSeriesReplacementsDataSource=source)
    by_function = scenario(
        forecast, analysis, TimeSeriesTransformations=[price("SUBTRACT", 5, ("item_id", "EQUALS", "item3"))]
    )
    assert (by_rows["Status"], by_rows["TimeSeriesReplacementsDataSource"]) == ("ACTIVE", source), by_rows
    one, two = (
        means(forecastquery.query_what_if_forecast, "item3", WhatIfForecastArn=each["WhatIfForecastArn"])
        for each in (by_rows, by_function)
    )
    assert one == pytest.approx(two)
    late = put_csv(bucket, "whatif/late.csv", rows.assign(timestamp="2025-01-01"))
    wrong = source | {"S3Config": {"Path": late, "RoleArn": forecast_role}}
    failed = scenario(forecast, analysis, TimeSeriesReplacementsDataSource=wrong)
    assert failed["Status"] == "CREATE_FAILED"
    assert "2025-01-01" in failed["Message"] and str(AHEAD[-1].date()) in failed["Message"]


def test_an_analysis_of_some_series_and_its_export_beside_the_baseline(forecast, shop, bucket, forecast_role) -> None:
    chosen = put_csv(bucket, "whatif/chosen.csv", pd.DataFrame({"item_id": ["item1", "item0"]}))
    identifiers = {
        "DataSource": {"S3Config": {"Path": chosen, "RoleArn": forecast_role}},
        "Schema": attributes(item_id="string"),
        "Format": "CSV",
    }
    found = analysed(forecast, shop.baseline, TimeSeriesSelector={"TimeSeriesIdentifiers": identifiers})
    assert found["Status"] == "ACTIVE" and found["TimeSeriesSelector"]["TimeSeriesIdentifiers"] == identifiers
    cheap, dear = (
        scenario(forecast, found["WhatIfAnalysisArn"], TimeSeriesTransformations=[price("MULTIPLY", factor)])
        for factor in (0.5, 1.0)
    )
    assert "equals the baseline" in dear["Message"] and "Message" not in cheap
    export = forecast.create_what_if_forecast_export(
        WhatIfForecastExportName="scenarios",
        WhatIfForecastArns=[cheap["WhatIfForecastArn"], dear["WhatIfForecastArn"]],
        Destination={"S3Config": {"Path": f"s3://{bucket}/exports/whatif", "RoleArn": forecast_role}},
    )["WhatIfForecastExportArn"]
    job = ended(forecast.describe_what_if_forecast_export, WhatIfForecastExportArn=export)
    assert job["Status"] == "ACTIVE", job
    ((name, rows),) = csv_files(bucket, "exports/whatif/").items()
    labels = ["Baseline", cheap["WhatIfForecastName"], dear["WhatIfForecastName"]]
    assert name.startswith("scenarios_")
    assert rows[0] == ["item_id", "date", *[f"{label}_{kind}" for label in labels for kind in ("p50", "mean")]]
    assert [row[0] for row in rows[1:]] == ["item0"] * HORIZON + ["item1"] * HORIZON
    values = np.array([row[2:] for row in rows[1:]], float)
    assert (values[:, 3] > 1.1 * values[:, 1]).all() and values[:, 5] == pytest.approx(values[:, 1])
    unknown = put_csv(bucket, "whatif/unknown.csv", pd.DataFrame({"item_id": ["item0", "caviar"]}))
    identifiers["DataSource"]["S3Config"]["Path"] = unknown
    failed = analysed(forecast, shop.baseline, TimeSeriesSelector={"TimeSeriesIdentifiers": identifiers})
    assert failed["Status"] == "CREATE_FAILED" and "caviar" in failed["Message"] and unknown in failed["Message"]


def test_what_cannot_be_asked(forecast, shop, analysis: str, forecast_role: str) -> None:
    create = forecast.create_what_if_forecast
    good = {"WhatIfForecastName": unique("wrong"), "WhatIfAnalysisArn": analysis}
    source = {"S3Config": {"Path": "s3://bucket/file.csv", "RoleArn": forecast_role}}
    for changes, words in (
        ({}, ["TimeSeriesTransformations", "TimeSeriesReplacementsDataSource"]),
        ({"TimeSeriesTransformations": [{}]}, ["Action"]),
        ({"TimeSeriesTransformations": [price("DIVIDE", 0)]}, ["DIVIDE"]),
        ({"TimeSeriesTransformations": [price("ADD", 1, ("store", "EQUALS", "1"))]}, ["'store'", "category"]),
        ({"TimeSeriesTransformations": [price("ADD", 1, ("item_id", "LESS_THAN", "b"))]}, ["LESS_THAN", "'item_id'"]),
        ({"TimeSeriesTransformations": [price("ADD", 1, ("timestamp", "EQUALS", "soon"))]}, ["'soon'"]),
        ({"TimeSeriesReplacementsDataSource": source | {"Schema": attributes(item_id="string")}}, ["timestamp"]),
        ({"TimeSeriesReplacementsDataSource": source | {"Schema": SCHEMAS["target"][1]}}, ["demand", "price"]),
    ):  # fmt: skip
        refused(INVALID, create, *words, **good, **changes)
    wrong = {"Action": {"AttributeName": "weather", "Operation": "ADD", "Value": 1.0}}
    refused(INVALID, create, "'weather'", "price", **good, TimeSeriesTransformations=[wrong])
    npts = single_predictor(forecast, shop.group, "NPTS", ForecastHorizon=HORIZON)
    assert ended(forecast.describe_predictor, PredictorArn=npts)["Status"] == "ACTIVE"
    legacy = forecast.create_forecast(ForecastName=unique("legacy"), PredictorArn=npts)["ForecastArn"]
    assert ended(forecast.describe_forecast, ForecastArn=legacy)["Status"] == "ACTIVE"
    refused(INVALID, forecast.create_what_if_analysis, "AutoPredictor", WhatIfAnalysisName="x", ForecastArn=legacy)


def test_the_life_of_an_analysis(forecast, shop, analysis: str) -> None:
    """Listed, filtered, tagged, and deleted with all that was made from it."""
    found = scenario(forecast, analysis, TimeSeriesTransformations=[price("ADD", 1)])["WhatIfForecastArn"]
    mine = [{"Key": "WhatIfForecastArn", "Value": found, "Condition": "IS"}]
    (listed,) = forecast.list_what_if_forecasts(Filters=mine)["WhatIfForecasts"]
    assert (listed["Status"], listed["WhatIfAnalysisArn"]) == ("ACTIVE", analysis)
    wrong = [{"Key": "ForecastArn", "Value": shop.baseline, "Condition": "IS"}]
    refused(INVALID, forecast.list_what_if_analyses, "'ForecastArn'", "WhatIfAnalysisArn, Status", Filters=wrong)
    forecast.tag_resource(ResourceArn=found, Tags=[{"Key": "season", "Value": "sale"}])
    assert forecast.list_tags_for_resource(ResourceArn=found)["Tags"] == [{"Key": "season", "Value": "sale"}]
    refused("ResourceInUseException", forecast.delete_what_if_analysis, "delete that first", WhatIfAnalysisArn=analysis)
    refused("ResourceInUseException", forecast.delete_forecast, shop.baseline, ForecastArn=shop.baseline)
    forecast.delete_what_if_forecast(WhatIfForecastArn=found)
    gone(forecast.describe_what_if_forecast, WhatIfForecastArn=found)
    forecast.delete_resource_tree(ResourceArn=analysis)
    gone(forecast.describe_what_if_analysis, WhatIfAnalysisArn=analysis)
    assert all(
        analysis not in each["WhatIfAnalysisArn"] for each in forecast.list_what_if_forecasts()["WhatIfForecasts"]
    )
