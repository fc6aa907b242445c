"""What an import read, and which import counts: by what the service says, not by names or clocks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.lambdas.conftest import arn, times

_FOLDER = "forecasting/corner-shop/target/"
_ROWS = b"milk,2026-01-01,3\n"


def _named(kind: str, run: str) -> str:
    return f"storecast_corner_shop_{kind}_{run}"


def _job(service: str, day: int, ended: int) -> dict[str, Any]:
    """The service's listing of one import that was made on a day of November."""
    name, status = _named("target", f"202611{day:02d}T211700_abc"), {"Status": "ACTIVE"}
    made, end = times(day)["CreationTime"], times(ended)["LastModificationTime"]
    job = arn(service, f"dataset-import-job/{day}")
    if service == "forecast":
        moments = {"CreationTime": made, "LastModificationTime": end}
        return {"DatasetImportJobArn": job, "DatasetImportJobName": name, **status, **moments}
    moments = {"creationDateTime": made, "lastUpdatedDateTime": end}
    return {"datasetImportJobArn": job, "jobName": name, "status": "ACTIVE", **moments}


def _list(stub: Any, service: str, jobs: list[dict[str, Any]]) -> None:
    key = "DatasetImportJobs" if service == "forecast" else "datasetImportJobs"
    stub(service).add_response("list_dataset_import_jobs", {key: jobs})


@pytest.mark.parametrize("service", ["forecast", "personalize"])
@pytest.mark.parametrize(
    ("what", "attempt", "again"),
    [
        ("nothing", 0, False),
        ("replaced", 0, True),
        ("put again", 0, True),
        ("deleted", 0, True),
        ("more", 0, True),
        ("replaced", 1, True),
        ("replaced", 3, False),
    ],
)
def test_an_import_is_tagged_if_its_files_stayed_the_same(
    bucket: Any, stub: Any, service: str, what: str, attempt: int, again: bool
) -> None:
    """Put again with the same content, a file may have been another meanwhile."""
    from common.deliveries import Uploads, confirm

    bucket.objects[f"{_FOLDER}a.csv"] = _ROWS
    bucket.put, late = times(19)["CreationTime"], times(20)["LastModificationTime"]
    saw = Uploads.listed("data", "forecasting/corner-shop/").checksums(["target"])["target"]
    match what:
        case "deleted":
            del bucket.objects[f"{_FOLDER}a.csv"]
        case "replaced":
            bucket.objects[f"{_FOLDER}a.csv"] = b"milk,2026-01-01,4\n"
        case "put again":
            bucket.puts[f"{_FOLDER}a.csv"] = late
        case "more":
            bucket.objects[f"{_FOLDER}b.csv"] = _ROWS
    _list(stub, service, [_job(service, 20, 20)])
    job = arn(service, "dataset-import-job/20")
    tagging = {
        "forecast": {"ResourceArn": job, "Tags": [{"Key": "files", "Value": "held"}]},
        "personalize": {"resourceArn": job, "tags": [{"tagKey": "files", "tagValue": "held"}]},
    }
    if what == "nothing":
        stub(service).add_response("tag_resource", {}, tagging[service])
    event = {"kind": "target", "dataBucket": "data", "folder": _FOLDER, "importJobArn": job, "attempt": attempt}
    said = confirm(stub(service).client, {**event, "importedChecksum": "held", "plannedChecksum": saw}, _named)
    assert said == ({"reimport": True} if again else {})


def test_a_copy_and_a_file_imported_alone_are_tagged_at_once(stub: Any) -> None:
    from common.deliveries import confirm

    job = arn("forecast", "dataset-import-job/20")
    held = {"ResourceArn": job, "Tags": [{"Key": "files", "Value": "held"}]}
    stub("forecast").add_response("tag_resource", {}, held)
    assert (
        confirm(
            stub("forecast").client, {"importJobArn": job, "importedChecksum": "held", "plannedChecksum": ""}, _named
        )
        == {}
    )


def test_what_a_dataset_holds_is_what_ended_last_not_what_is_named_last(stub: Any) -> None:
    """An import of a run that was stopped may end after that of the run after it."""
    from common.deliveries import imports

    _list(stub, "forecast", [_job("forecast", 20, ended=23), _job("forecast", 21, ended=22)])
    found = imports(stub("forecast").client, ["target"], _named)["target"]
    assert [job.arn.rpartition("/")[2] for job in found] == ["21", "20"]


def test_a_run_sorts_after_the_newest_even_if_the_clock_was_set_back() -> None:
    from common.names import run_id

    earlier = "2026-11-22T21:17:00.123Z"
    newest = run_id("a", "2026-11-22T23:00:00.000Z")
    assert run_id("b", earlier) < newest < run_id("b", earlier, newest)
    assert run_id("b", "2026-11-23T08:00:00.000Z", newest).startswith("20261123T080000")
