"""Evaluate: what was measured of each recommender and solution version on data held back (DescribeRecommender's
modelMetrics, GetSolutionMetrics)."""

from __future__ import annotations

from common.clients import client
from common.step import LambdaContext, step
from recommending.payload import EvaluateAnswer, EvaluateRequest


@step
def handler(event: EvaluateRequest, context: LambdaContext) -> EvaluateAnswer:
    personalize = client("personalize")

    def of_recommender(arn: str) -> dict[str, float]:
        return personalize.describe_recommender(recommenderArn=arn)["recommender"].get("modelMetrics", {})

    def of_version(arn: str) -> dict[str, float]:
        return personalize.get_solution_metrics(solutionVersionArn=arn)["metrics"]

    return {
        "recommenders": [{**made, "metrics": of_recommender(made["recommenderArn"])} for made in event["recommenders"]],
        "solutions": [{**made, "metrics": of_version(made["solutionVersionArn"])} for made in event["solutions"]],
    }
