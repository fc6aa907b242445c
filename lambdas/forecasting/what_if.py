"""What the run's what-if forecasts say, read from their export."""

from __future__ import annotations

from collections import defaultdict

from common.store import records
from forecasting.history import History, Key, series_key
from forecasting.payload import Forecasted
from forecasting.summary import Move, ScenarioTotals


def what_ifs(event: Forecasted, history: History) -> list[ScenarioTotals]:
    """Per scenario the demand expected over the horizon, that of the forecast as it is, and the series that moves most.

    Demand is the mean where the forecast has one, the median otherwise.
    """
    if not event.get("scenarioArns"):
        return []
    planned = event["whatIf"]
    names = {each["name"]: each["request"]["WhatIfForecastName"].lower() for each in planned["scenarios"]}
    totals: dict[str, dict[Key, list[float]]] = {name: defaultdict(lambda: [0.0, 0.0]) for name in names}
    for record in records(event["resultsBucket"], planned["export"]["folder"]):
        key, row = series_key(record, event), {column.lower(): value for column, value in record.items()}
        kind = "mean" if "baseline_mean" in row else "p50"
        for name, label in names.items():
            of_series = totals[name][key]
            of_series[0] += float(row[f"baseline_{kind}"])
            of_series[1] += float(row[f"{label}_{kind}"])
    return [_scenario(name, of_series, history) for name, of_series in totals.items()]


def _scenario(name: str, of_series: dict[Key, list[float]], history: History) -> ScenarioTotals:
    baseline, expected = (sum(values) for values in zip(*of_series.values(), strict=True))
    key, (before, after) = max(of_series.items(), key=lambda each: abs(each[1][1] - each[1][0]))
    most: Move = {"key": history.label(key), "change": after - before}
    return {"name": name, "baseline": baseline, "expected": expected, "most": most}
