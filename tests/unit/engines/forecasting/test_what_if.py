import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting.what_if import Condition, Transformation, replaced, transformed

HORIZON = 3


@pytest.fixture
def priced(make_panel):
    """Three series over five days with two related series, 10 and 20 everywhere, and a colour each."""
    related = np.broadcast_to([10.0, 20.0], (3, 5 + HORIZON, 2)).copy()
    return make_panel(np.ones((3, 5)), related=related, metadata=pd.DataFrame({"colour": ["red", "blue", "red"]}))


def test_the_history_stays_as_it_was(priced):
    changed = transformed(priced, HORIZON, [Transformation("r0", "ADD", 5)])
    assert (changed.related[:, :5] == priced.related[:, :5]).all()
    assert (changed.related[:, 5:, 0] == 15).all() and (changed.related[:, :, 1] == 20).all()
    assert (priced.related[:, :, 0] == 10).all()


@pytest.mark.parametrize(("operation", "expected"), [("ADD", 14), ("SUBTRACT", 6), ("MULTIPLY", 40), ("DIVIDE", 2.5)])
def test_the_four_operations(priced, operation, expected):
    assert (transformed(priced, HORIZON, [Transformation("R0", operation, 4)]).related[:, 5:, 0] == expected).all()


@pytest.mark.parametrize(
    ("conditions", "where"),
    [
        ([("item_id", "EQUALS", "item1")], [[0, 0, 0], [1, 1, 1], [0, 0, 0]]),
        ([("item_id", "NOT_EQUALS", "item1")], [[1, 1, 1], [0, 0, 0], [1, 1, 1]]),
        ([("colour", "EQUALS", "red"), ("timestamp", "LESS_THAN", "2024-01-07")], [[1, 0, 0], [0, 0, 0], [1, 0, 0]]),
        ([("timestamp", "GREATER_THAN", "2024-01-06 00:00:00")], [[0, 1, 1]] * 3),
        ([("timestamp", "EQUALS", "2024-01-08")], [[0, 0, 1]] * 3),
    ],
)
def test_a_step_changes_only_if_all_conditions_hold(priced, conditions, where):
    each = Transformation("r0", "ADD", 1, tuple(Condition(*condition) for condition in conditions))
    assert (transformed(priced, HORIZON, [each]).related[:, 5:, 0] - 10).tolist() == where


def test_transformations_follow_each_other(priced):
    steps = [Transformation("r0", "ADD", 10), Transformation("r0", "MULTIPLY", 3)]
    assert (transformed(priced, HORIZON, steps).related[:, 5:, 0] == 60).all()


def test_rows_replace_what_they_name_and_leave_the_rest(priced):
    rows = pd.DataFrame(
        {"item_id": ["item0", "item0"], "timestamp": pd.to_datetime(["2024-01-06", "2024-01-08"]), "r1": [7.0, np.nan]}
    )
    ahead = replaced(priced, HORIZON, rows).related[:, 5:]
    assert ahead[0, :, 1].tolist() == [7, 20, 20] and (ahead[1:, :, 1] == 20).all() and (ahead[:, :, 0] == 10).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"timestamp": pd.Timestamp("2024-01-05")}, ["2024-01-05", "outside", "2024-01-06", "2024-01-08"]),
        ({"item_id": "caviar"}, ["caviar"]),
        ({"item_id": ["item1", "item1"], "timestamp": pd.Timestamp("2024-01-06")}, ["item1", "twice"]),
    ],
)
def test_rows_that_cannot_replace_anything(priced, change, words):
    rows = pd.DataFrame({"item_id": ["item0", "item1"], "timestamp": pd.Timestamp("2024-01-06"), "r1": 1.0})
    with pytest.raises(ValueError) as raised:
        replaced(priced, HORIZON, rows.assign(**change))
    assert all(word in str(raised.value) for word in words)


def test_what_has_no_related_future_cannot_be_changed(priced, make_panel):
    historical = make_panel(np.ones((3, 5)), related=priced.related[:, :5])
    for panel in (historical, make_panel(np.ones((3, 5)))):
        with pytest.raises(ValueError, match="over the forecast horizon"):
            transformed(panel, HORIZON, [Transformation("r0", "ADD", 1)])
    with pytest.raises(ValueError, match="r0, r1"):
        transformed(priced, HORIZON, [Transformation("weather", "ADD", 1)])
    with pytest.raises(ValueError, match="DIVIDE 0"):
        transformed(priced, HORIZON, [Transformation("r0", "DIVIDE", 0)])
