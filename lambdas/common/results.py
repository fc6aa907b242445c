"""What a run leaves in its folder of the results bucket, and what points to the newest run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.store import put_json, put_text


def save(bucket: str, folder: str, run: str, summary: Mapping[str, Any], page: str) -> None:
    """The summary and the report of a run; `folder` is the dataset's, such as "forecasting/shop/"."""
    put_text(bucket, f"{folder}runs/{run}/report.html", page)
    put_json(bucket, f"{folder}runs/{run}/summary.json", summary)


def point_to(bucket: str, folder: str, summary: Mapping[str, Any], page: str) -> None:
    """Make a run the newest, by one write: newest.json comes last, and alone decides what serves. report.html before it
    is a copy for people, which names its run."""
    put_text(bucket, f"{folder}report.html", page)
    put_json(bucket, f"{folder}newest.json", summary)
