"""The states of the forecasting pipeline, by phase.

Each Lambda state runs the file of its name in lambdas/forecasting; each wait is a describe, a choice and a wait.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_lambda as lambda_

from common.payload import Failed, Start
from forecasting.payload import (
    ActualsRequest,
    Algorithm,
    Ensured,
    ExportAnswer,
    ExportRequest,
    FailedPredictor,
    ForecastAnswer,
    ForecastArn,
    ForecastedByService,
    ForecastRequest,
    ForecastResult,
    Plan,
    Predictor,
    PredictorsAnswer,
    PredictorsRequest,
    TrainAnswer,
    Trained,
    TrainedPredictor,
    TrainRequest,
    TrainResult,
)
from forecasting.summary import Published
from infra.config.forecasting import Forecasting as Section
from infra.expressions import Expression, Path, built, element, merged, payload, record, result, template, variable
from infra.importing import importing, refusing
from infra.steps import (
    EXECUTION,
    FAILED,
    MAP_ITEM,
    State,
    chain,
    ending_with,
    in_words,
    lambda_task,
    map_over,
    nothing_new,
    wait_for,
)
from operations.payload import SuccessNotification

Functions = Mapping[str, lambda_.CfnFunction]  # by step


def pipeline(section: Section, plan_request: State, functions: Functions, notify: lambda_.CfnFunction) -> State:
    """The chain of the pipeline's own states, phase by phase."""
    summary = payload(Published).summary
    success = record(SuccessNotification, pipeline="forecasting", summary=summary, execution=EXECUTION)
    branches = payload(list[ForecastedByService])  # the first one's payload goes on, with why the last one failed
    forecasted = merged(branches[0], unexplained=Path(str(branches[2]), Failed).failure)
    return chain(
        "Pipeline",
        "Plan",
        lambda_task("Plan", functions["plan"], payload=plan_request, next_state="Anything refused?"),
        refusing("forecasting", notify, next_state="Anything new?"),
        nothing_new(Plan, otherwise="Ensure"),
        lambda_task("Ensure", functions["ensure"], next_state="Import"),
        importing("forecasting", "forecast", functions["load"], notify, next_state="Compare with actuals"),
        _training(functions),
        _using_the_predictor(functions, section),
        lambda_task("Publish", functions["publish"], payload=forecasted, next_state="Notify", base=Expression("{}")),
        lambda_task("Notify", notify, payload=success),
    )


def _training(functions: Functions) -> dict[str, State]:
    """Score the forecasts in use, train the algorithms side by side if that asks for it, choose who serves."""
    forced = Path("$states.context.Execution.Input", Start).force
    score = merged(payload(ActualsRequest), part="actuals", force=Expression(f"{forced} = true"))
    compare = merged(payload(PredictorsRequest), part="predictors")
    request = record(TrainRequest, predictor=MAP_ITEM, groupArn=payload(Ensured).groupArn)
    trained, failed = payload(Trained).predictors, payload(Trained).failed
    # It may also have had none to train.
    none_trained = f"$exists({failed[0]}) and $count({trained}) = 0"
    return {
        **lambda_task("Compare with actuals", functions["compare"], payload=score, next_state="Algorithms"),
        **map_over(
            "Algorithms",
            payload(Plan).predictors,
            _one_training(functions["train"]),
            concurrency=3,
            selector=request,
            output=template(_trained()),
            next_state="Any trained?",
        ),
        "Any trained?": {  # if every algorithm failed, the run fails as the first of them did
            "Type": "Choice",
            "Choices": [{"Condition": template(none_trained), "Output": template(failed[0]), "Next": FAILED}],
            "Default": "Compare",
        },
        **lambda_task("Compare", functions["compare"], payload=compare, next_state="Use the predictor"),
    }


def _one_training(train: lambda_.CfnFunction) -> State:
    arn, automatic = payload(TrainAnswer).predictorArn, f"{payload(TrainRequest).predictor.kind} = 'auto_predictor'"
    return chain(
        "Train",
        "Train",
        lambda_task("Train", train, next_state="Which training?"),
        {
            "Which training?": {
                "Type": "Choice",
                "Choices": [{"Condition": template(automatic), "Next": "Describe auto predictor"}],
                "Default": "Describe predictor",
            }
        },
        wait_for("AutoPredictor", service="forecast", arn=arn),
        wait_for("Predictor", service="forecast", arn=arn),
        fatal=False,
    )


def _trained() -> Expression:
    """The payload with the predictors that were trained and the algorithms that failed.

    The Map's results are in the order of its items.
    """
    done, planned = variable("done", TrainResult), payload(Plan).predictors
    ended, one = variable("ended", list[TrainedPredictor | FailedPredictor]), element(TrainedPredictor)
    algorithm = Expression(f"{planned}[$at].{element(Predictor).algorithm}")
    succeeded = built(TrainedPredictor, algorithm=algorithm, predictorArn=done.predictorArn)
    failed = f"$merge([{built(Algorithm, algorithm=algorithm)}, {done.failure}])"
    after = merged(
        payload(Trained),
        predictors=Expression(f"[{ended}[{one.predictorArn}]]"),
        failed=Expression(f"[{ended}[$not($exists({one.predictorArn}))]]"),
    )
    return Expression(f"""(
        {ended} := [$map({result(list[TrainResult])}, function({done}, $at) {{
            $exists({done.failure}) ? {failed} : {succeeded}
        }})];
        {after}
    )""")


def _using_the_predictor(functions: Functions, config: Section) -> dict[str, State]:
    """Forecasts, the backtests' export, the explainability's export: side by side."""
    backtests = chain(
        "Backtests",
        "Export backtests",
        _export(
            functions,
            "backtests",
            "PredictorBacktestExportJob",
            export=payload(ForecastedByService).backtests,
            source=payload(ForecastedByService).predictorArn,
        ),
    )
    branches = [_forecasts(functions, config), backtests]
    if config.explainability:
        branches.append(_explanation(functions))
    branches[1:] = [ending_with({}, branch) for branch in branches[1:]]
    return {"Use the predictor": {"Type": "Parallel", "Branches": branches, "Next": "Publish"}}


def _forecasts(functions: Functions, config: Section) -> State:
    """The run's forecasts, each with its export, then the what-if forecasts on the first of them."""
    made, done = payload(ForecastResult), variable("done", ForecastResult)
    forecast = chain(
        "Forecast",
        "Forecast",
        lambda_task("Forecast", functions["forecast"], next_state="Describe forecast"),
        wait_for("Forecast", service="forecast", arn=made.madeArn, next_state="Export forecast"),
        _export(functions, "forecast", "ForecastExportJob", export=made.forecast.export, source=made.madeArn),
    )
    with_arn = f"$merge([{done.forecast}, {built(ForecastArn, forecastArn=done.madeArn)}])"
    forecasts = Expression(f"[$map({result(list[ForecastResult])}, function({done}) {{ {with_arn} }})]")
    return chain(
        "Forecasts",
        "Forecasts",
        map_over(
            "Forecasts",
            payload(Plan).forecasts,
            forecast,
            concurrency=3,
            selector=record(ForecastRequest, forecast=MAP_ITEM, sourceArn=payload(PredictorsAnswer).servingArn),
            output=template(merged(payload(ForecastedByService), forecasts=forecasts)),
            next_state="Any what-ifs?" if config.what_if else None,
        ),
        _what_ifs(functions) if config.what_if else {},
    )


def _what_ifs(functions: Functions) -> dict[str, State]:
    """An analysis of the first forecast, the scenarios side by side, one export of all of them."""
    run, made, done = payload(ForecastedByService), payload(ForecastAnswer), variable("done", ForecastAnswer)
    scenario = chain(
        "Scenario",
        "Forecast scenario",
        lambda_task("Forecast scenario", functions["forecast"], next_state="Describe what if forecast"),
        wait_for("WhatIfForecast", service="forecast", arn=made.madeArn),
    )
    analysis = record(ForecastRequest, forecast=run.whatIf.analysis, sourceArn=run.forecasts[0].forecastArn)
    arns = Expression(f"[$map({result(list[ForecastAnswer])}, function({done}) {{ {done.madeArn} }})]")
    return {
        **_only_if("Any what-ifs?", f"{run.scenarios} = true", "Forecast what-ifs", "No what-ifs"),
        **lambda_task(
            "Forecast what-ifs", functions["forecast"], payload=analysis, next_state="Describe what if analysis"
        ),
        **wait_for("WhatIfAnalysis", service="forecast", arn=made.madeArn, next_state="Scenarios"),
        **map_over(
            "Scenarios",
            run.whatIf.scenarios,
            scenario,
            concurrency=3,
            selector=record(ForecastRequest, forecast=MAP_ITEM, sourceArn=made.madeArn),
            output=template(merged(run, scenarioArns=arns)),
            next_state="Export what-ifs",
        ),
        **_export(functions, "what-ifs", "WhatIfForecastExport", export=run.whatIf.export, source=run.scenarioArns),
    }


def _explanation(functions: Functions) -> State:
    """The explainability of the predictor that serves, and its export. ARIMA, ETS and NPTS have none, which may be all
    that an AutoPredictor is made of: that fails no run (docs/aws-sources.md#forecast-predictor-explainability)."""
    run, made = payload(ForecastedByService), payload(ForecastAnswer).madeArn
    request = record(ForecastRequest, forecast=run.explanation, sourceArn=run.servingArn)
    return chain(
        "Explanation",
        "To be explained?",
        _only_if("To be explained?", f"{run.explained} = true", "Forecast explainability", "Nothing explained"),
        lambda_task(
            "Forecast explainability", functions["forecast"], payload=request, next_state="Describe explainability"
        ),
        wait_for("Explainability", service="forecast", arn=made, next_state="Export explainability"),
        _export(functions, "explainability", "ExplainabilityExport", export=run.explainability, source=made),
        fatal=False,
    )


def _export(functions: Functions, what: str, kind: str, *, export: Path, source: Path) -> dict[str, State]:
    """The state `Export <what>`, which exports the `source` (an ARN or several), and the wait for its job."""
    request = record(ExportRequest, export=export, sourceArn=source)
    return {
        **lambda_task(f"Export {what}", functions["export"], payload=request, next_state=f"Describe {in_words(kind)}"),
        **wait_for(kind, service="forecast", arn=payload(ExportAnswer).exportJobArn),
    }


def _only_if(name: str, condition: str, then: str, otherwise: str) -> dict[str, State]:
    """A choice that ends the chain well if there is nothing to do."""
    return {
        name: {"Type": "Choice", "Choices": [{"Condition": template(condition), "Next": then}], "Default": otherwise},
        otherwise: {"Type": "Succeed"},
    }
