"""The JSON Schema of a pipeline.yaml, for editors that know YAML: `python -m infra.config.schema` writes it.

It is made of the config's types: what the rules say beyond them, such as which columns a domain needs, only a check of
the config finds (`storecast check NAME`). Docstrings below fields are their descriptions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from infra.config import Pipeline, forecast, personalize
from infra.config.base import enum
from recommending.domains import DOMAINS

PATH = Path(__file__).resolve().parents[2] / "data" / "pipeline.schema.json"
_METRICS = enum("forecast", "OptimizationMetric")
_USE_CASES = sorted({name for domain in DOMAINS.values() for name in domain.recipes})


def schema() -> dict[str, Any]:
    """What an editor may know: names, types, allowed values."""
    found = Pipeline.model_json_schema()
    for part in (found, *found["$defs"].values()):
        part.pop("title", None)
        if part.get("description"):
            part["description"] = part["description"].partition("\n\n")[0]
        for about in part["properties"].values():
            about.pop("title", None)
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
    series["algorithms"]["items"]["enum"] = list(dict.fromkeys((*forecast.ALGORITHMS, *forecast.MODELS)))
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


def text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    print(PATH)
