"""Plan: what this run will ask of Amazon Personalize, all names and requests, from the config and the files there."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from common.names import personalize_name, run_id
from common.step import step
from common.store import csv_keys


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The run's order. Raises ValueError if there is no interactions file to learn from."""
    folder = f"recommending/{event['dataset']}/"
    kinds = [kind for kind in event["config"]["datasets"] if csv_keys(event["dataBucket"], f"{folder}{kind}/")]
    if "interactions" not in kinds:
        raise ValueError(
            f"no interactions file: put at least one CSV under s3://{event['dataBucket']}/{folder}interactions/"
        )
    return order(event, kinds, run_id(event["execution"], event["started"]))


def order(event: dict[str, Any], kinds: list[str], run: str) -> dict[str, Any]:
    """Every request of the run, but for the ARNs that only its steps will know."""
    config, dataset = event["config"], event["dataset"]
    tags = [{"tagKey": "project", "tagValue": "storecast"}, {"tagKey": "dataset", "tagValue": dataset}]
    imports = []
    for kind in kinds:
        schema = avro_schema(kind, config["datasets"][kind])
        # A schema can never change, so its content is part of its name.
        version = hashlib.sha256(schema.encode()).hexdigest()[:8]
        imports.append(
            {
                "kind": kind,
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
                    "tags": tags,
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
