"""Plan: what this run will ask of Amazon Personalize, all names and requests, from the config and the files there;
nothing at all if the last run worked on the same."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from common import deliveries
from common.clients import client
from common.names import personalize_name, run_id
from common.step import step
from common.store import get_json


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The run's order, or `nothingNew`, why there is none."""
    folder = f"recommending/{event['dataset']}/"
    deliveries.tell_age(event["dataBucket"], folder, event["dataset"])
    files = deliveries.checksums(event["dataBucket"], folder, event["config"]["datasets"])
    if "interactions" not in files:
        return deliveries.waiting(event["dataBucket"], folder, "interactions")
    newest = get_json(event["resultsBucket"], f"{folder}newest.json")
    covers = {"files": files, "config": deliveries.checksum(event["config"])}
    named = functools.partial(personalize_name, event["dataset"])
    imported = {} if event["force"] else deliveries.imported(client("personalize"), files, named)
    if imported == files and newest and newest.get("covers") == covers:
        return deliveries.nothing_new(event["dataBucket"], folder, files, newest["run"])
    return {**order(event, files, imported, run_id(event["execution"], event["started"])), "covers": covers}


def order(event: dict[str, Any], files: Mapping[str, str], imported: Mapping[str, str], run: str) -> dict[str, Any]:
    """Every request of the run, but for the ARNs that only its steps will know.

    `files` are the checksums of what is there by kind, `imported` of what the datasets hold.
    """
    config, dataset = event["config"], event["dataset"]
    tags = [{"tagKey": "project", "tagValue": "storecast"}, {"tagKey": "dataset", "tagValue": dataset}]
    imports = []
    for kind in files:
        schema = avro_schema(kind, config["datasets"][kind])
        # A schema can never change, so its content is part of its name.
        version = hashlib.sha256(schema.encode()).hexdigest()[:8]
        imports.append(
            {
                "kind": kind,
                "changed": imported.get(kind) != files[kind],
                "schema": {
                    "name": personalize_name(dataset, kind, version),
                    "schema": schema,
                    "domain": config["domain"],
                },
                "dataset": {"name": personalize_name(dataset, kind), "datasetType": kind.capitalize(), "tags": tags},
                "request": {
                    "jobName": personalize_name(dataset, kind, run),
                    "roleArn": event["roleArn"],
                    "importMode": "FULL",
                    "dataSource": {"dataLocation": f"s3://{event['dataBucket']}/recommending/{dataset}/{kind}/"},
                    "tags": [*tags, {"tagKey": deliveries.TAG, "tagValue": files[kind]}],
                },
            }
        )
    return {
        **{key: event[key] for key in ("dataset", "config", "execution", "dataBucket", "resultsBucket")},
        "run": run,
        "group": {"name": personalize_name(dataset), "domain": config["domain"], "tags": tags},
        "imports": imports,
        "recommenders": [
            {
                "useCase": use_case,
                "request": {
                    "name": personalize_name(dataset, use_case),
                    "recipeArn": event["recipes"][use_case],
                    "tags": tags,
                },
            }
            for use_case in config["use_cases"]
        ],
    }


def avro_schema(kind: str, columns: dict[str, dict[str, Any]]) -> str:
    """The Avro schema of a Personalize dataset (ECOMMERCE-datasets-and-schemas.md)."""
    fields = []
    for name, column in columns.items():
        marks = {mark: True for mark in ("categorical", "textual") if column[mark]}
        fields.append(
            {"name": name, "type": [column["type"], "null"] if column["nullable"] else column["type"], **marks}
        )
    return json.dumps(
        {
            "type": "record",
            "name": kind.capitalize(),
            "namespace": "com.amazonaws.personalize.schema",
            "fields": fields,
            "version": "1.0",
        }
    )
