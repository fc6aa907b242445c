"""What the run's what-if forecasts say, read from their export."""

from __future__ import annotations

from collections import defaultdict

from common.store import records
from forecasting.history import History, Key, series_key
from forecasting.payload import Publishing, WhatIfFiles
from forecasting.summary import Move, ScenarioTotals


def what_ifs(event: Publishing, history: History) -> list[ScenarioTotals]:
    """Per scenario the demand expected over the horizon, that of the forecast as it is, and the series that moves most.

    Demand is the mean where the forecast has one, the median otherwise.
    """
    made = event.get("scenarios") if "jobResult" in event else event.get("scenarioArns")
    if not made:
        return []
    files = _files(event)
    names = {each["name"]: each["label"].lower() for each in files["scenarios"]}
    totals: dict[str, dict[Key, list[float]]] = {name: defaultdict(lambda: [0.0, 0.0]) for name in names}
    for record in records(event["resultsBucket"], files["folder"]):
        key, row = series_key(record, event), {column.lower(): value for column, value in record.items()}
        kind = "mean" if "baseline_mean" in row else "p50"
        for name, label in names.items():
            of_series = totals[name][key]
            of_series[0] += float(row[f"baseline_{kind}"])
            of_series[1] += float(row[f"{label}_{kind}"])
    return [_scenario(name, of_series, history) for name, of_series in totals.items()]


def _files(event: Publishing) -> WhatIfFiles:
    """Where they are; the columns that Forecast exports begin with the name of the what-if forecast."""
    planned = event["whatIf"]
    if "export" not in planned:
        return planned
    return {
        "folder": planned["export"]["folder"],
        "scenarios": [
            {"name": each["name"], "label": each["request"]["WhatIfForecastName"]} for each in planned["scenarios"]
        ],
    }


def _scenario(name: str, of_series: dict[Key, list[float]], history: History) -> ScenarioTotals:
    baseline, expected = (sum(values) for values in zip(*of_series.values(), strict=True))
    key, (before, after) = max(of_series.items(), key=lambda each: abs(each[1][1] - each[1][0]))
    most: Move = {"key": history.label(key), "change": after - before}
    return {"name": name, "baseline": baseline, "expected": expected, "most": most}
