"""Athena: each query runs in a process of its own, on the files of the tables that it names, with the caller's
permissions.

ministack runs queries inside the server, as its user, and asks nobody about the catalog and the files.
"""

import asyncio
import contextvars
import functools
import itertools
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ministack.app as ministack
from ministack.core.responses import error_response_json
from ministack.services import athena, s3

from localaws import protocol
from localaws.emulator.athena_tables import Caller, in_s3, plan, table_record
from localaws.errors import ServiceError
from localaws.services.athena.engine import RESULT, rows
from localaws.services.athena.process import Failed, Process
from localaws.services.athena.sql import Table
from localaws.settings import Settings

logger = logging.getLogger("storecast.emulator")

_SERVICE = protocol.Service("athena", {}, "InvalidRequestException")
_MOST = 20  # queries that run or wait (docs/aws-sources.md#athena-service-limits: 20 of DDL, 200 of DML)
_A_PAGE = 1000  # rows
_AT_ONCE = 2  # of them run, the others are QUEUED
_READ_SECONDS, _RUN_SECONDS = 15, 180
_OF_THE_CATALOG = {
    "GetDatabase": "glue:GetDatabase",
    "ListDatabases": "glue:GetDatabases",
    "GetTableMetadata": "glue:GetTable",
    "ListTableMetadata": "glue:GetTables",
}


@dataclass
class Query:
    """A query between its start and its end."""

    caller: Caller
    state: Path
    encryption: dict
    id: str = ""
    process: Process | None = None
    tables: list[Table] = field(default_factory=list)
    refused: str = ""

    async def end(self) -> None:
        """Ends its process, whatever that does."""
        if self.process:
            await self.process.end()


_starting: contextvars.ContextVar[Query] = contextvars.ContextVar("starting")
_active: list[Query] = []
_slots = asyncio.Semaphore(_AT_ONCE)


def register(settings: Settings) -> None:
    """Our handler before ministack's, our execution in place of its own."""
    shutil.rmtree(settings.state / "athena", ignore_errors=True)  # of queries that a crash cut off
    athena._execute_query = _execute
    ministack.SERVICE_HANDLERS["athena"] = functools.partial(
        _handle, settings.state, ministack.SERVICE_HANDLERS["athena"]
    )


async def _handle(
    state: Path, handle: Callable, method: str, path: str, headers: dict, body: bytes, query: dict
) -> protocol.Response:
    caller = Caller(headers, query)
    try:
        operation, data = protocol.read(_SERVICE, protocol.Request(method, path, headers, body))
        if operation.name == "StartQueryExecution":
            return await _start(data, caller, state)
        if operation.name == "GetQueryResults":
            return await _results(data, caller)
        if operation.name in _OF_THE_CATALOG:
            _require_of_catalog(operation.name, data, caller)
        answer = await handle(method, path, headers, body, query)
        if operation.name == "StopQueryExecution":
            for stopped in [each for each in _active if each.id == data["QueryExecutionId"]]:
                await stopped.end()
        return answer
    except ServiceError as error:
        return error_response_json(error.code, error.message, error.status)
    except Failed as error:
        return error_response_json("MetadataException", str(error), 400)


def _require_of_catalog(operation: str, data: dict, caller: Caller) -> None:
    database, table = data.get("DatabaseName", "").lower(), data.get("TableName", "").lower()
    caller.require_of_catalog(_OF_THE_CATALOG[operation], database, "*" if operation == "ListTableMetadata" else table)
    if operation == "GetTableMetadata" and table_record(database, table) is None:
        raise Failed(f"EntityNotFoundException: Entity Not Found: Table {table} not found.")


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidRequestException", message)


# --- the start of a query ---------------------------------------------------------------------------------------------


async def _start(data: dict, caller: Caller, state: Path) -> protocol.Response:
    """StartQueryExecution: what it refuses at once, else the query's id."""
    if len(_active) >= _MOST:
        raise ServiceError("TooManyRequestsException", f"There are {_MOST} active queries; wait for one to end.")
    location, encryption = _output(data)
    _require_bucket(location, caller)
    query = Query(caller, state, encryption)
    _active.append(query)
    try:
        ddl = athena._parse_ddl(data["QueryString"])
        if ddl is None:
            await _read(data["QueryString"], query)
        elif isinstance(ddl, athena._CreateTable) and in_s3(ddl.location or "") is None:
            raise _invalid(f"Invalid location {ddl.location} for table. Only S3 locations are allowed")
        _starting.set(query)  # for _execute, a task that begins in this context
        answer = athena._start_query_execution(data | {"ResultConfiguration": {"OutputLocation": location}})
    except BaseException:
        await _forget(query)
        raise
    if answer[0] != 200:
        await _forget(query)
    return answer


async def _forget(query: Query) -> None:
    _active.remove(query)
    await query.end()


async def _read(statement: str, query: Query) -> None:
    """Starts the query's process, which reads the statement. Raises ServiceError for one that is malformed."""
    query.process = await Process.start()
    try:
        answer = await query.process.ask({"statement": statement}, _READ_SECONDS)
    except Failed as failed:
        answer = {"refused": str(failed), "malformed": False}
    query.tables = [Table(**each) for each in answer.get("tables", ())]
    query.refused = answer.get("refused", "")
    if answer.get("malformed"):
        raise _invalid(query.refused)


def _output(data: dict) -> tuple[str, dict]:
    """The folder of the results, and how they are encrypted; an enforced work group decides
    (docs/aws-sources.md#athena-workgroups-settings-override)."""
    athena._ensure_default_workgroup()
    name = data.get("WorkGroup") or "primary"
    group = athena._workgroups.get(name)
    if group is None:
        raise _invalid(f"WorkGroup {name} is not found.")
    configuration, of_request = group.get("Configuration", {}), data.get("ResultConfiguration") or {}
    of_group = configuration.get("ResultConfiguration") or {}
    enforced = str(configuration.get("EnforceWorkGroupConfiguration")).lower() == "true"
    chosen = of_group if enforced or not of_request.get("OutputLocation") else of_request
    if not chosen.get("OutputLocation"):
        raise _invalid(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    return chosen["OutputLocation"].rstrip("/") + "/", chosen.get("EncryptionConfiguration") or {}


def _require_bucket(location: str, caller: Caller) -> None:
    place = in_s3(location)
    if place is None:
        raise _invalid(f"The S3 location provided to save your query results is invalid: {location}")
    bucket, _ = place
    try:
        caller.require("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
    except ServiceError as error:
        raise _invalid(f"Unable to verify/create output bucket {bucket}. {error.message}") from None
    if s3._ensure_bucket(bucket) is None:
        raise _invalid(f"Unable to verify/create output bucket {bucket}. It does not exist.")


# --- the execution ----------------------------------------------------------------------------------------------------


async def _execute(
    query_id: str, statement: str, database: str, ddl: object | None, catalog: str | None = None
) -> None:
    """Takes the execution from QUEUED to SUCCEEDED, FAILED or CANCELLED."""
    execution, query = athena._executions[query_id], _starting.get()
    folder, began = query.state / "athena" / query_id, time.monotonic()
    query.id = query_id
    try:
        async with _slots:
            _to(execution, "RUNNING")
            folder.mkdir(parents=True, mode=0o700)
            if ddl is not None:
                columns, body = [], await asyncio.to_thread(_define, ddl, database.lower(), query.caller)
            else:
                columns = await _answer(query, database.lower(), folder)
                body = (folder / RESULT).read_bytes()
        _save(execution, query, columns, body)
        _to(execution, "SUCCEEDED")
    except Failed as failed:
        _fail(execution, str(failed))
    except Exception as error:
        logger.exception("Athena query %s", query_id)
        _fail(execution, f"GENERIC_INTERNAL_ERROR: {error}")
    finally:
        await _forget(query)
        shutil.rmtree(folder, ignore_errors=True)
        milliseconds = int((time.monotonic() - began) * 1000)
        execution["Statistics"] |= {
            "EngineExecutionTimeInMillis": milliseconds,
            "TotalExecutionTimeInMillis": milliseconds,
        }
        execution["Status"]["CompletionDateTime"] = int(time.time())


async def _answer(query: Query, database: str, folder: Path) -> list[tuple[str, str]]:
    """Runs the query; its result's columns, by name and DuckDB type."""
    if query.refused or query.process is None:
        raise Failed(query.refused)
    made = await asyncio.to_thread(plan, query.tables, database, query.caller, folder, query.state)
    answer = await query.process.ask(made, _RUN_SECONDS)
    if "failed" in answer:
        reason = answer["failed"]
        for path, source in made["sources"].items():
            reason = reason.replace(path, source)
        raise Failed(reason)
    return answer["columns"]


def _define(ddl: Any, database: str, caller: Caller) -> bytes:
    """CREATE EXTERNAL TABLE or DROP TABLE."""
    owner, table = (ddl.database or database).lower(), ddl.table.lower()
    caller.require_of_catalog("glue:GetDatabase", owner)
    caller.require_of_catalog("glue:GetTable", owner, table)
    creates = isinstance(ddl, athena._CreateTable)
    caller.require_of_catalog("glue:CreateTable" if creates else "glue:DeleteTable", owner, table)
    try:
        athena._run_ddl(ddl, database)
    except ValueError as error:
        raise Failed(f"FAILED: SemanticException {error}") from None
    return b""


def _to(execution: dict, state: str) -> None:
    if execution["Status"]["State"] == "CANCELLED":
        raise Failed("Query was cancelled by user")
    execution["Status"]["State"] = state


def _fail(execution: dict, reason: str) -> None:
    if execution["Status"]["State"] != "CANCELLED":
        error = {"ErrorCategory": 2, "Retryable": False, "ErrorMessage": reason}
        execution["Status"] |= {"State": "FAILED", "StateChangeReason": reason, "AthenaError": error}


# --- the result -------------------------------------------------------------------------------------------------------


def _save(execution: dict, query: Query, columns: list[tuple[str, str]], body: bytes) -> None:
    """Puts the result where the execution says, with the caller's permission. Raises Failed."""
    types = [kind.upper().partition("(")[0] for _, kind in columns]
    execution["_column_types"] = [athena._DUCKDB_TYPE_MAP.get(each, "varchar") for each in types]
    execution["_results"] = {"columns": [name for name, _ in columns], "rows": []}
    result = execution["ResultConfiguration"]
    if execution["StatementType"] == "DDL":
        result["OutputLocation"] = result["OutputLocation"].removesuffix(".csv") + ".txt"
    bucket, key = in_s3(result["OutputLocation"]) or ("", "")
    headers = {"content-type": "application/octet-stream"}
    kms = query.encryption.get("KmsKey")
    if query.encryption:
        result["EncryptionConfiguration"] = query.encryption
    try:
        query.caller.require("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
        if kms:
            query.caller.require("kms:GenerateDataKey", kms)
            headers |= {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": kms}
    except ServiceError as error:
        raise Failed(f"Access denied when writing output to url: {result['OutputLocation']}. {error.message}") from None
    metadata = "\n".join(f"{name},{kind}" for (name, _), kind in zip(columns, execution["_column_types"], strict=True))
    for name, content in ((key, body), (f"{key}.metadata", metadata.encode())):
        answer = s3._put_object(bucket, name, content, dict(headers))
        if answer[0] >= 300:
            raise Failed(f"Writing output to url {result['OutputLocation']} failed: {answer[2]!r}")


async def _results(data: dict, caller: Caller) -> protocol.Response:
    """GetQueryResults: from the object in S3, with the caller's permission
    (docs/aws-sources.md#athena-API_GetQueryResults)."""
    execution = athena._executions.get(data["QueryExecutionId"])
    if execution is None or execution["Status"]["State"] != "SUCCEEDED":
        return athena._get_query_results(data)
    location = execution["ResultConfiguration"]["OutputLocation"]
    bucket, key = in_s3(location) or ("", "")
    try:
        caller.require("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    except ServiceError as error:
        raise _invalid(
            "You do not seem to have access to the S3 location of your query results. If you are using KMS to encrypt "
            f"query results, please ensure you have permission to access your KMS key. {location}: {error.message}"
        ) from None
    start = data.get("NextToken") or "0"
    if not start.isdecimal():
        raise _invalid(f"Invalid NextToken: {start}")
    read = await asyncio.to_thread(_first_rows, bucket, key, int(start) + data.get("MaxResults", _A_PAGE) + 1)
    if read is None:
        raise _invalid(f"Could not find results: {location} does not exist any more.")
    kept = execution["_results"]
    execution["_results"] = kept | {"rows": read}  # for this answer only: S3 keeps them
    try:
        return athena._get_query_results(data)
    finally:
        execution["_results"] = kept


def _first_rows(bucket: str, key: str, most: int) -> list[list[str | None]] | None:
    """The first rows of a result without its header, None when it is not there."""
    body = s3._get_object_data(bucket, key)
    return None if body is None else list(itertools.islice(rows(body.decode()), 1, most + 1))
