"""What a run need not import or train again: plan of both pipelines, over files in a bucket and the service's jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.lambdas.conftest import FORECASTING, RECOMMENDING, arn, events, times

_TARGET, _RELATED = ("forecasting/corner-shop/target/a.csv", "forecasting/corner-shop/related/a.csv")
_NEWEST = "forecasting/corner-shop/newest.json"


@pytest.fixture
def files(bucket: Any) -> dict[str, bytes]:
    bucket.objects |= {_TARGET: b"milk,2026-01-01,3\n", _RELATED: b"milk,2026-01-01,0.99\n"}
    return bucket.objects


def _plan(stub: Any, context: Any, jobs: list[tuple[str, int, str, str | None]], **event: Any) -> dict[str, Any]:
    """Plan of forecasting, where Forecast lists `jobs`: kind, day, status, tag (None where it is not asked for)."""
    from forecasting.plan import handler

    service = stub("forecast")
    if not event.get("force"):
        listed = [
            {
                "DatasetImportJobArn": arn("forecast", f"dataset-import-job/{kind}/{day}"),
                "DatasetImportJobName": f"storecast_corner_shop_{kind}_202611{day:02d}T211700_abc",
                "Status": status,
                **times(day),
            }
            for kind, day, status, _ in jobs
        ]
        service.add_response("list_dataset_import_jobs", {"DatasetImportJobs": listed})
    for kind, day, _, tag in jobs:
        if tag is not None:
            service.add_response(
                "list_tags_for_resource",
                {"Tags": [{"Key": "project", "Value": "storecast"}, {"Key": "files", "Value": tag}]},
                {"ResourceArn": arn("forecast", f"dataset-import-job/{kind}/{day}")},
            )
    return handler({**FORECASTING, **event}, context)


def _changed(planned: dict[str, Any]) -> dict[str, bool]:
    return {job["kind"]: job["changed"] for job in planned["imports"]}


def _tags(planned: dict[str, Any]) -> dict[str, str]:
    """What its imports will be tagged with."""
    return {job["kind"]: job["importedChecksum"] for job in planned["imports"]}


@pytest.fixture
def first(files: dict[str, bytes], stub: Any, context: Any) -> dict[str, Any]:
    """The plan of a first run, as if it had gone through."""
    planned = _plan(stub, context, [])
    assert _changed(planned) == {"target": True, "related": True} and planned["serving"] is None
    newest = {"run": planned["run"], "inputs": planned["inputs"], "predictorArn": "p", "forecasts": {}}
    files[_NEWEST] = json.dumps(newest).encode()
    return planned


def _imported(first: dict[str, Any], day: int = 20) -> list[tuple[str, int, str, str | None]]:
    return [(kind, day, "ACTIVE", tag) for kind, tag in _tags(first).items()]


def test_with_nothing_new_a_run_ends_in_words(first: dict[str, Any], stub: Any, context: Any) -> None:
    said = _plan(stub, context, _imported(first))["nothingNew"]
    assert said.startswith(f"nothing new: the files of target, related under s3://data/{_TARGET[:24]}")
    assert first["run"] in said and '{"force": true}' in said


def test_plan_lists_the_uploads_once(first: dict[str, Any], bucket: Any, stub: Any, context: Any) -> None:
    bucket.listings.clear()
    _plan(stub, context, _imported(first), force=False)
    folder = "forecasting/corner-shop/"
    assert bucket.listings == [folder, f"quarantine/{folder}metadata/"], "there is no file of metadata"


def test_only_the_dataset_that_changed_is_imported(
    first: dict[str, Any], files: dict[str, bytes], stub: Any, context: Any
) -> None:
    files[_RELATED] = b"milk,2026-01-01,1.09\n"
    planned = _plan(stub, context, _imported(first))
    assert _changed(planned) == {"target": False, "related": True}
    assert planned["serving"]["run"] == first["run"]


def test_a_file_more_or_of_another_name_is_a_change(
    first: dict[str, Any], files: dict[str, bytes], stub: Any, context: Any
) -> None:
    files[_TARGET.replace("a.csv", "b.csv")] = files.pop(_TARGET)
    assert _changed(_plan(stub, context, _imported(first))) == {"target": True, "related": False}


def test_force_imports_all_again(first: dict[str, Any], stub: Any, context: Any) -> None:
    assert _changed(_plan(stub, context, [], force=True)) == {"target": True, "related": True}


def test_what_was_imported_and_not_trained_on_is_trained_on(
    first: dict[str, Any], files: dict[str, bytes], stub: Any, context: Any
) -> None:
    del files[_NEWEST]
    assert _changed(_plan(stub, context, _imported(first))) == {"target": False, "related": False}


def test_a_changed_config_trains_again_and_imports_nothing(first: dict[str, Any], stub: Any, context: Any) -> None:
    changed = {**FORECASTING["config"], "horizon": 3}
    assert _changed(_plan(stub, context, _imported(first), config=changed)) == {"target": False, "related": False}


def test_how_much_is_kept_is_no_reason_to_train(first: dict[str, Any], stub: Any, context: Any) -> None:
    assert "nothingNew" in _plan(stub, context, _imported(first), config={**FORECASTING["config"], "keep": 9})


@pytest.mark.parametrize(
    ("later", "changed"),
    [
        (("target", 21, "CREATE_FAILED", None), False),
        (("target", 21, "CREATE_STOPPED", None), False),
        (("target", 21, "CREATE_IN_PROGRESS", None), True),
        (("target", 21, "ACTIVE", "another checksum"), True),
    ],
)
def test_the_last_import_that_took_effect_counts(
    first: dict[str, Any], files: dict[str, bytes], stub: Any, context: Any, later: tuple, changed: bool
) -> None:
    """A file that was replaced by another and put back: only what the dataset really holds is taken as imported."""
    target, related = _imported(first)
    files[_RELATED] = b"milk,2026-01-01,1.09\n"
    asked = (*target[:3], None) if changed else target
    assert _changed(_plan(stub, context, [asked, later, related])) == {"target": changed, "related": True}


def test_recommending_does_likewise(bucket: Any, stub: Any, context: Any) -> None:
    from recommending.plan import handler

    bucket.objects["recommending/corner-shop/interactions/a.csv"] = events(1_000)
    service = stub("personalize")
    service.add_response("list_dataset_import_jobs", {"datasetImportJobs": []})
    planned = handler(RECOMMENDING, context)
    [job] = planned["imports"]
    assert job["changed"]
    newest = json.dumps({"run": planned["run"], "inputs": planned["inputs"]})
    bucket.objects["recommending/corner-shop/newest.json"] = newest.encode()
    import_arn = arn("personalize", "dataset-import-job/x")
    there = {"datasetImportJobArn": import_arn, "jobName": job["request"]["jobName"], "status": "ACTIVE"}
    there |= dict(zip(("creationDateTime", "lastUpdatedDateTime"), times(22).values()))
    listed, tagged = (
        {"datasetImportJobs": [there]},
        {"tags": [{"tagKey": "files", "tagValue": job["importedChecksum"]}]},
    )
    later = {**there, "jobName": there["jobName"].replace("-2026", "-2027")}  # of a run that was not published
    for since in (there, later):
        service.add_response("list_dataset_import_jobs", listed)
        service.add_response("list_tags_for_resource", tagged, {"resourceArn": import_arn})
        service.add_response("list_dataset_import_jobs", {"datasetImportJobs": [since]})
    assert handler(RECOMMENDING, context)["nothingNew"].startswith("nothing new: the files of interactions under")
    again = handler(RECOMMENDING, context)
    assert again["dataChanged"] and not again["imports"][0]["changed"]
    service.add_response("list_dataset_import_jobs", listed)
    service.add_response("list_tags_for_resource", tagged, {"resourceArn": import_arn})
    bucket.objects["recommending/corner-shop/interactions/a.csv"] = events(1_000, "u2")
    assert handler(RECOMMENDING, context)["imports"][0]["changed"]
