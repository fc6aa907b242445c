"""Explainabilities of a predictor and a forecast, and the monitor that holds forecasts against what came after."""

import numpy as np
import pandas as pd
import pytest

from tests.contract.clients import refused
from tests.contract.forecast_setup import (
    SHOP_DAYS,
    SHOP_HORIZON,
    SHOP_ITEMS,
    auto_predictor,
    import_ended,
    import_from,
    long,
    sample_group,
    single_predictor,
)
from tests.contract.helpers import attributes, ended, eventually, exported_rows, gone, put_csv, unique

INVALID = "InvalidInputException"
ALL = {"TimeSeriesGranularity": "ALL", "TimePointGranularity": "ALL"}
NORMALISED = [f"{name}-NormalizedImpactScore" for name in ("price", "category", "brand")]
RAW = [f"{name}-RawImpactScore" for name in ("price", "category", "brand")]


def explained(forecast, arn: str, **more) -> dict:
    made = forecast.create_explainability(
        **{"ExplainabilityName": unique("why"), "ResourceArn": arn, "ExplainabilityConfig": ALL} | more
    )
    return ended(forecast.describe_explainability, ExplainabilityArn=made["ExplainabilityArn"])


def exported(forecast, explainability: str, bucket: str, role: str) -> pd.DataFrame:
    name = unique("scores")
    job = forecast.create_explainability_export(
        ExplainabilityExportName=name,
        ExplainabilityArn=explainability,
        Destination={"S3Config": {"Path": f"s3://{bucket}/exports/{name}", "RoleArn": role}},
    )["ExplainabilityExportArn"]
    found = ended(forecast.describe_explainability_export, ExplainabilityExportArn=job)
    assert found["Status"] == "ACTIVE", found
    rows = exported_rows(bucket, f"exports/{name}/")
    return pd.DataFrame(rows[1:], columns=rows[0])


def test_a_predictor_reports_which_attribute_moves_its_forecasts(forecast, shop, bucket, forecast_role) -> None:
    """ExplainPredictor made the one Explainability that a predictor may have."""
    about = forecast.describe_auto_predictor(PredictorArn=shop.predictor)["ExplainabilityInfo"]
    found = ended(forecast.describe_explainability, ExplainabilityArn=about["ExplainabilityArn"])
    assert (found["Status"], found["ResourceArn"], found["ExplainabilityConfig"]) == ("ACTIVE", shop.predictor, ALL)
    table = exported(forecast, found["ExplainabilityArn"], bucket, forecast_role)
    assert list(table) == NORMALISED and len(table) == 1
    price, category, brand = table.iloc[0].astype(float)
    assert price == -1 and abs(category) < 0.5 and brand == 0
    refused(INVALID, lambda: explained(forecast, shop.predictor), "already", found["ExplainabilityArn"])
    points = {"ExplainabilityConfig": ALL | {"TimePointGranularity": "SPECIFIC"}}
    refused(INVALID, lambda: explained(forecast, shop.predictor, **points), "must be ALL")


def test_a_forecast_reports_it_for_some_series_at_some_time_points(forecast, shop, bucket, forecast_role) -> None:
    chosen = put_csv(bucket, "insights/chosen.csv", pd.DataFrame({"item_id": ["item3", "item1"]}))
    days = [day.strftime("%Y-%m-%dT%H:%M:%S") for day in shop.ahead[1:3]]
    series = {
        "DataSource": {"S3Config": {"Path": chosen, "RoleArn": forecast_role}},
        "Schema": attributes(item_id="string"),
        "EnableVisualization": True,
    }
    specific = {
        "ExplainabilityConfig": dict.fromkeys(ALL, "SPECIFIC"),
        "StartDateTime": days[0],
        "EndDateTime": days[1],
        **series,
    }
    found = explained(forecast, shop.baseline, **specific)
    assert found["Status"] == "ACTIVE", found
    assert {key: found[key] for key in specific} == specific
    table = exported(forecast, found["ExplainabilityArn"], bucket, forecast_role)
    assert list(table) == ["item_id", "timestamp", *NORMALISED, *RAW]
    total, overall = table.timestamp == "Aggregate", table.item_id == "Aggregate"  # the parts are in no order
    table = table.assign(total=total, overall=overall).sort_values(["overall", "total", "item_id", "timestamp"])
    steps = [f"{day}Z" for day in days]
    assert table[["item_id", "timestamp"]].to_numpy().tolist() == [
        *[["item1", step] for step in steps],
        *[["item3", step] for step in steps],
        ["item1", "Aggregate"],
        ["item3", "Aggregate"],
        ["Aggregate", "Aggregate"],
    ]
    assert (table.iloc[-1][RAW] == "").all() and (table.iloc[:-1][RAW] != "").all().all()
    normalised, raw = table.iloc[:4][NORMALISED].to_numpy(float), table.iloc[:4][RAW].to_numpy(float)
    assert np.abs(normalised).max() == 1 and normalised == pytest.approx(raw / np.abs(raw).max())
    assert (raw[:, 0] < -1).all(), "a high price lowers the forecast"
    late = explained(forecast, shop.baseline, **specific | {"EndDateTime": "2030-01-01T00:00:00"})
    assert late["Status"] == "ACTIVE"
    never = {"StartDateTime": "2029-01-01T00:00:00", "EndDateTime": "2030-01-01T00:00:00"}
    failed = explained(forecast, shop.baseline, **specific | never)
    assert failed["Status"] == "CREATE_FAILED" and "2029-01-01" in failed["Message"]
    for wrong, words in (
        ({"EndDateTime": days[0], "StartDateTime": days[1]}, ["lies after"]),
        ({"Schema": attributes(store="string")}, ["item_id", "store"]),
        ({"ExplainabilityConfig": ALL}, ["StartDateTime", "SPECIFIC", "ALL"]),
    ):
        refused(INVALID, lambda wrong=wrong: explained(forecast, shop.baseline, **specific | wrong), *words)
    soon = specific | {"StartDateTime": "soon"}
    refused("ValidationException", lambda: explained(forecast, shop.baseline, **soon), "'soon'", "startDateTime")


def test_all_series_over_the_complete_horizon(forecast, shop, bucket, forecast_role) -> None:
    found = explained(forecast, shop.baseline)
    table = exported(forecast, found["ExplainabilityArn"], bucket, forecast_role)
    assert list(table) == ["item_id", *NORMALISED, *RAW] and len(table) == SHOP_ITEMS + 1
    only = [{"Key": "ResourceArn", "Value": shop.baseline, "Condition": "IS"}]
    listed = forecast.list_explainabilities(Filters=only)["Explainabilities"]
    assert found["ExplainabilityArn"] in [each["ExplainabilityArn"] for each in listed]
    code = "ResourceInUseException"
    refused(code, forecast.delete_explainability, "export", ExplainabilityArn=found["ExplainabilityArn"])
    forecast.delete_resource_tree(ResourceArn=found["ExplainabilityArn"])
    gone(forecast.describe_explainability, ExplainabilityArn=found["ExplainabilityArn"])


def test_what_has_no_attributes_or_no_auto_predictor_is_not_explained(forecast, shop, bucket, forecast_role) -> None:
    bare = sample_group(forecast, bucket, forecast_role, ("target",))
    refused(INVALID, lambda: auto_predictor(forecast, bare, ExplainPredictor=True), "holidays", "none")
    legacy = single_predictor(forecast, shop.group, "NPTS", ForecastHorizon=SHOP_HORIZON)
    assert ended(forecast.describe_predictor, PredictorArn=legacy)["Status"] == "ACTIVE"
    refused(INVALID, lambda: explained(forecast, legacy), "AutoPredictor")
    refused(INVALID, lambda: explained(forecast, shop.group.arn), "predictor or a forecast")
    create = {"MonitorName": unique("legacy"), "ResourceArn": legacy}
    refused(INVALID, forecast.create_monitor, "AutoPredictor", **create)


def test_a_monitor_evaluates_the_newest_forecast_when_its_days_are_imported(forecast, shop, bucket, forecast_role):
    about = forecast.describe_auto_predictor(PredictorArn=shop.predictor)["MonitorInfo"]
    arn = about["MonitorArn"]
    monitor = forecast.describe_monitor(MonitorArn=arn)
    assert (monitor["Status"], monitor["ResourceArn"]) == ("ACTIVE", shop.predictor)
    baseline = monitor["Baseline"]["PredictorBaseline"]["BaselineMetrics"]
    assert {each["Name"] for each in baseline} == {"AverageWeightedQuantileLoss", "WAPE", "RMSE", "MAPE", "MASE"}
    evaluations = forecast.list_monitor_evaluations
    assert evaluations(MonitorArn=arn)["PredictorMonitorEvaluations"] == []
    covered = 4
    path = put_csv(bucket, "insights/later.csv", long(shop.sold[: SHOP_DAYS + covered]))
    job = import_from(forecast, shop.group.datasets["target"], path, forecast_role)
    assert import_ended(forecast, job)["Status"] == "ACTIVE"
    (found,) = eventually(lambda: evaluations(MonitorArn=arn)["PredictorMonitorEvaluations"])
    assert found["EvaluationState"] == "SUCCESS" and found["NumItemsEvaluated"] == SHOP_ITEMS
    source = {"DatasetImportJobArn": job, "ForecastArn": shop.baseline, "PredictorArn": shop.predictor}
    assert found["MonitorDataSource"] == source
    window = [found[name].strftime("%Y-%m-%d") for name in ("WindowStartDatetime", "WindowEndDatetime")]
    assert window == [str(shop.ahead[0].date()), str(shop.ahead[covered - 1].date())]
    metrics = {each["MetricName"]: each["MetricValue"] for each in found["MetricResults"]}
    values = forecast_values(forecast, shop, bucket, forecast_role)[:, :covered]
    actual = shop.sold.iloc[SHOP_DAYS : SHOP_DAYS + covered].T.sort_index().to_numpy()
    assert metrics["WAPE"] == pytest.approx(np.abs(actual - values).sum() / actual.sum(), rel=1e-4)
    assert metrics["RMSE"] == pytest.approx(np.sqrt(((actual - values) ** 2).mean()), rel=1e-4)
    assert 0 < metrics["AverageWeightedQuantileLoss"] < 1 and metrics["MASE"] > 0
    described = eventually(lambda: forecast.describe_monitor(MonitorArn=arn), lambda seen: seen["Status"] == "ACTIVE")
    assert (described["LastEvaluationState"], described["LastEvaluationTime"]) == ("SUCCESS", found["EvaluationTime"])
    failures = [{"Key": "EvaluationState", "Value": "FAILURE", "Condition": "IS"}]
    assert evaluations(MonitorArn=arn, Filters=failures)["PredictorMonitorEvaluations"] == []


def forecast_values(forecast, shop, bucket: str, role: str) -> np.ndarray:
    """(items, days) the mean of the baseline forecast, as it was exported."""
    name = unique("values")
    job = forecast.create_forecast_export_job(
        ForecastExportJobName=name,
        ForecastArn=shop.baseline,
        Destination={"S3Config": {"Path": f"s3://{bucket}/exports/{name}", "RoleArn": role}},
    )["ForecastExportJobArn"]
    assert ended(forecast.describe_forecast_export_job, ForecastExportJobArn=job)["Status"] == "ACTIVE"
    forecast.delete_forecast_export_job(ForecastExportJobArn=job)
    rows = exported_rows(bucket, f"exports/{name}/")
    table = pd.DataFrame(rows[1:], columns=rows[0])
    return table.pivot(index="item_id", columns="date", values="mean").sort_index().to_numpy(float)


def _monitors(forecast, status: str) -> list[str]:
    """The ARNs of all monitors of this status."""
    wanted = [{"Key": "Status", "Value": status, "Condition": "IS"}]
    return [each["MonitorArn"] for each in forecast.list_monitors(Filters=wanted)["Monitors"]]


def test_a_monitor_stops_and_resumes(forecast, shop) -> None:
    arn = forecast.describe_auto_predictor(PredictorArn=shop.predictor)["MonitorInfo"]["MonitorArn"]
    twice = {"MonitorName": unique("twice"), "ResourceArn": shop.predictor}
    refused(INVALID, forecast.create_monitor, "already", arn, **twice)
    refused(INVALID, forecast.resume_resource, "ACTIVE", ResourceArn=arn)
    refused(INVALID, forecast.resume_resource, "no stopped monitor", ResourceArn=shop.predictor)
    forecast.stop_resource(ResourceArn=arn)
    describe = forecast.describe_monitor
    eventually(lambda: describe(MonitorArn=arn)["Status"], lambda status: status == "ACTIVE_STOPPED")
    assert arn in _monitors(forecast, "ACTIVE_STOPPED") and arn not in _monitors(forecast, "ACTIVE")
    forecast.resume_resource(ResourceArn=arn)
    assert describe(MonitorArn=arn)["Status"] == "ACTIVE"


def test_a_retrained_predictor_keeps_its_history(forecast, shop, bucket, forecast_role) -> None:
    """After the evaluation above, with prices for the days after the new ones: its monitor lists evaluations alone, as
    recorded, and the first one after the retraining carries the event."""
    further = pd.concat([shop.prices, shop.prices[-SHOP_HORIZON:].shift(freq=f"{SHOP_HORIZON}D")])
    path = put_csv(bucket, "insights/prices.csv", long(further))
    job = import_from(forecast, shop.group.datasets["related"], path, forecast_role)
    assert import_ended(forecast, job)["Status"] == "ACTIVE"
    name = unique("anew")
    arn = forecast.create_auto_predictor(PredictorName=name, ReferencePredictorArn=shop.predictor)["PredictorArn"]
    found = ended(forecast.describe_auto_predictor, PredictorArn=arn)
    assert found["Status"] == "ACTIVE", found
    monitor = found["MonitorInfo"]["MonitorArn"]
    assert f":monitor/{name}_" in monitor
    earlier = forecast.list_monitor_evaluations(MonitorArn=monitor)["PredictorMonitorEvaluations"]
    assert earlier and {each["MonitorDataSource"]["PredictorArn"] for each in earlier} == {shop.predictor}
    made = forecast.create_forecast(ForecastName=unique("anew"), PredictorArn=arn)["ForecastArn"]
    assert ended(forecast.describe_forecast, ForecastArn=made)["Status"] == "ACTIVE"
    covered = len(shop.sold) - SHOP_DAYS
    sold = shop.sold.copy()
    sold.index = sold.index + pd.Timedelta(days=covered)
    path = put_csv(bucket, "insights/anew.csv", long(pd.concat([shop.sold, sold[-covered:]])))
    job = import_from(forecast, shop.group.datasets["target"], path, forecast_role)
    assert import_ended(forecast, job)["Status"] == "ACTIVE"
    newest, *rest = eventually(
        lambda: forecast.list_monitor_evaluations(MonitorArn=monitor)["PredictorMonitorEvaluations"],
        lambda seen: len(seen) > len(earlier),
    )
    assert (newest["PredictorEvent"]["Detail"], newest["ResourceArn"], rest) == ("Retrain", arn, earlier)
    assert newest["MonitorDataSource"]["DatasetImportJobArn"] == job
    forecast.delete_monitor(MonitorArn=monitor)
    gone(forecast.describe_monitor, MonitorArn=monitor)
    assert "MonitorInfo" not in forecast.describe_auto_predictor(PredictorArn=arn)
    forecast.delete_resource_tree(ResourceArn=arn)


def test_a_monitor_reports_why_an_evaluation_failed(forecast, shop, bucket, forecast_role) -> None:
    """New data without any value; the monitor goes on with the data after it."""
    arn = forecast.describe_auto_predictor(PredictorArn=shop.predictor)["MonitorInfo"]["MonitorArn"]
    sold = long(shop.sold[: SHOP_DAYS + 1].astype(float))
    for name, frame, state in (("none", sold.assign(value=np.nan), "FAILURE"), ("some", sold, "SUCCESS")):
        path = put_csv(bucket, f"insights/{name}.csv", frame)
        job = import_from(forecast, shop.group.datasets["target"], path, forecast_role)
        assert import_ended(forecast, job)["Status"] == "ACTIVE"
        newest = eventually(
            lambda: forecast.list_monitor_evaluations(MonitorArn=arn)["PredictorMonitorEvaluations"][0],
            lambda each, job=job: each["MonitorDataSource"]["DatasetImportJobArn"] == job,
        )
        assert newest["EvaluationState"] == state, newest
        assert ("holds no value of 'demand'" in newest.get("Message", "")) == (state == "FAILURE")
        described = eventually(
            lambda: forecast.describe_monitor(MonitorArn=arn), lambda seen: seen["Status"] == "ACTIVE"
        )
        assert described["LastEvaluationState"] == state
