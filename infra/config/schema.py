"""The JSON Schema of a pipeline.yaml, for editors that know YAML: `python -m infra.config.schema` writes it.

It is made of the config's types: what the rules say beyond them, such as which columns a domain needs, only a check of
the config finds (`storecast check NAME`). Comments beside fields are their descriptions.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from infra.config import Pipeline, forecast, personalize
from infra.config.base import enum
from recommending.domains import DOMAINS

PATH = Path(__file__).resolve().parents[2] / "data" / "pipeline.schema.json"
_METRICS = enum("forecast", "OptimizationMetric")
_USE_CASES = sorted({name for domain in DOMAINS.values() for name in domain.recipes})


def schema() -> dict[str, Any]:
    """What an editor may know: names, types, allowed values."""
    found = Pipeline.model_json_schema()
    models = {model.__name__: model for model in _models(Pipeline)}
    for name, part in ((Pipeline.__name__, found), *found["$defs"].items()):
        part.pop("title", None)
        if part.get("description"):
            part["description"] = part["description"].partition("\n\n")[0]
        said = _comments(models[name])
        for field, about in part["properties"].items():
            about.pop("title", None)
            if field in said and "description" not in about:
                about["description"] = said[field]
            if "description" in about:
                about["description"] = " ".join(about["description"].split())
    _also_allowed(found["$defs"])
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return found


def _also_allowed(parts: dict[str, Any]) -> None:
    """The short forms that the config takes, and values that a rule checks rather than a type."""
    series, shop = parts["Forecasting"]["properties"], parts["Recommending"]["properties"]
    series["domain"]["enum"] = sorted(forecast.FORECAST_DOMAINS)
    series["frequency"]["pattern"] = f"^({forecast.FREQUENCY})$"
    series["optimization_metric"]["enum"] = _METRICS
    series["algorithms"]["items"]["enum"] = list(forecast.ALGORITHMS)
    quantile = {"type": ["string", "number"]}
    series["quantiles"]["items"] = series["forecasts"]["additionalProperties"]["items"] = quantile
    metric = parts["Promotion"]["properties"]["metric"]
    metric.pop("anyOf")
    metric["enum"] = [*_METRICS, None]
    parts["Solution"]["properties"]["recipe"]["enum"] = list(personalize.CUSTOM_RECIPES)
    types = get_args(personalize.ColumnType.model_fields["type"].annotation)
    columns = shop["datasets"]["additionalProperties"]
    columns["additionalProperties"] = {"anyOf": [columns["additionalProperties"], {"enum": list(types)}]}
    shop["datasets"]["additionalProperties"] = {"anyOf": [columns, {"const": "infer"}]}
    settings = {"anyOf": [shop["use_cases"].pop("additionalProperties"), {"type": "null"}]}
    shop["use_cases"].pop("type")
    shop["use_cases"]["anyOf"] = [
        {"type": "object", "properties": dict.fromkeys(_USE_CASES, settings), "additionalProperties": False},
        {"type": "array", "items": {"enum": _USE_CASES}},
    ]


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and those that its fields hold."""
    yield model
    for field in model.model_fields.values():
        yield from (inner for each in _held(field.annotation) for inner in _models(each))


def _held(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _held(inner)


def _comments(model: type[BaseModel]) -> dict[str, str]:
    """By field, the comment behind it in the source of its class."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            lines = re.findall(r"^    (\w+): .*  # (.*)$", inspect.getsource(each), re.MULTILINE)
            found |= dict(lines)
    return found


def text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    print(PATH)
