"""The states of the recommending pipeline, by phase.

Each Lambda state runs the file of its name in lambdas/recommending; each wait is a describe, a choice and a wait.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_lambda as lambda_

from infra.expressions import (
    Expression,
    Path,
    built,
    field_types,
    merged,
    payload,
    record,
    result,
    selected,
    template,
    variable,
)
from infra.importing import importing, refusing
from infra.steps import (
    EXECUTION,
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
from recommending.payload import (
    BatchAnswer,
    BatchRequest,
    BatchResult,
    CampaignAnswer,
    CampaignRequest,
    DatasetsAnswer,
    DatasetsRequest,
    EnsuredDataset,
    EnsuredEventTracker,
    EnsuredFilter,
    GroupAnswer,
    Grouped,
    GroupRequest,
    LeftoversAnswer,
    LeftoversRequest,
    PublishAnswer,
    PublishRequest,
    RecommenderAnswer,
    RecommenderRequest,
    RecommenderResult,
    ServingAnswer,
    ServingRequest,
    SolutionArn,
    SolutionResult,
    Trained,
    TrainedSolutions,
    VersionAnswer,
    VersionRequest,
)

_DELETION_POLLS = 40  # 15 s apart; the next run deletes what is left then


def pipeline(plan_request: State, functions: Mapping[str, lambda_.CfnFunction], notify: lambda_.CfnFunction) -> State:
    """The chain of all phases; `functions` by step."""
    summary = payload(PublishAnswer).summary
    success = record(SuccessNotification, pipeline="recommending", summary=summary, execution=EXECUTION)
    ensure, load = functions["ensure"], functions["load"]
    return chain(
        "Pipeline",
        "Plan",
        lambda_task("Plan", functions["plan"], payload=plan_request, next_state="Anything refused?"),
        refusing("recommending", notify, next_state="Anything new?"),
        nothing_new(otherwise="Ensure"),
        _datasets(ensure, next_state="Import"),
        importing("recommending", "personalize", load, notify, next_state="Ensure filters and solutions"),
        _filters(ensure, next_state="Recommenders and solutions"),
        _training(functions["recommend"], next_state="Batch"),
        _batch(load, next_state="Evaluate"),
        lambda_task("Evaluate", functions["evaluate"], next_state="Publish"),
        lambda_task("Publish", functions["publish"], next_state="Ensure nothing else", base=_needed_for_leftovers()),
        _leftovers(ensure, next_state="Notify"),
        lambda_task("Notify", notify, payload=success),
    )


def _datasets(ensure: lambda_.CfnFunction, *, next_state: str) -> dict[str, State]:
    """The dataset group, then the schemas and datasets in it."""
    group = merged(payload(GroupRequest), part="group")
    datasets = merged(payload(DatasetsRequest), part="datasets")
    group_arn, dataset_arn = payload(GroupAnswer).groupArn, payload(EnsuredDataset).datasetArn
    return {
        **lambda_task("Ensure", ensure, payload=group, next_state="Describe dataset group"),
        **wait_for("DatasetGroup", service="personalize", arn=group_arn, next_state="Ensure datasets"),
        **lambda_task("Ensure datasets", ensure, payload=datasets, next_state="Datasets"),
        **map_over(
            "Datasets", payload(DatasetsAnswer).datasets, _active("Dataset", dataset_arn), next_state=next_state
        ),
    }


def _filters(ensure: lambda_.CfnFunction, *, next_state: str) -> dict[str, State]:
    """Filters and solutions, and the event tracker if the config asks for one."""
    everything = merged(payload(ServingRequest), part="filtersAndSolutions")
    made = payload(ServingAnswer)
    filter_arn, tracker_arn = payload(EnsuredFilter).filterArn, payload(EnsuredEventTracker).eventTrackerArn
    return {
        **lambda_task("Ensure filters and solutions", ensure, payload=everything, next_state="Filters"),
        **map_over("Filters", made.filters, _active("Filter", filter_arn), next_state="Event tracker"),
        **map_over(
            "Event tracker",
            Expression(f"[{made.eventTracker}]"),
            _active("EventTracker", tracker_arn),
            next_state=next_state,
        ),
    }


def _active(resource: str, arn: Path) -> State:
    """Wait for one resource."""
    label = in_words(resource)
    return chain(
        label.capitalize(),
        f"Describe {label}",
        wait_for(resource, service="personalize", arn=arn),
    )


def _training(recommend: lambda_.CfnFunction, *, next_state: str) -> dict[str, State]:
    """Recommenders and solutions side by side."""
    recommender, solution = Path(MAP_ITEM, RecommenderRequest), Path(MAP_ITEM, VersionRequest)
    shared = {"started": payload(Grouped).started, "dataChanged": payload(Grouped).dataChanged}
    recommenders = map_over(
        "Recommenders",
        payload(Grouped).recommenders,
        _one_recommender(recommend),
        selector=template(merged(recommender, groupArn=payload(Grouped).groupArn, **shared)),
        output=template(merged(payload(Trained), recommenders=_results(RecommenderResult))),
    )
    solutions = map_over(
        "Solutions",
        payload(ServingAnswer).solutions,
        _one_solution(recommend),
        selector=template(merged(solution, run=payload(Grouped).run, **shared)),
        output=template(built(TrainedSolutions, solutions=_results(SolutionResult))),
    )
    return {
        "Recommenders and solutions": {
            "Type": "Parallel",
            "Branches": [
                chain("Recommenders", "Recommenders", recommenders),
                chain("Solutions", "Solutions", solutions),
            ],
            "Next": "Gather what recommends",
        },
        "Gather what recommends": {
            "Type": "Pass",
            "Output": template(f"$merge({payload(list[Trained])})"),
            "Next": next_state,
        },
    }


def _one_recommender(recommend: lambda_.CfnFunction) -> State:
    """Create it, or update it; one that was off or busy is updated when it is ACTIVE."""
    answer = payload(RecommenderAnswer)
    return chain(
        "Recommend",
        "Recommend",
        lambda_task(
            "Recommend",
            recommend,
            payload=merged(payload(RecommenderRequest), part="recommender"),
            next_state="Describe recommender",
        ),
        wait_for(
            "Recommender",
            service="personalize",
            arn=answer.recommenderArn,
            next_state="Recommend again?",
        ),
        {
            "Recommend again?": {
                "Type": "Choice",
                "Choices": [{"Condition": template(answer.updateDue), "Next": "Recommend"}],
                "Default": "Recommender is up to date",
            },
            "Recommender is up to date": {"Type": "Succeed"},
        },
    )


def _one_solution(recommend: lambda_.CfnFunction) -> State:
    """Train it, then create or update its campaign if it has one."""
    solution, version, campaign = payload(SolutionArn), payload(VersionAnswer), payload(CampaignRequest)
    return chain(
        "Solution",
        "Describe solution",
        wait_for("Solution", service="personalize", arn=solution.solutionArn, next_state="Recommend version"),
        lambda_task(
            "Recommend version",
            recommend,
            payload=merged(payload(VersionRequest), part="version"),
            next_state="Describe solution version",
        ),
        wait_for(
            "SolutionVersion", service="personalize", arn=version.solutionVersionArn, next_state="With a campaign?"
        ),
        {
            "With a campaign?": {
                "Type": "Choice",
                "Choices": [{"Condition": template(f"$exists({campaign.campaign})"), "Next": "Recommend campaign"}],
                "Default": "Without a campaign",
            },
            "Without a campaign": {"Type": "Succeed"},
        },
        lambda_task(
            "Recommend campaign", recommend, payload=merged(campaign, part="campaign"), next_state="Describe campaign"
        ),
        wait_for("Campaign", service="personalize", arn=payload(CampaignAnswer).campaignArn),
    )


def _batch(load: lambda_.CfnFunction, *, next_state: str) -> dict[str, State]:
    """The batch inference jobs, side by side."""
    run, job_arn = payload(Trained), payload(BatchAnswer).batchInferenceJobArn
    request = merged(
        Path(MAP_ITEM, BatchRequest),
        dataset=run.dataset,
        dataBucket=run.dataBucket,
        resultsBucket=run.resultsBucket,
        run=run.run,
        solutions=run.solutions,
        filters=run.filters,
    )
    one_job = chain(
        "Batch",
        "Load batch",
        lambda_task(
            "Load batch",
            load,
            payload=merged(payload(BatchRequest), part="batch"),
            next_state="Describe batch inference job",
        ),
        wait_for("BatchInferenceJob", service="personalize", arn=job_arn),
    )
    return map_over(
        "Batch",
        run.batch,
        ending_with(template(selected(payload(BatchResult), *field_types(BatchResult))), one_job),
        selector=template(request),
        output=template(merged(payload(PublishRequest), batch=Expression(f"[{result(list[BatchResult])}]"))),
        next_state=next_state,
    )


def _needed_for_leftovers() -> Expression:
    """Of the payload, what the steps after Publish need beside its summary."""
    answers = ("part", "polls")
    return selected(payload(LeftoversRequest), *(name for name in field_types(LeftoversRequest) if name not in answers))


def _leftovers(ensure: lambda_.CfnFunction, *, next_state: str) -> dict[str, State]:
    """Delete what the config no longer names, and wait until it is gone."""
    leftovers, answer = merged(payload(LeftoversRequest), part="leftovers"), payload(LeftoversAnswer)
    done = f"$count({answer.left}) = 0 or {answer.polls} >= {_DELETION_POLLS}"
    return {
        **lambda_task("Ensure nothing else", ensure, payload=leftovers, next_state="Anything left?"),
        "Anything left?": {
            "Type": "Choice",
            "Choices": [{"Condition": template(done), "Next": next_state}],
            "Default": "Wait for the rest to go",
        },
        "Wait for the rest to go": {"Type": "Wait", "Seconds": 15, "Next": "Ensure nothing else"},
    }


def _results(type_: type) -> Expression:
    """Of each result of a Map, the fields of `type_`: what else its item carried has been used."""
    made = variable("made", type_)
    return Expression(f"[$map({result(type_)}, function({made}) {{ {selected(made, *field_types(type_))} }})]")
