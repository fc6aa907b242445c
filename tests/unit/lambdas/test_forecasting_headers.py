"""Header rows: recognised, checked or taken as the columns, and left out of what Forecast imports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.lambdas.conftest import FORECASTING, arn

_FOLDER = "forecasting/corner-shop/"
_ROWS = "milk,2026-01-01,3\ntea,2026-01-01,1\n"
_HEADER = "item_id,timestamp,demand\n"


def _plan(stub: Any, context: Any, datasets: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    from forecasting.plan import handler

    stub("forecast").add_response("list_dataset_import_jobs", {"DatasetImportJobs": []})
    settings = {**FORECASTING["config"], **config}
    settings["datasets"] = settings["datasets"] | (datasets or {})
    return handler({**FORECASTING, "config": settings}, context)


def _put(bucket: Any, **files: str) -> None:
    bucket.objects |= {f"{_FOLDER}{kind}/a.csv": text.encode() for kind, text in files.items()}


def test_a_file_without_a_header_is_imported_where_it_lies(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target=_ROWS)
    [job] = _plan(stub, context)["imports"]
    assert job["copies"] == ""
    assert job["request"]["DataSource"]["S3Config"]["Path"] == f"s3://data/{_FOLDER}target/"


@pytest.mark.parametrize("before", ["", "\ufeff", "\r\n\n"])
def test_of_files_with_headers_copies_without_them_are_imported(
    bucket: Any, stub: Any, context: Any, before: str
) -> None:
    from forecasting.load import handler

    bucket.objects[f"{_FOLDER}target/a.csv"] = (before + _HEADER + _ROWS).encode()
    bucket.objects[f"{_FOLDER}target/b.csv"] = _ROWS.encode()
    order = _plan(stub, context)
    [job] = order["imports"]
    staged = f"{_FOLDER}staged/run={order['run']}/target/"
    assert job["request"]["DataSource"]["S3Config"]["Path"] == f"s3://results/{staged}"
    stub("forecast").add_response(
        "create_dataset_import_job", {"DatasetImportJobArn": arn("forecast", "dataset-import-job/d/j")}
    )
    handler(
        {**job, "part": "import", "request": {**job["request"], "DatasetArn": arn("forecast", "dataset/d")}}, context
    )
    copies = {key: body.decode() for key, body in bucket.objects.items() if key.startswith(staged)}
    assert copies == {f"{staged}00000_a.csv": _ROWS, f"{staged}00001_b.csv": _ROWS}


def test_the_plan_does_not_grow_with_the_number_of_files(bucket: Any, stub: Any, context: Any) -> None:
    """A state of Step Functions holds 256 KiB; Forecast takes 10,000 files of a kind."""
    _put(bucket, target=_HEADER + _ROWS)
    few = len(json.dumps(_plan(stub, context)))
    bucket.objects |= {f"{_FOLDER}target/{number:04d}.csv": (_HEADER + _ROWS).encode() for number in range(3_000)}
    assert len(json.dumps(_plan(stub, context))) == few < 16_384


def test_a_large_file_is_copied_within_s3(stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from common import copies

    monkeypatch.setattr(copies, "_PART", 4 * 2**20)
    s3, upload = stub("s3"), {"Bucket": "results", "Key": "to.csv", "UploadId": "u"}
    s3.add_response("head_object", {"ContentLength": 6 * 2**20}, {"Bucket": "data", "Key": "from.csv"})
    s3.add_response("create_multipart_upload", {"UploadId": "u"})
    for number, bytes_ in ((1, "bytes=25-4194328"), (2, "bytes=4194329-6291455")):
        copy = {"CopySource": {"Bucket": "data", "Key": "from.csv"}, "CopySourceIfMatch": "e", "PartNumber": number}
        s3.add_response(
            "upload_part_copy",
            {"CopyPartResult": {"ETag": f"part {number}"}},
            {**upload, **copy, "CopySourceRange": bytes_},
        )
    parts = [{"PartNumber": number, "ETag": f"part {number}"} for number in (1, 2)]
    s3.add_response("complete_multipart_upload", {}, {**upload, "MultipartUpload": {"Parts": parts}})
    copies.copy("data", {"key": "from.csv", "etag": "e", "start": 25}, "results", "to.csv")


def test_columns_are_taken_from_the_header_where_the_config_says_so(bucket: Any, stub: Any, context: Any) -> None:
    """Types come from the domain's names; of related series' other columns from their values."""
    _put(
        bucket,
        target="store,demand,timestamp,item_id\nN,3,2026-01-01,milk\n",
        related="item_id,timestamp,price,store,promo\nmilk,2026-01-01,1.5,N,0\nmilk,2026-01-02,,N,1\n",
        metadata="item_id,category,size\nmilk,dairy,1\n",
    )
    by_header = dict.fromkeys(("target", "related", "metadata"), "infer")
    order = _plan(stub, context, by_header, dimensions=["store"])
    schemas = {
        dataset["kind"]: [tuple(each.values()) for each in dataset["request"]["Schema"]["Attributes"]]
        for dataset in order["datasets"]
    }
    assert schemas == {
        "target": [("store", "string"), ("demand", "float"), ("timestamp", "timestamp"), ("item_id", "string")],
        "related": [
            ("item_id", "string"),
            ("timestamp", "timestamp"),
            ("price", "float"),
            ("store", "string"),
            ("promo", "float"),
        ],
        "metadata": [("item_id", "string"), ("category", "string"), ("size", "string")],
    }
    assert order["config"]["datasets"]["target"]["store"] == "string"
    assert [c["AttributeName"] for c in order["predictors"][0]["request"]["DataConfig"]["AttributeConfigs"]] == [
        "demand",
        "price",
    ]


@pytest.mark.parametrize(
    ("files", "datasets", "words"),
    [
        (
            {"target": "timestamp,item_id,demand\n2026-01-01,milk,3\n"},
            {},
            [
                "target/a.csv, row 1: the header timestamp,item_id,demand is not item_id,timestamp,demand",
                "pipeline.yaml",
            ],
        ),
        ({"target": _HEADER}, {}, ["target/a.csv holds a header and no row"]),
        (
            {"target": _ROWS},
            {"target": "infer"},
            ["target/a.csv, row 1 should be a header", "item_id, timestamp, demand", "found milk,2026-01-01,3"],
        ),
        (
            {"target": _HEADER + _ROWS, "metadata": "item,category\nmilk,dairy\n"},
            {"metadata": "infer"},
            ["metadata/a.csv, row 1 should be a header", "names item_id", "found item,category"],
        ),
        (
            {"target": _HEADER + _ROWS, "related": "item_id,timestamp,price,day\nmilk,2026-01-01,1.5,Monday\n"},
            {"related": "infer"},
            ["related/a.csv, row 2, column day: 'Monday' is no number", "dimensions"],
        ),
        (
            {"target": "item_id,timestamp,demand,store\nmilk,2026-01-01,3,North\n"},
            {"target": "infer"},
            ["target/a.csv, row 1: one item_id's rows are summed over all values of store", "dimensions: [store]"],
        ),
    ],
    ids=["order", "header only", "no header", "metadata", "text in related series", "text in the target"],
)
def test_a_header_that_does_not_fit_is_told(
    bucket: Any, stub: Any, context: Any, files: dict[str, str], datasets: dict[str, str], words: list[str]
) -> None:
    _put(bucket, **files)
    with pytest.raises(ValueError, match=r"s3://data/forecasting/corner-shop/") as raised:
        _plan(stub, context, datasets)
    assert all(word in str(raised.value) for word in words), raised.value


def test_files_of_one_dataset_have_the_same_header(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target=_HEADER + _ROWS)
    bucket.objects[f"{_FOLDER}target/b.csv"] = _ROWS.encode()
    with pytest.raises(ValueError, match="target/b.csv, row 1: the header milk,2026-01-01,3 is not item_id,timestamp"):
        _plan(stub, context, {"target": "infer"})


def test_a_header_is_no_observation(bucket: Any) -> None:
    from forecasting.history import Target, read

    _put(bucket, target=_HEADER + _ROWS)
    bucket.plan(_FOLDER, "r")
    event = {**FORECASTING, "run": "r"}
    found = read(Target.of(event), event, lambda key, step: False)
    assert found.start == found.end and found.steps.text(found.end) == "2026-01-01T00:00:00"
    assert {key: found.volume(key) for key in found.first} == {("milk",): 3.0, ("tea",): 1.0}
