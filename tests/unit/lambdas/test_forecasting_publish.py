"""Publish of the forecasting pipeline, over a small bucket with known answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.lambdas.conftest import FORECASTING, arn, expect_services_messages

_RUN = "20261122T211700_abc"


def _target() -> str:
    """Two weeks of two items; milk sells 10 but 20 on the seventh day of the week, tea 1."""
    days = [f"2026-01-{day:02d}" for day in range(1, 15)]
    return "".join(f"Milk,{day},{20 if i % 7 == 6 else 10}\ntea,{day},1\n" for i, day in enumerate(days))


@pytest.fixture
def event(bucket: Any) -> dict[str, Any]:
    folder = "forecasting/corner-shop/"
    exported = {name: f"{folder}exports/{name}/run={_RUN}/" for name in ("planning", "fan")}
    bucket.objects |= {
        key: text.encode()
        for key, text in {
            f"{folder}target/a.csv": _target(),
            # as recorded: CR LF, a first part with its header alone, empty objects and an empty part beside the parts
            f"{exported['planning']}x_part0.csv": "item_id,date,p10,p50,p90,mean\r\n",
            f"{exported['planning']}x_part1.csv": "item_id,date,p10,p50,p90,mean\r\n"
            "milk,2026-01-15T00:00:00Z,8.0,10.0,12.0,10.5\r\n",
            f"{exported['planning']}_CHECK": "",
            f"{exported['planning']}_SUCCESS": "",
            f"{exported['fan']}x_part0.csv": "item_id,date,p5,p95\r\n",
            f"{exported['fan']}x_part1.csv": "item_id,date,p5,p95\r\nmilk,2026-01-15T00:00:00Z,7.0,13.0\r\n",
            f"{folder}backtests/run={_RUN}/forecasted-values/x_part0.csv": "",
            f"{folder}backtests/run={_RUN}/forecasted-values/x.csv": "item_id,timestamp,target_value,"
            "backtestwindow_start_time,backtestwindow_end_time,mean,p10,p50,p90\n"
            "milk,2026-01-13T00:00:00Z,10,2026-01-13T00:00:00,2026-01-15T00:00:00,12,9,11,13\n"
            "milk,2026-01-14T00:00:00Z,20,2026-01-13T00:00:00,2026-01-15T00:00:00,12,9,11,13\n"
            "tea,2026-01-13T00:00:00Z,3,2026-01-13T00:00:00,2026-01-15T00:00:00,1,1,1,1\n",
        }.items()
    }
    bucket.plan(folder, _RUN)
    return {
        **FORECASTING,
        "run": _RUN,
        "inputs": {"files": {"target": "t"}, "config": "c"},
        "predictorArn": arn("forecast", "predictor/p"),
        "predictors": [{"algorithm": "AutoPredictor", "predictorArn": arn("forecast", "predictor/p")}],
        "backtests": {"folder": f"{folder}backtests/run={_RUN}/"},
        "failed": [],
        "servingArn": arn("forecast", "predictor/p"),
        "training": {"trained": True, "reason": "it is the first"},
        "promotion": {"promoted": True, "reason": "it is the first"},
        "accuracy": [{"algorithm": "AutoPredictor", "AverageWeightedQuantileLoss": 0.1, "wQL[0.5]": 0.1, "WAPE": 0.12}],
        "forecasts": [
            {"name": name, "types": ["0.5"], "folder": folder_, "forecastArn": arn("forecast", f"forecast/{name}")}
            for name, folder_ in exported.items()
        ],
    }


_TABLES = {"planning": "item_id date mean p10 p50 p90", "fan": "item_id date p05 p95"}


def _expect_partitions(stub: Any, event: dict[str, Any]) -> None:
    """Of copies of the exported files, as Milk is written otherwise than the service exports it."""
    expect_services_messages(stub)
    storages = {
        name: {"Location": "s3://results/x/", "Columns": [{"Name": each} for each in columns.split()]}
        for name, columns in _TABLES.items()
    }
    for name, storage in storages.items():
        stub("glue").add_response("get_table", {"Table": {"Name": name, "StorageDescriptor": storage}})
    for name, storage in storages.items():
        folder = f"forecasting/corner-shop/tables/{name}/run={_RUN}/"
        partition = {
            "Values": [_RUN],
            "StorageDescriptor": {**storage, "Location": f"s3://results/{folder}"},
        }
        asked = {"DatabaseName": "storecast_corner_shop", "TableName": name, "PartitionInput": partition}
        stub("glue").add_response("create_partition", {}, asked)


def test_report_summary_pointer_and_partitions(event: dict[str, Any], bucket: Any, stub: Any, context: Any) -> None:
    from forecasting.publish import handler

    _expect_partitions(stub, event)
    summary = handler(event, context)["summary"]
    assert list(bucket.objects)[-1].endswith("/newest.json"), "a run that is stopped before that has published nothing"
    newest = json.loads(bucket.objects["forecasting/corner-shop/newest.json"])
    lookups = newest.pop("lookups")
    assert newest == summary
    assert json.loads(bucket.objects[f"forecasting/corner-shop/runs/{_RUN}/summary.json"]) == summary
    copied = bucket.objects[f"forecasting/corner-shop/tables/planning/run={_RUN}/x_part1.csv"].decode()
    assert copied.split() == ["item_id,date,mean,p10,p50,p90", "Milk,2026-01-15T00:00:00Z,10.5,8.0,10.0,12.0"]
    index = lookups["planning"]
    known = json.loads(bucket.objects[f"{index['folder']}00000.json"])
    [[file, first, last]] = known["series"]["milk"]
    assert bucket.objects[known["files"][file]][first : last + 1].decode() == copied.splitlines(keepends=True)[1]
    assert summary["items"] == 1 and summary["history"]["steps"] == 14
    assert summary["bias"] == pytest.approx((12 + 12 + 1 - 33) / 33)
    report = bucket.objects["forecasting/corner-shop/report.html"].decode()
    assert report == bucket.objects[f"forecasting/corner-shop/runs/{_RUN}/report.html"].decode()
    assert "http" not in report.replace("http-equiv", "") and "Seasonal naive" in report
    data = json.loads(report.split("const DATA=")[1].split(";\n//")[0].replace("<\\/", "</"))
    assert [item["key"] for item in data["items"]] == ["Milk", "tea"]
    milk = data["items"][0]
    assert milk["ahead"]["p05"] == [["2026-01-15T00:00:00", 7.0]]
    assert milk["behind"]["p10"] == [["2026-01-13T00:00:00", 9.0], ["2026-01-14T00:00:00", 9.0]]
    assert milk["error"] == pytest.approx((2 + 8) / 30) and milk["bias"] == pytest.approx((24 - 30) / 30)


def test_publish_lists_each_folder_once(event: dict[str, Any], bucket: Any, stub: Any, context: Any) -> None:
    from forecasting.publish import handler

    _expect_partitions(stub, event)
    handler(event, context)
    assert bucket.listings and bucket.listed_twice() == []


def test_the_item_that_missed_by_most_units_comes_first(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any
) -> None:
    """Milk sells ten times as much as tea, whose backtest is turned into the worse one."""
    from forecasting.publish import handler

    [key] = [key for key, body in bucket.objects.items() if "/forecasted-values/" in key and body]
    bucket.objects[key] = bucket.objects[key].replace(b"tea,2026-01-13T00:00:00Z,3,", b"tea,2026-01-13T00:00:00Z,30,")
    _expect_partitions(stub, event)
    handler(event, context)
    report = bucket.objects["forecasting/corner-shop/report.html"].decode()
    assert report.index("<td>tea</td>") < report.index("<td>Milk</td>")


def test_what_ifs_and_impact_are_in_summary_and_report(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any
) -> None:
    from forecasting.publish import handler

    event |= {
        "scenarioArns": ["a"],
        "whatIf": {
            "scenarios": [{"name": "cheaper", "request": {"WhatIfForecastName": "storecast_x_cheaper_1"}}],
            "export": {"folder": "what-if/"},
        },
        "explained": True,
        "explainability": {"folder": "explainability/"},
    }
    bucket.objects["what-if/x.csv"] = (
        b"item_id,date,Baseline_p50,Baseline_mean,storecast_x_cheaper_1_p50,storecast_x_cheaper_1_mean\n"
        b"milk,2026-01-15T00:00:00Z,1,10,1,14\nmilk,2026-01-16T00:00:00Z,1,10,1,15\ntea,2026-01-15T00:00:00Z,1,5,1,4\n"
    )
    bucket.objects["explainability/x.csv"] = b"brand-NormalizedImpactScore,price-NormalizedImpactScore\n0.1,-0.75\n"
    _expect_partitions(stub, event)
    unmoved = {
        "WhatIfForecastArn": "a",
        "WhatIfForecastName": "cheaper",
        "Status": "ACTIVE",
        "Message": "it moves none",
    }
    stub("forecast").add_response("list_what_if_forecasts", {"WhatIfForecasts": [unmoved]})
    summary = handler(event, context)["summary"]
    assert summary["notes"] == ["what if forecast cheaper: it moves none"]
    assert summary["whatIf"] == [
        {"name": "cheaper", "baseline": 25, "expected": 33, "most": {"key": "Milk", "change": 9}}
    ]
    assert summary["impact"] == [{"attribute": "price", "score": -0.75}, {"attribute": "brand", "score": 0.1}]
    report = bucket.objects["forecasting/corner-shop/report.html"].decode()
    assert "+32.0%" in report and "Milk +9" in report and "-0.750" in report


def test_an_algorithm_that_failed_is_in_summary_and_report(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any
) -> None:
    """A Lambda function's own error comes wrapped, the service's message as it is."""
    from forecasting.publish import handler

    failed = {"algorithm": "CNN-QR", "step": "Wait for predictor", "error": "CREATE_FAILED", "resource": "a"}
    wrapped = json.dumps({"errorMessage": "no <such> one.", "errorType": "InvalidInputException"})
    event["failed"] = [
        {**failed, "message": "not installed"},
        {**failed, "algorithm": "ETS", "step": "Train", "message": wrapped},
    ]
    _expect_partitions(stub, event)
    assert handler(event, context)["summary"]["failed"] == [
        {"algorithm": "CNN-QR", "step": "Wait for predictor", "message": "not installed"},
        {"algorithm": "ETS", "step": "Train", "message": "no <such> one."},
    ]
    report = bucket.objects["forecasting/corner-shop/report.html"].decode()
    assert "CNN-QR failed (Wait for predictor): not installed. ETS failed (Train): no &lt;such&gt; one." in report


def test_yardstick_repeats_the_last_season_before_each_window(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any
) -> None:
    """Milk's week repeats itself, so only tea's 3 against its usual 1 is wrong: |3 - 1| of 33 sold in the window."""
    from forecasting.publish import handler

    _expect_partitions(stub, event)
    yardstick = handler(event, context)["summary"]["accuracy"][1]
    assert yardstick["yardstick"] and yardstick["WAPE"] == pytest.approx(2 / 33)
    assert yardstick["wQL[0.9]"] == pytest.approx(2 * 0.9 * 2 / 33)
    assert yardstick["AverageWeightedQuantileLoss"] == pytest.approx(2 * (0.1 + 0.5 + 0.9) / 3 * 2 / 33)


def test_a_partition_of_an_earlier_attempt_is_fine(event: dict[str, Any], stub: Any, context: Any) -> None:
    from forecasting.publish import handler

    expect_services_messages(stub)
    for columns in _TABLES.values():
        storage = {"Columns": [{"Name": each} for each in columns.split()]}
        stub("glue").add_response("get_table", {"Table": {"Name": "t", "StorageDescriptor": storage}})
    for _ in _TABLES:
        stub("glue").add_client_error("create_partition", "AlreadyExistsException")
    assert handler(event, context)["summary"]["run"] == _RUN


def test_no_item_name_breaks_out_of_the_report() -> None:
    from common.page import page

    text = page("<t>", "s", "", data={"key": "</script><script>alert(1)</script><!--"}, script="")
    assert text.count("</script>") == 1 and "<title>&lt;t&gt;</title>" in text


@pytest.mark.parametrize(
    ("header", "row"),
    [("item_id,date,store,p50", "Milk,2026-01-15T00:00:00Z,North,1.0"), ("item_id,store,date,p50", "Milk,North,x,1.0")],
)
def test_a_series_is_found_whether_the_dimension_is_before_or_after_the_date(header: str, row: str) -> None:
    from forecasting.history import series_key

    event = {"config": {"dimensions": ["store"]}}
    record = dict(zip(header.split(","), row.split(","), strict=True))
    assert series_key(record, event) == ("milk", "north")
