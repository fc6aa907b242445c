"""A small shop on what Storecast deploys: `python examples/shop/server.py --dataset grocery`.

Everything it knows comes from boto3 with the credentials of your environment: where things are from CloudFormation and
newest.json, lists from Amazon Personalize, the stock page from Athena. It sends what visitors do back by PutEvents.
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import uvicorn
from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

PAGE = Path(__file__).with_name("index.html")
HOSTS = ["127.0.0.1", "localhost"]  # no other name that a site made point at this machine
# Each shelf of the page by the use case that fills it; VIDEO_ON_DEMAND has others.
USE_CASES = {
    "best-sellers": "best-sellers",
    "for-you": "recommended-for-you",
    "bought-together": "frequently-bought-together",
    "also-viewed": "also-viewed",
}
EVENTS = ("View", "Purchase")
SHOWN = 8
_making = threading.Lock()


@functools.cache
def client(service: str) -> Any:
    """Made once and shared by all requests: clients may be used by several threads, but not made by them at once."""
    with _making:
        return boto3.client(service)


@dataclass
class Shop:
    """A deployed dataset, as an application sees it."""

    dataset: str

    @cached_property
    def outputs(self) -> dict[str, str]:
        """What the stacks say of themselves: names of buckets and of the Athena database."""
        names = [f"storecast-{self.dataset}-{stack}" for stack in ("storage", "forecasting", "recommending")]
        pages = client("cloudformation").get_paginator("describe_stacks").paginate()
        ours = [stack for page in pages for stack in page["Stacks"] if stack["StackName"] in names]
        return {each["OutputKey"]: each["OutputValue"] for stack in ours for each in stack.get("Outputs", [])}

    def newest(self, pipeline: str) -> dict[str, Any]:
        """The newest published run; {} before the first. Read on each request: the next run may have other ARNs."""
        s3 = client("s3")
        key = f"{pipeline}/{self.dataset}/newest.json"
        try:
            return json.load(s3.get_object(Bucket=self.outputs["ResultsBucket"], Key=key)["Body"])
        except s3.exceptions.NoSuchKey:
            return {}

    @cached_property
    def catalogue(self) -> dict[str, dict[str, str]]:
        """The products by id. A real shop has its own; here they are the files that were uploaded."""
        return {row["ITEM_ID"]: row for row in self._rows("items")}

    @cached_property
    def customers(self) -> list[str]:
        """Some customers to be. A real shop knows who is signed in."""
        return sorted({row["USER_ID"] for row, _ in zip(self._rows("interactions"), range(2_000))}, key=_natural)[:50]

    def _rows(self, kind: str) -> Iterator[dict[str, str]]:
        s3, bucket = client("s3"), self.outputs["DataBucket"]
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"recommending/{self.dataset}/{kind}/"
        )
        for key in [each["Key"] for page in pages for each in page.get("Contents", []) if each["Size"]]:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"]
            yield from csv.DictReader(line.decode("utf-8-sig") for line in body.iter_lines())

    def recommended(self, shelf: str, user: str, item: str) -> list[dict[str, str]]:
        """The products that Personalize puts on a shelf; [] where the dataset has no such recommender."""
        recommenders = {made["useCase"]: made["recommenderArn"] for made in self.newest("recommending")["recommenders"]}
        arn = recommenders.get(USE_CASES[shelf])
        if arn is None:
            return []
        about = {"userId": user} | ({"itemId": item} if item else {})
        answer = client("personalize-runtime").get_recommendations(recommenderArn=arn, numResults=SHOWN, **about)
        return [self.product(each["itemId"]) for each in answer["itemList"]]

    def product(self, item: str) -> dict[str, str]:
        row = self.catalogue.get(item, {})
        return {
            "id": item,
            "name": row.get("PRODUCT_NAME", item),
            "price": row.get("PRICE", ""),
            "category": row.get("CATEGORY_L1", ""),
        }

    def happened(self, event: str, user: str, item: str, session: str) -> None:
        """Let Personalize know what a visitor did: the next lists for this user may differ."""
        client("personalize-events").put_events(
            trackingId=self.newest("recommending")["trackingId"],
            userId=user,
            sessionId=session,
            eventList=[{"eventType": event, "itemId": item, "sentAt": int(time.time())}],
        )

    def stock(self) -> list[dict[str, Any]]:
        """What each article is expected to sell over the horizon, the most first, and with caution: the sum of what
        nine days of ten (at the quantile 0.9) do not exceed."""
        return self._ask(
            f"select item_id, {self._sums()} from {self._newest_rows()} group by 1 order by 2 desc limit 25"
        )

    def demand(self, article: str) -> list[dict[str, Any]]:
        """The forecast of one article, step by step."""
        text = article.replace("'", "''")
        return self._ask(
            f"select date, {self._sums()} from {self._newest_rows()} and item_id = '{text}' group by 1 order by 1"
        )

    def _sums(self) -> str:
        """Over an article's stores: the middle and the highest quantile of the table, such as p50 and p90."""
        quantiles = sorted(float(each) for each in self._table()["types"] if each != "mean")
        columns = [f"p{round(each * 100):02d}" for each in quantiles]
        middle = "p50" if "p50" in columns else columns[len(columns) // 2]
        return f"sum({middle}) as expected, sum({columns[-1]}) as cautious"

    def _newest_rows(self) -> str:
        return f"{self._table()['table']} where run = '{self.newest('forecasting')['run']}'"

    def _table(self) -> dict[str, Any]:
        """The first kind of forecast in the config: its Athena table and quantiles."""
        return next(iter(self.newest("forecasting")["forecasts"].values()))

    def _ask(self, query: str) -> list[dict[str, Any]]:
        """What Athena answers. Raises RuntimeError with its reason."""
        athena = client("athena")
        started = athena.start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": self.outputs["ForecastDatabase"]},
            WorkGroup=f"storecast-{self.dataset}",
        )["QueryExecutionId"]
        while True:
            status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(0.1)
        if status["State"] != "SUCCEEDED":
            raise RuntimeError(status.get("StateChangeReason", status["State"]))
        head, *rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
        columns = [cell["VarCharValue"] for cell in head["Data"]]
        return [
            {name: _value(cell.get("VarCharValue", "")) for name, cell in zip(columns, row["Data"], strict=True)}
            for row in rows
        ]


def _value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _natural(user: str) -> tuple[int, str]:
    return len(user), user


def serve(shop: Shop) -> Starlette:
    """The shop as an ASGI application."""

    def about(request: Request) -> Any:
        newest = shop.newest("recommending")
        return {
            "dataset": shop.dataset,
            "customers": shop.customers if newest else [],
            "recommends": bool(newest),
            "sendsEvents": "trackingId" in newest,
            "forecasts": bool(shop.newest("forecasting")),
        }

    def shelf(request: Request) -> Any:
        asked = request.query_params
        return shop.recommended(request.path_params["shelf"], asked.get("user", ""), asked.get("item", ""))

    def stock(request: Request) -> Any:
        article = request.query_params.get("article", "")
        return shop.demand(article) if article else shop.stock()

    async def event(request: Request) -> Response:
        # A form or script of another site's page cannot send JSON here: its browser would ask first.
        if request.headers.get("content-type") != "application/json":
            return JSONResponse({"error": "send application/json"}, 415)
        sent = await request.json()
        if sent.get("event") not in EVENTS or sent.get("item") not in shop.catalogue:
            return JSONResponse({"error": f"an event is one of {', '.join(EVENTS)}, of a product"}, 400)
        await run_in_threadpool(shop.happened, sent["event"], sent["user"], sent["item"], sent["session"])
        return JSONResponse({"sent": True})

    def answering(function: Any) -> Any:
        """boto3 waits for its answers, so each request has a thread."""

        async def endpoint(request: Request) -> Response:
            return JSONResponse(await run_in_threadpool(function, request))

        return endpoint

    async def failed(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, 502)

    return Starlette(
        routes=[
            Route("/", lambda _: FileResponse(PAGE)),
            Route("/api/about", answering(about)),
            Route("/api/shelves/{shelf}", answering(shelf)),
            Route("/api/stock", answering(stock)),
            Route("/api/events", event, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
        exception_handlers={ClientError: failed, BotoCoreError: failed, RuntimeError: failed},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="grocery", help="whose stacks are deployed (default: grocery)")
    parser.add_argument("--port", type=int, default=8080, help="on 127.0.0.1 (default: 8080)")
    given = parser.parse_args()
    print(f"The shop is open at http://127.0.0.1:{given.port}/", flush=True)
    uvicorn.run(serve(Shop(given.dataset)), host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
