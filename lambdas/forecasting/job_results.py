"""What the forecasting job on Glue leaves: result.json (storecast_engines.distributed.Result) beside its files, and the
predictors of earlier runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any, TypedDict

from common.clients import client
from common.store import get_json, listed
from forecasting.payload import AccuracyRow, Publishing

ENSEMBLE = "AutoPredictor"
PREDICTOR_VERSION = 1  # that this release reads (storecast_engines.distributed.predictors)
_LONGEST, _NAMED = 600, 5  # characters of a message, series and files that messages name
_AT_ONCE = 1000  # objects of one DeleteObjects


class JobResult(TypedDict):
    """As far as the steps read it."""

    leaderboard: dict[str, dict[str, float | None]]
    quarantined: list[dict[str, Any]]
    failures: int
    failed: list[dict[str, str]]
    messages: list[str]


class Unusable(Exception):
    """A predictor that this release can't forecast by; the message says why."""


def leaderboard(predictor: str, quantiles: Sequence[str]) -> list[AccuracyRow]:
    """The accuracy of a predictor, by the URI of its folder: that of the ensemble first, which is what serves, then
    that of its models. The average loss is over the quantiles that the config asks for.

    Raises Unusable where the predictor is gone, or was made by another version of the engines.
    """
    bucket, _, folder = predictor.removeprefix("s3://").partition("/")
    found: JobResult | None = get_json(bucket, f"{folder}/result.json")
    document = get_json(bucket, f"{folder}/predictor/predictor.json")
    if found is None or document is None:
        raise Unusable("the predictor in use was deleted")
    if (version := document.get("version")) != PREDICTOR_VERSION:
        raise Unusable(
            f"the predictor in use has version {version} of its files, and this release reads {PREDICTOR_VERSION}"
        )
    rows = [_row(name, metrics, quantiles) for name, metrics in found["leaderboard"].items()]
    return sorted(rows, key=lambda row: row["algorithm"] != ENSEMBLE)


def _row(algorithm: str, metrics: dict[str, float | None], quantiles: Sequence[str]) -> AccuracyRow:
    names = [f"wQL[{float(each):g}]" for each in quantiles if each != "mean"]
    losses = [loss for name in names if (loss := metrics.get(name)) is not None]
    average = fmean(losses) if losses else metrics.get("AverageWeightedQuantileLoss")
    return {
        "algorithm": algorithm,
        "AverageWeightedQuantileLoss": average,
        **{name: metrics[name] for name in names if name in metrics},
        **{name: metrics.get(name) for name in ("WAPE", "RMSE", "MASE", "MAPE")},
    }


def messages(bucket: str, key: str) -> Iterator[str]:
    """What people should know of a job, by the key of its result: files that were left out, series that a model failed
    on, and what else it remarks."""
    found: JobResult = get_json(bucket, key)
    for bad in found["quarantined"][:_NAMED]:
        yield f"a file was left out: {bad['message'][:_LONGEST]}"
    if found["failures"]:
        named = "; ".join(
            f"{each['series']} ({each['algorithm']}: {each['error']})" for each in found["failed"][:_NAMED]
        )
        yield (
            f"{found['failures']:,} series have a model that failed on them; the seasonal naive forecast stands in for "
            f"it: {named[:_LONGEST]}"
        )
    yield from (each[:_LONGEST] for each in found["messages"])


def prune(event: Publishing) -> list[str]:
    """Delete the predictors of the runs before the newest `keep`, but for the one that serves; their runs' folders.

    The files of forecasts and backtests stay, as what Amazon Forecast exports does.
    """
    s3, bucket, folder = client("s3"), event["resultsBucket"], f"forecasting/{event['dataset']}/jobs/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}run=", Delimiter="/")
    runs = sorted(each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ()))
    gone = []
    for run in runs[: -event["config"]["keep"]]:
        if event["servingArn"].startswith(f"s3://{bucket}/{run}"):
            continue
        keys = [{"Key": file.key} for file in listed(bucket, f"{run}train/predictor/")]
        for at in range(0, len(keys), _AT_ONCE):
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys[at : at + _AT_ONCE], "Quiet": True})
            for error in answer.get("Errors", ())[:1]:
                raise RuntimeError(f"S3 did not delete {bucket}/{error['Key']}: {error['Code']}: {error['Message']}")
        gone += [run] if keys else []
    return gone
