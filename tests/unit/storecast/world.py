"""A deployed dataset without a server: clients that answer from dictionaries, in the shapes that boto3 gives."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from storecast.client.aws import Aws
from storecast.client.model import Dataset

THEN = datetime(2026, 11, 1, 12, tzinfo=UTC)
RUN = "20261101T120000_abc"
PLAN = {
    "forecasting": {
        "config": {
            "frequency": "D",
            "dimensions": ["store"],
            "time_alignment_boundary": {},
            "filling": {},
            "datasets": {
                "target": {"item_id": "string", "store": "string", "timestamp": "timestamp", "demand": "float"},
                "metadata": {"item_id": "string", "category": "string"},
            },
        },
        "domain": {"item": "item_id", "target": "demand"},
    },
    "recommending": {
        "config": {
            "publish": {"name_column": "TITLE"},
            "filters": {"cheap": "INCLUDE ItemID WHERE Items.PRICE < $MOST"},
        }
    },
}


class World(Aws):
    """What is in the buckets, by (bucket, key); what the runtime of Personalize is asked and answers."""

    def __init__(self) -> None:
        self.region, self.endpoint = "eu-west-1", "https://127.0.0.1:1"
        self.ended = {}
        self.objects: dict[tuple[str, str], bytes] = {}
        self.asked: list[dict[str, Any]] = []
        self.answer = [{"itemId": "i2"}, {"itemId": "i9"}]
        self.executions: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []

    def put(self, bucket: str, key: str, body: str | bytes | dict[str, Any]) -> str:
        """The object's ETag."""
        body = json.dumps(body) if isinstance(body, dict) else body
        self.objects[bucket, key] = body.encode() if isinstance(body, str) else body
        return _etag(self.objects[bucket, key])

    def client(self, service: str) -> Any:  # type: ignore[override]
        return {
            "s3": _S3(self),
            "stepfunctions": _StepFunctions(self),
            "personalize-runtime": SimpleNamespace(
                get_recommendations=lambda **given: self._ask(given, "itemList"),
                get_personalized_ranking=lambda **given: self._ask(given, "personalizedRanking"),
            ),
        }[service]

    def _ask(self, given: dict[str, Any], member: str) -> dict[str, Any]:
        self.asked.append(given)
        return {member: self.answer}


class _S3:
    def __init__(self, world: World) -> None:
        self._world = world

    def get_object(self, Bucket: str, Key: str, IfMatch: str | None = None) -> dict[str, Any]:
        body = self._world.objects.get((Bucket, Key))
        if body is None:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "?"}}, "GetObject")
        assert IfMatch in (None, _etag(body))
        return {"Body": _Body(body)}

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=self._listed)

    def _listed(self, Bucket: str, Prefix: str, Delimiter: str = "") -> Iterator[dict[str, Any]]:
        there = sorted(key for bucket, key in self._world.objects if bucket == Bucket and key.startswith(Prefix))
        if Delimiter:
            folders = sorted({Prefix + key.removeprefix(Prefix).partition("/")[0] + "/" for key in there})
            yield {"CommonPrefixes": [{"Prefix": each} for each in folders]}
            return
        for key in there:  # a page each
            body = self._world.objects[Bucket, key]
            yield {"Contents": [{"Key": key, "ETag": _etag(body), "Size": len(body), "LastModified": THEN}]}


class _Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while chunk := self.read(size):
            yield chunk


class _StepFunctions:
    def __init__(self, world: World) -> None:
        self._world = world

    def describe_state_machine(self, stateMachineArn: str) -> dict[str, Any]:
        pipeline = stateMachineArn.rpartition("-")[2]
        plan = {"Type": "Task", "Arguments": {"Payload": PLAN[pipeline]}, "Next": "Train", "Catch": [{"Next": "Bad"}]}
        inner = {"StartAt": "Plan", "States": {"Plan": plan, "Train": {"Type": "Task"}, "Bad": {"Type": "Fail"}}}
        outer = {"Pipeline": {"Type": "Parallel", "Branches": [inner], "Next": "Done"}, "Done": {"Type": "Succeed"}}
        return {"definition": json.dumps({"StartAt": "Pipeline", "States": outer})}

    def get_paginator(self, operation: str) -> Any:
        member = {"list_executions": "executions", "get_execution_history": "events"}[operation]
        return SimpleNamespace(paginate=lambda **_: iter([{member: getattr(self._world, member)}]))

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        return next(each for each in self._world.executions if each["executionArn"] == executionArn)


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


SHOP = Dataset(
    "shop",
    (),
    {
        "DataBucket": "data",
        "ResultsBucket": "results",
        "ForecastingStateMachine": "arn:aws:states:eu-west-1:1:stateMachine:storecast-shop-forecasting",
        "RecommendingStateMachine": "arn:aws:states:eu-west-1:1:stateMachine:storecast-shop-recommending",
    },
    "eu-west-1",
)


def shop() -> World:
    """Two items in two stores, of which one file comes without a header, one with another order, one compressed."""
    import gzip

    world = World()
    folder = "forecasting/shop/"
    files = {
        f"{folder}target/a.csv": b"Milk,berlin,2026-10-30,3\nMilk,berlin,2026-10-30,2\nbread,berlin,2026-10-30,1\n",
        f"{folder}target/b.csv": b"demand,ITEM_ID,store,timestamp\n7,Milk,berlin,2026-10-31\n9,Milk,paris,2026-10-31\n",
        f"{folder}target/c.csv": gzip.compress(b"Milk,berlin,2026-11-01,5\nMilk,berlin,2026-11-02,6\n"),
    }
    etags = {key: world.put("data", key, body) for key, body in files.items()}
    layouts: dict[str, Any] = {
        f"{folder}target/b.csv": {"header": True, "positions": [1, 2, 3, 0]},
        f"{folder}target/c.csv": {"gzip": True, "skip": [[2, 2]]},
    }
    about = world.put("data", f"{folder}metadata/m.csv", "item_id,category\nMilk,dairy\nbread,bakery\n")
    world.put(
        "results",
        f"{folder}runs/{RUN}/data.json",
        {
            "target": {"files": etags, "layouts": layouts},
            "metadata": {"files": {f"{folder}metadata/m.csv": about}, "layouts": {}},
        },
    )
    rows = "item_id,store,date,p10,p90\nmilk,berlin,2026-11-02T00:00:00Z,1,9\nmilk,paris,2026-11-02T00:00:00Z,2,8\n"
    world.put("results", f"{folder}exports/planning/run={RUN}/part0.csv", rows)
    world.put(
        "results",
        f"{folder}exports/planning/run={RUN}/part1.csv",
        "item_id,store,date,p10,p90\nbread,berlin,2026-11-02,0,3\n",
    )
    fan = "item_id,store,date,p5\nmilk,berlin,2026-11-02T00:00:00Z,0.5\n"
    world.put("results", f"{folder}exports/fan/run={RUN}/part0.csv", fan)
    tested = "item_id,timestamp,store,target_value,backtestwindow_start_time,backtestwindow_end_time,p10,p50,p90\n"
    world.put(
        "results",
        f"{folder}backtests/run={RUN}/forecasted-values/part0.csv",
        tested
        + "milk,2026-10-30T00:00:00Z,berlin,10,2026-10-30T00:00:00,2026-10-31T00:00:00,6,8,12\n"
        + "milk,2026-10-31T00:00:00Z,berlin,10,2026-10-30T00:00:00,2026-10-31T00:00:00,9,15,20\n"
        + "bread,2026-10-30T00:00:00Z,berlin,4,2026-10-30T00:00:00,2026-10-31T00:00:00,3,4,5\n",
    )
    name = f"storecast_shop_cheaper_milk_{RUN}"
    world.put(
        "results",
        f"{folder}what-if/run={RUN}/part0.csv",
        f"item_id,store,date,Baseline_p50,{name}_p10,{name}_p50\nmilk,berlin,2026-11-02T00:00:00Z,4,3,6\n",
    )
    uri = f"s3://results/{folder}"
    world.put(
        "results",
        f"{folder}newest.json",
        {
            "run": RUN,
            "backtests": f"{uri}backtests/run={RUN}/",
            "forecasts": {kind: {"exports": f"{uri}exports/{kind}/run={RUN}/"} for kind in ("planning", "fan")},
            "whatIf": [{"name": "cheaper_milk"}],
        },
    )
    _recommending(world)
    return world


def _recommending(world: World) -> None:
    folder = "recommending/shop/"
    items = world.put("data", f"{folder}items/i.csv", "ITEM_ID,PRICE,TITLE\ni1,1,Tea\ni2,2,Milk\ni3,3,Milk\n")
    events = world.put("data", f"{folder}interactions/e.csv", "USER_ID,ITEM_ID,TIMESTAMP\nu1,i1,1\nu2,i9,2\n")
    planned = {
        "items": {"files": {f"{folder}items/i.csv": items}, "columns": {"ITEM_ID": {}, "PRICE": {}}},
        "interactions": {
            "files": {f"{folder}interactions/e.csv": events},
            "columns": {"USER_ID": {}, "ITEM_ID": {}, "TIMESTAMP": {}},
        },
    }
    world.put("results", f"{folder}runs/{RUN}/data.json", planned)
    popular = {"useCase": "best-sellers", "lists": [{"for": {}, "items": [{"itemId": "i2"}, {"itemId": "i1"}]}]}
    world.put("results", f"{folder}runs/{RUN}/recommendations.json", {"useCases": [popular], "solutions": []})
    world.put(
        "results",
        f"{folder}newest.json",
        {
            "run": RUN,
            "recommendations": f"s3://results/{folder}runs/{RUN}/recommendations.json",
            "recommenders": [
                {"useCase": each, "recommenderArn": f"arn:{each}", "metrics": {}}
                for each in ("best-sellers", "also-viewed", "recommended-for-you")
            ],
            "solutions": [
                {"name": "order", "recipe": "aws-personalized-ranking", "campaignArn": "arn:order", "metrics": {}}
            ],
            "filters": {"cheap": "arn:cheap"},
        },
    )
