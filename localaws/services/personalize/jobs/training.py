"""The long work of Amazon Personalize, each function in a process of its own: files in, files out."""

from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.errors import JobFailed
from localaws.s3 import Access, read, write
from localaws.services.personalize import streams
from localaws.services.personalize.api.recipes import RECIPE_PREFIX, RECIPES
from localaws.services.personalize.hyperparameters import Candidate
from localaws.services.personalize.schema import parse
from localaws.services.personalize.training_data import Selection
from storecast_engines import recommending
from storecast_engines.files import FileError
from storecast_engines.files.interactions import check_interactions, read_csv

KEYS = {"Items": "ITEM_ID", "Users": "USER_ID"}
# Asking every user once, in ten folds, steadies the metrics of small logs; large ones need one fold and have no time.
MOST_EVENTS_FOR_FOLDS = 300_000


def import_dataset(access: Access, path: str, schema_text: str, destination: Path) -> dict:
    dataset_type, schema = parse(schema_text)
    files = read(access, path)
    try:
        frame = read_csv({file.uri: file.body for file in files}, schema)
        if dataset_type == "Interactions":
            check_interactions(path, frame)
    except FileError as error:
        raise JobFailed(str(error)) from None
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
    selection: Selection,
    candidates: list[Candidate],
    destination: Path,
    metric: str = "",
    tuned: bool = False,
) -> dict:
    """A model and its metrics. Of several candidates the one with the best `metric` in the guide's protocol; what is
    best is part of the answer if it was `tuned`."""
    interactions, items, users = _selected(files, selection)
    try:
        events = recommending.encode(interactions, items)
        lengthy = events.within_history_lengths(*selection.percentiles)
        best = candidates[0]
        if len(candidates) > 1:
            best = max(candidates, key=lambda each: _evaluate(each, lengthy, items, selection).metrics[metric])
        model = recommending.train(_recipe(best, selection), lengthy, items, best.settings)
    except ValueError as error:
        raise JobFailed(str(error)) from None
    evaluation = _evaluate(best, lengthy, items, selection, 10 if len(events) <= MOST_EVENTS_FOR_FOLDS else 1)
    baseline = {f"popularity_baseline_{name}": value for name, value in evaluation.popularity.items()}
    record = {"modelMetrics": evaluation.metrics | baseline, "recipeArn": RECIPE_PREFIX + best.recipe}
    if tuned:
        record["tunedHPOParams"] = {"algorithmHyperParameters": dict(best.parameters)}
    if recommending.uses_features(RECIPES[best.recipe]):
        model |= recommending.train_features(events, interactions, users)
    return {"record": record, "private": _saved(destination, model, events, asdict(best.settings))}


def update(
    files: dict[str, list[str]], selection: Selection, destination: Path, base: Path, metrics: dict, settings: dict
) -> dict:
    """The model in `base` with the items and events that came in since; its metrics are the ones it was trained to."""
    interactions, items, users = _selected(files, selection)
    events = recommending.encode(interactions, items)
    model = recommending.update(recommending.load((base / "model.npz").read_bytes()), events, items)
    model |= recommending.train_features(events, interactions, users)
    return {"record": {"modelMetrics": metrics}, "private": _saved(destination, model, events, settings)}


def _saved(destination: Path, model: recommending.Model, events: recommending.Events, settings: dict) -> dict:
    """Writes what answers requests; where it lies, and the settings it was trained with."""
    destination.mkdir(parents=True, exist_ok=True)
    (destination / "model.npz").write_bytes(recommending.save(model))
    np.savez(destination / "events.npz", **{field.name: getattr(events, field.name) for field in fields(events)})
    return {"model": str(destination), "settings": settings}


def _recipe(candidate: Candidate, selection: Selection) -> recommending.Recipe:
    recipe = RECIPES[candidate.recipe]
    return replace(recipe, event_type=selection.event_type or recipe.event_type)


def _evaluate(
    candidate: Candidate, events: recommending.Events, items: pd.DataFrame | None, selection: Selection, folds: int = 1
) -> recommending.Evaluation:
    return recommending.evaluate(_recipe(candidate, selection), events, items, candidate.settings, folds=folds)


def _selected(
    files: dict[str, list[str]], selection: Selection
) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame | None]:
    """Interactions, items and users (None without any) that train. A custom schema may lack EVENT_TYPE; all its events
    are of one type then."""
    interactions = _frame(files["INTERACTIONS"])
    if selection.event_value_threshold is not None:
        if "EVENT_VALUE" not in interactions.columns:
            raise JobFailed("eventValueThreshold needs the field EVENT_VALUE in the Interactions dataset.")
        interactions = interactions[interactions["EVENT_VALUE"].astype("float64") >= selection.event_value_threshold]
    types = interactions["EVENT_TYPE"].fillna("") if "EVENT_TYPE" in interactions.columns else ""
    interactions = interactions.assign(EVENT_TYPE=types).drop(columns=selection.excluded.get("INTERACTIONS", []))
    items, users = (
        _frame(files[kind], key).drop(columns=selection.excluded.get(kind, [])) if kind in files else None
        for kind, key in (("ITEMS", "ITEM_ID"), ("USERS", "USER_ID"))
    )
    return interactions, items, users


def _read(file: Path) -> pd.DataFrame:
    if file.name != streams.FILE:
        return pd.read_parquet(file)
    records = streams.read(file)
    if "SESSION_ID" not in records[0]:
        return pd.DataFrame(records)
    events = streams.read_attributed(file)
    return pd.DataFrame(events, columns=list(events[0]) if events else list(recommending.REQUIRED))


def _frame(files: list[str], key: str | None = None) -> pd.DataFrame:
    """Newer files come later; a record with the same key takes the place of the older one."""
    frame = pd.concat([_read(Path(file)) for file in files], ignore_index=True)
    return frame.drop_duplicates(key, keep="last", ignore_index=True) if key else frame
