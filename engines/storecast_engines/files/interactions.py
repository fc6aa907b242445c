"""CSV files of interactions, items and users, by the rules of Amazon Personalize's imports.

Sources: https://docs.aws.amazon.com/personalize/latest/dg/data-prep-formatting.html,
https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html,
https://docs.aws.amazon.com/personalize/latest/dg/limits.html
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from storecast_engines.files.rows import FileError, refuse, rows
from storecast_engines.files.schemas import AHEAD, LATEST, Field

KEYS = ("USER_ID", "ITEM_ID", "TIMESTAMP")
# Columns of interactions with a meaning of their own; all others are metadata, and so is EVENT_VALUE.
KNOWN = (*KEYS, "EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE")
LEAST_INTERACTIONS, MOST_TYPES_AND_METADATA = 1000, 10
LONGEST_ID, LONGEST_CATEGORY, LONGEST_TEXT = 256, 1000, 20_000
WHOLE = {"int": 2**31, "long": 2**63}
NUMBERS = (*WHOLE, "float", "double")
# Recorded: an import of items whose `int` field, which does not allow null, was blank in 12 of 9,742 rows and
# 2006–2007 in one became ACTIVE, and the console counts rows with missing values
# (docs/aws-sources.md#personalize-analyzing-data). How many rows may be so is not known; what is like a column in the
# wrong format is refused here.
MOST_UNREADABLE = 0.01


def read_csv(files: Mapping[str, bytes], fields: Sequence[Field]) -> pd.DataFrame:
    """The fields' columns of all files (name -> bytes), which may hold others; each file has the same header.

    Strings stay unchanged, numbers become int64, Int64 (with missing values) or float64; a missing value is allowed
    where the field is nullable. Of items and users, numbers that are missing or malformed in at most MOST_UNREADABLE
    of a file's rows are read as missing; the frame's attrs["unreadable"] counts them by column.
    Raises FileError naming file, row, column and value.

    >>> fields = [Field("USER_ID", "string", nullable=False), Field("TIMESTAMP", "long", nullable=False)]
    >>> read_csv({"events.csv": b"TIMESTAMP,USER_ID\\n1700000000,ann\\n"}, fields)
      USER_ID   TIMESTAMP
    0     ann  1700000000
    """
    frames: list[pd.DataFrame] = []
    unreadable: Counter[str] = Counter()
    first: tuple[str, list[str]] | None = None
    for name, body in files.items():
        raw = rows(name, body, escape="\\")
        first = first or (name, list(raw.columns))
        _check_header(name, list(raw.columns), *first, fields)
        bad = {} if "TIMESTAMP" in raw.columns else _unreadable(raw, fields)
        unreadable.update({column: int(rows.sum()) for column, rows in bad.items()})
        frames.append(pd.DataFrame({each.name: _column(name, raw[each.name], each, bad) for each in fields}))
    frame = pd.concat(frames, ignore_index=True)
    frame.attrs["unreadable"] = dict(unreadable)
    return frame


def check_interactions(name: str, frame: pd.DataFrame) -> None:
    """Raises FileError for too few rows, too many event types, or none that names an event; `name` is the files'."""
    if len(frame) < LEAST_INTERACTIONS:
        message = f"Dataset import has fewer than {LEAST_INTERACTIONS} interactions: {name} holds {len(frame):,} rows."
        raise FileError(message, file=name)
    if "EVENT_TYPE" not in frame.columns:
        return
    types = frame["EVENT_TYPE"].dropna().unique()
    if all(each in KNOWN for each in types):
        raise FileError(f"All values in the event_type column are either reserved keywords or null ({name})", file=name)
    metadata = [column for column in frame.columns if column not in KNOWN or column == "EVENT_VALUE"]
    if len(types) + len(metadata) > MOST_TYPES_AND_METADATA:
        raise FileError(
            f"{name} has {len(types)} event types ({', '.join(sorted(types)[:20])}) and {len(metadata)} metadata "
            f"columns; both together may be {MOST_TYPES_AND_METADATA}.",
            file=name,
        )


def _check_header(name: str, header: list[str], first_name: str, first: list[str], fields: Sequence[Field]) -> None:
    if header != first:
        raise FileError(
            f"{name} has the header {','.join(header)}, {first_name} has {','.join(first)}: the files of a folder must "
            "have the same one",
            file=name,
        )
    if twice := sorted({column for column in header if header.count(column) > 1}):
        raise FileError(f"{name}, row 1: the header names {', '.join(twice)} more than once", file=name, row=1)
    if missing := [field.name for field in fields if field.name not in header]:
        raise FileError(f"Input CSV is missing the following columns:[{', '.join(missing)}] ({name})", file=name)


def _unreadable(raw: pd.DataFrame, fields: Sequence[Field]) -> dict[str, pd.Series]:
    """By column, the rows with an unreadable number, where these are few enough to read as missing."""
    numbers = {each.name: each for each in fields if each.kind in NUMBERS}
    bad = {
        name: _malformed(raw[name], each) & ((raw[name] != "") | (not each.nullable)) for name, each in numbers.items()
    }
    return {name: rows for name, rows in bad.items() if 0 < rows.sum() <= MOST_UNREADABLE * len(raw)}


def _malformed(column: pd.Series, field: Field) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    bad = ~np.isfinite(numbers)
    if field.kind in WHOLE:
        bad |= (numbers % 1 != 0) | (numbers.abs() >= WHOLE[field.kind])
    return bad


def _column(name: str, column: pd.Series, field: Field, unreadable: Mapping[str, pd.Series]) -> pd.Series:
    if field.name in unreadable:
        column = column.mask(unreadable[field.name], "")
    empty = column == ""
    if not field.nullable and field.name not in unreadable:
        refuse(name, column, empty, "a value: the field is not nullable")
    if field.kind == "boolean":
        refuse(name, column, ~column.isin(["true", "false"]) & ~empty, "true or false")
    if field.kind in ("string", "boolean"):
        most = _longest(field)
        refuse(name, column, column.str.len() > most, f"at most {most:,} characters")
        return column.mask(empty) if field.nullable else column
    numbers = pd.to_numeric(column, errors="coerce")
    refuse(name, column, _malformed(column, field) & ~empty, f"of type {field.kind}")
    if field.name in ("TIMESTAMP", "CREATION_TIMESTAMP"):
        _check_time(name, column, numbers)
    if field.kind not in WHOLE:
        return numbers
    return numbers.astype("Int64" if empty.any() else "int64")


def _longest(field: Field) -> int:
    if field.name in KEYS:
        return LONGEST_ID
    return LONGEST_CATEGORY if field.categorical or field.name == "IMPRESSION" else LONGEST_TEXT


def _check_time(name: str, column: pd.Series, seconds: pd.Series) -> None:
    """Milliseconds are the usual mistake. Events lie in the past; the creation of an item may be ahead."""
    refuse(name, column, (seconds < 0) | (seconds > LATEST), "Unix epoch time in seconds")
    if column.name == "TIMESTAMP":
        ahead = seconds > time.time() + AHEAD
        refuse(name, column, ahead, "Unix epoch time in seconds up to the present: it lies in the future")
