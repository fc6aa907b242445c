"""CNN-QR and Deep_AR_Plus, where the extra is installed (`make neural`)."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting import ALGORITHMS, NEURAL, metrics

pytest.importorskip("torch")
pytest.importorskip("gluonts")
LEVELS = (0.1, 0.5, 0.9)
LEARNED = {"CNN-QR": {"epochs": 30}, "Deep_AR_Plus": {"epochs": 2, "learning_rate": 0.01, "num_averaged_models": 2}}


def loss(panel, prediction, start):
    scale = np.ones(len(panel.target))
    return metrics.pooled(panel.target[:, start:], prediction, LEVELS, scale).average_wql


@pytest.mark.parametrize("name", NEURAL)
def test_a_network_learns_the_week(shop, name):
    seen = shop.cut(106)
    flat = ALGORITHMS["NPTS"](seen, 14, LEVELS, use_seasonal_model=False)
    assert loss(shop, ALGORITHMS[name](seen, 14, LEVELS, **LEARNED[name]), 106) < 0.8 * loss(shop, flat, 106)


@pytest.mark.parametrize("name", NEURAL)
def test_the_same_input_gives_the_same_forecast_and_the_global_generators_stay(shop, name):
    np.random.seed(5)
    drawn = np.random.random()
    np.random.seed(5)
    first, second = (ALGORITHMS[name](shop, 7, LEVELS, epochs=1) for _ in range(2))
    assert np.array_equal(first.quantiles, second.quantiles) and np.array_equal(first.mean, second.mean)
    assert np.random.random() == drawn


@pytest.mark.parametrize("name", NEURAL)
def test_forward_looking_related_series_count(make_panel, name):
    promotion = (np.random.default_rng(2).random((4, 134, 1)) < 0.4).astype(float)
    panel = make_panel(20 + 40 * promotion[:, :120, 0], related=promotion)
    median = ALGORITHMS[name](panel, 14, (0.5,), **LEARNED[name]).quantiles[:, :, 0]
    promoted = promotion[:, 120:, 0] > 0
    assert median[promoted].mean() > 40 > median[~promoted].mean()


@pytest.mark.parametrize("name", NEURAL)
def test_a_panel_of_a_country_has_its_holidays(make_panel, name):
    panel = replace(make_panel(np.random.default_rng(3).random((2, 60))), country="DE")
    assert np.isfinite(ALGORITHMS[name](panel, 7, (0.5,), epochs=1).mean).all()


def test_cnn_qr_reads_historical_related_series_and_can_leave_them_out(make_panel):
    # what is sold tomorrow is what was clicked today
    clicks = np.random.default_rng(4).integers(0, 2, (6, 151, 1)).astype(float)
    panel = make_panel(10 + 30 * clicks[:, :-1, 0], related=clicks[:, 1:])
    ahead = 10 + 30 * clicks[:, -1, 0]
    with_clicks, without = (
        ALGORITHMS["CNN-QR"](panel, 1, (0.5,), epochs=60, use_related_data=use).mean[:, 0] for use in ("ALL", "NONE")
    )
    assert np.abs(with_clicks - ahead).mean() < 5 < np.abs(without - ahead).mean()


@pytest.mark.parametrize("name", NEURAL)
def test_an_item_without_history_is_forecast_from_similar_ones(make_panel, name):
    small, large = np.full((5, 120), 10.0), np.full((5, 120), 1000.0)
    target = np.vstack([small, large, np.full((2, 120), np.nan)]) + np.arange(120) % 7
    metadata = pd.DataFrame({"size": ["s"] * 5 + ["l"] * 5 + ["s", "l"]})
    median = ALGORITHMS[name](make_panel(target, metadata=metadata), 7, (0.5,), **LEARNED[name]).quantiles[-2:, :, 0]
    assert median.mean(axis=1) == pytest.approx([13, 1003], rel=0.3)


def test_cnn_qr_has_no_mean_but_the_median(shop):
    prediction = ALGORITHMS["CNN-QR"](shop, 7, (0.9, 0.5), epochs=1)
    assert np.array_equal(prediction.mean, prediction.quantiles[:, :, 1])


def test_a_panel_without_values_gets_zeros(shop):
    empty = replace(shop, target=np.full_like(shop.target, np.nan))
    for name in NEURAL:
        assert not ALGORITHMS[name](empty, 7, LEVELS).quantiles.any()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("CNN-QR", {"use_related_data": "SOME"}, "use_related_data is 'SOME', allowed are ALL, NONE"),
        ("CNN-QR", {"use_item_metadata": "SOME"}, "use_item_metadata is 'SOME', allowed are ALL, NONE"),
        ("CNN-QR", {"context_length": 501}, "context_length .501. from 10 to 500"),
        ("Deep_AR_Plus", {"likelihood": "beta"}, "likelihood is 'beta', allowed are student-T, gaussian"),
        ("Deep_AR_Plus", {"num_cells": 0}, "num_cells is 0, it must be positive"),
        ("Deep_AR_Plus", {"num_averaged_models": 0}, "num_averaged_models is 0, it must be positive"),
        ("Deep_AR_Plus", {"learning_rate_decay": 1.5}, "learning_rate_decay .1.5. must be above 0 and at most 1"),
        ("Deep_AR_Plus", {"max_learning_rate_decays": -1}, "max_learning_rate_decays .-1. not below 0"),
    ],
)
def test_bad_hyperparameters_are_named(shop, name, options, words):
    with pytest.raises(ValueError, match=words):
        ALGORITHMS[name](shop, 7, LEVELS, **options)


def test_deep_ars_learning_rate_decays_until_it_stops_and_its_best_epochs_are_averaged():
    from torch import nn

    from storecast_engines.forecasting.deep_ar import PATIENCE, TrainingSchedule

    rates, net = [{"lr": 0.1}], nn.Linear(1, 1, bias=False)
    trainer = SimpleNamespace(should_stop=False, optimizers=[SimpleNamespace(param_groups=rates)], callback_metrics={})
    schedule, seen = TrainingSchedule(decay=0.5, decays_left=1, models=2), []
    for epoch, loss in enumerate([3.0, 1.0, *[2.0 + at for at in range(2 * PATIENCE)]]):
        trainer.callback_metrics["train_loss"] = loss
        nn.init.constant_(net.weight, float(epoch))
        schedule.on_train_epoch_end(trainer, net)
        seen.append((rates[0]["lr"], trainer.should_stop))
    assert seen == [(0.1, False)] * (1 + PATIENCE) + [(0.05, False)] * PATIENCE + [(0.025, True)]
    assert schedule.averaged()["weight"].item() == (1 + 2) / 2
