"""The five lines with which a deploy ends."""

from __future__ import annotations

from dataclasses import replace

from storecast.cli.deployed import lines
from tests.unit.storecast.world import SHOP, World


def test_what_was_deployed_where_to_upload_how_to_see_it_report_and_cost(world: World) -> None:
    found = dict(lines(world, replace(SHOP, name="sample")))
    assert list(found) == ["Deployed", "Upload", "See", "Report", "Cost"]
    assert found["Deployed"].startswith("sample: forecasting and recommending")
    assert "s3://data/forecasting/sample/, s3://data/recommending/sample/" in found["Upload"]
    assert found["See"] == "storecast status sample --watch; storecast open sample"
    assert found["Cost"].startswith("about USD ") and found["Cost"].endswith(": storecast cost sample")


def test_without_its_config_at_hand_the_cost_is_not_guessed(world: World) -> None:
    assert dict(lines(world, SHOP))["Cost"] == "storecast cost shop"
