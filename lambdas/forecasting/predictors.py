"""What a run asks of its predictors: the config's settings, where CreateAutoPredictor and CreatePredictor take them."""

from __future__ import annotations

from typing import Any

from common.names import forecast_name

AUTO = "AutoPredictor"


def order(
    config: dict[str, Any], dataset: str, algorithm: str, run: str, kinds: list[str], more: dict[str, Any]
) -> dict[str, Any]:
    """The predictor of one algorithm on the `kinds` of datasets there are files of; `more` goes into its request."""
    settings = _auto_predictor(config, kinds) if algorithm == AUTO else _single(config, algorithm, kinds)
    short = algorithm.removesuffix("Predictor").lower().replace("-", "_")
    return {
        "algorithm": algorithm,
        "kind": "auto_predictor" if algorithm == AUTO else "predictor",
        "request": {"PredictorName": forecast_name(dataset, short, run), **settings, **more},
    }


def _auto_predictor(config: dict[str, Any], kinds: list[str]) -> dict[str, Any]:
    filling = [{"AttributeName": name, "Transformations": rules} for name, rules in _filling(config, kinds)]
    country = config.get("holidays")
    boundary = config["time_alignment_boundary"]
    return {
        **_common(config),
        "ForecastFrequency": config["frequency"],
        **_dimensions(config),
        **({"TimeAlignmentBoundary": boundary} if boundary else {}),
        **({"ExplainPredictor": True} if config.get("explainability") else {}),
        "DataConfig": {
            **({"AttributeConfigs": filling} if filling else {}),
            **(
                {"AdditionalDatasets": [{"Name": "holiday", "Configuration": {"CountryCode": [country]}}]}
                if country
                else {}
            ),
        },
    }


def _single(config: dict[str, Any], algorithm: str, kinds: list[str]) -> dict[str, Any]:
    """A predictor of one algorithm (API_CreatePredictor.md), which takes the same settings in other places."""
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


def _common(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "ForecastHorizon": config["horizon"],
        "ForecastTypes": config["quantiles"],
        "OptimizationMetric": config["optimization_metric"],
    }


def _dimensions(config: dict[str, Any]) -> dict[str, Any]:
    return {"ForecastDimensions": config["dimensions"]} if config["dimensions"] else {}


def _filling(config: dict[str, Any], kinds: list[str]) -> list[tuple[str, dict[str, str]]]:
    """The rules of the attributes that there are files of."""
    present = {name for kind in kinds for name in config["datasets"][kind]}
    return [(name, rules) for name, rules in config["filling"].items() if name in present]
