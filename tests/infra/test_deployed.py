"""What keeps a deploy from changing what is deployed: a table's columns, the key."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import deployed
from infra.config import ConfigError, Pipeline, load
from tests.infra.conftest import ROOT, Assembly


@pytest.fixture
def cloudformation(assembly: Assembly) -> Any:
    """With the sample's stacks, deployed."""

    def describe_stacks(StackName: str) -> dict[str, Any]:
        if StackName.rsplit("-", 1)[1] not in assembly.templates:
            missing = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": missing}, "DescribeStacks")
        return {"Stacks": [{"StackName": StackName}]}

    return SimpleNamespace(
        describe_stacks=describe_stacks,
        get_template=lambda StackName: {"TemplateBody": assembly.templates[StackName.rsplit("-", 1)[1]]},
    )


def _sample(**forecasting: Any) -> Pipeline:
    config = load(ROOT / "data" / "sample" / "pipeline.yaml")
    assert config.forecasting
    return config.model_copy(update={"forecasting": config.forecasting.model_copy(update=forecasting)})


def test_a_deploy_of_what_is_deployed_is_fine(cloudformation: Any) -> None:
    deployed.check_key(_sample(), cloudformation)
    deployed.check_tables(_sample(), cloudformation)


@pytest.mark.parametrize(
    ("changed", "columns"),
    [
        ({"forecasts": {"planning": ("0.2", "0.5")}}, "item_id, date, p20, p50"),
        ({"dimensions": ("store",)}, "item_id, date, store, mean, p10, p50, p90"),
    ],
    ids=["types", "dimensions"],
)
def test_other_columns_of_a_table_are_refused(cloudformation: Any, changed: dict[str, Any], columns: str) -> None:
    words = (
        rf"forecasts.planning would have the columns {columns}, and deployed are item_id, date, mean, p10, p50, p90: "
        r".*wrong columns.*another name, such as planning2"
    )
    with pytest.raises(ConfigError, match=words):
        deployed.check_tables(_sample(**changed), cloudformation)


def test_of_a_kind_that_is_renamed_is_said_where_its_files_are(
    cloudformation: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.check_tables(_sample(forecasts={"plan2": ("0.5",)}), cloudformation)
    assert "table planning goes, its files stay under forecasting/sample/exports/planning/" in capsys.readouterr().out


def test_another_key_is_refused(cloudformation: Any) -> None:
    keyed = _sample().model_copy(update={"customer_managed_key": True})
    with pytest.raises(
        ConfigError, match=r"customer_managed_key = true in pipeline.yaml.*Set it back to false; or run"
    ):
        deployed.check_key(keyed, cloudformation)


def test_another_engine_is_refused(cloudformation: Any) -> None:
    deployed.check_engine(_sample(), cloudformation)
    with pytest.raises(
        ConfigError, match=r"forecasting.engine = storecast in pipeline.yaml, and deployed is amazon-fo"
    ):
        deployed.check_engine(_sample(engine="storecast"), cloudformation)


@pytest.mark.parametrize(("there", "learners", "told"), [(1, 4, False), (1, 5, True), (5, 1, True), (0, 20, True)])
def test_the_host_is_warned_before_learners_exceed_the_dataset_groups_of_a_region(
    there: int, learners: int, told: bool
) -> None:
    pages = [{"datasetGroups": [{"name": f"group{number}"} for number in range(there)]}]
    personalize = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda: pages))
    said = deployed.room_for_learners(learners, personalize)
    assert bool(said) is told
    assert not told or (f"{learners} learners" in said and f"invite {5 - there} learners" in said and "quota" in said)


def test_nothing_is_asked_of_what_is_not_deployed() -> None:
    def describe_stacks(StackName: str) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "Stack does not exist"}}, "DescribeStacks")

    nothing = SimpleNamespace(describe_stacks=describe_stacks)
    deployed.check_key(_sample(), nothing)
    deployed.check_tables(_sample(), nothing)
    assert deployed.delete_leftovers(_sample().model_copy(update={"forecasting": None}), nothing) == []


def _lists(**listed: list[dict[str, str]]) -> Any:
    """A service whose lists have one page each."""
    pages = {f"list_{name}": [{member: found}] for name, found in listed.items() for member in [_member(name)]}
    return SimpleNamespace(get_paginator=lambda name: SimpleNamespace(paginate=lambda: pages[name]))


def _member(name: str) -> str:
    return {"forecasts": "Forecasts", "dataset_groups": "datasetGroups"}.get(name, name)


@pytest.mark.parametrize(("others", "groups", "problems"), [(8, 4, 0), (9, 4, 1), (8, 5, 1), (9, 5, 2)])
def test_what_will_not_fit_beside_what_the_account_has_is_said(others: int, groups: int, problems: int) -> None:
    """Of the sample, two forecasts are kept, and it has no dataset group yet."""
    there = [
        {"ForecastName": f"storecast_cafe_{n}", "DatasetGroupArn": "arn:a:forecast:r:1:dataset-group/storecast_cafe"}
        for n in range(others)
    ]
    mine = {"ForecastName": "f", "DatasetGroupArn": "arn:a:forecast:r:1:dataset-group/storecast_sample"}
    forecast = _lists(forecasts=[*there, mine])
    personalize = _lists(dataset_groups=[{"name": f"g{n}"} for n in range(groups)], recommenders=[])
    said = deployed.room_for_runs(_sample(), forecast, personalize)
    assert len(said) == problems and all("have the quota raised" in line for line in said)


def test_without_a_region_it_says_how_to_choose_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr("sys.argv", ["deployed", "--dataset", "sample", "--destroy"])
    assert deployed.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("You must specify a region.") and "AWS_REGION" in said and "storecast local env" in said
