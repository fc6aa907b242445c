"""No run reaches Step Functions' limit of 25,000 events, whatever its config says within what AWS's quotas allow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from common import deliveries, quarantine
from infra import history
from infra.config import ConfigError, load
from tests.infra.conftest import ROOT, Assembly, machine, shared, synthesized
from tests.infra.variants import VARIANTS


def _steps(assembly: Assembly, pipeline: str) -> dict[str, Any]:
    return machine(assembly, pipeline)["States"]["Pipeline"]["Branches"][0]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Assembly, Any]:
    """The sample with all algorithms, five forecasts, ten what-ifs; five use cases, solutions and filters."""
    folder = tmp_path_factory.mktemp("everything")
    config = yaml.safe_load((ROOT / "data" / "sample" / "pipeline.yaml").read_text())
    forecasting, recommending = config["forecasting"], config["recommending"]
    forecasting |= {
        "algorithms": ["AutoPredictor", "ARIMA", "CNN-QR", "Deep_AR_Plus", "ETS", "NPTS", "Prophet"],
        "forecasts": {f"kind{n}": ["0.5"] for n in range(5)},
        "what_if": {f"cheaper{n}": [{"attribute": "price", "operation": "MULTIPLY", "value": 0.9}] for n in range(10)},
        "explainability": True,
    }
    recommending["filters"] = {f"cheap{n}": f"INCLUDE ItemID WHERE Items.PRICE < {n + 1}" for n in range(5)}
    recommending["solutions"] = {f"similar{n}": {"recipe": "aws-similar-items"} for n in range(5)}
    recommending.pop("batch", None)
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config))
    settings = load(folder / "pipeline.yaml")
    changed = {"forecasting": settings.forecasting, "recommending": settings.recommending}
    return synthesized(tmp_path_factory.mktemp("assembly"), **changed), settings


@pytest.mark.parametrize("pipeline", ["forecasting", "recommending"])
def test_the_longest_run_of_a_large_config_stays_below_the_limit(everything: Any, pipeline: str) -> None:
    assembly, settings = everything
    most = history.worst(_steps(assembly, pipeline), history.sizes(settings))
    assert 5_000 < most < history.MOST_EVENTS, most


def test_a_run_of_our_own_engine_stays_far_below_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its jobs are waited for by Step Functions itself, whatever they take."""
    assembly, settings = shared(tmp_path_factory, "storecast_guarded"), VARIANTS["storecast_guarded"]()
    steps = _steps(assembly, "forecasting")
    assert history.worst(steps, history.sizes(settings)) < 2_000
    assert {name for name, state in steps["States"].items() if state["Type"] == "Map"} <= history.sizes(settings).keys()


def test_a_run_imports_as_often_as_is_counted() -> None:
    """Once, and again as long as a file goes into quarantine or changes meanwhile."""
    assert max(quarantine.MOST, deliveries.REIMPORTS) + 1 == history.IMPORTS_AGAIN


def test_every_map_has_a_size(everything: Any) -> None:
    assembly, settings = everything

    def maps(chain: dict[str, Any]) -> set[str]:
        found = set()
        for name, state in chain["States"].items():
            found |= {name} if state["Type"] == "Map" else set()
            for inner in (*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())):
                found |= maps(inner)
        return found

    used = set().union(*(maps(_steps(assembly, pipeline)) for pipeline in ("forecasting", "recommending")))
    assert used == set(history.sizes(settings))


def test_a_config_that_could_reach_it_is_refused_at_synth(everything: Any, tmp_path: Path) -> None:
    _, settings = everything
    solution = next(iter(settings.recommending.solutions.values()))
    filters = {f"f{n}": "INCLUDE ItemID WHERE Items.PRICE < 3" for n in range(30)}
    more = {"solutions": {f"s{n}": solution for n in range(10)}, "filters": filters}
    with pytest.raises(ConfigError, match="recommending: a run of this config could need .* events of history"):
        synthesized(tmp_path, recommending=settings.recommending.model_copy(update=more))
