"""Batch inference jobs of the recommending pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.lambdas.conftest import RECOMMENDING, arn, recommending_plan

_NEW = arn("personalize", "solution/for-you/11111111")


def _load_batch(context: Any, **known: Any) -> dict[str, Any]:
    from recommending.load import handler

    job = {
        **recommending_plan()["batch"][0],
        **{key: RECOMMENDING[key] for key in ("dataset", "dataBucket", "resultsBucket")},
        "run": "r1",
    }
    made = {
        "solutions": [{"name": "for-you", "solutionVersionArn": _NEW}],
        "filters": [{"name": "cheap", "filterArn": "f"}],
    }
    return handler({**job, **made, "part": "batch", **known}, context)


@pytest.mark.parametrize(
    ("recipe", "lines"),
    [
        ("aws-user-personalization", [{"userId": "u3"}, {"userId": "u1"}]),
        ("aws-similar-items", [{"itemId": "i1"}, {"itemId": "i2"}]),
        ("aws-personalized-ranking", [{"userId": user, "itemList": ["i1", "i2"]} for user in ("u3", "u1")]),
    ],
)
def test_a_batch_job_gets_its_input_in_the_form_of_its_recipe(
    recipe: str, lines: list[dict[str, Any]], bucket: Any, stub: Any, context: Any
) -> None:
    bucket.objects["recommending/corner-shop/interactions/i.csv"] = (
        b"USER_ID,ITEM_ID\nu1,i1\nu1,i2\nu2,i1\nu3,i1\nu3,i1\nu3,i3\n"
    )
    bucket.plan("recommending/corner-shop/", "r1")
    work, job = recommending_plan()["batch"][0], arn("personalize", "batch-inference-job/everyone")
    wanted = {**work["request"], "solutionVersionArn": _NEW, "filterArn": "f"}
    stub("personalize").add_response("create_batch_inference_job", {"batchInferenceJobArn": job}, wanted)
    made = _load_batch(context, recipe=recipe)
    assert (made["batchInferenceJobArn"], made["requests"]) == (job, 2)
    assert bucket.listings == []  # it reads what the plan saw
    assert [json.loads(line) for line in bucket.objects[work["inputKey"]].decode().splitlines()] == lines
    assert wanted["jobInput"]["s3DataSource"]["path"] == f"s3://results/{work['inputKey']}"


def test_a_batch_job_of_the_same_version_and_settings_is_not_done_again(stub: Any, context: Any) -> None:
    previous = {
        "settings": recommending_plan()["batch"][0]["settings"],
        "solutionVersionArn": _NEW,
        "output": "s3://before/",
    }
    assert _load_batch(context, previous=previous) == previous
