"""Header rows: Forecast imports files without one (dataset-import-guidelines-troubleshooting.md). A header is checked
against the config, or the config's columns are taken from it, and a copy without it is what Forecast imports."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from common.clients import client
from common.deliveries import Uploads
from common.payload import CopiedFile
from common.store import S3File
from forecasting.payload import PlanRequest

INFER = "infer"  # what the config says instead of a dataset's columns
_HEAD = 65_536  # bytes: room for a header and the rows from which types are inferred


@dataclass
class Head:
    """How a file begins: its first rows, and at which byte the second one starts."""

    file: S3File
    rows: list[list[str]]
    second_row_at: int


def resolve(
    event: PlanRequest, uploads: Uploads, kinds: list[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[CopiedFile]]]:
    """The columns of each kind of dataset, and of the kinds whose files have headers each file with the byte at which
    its data begin.

    Raises ValueError naming the file, its header and what is expected.
    """
    columns: dict[str, dict[str, str]] = {}
    with_headers: dict[str, list[CopiedFile]] = {}
    for kind in kinds:
        heads = [_head(event["dataBucket"], file) for file in uploads.of(kind)]
        wanted = event["config"]["datasets"][kind]
        columns[kind] = _inferred(event, kind, heads[0]) if wanted == "infer" else wanted
        starts = [_start(event, kind, head, columns[kind], needed=wanted == INFER) for head in heads]
        if any(starts):
            with_headers[kind] = [
                {"key": head.file.key, "etag": head.file.etag, "start": start}
                for head, start in zip(heads, starts, strict=True)
            ]
    return columns, with_headers


def _head(bucket: str, file: S3File) -> Head:
    body = client("s3").get_object(Bucket=bucket, Key=file.key, Range=f"bytes=0-{_HEAD - 1}")["Body"].read()
    begins_at = len(body) - len(body.lstrip(b"\xef\xbb\xbf\r\n"))  # after a byte order mark and empty lines
    text = body[begins_at:].decode(errors="replace")
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    whole = rows[:-1] if len(body) == _HEAD else rows
    return Head(file, whole or [[]], body.find(b"\n", begins_at) + 1 or len(body))


def _inferred(event: PlanRequest, kind: str, head: Head) -> dict[str, str]:
    """Types by the names that the domain knows; the other columns of related series must be numbers.

    Forecast refuses to train on a related series of text that is no dimension, after all imports.
    """
    names, item, target = head.rows[0], event["domain"]["item"], event["domain"]["target"]
    required = [item, *([] if kind == "metadata" else ["timestamp"]), *([target] if kind == "target" else [])]
    if missing := [name for name in required if name not in names]:
        raise ValueError(
            f"{_uri(event, head)}, row 1 should be a header, as pipeline.yaml says, that names {', '.join(missing)}; "
            f"found {','.join(names)}"
        )
    dimensions, summed_over = event["config"]["dimensions"], event["config"]["summed_over"]
    known = {"timestamp": "timestamp", target: "float"} | dict.fromkeys([item, *dimensions], "string")
    others = [name for name in names if kind == "target" and name not in known and name not in summed_over]
    if others:
        raise ValueError(
            f"{_uri(event, head)}, row 1: one {item}'s rows are summed over all values of {', '.join(others)}; for "
            f"a series of each, write dimensions: [{', '.join([*dimensions, *others])}] in pipeline.yaml; if sums are "
            f"what you want, write summed_over: [{', '.join([*summed_over, *others])}]; otherwise remove the column"
        )
    for at, name in enumerate(names):
        if kind == "related" and name not in known and (text := _no_number(head, at)):
            row, value = text
            raise ValueError(
                f"{_uri(event, head)}, row {row}, column {name}: {value!r} is no number, but a related series must be "
                "one; make it a number, remove the column, or add it to dimensions in pipeline.yaml"
            )
    return {name: known.get(name, "float" if kind == "related" else "string") for name in names}


def _no_number(head: Head, column: int) -> tuple[int, str] | None:
    """The first value that is no number, with its row."""
    for number, row in enumerate(head.rows[1:], 2):
        value = row[column] if len(row) > column else ""
        try:
            float(value or 0)
        except ValueError:
            return number, value
    return None


def _start(event: PlanRequest, kind: str, head: Head, columns: dict[str, str], *, needed: bool) -> int:
    """The byte at which the data begin: 0 for a file without a header."""
    first = head.rows[0]
    signs = {"timestamp", event["domain"]["item"], event["domain"]["target"]}
    if not (needed or signs & set(first)):
        return 0
    if first != list(columns):
        raise ValueError(
            f"{_uri(event, head)}, row 1: the header {','.join(first)} is not {','.join(columns)}, the columns of "
            f"{kind} {'in its first file' if needed else 'in pipeline.yaml'}"
        )
    if len(head.rows) < 2:
        raise ValueError(f"{_uri(event, head)} holds a header and no row")
    return head.second_row_at


def _uri(event: PlanRequest, head: Head) -> str:
    return f"s3://{event['dataBucket']}/{head.file.key}"
