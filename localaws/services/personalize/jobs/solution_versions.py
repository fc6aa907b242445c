"""The training of models, of solution versions and of recommenders, in a process of its own: files in, files out."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from localaws.errors import JobFailed
from localaws.jobs import Result
from localaws.services.personalize.hyperparameters import Candidate
from localaws.services.personalize.recipes import RECIPE_PREFIX, RECIPES
from localaws.services.personalize.training_data import Selection, training_frames
from storecast_engines import recommending

# Asking every user once, in ten folds, steadies the metrics of small logs; large ones need one fold and have no time.
MOST_EVENTS_FOR_FOLDS = 300_000


@dataclass(frozen=True)
class Train:
    """`files`: by dataset type. Of several candidates the one with the best `metric` is trained; `tuned`: the answer
    says which one that was."""

    files: dict[str, list[str]]
    selection: Selection
    destination: Path
    candidates: list[Candidate]
    metric: str = ""
    tuned: bool = False


@dataclass(frozen=True)
class Update:
    """`base`: the folder of the model to update, with its metrics and settings."""

    files: dict[str, list[str]]
    selection: Selection
    destination: Path
    base: Path
    metrics: dict[str, float]
    settings: dict[str, Any]


def train(job: Train) -> Result:
    """A model and its metrics in the guide's protocol."""
    selection = job.selection
    interactions, items, users = training_frames(job.files, selection)
    try:
        events = recommending.encode(interactions, items)
        lengthy = events.within_history_lengths(*selection.percentiles)
        best = job.candidates[0]
        if len(job.candidates) > 1:
            best = max(job.candidates, key=lambda each: _evaluate(each, lengthy, items, selection).metrics[job.metric])
        model = recommending.train(_recipe(best, selection), lengthy, items, best.settings)
    except ValueError as error:
        raise JobFailed(str(error)) from None
    evaluation = _evaluate(best, lengthy, items, selection, 10 if len(events) <= MOST_EVENTS_FOR_FOLDS else 1)
    metrics = {name: round(value, 4) for name, value in evaluation.metrics.items()}  # as recorded
    record: dict[str, Any] = {"modelMetrics": metrics, "recipeArn": RECIPE_PREFIX + best.recipe}
    if job.tuned:
        record["tunedHPOParams"] = {"algorithmHyperParameters": dict(best.parameters)}
    if recommending.uses_features(RECIPES[best.recipe]):
        model |= recommending.train_features(events, interactions, users)
    popularity = ", ".join(f"{name} {value:.4f}" for name, value in evaluation.popularity.items())
    notes = f"plain popularity in the same protocol has {popularity}" if popularity else ""
    return Result(record, _save(job.destination, model, events, asdict(best.settings)), notes)


def update(job: Update) -> Result:
    """The model in `base` with the items and events that came in since; its metrics are the ones it was trained to."""
    interactions, items, users = training_frames(job.files, job.selection)
    events = recommending.encode(interactions, items)
    model = recommending.update(recommending.load((job.base / "model.npz").read_bytes()), events, items)
    model |= recommending.train_features(events, interactions, users)
    return Result({"modelMetrics": job.metrics}, _save(job.destination, model, events, job.settings))


def _save(destination: Path, model: recommending.Model, events: recommending.Events, settings: dict) -> dict:
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
