"""No state of a run can hold more than 256 KiB, whatever the config says and however many files there are: an upper
bound of all payloads, from their declared types and the largest configs that a synth accepts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NotRequired, Required, get_args, get_origin, is_typeddict

import pytest
import yaml

from common import quarantine
from common.payload import Importing, ImportResult, Refusing, Waiting
from forecasting import config as forecasting_config
from forecasting import payload as forecasting
from forecasting import summary
from forecasting.plan import run_plan as plan_forecasting
from infra.config import ConfigError, load
from infra.expressions import configured, field_types
from infra.pipeline import MOST_SETTINGS, check_settings
from infra.steps import LONGEST_REASON, SHORT_REASON
from localaws.emulator.limits import STATE_BYTES
from recommending import config as recommending_config
from recommending import payload as recommending
from recommending.domains import MOST_METADATA_COLUMNS
from recommending.run_plan import PlannedImport
from recommending.run_plan import run_plan as plan_recommending
from recommending.schema import avro_schema
from tests.infra.conftest import ROOT

_CONFIGS: dict[str, type] = {"forecasting": forecasting_config.Config, "recommending": recommending_config.Config}
_ARN = "x" * 256  # (the services' API references)
_RUN, _DATASET, _OWNER = "20261122T211700_abc", "x" * 20, "é" * 256
_COLUMNS = [f"{n:03d}".rjust(63, "x") for n in range(130)]
_BYTES = {  # of texts by the names of their fields; all others are as long as an ARN at most
    **dict.fromkeys(("file", "movedTo"), 6 + 63 + 1024),
    "message": 4 * LONGEST_REASON,
    "nothingNew": 4 * LONGEST_REASON,
    "notes": 4 * 600 + 200,
    "named": 7 * 256,
    "reason": 1_000,  # of our own decisions
    "key": 7 * 256,  # of a series: item and dimensions
    "attribute": 63,
}
_MOST = {  # elements of lists, members of objects, by the names of their fields
    "files": 5,  # of a run's inputs three, of those that Plan refused
    "forecasts": 5,
    "types": 5,
    "predictors": 7,
    "failed": 7,
    "accuracy": 8,  # with the yardstick
    "scenarioArns": 10,
    "whatIf": 10,
    "leftOut": 3,  # reasons
    "named": 5,
    "notes": 2 + 3 + 8 + 5 + 10,  # of ours, of imports, predictors, forecasts, what-if forecasts
    "impact": 13 + 25 + 10 + 1,  # columns, and holidays
    **dict.fromkeys(("measured", "backtest", "metrics"), 20),
    **dict.fromkeys(("recommenders", "batch"), 5),
    **dict.fromkeys(("solutions",), 10),
    **dict.fromkeys(("filters", "left"), 60),
}
_JSON = {"accuracy": 20 * 60, "campaign": 0}  # bytes of objects that no type describes
_IN_A_LIST = (forecasting.FailedPredictor, summary.FailedAlgorithm)


def _size(type_: Any, name: str = "", planned: Any = None) -> int:
    """Bytes of a value of the type as JSON, at most. `planned` is what Plan gives in its place: a state may hold that
    beside what the type declares."""
    origin, args = get_origin(type_), get_args(type_)
    if is_typeddict(type_):
        longest = SHORT_REASON if type_ in _IN_A_LIST else quarantine.LONGEST if name == "files" else LONGEST_REASON
        short = 4 * (LONGEST_REASON - longest)
        return _of_fields({field: [of] for field, of in field_types(type_).items()}, planned) - short
    if origin in (NotRequired, Required):
        return _size(args[0], name, planned)
    if origin is dict and args[-1] is Any:
        return _length(planned) if planned is not None else _JSON[name]
    if origin in (list, dict):
        each = planned if planned is not None else [None] * _MOST[name]
        key = 70 if origin is dict else 0
        return 2 + sum(
            1 + key + _size(args[-1], name, of) for of in (each.values() if isinstance(each, dict) else each)
        )
    if origin is Literal:
        return 40
    if args:  # a union
        return max(_size(each, name, planned) for each in args if each is not NoneType)
    if planned is not None:
        return _length(planned)
    return {bool: 5, int: 20, float: 25}.get(type_, 2 + _BYTES.get(name, len(_ARN)))


def _of_fields(fields: Mapping[str, list[Any]], planned: Any = None) -> int:
    """Of an object with all of the fields, each the largest of its types."""
    known = planned if isinstance(planned, dict) else {}
    declared = sum(
        4 + len(name) + max(_size(of, name, known.get(name)) for of in types) for name, types in fields.items()
    )
    return 2 + declared + sum(4 + len(name) + _length(value) for name, value in known.items() if name not in fields)


def _state(plan: Any, planned: type, *types: type) -> int:
    """Of the payload that Plan answers, to which all steps have added what they add."""
    fields: dict[str, list[Any]] = {}
    for type_ in (planned, *types):
        for name, of in field_types(type_).items():
            if name not in plan or field_types(planned).get(name) != of:
                fields.setdefault(name, []).append(of)
    of_datasets = len(plan["imports"]) * len(_ARN)  # in the requests of the imports
    return _of_fields(fields, plan) + of_datasets


def _waited(type_: type, items: Sequence[Any]) -> int:
    """Of the results of a Map whose items were planned, with their waits: what fails ends the Map."""
    wait = _size(Waiting) - _BYTES["message"]
    return sum(_size(type_, planned=each) + wait for each in items)


def _length(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _event(**more: Any) -> Any:
    """What Plan works from, all names as long as they can be."""
    places = {"dataBucket": "x" * 63, "resultsBucket": "x" * 63, "roleArn": _ARN, "kmsKeyArn": _ARN, "execution": _ARN}
    tags = {"project": "storecast", "dataset": _DATASET, "owner": _OWNER}
    run = {"dataset": _DATASET, "started": "2026-11-22T21:17:00.123Z", "attempt": 1, "force": False, "tags": tags}
    return run | places | more


@pytest.fixture
def section(tmp_path: Path) -> Callable[..., Any]:
    """A section of the sample's config with changed settings, as large as one of its settings can make it: that one is
    `grown`, from one element on, until the synth refuses the section."""

    def at_most(name: str, grown: Callable[[int], dict[str, Any]]) -> Any:
        config = yaml.safe_load((ROOT / "data" / "sample" / "pipeline.yaml").read_text())

        def accepted(size: int) -> Any:
            (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(config | {name: config[name] | grown(size)}))
            try:
                found = getattr(load(tmp_path / "pipeline.yaml"), name)
                check_settings(name, configured(_CONFIGS[name], found))
            except ConfigError:
                return None
            return found

        low, high = 1, 2_000
        assert accepted(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if accepted(middle) else (low, middle)
        return accepted(low)

    return at_most


_METADATA = {name: "string" for name in ("item_id", *(f"x{n}" for n in range(9)))}
_RELATED = {"item_id": "string", "timestamp": "timestamp", "price": "float"} | dict.fromkeys(_COLUMNS[:12], "float")
_ALL = ["AutoPredictor", "ARIMA", "CNN-QR", "Deep_AR_Plus", "ETS", "NPTS", "Prophet"]
_FORECASTING = {
    "algorithms": _ALL,
    "quantiles": ["0.1", "0.2", "0.5", "0.8", "0.9"],
    "forecasts": {f"{'x' * 11}{n}": ["0.1", "0.2", "0.5", "0.9", "mean"] for n in range(5)},
    "datasets": {
        "target": {"item_id": "string", "timestamp": "timestamp", "demand": "float"},
        "related": _RELATED,
        "metadata": _METADATA,
    },
    "explainability": True,
}


def _conditions(size: int) -> dict[str, Any]:
    """The shortest settings that become the longest requests: ten conditions for each change."""
    change = {"attribute": "price", "operation": "ADD", "value": 1.5, "where": dict.fromkeys(_METADATA, "")}
    scenarios = {f"{'x' * 11}{n}": [change] * min(30, size - 30 * n) for n in range(10) if size > 30 * n}
    return _FORECASTING | {"what_if": scenarios}


def _values(size: int) -> dict[str, Any]:
    change = {"attribute": "price", "operation": "ADD", "value": 1.5, "where": {"item_id": "é" * 50 * size}}
    return _FORECASTING | {"what_if": {"x" * 12: [change]}}


def _filling(size: int) -> dict[str, Any]:
    rules = dict.fromkeys(("middlefill", "backfill", "futurefill"), "median")
    return _FORECASTING | {"filling": dict.fromkeys(_COLUMNS[: min(size, 12)], rules)}


@pytest.mark.parametrize("grown", [_conditions, _values, _filling])
def test_no_state_of_forecasting_reaches_the_limit(section: Any, grown: Any) -> None:
    config = configured(_CONFIGS["forecasting"], section("forecasting", grown))
    event = _event(config=config, domain={"item": "item_id", "target": "demand"}, database="x" * 63)
    kinds = dict.fromkeys(("target", "related", "metadata"), "x" * 64)
    plan = {**plan_forecasting(event, kinds, {}, _RUN, copied=kinds), "inputs": {"files": kinds, "config": "x" * 64}}
    largest = _state(
        plan,
        forecasting.Plan,
        forecasting.Ensured,
        Refusing,
        Importing,
        forecasting.ActualsAnswer,
        forecasting.ForecastedByService,
        forecasting.ForecastAnswer,
        forecasting.ExportAnswer,
        Waiting,
    )
    states = {  # of the branches of the Parallel only the first returns the payload
        "payload": largest,
        "imports": sum(_size(ImportResult, planned=each) for each in plan["imports"]),
        "algorithms": _waited(forecasting.TrainResult, [{"predictor": each} for each in plan["predictors"]]),
        "forecasts": _waited(forecasting.ForecastResult, [{"forecast": each} for each in plan["forecasts"]]),
        "scenarios": _waited(forecasting.ForecastAnswer, [{"forecast": each} for each in plan["whatIf"]["scenarios"]]),
        "published": _size(summary.Published),
    }
    assert 50_000 < max(states.values()) < STATE_BYTES, states


_USE_CASES = ["most-viewed", "best-sellers", "frequently-bought-together", "also-viewed", "recommended-for-you"]
_RECOMMENDING: dict[str, Any] = {
    "use_cases": dict.fromkeys(_USE_CASES, {}),
    "solutions": {f"{'x' * 19}{n}": {"recipe": "aws-similar-items", "campaign": n < 5} for n in range(10)},
    "filters": {f"{'x' * 18}{n:02d}": f"INCLUDE ItemID WHERE Items.PRICE < {n + 1}" for n in range(29)},
    "batch": {},
}


def _filters(size: int) -> dict[str, Any]:
    values = '", "'.join(f"{n:08d}" for n in range(size))
    long = f'INCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("{values}")'
    filters = {
        name: long[:2400].rpartition(",")[0] + ")" if len(long) > 2400 else long for name in _RECOMMENDING["filters"]
    }
    return _RECOMMENDING | {"filters": filters}


def _excluded(size: int) -> dict[str, Any]:
    excluding = {"excluded_dataset_columns": {"items": _COLUMNS[:size]}}
    return _RECOMMENDING | {
        "datasets": {
            "interactions": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string"},
            "items": {"ITEM_ID": "string", "PRICE": "float", "CATEGORY_L1": {"type": "string", "categorical": True}}
            | dict.fromkeys(_COLUMNS[:98], "string"),
        },
        "use_cases": {name: excluding for name in _USE_CASES},
        "solutions": {name: of | excluding for name, of in _RECOMMENDING["solutions"].items()},
    }


def _batch(size: int) -> dict[str, Any]:
    job = {"solution": f"{'x' * 19}0", "results": 500, "top": 1_000_000, "filter": f"{'x' * 18}00"}
    return _RECOMMENDING | {"batch": {f"x{n}".ljust(12, "x"): job for n in range(size)}}


@pytest.mark.parametrize("grown", [_filters, _excluded, _batch])
def test_no_state_of_recommending_reaches_the_limit(section: Any, grown: Any) -> None:
    config = configured(_CONFIGS["recommending"], section("recommending", grown))
    names = [*config["use_cases"], "aws-similar-items"]
    event = _event(config=config, recipes=dict.fromkeys(names, _ARN))
    column = {"type": "string", "categorical": True, "textual": False, "nullable": True}
    schemas = {
        kind: avro_schema(kind, dict.fromkeys(_COLUMNS[: most + 8], column))
        for kind, most in MOST_METADATA_COLUMNS.items()
    }
    added = [{"key": "x" * 1024, "etag": "x" * 34, "start": 0}] * 1_000
    imports = [
        PlannedImport(kind, imported_checksum="x" * 64, planned_checksum="x" * 64, added=added) for kind in schemas
    ]
    inputs: Any = {"files": dict.fromkeys(schemas, "x" * 64), "config": "x" * 64}
    plan = plan_recommending(event, schemas, imports, run=_RUN, inputs=inputs, data_changed=True)
    largest = _state(
        plan,
        recommending.Plan,
        Refusing,
        recommending.Grouped,
        recommending.DatasetsAnswer,
        recommending.ServingAnswer,
        Importing,
        recommending.Trained,
        recommending.PublishRequest,
        Waiting,
    )
    solutions = sum(_size(recommending.SolutionResult) for _ in plan["solutions"])
    made = {name: plan[name] for name in ("filters", "eventTracker")}
    states = {
        "payload": largest,
        "recommenders and solutions": largest + solutions,
        "imports": sum(_size(ImportResult, planned=each) for each in plan["imports"]),
        "datasets": _waited(recommending.EnsuredDataset, plan["datasets"]),
        "filters": _waited(recommending.EnsuredFilter, plan["filters"]),
        "solutions": _waited(recommending.CampaignRequest, plan["solutions"]),
        "batch": _waited(recommending.BatchResult, plan["batch"]),
        "published": _size(recommending.LeftoversRequest, planned=made) + _size(recommending.PublishAnswer),
    }
    assert 50_000 < max(states.values()) < STATE_BYTES, states


@pytest.mark.parametrize(("pipeline", "most"), MOST_SETTINGS.items())
def test_settings_that_could_reach_it_are_refused_at_synth(pipeline: str, most: int) -> None:
    assert check_settings(pipeline, {"x": "y" * (most - 8)})
    with pytest.raises(
        ConfigError, match=rf"{pipeline}: its settings take {most + 1:,} bytes as JSON; at most {most:,}"
    ):
        check_settings(pipeline, {"x": "y" * (most - 7)})
