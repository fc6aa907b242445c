"""The pipelines under faults: scenes, 200 stories drawn from seeds, and one in 31 of all faults of all calls and of all
blows in all states (`make chaos` plays them all; tests/faults tells them).

They are told in a process of its own, which makes the embedded AWS a part of itself and lets no time pass.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.faults.everywhere import BLOWS, FAULTS
from tests.faults.pipelines import PIPELINES, STORECAST
from tests.faults.scenes import SCENES
from tests.faults.scenes_storecast import SCENES as OURS
from tests.infra.conftest import ROOT, Assembly, definition, shared

STORIES = 200
EVERY = 31


@pytest.fixture(scope="module")
def told(assembly: Assembly, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("faults")
    for pipeline in PIPELINES:
        (folder / f"{pipeline.key}.json").write_text(definition(assembly, pipeline.name))
    ours = shared(tmp_path_factory, "storecast")
    (folder / f"{STORECAST.key}.json").write_text(definition(ours, STORECAST.name))
    command = [sys.executable, "-m", "tests.faults", "--stories", str(STORIES), "--every", str(EVERY)]
    command += ["--machines", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout.startswith("{"), ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("scene", [*SCENES, *OURS])
def test_a_fault_in_mid_run(told: dict[str, Any], scene: str) -> None:
    assert told["scenes"][scene] == ""


def test_every_story_keeps_every_promise(told: dict[str, Any]) -> None:
    """By seed, which of tests/faults/promises.py it broke: `python -m tests.faults --first SEED` tells it again."""
    assert told["stories"]["failing"] == {}
    assert told["stories"]["forecasting"] + told["stories"]["recommending"] == STORIES


def test_the_stories_meet_every_kind_of_fault(told: dict[str, Any]) -> None:
    stories = told["stories"]
    assert len(stories["faults"]) == 7 and min(stories["faults"].values()) >= 5
    assert all(stories[what] > 20 for what in ("stop", "crash", "delete", "quarantined"))
    assert all(stories["runs"][end] > 10 for end in ("SUCCEEDED", "FAILED", "ABORTED"))


def test_each_call_and_each_state_keeps_every_promise_whatever_meets_it(told: dict[str, Any]) -> None:
    """By case, what it broke: `python -m tests.faults --stories 0 --every 1 --only CASE` plays it again."""
    everywhere = told["everywhere"]
    assert everywhere["failing"] == {}
    kinds = {*FAULTS, *BLOWS}
    assert set(everywhere["played"]) == kinds and min(each["cases"] for each in everywhere["played"].values()) >= 1
    assert all(
        counted["forecasting"] > 60 and counted["recommending"] > 60
        for counted in (everywhere["states"], everywhere["calls"])
    )
