"""Train: start the training of the run's predictor (CreateAutoPredictor)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    data = {**event["predictor"]["DataConfig"], "DatasetGroupArn": event["groupArn"]}
    return {"predictorArn": create(client("forecast"), "auto_predictor", {**event["predictor"], "DataConfig": data})}
