"""Train: start the training of one of the run's predictors (CreateAutoPredictor, CreatePredictor)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step

_DATA = {"auto_predictor": "DataConfig", "predictor": "InputDataConfig"}


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    kind, request = event["predictor"]["kind"], event["predictor"]["request"]
    data = {**request[_DATA[kind]], "DatasetGroupArn": event["groupArn"]}
    return {"predictorArn": create(client("forecast"), kind, {**request, _DATA[kind]: data})}
