"""A hostile file costs a run no more memory than any other."""

from __future__ import annotations

import gzip
import io
import tracemalloc

import pytest

from common.tables import Refused, rows

MEBIBYTE = 2**20


@pytest.mark.parametrize("line", ["a" * 64 * MEBIBYTE, "a," * 32 * MEBIBYTE, '"' + "a" * 64 * MEBIBYTE])
def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(line: str) -> None:
    """64 KB of gzip are 64 MiB of it; a process of 512 MiB ended over ten times as much, in each run anew."""
    body = gzip.compress(f"milk,2026-01-01,1\n{line}".encode())
    found = []
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match=r"^b.csv.gz, row 2: "):
            for number, row in rows("b.csv.gz", io.BytesIO(body), {"gzip": True}):
                found.append(number)
                if len(row) != 3:
                    raise Refused(f"b.csv.gz, row {number}: {len(row)} values")  # as `checked` does
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found[0] == 1 and peak < 100 * MEBIBYTE
