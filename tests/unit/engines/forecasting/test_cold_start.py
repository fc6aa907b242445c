"""Items with metadata and no history."""

import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting import ALGORITHMS, UNAVAILABLE
from storecast_engines.forecasting.autopredictor import predict, train
from storecast_engines.forecasting.cold_start import forecast_from_similar, from_similar
from storecast_engines.forecasting.panel import Prediction, build_panel

NEW = np.full(4, np.nan)


def test_the_most_equal_values_decide(make_panel):
    metadata = pd.DataFrame({"kind": list("aabba"), "brand": list("xyxyy")})
    panel = make_panel([np.ones(4)] * 4 + [NEW], metadata=metadata)
    assert from_similar(panel, np.array([1.0, 2, 3, 4, 0])).tolist() == [1, 2, 3, 4, 2]
    metadata.loc[4] = ["a", "z"]
    assert from_similar(panel, np.array([1.0, 2, 3, 4, 0]))[4] == 1.5


def test_dimension_values_count_too(make_panel):
    panel = make_panel([np.ones(4)] * 2 + [NEW])
    panel.keys["location"] = ["north", "south", "south"]
    assert from_similar(panel, np.array([1.0, 5, 0]))[2] == 5


def test_without_metadata_all_series_are_similar_and_without_history_none(make_panel):
    panel = make_panel([np.ones(4), np.ones(4), NEW])
    prediction = Prediction(np.arange(12.0).reshape(3, 2, 2), np.arange(6.0).reshape(3, 2))
    like = forecast_from_similar(panel, prediction)
    assert like.quantiles[2].tolist() == [[2, 3], [4, 5]] and like.mean[2].tolist() == [1, 2]
    assert from_similar(make_panel([NEW, NEW]), np.array([1.0, 2])).tolist() == [1, 2]


def frames():
    """Two small and two large items, and one of each kind that the metadata alone names."""
    days = pd.date_range("2024-01-01", periods=60)
    rows = [(f"{kind}{i}", day, size) for kind, size in (("s", 10.0), ("l", 500.0)) for i in range(2) for day in days]
    target = pd.DataFrame(rows, columns=["item_id", "timestamp", "demand"])
    metadata = pd.DataFrame({"item_id": ["s0", "s1", "l0", "l1", "new", "NEW"], "kind": list("sslls") + ["l"]})
    return target, metadata


def build(target, metadata, related=None, dimensions=()):
    options = {"item_key": "item_id", "dimensions": dimensions, "target_name": "demand", "freq": "D", "horizon": 7}
    return build_panel(target, related, metadata, **options)


def test_the_metadata_brings_new_items_into_the_panel_and_says_so():
    panel = build(*frames())
    assert panel.keys["item_id"].tolist() == ["NEW", "l0", "l1", "new", "s0", "s1"]
    assert panel.metadata["kind"].tolist() == list("lllsss")
    assert panel.messages == (
        "2 series without history are forecast from similar items (cold start): item_id='NEW'; item_id='new'",
    )


def test_related_rows_give_the_dimensions_of_a_new_item():
    target, metadata = frames()
    days = pd.date_range("2024-01-01", periods=67)
    places = [*target["item_id"].unique(), "new"]
    related = pd.DataFrame([(item, "north", day, 1.0) for item in places for day in days])
    related.columns = ["item_id", "location", "timestamp", "price"]
    panel = build(target.assign(location="north"), metadata, related, ("location",))
    assert panel.keys[panel.keys["item_id"] == "new"].to_numpy().tolist() == [["new", "north"]]
    assert "NEW" not in set(panel.keys["item_id"])
    with pytest.raises(ValueError, match="'price' of item_id='new', location='north' is missing at 2024-03-07"):
        build(target.assign(location="north"), metadata, related[:-1], ("location",))


@pytest.mark.parametrize("algorithms", [("SeasonalNaive",), ("NPTS", "LightGBM", "ETS")])
def test_a_predictor_forecasts_new_items_from_similar_items_and_leaves_them_out_of_its_backtest(algorithms):
    panel = build(*frames())
    trained = train(panel, 7, (0.1, 0.5, 0.9), algorithms=algorithms)
    assert trained.keys["item_id"].tolist() == ["l0", "l1", "s0", "s1"]
    mean = predict(trained, panel, 7, (0.1, 0.5, 0.9)).mean.mean(axis=1)
    assert mean[[0, 3]] == pytest.approx([500, 10], rel=0.05)


def test_a_network_forecasts_new_items_itself(monkeypatch):
    panel = build(*frames())
    monkeypatch.delitem(UNAVAILABLE, "CNN-QR", raising=False)  # the one below is there without torch
    monkeypatch.setitem(ALGORITHMS, "CNN-QR", lambda panel, horizon, levels: ALGORITHMS["NPTS"](panel, horizon, levels))
    trained = train(panel, 7, (0.5,), algorithms=("CNN-QR",))
    assert not predict(trained, panel, 7, (0.5,)).mean[[0, 3]].any()  # NPTS's own answer for no history
