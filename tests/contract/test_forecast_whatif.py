"""What-if analyses: changed related series go through the trained predictor and give other forecasts."""

import numpy as np
import pandas as pd
import pytest

from localaws.settings import Settings
from tests.contract.clients import refused
from tests.contract.forecast_setup import SCHEMAS, SHOP_HORIZON, single_predictor
from tests.contract.helpers import attributes, ended, exported_rows, gone, logged, put_csv, unique

INVALID = "InvalidInputException"


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
    middle = str(shop.ahead[3])
    conditions = [
        ("category", "EQUALS", "odd"),
        ("item_id", "NOT_EQUALS", "item2"),
        ("timestamp", "GREATER_THAN", middle),
    ]
    found = scenario(forecast, analysis, TimeSeriesTransformations=[price("MULTIPLY", 0.5, *conditions)])
    assert found["Status"] == "ACTIVE" and found["ForecastTypes"] == ["0.1", "0.5", "mean"], found
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
    forecast, forecastquery, shop, analysis, bucket, forecast_role
) -> None:
    rows = pd.DataFrame({"item_id": "item3", "timestamp": shop.ahead, "price": 5.0})
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
    assert "2025-01-01" in failed["Message"] and str(shop.ahead[-1].date()) in failed["Message"]


def selected(path: str, role: str) -> dict:
    identifiers = {
        "DataSource": {"S3Config": {"Path": path, "RoleArn": role}},
        "Schema": attributes(item_id="string"),
        "Format": "CSV",
    }
    return {"TimeSeriesSelector": {"TimeSeriesIdentifiers": identifiers}}


def test_a_forecast_of_some_series_is_that_of_all(forecast, forecastquery, shop, bucket, forecast_role) -> None:
    path = put_csv(bucket, "whatif/two.csv", pd.DataFrame({"item_id": ["item5", "item2"]}))
    chosen = selected(path, forecast_role)
    create, name = forecast.create_forecast, unique("two")
    arn = create(ForecastName=name, PredictorArn=shop.predictor, **chosen)["ForecastArn"]
    found = ended(forecast.describe_forecast, ForecastArn=arn)
    assert (found["Status"], found["TimeSeriesSelector"]) == ("ACTIVE", chosen["TimeSeriesSelector"]), found
    for item in ("item2", "item5"):
        one, two = (means(forecastquery.query_forecast, item, ForecastArn=each) for each in (arn, shop.baseline))
        assert one == pytest.approx(two)
    query = forecastquery.query_forecast
    refused(INVALID, query, "item3", ForecastArn=arn, Filters={"item_id": "item3"})
    chosen["TimeSeriesSelector"]["TimeSeriesIdentifiers"]["Schema"] = attributes(store="string")
    refused(INVALID, create, "item_id", "store", ForecastName=name, PredictorArn=shop.predictor, **chosen)
    forecast.delete_forecast(ForecastArn=arn)


def test_an_analysis_of_some_series_and_its_export_beside_the_baseline(
    embedded_aws: Settings, forecast, shop, bucket, forecast_role
) -> None:
    path = put_csv(bucket, "whatif/chosen.csv", pd.DataFrame({"item_id": ["item1", "item0"]}))
    chosen = selected(path, forecast_role)
    found = analysed(forecast, shop.baseline, **chosen)
    assert (found["Status"], found["TimeSeriesSelector"]) == ("ACTIVE", chosen["TimeSeriesSelector"])
    cheap, dear = (
        scenario(forecast, found["WhatIfAnalysisArn"], TimeSeriesTransformations=[price("MULTIPLY", factor)])
        for factor in (0.5, 1.0)
    )
    assert "Message" not in dear and "Message" not in cheap
    assert "equals the baseline" in logged(embedded_aws, dear["WhatIfForecastArn"])
    assert "equals the baseline" not in logged(embedded_aws, cheap["WhatIfForecastArn"])
    export = forecast.create_what_if_forecast_export(
        WhatIfForecastExportName="scenarios",
        WhatIfForecastArns=[cheap["WhatIfForecastArn"], dear["WhatIfForecastArn"]],
        Destination={"S3Config": {"Path": f"s3://{bucket}/exports/whatif", "RoleArn": forecast_role}},
    )["WhatIfForecastExportArn"]
    job = ended(forecast.describe_what_if_forecast_export, WhatIfForecastExportArn=export)
    assert job["Status"] == "ACTIVE", job
    rows = exported_rows(bucket, "exports/whatif/")
    labels = ["Baseline", cheap["WhatIfForecastName"], dear["WhatIfForecastName"]]
    assert rows[0] == ["item_id", "date", *[f"{label}_{kind}" for label in labels for kind in ("mean", "p10", "p50")]]
    assert [row[0] for row in rows[1:]] == ["item0"] * SHOP_HORIZON + ["item1"] * SHOP_HORIZON
    values = np.array([row[2:] for row in rows[1:]], float)
    baseline, halved, same = values[:, 0], values[:, 3], values[:, 6]
    assert (halved > 1.1 * baseline).all() and same == pytest.approx(baseline)
    unknown = put_csv(bucket, "whatif/unknown.csv", pd.DataFrame({"item_id": ["item0", "caviar"]}))
    failed = analysed(forecast, shop.baseline, **selected(unknown, forecast_role))
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
    npts = single_predictor(forecast, shop.group, "NPTS", ForecastHorizon=SHOP_HORIZON)
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
    refused(
        "ResourceInUseException",
        forecast.delete_what_if_analysis,
        "is being referenced by these resources",
        found,
        WhatIfAnalysisArn=analysis,
    )
    refused("ResourceInUseException", forecast.delete_forecast, shop.baseline, ForecastArn=shop.baseline)
    forecast.delete_what_if_forecast(WhatIfForecastArn=found)
    gone(forecast.describe_what_if_forecast, WhatIfForecastArn=found)
    forecast.delete_resource_tree(ResourceArn=analysis)
    gone(forecast.describe_what_if_analysis, WhatIfAnalysisArn=analysis)
    assert all(
        analysis not in each["WhatIfAnalysisArn"] for each in forecast.list_what_if_forecasts()["WhatIfForecasts"]
    )
