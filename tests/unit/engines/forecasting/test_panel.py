import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting.panel import build_panel

NAN = np.nan


def frame(rows, *columns):
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(timestamp=pd.to_datetime(table["timestamp"]))


def build(target, related=None, metadata=None, **options):
    options = {"item_key": "item_id", "target_name": "demand", "freq": "D", "horizon": 2} | options
    return build_panel(target, related, metadata, **options)


TARGET = frame(
    [("b", "2024-01-03", 5.0), ("a", "2024-01-01", 1.0), ("a", "2024-01-03", 3.0), ("b", "2024-01-04", 6.0)],
    "item_id",
    "timestamp",
    "demand",
)
PRICE = frame(
    [(item, f"2024-01-0{day}", day + 10.0 * (item == "b")) for item in "ab" for day in range(1, 5)],
    "item_id",
    "timestamp",
    "price",
)


def test_series_share_one_axis_and_are_filled_with_zero_by_default():
    panel = build(TARGET)
    assert panel.keys["item_id"].tolist() == ["a", "b"]
    assert panel.timestamps.tolist() == pd.date_range("2024-01-01", "2024-01-04").tolist()
    assert np.array_equal(panel.target, [[1, 0, 3, 0], [NAN, NAN, 5, 6]], equal_nan=True)


def test_the_guides_example_of_aggregation_to_the_hour():
    target = frame(
        [
            ("x", "2018-03-03 01:00", 100),
            ("x", "2018-03-03 02:20", 50),
            ("x", "2018-03-03 02:45", 20),
            ("x", "2018-03-03 04:00", 120),
        ],
        "item_id",
        "timestamp",
        "demand",
    )
    panel = build(target, freq="H", transformations={"demand": {"middlefill": "nan"}})
    assert np.array_equal(panel.target, [[100, 70, NAN, 120]], equal_nan=True)


@pytest.mark.parametrize("how, expected", [("sum", 9), ("avg", 3), ("first", 4), ("min", 2), ("max", 4)])
def test_aggregations(how, expected):
    target = frame(
        [("x", "2024-01-03", 3.0), ("x", "2024-01-01", 4.0), ("x", "2024-01-05", 2.0)], "item_id", "timestamp", "demand"
    )
    panel = build(target, freq="W", transformations={"demand": {"aggregation": how}})
    assert panel.timestamps.tolist() == [pd.Timestamp("2024-01-01")]
    assert panel.target.tolist() == [[expected]]


def test_rows_of_the_same_item_and_time_are_aggregated():
    assert build(pd.concat([TARGET, TARGET])).target[0].tolist() == [2, 0, 6, 0]


def test_weeks_may_start_on_another_day():
    panel = build(TARGET, freq="W", boundary={"DayOfWeek": "THURSDAY"}, horizon=1)
    assert panel.timestamps.tolist() == [pd.Timestamp("2023-12-28"), pd.Timestamp("2024-01-04")]
    assert panel.future(1).tolist() == [pd.Timestamp("2024-01-11")]
    assert np.array_equal(panel.target, [[4, 0], [5, 6]])


def test_dimensions_make_series_and_a_column_that_is_none_is_summed_over():
    target = frame(
        [("a", "NYC", "2024-01-01", 1.0), ("a", "SFO", "2024-01-01", 2.0)], "item_id", "location", "timestamp", "demand"
    )
    split = build(target, dimensions=["location"])
    assert split.keys.to_dict("list") == {"item_id": ["a", "a"], "location": ["NYC", "SFO"]}
    assert split.target.tolist() == [[1], [2]]
    assert build(target).target.tolist() == [[3]]


def test_historical_related_series_end_with_the_target():
    panel = build(TARGET, PRICE)
    assert panel.related_names == ("price",) and panel.future_steps == 0
    assert panel.related[:, :, 0].tolist() == [[1, 2, 3, 4], [11, 12, 13, 14]]


def test_forward_looking_related_series_reach_the_horizon_and_are_cut_there():
    ahead = frame(
        [(item, f"2024-01-0{day}", 9.0) for item in "ab" for day in range(5, 10)], "item_id", "timestamp", "price"
    )
    panel = build(TARGET, pd.concat([PRICE, ahead]))
    assert panel.related.shape == (2, 6, 1) and panel.future_steps == 2
    assert panel.cut(3).related.shape == (2, 5, 1)
    assert panel.future(2).tolist() == [pd.Timestamp("2024-01-05"), pd.Timestamp("2024-01-06")]


def test_futurefill_makes_related_series_forward_looking():
    panel = build(TARGET, PRICE, transformations={"price": {"futurefill": "max"}})
    assert panel.related[:, 4:, 0].tolist() == [[4, 4], [14, 14]]


def test_related_series_may_have_fewer_dimensions_and_an_earlier_start():
    target = frame(
        [("a", store, f"2024-01-0{day}", 1.0) for store in ("NYC", "SFO") for day in (3, 4)],
        "item_id",
        "store",
        "timestamp",
        "demand",
    )
    panel = build(target, PRICE[PRICE["item_id"] == "a"], dimensions=["store"])
    assert panel.related[:, :, 0].tolist() == [[3, 4], [3, 4]]


def test_series_without_related_rows_are_left_out_and_named():
    panel = build(TARGET, PRICE[PRICE["item_id"] == "b"])
    assert panel.keys["item_id"].tolist() == ["b"] and panel.target.shape == (1, 4)
    assert panel.messages == (
        "1 of 2 series have no related time series and are left out of the model and the forecasts: item_id='a'",
    )


def test_a_missing_related_value_is_an_error_that_names_the_place():
    with pytest.raises(ValueError, match="'price' of item_id='a' is missing at 2024-01-02"):
        build(TARGET, PRICE[(PRICE["item_id"] == "b") | (PRICE["price"] != 2)])


def test_related_series_that_stop_before_the_horizon_ends_are_an_error():
    ahead = frame([("a", "2024-01-05", 9.0), ("b", "2024-01-05", 9.0), ("b", "2024-01-06", 9.0)],
                  "item_id", "timestamp", "price")  # fmt: skip
    with pytest.raises(ValueError, match="'price' of item_id='a' is missing at 2024-01-06"):
        build(TARGET, pd.concat([PRICE, ahead]))


def test_related_values_are_not_needed_before_the_target_starts():
    panel = build(TARGET, PRICE[~PRICE["price"].isin([11, 12])])
    assert np.isnan(panel.related[1, :2, 0]).all()


def test_related_rows_are_never_aggregated():
    with pytest.raises(ValueError, match="item_id='a' has two rows for the W time step 2024-01-01.*the dimensions"):
        build(TARGET, PRICE, freq="W")


@pytest.mark.parametrize(
    ("left", "message"),
    [
        (
            ~PRICE["price"].isin([2]),
            " 00:00:00; give it a value there, or fill it: set middlefill and backfill",
        ),
        (~PRICE["price"].isin([2, 3]), "(and at 1 more place); give it"),
    ],
)
def test_a_missing_related_value_is_named_with_the_key_that_fills_it(left: pd.Series, message: str):
    with pytest.raises(ValueError) as refused:
        build(TARGET, PRICE[left])
    assert message in str(refused.value)
    assert "under filling.price to one of zero, value, median, mean, min, max" in str(refused.value)


def test_metadata_follows_the_series():
    metadata = pd.DataFrame({"item_id": ["b", "c", "a"], "brand": ["B", "C", None]})
    assert build(TARGET, metadata=metadata).metadata["brand"].tolist() == ["", "B", "C"]


def test_the_last_row_of_metadata_given_twice_counts():
    metadata = pd.DataFrame({"item_id": ["a", "b", "a"], "brand": ["old", "B", "new"]})
    assert build(TARGET, metadata=metadata).metadata["brand"].tolist() == ["new", "B"]


def test_an_item_without_metadata_is_an_error():
    with pytest.raises(ValueError, match="item-metadata-datasets.html.*item_id='b'"):
        build(TARGET, metadata=pd.DataFrame({"item_id": ["a"], "brand": ["A"]}))


def test_transformations_of_an_unknown_attribute_are_an_error():
    with pytest.raises(ValueError, match="'prise', which is not in the datasets"):
        build(TARGET, PRICE, transformations={"prise": {"middlefill": "zero"}})


def test_a_target_without_values_is_an_error():
    with pytest.raises(ValueError, match="holds no value of 'demand'"):
        build(TARGET.assign(demand=NAN))
