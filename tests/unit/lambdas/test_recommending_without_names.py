"""A shop that has no items file and names no name column: item ids stand for names."""

from __future__ import annotations

import copy
import json
from typing import Any

from tests.unit.lambdas.conftest import RECOMMENDING, arn


def test_ids_are_shown_where_names_are_missing(bucket: Any, stub: Any, context: Any) -> None:
    from recommending.publish import handler

    bucket.objects["recommending/corner-shop/interactions/i.csv"] = (
        b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nu1,i1,1,View\nu1,i2,2,View\n"
    )
    bucket.plan("recommending/corner-shop/", "r1")
    config = copy.deepcopy(RECOMMENDING["config"])
    # As a definition brings it: CDK drops what is null.
    del config["publish"]["name_column"]
    recommender = arn("personalize", "recommender/r")
    stub("personalize-runtime").add_response(
        "get_recommendations",
        {"itemList": [{"itemId": "i2"}]},
        {"recommenderArn": recommender, "numResults": 3, "userId": "u1"},
    )
    made = {"useCase": "best-sellers", "recommenderArn": recommender, "metrics": {}}
    event = {
        **RECOMMENDING,
        "config": config,
        "publish": config["publish"],
        "run": "r1",
        "recommenders": [made],
        "solutions": [],
        "filters": [],
        "batch": [],
        "inputs": {},
        "dataChanged": True,
    }
    handler(event, context)
    written = json.loads(bucket.objects["recommending/corner-shop/runs/r1/recommendations.json"])
    assert written["useCases"][0]["lists"] == [{"for": {}, "items": [{"itemId": "i2", "name": "i2"}]}]
