"""Monitors of AutoPredictors: each import of target data evaluates the newest forecast that it covers.

Sources: docs/aws-sources.md#forecast-predictor-monitoring, docs/aws-sources.md#forecast-API_CreateMonitor,
docs/aws-sources.md#forecast-API_PredictorMonitorEvaluation.
"""

import time
from functools import partial
from typing import Any

from localaws.errors import invalid
from localaws.jobs import Result
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.forecast import schema
from localaws.services.forecast.api import datasets
from localaws.services.forecast.jobs import monitors as jobs
from localaws.services.forecast.private import ImportedDataset, MonitorPrivate
from localaws.services.forecast.resource_types import FORECAST, UPDATING, filtered, newest_of
from localaws.services.forecast.resource_types import MONITOR_STATES as STATES


def create_monitor(context: Context, params: dict) -> dict:
    predictor = FORECAST.get(context, "Predictor", params["ResourceArn"], active=True)
    if not predictor.record["IsAutoPredictor"]:
        raise invalid(f"A monitor needs an AutoPredictor, which {predictor.arn} is not")
    other = newest_of(context, "Monitor", predictor)
    if other:
        raise invalid(f"Predictor {predictor.arn} is monitored already, by {other.arn}")
    return {"MonitorArn": monitor(context, params, predictor.private).arn}


def monitor(context: Context, params: dict, trained: dict, former: Resource | None = None) -> Resource:
    """A monitor of the predictor params["ResourceArn"]; `trained["evaluation"]` holds its backtest's metrics.

    `former` is the monitor of the predictor that it was retrained from: its evaluations stay, and the first one after
    them carries the event (recorded lists hold evaluations alone).
    """
    metrics = trained["evaluation"][0]["TestWindows"][0]["Metrics"]
    (errors,) = metrics["ErrorMetrics"]
    values = {"AverageWeightedQuantileLoss": metrics.get("AverageWeightedQuantileLoss")} | errors
    baseline = [{"Name": name, "Value": value} for name, value in values.items() if isinstance(value, float)]
    made = FORECAST.create(
        context, "Monitor", params, STATES.done, Baseline={"PredictorBaseline": {"BaselineMetrics": baseline}}
    )
    if former:
        event = {"Detail": "Retrain", "Datetime": time.time()}
        FORECAST.keep(context, made.arn, evaluations=_evaluations(former), event=event)
    return made


def describe_monitor(context: Context, params: dict) -> dict:
    found = FORECAST.get(context, "Monitor", params["MonitorArn"])
    last = next(iter(_evaluations(found)), {})
    return FORECAST.view(found) | {
        "LastEvaluationTime": last.get("EvaluationTime"),
        "LastEvaluationState": last.get("EvaluationState"),
    }


def list_evaluations(context: Context, params: dict) -> dict:
    """The newest first."""
    found = FORECAST.get(context, "Monitor", params["MonitorArn"])
    listed, token = FORECAST.page(_evaluations(found), filtered(("EvaluationState",), params), params)
    return {"PredictorMonitorEvaluations": listed, "NextToken": token}


def resume(context: Context, params: dict) -> None:
    """Only monitors can be resumed, and only stopped ones (docs/aws-sources.md#forecast-API_ResumeResource)."""
    resource = FORECAST.existing(context, params["ResourceArn"])
    if resource.type != "Monitor" or resource.status != STATES.stopped:
        raise invalid(f"{resource.arn} is no stopped monitor: it is a {resource.type} that is {resource.status}")
    context.store.update(resource.arn, STATES.done)


def evaluate(context: Context, dataset: Resource, job: str) -> None:
    """Starts the evaluations that an import of target data brings about."""
    if dataset.record["DatasetType"] != schema.TARGET:
        return
    for each in FORECAST.of_type(context, "Monitor", lambda found: found.status == STATES.done):
        predictor = FORECAST.get(context, "Predictor", each.record["ResourceArn"])
        group = FORECAST.get(context, "DatasetGroup", predictor.record["DatasetGroupArn"])
        if dataset.arn in group.record["DatasetArns"]:
            _evaluate(context, each, predictor, datasets.group_datasets(context, group)[schema.TARGET], job)


def _evaluate(context: Context, found: Resource, predictor: Resource, target: ImportedDataset, job: str) -> None:
    forecasts = FORECAST.of_type(
        context,
        "Forecast",
        lambda each: each.record["PredictorArn"] == predictor.arn and each.status == STATES.done,
    )
    source = {"DatasetImportJobArn": job, "PredictorArn": predictor.arn}
    about: dict[str, Any] = {
        "ResourceArn": predictor.arn,
        "MonitorArn": found.arn,
        "EvaluationTime": time.time(),
        "MonitorDataSource": source,
    }

    def note(result: Result) -> None:
        """The job finds no result where the data covers no forecast yet."""
        if evaluation := result.record.pop("evaluation", None):
            source = about["MonitorDataSource"] | {"ForecastArn": evaluation.pop("ForecastArn")}
            done = about | {"EvaluationState": "SUCCESS", "MonitorDataSource": source} | evaluation
            result.private = dict(_with(context.store.get(found.arn), done))

    folders = {each.arn: context.store.folder(each.arn) for each in reversed(forecasts)}
    context.jobs.submit(
        found.arn,
        jobs.evaluate,
        jobs.Evaluate(target, predictor.private["settings"], folders),
        then=note,
        mark=partial(_mark, context, about),
    )


def _mark(context: Context, about: dict, status: str, message: str | None = None) -> None:
    """A monitor at work is UPDATE_IN_PROGRESS, and ACTIVE again however the work ends, unless it was stopped."""
    found = context.store.get(about["MonitorArn"])
    private: MonitorPrivate = {}
    if status == STATES.failed:
        failure = about | {"EvaluationState": "FAILURE", "Message": message}
        private = _with(found, failure)
    if found.status not in (STATES.stopping, STATES.stopped):
        shown = UPDATING if status == STATES.in_progress else STATES.done
        context.store.update(found.arn, shown, private)


def _with(found: Resource, evaluation: dict) -> MonitorPrivate:
    """The monitor's evaluations with a new one, which carries what happened to the predictor before it."""
    event = found.private.get("event")
    carried = {"PredictorEvent": event} if event else {}
    return {"evaluations": [evaluation | carried, *_evaluations(found)], "event": {}}


def _evaluations(found: Resource) -> list[dict]:
    kept: MonitorPrivate = found.private
    return kept.get("evaluations", [])
