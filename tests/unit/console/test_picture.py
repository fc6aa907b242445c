"""A run as a picture: what it did is in it, in order; what only waits, chooses or cleans up is not."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("streamlit")
from storecast.client.model import Run
from storecast.console import picture
from tests.unit.console.made_up import MadeUp


def drawn(made: MadeUp, run: Run) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """The labels of the picture's nodes by name, and its edges."""
    aws: Any = made.aws
    text = picture.dot(made.states(aws, made.dataset, "forecasting"), made.detail(aws, made.dataset, run))
    nodes = dict(re.findall(r'^"([^"]+)" \[label="([^"]+)"', text, re.MULTILINE))
    return nodes, set(re.findall(r'^"([^"]+)" -> "([^"]+)";', text, re.MULTILINE))


def test_the_steps_of_a_run_follow_each_other_over_what_is_left_out() -> None:
    made = MadeUp()
    nodes, edges = drawn(made, made.runs[2])
    assert set(nodes) == {"Settle", "Plan", "Load", "Publish"}
    assert nodes["Settle"] == r"Settle\n1:05"
    assert edges == {("Settle", "Plan"), ("Plan", "Load"), ("Load", "Publish")}


def test_of_a_failed_run_what_was_not_reached_is_dashed() -> None:
    made = MadeUp()
    nodes, edges = drawn(made, made.runs[1])
    assert {"Plan", "Load", "Wait for dataset import job", "Publish"} <= set(nodes)
    assert ("Load", "Wait for dataset import job") in edges
    text = picture.dot(made.states(None, made.dataset, "f"), made.detail(None, made.dataset, made.runs[1]))
    styles = dict(re.findall(r'^"([^"]+)" \[.*color="(#\w+)", fontcolor', text, re.MULTILINE))
    assert styles["Plan"] == "#e5534b" and styles["Settle"] == "#3fb950"
    assert (
        '"Publish" [label="Publish"' in text and 'style="rounded,dashed"' in text.split('"Publish" [')[1].split("]")[0]
    )


def test_a_quote_in_a_name_does_not_end_it() -> None:
    assert picture._quoted('a "b" \\ \n') == r'"a \"b\" \\ \n"'
