"""AutoPredictor as an estimator: long frames in, long frames out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from storecast_engines.forecasting import autopredictor, explainability, frequency, metrics
from storecast_engines.forecasting.ensemble import AVERAGE_WQL
from storecast_engines.forecasting.panel import Panel, build_panel, more_places
from storecast_engines.forecasting.what_if import Transformation, transformed


@dataclass
class AutoPredictor:
    """Forecasts of many time series by an ensemble of models, with weights for each series and quantile.

    Every frame is long: one row for each series and time step, with the columns `item_id`, `timestamp` and `dimensions`
    naming the row. All random seeds are fixed: the same input gives the same forecast.

    freq              length of a time step: an integer and Y, M, W, D, H or min, such as "D", "15min", "2W"
    horizon           time steps to forecast
    quantile_levels   between 0 and 1; the mean is forecast too
    target            column to forecast; `item_id`, `timestamp`: names of the other two columns
    dimensions        further columns that tell series of an item apart, such as ("store",)
    algorithms        names in `ALGORITHMS`; default: chosen by the number and length of the series
    hyperparameters   algorithm -> its keyword arguments
    eval_metric       what the ensemble minimises: AverageWeightedQuantileLoss, WAPE, RMSE, MAPE or MASE
    backtest_windows  1 to 5, each a horizon at the end of the history, for `evaluate` and `leaderboard`
    country           two-letter code of a country whose public holidays are features
    filling           column -> how to aggregate it and fill gaps (Amazon Forecast's AttributeConfigs), such as
                      {"target": {"middlefill": "nan"}}; by default gaps in the target are zeros
    boundary          where time steps begin (Amazon Forecast's TimeAlignmentBoundary), such as {"DayOfWeek": "SUNDAY"}
    workers           processes for the models that are fitted series by series

    >>> sales = pd.DataFrame(
    ...     {
    ...         "item_id": "milk",
    ...         "timestamp": pd.date_range("2024-01-01", periods=70),
    ...         "target": [20, 18, 19, 21, 25, 40, 35] * 10,
    ...     }
    ... )
    >>> predictor = AutoPredictor(freq="D", horizon=2, algorithms=("SeasonalNaive", "NPTS")).fit(sales)
    >>> predictor.predict()
      item_id  timestamp  mean   0.1   0.5   0.9
    0    milk 2024-03-11  20.0  20.0  20.0  20.0
    1    milk 2024-03-12  18.0  18.0  18.0  18.0
    >>> predictor.evaluate()["WAPE"]
    0.0
    """

    freq: str
    horizon: int
    quantile_levels: Sequence[float] = (0.1, 0.5, 0.9)
    target: str = "target"
    item_id: str = "item_id"
    timestamp: str = "timestamp"
    dimensions: Sequence[str] = ()
    algorithms: Sequence[str] | None = None
    hyperparameters: Mapping[str, Mapping[str, Any]] | None = None
    eval_metric: str = AVERAGE_WQL
    backtest_windows: int = 1
    country: str | None = None
    filling: Mapping[str, Mapping[str, str]] | None = None
    boundary: Mapping[str, str | int] | None = None
    workers: int = 1
    _panel: Panel | None = field(default=None, init=False, repr=False)
    _predictor: autopredictor.Predictor | None = field(default=None, init=False, repr=False)

    def fit(
        self,
        data: pd.DataFrame,
        known_covariates: pd.DataFrame | None = None,
        static_features: pd.DataFrame | None = None,
    ) -> AutoPredictor:
        """Backtest the models on the history and learn the ensemble weights.

        data              history: series, timestamp and target; all other columns are covariates (numbers)
        known_covariates  covariates of the horizon that follows the history (Amazon Forecast: related time series);
                          backtests then take them as known too
        static_features   one row per item: item_id and texts; an item that only this frame names is forecast from
                          similar items

        Raises ValueError naming what is wrong with a frame or a parameter; NotInstalled for an algorithm whose extra is
        missing.
        """
        panel = self._panel_of(data, known_covariates, static_features)
        self._predictor = autopredictor.train(
            panel,
            self.horizon,
            self.quantile_levels,
            algorithms=self.algorithms,
            metric=self.eval_metric,
            windows=self.backtest_windows,
            hyperparameters=self.hyperparameters,
            workers=self.workers,
        )
        self._panel = panel
        return self

    def predict(
        self,
        data: pd.DataFrame | None = None,
        known_covariates: pd.DataFrame | None = None,
        static_features: pd.DataFrame | None = None,
        *,
        quantile_levels: Sequence[float] | None = None,
        what_if: Sequence[Transformation] = (),
    ) -> pd.DataFrame:
        """Forecast the horizon that follows the history: item_id, timestamp, mean, and a column per quantile level.

        data             a newer history to forecast from, with the weights of `fit`; default: the one of `fit`
        quantile_levels  default: those of `fit`
        what_if          changes to the known covariates, such as Transformation("price", "MULTIPLY", 0.9)
        """
        fitted = self._fitted()
        if data is not None:
            panel = self._panel_of(data, known_covariates, static_features)
        else:
            panel = self._with_known(self._trained_panel(), known_covariates)
        if what_if:
            panel = transformed(panel, self.horizon, what_if)
        levels = list(self.quantile_levels if quantile_levels is None else quantile_levels)
        found = autopredictor.predict(fitted, panel, self.horizon, levels, workers=self.workers)
        columns = {f"{level:g}": found.quantiles[:, :, q].ravel() for q, level in enumerate(levels)}
        return self._steps(panel).assign(mean=found.mean.ravel(), **columns)

    def evaluate(self, actual: pd.DataFrame | None = None) -> dict[str, float]:
        """Metrics by name, lower is better: of the backtest, or of the forecast against `actual` values.

        `actual` holds series, timestamp and target of the horizon that follows the history of `fit`. Metrics are pooled
        over the series as Amazon Forecast does, see `metrics.pooled`; the backtest's are out of sample.
        """
        run = self._fitted().backtest
        if actual is None:
            found = run.summary()
        else:
            panel = self._trained_panel()
            prediction = autopredictor.predict(self._fitted(), panel, self.horizon, run.levels, workers=self.workers)
            scale = metrics.seasonal_error(panel.target, frequency.season_length(panel.freq))
            found = metrics.pooled(self._values(panel, actual, [self.target])[:, :, 0], prediction, run.levels, scale)
        by_level = {f"wQL[{level:g}]": float(loss) for level, loss in zip(run.levels, found.wql)}
        return {name: float(getattr(found, each)) for name, each in metrics.FIELD.items()} | by_level

    def leaderboard(self) -> pd.DataFrame:
        """Backtest metrics of each model and of the ensemble, named AutoPredictor; the best by `eval_metric` first."""
        table = pd.DataFrame.from_dict(self._fitted().leaderboard, orient="index").rename_axis("model").reset_index()
        return table.sort_values(self.eval_metric, ignore_index=True)

    def weights(self) -> pd.Series:
        """Mean ensemble weight of each model; they sum to one."""
        fitted = self._fitted()
        return pd.Series(
            fitted.weights.mean(axis=(0, 2)), index=pd.Index(fitted.algorithms, name="model"), name="weight"
        )

    def explain(self) -> pd.DataFrame:
        """Impact of each covariate, static feature and holiday calendar on the forecast of each series.

        `impact` is in the target's unit and step, `score` the same scaled to -1 ... 1. See explainability.py.
        Raises ValueError if the data has no such attributes, or if LightGBM is not among the algorithms.
        """
        panel, fitted = self._trained_panel(), self._fitted()
        if explainability.MODEL not in fitted.algorithms:
            raise ValueError(
                f"explain needs {explainability.MODEL} among the algorithms, which are {fitted.algorithms}"
            )
        found = explainability.impact(fitted, panel, self.horizon)
        scores = explainability.aggregated(found.raw, 1)
        rows = panel.keys.loc[panel.keys.index.repeat(len(found.attributes))].reset_index(drop=True)
        return rows.assign(
            attribute=found.attributes * len(panel.keys),
            impact=scores.ravel(),
            score=explainability.normalised(scores).ravel(),
        )

    @property
    def messages(self) -> tuple[str, ...]:
        """Notes on the data: series that were left out, items that are forecast from similar ones."""
        return self._trained_panel().messages

    def save(self, folder: str | Path) -> None:
        """Write a fitted predictor and its history to a folder, as JSON and numpy arrays (no pickle)."""
        folder, panel = Path(folder), self._trained_panel()
        predictor, arrays = autopredictor.to_parts(self._fitted())
        parameters = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        document = {
            "parameters": parameters,
            "predictor": predictor,
            "panel": {
                "keys": panel.keys.to_dict("list"),
                "metadata": None if panel.metadata is None else panel.metadata.to_dict("list"),
                "related_names": panel.related_names,
                "messages": panel.messages,
            },
        }
        arrays |= {"panel_timestamps": panel.timestamps.to_numpy(), "panel_target": panel.target}
        if panel.related is not None:
            arrays["panel_related"] = panel.related
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "predictor.json").write_text(json.dumps(document))
        np.savez(folder / "predictor.npz", allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: str | Path) -> AutoPredictor:
        """The predictor that `save` wrote."""
        document = json.loads((Path(folder) / "predictor.json").read_text())
        with np.load(Path(folder) / "predictor.npz", allow_pickle=False) as file:
            arrays = dict(file)
        self, about = cls(**document["parameters"]), document["panel"]
        self._predictor = autopredictor.from_parts(document["predictor"], arrays)
        self._panel = Panel(
            pd.DataFrame(about["keys"]),
            pd.DatetimeIndex(arrays["panel_timestamps"]),
            arrays["panel_target"],
            self.freq,
            arrays.get("panel_related"),
            tuple(about["related_names"]),
            None if about["metadata"] is None else pd.DataFrame(about["metadata"]),
            self.country,
            tuple(about["messages"]),
        )
        return self

    def _fitted(self) -> autopredictor.Predictor:
        if self._predictor is None:
            raise ValueError("the AutoPredictor is not fitted: call fit first")
        return self._predictor

    def _trained_panel(self) -> Panel:
        self._fitted()
        assert self._panel is not None
        return self._panel

    @property
    def _keys(self) -> list[str]:
        return [self.item_id, *self.dimensions]

    def _panel_of(
        self, data: pd.DataFrame, known_covariates: pd.DataFrame | None, static_features: pd.DataFrame | None
    ) -> Panel:
        self._check("data", data, [*self._keys, self.timestamp, self.target])
        fixed = [*self._keys, self.timestamp]
        covariates = [name for name in data.columns if name not in (*fixed, self.target)]
        for name in covariates:
            if data[name].dtype.kind not in "fiub":
                raise ValueError(
                    f"data: column {name!r} is of type {data[name].dtype}, covariates must be numbers; move texts that "
                    "describe an item to static_features, or name the column in dimensions"
                )
        rows = data.assign(**{self.timestamp: pd.to_datetime(data[self.timestamp])})
        rows = rows.rename(columns={self.timestamp: "timestamp"})
        if static_features is not None:
            self._check("static_features", static_features, [self.item_id])
        panel = build_panel(
            rows[[*self._keys, "timestamp", self.target]],
            rows[[*self._keys, "timestamp", *covariates]] if covariates else None,
            static_features,
            item_key=self.item_id,
            dimensions=self.dimensions,
            target_name=self.target,
            freq=self.freq,
            horizon=self.horizon,
            transformations=self.filling,
            boundary=self.boundary,
        )
        return self._with_known(replace(panel, country=self.country), known_covariates)

    def _with_known(self, panel: Panel, known_covariates: pd.DataFrame | None) -> Panel:
        """The panel with the covariates of the horizon."""
        if known_covariates is None:
            return panel
        if panel.related is None:
            raise ValueError("known_covariates are given, but the data has no covariates: add their past values to it")
        ahead = self._values(panel, known_covariates, panel.related_names)
        missing = np.argwhere(np.isnan(ahead))
        if len(missing):
            i, t, k = missing[0]
            series = ", ".join(f"{name}={panel.keys.at[i, name]!r}" for name in panel.keys)
            step = panel.future(self.horizon)[t]
            raise ValueError(
                f"known_covariates: {panel.related_names[k]!r} of {series} is missing at {step}"
                f"{more_places(len(missing) - 1)}; each series needs a value in each step of the horizon"
            )
        past = panel.related[:, : len(panel.timestamps)]
        return replace(panel, related=np.concatenate([past, ahead], axis=1))

    def _values(self, panel: Panel, frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
        """(n, H, len(names)) values of a long frame over the horizon, NaN where it has none."""
        self._check("the frame of the horizon", frame, [*self._keys, self.timestamp, *names])
        rows = frame.assign(**{name: frame[name].astype(str) for name in self._keys})
        times = frequency.align(
            pd.DatetimeIndex(pd.to_datetime(frame[self.timestamp])), panel.freq, self.boundary or {}
        )
        cells = rows.assign(**{self.timestamp: times}).groupby([*self._keys, self.timestamp])[list(names)].last()
        wanted = pd.MultiIndex.from_frame(self._steps(panel))
        return cells.reindex(wanted).to_numpy(float).reshape(len(panel.keys), self.horizon, len(names))

    def _steps(self, panel: Panel) -> pd.DataFrame:
        """A row for each series and step of the horizon."""
        ahead = panel.future(self.horizon)
        rows = panel.keys.loc[panel.keys.index.repeat(self.horizon)].reset_index(drop=True)
        return rows.assign(**{self.timestamp: np.tile(ahead.to_numpy(), len(panel.keys))})

    @staticmethod
    def _check(what: str, frame: pd.DataFrame, needed: Sequence[str]) -> None:
        missing = [name for name in needed if name not in frame.columns]
        if missing:
            raise ValueError(f"{what} lacks the columns {missing}; it has {list(frame.columns)}")
