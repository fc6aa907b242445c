"""AutoPredictor on long frames: the same numbers as the functions below it, errors that name what is wrong."""

import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting import AutoPredictor, Transformation, autopredictor, build_panel

HORIZON = 14
FAST = {"freq": "D", "horizon": HORIZON, "algorithms": ("SeasonalNaive", "NPTS", "LightGBM")}


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Three items of 84 days whose sales double with a promotion, the promotions to come, and what the items are."""
    rng, days = np.random.default_rng(3), pd.date_range("2024-01-01", periods=84 + HORIZON)
    rows = []
    for item, size in (("a", 20), ("b", 40), ("c", 200)):
        promotion = rng.random(len(days)) < 0.2
        rows.append(
            pd.DataFrame(
                {
                    "item_id": item,
                    "timestamp": days,
                    "target": rng.poisson(size * (1 + promotion)),
                    "promotion": promotion.astype(float),
                }
            )
        )
    every = pd.concat(rows, ignore_index=True)
    ahead = every["timestamp"] >= days[84]
    return every[~ahead], every[ahead], pd.DataFrame({"item_id": list("abc"), "kind": ["small", "small", "large"]})


@pytest.fixture(scope="module")
def fitted(frames) -> AutoPredictor:
    data, ahead, static = frames
    return AutoPredictor(**FAST).fit(data, ahead.drop(columns="target"), static)


def test_it_forecasts_what_the_functions_forecast(frames, fitted) -> None:
    data, ahead, static = frames
    related = pd.concat([data, ahead]).drop(columns="target")
    named = {"item_key": "item_id", "target_name": "target", "freq": "D", "horizon": HORIZON}
    panel = build_panel(data[["item_id", "timestamp", "target"]], related, static, **named)
    levels = (0.1, 0.5, 0.9)
    predictor = autopredictor.train(panel, HORIZON, levels, algorithms=FAST["algorithms"])
    expected = autopredictor.predict(predictor, panel, HORIZON, levels)
    found = fitted.predict()
    assert list(found.columns) == ["item_id", "timestamp", "mean", "0.1", "0.5", "0.9"]
    assert np.array_equal(found["mean"].to_numpy().reshape(3, HORIZON), expected.mean)
    assert np.array_equal(found[["0.1", "0.5", "0.9"]].to_numpy().reshape(expected.quantiles.shape), expected.quantiles)
    assert found["timestamp"].tolist() == ahead["timestamp"].tolist()
    assert fitted.evaluate()["WAPE"] == predictor.backtest.summary().wape


def test_covariates_may_come_with_the_forecast(frames, fitted) -> None:
    data, ahead, static = frames
    again = fitted.predict(data, ahead.drop(columns="target"), static)
    pd.testing.assert_frame_equal(again, fitted.predict())
    one = AutoPredictor(**FAST | {"algorithms": ("LightGBM",)})
    late = one.fit(data, None, static).predict(known_covariates=ahead)
    pd.testing.assert_frame_equal(late, one.fit(data, ahead, static).predict())
    promoted = late[ahead["promotion"].to_numpy() == 1].groupby("item_id")["mean"].mean()
    assert (promoted > late.groupby("item_id")["mean"].mean() * 1.1).all()


def test_another_level_and_a_changed_covariate(fitted) -> None:
    plain = fitted.predict(quantile_levels=[0.25])
    changed = fitted.predict(quantile_levels=[0.25], what_if=[Transformation("promotion", "MULTIPLY", 0)])
    assert list(plain.columns[2:]) == ["mean", "0.25"]
    assert changed["mean"].sum() < plain["mean"].sum()


def test_actual_values_are_compared_with_the_forecast(frames, fitted) -> None:
    _, ahead, _ = frames
    found, mean = fitted.evaluate(ahead), fitted.predict()["mean"].to_numpy()
    actual = ahead["target"].to_numpy()
    assert found["WAPE"] == pytest.approx(np.abs(actual - mean).sum() / actual.sum())
    losses = [found[f"wQL[{level}]"] for level in (0.1, 0.5, 0.9)]
    assert found["AverageWeightedQuantileLoss"] == pytest.approx(np.mean(losses))


def test_the_leaderboard_and_weights_are_by_model(fitted) -> None:
    board = fitted.leaderboard()
    assert set(board["model"]) == {*FAST["algorithms"], "AutoPredictor"}
    assert board["AverageWeightedQuantileLoss"].is_monotonic_increasing
    assert fitted.weights().sum() == pytest.approx(1)


def test_the_impact_of_a_covariate_is_explained(fitted) -> None:
    found = fitted.explain()
    assert found[["item_id", "attribute"]].drop_duplicates().shape == (6, 2)
    assert found["score"].abs().max() == 1
    assert found.loc[found["score"].abs().idxmax(), "item_id"] == "c"


def test_an_item_without_history_is_forecast_from_similar_ones(frames) -> None:
    data, _, static = frames
    more = pd.concat([static, pd.DataFrame({"item_id": ["new"], "kind": ["large"]})])
    predictor = AutoPredictor(**FAST | {"algorithms": ("SeasonalNaive",)}).fit(
        data.drop(columns="promotion"), None, more
    )
    by_item = predictor.predict().groupby("item_id")["mean"].mean()
    assert by_item["new"] == by_item["c"]
    assert "forecast from similar items" in predictor.messages[0]


def test_a_saved_predictor_is_the_same(fitted, tmp_path) -> None:
    fitted.save(tmp_path / "predictor")
    loaded = AutoPredictor.load(tmp_path / "predictor")
    pd.testing.assert_frame_equal(loaded.predict(), fitted.predict())
    pd.testing.assert_frame_equal(loaded.leaderboard(), fitted.leaderboard())
    assert {file.suffix for file in (tmp_path / "predictor").iterdir()} == {".json", ".npz"}


def test_dimensions_and_other_names(frames) -> None:
    data, _, _ = frames
    stores = pd.concat([data.assign(store=store) for store in ("north", "south")]).drop(columns="promotion")
    renamed = stores.rename(columns={"item_id": "sku", "timestamp": "day", "target": "units"})
    named = {"item_id": "sku", "timestamp": "day", "target": "units", "dimensions": ("store",)}
    predictor = AutoPredictor("D", 7, algorithms=("NPTS",), **named).fit(renamed.assign(day=renamed["day"].astype(str)))
    found = predictor.predict()
    assert list(found.columns[:3]) == ["sku", "store", "day"] and len(found) == 6 * 7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data, ahead: (data.drop(columns="target"), ahead), r"data lacks the columns \['target'\]; it has"),
        (
            lambda data, ahead: (data.assign(kind="x"), ahead),
            "data: column 'kind' is of type object, .*static_features",
        ),
        (
            lambda data, ahead: (data.drop(columns="promotion"), ahead),
            "known_covariates are given, but the data has no",
        ),
        (
            lambda data, ahead: (data, ahead[1:]),
            "'promotion' of item_id='a' is missing at 2024-03-25 00:00:00; each",
        ),
        (lambda data, ahead: (data, ahead.drop(columns="promotion")), r"lacks the columns \['promotion'\]"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(frames, change, words) -> None:
    data, ahead, _ = frames
    with pytest.raises(ValueError, match=words):
        AutoPredictor(**FAST).fit(*change(data, ahead))


def test_a_predictor_must_be_fitted_and_explained_by_lightgbm(frames) -> None:
    with pytest.raises(ValueError, match="not fitted: call fit first"):
        AutoPredictor(**FAST).predict()
    with pytest.raises(ValueError, match="explain needs LightGBM among the algorithms"):
        AutoPredictor(**FAST | {"algorithms": ("NPTS",)}).fit(frames[0]).explain()
