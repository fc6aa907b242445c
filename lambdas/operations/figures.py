"""What is worth a chart: the figures of a run, and what each is about beside the dataset and the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

import forecasting.summary
import recommending.payload
from operations.history import History
from operations.payload import Summary

_ACCURACY = ("AverageWeightedQuantileLoss", "WAPE", "RMSE")
Figures = list[tuple[Mapping[str, float | None], dict[str, str]]]


def figures(summary: Summary, run: History) -> Figures:
    """By metric name, of a run's summary and of what it did (operations.history)."""
    counted = {
        "StateTransitions": run["stateTransitions"],
        "LambdaInvocations": run["lambdaInvocations"],
    }
    of_steps: Figures = [({"StepSeconds": value}, {"step": name}) for name, value in run["seconds"].items()]
    of_summary = _of_recommendations(summary) if "recommenders" in summary else _of_forecasts(summary)
    return [(counted, {}), *of_steps, *of_summary]


def trained(summary: Summary) -> bool:
    """Whether the run trained something, as all do but a forecasting run that saw no drift."""
    return summary["training"]["trained"] if "training" in summary else True


def _of_forecasts(summary: forecasting.summary.Summary) -> Figures:
    """Accuracy of what was trained, in all by its best algorithm; how the forecasts in use did; what is billed."""
    board = [row for row in summary.get("accuracy", ()) if "naive" not in row["algorithm"].lower()]
    found: Figures = []
    if board and trained(summary):
        found += [
            ({name: row.get(name) for name in _ACCURACY}, about)
            for row, about in [(board[0], {}), *((row, {"algorithm": row["algorithm"]}) for row in board)]
        ]
    if score := summary.get("score"):
        found.append(({f"InUse{name}": value for name, value in score["measured"].items()}, {}))
    if forecasts := summary.get("forecasts"):
        kinds = [len(made["types"]) for made in forecasts.values()]
        types = sum(kinds) + kinds[0] * len(summary["whatIf"])
        found.append(({"ForecastPoints": summary["items"] * summary["horizon"] * types}, {}))
    return found


def _of_recommendations(summary: recommending.payload.Summary) -> Figures:
    made, solutions = summary["recommenders"], summary["solutions"]
    serving = {"Recommenders": len(made), "Campaigns": sum("campaignArn" in each for each in solutions)}
    return [
        *((each["metrics"], {"use_case": each["useCase"]}) for each in made),
        *((each["metrics"], {"solution": each["name"]}) for each in solutions),
        (serving, {}),
    ]
