"""Forecasts of items: past and future from files of every form, by names in any case."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from storecast.client import forecasts
from storecast.client.aws import NotThere, Unclear
from tests.unit.storecast.world import RUN, SHOP, World


def test_the_past_is_read_from_files_of_every_form(world: World) -> None:
    """Without a header, in another order, compressed; rows of one day are summed, replaced rows left out."""
    found = forecasts.forecast(world, SHOP, "MILK", {"store": "Berlin"})
    assert [(f"{each.time:%m-%d}", each.value) for each in found.past] == [
        ("10-30", 5.0),
        ("10-31", 7.0),
        ("11-01", 5.0),
    ]


def test_the_kinds_of_forecast_are_put_together_in_order(world: World) -> None:
    found = forecasts.forecast(world, SHOP, "milk", {"store": "berlin"})
    assert found.columns == ("p05", "p10", "p90")
    assert [each.values for each in found.ahead] == [{"p05": 0.5, "p10": 1.0, "p90": 9.0}]
    assert [each.values["p50"] for each in found.backtest] == [8.0, 15.0]
    assert {name: [each.values for each in values] for name, values in found.scenarios.items()} == {
        "cheaper_milk": [{"p10": 3.0, "p50": 6.0}]
    }
    assert found.item.about == {"category": "dairy"} and found.item.dimensions == ("berlin",)


def test_scenarios_of_the_engine_storecast_lie_beside_its_forecast(world: World) -> None:
    key, folder = "forecasting/shop/newest.json", f"forecasting/shop/jobs/run={RUN}/train"
    newest = json.loads(world.objects["results", key])
    newest["forecasts"]["planning"]["forecastArn"] = f"s3://results/{folder}/forecast"
    world.put("results", key, newest)
    rows = "item_id,store,date,Baseline_p50,cheaper_milk_p50\nmilk,berlin,2026-11-02T00:00:00Z,4,7\n"
    world.put("results", f"{folder}/what-if/part0.csv", rows)
    found = forecasts.forecast(world, SHOP, "milk", {"store": "berlin"})
    assert [each.values for each in found.scenarios["cheaper_milk"]] == [{"p50": 7.0}]


def test_dates_bound_both_past_and_future(world: World) -> None:
    bounds = {"since": datetime(2026, 10, 31), "until": datetime(2026, 11, 1)}
    found = forecasts.forecast(world, SHOP, "milk", {"store": "berlin"}, **bounds)
    assert [each.time.day for each in found.past] == [31, 1] and not found.ahead


def test_several_series_of_an_item_are_named(world: World) -> None:
    with pytest.raises(Unclear, match="2 series: berlin, paris") as caught:
        forecasts.forecast(world, SHOP, "milk")
    assert "--dimension NAME=VALUE; names are store" in caught.value.next_step
    with pytest.raises(NotThere, match="no series with store=rome"):
        forecasts.forecast(world, SHOP, "milk", {"store": "rome"})


def test_of_a_mistyped_item_similar_ones_are_named(world: World) -> None:
    with pytest.raises(NotThere, match="mlik: not among the 2 items") as caught:
        forecasts.forecast(world, SHOP, "mlik")
    assert caught.value.next_step == "choose one, such as milk"


def test_items_are_found_by_their_metadata(world: World) -> None:
    assert [(each.id, each.dimensions) for each in forecasts.items(world, SHOP, "DAIRY")] == [
        ("milk", ("berlin",)),
        ("milk", ("paris",)),
    ]
    assert len(forecasts.items(world, SHOP, most=1)) == 1


def test_errors_of_the_backtests_by_series_and_by_step(world: World) -> None:
    items, steps = forecasts.errors(world, SHOP)
    assert [(each.item.id, each.error, each.wape, each.bias) for each in items] == [
        ("milk", 7.0, 0.35, 0.15),
        ("bread", 0.0, 0.0, 0.0),
    ]
    assert [(each.step, each.error) for each in steps] == [(1, 2.0), (2, 5.0)]
