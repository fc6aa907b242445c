"""The schemas of Personalize's datasets: the config's, or what the header and the first rows of the files say."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence

from common.deliveries import Uploads
from common.store import CsvFolder
from recommending.domains import DOMAINS, LEAST_COLUMNS, MOST_METADATA_COLUMNS, Domain
from recommending.payload import Column, Columns, Config

SAMPLE = 10_000  # rows that are looked at
_WHOLE, _FRACTION = re.compile(r"[+-]?\d{1,18}"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LONGEST_CATEGORY = 1000  # characters (limits.md)


def columns(config: Config, kind: str, uploads: Uploads, known: Columns) -> Columns:
    """The columns of a dataset: as the config gives them, or inferred from its first CSV file.

    A column that the last run knew (`known`) stays what it was: a dataset's columns can only become more
    (updating-dataset-schema.md). Raises ValueError, naming the file's folder and the column, if a column that the
    domain needs is missing, if a name is not allowed, or if there are too many or too few.
    """
    given = config["datasets"][kind]
    if given:
        return given
    where = f"s3://{uploads.bucket}/{uploads.folder}{kind}/"
    domain = DOMAINS[config["domain"]]
    sample = _sample(where, uploads, kind, set(domain.required[kind]))
    found: Columns = {
        name: known.get(name) or _of_domain(domain, kind, name) or _inferred([row[name] for row in sample if row[name]])
        for name in sample[0]
    }
    _check(where, found, domain, kind)
    return found


def _sample(where: str, uploads: Uploads, kind: str, required: set[str]) -> list[dict[str, str]]:
    """The first records of the first file that has the columns that the domain needs, or of the first file at all.

    What is wrong with a file is left to its import, which says so and has the file put into quarantine.
    """
    samples, problems = [], []
    for file in uploads.of(kind):
        sample: list[dict[str, str]] = []
        try:
            for record in itertools.islice(CsvFolder(uploads.bucket, {file.key: file.etag}).records(), SAMPLE):
                sample.append(record)
        except ValueError as error:
            problems.append(error)
        if sample and required <= set(sample[0]):
            return sample
        samples.append(sample)
    if sample := next(filter(None, samples), []):
        return sample
    if problems:
        raise problems[0]
    raise ValueError(f"{where}: the first CSV file has no row beside its header")


def _of_domain(domain: Domain, kind: str, name: str) -> Column | None:
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


def _inferred(values: Sequence[str]) -> Column:
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
    """The Avro schema of a Personalize dataset (ECOMMERCE-datasets-and-schemas.md)."""
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
