"""What the run's what-if forecasts and its explainability say, read from their exports."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from common.store import records
from forecasting.history import series_key

_SCORE = "-normalizedimpactscore"


def what_ifs(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Per scenario the demand expected over the horizon, that of the forecast as it is, and the series that moves most.

    Demand is the mean where the forecast has one, the median otherwise.
    """
    if not event.get("scenarioArns"):
        return []
    order = event["whatIf"]
    names = {scenario["name"]: scenario["request"]["WhatIfForecastName"].lower() for scenario in order["scenarios"]}
    totals: dict[str, dict[tuple[str, ...], list[float]]] = {name: defaultdict(lambda: [0.0, 0.0]) for name in names}
    for record in records(event["resultsBucket"], order["export"]["folder"]):
        key, row = series_key(record, event), {column.lower(): value for column, value in record.items()}
        kind = "mean" if "baseline_mean" in row else "p50"
        for name, label in names.items():
            of_series = totals[name][key]
            of_series[0] += float(row[f"baseline_{kind}"])
            of_series[1] += float(row[f"{label}_{kind}"])
    return [_scenario(name, of_series) for name, of_series in totals.items()]


def _scenario(name: str, of_series: dict[tuple[str, ...], list[float]]) -> dict[str, Any]:
    baseline, expected = (sum(values) for values in zip(*of_series.values(), strict=True))
    key, (before, after) = max(of_series.items(), key=lambda each: abs(each[1][1] - each[1][0]))
    most = {"key": " / ".join(key), "change": after - before}
    return {"name": name, "baseline": baseline, "expected": expected, "most": most}


def impact(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Each attribute's normalised impact score on the predictor, the strongest first (predictor-explainability.md)."""
    if "explainabilityArn" not in event:
        return []
    row = next(iter(records(event["resultsBucket"], event["explainability"]["folder"])), {})
    scores = [
        {"attribute": column[: -len(_SCORE)], "score": float(value)}
        for column, value in row.items()
        if column.lower().endswith(_SCORE) and value
    ]
    return sorted(scores, key=lambda each: -abs(each["score"]))
