"""CSV files as Amazon Personalize imports them, every bad value named.

Sources: data-prep-formatting.md, how-it-works-dataset-schema.md, limits.md, error-messages.md.
"""

import time

import numpy as np
import pandas as pd

from localaws import tables
from localaws.jobs import JobFailed
from localaws.objects import File
from localaws.services.personalize import domains
from localaws.services.personalize.schema import AHEAD, LATEST, Field

LEAST_INTERACTIONS, MOST_TYPES_AND_METADATA = 1000, 10
LONGEST_ID, LONGEST_CATEGORY, LONGEST_TEXT = 256, 1000, 20_000
WHOLE = {"int": 2**31, "long": 2**63}


def read_csv(files: list[File], schema: list[Field]) -> pd.DataFrame:
    """The schema's columns of all files (they may hold others). Raises JobFailed naming file, row, column and value."""
    frames, first = [], None
    for file in files:
        raw = tables.rows(file, escape="\\")
        first = first or (file.uri, list(raw.columns))
        _check_header(file.uri, list(raw.columns), *first, schema)
        frames.append(pd.DataFrame({field.name: _column(file.uri, raw[field.name], field) for field in schema}))
    return pd.concat(frames, ignore_index=True)


def check_interactions(path: str, frame: pd.DataFrame) -> None:
    """Raises JobFailed for too few rows, too many kinds of events, or none that says what it is."""
    if len(frame) < LEAST_INTERACTIONS:
        raise JobFailed(
            f"Dataset import has fewer than {LEAST_INTERACTIONS} interactions: {path} holds {len(frame):,} rows."
        )
    if "EVENT_TYPE" not in frame.columns:
        return
    types = frame["EVENT_TYPE"].dropna().unique()
    known = domains.REQUIRED[domains.ECOMMERCE]["Interactions"] | domains.RESERVED[domains.ECOMMERCE]["Interactions"]
    if all(each in known for each in types):
        raise JobFailed(f"All values in the event_type column are either reserved keywords or null ({path})")
    metadata = [name for name in frame.columns if name not in known or name == "EVENT_VALUE"]
    if len(types) + len(metadata) > MOST_TYPES_AND_METADATA:
        raise JobFailed(
            f"{path} has {len(types)} event types ({', '.join(sorted(types)[:20])}) and {len(metadata)} metadata "
            f"columns; both together may be {MOST_TYPES_AND_METADATA}."
        )


def _check_header(uri: str, header: list[str], first_uri: str, first: list[str], schema: list[Field]) -> None:
    if header != first:
        raise JobFailed(
            f"{uri} has the header {','.join(header)}, {first_uri} has {','.join(first)}: the files of a folder must "
            "have the same one"
        )
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise JobFailed(f"{uri}, row 1: the header names {', '.join(twice)} more than once")
    if missing := [field.name for field in schema if field.name not in header]:
        raise JobFailed(f"Input CSV is missing the following columns:[{', '.join(missing)}] ({uri})")


def _column(uri: str, column: pd.Series, field: Field) -> pd.Series:
    """Strings as they stand, numbers as int64 or float64, a missing value where the schema allows null."""
    empty = column == ""
    if not field.nullable:
        tables.refuse(uri, field.name, column, empty, "a value: the field is not nullable")
    if field.kind == "boolean":
        tables.refuse(uri, field.name, column, ~column.isin(["true", "false"]) & ~empty, "true or false")
    if field.kind in ("string", "boolean"):
        most = _longest(field)
        tables.refuse(uri, field.name, column, column.str.len() > most, f"at most {most:,} characters")
        return column.mask(empty) if field.nullable else column
    numbers = pd.to_numeric(column, errors="coerce")
    bad = ~np.isfinite(numbers)
    if field.kind in WHOLE:
        bad |= (numbers % 1 != 0) | (numbers.abs() >= WHOLE[field.kind])
    tables.refuse(uri, field.name, column, bad & ~empty, f"of type {field.kind}")
    if field.name in ("TIMESTAMP", "CREATION_TIMESTAMP"):
        _check_time(uri, column, field.name, numbers)
    return numbers.astype("int64") if field.kind in WHOLE and not empty.any() else numbers


def _longest(field: Field) -> int:
    if field.name in domains.KEYS:
        return LONGEST_ID
    return LONGEST_CATEGORY if field.categorical or field.name == "IMPRESSION" else LONGEST_TEXT


def _check_time(uri: str, column: pd.Series, name: str, seconds: pd.Series) -> None:
    """Milliseconds are the usual mistake. Events lie in the past; the creation of an item may be ahead."""
    tables.refuse(uri, name, column, (seconds < 0) | (seconds > LATEST), "Unix epoch time in seconds")
    if name == "TIMESTAMP":
        ahead = seconds > time.time() + AHEAD
        tables.refuse(uri, name, column, ahead, "Unix epoch time in seconds up to the present: it lies in the future")
