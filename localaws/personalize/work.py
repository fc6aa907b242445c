"""The long work of Amazon Personalize, each function in a process of its own: files in, files out."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.jobs import JobFailed
from localaws.objects import Access, read, write
from localaws.personalize import engine, streams
from localaws.personalize.bulk import check_interactions, read_csv
from localaws.personalize.recipes import RECIPES
from localaws.personalize.schema import parse

KEYS = {"Items": "ITEM_ID", "Users": "USER_ID"}
# Asking every user once, in ten folds, steadies the metrics of small logs; large ones need one fold and have no time.
MOST_EVENTS_FOR_FOLDS = 500_000


def import_dataset(access: Access, path: str, schema_text: str, destination: Path) -> dict:
    dataset_type, schema = parse(schema_text)
    frame = read_csv(read(access, path), schema)
    if dataset_type == "Interactions":
        check_interactions(path, frame)
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
