"""How the resources of a run are named, so that an execution always finds its own."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

RUN_ID_LENGTH = 19
_MOMENT = "%Y%m%dT%H%M%S"


def run_id(execution: str, started: str, newest: str | None = None) -> str:
    """RUN_ID_LENGTH characters that sort by time: the start, `2026-11-22T21:17:00.123Z`, and 3 of the ARN's hash.

    A clock may be set back: the id sorts after that of the `newest` run whatever the start.
    """
    moment = datetime.strptime(started[:19], "%Y-%m-%dT%H:%M:%S")
    if newest:
        moment = max(moment, datetime.strptime(newest[:15], _MOMENT) + timedelta(seconds=1))
    return f"{moment.strftime(_MOMENT)}_{hashlib.sha256(execution.encode()).hexdigest()[:3]}"


def numbered(run: str, number: int) -> str:
    """In place of a run's id where it makes several of a kind: as long, and sorts after the ids of earlier runs."""
    return f"{run[:15]}_{number:03d}"


def forecast_name(dataset: str, *parts: str) -> str:
    """Forecast allows ^[a-zA-Z][a-zA-Z0-9_]*, 63 at most."""
    return "_".join(("storecast", dataset.replace("-", "_"), *parts))


def personalize_name(dataset: str, *parts: str) -> str:
    """Personalize allows ^[a-zA-Z0-9][a-zA-Z0-9-_]*, 63 at most."""
    return "-".join(("storecast", dataset, *parts))
