"""What a request may say, and the errors that name what is wrong."""

import json
from dataclasses import asdict

import pytest

from storecast_engines.distributed import JobFailed, Request, Source

SOURCE = Source(["a.csv"], {"item_id": "string", "timestamp": "timestamp", "demand": "float"})
REQUEST = Request("out", "run", "item_id", "demand", "D", 7, ["mean", "0.5"], SOURCE, hyperparameters={"NPTS": {}})


def test_a_request_survives_json() -> None:
    assert Request.from_json(REQUEST.to_json()) == REQUEST


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"horizont": 7}, "the request has the unknown members horizont; there are output, name"),
        ({"horizon": "7"}, 'the request: horizon is "7", it must be of type int'),
        ({"horizon": True}, "the request: horizon is true, it must be of type int"),
        ({"horizon": 0}, "horizon is 0, it must be at least 1"),
        ({"frequency": "7D"}, "the request: frequency '7D' is not an integer and a unit"),
        ({"types": []}, "types is empty"),
        ({"types": ["1.5"]}, "the request: "),
        ({"related": 3}, "the request: related is 3, it must be of type Source or null"),
        ({"target": {"files": ["a.csv"]}}, "the request: target lacks columns"),
        ({"target": {"files": [], "columns": SOURCE.columns}}, "target names no files"),
        (
            {"target": {"files": ["a"], "columns": {"item_id": "string"}}},
            "the columns of target lack timestamp, demand",
        ),
        ({"target": asdict(SOURCE) | {"timestamp_format": "dd"}}, "timestamp_format of target is 'dd', not yyyy-MM-dd"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(change: dict, words: str) -> None:
    with pytest.raises(JobFailed) as raised:
        Request.from_json(json.dumps(asdict(REQUEST) | change))
    assert words in str(raised.value)


@pytest.mark.parametrize(("text", "words"), [("{", "the request is not JSON"), ("[]", "the request is list")])
def test_what_is_no_document_is_refused(text: str, words: str) -> None:
    with pytest.raises(JobFailed, match=words):
        Request.from_json(text)


def test_a_member_that_is_missing_is_named() -> None:
    document = asdict(REQUEST)
    del document["output"], document["item"]
    with pytest.raises(JobFailed, match="the request lacks output, item"):
        Request.from_json(json.dumps(document))
