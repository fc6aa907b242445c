"""A query in a process of its own: without the server's memory and environment, and with a bound on all it takes.

`python -m localaws.services.athena.engine` reads a line of JSON with the statement and answers the tables that it
names; reads a second one with views over their files (`Plan`) and answers the columns of the result, which it has
written to a file. DuckDB runs with external access off: it reads the files of the plan and nothing else.
"""

import contextlib
import datetime
import json
import os
import re
import resource
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, TypedDict

import duckdb

from localaws import fence
from localaws.services.athena import sql

CATALOG = "awsdatacatalog"
RESULT = "result.csv"
EXHAUSTED = "Query exhausted resources at this scale factor"
_MEMORY = "1GB"  # of DuckDB; Athena has more, a laptop that also trains models has not
_ADDRESS_SPACE = 4 * 2**30
_RESULT_BYTES = 256 * 2**20
_CPU_SECONDS = 300
_ROWS = 10_000  # fetched at a time
_CELL = re.compile(r'(?:"((?:[^"]|"")*)")?(,|\n)')


class Plan(TypedDict):
    """What a query runs on: its folder, the folder hidden from it, and views (database, name, SQL over `files`).

    `database` is the one of names without any; `sources` has the S3 URI of each file.
    """

    folder: str
    hidden: str
    database: str
    databases: list[str]
    views: list[tuple[str, str, str]]
    files: list[str]
    sources: dict[str, str]


def main() -> None:
    statement = json.loads(sys.stdin.readline())["statement"]
    _limit()
    try:
        _answer({"tables": [asdict(each) for each in sql.tables(statement)]})
    except sql.Refused as refused:
        _answer({"refused": refused.message, "malformed": refused.malformed})
        return
    line = sys.stdin.readline()
    if not line:
        return
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    plan: Plan = json.loads(line)
    fence.keep_inside(Path(plan["folder"]), Path(plan["hidden"]))
    try:
        _answer({"columns": run(statement, plan)})
    except (MemoryError, duckdb.OutOfMemoryException):
        _answer({"failed": EXHAUSTED})
    except (duckdb.Error, OSError) as error:
        _answer({"failed": _reason(error)})


def run(statement: str, plan: Plan) -> list[tuple[str, str]]:
    """Writes the result as Athena does (a header, all values quoted, nothing for NULL); answers names and types."""
    connection = _locked(plan)
    cursor = connection.execute(statement)
    columns = [(each[0], str(each[1])) for each in cursor.description]
    with (Path(plan["folder"]) / RESULT).open("w", encoding="utf-8", newline="") as file:
        _write(file, cursor, [name for name, _ in columns])
    return columns


def _locked(plan: Plan) -> duckdb.DuckDBPyConnection:
    """A connection that sees the plan's tables and files, and whose settings no statement changes any more.

    DuckDB's guide to this is securing_duckdb/overview.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 2,
            "memory_limit": _MEMORY,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "integer_division": True,  # as in Trino: 1 / 2 is 0
            # DuckDB 2.0 reads a CSV column with the type that TRY_CAST asks for, and fails where TRY_CAST gives NULL.
            "disabled_optimizers": "type_pushdown",
        },
    )
    connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
    for database in plan["databases"]:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{quoted(database)}")
    connection.execute(f"USE {CATALOG}.{quoted(plan['database'])}")
    connection.execute(f"SET allowed_paths = [{', '.join(map(literal, plan['files']))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    for database, name, select in plan["views"]:
        connection.execute(f"CREATE VIEW {CATALOG}.{quoted(database)}.{quoted(name)} AS {select}")
    return connection


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _write(file: TextIO, cursor: duckdb.DuckDBPyConnection, header: list[str]) -> None:
    file.write(",".join(map(quoted, header)) + "\n")
    while rows := cursor.fetchmany(_ROWS):
        for row in rows:
            file.write(",".join("" if value is None else quoted(_text(value)) for value in row) + "\n")


def rows(text: str) -> Iterator[list[str | None]]:
    """The rows of a written result, its header the first."""
    row: list[str | None] = []
    for cell in _CELL.finditer(text):
        row.append(None if cell[1] is None else cell[1].replace('""', '"'))
        if cell[2] == "\n":
            yield row
            row = []


def _text(value: Any) -> str:
    """A value as Athena writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "milliseconds")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}={_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, bytes):
        return value.hex(" ")
    return str(value)


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (duckdb.ConversionException, "INVALID_CAST_ARGUMENT"),
    (duckdb.OutOfRangeException, "NUMERIC_VALUE_OUT_OF_RANGE"),
    (duckdb.BinderException, "SYNTAX_ERROR"),
    (duckdb.CatalogException, "SYNTAX_ERROR"),
    (duckdb.ParserException, "SYNTAX_ERROR"),
    (duckdb.IOException, "HIVE_CURSOR_ERROR"),
    (duckdb.InvalidInputException, "HIVE_BAD_DATA"),
)


def _reason(error: Exception) -> str:
    message = str(error).partition("\n")[0].partition(": ")[2] or str(error)
    if isinstance(error, duckdb.BinderException) and message.startswith("Referenced column"):
        return f"COLUMN_NOT_FOUND: {message}"
    code = next((code for kind, code in _REASONS if isinstance(error, kind)), "GENERIC_INTERNAL_ERROR")
    return f"{code}: {message}"


def _limit() -> None:
    for kind, most in (
        (resource.RLIMIT_AS, _ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, _RESULT_BYTES),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS has no bound on the address space
            resource.setrlimit(kind, (most, most))


def _answer(message: dict) -> None:
    print(json.dumps(message), flush=True)


def _end_with_the_input() -> None:
    """The server closes the input when it ends the query, or dies."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
