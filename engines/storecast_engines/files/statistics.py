"""FieldStatistics of Forecast's imports, of a table that comes in parts."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd


class Statistics:
    """By column, the counts, and Min to Stddev of numbers and times; parts are added one after the other.

    Count leaves missing values out and only numbers have CountNan, as in the recorded answers of the service. In memory
    are the distinct values of each column, which CountDistinct counts.
    """

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}

    def add(self, frame: pd.DataFrame) -> None:
        for name, column in frame.items():
            self._columns.setdefault(str(name), _Column(column.dtype.kind)).add(column)

    def result(self) -> dict[str, dict[str, Any]]:
        return {name: column.result() for name, column in self._columns.items()}


class _Column:
    """Mean and squares are merged as in Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances" (1979)."""

    def __init__(self, kind: str) -> None:
        self._kind = kind  # of the dtype: f, M, or that of strings
        self._count = self._empty = 0
        self._mean = self._squares = 0.0
        self._low: Any = None
        self._high: Any = None
        self._distinct: Any = set()

    def add(self, column: pd.Series) -> None:
        empty = column.isna() if self._kind in "fM" else column == ""
        present = column[~empty]
        self._empty += int(empty.sum())
        if present.empty:
            return
        if self._kind in "fM":
            found = present.unique()
            self._distinct = np.union1d(self._distinct, found) if self._count else np.unique(found)
            self._low = present.min() if self._low is None else min(self._low, present.min())
            self._high = present.max() if self._high is None else max(self._high, present.max())
        else:
            self._distinct.update(present.unique())
        if self._kind == "f":
            mean, squares = float(present.mean()), float(present.var(ddof=0)) * len(present)
            total, apart = self._count + len(present), mean - self._mean
            self._squares += squares + apart**2 * self._count * len(present) / total
            self._mean += apart * len(present) / total
        self._count += len(present)

    def result(self) -> dict[str, Any]:
        counts = {"Count": self._count, "CountDistinct": len(self._distinct), "CountNull": self._empty}
        if self._kind == "f":
            counts["CountNan"] = 0
        answer: dict[str, Any] = counts | {f"{member}Long": value for member, value in counts.items()}
        if not self._count:
            return answer
        if self._kind == "f":
            answer |= {"Min": double(self._low), "Max": double(self._high)}
            answer |= {"Avg": self._mean, "Stddev": float(np.sqrt(self._squares / self._count))}
        elif self._kind == "M":
            answer |= {"Min": f"{self._low.isoformat()}Z", "Max": f"{self._high.isoformat()}Z"}
        return answer


def double(value: float) -> str:
    """A number without loss as the service writes it, which is Java's way: 186.0, 1.0E7, 2.295408381527212E-4."""
    value = float(value)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{int(exponent) + len(digits) - 1}"
