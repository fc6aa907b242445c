"""The long work of Amazon Personalize, each function in a process of its own: files in, files out."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from localaws import tables
from localaws.jobs import JobFailed
from localaws.objects import Access, File, read, write
from localaws.personalize import engine, streams
from localaws.personalize.recipes import RECIPES
from localaws.personalize.schema import Field, parse

LEAST_INTERACTIONS = 1000
KEYS = {"Items": "ITEM_ID", "Users": "USER_ID"}
LONGEST_ID = 256
# Asking every user once, in ten folds, steadies the metrics of small logs; large ones need one fold and have no time.
MOST_EVENTS_FOR_FOLDS = 500_000


def import_dataset(access: Access, path: str, schema_text: str, destination: Path) -> dict:
    dataset_type, schema = parse(schema_text)
    files = read(access, path)
    frame = pd.concat([_read_csv(file, schema) for file in files], ignore_index=True)
    if dataset_type == "Interactions" and len(frame) < LEAST_INTERACTIONS:
        raise JobFailed(
            f"Dataset import has fewer than {LEAST_INTERACTIONS} interactions: {path} holds {len(frame):,} rows."
        )
    if dataset_type in KEYS:
        frame = frame.drop_duplicates(KEYS[dataset_type], keep="last")
    destination.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(destination, index=False)
    return {}


def export_dataset(access: Access, path: str, name: str, files: list[str], schema_text: str, newest_only: bool) -> dict:
    """One CSV with a header, in the form that an import reads; records that match in all fields once.

    newest_only: of items and users with the same id, the newest alone (export-data.md).
    """
    dataset_type, schema = parse(schema_text)
    names = [field.name for field in schema]
    frames = [_read(Path(file)).reindex(columns=names) for file in files]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)
    key = KEYS.get(dataset_type) if newest_only else None
    frame = frame.drop_duplicates(key, keep="last")
    write(access, path, name, frame.to_csv(index=False, doublequote=False, escapechar="\\").encode())
    return {}


def _read_csv(file: File, schema: list[Field]) -> pd.DataFrame:
    """The schema's columns of one file (it may hold others). Raises JobFailed naming file, row, column and value."""
    raw = tables.rows(file, escape="\\")
    missing = [field.name for field in schema if field.name not in raw.columns]
    if missing:
        raise JobFailed(f"Input CSV is missing the following columns:[{', '.join(missing)}] ({file.uri})")
    return pd.DataFrame({field.name: _column(file.uri, raw[field.name], field) for field in schema})


def _column(uri: str, column: pd.Series, field: Field) -> pd.Series:
    empty = column == ""
    if not field.nullable:
        tables.refuse(uri, field.name, column, empty, "a value: the field is not nullable")
    if field.kind in ("string", "boolean"):
        if field.name.endswith("_ID"):
            tables.refuse(uri, field.name, column, column.str.len() > LONGEST_ID, f"at most {LONGEST_ID} characters")
        return column.mask(empty) if field.nullable else column
    parsed = pd.to_numeric(column, errors="coerce")
    tables.refuse(uri, field.name, column, parsed.isna() & ~empty, f"of type {field.kind}")
    if field.kind in ("int", "long") and not empty.any():
        tables.refuse(uri, field.name, column, parsed % 1 != 0, f"of type {field.kind}")
        parsed = parsed.astype("int64")
    if field.name == "TIMESTAMP":
        # Milliseconds are the usual mistake; as seconds they would lie beyond the year 5000.
        tables.refuse(uri, field.name, column, (parsed < 0) | (parsed > 1e11), "Unix epoch time in seconds")
    return parsed


def train(
    files: dict[str, list[str]],
    recipe_name: str,
    settings: engine.Settings,
    destination: Path,
    event_type: str | None = None,
    event_value_threshold: float | None = None,
) -> dict:
    """A model and its metrics. A custom solution may train on one event type, and on events from a value on, alone."""
    recipe = RECIPES[recipe_name]
    recipe = replace(recipe, event_type=event_type or recipe.event_type)
    items = _frame(files["ITEMS"], "ITEM_ID") if "ITEMS" in files else None
    try:
        events = engine.encode(_interactions(files["INTERACTIONS"], event_value_threshold), items)
        model = engine.train(recipe, events, items, settings)
    except ValueError as error:
        raise JobFailed(str(error)) from None
    folds = 10 if len(events) <= MOST_EVENTS_FOR_FOLDS else 1
    evaluation = engine.evaluate(recipe, events, items, settings, folds=folds)
    destination.mkdir(parents=True, exist_ok=True)
    (destination / "model.npz").write_bytes(engine.save(model))
    np.savez(destination / "events.npz", **{field.name: getattr(events, field.name) for field in fields(events)})
    baseline = {f"popularity_baseline_{name}": value for name, value in evaluation.popularity.items()}
    return {
        "record": {"modelMetrics": evaluation.metrics | baseline},
        "private": {"model": str(destination)},
    }


def _interactions(files: list[str], event_value_threshold: float | None) -> pd.DataFrame:
    """A custom schema may lack EVENT_TYPE; all its events are of one type then."""
    frame = _frame(files)
    if event_value_threshold is not None:
        if "EVENT_VALUE" not in frame.columns:
            raise JobFailed("eventValueThreshold needs the field EVENT_VALUE in the Interactions dataset.")
        frame = frame[frame["EVENT_VALUE"].astype("float64") >= event_value_threshold]
    event_types = frame["EVENT_TYPE"].fillna("") if "EVENT_TYPE" in frame.columns else ""
    return frame.assign(EVENT_TYPE=event_types)


def _read(file: Path) -> pd.DataFrame:
    if file.name != streams.FILE:
        return pd.read_parquet(file)
    records = streams.read(file)
    if "SESSION_ID" not in records[0]:
        return pd.DataFrame(records)
    events = streams.read_attributed(file)
    return pd.DataFrame(events, columns=list(events[0]) if events else list(engine.REQUIRED))


def _frame(files: list[str], key: str | None = None) -> pd.DataFrame:
    """Newer files come later; a record with the same key takes the place of the older one."""
    frame = pd.concat([_read(Path(file)) for file in files], ignore_index=True)
    return frame.drop_duplicates(key, keep="last", ignore_index=True) if key else frame
