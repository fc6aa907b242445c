"""Exported files with their columns where the Athena tables expect them: tables over CSV files know only places."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from common.store import CsvFolder, put_text


def in_order(exported: CsvFolder, folder: str, columns: Sequence[str], copies: str) -> str:
    """The folder with files in the order of `columns`: that of the export, or `copies` with its files rewritten.

    The guide does not say where an export has its mean or its dimensions, and recorded files leave it open in part.
    Raises ValueError where a file lacks a column. One file is in memory at a time.
    """
    bucket = exported.bucket
    exports = {file.key: CsvFolder(bucket, [file]) for file in exported.files}
    names = {key: _names(next(export.rows()), columns[0]) for key, export in exports.items()}
    if all(found == list(columns) for found in names.values()):
        return folder
    for key, export in exports.items():
        if missing := [name for name in columns if name not in names[key]]:
            found = ", ".join(names[key])
            raise ValueError(f"s3://{bucket}/{key} has the columns {found}, but not {', '.join(missing)}")
        places, text = [names[key].index(name) for name in columns], io.StringIO()
        writer, (_, *rows) = csv.writer(text), export.rows()
        writer.writerows([columns, *([row[place] for place in places] for row in rows)])
        put_text(bucket, f"{copies}{key.removeprefix(folder)}", text.getvalue())
    return copies


def _names(header: Sequence[str], item: str) -> list[str]:
    """The columns as the tables call them: the first one is the item, and p5 may be written p05."""
    _, *others = header
    return [item, *(f"p{int(name[1:]):02d}" if name[:1] == "p" and name[1:].isdigit() else name for name in others)]
