"""The schemas of Personalize's datasets: the config's, or what the header and the first rows of the files say."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.store import records
from recommending.domains import DOMAINS, LEAST_COLUMNS, MOST_METADATA_COLUMNS, Domain

SAMPLE = 10_000  # rows that are looked at
_WHOLE, _FRACTION = re.compile(r"[+-]?\d{1,18}"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LONGEST_CATEGORY = 1000  # characters (limits.md)

Columns = dict[str, dict[str, Any]]


def columns(event: dict[str, Any], kind: str, prefix: str, known: Mapping[str, Any]) -> Columns:
    """The columns of a dataset: as the config gives them, or inferred from the first CSV file under the prefix.

    A column that the last run knew (`known`) stays what it was: a dataset's columns can only become more
    (updating-dataset-schema.md). Raises ValueError, naming the file's folder and the column, if a column that the
    domain needs is missing, if a name is not allowed, or if there are too many or too few.
    """
    given = event["config"]["datasets"][kind]
    if given:
        return given
    where = f"s3://{event['dataBucket']}/{prefix}"
    sample = list(itertools.islice(records(event["dataBucket"], prefix), SAMPLE))
    if not sample:
        raise ValueError(f"{where}: the first CSV file has no row beside its header")
    domain = DOMAINS[event["config"]["domain"]]
    found: Columns = {
        name: known.get(name) or _of_domain(domain, kind, name) or _inferred([row[name] for row in sample if row[name]])
        for name in sample[0]
        if name is not None  # where a row is longer than the header; its import will say which
    }
    _check(where, found, domain, kind)
    return found


def _of_domain(domain: Domain, kind: str, name: str) -> dict[str, Any] | None:
    """A column that the domain knows by name; it may be empty unless it is required."""
    wanted = domain.fields(kind).get(name)
    if wanted is None:
        return None
    return {
        "type": "string" if wanted in ("categorical", "textual") else wanted,
        "categorical": wanted == "categorical",
        "textual": wanted == "textual",
        "nullable": name not in domain.required[kind],
    }


def _inferred(values: Sequence[str]) -> dict[str, Any]:
    """A whole number, a number, a category where values recur, or text for filters; later rows may be empty."""
    column = {"type": "string", "categorical": False, "textual": False, "nullable": True}
    if values and all(_WHOLE.fullmatch(value) for value in values):
        return {**column, "type": "long"}
    if values and all(_FRACTION.fullmatch(value) for value in values):
        return {**column, "type": "float"}
    recurring = len(set(values)) <= len(values) / 2 and max(map(len, values), default=0) <= _LONGEST_CATEGORY
    return {**column, "categorical": recurring}


def _check(where: str, found: Columns, domain: Domain, kind: str) -> None:
    required = domain.required[kind]
    problems = [f"column {name} is missing; the domain needs it" for name in required if name not in found]
    problems += [
        f"column {name!r}: allowed are 1-63 letters, digits and _, a letter first"
        for name in found
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name)
    ]
    others, most = set(found) - set(domain.fields(kind)), MOST_METADATA_COLUMNS[kind]
    if len(others) > most:
        problems.append(f"{len(others)} columns of your own; at most {most}: name those to use in pipeline.yaml")
    if len(found) < LEAST_COLUMNS[kind]:
        problems.append(f"{len(found)} column(s); at least {LEAST_COLUMNS[kind]} are needed")
    if problems:
        raise ValueError(f"{where}: " + "; ".join(problems))


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
