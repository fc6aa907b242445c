"""A region that lacks a service is refused at synth, with those that have it."""

from __future__ import annotations

import pytest

from infra import regions
from infra.config import ConfigError, load
from tests.infra.conftest import ROOT

_CONFIG = load(ROOT / "data" / "sample" / "pipeline.yaml")


def test_a_region_without_a_service_is_refused_with_those_that_have_it() -> None:
    with pytest.raises(ConfigError) as refused:
        regions.check(_CONFIG, "eu-north-1")
    for words in ("forecasting: Amazon Forecast does not exist in the region eu-north-1", "eu-central-1", "us-east-1"):
        assert words in str(refused.value)
    assert "recommending: Amazon Personalize does not exist in the region eu-north-1" in str(refused.value)


def test_a_section_that_is_left_out_needs_no_service() -> None:
    only = _CONFIG.model_copy(update={"forecasting": None})
    assert "ca-central-1" in regions.available("personalize") and "ca-central-1" not in regions.available("forecast")
    regions.check(only, "ca-central-1")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", None])
def test_where_all_exist_or_nobody_knows_the_region_nothing_is_refused(region: str | None) -> None:
    regions.check(_CONFIG, region)
