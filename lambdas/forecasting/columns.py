"""Exported files with their columns where the Athena tables expect them, as tables over CSV files know only places, and
with the series' names as they were delivered: Forecast exports them in lower case."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from common.store import CsvFolder, put_text
from forecasting.history import Key, lower


def in_order(
    exported: CsvFolder,
    folder: str,
    columns: Sequence[str],
    dimensions: Sequence[str],
    names: Mapping[Key, Key],
    copies: str,
) -> str:
    """The folder with files in the order of `columns`: that of the export, or `copies` with its files rewritten.

    `names` are the series whose names are written otherwise than in lower case. The guide does not say where an export
    has its mean or its dimensions, and recorded files leave it open in part.
    Raises ValueError where a file lacks a column. One file is in memory at a time.
    """
    bucket = exported.bucket
    exports = {key: CsvFolder(bucket, {key: etag}) for key, etag in exported.etags.items()}
    heads = {key: _names(next(export.rows()), columns[0]) for key, export in exports.items()}
    if not names and all(found == list(columns) for found in heads.values()):
        return folder
    series = [columns.index(name) for name in (columns[0], *dimensions)]
    for key, export in exports.items():
        if missing := [name for name in columns if name not in heads[key]]:
            found = ", ".join(heads[key])
            raise ValueError(f"s3://{bucket}/{key} has the columns {found}, but not {', '.join(missing)}")
        places, text = [heads[key].index(name) for name in columns], io.StringIO()
        writer, (_, *rows) = csv.writer(text), export.rows()
        writer.writerow(columns)
        for row in rows:
            ordered = [row[place] for place in places]
            exported_as = lower(ordered[at] for at in series)
            for at, name in zip(series, names.get(exported_as, ())):
                ordered[at] = name
            writer.writerow(ordered)
        put_text(bucket, f"{copies}{key.removeprefix(folder)}", text.getvalue())
    return copies


def _names(header: Sequence[str], item: str) -> list[str]:
    """The columns as the tables call them: the first one is the item, and p5 may be written p05."""
    _, *others = header
    return [item, *(f"p{int(name[1:]):02d}" if name[:1] == "p" and name[1:].isdigit() else name for name in others)]
