import numpy as np
import pandas as pd
import pytest

from localaws.forecast.engine import freq


@pytest.mark.parametrize("text, parsed", [("D", (1, "D")), ("1D", (1, "D")), ("15min", (15, "min")), ("2W", (2, "W"))])
def test_parse(text, parsed):
    assert freq.parse(text) == parsed


@pytest.mark.parametrize("text", ["", "d", "0D", "7D", "2Y", "12M", "60min", "D2", "-1H"])
def test_parse_names_what_is_wrong_and_what_is_allowed(text):
    with pytest.raises(ValueError, match="min \\(1-59\\)") as error:
        freq.parse(text)
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
    assert freq.r_ts_frequency(text) == period


@pytest.mark.parametrize(
    "text, period", [("M", 12), ("3M", 4), ("D", 7), ("2D", 1), ("H", 24), ("2H", 12), ("15min", 96)]
)
def test_season_length(text, period):
    assert freq.season_length(text) == period


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
    assert freq.align(thursday, text)[0] == pd.Timestamp(aligned)


@pytest.mark.parametrize("text", ["Y", "M", "5M", "W", "2W", "3D", "7H", "10min"])
def test_aligned_timestamps_lie_on_the_axis_that_offset_makes(text):
    stamps = freq.align(pd.date_range("2019-02-03 04:05", periods=300, freq="37h"), text)
    axis = pd.date_range(stamps[0], stamps[-1], freq=freq.offset(text))
    assert (axis.get_indexer(stamps) >= 0).all()


def test_season_feature_follows_the_guides_table():
    stamps = pd.DatetimeIndex(["2024-05-16 13:59"])
    features = {unit: int(freq.season_feature(stamps, unit)[0]) for unit in ("Y", "M", "W", "D", "H", "min")}
    assert features == {"Y": 0, "M": 5, "W": 16, "D": 3, "H": 13, "min": 59}
    assert np.array_equal(freq.season_feature(stamps, "15min"), [59])
