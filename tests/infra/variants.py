"""Variants of the sample's config that together have all that a pipeline.yaml may have; each is synthesized once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.config import Pipeline
from recommending.domains import DOMAINS

_SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample" / "pipeline.yaml"
_BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
LONGEST_DATASET, LONGEST_NAME, LONGEST_SHORT_NAME = "d" * 20, "n" * 20, "s" * 12
_HOURS = {"start": "07:00", "stop": "20:00"}
_DAILY = {"expression": "cron(0 6 * * ? *)", "time_zone": "Europe/Berlin"}
_OF_VIDEOS = {
    "interactions": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string"},
    "items": {
        "ITEM_ID": "string",
        "GENRES": {"type": "string", "categorical": True},
        "CREATION_TIMESTAMP": "long",
        "PRICE": "float",
    },
}
_FILTERS = {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 3"}


def _sample(**changed: Any) -> Pipeline:
    return Pipeline.model_validate(_merged(yaml.safe_load(_SAMPLE.read_text()), changed))


def _merged(config: Any, changed: Any) -> Any:
    """A mapping is merged, except one whose key ends in `=`, which replaces what was there; so does anything else."""
    if not isinstance(config, dict) or not isinstance(changed, dict):
        return changed
    replaced = {key.removesuffix("="): value for key, value in changed.items() if key.endswith("=")}
    merged = {key: _merged(config.get(key), value) for key, value in changed.items() if not key.endswith("=")}
    return config | merged | replaced


def _guarded() -> Pipeline:
    """All that keeps an app closed, for production."""
    vpc = {"subnet_id": "subnet-0123abcd", "security_group_ids": ["sg-0123abcd"]}
    return _sample(
        purpose="production", customer_managed_key=True, permissions_boundary=_BOUNDARY, workshop={"vpc": vpc}
    )


def _options() -> Pipeline:
    """Hours, schedules, a budget, a drift check, an accuracy floor, queries, added imports."""
    return _sample(
        budget={"monthly_usd": 50},
        forecasting={"accuracy_floor": {"worst": 0.5}, "drift": {"factor": 2}, "query": True, "schedule": _DAILY},
        recommending={"import_mode": "INCREMENTAL", "hours": _HOURS | {"days": ["MON"]}, "schedule": _DAILY},
        workshop={"learners": 2, "hours": _HOURS | {"days": ["MON"]}},
    )


def _video() -> Pipeline:
    """The use cases of the other domain, Forecast's domain CUSTOM, and dimensions."""
    target = {"item_id": "string", "timestamp": "timestamp", "store": "string", "target_value": "float"}
    related = {"item_id": "string", "timestamp": "timestamp", "store": "string", "price": "float"}
    return _sample(
        purpose="production",
        forecasting={
            "domain": "CUSTOM",
            "dimensions": ["store"],
            "datasets=": {"target": target, "related": related},
            "filling=": {"target_value": {"middlefill": "zero"}},
            "holidays": "US",
        },
        recommending={
            "domain": "VIDEO_ON_DEMAND",
            "datasets=": _OF_VIDEOS,
            "use_cases=": list(DOMAINS["VIDEO_ON_DEMAND"].recipes),
            "filters=": _FILTERS,
        },
    )


def _custom() -> Pipeline:
    """Solutions without a domain, under a key."""
    return _sample(
        customer_managed_key=True,
        recommending={"domain": "CUSTOM", "use_cases=": {}, "filters=": _FILTERS, "event_tracker": True},
    )


def longest(learners: int = 1) -> Pipeline:
    """A workshop with the classic policies, and names as long as they may be."""
    vpc = {
        "subnet_id": "subnet-0123456789abcdef0",
        "security_group_ids": [f"sg-0123456789abcdef{number}" for number in range(5)],
    }
    cheaper = [{"attribute": "price", "operation": "MULTIPLY", "value": 0.8}]
    return _sample(
        dataset=LONGEST_DATASET,
        customer_managed_key=True,
        permissions_boundary=_BOUNDARY,
        owner="x" * 256,
        budget={"monthly_usd": 50},
        recommending={
            "hours": _HOURS,
            "schedule": _DAILY,
            "solutions=": {LONGEST_NAME: {"recipe": "aws-user-personalization"}},
            "filters=": {LONGEST_NAME: "INCLUDE ItemID WHERE Items.PRICE < 3"},
            "batch=": {LONGEST_SHORT_NAME: {"solution": LONGEST_NAME, "filter": LONGEST_NAME}},
        },
        forecasting={
            "schedule": _DAILY,
            "accuracy_floor": {"worst": 0.5},
            "algorithms": ["AutoPredictor", "NPTS", "Deep_AR_Plus", "CNN-QR", "Prophet", "ARIMA", "ETS"],
            "forecasts=": {LONGEST_SHORT_NAME: ["0.5"]},
            "what_if=": {LONGEST_SHORT_NAME: cheaper},
        },
        workshop={"learners": learners, "vpc": vpc, "hours": _HOURS, "classic_policies": True},
    )


def _storecast() -> Pipeline:
    """Our own engine, for an account without Amazon Forecast."""
    return _sample(
        forecasting={"engine": "storecast", "algorithms": ["AutoPredictor"]},
        **{"recommending=": None},
    )


def _storecast_guarded() -> Pipeline:
    """The same with all that there can be of it: the key, each kind of forecast, a schedule."""
    kinds = {f"{LONGEST_SHORT_NAME[:-1]}{number}": ["0.1", "mean"] for number in range(4)}
    return _sample(
        dataset=LONGEST_DATASET,
        purpose="production",
        customer_managed_key=True,
        permissions_boundary=_BOUNDARY,
        budget={"monthly_usd": 50},
        forecasting={
            "engine": "storecast",
            "glue": {"worker_type": "G.2X", "number_of_workers": 40, "timeout": 120},
            "algorithms": ["LightGBM", "ETS"],
            "forecasts=": kinds,
            "schedule": _DAILY,
            "drift": {"factor": 2},
            "accuracy_floor": {"worst": 0.5},
        },
        **{"recommending=": None},
    )


VARIANTS: Mapping[str, Callable[[], Pipeline]] = {
    "sample": _sample,
    "guarded": _guarded,
    "options": _options,
    "video": _video,
    "custom": _custom,
    "longest": longest,
    "storecast": _storecast,
    "storecast_guarded": _storecast_guarded,
}
MOST_LEARNERS = 65
