"""What a run will ask of Amazon Personalize: all names and requests, from the config."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.copies import copies_folder, list_key
from common.names import numbered, personalize_name
from common.payload import AwsJson, CopiedFile, Import, Inputs
from recommending.config import BatchSettings, ServingSettings, SolutionSettings, UseCaseSettings
from recommending.payload import Batch, Dataset, Filter, Plan, PlanRequest, Recommender, Solution


@dataclass(frozen=True)
class PlannedImport:
    """An import of all files of a dataset kind, or of those that are `added` to what it holds.

    `imported_checksum` is that of what the dataset holds after a full import, or of the files added;
    `planned_checksum` that of the files that a full import reads, unless it reads copies: `copied` of all files, where
    the service cannot read them as they are.
    """

    kind: str
    changed: bool = True
    imported_checksum: str = ""
    planned_checksum: str = ""
    added: Sequence[CopiedFile] = ()
    copied: Sequence[CopiedFile] = ()


def run_plan(
    event: PlanRequest,
    schemas: Mapping[str, str],
    imports: list[PlannedImport],
    *,
    run: str,
    inputs: Inputs,
    data_changed: bool,
) -> Plan:
    """The plan of the run with the id `run`: every request, without the ARNs that only its steps will know.

    `schemas` are the Avro schemas by dataset kind, `imports` what is to be imported into them.
    """
    config = event["config"]
    plan: Plan = {
        "dataset": event["dataset"],
        "publish": config["publish"],
        "execution": event["execution"],
        "started": event["started"],
        "dataBucket": event["dataBucket"],
        "resultsBucket": event["resultsBucket"],
        "run": run,
        "attempt": event["attempt"],
        "inputs": inputs,
        "dataChanged": data_changed,
        "group": _group(event),
        "datasets": [_dataset(event, kind, schema) for kind, schema in schemas.items()],
        "imports": [_import(event, job, run) for job in imports],
        "recommenders": [_recommender(event, name, settings) for name, settings in config["use_cases"].items()],
        "solutions": [_solution(event, name, settings) for name, settings in config["solutions"].items()],
        "filters": [_filter(event, name, expression) for name, expression in config["filters"].items()],
        "batch": [_batch(event, name, settings, run) for name, settings in config["batch"].items()],
    }
    if config["event_tracker"]:
        name = personalize_name(event["dataset"], "events")
        plan["eventTracker"] = {"request": {"name": name, "tags": _tags(event)}}
    return plan


def _tags(event: PlanRequest) -> list[dict[str, str]]:
    return [{"tagKey": key, "tagValue": value} for key, value in event["tags"].items()]


def _group(event: PlanRequest) -> AwsJson:
    encryption = {**_key(event), "roleArn": event["roleArn"]} if _key(event) else {}
    return {"name": personalize_name(event["dataset"]), "tags": _tags(event), **_domain(event), **encryption}


def _dataset(event: PlanRequest, kind: str, schema: str) -> Dataset:
    dataset = event["dataset"]
    return {
        "kind": kind,
        "schema": {"name": personalize_name(dataset, kind, _version(schema)), "schema": schema, **_domain(event)},
        "request": {"name": personalize_name(dataset, kind), "datasetType": kind.capitalize(), "tags": _tags(event)},
    }


def _domain(event: PlanRequest) -> dict[str, str]:
    """A custom dataset group and its schemas have none (docs/aws-sources.md#personalize-API_CreateDatasetGroup)."""
    return {} if event["config"]["domain"] == "CUSTOM" else {"domain": event["config"]["domain"]}


def _import(event: PlanRequest, job: PlannedImport, run: str) -> Import:
    attempt = numbered(run, event["attempt"]) if event["attempt"] else run  # a name is free once
    folder = f"recommending/{event['dataset']}/"
    copies = list_key(folder, attempt, job.kind) if job.added or job.copied else ""
    location = f"s3://{event['dataBucket']}/{folder}{job.kind}/"
    if copies:
        location = f"s3://{event['resultsBucket']}/{copies_folder(copies)}"
    return {
        "kind": job.kind,
        "changed": job.changed,
        "importedChecksum": job.imported_checksum,
        "plannedChecksum": "" if copies else job.planned_checksum,
        "dataset": event["dataset"],
        "attempt": event["attempt"],
        "dataBucket": event["dataBucket"],
        "resultsBucket": event["resultsBucket"],
        "run": run,
        "folder": f"{folder}{job.kind}/",
        "copies": copies,
        "request": {
            "jobName": personalize_name(event["dataset"], job.kind, attempt),
            "roleArn": event["roleArn"],
            "importMode": "INCREMENTAL" if job.added else "FULL",
            "dataSource": {"dataLocation": location},
            "tags": _tags(event),
        },
    }


def _recommender(event: PlanRequest, use_case: str, settings: UseCaseSettings) -> Recommender:
    rate = settings["min_recommendation_requests_per_second"]
    return {
        "useCase": use_case,
        "request": {
            "name": personalize_name(event["dataset"], use_case),
            "recipeArn": event["recipes"][use_case],
            "recommenderConfig": {
                "minRecommendationRequestsPerSecond": rate,
                **_serving(settings),
                **_training_data(settings),
            },
            "tags": _tags(event),
        },
    }


def _solution(event: PlanRequest, name: str, settings: SolutionSettings) -> Solution:
    """The pipeline itself says when to train: nothing trains by the service's own clock."""
    training: AwsJson = {"eventType": settings["event_type"]} if "event_type" in settings else {}
    if data := _training_data(settings):
        training["solutionConfig"] = data
    unique = personalize_name(event["dataset"], name, _version(json.dumps([settings["recipe"], training])))
    planned: Solution = {
        "name": name,
        "recipe": settings["recipe"],
        "request": {
            "name": unique,
            "recipeArn": event["recipes"][settings["recipe"]],
            "performAutoTraining": False,
            "tags": _tags(event),
            **training,
        },
    }
    if settings["campaign"]:
        planned["campaign"] = {
            "name": unique,
            "minProvisionedTPS": settings["min_provisioned_tps"],
            "campaignConfig": _serving(settings),
            "tags": _tags(event),
        }
    return planned


def _filter(event: PlanRequest, name: str, expression: str) -> Filter:
    unique = personalize_name(event["dataset"], name, _version(expression))
    return {"name": name, "request": {"name": unique, "filterExpression": expression, "tags": _tags(event)}}


def _batch(event: PlanRequest, name: str, settings: BatchSettings, run: str) -> Batch:
    """Input and output lie side by side in the results bucket."""
    folder = f"recommending/{event['dataset']}/batch/{name}/run={run}/"
    uri = f"s3://{event['resultsBucket']}/{folder}"
    return {
        "name": name,
        "settings": settings,
        "recipe": event["config"]["solutions"][settings["solution"]]["recipe"],
        "headItems": event["config"]["publish"]["head_items"],
        "inputKey": f"{folder}input.json",
        "request": {
            "jobName": personalize_name(event["dataset"], name, run),
            "roleArn": event["roleArn"],
            "numResults": settings["results"],
            "jobInput": {"s3DataSource": {"path": f"{uri}input.json", **_key(event)}},
            "jobOutput": {"s3DataDestination": {"path": f"{uri}output/", **_key(event)}},
            "tags": _tags(event),
        },
    }


def _training_data(settings: ServingSettings) -> AwsJson:
    """Columns that filters may use and training does not (docs/aws-sources.md#personalize-API_TrainingDataConfig)."""
    excluded = {kind.upper(): names for kind, names in settings["excluded_dataset_columns"].items()}
    return {"trainingDataConfig": {"excludedDatasetColumns": excluded}} if excluded else {}


def _serving(settings: ServingSettings) -> AwsJson:
    """What recommenders and campaigns have in common (docs/aws-sources.md#personalize-API_RecommenderConfig);
    exploration's settings are text."""
    exploration = {}
    if "exploration_weight" in settings:
        exploration["explorationWeight"] = str(settings["exploration_weight"])
    if "exploration_item_age_cut_off" in settings:
        exploration["explorationItemAgeCutOff"] = str(settings["exploration_item_age_cut_off"])
    return {
        "enableMetadataWithRecommendations": settings["enable_metadata_with_recommendations"],
        **({"itemExplorationConfig": exploration} if exploration else {}),
    }


def _key(event: PlanRequest) -> dict[str, str]:
    """The customer managed key, if the app has one."""
    return {"kmsKeyArn": event["kmsKeyArn"]} if "kmsKeyArn" in event else {}


def _version(content: str) -> str:
    """What can never change, such as a schema or a filter, carries this of its content in its name."""
    return hashlib.sha256(content.encode()).hexdigest()[:8]
