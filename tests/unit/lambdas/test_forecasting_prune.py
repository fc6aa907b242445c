"""What a run removes of earlier ones, call by call: never what serves, nobody else's, nothing at work."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.lambdas.conftest import FORECASTING, arn, times

_GROUP = arn("forecast", "dataset-group/storecast_corner_shop")
_NOW = "20261122T211700_abc"


def _run(day: int) -> str:
    return f"202611{day:02d}T211700_abc"


def _predictor(day: int, status: str = "ACTIVE", group: str = _GROUP) -> dict[str, Any]:
    name = f"storecast_corner_shop_{_run(day)}"
    found = {"PredictorArn": arn("forecast", f"predictor/{day}"), "PredictorName": name, "Status": status}
    return {**found, "DatasetGroupArn": group}


def _forecast(day: int, predictor: int, status: str = "ACTIVE") -> dict[str, Any]:
    return {
        "ForecastArn": arn("forecast", f"forecast/{day}"),
        "ForecastName": f"storecast_corner_shop_planning_{_run(day)}",
        "PredictorArn": arn("forecast", f"predictor/{predictor}"),
        "DatasetGroupArn": _GROUP,
        "Status": status,
    }


def _import(kind: str, day: int, status: str = "ACTIVE") -> dict[str, Any]:
    name = f"storecast_corner_shop_{kind}_{_run(day)}"
    return {
        "DatasetImportJobArn": arn("forecast", f"dataset-import-job/{kind}/{day}"),
        "DatasetImportJobName": name,
        "Status": status,
        **times(day),
    }


def _prune(
    stub: Any,
    keep: int,
    serving: tuple[int, int] | None,
    there: tuple[list, list, list],
    expected: list[str],
    refused: tuple[str, ...] = (),
) -> list[str]:
    """What prune says is gone, of `there`: predictors, forecasts, imports; `serving` is a (run's, predictor's) day."""
    from common.clients import client
    from forecasting.prune import prune

    service = stub("forecast")
    for kind, found in zip(("predictor", "forecast", "dataset_import_job"), there):
        service.add_response(f"list_{kind}s", {"".join(w.capitalize() for w in kind.split("_")) + "s": found})
    for each in expected:
        tree = "dataset-import-job" not in each
        operation, member = (
            ("delete_resource_tree", "ResourceArn") if tree else ("delete_dataset_import_job", "DatasetImportJobArn")
        )
        if each in refused:
            service.add_client_error(operation, "ResourceInUseException")
        else:
            service.add_response(operation, {}, {member: arn("forecast", each)})
    served = serving and {
        "run": _run(serving[0]),
        "predictorArn": arn("forecast", f"predictor/{serving[1]}"),
        "forecasts": {"planning": {"forecastArn": arn("forecast", f"forecast/{serving[0]}")}},
    }
    event = {**FORECASTING, "run": _NOW, "serving": served, "config": {**FORECASTING["config"], "keep": keep}}
    return [each.partition("111122223333:")[2] for each in prune(client("forecast"), event, _GROUP)]


def test_of_three_runs_the_serving_one_stays_beside_the_run_at_hand(stub: Any) -> None:
    there = (
        [_predictor(day) for day in (1, 2, 3)],
        [_forecast(day, day) for day in (1, 2, 3)],
        [_import("target", day) for day in (1, 2, 3)] + [_import("related", 1)],
    )
    gone = ["predictor/1", "predictor/2", "dataset-import-job/target/2", "dataset-import-job/target/1"]
    assert _prune(stub, 2, (3, 3), there, gone) == gone


def test_a_wider_config_keeps_the_newest_of_the_others(stub: Any) -> None:
    there = ([_predictor(day) for day in (1, 2, 3)], [_forecast(day, day) for day in (1, 2, 3)], [])
    assert _prune(stub, 3, (3, 3), there, ["predictor/1"]) == ["predictor/1"]


def test_what_serves_stays_however_old_and_however_many_failed_since(stub: Any) -> None:
    there = (
        [_predictor(1), _predictor(4, "CREATE_FAILED"), _predictor(5)],
        [_forecast(1, 1), _forecast(5, 5)],
        [_import("target", 1), _import("target", 4, "CREATE_FAILED")],
    )
    gone = ["predictor/4", "predictor/5", "dataset-import-job/target/4"]
    assert _prune(stub, 2, (1, 1), there, gone) == gone


def test_a_predictor_that_goes_on_serving_loses_its_old_forecasts_only(stub: Any) -> None:
    """Predictor 3 was trained in the run that serves and not put to use; it is kept as long as that run."""
    there = ([_predictor(1), _predictor(2), _predictor(3)], [_forecast(1, 1), _forecast(2, 1), _forecast(3, 1)], [])
    gone = ["predictor/2", "forecast/1", "forecast/2"]
    assert _prune(stub, 2, (3, 1), there, gone) == gone


def test_what_is_in_progress_is_left_to_the_next_run(stub: Any) -> None:
    there = ([_predictor(1), _predictor(2, "CREATE_IN_PROGRESS")], [_forecast(1, 1)], [])
    assert _prune(stub, 2, (1, 1), there, ["predictor/2"], refused=("predictor/2",)) == []


def test_nothing_of_another_dataset_of_a_similar_name_is_touched(stub: Any) -> None:
    """Dataset corner-shop-target's imports begin as those of corner-shop do."""
    other = {**_import("target", 1), "DatasetImportJobName": f"storecast_corner_shop_target_target_{_run(1)}"}
    there = ([_predictor(1, group=arn("forecast", "dataset-group/storecast_corner_shop_target"))], [], [other])
    assert _prune(stub, 2, None, there, []) == []


class _Forecast:
    """As much of Forecast as prune needs: an import that a predictor refers to cannot be deleted (recorded), and trees
    take until the next run to go."""

    class exceptions:  # noqa: N801
        class ResourceInUseException(Exception):
            pass

        class ResourceNotFoundException(Exception):
            pass

    meta = SimpleNamespace(service_model=SimpleNamespace(service_name="forecast"))

    def __init__(self) -> None:
        self.predictors: list[dict[str, Any]] = []
        self.forecasts: list[dict[str, Any]] = []
        self.imports: list[dict[str, Any]] = []
        self.going: list[str] = []
        self.refused = 0

    def get_paginator(self, operation: str) -> Any:
        member, found = {
            "list_predictors": ("Predictors", self.predictors),
            "list_forecasts": ("Forecasts", self.forecasts),
            "list_dataset_import_jobs": ("DatasetImportJobs", self.imports),
        }[operation]
        return SimpleNamespace(paginate=lambda: [{member: list(found)}])

    def delete_resource_tree(self, ResourceArn: str) -> None:
        self.going.append(ResourceArn)

    def delete_dataset_import_job(self, DatasetImportJobArn: str) -> None:
        if any(DatasetImportJobArn in each["imports"] for each in self.predictors):
            self.refused += 1
            raise self.exceptions.ResourceInUseException
        self.imports = [each for each in self.imports if each["DatasetImportJobArn"] != DatasetImportJobArn]

    def settle(self) -> None:
        self.predictors = [each for each in self.predictors if each["PredictorArn"] not in self.going]
        left = {each["PredictorArn"] for each in self.predictors}
        self.forecasts = [
            each for each in self.forecasts if each["PredictorArn"] in left and each["ForecastArn"] not in self.going
        ]


def test_imports_that_predictors_refer_to_do_not_pile_up() -> None:
    """Twenty days of runs, of which every fifth trains: refused deletions are made up for by later runs."""
    from forecasting.prune import prune

    forecast, serving, most = _Forecast(), None, 0
    for day in range(1, 21):
        event = {**FORECASTING, "run": _run(day), "serving": serving, "config": {**FORECASTING["config"], "keep": 2}}
        forecast.settle()
        prune(forecast, event, _GROUP)
        forecast.imports.append(_import("target", day))
        if day % 5 == 1:
            newest = forecast.imports[-1]["DatasetImportJobArn"]
            forecast.predictors.append(_predictor(day) | {"imports": [newest]})
        trained = forecast.predictors[-1]["PredictorArn"]
        forecast.forecasts.append(_forecast(day, int(trained.rpartition("/")[2])))
        made = {"planning": {"forecastArn": arn("forecast", f"forecast/{day}")}}
        serving = {"run": _run(day), "predictorArn": trained, "forecasts": made}
        most = max(most, len(forecast.imports))
    assert forecast.refused and most <= 5, (forecast.refused, most)


@pytest.mark.parametrize("others", [8, 9])
def test_a_run_whose_forecasts_will_not_fit_fails_before_it_imports(others: int) -> None:
    """Two forecasts, and those of other datasets: an account has ten of all."""
    from forecasting.prune import _check_room

    planned = [{"request": {"ForecastName": f"storecast_corner_shop_{name}_r"}} for name in ("planning", "fan")]
    event: Any = {**FORECASTING, "forecasts": planned}
    there = [{"ForecastName": f"storecast_cafe_{number}", "Status": "ACTIVE"} for number in range(others)]
    if others == 8:
        _check_room(event, there)
        return
    with pytest.raises(ValueError, match="makes 2 forecasts, and 9 are there and stay, 9 of them of others .store"):
        _check_room(event, there)
    event["config"] = {**event["config"], "most_forecasts": 20}
    _check_room(event, there)
