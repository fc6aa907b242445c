"""What an Athena query may read: the tables that it names, as Glue has them, and their files in S3, each with the
caller's permission (docs/aws-sources.md#athena-security-iam-athena and
docs/aws-sources.md#athena-fine-grained-access-to-glue-resources)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ministack.core.responses import get_account_id, get_region
from ministack.services import athena, glue, s3

from localaws.emulator.access import require
from localaws.errors import ServiceError
from localaws.services.athena.engine import CATALOG, Plan, literal, quoted
from localaws.services.athena.process import Failed
from localaws.services.athena.sql import Table

_LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Caller:
    """Whoever made a request; IAM is asked about each thing that its query does."""

    headers: dict
    query: dict

    def require(self, action: str, resource: str, context: dict | None = None) -> None:
        """Raises ServiceError AccessDeniedException."""
        require(self.headers, self.query, action.partition(":")[0], action, resource, context)

    def require_of_catalog(self, action: str, database: str = "", table: str = "") -> None:
        """Permission for an action of Glue on a database or table and on all that it lies in. Raises Failed."""
        place = f"arn:aws:glue:{get_region()}:{get_account_id()}:"
        resources = [
            "catalog",
            *([f"database/{database}"] * bool(database)),
            *([f"table/{database}/{table}"] * bool(table)),
        ]
        try:
            for resource in resources:
                self.require(action, place + resource)
        except ServiceError as error:
            raise Failed(f"Insufficient permissions to execute the query. {error.message}") from None


def in_s3(location: str) -> tuple[str, str] | None:
    """Bucket and key, or prefix, of a location; None for one that is not in S3."""
    match = _LOCATION.fullmatch(location)
    return (match[1], match[2] or "") if match else None


def table_record(database: str, table: str) -> dict | None:
    """Glue's record of a table; names are lower-case."""
    return next((each for key, each in glue._tables.items() if key.lower() == f"{database}/{table}"), None)


def plan(tables: Sequence[Table], database: str, caller: Caller, folder: Path, hidden: Path) -> Plan:
    """The views that stand for the tables of a query over the database `database`, with the tables' files in `folder`.

    Raises Failed for a table that is not there, or that the caller may not read.
    """
    made = Plan(
        folder=str(folder), hidden=str(hidden), database=database, databases=[database], views=[], files=[], sources={}
    )
    for table in {(each.database or database, each.name): each for each in tables}.values():
        owner = table.database or database
        if table.catalog not in ("", CATALOG):
            raise Failed(f"CATALOG_NOT_FOUND: line {table.place}: Catalog '{table.catalog}' does not exist")
        if table.maybe_cte and table_record(owner, table.name) is None:
            continue
        made["databases"].append(owner)
        made["views"].append((owner, table.name, _view(table, owner, caller, made)))
    return made


def _view(table: Table, database: str, caller: Caller, made: Plan) -> str:
    """The SELECT that reads a table; its files are copied to the plan's folder."""
    caller.require_of_catalog("glue:GetDatabase", database)
    if database not in (name.lower() for name in glue._databases):
        raise Failed(f"SCHEMA_NOT_FOUND: line {table.place}: Schema '{database}' does not exist")
    caller.require_of_catalog("glue:GetTable", database, table.name)
    record = table_record(database, table.name)
    if record is None:
        raise Failed(f"TABLE_NOT_FOUND: line {table.place}: Table '{CATALOG}.{database}.{table.name}' does not exist")
    storage, keys = record.get("StorageDescriptor") or {}, record.get("PartitionKeys") or []
    if not keys:
        files = _copied(storage.get("Location", ""), table, caller, made)
        return f"SELECT * FROM {_relation(record, files)}"
    caller.require_of_catalog("glue:GetPartitions", database, table.name)
    selects = []
    for partition in glue._partitions.get(f"{record['DatabaseName']}/{record['Name']}", []):
        location = (partition.get("StorageDescriptor") or {}).get("Location", "")
        files = _copied(location, table, caller, made)
        values = [
            f"CAST({literal(value)} AS {athena._duckdb_type(key)}) AS {quoted(key['Name'])}"
            for key, value in zip(keys, partition["Values"], strict=True)
        ]
        if files:
            selects.append(f"SELECT *, {', '.join(values)} FROM {_relation(record | {'PartitionKeys': []}, files)}")
    return " UNION ALL ".join(selects) or f"SELECT * FROM {athena._empty_relation(record)}"


def _relation(record: dict, files: list[str]) -> str:
    if athena._data_format(record) == "avro":  # DuckDB would install an extension
        raise Failed("NOT_SUPPORTED: The embedded AWS reads CSV, JSON and Parquet, not Avro")
    return athena._table_relation(record, files) if files else athena._empty_relation(record)


def _copied(location: str, table: Table, caller: Caller, made: Plan) -> list[str]:
    """The paths of copies of all objects below a table's location. A copy's name has nothing of the object's key."""
    bucket, prefix = _place(location, table)
    keys = _readable(bucket, prefix, location, caller)
    copies = []
    for key in keys:
        body = s3._get_object_data(bucket, key)
        if body is not None:
            path = Path(made["folder"]) / f"{len(made['files']):06d}{'.gz' if key.endswith('.gz') else ''}"
            path.write_bytes(body)
            copies.append(str(path))
            made["files"].append(str(path))
            made["sources"][str(path)] = f"s3://{bucket}/{key}"
    return copies


def _place(location: str, table: Table) -> tuple[str, str]:
    found = in_s3(location)
    if found is None:
        raise Failed(
            f"HIVE_METASTORE_ERROR: Invalid location {location} for table {table.name}. Only S3 locations are allowed"
        )
    bucket, prefix = found
    return bucket, prefix if not prefix or prefix.endswith("/") else prefix + "/"


def _readable(bucket: str, prefix: str, location: str, caller: Caller) -> list[str]:
    """The keys of a table's files. Raises Failed when the caller may not list them, or not read one of them."""
    try:
        caller.require("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": prefix})
        there = s3._ensure_bucket(bucket)
        if there is None:
            raise Failed(f"HIVE_FILESYSTEM_ERROR: The bucket of {location} does not exist")
        keys = sorted(filter(lambda key: key.startswith(prefix), list(there["objects"])))
        keys = [key for key in keys if not key.endswith("/") and not _hidden(key.removeprefix(prefix))]
        for key in keys:
            caller.require("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    except ServiceError as error:
        raise Failed(f"PERMISSION_DENIED: Permission denied on S3 path: {location}. {error.message}") from None
    return keys


def _hidden(name: str) -> bool:
    """Athena reads no file or folder whose name begins with _ or . (docs/aws-sources.md#athena-create-table)."""
    return any(part.startswith(("_", ".")) for part in name.split("/"))
