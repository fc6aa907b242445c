"""Legacy predictors: hyperparameters given and tuned, what their calls refuse, and the upgrade to AutoPredictor."""

from importlib.util import find_spec

import pytest

from tests.contract.clients import refused
from tests.contract.forecast_setup import sample_group, single_predictor
from tests.contract.helpers import ended, unique

INVALID = "InvalidInputException"
HORIZON = 7


@pytest.fixture(scope="module")
def group(forecast, bucket: str, forecast_role: str):
    made = sample_group(forecast, bucket, forecast_role)
    yield made
    forecast.delete_resource_tree(ResourceArn=made.arn)


def test_training_parameters_change_the_model(forecast, group) -> None:
    losses = {}
    for kernel in ("exponential", "uniform"):
        given = {"kernel_type": kernel, "use_seasonal_model": "false", "exp_kernel_weights": "0.5"}
        arn = single_predictor(forecast, group, "NPTS", ForecastHorizon=HORIZON, TrainingParameters=given)
        found = ended(forecast.describe_predictor, PredictorArn=arn)
        assert found["Status"] == "ACTIVE", found
        others = {"use_default_time_features": "true", "prediction_length": str(HORIZON)}
        assert found["TrainingParameters"] == given | others
        (result,) = forecast.get_accuracy_metrics(PredictorArn=arn)["PredictorEvaluationResults"]
        (run,) = found["PredictorExecutionDetails"]["PredictorExecutions"]
        (window,) = run["TestWindows"]
        assert window["TestWindowStart"] == result["TestWindows"][1]["TestWindowStart"]
        assert (run["AlgorithmArn"], window["Status"]) == (found["AlgorithmArn"], "ACTIVE")
        losses[kernel] = result["TestWindows"][0]["Metrics"]["AverageWeightedQuantileLoss"]
    assert losses["exponential"] != losses["uniform"]


@pytest.mark.parametrize(
    ("algorithm", "changes", "words"),
    [
        ("NPTS", {"TrainingParameters": {"epochs": "3"}}, ["'epochs'", "kernel_type"]),
        ("ETS", {"TrainingParameters": {"epochs": "3"}}, ["'epochs'", "no hyperparameters"]),
        ("NPTS", {"TrainingParameters": {"context_length": "many"}}, ["context_length", "'many'", "integer"]),
        ("NPTS", {"TrainingParameters": {"use_seasonal_model": "yes"}}, ["'yes'", "true or false"]),
        ("NPTS", {"PerformHPO": True}, ["CNN-QR and Deep_AR_Plus", "NPTS"]),
        ("Deep_AR_Plus", {"HPOConfig": {}}, ["PerformHPO"]),
        ("NPTS", {"EvaluationParameters": {"NumberOfBacktestWindows": 6}}, ["6", "1 to 5"]),
        ("NPTS", {"EvaluationParameters": {"BackTestWindowOffset": 3}}, ["3", "ForecastHorizon"]),
        ("NPTS", {"PerformAutoML": True}, ["AlgorithmArn", "PerformAutoML"]),
        ("NPTS", {"AutoMLOverrideStrategy": "LatencyOptimized"}, ["AutoMLOverrideStrategy", "PerformAutoML"]),
    ],
)
def test_what_a_legacy_predictor_refuses(forecast, group, algorithm: str, changes: dict, words: list[str]) -> None:
    create = {"ForecastHorizon": HORIZON, **changes}
    refused(INVALID, lambda: single_predictor(forecast, group, algorithm, **create), *words)


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("IntegerParameterRanges", {"Name": "epochs", "MinValue": 1, "MaxValue": 2}, ["'epochs'", "context_length"]),
        ("IntegerParameterRanges", {"Name": "context_length", "MinValue": 9, "MaxValue": 2}, ["MinValue 9", "2"]),
        (
            "ContinuousParameterRanges",
            {"Name": "learning_rate", "MinValue": 0.0, "MaxValue": 0.1, "ScalingType": "Logarithmic"},
            ["above 0"],
        ),
        (
            "ContinuousParameterRanges",
            {"Name": "learning_rate", "MinValue": 0.5, "MaxValue": 1.5, "ScalingType": "ReverseLogarithmic"},
            ["0 <= x < 1"],
        ),
    ],
)
def test_ranges_that_cannot_be_searched(forecast, group, kind: str, given: dict, words: list[str]) -> None:
    hpo = {"PerformHPO": True, "HPOConfig": {"ParameterRanges": {kind: [given]}}}
    refused(INVALID, lambda: single_predictor(forecast, group, "Deep_AR_Plus", ForecastHorizon=HORIZON, **hpo), *words)


@pytest.mark.skipif(not find_spec("torch"), reason="the extra is not installed")
def test_hyperparameters_are_tuned_within_their_ranges(forecast, group) -> None:
    ranges = [{"Name": "context_length", "MinValue": 10, "MaxValue": 14}]
    arn = single_predictor(
        forecast,
        group,
        "CNN-QR",
        ForecastHorizon=HORIZON,
        PerformHPO=True,
        HPOConfig={"ParameterRanges": {"IntegerParameterRanges": ranges}},
        TrainingParameters={"epochs": "1"},
    )
    found = ended(forecast.describe_predictor, PredictorArn=arn)
    assert found["Status"] == "ACTIVE", found
    chosen = found["TrainingParameters"]
    assert set(chosen) == {
        "context_length",
        "epochs",
        "prediction_length",
        "use_item_metadata",
        "use_related_data",
    }
    assert chosen["epochs"] == "1" and 10 <= int(chosen["context_length"]) <= 14


def test_a_legacy_predictor_is_upgraded_with_its_configuration(forecast, group) -> None:
    methods = {"aggregation": "avg", "middlefill": "mean"}
    pipeline = [{"FeaturizationMethodName": "filling", "FeaturizationMethodParameters": methods}]
    old = forecast.create_predictor(
        PredictorName=unique("old"),
        AlgorithmArn="arn:aws:forecast:::algorithm/NPTS",
        ForecastHorizon=HORIZON,
        ForecastTypes=["0.3", "mean"],
        InputDataConfig={
            "DatasetGroupArn": group.arn,
            "SupplementaryFeatures": [{"Name": "holiday", "Value": "DE"}],
        },
        FeaturizationConfig={
            "ForecastFrequency": "D",
            "Featurizations": [{"AttributeName": "demand", "FeaturizationPipeline": pipeline}],
        },
    )["PredictorArn"]
    assert ended(forecast.describe_predictor, PredictorArn=old)["Status"] == "ACTIVE"
    new = forecast.create_auto_predictor(PredictorName=unique("new"), ReferencePredictorArn=old)["PredictorArn"]
    found = forecast.describe_auto_predictor(PredictorArn=new)
    assert (found["ForecastHorizon"], found["ForecastFrequency"], found["ForecastTypes"]) == (
        HORIZON,
        "D",
        ["0.3", "mean"],
    )
    assert found["DataConfig"] == {
        "DatasetGroupArn": group.arn,
        "AttributeConfigs": [{"AttributeName": "demand", "Transformations": methods}],
        "AdditionalDatasets": [{"Name": "holiday", "Configuration": {"CountryCode": ["DE"]}}],
    }
    assert found["ReferencePredictorSummary"] == {"Arn": old, "State": "Active"}
    forecast.stop_resource(ResourceArn=new)
    ended(forecast.describe_auto_predictor, PredictorArn=new)
