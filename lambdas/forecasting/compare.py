"""Compare: the forecasts in use with what has come in since, and then the predictors that were trained with the one in
use (GetAccuracyMetrics, or what our own job measured): whether to train, and whether what was trained is to serve."""

from __future__ import annotations

from dataclasses import dataclass

from common.clients import client
from common.step import LambdaContext, step
from forecasting import actuals
from forecasting.config import ResolvedConfig
from forecasting.job_results import Unusable
from forecasting.jobs import OURS
from forecasting.leaderboard import leaderboard, rank
from forecasting.payload import (
    AccuracyRow,
    ActualsAnswer,
    ActualsRequest,
    AutoPredictorExtras,
    BacktestFiles,
    CompareRequest,
    Decision,
    PredictorsAnswer,
    PredictorsRequest,
    Run,
    Serving,
)


@dataclass(frozen=True)
class Incomparable:
    """Why a new predictor cannot be compared with the one in use."""

    reason: str


@step
def handler(event: CompareRequest, context: LambdaContext) -> ActualsAnswer | PredictorsAnswer:
    """Do the part of the event."""
    return _with_actuals(event) if event["part"] == "actuals" else _predictors(event)


def _with_actuals(event: ActualsRequest) -> ActualsAnswer:
    """`score` of the forecasts in use if there is one; `training`, whether there is one and why; `predictors`, those to
    train."""
    in_use = _in_use(event)
    if isinstance(in_use, Incomparable):
        return {"training": {"trained": True, "reason": in_use.reason}}
    serving, backtest = in_use
    score = actuals.score(event, serving, backtest)
    unchanged = event["inputs"] == serving["inputs"]
    training = actuals.training(score, event["config"].get("drift"), forced=event["force"], unchanged=unchanged)
    answer: ActualsAnswer = {
        "training": training,
        "predictors": event.get("predictors", []) if training["trained"] else [],
    }
    return {**answer, "score": score} if score else answer


def _predictors(event: PredictorsRequest) -> PredictorsAnswer:
    """`accuracy` of all that the run trained, the best algorithm first, and its `predictorArn`; `promotion`, whether
    that one is to serve; `servingArn`, by whom the run's forecasts are made: on the new data, whichever predictor it is
    (docs/aws-sources.md#forecast-updating-data)."""
    config = event["config"]
    by, rule = config["optimization_metric"], config["promotion"]
    if not event["predictors"]:
        return _nothing_trained(event)
    metric = rule.get("metric", by)
    trained = [
        (row, predictor["predictorArn"])
        for predictor in event["predictors"]
        for row in leaderboard(predictor["predictorArn"], by, config["quantiles"])
    ]
    if len(event["predictors"]) > 1:
        trained.sort(key=lambda each: rank(each[0], by))
    best, predictor = trained[0]
    in_use = _in_use(event)
    if isinstance(in_use, Incomparable):
        decision, chosen = decide(best.get(metric), in_use, metric, rule["tolerance"]), predictor
    else:
        serving, backtest = in_use
        decision = decide(best.get(metric), backtest.get(metric), metric, rule["tolerance"])
        chosen = predictor if decision["promoted"] else serving["predictorArn"]
    return {
        "accuracy": [row for row, _ in trained],
        "predictorArn": predictor,
        "promotion": {**decision, "algorithm": best["algorithm"], "trainedPredictorArn": predictor},
        "servingArn": chosen,
        **_of_auto_predictor(config, chosen),
        **_backtests(predictor),
    }


def _nothing_trained(event: PredictorsRequest) -> PredictorsAnswer:
    """A run that trained nothing goes on with the predictor in use, and promotes none."""
    config, serving = event["config"], event["serving"]
    by = config["optimization_metric"]
    if serving is None:
        raise ValueError('nothing was trained, and no predictor is in use; start with {"force": true} to train')
    return {
        "accuracy": leaderboard(serving["predictorArn"], by, config["quantiles"]),
        "predictorArn": serving["predictorArn"],
        "servingArn": serving["predictorArn"],
        "promotion": None,
        **_of_auto_predictor(config, serving["predictorArn"]),
        **_backtests(serving["predictorArn"]),
    }


def _of_auto_predictor(config: ResolvedConfig, serving: str) -> AutoPredictorExtras:
    """What an AutoPredictor alone makes: what-if forecasts and an explainability."""
    if serving.startswith(OURS) or not (config.get("what_if") or config.get("explainability")):
        return {}  # of our own engine the plan says what each job makes
    if not client("forecast").get_accuracy_metrics(PredictorArn=serving)["IsAutoPredictor"]:
        return {}
    return {"scenarios": bool(config.get("what_if")), "explained": bool(config.get("explainability"))}


def _backtests(predictor: str) -> BacktestFiles:
    """Where they are: our own engine writes them beside the predictor that it trains."""
    if not predictor.startswith(OURS):
        return {}
    return {"backtests": {"folder": f"{predictor.removeprefix(OURS).partition('/')[2]}/backtest/"}}


def decide(new: float | None, in_use: float | None | Incomparable, metric: str, tolerance: float) -> Decision:
    """Whether the new predictor serves, with both figures."""
    if isinstance(in_use, Incomparable) or in_use is None or new is None:
        missing = f"one of the two predictors has no {metric}"
        reason, promoted, compared = in_use.reason if isinstance(in_use, Incomparable) else missing, True, None
    else:
        promoted, compared = new <= in_use * (1 + tolerance), in_use
        reason = (
            f"its {metric} of {new:.4f} against {in_use:.4f} of the predictor in use is "
            f"{'within' if promoted else 'beyond'} the tolerance of {tolerance:.0%}"
        )
    return {
        "promoted": promoted,
        "reason": reason,
        "metric": metric,
        "tolerance": tolerance,
        "new": new,
        "inUse": compared,
    }


def _in_use(event: Run) -> tuple[Serving, AccuracyRow] | Incomparable:
    """The run in use, and its predictor's best algorithm on the backtest of its own training."""
    serving, forecast = event["serving"], client("forecast")
    if serving is None:
        return Incomparable("it is the first")
    known, now = serving["inputs"], event["inputs"]
    if not known or known["config"] != now["config"] or set(known["files"]) != set(now["files"]):
        return Incomparable("the config or the kinds of files are others than those of the predictor in use")
    try:
        metric, quantiles = event["config"]["optimization_metric"], event["config"]["quantiles"]
        return serving, leaderboard(serving["predictorArn"], metric, quantiles)[0]
    except Unusable as unusable:
        return Incomparable(str(unusable))
    except forecast.exceptions.ResourceNotFoundException:
        return Incomparable("the predictor in use was deleted")
