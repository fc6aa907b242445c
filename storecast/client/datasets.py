"""Which datasets are deployed, with their settings, schedules and alarms; and a dataset at a glance."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from storecast.client import costs, results, runs, uploads
from storecast.client.aws import Aws, NotThere, at_once, utc
from storecast.client.model import PIPELINES, Alarm, Dataset, Pipeline, PipelineStatus, Run, Stack, Start, State, Status

_GOING = ("DELETE_COMPLETE", "DELETE_IN_PROGRESS")


def listed(aws: Aws) -> list[Dataset]:
    """All datasets that are deployed, by name."""
    stacks: dict[str, list[Stack]] = defaultdict(list)
    outputs: dict[str, dict[str, str]] = defaultdict(dict)
    for page in aws.client("cloudformation").get_paginator("describe_stacks").paginate():
        for each in page["Stacks"]:
            tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())}
            if tags.get("project") != "storecast" or "dataset" not in tags or each["StackStatus"] in _GOING:
                continue
            name = tags["dataset"]
            part = each["StackName"].removeprefix(f"storecast-{name}-")
            updated = utc(each.get("LastUpdatedTime", each["CreationTime"]))
            stacks[name].append(Stack(each["StackName"], part, each["StackStatus"], updated))
            outputs[name] |= {each["OutputKey"]: each["OutputValue"] for each in each.get("Outputs", ())}
    return [Dataset(name, tuple(stacks[name]), outputs[name], aws.region) for name in sorted(stacks)]


def one(aws: Aws, name: str) -> Dataset:
    """The deployed dataset. Raises NotThere, naming those that are."""
    found = listed(aws)
    wanted = name.replace("_", "-")
    for dataset in found:
        if dataset.name == wanted and dataset.pipelines:
            return dataset
    deployed = ", ".join(each.name for each in found) or "none"
    raise NotThere(
        f"{wanted}: no such dataset is deployed in {aws.where}; deployed: {deployed}",
        f"deploy it by make deploy DATASET={wanted}, or choose another --profile or --region",
    )


def only(aws: Aws, name: str | None) -> Dataset:
    """The dataset of that name, or without a name the only one. Raises NotThere."""
    if name is not None:
        return one(aws, name)
    found = [each for each in listed(aws) if each.pipelines]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotThere(
            f"nothing is deployed in {aws.where}",
            "run make demo for the embedded AWS, make deploy DATASET=name for your account, "
            "or choose another --profile or --region",
        )
    raise NotThere("several datasets are deployed", f"name one of these: {', '.join(each.name for each in found)}")


def definition(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline's state machine as it is deployed. Raises NotThere where the dataset has no such pipeline."""
    if pipeline not in dataset.pipelines:
        raise NotThere(
            f"{dataset.name} has no {pipeline} pipeline; it has {', '.join(dataset.pipelines)}",
            f"add a section {pipeline} to pipeline.yaml and deploy again",
        )
    found = aws.client("stepfunctions").describe_state_machine(stateMachineArn=dataset.machine(pipeline))
    definition_: dict[str, Any] = json.loads(found["definition"])
    return definition_


def settings(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> dict[str, Any]:
    """What the pipeline's Plan works from as it is deployed: `config` is the section of pipeline.yaml, `domain` how the
    item and target columns are called."""
    plan = dict(_states(definition(aws, dataset, pipeline)))["Plan"]
    payload: dict[str, Any] = plan["Arguments"]["Payload"]
    return payload


def states(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> list[State]:
    """The state machine's states, for its picture."""
    machine = definition(aws, dataset, pipeline)
    holders = {name: holder for name, holder in _held(machine)}
    return [
        State(name, state["Type"], tuple(_following(state)), holders.get(name, "")) for name, state in _states(machine)
    ]


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, state in machine["States"].items():
        yield name, state
        for inner in _machines(state):
            yield from _states(inner)


def _held(machine: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, state in machine["States"].items():
        for inner in _machines(state):
            yield from ((held, name) for held in inner["States"])
            yield from _held(inner)


def _machines(state: Mapping[str, Any]) -> list[Any]:
    """Those that a Parallel or Map holds."""
    processor = state.get("ItemProcessor")
    return [*state.get("Branches", ()), *([processor] if processor else ())]


def _following(state: Mapping[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for name in (state.get("Next"), *(each.get("Next") for each in state.get("Choices", ())), state.get("Default")):
        if name and name not in seen:
            seen.add(name)
            yield name


def starts(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> list[Start]:
    """The schedules that start the pipeline, the next one first."""
    scheduler, prefix = aws.client("scheduler"), f"storecast-{dataset.name}-{pipeline}"
    pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix=prefix)
    found = []
    for each in (each for page in pages for each in page["Schedules"]):
        if each["Name"] not in (prefix, f"{prefix}-sweep"):
            continue
        known = scheduler.get_schedule(Name=each["Name"], GroupName=each.get("GroupName", "default"))
        zone, enabled = known.get("ScheduleExpressionTimezone", "UTC"), known.get("State") != "DISABLED"
        when = next_start(known["ScheduleExpression"], zone, datetime.now(UTC)) if enabled else None
        found.append(Start(each["Name"], known["ScheduleExpression"], zone, enabled, when))
    return sorted(found, key=lambda start: (start.next is None, start.next or datetime.max.replace(tzinfo=UTC)))


def next_start(expression: str, time_zone: str, now: datetime) -> datetime | None:
    """When a cron expression starts something next; None for a rate, whose beginning is not known here."""
    if not expression.startswith("cron("):
        return None
    from aws_croniter import AwsCroniter

    zone = ZoneInfo(time_zone)
    wall = now.astimezone(zone).replace(tzinfo=UTC)  # the library knows UTC alone
    [when] = AwsCroniter(expression[5:-1]).get_next(wall, 1)
    moment: datetime = when.replace(tzinfo=zone).astimezone(UTC)
    return moment


def alarms(aws: Aws, dataset: Dataset) -> list[Alarm]:
    """All alarms of the dataset, those in alarm first."""
    prefix = f"storecast-{dataset.name}-"
    pages = aws.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    found = [
        Alarm(
            each["AlarmName"].removeprefix(prefix),
            each["StateValue"],
            each.get("AlarmDescription", ""),
            utc(each["StateUpdatedTimestamp"]),
        )
        for page in pages
        for each in page["MetricAlarms"]
    ]
    return sorted(found, key=lambda alarm: (alarm.state != "ALARM", alarm.name))


def status(aws: Aws, dataset: Dataset) -> Status:
    """The dataset at a glance."""
    of_pipelines = at_once(lambda pipeline: _pipeline(aws, dataset, pipeline), dataset.pipelines)
    return Status(dataset, tuple(of_pipelines), tuple(alarms(aws, dataset)), tuple(costs.drivers(aws, dataset)))


def _pipeline(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> PipelineStatus:
    recent = runs.listed(aws, dataset, pipeline, most=20)
    newest = results.newest(aws, dataset, pipeline)
    quarantine = uploads.quarantine_count(aws, dataset, pipeline)
    return PipelineStatus(
        pipeline,
        last=_last(recent),
        running=next((each for each in recent if each.running), None),
        serving=tuple(results.serving(aws, dataset, pipeline, newest)),
        accuracy=results.accuracy(newest) if newest else None,
        folders=tuple(uploads.folders(aws, dataset, pipeline)),
        quarantine=quarantine,
        quarantined=tuple(uploads.quarantine(aws, dataset, pipeline, most=3)) if quarantine else (),
        starts=tuple(starts(aws, dataset, pipeline)),
    )


def _last(recent: Sequence[Run]) -> Run | None:
    """The run that says how things are: the newest one if it failed, or else the newest that published. Starts that
    joined another run, and dry runs, say nothing."""
    ended = [each for each in recent if not each.running and not each.outcome.startswith(("joined", "dry run"))]
    if not ended or ended[0].failed:
        return next(iter(ended), None)
    return next((each for each in ended if each.published), ended[0])


def pipeline_of(dataset: Dataset, kind: str) -> Pipeline | None:
    """Which pipeline a kind of dataset, such as target or items, is of."""
    kinds: dict[str, Pipeline] = {
        **dict.fromkeys(("target", "related", "metadata"), PIPELINES[0]),
        **dict.fromkeys(("interactions", "items", "users"), PIPELINES[1]),
    }
    found = kinds.get(kind)
    return found if found in dataset.pipelines else None
