"""The schemas of Personalize's datasets: the config's, or what the header and the first rows of the files say."""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Mapping, Sequence

from common.intake import Expecting
from common.store import CsvFolder
from common.tables import Expected, Head, Refused
from recommending.config import Column, Columns, Config
from recommending.domains import DOMAINS, LEAST_COLUMNS, MOST_METADATA_COLUMNS, Domain

ESCAPE = "\\"  # of quotes in quotes (docs/aws-sources.md#personalize-data-prep-formatting)
_KEYS = {"interactions": ("USER_ID", "ITEM_ID", "TIMESTAMP"), "items": ("ITEM_ID",), "users": ("USER_ID",)}
SAMPLE = 10_000  # rows that are read
_WHOLE, _FRACTION = re.compile(r"[+-]?\d{1,18}"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LONGEST_CATEGORY = 1000  # characters (docs/aws-sources.md#personalize-limits)


def expecting(config: Config, kind: str) -> Expecting:
    """What a file of this kind of dataset must hold, by its name and head: the config's columns, or its own."""
    given = config["datasets"][kind]
    if given:
        fixed = _expected(kind, {name: column["type"] for name, column in given.items()}, others=True)
        return lambda name, head: fixed
    return functools.partial(_inferred_from, DOMAINS[config["domain"]], kind)


def _expected(kind: str, columns: Mapping[str, str], *, others: bool) -> Expected:
    """Only what no import takes is refused here: the service judges all other values."""
    keys = tuple(name for name in _KEYS[kind] if name in columns)
    return Expected(
        kind=kind,
        columns=columns,
        keys=keys,
        identity=(),  # the service keeps one of equal events, and the last of items and users with the same id
        checked=("TIMESTAMP",) if "TIMESTAMP" in keys else (),
        header=True,
        others=others,
        escape=ESCAPE,
    )


def _inferred_from(domain: Domain, kind: str, name: str, head: Head) -> Expected:
    """The columns of a header; those that the domain knows in its spelling. Raises Refused where one is missing that
    the domain needs, or a name is not allowed."""
    known = {each.lower(): each for each in domain.fields(kind)}
    header = [known.get(cell.strip().lower(), cell.strip()) for cell in (head.rows[0] if head.rows else ())]
    problems = [
        f"column {each} is missing; the domain needs it" for each in domain.required[kind] if each not in header
    ]
    problems += [
        f"column {each!r}: allowed are 1-63 letters, digits and _, a letter first"
        for each in header
        if each and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", each)
    ]
    problems += [
        f"{first} and {second} differ only in underscores or case, which Personalize ignores; rename one"
        for first, second in itertools.combinations(filter(None, header), 2)
        if first != second and first.replace("_", "").lower() == second.replace("_", "").lower()
    ]
    if problems:
        raise Refused(f"{name}, row 1: {'; '.join(problems)}; found {','.join(header)[:200]!r}")
    types = {each: "long" if each == "TIMESTAMP" else "string" for each in header if each}
    return _expected(kind, types, others=False)


def columns(config: Config, kind: str, where: str, first: CsvFolder, known: Columns) -> Columns:
    """The columns of a dataset in the folder `where`: as the config gives them, or inferred from its `first` good file.

    A column that the last run knew (`known`) stays what it was: a dataset's columns can only become more
    (docs/aws-sources.md#personalize-updating-dataset-schema). Raises ValueError if there are too many or too few.
    """
    given = config["datasets"][kind]
    if given:
        return given
    domain = DOMAINS[config["domain"]]
    sample = list(itertools.islice(first.records(), SAMPLE))
    found: Columns = {
        name: known.get(name) or of_domain(domain, kind, name) or inferred([row[name] for row in sample if row[name]])
        for name in sample[0]
    }
    _check(where, found, domain, kind)
    return found


def of_domain(domain: Domain, kind: str, name: str) -> Column | None:
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


def inferred(values: Sequence[str]) -> Column:
    """A whole number, a number, a category where values recur, or text for filters; later rows may be empty."""
    column: Column = {"type": "string", "categorical": False, "textual": False, "nullable": True}
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


def avro_schema(kind: str, columns: Columns) -> str:
    """The Avro schema of a Personalize dataset (docs/aws-sources.md#personalize-ECOMMERCE-datasets-and-schemas)."""
    fields = [
        {
            "name": name,
            "type": [column["type"], "null"] if column["nullable"] else column["type"],
            **({"categorical": True} if column["categorical"] else {}),
            **({"textual": True} if column["textual"] else {}),
        }
        for name, column in columns.items()
    ]
    return json.dumps(
        {
            "type": "record",
            "name": kind.capitalize(),
            "namespace": "com.amazonaws.personalize.schema",
            "fields": fields,
            "version": "1.0",
        }
    )
