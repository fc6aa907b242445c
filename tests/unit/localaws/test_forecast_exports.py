"""The layout of Forecast's export files, against the recorded ones (tests/contract/recorded/exports.md)."""

import numpy as np
import pandas as pd
import pytest

from localaws.services.forecast import artifacts
from localaws.services.forecast.jobs import exports


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What the job puts into S3, by its name in the folder."""
    there: dict[str, bytes] = {}
    monkeypatch.setattr(exports, "locate", lambda access, path: None)
    monkeypatch.setattr(exports, "check_folder", lambda access, path: None)
    monkeypatch.setattr(exports, "write", lambda access, path, name, body: there.update({name: body}))
    return there


def _forecast(tmp_path, items: int, dimensions: tuple[str, ...] = (), metadata: pd.DataFrame | None = None) -> None:
    keys = pd.DataFrame({"item_id": [f"Item{at}" for at in range(items)]} | {name: "North" for name in dimensions})
    days = np.array(["2019-02-01", "2019-02-02"], dtype="datetime64[s]")
    values = np.full((items, 2, 1), -6.3)
    artifacts.save_forecast(tmp_path, artifacts.Forecast(keys, days, ["p50"], values, values[:, :, 0], metadata))


@pytest.mark.parametrize(("items", "parts"), [(3, 4), (467, 13), (10_000, 13)])
def test_items_are_spread_over_a_bounded_number_of_parts(tmp_path, written, items: int, parts: int) -> None:
    _forecast(tmp_path, items)
    to = exports.Destination("s3://b/f", "CSV", "job")
    exports.export_forecast(exports.ExportForecast(to, tmp_path), None)
    assert written.pop("_SUCCESS") == b""
    assert len(written) == parts
    empty, *others = written.values()
    assert empty == b"item_id,date,p50\r\n"
    assert all(text.startswith(empty) for text in others)
    rows = [line for text in others for line in text.decode().split("\r\n")[1:-1]]
    assert len(rows) == items * 2
    assert sorted(rows)[0] == "item0,2019-02-01T00:00:00Z,-6.3"
    assert "\n" not in "".join(rows)


def test_the_date_comes_before_the_dimension(tmp_path, written) -> None:
    _forecast(tmp_path, 1, ("store",))
    to = exports.Destination("s3://b/f", "CSV", "job")
    exports.export_forecast(exports.ExportForecast(to, tmp_path), None)
    (part,) = (text for name, text in written.items() if name.endswith("part1.csv"))
    assert part.startswith(b"item_id,date,store,p50\r\nitem0,2019-02-01T00:00:00Z,north,-6.3\r\n")


def test_item_metadata_come_between_item_and_date_in_lower_case(tmp_path, written) -> None:
    _forecast(tmp_path, 1, ("store",), pd.DataFrame({"Brand": ["Own"], "size": ["XL"]}))
    to = exports.Destination("s3://b/f", "CSV", "job")
    exports.export_forecast(exports.ExportForecast(to, tmp_path), None)
    (part,) = (text for name, text in written.items() if name.endswith("part1.csv"))
    expected = b"item_id,Brand,size,date,store,p50\r\nitem0,own,xl,2019-02-01T00:00:00Z,north,-6.3\r\n"
    assert part.startswith(expected)
