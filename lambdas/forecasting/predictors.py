"""What a run asks of its predictors: the config's settings, where CreateAutoPredictor and CreatePredictor take them."""

from __future__ import annotations

from common.names import forecast_name
from common.payload import AwsJson
from forecasting.config import ResolvedConfig
from forecasting.payload import Predictor

AUTO = "AutoPredictor"


def planned(
    config: ResolvedConfig, dataset: str, algorithm: str, run: str, kinds: list[str], more: AwsJson
) -> Predictor:
    """The predictor of one algorithm on the `kinds` of datasets there are files of; `more` goes into its request."""
    automatic = algorithm == AUTO
    settings = _auto_predictor(config, kinds) if automatic else _single(config, algorithm, kinds)
    short = algorithm.removesuffix("Predictor").lower().replace("-", "_")
    return {
        "algorithm": algorithm,
        "kind": "auto_predictor" if automatic else "predictor",
        "request": {"PredictorName": forecast_name(dataset, short, run), **settings, **more},
    }


def _auto_predictor(config: ResolvedConfig, kinds: list[str]) -> AwsJson:
    filling = [{"AttributeName": name, "Transformations": rules} for name, rules in _filling(config, kinds)]
    country = config.get("holidays")
    boundary = config["time_alignment_boundary"]
    return {
        **_common(config),
        "ForecastFrequency": config["frequency"],
        **_dimensions(config),
        **({"TimeAlignmentBoundary": boundary} if boundary else {}),
        "DataConfig": {
            **({"AttributeConfigs": filling} if filling else {}),
            **(
                {"AdditionalDatasets": [{"Name": "holiday", "Configuration": {"CountryCode": [country]}}]}
                if country
                else {}
            ),
        },
    }


def _single(config: ResolvedConfig, algorithm: str, kinds: list[str]) -> AwsJson:
    """A predictor of one algorithm (docs/aws-sources.md#forecast-API_CreatePredictor), which takes the same settings in
    other places."""
    filling = [
        {
            "AttributeName": name,
            "FeaturizationPipeline": [
                {"FeaturizationMethodName": "filling", "FeaturizationMethodParameters": rules},
            ],
        }
        for name, rules in _filling(config, kinds)
    ]
    country = config.get("holidays")
    return {
        **_common(config),
        "AlgorithmArn": f"arn:aws:forecast:::algorithm/{algorithm}",
        "EvaluationParameters": {"NumberOfBacktestWindows": config["backtest_windows"]},
        "InputDataConfig": {"SupplementaryFeatures": [{"Name": "holiday", "Value": country}]} if country else {},
        "FeaturizationConfig": {
            "ForecastFrequency": config["frequency"],
            **_dimensions(config),
            **({"Featurizations": filling} if filling else {}),
        },
    }


def _common(config: ResolvedConfig) -> AwsJson:
    return {
        "ForecastHorizon": config["horizon"],
        "ForecastTypes": config["quantiles"],
        "OptimizationMetric": config["optimization_metric"],
    }


def _dimensions(config: ResolvedConfig) -> AwsJson:
    return {"ForecastDimensions": config["dimensions"]} if config["dimensions"] else {}


def _filling(config: ResolvedConfig, kinds: list[str]) -> list[tuple[str, dict[str, str]]]:
    """The rules of the attributes that there are files of."""
    present = {name for kind in kinds for name in config["datasets"][kind]}
    return [(name, rules) for name, rules in config["filling"].items() if name in present]
