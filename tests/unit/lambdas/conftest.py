"""The steps as Lambda runs them: `lambdas/` and its layer on the path, AWS's services stubbed call by call."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.recordings import without_empty

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lambdas"))
os.environ.update(AWS_DEFAULT_REGION="eu-west-1", POWERTOOLS_SERVICE_NAME="test", POWERTOOLS_TRACE_DISABLED="true")
os.environ.pop("AWS_ENDPOINT_URL", None)

ACCOUNT = "arn:aws:{service}:eu-west-1:111122223333:{resource}"


class ServiceStubber(Stubber):
    """A Stubber that takes the answers that the real services give."""

    def _validate_operation_response(self, operation_name: str, service_response: dict[str, Any]) -> None:
        super()._validate_operation_response(operation_name, without_empty(service_response))


@pytest.fixture
def context() -> Any:
    return SimpleNamespace(function_name="f", log_stream_name="log", get_remaining_time_in_millis=lambda: 600_000)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`stub("forecast")` is a Stubber whose client the steps get; every call queued on it must happen."""
    from common import clients

    stubbers: dict[str, Stubber] = {}

    def stubber(service: str) -> Stubber:
        if service not in stubbers:
            client = real(service, aws_access_key_id="a", aws_secret_access_key="b")
            stubbers[service] = ServiceStubber(client)
            stubbers[service].activate()
        return stubbers[service]

    real = boto3.client
    monkeypatch.setattr(clients.boto3, "client", lambda service, **_: stubber(service).client)
    clients.client.cache_clear()
    yield stubber
    clients.client.cache_clear()
    for queued in stubbers.values():
        queued.assert_no_pending_responses()


class NoSuchKey(ClientError):
    """S3's error of that name."""


class Bucket:
    """Just enough of S3 for the steps that read and write a lot."""

    exceptions = SimpleNamespace(NoSuchKey=NoSuchKey)

    def __init__(self, objects: dict[str, str] | None = None) -> None:
        self.put = datetime.now(UTC) - timedelta(days=2)
        self.puts: dict[str, datetime] = {}  # of single keys
        self.listings: list[str] = []  # prefixes
        self.objects = {key: text.encode() for key, text in (objects or {}).items()}
        self.versions: dict[tuple[str, str], bytes] = {}  # by key and ETag, of what plans saw

    def plan(self, folder: str, run: str) -> None:
        """Write what Plan keeps of the uploads in a dataset's folder that are there now."""
        data: dict[str, Any] = {}
        for key in [key for key in self.objects if key.startswith(folder) and key.endswith(".csv")]:
            kind = key.removeprefix(folder).partition("/")[0]
            data.setdefault(kind, {"files": {}})["files"][key] = self._etag(key)
            self.versions[key, self._etag(key)] = self.objects[key]
        self.objects[f"{folder}runs/{run}/data.json"] = json.dumps(data).encode()

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(
            paginate={"list_objects_v2": self._list, "list_object_versions": self._list_versions}[operation]
        )

    def _list_versions(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        found = [(key, etag) for key, etag in self.versions if key.startswith(Prefix)]
        return [{"Versions": [{"Key": key, "ETag": etag, "VersionId": etag} for key, etag in found]}]

    def _list(self, Bucket: str, Prefix: str, Delimiter: str = "") -> list[dict[str, Any]]:
        self.listings.append(Prefix)
        if Delimiter:
            ends = {Prefix + key.removeprefix(Prefix).partition(Delimiter)[0] + Delimiter for key in self.objects}
            return [{"CommonPrefixes": [{"Prefix": each} for each in sorted(ends) if self._under(each)]}]
        found = [(key, body) for key, body in sorted(self.objects.items()) if key.startswith(Prefix)]
        return [
            {
                "Contents": [
                    {
                        "Key": key,
                        "Size": len(body),
                        "ETag": self._etag(key),
                        "LastModified": self.puts.get(key, self.put),
                    }
                    for key, body in found
                ]
            }
        ]

    def _under(self, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in self.objects)

    def listed_twice(self) -> list[str]:
        """The prefixes whose objects another listing had too."""
        others = [self.listings[:at] + self.listings[at + 1 :] for at in range(len(self.listings))]
        return [each for each, more in zip(self.listings, others) if each.startswith(tuple(more))]

    def get_object(
        self, Bucket: str, Key: str, Range: str = "bytes=0-", IfMatch: str = "", VersionId: str = ""
    ) -> dict[str, Any]:
        if VersionId:
            return {"Body": io.BytesIO(self.versions[Key, VersionId])}
        if Key not in self.objects:
            raise NoSuchKey({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        if IfMatch not in ("", self._etag(Key)):
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "GetObject")
        first, _, last = Range.removeprefix("bytes=").partition("-")
        return {"Body": io.BytesIO(self.objects[Key][int(first) : int(last) + 1 if last else None])}

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"ContentLength": len(self.objects[Key])}

    def _etag(self, key: str) -> str:
        return hashlib.md5(self.objects[key]).hexdigest()

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.objects[Key] = Body

    def copy(self, source: dict[str, str], bucket: str, key: str, ExtraArgs: dict[str, str], Config: Any) -> None:
        assert ExtraArgs == {"CopySourceIfMatch": self._etag(source["Key"])}
        self.objects[key] = self.objects[source["Key"]]
        self.puts[key] = datetime.now(UTC)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        for each in Delete["Objects"]:
            del self.objects[each["Key"]]
        return {}

    def delete_object(self, Bucket: str, Key: str, IfMatch: str) -> None:
        assert IfMatch == self._etag(Key)
        del self.objects[Key]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, stub: Any) -> Bucket:
    """One bucket for data and results; the other services stay stubbed."""
    from common import clients

    there, stubbed = Bucket(), clients.boto3.client
    monkeypatch.setattr(
        clients.boto3, "client", lambda service, **kw: there if service == "s3" else stubbed(service, **kw)
    )
    clients.client.cache_clear()
    return there


def expect_history(stub: Any) -> None:
    """A run that began at nine, imported for twenty seconds, and took four states and one function so far."""

    def event(second: int, kind: str, **details: Any) -> dict[str, Any]:
        return {"id": 1, "type": kind, "timestamp": datetime(2026, 11, 22, 9, 0, second, tzinfo=UTC), **details}

    def passed(second: int, kind: str, name: str, way: str) -> dict[str, Any]:
        return event(second, f"{kind}State{way}", **{f"state{way}EventDetails": {"name": name}})

    scheduled = {"resourceType": "lambda", "resource": "invoke", "region": "r", "parameters": ""}
    stub("stepfunctions").add_response(
        "get_execution_history",
        {
            "events": [
                event(0, "ExecutionStarted"),
                passed(1, "Parallel", "Pipeline", "Entered"),
                passed(2, "Task", "Plan", "Entered"),
                event(3, "TaskScheduled", taskScheduledEventDetails=scheduled),
                event(4, "TaskScheduled", taskScheduledEventDetails={**scheduled, "resourceType": "aws-sdk:forecast"}),
                passed(5, "Map", "Import", "Entered"),
                passed(25, "Map", "Import", "Exited"),
                passed(26, "Task", "Notify", "Entered"),
            ]
        },
    )


def forecast_summary(**changed: Any) -> dict[str, Any]:
    """What Publish says of a run over two series."""
    return {
        "dataset": "shop",
        "run": "r",
        "report": "s3://results/forecasting/shop/runs/r/report.html",
        "accuracy": [{"algorithm": "AutoPredictor", "WAPE": 0.12}],
        "bias": 0.015,
        "items": 2,
        "series": {"delivered": 2, "forecast": 2, "withoutHistory": 0, "leftOut": []},
        "horizon": 14,
        "history": {"from": "2025-01-01T00:00:00", "to": "2025-12-31T00:00:00", "steps": 365},
        "training": {"trained": True, "reason": "it is the first"},
        "promotion": {"promoted": True, "reason": "it is the first"},
        "database": "storecast_shop",
        "forecasts": {"planning": {"types": ["0.5"], "table": "planning", "exports": "s3://results/x/"}},
        "failed": [],
        "whatIf": [],
        "impact": [],
        "notes": [],
        **changed,
    }


def expect_services_messages(stub: Any, **messages: str) -> None:
    """The lists in which Publish looks for what the service said of imports, predictors and forecasts."""
    job = {"DatasetImportJobName": f"storecast_corner_shop_target_{'r' * 19}", "DatasetImportJobArn": "i"}
    forecast = {"ForecastArn": arn("forecast", "forecast/planning"), "ForecastName": "planning"}
    listed = {
        "dataset_import_job": ("DatasetImportJobs", job),
        "predictor": ("Predictors", {"PredictorArn": arn("forecast", "predictor/p"), "PredictorName": "p"}),
        "forecast": ("Forecasts", forecast),
    }
    for kind, (member, one) in listed.items():
        more = {"Message": messages[kind]} if kind in messages else {}
        stub("forecast").add_response(f"list_{kind}s", {member: [{**one, **times(22), "Status": "ACTIVE", **more}]})


def times(day: int) -> dict[str, datetime]:
    """Of a job of that day of November, as Forecast says them."""
    return {
        "CreationTime": datetime(2026, 11, day, 21, 18, tzinfo=UTC),
        "LastModificationTime": datetime(2026, 11, day, 21, 30, tzinfo=UTC),
    }


def arn(service: str, resource: str) -> str:
    return ACCOUNT.format(service=service, resource=resource)


def events(count: int, user: str = "u1") -> bytes:
    """A file of interactions; an import takes 1,000 at least."""
    rows = "".join(f"{user},i{number},{1_700_000_000 + number},View\n" for number in range(count))
    return f"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n{rows}".encode()


FORECASTING = {
    "dataset": "corner-shop",
    "domain": {"item": "item_id", "target": "demand"},
    "execution": arn("states", "execution:storecast-corner-shop-forecasting:e1"),
    "started": "2026-11-22T21:17:00.123Z",
    "attempt": 0,
    "force": False,
    "dataBucket": "data",
    "resultsBucket": "results",
    "tags": {"project": "storecast", "dataset": "corner-shop", "owner": "shop team"},
    "roleArn": "arn:aws:iam::111122223333:role/forecast",
    "database": "storecast_corner_shop",
    "config": {
        "domain": "RETAIL",
        "frequency": "D",
        "horizon": 2,
        "timestamp_format": "yyyy-MM-dd",
        "dimensions": [],
        "summed_over": [],
        "datasets": {
            "target": {"item_id": "string", "timestamp": "timestamp", "demand": "float"},
            "related": {"item_id": "string", "timestamp": "timestamp", "price": "float"},
            "metadata": {"item_id": "string", "category": "string"},
        },
        "filling": {"demand": {"middlefill": "zero"}, "price": {"futurefill": "median"}},
        "quantiles": ["0.1", "0.5", "0.9"],
        "optimization_metric": "AverageWeightedQuantileLoss",
        "algorithms": ["AutoPredictor"],
        "backtest_windows": 1,
        "time_alignment_boundary": {},
        "keep": 2,
        "promotion": {"tolerance": 0.05},
        "forecasts": {"planning": ["0.1", "0.5", "0.9", "mean"], "fan": ["0.05", "0.95"]},
    },
}
RECOMMENDING = {
    "dataset": "corner-shop",
    "execution": arn("states", "execution:storecast-corner-shop-recommending:e1"),
    "started": "2026-11-22T21:17:00.123Z",
    "attempt": 0,
    "force": False,
    "dataBucket": "data",
    "resultsBucket": "results",
    "tags": {"project": "storecast", "dataset": "corner-shop", "owner": "shop team"},
    "roleArn": "arn:aws:iam::111122223333:role/personalize",
    "recipes": {
        "best-sellers": "arn:aws:personalize:::recipe/aws-ecomm-popular-items-by-purchases",
        "aws-user-personalization": "arn:aws:personalize:::recipe/aws-user-personalization",
    },
    "config": {
        "domain": "ECOMMERCE",
        "import_mode": "FULL",
        "use_cases": {
            "best-sellers": {
                "min_recommendation_requests_per_second": 2,
                "enable_metadata_with_recommendations": False,
                "excluded_dataset_columns": {},
            }
        },
        "solutions": {
            "for-you": {
                "recipe": "aws-user-personalization",
                "event_type": "Purchase",
                "campaign": True,
                "min_provisioned_tps": 1,
                "enable_metadata_with_recommendations": False,
                "excluded_dataset_columns": {},
                "exploration_weight": 0.3,
                "exploration_item_age_cut_off": 30,
            }
        },
        "filters": {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 3"},
        "batch": {"everyone": {"solution": "for-you", "top": 2, "results": 5, "filter": "cheap"}},
        "event_tracker": True,
        "publish": {
            "head_items": 2,
            "sample_users": 2,
            "results": 3,
            "name_column": "NAME",
            "note": "Views are simulated.",
        },
        "datasets": {
            "interactions": {
                name: {"type": kind, "categorical": False, "textual": False, "nullable": False}
                for name, kind in {
                    "USER_ID": "string",
                    "ITEM_ID": "string",
                    "TIMESTAMP": "long",
                    "EVENT_TYPE": "string",
                }.items()
            },
            "users": {
                "USER_ID": {"type": "string", "categorical": False, "textual": False, "nullable": False},
                "AGE": {"type": "string", "categorical": True, "textual": False, "nullable": True},
            },
        },
    },
}


def recommending_plan(imports: list[Any] | None = None, **changed: Any) -> dict[str, Any]:
    """What Plan answers to RECOMMENDING, with `changed` members; by default both its datasets are new."""
    from recommending.run_plan import PlannedImport, run_plan
    from recommending.schema import avro_schema

    schemas = {kind: avro_schema(kind, columns) for kind, columns in RECOMMENDING["config"]["datasets"].items()}
    both = [PlannedImport(kind, imported_checksum="c") for kind in schemas]
    inputs = {"files": dict.fromkeys(schemas, "c"), "config": "c"}
    run = "20261122T211700_abc"
    event = {**RECOMMENDING, **changed}
    return run_plan(event, schemas, both if imports is None else imports, run=run, inputs=inputs, data_changed=True)
