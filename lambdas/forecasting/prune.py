"""What earlier runs made and no longer serves goes before a run makes anything, so that no quota is ever reached.

Forecast allows 10 forecasts by default (docs/aws-sources.md#forecast-limits); failed runs leave some behind too, so
this is no matter of success.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from common import deliveries
from common.names import RUN_ID_LENGTH, forecast_name
from common.payload import AwsJson
from common.resources import attempt, summaries
from common.step import logger
from forecasting.payload import Plan

# of an account by default (docs/aws-sources.md#forecast-limits); forecasts that a message names
_MOST_FORECASTS, _NAMED = 10, 5


def prune(forecast: Any, event: Plan, group: str) -> list[str]:
    """The ARNs whose deletion began: all that is not of the serving run or the newest others, `keep - 1` runs in all.

    The run at hand becomes the last of the `keep`. A predictor stays as long as a forecast of it does, and the newest
    import of a dataset stays: it is what forecasts are made from (docs/aws-sources.md#forecast-updating-data). Exported
    files in S3 stay too. What is in progress is left to the next run. Deleting a predictor deletes its tree
    (docs/aws-sources.md#forecast-delete-resource).
    """
    prefix = forecast_name(event["dataset"], "")
    listed = {kind: summaries(forecast, kind.lower()) for kind in ("Predictor", "Forecast")}
    predictors, forecasts = (
        {
            found[f"{kind}Arn"]: found
            for found in there
            if found["DatasetGroupArn"] == group and found[f"{kind}Name"].startswith(prefix)
        }
        for kind, there in listed.items()
    )
    serving = event["serving"]
    serving_run = serving["run"] if serving else ""
    of_runs = sorted({_run(found["ForecastName"]) for found in forecasts.values() if found["Status"] == "ACTIVE"})
    others = [run for run in reversed(of_runs) if run not in (serving_run, event["run"])]
    runs = {event["run"], *[run for run in (serving_run, *others) if run][: event["config"]["keep"] - 1]}

    kept = {made["forecastArn"] for made in serving["forecasts"].values()} if serving else set()
    kept |= {arn for arn, found in forecasts.items() if _run(found["ForecastName"]) in runs}
    needed = {found["PredictorArn"] for arn, found in forecasts.items() if arn in kept}
    needed |= {serving["predictorArn"]} if serving else set()
    needed |= {arn for arn, found in predictors.items() if _run(found["PredictorName"]) in runs}

    going = forecasts.keys() - kept
    _check_room(event, [each for each in listed["Forecast"] if each["ForecastArn"] not in going])

    trees = [arn for arn in predictors if arn not in needed]
    trees += [arn for arn, found in forecasts.items() if arn not in kept and found["PredictorArn"] in needed]
    imports = _old_imports(forecast, event, runs)
    gone = [arn for arn in trees if attempt(forecast, forecast.delete_resource_tree, ResourceArn=arn)]
    gone += [arn for arn in imports if attempt(forecast, forecast.delete_dataset_import_job, DatasetImportJobArn=arn)]
    logger.info("pruned", extra={"pruned": gone})
    return gone


def _check_room(event: Plan, staying: Sequence[AwsJson]) -> None:
    """Raises ValueError before anything is imported or trained, if the account has no room for the run's forecasts
    beside those that stay: a full quota of forecasts does not empty by waiting."""
    there = {found["ForecastName"] for found in staying if not found["Status"].startswith("DELETE")}
    names = [each["request"]["ForecastName"] for each in event.get("forecasts", ())]
    new = [name for name in names if name not in there]
    most = event["config"].get("most_forecasts", _MOST_FORECASTS)
    if len(there) + len(new) <= most:
        return
    prefix = forecast_name(event["dataset"], "")
    others = sorted(name for name in there if not name.startswith(prefix))
    named = ", ".join(others[:_NAMED]) or "none"
    raise ValueError(
        f"the run makes {len(new)} forecasts, and {len(there)} are there and stay, {len(others)} of them of others "
        f"({named}): an account may have {most} of all datasets; delete some, lower keep or the number of forecasts of "
        "a dataset, or have the quota raised (Service Quotas, Amazon Forecast) and write the new one as "
        "most_forecasts; then start with {}"
    )


def _old_imports(forecast: Any, event: Plan, runs: set[str]) -> list[str]:
    named = functools.partial(forecast_name, event["dataset"])
    old = []
    for ours in deliveries.imports(forecast, event["config"]["datasets"], named).values():
        newest = next((job for job in reversed(ours) if job.status == "ACTIVE"), None)
        old += [job.arn for job in reversed(ours) if job is not newest and _run(job.name) not in runs]
    return old


def _run(name: str) -> str:
    return name[-RUN_ID_LENGTH:]
