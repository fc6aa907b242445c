"""The JSON Schema that editors check a pipeline.yaml by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from infra.config import forecast, load
from infra.config.schema import PATH, text
from storecast.cli.draft import SCHEMA_LINE
from tests.infra.conftest import ROOT

CONFIGS = sorted((ROOT / "data").glob("*/pipeline.yaml"))


def _problem(config: Any) -> str:
    """Where the first problem is; "" if there is none."""
    validator = jsonschema.Draft202012Validator(json.loads(PATH.read_text(encoding="utf-8")))
    error = jsonschema.exceptions.best_match(validator.iter_errors(config))
    return "/".join(map(str, error.absolute_path)) or error.message if error else ""


def test_the_schema_is_that_of_the_config() -> None:
    assert PATH.read_text(encoding="utf-8") == text(), "run python -m infra.config.schema, and commit what it writes"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_the_configs_that_come_with_storecast_follow_it_and_name_it(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    assert _problem(yaml.safe_load(written)) == ""
    first = written.splitlines()[0]
    assert first == SCHEMA_LINE
    assert (path.parent / first.partition("$schema=")[2]).resolve() == PATH


def test_every_short_form_that_the_config_takes_follows_it(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text("""
dataset: shop
forecasting:
  domain: RETAIL
  frequency: 1D
  horizon: 14
  timestamp_format: yyyy-MM-dd
  datasets: {target: infer}
  quantiles: [0.1, "0.5"]
  forecasts: {planning: [0.5, mean]}
recommending:
  datasets:
    interactions: infer
    items: {ITEM_ID: string, PRICE: {type: float}, CATEGORY_L1: {type: string, categorical: true}}
  use_cases: {best-sellers: , most-viewed: {min_recommendation_requests_per_second: 2}}
""")
    load(path)
    assert _problem(yaml.safe_load(path.read_text())) == ""
    assert _problem({"dataset": "shop", "recommending": {"use_cases": ["best-sellers"]}}) == ""


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"horizons": 3}, "forecasting"),
        ({"frequency": "7D"}, "forecasting/frequency"),
        ({"domain": "RETALE"}, "forecasting/domain"),
        ({"algorithms": ["Prophecy"]}, "forecasting/algorithms/0"),
    ],
)
def test_what_is_mistyped_does_not(wrong: dict[str, Any], where: str) -> None:
    config = yaml.safe_load(CONFIGS[0].read_text(encoding="utf-8"))
    config["forecasting"] |= wrong
    assert _problem(config) == where


def test_every_model_of_either_engine_is_an_algorithm() -> None:
    config = yaml.safe_load((ROOT / "data" / "sample" / "pipeline.yaml").read_text())
    config["forecasting"] |= {"engine": "storecast", "algorithms": list(forecast.MODELS)}
    assert _problem(config) == ""
