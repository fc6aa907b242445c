import numpy as np
import pytest

from storecast_engines.forecasting.filling import check, fill

NAN = np.nan


def test_each_kind_of_gap_has_its_own_method():
    values = np.array([NAN, 4, NAN, 2, NAN, NAN, NAN])
    # the guide's example
    config = {"middlefill": "median", "backfill": "value", "backfill_value": "2", "futurefill": "max"}
    assert np.array_equal(fill(values, config, end=5), [NAN, 4, 4, 2, 2, 4, 4], equal_nan=True)


def test_without_a_method_and_with_nan_gaps_stay():
    values = np.array([1, NAN, 2, NAN])
    assert np.array_equal(fill(values, {"middlefill": "nan"}, end=4), values, equal_nan=True)


@pytest.mark.parametrize("method, expected", [("mean", 3), ("median", 2), ("min", 1), ("max", 6), ("zero", 0)])
def test_statistics_are_of_the_values_before_the_gap(method, expected):
    assert fill(np.array([1, 2, 6, NAN, 100.0]), {"middlefill": method}, end=5)[3] == expected


def test_statistics_see_the_64_newest_entries_and_no_filled_ones():
    values = np.concatenate([[1000.0], np.arange(64.0), [NAN], [64.0], [NAN]])
    filled = fill(values, {"middlefill": "mean", "backfill": "mean"}, end=len(values))
    assert filled[65] == np.arange(64).mean()  # the 1000 is the 65th value back
    assert filled[67] == np.arange(1, 65).mean()  # entries 1..63 and 64, the filled one not among them


def test_a_series_without_values_stays_empty():
    assert np.isnan(fill(np.full(3, NAN), {"middlefill": "zero", "backfill": "zero"}, end=3)).all()


@pytest.mark.parametrize(
    "config, target, words",
    [
        ({"middlefill": "average"}, True, "middlefill is 'average'"),
        ({"frontfill": "zero"}, True, "frontfill is 'zero', allowed are none"),
        ({"futurefill": "zero"}, True, "unknown transformation 'futurefill'"),
        ({"middlefill": "nan"}, False, "middlefill is 'nan'"),
        ({"aggregation": "sum"}, False, "unknown transformation 'aggregation'"),
        ({"backfill": "value"}, False, "backfill is 'value', but backfill_value is missing"),
        ({"backfill": "value", "backfill_value": "two"}, True, "backfill_value is 'two', expected a number"),
    ],
)
def test_check_names_the_attribute_the_key_and_what_is_allowed(config, target, words):
    with pytest.raises(ValueError, match=f"price: {words}"):
        check("price", config, target=target)
