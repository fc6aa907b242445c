"""What files of Forecast's datasets must hold: the columns that the config lists, or those of the first good file."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping

from common.intake import Expecting
from common.tables import Expected, Head, Refused
from forecasting.payload import PlanRequest
from forecasting.reserved import is_reserved

_NUMBERS = ("float", "integer")


def expecting(event: PlanRequest, kind: str) -> Expecting:
    """What a file of this kind of dataset must hold, by its name and head."""
    given = event["config"]["datasets"][kind]
    if isinstance(given, str):  # "infer"
        return functools.partial(_inferred, event, kind)
    fixed = _expected(event, kind, given, header=False)
    return lambda name, head: fixed


def _expected(event: PlanRequest, kind: str, columns: Mapping[str, str], *, header: bool) -> Expected:
    """Texts tell series apart, in item metadata the item alone does."""
    item = event["domain"]["item"]
    texts = [name for name, type_ in columns.items() if type_ in ("string", "geolocation") and name != item]
    keys = (item,) if kind == "metadata" else (item, *texts)
    time = () if kind == "metadata" else ("timestamp",)
    return Expected(
        kind=kind,
        columns=columns,
        keys=keys,
        identity=(*keys, *time),
        checked=(*time, *(name for name, type_ in columns.items() if type_ in _NUMBERS)),
        header=header,
        others=False,
        timestamp_format=event["config"]["timestamp_format"],
    )


def _inferred(event: PlanRequest, kind: str, name: str, head: Head) -> Expected:
    """Types by the names that the domain knows; the other columns of related series must be numbers.

    Forecast refuses to train on a related series of text that is no dimension, after all imports. Raises Refused for a
    file whose header cannot be that of a dataset, ValueError where the config must say what a column is for.
    """
    item, target, header = event["domain"]["item"], event["domain"]["target"], head.rows[0] if head.rows else []
    dimensions, summed_over = event["config"]["dimensions"], event["config"].get("summed_over", [])
    known = {"timestamp": "timestamp", target: "float"} | dict.fromkeys([item, *dimensions], "string")
    spelled = {each.lower(): each for each in (*known, *summed_over)}
    names = [spelled.get(cell.strip().lower(), cell.strip()) for cell in header]
    required = [item, *([] if kind == "metadata" else ["timestamp"]), *([target] if kind == "target" else [])]
    if missing := [each for each in required if each not in names]:
        raise Refused(
            f"{name}, row 1 should be a header, as pipeline.yaml says, that names {', '.join(missing)}; found "
            f"{','.join(header)[:200]!r}"
        )
    if wrong := [each for each in names if each and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", each)]:
        raise Refused(
            f"{name}, row 1: column name {wrong[0]!r}: allowed are 1-63 letters, digits and _, a letter first"
        )
    if taken := [each for each in names if each not in known and is_reserved(each)]:
        raise Refused(f"{name}, row 1: Forecast reserves the name {', '.join(taken)}: rename the column")
    others = [each for each in names if each and kind == "target" and each not in known and each not in summed_over]
    if others:
        raise ValueError(
            f"{name}, row 1: one {item}'s rows are summed over all values of {', '.join(others)}; for "
            f"a series of each, write dimensions: [{', '.join([*dimensions, *others])}] in pipeline.yaml; if sums are "
            f"what you want, write summed_over: [{', '.join([*summed_over, *others])}]; otherwise remove the column"
        )
    if kind == "related":
        _check_numbers(name, names, head, known)
    columns = {each: known.get(each, "float" if kind == "related" else "string") for each in names if each}
    return _expected(event, kind, columns, header=True)


def _check_numbers(name: str, names: list[str], head: Head, known: Mapping[str, str]) -> None:
    """Raises Refused for a text among the first rows of a related series."""
    for at, column in enumerate(names):
        for number, row in enumerate(head.rows[1:], 2):
            if column not in known and len(row) > at and not _is_number(row[at]):
                raise Refused(
                    f"{name}, row {number}, column {column}: {row[at]!r} is no number, but a related series must be "
                    "one; make it a number, remove the column, or add it to dimensions in pipeline.yaml"
                )


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value or 0))
    except ValueError:
        return False
