import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting import frequency


@pytest.mark.parametrize("text, parsed", [("D", (1, "D")), ("1D", (1, "D")), ("15min", (15, "min")), ("2W", (2, "W"))])
def test_parse(text, parsed):
    assert frequency.parse(text) == parsed


@pytest.mark.parametrize("text", ["", "d", "0D", "7D", "2Y", "12M", "60min", "D2", "-1H"])
def test_parse_names_what_is_wrong_and_what_is_allowed(text):
    with pytest.raises(ValueError, match="min \\(1-59\\)") as error:
        frequency.parse(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    "text, period",
    [
        ("Y", 1),
        ("M", 12),
        ("W", 52),
        ("D", 7),
        ("1D", 7),
        ("H", 24),
        ("30min", 2),
        ("15min", 4),
        ("10min", 6),
        ("5min", 12),
        ("1min", 60),
        ("min", 60),
        ("2H", 1),
        ("2W", 1),
        ("20min", 1),
    ],
)
def test_r_ts_frequency_is_the_guides_table(text, period):
    assert frequency.r_ts_frequency(text) == period


@pytest.mark.parametrize(
    "text, period", [("M", 12), ("3M", 4), ("D", 7), ("2D", 1), ("H", 24), ("2H", 12), ("15min", 96)]
)
def test_season_length(text, period):
    assert frequency.season_length(text) == period


@pytest.mark.parametrize(
    "text, aligned",
    [
        ("Y", "2024-01-01"),
        ("M", "2024-05-01"),
        ("3M", "2024-04-01"),
        ("W", "2024-05-13"),
        ("D", "2024-05-16"),
        ("H", "2024-05-16 13:00"),
        ("6H", "2024-05-16 12:00"),
        ("15min", "2024-05-16 13:45"),
        ("min", "2024-05-16 13:59"),
    ],
)
def test_align_moves_down_to_the_guides_boundaries(text, aligned):
    thursday = pd.DatetimeIndex(["2024-05-16 13:59:59"])
    assert frequency.align(thursday, text)[0] == pd.Timestamp(aligned)


@pytest.mark.parametrize("text", ["Y", "M", "5M", "W", "2W", "3D", "7H", "10min"])
def test_aligned_timestamps_lie_on_the_axis_that_offset_makes(text):
    stamps = frequency.align(pd.date_range("2019-02-03 04:05", periods=300, freq="37h"), text)
    axis = pd.date_range(stamps[0], stamps[-1], freq=frequency.offset(text))
    assert (axis.get_indexer(stamps) >= 0).all()


def test_season_feature_follows_the_guides_table():
    stamps = pd.DatetimeIndex(["2024-05-16 13:59"])
    features = {unit: int(frequency.season_feature(stamps, unit)[0]) for unit in ("Y", "M", "W", "D", "H", "min")}
    assert features == {"Y": 0, "M": 5, "W": 16, "D": 3, "H": 13, "min": 59}
    assert np.array_equal(frequency.season_feature(stamps, "15min"), [59])


@pytest.mark.parametrize(
    ("text", "boundary", "aligned", "following"),
    [
        ("W", {"DayOfWeek": "SUNDAY"}, "2024-05-12", "2024-05-19"),
        ("W", {"DayOfWeek": "FRIDAY"}, "2024-05-10", "2024-05-17"),
        ("D", {"Hour": 17}, "2024-05-15 17:00", "2024-05-16 17:00"),
        ("M", {"DayOfMonth": 20}, "2024-04-20", "2024-05-20"),
        ("M", {"DayOfMonth": 16}, "2024-05-16", "2024-06-16"),
        ("Y", {"Month": "JULY"}, "2023-07-01", "2024-07-01"),
        ("Y", {"Month": "MAY", "DayOfMonth": 16}, "2024-05-16", "2025-05-16"),
        ("Y", {"Month": "MAY", "DayOfMonth": 17}, "2023-05-17", "2024-05-17"),
    ],
)
def test_a_boundary_of_ones_own_moves_the_time_steps(text, boundary, aligned, following):
    frequency.check_boundary(text, boundary)
    step = frequency.align(pd.DatetimeIndex(["2024-05-16 13:17"]), text, boundary)
    assert list(step) == [pd.Timestamp(aligned)]
    assert list(frequency.align(step, text, boundary)) == list(step)
    assert list(step + frequency.offset(text)) == [pd.Timestamp(following)]


@pytest.mark.parametrize(
    ("text", "boundary", "words"),
    [
        ("W", {"Hour": 3}, ["W", "DayOfWeek", "not by Hour"]),
        ("M", {"Month": "JULY", "DayOfMonth": 2}, ["M", "DayOfMonth", "not by Month"]),
        ("H", {"Hour": 3}, ["H", "nothing", "Hour"]),
    ],
)
def test_a_boundary_of_another_unit_is_an_error(text, boundary, words):
    with pytest.raises(ValueError, match="boundary") as error:
        frequency.check_boundary(text, boundary)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("unit, most", [("Y", 1), ("M", 11), ("W", 4), ("D", 6), ("H", 23), ("min", 59)])
def test_every_frequency_aligns_to_steps_of_its_own_length(unit, most):
    for count in range(1, most + 1):
        steps = pd.date_range(pd.Timestamp("2024-05-16 13:17"), periods=5, freq=frequency.offset(f"{count}{unit}"))
        aligned = frequency.align(steps, f"{count}{unit}")
        assert list(aligned) == list(pd.date_range(aligned[0], periods=5, freq=frequency.offset(f"{count}{unit}")))
