"""Compare: the forecasts in use with what has come in since, and then the predictors that were trained with the one in
use (GetAccuracyMetrics): whether there is something to train, and whether what was trained is to serve."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.step import step
from forecasting import actuals
from forecasting.leaderboard import leaderboard, rank


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What the part `part` of the event found."""
    return {"actuals": _with_actuals, "predictors": _predictors}[event["part"]](event)


def _with_actuals(event: dict[str, Any]) -> dict[str, Any]:
    """`score` of the forecasts in use if there is one; `training`, whether there is one and why; `predictors`, those to
    train."""
    in_use = _in_use(event)
    if isinstance(in_use, str):
        return {"training": {"trained": True, "reason": in_use}}
    score = actuals.score(event, in_use)
    unchanged = event["inputs"] == event["serving"]["inputs"]
    training = actuals.training(score, event["config"].get("drift"), forced=event["force"], unchanged=unchanged)
    return {
        **({"score": score} if score else {}),
        "training": training,
        "predictors": event["predictors"] if training["trained"] else [],
    }


def _predictors(event: dict[str, Any]) -> dict[str, Any]:
    """`accuracy` of all that the run trained, the best algorithm first, and its `predictorArn`; `promotion`, whether
    that one is to serve; `servingArn`, by whom the run's forecasts are made: on the new data, whichever predictor it is
    (updating-data.md). A run that trained nothing goes on with the predictor in use, and promotes none."""
    config = event["config"]
    by, rule = config["optimization_metric"], config["promotion"]
    if not event["predictors"]:
        serving = event["serving"]["predictorArn"]
        kept = {"accuracy": leaderboard(serving, by), "predictorArn": serving, "servingArn": serving}
        return {**kept, "promotion": None, **_of_auto_predictor(config, serving)}
    metric = rule.get("metric", by)
    trained = [
        (row, predictor["predictorArn"])
        for predictor in event["predictors"]
        for row in leaderboard(predictor["predictorArn"], by)
    ]
    trained.sort(key=lambda each: rank(each[0], by))
    best, predictor = trained[0]
    in_use = _in_use(event)
    decision = decide(
        best.get(metric), in_use if isinstance(in_use, str) else in_use.get(metric), metric, rule["tolerance"]
    )
    serving = predictor if decision["promoted"] else event["serving"]["predictorArn"]
    return {
        "accuracy": [row for row, _ in trained],
        "predictorArn": predictor,
        "promotion": {**decision, "algorithm": best["algorithm"], "trainedPredictorArn": predictor},
        "servingArn": serving,
        **_of_auto_predictor(config, serving),
    }


def _of_auto_predictor(config: dict[str, Any], serving: str) -> dict[str, Any]:
    """`imagines`, whether the serving predictor makes what-if forecasts, and the `explainabilityArn` that was made with
    it: an AutoPredictor's alone."""
    forecast = client("forecast")
    if not (config.get("what_if") or config.get("explainability")):
        return {}
    if not forecast.get_accuracy_metrics(PredictorArn=serving)["IsAutoPredictor"]:
        return {}
    explained = config.get("explainability") and forecast.describe_auto_predictor(PredictorArn=serving)
    info = (explained or {}).get("ExplainabilityInfo")
    return {
        "scenarios": bool(config.get("what_if")),
        **({"explainabilityArn": info["ExplainabilityArn"]} if info else {}),
    }


def decide(new: float | None, in_use: float | str | None, metric: str, tolerance: float) -> dict[str, Any]:
    """Whether the new predictor serves, with both figures; `in_use` is a figure, or in words why there is none."""
    figures = {"metric": metric, "tolerance": tolerance, "new": new}
    if isinstance(in_use, str) or in_use is None or new is None:
        reason = in_use if isinstance(in_use, str) else f"one of the two predictors has no {metric}"
        return {"promoted": True, "reason": reason, **figures, "inUse": None}
    promoted = new <= in_use * (1 + tolerance)
    reason = (
        f"its {metric} of {new:.4f} against {in_use:.4f} of the predictor in use is "
        f"{'within' if promoted else 'beyond'} the tolerance of {tolerance:.0%}"
    )
    return {"promoted": promoted, "reason": reason, **figures, "inUse": in_use}


def _in_use(event: dict[str, Any]) -> dict[str, Any] | str:
    """The predictor in use on the backtest of its own training, its best algorithm; in words, why it says nothing."""
    serving, forecast = event["serving"], client("forecast")
    if serving is None:
        return "it is the first"
    known, now = serving["inputs"], event["inputs"]
    if not known or known["config"] != now["config"] or set(known["files"]) != set(now["files"]):
        return "the config or the kinds of files are others than those of the predictor in use"
    try:
        return leaderboard(serving["predictorArn"], event["config"]["optimization_metric"])[0]
    except forecast.exceptions.ResourceNotFoundException:
        return "the predictor in use was deleted"
