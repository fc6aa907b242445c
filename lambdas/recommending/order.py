"""What a run will ask of Amazon Personalize: all names and requests, from the config."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.names import numbered, personalize_name

_ATTEMPTS = 100  # room for the numbers of one attempt's imports


@dataclass(frozen=True)
class Job:
    """An import of all files of a dataset kind, or of one that came to them, then with a `number` within the run.

    `location` is a key or a folder of the data bucket; `imported_checksum` is that of what the dataset holds after a
    full import, or of the one file; `planned_checksum` that of the files that a full import reads.
    """

    kind: str
    location: str
    changed: bool = True
    imported_checksum: str = ""
    planned_checksum: str = ""
    number: int | None = None


def order(event: dict[str, Any], schemas: Mapping[str, str], imports: list[Job], run: str) -> dict[str, Any]:
    """Every request of the run, but for the ARNs that only its steps will know.

    `schemas` are the Avro schemas by kind of dataset, `imports` what is to be imported into them.
    """
    config, dataset = event["config"], event["dataset"]
    tags = [{"tagKey": key, "tagValue": value} for key, value in event["tags"].items()]
    encryption = {**_key(event), "roleArn": event["roleArn"]} if _key(event) else {}
    return {
        **{key: event[key] for key in ("dataset", "config", "execution", "started", "dataBucket", "resultsBucket")},
        "run": run,
        "attempt": event["attempt"],
        "group": {"name": personalize_name(dataset), "tags": tags, **_domain(event), **encryption},
        "datasets": [_dataset(event, kind, schema, tags) for kind, schema in schemas.items()],
        "imports": [
            {
                "kind": job.kind,
                "changed": job.changed,
                "importedChecksum": job.imported_checksum,
                "plannedChecksum": job.planned_checksum,
                **{key: event[key] for key in ("dataset", "attempt", "dataBucket")},
                "run": run,
                "folder": f"recommending/{dataset}/{job.kind}/",
                "location": job.location,
                "request": _import(event, job, run, tags),
            }
            for job in imports
        ],
        "recommenders": [
            {
                "useCase": use_case,
                "request": {
                    "name": personalize_name(dataset, use_case),
                    "recipeArn": event["recipes"][use_case],
                    "recommenderConfig": _recommender_config(settings),
                    "tags": tags,
                },
            }
            for use_case, settings in config["use_cases"].items()
        ],
        "solutions": [_solution(event, name, settings, tags) for name, settings in config["solutions"].items()],
        "filters": [
            {
                "name": name,
                "request": {
                    "name": personalize_name(dataset, name, _version(expression)),
                    "filterExpression": expression,
                    "tags": tags,
                },
            }
            for name, expression in config["filters"].items()
        ],
        "batch": [_batch(event, name, settings, run, tags) for name, settings in config["batch"].items()],
        **(
            {"eventTracker": {"request": {"name": personalize_name(dataset, "events"), "tags": tags}}}
            if config["event_tracker"]
            else {}
        ),
    }


def _dataset(event: dict[str, Any], kind: str, schema: str, tags: list[dict[str, str]]) -> dict[str, Any]:
    dataset = event["dataset"]
    return {
        "kind": kind,
        "schema": {"name": personalize_name(dataset, kind, _version(schema)), "schema": schema, **_domain(event)},
        "request": {"name": personalize_name(dataset, kind), "datasetType": kind.capitalize(), "tags": tags},
    }


def _domain(event: dict[str, Any]) -> dict[str, str]:
    """A custom dataset group and its schemas have none (API_CreateDatasetGroup.md)."""
    return {} if event["config"]["domain"] == "CUSTOM" else {"domain": event["config"]["domain"]}


def _import(event: dict[str, Any], job: Job, run: str, tags: list[dict[str, str]]) -> dict[str, Any]:
    first = job.number is None and not event["attempt"]
    number = _ATTEMPTS * event["attempt"] + (job.number or 0)  # a name is free once
    return {
        "jobName": personalize_name(event["dataset"], job.kind, run if first else numbered(run, number)),
        "roleArn": event["roleArn"],
        "importMode": "FULL" if job.number is None else "INCREMENTAL",
        "dataSource": {"dataLocation": f"s3://{event['dataBucket']}/{job.location}"},
        "tags": tags,
    }


def _solution(event: dict[str, Any], name: str, settings: dict[str, Any], tags: list[dict[str, str]]) -> dict[str, Any]:
    """The pipeline itself says when to train: nothing trains by the service's own clock."""
    training = {"eventType": settings["event_type"]} if "event_type" in settings else {}
    if data := _training_data(settings):
        training["solutionConfig"] = data
    unique = personalize_name(event["dataset"], name, _version(json.dumps([settings["recipe"], training])))
    campaign = {
        "name": unique,
        "minProvisionedTPS": settings["min_provisioned_tps"],
        "campaignConfig": _answering(settings),
        "tags": tags,
    }
    return {
        "name": name,
        "recipe": settings["recipe"],
        "request": {
            "name": unique,
            "recipeArn": event["recipes"][settings["recipe"]],
            "performAutoTraining": False,
            "tags": tags,
            **training,
        },
        **({"campaign": campaign} if settings["campaign"] else {}),
    }


def _batch(
    event: dict[str, Any], name: str, settings: dict[str, Any], run: str, tags: list[dict[str, str]]
) -> dict[str, Any]:
    """Input and output lie side by side in the results bucket."""
    folder = f"recommending/{event['dataset']}/batch/{name}/run={run}/"
    there = f"s3://{event['resultsBucket']}/{folder}"
    return {
        "name": name,
        "settings": settings,
        "recipe": event["config"]["solutions"][settings["solution"]]["recipe"],
        "headItems": event["config"]["publish"]["head_items"],
        "input": f"{folder}input.json",
        "request": {
            "jobName": personalize_name(event["dataset"], name, run),
            "roleArn": event["roleArn"],
            "numResults": settings["results"],
            "jobInput": {"s3DataSource": {"path": f"{there}input.json", **_key(event)}},
            "jobOutput": {"s3DataDestination": {"path": f"{there}output/", **_key(event)}},
            "tags": tags,
        },
    }


def _recommender_config(settings: dict[str, Any]) -> dict[str, Any]:
    rate = settings["min_recommendation_requests_per_second"]
    return {"minRecommendationRequestsPerSecond": rate, **_answering(settings), **_training_data(settings)}


def _training_data(settings: dict[str, Any]) -> dict[str, Any]:
    """Columns that filters may use and training does not (API_TrainingDataConfig.md)."""
    excluded = {kind.upper(): names for kind, names in settings["excluded_dataset_columns"].items()}
    return {"trainingDataConfig": {"excludedDatasetColumns": excluded}} if excluded else {}


def _answering(settings: dict[str, Any]) -> dict[str, Any]:
    """What recommenders and campaigns have in common (API_RecommenderConfig.md): exploration's settings are text."""
    names = {"exploration_weight": "explorationWeight", "exploration_item_age_cut_off": "explorationItemAgeCutOff"}
    exploration = {names[key]: str(value) for key, value in settings.items() if key in names}
    return {
        "enableMetadataWithRecommendations": settings["enable_metadata_with_recommendations"],
        **({"itemExplorationConfig": exploration} if exploration else {}),
    }


def _key(event: dict[str, Any]) -> dict[str, str]:
    """The customer managed key, if the app has one."""
    return {"kmsKeyArn": event["kmsKeyArn"]} if "kmsKeyArn" in event else {}


def _version(content: str) -> str:
    """What can never change, such as a schema or a filter, carries this of its content in its name."""
    return hashlib.sha256(content.encode()).hexdigest()[:8]
