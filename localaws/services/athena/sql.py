"""The SQL that Athena accepts: one query, made of what Athena's engine (Trino) knows, over tables of the catalog.

DuckDB answers the queries, and DuckDB's own parser reads them here, so nothing runs that was read differently.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb


class Refused(Exception):
    """A statement that does not run. `malformed`: StartQueryExecution refuses it, no execution fails."""

    def __init__(self, message: str, malformed: bool = False):
        super().__init__(message)
        self.message, self.malformed = message, malformed


@dataclass(frozen=True)
class Table:
    """A table as a query names it; `place` is "line:column" of the name."""

    catalog: str
    database: str
    name: str
    place: str
    maybe_cte: bool


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Statements that Athena has beside queries (docs/aws-sources.md#athena-ddl-sql-reference and
# docs/aws-sources.md#athena-dml-queries-functions-operators); CREATE EXTERNAL TABLE and DROP TABLE do not come here.
_OTHER_STATEMENTS = _words(
    "alter analyze create deallocate delete desc describe drop execute explain insert merge msck optimize prepare show "
    "unload update using vacuum"
)
_QUERY = frozenset(("select", "with", "values", "table", "("))

# The functions that Trino (trino.io/docs/current/functions.html) and DuckDB both have under one name.
_FUNCTIONS = _words(
    """
    abs acos any_value arbitrary array_agg array_distinct array_intersect array_position array_sort asin atan atan2 avg
    bit_count bool_and bool_or cardinality cbrt ceil ceiling chr concat concat_ws contains corr cos cosh count count_if
    covar_pop covar_samp cume_dist current_date date_add date_diff date_trunc day degrees dense_rank element_at exp
    filter first_value flatten floor format from_base64 from_hex geometric_mean greatest histogram hour if json_array
    json_array_length json_exists json_extract json_object json_value kurtosis lag last_value lead least length listagg
    ln log log10 log2 lower lpad ltrim map map_concat map_entries map_from_entries map_keys map_values max max_by md5
    millisecond min min_by minute mod month now nth_value ntile nullif percent_rank pi position pow power quarter
    radians random rank reduce regexp_extract regexp_extract_all regexp_replace regr_intercept regr_slope repeat replace
    reverse round row row_number rpad rtrim second sha1 sha256 sign sin sinh skewness split split_part sqrt starts_with
    stddev stddev_pop stddev_samp strpos substr substring sum tan tanh timezone timezone_hour timezone_minute to_base64
    to_hex to_milliseconds translate trim typeof unnest upper url_decode url_encode uuid var_pop var_samp variance week
    year
    + - * / % || ~~ !~~ like_escape not_like_escape
    """
)
# What DuckDB's parser writes for COUNT(*), EXTRACT, INTERVAL and a[1].
_WRITTEN_BY_THE_PARSER = _words(
    "array_extract count_star date_part list_value to_days to_hours to_minutes to_months to_seconds to_weeks to_years "
    "trunc"
)
_EXPRESSIONS = _words(
    "BETWEEN CASE CAST COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR STAR SUBQUERY TYPE WINDOW"
)
_PARTS = _words(
    "ASCENDING BASE_TABLE CTE_NODE DESCENDING DISTINCT_MODIFIER EMPTY EXPRESSION_LIST JOIN LIMIT_MODIFIER "
    "ORDER_DEFAULT ORDER_MODIFIER RECURSIVE_CTE_NODE SELECT_NODE SET_OPERATION_NODE SUBQUERY TABLE_FUNCTION"
)
_STAR_OF_DUCKDB = ("exclude_list", "qualified_exclude_list", "rename_list", "replace_list", "columns", "expr")
_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*([^\s();,]+|\(|)", re.DOTALL)


def tables(statement: str) -> list[Table]:
    """The tables that a query names. Raises Refused for any other statement and for what Athena does not have."""
    _require_query(statement)
    tree = _tree(statement)
    parts = list(_dictionaries(tree["statements"]))
    for part in parts:
        _require_of_athena(statement, part)
    ctes = {each["key"].lower() for part in parts if "cte_map" in part for each in part["cte_map"]["map"]}
    return [_table(statement, part, ctes) for part in parts if part.get("type") == "BASE_TABLE"]


def _require_query(statement: str) -> None:
    word = _FIRST_WORD.match(statement)
    start, first = (word.start(1), word[1] or "<EOF>") if word else (0, "<EOF>")
    if first.lower() in _OTHER_STATEMENTS:
        raise Refused(
            f"NOT_SUPPORTED: The embedded AWS runs no {first.upper()} statement. It answers SELECT, and runs CREATE "
            "EXTERNAL TABLE and DROP TABLE."
        )
    if first.lower() not in _QUERY:
        message = f"mismatched input '{first}'. Expecting: 'ALTER', 'CREATE', 'DROP', 'SELECT', 'WITH', <query>"
        raise Refused(f"line {_place(statement, len(statement[:start].encode()))}: {message}", malformed=True)


def _tree(statement: str) -> dict:
    """DuckDB's syntax tree of a statement that is one query."""
    with duckdb.connect(":memory:") as parser:
        [(answer,)] = parser.execute("select json_serialize_sql(?)", [statement]).fetchall()
        tree = json.loads(answer)
        if tree["error"] and tree["error_type"] == "parser":
            message = tree["error_message"].splitlines()[0]
            raise Refused(f"line {_place(statement, int(tree.get('position', 0)))}: {message}", malformed=True)
        if len(parser.extract_statements(statement)) != 1:
            raise Refused(f"Only one sql statement is allowed. Got: {statement}", malformed=True)
    if tree["error"]:
        raise Refused("Queries of this type are not supported", malformed=True)
    return tree


def _dictionaries(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _dictionaries(item)


def _require_of_athena(statement: str, part: dict) -> None:
    """Raises Refused for a part of a query that Athena does not have; what is not known here is such a part."""
    kind, location = part.get("type"), part.get("query_location", 0)
    if part.get("class"):
        known = part["class"] in _EXPRESSIONS and not any(part.get(name) for name in _STAR_OF_DUCKDB)
    else:
        known = (not isinstance(kind, str) or kind in _PARTS) and not part.get("at_clause")
    if not known:
        raise Refused(
            f"NOT_SUPPORTED: line {_place(statement, location)}: {part.get('class') or kind} is not supported"
        )
    function = (part.get("function") or {}).get("function_name") if kind == "TABLE_FUNCTION" else None
    if function and function.lower() != "unnest":
        place = _place(statement, location)
        raise Refused(f"FUNCTION_NOT_FOUND: line {place}: Table function '{function.lower()}' not registered")
    name = (part.get("function_name") or "").lower()
    if name and name not in _FUNCTIONS and name not in _WRITTEN_BY_THE_PARSER:
        raise Refused(f"FUNCTION_NOT_FOUND: line {_place(statement, location)}: Function '{name}' not registered")


def _table(statement: str, part: dict, ctes: set[str]) -> Table:
    catalog, database, name = (part[key].lower() for key in ("catalog_name", "schema_name", "table_name"))
    return Table(catalog, database, name, _place(statement, part["query_location"]), not database and name in ctes)


def _place(statement: str, location: int) -> str:
    """Line and column, both from 1, of a byte of the statement."""
    before = statement.encode()[: location if location < 2**63 else 0].decode(errors="replace")
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
