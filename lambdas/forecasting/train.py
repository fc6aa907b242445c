"""Train: start the training of one of the run's predictors (CreateAutoPredictor, CreatePredictor)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create, summaries
from common.step import LambdaContext, step
from forecasting.payload import TrainAnswer, TrainRequest

_DATA = {"auto_predictor": "DataConfig", "predictor": "InputDataConfig"}


@step
def handler(event: TrainRequest, context: LambdaContext) -> TrainAnswer:
    forecast, kind, request = client("forecast"), event["predictor"]["kind"], event["predictor"]["request"]
    if kind == "auto_predictor" and (arn := _of_an_earlier_attempt(forecast, request["PredictorName"])):
        return {"predictorArn": arn}
    data = {**request[_DATA[kind]], "DatasetGroupArn": event["groupArn"]}
    return {"predictorArn": create(forecast, kind, {**request, _DATA[kind]: data})}


def _of_an_earlier_attempt(forecast: Any, name: str) -> str | None:
    """The newest predictor of this name, which carries the run's id.

    The ARN of an AutoPredictor ends in an id of the service's (predictor/<name>_<ULID>), so nothing refuses a second
    one of the same name: the attempt whose answer was lost is found by listing alone.
    """
    made = [each for each in summaries(forecast, "predictor") if each["PredictorName"] == name]
    return max(made, key=lambda each: each["CreationTime"])["PredictorArn"] if made else None
