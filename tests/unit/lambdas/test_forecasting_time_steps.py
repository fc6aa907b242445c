"""Actuals are on the predictor's time steps, aggregated and filled as there: yardstick, chart, scores and drift."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storecast_engines.forecasting import build_panel
from tests.unit.lambdas.conftest import FORECASTING, arn, expect_services_messages

_RUN = "20261122T211700_abc"
_FOLDER = "forecasting/corner-shop/"
_PREDICTOR = arn("forecast", "predictor/p")
Series = Mapping[str, Sequence[tuple[str, float]]]  # by item: moments and values


def _csv(header: str, rows: Iterator[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([*([header.split(",")] if header else []), *rows])
    return text.getvalue().encode()


def _event(bucket: Any, sold: Series, expected: Series, tested: Series, **config: Any) -> dict[str, Any]:
    """A run that sold and expected these, in backtests of one window the `tested` values, which were there, too."""
    exports, backtests = f"{_FOLDER}exports/planning/run={_RUN}/", f"{_FOLDER}backtests/run={_RUN}/"
    first = min((moment for values in tested.values() for moment, _ in values), default="")
    bucket.objects |= {
        f"{_FOLDER}target/a.csv": _csv("", ((item, *each) for item, values in sold.items() for each in values)),
        f"{exports}x.csv": _csv(
            "item_id,date,p50,mean",
            ((item, f"{moment}Z", v, v) for item, values in expected.items() for moment, v in values),
        ),
        f"{backtests}forecasted-values/x.csv": _csv(
            "item_id,timestamp,target_value,backtestwindow_start_time,backtestwindow_end_time,mean,p50",
            ((item, f"{when}Z", v, first, first, v, v) for item, values in tested.items() for when, v in values),
        ),
    }
    bucket.plan(_FOLDER, _RUN)
    forecast = {
        "name": "planning",
        "types": ["0.5", "mean"],
        "folder": exports,
        "forecastArn": arn("forecast", "forecast/planning"),
    }
    inputs = {"files": {"target": "t"}, "config": "c"}
    made = {"planning": {"forecastArn": "f", "exports": f"s3://results/{exports}"}}
    return {
        **FORECASTING,
        "config": {**FORECASTING["config"], "filling": {}, "quantiles": ["0.5"], **config},
        "run": _RUN,
        "inputs": {"files": {"target": "t2"}, "config": "c"},
        "serving": {"run": "before", "predictorArn": _PREDICTOR, "forecasts": made, "inputs": inputs},
        "predictors": [{"algorithm": "AutoPredictor", "predictorArn": _PREDICTOR}],
        "predictorArn": _PREDICTOR,
        "servingArn": _PREDICTOR,
        "backtests": {"folder": backtests},
        "failed": [],
        "training": {"trained": True, "reason": "it is the first"},
        "promotion": {"promoted": True, "reason": "it is the first"},
        "accuracy": [{"algorithm": "AutoPredictor", "WAPE": 0.12}],
        "forecasts": [forecast],
    }


def _published(stub: Any, context: Any, bucket: Any, event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The summary, and by item what the chart shows."""
    from forecasting.publish import handler

    expect_services_messages(stub)
    columns = [{"Name": name} for name in ("item_id", "date", "p50", "mean")]
    stub("glue").add_response("get_table", {"Table": {"Name": "t", "StorageDescriptor": {"Columns": columns}}})
    stub("glue").add_response("create_partition", {})
    summary = handler(event, context)["summary"]
    data = bucket.objects[f"{_FOLDER}report.html"].decode().split("const DATA=")[1].split(";\n//")[0]
    return summary, {item["key"]: item for item in json.loads(data.replace("<\\/", "</"))["items"]}


def _scored(stub: Any, context: Any, event: dict[str, Any]) -> dict[str, Any]:
    from forecasting.compare import handler

    metrics = {
        "AverageWeightedQuantileLoss": 0.2,
        "WeightedQuantileLosses": [{"Quantile": 0.5, "LossValue": 0.2}],
        "ErrorMetrics": [{"ForecastType": "mean", "WAPE": 0.2}],
    }
    window = {"EvaluationType": "SUMMARY", "Metrics": metrics}
    found = {"PredictorEvaluationResults": [{"TestWindows": [window]}]}
    stub("forecast").add_response("get_accuracy_metrics", found, {"PredictorArn": _PREDICTOR})
    drift = {"factor": 1.5, "metric": "WAPE"}
    return handler({**event, "part": "actuals", "config": {**event["config"], "drift": drift}}, context)


def _days(first: str, count: int, by: int = 1) -> list[str]:
    return [f"{date.fromisoformat(first) + timedelta(days=by * at)}" for at in range(count)]


def _midnight(days: Sequence[str]) -> list[str]:
    return [f"{day}T00:00:00" for day in days]


# Three ways to write the same steps: rows as people have them, frequency, boundary, and the steps that they are in.
_HOURS = [f"{datetime(2025, 1, 1) + timedelta(hours=hour)}" for hour in range(24 * 28)]
_CASES = {
    "weeks that are dated on their Sundays": ("W", {}, _days("2023-01-01", 110, 7), _days("2022-12-26", 110, 7)),
    "weeks that begin on Sunday": ("W", {"DayOfWeek": "SUNDAY"}, *[_days("2023-01-01", 110, 7)] * 2),
    "month ends": (
        "M",
        {},
        [f"{day.date()}" for day in pd.date_range("2021-01-31", periods=40, freq="ME")],
        [f"{day.date()}" for day in pd.date_range("2021-01-01", periods=40, freq="MS")],
    ),
    "hours under D": ("D", {}, _HOURS, _days("2025-01-01", 28)),
    "days that begin at six": ("D", {"Hour": 6}, _HOURS[6:-18], [f"{day}T06:00:00" for day in _days("2025-01-01", 27)]),
}


@pytest.mark.parametrize("name", _CASES)
def test_yardstick_and_chart_hold_the_steps_that_the_predictor_saw(
    bucket: Any, stub: Any, context: Any, name: str
) -> None:
    """A constant sale: the seasonal naive is right about it, and a step's value is the sum of its rows."""
    frequency, boundary, moments, steps = _CASES[name]
    starts = steps if "T" in steps[0] else _midnight(steps)
    each = len(moments) // len(steps)  # rows of 1 in a step
    ahead = [(start, each) for start in starts[-2:]]
    sold = {"a": [(moment, 1) for moment in moments]}
    event = _event(
        bucket, sold, {"a": ahead}, {"a": ahead}, frequency=frequency, horizon=2, time_alignment_boundary=boundary
    )
    summary, chart = _published(stub, context, bucket, event)
    assert summary["history"] == {"from": starts[0], "to": starts[-1], "steps": len(steps)}
    naive = [row["WAPE"] for row in summary["accuracy"] if row.get("yardstick")]
    assert naive == [0]
    assert chart["a"]["past"] == [[start, each] for start in starts[-28:]]
    assert chart["a"]["volume"] == len(moments)
    assert [when for when, _ in chart["a"]["ahead"]["p50"]] == starts[-2:]


@pytest.mark.parametrize("name", _CASES)
def test_a_jump_is_scored_and_trains_however_its_steps_are_dated(
    bucket: Any, stub: Any, context: Any, name: str
) -> None:
    """Expected were as many as the rows of each of the last two steps; twice and four times as many came in."""
    frequency, boundary, moments, steps = _CASES[name]
    starts = steps if "T" in steps[0] else _midnight(steps)
    each = len(moments) // len(steps)
    sold = [(moment, 1) for moment in moments[: -2 * each]]
    sold += [(moment, 2) for moment in moments[-2 * each : -each]] + [(moment, 4) for moment in moments[-each:]]
    expected = {"a": [(start, each) for start in starts[-2:]]}
    event = _event(bucket, {"a": sold}, expected, {}, frequency=frequency, time_alignment_boundary=boundary)
    answer = _scored(stub, context, event)
    assert answer["score"]["measured"]["WAPE"] == pytest.approx((1 + 3) / (2 + 4))
    assert (answer["score"]["from"], answer["score"]["to"]) == tuple(starts[-2:])
    assert answer["training"]["trained"] and "0.6667" in answer["training"]["reason"]


def test_a_day_without_rows_counts_as_filling_says(bucket: Any, stub: Any, context: Any) -> None:
    """Nothing of a was recorded on the 2nd, between its sales, nor on the 4th, after them, when b was sold."""
    days = _days("2026-01-01", 4)
    sold = {"a": [(days[0], 6), (days[2], 2)], "b": [(day, 1) for day in days]}
    expected = {"a": [(day, 5) for day in _midnight(days)]}
    wape = {
        "zero": (1 + 5 + 3 + 5) / 8,
        "nan": (1 + 3) / 8,
        "value": (1 + 2 + 3 + 2) / (6 + 7 + 2 + 7),
        "mean": (1 + 1 + 3 + 1) / (6 + 6 + 2 + 4),  # of what was recorded before: 6, and 6 and 2
    }
    for method, right in wape.items():
        filling = {kind: method for kind in ("middlefill", "backfill")}
        if method == "value":
            filling |= {"middlefill_value": "7", "backfill_value": "7"}
        event = _event(bucket, sold, expected, {}, filling={"demand": filling})
        assert _scored(stub, context, event)["score"]["measured"]["WAPE"] == pytest.approx(right), method


_BOUNDARIES = {
    "W": {"DayOfWeek": "SATURDAY"},
    "M": {"DayOfMonth": 15},
    "Y": {"Month": "APRIL", "DayOfMonth": 6},
    "D": {"Hour": 5},
}
_METHODS = ("zero", "nan", "value", "median", "mean", "min", "max")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_history_is_that_of_the_engines(data: st.DataObject) -> None:
    """Every value of every series at every step, over random rows, frequencies, boundaries and rules."""
    from forecasting.history import read

    frequency = data.draw(st.sampled_from(["D", "W", "M", "Y", "H", "30min", "2W", "3M", "6H", "4D"]))
    boundary = data.draw(st.sampled_from([{}, _BOUNDARIES.get(frequency, {})]))
    spread = {"min": 3, "H": 9, "D": 40, "W": 200, "M": 900, "Y": 2500}[frequency.lstrip("0123456789")]
    minutes = st.integers(0, spread * 1440).map(lambda after: datetime(2019, 12, 25) + timedelta(minutes=after))
    values = st.integers(-5, 50).map(float)
    rows = data.draw(st.lists(st.tuples(st.sampled_from("ab"), minutes, values), min_size=1, max_size=30))
    rules = {
        "aggregation": data.draw(st.sampled_from(["sum", "avg", "first", "min", "max"])),
        **{kind: data.draw(st.sampled_from(_METHODS)) for kind in ("middlefill", "backfill")},
    }
    rules |= {f"{kind}_value": "3" for kind in ("middlefill", "backfill") if rules[kind] == "value"}
    panel = build_panel(
        pd.DataFrame(rows, columns=["item_id", "timestamp", "demand"]),
        None,
        None,
        item_key="item_id",
        target_name="demand",
        freq=frequency,
        horizon=1,
        transformations={"demand": rules},
        boundary=boundary,
    )
    config = {"frequency": frequency, "time_alignment_boundary": boundary, "filling": {"demand": rules}}

    class Rows:
        @staticmethod
        def observations(steps: Any) -> Iterator[tuple[tuple[str], int, str, float | None]]:
            yield from (((item,), steps.number(str(when)), str(when), value) for item, when, value in rows)

    history = read(Rows, {"config": config, "domain": {"target": "demand"}}, lambda key, step: True)
    steps = range(history.start, history.end + 1)
    assert [history.steps.text(step) for step in steps] == [f"{when:%Y-%m-%dT%H:%M:%S}" for when in panel.timestamps]
    for key, of_series in zip(panel.keys["item_id"], panel.target, strict=True):
        mine = [history.value((key,), step) for step in steps]
        assert mine == pytest.approx([None if pd.isna(value) else value for value in of_series])
