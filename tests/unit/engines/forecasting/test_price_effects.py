"""What prices do: found where they do something, left alone where not, and carried to prices that never were."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting import lightgbm, price_effects, what_if
from storecast_engines.forecasting.panel import Panel

HORIZON, STEPS, SERIES = 7, 120, 40
ELASTICITY = -1.5


def shop(elasticity: float = ELASTICITY, series: int = SERIES, cheap_in_summer: bool = False) -> Panel:
    """Demand that a price moves, beside a season that all series share; in the summer all prices may be low."""
    rng = np.random.default_rng(3)
    days = pd.date_range("2024-01-01", periods=STEPS)
    season = 1 + 0.5 * np.sin(np.arange(STEPS + HORIZON) / 19)
    low = 0.8 if cheap_in_summer else 1.0
    price = 10 * rng.choice([0.85, 1.0, 1.1], (series, STEPS + HORIZON)) * np.where(season > 1.2, low, 1.0)
    usual = rng.lognormal(3, 1, (series, 1))
    demand = rng.poisson(usual * season * (price / 10) ** elasticity)[:, :STEPS].astype(float)
    keys = pd.DataFrame({"item_id": [f"item{at}" for at in range(series)]})
    return Panel(keys, days, demand, "D", price[:, :, None], ("price",), None)


@pytest.mark.parametrize("cheap_in_summer", [False, True])
@pytest.mark.parametrize("elasticity", [-2.5, ELASTICITY])
def test_the_elasticity_is_found_beside_a_season(elasticity: float, cheap_in_summer: bool) -> None:
    found = price_effects.learn(shop(elasticity, cheap_in_summer=cheap_in_summer), HORIZON)
    assert found.values[0] == pytest.approx(elasticity, abs=0.1)


def test_what_moves_nothing_or_does_not_reach_the_horizon_has_no_effect() -> None:
    panel = shop(0.0)
    assert price_effects.learn(panel, HORIZON) == price_effects.Elasticities()
    assert price_effects.learn(shop(), HORIZON + 1) == price_effects.Elasticities()
    assert price_effects.learn(replace(panel, related=None, related_names=()), HORIZON) == price_effects.Elasticities()
    constant = replace(panel, related=np.full_like(panel.related, 9.0))
    assert price_effects.learn(constant, HORIZON) == price_effects.Elasticities()


def test_a_price_cut_lifts_the_forecast_by_its_elasticity_also_below_all_prices_that_were() -> None:
    panel = shop()
    fitted = lightgbm.fit(panel, HORIZON, [0.5])
    base = lightgbm.predict(fitted, panel, HORIZON)
    for cut in (0.9, 0.8, 0.6):
        cheaper = what_if.transformed(panel, HORIZON, [what_if.Transformation("price", "MULTIPLY", cut)])
        made = lightgbm.predict(fitted, cheaper, HORIZON)
        assert made.mean.sum() / base.mean.sum() == pytest.approx(cut**ELASTICITY, rel=0.08)


def test_contributions_of_the_price_hold_its_effect() -> None:
    panel = shop()
    fitted = lightgbm.fit(panel, HORIZON, [0.5])
    cheap = replace(panel, related=np.where(np.arange(STEPS + HORIZON)[None, :, None] < STEPS, panel.related, 6.0))
    found = lightgbm.contributions(fitted, cheap, HORIZON)["price"].sum()
    forecast = lightgbm.predict(fitted, cheap, HORIZON).mean.sum()
    assert found / forecast == pytest.approx(1 - 0.6**-ELASTICITY, abs=0.15)


def test_missing_values_and_series_without_any_sale_do_no_harm() -> None:
    panel = shop()
    target, related = panel.target.copy(), panel.related.copy()
    target[0], target[1, :60], related[2, 5:9] = 0.0, np.nan, np.nan
    found = price_effects.learn(replace(panel, target=target, related=related), HORIZON)
    assert np.isfinite(found.values).all() and (price_effects.ahead(found, panel, HORIZON) > 0).all()
