"""What is deployed: settings and states from the machine itself, the next start of a schedule, uploads, quarantine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from storecast.client import datasets, results, uploads
from storecast.client.aws import NotThere
from storecast.client.model import Dataset, Run
from tests.unit.storecast.world import RUN, SHOP, THEN, World


def test_the_settings_of_a_pipeline_are_those_that_are_deployed(world: World) -> None:
    assert datasets.settings(world, SHOP, "forecasting")["domain"] == {"item": "item_id", "target": "demand"}


def test_states_know_what_follows_them_and_what_holds_them(world: World) -> None:
    found = {each.name: each for each in datasets.states(world, SHOP, "forecasting")}
    assert found["Plan"].next == ("Train",) and found["Plan"].container == "Pipeline"
    assert found["Done"].container == ""


def test_a_pipeline_that_is_not_there_is_said(world: World) -> None:
    with pytest.raises(NotThere, match="nothing has no forecasting pipeline"):
        datasets.settings(world, Dataset("nothing", (), {}, "eu-west-1"), "forecasting")


@pytest.mark.parametrize(
    ("expression", "zone", "wanted"),
    [
        ("cron(17 3 * * ? *)", "UTC", datetime(2026, 11, 2, 3, 17, tzinfo=UTC)),
        ("cron(0 6 ? * MON *)", "Europe/Berlin", datetime(2026, 11, 2, 5, 0, tzinfo=UTC)),
        ("cron(0 6 L * ? *)", "UTC", datetime(2026, 11, 30, 6, 0, tzinfo=UTC)),
        ("rate(1 day)", "UTC", None),
    ],
)
def test_when_a_schedule_starts_next(expression: str, zone: str, wanted: datetime | None) -> None:
    assert datasets.next_start(expression, zone, THEN) == wanted


def test_uploads_are_counted_by_kind_and_quarantine_says_why(world: World) -> None:
    place = f"quarantine/forecasting/shop/target/{RUN}/bad.csv"
    world.put("data", place, "x\n")
    world.put("data", f"{place}.reason.txt", "what:   row 2: 'x' is not a number\nnext:   upload the corrected file\n")
    of = {each.kind: each.files for each in uploads.folders(world, SHOP, "forecasting")}
    assert of == {"target": 3, "related": 0, "metadata": 1}
    [file] = uploads.quarantine(world, SHOP, "forecasting")
    assert (file.kind, file.file, file.reason, file.next_step) == (
        "target",
        "bad.csv",
        "row 2: 'x' is not a number",
        "upload the corrected file",
    )
    assert uploads.quarantine_count(world, SHOP, "forecasting") == 1


def test_the_history_of_accuracy_is_that_of_published_runs(world: World) -> None:
    """A folder of a run that published nothing, such as one that was refused, is none."""
    row = {"algorithm": "AutoPredictor", "WAPE": 0.2}
    naive = {"algorithm": "Seasonal naive", "yardstick": True, "WAPE": 0.3}
    promotion = {"promoted": False, "reason": "it is worse"}
    for run, board in (("20261002T000000_aaa", [row, naive]), ("20261001T000000_aaa", [naive])):
        summary = {"run": run, "accuracy": board, "promotion": promotion, "bias": 0.1}
        world.put("results", f"forecasting/shop/runs/{run}/summary.json", summary)
    found = results.history(world, SHOP, "forecasting")
    assert [each.run[:8] for each in found] == ["20261001", "20261002"]
    assert [(each.name, each.yardstick) for each in found[1].board] == [
        ("AutoPredictor", False),
        ("Seasonal naive", True),
    ]
    assert (found[1].promoted, found[1].reason, found[1].bias) == (False, "it is worse", 0.1)


def _ended(outcome: str, status: str = "SUCCEEDED") -> Run:
    return Run("forecasting", outcome, "", status, THEN, THEN, outcome=outcome, published=outcome == "published")


@pytest.mark.parametrize(
    ("recent", "wanted"),
    [
        ([_ended("nothing new: x"), _ended("Plan: row 7", "FAILED"), _ended("published")], "published"),
        ([_ended("joined run x"), _ended("dry run: x"), _ended("Plan: row 7", "FAILED")], "Plan: row 7"),
        ([_ended("nothing new: x")], "nothing new: x"),
        ([_ended("", "RUNNING"), _ended("published")], "published"),
        ([_ended("joined run x")], None),
    ],
)
def test_the_last_run_is_the_one_that_says_how_things_are(recent: list[Run], wanted: str | None) -> None:
    """A failure is over once a later run found that all that is there was imported."""
    found = datasets._last(recent)
    assert (found.outcome if found else None) == wanted
