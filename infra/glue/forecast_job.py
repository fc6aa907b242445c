"""The forecasting job of AWS Glue: `--request s3://bucket/key.json` names the document that says what to do
(storecast_engines.distributed.Request), `--versions` one with the version of each object that has to be read as it was.
A job whose result is there already does nothing.

Besides the engines it needs pyspark and boto3 alone, nothing of Glue's own library: it runs wherever Spark runs.
"""

import argparse
import json
import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError
from pyspark.sql import SparkSession

from storecast_engines.distributed import JobFailed, Request
from storecast_engines.distributed.job import run
from storecast_engines.distributed.storage import Storage


class S3Objects:
    """Storage of s3://bucket/key; each process has a client of its own, under the role of the job.

    `versions` are those of objects, by URI, that may change while the job runs.
    """

    def __init__(self, versions: Mapping[str, str] | None = None) -> None:
        self._client: Any = None
        self._versions = dict(versions or {})

    def __getstate__(self) -> dict[str, Any]:
        return {"_client": None, "_versions": self._versions}

    def read(self, uri: str, first: int = 0, last: int | None = None) -> bytes:
        part = {"Range": f"bytes={first}-{'' if last is None else last}"} if first or last is not None else {}
        try:
            return self._s3.get_object(**_place(uri), **part, **self._version(uri))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
                raise FileNotFoundError(uri) from None
            raise _failed("s3:GetObject", uri, error) from None

    def size(self, uri: str) -> int:
        try:
            return int(self._s3.head_object(**_place(uri), **self._version(uri))["ContentLength"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                raise FileNotFoundError(uri) from None
            raise _failed("s3:GetObject", uri, error) from None

    def write(self, uri: str, body: bytes) -> None:
        try:
            self._s3.put_object(**_place(uri), Body=body)
        except ClientError as error:
            raise _failed("s3:PutObject", uri, error) from None

    def list(self, folder: str) -> list[str]:
        place = _place(f"{folder.rstrip('/')}/")
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=place["Bucket"], Prefix=place["Key"])
            return [f"s3://{place['Bucket']}/{each['Key']}" for page in pages for each in page.get("Contents", [])]
        except ClientError as error:
            raise _failed("s3:ListBucket", folder, error) from None

    def _version(self, uri: str) -> dict[str, str]:
        return {"VersionId": self._versions[uri]} if uri in self._versions else {}

    @property
    def _s3(self) -> Any:
        self._client = self._client or boto3.client("s3")
        return self._client


def _place(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def _failed(action: str, uri: str, error: ClientError) -> JobFailed:
    found = error.response["Error"]
    return JobFailed(f"{action} on {uri} failed: {found['Code']}: {found['Message']}; the job's role needs it")


def done(storage: Storage, request: Request) -> str | None:
    """The URI of the result, which is written last, if the job has run: a start may be repeated."""
    uri = f"{request.output}/result.json"
    return uri if uri in storage.list(request.output) else None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--request", required=True)
    parser.add_argument("--versions")
    given, _ = parser.parse_known_args()  # Glue adds arguments of its own
    storage = S3Objects()
    try:
        request = Request.from_json(storage.read(given.request).decode())
        versions = json.loads(storage.read(given.versions)) if given.versions else {}
    except FileNotFoundError as error:
        raise JobFailed(f"there is no request at {error}") from None
    if result := done(storage, request):
        print(f"nothing to do: an earlier run of this job wrote {result}", flush=True)
        return
    storage = S3Objects(versions)
    built = SparkSession.builder.appName(request.name)
    spark = built.config("spark.python.daemon.module", "storecast_engines.distributed.daemon").getOrCreate()
    run(spark, request, storage, workers=os.cpu_count() or 1, report=lambda line: print(line, flush=True))
    spark.stop()


if __name__ == "__main__":
    main()
