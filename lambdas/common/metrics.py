"""Figures of a run as CloudWatch metrics (namespace Storecast), written to the log in embedded metric format."""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit


def put(figures: Mapping[str, float | None], **dimensions: str) -> None:
    """One value per figure; those that are None are left out."""
    found = {name: value for name, value in figures.items() if value is not None}
    if not found:
        return
    metrics = EphemeralMetrics(namespace="Storecast", service="storecast")
    for name, dimension in dimensions.items():
        metrics.add_dimension(name=name, value=dimension)
    for name, value in found.items():
        metrics.add_metric(name=name, unit=MetricUnit.NoUnit, value=value)
    metrics.flush_metrics()
