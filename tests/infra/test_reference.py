"""The configuration reference, and its examples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config import load
from infra.config.base import Strict
from infra.config.reference import EXAMPLES, PAGE, page
from infra.config.schema import schema
from tests.infra.conftest import ROOT

_SECTIONS = {"Pipeline": "", "Forecasting": "forecasting", "Recommending": "recommending", "Workshop": "workshop"}
_KEYS = [(model, key) for model, examples in EXAMPLES.items() for key in examples if examples[key] != {}]
_TARGET = {"item_id": "string", "timestamp": "timestamp", "demand": "float"}
# What an example needs beside itself in the sample's config.
_NEEDS: dict[str, dict[str, Any]] = {
    "dimensions": {"datasets": {"target": _TARGET | {"store": "string"}}, "what_if": {}},
    "summed_over": {"datasets": {"target": _TARGET | {"channel": "string"}}, "what_if": {}},
    "datasets": {"what_if": {}, "filters": {}, "batch": {}},
    "time_alignment_boundary": {"algorithms": ["AutoPredictor"]},
    "engine": {"algorithms": ["AutoPredictor"]},
    "glue": {"engine": "storecast", "algorithms": ["AutoPredictor"]},
    "filters": {"batch": {}},
}


def _models(model: type[Strict] = Strict) -> Iterator[type[Strict]]:
    for each in model.__subclasses__():
        yield each
        yield from _models(each)


def test_the_page_is_that_of_the_config() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m infra.config.reference, and commit what it writes"


def test_every_key_has_a_description_and_an_example() -> None:
    found = schema()
    for name, model in ({"Pipeline": found} | found["$defs"]).items():
        assert set(EXAMPLES[name]) == set(model["properties"]), name
        assert {key for key, about in model["properties"].items() if not about.get("description")} == set(), name


@pytest.mark.parametrize(("name", "key"), _KEYS, ids=lambda each: each)
def test_every_example_is_valid(name: str, key: str, tmp_path: Path) -> None:
    if name not in _SECTIONS:
        model = next(each for each in _models() if each.__name__ == name)
        needed = {each for each, field in model.model_fields.items() if field.is_required()}
        model.model_validate({each: EXAMPLES[name][each] for each in needed | {key}})
        return
    config = yaml.safe_load((ROOT / "data" / "sample" / "pipeline.yaml").read_text())
    section = config.setdefault(_SECTIONS[name], {}) if _SECTIONS[name] else config
    known = EXAMPLES[name]
    section |= {each: value for each, value in _NEEDS.get(key, {}).items() if each in known} | {key: known[key]}
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(config))
    load(tmp_path / "pipeline.yaml")
