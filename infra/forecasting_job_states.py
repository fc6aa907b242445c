"""The states of the forecasting pipeline whose engine is storecast: Plan and Publish with a Glue job between them.

A job trains and forecasts at once. A run has a second one where the predictor in use makes the forecasts from the new
data: nothing was trained, or what was trained does not serve.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk import aws_lambda as lambda_

from common.payload import Failure, Start
from forecasting.payload import (
    ActualsAnswer,
    ActualsRequest,
    Comparison,
    CopyRequest,
    JobFiles,
    JobPlan,
    PlannedJob,
    PlannedJobs,
    PredictorsRequest,
    Publishing,
    Trained,
    TrainedPredictor,
)
from forecasting.summary import Published
from infra.expressions import Expression, Path, State, built, merged, payload, record, template
from infra.importing import refusing
from infra.steps import CAUGHT, EXECUTION, FAILED, LONGEST_REASON, chain, lambda_task, map_over, nothing_new, patient
from operations.payload import SuccessNotification

Functions = Mapping[str, lambda_.CfnFunction]  # by step

ENSEMBLE = "AutoPredictor"
# What passes if the start is tried again (of the API StartJobRun). The job has one run at a time, and a run whose
# result is there ends at once: a start that is repeated after its answer was lost runs nothing twice.
_HICCUPS = ("Glue.InternalServiceException", "Glue.OperationTimeoutException", "Glue.ThrottlingException")
_FULL = ("Glue.ConcurrentRunsExceededException", "Glue.ResourceNumberLimitExceededException")


def pipeline(plan_request: State, job_name: str, functions: Functions, notify: lambda_.CfnFunction) -> State:
    """The chain of the pipeline's own states."""
    forced = Path("$states.context.Execution.Input", Start).force
    score = merged(payload(ActualsRequest), part="actuals", force=Expression(f"{forced} = true"))
    compare = merged(payload(PredictorsRequest), part="predictors")
    success = record(
        SuccessNotification, pipeline="forecasting", summary=payload(Published).summary, execution=EXECUTION
    )
    return chain(
        "Pipeline",
        "Plan",
        lambda_task("Plan", functions["plan"], payload=plan_request, next_state="Anything refused?"),
        refusing("forecasting", notify, next_state="Anything new?"),
        nothing_new(JobPlan, otherwise="Copies"),
        _copies(functions["load"], next_state="Compare with actuals"),
        lambda_task("Compare with actuals", functions["compare"], payload=score, next_state="To be trained?"),
        _to_be_trained(),
        _job("Train", job_name, payload(PlannedJobs).train, trained=True, next_state="Compare"),
        lambda_task("Compare", functions["compare"], payload=compare, next_state="Forecasts made?"),
        _forecasts_made(),
        _job("Forecast", job_name, payload(PlannedJobs).forecast, trained=False, next_state="Publish"),
        lambda_task(
            "Publish", functions["publish"], payload=payload(Publishing), next_state="Notify", base=Expression("{}")
        ),
        lambda_task("Notify", notify, payload=success),
    )


def _copies(load: lambda_.CfnFunction, *, next_state: str) -> dict[str, State]:
    """Files that are no plain CSV in the order of the config's columns are rewritten, kind by kind."""
    copy = chain("Copy", "Copy", lambda_task("Copy", load, payload=merged(payload(CopyRequest), part="copy")))
    return map_over("Copies", payload(PlannedJobs).copies, copy, concurrency=3, next_state=next_state)


def _to_be_trained() -> dict[str, State]:
    nothing = merged(payload(Trained), predictors=Expression("[]"), failed=Expression("[]"))
    return {
        "To be trained?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": template(f"{payload(ActualsAnswer).training.trained} = false"),
                    "Output": template(nothing),
                    "Next": "Compare",
                }
            ],
            "Default": "Train",
        }
    }


def _forecasts_made() -> dict[str, State]:
    """By the job that trained the predictor that serves; any other one has still to make them."""
    trained = f"$count({payload(Trained).predictors}[predictorArn = {payload(Comparison).servingArn}]) > 0"
    return {
        "Forecasts made?": {
            "Type": "Choice",
            "Choices": [{"Condition": template(trained), "Next": "Publish"}],
            "Default": "Forecast",
        }
    }


def _job(name: str, job_name: str, job: Path, *, trained: bool, next_state: str) -> dict[str, State]:
    """A run of the job, waited for by Step Functions itself (.sync)."""
    of_job = Path(str(job), PlannedJob)
    predictor = built(TrainedPredictor, algorithm=ENSEMBLE, predictorArn=of_job.predictorArn)
    made = Expression(f"$merge([{payload(JobFiles)}, {of_job.made}])")
    after = (
        merged(Path(str(made), Trained), predictors=Expression(f"[{predictor}]"), failed=Expression("[]"))
        if trained
        else made
    )
    return {
        name: {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::glue:startJobRun.sync",
            "Arguments": {
                "JobName": job_name,
                "Arguments": {"--request": template(of_job.request), "--versions": template(of_job.versions)},
            },
            "Output": template(after),
            "Retry": [
                patient(*_HICCUPS),
                # The run of a pipeline run that was stopped is stopped too, which takes a moment; the account's quota
                # empties as other jobs end.
                {
                    "ErrorEquals": list(_FULL),
                    "IntervalSeconds": 30,
                    "MaxAttempts": 22,
                    "BackoffRate": 1.5,
                    "MaxDelaySeconds": 3600,
                },
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": FAILED, "Output": template(_failure(name))}],
            "Next": next_state,
        }
    }


def _failure(step: str) -> Expression:
    """Of a job run that ended badly: the cause is the run as GetJobRun has it; any other cause is a text."""
    message = Expression(f"$substring($said, 0, {LONGEST_REASON})")
    failure = built(
        Failure,
        step=step,
        resource=Expression("$run.Id"),
        error=Expression(f"$exists($run.JobRunState) ? 'Glue.' & $run.JobRunState : {CAUGHT.Error}"),
        message=message,
    )
    return Expression(f"""(
        $cause := {CAUGHT.Cause};
        $run := $substring($cause, 0, 1) = '{{' ? $parse($cause) : {{}};
        $silent := 'the job run ended ' & $run.JobRunState & ', and Glue returned no reason';
        $said := $exists($run.ErrorMessage) ? $run.ErrorMessage : $exists($run.JobRunState) ? $silent : $cause;
        {failure}
    )""")
