"""The steps around the forecasting job on Glue (engine: storecast): its documents, what it left, what stays of it."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from storecast_engines.distributed import predictors
from storecast_engines.distributed.documents import Request
from tests.unit.lambdas.conftest import FORECASTING, Bucket

FOLDER = "forecasting/corner-shop/"
EARLIER = "20261101T000000_aaa"
IN_USE = f"s3://results/{FOLDER}jobs/run={EARLIER}/train"
_TARGET = b"milk,2026-11-01,3\nbread,2026-11-01,4\n"


def _event(**changed: Any) -> dict[str, Any]:
    config = {**FORECASTING["config"], "engine": "storecast", "explainability": True}
    config["what_if"] = {"cheaper": [{"attribute": "price", "operation": "MULTIPLY", "value": 0.8}]}
    event = {**FORECASTING, "config": config | changed}
    return {key: value for key, value in event.items() if key != "roleArn"}


@pytest.fixture
def plan(bucket: Bucket, context: Any) -> Any:
    """Plan's answer on these files, by kind and name."""

    def planned(files: dict[str, bytes], **changed: Any) -> dict[str, Any]:
        from forecasting.plan import handler

        bucket.objects |= {f"{FOLDER}{name}": body for name, body in files.items()}
        for key in bucket.objects:
            bucket.versions[key, bucket._etag(key)] = bucket.objects[key]
        return handler(_event(**changed), context)

    return planned


def _document(bucket: Bucket, uri: str) -> dict[str, Any]:
    return json.loads(bucket.objects[uri.removeprefix("s3://results/")])


def test_the_documents_are_those_that_the_job_reads(plan: Any, bucket: Bucket) -> None:
    files = {"target/a.csv": _TARGET, "related/a.csv": b"milk,2026-11-01,2\n", "metadata/a.csv": b"milk,food\n"}
    answer = plan(files)
    request = Request.from_json(json.dumps(_document(bucket, answer["train"]["request"])))
    assert request.target.files == [f"s3://data/{FOLDER}target/a.csv"] and request.predictor is None
    assert request.types == ["0.05", "0.1", "0.5", "0.9", "0.95", "mean"], (
        "of all forecasts, and the config's quantiles"
    )
    assert request.algorithms is None and request.counted and request.explain
    assert [change.attribute for change in request.scenarios["cheaper"]] == ["price"]
    assert request.output == answer["train"]["predictorArn"] == f"s3://results/{FOLDER}jobs/run={answer['run']}/train"
    versions = _document(bucket, answer["train"]["versions"])
    assert versions[f"s3://data/{FOLDER}target/a.csv"] == bucket._etag(f"{FOLDER}target/a.csv")
    assert "forecast" not in answer and answer["copies"] == []
    assert {key for key in answer if key.endswith("Arn")} == set(), "nothing of a service is in the plan"


def test_files_that_are_no_plain_csv_are_read_as_copies(plan: Any, bucket: Bucket, context: Any) -> None:
    from forecasting.load import handler

    answer = plan({"target/a.csv": _TARGET, "target/b.csv.gz": gzip.compress(b"tea,2026-11-01,5\n")})
    [copies] = answer["copies"]
    assert handler({**copies, "part": "copy"}, context) == {"copied": 1}
    target = _document(bucket, answer["train"]["request"])["target"]["files"]
    assert target[0] == f"s3://data/{FOLDER}target/a.csv" and len(target) == 2
    assert bucket.objects[target[1].removeprefix("s3://results/")].split() == [b"tea,2026-11-01,5"]


def test_what_needs_attributes_is_left_out_where_there_are_none(plan: Any, bucket: Bucket) -> None:
    answer = plan({"target/a.csv": _TARGET}, algorithms=["ETS", "NPTS"])
    request = _document(bucket, answer["train"]["request"])
    assert (request["scenarios"], request["explain"]) == ({}, False) == (answer["scenarios"] or {}, answer["explained"])
    assert request["algorithms"] == ["ETS", "NPTS"]


def _trained(bucket: Bucket, uri: str, loss: float, version: int = predictors.VERSION) -> None:
    """A job's result and predictor."""
    folder = uri.removeprefix("s3://results/")
    row = {"AverageWeightedQuantileLoss": 9.0, "WAPE": loss, "wQL[0.1]": loss, "wQL[0.5]": loss, "wQL[0.9]": loss}
    better = {name: value / 2 for name, value in row.items()}
    board = {"NPTS": row, "ETS": better, "AutoPredictor": row}
    result = {"leaderboard": board, "quarantined": [], "failures": 0, "failed": [], "messages": []}
    bucket.objects[f"{folder}/result.json"] = json.dumps(result).encode()
    bucket.objects[f"{folder}/predictor/predictor.json"] = json.dumps({"version": version}).encode()
    bucket.objects[f"{folder}/predictor/weights/part000000.parquet"] = b"w"


def _compare(bucket: Bucket, context: Any, part: str, **more: Any) -> dict[str, Any]:
    from forecasting.compare import handler

    inputs = {"config": "c", "files": {"target": "1"}}
    serving = {"run": EARLIER, "predictorArn": IN_USE, "forecasts": {}, "inputs": inputs}
    return handler({**_event(), "part": part, "inputs": inputs, "serving": serving, "force": False, **more}, context)


@pytest.mark.parametrize(("loss", "promoted"), [(0.2, True), (0.3, False)])
def test_the_ensemble_is_what_serves_and_is_compared(bucket: Bucket, context: Any, loss: float, promoted: bool) -> None:
    new = f"s3://results/{FOLDER}jobs/run=n/train"
    _trained(bucket, IN_USE, 0.2)
    _trained(bucket, new, loss)
    trained = [{"algorithm": "AutoPredictor", "predictorArn": new}]
    answer = _compare(bucket, context, "predictors", predictors=trained, failed=[])
    assert [row["algorithm"] for row in answer["accuracy"]] == ["AutoPredictor", "ETS", "NPTS"]
    assert answer["accuracy"][0]["AverageWeightedQuantileLoss"] == pytest.approx(loss), "over the config's quantiles"
    assert answer["promotion"]["promoted"] is promoted and answer["servingArn"] == (new if promoted else IN_USE)
    assert answer["backtests"] == {"folder": f"{FOLDER}jobs/run=n/train/backtest/"}
    assert "scenarios" not in answer and "explained" not in answer, "Plan says what the job makes"


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (0, "the predictor in use has version 0 of its files, and this release reads 1"),
        (None, "the predictor in use was deleted"),
    ],
)
def test_a_predictor_that_this_release_cannot_read_is_trained_again(
    bucket: Bucket, context: Any, version: int | None, reason: str
) -> None:
    if version is not None:
        _trained(bucket, IN_USE, 0.2, version)
    assert _compare(bucket, context, "actuals") == {"training": {"trained": True, "reason": reason}}


def test_the_version_that_this_release_reads_is_that_of_the_engines() -> None:
    from forecasting.job_results import PREDICTOR_VERSION

    assert predictors.VERSION == PREDICTOR_VERSION


def test_old_predictors_go_and_the_one_that_serves_stays(bucket: Bucket) -> None:
    from forecasting.job_results import prune

    runs = [EARLIER, *(f"2026110{day}T000000_bbb" for day in range(2, 6))]
    for run in runs:
        _trained(bucket, f"s3://results/{FOLDER}jobs/run={run}/train", 0.2)
        bucket.objects[f"{FOLDER}jobs/run={run}/train/forecast/part.csv"] = b"x"
    event: Any = {**_event(keep=2), "servingArn": IN_USE}
    assert prune(event) == [f"{FOLDER}jobs/run={run}/" for run in runs[1:3]]
    left = {key.split("/")[3].removeprefix("run=") for key in bucket.objects if "/predictor/" in key}
    assert left == {EARLIER, *runs[3:]} and len([key for key in bucket.objects if "/forecast/" in key]) == 5
    assert prune(event) == []


def test_what_the_job_remarks_is_said_with_file_row_and_series(bucket: Bucket) -> None:
    from forecasting.job_results import messages

    failed = [{"series": "milk, north", "algorithm": "ETS", "error": "ValueError: too short"}]
    bad = [{"message": "s3://data/t/b.csv, row 3, demand: 'many' is not a number"}]
    said = {
        "leaderboard": {},
        "quarantined": bad,
        "failures": 1,
        "failed": failed,
        "messages": ["2 series are left out"],
    }
    bucket.objects["r.json"] = json.dumps(said).encode()
    lines = list(messages("results", "r.json"))
    assert lines[0] == "a file was left out: s3://data/t/b.csv, row 3, demand: 'many' is not a number"
    assert "milk, north (ETS: ValueError: too short)" in lines[1] and lines[2:] == ["2 series are left out"]


@pytest.mark.parametrize(
    "message",
    [
        "JobFailed: there is no target to forecast from",
        "Error Category: UNCLASSIFIED_ERROR; JobFailed: there is no target to forecast from",
        "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 12; JobFailed: there is no target to forecast from",
    ],
)
def test_the_jobs_own_error_is_said_without_the_words_of_glue(message: str) -> None:
    from common.failures import in_words

    assert in_words(message) == "there is no target to forecast from"
