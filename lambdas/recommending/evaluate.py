"""Evaluate: what each recommender measured of itself on data held back (DescribeRecommender's modelMetrics)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    personalize = client("personalize")
    return {
        "recommenders": [
            {
                **made,
                "metrics": personalize.describe_recommender(recommenderArn=made["recommenderArn"])["recommender"].get(
                    "modelMetrics", {}
                ),
            }
            for made in event["recommenders"]
        ]
    }
