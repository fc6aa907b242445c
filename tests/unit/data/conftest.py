"""The datasets' configs, and the check of files against them."""

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="session")
def config() -> Callable[[str], dict]:
    return lambda folder: yaml.safe_load((DATA / folder / "pipeline.yaml").read_text())


@pytest.fixture(scope="session")
def check_files() -> Callable[[Path, dict], None]:
    return files_follow_config


def files_follow_config(out: Path, sections: dict) -> None:
    """Column count and types of the headerless files, header of the others, against the config."""
    dataset = sections["dataset"]
    for name, columns in sections["forecasting"]["datasets"].items():
        with (out / f"forecasting/{dataset}/{name}/{name}.csv").open() as file:
            rows = list(csv.reader(file))
        assert {len(row) for row in rows} == {len(columns)}, name
        for position, kind in enumerate(columns.values()):
            values = [row[position] for row in rows]
            assert all(0 < len(value) <= 256 for value in values), name
            if kind == "float":
                assert min(map(float, values)) >= 0
            elif kind == "timestamp":
                pd.to_datetime(pd.Series(values), format="%Y-%m-%d")
    for name, columns in sections.get("recommending", {"datasets": {}})["datasets"].items():
        table = pd.read_csv(out / f"recommending/{dataset}/{name}/{name}.csv", dtype=str, keep_default_na=False)
        assert list(table.columns)[: len(columns)] == list(columns), name
        assert set(table.columns) - set(columns) <= {"PRODUCT_NAME"}
        assert all(table[column].str.len().between(1, 256).all() for column in table.columns), name
        assert not table.map(lambda value: "|" in value).any(axis=None), name
