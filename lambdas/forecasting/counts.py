"""What became of the series and rows that were delivered: how many are forecast, which are left out and why, and what
the services and the files have to say about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from common import deliveries
from common.clients import client
from common.deliveries import planned
from common.failures import in_words
from common.names import RUN_ID_LENGTH, forecast_name
from common.resources import arn_member, name_member, summaries
from forecasting import job_results
from forecasting.history import History, Key, lower
from forecasting.jobs import COUNTING
from forecasting.payload import Publishing
from forecasting.summary import LeftOut, SeriesCounts

NAMED = 5  # series that a reason names
_LONGEST = 600  # characters of a message: the run's state and its mail hold 256 KiB


def counted(event: Publishing, history: History, forecast: Collection[Key]) -> SeriesCounts:
    """How many of the delivered series are `forecast`, by the exports, and why the others are not."""
    missing = [key for key in history.names if key not in forecast]
    reasons = defaultdict[str, list[Key]](list)
    related = _related(event) if missing else None
    for key in missing:
        reasons[_reason(event, history, key, related)].append(key)
    left_out: list[LeftOut] = [
        {"reason": reason, "series": len(keys), "named": [history.label(key) for key in keys[:NAMED]]}
        for reason, keys in reasons.items()
    ]
    return {
        "delivered": len(history.names),
        "forecast": len(forecast),
        "withoutHistory": sum(key not in history.names for key in forecast),
        "leftOut": left_out,
    }


def notes(event: Publishing, history: History) -> list[str]:
    """What else is worth knowing: rows that count otherwise than they look, and the services' messages."""
    target = event["domain"]["target"]
    found = []
    if history.below_zero and event["config"]["domain"] in COUNTING:
        found.append(
            f"rows of the target with a {target} below zero: {history.below_zero:,}; they are used unchanged, so "
            "returns, if intended, lower the forecasts"
        )
    if history.empty:
        found.append(
            f"rows of the target without a {target}: {history.empty:,}; they count as missing, and forecasting.filling "
            "in pipeline.yaml says what fills them"
        )
    if reason := event.get("unexplained"):
        found.append(f"there is no explainability of the predictor: {in_words(reason['message'])[:_LONGEST]}")
    result = event.get("jobResult")
    said = job_results.messages(event["resultsBucket"], result) if result else _messages(event)
    return [*found, *deliveries.notes(event, f"forecasting/{event['dataset']}/"), *said]


def _reason(event: Publishing, history: History, key: Key, related: _Related | None) -> str:
    if key not in history.first:
        return f"no row has a value of {event['domain']['target']}"
    if related and not related.has(key):
        return "no row in the related files"
    return "the service returned no reason"


class _Related:
    """The series that have related rows; a row without the dimensions is about all of them."""

    def __init__(self, event: Publishing) -> None:
        config, columns = event["config"], list(event["config"]["datasets"]["related"])
        names = (event["domain"]["item"], *config["dimensions"])
        self._places = [at for at, name in enumerate(names) if name in columns]
        in_row = [columns.index(names[at]) for at in self._places]
        files = planned(event, f"forecasting/{event['dataset']}/", "related")
        self._there = {lower(row[at] for at in in_row) for _, row in files.rows_of(columns)}

    def has(self, key: Key) -> bool:
        return tuple(key[at] for at in self._places) in self._there


def _related(event: Publishing) -> _Related | None:
    return _Related(event) if "related" in event["config"]["datasets"] else None


def _messages(event: Publishing) -> Iterator[str]:
    """The messages of the service on what succeeded: the newest import of each kind, the predictors, the forecasts."""
    forecast, dataset = client("forecast"), event["dataset"]
    ours = {
        "predictor": {event["servingArn"], *(each["predictorArn"] for each in event["predictors"])},
        "forecast": {each["forecastArn"] for each in event["forecasts"]},
    }
    if event.get("scenarioArns"):
        ours["what_if_forecast"] = set(event["scenarioArns"])
    imports = {
        each["DatasetImportJobName"]: each
        for each in sorted(summaries(forecast, "dataset_import_job"), key=lambda each: each["LastModificationTime"])
        if each["Status"] == "ACTIVE"
    }
    for kind in event["config"]["datasets"]:
        of_kind = [
            each for name, each in imports.items() if name == forecast_name(dataset, kind, name[-RUN_ID_LENGTH:])
        ]
        newest = of_kind[-1] if of_kind else {}
        if message := newest.get("Message"):
            yield f"import of {kind}: {message[:_LONGEST]}"
    for kind, arns in ours.items():
        arn, name = arn_member(forecast, kind), name_member(forecast, kind)
        for each in summaries(forecast, kind):
            if each[arn] in arns and each["Status"] == "ACTIVE" and each.get("Message"):
                yield f"{kind.replace('_', ' ')} {each[name]}: {each['Message'][:_LONGEST]}"
