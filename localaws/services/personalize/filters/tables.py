"""A dataset's columns as filters ask for them: by value, in the order of a model's items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Column:
    """`values`: (N,) float64 with NaN for missing, or (N,) objects: strings, None for missing. One string may hold
    several categories, separated by | (docs/aws-sources.md#personalize-how-it-works-dataset-schema)."""

    values: np.ndarray

    @property
    def numeric(self) -> bool:
        return self.values.dtype != object

    @cached_property
    def rows_of(self) -> dict[str | float, list[int]]:
        """The rows that hold a category."""
        rows: dict[str | float, list[int]] = {}
        for row in range(len(self.values)):
            for category in self.categories(row):
                rows.setdefault(category, []).append(row)
        return rows

    def categories(self, row: int) -> list[str]:
        value = self.values[row]
        return [] if value is None else value.split("|")


@dataclass(frozen=True)
class Table:
    """Rows by position, columns by their names in upper case."""

    size: int
    columns: Mapping[str, Column]

    @classmethod
    def of(cls, ids: np.ndarray, records: Mapping[str, Mapping[str, object]]) -> Table:
        """One row per id: its record, all columns missing for an id without one. Strings and numbers keep apart by
        column; a column is numeric when none of its values is a string."""
        rows = [records.get(each, {}) for each in ids.tolist()]
        names = {name for row in rows for name in row}
        return cls(len(rows), {name.upper(): Column(_array([row.get(name) for row in rows])) for name in names})

    def column(self, name: str) -> Column:
        """A column that no record has is missing everywhere."""
        return self.columns.get(name) or Column(np.full(self.size, None, dtype=object))


def _array(values: list) -> np.ndarray:
    present = [value for value in values if value is not None]
    if present and not any(isinstance(value, str) for value in present):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
